package engine

import (
	"fmt"
	"sort"
	"strings"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// fillReport computes the rows of a report when its sheet is made: one a record, or one a group.
// What people add per row (checks, ratios) is typed into the same rows; what is computed is frozen here.
func (w *work) fillReport(r *Record) error {
	rep := r.form.Report
	line := r.form.Line("rows")
	if rep == nil || line == nil {
		return nil
	}
	p, err := w.reportPeriod(r)
	if err != nil {
		return err
	}
	view := w.view(r)
	base := map[string]expr.Value{"period": p}
	members, err := w.reportMembers(rep, view, base)
	if err != nil {
		return err
	}
	groups, keys, err := w.grouped(rep, members, view, base)
	if err != nil {
		return err
	}
	last, err := w.lastReport(r, view)
	if err != nil {
		return err
	}
	var rows []*Line
	for i, g := range groups {
		row := &Line{rec: r, line: line, id: w.e.opts.NewID(), row: store.Row{}}
		vars := map[string]expr.Value{"period": p, "row": row}
		if rep.Row == "each" || len(rep.Per) == 0 && len(g) == 1 && rep.Row != "" {
			vars["it"] = g[0]
			if line.Field("of") != nil {
				row.row["of"] = g[0].id
			}
		} else {
			list := make([]expr.Value, len(g))
			for k, x := range g {
				list[k] = x
			}
			vars["it"] = list
		}
		for k, key := range keys[i] {
			id := fmt.Sprintf("key%d", k+1)
			if f := line.Field(id); f != nil {
				if row.row[id], err = encode(key, f.Type); err != nil {
					return err
				}
			}
		}
		for _, c := range rep.Column {
			if !view.Awake(&c.Node) {
				continue
			}
			f := line.Field(c.ID)
			if f == nil {
				continue
			}
			v, cs, err := c.Is.Pick(view, w.scope(r, view, vars))
			if err != nil {
				return fmt.Errorf("report %s column %s: %w", rep.ID, c.ID, err)
			}
			if cs == nil || v == nil {
				continue
			}
			if err := row.put(f, v); err != nil {
				return fmt.Errorf("report %s column %s: %w", rep.ID, c.ID, err)
			}
			w.clause(c.Clause)
		}
		row.compare(rep, last[rowKey(row.row)])
		rows = append(rows, row)
	}
	r.setLines("rows", rows)
	return r.totals(rows)
}

// totals counts and sums the rows by the values of the columns that the report totals, most first.
func (r *Record) totals(rows []*Line) error {
	for _, l := range r.form.Lines[1:] {
		by := strings.TrimPrefix(l.ID, "by_")
		at := map[any]*Line{}
		var list []*Line
		for _, row := range rows {
			key := row.row[by]
			x := at[key]
			if x == nil {
				x = &Line{rec: r, line: l, id: r.w.e.opts.NewID(), row: store.Row{"key": key, "rows": int64(0)}}
				at[key] = x
				list = append(list, x)
			}
			x.row["rows"] = x.row["rows"].(int64) + 1
			for _, f := range l.Fields {
				v, ok := row.row[f.ID].(int64)
				if !f.Total || !ok {
					continue
				}
				sum, _ := x.row[f.ID].(int64)
				x.row[f.ID] = sum + v
			}
		}
		sort.SliceStable(list, func(i, j int) bool { return list[i].row["rows"].(int64) > list[j].row["rows"].(int64) })
		r.setLines(l.ID, list)
	}
	return nil
}

func (w *work) reportPeriod(r *Record) (calendar.Period, error) {
	from, err := r.Get("period_from")
	if err != nil {
		return calendar.Period{}, err
	}
	to, err := r.Get("period_to")
	if err != nil {
		return calendar.Period{}, err
	}
	zone := w.world.calendar.Zone
	a, ok1 := from.(calendar.Date)
	b, ok2 := to.(calendar.Date)
	if !ok1 || !ok2 {
		return w.world.calendar.PeriodOf(calendar.Span{N: 1, Unit: calendar.UnitMonth}, nil, w.now), nil
	}
	return calendar.Period{From: a.Start(zone), To: b.End(zone)}, nil
}

func (w *work) reportMembers(rep *rulebook.Report, view *rulebook.View, vars map[string]expr.Value) ([]*Record, error) {
	form := w.e.Lib.Form(rep.Of)
	if form == nil {
		return nil, nil
	}
	return w.population(form, rep.Where, view, vars, "number", func(m *Record) bool {
		return form.Kept != "" || form.Book.ID == "base" || w.world.within(m.unitID(), view.Unit)
	})
}

// grouped splits members by the report's keys, in order of first appearance.
func (w *work) grouped(rep *rulebook.Report, members []*Record, view *rulebook.View, vars map[string]expr.Value) ([][]*Record, [][]expr.Value, error) {
	if len(rep.Per) == 0 {
		if rep.Row == "" {
			if len(members) == 0 {
				return nil, nil, nil
			}
			return [][]*Record{members}, make([][]expr.Value, 1), nil
		}
		groups := make([][]*Record, len(members))
		for i, m := range members {
			groups[i] = []*Record{m}
		}
		return groups, make([][]expr.Value, len(members)), nil
	}
	index := map[string]int{}
	var groups [][]*Record
	var keys [][]expr.Value
	for _, m := range members {
		var key []expr.Value
		text := ""
		for _, e := range rep.Per {
			v, err := e.Eval(w.scope(m, view, vars))
			if err != nil {
				return nil, nil, err
			}
			key = append(key, v)
			if x, ok := v.(expr.Record); ok {
				text += "|" + x.ID()
			} else {
				text += fmt.Sprintf("|%v", v)
			}
		}
		i, ok := index[text]
		if !ok {
			i = len(groups)
			index[text] = i
			groups = append(groups, nil)
			keys = append(keys, key)
		}
		groups[i] = append(groups[i], m)
	}
	return groups, keys, nil
}

// inspected turns the failed items of a checklist sheet into findings, which offences hear.
func (w *work) inspected(r *Record) error {
	c := r.form.Checklist
	view := w.view(r)
	var person string
	if c.Who != nil {
		of, err := r.Get("of")
		if err != nil {
			return err
		}
		if o, ok := of.(*Record); ok {
			v, err := c.Who.Eval(w.scope(o, view, nil))
			if err != nil {
				return err
			}
			if ids := personIDs(v); len(ids) > 0 {
				person = ids[0]
			}
		}
	}
	for _, it := range c.Item {
		if !view.Awake(&it.Node) {
			continue
		}
		v, err := r.Get(it.ID)
		if err != nil {
			return err
		}
		if v != "fail" && v != "not_done" && v != "ineffective" {
			continue
		}
		given := map[string]expr.Value{"item": it.Text.ZH, "checklist": c.ID, "clause": orUnset(first(it.Clause, c.Clause)), "result": v}
		if person != "" {
			p, err := w.person(person)
			if err != nil {
				return err
			}
			given["person"] = p
		}
		if w.me != nil {
			given["inspector"] = w.me
		}
		if _, err := w.engineRecord("base.finding", r, given); err != nil {
			return err
		}
		w.effect(Effect{Kind: "create", Form: "base.finding", Record: r.id, Name: it.ID, Clause: first(it.Clause, c.Clause)})
		w.clause(it.Clause, c.Clause)
		w.facts = append(w.facts, fact{form: "checklist", action: "fail", of: c.ID, rec: r, at: w.now, clause: first(it.Clause, c.Clause), person: person, holder: []string{person}})
		if err := w.effects_(it.Do, r, view, nil); err != nil {
			return err
		}
	}
	return nil
}

// reportTitle is a report's period: a month by its name, else its first and last day.
func reportTitle(r *Record) string {
	from, err1 := calendar.ParseDate(str(r.row["period_from"]))
	to, err2 := calendar.ParseDate(str(r.row["period_to"]))
	switch {
	case err1 != nil || err2 != nil:
		return ""
	case from.Day == 1 && to == from.AddMonths(1).AddDays(-1):
		return fmt.Sprintf("%d-%02d", from.Year, from.Month)
	}
	return from.String() + " ~ " + to.String()
}
