package engine

import (
	"context"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// LedgerBrief is a ledger in the list.
type LedgerBrief struct {
	ID     string   `json:"id"`
	Book   string   `json:"book"`
	Title  Text     `json:"title"` // of the regulation
	Label  Text     `json:"label"`
	Unit   string   `json:"unit"`
	Clause string   `json:"clause,omitempty"`
	Kinds  []string `json:"kinds"`
}

// LedgerView is a ledger's entries within the reader's reach.
type LedgerView struct {
	LedgerBrief
	Rows    []LedgerRow `json:"rows"`
	Balance string      `json:"balance"`
}

// LedgerRow is one entry.
type LedgerRow struct {
	ID        string `json:"id"`
	At        string `json:"at"`
	Kind      string `json:"kind"`
	KindLabel Text   `json:"kind_label"`
	Amount    string `json:"amount"`
	Person    *Ref   `json:"person"`
	Unit      *Ref   `json:"unit"`
	Month     string `json:"month"`
	Clause    string `json:"clause"`
	Text      string `json:"text"`
	Form      string `json:"form"`
	Record    string `json:"record"`
}

// Ledgers lists the base's ledgers and those of the regulations that a unit of the reader's has adopted; auditors and administrators see
// those of every unit.
func (e *Engine) Ledgers(ctx context.Context, now time.Time, actor Actor) ([]LedgerBrief, error) {
	list := []LedgerBrief{}
	err := e.read(ctx, now, actor, func(w *work) error {
		for _, b := range e.Lib.Books {
			if b.ID != "base" && !w.worksWith(b) {
				continue
			}
			for _, l := range b.Ledgers {
				list = append(list, ledgerBrief(b, l))
			}
		}
		return nil
	})
	return list, err
}

// worksWith tells whether a unit adopted the book to which the reader belongs.
func (w *work) worksWith(b *rulebook.Book) bool {
	all := w.actor.System || w.me != nil && (w.world.has(w.me.id, "auditor", w.now) || w.world.has(w.me.id, "admin", w.now))
	for i := range w.world.adoptions {
		if a := &w.world.adoptions[i]; a.book == b.ID && (all || w.me != nil && w.belongs(b, a.unit)) {
			return true
		}
	}
	return false
}

func ledgerBrief(b *rulebook.Book, l *rulebook.Ledger) LedgerBrief {
	return LedgerBrief{l.ID, b.ID, text(b.Title), textOr(l.Label, l.ID), l.Unit, l.Clause, sortedKeys(l.Kind)}
}

// Ledger answers entries and balance; a person without a role sees his own. Two regulations may call a ledger by one name: then book
// says which of them is meant.
func (e *Engine) Ledger(ctx context.Context, now time.Time, actor Actor, id, book, person, month string) (*LedgerView, error) {
	l, err := e.ledgerNamed(id, book)
	if err != nil {
		return nil, err
	}
	v := &LedgerView{LedgerBrief: ledgerBrief(l.Book, l)}
	err = e.read(ctx, now, actor, func(w *work) error {
		v.Rows = []LedgerRow{}
		f := w.e.Lib.Form("base.posting")
		all := *l
		all.Per = nil
		key := w.dims(&all, nil)
		dims := query.Col{Alias: "this", Name: "dims"}
		where := query.And(w.where(f, "this"), query.Eq("this", "ledger", l.ID), query.Op{Name: "or", Args: []query.Expr{query.Eq("this", "dims", key),
			query.Op{Name: "startswith", Args: []query.Expr{dims, query.Const{Value: key + "|"}}}}})
		if person != "" {
			where = query.And(where, query.Eq("this", "person", person))
		}
		if month != "" {
			where = query.And(where, query.Eq("this", "month", month))
		}
		rows, err := w.tx.Select(query.Select{Table: f.Table, Alias: "this", Where: where, Limit: 500,
			Order: []query.Order{{Expr: query.Col{Alias: "this", Name: "at"}, Desc: true}, {Expr: query.Col{Alias: "this", Name: "id"}, Desc: true}}})
		if err != nil {
			return err
		}
		column, typ := balanceOf(l)
		amount := func(n int64) string {
			m, _ := expr.FromColumn(n, typ)
			return expr.Format(m, typ)
		}
		for _, row := range rows {
			n, _ := row[column].(int64)
			v.Rows = append(v.Rows, LedgerRow{str(row["id"]), str(row["at"]), str(row["kind"]), textOr(l.KindLabel[str(row["kind"])], str(row["kind"])), first(str(row["segment"]), amount(n)), w.personRef(str(row["person"])), w.unitRef(first(str(row["dept"]), str(row["unit"]))),
				str(row["month"]), str(row["clause"]), str(row["text"]), str(row["of_form"]), str(row["of_id"])})
		}
		sums, err := w.tx.Select(query.Select{Table: f.Table, Alias: "this", Where: where, Group: []query.Expr{query.Col{Alias: "this", Name: "kind"}},
			Columns: []query.Column{{Name: "kind", Expr: query.Col{Alias: "this", Name: "kind"}}, {Name: "n", Expr: query.Col{Alias: "this", Name: column}, Agg: "sum"}}})
		if err != nil {
			return err
		}
		var total int64
		for _, s := range sums {
			n, _ := s["n"].(int64)
			switch l.Kind[str(s["kind"])] {
			case "add":
				total += n
			case "take":
				total -= n
			}
		}
		if l.Unit != "range" {
			v.Balance = amount(total)
		}
		return nil
	})
	return v, err
}

// ledgerNamed finds a ledger by its name and, where more than one regulation has it, by its book.
func (e *Engine) ledgerNamed(id, book string) (*rulebook.Ledger, error) {
	var found *rulebook.Ledger
	for _, b := range e.Lib.Books {
		l := b.Ledger(id)
		switch {
		case l == nil || book != "" && b.ID != book:
		case found != nil:
			return nil, fault.At("book", "几部制度都有这本账，说明是哪一部的", "More than one regulation has this ledger; say whose")
		default:
			found = l
		}
	}
	if found == nil {
		return nil, fault.New(fault.NotFound, "没有这本账："+id, "There is no ledger "+id)
	}
	return found, nil
}

// ReportBrief is a report with where it stands.
type ReportBrief struct {
	Key    string      `json:"key"`
	Label  Text        `json:"label"`
	Clause string      `json:"clause,omitempty"`
	Every  string      `json:"every"`
	Of     string      `json:"of"` // the form it counts
	Last   *ReportRow  `json:"last"`
	Open   []ReportRow `json:"open"`
}

// ReportRow is one sheet of a report.
type ReportRow struct {
	ID         string `json:"id"`
	Number     string `json:"number"`
	Period     string `json:"period"`
	State      string `json:"state"`
	StateLabel Text   `json:"state_label"`
	At         string `json:"at"`
}

// Reports lists the reports within the reader's reach.
func (e *Engine) Reports(ctx context.Context, now time.Time, actor Actor) ([]ReportBrief, error) {
	var list []ReportBrief
	err := e.read(ctx, now, actor, func(w *work) error {
		list = []ReportBrief{}
		begun := w.anyAdopted()
		for _, b := range e.Lib.Books {
			if begun && !w.worksWith(b) {
				continue // no regulation of his
			}
			for _, rep := range b.Reports {
				f := rep.Form
				if f == nil || w.scopeOf(f).none || !inForceFor(f, w.bookSight(b)) {
					continue
				}
				x := ReportBrief{Key: f.Key, Label: textOr(f.Label, rep.ID), Clause: rep.Clause, Of: rep.Of, Open: []ReportRow{}}
				if rep.Every != nil {
					view := w.bookSight(b)
					if v, c, err := rep.Every.Pick(view, w.scope(nil, view, nil)); err == nil && c != nil {
						if sp, ok := spanOf(v); ok {
							x.Every = sp.String()
						}
					}
				}
				rows, err := w.tx.Select(query.Select{Table: f.Table, Alias: "this", Where: w.where(f, "this"), Limit: 24,
					Order: []query.Order{{Expr: query.Col{Alias: "this", Name: "at"}, Desc: true}}})
				if err != nil {
					return err
				}
				for _, row := range rows {
					r := w.adopt(f, row)
					s := ReportRow{r.id, r.Number(), str(row["period_from"]) + either(row["period_to"] != nil, " ~ "+str(row["period_to"]), ""), r.State(), stateText(f, r.State()), str(row["at"])}
					if x.Last == nil {
						x.Last = &s
					}
					if st := f.State(r.State()); st != nil && !st.Final && r.State() != "void" {
						x.Open = append(x.Open, s)
					}
				}
				list = append(list, x)
			}
		}
		return nil
	})
	return list, err
}
