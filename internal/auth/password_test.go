package auth_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"zhanggui/internal/auth"
	"zhanggui/internal/fault"
)

func TestSetPassword_Policy(t *testing.T) {
	b := setup(t, "sqlite::memory:", auth.Options{Company: "恒泰机械 Hengtai"})
	for password, ok := range map[string]bool{
		good: true,
		"八月的石榴 落在 灰瓦上 七颗": true,
		"kX9#vLq2&mTz":              true,
		"short one":                 false,
		strings.Repeat("ab7#", 33):  false, // too long
		"password1234":              false,
		"P@ssw0rd2026!!":            false,
		"Sh4dow202620262026":        false,
		"123456789012":              false,
		"qwertyuiop[]":              false,
		"aaaabbbbcccc":              false,
		"abcabcabcabc":              false,
		"987654321098":              false,
		"woainiwoaizhongguo":        false,
		"zhangwei19880808":          false,
		"zhou orbit mill 57":        false, // the account
		"周岚 在灰瓦上的石榴 七颗":             false, // the name
		"hengtai orbit mill 57":     false, // the company
		"恒泰机械的灰瓦石榴七颗半":              false,
		"zhanggui orbit mill 57":    false,
		"correcthorsebatterystaple": false, // the most quoted good password there is
	} {
		err := b.SetPassword(ctx, start, "p3", password, false)
		if (err == nil) != ok {
			t.Errorf("%q: %v", password, err)
		}
		if err != nil {
			b.refused(err, fault.Invalid)
		}
	}
	b.refused(b.SetPassword(ctx, start, "nobody", good, false), fault.NotFound)
}

func TestSetPassword_Classes(t *testing.T) {
	b := setup(t, "sqlite::memory:", auth.Options{Policy: auth.Policy{Min: 8, Classes: 4}})
	for password, ok := range map[string]bool{"teal7rivers": false, "Teal7rivers": false, "Teal7.rivers": true} {
		if err := b.SetPassword(ctx, start, "p3", password, false); (err == nil) != ok {
			t.Errorf("%q: %v", password, err)
		}
	}
}

func TestChangePassword(t *testing.T) {
	const next, third = "amber ladder by 4 gates", "slate harbour 12 echoes"
	on(t, "OK", auth.Options{}, func(b *bundle) {
		keep, other := b.must(start, "li"), b.must(start, "li")
		_, secret, err := b.CreateToken(ctx, start, "p1", "挂号机", []string{"read"}, nil, start.AddDate(0, 0, 30))
		if err != nil {
			b.Fatal(err)
		}
		b.refused(b.ChangePassword(ctx, start, "p1", keep.ID, bad, next, "10.0.0.1"), fault.Unauthenticated)
		b.refused(b.ChangePassword(ctx, start, "p1", keep.ID, good, "short", "10.0.0.1"), fault.Invalid)
		if err := b.ChangePassword(ctx, start, "p1", keep.ID, good, next, "10.0.0.1"); err != nil {
			b.Fatal(err)
		}
		if _, err := b.Check(ctx, start, keep.Token); err != nil {
			b.Fatal("the session it was done from must go on:", err)
		}
		if _, err := b.Check(ctx, start, other.Token); err == nil {
			b.Fatal("another session outlived the password")
		}
		if _, err := b.CheckToken(ctx, start, secret, "10.0.0.1"); err == nil {
			b.Fatal("a machine token outlived the password")
		}
		if _, err := b.in(start, "li", good, "10.0.0.1"); err == nil {
			b.Fatal("the old password still opens")
		}
		if _, err := b.in(start, "li", next, "10.0.0.1"); err != nil {
			b.Fatal(err)
		}
	})
	on(t, "ErrUsedBefore", auth.Options{Policy: auth.Policy{History: 2}}, func(b *bundle) {
		change := func(old, fresh string) error {
			return b.ChangePassword(ctx, start, "p1", "", old, fresh, "10.0.0.1")
		}
		b.refused(change(good, good), fault.Invalid)
		if err := change(good, next); err != nil {
			b.Fatal(err)
		}
		b.refused(change(next, good), fault.Invalid)
		if err := change(next, third); err != nil {
			b.Fatal(err)
		}
		if err := change(third, good); err != nil {
			b.Fatal("two passwords later it may come back:", err)
		}
	})
	on(t, "MaxAge", auth.Options{Policy: auth.Policy{MaxAge: 90 * 24 * time.Hour}, Idle: -1, Absolute: -1}, func(b *bundle) {
		s := b.must(start, "li")
		for days, must := range map[int]bool{89: false, 90: true} {
			if p, err := b.Check(ctx, start.AddDate(0, 0, days), s.Token); err != nil || p.MustChange != must {
				b.Fatalf("day %d: %+v %v", days, p, err)
			}
		}
	})
	on(t, "ErrHoldsHisTelephone", auth.Options{}, func(b *bundle) {
		b.house.set(auth.Person{ID: "p1", Account: "li", Name: "李敏", Active: true, Words: []string{"13866210417", "limin@ht.example", ""}})
		b.refused(b.SetPassword(ctx, start, "p1", "amber 13866210417 gates", false), fault.Invalid)
		b.refused(b.SetPassword(ctx, start, "p1", "amber limin@ht.example", false), fault.Invalid)
	})
}

// Ensure that a new password is chosen by its owner alone, once, soon, and by the link made last.
func TestReset(t *testing.T) {
	const next = "amber ladder by 4 gates"
	made := func(b *bundle, person string) string {
		b.Helper()
		token, until, err := b.NewReset(ctx, start, person)
		if err != nil || !until.Equal(start.Add(15*time.Minute)) {
			b.Fatal(until, err)
		}
		return token
	}
	on(t, "OK", auth.Options{Base: "https://crm.example.cn"}, func(b *bundle) {
		s := b.must(start, "li")
		token := made(b, "p1")
		if link := b.ResetLink(token); link != "https://crm.example.cn/reset#"+token {
			b.Fatal(link)
		}
		if strings.Contains(b.dump("auth_ticket"), token) {
			b.Fatal("the secret is in the database")
		}
		if _, err := b.Check(ctx, start, s.Token); err != nil {
			b.Fatal("who asks for another's reset shuts him out:", err)
		}
		_, err := b.Reset(ctx, start, token, "short")
		b.refused(err, fault.Invalid) // and the link is still good
		if who, err := b.Reset(ctx, start.Add(15*time.Minute-time.Millisecond), token, next); err != nil || who != "p1" {
			b.Fatal(who, err)
		}
		if _, err := b.Check(ctx, start, s.Token); err == nil {
			b.Fatal("a session outlived the reset")
		}
		if _, err := b.in(start, "li", next, "10.0.0.1"); err != nil {
			b.Fatal(err)
		}
		_, err = b.Reset(ctx, start, token, "slate harbour 12 echoes")
		b.refused(err, fault.Invalid) // twice
	})
	on(t, "ErrLate", auth.Options{}, func(b *bundle) {
		token := made(b, "p1")
		_, err := b.Reset(ctx, start.Add(15*time.Minute), token, next)
		b.refused(err, fault.Invalid)
	})
	on(t, "ErrAnotherWasMade", auth.Options{}, func(b *bundle) {
		old, fresh := made(b, "p1"), made(b, "p1")
		_, err := b.Reset(ctx, start, old, next)
		b.refused(err, fault.Invalid)
		if _, err := b.Reset(ctx, start, fresh, next); err != nil {
			b.Fatal(err)
		}
	})
	for name, change := range map[string]func(b *bundle) error{
		"ErrPasswordChanged": func(b *bundle) error {
			return b.ChangePassword(ctx, start, "p1", "", good, "slate harbour 12 echoes", "10.0.0.1")
		},
		"ErrAddressChanged": func(b *bundle) error {
			b.house.set(auth.Person{ID: "p1", Account: "li", Name: "李敏", Active: true, Words: []string{"new@ht.example"}})
			return nil
		},
		"ErrLeft": func(b *bundle) error {
			b.house.set(auth.Person{ID: "p1", Account: "li", Name: "李敏"})
			return nil
		},
	} {
		on(t, name, auth.Options{}, func(b *bundle) {
			token := made(b, "p1")
			if err := change(b); err != nil {
				b.Fatal(err)
			}
			_, err := b.Reset(ctx, start, token, next)
			b.refused(err, fault.Invalid)
		})
	}
	on(t, "ErrManyAtOnce", auth.Options{}, func(b *bundle) {
		token := made(b, "p1")
		var won atomic.Int32
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				if _, err := b.Reset(ctx, start, token, fmt.Sprint(next, i)); err == nil {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			b.Fatalf("%d won", won.Load())
		}
	})
	b := setup(t, "sqlite::memory:", auth.Options{})
	_, _, err := b.NewReset(ctx, start, "nobody")
	b.refused(err, fault.NotFound)
}

func TestToken(t *testing.T) {
	on(t, "OK", auth.Options{}, func(b *bundle) {
		tok, secret, err := b.CreateToken(ctx, start, "p1", "报表机", []string{"read", "14.ticket"}, []string{"10.0.0.7"}, start.AddDate(0, 0, 180))
		if err != nil || !strings.HasPrefix(secret, "zgt_") {
			b.Fatal(secret, err)
		}
		p, err := b.CheckToken(ctx, start.Add(time.Hour), secret, "10.0.0.7")
		if err != nil || p.Person != "p1" || p.Token != tok.ID || p.Session != "" || strings.Join(p.Scope, " ") != "read 14.ticket" {
			b.Fatalf("%+v %v", p, err)
		}
		list, err := b.Tokens(ctx, "p1")
		if err != nil || len(list) != 1 || !list[0].Last.Equal(start.Add(time.Hour)) || list[0].Address != "10.0.0.7" {
			b.Fatalf("%+v %v", list, err)
		}
		if _, err := b.CheckToken(ctx, start.Add(time.Hour), secret, "10.0.0.8"); err == nil {
			b.Fatal("the token opens from another address")
		}
		if strings.Contains(b.dump("auth_token"), secret) {
			b.Fatal("the token itself is in the database")
		}
		if _, err := b.CheckToken(ctx, start.AddDate(0, 0, 180), secret, "10.0.0.7"); err == nil {
			b.Fatal("the token opens past its end")
		}
		if _, err := b.Check(ctx, start, secret); err == nil {
			b.Fatal("a machine token is no session")
		}
		b.refused(b.EndToken(ctx, "p2", tok.ID), fault.NotFound)
		if err := b.EndToken(ctx, "p1", tok.ID); err != nil {
			b.Fatal(err)
		}
		if _, err := b.CheckToken(ctx, start, secret, "10.0.0.7"); err == nil {
			b.Fatal("an ended token opens")
		}
	})
	on(t, "ErrLeftTheCompany", auth.Options{}, func(b *bundle) {
		_, secret, err := b.CreateToken(ctx, start, "p1", "报表机", []string{"read"}, nil, start.AddDate(0, 0, 9))
		if err != nil {
			b.Fatal(err)
		}
		if err := b.Disable(ctx, "p1", start); err != nil {
			b.Fatal(err)
		}
		if _, err := b.CheckToken(ctx, start, secret, "10.0.0.7"); err == nil {
			b.Fatal("the token outlived its person")
		}
		if err := b.Disable(ctx, "p1", time.Time{}); err != nil {
			b.Fatal(err)
		}
		b.must(start, "li") // opened again
	})
	b := setup(t, "sqlite::memory:", auth.Options{})
	for name, call := range map[string]func() error{
		"ErrTooLong": func() error {
			_, _, err := b.CreateToken(ctx, start, "p1", "x", []string{"read"}, nil, start.AddDate(0, 0, 181))
			return err
		},
		"ErrPast": func() error {
			_, _, err := b.CreateToken(ctx, start, "p1", "x", []string{"read"}, nil, start)
			return err
		},
		"ErrPlace": func() error {
			_, _, err := b.CreateToken(ctx, start, "p1", "x", []string{"read"}, []string{"office"}, start.AddDate(0, 0, 1))
			return err
		},
		"ErrNoName": func() error {
			_, _, err := b.CreateToken(ctx, start, "p1", " ", []string{"read"}, nil, start.AddDate(0, 0, 1))
			return err
		},
		"ErrNoScope": func() error {
			_, _, err := b.CreateToken(ctx, start, "p1", "x", nil, nil, start.AddDate(0, 0, 1))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { b.refused(call(), fault.Invalid) })
	}
}
