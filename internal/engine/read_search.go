package engine

import (
	"context"
	"slices"
	"sort"
	"strings"
	"time"

	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

const hitsEach = 8

// Search finds records, forms and clauses by what people type; what the reader may not see is neither
// shown nor counted.
func (e *Engine) Search(ctx context.Context, now time.Time, actor Actor, q string) (*SearchResult, error) {
	out := &SearchResult{}
	words := searchWords(q)
	err := e.read(ctx, now, actor, func(w *work) error {
		out.Groups = []HitGroup{}
		if len(words) == 0 {
			return nil
		}
		var forms []*rulebook.Form
		var all []string // domains in which the reader may search any of them
		domains := map[*rulebook.Form][]string{}
		for _, b := range e.Lib.Books {
			for _, f := range b.Forms {
				if f.Kept == "engine" {
					continue
				}
				forms, domains[f] = append(forms, f), w.tokenDomains(f)
				all = append(all, domains[f]...)
			}
		}
		slices.Sort(all)
		w.tx.Together(w.partsOf(words, slices.Compact(all)))
		parts := map[string][][][]string{} // of the same domains they are the same
		var partners, records []Hit
		for _, f := range forms {
			of := strings.Join(domains[f], "\n")
			if parts[of] == nil {
				parts[of] = w.partsOf(words, domains[f])
			}
			hits, err := w.findIn(f, words, parts[of])
			if err != nil {
				return err
			}
			if f.Book.ID == "base" {
				partners = append(partners, hits...)
			} else {
				records = append(records, hits...)
			}
		}
		add := func(kind string, l Text, hits []Hit) {
			if len(hits) > 0 {
				out.Groups = append(out.Groups, HitGroup{kind, l, hits[:min(len(hits), hitsEach)]})
			}
		}
		add("customer", Text{"客户与基础资料", "Customers and base data"}, rank(partners, words))
		add("record", Text{"记录", "Records"}, rank(records, words))
		add("clause", Text{"条款", "Clauses"}, w.findClauses(words))
		add("form", Text{"办什么", "Do"}, w.findForms(words))
		return nil
	})
	return out, err
}

func (w *work) findIn(f *rulebook.Form, words []string, parts [][][]string) ([]Hit, error) {
	rows, err := w.rowsWith(f, parts)
	if err != nil {
		return nil, err
	}
	var list []Hit
	for _, row := range rows {
		r := w.adopt(f, row)
		if !w.classSeen(r) {
			continue
		}
		l, title := textOr(f.Label, f.ID), w.title(r)
		if len(f.States) > 1 {
			state := stateText(f, r.State())
			l = Text{l.ZH + "，" + state.ZH, l.EN + ", " + state.EN}
		}
		list = append(list, Hit{f.Key, r.id, r.Number(), Text{title, title}, l, words[0]})
	}
	return list, nil
}

// rowsWith are the newest rows of a form with these words that the reader may see. The index names the newest that can have them;
// if what he sees is not among those, some more; and only then the register is looked through.
func (w *work) rowsWith(f *rulebook.Form, parts [][][]string) ([]store.Row, error) {
	var where query.Expr
	for _, most := range []int{store.FewPieces, store.MostPieces, 0} {
		var few query.Expr
		whole := most == 0
		if !whole {
			var err error
			if few, whole, err = w.tx.Newest(f.Table, "this", parts, most); err != nil || query.Never(few) {
				return nil, err
			}
			if few == nil {
				continue
			}
		}
		if where == nil {
			if w.scopeOf(f).none { // asked only where something is
				return nil, nil
			}
			where = query.And(w.whereClass(f, "this"), having(parts))
			if f.Merge != nil { // what was merged is found as what it was merged into
				where = query.And(where, query.Op{Name: "or", Args: []query.Expr{standing("this"), query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "this", Name: f.Merge.Merge.Into}}}}})
			}
		}
		p := &plan{form: f, column: "at", where: query.And(few, where)}
		if err := w.reach(p, few != nil); err != nil {
			return nil, err
		}
		rows, err := w.tx.Select(query.Select{Table: f.Table, Alias: "this", Where: p.where, Any: p.any, Limit: hitsEach,
			Order: []query.Order{{Expr: query.Col{Alias: "this", Name: "at"}, Desc: true}}})
		if err != nil || whole || len(rows) == hitsEach {
			return rows, err
		}
	}
	return nil, nil
}

// rank puts the exact number first, then what begins with what was typed.
func rank(hits []Hit, words []string) []Hit {
	q := words[0]
	score := func(h Hit) int {
		switch {
		case fold(h.Number) == q:
			return 0
		case strings.HasPrefix(fold(h.Number), q):
			return 1
		case strings.HasPrefix(fold(h.Title.ZH), q):
			return 2
		}
		return 3
	}
	sort.SliceStable(hits, func(i, j int) bool { return score(hits[i]) < score(hits[j]) })
	return hits
}

func found(s string, words []string) bool {
	s = fold(s)
	for _, word := range words {
		if !strings.Contains(s, word) {
			return false
		}
	}
	return true
}

func (w *work) findClauses(words []string) []Hit {
	var list []Hit
	for _, b := range w.e.Lib.Books {
		for _, c := range b.Clauses {
			if len(list) < hitsEach && found(c.ID+" "+c.Text.ZH+" "+c.Text.EN, words) {
				list = append(list, Hit{"", c.ID, c.ID, text(c.Text), text(b.Title), words[0]})
			}
		}
	}
	return list
}

func (w *work) findForms(words []string) []Hit {
	var list []Hit
	for _, b := range w.e.Lib.Books {
		for _, f := range b.Forms {
			if f.Kept == "engine" {
				continue
			}
			all := f.Label.ZH + " " + f.Label.EN + " " + strings.Join(spell(f.Label.ZH), " ")
			if len(list) < hitsEach && found(all, words) && !w.scopeOf(f).none {
				sub := Text{"登记簿", "Register"}
				if w.mayCreate(f) {
					sub = Text{"新建", "New"}
				}
				list = append(list, Hit{f.Key, f.Key, "", textOr(f.Label, f.ID), sub, words[0]})
			}
		}
	}
	return list
}
