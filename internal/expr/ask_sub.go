package expr

import "zhanggui/internal/query"

// rowsOf is the object whose rows a form variable, back-reference or line list of a row has, and the alias a
// subquery over them gets. Only one level may be nested.
func (m *machine) rowsOf(n *node) (o *Object, alias string, ok bool) {
	if len(m.rows) > 1 || n.typ.Elem == nil {
		return nil, "", false
	}
	o = m.env.object(*n.typ.Elem)
	if o == nil || o.Table == "" {
		return nil, "", false
	}
	switch n.op {
	case "form":
		_, bound := m.variable(n.name)
		return o, "sub", !bound
	case "select":
		f, _, ok := m.owner(n)
		return o, "sub", ok && (f.Line || f.Back != "")
	}
	return nil, "", false
}

// owner is the field and the alias of the row a list belongs to.
func (m *machine) owner(n *node) (Field, string, bool) {
	base := n.args[0]
	if base.op != "var" {
		return Field{}, "", false
	}
	alias, ok := m.alias(base.name)
	o := m.env.object(base.typ)
	if !ok || o == nil {
		return Field{}, "", false
	}
	return o.Fields[n.name], alias, true
}

// joined is the condition that ties the rows of a subquery to the outer row; nil for a form.
func (m *machine) joined(n *node, sub string) query.Expr {
	if n.op != "select" {
		return nil
	}
	f, alias, _ := m.owner(n)
	key := f.Back
	if f.Line {
		key = "record"
	}
	return query.Op{Name: "=", Args: []query.Expr{query.Col{Alias: sub, Name: key}, query.Col{Alias: alias, Name: "id"}}}
}

// askAggregate is a correlated subquery over a form, a back-reference or the lines of the row.
func (m *machine) askAggregate(fn string, n *node) (askedNumber, bool) {
	none := func() (askedNumber, bool) {
		m.no(n, called(n.name))
		return askedNumber{}, false
	}
	target, name := n.args[0], ""
	var pred, body *node
	var tests []*node
	for target.op == "filter" || target.op == "map" { // where(…).count(…) reads like one condition
		if name != "" && (name != target.name || target.op == "map") {
			return none()
		}
		name, pred = target.name, target.args[1]
		if target.op == "map" {
			body = target.args[2]
		}
		if pred != nil {
			tests = append(tests, pred)
		}
		target = target.args[0]
	}
	o, alias, ok := m.rowsOf(target)
	if !ok {
		return none()
	}
	sub := query.Sub{Table: o.Table, Alias: alias, Where: m.joined(target, alias)}
	outer := m.rows
	defer func() { m.rows = outer }()
	m.rows = append(append([]rowVar{}, outer...), rowVar{name, alias})
	for i := len(tests) - 1; i >= 0; i-- {
		q, ok := m.ask(tests[i])
		if !ok {
			return none()
		}
		sub.Where = query.And(sub.Where, q)
	}
	switch fn {
	case "exists", "none":
		sub.Agg = "exists"
		if fn == "none" {
			return askedNumber{e: not(sub)}, true
		}
		return askedNumber{e: sub}, true
	case "count":
		sub.Agg = "count"
		return askedNumber{e: sub}, true
	case "all":
		q, ok := m.ask(body)
		if !ok {
			return none()
		}
		sub.Agg, sub.Where = "exists", query.And(sub.Where, not(orFalse(q)))
		return askedNumber{e: not(sub)}, true
	case "sum", "min", "max", "distinct":
	default:
		return none()
	}
	if body == nil || !inDatabase(fn, body.typ) {
		return none()
	}
	arg := askedNumber{}
	if isNumber(body.typ) {
		arg, ok = m.askNumber(body)
	} else {
		arg.e, ok = m.ask(body)
	}
	if !ok {
		return none()
	}
	sub.Agg, sub.Arg = fn, arg.e
	switch fn {
	case "distinct":
		sub.Agg, arg.scale = "count_distinct", 0
	case "sum":
		return askedNumber{query.Op{Name: "coalesce", Args: []query.Expr{sub, query.Const{Value: int64(0)}}}, arg.scale}, true
	}
	return askedNumber{sub, arg.scale}, true
}

// called is how a message names a call.
func called(fn string) string {
	if operatorWord[fn] != "" {
		return display(fn)
	}
	return display(fn) + "()"
}

func display(fn string) string {
	if op := operatorWord[fn]; op != "" {
		return op
	}
	if len(fn) > 0 && fn[0] == '@' {
		return fn[1:]
	}
	return fn
}
