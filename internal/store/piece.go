package store

import (
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// A text column called "search" is found by its pieces: one or two Chinese characters, two or three others that stand together,
// four or six digits, and whole words of capitals, which are keyed tokens. On SQLite they are kept in a full-text table that holds
// nothing but the pieces; they are written just before the commit, in the transaction of the change, for all members of a batch at
// once, since each savepoint would make a segment of its own. How PostgreSQL keeps them stands in piece_pg.go. Pieces only narrow
// a question down; what is found is decided by the column itself.

const (
	searchColumn = "search"
	pieceTable   = "search_pieces"
	entryTable   = "search_pieces_entry"
	codeTable    = "search_pieces_table"

	// What programs kept before these. One that is taken back for a while makes it anew, and does not bring ours up to date.
	oldPieceTable = "search_piece"
	oldEntryTable = "search_entry"
)

// notPieces keeps what serves searching alone out of the tables there are.
const notPieces = `AND m.name <> '` + oldEntryTable + `' AND m.name NOT LIKE '` + oldPieceTable + `%' `

// pieceSchema makes the tables on SQLite anew. A row's entry has a number that begins with the code of its table and goes on in
// the order in which rows came: so the index, which is sorted by it, has those of a table together, the newest last, and the
// newest few are read without the rest. What is deleted from the pieces is taken out of the file at once.
var pieceSchema = []Change{
	{"drop search", oldPieceTable, "", `DROP TABLE IF EXISTS "` + oldPieceTable + `"`},
	{"drop search", oldEntryTable, "", `DROP TABLE IF EXISTS "` + oldEntryTable + `"`},
	{"drop search", pieceTable, "", `DROP TABLE IF EXISTS "` + pieceTable + `"`},
	{"drop search", entryTable, "", `DROP TABLE IF EXISTS "` + entryTable + `"`},
	{"drop search", codeTable, "", `DROP TABLE IF EXISTS "` + codeTable + `"`},
	{createSearch, codeTable, "", `CREATE TABLE "` + codeTable + `" ("code" INTEGER PRIMARY KEY, "tab" TEXT NOT NULL UNIQUE, "made" INTEGER NOT NULL)`},
	{createSearch, entryTable, "", `CREATE TABLE "` + entryTable + `" ("n" INTEGER PRIMARY KEY, "tab" INTEGER NOT NULL, "id" TEXT NOT NULL, UNIQUE ("tab", "id"))`},
	{createSearch, pieceTable, "", `CREATE VIRTUAL TABLE "` + pieceTable + `" USING fts5("p", content='', detail=none, columnsize=0, tokenize='ascii')`},
	{createSearch, pieceTable, "secure", `INSERT INTO "` + pieceTable + `"("` + pieceTable + `", rank) VALUES ('secure-delete', 1)`},
}

const createSearch = "create search"

// What programs of generation 1 had on PostgreSQL: an index of each table over what this function answers.
const (
	oldPieceIndex = "px_"
	oldPieceFunc  = "search_pieces"
)

// pieces plans what searching needs.
func (p *planner) pieces(tables []Table, have *schema) {
	var fresh []string // tables that have no code yet
	old := false
	for i := range tables {
		t := &tables[i]
		if !slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Name == searchColumn && c.Kind == Text }) {
			continue
		}
		if have.pieced[t.Name] == nil {
			fresh = append(fresh, "("+literal(t.Name)+", FALSE)")
		}
		if is := have.tables[t.Name]; is != nil {
			if _, there := is.indexes[oldPieceIndex+t.Name]; there {
				p.add("drop search", t.Name, oldPieceIndex+t.Name, "DROP INDEX IF EXISTS "+quote(oldPieceIndex+t.Name))
				old = true
			}
		}
	}
	if old {
		p.add("drop search", oldPieceFunc, "", "DROP FUNCTION IF EXISTS "+oldPieceFunc+"(text)")
	}
	if len(fresh) == 0 {
		return
	}
	if have.pieced == nil {
		for _, c := range pick(p.dialect == sqlite, pieceSchema, pieceSchemaPG) {
			if c.Kind == createSearch || slices.Contains(have.beside, c.Table) {
				p.list = append(p.list, c)
			}
		}
	}
	p.add(createSearch, codeTable, "rows", `INSERT INTO "`+codeTable+`" ("tab", "made") VALUES `+strings.Join(fresh, ", ")+` ON CONFLICT DO NOTHING`)
}

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
			first, _ := utf8.DecodeRuneInString(run)
			han := unicode.Is(unicode.Han, first)
			for i := 0; i+1 < len(at); i++ { // parts of the text itself: an act has hundreds
				if han {
					put(run[at[i]:at[i+1]])
				}
				if i+2 < len(at) {
					put(run[at[i]:at[i+2]])
				}
				if han {
					continue
				}
				if i+3 < len(at) {
					put(run[at[i]:at[i+3]])
				}
				for _, n := range digitPieces {
					if i+n < len(at) && allDigits(run[at[i]:at[i+n]]) {
						put(run[at[i]:at[i+n]])
					}
				}
			}
		}
	}
	return list
}

// digitPieces are the lengths of pieces of digits alone: those of three are had by nearly everything that is numbered.
var digitPieces = [...]int{4, 6}

func allDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// asksFor are the pieces that a text has which contains this word; none if it is too short to tell.
func asksFor(word string) []string {
	if token(word) {
		return []string{word}
	}
	var list []string
	for _, text := range plainRuns(word) {
		run := []rune(text)
		switch han := unicode.Is(unicode.Han, run[0]); {
		case han && len(run) == 1:
			list = append(list, text)
		case han || len(run) == 2:
			list = append(list, windows(run, 2)...)
		default:
			list = append(list, longest(run)...)
		}
	}
	return list
}

// windows are all parts of n characters.
func windows(run []rune, n int) []string {
	var list []string
	for i := 0; i+n <= len(run); i++ {
		list = append(list, string(run[i:i+n]))
	}
	return list
}

// longest are the pieces of three, but of four or six where there are so many digits: fewer rows have those.
func longest(run []rune) []string {
	var list []string
	for i := 0; i < len(run); i++ {
		end := i
		for end < len(run) && run[end] >= '0' && run[end] <= '9' {
			end++
		}
		n := 3
		for _, k := range digitPieces {
			if end-i >= k {
				n = k
			}
		}
		if n == 3 {
			if i+3 <= len(run) {
				list = append(list, string(run[i:i+3]))
			}
			continue
		}
		list = append(list, windows(run[i:end], n)...)
		i = max(i, end-3) // the next of three begins among the last two digits
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
