package expr

import (
	"fmt"
	"time"

	"zhanggui/internal/calendar"
)

var units = map[string]calendar.Unit{"days": calendar.UnitDay, "hours": calendar.UnitHour, "minutes": calendar.UnitMinute, "workdays": calendar.UnitWorkday,
	"workhours": calendar.UnitWorkingHour, "months": calendar.UnitMonth, "weeks": calendar.UnitWeek, "years": calendar.UnitYear}

// time answers the functions of days and instants.
func (m *machine) time(fn string, a []Value) (Value, error) {
	cal := m.calendar()
	date := func(v Value) calendar.Date {
		switch x := v.(type) {
		case calendar.Date:
			return x
		case time.Time:
			return calendar.DateOf(x, cal.Zone)
		}
		return calendar.Date{}
	}
	instant := func(v Value) time.Time {
		switch x := v.(type) {
		case time.Time:
			return x
		case calendar.Date:
			return x.Start(cal.Zone)
		}
		return time.Time{}
	}
	switch fn {
	case "days", "hours", "minutes", "workdays", "workhours", "months", "weeks", "years":
		n, _ := a[0].(int64)
		return calendar.Span{N: n, Unit: units[fn]}, nil
	case "workdays_between":
		return int64(cal.WorkdaysBetween(date(a[0]), date(a[1]))), nil
	case "days_between":
		return int64(date(a[0]).DaysUntil(date(a[1]))), nil
	case "day":
		return date(a[0]), nil
	case "month":
		d := date(a[0])
		return fmt.Sprintf("%04d-%02d", d.Year, int(d.Month)), nil
	case "quarter":
		d := date(a[0])
		return fmt.Sprintf("%04d-Q%d", d.Year, (int(d.Month)+2)/3), nil
	case "year":
		return int64(date(a[0]).Year), nil
	case "weekday":
		return int64(date(a[0]).Weekday()), nil
	case "start_of":
		return orZero(cal.StartOf(fmt.Sprint(a[0]), instant(a[1])))
	case "end_of":
		return orZero(cal.EndOf(fmt.Sprint(a[0]), instant(a[1])))
	case "instant":
		return instant(a[0]), nil
	case "is_workday":
		return cal.IsWorkday(date(a[0])), nil
	case "overlap":
		return overlap(a[0], a[1])
	case "covers":
		return covers(a[0], date(a[1]), cal)
	}
	return nil, fmt.Errorf("no function %s", fn)
}

func overlap(a, b Value) (Value, error) {
	x, err := items(a)
	if err != nil {
		return nil, err
	}
	y, err := items(b)
	if err != nil {
		return nil, err
	}
	for _, p := range x {
		for _, q := range y {
			s, ok1 := p.(calendar.Period)
			t, ok2 := q.(calendar.Period)
			if ok1 && ok2 && s.From.Before(t.To) && t.From.Before(s.To) {
				return true, nil
			}
		}
	}
	return false, nil
}

// covers asks whether the stretches leave no gap in a day.
func covers(spans Value, d calendar.Date, cal *calendar.Calendar) (Value, error) {
	list, err := items(spans)
	if err != nil {
		return nil, err
	}
	v, err := spansOf(list)
	if err != nil {
		return nil, err
	}
	list = v.([]Value)
	at, end := d.Start(cal.Zone), d.End(cal.Zone)
	for moved := true; moved && at.Before(end); {
		moved = false
		for _, v := range list {
			if p, ok := v.(calendar.Period); ok && !p.From.After(at) && p.To.After(at) {
				at, moved = p.To, true
			}
		}
	}
	return !at.Before(end), nil
}

// lookup finds the row of a table parameter: keys matched exactly, or by an inclusive upper limit; a blank key
// fits anything, a blank limit is open. The first row that fits wins.
func (m *machine) lookup(id string, keys []Value) (Value, error) {
	if m.s.Facts == nil || m.env == nil {
		return nil, nil
	}
	list, ok := m.s.Facts.Rows(id)
	if !ok {
		return nil, nil
	}
	p := m.env.schema.Params[id]
next:
	for _, row := range list {
		for i, k := range p.Key {
			have := row[k.Name]
			if k.Upto {
				if have != nil && Compare(keys[i], have) > 0 {
					continue next
				}
				continue
			}
			if have != nil && !equal(have, keys[i]) {
				continue next
			}
		}
		if m.s.Read != nil {
			m.s.Read("param."+id, row)
		}
		return row, nil
	}
	return nil, nil
}
