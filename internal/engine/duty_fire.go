package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// What comes of an open duty: warnings, its breach, its fulfilment.

// dutyNext is the duty's next mark: a warning, a step, or its breach.
func (w *work) dutyNext(d *rulebook.Duty, view *rulebook.View, due time.Time, c clockRow) time.Time {
	next := time.Time{}
	for _, m := range w.dutyMarks(d, view, due, c) {
		if c.fired[m.id] == "" && (next.IsZero() || m.at.Before(next)) {
			next = m.at
		}
	}
	return next
}

func (w *work) dutyMarks(d *rulebook.Duty, view *rulebook.View, due time.Time, c clockRow) []mark {
	cal := w.world.calendar
	list := []mark{{id: "late", at: due.Add(lateAfter), late: true}}
	for i, m := range d.Warn {
		if view.Awake(&m.Node) && m.Pct == 0 {
			list = append(list, mark{id: fmt.Sprintf("warn%d", i), at: cal.Before(due, m.Span), warn: m})
		}
	}
	for _, st := range d.Step {
		if !view.Awake(&st.Node) {
			continue
		}
		span := func(v *rulebook.Value) (calendar.Span, bool) {
			if v == nil {
				return calendar.Span{}, false
			}
			x, _, err := v.Pick(view, w.scope(nil, view, nil))
			if err != nil {
				return calendar.Span{}, false
			}
			return spanOf(x)
		}
		if sp, ok := span(st.Before); ok {
			list = append(list, mark{id: st.ID, at: cal.Before(due, sp), step: st})
		}
		if sp, ok := span(st.After); ok {
			list = append(list, mark{id: st.ID, at: cal.Add(due, sp).Add(lateAfter), step: st})
		}
	}
	return list
}

// fireDuty does what is due for one member's clock.
func (w *work) fireDuty(c clockRow, at time.Time) error {
	book, name, _ := strings.Cut(c.str("duty"), ".")
	b := w.e.Lib.Book(book)
	form := w.e.Lib.Form(c.str("of_form"))
	if b == nil || b.Duty(name) == nil || form == nil {
		setCol(c.rec, "next_at", nil)
		return nil
	}
	d := b.Duty(name)
	m, err := w.lock(form, c.str("of_id"))
	if err != nil {
		return err
	}
	w.top = m
	view := w.viewFor(b, m)
	from, _ := parseInstant(c.rec.row["period_from"])
	to, _ := parseInstant(c.rec.row["period_to"])
	due, _ := parseInstant(c.rec.row["due"])
	p := calendar.Period{From: from, To: to}
	if aligned(d, view) && view.Awake(&d.Node) && w.stillMember(d, view, m, p) {
		if err := w.realign(d, view, m); err != nil || c.str("state") != "open" && c.str("state") != "late" {
			return err
		}
	}
	shortfall, met, err := w.shortfall(d, view, m, p, c)
	if err != nil {
		return err
	}
	if !view.Awake(&d.Node) || w.left(d, view, m, p) {
		if c.str("state") != "void" {
			w.closeClock(m, c, "void", at)
		}
		setCol(c.rec, "next_at", nil)
		return nil
	}
	if c.str("state") == "void" { // back in time, by something that told nobody
		c.rec.enter("open", at)
	}
	if met {
		w.closeClock(m, c, "met", at)
		return nil
	}
	for _, x := range w.dutyMarks(d, view, due, c) {
		if x.at.After(at) || c.fired[x.id] != "" {
			continue
		}
		c.fired[x.id] = instant(x.at)
		holders := heldBy(c.rec)
		vars := map[string]expr.Value{"period": p, "missing": shortfall, "holder": people{w: w, ids: holders}}
		switch {
		case x.late:
			if err := w.dutyBreach(d, view, m, c, due, shortfall, holders, vars); err != nil {
				return err
			}
		case x.warn != nil:
			w.effect(Effect{Kind: "clock", Form: m.form.Key, Record: m.id, Name: d.ID, Text: "warned", Clause: first(x.warn.Clause, d.Clause), Data: map[string]string{"due": instant(due), "to": joinIDs(holders)}})
			for _, id := range holders {
				pr, err := w.person(id)
				if err != nil {
					continue
				}
				if err := w.quietCreate("base.notice", m, map[string]expr.Value{"person": pr, "text": d.Label.ZH + "快到期", "text_en": text(d.Label).EN + ": due soon", "clause": orUnset(first(x.warn.Clause, d.Clause))}); err != nil {
					return err
				}
			}
		case x.step != nil:
			w.effect(Effect{Kind: "clock", Form: m.form.Key, Record: m.id, Name: d.ID, Text: "step " + x.id, Clause: first(x.step.Clause, d.Clause)})
			if err := w.effects_(x.step.Do, m, view, vars); err != nil {
				return err
			}
		}
		break
	}
	b2, _ := json.Marshal(c.fired)
	setCol(c.rec, "fired", string(b2))
	next := w.dutyNext(d, view, due, c)
	if next.IsZero() {
		setCol(c.rec, "next_at", nil)
	} else {
		setCol(c.rec, "next_at", instant(next))
	}
	return nil
}

// stillMember tells whether the population of a period still holds the member; of the sheet of a checklist the member is what it inspects.
func (w *work) stillMember(d *rulebook.Duty, view *rulebook.View, m *Record, p calendar.Period) bool {
	if d.Met != nil && d.Met.Create == m.form.Key && m.form.Checklist != nil {
		v, err := m.Get("of")
		of, ok := v.(*Record)
		if err != nil || !ok || m.State() == "void" {
			return false
		}
		m = of
	}
	ok, err := w.truth(d.Where, view, w.scope(m, view, map[string]expr.Value{"period": p}), true)
	return err == nil && ok && m.State() != "void"
}

func (w *work) dutyBreach(d *rulebook.Duty, view *rulebook.View, m *Record, c clockRow, due time.Time, missing int64, holders []string, vars map[string]expr.Value) error {
	setCol(c.rec, "breach", "lapse")
	c.rec.enter("late", w.now)
	if d.Blame != nil && view.Awake(&d.Blame.Node) {
		if d.Blame.Nobody {
			return w.effects_(d.Late, m, view, vars)
		}
		if d.Blame.Who != nil {
			ids, err := w.seatPersons(d.Blame.Who, m, view, w.scope(m, view, vars))
			if err != nil {
				return err
			}
			holders = ids
		}
	}
	given := map[string]expr.Value{"name": d.ID, "label": orUnset(d.Label.ZH), "due": due, "clause": orUnset(c.clauseOr(d.Clause)), "holder": people{w: w, ids: holders}}
	if len(holders) > 0 {
		if p, err := w.person(holders[0]); err == nil {
			given["person"] = p
		}
	}
	row, err := w.engineRecord("base.breach", m, given)
	if err != nil {
		return err
	}
	setCol(c.rec, "breach", row.id)
	w.effect(Effect{Kind: "breach", Form: m.form.Key, Record: m.id, Name: d.ID, Text: joinIDs(holders), Clause: c.clauseOr(d.Clause), Data: map[string]string{"due": instant(due), "holder": joinIDs(holders)}})
	w.facts = append(w.facts, fact{form: "duty", action: "late", of: d.ID, rec: m, at: w.now, clause: c.clauseOr(d.Clause), holder: holders, breach: row.id, missing: missing})
	return w.effects_(d.Late, m, view, vars)
}

func (c clockRow) clauseOr(other string) string { return first(c.str("clause"), other) }

// shortfall is how much is missing in the period, and whether the duty is met.
func (w *work) shortfall(d *rulebook.Duty, view *rulebook.View, m *Record, p calendar.Period, c clockRow) (int64, bool, error) {
	if d.Met == nil {
		return 0, true, nil
	}
	if d.Met.To != "" {
		st := m.stamps()[d.Met.To]
		if st == nil {
			return 1, false, nil
		}
		at, _ := parseInstant(st.At)
		opened, _ := parseInstant(c.rec.row["from_at"])
		if at.Before(opened) {
			return 1, false, nil
		}
		return 0, true, nil
	}
	need := int64(1)
	s := w.scope(m, view, map[string]expr.Value{"period": p})
	if d.Met.AtLeast != nil {
		v, cs, err := d.Met.AtLeast.Pick(view, s)
		if err != nil {
			return 0, false, err
		}
		if cs != nil {
			need = wholeNumber(v)
		}
	}
	form := w.e.Lib.Form(d.Met.Count)
	p = w.countedIn(d, view, p, c)
	made := p.To
	var where query.Expr
	var memory *expr.Expr
	for _, cs := range casesOf(d.Met.If) {
		if !view.Awake(&cs.Node) {
			continue
		}
		if due, ok := parseInstant(c.rec.row["due"]); ok && due.After(made) && c.str("state") != "late" && slices.Contains(cs.Is.Names(), "period") {
			made = due.Add(lateAfter) // the record says which period it is for
		}
		if x, ok := cs.Is.Query("it", s); ok {
			where = x
		} else {
			memory = cs.Is
		}
		break
	}
	where = query.And(where, query.Op{Name: "<>", Args: []query.Expr{query.Col{Alias: "it", Name: "state"}, query.Const{Value: "void"}}}, query.Op{Name: ">=", Args: []query.Expr{query.Col{Alias: "it", Name: "at"}, query.Const{Value: instant(p.From)}}},
		query.Op{Name: "<", Args: []query.Expr{query.Col{Alias: "it", Name: "at"}, query.Const{Value: instant(made)}}})
	all, err := (&set{w: w, object: form.Key, table: form.Table, form: form, where: where}).All()
	if err != nil {
		return 0, false, err
	}
	seen := map[string]bool{}
	n := int64(0)
	for _, it := range all {
		rs := w.scope(m, view, map[string]expr.Value{"period": p, "it": it})
		if memory != nil {
			v, err := memory.Eval(rs)
			if err != nil {
				return 0, false, err
			}
			if b, _ := v.(bool); !b {
				continue
			}
		}
		if d.Met.Distinct != nil {
			v, err := d.Met.Distinct.Eval(rs)
			if err != nil {
				return 0, false, err
			}
			k := fmt.Sprint(v)
			if x, ok := v.(expr.Record); ok {
				k = x.ID()
			}
			if seen[k] {
				continue
			}
			seen[k] = true
		}
		n++
	}
	if n >= need {
		return 0, true, nil
	}
	return need - n, false, nil
}
