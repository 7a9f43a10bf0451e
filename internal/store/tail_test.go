package store_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// replica is what somebody has who keeps what a tail hands out.
type replica struct {
	t     *testing.T
	image []byte
	place store.TailPlace
	begun int
}

// follow takes everything there is.
func (r *replica) follow(tail *store.Tail) {
	r.t.Helper()
	p, err := tail.Next()
	if err != nil {
		r.t.Fatal(err)
	}
	if p != nil {
		r.take(p)
		tail.Took(p)
	}
	for tail.Anew() {
		f, err := tail.Base()
		if err != nil {
			r.t.Fatal(err)
		}
		if r.image, err = io.ReadAll(f); err != nil {
			r.t.Fatal(err)
		}
		f.Close()
		r.begun++
		if p, err = tail.Next(); err == nil && p == nil {
			p, err = tail.Whole()
		}
		if err != nil {
			r.t.Fatal(err)
		}
		r.take(p)
		tail.Took(p)
	}
}

func (r *replica) take(p *store.Pages) {
	for _, x := range p.List {
		if need := int(x.No) * p.Size; need > len(r.image) {
			r.image = append(r.image, make([]byte, need-len(r.image))...)
		}
		copy(r.image[(int(x.No)-1)*p.Size:], x.Data)
	}
	r.image, r.place = r.image[:int(p.Count)*p.Size], p.Place
}

// same compares the copy with the original, row by row.
func (r *replica) same(db *store.DB, when string) {
	r.t.Helper()
	file := filepath.Join(r.t.TempDir(), "copy.db")
	if err := os.WriteFile(file, r.image, 0o600); err != nil {
		r.t.Fatal(err)
	}
	other, err := store.Open(r.t.Context(), "sqlite:"+file)
	if err != nil {
		r.t.Fatalf("%s: %v", when, err)
	}
	defer other.Close()
	if _, err := other.Plan(r.t.Context(), store.SystemTables()); err != nil {
		r.t.Fatal(err)
	}
	if a, b := rowsOf(r.t, db), rowsOf(r.t, other); !reflect.DeepEqual(a, b) {
		r.t.Fatalf("%s: the copy is not the original: %d and %d rows", when, len(a), len(b))
	}
}

func rowsOf(t *testing.T, db *store.DB) (list []store.Row) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *store.Tx) (err error) {
		list, err = tx.Select(query.Select{Table: "blob_chunk", Alias: "b", Order: []query.Order{{Expr: query.Col{Alias: "b", Name: "blob"}}, {Expr: query.Col{Alias: "b", Name: "pos"}}}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func openTailed(t *testing.T, file string, place store.TailPlace) (*store.DB, *store.Tail) {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite:"+file+"?wal_autocheckpoint=0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	plan, err := db.Plan(t.Context(), store.SystemTables())
	if err == nil {
		err = db.Apply(t.Context(), plan)
	}
	if err != nil {
		t.Fatal(err)
	}
	tail, err := db.Tail(place)
	if err != nil {
		t.Fatal(err)
	}
	return db, tail
}

// Ensure that who keeps what a tail hands out has the database: after acts of any size, refused ones, readers that keep the log
// from beginning anew, foldings, deaths, stops in order, a scrub and other programs at the file.
func TestTail(t *testing.T) {
	for seed := range testkit.Long(t, 3, 100) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { tailed(t, rand.New(rand.NewPCG(uint64(seed), 1))) })
	}
}

func tailed(t *testing.T, rnd *rand.Rand) {
	dir := t.TempDir()
	r := &replica{t: t}
	db, tail := openTailed(t, filepath.Join(dir, "0.db"), store.TailPlace{})
	file := filepath.Join(dir, "0.db")
	act := func(db *store.DB) error {
		id := fmt.Sprint(rnd.IntN(30))
		data := bytes.Repeat([]byte{byte(rnd.Uint32())}, rnd.IntN(40_000))
		return db.Write(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.Delete("blob_chunk", query.Eq("b", "blob", id)); err != nil {
				return err
			}
			if rnd.IntN(4) == 0 {
				return nil
			}
			if err := tx.Insert("blob_chunk", store.Row{"blob": id, "pos": int64(0), "data": data}); err != nil {
				return err
			}
			if rnd.IntN(5) == 0 {
				return os.ErrInvalid
			}
			return nil
		})
	}
	r.follow(tail)
	for step := range 40 {
		begun, what := r.begun, "acts"
		for range rnd.IntN(8) {
			_ = act(db)
		}
		switch rnd.IntN(9) {
		case 0:
			what = "folded"
			if r.follow(tail); rnd.IntN(2) == 0 {
				_ = act(db)
			}
			if err := tail.Fold(t.Context(), func(p *store.Pages) error { r.take(p); return nil }); err != nil {
				t.Fatal(err)
			}
		case 1:
			what = "folded under a reader"
			err := db.Read(t.Context(), func(tx *store.Tx) error {
				if _, err := tx.Count("blob_chunk", nil); err != nil {
					return err
				}
				_ = act(db)
				if err := tail.Fold(t.Context(), func(p *store.Pages) error { r.take(p); return nil }); err != nil {
					return err
				}
				return act(db)
			})
			if err != nil && err != os.ErrInvalid {
				t.Fatal(err)
			}
		case 2:
			what = "killed"
			if rnd.IntN(2) == 0 {
				r.follow(tail)
			}
			_ = act(db)
			next := filepath.Join(dir, fmt.Sprint(step+1, ".db"))
			for _, end := range []string{"", "-wal"} { // what a death leaves
				b, err := os.ReadFile(file + end)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(next+end, b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			db.Close()
			file = next
			db, tail = openTailed(t, file, r.place)
		case 3:
			what = "stopped in order"
			r.follow(tail)
			tail.Close()
			db.Close()
			db, tail = openTailed(t, file, r.place)
			begun = -1
		case 4:
			what = "scrubbed"
			if rnd.IntN(6) > 0 {
				continue
			}
			if err := db.Scrub(t.Context(), "blob_chunk"); err != nil {
				t.Fatal(err)
			}
			begun = -1
		case 5:
			what = "another program"
			other, err := store.Open(t.Context(), "sqlite:"+file)
			if err == nil {
				_, err = other.Plan(t.Context(), store.SystemTables())
			}
			if err != nil {
				t.Fatal(err)
			}
			_ = act(other)
			if rnd.IntN(3) == 0 {
				what = "another program empties the log"
				raw, err := sql.Open("sqlite", file)
				if err == nil {
					_, err = raw.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
				}
				if err != nil {
					t.Fatal(err)
				}
				raw.Close()
				_ = act(db)
				begun = -1
			}
			other.Close()
		}
		r.follow(tail)
		if begun >= 0 && r.begun != begun && what != "killed" {
			t.Errorf("step %d, %s: the copy began anew", step, what)
		}
		r.same(db, fmt.Sprintf("step %d, %s", step, what))
	}
}
