package engine

import (
	"regexp"
	"slices"

	"zhanggui/internal/rulebook"
)

// endingAction is what this person can do about a clock: what ends it, if he may; else, while that is not
// open to him, what leads the record on from where it stands; else nothing.
func (w *work) endingAction(r *Record, d *rulebook.Deadline, duty *rulebook.Duty) *rulebook.Action {
	switch {
	case duty != nil:
		if duty.Met != nil && duty.Met.To != "" {
			return w.ifMay(r, r.form.Action(duty.Met.To))
		}
		return nil
	case d == nil, d.To != nil && d.To.Expr != nil: // something elsewhere ends it
		return nil
	case d.To != nil && d.To.Action != "":
		to := r.form.Action(d.To.Action)
		if a := w.ifMay(r, to); a != nil {
			return a
		}
		if to != nil && onlyClock(to) { // so does what another record does to this one
			return nil
		}
	}
	a := w.nextFor(r)
	if d.To == nil && a != nil && !r.form.State(a.To.States[0]).Path { // a clock that no act ends does not ask him to leave the way
		return nil
	}
	return a
}

// stampRead finds which acts of the record itself a condition waits for: done.x.at, not d.done.x.at of another.
var stampRead = regexp.MustCompile(`(?:^|[^.\w]|\bthis\.)done\.([a-z][a-z0-9_]*)\.`)

// answersTo are the actions whose being done ends a deadline that several may end, and that this person may do now.
func (w *work) answersTo(r *Record, d *rulebook.Deadline) []*rulebook.Action {
	if d == nil || d.To == nil || d.To.Expr == nil {
		return nil
	}
	var list []*rulebook.Action
	for _, c := range d.To.Expr.Cases {
		for _, m := range stampRead.FindAllStringSubmatch(c.Is.Text(), -1) {
			if a := w.ifMay(r, r.form.Action(m[1])); a != nil && !slices.Contains(list, a) {
				list = append(list, a)
			}
		}
	}
	return list
}

// ifMay is the action if this person may do it on the record now.
func (w *work) ifMay(r *Record, a *rulebook.Action) *rulebook.Action {
	if a == nil {
		return nil
	}
	view := w.view(r)
	if !view.Awake(&a.Node) || w.judgeState(r, a, view) != nil {
		return nil
	}
	if ok, _, err := w.allowed(r, a, view); !ok || err != nil {
		return nil
	}
	if x, err := w.exceptOf(a.Except, r, view); x != nil || err != nil {
		return nil
	}
	return a
}

// nextFor is the first action that leads the record on from where it stands and that waits for this person;
// one along the form's path before one beside it.
func (w *work) nextFor(r *Record) *rulebook.Action {
	view := w.view(r)
	var beside *rulebook.Action
	for _, a := range r.form.Actions {
		step := onward(r.form, a, r.State())
		if step == 0 || step == 1 && beside != nil || a.Implicit || a.By == nil || a.From == nil || a.From.Any || !view.Awake(&a.Node) ||
			w.judgeState(r, a, view) != nil || !w.mine(w.whoMay(r, a)) {
			continue
		}
		if step == 2 {
			return a
		}
		if to := r.form.State(a.To.States[0]); to != nil && to.Final { // that it may be ended is nothing that waits for him
			continue
		}
		beside = a
	}
	return beside
}

// onward tells whether an action leads on from a state: 2 along the form's path or back to it, 1 to a stage
// beside it, 0 not.
func onward(f *rulebook.Form, a *rulebook.Action, from string) int {
	if a.To == nil || len(a.To.States) != 1 {
		return 0
	}
	here, there := -1, -1
	for i, s := range f.States {
		if s.ID == from {
			here = i
		}
		if s.ID == a.To.States[0] {
			there = i
		}
	}
	switch {
	case here < 0 || there < 0:
		return 0
	case f.States[there].Path && !f.States[here].Path:
		return 2
	case there <= here:
		return 0
	case f.States[there].Path:
		return 2
	case f.States[there].Final:
		return 0
	}
	return 1
}

func (w *work) mine(ids []string) bool {
	if contains(ids, w.me.id) {
		return true
	}
	for _, away := range w.world.standsInFor(w.me.id, w.now) {
		if contains(ids, away) {
			return true
		}
	}
	return false
}
