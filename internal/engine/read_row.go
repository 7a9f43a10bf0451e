package engine

import (
	"zhanggui/internal/keep"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// rowsOut dresses a page: names, titles and the worst deadline for all its rows, one question each.
func (w *work) rowsOut(p *plan, recs []*Record) ([]Row, error) {
	if err := w.prefetch(p.form, recs); err != nil {
		return nil, err
	}
	dues, err := w.worstDue(recs)
	if err != nil {
		return nil, err
	}
	if err := w.readyKeys(p, recs); err != nil {
		return nil, err
	}
	rows := make([]Row, 0, len(recs))
	for _, r := range recs {
		row := w.rowOut(r)
		row.Values = w.valuesOut(r, func(f *rulebook.Field) bool {
			if p.fields[f.ID] {
				return true
			}
			return !live(f) && !f.Personal && f.Type.Name != "note" // personal ones are opened only where they are shown
		})
		if d := dues[r.id]; d != nil {
			row.Due, row.Holder = d.Due, d.holder
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// readyKeys unwraps with one question the keys of the personal fields that a page of rows shows.
func (w *work) readyKeys(p *plan, recs []*Record) error {
	var ids []string
	for _, f := range p.form.Fields {
		if !f.Personal || live(f) || !p.fields[f.ID] {
			continue
		}
		for _, r := range recs {
			ids = append(ids, keep.KeyOf(str(r.row[f.ID])))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return w.e.keep.Ready(w.ctx, ids)
}

func (w *work) rowOut(r *Record) Row {
	title := w.title(r)
	return Row{ID: r.id, Number: r.Number(), Title: title, TitleEN: w.titleEN(r, title), State: r.State(), StateLabel: stateOf(r), Unit: w.unitRef(r.unitID()),
		By: w.personRef(str(r.row["by"])), At: str(r.row["at"]), Etag: r.Etag(), Values: map[string]any{}, Holder: []Holder{}}
}

// valuesOut are the fields a reader gets, built up from what he may see, never cut down from all.
func (w *work) valuesOut(r *Record, want func(*rulebook.Field) bool) map[string]any {
	m := map[string]any{}
	for _, f := range r.form.Fields {
		if !want(f) {
			continue
		}
		if v, ok := w.out(r, f); ok {
			m[f.ID] = v
		}
	}
	return m
}

type worst struct {
	*Due
	holder []Holder
	rank   string
}

// worstDue finds the most pressing running clock of each record.
func (w *work) worstDue(recs []*Record) (map[string]*worst, error) {
	got := map[string]*worst{}
	if len(recs) == 0 || len(recs[0].form.Deadlines) == 0 && len(w.e.Lib.Books) == 0 {
		return got, nil
	}
	args := []query.Expr{query.Col{Alias: "c", Name: "of_id"}}
	for _, r := range recs {
		args = append(args, query.Const{Value: r.id})
	}
	rows, err := w.tx.Select(query.Select{Table: w.clockForm().Table, Alias: "c", Where: query.And(query.Op{Name: "in", Args: args}, stillRunning("c"))})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		of := str(row["of_id"])
		rank := first(str(row["due"]), "~") // a paused clock has no due date and comes last
		if old := got[of]; old != nil && old.rank <= rank {
			continue
		}
		got[of] = &worst{Due: w.due(row), holder: w.holderList(idList(row["holder"])), rank: rank}
	}
	return got, nil
}

// stillRunning is running of clocks that are named otherwise: most of these run, and an index of all that run is no help.
func stillRunning(alias string) query.Expr {
	return query.Op{Name: "looked", Args: []query.Expr{running(alias)}}
}

// running clocks are those whose end is still open.
func running(alias string) query.Expr {
	in := query.Op{Name: "in", Args: []query.Expr{query.Col{Alias: alias, Name: "state"}}}
	for _, s := range runningStates {
		in.Args = append(in.Args, query.Const{Value: s})
	}
	return in
}

var runningStates = []string{"open", "late", "paused"}

func (w *work) due(row store.Row) *Due {
	st := w.clockState(row)
	return &Due{Name: str(row["name"]), Label: w.clockLabel(row), Due: str(row["due"]), From: str(row["from_at"]), Clause: str(row["clause"]), State: st, Paused: st == "paused"}
}
