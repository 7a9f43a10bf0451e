package store

import (
	"slices"
	"strconv"
	"strings"

	"zhanggui/internal/query"
)

// expr writes one node and answers the kind of its value ("" = NULL, of any kind).
func (r *renderer) expr(e query.Expr) Kind {
	switch x := e.(type) {
	case query.Col:
		r.text(quote(x.Alias) + "." + quote(x.Name))
		if c := r.columnOf(x); c != nil {
			return c.Kind
		}
	case query.Const:
		return r.constant(x.Value)
	case query.Op:
		return r.op(x)
	case query.Ref:
		r.made++
		alias := "#" + strconv.Itoa(r.made) // no alias of the language looks like this
		r.text("(SELECT " + quote(alias) + "." + quote(x.Name) + " FROM " + quote(x.Table) + " AS " + quote(alias) + " WHERE " + quote(alias) + `."id" = `)
		r.expr(x.On) // names nothing of the new alias
		r.text(")")
		return r.kindOf(x)
	case query.Sub:
		defer r.enter(x.Alias, x.Table)()
		if x.Agg == "exists" {
			r.text("EXISTS (SELECT 1")
		} else {
			r.text("(SELECT ")
			r.aggregate(x.Agg, x.Arg)
		}
		r.text(" FROM " + quote(x.Table) + " AS " + quote(x.Alias))
		r.where(x.Where)
		r.text(")")
		return r.kindOf(x)
	case query.Case:
		r.caseWhen(x)
		return r.kindOf(x)
	case nil:
		r.errorf("a part of the question is missing")
	default:
		r.errorf("unknown node %T", e)
	}
	return ""
}

// exprAs writes a node where a kind is expected, and answers the kind it has. A value that is NULL
// whatever happens has none, and PostgreSQL would take it for text.
func (r *renderer) exprAs(e query.Expr, want Kind) Kind {
	kind := r.expr(e)
	if kind == "" && want != "" && r.dialect == postgres {
		r.text(casts[want])
	}
	return kind
}

var casts = map[Kind]string{Text: "::text", JSON: "::text", Int: "::bigint", Bool: "::boolean", Blob: "::bytea"}

// kindOf is the kind of a node's value without writing it.
func (r *renderer) kindOf(e query.Expr) Kind {
	switch x := e.(type) {
	case query.Col:
		if c := r.columnOf(x); c != nil {
			return c.Kind
		}
	case query.Const:
		v, _ := normal(x.Value)
		switch v.(type) {
		case string:
			return Text
		case int64:
			return Int
		case bool:
			return Bool
		case []byte:
			return Blob
		}
	case query.Op:
		switch x.Name {
		case "+", "-", "*":
			return Int
		case "coalesce":
			return r.firstKind(x.Args)
		}
		return Bool
	case query.Ref:
		t := r.schema.tables[x.Table]
		if t == nil || t.byName[x.Name] == nil {
			r.errorf("there is no column %s.%s", x.Table, x.Name)
			return ""
		}
		return t.byName[x.Name].Kind
	case query.Sub:
		switch x.Agg {
		case "exists":
			return Bool
		case "min", "max":
			defer r.enter(x.Alias, x.Table)()
			return r.kindOf(x.Arg)
		}
		return Int
	case query.Case:
		return r.firstKind(append(slices.Clone(x.Then), x.Else))
	}
	return ""
}

func (r *renderer) firstKind(list []query.Expr) Kind {
	for _, e := range list {
		if k := r.kindOf(e); k != "" {
			return k
		}
	}
	return ""
}

// constant writes a bound value. PostgreSQL is told its type, because it cannot always guess it, and
// equal values share one parameter there: only then does it see that a grouped and a selected
// expression are the same.
func (r *renderer) constant(value any) Kind {
	v, err := normal(value)
	if err != nil {
		r.errorf("%w", err)
		return ""
	}
	kind := Kind("")
	switch x := v.(type) {
	case nil:
		r.text("NULL")
		return ""
	case string:
		if !storable(x) {
			// No stored text can equal it; the databases differ in how they would complain.
			x = strings.ReplaceAll(strings.ToValidUTF8(x, "\uFFFD"), "\x00", "\uFFFD")
			v = x
		}
		kind = Text
	case int64:
		kind = Int
	case bool:
		kind = Bool
	case []byte:
		kind = Blob
	}
	if r.dialect == sqlite {
		r.args = append(r.args, v)
		r.text("?")
		return kind
	}
	n := 0
	if kind != Blob { // a slice cannot be a key
		if r.marks == nil {
			r.marks = map[any]int{}
		}
		n = r.marks[v]
	}
	if n == 0 {
		r.args = append(r.args, v)
		n = len(r.args)
		if kind != Blob {
			r.marks[v] = n
		}
	}
	r.text("$" + strconv.Itoa(n) + casts[kind])
	return kind
}
