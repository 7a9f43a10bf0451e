package expr

import (
	"math/big"
	"slices"

	"zhanggui/internal/query"
)

var sqlOps = map[string]string{"_==_": "=", "_!=_": "<>", "_<_": "<", "_<=_": "<=", "_>_": ">", "_>=_": ">="}

func (m *machine) askAll(list []*node) ([]query.Expr, bool) {
	out := make([]query.Expr, len(list))
	for i, a := range list {
		q, ok := m.ask(a)
		if !ok {
			return nil, false
		}
		out[i] = q
	}
	return out, true
}

// askCall translates operators and functions that are no numbers.
func (m *machine) askCall(n *node) (query.Expr, bool) {
	if name, ok := sqlOps[n.name]; ok {
		return m.compare(n, name, n.args[0], n.args[1])
	}
	switch n.name {
	case "_&&_", "_||_", "!_":
		list, ok := m.askAll(n.args)
		return query.Op{Name: map[string]string{"_&&_": "and", "_||_": "or", "!_": "not"}[n.name], Args: list}, ok
	case "contains", "startsWith":
		if !isText(n.args[0].typ) {
			break
		}
		list, ok := m.askAll(n.args)
		return query.Op{Name: map[string]string{"contains": "contains", "startsWith": "startswith"}[n.name], Args: list}, ok
	case "@in":
		return m.askIn(n, n.args[0], n.args[1])
	case "has":
		if n.args[0].typ.Kind == KWho {
			return m.askIn(n, n.args[1], n.args[0])
		}
	case "@has":
		return m.askHas(n, n.args[0])
	case "_?_:_":
		list, ok := m.askAll(n.args)
		if !ok || !sameForm(n.args[1].typ, n.args[2].typ) {
			return m.no(n, "? :")
		}
		return query.Case{When: []query.Expr{list[0], not(list[0])}, Then: list[1:]}, true
	}
	if fn := aggregates[n.name]; fn != "" && len(n.args) == 1 {
		x, ok := m.askAggregate(fn, n)
		return x.e, ok
	}
	return m.no(n, called(n.name))
}

func isText(t Type) bool { return t.Kind == KText || t.Kind == KChoice }

// sameForm tells whether two kinds that are no numbers have one column form.
func sameForm(a, b Type) bool { return a.Kind == b.Kind || isText(a) && isText(b) }

// comparable tells whether the column form of a kind compares as the value does.
func comparable(op string, t Type) bool {
	switch t.Kind {
	case KText, KChoice, KDate, KDatetime, KTime:
		return true
	case KBool, KObject:
		return op == "=" || op == "<>"
	}
	return false
}

func isNumber(t Type) bool { return t.Kind == KInt || t.Kind == KDecimal || t.Kind == KMoney }

var turned = map[string]string{"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

func (m *machine) compare(n *node, op string, a, b *node) (query.Expr, bool) {
	if q, asked, ok := m.compareMarks(n, op, a, b); asked {
		return q, ok
	}
	if !m.depends(a) {
		a, b, op = b, a, turned[op]
	}
	if isLeader(a) && !m.depends(b) {
		return m.askLed(n, op, a, b)
	}
	if !m.depends(b) {
		if q, ok := m.compareTime(op, a, b); ok {
			return q, true
		}
	}
	if isNumber(a.typ) && isNumber(b.typ) {
		x, ok1 := m.askNumber(a)
		y, ok2 := m.askNumber(b)
		if ok1 && ok2 {
			scale := max(x.scale, y.scale)
			x, ok1 = x.to(scale)
			y, ok2 = y.to(scale)
		}
		if !ok1 || !ok2 {
			return m.no(n, called(n.name))
		}
		return query.Op{Name: op, Args: []query.Expr{x.e, y.e}}, true
	}
	if !sameForm(a.typ, b.typ) || !comparable(op, a.typ) {
		return m.no(n, "comparing "+kindWord(a.typ))
	}
	x, ok1 := m.ask(a)
	y, ok2 := m.ask(b)
	if !ok1 || !ok2 {
		return nil, false
	}
	return query.Op{Name: op, Args: []query.Expr{x, y}}, true
}

// isLeader tells whether a node says who leads a person or unit, which the database does not hold.
func isLeader(n *node) bool {
	return n.as == nil && n.op == "call" && (n.name == "superior" || n.name == "head")
}

// isMembers tells whether a node is the people of a unit, whom the database does not hold either.
func isMembers(n *node) bool {
	return n.as == nil && n.op == "select" && n.name == "members" && n.typ.Kind == KWho
}

// askLed asks whether somebody leads what a path of the row names (or belongs to it), by the ids of those he leads. Whom nobody leads
// it is unset of.
func (m *machine) askLed(n *node, op string, leader, by *node) (query.Expr, bool) {
	col, ok := m.ask(leader.args[0])
	if !ok || op != "=" && op != "<>" {
		return m.no(n, called(leader.name))
	}
	if m.static {
		return query.Op{Name: "=", Args: []query.Expr{col, query.Const{}}}, true
	}
	v, err := m.eval(by)
	if err != nil {
		return m.no(n, pathOf(by))
	}
	who, ok := v.(Record)
	if !ok || m.s.Facts == nil {
		return query.Const{}, v == nil
	}
	ids, nobody, err := m.s.Facts.Led(leader.name, who)
	if err != nil {
		return m.no(n, called(leader.name))
	}
	led := among(col, ids)
	if len(ids) == 0 {
		led = query.Op{Name: "<>", Args: []query.Expr{col, col}}
	}
	if op == "<>" {
		led = not(led)
	}
	if len(nobody) == 0 {
		return led, true
	}
	alone := among(col, nobody)
	return query.Case{When: []query.Expr{alone, not(alone)}, Then: []query.Expr{query.Const{}, led}}, true
}

// askedNumber is a number in the database: an integer that counts 10^-scale.
type askedNumber struct {
	e     query.Expr
	scale int
}

// to brings a number to more digits; not far, lest a column leave 64 bits.
func (x askedNumber) to(scale int) (askedNumber, bool) {
	if scale == x.scale {
		return x, true
	}
	if c, ok := x.e.(query.Const); ok {
		k, isInt := c.Value.(int64)
		if c.Value == nil {
			return askedNumber{x.e, scale}, true
		}
		if !isInt || scale < x.scale {
			return x, false
		}
		n := new(big.Int).Mul(big.NewInt(k), power(scale-x.scale))
		return askedNumber{query.Const{Value: n.Int64()}, scale}, n.IsInt64()
	}
	if scale < x.scale || scale-x.scale > 6 {
		return x, false
	}
	f := query.Const{Value: power(scale - x.scale).Int64()}
	return askedNumber{query.Op{Name: "*", Args: []query.Expr{x.e, f}}, scale}, true
}

// askNumber translates a number. Only what is exact on integers is asked: sums and differences, and products
// with a whole number; a product that is rounded stays in memory.
func (m *machine) askNumber(n *node) (askedNumber, bool) {
	none := func() (askedNumber, bool) {
		m.no(n, pathOf(n))
		return askedNumber{}, false
	}
	if !m.depends(n) {
		if m.static {
			return askedNumber{query.Const{}, 0}, true
		}
		v, err := m.eval(n)
		if err != nil {
			return none()
		}
		if v == nil {
			return askedNumber{query.Const{}, 0}, true
		}
		d, ok := number(v)
		if !ok {
			return none()
		}
		d = d.Trim(0)
		k, err := scaled(d, d.Scale())
		return askedNumber{query.Const{Value: k}, d.Scale()}, err == nil
	}
	if n.as != nil {
		n = n.as
	}
	if n.op == "select" {
		q, ok := m.column(n)
		return askedNumber{q, digitsOf(n.typ)}, ok
	}
	if n.op != "call" {
		return none()
	}
	switch n.name {
	case "_+_", "_-_", "_*_":
		x, ok1 := m.askNumber(n.args[0])
		y, ok2 := m.askNumber(n.args[1])
		if !ok1 || !ok2 {
			return askedNumber{}, false
		}
		if n.name == "_*_" {
			if n.args[0].typ.Kind != KInt && n.args[1].typ.Kind != KInt {
				return none()
			}
			return askedNumber{query.Op{Name: "*", Args: []query.Expr{x.e, y.e}}, x.scale + y.scale}, true
		}
		scale := max(x.scale, y.scale)
		x, ok1 = x.to(scale)
		y, ok2 = y.to(scale)
		if !ok1 || !ok2 {
			return none()
		}
		return askedNumber{query.Op{Name: n.name[1:2], Args: []query.Expr{x.e, y.e}}, scale}, true
	case "-_":
		x, ok := m.askNumber(n.args[0])
		return askedNumber{query.Op{Name: "-", Args: []query.Expr{query.Const{Value: int64(0)}, x.e}}, x.scale}, ok
	case "_?_:_":
		c, ok := m.ask(n.args[0])
		x, ok1 := m.askNumber(n.args[1])
		y, ok2 := m.askNumber(n.args[2])
		if !ok || !ok1 || !ok2 {
			return askedNumber{}, false
		}
		scale := max(x.scale, y.scale)
		x, ok1 = x.to(scale)
		y, ok2 = y.to(scale)
		if !ok1 || !ok2 {
			return none()
		}
		return askedNumber{query.Case{When: []query.Expr{c, not(c)}, Then: []query.Expr{x.e, y.e}}, scale}, true
	}
	if fn := aggregates[n.name]; fn != "" && len(n.args) == 1 {
		return m.askAggregate(fn, n)
	}
	return none()
}

// askIn translates x in a list, a set of persons or a period.
func (m *machine) askIn(n, x, in *node) (query.Expr, bool) {
	if in.typ.Kind == KPeriod {
		return m.askInPeriod(n, x, in)
	}
	if isMembers(in) && m.depends(in) && !m.depends(x) {
		return m.askLed(n, "=", in, x)
	}
	if m.depends(in) && in.op != "list" || !m.depends(x) && in.op != "list" {
		return m.no(n, "in a list of the row")
	}
	elems := []*node{}
	if in.op == "list" {
		if i := slices.IndexFunc(in.args, func(e *node) bool { return isLeader(e) && m.depends(e) }); i >= 0 && !m.depends(x) {
			rest := &node{op: in.op, typ: in.typ, off: in.off, args: slices.Delete(slices.Clone(in.args), i, i+1)}
			q, ok := m.askLed(n, "=", in.args[i], x)
			if !ok || len(rest.args) == 0 {
				return q, ok
			}
			others, ok := m.askIn(n, x, rest)
			return query.Op{Name: "or", Args: []query.Expr{q, others}}, ok
		}
		elems = in.args
	} else if !m.static {
		v, err := m.eval(in)
		if err != nil || v == nil {
			return query.Const{}, err == nil // a list that is not set: unset
		}
		list, err := items(v)
		if err != nil {
			return nil, false
		}
		for _, v := range list {
			elems = append(elems, &node{op: "const", val: v, typ: x.typ})
		}
	}
	// persons and sets of persons may stand in one list
	var flat []*node
	for _, e := range elems {
		if !m.static && !m.depends(e) {
			v, err := m.eval(e)
			if err != nil {
				return m.no(n, "in")
			}
			switch v.(type) {
			case Who, []Value, Set:
				list, err := items(v)
				if err != nil {
					return m.no(n, "in")
				}
				for _, y := range list {
					flat = append(flat, &node{op: "const", val: y, typ: x.typ})
				}
				continue
			}
			flat = append(flat, &node{op: "const", val: v, typ: e.typ})
			continue
		}
		if m.depends(e) && e.typ.Kind == KWho || e.typ.Kind == KList {
			return m.no(n, "in")
		}
		flat = append(flat, e)
	}
	scale := 0
	domain, sealed := m.domain(x)
	list := make([]askedNumber, 0, len(flat)+1)
	for i, e := range append([]*node{x}, flat...) {
		if isNumber(x.typ) {
			q, ok := m.askNumber(e)
			if !ok {
				return nil, false
			}
			list, scale = append(list, q), max(scale, q.scale)
			continue
		}
		if i > 0 && !m.static && e.val != nil && !sameForm(x.typ, e.typ) && e.typ.Kind != KAny {
			return m.no(n, "in")
		}
		q, ok := query.Expr(nil), false
		if sealed {
			q, ok = m.mark(e, domain)
		} else {
			q, ok = m.ask(e)
		}
		if !ok || !comparable("=", x.typ) {
			return m.no(n, "in")
		}
		list = append(list, askedNumber{q, 0})
	}
	args := make([]query.Expr, len(list))
	for i, q := range list {
		y, ok := q.to(scale)
		if !ok {
			return m.no(n, "in")
		}
		args[i] = y.e
	}
	if len(args) == 1 { // of nothing: false, and unset for what is not set
		return query.Op{Name: "<>", Args: []query.Expr{args[0], args[0]}}, true
	}
	return query.Op{Name: "in", Args: args}, true
}
