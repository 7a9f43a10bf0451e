package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"zhanggui/internal/fault"
	"zhanggui/internal/store"
)

const (
	ticketNewKey = "passkey-new"
	ticketKey    = "passkey"
)

// newKeys makes the half of passkeys that stands at the server; nil where browsers allow none: they are bound to
// a host name, and to TLS anywhere but on this machine.
func newKeys(o Options) *webauthn.WebAuthn {
	u, err := url.Parse(o.Base)
	if err != nil || u.Hostname() == "" || net.ParseIP(u.Hostname()) != nil || u.Scheme != "https" && u.Hostname() != "localhost" {
		return nil
	}
	name := o.Company
	if name == "" {
		name = "Zhanggui"
	}
	keys, err := webauthn.New(&webauthn.Config{RPID: u.Hostname(), RPDisplayName: name, RPOrigins: []string{u.Scheme + "://" + u.Host}})
	if err != nil {
		return nil
	}
	return keys
}

// KeyHost is the host passkeys are bound to; "" where there are none.
func (a *Auth) KeyHost() string {
	if a.keys == nil {
		return ""
	}
	return a.keys.Config.RPID
}

func noKeys() error {
	return fault.New(fault.Invalid, "这里用不了通行密钥：还没有设定网址", "There are no passkeys here: no base address is set")
}

// holderOfKeys is a person as the library wants him.
type holderOfKeys struct {
	who  Person
	keys []webauthn.Credential
}

func (h *holderOfKeys) WebAuthnID() []byte                         { return []byte(h.who.ID) }
func (h *holderOfKeys) WebAuthnName() string                       { return h.who.Account }
func (h *holderOfKeys) WebAuthnDisplayName() string                { return h.who.Name }
func (h *holderOfKeys) WebAuthnCredentials() []webauthn.Credential { return h.keys }

func (a *Auth) holderOfKeys(tx *store.Tx, now time.Time, person string) (*holderOfKeys, error) {
	who, err := a.dir.ByID(tx, now, person)
	if err != nil {
		return nil, err
	}
	h := &holderOfKeys{who: who}
	rows, err := a.factors(tx, person)
	for _, r := range rows {
		var k webauthn.Credential
		if str(r["kind"]) != kindPasskey {
			continue
		}
		if err := json.Unmarshal([]byte(str(r["secret"])), &k); err != nil {
			return nil, err
		}
		h.keys = append(h.keys, k)
	}
	return h, err
}

// Challenge is what a browser answers with a passkey. Ticket names it when the answer comes.
type Challenge struct {
	Ticket  string
	Options any // of navigator.credentials, JSON form
}

// life of a challenge.
const challengeLife = 5 * time.Minute

// EnrolPasskey begins a passkey; AddPasskey finishes it.
func (a *Auth) EnrolPasskey(ctx context.Context, now time.Time, person string) (c Challenge, err error) {
	if a.keys == nil {
		return c, noKeys()
	}
	err = a.db.Write(ctx, func(tx *store.Tx) error {
		h, err := a.holderOfKeys(tx, now, person)
		if err != nil {
			return err
		}
		options, session, err := a.keys.BeginRegistration(h, webauthn.WithExclusions(webauthn.Credentials(h.keys).CredentialDescriptors()),
			webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired}))
		if err != nil {
			return err
		}
		c.Options = options.Response
		c.Ticket, err = a.issue(tx, now, ticketNewKey, person, challengeLife, session)
		return err
	})
	return c, err
}

// AddPasskey keeps the passkey a browser made. The other sessions and the tokens of the person end; keep goes on.
func (a *Auth) AddPasskey(ctx context.Context, now time.Time, person, keep, name, ticket string, answer []byte) error {
	if a.keys == nil {
		return noKeys()
	}
	return a.db.Write(ctx, func(tx *store.Tx) error {
		var session webauthn.SessionData
		whose, ok, err := a.redeem(tx, now, ticketNewKey, ticket, &session)
		if err != nil {
			return err
		}
		parsed, bad := protocol.ParseCredentialCreationResponseBytes(answer)
		if !ok || whose != person || bad != nil {
			return fault.Wrap(fault.Invalid, bad, "通行密钥没有建成，请再试一次", "The passkey was not made; try once more")
		}
		h, err := a.holderOfKeys(tx, now, person)
		if err != nil {
			return err
		}
		key, err := a.keys.CreateCredential(h, session, parsed)
		if err != nil {
			return fault.Wrap(fault.Invalid, err, "通行密钥没有建成，请再试一次", "The passkey was not made; try once more")
		}
		b, err := json.Marshal(key)
		if err != nil {
			return err
		}
		if name = strings.TrimSpace(clip(name, 60)); name == "" {
			name = now.In(a.opts.Zone).Format("2006-01-02")
		}
		err = tx.Insert("auth_factor", store.Row{"id": keyID(key.ID), "person": person, "kind": kindPasskey, "name": name, "secret": string(b),
			"created_at": instant(now), "confirmed_at": instant(now), "step": int64(0)})
		if err != nil {
			return err
		}
		return a.factorChanged(tx, person, keep)
	})
}

func keyID(raw []byte) string { return "key-" + digest(string(raw))[:24] }

// AskPasskey makes the challenge of a sign-in, a second factor or a fresh proof by passkey. It asks nobody's name:
// the passkey knows whose it is.
func (a *Auth) AskPasskey(ctx context.Context, now time.Time) (c Challenge, err error) {
	if a.keys == nil {
		return c, noKeys()
	}
	options, session, err := a.keys.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return c, err
	}
	c.Options = options.Response
	err = a.db.Write(ctx, func(tx *store.Tx) (err error) {
		c.Ticket, err = a.issue(tx, now, ticketKey, "", challengeLife, session)
		return err
	})
	return c, err
}

// wrongKey is the one answer to every passkey that does not open: unknown, of somebody who left, or not verified.
func wrongKey(err error) error {
	return fault.Wrap(fault.Unauthenticated, errors.Join(errors.New("passkey refused"), err), "这把通行密钥打不开，请换一种办法登录", "This passkey does not open; sign in another way")
}

// answered tells whose passkey answered a challenge, and uses the challenge up. The caller's transaction must commit
// even where it refuses, so that a challenge is answered once: refused says so beside err.
func (a *Auth) answered(tx *store.Tx, now time.Time, ticket string, answer []byte) (who Person, refused, err error) {
	if a.keys == nil {
		return who, nil, noKeys()
	}
	var session webauthn.SessionData
	_, ok, err := a.redeem(tx, now, ticketKey, ticket, &session)
	if err != nil {
		return who, nil, err
	}
	if !ok {
		return who, wrongKey(nil), nil
	}
	who, _, refused, err = a.opens(tx, now, session, answer)
	return who, refused, err
}

// opens judges an answer to a challenge: whose passkey it is, or refused.
func (a *Auth) opens(tx *store.Tx, now time.Time, session webauthn.SessionData, answer []byte) (who Person, key *webauthn.Credential, refused, err error) {
	parsed, bad := protocol.ParseCredentialRequestResponseBytes(answer)
	if bad != nil {
		return who, nil, wrongKey(bad), nil
	}
	var h *holderOfKeys
	var broken error
	_, key, bad = a.keys.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
		if h, broken = a.holderOfKeys(tx, now, string(handle)); broken != nil {
			return nil, broken
		}
		return h, nil
	}, session, parsed)
	switch {
	case broken != nil:
		return who, nil, nil, broken
	case bad != nil:
		return who, nil, wrongKey(bad), nil
	case key.Authenticator.CloneWarning:
		return who, nil, wrongKey(errors.New("the counter went back: a copy of the passkey may exist")), nil
	}
	account, who, err := a.holder(tx, now, h.who.ID)
	if err != nil {
		return who, nil, nil, err
	}
	if account == nil || closed(who, account, now) {
		return who, nil, wrongKey(nil), nil
	}
	b, err := json.Marshal(key)
	if err != nil {
		return who, nil, nil, err
	}
	n, err := tx.Update("auth_factor", store.Row{"id": keyID(key.ID), "person": who.ID}, store.Row{"secret": string(b), "last_at": instant(now)})
	if err == nil && n == 0 {
		refused = wrongKey(nil)
	}
	return who, key, refused, err
}

// SigninPasskey opens a session by passkey alone. It is two factors in one: what one has, and the finger or number
// that unlocks it, which is demanded.
func (a *Auth) SigninPasskey(ctx context.Context, now time.Time, ticket string, answer []byte, agent, address string) (Session, error) {
	return a.byKey(ctx, now, ticket, answer, func(tx *store.Tx, who Person) (Session, error) {
		return a.open(tx, now, who, agent, address, true)
	})
}

// SecondPasskey gives the second factor of a session that owes one by passkey.
func (a *Auth) SecondPasskey(ctx context.Context, now time.Time, p Principal, ticket string, answer []byte, agent, address string) (Session, error) {
	return a.byKey(ctx, now, ticket, answer, func(tx *store.Tx, who Person) (Session, error) {
		if who.ID != p.Person {
			return Session{}, wrongKey(errors.New("another's passkey"))
		}
		return a.paid(tx, now, p, agent, address)
	})
}

// ConfirmPasskey is Confirm by passkey.
func (a *Auth) ConfirmPasskey(ctx context.Context, now time.Time, p Principal, ticket string, answer []byte) (Session, error) {
	return a.byKey(ctx, now, ticket, answer, func(tx *store.Tx, who Person) (Session, error) {
		if who.ID != p.Person {
			return Session{}, wrongKey(errors.New("another's passkey"))
		}
		return a.renew(tx, now, p)
	})
}

func (a *Auth) byKey(ctx context.Context, now time.Time, ticket string, answer []byte, then func(*store.Tx, Person) (Session, error)) (s Session, err error) {
	var refused error
	err = a.db.Write(ctx, func(tx *store.Tx) error {
		var who Person
		var err error
		who, refused, err = a.answered(tx, now, ticket, bytes.TrimSpace(answer))
		if err != nil || refused != nil {
			return err
		}
		s, err = then(tx, who)
		if fault.KindOf(err) == fault.Unauthenticated {
			refused, err = err, nil
		}
		return err
	})
	if err == nil {
		err = refused
	}
	return s, err
}
