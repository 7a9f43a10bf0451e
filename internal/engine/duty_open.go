package engine

import (
	"fmt"
	"strings"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// What a duty opens for a period: a clock row or a sheet each member.

// openDuty opens the period a cursor stands at and moves it on; skip only moves it on.
func (w *work) openDuty(id string, at time.Time, skip bool) error {
	rows, err := w.tx.Select(query.Select{Table: "duty_cursor", Alias: "d", Where: query.Eq("d", "id", id), Limit: 1})
	if err != nil || len(rows) == 0 {
		return err
	}
	row := rows[0]
	switch {
	case strings.HasPrefix(id, closing):
		return w.closeLedger(row, at)
	case strings.HasPrefix(id, limited):
		return w.overOn(id)
	case strings.HasPrefix(id, keeping):
		return w.termEnded(row)
	case strings.HasPrefix(id, named):
		return w.namedOn(row)
	}
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
	if !skip && view.Awake(&d.Node) && view.Adoption != "" && (own || d.Member()) {
		w.owing = unit
		if err := w.dropLate(d, view); err != nil {
			return err
		}
		if err := w.openPeriod(d, view, unit, p); err != nil {
			return fmt.Errorf("duty %s: %w", d.ID, err)
		}
	}
	align, err := w.unitAlign(d, view)
	if err != nil {
		return err
	}
	if from.Equal(to) {
		p = w.world.calendar.PeriodOf(every, align, from)
	}
	next := w.world.calendar.NextPeriod(every, align, p)
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
	list, err := w.dutyMembers(d, view, unit, p)
	if err != nil {
		return err
	}
	if d.Sample != nil {
		if list, err = w.drawn(d.Sample, view, list, p); err != nil {
			return err
		}
	}
	for _, m := range list {
		if aligned(d, view) {
			if err := w.realign(d, view, m); err != nil {
				return err
			}
			continue
		}
		mp, ok, err := w.memberPeriod(d, view, m, p.From)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
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
	list, err := w.dutyMembers(d, view, unit, p)
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

// dutyMembers are the records of the population of a period in the adopting unit that satisfy `where` now.
func (w *work) dutyMembers(d *rulebook.Duty, view *rulebook.View, unit string, p calendar.Period) ([]*Record, error) {
	form := w.e.Lib.Form(d.Of)
	return w.population(form, d.Where, view, map[string]expr.Value{"period": p}, "id", func(m *Record) bool {
		if form.Key == "base.unit" { // another house's departments have nothing to do with it
			return w.world.within(m.id, unit)
		}
		return form.Kept == "platform" || w.world.within(m.unitID(), unit)
	})
}

// population are the records of a form, none void, that satisfy a condition and are ours, by number or id: the members of a duty, the rows
// of a report. The database is asked as far as it understands the condition.
func (w *work) population(form *rulebook.Form, cond *rulebook.Value, view *rulebook.View, vars map[string]expr.Value, order string, ours func(*Record) bool) ([]*Record, error) {
	var where query.Expr = query.Op{Name: "<>", Args: []query.Expr{query.Col{Alias: "this", Name: "state"}, query.Const{Value: "void"}}}
	inMemory := false
	for _, c := range casesOf(cond) {
		if !view.Awake(&c.Node) {
			continue
		}
		if x, ok := c.Is.Query("this", w.scope(nil, view, vars)); ok {
			where = query.And(where, x)
		} else {
			inMemory = true
		}
		break
	}
	if err := w.flush(); err != nil {
		return nil, err
	}
	by := []query.Order{{Expr: query.Col{Alias: "this", Name: "id"}}}
	if order != "id" {
		by = append([]query.Order{{Expr: query.Col{Alias: "this", Name: order}}}, by...)
	}
	rows, err := w.tx.Select(query.Select{Table: form.Table, Alias: "this", Where: where, Order: by})
	if err != nil {
		return nil, err
	}
	var list []*Record
	for _, row := range rows {
		m := w.adopt(form, row)
		if !ours(m) {
			continue
		}
		if inMemory {
			if ok, err := w.truth(cond, view, w.scope(m, view, vars), true); err != nil {
				return nil, err
			} else if !ok {
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
	rec, err := w.draft(w.clockForm(), nil)
	if err != nil {
		return err
	}
	if err := w.hold(rec, holders); err != nil {
		return err
	}
	rec.row["unit"] = first(m.unitID(), view.Unit)
	rec.row["by"] = nil
	cl := first(clause, d.Clause)
	for k, v := range map[string]any{"of_form": m.form.Key, "of_id": m.id, "name": d.ID, "instance": instant(p.From) + key, "from_at": instant(w.now), "due": instant(due),
		"duty": d.Book.ID + "." + d.ID, "period_from": instant(p.From), "period_to": instant(p.To)} {
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
	for u := range w.world.chain(first(m.unitID(), view.Unit)) {
		if x := w.world.units[u]; x != nil && x.head != "" {
			return []string{x.head}, nil
		}
	}
	return nil, nil
}
