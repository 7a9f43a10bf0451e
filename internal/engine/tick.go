package engine

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/span"
	"zhanggui/internal/store"
)

// Tick performs all that has fallen due up to now, in the order it fell due, each once and each in its own
// transaction. It answers how much it did and when it must be called again (zero = nothing is scheduled).
func (e *Engine) Tick(ctx context.Context, now time.Time) (int, time.Time, error) {
	now = now.UTC().Truncate(time.Millisecond)
	fired := 0
	if err := e.startDuties(ctx, now); err != nil {
		return 0, time.Time{}, err
	}
	for {
		if err := e.payErasures(ctx, now); err != nil {
			return fired, time.Time{}, err
		}
		if err := ctx.Err(); err != nil {
			return fired, time.Time{}, err
		}
		d, err := e.earliest(ctx, now)
		if err != nil {
			return fired, time.Time{}, err
		}
		if d.id == "" {
			return fired, d.at, nil
		}
		if err := e.fire(ctx, now, d); err != nil {
			return fired, time.Time{}, err
		}
		fired++
	}
}

// due is what falls due at an instant: a clock, of a record or a duty, or the opening of a duty's next period.
type due struct {
	at       time.Time
	kind, id string
	form, of string // of a clock: its record's
}

// earliest finds what is due first. Without anything due it answers the next time, and no id.
func (e *Engine) earliest(ctx context.Context, now time.Time) (d due, err error) {
	first := func(table string, also ...string) query.Select {
		next := query.Col{Alias: "t", Name: "next_at"}
		q := query.Select{Table: table, Alias: "t", Where: query.Op{Name: "not", Args: []query.Expr{query.Op{Name: "isnull", Args: []query.Expr{next}}}},
			Order: []query.Order{{Expr: next}, {Expr: query.Col{Alias: "t", Name: "id"}}}, Limit: 1}
		for _, name := range append([]string{"id", "next_at"}, also...) {
			q.Columns = append(q.Columns, query.Column{Name: name, Expr: query.Col{Alias: "t", Name: name}})
		}
		return q
	}
	duties, clocks := first("duty_cursor"), first(e.Lib.Form("base.clock").Table, "of_form", "of_id")
	err = e.DB.Read(ctx, func(tx *store.Tx) error {
		d = due{}
		tx.Pipe()
		tx.AheadSelect(clocks)
		for _, x := range []struct {
			kind string
			q    query.Select
		}{{"duty", duties}, {"clock", clocks}} {
			rows, err := tx.Select(x.q)
			if err != nil {
				return err
			}
			if len(rows) == 0 {
				continue
			}
			row := rows[0]
			if next, ok := parseInstant(row["next_at"]); ok && (d.at.IsZero() || next.Before(d.at)) {
				d = due{at: next, kind: x.kind, id: str(row["id"]), form: str(row["of_form"]), of: str(row["of_id"])}
			}
		}
		return nil
	})
	if err == nil && (d.at.IsZero() || d.at.After(now)) {
		d.id = ""
	}
	return d, err
}

// fire does one due thing, judged as of the time it fell due.
func (e *Engine) fire(ctx context.Context, now time.Time, d due) error {
	ctx, s := span.Begin(ctx, "fire")
	defer s.End()
	at, kind, id := d.at, d.kind, d.id
	var events []Event
	var effects []Effect
	err := e.DB.Write(ctx, func(tx *store.Tx) error {
		events, effects = nil, nil
		e.foreseeDue(tx, d)
		w, err := e.begin(ctx, tx, at, ClockActor())
		if err != nil {
			return err
		}
		w.recorded = now
		if kind == "duty" {
			err = w.openDuty(id, at, false)
		} else {
			err = w.fireClock(id, at)
		}
		if err != nil {
			return err
		}
		if err := w.settle(); err != nil {
			return err
		}
		if len(w.effects) == 0 && !tx.Wrote() { // another node was first
			return nil
		}
		if err := w.writeEntry(w.top, nil, Act{Action: kind, Actor: w.actor}); err != nil {
			return err
		}
		events, effects = w.events, w.effects
		return nil
	})
	e.told(s, e.fired(kind, err))
	if err == nil && e.watch != nil {
		e.watch(effects)
	}
	if r, ok := AsRefusal(err); ok {
		// A rule forbids what the clock should do. It is recorded and not tried again at every tick.
		e.logRefusal(ctx, now, Act{Form: r.Form, Record: r.Record, Action: r.Action, Actor: ClockActor()}, r)
		if strings.HasPrefix(id, closing) {
			return e.skipClose(ctx, id, at)
		}
		if kind == "duty" && !strings.HasPrefix(id, limited) && !strings.HasPrefix(id, keeping) && !strings.HasPrefix(id, named) {
			return e.skipPeriod(ctx, id, at)
		}
		return e.skipWake(ctx, kind, id, now)
	}
	if fault.KindOf(err) == fault.NotFound {
		return e.skipWake(ctx, kind, id, now)
	}
	if err == nil {
		e.bus.publish(events)
	}
	return err
}

// skipPeriod leaves out the period a duty could not be opened for: the next one is a matter of its own.
func (e *Engine) skipPeriod(ctx context.Context, id string, at time.Time) error {
	return e.DB.Write(ctx, func(tx *store.Tx) error {
		w, err := e.begin(ctx, tx, at, ClockActor())
		if err != nil {
			return err
		}
		if err := w.openDuty(id, at, true); err != nil {
			return err
		}
		return w.writeEntry(nil, nil, Act{Action: "duty", Actor: w.actor})
	})
}

// skipWake takes a clock off the schedule until its record changes again.
func (e *Engine) skipWake(ctx context.Context, kind, id string, now time.Time) error {
	return e.DB.Write(ctx, func(tx *store.Tx) error {
		w, err := e.begin(ctx, tx, now, ClockActor())
		if err != nil {
			return err
		}
		table := "duty_cursor"
		if kind == "clock" {
			table = e.Lib.Form("base.clock").Table
		}
		if _, err := tx.Update(table, store.Row{"id": id}, store.Row{"next_at": nil}); err != nil {
			return err
		}
		return w.writeEntry(nil, nil, Act{Action: kind, Actor: w.actor})
	})
}

// fireClock does the earliest mark of one clock that is due at `at`.
func (w *work) fireClock(id string, at time.Time) error {
	crec, err := w.lock(w.clockForm(), id)
	if err != nil {
		return err
	}
	c := newClockRow(crec)
	if next, ok := parseInstant(crec.row["next_at"]); !ok || next.After(at) {
		return nil // another node was first, or it moved
	}
	if crec.str("duty") != "" {
		return w.fireDuty(c, at)
	}
	form := w.e.Lib.Form(crec.str("of_form"))
	if form == nil {
		setCol(crec, "next_at", nil)
		return nil
	}
	r, err := w.lock(form, crec.str("of_id"))
	if err != nil {
		return err
	}
	w.top = r
	list, err := w.instances(r)
	if err != nil {
		return err
	}
	for _, in := range list {
		if in.deadline.ID != crec.str("name") || in.key != crec.str("instance") {
			continue
		}
		if !in.open() {
			setCol(crec, "next_at", nil)
			return w.updateClock(r, in, c, false)
		}
		if err := w.fireMarks(r, in, c, at); err != nil {
			return err
		}
		next, err := w.nextWake(r, in, c)
		if err != nil {
			return err
		}
		setCol(crec, "next_at", nilIfEmpty(next))
		r.touch()
		return nil
	}
	w.closeClock(r, c, "void", at)
	return nil
}

// fireMarks does each mark that is due, in order.
func (w *work) fireMarks(r *Record, in *instance, c clockRow, at time.Time) error {
	list, err := w.marks(r, in, c)
	if err != nil {
		return err
	}
	for _, m := range list {
		if m.at.After(at) || (!m.repeat && c.fired[m.id] != "") {
			continue
		}
		if m.repeat && instant(m.at) != c.str("next_at") {
			continue
		}
		c.fired[m.id] = instant(m.at)
		switch {
		case m.late:
			if err := w.breach(r, in, c.rec); err != nil {
				return err
			}
		case m.warn != nil:
			setCol(c.rec, "warned", true)
			ids := heldBy(c.rec)
			w.effect(Effect{Kind: "clock", Form: r.form.Key, Record: r.id, Name: in.deadline.ID, Text: "warned", Clause: first(m.warn.Clause, in.clause), Data: map[string]string{"due": c.str("due"), "to": joinIDs(ids)}})
			w.clause(in.clause)
			for _, id := range ids {
				p, err := w.person(id)
				if err != nil {
					continue
				}
				if err := w.quietCreate("base.notice", r, map[string]expr.Value{"person": p, "text": w.headline(r) + "：" + in.deadline.Label.ZH + "快到期", "text_en": w.headline(r) + ": " + text(in.deadline.Label).EN + ", due soon", "clause": orUnset(first(m.warn.Clause, in.clause))}); err != nil {
					return err
				}
			}
		case m.step != nil:
			if m.repeat {
				n, _ := strconv.Atoi(c.fired[m.id+"#n"])
				c.fired[m.id+"#n"] = strconv.Itoa(n + 1)
			}
			w.effect(Effect{Kind: "clock", Form: r.form.Key, Record: r.id, Name: in.deadline.ID, Text: "step " + m.id, Clause: first(m.step.Clause, in.clause)})
			w.facts = append(w.facts, fact{form: r.form.Key, action: m.id, of: in.deadline.ID, rec: r, at: w.now, clause: first(m.step.Clause, in.clause), holder: heldBy(c.rec)})
			if err := w.tell(m.step.Do, r, in, heldBy(c.rec)); err != nil {
				return err
			}
		}
		break // one mark a transaction: the next one is found by its own time
	}
	b, _ := json.Marshal(c.fired)
	setCol(c.rec, "fired", string(b))
	return nil
}

func heldBy(c *Record) []string {
	var ids []string
	_ = json.Unmarshal([]byte(str(c.row["holder"])), &ids)
	return ids
}

// tell carries out what an instance of a deadline does by itself; what is said of lateness there is said of this instance.
func (w *work) tell(list []*rulebook.Effect, r *Record, in *instance, ids []string) error {
	r.telling = in
	defer func() { r.telling = nil }()
	return w.effects_(list, r, w.view(r), holderVars(w, in, ids))
}

// holderVars gives effects the names `holder` and the loop variable of the deadline.
func holderVars(w *work, in *instance, ids []string) map[string]expr.Value {
	vars := map[string]expr.Value{"holder": people{w: w, ids: ids}}
	for k, v := range in.vars {
		vars[k] = v
	}
	return vars
}

// breach records a missed deadline and does what the rulebook says for it, by the clock.
func (w *work) breach(r *Record, in *instance, crec *Record) error {
	if crec.str("breach") != "" {
		return nil
	}
	d := in.deadline
	view := w.view(r)
	ids := heldBy(crec)
	if d.Blame != nil && view.Awake(&d.Blame.Node) {
		if d.Blame.Nobody {
			ids = nil
		} else if d.Blame.Who != nil {
			var err error
			if ids, err = w.seatPersons(d.Blame.Who, r, view, w.scope(r, view, in.vars)); err != nil {
				return err
			}
		}
	}
	nobody := d.Blame != nil && d.Blame.Nobody && view.Awake(&d.Blame.Node)
	setCol(crec, "breach", "lapse")
	if crec.State() == "open" {
		crec.enter("late", w.now)
	}
	if !nobody {
		w.effect(Effect{Kind: "breach", Form: r.form.Key, Record: r.id, Name: d.ID, Text: joinIDs(ids), Clause: in.clause, Data: map[string]string{"due": instant(in.due), "holder": joinIDs(ids)}})
		given := map[string]expr.Value{"name": d.ID, "label": orUnset(d.Label.ZH), "due": in.due, "clause": orUnset(in.clause), "holder": people{w: w, ids: ids}}
		if len(ids) > 0 {
			if p, err := w.person(ids[0]); err == nil {
				given["person"] = p
			}
		}
		row, err := w.engineRecord("base.breach", r, given)
		if err != nil {
			return err
		}
		setCol(crec, "breach", row.id)
	}
	w.clause(in.clause)
	w.facts = append(w.facts, fact{form: r.form.Key, action: "late", of: d.ID, rec: r, at: w.now, clause: in.clause, holder: ids, breach: crec.str("breach")})
	return w.asClock(func() error {
		if d.Silent != nil {
			if err := w.silent(r, d); err != nil {
				return err
			}
		}
		return w.tell(d.Late, r, in, ids)
	})
}

// annul marks a breach that facts or the calendar have since disproved, and withdraws what was only proposed for it.
func (w *work) annul(c clockRow) error {
	crec := c.rec
	id := crec.str("breach")
	setCol(crec, "breach", nil)
	if crec.State() == "late" {
		crec.enter("open", w.now)
	}
	delete(c.fired, "late")
	b, _ := json.Marshal(c.fired)
	setCol(crec, "fired", string(b))
	if id == "" || id == "lapse" {
		return nil
	}
	row, err := w.ref("base.breach", id)
	if err != nil || row == nil {
		return err
	}
	row.enter("annulled", w.now)
	w.effect(Effect{Kind: "breach", Form: crec.str("of_form"), Record: crec.str("of_id"), Name: crec.str("name"), Text: "annulled"})
	return w.withdrawFor(id)
}

var _ = rulebook.Label{}
