package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/journal"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// writeEntry appends the act to the journal, in the transaction of its change.
func (w *work) writeEntry(r *Record, a *rulebook.Action, act Act) error {
	if w.e.opts.Quiet {
		return nil
	}
	e, err := w.entry(r, act)
	if err != nil {
		return err
	}
	if a != nil {
		e.Action = a.ID
	}
	if err := w.append(e); err != nil || w.merged == nil {
		return err
	}
	for _, p := range w.joined {
		if err := w.tellJoined(p, act); err != nil {
			return err
		}
	}
	return w.tellMerged(w.merged, act)
}

// tellJoined are the entries of what became one because what both belong to did.
func (w *work) tellJoined(p *merging, act Act) error {
	e, err := w.entry(p.from, Act{Form: p.from.form.Key, Action: "joined", Reason: act.Reason, Actor: act.Actor})
	if err != nil {
		return err
	}
	e.Changed = slices.DeleteFunc(e.Changed, func(c journal.Change) bool { return c.Record != p.from.id })
	e.Effects = []journal.Effect{{Kind: "merge", Text: p.into.id, Ref: p.from.form.Key + "/" + p.from.id}}
	if err := w.append(e); err != nil {
		return err
	}
	return w.tellMerged(p, act)
}

// tellMerged is the entry of the one that stays: its history says what came into it.
func (w *work) tellMerged(m *merging, act Act) error {
	e, err := w.entry(m.into, Act{Form: m.into.form.Key, Action: "took", Reason: act.Reason, Actor: act.Actor})
	if err != nil {
		return err
	}
	e.Changed = slices.DeleteFunc(e.Changed, func(c journal.Change) bool { return c.Record != m.into.id })
	e.Effects = []journal.Effect{{Kind: "took", Text: m.from.id, Ref: m.from.form.Key + "/" + m.from.id}}
	return w.append(e)
}

func (w *work) entry(r *Record, act Act) (*journal.Entry, error) {
	e := &journal.Entry{ID: w.e.entryID(w.now), At: w.now, Recorded: w.now, Actor: w.actor.Person, Origin: w.actor.Origin, Action: act.Action, Request: w.actor.Request}
	if !w.recorded.IsZero() {
		e.Recorded = w.recorded
	}
	if w.me != nil {
		e.ActorName = w.name(w.me.id)
	}
	if r != nil {
		e.Form, e.Record, e.Number, e.Unit = r.form.Key, r.id, r.Number(), r.unitID()
		e.Book = r.form.Book.ID
		e.Version = r.form.Book.Version
	}
	asked := map[string]any{}
	form := w.e.Lib.Form(act.Form) // of a refused act r is the trace of the attempt, not what was asked for
	if form == nil && r != nil {
		form = r.form
	}
	for k, v := range act.Values {
		if form == nil || w.e.classified(form, k) {
			v = "***"
		}
		asked[k] = v
	}
	if len(act.Take) > 0 {
		asked["take"] = strings.Join(act.Take, ",")
	}
	if act.Reason != "" {
		asked["reason"] = act.Reason
	}
	if act.Comment != "" {
		asked["comment"] = act.Comment
	}
	for _, x := range w.waived {
		asked["waive "+x.Clause] = x.Reason
	}
	if w.proof != nil {
		asked["proof"] = w.proof
	}
	e.Asked = asked
	for _, x := range w.order {
		for _, col := range sortedKeys(x.was) {
			switch col {
			case "search", "etag", "stamp", "stay", "fired", "next_at":
				continue
			}
			if equalColumn(x.was[col], x.row[col]) || strings.HasSuffix(col, rulebook.MarkSuffix) { // a mark outlives an erasure in the journal
				continue
			}
			old, val := fmt.Sprint(orEmpty(x.was[col])), fmt.Sprint(orEmpty(x.row[col]))
			if fd := x.form.Field(col); fd != nil && fd.Class != nil && !fd.Personal && w.closedFor(x, fd) { // personal ones are sealed
				var err error
				if old, err = w.digest(old); err == nil {
					val, err = w.digest(val)
				}
				if err != nil {
					return nil, err
				}
			}
			e.Changed = append(e.Changed, journal.Change{Form: x.form.Key, Record: x.id, Field: col, Old: old, New: val})
		}
	}
	for c := range w.clauses {
		e.Clauses = append(e.Clauses, c)
	}
	sort.Strings(e.Clauses)
	facts := map[string]any{}
	for k, v := range w.reads {
		if w.closed[k] {
			v = "***"
		}
		facts[k] = v
	}
	e.Facts = facts
	for _, x := range w.effects {
		e.Effects = append(e.Effects, journal.Effect{Kind: x.Kind, Text: strings.TrimSpace(x.Name + " " + x.Text), Clause: x.Clause, Ref: x.Form + "/" + x.Record})
	}
	return e, nil
}

// entryID grows with time, and with the order of acts within a millisecond: entries of one instant, of which
// a hand-turned clock makes many, are read in the order they happened.
func (e *Engine) entryID(at time.Time) string {
	tail := e.opts.NewID()
	return fmt.Sprintf("%011x%06x", at.UnixMilli(), e.entries.Add(1)&0xffffff) + tail[max(0, len(tail)-6):]
}

func orEmpty(v any) any {
	if v == nil {
		return ""
	}
	return v
}

// digest stands for a classified value.
func (w *work) digest(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	return w.tx.Digest(s)
}

// classified fields never enter the journal in plain.
func (e *Engine) classified(f *rulebook.Form, id string) bool {
	fd := f.Field(id)
	return fd != nil && fd.Class != nil
}

func (w *work) append(e *journal.Entry) error { return w.tx.Append(e) }

// logRefusal keeps a refused act: who wanted what, and what said no. It changes nothing else.
func (e *Engine) logRefusal(ctx context.Context, now time.Time, act Act, r *Refusal) {
	if e.opts.Quiet && !e.hearsRefusals() {
		return
	}
	_ = e.DB.Write(ctx, func(tx *store.Tx) error {
		w, err := e.begin(ctx, tx, now, act.Actor)
		if err != nil {
			return err
		}
		var of *Record
		if f := e.Lib.Form(act.Form); f != nil && act.Record != "" {
			of, _ = w.get(f, act.Record)
		}
		given := map[string]expr.Value{"action": act.Form + "." + act.Action, "group": r.Group, "clause": orUnset(joinIDs(r.Clauses())), "of_form": act.Form, "of_id": orUnset(act.Record), "text": r.Title.ZH}
		if w.me != nil {
			given["person"] = w.me
		}
		rec, err := w.engineRecord("base.attempt", of, given)
		if err != nil {
			return err
		}
		if of != nil {
			w.facts = append(w.facts, fact{form: of.form.Key, action: "refused", of: "", rec: of, at: w.now, clause: first(r.Clauses()...), person: act.Actor.Person})
			of.touched = true
		}
		if err := w.settle(); err != nil {
			return err
		}
		if e.opts.Quiet {
			return nil
		}
		entry, err := w.entry(rec, act)
		if err != nil {
			return err
		}
		entry.Form, entry.Record, entry.Refused = act.Form, act.Record, true
		entry.Clauses = r.Clauses()
		return w.append(entry)
	})
}

// hearsRefusals tells whether any rule listens to refusals.
func (e *Engine) hearsRefusals() bool {
	if f := e.Lib.Form("base.attempt"); f != nil && slices.ContainsFunc(f.Actions, func(a *rulebook.Action) bool { return a.Auto != nil }) {
		return true
	}
	for _, b := range e.Lib.Books {
		for _, o := range b.Offences {
			for _, u := range o.Upon {
				if u.Action == "refused" {
					return true
				}
			}
		}
	}
	return false
}

// history of one field, oldest first, from the journal.
func (w *work) history(r *Record, field string) ([]expr.Record, error) {
	rows, err := w.tx.Select(query.Select{Table: "journal_entry", Alias: "j", Where: query.And(query.Eq("j", "form", r.form.Key), query.Eq("j", "record", r.id)),
		Order: []query.Order{{Expr: query.Col{Alias: "j", Name: "at"}}, {Expr: query.Col{Alias: "j", Name: "id"}}}})
	if err != nil {
		return nil, err
	}
	var list []expr.Record
	for _, row := range rows {
		e, err := journal.Parse([]byte(str(row["body"])))
		if err != nil {
			return nil, err
		}
		for _, c := range e.Changed {
			if c.Record != r.id || c.Field != field {
				continue
			}
			old, val, err := w.meant(r, c)
			if err != nil {
				return nil, err
			}
			list = append(list, historyRow{w, e.At, e.Actor, old, val})
		}
	}
	return list, nil
}

// meant are the old and the new value of a change as the journal's entry meant them.
func (w *work) meant(r *Record, c journal.Change) (old, val string, err error) {
	f := r.form.Field(c.Field)
	if f == nil || !f.Personal {
		return c.Old, c.New, nil
	}
	open := func(s string) string {
		var x any
		if s != "" && err == nil {
			x, err = w.unseal(f, r.place(f), s)
		}
		return str(x)
	}
	old, val = open(c.Old), open(c.New)
	return old, val, err
}

type historyRow struct {
	w        *work
	at       time.Time
	by       string
	old, new string
}

func (h historyRow) Object() string { return "history" }
func (h historyRow) ID() string     { return "" }
func (h historyRow) Get(name string) (expr.Value, error) {
	switch name {
	case "at":
		return h.at, nil
	case "by":
		return recordOrUnset(h.w.ref("base.person", h.by))
	case "old":
		return orUnset(h.old), nil
	case "new":
		return orUnset(h.new), nil
	}
	return nil, fmt.Errorf("history has no %s", name)
}

// actHash recognises the content of an act that is sent again. It is keyed: a plain hash of a form with a telephone number
// on it could be tried out.
func (e *Engine) actHash(a Act) string {
	b, _ := json.Marshal(map[string]any{"f": a.Form, "r": a.Record, "a": a.Action, "v": a.Values, "l": a.Lines, "t": a.Take, "reason": a.Reason, "c": a.Comment, "x": a.Refuse, "w": a.Waive})
	return e.keep.Fingerprint(b)
}

// Event tells listeners that a record changed.
type Event struct {
	Form   string `json:"form"`
	Record string `json:"record"`
	Action string `json:"action"`
	By     string `json:"by"`
	Unit   string `json:"unit"`
}

func (w *work) event(r *Record, action string) {
	w.events = append(w.events, Event{Form: r.form.Key, Record: r.id, Action: action, By: w.actor.Person, Unit: r.unitID()})
}

// EventMissed is the action of the event that says that others may have been missed: look at everything anew.
const EventMissed = "missed"

// Bus hands committed events to whoever listens; a slow listener loses events, never slows an act.
type Bus struct {
	mu   sync.Mutex
	list map[chan Event]bool
	tell func([]Event)
}

// Relay has fn told of what was committed by this process, for those who listen on other nodes. fn must not wait.
func (b *Bus) Relay(fn func([]Event)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tell = fn
}

func newBus() *Bus { return &Bus{list: map[chan Event]bool{}} }

// Subscribe listens until the returned func is called.
func (b *Bus) Subscribe() (<-chan Event, func()) {
	c := make(chan Event, 64)
	b.mu.Lock()
	b.list[c] = true
	b.mu.Unlock()
	return c, func() {
		b.mu.Lock()
		delete(b.list, c)
		b.mu.Unlock()
	}
}

func (b *Bus) publish(list []Event) {
	b.mu.Lock()
	tell := b.tell
	b.mu.Unlock()
	if tell != nil && len(list) > 0 {
		tell(list)
	}
	b.Hear(list)
}

// Hear hands out events that were committed by another node.
func (b *Bus) Hear(list []Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.list {
		for _, e := range list {
			select {
			case c <- e:
			default:
			}
		}
	}
}
