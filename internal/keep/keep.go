// Package keep is the only place with the keys of personal data. It seals values so that the main database, its log and its
// backups hold nothing that can be read, marks them so that equal ones can still be found, and destroys the key of a person
// so that what was kept of him is gone from every copy at once. It knows store, query and fault.
//
// Three kinds of keys: the master key, a file outside every database and backup; one data key a subject, in the keystore,
// wrapped by the master key; and the index key of marks and search tokens, wrapped too.
package keep

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"time"
)

// Keeper seals and opens. It may be used by many goroutines.
type Keeper struct {
	vault vault
	index []byte
	fresh bool // the keystore was empty: its index key was made just now

	mu    sync.Mutex
	open  map[string]cipher.AEAD // unwrapped, at most cached of them
	spare []string               // ids of keys that are in the keystore and belong to nobody yet
}

// vault is where data keys are kept.
type vault interface {
	// find answers the keys of these ids; an id that is missing in the answer is unknown, an empty key is a destroyed one.
	find(ctx context.Context, ids []string) (map[string][]byte, error)
	add(ctx context.Context, keys map[string][]byte, at time.Time) error
	destroy(ctx context.Context, ids []string, at time.Time) error
	destroyed(ctx context.Context) ([]string, error)
}

var (
	// ErrErased is answered for a value whose key was destroyed: nobody can read it again.
	ErrErased = errors.New("keep: erased")
	// ErrForged is answered for what this keeper did not seal for this place: altered, moved from elsewhere, or its key is lost.
	ErrForged = errors.New("keep: not what was sealed here")
)

const (
	prefix = "~1." // AES-256-GCM under a data key
	cached = 4096  // unwrapped keys in memory, about a kilobyte each
	batch  = 32    // keys made at once: one commit of the keystore serves so many new subjects
)

// Place is where a sealed value stands. A value copied to any other place does not open.
type Place struct{ Table, Column, Record string }

func (p Place) bytes() []byte { return []byte(p.Table + "|" + p.Column + "|" + p.Record) }

// Memory is a keeper for databases in memory: its keys end with the process.
func Memory() *Keeper {
	return &Keeper{vault: &memory{root: random(32), gone: map[string]bool{}}, index: random(32), open: map[string]cipher.AEAD{}}
}

func random(n int) []byte {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		panic(err) // the kernel has no randomness: nothing safe can be done
	}
	return b
}

func newID() string { return strings.ToLower(base32.StdEncoding.EncodeToString(random(10))) }

// NewKey is the id of a fresh data key, which is durable before the id is answered.
func (k *Keeper) NewKey(ctx context.Context, at time.Time) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.spare) == 0 {
		keys := map[string][]byte{}
		for range batch {
			keys[newID()] = random(32)
		}
		if err := k.vault.add(ctx, keys, at); err != nil {
			return "", err
		}
		for id := range keys {
			k.spare = append(k.spare, id)
		}
	}
	id := k.spare[len(k.spare)-1]
	k.spare = k.spare[:len(k.spare)-1]
	return id, nil
}

// Sealed tells whether a text is a sealed value.
func Sealed(s string) bool { return strings.HasPrefix(s, prefix) }

// KeyOf is the id of the key of a sealed value, "" for anything else.
func KeyOf(s string) string {
	rest, ok := strings.CutPrefix(s, prefix)
	if !ok {
		return ""
	}
	id, _, _ := strings.Cut(rest, ".")
	return id
}

// Seal is a value under a data key for a place; equal values seal differently.
func (k *Keeper) Seal(ctx context.Context, key string, p Place, value string) (string, error) {
	a, err := k.cipher(ctx, key)
	if err != nil {
		return "", err
	}
	nonce := random(a.NonceSize())
	return prefix + key + "." + base64.RawURLEncoding.EncodeToString(a.Seal(nonce, nonce, []byte(value), p.bytes())), nil
}

// Open is the value that was sealed for this place; ErrErased or ErrForged if there is none any more.
func (k *Keeper) Open(ctx context.Context, sealed string, p Place) (string, error) {
	rest, ok := strings.CutPrefix(sealed, prefix)
	id, body, ok2 := strings.Cut(rest, ".")
	if !ok || !ok2 {
		return "", ErrForged
	}
	a, err := k.cipher(ctx, id)
	if err != nil {
		return "", err
	}
	b, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || len(b) < a.NonceSize() {
		return "", ErrForged
	}
	plain, err := a.Open(nil, b[:a.NonceSize()], b[a.NonceSize():], p.bytes())
	if err != nil {
		return "", ErrForged
	}
	return string(plain), nil
}

// cipher is the unwrapped key of an id.
func (k *Keeper) cipher(ctx context.Context, id string) (cipher.AEAD, error) {
	k.mu.Lock()
	a, found := k.open[id]
	k.mu.Unlock()
	if !found {
		got, err := k.load(ctx, []string{id})
		if err != nil {
			return nil, err
		}
		if a, found = got[id]; !found {
			return nil, ErrForged
		}
	}
	if a == nil {
		return nil, ErrErased
	}
	return a, nil
}

// Ready unwraps the keys of many values with one question.
func (k *Keeper) Ready(ctx context.Context, ids []string) error {
	var ask []string
	k.mu.Lock()
	for _, id := range ids {
		if _, have := k.open[id]; !have && id != "" {
			ask = append(ask, id)
		}
	}
	k.mu.Unlock()
	if len(ask) == 0 {
		return nil
	}
	_, err := k.load(ctx, ask)
	return err
}

// load unwraps keys into the cache; nil stands for a destroyed one.
func (k *Keeper) load(ctx context.Context, ids []string) (map[string]cipher.AEAD, error) {
	keys, err := k.vault.find(ctx, ids)
	if err != nil {
		return nil, err
	}
	got := map[string]cipher.AEAD{}
	for id, key := range keys {
		got[id] = nil
		if len(key) > 0 {
			if got[id], err = gcm(key); err != nil {
				return nil, err
			}
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, a := range got {
		if len(k.open) >= cached { // whichever is dropped is unwrapped again when asked for
			for old := range k.open {
				delete(k.open, old)
				break
			}
		}
		k.open[id] = a
	}
	return got, nil
}

func gcm(key []byte) (cipher.AEAD, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(b)
}

// Destroy ends keys for ever. What they sealed can nowhere be read again, in no copy and no backup.
func (k *Keeper) Destroy(ctx context.Context, ids []string, at time.Time) error {
	if err := k.vault.destroy(ctx, ids, at); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, id := range ids {
		delete(k.open, id)
	}
	return nil
}

// Missing are those of some keys that the keystore never had, or has lost.
func (k *Keeper) Missing(ctx context.Context, ids []string) ([]string, error) {
	found, err := k.vault.find(ctx, ids)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, id := range ids {
		if _, have := found[id]; !have {
			list = append(list, id)
		}
	}
	return list, nil
}

// Destroyed are the ids of all keys that were destroyed.
func (k *Keeper) Destroyed(ctx context.Context) ([]string, error) { return k.vault.destroyed(ctx) }

// Forget drops the unwrapped keys, after another node may have destroyed some.
func (k *Keeper) Forget() {
	k.mu.Lock()
	k.open = map[string]cipher.AEAD{}
	k.mu.Unlock()
}

// Mark is the same for equal texts of one domain and tells nothing without the index key; "" for no text. The caller brings
// texts to their normal form.
func (k *Keeper) Mark(domain, text string) string {
	if text == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(k.mac("mark", domain, text)[:16])
}

// Secret is what nobody can work out from the id of a thing without the index key, the same each time: 256 bits, for a purpose.
func (k *Keeper) Secret(purpose, id string) string {
	return base64.RawURLEncoding.EncodeToString(k.mac("secret", purpose, id))
}

// Token stands for a word in a search column: ten capital letters, which no folded word contains.
func (k *Keeper) Token(domain, word string) string {
	sum := k.mac("token", domain, word)
	var b [10]byte
	for i := range b {
		n := sum[i/2]
		if i%2 == 0 {
			n >>= 4
		}
		b[i] = 'A' + n&15
	}
	return string(b[:])
}

// Fingerprint recognises content that is sent again, without being a hash that can be tried out.
func (k *Keeper) Fingerprint(content []byte) string {
	return base64.RawURLEncoding.EncodeToString(k.mac("print", "", string(content)))
}

// SameMark compares in constant time.
func SameMark(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func (k *Keeper) mac(parts ...string) []byte {
	h := hmac.New(sha256.New, k.index)
	for _, p := range parts {
		_, _ = h.Write([]byte(p + "\x00"))
	}
	return h.Sum(nil)
}

// memory derives keys instead of keeping them, so that a thousand runs of a test leave nothing behind.
type memory struct {
	root []byte
	mu   sync.Mutex
	gone map[string]bool
}

func (m *memory) find(_ context.Context, ids []string) (map[string][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	keys := map[string][]byte{}
	for _, id := range ids {
		if m.gone[id] {
			keys[id] = nil
			continue
		}
		h := hmac.New(sha256.New, m.root)
		_, _ = h.Write([]byte(id))
		keys[id] = h.Sum(nil)
	}
	return keys, nil
}

func (m *memory) add(context.Context, map[string][]byte, time.Time) error { return nil }

func (m *memory) destroy(_ context.Context, ids []string, _ time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		m.gone[id] = true
	}
	return nil
}

func (m *memory) destroyed(context.Context) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []string
	for id := range m.gone {
		list = append(list, id)
	}
	return list, nil
}
