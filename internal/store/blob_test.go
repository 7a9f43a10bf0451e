package store_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"zhanggui/internal/fault"
	"zhanggui/internal/store"
)

func TestBlob(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		for i, size := range []int{0, 1, 256 << 10, 256<<10 + 1, 700_000} {
			id := strconv.Itoa(i)
			data := make([]byte, size)
			for n := range data {
				data[n] = byte(rand.Uint32())
			}
			write(t, db, func(tx *store.Tx) error {
				n, sum, err := tx.PutBlob(id, "x", iotest.OneByteReader(bytes.NewReader(data)))
				if n != int64(size) || len(sum) != 64 {
					t.Errorf("%d %s", n, sum)
				}
				return err
			})
			var got bytes.Buffer
			if err := db.CopyBlob(t.Context(), id, &got); err != nil || !bytes.Equal(got.Bytes(), data) {
				t.Errorf("%d bytes: %v", size, err)
			}
		}
		boom := errors.New("boom")
		if err := db.Write(t.Context(), func(tx *store.Tx) error {
			_, _, err := tx.PutBlob("x", "x", iotest.ErrReader(boom))
			return err
		}); !errors.Is(err, boom) {
			t.Errorf("%v", err)
		}
		if err := db.CopyBlob(t.Context(), "x", &bytes.Buffer{}); fault.KindOf(err) != fault.NotFound {
			t.Errorf("%v", err)
		}
		if err := store.Exec(t.Context(), db, `DELETE FROM "blob_chunk" WHERE "blob" = '4' AND "pos" = 1`); err != nil {
			t.Fatal(err)
		}
		if err := db.CopyBlob(t.Context(), "4", &bytes.Buffer{}); err == nil {
			t.Error("a hole was not noticed")
		}
		write(t, db, func(tx *store.Tx) error { return tx.DropBlob("3") })
		if n := count(t, db, "blob_chunk"); n != 4 {
			t.Errorf("%d chunks", n)
		}
	})
}

// A copy taken while others write is one moment's state: as many parts as the series says.
func TestBackup(t *testing.T) {
	dir := t.TempDir()
	for name, dsn := range map[string]string{"file": "sqlite:" + dir + "/a.db", "memory": "sqlite::memory:"} {
		t.Run(name, func(t *testing.T) {
			db := open(t, dsn)
			stop := make(chan bool)
			var wg sync.WaitGroup
			next := func() {
				write(t, db, func(tx *store.Tx) error {
					n, err := tx.Next("a", "b")
					if err != nil {
						return err
					}
					return tx.Insert("part", store.Row{"id": strconv.FormatInt(n, 10)})
				})
			}
			next()
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						next()
					}
				}
			})
			path := filepath.Join(dir, name+".copy")
			if err := db.Backup(t.Context(), path); err != nil {
				t.Error(err)
			}
			close(stop)
			wg.Wait()
			if db.Backup(t.Context(), path) == nil {
				t.Error("overwrote a backup")
			}
			for _, p := range []string{path, strings.TrimPrefix(dsn, "sqlite:"), strings.TrimPrefix(dsn, "sqlite:") + "-wal"} {
				if info, err := os.Stat(p); name == "file" && (err != nil || info.Mode().Perm() != 0o600) {
					t.Errorf("%s: %v %v", filepath.Base(p), info, err)
				}
			}
			from := open(t, "sqlite:"+path)
			read(t, from, func(tx *store.Tx) error {
				n, err := tx.Peek("a", "b")
				if parts := count(t, from, "part"); n == 0 || parts != n {
					t.Errorf("%d parts, number %d", parts, n)
				}
				return err
			})
		})
	}
}
