package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/crypto/argon2"

	"zhanggui/internal/fault"
)

// cost is what one password costs, by OWASP's table: 19 MiB, two passes, one lane. A stored hash of
// another cost still works and is replaced at the next sign-in.
type cost struct {
	memory, passes uint32
	lanes          uint8
}

var wanted = cost{memory: 19 * 1024, passes: 2, lanes: 1}

const (
	saltLength = 16
	keyLength  = 32
)

// hasher bounds how many passwords are computed at once: each takes 19 MiB, and a flood of sign-ins
// must not take the memory of the clerks who are already inside.
type hasher struct {
	seats   chan struct{}
	waiting atomic.Int32
	matched atomic.Int64 // how often one was compared, at full cost
	dummy   string
}

// maxWaiting is how many may stand in line for a seat; the next one is told to come later.
const maxWaiting = 64

func newHasher(n int) *hasher {
	h := &hasher{seats: make(chan struct{}, n)}
	h.dummy = encode(wanted, make([]byte, saltLength), make([]byte, keyLength))
	return h
}

// seat waits for leave to compute.
func (h *hasher) seat(ctx context.Context) (func(), error) {
	if h.waiting.Add(1) > maxWaiting {
		h.waiting.Add(-1)
		return nil, fault.New(fault.TooMany, "登录的人太多，请稍后再试", "Too many people are signing in, try again in a moment")
	}
	defer h.waiting.Add(-1)
	select {
	case h.seats <- struct{}{}:
		return func() { <-h.seats }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// make computes the PHC string of a new password. The caller holds a seat.
func (h *hasher) make(password string) string {
	salt := make([]byte, saltLength)
	_, _ = rand.Read(salt)
	key := argon2.IDKey([]byte(password), salt, wanted.passes, wanted.memory, wanted.lanes, keyLength)
	return encode(wanted, salt, key)
}

// match tells whether password is the one of the PHC string. An empty string stands for nobody's password: the
// work is done all the same, so that the time tells nothing. The caller holds a seat.
func (h *hasher) match(phc, password string) (bool, error) {
	nobody := phc == ""
	if nobody {
		phc = h.dummy
	}
	c, salt, key, err := decode(phc)
	if err != nil {
		return false, err
	}
	h.matched.Add(1)
	got := argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.lanes, uint32(len(key)))
	return subtle.ConstantTimeCompare(got, key) == 1 && !nobody, nil
}

// stale tells whether a hash was made at another cost than is wanted today.
func stale(phc string) bool {
	c, _, _, err := decode(phc)
	return err != nil || c != wanted
}

func encode(c cost, salt, key []byte) string {
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.passes, c.lanes,
		b.EncodeToString(salt), b.EncodeToString(key))
}

func decode(phc string) (c cost, salt, key []byte, err error) {
	bad := func(what string) (cost, []byte, []byte, error) {
		return cost{}, nil, nil, fmt.Errorf("auth: stored password: %s", what)
	}
	part := strings.Split(phc, "$")
	if len(part) != 6 || part[0] != "" || part[1] != "argon2id" {
		return bad("not an argon2id PHC string")
	}
	var version int
	if _, err := fmt.Sscanf(part[2], "v=%d", &version); err != nil || version != argon2.Version {
		return bad("unknown version")
	}
	if _, err := fmt.Sscanf(part[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.lanes); err != nil {
		return bad("unreadable cost")
	}
	// A row somebody planted must not make the server compute for an hour.
	if c.memory < 8 || c.memory > 1<<20 || c.passes < 1 || c.passes > 16 || c.lanes < 1 || c.lanes > 16 {
		return bad("cost out of bounds")
	}
	if salt, err = base64.RawStdEncoding.DecodeString(part[4]); err != nil || len(salt) < 8 {
		return bad("unreadable salt")
	}
	if key, err = base64.RawStdEncoding.DecodeString(part[5]); err != nil || len(key) < 16 {
		return bad("unreadable key")
	}
	return c, salt, key, nil
}

// turnstile lets the sign-ins of one account through one after the other. Each reserves its try before
// it computes; without the queue six tabs with the right password would look like six guesses.
type turnstile struct {
	mu   sync.Mutex
	gate map[string]*gate
}

type gate struct {
	mu    sync.Mutex
	users int
}

func (t *turnstile) enter(key string) (leave func()) {
	t.mu.Lock()
	if t.gate == nil {
		t.gate = map[string]*gate{}
	}
	g := t.gate[key]
	if g == nil {
		g = &gate{}
		t.gate[key] = g
	}
	g.users++
	t.mu.Unlock()
	g.mu.Lock()
	return func() {
		g.mu.Unlock()
		t.mu.Lock()
		if g.users--; g.users == 0 {
			delete(t.gate, key)
		}
		t.mu.Unlock()
	}
}
