package engine

import (
	"context"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/rulebook"
)

// SetParameter enters a company value from a day on, by the act that keeps such values: who may is the
// rulebook's to say.
func (e *Engine) SetParameter(ctx context.Context, now time.Time, actor Actor, book, param, value, from, unit, reason, key string) (*Outcome, error) {
	b := e.Lib.Book(book)
	if b == nil || b.Parameter(param) == nil {
		return nil, fault.New(fault.NotFound, "没有这个参数："+param, "There is no parameter "+param)
	}
	p := b.Parameter(param)
	values := map[string]any{"book": book, "param": param, "value": value, "from": from}
	if unit != "" {
		values["for_unit"] = unit
	}
	if reason != "" {
		values["reason"] = reason
	}
	err := e.read(ctx, now, actor, func(w *work) error {
		if _, err := expr.ParseLiteral(value, p.Type.Expr, w.world.calendar.Zone); err != nil && p.Type.Name != "table" {
			return fault.At("value", "值填得不对（"+typeZH(p.Type)+"）", "The value is not a "+p.Type.Name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return e.Do(ctx, now, Act{Form: "base.param_value", Action: "create", Values: values, Reason: reason, Key: key, Actor: actor})
}

// judgeParameter asks who may change a company value: whom the parameter names, else the book's
// administrator. It binds every way in, the register of values included.
func (w *work) judgeParameter(r *Record, a *rulebook.Action) error {
	if w.actor.System || w.actor.Clock || a.ID != "create" {
		return nil
	}
	b := w.e.Lib.Book(str(r.row["book"]))
	if b == nil || b.Parameter(str(r.row["param"])) == nil {
		return fault.At("param", "没有这个参数", "There is no such parameter")
	}
	p := b.Parameter(str(r.row["param"]))
	ok := false
	view := w.bookSight(b)
	if p.ChangedBy == nil {
		ok = w.world.has(w.actor.Person, first(b.Admin, "admin"), w.now)
	} else {
		for _, item := range p.ChangedBy.Items {
			if !view.Awake(&item.Node) {
				continue
			}
			ids, any, err := w.whoItem(r, item, view)
			if err != nil {
				return err
			}
			ok = ok || any || contains(ids, w.actor.Person)
		}
	}
	if !ok {
		return w.refuse("who", r, a, []Reason{{Clause: p.Clause, Field: "value", Say: label("“"+textOr(p.Label, p.ID).ZH+"”不归你改", "“"+textOr(p.Label, p.ID).EN+"” is not yours to change")}})
	}
	return nil
}
