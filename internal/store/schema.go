package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
)

// schema is what the database holds, as it was last read. It tells the renderer the kind of each
// column and whether it may be NULL.
type schema struct {
	tables map[string]*table
	beside []string           // what serves searching, ours and an older program's
	pieced map[string]*pieced // of which the pieces of search columns are kept, by name; nil = there is no place for them, or an older program's
}

// table is one table that is there.
type table struct {
	name    string
	label   string
	columns []Column // in the order they were made
	byName  map[string]*Column
	primary []string
	indexes map[string]index // by physical name
	ask     atomic.Pointer[question]
	guards  []string // triggers
}

// index is one index that is there.
type index struct {
	columns []string
	unique  bool
}

func (s *schema) add(name string) *table {
	t := &table{name: name, byName: map[string]*Column{}, indexes: map[string]index{}}
	s.tables[name] = t
	return t
}

// finish builds the look-up by name once all columns are known.
func (s *schema) finish() *schema {
	for _, t := range s.tables {
		for i := range t.columns {
			t.byName[t.columns[i].Name] = &t.columns[i]
		}
	}
	return s
}

// refresh reads the schema anew.
func (db *DB) refresh(ctx context.Context) error {
	return db.drv.read(ctx, func(s session) error {
		found, err := inspect(ctx, db.drv.dialect(), s)
		if err != nil {
			return fmt.Errorf("store: read the schema: %w", err)
		}
		db.schema.Store(found)
		return nil
	})
}

func inspect(ctx context.Context, d dialect, s session) (*schema, error) {
	found := &schema{tables: map[string]*table{}}
	columns, indexes, triggers := inspectLite, inspectLiteIndex, inspectLiteTrigger
	if d == postgres {
		columns, indexes, triggers = inspectPG, inspectPGIndex, inspectPGTrigger
	}
	text := func(names ...string) []column {
		var list []column
		for _, n := range names {
			list = append(list, column{n, Text})
		}
		return list
	}
	rows, err := s.query(ctx, columns, nil, append(text("table", "label", "column", "type", "comment"), column{"notnull", Bool}, column{"pk", Int}))
	if err != nil {
		return nil, err
	}
	keys := map[*table]map[int64]string{}
	for _, r := range rows {
		name, _ := r["table"].(string)
		t := found.tables[name]
		if t == nil {
			t = found.add(name)
			t.label, _ = r["label"].(string)
			keys[t] = map[int64]string{}
		}
		c := Column{}
		c.Name, _ = r["column"].(string)
		c.Label, _ = r["comment"].(string)
		declared, _ := r["type"].(string)
		c.Kind = physicalKind(declared)
		c.NotNull, _ = r["notnull"].(bool)
		t.columns = append(t.columns, c)
		if n, _ := r["pk"].(int64); n > 0 {
			keys[t][n] = c.Name
		}
	}
	for t, names := range keys {
		for i := int64(1); i <= int64(len(names)); i++ {
			t.primary = append(t.primary, names[i])
		}
	}
	rows, err = s.query(ctx, indexes, nil, append(text("table", "index", "column"), column{"unique", Bool}))
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		name, _ := r["table"].(string)
		t := found.tables[name]
		if t == nil {
			continue
		}
		in, _ := r["index"].(string)
		col, _ := r["column"].(string)
		x := t.indexes[in]
		x.unique, _ = r["unique"].(bool)
		x.columns = append(x.columns, col)
		t.indexes[in] = x
	}
	rows, err = s.query(ctx, triggers, nil, text("table", "trigger"))
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		name, _ := r["table"].(string)
		if t := found.tables[name]; t != nil {
			guard, _ := r["trigger"].(string)
			t.guards = append(t.guards, guard)
		}
	}
	where := "sqlite_schema"
	if d == postgres {
		where = "(SELECT relname::text AS name FROM pg_class WHERE relnamespace = current_schema()::regnamespace) c"
	}
	rows, err = s.query(ctx, `SELECT name FROM `+where+` WHERE name IN ('`+codeTable+`', '`+entryTable+`', '`+pieceTable+`', '`+oldEntryTable+`', '`+oldPieceTable+`')`, nil, text("name"))
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		name, _ := row["name"].(string)
		found.beside = append(found.beside, name)
	}
	if len(rows) == pick(d == sqlite, 3, 2) && !slices.Contains(found.beside, oldPieceTable) && !slices.Contains(found.beside, oldEntryTable) {
		if found.pieced, err = piecedIn(s); err != nil {
			return nil, err
		}
	}
	return found.finish(), nil
}

// Both queries of a dialect answer the same columns, ordered so that columns and index parts come in
// their own order. Types of others' making come back as they are and match no kind.
const (
	inspectLite = `SELECT m.name AS "table", '' AS label, p.name AS "column", p.type AS type, '' AS comment, p."notnull" AS "notnull", p.pk AS pk
FROM sqlite_schema m JOIN pragma_table_info(m.name) p WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\_%' ESCAPE '\' ` + notPieces + `ORDER BY m.name, p.cid`

	inspectLiteIndex = `SELECT m.name AS "table", l.name AS "index", i.name AS "column", l."unique" AS "unique"
FROM sqlite_schema m JOIN pragma_index_list(m.name) l JOIN pragma_index_info(l.name) i WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\_%' ESCAPE '\' ` + notPieces + `ORDER BY m.name, l.name, i.seqno`

	inspectPG = `SELECT c.relname::text AS "table", COALESCE(obj_description(c.oid, 'pg_class'), '') AS label, a.attname::text AS "column",
 format_type(a.atttypid, a.atttypmod) AS type, COALESCE(col_description(c.oid, a.attnum), '') AS comment, a.attnotnull AS "notnull",
 COALESCE(array_position(k.conkey, a.attnum), 0)::bigint AS pk
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
WHERE c.relkind IN ('r', 'p') AND c.relname NOT IN ('` + entryTable + `', '` + codeTable + `') AND c.relnamespace = current_schema()::regnamespace ORDER BY c.relname, a.attnum`

	inspectPGIndex = `SELECT c.relname::text AS "table", x.relname::text AS "index", a.attname::text AS "column", i.indisunique AS "unique"
FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_attribute a ON a.attrelid = x.oid
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace ORDER BY c.relname, x.relname, a.attnum`

	inspectLiteTrigger = `SELECT m.tbl_name AS "table", m.name AS "trigger" FROM sqlite_schema m WHERE m.type = 'trigger' ORDER BY m.name`

	// One that was switched off is as good as none; planning makes it anew, switched on.
	inspectPGTrigger = `SELECT c.relname::text AS "table", g.tgname::text AS "trigger" FROM pg_class c JOIN pg_trigger g ON g.tgrelid = c.oid
WHERE NOT g.tgisinternal AND g.tgenabled IN ('O', 'A') AND c.relnamespace = current_schema()::regnamespace ORDER BY g.tgname`
)

// physicalKind reads the type of a column; JSON cannot be told from text.
func physicalKind(declared string) Kind {
	switch strings.ToUpper(declared) {
	case "TEXT":
		return Text
	case "INTEGER", "BIGINT":
		return Int
	case "BOOLEAN":
		return Bool
	case "BLOB", "BYTEA":
		return Blob
	}
	return Kind(strings.ToLower(declared))
}

// physicalType is the other direction. PostgreSQL compares text by its bytes, as SQLite does, so
// that both sort alike on every server and an index serves a search for a beginning.
func physicalType(d dialect, k Kind) string {
	lite := d == sqlite
	switch k {
	case Int:
		return pick(lite, "INTEGER", "BIGINT")
	case Bool:
		return "BOOLEAN"
	case Blob:
		return pick(lite, "BLOB", "BYTEA")
	}
	return pick(lite, "TEXT", `TEXT COLLATE "C"`)
}

func pick[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}

// quote makes an identifier. Every name is quoted always, so that none can be a keyword.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func quoteAll(names []string) string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = quote(n)
	}
	return strings.Join(list, ", ")
}
