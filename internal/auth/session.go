package auth

import (
	"context"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// Session is one sign-in. Token is set only by Signin: it is stored as a digest and cannot be had again.
type Session struct {
	ID, Person     string
	Token          string
	At, Last, Ends time.Time // Ends is zero where sessions never end
	Agent, Address string
}

// Principal is who stands behind a request.
type Principal struct {
	Person     string
	Session    string    // "" for a machine token
	CSRF       string    // "" for a machine token
	Fresh      time.Time // when the password was last given; for acts that ask for it anew
	MustChange bool      // nothing but changing the password is open
	Token      string    // id of the machine token, else ""
	Scope      []string  // of the machine token
}

// unauthenticated is the answer to any token that does not open: unknown, ended, or of somebody who left.
func unauthenticated() error {
	return fault.New(fault.Unauthenticated, "请先登录", "Please sign in")
}

// Signin opens a session. Unknown account, wrong password and lock answer alike for names that exist and names that
// do not, and take the same time.
func (a *Auth) Signin(ctx context.Context, now time.Time, account, password, agent, address string) (Session, string, error) {
	var row store.Row
	var who Person
	c := countersOf(account, address)
	defer a.turn.enter(c.account)()
	err := a.prove(ctx, now, c, password, func(tx *store.Tx) (string, error) {
		var err error
		if who, err = a.dir.ByAccount(tx, fold(account)); err != nil || who.ID == "" {
			return "", err
		}
		row, err = one(tx, "auth_account", "person", who.ID)
		if row == nil || lapsed(row, now) {
			return "", err
		}
		return str(row["hash"]), nil
	})
	if err != nil {
		return Session{}, "", err
	}
	if out, at := closed(who, row, now); out {
		return Session{}, "", a.disabled(at)
	}
	rehash := ""
	if stale(str(row["hash"])) {
		if rehash, err = a.compute(ctx, password); err != nil {
			return Session{}, "", err
		}
	}
	token := secret()
	s := Session{ID: shortID(), Person: who.ID, Token: token, At: now, Last: now, Ends: a.ends(now), Agent: clip(agent, 200), Address: address}
	err = a.db.Write(ctx, func(tx *store.Tx) error {
		if err := a.forgive(tx, now, c); err != nil {
			return err
		}
		if err := a.sweep(tx, now); err != nil {
			return err
		}
		set := store.Row{"last_at": instant(now), "last_address": address}
		if rehash != "" {
			set["hash"] = rehash
		}
		if _, err := tx.Update("auth_account", store.Row{"person": who.ID}, set); err != nil {
			return err
		}
		return tx.Insert("auth_session", store.Row{"id": s.ID, "token_hash": digest(token), "person": s.Person, "created_at": instant(now),
			"fresh_at": instant(now), "last_at": instant(now), "ends_at": orNull(s.Ends), "agent": s.Agent, "address": address})
	})
	if err != nil {
		return Session{}, "", err
	}
	return s, csrfOf(token), nil
}

// Check tells who holds a session token, asking about person, account and ends as they are now.
func (a *Auth) Check(ctx context.Context, now time.Time, token string) (Principal, error) {
	if token == "" {
		return Principal{}, unauthenticated()
	}
	var row store.Row
	var over, touch bool
	p, err := read(ctx, a.db, func(tx *store.Tx) (p Principal, err error) {
		row, err = one(tx, "auth_session", "token_hash", digest(token))
		if err != nil || row == nil {
			return p, err
		}
		last := parse(row["last_at"])
		over = a.over(row, now)
		account, who, err := a.holder(tx, str(row["person"]))
		if err != nil {
			return p, err
		}
		if out, _ := closed(who, account, now); out || account == nil {
			over = true
		}
		touch = now.Sub(last) >= a.touchEvery()
		p = Principal{Person: who.ID, Session: str(row["id"]), CSRF: csrfOf(token), Fresh: parse(row["fresh_at"]),
			MustChange: a.mustChange(account, now)}
		return p, nil
	})
	switch {
	case err != nil:
		return Principal{}, err
	case row == nil:
		return Principal{}, unauthenticated()
	case over:
		// It is removed, not only refused: a clock that is set back must not bring it to life again.
		if err := a.End(ctx, str(row["person"]), str(row["id"])); err != nil && fault.KindOf(err) != fault.NotFound {
			return Principal{}, err
		}
		return Principal{}, unauthenticated()
	case touch:
		err := a.db.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.Update("auth_session", store.Row{"id": row["id"]}, store.Row{"last_at": instant(now)})
			return err
		})
		if err != nil {
			return Principal{}, err
		}
	}
	return p, nil
}

// Confirm asks a signed-in person for his password again, before an act that wants a fresh one.
func (a *Auth) Confirm(ctx context.Context, now time.Time, person, session, password, address string) error {
	if err := a.again(ctx, now, person, password, address); err != nil {
		return err
	}
	return a.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Update("auth_session", store.Row{"id": session, "person": person}, store.Row{"fresh_at": instant(now)})
		return err
	})
}

// End ends one session of a person.
func (a *Auth) End(ctx context.Context, person, session string) error {
	return a.db.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Delete("auth_session", query.And(query.Eq("t", "id", session), query.Eq("t", "person", person)))
		if err == nil && n == 0 {
			err = fault.Missing("session", session)
		}
		return err
	})
}

// EndAll ends all sessions of a person but one ("" = really all).
func (a *Auth) EndAll(ctx context.Context, person, except string) error {
	return a.db.Write(ctx, func(tx *store.Tx) error { return endAll(tx, person, except) })
}

func endAll(tx *store.Tx, person, except string) error {
	_, err := tx.Delete("auth_session", query.And(query.Eq("t", "person", person),
		query.Op{Name: "<>", Args: []query.Expr{query.Col{Alias: "t", Name: "id"}, query.Const{Value: except}}}))
	return err
}

// List shows the open sessions of a person, the latest first.
func (a *Auth) List(ctx context.Context, now time.Time, person string) ([]Session, error) {
	return read(ctx, a.db, func(tx *store.Tx) ([]Session, error) {
		rows, err := tx.Select(query.Select{Table: "auth_session", Alias: "t", Where: query.Eq("t", "person", person),
			Order: []query.Order{{Expr: query.Col{Alias: "t", Name: "last_at"}, Desc: true}, {Expr: query.Col{Alias: "t", Name: "id"}}}})
		var list []Session
		for _, r := range rows {
			if !a.over(r, now) {
				list = append(list, Session{ID: str(r["id"]), Person: person, At: parse(r["created_at"]), Last: parse(r["last_at"]),
					Ends: parse(r["ends_at"]), Agent: str(r["agent"]), Address: str(r["address"])})
			}
		}
		return list, err
	})
}

// holder reads the account and the person behind a token.
func (a *Auth) holder(tx *store.Tx, person string) (store.Row, Person, error) {
	account, err := one(tx, "auth_account", "person", person)
	if err != nil {
		return nil, Person{}, err
	}
	who, err := a.dir.ByID(tx, person)
	return account, who, err
}

// closed tells whether somebody may not come in any more, and since when if that is known.
func closed(who Person, account store.Row, now time.Time) (bool, time.Time) {
	if at := parse(account["disabled_at"]); !at.IsZero() && !at.After(now) {
		return true, at
	}
	return !who.Active, who.LeftAt
}

// over tells whether a session has been idle too long or open too long.
func (a *Auth) over(row store.Row, now time.Time) bool {
	if ends := parse(row["ends_at"]); !ends.IsZero() && !ends.After(now) {
		return true
	}
	return a.opts.Idle > 0 && !parse(row["last_at"]).Add(a.opts.Idle).After(now)
}

func (a *Auth) ends(now time.Time) time.Time {
	if a.opts.Absolute < 0 {
		return time.Time{}
	}
	return now.Add(a.opts.Absolute)
}

// touchEvery is how exactly the last request is remembered: a write for each request would cost more than
// the request.
func (a *Auth) touchEvery() time.Duration {
	if a.opts.Idle <= 0 {
		return time.Hour
	}
	return min(a.opts.Idle/15, time.Minute)
}

// sweep forgets what no longer matters: ended sessions, tokens past their end, counters and addresses of long ago.
func (a *Auth) sweep(tx *store.Tx, now time.Time) error {
	if _, err := tx.Delete("auth_session", before("ends_at", now)); err != nil {
		return err
	}
	_, err := tx.Delete("auth_attempt", before("at", now.Add(-knownFor)))
	return err
}

func orNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return instant(t)
}

// clip shortens what a stranger sent without cutting a character.
func clip(s string, n int) string {
	r := []rune(s)
	if len(r) > n {
		r = r[:n]
	}
	return string(r)
}
