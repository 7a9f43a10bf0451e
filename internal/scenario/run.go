package scenario

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// Result is how one case of a scenario went.
type Result struct {
	Scenario *rulebook.Scenario
	Title    string
	Failed   string          // "" = it holds; else where, what was expected and what came
	Phase    string          // where it failed: Given, Step or Expected
	Clauses  map[string]bool // consulted on the way
}

// Where a case failed. Only what is Expected proves well: a clause without which the preparations
// already fail has not been shown to say what the scenario says.
const (
	Given    = "given"    // the preparations
	Step     = "step"     // a step that should have gone through
	Expected = "expected" // a refusal or a consequence
)

// Options of one run.
type Options struct {
	Asleep map[string]bool // clauses put to sleep
}

// Run plays every case of one scenario on a bench of its own.
func Run(ctx context.Context, lib *rulebook.Library, s *rulebook.Scenario, opts Options) ([]Result, error) {
	b, err := NewBench(ctx, lib)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	return b.Play(ctx, s, opts.Asleep), nil
}

// Bench is one in-memory database on which scenarios are played one after the other, each leaving no trace.
type Bench struct {
	lib *rulebook.Library
	db  *store.DB
}

// NewBench prepares the tables once.
func NewBench(ctx context.Context, lib *rulebook.Library) (*Bench, error) {
	db, err := store.Open(ctx, "sqlite::memory:")
	if err != nil {
		return nil, err
	}
	plan, err := db.Plan(ctx, append(store.SystemTables(), engine.Tables(lib)...))
	if err == nil {
		err = db.Apply(ctx, plan)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Bench{lib, db}, nil
}

// Close ends the bench.
func (b *Bench) Close() error { return b.db.Close() }

// play is one case being played.
type play struct {
	ctx   context.Context
	b     *Bench
	one   *one
	e     *engine.Engine
	now   time.Time
	zone  *time.Location
	names map[string]engine.Named // by the scenario's own names
	ids   map[string]string       // id → name
	units map[string]string
	roles map[string][]string         // person's name → roles
	seen  []engine.Effect             // of the last step
	links map[engine.Bearer]time.Time // handed out, until when each is open
	id    int
}

// expected is a mismatch with what the scenario says; anything else is trouble in a step.
type expected struct{ text string }

func (e expected) Error() string { return e.text }

func want(format string, args ...any) error { return expected{fmt.Sprintf(format, args...)} }

// phase tells an expectation that was not met from a step that did not go through.
func phase(err error) string {
	if _, ok := errors.AsType[expected](err); ok {
		return Expected
	}
	return Step
}

// Play runs every case of a scenario. asleep puts clauses to sleep for the run.
func (b *Bench) Play(ctx context.Context, s *rulebook.Scenario, asleep map[string]bool) []Result {
	all, err := cases(s)
	if err != nil {
		return []Result{{Scenario: s, Title: s.Name, Failed: err.Error(), Phase: Given, Clauses: map[string]bool{}}}
	}
	var list []Result
	for _, o := range all {
		list = append(list, b.play(ctx, o, asleep))
	}
	return list
}

func (b *Bench) play(ctx context.Context, o *one, asleep map[string]bool) (res Result) {
	res = Result{Scenario: o.s, Title: o.title, Clauses: map[string]bool{}}
	fail := func(phase, where string, err error) Result {
		res.Phase, res.Failed = phase, where+": "+err.Error()
		return res
	}
	db, undo, err := b.db.Sandbox(ctx)
	if err != nil {
		return fail(Given, "sandbox", err)
	}
	defer undo()
	p := &play{ctx: ctx, b: b, one: o, zone: calendar.Standard().Zone, names: map[string]engine.Named{}, ids: map[string]string{}, links: map[engine.Bearer]time.Time{},
		units: map[string]string{}, roles: map[string][]string{}}
	p.e, err = engine.New(db, b.lib, engine.Options{Asleep: asleep, Quiet: true,
		Trace: func(c string) { res.Clauses[c] = true },
		NewID: func() string { p.id++; return fmt.Sprintf("id%06d", p.id) }})
	if err == nil {
		err = p.setUp()
	}
	if err != nil {
		return fail(Given, "given", err)
	}
	for i, step := range o.when {
		if err := p.step(step); err != nil {
			return fail(phase(err), fmt.Sprintf("step %d", i+1), err)
		}
	}
	if err := p.then(); err != nil {
		return fail(phase(err), "then", err)
	}
	return res
}

// words adds the fields of an invalid input to its message.
func words(err error) error {
	var f *fault.Error
	if errors.As(err, &f) && len(f.Fields) > 0 {
		var parts []string
		for _, x := range f.Fields {
			parts = append(parts, x.Path+": "+x.EN)
		}
		return fmt.Errorf("%w (%s)", err, strings.Join(parts, "; "))
	}
	return err
}

func keys[V any](m map[string]V) []string {
	list := make([]string, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	sort.Strings(list)
	return list
}
