package engine

import (
	"fmt"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// fact is something that happened in this act and that offences may listen to.
type fact struct {
	form    string
	action  string // action, "late", step id, "fail", "refused"
	of      string // deadline, duty or checklist id
	rec     *Record
	at      time.Time
	clause  string
	holder  []string
	person  string
	breach  string
	missing int64
}

// factValue is `fact` in expressions.
type factValue struct {
	w *work
	f *fact
}

func (v factValue) Object() string { return "fact" }
func (v factValue) ID() string     { return "" }
func (v factValue) Get(name string) (expr.Value, error) {
	switch name {
	case "person":
		id := v.f.person
		if id == "" && len(v.f.holder) > 0 {
			id = v.f.holder[0]
		}
		if id == "" && v.f.rec != nil {
			if f := v.f.rec.form.Field("person"); f != nil {
				return v.f.rec.Get("person")
			}
		}
		return recordOrUnset(v.w.ref("base.person", id))
	case "holder", "holders":
		return people{w: v.w, ids: v.f.holder}, nil
	case "clause":
		return orUnset(v.f.clause), nil
	case "at":
		return v.f.at, nil
	case "missing":
		return v.f.missing, nil
	}
	if v.f.rec != nil {
		return v.f.rec.Get(name)
	}
	return nil, fmt.Errorf("a fact has no %s", name)
}

// offences lets every awake offence hear what happened, and proposes what it says.
func (w *work) offences() error {
	for len(w.facts) > 0 {
		list := w.facts
		w.facts = nil
		for i := range list {
			if err := w.hear(&list[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *work) hear(f *fact) error {
	for _, b := range w.booksFor(f.rec) {
		for _, o := range b.Offences {
			if !listens(o, f) {
				continue
			}
			view := w.viewFor(b, f.rec)
			if b.ID != "base" && view.Adoption == "" && b != f.rec.form.Book {
				continue
			}
			if !view.Awake(&o.Node) {
				continue
			}
			if err := w.offend(o, f, view); err != nil {
				return fmt.Errorf("offence %s: %w", o.ID, err)
			}
		}
	}
	return nil
}

func listens(o *rulebook.Offence, f *fact) bool {
	for _, u := range o.Upon {
		if u.Form != "" && u.Form != f.form && u.Form != "*" {
			continue
		}
		if u.Of != "" && u.Of != f.of {
			continue
		}
		if u.Of == "" && f.of != "" && f.action != u.Action {
			continue
		}
		if u.Action == f.action {
			return true
		}
	}
	return false
}

// offend proposes the sanctions of one offence for one fact.
func (w *work) offend(o *rulebook.Offence, f *fact, view *rulebook.View) error {
	vars := map[string]expr.Value{"fact": factValue{w, f}, "missing": f.missing}
	if o.Each == "" {
		return w.propose(o, f, view, vars)
	}
	v, err := o.List.Eval(w.scope(f.rec, view, vars))
	if err != nil {
		return err
	}
	items, err := listOf(v)
	if err != nil {
		return err
	}
	for _, it := range items {
		more := map[string]expr.Value{o.Each: it}
		for k, x := range vars {
			more[k] = x
		}
		if err := w.propose(o, f, view, more); err != nil {
			return err
		}
	}
	return nil
}

// propose makes the sanction a proposal; it counts only when its confirmer says so.
func (w *work) propose(o *rulebook.Offence, f *fact, view *rulebook.View, vars map[string]expr.Value) error {
	s := w.scope(f.rec, view, vars)
	if ok, err := w.truth(o.When, view, s, true); err != nil || !ok {
		return err
	}
	who, err := w.culprits(o, f, view, s)
	if err != nil {
		return err
	}
	for _, p := range who {
		if err := w.proposeOne(o, f, view, vars, p); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) culprits(o *rulebook.Offence, f *fact, view *rulebook.View, s *expr.Scope) ([]*Record, error) {
	var v expr.Value
	if o.Who != nil {
		x, c, err := o.Who.Pick(view, s)
		if err != nil {
			return nil, err
		}
		if c != nil {
			v = x
		}
	} else {
		v = people{w: w, ids: f.holder}
	}
	if r, ok := v.(*Record); ok {
		return []*Record{r}, nil
	}
	var list []*Record
	for _, id := range personIDs(v) {
		p, err := w.person(id)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

func (w *work) proposeOne(o *rulebook.Offence, f *fact, view *rulebook.View, vars map[string]expr.Value, who *Record) error {
	s := w.scope(f.rec, view, vars)
	once, err := w.onceKey(o, f, s, who)
	if err != nil {
		return err
	}
	form := w.e.Lib.Form("base.sanction")
	if err := w.flush(); err != nil {
		return err
	}
	same, err := w.tx.Count(form.Table, query.And(query.Eq("t", "once_key", once), query.Op{Name: "not", Args: []query.Expr{
		query.Op{Name: "in", Args: []query.Expr{query.Col{Alias: "t", Name: "state"}, query.Const{Value: "withdrawn"}, query.Const{Value: "dismissed"}, query.Const{Value: "void"}}}}}))
	if err != nil || same > 0 {
		return err
	}
	nth, total, err := w.counted(o, f, view, who)
	if err != nil {
		return err
	}
	vars["nth"], vars["total"] = nth, total
	s = w.scope(f.rec, view, vars)
	clauses := []string{}
	add := func(c string) {
		if c != "" && !contains(clauses, c) {
			clauses = append(clauses, c)
		}
	}
	add(f.clause)
	add(o.Clause)
	fine, fc, err := w.pick(o.Fine, view, s)
	if err != nil {
		return err
	}
	if fc != nil {
		add(fc.Clause)
	}
	measure, mc, err := w.pick(o.Measure, view, s)
	if err != nil {
		return err
	}
	if mc != nil {
		add(mc.Clause)
	}
	plain := fine
	rung := highest(o.Ladder, view, nth, total)
	if rung != nil {
		add(rung.Clause)
		if rung.Fine != nil {
			more, _, err := w.pick(rung.Fine, view, s)
			if err != nil {
				return err
			}
			if fine = more; rung.Add && plain != nil && more != nil {
				fine = expr.Plus(plain, more)
			}
		}
		if rung.Measure != nil {
			if measure, _, err = w.pick(rung.Measure, view, s); err != nil {
				return err
			}
		}
	}
	least, most, err := w.within(o, rung, view, s)
	if err != nil {
		return err
	}
	if least != nil {
		add(o.Range.Clause)
	}
	given := map[string]expr.Value{"fine_least": least, "fine_most": most, "offence": o.ID, "offence_label": orUnset(o.Label.ZH), "book": o.Book.ID, "clause": orUnset(first(clauses...)), "clauses": orUnset(joinIDs(clauses)),
		"fine": fine, "measure": measureText(measure), "nth": nth, "weight": weight(o, f), "counted_in": orUnset(window(o, view)), "ledger": orUnset(payTo(o, view, fine, least)), "legal_note": orUnset(legalNote(o, rung)), "once_key": once, "fact_at": f.at, "fact_text": w.headline(f.rec), "of_form": f.rec.form.Key, "of_id": f.rec.id,
		"breach_id": orUnset(f.breach), "source_clause": orUnset(f.clause)}
	if x, ok := plain.(expr.Money); ok && fine != nil && expr.Compare(fine, x) != 0 {
		given["plain_fine"] = x
	}
	w.sanctioned(given, who)
	vars["who"] = who
	s = w.scope(f.rec, view, vars)
	liable, err := w.liable(o, view, s, who)
	if err != nil {
		return err
	}
	party := []string{who.id}
	for _, l := range liable {
		party = append(party, l.who.id)
	}
	confirm, err := w.confirmers(o, f.rec, view, s, party)
	if err != nil {
		return err
	}
	given["confirmers"] = people{w: w, ids: confirm}
	rec, err := w.engineRecord("base.sanction", f.rec, given)
	if err != nil || rec == nil {
		return err
	}
	text := ""
	if fine != nil {
		text = expr.Format(fine, expr.Of(expr.KMoney))
	}
	w.effect(Effect{Kind: "sanction", Form: "base.sanction", Record: rec.id, Name: o.ID, Text: text, Clause: first(o.Clause, f.clause), Data: map[string]string{"person": who.id, "measure": expr.Format(measureText(measure), expr.Of(expr.KText))}})
	w.clause(clauses...)
	return nil
}

// within are the limits between which who confirms sets the fine; nil where the regulation says the fine itself, on the rung reached too.
func (w *work) within(o *rulebook.Offence, rung *rulebook.Rung, view *rulebook.View, s *expr.Scope) (least, most expr.Value, err error) {
	if o.Range == nil || !view.Awake(&o.Range.Node) || rung != nil && rung.Fine != nil {
		return nil, nil, nil
	}
	if least, err = o.Range.Min.Eval(s); err == nil {
		most, err = o.Range.Max.Eval(s)
	}
	return least, most, err
}

// setFine takes over what who confirms has set, which lies within the limits, both included.
func (w *work) setFine(r *Record, c *sanctionCase) error {
	least, err := r.Get("fine_least")
	if err != nil || least == nil {
		return err
	}
	most, err := r.Get("fine_most")
	if err != nil {
		return err
	}
	set, err := r.Get("fine_set")
	if err != nil {
		return err
	}
	if set == nil || most == nil || expr.Compare(set, least) < 0 || expr.Compare(set, most) > 0 {
		lo, hi := expr.Format(least, expr.Of(expr.KMoney)), expr.Format(most, expr.Of(expr.KMoney))
		return w.refuse("require", r, r.form.Action("confirm"), []Reason{{Clause: first(c.offence.Range.Clause, c.offence.Clause), Field: "fine_set",
			Say: label("金额要定在 "+lo+" 与 "+hi+" 之间", "The amount lies between "+lo+" and "+hi)}})
	}
	_, err = r.set(r.form.Field("fine"), set)
	return err
}

func measureText(v expr.Value) expr.Value {
	if r, ok := v.(expr.Record); ok {
		if s, err := r.Get("measure"); err == nil {
			return s
		}
	}
	return v
}

// onceKey is what one sanction is for; the default is the fact itself.
func (w *work) onceKey(o *rulebook.Offence, f *fact, s *expr.Scope, who *Record) (string, error) {
	key := o.Book.ID + "." + o.ID + "|"
	if len(o.Once) == 0 {
		extra := ""
		if o.Each != "" {
			if x, ok := s.Vars[o.Each].(expr.Record); ok {
				extra = x.ID()
			}
		}
		return key + f.rec.id + "|" + f.action + "|" + f.of + "|" + instant(f.at) + "|" + f.breach + "|" + who.id + "|" + extra, nil
	}
	for _, e := range o.Once {
		v, err := e.Eval(s)
		if err != nil {
			return "", err
		}
		if r, ok := v.(expr.Record); ok {
			key += r.ID() + "|"
		} else {
			key += expr.Format(v, e.Type()) + "|"
		}
	}
	return key, nil
}

// sanctioned writes whom a sanction is against: a person with his unit, or a unit.
func (w *work) sanctioned(given map[string]expr.Value, who *Record) {
	if who.form.Key != "base.person" {
		given["dept"] = who
		return
	}
	given["person"] = who
	if p := w.world.people[who.id]; p != nil {
		if u, err := w.unit(p.unit); err == nil && u != nil {
			given["dept"] = u
		}
	}
}

// weight is what a fact adds to the running sum: one, or what is missing where the offence counts that.
func weight(o *rulebook.Offence, f *fact) int64 {
	if o.Count != nil && o.Count.Missing {
		return f.missing
	}
	return 1
}

// window names the period in which the times are counted, as the form's options do.
func window(o *rulebook.Offence, view *rulebook.View) string {
	switch {
	case o.Count == nil || !view.Awake(&o.Count.Node):
		return ""
	case o.Count.Window != "":
		return o.Count.Window
	case o.Count.Within != nil:
		return "span"
	}
	return ""
}

// payTo is the ledger that a sanction's money goes to once confirmed; "" where there is no money.
func payTo(o *rulebook.Offence, view *rulebook.View, fine, least expr.Value) string {
	if fine == nil && least == nil {
		return ""
	}
	if o.Pay != nil && view.Awake(&o.Pay.Node) && o.Pay.Ledger != "" {
		return o.Pay.Ledger
	}
	return "penalty"
}

// legalNote is what the confirmer must have read: why this might not be lawful as it stands.
func legalNote(o *rulebook.Offence, rung *rulebook.Rung) string {
	note := o.Legal
	if o.Pay != nil {
		note = first(o.Pay.Legal, note)
	}
	if rung != nil {
		note = first(note, rung.Legal)
	}
	return note
}

// counted is which time this is (nth) and the running sum (total) within the offence's window. What was only
// liable along with somebody else is no time of one's own.
func (w *work) counted(o *rulebook.Offence, f *fact, view *rulebook.View, who *Record) (int64, int64, error) {
	form := w.e.Lib.Form("base.sanction")
	cond := []query.Expr{query.Eq("t", "offence", o.ID), query.Eq("t", "book", o.Book.ID),
		query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "t", Name: "linked_to"}}},
		query.Op{Name: "not", Args: []query.Expr{query.Op{Name: "in", Args: []query.Expr{query.Col{Alias: "t", Name: "state"}, query.Const{Value: "withdrawn"}, query.Const{Value: "dismissed"}, query.Const{Value: "void"}}}}}}
	col := "person"
	if who.form.Key != "base.person" {
		col = "dept"
	}
	cond = append(cond, query.Eq("t", col, who.id))
	if o.Count != nil && view.Awake(&o.Count.Node) {
		if contains(o.Count.Per, "clause") {
			cond = append(cond, query.Eq("t", "source_clause", f.clause))
		}
		from := time.Time{}
		cal := w.world.calendar
		switch o.Count.Window {
		case "month", "year", "quarter", "day", "week":
			from = cal.StartOf(o.Count.Window, f.at)
		default:
			if o.Count.Within != nil {
				v, _, err := o.Count.Within.Pick(view, w.scope(f.rec, view, nil))
				if err != nil {
					return 0, 0, err
				}
				if sp, ok := spanOf(v); ok {
					sp.N = -sp.N
					from = cal.Add(f.at, sp)
				}
			}
		}
		if !from.IsZero() {
			cond = append(cond, query.Op{Name: ">=", Args: []query.Expr{query.Col{Alias: "t", Name: "fact_at"}, query.Const{Value: instant(from)}}})
		}
	}
	n, err := w.tx.Count(form.Table, query.And(cond...))
	if err != nil {
		return 0, 0, err
	}
	v, err := w.tx.Scalar(query.Sub{Agg: "sum", Table: form.Table, Alias: "t", Arg: query.Col{Alias: "t", Name: "weight"}, Where: query.And(cond...)})
	sum, _ := v.(int64)
	return n + 1, sum + weight(o, f), err
}

// highest is the ladder row that applies.
func highest(list []*rulebook.Rung, view *rulebook.View, nth, total int64) *rulebook.Rung {
	var best *rulebook.Rung
	for _, x := range list {
		if !view.Awake(&x.Node) {
			continue
		}
		if (x.Nth > 0 && nth >= int64(x.Nth)) || (x.Over > 0 && total > int64(x.Over)) {
			best = x
		}
	}
	return best
}

// confirmers are who may confirm: the offence says, else the head of the unit; never who is party to it. Where that
// leaves nobody, the first head above who is none.
func (w *work) confirmers(o *rulebook.Offence, r *Record, view *rulebook.View, s *expr.Scope, party []string) ([]string, error) {
	var ids []string
	if o.Confirm != nil && view.Awake(&o.Confirm.Node) {
		list, err := w.seatPersons(o.Confirm.Who, r, view, s)
		if err != nil {
			return nil, err
		}
		ids = list
	}
	out, err := w.excluded(o.Except, r, view, s)
	if err != nil {
		return nil, err
	}
	out = append(out, party...)
	var kept []string
	for _, id := range ids {
		if !contains(out, id) {
			kept = append(kept, id)
		}
	}
	if len(kept) > 0 {
		return kept, nil
	}
	for u := range w.world.chain(r.unitID()) {
		if x := w.world.units[u]; x != nil && x.head != "" && !contains(out, x.head) {
			return []string{x.head}, nil
		}
	}
	return nil, nil
}
