package rulebook

import "slices"

// ByLink lets somebody without an account do an action by a link that he was given: `by: link`.
type ByLink struct {
	Node
	For   *Value              // span from the giving on
	Give  *Who                // who hands it out
	While *Value              // bool; the link sleeps where it is not true
	Show  []string            // fields of the form that the holder reads
	Rows  map[string][]string // line → its fields that the holder fills; the rows are those there are, and he reads all of each
}

// byLink are the types that somebody outside can fill: nothing that names a record or brings a file.
var byLink = []string{"text", "note", "int", "decimal", "bool", "choice", "date"}

// linked compiles what an action says of its link, and refuses one that would show or take what it must not.
func (c *book) linked(a *Action, b *body) {
	f := a.Form
	asked := a.By != nil && slices.ContainsFunc(a.By.Items, func(it *WhoItem) bool { return it.Link })
	n := b.get("link")
	if n == nil {
		if asked {
			c.r.errorf(b.get("by").pos, "by: link wants a link: that says how long it is open and who gives it")
		}
		return
	}
	if !asked {
		c.r.errorf(n.pos, "link: is for an action that is done by: link")
	}
	k := c.open(n, "by_link", a.Path+".link")
	if k == nil {
		return
	}
	l := &ByLink{Rows: map[string][]string{}}
	c.node(&l.Node, k)
	p := c.formPlace(f)
	if k.must("for") != nil {
		l.For = c.value(k.get("for"), l.Path+".for", p, spanType)
	}
	if k.must("give") != nil {
		l.Give = c.who(k.get("give"), l.Path+".give", p)
	}
	l.While = c.value(k.get("while"), l.Path+".while", p, boolType)
	if a.Implicit || a.From == nil || a.From.Any {
		c.r.errorf(n.pos, "what is done by link begins in a state, which it leaves or stays in once")
	}
	if a.Again || a.Bulk || a.Fresh || a.Each || a.Reason != nil {
		c.r.errorf(n.pos, "what is done by link is done once: no again, bulk, fresh or reason")
	}
	for _, x := range k.names("show") {
		if c.fieldNamed(f, x, false) && f.line[x.text] == nil {
			l.Show = append(l.Show, x.text)
		}
	}
	for _, e := range k.entries("rows") {
		if f.line[e.key] == nil {
			c.r.hintf(e.pos, meant(e.key, sortedKeys(f.line)), "there is no line %q on form %s", e.key, f.ID)
			continue
		}
		l.Rows[e.key] = []string{}
		for _, x := range c.nameList(e.value, "rows") {
			if f.line[e.key].field[x.text] == nil {
				c.r.hintf(x.pos, meant(x.text, sortedKeys(f.line[e.key].field)), "line %s has no field %q", e.key, x.text)
				continue
			}
			l.Rows[e.key] = append(l.Rows[e.key], x.text)
		}
	}
	a.Link = l
	c.last = append(c.last, func() { c.checkLink(a, n) })
}

// checkLink: whoever has the link stands for nobody, so nothing classified goes to him, and he names and brings nothing.
func (c *book) checkLink(a *Action, n *node) {
	f := a.Form
	secret := func(fd *Field) {
		if fd.Class != nil || fd.Type.Name == "secret" {
			c.r.errorf(n.pos, "%s is classified; it is neither shown nor filled by link", fd.ID)
		}
	}
	takes := func(fd *Field) {
		if fd.Value != nil || !contains(byLink, fd.Type.Name) {
			c.r.errorf(n.pos, "%s cannot be filled by link: it is %s", fd.ID, fd.Type.Name)
		}
	}
	for _, id := range a.Link.Show {
		secret(f.field[id])
	}
	for _, x := range a.Fill {
		if fd := f.field[x.Field]; fd != nil {
			secret(fd)
			takes(fd)
		} else if a.Link.Rows[x.Field] == nil {
			c.r.errorf(n.pos, "say in rows: which fields of %s the holder fills", x.Field)
		}
	}
	for id, fields := range a.Link.Rows {
		for _, fd := range f.line[id].Fields {
			secret(fd)
			if contains(fields, fd.ID) {
				takes(fd)
			}
		}
	}
}
