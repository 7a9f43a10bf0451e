package expr

import (
	"errors"

	"zhanggui/internal/query"
)

// Fields that are kept encrypted are asked about by their marks.

const encrypted = "kept encrypted"

// domain tells whether a node reads an encrypted field of a row, and of which domain its marks are.
func (m *machine) domain(n *node) (string, bool) {
	if n.as != nil {
		n = n.as
	}
	if n.op != "select" || !m.depends(n) {
		return "", false
	}
	o := m.env.object(n.args[0].typ)
	if o == nil {
		return "", false
	}
	f := o.Fields[n.name]
	return f.Domain, f.Mark != ""
}

// mark translates a node into a mark of a domain: an encrypted field of a row, or the mark of what does not depend on one.
func (m *machine) mark(n *node, domain string) (query.Expr, bool) {
	if n.as != nil {
		n = n.as
	}
	if m.depends(n) {
		d, sealed := m.domain(n)
		if !sealed || domain != "" && d != domain {
			return m.no(n, "comparing what is "+encrypted+" with "+pathOf(n))
		}
		defer func(was bool) { m.marking = was }(m.marking)
		m.marking = true
		return m.column(n)
	}
	if m.static {
		return query.Const{}, true
	}
	v, err := m.eval(n)
	if err != nil || m.s.Mark == nil {
		return m.no(n, pathOf(n))
	}
	return query.Const{Value: m.s.Mark(domain, v)}, true
}

// Equals asks for the rows of which the expression has this value, by mark where it is an encrypted field: left = constant.
func (x *Expr) Equals(alias string, v Value, s *Scope) (query.Op, bool) {
	m := &machine{s: s, env: x.env, rows: []rowVar{{alias, alias}}}
	var left query.Expr
	var right any
	var ok bool
	if domain, sealed := m.domain(x.root); sealed {
		left, ok = m.mark(x.root, domain)
		ok = ok && s.Mark != nil
		if ok {
			right = s.Mark(domain, v)
		}
	} else {
		var err error
		left, ok = m.ask(x.root)
		right, err = ToColumn(v, x.typ)
		ok = ok && err == nil
	}
	return query.Op{Name: "=", Args: []query.Expr{left, query.Const{Value: right}}}, ok
}

// EqualsInQuery tells statically whether Equals can be asked over the variable.
func (x *Expr) EqualsInQuery(variable string) error {
	m := &machine{s: &Scope{}, env: x.env, rows: []rowVar{{variable, variable}}, static: true}
	if _, sealed := m.domain(x.root); sealed {
		if _, ok := m.mark(x.root, ""); ok {
			return nil
		}
		return errors.New(m.why)
	}
	return x.InQuery(variable)
}

// compareMarks translates a comparison of which one side is an encrypted field; asked tells whether one is.
func (m *machine) compareMarks(n *node, op string, a, b *node) (q query.Expr, asked, ok bool) {
	d, sealed := m.domain(a)
	if !sealed {
		d, sealed = m.domain(b)
	}
	if !sealed {
		return nil, false, false
	}
	if op != "=" && op != "<>" {
		q, ok = m.no(n, "ordering by what is "+encrypted)
		return q, true, ok
	}
	x, ok1 := m.mark(a, d)
	y, ok2 := m.mark(b, d)
	if !ok1 || !ok2 {
		return nil, true, false
	}
	return query.Op{Name: op, Args: []query.Expr{x, y}}, true, true
}
