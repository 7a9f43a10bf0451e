package auth

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// Wrong is the cause of a refused sign-in: unknown account, wrong password, or an account that is closed.
type Wrong struct{ TriesLeft int }

func (e *Wrong) Error() string {
	return fmt.Sprintf("wrong account or password, %d tries left", e.TriesLeft)
}

// Locked is the cause while an account or an address must wait.
type Locked struct{ Until time.Time }

func (e *Locked) Error() string { return "locked until " + instant(e.Until) }

func (a *Auth) wrong(now time.Time, left int) error {
	if left <= 0 {
		return a.locked(now.Add(a.opts.LockFor))
	}
	return fault.Wrap(fault.Unauthenticated, &Wrong{left}, fmt.Sprintf("账号或密码不对，还可试 %d 次", left),
		fmt.Sprintf("Wrong account or password; %d tries left", left))
}

func (a *Auth) locked(until time.Time) error {
	at := until.In(a.opts.Zone).Format("15:04")
	return fault.Wrap(fault.Unauthenticated, &Locked{until}, "试错太多，已锁到 "+at+"。急用请找管理员",
		"Too many wrong tries; locked until "+at+". If it is urgent, ask an administrator")
}

// Guesses are counted by the name that was typed, whether or not anybody has it: an unknown account locks
// like a known one and so cannot be told from it. What is stored is a digest, because people
// type passwords into the account field.
//
// Three counters: the account, the address, and the pair of both for an address from which the account has signed
// in before. A pair has its own count and is not touched by the account's lock, so that a stranger who
// guesses wrongly cannot shut an administrator out of his own desk.
type counters struct{ account, address, pair, known string }

// fold is an account in the spelling in which records keep it, whatever keyboard it was typed on.
func fold(account string) string {
	return strings.ToLower(strings.TrimSpace(norm.NFKC.String(account)))
}

func countersOf(account, address string) counters {
	key := func(kind, text string) string { return kind + ":" + digest(text)[:32] }
	name := fold(account)
	return counters{account: key("account", name), address: key("address", address),
		pair: key("pair", name+"\x00"+address), known: key("known", name+"\x00"+address)}
}

// knownFor is how long an address counts as one's own after the last sign-in from it.
const knownFor = 30 * 24 * time.Hour

// reserve counts a try before the password is computed, so that a thousand guesses sent at once are a thousand
// tries and not one. It answers how many are left after this one, or the lock.
func (a *Auth) reserve(tx *store.Tx, now time.Time, c counters) (left int, err error) {
	for _, id := range []string{c.account, c.address} {
		if err := tx.Lock("auth " + id); err != nil {
			return 0, err
		}
	}
	own := c.account
	known, err := one(tx, "auth_attempt", "id", c.known)
	if err != nil {
		return 0, err
	}
	if known != nil && parse(known["at"]).Add(knownFor).After(now) {
		own = c.pair
	}
	left, err = a.count(tx, now, own, a.opts.Tries)
	if err != nil {
		return 0, err
	}
	if _, err := a.count(tx, now, c.address, a.opts.PerHost); err != nil {
		return 0, err
	}
	return left, nil
}

// count adds one to a counter. A locked counter refuses and does not move: waiting is never prolonged by trying.
func (a *Auth) count(tx *store.Tx, now time.Time, id string, limit int) (left int, err error) {
	row, err := one(tx, "auth_attempt", "id", id)
	if err != nil {
		return 0, err
	}
	var wrong int64
	if row != nil {
		if until := parse(row["locked_until"]); until.After(now) {
			return 0, a.locked(until)
		}
		wrong, _ = row["wrong"].(int64)
		// A lock that has run out, or a quiet half hour, begins a new count.
		if !parse(row["locked_until"]).IsZero() || !parse(row["at"]).Add(a.opts.LockFor).After(now) {
			wrong = 0
		}
	}
	wrong++
	var until any
	if wrong >= int64(limit) {
		until = instant(now.Add(a.opts.LockFor))
	}
	err = tx.Upsert("auth_attempt", []string{"id"}, store.Row{"id": id, "at": instant(now), "wrong": wrong, "locked_until": until})
	return limit - int(wrong), err
}

// forgive takes back what reserve counted, after the password was right.
func (a *Auth) forgive(tx *store.Tx, now time.Time, c counters) error {
	for _, id := range []string{c.account, c.pair} {
		if _, err := tx.Delete("auth_attempt", query.Eq("t", "id", id)); err != nil {
			return err
		}
	}
	row, err := one(tx, "auth_attempt", "id", c.address)
	if err != nil {
		return err
	}
	// Only one's own try goes from the address: many people may sit behind it, and so may a guesser.
	if row != nil {
		wrong, _ := row["wrong"].(int64)
		if _, err := tx.Update("auth_attempt", store.Row{"id": c.address}, store.Row{"wrong": max(wrong-1, 0), "locked_until": nil}); err != nil {
			return err
		}
	}
	return tx.Upsert("auth_attempt", []string{"id"}, store.Row{"id": c.known, "at": instant(now), "wrong": int64(0), "locked_until": nil})
}
