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
	MustEnrol  bool        `json:"must_enrol"`         // nothing but a second factor is open
	EnrolBy    string      `json:"enrol_by,omitempty"` // by when he must have one
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
	FirstRun    bool      `json:"first_run"`              // nobody can sign in yet
	PasskeyHost string    `json:"passkey_host,omitempty"` // browsers at this host can use passkeys
	SSO         string    `json:"sso,omitempty"`          // name of the company's sign-on
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
	ses, err := c.s.Auth.Signin(c.ctx(), c.now, in.Account, in.Password, c.r.UserAgent(), c.address())
	if err != nil {
		return err
	}
	return c.entered(ses, "password")
}

// owing is the answer to a right password whose owner has a second factor.
type owing struct {
	Owes       []string `json:"owes"` // totp, passkey, recovery
	CSRF       string   `json:"csrf"`
	CSRFHeader string   `json:"csrf_header"`
}

// entered gives the browser its session and says who one is, or what is still asked for.
func (c *call) entered(ses auth.Session, how string) error {
	http.SetCookie(c.w, c.cookie(sessionCookie, ses.Token, 0))
	if len(ses.Owes) > 0 {
		return c.json(http.StatusAccepted, owing{ses.Owes, ses.CSRF, csrfHeader})
	}
	c.actor.Person = ses.Person
	// Whether the password must be changed is known to Check alone.
	var err error
	if c.principal, err = c.s.Auth.Check(c.ctx(), c.now, ses.Token); err != nil {
		return err
	}
	if err := c.arrived(ses.Person, how); err != nil {
		return err
	}
	m, err := c.me()
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, m)
}

// arrived notes a sign-in. Whoever comes in through a browser he never used is told of it, so that he learns of a stranger.
func (c *call) arrived(person, how string) error {
	kept := ""
	if k, err := c.r.Cookie(c.cookieName(deviceCookie)); err == nil {
		kept = k.Value
	}
	token, strange, err := c.s.Auth.Device(c.ctx(), c.now, person, kept)
	if err != nil {
		return err
	}
	http.SetCookie(c.w, c.cookie(deviceCookie, token, int(auth.DeviceFor.Seconds())))
	asked := map[string]any{"how": how}
	if !strange || c.s.Company.Demo { // there everybody is everybody
		return c.s.Engine.Note(c.ctx(), c.now, c.actor, "base.person", person, "sign_in", asked)
	}
	asked["device"] = "new"
	from := c.address()
	return c.s.Engine.Tell(c.ctx(), c.now, c.actor, person, "sign_in", asked, engine.Text{
		ZH: "你的账号从一个没用过的浏览器登录了（" + from + "）。不是你本人，就马上改密码，并在“我的”里结束其他登录",
		EN: "Your account was used from a browser it never used before (" + from + "). If that was not you, change your password now and end the other sessions on your own page"})
}

// changedWay are the changes of somebody's way in that he is told of, whoever made them.
var changedWay = map[string]engine.Text{
	"password":     {ZH: "你的密码改了", EN: "Your password was changed"},
	"factor":       {ZH: "你的第二因素变了", EN: "Your second factors were changed"},
	"factor_reset": {ZH: "管理员清除了你的第二因素", EN: "An administrator removed your second factors"},
	"reset":        {ZH: "管理员给你做了重设密码的链接", EN: "An administrator made a link to reset your password"},
	"identity":     {ZH: "你的公司账号关联变了", EN: "The company account linked to yours was changed"},
	"token":        {ZH: "以你的名义新建或停用了机器令牌", EN: "A machine token in your name was made or ended"},
}

// note writes into the journal what concerns a person's way in, and tells him.
func (c *call) note(person, action string, asked map[string]any) error {
	if words, ok := changedWay[action]; ok {
		return c.s.Engine.Tell(c.ctx(), c.now, c.actor, person, action, asked, engine.Text{
			ZH: words.ZH + "。不是你要的，马上找管理员", EN: words.EN + ". If you did not want this, see an administrator now"})
	}
	return c.s.Engine.Note(c.ctx(), c.now, c.actor, "base.person", person, action, asked)
}

const (
	sessionCookie = "zg_session"
	deviceCookie  = "zg_device" // says that this browser was here before; opens nothing
	flowCookie    = "zg_flow"   // while the browser is at the identity provider
)

// cookieName has the prefix that ties a cookie to this host and to TLS, where there is TLS: no neighbour of
// the domain can plant one.
func (c *call) cookieName(name string) string {
	if c.secure() {
		return "__Host-" + name
	}
	return name
}

func (c *call) secure() bool { return c.s.Secure || c.r.TLS != nil }

// cookie ends with the browser; the server ends it earlier. Strict would lose the session of who follows a
// link from a mail; Lax and the CSRF token together are enough.
func (c *call) cookie(name, value string, age int) *http.Cookie {
	return &http.Cookie{Name: c.cookieName(name), Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: c.secure(), MaxAge: age}
}

func (c *call) me() (*me, error) {
	self, err := c.s.Engine.Self(c.ctx(), c.now, c.actor)
	if err != nil {
		return nil, err
	}
	m := &me{Self: *self, CSRF: c.principal.CSRF, CSRFHeader: csrfHeader, Clock: handView{instant(c.now), c.s.ManualClock != nil},
		Company: c.s.company(), Version: c.s.Version, MustChange: c.principal.MustChange,
		MustEnrol: c.principal.MustEnrol, EnrolBy: instant(c.principal.EnrolBy)}
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
	http.SetCookie(c.w, c.cookie(sessionCookie, "", -1))
	// Nothing of what was shown stays in the browser. Not "storage": unsent drafts are the person's own and wait for his return.
	c.w.Header().Set("Clear-Site-Data", `"cache"`)
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
	if err := c.s.Auth.ChangePassword(c.ctx(), c.now, c.principal.Person, c.principal.Session, in.Old, in.New, c.address()); err != nil {
		return err
	}
	if err := c.note(c.principal.Person, "password", nil); err != nil {
		return err
	}
	return c.none()
}

func (s *server) company() companyName {
	return companyName{s.Company.Name, s.Company.Demo, s.Engine.Zone()}
}

func company(c *call) error {
	v := companyView{companyName: c.s.company(), ClockManual: c.s.ManualClock != nil, PasskeyHost: c.s.Auth.KeyHost(), SSO: c.s.Auth.SingleSignOn()}
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
	From  []string `json:"from,omitempty"` // addresses it may be used from; none = any
}

type tokenRow struct {
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	Scope  []string `json:"scope"`
	At     string   `json:"at"`
	Ends   string   `json:"ends"`
	LastAt string   `json:"last_at,omitempty"`
	From   []string `json:"from,omitempty"`
	Token  string   `json:"token,omitempty"` // once, when it is made
}

func tokens(c *call) error {
	list, err := c.s.Auth.Tokens(c.ctx(), c.principal.Person)
	if err != nil {
		return err
	}
	rows := []tokenRow{}
	for _, t := range list {
		rows = append(rows, tokenRow{ID: t.ID, Name: t.Name, Scope: t.Scope, At: instant(t.At), Ends: instant(t.Ends), LastAt: instant(t.Last), From: t.Places})
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
	t, secret, err := c.s.Auth.CreateToken(c.ctx(), c.now, c.principal.Person, in.Name, in.Scope, in.From, c.now.AddDate(0, 0, in.Days))
	if err == nil {
		err = c.note(c.principal.Person, "token", map[string]any{"name": t.Name, "scope": t.Scope, "made": true})
	}
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, tokenRow{ID: t.ID, Name: t.Name, Scope: t.Scope, At: instant(t.At), Ends: instant(t.Ends), From: t.Places, Token: secret})
}

func endToken(c *call) error {
	if err := c.s.Auth.EndToken(c.ctx(), c.principal.Person, c.path("id")); err != nil {
		return err
	}
	if err := c.note(c.principal.Person, "token", map[string]any{"made": false}); err != nil {
		return err
	}
	return c.none()
}
