package engine

import (
	"context"
	"time"

	"zhanggui/internal/rulebook"
)

// Flow is a form's states and the actions that lead from one to another, and where a record stands among them.
type Flow struct {
	States []FlowState `json:"states"` // in the order of the rulebook; the first is where a record begins
	Ways   []FlowWay   `json:"ways"`
	Took   []FlowStep  `json:"took"` // of a record: the ways it went, in order
}

// FlowState is a place a record may stand at. Status is told of a record: done, current or ahead.
type FlowState struct {
	ID     string `json:"id"`
	Label  Text   `json:"label"`
	Final  bool   `json:"final"`
	Path   bool   `json:"path"`
	Status string `json:"status,omitempty"`
	Since  string `json:"since,omitempty"` // when the record last came there
}

// FlowWay is an action that moves a record. Any: from wherever it stands. Clock: nobody presses it.
type FlowWay struct {
	Action string   `json:"action"`
	Label  Text     `json:"label"`
	Clause string   `json:"clause,omitempty"`
	From   []string `json:"from"`
	Any    bool     `json:"any,omitempty"`
	To     string   `json:"to"`
	Clock  bool     `json:"clock,omitempty"`
	Danger bool     `json:"danger,omitempty"`
}

// FlowStep is one move of a record.
type FlowStep struct {
	From string `json:"from"`
	To   string `json:"to"`
	At   string `json:"at"`
}

// Flow draws a form's process; id names a record to be found on it, or is empty.
func (e *Engine) Flow(ctx context.Context, now time.Time, actor Actor, form, id string) (*Flow, error) {
	var v *Flow
	err := e.read(ctx, now, actor, func(w *work) error {
		f, err := w.formSeen(form)
		if err != nil {
			return err
		}
		unit := w.world.top
		if w.me != nil {
			unit = w.home(f.Book)
		}
		r := w.blank(f, unit)
		if id != "" {
			if r, err = w.recordSeen(form, id); err != nil {
				return err
			}
		}
		v = w.flow(r)
		return nil
	})
	return v, err
}

func (w *work) flow(r *Record) *Flow {
	v := &Flow{States: []FlowState{}, Ways: []FlowWay{}, Took: []FlowStep{}}
	stays := r.stays()
	add := func(id string, label Text, final, path bool) {
		s := FlowState{ID: id, Label: label, Final: final, Path: path}
		if !r.fresh {
			s.Status = "ahead"
			for _, x := range stays {
				if x.State == id {
					s.Status, s.Since = "done", x.From
				}
			}
			if id == r.State() && !final {
				s.Status = "current"
			}
		}
		v.States = append(v.States, s)
	}
	for _, s := range r.form.States {
		add(s.ID, textOr(s.Label, s.ID), s.Final, s.Path)
	}
	view := w.view(r)
	void := false
	for _, a := range r.form.Actions {
		if !view.Awake(&a.Node) {
			continue
		}
		if x, ok := flowWay(a, view); ok {
			void = void || x.To == "void"
			v.Ways = append(v.Ways, x)
		}
	}
	if void {
		add("void", stateText(r.form, "void"), true, false)
	}
	for i := 1; i < len(stays); i++ {
		v.Took = append(v.Took, FlowStep{stays[i-1].State, stays[i].State, stays[i].From})
	}
	return v
}

// flowWay is an action as a way; those that move nothing are none.
func flowWay(a *rulebook.Action, view *rulebook.View) (FlowWay, bool) {
	x := FlowWay{Action: a.ID, Label: actionText(a), Clause: wayClause(a, view), From: []string{}, Clock: onlyClock(a), Danger: a.Opens == "danger"}
	switch {
	case a.ID == "void" && a.Form.Kept != "engine":
		x.To, x.Any = "void", true
	case a.ID == "create" || a.To == nil || len(a.To.States) == 0 || !view.Awake(&a.To.Node):
		return x, false
	default:
		x.To = a.To.States[0]
	}
	if a.From == nil || a.From.Any || !view.Awake(&a.From.Node) {
		x.Any = true
	} else {
		x.From = append(x.From, a.From.States...)
	}
	return x, true
}

// wayClause is the clause that speaks of the way: the action's own, else of where it starts and leads, who goes it, what it asks.
func wayClause(a *rulebook.Action, view *rulebook.View) string {
	nodes := []*rulebook.Node{&a.Node}
	for _, p := range []*rulebook.Place{a.To, a.From} {
		if p != nil {
			nodes = append(nodes, &p.Node)
		}
	}
	if a.By != nil {
		for _, i := range a.By.Items {
			nodes = append(nodes, &i.Node)
		}
	}
	for _, c := range a.Require {
		nodes = append(nodes, &c.Node)
	}
	for _, f := range a.Fill {
		nodes = append(nodes, &f.Node)
	}
	for _, e := range a.Do {
		nodes = append(nodes, &e.Node)
	}
	for _, n := range nodes {
		if n.Clause != "" && view.Awake(n) {
			return n.Clause
		}
	}
	return ""
}
