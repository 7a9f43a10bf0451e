package rulebook

import "fmt"

// scenarios reads scenarios/*.yaml: a file holds a list of them, or one. Steps stay as written; the runner reads them.
func (c *book) scenarios() {
	names := map[string]Pos{}
	for _, n := range c.src.scenarios {
		items := []*node{n}
		if n.kind == yamlList {
			items = n.items
		}
		for _, x := range items {
			s := c.scenario(x)
			if s == nil {
				continue
			}
			if old, twice := names[s.Name]; twice {
				c.r.errorf(s.Pos, "the scenario %q stands already at %s:%d", s.Name, old.File, old.Line)
			}
			names[s.Name] = s.Pos
			c.Scenarios = append(c.Scenarios, s)
		}
	}
}

func (c *book) scenario(n *node) *Scenario {
	b := c.open(n, "scenario", "scenario")
	if b == nil {
		return nil
	}
	s := &Scenario{File: n.pos.File, Pos: n.pos, Book: c.Book, Each: b.text("each")}
	if name := b.must("scenario"); name != nil {
		s.Name = name.text
	}
	for _, id := range b.names("clauses") {
		s.Clauses = append(s.Clauses, id.text)
		if len(id.text) > 0 && id.text[0] == '{' { // {item.clause} of each:
			continue
		}
		if c.clauses[id.text] == nil && !c.neededClause(id.text) {
			c.r.hintf(id.pos, meant(id.text, sortedKeys(c.clauses)), "clause %s is not in clauses.yaml of %s", id.text, c.ID)
		}
	}
	if len(s.Clauses) == 0 {
		c.r.errorf(n.pos, "a scenario proves something: give clauses:")
	}
	mapping := func(key string) map[string]any {
		x := b.get(key)
		if x == nil {
			return nil
		}
		if x.kind != yamlMap {
			c.r.errorf(x.pos, "%s: is a mapping, not %s", key, x.what())
			return nil
		}
		return x.plainValue().(map[string]any)
	}
	s.Given, s.Then = mapping("given"), mapping("then")
	if x := b.get("when"); x != nil {
		if x.kind != yamlList {
			c.r.errorf(x.pos, "when: is a list of steps, not %s", x.what())
		} else {
			s.When = x.plainValue().([]any)
		}
	}
	if x := b.get("cases"); x != nil {
		c.cases(s, x)
	}
	if s.Then == nil && len(s.When) == 0 {
		c.r.errorf(n.pos, "scenario %q says nothing: give when: or then:", s.Name)
	}
	return s
}

func (c *book) neededClause(id string) bool {
	for _, o := range c.scope() {
		if o.Book.Clause(id) != nil {
			return true
		}
	}
	return false
}

func (c *book) cases(s *Scenario, n *node) {
	b := c.open(n, "cases", "cases")
	if b == nil {
		return
	}
	s.Columns = texts(b.names("columns"))
	rows := b.must("rows")
	if rows == nil || rows.kind != yamlList {
		return
	}
	for _, r := range rows.items {
		if r.kind != yamlList || len(r.items) != len(s.Columns) {
			c.r.errorf(r.pos, "a row has %d values, one a column", len(s.Columns))
			continue
		}
		s.Rows = append(s.Rows, r.plainValue().([]any))
	}
}

// Key names a scenario in reports.
func (s *Scenario) Key() string { return fmt.Sprintf("%s:%d", s.File, s.Pos.Line) }
