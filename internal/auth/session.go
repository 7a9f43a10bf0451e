package auth

import (
	"context"
	"strings"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// Session is one sign-in. Token is set only when it is made: it is stored as a digest and cannot be had again.
type Session struct {
	ID, Person     string
	Token          string
	CSRF           string    // goes with Token
	At, Last, Ends time.Time // Ends is zero where sessions never end
	Agent, Address string
	Owes           []string // ways to give the second factor that is still asked for; none = he is in
}

// Principal is who stands behind a request.
type Principal struct {
	Person     string
	Session    string    // "" for a machine token
	CSRF       string    // "" for a machine token
	Stale      bool      // who he is was proved too long ago for acts that want it fresh; always so of a machine token, where that is asked
	MustChange bool      // nothing but changing the password is open
	EnrolBy    time.Time // by when he must have a second factor; zero = no demand, or met
	MustEnrol  bool      // that time has passed: nothing but enrolling is open
	Owes       bool      // the password was right, the second factor is still asked for: nothing else is open
	Token      string    // id of the machine token, else ""
	Scope      []string  // of the machine token
}

// unauthenticated is the answer to any token that does not open: unknown, ended, or of somebody who left.
func unauthenticated() error {
	return fault.New(fault.Unauthenticated, "请先登录", "Please sign in")
}

// half is how long somebody may take over his second factor.
const half = 5 * time.Minute

// Signin opens a session by password. Unknown account, wrong password, closed account and lock answer alike for
// names that exist and names that do not, and take the same time. Who has a second factor gets a session that opens
// nothing but Second.
func (a *Auth) Signin(ctx context.Context, now time.Time, account, password, agent, address string) (Session, error) {
	var row store.Row
	var who Person
	c := countersOf(account, address)
	defer a.turn.enter(c.account)()
	err := a.prove(ctx, now, c, password, func(tx *store.Tx) (string, error) {
		var err error
		if who, err = a.dir.ByAccount(tx, now, fold(account)); err != nil || who.ID == "" {
			return "", err
		}
		row, err = one(tx, "auth_account", "person", who.ID)
		if row == nil || closed(who, row, now) {
			return "", err
		}
		return str(row["hash"]), nil
	})
	if err != nil {
		return Session{}, err
	}
	rehash := ""
	if stale(str(row["hash"])) {
		if rehash, err = a.compute(ctx, password); err != nil {
			return Session{}, err
		}
	}
	var s Session
	err = a.db.Write(ctx, func(tx *store.Tx) error {
		if err := a.forgive(tx, now, c); err != nil {
			return err
		}
		if rehash != "" {
			if _, err := tx.Update("auth_account", store.Row{"person": who.ID}, store.Row{"hash": rehash}); err != nil {
				return err
			}
		}
		s, err = a.open(tx, now, who, agent, address, false)
		return err
	})
	return s, err
}

// Means are the ways in which a person can give his second factor: totp, passkey, recovery.
func (a *Auth) Means(ctx context.Context, person string) ([]string, error) {
	return read(ctx, a.db, func(tx *store.Tx) ([]string, error) { return a.means(tx, person) })
}

// Second gives the second factor of a session that owes one: a one-time code or a recovery code. The session ends and
// another with a token of its own takes its place.
func (a *Auth) Second(ctx context.Context, now time.Time, p Principal, code, agent, address string) (Session, error) {
	var s Session
	left, right := 0, false
	err := a.db.Write(ctx, func(tx *store.Tx) (err error) {
		if left, err = a.tryFactor(tx, now, p.Person); err != nil {
			return err
		}
		if right, err = a.useCode(tx, now, p.Person, code); err != nil || !right {
			return err
		}
		s, err = a.paid(tx, now, p, agent, address)
		return err
	})
	if err == nil && !right {
		err = a.wrongCode(now, left)
	}
	return s, err
}

// paid replaces a session that owed a second factor by one that opens everything.
func (a *Auth) paid(tx *store.Tx, now time.Time, p Principal, agent, address string) (Session, error) {
	n, err := tx.Delete("auth_session", query.Eq("t", "id", p.Session))
	if err != nil {
		return Session{}, err
	}
	account, who, err := a.holder(tx, now, p.Person)
	if err != nil {
		return Session{}, err
	}
	if n != 1 || closed(who, account, now) {
		return Session{}, unauthenticated()
	}
	return a.open(tx, now, who, agent, address, true)
}

// open makes a session of somebody who has proved who he is; whole tells whether his second factor was part of it.
func (a *Auth) open(tx *store.Tx, now time.Time, who Person, agent, address string, whole bool) (Session, error) {
	if err := a.sweep(tx, now); err != nil {
		return Session{}, err
	}
	token := secret()
	s := Session{ID: shortID(), Person: who.ID, Token: token, CSRF: csrfOf(token), At: now, Last: now, Ends: a.ends(now), Agent: clip(agent, 200), Address: address}
	row := store.Row{"id": s.ID, "token_hash": digest(token), "person": s.Person, "created_at": instant(now), "fresh_at": instant(now),
		"last_at": instant(now), "agent": s.Agent, "address": address, "standing": digest(who.Standing)}
	if !whole {
		var err error
		if s.Owes, err = a.means(tx, who.ID); err != nil {
			return Session{}, err
		}
	}
	if len(s.Owes) > 0 {
		s.Ends = now.Add(half)
		row["owes"] = "second"
	} else if err := a.welcome(tx, now, who, address); err != nil {
		return Session{}, err
	}
	row["ends_at"] = orNull(s.Ends)
	return s, tx.Insert("auth_session", row)
}

// welcome notes that somebody came in, ends his other sessions where he may have but one, and lets the time run in
// which he must enrol a second factor.
func (a *Auth) welcome(tx *store.Tx, now time.Time, who Person, address string) error {
	if a.opts.Single {
		if err := endAll(tx, who.ID, ""); err != nil {
			return err
		}
	}
	account, err := one(tx, "auth_account", "person", who.ID)
	if err != nil {
		return err
	}
	due, err := a.dueBy(tx, now, who, account)
	if err != nil {
		return err
	}
	_, err = tx.Update("auth_account", store.Row{"person": who.ID}, store.Row{"last_at": instant(now), "last_address": address, "second_due": orNull(due)})
	return err
}

// Check tells who holds a session token, asking about person, account and ends as they are now. It counts as use of the
// session.
func (a *Auth) Check(ctx context.Context, now time.Time, token string) (Principal, error) {
	return a.check(ctx, now, token, true)
}

// Peek is Check for what nobody asked for himself, such as an open stream of events: it does not keep a session alive.
func (a *Auth) Peek(ctx context.Context, now time.Time, token string) (Principal, error) {
	return a.check(ctx, now, token, false)
}

func (a *Auth) check(ctx context.Context, now time.Time, token string, used bool) (Principal, error) {
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
		account, who, err := a.holder(tx, now, str(row["person"]))
		if err != nil {
			return p, err
		}
		if account == nil || closed(who, account, now) || !a.opts.Moving && !settled(str(row["standing"]), who, now) {
			over = true
		}
		touch = used && now.Sub(last) >= a.touchEvery()
		p = Principal{Person: who.ID, Session: str(row["id"]), CSRF: csrfOf(token), MustChange: a.mustChange(account, now), Owes: str(row["owes"]) != "",
			Stale: a.opts.Fresh > 0 && !parse(row["fresh_at"]).Add(a.opts.Fresh).After(now)}
		if p.EnrolBy, err = a.dueBy(tx, now, who, account); err == nil {
			p.MustEnrol = !p.EnrolBy.IsZero() && !p.EnrolBy.After(now)
		}
		return p, err
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

// Confirm asks a signed-in person for his password again, before an act that wants a fresh proof.
func (a *Auth) Confirm(ctx context.Context, now time.Time, p Principal, password, address string) (Session, error) {
	if err := a.again(ctx, now, p.Person, password, address); err != nil {
		return Session{}, err
	}
	var s Session
	return s, a.db.Write(ctx, func(tx *store.Tx) (err error) {
		s, err = a.renew(tx, now, p)
		return err
	})
}

// renew makes the proof of a session fresh and gives it a new token, so that one taken earlier gains nothing by it.
func (a *Auth) renew(tx *store.Tx, now time.Time, p Principal) (Session, error) {
	token := secret()
	n, err := tx.Update("auth_session", store.Row{"id": p.Session, "person": p.Person}, store.Row{"fresh_at": instant(now), "last_at": instant(now), "token_hash": digest(token)})
	if err == nil && n == 0 {
		err = unauthenticated()
	}
	return Session{ID: p.Session, Person: p.Person, Token: token, CSRF: csrfOf(token)}, err
}

// settling is how long an act on one's own standing may take; meanwhile other requests of the session pass.
const settling = 30 * time.Second

// Unsettle is called before a person's act that may change his own standing, and Settle after it: who appoints himself has been
// asked who he is a moment ago, and goes on where he did it. Sessions of others end with their standing, and so do his elsewhere.
func (a *Auth) Unsettle(ctx context.Context, now time.Time, p Principal) error {
	return a.stand(ctx, p, func(*store.Tx) (string, error) { return "~" + instant(now), nil })
}

// Settle takes what the act made of the person's standing into the session.
func (a *Auth) Settle(ctx context.Context, now time.Time, p Principal) error {
	return a.stand(ctx, p, func(tx *store.Tx) (string, error) {
		who, err := a.dir.ByID(tx, now, p.Person)
		return digest(who.Standing), err
	})
}

func (a *Auth) stand(ctx context.Context, p Principal, of func(*store.Tx) (string, error)) error {
	return a.db.Write(ctx, func(tx *store.Tx) error {
		standing, err := of(tx)
		if err == nil {
			_, err = tx.Update("auth_session", store.Row{"id": p.Session, "person": p.Person}, store.Row{"standing": standing})
		}
		return err
	})
}

// settled tells whether a person's standing is what the session began with, or what he is changing himself.
func settled(standing string, who Person, now time.Time) bool {
	if at, ok := strings.CutPrefix(standing, "~"); ok {
		return now.Before(parse(at).Add(settling))
	}
	return standing == digest(who.Standing)
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

// Forget ends all by which somebody came in or let others in: sessions, machine tokens and the links he gave. Who comes back after he
// left begins anew.
func (a *Auth) Forget(ctx context.Context, person string) error {
	return a.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Delete("auth_token", query.Eq("t", "person", person)); err != nil {
			return err
		}
		if _, err := tx.Delete("auth_link", query.Eq("t", "created_by", person)); err != nil {
			return err
		}
		return endAll(tx, person, "")
	})
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
			if !a.over(r, now) && str(r["owes"]) == "" {
				list = append(list, Session{ID: str(r["id"]), Person: person, At: parse(r["created_at"]), Last: parse(r["last_at"]),
					Ends: parse(r["ends_at"]), Agent: str(r["agent"]), Address: str(r["address"])})
			}
		}
		return list, err
	})
}

// holder reads the account and the person behind a token.
func (a *Auth) holder(tx *store.Tx, now time.Time, person string) (store.Row, Person, error) {
	account, err := one(tx, "auth_account", "person", person)
	if err != nil {
		return nil, Person{}, err
	}
	who, err := a.dir.ByID(tx, now, person)
	return account, who, err
}

// closed tells whether somebody may not come in any more.
func closed(who Person, account store.Row, now time.Time) bool {
	at := parse(account["disabled_at"])
	return !who.Active || !at.IsZero() && !at.After(now)
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
