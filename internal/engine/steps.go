package engine

import (
	"context"
	"time"

	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// Step is one named action that the record's state allows now, with the persons who may do it.
type Step struct {
	Action *rulebook.Action
	Who    []string
	Clock  bool // nobody with an account does it: only the clock, or who has a link
}

// Steps lists what could come next for a record, whoever asks. The demonstration drives by it.
func (e *Engine) Steps(ctx context.Context, now time.Time, form, id string) ([]Step, string, error) {
	f := e.Lib.Form(form)
	if f == nil {
		return nil, "", unknownForm(form)
	}
	var list []Step
	state := ""
	err := e.DB.Read(ctx, func(tx *store.Tx) error {
		list = nil
		w, err := e.begin(ctx, tx, now, Actor{System: true})
		if err != nil {
			return err
		}
		w.reading = true
		r, err := w.get(f, id)
		if err != nil {
			return err
		}
		state = r.State()
		view := w.view(r)
		for _, a := range r.form.Actions {
			if a.Implicit || !view.Awake(&a.Node) || w.judgeState(r, a, view) != nil {
				continue
			}
			s := Step{Action: a, Who: w.whoMay(r, a)}
			if a.By != nil {
				s.Clock = true
				for _, item := range a.By.Items {
					s.Clock = s.Clock && (item.Clock || item.Link)
				}
			}
			list = append(list, s)
		}
		return nil
	})
	return list, state, err
}

// RowIDs lists the rows of a record's table in their order, whoever asks. The demonstration fills them.
func (e *Engine) RowIDs(ctx context.Context, now time.Time, form, id, line string) ([]string, error) {
	f := e.Lib.Form(form)
	if f == nil {
		return nil, unknownForm(form)
	}
	var ids []string
	err := e.DB.Read(ctx, func(tx *store.Tx) error {
		ids = nil
		w, err := e.begin(ctx, tx, now, Actor{System: true})
		if err != nil {
			return err
		}
		w.reading = true
		r, err := w.get(f, id)
		if err != nil {
			return err
		}
		rows, err := r.Lines(line)
		for _, x := range rows {
			ids = append(ids, x.id)
		}
		return err
	})
	return ids, err
}

// Standing is a record of a state, and the record or person that one of its fields names.
type Standing struct{ ID, Of string }

// InState lists the records of a form that stand in a state, oldest first, with what the field names ("" = none). The demonstration
// finds by it what waits for somebody.
func (e *Engine) InState(ctx context.Context, form, state, field string) ([]Standing, error) {
	f := e.Lib.Form(form)
	if f == nil || field != "" && f.Field(field) == nil {
		return nil, unknownForm(form)
	}
	columns := []query.Column{{Name: "id", Expr: query.Col{Alias: "t", Name: "id"}}}
	if field != "" {
		columns = append(columns, query.Column{Name: "of", Expr: query.Col{Alias: "t", Name: f.Field(field).Column}})
	}
	var list []Standing
	err := e.DB.Read(ctx, func(tx *store.Tx) error {
		list = nil
		rows, err := tx.Select(query.Select{Table: f.Table, Alias: "t", Columns: columns, Where: query.Eq("t", "state", state),
			Order: []query.Order{{Expr: query.Col{Alias: "t", Name: "at"}}, {Expr: query.Col{Alias: "t", Name: "id"}}}})
		for _, row := range rows {
			list = append(list, Standing{str(row["id"]), str(row["of"])})
		}
		return err
	})
	return list, err
}
