package store_test

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/store/pgtest"
)

func num(i int) string { return strconv.Itoa(i) }

func describe(list []store.Change) string {
	var all []string
	for _, c := range list {
		all = append(all, c.Describe())
	}
	return strings.Join(all, "; ")
}

// What has been applied needs nothing more, and a DB opened anew knows it.
func TestPlan_Idempotent(t *testing.T) {
	for name, dsn := range map[string]string{"file": "sqlite:" + filepath.Join(t.TempDir(), "a.db"), "postgres": pgtest.DSN(t)} {
		t.Run(name, func(t *testing.T) {
			tables := append(store.SystemTables(), thing, part)
			open(t, dsn)
			again := open(t, dsn) // applies nothing, see below
			if plan, err := again.Plan(t.Context(), tables); len(plan) != 0 || err != nil {
				t.Errorf("second plan: %s %v", describe(plan), err)
			}
			write(t, again, func(tx *store.Tx) error {
				return tx.Insert("thing", store.Row{"id": "1", "at": "x", "open": true})
			})
		})
	}
}

// A changed wish is reached by adding; rows stay, an index that changed is made anew.
func TestPlan_Adds(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		write(t, db, func(tx *store.Tx) error {
			return tx.InsertMany("part", []store.Row{{"id": "1", "thing": "a", "pos": 1}, {"id": "2", "thing": "a", "pos": 2}})
		})
		wider := part
		wider.Columns = append(slices.Clone(part.Columns), store.Column{Name: "size", Kind: store.Int, NotNull: true, Label: "尺寸"})
		wider.Indexes = []store.Index{{Name: "part_pos", Columns: []string{"thing"}}, {Name: "part_size", Columns: []string{"size"}, Unique: true}}
		plan, err := db.Plan(t.Context(), []store.Table{wider})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"add column part.size", "create index part.part_pos", "create index part.part_size", "drop index part.ix_part_pos_"}
		for _, w := range want {
			if !strings.Contains(describe(plan), w) {
				t.Errorf("no %q in %s", w, describe(plan))
			}
		}
		if err := db.Apply(t.Context(), plan); err != nil {
			t.Fatal(err)
		}
		if plan := apply(t, db, wider); len(plan) != 0 {
			t.Errorf("second plan: %s", describe(plan))
		}
		write(t, db, func(tx *store.Tx) error {
			if row, err := tx.Get("part", "1"); err != nil || row["size"] != nil || row["thing"] != "a" {
				t.Errorf("%v %v", row, err)
			}
			// The old unique index is gone, the new one holds.
			return tx.Insert("part", store.Row{"id": "3", "thing": "a", "pos": 1, "size": 7})
		})
		err = db.Write(t.Context(), func(tx *store.Tx) error { return tx.Insert("part", store.Row{"id": "4", "size": 7}) })
		if d := store.AsDuplicate(err); d == nil || d.Index != "part_size" {
			t.Errorf("%v", err)
		}
	})
}

// Several nodes that start together with the same plan do not trip over each other.
func TestApply_Twice(t *testing.T) {
	dsn := pgtest.DSN(t)
	a, err := store.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	tables := append(store.SystemTables(), thing, part)
	plan, err := a.Plan(t.Context(), tables)
	if err != nil {
		t.Fatal(err)
	}
	errs := make(chan error)
	for range 3 {
		go func() { errs <- a.Apply(t.Context(), plan) }()
	}
	for range 3 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if plan, err := a.Plan(t.Context(), tables); len(plan) != 0 || err != nil {
		t.Errorf("%s %v", describe(plan), err)
	}
}

// What adding cannot reach is an error that names it, and nothing is planned past it.
func TestPlan_Refused(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		change := func(fn func(*store.Table)) store.Table {
			c := thing
			c.Columns, c.Indexes = slices.Clone(thing.Columns), slices.Clone(thing.Indexes)
			fn(&c)
			return c
		}
		for want, wish := range map[string]store.Table{
			"column thing.amount is int and cannot become text":               change(func(c *store.Table) { c.Columns[2].Kind = store.Text }),
			"column thing.open is bool and cannot become int":                 change(func(c *store.Table) { c.Columns[3].Kind = store.Int }),
			"column thing.at is required and cannot become optional":          change(func(c *store.Table) { c.Columns[6].NotNull = false }),
			"table thing: the primary key is (id) and cannot become (id, at)": change(func(c *store.Table) { c.Primary = []string{"id", "at"} }),
			`column thing.name has the unknown kind "float"`:                  change(func(c *store.Table) { c.Columns[1].Kind = "float" }),
			"column thing.id is declared twice":                               change(func(c *store.Table) { c.Columns[1].Name = "id" }),
			"index thing_at of table thing names the column x":                change(func(c *store.Table) { c.Indexes[1].Columns = []string{"x"} }),
			"table thing declares two different indexes thing_at":             change(func(c *store.Table) { c.Indexes[2].Name = "thing_at" }),
			"table thing has no primary key":                                  change(func(c *store.Table) { c.Primary = nil }),
			"a name has 1 to 63 bytes":                                        change(func(c *store.Table) { c.Columns[1].Name = strings.Repeat("x", 64) }),
		} {
			if _, err := db.Plan(t.Context(), []store.Table{wish}); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("want %q, got %v", want, err)
			}
		}
		if _, err := db.Plan(t.Context(), []store.Table{thing, thing}); err == nil || !strings.Contains(err.Error(), "table thing is declared twice") {
			t.Errorf("got %v", err)
		}
		json := change(func(c *store.Table) { c.Columns[1].Kind = store.JSON })
		if plan, err := db.Plan(t.Context(), []store.Table{json}); len(plan) != 0 || err != nil {
			t.Errorf("text may become json: %s %v", describe(plan), err)
		}
	})
}

// Two long index names that agree in their first 50 bytes, and one that is also a table's name.
func TestPlan_Names(t *testing.T) {
	long := strings.Repeat("a", 55)
	each(t, func(t *testing.T, db *store.DB) {
		apply(t, db, store.Table{Name: "x", Primary: []string{"a"}, Columns: []store.Column{{Name: "a", Kind: store.Int}, {Name: `select "b" from`, Kind: store.Text}, {Name: "c", Kind: store.Bool}},
			Indexes: []store.Index{{Name: long + "1", Columns: []string{"c"}}, {Name: long + "2", Columns: []string{`select "b" from`}, Unique: true}, {Name: "thing", Columns: []string{"a"}},
				{Name: "same", Columns: []string{"c"}}, {Name: "same", Columns: []string{"c"}}}})
		row := store.Row{"a": 1, `select "b" from`: "x"}
		write(t, db, func(tx *store.Tx) error { return tx.Insert("x", row) })
		row["a"] = 2
		err := db.Write(t.Context(), func(tx *store.Tx) error { return tx.Insert("x", row) })
		if d := store.AsDuplicate(err); d == nil || d.Index != long+"2" {
			t.Errorf("%v", err)
		}
	})
}

// An index condition that names no column is an error. (SQLite by itself takes an unknown name in
// double quotes for a text, which is never NULL.)
func TestApply_UnknownColumn(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		bad := part
		bad.Indexes = append(slices.Clone(part.Indexes), store.Index{Name: "bad", Columns: []string{"pos"}, Where: `"nonsense" IS NOT NULL`})
		plan, err := db.Plan(t.Context(), []store.Table{bad})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Apply(t.Context(), plan); err == nil || !strings.Contains(err.Error(), "create index part.bad") {
			t.Errorf("%v", err)
		}
	})
}

// Labels are comments in PostgreSQL, where reporting tools show them.
func TestPlan_Labels(t *testing.T) {
	db := open(t, pgtest.DSN(t))
	changed := thing
	changed.Label = "物品 'x'"
	changed.Columns = slices.Clone(thing.Columns)
	changed.Columns[1].Label = "叫法"
	if plan := apply(t, db, changed); describe(plan) != "label thing; label thing.name" {
		t.Errorf("%s", describe(plan))
	}
	if plan := apply(t, db, changed); len(plan) != 0 {
		t.Errorf("%s", describe(plan))
	}
}

// The planner uses the indexes in the order Select asks for, NULLs included.
func TestIndex_Serves(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		write(t, db, func(tx *store.Tx) error {
			var rows []store.Row
			for i := range 3000 {
				rows = append(rows, store.Row{"id": strings.Repeat("0", 4-len(num(i))) + num(i), "at": "x", "next_at": "2026-" + num(i%500)})
			}
			return tx.InsertMany("thing", rows)
		})
		for want, q := range map[string]query.Select{
			"ix_thing_next_": {Table: "thing", Alias: "t", Limit: 1, Where: op("not", op("isnull", col("t", "next_at"))),
				Order: []query.Order{{Expr: col("t", "next_at")}, {Expr: col("t", "id")}}},
			"ix_thing_next": {Table: "thing", Alias: "t", Limit: 5, Where: op("<=", col("t", "next_at"), val("2026-3")),
				Order: []query.Order{{Expr: col("t", "next_at")}, {Expr: col("t", "id")}}},
			"ix_thing_at": {Table: "thing", Alias: "t", Limit: 5, Order: []query.Order{{Expr: col("t", "at"), Desc: true}, {Expr: col("t", "id"), Desc: true}}},
		} {
			plan, err := store.Explain(t.Context(), db, q)
			if err != nil || !strings.Contains(plan, want) || strings.Contains(plan, "Sort") || strings.Contains(plan, "TEMP B-TREE") {
				t.Errorf("%s: %v\n%s", want, err, plan)
			}
		}
	})
}
