package calendar_test

import (
	"testing"
	"time"

	"zhanggui/internal/calendar"
)

// pause reads pairs of instants; an empty end is an open pause.
func pause(pairs ...string) []calendar.Interval {
	var list []calendar.Interval
	for i := 0; i < len(pairs); i += 2 {
		p := calendar.Interval{From: at(pairs[i])}
		if pairs[i+1] != "" {
			p.To = at(pairs[i+1])
		}
		list = append(list, p)
	}
	return list
}

// 2026-03-02 is a Monday.
func TestDue(t *testing.T) {
	standard := calendar.Standard()
	china, _ := shipped(t)
	sixDays := calendar.Standard()
	sixDays.Week[6] = sixDays.Week[5]
	night := hours(calendar.Slot{From: 0, To: 8 * 60}, calendar.Slot{From: 20 * 60, To: 24 * 60})

	for _, v := range []struct {
		name       string
		c          *calendar.Calendar
		from, span string
		pauses     []calendar.Interval
		want       string // empty: cannot be said
	}{
		// What people ask for in vain elsewhere.
		{"over the weekend", nineToFive(), "2026-03-06 16:30", "1wh", nil, "2026-03-09 09:30"},
		{"over lunch", hours(calendar.Slot{From: 540, To: 720}, calendar.Slot{From: 810, To: 1020}), "2026-03-02 11:50", "30wm", nil, "2026-03-02 13:50"},
		{"a hold overnight moves nothing", nineToFive(), "2026-03-02 15:00", "4wh", pause("2026-03-02 17:00", "2026-03-03 09:00"), "2026-03-03 11:00"},

		// Working hours.
		{"up to the end of a slot", nineToFive(), "2026-03-02 16:00", "1wh", nil, "2026-03-02 17:00"},
		{"from before work", nineToFive(), "2026-03-02 03:00", "1wh", nil, "2026-03-02 10:00"},
		{"from a rest day", nineToFive(), "2026-03-07 12:00", "1wh", nil, "2026-03-09 10:00"},
		{"seconds are kept", nineToFive(), "2026-03-06 16:30:20", "1wh", nil, "2026-03-09 09:30:20"},
		{"many days", nineToFive(), "2026-03-02 09:00", "40wh", nil, "2026-03-06 17:00"},
		{"a night shift", night, "2026-03-02 22:00", "4wh", nil, "2026-03-03 02:00"},
		{"a make-up Saturday is worked", china, "2026-10-09 17:00", "1wh", nil, "2026-10-10 09:00"},
		{"part of a hold in working time", nineToFive(), "2026-03-02 15:00", "4wh", pause("2026-03-02 16:00", "2026-03-03 10:00"), "2026-03-03 13:00"},
		{"a hold over lunch", withLunch(), "2026-03-02 11:00", "2wh", pause("2026-03-02 11:30", "2026-03-02 14:00"), "2026-03-02 15:30"},
		{"two holds that overlap", nineToFive(), "2026-03-02 09:00", "4wh", pause("2026-03-02 11:00", "2026-03-02 13:00", "2026-03-02 10:00", "2026-03-02 12:00"), "2026-03-02 16:00"},
		{"a hold from before the start", nineToFive(), "2026-03-02 10:00", "1wh", pause("2026-03-02 09:00", "2026-03-02 10:30"), "2026-03-02 11:30"},
		{"a hold after the due instant", nineToFive(), "2026-03-02 10:00", "1wh", pause("2026-03-02 11:00", "2026-03-02 15:00"), "2026-03-02 11:00"},
		{"an open hold", nineToFive(), "2026-03-02 10:00", "1wh", pause("2026-03-02 10:30", ""), ""},
		{"an open hold after the due instant", nineToFive(), "2026-03-02 10:00", "1wh", pause("2026-03-02 11:00", ""), "2026-03-02 11:00"},

		// Natural hours and minutes.
		{"24 hours", standard, "2026-03-06 16:30:05", "24h", nil, "2026-03-07 16:30:05"},
		{"30 minutes at midnight", standard, "2026-12-31 23:45", "30m", nil, "2027-01-01 00:15"},
		{"hours with a hold", standard, "2026-03-02 10:00", "2h", pause("2026-03-02 11:15", "2026-03-02 12:30"), "2026-03-02 13:15"},
		{"hours with two holds", standard, "2026-03-02 10:00", "2h", pause("2026-03-02 10:30", "2026-03-02 11:00", "2026-03-02 11:30", "2026-03-02 13:00"), "2026-03-02 14:00"},
		{"hours with an open hold", standard, "2026-03-02 10:00", "2h", pause("2026-03-02 11:00", ""), ""},
		{"a closed hold within an open one", standard, "2026-03-02 10:00", "2h", pause("2026-03-02 11:00", "", "2026-03-02 11:10", "2026-03-02 11:20"), ""},

		// Natural days: 24:00 of the n-th day after.
		{"15 days", standard, "2026-03-02 10:00", "15d", nil, "2026-03-17 24:00"},
		{"15 days from the first minute", standard, "2026-03-02 00:00", "15d", nil, "2026-03-17 24:00"},
		{"15 days from the last minute", standard, "2026-03-02 23:59", "15d", nil, "2026-03-17 24:00"},
		{"0 days are today", standard, "2026-03-02 10:00", "0d", nil, "2026-03-02 24:00"},
		{"two weeks", standard, "2026-03-02 10:00", "2w", nil, "2026-03-16 24:00"},
		{"a month from the 31st", standard, "2026-01-31 10:00", "1mo", nil, "2026-02-28 24:00"},
		{"a month from the 31st in a leap year", standard, "2024-01-31 10:00", "1mo", nil, "2024-02-29 24:00"},
		{"a year from the leap day", standard, "2024-02-29 10:00", "1y", nil, "2025-02-28 24:00"},
		{"a quarter", standard, "2025-11-30 10:00", "1q", nil, "2026-02-28 24:00"},
		{"an hour at midnight is a day", standard, "2026-03-02 10:00", "3d", pause("2026-03-03 23:30", "2026-03-04 00:30"), "2026-03-06 24:00"},
		{"a whole day but for midnight is none", standard, "2026-03-02 10:00", "3d", pause("2026-03-03 00:01", "2026-03-03 23:59"), "2026-03-05 24:00"},
		{"exactly one day", standard, "2026-03-02 10:00", "3d", pause("2026-03-03 00:00", "2026-03-03 24:00"), "2026-03-06 24:00"},
		{"three midnights", standard, "2026-03-02 10:00", "3d", pause("2026-03-03 12:00", "2026-03-06 08:00"), "2026-03-08 24:00"},
		{"paused at once", standard, "2026-03-02 10:00", "3d", pause("2026-03-02 11:00", "2026-03-04 09:00"), "2026-03-07 24:00"},
		{"paused on the day it would be due", standard, "2026-03-02 10:00", "3d", pause("2026-03-05 20:00", "2026-03-06 08:00"), "2026-03-06 24:00"},
		{"paused when it is over", standard, "2026-03-02 10:00", "3d", pause("2026-03-05 24:00", "2026-03-09 08:00"), "2026-03-05 24:00"},
		{"a second pause in the days won by the first", standard, "2026-03-02 10:00", "3d", pause("2026-03-03 12:00", "2026-03-05 12:00", "2026-03-07 12:00", "2026-03-08 12:00"), "2026-03-08 24:00"},
		{"two pauses in one night are one day", standard, "2026-03-02 10:00", "3d", pause("2026-03-03 20:00", "2026-03-03 21:00", "2026-03-03 23:00", "2026-03-04 01:00"), "2026-03-06 24:00"},
		{"a month with two days paused", standard, "2026-01-31 10:00", "1mo", pause("2026-02-02 12:00", "2026-02-04 12:00"), "2026-03-02 24:00"},
		{"days with an open pause", standard, "2026-03-02 10:00", "3d", pause("2026-03-05 23:59", ""), ""},
		{"an open pause after 24:00", standard, "2026-03-02 10:00", "3d", pause("2026-03-05 24:00", ""), "2026-03-05 24:00"},

		// Working days. National Day 2026: 1 to 7 October off; Sunday 20 September and Saturday 10 October worked.
		// From Wed 30 Sep: Thu 1 - Wed 7 Oct off; Thu 8 is the first, Fri 9 the second, Sat 10 the third.
		{"3 working days over National Day", china, "2026-09-30 10:00", "3wd", nil, "2026-10-10 24:00"},
		// The fourth: Sun 11 is an ordinary Sunday, Mon 12.
		{"4 working days over National Day", china, "2026-09-30 10:00", "4wd", nil, "2026-10-12 24:00"},
		// From Fri 18 Sep: Sat 19 off, Sun 20 worked (1), Mon 21 (2), Tue 22 (3).
		{"3 working days over a make-up Sunday", china, "2026-09-18 10:00", "3wd", nil, "2026-09-22 24:00"},
		// From Thu 24 Sep: Fri 25 - Sun 27 Mid-Autumn; Mon 28 (1), Tue 29 (2), Wed 30 (3), Thu 8 Oct (4).
		{"4 working days over both holidays", china, "2026-09-24 10:00", "4wd", nil, "2026-10-08 24:00"},
		// From Sun 4 Oct, a day off, as from its end: Thu 8 (1), Fri 9 (2), Sat 10 (3).
		{"from a holiday", china, "2026-10-04 10:00", "3wd", nil, "2026-10-10 24:00"},
		{"from a make-up day", china, "2026-10-10 10:00", "1wd", nil, "2026-10-12 24:00"},
		{"from a Saturday", standard, "2026-03-07 10:00", "1wd", nil, "2026-03-09 24:00"},
		{"from a Friday", standard, "2026-03-06 23:59", "1wd", nil, "2026-03-09 24:00"},
		{"the Saturday of a six-day week", sixDays, "2026-03-06 10:00", "1wd", nil, "2026-03-07 24:00"},
		{"0 working days are today", standard, "2026-03-06 10:00", "0wd", nil, "2026-03-06 24:00"},
		{"0 working days on a rest day too", standard, "2026-03-07 10:00", "0wd", nil, "2026-03-07 24:00"},
		{"a night paused is a working day", standard, "2026-03-02 10:00", "2wd", pause("2026-03-03 17:00", "2026-03-04 09:00"), "2026-03-05 24:00"},
		{"hours of a day paused are none", standard, "2026-03-02 10:00", "2wd", pause("2026-03-03 08:00", "2026-03-03 20:00"), "2026-03-04 24:00"},
		{"a weekend paused is none", standard, "2026-03-06 10:00", "2wd", pause("2026-03-07 00:00", "2026-03-09 08:00"), "2026-03-10 24:00"},
		{"Friday to Monday paused is one", standard, "2026-03-05 10:00", "2wd", pause("2026-03-06 16:00", "2026-03-09 08:00"), "2026-03-10 24:00"},
		{"from a rest day within a pause", standard, "2026-03-07 10:00", "1wd", pause("2026-03-07 11:00", "2026-03-09 08:00"), "2026-03-09 24:00"},
		{"working days with an open pause", standard, "2026-03-02 10:00", "2wd", pause("2026-03-04 10:00", ""), ""},
		{"an open pause after the due day", standard, "2026-03-02 10:00", "2wd", pause("2026-03-05 10:00", ""), "2026-03-04 24:00"},
	} {
		t.Run(v.name, func(t *testing.T) {
			due, ok := v.c.Due(at(v.from), span(v.span), v.pauses)
			if v.want == "" {
				if ok || !due.IsZero() {
					t.Errorf("due %s, though the pause is open", due)
				}
			} else if !ok || !due.Equal(at(v.want)) {
				t.Errorf("due %s (%v), want %s", due, ok, v.want)
			}
		})
	}
}

func TestAt(t *testing.T) {
	for _, v := range []struct {
		name       string
		c          *calendar.Calendar
		from, span string
		pct        int
		pauses     []calendar.Interval
		want       string
	}{
		{"80% of 10 hours", calendar.Standard(), "2026-03-02 10:00", "10h", 80, nil, "2026-03-02 18:00"},
		{"half of 4 working hours over night", nineToFive(), "2026-03-02 16:00", "4wh", 50, nil, "2026-03-03 10:00"},
		{"with a hold in between", calendar.Standard(), "2026-03-02 10:00", "10h", 50, pause("2026-03-02 12:00", "2026-03-02 13:00"), "2026-03-02 16:00"},
		// Monday noon to Wednesday 24:00 is 60 hours.
		{"half of 2 days", calendar.Standard(), "2026-03-02 12:00", "2d", 50, nil, "2026-03-03 18:00"},
		// Monday 13:00 to Tuesday 24:00 is 4 + 8 hours of work; the sixth ends on Tuesday at 11.
		{"working days count in working time", nineToFive(), "2026-03-02 13:00", "1wd", 50, nil, "2026-03-03 11:00"},
		{"nothing", calendar.Standard(), "2026-03-02 10:00", "10h", 0, nil, "2026-03-02 10:00"},
		{"all", calendar.Standard(), "2026-03-02 10:00", "2d", 100, nil, "2026-03-04 24:00"},
		{"a share of many years", calendar.Standard(), "2026-01-01 00:00", "240000h", 50, nil, "2039-09-10 00:00"},
		{"reached before an open hold", calendar.Standard(), "2026-03-02 10:00", "10h", 50, pause("2026-03-02 16:00", ""), "2026-03-02 15:00"},
		{"not reached before an open hold", calendar.Standard(), "2026-03-02 10:00", "10h", 80, pause("2026-03-02 16:00", ""), ""},
	} {
		t.Run(v.name, func(t *testing.T) {
			got, ok := v.c.At(at(v.from), span(v.span), v.pauses, v.pct)
			if v.want == "" {
				if ok {
					t.Errorf("%s, though the pause is open", got)
				}
			} else if !ok || !got.Equal(at(v.want)) {
				t.Errorf("%s (%v), want %s", got, ok, v.want)
			}
		})
	}
}

func TestBeforeAndAdd(t *testing.T) {
	china, _ := shipped(t)
	for _, v := range []struct {
		name           string
		c              *calendar.Calendar
		at, span, want string
		before         bool
	}{
		{"3 days before", calendar.Standard(), "2026-03-17 15:30", "3d", "2026-03-14 15:30", true},
		{"3 days before 24:00", calendar.Standard(), "2026-03-17 24:00", "3d", "2026-03-14 24:00", true},
		{"2 hours before", calendar.Standard(), "2026-03-02 01:00", "2h", "2026-03-01 23:00", true},
		{"a month before the 31st", calendar.Standard(), "2026-03-31 12:00", "1mo", "2026-02-28 12:00", true},
		{"a working hour back over the weekend", nineToFive(), "2026-03-09 09:30", "1wh", "2026-03-06 16:30", true},
		{"working minutes back over lunch", withLunch(), "2026-03-02 13:50", "30wm", "2026-03-02 11:50", true},
		{"the latest such instant", nineToFive(), "2026-03-09 10:00", "1wh", "2026-03-09 09:00", true},
		{"back from 24:00", nineToFive(), "2026-03-06 24:00", "1wh", "2026-03-06 16:00", true},
		{"a working day before Monday 24:00", calendar.Standard(), "2026-03-09 24:00", "1wd", "2026-03-06 24:00", true},
		{"a working day before Tuesday 24:00", calendar.Standard(), "2026-03-10 24:00", "1wd", "2026-03-09 24:00", true},
		{"a working day before Monday afternoon", calendar.Standard(), "2026-03-09 15:00", "1wd", "2026-03-06 15:00", true},
		{"a working day before a rest day", calendar.Standard(), "2026-03-08 15:00", "1wd", "2026-03-06 15:00", true},
		// Back from Mon 12 Oct: Sat 10 (1), Fri 9 (2), Thu 8 (3), Wed 30 Sep (4).
		{"4 working days before, over National Day", china, "2026-10-12 15:00", "4wd", "2026-09-30 15:00", true},
		{"nothing before", calendar.Standard(), "2026-03-08 15:00", "0wd", "2026-03-08 15:00", true},

		{"3 days later", calendar.Standard(), "2026-03-02 15:30", "3d", "2026-03-05 15:30", false},
		{"a month after the 31st", calendar.Standard(), "2026-01-31 15:30", "1mo", "2026-02-28 15:30", false},
		{"a working hour later", nineToFive(), "2026-03-06 16:30", "1wh", "2026-03-09 09:30", false},
		{"3 working days later", china, "2026-09-30 10:15", "3wd", "2026-10-10 10:15", false},
		{"a working day after a rest day", calendar.Standard(), "2026-03-07 10:15", "1wd", "2026-03-09 10:15", false},
		{"nothing later", calendar.Standard(), "2026-03-07 10:15", "0wh", "2026-03-07 10:15", false},
	} {
		t.Run(v.name, func(t *testing.T) {
			got := v.c.Add(at(v.at), span(v.span))
			if v.before {
				got = v.c.Before(at(v.at), span(v.span))
			}
			if !got.Equal(at(v.want)) {
				t.Errorf("%s, want %s", got, v.want)
			}
		})
	}
	if got := nineToFive().Add(at("2026-03-09 09:30"), span("1wh").Neg()); !got.Equal(at("2026-03-06 16:30")) {
		t.Errorf("a negative span looks back: %s", got)
	}
}

// A zone that turns its clocks: natural hours are exact, working hours follow the wall.
func TestClocksTurned(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	c := nineToFive()
	c.Zone = berlin
	c.Week[7] = []calendar.Slot{{From: 0, To: 6 * 60}}
	from := time.Date(2026, 3, 28, 22, 0, 0, 0, berlin) // 29 March has no 02:00 to 03:00
	for s, want := range map[string]time.Time{
		"12h": time.Date(2026, 3, 29, 11, 0, 0, 0, berlin),
		"4wh": time.Date(2026, 3, 29, 4, 0, 0, 0, berlin),
		"1d":  time.Date(2026, 3, 30, 0, 0, 0, 0, berlin),
	} {
		if due, ok := c.Due(from, span(s), nil); !ok || !due.Equal(want) {
			t.Errorf("%s is due %s, want %s", s, due, want)
		}
	}
	if got := c.Add(from, span("1d")); !got.Equal(time.Date(2026, 3, 29, 22, 0, 0, 0, berlin)) {
		t.Errorf("the clock time is kept: %s", got)
	}
}
