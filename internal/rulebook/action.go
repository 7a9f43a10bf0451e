package rulebook

import (
	"strings"

	"zhanggui/internal/expr"
)

// compileAction compiles an action; more = an extension adds to it.
func (c *book) compileAction(a *Action, b *body, more bool) {
	f := a.Form
	p := c.formPlace(f)
	if !more {
		a.From = c.statePlace(f, b.get("from"), a.Path+".from")
		a.To = c.statePlace(f, b.get("to"), a.Path+".to")
		if a.To != nil && (a.To.Any || len(a.To.States) != 1) {
			c.r.errorf(b.get("to").pos, "an action leads to one state")
			a.To = nil
		}
		if a.ID == "create" && a.From != nil {
			c.r.errorf(b.get("from").pos, "create begins a record and comes from no state")
		}
		a.By = c.who(b.get("by"), a.Path+".by", p)
		a.Lock = c.lock(f, b.get("lock"), a.Path+".lock")
		if n := b.get("reason"); n != nil {
			a.Reason = &Demand{}
			a.Reason.N = c.integer(c.wrapped(n, &a.Reason.Node, a.Path+".reason"), "reason")
		}
		a.Auto = c.value(b.get("auto"), a.Path+".auto", p, boolType)
		a.Again, a.Bulk = b.flag("again"), b.flag("bulk")
		switch b.oneOf("fresh", "false", "true", "false", "each") {
		case "true":
			a.Fresh = true
		case "each":
			if a.Each = true; a.Bulk {
				c.r.errorf(b.get("fresh").pos, "what is proved each time is not done on many records at once")
			}
		}
		a.Style = b.oneOf("style", "", "primary", "danger")
		a.Opens = a.Style
	}
	path := b.path
	a.Except = append(a.Except, c.excepts(b.list("except"), path+".except", p)...)
	for i, n := range b.list("fill") {
		x := &Fill{}
		if n.kind == yamlMap {
			k := c.open(n, "fill", path+".fill."+itoa(i+1))
			c.node(&x.Node, k)
			x.Optional = k.flag("optional")
			if by := k.get("by"); by != nil {
				if x.By = c.who(by, path+".fill."+itoa(i+1)+".by", p); a.ID != "import" {
					c.r.errorf(by.pos, "by: of a field is for import: who may bring it in by a sheet")
				}
			}
			if n = k.must("field"); n == nil {
				continue
			}
		} else {
			c.implied(&x.Node, n, path+".fill."+itoa(i+1))
		}
		if !n.isText() || !c.fieldNamed(f, n, false) {
			continue
		}
		x.Field = n.text
		if fd := f.field[x.Field]; fd != nil {
			c.last = append(c.last, func() {
				if fd.Value != nil {
					c.r.errorf(n.pos, "field %s of %s is computed; nobody fills it", fd.ID, f.ID)
				}
			})
		}
		a.Fill = append(a.Fill, x)
	}
	if !more {
		c.linked(a, b)
		c.merges(a, b)
	}
	a.Require = append(a.Require, c.checksOf(b.list("require"), path+".require", p)...)
	a.Do = append(a.Do, c.effects(b.get("do"), path+".do", p)...)
}

// statePlace reads a state, several, or any.
func (c *book) statePlace(f *Form, n *node, path string) *Place {
	if n == nil {
		return nil
	}
	p := &Place{}
	n = c.wrapped(n, &p.Node, path)
	for _, x := range c.nameList(n, "state") {
		switch {
		case x.text == "any":
			p.Any = true
		case f.state[x.text] != nil || x.text == "void":
			p.States = append(p.States, x.text)
		default:
			c.r.hintf(x.pos, meant(x.text, sortedKeys(f.state)), "state %q does not exist on form %s", x.text, f.ID)
		}
	}
	return p
}

func (c *book) lock(f *Form, n *node, path string) *Lock {
	if n == nil {
		return nil
	}
	l := &Lock{}
	n = c.wrapped(n, &l.Node, path)
	for _, x := range c.nameList(n, "lock") {
		if x.text == "all" {
			l.All = true
		} else if c.fieldNamed(f, x, false) {
			l.Fields = append(l.Fields, x.text)
		}
	}
	return l
}

func (c *book) excepts(items []*node, path string, p place) []*Except {
	var list []*Except
	for i, n := range items {
		x := &Except{}
		if n.kind != yamlMap {
			c.implied(&x.Node, n, path+"."+itoa(i+1))
			x.Is = c.cel(n, &x.Node, p, anyType)
		} else if b := c.open(n, "except", path+"."+itoa(i+1)); b != nil {
			c.node(&x.Node, b)
			x.Is = c.cel(b.must("is"), &x.Node, p, anyType)
			x.Say = c.message(b.get("say"), &x.Node, p, "say")
		}
		if x.Is == nil {
			continue
		}
		if t := x.Is.Type(); !isWho(t) {
			c.r.errorf(n.pos, "%q is no person, role or list of persons", x.Is.Text())
		}
		list = append(list, x)
	}
	return list
}

// effects compiles a list of effects.
func (c *book) effects(n *node, path string, p place) []*Effect {
	if n == nil {
		return nil
	}
	items := []*node{n}
	if n.kind == yamlList {
		items = n.items
	}
	var list []*Effect
	for i, x := range items {
		if e := c.effect(x, path+"."+itoa(i+1), p); e != nil {
			list = append(list, e)
		}
	}
	return list
}

var effectKinds = []string{"set", "create", "do", "notify", "post", "freeze", "erase"}

func (c *book) effect(n *node, path string, p place) *Effect {
	b := c.open(n, "effect", path)
	if b == nil {
		return nil
	}
	e := &Effect{}
	c.node(&e.Node, b)
	for _, k := range effectKinds {
		if b.get(k) == nil {
			continue
		}
		if e.Kind != "" {
			c.r.errorf(n.pos, "an effect is one of %s; this names two", strings.Join(effectKinds, ", "))
			return nil
		}
		e.Kind = k
	}
	if e.Kind == "" {
		c.r.errorf(n.pos, "an effect is one of %s", strings.Join(effectKinds, ", "))
		return nil
	}
	e.Each, e.List, p = c.each(b.get("each"), &e.Node, p)
	e.When = c.value(b.get("when"), path+".when", p, boolType)
	target := p.form
	if fr := b.get("for"); fr != nil {
		e.For = c.cel(fr, &e.Node, p, anyType)
		target = nil
		if e.For != nil {
			if target = c.formOfType(e.For.Type()); target == nil && e.For.Type().Kind != expr.KAny {
				c.r.errorf(fr.pos, "for: wants a record or a list of records, and %q is none", e.For.Text())
			}
		}
	}
	switch e.Kind {
	case "set":
		e.Set = c.assigns(target, b.get("set"), path+".set", p)
	case "create":
		if f := c.formNamed(b.get("create")); f != nil {
			e.Form = f.Key
			if f.Kept == "engine" {
				c.r.errorf(b.get("create").pos, "%s is kept by the engine; no rule creates it", f.ID)
			}
			e.Set = c.assigns(f, b.get("with"), path+".with", p)
		}
	case "do":
		do := b.get("do")
		if target != nil {
			if a := c.actionNamed(target, do); a != nil {
				e.Action = a.ID
			}
		} else if do.isText() {
			e.Action = do.text
		}
		e.Set = c.assigns(target, b.get("with"), path+".with", p)
	case "notify":
		e.To = c.who(b.get("notify"), path+".notify", p)
		text, said := c.messageOf(b.get("text"), &e.Node, p, "text")
		e.Text = text
		e.Via = b.text("via")
		e.Confirm = c.value(b.get("confirm"), path+".confirm", p, spanType)
		e.Send = c.letter(e, b, p, said)
	case "post":
		c.post(e, b, p)
	case "freeze":
		e.For = c.cel(b.get("freeze"), &e.Node, p, anyType)
		e.As = b.text("as")
	case "erase":
		e.For = c.cel(b.get("erase"), &e.Node, p, anyType)
	}
	return e
}

// formOfType is the form whose records a type holds.
func (c *book) formOfType(t expr.Type) *Form {
	switch {
	case t.Kind == expr.KObject:
		return c.l.lib.Forms[t.Object]
	case t.Kind == expr.KList && t.Elem != nil:
		return c.formOfType(*t.Elem)
	}
	return nil
}

// assigns compiles field: value pairs. Without a known form the values are compiled without a wish.
func (c *book) assigns(f *Form, n *node, path string, p place) []*Assign {
	if n == nil {
		return nil
	}
	if n.kind != yamlMap {
		c.r.errorf(n.pos, "field: value pairs are wanted, not %s", n.what())
		return nil
	}
	var list []*Assign
	for _, e := range n.keys {
		want := anyType
		if f != nil {
			switch {
			case f.field[e.key] != nil:
				want = f.field[e.key].Type.Expr
				if fd := f.field[e.key]; f != nil {
					pos := e.pos
					c.last = append(c.last, func() {
						if fd.Value != nil {
							c.r.errorf(pos, "field %s of %s is computed; nothing sets it", fd.ID, f.ID)
						}
					})
				}
			case f.line[e.key] != nil:
				want = anyType
			case e.key == "unit":
				want = unitType
			case e.key == "by":
				want = person
			case e.key == "reason":
				want = textType
			default:
				c.r.hintf(e.pos, meant(e.key, append(sortedKeys(f.field), sortedKeys(f.line)...)), "field %q does not exist on form %s", e.key, f.ID)
				continue
			}
		}
		v := c.value(e.value, path+"."+e.key, p, want)
		if e.value.kind == yamlNull {
			v = &Value{Cases: []*Case{{Is: expr.Const(nil, want)}}}
		}
		list = append(list, &Assign{Field: e.key, Value: v, Pos: e.pos})
	}
	return list
}

// post reads {post: ledger.kind, amount: …}.
func (c *book) post(e *Effect, b *body, p place) {
	n := b.get("post")
	if !n.isText() {
		c.r.errorf(n.pos, "post wants ledger.kind")
		return
	}
	ledger, kind, _ := strings.Cut(n.text, ".")
	l := c.ledger(ledger)
	if l == nil {
		c.r.hintf(n.pos, meant(ledger, sortedKeys(c.Schema.Ledgers)), "there is no ledger %q", ledger)
		return
	}
	if _, ok := l.Kind[kind]; !ok {
		c.r.hintf(n.pos, meant(kind, sortedKeys(l.Kind)), "ledger %s has no kind %q", ledger, kind)
		return
	}
	e.Ledger, e.Entry = ledger, kind
	want := anyType
	switch l.Unit {
	case "money":
		want = monType
	case "range":
		want = expr.Of(expr.KRange)
	case "quantity":
		want = expr.DecimalOf(3)
	}
	e.Amount = c.cel(b.must("amount"), &e.Node, p, want)
	if w := b.get("with"); w != nil {
		if w.kind != yamlMap {
			c.r.errorf(w.pos, "dimension: value pairs are wanted, not %s", w.what())
			return
		}
		known := []string{"from", "to", "text", "month"}
		for _, d := range l.Per {
			known = append(known, d.ID)
		}
		for _, x := range w.keys {
			if !contains(known, x.key) {
				c.r.hintf(x.pos, meant(x.key, known), "ledger %s has no dimension %q", ledger, x.key)
				continue
			}
			e.Set = append(e.Set, &Assign{Field: x.key, Pos: x.pos, Value: c.value(x.value, b.path+".with."+x.key, p, anyType)})
		}
	}
}

func (c *book) ledger(id string) *Ledger {
	for _, o := range c.scope() {
		if l := o.Book.Ledger(id); l != nil {
			return l
		}
	}
	return nil
}
