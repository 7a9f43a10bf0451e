package engine

import (
	"context"
	"slices"
	"strings"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// A central form is one that others are about: a customer, a product. Its page shows what surrounds it, as the rulebooks relate it:
// a part is of a central form too and belongs to it (how one department keeps the same customer), and what is about its parts is
// about it. Everything is asked with the reader's eyes, with a number of questions that depends on the rulebooks, not on the records.

// Around is what stands around a record.
type Around struct {
	Groups  []AroundGroup `json:"groups"`
	Parts   []AroundPart  `json:"parts"`
	Ahead   []Clock       `json:"ahead"` // running limits of the record and of what is about it, the soonest first
	Opens   []OpenRef     `json:"opens"`
	Blocked []Blocked     `json:"blocked"`
}

// AroundGroup are the records of one form that name the record in one field.
type AroundGroup struct {
	Form   string     `json:"form"`
	Label  Text       `json:"label"`
	Field  string     `json:"field"`  // that names the record, or its part
	Filter string     `json:"filter"` // of the form's register, to list them
	Total  int        `json:"total"`
	More   bool       `json:"more_than"`
	Sum    *AroundSum `json:"sum,omitempty"`
}

// AroundSum is the sum of the form's amount over the group.
type AroundSum struct {
	Label Text   `json:"label"`
	Value string `json:"value"`
}

// AroundPart is a part with the values of its register's columns.
type AroundPart struct {
	Form  string `json:"form"`
	Label Text   `json:"label"`
	Row   Row    `json:"row"`
}

// Blocked is a paper that the reader may make in general, and not for this record now.
type Blocked struct {
	Form    string   `json:"form"`
	Label   Text     `json:"label"`
	Problem *Problem `json:"problem"`
}

const (
	aroundParts = 12
	aroundAhead = 12
	aroundCount = 2000 // beyond it neither a number nor a sum is worked out
	aroundOpen  = 100  // of a group's records, the newest, whose limits are looked for
	centralRefs = 3
)

// central tells whether others are about records of a form: at least three fields elsewhere keep a list of theirs with it, and its way
// leads to no end.
func (w *work) central(f *rulebook.Form) bool {
	if f.Kept != "" || slices.ContainsFunc(f.States, func(s *rulebook.State) bool { return s.Path && s.Final }) {
		return false
	}
	n := 0
	for _, b := range w.e.Lib.Books {
		for _, g := range b.Forms {
			for _, fd := range g.Fields {
				if g != f && g.Kept == "" && fd.Back != "" && fd.Type.Expr.Kind == expr.KObject && fd.Type.Expr.Object == f.Key && !live(fd) {
					n++
				}
			}
		}
	}
	return n >= centralRefs
}

// about are the records of one form that name one of ids in a field: the record itself, or its parts.
type about struct {
	referrer
	ids []string
}

func (a about) where(w *work) query.Expr {
	return query.And(oneOf("this", a.field.ID, a.ids), w.where(a.form, "this"))
}

func (a about) filter() string {
	var any []string
	for _, id := range a.ids {
		any = append(any, "this."+a.field.ID+".id == '"+id+"'")
	}
	return strings.Join(any, " || ")
}

// oneOf is a column that holds one of ids; a single one is asked for by equality, which keeps the index's order.
func oneOf(alias, column string, ids []string) query.Expr {
	if len(ids) == 1 {
		return query.Eq(alias, column, ids[0])
	}
	args := []query.Expr{query.Col{Alias: alias, Name: column}}
	for _, id := range ids {
		args = append(args, query.Const{Value: id})
	}
	return query.Op{Name: "in", Args: args}
}

// surroundings finds what is about a record: its parts, and by which fields of which forms it or one of them is named.
func (w *work) surroundings(r *Record) (parts []*Record, list []about, err error) {
	own, err := w.referrers(r.form, []string{r.id})
	if err != nil {
		return nil, nil, err
	}
	for _, p := range own {
		list = append(list, about{p, []string{r.id}})
		if p.field.Back == "" || p.field.Required == nil || !w.central(p.form) {
			continue
		}
		rows, err := w.tx.Select(query.Select{Table: p.form.Table, Alias: "this", Where: list[len(list)-1].where(w), Limit: aroundParts, Order: newestFirst("this")})
		if err != nil {
			return nil, nil, err
		}
		var ids []string
		for _, row := range rows {
			if x := w.adopt(p.form, row); w.classSeen(x) && x.State() != "void" {
				parts, ids = append(parts, x), append(ids, x.id)
			}
		}
		if len(ids) == 0 {
			continue
		}
		more, err := w.referrers(p.form, ids)
		if err != nil {
			return nil, nil, err
		}
		for _, q := range more {
			if !slices.ContainsFunc(own, func(o referrer) bool { return o.form == q.form }) && q.form != r.form {
				list = append(list, about{q, ids})
			}
		}
	}
	return parts, list, nil
}

func newestFirst(alias string) []query.Order {
	return []query.Order{{Expr: query.Col{Alias: alias, Name: "at"}, Desc: true}, {Expr: query.Col{Alias: alias, Name: "id"}, Desc: true}}
}

// Around answers what stands around a record.
func (e *Engine) Around(ctx context.Context, now time.Time, actor Actor, form, id string) (*Around, error) {
	var v *Around
	err := e.read(ctx, now, actor, func(w *work) error {
		r, err := w.recordSeen(form, id)
		if err != nil {
			return err
		}
		v, err = w.around(r)
		return err
	})
	return v, err
}

func (w *work) around(r *Record) (*Around, error) {
	v := &Around{Groups: []AroundGroup{}, Parts: []AroundPart{}, Ahead: []Clock{}, Opens: []OpenRef{}, Blocked: []Blocked{}}
	if r.form.Kept != "" {
		return v, nil
	}
	parts, list, err := w.surroundings(r)
	if err != nil {
		return nil, err
	}
	of := []string{r.id}
	for _, x := range parts {
		of = append(of, x.id)
		p := &plan{form: x.form, fields: map[string]bool{}}
		for _, c := range w.columns(x.form) {
			p.fields[c] = true
		}
		rows, err := w.rowsOut(p, []*Record{x})
		if err != nil {
			return nil, err
		}
		v.Parts = append(v.Parts, AroundPart{x.form.Key, textOr(x.form.Label, x.form.ID), rows[0]})
	}
	named := map[string]int{}
	for _, a := range list {
		named[a.form.Key]++
	}
	for _, a := range list {
		g, open, err := w.aroundGroup(a)
		if err != nil {
			return nil, err
		}
		of = append(of, open...)
		if g.Total == 0 || slices.ContainsFunc(parts, func(x *Record) bool { return x.form == a.form }) {
			continue
		}
		if named[a.form.Key] > 1 { // one form names it in two ways: which of them is meant
			l := textOr(a.field.Label, a.field.ID)
			g.Label = Text{g.Label.ZH + "（" + l.ZH + "）", g.Label.EN + " (" + l.EN + ")"}
		}
		v.Groups = append(v.Groups, g)
	}
	if v.Ahead, err = w.ahead(of); err != nil {
		return nil, err
	}
	return v, w.openings(r, v)
}

// aroundGroup counts a group and sums its amount; and tells the newest of its records that may still have a limit running.
func (w *work) aroundGroup(a about) (AroundGroup, []string, error) {
	g := AroundGroup{Form: a.form.Key, Label: textOr(a.form.Label, a.form.ID), Field: a.field.ID, Filter: a.filter()}
	where := query.And(a.where(w), standing("this"))
	id := []query.Column{{Name: "id", Expr: query.Col{Alias: "this", Name: "id"}}}
	far, err := w.tx.Select(query.Select{Table: a.form.Table, Alias: "this", Columns: id, Where: where, Limit: 1, Offset: aroundCount})
	if err != nil {
		return g, nil, err
	}
	if len(far) > 0 {
		g.Total, g.More = aroundCount, true
	} else if err := w.countGroup(a.form, where, &g); err != nil {
		return g, nil, err
	}
	if len(a.form.Deadlines) == 0 || g.Total == 0 {
		return g, nil, nil
	}
	final := []query.Expr{query.Col{Alias: "this", Name: "state"}}
	for _, s := range a.form.States {
		if s.Final {
			final = append(final, query.Const{Value: s.ID})
		}
	}
	if len(final) > 1 {
		where = query.And(where, query.Op{Name: "not", Args: []query.Expr{query.Op{Name: "in", Args: final}}})
	}
	rows, err := w.tx.Select(query.Select{Table: a.form.Table, Alias: "this", Columns: id, Where: where, Limit: aroundOpen, Order: newestFirst("this")})
	var open []string
	for _, row := range rows {
		open = append(open, str(row["id"]))
	}
	return g, open, err
}

// standing leaves out what was made void.
func standing(alias string) query.Expr {
	return query.Op{Name: "<>", Args: []query.Expr{query.Col{Alias: alias, Name: "state"}, query.Const{Value: "void"}}}
}

func (w *work) countGroup(f *rulebook.Form, where query.Expr, g *AroundGroup) error {
	columns := []query.Column{{Name: "n", Agg: "count"}}
	var sum *rulebook.Field
	for _, fd := range f.Fields { // an amount that stands on each of them: a price that somebody may note is none to be added up
		if fd.Type.Expr.Kind == expr.KMoney && !live(fd) && !fd.Personal && (fd.Required != nil || fd.Value != nil) && w.open(f, fd) {
			sum = fd
			columns = append(columns, query.Column{Name: "sum", Expr: query.Col{Alias: "this", Name: fd.ID}, Agg: "sum"})
			break
		}
	}
	rows, err := w.tx.Select(query.Select{Table: f.Table, Alias: "this", Columns: columns, Where: where})
	if err != nil || len(rows) == 0 {
		return err
	}
	n, _ := rows[0]["n"].(int64)
	g.Total = int(n)
	if sum == nil || rows[0]["sum"] == nil {
		return nil
	}
	v, err := expr.FromColumn(rows[0]["sum"], sum.Type.Expr)
	if err != nil {
		return err
	}
	g.Sum = &AroundSum{textOr(sum.Label, sum.ID), expr.Format(v, sum.Type.Expr)}
	return nil
}

// ahead are the running limits of records the reader sees.
func (w *work) ahead(of []string) ([]Clock, error) {
	rows, err := w.tx.Select(query.Select{Table: w.clockForm().Table, Alias: "c", Where: query.And(oneOf("c", "of_id", of), stillRunning("c"))})
	if err != nil {
		return nil, err
	}
	soon := func(row store.Row) string { return first(str(row["due"]), "~") + str(row["id"]) } // a paused one has no day and comes last
	slices.SortFunc(rows, func(a, b store.Row) int { return strings.Compare(soon(a), soon(b)) })
	var recs []*Record
	for _, row := range rows[:min(len(rows), aroundAhead)] {
		recs = append(recs, w.adopt(w.clockForm(), row))
	}
	return w.clocksWithRecords(recs)
}

// backTo is the field by which records of a form stand in a list of the record they name, whether or not they must name one.
func backTo(g, to *rulebook.Form) *rulebook.Field {
	for _, f := range g.Fields {
		if f.Type.Expr.Kind == expr.KObject && f.Type.Expr.Object == to.Key && f.Back != "" && f.Value == nil && !f.Frozen {
			return f
		}
	}
	return nil
}

// openings are the papers about the record that this reader makes: those he can make now, and those that a rule holds up.
func (w *work) openings(r *Record, v *Around) error {
	if w.me == nil || r.State() == "void" {
		return nil
	}
	for _, b := range w.e.Lib.Books {
		for _, g := range b.Forms {
			f, a := backTo(g, r.form), g.Action("create")
			if f == nil || a == nil || g.Kept != "" || g.Report != nil || g.Checklist != nil || !w.mayCreate(g) {
				continue
			}
			x := w.blank(g, w.home(b))
			if _, err := x.set(f, r); err != nil {
				return err
			}
			view := w.view(x)
			if !view.Awake(&g.Node) || !view.Awake(&a.Node) {
				continue
			}
			var items []Reason
			shut := false
			err := w.shut(x, a, func(v *rulebook.Value) bool { return readsOnly(v, g, f) }, func(gate *rulebook.Gate, _ *rulebook.View, s *expr.Scope) {
				shut = shut || gate.Waive == nil
				items = append(items, Reason{Clause: gate.Clause, Say: w.say(gate.Say, s, "制度不允许", "The regulation does not allow it"), Waive: gate.Waive != nil})
			})
			if err != nil {
				return err
			}
			if shut {
				v.Blocked = append(v.Blocked, Blocked{g.Key, text(g.Label), w.problem(w.refuse("gate", x, a, items), x)})
				continue
			}
			v.Opens = append(v.Opens, OpenRef{g.Key, text(g.Label), f.ID})
		}
	}
	return nil
}
