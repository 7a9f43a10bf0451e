package rulebook

import (
	"strings"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
)

// Single tells whether a record has one instance of the deadline at a time.
func (d *Deadline) Single() bool { return d.During == nil && d.Each == "" && !d.Renew }

func (c *book) compileDeadline(d *Deadline, b *body) {
	f := d.Form
	p := c.formPlace(f)
	d.Each, d.List, p = c.each(b.get("each"), &d.Node, p)
	if n := b.get("during"); n != nil {
		d.During = c.statePlace(f, n, d.Path+".during")
		p = p.with("stay", expr.ObjectOf("stay"))
		for _, k := range []string{"from", "to"} {
			if x := b.get(k); x != nil {
				c.r.errorf(x.pos, "during replaces %s; give one of them", k)
			}
		}
	} else {
		if n := b.get("from"); n != nil {
			d.From = c.moment(f, n, d.Path+".from", p)
		} else {
			d.From = &Moment{Action: "create"}
			c.implied(&d.From.Node, b.n, d.Path+".from")
		}
		p = p.with("from", timeType)
		d.Renew = b.flag("renew")
		if n := b.get("to"); n != nil {
			d.To = c.moment(f, n, d.Path+".to", p)
		} else if !d.Renew {
			c.r.errorf(d.Pos, "deadline %s of %s lacks to: (or renew: true)", d.ID, f.ID)
		}
	}
	d.Within = c.value(b.get("within"), d.Path+".within", p, spanType)
	d.By = c.instant(b.get("by"), d.Path+".by", p)
	if (d.Within == nil) == (d.By == nil) {
		c.r.errorf(d.Pos, "deadline %s of %s wants within: or by:, one of them", d.ID, f.ID)
	}
	d.When = c.value(b.get("when"), d.Path+".when", p, boolType)
	d.Pause = c.value(b.get("pause"), d.Path+".pause", p, expr.ListOf(perType))
	if n := b.get("ends"); n != nil {
		d.Ends = &Ends{}
		if x := c.wrapped(n, &d.Ends.Node, d.Path+".ends"); x != nil {
			switch {
			case x.isText() && f.action[x.text] != nil:
				d.Ends.Action = x.text
			case x.isText() && f.state[x.text] != nil:
				d.Ends.State = x.text
			case c.unknownName(f, x, p):
			default:
				d.Ends.Expr = c.cel(x, &d.Ends.Node, p, boolType)
			}
		}
	}
	if n := b.get("moved"); n != nil {
		if x := c.open(n, "moved", d.Path+".moved"); x != nil {
			d.Moved = &Moved{}
			c.node(&d.Moved.Node, x)
			if a := c.actionNamed(f, x.must("by")); a != nil {
				d.Moved.By = a.ID
			}
			if n := x.must("field"); n != nil && c.fieldNamed(f, n, false) {
				d.Moved.Field = n.text
			}
			d.Moved.Latest = c.instant(x.get("latest"), d.Path+".moved.latest", p)
		}
	}
	d.Holder = c.holder(b.get("holder"), d.Path+".holder", p)
	p = p.with("holder", whoType)
	d.Blame = c.blame(b.get("blame"), d.Path+".blame", p)
	d.Warn = c.marks(b.list("warn"), d.Path+".warn")
	d.Step = c.steps(b, d.Path, p)
	d.Late = c.effects(b.get("late"), d.Path+".late", p)
	if d.Label.ZH == "" {
		d.Label = Label{d.ID, d.ID}
		if d.To != nil && d.To.Action != "" {
			d.Label = f.action[d.To.Action].Label
		}
	}
	c.last = append(c.last, func() { c.checkDeadline(d, b) })
}

// moment is an action or state of the form by its bare id, else an instant in CEL.
func (c *book) moment(f *Form, n *node, path string, p place) *Moment {
	m := &Moment{}
	if n.kind == yamlList {
		c.implied(&m.Node, n, path)
		m.Expr = c.instant(n, path, p)
		return m
	}
	x := c.wrapped(n, &m.Node, path)
	if x == nil {
		return m
	}
	switch {
	case x.isText() && f.action[x.text] != nil:
		m.Action = x.text
	case x.isText() && f.state[x.text] != nil:
		m.State = x.text
	case c.unknownName(f, x, p):
	default:
		m.Expr = c.instant(x, path, p)
		if m.Expr != nil {
			for _, k := range m.Expr.Cases { // what it reads puts the moment to sleep, not only the value
				m.Params = append(m.Params, k.Params...)
			}
		}
	}
	return m
}

// unknownName reports a bare word that is neither action, state nor variable.
func (c *book) unknownName(f *Form, n *node, p place) bool {
	if !n.isText() || !idForm.MatchString(n.text) || n.text == "true" || n.text == "false" {
		return false
	}
	if _, ok := p.vars[n.text]; ok {
		return false
	}
	c.r.hintf(n.pos, meant(n.text, append(sortedKeys(f.action), sortedKeys(f.state)...)), "form %s has no action or state %q", f.ID, n.text)
	return true
}

func (c *book) holder(n *node, path string, p place) *HolderRef {
	if n == nil {
		return nil
	}
	h := &HolderRef{}
	c.implied(&h.Node, n, path)
	if n.kind == yamlMap && n.at("when") == nil {
		n = c.wrapped(n, &h.Node, path)
	}
	h.Who = c.who(n, path, p)
	return h
}

func (c *book) blame(n *node, path string, p place) *Blame {
	if n == nil {
		return nil
	}
	b := &Blame{}
	x := c.wrapped(n, &b.Node, path)
	switch {
	case x == nil:
	case x.isText() && x.text == "nobody":
		b.Nobody = true
	case x.isText() && x.text == "holder":
		if b.Clause == "" {
			return nil
		}
	default:
		b.Who = c.who(x, path, p)
	}
	return b
}

// marks are points before due: lengths or percentages.
func (c *book) marks(items []*node, path string) []*Mark {
	var list []*Mark
	for i, n := range items {
		m := &Mark{}
		x := c.wrapped(n, &m.Node, path+"."+itoa(i+1))
		if !x.isText() {
			c.r.errorf(n.pos, "warn wants a length like 3d or a percentage like 80%%")
			continue
		}
		if pct, ok := strings.CutSuffix(x.text, "%"); ok {
			v, ok := plainInt(pct)
			if !ok || v < 1 || v > 99 {
				c.r.errorf(x.pos, "a percentage of the way lies between 1%% and 99%%")
				continue
			}
			m.Pct = int(v)
		} else {
			s, err := calendar.ParseSpan(x.text)
			if err != nil {
				c.r.errorf(x.pos, "warn: %v", err)
				continue
			}
			m.Span = s
		}
		list = append(list, m)
	}
	return list
}

func (c *book) steps(b *body, path string, p place) []*Step {
	var list []*Step
	for _, e := range b.entries("step") {
		c.id(e, "step")
		x := c.open(e.value, "step", path+".step."+e.key)
		if x == nil {
			continue
		}
		s := &Step{ID: e.key}
		c.node(&s.Node, x)
		s.At = c.value(x.get("at"), x.path+".at", p, spanType)
		s.Before = c.value(x.get("before"), x.path+".before", p, spanType)
		s.After = c.value(x.get("after"), x.path+".after", p, spanType)
		s.Every = c.value(x.get("every"), x.path+".every", p, spanType)
		n := 0
		for _, v := range []*Value{s.At, s.Before, s.After, s.Every} {
			if v != nil {
				n++
			}
		}
		if n != 1 {
			c.r.errorf(e.pos, "step %s wants one of at, before, after, every", e.key)
		}
		s.Do = c.effects(x.get("do"), x.path+".do", p)
		list = append(list, s)
	}
	return list
}

// checkDeadline looks for limits that nobody can keep.
func (c *book) checkDeadline(d *Deadline, b *body) {
	if d.To != nil && d.To.Action != "" && d.Holder == nil && !(d.Blame != nil && d.Blame.Nobody) {
		a := d.Form.action[d.To.Action]
		clock := a.By != nil && len(a.By.Items) > 0
		if a.By != nil {
			for _, it := range a.By.Items {
				clock = clock && (it.Clock || it.Link)
			}
		}
		if clock {
			c.r.errorf(d.Pos, "deadline %s of %s: nobody can answer for it: \"to: %s\" is done by the clock or by link; give holder:", d.ID, d.Form.ID, a.ID)
		}
	}
	if d.To != nil && d.To.Expr != nil && d.Holder == nil && !(d.Blame != nil && d.Blame.Nobody) {
		c.r.errorf(d.Pos, "deadline %s of %s: nobody can answer for it: to: is a condition, not an action; give holder:", d.ID, d.Form.ID)
	}
	c.checkWarn("deadline "+d.Form.ID+"."+d.ID, d.Within, d.Warn)
}

// checkWarn asks that warnings come after the start, where the length is known.
func (c *book) checkWarn(what string, within *Value, marks []*Mark) {
	if within == nil {
		return
	}
	for _, k := range within.Cases {
		s, ok := c.spanNow(k.Is)
		if !ok {
			continue
		}
		for _, m := range marks {
			a, ok1 := minutes(m.Span)
			w, ok2 := minutes(s)
			if m.Pct == 0 && ok1 && ok2 && m.Span.Working() == s.Working() && a >= w {
				c.r.errorf(m.Pos, "%s: within is %s but warn is %s before due", what, s, m.Span)
			}
		}
	}
}

// spanNow is the length an expression gives if it is a literal or a parameter with a shipped value.
func (c *book) spanNow(e *expr.Expr) (calendar.Span, bool) {
	v := c.constant(e)
	s, ok := v.(calendar.Span)
	return s, ok
}

// constant is the value of a literal, or of a bare param.x with a shipped value; nil otherwise.
func (c *book) constant(e *expr.Expr) expr.Value {
	if e == nil {
		return nil
	}
	if id, ok := strings.CutPrefix(e.Text(), "param."); ok && idForm.MatchString(id) {
		for _, o := range c.scope() {
			if p := o.Book.Parameter(id); p != nil {
				return p.Default
			}
		}
		return nil
	}
	if len(e.Names()) > 0 {
		return nil
	}
	v, err := e.Eval(&expr.Scope{})
	if err != nil {
		return nil
	}
	return v
}

func minutes(s calendar.Span) (int64, bool) {
	switch s.Unit {
	case calendar.UnitMinute, calendar.UnitWorkingMinute:
		return s.N, true
	case calendar.UnitHour, calendar.UnitWorkingHour:
		return s.N * 60, true
	case calendar.UnitDay:
		return s.N * 24 * 60, true
	case calendar.UnitWorkday:
		return s.N * 8 * 60, true
	case calendar.UnitWeek:
		return s.N * 7 * 24 * 60, true
	case calendar.UnitMonth:
		return s.N * 30 * 24 * 60, true
	case calendar.UnitYear:
		return s.N * 365 * 24 * 60, true
	}
	return 0, false
}
