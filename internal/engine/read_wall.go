package engine

import (
	"context"
	"maps"
	"slices"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// WallBoard is what hangs on the wall of a unit: figures and the few deadlines that need an act now. It names cases by
// number and own staff by name; what a case is about, and whose it is, is not on it.
type WallBoard struct {
	Now     string    `json:"now"`
	Unit    string    `json:"unit"`
	Open    int64     `json:"open"`
	Late    int64     `json:"late"`
	Warning int64     `json:"warning"`
	Today   int64     `json:"today"` // breaches since the day began
	Rows    []WallRow `json:"rows"`
}

// WallRow is a deadline on the wall.
type WallRow struct {
	ID     string `json:"id"`
	Label  Text   `json:"label"`
	Number string `json:"number"`
	Due    string `json:"due"`
	State  string `json:"state"`
	Warned bool   `json:"warned"`
	Holder string `json:"holder"`
	Unit   string `json:"unit"`
}

const wallRows = 8 // more are not read from five metres

// Wall answers what the display of a unit shows; it is asked by a link, not by a person.
func (e *Engine) Wall(ctx context.Context, now time.Time, unit string) (*WallBoard, error) {
	var v *WallBoard
	err := e.read(ctx, now, Actor{System: true}, func(w *work) error {
		u := w.world.units[unit]
		if u == nil {
			return fault.Missing("unit", unit)
		}
		v = &WallBoard{Now: instant(w.now), Unit: u.name, Rows: []WallRow{}}
		cf := w.clockForm()
		open := query.And(w.ofPlace(unit), w.whereOf("this", w.knownToAll()))
		rows, err := w.tx.Select(query.Select{Table: cf.Table, Alias: "this", Where: query.And(running("this"), open), Limit: boardClocks,
			Order: []query.Order{{Expr: query.Col{Alias: "this", Name: "due"}}, {Expr: query.Col{Alias: "this", Name: "id"}}}})
		if err != nil {
			return err
		}
		var shown []*Record
		for _, row := range rows {
			c := w.clockOut(row)
			v.Open++
			switch {
			case c.State == "late":
				v.Late++
			case c.Warned:
				v.Warning++
			}
			if len(v.Rows) < wallRows && c.State != "paused" {
				r := WallRow{ID: c.ID, Label: c.Label, Due: c.Due, State: c.State, Warned: c.Warned}
				shown = append(shown, w.adopt(cf, row))
				if len(c.Holder) > 0 {
					r.Holder, r.Unit = c.Holder[0].Name, c.Holder[0].Unit
				}
				v.Rows = append(v.Rows, r)
			}
		}
		of, err := w.ownersOf(shown)
		if err != nil {
			return err
		}
		for i := range v.Rows {
			if r := of[v.Rows[i].ID]; r != nil {
				v.Rows[i].Number = caseNumber(r)
			}
		}
		v.Today, err = w.breachesToday(open)
		return err
	})
	return v, err
}

// caseNumber is the record's number, or that of the first numbered record it refers to.
func caseNumber(r *Record) string {
	if n := r.Number(); n != "" {
		return n
	}
	for _, f := range r.form.Fields {
		if f.Type.Expr.Kind != expr.KObject || live(f) {
			continue
		}
		if v, err := r.Get(f.ID); err == nil {
			if x, ok := v.(*Record); ok && x.Number() != "" {
				return x.Number()
			}
		}
	}
	return ""
}

// knownToAll tells of a secret form and a unit whether whoever works there, without any office, may know of its records: what
// hangs on the wall is read by all who pass.
func (w *work) knownToAll() func(*rulebook.Form, string) bool {
	members := map[string]*work{}
	return func(f *rulebook.Form, unit string) bool {
		m := members[unit]
		if m == nil {
			world, plain := *w.world, *w
			me := w.blank(w.e.Lib.Form("base.person"), unit)
			me.w, me.id = &plain, "nobody in particular"
			world.people = maps.Clone(world.people)
			world.people[me.id] = &personInfo{id: me.id, unit: unit, active: true}
			plain.world, plain.me, plain.actor, plain.scopes = &world, me, Actor{Person: me.id}, nil
			m = &plain
			members[unit] = m
		}
		return m.ofSeen(f, unit)
	}
}

// ofPlace is the condition that a clock or a breach is of a unit or of one below it. Of a department, whose cases are its house's, it is what
// its people hold, or held then, as well.
func (w *work) ofPlace(unit string) query.Expr {
	list := []query.Expr{w.belowUnit("this", unit)}
	if !slices.ContainsFunc(w.world.adoptions, func(a adoption) bool { return w.world.within(a.unit, unit) && a.book != "base" }) {
		for _, u := range sortedKeys(w.world.units) {
			if w.world.within(u, unit) {
				list = append(list, w.heldIn("this", u))
			}
		}
	}
	return query.Op{Name: "or", Args: list}
}

// belowUnit is the condition that a row is of a unit or of one below it.
func (w *work) belowUnit(alias, unit string) query.Expr {
	args := []query.Expr{query.Col{Alias: alias, Name: "unit"}}
	for _, u := range sortedKeys(w.world.units) {
		if w.world.within(u, unit) {
			args = append(args, query.Const{Value: u})
		}
	}
	return query.Op{Name: "in", Args: args}
}

// breachesToday counts the breaches that stand and came about since the day began.
func (w *work) breachesToday(where query.Expr) (int64, error) {
	f := w.e.Lib.Form("base.breach")
	n, err := w.tx.Scalar(query.Sub{Agg: "count", Table: f.Table, Alias: "this", Where: query.And(where, query.Eq("this", "state", "standing"),
		query.Op{Name: ">=", Args: []query.Expr{query.Col{Alias: "this", Name: "due"}, query.Const{Value: instant(w.world.calendar.StartOf("day", w.now))}}})})
	count, _ := n.(int64)
	return count, err
}

// UnitName is a unit's name, if the actor may see it.
func (e *Engine) UnitName(ctx context.Context, now time.Time, actor Actor, id string) (name string, ok bool) {
	err := e.read(ctx, now, actor, func(w *work) error {
		_, err := w.recordSeen("base.unit", id)
		if u := w.world.units[id]; u != nil {
			name = u.name
		}
		return err
	})
	return name, err == nil
}
