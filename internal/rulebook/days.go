package rulebook

import (
	"zhanggui/internal/calendar"
)

// Days are the statutory holidays and make-up working days that rulebook base brings along, year by year.
type Days struct {
	Year []*Year
}

// Year is what one official notice says.
type Year struct {
	Year      int
	Source    string
	Off, Work map[calendar.Date]string // day → name of the holiday
}

// Calendar is the standard working week with these days; a company adds its own. Years that are not here are provisional:
// only their weekends are known.
func (d *Days) Calendar() *calendar.Calendar {
	c := calendar.Standard()
	if d == nil {
		return c
	}
	have := map[int]bool{}
	for _, y := range d.Year {
		have[y.Year] = true
		for day, name := range y.Off {
			c.Days[day] = calendar.DayRule{Off: true, Name: name}
		}
		for day, name := range y.Work {
			c.Days[day] = calendar.DayRule{Work: true, Name: name}
		}
	}
	for y := 2020; y <= 2050; y++ {
		if !have[y] {
			c.Provisional[y] = true
		}
	}
	return c
}

// days reads calendar/*.yaml of the books.
func (l *loader) days(sources []*source) {
	d := &Days{}
	l.lib.Days = d
	for _, s := range sources {
		for _, n := range s.calendars {
			if n.kind != yamlList {
				l.r.errorf(n.pos, "a calendar is a list of years, not %s", n.what())
				continue
			}
			for _, x := range n.items {
				l.year(d, x)
			}
		}
	}
}

func (l *loader) year(d *Days, n *node) {
	y := &Year{Off: map[calendar.Date]string{}, Work: map[calendar.Date]string{}}
	for _, e := range n.keys {
		var into map[calendar.Date]string
		switch e.key {
		case "year":
			v, _ := plainInt(e.value.text)
			y.Year = int(v)
			continue
		case "source":
			y.Source = e.value.text
			continue
		case "off":
			into = y.Off
		case "work":
			into = y.Work
		default:
			l.r.hintf(e.pos, meant(e.key, []string{"year", "source", "off", "work"}), "unknown key %q in a calendar year", e.key)
			continue
		}
		for _, x := range e.value.keys {
			day, err := calendar.ParseDate(x.key)
			if err != nil {
				l.r.errorf(x.pos, "%v", err)
				continue
			}
			if day.Year != y.Year {
				l.r.errorf(x.pos, "%s does not belong to %d", day, y.Year)
			}
			into[day] = x.value.text
		}
	}
	if y.Year == 0 {
		l.r.errorf(n.pos, "a calendar year lacks year:")
	}
	d.Year = append(d.Year, y)
}
