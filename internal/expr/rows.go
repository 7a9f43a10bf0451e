package expr

import "sort"

// at is a row of a list, counted from 0 and unset beyond it, or the row of a table parameter.
func (m *machine) at(a []Value) (Value, error) {
	if t, ok := a[0].(table); ok {
		return m.lookup(string(t), a[1:])
	}
	list, err := items(a[0])
	if err != nil {
		return nil, err
	}
	i, ok := a[1].(int64)
	if !ok || i < 0 || i >= int64(len(list)) {
		return nil, nil
	}
	return list[i], nil
}

func lastOf(a []Value) (Value, error) {
	list, err := items(a[0])
	if err != nil {
		return nil, err
	}
	if k, _ := a[1].(int64); k < int64(len(list)) {
		list = list[int64(len(list))-max(k, 0):]
	}
	return list, nil
}

// keyed are the queries that need a second value of each row: a key to sort by, a weight to split by.
func (m *machine) keyed(n *node) (Value, error) {
	from, by := n.args[0], n.args[1]
	var total Value
	if n.name == "@split" {
		from, by = n.args[1], n.args[2]
		var err error
		if total, err = m.eval(n.args[0]); err != nil || total == nil {
			return nil, err
		}
	}
	v, err := m.eval(from)
	if err != nil {
		return nil, err
	}
	list, err := items(v)
	if err != nil {
		return nil, err
	}
	keys, err := m.collect(source{list: list}, &node{op: "map", name: by.name, args: []*node{nil, nil, by.args[2]}})
	if err != nil {
		return nil, err
	}
	if n.name == "@split" {
		return splitBy(total, list, keys)
	}
	order := make([]int, 0, len(list))
	for i := range list {
		if n.name == "@sorted_by" || keys[i] != nil { // a row without the key is neither first nor last by it
			order = append(order, i)
		}
	}
	sort.SliceStable(order, func(i, j int) bool { return Compare(keys[order[i]], keys[order[j]]) < 0 })
	if n.name == "@sorted_by" {
		out := make([]Value, len(order))
		for i, k := range order {
			out[i] = list[k]
		}
		return out, nil
	}
	switch {
	case len(order) == 0:
		return nil, nil
	case n.name == "@first_by":
		return list[order[0]], nil
	}
	return list[order[len(order)-1]], nil
}
