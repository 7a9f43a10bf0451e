package rulebook

import "zhanggui/internal/expr"

func (c *book) declareQuotas() {
	for _, e := range c.src.elements["quota"] {
		b := c.open(e.value, "quota", c.Short+".quota."+e.key)
		if b == nil {
			continue
		}
		q := &Quota{ID: e.key}
		c.node(&q.Node, b)
		q.Pos = e.pos
		c.Quotas = append(c.Quotas, q)
		c.todo = append(c.todo, func() { c.compileQuota(q, b) })
	}
	for _, e := range c.src.elements["ranking"] {
		b := c.open(e.value, "ranking", c.Short+".ranking."+e.key)
		if b == nil {
			continue
		}
		r := &Ranking{ID: e.key}
		c.node(&r.Node, b)
		r.Pos = e.pos
		c.Rankings = append(c.Rankings, r)
		c.todo = append(c.todo, func() { c.compileRanking(r, b) })
	}
}

// population reads of:, the form a quota or ranking is about.
func (c *book) population(b *body) (*Form, place) {
	f := c.formNamed(b.must("of"))
	if f == nil {
		return nil, c.common()
	}
	return f, c.formPlace(f)
}

func (c *book) compileQuota(q *Quota, b *body) {
	f, p := c.population(b)
	if f == nil {
		return
	}
	q.Of = f.Key
	q.Where = c.value(b.get("where"), q.Path+".where", p, boolType)
	c.queried(q.Where, b.get("where"), "this", "quota "+q.ID+": where")
	q.Base = c.cel(b.get("base"), &q.Node, p, anyType)
	q.Per = c.cels(b.get("per"), &q.Node, p)
	c.allQueried(q.Per, b.get("per"), "quota "+q.ID+": per")
	base := intType
	if q.Base != nil {
		base = q.Base.Type()
	}
	q.AtMost = c.value(b.must("at_most"), q.Path+".at_most", p.with("base", base), expr.DecimalOf(4))
	q.Waive = c.waive(b.get("waive"), q.Path+".waive", p)
	q.Over = c.effects(b.get("over"), q.Path+".over", p)
}

func (c *book) allQueried(list []*expr.Expr, n *node, what string) {
	for _, e := range list {
		c.askable(e, n, "this", what)
	}
}

func (c *book) compileRanking(r *Ranking, b *body) {
	f, p := c.population(b)
	if f == nil {
		return
	}
	r.Of = f.Key
	r.Where = c.value(b.get("where"), r.Path+".where", p, boolType)
	c.queried(r.Where, b.get("where"), "this", "ranking "+r.ID+": where")
	r.Per = c.cels(b.get("per"), &r.Node, p)
	c.allQueried(r.Per, b.get("per"), "ranking "+r.ID+": per")
	for i, n := range b.list("by") {
		x := c.open(n, "rank", r.Path+".by."+itoa(i+1))
		if x == nil {
			continue
		}
		k := &RankKey{}
		c.node(&k.Node, x)
		key := x.get("asc")
		if key == nil {
			key, k.Desc = x.get("desc"), true
		}
		if key == nil {
			c.r.errorf(n.pos, "a key is {asc: value} or {desc: value}")
			continue
		}
		if k.Expr = c.cel(key, &k.Node, p, anyType); k.Expr != nil {
			r.By = append(r.By, k)
		}
	}
	if len(r.By) == 0 {
		c.r.errorf(r.Pos, "ranking %s has no key; give by:", r.ID)
	}
	r.Share = b.oneOf("ties", "share", "share", "order") == "share"
}
