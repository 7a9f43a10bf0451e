package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"zhanggui/internal/attach"
	"zhanggui/internal/auth"
	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/gauge"
	"zhanggui/internal/job"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/scheduler"
	"zhanggui/internal/store"
	"zhanggui/web"
)

type serveCommand struct {
	settings
}

// server is one running installation.
type server struct {
	p        *program
	c        *serveCommand
	db       *store.DB
	keys     *keyring
	auth     *auth.Auth
	clock    *clock
	seal     *sealer
	codes    []byte // key of the secrets of one-time codes
	alerts   *alerts
	jobs     *job.Queue
	scan     *attach.Scanner
	lead     *lead
	copy     *copier // nil = none is kept
	relay    *relay
	sched    *scheduler.Scheduler
	op       operator
	public   *http.Server // of people without an account; nil = they come to the staff's
	now      atomic.Pointer[running]
	company  string
	password string // of a demonstration's accounts
	demo     bool
	first    *firstRun // until somebody can sign in
	using    sync.Mutex
	files    fs.FS             // of the rulebooks
	offered  *rulebook.Library // what they say, approved or not
	older    map[string]engine.Older
	waiting  string      // the regulations whose text is not approved
	approved string      // when the last was
	leaving  atomic.Bool // the balancer is told to send nobody any more
	stopping chan struct{}
}

// running is what depends on the rulebooks. A reload in development replaces it whole.
type running struct {
	lib    *rulebook.Library
	engine *engine.Engine
	api    http.Handler
}

// Tick knocks on the door of the engine that is running now, if this node has the timers.
func (s *server) Tick(ctx context.Context, now time.Time) (int, time.Time, error) {
	if s.lead != nil && !s.clock.manual { // by hand it is turned on the node where the hand is
		var mine bool
		if ctx, mine = s.lead.fence(ctx); !mine {
			return 0, time.Time{}, nil
		}
	}
	ctx, way := s.op.traces.Root(ctx, "tick")
	defer way.End()
	n, next, err := s.now.Load().engine.Tick(ctx, now)
	if handedOver(err) {
		return n, time.Time{}, nil
	}
	return n, next, err
}

// ready is why nobody should be sent here.
func (s *server) ready() error {
	if s.leaving.Load() {
		return fault.New(fault.Unavailable, "这台服务器正在停", "This server is stopping")
	}
	return s.clock.behind()
}

// drain is how long the last answers may take after the signal to stop.
const drain = 10 * time.Second

func (c *serveCommand) Run(p *program, common *Common) error {
	if err := c.check(); err != nil {
		return err
	}
	if c.Metrics != "" {
		p.gauges = gauge.New(version())
		p.log = slog.New(p.gauges.Log(p.log.Handler()))
	}
	fsys, err := common.books()
	if c.Dev != "" {
		fsys, err = folder(c.Dev)
	}
	if err != nil {
		return err
	}
	// What was only for compiling goes back to the system below; the less garbage lies between what stays, the more of it can. Afterwards an act
	// makes much that is thrown away at once, beside some 35 MB of law: collecting half as often costs memory under load alone.
	lib, err := p.load(fsys)
	if err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" { // else it is the operator's word
		debug.SetGCPercent(200)
	}
	c.demoDefaults()
	if file, ok := sqliteFile(c.Database); ok && c.Demo {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			if err := p.makeDemoFile(p.ctx, file, c.Store, fsys, lib, "", demoSeed); err != nil {
				return err
			}
		}
	}
	address, err := c.copyAddress()
	if err != nil {
		return err
	}
	db, err := p.open(p.ctx, address, lib)
	if err != nil {
		return err
	}
	s := &server{p: p, c: c, db: db, stopping: make(chan struct{})}
	if s.keys, err = p.keyring(p.ctx, c.Keys, c.Database, db); err != nil {
		return errors.Join(err, db.Close())
	}
	around, end := context.WithCancel(context.WithoutCancel(p.ctx)) // until the last answer is given
	go s.endSilent(around, "data", db)                              // before the lease is looked at, for which a start waits
	go s.endSilent(around, "keys", s.keys.db)
	err = s.run(fsys, lib)
	end()
	return errors.Join(err, s.keys.Close(), db.Close())
}

// demoDefaults keeps the demonstration's files apart from a real company's.
func (s *settings) demoDefaults() {
	if !s.Demo {
		return
	}
	if s.Database == "sqlite:data/zhanggui.db" {
		s.Database = "sqlite:data/demo.db"
	}
	if s.Key == "data/journal.key" {
		s.Key = "data/demo.key"
	}
	if s.Idle == 15*time.Minute {
		s.Idle = 8 * time.Hour // who shows it should not have to sign in again after lunch
	}
}

func (s *server) run(fsys fs.FS, lib *rulebook.Library) error {
	ctx, halt := context.WithCancelCause(s.p.ctx)
	defer halt(nil)
	if err := s.checkDemo(ctx, fsys, lib); err != nil {
		return err
	}
	var err error
	if err := notMoved(ctx, s.db); err != nil {
		return err
	}
	if s.company, err = meta(ctx, s.db, metaCompany); err != nil {
		return err
	}
	if s.password, err = meta(ctx, s.db, metaPassword); err != nil {
		return err
	}
	if s.clock, err = newClock(ctx, s.db, s.c.Clock, s); err != nil {
		return err
	}
	s.lead = newLead(s.db, s.c.Lease, s.clock.turn, s.p.log)
	if !s.lead.alone {
		s.relay = newRelay(s)
	}
	if err := s.openOperator(); err != nil {
		return err
	}
	if s.files, s.offered = fsys, lib; s.c.Dev == "" {
		if lib, err = s.lawful(ctx); err != nil {
			return err
		}
	}
	if s.seal, err = openSealer(ctx, s.db, s.c.Key, s.clock.Now, s.p.log); err != nil {
		return err
	}
	s.seal.lead = s.lead
	if s.codes, err = codeKey(s.c.Key); err != nil {
		return err
	}
	s.auth = s.newAuth(lib)
	if s.alerts, err = openAlerts(s); err != nil {
		return err
	}
	s.jobs = job.New(s.db, job.Options{Clock: s.clock.Now, Turn: s.clock.turn, Keep: s.keys.Keeper, Node: s.lead.node, Lease: s.c.Lease, Log: s.p.log})
	if at := s.c.settings.Scan; at != "" {
		if s.scan, err = attach.NewScanner(at); err != nil {
			return fmt.Errorf("--scan: %w", err)
		}
	}
	if s.first, err = newFirstRun(ctx, s); err != nil {
		return err
	}
	if err := s.use(lib); err != nil {
		return err
	}
	if s.c.settings.Copy != "" {
		if s.copy, err = openCopier(s); err != nil {
			return err
		}
	}
	front, outside, err := s.front()
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if err := s.lead.start(ctx); err != nil {
		return errors.Join(err, listener.Close())
	}
	s.sched = scheduler.New(s, scheduler.Options{Clock: s.clock.Now, Every: 5 * time.Second, Log: s.p.log})
	if !s.clock.manual {
		s.sched.Start()
	}
	s.seal.start()
	if !s.clock.manual {
		go s.routine(ctx)
	}
	s.alerts.start()
	if s.copy != nil {
		s.copy.start()
	}
	if err := s.jobs.Start(ctx); err != nil {
		return errors.Join(err, listener.Close())
	}
	around, end := context.WithCancel(context.WithoutCancel(ctx)) // until the last answer is given
	defer end()
	go s.outlived(around, halt)
	go s.fillSearch(ctx)
	if s.relay != nil {
		go s.relay.send(around)
		go s.relay.hear(around)
		go s.follow(around)
	}
	if s.c.Dev != "" {
		go s.watch(ctx, s.c.Dev)
	}
	if err := s.show(); err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := s.openOutside(ctx, outside); err != nil {
		return errors.Join(err, listener.Close())
	}
	debug.FreeOSMemory()
	if err := s.announce(ctx, listener.Addr().String()); err != nil {
		return errors.Join(err, listener.Close())
	}
	err = s.serve(ctx, listener, front)
	if s.p.ctx.Err() == nil && ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	return err
}

// use puts a library into force: at the start, and after each change in development.
func (s *server) use(lib *rulebook.Library) error {
	s.using.Lock()
	defer s.using.Unlock()
	return s.swap(lib)
}

// named gives the company the name its founder wrote: the door says it, and no password may hold it.
func (s *server) named(company string) error {
	s.using.Lock()
	defer s.using.Unlock()
	s.company = company
	lib := s.now.Load().lib
	s.auth = s.newAuth(lib)
	return s.swap(lib)
}

func (s *server) swap(lib *rulebook.Library) error {
	o := engine.Options{ProveSignatures: s.c.settings.Prove, RecordsADay: s.c.settings.RecordsADay, Done: s.done, Older: s.older}
	if old := s.now.Load(); old != nil {
		o.Bus = old.engine.Bus() // the pages that hang on it stay
	}
	e, err := s.p.engine(s.p.ctx, s.db, lib, s.keys, o)
	if err != nil {
		return err
	}
	if s.relay != nil {
		e.Bus().Relay(s.relay.tell)
	}
	r := &running{lib: lib, engine: e}
	r.api = s.api(r)
	s.now.Store(r)
	return nil
}

func (s *settings) policy() auth.Policy {
	return auth.Policy{Min: s.Password, History: s.History, Classes: s.Classes, MaxAge: s.MaxAge}
}

func (s *server) newAuth(lib *rulebook.Library) *auth.Auth {
	c := &s.c.settings
	o := auth.Options{Company: s.company, Idle: c.Idle, Absolute: c.Absolute, Fresh: c.Fresh, Zone: zone(), Policy: c.policy(),
		Second: auth.Demand(c.Second), Grace: c.Grace, Single: c.Single, Base: c.URL, Key: s.codes,
		OIDC: auth.OIDC{Issuer: c.OIDCIssuer, Client: c.OIDCClient, Secret: string(c.OIDCSecret), Label: c.OIDCLabel}}
	if o.Grace == 0 {
		o.Grace = -1
	}
	if s.clock.manual {
		// Who turns the clock a fortnight forward should not find himself signed out, or asked who he is; whoever tries it
		// out signs in as anybody by a published password; and telephones keep their own time.
		o.Idle, o.Absolute, o.Fresh, o.Policy = -1, -1, -1, auth.Policy{Any: true}
		o.Second, o.Single, o.Moving, o.Watch = auth.Nobody, false, true, time.Now
	}
	people := newDirectory(lib)
	people.keep = s.keys.Keeper
	return auth.New(s.db, people, o)
}

// front is everything a browser meets, of the staff's and of people's without an account.
func (s *server) front() (staff, outside http.Handler, err error) {
	dist, err := fs.Sub(web.Dist, "dist")
	if err != nil {
		return nil, nil, err
	}
	shop, err := newShopfront(dist)
	if err != nil {
		return nil, nil, err
	}
	if !shop.built() {
		s.p.log.Warn("the web application is not built into this program; only the API is served")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) { s.now.Load().api.ServeHTTP(w, r) })
	mux.Handle("/", shop)
	return s.wrapped(mux), s.wrapped(s.outside(shop)), nil
}

// wrapped is what stands before each page and answer, outermost last.
func (s *server) wrapped(h http.Handler) http.Handler {
	h = streams(s.op.measured(h), s.stopping)
	h = s.departing(h)
	h = secured(h, s.c.secure())
	h = guarded(h, s.p.log)
	return forwarded(h, s.c.Proxy)
}

// leave is how long a stopping server goes on answering.
func (s *settings) leave() time.Duration {
	if s.Leave < 0 && !strings.HasPrefix(s.Database, "sqlite:") {
		return 5 * time.Second
	}
	return max(s.Leave, 0)
}

// secure tells whether browsers reach the server by TLS, its own or a proxy's.
func (s *settings) secure() bool { return s.TLSCert != "" || len(s.Proxy) > 0 }

func webServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       2 * time.Minute, // an attachment over a phone
		WriteTimeout:      2 * time.Minute, // an export; event streams lift it
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    1 << 16,
	}
}

// answer serves until the server is told to stop.
func (s *server) answer(srv *http.Server, listener net.Listener) error {
	if s.c.TLSCert != "" {
		return srv.ServeTLS(listener, s.c.TLSCert, s.c.TLSKey)
	}
	return srv.Serve(listener)
}

func (s *server) serve(ctx context.Context, listener net.Listener, h http.Handler) error {
	srv := webServer(h)
	done := make(chan error, 1)
	go func() { done <- s.answer(srv, listener) }()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		s.p.log.Info("stopping", "at_most", (s.c.leave() + drain).String())
		s.leaving.Store(true)
		time.Sleep(s.c.leave())
		close(s.stopping)
		late, cancel := context.WithTimeout(context.Background(), drain)
		defer cancel()
		err = srv.Shutdown(late)
		if s.public != nil {
			err = errors.Join(err, s.public.Shutdown(late))
		}
		if errors.Is(err, context.DeadlineExceeded) {
			err = errors.Join(errors.New("some answers were cut off"), srv.Close())
		}
	}
	rest, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	if !s.clock.manual {
		err = errors.Join(err, s.sched.Stop(rest))
	}
	err = errors.Join(err, s.jobs.End(rest), s.alerts.stop(rest), s.seal.stop(rest), s.lead.stop(rest), s.op.stop(rest))
	if s.copy != nil {
		err = errors.Join(err, s.copy.stop(rest))
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	if err == nil {
		s.p.log.Info("stopped")
	}
	return err
}

// departing closes each connection with its answer once the server leaves, so that none is idle when the listener ends: a
// request sent on it at that moment would be lost.
func (s *server) departing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.leaving.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// follow keeps what this node knows as it is in the database, where other nodes change it: its time, and the company's name.
func (s *server) follow(ctx context.Context) {
	if !s.clock.manual {
		go s.clock.follow(ctx)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(2 * time.Second):
		}
		company, err := meta(ctx, s.db, metaCompany)
		s.using.Lock()
		same := company == s.company
		s.using.Unlock()
		if err == nil && !same {
			err = s.named(company)
		}
		if err == nil && s.c.Dev == "" {
			err = s.heard(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.p.log.Warn("the company's name and the texts in force were not read", "err", err)
		}
	}
}

// announce tells who starts the server where it is and what is left to do.
func (s *server) announce(ctx context.Context, address string) error {
	scheme := "http"
	if s.c.TLSCert != "" {
		scheme = "https"
	}
	out := s.p.out
	fmt.Fprintf(out, "Zhanggui %s\n", version())
	fmt.Fprintf(out, "  address    %s://%s\n", scheme, browsable(address))
	if s.company != "" {
		fmt.Fprintf(out, "  company    %s\n", s.company)
	}
	if !s.c.secure() && !loopback(address) {
		fmt.Fprintln(out, "  WARNING    reachable from the network without TLS: passwords travel readable. Use --tls-cert or --proxy.")
	}
	if s.demo {
		if err := s.announceDemo(ctx); err != nil {
			return err
		}
	}
	if s.clock.manual {
		band := strings.Repeat("=", 78)
		fmt.Fprintf(out, "%s\n  样板公司，时间可拨 | DEMONSTRATION: the clock is turned by hand\n  它停在 | it stands at %s\n%s\n", band,
			s.clock.Now().In(zone()).Format("2006-01-02 15:04"), band)
	}
	if s.first != nil {
		fmt.Fprintf(out, "  还没有人能登录 | Nobody can sign in yet. Open the address and enter this code, good for one company:\n"+
			"    %s\n  or: zhanggui admin create --account NAME --name 姓名 --company 公司\n", s.first.shown())
	}
	return nil
}

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}

// browsable is an address as one types it into a browser: "[::]:8080" is no place to go.
func browsable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
