package engine

import (
	"slices"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
)

// NewAsk is a field or table that is asked when a record is made: Required to make it, Later to send it on.
type NewAsk struct {
	Field    string   `json:"field"`
	Required bool     `json:"required"`
	Later    bool     `json:"later,omitempty"`
	Clause   string   `json:"clause,omitempty"`
	Not      []string `json:"not,omitempty"`   // of its options those with which none is ever made
	Value    any      `json:"value,omitempty"` // what it is if nobody says otherwise, where that does not hang on other fields; "today" is the day on which it is asked
}

// NewView is what the page of a new record asks, and the way on from there that this reader has.
type NewView struct {
	Asks []NewAsk    `json:"asks"`
	Send *ActionView `json:"send,omitempty"` // the record can be made and sent on in one go
}

// newView leaves out what later steps fill: a clerk who files a case is not shown the boxes of those who decide it. What no step
// fills is asked, since it would never be asked otherwise.
func (w *work) newView(f *rulebook.Form, r *Record, view *rulebook.View) *NewView {
	create := f.Action("create")
	if create == nil {
		return nil
	}
	v := &NewView{Asks: []NewAsk{}}
	send := w.sendsOn(f, r, view)
	here, elsewhere := map[string]*rulebook.Fill{}, map[string]bool{}
	later := map[string]bool{}
	for _, a := range f.Actions {
		if !view.Awake(&a.Node) || a.ID == "edit" {
			continue
		}
		for _, x := range a.Fill {
			switch {
			case !view.Awake(&x.Node):
			case a == create || a == send:
				if here[x.Field] == nil {
					here[x.Field] = x
				}
				later[x.Field] = later[x.Field] || a == send && !x.Optional
			default:
				elsewhere[x.Field] = true
			}
		}
		for _, e := range a.Do { // what a step sets by itself nobody is asked
			if e.Kind == "set" && e.For == nil {
				for _, x := range e.Set {
					elsewhere[x.Field] = true
				}
			}
		}
	}
	never := map[string][]string{}
	for _, q := range create.Require {
		if field, values := mayNotBe(q); view.Awake(&q.Node) && field != "" {
			never[field] = append(never[field], values...)
		}
		for _, id := range mustBeEmpty(q) {
			elsewhere[id] = elsewhere[id] || view.Awake(&q.Node)
		}
	}
	ask := func(id string, required bool, clause string) {
		if x := here[id]; x != nil {
			byCreate := false
			for _, c := range create.Fill {
				byCreate = byCreate || c.Field == id && !c.Optional
			}
			v.Asks = append(v.Asks, NewAsk{Field: id, Required: required || byCreate, Later: later[id] && !required && !byCreate, Clause: first(x.Clause, clause), Not: never[id], Value: w.defaultOf(f.Field(id), r, view)})
		} else if required || !elsewhere[id] && !mergeField(f, id) {
			v.Asks = append(v.Asks, NewAsk{Field: id, Required: required, Clause: clause, Not: never[id], Value: w.defaultOf(f.Field(id), r, view)})
		}
	}
	for _, fd := range f.Fields {
		if fd.Value == nil && !fd.Frozen && view.Awake(&fd.Node) {
			ask(fd.ID, fd.Required != nil, fd.Clause)
		}
	}
	for _, l := range f.Lines {
		if view.Awake(&l.Node) {
			ask(l.ID, false, l.Clause)
		}
	}
	if send != nil {
		x := actionView(send, view)
		v.Send = &x
	}
	return v
}

// mustBeEmpty are the fields of which a condition says no more than that they are empty: who files is not asked for them.
func mustBeEmpty(q *rulebook.Check) []string {
	if q.That == nil || len(q.That.Cases) != 1 || q.That.Cases[0].When != nil {
		return nil
	}
	return q.That.Cases[0].Is.Blank()
}

// mayNotBe are the values that a condition forbids a field and no more: who files is not offered them.
func mayNotBe(q *rulebook.Check) (field string, values []string) {
	if q.That == nil || len(q.That.Cases) != 1 || q.That.Cases[0].When != nil {
		return "", nil
	}
	return q.That.Cases[0].Is.Never()
}

// sendsOn is the first action that leads from the first state to another of the form's path, by this reader, with a press.
func (w *work) sendsOn(f *rulebook.Form, r *Record, view *rulebook.View) *rulebook.Action {
	if len(f.States) == 0 || w.me == nil {
		return nil
	}
	start := f.States[0].ID
	for _, a := range f.Actions {
		if a.Implicit || a.From == nil || a.From.Any || !contains(a.From.States, start) || a.To == nil || len(a.To.States) != 1 || a.To.States[0] == start ||
			!f.State(a.To.States[0]).Path || a.Reason != nil || !view.Awake(&a.Node) {
			continue
		}
		if id, _ := w.approvalOf(r, a, view); id != "" {
			continue
		}
		if x, err := w.exceptOf(a.Except, r, view); err == nil && x != nil { // who files it never may
			continue
		}
		if handsOver(f, a) { // and so is what comes after it
			return nil
		}
		if asksRecord(a) && !w.headOfNothing(a) || !asksRecord(a) && w.judgeWho(r, a, view, demand{person: true}) == nil {
			return a
		}
	}
	return nil
}

// headOfNothing tells whether an action is for the head of some unit alone and this reader leads none, nor stands in for who does.
func (w *work) headOfNothing(a *rulebook.Action) bool {
	if a.By == nil {
		return false
	}
	for _, i := range a.By.Items {
		if !i.Clock && (i.Expr == nil || !i.Expr.Calls("head")) {
			return false
		}
	}
	me := append([]string{w.me.id}, w.world.standsInFor(w.me.id, w.now)...)
	for _, u := range w.world.units {
		if slices.Contains(me, u.head) {
			return false
		}
	}
	return true
}

// handsOver tells whether an action is theirs alone whom its filer names in the record: what they do is not his to do as he files it.
func handsOver(f *rulebook.Form, a *rulebook.Action) bool {
	return a.By != nil && len(a.By.Items) > 0 && !slices.ContainsFunc(a.By.Items, func(item *rulebook.WhoItem) bool {
		return item.Expr == nil || !slices.ContainsFunc(item.Expr.Reads(), func(p expr.Path) bool {
			x := f.Field(p.Field)
			return p.Object == f.Key && x != nil && x.Default == nil && x.Value == nil && (x.Type.Name == "person" || x.Type.Name == "unit")
		})
	})
}

// defaultOf is what a field of a blank record would be given, nil if other fields or the instant of filing decide it, or the reader would not
// see it in the record.
func (w *work) defaultOf(f *rulebook.Field, r *Record, view *rulebook.View) any {
	if f == nil || f.Default == nil || f.Type.Name == "datetime" || w.visible(r, f) != full {
		return nil
	}
	for _, c := range f.Default.Cases {
		if asksThis(c.Is) || asksThis(c.When) {
			return nil
		}
	}
	v, c, err := w.pick(f.Default, view, w.scope(r, view, nil))
	if err != nil || c == nil {
		return nil
	}
	if f.Type.Name == "date" && slices.Contains(c.Is.Names(), "today") && v == calendar.DateOf(w.now, w.world.calendar.Zone) {
		return "today"
	}
	return w.apiOf(v, f.Type)
}
