package expr

import (
	"fmt"
	"regexp"
	"time"

	"zhanggui/internal/calendar"
)

// call checks what the type checker cannot: literals, options of a choice, names of approvals and the like.
// It also gives back what CEL's types have no room for: options and scales.
func (b *builder) call(n *node) *node {
	switch n.name {
	case "@rows": // around what a query runs over; only a set of persons needs it
		if n.args[0].typ.Kind != KWho {
			return n.args[0]
		}
	case "dec", "pct", "money":
		return b.number(n)
	case "date":
		return b.date(n)
	case "_==_", "_!=_":
		b.option(n.args[0], n.args[1])
		b.option(n.args[1], n.args[0])
	case "@in":
		if n.args[1].op == "list" {
			for _, x := range n.args[1].args {
				b.option(n.args[0], x)
			}
		}
		if e := n.args[1].typ.Elem; e != nil { // 'x' in this.choices
			b.option(&node{op: "var", name: n.args[1].name, typ: *e}, n.args[0])
		}
	case "waiting", "approved":
		b.known(n, "approval", b.env.schema.Approvals)
	case "rank", "ranked":
		b.known(n, "ranking", b.env.schema.Rankings)
	case "ledger":
		b.known(n, "ledger", b.env.schema.Ledgers)
	case "quota_left":
		b.known(n, "quota", b.env.schema.Quotas)
	case "start_of", "end_of":
		if s, ok := textOf(n.args[0]); ok && !periods[s] {
			return b.fail(n.args[0].off, fmt.Sprintf("there is no period %q", s), meant(s, keysOf(periods)))
		}
	case "matches":
		if s, ok := textOf(n.args[1]); ok {
			re, err := regexp.Compile(s)
			if err != nil {
				return b.fail(n.args[1].off, fmt.Sprintf("the pattern %q cannot be read: %v", s, err), "")
			}
			n.re = re
		}
	case "history":
		if o := b.env.object(n.args[0].typ); o != nil {
			if s, ok := textOf(n.args[1]); ok && o.Fields[s].Type.Kind == "" {
				return b.fail(n.args[1].off, fmt.Sprintf("field %q does not exist on form %s", s, tail(o.Key)), meant(s, keysOf(o.Fields)))
			}
		}
	case "_-_": // 0 - balance turns an amount round; any other number is no money
		if n.args[0].typ.Kind == KInt && n.args[1].typ.Kind == KMoney && n.args[0].val != int64(0) {
			return b.fail(n.off, "int and money cannot be joined with -: write money('100')", "")
		}
	case "_[_]":
		return b.fail(n.off, "[n] is not used here", "write .at(n)")
	}
	n.typ = refined(n)
	return n
}

var periods = map[string]bool{"hour": true, "day": true, "week": true, "month": true, "quarter": true, "half": true, "year": true}

func textOf(n *node) (string, bool) {
	s, ok := n.val.(string)
	return s, ok && n.op == "const"
}

// number computes dec('0.15'), money('10') and pct('15') at compile time.
func (b *builder) number(n *node) *node {
	t := Of(KDecimal)
	if n.name == "money" {
		t = Type{Kind: KMoney, Scale: 2}
	}
	if n.args[0].op != "const" {
		n.typ = t
		return n
	}
	s := fmt.Sprint(n.args[0].val)
	v, err := ParseLiteral(s, t, time.UTC)
	if err != nil {
		return b.fail(n.off, fmt.Sprintf("%s(%q): %v", n.name, s, err), "")
	}
	if n.name == "pct" {
		d, err := v.(Decimal).Quo(hundred)
		if err != nil {
			return b.fail(n.off, err.Error(), "")
		}
		v = Decimal{d.Trim(0)}
	}
	if d, ok := v.(Decimal); ok && d.Scale() > scaleOf(t) {
		t.Scale = d.Scale()
	}
	return &node{op: "const", val: v, typ: t, off: n.off}
}

// date reads date('2026-03-18') at compile time.
func (b *builder) date(n *node) *node {
	s, ok := textOf(n.args[0])
	if !ok {
		return b.fail(n.off, "date wants a day in quotes", "write date('2026-03-18')")
	}
	d, err := calendar.ParseDate(s)
	if err != nil {
		return b.fail(n.args[0].off, fmt.Sprintf("%q is no day", s), "write date('2026-03-18')")
	}
	return &node{op: "const", val: d, typ: Of(KDate), off: n.off}
}

func (b *builder) known(n *node, what string, names map[string]bool) {
	s, ok := textOf(n.args[0])
	if !ok {
		b.fail(n.off, fmt.Sprintf("%s wants the name of a %s in quotes", n.name, what), "")
		return
	}
	if !names[s] {
		b.fail(n.args[0].off, fmt.Sprintf("there is no %s %q", what, s), meant(s, keysOf(names)))
	}
}

// option asks that a text compared with a choice is one of its options.
func (b *builder) option(choice, text *node) {
	if choice.typ.Kind != KChoice || len(choice.typ.Options) == 0 {
		return
	}
	s, ok := textOf(text)
	if !ok {
		return
	}
	for _, o := range choice.typ.Options {
		if o == s {
			return
		}
	}
	b.fail(text.off, fmt.Sprintf("%q is not an option of %s", s, choice.name), meant(s, choice.typ.Options))
}

// refined is the type of a call with the options and scales that CEL's types have no room for.
func refined(n *node) Type {
	if len(n.args) == 0 {
		return n.typ
	}
	elem := func() Type {
		if e := n.args[0].typ.Elem; e != nil {
			return *e
		}
		return n.typ
	}
	switch n.name {
	case "_+_", "_-_", "_?_:_":
		a, b := n.args[len(n.args)-2].typ, n.args[len(n.args)-1].typ
		switch {
		case n.typ.Kind == KDecimal:
			return DecimalOf(max(digitsOf(a), digitsOf(b)))
		case n.name == "_?_:_" && a.Kind == b.Kind && a.Kind != KChoice:
			return a
		}
	case "_*_":
		if n.typ.Kind == KDecimal {
			return DecimalOf(max(digitsOf(n.args[0].typ), digitsOf(n.args[1].typ)))
		}
	case "-_", "abs":
		return n.args[0].typ
	case "at", "first":
		if n.args[0].typ.Kind == KList {
			return elem()
		}
	case "@first", "@last", "@first_by", "@last_by", "@min", "@max", "min", "max", "@sum", "sum":
		return elem()
	case "@list", "@sorted_by", "last":
		return n.args[0].typ
	case "earlier", "later":
		return n.args[0].typ
	}
	if n.typ.Kind == KMoney {
		n.typ.Scale = 2
	}
	return n.typ
}

// digitsOf is how many digits a column form of the type has after the point.
func digitsOf(t Type) int {
	if t.Kind == KInt {
		return 0
	}
	return scaleOf(t)
}
