package store

import (
	"context"
	"strconv"
	"strings"
)

// Rows that were there before their pieces are filled in the newest first. A table that is small is filled in the transaction that
// makes the place for the pieces; of a large one its owner does it beside the work, by FillSearch, and until then it is looked through.

// Rows of a table that is filled in at once; on PostgreSQL, where each is a statement and other nodes wait, a tenth of them.
var fillSmall = 20_000

const fillPart = 250 // rows in one transaction beside the work: who acts waits for no more

// fillSmall fills in the small tables.
func (tx *Tx) fillSmall() error {
	list, err := piecedIn(tx.s)
	if err != nil {
		return tx.fail(err)
	}
	most := fillSmall
	if tx.onPG() {
		most /= 10
	}
	for name, p := range list {
		t := tx.schema.tables[name] // nil = made just now
		if p.made {
			continue
		}
		if t != nil && t.byName[searchColumn] != nil {
			rows, err := tx.ask(`SELECT count(*) AS "n" FROM (SELECT 1 FROM `+quote(name)+` LIMIT `+strconv.Itoa(most+1)+`) x`, nil, []column{{"n", Int}})
			if err != nil {
				return tx.fail(err)
			}
			if rows[0]["n"].(int64) > int64(most) {
				continue
			}
			f := filler{t: t, code: p.code}
			part, err := f.next(tx, most+1)
			if err == nil {
				err = tx.fill(part)
			}
			if err != nil {
				return tx.fail(err)
			}
		}
		if err := tx.filled(p.code); err != nil {
			return err
		}
	}
	return nil
}

// filled says that all rows of a table have their pieces.
func (tx *Tx) filled(code int64) error {
	_, err := tx.exec(`UPDATE "`+codeTable+`" SET "made" = TRUE WHERE "code" = `+tx.mark(1), []any{code})
	return err
}

// fill keeps the pieces of rows that were there before.
func (tx *Tx) fill(list []piece) error {
	if tx.onPG() {
		return tx.enter(list...)
	}
	tx.pieces = append(tx.pieces, list...)
	return nil
}

// FillSearch fills in the pieces of tables that were too large for their start, and tells how many rows had to be filled in. It
// goes on where it was ended: what has pieces is passed over.
func (db *DB) FillSearch(ctx context.Context) (rows int, err error) {
	s := db.schema.Load()
	for name, p := range s.pieced {
		t := s.tables[name]
		if p.made || t == nil || t.byName[searchColumn] == nil {
			continue
		}
		for f := (filler{t: t, code: p.code}); !f.ended; {
			before := f // a write may run again
			n := 0
			err := db.Write(ctx, func(tx *Tx) error {
				f = before
				part, err := f.next(tx, fillPart)
				if err != nil {
					return tx.fail(err)
				}
				n = len(part)
				if err := tx.fill(part); err != nil {
					return err
				}
				if f.ended {
					return tx.filled(p.code)
				}
				return nil
			})
			if err != nil {
				return rows, err
			}
			rows += n
		}
		if err := db.refresh(ctx); err != nil {
			return rows, err
		}
	}
	return rows, nil
}

// filler goes through a table, the newest first.
type filler struct {
	t     *table
	code  int64
	after []any // the last row's place in the order
	ended bool
}

// next are the pieces of the next rows that have none.
func (f *filler) next(tx *Tx, most int) ([]piece, error) {
	keys := []string{`t."id"`}
	if at := f.t.byName["at"]; at != nil && at.NotNull {
		keys = []string{`t."at"`, `t."id"`}
	}
	args, where := []any{f.code}, ""
	if f.after != nil {
		where, args = ` WHERE (`+strings.Join(keys, ", ")+`) < (`+tx.mark(2)+pick(len(keys) > 1, ", "+tx.mark(3), "")+`)`, append(args, f.after...)
	}
	rows, err := tx.ask(`SELECT t."id" AS "id", `+keys[0]+` AS "at", t.`+quote(searchColumn)+` AS "text", e."n" AS "n" FROM `+quote(f.t.name)+` t LEFT JOIN "`+entryTable+`" e ON e."tab" = `+tx.mark(1)+` AND e."id" = t."id"`+
		where+` ORDER BY `+strings.Join(keys, " DESC, ")+` DESC LIMIT `+strconv.Itoa(most), args, []column{{"id", Text}, {"at", Text}, {"text", Text}, {"n", Int}})
	if err != nil {
		return nil, err
	}
	var list []piece
	for _, row := range rows {
		p := piece{code: f.code, earlier: true}
		p.id, _ = row["id"].(string)
		p.text, _ = row["text"].(string)
		if f.after = []any{row["at"], row["id"]}; len(keys) == 1 {
			f.after = f.after[1:]
		}
		if row["n"] == nil && p.text != "" {
			list = append(list, p)
		}
	}
	f.ended = len(rows) < most
	return list, nil
}
