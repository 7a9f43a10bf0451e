package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"
)

// contentPolicy lets a page load what the program itself serves and nothing else.
const contentPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// secured sets what every answer carries. tls: browsers shall never come back without it.
func secured(next http.Handler, tls bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "geolocation=(self), camera=(self), microphone=(), payment=(), usb=()")
		if tls {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if strings.HasPrefix(r.URL.Path, "/api/") {
			h.Set("Cache-Control", "no-store") // the API may say otherwise
		}
		next.ServeHTTP(w, r)
	})
}

// forwarded replaces the remote address by the client's where a trusted proxy names it. The
// rightmost address that is not itself a proxy counts: what stands left of it the client wrote.
func forwarded(next http.Handler, trusted []netip.Prefix) http.Handler {
	if len(trusted) == 0 {
		return next
	}
	proxy := func(s string) bool {
		a, err := netip.ParseAddr(strings.TrimSpace(s))
		if err != nil {
			return false
		}
		for _, p := range trusted {
			if p.Contains(a.Unmap()) {
				return true
			}
		}
		return false
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if err == nil && proxy(host) {
			list := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
			for i := len(list) - 1; i >= 0; i-- {
				a, err := netip.ParseAddr(strings.TrimSpace(list[i]))
				if err != nil {
					break
				}
				if host = a.Unmap().String(); !proxy(host) {
					break
				}
			}
			r.RemoteAddr = net.JoinHostPort(host, "0")
		} else {
			// Nobody else may say where a request comes from.
			r.Header.Del("X-Forwarded-For")
			r.Header.Del("X-Forwarded-Proto")
		}
		next.ServeHTTP(w, r)
	})
}

// guarded logs each request and turns a panic into an answer: one request's accident is not the others'.
// Neither query nor body is logged, they may hold personal data.
func guarded(next http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		a := &answer{ResponseWriter: w}
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				ref := reference()
				log.Error("panic", "ref", ref, "path", r.URL.Path, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				if a.status == 0 {
					a.Header().Set("Content-Type", "application/problem+json")
					a.WriteHeader(http.StatusInternalServerError)
					fmt.Fprintf(a, `{"type":"/problem/internal","title":"系统内部错误","status":500,"kind":"internal","ref":%q}`, ref)
				}
			}
			log.Debug("request", "method", r.Method, "path", r.URL.Path, "status", a.status, "bytes", a.bytes,
				"took", time.Since(begin).Round(time.Microsecond).String(), "from", r.RemoteAddr)
		}()
		next.ServeHTTP(a, r)
	})
}

// reference names an accident, so that the reader can quote it and the operator find it.
func reference() string {
	var b [4]byte
	_, _ = rand.Read(b[:])
	return "E-" + strings.ToUpper(hex.EncodeToString(b[:]))
}

// answer remembers what was answered.
type answer struct {
	http.ResponseWriter
	status, bytes int
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(b)
	a.bytes += n
	return n, err
}

// Unwrap lets http.ResponseController reach flushing and deadlines.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// streams frees event streams from the time limits of ordinary answers, and ends them when the server stops: a
// stream never ends by itself, and a shutdown waits for all answers.
func streams(next http.Handler, stopping <-chan struct{}) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
			next.ServeHTTP(w, r)
			return
		}
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		go func() {
			select {
			case <-stopping:
				cancel()
			case <-ctx.Done():
			}
		}()
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
