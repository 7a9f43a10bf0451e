package rulebook

import (
	"fmt"
	"regexp"
	"strings"
)

// scenarios reads scenarios/*.yaml: a file holds a list of them, or one. Steps stay as written; the runner reads them. A variant
// plays its base's too, but for those that one of its own stands in for.
func (c *book) scenarios() {
	names := map[string]Pos{}
	list, replaced := c.src.played()
	for _, x := range list {
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
	var there []string
	for _, x := range c.src.inherited {
		there = append(there, x.at("scenario").text)
	}
	for _, name := range replaced {
		if !contains(there, name.text) {
			c.r.hintf(name.pos, meant(name.text, there), "instead: the base has no scenario %q about clauses of this book", name.text)
		}
	}
}

// played are the scenarios of a book, its own and those of its base that none of its own stands in for; replaced names the latter.
func (s *source) played() (list, replaced []*node) {
	gone := map[string]bool{}
	list = items(s.scenarios)
	for _, x := range list {
		for _, name := range append(x.at("instead").listed(), x.at("instead")) {
			if name.isText() {
				gone[name.text] = true
				replaced = append(replaced, name)
			}
		}
	}
	for _, x := range s.inherited {
		if !gone[x.at("scenario").text] {
			list = append(list, x)
		}
	}
	return list, replaced
}

// listed are the items of a list, none of anything else.
func (n *node) listed() []*node {
	if n == nil {
		return nil
	}
	return n.items
}

// items are the scenarios of files, one by one.
func items(files []*node) []*node {
	var list []*node
	for _, n := range files {
		if n.kind == yamlList {
			list = append(list, n.items...)
		} else {
			list = append(list, n)
		}
	}
	return list
}

// inQuotes is a text within CEL, which may name a clause.
var inQuotes = regexp.MustCompile(`'[^']*'`)

// retold is a scenario of the base in the words of a variant: its clauses and its book are called as they are here. What is said of
// clauses that the variant lacks is left out of clauses:.
func (n *node) retold(to map[string]string) *node {
	x := *n
	x.items, x.keys = nil, nil
	if t := to[n.text]; n.isText() && t != "" {
		x.text = t
	} else if n.isText() {
		x.text = inQuotes.ReplaceAllStringFunc(n.text, func(q string) string {
			if t := to[q[1:len(q)-1]]; t != "" {
				return "'" + t + "'"
			}
			return q
		})
	}
	for _, i := range n.items {
		x.items = append(x.items, i.retold(to))
	}
	for _, e := range n.keys {
		k := &entry{key: e.key, pos: e.pos, quoted: e.quoted, value: e.value.retold(to)}
		switch v := k.value; {
		case e.key == "instead":
			continue
		case e.key == "clauses" && v.kind != yamlMap:
			k.value = told(v)
		}
		x.keys = append(x.keys, k)
	}
	return &x
}

// told are the clauses of a retold scenario: each once, without those the variant lacks.
func told(n *node) *node {
	x := *n
	x.kind, x.items = yamlList, nil
	list := n.items
	if n.isText() {
		list = []*node{n}
	}
	seen := map[string]bool{"none": true}
	for _, i := range list {
		if !seen[i.text] {
			seen[i.text] = true
			x.items = append(x.items, i)
		}
	}
	return &x
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

// Key names a scenario in reports; one of the base, played by a variant, says so.
func (s *Scenario) Key() string {
	key := fmt.Sprintf("%s:%d", s.File, s.Pos.Line)
	if s.Inherited() {
		key += ", as " + s.Book.ID
	}
	return key
}

// Inherited tells whether it stands in a rulebook that its book extends.
func (s *Scenario) Inherited() bool { return !strings.HasPrefix(s.File, "rulebooks/"+s.Book.ID+"/") }
