package engine

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/journal"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

const (
	whyFigures = 12 // of one explanation
	whyDepth   = 3  // computed figures that computed figures are made of
	whyChanges = 12 // earlier values
)

// whyField tells where a value comes from: of a computed one the case that gave it and what it read, of one that was set who set it, when,
// by which clause and on what figures, and what it was before. Nothing is told of a field that the reader may not see.
func (w *work) whyField(r *Record, name string) (*Why, error) {
	f := r.form.Field(name)
	if f == nil || w.visible(r, f) != full {
		return nil, fault.At("of", "没有“"+name+"”这一项", "There is no field "+name)
	}
	if f.Value == nil {
		return w.whyGiven(r, f)
	}
	v := &Why{Steps: []WhyStep{}}
	l := textOr(f.Label, f.ID)
	view := w.view(r)
	s := w.scope(r, view, nil)
	var read []WhyStep
	s.Read = func(path string, x expr.Value) {
		id, ok := strings.CutPrefix(path, "this.")
		fd := r.form.Field(id)
		if !ok || fd == nil || w.classifiedPath(r.form, path) || len(read) > 12 {
			return
		}
		read = append(read, WhyStep{Label: textOr(fd.Label, fd.ID), Value: w.words(x, fd.Type)})
	}
	val, c, err := f.Value.Pick(view, s)
	if err != nil {
		return nil, err
	}
	v.Steps = append(v.Steps, read...)
	if c != nil {
		v.Steps = append(v.Steps, WhyStep{Label: Text{"算得", "Result"}, Value: w.words(val, f.Type), Clause: first(c.Clause, f.Clause)})
		v.Text = Text{"“" + l.ZH + "”按制度算出：" + c.Is.Text(), "“" + l.EN + "” is computed: " + c.Is.Text()}
	} else {
		v.Text = Text{"“" + l.ZH + "”现在没有值", "“" + l.EN + "” has no value now"}
	}
	return v, nil
}

// whyGiven tells of a value that no rule computes: the acts that set it, the newest first, and before them what counts now.
func (w *work) whyGiven(r *Record, f *rulebook.Field) (*Why, error) {
	l := textOr(f.Label, f.ID)
	v := &Why{Text: Text{"“" + l.ZH + "”由人填写", "“" + l.EN + "” is filled in by people"}, Steps: []WhyStep{}}
	entries, err := w.entriesOf(r, 500)
	if err != nil {
		return nil, err
	}
	var acts []WhyStep
	var last *rulebook.Action
	for i := len(entries) - 1; i >= 0 && len(acts) < whyChanges; i-- {
		for _, c := range entries[i].Changed {
			if entries[i].Refused || c.Form != r.form.Key || c.Record != r.id || c.Field != f.ID {
				continue
			}
			step, a, err := w.whyChange(r, f, entries[i], c)
			if err != nil {
				return nil, err
			}
			if len(acts) == 0 {
				last = a
				v.Text = Text{"“" + l.ZH + "”是这样定的：" + step.Label.ZH, "“" + l.EN + "” was set so: " + step.Label.EN}
			}
			acts = append(acts, step)
		}
	}
	var own []*rulebook.Action
	if last != nil {
		own = append(own, last)
	}
	v.Steps = w.weighed(r, f, own)
	if len(v.Steps) == 0 { // the act that set it asked nothing: what the others that set it ask
		v.Steps = w.weighed(r, f, r.form.Actions)
	}
	seats, err := w.whySeats(r, f)
	if err != nil {
		return nil, err
	}
	ranks, err := w.whyRanks(r)
	if err != nil {
		return nil, err
	}
	v.Steps = slices.Concat(v.Steps, ranks, seats, acts)
	return v, nil
}

// whyChange is one act that set the field: who, when, from what to what, and the clause that says so.
func (w *work) whyChange(r *Record, f *rulebook.Field, e *journal.Entry, c journal.Change) (WhyStep, *rulebook.Action, error) {
	h := w.historyEntry(r, e)
	by := Text{"系统", "the system"}
	switch {
	case h.By != nil:
		by = Text{h.By.Name, h.By.Name}
	case h.ByLink:
		by = Text{"对方（凭链接）", "they, by link"}
	}
	at := e.At.In(w.world.calendar.Zone).Format("2006-01-02 15:04")
	step := WhyStep{Label: Text{at + " " + by.ZH + " “" + h.Label.ZH + "”", at + " " + by.EN + " “" + h.Label.EN + "”"}}
	x, ok := w.changeWords(r, c)
	if !ok {
		return step, nil, nil
	}
	w.noteChanges(r, x)
	was, is := spokenOf(x.Old), spokenOf(x.New)
	step.Value = Text{was.ZH + " → " + is.ZH, was.EN + " → " + is.EN}
	if x.Old == nil {
		step.Value = is
	}
	a := r.form.Action(e.Action)
	if a == nil {
		return step, nil, nil
	}
	step.Clause = first(setClause(a, f), a.Clause)
	for _, item := range whoItems(a.By) {
		step.Clause = first(step.Clause, item.Clause)
	}
	if a.From != nil {
		step.Clause = first(step.Clause, a.From.Clause)
	}
	step.Clause = first(step.Clause, f.Clause)
	return step, a, nil
}

// spokenOf is one side of a change in words.
func spokenOf(x any) Text {
	switch x := x.(type) {
	case nil:
		return Text{"（空）", "(empty)"}
	case Text:
		return x
	case Masked:
		return Text{x.Masked, x.Masked}
	}
	s := fmt.Sprint(x)
	return Text{s, s}
}

// sets tells whether an action's own effects give its record's field a value, and by which clause.
func sets(a *rulebook.Action, f *rulebook.Field) (bool, string) {
	for _, e := range a.Do {
		if e.Kind == "set" && e.For == nil && slices.ContainsFunc(e.Set, func(s *rulebook.Assign) bool { return s.Field == f.ID }) {
			return true, e.Clause
		}
	}
	return false, ""
}

func setClause(a *rulebook.Action, f *rulebook.Field) string {
	_, c := sets(a, f)
	return c
}

// weighed are the record's own figures that the conditions of those actions that set the field read, as they stand now, each with what
// it is computed from. Only what this reader sees of the record in full is told.
func (w *work) weighed(r *Record, f *rulebook.Field, actions []*rulebook.Action) []WhyStep {
	view := w.view(r)
	list := []WhyStep{}
	told := map[string]bool{f.ID: true}
	var read func(depth int, eval func(s *expr.Scope))
	read = func(depth int, eval func(s *expr.Scope)) {
		var ids []string
		s := *w.scope(r, view, nil)
		s.Read = func(path string, _ expr.Value) {
			if id, ok := strings.CutPrefix(path, "this."); ok {
				ids = append(ids, id)
			}
		}
		eval(&s)
		for _, id := range ids {
			fd := r.form.Field(id)
			if fd == nil || told[id] || len(list) >= whyFigures || !weighs(fd) || w.visible(r, fd) != full || !view.Awake(&fd.Node) {
				continue
			}
			told[id] = true
			x, err := r.Get(id)
			if err != nil || x == nil {
				continue
			}
			l := textOr(fd.Label, fd.ID)
			step := WhyStep{Label: Text{l.ZH + "（现在）", l.EN + " (now)"}, Value: w.bothWords(x, fd.Type), Clause: fd.Clause}
			i := len(list)
			list = append(list, step)
			if fd.Value != nil && depth < whyDepth {
				read(depth+1, func(s *expr.Scope) {
					if _, c, err := fd.Value.Pick(view, s); err == nil && c != nil {
						list[i].Clause = first(c.Clause, fd.Clause)
					}
				})
			}
		}
	}
	for _, a := range actions {
		if ok, _ := sets(a, f); !ok || !view.Awake(&a.Node) {
			continue
		}
		for _, x := range a.Fill { // what the act was given for the moment stands in the field itself
			told[x.Field] = true
		}
		read(1, func(s *expr.Scope) {
			for _, c := range a.Require {
				if !view.Awake(&c.Node) {
					continue
				}
				if c.When != nil {
					if ok, err := c.When.Eval(s); err != nil || ok != true {
						continue
					}
				}
				_, _, _ = c.That.Pick(view, s) // read for what it looks at: one that cannot be worked out tells nothing
			}
		})
	}
	return list
}

// weighs tells whether a field is a number, a choice, a day or a yes or no: what a condition weighs.
func weighs(f *rulebook.Field) bool {
	switch f.Type.Expr.Kind {
	case expr.KInt, expr.KDecimal, expr.KMoney, expr.KChoice, expr.KDate, expr.KBool:
		return true
	}
	return false
}

// whySeats are the quotas on whose account the field counts and that count the record: how many places are taken of how many. A number
// about many is told only to somebody who could count it himself.
func (w *work) whySeats(r *Record, f *rulebook.Field) ([]WhyStep, error) {
	var list []WhyStep
	view := w.viewFor(r.form.Book, r)
	for _, q := range r.form.Book.Quotas {
		if q.Of != r.form.Key || !view.Awake(&q.Node) || !w.readsOnly(q.Where, r.form, f, view) || q.Base != nil && !w.countable(r.form, q.Base) {
			continue
		}
		here, _, err := w.seats(q, r, view)
		if err != nil {
			return nil, err
		}
		s := w.scope(r, view, nil)
		part, _, err := w.partition(q.Per, s)
		if err != nil {
			return nil, err
		}
		all, err := w.seesAll(r.form, part)
		if err != nil {
			return nil, err
		}
		if here == "" || !all {
			continue
		}
		c, err := w.quota(q, r, view, s)
		if err != nil {
			return nil, err
		}
		if c.limit < 0 {
			continue
		}
		l := textOr(q.Label, q.ID)
		list = append(list, WhyStep{Label: Text{l.ZH + "（现在）", l.EN + " (now)"}, Clause: q.Clause,
			Value: Text{fmt.Sprintf("用了 %d，最多 %d（基数 %s）", c.n, c.limit, c.base), fmt.Sprintf("%d taken, at most %d (of %s)", c.n, c.limit, c.base)}})
	}
	return list, nil
}

// whyRanks are the places of the record in the orders of its form, told as whySeats are.
func (w *work) whyRanks(r *Record) ([]WhyStep, error) {
	var list []WhyStep
	view := w.view(r)
	for _, k := range r.form.Book.Rankings {
		if k.Of != r.form.Key || !view.Awake(&k.Node) || slices.ContainsFunc(k.By, func(x *rulebook.RankKey) bool { return !w.countable(r.form, x.Expr) }) {
			continue
		}
		in, err := w.truth(k.Where, view, w.scope(r, view, nil), true)
		if err != nil {
			return nil, err
		}
		part, _, err := w.partition(k.Per, w.scope(r, view, nil))
		if err != nil {
			return nil, err
		}
		all, err := w.seesAll(r.form, part)
		if err != nil {
			return nil, err
		}
		if !in || !all {
			continue
		}
		n, err := w.rank(k.ID, r, view)
		if err != nil {
			return nil, err
		}
		of, err := w.ranked(k.ID, r, view)
		if err != nil {
			return nil, err
		}
		l := textOr(k.Label, k.ID)
		nth, many := strconv.FormatInt(n, 10), strconv.FormatInt(of, 10)
		list = append(list, WhyStep{Label: Text{l.ZH + "（现在）", l.EN + " (now)"}, Value: Text{"第 " + nth + " 名，共 " + many, nth + " of " + many}, Clause: k.Clause})
	}
	return list, nil
}

// readsOnly tells whether a condition looks at the field, and at nothing that the reader could not ask of every record himself.
func (w *work) readsOnly(v *rulebook.Value, form *rulebook.Form, f *rulebook.Field, view *rulebook.View) bool {
	looks := false
	for _, c := range casesOf(v) {
		if !view.Awake(&c.Node) {
			continue
		}
		if !w.countable(form, c.Is) || c.When != nil && !w.countable(form, c.When) {
			return false
		}
		looks = looks || slices.Contains(c.Is.Reads(), expr.Path{Object: form.Key, Field: f.ID})
	}
	return looks
}

// countable tells whether the reader could ask this of every record of the form that he sees: it is a field that he may ask about, or
// looks at such fields of this form alone.
func (w *work) countable(form *rulebook.Form, x *expr.Expr) bool {
	if object, field, ok := x.Leads(); ok && object == form.Key {
		fd := form.Field(field)
		return fd == nil || w.open(form, fd)
	}
	for _, p := range x.Reads() {
		if p.Object != form.Key {
			return false
		}
		if fd := form.Field(p.Field); fd != nil && !w.open(form, fd) {
			return false
		}
	}
	return true
}

// seesAll tells whether no record of the partition is out of the reader's sight.
func (w *work) seesAll(form *rulebook.Form, part query.Expr) (bool, error) {
	count := func(where query.Expr) (int64, error) {
		v, err := w.tx.Scalar(query.Sub{Agg: "count", Table: form.Table, Alias: "this", Where: where})
		n, _ := v.(int64)
		return n, err
	}
	part = query.And(part, standing("this"))
	all, err := count(part)
	if err != nil {
		return false, err
	}
	seen, err := count(query.And(part, w.where(form, "this")))
	return all == seen, err
}
