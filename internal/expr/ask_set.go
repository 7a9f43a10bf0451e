package expr

import "zhanggui/internal/query"

// asked puts an aggregate to the database where the whole of it can be said there.
func (m *machine) asked(fn string, set Set, name string, body *node) (Value, bool, error) {
	switch fn {
	case "exists", "none":
		raw, err := set.Aggregate("exists", nil)
		return truthy(raw) == (fn == "exists"), true, err
	case "count":
		raw, err := set.Aggregate("count", nil)
		k, _ := raw.(int64)
		return k, true, err
	}
	if body == nil {
		return nil, false, nil
	}
	if fn == "all" {
		q, ok := m.asking(body, name)
		if !ok {
			return nil, false, nil
		}
		raw, err := set.Narrow(not(orFalse(q))).Aggregate("exists", nil)
		return !truthy(raw), true, err
	}
	if !inDatabase(fn, body.typ) {
		return nil, false, nil
	}
	q, t, ok := m.askingTyped(body, name)
	if !ok {
		return nil, false, nil
	}
	switch fn {
	case "distinct":
		raw, err := set.Aggregate("count_distinct", q)
		k, _ := raw.(int64)
		return k, true, err
	case "avg":
		total, err := set.Aggregate("sum", q)
		if err != nil || total == nil {
			return nil, true, err
		}
		k, err := set.Narrow(not(query.Op{Name: "isnull", Args: []query.Expr{q}})).Aggregate("count", nil)
		if err != nil {
			return nil, true, err
		}
		v, err := FromColumn(total, t)
		if err != nil {
			return nil, true, err
		}
		v, err = arithmetic("_/_", v, k)
		return v, true, err
	}
	raw, err := set.Aggregate(fn, q)
	if err != nil {
		return nil, true, err
	}
	if raw == nil && fn == "sum" {
		return zero(t), true, nil
	}
	v, err := FromColumn(raw, t)
	return v, true, err
}

// inDatabase tells whether a column form of the kind adds up, or orders, as the value does.
func inDatabase(fn string, t Type) bool {
	switch fn {
	case "sum", "min", "max", "avg", "distinct":
	default:
		return false
	}
	switch t.Kind {
	case KInt, KMoney, KDecimal:
		return true
	case KText, KChoice, KDate, KDatetime, KTime:
		return fn == "min" || fn == "max" || fn == "distinct"
	case KObject, KBool:
		return fn == "distinct"
	}
	return false
}

func truthy(v any) bool {
	switch x := v.(type) {
	case bool:
		return x
	case int64:
		return x != 0
	}
	return false
}
