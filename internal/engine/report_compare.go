package engine

import (
	"fmt"
	"strings"

	"zhanggui/internal/calendar"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// lastReport are the rows of the same report for the period just before, by what each row is about; nothing if it was not made, or is
// not to be compared. Of several versions the last counts.
func (w *work) lastReport(r *Record, view *rulebook.View) (map[string]store.Row, error) {
	rep := r.form.Report
	if rep.Compare == nil || !view.Awake(&rep.Compare.Node) {
		return nil, nil
	}
	from, err := calendar.ParseDate(str(r.row["period_from"]))
	if err != nil {
		return nil, nil // a sheet without a period has none before it
	}
	where := query.And(query.Eq("t", "period_to", from.AddDays(-1).String()), query.Eq("t", "unit", r.row["unit"]), compared("<>", "state", "corrected"), compared("<>", "state", "void"))
	if err := w.flush(); err != nil {
		return nil, err
	}
	sheets, err := w.tx.Select(query.Select{Table: r.form.Table, Alias: "t", Where: where, Limit: 1, Order: []query.Order{{Expr: column("version"), Desc: true}, {Expr: column("at"), Desc: true}}})
	if err != nil || len(sheets) == 0 {
		return nil, err
	}
	rows, err := w.adopt(r.form, sheets[0]).Lines("rows")
	if err != nil {
		return nil, err
	}
	w.clause(rep.Compare.Clause)
	last := map[string]store.Row{}
	for _, x := range rows {
		last[rowKey(x.row)] = x.row
	}
	return last, nil
}

// rowKey is what a row of a report is about: its record or its group.
func rowKey(row store.Row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v", row["of"])
	for i := 1; row[fmt.Sprintf("key%d", i)] != nil; i++ {
		fmt.Fprintf(&b, "|%v", row[fmt.Sprintf("key%d", i)])
	}
	return b.String()
}

// compare puts beside each number of a row what it was in the period before, and by how much it has changed.
func (l *Line) compare(rep *rulebook.Report, last store.Row) {
	for _, c := range rep.Column {
		was, ok := last[c.ID].(int64)
		if !ok || l.line.Field(c.ID+"_last") == nil {
			continue
		}
		l.row[c.ID+"_last"] = was
		if is, ok := l.row[c.ID].(int64); ok {
			l.row[c.ID+"_diff"] = is - was
		}
	}
}
