package api

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"

	"zhanggui/internal/auth"
	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
)

const (
	csrfHeader = "X-CSRF-Token"
	// unattended marks what a page asks by itself while nobody sits before it: it does not keep a session alive.
	unattended = "X-Unattended"
)

// mount puts the guards every request passes before a route's handler. The order matters: nothing is read of a
// body before it is known whose it is.
func (s *server) mount(rt *route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := s.newCall(w, r, rt)
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				c.write(c.accident(fmt.Errorf("panic: %v\n%s", p, debug.Stack())))
			}
		}()
		r.Body = http.MaxBytesReader(w, r.Body, rt.limit)
		if err := c.guard(); err != nil {
			c.fail(err)
			return
		}
		leave, err := c.seat()
		if err != nil {
			c.fail(err)
			return
		}
		defer leave()
		if err := rt.do(c); err != nil {
			c.fail(err)
		}
	})
}

func (s *server) newCall(w http.ResponseWriter, r *http.Request, rt *route) *call {
	c := &call{s: s, w: w, r: r, route: rt, now: s.Clock(), id: newReference()}
	c.en = english(r.Header.Get("Accept-Language"))
	h := w.Header()
	h.Set("X-Request-ID", c.id)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Add("Vary", "Accept-Language, Cookie, Authorization")
	return c
}

// guard asks who it is, whether this route is for him, and whether it is really he who asks.
func (c *call) guard() error {
	if err := c.identify(); err != nil {
		return err
	}
	if c.route.unsafe {
		if err := c.sameOrigin(); err != nil {
			return err
		}
		if len(c.r.Header.Get("Idempotency-Key")) > 200 {
			return fault.At("Idempotency-Key", "幂等键太长", "The idempotency key is too long")
		}
	}
	return c.entitled()
}

// identify reads the session cookie or the machine token.
func (c *call) identify() error {
	host := c.address()
	c.actor = engine.Actor{Origin: "web", Address: host, Request: c.id}
	if c.route.who == public {
		return nil
	}
	var err error
	if c.route.who == holder {
		return c.bearer()
	}
	if c.route.who == screen {
		token, _ := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
		c.wall, err = c.s.Auth.CheckWallLink(c.ctx(), c.now, token)
		return err
	}
	if h := c.r.Header.Get("Authorization"); h != "" {
		token, ok := strings.CutPrefix(h, "Bearer ")
		if !ok {
			return fault.New(fault.Unauthenticated, "请先登录", "Please sign in")
		}
		c.actor.Origin = "api"
		c.principal, err = c.s.Auth.CheckToken(c.ctx(), c.now, token, host)
	} else {
		token := ""
		if k, e := c.r.Cookie(c.cookieName(sessionCookie)); e == nil {
			token = k.Value
		}
		if c.route.stream || c.r.Header.Get(unattended) != "" {
			c.principal, err = c.s.Auth.Peek(c.ctx(), c.now, token)
		} else {
			c.principal, err = c.s.Auth.Check(c.ctx(), c.now, token)
		}
	}
	if err == nil && c.principal.Owes != (c.route.who == half) {
		err = fault.New(fault.Unauthenticated, "请先登录", "Please sign in")
	}
	c.actor.Person, c.actor.Stale, c.actor.Prove = c.principal.Person, c.principal.Stale, c.s.Auth.Prover(c.now, c.principal)
	return err
}

func (c *call) address() string {
	host, _, err := net.SplitHostPort(c.r.RemoteAddr)
	if err != nil {
		return c.r.RemoteAddr
	}
	return host
}

// sameOrigin keeps other sites from acting with a visitor's cookie: the token must come along, and where the
// browser says which page sent the request, it must be one of ours.
func (c *call) sameOrigin() error {
	no := fault.New(fault.Forbidden, "请求不是从本系统的页面发出的，请刷新后再试", "The request did not come from a page of this system; reload and try again")
	if o := c.r.Header.Get("Origin"); o != "" {
		u, err := url.Parse(o)
		if err != nil || u.Host == "" || !strings.EqualFold(u.Host, c.r.Host) {
			return no
		}
	}
	if site := c.r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		return no
	}
	if c.principal.Session == "" {
		return nil // no cookie is involved
	}
	if subtle.ConstantTimeCompare([]byte(c.r.Header.Get(csrfHeader)), []byte(c.principal.CSRF)) != 1 {
		return no
	}
	return nil
}

// entitled asks whether this principal may use the route at all.
func (c *call) entitled() error {
	p := c.principal
	switch c.route.who {
	case public, signed, half, screen, holder:
	case own:
		if p.Session == "" {
			return notForMachines()
		}
	case browser:
		if p.Session == "" {
			return notForMachines()
		}
		fallthrough
	case person:
		if p.MustChange {
			return fault.New(fault.Forbidden, "请先改密码，再办别的", "Change your password first")
		}
		if p.MustEnrol {
			return fault.New(fault.Forbidden, "请先设好第二因素，再办别的", "Set up your second factor first")
		}
	}
	if p.Token != "" && !scoped(p, c.route.unsafe && !c.route.reads) {
		return fault.New(fault.Forbidden, "这个令牌只能读，不能改", "This token may read, not change")
	}
	if err := c.rightful(); err != nil {
		return err
	}
	// Asked last: nobody types his password to learn that the page is not for him.
	if c.route.fresh && p.Stale {
		if p.Token != "" {
			return notForMachines()
		}
		return fault.Again()
	}
	return nil
}

func notForMachines() error {
	return fault.New(fault.Forbidden, "令牌不能办这件事", "A machine token cannot do this")
}

// rightful asks whether this person has the right the route names.
func (c *call) rightful() error {
	switch c.route.right {
	case "":
		return nil
	case "audit":
		for _, role := range []string{"auditor", "admin"} {
			if ok, err := c.s.Engine.Has(c.ctx(), c.now, c.actor, role); ok || err != nil {
				return err
			}
		}
	default:
		if ok, err := c.s.Engine.Has(c.ctx(), c.now, c.actor, c.route.right); ok || err != nil {
			return err
		}
	}
	if c.route.right == "audit" {
		return fault.New(fault.Forbidden, "这一页只给管理员或稽核看", "This is for administrators or auditors")
	}
	return fault.New(fault.Forbidden, "这一页只给管理员看", "This is for administrators")
}

// scoped reads a token's words: read opens what changes nothing, write the rest too.
func scoped(p auth.Principal, unsafe bool) bool {
	for _, s := range p.Scope {
		if s == "write" || s == "read" && !unsafe {
			return true
		}
	}
	return false
}

// english tells whether the reader wants English before Chinese.
func english(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		tag := strings.ToLower(strings.TrimSpace(part))
		switch {
		case strings.HasPrefix(tag, "zh"):
			return false
		case strings.HasPrefix(tag, "en"):
			return true
		}
	}
	return false
}

// newReference names a request, so that the reader can quote it and the operator find it.
func newReference() string {
	var b [4]byte
	_, _ = rand.Read(b[:])
	return "E-" + strings.ToUpper(hex.EncodeToString(b[:]))
}
