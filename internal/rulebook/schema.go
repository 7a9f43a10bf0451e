package rulebook

import (
	"maps"
	"regexp"
	"strconv"
	"strings"

	"zhanggui/internal/expr"
)

func itoa(n int) string { return strconv.Itoa(n) }

// schemas builds what names mean: one object a form and line, shared by all books; forms, roles and parameters by book.
func (l *loader) schemas() {
	objects, stamps := map[string]*expr.Object{}, map[string]map[string]expr.Field{}
	for _, b := range l.lib.Books {
		for _, f := range b.Forms {
			formObjects(objects, f, stamps)
		}
	}
	fields := func(key string, types map[string]expr.Type) {
		o := &expr.Object{Key: key, Label: key, Fields: map[string]expr.Field{}}
		for id, t := range types {
			o.Fields[id] = expr.Field{Type: t}
		}
		objects[key] = o
	}
	fields("fact", map[string]expr.Type{"person": person, "holder": whoType, "holders": whoType, "clause": textType, "at": timeType,
		"missing": intType, "nth": intType, "case": anyType, "name": textType})
	// In the library's own schema every book's words stand together, the first book's first.
	names, texts := &expr.Names{}, &expr.Texts{}
	all := &expr.Schema{Objects: objects, Names: names}
	for i := len(l.books) - 1; i >= 0; i-- {
		c := l.books[i]
		scope := c.scope()
		s := &expr.Schema{Objects: l.withBacks(objects, scope, true), Names: names}
		for j := len(scope) - 1; j >= 0; j-- { // the own book last, so that it wins
			scope[j].words(s)
		}
		env, err := expr.NewEnv(s)
		if err != nil {
			l.r.errorf(Pos{File: "rulebooks/" + c.src.folder}, "%v", err)
			env, _ = expr.NewEnv(&expr.Schema{})
		}
		env.Parsing(texts)
		c.Schema, c.Env, c.env = s, env, env
		c.words(all)
	}
	all.Objects = l.withBacks(objects, l.books, false)
	l.lib.Schema = all
	env, err := expr.NewEnv(all)
	if err != nil {
		l.r.errorf(Pos{File: "rulebooks"}, "%v", err)
	}
	l.lib.Env = env
}

// words puts the names of one book into a schema.
func (c *book) words(s *expr.Schema) {
	if s.Forms == nil {
		s.Forms, s.Roles, s.Params = map[string]string{}, map[string]bool{}, map[string]expr.Param{}
		s.Approvals, s.Rankings, s.Ledgers, s.Quotas = map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
		s.Quantities = map[string]bool{}
	}
	for _, f := range c.Forms {
		if f.ID != "unit" { // unit is the adopting unit
			s.Forms[f.ID] = f.Key
		}
	}
	for _, e := range c.src.elements["role"] {
		s.Roles[e.key] = true
	}
	for _, p := range c.Parameters {
		s.Params[p.ID] = expr.Param{Type: p.Type.Expr, Key: p.Key, Out: p.Out}
	}
	for id := range c.approvals {
		s.Approvals[id] = true
	}
	for _, l := range c.Ledgers {
		s.Quantities[l.ID] = l.Unit == "quantity"
	}
	for _, x := range []struct {
		kind string
		into map[string]bool
	}{{"ranking", s.Rankings}, {"ledger", s.Ledgers}, {"quota", s.Quotas}} {
		for _, e := range c.src.elements[x.kind] {
			x.into[e.key] = true
		}
	}
}

func formObjects(objects map[string]*expr.Object, f *Form, stamps map[string]map[string]expr.Field) {
	o := &expr.Object{Key: f.Key, Label: f.Label.ZH, Table: f.Table, Apart: f.Kept == "engine", Fields: map[string]expr.Field{}}
	objects[f.Key] = o
	var states []string
	for _, s := range f.States {
		states = append(states, s.ID)
	}
	if !contains(states, "void") {
		states = append(states, "void")
	}
	add := func(id string, t expr.Type, column string) { o.Fields[id] = expr.Field{Type: t, Column: column} }
	add("id", textType, "id")
	add("number", textType, "number")
	add("state", expr.ChoiceOf(states...), "state")
	add("by", person, "by")
	add("at", timeType, "at")
	add("missing_required", expr.ListOf(textType), "")
	add("copies", expr.ListOf(expr.ObjectOf("base.copy")), "")
	add("snapshots", expr.ListOf(expr.ObjectOf("base.snapshot")), "")
	switch f.Key {
	case "base.unit":
		add("members", whoType, "")
	case "base.person":
		add("superior", person, "")
	}
	add("unit", unitType, "unit")
	for _, fd := range f.Fields {
		o.Fields[fd.ID] = fd.object()
	}
	for _, l := range f.Lines {
		o.Fields[l.ID] = expr.Field{Type: expr.ListOf(expr.ObjectOf(l.Key)), Line: true}
		lo := &expr.Object{Key: l.Key, Label: l.Label.ZH, Table: l.Table, Line: true, Fields: map[string]expr.Field{}}
		lo.Fields["id"] = expr.Field{Type: textType, Column: "id"}
		lo.Fields["parent"] = expr.Field{Type: expr.ObjectOf(f.Key), Column: "record"}
		lo.Fields["pos"] = expr.Field{Type: intType, Column: "pos"}
		for _, fd := range l.Fields {
			lo.Fields[fd.ID] = fd.object()
		}
		objects[l.Key] = lo
	}
	member := func(name string) *expr.Object {
		x := &expr.Object{Key: f.Key + "#" + name, Label: f.ID + "." + name, Fields: map[string]expr.Field{}}
		objects[x.Key] = x
		if f.Field(name) != nil { // a field of that name speaks for itself
			return x
		}
		o.Fields[name] = expr.Field{Type: expr.ObjectOf(x.Key)}
		return x
	}
	done, stay := member("done"), member("stay")
	for _, a := range f.Actions {
		at, by := a.ID+"_at", a.ID+"_by"
		if a.Implicit {
			at, by = "", ""
		}
		if a.ID == "create" {
			at, by = "at", "by"
		}
		key := f.Key + "#done." + a.ID
		if stamps[at] == nil { // actions of one name are written down alike in all forms
			stamps[at] = map[string]expr.Field{"at": {Type: timeType, Column: at}, "by": {Type: person, Column: by}, "first_at": {Type: timeType}, "count": {Type: intType}}
		}
		objects[key] = &expr.Object{Key: key, Label: f.ID + ".done." + a.ID, Fields: stamps[at]}
		done.Fields[a.ID] = expr.Field{Type: expr.ObjectOf(key)}
	}
	for _, s := range f.States {
		stay.Fields[s.ID] = expr.Field{Type: expr.ObjectOf("stay")}
	}
	late, over, due := member("late"), member("overrun"), member("due")
	for _, d := range f.Deadlines {
		late.Fields[d.ID] = expr.Field{Type: boolType}
		over.Fields[d.ID] = expr.Field{Type: spanType}
		due.Fields[d.ID] = expr.Field{Type: timeType}
	}
}

// object is the field as expressions know it.
func (fd *Field) object() expr.Field {
	x := expr.Field{Type: fd.Type.Expr, Column: fd.Column}
	if fd.Personal {
		x.Mark, x.Domain = fd.Mark(), fd.Type.Name
	}
	return x
}

// withBacks puts the back-references of the books' forms on the forms they refer to. Each book sees those of its own scope: two
// regulations may each call their list of a customer's cases by the same name.
func (l *loader) withBacks(objects map[string]*expr.Object, books []*book, report bool) map[string]*expr.Object {
	m := maps.Clone(objects)
	own := map[string]bool{}
	for _, c := range books {
		for _, f := range c.Forms {
			for _, fd := range f.Fields {
				if fd.Back == "" || m[fd.Type.Form] == nil {
					continue
				}
				if !own[fd.Type.Form] {
					own[fd.Type.Form] = true
					o := *m[fd.Type.Form]
					o.Fields = maps.Clone(o.Fields)
					m[fd.Type.Form] = &o
				}
				o := m[fd.Type.Form]
				if _, taken := o.Fields[fd.Back]; taken {
					if report {
						l.r.errorf(fd.Pos, "back: %s already has a %s", fd.Type.Form, fd.Back)
					}
					continue
				}
				column := fd.Column
				if fd.Type.Expr.Kind == expr.KList {
					column = ""
				}
				o.Fields[fd.Back] = expr.Field{Type: expr.ListOf(expr.ObjectOf(f.Key)), Back: column}
			}
		}
	}
	return m
}

// settle changes a member of an object in every schema that has it.
func (l *loader) settle(object, member string, change func(*expr.Field)) {
	schemas := []*expr.Schema{l.lib.Schema}
	for _, c := range l.books {
		schemas = append(schemas, c.Schema)
	}
	for _, s := range schemas {
		if o := s.Objects[object]; o != nil {
			f := o.Fields[member]
			change(&f)
			o.Fields[member] = f
		}
	}
}

// common are the variables every place has.
func (c *book) common() place {
	return place{vars: expr.Vars{"me": person, "now": timeType, "today": dateType, "unit": unitType}}
}

// formPlace is where this is a record of a form.
func (c *book) formPlace(f *Form) place {
	p := c.common()
	p.form = f
	p.vars["this"], p.vars["old"] = expr.ObjectOf(f.Key), expr.ObjectOf(f.Key)
	for _, m := range []string{"done", "stay", "late", "overrun", "due"} {
		if f.field[m] == nil {
			p.vars[m] = expr.ObjectOf(f.Key + "#" + m)
		}
	}
	if f.Report != nil {
		p.vars["rows"] = expr.ListOf(expr.ObjectOf(f.Key + ".rows"))
		p.vars["period"] = perType
	}
	return p
}

// linePlace is where this is a line, and parent the record it belongs to.
func (c *book) linePlace(l *Line) place {
	p := c.formPlace(l.Form)
	p.vars["this"], p.vars["old"] = expr.ObjectOf(l.Key), expr.ObjectOf(l.Key)
	p.vars["parent"] = expr.ObjectOf(l.Form.Key)
	return p
}

// asksWorld are functions whose answer changes though nothing of the record does.
var asksWorld = regexp.MustCompile(`\b(rank|ranked|ledger|waiting|approved|head|superior|unit_of|holder|absent|quota_left|is_workday|giver_holds|history)\(|\.(has|of|history)\(`)

// ownReads tells whether an expression depends only on the record itself, its lines, its stamps and parameters.
func ownReads(e *expr.Expr, own map[string]bool) bool {
	for _, p := range e.Reads() {
		form, part, _ := strings.Cut(p.Object, "#")
		switch {
		case p.Object == "param" || strings.HasPrefix(p.Object, "param."):
		case p.Object == "stamp" || p.Object == "stay" || p.Object == "split_row":
		case own[p.Object] && p.Via == "":
		case own[form] && (part == "stay" || strings.HasPrefix(part, "done")):
		default:
			return false
		}
		if contains([]string{"copies", "snapshots", "members", "late", "overrun", "due", "missing_required"}, p.Field) {
			return false
		}
	}
	for _, name := range e.Names() {
		if name == "now" || name == "today" || name == "me" {
			return false
		}
	}
	return !asksWorld.MatchString(e.Text())
}
