package expr

import (
	"fmt"
	"regexp"
	"sync/atomic"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// Expr is a compiled expression.
type Expr struct {
	text string
	typ  Type
	root *node
	env  *Env
}

// node is our own small tree, made from the checked CEL. op is one of const, var, form, role, select, has,
// call, list, filter and map; of filter and map name is the loop variable and args are list, condition, value.
type node struct {
	op   string
	name string // variable, field, function, loop variable
	val  Value
	typ  Type
	args []*node
	off  int
	as   *node          // of the variables done, stay, late …: the same thing said of this
	re   *regexp.Regexp // of matches with a fixed pattern
	path atomic.Pointer[string]
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
	checked, missed, iss := e.check(env, text)
	if iss.Err() != nil {
		return nil, e.problems(iss, missed, text, vars)
	}
	native := checked.NativeRep()
	b := &builder{env: e, ast: native, vars: vars, text: text}
	root := b.node(native.Expr(), 0)
	if len(b.problems) > 0 {
		return nil, b.problems
	}
	e.standing(root, false)
	x := &Expr{text: text, typ: root.typ, root: root, env: e}
	if p := fits(x, want); p != nil {
		return nil, []Problem{*p}
	}
	return x, nil
}

// check parses a text, if it was not parsed before, and checks it. What was parsed is checked by one at a time: the checker
// resolves names in place, which come out alike everywhere since no variable has a dot in its name.
func (e *Env) check(env *cel.Env, text string) (*cel.Ast, []miss, *cel.Issues) {
	e.checking.Lock() // the provider notes which fields were missed, for the messages
	defer e.checking.Unlock()
	var parsed *cel.Ast
	if e.texts != nil {
		parsed = e.texts.parsed[text]
	}
	if parsed == nil {
		var iss *cel.Issues
		if parsed, iss = env.Parse(text); iss.Err() != nil {
			return nil, nil, iss
		}
		if e.texts != nil {
			e.texts.parsed[text] = parsed
		}
	}
	e.missed = nil
	checked, iss := env.Check(parsed)
	return checked, e.missed, iss
}

// fits asks for the type that the place wants. What the engine converts by itself passes: a choice for a text,
// a person for a set of persons, a date for its start, a whole number for a decimal.
func fits(x *Expr, want Type) *Problem {
	got := x.typ
	if want.Kind == KAny || want.Kind == "" || got.Kind == KAny || got.Kind == want.Kind && (want.Kind != KObject || want.Object == got.Object || want.Object == "") {
		return nil
	}
	switch {
	case want.Kind == KText && got.Kind == KChoice, want.Kind == KChoice && got.Kind == KText,
		want.Kind == KDecimal && got.Kind == KInt, want.Kind == KWho && (got.Kind == KList || got.Kind == KObject),
		want.Kind == KList && got.Kind == KWho, want.Kind == KDatetime && got.Kind == KDate, want.Kind == KObject && got.Kind == KList:
		return nil
	}
	p := &Problem{Line: 1, Col: 1, Message: fmt.Sprintf("value is %s, not %s: %q", kindWord(got), kindWord(want), x.text)}
	switch {
	case want.Kind == KBool:
		p.Message = fmt.Sprintf("condition is %s, not true or false: %q", kindWord(got), x.text)
	case want.Kind == KMoney && got.Kind == KInt:
		p.Hint = "write money('100')"
	case want.Kind == KInt && got.Kind == KDecimal:
		p.Hint = "write floor(…), ceil(…) or round(…)"
	case want.Kind == KDate && got.Kind == KDatetime:
		p.Hint = "write day(…)"
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
	case KMoney:
		return "money"
	case KObject:
		if t.Object == "" {
			return "a record"
		}
		return "a record (" + tail(t.Object) + ")"
	case KSpan:
		return "a length of time"
	case KWho:
		return "a set of persons"
	}
	return "a " + string(t.Kind)
}

// object of an object type, nil otherwise.
func (e *Env) object(t Type) *Object {
	if t.Kind != KObject || e == nil {
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
		if k, ok := structs[t.TypeName()]; ok {
			return Of(k)
		}
		if o := e.called(t.TypeName()); o != nil {
			return ObjectOf(o.Key)
		}
	case types.OpaqueKind:
		if _, ok := opaque[Kind(t.TypeName())]; ok {
			return Of(Kind(t.TypeName()))
		}
	}
	return Of(KAny)
}
