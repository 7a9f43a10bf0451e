package rulebook

import (
	"slices"
	"strings"

	"zhanggui/internal/expr"
)

// compileForm compiles what belongs to the form as a whole; fields, actions and deadlines come by themselves.
func (c *book) compileForm(f *Form, b *body) {
	p := c.formPlace(f)
	f.Owner = c.cel(b.get("owner"), &f.Node, p, unitType)
	f.Title = c.cel(b.get("title"), &Node{Path: b.path + ".title"}, p, anyType)
	f.Number = c.number(f, b.get("number"), b.path+".number")
	f.Copies = c.copies(f, b.get("copy"), b.path)
	f.Class = c.classRef(b.get("class"), b.path+".class")
	if n := b.get("subject"); n != nil && c.fieldNamed(f, n, false) {
		if f.Subject = f.field[n.text]; f.Kept != "engine" && f.Subject.Type.Expr.Kind != expr.KObject || f.Subject.Value != nil {
			c.r.errorf(n.pos, "subject: %s is to name one record", n.text)
			f.Subject = nil
		}
	}
	f.Section = c.sections(f, b)
	f.View = c.views(f, b)
	f.Compare = c.compares(f, b)
	if n := b.get("retention"); n != nil {
		r := &RetentionRef{}
		if x := c.wrapped(n, &r.Node, b.path+".retention"); x != nil {
			for _, o := range c.scope() {
				if r.Retention == nil {
					r.Retention = o.Book.Retention(x.text)
				}
			}
			if r.Retention == nil {
				c.r.errorf(x.pos, "there is no retention %q", x.text)
			} else {
				f.Retention = r
			}
		}
	}
	for i, n := range b.list("unique") {
		x := c.open(n, "unique", b.path+".unique."+itoa(i+1))
		if x == nil {
			continue
		}
		u := &Unique{}
		c.node(&u.Node, x)
		u.By = c.cels(x.must("by"), &u.Node, p)
		c.last = append(c.last, func() {
			for _, e := range u.By {
				if err := e.EqualsInQuery("this"); err != nil {
					c.r.errorf(x.get("by").pos, "unique of %s must compile to SQL, but %s", f.ID, unaskable(err))
				}
			}
		})
		u.Where = c.cel(x.get("where"), &u.Node, p, boolType)
		c.askable(u.Where, x.get("where"), "this", "unique of "+f.ID+": where")
		u.Say = c.message(x.get("say"), &u.Node, p, "say")
		c.joins(f, u, x)
		f.Unique = append(f.Unique, u)
	}
	if names := b.names("span"); len(names) > 0 {
		if len(names) != 2 {
			c.r.errorf(names[0].pos, "span wants a start and an end field")
		}
		for i, n := range names {
			if c.fieldNamed(f, n, false) && i < 2 {
				f.Span[i] = n.text
			}
		}
	}
	if n := b.get("print"); n != nil {
		f.Print = &Print{}
		if n.isText() {
			c.implied(&f.Print.Node, n, b.path+".print")
			f.Print.Layout = n.text
		} else if x := c.open(n, "print", b.path+".print"); x != nil {
			c.node(&f.Print.Node, x)
			f.Print.Layout, f.Print.Stamp = x.text("layout"), c.label(x.get("stamp"), "stamp")
		}
	}
}

// fieldNamed asks that a form has a field (or line, or one of the members a list shows).
func (c *book) fieldNamed(f *Form, n *node, shown bool) bool {
	id := n.text
	if f.field[id] != nil || f.line[id] != nil || (shown && contains([]string{"number", "state", "unit", "by", "at"}, id)) {
		return true
	}
	c.r.hintf(n.pos, meant(id, append(sortedKeys(f.field), sortedKeys(f.line)...)), "field %q does not exist on form %s", id, f.ID)
	return false
}

func (c *book) sections(f *Form, b *body) []*Section {
	var list []*Section
	for _, e := range b.entries("section") {
		x := c.open(e.value, "section", b.path+".section."+e.key)
		if x == nil {
			continue
		}
		s := &Section{ID: e.key, Label: c.label(x.get("label"), "label")}
		c.implied(&s.Part, e.value, x.path)
		for _, n := range x.names("field") {
			if c.fieldNamed(f, n, false) {
				s.Field = append(s.Field, n.text)
			}
		}
		for _, n := range x.names("chart") {
			if !c.fieldNamed(f, n, false) {
				continue
			}
			if !slices.Contains(s.Field, n.text) || !drawn(f.Field(n.text)) {
				c.r.errorf(n.pos, "chart of section %s: %q is no number of the section", s.ID, n.text)
				continue
			}
			s.Chart = append(s.Chart, n.text)
		}
		list = append(list, s)
	}
	return list
}

// drawn tells whether a field is a number that a chart can show.
func drawn(f *Field) bool {
	if f == nil {
		return false
	}
	switch f.Type.Expr.Kind {
	case expr.KInt, expr.KDecimal, expr.KMoney:
		return true
	}
	return false
}

func (c *book) views(f *Form, b *body) []*SavedView {
	var list []*SavedView
	for _, e := range b.entries("view") {
		x := c.open(e.value, "view", b.path+".view."+e.key)
		if x == nil {
			continue
		}
		v := &SavedView{ID: e.key, Label: c.label(x.get("label"), "label")}
		c.implied(&v.Part, e.value, x.path)
		v.Where = c.cel(x.get("where"), &Node{Path: x.path}, c.formPlace(f), boolType)
		c.askable(v.Where, x.get("where"), "this", "view "+v.ID+" of "+f.ID+": where")
		for _, n := range x.names("column") {
			if c.fieldNamed(f, n, true) {
				v.Column = append(v.Column, n.text)
			}
		}
		if n := x.get("sort"); n != nil {
			v.Sort = n.text
			id := strings.TrimPrefix(n.text, "-")
			if c.fieldNamed(f, &node{kind: yamlScalar, pos: n.pos, text: id}, true) && f.field[id] != nil && f.field[id].Personal {
				c.r.errorf(n.pos, "%s is kept encrypted, which has no order: sort by something else", id)
			}
		}
		list = append(list, v)
	}
	return list
}
