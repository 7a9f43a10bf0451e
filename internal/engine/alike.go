package engine

import (
	"context"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode"

	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// Two records of one customer are two half-truths. So whoever is about to file one is told what stands there already that may be the
// same: by a name that is near in signs or in sound, a code, a telephone number. It is a warning: two branches may be called alike.
// Only records of which he sees the field are compared; what he may not see does not show itself by a match.

// Alike is a record that may be the same as one that is about to be filed.
type Alike struct {
	Form       string     `json:"form"`
	ID         string     `json:"id"`
	Number     string     `json:"number"`
	Title      string     `json:"title"`
	StateLabel Text       `json:"state_label"`
	Why        []AlikeWhy `json:"why"`
	near       int
}

// AlikeWhy is a field that is the same, or near.
type AlikeWhy struct {
	Field string `json:"field"`
	Label Text   `json:"label"`
	Same  bool   `json:"same"`
}

const (
	alikeShown = 5
	alikeRows  = 200 // candidates that are compared
	alikeKeys  = 20  // values that are looked for
	nearEnough = 70  // of a hundred
)

// Alike finds what is there already of a record that would have these values; except leaves out the record itself. It answers of forms
// whose records others are about, and nothing of others.
func (e *Engine) Alike(ctx context.Context, now time.Time, actor Actor, form string, values map[string]any, lines map[string][]map[string]any, except string) ([]Alike, error) {
	list := []Alike{}
	err := e.read(ctx, now, actor, func(w *work) error {
		f, err := w.formSeen(form)
		if err != nil {
			return err
		}
		list, err = w.alike(f, values, lines, except)
		return err
	})
	return list, err
}

func (w *work) alike(f *rulebook.Form, values map[string]any, lines map[string][]map[string]any, except string) ([]Alike, error) {
	if !w.central(f) {
		return []Alike{}, nil
	}
	found := map[string]*Alike{}
	add := func(r *Record, fd *rulebook.Field, near int) {
		if r.id == except || r.State() == "void" || w.visible(r, fd) != full || !w.classSeen(r) {
			return
		}
		x := found[r.id]
		if x == nil {
			x = &Alike{Form: f.Key, ID: r.id, Number: r.Number(), Title: w.title(r), StateLabel: stateText(f, r.State())}
			found[r.id] = x
		}
		x.near += near
		x.Why = append(x.Why, AlikeWhy{fd.ID, textOr(fd.Label, fd.ID), near >= 100})
	}
	asked := 0
	for _, fd := range f.Fields {
		s, _ := values[fd.ID].(string)
		if s = strings.TrimSpace(s); s == "" || live(fd) || asked >= alikeKeys {
			continue
		}
		var err error
		switch {
		case naming(f, fd):
			err = w.alikeNames(f, fd, s, add)
		case identifies(fd) && fd.Personal:
			err = w.alikeWhere(f, query.Eq("this", fd.Mark(), w.e.markOf(fd.Type.Name, s)), func(r *Record) { add(r, fd, 100) })
		case identifies(fd):
			err = w.alikeCodes(f, fd, s, add)
		default:
			continue
		}
		if asked++; err != nil {
			return nil, err
		}
	}
	for _, l := range f.Lines {
		for _, row := range lines[l.ID] {
			for _, fd := range l.Fields {
				s, _ := row[fd.ID].(string)
				if s = strings.TrimSpace(s); s == "" || !fd.Personal || !identifies(fd) || asked >= alikeKeys {
					continue
				}
				asked++
				if err := w.alikeLines(f, l, fd, s, add); err != nil {
					return nil, err
				}
			}
		}
	}
	list := []Alike{}
	for _, id := range sortedKeys(found) {
		list = append(list, *found[id])
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].near > list[j].near })
	return list[:min(len(list), alikeShown)], nil
}

// Alike tells of a row of a sheet which row before it says the same in a field that tells records apart, 0 for none, and what is there
// already. Rows are asked in their order; of those that were asked by another process Seen tells.
func (im *Importer) Alike(ctx context.Context, now time.Time, fields, cells []string, row int) (int, []Alike, error) {
	twin := im.Seen(fields, cells, row)
	values := map[string]any{}
	for i, id := range fields {
		if id != "" && i < len(cells) {
			values[id] = cells[i]
		}
	}
	list, err := im.e.Alike(ctx, now, im.actor, im.form.Key, values, nil, "")
	return twin, list, err
}

// Seen notes a row, and answers the row before it that says the same.
func (im *Importer) Seen(fields, cells []string, row int) int {
	twin := 0
	for i, id := range fields {
		f := im.form.Field(id)
		if f == nil || i >= len(cells) || !naming(im.form, f) && !identifies(f) {
			continue
		}
		said := core(cells[i])
		if said == "" {
			continue
		}
		key := id + "\x00" + said
		if before := im.said[key]; before == 0 {
			im.said[key] = row
		} else if twin == 0 {
			twin = before
		}
	}
	return twin
}

// naming tells whether a field is what a record is called by: a text its title is made of.
func naming(f *rulebook.Form, fd *rulebook.Field) bool {
	if fd.Type.Name != "text" || fd.Class != nil || fd.Code {
		return false
	}
	return f.Title != nil && slices.ContainsFunc(f.Title.Reads(), func(p expr.Path) bool { return p.Object == f.Key && p.Field == fd.ID })
}

// identifies tells whether a field holds what no two of them share.
func identifies(fd *rulebook.Field) bool {
	switch fd.Type.Name {
	case "phone", "email", "uscc", "idno":
		return fd.Class == nil || fd.Personal
	case "text":
		return (fd.Code || fd.Unique) && (fd.Class == nil || fd.Personal)
	}
	return false
}

// alikeWhere looks at the rows that meet a condition, within what the reader may see.
func (w *work) alikeWhere(f *rulebook.Form, where query.Expr, fn func(*Record)) error {
	rows, err := w.tx.Select(query.Select{Table: f.Table, Alias: "this", Where: query.And(where, w.where(f, "this")), Limit: alikeRows, Order: newestFirst("this")})
	if err != nil {
		return err
	}
	recs := make([]*Record, len(rows))
	for i, row := range rows {
		recs[i] = w.adopt(f, row)
	}
	if err := w.prefetch(f, recs); err != nil {
		return err
	}
	for _, r := range recs {
		fn(r)
	}
	return nil
}

// alikeAny looks at rows whose search column contains one of some texts; each is at least two signs long.
func (w *work) alikeAny(f *rulebook.Form, texts []string, fn func(*Record)) error {
	any := query.Op{Name: "or"}
	var ways [][]string
	for _, s := range texts {
		any.Args = append(any.Args, query.Op{Name: "contains", Args: []query.Expr{query.Col{Alias: "this", Name: "search"}, query.Const{Value: s}}})
		ways = append(ways, []string{s})
	}
	few, err := w.tx.Narrow(f.Table, "this", [][][]string{ways})
	if err != nil || len(texts) == 0 {
		return err
	}
	return w.alikeWhere(f, query.And(few, any), fn)
}

func (w *work) alikeNames(f *rulebook.Form, fd *rulebook.Field, s string, add func(*Record, *rulebook.Field, int)) error {
	own := core(s)
	return w.alikeAny(f, nameParts(s), func(r *Record) {
		v, err := r.Get(fd.ID)
		if err != nil {
			return
		}
		if n := nearness(own, core(str(v))); fold(str(v)) == fold(s) {
			add(r, fd, 100)
		} else if n >= nearEnough {
			add(r, fd, min(n, 99))
		}
	})
}

func (w *work) alikeCodes(f *rulebook.Form, fd *rulebook.Field, s string, add func(*Record, *rulebook.Field, int)) error {
	texts := append([]string{fold(s), signs(s)}, strings.FieldsFunc(signs(s), func(r rune) bool { return !unicode.IsDigit(r) })...)
	slices.Sort(texts)
	texts = slices.Compact(texts)
	texts = slices.DeleteFunc(texts, func(s string) bool { return len([]rune(s)) < 2 })
	return w.alikeAny(f, texts, func(r *Record) {
		if v, err := r.Get(fd.ID); err == nil && v != nil && signs(str(v)) == signs(s) {
			add(r, fd, 100)
		}
	})
}

// alikeLines goes by the mark of a personal value, which has an index, to the rows and from them to their records.
func (w *work) alikeLines(f *rulebook.Form, l *rulebook.Line, fd *rulebook.Field, s string, add func(*Record, *rulebook.Field, int)) error {
	rows, err := w.tx.Select(query.Select{Table: l.Table, Alias: "l", Where: query.Eq("l", fd.Mark(), w.e.markOf(fd.Type.Name, s)), Limit: alikeRows,
		Columns: []query.Column{{Name: "record", Expr: query.Col{Alias: "l", Name: "record"}}}})
	if err != nil || len(rows) == 0 {
		return err
	}
	var ids []string
	for _, row := range rows {
		ids = append(ids, str(row["record"]))
	}
	return w.alikeWhere(f, oneOf("this", "id", ids), func(r *Record) { add(r, fd, 100) })
}

// signs are the letters and digits of a text, in one form.
func signs(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, fold(s))
}

// legalForms end a company's name and say nothing of which one it is.
var legalForms = []string{"有限责任公司", "股份有限公司", "有限公司", "总公司", "分公司", "公司", "集团", "companylimited", "coltd", "limited", "ltd", "inc", "gmbh", "llc", "corp"}

// core is what tells a name from others: without signs, and without the legal form at its end.
func core(s string) string {
	s = signs(s)
	for again := true; again; {
		again = false
		for _, x := range legalForms {
			if rest, ok := strings.CutSuffix(s, x); ok && len([]rune(rest)) > 1 {
				s, again = rest, true
			}
		}
	}
	return s
}

// nameParts are texts one of which stands in the search column of whatever is near a name: windows over its characters, how it
// sounds, its longer words.
func nameParts(name string) []string {
	var list []string
	for _, run := range runs(core(name)) {
		chars := []rune(run.text)
		if !run.han || len(chars) < 2 {
			continue
		}
		wide := max(2, min(4, len(chars)-1))
		for i := 0; i+wide <= len(chars) && len(list) < 12; i++ {
			list = append(list, string(chars[i:i+wide]))
		}
		if len(chars) > 2 {
			list = append(list, spell(run.text)[0])
		}
	}
	for _, word := range plainWords(name) {
		if len(word) >= 4 && !contains(legalForms, word) && len(list) < 16 {
			list = append(list, word)
		}
	}
	return list
}

// plainWords are the runs of letters or digits of a text that are no Chinese characters.
func plainWords(s string) []string {
	return strings.FieldsFunc(fold(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) || unicode.Is(unicode.Han, r) })
}

// nearness of two cores, of a hundred: one holds the other, they sound the same, or share most pairs of signs.
func nearness(a, b string) int {
	x, y := []rune(a), []rune(b)
	short := min(len(x), len(y))
	switch {
	case short == 0:
		return 0
	case a == b:
		return 99
	case short >= 3 && (strings.Contains(a, b) || strings.Contains(b, a)):
		return 90
	case short >= 3 && sound(a) == sound(b):
		return 95
	}
	pairs := func(list []rune) map[string]int {
		m := map[string]int{}
		for i := 0; i+1 < len(list); i++ {
			m[string(list[i:i+2])]++
		}
		return m
	}
	p, q := pairs(x), pairs(y)
	both := 0
	for s, n := range p {
		both += min(n, q[s])
	}
	return 200 * both / max(1, len(x)+len(y)-2)
}

// sound is how a text is read, its Chinese characters by their first reading.
func sound(s string) string {
	var b strings.Builder
	for _, run := range runs(s) {
		if run.han {
			b.WriteString(spell(run.text)[0])
		} else {
			b.WriteString(run.text)
		}
	}
	return b.String()
}
