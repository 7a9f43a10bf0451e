package rulebook

import (
	"regexp"
	"strconv"

	"zhanggui/internal/expr"
)

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

var linkPlace = regexp.MustCompile(`\.action\.[a-z0-9_]+\.by(\.\d+)?$`)

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
	case n.text == "link":
		if !linkPlace.MatchString(it.Path) {
			c.r.errorf(n.pos, "only an action is done by link")
			return false
		}
		it.Link = true
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
