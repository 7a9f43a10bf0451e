package engine

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// Clock is a deadline as it runs for one record.
type Clock struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Label      Text     `json:"label"`
	Clause     string   `json:"clause"`
	From       string   `json:"from"`
	Due        string   `json:"due"`
	State      string   `json:"state"` // open late met met_late void dropped paused
	Warned     bool     `json:"warned"`
	Holder     []Holder `json:"holder"`
	MetAt      string   `json:"met_at,omitempty"`
	Overrun    string   `json:"overrun,omitempty"`
	Within     string   `json:"within,omitempty"`
	Working    bool     `json:"working"`
	Form       string   `json:"form"`
	Record     string   `json:"record"`
	Number     string   `json:"number,omitempty"`
	Title      string   `json:"title,omitempty"`
	StateLabel *Text    `json:"state_label,omitempty"`
	Unit       *Ref     `json:"unit,omitempty"`
	Assign     string   `json:"assign,omitempty"` // the action that names another holder, where the form has one from here
}

// clockState says how a clock stands, in the words of the contract.
func (w *work) clockState(row store.Row) string {
	switch s := str(row["state"]); s {
	case "met", "void", "dropped", "paused", "late":
		return s
	case "late_met":
		return "met_late"
	default:
		due, ok := parseInstant(row["due"])
		if !ok {
			return "paused"
		}
		if w.now.After(due) { // past due, though the scheduler has not come round yet
			return "late"
		}
		return "open"
	}
}

// clockSource finds what declared a clock: the form's deadline, or a duty.
func (w *work) clockSource(row store.Row) (*rulebook.Deadline, *rulebook.Duty) {
	if book, name, ok := strings.Cut(str(row["duty"]), "."); ok {
		if b := w.e.Lib.Book(book); b != nil {
			return nil, b.Duty(name)
		}
		return nil, nil
	}
	if f := w.e.Lib.Form(str(row["of_form"])); f != nil {
		return f.Deadline(str(row["name"])), nil
	}
	return nil, nil
}

func (w *work) clockLabel(row store.Row) Text {
	d, duty := w.clockSource(row)
	switch {
	case d != nil:
		return textOr(d.Label, d.ID)
	case duty != nil:
		return textOr(duty.Label, duty.ID)
	}
	s := first(str(row["label"]), str(row["name"]))
	return Text{s, s}
}

func (w *work) clockOut(row store.Row) Clock {
	c := Clock{ID: str(row["id"]), Name: str(row["name"]), Label: w.clockLabel(row), Clause: str(row["clause"]), From: str(row["from_at"]), Due: str(row["due"]),
		State: w.clockState(row), Holder: w.holderList(idList(row["holder"])), MetAt: str(row["met_at"]), Form: str(row["of_form"]), Record: str(row["of_id"]), Unit: w.unitRef(str(row["unit"]))}
	c.Warned, _ = row["warned"].(bool)
	adopter := w.adopterOf(row)
	for i, h := range c.Holder {
		if u := w.world.units[w.placeOf(h.ID, adopter)]; u != nil {
			c.Holder[i].Unit = u.name
		}
	}
	if c.State == "late" || c.State == "met_late" {
		end := w.now
		if t, ok := parseInstant(row["met_at"]); ok {
			end = t
		}
		if due, ok := parseInstant(row["due"]); ok {
			c.Overrun = overrunOf(end.Sub(due)).String()
		}
	}
	return c
}

// overrunOf says how late in the unit people use: days once a day is over, else minutes.
func overrunOf(d time.Duration) calendar.Span {
	if d < 0 {
		d = 0
	}
	if d >= 24*time.Hour {
		return calendar.Span{N: int64(d / (24 * time.Hour)), Unit: calendar.UnitDay}
	}
	return calendar.Span{N: int64(d / time.Minute), Unit: calendar.UnitMinute}
}

// limit tells the length of a clock and whether it counts working time; r is the record it runs for.
func (w *work) limit(c *Clock, row store.Row, r *Record) {
	d, _ := w.clockSource(row)
	if d == nil || d.Within == nil || r == nil {
		return
	}
	view := w.view(r)
	v, _, err := d.Within.Pick(view, w.scope(r, view, nil))
	if sp, ok := v.(calendar.Span); err == nil && ok {
		c.Within, c.Working = sp.String(), workingUnit(sp.Unit)
	}
}

func workingUnit(u calendar.Unit) bool {
	return u == calendar.UnitWorkday || u == calendar.UnitWorkingHour || u == calendar.UnitWorkingMinute
}

// clocksOf are all clocks of one record, running first by due date.
func (w *work) clocksOf(r *Record) ([]Clock, error) {
	if r.lacks(w.clockForm().Table) {
		return []Clock{}, nil
	}
	rows, err := w.tx.Select(w.clocksInOrder(r.id))
	if err != nil {
		return nil, err
	}
	list := []Clock{}
	for _, row := range rows {
		c := w.clockOut(row)
		w.limit(&c, row, r)
		list = append(list, c)
	}
	return list, nil
}

func (w *work) clocksInOrder(id string) query.Select {
	return query.Select{Table: w.clockForm().Table, Alias: "c", Where: query.Eq("c", "of_id", id),
		Order: []query.Order{{Expr: query.Col{Alias: "c", Name: "from_at"}}, {Expr: query.Col{Alias: "c", Name: "id"}}}}
}

// ClockQuery asks for clocks of many records.
type ClockQuery struct {
	Form, State, Unit, Q, Cursor string
	Limit                        int
}

// ClockPage is a page of clocks, the worst first.
type ClockPage struct {
	Rows []Clock `json:"rows"`
	Next string  `json:"next,omitempty"`
}

// Clocks lists running clocks for the control room.
func (e *Engine) Clocks(ctx context.Context, now time.Time, actor Actor, q ClockQuery) (*ClockPage, error) {
	page := &ClockPage{}
	err := e.read(ctx, now, actor, func(w *work) error {
		page.Rows = []Clock{}
		cf := w.clockForm()
		p := &plan{form: cf, where: w.where(cf, "this"), sort: query.Col{Alias: "this", Name: "due"}, column: "due"}
		switch q.State {
		case "", "running":
			p.where = query.And(p.where, running("this"))
		case "late":
			p.where = query.And(p.where, running("this"), query.Op{Name: "<", Args: []query.Expr{query.Col{Alias: "this", Name: "due"}, query.Const{Value: instant(w.now)}}})
		case "open":
			p.where = query.And(p.where, running("this"), query.Op{Name: ">=", Args: []query.Expr{query.Col{Alias: "this", Name: "due"}, query.Const{Value: instant(w.now)}}})
		case "done":
			p.where, p.desc = query.And(p.where, query.Op{Name: "not", Args: []query.Expr{running("this")}}), true
		}
		if q.Form != "" {
			p.where = query.And(p.where, query.Eq("this", "of_form", q.Form))
		}
		if q.Unit != "" {
			p.where = query.And(p.where, w.heldIn("this", q.Unit))
		}
		for _, word := range searchWords(q.Q) {
			p.where = query.And(p.where, query.Op{Name: "contains", Args: []query.Expr{query.Col{Alias: "this", Name: "search"}, query.Const{Value: word}}})
		}
		limit := q.Limit
		if limit <= 0 || limit > 200 {
			limit = 50
		}
		recs, next, err := w.page(p, q.Cursor, limit)
		if err != nil {
			return err
		}
		page.Next = next
		page.Rows, err = w.clocksWithRecords(recs)
		return err
	})
	return page, err
}

// clocksWithRecords names the records the clocks run for, one question a form; those the reader may not
// see are left out.
func (w *work) clocksWithRecords(clocks []*Record) ([]Clock, error) {
	of, err := w.ownersOf(clocks)
	if err != nil {
		return nil, err
	}
	list := []Clock{}
	for _, c := range clocks {
		r := of[c.id]
		if r == nil {
			continue
		}
		x := w.clockOut(c.row)
		w.limit(&x, c.row, r)
		x.Number, x.Title = r.Number(), w.title(r)
		st := stateText(r.form, r.State())
		x.StateLabel, x.Assign = &st, w.assignOf(c.row, r)
		list = append(list, x)
	}
	return list, nil
}

// ownersOf loads the records that clocks, notices and the like are about, by the id of the latter.
func (w *work) ownersOf(list []*Record) (map[string]*Record, error) {
	ids := map[string][]string{}
	for _, c := range list {
		if f := w.e.Lib.Form(str(c.row["of_form"])); f != nil {
			ids[f.Key] = append(ids[f.Key], str(c.row["of_id"]))
		}
	}
	found := map[string]map[string]*Record{}
	for _, key := range sortedKeys(ids) {
		f := w.e.Lib.Form(key)
		got, err := w.many(f, ids[key])
		if err != nil {
			return nil, err
		}
		var recs []*Record
		for _, r := range got {
			recs = append(recs, r)
		}
		if err := w.prefetch(f, recs); err != nil {
			return nil, err
		}
		found[key] = got
	}
	of := map[string]*Record{}
	for _, c := range list {
		if r := found[str(c.row["of_form"])][str(c.row["of_id"])]; r != nil && (w.maySee(r) || w.heldByMe(c)) {
			of[c.id] = r
		}
	}
	return of, nil
}

// heldByMe: who must act on something sees what it is about.
func (w *work) heldByMe(c *Record) bool {
	if w.me == nil {
		return false
	}
	var ids []string
	_ = json.Unmarshal([]byte(str(c.row["holder"])), &ids)
	return contains(ids, w.me.id)
}
