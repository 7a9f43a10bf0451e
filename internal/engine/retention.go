package engine

import (
	"strconv"
	"strings"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// What is no longer kept is proposed for destruction: a cursor stands at the end of each record's term, where the limit to destroy it begins to
// run in its holder's list. Nothing is destroyed but by the act of whom the retention names.

const keeping = "kept:" // begins the cursor of a record

// destroyer is the retention that says how a record is destroyed; nil if none does, or it sleeps.
func (w *work) destroyer(r *Record, view *rulebook.View) *rulebook.Retention {
	ref := r.form.Retention
	if ref == nil || ref.Retention == nil || ref.Retention.Destroy == nil || !view.Awake(&ref.Node) || !view.Awake(&ref.Retention.Node) || !view.Awake(&ref.Retention.Destroy.Node) {
		return nil
	}
	return ref.Retention
}

// termOver is when the term of a record ended; false while it is kept or something holds it.
func (w *work) termOver(r *Record, view *rulebook.View) (at time.Time, over bool, err error) {
	k := w.destroyer(r, view)
	if k == nil {
		return time.Time{}, false, nil
	}
	s := w.scope(r, view, nil)
	at, err = w.keptUntil(r, k, view, s)
	if err != nil || at.IsZero() || w.now.Before(at) {
		return at, false, err
	}
	h, err := w.heldBack(k, view, s)
	return at, h == nil, err
}

// heldBack is what holds a record beyond its term.
func (w *work) heldBack(k *rulebook.Retention, view *rulebook.View, s *expr.Scope) (*rulebook.Check, error) {
	for _, h := range k.Hold {
		if !view.Awake(&h.Node) {
			continue
		}
		if held, err := w.truth(h.That, view, s, false); err != nil || held {
			return h, err
		}
	}
	return nil, nil
}

// keepTerm sets the cursor of a record to the end of its term. What something holds after it is looked at again each day.
func (w *work) keepTerm(r *Record) error {
	if r.form.Retention == nil || r.form.Retention.Retention == nil || r.form.Retention.Retention.Destroy == nil {
		return nil
	}
	next := ""
	if r.State() != "void" {
		switch at, over, err := w.termOver(r, w.view(r)); {
		case err != nil:
			return err
		case at.IsZero() || over:
		case w.now.Before(at):
			next = instant(at)
		default:
			next = instant(w.world.calendar.DateOf(w.now).End(w.world.calendar.Zone))
		}
	}
	id := keeping + r.id
	rows, err := w.tx.Select(query.Select{Table: "duty_cursor", Alias: "d", Where: query.Eq("d", "id", id), Limit: 1})
	switch {
	case err != nil:
		return err
	case next == "" && len(rows) > 0:
		_, err = w.tx.Delete("duty_cursor", query.Eq("d", "id", id))
		return err
	case next == "" || len(rows) > 0 && str(rows[0]["next_at"]) == next:
		return nil
	}
	return w.tx.Upsert("duty_cursor", []string{"id"}, store.Row{"id": id, "duty": keeping + r.form.Key, "unit": r.unitID(), "next_at": next})
}

// termEnded looks at the record whose cursor came up.
func (w *work) termEnded(row store.Row) error {
	id := str(row["id"])
	if _, err := w.tx.Delete("duty_cursor", query.Eq("d", "id", id)); err != nil {
		return err
	}
	form := w.e.Lib.Form(strings.TrimPrefix(str(row["duty"]), keeping))
	if form == nil {
		return nil
	}
	r, err := w.lock(form, strings.TrimPrefix(id, keeping))
	if err != nil {
		return err
	}
	w.top = r
	r.touch()
	return nil
}

// judgeWitness wants as many others to have seen a destruction as the retention says.
func (w *work) judgeWitness(r *Record, a *rulebook.Action) error {
	d := r.form.Retention.Retention.Destroy
	if d.Witness == 0 || d.Seen == "" {
		return nil
	}
	v, err := r.Get(d.Seen)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, id := range personIDs(v) {
		if id != w.actor.Person {
			seen[id] = true
		}
	}
	if len(seen) < d.Witness {
		n := strconv.Itoa(d.Witness)
		return w.refuse("require", r, a, []Reason{{Clause: d.Clause, Field: d.Seen, Say: label("要有"+n+"位见证人，经手人不算", "It takes "+n+" witnesses beside whoever does it")}})
	}
	return nil
}

// destroyed takes a record's personal data out of everything that can be searched or read, and what is attached to it out of the database.
// Record and journal stand.
func (w *work) destroyed(r *Record, a *rulebook.Action) error {
	if err := w.dropFiles(r, a); err != nil {
		return err
	}
	own := r.form.Subject == nil && hasPersonal(r.form.Fields)
	if r.form.Subject != nil {
		for _, f := range r.form.Fields {
			if f.Personal && !live(f) {
				if _, err := r.set(f, nil); err != nil {
					return err
				}
			}
		}
	}
	subjects := []string{}
	if own {
		subjects = append(subjects, r.id)
	}
	for _, l := range r.form.Lines {
		if !hasPersonal(l.Fields) {
			continue
		}
		rows, err := r.Lines(l.ID)
		if err != nil {
			return err
		}
		for _, x := range rows {
			subjects = append(subjects, x.id)
		}
	}
	for _, id := range subjects {
		if err := w.eraseSubject(id); err != nil {
			return err
		}
	}
	if len(subjects) > 0 {
		w.effect(Effect{Kind: "erase", Form: r.form.Key, Record: r.id, Clause: a.Clause})
	}
	return nil
}
