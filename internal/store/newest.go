package store

import (
	"encoding/json"
	"math"
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

// Newest is Narrow for the newest rows alone, most of them; whole tells that there are no others.
func (tx *Tx) Newest(table, alias string, words [][][]string, most int) (few query.Expr, whole bool, err error) {
	t, err := tx.table(table)
	if err != nil {
		return nil, false, err
	}
	if err := tx.ready(false); err != nil {
		return nil, false, err
	}
	if !tx.readonly || !tx.keepsPieces(t) || !tx.schema.pieced[table].made {
		return nil, false, nil
	}
	if most <= FewPieces && tx.together != nil {
		words = tx.together
	}
	lists := listsOf(words)
	if lists == nil {
		return nil, false, nil
	}
	return tx.candidates(tx.schema.pieced[table].code, alias, lists, most)
}

// Together says what several tables are asked for, each for a part of the alternatives: one question for all tables names the
// newest that may be found. It narrows a little less than each table's own.
func (tx *Tx) Together(words [][][]string) { tx.together = words }

// listsOf are the pieces to ask for: of each word the alternatives' pieces; nil where no word tells enough.
func listsOf(words [][][]string) (lists [][][]string) {
	for _, alternatives := range words {
		var any [][]string
		for _, parts := range alternatives {
			var all []string
			for _, part := range parts {
				all = append(all, asksFor(part)...)
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

// candidates are the newest rows that have all pieces.
func (tx *Tx) candidates(code int64, alias string, lists [][][]string, most int) (query.Expr, bool, error) {
	find := tx.newestLite
	if tx.db.drv.dialect() == postgres {
		find = tx.newestPG
	}
	ids, whole, err := find(code, lists, most)
	op := query.Op{Name: "in", Args: []query.Expr{query.Col{Alias: alias, Name: "id"}}}
	for _, id := range ids {
		op.Args = append(op.Args, query.Const{Value: id})
	}
	return op, whole, err
}

// newestLite are the newest most rows of a table that have all pieces, and whether those are all.
func (tx *Tx) newestLite(code int64, lists [][][]string, most int) (ids []string, whole bool, err error) {
	what := having(lists, func(all []string) string { return `"` + strings.Join(all, `" AND "`) + `"` })
	var numbers []any
	if most <= FewPieces {
		had, err := tx.match(what)
		if err != nil {
			return nil, false, err
		}
		numbers = had[code]
	} else if numbers, err = tx.matching(what, code<<codeBits, code<<codeBits|lastOf, most+1); err != nil {
		return nil, false, err
	}
	if len(numbers) == 0 { // of most tables, in a search
		return nil, true, nil
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
		id, _ := row["id"].(string)
		ids = append(ids, id)
	}
	return ids, len(numbers) <= most, nil
}

// having is that an entry has, of each word, all pieces of one alternative.
func having(lists [][][]string, all func([]string) string) string {
	var and []string
	for _, any := range lists {
		var or []string
		for _, parts := range any {
			or = append(or, "("+all(parts)+")")
		}
		and = append(and, "("+strings.Join(or, " OR ")+")")
	}
	return strings.Join(and, " AND ")
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
