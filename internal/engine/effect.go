package engine

import (
	"fmt"
	"strings"

	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
)

// effects_ carries out effects in order, in the name of whoever acts.
func (w *work) effects_(list []*rulebook.Effect, r *Record, view *rulebook.View, more map[string]expr.Value) error {
	for _, x := range list {
		if !view.Awake(&x.Node) {
			continue
		}
		if x.Each == "" {
			if err := w.effectOne(x, r, view, more); err != nil {
				return err
			}
			continue
		}
		v, err := x.List.Eval(w.scope(r, view, more))
		if err != nil {
			return fmt.Errorf("%s: %w", x.Path, err)
		}
		items, err := listOf(v)
		if err != nil {
			return err
		}
		for _, it := range items {
			vars := map[string]expr.Value{x.Each: it}
			for k, v := range more {
				vars[k] = v
			}
			if err := w.effectOne(x, r, view, vars); err != nil {
				return err
			}
		}
	}
	return nil
}

// listOf flattens any listlike value.
func listOf(v expr.Value) ([]expr.Value, error) {
	switch x := v.(type) {
	case nil:
		return nil, nil
	case []expr.Value:
		return x, nil
	case expr.Set:
		all, err := x.All()
		if err != nil {
			return nil, err
		}
		list := make([]expr.Value, len(all))
		for i, r := range all {
			list[i] = r
		}
		return list, nil
	case expr.Who:
		return toList(x), nil
	}
	return []expr.Value{v}, nil
}

func (w *work) effectOne(x *rulebook.Effect, r *Record, view *rulebook.View, vars map[string]expr.Value) error {
	s := w.scope(r, view, vars)
	if x.When != nil {
		ok, err := w.truth(x.When, view, s, true)
		if err != nil || !ok {
			return err
		}
	}
	w.clause(x.Clause)
	switch x.Kind {
	case "set":
		return w.effectSet(x, r, view, s)
	case "create":
		return w.effectCreate(x, r, view, s)
	case "do":
		return w.effectDo(x, r, view, s)
	case "notify":
		return w.effectNotify(x, r, view, s)
	case "post":
		return w.effectPost(x, r, view, s)
	case "freeze":
		return w.effectFreeze(x, r, s)
	case "erase":
		return w.effectErase(x, r, s)
	}
	return fmt.Errorf("%s: unknown effect %s", x.Path, x.Kind)
}

// assigned evaluates the `with:` of an effect.
func (w *work) assigned(list []*rulebook.Assign, view *rulebook.View, s *expr.Scope) (map[string]expr.Value, error) {
	m := map[string]expr.Value{}
	for _, a := range list {
		v, c, err := a.Value.Pick(view, s)
		if err != nil {
			return nil, err
		}
		if c != nil {
			m[a.Field] = v
		}
	}
	return m, nil
}

// targets are the records `for:` names; without it the record of the act.
func (w *work) targets(x *rulebook.Effect, r *Record, s *expr.Scope) ([]*Record, error) {
	if x.For == nil {
		return []*Record{r}, nil
	}
	v, err := x.For.Eval(s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", x.Path, err)
	}
	items, err := listOf(v)
	if err != nil {
		return nil, err
	}
	var list []*Record
	for _, it := range items {
		if rec, ok := it.(*Record); ok {
			list = append(list, rec)
		}
	}
	return list, nil
}

func (w *work) effectSet(x *rulebook.Effect, r *Record, view *rulebook.View, s *expr.Scope) error {
	targets, err := w.targets(x, r, s)
	if err != nil {
		return err
	}
	for _, t := range targets {
		values, err := w.assigned(x.Set, view, s)
		if err != nil {
			return err
		}
		for _, id := range sortedKeys(values) {
			f := t.form.Field(id)
			if f == nil {
				if w.implicit(t, id, values[id]) {
					continue
				}
				return fmt.Errorf("%s: form %s has no field %s", x.Path, t.form.Key, id)
			}
			changed, err := t.set(f, values[id])
			if err != nil {
				return err
			}
			if changed {
				w.effect(Effect{Kind: "set", Form: t.form.Key, Record: t.id, Name: id, Text: w.kept(values[id], f), Clause: x.Clause})
				w.event(t, "edit")
			}
		}
	}
	return nil
}

func (w *work) effectCreate(x *rulebook.Effect, r *Record, view *rulebook.View, s *expr.Scope) error {
	form := w.e.Lib.Form(x.Form)
	if form == nil {
		return fmt.Errorf("%s: no form %s", x.Path, x.Form)
	}
	if !inForceFor(form, w.viewFor(form.Book, r)) {
		return nil // a form not in force: the effect does nothing
	}
	given, err := w.assigned(x.Set, view, s)
	if err != nil {
		return err
	}
	return w.create(form, r, given, x.Clause, nil)
}

// create makes a record through its create action; its one reference to r's form points at r unless given.
func (w *work) create(form *rulebook.Form, r *Record, given map[string]expr.Value, clause string, made func(*Record)) error {
	rec, err := w.draft(form, r)
	if err != nil {
		return err
	}
	form = rec.form
	if r != nil {
		if u := r.row["unit"]; u != nil {
			rec.row["unit"] = u
		}
		if id := oneRef(form, r.form.Key); id != "" {
			if _, ok := given[id]; !ok {
				if given == nil {
					given = map[string]expr.Value{}
				}
				given[id] = r
			}
		}
	}
	w.effect(Effect{Kind: "create", Form: form.Key, Record: rec.id, Clause: clause})
	at := len(w.effects)
	if _, err := w.perform(rec, form.Action("create"), demand{given: given}); err != nil {
		return err
	}
	// "do create" is the same event in other words.
	w.effects = append(w.effects[:at], dropFirstDo(w.effects[at:], rec.id)...)
	if made != nil {
		made(rec)
	}
	return nil
}

func dropFirstDo(list []Effect, id string) []Effect {
	for i, e := range list {
		if e.Kind == "do" && e.Record == id && e.Name == "create" {
			return append(append([]Effect{}, list[:i]...), list[i+1:]...)
		}
	}
	return list
}

// oneRef is the field of form that refers to key, if there is exactly one.
func oneRef(form *rulebook.Form, key string) string {
	id := ""
	for _, f := range form.Fields {
		if f.Type.Expr.Kind == expr.KObject && f.Type.Expr.Object == key && f.Value == nil {
			if id != "" {
				return ""
			}
			id = f.ID
		}
	}
	return id
}

func (w *work) effectDo(x *rulebook.Effect, r *Record, view *rulebook.View, s *expr.Scope) error {
	targets, err := w.targets(x, r, s)
	if err != nil {
		return err
	}
	for _, t := range targets {
		a := t.form.Action(x.Action)
		if a == nil {
			return fmt.Errorf("%s: form %s has no action %s", x.Path, t.form.Key, x.Action)
		}
		given, err := w.assigned(x.Set, view, s)
		if err != nil {
			return err
		}
		if _, err := w.perform(t, a, demand{given: given}); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) effectNotify(x *rulebook.Effect, r *Record, view *rulebook.View, s *expr.Scope) error {
	var ids []string
	if x.To != nil {
		for _, item := range x.To.Items {
			if !view.Awake(&item.Node) {
				continue
			}
			if item.Expr == nil {
				continue
			}
			if ok, err := applies(item, s); err != nil {
				return fmt.Errorf("%s: %w", x.Path, err)
			} else if !ok {
				continue
			}
			v, err := item.Expr.Eval(s)
			if err != nil {
				return fmt.Errorf("%s: %w", x.Path, err)
			}
			for _, id := range personIDs(v) {
				if !contains(ids, id) {
					ids = append(ids, id)
				}
			}
		}
	}
	if x.Send != nil {
		return w.effectSend(x, r, view, s, ids)
	}
	var by expr.Value
	if x.Confirm != nil {
		v, c, err := x.Confirm.Pick(view, s)
		if err != nil {
			return fmt.Errorf("%s: %w", x.Path, err)
		}
		if length, ok := spanOf(v); ok && c != nil {
			due, _ := w.calendar(r.unitID()).Due(w.now, length, nil)
			by = due
		}
	}
	text := w.insert(x.Text.ZH, s)
	if text == "" {
		text = w.headline(r)
	}
	english := first(w.insert(x.Text.EN, s), text)
	w.effect(Effect{Kind: "notify", Form: r.form.Key, Record: r.id, Name: strings.Join(w.names(ids), "、"), Text: text, Clause: x.Clause, Data: map[string]string{"to": joinIDs(ids), "via": x.Via}})
	if w.e.Lib.Form("base.notice") == nil {
		return nil
	}
	for _, id := range ids {
		p, err := w.person(id)
		if err != nil {
			return err
		}
		if err := w.quietCreate("base.notice", r, map[string]expr.Value{"person": p, "text": text, "text_en": english, "clause": orUnset(x.Clause), "via": orUnset(x.Via), "confirm_by": by}); err != nil {
			return err
		}
	}
	return nil
}

func orUnset(s string) expr.Value {
	if s == "" {
		return nil
	}
	return s
}

// quietCreate makes an engine-kept record without listing it among the effects: it is the trace of one.
func (w *work) quietCreate(key string, of *Record, given map[string]expr.Value) error {
	_, err := w.engineRecord(key, of, given)
	return err
}

// engineRecord makes a record of an engine-kept form; fields the form lacks are left out.
func (w *work) engineRecord(key string, of *Record, given map[string]expr.Value) (*Record, error) {
	form := w.e.Lib.Form(key)
	if form == nil {
		return nil, nil
	}
	rec, err := w.draft(form, nil)
	if err != nil {
		return nil, err
	}
	if of != nil {
		rec.row["unit"] = of.row["unit"]
		given["of_form"], given["of_id"] = of.form.Key, of.id
		given["of_number"] = orUnset(first(of.Number(), w.title(of)))
	}
	for id, v := range given {
		if f := form.Field(id); f != nil {
			if f.Value != nil {
				continue
			}
			if _, err := rec.set(f, v); err != nil {
				return nil, fmt.Errorf("write %s.%s: %w", key, id, err)
			}
		} else if id == "of_form" || id == "of_id" {
			if hasOwner(key) {
				rec.row[id] = v
			}
		}
	}
	rec.enter(rec.State(), w.now)
	rec.mark(form.Action("create"), w.now, w.actor.Person)
	if form.Number != nil {
		if err := w.number(rec, form.Action("create"), w.view(rec)); err != nil {
			return nil, err
		}
	}
	if key == "base.notice" {
		return rec, w.outward(rec, of)
	}
	return rec, nil
}

func hasOwner(key string) bool {
	switch key {
	case "base.clock", "base.signature", "base.copy", "base.snapshot", "base.breach", "base.waiver":
		return true
	}
	return false
}

func (w *work) effectFreeze(x *rulebook.Effect, r *Record, s *expr.Scope) error {
	targets, err := w.targets(x, r, s)
	if err != nil {
		return err
	}
	for _, t := range targets {
		if err := w.freeze(t, x.As); err != nil {
			return err
		}
		w.effect(Effect{Kind: "freeze", Form: t.form.Key, Record: t.id, Name: x.As, Clause: x.Clause})
	}
	return nil
}

// changedEffects runs what a field declares for when its value changes, by whatever path.
func (w *work) changedEffects(r *Record) error {
	view := w.view(r)
	for _, f := range r.form.Fields {
		if len(f.Changed) == 0 || !r.changed(f.ID) || r.toldChange[f.ID] {
			continue
		}
		if r.toldChange == nil {
			r.toldChange = map[string]bool{}
		}
		r.toldChange[f.ID] = true
		if err := w.effects_(f.Changed, r, view, nil); err != nil {
			return err
		}
	}
	return nil
}
