package engine

import (
	"fmt"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
)

// judgeRetention refuses to void a record that must still be kept, by whatever way the act comes: until its term has run out, and as
// long as anything holds it. A sealed record is held silently: its refusal reads as any other's.
func (w *work) judgeRetention(r *Record, a *rulebook.Action) error {
	ref := r.form.Retention
	if a.ID != "void" || ref == nil || ref.Retention == nil || r.fresh {
		return nil
	}
	k := ref.Retention
	view := w.view(r)
	if !view.Awake(&ref.Node) || !view.Awake(&k.Node) {
		return nil
	}
	s := w.scope(r, view, nil)
	clause := first(ref.Clause, k.Clause)
	refuse := func(clause string, say rulebook.Label) error {
		return w.refuse("state", r, a, []Reason{{Clause: clause, Say: say}})
	}
	until, err := w.keptUntil(r, k, view, s)
	if err != nil {
		return err
	}
	if until.IsZero() || w.now.Before(until) {
		day := "……"
		if !until.IsZero() {
			day = w.world.calendar.DateOf(until).String()
		}
		return refuse(clause, label("保管期未满（到 "+day+"），不能作废", "It must be kept until "+day+" and cannot be voided"))
	}
	for _, h := range k.Hold {
		if !view.Awake(&h.Node) {
			continue
		}
		held, err := w.truth(h.That, view, s, false)
		if err != nil {
			return err
		}
		if held {
			return refuse(first(h.Clause, clause), w.say(h.Say, s, "还有用处，不能作废", "It is still needed and cannot be voided"))
		}
	}
	return nil
}

// keptUntil is the end of a record's term; zero while what it is counted from has not happened, so that it is kept.
func (w *work) keptUntil(r *Record, k *rulebook.Retention, view *rulebook.View, s *expr.Scope) (time.Time, error) {
	from := r.opened()
	if k.From != nil {
		v, err := k.From.Eval(s)
		if err != nil {
			return time.Time{}, err
		}
		switch x := v.(type) {
		case time.Time:
			from = x
		case calendar.Date:
			from = x.Start(w.world.calendar.Zone)
		default:
			return time.Time{}, nil
		}
	}
	v, c, err := k.Keep.Pick(view, s)
	if err != nil || c == nil {
		return from, err // a term that sleeps holds nothing
	}
	span, ok := spanOf(v)
	if !ok {
		return time.Time{}, fmt.Errorf("retention %s: keep is not a length of time", k.ID)
	}
	end, _ := w.calendar(r.unitID()).Due(from, span, nil)
	return end, nil
}
