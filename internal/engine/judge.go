package engine

import (
	"fmt"
	"unicode/utf8"

	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// judgeState asks whether the action may start from where the record stands.
func (w *work) judgeState(r *Record, a *rulebook.Action, view *rulebook.View) error {
	if a.ID == "create" || a.ID == "view" || a.ID == "reveal" || a.ID == "print" || a.ID == "export" {
		return nil
	}
	state := r.State()
	if a.From != nil && view.Awake(&a.From.Node) && !stateAllows(a, state) {
		st := r.form.State(state)
		zh, en := state, state
		if st != nil {
			zh, en = st.Label.ZH, st.Label.EN
		}
		return w.refuse("state", r, a, []Reason{{Clause: first(a.From.Clause, a.Clause),
			Say: label("现在是“"+zh+"”，这一步还没轮到或已办过", "It stands at “"+en+"”; this step is not open now")}})
	}
	if a.From == nil && !a.Implicit && state == "void" {
		return w.refuse("state", r, a, []Reason{{Clause: a.Clause, Say: label("记录已作废", "The record is void")}})
	}
	if (a.ID == "edit" || a.ID == "void") && a.From == nil {
		st := r.form.State(state)
		if state == "void" || (st != nil && (st.Locked || (st.Final && a.ID == "edit"))) || (r.form.Append && a.ID == "edit") {
			return w.refuse("locked", r, a, []Reason{{Clause: first(stateClause(st), r.form.Clause), Say: label("已定案，内容冻结", "It is settled; its content is frozen")}})
		}
	}
	if a.To != nil && !a.Again && len(a.To.States) == 1 && a.To.States[0] == state && a.From == nil {
		return w.refuse("state", r, a, []Reason{{Clause: a.Clause, Say: label("已经是这个状态", "It stands there already")}})
	}
	// An action that leaves the state as it is may be done once per stay unless it says `again`.
	if !a.Implicit && a.To == nil && !a.Again && r.doneInStay(a) {
		return w.refuse("state", r, a, []Reason{{Clause: a.Clause, Say: label("这一步已经办过", "This has been done already")}})
	}
	return nil
}

func stateClause(s *rulebook.State) string {
	if s == nil {
		return ""
	}
	return s.Clause
}

// doneInStay tells whether the action was done since the record entered its state.
func (r *Record) doneInStay(a *rulebook.Action) bool {
	s := r.stamps()[a.ID]
	if s == nil {
		return false
	}
	st := r.stays()
	return len(st) == 0 || s.At >= st[len(st)-1].From
}

func first(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

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
	ok, clause, err := w.allowed(r, a, view)
	if err != nil {
		return err
	}
	if !ok {
		why := Reason{Clause: first(clause, a.Clause), Say: label("这一步不归你办", "This step is not yours")}
		if id, _ := w.approvalOf(r, a, view); id != "" { // a seat he would have, but for an exclusion, is refused by that
			ap := a.Form.Book.Approval(id)
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
	clause := ""
	asleep := true
	for _, item := range a.By.Items {
		if !view.Awake(&item.Node) {
			continue
		}
		asleep = false
		clause = first(clause, item.Clause)
		ids, any, err := w.whoItem(r, item, view)
		if err != nil {
			return false, "", err
		}
		if any || contains(ids, w.actor.Person) {
			return true, clause, nil
		}
		for _, absent := range w.world.standsInFor(w.actor.Person, w.now) {
			if contains(ids, absent) {
				return true, clause, nil
			}
		}
	}
	return asleep && len(a.By.Items) > 0, clause, nil
}

// defaultAllowed: without `by`, anyone of the adopting unit; platform forms only for administrators.
func (w *work) defaultAllowed(r *Record, a *rulebook.Action, view *rulebook.View) bool {
	switch a.ID {
	case "view", "print", "export", "reveal":
		return true
	}
	if r.form.Kept == "platform" || (r.form.Kept == "engine" && a.Implicit) {
		return w.world.has(w.actor.Person, "admin", w.now)
	}
	p := w.world.people[w.actor.Person]
	return p != nil && p.active && (view.Unit == "" || w.world.within(p.unit, view.Unit))
}

// whoItem resolves one item of a `by` to person ids; any = everybody.
func (w *work) whoItem(r *Record, item *rulebook.WhoItem, view *rulebook.View) (ids []string, any bool, err error) {
	if ok, err := applies(item, w.scope(r, view, nil)); !ok || err != nil {
		return nil, false, err
	}
	switch {
	case item.Anyone:
		return nil, true, nil
	case item.Clock:
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

// judgeFill asks for the fields the actor must give, and for a reason.
func (w *work) judgeFill(r *Record, a *rulebook.Action, view *rulebook.View, d demand) error {
	var items []Reason
	if d.refuse {
		if utf8.RuneCountInString(d.comment) == 0 {
			items = append(items, Reason{Field: "comment", Say: label("不同意要写明理由", "Say why you decline")})
		}
	} else {
		for _, f := range a.Fill {
			if f.Optional || !view.Awake(&f.Node) {
				continue
			}
			empty, lbl, err := w.empty(r, f.Field, view)
			if err != nil {
				return err
			}
			if empty {
				items = append(items, Reason{Clause: first(f.Clause, fieldClause(r.form, f.Field), a.Clause), Field: f.Field,
					Say: label("还要填“"+lbl.ZH+"”", "“"+lbl.EN+"” is still empty")})
			}
		}
	}
	if a.Reason != nil && view.Awake(&a.Reason.Node) && utf8.RuneCountInString(d.reason) < a.Reason.N && d.person {
		items = append(items, Reason{Clause: first(a.Reason.Clause, a.Clause), Field: "reason",
			Say: label(fmt.Sprintf("理由至少写 %d 个字", a.Reason.N), fmt.Sprintf("Give a reason of at least %d characters", a.Reason.N))})
	}
	if (a.ID == "void") && a.Reason == nil && d.reason == "" && d.person {
		items = append(items, Reason{Field: "reason", Say: label("作废要写明理由", "Say why it is voided")})
	}
	more, err := w.judgeChecks(r, view)
	if err != nil {
		return err
	}
	items = append(items, more...)
	if len(items) > 0 {
		return w.refuse("fill", r, a, items)
	}
	return nil
}

func fieldClause(f *rulebook.Form, id string) string {
	if fd := f.Field(id); fd != nil {
		return fd.Clause
	}
	if l := f.Line(id); l != nil {
		return l.Clause
	}
	return ""
}

// empty tells whether a field or line list has nothing in it; fields that do not apply are never empty.
func (w *work) empty(r *Record, id string, view *rulebook.View) (bool, rulebook.Label, error) {
	if l := r.form.Line(id); l != nil {
		lines, err := r.Lines(id)
		return len(lines) == 0, l.Label, err
	}
	f := r.form.Field(id)
	if f == nil {
		return false, rulebook.Label{}, nil
	}
	if f.When != nil {
		applies, err := w.truth(f.When, view, w.scope(r, view, nil), true)
		if err != nil || !applies {
			return false, f.Label, err
		}
	}
	v, err := r.Get(id)
	if list, ok := v.([]expr.Value); ok && len(list) == 0 {
		v = nil
	}
	if s, ok := v.(string); ok && s == "" {
		v = nil
	}
	return v == nil, f.Label, err
}

// judgeChecks asks each changed field's own checks and bounds, and those of its lines.
func (w *work) judgeChecks(r *Record, view *rulebook.View) ([]Reason, error) {
	var items []Reason
	check := func(f *rulebook.Field, rec expr.Record, path string, s *expr.Scope) error {
		if !view.Awake(&f.Node) {
			return nil
		}
		v, err := rec.Get(f.ID)
		if err != nil || v == nil {
			return err
		}
		if why := outOfBounds(v, f); why.ZH != "" {
			items = append(items, Reason{Clause: f.Clause, Field: path, Say: why})
		}
		for _, c := range f.Check {
			if !view.Awake(&c.Node) {
				continue
			}
			ok, err := w.truth(c.That, view, s, true)
			if err != nil {
				return err
			}
			if !ok {
				items = append(items, Reason{Clause: first(c.Clause, f.Clause), Field: path, Say: w.say(c.Say, s, "“"+f.Label.ZH+"”不合要求", "“"+f.Label.EN+"” is not acceptable")})
			}
		}
		return nil
	}
	base := w.scope(r, view, nil)
	for _, f := range r.form.Fields {
		if len(f.Check) == 0 && f.Min == nil && f.Max == nil {
			continue
		}
		if !r.fresh && !r.changed(f.ID) && !checksReadChanged(r, f) {
			continue
		}
		if err := check(f, r, f.ID, base); err != nil {
			return nil, err
		}
	}
	for _, l := range r.form.Lines {
		if !r.lineDirty[l.ID] {
			continue
		}
		lines, err := r.Lines(l.ID)
		if err != nil {
			return nil, err
		}
		for i, row := range lines {
			s := w.scope(r, view, map[string]expr.Value{"this": row, "parent": r})
			for _, f := range l.Fields {
				path := fmt.Sprintf("%s.%d.%s", l.ID, i, f.ID)
				need, err := w.truth(f.Required, view, s, false)
				if err != nil {
					return nil, err
				}
				if need && view.Awake(&f.Node) {
					if v, err := row.Get(f.ID); err != nil {
						return nil, err
					} else if v == nil {
						items = append(items, Reason{Clause: f.Clause, Field: path, Say: label("还要填“"+f.Label.ZH+"”", "“"+f.Label.EN+"” is still empty")})
					}
				}
				if err := check(f, row, path, s); err != nil {
					return nil, err
				}
			}
		}
	}
	return items, nil
}

// checksReadChanged: a check may compare with another field that changed in this act.
func checksReadChanged(r *Record, f *rulebook.Field) bool {
	if len(f.Check) == 0 {
		return false
	}
	return len(r.was) > 0
}

// judgeRequired asks, with the record where it now stands, for fields that must be there.
func (w *work) judgeRequired(r *Record, a *rulebook.Action, view *rulebook.View) error {
	if a.ID == "view" || a.ID == "void" || a.ID == "reveal" || a.ID == "print" || a.ID == "export" {
		return nil
	}
	var items []Reason
	for _, f := range r.form.Fields {
		if f.Required == nil || !view.Awake(&f.Node) || f.Value != nil {
			continue
		}
		need, c, err := f.Required.Pick(view, w.scope(r, view, nil))
		if err != nil {
			return err
		}
		if b, _ := need.(bool); !b {
			continue
		}
		empty, lbl, err := w.empty(r, f.ID, view)
		if err != nil {
			return err
		}
		if empty {
			items = append(items, Reason{Clause: first(c.Clause, f.Clause, a.Clause), Field: f.ID, Say: label("还要填“"+lbl.ZH+"”", "“"+lbl.EN+"” is still empty")})
		}
	}
	if len(items) > 0 {
		return w.refuse("fill", r, a, items)
	}
	return nil
}

// judgeGates asks every gate of every book that the record's unit has adopted.
func (w *work) judgeGates(r *Record, a *rulebook.Action, d demand) error {
	var items []Reason
	name := r.form.Key + "." + a.ID
	for _, b := range w.e.Lib.Books {
		for _, g := range b.Gates {
			on := g.PerForm[r.form.Key]
			if on == nil || !contains(g.Acts, name) {
				continue
			}
			view := w.viewFor(b, r)
			if b != r.form.Book && b.ID != "base" && view.Adoption == "" {
				continue
			}
			if !view.Awake(&g.Node) {
				continue
			}
			s := w.scope(r, view, nil)
			if on.Bind != nil {
				v, err := on.Bind.Eval(s)
				if err != nil {
					return err
				}
				if v == nil {
					continue // it refers to nothing the gate is about
				}
				s.Vars[g.Bind] = v
			}
			ok, err := w.truth(on.That, view, s, true)
			if err != nil {
				return err
			}
			for _, u := range on.Unless {
				if ok {
					break
				}
				if view.Awake(&u.Node) {
					if ok, err = w.truth(u.That, view, s, false); err != nil {
						return err
					}
				}
			}
			if ok {
				continue
			}
			if g.Waive != nil && w.waives(g.Waive, g.Clause, r, view, d) {
				continue
			}
			items = append(items, Reason{Clause: g.Clause, Say: w.say(g.Say, s, "制度不允许", "The regulation does not allow it"), Waive: g.Waive != nil})
		}
	}
	if len(items) > 0 {
		return w.refuse("gate", r, a, items)
	}
	return nil
}

// judgeRequire asks the action's own guards.
func (w *work) judgeRequire(r *Record, a *rulebook.Action, view *rulebook.View, d demand) error {
	if d.refuse {
		return nil
	}
	var items []Reason
	s := w.scope(r, view, nil)
	for _, c := range a.Require {
		if !view.Awake(&c.Node) {
			continue
		}
		if c.When != nil {
			v, err := c.When.Eval(s)
			if err != nil {
				return err
			}
			if b, _ := v.(bool); !b {
				continue
			}
		}
		ok := false
		facts, err := w.apart(func() (err error) { ok, err = w.truth(c.That, view, s, true); return err })
		if err != nil {
			return err
		}
		if ok || (c.Waive != nil && w.waives(c.Waive, first(c.Clause, a.Clause), r, view, d)) {
			continue
		}
		items = append(items, Reason{Clause: first(c.Clause, a.Clause), Say: w.say(c.Say, s, "前提还没满足", "A condition is not met yet"), Waive: c.Waive != nil, Facts: facts})
	}
	if len(items) > 0 {
		return w.refuse("require", r, a, items)
	}
	return nil
}

// waives tells whether the act brings a waiver for the clause, with a reason, by somebody who may.
func (w *work) waives(x *rulebook.Waive, clause string, r *Record, view *rulebook.View, d demand) bool {
	if !view.Awake(&x.Node) {
		return false
	}
	for _, v := range d.waive {
		if v.Clause != clause || v.Reason == "" {
			continue
		}
		if x.By == nil {
			w.waived = append(w.waived, v)
			return true
		}
		for _, item := range x.By.Items {
			ids, any, err := w.whoItem(r, item, view)
			if err == nil && (any || contains(ids, w.actor.Person)) {
				w.waived = append(w.waived, v)
				return true
			}
			if item.Approval != "" {
				if a := r.form.Book.Approval(item.Approval); a != nil {
					if st, err := w.approval(r, a); err == nil && st.complete {
						w.waived = append(w.waived, v)
						return true
					}
				}
			}
		}
	}
	return false
}

// judgeEnd asks, after all effects, what spans records: uniqueness, quotas, ledgers.
func (w *work) judgeEnd(r *Record) error {
	if r.was == nil && !r.fresh && r.row["etag"] != int64(0) {
		return nil
	}
	a := w.topAction
	if a == nil {
		a = r.form.Action("edit")
	}
	view := w.view(r)
	var items []Reason
	for _, u := range r.form.Unique {
		if !view.Awake(&u.Node) {
			continue
		}
		dup, err := w.duplicate(r, u, view)
		if err != nil {
			return err
		}
		if dup {
			items = append(items, Reason{Clause: u.Clause, Say: sayOr(u.Say, "已有同样的记录", "There is one like it already")})
		}
	}
	for _, f := range r.form.Fields {
		if !f.Unique || r.row[f.ID] == nil || !view.Awake(&f.Node) {
			continue
		}
		n, err := w.tx.Count(r.form.Table, query.And(query.Eq("t", f.ID, r.row[f.ID]),
			query.Op{Name: "<>", Args: []query.Expr{query.Col{Alias: "t", Name: "id"}, query.Const{Value: r.id}}},
			query.Op{Name: "<>", Args: []query.Expr{query.Col{Alias: "t", Name: "state"}, query.Const{Value: "void"}}}))
		if err != nil {
			return err
		}
		if n > 0 {
			items = append(items, Reason{Clause: f.Clause, Field: f.ID, Say: label("“"+f.Label.ZH+"”已有人用了", "“"+f.Label.EN+"” is taken")})
		}
	}
	if len(items) > 0 {
		return w.refuse("unique", r, a, items)
	}
	return w.judgeQuotas(r, a)
}

// duplicate looks for another record with the same values of a unique rule.
func (w *work) duplicate(r *Record, u *rulebook.Unique, view *rulebook.View) (bool, error) {
	s := w.scope(r, view, nil)
	if u.Where != nil {
		v, err := u.Where.Eval(s)
		if err != nil {
			return false, err
		}
		if b, _ := v.(bool); !b {
			return false, nil
		}
	}
	var conds []query.Expr
	for _, e := range u.By {
		v, err := e.Eval(s)
		if err != nil {
			return false, err
		}
		if v == nil {
			return false, nil // an empty key is nobody's duplicate
		}
		left, ok := e.Query("this", s)
		if !ok {
			return false, fmt.Errorf("unique rule of %s is not in the SQL half", r.form.Key)
		}
		raw, err := encode(v, rulebook.FieldType{Expr: e.Type()})
		if err != nil {
			return false, err
		}
		conds = append(conds, query.Op{Name: "=", Args: []query.Expr{left, query.Const{Value: raw}}})
	}
	if err := w.tx.Lock("unique:" + r.form.Key); err != nil {
		return false, err
	}
	where := query.And(append(conds, query.Op{Name: "<>", Args: []query.Expr{query.Col{Alias: "this", Name: "id"}, query.Const{Value: r.id}}},
		query.Op{Name: "<>", Args: []query.Expr{query.Col{Alias: "this", Name: "state"}, query.Const{Value: "void"}}})...)
	if u.Where != nil {
		if x, ok := u.Where.Query("this", s); ok {
			where = query.And(where, x)
		}
	}
	rows, err := w.tx.Select(query.Select{Table: r.form.Table, Alias: "this", Where: where, Limit: 1})
	return len(rows) > 0, err
}

func sayOr(l rulebook.Label, zh, en string) rulebook.Label {
	if l.ZH == "" {
		return label(zh, en)
	}
	return l
}

// say fills a message's {paths} with the record's values.
func (w *work) say(l rulebook.Label, s *expr.Scope, zh, en string) rulebook.Label {
	l = sayOr(l, zh, en)
	return rulebook.Label{ZH: w.insert(l.ZH, s), EN: w.insert(l.EN, s)}
}

var _ = joinIDs
