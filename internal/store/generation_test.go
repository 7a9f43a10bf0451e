package store_test

import (
	"strings"
	"testing"

	"zhanggui/internal/fault"
	"zhanggui/internal/store"
)

// Ensure that on SQLite not one act is done after a newer program has begun to work on the database, without waiting until somebody
// looks; and that taking its mark away lets acts go on (P26).
func TestWrite_Newer(t *testing.T) {
	dsn := "sqlite:" + t.TempDir() + "/a.db"
	open := func() *store.DB {
		t.Helper()
		db, err := store.Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		plan, err := db.Plan(t.Context(), store.SystemTables())
		if err == nil {
			err = db.Upgrade(t.Context(), plan, "v1.0.0")
		}
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	older, newer := open(), open()
	act := func(db *store.DB, key, value string) error {
		return db.Write(t.Context(), func(tx *store.Tx) error {
			return tx.Upsert("meta", []string{"key"}, store.Row{"key": key, "value": value})
		})
	}
	if err := act(older, "x", "1"); err != nil {
		t.Fatal(err)
	}
	if err := act(newer, store.GenerationKey, "99 v9.8.7"); err != nil {
		t.Fatal(err)
	}
	begun := false
	err := older.Write(t.Context(), func(*store.Tx) error { begun = true; return nil })
	if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "A newer program (v9.8.7)") || begun {
		t.Errorf("the next act: %v, begun %t", err, begun)
	}
	if err := store.Unmark(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	if err := act(older, "x", "2"); err != nil {
		t.Errorf("without the mark: %v", err)
	}
}
