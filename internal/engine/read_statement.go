package engine

import (
	"context"
	"strings"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// Statement is what the ledgers of money say of a month, for payroll: it proposes, nothing is deducted by it.
type Statement struct {
	Month   string         `json:"month"`
	Persons []StatementRow `json:"persons"`
	Units   []StatementRow `json:"units"`
	Hidden  int            `json:"hidden"` // entries whose amount the reader may not see; they are in no figure
}

// StatementRow is one account of a ledger in the month. Amounts are money as text.
type StatementRow struct {
	Person  string `json:"person,omitempty"`
	Unit    string `json:"unit"`
	Ledger  Text   `json:"ledger"`
	Entries int64  `json:"entries"`
	Added   string `json:"added"`
	Taken   string `json:"taken"`
	Net     string `json:"net"`
	Open    string `json:"open"` // of the net, what is under appeal or may still be appealed

	added, taken, open int64
}

// Statement answers the month's figures within the reader's reach. To take them along is an act of its own and goes into the
// journal.
func (e *Engine) Statement(ctx context.Context, now time.Time, actor Actor, month string, take bool) (*Statement, []Text, error) {
	if t, err := time.Parse("2006-01", month); err != nil || t.Format("2006-01") != month {
		return nil, nil, fault.At("month", "月份要写成 2026-03", "Write the month as 2026-03")
	}
	var v *Statement
	var stamps []Text
	read := func(w *work) (err error) {
		v, err = w.statement(month)
		return err
	}
	if !take {
		err := e.read(ctx, now, actor, read)
		return v, nil, err
	}
	now = now.UTC().Truncate(time.Millisecond)
	err := e.DB.Write(ctx, func(tx *store.Tx) error {
		w, err := e.begin(ctx, tx, now, actor)
		if err != nil {
			return err
		}
		if err := read(w); err != nil {
			return err
		}
		n := len(v.Persons) + len(v.Units)
		if stamps, err = w.judgeExport(w.e.Lib.Form("base.posting"), &taking{rows: n}); err != nil {
			return err
		}
		if err := w.took("base.posting", nil, "export", n); err != nil {
			return err
		}
		if err := w.settle(); err != nil {
			return err
		}
		return w.logRead(nil, "base.posting", "statement", map[string]any{"month": month, "rows": int64(n)})
	})
	if ref, ok := AsRefusal(err); ok {
		e.logRefusal(ctx, now, Act{Form: "base.posting", Action: "statement", Actor: actor}, ref)
	}
	return v, stamps, err
}

func (w *work) statement(month string) (*Statement, error) {
	f := w.e.Lib.Form("base.posting")
	rows, err := w.tx.Select(query.Select{Table: f.Table, Alias: "this", Where: query.And(w.where(f, "this"), query.Eq("this", "month", month)), Limit: exportRows,
		Order: []query.Order{{Expr: query.Col{Alias: "this", Name: "at"}}, {Expr: query.Col{Alias: "this", Name: "id"}}}})
	if err != nil {
		return nil, err
	}
	open, err := w.contestable(rows)
	if err != nil {
		return nil, err
	}
	v := &Statement{Month: month, Persons: []StatementRow{}, Units: []StatementRow{}}
	persons, units := map[string]*StatementRow{}, map[string]*StatementRow{}
	for _, row := range rows {
		l := w.ledgerOfEntry(str(row["dims"]))
		if l == nil || l.Unit != "money" || l.Kind[str(row["kind"])] != "add" && l.Kind[str(row["kind"])] != "take" {
			continue
		}
		person, unit := str(row["person"]), first(str(row["dept"]), str(row["unit"]))
		if person == "" && str(row["dept"]) == "" {
			continue // of no person and no unit: no business of payroll
		}
		if w.visible(w.adopt(f, row), f.Field("amount")) != full {
			v.Hidden++
			continue
		}
		count := func(of map[string]*StatementRow, key, who string) {
			x := of[key]
			if x == nil {
				x = &StatementRow{Ledger: textOr(l.Label, l.ID), Unit: unitName(w.unitRef(unit)), Person: who}
				of[key] = x
			}
			n, _ := row["amount"].(int64)
			x.Entries++
			if l.Kind[str(row["kind"])] == "add" {
				x.added += n
			} else {
				x.taken += n
				n = -n
			}
			if open[str(row["of_id"])] {
				x.open += n
			}
		}
		key := ledgerKey(l)
		if person != "" {
			count(persons, w.name(person)+"|"+person+"|"+unit+"|"+key, w.name(person))
		}
		count(units, unitName(w.unitRef(unit))+"|"+unit+"|"+key, "")
	}
	for _, k := range sortedKeys(persons) {
		v.Persons = append(v.Persons, persons[k].done())
	}
	for _, k := range sortedKeys(units) {
		v.Units = append(v.Units, units[k].done())
	}
	return v, nil
}

func (x *StatementRow) done() StatementRow {
	typ := expr.Of(expr.KMoney)
	say := func(n int64) string {
		m, _ := expr.FromColumn(n, typ)
		return expr.Format(m, typ)
	}
	x.Added, x.Taken, x.Net, x.Open = say(x.added), say(x.taken), say(x.added-x.taken), say(x.open)
	return *x
}

func unitName(r *Ref) string {
	if r == nil {
		return ""
	}
	return r.Name
}

// ledgerOfEntry is the ledger that an entry's account is of.
func (w *work) ledgerOfEntry(dims string) *rulebook.Ledger {
	key, _, _ := strings.Cut(dims, "|")
	for _, b := range w.e.Lib.Books {
		for _, l := range b.Ledgers {
			if key == ledgerKey(l) || b.ID == "base" && key == l.ID {
				return l
			}
		}
	}
	return nil
}

// contestable are those of the entries' sanctions that are under appeal or may still be appealed.
func (w *work) contestable(rows []store.Row) (map[string]bool, error) {
	f := w.e.Lib.Form("base.sanction")
	var ids []string
	for _, row := range rows {
		if str(row["of_form"]) == f.Key {
			ids = append(ids, str(row["of_id"]))
		}
	}
	got, err := w.many(f, ids)
	open := map[string]bool{}
	for id, r := range got {
		until, limited := parseInstant(r.row["appeal_until"])
		open[id] = r.State() == "appealed" || r.State() == "confirmed" && limited && !w.now.After(until) && r.str("ruling") == ""
	}
	return open, err
}
