package engine

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// filter compiles a reader's condition over `this` into a question, and holds it to what he may ask:
// a field he may not see answers like one that does not exist, and what he asks of other forms is
// answered within his scope there.
func (w *work) filter(f *rulebook.Form, src string) (query.Expr, error) {
	vars := expr.Vars{"this": expr.ObjectOf(f.Key), "me": expr.ObjectOf("base.person"), "now": expr.Of(expr.KDatetime), "today": expr.Of(expr.KDate)}
	x, problems := w.e.Lib.Env.Compile(src, vars, expr.Of(expr.KBool))
	if len(problems) > 0 {
		p := problems[0]
		if name := w.unasked(f, src, p.Field); name != "" {
			return nil, unknownField(name)
		}
		return nil, fault.At("filter", "筛选条件从第 "+strconv.Itoa(p.Offset+1)+" 个字起看不懂", "The filter cannot be read: "+strings.TrimSpace(p.Message+" "+p.Hint))
	}
	q, ok := x.Query("this", w.askScope(w.view(w.blank(f, w.myUnit()))))
	if !ok {
		if name := w.unasked(f, src, ""); name != "" {
			return nil, unknownField(name)
		}
		for _, m := range selected.FindAllStringSubmatch(src, -1) {
			if fd := f.Field(m[1]); fd != nil && fd.Personal {
				return nil, errSealed(fd)
			}
		}
		return nil, fault.At("filter", "这个条件不能用来筛选", "This condition cannot be used as a filter")
	}
	return w.guard(q, map[string]*rulebook.Form{"this": f})
}

var selected = regexp.MustCompile(`\.([a-z][a-z0-9_]*)`)

// unasked is the field over which a condition that does not compile shall fail: one that is not there, or one that must
// answer as if it were not. The compiler knows every field, and its words on types and near names would give one away.
func (w *work) unasked(f *rulebook.Form, src, missing string) string {
	for _, m := range selected.FindAllStringSubmatch(src, -1) {
		if fd := f.Field(m[1]); m[1] == missing || fd != nil && !w.open(f, fd) {
			return m[1]
		}
	}
	return missing
}

// askScope is a scope for what readers write. What of it does not depend on the row is worked out in memory,
// with the engine's eyes; so it gets records that give no secret away, and a world that answers little.
func (w *work) askScope(view *rulebook.View) *expr.Scope {
	s := w.scope(nil, view, nil)
	s.Read = nil
	for k, v := range s.Vars {
		if r, ok := v.(*Record); ok {
			s.Vars[k] = discreet{r}
		}
	}
	s.Facts = plainFacts{&facts{w: w, view: view}}
	return s
}

// discreet is a record without its classified fields, and so are the records it leads to.
type discreet struct{ r *Record }

func (d discreet) Object() string { return d.r.Object() }
func (d discreet) ID() string     { return d.r.ID() }
func (d discreet) Get(name string) (expr.Value, error) {
	f := d.r.form.Field(name)
	if f == nil && name != "unit" && name != "id" && name != "state" || f != nil && (f.Class != nil || live(f)) {
		return nil, unknownField(name)
	}
	v, err := d.r.Get(name)
	switch x := v.(type) {
	case *Record:
		return discreet{x}, err
	case []expr.Value, expr.Set, expr.Who:
		return nil, unknownField(name)
	}
	return v, err
}

// plainFacts answers what a filter may ask of the world: who holds a role, and which days count.
type plainFacts struct{ *facts }

var errNotAsked = fault.At("filter", "这个条件不能用来筛选", "This condition cannot be used as a filter")

func (p plainFacts) Form(object string) expr.Set {
	return &set{w: p.w, object: object, err: errNotAsked}
}
func (p plainFacts) Role(id string, u expr.Record) expr.Who {
	return discreetWho{p.facts.Role(id, u).(people)}
}
func (p plainFacts) RoleAt(id string, u expr.Record, at time.Time) expr.Who {
	return discreetWho{p.facts.RoleAt(id, u, at).(people)}
}
func (p plainFacts) Members(u expr.Record) expr.Who {
	return discreetWho{p.facts.Members(u).(people)}
}
func (p plainFacts) Superior(r expr.Record) (expr.Record, error) { return hush(p.facts.Superior(r)) }
func (p plainFacts) Head(r expr.Record) (expr.Record, error)     { return hush(p.facts.Head(r)) }
func (p plainFacts) Led(string, expr.Record) ([]string, []string, error) {
	return nil, nil, errNotAsked
}
func (p plainFacts) UnitOf(r expr.Record, at time.Time) (expr.Record, error) {
	return hush(p.facts.UnitOf(r, at))
}
func (p plainFacts) Waiting(string, expr.Record) (expr.Who, error)       { return nil, errNotAsked }
func (p plainFacts) Approved(string, expr.Record) (bool, error)          { return false, errNotAsked }
func (p plainFacts) Rank(string, expr.Record) (int64, error)             { return 0, errNotAsked }
func (p plainFacts) Ranked(string, expr.Record) (int64, error)           { return 0, errNotAsked }
func (p plainFacts) QuotaLeft(string, expr.Record) (int64, error)        { return 0, errNotAsked }
func (p plainFacts) Balance(string, []expr.Value) (expr.Value, error)    { return nil, errNotAsked }
func (p plainFacts) Holds(string, expr.Record, expr.Range) (bool, error) { return false, errNotAsked }
func (p plainFacts) History(expr.Record, string) ([]expr.Record, error)  { return nil, errNotAsked }

func hush(r expr.Record, err error) (expr.Record, error) {
	if x, ok := r.(*Record); ok {
		return discreet{x}, err
	}
	return nil, err
}

// discreetWho is a set of persons of whom nothing secret can be read.
type discreetWho struct{ people }

func (d discreetWho) Persons() []expr.Record {
	var list []expr.Record
	for _, r := range d.people.Persons() {
		if x, ok := r.(*Record); ok {
			list = append(list, discreet{x})
		}
	}
	return list
}
func (d discreetWho) Of(u expr.Record) expr.Who { return discreetWho{d.people.Of(u).(people)} }

// guard walks a question and checks every column it touches.
func (w *work) guard(q query.Expr, forms map[string]*rulebook.Form) (query.Expr, error) {
	all := func(list []query.Expr) ([]query.Expr, error) {
		out := make([]query.Expr, len(list))
		for i, x := range list {
			y, err := w.guard(x, forms)
			if err != nil {
				return nil, err
			}
			out[i] = y
		}
		return out, nil
	}
	var err error
	switch x := q.(type) {
	case nil:
		return nil, nil
	case query.Col:
		return x, w.askable(forms[x.Alias], x.Name)
	case query.Const:
		return x, nil
	case query.Op:
		x.Args, err = all(x.Args)
		return x, err
	case query.Case:
		if x.When, err = all(x.When); err != nil {
			return nil, err
		}
		if x.Then, err = all(x.Then); err != nil {
			return nil, err
		}
		x.Else, err = w.guard(x.Else, forms)
		return x, err
	case query.Ref:
		if x.On, err = w.guard(x.On, forms); err != nil {
			return nil, err
		}
		f := w.formOfTable(x.Table)
		if x.Name == "id" && f != nil { // what the row itself holds; nothing is asked of the other record
			return x.On, nil
		}
		if f == nil || f.Class != nil || w.scopeOf(f).none {
			return nil, unknownField(x.Name)
		}
		return x, w.askable(f, x.Name)
	case query.Sub:
		f := w.formOfTable(x.Table)
		if f == nil || f.Class != nil && f.Table != x.Table { // lines cannot be held to their record's class here
			return nil, unknownField(x.Table)
		}
		inner := map[string]*rulebook.Form{}
		for k, v := range forms {
			inner[k] = v
		}
		inner[x.Alias] = f
		if x.Where, err = w.guard(x.Where, inner); err != nil {
			return nil, err
		}
		if x.Arg, err = w.guard(x.Arg, inner); err != nil {
			return nil, err
		}
		if f.Table == x.Table { // rows of a form; lines come with their record
			x.Where = query.And(x.Where, w.where(f, x.Alias))
		}
		return x, nil
	}
	return nil, fault.At("filter", "这个条件不能用来筛选", "This condition cannot be used as a filter")
}

func unknownField(name string) error {
	return fault.At("filter", "没有“"+name+"”这一项", "There is no field "+name)
}

// askable tells whether a column of a form, or of one of its lines, may be asked about.
func (w *work) askable(f *rulebook.Form, column string) error {
	if f == nil {
		return unknownField(column)
	}
	column = strings.TrimSuffix(column, rulebook.MarkSuffix)
	switch column {
	case "id", "number", "state", "unit", "by", "at", "record", "pos", "of_id", "of_form":
		return nil
	}
	if fd := f.Field(column); fd != nil {
		if w.open(f, fd) {
			return nil
		}
		return unknownField(column)
	}
	for _, l := range f.Lines {
		if fd := l.Field(column); fd != nil {
			if w.open(f, fd) {
				return nil
			}
			return unknownField(column)
		}
	}
	for _, a := range f.Actions {
		if column == a.ID+"_at" || column == a.ID+"_by" {
			return nil
		}
	}
	if f.Key == "base.clock" {
		return nil
	}
	return unknownField(column)
}

// formOfTable finds the form whose records or lines a table holds.
func (w *work) formOfTable(table string) *rulebook.Form {
	for _, b := range w.e.Lib.Books {
		for _, f := range b.Forms {
			if f.Table == table {
				return f
			}
			for _, l := range f.Lines {
				if l.Table == table {
					return f
				}
			}
		}
	}
	return nil
}
