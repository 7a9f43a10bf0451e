package store

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

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
	kind, cast := Kind(""), ""
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
		kind, cast = Text, "::text"
	case int64:
		kind, cast = Int, "::bigint"
	case bool:
		kind, cast = Bool, "::boolean"
	case []byte:
		kind, cast = Blob, "::bytea"
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
	r.text("$" + strconv.Itoa(n) + cast)
	return kind
}

func (r *renderer) op(x query.Op) Kind {
	args := func(from, to int) bool {
		if len(x.Args) < from || (to >= 0 && len(x.Args) > to) {
			r.errorf("%s takes another number of arguments than %d", x.Name, len(x.Args))
			return false
		}
		return true
	}
	switch x.Name {
	case "and", "or":
		if len(x.Args) == 0 {
			r.text(pick(x.Name == "and", "TRUE", "FALSE"))
			return Bool
		}
		r.join(strings.ToUpper(x.Name), x.Args)
	case "not":
		if args(1, 1) {
			r.call("(NOT ", x.Args[0], ")")
		}
	case "isnull":
		if args(1, 1) {
			r.call("(", x.Args[0], " IS NULL)")
		}
	case "=", "<>", "<", "<=", ">", ">=":
		if args(2, 2) {
			r.join(x.Name, x.Args)
		}
	case "+", "-", "*":
		if x.Name == "-" && len(x.Args) == 1 {
			r.call("(- ", x.Args[0], ")")
		} else if args(2, -1) {
			r.join(x.Name, x.Args)
		}
		return Int
	case "coalesce":
		if args(1, -1) && len(x.Args) == 1 {
			return r.expr(x.Args[0])
		}
		r.text("COALESCE(")
		for i, a := range x.Args {
			r.comma(i)
			r.expr(a)
		}
		r.text(")")
		return r.kindOf(x)
	case "in":
		if args(1, -1) {
			r.in(x.Args[0], x.Args[1:])
		}
	case "contains":
		if args(2, 2) {
			r.contains(x.Args[0], x.Args[1])
		}
	case "startswith":
		if args(2, 2) {
			r.startsWith(x.Args[0], x.Args[1])
		}
	default:
		r.errorf("unknown operator %q", x.Name)
	}
	return Bool
}

// join writes (a OP b OP c). An untyped NULL in arithmetic is more than PostgreSQL can bear.
func (r *renderer) join(op string, list []query.Expr) {
	r.text("(")
	for i, a := range list {
		if i > 0 {
			r.text(" " + op + " ")
		}
		kind := r.expr(a)
		if kind == "" && r.dialect == postgres && strings.Contains("+-*", op) {
			r.text("::bigint")
		}
	}
	r.text(")")
}

func (r *renderer) caseWhen(x query.Case) {
	if len(x.When) != len(x.Then) {
		r.errorf("a case has %d conditions and %d values", len(x.When), len(x.Then))
		return
	}
	if len(x.When) == 0 {
		if x.Else == nil {
			r.text("NULL")
			return
		}
		r.expr(x.Else)
		return
	}
	r.text("CASE")
	for i := range x.When {
		r.call(" WHEN ", x.When[i], " THEN ")
		r.expr(x.Then[i])
	}
	if x.Else != nil {
		r.call(" ELSE ", x.Else, "")
	}
	r.text(" END")
}

// manyMembers is where a list of members becomes one parameter: beyond it every length would be
// another statement to prepare, and SQLite has a limit on parameters.
const manyMembers = 8

func (r *renderer) in(value query.Expr, members []query.Expr) {
	if len(members) == 0 {
		r.text("FALSE") // of nothing, even an unset value is no member
		return
	}
	if len(members) > manyMembers {
		if list, kind, ok := oneKind(members); ok {
			r.inList(value, list, kind)
			return
		}
	}
	r.text("(")
	r.expr(value)
	r.text(" IN (")
	for i, m := range members {
		r.comma(i)
		r.expr(m)
	}
	r.text("))")
}

// oneKind collects constant members of the same kind, text or int.
func oneKind(members []query.Expr) ([]any, Kind, bool) {
	var list []any
	kind := Kind("")
	for _, m := range members {
		c, ok := m.(query.Const)
		if !ok {
			return nil, "", false
		}
		v, err := normal(c.Value)
		if err != nil {
			return nil, "", false
		}
		k := Kind("")
		switch s := v.(type) {
		case string:
			if !storable(s) {
				return nil, "", false
			}
			k = Text
		case int64:
			k = Int
		default:
			return nil, "", false
		}
		if kind != "" && kind != k {
			return nil, "", false
		}
		kind = k
		list = append(list, v)
	}
	return list, kind, true
}

func (r *renderer) inList(value query.Expr, list []any, kind Kind) {
	r.text("(")
	r.expr(value)
	if r.dialect == sqlite {
		data, err := json.Marshal(list)
		if err != nil {
			r.errorf("members: %w", err)
		}
		r.args = append(r.args, string(data))
		r.text(" IN (SELECT value FROM json_each(?)))")
		return
	}
	if kind == Int {
		r.args = append(r.args, typed[int64](list))
	} else {
		r.args = append(r.args, typed[string](list))
	}
	r.text(" = ANY($" + strconv.Itoa(len(r.args)) + pick(kind == Int, "::bigint[]", "::text[]") + "))")
}

func typed[T any](list []any) []T {
	out := make([]T, len(list))
	for i, v := range list {
		out[i] = v.(T)
	}
	return out
}

// contains is case-sensitive on both, which SQLite's LIKE is not. PostgreSQL gets LIKE where the
// part is known, because a trigram index can answer only that.
func (r *renderer) contains(text, part query.Expr) {
	if c, ok := part.(query.Const); ok && r.dialect == postgres {
		if s, ok := c.Value.(string); ok {
			r.text("(")
			r.expr(text)
			r.text(" LIKE ")
			r.constant("%" + escapeLike(s) + "%")
			r.text(")")
			return
		}
	}
	r.text(pick(r.dialect == sqlite, "(instr(", "(strpos("))
	r.expr(text)
	r.text(", ")
	r.expr(part)
	r.text(") > 0)")
}

// escapeLike takes the magic out of the three characters LIKE reads.
var escapeLike = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace

// startsWith with a known part is a range, which an ordinary index answers on both.
func (r *renderer) startsWith(text, part query.Expr) {
	if c, ok := part.(query.Const); ok {
		if s, ok := c.Value.(string); ok && storable(s) {
			r.text("(")
			r.expr(text)
			r.text(" >= ")
			r.constant(s)
			if end := after(s); end != "" {
				r.text(" AND ")
				r.expr(text)
				r.text(" < ")
				r.constant(end)
			}
			r.text(")")
			return
		}
	}
	if r.dialect == postgres {
		r.call("starts_with(", text, ", ")
		r.call("", part, ")")
		return
	}
	r.call("(substr(", text, ", 1, ")
	r.call("length(", part, ")) = ")
	r.call("", part, ")")
}

// after is the first text behind all that begin with s: its last character raised by one. UTF-8
// sorts by bytes as its characters sort by number. "" = there is none.
func after(s string) string {
	for s != "" {
		last, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
		if last == utf8.MaxRune {
			continue
		}
		if last++; last == 0xD800 { // surrogates are no characters
			last = 0xE000
		}
		return s + string(last)
	}
	return ""
}
