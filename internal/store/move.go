package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"

	"zhanggui/internal/fault"
)

// Moved says how much was moved: rows, and the digest of them all, equal on both sides.
type Moved struct {
	Tables int
	Rows   int64
	Digest string
}

// MoveTo copies everything into another, empty database in one transaction of it: all is there afterwards, proven
// equal by digest, or nothing. The target has been brought up to the same tables; nobody may be at work on either.
func (db *DB) MoveTo(ctx context.Context, to *DB) (m Moved, err error) {
	from := db.schema.Load()
	var names []string
	for name := range from.tables {
		names = append(names, name)
	}
	slices.Sort(names)
	err = db.Read(ctx, func(src *Tx) error {
		return to.Write(ctx, func(dst *Tx) error {
			m = Moved{Tables: len(names)}
			pg := to.drv.dialect() == postgres
			pieces := pg && dst.schema.pieced != nil
			if pieces { // made anew when all is there, many times faster
				if _, err := dst.exec(noPieceIndexPG, nil); err != nil {
					return err
				}
			}
			all := sha256.New()
			for _, name := range names {
				t := from.tables[name]
				if dst.schema.tables[name] == nil {
					return fault.New(fault.Conflict, "目标库没有表 "+name, "The target lacks the table "+name)
				}
				n, err := dst.Count(name, nil)
				if err != nil {
					return err
				}
				if n > 0 {
					return fault.New(fault.Conflict, "目标库不是空的："+name, "The target is not empty: "+name)
				}
				was, n, err := src.eachPage(t, func(rows []Row) error { return dst.InsertMany(name, rows) })
				if err != nil {
					return fmt.Errorf("table %s: %w", name, err)
				}
				is, _, err := dst.eachPage(dst.schema.tables[name], func([]Row) error { return nil })
				if err != nil {
					return err
				}
				if was != is {
					return fmt.Errorf("store: table %s is not the same after the move", name)
				}
				m.Rows += n
				fmt.Fprintf(all, "%s %s\n", name, was)
			}
			m.Digest = hex.EncodeToString(all.Sum(nil))
			if pieces {
				if _, err := dst.exec(pieceIndexPG, nil); err != nil {
					return err
				}
			}
			if pg && from.tables["journal_entry"] != nil {
				_, err := dst.exec(`SELECT setval('`+turnSequence+`', COALESCE((SELECT MAX("turn") FROM "journal_entry"), 0) + 1, false)`, nil)
				return err
			}
			return nil
		})
	})
	return m, err
}

// eachPage hands out a table by primary key and answers the digest and number of its rows.
func (tx *Tx) eachPage(t *table, fn func([]Row) error) (digest string, n int64, err error) {
	h := sha256.New()
	var after Row
	for {
		rows, err := tx.Select(pageAfter(t, after))
		if err != nil {
			return "", 0, err
		}
		for _, row := range rows {
			hashRow(h, row)
			after = row
			n++
		}
		if len(rows) > 0 {
			if err := fn(rows); err != nil {
				return "", 0, err
			}
		}
		if len(rows) < compareMembers {
			return hex.EncodeToString(h.Sum(nil)), n, nil
		}
	}
}

func hashRow(h hash.Hash, row Row) {
	for _, name := range columnNames(row) {
		if v := row[name]; v != nil {
			fmt.Fprintf(h, "%q %T %q\n", name, v, fmt.Append(nil, v))
		}
	}
	h.Write([]byte("\n"))
}
