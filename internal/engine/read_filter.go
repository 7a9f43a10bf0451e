package engine

import (
	"strings"

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
		return nil, fault.At("filter", "筛选条件看不懂："+p.Message, "The filter cannot be read: "+strings.TrimSpace(p.Message+" "+p.Hint))
	}
	q, ok := x.Query("this", w.scope(nil, w.view(w.blank(f, w.myUnit())), nil))
	if !ok {
		return nil, fault.At("filter", "这个条件不能用来筛选", "This condition cannot be used as a filter")
	}
	return w.guard(q, map[string]*rulebook.Form{"this": f})
}

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
		if f == nil || f.Class != nil || w.scopeOf(f).none {
			return nil, unknownField(x.Name)
		}
		return x, w.askable(f, x.Name)
	case query.Sub:
		f := w.formOfTable(x.Table)
		if f == nil || f.Class != nil {
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
