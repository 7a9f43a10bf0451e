package engine

import (
	"encoding/json"
	"strings"

	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// sight is how much of a field a reader gets.
type sight int

const (
	hidden sight = iota // not even that it is filled
	masked
	full
)

// visible is the one place that decides what of a field goes out, by whatever door.
func (w *work) visible(r *Record, f *rulebook.Field) sight {
	if f.Type.Name == "secret" || f.Form != nil && f.Form.Key == exportRequestForm && hiddenField(f) {
		return hidden
	}
	c := f.Class
	if c == nil || c.Class == nil || w.actor.System {
		return full
	}
	view := w.classView(r, c)
	if view == nil {
		return full
	}
	if w.sees(c.Class, r, view) && w.leaves(c.Class, r, view) {
		return full
	}
	if c.Class.Mask == "" {
		return hidden
	}
	if x := c.Class.Hide[r.form.Key]; x != nil && !w.answers(x, r, view, false) {
		return hidden
	}
	return masked
}

// classView is the view under which a class speaks of a record, nil where it does not: asleep, or another rulebook's class on this
// form that is adopted nowhere near. A register that all units share belongs to none, so what one of them closes is closed to all.
func (w *work) classView(r *Record, c *rulebook.ClassRef) *rulebook.View {
	view := w.view(r)
	if !view.Bears(&c.Node) {
		return nil
	}
	if c.Added && view.Beside[c.Book] != nil {
		view = view.Beside[c.Book]
	}
	if !view.Awake(&c.Node) || !view.Awake(&c.Class.Node) {
		return nil
	}
	return view
}

// closedFor tells whether what stands in a field of this record is classified: always, where the form itself says so; where another
// rulebook does, as long as that is adopted.
func (w *work) closedFor(r *Record, f *rulebook.Field) bool {
	return f.Class != nil && (!f.Class.Added || w.classView(r, f.Class) != nil)
}

// answers tells whether a class's question about the reader has that answer; one that cannot be answered has none.
func (w *work) answers(x *expr.Expr, r *Record, view *rulebook.View, answer bool) bool {
	v, err := x.Eval(w.scope(r, view, nil))
	b, ok := v.(bool)
	return err == nil && ok && b == answer
}

// leaves tells whether what a class hides of this record may go out with the list that is being taken out.
func (w *work) leaves(c *rulebook.Class, r *Record, view *rulebook.View) bool {
	x := c.Export
	if x == nil || w.taken <= x.AloneUpTo || !view.Awake(&x.Node) {
		return true
	}
	of := x.Of[r.form.Key]
	return of == nil || w.answers(of, r, view, true)
}

// sees evaluates a class for the reader; a question that cannot be answered is a no.
func (w *work) sees(c *rulebook.Class, r *Record, view *rulebook.View) bool {
	if w.actor.System {
		return true
	}
	if w.me == nil {
		return false
	}
	see := c.See
	if x := c.PerForm[r.form.Key]; x != nil {
		see = x
	}
	if see == nil {
		return true
	}
	v, err := see.Eval(w.scope(r, view, nil))
	b, _ := v.(bool)
	return err == nil && b
}

// open tells whether a field may be asked about (filtered, sorted, grouped) as well as read. A classified
// field may only if its class lets this reader see it in every unit within his reach, whatever the record
// says: a class that looks at the record could be asked about by asking for records.
func (w *work) open(form *rulebook.Form, f *rulebook.Field) bool {
	if f.Type.Name == "secret" || f.Form != nil && f.Form.Key == exportRequestForm && f.Class != nil { // what somebody looks for is no question
		return false
	}
	c := f.Class
	if c == nil || c.Class == nil || w.actor.System {
		return true
	}
	see := c.Class.See
	if x := c.Class.PerForm[form.Key]; x != nil {
		see = x
	}
	s := w.scopeOf(form)
	reached := false
	for u := range w.world.units {
		if !s.all && !s.units[u] && !w.ownRowsIn(form, u) {
			continue
		}
		reached = true
		r := w.blank(form, u)
		view := w.classView(r, c)
		if view == nil {
			continue
		}
		if see != nil && (strings.Contains(see.Text(), "this") || !w.sees(c.Class, r, view)) {
			return false
		}
	}
	return reached
}

// ownRowsIn tells whether rows of a unit out of the reader's reach are his all the same, because they name him. What cannot
// be read counts as there.
func (w *work) ownRowsIn(form *rulebook.Form, unit string) bool {
	s := w.scopeOf(form)
	if s.none || len(s.own)+len(s.in) == 0 {
		return false
	}
	if s.named == nil {
		out := query.Op{Name: "in", Args: []query.Expr{query.Col{Alias: "u", Name: "id"}}} // of a unit within reach nobody asks, and of those he may have to look through everything
		for _, u := range sortedKeys(w.world.units) {
			if !s.units[u] {
				out.Args = append(out.Args, query.Const{Value: u})
			}
		}
		own := query.And(query.Op{Name: "=", Args: []query.Expr{query.Col{Alias: "o", Name: "unit"}, query.Col{Alias: "u", Name: "id"}}}, query.Op{Name: "or", Args: w.whereOwn(s, "o")})
		rows, err := w.tx.Select(query.Select{Table: w.e.Lib.Form("base.unit").Table, Alias: "u", Columns: []query.Column{{Name: "id", Expr: query.Col{Alias: "u", Name: "id"}}},
			Where: query.And(out, query.Sub{Agg: "exists", Table: form.Table, Alias: "o", Where: own})})
		if err != nil {
			return true
		}
		s.named = make(map[string]bool, len(rows))
		for _, row := range rows {
			s.named[str(row["id"])] = true
		}
	}
	return s.named[unit]
}

// blank is a record that exists only to ask what would be so of any record in a unit.
func (w *work) blank(form *rulebook.Form, unit string) *Record {
	r := &Record{w: w, form: form, id: "", row: map[string]any{}, vals: map[string]expr.Value{}, fresh: true}
	r.row["unit"], r.row["at"], r.row["etag"], r.row["book"] = nilIfEmpty(unit), instant(w.now), int64(0), form.Book.ID
	if w.me != nil {
		r.row["by"] = w.me.id
	}
	if len(form.States) > 0 {
		r.row["state"] = form.States[0].ID
	}
	return r
}

// Masked is what stands for a value one may not read.
type Masked struct {
	Masked string `json:"masked"`
	Erased bool   `json:"erased,omitempty"` // nobody can read it again
}

// erasedValue stands for what was kept of a person whose key was destroyed.
var erasedValue = Masked{"已擦除", true}

// mask hides most of a text.
func mask(kind, s string) string {
	r := []rune(strings.TrimSpace(s))
	stars := func(n int) string { return strings.Repeat("*", max(n, 1)) }
	n := len(r)
	switch kind {
	case "phone":
		if n < 8 {
			return stars(4)
		}
		return string(r[:3]) + "****" + string(r[n-4:])
	case "name":
		if n < 2 {
			return "*"
		}
		return string(r[:1]) + stars(min(n-1, 2))
	case "idno":
		if n < 10 {
			return stars(6)
		}
		return string(r[:3]) + stars(n-7) + string(r[n-4:])
	case "last4":
		if n < 6 {
			return stars(4)
		}
		return stars(4) + string(r[n-4:])
	}
	return "***"
}

// kept is a value in the words that a copy or snapshot keeps. Classified values are kept masked: who may
// read the copy is not who the class asks for.
func (w *work) kept(v expr.Value, f *rulebook.Field) string {
	s := w.words(v, f.Type)
	if f.Class != nil {
		return mask(className(f), s)
	}
	return s
}

// idList reads a column that holds a list of ids.
func idList(v any) []string {
	var ids []string
	if s := str(v); s != "" {
		_ = json.Unmarshal([]byte(s), &ids) // written by us; an unreadable one names nobody
	}
	return ids
}

// classifiedPath tells whether a path as rules write it ("this.customer.phone") reads a classified field.
func (w *work) classifiedPath(form *rulebook.Form, path string) bool {
	parts := strings.Split(path, ".")
	for i, p := range parts {
		if i == 0 && (p == "this" || p == "old" || p == "it" || p == "parent") {
			continue
		}
		if form == nil {
			return false
		}
		if l := form.Line(p); l != nil {
			for _, q := range parts[i+1:] {
				if fd := l.Field(q); fd != nil && fd.Class != nil {
					return true
				}
			}
			return false
		}
		fd := form.Field(p)
		if fd == nil {
			switch p {
			case "by", "superior":
				form = w.e.Lib.Form("base.person")
			case "unit":
				form = w.e.Lib.Form("base.unit")
			default:
				return false
			}
			continue
		}
		if fd.Class != nil {
			return true
		}
		form = w.e.Lib.Form(fd.Type.Expr.Object)
	}
	return false
}
