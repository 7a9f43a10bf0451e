package engine

import (
	"fmt"
	"slices"
	"strings"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// Who sees which records. A person sees the records of a book's forms in the units that adopted it,
// where he belongs to one of them (by his place, by a role held there, or as its head or a head above);
// platform forms are open to all; the engine's registers show a person his own rows, and to auditors,
// administrators and heads those of their units. Beyond that a record is seen by whom it names and by
// who may act on it. What one may not see does not exist for him.
//
// People of an outside organisation belong to no unit of ours. They see what a form's class grants them by a role they
// hold, what names them and what they are called to act on; of the platform's forms their own house.

// scope is what a reader sees of one form: everything, nothing, or rows that meet a condition.
type scope struct {
	all, none bool
	units     map[string]bool // record's unit is one of these
	own       []string        // columns that name a person: a row that names the reader is his
	in        []string        // columns with a list of persons
	ids       []string        // these records
	shared    []string        // of saved views: the unit in for_unit is one of these
	named     map[string]bool // units with rows that name the reader, once asked: see ownRowsIn
}

// scopeOf works the scope out once per form and unit of work.
func (w *work) scopeOf(f *rulebook.Form) *scope {
	if s := w.scopes[f.Key]; s != nil {
		return s
	}
	if w.scopes == nil {
		w.scopes = map[string]*scope{}
	}
	s := w.makeScope(f)
	w.scopes[f.Key] = s
	return s
}

func (w *work) makeScope(f *rulebook.Form) *scope {
	if w.actor.System || w.actor.Clock {
		return &scope{all: true}
	}
	if w.blind() {
		return &scope{none: true}
	}
	if f.Key == savedViewForm { // how somebody looks at a list is his own, or his unit's
		return &scope{own: []string{"by"}, shared: w.sharedUnits()}
	}
	if f.Key == exportRequestForm && !w.world.has(w.me.id, "auditor", w.now) { // it says what somebody looks for
		return &scope{own: []string{"by"}, in: []string{"signers"}}
	}
	house := w.world.outside(w.me.id)
	if f.Kept == "platform" && house == "" {
		return &scope{all: true}
	}
	s := &scope{units: map[string]bool{}}
	for _, fd := range f.Fields {
		if live(fd) {
			continue
		}
		if fd.Type.Expr.Kind == expr.KObject && fd.Type.Expr.Object == "base.person" {
			s.own = append(s.own, fd.ID)
		} else if listsPeople(fd) {
			s.in = append(s.in, fd.ID)
		}
	}
	me := w.me.id
	if f.Kept == "platform" {
		return w.ownHouse(f, s, house)
	}
	if f.Kept == "engine" {
		if f.Key == "base.notice" { // what was told to somebody is his alone
			s.in = nil
			return s
		}
		// the limits of cases that an administrator may not see are not his either: they would be counted and could not be opened
		if w.world.has(me, "auditor", w.now) || w.world.has(me, "admin", w.now) && f.Key != "base.clock" {
			s.all = true
			return s
		}
		if house != "" {
			return s
		}
		shared := f.Key == "base.clock" || f.Key == "base.copy" || f.Key == "base.signature" || f.Key == "base.snapshot" || f.Key == "base.voided" || f.Key == letterForm
		for u := range w.world.units {
			if w.headOver(u) || (shared && w.belongsAny(u)) {
				s.units[u] = true
			}
		}
		return s
	}
	s.own = append(s.own, "by")
	if w.world.has(me, "auditor", w.now) {
		return &scope{all: true}
	}
	if house != "" && f.Class == nil {
		return s
	}
	for u := range w.world.units {
		if w.belongs(f.Book, u) && !(f.House && w.othersHouse(u)) {
			s.units[u] = true
		}
	}
	return s
}

// othersHouse tells whether a unit lies in a house, which is a unit that has adopted a regulation, and the reader in other houses alone: papers
// that the base has for all are not for him. Who belongs to no house, or stands above this one, is the group's.
func (w *work) othersHouse(unit string) bool {
	if w.headOver(unit) {
		return false
	}
	places, _ := w.places(nil)
	housed, others := false, false
	for _, a := range w.world.adoptions {
		if a.book == "base" || !w.world.within(unit, a.unit) {
			continue
		}
		housed = true
		if _, whole := w.places(w.e.Lib.Book(a.book)); whole {
			return false
		}
		if slices.ContainsFunc(places, func(p string) bool { return w.world.within(p, a.unit) }) {
			return false
		}
	}
	for _, p := range places {
		in := slices.ContainsFunc(w.world.adoptions, func(a adoption) bool { return a.book != "base" && w.world.within(p, a.unit) })
		if !in {
			return false
		}
		others = true
	}
	return housed && others
}

// blind tells whether the reader sees nothing at all, of whatever form.
func (w *work) blind() bool {
	return !w.actor.System && !w.actor.Clock && (w.me == nil || !w.world.active(w.me.id))
}

// ownHouse is what an outsider sees of a platform form: the people and units of his own house, and what names him.
func (w *work) ownHouse(f *rulebook.Form, s *scope, house string) *scope {
	switch f.Key {
	case "base.calendar_day":
		return &scope{all: true}
	case "base.person":
		s.own, s.ids = nil, w.world.membersOf(house, w.now)
	case "base.unit":
		s.own = nil
		for _, u := range sortedKeys(w.world.units) {
			if w.world.within(u, house) {
				s.ids = append(s.ids, u)
			}
		}
	}
	return s
}

// headOver tells whether the reader is head of the unit or of one above it.
func (w *work) headOver(unit string) bool {
	for u := range w.world.chain(unit) {
		if x := w.world.units[u]; x != nil && x.head == w.me.id {
			return true
		}
	}
	return false
}

// places are the units the reader belongs to: his own, and those he holds a role in. whole: he holds a
// role of this book for the whole company.
func (w *work) places(b *rulebook.Book) (units []string, whole bool) {
	if p := w.world.people[w.me.id]; p != nil && p.unit != "" {
		units = append(units, p.unit)
	}
	for _, g := range w.world.rolesOf(w.me.id, w.now) {
		if g.unit != "" {
			units = append(units, g.unit)
		} else if b != nil && b.ID != "base" && b.Role(g.role) != nil {
			whole = true
		}
	}
	return units, whole
}

// adopters are the units that adopted a book up to now, ended adoptions included: old records stay readable.
func (w *work) adopters(b *rulebook.Book) []string {
	var list []string
	today := calendar.DateOf(w.now, w.world.calendar.Zone)
	for i := range w.world.adoptions {
		a := &w.world.adoptions[i]
		if a.book == b.ID && !today.Before(a.from) && !contains(list, a.unit) {
			list = append(list, a.unit)
		}
	}
	// Where nothing is adopted yet the whole company works with all of it; later what nobody adopted opens no unit to another.
	if len(list) == 0 && w.world.top != "" && (b.ID == "base" || !w.anyAdopted()) {
		list = append(list, w.world.top)
	}
	return list
}

// anyAdopted tells whether any unit has adopted a regulation.
func (w *work) anyAdopted() bool {
	return slices.ContainsFunc(w.world.adoptions, func(a adoption) bool { return a.book != "base" })
}

// belongs tells whether records of a book in a unit are within the reader's reach.
func (w *work) belongs(b *rulebook.Book, unit string) bool {
	if w.headOver(unit) {
		return true
	}
	places, whole := w.places(b)
	for _, a := range w.adopters(b) {
		if !w.world.within(unit, a) {
			continue
		}
		if whole {
			return true
		}
		for _, p := range places {
			if w.world.within(p, a) {
				return true
			}
		}
	}
	return false
}

// belongsAny asks the regulations alone: the base is everybody's, so it would let the whole company look into the clocks
// and papers of each unit.
func (w *work) belongsAny(unit string) bool {
	for _, b := range w.e.Lib.Books {
		if b.ID != "base" && w.belongs(b, unit) {
			return true
		}
	}
	return false
}

// where is what the reader may see of a form as a condition over rows of its table; nil = all.
func (w *work) where(f *rulebook.Form, alias string) query.Expr {
	return query.And(w.whereScope(f, alias), w.whereClass(f, alias))
}

// whereClass is the form's own secrecy as a condition. A class that looks at no record is asked once a unit.
func (w *work) whereClass(f *rulebook.Form, alias string) query.Expr {
	c := f.Class
	if c == nil || c.Class == nil || w.actor.System || w.actor.Clock {
		return nil
	}
	see := c.Class.See
	if x := c.Class.PerForm[f.Key]; x != nil {
		see = x
	}
	if see == nil {
		return nil
	}
	if strings.Contains(see.Text(), "this") {
		return w.whereClassRow(f, see, alias)
	}
	args := []query.Expr{query.Col{Alias: alias, Name: "unit"}}
	for _, u := range sortedKeys(w.world.units) {
		if w.classSeen(w.blank(f, u)) {
			args = append(args, query.Const{Value: u})
		}
	}
	if len(args) == len(w.world.units)+1 {
		return nil
	}
	return query.Op{Name: "in", Args: args}
}

// whereClassRow asks a class that looks at the record. Roles mean their holders near the record, so it is asked as each
// unit understands it; units that mean the same are asked together.
func (w *work) whereClassRow(f *rulebook.Form, see *expr.Expr, alias string) query.Expr {
	if fd := f.OwnerAsked(see); fd != nil {
		return w.whereClassOwner(f, fd, alias)
	}
	if alias != "this" {
		return query.Op{Name: "or"} // it cannot be asked of many rows at once: none is shown
	}
	means := map[string]query.Expr{}
	units := map[string][]query.Expr{}
	for _, u := range sortedKeys(w.world.units) {
		r := w.blank(f, u)
		view := w.view(r)
		q := query.Expr(query.Op{Name: "and"}) // asleep: open
		if view.Awake(&f.Class.Node) && view.Awake(&f.Class.Class.Node) {
			var ok bool
			if q, ok = see.Query("this", w.scope(r, view, nil)); !ok {
				q = query.Op{Name: "or"}
			}
		}
		key := fmt.Sprintf("%v", q)
		means[key], units[key] = q, append(units[key], query.Const{Value: u})
	}
	var any []query.Expr
	for _, key := range sortedKeys(means) {
		if len(means) == 1 {
			return means[key]
		}
		any = append(any, query.And(query.Op{Name: "in", Args: append([]query.Expr{query.Col{Alias: alias, Name: "unit"}}, units[key]...)}, means[key]))
	}
	return query.Op{Name: "or", Args: any}
}

// whereClassOwner asks a class that looks at nothing of a record but whose it is: once a unit, of a record of that unit's.
func (w *work) whereClassOwner(f *rulebook.Form, fd *rulebook.Field, alias string) query.Expr {
	own, named := []query.Expr{query.Col{Alias: alias, Name: "unit"}}, []query.Expr{query.Col{Alias: alias, Name: fd.ID}}
	for _, u := range sortedKeys(w.world.units) {
		r := w.blank(f, u)
		r.row[fd.ID] = u
		if w.classSeen(r) {
			own, named = append(own, query.Const{Value: u}), append(named, query.Const{Value: u})
		}
	}
	if len(own) == 1 {
		return query.Op{Name: "or"}
	}
	return query.And(query.Op{Name: "in", Args: own}, query.Op{Name: "in", Args: named})
}

func (w *work) whereScope(f *rulebook.Form, alias string) query.Expr {
	s := w.scopeOf(f)
	seen := w.whereOfSeen(f, alias)
	switch {
	case s.none:
		return query.Op{Name: "or"}
	case s.all && seen == nil:
		return nil
	case s.all:
		return query.Op{Name: "or", Args: []query.Expr{seen, query.Op{Name: "or", Args: w.whereOwn(s, alias)}}}
	}
	var any []query.Expr
	if len(s.units) > 0 {
		args := []query.Expr{query.Col{Alias: alias, Name: "unit"}}
		for _, u := range sortedKeys(s.units) {
			args = append(args, query.Const{Value: u})
		}
		any = append(any, query.And(query.Op{Name: "in", Args: args}, seen))
	}
	any = append(any, w.whereOwn(s, alias)...)
	or := query.Op{Name: "or", Args: append(any, whereShared(s, alias)...)} // of nothing: no row
	if len(s.units) > 0 {
		return query.Op{Name: "looked", Args: []query.Expr{or}}
	}
	return or
}

// whereShared are the rows that are for one of the reader's units.
func whereShared(s *scope, alias string) (any []query.Expr) {
	for _, u := range s.shared {
		any = append(any, query.Eq(alias, "for_unit", u))
	}
	return any
}

// whereOwn are the ways in which a row is the reader's own.
func (w *work) whereOwn(s *scope, alias string) (any []query.Expr) {
	for _, c := range s.own {
		any = append(any, query.Eq(alias, c, w.me.id))
	}
	for _, c := range s.in {
		any = append(any, holds(alias, c, w.me.id))
	}
	for _, id := range s.ids {
		any = append(any, query.Eq(alias, "id", id))
	}
	return any
}

// whereOfSeen: the engine's registers speak of records, and of those of a secret form only to who may know of them.
func (w *work) whereOfSeen(f *rulebook.Form, alias string) query.Expr {
	if f.Kept != "engine" || f.Field("of_form") == nil || w.actor.System || w.actor.Clock {
		return nil
	}
	return w.whereOf(alias, w.ofSeen)
}

// whereOf is the condition that a row of the engine's registers speaks of a record somebody may know of; knows tells it of all
// records of a secret form in a unit.
func (w *work) whereOf(alias string, knows func(secret *rulebook.Form, unit string) bool) query.Expr {
	var all query.Expr
	of := query.Col{Alias: alias, Name: "of_form"}
	for _, b := range w.e.Lib.Books {
		for _, secret := range b.Forms {
			if secret.Class == nil {
				continue
			}
			args := []query.Expr{query.Col{Alias: alias, Name: "unit"}}
			for _, u := range sortedKeys(w.world.units) {
				if knows(secret, u) {
					args = append(args, query.Const{Value: u})
				}
			}
			if len(args) == len(w.world.units)+1 {
				continue
			}
			all = query.And(all, query.Op{Name: "or", Args: []query.Expr{query.Op{Name: "isnull", Args: []query.Expr{of}}, query.Op{Name: "<>", Args: []query.Expr{of, query.Const{Value: secret.Key}}}, query.Op{Name: "in", Args: args}}})
		}
	}
	return all
}

// ofSeen tells whether the reader may know of every record of a form in a unit.
func (w *work) ofSeen(f *rulebook.Form, unit string) bool {
	c := f.Class
	if c == nil || c.Class == nil {
		return true
	}
	see := c.Class.See
	if x := c.Class.PerForm[f.Key]; x != nil {
		see = x
	}
	r := w.blank(f, unit)
	if view := w.view(r); !view.Awake(&c.Node) || !view.Awake(&c.Class.Node) {
		return true
	}
	if see == nil || !asksThis(see) {
		return see == nil || w.classSeen(r)
	}
	q, ok := see.Query("this", w.scope(r, w.view(r), nil))
	return ok && always(q)
}

// always tells whether a condition holds of every row: true itself, or true beside anything.
func always(q query.Expr) bool {
	switch x := q.(type) {
	case query.Const:
		return x.Value == true
	case query.Op:
		return x.Name == "or" && slices.ContainsFunc(x.Args, always) || x.Name == "and" && !slices.ContainsFunc(x.Args, func(a query.Expr) bool { return !always(a) })
	}
	return false
}

// holds: a JSON list column contains this id.
func holds(alias, column, id string) query.Expr {
	return query.Op{Name: "contains", Args: []query.Expr{query.Col{Alias: alias, Name: column}, query.Const{Value: `"` + id + `"`}}}
}

// maySee tells whether a record exists for the reader.
func (w *work) maySee(r *Record) bool {
	if w.actor.System || w.actor.Clock {
		return true
	}
	s := w.scopeOf(r.form)
	if s.none {
		return false
	}
	if !w.classSeen(r) {
		return false
	}
	if (s.all || s.units[r.unitID()]) && w.speaksOfSeen(r) || r.fresh {
		return true
	}
	if contains(s.ids, r.id) {
		return true
	}
	if len(s.shared) > 0 && contains(s.shared, str(r.row["for_unit"])) {
		return true
	}
	for _, c := range s.own {
		if str(r.row[c]) == w.me.id {
			return true
		}
	}
	for _, c := range s.in {
		if contains(idList(r.row[c]), w.me.id) {
			return true
		}
	}
	return r.form.Key != "base.notice" && w.mayActOn(r)
}

// speaksOfSeen is whereOfSeen for one row.
func (w *work) speaksOfSeen(r *Record) bool {
	if r.form.Kept != "engine" || r.form.Field("of_form") == nil {
		return true
	}
	of := w.e.Lib.Form(str(r.row["of_form"]))
	return of == nil || w.ofSeen(of, r.unitID())
}

// mayActOn: whom a rule calls to act on a record sees it, wherever he sits.
func (w *work) mayActOn(r *Record) bool {
	view := w.view(r)
	for _, a := range r.form.Actions {
		if a.Implicit || a.By == nil || a.ID == "create" || !view.Awake(&a.Node) || !stateAllows(a, r.State()) {
			continue
		}
		ids := w.whoMay(r, a)
		if contains(ids, w.me.id) {
			return true
		}
		for _, away := range w.world.standsInFor(w.me.id, w.now) {
			if contains(ids, away) {
				return true
			}
		}
	}
	return false
}

// classSeen asks the form's own secrecy: a record of a secret form is not there for others.
func (w *work) classSeen(r *Record) bool {
	c := r.form.Class
	if c == nil || c.Class == nil {
		return true
	}
	view := w.view(r)
	if !view.Awake(&c.Node) || !view.Awake(&c.Class.Node) {
		return true
	}
	return w.sees(c.Class, r, view)
}
