package rulebook

import (
	"slices"

	"zhanggui/internal/expr"
)

// destroyable gives a form whose retention says who destroys it the act that does so, and the limit within which it is done once the term is
// over. They belong to the clause of destroy: and sleep with it.
func (c *book) destroyable(r *Retention, f *Form) {
	d := r.Destroy
	if f.action["destroy"] != nil || f.dead[destroyDue] != nil {
		c.r.errorf(d.Pos, "retention %s: %s has an action destroy or a deadline %s of its own; the retention makes both", r.ID, f.ID, destroyDue)
		return
	}
	a := &Action{ID: "destroy", Form: f, By: d.By, Destroys: true, Opens: "danger", Style: "danger"}
	a.Node = d.Node
	a.Path = f.Path + ".action.destroy"
	a.Label = Label{"销毁", "Destroy"}
	persons := 0
	for _, id := range d.With {
		fd := f.field[id]
		if fd == nil {
			c.r.errorf(d.Pos, "retention %s: %s has no field %s to give at its destruction", r.ID, f.ID, id)
			continue
		}
		if fd.Type.Expr.Kind == expr.KList && fd.Type.Expr.Elem != nil && fd.Type.Expr.Elem.Object == "base.person" {
			persons++
			d.Seen = id
		}
		c.demand(a, id, false)
	}
	if d.Witness > 0 && persons != 1 {
		c.r.errorf(d.Pos, "retention %s: witness: wants one list of person of %s in with:, which says who saw it", r.ID, f.ID)
	}
	f.Actions = append(f.Actions, a)
	f.action[a.ID] = a
	if d.Within == nil {
		return
	}
	k := &Deadline{ID: destroyDue, Form: f, Within: d.Within, Kept: true, From: &Moment{Action: "create"}, To: &Moment{Action: a.ID}}
	k.Node = d.Node
	k.Path = d.Path + ".within"
	k.Label = Label{"到期销毁", "Destroy what is no longer kept"}
	nodes := []*Node{&k.From.Node, &k.To.Node}
	if d.By != nil {
		k.Holder = &HolderRef{Who: d.By}
		nodes = append(nodes, &k.Holder.Node)
	}
	for _, n := range nodes {
		*n = Node{Path: k.Path, Pos: d.Pos, Book: c.Book}
	}
	c.ownClock(k)
}

const destroyDue = "destroy_due"

// keepers are the forms kept by a retention.
func (c *book) keepers(r *Retention) (list []*Form) {
	for _, o := range c.l.books {
		for _, f := range o.Forms {
			if f.Retention != nil && f.Retention.Retention == r && !slices.Contains(list, f) {
				list = append(list, f)
			}
		}
	}
	return list
}
