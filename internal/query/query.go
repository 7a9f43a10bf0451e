// Package query is a question to the database, without SQL. The language (package expr)
// writes it, the store renders it for SQLite and PostgreSQL; neither knows the other.
// It imports nothing of the house.
package query

import "slices"

// Expr is one node of a condition or value: Col, Const, Op, Sub, Ref or Case.
type Expr interface{ isExpr() }

// Col is a column of the table that Alias names in the enclosing Select or Sub.
type Col struct{ Alias, Name string }

// Const is a bound value: nil, bool, int64, string or []byte, already in its column form
// (money and decimals as scaled int64, dates "2006-01-02", instants "2006-01-02T15:04:05.000Z" UTC).
type Const struct{ Value any }

// Op applies an operator. Names: and or not = <> < <= > >= + - * in isnull
// contains startswith (case-sensitive on text, args: text, part), coalesce and looked (its condition, which most rows meet: SQLite,
// which does not know that, takes no index for it).
// For "in" the first argument is the value and the rest are the members.
// Comparison with NULL is NULL, as in SQL: that is the language's unset.
type Op struct {
	Name string
	Args []Expr
}

// Ref follows a reference column: the column Name of the row of Table whose id equals On.
type Ref struct {
	On    Expr
	Table string
	Name  string
}

// Sub is a correlated subquery that yields one value. Agg: exists, count, sum, min, max, avg, count_distinct.
type Sub struct {
	Agg   string
	Table string
	Alias string
	Where Expr // nil = all
	Arg   Expr // of sum, min, max, avg, count_distinct
}

// Case is a list of conditions and values, first match wins.
type Case struct {
	When []Expr
	Then []Expr
	Else Expr
}

func (Col) isExpr()   {}
func (Const) isExpr() {}
func (Op) isExpr()    {}
func (Ref) isExpr()   {}
func (Sub) isExpr()   {}
func (Case) isExpr()  {}

// And joins conditions, dropping nil ones; nil if none is left.
func And(list ...Expr) Expr {
	var kept []Expr
	for _, e := range list {
		if e != nil {
			kept = append(kept, e)
		}
	}
	switch len(kept) {
	case 0:
		return nil
	case 1:
		return kept[0]
	}
	return Op{Name: "and", Args: kept}
}

// Never tells whether a condition is met by no row, as it stands: the database need not be asked.
func Never(e Expr) bool {
	op, ok := e.(Op)
	if !ok {
		return false
	}
	switch op.Name {
	case "in":
		return len(op.Args) == 1
	case "=": // nothing is equal to what is unset
		return slices.ContainsFunc(op.Args, func(a Expr) bool { c, ok := a.(Const); return ok && c.Value == nil })
	case "or":
		return !slices.ContainsFunc(op.Args, func(a Expr) bool { return !Never(a) })
	case "and", "looked":
		return slices.ContainsFunc(op.Args, Never)
	}
	return false
}

// Eq compares a column of alias with a bound value.
func Eq(alias, column string, value any) Expr {
	return Op{Name: "=", Args: []Expr{Col{alias, column}, Const{value}}}
}

// Select asks for rows of one table.
type Select struct {
	Table   string
	Alias   string
	Columns []Column // empty = every column
	Where   Expr
	// Any are conditions of which a row meets at least one, besides Where. Each is asked by itself, in the same order and no further
	// than Limit, so that each can take an index of its own; the answer is that of all of them joined by or. It goes without Group
	// and Offset, over a table whose key is id. nil = none is asked.
	Any    []Expr
	Group  []Expr
	Order  []Order
	Limit  int // 0 = no limit
	Offset int
}

// Column is one value of the answer, under its own name.
type Column struct {
	Name string
	Expr Expr
	Agg  string // "" or count sum min max avg
}

// Order is one sort key. NULLs sort first ascending on both databases.
type Order struct {
	Expr Expr
	Desc bool
}
