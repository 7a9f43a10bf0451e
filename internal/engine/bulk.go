package engine

import (
	"context"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/rulebook"
)

// bulkFill is how many fields one may be asked for in common; an action that asks more is about one record.
const bulkFill = 3

// bulkable tells whether an action may be done on many records at once: the rulebook says so, or it asks for
// no signature, no table of lines, no attachment and few fields.
func bulkable(a *rulebook.Action, view *rulebook.View) bool {
	if a.Bulk {
		return true
	}
	if a.Implicit || a.Each || onlyClock(a) {
		return false
	}
	if a.By != nil {
		for _, item := range a.By.Items {
			if item.Approval != "" {
				return false
			}
		}
	}
	n := 0
	for _, x := range a.Fill {
		if !view.Awake(&x.Node) {
			continue
		}
		f := a.Form.Field(x.Field)
		if f == nil || f.Type.Name == "file" || f.Type.Name == "files" {
			return false
		}
		n++
	}
	return n <= bulkFill
}

// JudgeBulk refuses an action that is about one record.
func (e *Engine) JudgeBulk(ctx context.Context, now time.Time, actor Actor, form, action string) error {
	return e.read(ctx, now, actor, func(w *work) error {
		f, err := w.formSeen(form)
		if err != nil {
			return err
		}
		a := f.Action(action)
		if a == nil {
			return unknownAction(f, action)
		}
		if !bulkable(a, w.view(w.blank(f, w.myUnit()))) {
			l := actionText(a)
			return fault.New(fault.Invalid, "“"+l.ZH+"”要逐件办", "“"+l.EN+"” is done record by record")
		}
		return nil
	})
}
