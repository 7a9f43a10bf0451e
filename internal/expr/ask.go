package expr

import (
	"errors"
	"fmt"
	"strings"

	"zhanggui/internal/query"
)

// rowVar is a variable that stands for a row of the database, and the alias of its table.
type rowVar struct{ name, alias string }

// Query is the expression as a question over the rows bound to variable alias; everything that does not
// depend on the row is evaluated now. ok is false where the database cannot be asked.
func (x *Expr) Query(alias string, s *Scope) (query.Expr, bool) {
	m := &machine{s: s, env: x.env, rows: []rowVar{{alias, alias}}}
	return m.ask(x.root)
}

// InQuery tells statically whether the expression can be asked of the database over the variable.
func (x *Expr) InQuery(variable string) error {
	m := &machine{s: &Scope{}, env: x.env, rows: []rowVar{{variable, variable}}, static: true}
	if _, ok := m.ask(x.root); ok {
		return nil
	}
	if strings.Contains(m.why, encrypted) { // no computed field helps: it would be encrypted too
		return errors.New(m.why)
	}
	return fmt.Errorf("%s; store the result in a computed field", m.why)
}

// asking translates a condition over the rows of a set, whose columns are under alias "it".
func (m *machine) asking(n *node, name string) (query.Expr, bool) {
	defer func(rows []rowVar) { m.rows = rows }(m.rows)
	m.rows = []rowVar{{name, "it"}}
	return m.ask(n)
}

// askingTyped translates a value, and tells the type by which its column form is read back.
func (m *machine) askingTyped(n *node, name string) (query.Expr, Type, bool) {
	defer func(rows []rowVar) { m.rows = rows }(m.rows)
	m.rows = []rowVar{{name, "it"}}
	if n.typ.Kind != KDecimal {
		q, ok := m.ask(n)
		return q, n.typ, ok
	}
	x, ok := m.askNumber(n)
	if x.scale == 0 { // scale 0 of a type means the usual four digits
		x, _ = x.to(1)
	}
	return x.e, DecimalOf(x.scale), ok
}

// no notes what cannot be asked, the first thing only.
func (m *machine) no(n *node, what string) (query.Expr, bool) {
	if m.why == "" {
		m.why = fmt.Sprintf("%s at column %d cannot", what, n.off+1)
	}
	return nil, false
}

// alias of a row variable.
func (m *machine) alias(name string) (string, bool) {
	for i := len(m.rows) - 1; i >= 0; i-- {
		if m.rows[i].name == name {
			return m.rows[i].alias, true
		}
	}
	return "", false
}

// depends tells whether a node reads a row.
func (m *machine) depends(n *node) bool { return m.reads(n, "") }

// reads is depends below a loop that hides one name.
func (m *machine) reads(n *node, hidden string) bool {
	if n == nil {
		return false
	}
	if n.as != nil {
		n = n.as
	}
	if n.op == "var" {
		_, row := m.alias(n.name)
		return row && n.name != hidden
	}
	for i, a := range n.args {
		inner := hidden
		if i > 0 && (n.op == "filter" || n.op == "map") {
			inner = n.name // of two nested loops the outer name may be taken for a row, which only costs speed
		}
		if m.reads(a, inner) {
			return true
		}
	}
	return false
}

// ask translates a node over the rows.
func (m *machine) ask(n *node) (query.Expr, bool) {
	if !m.depends(n) {
		return m.fixed(n)
	}
	if n.as != nil {
		n = n.as
	}
	switch n.typ.Kind {
	case KInt, KDecimal, KMoney:
		x, ok := m.askNumber(n)
		if ok {
			x, ok = x.to(digitsOf(n.typ))
		}
		if !ok {
			return m.no(n, pathOf(n))
		}
		return x.e, true
	}
	switch n.op {
	case "var":
		alias, _ := m.alias(n.name)
		return query.Col{Alias: alias, Name: "id"}, true // the row itself, compared by identity
	case "select":
		return m.column(n)
	case "has":
		return m.askHas(n, &node{op: "select", name: n.name, args: n.args, typ: m.fieldType(n), off: n.off})
	case "call":
		return m.askCall(n)
	}
	return m.no(n, pathOf(n))
}

// fixed evaluates what does not depend on a row.
func (m *machine) fixed(n *node) (query.Expr, bool) {
	if m.static {
		return query.Const{}, true
	}
	v, err := m.eval(n)
	if err != nil {
		return m.no(n, pathOf(n))
	}
	q, ok := constant(v, n.typ)
	if !ok {
		return m.no(n, pathOf(n))
	}
	return q, true
}

// constant is a value as a bound one, if its column form says all of it.
func constant(v Value, t Type) (query.Expr, bool) {
	switch x := v.(type) {
	case nil:
		return query.Const{}, true
	case Record:
		return query.Const{Value: x.ID()}, true
	case Decimal, Money:
		d, _ := number(x)
		if d.Trim(0).Scale() > scaleOf(t) {
			return nil, false
		}
	case []Value, Set, Who, map[string]Value, table, balance:
		return nil, false
	}
	c, err := ToColumn(v, t)
	if err != nil {
		return nil, false
	}
	return query.Const{Value: c}, true
}

func (m *machine) fieldType(n *node) Type {
	if o := m.env.object(n.args[0].typ); o != nil {
		return o.Fields[n.name].Type
	}
	return Of(KAny)
}

// column translates row.a, row.ref.b and so on, through up to three references.
func (m *machine) column(n *node) (query.Expr, bool) { return m.columnVia(n, 0) }

func (m *machine) columnVia(n *node, refs int) (query.Expr, bool) {
	cannot := func() (query.Expr, bool) {
		if m.why == "" {
			m.why = fmt.Sprintf("%s at column %d is not stored, it cannot", pathOf(n), n.off+1)
		}
		return nil, false
	}
	if n.op != "select" || refs > 3 {
		return cannot()
	}
	base := n.args[0]
	if base.as != nil {
		base = base.as
	}
	o := m.env.object(base.typ)
	if o == nil {
		return cannot()
	}
	f, ok := o.Fields[n.name]
	if !ok {
		return cannot()
	}
	alias, isRow := "", false
	if base.op == "var" {
		alias, isRow = m.alias(base.name)
	}
	if f.Live != nil {
		if !isRow || !ownWords(f.Live) {
			return cannot()
		}
		inner := &machine{s: m.s, env: m.env, rows: []rowVar{{"this", alias}}, static: m.static}
		if digits := digitsOf(f.Type); isNumber(f.Live.root.typ) && f.Type.Kind != KInt {
			// What is worked out here has the digits of its parts; the column has those of the field, and rounding is not asked.
			x, ok := inner.askNumber(f.Live.root)
			if ok {
				x, ok = x.to(digits)
			}
			if !ok {
				return cannot()
			}
			return x.e, true
		}
		q, ok := inner.ask(f.Live.root)
		if !ok {
			return cannot()
		}
		return q, true
	}
	if f.Column == "" || f.Back != "" || f.Line {
		return cannot()
	}
	column := f.Column
	if f.Mark != "" {
		if !m.marking {
			if m.why == "" {
				m.why = fmt.Sprintf("%s at column %d is %s, it can only be compared for equality (==, !=, in, has)", pathOf(n), n.off+1, encrypted)
			}
			return nil, false
		}
		column = f.Mark
	}
	if isRow {
		return query.Col{Alias: alias, Name: column}, true
	}
	if o.Table == "" { // this.done.approve.at: the stamp's column is on the record itself
		in := base
		for in.op == "select" {
			up := in.args[0]
			if up.as != nil {
				up = up.as
			}
			if ob := m.env.object(up.typ); ob != nil && ob.Table != "" {
				if up.op == "var" {
					if alias, ok := m.alias(up.name); ok {
						return query.Col{Alias: alias, Name: f.Column}, true
					}
					return cannot()
				}
				return m.follow(up, ob.Table, f.Column, refs)
			}
			in = up
		}
		return cannot()
	}
	return m.follow(base, o.Table, column, refs)
}

func (m *machine) follow(ref *node, table, column string, refs int) (query.Expr, bool) {
	defer func(was bool) { m.marking = was }(m.marking)
	m.marking = false // the reference itself is a column like any other
	on, ok := m.columnVia(ref, refs+1)
	if !ok {
		return nil, false
	}
	return query.Ref{On: on, Table: table, Name: column}, true
}

// ownWords tells whether a computed field means the same for every row: it reads nothing that belongs to
// the record in whose place the question is asked.
func ownWords(x *Expr) bool {
	own, loops := true, map[string]bool{"this": true, "param": true, "now": true, "today": true}
	walk(x.root, func(n *node) {
		switch {
		case n.op == "filter" || n.op == "map":
			loops[n.name] = true
		case n.op == "role", n.op == "var" && n.as == nil && !loops[n.name]:
			own = false
		}
	})
	return own
}

func not(q query.Expr) query.Expr { return query.Op{Name: "not", Args: []query.Expr{q}} }

func isNull(q query.Expr) query.Expr { return query.Op{Name: "isnull", Args: []query.Expr{q}} }

// orFalse counts unset as false.
func orFalse(q query.Expr) query.Expr {
	return query.Op{Name: "coalesce", Args: []query.Expr{q, query.Const{Value: false}}}
}

// askHas translates has(x) as evaluation means it: an empty text or list is not set either.
func (m *machine) askHas(n, x *node) (query.Expr, bool) {
	if x.typ.Kind == KList {
		if f, sub, ok := m.rowsOf(x); ok {
			return query.Sub{Agg: "exists", Table: f.Table, Alias: sub, Where: m.joined(x, sub)}, true
		}
	}
	if _, sealed := m.domain(x); sealed {
		q, ok := m.mark(x, "")
		return not(isNull(q)), ok
	}
	var q query.Expr
	var ok bool
	if x.typ.Kind == KInt || x.typ.Kind == KDecimal || x.typ.Kind == KMoney {
		var num askedNumber
		num, ok = m.askNumber(x)
		q = num.e
	} else {
		q, ok = m.ask(x)
	}
	if !ok {
		return m.no(n, "has()")
	}
	set := not(isNull(q))
	empty := ""
	switch x.typ.Kind {
	case KText, KChoice:
	case KList:
		empty = "[]"
	default:
		return set, true
	}
	return query.And(set, query.Op{Name: "<>", Args: []query.Expr{q, query.Const{Value: empty}}}), true
}
