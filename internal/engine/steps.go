package engine

import (
	"context"
	"time"

	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// Step is one named action that the record's state allows now, with the persons who may do it.
type Step struct {
	Action *rulebook.Action
	Who    []string
	Clock  bool // only the clock does it
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
		for _, a := range f.Actions {
			if a.Implicit || !view.Awake(&a.Node) || w.judgeState(r, a, view) != nil {
				continue
			}
			s := Step{Action: a, Who: w.whoMay(r, a)}
			if a.By != nil {
				s.Clock = true
				for _, item := range a.By.Items {
					s.Clock = s.Clock && item.Clock
				}
			}
			list = append(list, s)
		}
		return nil
	})
	return list, state, err
}
