package rulebook

import (
	"regexp"
	"strings"
)

var numberToken = regexp.MustCompile(`\{([a-z_]+)(?::(\d+))?\}`)

// number reads a form's series.
func (c *book) number(f *Form, n *node, path string) *Number {
	if n == nil {
		return nil
	}
	if n.isText() { // a bare pattern
		n = &node{kind: yamlMap, pos: n.pos, keys: []*entry{{key: "pattern", pos: n.pos, value: n}}}
	}
	b := c.open(n, "number", path)
	if b == nil {
		return nil
	}
	s := &Number{}
	c.node(&s.Node, b)
	if pn := b.must("pattern"); pn != nil {
		s.Pattern = c.pattern(f, pn)
	}
	if u := b.get("upon"); u != nil {
		s.Upon = &UponRef{}
		if x := c.wrapped(u, &s.Upon.Node, path+".upon"); x != nil && c.actionNamed(f, x) != nil {
			s.Upon.Action = x.text
		}
	}
	if u := b.get("anew"); u != nil {
		s.Anew = &UponRef{}
		if x := c.wrapped(u, &s.Anew.Node, path+".anew"); x != nil && c.actionNamed(f, x) != nil {
			s.Anew.Action = x.text
		}
	}
	if u := b.get("per"); u != nil {
		s.Per = &PerRef{Period: "never"}
		x := c.wrapped(u, &s.Per.Node, path+".per")
		items := []*node{x}
		if x != nil && x.kind == yamlList {
			items = x.items
		}
		for _, k := range items {
			if k.isText() && contains([]string{"day", "month", "quarter", "year", "never"}, k.text) {
				s.Per.Period = k.text
				continue
			}
			if e := c.cel(k, &s.Per.Node, c.formPlace(f), anyType); e != nil {
				s.Per.Exprs = append(s.Per.Exprs, e)
			}
		}
	}
	if u := b.get("void"); u != nil {
		s.Void = &VoidRef{}
		for _, x := range c.nameList(c.wrapped(u, &s.Void.Node, path+".void"), "void") {
			if c.actionNamed(f, x) != nil {
				s.Void.Actions = append(s.Void.Actions, x.text)
			}
		}
	}
	return s
}

// pattern takes "{yy}{mm}{n:2}" apart. Without {n} two records would bear one number.
func (c *book) pattern(f *Form, n *node) []NumberPart {
	var parts []NumberPart
	rest, at, counted := n.text, 0, false
	for _, m := range numberToken.FindAllStringSubmatchIndex(n.text, -1) {
		if m[0] > at {
			parts = append(parts, NumberPart{Text: n.text[at:m[0]]})
		}
		at = m[1]
		p := NumberPart{Token: n.text[m[2]:m[3]]}
		if m[4] >= 0 {
			v, _ := plainInt(n.text[m[4]:m[5]])
			p.Width = int(v)
		}
		known := []string{"yy", "yyyy", "mm", "dd", "n"}
		switch {
		case p.Token == "n":
			counted = true
		case contains(known, p.Token), f.field[p.Token] != nil, p.Token == "unit":
		default:
			c.r.hintf(n.pos, meant(p.Token, append(known, sortedKeys(f.field)...)), "{%s} is neither a part of a number ({yy} {yyyy} {mm} {dd} {n:2}) nor a field of %s", p.Token, f.ID)
		}
		parts = append(parts, p)
	}
	if at < len(rest) {
		tail := rest[at:]
		if strings.ContainsAny(tail, "{}") {
			c.r.errorf(n.pos, "the pattern %q has a brace that belongs to no part", n.text)
		}
		parts = append(parts, NumberPart{Text: tail})
	}
	if !counted {
		c.r.errorf(n.pos, "the pattern of %s has no {n}: two records would bear one number", f.ID)
	}
	return parts
}

// copies reads the parts of a form that are served to others.
func (c *book) copies(f *Form, n *node, path string) []*Copy {
	if n == nil {
		return nil
	}
	if n.kind != yamlList {
		c.r.errorf(n.pos, "copy is a list, not %s", n.what())
		return nil
	}
	p := c.formPlace(f)
	var list []*Copy
	for i, x := range n.items {
		b := c.open(x, "copy", path+".copy."+itoa(i+1))
		if b == nil {
			continue
		}
		k := &Copy{Mark: b.text("mark")}
		c.node(&k.Node, b)
		k.To = c.who(b.must("to"), b.path+".to", p)
		if a := c.actionNamed(f, b.must("upon")); a != nil {
			k.Upon = a.ID
		}
		for _, w := range b.names("with") {
			if c.fieldNamed(f, w, true) {
				k.With = append(k.With, w.text)
			}
		}
		if o := b.get("open"); o != nil {
			if a := c.actionNamed(f, o); a != nil {
				k.Open = a.ID
			}
		}
		if within := c.value(b.get("within"), b.path+".within", p, spanType); within != nil {
			if k.Open == "" {
				c.r.errorf(b.get("within").pos, "within: needs open: an action that is to be done in this time")
				continue
			}
			c.copyClock(f, k, within)
		}
		list = append(list, k)
	}
	return list
}
