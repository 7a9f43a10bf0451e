package store

import (
	"slices"
	"strings"
	"unicode/utf8"

	"zhanggui/internal/fault"
	"zhanggui/internal/query"
)

// Insert adds a row; columns that are not named stay NULL. A broken unique index is a *Duplicate.
func (tx *Tx) Insert(table string, row Row) error {
	return tx.InsertMany(table, []Row{row})
}

// InsertMany adds rows, which need not name the same columns.
func (tx *Tx) InsertMany(table string, rows []Row) error {
	if err := tx.ready(true); err != nil {
		return err
	}
	if len(rows) == 0 {
		return nil
	}
	t, err := tx.table(table)
	if err != nil {
		return err
	}
	names := columnNames(rows...)
	args := make([][]any, len(rows))
	for i, row := range rows {
		if args[i], err = values(t, names, row); err != nil {
			return err
		}
	}
	for _, a := range args {
		tx.note(t, names, a, written{fresh: true})
	}
	if err := tx.noteInserted(t, rows...); err != nil {
		return err
	}
	sql := tx.insertSQL(t, names)
	tx.forget(t.name)
	if len(rows) == 1 || tx.pipe != nil {
		for _, a := range args {
			if err := tx.say(sql, a, nil); err != nil {
				return err
			}
		}
		return nil
	}
	_, err = tx.execMany(sql, args)
	return tx.fail(err)
}

// Upsert adds a row, or changes the one that has the same values in the primary columns.
func (tx *Tx) Upsert(table string, primary []string, row Row) error {
	if err := tx.ready(true); err != nil {
		return err
	}
	t, err := tx.table(table)
	if err != nil {
		return err
	}
	names := columnNames(row)
	args, err := values(t, names, row)
	if err != nil {
		return err
	}
	var set []string
	for _, n := range names {
		if !slices.Contains(primary, n) {
			set = append(set, quote(n)+` = excluded.`+quote(n))
		}
	}
	do := " DO NOTHING"
	if len(set) > 0 {
		do = " DO UPDATE SET " + strings.Join(set, ", ")
	}
	tx.note(t, names, args, written{})
	text, named := row[searchColumn].(string)
	named = named && tx.keepsPieces(t)
	if named && !tx.onPG() {
		n := len(tx.pieces)
		if err := tx.noteSet(t, Row{"id": row["id"]}, text); err != nil {
			return err
		}
		if n == len(tx.pieces) {
			if err := tx.noteInserted(t, row); err != nil {
				return err
			}
		}
	}
	tx.forget(t.name)
	err = tx.say(tx.insertSQL(t, names)+" ON CONFLICT ("+quoteAll(primary)+")"+do, args, nil)
	if err == nil && named && tx.onPG() {
		err = tx.noteSet(t, Row{"id": row["id"]}, text)
	}
	return err
}

// Update sets columns of the rows whose key columns have these values (nil = IS NULL) and answers
// how many there were.
func (tx *Tx) Update(table string, key, set Row) (int64, error) {
	return tx.update(table, key, set, false)
}

// Change sets columns of the row with this id, which the transaction has read before. If it is gone since, that is a fault of kind Conflict.
func (tx *Tx) Change(table, id string, set Row) error {
	_, err := tx.update(table, Row{"id": id}, set, true)
	return err
}

func (tx *Tx) update(table string, key, set Row, there bool) (int64, error) {
	if err := tx.ready(true); err != nil {
		return 0, err
	}
	t, err := tx.table(table)
	if err != nil {
		return 0, err
	}
	if len(set) == 0 || len(key) == 0 {
		return 0, errUse("update of %s without a key or without a value", table)
	}
	names := columnNames(set)
	args, err := values(t, names, set)
	if err != nil {
		return 0, err
	}
	var b strings.Builder
	b.WriteString("UPDATE " + quote(t.name) + " SET ")
	for i, n := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quote(n) + " = " + tx.mark(i+1))
	}
	keys := columnNames(key)
	match, err := values(t, keys, key)
	if err != nil {
		return 0, err
	}
	if tx.tells(t, names) && !slices.Equal(keys, slices.Sorted(slices.Values(t.primary))) {
		return 0, errUse("update of %s by something else than its primary key", table)
	}
	for i, n := range keys {
		b.WriteString([]string{" WHERE ", " AND "}[min(i, 1)])
		if match[i] == nil {
			b.WriteString(quote(n) + " IS NULL")
			continue
		}
		args = append(args, match[i])
		b.WriteString(quote(n) + " = " + tx.mark(len(args)))
	}
	text, named := set[searchColumn]
	named = named && tx.keepsPieces(t)
	if named && !tx.notesAfter(key) {
		if err := tx.noteSet(t, key, text); err != nil {
			return 0, err
		}
	}
	tx.forget(t.name)
	n := int64(1)
	if there {
		err = tx.say(b.String(), args, gone)
	} else {
		n, err = tx.exec(b.String(), args)
	}
	if n > 0 && err == nil && tx.tells(t, names) {
		tx.note(t, append(keys, names...), append(match, args[:len(names)]...), written{})
	}
	if n > 0 && err == nil && named && tx.notesAfter(key) {
		err = tx.noteSet(t, key, text)
	}
	return n, err
}

// gone is the error of a change of a row that is not there.
func gone(n int64) error {
	if n == 0 {
		return fault.New(fault.Conflict, "这条记录已不在了", "This record is no longer there")
	}
	return nil
}

// Delete removes rows and answers how many. A condition is needed; it may name the table by any alias.
func (tx *Tx) Delete(table string, where query.Expr) (int64, error) {
	if err := tx.ready(true); err != nil {
		return 0, err
	}
	if where == nil {
		return 0, errUse("delete from %s without a condition", table)
	}
	alias, err := freeAlias(where)
	if err != nil {
		return 0, err
	}
	r := tx.renderer()
	r.text("DELETE FROM " + quote(table) + " AS " + quote(alias) + " WHERE ")
	leave := r.enter(alias, table)
	r.expr(where)
	leave()
	if r.err != nil {
		return 0, r.err
	}
	t, err := tx.table(table)
	if err != nil {
		return 0, err
	}
	if tx.keepsPieces(t) {
		if err := tx.noteOld(t, where, alias, nil); err != nil {
			return 0, err
		}
	}
	tx.forget(t.name)
	if !tx.keeps(t) {
		return tx.exec(r.b.String(), r.args)
	}
	out := make([]column, len(t.primary))
	for i, n := range t.primary {
		out[i] = column{n, t.byName[n].Kind}
	}
	r.text(" RETURNING " + quoteAll(t.primary))
	rows, err := tx.query(r, out)
	for _, row := range rows {
		args := make([]any, len(t.primary))
		for i, n := range t.primary {
			args[i] = row[n]
		}
		tx.note(t, t.primary, args, written{gone: true})
	}
	return int64(len(rows)), err
}

func (tx *Tx) insertSQL(t *table, names []string) string {
	marks := make([]string, len(names))
	for i := range names {
		marks[i] = tx.mark(i + 1)
	}
	return "INSERT INTO " + quote(t.name) + " (" + quoteAll(names) + ") VALUES (" + strings.Join(marks, ", ") + ")"
}

// mark is the n-th parameter of a statement that uses each once, in order.
func (tx *Tx) mark(n int) string { return mark(tx.db.drv.dialect(), n) }

func (tx *Tx) table(name string) (*table, error) {
	if t := tx.schema.tables[name]; t != nil {
		return t, nil
	}
	return nil, errUse("there is no table %s", name)
}

// columnNames are the columns of all rows, sorted, so that equal shapes share a prepared statement.
func columnNames(rows ...Row) []string {
	var names []string
	for n := range rows[0] {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, row := range rows[1:] {
		for n := range row {
			if i, found := slices.BinarySearch(names, n); !found {
				names = slices.Insert(names, i, n)
			}
		}
	}
	return names
}

// values are a row's values in the order of names, each checked against its column: SQLite would
// take a text into an int column without a word.
func values(t *table, names []string, row Row) ([]any, error) {
	out := make([]any, len(names))
	for i, n := range names {
		c := t.byName[n]
		if c == nil {
			return nil, errUse("table %s has no column %s", t.name, n)
		}
		v, err := normal(row[n])
		if err != nil {
			return nil, errUse("column %s.%s: %w", t.name, n, err)
		}
		if s, ok := v.(string); ok && !storable(s) {
			return nil, fault.At(n, "含有不能保存的字符", "Contains characters that cannot be stored")
		}
		if !fits(v, c.Kind) {
			return nil, errUse("column %s.%s is %s, got %T", t.name, n, c.Kind, v)
		}
		out[i] = v
	}
	return out, nil
}

// storable text is UTF-8 without NUL: PostgreSQL refuses the rest, and SQLite would cut it short.
func storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

func fits(v any, k Kind) bool {
	switch v.(type) {
	case nil:
		return true
	case string:
		return k == Text || k == JSON
	case int64:
		return k == Int
	case bool:
		return k == Bool
	case []byte:
		return k == Blob
	}
	return false
}
