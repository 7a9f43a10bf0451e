package engine

import (
	"fmt"

	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

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
	part, _, err := w.partition(k.Per, s)
	if err != nil {
		return nil, err
	}
	form := w.e.Lib.Form(k.Of)
	for _, c := range casesOf(k.Where) {
		if view.Awake(&c.Node) {
			x, ok := c.Is.Query("this", unbound(s))
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
