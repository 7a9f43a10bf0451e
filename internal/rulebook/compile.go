package rulebook

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"zhanggui/internal/expr"
)

// place is where an expression stands: what its variables mean there.
type place struct {
	vars expr.Vars
	form *Form // of this; nil if this is no form's record
}

// with is the place with one more variable.
func (p place) with(name string, t expr.Type) place {
	q := place{vars: make(expr.Vars, len(p.vars)+1), form: p.form}
	for k, v := range p.vars {
		q.vars[k] = v
	}
	q.vars[name] = t
	return q
}

var (
	anyType  = expr.Of(expr.KAny)
	boolType = expr.Of(expr.KBool)
	intType  = expr.Of(expr.KInt)
	spanType = expr.Of(expr.KSpan)
	textType = expr.Of(expr.KText)
	monType  = expr.Of(expr.KMoney)
	whoType  = expr.Of(expr.KWho)
	dateType = expr.Of(expr.KDate)
	timeType = expr.Of(expr.KDatetime)
	perType  = expr.Of(expr.KPeriod)
	person   = expr.ObjectOf("base.person")
	unitType = expr.ObjectOf("base.unit")
)

// cel compiles a scalar as CEL. What it reads of parameters is noted on the owner: a blank one puts that to sleep.
func (c *book) cel(n *node, owner *Node, p place, want expr.Type) *expr.Expr {
	if n == nil {
		return nil
	}
	if !n.isText() {
		c.r.errorf(n.pos, "%s wants a condition or value here, not %s", c.short(owner.Path), n.what())
		return nil
	}
	if n.style == folded {
		c.r.errorf(n.pos, "CEL after \">\" or over several lines loses its position; write it on one line in double quotes or after \"|\"")
		return nil
	}
	if n.esc {
		c.r.errorf(n.pos, "CEL in quotes is written without backslashes, and in single quotes without quotes; use double quotes or \"|\"")
		return nil
	}
	return c.celText(n.text, n, 0, owner, p, want)
}

// celText compiles text that begins skip characters into the scalar n.
func (c *book) celText(text string, n *node, skip int, owner *Node, p place, want expr.Type) *expr.Expr {
	full, moved := p.whole(text)
	x, problems := c.env.Compile(full, p.vars, want)
	if x == nil && want.Kind == expr.KList && want.Elem != nil && want.Elem.Kind == expr.KObject {
		// One record where a list is wanted is a list of one.
		if one, _ := c.env.Compile(full, p.vars, anyType); one != nil && one.Type().Kind == expr.KObject && one.Type().Object == want.Elem.Object {
			x, problems = c.env.Compile("["+full+"]", p.vars, want)
		}
	}
	for _, q := range problems {
		at := n.pos
		switch {
		case q.Line > 1:
			at.Line += q.Line - 1
			at.Col += q.Col - 1
		default:
			at.Col += max(moved(q.Col), 1) - 1 + skip
			if n.style == quoted {
				at.Col++
			}
		}
		c.r.hintf(at, q.Hint, "%s", q.Message)
	}
	if x == nil {
		return nil
	}
	for _, id := range x.Params() {
		if !contains(owner.Params, id) {
			owner.Params = append(owner.Params, id)
		}
	}
	return x
}

// ownMembers are the words that mean the record's own: done is this.done.
var ownMembers = regexp.MustCompile(`(^|[^.\w'"])(done|stay|late|overrun|due)\.`)

// whole writes out the record before its bare members, so that one expression means the same in memory and in SQL; moved turns a
// column of the result back into one of the text. Words within quotes stay as they are.
func (p place) whole(text string) (string, func(int) int) {
	if p.form == nil || !ownMembers.MatchString(text) {
		return text, func(col int) int { return col }
	}
	const add = "this."
	var b strings.Builder
	var at []int // columns of the result where add was put in
	last := 0
	for _, m := range ownMembers.FindAllStringSubmatchIndex(text, -1) {
		from, name := m[4], text[m[4]:m[5]]
		if strings.Count(text[:from], "'")%2 == 1 || strings.Count(text[:from], `"`)%2 == 1 || p.vars[name].Object != p.form.Key+"#"+name {
			continue
		}
		holder := "this."
		if p.vars["this"].Object != p.form.Key {
			if _, line := p.vars["parent"]; !line {
				continue
			}
			holder = "parent."
		}
		b.WriteString(text[last:from])
		at = append(at, len([]rune(b.String())))
		b.WriteString(holder)
		last = from
	}
	b.WriteString(text[last:])
	return b.String(), func(col int) int {
		back := 0
		for _, i := range at {
			if col-1 > i {
				back += len(add)
			}
		}
		return col - back
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

var bareWord = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_]*$`)

// one compiles a single value: an option id or literal where the wanted type reads it so, else CEL.
func (c *book) one(n *node, owner *Node, p place, want expr.Type) *expr.Expr {
	if n == nil {
		return nil
	}
	if n.isText() {
		if n.text == "unset" {
			return expr.Const(nil, want)
		}
		switch want.Kind {
		case expr.KChoice:
			if contains(want.Options, n.text) {
				return expr.Const(n.text, want)
			}
			if _, known := p.vars[n.text]; !known && bareWord.MatchString(n.text) && len(want.Options) > 0 && c.env != nil && n.text != "true" {
				c.r.hintf(n.pos, meant(n.text, want.Options), "%q is not an option here", n.text)
				return nil
			}
		case expr.KSpan, expr.KMoney, expr.KDecimal, expr.KInt, expr.KDate, expr.KDatetime, expr.KTime, expr.KBool:
			if v, err := expr.ParseLiteral(n.text, want, zone); err == nil {
				return expr.Const(v, want)
			}
		}
	} else if n.kind == yamlNull {
		return expr.Const(nil, want)
	}
	return c.cel(n, owner, p, want)
}

// zone is where the times of rulebooks are read; a company elsewhere gives instants with their zone.
var zone = func() *time.Location {
	if l, err := time.LoadLocation("Asia/Shanghai"); err == nil {
		return l
	}
	return time.FixedZone("CST", 8*60*60)
}()

// value compiles a value, a value with its own clause, or a list of cases. Nil if the key is absent.
func (c *book) value(n *node, path string, p place, want expr.Type) *Value {
	return c.valueBy(n, path, p, func(n *node, owner *Node, p place) *expr.Expr { return c.one(n, owner, p, want) })
}

// valueBy is value with another way to compile one.
func (c *book) valueBy(n *node, path string, p place, one func(*node, *Node, place) *expr.Expr) *Value {
	if n == nil {
		return nil
	}
	v := &Value{}
	add := func(n *node, path string) {
		k := &Case{}
		if n.kind == yamlMap {
			b := c.open(n, "case", path)
			c.node(&k.Node, b)
			k.When = c.cel(b.get("when"), &k.Node, p, boolType)
			is := n.at("is")
			if is == nil {
				c.r.errorf(n.pos, "a case lacks is:")
				return
			}
			k.Is = one(is, &k.Node, p)
		} else {
			c.implied(&k.Node, n, path)
			k.Is = one(n, &k.Node, p)
		}
		if k.Is != nil {
			v.Cases = append(v.Cases, k)
		}
	}
	// A list is a list of cases if its items are mappings with is:; else it is a list value in CEL's stead.
	if n.kind == yamlList && len(n.items) > 0 && n.items[0].kind == yamlMap {
		for i, x := range n.items {
			if i > 0 && len(v.Cases) > 0 && v.Cases[len(v.Cases)-1].When == nil && v.Cases[len(v.Cases)-1].Clause == "" && len(v.Cases[len(v.Cases)-1].Params) == 0 {
				c.r.errorf(x.pos, "this case is never reached: the one before it has no when: and never sleeps")
			}
			add(x, path+"."+strconv.Itoa(i+1))
		}
		return v
	}
	if n.kind == yamlList {
		parts := make([]string, len(n.items))
		for i, x := range n.items {
			parts[i] = x.text
		}
		n = &node{kind: yamlScalar, pos: n.pos, text: "[" + strings.Join(parts, ", ") + "]"}
	}
	add(n, path)
	return v
}

// instant compiles a value that must be a date or a moment.
func (c *book) instant(n *node, path string, p place) *Value {
	return c.valueBy(n, path, p, func(n *node, owner *Node, p place) *expr.Expr {
		if n.isText() {
			if v, err := expr.ParseLiteral(n.text, dateType, zone); err == nil {
				return expr.Const(v, dateType)
			}
		}
		return c.cel(n, owner, p, timeType)
	})
}

// cels compiles one expression or a list of them.
func (c *book) cels(n *node, owner *Node, p place) []*expr.Expr {
	if n == nil {
		return nil
	}
	items := []*node{n}
	if n.kind == yamlList {
		items = n.items
	}
	var list []*expr.Expr
	for _, x := range items {
		if e := c.cel(x, owner, p, anyType); e != nil {
			list = append(list, e)
		}
	}
	return list
}

// queried asks that a condition can be put to the database.
func (c *book) queried(v *Value, n *node, variable, what string) {
	if v == nil {
		return
	}
	for _, k := range v.Cases {
		if err := k.Is.InQuery(variable); err != nil {
			c.r.errorf(n.pos, "%s must compile to SQL, but %s", what, unaskable(err))
		}
	}
}

// unaskable says why a condition cannot be put to the database, and the way out.
func unaskable(err error) string {
	const way = "; store the result in a computed field"
	return strings.TrimSuffix(err.Error(), way) + way
}

// each takes "x: list" apart, written as a text or as a mapping with one key.
func (c *book) each(n *node, owner *Node, p place) (string, *expr.Expr, place) {
	if n == nil {
		return "", nil, p
	}
	var name string
	var list *expr.Expr
	switch {
	case n.isText():
		before, after, ok := strings.Cut(n.text, ":")
		if !ok {
			c.r.errorf(n.pos, "each wants a short name and a list: \"m: this.measures\"")
			return "", nil, p
		}
		name = strings.TrimSpace(before)
		text := strings.TrimLeft(after, " ")
		list = c.celText(text, n, len([]rune(n.text))-len([]rune(text)), owner, p, anyType)
	case n.kind == yamlMap && len(n.keys) == 1:
		name = n.keys[0].key
		list = c.cel(n.keys[0].value, owner, p, anyType)
	default:
		c.r.errorf(n.pos, "each wants a short name and a list: \"m: this.measures\"")
		return "", nil, p
	}
	if !idForm.MatchString(name) {
		c.r.errorf(n.pos, "%q is no name for the element of each", name)
	}
	elem := anyType
	if list != nil {
		t := list.Type()
		switch {
		case t.Kind == expr.KList && t.Elem != nil:
			elem = *t.Elem
		case t.Kind == expr.KWho:
			elem = person
		case t.Kind != expr.KAny && t.Kind != expr.KList:
			c.r.errorf(n.pos, "each wants a list, and %q is none", list.Text())
		}
	}
	return name, list, p.with(name, elem)
}

var insertPath = regexp.MustCompile(`\{([^{}]*)\}`)

// message reads a text with {paths} and checks each of them. The boundary is the label: no other expression is allowed.
func (c *book) message(n *node, owner *Node, p place, what string) Label {
	if n == nil {
		return Label{}
	}
	l := c.label(n, what)
	for _, m := range insertPath.FindAllStringSubmatchIndex(n.text, -1) {
		inside := n.text[m[2]:m[3]]
		c.celText(inside, n, len([]rune(n.text[:m[2]])), owner, p, anyType)
	}
	return l
}

// who compiles a set of persons: one item or a list of them.
func (c *book) who(n *node, path string, p place) *Who {
	if n == nil {
		return nil
	}
	w := &Who{}
	add := func(n *node, path string) {
		it := &WhoItem{}
		if n.kind == yamlMap && n.at("when") != nil {
			b := c.open(n, "case", path)
			c.node(&it.Node, b)
			it.When = c.cel(b.get("when"), &it.Node, p, boolType)
			n = n.at("is")
		} else {
			n = c.wrapped(n, &it.Node, path)
		}
		if n == nil {
			c.r.errorf(it.Pos, "%s names nobody", c.short(path))
			return
		}
		if n.kind == yamlList { // {is: [a, b], clause: …}: one clause for several
			for i, x := range n.items {
				k := &WhoItem{When: it.When}
				k.Node = it.Node
				k.Path = path + "." + strconv.Itoa(i+1)
				if i > 0 && it.Clause != "" {
					c.clauses[it.Clause].Nodes = append(c.clauses[it.Clause].Nodes, &k.Node)
				}
				if c.whoItem(x, k, p) {
					w.Items = append(w.Items, k)
				}
			}
			return
		}
		if c.whoItem(n, it, p) {
			w.Items = append(w.Items, it)
		}
	}
	if n.kind == yamlList {
		for i, x := range n.items {
			add(x, path+"."+strconv.Itoa(i+1))
		}
		return w
	}
	add(n, path)
	return w
}

var approvalCall = regexp.MustCompile(`^approval\(\s*([a-z][a-z0-9_]*)\s*\)$`)

func (c *book) whoItem(n *node, it *WhoItem, p place) bool {
	if !n.isText() {
		c.r.errorf(n.pos, "%s wants a role, a person or a list of them, not %s", c.short(it.Path), n.what())
		return false
	}
	switch {
	case n.text == "clock":
		it.Clock = true
		return true
	case n.text == "anyone":
		it.Anyone = true
		return true
	case approvalCall.MatchString(n.text):
		it.Approval = approvalCall.FindStringSubmatch(n.text)[1]
		if !c.approvals[it.Approval] {
			c.r.hintf(n.pos, meant(it.Approval, sortedKeys(c.approvals)), "there is no approval %q", it.Approval)
			return false
		}
		return true
	}
	it.Expr = c.cel(n, &it.Node, p, anyType)
	if it.Expr == nil {
		return false
	}
	if t := it.Expr.Type(); !isWho(t) {
		c.r.errorf(n.pos, "%q is no person, role or list of persons", n.text)
		return false
	}
	return true
}

func isWho(t expr.Type) bool {
	switch t.Kind {
	case expr.KWho, expr.KAny:
		return true
	case expr.KObject:
		return t.Object == "base.person"
	case expr.KList:
		return t.Elem == nil || isWho(*t.Elem)
	}
	return false
}
