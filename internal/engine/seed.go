package engine

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
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
	By     string               // who made it
	Done   map[string]time.Time // when actions happened, if not at the one moment; those off the way there too
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
		r, err := w.draft(form, nil)
		if err != nil {
			return err
		}
		id = r.id
		if s.Unit != "" {
			r.column("unit", s.Unit)
		}
		if s.By != "" {
			r.column("by", s.By)
		}
		view := w.view(r)
		create := form.Action("create")
		if err := w.fill(r, create, view, demand{values: s.Values, lines: s.Lines}, false); err != nil {
			return err
		}
		if len(form.States) > 0 {
			r.enter(form.States[0].ID, now)
		}
		when := func(action string) time.Time {
			if t, ok := s.Done[action]; ok {
				return t
			}
			return now
		}
		r.mark(create, when("create"), s.By)
		if err := w.number(r, create, view); err != nil {
			return err
		}
		way, err := wayTo(form, s.State)
		if err != nil {
			return err
		}
		for _, a := range way {
			if err := w.computeStored(r); err != nil {
				return err
			}
			by := ""
			if may := w.whoMay(r, a); len(may) > 0 {
				by = may[0]
			}
			if a.To != nil && len(a.To.States) == 1 {
				r.enter(a.To.States[0], when(a.ID))
			}
			r.mark(a, when(a.ID), by)
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
		if err := r.markOthers(s.Done, way); err != nil {
			return err
		}
		if form.Report != nil {
			if err := w.fillReport(r); err != nil {
				return err
			}
		}
		w.topAction, w.seeding = create, true
		if err := w.settle(); err != nil {
			return err
		}
		return w.writeEntry(r, create, Act{Form: s.Form, Action: "create", Actor: w.actor})
	})
	return id, err
}

// markOthers stamps the actions that a seed names although they do not lead to its state.
func (r *Record) markOthers(done map[string]time.Time, way []*rulebook.Action) error {
	for _, id := range sortedKeys(done) {
		a := r.form.Action(id)
		if a == nil {
			return unknownAction(r.form, id)
		}
		if id != "create" && !slices.Contains(way, a) {
			r.mark(a, done[id], "")
		}
	}
	return nil
}

// wayTo is the shortest chain of named actions from the first state to the wanted one. A state that no action
// leads to is refused: a scenario about it would prove something that cannot happen. Only the engine's own
// registers stand in states without being led there.
func wayTo(form *rulebook.Form, state string) ([]*rulebook.Action, error) {
	if state == "" || (len(form.States) > 0 && form.States[0].ID == state) {
		return nil, nil
	}
	if form.State(state) == nil && state != "void" {
		return nil, fault.New(fault.Invalid, "“"+form.Label.ZH+"”没有这个状态："+state, "Form "+form.Label.EN+" has no state "+state)
	}
	if way := shortest(form, state, false); way != nil {
		return way, nil
	}
	if way := shortest(form, state, true); way != nil || state == "void" || form.Kept == "engine" {
		return way, nil
	}
	return nil, fault.New(fault.Invalid, "“"+form.Label.ZH+"”没有办理项通到："+state, "No action of "+form.Label.EN+" leads to "+state)
}

// shortest searches the actions that say where they start; with anywhere, those too that start in any state.
func shortest(form *rulebook.Form, state string, anywhere bool) []*rulebook.Action {
	if len(form.States) == 0 {
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
			if a.Implicit || a.To == nil || len(a.To.States) != 1 || (a.From == nil && !anywhere) || !stateAllows(a, at.state) {
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

// Named is a record that an expression calls by a name of its own.
type Named struct{ Form, ID string }

// Ask evaluates an expression over a record and answers it as text; records are answered by their ids.
// More are records that the expression names beside `this`; book, if not nil, is the one whose words it speaks.
func (e *Engine) Ask(ctx context.Context, now time.Time, form, id string, x *expr.Expr, book *rulebook.Book, more map[string]Named) (string, error) {
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
		if book != nil {
			view = w.viewFor(book, r)
		}
		vars := map[string]expr.Value{}
		for name, n := range more {
			if vars[name], err = recordOrUnset(w.ref(n.Form, n.ID)); err != nil {
				return err
			}
		}
		v, err := x.Eval(w.scope(r, view, vars))
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

// Newest is the record of a form made last, "" if there is none. With of, only those that refer to that record.
func (e *Engine) Newest(ctx context.Context, form string, of Named) (string, error) {
	f := e.Lib.Form(form)
	if f == nil {
		return "", unknownForm(form)
	}
	var where query.Expr
	if of.ID != "" {
		var any []query.Expr
		for _, fd := range f.Fields {
			if !live(fd) && (fd.ID == "of_id" || fd.Type.Expr.Kind == expr.KObject && fd.Type.Expr.Object == of.Form) {
				any = append(any, query.Eq("t", fd.ID, of.ID))
			}
		}
		if len(any) == 0 {
			return "", nil
		}
		where = any[0]
		for _, x := range any[1:] {
			where = query.Op{Name: "or", Args: []query.Expr{where, x}}
		}
	}
	id := ""
	err := e.DB.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Select(query.Select{Table: f.Table, Alias: "t", Where: where, Limit: 1, Order: []query.Order{
			{Expr: query.Col{Alias: "t", Name: "at"}, Desc: true}, {Expr: query.Col{Alias: "t", Name: "id"}, Desc: true}}})
		if err == nil && len(rows) > 0 {
			id = str(rows[0]["id"])
		}
		return err
	})
	return id, err
}

// ClockOf tells who holds a deadline or duty of a record in its latest instance, and how many breaches of it stand.
// id "" asks for the breaches of every record.
func (e *Engine) ClockOf(ctx context.Context, id, name string) (holders []string, breaches int64, err error) {
	err = e.DB.Read(ctx, func(tx *store.Tx) error {
		where := query.And(query.Eq("t", "name", name), query.Eq("t", "state", "standing"))
		if id != "" {
			where = query.And(where, query.Eq("t", "of_id", id))
		}
		if breaches, err = tx.Count(e.Lib.Form("base.breach").Table, where); err != nil || id == "" {
			return err
		}
		rows, err := tx.Select(query.Select{Table: e.Lib.Form("base.clock").Table, Alias: "t", Limit: 1,
			Where: query.And(query.Eq("t", "of_id", id), query.Eq("t", "name", name)),
			Order: []query.Order{{Expr: query.Col{Alias: "t", Name: "from_at"}, Desc: true}, {Expr: query.Col{Alias: "t", Name: "id"}, Desc: true}}})
		if err == nil && len(rows) > 0 {
			_ = json.Unmarshal([]byte(str(rows[0]["holder"])), &holders) // written by us; an unreadable one reads as nobody
		}
		return err
	})
	return holders, breaches, err
}

// Watch hands the effects of what the clock does to fn until the returned func is called.
func (e *Engine) Watch(fn func([]Effect)) func() {
	e.watch = fn
	return func() { e.watch = nil }
}
