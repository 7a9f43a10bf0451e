package api

import (
	"errors"
	"net/http"

	"zhanggui/internal/auth"
	"zhanggui/internal/fault"
)

type returnBody struct {
	Return string `json:"return,omitempty"` // a path of this installation to go to afterwards
}

type redirect struct {
	URL string `json:"url"`
}

func startSSO(c *call) error {
	var in returnBody
	if err := c.optional(&in); err != nil {
		return err
	}
	return c.toProvider(auth.Principal{}, in.Return)
}

func linkSelf(c *call) error { return c.toProvider(c.principal, "/me") }

// toProvider sends the browser to the identity provider. The cookie comes back with it and with nobody else.
func (c *call) toProvider(p auth.Principal, back string) error {
	address, state, err := c.s.Auth.StartSSO(c.ctx(), c.now, p, back)
	if err != nil {
		return err
	}
	http.SetCookie(c.w, c.cookie(flowCookie, state, 600))
	return c.json(http.StatusOK, redirect{address})
}

// finishSSO ends in a page, not in JSON: it is a browser that comes back. What went wrong is a word in the address, which
// the sign-in page says in full; nothing the provider sent is shown.
func finishSSO(c *call) error {
	kept := func(name string) string {
		if k, err := c.r.Cookie(c.cookieName(name)); err == nil {
			return k.Value
		}
		return ""
	}
	http.SetCookie(c.w, c.cookie(flowCookie, "", -1))
	session := ""
	if p, err := c.s.Auth.Peek(c.ctx(), c.now, kept(sessionCookie)); err == nil {
		session = p.Session
	}
	ses, back, err := c.s.Auth.FinishSSO(c.ctx(), c.now, c.query("state"), kept(flowCookie), c.query("code"), session, c.r.UserAgent(), c.address())
	var unlinked *auth.Unlinked
	var taken *fault.Error
	switch {
	case errors.As(err, &unlinked):
		return c.sentBack("/?sso=unlinked", err)
	case errors.As(err, &taken) && taken.Kind == fault.Conflict:
		return c.sentBack("/me?sso=taken", err)
	case errors.As(err, &taken) && taken.Kind == fault.Unavailable:
		return c.sentBack("/?sso=away", err)
	case err != nil && fault.KindOf(err) != fault.Unauthenticated && fault.KindOf(err) != fault.NotFound:
		return err
	case err != nil:
		return c.sentBack("/?sso=refused", err)
	case ses.Token == "": // linked
		c.actor.Person = ses.Person
		if err := c.note(c.actor.Person, "identity", map[string]any{"made": true}); err != nil {
			return err
		}
		return c.goTo("/me?sso=linked")
	}
	http.SetCookie(c.w, c.cookie(sessionCookie, ses.Token, 0))
	if len(ses.Owes) > 0 {
		return c.goTo("/?sso=second")
	}
	c.actor.Person = ses.Person
	if err := c.arrived(ses.Person, "oidc"); err != nil {
		return err
	}
	return c.goTo(back)
}

// sentBack is a refusal that ends in a page: the reason is for who looks after the installation.
func (c *call) sentBack(page string, err error) error {
	var unlinked *auth.Unlinked
	subject := ""
	if errors.As(err, &unlinked) {
		subject = unlinked.Subject
	}
	c.s.Log.Info("refused", "ref", c.id, "status", http.StatusUnauthorized, "method", c.r.Method, "path", c.route.path, "from", c.actor.Address, "why", err.Error(), "subject", subject)
	return c.goTo(page)
}

// goTo sends the browser to a page of ours.
func (c *call) goTo(path string) error {
	h := c.w.Header()
	h.Set("Location", path)
	h.Set("Referrer-Policy", "no-referrer") // the address held a code
	c.w.WriteHeader(http.StatusSeeOther)
	return nil
}

func unlink(c *call) error {
	if err := c.s.Auth.Unlink(c.ctx(), c.principal.Person, c.principal.Session, c.path("id")); err != nil {
		return err
	}
	if err := c.note(c.principal.Person, "identity", map[string]any{"made": false}); err != nil {
		return err
	}
	return c.none()
}

type subjectBody struct {
	Subject string `json:"subject"`
}

func linkOther(c *call) error {
	var in subjectBody
	if err := c.decode(&in); err != nil {
		return err
	}
	id, err := c.other()
	if err != nil {
		return err
	}
	if err := c.s.Auth.LinkIdentity(c.ctx(), c.now, id, in.Subject); err != nil {
		return err
	}
	if err := c.note(id, "identity", map[string]any{"made": true}); err != nil {
		return err
	}
	return c.none()
}
