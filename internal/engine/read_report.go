package engine

import (
	"context"
	"fmt"
	"sort"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// LedgerBrief is a ledger in the list.
type LedgerBrief struct {
	ID     string   `json:"id"`
	Book   string   `json:"book"`
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
	ID     string `json:"id"`
	At     string `json:"at"`
	Kind   string `json:"kind"`
	Amount string `json:"amount"`
	Person *Ref   `json:"person"`
	Unit   *Ref   `json:"unit"`
	Month  string `json:"month"`
	Clause string `json:"clause"`
	Text   string `json:"text"`
	Form   string `json:"form"`
	Record string `json:"record"`
}

// Ledgers lists the ledgers of all books.
func (e *Engine) Ledgers() []LedgerBrief {
	list := []LedgerBrief{}
	for _, b := range e.Lib.Books {
		for _, l := range b.Ledgers {
			list = append(list, ledgerBrief(b, l))
		}
	}
	return list
}

func ledgerBrief(b *rulebook.Book, l *rulebook.Ledger) LedgerBrief {
	return LedgerBrief{l.ID, b.ID, textOr(l.Label, l.ID), l.Unit, l.Clause, sortedKeys(l.Kind)}
}

// Ledger answers entries and balance; a person without a role sees his own.
func (e *Engine) Ledger(ctx context.Context, now time.Time, actor Actor, id, person, month string) (*LedgerView, error) {
	var v *LedgerView
	for _, b := range e.Lib.Books {
		if l := b.Ledger(id); l != nil && v == nil {
			v = &LedgerView{LedgerBrief: ledgerBrief(b, l)}
		}
	}
	if v == nil {
		return nil, fault.New(fault.NotFound, "没有这本账："+id, "There is no ledger "+id)
	}
	err := e.read(ctx, now, actor, func(w *work) error {
		v.Rows = []LedgerRow{}
		f := w.e.Lib.Form("base.posting")
		where := query.And(w.where(f, "this"), query.Eq("this", "ledger", id))
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
		money := func(n int64) string {
			m, _ := expr.FromColumn(n, expr.Of(expr.KMoney))
			return expr.Format(m, expr.Of(expr.KMoney))
		}
		for _, row := range rows {
			n, _ := row["amount"].(int64)
			v.Rows = append(v.Rows, LedgerRow{str(row["id"]), str(row["at"]), str(row["kind"]), money(n), w.personRef(str(row["person"])), w.unitRef(first(str(row["dept"]), str(row["unit"]))),
				str(row["month"]), str(row["clause"]), str(row["text"]), str(row["of_form"]), str(row["of_id"])})
		}
		sums, err := w.tx.Select(query.Select{Table: f.Table, Alias: "this", Where: where, Group: []query.Expr{query.Col{Alias: "this", Name: "kind"}},
			Columns: []query.Column{{Name: "kind", Expr: query.Col{Alias: "this", Name: "kind"}}, {Name: "n", Expr: query.Col{Alias: "this", Name: "amount"}, Agg: "sum"}}})
		if err != nil {
			return err
		}
		l := w.ledger(id)
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
		v.Balance = money(total)
		return nil
	})
	return v, err
}

func (w *work) ledger(id string) *rulebook.Ledger {
	for _, b := range w.e.Lib.Books {
		if l := b.Ledger(id); l != nil {
			return l
		}
	}
	return &rulebook.Ledger{}
}

// ReportBrief is a report with where it stands.
type ReportBrief struct {
	Key    string      `json:"key"`
	Label  Text        `json:"label"`
	Clause string      `json:"clause,omitempty"`
	Every  string      `json:"every"`
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
		for _, b := range e.Lib.Books {
			for _, rep := range b.Reports {
				f := rep.Form
				if f == nil || w.scopeOf(f).none {
					continue
				}
				x := ReportBrief{Key: f.Key, Label: textOr(f.Label, rep.ID), Clause: rep.Clause, Open: []ReportRow{}}
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

// StatQuery asks for figures of a form by a field or a month.
type StatQuery struct {
	Form, By, Where, Sum string
}

// StatRow is one figure.
type StatRow struct {
	Key   string  `json:"key"`
	Label Text    `json:"label"`
	Count int64   `json:"count"`
	Sum   *string `json:"sum,omitempty"`
}

const statMonths = 24

// Stat groups in the database: it stays quick on any number of rows.
func (e *Engine) Stat(ctx context.Context, now time.Time, actor Actor, q StatQuery) ([]StatRow, error) {
	var list []StatRow
	err := e.read(ctx, now, actor, func(w *work) (err error) {
		list, err = w.stat(q)
		return err
	})
	return list, err
}

func (w *work) stat(q StatQuery) ([]StatRow, error) {
	list := []StatRow{}
	f, err := w.formSeen(q.Form)
	if err != nil {
		return nil, err
	}
	where := query.And(w.where(f, "this"), query.Op{Name: "<>", Args: []query.Expr{query.Col{Alias: "this", Name: "state"}, query.Const{Value: "void"}}})
	if q.Where != "" {
		x, err := w.filter(f, q.Where)
		if err != nil {
			return nil, err
		}
		where = query.And(where, x)
	}
	key, fd, err := w.statKey(f, q.By)
	if err != nil {
		return nil, err
	}
	columns := []query.Column{{Name: "key", Expr: key}, {Name: "n", Expr: query.Col{Alias: "this", Name: "id"}, Agg: "count"}}
	var sum *rulebook.Field
	if q.Sum != "" {
		sum = f.Field(q.Sum)
		if sum == nil || live(sum) || columnKind(sum.Type) != "int" || !w.open(f, sum) {
			return nil, fault.At("sum", "“"+q.Sum+"”不能求和", q.Sum+" cannot be summed")
		}
		columns = append(columns, query.Column{Name: "sum", Expr: query.Col{Alias: "this", Name: q.Sum}, Agg: "sum"})
	}
	rows, err := w.tx.Select(query.Select{Table: f.Table, Alias: "this", Where: where, Group: []query.Expr{key}, Columns: columns, Limit: 500})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		x := StatRow{Key: fmt.Sprint(orEmpty(row["key"]))}
		x.Count, _ = row["n"].(int64)
		x.Label = w.statLabel(f, fd, q.By, row["key"])
		if sum != nil {
			v, _ := expr.FromColumn(row["sum"], sum.Type.Expr)
			s := expr.Format(v, sum.Type.Expr)
			x.Sum = &s
		}
		list = append(list, x)
	}
	month := len(q.By) > 6 && q.By[:6] == "month:"
	sort.SliceStable(list, func(i, j int) bool {
		if month {
			return list[i].Key < list[j].Key
		}
		return list[i].Count > list[j].Count
	})
	return list, nil
}

// statKey is what the figures are grouped by: a field, state or unit, or the month of a time.
func (w *work) statKey(f *rulebook.Form, by string) (query.Expr, *rulebook.Field, error) {
	unknown := fault.At("by", "不能按“"+by+"”分组", "Cannot group by "+by)
	name, month := by, false
	if len(by) > 6 && by[:6] == "month:" {
		name, month = by[6:], true
	}
	col := query.Col{Alias: "this", Name: name}
	var fd *rulebook.Field
	switch name {
	case "state", "unit", "by", "at":
	default:
		fd = f.Field(name)
		if fd == nil || live(fd) || !w.open(f, fd) || columnKind(fd.Type) == "json" {
			return nil, nil, unknown
		}
	}
	if !month {
		if name == "at" {
			return nil, nil, unknown
		}
		return col, fd, nil
	}
	if fd != nil && fd.Type.Expr.Kind != expr.KDate && fd.Type.Expr.Kind != expr.KDatetime {
		return nil, nil, unknown
	}
	// Months begin at local midnight, which the database does not know; so their borders are given to it.
	zone := w.world.calendar.Zone
	today := calendar.DateOf(w.now, zone)
	m := (calendar.Date{Year: today.Year, Month: today.Month, Day: 1}).AddMonths(1 - statMonths)
	c := query.Case{}
	for i := 0; i <= statMonths; i++ {
		edge := m.AddMonths(i)
		v := edge.String()
		if fd == nil || fd.Type.Expr.Kind == expr.KDatetime {
			v = instant(edge.Start(zone))
		}
		label := "…"
		if i > 0 {
			label = m.AddMonths(i - 1).String()[:7]
		}
		c.When = append(c.When, query.Op{Name: "<", Args: []query.Expr{col, query.Const{Value: v}}})
		c.Then = append(c.Then, query.Const{Value: label})
	}
	c.Else = query.Const{Value: "~"}
	return c, fd, nil
}

func (w *work) statLabel(f *rulebook.Form, fd *rulebook.Field, by string, key any) Text {
	s := fmt.Sprint(orEmpty(key))
	switch by {
	case "state":
		return stateText(f, s)
	case "unit":
		if r := w.unitRef(s); r != nil {
			return Text{r.Name, r.Name}
		}
	case "by":
		return Text{w.name(s), w.name(s)}
	}
	if s == "" {
		return Text{"（空）", "(empty)"}
	}
	if fd != nil && by == fd.ID {
		if v, err := w.decode(key, fd.Type); err == nil {
			return Text{w.wordsIn(v, fd.Type, false), w.wordsIn(v, fd.Type, true)}
		}
	}
	return Text{s, s}
}
