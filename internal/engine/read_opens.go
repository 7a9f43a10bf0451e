package engine

import (
	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
)

// OpenRef is a paper that this reader may make about a record; Field names the record on it.
type OpenRef struct {
	Form  string `json:"form"`
	Label Text   `json:"label"`
	Field string `json:"field"`
}

// opens are the papers of the record's regulation that refer to it, may be made by this reader, and whose conditions on the record
// itself hold now: a certificate is offered when its case is decided, not before.
func (w *work) opens(r *Record) ([]OpenRef, error) {
	list := []OpenRef{}
	if r.form.Kept != "" || w.me == nil {
		return list, nil
	}
	for _, g := range r.form.Book.Forms {
		if g.Kept != "" || g.Report != nil || g.Checklist != nil {
			continue
		}
		f := refTo(g, r.form)
		a := g.Action("create")
		if f == nil || a == nil {
			continue
		}
		x := w.blank(g, w.myUnit())
		if _, err := x.set(f, r); err != nil {
			return nil, err
		}
		view := w.view(x)
		if !view.Awake(&g.Node) || !view.Awake(&a.Node) || w.judgeWho(x, a, view, demand{person: true}) != nil {
			continue
		}
		ok, err := w.holdsOf(x, a, f, view)
		if err != nil {
			return nil, err
		}
		if ok {
			list = append(list, OpenRef{g.Key, text(g.Label), f.ID})
		}
	}
	return list, nil
}

// refTo is the field by which a form belongs to another: one that has a back-reference there.
func refTo(g, to *rulebook.Form) *rulebook.Field {
	for _, f := range g.Fields {
		if f.Type.Expr.Kind == expr.KObject && f.Type.Expr.Object == to.Key && f.Back != "" && f.Required != nil && !live(f) {
			return f
		}
	}
	return nil
}

// holdsOf asks those conditions and gates of an action that read nothing of the new record but the reference.
func (w *work) holdsOf(x *Record, a *rulebook.Action, f *rulebook.Field, view *rulebook.View) (bool, error) {
	s := w.scope(x, view, nil)
	for _, c := range a.Require {
		if !view.Awake(&c.Node) || c.When != nil || c.Waive != nil || !readsOnly(c.That, x.form, f) {
			continue
		}
		ok, err := w.truth(c.That, view, s, true)
		if err != nil || !ok {
			return false, err
		}
	}
	return w.gatesOpen(x, a, func(v *rulebook.Value) bool { return readsOnly(v, x.form, f) })
}

func readsOnly(v *rulebook.Value, form *rulebook.Form, f *rulebook.Field) bool {
	for _, c := range casesOf(v) {
		if c.Is == nil {
			return false
		}
		for _, p := range c.Is.Reads() {
			if p.Object == form.Key && p.Field != f.ID {
				return false
			}
		}
	}
	return true
}
