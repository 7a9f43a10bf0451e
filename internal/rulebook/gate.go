package rulebook

import (
	"regexp"
	"strings"

	"zhanggui/internal/expr"
)

func (c *book) declareGates() {
	for _, e := range c.src.elements["gate"] {
		b := c.open(e.value, "gate", c.Short+".gate."+e.key)
		if b == nil {
			continue
		}
		g := &Gate{ID: e.key, PerForm: map[string]*GateOn{}}
		c.node(&g.Node, b)
		g.Pos = e.pos
		if g.Label.ZH == "" {
			g.Label = Label{g.ID, g.ID}
		}
		c.Gates = append(c.Gates, g)
		c.todo = append(c.todo, func() { c.compileGate(g, b) })
	}
}

func (c *book) compileGate(g *Gate, b *body) {
	via := map[string]string{} // form key → how it refers to what is touched
	switch {
	case b.get("acts") != nil && b.get("touching") != nil:
		c.r.errorf(b.get("touching").pos, "gate %s: acts or touching, not both", g.ID)
	case b.get("acts") != nil:
		for _, n := range b.names("acts") {
			list := c.actsMatching(n.text, true)
			if len(list) == 0 {
				c.r.hintf(n.pos, c.actHint(n.text), "gate %s: but %q matches no action", g.ID, n.text)
			}
			g.Acts = append(g.Acts, list...)
		}
	case b.get("touching") != nil:
		if f := c.formNamed(b.get("touching")); f != nil {
			g.Touching = f.Key
			via = c.touching(f)
			but := map[string]bool{}
			for _, n := range b.names("but") {
				g.But = append(g.But, n.text)
				list := c.actsMatching(n.text, false)
				if id, whole := strings.CutSuffix(n.text, ".*"); len(list) == 0 && whole && bookName.MatchString(id) {
					list = c.actsOfBook(id) // none where the company does not have that rulebook
				} else if len(list) == 0 {
					c.r.hintf(n.pos, c.actHint(n.text), "gate %s: but %q matches no action", g.ID, n.text)
				}
				for _, a := range list {
					but[a] = true
				}
			}
			for _, key := range sortedKeys(via) {
				for _, a := range c.l.lib.Forms[key].Actions {
					if id := key + "." + a.ID; !but[id] {
						g.Acts = append(g.Acts, id)
					}
				}
			}
		}
	default:
		c.r.errorf(g.Pos, "gate %s: which acts? give acts: or touching:", g.ID)
	}
	if b.get("that") == nil {
		c.r.errorf(g.Pos, "gate %s lacks that:", g.ID)
		return
	}
	done := map[string]bool{}
	for _, act := range g.Acts {
		key := act[:strings.LastIndex(act, ".")]
		if done[key] {
			continue
		}
		done[key] = true
		g.PerForm[key] = c.gateOn(g, b, c.l.lib.Forms[key], via[key])
		if g.That == nil {
			g.That, g.Unless = g.PerForm[key].That, g.PerForm[key].Unless
		}
	}
	p := c.common()
	if len(g.Acts) > 0 {
		p = c.formPlace(c.l.lib.Forms[g.Acts[0][:strings.LastIndex(g.Acts[0], ".")]])
	}
	g.Say = c.label(b.get("say"), "say")
	g.Waive = c.waive(b.get("waive"), g.Path+".waive", p)
}

// gateOn compiles a gate for one form. A `touching` gate binds by the way that form refers to what is touched.
func (c *book) gateOn(g *Gate, b *body, f *Form, via string) *GateOn {
	on := &GateOn{}
	p := c.formPlace(f)
	if n := b.get("bind"); n != nil {
		bind := n
		if via != "" {
			name, _, _ := strings.Cut(n.text, ":")
			if n.kind == yamlMap && len(n.keys) == 1 {
				name = n.keys[0].key
			}
			bind = &node{kind: yamlScalar, pos: n.pos, text: strings.TrimSpace(name) + ": this." + via}
		}
		var name string
		var at *node
		if bind.isText() {
			before, after, ok := strings.Cut(bind.text, ":")
			if !ok {
				c.r.errorf(n.pos, "bind wants a short name and a path: \"c: this.customer\"")
				return on
			}
			name = strings.TrimSpace(before)
			at = &node{kind: yamlScalar, pos: bind.pos, style: bind.style, text: strings.TrimSpace(after)}
			at.pos.Col += len([]rune(before)) + 2
		} else if bind.kind == yamlMap && len(bind.keys) == 1 {
			name, at = bind.keys[0].key, bind.keys[0].value
		}
		g.Bind = name
		if on.Bind = c.cel(at, &g.Node, p, anyType); on.Bind != nil {
			p = p.with(name, on.Bind.Type())
		} else {
			p = p.with(name, anyType)
		}
		if g.BindTo == nil {
			g.BindTo = on.Bind
		}
	}
	on.That = c.value(b.get("that"), g.Path+".that", p, boolType)
	// Compiled once a form, an exception is still one node of its clause.
	own := c.clauseMark()
	on.Unless = c.checksOf(b.list("unless"), g.Path+".unless", p)
	if g.That != nil {
		c.forget(own)
	}
	return on
}

// clauseMark remembers how many nodes each clause owns, so that what is compiled again can be forgotten.
func (c *book) clauseMark() map[string]int {
	m := map[string]int{}
	for id, cl := range c.clauses {
		m[id] = len(cl.Nodes)
	}
	return m
}

func (c *book) forget(mark map[string]int) {
	for id, cl := range c.clauses {
		if n := mark[id]; n < len(cl.Nodes) {
			cl.Nodes = cl.Nodes[:n]
		}
	}
}

// actsMatching expands form.action, form.* and *.action over all forms of the library that the book knows, or,
// for *, over all there are.
func (c *book) actsMatching(pattern string, report bool) []string {
	form, action, ok := strings.Cut(pattern, ".")
	if !ok {
		return nil
	}
	var forms []*Form
	if form == "*" {
		for _, b := range c.l.lib.Books {
			for _, f := range b.Forms {
				if f.Kept != "engine" {
					forms = append(forms, f)
				}
			}
		}
	} else if f := c.l.lib.Forms[c.forms[form]]; f != nil {
		forms = []*Form{f}
	}
	var list []string
	for _, f := range forms {
		for _, a := range f.Actions {
			if action == "*" || a.ID == action {
				list = append(list, f.Key+"."+a.ID)
			}
		}
	}
	return list
}

// bookName is what the id of a rulebook looks like and that of a form cannot: it begins with the regulation's number.
var bookName = regexp.MustCompile(`^[0-9]+-[a-z0-9-]+$`)

// actsOfBook are all actions of the forms of a rulebook of the library.
func (c *book) actsOfBook(id string) (list []string) {
	for _, b := range c.l.lib.Books {
		if b.ID != id {
			continue
		}
		for _, f := range b.Forms {
			for _, a := range f.Actions {
				list = append(list, f.Key+"."+a.ID)
			}
		}
	}
	return list
}

func (c *book) actHint(pattern string) string {
	form, action, _ := strings.Cut(pattern, ".")
	if f := c.l.lib.Forms[c.forms[form]]; f != nil {
		if h := meant(action, sortedKeys(f.action)); h != "" {
			return strings.Replace(h, "\"", "\""+form+".", 1)
		}
		return ""
	}
	if h := meant(form, sortedKeys(c.forms)); h != "" {
		return strings.TrimSuffix(h, "\"?") + "." + action + "\"?"
	}
	return ""
}

// touching finds every form that refers to f, directly or through one reference, and by which path.
func (c *book) touching(f *Form) map[string]string {
	refs := func(g *Form, to string) string {
		for _, fd := range g.Fields {
			if fd.Type.Expr.Kind == expr.KObject && fd.Type.Form == to {
				return fd.ID
			}
		}
		return ""
	}
	via := map[string]string{}
	for _, b := range c.l.lib.Books {
		for _, g := range b.Forms {
			if g.Kept != "" || g == f {
				continue
			}
			if id := refs(g, f.Key); id != "" {
				via[g.Key] = id
			}
		}
	}
	direct := map[string]string{}
	for k, v := range via {
		direct[k] = v
	}
	for _, b := range c.l.lib.Books {
		for _, g := range b.Forms {
			if g.Kept != "" || g == f || via[g.Key] != "" {
				continue
			}
			for _, fd := range g.Fields {
				if id := direct[fd.Type.Form]; id != "" && fd.Type.Expr.Kind == expr.KObject {
					via[g.Key] = fd.ID + "." + id
					break
				}
			}
		}
	}
	return via
}
