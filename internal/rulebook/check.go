package rulebook

import (
	"sort"
	"strings"

	"zhanggui/internal/expr"
)

// checks asks what no single element can see. Each finds mistakes of its own and depends on no other.
func (l *loader) checks() {
	for _, c := range l.books {
		for _, check := range []func(*book){
			(*book).checkClauses,
			(*book).checkStates,
			(*book).checkClock,
			(*book).checkRoles,
			(*book).checkParameters,
			(*book).checkHeader,
			(*book).checkMasks,
		} {
			check(c)
		}
	}
	l.checkCycles()
}

// checkClauses: a clause that owns no node would never be enforced, unless it merely repeats one that does.
func (c *book) checkClauses() {
	for _, cl := range c.Clauses {
		owned := len(cl.Nodes) > 0
		switch {
		case !owned && len(cl.Repeats) == 0 && cl.Proof == "scenario":
			c.r.errorf(cl.Pos, "clause %s owns no node; write one, or declare proof: text in clauses.yaml", cl.ID)
		case owned && cl.Proof == "text":
			c.r.errorf(cl.Pos, "clause %s is declared proof: text, but %s says it; declare proof: scenario", cl.ID, cl.Nodes[0].Path)
		}
	}
}

// checkStates: every state can be reached, and left unless it is final or stands aside.
func (c *book) checkStates() {
	for _, f := range c.Forms {
		if f.Kept != "" || len(f.States) < 2 {
			continue
		}
		reached := map[string]bool{f.States[0].ID: true}
		for moved := true; moved; {
			moved = false
			for _, a := range f.Actions {
				for _, to := range c.leadsTo(a) {
					if !reached[to] && (a.From == nil || a.From.Any || anyOf(reached, a.From.States)) {
						reached[to] = true
						moved = true
					}
				}
			}
		}
		for _, s := range f.States {
			if !reached[s.ID] {
				c.r.errorf(s.Pos, "state %q of %s cannot be reached from %q", s.ID, f.ID, f.States[0].ID)
				continue
			}
			if s.Final || !s.Path || s.ID == "void" {
				continue
			}
			out := false
			for _, a := range f.Actions {
				leads := a.To != nil && len(a.To.States) > 0 && a.To.States[0] != s.ID && a.ID != "create"
				out = out || leads && (a.From == nil || a.From.Any || contains(a.From.States, s.ID))
			}
			if !out {
				c.r.errorf(s.Pos, "state %q of %s has no action leading out and is not final", s.ID, f.ID)
			}
		}
		for _, d := range f.Deadlines {
			c.checkAllowed(f, d, reached)
		}
	}
}

// leadsTo are the states an action may end in: its own, and where an approval of it sends back.
func (c *book) leadsTo(a *Action) []string {
	var list []string
	if a.To != nil && !a.To.Any && len(a.To.States) > 0 {
		list = append(list, a.To.States[0])
	}
	for _, ap := range c.Approvals {
		if ap.Refuse != "" && signedBy(a, ap.ID) {
			list = append(list, ap.Refuse)
		}
	}
	return list
}

func anyOf(set map[string]bool, list []string) bool {
	for _, s := range list {
		if set[s] {
			return true
		}
	}
	return false
}

// checkAllowed: the action that meets a deadline must be open in some state that can be reached.
func (c *book) checkAllowed(f *Form, d *Deadline, reached map[string]bool) {
	for _, m := range []*Moment{d.From, d.To} {
		if m == nil || m.Action == "" {
			continue
		}
		a := f.action[m.Action]
		if a.From != nil && !a.From.Any && !anyOf(reached, a.From.States) {
			c.r.errorf(d.Pos, "deadline %s of %s: no state that can be reached allows action %s", d.ID, f.ID, a.ID)
		}
	}
}

// checkClock: an action that only the clock may do needs something that makes the clock do it.
func (c *book) checkClock() {
	done := map[string]bool{}
	for _, o := range c.l.books {
		o.eachEffect(func(_ *Form, e *Effect) {
			if e.Kind == "do" {
				done[e.Action] = true
			}
			if e.Send != nil {
				done[e.Send.Gone] = true
			}
		})
	}
	for _, f := range c.Forms {
		for _, a := range f.Actions {
			if a.Implicit || a.By == nil || len(a.By.Items) == 0 || f.Kept != "" || a.Auto != nil || done[a.ID] {
				continue
			}
			clock := true
			for _, it := range a.By.Items {
				clock = clock && it.Clock
			}
			if clock {
				c.r.errorf(a.Pos, "action %s of %s is done by the clock alone, and nothing makes it: give auto:, or do it in an effect", a.ID, f.ID)
			}
		}
	}
}

// checkRoles: names that stand for roles.
func (c *book) checkRoles() {
	if c.Admin != "" && c.role(c.Admin) == nil {
		c.r.hintf(c.src.header.pos, meant(c.Admin, c.roleNames()), "admin: there is no role %q", c.Admin)
	}
}

func (c *book) checkHeader() {
	for _, m := range c.Must {
		if c.Book.Parameter(m.Param) == nil {
			c.r.errorf(m.Pos, "must: there is no parameter %q", m.Param)
		}
	}
	for _, id := range c.MayOff {
		if c.clauses[id] == nil {
			c.r.hintf(c.src.header.pos, meant(id, sortedKeys(c.clauses)), "may_off: clause %s is not in clauses.yaml", id)
		}
	}
}

// settleStored settles which computed fields are stored, and gives the live ones to the SQL half.
func (c *book) settleStored() {
	for _, f := range c.Forms {
		for _, fd := range f.Fields {
			c.stored(fd)
		}
		// A field that reads a live field of its own record is live itself.
		for again := true; again; {
			again = false
			for _, fd := range f.Fields {
				if fd.Stored && c.readsLive(f, fd) {
					fd.Stored, again = false, true
				}
			}
		}
		for _, fd := range f.Fields {
			if fd.Value == nil || fd.Stored {
				continue
			}
			c.l.settle(f.Key, fd.ID, func(x *expr.Field) {
				x.Column = ""
				if len(fd.Value.Cases) == 1 && fd.Value.Cases[0].When == nil {
					x.Live = fd.Value.Cases[0].Is
				}
			})
			fd.Column = ""
		}
	}
}

func (c *book) readsLive(f *Form, fd *Field) bool {
	for _, k := range fd.Value.Cases {
		for _, e := range []*expr.Expr{k.When, k.Is} {
			if e == nil {
				continue
			}
			for _, p := range e.Reads() {
				if g := f.field[p.Field]; p.Object == f.Key && g != nil && g.Value != nil && !g.Stored {
					return true
				}
			}
		}
	}
	return false
}

// checkParameters asks the checks of parameters with their shipped values.
func (c *book) checkParameters() {
	for _, p := range c.Parameters {
		if p.Default == nil && len(p.Rows) == 0 {
			continue
		}
		for _, k := range p.Check {
			c.checkShipped(p, k)
		}
	}
}

// eachEffect visits every effect of the book with the form whose record is this, nil if there is none.
func (c *book) eachEffect(visit func(*Form, *Effect)) {
	all := func(f *Form, list []*Effect) {
		for _, e := range list {
			visit(f, e)
		}
	}
	for _, f := range c.Forms {
		for _, fd := range f.Fields {
			all(f, fd.Changed)
		}
		for _, a := range f.Actions {
			all(f, a.Do)
		}
		for _, d := range f.Deadlines {
			all(f, d.Late)
			for _, s := range d.Step {
				all(f, s.Do)
			}
		}
	}
	for _, d := range c.Duties {
		f := c.l.lib.Forms[d.Of]
		all(f, d.Late)
		all(f, d.Do)
		for _, s := range d.Step {
			all(f, s.Do)
		}
	}
	for _, o := range c.Offences {
		all(nil, o.Do)
		for _, r := range o.Ladder {
			all(nil, r.Do)
		}
	}
	for _, q := range c.Quotas {
		all(c.l.lib.Forms[q.Of], q.Over)
	}
	for _, k := range c.Checklists {
		for _, it := range k.Item {
			all(k.Form, it.Do)
		}
	}
	for _, g := range c.Ledgers {
		if g.Close != nil {
			all(nil, g.Close.Do)
		}
	}
}

// checkCycles: one act's effects all happen in one transaction; going round they would never end.
func (l *loader) checkCycles() {
	edges := map[string][]string{}
	at := map[string]*Effect{}
	for _, b := range l.lib.Books {
		for _, f := range b.Forms {
			for _, a := range f.Actions {
				from := f.Key + "." + a.ID
				for _, e := range a.Do {
					to := ""
					switch {
					case e.Kind == "create" && e.Form != "":
						to = e.Form + ".create"
					case e.Kind == "do" && e.Action != "":
						g := f
						if e.For != nil {
							if g = (&book{l: l}).formOfType(e.For.Type()); g == nil {
								continue
							}
						}
						to = g.Key + "." + e.Action
					default:
						continue
					}
					edges[from] = append(edges[from], to)
					at[from+">"+to] = e
				}
			}
		}
	}
	const (
		fresh = iota
		open
		closed
	)
	state := map[string]int{}
	var path []string
	var visit func(string)
	visit = func(n string) {
		state[n] = open
		path = append(path, n)
		for _, to := range edges[n] {
			switch state[to] {
			case fresh:
				visit(to)
			case open:
				from := 0
				for i, p := range path {
					if p == to {
						from = i
					}
				}
				var words []string
				for _, p := range append(append([]string{}, path[from:]...), to) {
					_, w, _ := strings.Cut(p, ".")
					words = append(words, w)
				}
				l.r.errorf(at[n+">"+to].Pos, "effects go round: %s", strings.Join(words, " → "))
			}
		}
		path = path[:len(path)-1]
		state[n] = closed
	}
	names := sortedKeys(edges)
	sort.Strings(names)
	for _, n := range names {
		if state[n] == fresh {
			visit(n)
		}
	}
}

// readField is the field an expression reads of a form or line, nil if it reads something else.
func (l *loader) readField(object, id string) *Field {
	if f := l.lib.Forms[object]; f != nil {
		return f.field[id]
	}
	form, line, ok := cutLast(object)
	if f := l.lib.Forms[form]; ok && f != nil && f.line[line] != nil {
		return f.line[line].field[id]
	}
	return nil
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// checkMasks: a value worked out from a classified field would carry it past its mask, into another field or a report's column.
func (c *book) checkMasks() {
	shows := func(v *Value, into *Field, what string, pos Pos) {
		if v == nil {
			return
		}
		for _, k := range v.Cases {
			if k.Is == nil || k.Is.Type().Kind == expr.KBool {
				continue
			}
			for _, p := range k.Is.Reads() {
				from := c.l.readField(p.Object, p.Field)
				if from == nil || from.Class == nil {
					continue
				}
				f := from.Form
				if from.Personal && into != nil && into.Class != nil && !into.Personal {
					c.r.errorf(pos, "%s shows %s of %s, which is personal and kept encrypted: give it a personal class too, or leave it out", what, p.Field, f.ID)
					return
				}
				if into == nil || into.Class == nil {
					c.r.errorf(pos, "%s shows %s of %s, which is classified %s: give it a class too, or leave it out", what, p.Field, f.ID, from.Class.Class.ID)
					return
				}
			}
		}
	}
	for _, f := range c.Forms {
		if f.Report != nil {
			for _, col := range f.Report.Column {
				shows(col.Is, f.line["rows"].field[col.ID], "column "+col.ID+" of report "+f.ID, col.Pos)
			}
		}
		fields := f.Fields
		for _, l := range f.Lines {
			fields = append(fields[:len(fields):len(fields)], l.Fields...)
		}
		for _, fd := range fields {
			shows(fd.Value, fd, "field "+fd.ID+" of "+f.ID, fd.Pos)
			shows(fd.Default, fd, "the default of field "+fd.ID+" of "+f.ID, fd.Pos)
		}
	}
}
