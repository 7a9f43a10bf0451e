package engine

import (
	"context"
	"slices"
	"strings"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/rulebook"
)

// PrintView is a record as the paper people know.
type PrintView struct {
	Layout   string         `json:"layout"`
	Title    Text           `json:"title"`
	Company  string         `json:"company"`
	Number   string         `json:"number"`
	Copy     string         `json:"copy"`
	Stamp    Text           `json:"stamp"`
	Cells    []PrintCell    `json:"cells"`
	Opinions []PrintOpinion `json:"opinions"`
	Lines    []PrintLines   `json:"lines"`
	Foot     PrintFoot      `json:"foot"`
}

// PrintCell is a labelled cell of the form's grid.
type PrintCell struct {
	Field string `json:"field"`
	Label Text   `json:"label"`
	Value any    `json:"value"`
	Span  int    `json:"span"`
}

// PrintOpinion is a signature with its words.
type PrintOpinion struct {
	Label Text   `json:"label"`
	Text  string `json:"text"`
	By    string `json:"by"`
	At    string `json:"at"`
}

// PrintLines is an owned table.
type PrintLines struct {
	Label Text       `json:"label"`
	Head  []Text     `json:"head"`
	Rows  [][]string `json:"rows"`
}

// PrintFoot says who printed, when, which time, and how to check it.
type PrintFoot struct {
	By      string `json:"by"`
	At      string `json:"at"`
	N       int64  `json:"n"`
	Version Text   `json:"version"` // of the regulation
	Check   string `json:"check"`
}

func versionText(b *rulebook.Book) Text {
	t := text(b.Title)
	return Text{t.ZH + " " + b.Version, t.EN + " " + b.Version}
}

// Print is an act: it is judged, counted and journaled like any other, and answers the paper.
func (e *Engine) Print(ctx context.Context, now time.Time, actor Actor, form, id, copyMark string) (*PrintView, error) {
	f := e.Lib.Form(form)
	if f == nil {
		return nil, unknownForm(form)
	}
	if _, err := copyOf(f, copyMark); err != nil { // before the print is counted
		return nil, err
	}
	if f.Action("print") != nil {
		if _, err := e.Do(ctx, now, Act{Form: form, Record: id, Action: "print", Actor: actor}); err != nil {
			return nil, err
		}
	}
	return e.PrintPreview(ctx, now, actor, form, id, copyMark)
}

// PrintPreview is the paper as it would be printed; looking at it is not printing, so nothing is counted.
func (e *Engine) PrintPreview(ctx context.Context, now time.Time, actor Actor, form, id, copyMark string) (*PrintView, error) {
	var v *PrintView
	err := e.read(ctx, now, actor, func(w *work) error {
		r, err := w.recordSeen(form, id)
		if err != nil {
			return err
		}
		v, err = w.printView(r, copyMark)
		return err
	})
	return v, err
}

// copyOf is the copy of a form's paper that a mark names; nil for the paper itself.
func copyOf(f *rulebook.Form, mark string) (*rulebook.Copy, error) {
	if mark == "" {
		return nil, nil
	}
	for _, c := range f.Copies {
		if c.Mark == mark {
			return c, nil
		}
	}
	return nil, fault.At("copy", "没有这一联："+mark, "There is no copy "+mark)
}

func (w *work) printView(r *Record, copyMark string) (*PrintView, error) {
	v := &PrintView{Layout: "a4", Title: text(r.form.Label), Number: r.Number(), Copy: copyMark, Cells: []PrintCell{}, Opinions: []PrintOpinion{}, Lines: []PrintLines{}}
	if v.Company = w.world.companyOf(str(r.row["unit"])); v.Company == "" && w.world.units[w.world.top] != nil {
		v.Company = w.world.units[w.world.top].name
	}
	view := w.view(r)
	if p := r.form.Print; p != nil && view.Awake(&p.Node) {
		v.Layout, v.Stamp = first(p.Layout, "a4"), text(p.Stamp)
	}
	if c := r.form.Class; c != nil && c.Class != nil && c.Class.Print != nil && view.Awake(&c.Class.Print.Node) && c.Class.Print.Stamp.ZH != "" {
		v.Stamp = text(c.Class.Print.Stamp)
	}
	var with []string
	if c, err := copyOf(r.form, copyMark); err != nil {
		return nil, err
	} else if c != nil {
		with = c.With
		if c.Label.ZH != "" {
			v.Copy = c.Mark + " " + c.Label.ZH
		}
	}
	for _, f := range r.form.Fields {
		if len(with) > 0 && !contains(with, f.ID) {
			continue
		}
		if c, ok := w.printCell(r, f); ok {
			v.Cells = append(v.Cells, c)
			if m, ok := w.decided(r, f); ok {
				in := capitals(m)
				v.Cells = append(v.Cells, PrintCell{Field: f.ID, Label: Text{c.Label.ZH + "（大写）", c.Label.EN + " in words"}, Value: Text{in, in}, Span: 2})
			}
		}
	}
	for _, l := range r.form.Lines {
		if len(with) > 0 && !contains(with, l.ID) {
			continue
		}
		x, err := w.printLines(r, l)
		if err != nil {
			return nil, err
		}
		v.Lines = append(v.Lines, x)
	}
	var err error
	if v.Opinions, err = w.handled(r, with); err != nil {
		return nil, err
	}
	signed, err := w.signaturesOf(r)
	if err != nil {
		return nil, err
	}
	for _, s := range signed {
		if s.State == "void" {
			continue
		}
		v.Opinions = append(v.Opinions, PrintOpinion{s.Label, either(s.State == "refused", "不同意。", "同意。") + s.Comment, strings.TrimSpace(s.By.Post + " " + s.By.Name), s.At})
	}
	v.Foot = PrintFoot{By: w.name(w.actor.Person), At: instant(w.now), Version: versionText(r.form.Book), Check: w.checkCode(r)}
	if st := r.stamps()["print"]; st != nil {
		v.Foot.N = st.Count
	}
	return v, nil
}

// handled are the steps that moved the paper on, each with who did it and when, in their order; what approvals sign comes with the
// signatures. On a copy with chosen fields, those steps only that filled one of them.
func (w *work) handled(r *Record, with []string) ([]PrintOpinion, error) {
	list := []PrintOpinion{}
	for _, a := range r.form.Actions {
		st := r.stamps()[a.ID]
		if st == nil || st.By == "" || a.To == nil || slices.ContainsFunc(whoItems(a.By), func(item *rulebook.WhoItem) bool { return item.Approval != "" }) {
			continue
		}
		if len(with) > 0 && !slices.ContainsFunc(a.Fill, func(f *rulebook.Fill) bool { return contains(with, f.Field) }) {
			continue
		}
		p, err := w.person(st.By)
		if err != nil {
			return nil, err
		}
		list = append(list, PrintOpinion{textOr(a.Label, a.ID), "", strings.TrimSpace(p.str("post") + " " + w.name(st.By)), st.At})
	}
	slices.SortStableFunc(list, func(a, b PrintOpinion) int { return strings.Compare(a.At, b.At) })
	return list, nil
}

// decided is an amount that paper states in capitals too: one that somebody decides upon or that is posted.
func (w *work) decided(r *Record, f *rulebook.Field) (string, bool) {
	if f.Type.Expr.Kind != expr.KMoney || w.visible(r, f) != full {
		return "", false
	}
	is := func(x *expr.Expr) bool { return x != nil && x.Text() == "this."+f.ID }
	counts := slices.ContainsFunc(r.form.Book.Approvals, func(a *rulebook.Approval) bool { return a.Form == r.form.Key && is(a.Amount) }) ||
		slices.ContainsFunc(r.form.Actions, func(a *rulebook.Action) bool {
			return slices.ContainsFunc(a.Do, func(x *rulebook.Effect) bool { return x.Kind == "post" && is(x.Amount) })
		})
	v, err := r.Get(f.ID)
	m, ok := v.(expr.Money)
	if !counts || err != nil || !ok || expr.Compare(m, expr.Money{}) <= 0 {
		return "", false
	}
	return expr.Format(m, f.Type.Expr), true
}

func (w *work) printCell(r *Record, f *rulebook.Field) (PrintCell, bool) {
	see := w.visible(r, f)
	if see == hidden || f.Type.Name == "secret" {
		return PrintCell{}, false
	}
	v, err := r.Get(f.ID)
	if err != nil {
		return PrintCell{}, false
	}
	c := PrintCell{Field: f.ID, Label: textOr(f.Label, f.ID), Value: "", Span: 1}
	if f.Type.Name == "note" {
		c.Span = 2
	}
	switch {
	case v == nil:
	case see == masked:
		c.Value = mask(className(f), w.words(v, f.Type))
	default:
		c.Value = Text{w.wordsIn(v, f.Type, false), w.wordsIn(v, f.Type, true)}
		switch {
		case r.form.Key == exportRequestForm && f.ID == "told":
			c.Value = toldOf(r)
		case r.form.Key == exportRequestForm && f.ID == "of_form":
			for _, o := range w.named(f) {
				if o.ID == v {
					c.Value = o.Label
				}
			}
		}
	}
	return c, true
}

func (w *work) printLines(r *Record, l *rulebook.Line) (PrintLines, error) {
	x := PrintLines{Label: textOr(l.Label, l.ID), Head: []Text{}, Rows: [][]string{}}
	lines, err := r.Lines(l.ID)
	if err != nil {
		return x, err
	}
	var shown []*rulebook.Field
	for _, f := range l.Fields {
		if f.ID == "of" && l.ID == "rows" && r.form.Report != nil {
			continue // the record a row reports on stands in its columns
		}
		if w.visible(r, f) != hidden {
			shown = append(shown, f)
			x.Head = append(x.Head, textOr(f.Label, f.ID))
		}
	}
	for _, row := range lines {
		cells := []string{}
		for _, f := range shown {
			v, _ := row.Get(f.ID)
			s := w.words(v, f.Type)
			if s != "" && w.visible(r, f) == masked {
				s = mask(className(f), s)
			}
			cells = append(cells, s)
		}
		x.Rows = append(x.Rows, cells)
	}
	if sums := w.sumRow(r, shown, lines); sums != nil {
		x.Rows = append(x.Rows, sums)
	}
	return x, nil
}

// sumRow is the line below a report's rows, nil if no column has a total.
func (w *work) sumRow(r *Record, shown []*rulebook.Field, lines []*Line) []string {
	cells := make([]string, len(shown))
	any := false
	for i, f := range shown {
		if !f.Total || w.visible(r, f) == masked {
			continue
		}
		var sum expr.Value
		for _, row := range lines {
			if v, _ := row.Get(f.ID); v != nil {
				sum = expr.Plus(sum, v)
			}
		}
		if sum != nil {
			cells[i], any = w.words(sum, f.Type), true
		}
	}
	if !any {
		return nil
	}
	if cells[0] == "" {
		cells[0] = "合计"
	}
	return cells
}
