package calendar_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"zhanggui/internal/calendar"
)

var origin = at("2026-03-02 00:00")

// moment draws an instant of a few weeks around National Day, to the minute, often at a midnight.
func moment(t *rapid.T, name string) time.Time {
	base := at("2026-09-14 00:00")
	minutes := rapid.OneOf(
		rapid.IntRange(0, 40*24*60),
		rapid.Map(rapid.IntRange(0, 40), func(d int) int { return d * 24 * 60 }),
	).Draw(t, name)
	return base.Add(time.Duration(minutes) * time.Minute)
}

// office draws a calendar: slots of a day, working weekdays, some days off and made up.
func office(t *rapid.T) *calendar.Calendar {
	c := rapid.SampledFrom([]*calendar.Calendar{nineToFive(), withLunch(), calendar.Standard(),
		hours(calendar.Slot{From: 0, To: 8 * 60}, calendar.Slot{From: 20 * 60, To: 24 * 60})}).Draw(t, "hours").Clone()
	if rapid.Bool().Draw(t, "sixDays") {
		c.Week[6] = c.Week[5]
	}
	for _, n := range rapid.SliceOfN(rapid.IntRange(0, 60), 0, 12).Draw(t, "off") {
		c.Exclude(date("2026-09-10").AddDays(n), "off")
	}
	for _, n := range rapid.SliceOfN(rapid.IntRange(0, 60), 0, 4).Draw(t, "work") {
		c.AddHoliday(date("2026-09-10").AddDays(n), calendar.DayRule{Work: true})
	}
	return c
}

func closed(t *rapid.T) []calendar.Interval {
	var list []calendar.Interval
	for range rapid.IntRange(0, 3).Draw(t, "pauses") {
		from := moment(t, "pause")
		list = append(list, calendar.Interval{From: from, To: from.Add(time.Duration(rapid.IntRange(0, 6*24*60).Draw(t, "length")) * time.Minute)})
	}
	return list
}

func anySpan(t *rapid.T) calendar.Span {
	unit := rapid.SampledFrom([]calendar.Unit{"m", "h", "d", "w", "mo", "q", "y", "wm", "wh", "wd"}).Draw(t, "unit")
	return calendar.Span{N: rapid.Int64Range(0, 40).Draw(t, "n"), Unit: unit}
}

func due(t *rapid.T, c *calendar.Calendar, from time.Time, s calendar.Span, pauses []calendar.Interval) time.Time {
	v, ok := c.Due(from, s, pauses)
	if !ok {
		t.Fatalf("no due instant for %s from %s", s, from)
	}
	return v
}

func TestDueGrowsWithSpanAndPause(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, from, s, pauses := office(t), moment(t, "from"), anySpan(t), closed(t)
		v := due(t, c, from, s, pauses)
		if v.Before(from) {
			t.Fatalf("%s is before %s", v, from)
		}
		if more := due(t, c, from, calendar.Span{N: s.N + 1, Unit: s.Unit}, pauses); !more.After(v) {
			t.Fatalf("one more of %s is due %s, not after %s", s, more, v)
		}
		if without := due(t, c, from, s, nil); without.After(v) {
			t.Fatalf("without the pauses it is due %s, after %s", without, v)
		}
	})
}

func TestElapsedAtDue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, from, s, pauses := office(t), moment(t, "from"), anySpan(t), closed(t)
		v := due(t, c, from, s, pauses)
		want := s.N
		if s.Unit == "wd" && !c.IsWorkday(c.DateOf(from)) && s.N > 0 {
			want-- // from the end of a day of rest the ends passed are one fewer
		}
		if got := c.Elapsed(from, v, s.Unit, pauses); got != want {
			t.Fatalf("%s due %s: %d elapsed, want %d", s, v, got, want)
		}
		switch s.Unit {
		case "d":
			if got := c.Elapsed(from, v.Add(time.Second), s.Unit, pauses); got != want+1 {
				t.Fatalf("a second late %d have elapsed", got)
			}
		case "m", "h", "wm", "wh":
			if got := c.Elapsed(from, v.Add(-time.Second), s.Unit, pauses); s.N > 0 && got != want-1 {
				t.Fatalf("a second early %d have elapsed", got)
			}
		}
	})
}

// What remains, begun now, is due at the same instant.
func TestRemainingIsDueTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, from, s, pauses := office(t), moment(t, "from"), anySpan(t), closed(t)
		v := due(t, c, from, s, pauses)
		now := from.Add(time.Duration(rapid.Int64Range(0, max(0, int64(v.Sub(from)/time.Minute)-1)).Draw(t, "now")) * time.Minute)
		rest := c.Remaining(from, s, pauses, now)
		if s.Unit == "wd" && !c.IsWorkday(c.DateOf(now)) && rest.N == 0 {
			return // 0wd on a rest day would end today
		}
		if got := due(t, c, now, rest, pauses); !got.Equal(v) {
			t.Fatalf("%s from %s is due %s; at %s %s remain, due %s", s, from, v, now, rest, got)
		}
	})
}

// The sum of working minutes does not depend on where the time is cut, and is the number of minutes worked.
func TestWorkingMinutesAdd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, a, b, m := office(t), moment(t, "a"), moment(t, "b"), moment(t, "m")
		if c.WorkingMinutes(a, m)+c.WorkingMinutes(m, b) != c.WorkingMinutes(a, b) {
			t.Fatalf("%d + %d is not %d", c.WorkingMinutes(a, m), c.WorkingMinutes(m, b), c.WorkingMinutes(a, b))
		}
	})
}

// An oracle that looks at every minute must find the same due instant as the arithmetic.
func TestWorkingDueMinuteByMinute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, from, pauses := office(t), moment(t, "from"), closed(t)
		s := calendar.Span{N: rapid.Int64Range(1, 900).Draw(t, "n"), Unit: "wm"}
		now, left, minutes := from, s.N, int64(0)
		for ; left > 0; now = now.Add(time.Minute) {
			if !c.Working(now) {
				continue
			}
			minutes++
			paused := false
			for _, p := range pauses {
				paused = paused || !now.Before(p.From) && now.Before(p.To)
			}
			if !paused {
				left--
			}
		}
		if v := due(t, c, from, s, pauses); !v.Equal(now) {
			t.Fatalf("due %s, counted %s", v, now)
		}
		if got := c.WorkingMinutes(from, now); got != minutes {
			t.Fatalf("%d working minutes, counted %d", got, minutes)
		}
	})
}

// An oracle that looks at every midnight must find the same due day.
func TestDayDueMidnightByMidnight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, from, pauses := office(t), moment(t, "from"), closed(t)
		s := calendar.Span{N: rapid.Int64Range(1, 20).Draw(t, "n"), Unit: rapid.SampledFrom([]calendar.Unit{"d", "wd"}).Draw(t, "unit")}
		day, left := c.DateOf(from), s.N+1
		if s.Unit == "wd" && !c.IsWorkday(day) {
			left--
		}
		for ; ; day = day.AddDays(1) {
			if s.Unit == "wd" && !c.IsWorkday(day) {
				continue
			}
			end, paused := day.End(zone), false
			for _, p := range pauses {
				paused = paused || from.Before(p.To) && p.From.Before(end) && !end.After(p.To)
			}
			if !paused {
				left--
			}
			if left == 0 {
				break
			}
		}
		if v := due(t, c, from, s, pauses); !v.Equal(day.End(zone)) {
			t.Fatalf("%s due %s, counted %s", s, v, day.End(zone))
		}
	})
}

func TestBeforeLeavesThatMuch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, v := office(t), moment(t, "due")
		n := rapid.Int64Range(1, 3000).Draw(t, "n")
		warn := c.Before(v, calendar.Span{N: n, Unit: "wm"})
		if got := c.WorkingMinutes(warn, v); got != n {
			t.Fatalf("%s before %s leaves %d minutes, want %d", warn, v, got, n)
		}
	})
}

func TestShareGrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, from, s, pauses := office(t), moment(t, "from"), anySpan(t), closed(t)
		v, last := due(t, c, from, s, pauses), from
		for pct := 0; pct <= 100; pct += 20 {
			now, ok := c.At(from, s, pauses, pct)
			if !ok || now.Before(last) || now.After(v) {
				t.Fatalf("%d%% of %s is at %s, between %s and %s", pct, s, now, last, v)
			}
			last = now
		}
		if !last.Equal(v) {
			t.Fatalf("100%% is at %s, due %s", last, v)
		}
	})
}

func TestPeriodsFollowEachOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, now, every := office(t), moment(t, "now"), anySpan(t)
		every.N++
		if !every.Periodic() {
			return
		}
		var align *calendar.Date
		if rapid.Bool().Draw(t, "aligned") {
			d := c.DateOf(moment(t, "align"))
			align = &d
		}
		p := c.PeriodOf(every, align, now)
		owed := every.Unit != "wd" || c.IsWorkday(c.DateOf(now))
		if owed && !p.Contains(now) || !p.From.Before(p.To) || !now.Before(p.To) {
			t.Fatalf("%v does not hold %s", p, now)
		}
		next := c.NextPeriod(every, align, p)
		if every.Unit == "wd" && next.From.Before(p.To) || every.Unit != "wd" && !next.From.Equal(p.To) {
			t.Fatalf("%v is followed by %v", p, next)
		}
		if again := c.PeriodOf(every, align, p.From); again != p {
			t.Fatalf("from its own start the period is %v, not %v", again, p)
		}
	})
}

func BenchmarkDueFiveYears(b *testing.B) {
	c := calendar.Standard()
	for b.Loop() {
		c.Due(origin, calendar.Span{N: 1250, Unit: "wd"}, nil)
	}
}

func BenchmarkWorkingMinutesYear(b *testing.B) {
	c := calendar.Standard()
	to := origin.AddDate(1, 0, 0)
	for b.Loop() {
		c.WorkingMinutes(origin, to)
	}
}
