// Package engine is the one door: nothing changes a record except Do and Tick. Each act is one
// transaction that loads the record and the rulebook version that binds it, decides, and writes
// record, clocks, sanctions, copies and journal entry together.
// It knows rulebook, expr, store, keep, journal, calendar, query, span and fault.
package engine

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/keep"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/span"
	"zhanggui/internal/store"
)

// Engine executes a library on a database.
type Engine struct {
	DB   *store.DB
	Lib  *rulebook.Library
	opts Options

	mu      sync.Mutex
	world   *world // people, units, adoptions: a snapshot, replaced whole
	stale   atomic.Bool
	firings firings
	filings filings
	entries atomic.Int64 // of the journal, made by this process
	bus     *Bus
	watch   func([]Effect) // scenarios look at what the clock does

	keep     *keep.Keeper
	personal map[string]bool // ids of personal fields
	closed   map[string]bool // ids of classified fields
	scratch  atomic.Pointer[string]
	lists    sync.Map    // marks of lists of holders that are written down
	cleared  atomic.Bool // attachments were destroyed whose space is not cleared yet
	asks     sync.Map    // of a form and action, by which columns of its record others were read last
	owing    atomic.Bool // an erasure is written down whose keys are not destroyed yet
}

// scratchKey seals what is only tried out and never written.
func (e *Engine) scratchKey(ctx context.Context, at time.Time) (string, error) {
	if key := e.scratch.Load(); key != nil {
		return *key, nil
	}
	key, err := e.keep.NewKey(ctx, at)
	if err == nil {
		e.scratch.Store(&key)
	}
	return key, err
}

// Options tune an engine. The zero value is the production setting.
type Options struct {
	// Asleep puts clauses to sleep everywhere; the mutation run uses it.
	Asleep map[string]bool
	// WakeLegal wakes nodes that carry a legal note.
	WakeLegal bool
	// Trace is told each clause that a decision consulted.
	Trace func(clause string)
	// NewID makes record ids; nil = random. The demonstration gives a seeded one.
	NewID func() string
	// Keep has the keys of personal fields; nil = keys that end with the process, for databases in memory.
	Keep *keep.Keeper
	// Alarm is told of what points to tampering, and where.
	Alarm func(what, where string)
	// Done is told what became of each act.
	Done func(Did)
	// Bus is where events go; nil = one of the engine's own. An engine that takes another's place goes on with its bus.
	Bus *Bus
	// ProveSignatures asks a proof of its own for every signature of an approval, not only where the rulebook does.
	ProveSignatures bool
	// RecordsADay is how many records of one form a person may open in 24 hours; 0 = any number.
	RecordsADay int
	// Older are the earlier texts of regulations that records may still run under, by their digests. See Engine.Earlier.
	Older map[string]Older
	// Quiet drops the journal and the attempt log (scenario runs check effects directly).
	Quiet bool
}

// New opens the engine on a database whose schema has been applied (see Tables).
func New(db *store.DB, lib *rulebook.Library, opts Options) (*Engine, error) {
	e := &Engine{DB: db, Lib: lib, opts: opts, bus: opts.Bus, keep: opts.Keep, personal: personalNames(lib), closed: closedNames(lib)}
	if e.bus == nil {
		e.bus = newBus()
	}
	if e.keep == nil {
		e.keep = keep.Memory()
	}
	if opts.NewID == nil {
		e.opts.NewID = randomID
	}
	if err := e.checkBase(); err != nil {
		return nil, err
	}
	if !opts.Quiet {
		db.KeepJournal()
	}
	e.stale.Store(true)
	return e, nil
}

// Bus carries what was committed to whoever listens (server-sent events).
func (e *Engine) Bus() *Bus { return e.bus }

// Zone is the name of the company's time zone, as browsers know it.
func (e *Engine) Zone() string {
	if name := e.Lib.Days.Calendar().Zone.String(); strings.Contains(name, "/") {
		return name
	}
	return "Asia/Shanghai" // a machine without zone data has this one under a name of its own
}

func randomID() string {
	var b [10]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err) // the kernel has no randomness: nothing safe can be done
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}

// Actor is who acts: a person, the clock, or whoever has a link.
type Actor struct {
	Person  string // id of base.person; "" for the clock
	Clock   bool
	Link    *Bearer // whoever has a link, which is for one action of one record
	Origin  string  // web api clock import demo system link
	Address string
	Request string
	Stale   bool   // who he is was proved too long ago for acts that want it fresh
	Prove   Prover // asked for the proof of an act that wants one of its own; nil = none is asked for
	// System acts for the installation itself (first start, demonstration set-up): no role is asked,
	// every other guard applies. It cannot be had through the API.
	System bool
}

// ClockActor is the clock as an actor.
func ClockActor() Actor { return Actor{Clock: true, Origin: "clock"} }

// Act is what somebody wants done.
type Act struct {
	Form, Record, Action string
	Values               map[string]any              // field id → value in API form
	Lines                map[string][]map[string]any // line id → rows ("id" keeps an existing row)
	Take                 []string                    // of a merge: fields whose values the one that stays takes over
	Reason, Comment      string
	Refuse               bool // on an approval: decline
	Waive                []Waiver
	Etag                 string // "" = whatever is there
	Key                  string // idempotency key
	Dry                  bool   // judge, change nothing
	Actor                Actor
}

// Waiver lets a soft guard pass, with a reason.
type Waiver struct {
	Clause string `json:"clause"`
	Reason string `json:"reason"`
}

// Outcome tells what an act did.
type Outcome struct {
	Form    string   `json:"form"`
	Record  string   `json:"record"`
	Number  string   `json:"number,omitempty"`
	Action  string   `json:"action"`
	At      string   `json:"at"`
	Etag    string   `json:"etag"`
	Signed  bool     `json:"signed"`            // a signature was put, the action itself waits for others
	Waiting []Person `json:"waiting,omitempty"` // who still must sign
	Effects []Effect `json:"-"`
	Replay  bool     `json:"-"`
}

// Effect is one consequence of an act, in the order it happened.
type Effect struct {
	Kind   string // set create do notify post freeze erase number copy breach sanction clock lock sign waive
	Form   string
	Record string
	Name   string // action, field, deadline, offence, ledger.kind, copy mark
	Text   string // value, holder or message, as words
	Clause string
	Data   map[string]string // due, holder, to, by, amount …
}

// Person is somebody as answers name him.
type Person struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Post    string `json:"post,omitempty"`
	Unit    string `json:"unit,omitempty"`
	Absent  bool   `json:"absent,omitempty"`
	StandIn string `json:"stand_in,omitempty"`
}

// Do carries out an act. The error is a *Refusal when a rule said no, else a fault.
func (e *Engine) Do(ctx context.Context, now time.Time, act Act) (*Outcome, error) {
	ctx, s := span.Begin(ctx, "act")
	defer s.End()
	out, err := e.do(ctx, now, act)
	did := e.did(act.Form, act.Action, err)
	switch {
	case err != nil:
	case act.Dry:
		did.Outcome = "dry"
	case out.Replay:
		did.Outcome = "replayed"
	case out.Signed:
		did.Outcome = "signed"
	}
	e.told(s, did)
	return out, err
}

func (e *Engine) do(ctx context.Context, now time.Time, act Act) (*Outcome, error) {
	now = now.UTC().Truncate(time.Millisecond)
	var out *Outcome
	var events []Event
	perform := func(tx *store.Tx) error {
		out, events = nil, nil
		if err := e.foresee(tx, now, act); err != nil {
			return err
		}
		w, err := e.begin(ctx, tx, now, act.Actor)
		if err != nil {
			return err
		}
		if done, err := w.replay(act); err != nil || done != nil {
			out = done
			return err
		}
		out, err = w.run(act)
		if _, refused := AsRefusal(err); refused { // perhaps by what the same request, sent twice at once, has just done
			if done, again := w.replay(act); again != nil || done != nil {
				out = done
				return cmp.Or(again, errReplayed)
			}
		}
		if err != nil {
			return err
		}
		if act.Dry {
			return cmp.Or(tx.Settle(), errDry)
		}
		events = w.events
		return w.remember(act, out)
	}
	err := e.DB.Write(ctx, perform)
	if d := store.AsDuplicate(err); d != nil && d.Table == "replay" {
		err = e.DB.Write(ctx, perform) // the same request, sent twice at once, was first; now its answer is there
	}
	if store.AsDuplicate(err) != nil {
		err = sameMoment(err)
	}
	if err == errDry || err == errReplayed {
		return out, nil
	}
	if r, ok := AsRefusal(err); ok && !act.Dry {
		e.logRefusal(ctx, now, act, r)
	}
	if err != nil {
		return nil, err
	}
	e.bus.publish(events)
	if e.cleared.CompareAndSwap(true, false) && e.DB.Scrub(ctx, "blob_chunk") != nil {
		e.cleared.Store(true) // the next act tries again
	}
	if e.owing.Load() {
		if err := e.payErasures(ctx, now); err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "擦除已记下，密钥还没有销毁，系统会再试", "The erasure is written down, the key is not destroyed yet; it will be tried again")
		}
	}
	return out, nil
}

// errDry and errReplayed end a transaction that leaves nothing.
var errDry, errReplayed = fmt.Errorf("dry run"), fmt.Errorf("done before")

// run performs one act with all that follows from it.
func (w *work) run(act Act) (*Outcome, error) {
	form := w.e.Lib.Form(act.Form)
	if form == nil {
		return nil, unknownForm(act.Form)
	}
	var rec *Record
	var err error
	if act.Action == "create" {
		var of *Record
		if of, err = w.paperOf(form, act.Values); err == nil {
			rec, err = w.draft(form, of)
		}
	} else if form.Action(act.Action) == nil && !slices.ContainsFunc(w.e.otherForms(form), func(f *rulebook.Form) bool { return f.Action(act.Action) != nil }) {
		return nil, unknownAction(form, act.Action)
	} else if err = w.lockMerge(form, form.Action(act.Action), act); err == nil {
		rec, err = w.lock(form, act.Record)
		if err == nil && w.actor.Link == nil && !w.maySee(rec) {
			err = missing(form, act.Record)
		}
		if err == nil && act.Etag != "" && act.Etag != rec.Etag() {
			err = w.conflict(rec, act.Etag)
		}
	}
	var action *rulebook.Action
	if err == nil {
		if form, action = rec.form, rec.form.Action(act.Action); action == nil {
			err = unknownAction(form, act.Action)
		} else if len(act.Take) > 0 && action.Merge == nil {
			err = fault.At("take", "这一步不取另一份的内容", "This action takes nothing over")
		}
	}
	if err == nil && w.actor.Link != nil {
		err = w.judgeBearer(rec, action, w.view(rec))
	}
	if err != nil {
		return nil, err
	}
	w.top = rec
	w.topAction = action
	w.foreseeRefs(rec, action)
	w.reason, w.asked = act.Reason, act.Waive
	of := ""
	if act.Actor.Prove != nil && !act.Dry && w.mayWantProof(action) { // before the act changes what is signed
		of = w.signedOf(rec, act)
	}
	sign, err := w.perform(rec, action, demand{values: act.Values, lines: act.Lines, reason: act.Reason,
		comment: act.Comment, refuse: act.Refuse, waive: act.Waive, take: act.Take, person: true})
	if err != nil {
		return nil, err
	}
	if err := w.settle(); err != nil {
		return nil, err
	}
	// Asked last: nobody types his password to learn that the act is refused.
	if action.Fresh && act.Actor.Stale && !act.Dry {
		return nil, fault.Again()
	}
	if of != "" && (action.Each || sign != nil) {
		if err := w.proved(rec, action, act, of); err != nil {
			return nil, err
		}
	}
	w.learnRefs(rec, action)
	if err := w.writeEntry(rec, action, act); err != nil {
		return nil, err
	}
	out := &Outcome{Form: form.Key, Record: rec.id, Number: rec.Number(), Action: action.ID,
		At: instant(w.now), Etag: rec.Etag(), Effects: w.effects}
	if sign != nil {
		out.Signed = !sign.complete
		out.Waiting = w.people(sign.waiting)
	}
	return out, nil
}
