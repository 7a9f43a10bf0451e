package engine

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// paceDays is over how many days a holder's pace is taken.
const paceDays = 30

// forecast tells which running clocks will be late at the present pace: a holder meets his deadlines in the order they
// fall due, as many a day as he met in the last thirty. Who met none has no pace, and nothing is said of him.
// rows are the running clocks by due time.
func (w *work) forecast(rows []store.Row) (map[string]string, error) {
	cf := w.clockForm()
	since := w.now.AddDate(0, 0, -paceDays)
	met, err := w.tx.Select(query.Select{Table: cf.Table, Alias: "this", Columns: []query.Column{{Name: "holder", Expr: query.Col{Alias: "this", Name: "holder"}}},
		Where: query.And(w.where(cf, "this"), query.Op{Name: ">=", Args: []query.Expr{query.Col{Alias: "this", Name: "met_at"}, query.Const{Value: instant(since)}}}), Limit: 20000})
	if err != nil {
		return nil, err
	}
	done, queue := map[string]int64{}, map[string]int64{}
	for _, row := range met {
		for _, h := range idList(row["holder"]) {
			done[h]++
		}
	}
	late := map[string]string{}
	for _, row := range rows {
		st := w.clockState(row)
		due, ok := parseInstant(row["due"])
		if st == "paused" || !ok {
			continue
		}
		var at time.Time
		for _, h := range idList(row["holder"]) {
			queue[h]++
			if done[h] == 0 {
				continue
			}
			if t := w.now.Add(paceDays * 24 * time.Hour / time.Duration(done[h]) * time.Duration(queue[h])); at.IsZero() || t.Before(at) {
				at = t // one of several is enough
			}
		}
		if st == "open" && at.After(due) {
			late[str(row["id"])] = instant(at)
		}
	}
	return late, nil
}

// assignOf is the action, open to the reader where the record stands, that names another holder of the clock: it fills a field the
// holder is read from, or one that it then sets there.
func (w *work) assignOf(row store.Row, r *Record) string {
	var by *rulebook.HolderRef
	if d, duty := w.clockSource(row); d != nil {
		by = d.Holder
	} else if duty != nil {
		by = duty.Holder
	}
	if w.me == nil || by == nil || by.Who == nil {
		return ""
	}
	var fields []string
	for _, f := range r.form.Fields {
		if slices.ContainsFunc(by.Who.Items, func(i *rulebook.WhoItem) bool {
			return i.Expr != nil && slices.Contains(paths(i.Expr.Text()), "this."+f.ID)
		}) {
			fields = append(fields, f.ID)
		}
	}
	if len(fields) == 0 {
		return ""
	}
	view := w.view(r)
	for _, a := range r.form.Actions {
		if !a.Implicit && view.Awake(&a.Node) && stateAllows(a, r.State()) && names(a, fields) && w.judgeWho(r, a, view, demand{person: true}) == nil {
			return a.ID
		}
	}
	return ""
}

// names tells whether an action fills one of the fields, or sets it to what it fills.
func names(a *rulebook.Action, fields []string) bool {
	fills := func(field string) bool {
		return slices.ContainsFunc(a.Fill, func(x *rulebook.Fill) bool { return x.Field == field })
	}
	if slices.ContainsFunc(fields, fills) {
		return true
	}
	for _, e := range a.Do {
		if e.Kind != "set" || e.For != nil {
			continue
		}
		for _, s := range e.Set {
			from, ok := "", false
			if s.Value != nil && len(s.Value.Cases) == 1 {
				from, ok = strings.CutPrefix(s.Value.Cases[0].Is.Text(), "this.")
			}
			if ok && slices.Contains(fields, s.Field) && fills(from) {
				return true
			}
		}
	}
	return false
}

// paths are those in an expression, cut to this and a field: "head(this.dept.head)" has "head" and "this.dept".
func paths(text string) []string {
	list := strings.FieldsFunc(text, func(c rune) bool { return c != '.' && c != '_' && !unicode.IsLetter(c) && !unicode.IsDigit(c) })
	for i, x := range list {
		if parts := strings.SplitN(x, ".", 3); len(parts) == 3 && parts[0] == "this" {
			list[i] = parts[0] + "." + parts[1]
		}
	}
	return list
}
