package rulebook

import (
	"slices"

	"zhanggui/internal/expr"
)

// Merge is what an action does with a record that is the same as another: it ends, and what referred to it refers to that one.
type Merge struct {
	Node
	Into  string // field that names the one that stays; nothing else fills it
	Apart string // field that lists those it was found not to be the same as; "" = that is not remembered
}

// merges compiles what an action says of the one that stays.
func (c *book) merges(a *Action, b *body) {
	f, n := a.Form, b.get("merge")
	if n == nil {
		return
	}
	k := c.open(n, "merge", a.Path+".merge")
	if k == nil {
		return
	}
	m := &Merge{}
	c.node(&m.Node, k)
	field := func(key string) string {
		x := k.get(key)
		if !x.isText() || !c.fieldNamed(f, x, false) {
			return ""
		}
		c.last = append(c.last, func() {
			fd := f.field[x.text]
			switch {
			case fd == nil || fd.Value != nil || fd.Class != nil:
			case key == "into" && fd.Type.Expr.Kind == expr.KObject && fd.Type.Expr.Object == f.Key:
				return
			case key == "apart" && fd.Type.Expr.Kind == expr.KList && fd.Type.Expr.Elem != nil && fd.Type.Expr.Elem.Object == f.Key:
				return
			}
			c.r.errorf(x.pos, "%s wants a plain field of %s that names %s of it", key, f.ID, map[string]string{"into": "one", "apart": "several"}[key])
		})
		return x.text
	}
	if k.must("into") != nil {
		m.Into = field("into")
	}
	if k.get("apart") != nil {
		m.Apart = field("apart")
	}
	switch {
	case f.Kept != "" || f.Retention != nil || f.Append:
		c.r.errorf(n.pos, "records of %s are not merged: it is kept by the platform, only added to, or kept for a term", f.ID)
	case f.Merge != nil:
		c.r.errorf(n.pos, "form %s has a merge already", f.ID)
	case a.Implicit || a.To != nil || a.Auto != nil:
		c.r.errorf(n.pos, "a merge is an action of its own that a person does; it leads to no state but the end of the record")
	case a.From == nil || a.From.Any:
		c.r.errorf(n.pos, "a merge says from what states: the one that stays stands in one of them too")
	case a.Reason == nil || a.Again || a.Bulk || a.Link != nil:
		c.r.errorf(n.pos, "a merge wants a reason, and is done once, of one record: no again, bulk or link")
	case m.Into != "" && !slices.ContainsFunc(a.Fill, func(x *Fill) bool { return x.Field == m.Into && !x.Optional }):
		c.r.errorf(n.pos, "a merge fills %s", m.Into)
	default:
		a.Merge, f.Merge = m, a
	}
}

// joins compiles into what field one of two writes where it went, when what both belong to was merged.
func (c *book) joins(f *Form, u *Unique, b *body) {
	n := b.get("joins")
	if n == nil || !c.fieldNamed(f, n, false) {
		return
	}
	c.last = append(c.last, func() {
		switch fd := f.field[n.text]; {
		case fd.Value != nil || fd.Class != nil || fd.Type.Expr.Kind != expr.KObject || fd.Type.Expr.Object != f.Key:
			c.r.errorf(n.pos, "joins wants a plain field of %s that names one of it", f.ID)
		case f.Merge != nil || f.Kept != "" || f.Retention != nil || f.Append:
			c.r.errorf(n.pos, "records of %s do not join each other: they have a merge of their own, are kept by the platform, only added to, or kept for a term", f.ID)
		default:
			u.Joins = n.text
		}
	})
}

// Went is the field in which a record that became one with another says which; "" if records of the form never do.
func (f *Form) Went() string {
	if f.Merge != nil {
		return f.Merge.Merge.Into
	}
	for _, u := range f.Unique {
		if u.Joins != "" {
			return u.Joins
		}
	}
	return ""
}
