package api

import (
	"net/http"
	"time"

	"zhanggui/internal/auth"
	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
)

type signInBody struct {
	Account  string `json:"account"`
	Password string `json:"password"`
}

type passwordBody struct {
	Old string `json:"old"`
	New string `json:"new"`
}

// me is who I am and what the frame of every page needs.
type me struct {
	engine.Self
	CSRF       string      `json:"csrf"`
	CSRFHeader string      `json:"csrf_header"`
	Clock      handView    `json:"clock"`
	Company    companyName `json:"company"`
	Counts     meCounts    `json:"counts"`
	Version    string      `json:"version"`
	MustChange bool        `json:"must_change"`
}

type meCounts struct {
	Late   int   `json:"late"`
	Today  int   `json:"today"`
	Notice int64 `json:"notice"`
}

type companyName struct {
	Name string `json:"name"`
	Demo bool   `json:"demo"`
	Zone string `json:"zone"` // of the company's wall clock, "Asia/Shanghai"
}

type companyView struct {
	companyName
	Accounts    []Account `json:"accounts,omitempty"`
	Password    string    `json:"password,omitempty"`
	ClockManual bool      `json:"clock_manual"`
	FirstRun    bool      `json:"first_run"` // nobody can sign in yet
}

type sessionRow struct {
	ID      string `json:"id"`
	At      string `json:"at"`
	LastAt  string `json:"last_at"`
	Agent   string `json:"agent"`
	Address string `json:"address"`
	Current bool   `json:"current"`
}

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

func signIn(c *call) error {
	var in signInBody
	if err := c.decode(&in); err != nil {
		return err
	}
	ses, csrf, err := c.s.Auth.Signin(c.ctx(), c.now, in.Account, in.Password, c.r.UserAgent(), c.address())
	if err != nil {
		return err
	}
	c.actor.Person = ses.Person
	c.principal = auth.Principal{Person: ses.Person, Session: ses.ID, CSRF: csrf}
	// Whether the password must be changed is known to Check alone.
	if c.principal, err = c.s.Auth.Check(c.ctx(), c.now, ses.Token); err != nil {
		return err
	}
	http.SetCookie(c.w, c.cookie(ses.Token, 0))
	m, err := c.me()
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, m)
}

// cookie ends with the browser; the server ends it earlier. Strict would lose the session of who follows a
// link from a mail; Lax and the CSRF token together are enough.
func (c *call) cookie(token string, age int) *http.Cookie {
	return &http.Cookie{Name: cookieName, Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: c.s.Secure || c.r.TLS != nil, MaxAge: age}
}

func (c *call) me() (*me, error) {
	self, err := c.s.Engine.Self(c.ctx(), c.now, c.actor)
	if err != nil {
		return nil, err
	}
	m := &me{Self: *self, CSRF: c.principal.CSRF, CSRFHeader: csrfHeader, Clock: handView{instant(c.now), c.s.ManualClock != nil},
		Company: c.s.company(), Version: c.s.Version, MustChange: c.principal.MustChange}
	if c.s.ManualClock != nil {
		m.Rights = append(m.Rights, "clock")
	}
	n, err := c.s.Engine.Counts(c.ctx(), c.now, c.actor)
	if err != nil {
		return nil, err
	}
	m.Counts = meCounts{Late: n.Late, Today: n.Today}
	list, err := c.s.Engine.Notices(c.ctx(), c.now, c.actor)
	if err != nil {
		return nil, err
	}
	m.Counts.Notice = list.Unread
	return m, nil
}

func whoAmI(c *call) error {
	m, err := c.me()
	return answer(c, m, err)
}

func signOut(c *call) error {
	if c.principal.Session != "" {
		if err := c.s.Auth.End(c.ctx(), c.principal.Person, c.principal.Session); err != nil && fault.KindOf(err) != fault.NotFound {
			return err
		}
	}
	http.SetCookie(c.w, c.cookie("", -1))
	return c.none()
}

func sessions(c *call) error {
	list, err := c.s.Auth.List(c.ctx(), c.now, c.principal.Person)
	if err != nil {
		return err
	}
	rows := []sessionRow{}
	for _, x := range list {
		rows = append(rows, sessionRow{x.ID, instant(x.At), instant(x.Last), x.Agent, x.Address, x.ID == c.principal.Session})
	}
	return c.json(http.StatusOK, rows)
}

func endSession(c *call) error {
	if err := c.s.Auth.End(c.ctx(), c.principal.Person, c.path("id")); err != nil {
		return err
	}
	return c.none()
}

func changePassword(c *call) error {
	var in passwordBody
	if err := c.decode(&in); err != nil {
		return err
	}
	if c.principal.Session == "" {
		return fault.New(fault.Forbidden, "令牌不能办这件事", "A machine token cannot do this")
	}
	if err := c.s.Auth.ChangePassword(c.ctx(), c.now, c.principal.Person, c.principal.Session, in.Old, in.New, c.address()); err != nil {
		return err
	}
	return c.none()
}

func (s *server) company() companyName {
	return companyName{s.Company.Name, s.Company.Demo, s.Engine.Zone()}
}

func company(c *call) error {
	v := companyView{companyName: c.s.company(), ClockManual: c.s.ManualClock != nil}
	if c.s.FirstRun != nil {
		open, name, err := c.s.FirstRun.Open(c.ctx())
		if err != nil {
			return err
		}
		if v.FirstRun = open; v.Name == "" {
			v.Name = name // the administrator was made by command since this door was hung
		}
	}
	if v.Demo {
		v.Password = c.s.Company.Password
		if c.s.Company.Accounts != nil {
			var err error
			if v.Accounts, err = c.s.Company.Accounts(c.ctx()); err != nil {
				return err
			}
		}
	}
	return c.json(http.StatusOK, v)
}

type foundBody struct {
	Code string `json:"code"`
	Founder
}

func found(c *call) error {
	var in foundBody
	if err := c.decode(&in); err != nil {
		return err
	}
	if err := c.s.FirstRun.Found(c.ctx(), c.now, in.Code, in.Founder); err != nil {
		return err
	}
	return c.none()
}

type tokenBody struct {
	Name  string   `json:"name"`
	Scope []string `json:"scope"`
	Days  int      `json:"days"`
}

type tokenRow struct {
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	Scope  []string `json:"scope"`
	At     string   `json:"at"`
	Ends   string   `json:"ends"`
	LastAt string   `json:"last_at,omitempty"`
	Token  string   `json:"token,omitempty"` // once, when it is made
}

func tokens(c *call) error {
	list, err := c.s.Auth.Tokens(c.ctx(), c.principal.Person)
	if err != nil {
		return err
	}
	rows := []tokenRow{}
	for _, t := range list {
		rows = append(rows, tokenRow{ID: t.ID, Name: t.Name, Scope: t.Scope, At: instant(t.At), Ends: instant(t.Ends), LastAt: instant(t.Last)})
	}
	return c.json(http.StatusOK, rows)
}

func createToken(c *call) error {
	var in tokenBody
	if err := c.decode(&in); err != nil {
		return err
	}
	for _, s := range in.Scope {
		if s != "read" && s != "write" {
			return fault.At("scope", "权限只有 read 和 write", "A scope is read or write")
		}
	}
	if in.Days == 0 {
		in.Days = 90
	}
	t, secret, err := c.s.Auth.CreateToken(c.ctx(), c.now, c.principal.Person, in.Name, in.Scope, c.now.AddDate(0, 0, in.Days))
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, tokenRow{ID: t.ID, Name: t.Name, Scope: t.Scope, At: instant(t.At), Ends: instant(t.Ends), Token: secret})
}

func endToken(c *call) error {
	if err := c.s.Auth.EndToken(c.ctx(), c.principal.Person, c.path("id")); err != nil {
		return err
	}
	return c.none()
}

type oneTimeAnswer struct {
	Password string `json:"password"`
}

func oneTime(c *call) error {
	id := c.path("id")
	if _, ok := c.s.Engine.Sees(c.ctx(), c.now, c.actor, "base.person", id); !ok {
		return fault.Missing("person", id)
	}
	p, err := c.s.Auth.OneTime(c.ctx(), c.now, id)
	if err != nil {
		return err
	}
	if err := c.s.Engine.Note(c.ctx(), c.now, c.actor, "base.person", id, "password", nil); err != nil {
		return err
	}
	return c.json(http.StatusOK, oneTimeAnswer{p})
}
