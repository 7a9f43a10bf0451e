package expr

import "slices"

// Path is a static dependency: a field of an object that the expression reads. Via is the reference field of
// Object that the expression equates with `this` when it reads Object through a query; then Field is "".
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

// Leads is the field of a form that the expression is, when it is a path and nothing more: "it.order.kind".
func (x *Expr) Leads() (object, field string, ok bool) {
	n := x.root
	if n.as != nil {
		n = n.as
	}
	if n.op != "select" || n.args[0].typ.Kind != KObject {
		return "", "", false
	}
	return n.args[0].typ.Object, n.name, true
}

// Names are the variables, forms and roles the expression reads; loop variables too.
func (x *Expr) Names() []string {
	seen := map[string]bool{}
	var list []string
	walk(x.root, func(n *node) {
		if (n.op == "var" || n.op == "form" || n.op == "role") && !seen[n.name] {
			seen[n.name] = true
			list = append(list, n.name)
		}
	})
	return list
}

// Calls tells whether the expression is a call of this function and nothing more.
func (x *Expr) Calls(name string) bool { return x.root.op == "call" && x.root.name == name }

// Pairs are the fields of two variables that the expression holds against each other: of "it.place == this.site && …" place and site.
func (x *Expr) Pairs(a, b string) [][2]string {
	of := func(n *node, name string) string {
		if n.op == "select" && n.args[0].op == "var" && n.args[0].name == name {
			return n.name
		}
		return ""
	}
	var list [][2]string
	walk(x.root, func(n *node) {
		if n.op != "call" || n.name != "_==_" || len(n.args) != 2 {
			return
		}
		for i := range 2 {
			if l, r := of(n.args[i], a), of(n.args[1-i], b); l != "" && r != "" && !slices.Contains(list, [2]string{l, r}) {
				list = append(list, [2]string{l, r})
			}
		}
	})
	return list
}

// Blank are the fields of `this` that the expression says are empty or not so, where it says no more than that: "!has(this.a) && !this.b".
func (x *Expr) Blank() []string {
	var list []string
	var of func(n *node) bool
	of = func(n *node) bool {
		switch {
		case n.op == "call" && n.name == "_&&_":
			return of(n.args[0]) && of(n.args[1])
		case n.op == "call" && n.name == "!_":
			f := n.args[0]
			if f.op != "select" && f.op != "has" || f.args[0].op != "var" || f.args[0].name != "this" {
				return false
			}
			list = append(list, f.name)
			return true
		}
		return false
	}
	if !of(x.root) {
		return nil
	}
	return list
}

// Never are the values that the expression forbids one field of `this`, where it says no more than that: "!has(this.a) || this.a != 'x'".
func (x *Expr) Never() (field string, values []string) {
	own := func(n *node) bool {
		if n.op != "select" && n.op != "has" || n.args[0].op != "var" || n.args[0].name != "this" || field != "" && field != n.name {
			return false
		}
		field = n.name
		return true
	}
	var of func(n *node) bool
	of = func(n *node) bool {
		switch {
		case n.op == "call" && n.name == "_&&_":
			return of(n.args[0]) && of(n.args[1])
		case n.op == "call" && n.name == "_||_": // unset, or something else
			e := n.args[0]
			return e.op == "call" && e.name == "!_" && e.args[0].op == "has" && own(e.args[0]) && of(n.args[1])
		case n.op == "call" && n.name == "_!=_" && n.args[1].op == "const" && n.args[0].op == "select" && own(n.args[0]):
			v, ok := n.args[1].val.(string)
			values = append(values, v)
			return ok
		}
		return false
	}
	if !of(x.root) {
		return "", nil
	}
	return field, values
}

// Reads are the fields the expression depends on, through references, queries and live computed fields too.
func (x *Expr) Reads() []Path {
	r := reader{env: x.env, seen: map[Path]bool{}, live: map[*Expr]bool{}}
	r.read(x.root)
	return r.list
}

type reader struct {
	env  *Env
	list []Path
	seen map[Path]bool
	live map[*Expr]bool
}

func (r *reader) add(p Path) {
	if !r.seen[p] {
		r.seen[p] = true
		r.list = append(r.list, p)
	}
}

func (r *reader) read(root *node) {
	queried := map[*node]bool{} // forms whose condition says which rows count
	walk(root, func(n *node) {
		switch n.op {
		case "select", "has":
			o := r.env.object(n.args[0].typ)
			if o == nil {
				return
			}
			r.add(Path{Object: o.Key, Field: n.name})
			f := o.Fields[n.name]
			if f.Back != "" && f.Type.Elem != nil {
				r.add(Path{Object: f.Type.Elem.Object, Via: f.Back})
			}
			if f.Live != nil && !r.live[f.Live] {
				r.live[f.Live] = true
				r.read(f.Live.root)
			}
		case "form":
			if !queried[n] {
				r.add(Path{Object: n.typ.Elem.Object})
			}
		case "filter", "map":
			// where(…) may stand between the form and what asks of it: any of the conditions may name this
			src, via := n, ""
			for (src.op == "filter" || src.op == "map") && !queried[src] {
				if src != n {
					queried[src] = true
				}
				if src.args[1] != nil && via == "" {
					via = equated(src.args[1], src.name)
				}
				src = src.args[0]
			}
			if src.op == "form" && !queried[src] && !queried[n] {
				queried[src] = true
				r.add(Path{Object: src.typ.Elem.Object, Via: via})
			}
		}
	})
}

// equated is the field of row that a condition demands to be this.
func equated(pred *node, row string) string {
	for _, c := range conjuncts(pred, nil) {
		if c.op != "call" || c.name != "_==_" {
			continue
		}
		for i, a := range c.args {
			b := c.args[1-i]
			if a.op == "select" && a.args[0].op == "var" && a.args[0].name == row && b.op == "var" && b.name == "this" {
				return a.name
			}
		}
	}
	return ""
}
