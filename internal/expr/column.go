package expr

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/govalues/decimal"

	"zhanggui/internal/calendar"
)

const instantForm = "2006-01-02T15:04:05.000Z"

func scaleOf(t Type) int {
	if t.Kind == KMoney {
		return 2
	}
	if t.Scale == 0 {
		return 4
	}
	return t.Scale
}

// HalfUp rounds a decimal to a scale, halves away from zero, as Chinese invoices expect.
func HalfUp(d decimal.Decimal, scale int) decimal.Decimal {
	if d.Scale() <= scale {
		return d
	}
	half := decimal.MustNew(5, scale+1)
	if d.IsNeg() {
		half = half.Neg()
	}
	sum, err := d.Add(half)
	if err != nil {
		return d.Round(scale)
	}
	return sum.Trunc(scale)
}

// ToColumn is the column form of a value; see query.Const.
func ToColumn(v Value, t Type) (any, error) {
	switch x := v.(type) {
	case nil:
		return nil, nil
	case bool:
		return x, nil
	case int64:
		if t.Kind == KMoney || t.Kind == KDecimal {
			return scaled(decimal.MustNew(x, 0), scaleOf(t))
		}
		return x, nil
	case string:
		return x, nil
	case Money:
		return scaled(x.Decimal, 2)
	case Decimal:
		if t.Kind == KInt {
			n, _, ok := x.Decimal.Int64(0)
			if !ok {
				return nil, fmt.Errorf("%s is not a whole number", x)
			}
			return n, nil
		}
		return scaled(x.Decimal, scaleOf(t))
	case calendar.Date:
		return x.String(), nil
	case TimeOfDay:
		return fmt.Sprintf("%02d:%02d", int(x)/60, int(x)%60), nil
	case time.Time:
		return x.UTC().Format(instantForm), nil
	case calendar.Span:
		return x.String(), nil
	case Record:
		return x.ID(), nil
	case Range, calendar.Period, []Value:
		j, err := ToJSON(v, t)
		if err != nil {
			return nil, err
		}
		b, err := json.Marshal(j)
		return string(b), err
	}
	return nil, fmt.Errorf("a %T has no column form", v)
}

func scaled(d decimal.Decimal, scale int) (int64, error) {
	d = HalfUp(d, scale)
	whole, frac, ok := d.Int64(scale)
	if !ok {
		return 0, fmt.Errorf("%s is too large", d)
	}
	f := int64(math.Pow10(scale))
	return whole*f + frac, nil
}

// FromColumn reads a column; objects are the engine's to load.
func FromColumn(raw any, t Type) (Value, error) {
	if raw == nil {
		return nil, nil
	}
	switch t.Kind {
	case KBool:
		if b, ok := raw.(bool); ok {
			return b, nil
		}
		n, _ := raw.(int64)
		return n != 0, nil
	case KInt:
		return raw, nil
	case KMoney, KDecimal:
		n, ok := raw.(int64)
		if !ok {
			return nil, fmt.Errorf("a number column holds %T", raw)
		}
		d, err := decimal.New(n, scaleOf(t))
		if err != nil {
			return nil, err
		}
		if t.Kind == KMoney {
			return Money{d}, nil
		}
		return Decimal{d}, nil
	}
	s, ok := raw.(string)
	if !ok {
		return raw, nil
	}
	switch t.Kind {
	case KText, KChoice, KAny:
		return s, nil
	case KDate:
		return parseOr(calendar.ParseDate(s))
	case KDatetime:
		return parseInstant(s)
	case KSpan:
		return parseOr(calendar.ParseSpan(s))
	case KTime:
		return parseTime(s)
	case KList, KPeriod, KRange:
		var j any
		if err := json.Unmarshal([]byte(s), &j); err != nil {
			return nil, err
		}
		return FromJSON(j, t, time.UTC)
	}
	return s, nil
}

func parseOr[T any](v T, err error) (Value, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

func parseInstant(s string) (Value, error) {
	for _, f := range []string{instantForm, time.RFC3339Nano} {
		if t, err := time.Parse(f, s); err == nil {
			return t, nil
		}
	}
	return nil, fmt.Errorf("%q is not an instant", s)
}

func parseTime(s string) (Value, error) {
	t, err := time.Parse("15:04", s)
	if err != nil {
		return nil, err
	}
	return TimeOfDay(t.Hour()*60 + t.Minute()), nil
}

// ToJSON is the API form: money and decimals as text, ints as numbers, instants and dates as text.
func ToJSON(v Value, t Type) (any, error) {
	switch x := v.(type) {
	case nil, bool, int64, string:
		return x, nil
	case Money:
		return fmt.Sprintf("%.2f", HalfUp(x.Decimal, 2)), nil
	case Decimal:
		return HalfUp(x.Decimal, scaleOf(t)).String(), nil
	case []Value:
		out := make([]any, 0, len(x))
		for _, y := range x {
			var et Type
			if t.Elem != nil {
				et = *t.Elem
			}
			j, err := ToJSON(y, et)
			if err != nil {
				return nil, err
			}
			out = append(out, j)
		}
		return out, nil
	case calendar.Period:
		return map[string]any{"from": x.From.UTC().Format(instantForm), "to": x.To.UTC().Format(instantForm)}, nil
	case Range:
		return map[string]any{"first": x.First, "last": x.Last}, nil
	case Record:
		return x.ID(), nil
	}
	return ToColumn(v, t)
}

// FromJSON reads the API form. zone reads instants written without one.
func FromJSON(j any, t Type, zone *time.Location) (Value, error) {
	if j == nil {
		return nil, nil
	}
	switch t.Kind {
	case KBool:
		switch x := j.(type) {
		case bool:
			return x, nil
		case string:
			return parseOr(strconv.ParseBool(x))
		}
	case KList:
		list, ok := j.([]any)
		if !ok {
			break
		}
		out := make([]Value, 0, len(list))
		for _, y := range list {
			et := Of(KText)
			if t.Elem != nil {
				et = *t.Elem
			}
			v, err := FromJSON(y, et, zone)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	case KPeriod:
		m, ok := j.(map[string]any)
		if !ok {
			break
		}
		from, err1 := parseInstant(fmt.Sprint(m["from"]))
		to, err2 := parseInstant(fmt.Sprint(m["to"]))
		if err1 != nil || err2 != nil {
			break
		}
		return calendar.Period{From: from.(time.Time), To: to.(time.Time)}, nil
	case KRange:
		if m, ok := j.(map[string]any); ok {
			return Range{fmt.Sprint(m["first"]), fmt.Sprint(m["last"])}, nil
		}
	}
	switch x := j.(type) {
	case string:
		return ParseLiteral(x, t, zone)
	case float64:
		if t.Kind == KInt && x == math.Trunc(x) && math.Abs(x) < 1e15 {
			return int64(x), nil
		}
		if t.Kind == KMoney || t.Kind == KDecimal {
			return ParseLiteral(strconv.FormatFloat(x, 'f', -1, 64), t, zone)
		}
	case json.Number:
		return ParseLiteral(x.String(), t, zone)
	case int64:
		return ParseLiteral(strconv.FormatInt(x, 10), t, zone)
	case int:
		return ParseLiteral(strconv.Itoa(x), t, zone)
	case bool:
		if t.Kind == KAny {
			return x, nil
		}
	}
	return nil, fmt.Errorf("%v is not a %s", j, t.Kind)
}

// ParseLiteral reads a value as people and rulebooks write it.
func ParseLiteral(s string, t Type, zone *time.Location) (Value, error) {
	text := strings.TrimSpace(s)
	switch t.Kind {
	case KText, KChoice, KAny, KObject:
		return s, nil
	case KBool:
		return parseOr(strconv.ParseBool(text))
	case KInt:
		return parseOr(strconv.ParseInt(strings.ReplaceAll(text, ",", ""), 10, 64))
	case KMoney, KDecimal:
		pct := strings.HasSuffix(text, "%")
		text = strings.NewReplacer(",", "", "¥", "", "%", "").Replace(text)
		d, err := decimal.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not a number", s)
		}
		if t.Kind == KMoney {
			if d.Trim(0).Scale() > 2 {
				return nil, fmt.Errorf("%q has more than two digits after the point", s)
			}
			return Money{d.Rescale(2)}, nil
		}
		if pct {
			if d, err = d.Quo(decimal.Hundred); err != nil {
				return nil, err
			}
		}
		return Decimal{d}, nil
	case KDate:
		if len(text) > 10 {
			if v, err := parseInstant(text); err == nil && zone != nil {
				return calendar.DateOf(v.(time.Time), zone), nil
			}
		}
		return parseOr(calendar.ParseDate(text))
	case KDatetime:
		if v, err := parseInstant(text); err == nil {
			return v, nil
		}
		if zone == nil {
			zone = time.UTC
		}
		add := 0
		if strings.HasSuffix(text, "24:00") {
			text, add = strings.TrimSuffix(text, "24:00")+"00:00", 1
		}
		for _, f := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"} {
			if x, err := time.ParseInLocation(f, text, zone); err == nil {
				return x.AddDate(0, 0, add), nil
			}
		}
		return nil, fmt.Errorf("%q is not a date and time", s)
	case KSpan:
		return parseOr(calendar.ParseSpan(text))
	case KTime:
		return parseTime(text)
	case KRange:
		a, b, ok := strings.Cut(text, "-")
		if !ok {
			b = a
		}
		return Range{strings.TrimSpace(a), strings.TrimSpace(b)}, nil
	}
	return nil, fmt.Errorf("%q cannot be read as %s", s, t.Kind)
}

// Format writes a value in plain text: for messages, journal facts and scenario answers.
func Format(v Value, t Type) string {
	switch x := v.(type) {
	case nil:
		return ""
	case string:
		return x
	case bool:
		return strconv.FormatBool(x)
	case int64:
		return strconv.FormatInt(x, 10)
	case Money:
		return fmt.Sprintf("%.2f", HalfUp(x.Decimal, 2))
	case Decimal:
		return x.Decimal.Trim(0).String()
	case time.Time:
		return x.UTC().Format(instantForm)
	case Record:
		return x.ID()
	case []Value:
		parts := make([]string, len(x))
		for i, y := range x {
			parts[i] = Format(y, Type{Kind: KAny})
		}
		return strings.Join(parts, ", ")
	case Who:
		var parts []string
		for _, p := range x.Persons() {
			parts = append(parts, p.ID())
		}
		return strings.Join(parts, ", ")
	}
	c, err := ToColumn(v, t)
	if err != nil {
		return fmt.Sprint(v)
	}
	return fmt.Sprint(c)
}

// Compare orders two values of one kind; unset comes first. Values that cannot be ordered are equal.
func Compare(a, b Value) int {
	if a == nil || b == nil {
		switch {
		case a == nil && b == nil:
			return 0
		case a == nil:
			return -1
		}
		return 1
	}
	if x, y, ok := numbers(a, b); ok {
		return x.Cmp(y)
	}
	switch x := a.(type) {
	case bool:
		if y, ok := b.(bool); ok && x != y {
			if x {
				return 1
			}
			return -1
		}
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y)
		}
	case calendar.Date:
		switch y := b.(type) {
		case calendar.Date:
			return x.Compare(y)
		}
	case time.Time:
		if y, ok := b.(time.Time); ok {
			return x.Compare(y)
		}
	case TimeOfDay:
		if y, ok := b.(TimeOfDay); ok {
			return int(x) - int(y)
		}
	case calendar.Span:
		if y, ok := b.(calendar.Span); ok {
			d := spanMinutes(x) - spanMinutes(y)
			switch {
			case d < 0:
				return -1
			case d > 0:
				return 1
			}
		}
	}
	return 0
}

// spanMinutes puts lengths of different units on one scale: a month counts 30 days, a working day 8 hours of work.
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
		return s.N * 30 * 1440
	case calendar.UnitQuarter:
		return s.N * 91 * 1440
	case calendar.UnitYear:
		return s.N * 365 * 1440
	}
	return s.N
}

func numbers(a, b Value) (decimal.Decimal, decimal.Decimal, bool) {
	x, ok1 := number(a)
	y, ok2 := number(b)
	return x, y, ok1 && ok2
}

func number(v Value) (decimal.Decimal, bool) {
	switch x := v.(type) {
	case int64:
		d, err := decimal.New(x, 0)
		return d, err == nil
	case Money:
		return x.Decimal, true
	case Decimal:
		return x.Decimal, true
	}
	return decimal.Decimal{}, false
}
