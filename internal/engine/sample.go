package engine

import (
	"crypto/sha256"
	"sort"
	"strings"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
)

// drawn is the sample: so many members of each group, or its share rounded up; which ones is fixed for a period, but not by their order.
func (w *work) drawn(sm *rulebook.Sample, view *rulebook.View, list []*Record, p calendar.Period) ([]*Record, error) {
	if sm == nil || !view.Awake(&sm.Node) {
		return list, nil
	}
	n, err := w.wholeOf(sm.Count, view)
	if err != nil {
		return nil, err
	}
	pct, err := w.wholeOf(sm.Pct, view)
	if err != nil {
		return nil, err
	}
	if n < 0 && pct < 0 {
		return list, nil // what it reads has no value
	}
	groups, order := map[string][]*Record{}, []string{}
	for _, m := range list {
		key, err := w.groupOf(sm, view, m)
		if err != nil {
			return nil, err
		}
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], m)
	}
	var all []*Record
	for _, key := range order {
		g := groups[key]
		k := max(n, (len(g)*pct+99)/100)
		sort.Slice(g, func(i, j int) bool { return lot(p, g[i]) < lot(p, g[j]) })
		all = append(all, g[:min(k, len(g))]...)
	}
	return all, nil
}

func lot(p calendar.Period, m *Record) string {
	sum := sha256.Sum256([]byte(instant(p.From) + m.id))
	return string(sum[:])
}

// wholeOf is a whole number of the rulebook, -1 if it is unset or asleep.
func (w *work) wholeOf(v *rulebook.Value, view *rulebook.View) (int, error) {
	if v == nil {
		return -1, nil
	}
	x, _, err := v.Pick(view, w.scope(nil, view, nil))
	if n, ok := x.(int64); ok && err == nil {
		return int(n), nil
	}
	return -1, err
}

// groupOf names the group a member is drawn in. The words day … year of per: mean the current one, alike for all.
func (w *work) groupOf(sm *rulebook.Sample, view *rulebook.View, m *Record) (string, error) {
	if len(sm.Per) == 0 {
		return "", nil
	}
	same := map[string]expr.Value{"day": "", "week": "", "month": "", "quarter": "", "year": ""}
	var key strings.Builder
	for _, e := range sm.Per {
		v, err := e.Eval(w.scope(m, view, same))
		if err != nil {
			return "", err
		}
		if r, ok := v.(*Record); ok {
			v = r.id
		}
		key.WriteString(expr.Format(v, expr.Of(expr.KAny)))
		key.WriteByte(0)
	}
	return key.String(), nil
}
