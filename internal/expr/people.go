package expr

import (
	"time"

	"zhanggui/internal/calendar"
)

// people answers the functions that ask the directory and the engine's books.
func (m *machine) people(fn string, a []Value) (Value, bool, error) {
	f := m.s.Facts
	if f == nil {
		return nil, false, nil
	}
	rec := func(i int) Record {
		if i < len(a) {
			r, _ := a[i].(Record)
			return r
		}
		return nil
	}
	done := func(v Value, err error) (Value, bool, error) { return v, true, err }
	switch fn {
	case "has":
		who, ok := a[0].(Who)
		return ok && rec(1) != nil && who.Has(rec(1)), true, nil
	case "absent":
		return f.Absent(a[0], m.instant(a, 1)), true, nil
	case "superior":
		return done(orUnset(f.Superior(rec(0))))
	case "head":
		return done(orUnset(f.Head(rec(0))))
	case "unit_of":
		return done(orUnset(f.UnitOf(rec(0), m.instant(a, 1))))
	case "waiting", "approved", "rank", "ranked", "quota_left":
		return done(m.book(fn, a))
	case "ledger":
		id, _ := a[0].(string)
		return balance{id, append([]Value{}, a[1:]...)}, true, nil
	case "same":
		return f.Same(a[0], a[1]), true, nil
	case "history":
		field, _ := a[1].(string)
		list, err := f.History(rec(0), field)
		out := make([]Value, len(list))
		for i, h := range list {
			out[i] = h
		}
		return done(out, err)
	case "giver_holds":
		r, ok := a[0].(Range)
		v, _ := m.variable("giver")
		giver, _ := v.(Record)
		id, _ := m.variable("ledger_id")
		ledger, _ := id.(string)
		if !ok || ledger == "" {
			return nil, true, nil
		}
		return done(f.Holds(ledger, giver, r))
	}
	return nil, false, nil
}

// instant is the time given as argument i: a day counts to its last moment, nothing is now.
func (m *machine) instant(a []Value, i int) time.Time {
	if i < len(a) {
		switch t := a[i].(type) {
		case time.Time:
			return t
		case calendar.Date:
			return t.End(m.zone()).Add(-time.Millisecond)
		}
	}
	return m.s.Now
}

func orUnset(r Record, err error) (Value, error) {
	if err != nil || r == nil {
		return nil, err
	}
	return r, nil
}

// book asks an approval, ranking or quota about a record, this if none is named.
func (m *machine) book(fn string, a []Value) (Value, error) {
	id, _ := a[0].(string)
	v, _ := m.variable("this")
	if len(a) > 1 {
		v = a[1]
	}
	rec, ok := v.(Record)
	if !ok {
		return nil, nil
	}
	f := m.s.Facts
	switch fn {
	case "waiting":
		who, err := f.Waiting(id, rec)
		if who == nil {
			return nil, err
		}
		return who, err
	case "approved":
		return f.Approved(id, rec)
	case "rank":
		return f.Rank(id, rec)
	case "ranked":
		return f.Ranked(id, rec)
	}
	return f.QuotaLeft(id, rec)
}

// holder is who held a role for a unit, for a person's unit or for the unit of another record, at a time.
func (m *machine) holder(n *node) (Value, error) {
	args := make([]Value, len(n.args))
	for i, a := range n.args {
		v, err := m.eval(a)
		if err != nil || v == nil {
			return nil, err
		}
		args[i] = v
	}
	f := m.s.Facts
	who, ok1 := args[0].(Who)
	rec, ok2 := args[1].(Record)
	if !ok1 || !ok2 || f == nil {
		return nil, nil
	}
	at := m.instant(args, 2)
	unit := rec
	switch rec.Object() {
	case "base.unit":
	case "base.person":
		u, err := f.UnitOf(rec, at)
		if err != nil || u == nil {
			return nil, err
		}
		unit = u
	default:
		v, err := rec.Get("unit")
		u, ok := v.(Record)
		if err != nil || !ok {
			return nil, err
		}
		unit = u
	}
	if n.args[0].op == "role" {
		if w := f.RoleAt(n.args[0].name, unit, at); w != nil {
			return w, nil
		}
		return nil, nil
	}
	return who.Of(unit), nil
}
