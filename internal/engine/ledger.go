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
	l := w.ledgerOf(view.Book, x.Ledger)
	if l == nil {
		if l = w.ledgerOf(r.form.Book, x.Ledger); l == nil {
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
	for _, d := range l.Per { // what closes an account posts to the same one elsewhere, unless it says another
		if v, ok := w.closing[d.ID]; ok && given[d.ID] == nil {
			given[d.ID] = v
		}
	}
	amount, err := x.Amount.Eval(s)
	if err != nil || amount == nil {
		return err
	}
	return w.post(l, x.Entry, amount, given, r, view, x.Clause)
}

// ledgerOf finds a ledger by the id a rulebook writes: its own, else one of those it needs, else the base's.
func (w *work) ledgerOf(b *rulebook.Book, id string) *rulebook.Ledger {
	if b == nil {
		return nil
	}
	if l := b.Ledger(id); l != nil {
		return l
	}
	for _, need := range b.Needs {
		if n := w.e.Lib.Book(need); n != nil && n != b {
			if l := w.ledgerOf(n, id); l != nil {
				return l
			}
		}
	}
	return w.e.Lib.Books[0].Ledger(id)
}

// post appends one entry; entries are never edited, only reversed.
func (w *work) post(l *rulebook.Ledger, kind string, amount expr.Value, given map[string]expr.Value, r *Record, view *rulebook.View, clause string) error {
	if x, ok := amount.(expr.Range); ok && l.Unit == "range" {
		return w.postRange(l, kind, x, given, r, view, clause)
	}
	column, typ := balanceOf(l)
	m, err := amountIn(l, amount)
	if err != nil {
		return err
	}
	dims := w.dims(l, given)
	values := map[string]expr.Value{"ledger": l.ID, "kind": kind, column: m, "clause": orUnset(clause), "month": w.month()}
	for k, v := range given {
		values[k] = v
	}
	values["dims"] = dims
	if len(l.Check) > 0 { // two posts at once must see each other
		if err := w.tx.Lock("ledger:" + dims); err != nil {
			return err
		}
	}
	if _, err := w.engineRecord("base.posting", r, values); err != nil {
		return err
	}
	person := ""
	if p, ok := given["person"].(*Record); ok {
		person = p.id
	}
	w.effect(Effect{Kind: "post", Form: r.form.Key, Record: r.id, Name: l.ID + "." + kind, Text: expr.Format(m, typ), Clause: clause, Data: map[string]string{"person": person, "amount": expr.Format(m, typ)}})
	w.clause(clause)
	if does := l.Kind[kind]; does != "add" && does != "take" {
		return nil // it moves no balance
	}
	bal, err := w.sum(l, dims)
	if err != nil {
		return err
	}
	vars := map[string]expr.Value{"balance": bal}
	for _, d := range l.Per {
		if vars[d.ID] = given[d.ID]; vars[d.ID] == nil {
			vars[d.ID] = orUnset(w.dim(d, nil))
		}
	}
	for _, c := range l.Check {
		if !view.Awake(&c.Node) {
			continue
		}
		s := w.scope(r, view, vars)
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

// balanceOf is the column a ledger's entries are summed in, and what a sum of them is.
func balanceOf(l *rulebook.Ledger) (string, expr.Type) {
	if l.Unit == "quantity" {
		return "quantity", expr.DecimalOf(3)
	}
	return "amount", expr.Of(expr.KMoney)
}

// amountIn is an amount as the ledger keeps it: money, or a quantity to the third digit.
func amountIn(l *rulebook.Ledger, v expr.Value) (expr.Value, error) {
	_, typ := balanceOf(l)
	switch x := v.(type) {
	case expr.Money:
		if l.Unit == "money" {
			return x, nil
		}
	case int64:
		if l.Unit == "quantity" {
			return expr.FromColumn(x*1000, typ)
		}
	case expr.Decimal:
		if l.Unit == "quantity" {
			return expr.Decimal{Decimal: expr.HalfUp(x.Decimal, 3)}, nil
		}
	}
	return nil, fmt.Errorf("ledger %s takes %s", l.ID, l.Unit)
}

func (w *work) month() string {
	d := calendar.DateOf(w.now, w.world.calendar.Zone)
	return fmt.Sprintf("%04d-%02d", d.Year, int(d.Month))
}

// dims is the account of an entry as text: person|month …
func (w *work) dims(l *rulebook.Ledger, given map[string]expr.Value) string {
	out := l.ID
	if l.Book.ID != "base" { // two regulations may call a ledger by one name
		out = ledgerKey(l)
	}
	for _, d := range l.Per {
		out += "|" + w.dim(d, given[d.ID])
	}
	return out
}

// dim is one dimension as text; of a period the one under way, unless another is given.
func (w *work) dim(d rulebook.Dim, v expr.Value) string {
	switch x := v.(type) {
	case nil:
		return periodName(d.Type.Name, calendar.DateOf(w.now, w.world.calendar.Zone))
	case expr.Record:
		return x.ID()
	}
	return expr.Format(v, expr.Type{Kind: expr.KAny})
}

// periodName is a month as 2026-03, a quarter as 2026Q1, a day and a year as they are; "" for what is no period.
func periodName(unit string, day calendar.Date) string {
	switch unit {
	case "day":
		return fmt.Sprintf("%04d-%02d-%02d", day.Year, int(day.Month), day.Day)
	case "month":
		return fmt.Sprintf("%04d-%02d", day.Year, int(day.Month))
	case "quarter":
		return fmt.Sprintf("%04dQ%d", day.Year, (int(day.Month)+2)/3)
	case "year":
		return fmt.Sprintf("%04d", day.Year)
	}
	return ""
}

// sum is the balance of an account: add − take.
func (w *work) sum(l *rulebook.Ledger, dims string) (expr.Value, error) {
	form := w.e.Lib.Form("base.posting")
	if err := w.flush(); err != nil {
		return nil, err
	}
	column, typ := balanceOf(l)
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
		v, err := w.tx.Scalar(query.Sub{Agg: "sum", Table: form.Table, Alias: "t", Arg: query.Col{Alias: "t", Name: column},
			Where: query.And(query.Eq("t", "dims", dims), query.Eq("t", "kind", kind))})
		if err != nil {
			return nil, err
		}
		if n, ok := v.(int64); ok {
			total += sign * n
		}
	}
	return expr.FromColumn(total, typ)
}

func (w *work) balance(b *rulebook.Book, ledger string, dims []expr.Value) (expr.Value, error) {
	l := w.ledgerOf(b, ledger)
	if l == nil {
		return nil, fmt.Errorf("no ledger %s", ledger)
	}
	if l.Unit == "range" {
		return nil, nil // who holds which numbers is asked otherwise
	}
	given := map[string]expr.Value{}
	for i, d := range l.Per {
		if i < len(dims) {
			given[d.ID] = dims[i]
		}
	}
	return w.sum(l, w.dims(l, given))
}

// postFine posts a confirmed sanction to its ledger.
func (w *work) postFine(r *Record, ledger string, m expr.Money, clause string) error {
	l := w.ledgerOf(w.e.Lib.Book(r.str("book")), ledger)
	if l == nil {
		return fmt.Errorf("no ledger %s", ledger)
	}
	given, err := accountOf(r)
	if err != nil {
		return err
	}
	return w.post(l, kindThat(l, "add"), m, given, r, w.view(r), clause)
}

// postBack posts against it, in the month under way: what an earlier month has paid out is not paid anew.
func (w *work) postBack(r *Record, l *rulebook.Ledger, m expr.Value) error {
	given, err := accountOf(r)
	if err != nil {
		return err
	}
	return w.post(l, kindThat(l, "take"), m, given, r, w.view(r), r.str("clause"))
}

// kindThat is the first kind of entry that adds or takes.
func kindThat(l *rulebook.Ledger, does string) string {
	for _, k := range sortedKeys(l.Kind) {
		if l.Kind[k] == does {
			return k
		}
	}
	return ""
}

// accountOf is whose account a sanction is posted to.
func accountOf(r *Record) (map[string]expr.Value, error) {
	given := map[string]expr.Value{}
	for _, k := range []string{"person", "dept"} {
		v, err := r.Get(k)
		if err != nil {
			return nil, err
		}
		if v != nil {
			given[k] = v
		}
	}
	return given, nil
}
