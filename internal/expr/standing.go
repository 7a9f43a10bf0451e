package expr

import "slices"

// A void record is in no list: it was taken out of work. Who means it all the same says so: r.state == 'void'.

// standing adds to each question over records that they are not void, unless it asks for that itself.
func (e *Env) standing(n *node, asked bool) {
	if n == nil {
		return
	}
	if n.op != "filter" && n.op != "map" {
		for i, a := range n.args {
			if n.op == "call" && e.records(a) {
				if _, counts := aggregates[n.name]; counts {
					n.args[i] = &node{op: "filter", name: "@standing", typ: a.typ, off: a.off, args: []*node{a, notVoid("@standing", *a.typ.Elem, a.off), nil}}
				}
			}
			e.standing(a, false)
		}
		return
	}
	asked = asked || saysVoid(n.args[1], n.name) || saysVoid(n.args[2], n.name)
	if e.records(n.args[0]) && !asked {
		cond := notVoid(n.name, *n.args[0].typ.Elem, n.off)
		if n.args[1] != nil {
			cond = &node{op: "call", name: "_&&_", typ: Of(KBool), off: n.off, args: []*node{n.args[1], cond}}
		}
		n.args[1] = cond
	}
	e.standing(n.args[0], asked)
	e.standing(n.args[1], false)
	e.standing(n.args[2], false)
}

// records tells whether a list is that of the records of a form, or of those that name another.
func (e *Env) records(n *node) bool {
	if n.typ.Elem == nil || n.op != "form" && n.op != "select" {
		return false
	}
	o := e.object(*n.typ.Elem)
	if o == nil || o.Apart {
		return false
	}
	if n.op == "select" {
		of := e.object(n.args[0].typ)
		if of == nil || of.Fields[n.name].Back == "" {
			return false
		}
	}
	_, has := o.Fields["state"]
	return has
}

func notVoid(name string, elem Type, off int) *node {
	text := Of(KText)
	state := &node{op: "select", name: "state", typ: text, off: off, args: []*node{{op: "var", name: name, typ: elem, off: off}}}
	return &node{op: "call", name: "_!=_", typ: Of(KBool), off: off, args: []*node{state, {op: "const", val: "void", typ: text, off: off}}}
}

// saysVoid tells whether a condition holds the state of a row against void.
func saysVoid(n *node, row string) (said bool) {
	walk(n, func(x *node) {
		if x.op != "call" {
			return
		}
		state, void := false, false
		for _, a := range x.args {
			state = state || a.op == "select" && a.name == "state" && a.args[0].op == "var" && a.args[0].name == row
			void = void || a.op == "const" && a.val == "void" || a.op == "list" && slices.ContainsFunc(a.args, func(y *node) bool { return y.val == "void" })
		}
		said = said || state && void
	})
	return said
}
