package store_test

import (
	"context"
	sqldriver "database/sql/driver"
	"path/filepath"
	"testing"

	"zhanggui/internal/store"
)

// Ensure that who reads while nobody else does meets the connection that is open already, since each opened one reads all that is declared and
// holds it, that those who read at once each have their own, and that closing ends them all.
func TestRead_Connections(t *testing.T) {
	opened := 0
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "a.db"), store.Through(func(c sqldriver.Conn) sqldriver.Conn { opened++; return c }, nil))
	if err != nil {
		t.Fatal(err)
	}
	apply(t, db, append(store.SystemTables(), thing, part)...)
	before := opened
	for range 20 {
		count(t, db, "part")
	}
	if n := opened - before; n > 1 {
		t.Errorf("%d connections for one reader after the other", n)
	}
	before = opened
	err = db.Read(t.Context(), func(*store.Tx) error {
		return db.Read(context.Background(), func(tx *store.Tx) error {
			_, err := tx.Count("part", nil)
			return err
		})
	})
	if err != nil || opened-before > 1 {
		t.Errorf("two at once: %v, %d connections more", err, opened-before)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
