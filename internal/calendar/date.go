package calendar

import (
	"cmp"
	"fmt"
	"time"
)

// Date is a civil date. It has no zone and no clock; a calendar's zone turns it into instants.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads "2006-01-02" and refuses days that do not exist.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("%q is not a date like 2026-03-02", s)
	}
	return utcDate(t), nil
}

// DateOf is the day on which t falls in loc. 24:00 of a day is 00:00 of the next, and falls on the next.
func DateOf(t time.Time, loc *time.Location) Date { return utcDate(t.In(loc)) }

func utcDate(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// utc is the day's start on the zoneless scale on which days are counted.
func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

func (d Date) String() string {
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day)
}

// IsZero says whether no date is given.
func (d Date) IsZero() bool { return d == Date{} }

// AddDays is the day n days later, or earlier if n is negative.
func (d Date) AddDays(n int) Date {
	return utcDate(time.Date(d.Year, d.Month, d.Day+n, 0, 0, 0, 0, time.UTC))
}

// AddMonths keeps the day of the month; where the month is too short it is its last day.
func (d Date) AddMonths(n int) Date {
	first := time.Date(d.Year, d.Month+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return Date{first.Year(), first.Month(), min(d.Day, last)}
}

// Weekday is 1 for Monday to 7 for Sunday.
func (d Date) Weekday() int { return (int(d.utc().Weekday())+6)%7 + 1 }

// Compare is -1, 0 or 1.
func (d Date) Compare(o Date) int {
	return cmp.Or(cmp.Compare(d.Year, o.Year), cmp.Compare(d.Month, o.Month), cmp.Compare(d.Day, o.Day))
}

// Before says whether d is an earlier day than o.
func (d Date) Before(o Date) bool { return d.Compare(o) < 0 }

// After says whether d is a later day than o.
func (d Date) After(o Date) bool { return d.Compare(o) > 0 }

// Start is 00:00 of the day in loc.
func (d Date) Start(loc *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, loc)
}

// End is 24:00 of the day in loc, which is 00:00 of the next.
func (d Date) End(loc *time.Location) time.Time { return d.AddDays(1).Start(loc) }

// DaysUntil is how many days o lies after d; negative if before.
func (d Date) DaysUntil(o Date) int { return o.number() - d.number() }

// number counts days; only differences of it mean anything.
func (d Date) number() int { return int(floorDiv(d.utc().Unix(), 86400)) }

// MarshalText lets a date stand in JSON as "2026-03-02", also as a key.
func (d Date) MarshalText() ([]byte, error) {
	if d.IsZero() {
		return nil, nil
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads what MarshalText wrote.
func (d *Date) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = Date{}
		return nil
	}
	v, err := ParseDate(string(b))
	if err == nil {
		*d = v
	}
	return err
}

// floorDiv rounds toward the past, as counting backwards over a starting point needs.
func floorDiv[T int | int64](a, b T) T {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}
