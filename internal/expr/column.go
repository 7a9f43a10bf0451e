package expr

import (
	"encoding/json"
	"fmt"
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
		return parseSpan(s)
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
	if s == "24:00" {
		return TimeOfDay(24 * 60), nil
	}
	t, err := time.Parse("15:04", s)
	if err != nil {
		return nil, fmt.Errorf("%q is not a time of day", s)
	}
	return TimeOfDay(t.Hour()*60 + t.Minute()), nil
}

// parseSpan reads a length; one that looks back, which only a computation yields, has a minus.
func parseSpan(s string) (Value, error) {
	back := strings.HasPrefix(s, "-")
	span, err := calendar.ParseSpan(strings.TrimPrefix(s, "-"))
	if err != nil {
		return nil, err
	}
	if back {
		span = span.Neg()
	}
	return span, nil
}
