// Package auth knows who is at the door: passwords, sessions, machine tokens and how often somebody
// may guess. Who people are and what they may do are records of the base rulebook; this package
// keeps only their secrets. It knows store, query and fault. Time is an argument of every function.
package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// Person is somebody who may have an account, as the directory knows him now.
type Person struct {
	ID, Account, Name string
	Active            bool     // may come in
	Officer           bool     // looks after the installation or inspects it: his second factor matters most
	Words             []string // of his, as they are stored: telephone, mail; no password may hold them
	// Plain are those words where what is stored is sealed; nil where it is not. Asked only when a password is chosen.
	Plain    func(ctx context.Context) []string
	Standing string // roles, unit and addresses; a session ends when they are no longer those it began with
}

// Directory finds people. Package app reads it from the records of the base rulebook, inside the same
// transaction, so that a leaver is out at the minute and not at the next refresh of something.
// Both answer the zero Person, not an error, for somebody unknown.
type Directory interface {
	ByAccount(tx *store.Tx, now time.Time, account string) (Person, error)
	ByID(tx *store.Tx, now time.Time, id string) (Person, error)
}

// Demand says of whom a second factor is asked.
type Demand string

// Whoever has a second factor is asked for it under each of these.
const (
	Nobody   Demand = "none"
	Officers Demand = "officers"
	Everyone Demand = "all"
)

// Options are the house rules of the door. New fills in what is zero.
type Options struct {
	Policy   Policy
	Company  string         // may not be part of a password
	Idle     time.Duration  // a session ends after so long without a request; default 15 minutes, negative = never
	Absolute time.Duration  // and after so long at the latest; default 12 hours, negative = never
	Tries    int            // wrong passwords before an account is locked; default 5
	PerHost  int            // wrong passwords before an address is locked; default 50
	LockFor  time.Duration  // default 30 minutes
	Hashes   int            // passwords computed at once; default 2
	Reset    time.Duration  // how long the link for a new password may be used; default and ceiling 15 minutes
	Fresh    time.Duration  // how long a proof counts for acts that want a fresh one; default 5 minutes, negative = for ever
	Zone     *time.Location // of the times in messages; default UTC

	Second Demand        // whose second factor is demanded; default: of officers
	Grace  time.Duration // from the first sign-in at which it is demanded; negative = none; default 72 hours
	Single bool          // one session a person: a new one ends those before
	Moving bool          // a session survives a change of its person's standing

	Base string // address of the installation, "https://crm.example.cn"; without it there are no passkeys and no single sign-on
	// Key seals the secrets of one-time codes, 32 bytes; without it nobody enrols one.
	Key []byte
	// Watch is the time on people's own telephones, where the house's clock is turned by hand; default: the house's.
	Watch func() time.Time
	OIDC  OIDC
}

// Auth answers who is at the door.
type Auth struct {
	db   *store.DB
	dir  Directory
	opts Options
	hash *hasher
	turn turnstile
	keys *webauthn.WebAuthn // nil: no passkeys here
	sso  *sso               // nil: no single sign-on here
}

// New makes the door of a database to which Tables have been applied. A base address that cannot have passkeys
// (a bare IP) simply has none.
func New(db *store.DB, dir Directory, opts Options) *Auth {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&opts.Idle, 15*time.Minute)
	set(&opts.Absolute, 12*time.Hour)
	set(&opts.LockFor, 30*time.Minute)
	set(&opts.Reset, maxReset)
	opts.Reset = min(opts.Reset, maxReset)
	set(&opts.Fresh, 5*time.Minute)
	set(&opts.Grace, 72*time.Hour)
	if opts.Second == "" {
		opts.Second = Officers
	}
	number := func(n *int, v int) {
		if *n == 0 {
			*n = v
		}
	}
	number(&opts.Tries, 5)
	number(&opts.PerHost, 50)
	number(&opts.Hashes, 2)
	if opts.Zone == nil {
		opts.Zone = time.UTC
	}
	opts.Policy = opts.Policy.filled()
	return &Auth{db: db, dir: dir, opts: opts, hash: newHasher(opts.Hashes), keys: newKeys(opts), sso: newSSO(opts)}
}

// Tables are the tables of this package, for store.Plan.
func Tables() []store.Table {
	text := func(names ...string) []store.Column {
		var list []store.Column
		for _, n := range names {
			list = append(list, store.Column{Name: n, Kind: store.Text})
		}
		return list
	}
	return []store.Table{
		{Name: "auth_account", Apart: true, Label: "账号的密码", Primary: []string{"person"}, Columns: append(
			text("person", "hash", "changed_at", "disabled_at", "created_at", "last_at", "last_address", "second_due"),
			store.Column{Name: "must_change", Kind: store.Bool}, store.Column{Name: "history", Kind: store.JSON})},
		{Name: "auth_session", Apart: true, Label: "登录会话", Primary: []string{"id"},
			Columns: text("id", "token_hash", "person", "created_at", "fresh_at", "last_at", "ends_at", "agent", "address", "owes", "standing"),
			Indexes: []store.Index{
				{Name: "auth_session_token", Columns: []string{"token_hash"}, Unique: true},
				{Name: "auth_session_person", Columns: []string{"person"}},
				{Name: "auth_session_ends", Columns: []string{"ends_at"}}}},
		{Name: "auth_token", Apart: true, Label: "机器令牌", Primary: []string{"id"},
			Columns: append(text("id", "token_hash", "person", "name", "created_at", "ends_at", "last_at", "last_address"),
				store.Column{Name: "scope", Kind: store.JSON}, store.Column{Name: "places", Kind: store.JSON}),
			Indexes: []store.Index{
				{Name: "auth_token_hash", Columns: []string{"token_hash"}, Unique: true},
				{Name: "auth_token_person", Columns: []string{"person"}}}},
		{Name: "auth_factor", Apart: true, Label: "第二因素", Primary: []string{"id"},
			Columns: append(text("id", "person", "kind", "name", "secret", "created_at", "confirmed_at", "last_at"),
				store.Column{Name: "step", Kind: store.Int}),
			Indexes: []store.Index{{Name: "auth_factor_person", Columns: []string{"person"}}}},
		{Name: "auth_identity", Apart: true, Label: "单点登录身份", Primary: []string{"id"},
			Columns: text("id", "issuer", "subject", "person", "created_at", "last_at"),
			Indexes: []store.Index{{Name: "auth_identity_subject", Columns: []string{"issuer", "subject"}, Unique: true},
				{Name: "auth_identity_person", Columns: []string{"person"}}}},
		{Name: "auth_ticket", Apart: true, Label: "一次性凭据", Primary: []string{"id"},
			Columns: append(text("id", "kind", "person", "ends_at"), store.Column{Name: "data", Kind: store.JSON}),
			Indexes: []store.Index{{Name: "auth_ticket_person", Columns: []string{"person"}}, {Name: "auth_ticket_ends", Columns: []string{"ends_at"}}}},
		{Name: "auth_wall", Apart: true, Label: "看板链接", Primary: []string{"id"},
			Columns: text("id", "token_hash", "unit", "name", "created_by", "created_at", "last_at"),
			Indexes: []store.Index{{Name: "auth_wall_hash", Columns: []string{"token_hash"}, Unique: true}}},
		{Name: "auth_link", Apart: true, Label: "外部办理链接", Primary: []string{"id"},
			Columns: text("id", "token_hash", "form", "record", "action", "created_by", "created_at", "ends_at"),
			Indexes: []store.Index{{Name: "auth_link_hash", Columns: []string{"token_hash"}, Unique: true}, {Name: "auth_link_record", Columns: []string{"record"}}, {Name: "auth_link_ends", Columns: []string{"ends_at"}}}},
		{Name: "auth_device", Apart: true, Label: "登录过的设备", Primary: []string{"id"},
			Columns: text("id", "person", "at", "last_at"),
			Indexes: []store.Index{{Name: "auth_device_person", Columns: []string{"person"}}, {Name: "auth_device_last", Columns: []string{"last_at"}}}},
		{Name: "auth_attempt", Apart: true, Label: "登录尝试计数", Primary: []string{"id"},
			Columns: append(text("id", "at", "locked_until"), store.Column{Name: "wrong", Kind: store.Int}),
			Indexes: []store.Index{{Name: "auth_attempt_at", Columns: []string{"at"}}}},
	}
}

// instantForm writes times of one length, so that text compares as time does.
const instantForm = "2006-01-02T15:04:05.000Z"

func instant(t time.Time) string { return t.UTC().Format(instantForm) }

// parse reads a stored instant; zero for NULL.
func parse(v any) time.Time {
	s, _ := v.(string)
	t, _ := time.Parse(instantForm, s)
	return t
}

func str(v any) string {
	s, _ := v.(string)
	return s
}

// secret makes 256 random bits as text that fits a cookie and a header.
func secret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails: it stops the program instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// shortID names a session or token where its secret must not be shown.
func shortID() string {
	var b [9]byte
	_, _ = rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// digest is what is stored of a secret of full entropy: no salt, no stretching needed.
func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// csrfOf derives the token that unsafe requests must repeat in a header. Whoever knows it does not know the
// session token, and it needs no storage and no key that several nodes would have to share.
func csrfOf(token string) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte("zhanggui csrf 1"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:18])
}

// one reads the row of a table where column = value; nil if there is none.
func one(tx *store.Tx, table, column string, value any) (store.Row, error) {
	rows, err := tx.Select(query.Select{Table: table, Alias: "t", Where: query.Eq("t", column, value), Limit: 1})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0], nil
}

// before is the condition column < at.
func before(column string, at time.Time) query.Expr {
	return query.Op{Name: "<", Args: []query.Expr{query.Col{Alias: "t", Name: column}, query.Const{Value: instant(at)}}}
}

// read runs fn in a reading transaction and hands out its value.
func read[V any](ctx context.Context, db *store.DB, fn func(*store.Tx) (V, error)) (V, error) {
	var v V
	err := db.Read(ctx, func(tx *store.Tx) (err error) {
		v, err = fn(tx)
		return err
	})
	return v, err
}
