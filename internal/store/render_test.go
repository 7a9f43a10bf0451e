package store

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"zhanggui/internal/query"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// lawbook is a small schema to render against.
func lawbook() *schema {
	s := &schema{tables: map[string]*table{}}
	for name, cols := range map[string][]Column{
		"bill": {need("id", Text), may("name", Text), may("amount", Int), may("paid", Bool), need("at", Text), may("unit", Text)},
		"item": {need("id", Text), may("bill", Text), may("price", Int), may("ok", Bool)},
		"unit": {need("id", Text), may("name", Text), may("parent", Text), may("open", Bool)},
	} {
		s.add(name).columns = cols
	}
	return s.finish()
}

func col(alias, name string) query.Expr { return query.Col{Alias: alias, Name: name} }
func val(v any) query.Expr              { return query.Const{Value: v} }
func op(name string, args ...query.Expr) query.Expr {
	return query.Op{Name: name, Args: args}
}

// questions use every node and operator once at least.
func questions() map[string]query.Select {
	b := func(name string) query.Expr { return col("b", name) }
	var many, numbers []query.Expr
	for i := range 10 {
		many = append(many, val(fmt.Sprint("m", i)))
		numbers = append(numbers, val(i))
	}
	where := func(e query.Expr) query.Select {
		return query.Select{Table: "bill", Alias: "b", Columns: []query.Column{{Name: "id", Expr: b("id")}}, Where: e}
	}
	unit := query.Ref{On: b("unit"), Table: "unit", Name: "name"}
	items := func(agg string, arg query.Expr) query.Sub {
		return query.Sub{Agg: agg, Table: "item", Alias: "i", Where: op("=", col("i", "bill"), b("id")), Arg: arg}
	}
	return map[string]query.Select{
		"all":         {Table: "bill"},
		"page":        {Table: "bill", Alias: "b", Order: []query.Order{{Expr: b("name"), Desc: true}, {Expr: b("unit")}, {Expr: b("at")}, {Expr: b("id"), Desc: true}}, Limit: 20, Offset: 40},
		"offset":      {Table: "bill", Alias: "b", Columns: []query.Column{{Name: "id", Expr: b("id")}}, Offset: 3},
		"and or not":  where(op("and", op("or", b("paid"), op("not", b("paid"))), op("=", b("paid"), val(true)))),
		"compare":     where(op("and", op("<>", b("name"), val("x")), op("<", b("amount"), val(5)), op("<=", b("amount"), val(5)), op(">", b("at"), val("2026")), op(">=", b("at"), val("2026")))),
		"null":        where(op("or", op("isnull", b("name")), op("=", b("name"), val(nil)))),
		"arithmetic":  where(op("=", op("+", b("amount"), val(1), op("-", b("amount"), val(2))), op("*", val(3), op("-", b("amount"))))),
		"no member":   where(op("in", b("name"))),
		"few members": where(op("in", b("name"), val("a"), b("unit"), val(nil))),
		"many texts":  where(op("in", append([]query.Expr{b("name")}, many...)...)),
		"many ints":   where(op("in", append([]query.Expr{b("amount")}, numbers...)...)),
		"contains":    where(op("and", op("contains", b("name"), val(`50%_\`)), op("contains", b("name"), b("unit")))),
		"starts with": where(op("and", op("startswith", b("name"), val("张三")), op("startswith", b("name"), val("")), op("startswith", b("name"), b("unit")))),
		"coalesce":    where(op("coalesce", b("paid"), op("coalesce", val(false)))),
		"reference":   where(op("=", query.Ref{On: query.Ref{On: b("unit"), Table: "unit", Name: "parent"}, Table: "unit", Name: "name"}, val("总部"))),
		"exists":      where(items("exists", nil)),
		"nested":      where(query.Sub{Agg: "exists", Table: "item", Alias: "i", Where: op("=", query.Sub{Agg: "count", Table: "item", Alias: "j", Where: op("=", col("j", "bill"), col("i", "bill"))}, val(2))}),
		"case":        where(op("=", query.Case{When: []query.Expr{b("paid"), op("isnull", b("paid"))}, Then: []query.Expr{val("y"), val(nil)}, Else: unit}, val("y"))),
		"empty and":   where(op("and", op("and"), op("or"))),
		"aggregates": {Table: "bill", Alias: "b", Columns: []query.Column{
			{Name: "sum", Expr: items("sum", col("i", "price"))}, {Name: "min", Expr: items("min", col("i", "price"))}, {Name: "max", Expr: items("max", col("i", "ok"))},
			{Name: "avg", Expr: items("avg", col("i", "price"))}, {Name: "distinct", Expr: items("count_distinct", col("i", "price"))}, {Name: "count", Expr: items("count", nil)}}},
		"group": {Table: "bill", Alias: "b", Group: []query.Expr{query.Case{When: []query.Expr{op(">", b("amount"), val(100))}, Then: []query.Expr{val("big")}, Else: val("small")}},
			Columns: []query.Column{
				{Name: "size", Expr: query.Case{When: []query.Expr{op(">", b("amount"), val(100))}, Then: []query.Expr{val("big")}, Else: val("small")}},
				{Name: "n", Agg: "count"}, {Name: "total", Agg: "sum", Expr: b("amount")}, {Name: "all_paid", Agg: "min", Expr: b("paid")}, {Name: "mean", Agg: "avg", Expr: b("amount")}},
			Order: []query.Order{{Expr: query.Case{When: []query.Expr{op(">", b("amount"), val(100))}, Then: []query.Expr{val("big")}, Else: val("small")}}}},
	}
}

// The SQL of both dialects, as it was once read and found right. go test -update writes it anew.
func TestRender(t *testing.T) {
	for _, d := range []dialect{sqlite, postgres} {
		t.Run(string(d), func(t *testing.T) {
			var b strings.Builder
			all := questions()
			names := make([]string, 0, len(all))
			for n := range all {
				names = append(names, n)
			}
			slices.Sort(names)
			for _, n := range names {
				r := &renderer{dialect: d, schema: lawbook(), scope: map[string]string{}}
				out := r.selectQuery(all[n])
				if r.err != nil {
					t.Errorf("%s: %v", n, r.err)
				}
				fmt.Fprintf(&b, "-- %s\n%s\n-- %#v %v\n\n", n, r.b.String(), r.args, out)
			}
			file := "testdata/render." + string(d) + ".sql"
			if *update {
				if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, old := strings.Split(b.String(), "\n"), strings.Split(string(want), "\n")
			for i := range max(len(got), len(old)) {
				if i >= len(got) || i >= len(old) || got[i] != old[i] {
					t.Fatalf("line %d of %s differs\ngot  %s\nwant %s", i+1, file, got[min(i, len(got)-1)], old[min(i, len(old)-1)])
				}
			}
		})
	}
}

// A question that makes no sense is an error that says where, never SQL.
func TestRender_Refused(t *testing.T) {
	for want, q := range map[string]query.Select{
		"there is no table nothing":             {Table: "nothing"},
		"table bill has no column nothing":      {Table: "bill", Alias: "b", Where: op("isnull", col("b", "nothing"))},
		"no table is called x here (column id)": {Table: "bill", Alias: "b", Where: op("isnull", col("x", "id"))},
		`unknown operator "like"`:               {Table: "bill", Alias: "b", Where: op("like", col("b", "id"), val("x"))},
		"= takes another number of arguments":   {Table: "bill", Alias: "b", Where: op("=", col("b", "id"))},
		`unknown aggregate "median"`:            {Table: "bill", Alias: "b", Columns: []query.Column{{Name: "x", Expr: col("b", "id"), Agg: "median"}}},
		"a part of the question is missing":     {Table: "bill", Alias: "b", Order: []query.Order{{}}},
		"there is no column unit.nothing":       {Table: "bill", Alias: "b", Where: query.Ref{On: col("b", "unit"), Table: "unit", Name: "nothing"}},
		"a float64 cannot be stored":            {Table: "bill", Alias: "b", Where: op("=", col("b", "amount"), val(1.5))},
		"a case has 1 conditions and 0 values":  {Table: "bill", Alias: "b", Where: query.Case{When: []query.Expr{val(true)}}},
		"no table is called i here (column id)": {Table: "bill", Alias: "b", Where: op("or", query.Sub{Agg: "exists", Table: "item", Alias: "i"}, op("isnull", col("i", "id")))},
		"has nothing to work on":                {Table: "bill", Alias: "b", Where: op("=", query.Sub{Agg: "sum", Table: "item", Alias: "i"}, val(1))},
	} {
		r := &renderer{dialect: postgres, schema: lawbook(), scope: map[string]string{}}
		r.selectQuery(q)
		if r.err == nil || !strings.Contains(r.err.Error(), want) {
			t.Errorf("want %q, got %v", want, r.err)
		}
	}
}

func TestAfter(t *testing.T) {
	for s, want := range map[string]string{"": "", "a": "b", "张": "弡", "a\U0010FFFF": "b", "\U0010FFFF": "", "\uD7FF": "\uE000", "z\x7f": "z\u0080"} {
		if got := after(s); got != want {
			t.Errorf("after %q: %q", s, got)
		}
		if want != "" && (want <= s || strings.HasPrefix(want, s)) {
			t.Errorf("%q is not behind %q", want, s)
		}
	}
}

func TestAtLeast(t *testing.T) {
	for v, want := range map[string]bool{"3.51.3": true, "3.51.2": false, "3.54.1": true, "3.7.0": false, "4.0": true, "3.52": true, "": false} {
		if atLeast(v, 3, 51, 3) != want {
			t.Errorf("%q", v)
		}
	}
}
