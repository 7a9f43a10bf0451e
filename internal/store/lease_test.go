package store_test

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"testing"
	"time"

	"zhanggui/internal/store"
	"zhanggui/internal/store/pgtest"
)

func leased(t *testing.T, dsn string) *store.DB {
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
	return db
}

func mark(db *store.DB, ctx context.Context, value string) error {
	return db.Write(ctx, func(tx *store.Tx) error {
		return tx.Upsert("meta", []string{"key"}, store.Row{"key": "mark", "value": value})
	})
}

// Ensure that a lease is one node's until its time has run out, to the millisecond, and that who had it before writes nothing
// afterwards, whatever he believes.
func TestLease(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for name, dsn := range map[string]string{"sqlite": "sqlite:" + t.TempDir() + "/a.db", "postgres": pgtest.DSN(t)} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			db := leased(t, dsn)
			take := func(who string, at time.Time) (store.Lease, bool) {
				t.Helper()
				l, ok, err := db.TakeLease(ctx, at, "house", who, 10*time.Second)
				if err != nil {
					t.Fatal(err)
				}
				return l, ok
			}
			a, ok := take("a", now)
			if !ok || a.Fence != 1 || !a.Until.Equal(now.Add(10*time.Second)) {
				t.Fatal(a, ok)
			}
			if _, ok := take("b", now.Add(10*time.Second-time.Millisecond)); ok {
				t.Fatal("taken before its end")
			}
			if err := mark(db, db.Fenced(ctx, a), "a"); err != nil {
				t.Fatal(err)
			}
			a, ok, err := db.RenewLease(ctx, now.Add(5*time.Second), a, 10*time.Second)
			if err != nil || !ok || a.Fence != 1 {
				t.Fatal(a, ok, err)
			}
			if _, ok := take("b", now.Add(14*time.Second)); ok {
				t.Fatal("taken although it was renewed")
			}
			b, ok := take("b", now.Add(15*time.Second))
			if !ok || b.Fence != 2 {
				t.Fatal(b, ok)
			}
			if err := mark(db, db.Fenced(ctx, a), "late"); !errors.Is(err, store.ErrFenced) {
				t.Errorf("the late write answered %v", err)
			}
			if err := mark(leased(t, "sqlite:"+t.TempDir()+"/other.db"), db.Fenced(ctx, a), "x"); err != nil {
				t.Errorf("another database, such as the keystore, answered %v", err)
			}
			if _, ok, err := db.RenewLease(ctx, now.Add(16*time.Second), a, 10*time.Second); ok || err != nil {
				t.Error("the old holder renewed it", err)
			}
			if err := db.ReturnLease(ctx, a); err != nil {
				t.Error(err)
			}
			if _, ok := take("c", now.Add(16*time.Second)); ok {
				t.Error("the old holder gave away what is another's")
			}
			if err := mark(db, db.Fenced(ctx, b), "b"); err != nil {
				t.Error(err)
			}
			if err := db.ReturnLease(ctx, b); err != nil {
				t.Error(err)
			}
			if c, ok := take("c", now.Add(16*time.Second)); !ok || c.Fence != 3 {
				t.Error("not free although it was given back", c, ok)
			}
		})
	}
	t.Run("OfManyOne", func(t *testing.T) {
		db := leased(t, pgtest.DSN(t))
		var wg sync.WaitGroup
		won := make(chan string, 16)
		for n := range 16 {
			wg.Go(func() {
				who := string(rune('a' + n))
				if _, ok, err := db.TakeLease(context.Background(), now, "house", who, time.Second); err != nil {
					t.Error(err)
				} else if ok {
					won <- who
				}
			})
		}
		wg.Wait()
		if len(won) != 1 {
			t.Errorf("%d nodes have it", len(won))
		}
	})
}

// Ensure that a holder frozen in the middle of a transaction loses it: the server ends it, the next node takes over, and the
// commit of the thawed one is refused.
func TestLease_FrozenInATransaction(t *testing.T) {
	dsn := pgtest.DSN(t)
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("idle_in_transaction_session_timeout", "1s")
	u.RawQuery = q.Encode()
	db, other := leased(t, u.String()), leased(t, dsn)
	ctx := context.Background()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	a, _, err := db.TakeLease(ctx, now, "house", "a", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	frozen, thaw, done := make(chan bool), make(chan bool), make(chan error)
	go func() {
		done <- db.Write(db.Fenced(ctx, a), func(tx *store.Tx) error {
			if err := tx.Upsert("meta", []string{"key"}, store.Row{"key": "mark", "value": "late"}); err != nil {
				return err
			}
			close(frozen)
			<-thaw
			return nil
		})
	}()
	select {
	case <-frozen:
	case err := <-done:
		t.Fatal("it ended before it was frozen", err)
	}
	if _, ok, err := other.RenewLease(ctx, now, a, time.Second); !ok || err != nil {
		t.Fatal("a renewal waits for the holder's own transaction", ok, err)
	}
	b, ok, err := other.TakeLease(ctx, now.Add(2*time.Second), "house", "b", time.Second) // waits for the server to end the transaction
	if err != nil || !ok || b.Fence != 2 {
		t.Fatal(b, ok, err)
	}
	if err := mark(other, other.Fenced(ctx, b), "b"); err != nil {
		t.Fatal(err)
	}
	close(thaw)
	if err := <-done; err == nil {
		t.Error("the late write was acknowledged")
	}
	err = other.Read(ctx, func(tx *store.Tx) error {
		n, err := tx.Count("meta", nil)
		if n != 1 {
			t.Errorf("%d marks", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Ensure that one connection's message reaches another, and that it is heard that nothing can be missed from then on.
func TestListen(t *testing.T) {
	dsn := pgtest.DSN(t)
	db, other := leased(t, dsn), leased(t, dsn)
	ctx, cancel := context.WithCancel(t.Context())
	heard, ended := make(chan string, 1), make(chan error)
	go func() {
		ended <- db.Listen(ctx, func() {
			if err := other.Notify(ctx, "hello"); err != nil {
				t.Error(err)
			}
		}, func(m string) { heard <- m })
	}()
	if m := <-heard; m != "hello" {
		t.Error(m)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
