package engine

import (
	"cmp"
	"slices"

	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
)

// Comparison is what two papers say, side by side: what differs first.
type Comparison struct {
	ID      string        `json:"id"`
	Label   Text          `json:"label"`
	Clause  string        `json:"clause,omitempty"`
	One     Text          `json:"one"`
	Other   Text          `json:"other"`
	Rows    []ComparedRow `json:"rows"`
	Unequal int           `json:"unequal"`
	Actions []string      `json:"actions"` // the ways that are allowed; whether one is open is said among the actions
}

// ComparedRow is one pair. Equal is nil where the reader may not read both sides.
type ComparedRow struct {
	Label    Text       `json:"label"`
	Clause   string     `json:"clause,omitempty"`
	Key      any        `json:"key,omitempty"` // what the rows of the two tables have in common
	KeyField *FieldView `json:"key_field,omitempty"`
	Field    FieldView  `json:"field"` // how the two are read
	One      any        `json:"one"`
	Other    any        `json:"other"`
	Equal    *bool      `json:"equal"`
}

// comparisons are those of the form that count and whose ways the record has come to.
func (w *work) comparisons(r *Record, note func(*rulebook.ClassRef)) ([]Comparison, error) {
	list := []Comparison{}
	view := w.view(r)
	for _, m := range r.form.Compare {
		if !view.Awake(&m.Node) || !reached(r, m) {
			continue
		}
		c := Comparison{ID: m.ID, Label: textOr(m.Label, m.ID), Clause: m.Clause, One: text(m.One), Other: text(m.Other), Rows: []ComparedRow{}, Actions: []string{}}
		for _, id := range m.Action {
			if view.Awake(&r.form.Action(id).Node) {
				c.Actions = append(c.Actions, id)
			}
		}
		for _, x := range m.Row {
			if !view.Awake(&x.Node) {
				continue
			}
			rows, err := w.compareRow(r, x, view, note)
			if err != nil {
				return nil, err
			}
			c.Rows = append(c.Rows, rows...)
		}
		slices.SortStableFunc(c.Rows, func(a, b ComparedRow) int { return cmp.Compare(order(a), order(b)) })
		for _, x := range c.Rows {
			if order(x) == 0 {
				c.Unequal++
			}
		}
		if len(c.Rows) > 0 {
			list = append(list, c)
		}
	}
	return list, nil
}

func order(x ComparedRow) int {
	switch {
	case x.Equal == nil:
		return 1
	case *x.Equal:
		return 2
	}
	return 0
}

// reached: the record stands or has stood where one of the ways starts; before, one of the papers is not written yet.
func reached(r *Record, m *rulebook.Compare) bool {
	for _, id := range m.Action {
		a := r.form.Action(id)
		if a.From == nil || a.From.Any {
			return true
		}
		for _, s := range r.stays() {
			if contains(a.From.States, s.State) {
				return true
			}
		}
	}
	return false
}

// figure is one side of a row. A closed one may not be read by this reader, and shown is all he gets.
type figure struct {
	key    string
	keyVal any
	value  expr.Value
	shown  any
	closed bool
}

func (w *work) compareRow(r *Record, x *rulebook.CompareRow, view *rulebook.View, note func(*rulebook.ClassRef)) ([]ComparedRow, error) {
	one, err := w.figures(r, x.One, note)
	if err != nil {
		return nil, err
	}
	other, err := w.figures(r, x.Other, note)
	if err != nil {
		return nil, err
	}
	if whole := func(l []figure) bool { return len(l) == 1 && l[0].closed }; x.By != "" && (whole(one) || whole(other)) {
		one, other = closedFigure(), closedFigure() // which rows there are is told by the keys of either side
	}
	label := x.Label
	if label.ZH == "" {
		label = x.One.Field.Label
	}
	list := []ComparedRow{}
	add := func(a, b *figure) {
		row := ComparedRow{Label: text(label), Clause: x.Clause, Field: w.fieldView(x.One.Field, view)}
		for _, s := range []*figure{a, b} {
			if s != nil && s.keyVal != nil {
				row.Key = s.keyVal
			}
		}
		if x.One.Key != nil {
			k := w.fieldView(x.One.Key, view)
			row.KeyField = &k
		}
		var left, right expr.Value
		closed := false
		if a != nil {
			left, row.One, closed = a.value, a.shown, a.closed
		}
		if b != nil {
			right, row.Other, closed = b.value, b.shown, closed || b.closed
		}
		if left == nil && right == nil && !closed {
			return
		}
		if !closed {
			equal := alike(left, right, x.One.Line != nil || x.Other.Line != nil)
			row.Equal = &equal
		}
		list = append(list, row)
	}
	for i := range one {
		var b *figure
		if j := slices.IndexFunc(other, func(s figure) bool { return s.key == one[i].key }); j >= 0 {
			b = &other[j]
		}
		add(&one[i], b)
	}
	for i := range other {
		if !slices.ContainsFunc(one, func(s figure) bool { return s.key == other[i].key }) {
			add(nil, &other[i])
		}
	}
	return list, nil
}

// alike: no rows of a line table sum up to nothing, so nothing and zero are the same there.
func alike(a, b expr.Value, sums bool) bool {
	zero := func(v expr.Value) bool { return v == nil || expr.Compare(expr.Plus(v, v), v) == 0 }
	if sums && (a == nil || b == nil) {
		return zero(a) && zero(b)
	}
	x, isA := a.(expr.Record)
	y, isB := b.(expr.Record)
	if isA && isB {
		return x.ID() == y.ID()
	}
	return expr.Compare(a, b) == 0
}

func closedFigure() []figure { return []figure{{closed: true, shown: Masked{Masked: "***"}}} }

// figures follows a path as the reader may: one figure, or one for each key.
func (w *work) figures(r *Record, p *rulebook.FieldPath, note func(*rulebook.ClassRef)) ([]figure, error) {
	for _, f := range p.Via {
		if w.visible(r, f) != full {
			return closedFigure(), nil
		}
		v, err := r.Get(f.ID)
		if err != nil {
			return nil, err
		}
		next, ok := v.(*Record)
		if !ok || next == nil {
			return nil, nil
		}
		if !w.maySee(next) {
			return closedFigure(), nil
		}
		note(next.form.Class)
		r = next
	}
	if see := w.visible(r, p.Field); see == hidden || p.Line != nil && see != full || p.Key != nil && w.visible(r, p.Key) != full {
		return closedFigure(), nil // a sum, too, would tell what a mask hides
	}
	if p.Line == nil {
		see := w.visible(r, p.Field)
		v, err := r.Get(p.Field.ID)
		if err != nil {
			return nil, err
		}
		if see == full && v != nil {
			note(p.Field.Class)
		}
		return []figure{{value: v, shown: w.dress(v, p.Field, see, r.row[p.Field.ID]), closed: see != full}}, nil
	}
	return w.sums(r, p)
}

// sums adds a column up, for each key by itself in the order the keys come.
func (w *work) sums(r *Record, p *rulebook.FieldPath) ([]figure, error) {
	rows, err := r.Lines(p.Line.ID)
	if err != nil {
		return nil, err
	}
	var list []figure
	for _, row := range rows {
		s := figure{}
		if p.Key != nil {
			k, err := row.Get(p.Key.ID)
			if err != nil {
				return nil, err
			}
			s.key, s.keyVal = w.words(k, p.Key.Type), w.dress(k, p.Key, full, nil)
			if x, ok := k.(expr.Record); ok {
				s.key = x.ID()
			}
		}
		if s.value, err = row.Get(p.Field.ID); err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(list, func(x figure) bool { return x.key == s.key }); i >= 0 {
			if s.value != nil {
				list[i].value = expr.Plus(list[i].value, s.value)
			}
			continue
		}
		list = append(list, s)
	}
	for i := range list {
		list[i].shown = w.apiOf(list[i].value, p.Field.Type)
	}
	return list, nil
}
