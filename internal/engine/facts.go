package engine

import (
	"fmt"
	"strings"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// facts answers what an expression asks of the world, with the engine's eyes: nothing is masked here.
type facts struct {
	w    *work
	rec  *Record
	view *rulebook.View
}

func (f *facts) Form(object string) expr.Set {
	form := f.w.e.Lib.Form(object)
	if form == nil {
		return &set{w: f.w, object: object, err: fmt.Errorf("no form %s", object)}
	}
	return &set{w: f.w, object: form.Key, table: form.Table, form: form}
}

func (f *facts) unitOf() string {
	if f.rec != nil {
		u := f.rec.unitID()
		if v := f.view; v != nil && v.Book != f.rec.form.Book && v.Adoption != "" && f.w.world.within(v.Unit, u) {
			return v.Unit // of a shared record further up, a rulebook means those who hold the role where it was adopted
		}
		return u
	}
	if f.view != nil {
		return f.view.Unit
	}
	return ""
}

func (f *facts) Role(id string, unit expr.Record) expr.Who {
	u := f.unitOf()
	if unit != nil {
		u = unit.ID()
	}
	return people{w: f.w, ids: f.w.world.holders(id, u, f.w.now), role: id}
}

func (f *facts) RoleAt(id string, unit expr.Record, at time.Time) expr.Who {
	u := f.unitOf()
	if unit != nil {
		u = unit.ID()
	}
	return people{w: f.w, ids: f.w.world.holders(id, u, at), role: id}
}

func (f *facts) Members(unit expr.Record) expr.Who {
	if unit == nil {
		return people{w: f.w}
	}
	return people{w: f.w, ids: f.w.world.membersOf(unit.ID(), f.w.now)}
}

func (f *facts) Superior(p expr.Record) (expr.Record, error) {
	if p == nil {
		return nil, nil
	}
	return asRecord(f.w.ref("base.person", f.w.world.superiorOf(p.ID())))
}

func (f *facts) Led(fn string, by expr.Record) (ids, nobody []string, err error) {
	return f.w.led(fn, by.ID())
}

func (f *facts) Head(u expr.Record) (expr.Record, error) {
	if u == nil {
		return nil, nil
	}
	head := f.w.world.headOf(u.ID())
	if head == "" {
		return nil, nil
	}
	return asRecord(f.w.ref("base.person", head))
}

func (f *facts) UnitOf(p expr.Record, _ time.Time) (expr.Record, error) {
	if p == nil {
		return nil, nil
	}
	if x := f.w.world.people[p.ID()]; x != nil {
		return asRecord(f.w.unit(x.unit))
	}
	return nil, nil
}

func asRecord(r *Record, err error) (expr.Record, error) {
	if err != nil || r == nil {
		return nil, err
	}
	return r, nil
}

func (f *facts) Absent(who expr.Value, at time.Time) bool {
	ids := personIDs(who)
	for _, id := range ids {
		if away, _ := f.w.world.absentAt(id, at); !away {
			return false
		}
	}
	return len(ids) > 0
}

func (f *facts) Waiting(approval string, rec expr.Record) (expr.Who, error) {
	r, ok := rec.(*Record)
	if !ok {
		return people{w: f.w}, nil
	}
	a := r.form.Book.Approval(approval)
	if a == nil {
		return nil, fmt.Errorf("no approval %s", approval)
	}
	st, err := f.w.approval(r, a)
	if err != nil {
		return nil, err
	}
	return people{w: f.w, ids: st.waiting}, nil
}

func (f *facts) Approved(approval string, rec expr.Record) (bool, error) {
	r, ok := rec.(*Record)
	if !ok {
		return false, nil
	}
	a := r.form.Book.Approval(approval)
	if a == nil {
		return false, fmt.Errorf("no approval %s", approval)
	}
	st, err := f.w.approval(r, a)
	return err == nil && st.complete, err
}

func (f *facts) Rank(id string, rec expr.Record) (int64, error)   { return f.w.rank(id, rec, f.view) }
func (f *facts) Ranked(id string, rec expr.Record) (int64, error) { return f.w.ranked(id, rec, f.view) }
func (f *facts) QuotaLeft(id string, rec expr.Record) (int64, error) {
	return f.w.quotaLeft(id, rec, f.view)
}

func (f *facts) Balance(ledger string, dims []expr.Value) (expr.Value, error) {
	return f.w.balance(f.book(), ledger, dims)
}

func (f *facts) book() *rulebook.Book {
	if f.view != nil {
		return f.view.Book
	}
	if f.rec != nil {
		return f.rec.form.Book
	}
	return f.w.e.Lib.Books[0]
}

func (f *facts) Holds(ledger string, giver expr.Record, r expr.Range) (bool, error) {
	l := f.book().Ledger(ledger)
	if l == nil {
		return false, fmt.Errorf("no ledger %s", ledger)
	}
	return f.w.holds(l, giver, r)
}

func (f *facts) Param(id string) (expr.Value, bool) {
	if f.view == nil {
		return nil, false
	}
	v, ok := f.view.Of(id).Values[id]
	return v, ok && v != nil
}

func (f *facts) Rows(id string) ([]map[string]expr.Value, bool) {
	if f.view == nil {
		return nil, false
	}
	r, ok := f.view.Of(id).Rows[id]
	return r, ok && len(r) > 0
}

func (f *facts) History(rec expr.Record, field string) ([]expr.Record, error) {
	r, ok := rec.(*Record)
	if !ok {
		return nil, nil
	}
	return f.w.history(r, field)
}

func (f *facts) Calendar() *calendar.Calendar { return f.w.world.calendar }

// Same compares phones, names, id numbers and records in their normal form.
func (f *facts) Same(a, b expr.Value) bool {
	if x, ok := a.(expr.Record); ok {
		y, ok := b.(expr.Record)
		return ok && x.Object() == y.Object() && x.ID() == y.ID()
	}
	x, ok1 := a.(string)
	y, ok2 := b.(string)
	return ok1 && ok2 && normal(x) != "" && normal(x) == normal(y)
}

// normal folds width, case, spaces, dashes and a leading +86.
func normal(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 0xFF01 && r <= 0xFF5E:
			r -= 0xFEE0
		case r == 0x3000:
			return -1
		}
		if strings.ContainsRune(" -–—()", r) {
			return -1
		}
		return r
	}, s)
	s = strings.ToLower(s)
	return strings.TrimPrefix(s, "+86")
}

// people is a set of persons.
type people struct {
	w    *work
	ids  []string
	role string
}

func (p people) Has(person expr.Record) bool { return person != nil && contains(p.ids, person.ID()) }
func (p people) Persons() []expr.Record {
	var list []expr.Record
	for _, id := range p.ids {
		if r, err := p.w.ref("base.person", id); err == nil && r != nil {
			list = append(list, r)
		}
	}
	return list
}
func (p people) Of(unit expr.Record) expr.Who {
	if p.role == "" || unit == nil {
		return people{w: p.w}
	}
	return people{w: p.w, ids: p.w.world.holders(p.role, unit.ID(), p.w.now), role: p.role}
}

type members struct {
	w    *work
	unit *Record
}

func (m members) Has(person expr.Record) bool {
	return person != nil && m.w.world.isMember(person.ID(), m.unit.id, m.w.now)
}
func (m members) Persons() []expr.Record {
	return people{w: m.w, ids: m.w.world.membersOf(m.unit.id, m.w.now)}.Persons()
}
func (m members) Of(u expr.Record) expr.Who {
	if r, ok := u.(*Record); ok {
		return members{m.w, r}
	}
	return people{w: m.w}
}

func (w *work) superior(p *Record) (*Record, error) {
	return w.ref("base.person", w.world.superiorOf(p.id))
}

// personIDs flattens who, person or list into ids.
func personIDs(v expr.Value) []string {
	var ids []string
	add := func(id string) {
		if id != "" && !contains(ids, id) {
			ids = append(ids, id)
		}
	}
	switch x := v.(type) {
	case people:
		for _, id := range x.ids {
			add(id)
		}
	case expr.Who:
		for _, p := range x.Persons() {
			add(p.ID())
		}
	case expr.Record:
		add(x.ID())
	case []expr.Value:
		for _, y := range x {
			for _, id := range personIDs(y) {
				add(id)
			}
		}
	case expr.Set:
		if all, err := x.All(); err == nil {
			for _, r := range all {
				add(r.ID())
			}
		}
	case string:
		add(x)
	}
	return ids
}

// set is rows of a form not loaded yet.
type set struct {
	w      *work
	object string
	table  string
	form   *rulebook.Form
	where  query.Expr
	err    error
}

func (s *set) Object() string { return s.object }

func (s *set) Narrow(where query.Expr) expr.Set {
	c := *s
	c.where = query.And(s.where, where)
	return &c
}

func (s *set) All() ([]expr.Record, error) {
	if s.err != nil {
		return nil, s.err
	}
	if err := s.w.flush(); err != nil {
		return nil, err
	}
	rows, err := s.w.tx.Select(query.Select{Table: s.table, Alias: "it", Where: s.where,
		Order: []query.Order{{Expr: query.Col{Alias: "it", Name: "at"}}, {Expr: query.Col{Alias: "it", Name: "id"}}}})
	if err != nil {
		return nil, err
	}
	list := make([]expr.Record, len(rows))
	for i, row := range rows {
		list[i] = s.w.adopt(s.form, row)
	}
	return list, nil
}

func (s *set) Aggregate(agg string, arg query.Expr) (any, error) {
	if s.err != nil {
		return nil, s.err
	}
	if err := s.w.flush(); err != nil {
		return nil, err
	}
	return s.w.tx.Scalar(query.Sub{Agg: agg, Table: s.table, Alias: "it", Where: s.where, Arg: arg})
}

// owned are the engine's records (copies, snapshots, clocks) of one record.
func (w *work) owned(form string, r *Record) expr.Set {
	f := w.e.Lib.Form(form)
	where := query.Eq("it", "of_id", r.id)
	if r.lacks(f.Table) {
		where = query.Op{Name: "in", Args: []query.Expr{query.Col{Alias: "it", Name: "of_id"}}} // of none
	}
	return &set{w: w, object: f.Key, table: f.Table, form: f, where: where}
}
