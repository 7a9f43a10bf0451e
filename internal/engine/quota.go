package engine

import (
	"fmt"

	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// judgeQuotas asks every quota whose set this record may have joined. The partition is locked, so that
// two acts at once cannot both take the last place.
func (w *work) judgeQuotas(r *Record, a *rulebook.Action) error {
	view := w.view(r)
	var items []Reason
	for _, q := range r.form.Book.Quotas {
		if q.Of != r.form.Key || !view.Awake(&q.Node) {
			continue
		}
		counted, err := w.truth(q.Where, view, w.scope(r, view, nil), true)
		if err != nil {
			return err
		}
		if !counted {
			continue
		}
		n, limit, err := w.quota(q, r, view)
		if err != nil {
			return err
		}
		if limit >= 0 && n > limit {
			items = append(items, Reason{Clause: q.Clause, Say: label(fmt.Sprintf("已有 %d，最多 %d", n-1, limit), fmt.Sprintf("%d already, at most %d", n-1, limit)), Waive: q.Waive != nil})
		}
	}
	if len(items) > 0 {
		return w.refuse("quota", r, a, items)
	}
	return nil
}

// quota counts a record's partition and its limit (-1 = none).
func (w *work) quota(q *rulebook.Quota, r *Record, view *rulebook.View) (int64, int64, error) {
	s := w.scope(r, view, nil)
	part, key, err := w.partition(q.Per, r, s)
	if err != nil {
		return 0, 0, err
	}
	if err := w.tx.Lock("quota:" + q.Book.ID + "." + q.ID + key); err != nil {
		return 0, 0, err
	}
	if err := w.flush(); err != nil {
		return 0, 0, err
	}
	where := part
	for _, c := range casesOf(q.Where) {
		if !view.Awake(&c.Node) {
			continue
		}
		x, ok := c.Is.Query("this", s)
		if !ok {
			return 0, 0, fmt.Errorf("quota %s: where is not in the SQL half", q.ID)
		}
		where = query.And(where, x)
		break
	}
	count := func(cond query.Expr) (int64, error) {
		v, err := w.tx.Scalar(query.Sub{Agg: "count", Table: r.form.Table, Alias: "this", Where: cond})
		n, _ := v.(int64)
		return n, err
	}
	n, err := count(where)
	if err != nil {
		return 0, 0, err
	}
	var base expr.Value
	if q.Base != nil {
		if base, err = q.Base.Eval(s); err != nil {
			return 0, 0, err
		}
	} else {
		all, err := count(part)
		if err != nil {
			return 0, 0, err
		}
		base = all
	}
	v, c, err := q.AtMost.Pick(view, w.scope(r, view, map[string]expr.Value{"base": base}))
	if err != nil || c == nil {
		return n, -1, err
	}
	return n, wholeNumber(v), nil
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
func (w *work) partition(per []*expr.Expr, r *Record, s *expr.Scope) (query.Expr, string, error) {
	var cond query.Expr
	key := ""
	for _, e := range per {
		v, err := e.Eval(s)
		if err != nil {
			return nil, "", err
		}
		left, ok := e.Query("this", &expr.Scope{Now: s.Now, Vars: without(s.Vars, "this"), Facts: s.Facts})
		if !ok {
			return nil, "", fmt.Errorf("%q is not in the SQL half", e.Text())
		}
		raw, err := encode(v, rulebook.FieldType{Expr: e.Type()})
		if err != nil {
			return nil, "", err
		}
		cond = query.And(cond, query.Op{Name: "=", Args: []query.Expr{left, query.Const{Value: raw}}})
		key += fmt.Sprintf("|%v", raw)
	}
	return cond, key, nil
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

func (w *work) quotaLeft(id string, rec expr.Record, view *rulebook.View) (int64, error) {
	r, ok := rec.(*Record)
	if !ok {
		return 0, nil
	}
	for _, q := range r.form.Book.Quotas {
		if q.ID == id {
			n, limit, err := w.quota(q, r, w.view(r))
			if err != nil || limit < 0 {
				return 1 << 40, err
			}
			return limit - n, nil
		}
	}
	return 0, fmt.Errorf("no quota %s", id)
}

func (w *work) ranking(id string, r *Record) *rulebook.Ranking {
	for _, x := range r.form.Book.Rankings {
		if x.ID == id {
			return x
		}
	}
	return nil
}

// members of a ranking in the record's partition.
func (w *work) rankMembers(k *rulebook.Ranking, r *Record, view *rulebook.View) ([]*Record, error) {
	s := w.scope(r, view, nil)
	part, _, err := w.partition(k.Per, r, s)
	if err != nil {
		return nil, err
	}
	form := w.e.Lib.Form(k.Of)
	for _, c := range casesOf(k.Where) {
		if view.Awake(&c.Node) {
			x, ok := c.Is.Query("this", &expr.Scope{Now: s.Now, Vars: without(s.Vars, "this"), Facts: s.Facts})
			if !ok {
				return nil, fmt.Errorf("ranking %s: where is not in the SQL half", k.ID)
			}
			part = query.And(part, x)
			break
		}
	}
	if err := w.flush(); err != nil {
		return nil, err
	}
	rows, err := w.tx.Select(query.Select{Table: form.Table, Alias: "this", Where: part})
	if err != nil {
		return nil, err
	}
	var list []*Record
	for _, row := range rows {
		list = append(list, w.adopt(form, row))
	}
	return list, nil
}

// rank is 1 + the number of members that come before the record.
func (w *work) rank(id string, rec expr.Record, _ *rulebook.View) (int64, error) {
	r, ok := rec.(*Record)
	if !ok {
		return 0, nil
	}
	k := w.ranking(id, r)
	if k == nil {
		return 0, fmt.Errorf("no ranking %s", id)
	}
	view := w.view(r)
	if !view.Awake(&k.Node) {
		return 1, nil
	}
	list, err := w.rankMembers(k, r, view)
	if err != nil {
		return 0, err
	}
	keys := func(x *Record) ([]expr.Value, error) {
		var out []expr.Value
		for _, by := range k.By {
			v, err := by.Expr.Eval(w.scope(x, view, nil))
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	}
	mine, err := keys(r)
	if err != nil {
		return 0, err
	}
	before := int64(0)
	for _, x := range list {
		if x.id == r.id {
			continue
		}
		theirs, err := keys(x)
		if err != nil {
			return 0, err
		}
		c := 0
		for i, by := range k.By {
			if !view.Awake(&by.Node) {
				continue
			}
			c = expr.Compare(theirs[i], mine[i])
			if by.Desc {
				c = -c
			}
			if c != 0 {
				break
			}
		}
		if c == 0 && !k.Share && x.id < r.id {
			c = -1
		}
		if c < 0 {
			before++
		}
	}
	return before + 1, nil
}

func (w *work) ranked(id string, rec expr.Record, _ *rulebook.View) (int64, error) {
	r, ok := rec.(*Record)
	if !ok {
		return 0, nil
	}
	k := w.ranking(id, r)
	if k == nil {
		return 0, fmt.Errorf("no ranking %s", id)
	}
	list, err := w.rankMembers(k, r, w.view(r))
	return int64(len(list)), err
}
