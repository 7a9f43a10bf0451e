package engine

import (
	"context"
	"fmt"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// judgeQuotas asks every quota whose set this record has joined in this act. The partition is locked, so that
// two acts at once cannot both take the last place; who was in already stays, whatever the limit is now. A limit speaks of
// records of many days, so its parameters are those in force, as a gate's.
func (w *work) judgeQuotas(r *Record, a *rulebook.Action) error {
	if w.seeding {
		return nil
	}
	view := w.viewFor(r.form.Book, r)
	var items []Reason
	for _, q := range r.form.Book.Quotas {
		if q.Of != r.form.Key || !view.Awake(&q.Node) {
			continue
		}
		now, before, err := w.seats(q, r, view)
		if err != nil {
			return err
		}
		if now == "" || now == before {
			continue
		}
		c, err := w.quota(q, r, view, w.scope(r, view, nil))
		if err != nil {
			return err
		}
		if !c.over() || q.Waive != nil && w.waives(q.Waive, q.Clause, r, view, demand{waive: w.asked}) {
			continue
		}
		items = append(items, Reason{Clause: q.Clause, Say: label(
			fmt.Sprintf("“%s”已有 %d，最多 %d（基数 %s）", textOr(q.Label, q.ID).ZH, c.n-1, c.limit, c.base),
			fmt.Sprintf("%s: %d already, at most %d (of %s)", textOr(q.Label, q.ID).EN, c.n-1, c.limit, c.base)), Waive: q.Waive != nil})
	}
	if len(items) > 0 {
		return w.refuse("quota", r, a, items)
	}
	return nil
}

// seats are the partitions a record is counted in, now and before the act; "" where it is not counted.
func (w *work) seats(q *rulebook.Quota, r *Record, view *rulebook.View) (now, before string, err error) {
	place := func(s *expr.Scope) (string, error) {
		if this, ok := s.Vars["this"].(expr.Record); ok {
			if v, err := this.Get("state"); err != nil || v == "void" {
				return "", err
			}
		}
		counted, err := w.truth(q.Where, view, s, true)
		if err != nil || !counted {
			return "", err
		}
		_, key, err := w.partition(q.Per, s)
		return "=" + key, err
	}
	if now, err = place(w.scope(r, view, nil)); err != nil || r.born() {
		return now, "", err
	}
	before, err = place(w.scope(r, view, map[string]expr.Value{"this": oldRecord{r}}))
	return now, before, err
}

// count is how a quota stands in one partition.
type count struct {
	n, limit int64 // limit -1: none
	base     string
	key      string
	where    query.Expr // who is counted
}

func (c count) over() bool { return c.limit >= 0 && c.n > c.limit }

// counts is the condition of who is counted, as a question to the database; nil = all.
func (w *work) counts(q *rulebook.Quota, view *rulebook.View, s *expr.Scope) (query.Expr, error) {
	for _, k := range casesOf(q.Where) {
		if !view.Awake(&k.Node) {
			continue
		}
		x, ok := k.Is.Query("this", s)
		if !ok {
			return nil, fmt.Errorf("quota %s: where is not in the SQL half", q.ID)
		}
		return x, nil
	}
	return nil, nil
}

// quota counts the partition of what the scope calls this, and its limit.
func (w *work) quota(q *rulebook.Quota, r *Record, view *rulebook.View, s *expr.Scope) (count, error) {
	c := count{limit: -1}
	part, key, err := w.partition(q.Per, s)
	if err != nil {
		return c, err
	}
	c.key = q.Book.ID + "." + q.ID + key
	if !w.reading {
		if err := w.tx.Lock("quota:" + c.key); err != nil {
			return c, err
		}
	}
	if err := w.flush(); err != nil {
		return c, err
	}
	part = query.And(part, query.Op{Name: "<>", Args: []query.Expr{query.Col{Alias: "this", Name: "state"}, query.Const{Value: "void"}}})
	who, err := w.counts(q, view, unbound(s))
	if err != nil {
		return c, err
	}
	c.where = query.And(part, who)
	amount := func(cond query.Expr) (int64, error) {
		v, err := w.tx.Scalar(query.Sub{Agg: "count", Table: r.form.Table, Alias: "this", Where: cond})
		n, _ := v.(int64)
		return n, err
	}
	if c.n, err = amount(c.where); err != nil {
		return c, err
	}
	var base expr.Value
	if q.Base != nil {
		if base, err = q.Base.Eval(s); err != nil {
			return c, err
		}
	} else if base, err = amount(part); err != nil {
		return c, err
	}
	c.base = expr.Format(base, expr.Type{Kind: expr.KAny})
	vars := map[string]expr.Value{"base": base}
	for k, v := range s.Vars {
		vars[k] = v
	}
	v, k, err := q.AtMost.Pick(view, &expr.Scope{Now: s.Now, Vars: vars, Facts: s.Facts, Read: s.Read})
	if err == nil && k != nil && v != nil {
		c.limit = wholeNumber(v)
	}
	return c, err
}

func casesOf(v *rulebook.Value) []*rulebook.Case {
	if v == nil {
		return nil
	}
	return v.Cases
}

func wholeNumber(v expr.Value) int64 {
	switch x := v.(type) {
	case int64:
		return x
	case expr.Decimal:
		n, _, _ := x.Int64(0)
		return n
	}
	return -1
}

// partition is the condition that holds for rows with the same `per` values, and its key.
func (w *work) partition(per []*expr.Expr, s *expr.Scope) (query.Expr, string, error) {
	var cond query.Expr
	key := ""
	for _, e := range per {
		v, err := e.Eval(s)
		if err != nil {
			return nil, "", err
		}
		same, ok := e.Equals("this", v, unbound(s))
		if !ok {
			return nil, "", fmt.Errorf("%q is not in the SQL half", e.Text())
		}
		cond = query.And(cond, same)
		key += fmt.Sprintf("|%v", same.Args[1].(query.Const).Value)
	}
	return cond, key, nil
}

// unbound is the scope for a question to the database, whose rows are `this`.
func unbound(s *expr.Scope) *expr.Scope {
	return &expr.Scope{Now: s.Now, Vars: without(s.Vars, "this"), Facts: s.Facts, Mark: s.Mark}
}

func without(m map[string]expr.Value, key string) map[string]expr.Value {
	out := make(map[string]expr.Value, len(m))
	for k, v := range m {
		if k != key {
			out[k] = v
		}
	}
	return out
}

func (w *work) quotaLeft(id string, rec expr.Record, _ *rulebook.View) (int64, error) {
	r, ok := rec.(*Record)
	if !ok {
		return 0, nil
	}
	for _, q := range r.form.Book.Quotas {
		if q.ID != id {
			continue
		}
		view := w.viewFor(q.Book, r)
		c, err := w.quota(q, r, view, w.scope(r, view, nil))
		if err != nil || c.limit < 0 || !view.Awake(&q.Node) {
			return 1 << 40, err
		}
		return c.limit - c.n, nil
	}
	return 0, fmt.Errorf("no quota %s", id)
}

// QuotaOf tells how many a quota counts in the partition of a record, and how many it allows: "3 of 3".
func (e *Engine) QuotaOf(ctx context.Context, now time.Time, form, id, quota string) (string, error) {
	out := ""
	err := e.DB.Read(ctx, func(tx *store.Tx) error {
		w, err := e.begin(ctx, tx, now, Actor{System: true})
		if err != nil {
			return err
		}
		w.reading = true
		f := e.Lib.Form(form)
		r, err := w.get(f, id)
		if err != nil {
			return err
		}
		for _, q := range f.Book.Quotas {
			if q.ID == quota && q.Of == form {
				view := w.viewFor(q.Book, r)
				if !view.Awake(&q.Node) {
					return nil
				}
				c, err := w.quota(q, r, view, w.scope(r, view, nil))
				out = fmt.Sprintf("%d of %d", c.n, c.limit)
				return err
			}
		}
		return fmt.Errorf("form %s has no quota %s", f.ID, quota)
	})
	return out, err
}
