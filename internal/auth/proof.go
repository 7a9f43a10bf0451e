package auth

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// A proof of a decision says that its person was asked who he is over exactly one content, and said yes. It is kept for the
// session that gave it, one a decision, until the act takes it away or it grows old. It makes nothing else fresh.

const ticketProof = "proof"

// decided is what a proof may be given for: the decision and the digest of its content, as the engine names them.
var decided = regexp.MustCompile(`^[0-9a-f]{32}\.[0-9a-f]{64}$`)

// proofKept is what is kept of a proof.
type proofKept struct {
	Session string         `json:"session"`
	Content string         `json:"content"`
	How     map[string]any `json:"how"`
}

func judgeDecided(of string) error {
	if !decided.MatchString(of) {
		return fault.At("for", "没有说明确认的是哪一件", "It does not say what is proved")
	}
	return nil
}

// ProveFor keeps that a signed-in person gave his password for a decision, and besides it a one-time code or recovery code if he
// has a second factor of that kind.
func (a *Auth) ProveFor(ctx context.Context, now time.Time, p Principal, of, password, code, address string) error {
	if err := judgeDecided(of); err != nil {
		return err
	}
	means, err := a.Means(ctx, p.Person)
	if err != nil {
		return err
	}
	coded := slices.Contains(means, kindCode)
	if coded && strings.TrimSpace(code) == "" {
		return fault.At("code", "请同时填验证器显示的一次性口令", "Give the one-time code of your authenticator app as well")
	}
	if err := a.again(ctx, now, p.Person, password, address); err != nil {
		return err
	}
	left, right := 0, true
	err = a.db.Write(ctx, func(tx *store.Tx) (err error) {
		right = true
		how := map[string]any{"means": "password"}
		if coded {
			if left, err = a.tryFactor(tx, now, p.Person); err != nil {
				return err
			}
			if right, err = a.useCode(tx, now, p.Person, code); err != nil || !right {
				return err
			}
			how["means"] = "password and code"
		}
		return a.keepProof(tx, now, p, of, how)
	})
	if err == nil && !right {
		err = a.wrongCode(now, left)
	}
	return err
}

// bound is a passkey's challenge for a decision: Nonce and For make the challenge, so that the answer proves both.
type bound struct {
	Person  string               `json:"person"`
	For     string               `json:"for"`
	Nonce   string               `json:"nonce"`
	Session webauthn.SessionData `json:"session"`
}

const ticketBound = "passkey-for"

// AskPasskeyFor makes the challenge of a proof by passkey of one decision: SHA-256 of "zhanggui decision 1", the decision and a
// nonce, parted by line feeds. Whoever has the entry of the journal can compute it and verify what the passkey signed.
func (a *Auth) AskPasskeyFor(ctx context.Context, now time.Time, p Principal, of string) (c Challenge, err error) {
	if err := judgeDecided(of); err != nil {
		return c, err
	}
	if a.keys == nil {
		return c, noKeys()
	}
	nonce := secret()
	sum := sha256.Sum256([]byte("zhanggui decision 1\n" + of + "\n" + nonce))
	options, session, err := a.keys.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired),
		func(o *protocol.PublicKeyCredentialRequestOptions) error { o.Challenge = sum[:]; return nil })
	if err != nil {
		return c, err
	}
	c.Options = options.Response
	err = a.db.Write(ctx, func(tx *store.Tx) (err error) {
		c.Ticket, err = a.issue(tx, now, ticketBound, p.Person, challengeLife, bound{p.Person, of, nonce, *session})
		return err
	})
	return c, err
}

// ProveForPasskey keeps a proof of the decision that the challenge of ticket was made for.
func (a *Auth) ProveForPasskey(ctx context.Context, now time.Time, p Principal, ticket string, answer []byte) error {
	var refused error
	err := a.db.Write(ctx, func(tx *store.Tx) error {
		var b bound
		_, ok, err := a.redeem(tx, now, ticketBound, ticket, &b)
		if err != nil {
			return err
		}
		if !ok || b.Person != p.Person {
			refused = wrongKey(errors.New("no such challenge"))
			return nil
		}
		var who Person
		var key *webauthn.Credential
		if who, key, refused, err = a.opens(tx, now, b.Session, bytes.TrimSpace(answer)); err != nil || refused != nil {
			return err
		}
		if who.ID != p.Person {
			refused = wrongKey(errors.New("another's passkey"))
			return nil
		}
		var said struct {
			Response struct{ ClientDataJSON, AuthenticatorData, Signature string }
		}
		if err := json.Unmarshal(answer, &said); err != nil {
			return err
		}
		return a.keepProof(tx, now, p, b.For, map[string]any{"means": "passkey", "nonce": b.Nonce, "client_data": said.Response.ClientDataJSON,
			"authenticator_data": said.Response.AuthenticatorData, "signature": said.Response.Signature, "public_key": base64.RawURLEncoding.EncodeToString(key.PublicKey)})
	})
	if err == nil {
		err = refused
	}
	return err
}

// proofID is where the proof of a decision by a session is kept; there is one.
func proofID(session, decision string) string {
	sum := sha256.Sum256([]byte(ticketProof + "\x00" + session + "\x00" + decision))
	return hex.EncodeToString(sum[:])
}

func (a *Auth) keepProof(tx *store.Tx, now time.Time, p Principal, of string, how map[string]any) error {
	decision, content, _ := strings.Cut(of, ".")
	id := proofID(p.Session, decision)
	if _, err := tx.Delete("auth_ticket", query.Eq("t", "id", id)); err != nil {
		return err
	}
	how["at"] = instant(now)
	b, err := json.Marshal(proofKept{p.Session, content, how})
	if err != nil {
		return err
	}
	return tx.Insert("auth_ticket", store.Row{"id": id, "kind": ticketProof, "person": p.Person, "ends_at": instant(now.Add(a.opts.Fresh)), "data": string(b)})
}

// ErrOtherContent says that there is a proof of the decision, but for what it said before.
var ErrOtherContent = errors.New("the proof was given for other content")

// Prover answers what takes away the proof of a decision that a principal gave, inside the act it was given for; nil where no proof
// need be fresh. A machine, and whoever has no session, has none to give.
func (a *Auth) Prover(now time.Time, p Principal) func(tx *store.Tx, of string) (map[string]any, error) {
	if a.opts.Fresh <= 0 {
		return nil
	}
	return func(tx *store.Tx, of string) (map[string]any, error) {
		if p.Session == "" {
			return nil, fault.New(fault.Forbidden, "这件事要本人在页面上逐件确认，令牌和成批办理都不行", "Each of these must be confirmed by the person himself on the page, not by a machine token and not in bulk")
		}
		decision, content, _ := strings.Cut(of, ".")
		row, err := one(tx, "auth_ticket", "id", proofID(p.Session, decision))
		if err != nil {
			return nil, err
		}
		var kept proofKept
		if row != nil {
			if err := json.Unmarshal([]byte(str(row["data"])), &kept); err != nil {
				return nil, err
			}
		}
		switch {
		case row == nil || str(row["person"]) != p.Person || !parse(row["ends_at"]).After(now):
			return nil, fault.Again()
		case kept.Content != content:
			return nil, fault.Wrap(fault.Stale, ErrOtherContent, "你确认之后内容变了，刚才的确认不算数：请看过现在的内容，再确认一次", "The content changed after you confirmed it, so that no longer counts: look at what it says now and confirm once more")
		}
		n, err := tx.Delete("auth_ticket", query.Eq("t", "id", row["id"]))
		if err == nil && n != 1 {
			err = fault.Again() // another request used it meanwhile
		}
		return kept.How, err
	}
}
