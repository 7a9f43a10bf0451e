package expr

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// The queries of the language are macros over two comprehensions of a fixed shape, which the type checker
// understands and which we recognise again afterwards: filter (the rows that fit) and map (a value of each).

func filterOf(h cel.MacroExprFactory, target, v, cond ast.Expr) (ast.Expr, *cel.Error) {
	if v.Kind() != ast.IdentKind {
		return nil, h.NewError(v.ID(), "the first argument is a short name for one row, like c")
	}
	accu := h.AccuIdentName()
	step := h.NewCall(operators.Conditional, cond, h.NewCall(operators.Add, h.NewAccuIdent(), h.NewList(h.NewIdent(v.AsIdent()))), h.NewAccuIdent())
	return h.NewComprehension(h.NewCall("@rows", target), v.AsIdent(), accu, h.NewList(), h.NewLiteral(types.True), step, h.NewAccuIdent()), nil
}

func mapOf(h cel.MacroExprFactory, target, v, cond, body ast.Expr) (ast.Expr, *cel.Error) {
	if v.Kind() != ast.IdentKind {
		return nil, h.NewError(v.ID(), "the first argument is a short name for one row, like c")
	}
	accu := h.AccuIdentName()
	step := h.NewCall(operators.Add, h.NewAccuIdent(), h.NewList(body))
	if cond != nil {
		step = h.NewCall(operators.Conditional, cond, step, h.NewAccuIdent())
	}
	return h.NewComprehension(h.NewCall("@rows", target), v.AsIdent(), accu, h.NewList(), h.NewLiteral(types.True), step, h.NewAccuIdent()), nil
}

// filtered makes a macro t.name(v, c) → @name(filter).
func filtered(name, fn string) cel.Macro {
	return cel.ReceiverMacro(name, 2, func(h cel.MacroExprFactory, t ast.Expr, a []ast.Expr) (ast.Expr, *cel.Error) {
		f, err := filterOf(h, t, a[0], a[1])
		if err != nil || fn == "" {
			return f, err
		}
		return h.NewCall(fn, f), nil
	})
}

// mapped makes t.name(v, e) or t.name(v, c, e) → @name(map).
func mapped(name, fn string, args int) cel.Macro {
	return cel.ReceiverMacro(name, args, func(h cel.MacroExprFactory, t ast.Expr, a []ast.Expr) (ast.Expr, *cel.Error) {
		var cond ast.Expr
		if args == 3 {
			cond = a[1]
		}
		m, err := mapOf(h, t, a[0], cond, a[args-1])
		if err != nil {
			return nil, err
		}
		return h.NewCall(fn, m), nil
	})
}

// keyed makes t.first(v, c, key) → @fn(filter, map of key over the same rows).
func keyed(name, fn string) cel.Macro {
	return cel.ReceiverMacro(name, 3, func(h cel.MacroExprFactory, t ast.Expr, a []ast.Expr) (ast.Expr, *cel.Error) {
		f, err := filterOf(h, t, a[0], a[1])
		if err != nil {
			return nil, err
		}
		m, err := mapOf(h, h.Copy(t), h.Copy(a[0]), h.Copy(a[1]), a[2])
		if err != nil {
			return nil, err
		}
		return h.NewCall(fn, f, m), nil
	})
}

// presence is has(x): of a field CEL's own presence test, of anything else whether it is set.
func presence(h cel.MacroExprFactory, _ ast.Expr, a []ast.Expr) (ast.Expr, *cel.Error) {
	if a[0].Kind() == ast.SelectKind {
		s := a[0].AsSelect()
		return h.NewPresenceTest(s.Operand(), s.FieldName()), nil
	}
	return h.NewCall("@has", a[0]), nil
}

// unitWord lets start_of(month, t) stand for start_of('month', t).
func unitWord(name string) cel.Macro {
	return cel.GlobalMacro(name, 2, func(h cel.MacroExprFactory, _ ast.Expr, a []ast.Expr) (ast.Expr, *cel.Error) {
		if a[0].Kind() == ast.IdentKind && periods[a[0].AsIdent()] {
			return h.NewCall(name, h.NewLiteral(types.String(a[0].AsIdent())), a[1]), nil
		}
		return nil, nil // as written
	})
}

func macros() []cel.Macro {
	list := []cel.Macro{
		cel.GlobalMacro("has", 1, presence), unitWord("start_of"), unitWord("end_of"),
		filtered("exists", "@exists"), filtered("none", "@none"), filtered("count", "@count"),
		filtered("where", ""), filtered("filter", ""), filtered("first", "@first"), filtered("last", "@last"), filtered("spans", "@spans"),
		mapped("all", "@all", 2), mapped("map", "@list", 2), mapped("join", "@join", 2),
		mapped("distinct", "@distinct", 2), mapped("distinct", "@distinct", 3),
		mapped("sorted", "@sorted", 2),
		keyed("first", "@first_by"), keyed("last", "@last_by"),
		cel.ReceiverMacro("sorted_by", 2, func(h cel.MacroExprFactory, t ast.Expr, a []ast.Expr) (ast.Expr, *cel.Error) {
			m, err := mapOf(h, h.Copy(t), a[0], nil, a[1])
			if err != nil {
				return nil, err
			}
			return h.NewCall("@sorted_by", t, m), nil
		}),
		cel.GlobalMacro("split", 4, func(h cel.MacroExprFactory, _ ast.Expr, a []ast.Expr) (ast.Expr, *cel.Error) {
			m, err := mapOf(h, h.Copy(a[1]), a[2], nil, a[3])
			if err != nil {
				return nil, err
			}
			return h.NewCall("@split", a[0], a[1], m), nil
		}),
	}
	for _, agg := range []string{"sum", "min", "max", "avg", "median"} {
		list = append(list, mapped(agg, "@"+agg, 2), mapped(agg, "@"+agg, 3))
	}
	return list
}
