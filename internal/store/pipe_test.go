package store_test

import (
	"errors"
	"testing"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/store"
	"zhanggui/internal/store/pgtest"
)

// Ensure that what a transaction writes without waiting for the answer fails the transaction all the same: nothing of it remains, the error
// is the one it would have been, and who swallows a later one does not commit.
func TestPipe_Fails(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		write(t, db, func(tx *store.Tx) error { return tx.Insert("part", store.Row{"id": "1"}) })
		same := func(tx *store.Tx) error {
			tx.Pipe()
			if err := tx.Insert("part", store.Row{"id": "2"}); err != nil {
				return err
			}
			return tx.Insert("part", store.Row{"id": "1"})
		}
		for name, fn := range map[string]func(*store.Tx) error{
			"with the commit": same,
			"with a question, swallowed": func(tx *store.Tx) error {
				_ = same(tx)
				_, _ = tx.Get("part", "2")
				return nil
			},
			"when settled": func(tx *store.Tx) error {
				_ = same(tx)
				if tx.Settle() == nil {
					t.Error("settled")
				}
				return nil
			},
		} {
			d := store.AsDuplicate(db.Write(t.Context(), fn))
			if d == nil || d.Table != "part" || d.Index != "primary" {
				t.Errorf("%s: %#v", name, d)
			}
		}
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			tx.Pipe()
			if err := tx.Insert("part", store.Row{"id": "2"}); err != nil {
				return err
			}
			return tx.Change("part", "none", store.Row{"pos": 1})
		})
		if fault.KindOf(err) != fault.Conflict {
			t.Errorf("a row that is not there was changed: %v", err)
		}
		if n := count(t, db, "part"); n != 1 {
			t.Errorf("%d rows", n)
		}
	})
}

// Ensure that who lost a lease writes nothing, although the question for it goes along with what he writes.
func TestPipe_Fenced(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
		old, _, err := db.TakeLease(t.Context(), now, "house", "a", time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok, err := db.TakeLease(t.Context(), now.Add(time.Minute), "house", "b", time.Second); !ok || err != nil {
			t.Fatal(ok, err)
		}
		err = db.Write(db.Fenced(t.Context(), old), func(tx *store.Tx) error {
			tx.Pipe()
			return tx.Insert("part", store.Row{"id": "1"})
		})
		if !errors.Is(err, store.ErrFenced) || count(t, db, "part") != 0 {
			t.Errorf("%v, %d rows", err, count(t, db, "part"))
		}
	})
}

// Ensure that what was asked ahead is the answer only as long as it can be: not after this transaction wrote into the table, and not after it
// took a lock, before which another may have changed it.
func TestPipe_Ahead(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		write(t, db, func(tx *store.Tx) error { return tx.Insert("part", store.Row{"id": "1", "pos": 1}) })
		ask := func(tx *store.Tx, want int64) {
			t.Helper()
			if row, err := tx.Get("part", "1"); err != nil || row["pos"] != want {
				t.Errorf("%v %v, want %d", row, err, want)
			}
		}
		write(t, db, func(tx *store.Tx) error {
			tx.Pipe()
			tx.Ahead("part", "1", false)
			tx.Ahead("part", "none", true)
			if _, err := tx.Count("thing", nil); err != nil {
				return err
			}
			if _, err := tx.GetForUpdate("part", "none"); fault.KindOf(err) != fault.NotFound {
				t.Errorf("what is not there: %v", err)
			}
			if err := tx.Change("part", "1", store.Row{"pos": 2}); err != nil {
				return err
			}
			ask(tx, 2)
			return nil
		})
		if db.Dialect() == "sqlite" { // one writes after the other: nobody can come between
			return
		}
		for name, lock := range map[string]func(tx *store.Tx) error{
			"a key":       func(tx *store.Tx) error { return tx.Lock("x") },
			"a series":    func(tx *store.Tx) error { _, err := tx.Next("s", "p"); return err },
			"another row": func(tx *store.Tx) error { _, err := tx.GetForUpdate("part", "2"); return err },
		} {
			write(t, db, func(tx *store.Tx) error { return tx.Upsert("part", []string{"id"}, store.Row{"id": "2"}) })
			write(t, db, func(tx *store.Tx) error { return tx.Change("part", "1", store.Row{"pos": 1}) })
			write(t, db, func(tx *store.Tx) error {
				tx.Pipe()
				tx.Ahead("part", "1", false)
				if _, err := tx.Count("thing", nil); err != nil {
					return err
				}
				write(t, db, func(tx *store.Tx) error { return tx.Change("part", "1", store.Row{"pos": 7}) })
				if err := lock(tx); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				ask(tx, 7)
				return nil
			})
		}
	})
}

// Ensure that the turn of an entry is taken after every row it tells of is held: one that came ahead with a question is given up when more is
// written, since another may have written it meanwhile and have a later turn.
func TestPipe_Turn(t *testing.T) {
	db := open(t, pgtest.DSN(t))
	write(t, db, func(tx *store.Tx) error { return tx.Insert("part", store.Row{"id": "1", "pos": 1}) })
	db.KeepJournal()
	first, second := entry(1), entry(2)
	write(t, db, func(tx *store.Tx) error {
		tx.Pipe()
		if err := tx.Insert("part", store.Row{"id": "2", "pos": 1}); err != nil {
			return err
		}
		if _, err := tx.Count("thing", nil); err != nil { // the turn comes along
			return err
		}
		write(t, db, func(tx *store.Tx) error {
			if err := tx.Change("part", "1", store.Row{"pos": 2}); err != nil {
				return err
			}
			return tx.Append(first)
		})
		if err := tx.Change("part", "1", store.Row{"pos": 3}); err != nil {
			return err
		}
		return tx.Append(second)
	})
	if first.Turn == 0 || second.Turn <= first.Turn {
		t.Errorf("turns %d and %d", first.Turn, second.Turn)
	}
}
