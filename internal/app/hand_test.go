package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"testing"
	"time"

	"zhanggui/internal/store"
)

// handed is a victim on a hand-turned clock, with its founder before a browser.
type handed struct {
	*victim
	csrf    string
	match   string // version of the record that the next request is about
	browser *http.Client
}

// newHanded makes the company of a victim, starts it and signs its founder in.
func newHanded(t *testing.T, of *victim) *handed {
	t.Helper()
	v := &handed{victim: of}
	v.args = append(v.args, "--demo", "--clock", "manual", "--alert-allow", "127.0.0.1/32")
	found(t, slices.Concat([]string{"--database", v.at()}, v.common, v.keys)...)
	v.rows(func(tx *store.Tx) error { // only a demonstration's clock is turned by hand
		return tx.Upsert("meta", []string{"key"}, store.Row{"key": "demo", "value": "test"})
	})
	v.start()
	v.signIn()
	return v
}

// rows does something to the database of a server that does not run.
func (v *handed) rows(do func(tx *store.Tx) error) {
	v.t.Helper()
	db, err := store.Open(v.t.Context(), v.at(), store.AllowUnsafe())
	if err != nil {
		v.t.Fatal(err)
	}
	if _, err := db.Plan(v.t.Context(), store.SystemTables()); err != nil {
		v.t.Fatal(err)
	}
	if err := db.Write(v.t.Context(), do); err != nil {
		v.t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		v.t.Fatal(err)
	}
}

func (v *handed) signIn() {
	v.t.Helper()
	jar, _ := cookiejar.New(nil)
	v.browser = &http.Client{Jar: jar, Timeout: time.Minute}
	var me struct{ CSRF string }
	if err := json.Unmarshal(v.post("/api/session", map[string]string{"account": "he", "password": "Haystack-42-lamp"}, 201), &me); err != nil {
		v.t.Fatal(err)
	}
	v.csrf = me.CSRF
}

func (v *handed) post(path string, body any, want int) []byte {
	v.t.Helper()
	b, _ := json.Marshal(body)
	return v.ask("POST", path, "application/json", b, want)
}

func (v *handed) get(path string) []byte { v.t.Helper(); return v.ask("GET", path, "", nil, 200) }

// ask sends what the founder's browser would, and wants a status.
func (v *handed) ask(method, path, kind string, body []byte, want int) []byte {
	v.t.Helper()
	b, status := v.request(method, path, kind, body)
	if status != want {
		v.t.Fatalf("%s %s: %d %s", method, path, status, b)
	}
	return b
}

// status is that of what the founder's browser sends.
func (v *handed) status(method, path string, body []byte) int {
	v.t.Helper()
	_, status := v.request(method, path, "application/json", body)
	return status
}

func (v *handed) request(method, path, kind string, body []byte) ([]byte, int) {
	v.t.Helper()
	r, err := http.NewRequest(method, v.url+path, bytes.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	r.Header.Set("X-CSRF-Token", v.csrf)
	if v.match != "" {
		r.Header.Set("If-Match", v.match)
	}
	res, err := v.browser.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatalf("%s %s: %v", method, path, err)
	}
	return b, res.StatusCode
}

// upload keeps an attachment and answers its id.
func (v *handed) upload(name, content string) string {
	v.t.Helper()
	body := fmt.Sprintf("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=%q\r\nContent-Type: text/plain\r\n\r\n%s\r\n--x--\r\n", name, content)
	var f struct{ ID string }
	if err := json.Unmarshal(v.ask("POST", "/api/file", "multipart/form-data; boundary=x", []byte(body), 201), &f); err != nil {
		v.t.Fatal(err)
	}
	return f.ID
}

func (v *handed) turn(by string) {
	v.t.Helper()
	v.post("/api/clock-hand", map[string]string{"advance": by}, 200)
}

// until waits for what the other process does.
func (v *handed) until(what string, ok func() bool) {
	v.t.Helper()
	for end := time.Now().Add(3 * time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			v.t.Fatal("waited in vain until " + what)
		}
	}
}
