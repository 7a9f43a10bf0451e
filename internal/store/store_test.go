package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/store/pgtest"
)

// The suite: every promise is tested on a SQLite file, on SQLite in memory and on PostgreSQL.
func each(t *testing.T, fn func(t *testing.T, db *store.DB)) {
	t.Run("file", func(t *testing.T) { fn(t, open(t, "sqlite:"+filepath.Join(t.TempDir(), "库 #1.db"))) })
	t.Run("memory", func(t *testing.T) { fn(t, open(t, "sqlite::memory:")) })
	t.Run("postgres", func(t *testing.T) { fn(t, open(t, pgtest.DSN(t))) })
}

func open(t testing.TB, dsn string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	apply(t, db, append(store.SystemTables(), thing, part)...)
	return db
}

func apply(t testing.TB, db *store.DB, tables ...store.Table) []store.Change {
	t.Helper()
	plan, err := db.Plan(t.Context(), tables)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Apply(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	return plan
}

// thing and part have one column of every kind, a reference, and every sort of index.
var thing = store.Table{Name: "thing", Label: "东西", Primary: []string{"id"}, Columns: []store.Column{
	{Name: "id", Kind: store.Text, NotNull: true},
	{Name: "name", Kind: store.Text, Label: "名称"},
	{Name: "amount", Kind: store.Int},
	{Name: "open", Kind: store.Bool},
	{Name: "note", Kind: store.JSON},
	{Name: "data", Kind: store.Blob},
	{Name: "at", Kind: store.Text, NotNull: true},
	{Name: "next_at", Kind: store.Text},
	{Name: "lease", Kind: store.Text},
	{Name: "fence", Kind: store.Int},
}, Indexes: []store.Index{
	{Name: "thing_name", Columns: []string{"name"}, Unique: true, Where: `"open" = TRUE`},
	{Name: "thing_at", Columns: []string{"at", "id"}},
	{Name: "thing_next", Columns: []string{"next_at", "id"}, Where: `"next_at" IS NOT NULL`},
}}

var part = store.Table{Name: "part", Primary: []string{"id"}, Columns: []store.Column{
	{Name: "id", Kind: store.Text, NotNull: true},
	{Name: "thing", Kind: store.Text},
	{Name: "pos", Kind: store.Int},
	{Name: "ok", Kind: store.Bool},
}, Indexes: []store.Index{{Name: "part_pos", Columns: []string{"thing", "pos"}, Unique: true}}}

func write(t testing.TB, db *store.DB, fn func(*store.Tx) error) {
	t.Helper()
	if err := db.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, db *store.DB, fn func(*store.Tx) error) {
	t.Helper()
	if err := db.Read(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func count(t testing.TB, db *store.DB, table string) (n int64) {
	t.Helper()
	read(t, db, func(tx *store.Tx) (err error) {
		n, err = tx.Count(table, nil)
		return err
	})
	return n
}

// Values come back as they went in, of the same Go type, NULLs included.
func TestRoundTrip(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		full := store.Row{"id": "1", "name": "张三 “x” \\ % _ '", "amount": int64(-1 << 63), "open": true, "note": `{"a":[1]}`,
			"data": []byte{0, 1, 0xff}, "at": "2026-01-02T03:04:05.678Z", "next_at": nil, "lease": "", "fence": int64(1<<63 - 1)}
		bare := store.Row{"id": "2", "at": "x", "open": false}
		write(t, db, func(tx *store.Tx) error { return tx.InsertMany("thing", []store.Row{full, bare}) })
		read(t, db, func(tx *store.Tx) error {
			got, err := tx.Get("thing", "1")
			if err != nil {
				return err
			}
			if !reflect.DeepEqual(got, full) {
				t.Errorf("got  %#v\nwant %#v", got, full)
			}
			got, err = tx.Get("thing", "2")
			if got["open"] != false || got["name"] != nil || got["amount"] != nil || len(got) != len(full) {
				t.Errorf("bare row: %#v", got)
			}
			return err
		})
	})
}

func TestGet_Missing(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		err := db.Read(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Get("thing", "none")
			return err
		})
		if fault.KindOf(err) != fault.NotFound {
			t.Errorf("got %v", err)
		}
	})
}

// What SQLite would swallow is refused on both: wrong kinds, unknown names, text that cannot be kept.
func TestInsert_Refused(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		for want, row := range map[string]store.Row{
			"column thing.amount is int, got string": {"id": "1", "at": "x", "amount": "5"},
			"column thing.open is bool, got int64":   {"id": "1", "at": "x", "open": 1},
			"column thing.name: a float64 cannot":    {"id": "1", "at": "x", "name": 1.5},
			"table thing has no column nonsense":     {"id": "1", "at": "x", "nonsense": "5"},
			"Contains characters that cannot be":     {"id": "1", "at": "x", "name": "a\x00b"},
			"Contains characters that cannot be ":    {"id": "1", "at": "x", "name": "a\xffb"},
			"at":                                     {"id": "1"}, // NOT NULL, in each database's own words
		} {
			err := db.Write(t.Context(), func(tx *store.Tx) error { return tx.Insert("thing", row) })
			if err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) {
				t.Errorf("want %q, got %v", want, err)
			}
		}
		if n := count(t, db, "thing"); n != 0 {
			t.Errorf("%d rows", n)
		}
	})
}

func TestUpdateUpsertDelete(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		write(t, db, func(tx *store.Tx) error {
			if err := tx.Upsert("part", []string{"id"}, store.Row{"id": "1", "pos": int64(1)}); err != nil {
				return err
			}
			if err := tx.Upsert("part", []string{"id"}, store.Row{"id": "1", "pos": int64(2), "ok": true}); err != nil {
				return err
			}
			if err := tx.Upsert("part", []string{"id"}, store.Row{"id": "1"}); err != nil {
				return err
			}
			if n, err := tx.Update("part", store.Row{"id": "1", "thing": nil}, store.Row{"thing": "T"}); n != 1 || err != nil {
				t.Errorf("update by NULL: %d %v", n, err)
			}
			if n, err := tx.Update("part", store.Row{"id": "1", "thing": nil}, store.Row{"thing": "U"}); n != 0 || err != nil {
				t.Errorf("update of nothing: %d %v", n, err)
			}
			row, err := tx.GetForUpdate("part", "1")
			if !reflect.DeepEqual(row, store.Row{"id": "1", "thing": "T", "pos": int64(2), "ok": true}) {
				t.Errorf("%#v", row)
			}
			return err
		})
		write(t, db, func(tx *store.Tx) error {
			if n, err := tx.Delete("part", query.Eq("whatever", "thing", "T")); n != 1 || err != nil {
				t.Errorf("delete: %d %v", n, err)
			}
			if _, err := tx.Delete("part", nil); err == nil {
				t.Error("deleted without a condition")
			}
			return nil
		})
	})
}

// A broken unique index names the table, the declared index and its columns.
func TestDuplicate(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		write(t, db, func(tx *store.Tx) error {
			if err := tx.Insert("thing", store.Row{"id": "1", "at": "x", "name": "a", "open": true}); err != nil {
				return err
			}
			return tx.Insert("part", store.Row{"id": "1", "thing": "1", "pos": 1})
		})
		for index, c := range map[string]struct {
			table string
			row   store.Row
			cols  []string
		}{
			"thing_name": {"thing", store.Row{"id": "2", "at": "x", "name": "a", "open": true}, []string{"name"}},
			"part_pos":   {"part", store.Row{"id": "2", "thing": "1", "pos": 1}, []string{"thing", "pos"}},
			"primary":    {"part", store.Row{"id": "1", "thing": "1", "pos": 2}, []string{"id"}},
		} {
			err := db.Write(t.Context(), func(tx *store.Tx) error { return tx.Insert(c.table, c.row) })
			d := store.AsDuplicate(err)
			if d == nil || d.Index != index || d.Table != c.table || !reflect.DeepEqual(d.Columns, c.cols) {
				t.Errorf("%s: got %#v (%v)", index, d, err)
			}
		}
		// Outside the partial index the same name is free.
		write(t, db, func(tx *store.Tx) error {
			return tx.Insert("thing", store.Row{"id": "3", "at": "x", "name": "a", "open": false})
		})
	})
}

// A statement that failed dooms its transaction on both databases, except inside Try.
func TestTx_AfterFailure(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		write(t, db, func(tx *store.Tx) error { return tx.Insert("part", store.Row{"id": "1"}) })
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			_ = tx.Insert("part", store.Row{"id": "1"}) // swallowed
			if err := tx.Insert("part", store.Row{"id": "2"}); err == nil {
				t.Error("went on after a failure")
			}
			return nil
		})
		if store.AsDuplicate(err) == nil {
			t.Errorf("the swallowed failure was forgotten: %v", err)
		}
		ran := 0
		write(t, db, func(tx *store.Tx) error {
			err := tx.Try(func() error {
				tx.OnCommit(func() { ran++ })
				if err := tx.Insert("part", store.Row{"id": "3"}); err != nil {
					return err
				}
				return tx.Insert("part", store.Row{"id": "1"})
			})
			if store.AsDuplicate(err) == nil {
				t.Errorf("try: %v", err)
			}
			if err := tx.Try(func() error { return tx.Insert("part", store.Row{"id": "4"}) }); err != nil {
				return err
			}
			tx.OnCommit(func() { ran += 10 })
			return nil
		})
		if n := count(t, db, "part"); n != 2 || ran != 10 {
			t.Errorf("%d rows, ran %d", n, ran)
		}
	})
}

func TestRead_ChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		var kept *store.Tx
		for name, fn := range map[string]func(tx *store.Tx) error{
			"insert": func(tx *store.Tx) error { return tx.Insert("part", store.Row{"id": "1"}) },
			"next":   func(tx *store.Tx) error { _, err := tx.Next("a", "b"); return err },
			"lock":   func(tx *store.Tx) error { _, err := tx.GetForUpdate("part", "1"); return err },
		} {
			if err := db.Read(t.Context(), func(tx *store.Tx) error { kept = tx; return fn(tx) }); err == nil || !strings.Contains(err.Error(), "cannot change") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := kept.Get("part", "1"); err == nil || !strings.Contains(err.Error(), "ended") {
			t.Errorf("a transaction outlived its function: %v", err)
		}
	})
}

// A Read sees one moment, whatever is committed meanwhile.
func TestRead_Snapshot(t *testing.T) {
	for name, dsn := range map[string]string{"file": "sqlite:" + filepath.Join(t.TempDir(), "a.db"), "postgres": pgtest.DSN(t)} {
		t.Run(name, func(t *testing.T) {
			db := open(t, dsn)
			read(t, db, func(tx *store.Tx) error {
				before, err := tx.Count("part", nil)
				if err != nil {
					return err
				}
				write(t, db, func(tx *store.Tx) error { return tx.Insert("part", store.Row{"id": "1"}) })
				after, err := tx.Count("part", nil)
				if before != 0 || after != 0 {
					t.Errorf("%d then %d", before, after)
				}
				return err
			})
			if n := count(t, db, "part"); n != 1 {
				t.Errorf("%d rows", n)
			}
		})
	}
}

func TestWrite_Cancelled(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		err := db.Write(ctx, func(tx *store.Tx) error {
			if err := tx.Insert("part", store.Row{"id": "1"}); err != nil {
				return err
			}
			cancel()
			return tx.Insert("part", store.Row{"id": "2"})
		})
		if !errors.Is(err, context.Canceled) || count(t, db, "part") != 0 {
			t.Errorf("%v", err)
		}
		if err := db.Write(ctx, func(*store.Tx) error { t.Error("ran"); return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

func TestClose(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if err := db.Write(context.Background(), func(tx *store.Tx) error { return nil }); err == nil {
			t.Error("wrote to a closed database")
		}
		if err := db.Read(context.Background(), func(tx *store.Tx) error { return nil }); err == nil {
			t.Error("read from a closed database")
		}
	})
}
