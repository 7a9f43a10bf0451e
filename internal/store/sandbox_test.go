package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"zhanggui/internal/store"
	"zhanggui/internal/store/pgtest"
)

// What happens in a sandbox works as usual and leaves no trace, again and again.
func TestSandbox(t *testing.T) {
	db := open(t, "sqlite::memory:")
	write(t, db, func(tx *store.Tx) error { return tx.Insert("part", store.Row{"id": "0"}) })
	for range 3 {
		box, done, err := db.Sandbox(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		told := false
		write(t, box, func(tx *store.Tx) error {
			tx.OnCommit(func() { told = true })
			if n, err := tx.Next("a", "b"); n != 1 || err != nil {
				t.Errorf("%d %v", n, err)
			}
			return tx.Insert("part", store.Row{"id": "1"})
		})
		boom := errors.New("boom")
		if err := box.Write(t.Context(), func(tx *store.Tx) error {
			if err := tx.Insert("part", store.Row{"id": "2"}); err != nil {
				return err
			}
			return boom
		}); !errors.Is(err, boom) {
			t.Errorf("%v", err)
		}
		if err := box.Write(t.Context(), func(tx *store.Tx) error { panic("ouch") }); err == nil {
			t.Error("a panic was swallowed")
		}
		if n := count(t, box, "part"); n != 2 || !told {
			t.Errorf("%d rows inside, told %v", n, told)
		}
		done()
		done()
		if err := box.Read(t.Context(), func(*store.Tx) error { return nil }); err == nil || !strings.Contains(err.Error(), "over") {
			t.Errorf("after the end: %v", err)
		}
		if n := count(t, db, "part"); n != 1 {
			t.Fatalf("%d rows outside", n)
		}
	}
	read(t, db, func(tx *store.Tx) error {
		if n, err := tx.Peek("a", "b"); n != 0 || err != nil {
			t.Errorf("the series moved: %d %v", n, err)
		}
		return nil
	})
}

// The database waits while a sandbox is open.
func TestSandbox_Excludes(t *testing.T) {
	db := open(t, "sqlite::memory:")
	_, done, err := db.Sandbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wrote := make(chan error, 1)
	go func() {
		wrote <- db.Write(t.Context(), func(tx *store.Tx) error { return tx.Insert("part", store.Row{"id": "1"}) })
	}()
	select {
	case err := <-wrote:
		t.Errorf("wrote into a sandbox that will be rolled back: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	done()
	if err := <-wrote; err != nil || count(t, db, "part") != 1 {
		t.Error(err)
	}
}

func TestSandbox_OnlyInMemory(t *testing.T) {
	for _, dsn := range []string{"sqlite:" + t.TempDir() + "/a.db", pgtest.DSN(t)} {
		if _, _, err := open(t, dsn).Sandbox(t.Context()); err == nil {
			t.Error("a sandbox on a lasting database")
		}
	}
}

func BenchmarkSandbox(b *testing.B) {
	db := open(b, "sqlite::memory:")
	for b.Loop() {
		box, done, err := db.Sandbox(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		write(b, box, func(tx *store.Tx) error { return tx.Insert("part", store.Row{"id": "1"}) })
		done()
	}
}
