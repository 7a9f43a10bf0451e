package rulebook

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"zhanggui/internal/expr"
)

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
		c.askable(k.Is, n, variable, what)
	}
}

// askable asks it of one expression, once all computed fields are known to be stored or live.
func (c *book) askable(e *expr.Expr, n *node, variable, what string) {
	if e == nil {
		return
	}
	c.last = append(c.last, func() {
		if err := e.InQuery(variable); err != nil {
			c.r.errorf(n.pos, "%s must compile to SQL, but %s", what, unaskable(err))
		}
	})
}

// unaskable says why a condition cannot be put to the database, and the way out.
func unaskable(err error) string {
	const way = "; store the result in a computed field"
	if strings.Contains(err.Error(), "kept encrypted") {
		return err.Error()
	}
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
	l, _ := c.messageOf(n, owner, p, what)
	return l
}

// messageOf is message with the values that it inserts.
func (c *book) messageOf(n *node, owner *Node, p place, what string) (Label, []*expr.Expr) {
	if n == nil {
		return Label{}, nil
	}
	l := c.label(n, what)
	var list []*expr.Expr
	for _, m := range insertPath.FindAllStringSubmatchIndex(n.text, -1) {
		inside := n.text[m[2]:m[3]]
		list = append(list, c.celText(inside, n, len([]rune(n.text[:m[2]])), owner, p, anyType))
	}
	return l, list
}
