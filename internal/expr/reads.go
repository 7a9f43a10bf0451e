package expr

import (
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/query"
)

// Path is a static dependency: a field of an object that the expression reads. Via is the reference field of
// Object that the expression equates with `this` when it reads Object through a query.
type Path struct {
	Object, Field, Via string
}

// Params are the parameters the expression reads.
func (x *Expr) Params() []string {
	seen := map[string]bool{}
	var list []string
	walk(x.root, func(n *node) {
		if (n.op == "select" || n.op == "has") && n.args[0].op == "var" && n.args[0].name == "param" && !seen[n.name] {
			seen[n.name] = true
			list = append(list, n.name)
		}
	})
	return list
}

func walk(n *node, fn func(*node)) {
	if n == nil {
		return
	}
	fn(n)
	for _, a := range n.args {
		walk(a, fn)
	}
}

// Names are the variables the expression reads.
func (x *Expr) Names() []string {
	seen := map[string]bool{}
	var list []string
	walk(x.root, func(n *node) {
		if n.op == "var" && !seen[n.name] {
			seen[n.name] = true
			list = append(list, n.name)
		}
	})
	return list
}

// Reads are the fields the expression depends on, through references and queries too.
func (x *Expr) Reads() []Path {
	var list []Path
	seen := map[Path]bool{}
	add := func(p Path) {
		if !seen[p] {
			seen[p] = true
			list = append(list, p)
		}
	}
	walk(x.root, func(n *node) {
		switch n.op {
		case "select", "has":
			if o := x.env.object(n.args[0].typ); o != nil {
				add(Path{Object: o.Key, Field: n.name})
				if f := o.Fields[n.name]; f.Back != "" && f.Type.Elem != nil {
					add(Path{Object: f.Type.Elem.Object, Via: f.Back})
				}
			}
		case "filter", "map":
			src := n.args[0]
			if src.op != "var" || src.typ.Elem == nil {
				return
			}
			via := ""
			if n.args[1] != nil {
				for _, c := range conjuncts(n.args[1]) {
					if c.op == "call" && c.name == "_==_" {
						for i, a := range c.args {
							b := c.args[1-i]
							if a.op == "select" && a.args[0].op == "var" && a.args[0].name == n.name && b.op == "var" && b.name == "this" {
								via = a.name
							}
						}
					}
				}
			}
			add(Path{Object: src.typ.Elem.Object, Via: via})
		}
	})
	return list
}

func dateOf(v Value) (calendar.Date, bool) {
	d, ok := v.(calendar.Date)
	return d, ok
}

// inPeriod translates `x in period`.
func (m *machine) inPeriod(x query.Expr, t Type, v Value) (query.Expr, bool) {
	p, ok := v.(calendar.Period)
	if !ok {
		return query.Const{}, v == nil
	}
	lo, hi := p.From.UTC().Format(instantForm), p.To.UTC().Format(instantForm)
	if t.Kind == KDate {
		zone := m.s.Facts.Calendar().Zone
		lo, hi = calendar.DateOf(p.From, zone).String(), calendar.DateOf(p.To, zone).String()
	}
	return query.And(query.Op{Name: ">=", Args: []query.Expr{x, query.Const{Value: lo}}}, query.Op{Name: "<", Args: []query.Expr{x, query.Const{Value: hi}}}), true
}

// nobody answers nothing: for static checks.
type nobody struct{}

func (nobody) Form(string) Set                           { return nil }
func (nobody) Role(string, Record) Who                   { return nil }
func (nobody) RoleAt(string, Record, time.Time) Who      { return nil }
func (nobody) Members(Record) Who                        { return nil }
func (nobody) Superior(Record) (Record, error)           { return nil, nil }
func (nobody) Head(Record) (Record, error)               { return nil, nil }
func (nobody) UnitOf(Record, time.Time) (Record, error)  { return nil, nil }
func (nobody) Absent(Value, time.Time) bool              { return false }
func (nobody) Waiting(string, Record) (Who, error)       { return nil, nil }
func (nobody) Approved(string, Record) (bool, error)     { return false, nil }
func (nobody) Rank(string, Record) (int64, error)        { return 0, nil }
func (nobody) Ranked(string, Record) (int64, error)      { return 0, nil }
func (nobody) QuotaLeft(string, Record) (int64, error)   { return 0, nil }
func (nobody) Balance(string, []Value) (Value, error)    { return nil, nil }
func (nobody) Holds(string, Record, Range) (bool, error) { return false, nil }
func (nobody) Param(string) (Value, bool)                { return nil, false }
func (nobody) Rows(string) ([]map[string]Value, bool)    { return nil, false }
func (nobody) History(Record, string) ([]Record, error)  { return nil, nil }
func (nobody) Calendar() *calendar.Calendar              { return calendar.Standard() }
func (nobody) Same(Value, Value) bool                    { return false }
