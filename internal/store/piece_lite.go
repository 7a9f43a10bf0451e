package store

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"zhanggui/internal/query"
)

// pieced is a table whose pieces are kept on SQLite.
type pieced struct {
	code int64
	made bool // of all its rows: until then it is looked through
}

// A number is a table's code and, below it, a place that is counted up from the middle as rows come and down as those are filled
// in that were there before.
const (
	codeBits = 48
	midstOf  = int64(1) << (codeBits - 1)
	lastOf   = int64(1)<<codeBits - 1
)

// keepsPieces tells whether this transaction keeps the pieces of a table itself.
func (tx *Tx) keepsPieces(t *table) bool {
	l, whole := tx.db.drv.(*lite) // a sandbox leaves nothing
	return whole && l != nil && tx.schema.pieced[t.name] != nil && t.byName[searchColumn] != nil && t.byName["id"] != nil
}

// piece is a change of one row's search column.
type piece struct {
	code          int64 // of its table
	id, old, text string
	earlier       bool  // the row was there before the pieces
	n             int64 // of its entry
}

// noteInserted notes the pieces of new rows.
func (tx *Tx) noteInserted(t *table, rows ...Row) {
	if !tx.keepsPieces(t) {
		return
	}
	for _, row := range rows {
		if text, _ := row[searchColumn].(string); text != "" {
			id, _ := row["id"].(string)
			tx.pieces = append(tx.pieces, piece{code: tx.schema.pieced[t.name].code, id: id, text: text})
		}
	}
}

// noteOld notes, before they are changed or deleted, rows whose search column gets another text; text nil = the rows go.
func (tx *Tx) noteOld(t *table, where query.Expr, alias string, text *string) error {
	rows, err := tx.Select(query.Select{Table: t.name, Alias: alias, Where: where, Columns: []query.Column{
		{Name: "id", Expr: query.Col{Alias: alias, Name: "id"}}, {Name: searchColumn, Expr: query.Col{Alias: alias, Name: searchColumn}}}})
	for _, row := range rows {
		p := piece{code: tx.schema.pieced[t.name].code}
		p.id, _ = row["id"].(string)
		p.old, _ = row[searchColumn].(string)
		if text != nil {
			p.text = *text
		}
		tx.pieces = append(tx.pieces, p)
	}
	return err
}

// whereKey is a key as a condition.
func whereKey(key Row) query.Expr {
	var all query.Expr
	for _, n := range columnNames(key) {
		if key[n] == nil {
			all = query.And(all, query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "t", Name: n}}})
		} else {
			all = query.And(all, query.Eq("t", n, key[n]))
		}
	}
	return all
}

// writePieces brings the pieces of changed rows up to date. Those of a batch are written in the order of their numbers: out of
// it each would make a segment of its own.
func (c *liteConn) writePieces(list []piece) error {
	type end struct {
		code    int64
		earlier bool
	}
	ctx, short, edges := context.Background(), onceEach(list), map[end]int64{}
	for i := range short {
		p := &short[i]
		if p.old != "" {
			rows, err := c.query(ctx, `SELECT "n" FROM "`+entryTable+`" WHERE "tab" = ? AND "id" = ?`, []any{p.code, p.id}, []column{{"n", Int}})
			if err != nil {
				return err
			}
			if len(rows) > 0 {
				p.n, _ = rows[0]["n"].(int64)
				continue
			}
			p.old = "" // not filled in yet
		}
		if p.text == "" {
			continue
		}
		at := end{p.code, p.earlier}
		n, known := edges[at]
		if !known {
			var err error
			if n, err = c.edge(p.code, p.earlier); err != nil {
				return err
			}
		}
		p.n = n + 1
		if p.earlier {
			p.n = n - 1
		}
		edges[at] = p.n
		// Asking for n by RETURNING would open a savepoint for the statement, and each savepoint is a segment of the index.
		if _, err := c.exec(ctx, `INSERT INTO "`+entryTable+`" ("n", "tab", "id") VALUES (?, ?, ?)`, []any{p.n, p.code, p.id}); err != nil {
			return err
		}
	}
	slices.SortFunc(short, func(a, b piece) int { return cmp.Compare(a.n, b.n) })
	for _, p := range short {
		if err := c.writePiece(p); err != nil {
			return err
		}
	}
	return nil
}

// onceEach makes one change of the changes of each row.
func onceEach(list []piece) []piece {
	type key struct {
		code int64
		id   string
	}
	last := map[key]int{}
	var short []piece
	for _, p := range list {
		k := key{p.code, p.id}
		if i, ok := last[k]; ok {
			short[i].text = p.text
			continue
		}
		last[k] = len(short)
		short = append(short, p)
	}
	return short
}

// writePiece writes what a row has gained and takes out what it has lost: most of a changed text stays.
func (c *liteConn) writePiece(p piece) error {
	if p.n == 0 || p.old == p.text {
		return nil
	}
	ctx, lost, gained := context.Background(), pieces(p.old), pieces(p.text)
	if p.old != "" {
		lost, gained = without(lost, gained), without(gained, lost)
		if _, err := c.exec(ctx, `INSERT INTO "`+pieceTable+`"("`+pieceTable+`", rowid, "p") VALUES ('delete', ?, ?)`, []any{p.n, strings.Join(lost, " ")}); err != nil {
			return err
		}
		if p.text == "" {
			_, err := c.exec(ctx, `DELETE FROM "`+entryTable+`" WHERE "n" = ?`, []any{p.n})
			return err
		}
	}
	_, err := c.exec(ctx, `INSERT INTO "`+pieceTable+`" (rowid, "p") VALUES (?, ?)`, []any{p.n, strings.Join(gained, " ")})
	return err
}

func without(list, others []string) []string {
	is := make(map[string]bool, len(others))
	for _, s := range others {
		is[s] = true
	}
	var rest []string
	for _, s := range list {
		if !is[s] {
			rest = append(rest, s)
		}
	}
	return rest
}

// edge is the last number of a table that is taken, counted upwards or downwards.
func (c *liteConn) edge(code int64, down bool) (int64, error) {
	low, agg := code<<codeBits, "max"
	none := low + midstOf
	if down {
		agg, none = "min", none+1
	}
	rows, err := c.query(context.Background(), `SELECT `+agg+`("n") AS "n" FROM "`+entryTable+`" WHERE "n" BETWEEN ? AND ?`, []any{low, low | lastOf}, []column{{"n", Int}})
	if err != nil {
		return 0, err
	}
	n, some := rows[0]["n"].(int64)
	if !some {
		return none, nil
	}
	if down {
		return min(n, none), nil
	}
	return max(n, none), nil
}

// piecedIn are the tables whose pieces are kept, by name.
func piecedIn(s session) (map[string]*pieced, error) {
	rows, err := s.query(context.Background(), `SELECT "tab", "code", "made" FROM "`+codeTable+`"`, nil, []column{{"tab", Text}, {"code", Int}, {"made", Bool}})
	if err != nil {
		return nil, err
	}
	list := make(map[string]*pieced, len(rows))
	for _, row := range rows {
		name, _ := row["tab"].(string)
		p := &pieced{}
		p.code, _ = row["code"].(int64)
		p.made, _ = row["made"].(bool)
		list[name] = p
	}
	return list, nil
}
