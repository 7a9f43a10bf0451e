package expr

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"zhanggui/internal/calendar"
)

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
