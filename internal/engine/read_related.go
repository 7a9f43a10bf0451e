package engine

import (
	"context"
	"strconv"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// Related are the records of one form that refer to a record, or to which it refers.
type Related struct {
	Form     string       `json:"form"`
	Label    Text         `json:"label"`
	Relation string       `json:"relation"`
	Rows     []RelatedRow `json:"rows"`
	Total    int          `json:"total"` // at most 999
}

// RelatedRow is one of them.
type RelatedRow struct {
	ID         string `json:"id"`
	Number     string `json:"number"`
	Title      string `json:"title"`
	State      string `json:"state"`
	StateLabel Text   `json:"state_label"`
	At         string `json:"at"`
}

const relatedRows = 8

// related follows reference fields both ways, within what the reader may see there.
func (w *work) related(r *Record) ([]Related, error) {
	list := []Related{}
	for _, f := range r.form.Fields {
		to := w.e.Lib.Form(f.Type.Expr.Object)
		if to == nil || to.Kept != "" || live(f) || w.visible(r, f) != full || r.row[f.ID] == nil {
			continue
		}
		x, err := w.ref(to.Key, str(r.row[f.ID]))
		if err != nil || x == nil || !w.maySee(x) {
			continue
		}
		list = append(list, Related{to.Key, textOr(f.Label, f.ID), f.ID, []RelatedRow{w.relatedRow(x)}, 1})
	}
	if r.form.Kept == "platform" {
		return list, nil
	}
	for _, p := range r.named {
		x, err := w.referring(p.form, p.field, r.id)
		if err != nil {
			return nil, err
		}
		if x != nil {
			list = append(list, *x)
		}
	}
	return list, nil
}

// referrer is a field of a form in which a record may be named.
type referrer struct {
	form  *rulebook.Form
	field *rulebook.Field
}

// referrers are those in which one of some records is named at all, found with one question: of dozens of forms most say nothing of it.
// What of them the reader may see is asked after that.
func (w *work) referrers(to *rulebook.Form, ids []string) ([]referrer, error) {
	all := w.mayRefer(to)
	if len(all) == 0 {
		return nil, nil
	}
	q := query.Select{Table: to.Table, Alias: "r", Where: query.Eq("r", "id", ids[0]), Limit: 1}
	for i, p := range all {
		q.Columns = append(q.Columns, query.Column{Name: strconv.Itoa(i), Expr: query.Sub{Agg: "exists", Table: p.form.Table, Alias: "g", Where: oneOf("g", p.field.ID, ids)}})
	}
	rows, err := w.tx.Select(q)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return saying(all, rows[0]), nil
}

// mayRefer are the fields that may name a record of a form, of those that the reader may look at.
func (w *work) mayRefer(to *rulebook.Form) (all []referrer) {
	if w.blind() {
		return nil
	}
	for _, b := range w.e.Lib.Books {
		for _, g := range b.Forms {
			if g.Kept != "" && g.Key != letterForm {
				continue
			}
			for _, f := range g.Fields {
				if f.Type.Expr.Kind == expr.KObject && f.Type.Expr.Object == to.Key && !live(f) && w.open(g, f) {
					all = append(all, referrer{g, f})
				}
			}
		}
	}
	return all
}

// saying are those of which a row says yes.
func saying(all []referrer, row store.Row) (named []referrer) {
	for i, p := range all {
		if row[strconv.Itoa(i)] == true {
			named = append(named, p)
		}
	}
	return named
}

// lookAround asks with one question where anything is said of a record whose page is shown: of dozens of tables most say nothing, and those are
// not asked again. It asks what there is, not what the reader may see of it, which is asked of what there is, and tells him nothing.
func (w *work) lookAround(r *Record) error {
	q := query.Select{Table: r.form.Table, Alias: "r", Where: query.Eq("r", "id", r.id), Limit: 1}
	var tables []query.Select
	about := func(column string, ask query.Select) {
		q.Columns = append(q.Columns, query.Column{Name: ask.Table, Expr: query.Sub{Agg: "exists", Table: ask.Table, Alias: "g", Where: query.Eq("g", column, r.id)}})
		tables = append(tables, ask)
	}
	for _, l := range r.form.Lines {
		about("record", linesOf(l.Table, r.id))
	}
	about("of_id", w.clocksInOrder(r.id))
	for _, key := range []string{"base.copy", "base.signature", letterForm, "base.sanction"} {
		if f := w.e.Lib.Form(key); f != nil && f.Field("of_id") != nil {
			about("of_id", ownedBy(f.Table, r.id))
		}
	}
	var all []referrer
	if r.form.Kept != "platform" {
		all = w.mayRefer(r.form)
	}
	for i, p := range all {
		q.Columns = append(q.Columns, query.Column{Name: strconv.Itoa(i), Expr: query.Sub{Agg: "exists", Table: p.form.Table, Alias: "g", Where: query.Eq("g", p.field.ID, r.id)}})
	}
	rows, err := w.tx.Select(q)
	if err != nil || len(rows) == 0 {
		return err
	}
	r.says, r.named = make(map[string]bool, len(tables)), saying(all, rows[0])
	for _, ask := range tables {
		r.says[ask.Table] = rows[0][ask.Table] == true
		if r.says[ask.Table] {
			w.tx.AheadSelect(ask)
		}
	}
	return nil
}

// lacks tells whether a table is known to say nothing of the record.
func (r *Record) lacks(table string) bool {
	says, asked := r.says[table]
	return asked && !says
}

func (w *work) referring(g *rulebook.Form, f *rulebook.Field, id string) (*Related, error) {
	where := query.And(query.Eq("this", f.ID, id), w.where(g, "this"))
	rows, err := w.tx.Select(query.Select{Table: g.Table, Alias: "this", Where: where, Limit: relatedRows,
		Order: []query.Order{{Expr: query.Col{Alias: "this", Name: "at"}, Desc: true}}})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	x := &Related{Form: g.Key, Label: textOr(g.Label, g.ID), Relation: f.ID, Rows: []RelatedRow{}, Total: len(rows)}
	var recs []*Record
	for _, row := range rows {
		if r := w.adopt(g, row); w.classSeen(r) {
			recs = append(recs, r)
		}
	}
	if err := w.prefetch(g, recs); err != nil {
		return nil, err
	}
	for _, r := range recs {
		x.Rows = append(x.Rows, w.relatedRow(r))
	}
	if len(rows) == relatedRows {
		n, err := w.count(&plan{form: g, where: where}, tabCap)
		if err != nil {
			return nil, err
		}
		x.Total = n.Total
	}
	if len(x.Rows) == 0 { // all of them are secret: not even their number is told
		return nil, nil
	}
	return x, nil
}

func (w *work) relatedRow(r *Record) RelatedRow {
	return RelatedRow{r.id, r.Number(), w.title(r), r.State(), stateText(r.form, r.State()), str(r.row["at"])}
}

// OptionRow is something a reference field may hold.
type OptionRow struct {
	ID    string `json:"id"`
	Label string `json:"label"`
	Sub   Text   `json:"sub"`
	Form  string `json:"form,omitempty"`
	Fits  bool   `json:"fits,omitempty"` // agrees with what is chosen beside it
}

// Options answers what a reference field may hold, found by characters, pinyin or initials. First come those that agree
// with beside, the records other fields of the form hold already: field to record id. The record whose field it is holds
// anything but itself.
func (e *Engine) Options(ctx context.Context, now time.Time, actor Actor, form, field, line, record, q string, beside map[string]string) ([]OptionRow, error) {
	list := []OptionRow{}
	err := e.read(ctx, now, actor, func(w *work) error {
		list = list[:0]
		f, err := w.formSeen(form)
		if err != nil {
			return err
		}
		var fd *rulebook.Field
		if l := f.Line(line); l != nil {
			fd = l.Field(field)
		} else {
			fd = f.Field(field)
		}
		if fd == nil {
			return unknownField(field)
		}
		key := fd.Type.Expr.Object
		if fd.Type.Expr.Elem != nil {
			key = fd.Type.Expr.Elem.Object
		}
		to := w.e.Lib.Form(key)
		if to == nil {
			return unknownField(field)
		}
		self := ""
		if to == f {
			self = record
		}
		list, err = w.options(to, self, q, w.agreeing(f, to, field, beside))
		return err
	})
	return list, err
}

// agreeing is the condition on what a field may hold that what is chosen beside it suggests: the record names the same
// record under the same name, or is named in the lines of the one chosen. Nil if nothing suggests anything.
func (w *work) agreeing(f, to *rulebook.Form, field string, beside map[string]string) query.Expr {
	var all query.Expr
	for _, name := range sortedKeys(beside) {
		from := f.Field(name)
		if from == nil || from.Type.Expr.Object == "" || beside[name] == "" {
			continue
		}
		id, chosen := query.Const{Value: beside[name]}, from.Type.Expr.Object
		if fd := to.Field(name); fd != nil && fd.Type.Expr.Object == chosen && !live(fd) && !fd.Personal && w.open(to, fd) {
			all = query.And(all, query.Eq("this", name, beside[name]))
			continue
		}
		y := w.e.Lib.Form(chosen)
		if y == nil {
			continue
		}
		for _, l := range y.Lines {
			fd := l.Field(field)
			if fd == nil || fd.Type.Expr.Object != to.Key || fd.Personal || !w.open(y, fd) {
				continue
			}
			mine := query.Sub{Agg: "exists", Table: y.Table, Alias: "y", Where: query.And(query.Eq("y", "id", beside[name]), w.where(y, "y"))}
			all = query.And(all, query.And(mine, query.Sub{Agg: "exists", Table: l.Table, Alias: "l", Where: query.And(
				query.Op{Name: "=", Args: []query.Expr{query.Col{Alias: "l", Name: "record"}, id}},
				query.Op{Name: "=", Args: []query.Expr{query.Col{Alias: "l", Name: field}, query.Col{Alias: "this", Name: "id"}}})}))
			break
		}
	}
	return all
}

const optionRows = 20 // more than that one types a word

func (w *work) options(to *rulebook.Form, self, q string, fits query.Expr) ([]OptionRow, error) {
	list := []OptionRow{}
	where := query.And(w.where(to, "this"), query.Op{Name: "<>", Args: []query.Expr{query.Col{Alias: "this", Name: "state"}, query.Const{Value: "void"}}})
	if self != "" {
		where = query.And(where, query.Op{Name: "<>", Args: []query.Expr{query.Col{Alias: "this", Name: "id"}, query.Const{Value: self}}})
	}
	if to.Key == "base.person" {
		where = query.And(where, query.Eq("this", "active", true))
	}
	found, _, err := w.found(to, searchWords(q))
	if err != nil {
		return nil, err
	}
	where = query.And(where, found)
	order := []query.Order{{Expr: query.Col{Alias: "this", Name: "at"}, Desc: true}, {Expr: query.Col{Alias: "this", Name: "id"}}}
	if f := to.Field("name"); f != nil && !f.Personal {
		order = []query.Order{{Expr: query.Col{Alias: "this", Name: "name"}}, {Expr: query.Col{Alias: "this", Name: "id"}}}
	}
	var recs []*Record
	agree := map[string]bool{}
	if fits != nil {
		rows, err := w.tx.Select(query.Select{Table: to.Table, Alias: "this", Where: query.And(where, fits), Order: order, Limit: optionRows})
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if r := w.adopt(to, row); w.classSeen(r) {
				recs = append(recs, r)
				agree[r.id] = true
			}
		}
	}
	rows, err := w.tx.Select(query.Select{Table: to.Table, Alias: "this", Where: where, Order: order, Limit: optionRows})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if r := w.adopt(to, row); len(recs) < optionRows && !agree[r.id] && w.classSeen(r) {
			recs = append(recs, r)
		}
	}
	if err := w.prefetch(to, recs); err != nil {
		return nil, err
	}
	for _, r := range recs {
		list = append(list, OptionRow{r.id, w.label(r), w.sub(r), to.Key, agree[r.id]})
	}
	return list, nil
}

// sub is what tells two records of one name apart.
func (w *work) sub(r *Record) Text {
	if r.form.Key == "base.person" {
		h := w.holder(r.id)
		s := h.Unit + either(h.Post != "", " "+h.Post, "")
		return Text{s, s}
	}
	n := r.Number()
	if n == w.label(r) {
		n = ""
	}
	if len(r.form.States) < 2 {
		return Text{n, n}
	}
	state := stateText(r.form, r.State())
	return Text{n + either(n != "", "，", "") + state.ZH, n + either(n != "", ", ", "") + state.EN}
}
