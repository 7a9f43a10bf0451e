package calendar

import "time"

// Period is a stretch in which a duty is owed once, From included and To not.
type Period struct{ From, To time.Time }

// Contains says whether t lies in the period.
func (p Period) Contains(t time.Time) bool { return !t.Before(p.From) && t.Before(p.To) }

// IsZero says whether there is no period.
func (p Period) IsZero() bool { return p.From.IsZero() && p.To.IsZero() }

// Periods of several days or weeks that nothing aligns follow each other from this Monday on; of several months from
// this year on, so that 2mo, 1q and 6mo begin in January and 2y in even years.
var (
	anchorDay   = Date{2000, time.January, 3}
	anchorMonth = Date{2000, time.January, 1}
)

var unitSpan = map[string]Span{
	"hour":    {1, UnitHour},
	"day":     {1, UnitDay},
	"week":    {1, UnitWeek},
	"month":   {1, UnitMonth},
	"quarter": {1, UnitQuarter},
	"half":    {6, UnitMonth},
	"year":    {1, UnitYear},
}

// StartOf is the start of the hour, day, week (Monday), month, quarter, half or year that t is in; the zero time for
// another word.
func (c *Calendar) StartOf(unit string, t time.Time) time.Time {
	return c.PeriodOf(unitSpan[unit], nil, t).From
}

// EndOf is the start of the next, which does not belong to it any more.
func (c *Calendar) EndOf(unit string, t time.Time) time.Time {
	return c.PeriodOf(unitSpan[unit], nil, t).To
}

// PeriodOf is the period t falls in: the almanac's (day, week from Monday, month, quarter, half year, two months from
// January, hours from midnight), or, with align, counted from that day on, where months keep its day as far as they have
// it. A period of working days is those days; at a time between two such periods it is the next one.
// It is zero for a span that cannot recur.
func (c *Calendar) PeriodOf(every Span, align *Date, t time.Time) Period {
	if !every.Periodic() {
		return Period{}
	}
	day := c.DateOf(t)
	switch months := every.Unit.months() * int(every.N); {
	case every.Exact():
		return c.hourPeriod(every.duration(), align, day, t)
	case every.Unit == UnitWorkday:
		return c.workdayPeriod(int(every.N), align, day)
	case months > 0:
		anchor := anchorMonth
		if align != nil {
			anchor = *align
		}
		at := func(k int) Date { return anchor.AddMonths(k * months) }
		k := floorDiv((day.Year-anchor.Year)*12+int(day.Month-anchor.Month), months)
		if at(k).After(day) { // earlier in the month than the anchor's day
			k--
		}
		return c.period(at(k), at(k+1))
	}
	n, anchor := int(every.N), anchorDay
	if every.Unit == UnitWeek {
		n *= 7
	}
	if align != nil {
		anchor = *align
	}
	from := anchor.AddDays(floorDiv(anchor.DaysUntil(day), n) * n)
	return c.period(from, from.AddDays(n))
}

func (c *Calendar) period(from, to Date) Period { return Period{from.Start(c.Zone), to.Start(c.Zone)} }

// hourPeriod begins anew each midnight, so that the last of a day may be shorter; those aligned or longer than a day
// just go on.
func (c *Calendar) hourPeriod(length time.Duration, align *Date, day Date, t time.Time) Period {
	if align == nil && length > 24*time.Hour {
		align = &anchorDay
	}
	base := day.Start(c.Zone)
	if align != nil {
		base = align.Start(c.Zone)
	}
	from := base.Add(time.Duration(floorDiv(int64(t.Sub(base)), int64(length))) * length)
	p := Period{from, from.Add(length)}
	if align == nil {
		p.To = earlier(p.To, day.End(c.Zone))
	}
	return p
}

// workdayPeriod groups working days by n from the year's first on, the last of a year being cut short, or from align on.
func (c *Calendar) workdayPeriod(n int, align *Date, day Date) Period {
	first, ok := c.shift(day.AddDays(-1), 1)
	if !ok {
		return Period{}
	}
	base := Date{first.Year, time.January, 1}
	if align != nil {
		base = *align
	}
	index := c.WorkdaysBetween(base.AddDays(-1), first) - 1
	place := index - floorDiv(index, n)*n
	from, ok1 := c.shift(first, -int64(place))
	last, ok2 := c.shift(first, int64(n-1-place))
	if !ok1 || !ok2 {
		return Period{}
	}
	p := c.period(from, last.AddDays(1))
	if align == nil {
		p.To = earlier(p.To, Date{first.Year + 1, time.January, 1}.Start(c.Zone))
	}
	return p
}

// NextPeriod is the one after p.
func (c *Calendar) NextPeriod(every Span, align *Date, p Period) Period {
	return c.PeriodOf(every, align, p.To)
}
