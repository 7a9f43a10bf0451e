package rulebook

import (
	"slices"

	"zhanggui/internal/expr"
)

func (c *book) declareField(f *Form, l *Line, e *entry, path string) *Field {
	if e.value.isText() { // a bare type
		e = &entry{key: e.key, pos: e.pos, value: &node{kind: yamlMap, pos: e.value.pos, keys: []*entry{{key: "type", pos: e.value.pos, value: e.value}}}}
	}
	b := c.open(e.value, "field", path)
	if b == nil {
		return nil
	}
	fd := &Field{ID: e.key, Form: f, Line: l, Column: e.key}
	c.node(&fd.Node, b)
	fd.Pos = e.pos
	if fd.Label.ZH == "" {
		if b.get("label") == nil {
			c.r.warnf(e.pos, "field %s of %s has no label", e.key, f.ID)
		}
		fd.Label = Label{e.key, e.key}
	}
	scale := b.int("scale")
	if b.must("type") != nil {
		fd.Type = c.typeOf(b.get("type"), b.get("options"), path, scale)
		if b.get("options") != nil && fd.Type.Options == nil {
			c.r.errorf(b.get("options").pos, "only a choice has options")
		}
	} else {
		fd.Type = FieldType{Name: "text", Expr: textType}
	}
	if scale > 8 {
		c.r.errorf(b.get("scale").pos, "scale is at most 8")
	}
	fd.Unique = b.flag("unique")
	if n := b.get("outward"); n != nil {
		if fd.Inside = !b.flag("outward"); !fd.Inside {
			c.r.errorf(n.pos, "outward of a field is false: what is not classified may go out without it")
		}
	}
	fd.Min, fd.Max = c.literal(b.get("min"), fd.Type, "min"), c.literal(b.get("max"), fd.Type, "max")
	fd.Hint = c.label(b.get("hint"), "hint")
	if fd.Code = b.flag("code"); fd.Code && fd.Type.Name != "text" {
		c.r.errorf(b.get("code").pos, "only a text holds a code, and %s is %s", fd.ID, fd.Type.Name)
	}
	if n := b.get("back"); n != nil {
		fd.Back = n.text
		if fd.Type.Form == "" {
			c.r.errorf(n.pos, "back names the list on the record a field refers to, and %s refers to none", fd.ID)
			fd.Back = ""
		}
	}
	fd.class = b.get("class")
	c.todo = append(c.todo, func() { c.compileField(fd, b) })
	return fd
}

// personal finds which fields are kept encrypted. It is asked before anything is compiled, since it decides what the
// database can be asked.
func (c *book) personal() {
	each := func(fd *Field) {
		n := fd.class
		if n == nil {
			return
		}
		if n.kind == yamlMap && n.at("is") != nil {
			n = n.at("is")
		}
		for _, o := range c.scope() {
			if k := o.Book.Class(n.text); k != nil {
				fd.Personal = k.Personal
				break
			}
		}
		if !fd.Personal {
			return
		}
		switch t := fd.Type; {
		case t.Name == "file" || t.Name == "files" || t.Name == "secret",
			t.Expr.Kind != expr.KText && t.Expr.Kind != expr.KDate && t.Expr.Kind != expr.KDatetime:
			c.r.errorf(n.pos, "%s is %s; a personal class is for texts, dates and times", fd.ID, t.Name)
			fd.Personal = false
		}
	}
	for _, f := range c.Forms {
		for _, fd := range f.Fields {
			each(fd)
		}
		for _, l := range f.Lines {
			for _, fd := range l.Fields {
				each(fd)
			}
		}
	}
}

// Mark is the column beside a personal field's own that tells equal values.
func (fd *Field) Mark() string { return fd.Column + MarkSuffix }

// MarkSuffix ends the names of mark columns.
const MarkSuffix = "__eq"

func (c *book) declareLine(f *Form, e *entry, path string) {
	b := c.open(e.value, "line", path)
	if b == nil {
		return
	}
	l := &Line{ID: e.key, Form: f, Key: f.Key + "." + e.key, Table: f.Table + "__" + e.key, field: map[string]*Field{}}
	c.node(&l.Node, b)
	l.Pos = e.pos
	if l.Label.ZH == "" {
		l.Label = Label{e.key, e.key}
	}
	for _, x := range b.entries("field") {
		c.id(x, "field")
		if contains([]string{"id", "parent", "pos", "record"}, x.key) {
			c.r.errorf(x.pos, "every line has a %s of its own; give the field another name", x.key)
			continue
		}
		if fd := c.declareField(f, l, x, path+".field."+x.key); fd != nil {
			l.Fields = append(l.Fields, fd)
			l.field[fd.ID] = fd
		}
	}
	f.Lines = append(f.Lines, l)
	f.line[l.ID] = l
}

// aboutPeople are the types whose values name a person by themselves. A field of one says its class; what another field's is
// without one, its form says: who sees the record sees the field.
var aboutPeople = []string{"phone", "email", "idno"}

func (c *book) compileField(fd *Field, b *body) {
	p := c.formPlace(fd.Form)
	if fd.Line != nil {
		p = c.linePlace(fd.Line)
	}
	fd.Required = c.value(b.get("required"), b.path+".required", p, boolType)
	fd.Default = c.value(b.get("default"), b.path+".default", p, fd.Type.Expr)
	fd.Value = c.value(b.get("value"), b.path+".value", p, fd.Type.Expr)
	if fd.Value != nil && fd.Default != nil {
		c.r.errorf(b.get("default").pos, "a computed field has no default")
	}
	fd.When = c.value(b.get("when"), b.path+".when", p, boolType)
	fd.Check = c.checksOf(b.list("check"), b.path+".check", p)
	if n := b.get("class"); n != nil { // else another rulebook may have closed it
		fd.Class = c.classRef(n, b.path+".class")
	}
	if b.get("class") == nil && slices.Contains(aboutPeople, fd.Type.Name) {
		c.r.errorf(fd.Pos, "type %s is about a person: give field %s a class, which says who sees it", fd.Type.Name, fd.ID)
	}
	fd.Changed = c.effects(b.get("changed"), b.path+".changed", p)
	fd.Passes = c.passing(fd, b, p)
	if n := b.get("fixed"); n != nil {
		x := &Fixed{}
		if n = c.wrapped(n, &x.Node, b.path+".fixed"); n != nil && c.actionNamed(fd.Form, n) != nil {
			x.Action = n.text
			fd.Fixed = x
		}
	}
}

// passing reads how a person's field goes over to his successor.
func (c *book) passing(fd *Field, b *body, p place) *Passing {
	n := b.get("passes")
	if n == nil {
		return nil
	}
	t := fd.Type.Expr
	many := t.Kind == expr.KList && t.Elem != nil && t.Elem.Kind == expr.KObject && t.Elem.Object == "base.person"
	if fd.Value != nil || !many && fd.Type.Form != "base.person" {
		c.r.errorf(n.pos, "passes is for a field that names persons, which somebody fills; %s is not", fd.ID)
		return nil
	}
	k := c.open(n, "passes", b.path+".passes")
	if k == nil {
		return nil
	}
	x := &Passing{}
	c.node(&x.Node, k)
	if fd.Line != nil { // the record is asked, not the row
		p = c.formPlace(fd.Form)
	}
	x.When = c.value(k.get("when"), k.path+".when", p, boolType)
	if by := k.get("by"); by != nil && (fd.Line != nil || many) {
		c.r.errorf(by.pos, "by is for a field of the form that names one person; a list of them and the rows of a table are set")
	} else if by != nil && c.actionNamed(fd.Form, by) != nil {
		x.By = by.text
		c.last = append(c.last, func() {
			if !slices.ContainsFunc(fd.Form.action[x.By].Fill, func(f *Fill) bool { return f.Field == fd.ID }) {
				c.r.errorf(by.pos, "action %s of %s does not fill %s", x.By, fd.Form.ID, fd.ID)
			}
		})
	}
	return x
}

// actionNamed finds an action of a form; the error is reported.
func (c *book) actionNamed(f *Form, n *node) *Action {
	if f == nil || n == nil {
		return nil
	}
	if !n.isText() {
		c.r.errorf(n.pos, "the id of an action is wanted, not %s", n.what())
		return nil
	}
	if a := f.action[n.text]; a != nil {
		return a
	}
	c.r.hintf(n.pos, meant(n.text, sortedKeys(f.action)), "action %q does not exist on form %s", n.text, f.ID)
	return nil
}

func (c *book) classRef(n *node, path string) *ClassRef {
	if n == nil {
		return nil
	}
	r := &ClassRef{}
	x := c.wrapped(n, &r.Node, path)
	if x == nil {
		return nil
	}
	for _, o := range c.scope() {
		if k := o.Book.Class(x.text); k != nil {
			r.Class = k
			return r
		}
	}
	var known []string
	for _, o := range c.scope() {
		for _, k := range o.Classes {
			known = append(known, k.ID)
		}
	}
	c.r.hintf(x.pos, meant(x.text, known), "there is no class %q", x.text)
	return nil
}

// stored tells after all is compiled which computed fields read only their own record, lines and parameters.
func (c *book) stored(fd *Field) {
	if fd.Value == nil {
		return
	}
	fd.Stored = fd.Line == nil
	own := map[string]bool{fd.Form.Key: true}
	for _, l := range fd.Form.Lines {
		own[l.Key] = true
	}
	for _, k := range fd.Value.Cases {
		for _, e := range []*expr.Expr{k.When, k.Is} {
			if e != nil && !ownReads(e, own) {
				fd.Stored = false
			}
		}
	}
}
