package store

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"zhanggui/internal/query"
)

// A text column called "search" is found by its pieces: two Chinese characters or two or three others that stand together, and
// whole words of capitals, which are keyed tokens. PostgreSQL has an index over them by itself. On SQLite they are kept in a
// full-text table that holds nothing but the pieces; they are written just before the commit, in the transaction of the
// change, for all members of a batch at once, since each savepoint would make a segment of its own. Pieces only narrow a
// question down; what is found is decided by the column itself.

const (
	searchColumn = "search"
	pieceTable   = "search_piece"
	entryTable   = "search_entry"
	pieceFunc    = "search_pieces"
)

// notPieces keeps what serves searching alone out of the tables there are.
const notPieces = `AND m.name <> '` + entryTable + `' AND m.name NOT LIKE '` + pieceTable + `%' `

// mostPieces is how many rows a list of candidates may have: of more the next few are found faster by looking.
const mostPieces = 2000

// pieceSchema makes the tables on SQLite. What is deleted from the pieces is taken out of the file at once.
var pieceSchema = []string{
	`CREATE TABLE IF NOT EXISTS "` + entryTable + `" ("n" INTEGER PRIMARY KEY, "tab" TEXT NOT NULL, "id" TEXT NOT NULL, UNIQUE ("tab", "id"))`,
	`CREATE VIRTUAL TABLE IF NOT EXISTS "` + pieceTable + `" USING fts5("p", content='', detail=none, columnsize=0, tokenize='ascii')`,
	`INSERT INTO "` + pieceTable + `"("` + pieceTable + `", rank) VALUES ('secure-delete', 1)`,
}

// pieceFunction answers the pieces of a text on PostgreSQL: all pairs and triples of characters of each word. A word is short,
// so that finding its n-th character costs little.
const pieceFunction = `CREATE OR REPLACE FUNCTION ` + pieceFunc + `(s text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT COALESCE(array_agg(DISTINCT y.g COLLATE "C"), '{}') FROM unnest(string_to_array(s, ' ')) w, generate_series(1, length(w) - 1) i,
LATERAL (VALUES (substr(w, i, 2)), (substr(w, i, 3))) y(g) $$`

const createSearch = "create search"

// pieces plans what searching needs.
func (p *planner) pieces(tables []Table, have *schema) {
	made := have.pieced
	for i := range tables {
		t := &tables[i]
		if !slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Name == searchColumn && c.Kind == Text }) {
			continue
		}
		if p.dialect == sqlite {
			for _, sql := range pick(made, nil, pieceSchema) {
				p.add(createSearch, pieceTable, "", sql)
			}
			made = true
			continue
		}
		name := "px_" + t.Name
		if is := have.tables[t.Name]; is != nil {
			if _, there := is.indexes[name]; there {
				continue
			}
		}
		if !made {
			p.add(createSearch, t.Name, pieceFunc, pieceFunction)
			made = true
		}
		p.add(createSearch, t.Name, name, "CREATE INDEX IF NOT EXISTS "+quote(name)+" ON "+quote(t.Name)+" USING gin ("+pieceFunc+"("+quote(searchColumn)+"))")
	}
}

// fillPieces makes the pieces of what was there before them.
func (tx *Tx) fillPieces() error {
	c, ok := tx.s.(*liteConn)
	if !ok {
		return nil
	}
	for _, t := range tx.schema.tables {
		if t.byName[searchColumn] == nil || t.byName["id"] == nil {
			continue
		}
		for after := ""; ; {
			rows, err := tx.Select(query.Select{Table: t.name, Alias: "t", Limit: 5000, Order: []query.Order{{Expr: query.Col{Alias: "t", Name: "id"}}},
				Where:   query.Op{Name: ">", Args: []query.Expr{query.Col{Alias: "t", Name: "id"}, query.Const{Value: after}}},
				Columns: []query.Column{{Name: "id", Expr: query.Col{Alias: "t", Name: "id"}}, {Name: searchColumn, Expr: query.Col{Alias: "t", Name: searchColumn}}}})
			if err != nil {
				return err
			}
			if len(rows) == 0 {
				break
			}
			list := make([]piece, len(rows))
			for i, row := range rows {
				after, _ = row["id"].(string)
				text, _ := row[searchColumn].(string)
				list[i] = piece{t.name, after, "", text}
			}
			if err := c.writePieces(list); err != nil {
				return tx.fail(err)
			}
		}
	}
	return nil
}

// piece is a change of one row's search column.
type piece struct{ table, id, old, text string }

// seenPieces are used again: an act has hundreds of pieces.
var seenPieces = sync.Pool{New: func() any { return map[string]bool{} }}

// pieces are those of a text, each once.
func pieces(text string) []string {
	seen, _ := seenPieces.Get().(map[string]bool)
	defer func() {
		clear(seen)
		seenPieces.Put(seen)
	}()
	list := make([]string, 0, len(text)/2)
	var at []int // where each character of a run begins, and its end
	put := func(s string) {
		if !seen[s] {
			seen[s] = true
			list = append(list, s)
		}
	}
	for _, word := range strings.Fields(text) {
		if token(word) {
			put(word)
			continue
		}
		for _, run := range plainRuns(word) {
			at = at[:0]
			for i := range run {
				at = append(at, i)
			}
			at = append(at, len(run))
			for i := 0; i+2 < len(at); i++ { // parts of the text itself: an act has hundreds
				put(run[at[i]:at[i+2]])
				if first, _ := utf8.DecodeRuneInString(run[at[i]:]); i+3 < len(at) && !unicode.Is(unicode.Han, first) {
					put(run[at[i]:at[i+3]])
				}
			}
		}
	}
	return list
}

// asksFor are the pieces that a text has which contains this word; none if it is too short to tell.
func asksFor(d dialect, word string) []string {
	if d == sqlite && token(word) {
		return []string{word}
	}
	var list []string
	for _, text := range plainRuns(word) {
		run, n := []rune(text), 3
		if unicode.Is(unicode.Han, run[0]) || len(run) == 2 {
			n = 2
		}
		for i := 0; i+n <= len(run); i++ {
			list = append(list, string(run[i:i+n]))
		}
	}
	return list
}

// token tells whether a word is a keyed token: the rest of the column is in small letters.
func token(word string) bool {
	return len(word) >= 4 && strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// plainRuns splits a word where Chinese characters begin and end, and at marks.
func plainRuns(word string) []string {
	var list []string
	kind, last, from := 0, 0, 0
	end := func(at int) {
		if last != 0 {
			list = append(list, word[from:at])
		}
	}
	for i, r := range word {
		switch {
		case unicode.Is(unicode.Han, r):
			kind = 1
		case r < 0x80 && !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'):
			kind = 0
		default:
			kind = 2
		}
		if kind != last {
			end(i)
			from, last = i, kind
		}
	}
	end(len(word))
	return list
}

// tableToken stands for a table among the pieces; no piece is that long.
func tableToken(table string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(table))
	return "x" + strconv.FormatUint(h.Sum64()|1<<63, 16)
}

func pieceText(table, text string) string {
	return tableToken(table) + " " + strings.Join(pieces(text), " ")
}

// pieced tells whether this transaction keeps the pieces of a table itself.
func (tx *Tx) pieced(t *table) bool {
	l, whole := tx.db.drv.(*lite) // a sandbox leaves nothing
	return whole && l != nil && tx.schema.pieced && t.byName[searchColumn] != nil && t.byName["id"] != nil
}

// noteInserted notes the pieces of new rows.
func (tx *Tx) noteInserted(t *table, rows ...Row) {
	if !tx.pieced(t) {
		return
	}
	for _, row := range rows {
		if text, _ := row[searchColumn].(string); text != "" {
			id, _ := row["id"].(string)
			tx.pieces = append(tx.pieces, piece{t.name, id, "", text})
		}
	}
}

// noteOld notes, before they are changed or deleted, rows whose search column gets another text; text nil = the rows go.
func (tx *Tx) noteOld(t *table, where query.Expr, alias string, text *string) error {
	rows, err := tx.Select(query.Select{Table: t.name, Alias: alias, Where: where, Columns: []query.Column{
		{Name: "id", Expr: query.Col{Alias: alias, Name: "id"}}, {Name: searchColumn, Expr: query.Col{Alias: alias, Name: searchColumn}}}})
	for _, row := range rows {
		p := piece{table: t.name}
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

// writePieces brings the pieces of changed rows up to date.
func (c *liteConn) writePieces(list []piece) error {
	ctx := context.Background()
	type key struct{ table, id string }
	last := map[key]int{}
	var short []piece // one change a row
	for _, p := range list {
		k := key{p.table, p.id}
		if i, ok := last[k]; ok {
			short[i].text = p.text
			continue
		}
		last[k] = len(short)
		short = append(short, p)
	}
	for _, p := range short {
		if p.old == p.text {
			continue
		}
		if p.old != "" {
			rows, err := c.query(ctx, `SELECT "n" FROM "`+entryTable+`" WHERE "tab" = ? AND "id" = ?`, []any{p.table, p.id}, []column{{"n", Int}})
			if err != nil {
				return err
			}
			for _, row := range rows {
				if _, err := c.exec(ctx, `INSERT INTO "`+pieceTable+`"("`+pieceTable+`", rowid, "p") VALUES ('delete', ?, ?)`, []any{row["n"], pieceText(p.table, p.old)}); err != nil {
					return err
				}
				if _, err := c.exec(ctx, `DELETE FROM "`+entryTable+`" WHERE "n" = ?`, []any{row["n"]}); err != nil {
					return err
				}
			}
		}
		if p.text == "" {
			continue
		}
		// Asking for n by RETURNING would open a savepoint for the statement, and each savepoint is a segment of the index.
		n, err := c.insert(ctx, `INSERT INTO "`+entryTable+`" ("tab", "id") VALUES (?, ?)`, []any{p.table, p.id})
		if err != nil {
			return err
		}
		if _, err := c.exec(ctx, `INSERT INTO "`+pieceTable+`" (rowid, "p") VALUES (?, ?)`, []any{n, pieceText(p.table, p.text)}); err != nil {
			return err
		}
	}
	return nil
}

// Narrow is a condition under the alias that every row of the table meets whose search column contains, of each word, all
// parts of one of its alternatives. It is there for speed alone, nil where it would not help: what is found has to be asked
// besides.
func (tx *Tx) Narrow(table, alias string, words [][][]string) (query.Expr, error) {
	t, err := tx.table(table)
	if err != nil {
		return nil, err
	}
	d := tx.db.drv.dialect()
	if !tx.readonly || t.byName[searchColumn] == nil || d == sqlite && !tx.pieced(t) {
		return nil, tx.ready(false)
	}
	var lists [][][]string // word → alternative → pieces
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
	if len(lists) == 0 {
		return nil, tx.ready(false)
	}
	if d == postgres {
		return narrowed(alias, lists), nil
	}
	return tx.candidates(t, alias, lists)
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

// candidates are the rows that have all pieces; nil where they are too many.
func (tx *Tx) candidates(t *table, alias string, lists [][][]string) (query.Expr, error) {
	if err := tx.ready(false); err != nil {
		return nil, err
	}
	match := ""
	for _, any := range lists {
		var or []string
		for _, parts := range any {
			or = append(or, `("`+strings.Join(parts, `" AND "`)+`")`)
		}
		match += " AND (" + strings.Join(or, " OR ") + ")"
	}
	had, asked := tx.matched[match]
	if asked && had == nil { // another table before: a search goes through all of them, so all are asked at once
		var err error
		if had, err = tx.match(strings.TrimPrefix(match, " AND ")); err != nil {
			return nil, err
		}
	}
	if tx.matched == nil {
		tx.matched = map[string]*matches{}
	}
	tx.matched[match] = had
	if had == nil || had.many {
		var err error
		if had, err = tx.match(tableToken(t.name) + match); err != nil || had.many {
			return nil, err
		}
	}
	op := query.Op{Name: "in", Args: []query.Expr{query.Col{Alias: alias, Name: "id"}}}
	for _, id := range had.ids[t.name] {
		op.Args = append(op.Args, query.Const{Value: id})
	}
	return op, nil
}

// matches are the rows that have all pieces, by table; none is named where they are too many.
type matches struct {
	ids  map[string][]any
	many bool
}

// match asks the pieces once: to go through their lists is most of a search. Only where they are not too many are the rows named.
func (tx *Tx) match(what string) (*matches, error) {
	rows, err := tx.ask(`SELECT f.rowid AS "n" FROM "`+pieceTable+`" f WHERE f."`+pieceTable+`" MATCH ? LIMIT `+strconv.Itoa(mostPieces+1), []any{what}, []column{{"n", Int}})
	if err != nil || len(rows) > mostPieces {
		return &matches{many: true}, tx.fail(err)
	}
	list := make([]any, len(rows))
	for i, row := range rows {
		list[i] = row["n"]
	}
	numbers, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	if rows, err = tx.ask(`SELECT e."tab" AS "tab", e."id" AS "id" FROM json_each(?) j CROSS JOIN "`+entryTable+`" e ON e."n" = j.value`, []any{string(numbers)}, []column{{"tab", Text}, {"id", Text}}); err != nil {
		return nil, tx.fail(err)
	}
	had := &matches{ids: map[string][]any{}}
	for _, row := range rows {
		tab, _ := row["tab"].(string)
		had.ids[tab] = append(had.ids[tab], row["id"])
	}
	return had, nil
}
