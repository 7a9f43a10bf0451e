package store_test

import (
	"reflect"
	"slices"
	"strconv"
	"testing"

	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
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
				for _, order := range [][]query.Order{{id}, {{Expr: id.Expr, Desc: true}}, {{Expr: amount, Desc: true}, id}, {{Expr: name}, id}} {
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

// Ensure that alternatives in the order of time answer a page with all that stands at its end's time, and that an alternative that
// has rows enough ends the looking of those after it: the rows that are gone through do not grow with what there is.
func TestSelect_AnyPage(t *testing.T) {
	var counted testkit.Rows
	db, err := store.Open(t.Context(), "sqlite:"+t.TempDir()+"/a.db", counted.Option())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	plan, err := db.Plan(t.Context(), append(store.SystemTables(), store.Table{Name: "slip", Primary: []string{"id"}, Columns: []store.Column{
		{Name: "id", Kind: store.Text, NotNull: true}, {Name: "at", Kind: store.Text, NotNull: true}, {Name: "n", Kind: store.Int}}}))
	if err == nil {
		err = db.Apply(t.Context(), plan)
	}
	if err != nil {
		t.Fatal(err)
	}
	var list []store.Row
	for i := range 900 {
		list = append(list, store.Row{"id": strconv.Itoa(1000 + i*7%900), "at": strconv.Itoa(100 + i/9), "n": int64(i % 5)})
		if i%90 == 3 {
			list[i]["n"] = int64(7) // few, and spread over all times
		}
	}
	write(t, db, func(tx *store.Tx) error { return tx.InsertMany("slip", list) })
	at, id, n := col("s", "at"), col("s", "id"), col("s", "n")
	any := []query.Expr{op("=", n, val(1)), op("=", n, val(2)), op("<", n, val(3)), op("=", n, val(9))}
	for _, desc := range []bool{true, false} {
		for _, limit := range []int{1, 2, 5, 9, 10, 100, 529, 530, 531, 540} {
			q := query.Select{Table: "slip", Alias: "s", Any: any, Order: []query.Order{{Expr: at, Desc: desc}, {Expr: id, Desc: desc}}, Limit: limit}
			plain := q
			plain.Any, plain.Where = nil, query.Op{Name: "or", Args: any}
			read(t, db, func(tx *store.Tx) error {
				want, err := tx.Select(plain)
				if err != nil {
					return err
				}
				got, err := tx.Select(q)
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%d, backwards %v: got %d rows, want %d", limit, desc, len(got), len(want))
				}
				return err
			})
		}
	}
	read(t, db, func(tx *store.Tx) error {
		counted.Taken()
		rows, err := tx.Select(query.Select{Table: "slip", Alias: "s", Any: []query.Expr{op("=", n, val(1)), op("=", n, val(7))}, Order: []query.Order{{Expr: at, Desc: true}}, Limit: 10})
		if took := counted.Taken(); len(rows) != 10 || took > 10+10+1 {
			t.Errorf("%d rows, for which %d were asked: those of the second were looked for in all times", len(rows), took)
		}
		return err
	})
}
