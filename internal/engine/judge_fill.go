package engine

import (
	"fmt"
	"unicode/utf8"

	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
)

// What must be filled in.

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
	return v == nil && !w.erased(f, v, r.row[id]), f.Label, err // what was erased is not asked for again
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
					} else if v == nil && !w.erased(f, v, row.row[f.ID]) {
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
