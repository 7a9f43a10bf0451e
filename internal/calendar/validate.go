package calendar

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Validate names everything that is wrong with the calendar, one error joined of all.
func (c *Calendar) Validate() error {
	var list []error
	if c.Zone == nil {
		list = append(list, errors.New("the calendar has no time zone"))
	}
	worked := c.ordinary() != nil
	if len(c.Week[0]) > 0 {
		list = append(list, errors.New("weekday 0: weekdays are 1 (Monday) to 7 (Sunday)"))
	}
	for day := 1; day <= 7; day++ {
		list = append(list, checkSlots(fmt.Sprintf("weekday %d", day), c.Week[day])...)
	}
	for _, d := range slices.SortedFunc(maps.Keys(c.Days), Date.Compare) {
		rule := c.Days[d]
		name := d.String()
		if d.AddDays(0) != d {
			list = append(list, fmt.Errorf("%s: there is no such day", name))
		}
		if rule.Off && (rule.Work || len(rule.Slots) > 0) {
			list = append(list, fmt.Errorf("%s: a day is either worked or off", name))
		}
		list = append(list, checkSlots(name, rule.Slots)...)
		worked = worked || !rule.Off && len(rule.Slots) > 0
	}
	if !worked {
		list = append(list, errors.New("the calendar has no working day"))
	}
	return errors.Join(list...)
}

func checkSlots(name string, slots []Slot) []error {
	var list []error
	for i, s := range slots {
		switch {
		case s.From < 0 || s.To > 24*60 || s.From >= s.To:
			list = append(list, fmt.Errorf("%s: %v is not a stretch of one day (00:00 to 24:00)", name, s))
		case i > 0 && s.From < slots[i-1].To:
			list = append(list, fmt.Errorf("%s: %v overlaps %v, or comes before it", name, s, slots[i-1]))
		}
	}
	return list
}

// String is the slot as people write it, 08:30-12:00.
func (s Slot) String() string {
	return fmt.Sprintf("%02d:%02d-%02d:%02d", s.From/60, s.From%60, s.To/60, s.To%60)
}
