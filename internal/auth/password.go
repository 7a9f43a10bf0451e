package auth

import (
	"context"
	"encoding/json"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/store"
)

// prove counts a try, computes the password and tells whether it was right. find names the stored hash, ""
// for nobody; it runs in a transaction of its own so that no database lock is held while the password is computed.
// The caller has the account's turn, until after it has forgiven the try.
func (a *Auth) prove(ctx context.Context, now time.Time, c counters, password string, find func(*store.Tx) (string, error)) error {
	leave, err := a.hash.seat(ctx)
	if err != nil {
		return err
	}
	defer leave()
	var left int
	refused := a.db.Write(ctx, func(tx *store.Tx) (err error) {
		left, err = a.reserve(tx, now, c)
		return err
	})
	if refused != nil && fault.KindOf(refused) != fault.Unauthenticated {
		return refused
	}
	phc, err := read(ctx, a.db, find)
	if err != nil {
		return err
	}
	// Longer than any password may be: not worth computing, and the same for everybody.
	if len(password) > 4*maxPassword {
		password = ""
	}
	right, err := a.hash.match(phc, password)
	switch {
	case err != nil:
		return err
	case refused != nil:
		return refused
	case !right:
		return a.wrong(now, left)
	}
	return nil
}

// again proves the password of somebody who is already signed in.
func (a *Auth) again(ctx context.Context, now time.Time, person, password, address string) error {
	who, err := read(ctx, a.db, func(tx *store.Tx) (Person, error) { return a.dir.ByID(tx, now, person) })
	if err != nil {
		return err
	}
	if who.ID == "" || !who.Active {
		return unauthenticated()
	}
	c := countersOf(who.Account, address)
	defer a.turn.enter(c.account)()
	err = a.prove(ctx, now, c, password, func(tx *store.Tx) (string, error) {
		row, err := one(tx, "auth_account", "person", person)
		if row == nil {
			return "", err
		}
		return str(row["hash"]), err
	})
	if err != nil {
		return err
	}
	return a.db.Write(ctx, func(tx *store.Tx) error { return a.forgive(tx, now, c) })
}

func (a *Auth) compute(ctx context.Context, password string) (string, error) {
	leave, err := a.hash.seat(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return a.hash.make(password), nil
}

// ChangePassword replaces one's own password. The other sessions and all machine tokens of the person end; the
// session named by keep goes on.
func (a *Auth) ChangePassword(ctx context.Context, now time.Time, person, keep, old, fresh, address string) error {
	if err := a.again(ctx, now, person, old, address); err != nil {
		return err
	}
	return a.put(ctx, now, person, fresh, keep, false, nil)
}

// SetPassword gives a person a password, from the command line or on first start. With mustChange it opens nothing
// but the page where it is changed.
func (a *Auth) SetPassword(ctx context.Context, now time.Time, person, password string, mustChange bool) error {
	return a.put(ctx, now, person, password, "", mustChange, nil)
}

// put checks a new password by the rules and stores it. also, if there is one, is asked in the transaction that stores.
func (a *Auth) put(ctx context.Context, now time.Time, person, password, keep string, mustChange bool, also func(*store.Tx) error) error {
	var row store.Row
	who, err := read(ctx, a.db, func(tx *store.Tx) (who Person, err error) {
		row, who, err = a.holder(tx, now, person)
		return who, err
	})
	if err != nil {
		return err
	}
	if who.ID == "" {
		return fault.Missing("person", person)
	}
	words := append(who.Words, who.Account, who.Name, a.opts.Company)
	if who.Plain != nil {
		words = append(words, who.Plain(ctx)...)
	}
	if err := a.opts.Policy.check(password, words...); err != nil {
		return err
	}
	past := history(row)
	if a.opts.Policy.History > 0 {
		for i, old := range append([]string{str(row["hash"])}, past...) {
			if old == "" || i >= a.opts.Policy.History {
				continue
			}
			leave, err := a.hash.seat(ctx)
			if err != nil {
				return err
			}
			same, err := a.hash.match(old, password)
			leave()
			if err != nil {
				return err
			}
			if same {
				return fault.At("new", "这个密码用过了，请换一个", "This password has been used before, choose another")
			}
		}
	}
	return a.replace(ctx, now, person, password, keep, mustChange, past, also)
}

// replace stores a new password and ends what the old one had opened.
func (a *Auth) replace(ctx context.Context, now time.Time, person, password, keep string, mustChange bool, past []string, also func(*store.Tx) error) error {
	hash, err := a.compute(ctx, password)
	if err != nil {
		return err
	}
	return a.db.Write(ctx, func(tx *store.Tx) error {
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		row, err := one(tx, "auth_account", "person", person)
		if err != nil {
			return err
		}
		past := past
		if old := str(row["hash"]); old != "" {
			past = append([]string{old}, past...)
		}
		past = past[:min(len(past), max(a.opts.Policy.History-1, 0))]
		list, err := json.Marshal(past)
		if err != nil {
			return err
		}
		set := store.Row{"hash": hash, "changed_at": instant(now), "must_change": mustChange, "history": string(list)}
		if row == nil {
			set["person"], set["created_at"] = person, instant(now)
			err = tx.Insert("auth_account", set)
		} else {
			_, err = tx.Update("auth_account", store.Row{"person": person}, set)
		}
		if err != nil {
			return err
		}
		if err := tear(tx, ticketReset, person); err != nil {
			return err
		}
		return a.factorChanged(tx, person, keep)
	})
}

// Disable closes an account at a time (the zero time opens it again). What is open ends with it.
func (a *Auth) Disable(ctx context.Context, person string, at time.Time) error {
	return a.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Update("auth_account", store.Row{"person": person}, store.Row{"disabled_at": orNull(at)})
		return err
	})
}

// Empty tells whether nobody has a password yet, so that the server can say how the first one is made.
func (a *Auth) Empty(ctx context.Context) (bool, error) {
	n, err := read(ctx, a.db, func(tx *store.Tx) (int64, error) { return tx.Count("auth_account", nil) })
	return n == 0, err
}

// mustChange tells whether a password is a one-time one or too old.
func (a *Auth) mustChange(row store.Row, now time.Time) bool {
	if must, _ := row["must_change"].(bool); must {
		return true
	}
	return a.opts.Policy.MaxAge > 0 && str(row["hash"]) != "" && !parse(row["changed_at"]).Add(a.opts.Policy.MaxAge).After(now)
}

func history(row store.Row) []string {
	var list []string
	_ = json.Unmarshal([]byte(str(row["history"])), &list)
	return list
}

// CheckPassword tells what is wrong with a password before anybody exists to have it.
func (a *Auth) CheckPassword(password, account, name string) error {
	return a.opts.Policy.check(password, account, name, a.opts.Company)
}
