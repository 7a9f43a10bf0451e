package engine

import (
	"fmt"

	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// ranking is the one a rule means, and how it is in force: of the form's own rulebook, or, of a shared form such as persons, of the rulebook that asks.
func (w *work) ranking(id string, r *Record, asks *rulebook.View) (*rulebook.Ranking, *rulebook.View) {
	for _, x := range r.form.Book.Rankings {
		if x.ID == id {
			return x, w.view(r)
		}
	}
	if asks != nil {
		for _, x := range asks.Book.Rankings {
			if x.ID == id && x.Of == r.form.Key {
				return x, asks
			}
		}
	}
	return nil, nil
}

// rankPartition is who is ranked with a record: a condition over rows called this. In an act the partition is locked, so that what one act
// decides by a rank another cannot change meanwhile and decide by the same.
func (w *work) rankPartition(k *rulebook.Ranking, r *Record, view *rulebook.View) (query.Expr, error) {
	s := w.scope(r, view, nil)
	part, key, err := w.partition(k.Per, s)
	if err != nil {
		return nil, err
	}
	if !w.reading {
		if err := w.tx.Lock("ranking:" + k.Book.ID + "." + k.ID + key); err != nil {
			return nil, err
		}
	}
	part = query.And(part, query.Op{Name: "<>", Args: []query.Expr{query.Col{Alias: "this", Name: "state"}, query.Const{Value: "void"}}})
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
	return part, w.flush()
}

// rankKey is one key of an order: how the database works it out for a row (nil if it cannot), and what it is for the record asked about.
type rankKey struct {
	expr *expr.Expr
	desc bool
	sql  query.Expr
	mine expr.Value
	raw  any
}

// rank is 1 + the number of members that come before the record.
func (w *work) rank(id string, rec expr.Record, asks *rulebook.View) (int64, error) {
	r, ok := rec.(*Record)
	if !ok {
		return 0, nil
	}
	k, view := w.ranking(id, r, asks)
	if k == nil {
		return 0, fmt.Errorf("no ranking %s", id)
	}
	if !view.Awake(&k.Node) {
		return 1, nil
	}
	part, err := w.rankPartition(k, r, view)
	if err != nil {
		return 0, err
	}
	keys, asked, err := w.rankKeys(k, r, view)
	if err != nil {
		return 0, err
	}
	form := w.e.Lib.Form(k.Of)
	part = query.And(part, query.Op{Name: "<>", Args: []query.Expr{query.Col{Alias: "this", Name: "id"}, query.Const{Value: r.id}}})
	if !asked {
		return w.rankInMemory(k, form, part, keys, r, view)
	}
	ahead := comesBefore(keys, r.id, k.Share)
	if ahead == nil {
		return 1, nil // every key sleeps, and ties are shared
	}
	n, err := w.tx.Scalar(query.Sub{Agg: "count", Table: form.Table, Alias: "this", Where: query.And(part, ahead)})
	before, _ := n.(int64)
	return before + 1, err
}

// rankKeys are the keys that are awake; asked tells whether the database can work all of them out and order them as memory does.
func (w *work) rankKeys(k *rulebook.Ranking, r *Record, view *rulebook.View) (keys []rankKey, asked bool, err error) {
	asked = true
	s := w.scope(r, view, nil)
	for _, by := range k.By {
		if !view.Awake(&by.Node) {
			continue
		}
		x := rankKey{expr: by.Expr, desc: by.Desc}
		if x.mine, err = by.Expr.Eval(s); err != nil {
			return nil, false, err
		}
		switch by.Expr.Type().Kind {
		case expr.KInt, expr.KDecimal, expr.KMoney, expr.KText, expr.KChoice, expr.KDate, expr.KDatetime:
			var ok bool
			x.sql, ok = by.Expr.Query("this", unbound(s))
			asked = asked && ok
		default: // a length of time, a clock time: the database would order their letters
			asked = false
		}
		if asked {
			if x.raw, err = encode(x.mine, rulebook.FieldType{Expr: by.Expr.Type()}); err != nil {
				return nil, false, err
			}
		}
		keys = append(keys, x)
	}
	return keys, asked, nil
}

// comesBefore is the condition that a row stands before the record: by the first key that differs, unset being the least. With ties in
// order the older id goes first; with shared ones nobody of a tie is before another.
func comesBefore(keys []rankKey, id string, share bool) query.Expr {
	var any []query.Expr
	var tie query.Expr
	for _, k := range keys {
		unset := query.Op{Name: "isnull", Args: []query.Expr{k.sql}}
		set := query.Op{Name: "not", Args: []query.Expr{unset}}
		op := func(name string) query.Expr {
			return query.Op{Name: name, Args: []query.Expr{k.sql, query.Const{Value: k.raw}}}
		}
		var ahead, same query.Expr
		switch {
		case k.raw == nil && k.desc:
			ahead, same = set, unset
		case k.raw == nil:
			same = unset
		case k.desc:
			ahead, same = op(">"), op("=")
		default:
			ahead, same = query.Op{Name: "or", Args: []query.Expr{unset, op("<")}}, op("=")
		}
		if ahead != nil {
			any = append(any, query.And(tie, ahead))
		}
		tie = query.And(tie, same)
	}
	if !share {
		any = append(any, query.And(tie, query.Op{Name: "<", Args: []query.Expr{query.Col{Alias: "this", Name: "id"}, query.Const{Value: id}}}))
	}
	switch len(any) {
	case 0:
		return nil
	case 1:
		return any[0]
	}
	return query.Op{Name: "or", Args: any}
}

// rankInMemory compares every member by keys that the database cannot work out.
func (w *work) rankInMemory(k *rulebook.Ranking, form *rulebook.Form, part query.Expr, keys []rankKey, r *Record, view *rulebook.View) (int64, error) {
	rows, err := w.tx.Select(query.Select{Table: form.Table, Alias: "this", Where: part})
	if err != nil {
		return 0, err
	}
	before := int64(0)
	for _, row := range rows {
		x := w.adopt(form, row)
		c := 0
		for _, by := range keys {
			theirs, err := by.expr.Eval(w.scope(x, view, nil))
			if err != nil {
				return 0, err
			}
			c = expr.Compare(theirs, by.mine)
			if by.desc {
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

// ranked is how many are ranked with the record.
func (w *work) ranked(id string, rec expr.Record, asks *rulebook.View) (int64, error) {
	r, ok := rec.(*Record)
	if !ok {
		return 0, nil
	}
	k, view := w.ranking(id, r, asks)
	if k == nil {
		return 0, fmt.Errorf("no ranking %s", id)
	}
	part, err := w.rankPartition(k, r, view)
	if err != nil {
		return 0, err
	}
	n, err := w.tx.Scalar(query.Sub{Agg: "count", Table: w.e.Lib.Form(k.Of).Table, Alias: "this", Where: part})
	count, _ := n.(int64)
	return count, err
}
