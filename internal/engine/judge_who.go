package engine

import (
	"fmt"
	"slices"

	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
)

// Who may.

// judgeWho asks whether this actor may, and whether he is excluded.
func (w *work) judgeWho(r *Record, a *rulebook.Action, view *rulebook.View, d demand) error {
	if w.actor.System {
		return nil
	}
	if w.actor.Clock || !d.person {
		// What an effect or the clock does is authorised by the rulebook that says so;
		// exclusions still bind, since they are about the person.
		return w.judgeExcept(r, a, view)
	}
	if w.actor.Link != nil {
		return nil // judged before the act began
	}
	ok, clause, err := w.allowed(r, a, view)
	if err != nil {
		return err
	}
	if !ok {
		why := Reason{Clause: first(clause, a.Clause), Say: label("这一步不归你办", "This step is not yours")}
		if id, _ := w.approvalOf(r, a, view); id != "" { // a seat he would have, but for an exclusion, is refused by that
			ap := w.approvalNamed(r, id)
			x, err := w.exceptOf(ap.Except, r, w.viewFor(ap.Book, r))
			if err != nil {
				return err
			}
			if x != nil {
				why = Reason{Clause: first(x.Clause, why.Clause), Say: orOwn(x.Say)}
			}
		}
		return w.refuse("who", r, a, []Reason{why})
	}
	if err := w.judgeConflicts(r, a, view); err != nil {
		return err
	}
	return w.judgeExcept(r, a, view)
}

func (w *work) judgeExcept(r *Record, a *rulebook.Action, view *rulebook.View) error {
	x, err := w.exceptOf(a.Except, r, view)
	if err != nil || x == nil {
		return err
	}
	return w.refuse("who", r, a, []Reason{{Clause: first(x.Clause, a.Clause), Say: orOwn(x.Say)}})
}

// exceptOf is the first awake exclusion that the actor falls under.
func (w *work) exceptOf(list []*rulebook.Except, r *Record, view *rulebook.View) (*rulebook.Except, error) {
	if w.me == nil {
		return nil, nil
	}
	for _, x := range list {
		if !view.Awake(&x.Node) {
			continue
		}
		v, err := x.Is.Eval(w.scope(r, view, nil))
		if err != nil {
			return nil, err
		}
		if contains(personIDs(v), w.me.id) {
			return x, nil
		}
	}
	return nil, nil
}

func orOwn(say rulebook.Label) rulebook.Label {
	if say.ZH == "" {
		return label("不能由本人办理", "You may not do this yourself")
	}
	return say
}

// allowed tells whether the actor is one of those who may, and the clause that says who.
func (w *work) allowed(r *Record, a *rulebook.Action, view *rulebook.View) (bool, string, error) {
	if a.By == nil {
		return w.defaultAllowed(r, a, view), a.Clause, nil
	}
	clause, other := "", "" // of the case that is given; else of the first there is
	asleep := true
	for _, item := range a.By.Items {
		if !view.Awake(&item.Node) {
			continue
		}
		asleep = false
		other = first(other, item.Clause)
		if ok, err := applies(item, w.scope(r, view, nil)); err != nil {
			return false, "", err
		} else if !ok {
			continue
		}
		clause = first(clause, item.Clause)
		ids, any, err := w.whoItem(r, item, view)
		if err != nil {
			return false, "", err
		}
		if any || w.among(ids) {
			return true, clause, nil
		}
	}
	clause = first(clause, other)
	return asleep && len(a.By.Items) > 0, clause, nil
}

// defaultAllowed: without `by`, anyone of the adopting unit, of edit and void who answers for the record; platform forms only for administrators.
func (w *work) defaultAllowed(r *Record, a *rulebook.Action, view *rulebook.View) bool {
	switch a.ID {
	case "view", "print", "export", "reveal":
		return true
	}
	if r.form.Kept == "platform" || (r.form.Kept == "engine" && a.Implicit) {
		return w.world.has(w.actor.Person, "admin", w.now)
	}
	if a.ID == "edit" || a.ID == "void" { // nobody rewrites another's record, or takes it out of work, but those above him
		return w.among(w.answerFor(r))
	}
	if view.Unit == "" {
		return w.world.active(w.actor.Person)
	}
	return w.world.isMember(w.actor.Person, view.Unit, w.now)
}

// among tells whether the actor is one of these people, or stands in for one who is away.
func (w *work) among(ids []string) bool {
	return contains(ids, w.actor.Person) || slices.ContainsFunc(w.world.standsInFor(w.actor.Person, w.now), func(absent string) bool { return contains(ids, absent) })
}

// answerFor are those who edit and void a record where the regulation does not say who: who filed it and those above him, of what nobody filed
// the head of its unit and those above, and administrators.
func (w *work) answerFor(r *Record) []string {
	var list []string
	x := str(r.row["by"])
	if x == "" {
		for u := range w.world.chain(r.unitID()) {
			if unit := w.world.units[u]; x == "" && unit != nil {
				x = unit.head
			}
		}
	}
	for ; x != "" && !contains(list, x); x = w.world.superiorOf(x) {
		list = append(list, x)
	}
	return append(list, w.world.holders("admin", w.world.top, w.now)...)
}

// whoItem resolves one item of a `by` to person ids; any = everybody.
func (w *work) whoItem(r *Record, item *rulebook.WhoItem, view *rulebook.View) (ids []string, any bool, err error) {
	if ok, err := applies(item, w.scope(r, view, nil)); !ok || err != nil {
		return nil, false, err
	}
	switch {
	case item.Anyone:
		return nil, true, nil
	case item.Clock || item.Link:
		return nil, false, nil
	case item.Approval != "":
		a := r.form.Book.Approval(item.Approval)
		if a == nil {
			return nil, false, fmt.Errorf("no approval %s", item.Approval)
		}
		st, err := w.approval(r, a)
		if err != nil {
			return nil, false, err
		}
		if st.none { // asleep: no signature needed, anyone of the unit may
			return nil, true, nil
		}
		return st.may, false, nil
	}
	v, err := item.Expr.Eval(w.scope(r, view, nil))
	return personIDs(v), false, err
}

// applies tells whether the case of a `by` (when:) is given; an item without a case always is.
func applies(item *rulebook.WhoItem, s *expr.Scope) (bool, error) {
	if item.When == nil {
		return true, nil
	}
	v, err := item.When.Eval(s)
	b, _ := v.(bool)
	return b, err
}

// whoMay lists the persons who may do an action on a record now, exclusions taken out.
func (w *work) whoMay(r *Record, a *rulebook.Action) []string {
	view := w.view(r)
	var ids []string
	if a.By == nil {
		if r.form.Kept != "" {
			return w.world.holders("admin", "", w.now)
		}
		if a.ID == "edit" || a.ID == "void" {
			return slices.DeleteFunc(w.answerFor(r), func(id string) bool { return !w.world.active(id) })
		}
		return nil
	}
	for _, item := range a.By.Items {
		if !view.Awake(&item.Node) {
			continue
		}
		list, _, err := w.whoItem(r, item, view)
		if err != nil {
			continue // a broken question leaves the list short, never longer
		}
		for _, id := range list {
			if !contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	for _, x := range a.Except {
		if !view.Awake(&x.Node) {
			continue
		}
		v, err := x.Is.Eval(w.scope(r, view, nil))
		if err != nil {
			continue
		}
		out := personIDs(v)
		kept := ids[:0:0]
		for _, id := range ids {
			if !contains(out, id) {
				kept = append(kept, id)
			}
		}
		ids = kept
	}
	return ids
}

// judgeConflicts refuses somebody who holds two roles that exclude each other, or lacks what a role needs.
func (w *work) judgeConflicts(r *Record, a *rulebook.Action, view *rulebook.View) error {
	if a.By == nil {
		return nil
	}
	for _, g := range w.world.rolesOf(w.actor.Person, w.now) {
		role := view.Book.Role(g.role)
		if role == nil {
			continue
		}
		for _, need := range role.Needs {
			if !view.Awake(&need.Node) {
				continue
			}
			ok, err := w.truth(need.That, view, w.scope(w.me, view, map[string]expr.Value{"this": w.me}), true)
			if err != nil {
				return err
			}
			if !ok {
				return w.refuse("who", r, a, []Reason{{Clause: need.Clause, Say: sayOr(need.Say, "缺少任此角色的前提", "A condition of this role is not met")}})
			}
		}
	}
	return nil
}

func whoItems(who *rulebook.Who) []*rulebook.WhoItem {
	if who == nil {
		return nil
	}
	return who.Items
}
