package rulebook

import "zhanggui/internal/expr"

func (c *book) declareChecklists() {
	for _, e := range c.src.elements["checklist"] {
		b := c.open(e.value, "checklist", c.Short+".checklist."+e.key)
		if b == nil {
			continue
		}
		k := &Checklist{ID: e.key}
		c.node(&k.Node, b)
		k.Pos = e.pos
		k.Scale = b.oneOf("scale", "pass_fail", "pass_fail", "1-5")
		if k.Label.ZH == "" {
			k.Label = Label{k.ID, k.ID}
		}
		k.Form = c.sheet(e, k.Label)
		k.Form.Checklist = k
		k.Form.Node.Clause = "" // the checklist owns it
		if n := b.get("of"); n != nil && n.isText() {
			k.Of = c.forms[n.text]
			if k.Of == "" {
				c.formNamed(n)
			} else {
				c.generated(k.Form, "of", FieldType{Name: "ref", Form: k.Of, Expr: expr.ObjectOf(k.Of)}, "检查对象", "Inspected")
			}
		}
		who := FieldType{Name: "person", Form: "base.person", Expr: person}
		c.generated(k.Form, "inspector", who, "检查人", "Inspector")
		c.generated(k.Form, "person", who, "被查人", "Person")
		for _, x := range b.entries("item") {
			c.declareItem(k, x, k.Path+".item."+x.key)
		}
		c.Checklists = append(c.Checklists, k)
		c.state(k.Form, "open", "待查", "Open", false)
		c.state(k.Form, "inspected", "已查", "Inspected", true)
		a := c.act(k.Form, "inspect", "提交检查", "File the inspection", "open", "inspected")
		for _, it := range k.Item {
			c.demand(a, it.ID, false).Clause = it.Clause // asleep: not asked
			c.demand(a, it.ID+"_note", it.Evidence == "").Clause = it.Clause
		}
		c.demand(a, "person", true)
		if k.Form.field["of"] != nil {
			c.demand(k.Form.action["create"], "of", false)
		}
		if b.get("every") != nil || b.get("sample") != nil {
			k.Duty = &Duty{ID: k.ID}
			c.implied(&k.Duty.Node, b.n, k.Path)
			k.Duty.Clause, k.Duty.Label = k.Clause, k.Label
			c.Duties = append(c.Duties, k.Duty)
		}
		c.todo = append(c.todo, func() { c.compileChecklist(k, b) })
	}
}

// sheet is a form that another element generates.
func (c *book) sheet(e *entry, l Label) *Form {
	f := c.newForm(e)
	c.implied(&f.Node, e.value, c.Short+".form."+e.key)
	f.Pos, f.Label = e.pos, l
	for _, id := range implicitActions {
		a := &Action{ID: id, Form: f, Implicit: true}
		c.implied(&a.Node, e.value, f.Path+".action."+id)
		a.Label = implicitLabel[id]
		f.Actions = append(f.Actions, a)
		f.action[id] = a
	}
	return f
}

func (c *book) generated(f *Form, id string, t FieldType, zh, en string) *Field {
	fd := &Field{ID: id, Form: f, Type: t, Column: id}
	c.implied(&fd.Node, &node{pos: f.Pos}, f.Path+".field."+id)
	fd.Label = Label{zh, en}
	f.Fields = append(f.Fields, fd)
	f.field[id] = fd
	return fd
}

func (c *book) state(f *Form, id, zh, en string, final bool) {
	s := &State{ID: id, Final: final, Path: true}
	c.implied(&s.Node, &node{pos: f.Pos}, f.Path+".state."+id)
	s.Label = Label{zh, en}
	f.States = append(f.States, s)
	f.state[id] = s
}

func (c *book) act(f *Form, id, zh, en, from, to string) *Action {
	a := &Action{ID: id, Form: f}
	c.implied(&a.Node, &node{pos: f.Pos}, f.Path+".action."+id)
	a.Label = Label{zh, en}
	a.From, a.To = &Place{States: []string{from}}, &Place{States: []string{to}}
	c.implied(&a.From.Node, &node{pos: f.Pos}, a.Path+".from")
	c.implied(&a.To.Node, &node{pos: f.Pos}, a.Path+".to")
	f.Actions = append(f.Actions, a)
	f.action[id] = a
	return a
}

func (c *book) demand(a *Action, field string, optional bool) *Fill {
	x := &Fill{Field: field, Optional: optional}
	c.implied(&x.Node, &node{pos: a.Pos}, a.Path+".fill."+field)
	a.Fill = append(a.Fill, x)
	return x
}

func (c *book) declareItem(k *Checklist, e *entry, path string) {
	c.id(e, "item")
	b := c.open(e.value, "item", path)
	if b == nil {
		return
	}
	it := &Item{ID: e.key}
	c.node(&it.Node, b)
	it.Pos = e.pos
	it.Text = c.label(b.must("text"), "text")
	it.Evidence = b.text("evidence")
	if k.Form.field[e.key] != nil {
		c.r.errorf(e.pos, "checklist %s: the sheet has a %s already; give the item another id", k.ID, e.key)
		return
	}
	k.Item = append(k.Item, it)
	t := FieldType{Name: "int", Expr: intType}
	if k.Scale == "pass_fail" {
		t = FieldType{Name: "choice", Expr: expr.ChoiceOf("pass", "fail", "na")}
		for _, o := range []struct{ id, zh, en string }{{"pass", "合格", "Pass"}, {"fail", "不合格", "Fail"}, {"na", "不适用", "Not applicable"}} {
			opt := &Option{ID: o.id}
			c.implied(&opt.Node, e.value, path+"."+o.id)
			opt.Label = Label{o.zh, o.en}
			t.Options = append(t.Options, opt)
		}
	}
	fd := c.generated(k.Form, e.key, t, it.Text.ZH, it.Text.EN)
	fd.Clause = it.Clause // asleep with its item: not asked
	if k.Scale == "1-5" {
		fd.Min, fd.Max = int64(1), int64(5)
	}
	c.generated(k.Form, e.key+"_note", FieldType{Name: "note", Expr: textType}, it.Text.ZH+"：说明", it.Text.EN+": note")
}

func (c *book) compileChecklist(k *Checklist, b *body) {
	f := k.Form
	sheet := c.formPlace(f)
	of := c.l.lib.Forms[k.Of]
	p := c.dutyPlace(of)
	k.Where = c.value(b.get("where"), k.Path+".where", p, boolType)
	c.queried(k.Where, b.get("where"), "this", "checklist "+k.ID+": where")
	k.By = c.who(b.get("by"), k.Path+".by", sheet)
	f.action["inspect"].By = k.By
	k.Who = c.cel(b.get("who"), &k.Node, p, anyType)
	if k.Who != nil && !isWho(k.Who.Type()) {
		c.r.errorf(b.get("who").pos, "who is judged? %q is no person", k.Who.Text())
	}
	k.Every = c.every(b.get("every"), k.Path+".every", p)
	k.Sample = c.sample(b.get("sample"), k.Path+".sample", p)
	k.Below = c.value(b.get("below"), k.Path+".below", sheet, intType)
	k.Recheck = c.value(b.get("recheck"), k.Path+".recheck", sheet, spanType)
	for i, x := range b.entries("item") {
		if i < len(k.Item) {
			if n := x.value.at("do"); n != nil {
				k.Item[i].Do = c.effects(n, k.Item[i].Path+".do", sheet)
			}
		}
	}
	if k.Duty != nil {
		d := k.Duty
		d.Of, d.Where, d.Sample = k.Of, k.Where, k.Sample
		if d.Every = k.Every; d.Every == nil {
			d.Every = c.every(&node{kind: yamlScalar, pos: k.Pos, text: "1mo"}, k.Path+".every", p)
		}
		d.Met = &Met{Create: f.Key, To: "inspect"}
		c.implied(&d.Met.Node, b.n, k.Path+".met")
		if k.By != nil {
			d.Holder = &HolderRef{Who: k.By}
			c.implied(&d.Holder.Node, b.n, k.Path+".by")
		}
	}
	if len(k.Item) == 0 {
		c.r.errorf(k.Pos, "checklist %s has no item", k.ID)
	}
}
