package expr

import (
	"regexp"
	"strings"
	"time"

	"zhanggui/internal/calendar"
)

func (m *machine) calendar() *calendar.Calendar {
	if m.s.Facts == nil {
		return calendar.Standard()
	}
	return m.s.Facts.Calendar()
}

func (m *machine) zone() *time.Location { return m.calendar().Zone }

// call evaluates operators and functions. First those that must not evaluate all of their arguments.
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
	case "@first_by", "@last_by", "@sorted_by", "@split":
		return m.keyed(n)
	case "holder":
		return m.holder(n)
	}
	if fn := aggregates[n.name]; fn != "" && len(n.args) == 1 && (n.args[0].typ.Kind == KList || n.args[0].typ.Kind == KWho) {
		return m.aggregate(fn, n)
	}
	var few [3]Value
	args := few[:0]
	for _, a := range n.args {
		v, err := m.eval(a)
		if err != nil {
			return nil, err
		}
		args = append(args, v)
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

// apply is a call with its values. The first functions have an answer for unset; to all others it is unset.
func (m *machine) apply(n *node, a []Value) (Value, error) {
	switch n.name {
	case "@has":
		return present(a[0])
	case "earlier", "later":
		var best Value
		for _, v := range a {
			if v != nil && (best == nil || n.name == "earlier" && Compare(v, best) < 0 || n.name == "later" && Compare(v, best) > 0) {
				best = v
			}
		}
		return best, nil
	}
	for _, v := range a {
		if v == nil {
			return nil, nil
		}
	}
	switch n.name {
	case "!_":
		return a[0] == false, nil
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
	case "@in":
		return m.member(a[0], a[1])
	case "at":
		return m.at(a)
	case "last":
		return lastOf(a)
	case "@rows":
		return items(a[0])
	case "of":
		if who, ok := a[0].(Who); ok {
			u, _ := a[1].(Record)
			return who.Of(u), nil
		}
		return shareOf(a[0], a[1])
	}
	if v, ok := m.text(n, a); ok {
		return v, nil
	}
	if v, ok, err := m.people(n.name, a); ok || err != nil {
		return v, err
	}
	if v, ok, err := numeric(n.name, a); ok || err != nil {
		return v, err
	}
	return m.time(n.name, a)
}

// text answers the functions of texts.
func (m *machine) text(n *node, a []Value) (Value, bool) {
	s, _ := a[0].(string)
	part := ""
	if len(a) > 1 {
		part, _ = a[1].(string)
	}
	switch n.name {
	case "text":
		if t, ok := a[0].(time.Time); ok {
			return t.In(m.zone()).Format("2006-01-02 15:04"), true
		}
		return Format(a[0], n.args[0].typ), true
	case "size":
		if r, ok := a[0].(Range); ok {
			return rangeSize(r), true
		}
		return int64(len([]rune(s))), true
	case "contains":
		if p, ok := a[0].(calendar.Period); ok {
			t, ok := a[1].(time.Time)
			return ok && p.Contains(t), true
		}
		return strings.Contains(s, part), true
	case "startsWith":
		return strings.HasPrefix(s, part), true
	case "endsWith":
		return strings.HasSuffix(s, part), true
	case "matches":
		re := n.re
		if re == nil {
			var err error
			if re, err = regexp.Compile(part); err != nil {
				return nil, true
			}
		}
		return re.MatchString(s), true
	}
	return nil, false
}

// member is x in a list, a set of persons or a period.
func (m *machine) member(x, in Value) (Value, error) {
	switch c := in.(type) {
	case Who:
		p, ok := x.(Record)
		return ok && c.Has(p), nil
	case calendar.Period:
		switch t := x.(type) {
		case time.Time:
			return c.Contains(t), nil
		case calendar.Date:
			return c.Contains(t.Start(m.zone())), nil
		}
		return nil, nil
	}
	list, err := items(in)
	if err != nil {
		return nil, err
	}
	unset := false
	for _, y := range list {
		switch z := y.(type) {
		case nil:
			unset = true
		case Who:
			if p, ok := x.(Record); ok && z.Has(p) {
				return true, nil
			}
		default:
			if equal(x, y) {
				return true, nil
			}
		}
	}
	if unset {
		return nil, nil
	}
	return false, nil
}

func equal(a, b Value) bool {
	switch x := a.(type) {
	case string:
		y, ok := b.(string)
		return ok && x == y
	case Record:
		y, ok := b.(Record)
		return ok && x.ID() == y.ID() && x.Object() == y.Object()
	case time.Time:
		y, ok := b.(time.Time)
		return ok && x.Equal(y)
	case calendar.Span:
		_, ok := b.(calendar.Span)
		return ok && Compare(a, b) == 0
	case calendar.Period:
		y, ok := b.(calendar.Period)
		return ok && x.From.Equal(y.From) && x.To.Equal(y.To)
	case []Value, Set, Who:
		l, err1 := items(a)
		r, err2 := items(b)
		if err1 != nil || err2 != nil || len(l) != len(r) {
			return false
		}
		for i := range l {
			if !equal(l[i], r[i]) {
				return false
			}
		}
		return true
	}
	if x, y, ok := numbers(a, b); ok {
		return x.Cmp(y) == 0
	}
	switch b.(type) {
	case []Value, Set, Who:
		return false
	}
	return a == b
}
