package rulebook

import (
	"strings"

	"zhanggui/internal/expr"
)

// letter compiles what makes a message one to somebody outside (send:). said are the values that its text inserts.
func (c *book) letter(e *Effect, b *body, p place, said []*expr.Expr) *Letter {
	n := b.get("send")
	if n == nil {
		for _, key := range []string{"subject", "link", "english", "gone"} {
			if x := b.get(key); x != nil {
				c.r.errorf(x.pos, "%s is for a message to somebody outside: say in send: whom", key)
			}
		}
		return nil
	}
	l := &Letter{To: c.cel(n, &e.Node, p, anyType), Step: step(e.Path)}
	if l.To != nil && !c.reachable(l.To.Type()) {
		c.r.errorf(n.pos, "send wants a record or row with one field of type email, or a list of them, and %q is none", l.To.Text())
	}
	for _, key := range []string{"via", "confirm"} {
		if x := b.get(key); x != nil {
			c.r.errorf(x.pos, "%s is for people of the house; this goes to somebody outside", key)
		}
	}
	b.must("text")
	if x := b.must("subject"); x != nil {
		if l.Subject = c.label(x, "subject"); strings.ContainsAny(x.text, "{}\n") {
			c.r.errorf(x.pos, "subject is fixed words on one line: it stands in lists, and what is inserted into the text does not")
		}
	}
	l.English = c.value(b.get("english"), b.path+".english", p, boolType)
	named := func(key string, fits func(*Action) bool, want string) string {
		x := b.get(key)
		if x == nil {
			return ""
		}
		a := c.actionNamed(p.form, x)
		if p.form == nil {
			c.r.errorf(x.pos, "%s names an action of the record, and here is none", key)
		}
		if a == nil {
			return ""
		}
		c.last = append(c.last, func() {
			if !fits(a) {
				c.r.errorf(x.pos, "%s of %s is not done %s", a.ID, a.Form.ID, want)
			}
		})
		return a.ID
	}
	l.Link = named("link", func(a *Action) bool { return a.Link != nil }, "by: link")
	l.Gone = named("gone", func(a *Action) bool {
		for _, it := range whoOf(a) {
			if it.Clock {
				return true
			}
		}
		return false
	}, "by: clock")
	c.last = append(c.last, func() { c.checkLetter(b.get("text"), said) })
	return l
}

func whoOf(a *Action) []*WhoItem {
	if a.By == nil {
		return nil
	}
	return a.By.Items
}

// step is what an effect belongs to: its path without its place in the list.
func step(path string) string {
	i := strings.LastIndexByte(path, '.')
	if i >= 0 && strings.Trim(path[i+1:], "0123456789") == "" {
		return path[:i]
	}
	return path
}

// fieldsAt are the fields of the form or line that an object of expressions is, and its form.
func (c *book) fieldsAt(object string) ([]*Field, *Form) {
	object, _, _ = strings.Cut(object, "#")
	if f := c.l.lib.Forms[object]; f != nil {
		return f.Fields, f
	}
	if i := strings.LastIndexByte(object, '.'); i > 0 {
		if f := c.l.lib.Forms[object[:i]]; f != nil && f.line[object[i+1:]] != nil {
			return f.line[object[i+1:]].Fields, f
		}
	}
	return nil, nil
}

// reachable tells whether what an expression names can have an address.
func (c *book) reachable(t expr.Type) bool {
	if t.Kind == expr.KList && t.Elem != nil {
		t = *t.Elem
	}
	if t.Kind != expr.KObject {
		return false
	}
	fields, _ := c.fieldsAt(t.Object)
	n := 0
	for _, f := range fields {
		if f.Type.Name == "email" {
			n++
		}
	}
	return n == 1
}

// checkLetter: whom it goes to must not learn what a class keeps to some, nor what is marked as the house's own, by whatever way it is
// worked out.
func (c *book) checkLetter(n *node, said []*expr.Expr) {
	told := map[string]bool{}
	no := func(key, why string) {
		if !told[key+why] {
			told[key+why] = true
			c.r.errorf(n.pos, "%s %s", key, why)
		}
	}
	seen := map[*expr.Expr]bool{}
	var read func(x *expr.Expr)
	read = func(x *expr.Expr) {
		if x == nil || seen[x] {
			return
		}
		seen[x] = true
		for _, p := range x.Reads() {
			fields, form := c.fieldsAt(p.Object)
			if form == nil {
				continue
			}
			if k := form.Class; k != nil && k.Class != nil && !k.Class.Outward {
				no(form.ID, "is a secret form (class "+k.Class.ID+"): a message to somebody outside holds nothing of it, unless the class says outward: true")
			}
			for _, f := range fields {
				if f.ID != p.Field {
					continue
				}
				switch k := f.Class; {
				case f.Inside:
					no(form.ID+"."+f.ID, "is never told to anybody outside (outward: false)")
				case f.Type.Name == "secret", k != nil && k.Class != nil && !k.Class.Outward:
					no(form.ID+"."+f.ID, "is classified: a message to somebody outside may hold it only where its class says outward: true")
				}
				if f.Value != nil {
					for _, k := range f.Value.Cases {
						read(k.When)
						read(k.Is)
					}
				}
			}
		}
	}
	for _, x := range said {
		if x == nil {
			continue
		}
		if t := x.Type(); t.Kind == expr.KObject || t.Kind == expr.KList || t.Kind == expr.KAny || t.Kind == expr.KWho {
			no("{"+x.Text()+"}", "is a record or a list: name the field that is to be told")
		}
		read(x)
	}
}
