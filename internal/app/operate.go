package app

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"zhanggui/internal/engine"
	"zhanggui/internal/gauge"
	"zhanggui/internal/span"
)

// operator is what whoever runs the installation looks at: figures, on a listener of their own, and traces.
type operator struct {
	gauges *gauge.Gauges
	traces *span.Tracer
	server *http.Server // of the figures; nil = not asked for
}

// tokenLength is how many characters the secret has at least with which figures are read from elsewhere.
const tokenLength = 20

// checkOperator finds what would show the figures to everybody.
func (s *settings) checkOperator() error {
	switch {
	case s.Metrics != "" && !loopback(s.Metrics) && len(s.MetricsToken) < tokenLength:
		return errors.New("--metrics: an address that others reach needs --metrics-token, of 20 characters at least; 127.0.0.1:9464 needs none")
	case s.Traces != "" && s.TracesOneIn < 1:
		return errors.New("--traces-one-in is 1 at least")
	}
	return nil
}

// openOperator is made before what it counts and follows.
func (s *server) openOperator() (err error) {
	c := &s.c.settings
	if c.Traces != "" {
		if s.op.traces, err = span.Open(s.p.ctx, c.Traces, version(), s.lead.node, c.TracesOneIn, s.p.log); err != nil {
			return err
		}
	}
	s.op.gauges = s.p.gauges
	return nil
}

// show begins to answer who reads the figures, once there is all that they tell of.
func (s *server) show() error {
	c := &s.c.settings
	if s.op.gauges == nil {
		return nil
	}
	s.op.gauges.Watch((&census{s: s}).figures)
	listener, err := (&net.ListenConfig{}).Listen(s.p.ctx, "tcp", c.Metrics)
	if err != nil {
		return fmt.Errorf("--metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.op.gauges.Handler())
	s.op.server = &http.Server{Handler: tokened(mux, string(c.MetricsToken)), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 1 << 13}
	go func() {
		var err error
		if c.TLSCert != "" && !loopback(c.Metrics) {
			err = s.op.server.ServeTLS(listener, c.TLSCert, c.TLSKey)
		} else {
			err = s.op.server.Serve(listener)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			s.p.log.Error("metrics", "err", err)
		}
	}()
	s.p.log.Info("metrics", "address", listener.Addr().String())
	return nil
}

// stop ends the listener at once, and waits for the last traces.
func (o *operator) stop(ctx context.Context) error {
	var err error
	if o.server != nil {
		err = o.server.Close()
	}
	if late := o.traces.Close(ctx); late != nil {
		err = errors.Join(err, errors.New("the last traces were not sent"))
	}
	return err
}

// tokened lets in who has the secret, where there is one.
func tokened(next http.Handler, token string) http.Handler {
	if token == "" {
		return next
	}
	want := sha256.Sum256([]byte(token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if got := sha256.Sum256([]byte(given)); subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "a token is needed", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// did tells the gauges of an act.
func (o *operator) did(d engine.Did) {
	o.gauges.Act(d.Form, d.Action, d.Outcome)
	if d.Outcome == "refused" {
		o.gauges.Refused(d.Group, d.Clauses)
	}
}

// measured counts each request by its route, and begins its trace. The route is known when the request has been served; what
// fits none has no name of its own, so that nobody can fill the figures with names.
func (o *operator) measured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin, answered := time.Now(), o.gauges.Asked()
		ctx, s := o.traces.Root(r.Context(), "request")
		r = r.WithContext(ctx)
		a := &answer{ResponseWriter: w}
		defer func() {
			route := r.Pattern
			if route == "" {
				route = "none"
			}
			if a.status == 0 { // nothing was said, or it ended in a panic, which the guard answers
				a.status = http.StatusInternalServerError
			}
			answered(route, a.status, time.Since(begin), strings.HasPrefix(a.Header().Get("Content-Type"), "text/event-stream"))
			s.Name(route)
			s.Count("status", a.status)
			if a.status >= 500 {
				s.Fail("internal")
			}
			s.End()
		}()
		next.ServeHTTP(a, r)
	})
}
