package engine

import (
	"encoding/json"
	"sort"
	"strconv"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// What is kept of deadlines, so that the timer finds what is due: one row of base.clock an instance.

// clockRow is what the engine keeps of an instance so that it can be woken and listed.
type clockRow struct {
	rec   *Record
	fired map[string]string // mark → instant it was done
}

func (c clockRow) str(col string) string { return str(c.rec.row[col]) }

func (w *work) clockForm() *rulebook.Form { return w.e.Lib.Form("base.clock") }

// clockRows are the kept instances of a record, by name and key. They are asked for once; those opened since are known, and
// what came about in this act can have no others.
func (w *work) clockRows(r *Record) (map[string]clockRow, error) {
	if !r.clocked && !r.born() {
		rows, err := w.tx.Select(w.e.clocksOfRecord(r.id))
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			r.clocks = append(r.clocks, w.adopt(w.clockForm(), row))
		}
	}
	r.clocked = true
	m := make(map[string]clockRow, len(r.clocks))
	for _, rec := range r.clocks {
		m[rec.str("name")+"|"+rec.str("instance")] = newClockRow(rec)
	}
	return m, nil
}

// clocksOfRecord asks for the instances of a record's deadlines.
func (e *Engine) clocksOfRecord(id string) query.Select {
	return query.Select{Table: e.Lib.Form("base.clock").Table, Alias: "c", Where: query.And(query.Eq("c", "of_id", id),
		query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "c", Name: "duty"}}})}
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
			setCol(c.rec, "instance", c.str("from_at")) // its breach stays; what begins now is another
			if c.str("met_at") == "" && c.str("state") != "void" {
				w.closeClock(r, c, "void", in.from)
			}
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
	began, _ := parseInstant(c.rec.row["from_at"])
	due, ok := parseInstant(c.rec.row["due"])
	return ok && in.from.After(due) && in.from.After(began) // what was overdue when it began has not begun again
}

func (w *work) openClock(r *Record, in *instance) (clockRow, error) {
	rec, err := w.draft(w.clockForm(), nil)
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
	if st, ok := in.vars["stay"].(oneStay); ok && rec.form.Field("stage") != nil {
		rec.row["stage"] = st.st.State
	}
	rec.enter("open", w.now)
	r.clocks = append(r.clocks, rec)
	return clockRow{rec: rec, fired: map[string]string{}}, nil
}

// updateClock writes due, holder, state and the next wake-up of one instance.
func (w *work) updateClock(r *Record, in *instance, c clockRow, isNew bool) error {
	rec := c.rec
	ids, err := w.holdersOf(r, in)
	if err != nil {
		return err
	}
	old := rec.str("due")
	due := ""
	if !in.due.IsZero() {
		due = instant(in.due)
	}
	if in.open() || isNew {
		if err := w.hold(rec, ids); err != nil {
			return err
		}
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
	w.effect(Effect{Kind: "clock", Form: r.form.Key, Record: r.id, Name: c.str("name"), Text: state, Clause: c.str("clause")})
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
