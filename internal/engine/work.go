package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// work is one transaction of the engine: what it has loaded, changed and caused so far.
type work struct {
	e        *Engine
	ctx      context.Context
	tx       *store.Tx
	now      time.Time // the act's time (of a due act: when it fell due)
	recorded time.Time // when it was really done, if later
	reason   string    // the reason given for the act
	actor    Actor
	me       *Record // nil for the clock
	world    *world

	top       *Record // the record the act is on
	owing     string  // the unit whose duty the clock opens
	topAction *rulebook.Action

	recs      map[string]*Record
	order     []*Record // records in the order they were first touched, for settling
	effects   []Effect
	facts     []fact
	clauses   map[string]bool
	reads     map[string]string
	closed    map[string]bool // which of them may tell what a class hides
	asked     []Waiver        // what the act asks to pass
	waived    []Waiver        // what it did pass
	proof     map[string]any  // how the actor proved that it is he, for this act alone
	events    []Event
	merged    *merging
	joined    []*merging // what became one by it
	depth     int
	seeding   bool                    // a scenario's given: no gate is asked
	reading   bool                    // a reading transaction: nothing may change
	taken     int                     // rows of the list that is being taken out; 0: it is only looked at
	scopes    map[string]*scope       // what this reader sees of each form, once asked
	past      map[*Record]*RecordView // the classes of which a history told values, a record
	inferiors *inferiors              // of whom somebody is the superior, once asked
	closing   map[string]expr.Value   // the account of a ledger that is being closed
	keys      map[string]string       // of subjects
	outlook   outlook                 // what expressions over no record see
	clocked   int                     // how often a clock was written
}

// begin opens a unit of work inside a transaction.
func (e *Engine) begin(ctx context.Context, tx *store.Tx, now time.Time, actor Actor) (*work, error) {
	tx.Pipe()
	if actor.Person != "" {
		tx.Ahead(e.Lib.Form("base.person").Table, actor.Person, false)
	}
	w := &work{e: e, ctx: ctx, tx: tx, now: now, actor: actor, recs: map[string]*Record{}, clauses: map[string]bool{}, reads: map[string]string{}}
	world, err := e.worldOf(w)
	if err != nil {
		return nil, err
	}
	w.world = world
	if actor.Person != "" {
		if w.me, err = w.person(actor.Person); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// key of the identity map.
func recKey(form, id string) string { return form + "/" + id }

// get loads a record once per unit of work.
func (w *work) get(form *rulebook.Form, id string) (*Record, error) {
	return w.load(form, id, false)
}

// lock loads a record for change.
func (w *work) lock(form *rulebook.Form, id string) (*Record, error) {
	return w.load(form, id, !w.reading)
}

func (w *work) load(form *rulebook.Form, id string, lock bool) (*Record, error) {
	if r := w.recs[recKey(form.Key, id)]; r != nil {
		return r, nil
	}
	var row store.Row
	var err error
	if lock {
		row, err = w.tx.GetForUpdate(form.Table, id)
	} else {
		row, err = w.tx.Get(form.Table, id)
	}
	if err != nil {
		return nil, err
	}
	return w.adopt(form, row), nil
}

// adopt puts a row into the identity map; what was loaded before wins, since it may carry changes.
func (w *work) adopt(form *rulebook.Form, row store.Row) *Record {
	id, _ := row["id"].(string)
	k := recKey(form.Key, id)
	if r := w.recs[k]; r != nil {
		return r
	}
	r := &Record{w: w, form: w.e.under(form, str(row["pinned"])), id: id, row: row, vals: map[string]expr.Value{}}
	w.recs[k] = r
	return r
}

func (w *work) person(id string) (*Record, error) {
	return w.get(w.e.Lib.Form("base.person"), id)
}

func (w *work) unit(id string) (*Record, error) {
	if id == "" {
		return nil, nil
	}
	return w.get(w.e.Lib.Form("base.unit"), id)
}

// ref loads the record a reference names; nil if unset or gone.
func (w *work) ref(object, id string) (*Record, error) {
	f := w.e.Lib.Form(object)
	if f == nil || id == "" {
		return nil, nil
	}
	return w.get(f, id)
}

// draft makes a record that does not exist yet, in its first state, under the text of the record whose paper it is, if any.
func (w *work) draft(form *rulebook.Form, of *Record) (*Record, error) {
	pinned := form.Book.Digest
	if of != nil && of.form.Book.ID == form.Book.ID && of.form.Key != form.Key && str(of.row["pinned"]) != "" {
		pinned = str(of.row["pinned"])
		form = w.e.under(form, pinned)
	}
	r := &Record{w: w, form: form, id: w.e.opts.NewID(), row: make(store.Row, 16+2*len(form.Fields)), vals: map[string]expr.Value{}, fresh: true}
	w.recs[recKey(form.Key, r.id)] = r
	unit := first(w.owing, w.world.top)
	if w.me != nil {
		unit = w.home(form.Book)
	} else if w.top != nil {
		unit, _ = w.top.row["unit"].(string)
	}
	by := w.actor.Person
	r.row["id"], r.row["unit"], r.row["by"], r.row["at"] = r.id, nilIfEmpty(unit), nilIfEmpty(by), instant(w.now)
	r.row["etag"] = int64(0)
	if len(form.States) > 0 {
		r.row["state"] = form.States[0].ID
	}
	r.row["rulebook"] = form.Book.ID
	r.row["pinned"] = nilIfEmpty(pinned)
	r.touch()
	return r, nil
}

// home is the unit in whose name the actor files what belongs to a book: his own, or, where that has not adopted the book, the first in
// which he holds a role and which has.
func (w *work) home(b *rulebook.Book) string {
	own := first(str(w.me.row["unit"]), w.world.top)
	today := w.world.calendar.DateOf(w.now)
	if w.world.adoptionOf(b.ID, own, today) != nil {
		return own
	}
	for _, g := range w.world.rolesOf(w.me.id, w.now) {
		if g.unit != "" && w.world.adoptionOf(b.ID, g.unit, today) != nil {
			return g.unit
		}
	}
	return own
}

func nilIfEmpty(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// view is the rulebook as it binds this record: its adoption, its pinned values, what sleeps.
func (w *work) view(r *Record) *rulebook.View {
	return w.world.view(w, r.form.Book, r.unitID(), r.opened())
}

// viewFor is the view of another book (a gate or offence of it) over a record.
func (w *work) viewFor(b *rulebook.Book, r *Record) *rulebook.View {
	return w.world.view(w, b, r.unitID(), w.now)
}

func (w *work) calendar(unit string) *calendar.Calendar { return w.world.calendar }

// outlook is what expressions over a record see, the same as long as the view and the actor are.
type outlook struct {
	view  *rulebook.View
	me    *Record
	scope *expr.Scope
}

// scope binds the variables for expressions over r. It is shared: who binds more gives it along.
func (w *work) scope(r *Record, view *rulebook.View, more map[string]expr.Value) *expr.Scope {
	seen := &w.outlook
	if r != nil {
		seen = &r.outlook
	}
	if seen.scope == nil || seen.view != view || seen.me != w.me {
		*seen = outlook{view, w.me, &expr.Scope{Now: w.now, Vars: w.bind(r, view), Facts: &facts{w: w, rec: r, view: view}, Read: w.hush(r), Mark: w.e.markOf}}
	}
	if len(more) == 0 {
		return seen.scope
	}
	own := *seen.scope
	own.Vars = maps.Clone(own.Vars)
	maps.Copy(own.Vars, more)
	return &own
}

func (w *work) bind(r *Record, view *rulebook.View) map[string]expr.Value {
	vars := map[string]expr.Value{"now": w.now, "today": calendar.DateOf(w.now, w.world.calendar.Zone)}
	if r != nil {
		vars["this"] = r
		vars["old"] = oldRecord{r}
		for _, m := range []string{"done", "stay", "late", "overrun", "due"} {
			vars[m] = member{r, m}
		}
	}
	if w.me != nil {
		vars["me"] = w.me
	}
	if view != nil && view.Unit != "" {
		if u, err := w.unit(view.Unit); err == nil && u != nil {
			vars["unit"] = u
		}
	}
	return vars
}

// apart notes what fn reads by itself, besides keeping it with the rest.
func (w *work) apart(fn func() error) (map[string]string, error) {
	before := w.reads
	w.reads = map[string]string{}
	err := fn()
	own := w.reads
	w.reads = before
	for k, v := range own {
		w.reads[k] = v
	}
	return own, err
}

// noteRead keeps the facts that decided, for the journal and for "why".
func (w *work) noteRead(path string, v expr.Value) {
	if len(w.reads) > 60 {
		return
	}
	switch v.(type) {
	case nil, bool, int64, string, expr.Money, expr.Decimal, time.Time, calendar.Date, calendar.Span:
		w.reads[path] = expr.Format(v, expr.Type{Kind: expr.KAny})
	}
}

// pick evaluates a value; ok is false when the key is as if absent.
func (w *work) pick(v *rulebook.Value, view *rulebook.View, s *expr.Scope) (expr.Value, *rulebook.Case, error) {
	if v == nil {
		return nil, nil, nil
	}
	return v.Pick(view, s)
}

// truth evaluates a condition: unset counts as not satisfied. absent is the answer when no case is awake.
func (w *work) truth(v *rulebook.Value, view *rulebook.View, s *expr.Scope, absent bool) (bool, error) {
	if v == nil {
		return absent, nil
	}
	x, c, err := v.Pick(view, s)
	if err != nil {
		return false, err
	}
	if c == nil {
		return absent, nil
	}
	b, _ := x.(bool)
	return b, nil
}

// flush writes what has changed so far, so that questions to the database see it.
func (w *work) flush() error {
	if w.reading {
		return nil
	}
	for _, r := range w.order {
		if err := r.save(); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) effect(e Effect) { w.effects = append(w.effects, e) }

func (w *work) clause(ids ...string) {
	for _, id := range ids {
		if id != "" {
			w.clauses[id] = true
		}
	}
}

// remember keeps the answer under the idempotency key; replay returns it.
func (w *work) remember(act Act, out *Outcome) error {
	if act.Key == "" {
		return nil
	}
	b, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return w.tx.Insert("replay", store.Row{"id": replayKey(act), "hash": w.e.actHash(act), "answer": string(b), "at": instant(w.now)})
}

func (w *work) replay(act Act) (*Outcome, error) {
	if act.Key == "" || act.Dry {
		return nil, nil
	}
	row, err := w.tx.Get("replay", replayKey(act))
	if fault.KindOf(err) == fault.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if row["hash"] != w.e.actHash(act) {
		return nil, keyReused()
	}
	var out Outcome
	if err := json.Unmarshal([]byte(row["answer"].(string)), &out); err != nil {
		return nil, fmt.Errorf("read kept answer: %w", err)
	}
	out.Replay = true
	return &out, nil
}

func replayKey(a Act) string {
	if b := a.Actor.Link; b != nil {
		return "link " + b.Record + ":" + a.Key
	}
	return a.Actor.Person + ":" + a.Key
}

// instant is the column form of a time.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func parseInstant(v any) (time.Time, bool) {
	s, _ := v.(string)
	if s == "" {
		return time.Time{}, false
	}
	t, err := time.Parse("2006-01-02T15:04:05.000Z", s)
	if err != nil {
		t, err = time.Parse(time.RFC3339Nano, s)
	}
	return t, err == nil
}

// shortState names "form.state" parts of texts.
func joinIDs(ids []string) string { return strings.Join(ids, ",") }
