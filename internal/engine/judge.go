package engine

import (
	"fmt"
	"slices"

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
	bound := a.From != nil && view.Awake(&a.From.Node)
	if state == "void" && !(bound && stateAllows(a, state)) {
		into, err := w.wentTo(r)
		if err != nil {
			return err
		}
		say := label("记录已作废", "The record is void")
		if into != nil {
			say = w.wentWords(into)
		}
		return w.refuse("state", r, a, []Reason{{Clause: a.Clause, Say: say}})
	}
	if bound && !stateAllows(a, state) {
		st := r.form.State(state)
		zh, en := state, state
		if st != nil {
			zh, en = st.Label.ZH, st.Label.EN
		}
		return w.refuse("state", r, a, []Reason{{Clause: first(a.From.Clause, a.Clause),
			Say: label("现在是“"+zh+"”，这一步还没轮到或已办过", "It stands at “"+en+"”; this step is not open now")}})
	}
	if (a.ID == "edit" || a.ID == "void") && a.From == nil {
		st := r.form.State(state)
		if (st != nil && (st.Locked || st.Final && (a.ID == "edit" || r.form.Retention == nil))) || (r.form.Append && a.ID == "edit") {
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

// judgeGates asks every gate of every book that the record's unit has adopted.
func (w *work) judgeGates(r *Record, a *rulebook.Action, d demand) error {
	var items []Reason
	err := w.shut(r, a, nil, func(g *rulebook.Gate, view *rulebook.View, s *expr.Scope) {
		if g.Waive != nil && w.waives(g.Waive, g.Clause, r, view, d) {
			return
		}
		items = append(items, Reason{Clause: g.Clause, Say: w.say(g.Say, s, "制度不允许", "The regulation does not allow it"), Waive: g.Waive != nil})
	})
	if err != nil {
		return err
	}
	if len(items) > 0 {
		return w.refuse("gate", r, a, items)
	}
	return nil
}

// gatesOpen tells whether no gate that counts and cannot be waived shuts an action.
func (w *work) gatesOpen(r *Record, a *rulebook.Action, counts func(*rulebook.Value) bool) (bool, error) {
	open := true
	err := w.shut(r, a, counts, func(g *rulebook.Gate, _ *rulebook.View, _ *expr.Scope) { open = open && g.Waive != nil })
	return open, err
}

// shut calls fn with every gate that stands in the way of an action; counts, if given, chooses which are asked by their condition.
func (w *work) shut(r *Record, a *rulebook.Action, counts func(*rulebook.Value) bool, fn func(*rulebook.Gate, *rulebook.View, *expr.Scope)) error {
	name := r.form.Key + "." + a.ID
	for _, b := range w.e.Lib.Books {
		for _, g := range b.Gates {
			on := g.PerForm[r.form.Key]
			if on == nil || !contains(g.Acts, name) || counts != nil && !counts(on.That) {
				continue
			}
			view := w.viewFor(b, r)
			if b.ID != r.form.Book.ID && b.ID != "base" && view.Adoption == "" {
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
				s = w.scope(r, view, map[string]expr.Value{g.Bind: v})
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
			if !ok {
				fn(g, view, s)
			}
		}
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
		items = append(items, Reason{Clause: first(c.Clause, a.Clause), Say: w.say(c.Say, s, "前提还没满足", "A condition is not met yet"), Waive: c.Waive != nil, Facts: facts, Stays: stays(r.form, a, c), waits: w.waits(r, a, c, view)})
	}
	if len(items) > 0 {
		return w.refuse("require", r, a, items)
	}
	return nil
}

// waits tells whether a condition hangs on what the act asks for and nobody has filled in yet: what it says then is said too early.
func (w *work) waits(r *Record, a *rulebook.Action, c *rulebook.Check, view *rulebook.View) bool {
	exprs := []*expr.Expr{c.When}
	for _, x := range c.That.Cases {
		exprs = append(exprs, x.Is, x.When)
	}
	for _, e := range exprs {
		if e == nil {
			continue
		}
		for _, p := range e.Reads() {
			if p.Object != r.form.Key || !slices.ContainsFunc(a.Fill, func(x *rulebook.Fill) bool { return x.Field == p.Field && !x.Optional }) {
				continue
			}
			if empty, _, err := w.empty(r, p.Field, view); err == nil && empty {
				return true
			}
		}
	}
	return false
}

// stays tells whether a condition reads nothing but what people no longer change in the record, so that filling in does not meet it.
func stays(f *rulebook.Form, a *rulebook.Action, c *rulebook.Check) bool {
	reads := 0
	for _, x := range c.That.Cases {
		for _, e := range []*expr.Expr{x.Is, x.When} {
			if e == nil {
				continue
			}
			for _, p := range e.Reads() {
				fd := f.Field(p.Field)
				if p.Object != f.Key || fd == nil || fd.Fixed == nil || slices.ContainsFunc(a.Fill, func(x *rulebook.Fill) bool { return x.Field == p.Field }) {
					return false
				}
				reads++
			}
		}
	}
	return reads > 0
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
	void := r.State() == "void" // what is void takes no place, so it is in nobody's way
	for _, u := range r.form.Unique {
		if void || !view.Awake(&u.Node) {
			continue
		}
		dup, err := w.duplicate(r, u, view)
		if err != nil {
			return err
		}
		if dup != "" {
			items = append(items, Reason{Clause: u.Clause, Say: sayOr(u.Say, "已有同样的记录", "There is one like it already")})
		}
	}
	for _, f := range r.form.Fields {
		if void || !f.Unique || r.row[f.ID] == nil || !view.Awake(&f.Node) {
			continue
		}
		column := f.Column
		if f.Personal {
			column = f.Mark()
		}
		n, err := w.tx.Count(r.form.Table, query.And(query.Eq("t", column, r.row[column]),
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
	if err := w.judgePosts(r, a); err != nil {
		return err
	}
	return w.judgeQuotas(r, a)
}

// duplicate is another record with the same values of a unique rule; "" if there is none.
func (w *work) duplicate(r *Record, u *rulebook.Unique, view *rulebook.View) (string, error) {
	s := w.scope(r, view, nil)
	if u.Where != nil {
		v, err := u.Where.Eval(s)
		if err != nil {
			return "", err
		}
		if b, _ := v.(bool); !b {
			return "", nil
		}
	}
	var conds []query.Expr
	for _, e := range u.By {
		v, err := e.Eval(s)
		if err != nil {
			return "", err
		}
		if v == nil {
			return "", nil // an empty key is nobody's duplicate
		}
		same, ok := e.Equals("this", v, s)
		if !ok {
			return "", fmt.Errorf("unique rule of %s is not in the SQL half", r.form.Key)
		}
		conds = append(conds, same)
	}
	if err := w.tx.Lock("unique:" + r.form.Key); err != nil {
		return "", err
	}
	where := query.And(append(conds, query.Op{Name: "<>", Args: []query.Expr{query.Col{Alias: "this", Name: "id"}, query.Const{Value: r.id}}},
		query.Op{Name: "<>", Args: []query.Expr{query.Col{Alias: "this", Name: "state"}, query.Const{Value: "void"}}})...)
	if u.Where != nil {
		if x, ok := u.Where.Query("this", s); ok {
			where = query.And(where, x)
		}
	}
	rows, err := w.tx.Select(query.Select{Table: r.form.Table, Alias: "this", Where: where, Limit: 1})
	if len(rows) == 0 {
		return "", err
	}
	return str(rows[0]["id"]), err
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
