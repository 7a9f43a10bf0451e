package engine

import (
	"context"
	"maps"
	"time"

	"zhanggui/internal/calendar"
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
	values := map[string]any{"book": book, "param": param, "value": value, "from": from}
	if unit != "" {
		values["for_unit"] = unit
	}
	if reason != "" {
		values["reason"] = reason
	}
	return e.Do(ctx, now, Act{Form: "base.param_value", Action: "create", Values: values, Reason: reason, Key: key, Actor: actor})
}

// judgeParameter asks who may change a company value: whom the parameter names, else whom the book names, else its
// administrator. It binds every way in, the register of values included.
func (w *work) judgeParameter(r *Record, a *rulebook.Action) error {
	if a.ID != "create" {
		return nil
	}
	b := w.e.Lib.Book(str(r.row["book"]))
	if b == nil || b.Parameter(str(r.row["param"])) == nil {
		return fault.At("param", "没有这个参数", "There is no such parameter")
	}
	p := b.Parameter(str(r.row["param"]))
	if err := w.judgeValue(r, a, b, p); err != nil {
		return err
	}
	ok, err := w.mayChange(r, b, p)
	if err == nil && !ok {
		clause := p.Clause
		if list := w.changers(b, p); list != nil {
			clause = first(list[0].Clause, clause)
		}
		err = w.refuse("who", r, a, []Reason{{Clause: clause, Field: "value", Say: label("“"+textOr(p.Label, p.ID).ZH+"”不归你改", "“"+textOr(p.Label, p.ID).EN+"” is not yours to change")}})
	}
	return err
}

// mayChange tells whether a company value (nil = the book's text) is the reader's to change; r is the value, or one that might be.
func (w *work) mayChange(r *Record, b *rulebook.Book, p *rulebook.Parameter) (bool, error) {
	if w.actor.System || w.actor.Clock {
		return true, nil
	}
	list := w.changers(b, p)
	if list == nil {
		return w.world.has(w.actor.Person, first(b.Admin, "admin"), w.now), nil
	}
	view := w.bookSight(b)
	for _, item := range list {
		ids, any, err := w.whoItem(r, item, view)
		if err != nil || any || contains(ids, w.actor.Person) {
			return err == nil, err
		}
	}
	return false, nil
}

// changers are those who may change a company value (nil = the book's text) as its parameter says, else as its book says; none = the administrator.
func (w *work) changers(b *rulebook.Book, p *rulebook.Parameter) []*rulebook.WhoItem {
	view := w.bookSight(b)
	who := []*rulebook.Who{b.Changer}
	if p != nil {
		who = []*rulebook.Who{p.ChangedBy, b.Changer}
	}
	for _, who := range who {
		var list []*rulebook.WhoItem
		for i := 0; who != nil && i < len(who.Items); i++ {
			if view.Awake(&who.Items[i].Node) {
				list = append(list, who.Items[i])
			}
		}
		if list != nil {
			return list
		}
	}
	return nil
}

// judgeAdoption asks whether what a book must know before anybody adopts it has been entered by the day it comes into force.
func (w *work) judgeAdoption(r *Record, a *rulebook.Action) error {
	b := w.e.Lib.Book(r.str("book"))
	if a.ID != "create" || b == nil || w.actor.System {
		return nil
	}
	from, err := r.Get("from")
	if err != nil {
		return err
	}
	day, ok := from.(calendar.Date)
	if !ok {
		return nil // the form demands it
	}
	view := w.world.view(w, b, r.str("unit"), day.Start(w.world.calendar.Zone))
	var items []Reason
	for _, m := range b.Must {
		p := b.Parameter(m.Param)
		if !view.Awake(&m.Node) || view.Values[m.Param] != nil || len(view.Rows[m.Param]) > 0 {
			continue
		}
		name := textOr(p.Label, p.ID)
		items = append(items, Reason{Clause: m.Clause, Field: "book", Say: label("“"+name.ZH+"”还没有填，不能采用", "“"+name.EN+"” is not entered yet; it cannot be adopted")})
	}
	if len(items) > 0 {
		return w.refuse("require", r, a, items)
	}
	return nil
}

// judgeValue asks whether a company value is of the parameter's type, within its bounds, and agrees with the checks of the
// parameter and of those that are checked against it, by the values of the day it comes into force.
func (w *work) judgeValue(r *Record, a *rulebook.Action, b *rulebook.Book, p *rulebook.Parameter) error {
	from, err := r.Get("from")
	if err != nil {
		return err
	}
	day, ok := from.(calendar.Date)
	if !ok {
		return fault.At("from", "还要填“起用日”", "“In force from” is still empty")
	}
	unit := str(r.row["for_unit"])
	sight := w.bookSight(b)
	if unit == "" {
		unit = sight.Unit
	}
	old := w.world.view(w, b, unit, day.Start(w.world.calendar.Zone))
	view := *old
	view.Values, view.Rows = maps.Clone(old.Values), maps.Clone(old.Rows)
	view.Off = nil // a value is checked before the day its regulation comes into force, too: it may be that very day
	raw := str(r.row["value"])
	if p.Type.Name == "table" {
		rows, err := rulebook.ParseRows(p, raw, nil)
		if err != nil {
			return fault.At("value", "表填得不对："+err.Error(), "The table is not right: "+err.Error())
		}
		view.Rows[p.ID] = rows
	} else {
		v, err := rulebook.ParseValue(p, raw, nil)
		if err != nil {
			return fault.At("value", "值填得不对（"+typeZH(p.Type)+"）", "The value is not a "+p.Type.Name)
		}
		for _, m := range []struct {
			limit  expr.Value
			zh, en string
			sign   int
		}{{p.Min, "不能小于 ", "must not be below ", -1}, {p.Max, "不能大于 ", "must not be above ", 1}} {
			if m.limit != nil && expr.Compare(v, m.limit) == m.sign {
				t := w.words(m.limit, p.Type)
				return w.refuse("require", r, a, []Reason{{Clause: p.Clause, Field: "value", Say: label(textOr(p.Label, p.ID).ZH+m.zh+t, textOr(p.Label, p.ID).EN+" "+m.en+t)}})
			}
		}
		view.Values[p.ID] = v
	}
	var items []Reason
	for _, q := range b.Parameters {
		for _, k := range q.Check {
			if q != p && !asks(k, p.ID) || !view.Awake(&q.Node) || !view.Awake(&k.Node) {
				continue
			}
			vars := map[string]expr.Value{"value": view.Values[q.ID], "rows": q.Records(view.Rows[q.ID])}
			s := w.scope(nil, &view, vars)
			held, err := w.truth(k.That, &view, s, true)
			if err != nil {
				return err
			}
			if !held {
				items = append(items, Reason{Clause: first(k.Clause, q.Clause), Field: "value", Say: w.say(k.Say, s, "与“"+textOr(q.Label, q.ID).ZH+"”不符", "This does not agree with “"+textOr(q.Label, q.ID).EN+"”")})
			}
		}
	}
	if len(items) > 0 {
		return w.refuse("require", r, a, items)
	}
	return nil
}

// asks tells whether a check reads a parameter.
func asks(k *rulebook.Check, param string) bool {
	for _, c := range casesOf(k.That) {
		if c.Is != nil && contains(c.Is.Params(), param) {
			return true
		}
	}
	return false
}
