package store

import (
	"context"

	"zhanggui/internal/journal"
	"zhanggui/internal/query"
)

// Leaf is a sealed entry: its place in the log, and the bytes that were sealed.
type Leaf struct {
	Leaf int64
	Body []byte
}

// LeavesNaming are the sealed entries below size whose bytes hold one of the texts, in the order of the log. The whole log is looked
// through, a page at a time, since no index knows what an entry of another record wrote.
func (db *DB) LeavesNaming(ctx context.Context, size int64, texts []string) (list []Leaf, err error) {
	leaf, body := query.Col{Alias: "e", Name: "leaf"}, query.Col{Alias: "e", Name: "body"}
	any := query.Op{Name: "or"}
	for _, s := range texts {
		any.Args = append(any.Args, query.Op{Name: "contains", Args: []query.Expr{body, query.Const{Value: s}}})
	}
	if len(any.Args) == 0 {
		return nil, nil
	}
	var named query.Expr = any
	if len(any.Args) == 1 {
		named = any.Args[0]
	}
	const members = 10 * compareMembers // few of them are answered
	for from := int64(0); from < size; from += members {
		err := db.Read(ctx, func(tx *Tx) error {
			rows, err := tx.Select(query.Select{Table: "journal_entry", Alias: "e", Order: []query.Order{{Expr: leaf}},
				Columns: []query.Column{{Name: "leaf", Expr: leaf}, {Name: "body", Expr: body}},
				Where: query.And(query.And(query.Op{Name: ">=", Args: []query.Expr{leaf, query.Const{Value: from}}},
					query.Op{Name: "<", Args: []query.Expr{leaf, query.Const{Value: min(from+members, size)}}}), named)})
			for _, row := range rows {
				x := Leaf{}
				x.Leaf, _ = row["leaf"].(int64)
				s, _ := row["body"].(string)
				x.Body = []byte(s)
				list = append(list, x)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Kept are rows of a table in the shape the journal has them, by primary key: without what it does not tell, with secrets as they
// stand in the table.
func (tx *Tx) Kept(table string, where query.Expr) (list []journal.Row, err error) {
	t := tx.schema.tables[table]
	if t == nil || tx.kept == nil {
		return nil, errUse("kept rows of a table that was not planned")
	}
	q := query.Select{Table: table, Alias: "t", Where: where}
	for _, p := range t.primary {
		q.Order = append(q.Order, query.Order{Expr: query.Col{Alias: "t", Name: p}})
	}
	rows, err := tx.Select(q)
	for _, row := range rows {
		list = append(list, asRow(t, row, tx.kept.untold[table]))
	}
	return list, err
}

// Follows answers the first column, by name, in which a row of a table is not what the journal's entries add up to; "" = it is.
func (tx *Tx) Follows(told, have journal.Row) (string, error) {
	salt, err := tx.savedSalt()
	if err != nil {
		return "", err
	}
	c := &comparison{salt: salt}
	for _, name := range unionOf(told.Set, have.Set) {
		if !c.same(have.Table, have.Key, name, told.Set[name], have.Set[name]) {
			return name, nil
		}
	}
	return "", nil
}

// LeafOf is where an entry stands in the log, with its bytes; -1 if it is not sealed yet.
func (db *DB) LeafOf(ctx context.Context, id string) (x Leaf, err error) {
	x.Leaf = -1
	err = db.Read(ctx, func(tx *Tx) error {
		rows, err := tx.Select(query.Select{Table: "journal_entry", Alias: "e", Where: query.Eq("e", "id", id)})
		if err != nil || len(rows) == 0 {
			return err
		}
		if n, ok := rows[0]["leaf"].(int64); ok {
			x.Leaf = n
		}
		s, _ := rows[0]["body"].(string)
		x.Body = []byte(s)
		return nil
	})
	return x, err
}
