package expr

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/govalues/decimal"

	"zhanggui/internal/calendar"
)

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
		return parseSpan(text)
	case KTime:
		return parseTime(text)
	case KRange:
		a, b := cutAny(text, "..", "–", "—", "~", "-")
		return Range{a, b}, nil
	case KPeriod:
		a, b := cutAny(text, "..", "–", "—", "~")
		from, err := ParseLiteral(a, Of(KDatetime), zone)
		if err != nil {
			return nil, err
		}
		to, err := ParseLiteral(b, Of(KDatetime), zone)
		if err != nil {
			return nil, err
		}
		if len(b) == len("2026-03-01") { // to the end of that day
			to = to.(time.Time).AddDate(0, 0, 1)
		}
		return calendar.Period{From: from.(time.Time), To: to.(time.Time)}, nil
	case KList:
		elem := Of(KText)
		if t.Elem != nil {
			elem = *t.Elem
		}
		list := []Value{}
		for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '，' || r == '、' }) {
			v, err := ParseLiteral(strings.TrimSpace(part), elem, zone)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	return nil, fmt.Errorf("%q cannot be read as %s", s, t.Kind)
}

// cutAny takes a from–to apart at the first of the separators it has; without one it goes from itself to itself.
func cutAny(s string, seps ...string) (string, string) {
	for _, sep := range seps {
		if a, b, ok := strings.Cut(s, sep); ok {
			return strings.TrimSpace(a), strings.TrimSpace(b)
		}
	}
	return s, s
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
