package engine

import (
	"strconv"
	"strings"

	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// What passes when somebody leaves: the fields, rows and lists that the rulebooks say, and how one record goes over.

// passing is a field that goes over, of some form.
type passing struct{ field *rulebook.Field }

func (p passing) key() string {
	if l := p.field.Line; l != nil {
		return l.Key + "." + p.field.ID
	}
	return p.field.Form.Key + "." + p.field.ID
}

func (p passing) label() rulebook.Label {
	f, part := p.field, p.field.Label
	if l := f.Line; l != nil {
		part = label(l.Label.ZH+" · "+part.ZH, l.Label.EN+" · "+part.EN)
	}
	return label(f.Form.Label.ZH+" · "+part.ZH, f.Form.Label.EN+" · "+part.EN)
}

// many tells whether it names several persons.
func (p passing) many() bool { return p.field.Type.Expr.Kind == expr.KList }

// names is the condition that a row of a table names somebody in it.
func (p passing) names(alias, person string) query.Expr {
	if p.many() {
		return holds(alias, p.field.Column, person)
	}
	return query.Eq(alias, p.field.Column, person)
}

// passings are the fields that go over, in the order of the library.
func (e *Engine) passings() []passing {
	var list []passing
	for _, b := range e.Lib.Books {
		list = append(list, passingsOf(b)...)
	}
	return list
}

func passingsOf(b *rulebook.Book) []passing {
	var list []passing
	add := func(fields []*rulebook.Field) {
		for _, fd := range fields {
			if fd.Passes != nil {
				list = append(list, passing{fd})
			}
		}
	}
	for _, f := range b.Forms {
		add(f.Fields)
		for _, l := range f.Lines {
			add(l.Fields)
		}
	}
	return list
}

// passesOf are what a rulebook lets go over, as one names it.
func passesOf(b *rulebook.Book) []Option {
	var list []Option
	for _, p := range passingsOf(b) {
		list = append(list, Option{ID: p.key(), Label: text(p.label())})
	}
	if b.ID == "base" {
		list = append(list, Option{ID: postsPass, Label: text(label("岗位", "Posts"))})
	}
	return list
}

// passingOf are the open records that name somebody in a field that goes over.
func (w *work) passingOf(p passing, person string) ([]*Record, error) {
	if err := w.flush(); err != nil {
		return nil, err
	}
	form := p.field.Form
	names := p.names("t", person)
	if l := p.field.Line; l != nil {
		rows, err := w.tx.Select(query.Select{Table: l.Table, Alias: "t", Where: names, Columns: []query.Column{{Name: "record", Expr: query.Col{Alias: "t", Name: "record"}}}})
		if err != nil || len(rows) == 0 {
			return nil, err
		}
		var ids []string
		for _, row := range rows {
			ids = append(ids, str(row["record"]))
		}
		names = oneOf("t", "id", ids)
	}
	where := query.And(names, compared("<>", "state", "void"))
	for _, st := range form.States {
		if st.Final {
			where = query.And(where, compared("<>", "state", st.ID))
		}
	}
	if len(form.States) == 0 {
		where = names
	}
	rows, err := w.tx.Select(query.Select{Table: form.Table, Alias: "t", Where: where, Order: []query.Order{{Expr: query.Col{Alias: "t", Name: "at"}}, {Expr: query.Col{Alias: "t", Name: "id"}}}})
	if err != nil {
		return nil, err
	}
	var list []*Record
	for _, row := range rows {
		r := w.adopt(form, row)
		view := w.view(r)
		if str(r.row["state"]) == "void" || !view.Awake(&p.field.Node) || !view.Awake(&p.field.Passes.Node) {
			continue
		}
		ok, err := w.truth(p.field.Passes.When, view, w.scope(r, view, nil), true)
		if err != nil {
			return nil, err
		}
		if ok {
			list = append(list, r)
		}
	}
	return list, nil
}

// passOn gives what is somebody's of one record to a successor. back takes that back, where a rule refused it.
func (w *work) passOn(p passing, r *Record, from, to string) (back func() error, err error) {
	who, err := w.person(to)
	if err != nil {
		return nil, err
	}
	x := p.field.Passes
	w.clause(x.Clause)
	if x.By != "" {
		old, err := r.Get(p.field.ID)
		if err == nil {
			_, err = w.perform(r, p.field.Form.Action(x.By), demand{given: map[string]expr.Value{p.field.ID: who}})
		}
		return func() error { _, err := r.set(p.field, old); return err }, err
	}
	back, err = w.replace(p, r, from, who)
	if err != nil || back == nil {
		return back, err
	}
	r.touch()
	items, err := w.judgeChecks(r, w.view(r))
	if err != nil {
		return back, err
	}
	if len(items) > 0 {
		return back, w.refuse("fill", r, r.form.Action("edit"), items)
	}
	w.effect(Effect{Kind: "set", Form: r.form.Key, Record: r.id, Name: p.field.ID, Text: w.kept(who, p.field), Clause: x.Clause})
	w.event(r, "edit")
	return back, nil
}

// replace puts one person in another's place in a field: alone, among several, or in the rows that name him. back undoes it; nil if nothing was to be done.
func (w *work) replace(p passing, r *Record, from string, who *Record) (back func() error, err error) {
	in := func(old expr.Value) (expr.Value, bool) {
		if !p.many() {
			x, _ := old.(*Record)
			return who, x != nil && x.id == from
		}
		var list []expr.Value
		seen, changed := map[string]bool{}, false
		for _, id := range personIDs(old) {
			if id == from {
				id, changed = who.id, true
			}
			if y, err := w.person(id); err == nil && !seen[id] {
				seen[id] = true
				list = append(list, y)
			}
		}
		return list, changed
	}
	if p.field.Line == nil {
		old, err := r.Get(p.field.ID)
		if err != nil {
			return nil, err
		}
		v, changes := in(old)
		if !changes {
			return nil, nil
		}
		_, err = r.set(p.field, v)
		return func() error { _, err := r.set(p.field, old); return err }, err
	}
	rows, err := r.Lines(p.field.Line.ID)
	if err != nil {
		return nil, err
	}
	was := map[*Line]expr.Value{}
	for _, row := range rows {
		old, err := row.Get(p.field.ID)
		if err != nil {
			return nil, err
		}
		if v, changes := in(old); changes {
			was[row] = old
			if err := row.put(p.field, v); err != nil {
				return nil, err
			}
		}
	}
	if len(was) == 0 {
		return nil, nil
	}
	r.setLines(p.field.Line.ID, rows)
	return func() error {
		for row, old := range was {
			if err := row.put(p.field, old); err != nil {
				return err
			}
		}
		r.setLines(p.field.Line.ID, rows)
		return nil
	}, nil
}

// leftHanging refuses to let an account end by a date that somebody wrote down while things hang on its person: it says what, and by which act they go over.
// What the actor may not see is not counted to him.
func (w *work) leftHanging(r *Record, a *rulebook.Action) error {
	if a.ID == leaving || a.ID == leftAt || !r.changed("ends_at") || r.row["ends_at"] == nil || r.fresh {
		return nil
	}
	var zh, en []string
	hidden := false
	count := func(l rulebook.Label, list []*Record, seen func(*Record) bool) {
		n := 0
		for _, x := range list {
			if seen(x) {
				n++
			}
		}
		hidden = hidden || n < len(list)
		if n > 0 {
			zh, en = append(zh, l.ZH+" "+strconv.Itoa(n)+" 件"), append(en, l.EN+": "+strconv.Itoa(n))
		}
	}
	for _, p := range w.e.passings() {
		list, err := w.passingOf(p, r.id)
		if err != nil {
			return err
		}
		count(p.label(), list, func(x *Record) bool { return !w.scopeOf(x.form).none && w.maySee(x) && w.visible(x, p.field) == full })
	}
	posts, err := w.postsOf(r.id)
	if err != nil {
		return err
	}
	count(label("岗位", "Posts"), posts, w.maySee)
	if len(zh) == 0 && !hidden {
		return nil
	}
	if hidden {
		zh, en = append(zh, "以及你看不到的"), append(en, "and what you do not see")
	}
	act := actionText(r.form.Action(leaving))
	return w.refuse("require", r, a, []Reason{{Field: "ends_at", Say: label("名下还有："+strings.Join(zh, "、")+"。请用“"+act.ZH+"”一并交给接手人", "There still hangs on this person: "+strings.Join(en, "; ")+". Use “"+act.EN+"”, which hands it over")}})
}
