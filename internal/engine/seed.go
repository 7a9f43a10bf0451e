package engine

import (
	"context"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// Seed is a record put straight into a state, as if the shortest way there had been gone at one moment.
// Only scenarios seed; no way in from outside leads here.
type Seed struct {
	Form   string
	State  string
	Values map[string]any
	Lines  map[string][]map[string]any
	Unit   string
}

// Seed writes a seeded record with the stamps, stays, number, copies and clocks of its way.
func (e *Engine) Seed(ctx context.Context, now time.Time, s Seed) (string, error) {
	form := e.Lib.Form(s.Form)
	if form == nil {
		return "", unknownForm(s.Form)
	}
	id := ""
	err := e.DB.Write(ctx, func(tx *store.Tx) error {
		w, err := e.begin(ctx, tx, now, Actor{System: true, Origin: "system"})
		if err != nil {
			return err
		}
		r, err := w.draft(form)
		if err != nil {
			return err
		}
		id = r.id
		if s.Unit != "" {
			r.column("unit", s.Unit)
		}
		view := w.view(r)
		create := form.Action("create")
		if err := w.fill(r, create, view, demand{values: s.Values, lines: s.Lines}, false); err != nil {
			return err
		}
		if len(form.States) > 0 {
			r.enter(form.States[0].ID, now)
		}
		r.mark(create, now, "")
		if err := w.number(r, create, view); err != nil {
			return err
		}
		for _, a := range wayTo(form, s.State) {
			if err := w.computeStored(r); err != nil {
				return err
			}
			by := ""
			if may := w.whoMay(r, a); len(may) > 0 {
				by = may[0]
			}
			if a.To != nil && len(a.To.States) == 1 {
				r.enter(a.To.States[0], now)
			}
			r.mark(a, now, by)
			if err := w.number(r, a, view); err != nil {
				return err
			}
			if err := w.serveCopies(r, a, view); err != nil {
				return err
			}
		}
		if s.State != "" && r.State() != s.State {
			r.enter(s.State, now)
		}
		if form.Report != nil {
			if err := w.fillReport(r); err != nil {
				return err
			}
		}
		w.topAction = create
		return w.settle()
	})
	return id, err
}

// wayTo is the shortest chain of named actions from the first state to the wanted one.
func wayTo(form *rulebook.Form, state string) []*rulebook.Action {
	if len(form.States) == 0 || state == "" || form.States[0].ID == state {
		return nil
	}
	type step struct {
		state string
		way   []*rulebook.Action
	}
	seen := map[string]bool{form.States[0].ID: true}
	queue := []step{{state: form.States[0].ID}}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, a := range form.Actions {
			if a.Implicit || a.To == nil || len(a.To.States) != 1 || a.From == nil || !stateAllows(a, at.state) {
				continue
			}
			to := a.To.States[0]
			if seen[to] {
				continue
			}
			seen[to] = true
			way := append(append([]*rulebook.Action{}, at.way...), a)
			if to == state {
				return way
			}
			queue = append(queue, step{to, way})
		}
	}
	return nil
}

// Ask evaluates an expression over a record and answers it as text; records are answered by their ids.
func (e *Engine) Ask(ctx context.Context, now time.Time, form, id string, x *expr.Expr) (string, error) {
	f := e.Lib.Form(form)
	if f == nil {
		return "", unknownForm(form)
	}
	out := ""
	err := e.DB.Read(ctx, func(tx *store.Tx) error {
		w, err := e.begin(ctx, tx, now, Actor{System: true})
		if err != nil {
			return err
		}
		w.reading = true
		r, err := w.get(f, id)
		if err != nil {
			return err
		}
		view := w.view(r)
		v, err := x.Eval(w.scope(r, view, nil))
		if err != nil {
			return err
		}
		if s, ok := v.(expr.Set); ok {
			all, err := s.All()
			if err != nil {
				return err
			}
			list := make([]expr.Value, len(all))
			for i, y := range all {
				list[i] = y
			}
			v = list
		}
		out = expr.Format(v, x.Type())
		return nil
	})
	return out, err
}

// CountOf counts the records of a form; voided ones too.
func (e *Engine) CountOf(ctx context.Context, form string) (int64, error) {
	f := e.Lib.Form(form)
	if f == nil {
		return 0, unknownForm(form)
	}
	var n int64
	err := e.DB.Read(ctx, func(tx *store.Tx) error {
		var err error
		n, err = tx.Count(f.Table, nil)
		return err
	})
	return n, err
}

// Newest is the record of a form made last, "" if there is none.
func (e *Engine) Newest(ctx context.Context, form string) (string, error) {
	f := e.Lib.Form(form)
	if f == nil {
		return "", unknownForm(form)
	}
	id := ""
	err := e.DB.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Select(query.Select{Table: f.Table, Alias: "t", Limit: 1, Order: []query.Order{
			{Expr: query.Col{Alias: "t", Name: "at"}, Desc: true}, {Expr: query.Col{Alias: "t", Name: "id"}, Desc: true}}})
		if err == nil && len(rows) > 0 {
			id = str(rows[0]["id"])
		}
		return err
	})
	return id, err
}

// Watch hands the effects of what the clock does to fn until the returned func is called.
func (e *Engine) Watch(fn func([]Effect)) func() {
	e.watch = fn
	return func() { e.watch = nil }
}
