package expr

import (
	"fmt"
	"sort"
	"strings"

	"zhanggui/internal/calendar"
)

// source is what a query runs over: a list in memory, or a set narrowed by every condition the database
// understands. rest are the conditions it does not.
type source struct {
	list []Value
	set  Set
	rest []*node
}

// source evaluates the list of a filter or map and puts its condition to the database as far as that can go.
func (m *machine) source(target, pred *node, name string) (source, error) {
	v, err := m.eval(target)
	if err != nil {
		return source{}, err
	}
	var tests []*node
	if pred != nil {
		tests = conjuncts(pred, nil)
	}
	set, ok := v.(Set)
	if !ok {
		list, err := items(v)
		return source{list: list, rest: tests}, err
	}
	s := source{set: set}
	for _, c := range tests {
		if q, ok := m.asking(c, name); ok {
			s.set = s.set.Narrow(q)
		} else {
			s.rest = append(s.rest, c)
		}
	}
	return s, nil
}

func conjuncts(n *node, list []*node) []*node {
	if n.op == "call" && n.name == "_&&_" {
		return conjuncts(n.args[1], conjuncts(n.args[0], list))
	}
	return append(list, n)
}

// each visits the rows whose condition is true, until fn says stop.
func (m *machine) each(s source, name string, fn func(row Value) (more bool, err error)) error {
	list := s.list
	if s.set != nil {
		var err error
		if list, err = items(s.set); err != nil {
			return err
		}
	}
	m.local = append(m.local, binding{name: name})
	defer func() { m.local = m.local[:len(m.local)-1] }()
	at := len(m.local) - 1
next:
	for _, row := range list {
		m.local[at].val = row
		for _, c := range s.rest {
			v, err := m.eval(c)
			if err != nil {
				return err
			}
			if v != true {
				continue next // unset is not counted
			}
		}
		more, err := fn(row)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// comprehend yields the rows that fit (filter) or a value of each (map). A filter stays a set when the
// database understands its condition.
func (m *machine) comprehend(n *node) (Value, error) {
	s, err := m.source(n.args[0], n.args[1], n.name)
	if err != nil {
		return nil, err
	}
	if n.op == "filter" && s.set != nil && len(s.rest) == 0 {
		return s.set, nil
	}
	return m.collect(s, n)
}

// collect loads what is left, as rows or as the value of each.
func (m *machine) collect(s source, n *node) ([]Value, error) {
	out := []Value{}
	err := m.each(s, n.name, func(row Value) (bool, error) {
		if n.op == "map" {
			v, err := m.eval(n.args[2])
			out = append(out, v)
			return true, err
		}
		out = append(out, row)
		return true, nil
	})
	return out, err
}

var aggregates = map[string]string{"@exists": "exists", "exists": "exists", "@none": "none", "none": "none", "@count": "count", "count": "count",
	"size": "count", "@all": "all", "@distinct": "distinct", "@first": "first", "first": "first", "@last": "last", "last": "last",
	"@sorted": "sorted", "@sum": "sum", "sum": "sum", "@min": "min", "min": "min", "@max": "max", "max": "max", "@avg": "avg",
	"@median": "median", "@spans": "spans", "@list": "list", "@join": "join"}

// aggregate answers exists, count, sum … over a filter, a map or a plain list.
func (m *machine) aggregate(fn string, n *node) (Value, error) {
	arg := n.args[0]
	over := &node{op: "filter"}
	target, pred := arg, (*node)(nil)
	if arg.op == "filter" || arg.op == "map" {
		over, target, pred = arg, arg.args[0], arg.args[1]
	}
	s, err := m.source(target, pred, over.name)
	if err != nil {
		return nil, err
	}
	var body *node
	if over.op == "map" {
		body = over.args[2]
	}
	if s.set != nil && len(s.rest) == 0 {
		if v, ok, err := m.asked(fn, s.set, over.name, body); ok || err != nil {
			return v, err
		}
	}
	switch fn {
	case "exists", "none":
		found := false
		err := m.each(s, over.name, func(Value) (bool, error) { found = true; return false, nil })
		return found == (fn == "exists"), err
	case "count":
		k := int64(0)
		err := m.each(s, over.name, func(Value) (bool, error) { k++; return true, nil })
		return k, err
	case "all":
		all := true
		err := m.each(s, over.name, func(Value) (bool, error) {
			v, err := m.eval(body)
			all = v == true // unset has failed
			return all, err
		})
		return all, err
	}
	list, err := m.collect(s, over)
	if err != nil {
		return nil, err
	}
	return m.reduce(fn, list, n.typ)
}

func (m *machine) reduce(fn string, list []Value, t Type) (Value, error) {
	switch fn {
	case "list":
		return list, nil
	case "distinct":
		seen := map[string]bool{}
		for _, x := range list {
			if x != nil {
				seen[identity(x)] = true
			}
		}
		return int64(len(seen)), nil
	case "first", "last":
		if len(list) == 0 {
			return nil, nil
		}
		if fn == "last" {
			return list[len(list)-1], nil
		}
		return list[0], nil
	case "sorted":
		return sort.SliceIsSorted(list, func(i, j int) bool { return Compare(list[i], list[j]) < 0 }), nil
	case "sum":
		return sum(list, t)
	case "min", "max":
		var best Value
		for _, x := range list {
			if x != nil && (best == nil || fn == "min" && Compare(x, best) < 0 || fn == "max" && Compare(x, best) > 0) {
				best = x
			}
		}
		return best, nil
	case "avg", "median":
		return middle(fn, list, t)
	case "spans":
		return spansOf(list)
	case "join": // what is set, with the comma of a Chinese sentence
		var parts []string
		for _, x := range list {
			if s, ok := x.(string); ok && s != "" {
				parts = append(parts, s)
			}
		}
		return strings.Join(parts, "，"), nil
	}
	return nil, fmt.Errorf("no aggregate %s", fn)
}

func zero(t Type) Value {
	switch t.Kind {
	case KMoney:
		return Money{cents(0)}
	case KDecimal:
		return Decimal{}
	case KSpan:
		return calendar.Span{Unit: calendar.UnitMinute}
	}
	return int64(0)
}

func sum(list []Value, t Type) (Value, error) {
	total := zero(t)
	for _, x := range list {
		if x == nil {
			continue
		}
		v, err := arithmetic("_+_", total, x)
		if err != nil {
			return nil, err
		}
		total = v
	}
	return total, nil
}

// middle is the average or the median of what is set; of two in the middle it is their average.
func middle(fn string, all []Value, t Type) (Value, error) {
	var list []Value
	for _, x := range all {
		if x != nil {
			list = append(list, x)
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	if fn == "median" {
		sort.SliceStable(list, func(i, j int) bool { return Compare(list[i], list[j]) < 0 })
		k := len(list) / 2
		if len(list)%2 == 1 {
			return list[k], nil
		}
		list = list[k-1 : k+1]
	}
	total, err := sum(list, t)
	if err != nil {
		return nil, err
	}
	if s, ok := total.(calendar.Span); ok {
		return calendar.Span{N: s.N / int64(len(list)), Unit: s.Unit}, nil
	}
	return arithmetic("_/_", total, int64(len(list)))
}

// spansOf are the stretches of rows that declare a span.
func spansOf(list []Value) (Value, error) {
	out := []Value{}
	for _, it := range list {
		if r, ok := it.(Record); ok {
			v, err := r.Get("span")
			if err != nil {
				return nil, err
			}
			it = v
		}
		if p, ok := it.(calendar.Period); ok {
			out = append(out, p)
		}
	}
	return out, nil
}

// identity is what makes two values the same one.
func identity(v Value) string {
	if r, ok := v.(Record); ok {
		return r.Object() + "/" + r.ID()
	}
	return Format(v, Type{Kind: KAny})
}
