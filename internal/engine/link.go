package engine

import (
	"context"
	"slices"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/rulebook"
)

// What somebody without an account does by a link. The link stands for no person: it opens one action of one record, once, and shows of
// the record what the rulebook says. Who may hand it out, and for how long, the rulebook says too. Its secret is kept elsewhere.

// Bearer is whoever has a link: for one action of one record.
type Bearer struct{ Form, Record, Action string }

// of tells whether the link is for this.
func (b *Bearer) of(r *Record, a *rulebook.Action) bool {
	return b.Form == r.form.Key && b.Record == r.id && b.Action == a.ID
}

// GiveLink judges whether the actor may hand out a link for an action of a record now, and notes in the journal that he does. It
// answers until when the link is open.
func (e *Engine) GiveLink(ctx context.Context, now time.Time, actor Actor, form, record, action string) (time.Time, error) {
	var until time.Time
	err := e.read(ctx, now, actor, func(w *work) error {
		r, a, err := w.linkedAction(form, record, action)
		if err != nil {
			return err
		}
		if !w.maySee(r) {
			return missing(r.form, record)
		}
		view := w.view(r)
		if ok, err := w.givesLink(r, a, view); err != nil {
			return err
		} else if !ok {
			return w.refuse("who", r, a, []Reason{{Clause: first(a.Link.Clause, a.Clause), Say: label("这个链接不归你发", "This link is not yours to give")}})
		}
		if err := w.linkOpen(r, a, view); err != nil {
			return err
		}
		v, c, err := w.pick(a.Link.For, view, w.scope(r, view, nil))
		if err != nil {
			return err
		}
		span, ok := v.(calendar.Span)
		if c == nil || !ok {
			return w.refuse("require", r, a, []Reason{{Clause: first(a.Link.Clause, a.Clause), Say: label("链接的有效期还没有定", "How long the link is open is not set")}})
		}
		if until, ok = w.world.calendar.Due(w.now, span, nil); !ok {
			err = fault.New(fault.Invalid, "链接的有效期算不出来", "How long the link is open cannot be worked out")
		}
		return err
	})
	if err != nil {
		return until, err
	}
	return until, e.Note(ctx, now, actor, form, record, "link", map[string]any{"action": action, "until": instant(until)})
}

// LinkOffer is an action for which this reader may hand out a link now.
type LinkOffer struct {
	Action string `json:"action"`
	Label  Text   `json:"label"`
}

func (w *work) linksToGive(r *Record) ([]LinkOffer, error) {
	var list []LinkOffer
	view := w.view(r)
	for _, a := range r.form.Actions {
		if a.Link == nil {
			continue
		}
		gives, err := w.givesLink(r, a, view)
		if err == nil && gives {
			err = w.linkOpen(r, a, view)
		}
		if _, no := AsRefusal(err); err != nil && !no {
			return nil, err
		}
		if err == nil && gives {
			list = append(list, LinkOffer{a.ID, actionText(a)})
		}
	}
	return list, nil
}

// linkedAction is an action that is done by link, and its record.
func (w *work) linkedAction(form, record, action string) (*Record, *rulebook.Action, error) {
	f := w.e.Lib.Form(form)
	if f == nil {
		return nil, nil, unknownForm(form)
	}
	a := f.Action(action)
	if a == nil || a.Link == nil {
		return nil, nil, unknownAction(f, action)
	}
	r, err := w.get(f, record)
	return r, a, err
}

// givesLink tells whether the actor is one of those who hand the link out.
func (w *work) givesLink(r *Record, a *rulebook.Action, view *rulebook.View) (bool, error) {
	if a.Link.Give == nil || w.actor.Person == "" {
		return false, nil
	}
	for _, item := range a.Link.Give.Items {
		if !view.Awake(&item.Node) {
			continue
		}
		ids, any, err := w.whoItem(r, item, view)
		if err != nil || any || contains(ids, w.actor.Person) {
			return err == nil, err
		}
	}
	return false, nil
}

// mayGiveLinks tells whether the actor hands out links for an action of some record, by an empty one: where that depends on the record it
// is not ruled out.
func (w *work) mayGiveLinks(blank *Record, a *rulebook.Action, view *rulebook.View) bool {
	if a.Link == nil || a.Link.Give == nil || !view.Awake(&a.Link.Node) {
		return false
	}
	if gives, err := w.givesLink(blank, a, view); err == nil && gives {
		return true
	}
	return w.me != nil && slices.ContainsFunc(a.Link.Give.Items, func(item *rulebook.WhoItem) bool {
		return view.Awake(&item.Node) && (asksThis(item.Expr) || asksThis(item.When))
	})
}

// linkOpen refuses where the action is asleep or not open now, whoever has the link.
func (w *work) linkOpen(r *Record, a *rulebook.Action, view *rulebook.View) error {
	shut := func(zh, en string) error {
		return w.refuse("state", r, a, []Reason{{Clause: first(a.Link.Clause, a.Clause), Say: label(zh, en)}})
	}
	asked := false
	for _, item := range whoItems(a.By) {
		asked = asked || item.Link && view.Awake(&item.Node)
	}
	if !asked || !view.Awake(&a.Node) || !view.Bears(&a.Node) || !view.Awake(&a.Link.Node) {
		return shut("现在不能凭链接办理", "This is not done by link now")
	}
	if err := w.judgeState(r, a, view); err != nil {
		return err
	}
	if a.Link.While != nil {
		ok, err := w.truth(a.Link.While, view, w.scope(r, view, nil), true)
		if err != nil {
			return err
		}
		if !ok {
			return shut("已经截止", "It is over")
		}
	}
	return nil
}

// judgeBearer asks whether the link is for this and open.
func (w *work) judgeBearer(r *Record, a *rulebook.Action, view *rulebook.View) error {
	if a.Link == nil || !w.actor.Link.of(r, a) {
		return w.refuse("who", r, a, []Reason{{Clause: a.Clause, Say: label("这一步不归你办", "This step is not yours")}})
	}
	return w.linkOpen(r, a, view)
}

// bearerRows are a line's rows as they stand, each with what the holder of a link gave for the fields that are his.
func bearerRows(fields []string, old []*Line, rows []map[string]any) ([]map[string]any, []fault.Field) {
	var wrong []fault.Field
	have := map[string]bool{}
	for _, x := range old {
		have[x.id] = true
	}
	for _, in := range rows {
		id, _ := in["id"].(string)
		ok := have[id]
		for k := range in {
			ok = ok && (k == "id" || contains(fields, k))
		}
		if !ok {
			wrong = append(wrong, fault.Field{Path: "lines", ZH: "没有这一项", EN: "There is no such field"})
		}
	}
	return keepRows(old, rows), wrong
}

// LinkView is what the holder of a link is shown.
type LinkView struct {
	Company string         `json:"company"` // who asks; "" = the installation's
	Form    Text           `json:"form"`
	Title   string         `json:"title"`
	Action  Text           `json:"action"`
	Shown   []LinkShown    `json:"shown"`
	Fields  []FieldView    `json:"fields"` // that he fills
	Must    []string       `json:"must"`   // of them, and of lines, what may not stay empty
	Values  map[string]any `json:"values"`
	Lines   []LinkLine     `json:"lines"`
}

// LinkShown is a field that he reads.
type LinkShown struct {
	Label Text `json:"label"`
	Text  Text `json:"text"`
}

// LinkLine is a table whose rows he fills: the fields he reads and those that are his.
type LinkLine struct {
	ID    string      `json:"id"`
	Label Text        `json:"label"`
	Reads []string    `json:"reads"`
	Fills []FieldView `json:"fills"`
	Rows  []LinkRow   `json:"rows"`
}

// LinkRow is a row, with the words of what he reads.
type LinkRow struct {
	ID    string          `json:"id"`
	Reads map[string]Text `json:"reads"`
}

// LinkView shows the holder of a link what he is asked, or refuses as an attempt would be.
func (e *Engine) LinkView(ctx context.Context, now time.Time, b Bearer) (*LinkView, error) {
	var v *LinkView
	err := e.read(ctx, now, Actor{Link: &b, Origin: "link"}, func(w *work) error {
		r, a, err := w.linkedAction(b.Form, b.Record, b.Action)
		if err != nil {
			return err
		}
		view := w.view(r)
		if err := w.judgeBearer(r, a, view); err != nil {
			return err
		}
		if err := w.judgeGates(r, a, demand{}); err != nil {
			return err
		}
		v, err = w.linkView(r, a, view)
		return err
	})
	return v, err
}

func (w *work) linkView(r *Record, a *rulebook.Action, view *rulebook.View) (*LinkView, error) {
	v := &LinkView{Company: w.world.companyOf(str(r.row["unit"])), Form: text(r.form.Label), Title: w.headline(r), Action: actionText(a), Shown: []LinkShown{}, Fields: []FieldView{}, Must: []string{}, Values: map[string]any{}, Lines: []LinkLine{}}
	both := func(x expr.Value, f *rulebook.Field) Text {
		return Text{w.wordsIn(x, f.Type, false), w.wordsIn(x, f.Type, true)}
	}
	for _, id := range a.Link.Show {
		f := r.form.Field(id)
		if x, err := r.Get(id); err == nil && x != nil {
			v.Shown = append(v.Shown, LinkShown{textOr(f.Label, f.ID), both(x, f)})
		}
	}
	for _, x := range a.Fill {
		if !view.Awake(&x.Node) {
			continue
		}
		if !x.Optional {
			v.Must = append(v.Must, x.Field)
		}
		if f := r.form.Field(x.Field); f != nil {
			v.Fields = append(v.Fields, w.outwardField(f, view))
			v.Values[f.ID], _ = w.out(r, f)
			continue
		}
		l := r.form.Line(x.Field)
		line := LinkLine{ID: l.ID, Label: textOr(l.Label, l.ID), Reads: []string{}, Fills: []FieldView{}, Rows: []LinkRow{}}
		for _, f := range l.Fields {
			if contains(a.Link.Rows[l.ID], f.ID) {
				line.Fills = append(line.Fills, w.outwardField(f, view))
			} else {
				line.Reads = append(line.Reads, f.ID)
			}
		}
		rows, err := r.Lines(l.ID)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			out := LinkRow{ID: row.id, Reads: map[string]Text{}}
			for _, id := range line.Reads {
				x, err := row.Get(id)
				if err != nil {
					return nil, err
				}
				out.Reads[id] = both(x, l.Field(id))
			}
			line.Rows = append(line.Rows, out)
		}
		v.Lines = append(v.Lines, line)
	}
	return v, nil
}

// outwardField is a field as a stranger is asked it: without the clause that asks.
func (w *work) outwardField(f *rulebook.Field, view *rulebook.View) FieldView {
	v := w.fieldView(f, view)
	v.Clause = ""
	for i := range v.Options {
		v.Options[i].Clause = ""
	}
	return v
}
