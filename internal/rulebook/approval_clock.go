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

// silenceLabel says what no answer comes to.
var silenceLabel = map[string]Label{"granted": {"逾期不答视为同意", "Silence counts as consent"}, "refused": {"逾期不答视为不同意", "Silence counts as a refusal"},
	"unanswered": {"逾期不答记为未答复", "Silence is noted as no answer"}}

// silenceClock ends the silence of an approval's signers: a deadline over each stay in the state the signed action leaves, counted from
// the last signature there. Nobody is to blame for it; what it does is written at silence:.
func (c *book) silenceClock(a *Approval) {
	if a.Silence == nil {
		return
	}
	if a.Silence.After == nil {
		return // reported
	}
	found := false
	for _, f := range c.Forms {
		for _, act := range f.Actions {
			id := a.ID + "_silence"
			if !signedBy(act, a.ID) || act.From == nil || act.From.Any || len(act.From.States) == 0 || f.dead[id] != nil {
				continue
			}
			found = true
			if a.Silence.Counts != "refused" {
				for _, x := range act.Fill {
					if !x.Optional {
						c.r.hintf(x.Pos, "make it optional: true", "approval %s: %s of %s asks for %s, which nobody gives when its signers are silent", a.ID, act.ID, f.ID, x.Field)
					}
				}
			}
			d := &Deadline{ID: id, Form: f, Within: a.Silence.After, Silent: a}
			d.Node = a.Silence.Node
			if d.Clause == "" {
				d.Clause = a.Clause
			}
			d.Label = silenceLabel[a.Silence.Counts]
			d.During = &Place{States: act.From.States}
			d.During.Node = Node{Path: d.Path + ".during", Pos: a.Pos, Book: c.Book}
			d.Blame = &Blame{Nobody: true}
			d.Blame.Node = Node{Path: d.Path + ".blame", Pos: a.Pos, Book: c.Book}
			who := &WhoItem{}
			n := &node{kind: yamlScalar, pos: a.Pos, text: "waiting('" + a.ID + "')"}
			c.implied(&who.Node, n, d.Path+".holder")
			who.Expr = c.cel(n, &who.Node, c.formPlace(f).with("stay", expr.ObjectOf("stay")), whoType)
			d.Holder = &HolderRef{Who: &Who{Items: []*WhoItem{who}}}
			c.implied(&d.Holder.Node, n, d.Path+".holder")
			c.ownClock(d)
		}
	}
	if !found {
		c.r.errorf(a.Silence.Pos, "approval %s: silence ends an action that leaves a state; no action with by: approval(%s) says from:", a.ID, a.ID)
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
