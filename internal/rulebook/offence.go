package rulebook

import (
	"strings"
	"unicode"

	"zhanggui/internal/expr"
)

func (c *book) declareOffences() {
	for _, e := range c.src.elements["offence"] {
		b := c.open(e.value, "offence", c.Short+".offence."+e.key)
		if b == nil {
			continue
		}
		o := &Offence{ID: e.key}
		c.node(&o.Node, b)
		o.Pos = e.pos
		if o.Label.ZH == "" {
			o.Label = Label{o.ID, o.ID}
		}
		c.Offences = append(c.Offences, o)
		c.last = append(c.last, func() { c.compileOffence(o, b) })
	}
}

func (c *book) compileOffence(o *Offence, b *body) {
	var of *Form
	mixed := false
	for _, n := range b.names("upon") {
		u, f := c.upon(n)
		if u == nil {
			continue
		}
		c.implied(&u.Node, n, o.Path+".upon")
		if len(o.Upon) > 0 && f != of {
			mixed = true
		}
		of = f
		o.Upon = append(o.Upon, u)
	}
	if b.must("upon") == nil {
		return
	}
	p := c.common()
	if of != nil && !mixed {
		p = c.formPlace(of)
	} else {
		p.vars["this"] = anyType
		for _, m := range []string{"done", "late", "overrun", "due", "stay"} {
			p.vars[m] = anyType
		}
	}
	p.vars["fact"], p.vars["missing"] = expr.ObjectOf("fact"), intType
	p.vars["nth"], p.vars["total"] = intType, intType
	p.vars["holder"] = whoType
	o.Each, o.List, p = c.each(b.get("each"), &o.Node, p)
	o.When = c.value(b.get("when"), o.Path+".when", p, boolType)
	o.Who = c.valueBy(b.get("who"), o.Path+".who", p, func(n *node, owner *Node, p place) *expr.Expr {
		e := c.cel(n, owner, p, anyType)
		if e != nil && !isWho(e.Type()) && !(e.Type().Kind == expr.KObject && e.Type().Object == "base.unit") {
			c.r.errorf(n.pos, "who is sanctioned? %q is no person, role or unit", e.Text())
		}
		return e
	})
	p = p.with("who", person)
	c.fine(o, b, p)
	o.Measure = c.measure(b.get("measure"), o.Path+".measure", p)
	c.countOf(o, b, p)
	for i, n := range b.list("ladder") {
		x := c.open(n, "rung", o.Path+".ladder."+itoa(i+1))
		if x == nil {
			continue
		}
		r := &Rung{Nth: x.int("nth"), Over: x.int("over"), Add: x.flag("add")}
		c.node(&r.Node, x)
		if (r.Nth == 0) == (r.Over == 0) {
			c.r.errorf(n.pos, "a rung wants nth: or over:, one of them")
		}
		r.Fine = c.value(x.get("fine"), x.path+".fine", p, monType)
		r.Measure = c.measure(x.get("measure"), x.path+".measure", p)
		r.Do = c.effects(x.get("do"), x.path+".do", p)
		o.Ladder = append(o.Ladder, r)
	}
	o.Once = c.cels(b.get("once"), &o.Node, p)
	for i, n := range b.list("link") {
		x := c.open(n, "link", o.Path+".link."+itoa(i+1))
		if x == nil {
			continue
		}
		k := &Link{Times: x.int("times")}
		c.node(&k.Node, x)
		k.Who = c.cel(x.must("who"), &k.Node, p, anyType)
		k.Fine = c.value(x.get("fine"), x.path+".fine", p, monType)
		o.Link = append(o.Link, k)
	}
	o.Confirm = c.holder(b.get("confirm"), o.Path+".confirm", p)
	o.Except = c.excepts(b.list("except"), o.Path+".except", p)
	o.Do = c.effects(b.get("do"), o.Path+".do", p.with("sanction", expr.ObjectOf("base.sanction")))
	if n := b.get("appeal"); n != nil {
		if x := c.open(n, "appeal", o.Path+".appeal"); x != nil {
			o.Appeal = &Appeal{}
			c.node(&o.Appeal.Node, x)
			o.Appeal.Within = c.value(x.get("within"), x.path+".within", p, spanType)
			o.Appeal.To = c.who(x.get("to"), x.path+".to", p)
		}
	}
	if n := b.get("pay"); n != nil {
		if x := c.open(n, "pay", o.Path+".pay"); x != nil {
			o.Pay = &Pay{Ledger: x.text("ledger"), Via: x.text("via")}
			c.node(&o.Pay.Node, x)
			if o.Pay.Ledger != "" && c.ledger(o.Pay.Ledger) == nil {
				c.r.hintf(x.get("ledger").pos, meant(o.Pay.Ledger, sortedKeys(c.Schema.Ledgers)), "there is no ledger %q", o.Pay.Ledger)
			}
			o.Pay.Cap = c.cel(x.get("cap"), &o.Pay.Node, p.with("sanction", expr.ObjectOf("base.sanction")), monType)
		}
	}
}

// upon reads one fact: form.action, form.deadline.late, form.deadline.step, duty.late, report.late, checklist.fail, *.refused.
func (c *book) upon(n *node) (*Upon, *Form) {
	parts := strings.Split(n.text, ".")
	bad := func(hint, format string, args ...any) (*Upon, *Form) {
		c.r.hintf(n.pos, hint, format, args...)
		return nil, nil
	}
	if len(parts) < 2 || len(parts) > 3 {
		return bad("", "%q is no fact; write form.action, form.deadline.late, duty.late or checklist.fail", n.text)
	}
	if parts[0] == "*" && parts[1] == "refused" {
		return &Upon{Form: "*", Action: "refused"}, nil
	}
	if parts[1] == "late" && len(parts) == 2 {
		if d := c.Book.Duty(parts[0]); d != nil {
			return &Upon{Form: "duty", Of: d.ID, Action: "late"}, c.l.lib.Forms[d.Of]
		}
	}
	for _, k := range c.Checklists {
		if k.ID == parts[0] && parts[1] == "fail" {
			return &Upon{Form: "checklist", Of: k.ID, Action: "fail"}, k.Form
		}
	}
	f := c.l.lib.Forms[c.forms[parts[0]]]
	if f == nil {
		known := sortedKeys(c.forms)
		for _, d := range c.Duties {
			known = append(known, d.ID)
		}
		return bad(meant(parts[0], known), "there is no form, duty, report or checklist %q", parts[0])
	}
	if len(parts) == 2 {
		if f.action[parts[1]] == nil && parts[1] != "refused" {
			return bad(meant(parts[1], sortedKeys(f.action)), "form %s has no action %q", f.ID, parts[1])
		}
		return &Upon{Form: f.Key, Action: parts[1]}, f
	}
	d := f.dead[parts[1]]
	if d == nil {
		return bad(meant(parts[1], sortedKeys(f.dead)), "form %s has no deadline %q", f.ID, parts[1])
	}
	if parts[2] != "late" {
		known := []string{"late"}
		for _, s := range d.Step {
			known = append(known, s.ID)
		}
		if !contains(known, parts[2]) {
			return bad(meant(parts[2], known), "deadline %s of %s has no step %q", d.ID, f.ID, parts[2])
		}
	}
	return &Upon{Form: f.Key, Of: d.ID, Action: parts[2]}, f
}

// fine is money, or a range within which the confirmer sets it.
func (c *book) fine(o *Offence, b *body, p place) {
	limits := b.get("range")
	n := b.get("fine")
	owner := &Node{}
	if n != nil && n.kind == yamlMap {
		inner := n
		if n.at("is") != nil && n.at("is").kind == yamlMap {
			c.wrapped(n, owner, o.Path+".fine")
			inner = n.at("is")
		}
		if inner.at("range") != nil {
			limits, n = inner.at("range"), nil
		}
	}
	o.Fine = c.value(n, o.Path+".fine", p, monType)
	if limits == nil {
		return
	}
	if limits.kind != yamlList || len(limits.items) != 2 {
		c.r.errorf(limits.pos, "range is a list of the least and the greatest fine")
		return
	}
	o.Range = &FineRange{}
	if owner.Clause != "" {
		o.Range.Node = *owner
		nodes := c.clauses[owner.Clause].Nodes
		nodes[len(nodes)-1] = &o.Range.Node
	} else {
		c.implied(&o.Range.Node, limits, o.Path+".range")
	}
	o.Range.Min = c.one(limits.items[0], &o.Range.Node, p, monType)
	o.Range.Max = c.one(limits.items[1], &o.Range.Node, p, monType)
}

// measure is a word of the regulation as it stands (警告 | Warning), or an expression.
func (c *book) measure(n *node, path string, p place) *Value {
	return c.valueBy(n, path, p, func(n *node, owner *Node, p place) *expr.Expr {
		if word, _, _ := strings.Cut(n.text, " | "); n.isText() && bareWord.MatchString(word) && strings.IndexFunc(n.text, func(r rune) bool { return r > unicode.MaxASCII }) >= 0 {
			return expr.Const(c.l.lib.Spoken.take(n.text), textType)
		}
		return c.cel(n, owner, p, anyType)
	})
}

func (c *book) countOf(o *Offence, b *body, p place) {
	n := b.get("count")
	if n == nil {
		return
	}
	x := c.open(n, "count", o.Path+".count")
	if x == nil {
		return
	}
	k := &Count{Per: texts(x.names("per"))}
	c.node(&k.Node, x)
	for _, w := range x.names("per") {
		if words := []string{"person", "clause", "offence", "unit"}; !contains(words, w.text) {
			c.r.hintf(w.pos, meant(w.text, words), "per is person, clause, offence or unit, not %q", w.text)
		}
	}
	if w := x.get("within"); w != nil {
		if w.isText() && contains([]string{"day", "week", "month", "quarter", "year", "ever"}, w.text) {
			k.Window = w.text
		} else {
			k.Within = c.value(w, x.path+".within", p, spanType)
		}
	}
	k.Missing = x.oneOf("of", "1", "1", "missing") == "missing"
	o.Count = k
}
