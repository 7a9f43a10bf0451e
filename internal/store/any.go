package store

import (
	"slices"

	"zhanggui/internal/query"
)

// On SQLite, where a question is no journey, alternatives are asked one after the other: as soon as they have answered a page,
// the next are asked no further back than its end. One that few rows meet would else look through all that there are for them.

// apart tells whether a question's alternatives can be asked so: in the order of a text that every row has.
func (tx *Tx) apart(q query.Select) bool {
	if tx.db.drv.dialect() != sqlite || len(q.Any) < 2 || q.Limit == 0 || q.Offset != 0 || len(q.Order) == 0 || len(q.Group) > 0 {
		return false
	}
	at, ok := q.Order[0].Expr.(query.Col)
	t := tx.schema.tables[q.Table]
	if !ok || t == nil || at.Alias != q.Alias || t.byName["id"] == nil {
		return false
	}
	c := t.byName[at.Name]
	return c != nil && c.Kind == Text && c.NotNull && !slices.ContainsFunc(q.Columns, func(c query.Column) bool { return c.Agg != "" })
}

func (tx *Tx) selectApart(q query.Select) ([]Row, error) {
	at, desc := q.Order[0].Expr, q.Order[0].Desc
	id := query.Col{Alias: q.Alias, Name: "id"}
	found := map[string]string{} // id → its place in the order
	var end query.Expr           // of the page, once there is one
	last := ""
	for _, way := range q.Any {
		rows, err := tx.Select(query.Select{Table: q.Table, Alias: q.Alias, Where: query.And(way, q.Where, end), Order: q.Order, Limit: q.Limit,
			Columns: []query.Column{{Name: "id", Expr: id}, {Name: "place", Expr: at}}})
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			key, _ := row["id"].(string)
			found[key], _ = row["place"].(string)
		}
		if len(found) < q.Limit {
			continue
		}
		places := make([]string, 0, len(found))
		for _, p := range found {
			places = append(places, p)
		}
		slices.Sort(places)
		last = places[q.Limit-1]
		if desc {
			last = places[len(places)-q.Limit]
		}
		end = query.Op{Name: pick(desc, ">=", "<="), Args: []query.Expr{at, query.Const{Value: last}}}
	}
	in := query.Op{Name: "in", Args: []query.Expr{id}}
	for key, p := range found {
		if end == nil || p == last || (p > last) == desc {
			in.Args = append(in.Args, query.Const{Value: key})
		}
	}
	q.Any, q.Where = nil, in
	return tx.Select(q)
}
