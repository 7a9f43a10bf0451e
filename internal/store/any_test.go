package store_test

import (
	"reflect"
	"slices"
	"testing"

	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// Ensure that a question whose alternatives are asked one by one answers what it does with them joined by or: in every order,
// however few rows are wanted, also where alternatives overlap, hold for no row or are NULL.
func TestSelect_Any(t *testing.T) {
	amount, open, name := col("t", "amount"), col("t", "open"), col("t", "name")
	each(t, func(t *testing.T, db *store.DB) {
		stock(t, db)
		id := query.Order{Expr: col("t", "id")}
		parts := query.Sub{Agg: "exists", Table: "part", Alias: "p", Where: op("=", col("p", "thing"), col("t", "id"))}
		for _, any := range [][]query.Expr{
			{},
			{op("=", amount, val(3))},
			{op("=", amount, val(3)), open, op("isnull", name)},
			{op(">", amount, val(-5)), op("contains", name, val("apple")), op("or"), op("=", name, val(nil))},
			{parts, op("in", col("t", "id"), val("3"), val("4")), open},
		} {
			for _, where := range []query.Expr{nil, op("<>", col("t", "id"), val("1")), op("not", open), op("in", col("t", "id"))} {
				for _, order := range [][]query.Order{{id}, {{Expr: amount, Desc: true}, id}, {{Expr: name}, id}} {
					for limit := range 7 {
						ask := func(q query.Select) (ids []string) {
							q.Table, q.Alias, q.Order, q.Limit = "thing", "t", order, limit
							read(t, db, func(tx *store.Tx) error {
								rows, err := tx.Select(q)
								for _, row := range rows {
									ids = append(ids, row["id"].(string))
								}
								return err
							})
							return ids
						}
						got, want := ask(query.Select{Where: where, Any: any}), ask(query.Select{Where: query.And(where, query.Op{Name: "or", Args: any})})
						if !slices.Equal(got, want) {
							t.Fatalf("any %v where %v by %v, %d rows: got %v, want %v", any, where, order, limit, got, want)
						}
					}
				}
			}
		}
		read(t, db, func(tx *store.Tx) error {
			rows, err := tx.Select(query.Select{Table: "thing", Alias: "t", Any: []query.Expr{open, op("=", amount, val(3))}, Order: []query.Order{id}, Limit: 2, Columns: []query.Column{{Name: "n", Expr: amount}}})
			if want := []store.Row{{"n": int64(3)}, {"n": nil}}; !reflect.DeepEqual(rows, want) {
				t.Errorf("chosen columns: got %v, want %v", rows, want)
			}
			return err
		})
		if err := db.Read(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Select(query.Select{Table: "thing", Alias: "t", Any: []query.Expr{open}, Columns: []query.Column{{Name: "n", Agg: "count"}}})
			return err
		}); err == nil {
			t.Error("alternatives were counted, each for itself")
		}
	})
}
