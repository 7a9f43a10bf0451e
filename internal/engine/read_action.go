package engine

import (
	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
)

// ActionOpen is an action this reader may do on the record now, with what it needs.
type ActionOpen struct {
	ID       string        `json:"id"`
	Label    Text          `json:"label"`
	Clause   string        `json:"clause,omitempty"`
	Style    string        `json:"style,omitempty"`
	Bulk     bool          `json:"bulk"`
	Reason   int           `json:"reason"`
	To       string        `json:"to,omitempty"`
	ToLabel  *Text         `json:"to_label,omitempty"`
	Fill     []FillView    `json:"fill"`
	Lines    []string      `json:"lines"`
	Sign     *SignView     `json:"sign"`
	Waivable []WaiveView   `json:"waivable"`
	Confirm  bool          `json:"confirm"`
	Missing  []ProblemItem `json:"missing"`
	Primary  bool          `json:"primary"`
	Legal    *Text         `json:"legal,omitempty"` // what the law might say against it, to be read before the press
}

// FillView is a field an action asks for.
type FillView struct {
	Field    string `json:"field"`
	Required bool   `json:"required"`
	Clause   string `json:"clause,omitempty"`
	Label    Text   `json:"label"`
}

// SignView tells a signer what he puts his name under.
type SignView struct {
	Approval  string   `json:"approval"`
	Label     Text     `json:"label"`
	Amount    any      `json:"amount,omitempty"`
	AmountCN  string   `json:"amount_cn,omitempty"`
	Statement Text     `json:"statement"`
	Why       *WhyView `json:"why,omitempty"`
	For       string   `json:"for,omitempty"` // whom he stands in for
}

// WhyView is a reason with its clause.
type WhyView struct {
	Clause string `json:"clause,omitempty"`
	Text   Text   `json:"text"`
}

// WaiveView is a soft guard that would say no and may be passed with a reason.
type WaiveView struct {
	Clause string `json:"clause"`
	Say    Text   `json:"say"`
}

// ActionClosed is an action that is not open to this reader, and why.
type ActionClosed struct {
	ID      string   `json:"id"`
	Label   Text     `json:"label"`
	Clause  string   `json:"clause,omitempty"`
	Problem *Problem `json:"problem"`
}

// Actions are the open and the closed ones.
type Actions struct {
	Open   []ActionOpen   `json:"open"`
	Closed []ActionClosed `json:"closed"`
}

// actions asks of each action what an attempt would be told, by the same judges.
func (w *work) actions(r *Record) (Actions, error) {
	out := Actions{Open: []ActionOpen{}, Closed: []ActionClosed{}}
	view := w.view(r)
	primary := false
	for _, a := range r.form.Actions {
		if skipAction(r, a) || onlyClock(a) {
			continue
		}
		if !view.Awake(&a.Node) {
			continue
		}
		open, closed, err := w.foresee(r, a, view)
		if err != nil {
			return out, err
		}
		switch {
		case open != nil:
			if !primary && !a.Implicit && open.Style != "danger" && (onward(r.form, a, r.State()) == 2 || open.Style == "primary") {
				open.Primary, primary = true, true
			}
			out.Open = append(out.Open, *open)
		case closed != nil && !a.Implicit:
			if closed.Group == "state" && r.stamps()[a.ID] != nil && !a.Again {
				continue // done: it is in the history, not among what cannot be done yet
			}
			out.Closed = append(out.Closed, ActionClosed{a.ID, actionText(a), a.Clause, w.problem(closed, r)})
		}
	}
	return out, nil
}

// skipAction leaves out what the page offers in other ways.
func skipAction(r *Record, a *rulebook.Action) bool {
	switch a.ID {
	case "create", "view", "reveal", "print", "export", "import":
		return true
	case "edit", "void":
		return r.form.Kept == "engine"
	}
	return false
}

// foresee judges an action without doing it: nothing is filled in, so what can still be filled is listed
// as missing, and what nobody could fill closes the action.
func (w *work) foresee(r *Record, a *rulebook.Action, view *rulebook.View) (*ActionOpen, *Refusal, error) {
	w.reads = map[string]string{}
	for _, judge := range []func() error{
		func() error { return w.judgeState(r, a, view) },
		func() error { return w.judgeWho(r, a, view, demand{person: true}) },
	} {
		if err := judge(); err != nil {
			if ref, ok := AsRefusal(err); ok {
				return nil, ref, nil
			}
			return nil, nil, err
		}
	}
	o := &ActionOpen{ID: a.ID, Label: actionText(a), Clause: a.Clause, Style: a.Opens, Bulk: bulkable(a, view), Fill: []FillView{}, Lines: []string{}, Waivable: []WaiveView{}, Missing: []ProblemItem{}}
	if a.Reason != nil && view.Awake(&a.Reason.Node) {
		o.Reason = a.Reason.N
	}
	if a.ID == "void" && o.Reason == 0 {
		o.Reason = 1
	}
	o.Confirm = a.Opens == "danger" || a.ID == "void"
	if a.To != nil && len(a.To.States) == 1 && view.Awake(&a.To.Node) {
		o.To = a.To.States[0]
		l := stateText(r.form, o.To)
		o.ToLabel = &l
	}
	if o.Legal = legalText(a.Legal); r.form.Key == "base.sanction" && a.ID == "confirm" {
		o.Legal = legalText(r.str("legal_note"))
	}
	w.fillView(o, r, a, view)
	for _, judge := range []func() error{
		func() error { return w.judgeGates(r, a, demand{}) },
		func() error { return w.judgeRequire(r, a, view, demand{}) },
	} {
		err := judge()
		if err == nil {
			continue
		}
		ref, ok := AsRefusal(err)
		if !ok {
			return nil, nil, err
		}
		hard, stays := false, false
		for _, item := range ref.Items {
			hard = hard || !item.Waive
			stays = stays || item.Stays && !item.Waive
		}
		fillable := ref.Group == "require" && !stays && (len(o.Fill) > 0 || len(o.Lines) > 0)
		if hard && !fillable {
			return nil, ref, nil
		}
		p := w.problem(ref, r)
		for i, item := range ref.Items {
			if item.Waive {
				o.Waivable = append(o.Waivable, WaiveView{item.Clause, text(item.Say)})
			} else if !item.waits {
				o.Missing = append(o.Missing, p.Items[i])
			}
		}
	}
	var err error
	o.Sign, err = w.signView(r, a, view)
	return o, nil, err
}

func (w *work) fillView(o *ActionOpen, r *Record, a *rulebook.Action, view *rulebook.View) {
	for _, x := range a.Fill {
		if !view.Awake(&x.Node) {
			continue
		}
		if r.form.Line(x.Field) != nil {
			o.Lines = append(o.Lines, x.Field)
		}
		f := r.form.Field(x.Field)
		l := Text{x.Field, x.Field}
		if f != nil {
			l = textOr(f.Label, f.ID)
			if f.When != nil {
				if applies, err := w.truth(f.When, view, w.scope(r, view, nil), true); err == nil && !applies && !w.fillsWhen(a, f) {
					continue
				}
			}
		} else if ln := r.form.Line(x.Field); ln != nil {
			l = textOr(ln.Label, ln.ID)
		}
		o.Fill = append(o.Fill, FillView{x.Field, !x.Optional, first(x.Clause, fieldClause(r.form, x.Field)), l})
	}
	if a.ID == "edit" && len(a.Fill) == 0 {
		for _, f := range r.form.Fields {
			if w.mayWrite(r, a, f, view, true) == nil && w.visible(r, f) == full && !(f.Value != nil) {
				o.Fill = append(o.Fill, FillView{Field: f.ID, Required: w.needed(r, f, view), Label: textOr(f.Label, f.ID)})
			}
		}
		for _, l := range r.form.Lines {
			if w.mayWriteLine(r, a, l, view, true) == nil {
				o.Lines = append(o.Lines, l.ID)
				o.Fill = append(o.Fill, FillView{Field: l.ID, Label: textOr(l.Label, l.ID)})
			}
		}
	}
}

// needed tells whether the field must be there as the record stands.
func (w *work) needed(r *Record, f *rulebook.Field, view *rulebook.View) bool {
	if f.Required == nil || !view.Awake(&f.Node) {
		return false
	}
	need, _, err := f.Required.Pick(view, w.scope(r, view, nil))
	b, _ := need.(bool)
	return err == nil && b
}

// fillsWhen: a field that does not apply yet may come to apply by another field of the same step.
func (w *work) fillsWhen(a *rulebook.Action, f *rulebook.Field) bool {
	for _, x := range a.Fill {
		if x.Field != f.ID {
			return true
		}
	}
	return false
}

// signView is the sentence a signature binds, and why it comes to this person.
func (w *work) signView(r *Record, a *rulebook.Action, view *rulebook.View) (*SignView, error) {
	id, item := w.approvalOf(r, a, view)
	if id == "" || w.me == nil {
		return nil, nil
	}
	ap := w.approvalNamed(r, id)
	st, err := w.approval(r, ap)
	if err != nil {
		return nil, err
	}
	v := &SignView{Approval: ap.ID, Label: textOr(ap.Label, ap.ID)}
	post := w.world.people[w.me.id].post
	l := actionText(a)
	what := l.ZH + "“" + w.headline(r) + "”"
	en := l.EN + " “" + w.headline(r) + "”"
	if ap.Amount != nil {
		amount, err := ap.Amount.Eval(w.scope(r, w.viewFor(ap.Book, r), nil))
		if err != nil {
			return nil, err
		}
		if m, ok := amount.(expr.Money); ok {
			s := expr.Format(m, expr.Of(expr.KMoney))
			v.Amount, v.AmountCN = s, capitals(s)
			what = l.ZH + " ¥" + thousands(s) + "（" + v.AmountCN + "），" + w.headline(r)
			en = l.EN + " ¥" + thousands(s) + ", " + w.headline(r)
		}
	}
	day := w.now.In(w.world.calendar.Zone).Format("2006-01-02")
	v.Statement = Text{post + " " + w.name(w.me.id) + " 同意" + what + "，" + day + "。", w.name(w.me.id) + " agrees: " + en + ", " + day + "."}
	if c := first(st.clause, item.Clause); c != "" {
		v.Why = &WhyView{Clause: c, Text: w.rowWords(ap, st, r)}
	}
	if on := st.standIn[w.me.id]; on != "" {
		v.For = w.name(on)
	}
	return v, nil
}

// rowWords says why an approval comes to its signers: the range of the row, or the clause.
func (w *work) rowWords(ap *rulebook.Approval, st *approvalState, r *Record) Text {
	if st.row != nil && st.row.Upto != nil {
		view := w.viewFor(ap.Book, r)
		if v, _, err := st.row.Upto.Pick(view, w.scope(r, view, nil)); err == nil && v != nil {
			s := w.words(v, rulebook.FieldType{Expr: expr.Of(expr.KMoney)})
			return Text{"在 " + s + " 以内，由你核决", "Up to " + s + " is yours to decide"}
		}
	}
	if _, c := w.e.Lib.Clause(st.clause); c != nil {
		return text(c.Text)
	}
	return text(ap.Label)
}
