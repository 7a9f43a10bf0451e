package auth_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"zhanggui/internal/auth"
	"zhanggui/internal/fault"
)

var sealing = []byte("0123456789abcdef0123456789abcdef")

// Ensure that codes are those of RFC 6238 (its appendix B, the last six digits).
func TestCode_RFC6238(t *testing.T) {
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		if got := auth.CodeOf([]byte("12345678901234567890"), at/30); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}

// enrolled gives a person one-time codes, confirmed at start, and answers their secret.
func (b *bundle) enrolled(person, keep string) string {
	b.Helper()
	e, err := b.EnrolCode(ctx, start, person)
	if err != nil {
		b.Fatal(err)
	}
	if err := b.ConfirmCode(ctx, start, person, keep, auth.CodeAt(e.Secret, start)); err != nil {
		b.Fatal(err)
	}
	return e.Secret
}

// owes signs in as far as the second factor.
func (b *bundle) owes(now time.Time, account string) (auth.Session, auth.Principal) {
	b.Helper()
	s := b.must(now, account)
	p, err := b.Check(ctx, now, s.Token)
	if err != nil || !p.Owes || len(s.Owes) == 0 {
		b.Fatalf("%+v %+v %v", s, p, err)
	}
	return s, p
}

func TestCode(t *testing.T) {
	opts := auth.Options{Key: sealing, Company: "恒泰机械", Absolute: -1, Idle: -1}
	on(t, "OK", opts, func(b *bundle) {
		keep, other := b.must(start, "li"), b.must(start, "li")
		e, err := b.EnrolCode(ctx, start, "p1")
		if err != nil || !strings.HasPrefix(e.URI, "otpauth://totp/%E6%81%92%E6%B3%B0%E6%9C%BA%E6%A2%B0:li?") || !strings.Contains(e.Image, "<svg") {
			b.Fatalf("%+v %v", e, err)
		}
		if strings.Contains(b.dump("auth_factor"), e.Secret) {
			b.Fatal("the secret is readable in the database")
		}
		if s := b.must(start, "li"); len(s.Owes) > 0 {
			b.Fatal("what was only begun is asked for")
		}
		b.refused(b.ConfirmCode(ctx, start, "p1", keep.ID, "000000"), fault.Invalid)
		if err := b.ConfirmCode(ctx, start, "p1", keep.ID, auth.CodeAt(e.Secret, start)); err != nil {
			b.Fatal(err)
		}
		if _, err := b.Check(ctx, start, keep.Token); err != nil {
			b.Fatal("the session it was done from must go on:", err)
		}
		if _, err := b.Check(ctx, start, other.Token); err == nil {
			b.Fatal("another session outlived the change of factor")
		}
		now := start.Add(time.Minute)
		s, p := b.owes(now, "li")
		code := auth.CodeAt(e.Secret, now)
		full, err := b.Second(ctx, now, p, code[:3]+" "+code[3:], "test", "10.0.0.1")
		if err != nil || full.Token == s.Token || len(full.Owes) > 0 {
			b.Fatalf("%+v %v", full, err)
		}
		if p, err := b.Check(ctx, now, full.Token); err != nil || p.Owes || p.Person != "p1" {
			b.Fatalf("%+v %v", p, err)
		}
		_, err = b.Check(ctx, now, s.Token)
		b.refused(err, fault.Unauthenticated) // the token of before the second factor is dead
	})
	on(t, "ErrUsedTwice", opts, func(b *bundle) {
		secret := b.enrolled("p1", "")
		now := start.Add(time.Minute)
		for i, code := range []string{auth.CodeAt(secret, now), auth.CodeAt(secret, now), auth.CodeAt(secret, now.Add(-30*time.Second)), auth.CodeAt(secret, now.Add(30*time.Second))} {
			_, p := b.owes(now, "li")
			_, err := b.Second(ctx, now, p, code, "test", "10.0.0.1")
			if ok := i == 0 || i == 3; ok != (err == nil) { // again, and one older than the last used, do not open; the next one does
				b.Fatalf("try %d: %v", i, err)
			}
		}
	})
	on(t, "Window", opts, func(b *bundle) {
		secret := b.enrolled("p1", "")
		now := start.Add(time.Hour)
		for off, ok := range map[time.Duration]bool{-60 * time.Second: false, 60 * time.Second: false} {
			_, p := b.owes(now, "li")
			if _, err := b.Second(ctx, now, p, auth.CodeAt(secret, now.Add(off)), "test", "10.0.0.1"); (err == nil) != ok {
				b.Fatalf("%s: %v", off, err)
			}
		}
		_, p := b.owes(now, "li")
		if _, err := b.Second(ctx, now, p, auth.CodeAt(secret, now.Add(-30*time.Second)), "test", "10.0.0.1"); err != nil {
			b.Fatal(err)
		}
	})
	// Tries are counted for the person, over all his sessions; the lock yields to no right code.
	on(t, "ErrTries", opts, func(b *bundle) {
		secret := b.enrolled("p1", "")
		now := start.Add(time.Minute)
		for left := 4; left >= 0; left-- {
			_, p := b.owes(now, "li")
			_, err := b.Second(ctx, now, p, "000000", "test", fmt.Sprint("10.0.0.", left))
			var w *auth.Wrong
			if errors.As(err, &w) != (left > 0) || w != nil && w.TriesLeft != left {
				b.Fatalf("want %d left, got %v", left, err)
			}
		}
		_, p := b.owes(now, "li")
		_, err := b.Second(ctx, now, p, auth.CodeAt(secret, now), "test", "10.0.0.1")
		var l *auth.Locked
		if !errors.As(err, &l) {
			b.Fatal(err)
		}
		now = now.Add(30 * time.Minute)
		_, p = b.owes(now, "li")
		if _, err := b.Second(ctx, now, p, auth.CodeAt(secret, now), "test", "10.0.0.1"); err != nil {
			b.Fatal(err)
		}
	})
	on(t, "ErrManyAtOnce", opts, func(b *bundle) {
		secret := b.enrolled("p1", "")
		now := start.Add(time.Minute)
		var all []auth.Principal
		for range 4 {
			_, p := b.owes(now, "li")
			all = append(all, p)
		}
		var won atomic.Int32
		var wg sync.WaitGroup
		for _, p := range all {
			wg.Go(func() {
				if _, err := b.Second(ctx, now, p, auth.CodeAt(secret, now), "test", "10.0.0.1"); err == nil {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			b.Fatalf("one code opened %d sessions", won.Load())
		}
	})
	on(t, "ErrHalfLapses", auth.Options{Key: sealing}, func(b *bundle) {
		b.enrolled("p1", "")
		s, _ := b.owes(start, "li")
		if _, err := b.Check(ctx, start.Add(5*time.Minute), s.Token); err == nil {
			b.Fatal("half a session lives on")
		}
		if list, err := b.List(ctx, start, "p1"); err != nil || len(list) != 0 {
			b.Fatal("half a session is shown as one", list, err)
		}
	})
	// A sealed secret copied into another's row opens nothing.
	on(t, "ErrOtherKey", auth.Options{}, func(b *bundle) {
		if _, err := b.EnrolCode(ctx, start, "p1"); err == nil {
			b.Fatal("a secret was kept without a key")
		}
	})
	on(t, "ResetKeepsIt", opts, func(b *bundle) {
		b.enrolled("p1", "")
		token, _, err := b.NewReset(ctx, start, "p1")
		if err != nil {
			b.Fatal(err)
		}
		const next = "amber ladder by 4 gates"
		if _, err := b.Reset(ctx, start, token, next); err != nil {
			b.Fatal(err)
		}
		s, err := b.in(start, "li", next, "10.0.0.1")
		if err != nil || len(s.Owes) == 0 {
			b.Fatal("the reset skips the second factor", s, err)
		}
	})
}

func TestRecovery(t *testing.T) {
	opts := auth.Options{Key: sealing}
	made := func(b *bundle) []string {
		b.Helper()
		codes, err := b.NewRecovery(ctx, start, "p1")
		if err != nil || len(codes) != 10 {
			b.Fatal(codes, err)
		}
		return codes
	}
	on(t, "OK", opts, func(b *bundle) {
		b.enrolled("p1", "")
		codes := made(b)
		if strings.Contains(b.dump("auth_factor"), codes[0]) {
			b.Fatal("a code is readable in the database")
		}
		now := start.Add(time.Minute)
		_, p := b.owes(now, "li")
		if _, err := b.Second(ctx, now, p, codes[0], "test", "10.0.0.1"); err == nil {
			b.Fatal("codes nobody has confirmed open")
		}
		b.refused(b.ConfirmRecovery(ctx, now, "p1", "AAAA-AAAA-AAAA-AAAA"), fault.Invalid)
		if err := b.ConfirmRecovery(ctx, now, "p1", strings.ToLower(strings.ReplaceAll(codes[3], "-", " "))); err != nil {
			b.Fatal(err)
		}
		for i, code := range []string{codes[3], codes[3], codes[9]} {
			_, p := b.owes(now, "li")
			if _, err := b.Second(ctx, now, p, code, "test", "10.0.0.1"); (err == nil) != (i != 1) {
				b.Fatalf("try %d: %v", i, err)
			}
		}
		list, _, err := b.Factors(ctx, now, "p1")
		if err != nil || len(list) != 2 || list[1].Left != 8 {
			b.Fatalf("%+v %v", list, err)
		}
		// New ones end the old ones, once they are confirmed and not before.
		fresh := made(b)
		_, p = b.owes(now, "li")
		if _, err := b.Second(ctx, now, p, codes[1], "test", "10.0.0.1"); err != nil {
			b.Fatal(err)
		}
		if err := b.ConfirmRecovery(ctx, now, "p1", fresh[0]); err != nil {
			b.Fatal(err)
		}
		_, p = b.owes(now, "li")
		if _, err := b.Second(ctx, now, p, codes[2], "test", "10.0.0.1"); err == nil {
			b.Fatal("an old code opens")
		}
	})
	on(t, "NotAloneAFactor", opts, func(b *bundle) {
		codes := made(b)
		if err := b.ConfirmRecovery(ctx, start, "p1", codes[0]); err != nil {
			b.Fatal(err)
		}
		if s := b.must(start, "li"); len(s.Owes) > 0 {
			b.Fatal("recovery codes alone are asked for")
		}
	})
	on(t, "ErrAnothers", opts, func(b *bundle) {
		b.enrolled("p2", "")
		codes := made(b)
		if err := b.ConfirmRecovery(ctx, start, "p1", codes[0]); err != nil {
			b.Fatal(err)
		}
		_, p := b.owes(start, "ma")
		if _, err := b.Second(ctx, start, p, codes[1], "test", "10.0.0.1"); err == nil {
			b.Fatal("another's recovery code opens")
		}
	})
}

// Ensure that a second factor is demanded of whom the house says, after the time it gives, to the millisecond.
func TestDemand(t *testing.T) {
	officer := func(b *bundle) {
		b.house.set(auth.Person{ID: "p1", Account: "li", Name: "李敏", Active: true, Officer: true})
	}
	state := func(b *bundle, now time.Time, s auth.Session) auth.Principal {
		b.Helper()
		p, err := b.Check(ctx, now, s.Token)
		if err != nil {
			b.Fatal(err)
		}
		return p
	}
	on(t, "Grace", auth.Options{Key: sealing, Idle: -1, Absolute: -1}, func(b *bundle) {
		officer(b)
		s := b.must(start, "li")
		due := start.Add(72 * time.Hour)
		if p := state(b, start.Add(time.Hour), s); p.MustEnrol || !p.EnrolBy.Equal(due) {
			b.Fatalf("%+v", p)
		}
		again := b.must(start.Add(71*time.Hour), "li") // signing in again gives no more time
		if p := state(b, due.Add(-time.Millisecond), again); p.MustEnrol {
			b.Fatalf("%+v", p)
		}
		if p := state(b, due, again); !p.MustEnrol {
			b.Fatalf("%+v", p)
		}
		b.enrolled("p1", again.ID)
		if p := state(b, due, again); p.MustEnrol || !p.EnrolBy.IsZero() {
			b.Fatalf("%+v", p)
		}
		list, _, err := b.Factors(ctx, due, "p1")
		if err != nil {
			b.Fatal(err)
		}
		b.refused(b.RemoveFactor(ctx, due, "p1", again.ID, list[0].ID), fault.Conflict) // the last one stays
		if len(b.must(start.Add(80*time.Hour), "li").Owes) == 0 {
			b.Fatal("the refused removal removed it")
		}
		// Lost and proved to another: it goes, and the time to enrol anew runs from the next sign-in.
		if err := b.ForgetFactors(ctx, "p1"); err != nil {
			b.Fatal(err)
		}
		late := due.Add(1000 * time.Hour)
		if p := state(b, late, b.must(late, "li")); p.MustEnrol || !p.EnrolBy.Equal(late.Add(72*time.Hour)) {
			b.Fatalf("%+v", p)
		}
	})
	for name, c := range map[string]struct {
		demand auth.Demand
		of     string
		want   bool
	}{"OfficersNotClerks": {auth.Officers, "ma", false}, "Everyone": {auth.Everyone, "ma", true}, "Nobody": {auth.Nobody, "li", false}} {
		on(t, name, auth.Options{Second: c.demand, Grace: -1}, func(b *bundle) {
			officer(b)
			if p := state(b, start, b.must(start, c.of)); p.MustEnrol != c.want {
				b.Fatalf("%+v", p)
			}
		})
	}
	on(t, "RemoveWhereNotDemanded", auth.Options{Key: sealing}, func(b *bundle) {
		keep := b.must(start, "ma")
		b.enrolled("p2", keep.ID)
		list, _, err := b.Factors(ctx, start, "p2")
		if err != nil {
			b.Fatal(err)
		}
		b.refused(b.RemoveFactor(ctx, start, "p1", "", list[0].ID), fault.NotFound) // another's
		if err := b.RemoveFactor(ctx, start, "p2", keep.ID, list[0].ID); err != nil {
			b.Fatal(err)
		}
		if s := b.must(start, "ma"); len(s.Owes) > 0 {
			b.Fatal("what was removed is asked for")
		}
	})
}
