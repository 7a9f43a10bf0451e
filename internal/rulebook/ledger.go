package rulebook

import "zhanggui/internal/expr"

// declareRest declares every element that is no form of its own, so that all can name each other.
func (c *book) declareRest() {
	c.declareLedgers()
	c.declareClasses()
	c.declareRetentions()
	c.declareChecklists()
	c.declareReports()
	c.declareDuties()
	c.declareApprovals()
	c.declareQuotas()
	c.declareGates()
	c.declareOffences()
	seen := map[string]bool{}
	for _, d := range c.Duties {
		if seen[d.ID] {
			c.r.errorf(d.Pos, "there is a report or checklist %s, which makes a duty of that id already", d.ID)
		}
		seen[d.ID] = true
	}
}

// kindLabel says what an entry does where its kind has no label of its own.
var kindLabel = map[string]Label{"add": {"记入", "Entered"}, "take": {"冲减", "Taken off"}, "note": {"记事", "Noted"}, "memo": {"备查", "Memo"}, "new": {"新立", "New"}, "move": {"移转", "Moved"}}

func (c *book) declareLedgers() {
	for _, e := range c.src.elements["ledger"] {
		b := c.open(e.value, "ledger", c.Short+".ledger."+e.key)
		if b == nil {
			continue
		}
		l := &Ledger{ID: e.key, Kind: map[string]string{}, KindLabel: map[string]Label{}}
		c.node(&l.Node, b)
		l.Pos = e.pos
		if l.Label.ZH == "" {
			l.Label = Label{l.ID, l.ID}
		}
		l.Unit = b.oneOf("unit", "money", "money", "quantity", "range")
		for _, x := range b.entries("per") {
			c.id(x, "dimension")
			if x.value.isText() && contains([]string{"month", "day", "quarter", "year"}, x.value.text) {
				l.Per = append(l.Per, Dim{ID: x.key, Type: FieldType{Name: x.value.text, Expr: textType}})
				continue
			}
			l.Per = append(l.Per, Dim{ID: x.key, Type: c.typeOf(x.value, nil, b.path, 0)})
		}
		for _, x := range b.entries("kind") {
			word, named := x.value, (*node)(nil)
			if word.kind == yamlMap { // {is: add, label: …}
				word, named = x.value.at("is"), x.value.at("label")
			}
			if !word.isText() || kindLabel[word.text].ZH == "" {
				c.r.errorf(x.value.pos, "a kind is one of add, take, note, memo, new, move")
				continue
			}
			l.Kind[x.key], l.KindLabel[x.key] = word.text, kindLabel[word.text]
			if named != nil {
				l.KindLabel[x.key] = c.label(named, "label")
			}
		}
		if len(l.Kind) == 0 {
			c.r.errorf(e.pos, "ledger %s has no kind of entry", l.ID)
		}
		c.Ledgers = append(c.Ledgers, l)
		c.todo = append(c.todo, func() { c.compileLedger(l, b) })
	}
}

func (c *book) compileLedger(l *Ledger, b *body) {
	p := c.common()
	p.vars["this"] = anyType // the record whose act posts
	balance := monType
	switch l.Unit {
	case "quantity":
		balance = expr.DecimalOf(3)
	case "range":
		p.vars["range"] = expr.Of(expr.KRange)
		balance = intType
	}
	p.vars["balance"] = balance
	for _, d := range l.Per {
		p.vars[d.ID] = d.Type.Expr
	}
	l.Check = c.checksOf(b.list("check"), l.Path+".check", p)
	if n := b.get("close"); n != nil {
		if x := c.open(n, "close", l.Path+".close"); x != nil {
			l.Close = &Close{Every: x.oneOf("every", "month", "day", "week", "month", "quarter", "year")}
			c.node(&l.Close.Node, x)
			q := c.closePlace(l, p)
			l.Close.Do = c.effects(x.get("do"), x.path+".do", q)
			if l.Unit == "range" {
				c.r.errorf(n.pos, "ledger %s is of number segments: nothing of it is closed at the end of a period", l.ID)
			}
			if len(l.Close.Do) == 0 {
				c.r.errorf(n.pos, "ledger %s: close: does nothing; give do:", l.ID)
			}
			for _, d := range l.Per {
				if length, dated := periodLength[d.Type.Name]; dated && periodLength[l.Close.Every] != length {
					c.r.errorf(n.pos, "ledger %s has an account a %s, and close: is every %s; what is closed must be whole", l.ID, d.Type.Name, l.Close.Every)
				}
			}
		}
	}
}

// periodLength orders the periods that an account may be kept for.
var periodLength = map[string]int{"day": 1, "week": 2, "month": 3, "quarter": 4, "year": 5}

// closePlace is where the closing of an account is said: over its balance and dimensions, with this the first record among them, or the
// adopting unit.
func (c *book) closePlace(l *Ledger, p place) place {
	vars := p.vars
	q := c.common()
	q.vars["this"] = unitType
	for _, d := range l.Per {
		if f := c.l.lib.Forms[d.Type.Form]; f != nil {
			q = c.formPlace(f)
			break
		}
	}
	for k, t := range vars {
		if k != "this" && q.vars[k].Kind == "" {
			q = q.with(k, t)
		}
	}
	for _, d := range l.Per { // a dimension's name is the account's, even where a form is called so
		q = q.with(d.ID, d.Type.Expr)
	}
	return q.with("balance", vars["balance"]).with("period", perType)
}
