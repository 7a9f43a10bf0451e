package engine

import (
	"context"
	"slices"
	"time"

	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// Forms lists the forms the reader may know of.
func (e *Engine) Forms(ctx context.Context, now time.Time, actor Actor) ([]FormBrief, error) {
	list := []FormBrief{}
	err := e.read(ctx, now, actor, func(w *work) error {
		list = list[:0]
		begun := w.anyAdopted()
		for _, b := range e.Lib.Books {
			if begun && b.ID != "base" && !w.worksWith(b) {
				continue // no regulation of his
			}
			for _, f := range b.Forms {
				if f.Key == savedViewForm { // found in the lists themselves
					continue
				}
				if s := w.scopeOf(f); s.none || (!s.all && len(s.units) == 0 && f.Kept == "" && b.ID != "base") {
					continue
				}
				x := w.formBrief(f)
				if b.ID == "base" && w.stranger() {
					if ok, err := w.business(f, x.CanCreate); err != nil {
						return err
					} else if !ok {
						continue
					}
				}
				list = append(list, x)
			}
		}
		return nil
	})
	return list, err
}

// newest is how many rows of a register are looked through for somebody whom a list in them may name: no index tells.
const newest = 300

// business tells whether somebody of another organisation finds or files anything in a register of the platform.
func (w *work) business(f *rulebook.Form, files bool) (bool, error) {
	if f.Key == "base.param_value" { // anyone may, who may change one of the values
		files = slices.ContainsFunc(w.e.Lib.Books, func(b *rulebook.Book) bool {
			return w.mayRead(b) && slices.ContainsFunc(b.Parameters, func(p *rulebook.Parameter) bool {
				ok, err := w.mayChange(w.valueOf(b, p, ""), b, p)
				return ok && err == nil
			})
		})
	}
	if files {
		return true, nil
	}
	s := *w.scopeOf(f)
	listed := s.in
	s.in = nil
	q := query.Select{Table: f.Table, Alias: "this", Columns: []query.Column{{Name: "id", Expr: query.Col{Alias: "this", Name: "id"}}}, Limit: 1, Where: w.whereClass(f, "this")}
	if !s.all {
		q.Where = query.And(query.Op{Name: "or", Args: w.whereOwn(&s, "this")}, q.Where)
	}
	rows, err := w.tx.Select(q)
	if err != nil || len(rows) > 0 || len(listed) == 0 {
		return len(rows) > 0, err
	}
	if f.Key == w.clockForm().Key {
		rows, err = w.clocksHeld([]string{w.me.id}, 1)
		return len(rows) > 0, err
	}
	q.Columns, q.Where, q.Limit = nil, w.whereClass(f, "this"), newest
	q.Order = []query.Order{{Expr: query.Col{Alias: "this", Name: "at"}, Desc: true}, {Expr: query.Col{Alias: "this", Name: "id"}, Desc: true}}
	for _, c := range listed {
		q.Columns = append(q.Columns, query.Column{Name: c, Expr: query.Col{Alias: "this", Name: c}})
	}
	rows, err = w.tx.Select(q)
	return slices.ContainsFunc(rows, func(row store.Row) bool {
		return slices.ContainsFunc(listed, func(c string) bool { return contains(idList(row[c]), w.me.id) })
	}), err
}
