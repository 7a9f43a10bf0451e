package engine

import (
	"fmt"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

func spanOf(v expr.Value) (calendar.Span, bool) { s, ok := v.(calendar.Span); return s, ok }

// effectPost writes a ledger entry and asks the ledger's checks at once.
func (w *work) effectPost(x *rulebook.Effect, r *Record, view *rulebook.View, s *expr.Scope) error {
	book := r.form.Book
	l := book.Ledger(x.Ledger)
	if l == nil {
		if l = w.e.Lib.Books[0].Ledger(x.Ledger); l == nil {
			return fmt.Errorf("%s: no ledger %s", x.Path, x.Ledger)
		}
	}
	if !view.Awake(&l.Node) {
		return nil
	}
	given, err := w.assigned(x.Set, view, s)
	if err != nil {
		return err
	}
	amount, err := x.Amount.Eval(s)
	if err != nil || amount == nil {
		return err
	}
	return w.post(l, x.Entry, amount, given, r, view, x.Clause)
}

// post appends one entry; entries are never edited, only reversed.
func (w *work) post(l *rulebook.Ledger, kind string, amount expr.Value, given map[string]expr.Value, r *Record, view *rulebook.View, clause string) error {
	if x, ok := amount.(expr.Range); ok && l.Unit == "range" {
		return w.postRange(l, kind, x, given, r, view, clause)
	}
	m, ok := amount.(expr.Money)
	if !ok {
		return fmt.Errorf("ledger %s takes money", l.ID)
	}
	values := map[string]expr.Value{"ledger": l.ID, "kind": kind, "amount": m, "clause": orUnset(clause), "month": w.month()}
	for k, v := range given {
		values[k] = v
	}
	values["dims"] = w.dims(l, given)
	rec, err := w.engineRecord("base.posting", r, values)
	if err != nil {
		return err
	}
	_ = rec
	person := ""
	if p, ok := given["person"].(*Record); ok {
		person = p.id
	}
	w.effect(Effect{Kind: "post", Form: r.form.Key, Record: r.id, Name: l.ID + "." + kind, Text: expr.Format(m, expr.Of(expr.KMoney)), Clause: clause, Data: map[string]string{"person": person, "amount": expr.Format(m, expr.Of(expr.KMoney))}})
	w.clause(clause)
	bal, err := w.sum(l, w.dims(l, given))
	if err != nil {
		return err
	}
	for _, c := range l.Check {
		if !view.Awake(&c.Node) {
			continue
		}
		s := w.scope(r, view, map[string]expr.Value{"balance": bal})
		ok, err := w.truth(c.That, view, s, true)
		if err != nil {
			return err
		}
		if !ok {
			a := w.topAction
			if a == nil {
				a = r.form.Action("edit")
			}
			return w.refuse("ledger", r, a, []Reason{{Clause: c.Clause, Say: w.say(c.Say, s, "账不平", "The ledger would not balance")}})
		}
	}
	return nil
}

func (w *work) month() string {
	d := calendar.DateOf(w.now, w.world.calendar.Zone)
	return fmt.Sprintf("%04d-%02d", d.Year, int(d.Month))
}

// dims is the partition of an entry as text: person|month …
func (w *work) dims(l *rulebook.Ledger, given map[string]expr.Value) string {
	out := l.ID
	for _, d := range l.Per {
		v := given[d.ID]
		switch x := v.(type) {
		case nil:
			if d.ID == "month" {
				out += "|" + w.month()
			} else {
				out += "|"
			}
		case expr.Record:
			out += "|" + x.ID()
		default:
			out += "|" + expr.Format(x, expr.Type{Kind: expr.KAny})
		}
	}
	return out
}

// sum is the balance of a partition: add − take.
func (w *work) sum(l *rulebook.Ledger, dims string) (expr.Money, error) {
	form := w.e.Lib.Form("base.posting")
	if err := w.flush(); err != nil {
		return expr.Money{}, err
	}
	var total int64
	for _, kind := range sortedKeys(l.Kind) {
		sign := int64(0)
		switch l.Kind[kind] {
		case "add":
			sign = 1
		case "take":
			sign = -1
		}
		if sign == 0 {
			continue
		}
		v, err := w.tx.Scalar(query.Sub{Agg: "sum", Table: form.Table, Alias: "t", Arg: query.Col{Alias: "t", Name: "amount"},
			Where: query.And(query.Eq("t", "dims", dims), query.Eq("t", "kind", kind))})
		if err != nil {
			return expr.Money{}, err
		}
		if n, ok := v.(int64); ok {
			total += sign * n
		}
	}
	v, err := expr.FromColumn(total, expr.Of(expr.KMoney))
	if err != nil {
		return expr.Money{}, err
	}
	return v.(expr.Money), nil
}

func (w *work) balance(b *rulebook.Book, ledger string, dims []expr.Value) (expr.Value, error) {
	l := b.Ledger(ledger)
	if l == nil {
		if l = w.e.Lib.Books[0].Ledger(ledger); l == nil {
			return nil, fmt.Errorf("no ledger %s", ledger)
		}
	}
	if l.Unit != "money" {
		return nil, nil // who holds which numbers is asked otherwise
	}
	given := map[string]expr.Value{}
	for i, d := range l.Per {
		if i < len(dims) {
			given[d.ID] = dims[i]
		}
	}
	m, err := w.sum(l, w.dims(l, given))
	return m, err
}

// postFine posts a confirmed sanction to its ledger.
func (w *work) postFine(r *Record, ledger string, m expr.Money, clause string) error {
	l := w.e.Lib.Books[0].Ledger(ledger)
	if l == nil {
		if b := w.e.Lib.Book(r.str("book")); b != nil {
			l = b.Ledger(ledger)
		}
	}
	if l == nil {
		return fmt.Errorf("no ledger %s", ledger)
	}
	kind := ""
	for _, k := range sortedKeys(l.Kind) {
		if l.Kind[k] == "add" && kind == "" {
			kind = k
		}
	}
	given := map[string]expr.Value{}
	if p, err := r.Get("person"); err == nil && p != nil {
		given["person"] = p
	}
	if d, err := r.Get("dept"); err == nil && d != nil {
		given["dept"] = d
	}
	return w.post(l, kind, m, given, r, w.view(r), clause)
}
