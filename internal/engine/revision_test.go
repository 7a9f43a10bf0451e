package engine_test

import (
	"context"
	"sync"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// Ensure that nodes which meet a new text of a regulation at one moment propose it once, put the one that it was adopted with into force
// once, and withdraw what it replaces once.
func TestRevise_AtOnce(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		libs := []*rulebook.Library{testkit.Load(t, amended(0)), testkit.Load(t, amended(1)), testkit.Load(t, amended(2))}
		s := testkit.Open(t, libs[0], dsn, "2026-03-02 09:00")
		s.Company("厂", "x")
		s.Person("ma", "chief")
		nodes := []*engine.Engine{s.E, s.E, s.E, s.E} // one process has the file
		for n := range nodes {
			if s.DB.Dialect() == "sqlite" {
				break
			}
			db, err := store.Open(ctx, dsn, store.AllowUnsafe())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			if _, err := db.Plan(ctx, append(store.SystemTables(), engine.Tables(libs[0])...)); err != nil {
				t.Fatal(err)
			}
			if nodes[n], err = engine.New(db, libs[0], engine.Options{Keep: s.Keep}); err != nil {
				t.Fatal(err)
			}
		}
		for i, lib := range libs {
			begin := make(chan struct{})
			errs := make([]error, len(nodes))
			var wg sync.WaitGroup
			for n, e := range nodes {
				wg.Add(1)
				go func() {
					defer wg.Done()
					<-begin
					errs[n] = e.Revise(ctx, s.Now, engine.Revision{Book: "x", Version: "1", Text: lib.Text(lib.Book("x")), First: i == 0})
				}()
			}
			close(begin)
			wg.Wait()
			for _, err := range errs {
				if err != nil {
					t.Error(err)
				}
			}
			if n := s.Count(libs[0].Form("base.rulebook_text").Table, "", nil); n != i+1 {
				t.Errorf("%d texts after %d were met", n, i+1)
			}
		}
		states := map[string]int{}
		if err := s.DB.Read(ctx, func(tx *store.Tx) error {
			rows, err := tx.Select(query.Select{Table: libs[0].Form("base.rulebook_text").Table, Alias: "t"})
			for _, r := range rows {
				states[r["state"].(string)]++
			}
			return err
		}); err != nil || len(states) != 3 || states["in_force"] != 1 || states["withdrawn"] != 1 || states["proposed"] != 1 {
			t.Errorf("%v, %v", states, err)
		}
	})
}
