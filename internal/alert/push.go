package alert

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/keep"
	"zhanggui/internal/store"
)

// Web push reaches a browser whose page is closed. The browser names a push service and a key of its own; what is sent is sealed
// for that key (RFC 8291), so the service carries it and cannot read it, and the installation proves itself by a signature under
// its one key pair (RFC 8292). Standard library only: what there is of libraries takes the signature's time from the machine and
// leans on curve functions that Go has deprecated.

// push is the channel that leads to a browser.
const push = "push"

var b64 = base64.RawURLEncoding

// errGone: the browser has ended the subscription, or its push service has.
var errGone = errors.New("the subscription has ended")

// pushFor is how long a push service may keep a message for a browser that is not there, as long as an alert wakes anybody.
const pushFor = stale

// signedFor is how long a signature towards a push service counts; a day is the most it may.
const signedFor = 12 * time.Hour

func vapidPlace(id string) keep.Place {
	return keep.Place{Table: "alert_key", Column: "sealed", Record: id}
}

// vapidID is the one row of alert_key.
const vapidID = "vapid"

// Ready makes the key pair by which push services know the installation, once for all its nodes, and remembers it. Subscriptions are
// bound to it: a pair whose secret can no longer be opened is replaced, and browsers subscribe again.
func (s *Service) Ready(ctx context.Context, now time.Time) error {
	var have bool
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		have, err = s.keptKey(ctx, tx)
		return err
	})
	if err != nil || have {
		return err
	}
	fresh, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	raw, err := fresh.Bytes()
	if err != nil {
		return err
	}
	key, err := s.keep.NewKey(ctx, now)
	if err != nil {
		return err
	}
	sealed, err := s.keep.Seal(ctx, key, vapidPlace(vapidID), b64.EncodeToString(raw))
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if err := tx.Lock("alert_key"); err != nil {
			return err
		}
		if have, err := s.keptKey(ctx, tx); err != nil || have { // another node was first
			return err
		}
		s.vapid = fresh
		return tx.Upsert("alert_key", []string{"id"}, store.Row{"id": vapidID, "sealed": sealed, "at": instant(now)})
	})
}

// keptKey remembers the pair that the database has; false: it has none that can be opened.
func (s *Service) keptKey(ctx context.Context, tx *store.Tx) (bool, error) {
	row, err := tx.Get("alert_key", vapidID)
	if fault.KindOf(err) == fault.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	kept, err := s.keep.Open(ctx, str(row["sealed"]), vapidPlace(vapidID))
	if errors.Is(err, keep.ErrErased) || errors.Is(err, keep.ErrForged) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	raw, err := b64.DecodeString(kept)
	if err != nil {
		return false, err
	}
	s.vapid, err = ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
	return err == nil, err
}

// PushKey is the public key that a browser subscribes with, an uncompressed P-256 point in base64url; "" before Ready.
func (s *Service) PushKey() string {
	if s.vapid == nil {
		return ""
	}
	b, err := s.vapid.PublicKey.Bytes()
	if err != nil {
		return ""
	}
	return b64.EncodeToString(b)
}

// checkPush judges what a browser gives of its subscription, beside the address.
func checkPush(key, secret string) error {
	point, err := b64.DecodeString(key)
	if err == nil {
		_, err = ecdh.P256().NewPublicKey(point)
	}
	if err != nil {
		return fault.At("key", "浏览器给的公钥不对", "The key the browser gave is wrong")
	}
	if auth, err := b64.DecodeString(secret); err != nil || len(auth) != 16 {
		return fault.At("secret", "浏览器给的密钥不对", "The secret the browser gave is wrong")
	}
	return nil
}

// recordSize is the size of the one record that a message is.
const recordSize = 4096

// seal encrypts a message for a browser, as RFC 8291 has it: one aes128gcm record whose key comes of both sides' points, the browser's
// secret and a salt. own and salt are drawn anew for each message.
func seal(plain []byte, browser *ecdh.PublicKey, secret []byte, own *ecdh.PrivateKey, salt []byte) ([]byte, error) {
	shared, err := own.ECDH(browser)
	if err != nil {
		return nil, err
	}
	point := own.PublicKey().Bytes()
	ikm, err := hkdf.Key(sha256.New, shared, secret, "WebPush: info\x00"+string(browser.Bytes())+string(point), 32)
	if err != nil {
		return nil, err
	}
	key, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: aes128gcm\x00", 16)
	if err != nil {
		return nil, err
	}
	nonce, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: nonce\x00", 12)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	out := append([]byte(nil), salt...)
	out = binary.BigEndian.AppendUint32(out, recordSize)
	out = append(append(out, byte(len(point))), point...)
	const last = 2 // delimiter of the last record, before its padding
	return gcm.Seal(out, nonce, append(append([]byte(nil), plain...), last), nil), nil
}

// vapidHead is the Authorization of a call to a push service: who calls, until when, signed.
func (s *Service) vapidHead(endpoint string, now time.Time) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", err
	}
	claims := map[string]any{"aud": u.Scheme + "://" + u.Host, "exp": now.Add(signedFor).Unix()}
	switch {
	case strings.HasPrefix(s.opts.URL, "https://"):
		claims["sub"] = s.opts.URL
	case s.opts.From != "":
		claims["sub"] = "mailto:" + s.opts.From
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	text := b64.EncodeToString([]byte(`{"typ":"JWT","alg":"ES256"}`)) + "." + b64.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	r, n, err := ecdsa.Sign(rand.Reader, s.vapid, sum[:])
	if err != nil {
		return "", err
	}
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	n.FillBytes(sig[32:])
	return "vapid t=" + text + "." + b64.EncodeToString(sig) + ", k=" + s.PushKey(), nil
}

// pushed is what a browser is told. A lock screen is read by anybody: it says that something waits and until when, not what.
type pushed struct {
	Title string `json:"title"`
	Body  string `json:"body"`
	URL   string `json:"url"` // path of the page
	Tag   string `json:"tag"` // the notice, so that the page and the push show it once
}

func (s *Service) pushWords(n Notice, a about, tag string) pushed {
	p := pushed{Title: pick(n.EN, "Zhanggui", "掌柜"), Body: pick(n.EN, "Something waits for you", "有一件事等着你"), URL: pagePath(a.Form, a.Record), Tag: tag}
	if a.Try {
		p.Body, p.URL = "这台设备收得到提醒", "/me"
	}
	if !n.Due.IsZero() {
		p.Body += pick(n.EN, ", due ", "，期限 ") + n.Due.In(s.opts.Zone).Format("01-02 15:04")
	}
	return p
}

// push sends one message to a browser. urgent: it wakes a phone that saves its battery.
func (s *Service) push(ctx context.Context, id string, t target, p pushed, urgent bool, now time.Time) error {
	if s.vapid == nil {
		return errors.New("the installation has no key for push services")
	}
	secret, key, _ := strings.Cut(t.Secret, " ")
	point, err := b64.DecodeString(key)
	if err != nil {
		return errUnreadable
	}
	browser, err := ecdh.P256().NewPublicKey(point)
	if err != nil {
		return errUnreadable
	}
	auth, err := b64.DecodeString(secret)
	if err != nil {
		return errUnreadable
	}
	plain, err := json.Marshal(p)
	if err != nil {
		return err
	}
	own, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	salt := make([]byte, 16)
	if _, err := rand.Read(salt); err != nil {
		return err
	}
	body, err := seal(plain, browser, auth, own, salt)
	if err != nil {
		return err
	}
	head, err := s.vapidHead(t.Address, now)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.Address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", head)
	req.Header.Set("Content-Encoding", "aes128gcm")
	req.Header.Set("Content-Type", "application/octet-stream")
	req.Header.Set("TTL", strconv.Itoa(int(pushFor.Seconds())))
	req.Header.Set("Urgency", pick(urgent, "high", "normal"))
	req.Header.Set("User-Agent", "Zhanggui")
	req.Header.Set("X-Delivery-Id", id)
	a, err := s.robot.http.Do(req)
	if err != nil {
		var u *url.Error // it would quote the address, which is as good as a key
		if errors.As(err, &u) {
			err = u.Err
		}
		return err
	}
	defer a.Body.Close()
	switch {
	case a.StatusCode == http.StatusNotFound || a.StatusCode == http.StatusGone:
		return errGone
	case a.StatusCode < 200 || a.StatusCode > 299:
		return answered("status " + strconv.Itoa(a.StatusCode))
	}
	return nil
}
