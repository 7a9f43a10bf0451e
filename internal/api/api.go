// Package api is the door for programs: HTTP and JSON under /api. It decodes, asks the engine, and
// writes what it answered; it decides nothing. It knows alert, auth, engine, job, rulebook and fault.
package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"time"

	"zhanggui/internal/alert"
	"zhanggui/internal/attach"
	"zhanggui/internal/auth"
	"zhanggui/internal/engine"
	"zhanggui/internal/job"
	"zhanggui/internal/rulebook"
)

// Deps is what the door needs of the house.
type Deps struct {
	Engine  *engine.Engine
	Auth    *auth.Auth
	Alert   *alert.Service
	Jobs    *job.Queue
	Lib     *rulebook.Library
	Clock   func() time.Time
	Wall    func() time.Time // the machine's own, by which is measured how long something takes; default Clock
	Company Company
	Log     *slog.Logger
	Version string
	// ManualClock is there only in a demonstration.
	ManualClock Hand
	// FirstRun is there only where nobody could sign in when the server started.
	FirstRun FirstRun
	// Journal proves itself to auditors and witnesses; nil where nothing is sealed.
	Journal Log
	// Scan looks at attachments before they are kept; nil where no scanner is set.
	Scan *attach.Scanner
	// Looks is when a stream looks whether its reader may still hear; nil = every two seconds.
	Looks <-chan time.Time
	// Copy is how far the continuous copy has come; nil where none is kept.
	Copy func() *CopyView
	// Ready is why nobody should be sent here although the database answers, such as a stop that is under way; nil = always.
	Ready func() error
	// Secure: browsers reach the server by TLS, so the cookie demands it.
	Secure bool
}

// Hand turns the clock of a demonstration.
type Hand interface {
	Turn(ctx context.Context, to time.Time) (fired int, err error)
}

// FirstRun makes a company and its first administrator, once, for who holds the code printed at the start.
type FirstRun interface {
	// Open tells whether nobody can sign in yet; once somebody can, what the company is called.
	Open(ctx context.Context) (open bool, company string, err error)
	Found(ctx context.Context, now time.Time, code string, by Founder) error
}

// Founder is who begins: company, and the name, account and password of its first administrator.
type Founder struct {
	Company  string `json:"company"`
	Name     string `json:"name"`
	Account  string `json:"account"`
	Password string `json:"password"`
}

// Company is whose installation this is.
type Company struct {
	Name     string
	Demo     bool
	Password string // of all accounts of a demonstration
	Accounts func(context.Context) ([]Account, error)
}

// Account can sign in to a demonstration.
type Account struct {
	Account string `json:"account"`
	Name    string `json:"name"`
	Post    string `json:"post"`
	Unit    string `json:"unit"`
	House   string `json:"house"` // the company of the group
}

type server struct {
	Deps
	mux     *http.ServeMux
	routes  []*route
	gate    *gate
	pace    pace
	streams crowd
	openapi sync.Once
	doc     []byte
}

// New mounts every route of the table.
func New(d Deps) http.Handler {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Wall == nil {
		d.Wall = d.Clock
	}
	s := &server{Deps: d, mux: http.NewServeMux(), gate: newGate(runtime.GOMAXPROCS(0), d.Wall), streams: crowd{n: map[string]int{}}}
	if s.Jobs != nil {
		s.Jobs.Handle(importKind, s.runImport)
		s.Jobs.Handle(exportKind, s.runExport)
	}
	s.routes = s.table()
	for _, r := range s.routes {
		r.check()
		s.mux.Handle(r.method+" "+r.path, s.mount(r))
	}
	s.mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		s.notFound(w, r)
	})
	return s.mux
}

// call is one request on its way.
type call struct {
	s         *server
	w         http.ResponseWriter
	r         *http.Request
	route     *route
	now       time.Time
	principal auth.Principal
	wall      auth.WallLink // the display that asks, of a route for displays
	link      auth.Link     // by which somebody without an account asks, of a route for those
	actor     engine.Actor
	en        bool
	id        string // of the request, for logs and the journal
}

func (c *call) ctx() context.Context     { return c.r.Context() }
func (c *call) path(name string) string  { return c.r.PathValue(name) }
func (c *call) query(name string) string { return c.r.URL.Query().Get(name) }
func (c *call) flag(name string) bool    { return c.query(name) == "1" || c.query(name) == "true" }
func (c *call) say(zh, en string) string {
	if c.en {
		return en
	}
	return zh
}

// json answers with a status.
func (c *call) json(status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(append(b, '\n')) // the reader may have gone; nothing more can be told
	return nil
}

// answer is the commonest handler end: 200 with a value, or an error.
func answer[T any](c *call, v T, err error) error {
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, v)
}

func (c *call) none() error {
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
