package engine

import (
	"context"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// urgeEvery is how long nobody urges the same record again: who is asked every minute reads nothing any more.
const urgeEvery = 30 * time.Minute

// Urge reminds those who hold a running deadline, in the name of who asks; it answers whom it told.
func (e *Engine) Urge(ctx context.Context, now time.Time, actor Actor, clock string) ([]Ref, error) {
	now = now.UTC().Truncate(time.Millisecond)
	var told []Ref
	err := e.DB.Write(ctx, func(tx *store.Tx) error {
		told = []Ref{}
		w, err := e.begin(ctx, tx, now, actor)
		if err != nil {
			return err
		}
		cf := w.clockForm()
		rows, err := tx.Select(query.Select{Table: cf.Table, Alias: "this", Where: query.And(w.where(cf, "this"), query.Eq("this", "id", clock), running("this")), Limit: 1})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return fault.New(fault.NotFound, "没有这个时限，或者已经办结", "There is no such time limit, or it is met")
		}
		c := w.clockOut(rows[0])
		r, err := w.recordSeen(c.Form, c.Record)
		if err != nil {
			return err
		}
		if err := tx.Lock("urge:" + r.id); err != nil {
			return err
		}
		nf := w.e.Lib.Form("base.notice")
		n, err := tx.Count(nf.Table, query.And(query.Eq("t", "of_id", r.id), query.Eq("t", "via", "urge"),
			query.Op{Name: ">", Args: []query.Expr{query.Col{Alias: "t", Name: "at"}, query.Const{Value: instant(now.Add(-urgeEvery))}}}))
		if err != nil {
			return err
		}
		if n > 0 {
			return fault.New(fault.Conflict, "半小时内已经催过，等一等再催", "Urged within the last half hour; wait before asking again")
		}
		for _, h := range c.Holder {
			if h.ID == actor.Person {
				continue
			}
			p, err := w.person(h.ID)
			if err != nil {
				return err
			}
			who := w.name(actor.Person)
			if err := w.quietCreate("base.notice", r, map[string]expr.Value{"person": p, "via": "urge", "clause": orUnset(c.Clause),
				"text": who + " 催办：" + c.Label.ZH, "text_en": who + " asks for: " + c.Label.EN}); err != nil {
				return err
			}
			told = append(told, Ref{ID: h.ID, Name: h.Name})
		}
		if len(told) == 0 {
			return fault.New(fault.Conflict, "没有别人在办，不用催", "Nobody else holds it")
		}
		if err := w.settle(); err != nil {
			return err
		}
		return w.logRead(r, c.Form, "urge", map[string]any{"limit": c.Name})
	})
	return told, err
}
