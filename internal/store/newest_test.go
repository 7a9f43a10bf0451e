package store_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"

	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/store/pgtest"
	"zhanggui/internal/testkit"
)

// Ensure that a search for what everything has reads the newest few of each table, and as few however many there are; and that
// the newest are told rightly, also next to tables that have few or none, and where each asks for its part of the alternatives.
func TestNewest_Counted(t *testing.T) {
	var counted testkit.Rows
	db, err := store.Open(context.Background(), "sqlite:"+t.TempDir()+"/a.db", counted.Option())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	tables := map[string]int{"a": 3000, "b": 3, "c": 0, "d": store.FewPieces, "e": store.FewPieces + 1, "f": 3000, "g": 0}
	var names []string
	want := store.SystemTables()
	for name := range tables {
		x := cards[0]
		x.Name = name
		want, names = append(want, x), append(names, name)
	}
	slices.Sort(names)
	plan, err := db.Plan(context.Background(), want)
	if err == nil {
		err = db.Apply(context.Background(), plan)
	}
	if err != nil {
		t.Fatal(err)
	}
	fill := func(from, to int) {
		if err := db.Write(context.Background(), func(tx *store.Tx) error {
			var errs []error
			for _, name := range names {
				var rows []store.Row
				for i := from; i < min(to, tables[name]); i++ {
					rows = append(rows, store.Row{"id": strconv.Itoa(9999 - i), "search": "恒泰机械 260307-" + strconv.Itoa(i) + " ABCDEFGH"})
				}
				errs = append(errs, tx.InsertMany(name, append(rows, store.Row{"id": "x" + strconv.Itoa(from), "search": "鑫淼"})))
			}
			return errors.Join(errs...)
		}); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(have int) (took int) {
		if err := db.Read(context.Background(), func(tx *store.Tx) error {
			counted.Taken()
			tx.Together([][][]string{{{"恒泰"}, {"ABCDEFGH"}}})
			for _, name := range names {
				few, whole, err := tx.Newest(name, "x", [][][]string{{{"恒泰"}}}, store.FewPieces)
				if err != nil {
					return err
				}
				n := min(have, tables[name])
				if whole != (n <= store.FewPieces) {
					t.Errorf("%s of %d: whole %v", name, n, whole)
				}
				took += counted.Taken()
				rows, err := tx.Select(query.Select{Table: name, Alias: "x", Where: few, Order: []query.Order{{Expr: query.Col{Alias: "x", Name: "id"}}}})
				if err != nil || len(rows) != min(n, store.FewPieces) {
					t.Errorf("%s of %d: %d rows, %v", name, n, len(rows), err)
				}
				for i, row := range rows {
					if row["id"] != strconv.Itoa(9999-n+1+i) {
						t.Fatalf("%s of %d: row %d is %v", name, n, i, row["id"])
					}
				}
				counted.Taken()
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return took
	}
	fill(0, 300)
	few := ask(300)
	fill(300, 3000)
	if many := ask(3000); many != few || many > 10*(store.FewPieces+1) {
		t.Errorf("%d rows were read of thousands, %d of hundreds", many, few)
	}
}

// Ensure that on PostgreSQL the newest are found wherever they lie among many: in the newest part of a table, which has just begun, in the one
// before it, in the oldest, or here and there; and that what few have is looked for by the index.
func TestNewest_Parts(t *testing.T) {
	db := cardsOf(t, pgtest.DSN(t))
	const rows = 3*4096 + 20
	var list []store.Row
	want := map[string][]string{}
	for i := range rows {
		text := "恒泰"
		for word, has := range map[string]bool{"鑫": i == 7, "淼": i%1000 == 3, "垚": i >= rows-30, "森": i < 70, "焱": i%50 == 0} {
			if has {
				text += " " + word
				want[word] = append([]string{strconv.Itoa(10000 + i)}, want[word]...)
			}
		}
		list = append(list, store.Row{"id": strconv.Itoa(10000 + i), "search": text})
	}
	if err := db.Write(context.Background(), func(tx *store.Tx) error { return tx.InsertMany("card", list) }); err != nil {
		t.Fatal(err)
	}
	for word, ids := range want {
		for _, together := range []bool{true, false} {
			for _, most := range []int{store.FewPieces, store.MostPieces} {
				if err := db.Read(context.Background(), func(tx *store.Tx) error {
					words := [][][]string{{{word}}, {{"恒泰"}}}
					if together {
						tx.Together(words)
					}
					few, whole, err := tx.Newest("card", "c", words, most)
					if err != nil {
						return err
					}
					var got []string
					for _, a := range few.(query.Op).Args[1:] {
						got = append(got, a.(query.Const).Value.(string))
					}
					if n := min(len(ids), most); whole != (len(ids) <= most) || !slices.Equal(got, ids[:n]) {
						t.Errorf("%s, together %v, %d: %d of %d, whole %v", word, together, most, len(got), len(ids), whole)
					}
					return nil
				}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
