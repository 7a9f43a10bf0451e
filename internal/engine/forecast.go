package engine

import (
	"slices"
	"time"

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

// assignOf is the action, possible where the record stands, that fills the field whose person holds the clock.
func (w *work) assignOf(row store.Row, r *Record) string {
	d, _ := w.clockSource(row)
	if d == nil || d.Holder == nil || d.Holder.Who == nil {
		return ""
	}
	var fields []string
	for _, i := range d.Holder.Who.Items {
		if i.Expr == nil {
			continue
		}
		for _, f := range r.form.Fields {
			if i.Expr.Text() == "this."+f.ID {
				fields = append(fields, f.ID)
			}
		}
	}
	view := w.view(r)
	for _, a := range r.form.Actions {
		if len(fields) == 0 || a.Implicit || !view.Awake(&a.Node) || !stateAllows(a, r.State()) {
			continue
		}
		if slices.ContainsFunc(a.Fill, func(x *rulebook.Fill) bool { return slices.Contains(fields, x.Field) }) {
			return a.ID
		}
	}
	return ""
}
