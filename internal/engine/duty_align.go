package engine

import (
	"sort"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// A duty may be counted from a date instead of the almanac: of each member from a date of his own (his admission, his last review), of a
// whole unit from a day that is the same for all. When a member's date changes, his period begins anew.

// aligned tells whether a duty is counted from each member's own date.
func aligned(d *rulebook.Duty, view *rulebook.View) bool {
	if d.Align == nil || !d.Member() {
		return false
	}
	for _, c := range d.Align.Cases {
		if view.Awake(&c.Node) {
			return true
		}
	}
	return false
}

// alignedTo is the date a duty is counted from; nil = the almanac's periods, or no date yet.
func (w *work) alignedTo(d *rulebook.Duty, view *rulebook.View, m *Record) (*calendar.Date, error) {
	if d.Align == nil {
		return nil, nil
	}
	v, c, err := d.Align.Pick(view, w.scope(m, view, nil))
	if err != nil || c == nil {
		return nil, err
	}
	switch x := v.(type) {
	case calendar.Date:
		return &x, nil
	case time.Time:
		day := w.world.calendar.DateOf(x)
		return &day, nil
	}
	return nil, nil
}

// unitAlign is the day from which a duty owed once by a whole unit is counted: its periods begin on it.
func (w *work) unitAlign(d *rulebook.Duty, view *rulebook.View) (*calendar.Date, error) {
	if d.Member() {
		return nil, nil
	}
	return w.alignedTo(d, view, nil)
}

// memberPeriod is the period of a member under way at t. One counted from his own date begins when that day has ended, as every length
// in days does; so what set the date does not count for the period it begins. False: none is under way.
func (w *work) memberPeriod(d *rulebook.Duty, view *rulebook.View, m *Record, t time.Time) (calendar.Period, bool, error) {
	every, ok, err := w.everyOf(d, view, m)
	if err != nil || !ok {
		return calendar.Period{}, false, err
	}
	cal := w.world.calendar
	if !aligned(d, view) {
		return cal.PeriodOf(every, nil, t), true, nil
	}
	from, err := w.alignedTo(d, view, m)
	if err != nil || from == nil || t.Before(from.End(cal.Zone)) {
		return calendar.Period{}, false, err
	}
	if every.Exact() || every.Unit == calendar.UnitWorkday {
		next := from.AddDays(1)
		return cal.PeriodOf(every, &next, t), true, nil
	}
	p := cal.PeriodOf(every, from, cal.DateOf(t).AddDays(-1).Start(cal.Zone))
	return calendar.Period{From: cal.DateOf(p.From).End(cal.Zone), To: cal.DateOf(p.To).End(cal.Zone)}, true, nil
}

// realign brings a member's open periods in line with the date they are counted from. One that does not fit any more was met by what
// moved the date, or fell away with it; the period under way is opened unless it is open already.
func (w *work) realign(d *rulebook.Duty, view *rulebook.View, m *Record) error {
	rows, err := w.dutyClocks(d, m)
	if err != nil {
		return err
	}
	now, under, err := w.memberPeriod(d, view, m, w.now)
	if err != nil {
		return err
	}
	met := false
	for _, c := range rows {
		p := c.period()
		if under && p.From.Equal(now.From) && c.str("state") != "void" {
			under = false // open, or done with
		}
		if st := c.str("state"); st != "open" && st != "late" {
			continue
		}
		fits, ok, err := w.memberPeriod(d, view, m, p.From)
		if err != nil {
			return err
		}
		fitting := ok && fits.From.Equal(p.From)
		if fitting && c.str("state") == "open" {
			continue
		}
		_, done, err := w.shortfall(d, view, m, p, c)
		if err != nil {
			return err
		}
		switch {
		case done && !met:
			w.closeClock(m, c, "met", w.now)
			met = true // it counts for the period that was owed first
		case fitting:
		case c.str("breach") == "":
			w.closeClock(m, c, "void", w.now)
		default:
			w.closeClock(m, c, "dropped", w.now)
		}
	}
	if !under {
		return nil
	}
	return w.dutyRow(d, view, m, now, "")
}

// dutyClocks are the kept periods of a member's duty, the first one first.
func (w *work) dutyClocks(d *rulebook.Duty, m *Record) ([]clockRow, error) {
	if err := w.flush(); err != nil {
		return nil, err
	}
	rows, err := w.tx.Select(query.Select{Table: w.clockForm().Table, Alias: "c", Where: query.And(query.Eq("c", "of_id", m.id), query.Eq("c", "duty", d.Book.ID+"."+d.ID))})
	if err != nil {
		return nil, err
	}
	var list []clockRow
	for _, row := range rows {
		list = append(list, newClockRow(w.adopt(w.clockForm(), row)))
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].str("period_from") < list[j].str("period_from") })
	return list, nil
}

// period is what a duty's clock is about.
func (c clockRow) period() calendar.Period {
	from, _ := parseInstant(c.rec.row["period_from"])
	to, _ := parseInstant(c.rec.row["period_to"])
	return calendar.Period{From: from, To: to}
}

// alignments looks at the duties that count from a date of a record which has changed.
func (w *work) alignments(r *Record) error {
	if r.form.Kept == "engine" {
		return nil
	}
	for _, b := range w.e.Lib.Books {
		for _, d := range b.Duties {
			if d.Of != r.form.Key || d.Align == nil {
				continue
			}
			view := w.viewFor(b, r)
			if view.Adoption == "" || !view.Awake(&d.Node) || !aligned(d, view) {
				continue
			}
			if !w.stillMember(d, view, r, calendar.Period{}) {
				continue
			}
			if begun, err := w.begun(d, view); err != nil || !begun {
				return err
			}
			if err := w.realign(d, view, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// begun tells whether a duty has been looked at since its adoption: what is under way then is taken up at that look.
func (w *work) begun(d *rulebook.Duty, view *rulebook.View) (bool, error) {
	rows, err := w.tx.Select(query.Select{Table: "duty_cursor", Alias: "d", Where: query.Eq("d", "id", d.Book.Short+"."+d.ID+"@"+view.Unit), Limit: 1})
	if err != nil || len(rows) == 0 {
		return false, err
	}
	return str(rows[0]["period_from"]) != str(rows[0]["period_to"]), nil
}

// countedIn is the span in which records count for a period: of one counted from a member's date also the grace until it is due, since
// what comes then moves the date. What comes after the breach ends the task.
func (w *work) countedIn(d *rulebook.Duty, view *rulebook.View, p calendar.Period, c clockRow) calendar.Period {
	if c.str("state") == "late" {
		p.To = w.now.Add(time.Millisecond)
		return p
	}
	if due, ok := parseInstant(c.rec.row["due"]); ok && aligned(d, view) && due.After(p.To) {
		p.To = due
	}
	return p
}
