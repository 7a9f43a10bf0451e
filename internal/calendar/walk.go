package calendar

import (
	"iter"
	"time"
)

// A calendar without working days, or a span nobody means, must not be walked for ever.
const (
	barrenDays = 5 * 366   // days of rest in a row before the walk gives up
	walkDays   = 100 * 366 // days walked at all
)

type workday struct {
	date  Date
	slots []Slot
}

// days yields the working days from d on, d included, until it gives up.
func (c *Calendar) days(d Date) iter.Seq[workday] { return c.walk(d, 1) }

// walk yields working days in either direction. The weekday is carried along: asking each date for it costs more.
func (c *Calendar) walk(d Date, step int) iter.Seq[workday] {
	return func(yield func(workday) bool) {
		barren, weekday := 0, d.Weekday()-1
		for range walkDays {
			if slots := c.slots(d, weekday+1); len(slots) > 0 {
				if !yield(workday{d, slots}) {
					return
				}
				barren = 0
			} else if barren++; barren > barrenDays {
				return
			}
			d, weekday = d.AddDays(step), (weekday+step+7)%7
		}
	}
}

// shift is the n-th working day after d, or before it if n is negative; d itself for 0. ok is false if the walk gave up.
func (c *Calendar) shift(d Date, n int64) (day Date, ok bool) {
	step := 1
	if n < 0 {
		n, step = -n, -1
	}
	if n == 0 {
		return d, true
	}
	for w := range c.walk(d.AddDays(step), step) {
		if n--; n == 0 {
			return w.date, true
		}
	}
	return Date{}, false
}

// wall is what the clock on the wall shows at t, written as a UTC time: on that scale every day has 24 hours.
func (c *Calendar) wall(t time.Time) time.Time {
	_, offset := t.In(c.Zone).Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// instant is when the clock on the wall shows w.
func (c *Calendar) instant(w time.Time) time.Time {
	hour, minute, second := w.Clock()
	return time.Date(w.Year(), w.Month(), w.Day(), hour, minute, second, w.Nanosecond(), c.Zone)
}

// on is the slot of day d on the wall's scale.
func (s Slot) on(d Date) (from, to time.Time) {
	start := d.utc()
	return start.Add(time.Duration(s.From) * time.Minute), start.Add(time.Duration(s.To) * time.Minute)
}

// worked is the working time between two readings of the wall clock, 0 if to is not after from.
func (c *Calendar) worked(from, to time.Time) time.Duration {
	if !from.Before(to) {
		return 0
	}
	first, last := utcDate(from), utcDate(to)
	var sum time.Duration
	for d, weekday := first, first.Weekday()-1; !d.After(last); d, weekday = d.AddDays(1), (weekday+1)%7 {
		whole := d != first && d != last
		for _, slot := range c.slots(d, weekday+1) {
			if whole {
				sum += time.Duration(slot.To-slot.From) * time.Minute
				continue
			}
			a, b := slot.on(d)
			sum += max(0, earlier(b, to).Sub(later(a, from)))
		}
	}
	return sum
}

// WorkingMinutes is the working time from one instant to the other in whole minutes; negative if to is before from.
func (c *Calendar) WorkingMinutes(from, to time.Time) int64 {
	if to.Before(from) {
		return -c.WorkingMinutes(to, from)
	}
	return int64(c.worked(c.wall(from), c.wall(to)) / time.Minute)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
