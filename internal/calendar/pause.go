package calendar

import (
	"slices"
	"time"
)

// Interval is a stretch of time. A zero To means that it is still open.
type Interval struct{ From, To time.Time }

// Open says whether the interval has no end yet.
func (i Interval) Open() bool { return i.To.IsZero() }

// pauses are what is not counted: closed, in order, apart from each other. The first pause that is still open is kept
// aside: nothing after its start counts, so whatever is reached by then is certain and the rest cannot be said.
type pauses struct {
	closed []Interval
	open   time.Time // zero if none is open
}

// newPauses puts the pauses of a record in order and keeps the part of them after from; they may overlap.
func newPauses(from time.Time, list []Interval) pauses {
	var p pauses
	if len(list) == 0 {
		return p
	}
	sorted := slices.SortedFunc(slices.Values(list), func(a, b Interval) int { return a.From.Compare(b.From) })
	for _, i := range sorted {
		if i.Open() {
			if p.open.IsZero() {
				p.open = later(i.From, from)
			}
			continue
		}
		i.From = later(i.From, from)
		if n := len(p.closed); n > 0 && !i.From.After(p.closed[n-1].To) {
			p.closed[n-1].To = later(p.closed[n-1].To, i.To)
		} else if i.From.Before(i.To) {
			p.closed = append(p.closed, i)
		}
	}
	return p
}

// certain says whether t is reached before the clock stopped for an open pause.
func (p pauses) certain(t time.Time) bool { return p.open.IsZero() || !t.After(p.open) }

// on is the closed pauses on the scale of the clock on the wall.
func (p pauses) on(c *Calendar) []Interval {
	var list []Interval
	for _, i := range p.closed {
		list = append(list, Interval{c.wall(i.From), c.wall(i.To)})
	}
	return list
}

// spend uses up need between a and b (zero: no end) outside the pauses. It answers with the instant at which nothing is
// left, or with what is left at b. An instant is the earliest possible: the end of a slot, not the start of the next.
func spend(a, b time.Time, need time.Duration, closed []Interval) (at time.Time, left time.Duration) {
	for _, i := range closed {
		if !i.To.After(a) {
			continue
		}
		if !b.IsZero() && !i.From.Before(b) {
			break
		}
		if gap := max(0, i.From.Sub(a)); need <= gap {
			return a.Add(need), 0
		} else {
			need -= gap
		}
		a = i.To
	}
	if b.IsZero() {
		return a.Add(need), 0
	}
	if gap := max(0, b.Sub(a)); need > gap {
		return time.Time{}, need - gap
	}
	return a.Add(need), 0
}

// dayRange is days by number, from lo to before hi.
type dayRange struct{ lo, hi int }

// paused is the days whose end lies in a closed pause. A pause that begins with the very end of a day did not touch
// that day, one that ends with it covers it; so a pause takes away as many days as it passes midnights.
func (p pauses) paused(c *Calendar) []dayRange {
	var list []dayRange
	for _, i := range p.closed {
		lo, hi := c.DateOf(i.From).number(), c.DateOf(i.To).number()
		if lo < hi {
			list = append(list, dayRange{lo, hi})
		}
	}
	return list
}

func within(list []dayRange, day int) bool {
	for _, r := range list {
		if day < r.lo {
			return false
		}
		if day < r.hi {
			return true
		}
	}
	return false
}
