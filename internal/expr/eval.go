package expr

import (
	"fmt"

	"zhanggui/internal/calendar"
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

// machine evaluates one expression once, or puts parts of it to the database.
type machine struct {
	s     *Scope
	env   *Env
	local []binding // loop variables, innermost last

	rows    []rowVar // while asking: the variables that stand for rows
	static  bool     // while asking only whether one could
	marking bool     // while asking for the mark of an encrypted field
	why     string   // the first thing that cannot be asked
}

type binding struct {
	name string
	val  Value
}

// variable looks a name up from the innermost loop outwards.
func (m *machine) variable(name string) (Value, bool) {
	for i := len(m.local) - 1; i >= 0; i-- {
		if m.local[i].name == name {
			return m.local[i].val, true
		}
	}
	v, ok := m.s.Vars[name]
	return v, ok
}

func (m *machine) eval(n *node) (Value, error) {
	switch n.op {
	case "const":
		return n.val, nil
	case "var", "form", "role":
		return m.named(n)
	case "select":
		return m.selected(n)
	case "has":
		v, err := m.selected(n)
		if err != nil {
			return nil, err
		}
		return present(v)
	case "list":
		return m.list(n)
	case "filter", "map":
		return m.comprehend(n)
	}
	return m.call(n)
}

func (m *machine) named(n *node) (Value, error) {
	v, ok := m.variable(n.name)
	if ok || m.s.Facts == nil {
		return v, nil
	}
	switch {
	case n.op == "form":
		if set := m.s.Facts.Form(n.typ.Elem.Object); set != nil {
			return set, nil
		}
	case n.op == "role":
		if who := m.s.Facts.Role(n.name, nil); who != nil {
			return who, nil
		}
	case n.name == "now":
		return m.s.Now, nil
	case n.name == "today":
		return calendar.DateOf(m.s.Now, m.zone()), nil
	}
	return nil, nil
}

// list makes one flat list: [this.owner, superior(this.owner), quality] names persons and sets of persons.
func (m *machine) list(n *node) (Value, error) {
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
}

// present tells whether a value is set: an empty text or list is not.
func present(v Value) (bool, error) {
	switch x := v.(type) {
	case nil:
		return false, nil
	case []Value:
		return len(x) > 0, nil
	case string:
		return x != "", nil
	case Who:
		return len(x.Persons()) > 0, nil
	case Set:
		raw, err := x.Aggregate("exists", nil)
		return truthy(raw), err
	}
	return true, nil
}

func (m *machine) selected(n *node) (Value, error) {
	if op := n.args[0]; op.op == "var" && op.name == "param" && m.s.Facts != nil {
		v, ok := m.s.Facts.Param(n.name)
		if ok {
			m.note(n, v)
			return v, nil
		}
		if _, rows := m.s.Facts.Rows(n.name); rows {
			return table(n.name), nil
		}
		return nil, nil
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
		m.note(n, v)
		return v, nil
	case balance:
		return m.s.Facts.Balance(r.id, r.dims)
	case map[string]Value:
		return r[n.name], nil
	case calendar.Period:
		switch n.name {
		case "from":
			return r.From, nil
		case "to":
			return r.To, nil
		case "start":
			return calendar.DateOf(r.From, m.zone()), nil
		}
		return calendar.DateOf(r.To.Add(-1), m.zone()), nil
	case Range:
		if n.name == "first" {
			return r.First, nil
		}
		return r.Last, nil
	}
	return nil, fmt.Errorf("%T has no %s", base, n.name)
}

// note tells the trace what was read; the rows of a query are too many to tell.
func (m *machine) note(n *node, v Value) {
	if m.s.Read != nil && len(m.local) == 0 {
		path := n.path.Load()
		if path == nil { // made once: the same places are read over and over
			s := pathOf(n)
			path = &s
			n.path.Store(path)
		}
		m.s.Read(*path, v)
	}
}

// table is a table parameter before its row is chosen, balance a ledger before it is asked.
type table string
type balance struct {
	id   string
	dims []Value
}

func pathOf(n *node) string {
	switch n.op {
	case "var", "form", "role":
		return n.name
	case "select", "has":
		return pathOf(n.args[0]) + "." + n.name
	case "call":
		return called(n.name)
	}
	return n.op
}

// items makes a list of anything that holds several.
func items(v Value) ([]Value, error) {
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
		persons := x.Persons()
		list := make([]Value, len(persons))
		for i, p := range persons {
			list[i] = p
		}
		return list, nil
	}
	return []Value{v}, nil
}
