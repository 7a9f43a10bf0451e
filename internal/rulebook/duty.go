package rulebook

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
)

// Member tells whether each member of a population owes the duty, by a rhythm that may be his own.
func (d *Duty) Member() bool { return d.Of != "" && d.Met != nil && d.Met.Create == "" }

func (c *book) declareDuties() {
	for _, e := range c.src.elements["duty"] {
		b := c.open(e.value, "duty", c.Short+".duty."+e.key)
		if b == nil {
			continue
		}
		d := &Duty{ID: e.key}
		c.node(&d.Node, b)
		d.Pos = e.pos
		c.Duties = append(c.Duties, d)
		c.todo = append(c.todo, func() { c.compileDuty(d, b) })
	}
}

// dutyPlace is where this is the member and period the span that is owed.
func (c *book) dutyPlace(of *Form) place {
	p := c.common()
	if of != nil {
		p = c.formPlace(of)
	} else {
		p.vars["this"] = unitType
	}
	return p.with("period", perType)
}

func (c *book) compileDuty(d *Duty, b *body) {
	var of *Form
	if n := b.get("of"); n != nil {
		if of = c.formNamed(n); of != nil {
			d.Of = of.Key
		}
	}
	if d.Label.ZH == "" {
		d.Label = Label{d.ID, d.ID}
	}
	p := c.dutyPlace(of)
	d.Where = c.value(b.get("where"), d.Path+".where", p, boolType)
	if of == nil && d.Where != nil {
		c.r.errorf(b.get("where").pos, "duty %s: where needs of:, the population it chooses from", d.ID)
	} else if d.Where != nil {
		c.queried(d.Where, b.get("where"), "this", "duty "+d.ID+": where")
	}
	if b.must("every") != nil {
		d.Every = c.every(b.get("every"), d.Path+".every", p)
	}
	if n := b.get("align"); n != nil && !(n.isText() && n.text == "calendar") {
		d.Align = c.instant(n, d.Path+".align", p)
	}
	d.Met = c.met(d, of, b.must("met"), p)
	if d.Align != nil && d.Where != nil && d.Member() {
		for _, k := range d.Where.Cases {
			if k.Is != nil && contains(k.Is.Names(), "period") {
				c.r.errorf(k.Pos, "duty %s: where: cannot read period beside align:, since a member's own date begins his period only once he belongs", d.ID)
			}
		}
	}
	if d.Align != nil && !d.Member() {
		for _, k := range d.Align.Cases {
			if k.Is != nil && contains(k.Is.Names(), "this") {
				c.r.errorf(k.Pos, "duty %s: its periods are the same for all, so align: cannot read this; give each member his own with of: and met: count or to", d.ID)
			}
		}
	}
	if n := b.get("open"); n != nil {
		d.Open = c.offset(n)
	}
	d.DueAt = c.dues(b.get("due"), d.Path+".due", p)
	d.Holder = c.holder(b.get("holder"), d.Path+".holder", p)
	p = p.with("holder", whoType)
	d.Blame = c.blame(b.get("blame"), d.Path+".blame", p)
	d.Warn = c.marks(b.list("warn"), d.Path+".warn")
	p = p.with("missing", intType)
	d.Step = c.steps(b, d.Path, p)
	d.Late = c.effects(b.get("late"), d.Path+".late", p)
	d.Do = c.effects(b.get("do"), d.Path+".do", p)
	d.Sample = c.sample(b.get("sample"), d.Path+".sample", p)
	if d.Sample != nil && d.Align != nil && d.Member() {
		c.r.errorf(b.get("sample").pos, "duty %s: sample: is drawn from all whose period begins together, and with align: each member's begins on a day of his own; leave one out", d.ID)
	}
	d.Full = b.oneOf("entry", "skip", "skip", "full") == "full"
	c.last = append(c.last, func() { c.checkWarn("duty "+d.ID, d.Every, d.Warn) })
}

// every is a rhythm: a length, a list of dates, or an expression that gives one.
func (c *book) every(n *node, path string, p place) *Value {
	return c.valueBy(n, path, p, func(n *node, owner *Node, p place) *expr.Expr {
		if n.isText() {
			if s, err := calendar.ParseSpan(n.text); err == nil {
				if !s.Periodic() {
					c.r.errorf(n.pos, "nothing recurs every %s", n.text)
				}
				return expr.Const(s, spanType)
			}
		}
		e := c.cel(n, owner, p, anyType)
		if e != nil {
			if k := e.Type().Kind; k != expr.KSpan && k != expr.KAny && k != expr.KList {
				c.r.errorf(n.pos, "every wants a length like 1mo or a list of dates, and %q is neither", e.Text())
			}
		}
		return e
	})
}

// same finds the references that what counts and the member have in common.
func (m *Met) same(count, of *Form) {
	if m.If == nil || of == nil {
		return
	}
	ref := func(f *Form, id string) bool {
		fd := f.Field(id)
		return fd != nil && fd.Type.Name == "ref" && fd.Value == nil
	}
	for _, x := range m.If.Cases {
		if x.Is == nil {
			continue
		}
		for _, p := range x.Is.Pairs("it", "this") {
			if ref(count, p[0]) && ref(of, p[1]) && !slices.Contains(m.Same, p) {
				m.Same = append(m.Same, p)
			}
		}
	}
}

func (c *book) met(d *Duty, of *Form, n *node, p place) *Met {
	if n == nil {
		return nil
	}
	b := c.open(n, "met", d.Path+".met")
	if b == nil {
		return nil
	}
	m := &Met{}
	c.node(&m.Node, b)
	switch {
	case b.get("count") != nil:
		f := c.formNamed(b.get("count"))
		if f == nil {
			return m
		}
		m.Count = f.Key
		q := p.with("it", expr.ObjectOf(f.Key))
		m.If = c.value(b.get("if"), b.path+".if", q, boolType)
		m.AtLeast = c.value(b.get("at_least"), b.path+".at_least", p, intType)
		m.Distinct = c.cel(b.get("distinct"), &m.Node, q, anyType)
		c.queried(m.If, b.get("if"), "it", "duty "+d.ID+": if")
		m.same(f, of)
	case b.get("create") != nil:
		f := c.formNamed(b.get("create"))
		if f == nil {
			return m
		}
		m.Create = f.Key
		m.With = c.assigns(f, b.get("with"), b.path+".with", p)
		if a := c.actionNamed(f, b.must("to")); a != nil {
			m.To = a.ID
		}
	case b.get("to") != nil:
		if of == nil {
			c.r.errorf(b.get("to").pos, "duty %s: to: names an action of the member, and there is no of:", d.ID)
		} else if a := c.actionNamed(of, b.get("to")); a != nil {
			m.To = a.ID
		}
	default:
		c.r.errorf(n.pos, "met wants count:, to:, or create: with to:")
	}
	return m
}

func (c *book) sample(n *node, path string, p place) *Sample {
	if n == nil {
		return nil
	}
	b := c.open(n, "sample", path)
	if b == nil {
		return nil
	}
	s := &Sample{}
	c.node(&s.Node, b)
	s.Count, s.Pct = c.value(b.get("count"), path+".count", c.common(), intType), c.value(b.get("pct"), path+".pct", c.common(), intType)
	q := p
	for _, w := range []string{"day", "week", "month", "quarter", "year"} {
		q = q.with(w, textType) // per: [this.taker, month]: the current one
	}
	s.Per = c.cels(b.get("per"), &s.Node, q)
	if s.Count == nil && s.Pct == nil {
		c.r.errorf(n.pos, "sample wants count: or pct:")
	}
	return s
}

// dues are the cases of due:, each an offset from the period.
func (c *book) dues(n *node, path string, p place) []*DueCase {
	if n == nil {
		return nil
	}
	var list []*DueCase
	add := func(n *node, path string) {
		d := &DueCase{}
		x := n
		if n.kind == yamlMap {
			b := c.open(n, "case", path)
			c.node(&d.Node, b)
			d.When = c.cel(b.get("when"), &d.Node, p, boolType)
			x = b.must("is")
		} else {
			c.implied(&d.Node, n, path)
		}
		if x == nil {
			return
		}
		if d.Offset = c.offset(x); d.Offset != nil {
			list = append(list, d)
		}
	}
	if n.kind == yamlList {
		for i, x := range n.items {
			add(x, path+"."+itoa(i+1))
		}
		return list
	}
	add(n, path)
	return list
}

var (
	offsetForm = regexp.MustCompile(`^(start|end)(?:\s*([+-])\s*(\w+))?$`)
	dayForm    = regexp.MustCompile(`^day\s+(\d+)(?:\s+(\d{1,2}):(\d{2}))?$`)
	weekForm   = regexp.MustCompile(`^(mon|tue|wed|thu|fri|sat|sun)(?:\s+(\d{1,2}):(\d{2}))?$`)
	weekdays   = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
)

func (c *book) offset(n *node) *Offset {
	if !n.isText() {
		c.r.errorf(n.pos, "a point of the period is wanted: start, end + 5wd, day 10, mon 18:00; not %s", n.what())
		return nil
	}
	o, ok := parseOffset(strings.TrimSpace(n.text))
	if !ok {
		c.r.errorf(n.pos, "%q is no point of a period; write start, end, end - 1d, end + 5wd, day 10, day 5 23:59 or mon 18:00", n.text)
		return nil
	}
	return o
}

func parseOffset(s string) (*Offset, bool) {
	clock := func(h, m string) (*int, bool) {
		if h == "" {
			return nil, true
		}
		a, _ := strconv.Atoi(h)
		b, _ := strconv.Atoi(m)
		v := a*60 + b
		return &v, a <= 24 && b < 60 && v <= 24*60
	}
	if m := offsetForm.FindStringSubmatch(s); m != nil {
		o := &Offset{Base: m[1]}
		if m[2] == "" {
			return o, true
		}
		sp, err := calendar.ParseSpan(m[3])
		if err != nil {
			return nil, false
		}
		if m[2] == "+" {
			o.Plus = &sp
		} else {
			o.Minus = &sp
		}
		return o, true
	}
	if m := dayForm.FindStringSubmatch(s); m != nil {
		day, _ := strconv.Atoi(m[1])
		at, ok := clock(m[2], m[3])
		return &Offset{Base: "day", Day: day, Clock: at}, ok && day >= 1 && day <= 31
	}
	if m := weekForm.FindStringSubmatch(s); m != nil {
		at, ok := clock(m[2], m[3])
		for i, w := range weekdays {
			if w == m[1] {
				return &Offset{Base: "weekday", Weekday: i + 1, Clock: at}, ok
			}
		}
	}
	return nil, false
}
