package expr

import (
	"fmt"
	"math/big"
	"time"

	"github.com/govalues/decimal"

	"zhanggui/internal/calendar"
)

// time answers the functions of days and instants, and of numbers.
func (m *machine) time(fn string, a []Value) (Value, error) {
	cal := m.s.Facts.Calendar()
	date := func(v Value) calendar.Date {
		switch x := v.(type) {
		case calendar.Date:
			return x
		case time.Time:
			return calendar.DateOf(x, cal.Zone)
		}
		return calendar.Date{}
	}
	instant := func(v Value) time.Time {
		switch x := v.(type) {
		case time.Time:
			return x
		case calendar.Date:
			return x.Start(cal.Zone)
		}
		return time.Time{}
	}
	switch fn {
	case "days", "hours", "minutes", "workdays", "workhours", "months", "weeks", "years":
		unit := map[string]calendar.Unit{"days": calendar.UnitDay, "hours": calendar.UnitHour, "minutes": calendar.UnitMinute, "workdays": calendar.UnitWorkday,
			"workhours": calendar.UnitWorkingHour, "months": calendar.UnitMonth, "weeks": calendar.UnitWeek, "years": calendar.UnitYear}[fn]
		n, _ := a[0].(int64)
		return calendar.Span{N: n, Unit: unit}, nil
	case "workdays_between":
		return int64(cal.WorkdaysBetween(date(a[0]), date(a[1]))), nil
	case "days_between":
		return int64(date(a[0]).DaysUntil(date(a[1]))), nil
	case "day":
		return date(a[0]), nil
	case "month":
		d := date(a[0])
		return fmt.Sprintf("%04d-%02d", d.Year, int(d.Month)), nil
	case "quarter":
		d := date(a[0])
		return fmt.Sprintf("%04d-Q%d", d.Year, (int(d.Month)+2)/3), nil
	case "year":
		return int64(date(a[0]).Year), nil
	case "weekday":
		return int64(date(a[0]).Weekday()), nil
	case "start_of":
		return cal.StartOf(fmt.Sprint(a[0]), instant(a[1])), nil
	case "end_of":
		return cal.EndOf(fmt.Sprint(a[0]), instant(a[1])), nil
	case "instant":
		return instant(a[0]), nil
	case "is_workday":
		return cal.IsWorkday(date(a[0])), nil
	case "overlap":
		return overlap(a[0], a[1])
	case "covers":
		return covers(a[0], date(a[1]), cal)
	case "floor", "ceil":
		d, _ := number(a[0])
		if fn == "floor" {
			d = d.Floor(0)
		} else {
			d = d.Ceil(0)
		}
		n, _, _ := d.Int64(0)
		return n, nil
	case "round":
		d, _ := number(a[0])
		if len(a) == 1 {
			n, _, _ := HalfUp(d, 0).Int64(0)
			return n, nil
		}
		k, _ := a[1].(int64)
		if _, ok := a[0].(Money); ok {
			return Money{HalfUp(d, int(k))}, nil
		}
		return Decimal{HalfUp(d, int(k))}, nil
	case "abs":
		switch x := a[0].(type) {
		case int64:
			if x < 0 {
				return -x, nil
			}
			return x, nil
		case Money:
			return Money{x.Decimal.Abs()}, nil
		case Decimal:
			return Decimal{x.Decimal.Abs()}, nil
		}
	}
	return nil, fmt.Errorf("no function %s", fn)
}

func overlap(a, b Value) (Value, error) {
	x, err := rows(a)
	if err != nil {
		return nil, err
	}
	y, err := rows(b)
	if err != nil {
		return nil, err
	}
	for _, p := range x {
		for _, q := range y {
			s, ok1 := p.(calendar.Period)
			t, ok2 := q.(calendar.Period)
			if ok1 && ok2 && s.From.Before(t.To) && t.From.Before(s.To) {
				return true, nil
			}
		}
	}
	return false, nil
}

// covers asks whether the stretches leave no gap in a day.
func covers(spans Value, d calendar.Date, cal *calendar.Calendar) (Value, error) {
	list, err := rows(spans)
	if err != nil {
		return nil, err
	}
	at, end := d.Start(cal.Zone), d.End(cal.Zone)
	for moved := true; moved && at.Before(end); {
		moved = false
		for _, v := range list {
			if p, ok := v.(calendar.Period); ok && !p.From.After(at) && p.To.After(at) {
				at, moved = p.To, true
			}
		}
	}
	return !at.Before(end), nil
}

// lookup finds the row of a table parameter: keys matched exactly, or by an inclusive upper limit.
func (m *machine) lookup(id string, keys []Value) (Value, error) {
	list, ok := m.s.Facts.Rows(id)
	if !ok || m.env == nil {
		return nil, nil
	}
	p := m.env.schema.Params[id]
next:
	for _, row := range list {
		for i, k := range p.Key {
			have := row[k.Name]
			if k.Upto {
				if have != nil && Compare(keys[i], have) > 0 {
					continue next
				}
				continue
			}
			if have != nil && !equal(have, keys[i]) {
				continue next
			}
		}
		return row, nil
	}
	return nil, nil
}

// splitRow is one share of a split amount.
type splitRow struct {
	item   Value
	amount Money
}

func (s splitRow) Object() string { return "split_row" }
func (s splitRow) ID() string     { return identity(s.item) }
func (s splitRow) Get(name string) (Value, error) {
	switch name {
	case "amount":
		return s.amount, nil
	case "item":
		return s.item, nil
	}
	return nil, fmt.Errorf("a share has no %s", name)
}

// splitBy divides an amount by weights, exact to the cent; what is left over goes to the largest share.
func splitBy(a []Value) (Value, error) {
	total, ok := a[0].(Money)
	if !ok {
		return nil, nil
	}
	items, err := rows(a[1])
	if err != nil {
		return nil, err
	}
	weights, err := rows(a[2])
	if err != nil {
		return nil, err
	}
	sumW := decimal.Zero
	for _, w := range weights {
		if d, ok := number(w); ok {
			if sumW, err = sumW.Add(d); err != nil {
				return nil, err
			}
		}
	}
	if sumW.IsZero() || len(items) != len(weights) {
		return nil, nil
	}
	cents, err := scaled(total.Decimal, 2)
	if err != nil {
		return nil, err
	}
	parts := make([]int64, len(items))
	left, largest := cents, 0
	for i, w := range weights {
		d, ok := number(w)
		if !ok {
			continue
		}
		parts[i] = share(cents, d, sumW)
		left -= parts[i]
		if b, ok := number(weights[largest]); !ok || d.Cmp(b) > 0 {
			largest = i
		}
	}
	parts[largest] += left
	var out []Value
	for i, it := range items {
		d, err := decimal.New(parts[i], 2)
		if err != nil {
			return nil, err
		}
		out = append(out, splitRow{it, Money{d}})
	}
	return out, nil
}

// share is cents × w ÷ sum, rounded half up, in whole numbers of any size.
func share(cents int64, w, sum decimal.Decimal) int64 {
	scale := max(w.Scale(), sum.Scale())
	a, _ := scaled(w, scale)
	b, _ := scaled(sum, scale)
	x := new(big.Int).Mul(big.NewInt(cents), big.NewInt(a))
	x.Mul(x, big.NewInt(2)).Add(x, big.NewInt(b))
	x.Div(x, big.NewInt(2*b))
	return x.Int64()
}

func splitEven(a []Value) (Value, error) {
	total, ok := a[0].(Money)
	n, _ := a[1].(int64)
	if !ok || n <= 0 || n > 10000 {
		return nil, nil
	}
	cents, err := scaled(total.Decimal, 2)
	if err != nil {
		return nil, err
	}
	var out []Value
	for i := int64(0); i < n; i++ {
		c := cents / n
		if i == 0 {
			c += cents % n
		}
		d, err := decimal.New(c, 2)
		if err != nil {
			return nil, err
		}
		out = append(out, Money{d})
	}
	return out, nil
}

func splitShare(list, item Value) Value {
	items, err := rows(list)
	if err != nil || item == nil {
		return nil
	}
	for _, x := range items {
		if s, ok := x.(splitRow); ok && equal(s.item, item) {
			return s.amount
		}
	}
	return nil
}
