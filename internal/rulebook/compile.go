package rulebook

import (
	"regexp"
	"slices"
	"strings"

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
		if owner.Added && p.form != nil {
			for _, o := range append([]*Book{p.form.Book}, p.form.Book.AddedBy...) {
				if o != c.Book && o.Parameter(id) != nil {
					c.r.errorf(n.pos, "parameter %s: %s, which this adds to the same forms as, has one of that name; take another", id, o.ID)
				}
			}
		}
	}
	if len(x.Params()) > 0 && !slices.Contains(c.Askers, owner) {
		c.Askers = append(c.Askers, owner)
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
