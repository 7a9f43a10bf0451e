package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// A duty runs by a cursor a duty and adopting unit: at each opening it makes one clock row a member
// (or one sheet, if the duty creates one) and moves the cursor to the next period.

// startDuties makes cursors for duties that have none yet; the first period is the one under way at adoption.
func (e *Engine) startDuties(ctx context.Context, now time.Time) error {
	var missing []store.Row
	err := e.DB.Read(ctx, func(tx *store.Tx) error {
		missing = nil
		w, err := e.begin(ctx, tx, now, ClockActor())
		if err != nil {
			return err
		}
		w.reading = true
		rows, err := tx.Select(query.Select{Table: "duty_cursor", Alias: "d"})
		if err != nil {
			return err
		}
		have := map[string]bool{}
		for _, r := range rows {
			have[str(r["id"])] = true
		}
		for i := range w.world.adoptions {
			a := &w.world.adoptions[i]
			b := e.Lib.Book(a.book)
			if b == nil || !inForce(a.from, a.until, calendar.DateOf(now, w.world.calendar.Zone)) {
				continue
			}
			for _, d := range b.Duties {
				id := b.Short + "." + d.ID + "@" + a.unit
				if have[id] {
					continue
				}
				start := a.from.Start(w.world.calendar.Zone)
				if a.from.IsZero() || start.Before(now.AddDate(0, -2, 0)) {
					start = now // adopted long ago: begin with the period under way
				}
				every, own, err := w.rhythm(d, w.world.view(w, b, a.unit, now))
				if err != nil {
					return err
				}
				p := w.world.calendar.PeriodOf(every, nil, start)
				switch {
				case !own && !d.Member():
					continue // nothing gives its rhythm yet
				case !own: // members' own: look at once at all that are under way
					p.From = w.world.calendar.DateOf(start).Start(w.world.calendar.Zone)
					p.To = p.From
				}
				missing = append(missing, store.Row{"id": id, "duty": b.ID + "." + d.ID, "unit": a.unit,
					"next_at": instant(w.opening(d, p)), "period_from": instant(p.From), "period_to": instant(p.To)})
			}
		}
		return nil
	})
	if err != nil || len(missing) == 0 {
		return err
	}
	return e.DB.Write(ctx, func(tx *store.Tx) error {
		for _, r := range missing {
			if err := tx.Upsert("duty_cursor", []string{"id"}, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// everyOf is the rhythm for a member.
func (w *work) everyOf(d *rulebook.Duty, view *rulebook.View, member *Record) (calendar.Span, bool, error) {
	v, c, err := d.Every.Pick(view, w.scope(member, view, nil))
	if err != nil || c == nil {
		return calendar.Span{}, false, err
	}
	sp, ok := spanOf(v)
	return sp, ok, nil
}

// rhythm is the duty's own; of one that is its members' (own is false), how often to look whose begins.
func (w *work) rhythm(d *rulebook.Duty, view *rulebook.View) (every calendar.Span, own bool, err error) {
	if every, own, err = w.everyOf(d, view, nil); err == nil && own {
		return every, true, nil
	}
	return w.everyLook(d, view), false, nil
}

// everyLook is a rhythm in which every member's begins at some beginning: the month's where all the lengths that the cases
// can give are months, the day's where one is shorter or a field says it.
func (w *work) everyLook(d *rulebook.Duty, view *rulebook.View) calendar.Span {
	month, day := calendar.Span{N: 1, Unit: calendar.UnitMonth}, calendar.Span{N: 1, Unit: calendar.UnitDay}
	known := func(v expr.Value) bool {
		sp, ok := spanOf(v)
		return !ok || sp.Unit == calendar.UnitMonth || sp.Unit == calendar.UnitQuarter || sp.Unit == calendar.UnitYear
	}
	for _, c := range casesOf(d.Every) {
		if !view.Awake(&c.Node) {
			continue
		}
		if v, err := c.Is.Eval(w.scope(nil, view, nil)); err == nil && v != nil {
			if !known(v) {
				return day
			}
			continue
		}
		if len(c.Is.Params()) == 0 {
			return day
		}
		for _, id := range c.Is.Params() {
			if !known(view.Values[id]) {
				return day
			}
			for _, row := range view.Rows[id] {
				for _, v := range row {
					if !known(v) {
						return day
					}
				}
			}
		}
	}
	return month
}

// opening is when the tasks of a period appear.
func (w *work) opening(d *rulebook.Duty, p calendar.Period) time.Time {
	if d.Open == nil {
		return p.From
	}
	return w.offset(d.Open, p)
}

// offset places a point of a period.
func (w *work) offset(o *rulebook.Offset, p calendar.Period) time.Time {
	cal := w.world.calendar
	var t time.Time
	switch o.Base {
	case "start":
		t = p.From
	case "end":
		t = p.To
	case "day": // 24:00 (or the clock time) of the n-th day after the period
		d := calendar.DateOf(p.To, cal.Zone).AddDays(o.Day - 1)
		t = d.End(cal.Zone)
		if o.Clock != nil {
			t = d.Start(cal.Zone).Add(time.Duration(*o.Clock) * time.Minute)
		}
	case "weekday":
		d := calendar.DateOf(p.From, cal.Zone)
		for d.Weekday() != o.Weekday {
			d = d.AddDays(1)
		}
		t = d.End(cal.Zone)
		if o.Clock != nil {
			t = d.Start(cal.Zone).Add(time.Duration(*o.Clock) * time.Minute)
		}
	}
	if o.Plus != nil {
		t = cal.Add(t, *o.Plus)
	}
	if o.Minus != nil {
		t = cal.Before(t, *o.Minus)
	}
	return t
}

func (w *work) dutyDue(d *rulebook.Duty, view *rulebook.View, s *expr.Scope, p calendar.Period) (time.Time, string, error) {
	for _, c := range d.DueAt {
		if !view.Awake(&c.Node) {
			continue
		}
		if c.When != nil {
			v, err := c.When.Eval(s)
			if err != nil {
				return time.Time{}, "", err
			}
			if b, _ := v.(bool); !b {
				continue
			}
		}
		return w.offset(c.Offset, p), c.Clause, nil
	}
	return p.To, "", nil
}

// openDuty opens the period a cursor stands at and moves it on.
func (w *work) openDuty(id string, at time.Time) error {
	rows, err := w.tx.Select(query.Select{Table: "duty_cursor", Alias: "d", Where: query.Eq("d", "id", id), Limit: 1})
	if err != nil || len(rows) == 0 {
		return err
	}
	row := rows[0]
	if next, ok := parseInstant(row["next_at"]); !ok || next.After(at) {
		return nil
	}
	book, name, _ := strings.Cut(str(row["duty"]), ".")
	b := w.e.Lib.Book(book)
	if b == nil || b.Duty(name) == nil {
		_, err := w.tx.Delete("duty_cursor", query.Eq("d", "id", id))
		return err
	}
	d := b.Duty(name)
	unit := str(row["unit"])
	from, _ := parseInstant(row["period_from"])
	to, _ := parseInstant(row["period_to"])
	p := calendar.Period{From: from, To: to}
	view := w.world.view(w, b, unit, at)
	every, own, err := w.rhythm(d, view)
	if err != nil {
		return err
	}
	if view.Awake(&d.Node) && view.Adoption != "" && (own || d.Member()) {
		if err := w.openPeriod(d, view, unit, p); err != nil {
			return fmt.Errorf("duty %s: %w", d.ID, err)
		}
	}
	if from.Equal(to) {
		p = w.world.calendar.PeriodOf(every, nil, from)
	}
	next := w.world.calendar.NextPeriod(every, nil, p)
	_, err = w.tx.Update("duty_cursor", store.Row{"id": id}, store.Row{"next_at": instant(w.opening(d, next)), "period_from": instant(next.From), "period_to": instant(next.To)})
	return err
}

// openPeriod makes what a period asks for: a sheet, or a clock row a member.
func (w *work) openPeriod(d *rulebook.Duty, view *rulebook.View, unit string, p calendar.Period) error {
	if d.Met != nil && d.Met.Create != "" {
		form := w.e.Lib.Form(d.Met.Create)
		u, err := w.unit(unit)
		if err != nil {
			return err
		}
		period := p
		if form.Report != nil || w.opening(d, p).Equal(p.To) || !w.opening(d, p).Before(p.To) {
			period = p
		}
		given := map[string]expr.Value{}
		if form.Field("period_from") != nil {
			given["period_from"] = calendar.DateOf(period.From, w.world.calendar.Zone)
			given["period_to"] = calendar.DateOf(period.To.Add(-time.Second), w.world.calendar.Zone)
		}
		more, err := w.assigned(d.Met.With, view, w.scope(nil, view, map[string]expr.Value{"period": p}))
		if err != nil {
			return err
		}
		for k, v := range more {
			given[k] = v
		}
		if u != nil {
			given["unit"] = u
		}
		if form.Checklist != nil && d.Of != "" && form.Field("of") != nil {
			return w.openSheets(d, view, unit, p, form, given)
		}
		var sheet *Record
		if err := w.create(form, nil, given, d.Clause, func(r *Record) { sheet = r }); err != nil {
			return err
		}
		if sheet == nil {
			return nil
		}
		return w.dutyRow(d, view, sheet, p, "")
	}
	if d.Of == "" {
		u, err := w.unit(unit)
		if err != nil || u == nil {
			return err
		}
		return w.dutyRow(d, view, u, p, "")
	}
	list, err := w.dutyMembers(d, view, unit)
	if err != nil {
		return err
	}
	for _, m := range list {
		every, ok, err := w.everyOf(d, view, m)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		mp := w.world.calendar.PeriodOf(every, nil, p.From)
		if !mp.From.Equal(p.From) && !p.From.Equal(p.To) {
			continue // this member's period does not begin now; at the first look those under way are taken up
		}
		if !d.Full && m.opened().After(mp.From) {
			continue // joined in the period: owes from the next one on
		}
		if err := w.dutyRow(d, view, m, mp, ""); err != nil {
			return err
		}
	}
	return nil
}

// openSheets makes one inspection sheet a member of the population, or of the sample drawn from it.
func (w *work) openSheets(d *rulebook.Duty, view *rulebook.View, unit string, p calendar.Period, form *rulebook.Form, given map[string]expr.Value) error {
	list, err := w.dutyMembers(d, view, unit)
	if err != nil {
		return err
	}
	list, err = w.drawn(d.Sample, view, list, p)
	if err != nil {
		return err
	}
	for _, m := range list {
		with := map[string]expr.Value{"of": m}
		for k, v := range given {
			with[k] = v
		}
		var sheet *Record
		if err := w.create(form, nil, with, d.Clause, func(r *Record) { sheet = r }); err != nil {
			return err
		}
		if sheet == nil {
			continue
		}
		if err := w.dutyRow(d, view, sheet, p, ""); err != nil {
			return err
		}
	}
	return nil
}

// dutyMembers are the records of the population in the adopting unit that satisfy `where` now.
func (w *work) dutyMembers(d *rulebook.Duty, view *rulebook.View, unit string) ([]*Record, error) {
	form := w.e.Lib.Form(d.Of)
	s := w.scope(nil, view, nil)
	var where query.Expr = query.Op{Name: "<>", Args: []query.Expr{query.Col{Alias: "this", Name: "state"}, query.Const{Value: "void"}}}
	var memory *rulebook.Value
	for _, c := range casesOf(d.Where) {
		if !view.Awake(&c.Node) {
			continue
		}
		if x, ok := c.Is.Query("this", s); ok {
			where = query.And(where, x)
		} else {
			memory = d.Where
		}
		break
	}
	rows, err := w.tx.Select(query.Select{Table: form.Table, Alias: "this", Where: where, Order: []query.Order{{Expr: query.Col{Alias: "this", Name: "id"}}}})
	if err != nil {
		return nil, err
	}
	var list []*Record
	for _, row := range rows {
		m := w.adopt(form, row)
		if form.Kept != "platform" && !w.world.within(m.unitID(), unit) {
			continue
		}
		if memory != nil {
			ok, err := w.truth(memory, view, w.scope(m, view, nil), true)
			if err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
		}
		list = append(list, m)
	}
	return list, nil
}

// dutyRow opens one member's clock.
func (w *work) dutyRow(d *rulebook.Duty, view *rulebook.View, m *Record, p calendar.Period, key string) error {
	s := w.scope(m, view, map[string]expr.Value{"period": p})
	due, clause, err := w.dutyDue(d, view, s, p)
	if err != nil {
		return err
	}
	holders, err := w.dutyHolders(d, view, m, s)
	if err != nil {
		return err
	}
	rec, err := w.draft(w.clockForm())
	if err != nil {
		return err
	}
	hb, _ := json.Marshal(holders)
	rec.row["unit"] = first(m.unitID(), view.Unit)
	rec.row["by"] = nil
	cl := first(clause, d.Clause)
	for k, v := range map[string]any{"of_form": m.form.Key, "of_id": m.id, "name": d.ID, "instance": instant(p.From) + key, "from_at": instant(w.now), "due": instant(due),
		"holder": string(hb), "duty": d.Book.ID + "." + d.ID, "period_from": instant(p.From), "period_to": instant(p.To)} {
		rec.row[k] = v
	}
	for k, v := range map[string]string{"clause": cl, "label": d.Label.ZH} {
		if rec.form.Field(k) != nil {
			rec.row[k] = nilIfEmpty(v)
		}
	}
	rec.enter("open", w.now)
	w.effect(Effect{Kind: "clock", Form: m.form.Key, Record: m.id, Name: d.ID, Text: "opened", Clause: cl, Data: map[string]string{"due": instant(due), "of": m.id, "holder": joinIDs(holders)}})
	c := clockRow{rec: rec, fired: map[string]string{}}
	rec.row["next_at"] = instant(w.dutyNext(d, view, due, c))
	m.touch()
	return w.effects_(d.Do, m, view, map[string]expr.Value{"period": p})
}

func (w *work) dutyHolders(d *rulebook.Duty, view *rulebook.View, m *Record, s *expr.Scope) ([]string, error) {
	if d.Holder != nil && view.Awake(&d.Holder.Node) {
		return w.seatPersons(d.Holder.Who, m, view, s)
	}
	if d.Met != nil && d.Met.To != "" {
		if a := m.form.Action(d.Met.To); a != nil {
			return w.whoMay(m, a), nil
		}
	}
	for _, u := range w.world.chain(first(m.unitID(), view.Unit)) {
		if x := w.world.units[u]; x != nil && x.head != "" {
			return []string{x.head}, nil
		}
	}
	return nil, nil
}

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
	shortfall, met, err := w.shortfall(d, view, m, p, c)
	if err != nil {
		return err
	}
	if !view.Awake(&d.Node) || (d.Of != "" && !w.stillMember(d, view, m)) {
		w.closeClock(m, c, "void", at)
		return nil
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
				if err := w.quietCreate("base.notice", m, map[string]expr.Value{"person": pr, "text": d.Label.ZH + "快到期", "clause": orUnset(first(x.warn.Clause, d.Clause))}); err != nil {
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

func (w *work) stillMember(d *rulebook.Duty, view *rulebook.View, m *Record) bool {
	ok, err := w.truth(d.Where, view, w.scope(m, view, nil), true)
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
	var where query.Expr
	var memory *expr.Expr
	for _, cs := range casesOf(d.Met.If) {
		if !view.Awake(&cs.Node) {
			continue
		}
		if x, ok := cs.Is.Query("it", s); ok {
			where = x
		} else {
			memory = cs.Is
		}
		break
	}
	where = query.And(where, query.Op{Name: ">=", Args: []query.Expr{query.Col{Alias: "it", Name: "at"}, query.Const{Value: instant(p.From)}}},
		query.Op{Name: "<", Args: []query.Expr{query.Col{Alias: "it", Name: "at"}, query.Const{Value: instant(p.To)}}})
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

// dutiesOf closes the duty clocks of a record as soon as what they ask is done.
func (w *work) dutiesOf(r *Record) error {
	if r.fresh || r.form.Kept == "engine" {
		return nil
	}
	if err := w.flush(); err != nil {
		return err
	}
	rows, err := w.tx.Select(query.Select{Table: w.clockForm().Table, Alias: "c", Where: query.And(query.Eq("c", "of_id", r.id),
		query.Op{Name: "not", Args: []query.Expr{query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "c", Name: "duty"}}}}},
		query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "c", Name: "met_at"}}})})
	if err != nil {
		return err
	}
	for _, row := range rows {
		c := newClockRow(w.adopt(w.clockForm(), row))
		book, name, _ := strings.Cut(c.str("duty"), ".")
		b := w.e.Lib.Book(book)
		if b == nil || b.Duty(name) == nil || c.str("state") == "void" || b.Duty(name).Met == nil || b.Duty(name).Met.To == "" {
			continue
		}
		d := b.Duty(name)
		view := w.viewFor(b, r)
		from, _ := parseInstant(c.rec.row["period_from"])
		to, _ := parseInstant(c.rec.row["period_to"])
		_, met, err := w.shortfall(d, view, r, calendar.Period{From: from, To: to}, c)
		if err != nil {
			return err
		}
		if met {
			late := c.rec.State() == "late"
			setCol(c.rec, "met_at", instant(w.now))
			setCol(c.rec, "next_at", nil)
			if late {
				c.rec.enter("late_met", w.now)
			} else {
				c.rec.enter("met", w.now)
			}
			w.effect(Effect{Kind: "clock", Form: r.form.Key, Record: r.id, Name: d.ID, Text: "met", Clause: c.str("clause")})
		} else if ids, err := w.dutyHolders(d, view, r, w.scope(r, view, nil)); err == nil {
			hb, _ := json.Marshal(ids)
			setCol(c.rec, "holder", string(hb))
		}
	}
	return nil
}
