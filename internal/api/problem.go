package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"zhanggui/internal/auth"
	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
)

// problem is an error as its reader gets it (RFC 9457, with what this house adds).
type problem struct {
	engine.Problem
	Ref         string   `json:"ref,omitempty"`
	TriesLeft   *int     `json:"tries_left,omitempty"`
	LockedUntil string   `json:"locked_until,omitempty"`
	Current     *current `json:"current,omitempty"`
	Prove       *toProve `json:"prove,omitempty"`
}

// toProve is what a proof must be given for before the act is asked again, where one is wanted for it alone.
type toProve struct {
	For     string      `json:"for"`
	What    engine.Text `json:"what"`
	Changed bool        `json:"changed,omitempty"` // there was a proof, for what it said before
}

// current is what the record is now, for whoever had an older version.
type current struct {
	Etag    string              `json:"etag"`
	Changes []engine.ChangeNote `json:"changes"`
}

// statuses is the only table from kinds of error to HTTP.
var statuses = map[fault.Kind]int{fault.Invalid: 400, fault.Unauthenticated: 401, fault.Forbidden: 403, fault.Stale: 403, fault.NotFound: 404,
	fault.Conflict: 409, fault.Unversioned: 428, fault.TooMany: 429, fault.Unavailable: 503, fault.Internal: 500}

// fail answers an error.
func (c *call) fail(err error) {
	if errors.Is(err, context.Canceled) && c.ctx().Err() != nil {
		return // nobody is there to read it
	}
	p := c.problem(err)
	c.turnedAway(p)
	c.write(p)
}

// turnedAway leaves one line for whoever looks for people trying doors: a rule's no is in the journal, this is the
// rest. Neither query nor body is told; the path names forms and ids only, and a long one is somebody's joke.
func (c *call) turnedAway(p problem) {
	switch p.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests:
		path := c.r.URL.Path
		c.s.Log.Info("refused", "ref", c.id, "status", p.Status, "method", c.r.Method, "path", path[:min(len(path), 200)], "person", c.actor.Person, "from", c.actor.Address)
	}
}

// problem says an error in the shape its reader gets.
func (c *call) problem(err error) problem {
	if r, ok := engine.AsRefusal(err); ok {
		return c.refused(r)
	}
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind == fault.Internal {
		return c.accident(err)
	}
	p := problem{Problem: engine.Problem{Type: "/problem/" + string(f.Kind), Title: c.say(f.ZH, f.EN), Status: statuses[f.Kind], Kind: string(f.Kind)}}
	for _, x := range f.Fields {
		p.Items = append(p.Items, engine.ProblemItem{Field: x.Path, Say: engine.Text{ZH: x.ZH, EN: x.EN}})
	}
	if errors.Is(err, errTooLarge) {
		p.Status = http.StatusRequestEntityTooLarge
	}
	var wrong *auth.Wrong
	var locked *auth.Locked
	var stale *engine.Conflict
	var unproved *engine.Unproved
	switch {
	case errors.As(err, &wrong):
		p.TriesLeft = &wrong.TriesLeft
	case errors.As(err, &locked):
		p.LockedUntil = instant(locked.Until)
	case errors.As(err, &unproved):
		p.Prove = &toProve{unproved.Of, unproved.What, errors.Is(err, auth.ErrOtherContent)}
	case errors.As(err, &stale):
		p.Current = c.current(stale)
	}
	if f.Kind == fault.TooMany || f.Kind == fault.Unavailable {
		c.w.Header().Set("Retry-After", "5")
	}
	return p
}

// refused answers a rule's no.
func (c *call) refused(r *engine.Refusal) problem {
	x, err := c.s.Engine.Explain(c.ctx(), c.now, c.actor, r)
	if err != nil {
		return c.accident(err)
	}
	p := problem{Problem: *x}
	p.Title = c.say(x.TitleT.ZH, x.TitleT.EN)
	if len(p.Items) > 0 {
		p.Detail = c.say(p.Items[0].Say.ZH, p.Items[0].Say.EN)
	}
	return p
}

// current says what others changed meanwhile.
func (c *call) current(stale *engine.Conflict) *current {
	etag, changes, err := c.s.Engine.ChangesSince(c.ctx(), c.now, c.actor, c.path("key"), c.path("id"), c.etag())
	if err != nil {
		return &current{Etag: stale.Etag, Changes: []engine.ChangeNote{}}
	}
	return &current{Etag: etag, Changes: changes}
}

// accident answers our own mistake: the reader gets a reference, the operator the chain.
func (c *call) accident(err error) problem {
	c.s.Log.Error("request failed", "ref", c.id, "method", c.r.Method, "path", c.route.path, "err", err.Error())
	return problem{Ref: c.id, Problem: engine.Problem{Type: "/problem/internal", Status: 500, Kind: "internal",
		Title: c.say("抱歉，系统出错，没有记下。编号 "+c.id, "Sorry, something broke; nothing was recorded. Ref "+c.id)}}
}

func (c *call) write(p problem) {
	b, err := json.Marshal(p)
	if err != nil {
		b = []byte(`{"type":"/problem/internal","title":"internal","status":500,"kind":"internal"}`)
		p.Status = 500
	}
	h := c.w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Del("Content-Disposition")
	h.Del("ETag")
	c.w.WriteHeader(p.Status)
	_, _ = c.w.Write(append(b, '\n'))
}

// notFound answers paths and methods nobody mounted.
func (s *server) notFound(w http.ResponseWriter, r *http.Request) {
	c := s.newCall(w, r, &route{path: r.URL.Path})
	c.fail(fault.New(fault.NotFound, "没有这个地址", "There is no such address"))
}
