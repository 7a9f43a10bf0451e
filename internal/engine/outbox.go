package engine

import (
	"context"
	"encoding/json"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// outward puts a notice into the outbox, in the transaction of the act that tells, so that a notice and its alert exist
// together or not at all; and it lets the pages of whoever it is for know.
func (w *work) outward(notice, of *Record) error {
	w.events = append(w.events, Event{Form: notice.form.Key, Record: notice.id, Action: "create", By: w.actor.Person, Unit: notice.unitID()})
	if w.e.opts.Quiet {
		return nil
	}
	about := map[string]string{"clause": notice.str("clause")}
	if of != nil {
		about["form"], about["record"] = of.form.Key, of.id
	}
	b, err := json.Marshal(about)
	if err != nil {
		return err
	}
	return w.tx.Insert("outbox", store.Row{"id": notice.id, "kind": "notice", "target": notice.str("person"), "body": string(b), "at": instant(w.now), "next_at": instant(w.now)})
}

// Alert is all that may leave the house of a notice: a number, a time, and where to look.
type Alert struct {
	Number string    // of the record; without one the name of its form
	Due    time.Time // when the person's nearest limit on it ends; zero = none runs
	EN     bool      // he reads English
}

// AlertOf is what may leave of a notice about a record, or with no form of a notice about none, by the rights its reader has now. False: nothing may, because he
// has left or no longer sees the record.
func (e *Engine) AlertOf(ctx context.Context, now time.Time, person, form, record string) (a Alert, ok bool, err error) {
	err = e.read(ctx, now, Actor{Person: person}, func(w *work) error {
		a, ok = Alert{}, false
		f := w.e.Lib.Form(form)
		if w.me == nil || !w.world.active(person) {
			return nil
		}
		a.EN = str(w.me.row["language"]) == "en"
		if form == "" { // of the house itself, or of his own way in
			a.Number, ok = either(a.EN, "a message of the system", "有一条系统通知"), true
			return nil
		}
		if f == nil {
			return nil
		}
		r, err := w.recordSeen(form, record)
		if fault.KindOf(err) == fault.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		if a.Number = r.Number(); a.Number == "" {
			a.Number = either(a.EN && f.Label.EN != "", f.Label.EN, f.Label.ZH)
		}
		ok = true
		rows, err := w.tx.Select(query.Select{Table: w.clockForm().Table, Alias: "k", Limit: 1, Order: []query.Order{{Expr: query.Col{Alias: "k", Name: "due"}}},
			Where: query.And(query.Eq("k", "of_id", record), query.Eq("k", "state", "open"), holds("k", "holder", person))})
		if err == nil && len(rows) > 0 {
			a.Due, _ = parseInstant(rows[0]["due"])
		}
		return err
	})
	if fault.KindOf(err) == fault.NotFound { // the person himself is gone
		return Alert{}, false, nil
	}
	return a, ok, err
}

// NamesOf are the names of persons by id, for a list that only administrators read.
func (e *Engine) NamesOf(ctx context.Context, now time.Time, ids []string) (map[string]string, error) {
	names := map[string]string{}
	err := e.read(ctx, now, Actor{System: true}, func(w *work) error {
		for _, id := range ids {
			if p := w.world.people[id]; p != nil {
				names[id] = p.name
			}
		}
		return nil
	})
	return names, err
}
