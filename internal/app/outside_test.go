package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// Ensure that people without an account have an address of their own at which a link is answered, and nothing of the staff's is there:
// no page, no route of the API by any method, no sign-in with the right password, and that the log tells who tried.
func TestOutsideListener(t *testing.T) {
	of := newVictim(t, t.TempDir())
	of.common = []string{"--rulebooks", booksWith(t, map[string]string{"asking": asking})}
	of.args = []string{"--public", "127.0.0.1:0", "--url", "https://crm.example.cn"}
	v := newHanded(t, of)
	var at []string
	v.until("its address is told", func() bool {
		at = regexp.MustCompile(`people without an account" address=(\S+)\n`).FindStringSubmatch(v.log.String())
		return at != nil
	})
	send := func(method, path, token, body string) (int, http.Header, string) {
		t.Helper()
		r, err := http.NewRequest(method, "http://"+at[1]+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		res, err := v.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return res.StatusCode, res.Header, string(b)
	}

	var paper struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(v.get("/api/openapi.json"), &paper); err != nil {
		t.Fatal(err)
	}
	asked := 0
	for path, methods := range paper.Paths {
		if path == "/api/answer" {
			continue
		}
		for method := range methods {
			asked++
			if n, _, _ := send(strings.ToUpper(method), regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, "x"), "", ""); n != 404 {
				t.Errorf("%s %s: %d", method, path, n)
			}
		}
	}
	if asked < 100 {
		t.Errorf("%d routes are asked: the paper is read wrongly", asked)
	}
	for _, path := range []string{"/", "/login", "/index.html", "/desk", "/api/answer/", "/api/answer/../me", "/assets/../api/me", "/answer/x", "/push.js", "//api/me", "/metrics"} {
		if n, _, _ := send("GET", path, "", ""); n != 404 {
			t.Errorf("%s: %d", path, n)
		}
	}
	if n, _, _ := send("POST", "/api/session", "", `{"account":"he","password":"Haystack-42-lamp"}`); n != 404 {
		t.Fatalf("somebody signs in from outside: %d", n)
	}
	v.until("the log tells who tried", func() bool { return strings.Contains(v.log.String(), "path=/api/session from=127.0.0.1") })

	var made struct{ ID string }
	for _, x := range []struct {
		form string
		body func() map[string]any
	}{{"base.customer", func() map[string]any { return map[string]any{"values": map[string]any{"name": "泰和"}} }},
		{"base.asking", func() map[string]any { return map[string]any{"values": map[string]any{"customer": made.ID}} }}} {
		if err := json.Unmarshal(v.post("/api/form/"+x.form+"/record", x.body(), 201), &made); err != nil {
			t.Fatal(err)
		}
	}
	given := regexp.MustCompile(`zgl_[\w-]{43}`).FindString(string(v.post("/api/form/base.asking/link/answer", map[string]any{"records": []string{made.ID}}, 201)))
	if n, h, b := send("GET", "/api/answer", given, ""); n != 200 || !strings.Contains(b, "words") || h.Get("Content-Security-Policy") == "" || h.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v %s", n, h, b)
	}
	if n, _, b := send("POST", "/api/answer", given, `{"values":{"words":"很好"}}`); n != 204 {
		t.Errorf("%d %s", n, b)
	}
	if n, _, _ := send("POST", "/api/answer", given, `{"values":{"words":"再来"}}`); n == 204 {
		t.Error("answered twice")
	}
}
