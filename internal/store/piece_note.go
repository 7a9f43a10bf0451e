package store

import (
	"context"

	"zhanggui/internal/query"
)

// pieced is a table whose pieces are kept.
type pieced struct {
	code int64
	made bool // of all its rows: until then it is looked through
}

// piece is a change of one row's search column.
type piece struct {
	code          int64 // of its table
	id, old, text string
	earlier       bool  // the row was there before the pieces
	n             int64 // of its entry
}

// keepsPieces tells whether this transaction keeps the pieces of a table.
func (tx *Tx) keepsPieces(t *table) bool {
	switch tx.db.drv.(type) {
	case *lite, *pg: // a sandbox leaves nothing
		return tx.schema.pieced[t.name] != nil && t.byName[searchColumn] != nil && t.byName["id"] != nil
	}
	return false
}

func (tx *Tx) onPG() bool { return tx.db.drv.dialect() == postgres }

// noteInserted notes the pieces of new rows.
func (tx *Tx) noteInserted(t *table, rows ...Row) error {
	if !tx.keepsPieces(t) {
		return nil
	}
	var list []piece
	for _, row := range rows {
		if text, _ := row[searchColumn].(string); text != "" {
			id, _ := row["id"].(string)
			list = append(list, piece{code: tx.schema.pieced[t.name].code, id: id, text: text})
		}
	}
	if tx.onPG() {
		return tx.enter(list...)
	}
	tx.pieces = append(tx.pieces, list...)
	return nil
}

// noteOld notes, before they are changed or deleted, rows whose search column gets another text; text nil = the rows go.
func (tx *Tx) noteOld(t *table, where query.Expr, alias string, text *string) error {
	columns := []query.Column{{Name: "id", Expr: query.Col{Alias: alias, Name: "id"}}, {Name: searchColumn, Expr: query.Col{Alias: alias, Name: searchColumn}}}
	rows, err := tx.Select(query.Select{Table: t.name, Alias: alias, Where: where, Columns: columns})
	var list []piece
	for _, row := range rows {
		p := piece{code: tx.schema.pieced[t.name].code}
		p.id, _ = row["id"].(string)
		p.old, _ = row[searchColumn].(string)
		if text != nil {
			p.text = *text
		}
		list = append(list, p)
	}
	if tx.onPG() && err == nil {
		return tx.enter(list...)
	}
	tx.pieces = append(tx.pieces, list...)
	return err
}

// notesAfter tells whether the pieces of rows with this key are noted after the rows are written, and without a look at them: on PostgreSQL, of
// one that the id names. All lock the row first then, and its entry after it.
func (tx *Tx) notesAfter(key Row) bool {
	_, one := key["id"].(string)
	return one && len(key) == 1 && tx.onPG()
}

// noteSet is noteOld for rows with this key.
func (tx *Tx) noteSet(t *table, key Row, to any) error {
	text, _ := to.(string)
	if tx.notesAfter(key) {
		id, _ := key["id"].(string)
		return tx.enter(piece{code: tx.schema.pieced[t.name].code, id: id, text: text})
	}
	return tx.noteOld(t, whereKey(key), "t", &text)
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
