package engine

import (
	"fmt"
	"slices"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

const stageWays = 100 // more are asked together

// stagesOf are the conditions, of which one is met, for records of a form that stand where this person may lead on; none: nowhere.
// Each is of one way to be called, and of one stage where that is not a column that names him, so that it can be asked by an index and newest first.
func (w *work) stagesOf(f *rulebook.Form, me expr.Directory) []query.Expr {
	if f.Key != exportRequestForm && (f.Kept == "platform" || f.Book.ID == "base" && f.Key != "base.sanction") {
		return nil
	}
	var any []query.Expr
	var named []*stagesNamed
	for _, a := range f.Actions {
		if a.Implicit || a.By == nil || a.From == nil || a.From.Any || onlyClock(a) {
			continue
		}
		var at []string
		for _, s := range a.From.States {
			if st := f.State(s); st != nil && !st.Final && onward(f, a, s) > 0 {
				at = append(at, s)
			}
		}
		if len(at) == 0 {
			continue
		}
		who, ok := w.mayBe(f, a.By, me)
		if !ok { // it cannot be asked who may: every record there that the reader sees is judged
			who = w.whereScope(f, "this")
		}
		for _, way := range apart(who) {
			if namesHim(way) {
				named = addStages(named, way, at)
				continue
			}
			for _, state := range at {
				any = append(any, query.And(query.Eq("this", "state", state), way))
			}
		}
	}
	for _, n := range named {
		in := query.Op{Name: "in", Args: []query.Expr{query.Col{Alias: "this", Name: "state"}}}
		for _, s := range n.states {
			in.Args = append(in.Args, query.Const{Value: s})
		}
		any = append(any, query.And(in, n.way))
	}
	if len(any) > stageWays {
		return []query.Expr{query.Op{Name: "or", Args: any}}
	}
	return any
}

// stagesNamed are the stages at which a column that names him lets him lead on. They are asked together: each alone would look through all of
// his for the few that are there.
type stagesNamed struct {
	key    string
	way    query.Expr
	states []string
}

// namesHim tells whether a condition is that a column of the record names one of a few.
func namesHim(way query.Expr) bool {
	op, ok := way.(query.Op)
	if !ok || op.Name != "in" && op.Name != "=" || len(op.Args) == 0 {
		return false
	}
	c, ok := op.Args[0].(query.Col)
	return ok && c.Alias == "this" && c.Name != "unit" && c.Name != "state"
}

func addStages(list []*stagesNamed, way query.Expr, states []string) []*stagesNamed {
	key := fmt.Sprintf("%+v", way)
	i := slices.IndexFunc(list, func(n *stagesNamed) bool { return n.key == key })
	if i < 0 {
		i, list = len(list), append(list, &stagesNamed{key: key, way: way})
	}
	for _, s := range states {
		if !slices.Contains(list[i].states, s) {
			list[i].states = append(list[i].states, s)
		}
	}
	return list
}

// apart are the alternatives of a condition.
func apart(q query.Expr) (list []query.Expr) {
	if or, ok := q.(query.Op); ok && or.Name == "or" {
		for _, a := range or.Args {
			list = append(list, apart(a)...)
		}
		return list
	}
	return []query.Expr{q}
}

// mayBe asks the database whether a `by` may name the persons looked for; a row too many does no harm.
func (w *work) mayBe(f *rulebook.Form, by *rulebook.Who, me expr.Directory) (query.Expr, bool) {
	any := []query.Expr{}
	for _, item := range by.Items {
		switch {
		case item.Clock || item.Link || item.Anyone: // what anybody may do waits for nobody
		case item.Approval != "":
			ap := f.Book.Approval(item.Approval)
			if ap == nil {
				return nil, false
			}
			for _, s := range seatsOf(ap) {
				q, ok := w.mayBe(f, s, me)
				if !ok {
					return nil, false
				}
				any = append(any, q)
			}
		default:
			q, ok := item.Expr.Naming("this", w.scope(nil, w.view(w.blank(f, w.myUnit())), nil), me)
			if !ok {
				return nil, false
			}
			any = append(any, q)
		}
	}
	return query.Op{Name: "or", Args: any}, true
}

// seatsOf are all seats an approval may ask for, whichever row is chosen.
func seatsOf(ap *rulebook.Approval) []*rulebook.Who {
	var list []*rulebook.Who
	var walk func(*rulebook.Seat)
	walk = func(s *rulebook.Seat) {
		if s == nil {
			return
		}
		if s.Who != nil {
			list = append(list, s.Who)
		}
		for _, x := range s.List {
			walk(x)
		}
	}
	for _, row := range ap.Rows {
		walk(row.Sign)
	}
	for _, x := range ap.StandIn {
		walk(x.Sign)
	}
	return list
}

// lookedFor are the reader and those he stands in for now, as the database is asked for them.
func (w *work) lookedFor() expr.Directory {
	return directory{w.world, append([]string{w.me.id}, w.world.standsInFor(w.me.id, w.now)...), w.now}
}

type directory struct {
	world *world
	ids   []string
	now   time.Time
}

func (d directory) Persons() []string { return d.ids }

func (d directory) InferiorsOf() []string {
	return d.those(d.world.people, func(p string) bool { return contains(d.ids, d.world.superiorOf(p)) })
}

func (d directory) UnitsLed() []string {
	return d.units(func(unit string) bool { return contains(d.ids, d.world.headOf(unit)) })
}

func (d directory) UnitsWith() []string {
	return d.units(func(unit string) bool {
		for _, id := range d.ids {
			if d.world.isMember(id, unit, d.now) {
				return true
			}
		}
		return false
	})
}

func (d directory) UnitsOf(role string) []string {
	return d.units(func(unit string) bool {
		for _, id := range d.world.holders(role, unit, d.now) {
			if contains(d.ids, id) {
				return true
			}
		}
		return false
	})
}

func (d directory) those(of map[string]*personInfo, fits func(string) bool) []string {
	var list []string
	for _, id := range sortedKeys(of) {
		if fits(id) {
			list = append(list, id)
		}
	}
	return list
}

func (d directory) units(fits func(string) bool) []string {
	var list []string
	for _, id := range sortedKeys(d.world.units) {
		if fits(id) {
			list = append(list, id)
		}
	}
	return list
}

// led are the persons whose superior somebody is, the units whose head he is or of whose members he is one; and those who have no
// superior, or head.
func (w *work) led(fn, by string) (ids, nobody []string, err error) {
	d := directory{w.world, []string{by}, w.now}
	none := func(of func(string) string) func(string) bool {
		return func(id string) bool { return of(id) == "" }
	}
	switch fn {
	case "members":
		return d.UnitsWith(), nil, nil
	case "head":
		return d.UnitsLed(), d.units(none(w.world.headOf)), nil
	}
	if w.inferiors == nil || w.inferiors.by != by || w.inferiors.world != w.world { // asked once a unit of work: it goes through everybody
		w.inferiors = &inferiors{w.world, by, d.InferiorsOf(), d.those(w.world.people, none(w.world.superiorOf))}
	}
	return w.inferiors.ids, w.inferiors.nobody, nil
}

type inferiors struct {
	world       *world
	by          string
	ids, nobody []string
}
