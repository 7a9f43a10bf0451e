package calendar

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Unit is what a span counts.
type Unit string

// Natural units count the clock and the almanac, working units only a calendar's slots and working days.
const (
	UnitMinute        Unit = "m"
	UnitHour          Unit = "h"
	UnitDay           Unit = "d"
	UnitWeek          Unit = "w"
	UnitMonth         Unit = "mo"
	UnitQuarter       Unit = "q"
	UnitYear          Unit = "y"
	UnitWorkingMinute Unit = "wm"
	UnitWorkingHour   Unit = "wh"
	UnitWorkday       Unit = "wd"
)

// Span is a length of time in one unit. Rules write it without a sign; a negative N looks back.
type Span struct {
	N    int64
	Unit Unit
}

// maxSpan is far above anything a rule means (a million hours are 114 years) and far below any overflow.
const maxSpan = 1_000_000

// ParseSpan reads a length as rules write it: 30m 24h 15d 2w 6mo 1q 1y, working 30wm 4wh 3wd, and workday for 1wd.
func ParseSpan(s string) (Span, error) {
	if s == "workday" {
		return Span{1, UnitWorkday}, nil
	}
	digits := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if digits < 1 {
		return Span{}, fmt.Errorf("%q is not a length of time like 15d, 24h or 3wd", s)
	}
	n, err := strconv.ParseInt(s[:digits], 10, 64)
	if err != nil || n > maxSpan {
		return Span{}, fmt.Errorf("%q is longer than %d of a unit", s, maxSpan)
	}
	span := Span{n, Unit(s[digits:])}
	if !span.Unit.known() {
		return Span{}, fmt.Errorf("%q has the unknown unit %q; known are m h d w mo q y and wm wh wd", s, s[digits:])
	}
	return span, nil
}

func (u Unit) known() bool {
	switch u {
	case UnitMinute, UnitHour, UnitDay, UnitWeek, UnitMonth, UnitQuarter, UnitYear, UnitWorkingMinute, UnitWorkingHour, UnitWorkday:
		return true
	}
	return false
}

func (s Span) String() string { return strconv.FormatInt(s.N, 10) + string(s.Unit) }

// IsZero says whether no span is given; 0d is given.
func (s Span) IsZero() bool { return s == Span{} }

// Neg is the same length looking back, for t - span.
func (s Span) Neg() Span { return Span{-s.N, s.Unit} }

// Working says whether the span runs only in working time.
func (s Span) Working() bool { return strings.HasPrefix(string(s.Unit), "w") && s.Unit != UnitWeek }

// Exact says whether the span ends at an instant; the others end with a day.
func (s Span) Exact() bool { return s.Unit.length() != 0 }

// Periodic says whether a duty may recur by the span: any unit but working hours and minutes, at least one.
func (s Span) Periodic() bool {
	return s.N > 0 && s.Unit.known() && s.Unit != UnitWorkingHour && s.Unit != UnitWorkingMinute
}

// duration is the length of a span of minutes or hours, 0 for the others.
func (s Span) duration() time.Duration { return time.Duration(s.N) * s.Unit.length() }

func (u Unit) length() time.Duration {
	switch u {
	case UnitMinute, UnitWorkingMinute:
		return time.Minute
	case UnitHour, UnitWorkingHour:
		return time.Hour
	}
	return 0
}

// months is how many months a unit has, 0 if it is not made of months.
func (u Unit) months() int {
	switch u {
	case UnitMonth:
		return 1
	case UnitQuarter:
		return 3
	case UnitYear:
		return 12
	}
	return 0
}

// addNatural is d plus a span of d, w, mo, q or y.
func (d Date) addNatural(s Span) Date {
	n := int(s.N)
	if m := s.Unit.months(); m > 0 {
		return d.AddMonths(n * m)
	}
	if s.Unit == UnitWeek {
		n *= 7
	}
	return d.AddDays(n)
}
