package engine

import (
	"encoding/json"
	"fmt"

	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// Values of a record, between the database, the language and the API.

func emptyUnset(v any) expr.Value {
	if s, ok := v.(string); !ok || s == "" {
		return nil
	}
	return v
}

func recordOrUnset(r *Record, err error) (expr.Value, error) {
	if err != nil || r == nil {
		return nil, err
	}
	return r, nil
}

// compute evaluates a live field; a circle yields unset.
func (r *Record) compute(f *rulebook.Field) (expr.Value, error) {
	if r.busy == nil {
		r.busy = map[string]bool{}
	}
	if r.busy[f.ID] {
		return nil, nil
	}
	r.busy[f.ID] = true
	defer delete(r.busy, f.ID)
	view := r.w.view(r)
	if !view.Awake(&f.Node) {
		return nil, nil
	}
	v, _, err := f.Value.Pick(view, r.w.scope(r, view, nil))
	if k := f.Type.Expr.Kind; err != nil || v == nil || k != expr.KDecimal && k != expr.KMoney {
		return v, err
	}
	raw, err := encode(v, f.Type) // in its own scale, as a stored one is
	if err != nil {
		return nil, err
	}
	return r.w.decode(raw, f.Type)
}

// decode turns a column into a value, loading what it refers to.
func (w *work) decode(raw any, t rulebook.FieldType) (expr.Value, error) {
	if raw == nil {
		return nil, nil
	}
	switch t.Expr.Kind {
	case expr.KObject:
		id, _ := raw.(string)
		return recordOrUnset(w.ref(t.Expr.Object, id))
	case expr.KList:
		s, _ := raw.(string)
		if t.Expr.Elem != nil && t.Expr.Elem.Kind == expr.KObject {
			var ids []string
			if err := json.Unmarshal([]byte(s), &ids); err != nil {
				return nil, fmt.Errorf("read list: %w", err)
			}
			list := make([]expr.Value, 0, len(ids))
			for _, id := range ids {
				x, err := w.ref(t.Expr.Elem.Object, id)
				if err != nil {
					return nil, err
				}
				if x != nil {
					list = append(list, x)
				}
			}
			return list, nil
		}
	}
	return expr.FromColumn(raw, t.Expr)
}

// encode turns a value into its column form.
func encode(v expr.Value, t rulebook.FieldType) (any, error) {
	switch x := v.(type) {
	case nil:
		return nil, nil
	case expr.Record:
		if t.Expr.Kind != expr.KList {
			return x.ID(), nil
		}
		v = []expr.Value{x}
	case expr.Who, expr.Set:
		list, err := listOf(x)
		if err != nil {
			return nil, err
		}
		v = list
	}
	if list, ok := v.([]expr.Value); ok && (t.Expr.Elem == nil || t.Expr.Elem.Kind == expr.KObject) {
		ids := []string{}
		for _, x := range list {
			if r, ok := x.(expr.Record); ok {
				ids = append(ids, r.ID())
			} else if s, ok := x.(string); ok {
				ids = append(ids, s)
			}
		}
		b, err := json.Marshal(ids)
		return string(b), err
	}
	return expr.ToColumn(v, t.Expr)
}

func toList(w expr.Who) []expr.Value {
	var list []expr.Value
	for _, p := range w.Persons() {
		list = append(list, p)
	}
	return list
}

// set gives a field a value; true if it changed. The old value is kept for history.
func (r *Record) set(f *rulebook.Field, v expr.Value) (bool, error) {
	raw, err := encode(v, f.Type)
	if err != nil {
		return false, err
	}
	if same, err := r.holds(f, raw); err != nil || same {
		return false, err
	}
	if f.Personal {
		if err := r.putPersonal(f, v, raw); err != nil {
			return false, err
		}
	} else {
		r.column(f.ID, raw)
	}
	if f == r.form.Subject {
		if err := r.moveSubject(); err != nil {
			return false, err
		}
	}
	delete(r.vals, f.ID)
	if _, isRecord := v.(*Record); isRecord || f.Type.Expr.Kind != expr.KObject {
		r.vals[f.ID] = v
		if f.Type.Expr.Kind == expr.KList || f.Type.Expr.Kind == expr.KMoney || f.Type.Expr.Kind == expr.KDecimal {
			delete(r.vals, f.ID) // read back in its own scale
		}
	}
	return true, nil
}

// holds tells whether a column says this already.
func (r *Record) holds(f *rulebook.Field, raw any) (bool, error) {
	if !f.Personal || r.row[f.ID] == nil {
		return equalColumn(r.row[f.ID], raw), nil
	}
	old, err := r.plain(f)
	return old != nil && equalColumn(old, raw), err
}

func equalColumn(a, b any) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a == b
}

// column changes one column, remembering what was there.
func (r *Record) column(name string, v any) {
	if r.was == nil {
		n := 0
		if r.fresh {
			n = len(r.form.Fields)
		}
		r.was = make(store.Row, n)
	}
	if _, kept := r.was[name]; !kept {
		r.was[name] = r.row[name]
	}
	r.row[name] = v
	delete(r.vals, name)
	r.dirty = true
	r.touch()
}
