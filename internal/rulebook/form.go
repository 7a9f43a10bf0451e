package rulebook

import (
	"slices"
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
		f.House = b.flag("house")
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
		for _, k := range []string{"from", "to", "by", "lock", "auto", "reason", "again", "bulk", "fresh"} {
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
		if !slices.Contains(f.Book.AddedBy, c.Book) {
			f.Book.AddedBy = append(f.Book.AddedBy, c.Book)
		}
		c.todo = append(c.todo, func() {
			f.Copies = append(f.Copies, c.copies(f, b.get("copy"), b.path)...)
			f.Section = append(f.Section, c.sections(f, b)...)
			f.View = append(f.View, c.views(f, b)...)
			c.closeFields(f, b)
		})
	}
}

// closeFields puts classes on fields that another rulebook's form has already. A field has one class: the form's own, or that of the
// one rulebook which closes it.
func (c *book) closeFields(f *Form, b *body) {
	for _, e := range b.entries("class") {
		fd := f.field[e.key]
		if fd == nil {
			c.r.hintf(e.pos, meant(e.key, sortedKeys(f.field)), "field %q does not exist on form %s", e.key, f.ID)
			continue
		}
		switch ref := c.classRef(e.value, b.path+".class."+e.key); {
		case ref == nil:
		case fd.Book == c.Book:
			c.r.errorf(e.pos, "field %s is this rulebook's own; write its class there", e.key)
		case fd.class != nil || fd.Class != nil:
			c.r.errorf(e.pos, "field %s of %s has a class already", e.key, f.ID)
		case ref.Class.Personal:
			c.r.errorf(e.pos, "class %s is personal: whether a value is kept encrypted is said by the form that has it", ref.Class.ID)
		case fd.Type.Name == "secret":
			c.r.errorf(e.pos, "field %s of %s is shown to nobody; it needs no class", e.key, f.ID)
		default:
			fd.Class = ref
			c.last = append(c.last, func() {
				if f.Title != nil && slices.ContainsFunc(f.Title.Reads(), func(p expr.Path) bool { return p.Object == f.Key && p.Field == fd.ID }) {
					c.r.errorf(e.pos, "field %s is in the title of %s, which everybody reads", e.key, f.ID)
				}
			})
		}
	}
}
