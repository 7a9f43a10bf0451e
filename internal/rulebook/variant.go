package rulebook

import "strings"

// A variant is a rulebook that extends another: the same text with its own clauses, some words changed, some left out. It is
// made on the tree, before anything is compiled, so that the result is an ordinary rulebook.

// varying are the elements that only a variant has.
var varying = []string{"clauses", "rename", "remove"}

// variants merges the text of the extended rulebook into each variant.
func (l *loader) variants() {
	done := map[string]int{}
	var visit func(*book)
	visit = func(c *book) {
		if done[c.ID] != 0 {
			if done[c.ID] == 1 {
				l.r.errorf(c.src.header.pos, "extends: goes round: %s extends itself", c.ID)
			}
			return
		}
		done[c.ID] = 1
		if c.Extends != "" {
			base := l.byID[c.Extends]
			if base == nil {
				l.r.hintf(c.src.header.at("extends").pos, meant(c.Extends, sortedKeys(l.byID)), "%s extends %s, which is not here", c.ID, c.Extends)
			} else {
				visit(base)
				c.vary(base)
			}
		} else {
			for _, kind := range varying {
				for _, e := range c.src.elements[kind] {
					l.r.errorf(e.pos, "%s: belongs to a variant; the header has no extends:", kind)
				}
			}
		}
		done[c.ID] = 2
	}
	for _, c := range l.books {
		visit(c)
	}
}

// vary makes this book from the base's text and its own.
func (c *book) vary(base *book) {
	to := map[string]string{}
	for _, e := range c.src.elements["clauses"] {
		to[e.key] = e.value.text
		if base.src.clauses == nil || base.src.clauses.at(e.key) == nil {
			c.r.errorf(e.pos, "variant %s: %s has no clause %s", c.ID, base.ID, e.key)
		}
		if e.value.text != "none" && (c.src.clauses == nil || c.src.clauses.at(e.value.text) == nil) {
			c.r.errorf(e.value.pos, "clause %s is not in clauses.yaml of %s", e.value.text, c.ID)
		}
	}
	if base.src.clauses != nil {
		for _, e := range base.src.clauses.keys {
			if to[e.key] == "" {
				c.r.errorf(c.src.header.pos, "variant %s: base clause %s is neither mapped to a clause nor to none", c.ID, e.key)
			}
		}
	}
	c.From = to
	say := c.renaming(base)
	for kind, entries := range base.src.elements {
		if contains(varying, kind) {
			continue
		}
		var list []*entry
		for _, e := range entries {
			v := e.value.mapped(to)
			say.rename(v, false)
			list = append(list, &entry{key: e.key, pos: e.pos, quoted: e.quoted, value: v})
		}
		c.src.elements[kind] = c.overlay(list, c.src.elements[kind])
	}
	say.report(c.r)
	c.inherit(base, to)
	played, _ := base.src.played()
	c.src.inherited = replayed(played, base.ID, c.ID, to)
	for _, e := range c.src.elements["remove"] {
		c.remove(e)
	}
}

// inherit takes over what the base's header says and the variant's does not.
func (c *book) inherit(base *book, to map[string]string) {
	for _, id := range base.Needs {
		if !contains(c.Needs, id) {
			c.Needs = append(c.Needs, id)
		}
	}
	if c.Admin == "" {
		c.Admin = base.Admin
	}
	if c.src.header.at("may_off") == nil {
		for _, id := range base.MayOff {
			if t := to[id]; t != "" && t != "none" && !contains(c.MayOff, t) {
				c.MayOff = append(c.MayOff, t)
			}
		}
	}
	for _, key := range []string{"must", "changed_by", "since"} {
		if said := base.src.header.entry(key); said != nil && c.src.header.entry(key) == nil {
			c.src.header.keys = append(c.src.header.keys, &entry{key: said.key, pos: said.pos, value: said.value.mapped(to)})
		}
	}
	c.r = c.l.r.varied(c.ID, "rulebooks/"+c.src.folder+"/")
}

// replayed are the base's scenarios, told of a variant's clauses.
func replayed(list []*node, base, variant string, to map[string]string) []*node {
	words := map[string]string{base: variant}
	for from, own := range to {
		words[from] = own
	}
	var told []*node
	for _, x := range list {
		// One that says nothing, or of clauses that are not here, is not told again.
		if x = x.retold(words); x.at("scenario").isText() && len(x.at("clauses").listed()) > 0 {
			told = append(told, x)
		}
	}
	return told
}

// unsaid tells whether an item of a list is a guard, a case or an effect of a clause that the variant does not have: it would sleep
// for good, and what it names may be gone.
func (n *node) unsaid(to map[string]string) bool {
	clause := n.at("clause")
	if !clause.isText() || to[clause.text] != "none" {
		return false
	}
	for _, key := range []string{"that", "is", "set", "create", "do", "notify", "post", "freeze"} {
		if n.entry(key) != nil {
			return true
		}
	}
	return false
}

// mapped is a copy of the tree with the base's clauses replaced by the variant's own.
func (n *node) mapped(to map[string]string) *node {
	x := *n
	x.items, x.keys = nil, nil
	for _, i := range n.items {
		if !i.unsaid(to) {
			x.items = append(x.items, i.mapped(to))
		}
	}
	if len(x.items) == 0 && len(n.items) > 0 && n.items[0].entry("is") != nil { // with no case left what they stand for sleeps, and says so
		for _, i := range n.items {
			x.items = append(x.items, i.mapped(to))
		}
	}
	for _, e := range n.keys {
		k := &entry{key: e.key, pos: e.pos, quoted: e.quoted}
		switch {
		case e.key == "clause" && e.value.isText() && to[e.value.text] != "":
			v := *e.value
			v.text = to[e.value.text]
			k.value = &v
		case e.key == "also":
			v := *e.value
			v.kind, v.items = yamlList, nil
			items := e.value.items
			if e.value.isText() {
				items = []*node{e.value}
			}
			for _, i := range items {
				if t := to[i.text]; t != "" && t != "none" {
					w := *i
					w.text = t
					v.items = append(v.items, &w)
				}
			}
			k.value = &v
		default:
			k.value = e.value.mapped(to)
		}
		x.keys = append(x.keys, k)
	}
	return &x
}

// overlay puts the variant's words over the base's: a stated key overrides, a new id adds.
func (c *book) overlay(base, own []*entry) []*entry {
	for _, o := range own {
		found := false
		for _, b := range base {
			if b.key == o.key {
				found = true
				b.value, b.pos = c.laid(b.value, o.value), o.pos
			}
		}
		if !found {
			base = append(base, o)
		}
	}
	return base
}

func (c *book) laid(base, own *node) *node {
	switch {
	case base.kind == yamlMap && own.kind == yamlMap:
		x := *base
		x.pos = own.pos
		x.keys = c.overlay(append([]*entry{}, base.keys...), own.keys)
		return &x
	case base.kind == yamlList && own.kind == yamlMap && len(own.keys) == 1 && own.at("more") != nil:
		x := *base
		x.items = append(append([]*node{}, base.items...), own.at("more").listed()...)
		return &x
	case base.kind == yamlList && own.kind == yamlList && addressed(base) && addressed(own):
		x := *base
		x.items = append([]*node{}, base.items...)
		for _, o := range own.items {
			at := -1
			for i, b := range x.items {
				if b.at("id").text == o.at("id").text {
					at = i
				}
			}
			if at < 0 {
				x.items = append(x.items, o)
			} else {
				x.items[at] = c.laid(x.items[at], o)
			}
		}
		return &x
	}
	return own
}

// addressed tells whether every item of a list has an id, by which a variant can address it.
func addressed(n *node) bool {
	for _, i := range n.items {
		if i.kind != yamlMap || !i.at("id").isText() {
			return false
		}
	}
	return len(n.items) > 0
}

// remove takes "slip.action.x" or "duty.visit" out; what then dangles is reported where it stands.
func (c *book) remove(e *entry) {
	parts := strings.Split(e.key, ".")
	if !knows("top", parts[0]) {
		parts = append([]string{"form"}, parts...)
	}
	kind := parts[0]
	if len(parts) == 2 {
		for i, x := range c.src.elements[kind] {
			if x.key == parts[1] {
				c.src.elements[kind] = append(c.src.elements[kind][:i:i], c.src.elements[kind][i+1:]...)
				return
			}
		}
		c.r.errorf(e.pos, "remove: there is no %s", e.key)
		return
	}
	var at *node
	if x := c.src.find(kind, parts[1]); x != nil {
		at = x.value
	}
	for i := 2; at != nil && i < len(parts)-1; i++ {
		at = at.below(parts[i])
	}
	if at != nil {
		last := parts[len(parts)-1]
		for i, x := range at.keys {
			if x.key == last {
				at.keys = append(at.keys[:i:i], at.keys[i+1:]...)
				return
			}
		}
		for i, x := range at.items {
			if x.named() == last {
				at.items = append(at.items[:i:i], at.items[i+1:]...)
				return
			}
		}
	}
	c.r.errorf(e.pos, "remove: there is no %s", e.key)
}

// below is the value of a key, or the item of a list that is called so.
func (n *node) below(name string) *node {
	for _, x := range n.items {
		if x.named() == name {
			return x
		}
	}
	return n.at(name)
}

// named is what an item of a list is called: its id, the field it is about, or the name that it is; "" if nothing.
func (n *node) named() string {
	for _, x := range []*node{n.at("id"), n.at("field"), n} {
		if x.isText() {
			return x.text
		}
	}
	return ""
}
