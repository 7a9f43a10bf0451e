package app

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"
)

var script = strings.Repeat("let a = 1; // 掌柜\n", 200)

func front(t *testing.T) http.Handler {
	t.Helper()
	shop, err := newShopfront(fstest.MapFS{
		"index.html":          {Data: []byte("<!doctype html><title>掌柜</title>")},
		"favicon.svg":         {Data: []byte("<svg/>")},
		"assets/app-3f2a1.js": {Data: []byte(script)},
		".keep":               {},
	})
	if err != nil {
		t.Fatal(err)
	}
	return secured(shop, false)
}

func get(h http.Handler, path string, headers ...string) *http.Response {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestShopfront(t *testing.T) {
	h := front(t)
	t.Run("PagesAreDrawnByIndex", func(t *testing.T) {
		for _, path := range []string{"/", "/index.html", "/record/14.ticket/x1", "/制度"} {
			r := get(h, path)
			if r.StatusCode != 200 || !strings.Contains(body(t, r), "掌柜") || r.Header.Get("Cache-Control") != "no-cache" {
				t.Errorf("%s: %d %v", path, r.StatusCode, r.Header)
			}
		}
	})
	t.Run("ErrMissingFile", func(t *testing.T) {
		for _, path := range []string{"/assets/gone.js", "/assets/x", "/robots.txt", "/.keep", "/../http.go"} {
			if r := get(h, path); r.StatusCode != 404 {
				t.Errorf("%s: %d", path, r.StatusCode)
			}
		}
	})
	t.Run("HashedFilesAreForever", func(t *testing.T) {
		r := get(h, "/assets/app-3f2a1.js")
		if !strings.Contains(r.Header.Get("Cache-Control"), "immutable") || !strings.Contains(r.Header.Get("Content-Type"), "javascript") || body(t, r) != script {
			t.Fatal(r.Header)
		}
	})
	t.Run("Gzip", func(t *testing.T) {
		r := get(h, "/assets/app-3f2a1.js", "Accept-Encoding", "br, gzip")
		z, err := gzip.NewReader(r.Body)
		if err != nil || r.Header.Get("Content-Encoding") != "gzip" || r.Header.Get("Vary") != "Accept-Encoding" {
			t.Fatal(err, r.Header)
		}
		if b, err := io.ReadAll(z); err != nil || string(b) != script {
			t.Fatal("the content changed", err)
		}
		if r := get(h, "/assets/app-3f2a1.js", "Accept-Encoding", "gzip;q=0"); r.Header.Get("Content-Encoding") != "" {
			t.Fatal("gzip was refused and came")
		}
	})
	t.Run("NotModified", func(t *testing.T) {
		tag := get(h, "/").Header.Get("ETag")
		if r := get(h, "/", "If-None-Match", tag); r.StatusCode != 304 || tag == "" {
			t.Fatal(r.StatusCode, tag)
		}
		plain, zipped := get(h, "/assets/app-3f2a1.js").Header.Get("ETag"), get(h, "/assets/app-3f2a1.js", "Accept-Encoding", "gzip").Header.Get("ETag")
		if plain == zipped {
			t.Fatal("two contents with one ETag")
		}
	})
	t.Run("ErrMethod", func(t *testing.T) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
		if w.Code != 405 {
			t.Fatal(w.Code)
		}
	})
}

func TestSecured(t *testing.T) {
	h := get(front(t), "/").Header
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
		"X-Content-Type-Options":  "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
		"Cross-Origin-Opener-Policy": "same-origin", "Strict-Transport-Security": "",
	} {
		if h.Get(name) != want {
			t.Errorf("%s: %q", name, h.Get(name))
		}
	}
	if got := get(secured(front(t), true), "/").Header.Get("Strict-Transport-Security"); got != "max-age=31536000" {
		t.Errorf("under TLS, how browsers shall come back: %q", got)
	}
	if got := get(secured(http.NotFoundHandler(), false), "/api/nothing").Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("what may be kept of the API's answers: %q", got)
	}
}

func TestForwarded(t *testing.T) {
	var seen, proto string
	inner := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen, proto = r.RemoteAddr, r.Header.Get("X-Forwarded-Proto")
	})
	h := forwarded(inner, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")})
	for _, c := range []struct{ remote, header, want, proto string }{
		{"10.0.0.2:5", "203.0.113.7", "203.0.113.7:0", "https"},
		{"10.0.0.2:5", "6.6.6.6, 203.0.113.7, 10.0.0.3", "203.0.113.7:0", "https"}, // what stands left of the client the client wrote
		{"10.0.0.2:5", "nonsense", "10.0.0.2:0", "https"},
		{"203.0.113.9:5", "127.0.0.1", "203.0.113.9:5", ""}, // no proxy of ours
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.remote
		r.Header.Set("X-Forwarded-For", c.header)
		r.Header.Set("X-Forwarded-Proto", "https")
		h.ServeHTTP(httptest.NewRecorder(), r)
		if seen != c.want || proto != c.proto {
			t.Errorf("%s with %q: seen as %s %q, want %s %q", c.remote, c.header, seen, proto, c.want, c.proto)
		}
	}
}

func TestGuarded(t *testing.T) {
	log := &strings.Builder{}
	h := guarded(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { panic("secret detail") }), logger(log, "debug", "text"))
	r := get(h, "/api/x?phone=13800138000")
	text := body(t, r)
	if r.StatusCode != 500 || strings.Contains(text, "secret") || !strings.Contains(text, `"ref":"E-`) {
		t.Fatal(r.StatusCode, text)
	}
	if !strings.Contains(log.String(), "secret detail") || strings.Contains(log.String(), "13800138000") {
		t.Fatal(log.String())
	}
}
