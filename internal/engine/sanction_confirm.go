package engine

import (
	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// hooks are what the engine's own forms do beyond their rulebook text.
func (w *work) hooks(r *Record, a *rulebook.Action) error {
	switch {
	case a.Destroys:
		return w.destroyed(r, a)
	case r.form.Key == "base.sanction":
		return w.sanctionMoved(r, a.ID)
	case r.form.Report != nil && a.ID == "create":
		return w.fillReport(r)
	case r.form.Checklist != nil && a.ID == "inspect":
		return w.inspected(r)
	case r.form.Key == "base.param_value":
		return w.judgeParameter(r, a)
	case r.form.Key == "base.adoption":
		return w.judgeAdoption(r, a)
	case r.form.Key == "base.person" && (a.ID == leaving || a.ID == leftAt):
		return w.handOver(r, a)
	case r.form.Key == "base.person":
		return w.leftHanging(r, a)
	case r.form.Key == letterForm && (a.ID == letterSent || a.ID == letterPost):
		return w.letterGone(r)
	case r.form.Key == textForm:
		return w.judgeText(r, a)
	}
	return nil
}

// sanctionMoved is what follows a step of a sanction: money is posted when it is confirmed, and taken back by an entry of its
// own, never by erasing, when less of it stands than was posted.
func (w *work) sanctionMoved(r *Record, action string) error {
	switch action {
	case "confirm":
		return w.confirmed(r)
	case "reduce":
		cut, err := r.Get("cut")
		if err != nil {
			return err
		}
		if _, err := r.set(r.form.Field("fine"), cut); err != nil {
			return err
		}
		m, _ := cut.(expr.Money)
		return w.takeBack(r, m)
	case "grant_appeal", "revoke":
		if err := w.takeBack(r, expr.Money{}); err != nil {
			return err
		}
		return w.linkedOf(r, func(l *Record) error { // who was liable along with him is so no more
			l.enter("withdrawn", w.now)
			w.effect(Effect{Kind: "do", Form: l.form.Key, Record: l.id, Name: "revoke", Data: map[string]string{"by": w.actor.Person}})
			return w.takeBack(l, expr.Money{})
		})
	}
	return nil
}

// sanctionCase is the offence a sanction comes of, with the record and the rules it is judged by.
type sanctionCase struct {
	offence *rulebook.Offence
	of      *Record
	view    *rulebook.View
}

func (w *work) caseOf(r *Record) (*sanctionCase, error) {
	b := w.e.Lib.Book(r.str("book"))
	form := w.e.Lib.Form(r.str("of_form"))
	if b == nil || form == nil {
		return nil, nil
	}
	of, err := w.get(form, r.str("of_id"))
	if err != nil {
		return nil, err
	}
	if of.form.Book.ID == b.ID {
		b = of.form.Book
	}
	if b.Offence(r.str("offence")) == nil {
		return nil, nil
	}
	return &sanctionCase{b.Offence(r.str("offence")), of, w.viewFor(b, of)}, nil
}

// confirmed posts a sanction's money, lets its appeal begin, and makes liable who is liable along with it.
func (w *work) confirmed(r *Record) error {
	c, err := w.caseOf(r)
	if c == nil || err != nil {
		return err
	}
	o := c.offence
	vars := map[string]expr.Value{"sanction": r, "fact": factValue{w, &fact{form: c.of.form.Key, rec: c.of, at: w.now, person: r.str("person"), clause: r.str("source_clause")}}}
	if err := w.setFine(r, c); err != nil {
		return err
	}
	if err := w.pay(r, c, vars); err != nil {
		return err
	}
	if err := w.appealable(r, c, vars); err != nil {
		return err
	}
	if err := w.link(r, c, vars); err != nil {
		return err
	}
	if err := w.effects_(o.Do, c.of, c.view, vars); err != nil {
		return err
	}
	nth, _ := r.row["nth"].(int64)
	if rung := highest(o.Ladder, c.view, nth, nth); rung != nil {
		return w.effects_(rung.Do, c.of, c.view, vars)
	}
	return nil
}

// pay posts the money of a confirmed sanction, up to its cap.
func (w *work) pay(r *Record, c *sanctionCase, vars map[string]expr.Value) error {
	fine, err := r.Get("fine")
	if err != nil {
		return err
	}
	m, ok := fine.(expr.Money)
	if !ok || m.IsZero() {
		return nil
	}
	o, ledger := c.offence, "penalty"
	if o.Pay != nil && c.view.Awake(&o.Pay.Node) {
		ledger = first(o.Pay.Ledger, ledger)
		if o.Pay.Cap != nil {
			v, err := o.Pay.Cap.Eval(w.scope(c.of, c.view, vars))
			if err != nil {
				return err
			}
			limit, ok := v.(expr.Money)
			if !ok { // it might be exceeded: nothing is deducted until the cap can be told
				return w.refuse("ledger", r, r.form.Action("confirm"), []Reason{{Clause: first(o.Pay.Clause, o.Clause),
					Say: label("扣款上限算不出来（如月工资没有登记）", "The cap of the deduction cannot be told (a wage is not entered, say)")}})
			}
			if expr.Compare(m, limit) > 0 {
				m = limit
			}
		}
	}
	if m.Sign() <= 0 { // nothing is left of it when the cap is used up
		return nil
	}
	return w.postFine(r, ledger, m, first(r.str("clause"), o.Clause))
}

// appealable says until when, and to whom, the person may appeal: what the offence says, else to who confirmed and
// as long as it is not carried out.
func (w *work) appealable(r *Record, c *sanctionCase, vars map[string]expr.Value) error {
	a := c.offence.Appeal
	if a == nil || !c.view.Awake(&a.Node) {
		return nil
	}
	s := w.scope(c.of, c.view, vars)
	v, _, err := w.pick(a.Within, c.view, s)
	if err != nil {
		return err
	}
	if sp, ok := spanOf(v); ok {
		if until, ok := w.world.calendar.Due(w.now, sp, nil); ok {
			if _, err := r.set(r.form.Field("appeal_until"), until); err != nil {
				return err
			}
		}
	}
	ids, err := w.seatPersons(a.To, c.of, c.view, s)
	if err != nil {
		return err
	}
	var to []string
	for _, id := range ids {
		if id != r.str("person") {
			to = append(to, id)
		}
	}
	_, err = r.set(r.form.Field("appeal_to"), people{w: w, ids: to})
	w.clause(a.Clause)
	return err
}

// liability is who is liable along with the one sanctioned, and by which link.
type liability struct {
	link *rulebook.Link
	who  *Record
}

// liable are those whom an offence makes liable too: one level, and never the person himself.
func (w *work) liable(o *rulebook.Offence, view *rulebook.View, s *expr.Scope, who *Record) ([]liability, error) {
	var list []liability
	seen := map[string]bool{who.id: true}
	for _, l := range o.Link {
		if !view.Awake(&l.Node) {
			continue
		}
		v, err := l.Who.Eval(s)
		if err != nil {
			return nil, err
		}
		for _, id := range personIDs(v) {
			if seen[id] {
				continue
			}
			seen[id] = true
			p, err := w.person(id)
			if err != nil {
				return nil, err
			}
			list = append(list, liability{l, p})
		}
	}
	return list, nil
}

// link sanctions those who are liable too; it counts with the confirmation that caused it.
func (w *work) link(r *Record, c *sanctionCase, vars map[string]expr.Value) error {
	if len(c.offence.Link) == 0 || r.str("linked_to") != "" || r.str("person") == "" {
		return nil
	}
	who, err := w.person(r.str("person"))
	if err != nil {
		return err
	}
	vars["who"] = who
	s := w.scope(c.of, c.view, vars)
	list, err := w.liable(c.offence, c.view, s, who)
	if err != nil {
		return err
	}
	for _, l := range list {
		fine, err := w.linkedFine(r, l.link, c.view, s)
		if err != nil {
			return err
		}
		given := map[string]expr.Value{"linked_to": r, "fine": fine, "once_key": r.id + "|" + l.who.id, "nth": int64(1), "clause": orUnset(first(l.link.Clause, r.str("clause"))),
			"clauses": orUnset(joinIDs([]string{r.str("clause"), l.link.Clause}))}
		for _, k := range []string{"offence", "offence_label", "book", "source_clause", "fact_text", "ledger"} {
			given[k] = orUnset(r.str(k))
		}
		for _, k := range []string{"fact_at", "confirmers"} {
			if given[k], err = r.Get(k); err != nil {
				return err
			}
		}
		w.sanctioned(given, l.who)
		rec, err := w.engineRecord("base.sanction", c.of, given)
		if err != nil {
			return err
		}
		rec.enter("confirmed", w.now)
		rec.mark(rec.form.Action("confirm"), w.now, w.actor.Person)
		w.effect(Effect{Kind: "sanction", Form: "base.sanction", Record: rec.id, Name: c.offence.ID, Text: expr.Format(fine, expr.Of(expr.KMoney)), Clause: l.link.Clause, Data: map[string]string{"person": l.who.id, "measure": ""}})
		w.clause(l.link.Clause)
		own := map[string]expr.Value{"sanction": rec, "fact": factValue{w, &fact{form: c.of.form.Key, rec: c.of, at: w.now, person: l.who.id, clause: r.str("source_clause")}}}
		if err := w.pay(rec, c, own); err != nil {
			return err
		}
		if err := w.appealable(rec, c, own); err != nil {
			return err
		}
	}
	return nil
}

// linkedFine is what somebody liable too owes: what the link says, else the fine that caused it, so many times.
func (w *work) linkedFine(r *Record, l *rulebook.Link, view *rulebook.View, s *expr.Scope) (expr.Value, error) {
	if l.Fine != nil {
		v, _, err := w.pick(l.Fine, view, s)
		return v, err
	}
	v, err := r.Get("fine")
	m, ok := v.(expr.Money)
	if err != nil || !ok {
		return nil, err
	}
	var sum expr.Value = m
	for i := 1; i < l.Times; i++ {
		sum = expr.Plus(sum, m)
	}
	return sum, nil
}

func (w *work) linkedOf(r *Record, do func(*Record) error) error {
	if err := w.flush(); err != nil {
		return err
	}
	rows, err := w.tx.Select(query.Select{Table: r.form.Table, Alias: "s", Where: query.Eq("s", "linked_to", r.id), Order: []query.Order{{Expr: query.Col{Alias: "s", Name: "id"}}}})
	if err != nil {
		return err
	}
	for _, row := range rows {
		if l := w.adopt(r.form, row); l.State() != "withdrawn" {
			if err := do(l); err != nil {
				return err
			}
		}
	}
	return nil
}

// takeBack posts against what a sanction has posted until only `stands` is left: both entries stay to be seen.
func (w *work) takeBack(r *Record, stands expr.Money) error {
	l := w.ledgerOf(w.e.Lib.Book(r.str("book")), r.str("ledger"))
	if l == nil {
		return nil
	}
	if err := w.flush(); err != nil {
		return err
	}
	rows, err := w.tx.Select(query.Select{Table: w.e.Lib.Form("base.posting").Table, Alias: "p", Where: query.And(query.Eq("p", "of_id", r.id), query.Eq("p", "ledger", l.ID))})
	if err != nil {
		return err
	}
	var posted int64
	for _, row := range rows {
		n, _ := row["amount"].(int64)
		if l.Kind[str(row["kind"])] == "take" {
			n = -n
		}
		posted += n
	}
	typ := expr.Of(expr.KMoney)
	left, err := expr.ToColumn(stands, typ)
	if err != nil {
		return err
	}
	stay, _ := left.(int64)
	if posted <= stay {
		return nil
	}
	over, err := expr.FromColumn(posted-stay, typ)
	if err != nil {
		return err
	}
	return w.postBack(r, l, over)
}

// withdrawFor takes back what was only proposed for a breach since disproved. What was confirmed and paid
// stays: its confirmer is told and decides (money never moves by itself).
func (w *work) withdrawFor(breach string) error {
	form := w.e.Lib.Form("base.sanction")
	rows, err := w.tx.Select(query.Select{Table: form.Table, Alias: "s", Where: query.Eq("s", "breach_id", breach)})
	if err != nil {
		return err
	}
	for _, row := range rows {
		s := w.adopt(form, row)
		if s.State() == "proposed" {
			s.enter("withdrawn", w.now)
			continue
		}
		if s.State() == "confirmed" || s.State() == "posted" {
			var ids []string
			if v, err := s.Get("confirmers"); err == nil {
				ids = personIDs(v)
			}
			for _, id := range ids {
				p, err := w.person(id)
				if err != nil {
					continue
				}
				if err := w.quietCreate("base.notice", s, map[string]expr.Value{"person": p, "text": "逾期已更正，此项奖罚须复核", "text_en": "The delay was corrected; this sanction must be looked at again", "clause": orUnset(s.str("clause"))}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
