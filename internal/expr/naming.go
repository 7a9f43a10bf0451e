package expr

import "zhanggui/internal/query"

// Directory says of the persons who are looked for what the database does not hold: whose superiors they
// are, which units they lead, belong to, or hold a role for.
type Directory interface {
	Persons() []string
	InferiorsOf() []string
	UnitsLed() []string
	UnitsWith() []string
	UnitsOf(role string) []string
}

// Naming is the condition over rows that an expression of type person, who or list of person may name one of
// the persons of the directory. It may let through a row too many (of `a ? b : c` both sides count), never one
// too few; ok is false where the database cannot be asked.
func (x *Expr) Naming(alias string, s *Scope, d Directory) (query.Expr, bool) {
	n := naming{&machine{s: s, env: x.env, rows: []rowVar{{"this", alias}}}, d, alias}
	return n.node(x.root)
}

type naming struct {
	m     *machine
	d     Directory
	alias string
}

func (g naming) node(n *node) (query.Expr, bool) {
	if n.as != nil {
		n = n.as
	}
	switch {
	case n.op == "role":
		return among(query.Col{Alias: g.alias, Name: "unit"}, g.d.UnitsOf(n.name)), true
	case n.op == "list":
		return g.any(n.args)
	case n.op == "call" && n.name == "_?_:_":
		return g.any(n.args[1:])
	case n.op == "call" && n.name == "superior":
		return g.column(n.args[0], g.d.InferiorsOf())
	case n.op == "call" && n.name == "head":
		return g.column(n.args[0], g.d.UnitsLed())
	case n.op == "call" && n.name == "of" && n.args[0].op == "role":
		return g.column(n.args[1], g.d.UnitsOf(n.args[0].name))
	case n.op == "select" && n.name == "members" && n.typ.Kind == KWho:
		return g.column(n.args[0], g.d.UnitsWith())
	case n.op == "select" && n.typ.Kind == KObject:
		return g.column(n, g.d.Persons())
	case n.op == "select" && n.typ.Kind == KList:
		col, ok := g.m.column(n)
		if !ok {
			return nil, false
		}
		var any []query.Expr
		for _, id := range g.d.Persons() {
			any = append(any, query.Op{Name: "contains", Args: []query.Expr{col, query.Const{Value: `"` + id + `"`}}})
		}
		return query.Op{Name: "or", Args: any}, true
	}
	return nil, false
}

func (g naming) any(list []*node) (query.Expr, bool) {
	var any []query.Expr
	for _, n := range list {
		q, ok := g.node(n)
		if !ok {
			return nil, false
		}
		any = append(any, q)
	}
	return query.Op{Name: "or", Args: any}, true
}

// column asks that what a path leads to is one of the ids.
func (g naming) column(n *node, ids []string) (query.Expr, bool) {
	if !g.m.depends(n) {
		return nil, false
	}
	col, ok := g.m.column(n)
	return among(col, ids), ok
}

// among: of no ids no row.
func among(col query.Expr, ids []string) query.Expr {
	if len(ids) == 0 || col == nil {
		return query.Op{Name: "or"}
	}
	args := []query.Expr{col}
	for _, id := range ids {
		args = append(args, query.Const{Value: id})
	}
	return query.Op{Name: "in", Args: args}
}
