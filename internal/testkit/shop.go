// Package testkit is a whole shop in one line, on a hand-turned clock. Tests only.
package testkit

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/engine"
	"zhanggui/internal/keep"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
	"zhanggui/internal/store/pgtest"
	"zhanggui/rulebooks"
)

// Shop is an engine on a fresh database with one company and a clock turned by hand.
type Shop struct {
	T    testing.TB
	E    *engine.Engine
	DB   *store.DB
	Now  time.Time
	Unit string
	Keep *keep.Keeper // of a keystore beside the database
	ids  map[string]string
	dsn  string
	opts []store.Option
}

// Books are the shipped base and the given files ("x/rulebook.yaml" → text).
func Books(t testing.TB, files map[string]string) fs.FS {
	t.Helper()
	m := fstest.MapFS{}
	err := fs.WalkDir(rulebooks.FS, "base", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(rulebooks.FS, path)
		m[path] = &fstest.MapFile{Data: b}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

// Load compiles the base and the given files.
func Load(t testing.TB, files map[string]string) *rulebook.Library {
	t.Helper()
	lib, issues := rulebook.Load(Books(t, files))
	if issues.Failed() {
		t.Fatalf("rulebook:\n%s", issues)
	}
	return lib
}

// Databases runs fn once on SQLite in a file and once on PostgreSQL.
func Databases(t *testing.T, fn func(t *testing.T, dsn string)) {
	t.Run("sqlite", func(t *testing.T) { fn(t, "sqlite:"+t.TempDir()+"/shop.db") })
	t.Run("postgres", func(t *testing.T) { fn(t, pgtest.DSN(t)) })
}

// Open starts a shop on a database; now is written "2026-03-02 09:00" in Shanghai.
func Open(t testing.TB, lib *rulebook.Library, dsn, now string, opts ...store.Option) *Shop {
	t.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, dsn, append(opts, store.AllowUnsafe())...)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := db.Plan(ctx, append(store.SystemTables(), engine.Tables(lib)...))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Apply(ctx, plan); err != nil {
		t.Fatal(err)
	}
	s := &Shop{T: t, DB: db, Now: At(t, now), ids: map[string]string{}, dsn: dsn, opts: opts}
	t.Cleanup(func() { s.DB.Close() })
	s.Keep = Keys(t, t.TempDir())
	if s.E, err = engine.New(db, lib, engine.Options{Keep: s.Keep}); err != nil {
		t.Fatal(err)
	}
	return s
}

// Keys is a keeper whose keystore and master key lie in a folder.
func Keys(t testing.TB, dir string) *keep.Keeper {
	t.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(dir, "keys.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	k, err := keep.Open(ctx, db, filepath.Join(dir, "master.key"), time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Restart is what a new process does: the database is closed and opened again, and whatever was in memory is gone.
func (s *Shop) Restart() {
	s.T.Helper()
	s.DB.Close() // after a failure it may complain; the next opening recovers
	db, err := store.Open(context.Background(), s.dsn, append(s.opts, store.AllowUnsafe())...)
	if err != nil {
		s.T.Fatal(err)
	}
	s.DB = db
	if s.E, err = engine.New(db, s.E.Lib, engine.Options{Keep: s.Keep}); err != nil {
		s.T.Fatal(err)
	}
}

// At reads "2006-01-02 15:04" or with seconds, in Shanghai; 24:00 is allowed.
func At(t testing.TB, s string) time.Time {
	t.Helper()
	zone := calendar.Standard().Zone
	add := 0
	if strings.Contains(s, " 24:00") {
		s, add = strings.Replace(s, " 24:00", " 00:00", 1), 1
	}
	for _, f := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if x, err := time.ParseInLocation(f, s, zone); err == nil {
			return x.AddDate(0, 0, add)
		}
	}
	t.Fatalf("not a time: %s", s)
	return time.Time{}
}

// System creates a record in the installation's own name and answers its id.
func (s *Shop) System(form string, values map[string]any) string {
	s.T.Helper()
	out, err := s.E.Do(context.Background(), s.Now, engine.Act{Form: form, Action: "create", Values: values, Actor: engine.Actor{System: true, Origin: "system"}})
	if err != nil {
		s.T.Fatalf("create %s: %v", form, err)
	}
	return out.Record
}

// Company makes a unit that adopts the book from 2000 on.
func (s *Shop) Company(name, book string) string {
	s.T.Helper()
	s.Unit = s.System("base.unit", map[string]any{"name": name})
	s.System("base.adoption", map[string]any{"unit": s.Unit, "book": book, "version": "1.0", "from": "2000-01-01"})
	return s.Unit
}

// Person hires somebody into the unit with roles.
func (s *Shop) Person(name string, roles ...string) string {
	s.T.Helper()
	id := s.System("base.person", map[string]any{"name": name, "account": name, "unit": s.Unit, "active": true})
	for _, r := range roles {
		s.System("base.role_grant", map[string]any{"person": id, "role": r, "unit": s.Unit, "from": "2000-01-01"})
	}
	s.ids[name] = id
	return id
}

// Try performs an act as a person and answers its error.
func (s *Shop) Try(who, form, record, action string, values map[string]any) (*engine.Outcome, error) {
	return s.E.Do(context.Background(), s.Now, engine.Act{Form: form, Record: record, Action: action, Values: values, Actor: engine.Actor{Person: s.ids[who], Origin: "api"}})
}

// Do performs an act that must succeed.
func (s *Shop) Do(who, form, record, action string, values map[string]any) *engine.Outcome {
	s.T.Helper()
	out, err := s.Try(who, form, record, action, values)
	if err != nil {
		s.T.Fatalf("%s %s %s: %v", who, action, form, err)
	}
	return out
}

// Refused performs an act that must be refused, and answers the refusal.
func (s *Shop) Refused(who, form, record, action string, values map[string]any) *engine.Refusal {
	s.T.Helper()
	_, err := s.Try(who, form, record, action, values)
	r, ok := engine.AsRefusal(err)
	if !ok {
		s.T.Fatalf("%s %s %s: want a refusal, got %v", who, action, form, err)
	}
	return r
}

// Turn turns the clock to an instant; all that falls due happens, in order.
func (s *Shop) Turn(to string) int {
	s.T.Helper()
	s.Now = At(s.T, to)
	n, _, err := s.E.Tick(context.Background(), s.Now)
	if err != nil {
		s.T.Fatalf("tick: %v", err)
	}
	return n
}

// Count counts the rows of a table that fit column = value.
func (s *Shop) Count(table, column string, value any) int {
	s.T.Helper()
	var n int64
	err := s.DB.Read(context.Background(), func(tx *store.Tx) error {
		var err error
		n, err = tx.Count(table, eq(column, value))
		return err
	})
	if err != nil {
		s.T.Fatal(err)
	}
	return int(n)
}

// Column reads one column of a record.
func (s *Shop) Column(table, id, column string) string {
	s.T.Helper()
	var v any
	err := s.DB.Read(context.Background(), func(tx *store.Tx) error {
		row, err := tx.Get(table, id)
		if err == nil {
			v = row[column]
		}
		return err
	})
	if err != nil {
		s.T.Fatal(err)
	}
	return fmt.Sprint(v)
}

// ID is the id of a person by name.
func (s *Shop) ID(name string) string { return s.ids[name] }

// AtOnce does the same with every item at one time, and answers how many went well; any other end than a refusal fails the test.
func (s *Shop) AtOnce(items []string, do func(string) error) int {
	s.T.Helper()
	errs := make([]error, len(items))
	var wg sync.WaitGroup
	for i, x := range items {
		wg.Add(1)
		go func() {
			defer wg.Done()
			errs[i] = do(x)
		}()
	}
	wg.Wait()
	n := 0
	for _, err := range errs {
		if _, refused := engine.AsRefusal(err); err == nil {
			n++
		} else if !refused {
			s.T.Error(err)
		}
	}
	return n
}
