package auth_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"zhanggui/internal/auth"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/store/pgtest"
)

// house is the directory of a test: three people who come and go as the test says.
type house struct {
	mu     sync.Mutex
	people map[string]auth.Person
}

func (h *house) ByID(_ *store.Tx, _ time.Time, id string) (auth.Person, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.people[id], nil
}

func (h *house) ByAccount(_ *store.Tx, _ time.Time, account string) (auth.Person, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.people {
		if p.Account == account {
			return p, nil
		}
	}
	return auth.Person{}, nil
}

func (h *house) set(p auth.Person) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.people[p.ID] = p
}

const good = "Teal lantern over 9 rivers"

var (
	ctx   = context.Background()
	start = time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC)
)

type bundle struct {
	*testing.T
	*auth.Auth
	house *house
	db    *store.DB
}

// setup opens a door with li (p1), ma (p2) and zhou (p3), of whom li and ma have the password `good`.
func setup(t *testing.T, dsn string, opts auth.Options) *bundle {
	t.Helper()
	db, err := store.Open(ctx, dsn, store.AllowUnsafe())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	plan, err := db.Plan(ctx, auth.Tables())
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Apply(ctx, plan); err != nil {
		t.Fatal(err)
	}
	h := &house{people: map[string]auth.Person{}}
	h.set(auth.Person{ID: "p1", Account: "li", Name: "李敏", Active: true})
	h.set(auth.Person{ID: "p2", Account: "ma", Name: "马德胜", Active: true})
	h.set(auth.Person{ID: "p3", Account: "zhou", Name: "周岚", Active: true})
	b := &bundle{T: t, Auth: auth.New(db, h, opts), house: h, db: db}
	for _, id := range []string{"p1", "p2"} {
		if err := b.SetPassword(ctx, start, id, good, false); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func (b *bundle) in(now time.Time, account, password, address string) (auth.Session, error) {
	return b.Signin(ctx, now, account, password, "test", address)
}

func (b *bundle) must(now time.Time, account string) auth.Session {
	b.Helper()
	s, err := b.in(now, account, good, "10.0.0.1")
	if err != nil {
		b.Fatalf("sign in %s: %v", account, err)
	}
	return s
}

// dump is the content of tables as text, to look for what must not be there.
func (b *bundle) dump(tables ...string) string {
	b.Helper()
	var text strings.Builder
	err := b.db.Read(ctx, func(tx *store.Tx) error {
		for _, t := range tables {
			rows, err := tx.Select(query.Select{Table: t, Alias: "t"})
			if err != nil {
				return err
			}
			fmt.Fprintln(&text, rows)
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return text.String()
}

// refused checks that an error is of the kind and says so in both languages.
func (b *bundle) refused(err error, kind fault.Kind) {
	b.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != kind || f.ZH == "" || f.EN == "" {
		b.Fatalf("want %s in both languages, got %#v", kind, err)
	}
}

// on runs fn on SQLite in memory and on PostgreSQL.
func on(t *testing.T, name string, opts auth.Options, fn func(b *bundle)) {
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		t.Run("sqlite", func(t *testing.T) { fn(setup(t, "sqlite::memory:", opts)) })
		t.Run("postgres", func(t *testing.T) { fn(setup(t, pgtest.DSN(t), opts)) })
	})
}

const bad = "not the password"

func TestSignin(t *testing.T) {
	on(t, "OK", auth.Options{}, func(b *bundle) {
		s, err := b.in(start, " LI ", good, "10.0.0.1")
		if err != nil {
			b.Fatal(err)
		}
		p, err := b.Check(ctx, start.Add(time.Minute), s.Token)
		if err != nil || p.Person != "p1" || p.Session != s.ID || p.CSRF != s.CSRF || s.CSRF == "" || p.MustChange || p.Stale || p.Owes || p.MustEnrol {
			b.Fatalf("%+v %v", p, err)
		}
		if other := b.must(start, "li"); other.Token == s.Token || other.ID == s.ID {
			b.Fatal("a second sign-in must have a token of its own")
		}
		if dump := b.dump("auth_session", "auth_account"); strings.Contains(dump, s.Token) || strings.Contains(dump, s.CSRF) || strings.Contains(dump, good) {
			b.Fatal("a secret is in the database")
		}
	})
	// An account that nobody has answers exactly as one that exists, down to the counting.
	on(t, "ErrWrongThenLocked", auth.Options{}, func(b *bundle) {
		for _, account := range []string{"li", "nobody"} {
			address := "host of " + account
			for left := 4; left >= 1; left-- {
				_, err := b.in(start, account, bad, address)
				b.refused(err, fault.Unauthenticated)
				var w *auth.Wrong
				if !errors.As(err, &w) || w.TriesLeft != left {
					b.Fatalf("%s: want %d tries left, got %v", account, left, err)
				}
			}
			for _, try := range []struct {
				at       time.Time
				password string
			}{{start, bad}, {start, good}, {start.Add(30*time.Minute - time.Millisecond), good}, {start.Add(20 * time.Minute), bad}} {
				_, err := b.in(try.at, account, try.password, address)
				b.refused(err, fault.Unauthenticated)
				var l *auth.Locked
				if !errors.As(err, &l) || !l.Until.Equal(start.Add(30*time.Minute)) {
					b.Fatalf("%s at %s: want the lock, got %v", account, try.at, err)
				}
			}
		}
		b.must(start.Add(30*time.Minute), "li")
	})
	on(t, "SuccessForgives", auth.Options{}, func(b *bundle) {
		for range 3 {
			for range 4 {
				if _, err := b.in(start, "li", bad, "10.0.0.1"); err == nil {
					b.Fatal("wrong password accepted")
				}
			}
			b.must(start, "li")
		}
	})
	// A stranger may lock an account for strangers, never for its owner at his own desk.
	on(t, "LockSparesKnownAddress", auth.Options{}, func(b *bundle) {
		b.must(start, "li")
		for range 6 {
			_, _ = b.in(start, "li", bad, "66.6.6.6")
		}
		if _, err := b.in(start, "li", good, "77.7.7.7"); err == nil {
			b.Fatal("the lock must hold for addresses that are not known")
		}
		b.must(start, "li")
		for range 5 { // but the known address has its own count
			_, _ = b.in(start, "li", bad, "10.0.0.1")
		}
		if _, err := b.in(start, "li", good, "10.0.0.1"); err == nil {
			b.Fatal("five wrong tries at the known address must lock it")
		}
	})
	on(t, "ErrAddress", auth.Options{PerHost: 8}, func(b *bundle) {
		for i := range 8 {
			_, _ = b.in(start, fmt.Sprint("guess", i), bad, "66.6.6.6")
		}
		if _, err := b.in(start, "li", good, "66.6.6.6"); err == nil {
			b.Fatal("the address must be locked")
		}
		b.must(start, "li")
	})
	// A hundred guesses sent at once are a hundred guesses.
	on(t, "ErrManyAtOnce", auth.Options{}, func(b *bundle) {
		var wg sync.WaitGroup
		var wrong, locked atomic.Int32
		for i := range 12 {
			wg.Go(func() {
				_, err := b.in(start, "li", fmt.Sprint(bad, i), "66.6.6.6")
				var w *auth.Wrong
				var l *auth.Locked
				switch {
				case errors.As(err, &w):
					wrong.Add(1)
				case errors.As(err, &l):
					locked.Add(1)
				}
			})
		}
		wg.Wait()
		if wrong.Load() != 4 || locked.Load() != 8 {
			b.Fatalf("%d wrong, %d locked", wrong.Load(), locked.Load())
		}
	})
	on(t, "ManyTabsAtOnce", auth.Options{}, func(b *bundle) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := b.in(start, "li", good, "10.0.0.1"); err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
	})
	on(t, "ErrDisabled", auth.Options{}, func(b *bundle) {
		s := b.must(start, "li")
		if err := b.Disable(ctx, "p1", start.Add(time.Minute)); err != nil {
			b.Fatal(err)
		}
		if _, err := b.Check(ctx, start.Add(time.Minute-time.Millisecond), s.Token); err != nil {
			b.Fatal("out before the minute:", err)
		}
		_, err := b.Check(ctx, start.Add(time.Minute), s.Token)
		b.refused(err, fault.Unauthenticated)
		// Neither who knows the password nor who does not learns that the account is closed.
		for i, password := range []string{good, bad} {
			_, err = b.in(start.Add(time.Minute), "li", password, "10.0.0.1")
			var w *auth.Wrong
			if !errors.As(err, &w) || w.TriesLeft != 4-i {
				b.Fatalf("want wrong, got %v", err)
			}
		}
	})
	on(t, "ErrNoPasswordYet", auth.Options{}, func(b *bundle) {
		for _, password := range []string{"", bad, strings.Repeat("x", 5000)} {
			_, err := b.in(start, "zhou", password, "10.0.0.1")
			b.refused(err, fault.Unauthenticated)
		}
	})
}

// Ensure that unknown, locked, closed and wrong are told apart neither by the answer nor by the work: each try compares one
// hash at full cost (A13b). Work is counted, time is not measured.
func TestSignin_Same(t *testing.T) {
	on(t, "OK", auth.Options{}, func(b *bundle) {
		if err := b.Disable(ctx, "p2", start); err != nil {
			b.Fatal(err)
		}
		said := map[string][]string{}
		for _, account := range []string{"li", "ma", "zhou", "nobody"} { // known, closed, without a password, unknown
			for try := range 8 { // five wrong ones, then locked
				password := bad
				if account == "ma" || try > 5 {
					password = good // right, but the account is closed, or locked
				}
				before := auth.Computed(b.Auth)
				_, err := b.in(start, account, password, "host of "+account)
				if n := auth.Computed(b.Auth) - before; n != 1 {
					b.Fatalf("%s, try %d: %d hashes computed", account, try, n)
				}
				var f *fault.Error
				if !errors.As(err, &f) {
					b.Fatal(account, err)
				}
				said[account] = append(said[account], fmt.Sprint(f.Kind, f.ZH, f.EN))
			}
		}
		for account, list := range said {
			if strings.Join(list, "\n") != strings.Join(said["nobody"], "\n") {
				b.Errorf("%s is told from nobody:\n%s\n%s", account, list, said["nobody"])
			}
		}
	})
}

func TestCheck(t *testing.T) {
	on(t, "ErrIdle", auth.Options{}, func(b *bundle) {
		s := b.must(start, "li")
		now := start
		for range 4 { // each request moves the end
			now = now.Add(14 * time.Minute)
			if _, err := b.Check(ctx, now, s.Token); err != nil {
				b.Fatal(err)
			}
		}
		_, err := b.Check(ctx, now.Add(15*time.Minute), s.Token)
		b.refused(err, fault.Unauthenticated)
		if _, err := b.Check(ctx, now, s.Token); err == nil {
			b.Fatal("a session came back to life when the clock was set back")
		}
	})
	on(t, "ErrAbsolute", auth.Options{Idle: -1}, func(b *bundle) {
		s := b.must(start, "li")
		if _, err := b.Check(ctx, start.Add(12*time.Hour-time.Millisecond), s.Token); err != nil {
			b.Fatal(err)
		}
		if _, err := b.Check(ctx, start.Add(12*time.Hour), s.Token); err == nil {
			b.Fatal("the session lives on")
		}
	})
	on(t, "NeverEnds", auth.Options{Idle: -1, Absolute: -1}, func(b *bundle) {
		s := b.must(start, "li")
		if _, err := b.Check(ctx, start.AddDate(1, 0, 0), s.Token); err != nil {
			b.Fatal(err)
		}
	})
	on(t, "ErrLeftTheCompany", auth.Options{}, func(b *bundle) {
		s := b.must(start, "li")
		b.house.set(auth.Person{ID: "p1", Account: "li", Name: "李敏"})
		if _, err := b.Check(ctx, start, s.Token); err == nil {
			b.Fatal("the session of somebody who left lives on")
		}
	})
	on(t, "ErrUnknown", auth.Options{}, func(b *bundle) {
		for _, token := range []string{"", "x", strings.Repeat("A", 43)} {
			_, err := b.Check(ctx, start, token)
			b.refused(err, fault.Unauthenticated)
		}
	})
	on(t, "ListAndEnd", auth.Options{}, func(b *bundle) {
		one, two, three, other := b.must(start, "li"), b.must(start.Add(time.Second), "li"), b.must(start.Add(2*time.Second), "li"), b.must(start, "ma")
		list, err := b.List(ctx, start.Add(time.Minute), "p1")
		if err != nil || len(list) != 3 || list[0].ID != three.ID || list[0].Token != "" || list[0].Agent != "test" {
			b.Fatalf("%+v %v", list, err)
		}
		b.refused(b.End(ctx, "p1", other.ID), fault.NotFound) // not one's own
		if err := b.End(ctx, "p1", one.ID); err != nil {
			b.Fatal(err)
		}
		if err := b.EndAll(ctx, "p1", two.ID); err != nil {
			b.Fatal(err)
		}
		for token, alive := range map[string]bool{one.Token: false, two.Token: true, three.Token: false, other.Token: true} {
			if _, err := b.Check(ctx, start.Add(time.Minute), token); (err == nil) != alive {
				b.Fatalf("alive %v: %v", alive, err)
			}
		}
	})
	on(t, "Confirm", auth.Options{}, func(b *bundle) {
		s := b.must(start, "li")
		now := start.Add(5*time.Minute - time.Millisecond)
		p, err := b.Check(ctx, now, s.Token)
		if err != nil || p.Stale {
			b.Fatalf("%+v %v", p, err)
		}
		now = start.Add(5 * time.Minute)
		if p, err = b.Check(ctx, now, s.Token); err != nil || !p.Stale {
			b.Fatalf("%+v %v", p, err)
		}
		_, err = b.Confirm(ctx, now, p, bad, "10.0.0.1")
		b.refused(err, fault.Unauthenticated)
		_, err = b.Confirm(ctx, now, auth.Principal{Person: "p2", Session: s.ID}, good, "10.0.0.1")
		b.refused(err, fault.Unauthenticated) // another's session gains nothing by one's own password
		fresh, err := b.Confirm(ctx, now, p, good, "10.0.0.1")
		if err != nil || fresh.Token == s.Token || fresh.ID != s.ID {
			b.Fatal(fresh, err)
		}
		if p, err := b.Check(ctx, now, fresh.Token); err != nil || p.Stale || p.CSRF != fresh.CSRF {
			b.Fatalf("%+v %v", p, err)
		}
		_, err = b.Check(ctx, now, s.Token)
		b.refused(err, fault.Unauthenticated) // the token from before the elevation is dead
	})
	// A stream that is open, or a page nobody sits before, does not keep a session alive.
	on(t, "ErrIdleThoughPeeked", auth.Options{}, func(b *bundle) {
		s := b.must(start, "li")
		for m := range 14 {
			if _, err := b.Peek(ctx, start.Add(time.Duration(m+1)*time.Minute), s.Token); err != nil {
				b.Fatal(err)
			}
		}
		_, err := b.Peek(ctx, start.Add(15*time.Minute), s.Token)
		b.refused(err, fault.Unauthenticated)
	})
	// Role lost, unit moved, address changed: the very next request is out.
	on(t, "ErrOtherStanding", auth.Options{}, func(b *bundle) {
		s := b.must(start, "li")
		b.house.set(auth.Person{ID: "p1", Account: "li", Name: "李敏", Active: true, Standing: "clerk"})
		_, err := b.Check(ctx, start, s.Token)
		b.refused(err, fault.Unauthenticated)
		b.must(start, "li")
	})
	// Who changes his own standing goes on where he did it, and nowhere else.
	on(t, "OwnStanding", auth.Options{}, func(b *bundle) {
		here, elsewhere := b.must(start, "li"), b.must(start, "li")
		p, err := b.Check(ctx, start, here.Token)
		if err != nil {
			b.Fatal(err)
		}
		if err := b.Unsettle(ctx, start, p); err != nil {
			b.Fatal(err)
		}
		b.house.set(auth.Person{ID: "p1", Account: "li", Name: "李敏", Active: true, Standing: "clerk"})
		for range 2 { // what his page asks meanwhile, and what it asks afterwards
			if _, err := b.Check(ctx, start, here.Token); err != nil {
				b.Fatal(err)
			}
			if err := b.Settle(ctx, start, p); err != nil {
				b.Fatal(err)
			}
		}
		_, err = b.Check(ctx, start, elsewhere.Token)
		b.refused(err, fault.Unauthenticated)
		if err := b.Unsettle(ctx, start, p); err != nil { // an act that never ended leaves nothing open
			b.Fatal(err)
		}
		_, err = b.Check(ctx, start.Add(31*time.Second), here.Token)
		b.refused(err, fault.Unauthenticated)
	})
	on(t, "Single", auth.Options{Single: true}, func(b *bundle) {
		one, other := b.must(start, "li"), b.must(start, "ma")
		two := b.must(start, "li")
		for token, alive := range map[string]bool{one.Token: false, two.Token: true, other.Token: true} {
			if _, err := b.Check(ctx, start, token); (err == nil) != alive {
				b.Fatalf("alive %v: %v", alive, err)
			}
		}
	})
}
