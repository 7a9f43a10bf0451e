package rulebook

import (
	"strings"

	"zhanggui/internal/expr"
)

// Compare lays what two papers say side by side.
type Compare struct {
	Node
	ID         string
	One, Other Label    // the papers
	Action     []string // the ways the clause allows, and the earliest that says from when it is shown
	Row        []*CompareRow
}

// CompareRow is one pair of figures, or one pair for every value of By.
type CompareRow struct {
	Node
	By         string // column of both line tables that tells which rows belong together; "" = one pair
	One, Other *FieldPath
}

// FieldPath leads from a record over references to a field, or to a column of one of its line tables.
type FieldPath struct {
	Via   []*Field
	Line  *Line  // nil: Field stands on the record itself
	Key   *Field // of the line, where the row says by:
	Field *Field
}

// compares reads compare:; its paths are followed when all fields have their types.
func (c *book) compares(f *Form, b *body) []*Compare {
	var list []*Compare
	for _, e := range b.entries("compare") {
		c.id(e, "compare")
		x := c.open(e.value, "compare", b.path+".compare."+e.key)
		if x == nil {
			continue
		}
		m := &Compare{ID: e.key}
		c.node(&m.Node, x)
		m.Pos = e.pos
		m.One, m.Other = c.label(x.must("one"), "one"), c.label(x.must("other"), "other")
		for _, n := range x.names("action") {
			if a := c.actionNamed(f, n); a != nil {
				m.Action = append(m.Action, a.ID)
			}
		}
		if x.must("action") == nil || x.must("row") == nil {
			continue
		}
		for i, n := range x.list("row") {
			k := c.open(n, "compare_row", x.path+".row."+itoa(i+1))
			if k == nil {
				continue
			}
			r := &CompareRow{By: k.text("by")}
			c.node(&r.Node, k)
			one, other := k.must("one"), k.must("other")
			m.Row = append(m.Row, r)
			c.last = append(c.last, func() {
				r.One, r.Other = c.fieldPath(f, one, r.By), c.fieldPath(f, other, r.By)
				c.comparable(r, other)
			})
		}
		list = append(list, m)
	}
	return list
}

// comparable asks that the two figures of a row are of one kind.
func (c *book) comparable(r *CompareRow, at *node) {
	if r.One == nil || r.Other == nil {
		return
	}
	a, b := r.One.Field.Type.Expr, r.Other.Field.Type.Expr
	if a.Kind != b.Kind || a.Object != b.Object || a.Kind == expr.KList {
		c.r.errorf(at.pos, "%s is %s and %s is %s: they cannot be compared", r.One.Field.ID, a.Kind, r.Other.Field.ID, b.Kind)
	}
	if r.By != "" && (r.One.Key.Type.Expr.Kind != r.Other.Key.Type.Expr.Kind || r.One.Key.Type.Expr.Object != r.Other.Key.Type.Expr.Object) {
		c.r.errorf(at.pos, "the rows cannot be matched by %s: it is %s in one table and %s in the other", r.By, r.One.Key.Type.Expr.Kind, r.Other.Key.Type.Expr.Kind)
	}
}

// fieldPath follows this.a.b from a form. by is the column that tells rows apart; it makes a line table necessary.
func (c *book) fieldPath(f *Form, n *node, by string) *FieldPath {
	if n == nil {
		return nil
	}
	names := strings.Split(n.text, ".")
	if !n.isText() || len(names) < 2 || names[0] != "this" {
		c.r.errorf(n.pos, "a path to a field is wanted: this.amount, this.order.amount, this.parts.quantity")
		return nil
	}
	p := &FieldPath{}
	fields, on := f.field, "form "+f.ID
	for i, name := range names[1:] {
		if l := f.line[name]; l != nil && p.Line == nil && i+3 == len(names) {
			p.Line, fields, on = l, map[string]*Field{}, "line "+l.ID
			for _, x := range l.Fields {
				fields[x.ID] = x
			}
			continue
		}
		x := fields[name]
		switch {
		case x == nil:
			c.r.hintf(n.pos, meant(name, sortedKeys(fields)), "field %q does not exist on %s", name, on)
			return nil
		case i+2 == len(names):
			p.Field = x
		case x.Type.Expr.Kind != expr.KObject || c.l.lib.Forms[x.Type.Expr.Object] == nil:
			c.r.errorf(n.pos, "%s of %s leads to no record", name, on)
			return nil
		default:
			f = c.l.lib.Forms[x.Type.Expr.Object]
			p.Via, fields, on = append(p.Via, x), f.field, "form "+f.ID
		}
	}
	if p.Line != nil && !number(p.Field.Type.Expr) {
		c.r.errorf(n.pos, "%s is no number: of a line table only sums are compared", p.Field.ID)
		return nil
	}
	if by == "" {
		return p
	}
	if p.Line == nil {
		c.r.errorf(n.pos, "by: wants columns of line tables, and %s stands on %s", p.Field.ID, on)
		return nil
	}
	if p.Key = fields[by]; p.Key == nil {
		c.r.hintf(n.pos, meant(by, sortedKeys(fields)), "field %q does not exist on %s", by, on)
		return nil
	}
	return p
}

func number(t expr.Type) bool {
	return t.Kind == expr.KInt || t.Kind == expr.KDecimal || t.Kind == expr.KMoney
}
