package rulebook

import (
	"fmt"
	"slices"
	"strings"

	"github.com/govalues/decimal"

	"zhanggui/internal/expr"
)

func (c *book) declareApprovals() {
	for _, e := range c.src.elements["approval"] {
		b := c.open(e.value, "approval", c.Short+".approval."+e.key)
		if b == nil {
			continue
		}
		a := &Approval{ID: e.key}
		c.node(&a.Node, b)
		a.Pos = e.pos
		if a.Label.ZH == "" {
			a.Label = Label{a.ID, a.ID}
		}
		c.Approvals = append(c.Approvals, a)
		c.last = append(c.last, func() { c.compileApproval(a, b) })
	}
}

// exportRequest is the form by which an export is asked for; what a class names in export: signs that.
const exportRequest = "base.export_request"

// approvalForm is the form whose action names the approval in by: or waive:, or that of the requests where a class's export does.
func (c *book) approvalForm(id string) *Form {
	names := func(w *Who) bool {
		if w != nil {
			for _, it := range w.Items {
				if it.Approval == id {
					return true
				}
			}
		}
		return false
	}
	for _, k := range c.Classes {
		if k.Export != nil && names(k.Export.By) {
			return c.l.lib.Form(exportRequest)
		}
	}
	var second *Form
	for _, f := range c.Forms {
		for _, a := range f.Actions {
			if names(a.By) {
				return f
			}
			for _, k := range a.Require {
				if k.Waive != nil && names(k.Waive.By) && second == nil {
					second = f
				}
			}
		}
	}
	return second
}

func (c *book) compileApproval(a *Approval, b *body) {
	f := c.approvalForm(a.ID)
	if n := b.get("of"); n != nil {
		f = c.formNamed(n)
	}
	p := c.common()
	if f != nil {
		a.Form = f.Key
		p = c.formPlace(f)
	}
	a.Amount = c.cel(b.get("amount"), &a.Node, p, anyType)
	limit := monType
	if a.Amount != nil {
		limit = a.Amount.Type()
	}
	for i, n := range b.list("rows") {
		x := c.open(n, "row", a.Path+".rows."+itoa(i+1))
		if x == nil {
			continue
		}
		r := &ApprovalRow{}
		c.node(&r.Node, x)
		r.Upto = c.value(x.get("upto"), x.path+".upto", p, limit)
		r.When = c.cel(x.get("when"), &r.Node, p, boolType)
		r.Sign = c.seat(x.must("sign"), x.path+".sign", p)
		if r.Upto != nil && a.Amount == nil {
			c.r.errorf(x.get("upto").pos, "approval %s: upto compares with amount:, which is missing", a.ID)
		}
		a.Rows = append(a.Rows, r)
	}
	if n := b.get("sign"); n != nil {
		if len(a.Rows) > 0 {
			c.r.errorf(n.pos, "approval %s: sign or rows, not both", a.ID)
		}
		r := &ApprovalRow{Sign: c.seat(n, a.Path+".sign", p)}
		c.implied(&r.Node, n, a.Path+".sign")
		a.Rows = append(a.Rows, r)
	}
	if len(a.Rows) == 0 {
		c.r.errorf(a.Pos, "approval %s: nobody signs; give rows: or sign:", a.ID)
	}
	a.Within = c.value(b.get("within"), a.Path+".within", p, spanType)
	a.Except = c.excepts(b.list("except"), a.Path+".except", p)
	for i, n := range b.list("stand_in") {
		x := c.open(n, "stand_in", a.Path+".stand_in."+itoa(i+1))
		if x == nil {
			continue
		}
		s := &StandIn{}
		c.node(&s.Node, x)
		s.For = c.who(x.must("for"), x.path+".for", p)
		s.When = c.cel(x.get("when"), &s.Node, p, boolType)
		s.Sign = c.seat(x.must("sign"), x.path+".sign", p)
		a.StandIn = append(a.StandIn, s)
	}
	for _, n := range b.names("restart") {
		if f == nil || c.fieldNamed(f, n, false) {
			a.Restart = append(a.Restart, n.text)
		}
	}
	if len(a.Restart) == 0 && a.Amount != nil && f != nil {
		for _, r := range a.Amount.Reads() {
			if r.Object == f.Key && f.field[r.Field] != nil {
				a.Restart = append(a.Restart, r.Field)
			}
		}
	}
	if t := b.text("refuse"); t != "" && t != "ends" {
		state, ok := strings.CutPrefix(t, "returns ")
		if !ok || (f != nil && f.state[state] == nil) {
			c.r.errorf(b.get("refuse").pos, "refuse is ends, or returns <state>")
		}
		a.Refuse = state
	}
	if n := b.get("silence"); n != nil {
		if x := c.open(n, "silence", a.Path+".silence"); x != nil {
			a.Silence = &Silence{Counts: x.oneOf("counts", "unanswered", "granted", "refused", "unanswered")}
			c.node(&a.Silence.Node, x)
			a.Silence.After = c.value(x.must("after"), x.path+".after", p, spanType)
		}
	}
	if f != nil && f.Key == exportRequest {
		if a.Within != nil {
			c.r.errorf(b.get("within").pos, "approval %s: an export that is asked for has no limit of time for its signers", a.ID)
		}
		for _, g := range c.Forms {
			if slices.ContainsFunc(g.Actions, func(x *Action) bool { return signedBy(x, a.ID) }) {
				c.r.errorf(a.Pos, "approval %s: it signs records of %s and exports; give each its own", a.ID, g.ID)
			}
		}
	}
	a.SamePerson = b.oneOf("same_person", "", "ok") == "ok"
	c.lintRows(a)
	c.signClock(a)
	c.silenceClock(a)
}

// seat reads who signs: one seat, or all, any or order of several.
func (c *book) seat(n *node, path string, p place) *Seat {
	if n == nil {
		return nil
	}
	s := &Seat{}
	c.implied(&s.Node, n, path)
	if n.kind != yamlMap || n.at("when") != nil {
		s.Who = c.who(n, path, p)
		c.clocked(s.Who, n)
		return s
	}
	b := c.open(n, "seat", path)
	c.node(&s.Node, b)
	if is := b.get("is"); is != nil {
		if is.kind == yamlMap {
			return c.seat(is, path, p)
		}
		s.Who = c.who(is, path, p)
		c.clocked(s.Who, is)
		return s
	}
	for _, mode := range []string{"all", "any", "order"} {
		if b.get(mode) == nil {
			continue
		}
		if s.Mode != "" {
			c.r.errorf(n.pos, "a group of seats is all, any or order, one of them")
		}
		s.Mode = mode
		for i, x := range b.list(mode) {
			s.List = append(s.List, c.seat(x, path+"."+itoa(i+1), p))
		}
	}
	s.Need = b.int("need")
	switch {
	case s.Mode == "" && b.get("row") != nil:
		s.Mode = "all" // the signers of the rows alone
	case s.Mode == "":
		c.r.errorf(n.pos, "who signs? give a role, or all:, any: or order:")
	case s.Mode == "any" && s.Need == 0:
		s.Need = 1
	}
	return s
}

// clocked refuses the clock and other approvals as signers.
func (c *book) clocked(w *Who, n *node) {
	if w == nil {
		return
	}
	for _, it := range w.Items {
		if it.Clock || it.Link || it.Anyone || it.Approval != "" {
			c.r.errorf(n.pos, "a seat is signed by a person: a role, a person field, superior(…) or head(…)")
		}
	}
}

// lintRows looks for amounts that match no row and rows that no amount reaches, where the limits are known.
func (c *book) lintRows(a *Approval) {
	if len(a.Rows) == 0 {
		return
	}
	var before expr.Value
	known := true
	for i, r := range a.Rows {
		last := i == len(a.Rows)-1
		if r.Upto == nil && r.When == nil {
			if !last {
				c.r.errorf(a.Rows[i+1].Pos, "approval %s: this row is never reached; the one before it takes every case", a.ID)
			}
			return
		}
		if r.When != nil || len(r.Upto.Cases) != 1 {
			known = false
			continue
		}
		v := c.constant(r.Upto.Cases[0].Is)
		if v == nil {
			known = false
			continue
		}
		if before != nil && expr.Compare(v, before) <= 0 {
			c.r.errorf(r.Pos, "approval %s: the row up to %s is never reached; an earlier one goes up to %s", a.ID, plainAmount(v), plainAmount(before))
			return
		}
		before = v
	}
	if a.Amount != nil && before != nil && known {
		c.r.errorf(a.Pos, "approval %s: amounts from %s match no row; let the last row be open", a.ID, plainAmount(next(before)))
	} else {
		c.r.errorf(a.Pos, "approval %s: the last row has a condition; what matches none would be signed by nobody", a.ID)
	}
}

// next is the smallest amount above v.
func next(v expr.Value) expr.Value {
	if m, ok := v.(expr.Money); ok {
		if d, err := m.Decimal.Add(decimal.MustNew(1, 2)); err == nil {
			return expr.Money{Decimal: d}
		}
	}
	return v
}

func plainAmount(v expr.Value) string {
	switch x := v.(type) {
	case expr.Money:
		return x.Decimal.String()
	case expr.Decimal:
		return x.Decimal.String()
	}
	return fmt.Sprint(v)
}
