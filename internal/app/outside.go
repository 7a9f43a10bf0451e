package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path"
	"strings"
)

// outside is what people without an account meet at a listener of their own (--public): the question of a link, the answer to it, and the
// files of that page. Whatever else is there for the staff is not there for them.
func (s *server) outside(shop http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch p := r.URL.Path; {
		case p == "/api/answer":
			s.now.Load().api.ServeHTTP(w, r)
		case p == "/answer", p == "/icon.svg", strings.HasPrefix(p, "/assets/") && path.Clean(p) == p:
			shop.ServeHTTP(w, r)
		default:
			from, _, _ := net.SplitHostPort(r.RemoteAddr)
			s.p.log.Warn("asked from outside for what is not there", "method", r.Method, "path", p[:min(len(p), 100)], "from", from)
			http.NotFound(w, r)
		}
	})
}

// openOutside begins to answer people without an account at their own address, where there is one.
func (s *server) openOutside(ctx context.Context, h http.Handler) error {
	c := &s.c.settings
	if c.Public == "" {
		return nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Public)
	if err != nil {
		return fmt.Errorf("--public: %w", err)
	}
	s.public = webServer(h)
	go func() {
		if err := s.answer(s.public, listener); !errors.Is(err, http.ErrServerClosed) {
			s.p.log.Error("nobody outside is answered any more", "err", err)
		}
	}()
	s.p.log.Info("people without an account", "address", listener.Addr().String())
	if !c.secure() && !loopback(listener.Addr().String()) {
		s.p.log.Warn("--public is reachable from the network without TLS: what people answer travels readable. Use --tls-cert or --proxy")
	}
	return nil
}
