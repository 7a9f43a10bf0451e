package engine

import (
	"fmt"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
)

// judgeRetention refuses to void or destroy a record that must still be kept, by whatever way the act comes: until its term has run out, and as
// long as anything holds it. A sealed record is held silently: its refusal reads as any other's.
func (w *work) judgeRetention(r *Record, a *rulebook.Action) error {
	ref := r.form.Retention
	if a.ID != "void" && !a.Destroys || ref == nil || ref.Retention == nil || r.fresh {
		return nil
	}
	k := ref.Retention
	view := w.view(r)
	if a.Destroys && w.destroyer(r, view) == nil {
		return w.refuse("state", r, a, []Reason{{Clause: a.Clause, Say: label("这一条没有启用，不能销毁", "The rule is not in force; nothing is destroyed")}})
	}
	if !view.Awake(&ref.Node) || !view.Awake(&k.Node) {
		return nil
	}
	s := w.scope(r, view, nil)
	clause := first(ref.Clause, k.Clause)
	refuse := func(clause string, say rulebook.Label) error {
		return w.refuse("state", r, a, []Reason{{Clause: clause, Say: say}})
	}
	zh, en := "不能作废", "cannot be voided"
	if a.Destroys {
		zh, en = "不能销毁", "cannot be destroyed"
		if err := w.judgeWitness(r, a); err != nil {
			return err
		}
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
		return refuse(clause, label("保管期未满（到 "+day+"），"+zh, "It must be kept until "+day+" and "+en))
	}
	h, err := w.heldBack(k, view, s)
	if err != nil || h == nil {
		return err
	}
	return refuse(first(h.Clause, clause), w.say(h.Say, s, "还有用处，"+zh, "It is still needed and "+en))
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
