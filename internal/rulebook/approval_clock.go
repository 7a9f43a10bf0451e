package rulebook

import "zhanggui/internal/expr"

// signClock gives the signers of an approval their limit: a deadline over each stay in the state the signed action leaves,
// held by those who still must sign. It belongs to the approval's clause and sleeps with it.
func (c *book) signClock(a *Approval) {
	if a.Within == nil {
		return
	}
	for _, f := range c.Forms {
		for _, act := range f.Actions {
			if !signedBy(act, a.ID) || act.From == nil || act.From.Any || len(act.From.States) == 0 || f.dead[a.ID] != nil {
				continue
			}
			d := &Deadline{ID: a.ID, Form: f, Within: a.Within}
			d.Node = a.Node
			d.Path = a.Path + ".within"
			d.Label = Label{act.Label.ZH + "期限", "Limit for: " + act.Label.EN}
			d.During = &Place{States: act.From.States}
			d.During.Node = Node{Path: d.Path + ".during", Pos: a.Pos, Book: c.Book}
			who := &WhoItem{}
			n := &node{kind: yamlScalar, pos: a.Pos, text: "waiting('" + a.ID + "')"}
			c.implied(&who.Node, n, d.Path+".holder")
			who.Expr = c.cel(n, &who.Node, c.formPlace(f).with("stay", expr.ObjectOf("stay")), whoType)
			d.Holder = &HolderRef{Who: &Who{Items: []*WhoItem{who}}}
			c.implied(&d.Holder.Node, n, d.Path+".holder")
			c.ownClock(d)
		}
	}
}

// copyClock gives those who get a copy their limit: from the act that serves it to the act it calls for.
func (c *book) copyClock(f *Form, k *Copy, within *Value) {
	if f.dead[k.Open] != nil {
		c.r.errorf(k.Pos, "the form has a deadline %s already; give the limit there or here", k.Open)
		return
	}
	d := &Deadline{ID: k.Open, Form: f, Within: within, From: &Moment{Action: k.Upon}, To: &Moment{Action: k.Open}, Holder: &HolderRef{Who: k.To}}
	d.Node = k.Node
	d.Path = k.Path + ".within"
	if a := f.action[k.Open]; a != nil {
		d.Label = Label{a.Label.ZH + "期限", "Limit for: " + a.Label.EN}
	}
	for _, n := range []*Node{&d.From.Node, &d.To.Node, &d.Holder.Node} {
		*n = Node{Path: d.Path, Pos: k.Pos, Book: c.Book}
	}
	c.ownClock(d)
}

// ownClock adds a deadline that follows from another element, so that conditions can speak of it.
func (c *book) ownClock(d *Deadline) {
	f := d.Form
	f.Deadlines = append(f.Deadlines, d)
	f.dead[d.ID] = d
	for of, t := range map[string]expr.Type{"late": boolType, "overrun": spanType, "due": timeType} {
		c.l.settle(f.Key+"#"+of, d.ID, func(x *expr.Field) { x.Type = t })
	}
}

// signedBy tells whether an action ends with the signatures of an approval.
func signedBy(a *Action, approval string) bool {
	if a.By == nil {
		return false
	}
	for _, it := range a.By.Items {
		if it.Approval == approval {
			return true
		}
	}
	return false
}
