package store

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"zhanggui/internal/query"
)

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
		r.join(strings.ToUpper(x.Name), x.Args, Bool)
	case "not":
		if !args(1, 1) {
			break
		}
		// Indexes say "IS NOT NULL"; the planner does not see that NOT (… IS NULL) is the same.
		if null, ok := x.Args[0].(query.Op); ok && null.Name == "isnull" && len(null.Args) == 1 {
			r.call("(", null.Args[0], " IS NOT NULL)", Text)
		} else {
			r.call("(NOT ", x.Args[0], ")", Bool)
		}
	case "looked":
		if args(1, 1) {
			r.call(pick(r.dialect == sqlite, "(+", "("), x.Args[0], ")", Bool)
		}
	case "isnull":
		if args(1, 1) {
			r.call("(", x.Args[0], " IS NULL)", Text)
		}
	case "=", "<>", "<", "<=", ">", ">=":
		if args(2, 2) {
			r.join(x.Name, x.Args, r.firstKind(x.Args))
		}
	case "+", "-", "*":
		if x.Name == "-" && len(x.Args) == 1 {
			r.call("(- ", x.Args[0], ")", Int)
		} else if args(2, -1) {
			r.join(x.Name, x.Args, Int)
		}
		return Int
	case "coalesce":
		if args(1, -1) && len(x.Args) == 1 {
			return r.expr(x.Args[0])
		}
		kind := r.firstKind(x.Args)
		r.text("COALESCE(")
		for i, a := range x.Args {
			r.comma(i)
			r.exprAs(a, kind)
		}
		r.text(")")
		return kind
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

// join writes (a OP b OP c).
func (r *renderer) join(op string, list []query.Expr, kind Kind) {
	r.text("(")
	for i, a := range list {
		if i > 0 {
			r.text(" " + op + " ")
		}
		r.exprAs(a, kind)
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
	kind := r.kindOf(x)
	r.text("CASE")
	for i := range x.When {
		r.text(" WHEN ")
		r.exprAs(x.When[i], Bool)
		r.text(" THEN ")
		r.exprAs(x.Then[i], kind)
	}
	if x.Else != nil {
		r.text(" ELSE ")
		r.exprAs(x.Else, kind)
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
	kind := r.firstKind(append([]query.Expr{value}, members...))
	r.text("(")
	r.exprAs(value, kind)
	r.text(" IN (")
	for i, m := range members {
		r.comma(i)
		r.exprAs(m, kind)
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
	r.exprAs(value, kind)
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
// contains is asked of PostgreSQL by a function too: it takes a third of the rows to fulfil that, and goes through a register in its order until
// the page is full. Of LIKE it expects few, and reads and sorts the whole table. What few have is named by the pieces.
func (r *renderer) contains(text, part query.Expr) {
	r.text(pick(r.dialect == sqlite, "(instr(", "(strpos("))
	r.exprAs(text, Text)
	r.text(", ")
	r.exprAs(part, Text)
	r.text(") > 0)")
}

// startsWith with a known part is a range, which an ordinary index answers on both.
func (r *renderer) startsWith(text, part query.Expr) {
	if c, ok := part.(query.Const); ok {
		if s, ok := c.Value.(string); ok && storable(s) {
			r.text("(")
			r.exprAs(text, Text)
			r.text(" >= ")
			r.constant(s)
			if end := after(s); end != "" {
				r.text(" AND ")
				r.exprAs(text, Text)
				r.text(" < ")
				r.constant(end)
			}
			r.text(")")
			return
		}
	}
	if r.dialect == postgres {
		r.call("starts_with(", text, ", ", Text)
		r.call("", part, ")", Text)
		return
	}
	r.call("(substr(", text, ", 1, ", Text)
	r.call("length(", part, ")) = ", Text)
	r.call("", part, ")", Text)
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
