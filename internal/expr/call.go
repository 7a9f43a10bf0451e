package expr

import (
	"fmt"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/govalues/decimal"

	"zhanggui/internal/calendar"
)

// call evaluates operators and functions. The three-valued operators first, since they must not evaluate all.
func (m *machine) call(n *node) (Value, error) {
	switch n.name {
	case "_&&_", "_||_":
		return m.logic(n)
	case "_?_:_":
		c, err := m.eval(n.args[0])
		if err != nil {
			return nil, err
		}
		switch c {
		case true:
			return m.eval(n.args[1])
		case false:
			return m.eval(n.args[2])
		}
		return nil, nil
	case "earlier", "later":
		var best Value
		for _, a := range n.args {
			v, err := m.eval(a)
			if err != nil {
				return nil, err
			}
			if v == nil {
				continue
			}
			if best == nil || n.name == "earlier" && Compare(v, best) < 0 || n.name == "later" && Compare(v, best) > 0 {
				best = v
			}
		}
		return best, nil
	}
	if strings.HasPrefix(n.name, "@") && n.name != "@in" && n.name != "@split" && n.name != "@first_by" && n.name != "@last_by" && n.name != "@sorted_by" ||
		len(n.args) == 1 && (n.name == "count" || n.name == "none" || n.name == "first" || n.name == "sum") && n.args[0].typ.Kind == KList || n.name == "size" && n.args[0].typ.Kind == KList {
		return m.aggregate(n.name, n)
	}
	args := make([]Value, len(n.args))
	for i, a := range n.args {
		v, err := m.eval(a)
		if err != nil {
			return nil, err
		}
		args[i] = v
	}
	return m.apply(n, args)
}

// logic: false && unset is false, true || unset is true, everything else that touches unset is unset.
func (m *machine) logic(n *node) (Value, error) {
	stop := n.name == "_||_"
	a, err := m.eval(n.args[0])
	if err != nil {
		return nil, err
	}
	if a == stop {
		return stop, nil
	}
	b, err := m.eval(n.args[1])
	if err != nil {
		return nil, err
	}
	if b == stop {
		return stop, nil
	}
	if a == nil || b == nil {
		return nil, nil
	}
	return !stop, nil
}

func (m *machine) apply(n *node, a []Value) (Value, error) {
	f := m.s.Facts
	switch n.name { // functions that have an answer for unset
	case "text":
		return Format(a[0], n.args[0].typ), nil
	case "waiting", "approved", "rank", "ranked", "quota_left":
		return m.named(n.name, a)
	case "ledger":
		id, _ := a[0].(string)
		return balance{id, a[1:]}, nil
	case "@in":
		return m.member(a[0], a[1])
	case "has":
		if who, ok := a[0].(Who); ok {
			p, ok := a[1].(Record)
			return ok && who.Has(p), nil
		}
		return nil, nil
	case "of":
		if who, ok := a[0].(Who); ok {
			u, ok := a[1].(Record)
			if !ok {
				return nil, nil
			}
			return who.Of(u), nil
		}
		return splitShare(a[0], a[1]), nil
	case "absent":
		at := m.s.Now
		if len(a) > 1 {
			if t, ok := a[1].(time.Time); ok {
				at = t
			}
		}
		return f.Absent(a[0], at), nil
	}
	for _, v := range a {
		if v == nil {
			return nil, nil
		}
	}
	switch n.name {
	case "!_":
		b, ok := a[0].(bool)
		if !ok {
			return nil, nil
		}
		return !b, nil
	case "_==_":
		return equal(a[0], a[1]), nil
	case "_!=_":
		return !equal(a[0], a[1]), nil
	case "_<_":
		return Compare(a[0], a[1]) < 0, nil
	case "_<=_":
		return Compare(a[0], a[1]) <= 0, nil
	case "_>_":
		return Compare(a[0], a[1]) > 0, nil
	case "_>=_":
		return Compare(a[0], a[1]) >= 0, nil
	case "_+_", "_-_", "_*_", "_/_", "_%_", "-_":
		return m.arith(n.name, a)
	case "dec", "money", "pct":
		return convert(n.name, a[0])
	case "size":
		if s, ok := a[0].(string); ok {
			return int64(len([]rune(s))), nil
		}
		if r, ok := a[0].(Range); ok {
			return rangeSize(r), nil
		}
	case "contains":
		if p, ok := a[0].(calendar.Period); ok {
			t, ok := a[1].(time.Time)
			return ok && !t.Before(p.From) && t.Before(p.To), nil
		}
		return strings.Contains(fmt.Sprint(a[0]), fmt.Sprint(a[1])), nil
	case "startsWith":
		return strings.HasPrefix(fmt.Sprint(a[0]), fmt.Sprint(a[1])), nil
	case "endsWith":
		return strings.HasSuffix(fmt.Sprint(a[0]), fmt.Sprint(a[1])), nil
	case "matches":
		re, err := regexp.Compile(fmt.Sprint(a[1]))
		if err != nil {
			return nil, nil
		}
		return re.MatchString(fmt.Sprint(a[0])), nil
	case "at":
		return m.at(n, a)
	case "last":
		list, err := rows(a[0])
		if err != nil {
			return nil, err
		}
		k := int(a[1].(int64))
		if k < len(list) {
			list = list[len(list)-k:]
		}
		return list, nil
	case "@first_by", "@last_by", "@sorted_by":
		return ordered(n.name, a)
	case "@split":
		return splitBy(a)
	case "split":
		return splitEven(a)
	case "superior":
		return orUnset(f.Superior(a[0].(Record)))
	case "head":
		return orUnset(f.Head(a[0].(Record)))
	case "unit_of":
		at := m.s.Now
		if len(a) > 1 {
			at, _ = a[1].(time.Time)
		}
		return orUnset(f.UnitOf(a[0].(Record), at))
	case "holder":
		who, _ := a[0].(Who)
		return who.Of(a[1].(Record)), nil
	case "same":
		return f.Same(a[0], a[1]), nil
	case "history":
		r, ok := a[0].(Record)
		if !ok {
			return nil, nil
		}
		list, err := f.History(r, fmt.Sprint(a[1]))
		out := make([]Value, len(list))
		for i, h := range list {
			out[i] = h
		}
		return out, err
	case "giver_holds":
		giver, _ := m.variable("giver").(Record)
		return f.Holds(fmt.Sprint(m.variable("ledger_id")), giver, a[0].(Range))
	}
	return m.time(n.name, a)
}

func orUnset(r Record, err error) (Value, error) {
	if err != nil || r == nil {
		return nil, err
	}
	return r, nil
}

func (m *machine) named(fn string, a []Value) (Value, error) {
	id, _ := a[0].(string)
	rec, _ := m.variable("this").(Record)
	if len(a) > 1 {
		rec, _ = a[1].(Record)
	}
	if rec == nil {
		return nil, nil
	}
	f := m.s.Facts
	switch fn {
	case "waiting":
		return f.Waiting(id, rec)
	case "approved":
		return f.Approved(id, rec)
	case "rank":
		return f.Rank(id, rec)
	case "ranked":
		return f.Ranked(id, rec)
	}
	return f.QuotaLeft(id, rec)
}

func (m *machine) member(x, in Value) (Value, error) {
	if in == nil || x == nil {
		return nil, nil
	}
	switch c := in.(type) {
	case Who:
		p, ok := x.(Record)
		return ok && c.Has(p), nil
	case calendar.Period:
		switch t := x.(type) {
		case time.Time:
			return !t.Before(c.From) && t.Before(c.To), nil
		case calendar.Date:
			at := t.Start(m.s.Facts.Calendar().Zone)
			return !at.Before(c.From) && at.Before(c.To), nil
		}
		return nil, nil
	}
	list, err := rows(in)
	if err != nil {
		return nil, err
	}
	unset := false
	for _, y := range list {
		if y == nil {
			unset = true
			continue
		}
		if w, ok := y.(Who); ok {
			if p, ok := x.(Record); ok && w.Has(p) {
				return true, nil
			}
			continue
		}
		if equal(x, y) {
			return true, nil
		}
	}
	if unset {
		return nil, nil
	}
	return false, nil
}

func equal(a, b Value) bool {
	if x, ok := a.(Record); ok {
		y, ok := b.(Record)
		return ok && x.Object() == y.Object() && x.ID() == y.ID()
	}
	if x, y, ok := numbers(a, b); ok {
		return x.Cmp(y) == 0
	}
	if x, ok := a.(time.Time); ok {
		y, ok := b.(time.Time)
		return ok && x.Equal(y)
	}
	if x, ok := a.([]Value); ok {
		y, ok := b.([]Value)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !equal(x[i], y[i]) {
				return false
			}
		}
		return true
	}
	if _, ok := a.(Who); ok {
		return false
	}
	if _, ok := a.(Set); ok {
		return false
	}
	return a == b
}

func (m *machine) at(n *node, a []Value) (Value, error) {
	if t, ok := a[0].(table); ok {
		return m.lookup(string(t), a[1:])
	}
	list, err := rows(a[0])
	if err != nil {
		return nil, err
	}
	i, ok := a[1].(int64)
	if !ok || i < 0 || int(i) >= len(list) {
		return nil, nil
	}
	return list[i], nil
}

func ordered(fn string, a []Value) (Value, error) {
	list, err := rows(a[0])
	if err != nil {
		return nil, err
	}
	keys, err := rows(a[1])
	if err != nil {
		return nil, err
	}
	if len(keys) != len(list) {
		return nil, fmt.Errorf("keys and rows differ")
	}
	idx := make([]int, len(list))
	for i := range idx {
		idx[i] = i
	}
	sort.SliceStable(idx, func(i, j int) bool { return Compare(keys[idx[i]], keys[idx[j]]) < 0 })
	out := make([]Value, 0, len(list))
	for _, i := range idx {
		if fn != "@sorted_by" && keys[i] == nil {
			continue // a row without the key is neither first nor last by it
		}
		out = append(out, list[i])
	}
	switch {
	case fn == "@sorted_by":
		return out, nil
	case len(out) == 0:
		return nil, nil
	case fn == "@first_by":
		return out[0], nil
	}
	return out[len(out)-1], nil
}

func (m *machine) arith(op string, a []Value) (Value, error) {
	cal := calendar.Standard
	if m.s.Facts != nil {
		cal = m.s.Facts.Calendar
	}
	if op == "-_" {
		return arithmetic("_*_", a[0], int64(-1))
	}
	switch x := a[0].(type) {
	case calendar.Date:
		switch y := a[1].(type) {
		case calendar.Span:
			if op == "_-_" {
				y = y.Neg()
			}
			return cal().AddDate(x, y), nil
		case calendar.Date:
			return calendar.Span{N: int64(y.DaysUntil(x)), Unit: calendar.UnitDay}, nil
		}
	case time.Time:
		switch y := a[1].(type) {
		case calendar.Span:
			if op == "_-_" {
				y = y.Neg()
			}
			return cal().Add(x, y), nil
		case time.Time:
			return calendar.Span{N: int64(x.Sub(y).Minutes()), Unit: calendar.UnitMinute}, nil
		}
	case calendar.Span:
		if y, ok := a[1].(calendar.Span); ok {
			if x.Unit == y.Unit {
				return calendar.Span{N: x.N + y.N, Unit: x.Unit}, nil
			}
			return calendar.Span{N: spanMinutes(x) + spanMinutes(y), Unit: calendar.UnitMinute}, nil
		}
	case string:
		if y, ok := a[1].(string); ok && op == "_+_" {
			return x + y, nil
		}
	case []Value:
		if y, ok := a[1].([]Value); ok && op == "_+_" {
			return append(append([]Value{}, x...), y...), nil
		}
	}
	return arithmetic(op, a[0], a[1])
}

// arithmetic on numbers. Division by nothing is unset; money stays money unless divided by money.
func arithmetic(op string, a, b Value) (Value, error) {
	if x, ok := a.(int64); ok {
		if y, ok := b.(int64); ok {
			switch op {
			case "_+_":
				return x + y, nil
			case "_-_":
				return x - y, nil
			case "_*_":
				return x * y, nil
			}
			if y == 0 {
				return nil, nil
			}
			if op == "_%_" {
				return x % y, nil
			}
			return x / y, nil
		}
	}
	if s, ok := a.(calendar.Span); ok {
		if t, ok := b.(calendar.Span); ok {
			if s.N == 0 || s.Unit == t.Unit {
				return calendar.Span{N: s.N + t.N, Unit: t.Unit}, nil
			}
			return calendar.Span{N: spanMinutes(s) + spanMinutes(t), Unit: calendar.UnitMinute}, nil
		}
	}
	x, y, ok := numbers(a, b)
	if !ok {
		return nil, fmt.Errorf("%T and %T cannot be reckoned with", a, b)
	}
	var r decimal.Decimal
	var err error
	switch op {
	case "_+_":
		r, err = x.Add(y)
	case "_-_":
		r, err = x.Sub(y)
	case "_*_":
		r, err = x.Mul(y)
	case "_/_":
		if y.IsZero() {
			return nil, nil
		}
		r, err = x.Quo(y)
	}
	if err != nil {
		return nil, err
	}
	_, m1 := a.(Money)
	_, m2 := b.(Money)
	if m1 != m2 || m1 && op != "_/_" {
		return Money{HalfUp(r, 2)}, nil
	}
	return Decimal{r}, nil
}

func convert(fn string, v Value) (Value, error) {
	d, ok := number(v)
	if !ok {
		s, _ := v.(string)
		var err error
		if d, err = decimal.Parse(s); err != nil {
			return nil, nil
		}
	}
	switch fn {
	case "money":
		return Money{HalfUp(d, 2)}, nil
	case "pct":
		r, err := d.Quo(hundred)
		return Decimal{r}, err
	}
	return Decimal{d}, nil
}

func rangeSize(r Range) int64 {
	a, b := digits(r.First), digits(r.Last)
	return b - a + 1
}

func digits(s string) int64 {
	n := int64(0)
	for _, c := range s {
		if c >= '0' && c <= '9' {
			n = n*10 + int64(c-'0')
		}
	}
	return n
}
