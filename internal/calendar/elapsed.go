package calendar

import "time"

// Elapsed is how many whole units were counted from one instant to the other, the pauses not counted; negative if to is
// before from. For days it is the midnights passed, for working days the ends of working days passed; an end is passed
// when it is over, so that at the due instant itself nothing is late: it is late when more than the span has elapsed.
func (c *Calendar) Elapsed(from, to time.Time, u Unit, list []Interval) int64 {
	if to.Before(from) {
		return -c.Elapsed(to, from, u, list)
	}
	p := newPauses(from, list)
	if length := u.length(); length > 0 {
		if !p.certain(to) {
			to = p.open
		}
		return int64(c.counted(from, to, Span{1, u}.Working(), p) / length)
	}
	return c.elapsedDays(from, to, u, p)
}

func (c *Calendar) elapsedDays(from, to time.Time, u Unit, p pauses) int64 {
	if !from.Before(to) {
		return 0
	}
	first := c.DateOf(from)
	end := c.DateOf(to.Add(-1)) // the day before whose start the last end was passed
	if !p.open.IsZero() && c.DateOf(p.open).Before(end) {
		end = c.DateOf(p.open)
	}
	paused := p.paused(c)
	var n int64
	if u == UnitWorkday {
		for d := first; d.Before(end); d = d.AddDays(1) {
			if c.IsWorkday(d) && !within(paused, d.number()) {
				n++
			}
		}
		return n
	}
	n = int64(first.DaysUntil(end))
	for _, r := range paused {
		n -= int64(max(0, min(r.hi, end.number())-r.lo))
	}
	switch months := u.months(); {
	case u == UnitWeek:
		return n / 7
	case months > 0:
		return wholeMonths(first, first.AddDays(int(n))) / int64(months)
	}
	return n
}

// wholeMonths is the most months that added to a do not pass b, which is not before a.
func wholeMonths(a, b Date) int64 {
	n := (b.Year-a.Year)*12 + int(b.Month-a.Month)
	if a.AddMonths(n).After(b) {
		n--
	}
	return int64(n)
}

// Remaining is what is left of s at an instant, as a screen shows it while the clock stands in a pause: natural or
// working minutes, begun ones included, for spans of hours and minutes; natural or working days for the others. A span
// of so much, begun at that instant (or where an open pause stopped the clock), would be due at the same time. It is
// never negative.
func (c *Calendar) Remaining(from time.Time, s Span, list []Interval, at time.Time) Span {
	p := newPauses(from, list)
	at = later(at, from)
	if !p.certain(at) {
		at = p.open
	}
	if s.Exact() {
		left := max(0, s.duration()-c.counted(from, at, s.Working(), p))
		unit := UnitMinute
		if s.Working() {
			unit = UnitWorkingMinute
		}
		return Span{int64((left + time.Minute - 1) / time.Minute), unit}
	}
	first, today := c.DateOf(from), c.DateOf(at)
	if s.Unit == UnitWorkday {
		left := s.N - c.elapsedDays(from, at.Add(1), UnitWorkday, p)
		// from a day of rest one end fewer is needed than from a working day, see dueWorkday
		if c.IsWorkday(first) {
			left++
		}
		if c.IsWorkday(today) {
			left--
		}
		return Span{max(0, left), UnitWorkday}
	}
	total := int64(first.DaysUntil(first.addNatural(s)))
	return Span{max(0, total-c.elapsedDays(from, at.Add(1), UnitDay, p)), UnitDay}
}
