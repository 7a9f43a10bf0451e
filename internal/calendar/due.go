package calendar

import "time"

// Due is the instant up to which an act is on time: from + span, the pauses not counted.
//
// Days and longer end at 24:00 of a day, hours and minutes at the exact instant, working hours and minutes run only in
// slots. A pause takes exactly its own part away; from days and longer it takes whole days, those whose end lies in it,
// the day of from included. A working-day span whose from is on a day of rest begins with the end of that day.
//
// ok is false, and due zero, if a pause is still open before the span is used up (Remaining says what is left), or if
// the calendar has no working time for it.
func (c *Calendar) Due(from time.Time, s Span, list []Interval) (due time.Time, ok bool) {
	p := newPauses(from, list)
	due, ok = c.due(from, s, p)
	if !ok || !p.certain(due) {
		return time.Time{}, false
	}
	return due, true
}

// due leaves an open pause out of account.
func (c *Calendar) due(from time.Time, s Span, p pauses) (time.Time, bool) {
	switch {
	case s.Exact():
		return c.use(from, s.duration(), s.Working(), p)
	case s.Unit == UnitWorkday:
		return c.dueWorkday(from, s.N, p)
	}
	first := c.DateOf(from)
	day := first.number() + first.DaysUntil(first.addNatural(s))
	for _, r := range p.paused(c) {
		if r.lo > day {
			break
		}
		day += r.hi - r.lo
	}
	return first.AddDays(day - first.number()).End(c.Zone), true
}

// dueWorkday looks for the end of the n-th working day after from. Ends are counted, the own day's being the one
// before the first; a day of rest has no end that a pause could take away.
func (c *Calendar) dueWorkday(from time.Time, n int64, p pauses) (time.Time, bool) {
	first := c.DateOf(from)
	if c.IsWorkday(first) {
		n++
	} else if n == 0 {
		return first.End(c.Zone), true
	}
	paused := p.paused(c)
	for d := range c.days(first) {
		if len(paused) > 0 && within(paused, d.date.number()) {
			continue
		}
		if n--; n <= 0 {
			return d.date.End(c.Zone), true
		}
	}
	return time.Time{}, false
}

// use is the instant at which need is used up, counting all time or only working time.
func (c *Calendar) use(from time.Time, need time.Duration, working bool, p pauses) (time.Time, bool) {
	if need <= 0 {
		return from.In(c.Zone), true
	}
	if !working {
		at, _ := spend(from, time.Time{}, need, p.closed)
		return at.In(c.Zone), true
	}
	start, closed := c.wall(from), p.on(c)
	for d := range c.days(utcDate(start)) {
		for _, slot := range d.slots {
			a, b := slot.on(d.date)
			if a = later(a, start); !a.Before(b) {
				continue
			}
			for len(closed) > 0 && !closed[0].To.After(a) {
				closed = closed[1:]
			}
			at, left := spend(a, b, need, closed)
			if left == 0 {
				return c.instant(at), true
			}
			need = left
		}
	}
	return time.Time{}, false
}

// At is the instant at which the share pct (0 to 100) of the way from `from` to the due instant is used up, in working
// time if s is working, pauses not counted. ok is false where Due's is, unless the share was reached before the pause
// that is still open.
func (c *Calendar) At(from time.Time, s Span, list []Interval, pct int) (time.Time, bool) {
	p := newPauses(from, list)
	due, ok := c.due(from, s, p)
	if !ok {
		return time.Time{}, false
	}
	at := due
	if pct < 100 {
		total := c.counted(from, due, s.Working(), p)
		share := total/100*time.Duration(pct) + total%100*time.Duration(pct)/100 // total * pct overflows after three years
		if at, ok = c.use(from, share, s.Working(), p); !ok {
			return time.Time{}, false
		}
	}
	if !p.certain(at) {
		return time.Time{}, false
	}
	return at, true
}

// counted is the time, or working time, from one instant to the other outside the closed pauses.
func (c *Calendar) counted(from, to time.Time, working bool, p pauses) time.Duration {
	length := func(a, b time.Time) time.Duration {
		if working {
			return c.worked(c.wall(a), c.wall(b))
		}
		return max(0, b.Sub(a))
	}
	sum := length(from, to)
	for _, i := range p.closed {
		sum -= length(i.From, earlier(i.To, to))
	}
	return sum
}
