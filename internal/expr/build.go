package expr

import (
	"fmt"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// builder turns a checked CEL tree into ours and finds the mistakes the type checker cannot see.
type builder struct {
	env      *Env
	ast      *ast.AST
	vars     Vars
	text     string
	problems []Problem
}

func (b *builder) fail(off int, msg, hint string) *node {
	off = wordStart(b.text, off)
	line, col := place(b.text, off)
	b.problems = append(b.problems, Problem{Offset: off, Line: line, Col: col, Message: msg, Hint: hint})
	return &node{op: "const", typ: Of(KAny), off: off}
}

func (b *builder) off(id int64) int {
	if r, ok := b.ast.SourceInfo().GetOffsetRange(id); ok {
		return int(r.Start)
	}
	return 0
}

func (b *builder) node(e ast.Expr, depth int) *node {
	n := &node{off: b.off(e.ID()), typ: b.env.fromCEL(b.ast.GetType(e.ID()))}
	if depth > maxDepth {
		return b.fail(n.off, "the condition is nested too deeply", "split it into computed fields")
	}
	switch e.Kind() {
	case ast.LiteralKind:
		return b.literal(n, e.AsLiteral())
	case ast.IdentKind:
		return b.ident(n, e.AsIdent())
	case ast.SelectKind:
		s := e.AsSelect()
		n.op, n.name = "select", s.FieldName()
		n.args = []*node{b.node(s.Operand(), depth+1)}
		n.off = n.args[0].off // CEL places a selection at its dot
		if o := b.env.object(n.args[0].typ); o != nil {
			if f, ok := o.Fields[n.name]; ok {
				n.typ = f.Type
			}
		}
		if x := n.args[0]; x.op == "call" && x.name == "ledger" {
			if id, ok := textOf(x.args[0]); ok && b.env.schema.Ledgers[id] && b.env.schema.Quantities[id] != (n.name == "quantity") {
				if n.name == "quantity" {
					return b.fail(n.off, fmt.Sprintf("the balance of ledger %s is money", id), "write .balance")
				}
				return b.fail(n.off, fmt.Sprintf("the balance of ledger %s is a quantity", id), "write .quantity")
			}
		}
		if s.IsTestOnly() {
			n.op, n.typ = "has", Of(KBool)
		}
	case ast.ListKind:
		n.op = "list"
		for _, x := range e.AsList().Elements() {
			n.args = append(n.args, b.node(x, depth+1))
		}
	case ast.ComprehensionKind:
		return b.comprehension(e.AsComprehension(), n, depth)
	case ast.CallKind:
		c := e.AsCall()
		n.op, n.name = "call", c.FunctionName()
		if c.IsMemberFunction() {
			n.args = append(n.args, b.node(c.Target(), depth+1))
		}
		for _, x := range c.Args() {
			n.args = append(n.args, b.node(x, depth+1))
		}
		return b.call(n)
	default:
		return b.fail(n.off, "maps and structures cannot be written in a condition", "")
	}
	return n
}

func (b *builder) literal(n *node, v ref.Val) *node {
	n.op = "const"
	switch x := v.Value().(type) {
	case bool, int64, string:
		n.val = x
		return n
	case float64:
		return b.fail(n.off, "fractions are exact here", "write dec('0.15'), pct('15') or money('0.15')")
	}
	if v == types.NullValue {
		return b.fail(n.off, "null is not used", "write !has(…)")
	}
	return b.fail(n.off, "this kind of literal is not used", "")
}

// ofThis are the variables that are parts of this.
var ofThis = map[string]bool{"done": true, "stay": true, "late": true, "overrun": true, "due": true, "parent": true}

func (b *builder) ident(n *node, name string) *node {
	n.op, n.name = "var", name
	t, ok := b.vars[name]
	switch {
	case ok:
		n.typ = t
	case name == "param":
		n.typ = ObjectOf("param")
	case b.env.schema.Forms[name] != "":
		n.op, n.typ = "form", ListOf(ObjectOf(b.env.schema.Forms[name]))
	case b.env.schema.Roles[name]:
		n.op, n.typ = "role", Of(KWho)
	}
	if ofThis[name] && n.op == "var" {
		if o := b.env.object(b.vars["this"]); o != nil {
			if f, ok := o.Fields[name]; ok && f.Type.Kind == KObject && f.Type.Object == n.typ.Object {
				n.as = &node{op: "select", name: name, typ: n.typ, off: n.off, args: []*node{{op: "var", name: "this", typ: b.vars["this"], off: n.off}}}
			}
		}
	}
	return n
}

// comprehension recognises the two shapes our macros make.
func (b *builder) comprehension(c ast.ComprehensionExpr, n *node, depth int) *node {
	n.name = c.IterVar()
	step := c.LoopStep()
	var pred ast.Expr
	if step.Kind() == ast.CallKind && step.AsCall().FunctionName() == operators.Conditional {
		pred, step = step.AsCall().Args()[0], step.AsCall().Args()[1]
	}
	body := step.AsCall().Args()[1].AsList().Elements()[0]
	target := b.node(c.IterRange(), depth+1)
	n.off = target.off
	elem := Of(KAny)
	if target.typ.Elem != nil {
		elem = *target.typ.Elem
	}
	keep := b.vars
	b.vars = Vars{}
	for k, v := range keep {
		b.vars[k] = v
	}
	b.vars[n.name] = elem
	if n.name == "this" { // the row is this now; what belongs to the outer one no longer means it
		for k := range ofThis {
			delete(b.vars, k)
		}
	}
	n.args = []*node{target, nil, nil}
	if pred != nil {
		n.args[1] = b.node(pred, depth+1)
	}
	if body.Kind() == ast.IdentKind && body.AsIdent() == n.name && pred != nil {
		n.op, n.typ = "filter", ListOf(elem)
	} else {
		n.op = "map"
		n.args[2] = b.node(body, depth+1)
		n.typ = ListOf(n.args[2].typ)
	}
	b.vars = keep
	return n
}
