package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// A number is a table's code and, below it, a place that is counted up from the middle as rows come and down as those are filled
// in that were there before.
const (
	codeBits = 48
	midstOf  = int64(1) << (codeBits - 1)
	lastOf   = int64(1)<<codeBits - 1
)

// Each commit leaves a segment of the index. The index itself would merge hundreds of pages of them at every 64th, and who acts then would
// wait for it. So commits merge some, as many as come: mergeEach pages for a commit and as many for each row; not so few at once that most of it
// would be beginning anew.
const (
	mergeEach    = 3
	mergeAtOnce  = 24
	mergesItself = `SELECT v FROM "` + pieceTable + `_config" WHERE k = 'automerge'`
	mergeBySteps = `INSERT INTO "` + pieceTable + `"("` + pieceTable + `", rank) VALUES ('automerge', 0)`
	mergeStep    = `INSERT INTO "` + pieceTable + `"("` + pieceTable + `", rank) VALUES ('merge', ?)`
)

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
	if len(short) == 0 {
		return nil
	}
	return c.mergePieces(len(short))
}

// mergePieces merges what is owed for rows that were written. The first time it sees to it that the index does not do so by itself.
func (c *liteConn) mergePieces(rows int) error {
	ctx := context.Background()
	if !c.stepwise {
		is, err := c.query(ctx, mergesItself, nil, []column{{"v", Int}})
		if err == nil && (len(is) == 0 || is[0]["v"] != int64(0)) {
			err = c.simple(mergeBySteps)
		}
		if err != nil {
			return err
		}
		c.stepwise = true
	}
	if c.owed += mergeEach * (rows + 1); c.owed < mergeAtOnce {
		return nil
	}
	_, err := c.exec(ctx, mergeStep, []any{int64(c.owed)})
	c.owed = 0
	return err
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
