package store

import (
	"slices"
	"strconv"
	"strings"

	"zhanggui/internal/query"
)

// renderer writes one statement with its arguments.
type renderer struct {
	dialect dialect
	schema  *schema
	b       strings.Builder
	args    []any
	err     error
	scope   map[string]string // alias → table
	marks   map[any]int       // PostgreSQL: value → its parameter
	made    int               // aliases of our own
	bare    bool              // columns are not named
}

func (tx *Tx) renderer() *renderer {
	return &renderer{dialect: tx.db.drv.dialect(), schema: tx.schema, scope: map[string]string{}}
}

func (r *renderer) text(s string) { r.b.WriteString(s) }

func (r *renderer) errorf(format string, args ...any) {
	if r.err == nil {
		r.err = errUse(format, args...)
	}
}

// mark is the n-th parameter of a statement.
func mark(d dialect, n int) string {
	if d == sqlite {
		return "?"
	}
	return "$" + strconv.Itoa(n)
}

// enter binds an alias until the returned function is called.
func (r *renderer) enter(alias, table string) func() {
	if r.schema.tables[table] == nil {
		r.errorf("there is no table %s", table)
	}
	old, had := r.scope[alias]
	r.scope[alias] = table
	return func() {
		if delete(r.scope, alias); had {
			r.scope[alias] = old
		}
	}
}

// columnOf finds the column an alias and name stand for.
func (r *renderer) columnOf(c query.Col) *Column {
	name, ok := r.scope[c.Alias]
	if !ok {
		r.errorf("no table is called %s here (column %s)", c.Alias, c.Name)
		return nil
	}
	t := r.schema.tables[name]
	if t == nil {
		return nil // enter has complained
	}
	col := t.byName[c.Name]
	if col == nil {
		r.errorf("table %s has no column %s", name, c.Name)
	}
	return col
}

// selectQuery writes a question and answers what its columns hold.
func (r *renderer) selectQuery(q query.Select) []column {
	alias := q.Alias
	if alias == "" {
		alias = "t"
	}
	defer r.enter(alias, q.Table)()
	var out []column
	r.text("SELECT ")
	if len(q.Columns) == 0 {
		if t := r.schema.tables[q.Table]; t != nil {
			for i, c := range t.columns {
				r.comma(i)
				r.text(pick(r.bare, "+", "") + quote(alias) + "." + quote(c.Name) + pick(r.bare, ` AS ""`, ""))
				out = append(out, column{c.Name, c.Kind})
			}
		}
	}
	for i, c := range q.Columns {
		r.comma(i)
		kind := r.aggregate(c.Agg, c.Expr)
		r.text(" AS " + quote(c.Name))
		out = append(out, column{c.Name, kind})
	}
	if q.Any == nil {
		r.text(" FROM " + quote(q.Table) + " AS " + quote(alias))
		r.where(q.Where)
	} else {
		r.branches(q, alias)
	}
	for i, g := range q.Group {
		r.text([]string{" GROUP BY ", ", "}[min(i, 1)])
		r.expr(g)
	}
	r.orders(q.Order)
	r.limit(q.Limit, q.Offset)
	return out
}

func (r *renderer) orders(list []query.Order) {
	for i, o := range list {
		r.text([]string{" ORDER BY ", ", "}[min(i, 1)])
		r.order(o)
	}
}

// branches finds by each of the conditions the first rows, and of these each once. What is first of all is among the first of one.
// SQLite keeps the order of tables that are joined by CROSS JOIN: it would else look through the table.
func (r *renderer) branches(q query.Select, alias string) {
	if len(q.Group) > 0 || q.Offset > 0 || slices.ContainsFunc(q.Columns, func(c query.Column) bool { return c.Agg != "" }) {
		r.errorf("a question with alternatives has neither groups nor an offset")
	}
	r.made++
	few := "#" + strconv.Itoa(r.made)
	r.text(" FROM (")
	if len(q.Any) == 0 {
		r.text("SELECT NULL AS id WHERE FALSE")
	}
	for i, any := range q.Any {
		r.text(pick(i > 0, " UNION ", "") + "SELECT * FROM (SELECT " + quote(alias) + `."id" AS id FROM ` + quote(q.Table) + " AS " + quote(alias))
		r.where(query.And(any, q.Where))
		r.orders(q.Order)
		r.limit(q.Limit, 0)
		r.text(") AS " + quote(few))
	}
	r.text(") AS " + quote(few) + " CROSS JOIN " + quote(q.Table) + " AS " + quote(alias) + " WHERE " + quote(alias) + `."id" = ` + quote(few) + ".id")
}

func (r *renderer) comma(i int) {
	if i > 0 {
		r.text(", ")
	}
}

func (r *renderer) where(e query.Expr) {
	if e != nil {
		r.text(" WHERE ")
		r.exprAs(e, Bool)
	}
}

// order sorts NULLs first ascending, which SQLite does by itself. PostgreSQL is told so only where
// there can be NULLs: its indexes on required columns are in the plain order.
func (r *renderer) order(o query.Order) {
	r.expr(o.Expr)
	if o.Desc {
		r.text(" DESC")
	}
	if r.dialect != postgres {
		return
	}
	if c, ok := o.Expr.(query.Col); ok {
		if col := r.columnOf(c); col != nil && col.NotNull {
			return
		}
	}
	r.text(pick(o.Desc, " NULLS LAST", " NULLS FIRST"))
}

// limit is written into the text, since the planner counts on it; the offset is a parameter, since
// every page has another.
func (r *renderer) limit(limit, offset int) {
	if limit > 0 {
		r.text(" LIMIT " + strconv.Itoa(limit))
	} else if offset > 0 && r.dialect == sqlite {
		r.text(" LIMIT -1")
	}
	if offset > 0 {
		r.text(" OFFSET ")
		r.constant(int64(offset))
	}
}

// aggregate writes a column of an answer, plain or aggregated, and answers its kind.
func (r *renderer) aggregate(agg string, e query.Expr) Kind {
	switch agg {
	case "":
		return r.expr(e)
	case "count":
		if e == nil {
			r.text("count(*)")
			return Int
		}
		r.call("count(", e, ")", Text)
		return Int
	case "count_distinct":
		r.call("count(DISTINCT ", e, ")", Text)
		return Int
	case "sum":
		// The sum of nothing is 0. PostgreSQL widens sums beyond int64; the cast fails where SQLite fails.
		r.call("COALESCE(sum(", e, ")"+pick(r.dialect == postgres, "::bigint", "")+", 0)", Int)
		return Int
	case "avg":
		r.average(e)
		return Int
	case "min", "max":
		if r.dialect == postgres && r.kindOf(e) == Bool {
			r.call(pick(agg == "min", "bool_and(", "bool_or("), e, ")", Bool)
			return Bool
		}
		return r.call(agg+"(", e, ")", Text)
	}
	r.errorf("unknown aggregate %q", agg)
	return Int
}

func (r *renderer) call(open string, e query.Expr, close string, want Kind) Kind {
	if e == nil {
		r.errorf("%s) has nothing to work on", open)
		return Int
	}
	r.text(open)
	kind := r.exprAs(e, want)
	r.text(close)
	return kind
}

// average is a whole number at the scale of its argument, halves away from zero, the same on both
// databases: SQLite would answer a float. Who needs more digits asks for sum and count.
func (r *renderer) average(e query.Expr) {
	if r.dialect == postgres {
		r.call("round(avg(", e, "))::bigint", Int)
		return
	}
	r.call("(2 * sum(", e, ") + ", Int)
	r.call("CASE WHEN sum(", e, ") < 0 THEN -1 ELSE 1 END * ", Int)
	r.call("count(", e, ")) / ", Int)
	r.call("(2 * count(", e, "))", Int)
}

// freeAlias finds the one alias by which a condition names the table it is about.
func freeAlias(e query.Expr) (string, error) {
	found := map[string]bool{}
	free(e, map[string]int{}, found)
	if len(found) > 1 {
		return "", errUse("the condition names two tables")
	}
	for a := range found {
		return a, nil
	}
	return "t", nil
}

func free(e query.Expr, bound map[string]int, found map[string]bool) {
	switch x := e.(type) {
	case query.Col:
		if bound[x.Alias] == 0 {
			found[x.Alias] = true
		}
	case query.Op:
		for _, a := range x.Args {
			free(a, bound, found)
		}
	case query.Ref:
		free(x.On, bound, found)
	case query.Sub:
		bound[x.Alias]++
		free(x.Where, bound, found)
		free(x.Arg, bound, found)
		bound[x.Alias]--
	case query.Case:
		for _, list := range [][]query.Expr{x.When, x.Then, {x.Else}} {
			for _, a := range list {
				free(a, bound, found)
			}
		}
	}
}
