package engine

import (
	"encoding/json"
	"iter"
	"maps"
	"sort"
	"strings"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// world is a snapshot of what nearly every decision asks: who holds which role where, who is away,
// which unit adopted which book with which values, and which days count. It is replaced whole
// when one of the base forms behind it changes.
type world struct {
	version    string
	top        string // the unit without a parent
	units      map[string]*unitInfo
	people     map[string]*personInfo
	held       map[string][]grant // by person
	filled     map[string][]grant // by role
	absences   []absence
	adoptions  []adoption
	values     []paramValue
	unitValues bool // some value is of one unit only
	calendar   *calendar.Calendar
	spoken     rulebook.Spoken // texts of the rulebooks and of this company in two languages
	views      map[viewKey]*rulebook.View
	e          *Engine
}

type unitInfo struct {
	id, name, parent, head string
	outside                bool // of another organisation: nobody there belongs to the units above
	company                bool // with a name of its own on paper
}
type personInfo struct {
	id, name, unit, superior, post, account string
	active                                  bool
}
type grant struct {
	person, role, unit string
	from, until        calendar.Date
}
type absence struct {
	person, standIn string
	from, until     time.Time
}
type adoption struct {
	id, unit, book, version string
	from, until             calendar.Date
	off                     map[string]bool
	woken                   map[string]bool
}
type paramValue struct {
	book, param, unit, raw string
	from                   calendar.Date
}

// metaWorld is where meta says which version of all that a snapshot holds is current.
const metaWorld = "world"

// worldForms are the base forms whose change makes the snapshot stale.
var worldForms = map[string]bool{"base.unit": true, "base.person": true, "base.role_grant": true, "base.absence": true,
	"base.adoption": true, "base.param_value": true, "base.calendar_day": true}

// worldOf answers the current snapshot, reading it anew when a base form changed here or on another node.
func (e *Engine) worldOf(w *work) (*world, error) {
	version := ""
	if e.DB.Dialect() != "sqlite" { // before the lock: the question may wait for another act, which may need the lock
		var err error
		if version, err = w.worldVersion(); err != nil {
			return nil, err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.world != nil && !e.stale.Load() && (version == e.world.version || e.DB.Dialect() == "sqlite") {
		return e.world, nil
	}
	e.stale.Store(false)
	wd, err := w.readWorld()
	if err != nil {
		e.stale.Store(true)
		return nil, err
	}
	if e.world != nil && e.DB.Dialect() != "sqlite" {
		e.keep.Forget() // another node may have destroyed keys
	}
	e.world = wd
	return wd, nil
}

// worldVersion is bumped in the transaction that changes a world form or erases somebody; nodes compare it. Where a newer program
// has begun to work on the database meanwhile, this one does nothing more.
func (w *work) worldVersion() (string, error) {
	rows, err := w.tx.Select(query.Select{Table: "meta", Alias: "m", Where: query.Op{Name: "in", Args: []query.Expr{
		query.Col{Alias: "m", Name: "key"}, query.Const{Value: metaWorld}, query.Const{Value: metaErased},
		query.Const{Value: store.GenerationKey}}},
		Order: []query.Order{{Expr: query.Col{Alias: "m", Name: "key"}}}})
	s := ""
	for _, row := range rows {
		if str(row["key"]) == store.GenerationKey {
			err = store.Newer(str(row["value"]))
		}
		s += str(row["key"]) + "=" + str(row["value"]) + ";"
	}
	return s, err
}

// worldChanged makes this transaction read the world anew, and everybody else after the commit.
func (w *work) worldChanged() error {
	if err := w.flush(); err != nil {
		return err
	}
	if err := w.tx.Upsert("meta", []string{"key"}, store.Row{"key": metaWorld, "value": w.e.opts.NewID()}); err != nil {
		return err
	}
	wd, err := w.readWorld()
	if err != nil {
		return err
	}
	w.world = wd
	w.tx.OnCommit(func() { w.e.stale.Store(true) })
	return nil
}

func (w *work) rows(form string) ([]store.Row, error) {
	f := w.e.Lib.Form(form)
	return w.tx.Select(query.Select{Table: f.Table, Alias: "t", Order: []query.Order{{Expr: query.Col{Alias: "t", Name: "at"}}, {Expr: query.Col{Alias: "t", Name: "id"}}}})
}

func (w *work) readWorld() (*world, error) {
	wd := &world{e: w.e, units: map[string]*unitInfo{}, people: map[string]*personInfo{}, held: map[string][]grant{}, filled: map[string][]grant{}, views: map[viewKey]*rulebook.View{}, calendar: w.e.Lib.Days.Calendar()}
	var err error
	if wd.version, err = w.worldVersion(); err != nil {
		return nil, err
	}
	each := func(form string, fn func(store.Row)) {
		if err != nil {
			return
		}
		var rows []store.Row
		if rows, err = w.rows(form); err == nil {
			for _, r := range rows {
				if r["state"] != "void" {
					fn(r)
				}
			}
		}
	}
	each("base.unit", func(r store.Row) {
		u := &unitInfo{id: str(r["id"]), name: str(r["name"]), parent: str(r["parent"]), head: str(r["head"])}
		wd.units[u.id] = u
		if u.parent == "" && wd.top == "" {
			wd.top = u.id
		}
		switch str(r["kind"]) {
		case "outside":
			u.outside, u.parent = true, ""
		case "company", "subsidiary":
			u.company = true
		}
	})
	each("base.person", func(r store.Row) {
		active, ok := r["active"].(bool)
		wd.people[str(r["id"])] = &personInfo{id: str(r["id"]), name: str(r["name"]), unit: str(r["unit"]), superior: str(r["superior"]),
			post: str(r["post"]), account: str(r["account"]), active: active || !ok}
	})
	each("base.role_grant", func(r store.Row) {
		if !counts(r) {
			return
		}
		g := grant{person: str(r["person"]), role: str(r["role"]), unit: str(r["unit"]), from: day(r["from"]), until: day(r["until"])}
		wd.held[g.person], wd.filled[g.role] = append(wd.held[g.person], g), append(wd.filled[g.role], g)
	})
	each("base.absence", func(r store.Row) {
		a := absence{person: str(r["person"]), standIn: str(r["stand_in"])}
		a.from, a.until = moment(r["from"], wd.calendar.Zone, false), moment(r["until"], wd.calendar.Zone, true)
		wd.absences = append(wd.absences, a)
	})
	each("base.adoption", func(r store.Row) {
		a := adoption{id: str(r["id"]), unit: str(r["unit"]), book: str(r["book"]), version: str(r["version"]), from: day(r["from"]), until: day(r["until"]),
			off: words(r["off"]), woken: words(r["woken"])}
		wd.adoptions = append(wd.adoptions, a)
	})
	each("base.param_value", func(r store.Row) {
		wd.values = append(wd.values, paramValue{book: str(r["book"]), param: str(r["param"]), unit: str(r["for_unit"]), raw: str(r["value"]), from: day(r["from"])})
		wd.unitValues = wd.unitValues || str(r["for_unit"]) != ""
	})
	each("base.calendar_day", func(r store.Row) {
		rule := calendar.DayRule{Name: str(r["name"])}
		switch str(r["kind"]) {
		case "off":
			rule.Off = true
		case "work":
			rule.Work = true
		}
		wd.calendar.AddHoliday(day(r["day"]), rule)
	})
	wd.spoken = maps.Clone(w.e.Lib.Spoken)
	for _, v := range wd.values {
		b := w.e.Lib.Book(v.book)
		if b == nil || !strings.Contains(v.raw, " | ") {
			continue
		}
		switch p := b.Parameter(v.param); {
		case p == nil:
		case p.Type.Name == "table":
			_, _ = rulebook.ParseRows(p, v.raw, wd.spoken) // what cannot be read is told where it is used
		default:
			_, _ = rulebook.ParseValue(p, v.raw, wd.spoken)
		}
	}
	sort.SliceStable(wd.values, func(i, j int) bool { return wd.values[i].from.Before(wd.values[j].from) })
	return wd, err
}

// counts tells whether a post is held, or was: one that awaits consent, or was not consented to, gives nothing.
func counts(grant store.Row) bool {
	state := str(grant["state"])
	return state != grantAsked && state != grantRefused
}

// States of base.role_grant.
const (
	grantAsked   = "asked"
	grantHeld    = "held"
	grantEnded   = "ended"
	grantRefused = "refused"
)

func str(v any) string { s, _ := v.(string); return s }

func day(v any) calendar.Date {
	d, err := calendar.ParseDate(str(v))
	if err != nil {
		return calendar.Date{}
	}
	return d
}

// moment reads a date (its start, or its end) or an instant.
func moment(v any, zone *time.Location, end bool) time.Time {
	if t, ok := parseInstant(v); ok {
		return t
	}
	d := day(v)
	if d == (calendar.Date{}) {
		return time.Time{}
	}
	if end {
		return d.End(zone)
	}
	return d.Start(zone)
}

// words reads a comma list or a JSON list of clause ids.
func words(v any) map[string]bool {
	m := map[string]bool{}
	s := str(v)
	var list []string
	if json.Unmarshal([]byte(s), &list) != nil {
		list = splitWords(s)
	}
	for _, x := range list {
		m[x] = true
	}
	return m
}

func inForce(from, until calendar.Date, at calendar.Date) bool {
	none := calendar.Date{}
	return (from == none || !at.Before(from)) && (until == none || !until.Before(at))
}

// chain is the unit and those above it.
func (wd *world) chain(unit string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for n := 0; unit != "" && n < 64 && yield(unit); n++ {
			u := wd.units[unit]
			if u == nil {
				return
			}
			unit = u.parent
		}
	}
}

// within tells whether unit is top or below it.
func (wd *world) within(unit, top string) bool {
	for u := range wd.chain(unit) {
		if u == top {
			return true
		}
	}
	return false
}

// outside answers the unit of another organisation that a person belongs to; "" for our own people.
func (wd *world) outside(person string) string {
	p := wd.people[person]
	if p == nil {
		return ""
	}
	for u := range wd.chain(p.unit) {
		if x := wd.units[u]; x != nil && x.outside {
			return u
		}
	}
	return ""
}

// adoptionOf is the adoption of a book nearest above a unit on a day.
func (wd *world) adoptionOf(book, unit string, at calendar.Date) *adoption {
	for u := range wd.chain(unit) {
		for i := range wd.adoptions {
			a := &wd.adoptions[i]
			if a.book == book && a.unit == u && inForce(a.from, a.until, at) {
				return a
			}
		}
	}
	return nil
}

// adopterNear is the unit whose adoption of a book counts for what the book adds to a shared record: the record's own or the nearest
// above it; else, since a shared register is kept at the top, the first below it that has adopted the book. "" if there is none.
func (wd *world) adopterNear(book, unit string, at calendar.Date) string {
	if a := wd.adoptionOf(book, unit, at); a != nil {
		return unit
	}
	for i := range wd.adoptions {
		if a := &wd.adoptions[i]; a.book == book && inForce(a.from, a.until, at) && wd.within(a.unit, unit) {
			return a.unit
		}
	}
	return ""
}

// viewKey tells apart how a book binds.
type viewKey struct {
	book                 *rulebook.Book
	opened, today        calendar.Date
	adoption, unit, near string
}

// view is a book as it binds a unit on a day: the adopted values and what sleeps.
func (wd *world) view(w *work, b *rulebook.Book, unit string, at time.Time) *rulebook.View {
	zone := wd.calendar.Zone
	opened, today := calendar.DateOf(at, zone), calendar.DateOf(w.now, zone)
	a := wd.adoptionOf(b.ID, unit, opened)
	key := viewKey{book: b, opened: opened, today: today}
	if a != nil {
		key.adoption = a.id
	}
	if wd.unitValues {
		key.unit = unit
	}
	near, since := make([]string, len(b.AddedBy)), make([]time.Time, len(b.AddedBy))
	for i, x := range b.AddedBy {
		near[i], since[i] = wd.adopterNear(x.ID, unit, opened), at
		if near[i] == "" { // the record was there before the rulebook: what is added holds for it from now on
			near[i], since[i] = wd.adopterNear(x.ID, unit, today), w.now
		}
	}
	key.near = strings.Join(near, "|")
	wd.e.mu.Lock()
	v := wd.views[key]
	wd.e.mu.Unlock()
	if v != nil {
		return v
	}
	v = &rulebook.View{Book: b, Lib: wd.e.Lib, Values: map[string]expr.Value{}, Rows: map[string][]map[string]expr.Value{}, Asleep: map[string]bool{},
		WakeLegal: wd.e.opts.WakeLegal, Trace: wd.e.opts.Trace}
	for c := range wd.e.opts.Asleep {
		v.Asleep[c] = true
	}
	if a != nil {
		v.Unit = a.unit
		v.Adoption = a.id
		for c := range a.off {
			v.Asleep[c] = true
		}
		v.Legal = a.woken
	} else {
		v.Unit = wd.top
	}
	for _, p := range b.Parameters {
		v.Values[p.ID] = p.Default
		v.Rows[p.ID] = p.Rows
		on := opened
		if p.Current {
			on = today
		}
		for _, pv := range wd.values { // ascending by date: the last that is in force wins
			if pv.book != b.ID || pv.param != p.ID || on.Before(pv.from) {
				continue
			}
			if pv.unit != "" && !wd.within(unit, pv.unit) {
				continue
			}
			if p.Type.Name == "table" {
				if rows, err := rulebook.ParseRows(p, pv.raw, nil); err == nil {
					v.Rows[p.ID] = rows
				}
			} else if x, err := rulebook.ParseValue(p, pv.raw, nil); err == nil {
				v.Values[p.ID] = x
			}
		}
	}
	wd.lent(w, b, unit, at, v)
	off, err := b.Delayed(v, w.scope(nil, v, nil), today)
	if err != nil {
		off = map[string]bool{"all": true} // what cannot be told to be in force is not
	}
	v.Off = off
	for i, x := range b.AddedBy {
		if near[i] != "" {
			if v.Beside == nil {
				v.Beside = map[*rulebook.Book]*rulebook.View{}
			}
			v.Beside[x] = wd.view(w, x, near[i], since[i])
		}
	}
	wd.e.mu.Lock()
	wd.views[key] = v
	if len(wd.views) > 20000 {
		wd.views = map[viewKey]*rulebook.View{key: v}
	}
	wd.e.mu.Unlock()
	return v
}

// holders are the active persons with a role in the unit or the nearest above that has any.
// unit "" asks the whole company.
func (wd *world) holders(role, unit string, at time.Time) []string {
	on := calendar.DateOf(at, wd.calendar.Zone)
	find := func(u string, any bool) []string {
		var list []string
		for _, g := range wd.filled[role] {
			if (any || g.unit == u) && inForce(g.from, g.until, on) && wd.active(g.person) && !contains(list, g.person) {
				list = append(list, g.person)
			}
		}
		return list
	}
	if unit == "" {
		return find("", true)
	}
	for u := range wd.chain(unit) {
		if list := find(u, false); len(list) > 0 {
			return list
		}
	}
	return find("", false) // company-held roles carry no unit
}

func (wd *world) active(person string) bool { p := wd.people[person]; return p != nil && p.active }

// roles of a person on a day, with their units.
func (wd *world) rolesOf(person string, at time.Time) []grant {
	on := calendar.DateOf(at, wd.calendar.Zone)
	var list []grant
	for _, g := range wd.held[person] {
		if inForce(g.from, g.until, on) {
			list = append(list, g)
		}
	}
	return list
}

func (wd *world) has(person, role string, at time.Time) bool {
	on := calendar.DateOf(at, wd.calendar.Zone)
	for _, g := range wd.held[person] {
		if g.role == role && inForce(g.from, g.until, on) {
			return true
		}
	}
	return false
}

// absentAt tells whether a person is away, and who stands in.
func (wd *world) absentAt(person string, at time.Time) (bool, string) {
	for _, a := range wd.absences {
		if a.person == person && !at.Before(a.from) && (a.until.IsZero() || at.Before(a.until)) {
			return true, a.standIn
		}
	}
	return false, ""
}

// standsInFor are the absent persons whom this one replaces now.
func (wd *world) standsInFor(person string, at time.Time) []string {
	var list []string
	for _, a := range wd.absences {
		if a.standIn == person && !at.Before(a.from) && (a.until.IsZero() || at.Before(a.until)) {
			list = append(list, a.person)
		}
	}
	return list
}

// superiorOf is the person's superior: stated, else the head of his unit, else of the nearest unit above.
func (wd *world) superiorOf(person string) string {
	p := wd.people[person]
	if p == nil {
		return ""
	}
	if p.superior != "" {
		return p.superior
	}
	for u := range wd.chain(p.unit) {
		if x := wd.units[u]; x != nil && x.head != "" && x.head != person {
			return x.head
		}
	}
	return ""
}

// companyOf is the name of the company that a unit belongs to, as it stands on paper; "" if none says that it is one.
func (wd *world) companyOf(unit string) string {
	for u := range wd.chain(unit) {
		if x := wd.units[u]; x != nil && x.company {
			return x.name
		}
	}
	return ""
}

// headOf is the head of a unit, or of the nearest above it that has one.
func (wd *world) headOf(unit string) string {
	for u := range wd.chain(unit) {
		if x := wd.units[u]; x != nil && x.head != "" {
			return x.head
		}
	}
	return ""
}

// membersOf are the active persons who belong to a unit.
func (wd *world) membersOf(unit string, at time.Time) []string {
	var list []string
	for id := range wd.people {
		if wd.isMember(id, unit, at) {
			list = append(list, id)
		}
	}
	sort.Strings(list)
	return list
}

// isMember tells whether an active person's place is in the unit or below it, or a role he holds is: who works in two units belongs to
// both. A role does not make a member of an outsider.
func (wd *world) isMember(person, unit string, at time.Time) bool {
	p := wd.people[person]
	if p == nil || !p.active {
		return false
	}
	if wd.within(p.unit, unit) {
		return true
	}
	on := calendar.DateOf(at, wd.calendar.Zone)
	for _, g := range wd.held[person] {
		if g.unit != "" && inForce(g.from, g.until, on) && wd.within(g.unit, unit) {
			return wd.outside(person) == ""
		}
	}
	return false
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
