package store

import (
	"cmp"
	"context"
	"slices"

	"zhanggui/internal/journal"
	"zhanggui/internal/query"
)

// Leaf is a sealed entry: its place in the log, and the bytes that were sealed.
type Leaf struct {
	Leaf int64
	Body []byte
}

// LeavesOf are the sealed entries below size that are of a record, in the order of the log.
func (db *DB) LeavesOf(ctx context.Context, size int64, record string) ([]Leaf, error) {
	return db.leaves(ctx, size, query.Eq("e", "record", record))
}

// LeavesAt are the sealed entries below size of one instant, spelled as columns spell it, whose bytes hold a text.
func (db *DB) LeavesAt(ctx context.Context, size int64, at, text string) ([]Leaf, error) {
	return db.leaves(ctx, size, query.And(query.Eq("e", "at", at), holds(text)))
}

// LeavesBetween are the sealed entries below size whose turn is after one and before another (0 = to the end) and whose bytes hold a text.
// All that stand there are looked through, a page at a time.
func (db *DB) LeavesBetween(ctx context.Context, size, after, before int64, text string) (list []Leaf, err error) {
	turn := query.Col{Alias: "e", Name: "turn"}
	if before == 0 {
		err := db.Read(ctx, func(tx *Tx) error {
			rows, err := tx.Select(query.Select{Table: "journal_entry", Alias: "e", Limit: 1, Order: []query.Order{{Expr: turn, Desc: true}},
				Columns: []query.Column{{Name: "turn", Expr: turn}}})
			if err == nil && len(rows) > 0 {
				before, _ = rows[0]["turn"].(int64)
				before++
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	const members = 10 * compareMembers // few of them are answered
	for from := after + 1; from < before; from += members {
		some, err := db.leaves(ctx, size, query.And(query.And(query.Op{Name: ">=", Args: []query.Expr{turn, query.Const{Value: from}}},
			query.Op{Name: "<", Args: []query.Expr{turn, query.Const{Value: min(from+members, before)}}}), holds(text)))
		if err != nil {
			return nil, err
		}
		list = append(list, some...)
	}
	return list, nil
}

func holds(text string) query.Expr {
	return query.Op{Name: "contains", Args: []query.Expr{query.Col{Alias: "e", Name: "body"}, query.Const{Value: text}}}
}

// leaves are looked for without the leaf, so that no database takes the whole log for the shorter way.
func (db *DB) leaves(ctx context.Context, size int64, where query.Expr) (list []Leaf, err error) {
	leaf, body := query.Col{Alias: "e", Name: "leaf"}, query.Col{Alias: "e", Name: "body"}
	err = db.Read(ctx, func(tx *Tx) error {
		list = nil
		rows, err := tx.Select(query.Select{Table: "journal_entry", Alias: "e", Where: where, Columns: []query.Column{{Name: "leaf", Expr: leaf}, {Name: "body", Expr: body}}})
		for _, row := range rows {
			n, sealed := row["leaf"].(int64)
			if s, _ := row["body"].(string); sealed && n < size {
				list = append(list, Leaf{n, []byte(s)})
			}
		}
		return err
	})
	slices.SortFunc(list, func(a, b Leaf) int { return cmp.Compare(a.Leaf, b.Leaf) })
	return list, err
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
