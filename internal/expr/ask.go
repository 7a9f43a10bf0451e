package expr

import (
	"fmt"
	"strings"

	"zhanggui/internal/query"
)

// Query is the expression as a question over the rows bound to variable alias; everything that does not
// depend on the row is evaluated now. ok is false where the database cannot be asked.
func (x *Expr) Query(alias string, s *Scope) (query.Expr, bool) {
	m := &machine{s: s, env: x.env}
	return m.query(x.root, alias, alias)
}

// query translates n over rows bound to variable row, whose columns are under alias.
func (m *machine) query(n *node, row, alias string) (query.Expr, bool) {
	if n == nil {
		return nil, false
	}
	if !depends(n, row) {
		v, err := m.eval(n)
		if err != nil {
			return nil, false
		}
		return constant(v, n.typ)
	}
	switch n.op {
	case "var":
		return query.Col{Alias: alias, Name: "id"}, true // the row itself, compared by identity
	case "select":
		return m.column(n, row, alias)
	case "has":
		c, ok := m.column(n, row, alias)
		if !ok {
			return nil, false
		}
		return query.Op{Name: "not", Args: []query.Expr{query.Op{Name: "isnull", Args: []query.Expr{c}}}}, true
	case "call":
		return m.queryCall(n, row, alias)
	}
	return nil, false
}

// depends tells whether a node reads the variable.
func depends(n *node, name string) bool {
	if n == nil {
		return false
	}
	if n.op == "var" {
		return n.name == name
	}
	for i, a := range n.args {
		if i > 0 && (n.op == "filter" || n.op == "map") && n.name == name {
			continue // an inner loop variable of the same name hides it
		}
		if depends(a, name) {
			return true
		}
	}
	return false
}

func constant(v Value, t Type) (query.Expr, bool) {
	switch x := v.(type) {
	case nil:
		return query.Const{}, true
	case Record:
		return query.Const{Value: x.ID()}, true
	case []Value, Set, Who, map[string]Value, table, balance:
		return nil, false
	}
	c, err := ToColumn(v, t)
	if err != nil {
		return nil, false
	}
	return query.Const{Value: c}, true
}

// column translates row.a, row.ref.b and so on, through up to three references.
func (m *machine) column(n *node, row, alias string) (query.Expr, bool) {
	base := n.args[0]
	o := m.env.object(base.typ)
	if o == nil {
		return nil, false
	}
	f, ok := o.Fields[n.name]
	if !ok {
		return nil, false
	}
	if f.Live != nil {
		if base.op == "var" && base.name == row {
			inner := &machine{s: m.s, env: m.env}
			return inner.query(f.Live.root, "this", alias)
		}
		return nil, false
	}
	col := f.Column
	if col == "" && n.name == "id" && o.Table != "" {
		col = "id"
	}
	if col == "" || f.Back != "" || f.Line {
		return nil, false
	}
	if base.op == "var" && base.name == row {
		return query.Col{Alias: alias, Name: col}, true
	}
	// this.done.x.at: a stamp's column is on the record itself
	if strings.Contains(o.Key, "#done.") {
		if base.op != "select" || base.args[0].op != "select" {
			return nil, false
		}
		owner := base.args[0].args[0]
		if owner.op == "var" && owner.name == row {
			return query.Col{Alias: alias, Name: col}, true
		}
		on, ok := m.column2(owner, row, alias)
		rec := m.env.object(owner.typ)
		if !ok || rec == nil || rec.Table == "" {
			return nil, false
		}
		return query.Ref{On: on, Table: rec.Table, Name: col}, true
	}
	if o.Table == "" {
		return nil, false
	}
	on, ok := m.column2(base, row, alias)
	if !ok {
		return nil, false
	}
	return query.Ref{On: on, Table: o.Table, Name: col}, true
}

func (m *machine) column2(n *node, row, alias string) (query.Expr, bool) {
	if n.op != "select" {
		return nil, false
	}
	return m.column(n, row, alias)
}

var sqlOps = map[string]string{"_==_": "=", "_!=_": "<>", "_<_": "<", "_<=_": "<=", "_>_": ">", "_>=_": ">="}

func (m *machine) queryCall(n *node, row, alias string) (query.Expr, bool) {
	args := func() ([]query.Expr, bool) {
		list := make([]query.Expr, len(n.args))
		for i, a := range n.args {
			q, ok := m.query(a, row, alias)
			if !ok {
				return nil, false
			}
			list[i] = q
		}
		return list, true
	}
	op := func(name string) (query.Expr, bool) {
		list, ok := args()
		return query.Op{Name: name, Args: list}, ok
	}
	if name, ok := sqlOps[n.name]; ok {
		return m.compare(name, n.args[0], n.args[1], row, alias)
	}
	switch n.name {
	case "_&&_":
		return op("and")
	case "_||_":
		return op("or")
	case "!_":
		return op("not")
	case "contains", "startsWith":
		if n.args[0].typ.Kind != KText && n.args[0].typ.Kind != KChoice {
			return nil, false
		}
		name := "contains"
		if n.name == "startsWith" {
			name = "startswith"
		}
		return op(name)
	case "_+_", "_-_":
		k := n.args[0].typ
		if k.Kind != n.args[1].typ.Kind || k.Kind != KInt && k.Kind != KMoney && !(k.Kind == KDecimal && scaleOf(k) == scaleOf(n.args[1].typ)) {
			return nil, false
		}
		name := "+"
		if n.name == "_-_" {
			name = "-"
		}
		return op(name)
	case "_*_":
		a, b := n.args[0].typ.Kind, n.args[1].typ.Kind
		if b == KInt && (a == KInt || a == KMoney) || a == KInt && b == KMoney {
			return op("*")
		}
	case "@in":
		return m.queryIn(n, row, alias)
	case "_?_:_":
		list, ok := args()
		if !ok {
			return nil, false
		}
		return query.Case{When: []query.Expr{list[0], query.Op{Name: "not", Args: []query.Expr{list[0]}}}, Then: []query.Expr{list[1], list[2]}}, true
	case "@exists", "@none", "@count", "@sum", "@min", "@max":
		return m.queryAggregate(n, row, alias)
	}
	return nil, false
}

// compare brings both sides to one scale; kinds that have no common column form are left to memory.
func (m *machine) compare(op string, a, b *node, row, alias string) (query.Expr, bool) {
	// day(t) == d is a range of instants
	if a.op == "call" && a.name == "day" && depends(a, row) && !depends(b, row) && a.args[0].typ.Kind == KDatetime {
		return m.dayRange(op, a, b, row, alias)
	}
	x, ok1 := m.query(a, row, alias)
	y, ok2 := m.query(b, row, alias)
	if !ok1 || !ok2 {
		return nil, false
	}
	ta, tb := a.typ, b.typ
	num := func(t Type) bool { return t.Kind == KInt || t.Kind == KDecimal || t.Kind == KMoney }
	scale := func(t Type) int {
		if t.Kind == KInt {
			return 0
		}
		return scaleOf(t)
	}
	switch {
	case num(ta) && num(tb):
		if scale(ta) != scale(tb) {
			if c, ok := rescaled(b, m, row, ta); ok {
				y = c
			} else if c, ok := rescaled(a, m, row, tb); ok {
				x = c
			} else {
				return nil, false
			}
		}
	case ta.Kind == KSpan || tb.Kind == KSpan || ta.Kind == KList || tb.Kind == KList:
		return nil, false
	case ta.Kind != tb.Kind && !(isText(ta) && isText(tb)) && ta.Kind != KAny && tb.Kind != KAny:
		return nil, false
	}
	return query.Op{Name: op, Args: []query.Expr{x, y}}, true
}

func isText(t Type) bool { return t.Kind == KText || t.Kind == KChoice }

// rescaled writes a value that does not depend on the row in the column form of another type, if that is exact.
func rescaled(n *node, m *machine, row string, t Type) (query.Expr, bool) {
	if depends(n, row) {
		return nil, false
	}
	v, err := m.eval(n)
	if err != nil {
		return nil, false
	}
	if v == nil {
		return query.Const{}, true
	}
	d, ok := number(v)
	if !ok || d.Trim(0).Scale() > scaleOf(t) && t.Kind != KInt || t.Kind == KInt && d.Trim(0).Scale() > 0 {
		return nil, false
	}
	if t.Kind == KInt {
		k, _, _ := d.Int64(0)
		return query.Const{Value: k}, true
	}
	k, err := scaled(d, scaleOf(t))
	return query.Const{Value: k}, err == nil
}

func (m *machine) dayRange(op string, a, b *node, row, alias string) (query.Expr, bool) {
	col, ok := m.query(a.args[0], row, alias)
	if !ok || m.s.Facts == nil {
		return nil, false
	}
	v, err := m.eval(b)
	if err != nil || v == nil {
		return query.Const{}, err == nil
	}
	d, ok := dateOf(v)
	if !ok {
		return nil, false
	}
	zone := m.s.Facts.Calendar().Zone
	lo := query.Const{Value: d.Start(zone).UTC().Format(instantForm)}
	hi := query.Const{Value: d.End(zone).UTC().Format(instantForm)}
	cmp := func(o string, c query.Const) query.Expr { return query.Op{Name: o, Args: []query.Expr{col, c}} }
	switch op {
	case "=":
		return query.And(cmp(">=", lo), cmp("<", hi)), true
	case "<>":
		return query.Op{Name: "or", Args: []query.Expr{cmp("<", lo), cmp(">=", hi)}}, true
	case "<":
		return cmp("<", lo), true
	case "<=":
		return cmp("<", hi), true
	case ">":
		return cmp(">=", hi), true
	}
	return cmp(">=", lo), true
}

func (m *machine) queryIn(n *node, row, alias string) (query.Expr, bool) {
	x, ok := m.query(n.args[0], row, alias)
	if !ok || depends(n.args[1], row) && n.args[1].op != "list" {
		return nil, false
	}
	if n.args[1].typ.Kind == KPeriod {
		v, err := m.eval(n.args[1])
		if err != nil {
			return nil, false
		}
		return m.inPeriod(x, n.args[0].typ, v)
	}
	list := []query.Expr{x}
	if n.args[1].op == "list" {
		for _, a := range n.args[1].args {
			q, ok := m.query(a, row, alias)
			if !ok {
				return nil, false
			}
			list = append(list, q)
		}
		return query.Op{Name: "in", Args: list}, true
	}
	v, err := m.eval(n.args[1])
	if err != nil {
		return nil, false
	}
	items, err := rows(v)
	if err != nil {
		return nil, false
	}
	t := n.args[0].typ
	for _, it := range items {
		q, ok := constant(it, t)
		if !ok {
			return nil, false
		}
		list = append(list, q)
	}
	if len(list) == 1 {
		return query.Const{Value: false}, true
	}
	return query.Op{Name: "in", Args: list}, true
}

// queryAggregate is one nested level: a correlated subquery over a form or back-reference.
func (m *machine) queryAggregate(n *node, row, alias string) (query.Expr, bool) {
	arg := n.args[0]
	if arg.op != "filter" && arg.op != "map" || alias == "sub" {
		return nil, false
	}
	src := arg.args[0]
	var where query.Expr
	var o *Object
	switch {
	case src.op == "var" && src.typ.Kind == KList && src.typ.Elem != nil:
		o = m.env.object(*src.typ.Elem)
	case src.op == "select":
		owner := m.env.object(src.args[0].typ)
		if owner == nil || src.args[0].op != "var" || src.args[0].name != row || src.typ.Elem == nil {
			return nil, false
		}
		f := owner.Fields[src.name]
		o = m.env.object(*src.typ.Elem)
		key := f.Back
		if f.Line {
			key = "record"
		}
		if key == "" {
			return nil, false
		}
		where = query.Op{Name: "=", Args: []query.Expr{query.Col{Alias: "sub", Name: key}, query.Col{Alias: alias, Name: "id"}}}
	}
	if o == nil || o.Table == "" {
		return nil, false
	}
	if arg.args[1] != nil {
		q, ok := m.nested(arg.args[1], arg.name, row, alias)
		if !ok {
			return nil, false
		}
		where = query.And(where, q)
	}
	sub := query.Sub{Table: o.Table, Alias: "sub", Where: where}
	switch n.name {
	case "@exists", "@none":
		sub.Agg = "exists"
	case "@count":
		sub.Agg = "count"
	default:
		sub.Agg = n.name[1:]
		q, ok := m.nested(arg.args[2], arg.name, row, alias)
		if !ok {
			return nil, false
		}
		sub.Arg = q
	}
	if n.name == "@none" {
		return query.Op{Name: "not", Args: []query.Expr{sub}}, true
	}
	if n.name == "@sum" {
		return query.Op{Name: "coalesce", Args: []query.Expr{sub, query.Const{Value: int64(0)}}}, true
	}
	return sub, true
}

// nested translates a predicate over the inner rows that may also read the outer row.
func (m *machine) nested(n *node, inner, outer, alias string) (query.Expr, bool) {
	if !depends(n, outer) {
		return m.query(n, inner, "sub")
	}
	if !depends(n, inner) {
		return m.query(n, outer, alias)
	}
	if n.op != "call" {
		return nil, false
	}
	var list []query.Expr
	for _, a := range n.args {
		q, ok := m.nested(a, inner, outer, alias)
		if !ok {
			return nil, false
		}
		list = append(list, q)
	}
	name := map[string]string{"_&&_": "and", "_||_": "or", "!_": "not"}[n.name]
	if name == "" {
		name = sqlOps[n.name]
		if name == "" || len(n.args) != 2 || !sameColumn(n.args[0].typ, n.args[1].typ) {
			return nil, false
		}
	}
	return query.Op{Name: name, Args: list}, true
}

func sameColumn(a, b Type) bool {
	if a.Kind == KMoney || a.Kind == KDecimal {
		return a.Kind == b.Kind && scaleOf(a) == scaleOf(b)
	}
	return a.Kind == b.Kind || isText(a) && isText(b)
}

// InQuery tells statically whether the expression can be asked of the database over the variable.
func (x *Expr) InQuery(variable string) error {
	return askable(x.env, x.root, variable, variable)
}

func askable(env *Env, n *node, row, alias string) error {
	if n == nil || !depends(n, row) {
		return nil
	}
	m := &machine{s: &Scope{Vars: map[string]Value{}, Facts: nobody{}}, env: env}
	switch n.op {
	case "var":
		return nil
	case "select", "has":
		if _, ok := m.column(n, row, alias); ok {
			return nil
		}
		return fmt.Errorf("%s at column %d is not stored", pathOf(n), n.off+1)
	case "call":
		switch n.name {
		case "_&&_", "_||_", "!_", "_?_:_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "contains", "startsWith", "@in", "_+_", "_-_", "_*_":
			if len(n.args) == 2 && n.args[0].op == "call" && n.args[0].name == "day" {
				return askable(env, n.args[0].args[0], row, alias)
			}
			for _, a := range n.args {
				if err := askable(env, a, row, alias); err != nil {
					return err
				}
			}
			return nil
		case "@exists", "@none", "@count", "@sum", "@min", "@max":
			if _, ok := m.queryAggregate(n, row, alias); ok {
				return nil
			}
		}
		return fmt.Errorf("%s() at column %d cannot; store the result in a computed field", display(n.name), n.off+1)
	case "list":
		for _, a := range n.args {
			if err := askable(env, a, row, alias); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("column %d cannot be asked of the database", n.off+1)
}

func display(fn string) string {
	if len(fn) > 0 && fn[0] == '@' {
		return fn[1:]
	}
	return fn
}
