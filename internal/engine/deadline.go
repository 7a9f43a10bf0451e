package engine

import (
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
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
		// A deadline that starts at or after the final state was entered is work that follows closing.
		if t := lastEntry(r); t.After(in.from) {
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
func (s oneStay) ID() string     { return "" }
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

// clockRow is what the engine keeps of an instance so that it can be woken and listed.
type clockRow struct {
	rec   *Record
	fired map[string]string // mark → instant it was done
}

func (c clockRow) str(col string) string { return str(c.rec.row[col]) }

func (w *work) clockForm() *rulebook.Form { return w.e.Lib.Form("base.clock") }

// clockRows are the kept instances of a record, by name and key.
func (w *work) clockRows(r *Record) (map[string]clockRow, error) {
	m := map[string]clockRow{}
	if err := w.flush(); err != nil { // clocks opened a moment ago must be found, not opened twice
		return nil, err
	}
	rows, err := w.tx.Select(query.Select{Table: w.clockForm().Table, Alias: "c", Where: query.And(query.Eq("c", "of_id", r.id),
		query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "c", Name: "duty"}}})})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		rec := w.adopt(w.clockForm(), row)
		m[rec.str("name")+"|"+rec.str("instance")] = newClockRow(rec)
	}
	return m, nil
}

func newClockRow(rec *Record) clockRow {
	c := clockRow{rec: rec, fired: map[string]string{}}
	if s := str(rec.row["fired"]); s != "" {
		_ = json.Unmarshal([]byte(s), &c.fired)
	}
	return c
}

func (r *Record) str(col string) string { return str(r.row[col]) }

// clocks brings the kept instances of a record in line with what the rules now say.
func (w *work) clocks(r *Record) error {
	if len(r.form.Deadlines) == 0 || r.form.Kept == "engine" && r.form.Key == "base.clock" {
		return nil
	}
	list, err := w.instances(r)
	if err != nil {
		return err
	}
	have, err := w.clockRows(r)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	last := map[string]time.Time{} // where each deadline's latest instance began
	for _, in := range list {
		if in.from.After(last[in.deadline.ID]) {
			last[in.deadline.ID] = in.from
		}
		k := in.deadline.ID + "|" + in.key
		seen[k] = true
		c, ok := have[k]
		if ok && in.restarts(c) {
			setCol(c.rec, "instance", c.str("from_at")) // it stays as it ended; what begins now is another
			setCol(c.rec, "next_at", nil)
			delete(have, k)
			ok = false
		}
		if !ok {
			if !in.open() && !in.late(w.now) && in.met.IsZero() {
				continue // began and ended void at once: nothing ever ran
			}
			if c, err = w.openClock(r, in); err != nil {
				return err
			}
		}
		if err := w.updateClock(r, in, c, !ok); err != nil {
			return err
		}
	}
	for _, k := range sortedKeys(have) {
		c := have[k]
		if seen[k] || c.str("state") == "void" || c.str("met_at") != "" {
			continue
		}
		d := r.form.Deadline(c.str("name"))
		if began, _ := parseInstant(c.rec.row["from_at"]); d != nil && d.Renew && last[d.ID].After(began) { // moved on: this instance was met there
			w.closeClock(r, c, "met", w.now)
			continue
		}
		if d != nil && d.Single() && c.str("instance") != "" {
			continue // one that ended late before this one began
		}
		w.closeClock(r, c, "void", w.now)
	}
	return nil
}

// restarts tells whether what is kept ended late before this instance began: a card handed on, a step done again. A beginning
// that was only corrected begins before the old due time.
func (in *instance) restarts(c clockRow) bool {
	if in.key != "" || !in.deadline.Single() || c.str("breach") == "" {
		return false
	}
	due, ok := parseInstant(c.rec.row["due"])
	return ok && in.from.After(due)
}

func (w *work) openClock(r *Record, in *instance) (clockRow, error) {
	rec, err := w.draft(w.clockForm())
	if err != nil {
		return clockRow{}, err
	}
	rec.row["unit"] = r.row["unit"]
	rec.row["by"] = nil
	for k, v := range map[string]any{"of_form": r.form.Key, "of_id": r.id, "name": in.deadline.ID, "instance": in.key, "from_at": instant(in.from), "clause": nilIfEmpty(in.clause), "label": nilIfEmpty(in.deadline.Label.ZH)} {
		if k == "clause" || k == "label" {
			if rec.form.Field(k) == nil {
				continue
			}
		}
		rec.row[k] = v
	}
	rec.enter("open", w.now)
	return clockRow{rec: rec, fired: map[string]string{}}, nil
}

// updateClock writes due, holder, state and the next wake-up of one instance.
func (w *work) updateClock(r *Record, in *instance, c clockRow, isNew bool) error {
	rec := c.rec
	ids, err := w.holdersOf(r, in)
	if err != nil {
		return err
	}
	holder, _ := json.Marshal(ids)
	old := rec.str("due")
	due := ""
	if !in.due.IsZero() {
		due = instant(in.due)
	}
	if in.open() || isNew {
		setCol(rec, "holder", string(holder))
	}
	setCol(rec, "due", nilIfEmpty(due))
	setCol(rec, "from_at", instant(in.from))
	data := map[string]string{"due": due, "of": r.id, "holder": joinIDs(ids)}
	switch {
	case isNew:
		w.effect(Effect{Kind: "clock", Form: r.form.Key, Record: r.id, Name: in.deadline.ID, Text: "opened", Clause: in.clause, Data: data})
		w.clause(in.clause)
	case old != due && in.open():
		w.effect(Effect{Kind: "clock", Form: r.form.Key, Record: r.id, Name: in.deadline.ID, Text: "moved", Clause: in.clause, Data: data})
		if rec.str("breach") != "" && !in.late(w.now) {
			if err := w.annul(c); err != nil {
				return err
			}
		}
	}
	switch {
	case !in.met.IsZero():
		if rec.str("met_at") == "" {
			w.closeClockAt(r, in, rec)
		}
	case !in.void.IsZero():
		if rec.str("state") != "void" {
			w.closeClock(r, c, "void", in.void)
		}
	default:
		if st := rec.State(); st == "met" || st == "void" {
			rec.enter("open", w.now)
			setCol(rec, "met_at", nil)
		}
		if in.paused != (rec.State() == "paused") {
			if in.paused {
				rec.enter("paused", w.now)
			} else {
				rec.enter("open", w.now)
			}
		}
		next, err := w.nextWake(r, in, c)
		if err != nil {
			return err
		}
		setCol(rec, "next_at", nilIfEmpty(next))
	}
	return nil
}

func setCol(r *Record, name string, v any) {
	if !equalColumn(r.row[name], v) {
		r.column(name, v)
	}
}

func (w *work) closeClockAt(r *Record, in *instance, rec *Record) {
	setCol(rec, "met_at", instant(in.met))
	setCol(rec, "next_at", nil)
	state := "met"
	if in.late(w.now) {
		state = "late_met"
	}
	rec.enter(state, w.now)
	w.effect(Effect{Kind: "clock", Form: r.form.Key, Record: r.id, Name: in.deadline.ID, Text: "met", Clause: in.clause, Data: map[string]string{"due": rec.str("due")}})
	if in.late(w.now) && rec.str("breach") == "" { // it became late and was done between two ticks
		_ = w.breach(r, in, rec)
	}
}

func (w *work) closeClock(r *Record, c clockRow, state string, at time.Time) {
	setCol(c.rec, "next_at", nil)
	entered := state
	if state == "met" {
		setCol(c.rec, "met_at", instant(at))
		if c.str("breach") != "" {
			entered = "late_met"
		}
	}
	c.rec.enter(entered, at)
	w.effect(Effect{Kind: "clock", Form: r.form.Key, Record: r.id, Name: c.str("name"), Text: state})
}

// mark is one thing the clock will do for an instance.
type mark struct {
	id     string
	at     time.Time
	step   *rulebook.Step
	warn   *rulebook.Mark
	late   bool
	repeat bool
}

// marks lists everything an instance will do, by time.
func (w *work) marks(r *Record, in *instance, c clockRow) ([]mark, error) {
	if in.due.IsZero() {
		return nil, nil
	}
	d := in.deadline
	view := w.view(r)
	cal := w.calendar(r.unitID())
	s := w.scope(r, view, in.vars)
	var list []mark
	for i, m := range d.Warn {
		if !view.Awake(&m.Node) {
			continue
		}
		at := cal.Before(in.due, m.Span)
		if m.Pct > 0 {
			span := in.within
			t, ok := cal.At(in.from, span, in.pauses, m.Pct)
			if !ok || span.N == 0 {
				t = in.from.Add(in.due.Sub(in.from) * time.Duration(m.Pct) / 100)
			}
			at = t
		}
		list = append(list, mark{id: "warn" + strconv.Itoa(i), at: at, warn: m})
	}
	list = append(list, mark{id: "late", at: in.due.Add(lateAfter), late: true})
	for _, st := range d.Step {
		if !view.Awake(&st.Node) {
			continue
		}
		span := func(v *rulebook.Value) (calendar.Span, bool, error) {
			if v == nil {
				return calendar.Span{}, false, nil
			}
			x, c, err := v.Pick(view, s)
			if err != nil || c == nil {
				return calendar.Span{}, false, err
			}
			sp, ok := x.(calendar.Span)
			return sp, ok, nil
		}
		if sp, ok, err := span(st.At); err != nil {
			return nil, err
		} else if ok {
			at, _ := cal.Due(in.from, sp, in.pauses)
			list = append(list, mark{id: st.ID, at: at, step: st})
		}
		if sp, ok, err := span(st.Before); err != nil {
			return nil, err
		} else if ok {
			list = append(list, mark{id: st.ID, at: cal.Before(in.due, sp), step: st})
		}
		if sp, ok, err := span(st.After); err != nil {
			return nil, err
		} else if ok {
			list = append(list, mark{id: st.ID, at: cal.Add(in.due, sp).Add(lateAfter), step: st})
		}
		if sp, ok, err := span(st.Every); err != nil {
			return nil, err
		} else if ok {
			n := 0
			if x := c.fired[st.ID+"#n"]; x != "" {
				n, _ = strconv.Atoi(x)
			}
			at := in.due
			for i := 0; i <= n; i++ {
				at = cal.Add(at, sp)
			}
			list = append(list, mark{id: st.ID, at: at.Add(lateAfter), step: st, repeat: true})
		}
	}
	for i := range list { // as exact as the column that keeps the next wake-up, or a mark would never be reached
		list[i].at = list[i].at.Truncate(time.Millisecond)
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].at.Before(list[j].at) })
	return list, nil
}

// nextWake is the first mark not done yet.
func (w *work) nextWake(r *Record, in *instance, c clockRow) (string, error) {
	if in.paused {
		return "", nil
	}
	list, err := w.marks(r, in, c)
	if err != nil {
		return "", err
	}
	for _, m := range list {
		if m.repeat || c.fired[m.id] == "" {
			return instant(m.at), nil
		}
	}
	return "", nil
}

var _ = store.Row{}
