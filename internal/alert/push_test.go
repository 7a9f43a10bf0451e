package alert_test

import (
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
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"zhanggui/internal/alert"
	"zhanggui/internal/fault"
	"zhanggui/internal/testkit"
)

// browser is the other end of a subscription: what a push service hands it, it opens by itself, from the text of RFC 8291 and 8292.
type browser struct {
	t    *testing.T
	own  *ecdh.PrivateKey
	auth []byte
}

func newBrowser(t *testing.T) *browser {
	own, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, own: own, auth: make([]byte, 16)}
	if _, err := rand.Read(b.auth); err != nil {
		t.Fatal(err)
	}
	return b
}

var raw64 = base64.RawURLEncoding

func (b *browser) channel(address string) alert.NewChannel {
	return alert.NewChannel{Kind: "push", Address: address, Key: raw64.EncodeToString(b.own.PublicKey().Bytes()), Secret: raw64.EncodeToString(b.auth), Name: "Chrome Android"}
}

// open decrypts one aes128gcm record.
func (b *browser) open(body string) string {
	b.t.Helper()
	in := []byte(body)
	salt, size, point := in[:16], binary.BigEndian.Uint32(in[16:20]), in[21:21+int(in[20])]
	if size < 18 || len(in)-21-len(point) > int(size) {
		b.t.Fatalf("record of %d in %d", size, len(in))
	}
	theirs, err := ecdh.P256().NewPublicKey(point)
	if err != nil {
		b.t.Fatal(err)
	}
	shared, err := b.own.ECDH(theirs)
	if err != nil {
		b.t.Fatal(err)
	}
	derive := func(secret, salt []byte, info string, n int) []byte {
		k, err := hkdf.Key(sha256.New, secret, salt, info, n)
		if err != nil {
			b.t.Fatal(err)
		}
		return k
	}
	ikm := derive(shared, b.auth, "WebPush: info\x00"+string(b.own.PublicKey().Bytes())+string(point), 32)
	block, err := aes.NewCipher(derive(ikm, salt, "Content-Encoding: aes128gcm\x00", 16))
	if err != nil {
		b.t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		b.t.Fatal(err)
	}
	plain, err := gcm.Open(nil, derive(ikm, salt, "Content-Encoding: nonce\x00", 12), in[21+len(point):], nil)
	if err != nil {
		b.t.Fatalf("cannot be opened: %v", err)
	}
	said, rest, ok := strings.Cut(string(plain), "\x02")
	if !ok || strings.Trim(rest, "\x00") != "" {
		b.t.Fatalf("not the last record: %q", plain)
	}
	return said
}

// claims judges who a call says it is from: the signature under the key it names, which must be the one browsers subscribe with.
func claims(t *testing.T, head, key string) map[string]any {
	t.Helper()
	rest, ok := strings.CutPrefix(head, "vapid t=")
	token, k, ok2 := strings.Cut(rest, ", k=")
	if !ok || !ok2 || k != key {
		t.Fatalf("head %q, key %s", head, key)
	}
	point, err := raw64.DecodeString(k)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		t.Fatal(err)
	}
	part := strings.Split(token, ".")
	sig, err := raw64.DecodeString(part[2])
	if err != nil || len(sig) != 64 {
		t.Fatalf("signature of %d bytes, %v", len(sig), err)
	}
	sum := sha256.Sum256([]byte(part[0] + "." + part[1]))
	if !ecdsa.Verify(pub, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])) {
		t.Fatal("the signature is wrong")
	}
	var header, body map[string]any
	for i, to := range []any{&header, &body} {
		b, err := raw64.DecodeString(part[i])
		if err == nil {
			err = json.Unmarshal(b, to)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if header["alg"] != "ES256" || header["typ"] != "JWT" {
		t.Errorf("header %v", header)
	}
	return body
}

// Ensure that a browser whose page is closed is reached: what is sent opens under its key alone and says that something waits and until
// when, not what; the call is signed for its push service until within a day under the key the installation keeps; and a subscription that
// has ended is forgotten.
func TestPush(t *testing.T) { testkit.Databases(t, pushOn) }

func pushOn(t *testing.T, dsn string) {
	d := open(t, dsn, nil)
	ctx := context.Background()
	if d.a.PushKey() != "" {
		t.Error("there is a key before it is made")
	}
	if err := d.a.Ready(ctx, d.Now); err != nil {
		t.Fatal(err)
	}
	key := d.a.PushKey()
	again, err := alert.New(d.DB, house{d.E}, alert.Options{Keep: d.keys}) // another node, or a new start
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Ready(ctx, d.Now); err != nil || again.PushKey() != key || len(key) != 87 {
		t.Fatalf("key %q and %q, %v", key, again.PushKey(), err)
	}

	s, b := newStub(t), newBrowser(t)
	s.says(201, "")
	ch, err := d.a.Add(ctx, d.Now, d.ID("ma"), b.channel(s.URL+"/send/geheim"))
	if err != nil || ch.Shown != "Chrome Android" {
		t.Fatalf("%+v, %v", ch, err)
	}
	for field, bad := range map[string]alert.NewChannel{
		"key":     {Kind: "push", Address: s.URL + "/x", Key: strings.Repeat("A", 87), Secret: raw64.EncodeToString(b.auth)},
		"secret":  {Kind: "push", Address: s.URL + "/x", Key: b.channel("").Key, Secret: raw64.EncodeToString(b.auth[:15])},
		"address": {Kind: "push", Address: "https://10.0.0.1/x", Key: b.channel("").Key, Secret: b.channel("").Secret},
	} {
		var f *fault.Error
		if _, err := d.a.Add(ctx, d.Now, d.ID("ma"), bad); !errors.As(err, &f) || len(f.Fields) != 1 || f.Fields[0].Path != field {
			t.Errorf("%s: %v", field, err)
		}
	}

	id := d.Do("wen", "x.call", "", "create", map[string]any{"caller": "周文渊 13800000001"}).Record
	if d.round() != 1 {
		t.Fatalf("not sent: %+v", d.undelivered())
	}
	r := s.requests()[0]
	if r.url != "/send/geheim" || r.head.Get("Content-Encoding") != "aes128gcm" || r.head.Get("TTL") != "86400" || r.head.Get("Urgency") != "high" {
		t.Errorf("%s, head %v", r.url, r.head)
	}
	c := claims(t, r.head.Get("Authorization"), key)
	if c["aud"] != s.URL || c["sub"] != "https://crm.example.cn" || int64(c["exp"].(float64)) != d.Now.Add(12*time.Hour).Unix() {
		t.Errorf("claims %v", c)
	}
	var said struct{ Title, Body, URL, Tag string }
	if err := json.Unmarshal([]byte(b.open(r.body)), &said); err != nil {
		t.Fatal(err)
	}
	if said.Title != "掌柜" || said.Body != "有一件事等着你，期限 03-07 03:03" || said.URL != "/record/x.call/"+id || said.Tag == "" || !strings.HasPrefix(r.id, said.Tag+"-") {
		t.Errorf("said %+v under %s", said, r.id)
	}
	for _, no := range []string{"周文渊", "13800000001", "LD2603"} {
		if strings.Contains(b.open(r.body), no) {
			t.Errorf("it tells %s", no)
		}
	}
	// What no clause orders does not wake a phone that saves its battery; each message is sealed anew.
	d.Do("wen", "x.call", id, "chat", nil)
	d.round()
	if r2 := s.requests()[1]; r2.head.Get("Urgency") != "normal" || r2.body[:16] == r.body[:16] || r2.body[21:86] == r.body[21:86] {
		t.Errorf("head %v, or the same salt or point", r2.head)
	}
	if err := d.a.Try(ctx, d.Now, d.ID("ma"), ch.ID); err != nil {
		t.Fatal(err)
	}
	if d.round() != 1 || !strings.Contains(b.open(s.requests()[2].body), "这台设备收得到提醒") {
		t.Error("trying it says something else")
	}
	// A service that is not well is asked again under the same id; one that no longer knows the browser is not.
	s.says(http.StatusTooManyRequests, "")
	d.Do("wen", "x.call", id, "chat", nil)
	if d.round() != 0 || d.undelivered()[0].Error != "status 429" {
		t.Fatalf("%+v", d.undelivered())
	}
	s.says(http.StatusGone, "")
	d.Now = d.Now.Add(time.Minute)
	list, err := d.a.Channels(ctx, d.ID("ma"))
	if d.round() != 0 || err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	if list, err = d.a.Channels(ctx, d.ID("ma")); err != nil || len(list) != 0 || d.count("outbox") != 0 {
		t.Errorf("a browser that is gone is kept: %+v, %v, %d", list, err, d.count("outbox"))
	}
}
