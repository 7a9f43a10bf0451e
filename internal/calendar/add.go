package calendar

import "time"

// Add is t + s as expressions write it. Days and longer keep the clock time, months the day of the month as far as the
// month has it, hours and minutes are exact, working hours and minutes run through the slots, and n working days lead to
// the same clock time on the n-th working day after t's day. A negative N goes back the same way. It is the zero time
// if the calendar has no working time for it.
func (c *Calendar) Add(t time.Time, s Span) time.Time {
	switch {
	case s.N == 0:
		return t.In(c.Zone)
	case s.Exact() && !s.Working():
		return t.Add(s.duration()).In(c.Zone)
	case s.Exact() && s.N < 0:
		return c.back(t, -s.duration())
	case s.Exact():
		at, _ := c.use(t, s.duration(), true, pauses{})
		return at
	}
	w := c.wall(t)
	d := utcDate(w)
	to, ok := d.addNatural(s), true
	if s.Unit == UnitWorkday {
		to, ok = c.shift(d, s.N)
	}
	if !ok {
		return time.Time{}
	}
	return c.instant(to.utc().Add(w.Sub(d.utc())))
}

// AddDate is d + s. Spans that do not count days (hours, minutes) lead to the day they reach from the day's start.
func (c *Calendar) AddDate(d Date, s Span) Date {
	switch {
	case s.Unit == UnitWorkday:
		to, _ := c.shift(d, s.N)
		return to
	case s.Exact():
		at := c.Add(d.Start(c.Zone), s)
		if at.IsZero() {
			return Date{}
		}
		return c.DateOf(at)
	}
	return d.addNatural(s)
}

// Before is when a warning falls: due minus s. Days and longer keep the clock time; n working days lead to the same
// clock time on the n-th working day before, 24:00 staying 24:00; working hours and minutes run back through the slots
// to the latest instant that leaves so much. It is the zero time if the calendar has no working time for it.
func (c *Calendar) Before(due time.Time, s Span) time.Time {
	if s.Unit != UnitWorkday || s.N == 0 {
		return c.Add(due, s.Neg())
	}
	w := c.wall(due)
	d := utcDate(w)
	if w.Equal(d.utc()) { // 24:00 of the day before, as Due gives it
		d = d.AddDays(-1)
	}
	to, ok := c.shift(d, -s.N)
	if !ok {
		return time.Time{}
	}
	return c.instant(to.utc().Add(w.Sub(d.utc())))
}

// back is the latest instant from which need of working time leads up to t.
func (c *Calendar) back(t time.Time, need time.Duration) time.Time {
	end := c.wall(t)
	for d := range c.walk(utcDate(end), -1) {
		for i := len(d.slots) - 1; i >= 0; i-- {
			a, b := d.slots[i].on(d.date)
			b = earlier(b, end)
			if !a.Before(b) {
				continue
			}
			if gap := b.Sub(a); need > gap {
				need -= gap
				continue
			}
			return c.instant(b.Add(-need))
		}
	}
	return time.Time{}
}
