package calendar_test

import (
	"testing"
	"time"

	"zhanggui/internal/calendar"
)

func TestElapsed(t *testing.T) {
	china, _ := shipped(t)
	for _, v := range []struct {
		name           string
		c              *calendar.Calendar
		from, to, unit string
		pauses         []calendar.Interval
		want           int64
	}{
		{"hours", calendar.Standard(), "2026-03-02 10:00", "2026-03-02 12:59", "h", nil, 2},
		{"minutes with a hold", calendar.Standard(), "2026-03-02 10:00", "2026-03-02 12:00", "m", pause("2026-03-02 10:10", "2026-03-02 11:00"), 70},
		{"stands still while a hold is open", calendar.Standard(), "2026-03-02 10:00", "2026-03-05 12:00", "m", pause("2026-03-02 10:10", ""), 10},
		{"a hold open from before", calendar.Standard(), "2026-03-02 10:00", "2026-03-05 12:00", "m", pause("2026-03-01 10:10", ""), 0},
		{"a hold reaching past the end", calendar.Standard(), "2026-03-02 10:00", "2026-03-02 12:00", "m", pause("2026-03-02 11:00", "2026-03-02 15:00"), 60},
		{"working hours", nineToFive(), "2026-03-06 15:00", "2026-03-09 10:30", "wh", nil, 3},
		{"working minutes, hold overnight", nineToFive(), "2026-03-02 15:00", "2026-03-03 11:00", "wm", pause("2026-03-02 16:00", "2026-03-03 09:30"), 150},

		{"no midnight passed", calendar.Standard(), "2026-03-02 00:00", "2026-03-02 23:59", "d", nil, 0},
		{"a midnight passed", calendar.Standard(), "2026-03-02 23:59", "2026-03-03 00:01", "d", nil, 1},
		{"a midnight reached is not passed", calendar.Standard(), "2026-03-02 23:59", "2026-03-02 24:00", "d", nil, 0},
		{"days paused", calendar.Standard(), "2026-03-02 10:00", "2026-03-09 10:00", "d", pause("2026-03-03 10:00", "2026-03-05 09:00"), 5},
		{"days while a pause is open", calendar.Standard(), "2026-03-02 10:00", "2026-03-09 10:00", "d", pause("2026-03-04 10:00", ""), 2},
		{"a day over when the pause opens", calendar.Standard(), "2026-03-02 10:00", "2026-03-09 10:00", "d", pause("2026-03-04 24:00", ""), 3},
		{"a pause reaching past the end", calendar.Standard(), "2026-03-02 10:00", "2026-03-05 10:00", "d", pause("2026-03-04 10:00", "2026-03-20 10:00"), 2},
		{"weeks", calendar.Standard(), "2026-03-02 10:00", "2026-03-16 09:00", "w", nil, 2},
		{"months", calendar.Standard(), "2026-01-31 10:00", "2026-03-30 10:00", "mo", nil, 1},
		{"months, to the day", calendar.Standard(), "2026-01-31 10:00", "2026-03-31 10:00", "mo", nil, 2},
		{"quarters", calendar.Standard(), "2026-01-31 10:00", "2026-12-31 10:00", "q", nil, 3},
		{"years from the leap day", calendar.Standard(), "2024-02-29 10:00", "2026-02-28 10:00", "y", nil, 2},

		// Late since Friday 24:00: the weekend is no working day late, Monday is one when it is over.
		{"working days late on Sunday", calendar.Standard(), "2026-03-06 24:00", "2026-03-08 12:00", "wd", nil, 0},
		{"working days late on Monday", calendar.Standard(), "2026-03-06 24:00", "2026-03-09 12:00", "wd", nil, 0},
		{"working days late on Tuesday", calendar.Standard(), "2026-03-06 24:00", "2026-03-10 12:00", "wd", nil, 1},
		// Ends passed: Wed 30 Sep, Thu 8, Fri 9, Sat 10.
		{"working days over National Day", china, "2026-09-30 10:00", "2026-10-11 10:00", "wd", nil, 4},
		{"working days paused", calendar.Standard(), "2026-03-02 10:00", "2026-03-10 10:00", "wd", pause("2026-03-05 10:00", "2026-03-09 10:00"), 4},
		{"working days while a pause is open", calendar.Standard(), "2026-03-02 10:00", "2026-03-10 10:00", "wd", pause("2026-03-05 10:00", ""), 3},
		{"backwards", calendar.Standard(), "2026-03-05 10:00", "2026-03-02 10:00", "d", nil, -3},
	} {
		t.Run(v.name, func(t *testing.T) {
			if got := v.c.Elapsed(at(v.from), at(v.to), calendar.Unit(v.unit), v.pauses); got != v.want {
				t.Errorf("%d %s, want %d", got, v.unit, v.want)
			}
		})
	}
}

func TestRemaining(t *testing.T) {
	for _, v := range []struct {
		name           string
		from, span, at string
		pauses         []calendar.Interval
		want           string
	}{
		{"hours", "2026-03-02 10:00", "2h", "2026-03-02 10:30", nil, "90m"},
		{"a begun minute counts", "2026-03-02 10:00", "2h", "2026-03-02 11:59:59", nil, "1m"},
		{"as of the start of the open pause", "2026-03-02 10:00", "2h", "2026-03-09 11:00", pause("2026-03-02 11:00", ""), "60m"},
		{"working hours", "2026-03-06 16:00", "4wh", "2026-03-09 09:30", nil, "150wm"}, // 17:00 to 09:00 do not count
		{"never negative", "2026-03-02 10:00", "2h", "2026-03-04 10:30", nil, "0m"},
		{"days", "2026-03-02 10:00", "5d", "2026-03-04 10:00", nil, "3d"},
		{"days while a pause is open", "2026-03-02 10:00", "5d", "2026-03-20 10:00", pause("2026-03-04 10:00", ""), "3d"},
		{"days at midnight", "2026-03-02 10:00", "5d", "2026-03-03 24:00", nil, "3d"},
		{"working days at midnight", "2026-03-06 10:00", "2wd", "2026-03-09 24:00", nil, "0wd"},
		{"a month in days", "2026-02-01 10:00", "1mo", "2026-02-01 11:00", nil, "28d"},
		{"working days from Friday, on Friday", "2026-03-06 10:00", "2wd", "2026-03-06 11:00", nil, "2wd"},
		{"working days from Friday, on Saturday", "2026-03-06 10:00", "2wd", "2026-03-07 11:00", nil, "2wd"},
		{"working days from Friday, on Monday", "2026-03-06 10:00", "2wd", "2026-03-09 11:00", nil, "1wd"},
		{"working days from Saturday, on Monday", "2026-03-07 10:00", "2wd", "2026-03-09 11:00", nil, "1wd"},
		{"working days while a pause is open", "2026-03-06 10:00", "2wd", "2026-03-20 11:00", pause("2026-03-09 10:00", ""), "1wd"},
	} {
		t.Run(v.name, func(t *testing.T) {
			if got := nineToFive().Remaining(at(v.from), span(v.span), v.pauses, at(v.at)); got != span(v.want) {
				t.Errorf("%s, want %s", got, v.want)
			}
		})
	}
}

func TestWorkdaysBetween(t *testing.T) {
	china, _ := shipped(t)
	for _, v := range []struct {
		from, to string
		want     int
	}{
		{"2026-03-02", "2026-03-02", 0},
		{"2026-03-02", "2026-03-03", 1},
		{"2026-03-06", "2026-03-07", 0},
		{"2026-03-06", "2026-03-09", 1},
		{"2026-03-07", "2026-03-09", 1},
		{"2026-03-09", "2026-03-06", -1},
		{"2026-09-30", "2026-10-10", 3},
		{"2026-09-18", "2026-09-20", 1},
		{"2026-02-13", "2026-02-24", 2}, // Sat 14 is worked, 15 to 23 is the Spring Festival
	} {
		if got := china.WorkdaysBetween(date(v.from), date(v.to)); got != v.want {
			t.Errorf("%s to %s: %d, want %d", v.from, v.to, got, v.want)
		}
	}
}

func TestWorkingMinutes(t *testing.T) {
	c := withLunch()
	for _, v := range []struct {
		from, to string
		want     int64
	}{
		{"2026-03-02 11:00", "2026-03-02 14:00", 90},
		{"2026-03-02 11:00", "2026-03-02 11:10", 10},
		{"2026-03-02 12:00", "2026-03-02 13:30", 0},
		{"2026-03-02 16:00", "2026-03-03 10:00", 120},
		{"2026-03-06 16:00", "2026-03-09 10:00", 120},
		{"2026-03-02 00:00", "2026-03-08 24:00", 5 * 390},
		{"2026-03-03 10:00", "2026-03-02 16:00", -120},
	} {
		if got := c.WorkingMinutes(at(v.from), at(v.to)); got != v.want {
			t.Errorf("%s to %s: %d, want %d", v.from, v.to, got, v.want)
		}
	}
}

func TestPeriodOf(t *testing.T) {
	china, _ := shipped(t)
	for _, v := range []struct {
		name, every, align, at, from, to string
	}{
		{"day", "1d", "", "2026-03-04 10:00", "2026-03-04 00:00", "2026-03-04 24:00"},
		{"midnight begins it", "1d", "", "2026-03-04 00:00", "2026-03-04 00:00", "2026-03-04 24:00"},
		{"week from Monday", "1w", "", "2026-03-08 23:59", "2026-03-02 00:00", "2026-03-08 24:00"},
		{"7 days are a week", "7d", "", "2026-03-08 23:59", "2026-03-02 00:00", "2026-03-08 24:00"},
		{"month", "1mo", "", "2024-02-29 10:00", "2024-02-01 00:00", "2024-02-29 24:00"},
		{"two months from January", "2mo", "", "2026-04-30 10:00", "2026-03-01 00:00", "2026-04-30 24:00"},
		{"quarter", "1q", "", "2026-12-31 10:00", "2026-10-01 00:00", "2026-12-31 24:00"},
		{"half year", "6mo", "", "2026-06-30 10:00", "2026-01-01 00:00", "2026-06-30 24:00"},
		{"year", "1y", "", "2026-06-30 10:00", "2026-01-01 00:00", "2026-12-31 24:00"},
		{"before the year 2000", "1q", "", "1999-06-30 10:00", "1999-04-01 00:00", "1999-06-30 24:00"},
		{"two hours from midnight", "2h", "", "2026-03-04 03:59", "2026-03-04 02:00", "2026-03-04 04:00"},
		{"the last of a day is cut", "5h", "", "2026-03-04 23:00", "2026-03-04 20:00", "2026-03-04 24:00"},
		{"48 hours", "48h", "", "2026-03-04 23:00", "2026-03-03 00:00", "2026-03-04 24:00"},
		{"working day", "workday", "", "2026-03-04 10:00", "2026-03-04 00:00", "2026-03-04 24:00"},
		{"on a rest day the next", "1wd", "", "2026-03-07 10:00", "2026-03-09 00:00", "2026-03-09 24:00"},
		{"a make-up Saturday", "1wd", "", "2026-10-10 10:00", "2026-10-10 00:00", "2026-10-10 24:00"},
		// Working days of 2026: 4 (a made-up Sunday), 5, 6 January are the first three; 7, 8, 9 the next.
		{"three working days", "3wd", "", "2026-01-08 10:00", "2026-01-07 00:00", "2026-01-09 24:00"},
		// 248 = 82 * 3 + 2: the last group of the year is 30 and 31 December, and the new year begins a new one.
		{"the last of the year is cut", "3wd", "", "2026-12-31 10:00", "2026-12-30 00:00", "2026-12-31 24:00"},

		{"months from the 31st", "1mo", "2026-01-31", "2026-03-30 10:00", "2026-02-28 00:00", "2026-03-30 24:00"},
		{"its next keeps the 31st", "1mo", "2026-01-31", "2026-03-31 10:00", "2026-03-31 00:00", "2026-04-29 24:00"},
		{"half years from admission", "6mo", "2025-11-15", "2026-05-14 10:00", "2025-11-15 00:00", "2026-05-14 24:00"},
		{"years from the leap day", "1y", "2024-02-29", "2025-02-28 10:00", "2025-02-28 00:00", "2026-02-27 24:00"},
		{"10 days from a day", "10d", "2026-03-01", "2026-03-11 00:00", "2026-03-11 00:00", "2026-03-20 24:00"},
		{"weeks from a Wednesday", "1w", "2026-03-04", "2026-03-17 10:00", "2026-03-11 00:00", "2026-03-17 24:00"},
		{"before the alignment", "10d", "2026-03-01", "2026-02-28 10:00", "2026-02-19 00:00", "2026-02-28 24:00"},
		{"hours from a day", "36h", "2026-03-01", "2026-03-02 12:00", "2026-03-02 12:00", "2026-03-03 24:00"},
		// Groups of two from Sat 7 March on: 9 10, 11 12, 13 16.
		{"working days from a day", "2wd", "2026-03-07", "2026-03-15 10:00", "2026-03-13 00:00", "2026-03-16 24:00"},
		{"working days before it", "2wd", "2026-03-07", "2026-03-05 10:00", "2026-03-05 00:00", "2026-03-06 24:00"},
		{"the last working day before it", "2wd", "2026-03-07", "2026-03-06 10:00", "2026-03-05 00:00", "2026-03-06 24:00"},
	} {
		t.Run(v.name, func(t *testing.T) {
			var align *calendar.Date
			if v.align != "" {
				d := date(v.align)
				align = &d
			}
			if p := china.PeriodOf(span(v.every), align, at(v.at)); !p.From.Equal(at(v.from)) || !p.To.Equal(at(v.to)) {
				t.Errorf("%s to %s, want %s to %s", p.From, p.To, v.from, v.to)
			}
		})
	}
	for _, s := range []string{"1wh", "30wm", "0d"} {
		if p := china.PeriodOf(span(s), nil, at("2026-03-04 10:00")); !p.IsZero() {
			t.Errorf("%s cannot recur, but %v", s, p)
		}
	}
}

func TestStartAndEnd(t *testing.T) {
	c, now := calendar.Standard(), at("2026-08-13 14:35")
	for unit, want := range map[string][2]string{
		"hour":    {"2026-08-13 14:00", "2026-08-13 15:00"},
		"day":     {"2026-08-13 00:00", "2026-08-13 24:00"},
		"week":    {"2026-08-10 00:00", "2026-08-16 24:00"},
		"month":   {"2026-08-01 00:00", "2026-08-31 24:00"},
		"quarter": {"2026-07-01 00:00", "2026-09-30 24:00"},
		"half":    {"2026-07-01 00:00", "2026-12-31 24:00"},
		"year":    {"2026-01-01 00:00", "2026-12-31 24:00"},
	} {
		if a, b := c.StartOf(unit, now), c.EndOf(unit, now); !a.Equal(at(want[0])) || !b.Equal(at(want[1])) {
			t.Errorf("%s: %s to %s", unit, a, b)
		}
	}
	if a, b := c.StartOf("fortnight", now), c.EndOf("fortnight", now); a != (time.Time{}) || b != (time.Time{}) {
		t.Error("an unknown unit has no start")
	}
}
