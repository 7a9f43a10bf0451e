package calendar_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"zhanggui/internal/calendar"
)

var zone = calendar.Standard().Zone

// at reads an instant in the calendar's zone; "24:00" is the end of the day.
func at(s string) time.Time {
	if day, ok := strings.CutSuffix(s, " 24:00"); ok {
		return date(day).End(zone)
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t
		}
	}
	panic("not an instant: " + s)
}

func date(s string) calendar.Date {
	d, err := calendar.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

func span(s string) calendar.Span {
	v, err := calendar.ParseSpan(s)
	if err != nil {
		panic(err)
	}
	return v
}

// hours is a calendar of Monday to Friday with the slots given as minutes of the day.
func hours(slots ...calendar.Slot) *calendar.Calendar {
	c := calendar.Standard()
	for day := 1; day <= 5; day++ {
		c.Week[day] = slots
	}
	return c
}

func nineToFive() *calendar.Calendar { return hours(calendar.Slot{From: 9 * 60, To: 17 * 60}) }

func withLunch() *calendar.Calendar {
	return hours(calendar.Slot{From: 9 * 60, To: 12 * 60}, calendar.Slot{From: 13*60 + 30, To: 17 * 60})
}

func restOnly() *calendar.Calendar {
	c := calendar.Standard()
	c.Week = calendar.Week{}
	return c
}

type year struct{ off, work []calendar.Date }

// shipped reads the shipped Chinese calendar without a YAML library: its lines are plain enough.
func shipped(t testing.TB) (*calendar.Calendar, map[int]*year) {
	t.Helper()
	text, err := os.ReadFile("../../rulebooks/base/calendar/cn.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, years, list := calendar.Standard(), map[int]*year{}, ""
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch d, err := calendar.ParseDate(key); {
		case err == nil:
			y := years[d.Year]
			if y == nil {
				y = &year{}
				years[d.Year] = y
			}
			if _, twice := c.Days[d]; twice {
				t.Errorf("%s stands twice", d)
			}
			if list == "work:" {
				y.work = append(y.work, d)
				c.AddHoliday(d, calendar.DayRule{Work: true, Name: value})
			} else {
				y.off = append(y.off, d)
				c.Exclude(d, value)
			}
		case key == `"off":` || key == "work:":
			list = key
		}
	}
	return c, years
}

func TestShippedCalendar(t *testing.T) {
	c, years := shipped(t)
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	// Days off and make-up days as the notices of the State Council's office add up; 2022 has the day off of the 2023 notice.
	want := map[int][2]int{2020: {30, 6}, 2021: {31, 7}, 2022: {32, 7}, 2023: {26, 7}, 2024: {28, 8}, 2025: {28, 5}, 2026: {33, 6}}
	for y, n := range want {
		if years[y] == nil || len(years[y].off) != n[0] || len(years[y].work) != n[1] {
			t.Errorf("%d: %+v, want %d days off and %d make-up days", y, years[y], n[0], n[1])
		}
	}
	for y, v := range years {
		for _, d := range v.work {
			if d.Weekday() < 6 {
				t.Errorf("%d: the make-up day %s is no weekend", y, d)
			}
		}
	}
	// 2026 has 365 days, 104 of them weekends. Of the 33 days off 14 are weekend days (3 Jan, 15 21 22 Feb, 4 5 Apr,
	// 2 3 May, 20 21 Jun, 26 27 Sep, 3 4 Oct), so 19 weekdays are lost and 6 weekend days won: 365 - 104 - 19 + 6.
	if n := c.WorkdaysBetween(date("2025-12-31"), date("2026-12-31")); n != 248 {
		t.Errorf("2026 has %d working days, want 248", n)
	}
}

func TestStandard(t *testing.T) {
	c := calendar.Standard()
	if c.Zone.String() != "Asia/Shanghai" {
		t.Errorf("zone %s", c.Zone)
	}
	for _, v := range []struct {
		name, at, next string
		working        bool
	}{
		{"before work", "2026-03-02 08:29", "2026-03-02 08:30", false},
		{"at the start", "2026-03-02 08:30", "2026-03-02 08:30", true},
		{"last minute of the morning", "2026-03-02 11:59", "2026-03-02 11:59", true},
		{"the end of a slot is not in it", "2026-03-02 12:00", "2026-03-02 13:30", false},
		{"Friday evening", "2026-03-06 17:30", "2026-03-09 08:30", false},
		{"Sunday", "2026-03-08 10:00", "2026-03-09 08:30", false},
	} {
		t.Run(v.name, func(t *testing.T) {
			if got := c.Working(at(v.at)); got != v.working {
				t.Errorf("working is %v", got)
			}
			if got := c.NextWorking(at(v.at)); !got.Equal(at(v.next)) {
				t.Errorf("next is %s", got)
			}
			// the zone of the instant must not matter
			if got := c.NextWorking(at(v.at).UTC()); !got.Equal(at(v.next)) {
				t.Errorf("next from UTC is %s", got)
			}
		})
	}
}

func TestDayRule(t *testing.T) {
	c := calendar.Standard()
	c.Week[1] = nil // closed on Mondays: a make-up day then has Tuesday's slots
	c.Exclude(date("2026-03-03"), "stocktaking")
	c.AddHoliday(date("2026-03-07"), calendar.DayRule{Work: true})
	c.AddHoliday(date("2026-03-08"), calendar.DayRule{Work: true, Slots: []calendar.Slot{{From: 600, To: 660}}})
	c.AddHoliday(date("2026-03-04"), calendar.DayRule{Slots: []calendar.Slot{{From: 600, To: 720}}})
	c.AddHoliday(date("2026-03-05"), calendar.DayRule{Name: "anniversary, worked as ever"})
	for day, minutes := range map[string]int64{
		"2026-03-02": 0, "2026-03-03": 0, "2026-03-04": 120, "2026-03-05": 450, "2026-03-06": 450, "2026-03-07": 450, "2026-03-08": 60,
	} {
		d := date(day)
		if got := c.WorkingMinutes(d.Start(zone), d.End(zone)); got != minutes {
			t.Errorf("%s has %d minutes, want %d", day, got, minutes)
		}
		if c.IsWorkday(d) != (minutes > 0) {
			t.Errorf("%s: working day is %v", day, c.IsWorkday(d))
		}
	}
}

func TestCloneIsApart(t *testing.T) {
	c := &calendar.Calendar{Zone: zone}
	n := c.Clone()
	n.Exclude(date("2026-03-02"), "ours")
	n.Provisional[2027] = true
	if len(c.Days) != 0 || len(c.Provisional) != 0 {
		t.Error("the clone's days are the original's")
	}
	if n.Unsure(at("2026-12-30 10:00"), at("2026-12-31 23:59")) || !n.Unsure(at("2026-12-30 10:00"), at("2026-12-31 24:00")) {
		t.Error("only a time that reaches into 2027 is unsure")
	}
}

func TestValidate(t *testing.T) {
	if err := calendar.Standard().Validate(); err != nil {
		t.Error(err)
	}
	for _, v := range []struct {
		name, want string
		change     func(c *calendar.Calendar)
	}{
		{"no zone", "no time zone", func(c *calendar.Calendar) { c.Zone = nil }},
		{"no working day", "no working day", func(c *calendar.Calendar) { c.Week = calendar.Week{} }},
		{"overlap", "weekday 3: 09:00-10:00 overlaps 08:00-09:01", func(c *calendar.Calendar) { c.Week[3] = []calendar.Slot{{480, 541}, {540, 600}} }},
		{"out of order", "comes before", func(c *calendar.Calendar) { c.Week[3] = []calendar.Slot{{600, 660}, {480, 540}} }},
		{"past midnight", "weekday 1: 20:00-32:00 is not", func(c *calendar.Calendar) { c.Week[1] = []calendar.Slot{{1200, 1920}} }},
		{"empty slot", "is not a stretch", func(c *calendar.Calendar) { c.Week[1] = []calendar.Slot{{600, 600}} }},
		{"negative", "is not a stretch", func(c *calendar.Calendar) { c.Week[1] = []calendar.Slot{{-1, 600}} }},
		{"both", "2026-03-02: a day is either", func(c *calendar.Calendar) {
			c.AddHoliday(date("2026-03-02"), calendar.DayRule{Off: true, Work: true})
		}},
		{"no such day", "2026-02-30: there is no such day", func(c *calendar.Calendar) { c.Exclude(calendar.Date{Year: 2026, Month: 2, Day: 30}, "") }},
		{"Sunday as 0", "weekday 0", func(c *calendar.Calendar) { c.Week[0] = []calendar.Slot{{480, 541}} }},
	} {
		t.Run(v.name, func(t *testing.T) {
			c := calendar.Standard()
			v.change(c)
			if err := c.Validate(); err == nil || !strings.Contains(err.Error(), v.want) {
				t.Errorf("%v, want %q", err, v.want)
			}
		})
	}
}

// A calendar without work gives up instead of searching for ever.
func TestRestOnly(t *testing.T) {
	c, from := restOnly(), at("2026-03-02 10:00")
	for _, s := range []string{"1wd", "1wh", "30wm"} {
		if due, ok := c.Due(from, span(s), nil); ok || !due.IsZero() {
			t.Errorf("%s is due %s", s, due)
		}
		if got := c.Add(from, span(s)); !got.IsZero() {
			t.Errorf("adding %s gives %s", s, got)
		}
		if got := c.Before(from, span(s)); !got.IsZero() {
			t.Errorf("before %s is %s", s, got)
		}
		if got := c.AddDate(date("2026-03-02"), span(s)); !got.IsZero() {
			t.Errorf("%s later is %s", s, got)
		}
		if got, ok := c.At(from, span(s), nil, 50); ok {
			t.Errorf("half of %s is %s", s, got)
		}
	}
	if got := c.NextWorking(from); !got.IsZero() {
		t.Errorf("next working time %s", got)
	}
	if got := c.PeriodOf(span("1wd"), nil, from); !got.IsZero() {
		t.Errorf("period %v", got)
	}
	if due, ok := c.Due(from, span("1d"), nil); !ok || !due.Equal(at("2026-03-03 24:00")) {
		t.Errorf("natural days need no work: %s", due)
	}
	if _, ok := calendar.Standard().Due(from, span("1000000wd"), nil); ok {
		t.Error("a million working days cannot be meant")
	}
	// the weekends of 20 years are more than 5 years of rest, but not in a row: 1000 weeks are 5000 working days
	if due, ok := calendar.Standard().Due(from, span("5000wd"), nil); !ok || !due.Equal(date("2026-03-02").AddDays(7000).End(zone)) {
		t.Errorf("5000 working days are due %s", due)
	}
}

func TestGiveUpAfterFiveYears(t *testing.T) {
	for day, found := range map[string]bool{"2030-03-02": true, "2032-03-02": false} {
		c := restOnly()
		c.AddHoliday(date(day), calendar.DayRule{Work: true, Slots: []calendar.Slot{{From: 540, To: 600}}})
		if due, ok := c.Due(at("2026-03-02 10:00"), span("1wh"), nil); ok != found {
			t.Errorf("the only working day being %s, an hour is due %s (%v)", day, due, ok)
		}
	}
}
