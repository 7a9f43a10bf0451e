package engine

import (
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
)

// When a deadline begins and ends, and what pauses it.

// momentOf resolves from/to: an action's stamp, a state's entry, or an instant. after demands one at or after it.
func (w *work) momentOf(r *Record, m *rulebook.Moment, view *rulebook.View, vars map[string]expr.Value, after time.Time) (time.Time, bool, error) {
	if m == nil {
		if !after.IsZero() {
			return time.Time{}, false, nil
		}
		return r.opened(), true, nil
	}
	ok := func(t time.Time, have bool) (time.Time, bool, error) {
		if !have || (!after.IsZero() && t.Before(after)) {
			return time.Time{}, false, nil
		}
		return t, true, nil
	}
	switch {
	case m.Action == "create" && m.Expr == nil && m.State == "":
		return ok(r.opened(), true)
	case m.Action != "":
		st := r.stamps()[m.Action]
		if st == nil {
			return time.Time{}, false, nil
		}
		first, _ := parseInstant(st.First)
		last, _ := parseInstant(st.At)
		if after.IsZero() { // a start: the latest time it was done
			return ok(last, true)
		}
		if !first.Before(after) {
			return ok(first, true)
		}
		return ok(last, true)
	case m.State != "":
		var found time.Time
		for _, st := range r.stays() {
			if st.State != m.State {
				continue
			}
			t, _ := parseInstant(st.From)
			if after.IsZero() {
				found = t // the latest entry starts
			} else if !t.Before(after) {
				return ok(t, true)
			}
		}
		return ok(found, !found.IsZero())
	}
	v, _, err := m.Expr.Pick(view, w.scope(r, view, vars))
	if err != nil {
		return time.Time{}, false, err
	}
	switch x := v.(type) {
	case time.Time:
		return ok(x, true)
	case calendar.Date:
		if after.IsZero() {
			return ok(x.Start(w.world.calendar.Zone), true)
		}
		return ok(x.Start(w.world.calendar.Zone), true)
	}
	return time.Time{}, false, nil
}

// endOf is when a deadline became void: by its `ends`, else by the final state.
func (w *work) endOf(r *Record, in *instance, view *rulebook.View) (time.Time, error) {
	d := in.deadline
	if r.State() == "void" {
		return lastEntry(r), nil
	}
	if d.Ends != nil && view.Awake(&d.Ends.Node) {
		switch {
		case d.Ends.Action != "":
			if st := r.stamps()[d.Ends.Action]; st != nil {
				if t, _ := parseInstant(st.At); !t.Before(in.from) {
					return t, nil
				}
			}
			return time.Time{}, nil
		case d.Ends.State != "":
			for _, st := range r.stays() {
				t, _ := parseInstant(st.From)
				left, gone := parseInstant(st.To)
				if st.State == d.Ends.State && !t.Before(in.from) && !(gone && !left.After(in.from)) { // not one that was over when this began
					return t, nil
				}
			}
			return time.Time{}, nil
		}
		v, err := d.Ends.Expr.Eval(w.scope(r, view, in.vars))
		if err != nil {
			return time.Time{}, err
		}
		if b, _ := v.(bool); b {
			return w.now, nil
		}
		return time.Time{}, nil
	}
	if s := r.form.State(r.State()); s != nil && s.Final && d.Ends == nil {
		// A deadline that starts at or after the final state was entered is work that follows closing, unless it starts with
		// the record itself, which went on from there in the same instant.
		made := d.From != nil && d.From.Action == "create" && len(r.stays()) > 1
		if t := lastEntry(r); t.After(in.from) || made && t.Equal(in.from) {
			return t, nil
		}
	}
	return time.Time{}, nil
}

func lastEntry(r *Record) time.Time {
	st := r.stays()
	if len(st) == 0 {
		return r.opened()
	}
	t, _ := parseInstant(st[len(st)-1].From)
	return t
}

func (w *work) pausesOf(v *rulebook.Value, view *rulebook.View, s *expr.Scope) ([]calendar.Interval, error) {
	x, _, err := v.Pick(view, s)
	if err != nil {
		return nil, err
	}
	items, err := listOf(x)
	if err != nil {
		return nil, err
	}
	var list []calendar.Interval
	for _, it := range items {
		if p, ok := it.(calendar.Period); ok {
			list = append(list, calendar.Interval(p))
		}
	}
	return list, nil
}

// oneStay is the stay a `during` deadline is about.
type oneStay struct {
	r  *Record
	st *stay
}

func (s oneStay) Object() string { return "stay" }

func (s oneStay) ID() string { return "" }

func (s oneStay) Get(name string) (expr.Value, error) {
	switch name {
	case "state":
		return s.st.State, nil
	case "from", "to":
		raw := s.st.From
		if name == "to" {
			raw = s.st.To
		}
		if t, ok := parseInstant(raw); ok {
			return t, nil
		}
		return nil, nil
	}
	return stayOf{s.r, name}.Get(name)
}
