package engine

import (
	"context"
	"strings"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
)

// FormBrief is a line of the list of forms.
type FormBrief struct {
	Key       string `json:"key"`
	ID        string `json:"id"`
	Book      string `json:"book"`
	Label     Text   `json:"label"`
	Clause    string `json:"clause"`
	Number    bool   `json:"number"`
	Group     string `json:"group"`
	CanCreate bool   `json:"can_create"`
	Follows   bool   `json:"follows"` // is filed to a record of another form of its rulebook
	Kept      string `json:"kept"`
	Report    bool   `json:"report"`
	Checklist bool   `json:"checklist"`
	Class     string `json:"class,omitempty"`
	Flow      bool   `json:"flow"`              // more than one state: there is a way to draw
	Heading   *Text  `json:"heading,omitempty"` // what its rulebook files it under
}

// FormView is a form as screens are drawn from it.
type FormView struct {
	FormBrief
	Title    string       `json:"title"`
	Fields   []FieldView  `json:"fields"`
	Lines    []LineView   `json:"lines"`
	States   []StateView  `json:"states"`
	Actions  []ActionView `json:"actions"`
	Sections []Section    `json:"sections"`
	Views    []ViewView   `json:"views"`
	Columns  []string     `json:"columns"`
	Copies   []CopyView   `json:"copies"`
	Append   bool         `json:"append_only"`
	Merge    *MergeView   `json:"merge,omitempty"`   // its records can be merged
	Central  bool         `json:"central,omitempty"` // others are about its records: their pages show what surrounds them
	Layout   string       `json:"layout,omitempty"`
	// Read holds what this reader may not ask about: fields that are masked for him.
	Closed []string `json:"closed,omitempty"`
	New    *NewView `json:"new,omitempty"` // if this reader may make one
	// Links are the actions for which he may hand out links; of which records, their own giving asks.
	Links []LinkOffer `json:"links,omitempty"`
}

// FieldView is one field.
type FieldView struct {
	ID       string   `json:"id"`
	Label    Text     `json:"label"`
	Type     string   `json:"type"`
	Form     string   `json:"form,omitempty"`
	Elem     string   `json:"elem,omitempty"`
	Options  []Option `json:"options,omitempty"`
	Scale    int      `json:"scale,omitempty"`
	Hint     *Text    `json:"hint,omitempty"`
	Clause   string   `json:"clause,omitempty"`
	Computed bool     `json:"computed"`
	Required bool     `json:"required"`
	Class    string   `json:"class,omitempty"`
	Closed   *Closed  `json:"closed,omitempty"` // as what it is closed to some, and by which clause
	Min      any      `json:"min,omitempty"`
	Max      any      `json:"max,omitempty"`
	Line     string   `json:"line,omitempty"`
	Unique   bool     `json:"unique,omitempty"`
	Sealed   bool     `json:"sealed,omitempty"` // kept encrypted: no sorting, grouping or searching by parts
	Default  bool     `json:"default,omitempty"`
	Total    bool     `json:"total,omitempty"` // the rows' sum is shown below
	Scan     bool     `json:"scan,omitempty"`  // may be filled with a scanned code
}

// Closed is what somebody who may not read a field is told instead.
type Closed struct {
	Label  Text   `json:"label"`
	Clause string `json:"clause,omitempty"`
}

// Option is one choice; Asleep ones can be read but not chosen.
type Option struct {
	ID     string `json:"id"`
	Label  Text   `json:"label"`
	Clause string `json:"clause,omitempty"`
	Asleep bool   `json:"asleep,omitempty"`
}

// LineView is an owned table.
type LineView struct {
	ID     string      `json:"id"`
	Label  Text        `json:"label"`
	Clause string      `json:"clause,omitempty"`
	Fields []FieldView `json:"fields"`
	Fixed  bool        `json:"fixed,omitempty"` // of a report: no row is added or taken away
}

// StateView is a place a record may stand at.
type StateView struct {
	ID    string `json:"id"`
	Label Text   `json:"label"`
	Final bool   `json:"final"`
	Path  bool   `json:"path"`
}

// ActionView is an action as the library declares it.
type ActionView struct {
	ID     string `json:"id"`
	Label  Text   `json:"label"`
	Clause string `json:"clause,omitempty"`
	Style  string `json:"style,omitempty"`
	Bulk   bool   `json:"bulk"` // may be done on many records at once
	Reason int    `json:"reason"`
	// From are the states it starts from; empty: any. To are those it leads to; empty: it stays. Fill is what it asks for.
	From []string   `json:"from"`
	To   []string   `json:"to,omitempty"`
	Fill []FillView `json:"fill"`
}

// Section groups fields.
type Section struct {
	ID     string   `json:"id"`
	Label  Text     `json:"label"`
	Fields []string `json:"fields"`
	Chart  []string `json:"chart,omitempty"` // of them, the numbers that are drawn
}

// ViewView is a saved view.
type ViewView struct {
	ID      string   `json:"id"`
	Label   Text     `json:"label"`
	Columns []string `json:"columns"`
	Sort    string   `json:"sort"`
	From    string   `json:"from"`
}

// CopyView is a part of the paper.
type CopyView struct {
	Mark string `json:"mark"`
	To   Text   `json:"to"`
}

func (w *work) formBrief(f *rulebook.Form) FormBrief {
	b := FormBrief{Key: f.Key, ID: f.ID, Book: f.Book.ID, Label: text(f.Label), Clause: f.Clause, Number: f.Number != nil, Group: f.Book.Short,
		Kept: f.Kept, Report: f.Report != nil, Checklist: f.Checklist != nil, CanCreate: w.mayCreate(f), Flow: len(f.States) > 1}
	if f.Class != nil && f.Class.Class != nil {
		b.Class = f.Class.Class.ID
	}
	for _, h := range f.Book.Heading {
		if contains(h.Forms, f.Key) {
			l := text(h.Label)
			b.Heading = &l
		}
	}
	for _, fd := range f.Fields {
		b.Follows = b.Follows || follows(f, fd)
	}
	return b
}

// follows tells whether a field names the record of another form of its rulebook that a record is filed to.
func follows(f *rulebook.Form, fd *rulebook.Field) bool {
	return fd.Required != nil && fd.Type.Name == "ref" && fd.Type.Form != f.Key && strings.HasPrefix(fd.Type.Form, f.Book.Short+".")
}

// mayCreate asks the create action of an empty record.
func (w *work) mayCreate(f *rulebook.Form) bool {
	if f.Kept == "engine" || f.Key == exportRequestForm || w.me == nil { // an export is asked for at its register
		return false
	}
	a := f.Action("create")
	if a == nil {
		return false
	}
	r := w.blank(f, w.home(f.Book))
	view := w.view(r)
	if !inForceFor(f, view) {
		return false
	}
	if !view.Awake(&a.Node) {
		return true
	}
	if w.judgeWho(r, a, view, demand{person: true}) == nil {
		return true
	}
	return asksOnlyRecord(a) && w.defaultAllowed(r, a, view) // what he fills in will say
}

// Form is one form, with what this reader may see of it: as the present text has it or, of a record of it, or one that it is to be filed
// to, as that record's text has it.
func (e *Engine) Form(ctx context.Context, now time.Time, actor Actor, key, record string) (*FormView, error) {
	var v *FormView
	err := e.read(ctx, now, actor, func(w *work) error {
		f, err := w.formSeen(key)
		if err != nil {
			return err
		}
		if record != "" {
			f = w.formUnder(f, record)
		}
		v = w.formView(f)
		return nil
	})
	return v, err
}

func (w *work) formView(f *rulebook.Form) *FormView {
	unit := w.world.top
	if w.me != nil {
		unit = w.home(f.Book)
	}
	r := w.blank(f, unit)
	view := w.view(r)
	v := &FormView{FormBrief: w.formBrief(f), Fields: []FieldView{}, Lines: []LineView{}, States: []StateView{}, Actions: []ActionView{},
		Sections: []Section{}, Views: []ViewView{}, Copies: []CopyView{}, Append: f.Append, Central: w.central(f), Merge: mergeView(f), Columns: w.columns(f)}
	if f.Print != nil {
		v.Layout = f.Print.Layout
	}
	for _, fd := range f.Fields {
		if hiddenField(fd) || !view.Bears(&fd.Node) || !view.Awake(&fd.Node) && fd.Clause != "" && fd.Value != nil {
			continue
		}
		if fd.Class != nil && !w.open(f, fd) {
			v.Closed = append(v.Closed, fd.ID)
			if w.visible(r, fd) == hidden && fd.Type.Name == "secret" {
				continue
			}
		}
		v.Fields = append(v.Fields, w.fieldView(fd, view))
	}
	for _, l := range f.Lines {
		if !view.Bears(&l.Node) {
			continue
		}
		lv := LineView{ID: l.ID, Label: textOr(l.Label, l.ID), Clause: l.Clause, Fields: []FieldView{}, Fixed: f.Report != nil && l.ID == "rows"}
		for _, fd := range l.Fields {
			x := w.fieldView(fd, view)
			x.Line = l.ID
			lv.Fields = append(lv.Fields, x)
		}
		v.Lines = append(v.Lines, lv)
	}
	for _, s := range f.States {
		v.States = append(v.States, StateView{s.ID, textOr(s.Label, s.ID), s.Final, s.Path})
	}
	for _, a := range f.Actions {
		if view.Awake(&a.Node) {
			v.Actions = append(v.Actions, actionView(a, view))
			if w.mayGiveLinks(r, a, view) {
				v.Links = append(v.Links, LinkOffer{a.ID, actionText(a)})
			}
		}
	}
	if v.CanCreate {
		v.New = w.newView(f, r, view)
	}
	for _, s := range f.Section {
		if !view.Bears(&s.Part) {
			continue
		}
		v.Sections = append(v.Sections, Section{s.ID, textOr(s.Label, s.ID), s.Field, s.Chart})
	}
	for _, s := range f.View {
		if !view.Bears(&s.Part) {
			continue
		}
		v.Views = append(v.Views, ViewView{s.ID, textOr(s.Label, s.ID), append([]string{}, s.Column...), s.Sort, "rulebook"})
	}
	for _, c := range f.Copies {
		if view.Awake(&c.Node) {
			v.Copies = append(v.Copies, CopyView{c.Mark, text(c.Label)})
		}
	}
	return v
}

func actionView(a *rulebook.Action, view *rulebook.View) ActionView {
	v := ActionView{ID: a.ID, Label: actionText(a), Clause: a.Clause, Style: a.Opens, Bulk: bulkable(a, view), From: []string{}, Fill: []FillView{}}
	if a.From != nil && !a.From.Any && view.Awake(&a.From.Node) {
		v.From = append(v.From, a.From.States...)
	}
	if a.To != nil && view.Awake(&a.To.Node) {
		v.To = a.To.States
	}
	for _, x := range a.Fill {
		if f := a.Form.Field(x.Field); f != nil && view.Awake(&x.Node) {
			v.Fill = append(v.Fill, FillView{x.Field, !x.Optional, first(x.Clause, f.Clause), textOr(f.Label, f.ID)})
		}
	}
	if a.Reason != nil && view.Awake(&a.Reason.Node) {
		v.Reason = a.Reason.N
	}
	return v
}

// actionText: the implicit actions carry no words of their own.
func actionText(a *rulebook.Action) Text {
	if a.Label.ZH != "" {
		return text(a.Label)
	}
	if t, ok := implicitText[a.ID]; ok {
		return t
	}
	return Text{a.ID, a.ID}
}

var implicitText = map[string]Text{"create": {"登记", "File"}, "edit": {"修改", "Edit"}, "view": {"查看", "View"}, "reveal": {"查看隐去的内容", "Reveal"},
	"print": {"打印", "Print"}, "export": {"导出", "Export"}, "import": {"导入", "Import"}, "void": {"作废", "Void"},
	"sign_in": {"登录", "Sign in"}, "sign_out": {"结束登录", "End sessions"}, "password": {"换密码", "Change the password"}, "reset": {"给出改密码的链接", "Give a link for a new password"},
	"factor": {"改第二因素", "Change a second factor"}, "factor_reset": {"去掉丢失的第二因素", "Remove lost second factors"}, "identity": {"关联公司账号", "Link a company account"},
	"token":         {"改机器令牌", "Change a machine token"},
	"personal_copy": {"提供个人信息副本", "Copy of personal data"}, "seal": {"加密保存", "Encrypt"},
	"destroy_keys": {"销毁个人信息密钥", "Destroy keys of personal data"}, "erase_again": {"再次擦除", "Erase again"}}

func (w *work) fieldView(f *rulebook.Field, view *rulebook.View) FieldView {
	v := FieldView{ID: f.ID, Label: textOr(f.Label, f.ID), Type: f.Type.Name, Form: f.Type.Form, Scale: f.Type.Scale, Clause: f.Clause,
		Computed: f.Value != nil || f.Frozen, Required: f.Required != nil, Unique: f.Unique, Sealed: f.Personal, Default: f.Default != nil, Total: f.Total}
	t := f.Type.Expr
	switch {
	case v.Form == "" && t.Kind == expr.KObject:
		v.Form = t.Object
	case t.Kind == expr.KList && t.Elem != nil:
		v.Elem = string(t.Elem.Kind)
		if v.Form == "" && t.Elem.Kind == expr.KObject {
			v.Form = t.Elem.Object
		}
	}
	v.Scan = f.Code || f.Type.Expr.Kind == expr.KObject && w.hasCode(v.Form)
	if list := w.named(f); list != nil {
		v.Type, v.Options = "choice", list
	}
	for _, o := range f.Type.Options {
		v.Options = append(v.Options, Option{o.ID, textOr(o.Label, o.ID), o.Clause, !view.Awake(&o.Node)})
	}
	if f.Hint.ZH != "" {
		h := text(f.Hint)
		v.Hint = &h
	}
	if f.Class != nil && f.Class.Class != nil && view.Bears(&f.Class.Node) {
		v.Class = f.Class.Class.ID
		v.Closed = &Closed{text(f.Class.Class.Label), first(f.Class.Clause, f.Class.Class.Clause)}
	}
	if f.Min != nil {
		v.Min = w.apiOf(f.Min, f.Type)
	}
	if f.Max != nil {
		v.Max = w.apiOf(f.Max, f.Type)
	}
	return v
}

// hasCode: the records of the form can be told by a code, their number or a field of their own.
func (w *work) hasCode(form string) bool {
	f := w.e.Lib.Form(form)
	if f == nil || f.Number != nil {
		return f != nil
	}
	for _, x := range f.Fields {
		if x.Code {
			return true
		}
	}
	return false
}

// columns of a list nobody has chosen columns for: the number, what is asked first, the state.
func (w *work) columns(f *rulebook.Form) []string {
	list, view := []string{}, w.view(w.blank(f, w.myUnit()))
	if f.Number != nil {
		list = append(list, "number")
	}
	if len(f.View) > 0 && len(f.View[0].Column) > 0 {
		for _, c := range f.View[0].Column {
			if c != "number" && c != "state" {
				list = append(list, c)
			}
		}
	} else {
		for _, fd := range f.Fields {
			if len(list) >= 7 || live(fd) || hiddenField(fd) || !view.Bears(&fd.Node) {
				continue
			}
			switch fd.Type.Name {
			case "note", "file", "files", "secret", "period", "range", "choices", "refs":
				continue
			}
			list = append(list, fd.ID)
		}
	}
	if len(f.States) > 1 {
		list = append(list, "state")
	}
	return list
}
