package expr

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// Expr is a compiled expression.
type Expr struct {
	text string
	typ  Type
	root *node
	env  *Env
}

// node is our own small tree, made from the checked CEL: const, var, select, has, call, list, filter, map.
type node struct {
	op   string
	name string // variable, field, function, loop variable
	val  Value
	typ  Type
	args []*node
	off  int
}

const maxText, maxDepth = 4000, 60

// Text is the expression as written; Type its static type.
func (x *Expr) Text() string { return x.text }
func (x *Expr) Type() Type   { return x.typ }

// Const is an expression that is always v.
func Const(v Value, t Type) *Expr {
	return &Expr{text: Format(v, t), typ: t, root: &node{op: "const", val: v, typ: t}}
}

// Compile parses and checks text with the variables of its place. want.Kind KAny makes no demand.
func (e *Env) Compile(text string, vars Vars, want Type) (*Expr, []Problem) {
	fail := func(msg, hint string) (*Expr, []Problem) {
		return nil, []Problem{{Line: 1, Col: 1, Message: msg, Hint: hint}}
	}
	if len(text) > maxText {
		return fail(fmt.Sprintf("the condition is longer than %d characters", maxText), "split it into computed fields")
	}
	env, err := e.extended(vars)
	if err != nil {
		return fail(err.Error(), "")
	}
	parsed, iss := env.Parse(text)
	if iss.Err() != nil {
		return nil, e.problems(iss, text)
	}
	checked, iss := env.Check(parsed)
	if iss.Err() != nil {
		return nil, e.problems(iss, text)
	}
	native := checked.NativeRep()
	b := &builder{env: e, ast: native, vars: vars, text: text}
	root := b.node(native.Expr(), 0)
	if len(b.problems) > 0 {
		return nil, b.problems
	}
	x := &Expr{text: text, typ: root.typ, root: root, env: e}
	if p := fits(x, want); p != nil {
		return nil, []Problem{*p}
	}
	return x, nil
}

// fits asks the type that the place wants; money is given as whole numbers nowhere.
func fits(x *Expr, want Type) *Problem {
	got := x.typ
	if want.Kind == KAny || want.Kind == "" || got.Kind == KAny || got.Kind == want.Kind && (want.Kind != KObject || want.Object == got.Object || want.Object == "") {
		return nil
	}
	switch {
	case want.Kind == KText && got.Kind == KChoice, want.Kind == KChoice && got.Kind == KText,
		want.Kind == KDecimal && got.Kind == KInt, want.Kind == KWho && (got.Kind == KList || got.Kind == KObject),
		want.Kind == KList && (got.Kind == KWho || got.Kind == KObject), want.Kind == KDatetime && got.Kind == KDate, want.Kind == KObject && got.Kind == KList:
		return nil
	}
	p := &Problem{Line: 1, Col: 1, Message: fmt.Sprintf("value is %s, not %s: %q", kindWord(got), kindWord(want), x.text)}
	if want.Kind == KBool {
		p.Message = fmt.Sprintf("condition is %s, not true or false: %q", kindWord(got), x.text)
	}
	return p
}

func kindWord(t Type) string {
	switch t.Kind {
	case KText, KChoice:
		return "a text"
	case KBool:
		return "true or false"
	case KInt:
		return "an int"
	case KObject:
		return "a record"
	case KSpan:
		return "a length of time"
	case KWho:
		return "a set of persons"
	}
	return "a " + string(t.Kind)
}

type builder struct {
	env      *Env
	ast      *ast.AST
	vars     Vars
	text     string
	problems []Problem
	depth    int
}

func (b *builder) fail(off int, msg, hint string) *node {
	line, col := place(b.text, off)
	b.problems = append(b.problems, Problem{Offset: off, Line: line, Col: col, Message: msg, Hint: hint})
	return &node{op: "const", typ: Of(KAny), off: off}
}

// place turns an offset in code points into line and column.
func place(text string, off int) (int, int) {
	line, col := 1, 1
	for _, r := range text {
		if off <= 0 {
			break
		}
		off--
		col++
		if r == '\n' {
			line, col = line+1, 1
		}
	}
	return line, col
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
		n.op = "const"
		n.val = literal(e.AsLiteral())
	case ast.IdentKind:
		n.op, n.name = "var", e.AsIdent()
		if t, ok := b.vars[n.name]; ok {
			n.typ = t
		}
	case ast.SelectKind:
		s := e.AsSelect()
		n.op, n.name = "select", s.FieldName()
		if s.IsTestOnly() {
			n.op, n.typ = "has", Of(KBool)
		}
		n.args = []*node{b.node(s.Operand(), depth+1)}
		if o := b.env.object(n.args[0].typ); o != nil && n.op == "select" {
			if f, ok := o.Fields[n.name]; ok {
				n.typ = f.Type
			}
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

// comprehension recognises the two shapes our macros make.
func (b *builder) comprehension(c ast.ComprehensionExpr, n *node, depth int) *node {
	n.name = c.IterVar()
	step := c.LoopStep()
	var pred ast.Expr
	if call := step; call.Kind() == ast.CallKind && call.AsCall().FunctionName() == operators.Conditional {
		pred, step = call.AsCall().Args()[0], call.AsCall().Args()[1]
	}
	body := step.AsCall().Args()[1].AsList().Elements()[0]
	target := b.node(c.IterRange(), depth+1)
	var elem Type
	if target.typ.Elem != nil {
		elem = *target.typ.Elem
	} else if target.typ.Kind == KAny {
		elem = Of(KAny)
	}
	old, had := b.vars[n.name]
	vars := Vars{}
	for k, v := range b.vars {
		vars[k] = v
	}
	vars[n.name] = elem
	keep := b.vars
	b.vars = vars
	n.args = []*node{target, nil, nil}
	if pred != nil {
		n.args[1] = b.node(pred, depth+1)
	}
	if body.Kind() == ast.IdentKind && body.AsIdent() == n.name && pred != nil {
		n.op = "filter"
		n.typ = ListOf(elem)
	} else {
		n.op = "map"
		n.args[2] = b.node(body, depth+1)
		n.typ = ListOf(n.args[2].typ)
	}
	b.vars = keep
	_ = old
	_ = had
	return n
}

// call checks what the type checker cannot: literals, options of a choice, names of approvals and the like.
func (b *builder) call(n *node) *node {
	text := func(i int) (string, bool) {
		if i < len(n.args) && n.args[i].op == "const" {
			s, ok := n.args[i].val.(string)
			return s, ok
		}
		return "", false
	}
	switch n.name {
	case "dec", "pct", "money":
		t := Of(KDecimal)
		if n.name == "money" {
			t = Of(KMoney)
		}
		if s, ok := text(0); ok {
			v, err := ParseLiteral(s, t, time.UTC)
			if err != nil {
				return b.fail(n.off, fmt.Sprintf("%s(%q): %v", n.name, s, err), "")
			}
			if n.name == "pct" {
				d, err := v.(Decimal).Quo(hundred)
				if err != nil {
					return b.fail(n.off, err.Error(), "")
				}
				v = Decimal{d}
			}
			return &node{op: "const", val: v, typ: t, off: n.off}
		}
		if n.args[0].op == "const" {
			if i, ok := n.args[0].val.(int64); ok {
				v, _ := ParseLiteral(fmt.Sprint(i), t, time.UTC)
				if n.name == "pct" {
					d, _ := v.(Decimal).Quo(hundred)
					v = Decimal{d}
				}
				return &node{op: "const", val: v, typ: t, off: n.off}
			}
		}
	case "_==_", "_!=_":
		b.option(n.args[0], n.args[1])
		b.option(n.args[1], n.args[0])
	case "@in":
		if n.args[1].op == "list" {
			for _, x := range n.args[1].args {
				b.option(n.args[0], x)
			}
		}
	case "waiting", "approved":
		b.known(n, "approval", b.env.schema.Approvals)
	case "rank", "ranked":
		b.known(n, "ranking", b.env.schema.Rankings)
	case "ledger":
		b.known(n, "ledger", b.env.schema.Ledgers)
	case "quota_left":
		b.known(n, "quota", b.env.schema.Quotas)
	case "_[_]":
		return b.fail(n.off, "[n] is not used here", "write .at(n)")
	case "@first", "@last", "@first_by", "@last_by", "at", "first", "@max", "@min":
		if n.args[0].typ.Elem != nil && !strings.HasPrefix(n.name, "@m") && n.name != "at" || n.name == "at" && n.args[0].typ.Kind == KList && n.args[0].typ.Elem != nil {
			n.typ = *n.args[0].typ.Elem
		} else if strings.HasPrefix(n.name, "@m") && n.args[0].typ.Elem != nil {
			n.typ = *n.args[0].typ.Elem
		}
	case "_?_:_":
		if n.args[1].typ.Kind == n.args[2].typ.Kind {
			n.typ = n.args[1].typ
		}
	}
	return n
}

func (b *builder) known(n *node, what string, names map[string]bool) {
	if len(n.args) == 0 || n.args[0].op != "const" {
		b.fail(n.off, fmt.Sprintf("%s wants the name of a %s in quotes", n.name, what), "")
		return
	}
	s, _ := n.args[0].val.(string)
	if !names[s] {
		b.fail(n.args[0].off, fmt.Sprintf("there is no %s %q", what, s), meant(s, keysOf(names)))
	}
}

// option asks that a text compared with a choice is one of its options.
func (b *builder) option(choice, text *node) {
	if choice.typ.Kind != KChoice || len(choice.typ.Options) == 0 || text.op != "const" {
		return
	}
	s, ok := text.val.(string)
	if !ok {
		return
	}
	for _, o := range choice.typ.Options {
		if o == s {
			return
		}
	}
	b.fail(text.off, fmt.Sprintf("%q is not an option of %s", s, choice.name), meant(s, choice.typ.Options))
}

func literal(v ref.Val) Value {
	switch x := v.Value().(type) {
	case bool, int64, string:
		return x
	case float64:
		return nil
	}
	if v == types.NullValue {
		return nil
	}
	return v.Value()
}

// object of an object type, nil otherwise.
func (e *Env) object(t Type) *Object {
	if t.Kind != KObject {
		return nil
	}
	return e.schema.Objects[t.Object]
}

// fromCEL reads a checked type back.
func (e *Env) fromCEL(t *cel.Type) Type {
	if t == nil {
		return Of(KAny)
	}
	switch t.Kind() {
	case types.BoolKind:
		return Of(KBool)
	case types.IntKind:
		return Of(KInt)
	case types.StringKind:
		return Of(KText)
	case types.TimestampKind:
		return Of(KDatetime)
	case types.ListKind:
		if p := t.Parameters(); len(p) == 1 {
			return ListOf(e.fromCEL(p[0]))
		}
		return Type{Kind: KList}
	case types.StructKind:
		if o := e.byType[t.TypeName()]; o != nil {
			return ObjectOf(o.Key)
		}
	case types.OpaqueKind:
		if _, ok := opaque[Kind(t.TypeName())]; ok {
			return Of(Kind(t.TypeName()))
		}
	}
	return Of(KAny)
}

var (
	undefinedField = regexp.MustCompile(`^undefined field '([^']+)'`)
	undeclared     = regexp.MustCompile(`^undeclared reference to '([^']+)'`)
	noOverload     = regexp.MustCompile(`^found no matching overload for '([^']+)' applied to '(.*)'$`)
)

// problems puts the checker's mistakes into the words of the rulebook.
func (e *Env) problems(iss *cel.Issues, text string) []Problem {
	var list []Problem
	for _, err := range iss.Errors() {
		p := Problem{Line: err.Location.Line(), Col: err.Location.Column() + 1, Message: strings.TrimSpace(err.Message)}
		if p.Line < 1 {
			p.Line = 1
		}
		if m := undefinedField.FindStringSubmatch(p.Message); m != nil {
			p.Message, p.Hint = e.noField(m[1], text)
			p.Col++ // the checker points at the dot
		} else if m := undeclared.FindStringSubmatch(p.Message); m != nil {
			name := m[1]
			p.Message = fmt.Sprintf("%q is not known here", name)
			p.Hint = meant(name, append(keysOf(e.schema.Roles), keysOf(e.schema.Forms)...))
		} else if m := noOverload.FindStringSubmatch(p.Message); m != nil {
			p.Message, p.Hint = overloadWords(m[1], m[2])
		} else if strings.HasPrefix(p.Message, "Syntax error:") {
			p.Message = "the condition cannot be read: " + strings.TrimSpace(strings.TrimPrefix(p.Message, "Syntax error:"))
		}
		p.Offset = offsetOf(text, p.Line, p.Col)
		list = append(list, p)
	}
	return list
}

func offsetOf(text string, line, col int) int {
	off := 0
	for i, l := range strings.Split(text, "\n") {
		if i+1 == line {
			return off + col - 1
		}
		off += utf8.RuneCountInString(l) + 1
	}
	return 0
}

// noField looks for the object that was meant: the one whose fields come nearest.
func (e *Env) noField(field, text string) (string, string) {
	best, label, dist := "", "", 99
	for _, key := range keysOf(e.schema.Objects) {
		o := e.schema.Objects[key]
		for id := range o.Fields {
			if d := distance(field, id); d < dist || d == dist && id < best {
				best, label, dist = id, tail(key), d
			}
		}
	}
	if best != "" && dist <= len(field)/3+1 {
		return fmt.Sprintf("field %q does not exist on form %s; did you mean %q?", field, label, best), ""
	}
	return fmt.Sprintf("field %q does not exist there", field), ""
}

func tail(key string) string {
	if i := strings.LastIndexAny(key, "."); i >= 0 {
		return key[i+1:]
	}
	return key
}

var operatorWord = map[string]string{"_>_": ">", "_<_": "<", "_>=_": ">=", "_<=_": "<=", "_==_": "==", "_!=_": "!=", "_+_": "+", "_-_": "-", "_*_": "*", "_/_": "/", "_&&_": "&&", "_||_": "||", "!_": "!", "@in": "in", "_?_:_": "? :"}

func overloadWords(fn, args string) (string, string) {
	args = strings.Trim(args, "()")
	args = strings.NewReplacer("google.protobuf.Timestamp", "datetime", "string", "text", "o_base_dot_", "").Replace(args)
	parts := strings.Split(args, ", ")
	if op, ok := operatorWord[fn]; ok && len(parts) == 2 {
		hint := ""
		if strings.Contains(args, "money") && strings.Contains(args, "int") {
			hint = "write money('100')"
		}
		msg := fmt.Sprintf("%s and %s cannot be joined with %s", parts[0], parts[1], op)
		switch op {
		case ">", "<", ">=", "<=", "==", "!=":
			msg = fmt.Sprintf("%s and %s cannot be compared with %s", parts[0], parts[1], op)
		}
		if hint != "" {
			return msg + ": " + hint, ""
		}
		return msg, ""
	}
	return fmt.Sprintf("%s cannot be applied to %s", strings.TrimPrefix(fn, "@"), args), ""
}
