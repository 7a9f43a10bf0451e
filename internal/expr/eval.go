package expr

import (
	"fmt"
	"sort"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/query"
)

// Eval evaluates the expression. A nil value is unset; the error is trouble with the world, never with the rule.
func (x *Expr) Eval(s *Scope) (Value, error) {
	if x == nil || x.root == nil {
		return nil, nil
	}
	if x.root.op == "const" {
		return x.root.val, nil
	}
	m := &machine{s: s, env: x.env}
	v, err := m.eval(x.root)
	if err != nil {
		return nil, err
	}
	return coerce(v, x.typ), nil
}

// coerce lets a whole number stand where a decimal is wanted.
func coerce(v Value, t Type) Value {
	if n, ok := v.(int64); ok && t.Kind == KDecimal {
		d, _ := number(n)
		return Decimal{d}
	}
	return v
}

type machine struct {
	s     *Scope
	env   *Env
	local []binding // loop variables, innermost last
}

type binding struct {
	name string
	val  Value
}

func (m *machine) variable(name string) Value {
	for i := len(m.local) - 1; i >= 0; i-- {
		if m.local[i].name == name {
			return m.local[i].val
		}
	}
	if v, ok := m.s.Vars[name]; ok {
		return v
	}
	if m.s.Facts == nil {
		return nil
	}
	return nil
}

func (m *machine) eval(n *node) (Value, error) {
	switch n.op {
	case "const":
		return n.val, nil
	case "var":
		v := m.variable(n.name)
		if v == nil && m.s.Facts != nil && !m.bound(n.name) {
			switch {
			case n.name == "now":
				return m.s.Now, nil
			case n.typ.Kind == KList && n.typ.Elem != nil && n.typ.Elem.Kind == KObject:
				return m.s.Facts.Form(n.typ.Elem.Object), nil
			case n.typ.Kind == KWho:
				return m.s.Facts.Role(n.name, nil), nil
			}
		}
		return v, nil
	case "select":
		return m.selected(n)
	case "has":
		v, err := m.selected(n)
		if err != nil {
			return nil, err
		}
		if l, ok := v.([]Value); ok {
			return len(l) > 0, nil
		}
		if t, ok := v.(string); ok {
			return t != "", nil
		}
		return v != nil, nil
	case "list":
		list := make([]Value, 0, len(n.args))
		for _, a := range n.args {
			v, err := m.eval(a)
			if err != nil {
				return nil, err
			}
			if l, ok := v.([]Value); ok {
				list = append(list, l...)
				continue
			}
			list = append(list, v)
		}
		return list, nil
	case "filter", "map":
		return m.comprehend(n)
	}
	return m.call(n)
}

func (m *machine) bound(name string) bool {
	for _, b := range m.local {
		if b.name == name {
			return true
		}
	}
	_, ok := m.s.Vars[name]
	return ok
}

func (m *machine) selected(n *node) (Value, error) {
	if op := n.args[0]; op.op == "var" && op.name == "param" && m.s.Facts != nil {
		v, ok := m.s.Facts.Param(n.name)
		if !ok {
			if _, rows := m.s.Facts.Rows(n.name); rows {
				return table(n.name), nil
			}
			return nil, nil
		}
		return v, nil
	}
	base, err := m.eval(n.args[0])
	if err != nil || base == nil {
		return nil, err
	}
	switch r := base.(type) {
	case Record:
		v, err := r.Get(n.name)
		if err != nil {
			return nil, err
		}
		if m.s.Read != nil && len(m.local) == 0 {
			m.s.Read(pathOf(n), v)
		}
		return v, nil
	case balance:
		return m.s.Facts.Balance(r.id, r.dims)
	case map[string]Value:
		return r[n.name], nil
	}
	return nil, fmt.Errorf("%T has no %s", base, n.name)
}

type table string
type balance struct {
	id   string
	dims []Value
}

func pathOf(n *node) string {
	switch n.op {
	case "var":
		return n.name
	case "select", "has":
		return pathOf(n.args[0]) + "." + n.name
	}
	return n.op
}

// rows makes a list of anything that holds several.
func rows(v Value) ([]Value, error) {
	switch x := v.(type) {
	case nil:
		return nil, nil
	case []Value:
		return x, nil
	case Set:
		all, err := x.All()
		if err != nil {
			return nil, err
		}
		list := make([]Value, len(all))
		for i, r := range all {
			list[i] = r
		}
		return list, nil
	case Who:
		var list []Value
		for _, p := range x.Persons() {
			list = append(list, p)
		}
		return list, nil
	}
	return []Value{v}, nil
}

// comprehend yields the rows that fit (filter) or a value of each (map). A filter over a set stays a set
// when the database can ask the condition.
func (m *machine) comprehend(n *node) (Value, error) {
	target, err := m.eval(n.args[0])
	if err != nil {
		return nil, err
	}
	if n.op == "filter" {
		if set, ok := target.(Set); ok {
			if q, ok := m.query(n.args[1], n.name, "it"); ok {
				return set.Narrow(q), nil
			}
		}
	}
	items, err := m.matching(target, n)
	if err != nil || n.op == "filter" {
		return items, err
	}
	out := make([]Value, 0, len(items))
	for _, it := range items {
		v, err := m.with(n.name, it, n.args[2])
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (m *machine) with(name string, v Value, body *node) (Value, error) {
	m.local = append(m.local, binding{name, v})
	defer func() { m.local = m.local[:len(m.local)-1] }()
	return m.eval(body)
}

// matching are the rows whose condition holds; over a set, the conjuncts the database understands narrow it first.
func (m *machine) matching(target Value, n *node) ([]Value, error) {
	pred := n.args[1]
	if set, ok := target.(Set); ok && pred != nil {
		for _, c := range conjuncts(pred) {
			if q, ok := m.query(c, n.name, "it"); ok {
				set = set.Narrow(q)
			}
		}
		target = set
	}
	items, err := rows(target)
	if err != nil || pred == nil {
		return items, err
	}
	var out []Value
	for _, it := range items {
		v, err := m.with(n.name, it, pred)
		if err != nil {
			return nil, err
		}
		if b, _ := v.(bool); b {
			out = append(out, it)
		}
	}
	return out, nil
}

func conjuncts(n *node) []*node {
	if n.op == "call" && n.name == "_&&_" {
		return append(conjuncts(n.args[0]), conjuncts(n.args[1])...)
	}
	return []*node{n}
}

// aggregate answers @exists, @count, @sum … over a filter, a map or a plain list.
func (m *machine) aggregate(fn string, n *node) (Value, error) {
	arg := n.args[0]
	if v, ok, err := m.asked(fn, arg, n.typ); ok || err != nil {
		return v, err
	}
	v, err := m.eval(arg)
	if err != nil {
		return nil, err
	}
	items, err := rows(v)
	if err != nil {
		return nil, err
	}
	switch fn {
	case "@exists":
		return len(items) > 0, nil
	case "@none", "none":
		return len(items) == 0, nil
	case "@count", "count", "size":
		return int64(len(items)), nil
	case "@all":
		for _, x := range items {
			if b, _ := x.(bool); !b {
				return false, nil
			}
		}
		return true, nil
	case "@list":
		return items, nil
	case "@distinct":
		seen := map[string]bool{}
		for _, x := range items {
			if x != nil {
				seen[identity(x)] = true
			}
		}
		return int64(len(seen)), nil
	case "@first", "first", "@last":
		if len(items) == 0 {
			return nil, nil
		}
		if fn == "@last" {
			return items[len(items)-1], nil
		}
		return items[0], nil
	case "@sorted":
		for i := 1; i < len(items); i++ {
			if Compare(items[i-1], items[i]) > 0 {
				return false, nil
			}
		}
		return true, nil
	case "@sum", "sum":
		return sum(items, n.typ)
	case "@min", "@max":
		var best Value
		for _, x := range items {
			if x == nil {
				continue
			}
			if best == nil || fn == "@min" && Compare(x, best) < 0 || fn == "@max" && Compare(x, best) > 0 {
				best = x
			}
		}
		return best, nil
	case "@avg", "@median":
		return middle(fn, items, n.typ)
	case "@spans":
		return spansOf(items)
	}
	return nil, fmt.Errorf("no aggregate %s", fn)
}

// asked puts an aggregate to the database where the whole of it can be said there.
func (m *machine) asked(fn string, arg *node, t Type) (Value, bool, error) {
	agg := map[string]string{"@exists": "exists", "@none": "exists", "none": "exists", "@count": "count", "count": "count", "@sum": "sum", "@min": "min", "@max": "max", "@distinct": "count_distinct"}[fn]
	if agg == "" || (arg.op != "filter" && arg.op != "map" && arg.op != "select" && arg.op != "var") {
		return nil, false, nil
	}
	source := arg
	var pred, body *node
	if arg.op == "filter" || arg.op == "map" {
		source, pred, body = arg.args[0], arg.args[1], arg.args[2]
	}
	target, err := m.eval(source)
	if err != nil {
		return nil, false, err
	}
	set, ok := target.(Set)
	if !ok {
		return nil, false, nil
	}
	if pred != nil {
		q, ok := m.query(pred, arg.name, "it")
		if !ok {
			return nil, false, nil
		}
		set = set.Narrow(q)
	}
	var over query.Expr
	if body != nil {
		if over, ok = m.query(body, arg.name, "it"); !ok {
			return nil, false, nil
		}
	} else if agg == "sum" || agg == "min" || agg == "max" || agg == "count_distinct" {
		return nil, false, nil
	}
	raw, err := set.Aggregate(agg, over)
	if err != nil {
		return nil, false, err
	}
	switch fn {
	case "@exists", "@none", "none":
		b := truthy(raw)
		return b == (fn == "@exists"), true, nil
	case "@count", "count", "@distinct":
		n, _ := raw.(int64)
		return n, true, nil
	}
	vt := t
	if body != nil {
		vt = body.typ
	}
	if raw == nil {
		if fn == "@sum" {
			return zero(vt), true, nil
		}
		return nil, true, nil
	}
	if vt.Kind == KObject {
		return nil, false, nil
	}
	v, err := FromColumn(raw, vt)
	return v, true, err
}

func truthy(v any) bool {
	switch x := v.(type) {
	case bool:
		return x
	case int64:
		return x != 0
	}
	return false
}

func zero(t Type) Value {
	switch t.Kind {
	case KMoney:
		v, _ := ParseLiteral("0", Of(KMoney), time.UTC)
		return v
	case KDecimal:
		v, _ := ParseLiteral("0", Of(KDecimal), time.UTC)
		return v
	case KSpan:
		return calendar.Span{Unit: calendar.UnitMinute}
	}
	return int64(0)
}

func sum(items []Value, t Type) (Value, error) {
	total := zero(t)
	for _, x := range items {
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

func middle(fn string, items []Value, t Type) (Value, error) {
	var list []Value
	for _, x := range items {
		if x != nil {
			list = append(list, x)
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	if fn == "@median" {
		sort.SliceStable(list, func(i, j int) bool { return Compare(list[i], list[j]) < 0 })
		k := len(list) / 2
		if len(list)%2 == 1 {
			return list[k], nil
		}
		list = list[k-1 : k+1]
	}
	et := Of(KDecimal)
	if t.Kind == KMoney {
		et = t
	}
	total, err := sum(list, et)
	if err != nil {
		return nil, err
	}
	return arithmetic("_/_", total, int64(len(list)))
}

// spansOf are the stretches of rows that declare a span: their first two instants.
func spansOf(items []Value) (Value, error) {
	var out []Value
	for _, it := range items {
		if p, ok := it.(calendar.Period); ok {
			out = append(out, p)
			continue
		}
		r, ok := it.(Record)
		if !ok {
			continue
		}
		v, err := r.Get("span")
		if err != nil {
			return nil, err
		}
		if p, ok := v.(calendar.Period); ok {
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
