package engine

import (
	"fmt"

	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// Line is one owned child row.
type Line struct {
	rec  *Record
	line *rulebook.Line
	id   string
	pos  int
	row  store.Row
}

// Lines loads the owned rows of a line list, in order.
func (r *Record) Lines(id string) ([]*Line, error) {
	if l, ok := r.lines[id]; ok {
		return l, nil
	}
	def := r.form.Line(id)
	if def == nil {
		if def = r.w.e.otherLine(r.form, id); def == nil {
			return nil, fmt.Errorf("form %s has no line %s", r.form.Key, id)
		}
	}
	if r.lines == nil {
		r.lines = map[string][]*Line{}
	}
	var list []*Line
	if !r.fresh && !r.lacks(def.Table) {
		rows, err := r.w.tx.Select(linesOf(def.Table, r.id))
		if err != nil {
			return nil, err
		}
		for i, row := range rows {
			id, _ := row["id"].(string)
			list = append(list, &Line{rec: r, line: def, id: id, pos: i, row: row})
		}
	}
	r.lines[id] = list
	return list, nil
}

func linesOf(table, id string) query.Select {
	return query.Select{Table: table, Alias: "l", Where: query.Eq("l", "record", id), Order: []query.Order{{Expr: query.Col{Alias: "l", Name: "pos"}}}}
}

// setLines replaces a line list; rows that name an existing id keep it.
func (r *Record) setLines(id string, rows []*Line) {
	if r.lines == nil {
		r.lines = map[string][]*Line{}
	}
	if r.lineDirty == nil {
		r.lineDirty = map[string]bool{}
	}
	if _, kept := r.linesWas[id]; !kept {
		if before, read := r.lines[id]; read || r.fresh {
			if r.linesWas == nil {
				r.linesWas = map[string][]*Line{}
			}
			r.linesWas[id] = before
		}
	}
	r.lines[id] = rows
	r.lineDirty[id] = true
	r.dirty = true
	r.touch()
}

// Object, ID and Get make a line readable by rules.
func (l *Line) Object() string { return l.line.Key }

func (l *Line) ID() string { return l.id }

func (l *Line) Get(name string) (expr.Value, error) {
	switch name {
	case "parent":
		return l.rec, nil
	case "pos":
		return int64(l.pos + 1), nil
	case "id":
		return l.id, nil
	}
	f := l.line.Field(name)
	if f == nil {
		return nil, fmt.Errorf("line %s has no field %s", l.line.Key, name)
	}
	if f.Value != nil {
		w := l.rec.w
		view := w.view(l.rec)
		if !view.Awake(&f.Node) {
			return nil, nil
		}
		key := l.id + "." + name
		if l.rec.busy == nil {
			l.rec.busy = map[string]bool{}
		}
		if l.rec.busy[key] {
			return nil, nil
		}
		l.rec.busy[key] = true
		defer delete(l.rec.busy, key)
		s := w.scope(l.rec, view, map[string]expr.Value{"this": l, "parent": l.rec})
		v, _, err := f.Value.Pick(view, s)
		return v, err
	}
	raw, err := l.plain(f)
	if err != nil {
		return nil, err
	}
	return l.rec.w.decode(raw, f.Type)
}
