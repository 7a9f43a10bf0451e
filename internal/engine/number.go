package engine

import (
	"encoding/json"
	"fmt"
	"strings"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
)

// number gives the record its place in the series, inside the transaction of the action that asks for it.
// A refused act rolls the counter back with everything else; so numbers have no gap.
func (w *work) number(r *Record, a *rulebook.Action, view *rulebook.View) error {
	n := r.form.Number
	if n == nil || !view.Awake(&n.Node) || r.Number() != "" {
		return w.voidNumber(r, a, view)
	}
	upon := "create"
	if n.Upon != nil && view.Awake(&n.Upon.Node) {
		upon = n.Upon.Action
	}
	if a.ID != upon {
		return nil
	}
	return w.nextNumber(r, view)
}

// numberAnew gives a record another number of the series that it belongs to now. The former is kept in the void register.
func (w *work) numberAnew(r *Record, a *rulebook.Action, view *rulebook.View) error {
	n := r.form.Number
	if n == nil || n.Anew == nil || n.Anew.Action != a.ID || r.Number() == "" || !view.Awake(&n.Node) || !view.Awake(&n.Anew.Node) {
		return nil
	}
	if _, err := w.engineRecord("base.voided", r, map[string]expr.Value{"no": r.Number(), "reason": textOr(a.Label, a.ID).ZH}); err != nil {
		return err
	}
	w.clause(n.Anew.Clause)
	if err := w.computeStored(r); err != nil { // the action may have changed what the number is made of
		return err
	}
	return w.nextNumber(r, view)
}

// nextNumber is the next one of the record's series.
func (w *work) nextNumber(r *Record, view *rulebook.View) error {
	n := r.form.Number
	d := calendar.DateOf(w.now, w.world.calendar.Zone)
	period := "ever"
	if n.Per != nil && view.Awake(&n.Per.Node) {
		switch n.Per.Period {
		case "day":
			period = d.String()
		case "month":
			period = fmt.Sprintf("%04d-%02d", d.Year, int(d.Month))
		case "quarter":
			period = fmt.Sprintf("%04d-Q%d", d.Year, (int(d.Month)+2)/3)
		case "year":
			period = fmt.Sprintf("%04d", d.Year)
		}
		for _, e := range n.Per.Exprs {
			v, err := e.Eval(w.scope(r, view, nil))
			if err != nil {
				return err
			}
			period += "|" + expr.Format(v, e.Type())
		}
	}
	serial, err := w.tx.Next(r.form.Key+"@"+view.Unit, period)
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, p := range n.Pattern {
		switch p.Token {
		case "":
			b.WriteString(p.Text)
		case "yy":
			fmt.Fprintf(&b, "%02d", d.Year%100)
		case "yyyy":
			fmt.Fprintf(&b, "%04d", d.Year)
		case "mm":
			fmt.Fprintf(&b, "%02d", int(d.Month))
		case "dd":
			fmt.Fprintf(&b, "%02d", d.Day)
		case "n":
			fmt.Fprintf(&b, "%0*d", p.Width, serial)
		default:
			v, err := r.Get(p.Token)
			if err != nil {
				return err
			}
			b.WriteString(expr.Format(v, expr.Type{Kind: expr.KAny}))
		}
	}
	r.column("number", b.String())
	w.effect(Effect{Kind: "number", Form: r.form.Key, Record: r.id, Text: b.String(), Clause: n.Clause})
	w.clause(n.Clause)
	return nil
}

// voidNumber keeps the number of a voided record in the void register.
func (w *work) voidNumber(r *Record, a *rulebook.Action, view *rulebook.View) error {
	n := r.form.Number
	if n == nil || n.Void == nil || r.Number() == "" || !contains(n.Void.Actions, a.ID) || !view.Awake(&n.Void.Node) {
		return nil
	}
	_, err := w.engineRecord("base.voided", r, map[string]expr.Value{"no": r.Number(), "reason": orUnset(w.reason)})
	return err
}

// serveCopies files the frozen parts of a paper form with those who get them.
func (w *work) serveCopies(r *Record, a *rulebook.Action, view *rulebook.View) error {
	for _, c := range r.form.Copies {
		if c.Upon != a.ID || !view.Awake(&c.Node) {
			continue
		}
		ids, err := w.seatPersons(c.To, r, view, w.scope(r, view, nil))
		if err != nil {
			return err
		}
		content, err := w.frozen(r, c.With)
		if err != nil {
			return err
		}
		given := map[string]expr.Value{"mark": c.Mark, "to": people{w: w, ids: ids}, "to_label": orUnset(c.Label.ZH), "content": content, "clause": orUnset(c.Clause), "received_at": w.now}
		if _, err := w.engineRecord("base.copy", r, given); err != nil {
			return err
		}
		w.effect(Effect{Kind: "copy", Form: r.form.Key, Record: r.id, Name: c.Mark, Text: joinIDs(ids), Clause: c.Clause})
		w.clause(c.Clause)
	}
	return nil
}

// frozen is the record's content as text that will not change: fields with their labels and values in words.
func (w *work) frozen(r *Record, with []string) (string, error) {
	type cell struct {
		Field string         `json:"field"`
		Label rulebook.Label `json:"label"`
		Value string         `json:"value"`
	}
	var cells []cell
	for _, f := range r.form.Fields {
		if len(with) > 0 && !contains(with, f.ID) {
			continue
		}
		v, err := r.Get(f.ID)
		if err != nil {
			return "", err
		}
		if v != nil {
			cells = append(cells, cell{f.ID, f.Label, w.kept(v, f)})
		}
	}
	for _, l := range r.form.Lines {
		if len(with) > 0 && !contains(with, l.ID) {
			continue
		}
		lines, err := r.Lines(l.ID)
		if err != nil {
			return "", err
		}
		for i, row := range lines {
			for _, f := range l.Fields {
				v, err := row.Get(f.ID)
				if err != nil {
					return "", err
				}
				if v != nil {
					cells = append(cells, cell{fmt.Sprintf("%s.%d.%s", l.ID, i, f.ID), f.Label, w.kept(v, f)})
				}
			}
		}
	}
	b, err := json.Marshal(map[string]any{"number": r.Number(), "state": r.State(), "at": instant(w.now), "cells": cells})
	return string(b), err
}

// freeze keeps a dated, hashed snapshot.
func (w *work) freeze(r *Record, name string) error {
	content, err := w.frozen(r, nil)
	if err != nil {
		return err
	}
	_, err = w.engineRecord("base.snapshot", r, map[string]expr.Value{"name": name, "content": content, "hash": w.contentHash(r)})
	return err
}
