package auth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"zhanggui/internal/auth"
	"zhanggui/internal/fault"
)

// provider is a small OpenID provider: discovery, keys and tokens, with PKCE and codes that are good once. What a hostile
// one, or somebody between, would send instead is set by a test.
type provider struct {
	t   *testing.T
	srv *httptest.Server
	key *rsa.PrivateKey
	now time.Time

	mu     sync.Mutex
	grants map[string]grantOf // by code
	forge  func(head, claims map[string]any) string
}

type grantOf struct{ challenge, nonce, redirect, sub string }

func newProvider(t *testing.T) *provider {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{t: t, key: key, grants: map[string]grantOf{}, now: start}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": p.srv.URL, "authorization_endpoint": p.srv.URL + "/authorize", "token_endpoint": p.srv.URL + "/token",
			"jwks_uri": p.srv.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"}})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]any{"kty": "RSA", "kid": "k1", "use": "sig", "alg": "RS256",
			"n": b64(p.key.N.Bytes()), "e": b64(big.NewInt(int64(p.key.E)).Bytes())}}})
	})
	mux.HandleFunc("/token", p.token)
	p.srv = httptest.NewServer(mux)
	t.Cleanup(p.srv.Close)
	return p
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// authorize is what happens at the provider: somebody signs in there and comes back with a code.
func (p *provider) authorize(address, sub string) (state, code string) {
	p.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		p.t.Fatal(err)
	}
	q := u.Query()
	if q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Get("nonce") == "" || q.Get("state") == "" || q.Get("client_id") != "zg" || q.Get("scope") != "openid" {
		p.t.Fatal("asked for ", address)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	code = rand.Text()
	p.grants[code] = grantOf{q.Get("code_challenge"), q.Get("nonce"), q.Get("redirect_uri"), sub}
	return q.Get("state"), code
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	code := r.FormValue("code")
	g, ok := p.grants[code]
	delete(p.grants, code)
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	id, secret, _ := r.BasicAuth()
	if !ok || b64(sum[:]) != g.challenge || r.FormValue("redirect_uri") != g.redirect || id != "zg" || secret != "hush" {
		http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
		return
	}
	head := map[string]any{"alg": "RS256", "kid": "k1", "typ": "JWT"}
	claims := map[string]any{"iss": p.srv.URL, "sub": g.sub, "aud": "zg", "exp": p.now.Add(5 * time.Minute).Unix(), "iat": p.now.Unix(), "nonce": g.nonce,
		"email": "limin@ht.example", "email_verified": true, "preferred_username": "li", "name": "李敏"}
	token := ""
	if p.forge != nil {
		token = p.forge(head, claims)
	}
	if token == "" {
		token = p.sign(head, claims)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "x", "token_type": "Bearer", "expires_in": 300, "id_token": token})
}

func body(head, claims map[string]any) string {
	h, _ := json.Marshal(head)
	c, _ := json.Marshal(claims)
	return b64(h) + "." + b64(c)
}

func (p *provider) sign(head, claims map[string]any) string {
	text := body(head, claims)
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, p.key, crypto.SHA256, sum[:])
	if err != nil {
		p.t.Error(err)
	}
	return text + "." + b64(sig)
}

// sso is a house with a provider.
func sso(t *testing.T, dsn string) (*bundle, *provider) {
	p := newProvider(t)
	b := setup(t, dsn, auth.Options{Base: "http://localhost:8080", Key: sealing, OIDC: auth.OIDC{Issuer: p.srv.URL, Client: "zg", Secret: "hush", Label: "企业微信"}})
	return b, p
}

// through goes to the provider as sub and comes back.
func (b *bundle) through(p *provider, who auth.Principal, sub, back string) (auth.Session, string, error) {
	b.Helper()
	address, state, err := b.StartSSO(ctx, start, who, back)
	if err != nil {
		b.Fatal(err)
	}
	got, code := p.authorize(address, sub)
	return b.FinishSSO(ctx, start, got, state, code, who.Session, "test", "10.0.0.1")
}

// linked links sub to li as li himself does.
func (b *bundle) linked(p *provider, sub string) auth.Principal {
	b.Helper()
	who, err := b.Check(ctx, start, b.must(start, "li").Token)
	if err != nil {
		b.Fatal(err)
	}
	if s, _, err := b.through(p, who, sub, ""); err != nil || s.Token != "" {
		b.Fatal(s, err)
	}
	return who
}

func TestSSO(t *testing.T) {
	b, p := sso(t, "sqlite::memory:")
	if b.SingleSignOn() != "企业微信" {
		t.Error(b.SingleSignOn())
	}
	var unlinked *auth.Unlinked
	// The provider's li@, with our li's own mail address and account name, is nobody here until li says so.
	if _, _, err := b.through(p, auth.Principal{}, "sub-1", ""); !errors.As(err, &unlinked) || unlinked.Subject != "sub-1" {
		t.Fatal(err)
	}
	b.linked(p, "sub-1")
	s, back, err := b.through(p, auth.Principal{}, "sub-1", "/record/x/1?tab=2")
	if err != nil || s.Person != "p1" || s.Token == "" || back != "/record/x/1?tab=2" {
		t.Fatal(s, back, err)
	}
	if q, err := b.Check(ctx, start, s.Token); err != nil || q.Person != "p1" {
		t.Fatal(q, err)
	}
	if _, _, err := b.through(p, auth.Principal{}, "sub-2", ""); !errors.As(err, &unlinked) {
		t.Fatal("a changed subject opens", err)
	}
	// Somebody else cannot take it, nor an administrator give it to another.
	ma, err := b.Check(ctx, start, b.must(start, "ma").Token)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = b.through(p, ma, "sub-1", "")
	b.refused(err, fault.Conflict)
	b.refused(b.LinkIdentity(ctx, start, "p2", "sub-1"), fault.Conflict)
	// zhou has no password at all: an administrator links him.
	if err := b.LinkIdentity(ctx, start, "p3", "sub-3"); err != nil {
		t.Fatal(err)
	}
	if s, _, err := b.through(p, auth.Principal{}, "sub-3", ""); err != nil || s.Person != "p3" {
		t.Fatal(s, err)
	}
	// His second factor is asked for all the same.
	b.enrolled("p3", "")
	if s, _, err := b.through(p, auth.Principal{}, "sub-3", ""); err != nil || len(s.Owes) == 0 {
		t.Fatal(s, err)
	}
	b.house.set(auth.Person{ID: "p3", Account: "zhou", Name: "周岚"})
	if _, _, err := b.through(p, auth.Principal{}, "sub-3", ""); !errors.As(err, &unlinked) {
		t.Fatal("a leaver comes in by the company's sign-on", err)
	}
	list, err := b.Identities(ctx, "p1")
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	b.refused(b.Unlink(ctx, "p2", "", list[0].ID), fault.NotFound)
	if err := b.Unlink(ctx, "p1", "", list[0].ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Check(ctx, start, s.Token); err == nil {
		t.Fatal("a session outlived the link it came by")
	}
	if _, _, err := b.through(p, auth.Principal{}, "sub-1", ""); !errors.As(err, &unlinked) {
		t.Fatal("an unlinked identity opens", err)
	}
}

// Ensure that nothing but what the provider signed, for us, now, for this browser's question, opens (A16).
func TestSSO_Forged(t *testing.T) {
	b, p := sso(t, "sqlite::memory:")
	b.linked(p, "sub-1")
	before := b.dump("auth_session", "auth_identity", "auth_account")
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&p.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	set := func(k string, v any) func(head, claims map[string]any) string {
		return func(_, claims map[string]any) string {
			claims[k] = v
			return ""
		}
	}
	hs := func(key []byte) func(head, claims map[string]any) string {
		return func(head, claims map[string]any) string {
			head["alg"] = "HS256"
			text := body(head, claims)
			mac := hmac.New(sha256.New, key)
			mac.Write([]byte(text))
			return text + "." + b64(mac.Sum(nil))
		}
	}
	for name, forge := range map[string]func(head, claims map[string]any) string{
		"ErrIssuer":        set("iss", "https://evil.example"),
		"ErrAudience":      set("aud", "another"),
		"ErrNoAudience":    set("aud", nil),
		"ErrExpired":       set("exp", start.Add(-time.Second).Unix()),
		"ErrNonce":         set("nonce", "replayed"),
		"ErrNoNonce":       set("nonce", nil),
		"ErrNoSubject":     set("sub", ""),
		"ErrNone":          func(head, claims map[string]any) string { head["alg"] = "none"; return body(head, claims) + "." },
		"ErrNoSignature":   func(head, claims map[string]any) string { return body(head, claims) + "." },
		"ErrPublicKeyHMAC": hs(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
		"ErrSecretHMAC":    hs([]byte("hush")),
		"ErrForeignKey": func(head, claims map[string]any) string {
			q := &provider{t: t, key: other}
			return q.sign(head, claims)
		},
		"ErrUnknownKidWithJku": func(head, claims map[string]any) string {
			head["kid"], head["jku"] = "k2", "https://evil.example/keys"
			q := &provider{t: t, key: other}
			return q.sign(head, claims)
		},
		"ErrOwnKeyInHeader": func(head, claims map[string]any) string {
			k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			head["alg"], head["jwk"] = "ES256", map[string]any{"kty": "EC", "crv": "P-256", "x": b64(k.X.Bytes()), "y": b64(k.Y.Bytes())}
			text := body(head, claims)
			sum := sha256.Sum256([]byte(text))
			r, s, err := ecdsa.Sign(rand.Reader, k, sum[:])
			if err != nil {
				t.Fatal(err)
			}
			return text + "." + b64(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
		},
	} {
		t.Run(name, func(t *testing.T) {
			p.forge = func(head, claims map[string]any) string { return forge(maps.Clone(head), claims) }
			defer func() { p.forge = nil }()
			s, _, err := b.through(p, auth.Principal{}, "sub-1", "")
			b.refused(err, fault.Unauthenticated)
			if s.Token != "" || b.dump("auth_session", "auth_identity", "auth_account") != before {
				t.Error("something was opened or changed")
			}
		})
	}
	finish := func(state, cookie, code string) error {
		_, _, err := b.FinishSSO(ctx, start, state, cookie, code, "", "test", "10.0.0.1")
		return err
	}
	begin := func() (state, code string) {
		address, _, err := b.StartSSO(ctx, start, auth.Principal{}, "")
		if err != nil {
			t.Fatal(err)
		}
		return p.authorize(address, "sub-1")
	}
	t.Run("ErrOtherBrowser", func(t *testing.T) {
		mine, _ := begin()
		his, code := begin()
		b.refused(finish(his, mine, code), fault.Unauthenticated)
		b.refused(finish(his, "", code), fault.Unauthenticated)
		b.refused(finish("", "", code), fault.Unauthenticated)
	})
	t.Run("ErrReplayed", func(t *testing.T) {
		state, code := begin()
		if err := finish(state, state, code); err != nil {
			t.Fatal(err)
		}
		b.refused(finish(state, state, code), fault.Unauthenticated)
		next, _ := begin()
		b.refused(finish(next, next, code), fault.Unauthenticated) // the used code with a fresh state
		// A code that was got for another question: its verifier is another.
		one, _ := begin()
		_, stolen := begin()
		b.refused(finish(one, one, stolen), fault.Unauthenticated)
	})
	t.Run("ErrLate", func(t *testing.T) {
		state, code := begin()
		_, _, err := b.FinishSSO(ctx, start.Add(10*time.Minute), state, state, code, "", "test", "10.0.0.1")
		b.refused(err, fault.Unauthenticated)
	})
	t.Run("ErrLinkFromOtherSession", func(t *testing.T) {
		who, err := b.Check(ctx, start, b.must(start, "ma").Token)
		if err != nil {
			t.Fatal(err)
		}
		address, state, err := b.StartSSO(ctx, start, who, "")
		if err != nil {
			t.Fatal(err)
		}
		_, code := p.authorize(address, "sub-9")
		_, _, err = b.FinishSSO(ctx, start, state, state, code, "another", "test", "10.0.0.1")
		b.refused(err, fault.Unauthenticated)
		if list, _ := b.Identities(ctx, "p2"); len(list) != 0 {
			t.Error("it was linked", list)
		}
	})
}

// Ensure that a provider that is away keeps nobody from his password, and is asked again when it is back.
func TestSSO_Away(t *testing.T) {
	b := setup(t, "sqlite::memory:", auth.Options{Base: "http://localhost:8080", OIDC: auth.OIDC{Issuer: "http://127.0.0.1:1", Client: "zg"}})
	_, _, err := b.StartSSO(ctx, start, auth.Principal{}, "")
	b.refused(err, fault.Unavailable)
	b.must(start, "li")
	none := setup(t, "sqlite::memory:", auth.Options{})
	_, _, err = none.StartSSO(ctx, start, auth.Principal{}, "")
	none.refused(err, fault.NotFound)
}

// Ensure that one comes back to our own pages and to nothing else (A17).
func TestOwnPath(t *testing.T) {
	for in, want := range map[string]string{"/": "/", "/record/x/1?a=b#c": "/record/x/1?a=b#c", "": "/", "//evil.example": "/", `/\evil.example`: "/", `\\evil`: "/", "https:evil.example": "/",
		"https://own@evil.example": "/", "https://evil.example": "/", "/%2f%2fevil.example": "/", "/%2Fevil": "/", "/%5cevil": "/", "%2f%2fevil": "/", "javascript:alert(1)": "/", "/\t/evil": "/",
		"/\n/evil": "/", " //evil": "/", "record": "/"} {
		if got := auth.OwnPath(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}
