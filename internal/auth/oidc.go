package auth

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// OIDC names the company's identity provider. Without an issuer there is no single sign-on.
type OIDC struct {
	Issuer, Client, Secret string
	Label                  string // what the button says: "企业微信"
}

const (
	ticketFlow = "oidc"
	flowLife   = 10 * time.Minute
	// CallbackPath is where the provider sends browsers back to.
	CallbackPath = "/api/oidc/callback"
)

// sso is a client of one identity provider. The provider is asked who it is when it is first needed: one that is
// away must not keep the house closed.
type sso struct {
	conf   OIDC
	back   string
	client *http.Client

	mu       sync.Mutex
	provider *oidc.Provider
}

func newSSO(o Options) *sso {
	if o.OIDC.Issuer == "" || o.Base == "" {
		return nil
	}
	return &sso{conf: o.OIDC, back: strings.TrimSuffix(o.Base, "/") + CallbackPath, client: &http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("the provider redirects") },
	}}
}

// signatures a provider may use: by its own key only. HS256 would make our secret, or its public key, a forger's tool.
var signatures = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA}

func (s *sso) reach(ctx context.Context) (*oidc.Provider, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.provider != nil {
		return s.provider, nil
	}
	// The keys are asked for later too, long after this request has ended.
	p, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), s.client), s.conf.Issuer)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "公司登录现在连不上，请用密码登录", "The company's sign-on cannot be reached now; sign in by password")
	}
	s.provider = p
	return p, nil
}

func (s *sso) oauth(p *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{ClientID: s.conf.Client, ClientSecret: s.conf.Secret, Endpoint: p.Endpoint(), RedirectURL: s.back, Scopes: []string{oidc.ScopeOpenID}}
}

// SingleSignOn is the name of the company's sign-on; "" where there is none.
func (a *Auth) SingleSignOn() string {
	switch {
	case a.sso == nil:
		return ""
	case a.sso.conf.Label == "":
		return "OpenID"
	}
	return a.sso.conf.Label
}

// flow is what is remembered while a browser is at the provider.
type flow struct {
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
	Return   string `json:"return"`
	Session  string `json:"session"` // of who links his identity; "" for a sign-in
}

// StartSSO begins a sign-in at the company's provider, or, with a signed-in principal, the linking of an identity to
// him. State is both the ticket and what binds the way back to this browser: it goes into a cookie.
func (a *Auth) StartSSO(ctx context.Context, now time.Time, p Principal, back string) (address, state string, err error) {
	if a.sso == nil {
		return "", "", noSSO()
	}
	provider, err := a.sso.reach(ctx)
	if err != nil {
		return "", "", err
	}
	f := flow{Nonce: secret(), Verifier: oauth2.GenerateVerifier(), Return: OwnPath(back), Session: p.Session}
	err = a.db.Write(ctx, func(tx *store.Tx) (err error) {
		state, err = a.issue(tx, now, ticketFlow, p.Person, flowLife, f)
		return err
	})
	return a.sso.oauth(provider).AuthCodeURL(state, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), state, err
}

func noSSO() error {
	return fault.New(fault.NotFound, "这里没有公司登录", "There is no company sign-on here")
}

// Unlinked is the cause when the provider knows somebody whom nobody has linked to a person here.
type Unlinked struct{ Subject string }

func (e *Unlinked) Error() string { return "no person is linked to this identity" }

// FinishSSO takes what the provider sent back. cookie is the state the browser kept. The session has no Token where an
// identity was linked instead.
func (a *Auth) FinishSSO(ctx context.Context, now time.Time, state, cookie, code, session, agent, address string) (s Session, back string, err error) {
	if a.sso == nil {
		return s, "/", noSSO()
	}
	no := func(err error) error {
		return fault.Wrap(fault.Unauthenticated, errors.Join(errors.New("single sign-on refused"), err), "公司登录没有成功，请再试一次", "The company's sign-on did not succeed; try once more")
	}
	if state == "" || digest(state) != digest(cookie) {
		return s, "/", no(errors.New("the way back belongs to another browser"))
	}
	var f flow
	var person string
	var ok bool
	err = a.db.Write(ctx, func(tx *store.Tx) (err error) {
		person, ok, err = a.redeem(tx, now, ticketFlow, state, &f)
		return err
	})
	if err != nil {
		return s, "/", err
	}
	if !ok {
		return s, "/", no(errors.New("state unknown, used or lapsed"))
	}
	back = f.Return
	subject, err := a.sso.subject(ctx, a.watch(now), code, f)
	if err != nil {
		return s, back, no(err)
	}
	if f.Session != "" {
		if f.Session != session {
			return s, back, no(errors.New("another session than the one that asked for the link"))
		}
		s.Person = person
		return s, back, a.db.Write(ctx, func(tx *store.Tx) error { return a.link(tx, now, person, subject) })
	}
	err = a.db.Write(ctx, func(tx *store.Tx) error {
		rows, err := tx.Select(query.Select{Table: "auth_identity", Alias: "t", Limit: 1,
			Where: query.And(query.Eq("t", "issuer", a.sso.conf.Issuer), query.Eq("t", "subject", subject))})
		if err != nil {
			return err
		}
		unknown := fault.Wrap(fault.Unauthenticated, &Unlinked{subject}, "这个公司账号还没有和本系统的人对上。请先用密码登录，在“登录与安全”里关联，或请管理员关联",
			"This company account is not linked to anybody here. Sign in by password and link it under “Sign-in and security”, or ask an administrator")
		if len(rows) == 0 {
			return unknown
		}
		account, who, err := a.holder(tx, now, str(rows[0]["person"]))
		if err != nil {
			return err
		}
		if account == nil || closed(who, account, now) {
			return unknown
		}
		if _, err := tx.Update("auth_identity", store.Row{"id": rows[0]["id"]}, store.Row{"last_at": instant(now)}); err != nil {
			return err
		}
		s, err = a.open(tx, now, who, agent, address, false)
		return err
	})
	return s, back, err
}

// subject exchanges the code and verifies who the provider says it is. Nothing else of the token is used: names and
// mail addresses there link nobody.
func (s *sso) subject(ctx context.Context, now time.Time, code string, f flow) (string, error) {
	provider, err := s.reach(ctx)
	if err != nil {
		return "", err
	}
	ctx = oidc.ClientContext(ctx, s.client)
	token, err := s.oauth(provider).Exchange(ctx, code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return "", err
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := provider.VerifierContext(ctx, &oidc.Config{ClientID: s.conf.Client, SupportedSigningAlgs: signatures, Now: func() time.Time { return now }}).Verify(ctx, raw)
	switch {
	case err != nil:
		return "", err
	case id.Nonce != f.Nonce:
		return "", errors.New("the nonce is another's")
	case id.Subject == "":
		return "", errors.New("no subject")
	}
	return id.Subject, nil
}

// Identity is a company account linked to a person.
type Identity struct {
	ID, Subject string
	At, Last    time.Time
}

// LinkIdentity links a company account to a person: an administrator's way, for who has no password yet.
func (a *Auth) LinkIdentity(ctx context.Context, now time.Time, person, subject string) error {
	if a.sso == nil {
		return noSSO()
	}
	if subject = strings.TrimSpace(subject); subject == "" {
		return fault.At("subject", "请填公司账号的标识（sub）", "Give the identifier (sub) of the company account")
	}
	return a.db.Write(ctx, func(tx *store.Tx) error { return a.link(tx, now, person, subject) })
}

func (a *Auth) link(tx *store.Tx, now time.Time, person, subject string) error {
	id := digest(a.sso.conf.Issuer + "\x00" + subject)[:32]
	row, err := one(tx, "auth_identity", "id", id)
	if err != nil {
		return err
	}
	switch {
	case row != nil && str(row["person"]) == person:
		return nil
	case row != nil:
		return fault.New(fault.Conflict, "这个公司账号已经关联了别人", "This company account is linked to somebody else")
	}
	account, who, err := a.holder(tx, now, person)
	if err != nil {
		return err
	}
	if closed(who, account, now) {
		return fault.Missing("person", person)
	}
	if account == nil {
		if err := tx.Insert("auth_account", store.Row{"person": person, "hash": "", "created_at": instant(now), "changed_at": instant(now), "must_change": false, "history": "[]"}); err != nil {
			return err
		}
	}
	return tx.Insert("auth_identity", store.Row{"id": id, "issuer": a.sso.conf.Issuer, "subject": subject, "person": person, "created_at": instant(now)})
}

// Identities shows the company accounts linked to a person.
func (a *Auth) Identities(ctx context.Context, person string) ([]Identity, error) {
	return read(ctx, a.db, func(tx *store.Tx) ([]Identity, error) {
		rows, err := tx.Select(query.Select{Table: "auth_identity", Alias: "t", Where: query.Eq("t", "person", person),
			Order: []query.Order{{Expr: query.Col{Alias: "t", Name: "created_at"}}, {Expr: query.Col{Alias: "t", Name: "id"}}}})
		var list []Identity
		for _, r := range rows {
			list = append(list, Identity{str(r["id"]), str(r["subject"]), parse(r["created_at"]), parse(r["last_at"])})
		}
		return list, err
	})
}

// Unlink takes a company account from a person. His other sessions end; keep goes on.
func (a *Auth) Unlink(ctx context.Context, person, keep, id string) error {
	return a.db.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Delete("auth_identity", query.And(query.Eq("t", "id", id), query.Eq("t", "person", person)))
		if err == nil && n == 0 {
			err = fault.Missing("identity", id)
		}
		if err != nil {
			return err
		}
		return a.factorChanged(tx, person, keep)
	})
}

// OwnPath lets through a path of our own origin and nothing else: no host, no scheme, no backslash that browsers read
// as a slash, no sign they drop.
func OwnPath(s string) string {
	if !strings.HasPrefix(s, "/") || len(s) > 2000 || strings.HasPrefix(s, "//") || strings.ContainsAny(s, "\\\r\n\t\x00") {
		return "/"
	}
	// An encoded slash at the beginning may be decoded by somebody between.
	if low := strings.ToLower(s); strings.HasPrefix(low, "/%2f") || strings.HasPrefix(low, "/%5c") {
		return "/"
	}
	return s
}
