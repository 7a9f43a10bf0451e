package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"zhanggui/internal/store"
	"zhanggui/internal/store/pgtest"
)

// 64 writers at once: those that fail, panic or give up leave nothing, all others stay, and everybody
// hears what became of his own.
func TestWrite_Together(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		boom := errors.New("boom")
		var told atomic.Int64
		var wg sync.WaitGroup
		for i := range 64 {
			wg.Go(func() {
				id := strconv.Itoa(i)
				err := db.Write(t.Context(), func(tx *store.Tx) error {
					tx.OnCommit(func() { told.Add(1) })
					if err := tx.Insert("part", store.Row{"id": id, "pos": i}); err != nil {
						return err
					}
					switch i % 8 {
					case 3:
						return boom
					case 5:
						panic("ouch")
					}
					return nil
				})
				var p *store.Panic
				switch ok := false; {
				case i%8 == 3:
					ok = errors.Is(err, boom)
					fallthrough
				case i%8 == 5:
					if !ok && !errors.As(err, &p) {
						t.Errorf("writer %d: %v", i, err)
					}
				case err != nil:
					t.Errorf("writer %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		read(t, db, func(tx *store.Tx) error {
			for i := range 64 {
				_, err := tx.Get("part", strconv.Itoa(i))
				if there, want := err == nil, i%8 != 3 && i%8 != 5; there != want {
					t.Errorf("row %d is there: %v", i, there)
				}
			}
			return nil
		})
		if told.Load() != 48 {
			t.Errorf("OnCommit ran %d times", told.Load())
		}
	})
}

// Writers that wait share a commit, and nobody is answered before it: how many commits there were
// tells the one, a reader who looks as soon as he is answered the other.
func TestWrite_SharesCommits(t *testing.T) {
	db := open(t, "sqlite:"+t.TempDir()+"/a.db")
	inside, leave := make(chan bool), make(chan bool)
	var wg sync.WaitGroup
	wg.Go(func() {
		write(t, db, func(tx *store.Tx) error { close(inside); <-leave; return nil })
	})
	<-inside
	before := db.Stats()
	for i := range 50 {
		wg.Go(func() {
			id := strconv.Itoa(i)
			write(t, db, func(tx *store.Tx) error { return tx.Insert("part", store.Row{"id": id}) })
			read(t, db, func(tx *store.Tx) error {
				_, err := tx.Get("part", id)
				return err
			})
		})
	}
	time.Sleep(30 * time.Millisecond) // let them queue up; if some come later there are only more commits
	close(leave)
	wg.Wait()
	after := db.Stats()
	if acts, commits := after.Acts-before.Acts, after.Commits-before.Commits; acts != 51 || commits > 25 {
		t.Errorf("%d acts in %d commits", acts, commits)
	}
}

// A failing test leaves a transaction by Goexit; the next writer must not wait for ever.
func TestWrite_Goexit(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		done := make(chan bool)
		go func() {
			defer close(done)
			_ = db.Write(context.Background(), func(tx *store.Tx) error {
				_ = tx.Insert("part", store.Row{"id": "gone"})
				// What t.FailNow does, without failing.
				runtime.Goexit()
				return nil
			})
		}()
		<-done
		write(t, db, func(tx *store.Tx) error { return tx.Insert("part", store.Row{"id": "1"}) })
		if n := count(t, db, "part"); n != 1 {
			t.Errorf("%d rows", n)
		}
	})
}

// Who gives up while waiting is not run.
func TestWrite_GivesUpWaiting(t *testing.T) {
	db := open(t, "sqlite::memory:")
	inside, leave := make(chan bool), make(chan bool)
	var wg sync.WaitGroup
	wg.Go(func() {
		write(t, db, func(*store.Tx) error { close(inside); <-leave; return nil })
	})
	<-inside
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	if err := db.Write(ctx, func(*store.Tx) error { t.Error("ran"); return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	close(leave)
	wg.Wait()
	write(t, db, func(*store.Tx) error { return nil })
}

// Numbers have no gap and no double, whatever fails around them. The history is the proof: those who
// were told a number have 1..n between them.
func TestNext_Gapless(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		var mu sync.Mutex
		got := map[string]map[int64]bool{"a": {}, "b": {}}
		var wg sync.WaitGroup
		for w := range 32 {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(w), 7))
				for range 12 {
					series, fail := string("ab"[r.IntN(2)]), r.IntN(3) == 0
					var n int64
					err := db.Write(t.Context(), func(tx *store.Tx) (err error) {
						if n, err = tx.Next(series, "2026"); err != nil {
							return err
						}
						if err := tx.Insert("part", store.Row{"id": fmt.Sprintf("%s%d", series, n)}); err != nil {
							return err
						}
						if fail {
							return errors.New("rolled back")
						}
						return nil
					})
					if fail {
						continue
					}
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					if got[series][n] {
						t.Errorf("%s%d was given twice", series, n)
					}
					got[series][n] = true
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		read(t, db, func(tx *store.Tx) error {
			for s, set := range got {
				for n := int64(1); n <= int64(len(set)); n++ {
					if !set[n] {
						t.Errorf("%s%d is missing of %d", s, n, len(set))
					}
				}
				if last, err := tx.Peek(s, "2026"); last != int64(len(set)) || err != nil {
					t.Errorf("peek %s: %d of %d, %v", s, last, len(set), err)
				}
			}
			if n, err := tx.Peek("a", "2027"); n != 0 || err != nil {
				t.Errorf("another period: %d %v", n, err)
			}
			return nil
		})
	})
}

// Two transactions that lock rows crosswise: PostgreSQL ends one, we run it again.
func TestWrite_Deadlock(t *testing.T) {
	db := open(t, pgtest.DSN(t))
	write(t, db, func(tx *store.Tx) error {
		return tx.InsertMany("part", []store.Row{{"id": "1", "pos": 0}, {"id": "2", "pos": 0}})
	})
	var runs atomic.Int64
	var met sync.WaitGroup
	met.Add(2)
	var wg sync.WaitGroup
	for i, ids := range [][]string{{"1", "2"}, {"2", "1"}} {
		wg.Go(func() {
			first := true
			write(t, db, func(tx *store.Tx) error {
				runs.Add(1)
				for n, id := range ids {
					row, err := tx.GetForUpdate("part", id)
					if err != nil {
						return err
					}
					if n == 0 && first { // both hold one row before either asks for the other's
						first = false
						met.Done()
						met.Wait()
					}
					if _, err := tx.Update("part", store.Row{"id": id}, store.Row{"pos": row["pos"].(int64) + int64(i) + 1}); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
	wg.Wait()
	if runs.Load() < 3 { // a machine that is held up may have both ended
		t.Errorf("ran %d times", runs.Load())
	}
	read(t, db, func(tx *store.Tx) error {
		for _, id := range []string{"1", "2"} {
			if row, err := tx.Get("part", id); err != nil || row["pos"] != int64(3) {
				t.Errorf("%v %v", row, err)
			}
		}
		return nil
	})
}

// Lock makes a partition's transactions take turns: the count that was read is still true at the end.
func TestLock(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		const limit = 5
		var wg sync.WaitGroup
		for i := range 24 {
			wg.Go(func() {
				write(t, db, func(tx *store.Tx) error {
					if err := tx.Lock("quota:x"); err != nil {
						return err
					}
					n, err := tx.Count("part", nil)
					if err != nil || n >= limit {
						return err
					}
					return tx.Insert("part", store.Row{"id": strconv.Itoa(i)})
				})
			})
		}
		wg.Wait()
		if n := count(t, db, "part"); n != limit {
			t.Errorf("%d rows", n)
		}
	})
}

// Several nodes share due work: each row goes to one of them, those due first first.
func TestClaimDue(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		write(t, db, func(tx *store.Tx) error {
			for i := range 40 {
				next := any(fmt.Sprintf("2026-01-01T00:%02d:00.000Z", (i*7)%40))
				if i == 39 {
					next = nil
				}
				if err := tx.Insert("thing", store.Row{"id": strconv.Itoa(i), "at": "x", "next_at": next}); err != nil {
					return err
				}
			}
			return nil
		})
		claim := store.Claim{Table: "thing", Due: "next_at", Now: "2026-01-01T00:29:00.000Z", Limit: 4,
			Lease: "lease", Fence: "fence", Until: "2026-01-01T01:00:00.000Z"}
		var mu sync.Mutex
		seen := map[string]bool{}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					var rows []store.Row
					write(t, db, func(tx *store.Tx) (err error) {
						rows, err = tx.ClaimDue(claim)
						return err
					})
					if len(rows) == 0 {
						return
					}
					mu.Lock()
					last := ""
					for _, r := range rows {
						id, at := r["id"].(string), r["next_at"].(string)
						if seen[id] || at < last || r["fence"] != int64(1) {
							t.Errorf("claimed %v after %s", r, last)
						}
						seen[id], last = true, at
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if len(seen) != 30 {
			t.Errorf("claimed %d", len(seen))
		}
		// The lease runs out: another takes over, and the old holder's completion finds nothing.
		claim.Now, claim.Until, claim.Limit = "2026-01-01T01:00:00.000Z", "2026-01-01T02:00:00.000Z", 100
		write(t, db, func(tx *store.Tx) error {
			rows, err := tx.ClaimDue(claim)
			if len(rows) != 39 {
				t.Errorf("%d after the lease", len(rows))
			}
			if err != nil {
				return err
			}
			if n, err := tx.Update("thing", store.Row{"id": "0", "fence": int64(1)}, store.Row{"next_at": nil}); n != 0 || err != nil {
				t.Errorf("the old holder finished: %d %v", n, err)
			}
			if n, err := tx.Update("thing", store.Row{"id": "0", "fence": int64(2)}, store.Row{"next_at": nil}); n != 1 || err != nil {
				t.Errorf("the new holder could not: %d %v", n, err)
			}
			return nil
		})
	})
}

// While one node holds due rows, another gets the others instead of waiting.
func TestClaimDue_SkipsLocked(t *testing.T) {
	db := open(t, pgtest.DSN(t))
	write(t, db, func(tx *store.Tx) error {
		for i := range 4 {
			if err := tx.Insert("thing", store.Row{"id": strconv.Itoa(i), "at": "x", "next_at": "1"}); err != nil {
				return err
			}
		}
		return nil
	})
	claim := store.Claim{Table: "thing", Due: "next_at", Now: "2", Limit: 2}
	var ids []string
	write(t, db, func(tx *store.Tx) error {
		rows, err := tx.ClaimDue(claim)
		for _, r := range rows {
			ids = append(ids, r["id"].(string))
		}
		if err != nil {
			return err
		}
		return db.Write(t.Context(), func(tx *store.Tx) error {
			rows, err := tx.ClaimDue(claim)
			for _, r := range rows {
				ids = append(ids, r["id"].(string))
			}
			return err
		})
	})
	if got := strings.Join(ids, " "); got != "0 1 2 3" {
		t.Errorf("claimed %s", got)
	}
}

// Ensure that writers share a commit longer where commits are slow, that one slow commit changes nothing, and that it ends with them.
func TestPace(t *testing.T) {
	usual, long := store.Pace(), store.Pace(true, true)
	if store.Pace(true) != usual || long <= usual {
		t.Errorf("shared for %s, after slow commits for %s", usual, long)
	}
	if got := store.Pace(true, true, false, false, false); got != usual {
		t.Errorf("%s after some that were not", got)
	}
	var many []bool
	for range 1000 {
		many = append(many, true)
	}
	if got := store.Pace(append(many, make([]bool, 40)...)...); got != usual {
		t.Errorf("%s long after", got)
	}
}
