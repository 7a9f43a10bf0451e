package engine

import (
	"context"
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
		rows, err := tx.Select(query.Select{Table: "duty_cursor", Alias: "d", Columns: []query.Column{{Name: "id", Expr: query.Col{Alias: "d", Name: "id"}}}})
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
			start := a.from.Start(w.world.calendar.Zone)
			if a.from.IsZero() || start.Before(now.AddDate(0, -2, 0)) {
				start = now // adopted long ago: begin with the period under way
			}
			missing = append(missing, w.startCloses(b, start, have)...)
			for _, d := range b.Duties {
				id := b.Short + "." + d.ID + "@" + a.unit
				if have[id] {
					continue
				}
				every, own, err := w.rhythm(d, w.world.view(w, b, a.unit, now))
				if err != nil {
					return err
				}
				from, err := w.unitAlign(d, w.world.view(w, b, a.unit, now))
				if err != nil {
					return err
				}
				p := w.world.calendar.PeriodOf(every, from, start)
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
		w, err := e.begin(ctx, tx, now, ClockActor())
		if err != nil {
			return err
		}
		for _, r := range missing {
			if err := tx.Upsert("duty_cursor", []string{"id"}, r); err != nil {
				return err
			}
		}
		return w.writeEntry(nil, nil, Act{Action: "duty", Actor: w.actor})
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
	if aligned(d, view) {
		return calendar.Span{N: 1, Unit: calendar.UnitDay}, false, nil
	}
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
