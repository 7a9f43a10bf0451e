package store_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"zhanggui/internal/store"
	"zhanggui/internal/store/faulty"
)

// Ensure that the log is moved into the file while the database is in use, that all is there afterwards, and that a disk which
// fails at it stops all writing, as it does for whoever commits.
func TestFold(t *testing.T) {
	open := func(t *testing.T, o ...store.Option) (*store.DB, func() bool) {
		file := filepath.Join(t.TempDir(), "a.db")
		db, err := store.Open(t.Context(), "sqlite:"+file, o...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		applyCards(t, db)
		return db, func() bool {
			store.Aside(db)
			b, err := os.ReadFile(file)
			return err == nil && bytes.Contains(b, []byte("moved-into-the-file"))
		}
	}
	act := func(db *store.DB, i int) error {
		return db.Write(t.Context(), func(tx *store.Tx) error {
			return tx.Insert("card", store.Row{"id": fmt.Sprint(i), "note": "moved-into-the-file"})
		})
	}

	t.Run("OK", func(t *testing.T) {
		db, moved := open(t)
		for i := range 600 {
			if i < 200 && moved() {
				t.Fatalf("moved after %d acts", i)
			}
			if err := act(db, i); err != nil {
				t.Fatal(err)
			}
		}
		if !moved() {
			t.Error("the log is not moved")
		}
		if n := count(t, db, "card"); n != 600 {
			t.Errorf("%d rows", n)
		}
	})

	t.Run("Read", func(t *testing.T) { // somebody reads in it at each moment
		file := filepath.Join(t.TempDir(), "b.db")
		db, err := store.Open(t.Context(), "sqlite:"+file)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		applyCards(t, db)
		ctx, end := context.WithCancel(t.Context())
		var readers sync.WaitGroup
		for i := range 3 {
			readers.Go(func() {
				time.Sleep(time.Duration(i) * 7 * time.Millisecond)
				for ctx.Err() == nil {
					_ = db.Read(ctx, func(tx *store.Tx) error {
						_, err := tx.Count("card", nil)
						time.Sleep(20 * time.Millisecond)
						return err
					})
				}
			})
		}
		note := strings.Repeat("长", 40_000) // some 30 pages
		for i := range 1600 {
			if err := db.Write(t.Context(), func(tx *store.Tx) error {
				return tx.Insert("card", store.Row{"id": fmt.Sprint(i), "note": note})
			}); err != nil {
				t.Fatal(err)
			}
		}
		end()
		readers.Wait()
		store.Aside(db)
		log, err := os.Stat(file + "-wal")
		if err != nil || log.Size() > 130<<20 {
			t.Errorf("the log has %d MB of some 190 that were written: %v", log.Size()>>20, err)
		}
	})

	t.Run("ErrDisk", func(t *testing.T) {
		disk := &faulty.Storage{}
		db, moved := open(t, disk.Through())
		for i := range 250 {
			if err := act(db, i); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Failed(); err != nil || moved() {
			t.Fatalf("failed %v before anything was moved", err)
		}
		disk.Arm(1, faulty.Fault{Disk: true, Only: "PRAGMA wal_checkpoint"})
		for i := 250; i < 257; i++ {
			_ = act(db, i)
			store.Aside(db)
		}
		if db.Failed() == nil {
			t.Error("the disk failed, and writing goes on")
		}
	})
}
