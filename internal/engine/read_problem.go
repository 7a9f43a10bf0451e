package engine

import (
	"context"
	"strings"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
)

// Problem is a refusal as an answer: what, by which clause, from which facts and values, and who may.
type Problem struct {
	Type   string        `json:"type"`
	Title  string        `json:"title"`
	Status int           `json:"status"`
	Detail string        `json:"detail,omitempty"`
	Kind   string        `json:"kind"`
	Group  string        `json:"group,omitempty"`
	Items  []ProblemItem `json:"items,omitempty"`
	WhoMay []Person      `json:"who_may,omitempty"`
	Ask    bool          `json:"ask,omitempty"` // of an export: its approval can be asked for
	TitleT Text          `json:"-"`
}

// ProblemItem is one failed demand.
type ProblemItem struct {
	Clause     string       `json:"clause,omitempty"`
	ClauseText *Text        `json:"clause_text,omitempty"`
	Say        Text         `json:"say"`
	Field      string       `json:"field,omitempty"`
	Facts      []Fact       `json:"facts,omitempty"`
	Params     []ParamBrief `json:"params,omitempty"`
	Waive      bool         `json:"waive"`
}

// Fact is a value that decided.
type Fact struct {
	Label Text   `json:"label"`
	Value string `json:"value"`
	Path  string `json:"path"`
}

// ParamBrief is a company value that decided, and since when it holds.
type ParamBrief struct {
	ID     string `json:"id"`
	Label  Text   `json:"label"`
	Value  any    `json:"value"`
	Since  string `json:"since,omitempty"`
	Source string `json:"source,omitempty"`
}

// Explain dresses a refusal for its reader. Nothing he may not see goes into it.
func (e *Engine) Explain(ctx context.Context, now time.Time, actor Actor, r *Refusal) (*Problem, error) {
	var p *Problem
	err := e.read(ctx, now, actor, func(w *work) error {
		var rec *Record
		if f := e.Lib.Form(r.Form); f != nil {
			if r.Record != "" {
				if x, err := w.get(f, r.Record); err == nil && w.maySee(x) {
					rec = x
				}
			}
			if rec == nil { // not there yet, or not for this reader: then not its facts either
				if r.Record != "" && r.Action != "create" {
					hushed := *r
					hushed.Facts, hushed.Items = nil, append([]Reason{}, r.Items...)
					for i := range hushed.Items {
						hushed.Items[i].Facts = nil
					}
					r = &hushed
				}
				rec = w.blank(f, w.myUnit())
			}
		}
		p = w.problem(r, rec)
		return nil
	})
	return p, err
}

func (w *work) problem(r *Refusal, rec *Record) *Problem {
	p := &Problem{Type: "/problem/refused", Status: 422, Kind: "refused", Group: r.Group, TitleT: text(r.Title), Title: r.Title.ZH, Items: []ProblemItem{}, WhoMay: r.WhoMay, Ask: r.Ask}
	for i, item := range r.Items {
		x := ProblemItem{Clause: item.Clause, Say: text(item.Say), Field: item.Field, Waive: item.Waive}
		if b, c := w.e.Lib.Clause(item.Clause); c != nil {
			t := text(c.Text)
			x.ClauseText = &t
			if rec != nil && r.Group != "state" && r.Group != "fill" {
				x.Params = w.paramsOf(b, c, rec)
			}
		}
		if item.Facts != nil {
			x.Facts = w.facts_(r, item.Facts, rec)
		} else if i == 0 {
			x.Facts = w.facts_(r, r.Facts, rec)
		}
		p.Items = append(p.Items, x)
	}
	if len(p.Items) > 0 {
		p.Detail = p.Items[0].Say.ZH
	}
	return p
}

// facts_ keeps of what was read the fields of the record itself, in words.
func (w *work) facts_(r *Refusal, read map[string]string, rec *Record) []Fact {
	if rec == nil || r.Group == "who" || r.Group == "state" || r.Group == "fill" {
		return nil
	}
	var list []Fact
	for _, path := range sortedKeys(read) {
		id, ok := strings.CutPrefix(path, "this.")
		if !ok || read[path] == "" {
			continue
		}
		f := rec.form.Field(id)
		if f == nil || w.classifiedPath(rec.form, path) || len(list) >= 8 {
			continue
		}
		value := read[path]
		if v, err := expr.ParseLiteral(value, f.Type.Expr, w.world.calendar.Zone); err == nil && f.Type.Expr.Kind != expr.KObject {
			value = w.words(v, f.Type)
		}
		list = append(list, Fact{textOr(f.Label, id), value, path})
	}
	return list
}

// paramsOf are the company's values that a clause holds or reads, as they bind a record.
func (w *work) paramsOf(b *rulebook.Book, c *rulebook.Clause, rec *Record) []ParamBrief {
	view := w.viewFor(b, rec)
	if b.ID == rec.form.Book.ID {
		view = w.view(rec)
	}
	var ids []string
	for _, p := range b.Parameters {
		if p.Clause == c.ID {
			ids = append(ids, p.ID)
		}
	}
	for _, n := range c.Nodes {
		for _, id := range n.Params {
			if !contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	var list []ParamBrief
	for _, id := range ids {
		if p := b.Parameter(id); p != nil && p.Type.Name != "table" && len(list) < 6 {
			list = append(list, w.paramBrief(b, p, view))
		}
	}
	return list
}

func (w *work) paramBrief(b *rulebook.Book, p *rulebook.Parameter, view *rulebook.View) ParamBrief {
	x := ParamBrief{ID: p.ID, Label: textOr(p.Label, p.ID), Value: w.apiOf(view.Values[p.ID], p.Type), Source: first(p.Source, "text")}
	for _, o := range p.Type.Options {
		if o.ID == x.Value {
			x.Value = textOr(o.Label, o.ID)
		}
	}
	if s, ok := x.Value.(string); ok && w.world.spoken[s] != "" {
		x.Value = Text{s, w.world.spoken[s]}
	}
	today := calendar.DateOf(w.now, w.world.calendar.Zone)
	for i := range w.world.adoptions {
		if a := &w.world.adoptions[i]; a.book == b.ID && a.unit == view.Unit && !a.from.IsZero() {
			x.Since = a.from.String()
		}
	}
	for _, v := range w.world.values {
		if v.book == b.ID && v.param == p.ID && !today.Before(v.from) && (v.unit == "" || w.world.within(view.Unit, v.unit)) {
			x.Since, x.Source = v.from.String(), "company"
		}
	}
	return x
}
