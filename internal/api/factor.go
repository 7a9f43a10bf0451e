package api

import (
	"encoding/json"
	"net/http"
	"strings"

	"zhanggui/internal/auth"
	"zhanggui/internal/fault"
)

// proofBody proves who somebody is: by one of a code, a password, or the answer of a passkey to the challenge of a ticket.
type proofBody struct {
	Code     string          `json:"code,omitempty"`
	Password string          `json:"password,omitempty"`
	Ticket   string          `json:"ticket,omitempty"`
	Answer   json.RawMessage `json:"answer,omitempty"`
	Name     string          `json:"name,omitempty"` // of a new passkey
	For      string          `json:"for,omitempty"`  // what alone it is to prove: the "for" of a problem of kind stale
}

type challenge struct {
	Ticket  string `json:"ticket"`
	Options any    `json:"options"` // of navigator.credentials, JSON form
}

func askPasskey(c *call) error {
	ask, err := c.s.Auth.AskPasskey(c.ctx(), c.now)
	return answer(c, challenge(ask), err)
}

func signInByKey(c *call) error {
	var in proofBody
	if err := c.decode(&in); err != nil {
		return err
	}
	ses, err := c.s.Auth.SigninPasskey(c.ctx(), c.now, in.Ticket, in.Answer, c.r.UserAgent(), c.address())
	if err != nil {
		return err
	}
	return c.entered(ses, "passkey")
}

func owes(c *call) error {
	list, err := c.s.Auth.Means(c.ctx(), c.principal.Person)
	return answer(c, owing{list, c.principal.CSRF, csrfHeader}, err)
}

func secondFactor(c *call) error {
	var in proofBody
	if err := c.decode(&in); err != nil {
		return err
	}
	var ses auth.Session
	var err error
	how := "second factor"
	if in.Ticket != "" {
		how = "passkey"
		ses, err = c.s.Auth.SecondPasskey(c.ctx(), c.now, c.principal, in.Ticket, in.Answer, c.r.UserAgent(), c.address())
	} else {
		ses, err = c.s.Auth.Second(c.ctx(), c.now, c.principal, in.Code, c.r.UserAgent(), c.address())
	}
	if err != nil {
		return err
	}
	return c.entered(ses, how)
}

// freshAnswer comes with a new session token, so the page's own changes too.
type freshAnswer struct {
	CSRF string `json:"csrf"`
}

func prove(c *call) error {
	var in proofBody
	if err := c.decode(&in); err != nil {
		return err
	}
	if in.For != "" {
		return c.proveOne(in)
	}
	var ses auth.Session
	var err error
	if in.Ticket != "" {
		ses, err = c.s.Auth.ConfirmPasskey(c.ctx(), c.now, c.principal, in.Ticket, in.Answer)
	} else {
		ses, err = c.s.Auth.Confirm(c.ctx(), c.now, c.principal, in.Password, c.address())
	}
	if err != nil {
		return err
	}
	http.SetCookie(c.w, c.cookie(sessionCookie, ses.Token, 0))
	return c.json(http.StatusOK, freshAnswer{ses.CSRF})
}

// proveOne keeps a proof of one decision. Nothing else becomes fresh by it, and the session goes on as it was.
func (c *call) proveOne(in proofBody) error {
	var err error
	if in.Ticket != "" {
		err = c.s.Auth.ProveForPasskey(c.ctx(), c.now, c.principal, in.Ticket, in.Answer)
	} else {
		err = c.s.Auth.ProveFor(c.ctx(), c.now, c.principal, in.For, in.Password, in.Code, c.address())
	}
	return answer(c, freshAnswer{c.principal.CSRF}, err)
}

type forBody struct {
	For string `json:"for"`
}

func askPasskeyFor(c *call) error {
	var in forBody
	if err := c.decode(&in); err != nil {
		return err
	}
	ask, err := c.s.Auth.AskPasskeyFor(c.ctx(), c.now, c.principal, in.For)
	return answer(c, challenge(ask), err)
}

type factorRow struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"` // totp, passkey, recovery
	Name   string `json:"name,omitempty"`
	At     string `json:"at"`
	LastAt string `json:"last_at,omitempty"`
	Left   int    `json:"left,omitempty"` // recovery codes not yet used
}

type identityRow struct {
	ID      string `json:"id"`
	Subject string `json:"subject"`
	At      string `json:"at"`
	LastAt  string `json:"last_at,omitempty"`
}

type factorView struct {
	Factors    []factorRow   `json:"factors"`
	Identities []identityRow `json:"identities"`
	EnrolBy    string        `json:"enrol_by,omitempty"` // by when a second factor must be there
}

func factors(c *call) error {
	list, by, err := c.s.Auth.Factors(c.ctx(), c.now, c.principal.Person)
	if err != nil {
		return err
	}
	v := factorView{Factors: []factorRow{}, Identities: []identityRow{}, EnrolBy: instant(by)}
	for _, f := range list {
		if f.Confirmed {
			v.Factors = append(v.Factors, factorRow{f.ID, f.Kind, f.Name, instant(f.At), instant(f.Last), f.Left})
		}
	}
	known, err := c.s.Auth.Identities(c.ctx(), c.principal.Person)
	for _, x := range known {
		v.Identities = append(v.Identities, identityRow{x.ID, x.Subject, instant(x.At), instant(x.Last)})
	}
	return answer(c, v, err)
}

type enrolment struct {
	Secret string `json:"secret"` // as one types it
	URI    string `json:"uri"`
	Image  string `json:"image"` // SVG of the QR code
}

func enrolCode(c *call) error {
	e, err := c.s.Auth.EnrolCode(c.ctx(), c.now, c.principal.Person)
	return answer(c, enrolment(e), err)
}

type codeBody struct {
	Code string `json:"code"`
}

func confirmCode(c *call) error {
	var in codeBody
	if err := c.decode(&in); err != nil {
		return err
	}
	return c.changed("totp", true, c.s.Auth.ConfirmCode(c.ctx(), c.now, c.principal.Person, c.principal.Session, in.Code))
}

// changed ends a change of one's own second factors: it is in the journal.
func (c *call) changed(kind string, made bool, err error) error {
	if err == nil {
		err = c.note(c.principal.Person, "factor", map[string]any{"kind": kind, "made": made})
	}
	if err != nil {
		return err
	}
	return c.none()
}

type recovery struct {
	Codes []string `json:"codes"`
}

func newRecovery(c *call) error {
	codes, err := c.s.Auth.NewRecovery(c.ctx(), c.now, c.principal.Person)
	return answer(c, recovery{codes}, err)
}

func confirmRecovery(c *call) error {
	var in codeBody
	if err := c.decode(&in); err != nil {
		return err
	}
	return c.changed("recovery", true, c.s.Auth.ConfirmRecovery(c.ctx(), c.now, c.principal.Person, in.Code))
}

func enrolPasskey(c *call) error {
	ask, err := c.s.Auth.EnrolPasskey(c.ctx(), c.now, c.principal.Person)
	return answer(c, challenge(ask), err)
}

func addPasskey(c *call) error {
	var in proofBody
	if err := c.decode(&in); err != nil {
		return err
	}
	return c.changed("passkey", true, c.s.Auth.AddPasskey(c.ctx(), c.now, c.principal.Person, c.principal.Session, in.Name, in.Ticket, in.Answer))
}

func removeFactor(c *call) error {
	return c.changed("", false, c.s.Auth.RemoveFactor(c.ctx(), c.now, c.principal.Person, c.principal.Session, c.path("id")))
}

type resetBody struct {
	Token string `json:"token"`
	New   string `json:"new"`
}

func reset(c *call) error {
	var in resetBody
	if err := c.decode(&in); err != nil {
		return err
	}
	who, err := c.s.Auth.Reset(c.ctx(), c.now, strings.TrimSpace(in.Token), in.New)
	if err != nil {
		return err
	}
	c.actor.Person = who
	if err := c.note(who, "password", map[string]any{"how": "reset"}); err != nil {
		return err
	}
	return c.none()
}

// other is the person an administrator acts on: one he can see, and not himself.
func (c *call) other() (string, error) {
	id := c.path("id")
	if _, ok := c.s.Engine.Sees(c.ctx(), c.now, c.actor, "base.person", id); !ok {
		return "", fault.Missing("person", id)
	}
	if id == c.principal.Person {
		return "", fault.New(fault.Forbidden, "自己的登录要由另一位管理员来办", "For your own sign-in another administrator must act")
	}
	return id, nil
}

type resetAnswer struct {
	Link  string `json:"link"`
	Until string `json:"until"`
}

func resetOther(c *call) error {
	id, err := c.other()
	if err != nil {
		return err
	}
	token, until, err := c.s.Auth.NewReset(c.ctx(), c.now, id)
	if err != nil {
		return err
	}
	if err := c.note(id, "reset", nil); err != nil {
		return err
	}
	return c.json(http.StatusOK, resetAnswer{c.s.Auth.ResetLink(token), instant(until)})
}

type reasonBody struct {
	Reason string `json:"reason"`
}

func forgetFactors(c *call) error {
	var in reasonBody
	if err := c.decode(&in); err != nil {
		return err
	}
	id, err := c.other()
	if err != nil {
		return err
	}
	if len([]rune(strings.TrimSpace(in.Reason))) < 4 {
		return fault.At("reason", "请写明他怎样证明了是本人", "Say how he proved who he is")
	}
	if err := c.s.Auth.ForgetFactors(c.ctx(), id); err != nil {
		return err
	}
	if err := c.note(id, "factor_reset", map[string]any{"reason": in.Reason}); err != nil {
		return err
	}
	return c.none()
}

func endAllOf(c *call) error {
	id := c.path("id")
	if _, ok := c.s.Engine.Sees(c.ctx(), c.now, c.actor, "base.person", id); !ok {
		return fault.Missing("person", id)
	}
	if err := c.s.Auth.EndAll(c.ctx(), id, c.principal.Session); err != nil {
		return err
	}
	if err := c.note(id, "sign_out", nil); err != nil {
		return err
	}
	return c.none()
}
