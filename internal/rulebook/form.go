package rulebook

import (
	"strings"

	"zhanggui/internal/expr"
)

// implicitActions exist on every form; a rulebook states them only to add to them.
var implicitActions = []string{"create", "edit", "view", "reveal", "print", "export", "import", "void"}

var implicitLabel = map[string]Label{
	"create": {"新增", "Create"}, "edit": {"修改", "Edit"}, "view": {"查看", "View"}, "reveal": {"显示", "Reveal"},
	"print": {"打印", "Print"}, "export": {"导出", "Export"}, "import": {"导入", "Import"}, "void": {"作废", "Void"},
}

func implicitAction(id string) bool { return contains(implicitActions, id) }

// members every record has; a field may not take their names.
var members = strings.Fields("id number state by at done stay late overrun due copies snapshots history")

// newForm makes a form with its key and table.
func (c *book) newForm(e *entry) *Form {
	f := &Form{ID: e.key, Key: c.Short + "." + e.key, Table: "f" + c.Short + "_" + e.key}
	if c.Short == "base" {
		f.Table = "base_" + e.key
	}
	f.index()
	c.Book.Forms = append(c.Book.Forms, f)
	c.l.lib.Forms[f.Key] = f
	return f
}

func (f *Form) index() {
	f.field, f.line, f.state = map[string]*Field{}, map[string]*Line{}, map[string]*State{}
	f.action, f.dead = map[string]*Action{}, map[string]*Deadline{}
}

func (c *book) declareForms() {
	c.declareParameters()
	c.declareRoles()
	for _, e := range c.src.elements["form"] {
		b := c.open(e.value, "form", c.Short+".form."+e.key)
		f := c.newForm(e)
		if b == nil {
			continue
		}
		c.node(&f.Node, b)
		f.Pos = e.pos
		if f.Label.ZH == "" {
			c.r.warnf(e.pos, "form %s has no label", f.ID)
			f.Label = Label{f.ID, f.ID}
		}
		f.Kept = b.oneOf("kept", "", "engine", "platform")
		f.Append = b.flag("append_only")
		c.declareParts(f, b)
		c.todo = append(c.todo, func() { c.compileForm(f, b) })
	}
}

// declareParts declares what a form owns; extensions use it too.
func (c *book) declareParts(f *Form, b *body) {
	base := b.path
	for _, e := range b.entries("field") {
		if c.taken(f, e, "field") {
			continue
		}
		if fd := c.declareField(f, nil, e, base+".field."+e.key); fd != nil {
			f.Fields = append(f.Fields, fd)
			f.field[fd.ID] = fd
		}
	}
	for _, e := range b.entries("line") {
		if c.taken(f, e, "line") {
			continue
		}
		c.declareLine(f, e, base+".line."+e.key)
	}
	if b.shape == "form" {
		c.declareStates(f, b)
	}
	for _, e := range b.entries("action") {
		c.declareAction(f, e, base+".action."+e.key)
	}
	if b.shape == "form" {
		for _, id := range implicitActions {
			if f.action[id] == nil {
				a := &Action{ID: id, Form: f, Implicit: true}
				c.implied(&a.Node, &node{pos: f.Pos}, base+".action."+id)
				a.Label = implicitLabel[id]
				f.Actions = append(f.Actions, a)
				f.action[id] = a
			}
		}
	}
	for _, e := range b.entries("deadline") {
		if c.taken(f, e, "deadline") {
			continue
		}
		d := &Deadline{ID: e.key, Form: f}
		x := c.open(e.value, "deadline", base+".deadline."+e.key)
		if x == nil {
			continue
		}
		c.node(&d.Node, x)
		d.Pos = e.pos
		f.Deadlines = append(f.Deadlines, d)
		f.dead[d.ID] = d
		c.todo = append(c.todo, func() { c.compileDeadline(d, x) })
	}
}

// taken keeps fields, lines, states, actions and deadlines of a form in one namespace.
func (c *book) taken(f *Form, e *entry, what string) bool {
	c.id(e, what)
	old := ""
	switch {
	case f.field[e.key] != nil:
		old = "field"
	case f.line[e.key] != nil:
		old = "line"
	case f.state[e.key] != nil:
		old = "state"
	case f.action[e.key] != nil:
		old = "action"
	case f.dead[e.key] != nil:
		old = "deadline"
	}
	if old != "" && what == old {
		c.r.errorf(e.pos, "%s %s of %s: two rulebooks state it; take another id", what, e.key, f.ID)
		return true
	}
	if old != "" {
		c.r.errorf(e.pos, "%s %s of %s: there is a %s of that name already", what, e.key, f.ID, old)
		return true
	}
	// The engine's own registers have no deadlines; their due is a column like any other.
	if (what == "field" || what == "line") && contains(members, e.key) && !(e.key == "due" && c.Short == "base") {
		c.r.errorf(e.pos, "every record has a %s of its own; give the %s of %s another name", e.key, what, f.ID)
		return true
	}
	return false
}

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
	fd.Min, fd.Max = c.literal(b.get("min"), fd.Type, "min"), c.literal(b.get("max"), fd.Type, "max")
	fd.Hint = c.label(b.get("hint"), "hint")
	if n := b.get("back"); n != nil {
		fd.Back = n.text
		if fd.Type.Form == "" {
			c.r.errorf(n.pos, "back names the list on the record a field refers to, and %s refers to none", fd.ID)
			fd.Back = ""
		}
	}
	c.todo = append(c.todo, func() { c.compileField(fd, b) })
	return fd
}

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

func (c *book) declareStates(f *Form, b *body) {
	for _, e := range b.entries("state") {
		if c.taken(f, e, "state") {
			continue
		}
		if e.key == "any" {
			c.r.errorf(e.pos, "any means every state; give this one another name")
		}
		s := &State{ID: e.key, Path: true}
		path := b.path + ".state." + e.key
		if e.value.kind == yamlMap {
			x := c.open(e.value, "state", path)
			c.node(&s.Node, x)
			s.Final, s.Locked = x.flag("final"), x.flag("locked")
			s.Path = x.get("path") == nil || x.flag("path")
		} else {
			c.implied(&s.Node, e.value, path)
			if e.value.kind != yamlNull {
				s.Label = c.label(e.value, "label")
			}
		}
		s.Pos = e.pos
		if s.Label.ZH == "" {
			s.Label = Label{e.key, e.key}
		}
		f.States = append(f.States, s)
		f.state[s.ID] = s
	}
	if len(f.States) == 0 {
		s := &State{ID: "filed", Path: true}
		c.implied(&s.Node, &node{pos: f.Pos}, b.path+".state.filed")
		s.Label = Label{"已立", "Filed"}
		f.States, f.state["filed"] = []*State{s}, s
	}
}

func (c *book) declareAction(f *Form, e *entry, path string) {
	if old := f.action[e.key]; old != nil {
		// An extension adds to an action: its own guards, demands and effects, never a new way round.
		b := c.open(e.value, "action", path)
		if b == nil {
			return
		}
		for _, k := range []string{"from", "to", "by", "lock", "auto", "reason", "again", "bulk"} {
			if n := b.get(k); n != nil {
				c.r.errorf(n.pos, "an extension only adds; it cannot restate %s of action %s", k, e.key)
			}
		}
		c.todo = append(c.todo, func() { c.compileAction(old, b, true) })
		return
	}
	if !(implicitAction(e.key)) && c.taken(f, e, "action") {
		return
	}
	b := c.open(e.value, "action", path)
	if b == nil {
		return
	}
	a := &Action{ID: e.key, Form: f, Implicit: implicitAction(e.key)}
	c.node(&a.Node, b)
	a.Pos = e.pos
	if a.Label.ZH == "" {
		if a.Implicit {
			a.Label = implicitLabel[a.ID]
		} else {
			c.r.warnf(e.pos, "action %s of %s has no label", e.key, f.ID)
			a.Label = Label{e.key, e.key}
		}
	}
	f.Actions = append(f.Actions, a)
	f.action[a.ID] = a
	c.todo = append(c.todo, func() { c.compileAction(a, b, false) })
}

// declareExtensions adds to forms of other rulebooks, once all of them are declared.
func (c *book) declareExtensions() {
	for _, e := range c.src.elements["extend"] {
		b := c.open(e.value, "extend", c.Short+".extend."+e.key)
		f := c.formNamed(&node{kind: yamlScalar, pos: e.pos, text: e.key})
		if b == nil || f == nil {
			continue
		}
		if f.Book == c.Book {
			c.r.errorf(e.pos, "%s is a form of this rulebook; write it there", e.key)
			continue
		}
		c.declareParts(f, b)
		c.todo = append(c.todo, func() {
			f.Copies = append(f.Copies, c.copies(f, b.get("copy"), b.path)...)
			f.Section = append(f.Section, c.sections(f, b)...)
			f.View = append(f.View, c.views(f, b)...)
		})
	}
}

// compileForm compiles what belongs to the form as a whole; fields, actions and deadlines come by themselves.
func (c *book) compileForm(f *Form, b *body) {
	p := c.formPlace(f)
	f.Owner = c.cel(b.get("owner"), &f.Node, p, unitType)
	f.Title = c.cel(b.get("title"), &Node{Path: b.path + ".title"}, p, anyType)
	f.Number = c.number(f, b.get("number"), b.path+".number")
	f.Copies = c.copies(f, b.get("copy"), b.path)
	f.Class = c.classRef(b.get("class"), b.path+".class")
	f.Section = c.sections(f, b)
	f.View = c.views(f, b)
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
		u.Where = c.cel(x.get("where"), &u.Node, p, boolType)
		if u.Where != nil {
			if err := u.Where.InQuery("this"); err != nil {
				c.r.errorf(x.get("where").pos, "unique of %s: where must compile to SQL, but %s", f.ID, unaskable(err))
			}
		}
		u.Say = c.message(x.get("say"), &u.Node, p, "say")
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
		for _, n := range x.names("field") {
			if c.fieldNamed(f, n, false) {
				s.Field = append(s.Field, n.text)
			}
		}
		list = append(list, s)
	}
	return list
}

func (c *book) views(f *Form, b *body) []*SavedView {
	var list []*SavedView
	for _, e := range b.entries("view") {
		x := c.open(e.value, "view", b.path+".view."+e.key)
		if x == nil {
			continue
		}
		v := &SavedView{ID: e.key, Label: c.label(x.get("label"), "label")}
		v.Where = c.cel(x.get("where"), &Node{Path: x.path}, c.formPlace(f), boolType)
		if v.Where != nil {
			if err := v.Where.InQuery("this"); err != nil {
				c.r.errorf(x.get("where").pos, "view %s of %s: where must compile to SQL, but %s", v.ID, f.ID, unaskable(err))
			}
		}
		for _, n := range x.names("column") {
			if c.fieldNamed(f, n, true) {
				v.Column = append(v.Column, n.text)
			}
		}
		if n := x.get("sort"); n != nil {
			v.Sort = n.text
			c.fieldNamed(f, &node{kind: yamlScalar, pos: n.pos, text: strings.TrimPrefix(n.text, "-")}, true)
		}
		list = append(list, v)
	}
	return list
}

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
	fd.Class = c.classRef(b.get("class"), b.path+".class")
	fd.Changed = c.effects(b.get("changed"), b.path+".changed", p)
	if n := b.get("fixed"); n != nil {
		x := &Fixed{}
		if n = c.wrapped(n, &x.Node, b.path+".fixed"); n != nil && c.actionNamed(fd.Form, n) != nil {
			x.Action = n.text
			fd.Fixed = x
		}
	}
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
