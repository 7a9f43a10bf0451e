package engine

import (
	"fmt"
	"strconv"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
)

// instance is one running of a deadline, worked out from the record alone: never stored as truth.
type instance struct {
	deadline *rulebook.Deadline
	key      string // "" or the stay's or line's key
	from     time.Time
	due      time.Time // zero while paused
	within   calendar.Span
	clause   string // of the case that gave the length
	met      time.Time
	void     time.Time
	paused   bool
	pauses   []calendar.Interval
	vars     map[string]expr.Value
}

// lateAfter: at the due instant it is still on time, one second later it is late.
const lateAfter = time.Second

func (in *instance) open() bool { return in.met.IsZero() && in.void.IsZero() }

// late tells whether it was or is late as of t.
func (in *instance) late(t time.Time) bool {
	return !in.due.IsZero() && in.end(t).After(in.due)
}

// end is when it stopped running, or t while it runs.
func (in *instance) end(t time.Time) time.Time {
	switch {
	case !in.met.IsZero():
		return in.met
	case !in.void.IsZero():
		return in.void
	}
	return t
}

// overrun is how far past due: begun days for a limit in days, else exact minutes.
func (in *instance) overrun(w *work, t time.Time) calendar.Span {
	end := in.end(t)
	switch in.within.Unit {
	case "m", "h":
		return calendar.Span{N: int64(end.Sub(in.due).Minutes()), Unit: "m"}
	case "wm", "wh":
		return calendar.Span{N: w.world.calendar.WorkingMinutes(in.due, end), Unit: "wm"}
	}
	days := int64(end.Sub(in.due) / (24 * time.Hour))
	return calendar.Span{N: days + 1, Unit: "d"}
}

func (in *instance) dueValue() expr.Value {
	if in.due.IsZero() {
		return nil
	}
	return in.due
}

// instances works out every deadline of a record. A rule that reads late.x while x is worked out sees none.
func (w *work) instances(r *Record) ([]*instance, error) {
	if r.working {
		return nil, nil
	}
	r.working = true
	defer func() { r.working = false }()
	view := w.view(r)
	var list []*instance
	for _, d := range r.form.Deadlines {
		if !view.Awake(&d.Node) {
			continue
		}
		got, err := w.deadlineOf(r, d, view)
		if err != nil {
			return nil, fmt.Errorf("deadline %s of %s: %w", d.ID, r.form.Key, err)
		}
		list = append(list, got...)
	}
	return list, nil
}

func (w *work) deadlineOf(r *Record, d *rulebook.Deadline, view *rulebook.View) ([]*instance, error) {
	if d.During != nil {
		var list []*instance
		for i, st := range r.stays() {
			if !d.During.Any && !contains(d.During.States, st.State) {
				continue
			}
			if d.During.Any {
				if s := r.form.State(st.State); s == nil || s.Final {
					continue
				}
			}
			from, _ := parseInstant(st.From)
			in := &instance{deadline: d, key: strconv.Itoa(i), from: from, vars: map[string]expr.Value{"stay": oneStay{r, st}}}
			if to, ok := parseInstant(st.To); ok {
				in.met = to
			}
			ok, err := w.dueOf(r, in, view)
			if err != nil {
				return nil, err
			}
			if ok {
				list = append(list, in)
			}
		}
		return list, nil
	}
	if d.Each != "" {
		v, err := d.List.Eval(w.scope(r, view, nil))
		if err != nil {
			return nil, err
		}
		items, err := listOf(v)
		if err != nil {
			return nil, err
		}
		var list []*instance
		for i, it := range items {
			key := strconv.Itoa(i)
			if x, ok := it.(expr.Record); ok {
				key = x.ID()
			}
			in, err := w.plain(r, d, view, map[string]expr.Value{d.Each: it}, key)
			if err != nil {
				return nil, err
			}
			if in != nil {
				list = append(list, in)
			}
		}
		return list, nil
	}
	in, err := w.plain(r, d, view, nil, "")
	if err != nil || in == nil {
		return nil, err
	}
	if d.Renew { // the instance begins anew whenever `from` moves on
		in.key = instant(in.from)
	}
	return []*instance{in}, nil
}

// plain works out a deadline with from and to.
func (w *work) plain(r *Record, d *rulebook.Deadline, view *rulebook.View, vars map[string]expr.Value, key string) (*instance, error) {
	from, ok, err := w.momentOf(r, d.From, view, vars, time.Time{})
	if d.Kept {
		from, ok, err = w.termOver(r, view)
	}
	if err != nil || !ok {
		return nil, err
	}
	in := &instance{deadline: d, key: key, from: from, vars: map[string]expr.Value{"from": from}}
	for k, v := range vars {
		in.vars[k] = v
	}
	if d.To != nil {
		if t, ok, err := w.momentOf(r, d.To, view, in.vars, from); err != nil {
			return nil, err
		} else if ok {
			in.met = t
		}
	}
	ok, err = w.dueOf(r, in, view)
	if err != nil || !ok {
		return nil, err
	}
	if in.met.IsZero() || in.met.After(w.now) {
		in.met = time.Time{}
		if in.void, err = w.endOf(r, in, view); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// dueOf works out when an instance falls due; false = there is none (its condition is false, or nothing gives a length).
func (w *work) dueOf(r *Record, in *instance, view *rulebook.View) (bool, error) {
	d := in.deadline
	s := w.scope(r, view, in.vars)
	if d.When != nil {
		ok, err := w.truth(d.When, view, s, true)
		if err != nil || !ok {
			return false, err
		}
	}
	cal := w.calendar(r.unitID())
	if d.By != nil {
		v, c, err := d.By.Pick(view, s)
		if err != nil || c == nil || v == nil {
			return false, err
		}
		in.clause = first(c.Clause, d.Clause)
		if in.clause == "" && r.form.Key == "base.notice" {
			in.clause = r.str("clause") // that somebody must have read is said by the rule that told him
		}
		switch x := v.(type) {
		case time.Time:
			in.due = x
		case calendar.Date:
			in.due = x.End(cal.Zone)
		default:
			return false, fmt.Errorf("`by` is neither a date nor an instant")
		}
	} else {
		v, c, err := d.Within.Pick(view, s)
		if err != nil || c == nil || v == nil {
			return false, err
		}
		span, ok := v.(calendar.Span)
		if !ok {
			return false, fmt.Errorf("`within` is not a length of time")
		}
		in.within, in.clause = span, first(c.Clause, d.Clause)
		if d.Pause != nil {
			if in.pauses, err = w.pausesOf(d.Pause, view, s); err != nil {
				return false, err
			}
		}
		if d.Silent != nil && in.open() { // a signature breaks the silence: it is counted from there
			at, err := w.lastSigned(r, d.Silent)
			if err != nil {
				return false, err
			}
			if at.After(in.from) {
				in.from = at
			}
		}
		due, ok := cal.Due(in.from, span, in.pauses)
		in.due, in.paused = due, !ok
	}
	if d.Moved != nil && view.Awake(&d.Moved.Node) && r.stamps()[d.Moved.By] != nil {
		v, err := r.Get(d.Moved.Field)
		if err != nil {
			return false, err
		}
		switch x := v.(type) {
		case calendar.Date:
			in.due = x.End(cal.Zone)
		case time.Time:
			in.due = x
		}
	}
	return true, nil
}

// holders of an instance: who the rulebook names, else who may do what ends it.
func (w *work) holdersOf(r *Record, in *instance) ([]string, error) {
	d := in.deadline
	view := w.view(r)
	if d.Holder != nil && view.Awake(&d.Holder.Node) {
		return w.seatPersons(d.Holder.Who, r, view, w.scope(r, view, in.vars))
	}
	if d.To != nil && d.To.Action != "" {
		return w.whoMay(r, r.form.Action(d.To.Action)), nil
	}
	if d.During != nil || (d.To != nil && d.To.State != "") {
		var ids []string
		for _, a := range r.form.Actions {
			if a.Implicit || a.To == nil || a.From == nil || a.From.Any || !stateAllows(a, r.State()) {
				continue
			}
			if d.To != nil && d.To.State != "" && !contains(a.To.States, d.To.State) {
				continue
			}
			for _, id := range w.whoMay(r, a) {
				if !contains(ids, id) {
					ids = append(ids, id)
				}
			}
			if len(ids) > 0 {
				break // the first action that leads on is the step's own; later ones are side ways
			}
		}
		return ids, nil
	}
	return nil, nil
}
