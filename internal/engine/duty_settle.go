package engine

import (
	"strings"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// An open duty follows the facts until it is due: who leaves the population owes nothing, who comes back owes again, what counts meets it. After
// that its breach stays, and its task ends as soon as nothing is left to do: by what is done late, or with the member's leaving.

// countsFor puts the members for which a record counts on the list to settle: those it names, those that name what it names where the
// duty says so (it.customer == this.customer), or its unit.
func (w *work) countsFor(r *Record) error {
	for _, b := range w.e.Lib.Books {
		for _, d := range b.Duties {
			if d.Met == nil || d.Met.Count != r.form.Key {
				continue
			}
			view := w.viewFor(b, r)
			if view.Adoption == "" {
				continue
			}
			object, ids := "base.unit", []string{view.Unit}
			if d.Of != "" {
				object, ids = d.Of, nil
				for _, f := range r.form.Fields {
					if f.Type.Name == "ref" && f.Type.Form == d.Of {
						ids = append(ids, refIDs(r, f.Column)...)
					}
				}
				near, err := w.alsoNamed(r, b, d)
				if err != nil {
					return err
				}
				ids = append(ids, near...)
			}
			for _, id := range ids {
				m, err := w.ref(object, id)
				if err != nil {
					return err
				}
				if m != nil {
					m.touch()
				}
			}
		}
	}
	return nil
}

// named begins the cursor of a duty's members that name the same as what counts, of whom there may be any number: who acts settles the
// first of them, the clock the others.
const named = "named:"

// namedAtOnce is how many of them are settled in one transaction.
const namedAtOnce = 50

// alsoNamed are the first members who owe a duty and name the same as the record that may count for them.
func (w *work) alsoNamed(r *Record, b *rulebook.Book, d *rulebook.Duty) ([]string, error) {
	var ids []string
	for _, p := range d.Met.Same {
		for _, to := range refIDs(r, r.form.Field(p[0]).Column) {
			some, err := w.someNamed(b.ID+"."+d.ID, p[1], to, "")
			if err != nil {
				return nil, err
			}
			ids = append(ids, some...)
		}
	}
	return ids, nil
}

// someNamed are the next members after one; the clock goes on where there are more.
func (w *work) someNamed(duty, field, to, after string) ([]string, error) {
	book, name, _ := strings.Cut(duty, ".")
	b := w.e.Lib.Book(book)
	if b == nil || b.Duty(name) == nil || w.e.Lib.Form(b.Duty(name).Of) == nil || w.e.Lib.Form(b.Duty(name).Of).Field(field) == nil {
		return nil, nil
	}
	of, id := w.e.Lib.Form(b.Duty(name).Of), query.Col{Alias: "t", Name: "id"}
	owed := query.Sub{Agg: "exists", Table: w.clockForm().Table, Alias: "c", Where: query.And(query.And(query.Op{Name: "=", Args: []query.Expr{query.Col{Alias: "c", Name: "of_id"}, id}},
		query.Eq("c", "duty", duty)), w.unsettled("c"))}
	rows, err := w.tx.Select(query.Select{Table: of.Table, Alias: "t", Columns: []query.Column{{Name: "id", Expr: id}}, Order: []query.Order{{Expr: id}}, Limit: namedAtOnce + 1,
		Where: query.And(query.And(query.Eq("t", of.Field(field).Column, to), query.Op{Name: ">", Args: []query.Expr{id, query.Const{Value: after}}}), owed)})
	if err != nil {
		return nil, err
	}
	if len(rows) > namedAtOnce {
		rows = rows[:namedAtOnce]
		err = w.tx.Upsert("duty_cursor", []string{"id"}, store.Row{"id": named + duty + " " + field + " " + to, "duty": named + str(rows[namedAtOnce-1]["id"]), "next_at": instant(w.now)})
	}
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = str(row["id"])
	}
	return ids, err
}

// namedOn settles the next members of a cursor.
func (w *work) namedOn(row store.Row) error {
	if _, err := w.tx.Delete("duty_cursor", query.Eq("d", "id", row["id"])); err != nil {
		return err
	}
	part := strings.Fields(strings.TrimPrefix(str(row["id"]), named))
	ids, err := w.someNamed(part[0], part[1], part[2], strings.TrimPrefix(str(row["duty"]), named))
	if err != nil || len(ids) == 0 {
		return err
	}
	book, name, _ := strings.Cut(part[0], ".")
	for _, id := range ids {
		m, err := w.ref(w.e.Lib.Book(book).Duty(name).Of, id)
		if err != nil {
			return err
		}
		if m != nil {
			m.touch()
			w.top = m
		}
	}
	return nil
}

// dutiesOf brings the duties of a record up to date: all that are still owed, and what may change until it is due.
func (w *work) dutiesOf(r *Record) error {
	if r.form.Kept == "engine" {
		return nil
	}
	if err := w.countsFor(r); err != nil || r.fresh {
		return err
	}
	if err := w.flush(); err != nil {
		return err
	}
	rows, err := w.dutyRows(r)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := w.settleDuty(r, newClockRow(w.adopt(w.clockForm(), row))); err != nil {
			return err
		}
	}
	return nil
}

// dutyRows are the clocks of a record's duties, asked for once as long as this act writes no clock.
type dutyRows struct {
	clocked int
	rows    []store.Row
}

func (w *work) dutyRows(r *Record) ([]store.Row, error) {
	if r.duties != nil && r.duties.clocked == w.clocked {
		return r.duties.rows, nil
	}
	rows, err := w.tx.Select(query.Select{Table: w.clockForm().Table, Alias: "c", Where: query.And(query.Eq("c", "of_id", r.id),
		query.Op{Name: "not", Args: []query.Expr{query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "c", Name: "duty"}}}}},
		w.unsettled("c"))})
	if err == nil {
		r.duties = &dutyRows{w.clocked, rows}
	}
	return rows, err
}

// unsettled is the condition that something may still change about a clock: it runs, or is not due yet.
func (w *work) unsettled(alias string) query.Expr {
	return query.Op{Name: "or", Args: []query.Expr{running(alias), query.Op{Name: ">", Args: []query.Expr{query.Col{Alias: alias, Name: "due"}, query.Const{Value: instant(w.now)}}}}}
}

// settleDuty brings one member's duty up to date.
func (w *work) settleDuty(m *Record, c clockRow) error {
	book, name, _ := strings.Cut(c.str("duty"), ".")
	b := w.e.Lib.Book(book)
	if b == nil || b.Duty(name) == nil || b.Duty(name).Met == nil {
		return nil
	}
	d := b.Duty(name)
	view := w.viewFor(b, m)
	if !view.Awake(&d.Node) {
		return nil
	}
	own, state := aligned(d, view), c.str("state")
	missing, met, err := w.shortfall(d, view, m, c.period(), c)
	if err != nil {
		return err
	}
	left := w.left(d, view, m, c.period())
	if due, _ := parseInstant(c.rec.row["due"]); state == "open" && !w.now.Before(due.Add(lateAfter)) && (left && !met || met && d.Met.To != "") {
		// due, though the scheduler has not come round yet: what is done now comes too late
		holders := heldBy(c.rec)
		if err := w.dutyBreach(d, view, m, c, due, missing, holders, map[string]expr.Value{"period": c.period(), "missing": missing, "holder": people{w: w, ids: holders}}); err != nil {
			return err
		}
		state = "late"
	}
	switch {
	case left && state == "late":
		w.closeClock(m, c, "dropped", w.now)
	case left && state == "open":
		next := c.rec.row["next_at"]
		w.closeClock(m, c, "void", w.now)
		if !own { // looked at once more when it is due
			setCol(c.rec, "next_at", next)
		}
	case left:
	case state == "void" && (own || c.rec.row["next_at"] == nil): // fell away for good; one's own period is opened anew
	case own && d.Met.To == "": // realign counts for the period that was owed first
	case met && state != "met":
		w.closeClock(m, c, "met", w.now)
	case met:
	case state == "met" || state == "void":
		due, _ := parseInstant(c.rec.row["due"])
		setCol(c.rec, "met_at", nil)
		c.rec.enter("open", w.now)
		setCol(c.rec, "next_at", instant(w.dutyNext(d, view, due, c)))
		w.effect(Effect{Kind: "clock", Form: m.form.Key, Record: m.id, Name: d.ID, Text: "opened", Clause: c.str("clause")})
	case d.Met.To != "":
		ids, err := w.dutyHolders(d, view, m, w.scope(m, view, nil))
		if err != nil {
			return nil
		}
		return w.hold(c.rec, ids)
	}
	return nil
}

// dropLate ends the late tasks of a duty whose members left its population by something that told nobody.
func (w *work) dropLate(d *rulebook.Duty, view *rulebook.View) error {
	if !d.Member() {
		return nil
	}
	rows, err := w.tx.Select(query.Select{Table: w.clockForm().Table, Alias: "c", Where: query.And(query.Eq("c", "duty", d.Book.ID+"."+d.ID), query.Eq("c", "state", "late"))})
	if err != nil {
		return err
	}
	form := w.e.Lib.Form(d.Of)
	for _, row := range rows {
		c := newClockRow(w.adopt(w.clockForm(), row))
		if c.str("of_form") != form.Key || !w.world.within(c.str("unit"), view.Unit) {
			continue
		}
		m, err := w.lock(form, c.str("of_id"))
		if err != nil {
			return err
		}
		if w.left(d, view, m, c.period()) {
			w.closeClock(m, c, "dropped", w.now)
		}
	}
	return nil
}

// left tells whether a member, or what the sheet of a checklist inspects, is no longer of the population of a period. Any other sheet stays owed with its period.
func (w *work) left(d *rulebook.Duty, view *rulebook.View, m *Record, p calendar.Period) bool {
	sheet := d.Met != nil && d.Met.Create == m.form.Key && m.form.Checklist != nil
	return d.Of != "" && (m.form.Key == d.Of || sheet) && !w.stillMember(d, view, m, p)
}
