package rulebook

import (
	"slices"
	"strings"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
)

func (c *book) declareClasses() {
	for _, e := range c.src.elements["class"] {
		b := c.open(e.value, "class", c.Short+".class."+e.key)
		if b == nil {
			continue
		}
		k := &Class{ID: e.key, PerForm: map[string]*expr.Expr{}, Hide: map[string]*expr.Expr{}}
		c.node(&k.Node, b)
		k.Pos = e.pos
		if k.Label.ZH == "" {
			k.Label = Label{k.ID, k.ID}
		}
		k.Mask = b.oneOf("mask", "", "phone", "name", "idno", "all", "last4")
		k.ReadLog, k.Sealed, k.Personal = b.flag("read_log"), b.flag("sealed"), b.flag("personal")
		c.Classes = append(c.Classes, k)
		c.last = append(c.last, func() { c.compileClass(k, b) })
	}
}

// carriers are the forms that carry a class, themselves or on a field.
func (c *book) carriers(k *Class) []*Form {
	var list []*Form
	for _, b := range c.l.lib.Books {
		for _, f := range b.Forms {
			has := f.Class != nil && f.Class.Class == k
			for _, fd := range f.Fields {
				has = has || (fd.Class != nil && fd.Class.Class == k)
			}
			for _, l := range f.Lines {
				for _, fd := range l.Fields {
					has = has || (fd.Class != nil && fd.Class.Class == k)
				}
			}
			if has {
				list = append(list, f)
			}
		}
	}
	return list
}

// OwnerAsked is the field that says whose a form's records are, if a class looks at nothing else of them: it is asked once a unit then.
func (f *Form) OwnerAsked(see *expr.Expr) *Field {
	if f.Owner == nil {
		return nil
	}
	id, _ := strings.CutPrefix(f.Owner.Text(), "this.")
	fd := f.Field(id)
	if fd == nil || fd.Value != nil && !fd.Stored || fd.Type.Expr.Kind != expr.KObject || fd.Type.Expr.Object != "base.unit" {
		return nil
	}
	for _, p := range see.Reads() {
		if p.Object == f.Key && p.Field != fd.ID {
			return nil
		}
	}
	return fd
}

func (c *book) compileClass(k *Class, b *body) {
	p := c.common()
	forms := c.carriers(k)
	hide := b.get("hide")
	for _, f := range forms {
		q := c.formPlace(f)
		k.PerForm[f.Key] = c.cel(b.get("see"), &k.Node, q, boolType)
		if hide != nil {
			k.Hide[f.Key] = c.cel(hide, &k.Node, q, boolType)
		}
		if k.See == nil {
			k.See, p = k.PerForm[f.Key], q
		}
	}
	for _, f := range forms {
		see := k.PerForm[f.Key]
		if f.Class == nil || f.Class.Class != k || see == nil || !slices.Contains(see.Names(), "this") {
			continue
		}
		c.last = append(c.last, func() { // once all computed fields are known to be stored or live
			if err := see.InQuery("this"); err != nil && f.OwnerAsked(see) == nil {
				c.r.errorf(b.get("see").pos, "class %s hides records of form %s, whose lists ask the database who sees which, but %s", k.ID, f.ID, unaskable(err))
			}
		})
	}
	if hide != nil && k.Mask == "" {
		c.r.errorf(hide.pos, "without a mask everything is hidden already; hide says for whom the mask is not shown either")
	}
	if len(forms) == 0 {
		p.vars["this"] = anyType
		k.See = c.cel(b.get("see"), &k.Node, p, boolType)
	}
	if n := b.get("outward"); n != nil {
		d := &Demand{}
		if x := c.wrapped(n, &d.Node, k.Path+".outward"); x != nil && x.isText() {
			k.Outward = x.text == "true"
		}
	}
	if n := b.get("reveal"); n != nil {
		if x := c.open(n, "reveal", k.Path+".reveal"); x != nil {
			r := &Reveal{Purpose: x.flag("purpose"), PerDay: x.int("per_day")}
			c.node(&r.Node, x)
			if n := x.get("one"); n != nil {
				d := &Demand{}
				switch v := c.wrapped(n, &d.Node, x.path+".one"); {
				case v.isText() && v.text == "true":
					r.One = d
				case !v.isText() || v.text != "false":
					c.r.errorf(n.pos, "one is true or false")
				}
			}
			r.By = c.who(x.get("by"), x.path+".by", p)
			for _, n := range x.names("ref") {
				if f := c.formNamed(n); f != nil {
					r.Ref = append(r.Ref, f.Key)
				}
			}
			if t := x.text("for"); t != "" {
				s, err := parseSeconds(t)
				if err != nil {
					c.r.errorf(x.get("for").pos, "for: %v", err)
				}
				r.For = s
			}
			k.Reveal = r
		}
	}
	if n := b.get("print"); n != nil {
		if x := c.open(n, "class_print", k.Path+".print"); x != nil {
			k.Print = &ClassPrint{}
			c.node(&k.Print.Node, x)
			k.Print.Stamp = c.message(x.get("stamp"), &k.Print.Node, p, "stamp")
			k.Print.By = c.who(x.get("by"), x.path+".by", p)
		}
	}
	if n := b.get("export"); n != nil {
		if x := c.open(n, "class_export", k.Path+".export"); x != nil {
			k.Export = &ClassExport{AloneUpTo: x.int("alone_up_to"), PerDay: x.int("per_day"), Encrypted: x.flag("encrypted"), Of: map[string]*expr.Expr{}}
			c.node(&k.Export.Node, x)
			if n := x.get("of"); n != nil {
				for _, f := range forms {
					k.Export.Of[f.Key] = c.cel(n, &k.Export.Node, c.formPlace(f), boolType)
				}
			}
			k.Export.Stamp = c.message(x.get("stamp"), &k.Export.Node, p, "stamp")
			k.Export.By = c.who(x.get("by"), x.path+".by", p)
		}
	}
}

// parseSeconds reads how long a value stays revealed; seconds are spoken of only here, and rounded up to minutes.
func parseSeconds(t string) (calendar.Span, error) {
	if n := len(t); n > 1 && t[n-1] == 's' {
		if v, ok := plainInt(t[:n-1]); ok && v > 0 {
			return calendar.Span{N: (v + 59) / 60, Unit: calendar.UnitMinute}, nil
		}
	}
	return calendar.ParseSpan(t)
}

func (c *book) declareRetentions() {
	for _, e := range c.src.elements["retention"] {
		b := c.open(e.value, "retention", c.Short+".retention."+e.key)
		if b == nil {
			continue
		}
		r := &Retention{ID: e.key}
		c.node(&r.Node, b)
		r.Pos = e.pos
		c.Retentions = append(c.Retentions, r)
		c.last = append(c.last, func() { c.compileRetention(r, b) })
	}
}

func (c *book) compileRetention(r *Retention, b *body) {
	p := c.common()
	p.vars["this"] = anyType
	forms := c.keepers(r)
	for _, f := range forms {
		p = c.formPlace(f)
	}
	r.Keep = c.value(b.must("keep"), r.Path+".keep", p, spanType)
	r.From = c.cel(b.get("from"), &r.Node, p, timeType)
	r.Hold = c.checksOf(b.list("hold"), r.Path+".hold", p)
	if n := b.get("destroy"); n != nil {
		if x := c.open(n, "destroy", r.Path+".destroy"); x != nil {
			d := &Destroy{With: texts(x.names("with")), Witness: x.int("witness")}
			c.node(&d.Node, x)
			d.By = c.who(x.get("by"), x.path+".by", p)
			d.Within = c.value(x.get("within"), x.path+".within", p, spanType)
			r.Destroy = d
			for _, f := range forms {
				c.destroyable(r, f)
			}
		}
	}
	b.oneOf("early", "refuse", "refuse")
}
