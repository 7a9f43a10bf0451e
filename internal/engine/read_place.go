package engine

import (
	"zhanggui/internal/calendar"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// Who works in two houses of a group holds what he holds of the other one there, not where his desk is: an adopter that is not his own
// house stands for its unit. People of an outside organisation stay under its name.

// adopterOf is the unit that adopted the regulation a clock runs by, "" where none did.
func (w *work) adopterOf(row store.Row) string {
	f := w.e.Lib.Form(str(row["of_form"]))
	if f == nil {
		return ""
	}
	if a := w.world.adoptionOf(f.Book.ID, str(row["unit"]), calendar.DateOf(w.now, w.world.calendar.Zone)); a != nil {
		return a.unit
	}
	return ""
}

// placeOf is the unit in which somebody holds a clock of a regulation that a unit has adopted.
func (w *work) placeOf(person, adopter string) string {
	p := w.world.people[person]
	switch {
	case p == nil:
		return ""
	case adopter == "" || w.world.within(p.unit, adopter) || w.world.outside(person) != "":
		return p.unit
	}
	return adopter
}

// heldIn is the condition that somebody holds a clock in a unit, as placeOf has it.
func (w *work) heldIn(alias, unit string) query.Expr {
	var here, away []query.Expr // the clocks of regulations that this unit has adopted; those that other houses have
	today := calendar.DateOf(w.now, w.world.calendar.Zone)
	for _, a := range w.world.adoptions {
		b := w.e.Lib.Book(a.book)
		if b == nil || b.ID == "base" || !inForce(a.from, a.until, today) {
			continue
		}
		forms := []query.Expr{query.Col{Alias: alias, Name: "of_form"}}
		for _, f := range b.Forms {
			forms = append(forms, query.Const{Value: f.Key})
		}
		its := query.And(w.belowUnit(alias, a.unit), query.Op{Name: "in", Args: forms})
		switch {
		case a.unit == unit:
			here = append(here, its)
		case !w.world.within(unit, a.unit):
			away = append(away, its)
		}
	}
	var own, guests []query.Expr
	for _, id := range sortedKeys(w.world.people) {
		p, outside := w.world.people[id], w.world.outside(id) != ""
		switch {
		case p.unit == unit:
			own = append(own, holds(alias, "holder", id))
			if outside {
				away = nil
			}
		case len(here) > 0 && !outside && !w.world.within(p.unit, unit) && w.visits(id, unit):
			guests = append(guests, holds(alias, "holder", id))
		}
	}
	or := func(list []query.Expr) query.Expr { return query.Op{Name: "or", Args: list} }
	return or([]query.Expr{
		query.And(or(own), query.Op{Name: "not", Args: []query.Expr{or(away)}}),
		query.And(or(guests), or(here)),
	})
}

// visits tells whether somebody holds a role in a unit or below it.
func (w *work) visits(person, unit string) bool {
	for _, g := range w.world.rolesOf(person, w.now) {
		if w.world.within(g.unit, unit) {
			return true
		}
	}
	return false
}
