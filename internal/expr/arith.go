package expr

import (
	"fmt"
	"time"

	"zhanggui/internal/calendar"
)

// spanArithmetic is a length ± a length, or so many times a length.
func spanArithmetic(op string, s calendar.Span, b Value) (Value, error) {
	switch t := b.(type) {
	case int64:
		if op == "_*_" {
			n, err := whole(op, s.N, t)
			if err != nil {
				return nil, err
			}
			return calendar.Span{N: n.(int64), Unit: s.Unit}, nil
		}
	case calendar.Span:
		if op == "_-_" {
			t = t.Neg()
		}
		switch {
		case s.N == 0:
			return t, nil
		case t.N == 0:
			return s, nil
		case s.Unit == t.Unit:
			return calendar.Span{N: s.N + t.N, Unit: s.Unit}, nil
		}
		return calendar.Span{N: spanMinutes(s) + spanMinutes(t), Unit: calendar.UnitMinute}, nil
	}
	return nil, fmt.Errorf("%s cannot be reckoned with %T", s, b)
}

// averageMonth is a twelfth of 365¼ days in minutes, so that 3mo is 1q and 12mo is 1y, and a month is longer than 30 days.
const averageMonth = 43830

// spanMinutes puts lengths of different units on one scale: a month counts as an average one, a working day as a day.
func spanMinutes(s calendar.Span) int64 {
	switch s.Unit {
	case calendar.UnitMinute, calendar.UnitWorkingMinute:
		return s.N
	case calendar.UnitHour, calendar.UnitWorkingHour:
		return s.N * 60
	case calendar.UnitDay, calendar.UnitWorkday:
		return s.N * 1440
	case calendar.UnitWeek:
		return s.N * 7 * 1440
	case calendar.UnitMonth:
		return s.N * averageMonth
	case calendar.UnitQuarter:
		return s.N * 3 * averageMonth
	case calendar.UnitYear:
		return s.N * 12 * averageMonth
	}
	return s.N
}

// arith is an operator of CEL on any values.
func (m *machine) arith(op string, a []Value) (Value, error) {
	if op == "-_" {
		return arithmetic("_*_", a[0], int64(-1))
	}
	span, isSpan := a[1].(calendar.Span)
	if op == "_-_" {
		span = span.Neg()
	}
	switch x := a[0].(type) {
	case calendar.Date:
		if isSpan {
			return m.calendar().AddDate(x, span), nil
		}
		if y, ok := a[1].(calendar.Date); ok {
			return calendar.Span{N: int64(y.DaysUntil(x)), Unit: calendar.UnitDay}, nil
		}
	case time.Time:
		if isSpan {
			return orZero(m.calendar().Add(x, span))
		}
		if y, ok := a[1].(time.Time); ok {
			return calendar.Span{N: int64(x.Sub(y).Minutes()), Unit: calendar.UnitMinute}, nil
		}
	case string:
		if y, ok := a[1].(string); ok && op == "_+_" {
			return x + y, nil
		}
	}
	switch a[0].(type) {
	case []Value, Set:
		x, err := items(a[0])
		if err != nil {
			return nil, err
		}
		y, err := items(a[1])
		return append(append([]Value{}, x...), y...), err
	}
	return arithmetic(op, a[0], a[1])
}

// orZero makes the calendar's "no such time" unset.
func orZero(t time.Time) (Value, error) {
	if t.IsZero() {
		return nil, nil
	}
	return t, nil
}
