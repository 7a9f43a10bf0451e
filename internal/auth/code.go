package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" // what RFC 6238 and every telephone's app use; as an HMAC it is sound
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// One-time codes of RFC 6238: six digits, thirty seconds, HMAC-SHA1.
const (
	codeStep   = 30 // seconds
	codeDigits = 6
)

// codeAt is the code of one step.
func codeAt(secret []byte, step int64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(step))
	mac := hmac.New(sha1.New, secret)
	mac.Write(b[:])
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	n := binary.BigEndian.Uint32(sum[at:at+4]) & 0x7fffffff
	return fmt.Sprintf("%0*d", codeDigits, n%1_000_000)
}

// codeStepOf tells at which step a code is right: now or one step beside it, for a watch that is a little off,
// and later than the step that was used last. 0 = never.
func codeStepOf(secret []byte, code string, now time.Time, used int64) int64 {
	found := int64(0)
	for d := int64(-1); d <= 1; d++ {
		step := now.Unix()/codeStep + d
		if subtle.ConstantTimeCompare([]byte(codeAt(secret, step)), []byte(code)) == 1 && step > used {
			found = step
		}
	}
	return found
}

var plain32 = base32.StdEncoding.WithPadding(base32.NoPadding)

// codeURI is what the QR code says to an authenticator app.
func codeURI(secret []byte, company, account string) string {
	q := url.Values{"secret": {plain32.EncodeToString(secret)}, "issuer": {company}, "digits": {"6"}, "period": {"30"}, "algorithm": {"SHA1"}}
	// Some apps show a plus sign where a query says a blank.
	return "otpauth://totp/" + url.PathEscape(company+":"+account) + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}

// seal and unseal keep what must be read again, other than a password, from who holds the database alone. The
// person is bound in: a sealed secret copied into another's row does not open.
func (a *Auth) seal(person string, plain []byte) (string, error) {
	box, err := a.box()
	if err != nil {
		return "", err
	}
	nonce := make([]byte, box.NonceSize())
	_, _ = rand.Read(nonce)
	return base64.RawStdEncoding.EncodeToString(box.Seal(nonce, nonce, plain, []byte(person))), nil
}

func (a *Auth) unseal(person, sealed string) ([]byte, error) {
	box, err := a.box()
	if err != nil {
		return nil, err
	}
	b, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil || len(b) < box.NonceSize() {
		return nil, errors.New("auth: a sealed secret is damaged")
	}
	plain, err := box.Open(nil, b[:box.NonceSize()], b[box.NonceSize():], []byte(person))
	if err != nil {
		return nil, errors.New("auth: a sealed secret does not open: another key, or another person's")
	}
	return plain, nil
}

func (a *Auth) box() (cipher.AEAD, error) {
	if len(a.opts.Key) != 32 {
		return nil, errors.New("auth: no key for one-time codes")
	}
	block, err := aes.NewCipher(a.opts.Key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// recoveryCodes makes ten codes of eighty bits, written in fours.
func recoveryCodes() []string {
	list := make([]string, 10)
	for i := range list {
		t := rand.Text()[:16]
		list[i] = strings.Join([]string{t[:4], t[4:8], t[8:12], t[12:]}, "-")
	}
	return list
}

// recoveryDigest is what is kept of a recovery code, however it was typed.
func recoveryDigest(person, code string) string {
	code = strings.ToUpper(strings.NewReplacer("-", "", " ", "", "　", "").Replace(code))
	return digest(person + "\x00" + code)
}
