package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"zhanggui/internal/query"
)

// Patient lets who shares a commit wait for all that come, however busy the machine is.
func Patient(t testing.TB) {
	was := batchTime
	batchTime = time.Hour
	t.Cleanup(func() { batchTime = was })
}

// Explain is how the database means to answer.
func Explain(ctx context.Context, db *DB, q query.Select) (string, error) {
	var b strings.Builder
	err := db.Read(ctx, func(tx *Tx) error {
		r := tx.renderer()
		r.selectQuery(q)
		word, out := "EXPLAIN QUERY PLAN ", []column{{"id", Int}, {"parent", Int}, {"x", Int}, {"detail", Text}}
		if r.dialect == postgres {
			word, out = "EXPLAIN ", []column{{"detail", Text}}
		}
		rows, err := tx.s.query(ctx, word+r.b.String(), r.args, out)
		for _, row := range rows {
			fmt.Fprintln(&b, row["detail"])
		}
		return err
	})
	return b.String(), err
}

// Exec runs SQL of a test that plays the intruder.
func Exec(ctx context.Context, db *DB, sql string, args ...any) error {
	return db.Write(ctx, func(tx *Tx) error {
		_, err := tx.exec(sql, args)
		return err
	})
}

// Segments counts those of SQLite's index for searching.
func Segments(ctx context.Context, db *DB) (n int64, err error) {
	err = db.Read(ctx, func(tx *Tx) error {
		rows, err := tx.s.query(ctx, `SELECT COUNT(DISTINCT "segid") AS "n" FROM "`+pieceTable+`_idx"`, nil, []column{{"n", Int}})
		if err == nil {
			n, _ = rows[0]["n"].(int64)
		}
		return err
	})
	return n, err
}

// FillSmall makes tables large that have more rows than so many.
func FillSmall(t testing.TB, rows int) {
	was := fillSmall
	fillSmall = rows
	t.Cleanup(func() { fillSmall = was })
}

// Refresh reads what tables there are, as a start does.
func (db *DB) Refresh(ctx context.Context) error { return db.refresh(ctx) }

// FillOnce fills in one part of a table.
func FillOnce(ctx context.Context, db *DB, table string) error {
	s := db.schema.Load()
	f := filler{t: s.tables[table], code: s.pieced[table].code}
	return db.Write(ctx, func(tx *Tx) error {
		part, err := f.next(tx, fillPart)
		return errors.Join(err, tx.fill(part))
	})
}

// ExplainPieces is how SQLite means to answer what the newest of a table are that have a piece.
func ExplainPieces(ctx context.Context, db *DB) (string, error) {
	var b strings.Builder
	err := db.Read(ctx, func(tx *Tx) error {
		rows, err := tx.s.query(ctx, "EXPLAIN QUERY PLAN "+matchingSQL+"10", []any{"a", int64(0), int64(1)}, []column{{"id", Int}, {"parent", Int}, {"x", Int}, {"detail", Text}})
		for _, row := range rows {
			fmt.Fprintln(&b, row["detail"])
		}
		return err
	})
	return b.String(), err
}

// Break makes the disk fail, as far as the store can tell.
func Break(db *DB, err error) { db.drv.(*lite).watch(err) }

// Unguard takes the triggers of the written tables away, as somebody does who owns the tables.
func Unguard(ctx context.Context, db *DB) error {
	return db.Write(ctx, func(tx *Tx) error {
		for _, t := range tx.schema.tables {
			for _, name := range t.guards {
				if _, err := tx.exec("DROP TRIGGER IF EXISTS "+quote(name)+pick(tx.db.drv.dialect() == postgres, " ON "+quote(t.name), ""), nil); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// Unmark forgets that a newer program has worked on a database, as nobody but a test does.
func Unmark(ctx context.Context, dsn string) error {
	c, err := connectLite(strings.TrimPrefix(dsn, "sqlite:"), false)
	if err != nil {
		return err
	}
	return errors.Join(c.simple("DELETE FROM meta WHERE key = '"+GenerationKey+"'"), c.conn.Close())
}

// Aside waits until the log is moved that was to be moved beside the writer.
func Aside(db *DB) { db.drv.(*lite).aside.done.Wait() }

// Pace tells how long writers share a commit after commits that were slow or not.
func Pace(slow ...bool) time.Duration {
	var p pace
	for _, s := range slow {
		p.note(s)
	}
	return p.share()
}

// MergeAlone lets the index of pieces merge by itself, as one does that was made by an earlier program.
func MergeAlone(ctx context.Context, db *DB) error {
	return db.Write(ctx, func(tx *Tx) error {
		_, err := tx.exec(`INSERT INTO "`+pieceTable+`"("`+pieceTable+`", rank) VALUES ('automerge', 4)`, nil)
		return err
	})
}
