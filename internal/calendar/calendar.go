// Package calendar is working-time arithmetic: which days and hours are worked, when a length of time is used up,
// which period an instant falls in. It is pure: no clock, no file, no package of the house.
//
// Natural hours and minutes are exact. Working time is counted by the clock on the wall, so that a zone that turns
// its clocks can neither lengthen nor shorten a shift.
package calendar

import (
	"maps"
	"time"
	_ "time/tzdata" // the shop may run where no zone files are installed
)

// Slot is a stretch of work, in minutes of the day, From included and To not. A night shift is two slots, one before
// midnight and one of the next day after it.
type Slot struct{ From, To int }

// Week holds the ordinary slots of each weekday: index 1 is Monday, 7 Sunday, 0 unused.
type Week [8][]Slot

// DayRule is what makes a day differ from its weekday. Without Off and Work, Slots only changes the day's hours.
type DayRule struct {
	Off   bool // a day of rest
	Work  bool // a make-up working day; without Slots it has those of an ordinary weekday
	Slots []Slot
	Name  string
}

// Calendar says when a unit works. Whoever shares one only reads it; Clone before changing.
type Calendar struct {
	Zone        *time.Location
	Week        Week
	Days        map[Date]DayRule
	Provisional map[int]bool // years whose holidays are not announced yet
}

// Standard is an ordinary Chinese office: Monday to Friday, 08:30-12:00 and 13:30-17:30, no holidays entered.
func Standard() *Calendar {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		zone = time.FixedZone("CST", 8*60*60)
	}
	c := &Calendar{Zone: zone, Days: map[Date]DayRule{}, Provisional: map[int]bool{}}
	for day := 1; day <= 5; day++ {
		c.Week[day] = []Slot{{8*60 + 30, 12 * 60}, {13*60 + 30, 17*60 + 30}}
	}
	return c
}

// Clone is a copy whose days and years can be changed without touching c.
func (c *Calendar) Clone() *Calendar {
	n := *c
	if n.Days = maps.Clone(c.Days); n.Days == nil {
		n.Days = map[Date]DayRule{}
	}
	if n.Provisional = maps.Clone(c.Provisional); n.Provisional == nil {
		n.Provisional = map[int]bool{}
	}
	return &n
}

// AddHoliday sets the rule of one day, in place of an earlier rule of it.
func (c *Calendar) AddHoliday(d Date, rule DayRule) {
	if c.Days == nil {
		c.Days = map[Date]DayRule{}
	}
	c.Days[d] = rule
}

// Exclude makes d a day of rest.
func (c *Calendar) Exclude(d Date, name string) { c.AddHoliday(d, DayRule{Off: true, Name: name}) }

// DateOf is the calendar's day at t.
func (c *Calendar) DateOf(t time.Time) Date { return DateOf(t, c.Zone) }

// SlotsOf is when d is worked, in order; empty on a day of rest. The result is shared, not the caller's to change.
func (c *Calendar) SlotsOf(d Date) []Slot { return c.slots(d, d.Weekday()) }

func (c *Calendar) slots(d Date, weekday int) []Slot {
	rule, special := c.Days[d]
	switch {
	case !special:
		return c.Week[weekday]
	case rule.Off:
		return nil
	case len(rule.Slots) > 0:
		return rule.Slots
	case rule.Work:
		return c.ordinary()
	}
	return c.Week[weekday]
}

// ordinary is Monday's slots, else those of the first weekday that has any: what a make-up Saturday works.
func (c *Calendar) ordinary() []Slot {
	for _, slots := range c.Week {
		if len(slots) > 0 {
			return slots
		}
	}
	return nil
}

// IsWorkday says whether d has any working time.
func (c *Calendar) IsWorkday(d Date) bool { return len(c.SlotsOf(d)) > 0 }

// Working says whether t is inside a slot. The end of a slot is not.
func (c *Calendar) Working(t time.Time) bool {
	w := c.wall(t)
	d := utcDate(w)
	for _, slot := range c.SlotsOf(d) {
		if a, b := slot.on(d); !w.Before(a) && w.Before(b) {
			return true
		}
	}
	return false
}

// NextWorking is t itself if it is working time, else the start of the next slot; the zero time if there is none
// within five years.
func (c *Calendar) NextWorking(t time.Time) time.Time {
	w := c.wall(t)
	for d := range c.days(utcDate(w)) {
		for _, slot := range d.slots {
			a, b := slot.on(d.date)
			if w.Before(a) {
				return c.instant(a)
			}
			if w.Before(b) {
				return t.In(c.Zone)
			}
		}
	}
	return time.Time{}
}

// WorkdaysBetween counts the working days after a up to and including b; negative if b is before a.
func (c *Calendar) WorkdaysBetween(a, b Date) int {
	if b.Before(a) {
		return -c.WorkdaysBetween(b, a)
	}
	n := 0
	for d := a.AddDays(1); !d.After(b); d = d.AddDays(1) {
		if c.IsWorkday(d) {
			n++
		}
	}
	return n
}

// Unsure says whether a day from one instant to the other lies in a year whose holidays are not announced, so that a
// due date reckoned over it may still move.
func (c *Calendar) Unsure(from, to time.Time) bool {
	for y := c.DateOf(from).Year; y <= c.DateOf(to).Year; y++ {
		if c.Provisional[y] {
			return true
		}
	}
	return false
}
