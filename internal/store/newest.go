package store

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"zhanggui/internal/query"
)

// A list takes all that the pieces name, or none of it if that is more than MostPieces: then its next few are found sooner by
// looking. A search through all tables wants the newest few of each, so it goes through the index from its end: FewPieces
// of a table, and from there to the next table that has any.
const (
	MostPieces = 2000
	FewPieces  = 64
)

// Narrow is a condition under the alias that every row of the table meets whose search column contains, of each word, all
// parts of one of its alternatives. It is there for speed alone, nil where it would not help: what is found has to be asked
// besides.
func (tx *Tx) Narrow(table, alias string, words [][][]string) (query.Expr, error) {
	few, whole, err := tx.Newest(table, alias, words, MostPieces)
	if !whole {
		few = nil
	}
	return few, err
}

// Newest is Narrow for the newest rows alone, most of them; whole tells that there are no others. On PostgreSQL it always is.
func (tx *Tx) Newest(table, alias string, words [][][]string, most int) (few query.Expr, whole bool, err error) {
	t, err := tx.table(table)
	if err != nil {
		return nil, false, err
	}
	d := tx.db.drv.dialect()
	if !tx.readonly || t.byName[searchColumn] == nil || d == sqlite && !(tx.keepsPieces(t) && tx.schema.pieced[table].made) {
		return nil, false, tx.ready(false)
	}
	if d == sqlite && most <= FewPieces && tx.together != nil {
		words = tx.together
	}
	switch lists := listsOf(d, words); {
	case d == postgres && tx.together != nil && !tx.holds(table):
		return query.Op{Name: "in", Args: []query.Expr{query.Col{Alias: alias, Name: "id"}}}, true, nil
	case lists == nil:
		return nil, false, tx.ready(false)
	case d == postgres:
		return narrowed(alias, lists), true, nil
	default:
		return tx.candidates(tx.schema.pieced[table].code, alias, lists, most)
	}
}

// Together says what several tables are asked for, each for a part of the alternatives: on SQLite one question for all tables names
// the newest that may be found. It narrows a little less than each table's own. On PostgreSQL one question tells which tables hold
// anything: of most regulations a house has none, and each question to a table costs a journey and the planning of it.
func (tx *Tx) Together(words [][][]string) { tx.together = words }

// holds tells, within a search through all tables, whether one has rows. Which have was mostly found by an earlier search: rows are not deleted.
func (tx *Tx) holds(name string) bool {
	if tx.empty == nil {
		tx.empty = map[string]bool{}
		var names []string
		for n, t := range tx.schema.tables {
			if _, known := tx.db.holding.Load(n); !known && t.byName[searchColumn] != nil {
				names = append(names, n)
			}
		}
		slices.Sort(names) // the same question again finds its plan
		for part := range slices.Chunk(names, 1000) {
			var b strings.Builder
			var out []column
			for i, n := range part {
				b.WriteString(pick(i == 0, "SELECT ", ", ") + "EXISTS (SELECT 1 FROM " + quote(n) + ") AS " + quote(n))
				out = append(out, column{n, Bool})
			}
			rows, err := tx.ask(b.String(), nil, out)
			if err != nil || len(rows) != 1 {
				_ = tx.fail(err) // told by the next question
				return true
			}
			for _, n := range part {
				if has, _ := rows[0][n].(bool); has {
					tx.db.holding.Store(n, true)
				} else {
					tx.empty[n] = true
				}
			}
		}
	}
	return !tx.empty[name]
}

// listsOf are the pieces to ask for: of each word the alternatives' pieces; nil where no word tells enough.
func listsOf(d dialect, words [][][]string) (lists [][][]string) {
	for _, alternatives := range words {
		var any [][]string
		for _, parts := range alternatives {
			var all []string
			for _, part := range parts {
				all = append(all, asksFor(d, part)...)
			}
			if any = append(any, all); len(all) == 0 {
				any = nil
				break // one that tells nothing lets everything through
			}
		}
		if len(any) > 0 {
			lists = append(lists, any)
		}
	}
	return lists
}

// narrowed asks the index of PostgreSQL, which knows by its statistics whether it is worth while.
func narrowed(alias string, lists [][][]string) query.Expr {
	var all query.Expr
	for _, any := range lists {
		or := query.Op{Name: "or"}
		for _, parts := range any {
			op := query.Op{Name: "pieces", Args: []query.Expr{query.Col{Alias: alias, Name: searchColumn}}}
			for _, p := range parts {
				op.Args = append(op.Args, query.Const{Value: p})
			}
			or.Args = append(or.Args, op)
		}
		all = query.And(all, or)
	}
	return all
}

// candidates are the newest rows that have all pieces.
func (tx *Tx) candidates(code int64, alias string, lists [][][]string, most int) (query.Expr, bool, error) {
	if err := tx.ready(false); err != nil {
		return nil, false, err
	}
	var and []string
	for _, any := range lists {
		var or []string
		for _, parts := range any {
			or = append(or, `("`+strings.Join(parts, `" AND "`)+`")`)
		}
		and = append(and, "("+strings.Join(or, " OR ")+")")
	}
	what := strings.Join(and, " AND ")
	var numbers []any
	if most <= FewPieces {
		had, err := tx.match(what)
		if err != nil {
			return nil, false, err
		}
		numbers = had[code]
	} else {
		var err error
		if numbers, err = tx.matching(what, code<<codeBits, code<<codeBits|lastOf, most+1); err != nil {
			return nil, false, err
		}
	}
	op, whole := query.Op{Name: "in", Args: []query.Expr{query.Col{Alias: alias, Name: "id"}}}, len(numbers) <= most
	if len(numbers) == 0 { // of most tables, in a search
		return op, whole, nil
	}
	list, err := json.Marshal(numbers[:min(len(numbers), most)])
	if err != nil {
		return nil, false, err
	}
	rows, err := tx.ask(`SELECT e."id" AS "id" FROM json_each(?) j CROSS JOIN "`+entryTable+`" e ON e."n" = j.value`, []any{string(list)}, []column{{"id", Text}})
	if err != nil {
		return nil, false, tx.fail(err)
	}
	for _, row := range rows {
		op.Args = append(op.Args, query.Const{Value: row["id"]})
	}
	return op, whole, nil
}

// match are the newest numbers of each table that has all pieces, up to one more than FewPieces. It is asked once for all tables.
func (tx *Tx) match(what string) (map[int64][]any, error) {
	if had := tx.matched[what]; had != nil {
		return had, nil
	}
	had := map[int64][]any{}
	for high := int64(math.MaxInt64); ; {
		rows, err := tx.matching(what, 0, high, FewPieces+1)
		if err != nil {
			return nil, err
		}
		code := int64(0)
		for _, n := range rows {
			if at := n.(int64) >> codeBits; at != code {
				code, had[at] = at, nil
			}
			had[code] = append(had[code], n)
		}
		if len(rows) <= FewPieces {
			break
		}
		if len(had[code]) <= FewPieces { // the answer ended within this table: it begins the next one
			high = code<<codeBits | lastOf
		} else {
			high = code<<codeBits - 1
		}
	}
	if tx.matched == nil {
		tx.matched = map[string]map[int64][]any{}
	}
	tx.matched[what] = had
	return had, nil
}

const matchingSQL = `SELECT f.rowid AS "n" FROM "` + pieceTable + `" f WHERE f."` + pieceTable + `" MATCH ? AND f.rowid BETWEEN ? AND ? ORDER BY f.rowid DESC LIMIT `

// matching are numbers between two bounds that have all pieces, the newest first.
func (tx *Tx) matching(what string, low, high int64, most int) ([]any, error) {
	rows, err := tx.ask(matchingSQL+strconv.Itoa(most), []any{what, low, high}, []column{{"n", Int}})
	if err != nil {
		return nil, tx.fail(err)
	}
	list := make([]any, len(rows))
	for i, row := range rows {
		list[i] = row["n"]
	}
	return list, nil
}
