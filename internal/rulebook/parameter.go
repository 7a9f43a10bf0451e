package rulebook

import (
	"fmt"
	"strings"

	"zhanggui/internal/expr"
)

func (c *book) declareParameters() {
	for _, e := range c.src.elements["parameter"] {
		path := c.Short + ".parameter." + e.key
		b := c.open(e.value, "parameter", path)
		if b == nil {
			continue
		}
		p := &Parameter{ID: e.key}
		c.node(&p.Node, b)
		p.Pos = e.pos
		p.Source = b.oneOf("source", "text", "text", "default")
		p.Current = b.oneOf("applies", "pinned", "pinned", "current") == "current"
		if t := b.must("type"); t != nil && t.text == "table" {
			p.Type = FieldType{Name: "table", Expr: anyType}
			c.table(p, b)
		} else {
			p.Type = c.typeOf(t, b.get("options"), path, 0)
			p.Default = c.l.lib.Spoken.value(c.literal(b.get("value"), p.Type, "value of "+p.ID), p.Type)
			p.Min = c.literal(b.get("min"), p.Type, "min")
			p.Max = c.literal(b.get("max"), p.Type, "max")
			c.bounds(p, b)
		}
		c.Parameters = append(c.Parameters, p)
		c.todo = append(c.todo, func() { c.compileParameter(p, b) })
	}
}

func (c *book) bounds(p *Parameter, b *body) {
	if p.Default == nil {
		return
	}
	if p.Min != nil && expr.Compare(p.Default, p.Min) < 0 {
		c.r.errorf(b.get("value").pos, "parameter %s: %s is below min %s", p.ID, b.text("value"), b.text("min"))
	}
	if p.Max != nil && expr.Compare(p.Default, p.Max) > 0 {
		c.r.errorf(b.get("value").pos, "parameter %s: %s is above max %s", p.ID, b.text("value"), b.text("max"))
	}
}

func (c *book) compileParameter(p *Parameter, b *body) {
	pl := c.common()
	if p.Type.Name == "table" {
		pl = pl.with("rows", expr.ListOf(expr.ObjectOf("param."+p.ID+".row")))
	} else {
		pl = pl.with("value", p.Type.Expr)
	}
	p.Check = c.checksOf(b.list("check"), p.Path+".check", pl)
	p.ChangedBy = c.who(b.get("changed_by"), p.Path+".changed_by", c.common())
}

// table reads the columns and rows of a table parameter.
func (c *book) table(p *Parameter, b *body) {
	upto := b.text("upto")
	p.column, p.label = map[string]FieldType{}, map[string]Label{}
	column := func(e *entry, out bool) expr.Column {
		c.id(e, "column")
		t, banded := e.value, e.key == upto
		if e.value.kind == yamlMap {
			if u := e.value.at("upto"); u != nil && u.isText() && u.text != "true" {
				t, banded = u, true // {upto: money}
			} else {
				t, banded = e.value.at("type"), banded || u != nil
			}
		}
		var options *node
		p.label[e.key] = Label{e.key, e.key}
		if e.value.kind == yamlMap {
			options = e.value.at("options")
			for _, k := range e.value.keys {
				if !contains([]string{"type", "upto", "options", "label"}, k.key) {
					c.r.errorf(k.pos, "unknown key %q in column %s of %s", k.key, e.key, p.ID)
				}
			}
			if n := e.value.at("label"); n != nil {
				p.label[e.key] = c.label(n, "label")
			}
		}
		if p.label[e.key].ZH == e.key {
			c.r.warnf(e.pos, "column %s of table %s has no label", e.key, p.ID)
		}
		ft := c.typeOf(t, options, p.Path, 0)
		p.column[e.key] = ft
		return expr.Column{Name: e.key, Type: ft.Expr, Upto: banded && !out}
	}
	for _, e := range b.entries("key") {
		p.Key = append(p.Key, column(e, false))
	}
	for _, e := range b.entries("out") {
		p.Out = append(p.Out, column(e, true))
	}
	if upto != "" && !contains(columnNames(p.Key), upto) {
		c.r.hintf(b.get("upto").pos, meant(upto, columnNames(p.Key)), "upto names a key column, and %q is none", upto)
	}
	if len(p.Key) == 0 || len(p.Out) == 0 {
		c.r.errorf(b.n.pos, "table %s wants key: and out: columns", p.ID)
	}
	n := b.get("rows")
	if n == nil {
		return
	}
	rows, problems := p.rowsOf(n, c.l.lib.Spoken)
	for _, q := range problems {
		c.r.errorf(q.Pos, "parameter %s: %s", p.ID, q.Message)
	}
	p.Rows = rows
}

// Column is the type and the label of a column of a table.
func (p *Parameter) Column(id string) (FieldType, Label) { return p.column[id], p.label[id] }

func columnNames(list []expr.Column) []string {
	var out []string
	for _, c := range list {
		out = append(out, c.Name)
	}
	return out
}

// rowsOf reads the rows of a table and looks for holes and overlaps.
func (p *Parameter) rowsOf(n *node, ws Spoken) ([]map[string]expr.Value, []*Issue) {
	var rows []map[string]expr.Value
	var issues []*Issue
	wrong := func(at Pos, format string, args ...any) {
		issues = append(issues, &Issue{Pos: at, Message: fmt.Sprintf(format, args...)})
	}
	if n.kind != yamlList {
		wrong(n.pos, "rows is a list of mappings, not %s", n.what())
		return nil, issues
	}
	last := map[string]expr.Value{} // other keys → the upper limit of the row before
	seen := map[string]bool{}
	for _, x := range n.items {
		if x.kind != yamlMap {
			wrong(x.pos, "a row is a mapping, not %s", x.what())
			continue
		}
		row := map[string]expr.Value{}
		for _, e := range x.keys {
			if !contains(columnNames(p.Key), e.key) && !contains(columnNames(p.Out), e.key) {
				wrong(e.pos, "there is no column %q", e.key)
			}
		}
		exact, band := "", ""
		var limit expr.Value
		for i, col := range append(append([]expr.Column{}, p.Key...), p.Out...) {
			v := x.at(col.Name)
			if v == nil || v.kind == yamlNull {
				if i < len(p.Key) && !col.Upto {
					wrong(x.pos, "a row lacks %s", col.Name)
				}
				if col.Upto {
					band = col.Name
				}
				continue
			}
			val, err := ParseLiteral(v.text, p.column[col.Name])
			if err != nil {
				wrong(v.pos, "%v", err)
				continue
			}
			row[col.Name] = ws.value(val, p.column[col.Name])
			if i < len(p.Key) {
				if col.Upto {
					band, limit = col.Name, val
				} else {
					exact += "|" + v.text
				}
			}
		}
		if band == "" {
			if seen[exact] {
				wrong(x.pos, "two rows for %s", strings.Trim(exact, "|"))
			}
			seen[exact] = true
		} else {
			before, had := last[exact]
			switch {
			case had && before == nil:
				wrong(x.pos, "no row may follow the open one")
			case had && limit != nil && expr.Compare(limit, before) <= 0:
				wrong(x.pos, "upper limits of %s must ascend", band)
			}
			last[exact] = limit
		}
		rows = append(rows, row)
	}
	for exact, limit := range last {
		if limit != nil {
			wrong(n.pos, "the last row%s must be open, else what is above matches no row", strings.ReplaceAll(exact, "|", " "))
		}
	}
	return rows, issues
}

// ParseRows reads the rows of a table parameter as a company entered them, a YAML or JSON list of mappings, and adds their words to ws
// (which may be nil).
func ParseRows(p *Parameter, raw string, ws Spoken) ([]map[string]expr.Value, error) {
	r := newReporter()
	n := parseFile(r, p.ID, []byte(raw))
	if r.list.Failed() {
		return nil, r.list
	}
	if n == nil {
		return nil, fmt.Errorf("no rows")
	}
	rows, issues := p.rowsOf(n, ws)
	if len(issues) > 0 {
		return nil, Issues(issues)
	}
	return rows, nil
}

func (c *book) declareRoles() {
	for _, e := range c.src.elements["role"] {
		b := c.open(e.value, "role", c.Short+".role."+e.key)
		if b == nil {
			continue
		}
		r := &Role{ID: e.key}
		c.node(&r.Node, b)
		r.Pos = e.pos
		r.HeldIn = b.oneOf("held_in", "unit", "unit", "company")
		r.Holders = b.oneOf("holders", "any", "one", "some", "any")
		r.Org = b.oneOf("org", "", "superior", "head")
		r.Acting = texts(b.names("acting"))
		if r.Label.ZH == "" {
			r.Label = Label{r.ID, r.ID}
		}
		c.Roles = append(c.Roles, r)
		c.todo = append(c.todo, func() { c.compileRole(r, b) })
	}
}

func (c *book) compileRole(r *Role, b *body) {
	for _, n := range b.list("conflicts") {
		x := c.open(n, "conflict", r.Path+".conflicts")
		if x == nil {
			continue
		}
		k := &Conflict{With: x.text("with")}
		c.node(&k.Node, x)
		if w := x.must("with"); w != nil && c.role(k.With) == nil {
			c.r.hintf(w.pos, meant(k.With, c.roleNames()), "there is no role %q", k.With)
		}
		r.Conflicts = append(r.Conflicts, k)
	}
	pl := c.common().with("this", person)
	r.Needs = c.checksOf(b.list("needs"), r.Path+".needs", pl)
	for _, n := range b.names("acting") {
		if c.role(n.text) == nil {
			c.r.hintf(n.pos, meant(n.text, c.roleNames()), "there is no role %q", n.text)
		}
	}
}

func (c *book) role(id string) *Role {
	for _, o := range c.scope() {
		if r := o.Book.Role(id); r != nil {
			return r
		}
	}
	return nil
}

func (c *book) roleNames() []string {
	var list []string
	for _, o := range c.scope() {
		for _, e := range o.src.elements["role"] {
			list = append(list, e.key)
		}
	}
	return list
}

// checksOf compiles a list of {that, say, when, waive, clause}.
func (c *book) checksOf(items []*node, path string, p place) []*Check {
	var list []*Check
	for i, n := range items {
		b := c.open(n, "check", fmt.Sprintf("%s.%d", path, i+1))
		if b == nil {
			continue
		}
		k := &Check{}
		c.node(&k.Node, b)
		k.When = c.cel(b.get("when"), &k.Node, p, boolType)
		k.That = c.value(b.must("that"), k.Path, p, boolType)
		k.Say = c.message(b.get("say"), &Node{Path: k.Path}, p, "say")
		k.Waive = c.waive(b.get("waive"), k.Path+".waive", p)
		list = append(list, k)
	}
	return list
}

func (c *book) waive(n *node, path string, p place) *Waive {
	if n == nil {
		return nil
	}
	b := c.open(n, "waive", path)
	if b == nil {
		return nil
	}
	w := &Waive{}
	c.node(&w.Node, b)
	w.By = c.who(b.must("by"), path+".by", p)
	return w
}
