package app

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/journal"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// turned is a process's clock that stands where a test puts it. Like the system's it has a monotonic part, which no setting moves.
type turned struct {
	mu  sync.Mutex
	off time.Duration
}

func (w *turned) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.off)
}

func (w *turned) step(off time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.off = off
}

func clockOn(t *testing.T, dsn string, w *turned) *clock {
	t.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, dsn, store.AllowUnsafe())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	plan, err := db.Plan(ctx, store.SystemTables())
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Apply(ctx, plan); err != nil {
		t.Fatal(err)
	}
	c := &clock{db: db, wall: w.now}
	if err := c.set(ctx, true); err != nil {
		t.Fatal(err)
	}
	return c
}

func record(c *clock, at time.Time) error {
	return c.db.Write(context.Background(), func(tx *store.Tx) error {
		return tx.Append(&journal.Entry{ID: at.Format("150405.000000000"), At: at, Recorded: at, Action: "x"})
	})
}

// Ensure that an act's instant is the database's, however wrong the node's own clock is and however it is stepped; with
// SQLite it is the process's. Time never goes back: a little is waited out, more refuses every act until it is made up.
func TestClock(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		w := &turned{}
		c := clockOn(t, dsn, w)
		database := func() time.Time {
			t.Helper()
			now, ok, err := c.db.Now(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				now = w.now()
			}
			return now
		}
		pg := c.db.Dialect() == "postgres"
		for _, off := range []time.Duration{0, 10 * time.Minute, -10 * time.Minute, -time.Hour, 24 * time.Hour} {
			w.step(off)
			before := database().Truncate(time.Millisecond)
			got := c.Now()
			after := database()
			if !pg {
				continue
			}
			if got.After(after) {
				t.Errorf("%v: %v is ahead of the database's %v", off, got, after)
			}
			if before.Sub(got) > 50*time.Millisecond {
				t.Errorf("%v: %v lags behind the database's %v", off, got, before)
			}
		}
		w.step(0)
		if pg {
			other := clockOn(t, dsn, &turned{off: 10 * time.Minute})
			if gap := other.Now().Sub(c.Now()).Abs(); gap > 50*time.Millisecond {
				t.Errorf("two nodes are %v apart", gap)
			}
			return
		}
		// SQLite: the process's clock stood a day ahead above and has been put right.
		last := c.Now()
		if want := w.now().Add(23 * time.Hour); last.Before(want) {
			t.Fatalf("it went back to %v", last)
		}
		err := record(c, last)
		if fault.KindOf(err) != fault.Unavailable {
			t.Errorf("with the clock gone back an entry answered %v", err)
		}
		if again := c.Now(); !again.Equal(last) {
			t.Errorf("it moved from %v to %v", last, again)
		}
		w.step(24 * time.Hour)
		if err := record(c, c.Now()); err != nil {
			t.Errorf("made up, it still refuses: %v", err)
		}
	})
}

// Ensure that a clock set back while the program was down is noticed at the start, and that it goes on by itself.
func TestClock_BehindTheJournal(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		w := &turned{}
		c := clockOn(t, dsn, w)
		if err := record(c, c.Now().Add(500*time.Millisecond)); err != nil { // within what is waited out
			t.Fatal(err)
		}
		if err := clockOn(t, dsn, w).behind(); err != nil {
			t.Error(err)
		}
		ahead := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
		if err := record(c, ahead); err != nil {
			t.Fatal(err)
		}
		late := clockOn(t, dsn, w)
		if got := late.Now(); !got.Equal(ahead) {
			t.Errorf("it begins at %v, before the last entry at %v", got, ahead)
		}
		err := record(late, ahead)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Unavailable {
			t.Errorf("an entry answered %v", err)
		}
	})
}

// P8: Ensure that beneath a clock that is turned by hand another node takes the turn of one that died, though nobody turns it.
func TestClock_Turn(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		ctx, w := context.Background(), &turned{}
		c := clockOn(t, dsn, w)
		c.manual, c.now = true, time.Date(2026, 3, 16, 2, 40, 0, 0, time.UTC)
		take := func(node string) bool {
			t.Helper()
			_, ok, err := c.db.TakeLease(ctx, c.turn(), "house", node, 10*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		if !take("dies") || take("waits") {
			t.Fatal("the turn is not one node's")
		}
		w.step(11 * time.Second)
		if !take("waits") {
			t.Error("the one that died has it still")
		}
	})
}
