package store_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/store/pgtest"
)

func col(alias, name string) query.Expr { return query.Col{Alias: alias, Name: name} }
func val(v any) query.Expr              { return query.Const{Value: v} }
func op(name string, args ...query.Expr) query.Expr {
	return query.Op{Name: name, Args: args}
}

// stock fills a few things and parts, with NULLs, signs, wild cards and both scripts among them.
func stock(t *testing.T, db *store.DB) {
	write(t, db, func(tx *store.Tx) error {
		if err := tx.InsertMany("thing", []store.Row{
			{"id": "1", "at": "2026-01-01", "name": "Apple", "amount": 3, "open": true},
			{"id": "2", "at": "2026-01-02", "name": "apple pie", "amount": -2, "open": false},
			{"id": "3", "at": "2026-01-03", "name": "苹果", "amount": 4, "open": nil},
			{"id": "4", "at": "2026-01-04", "name": nil, "amount": nil, "open": true},
			{"id": "5", "at": "2026-01-05", "name": "50%_\\x", "amount": 0, "open": false},
			{"id": "6", "at": "2026-01-06", "name": "", "amount": 3, "open": nil, "note": "3"},
		}); err != nil {
			return err
		}
		return tx.InsertMany("part", []store.Row{
			{"id": "a", "thing": "1", "pos": 1, "ok": true}, {"id": "b", "thing": "1", "pos": 2, "ok": false},
			{"id": "c", "thing": "2", "pos": -1}, {"id": "d", "thing": "2", "pos": -4, "ok": true}, {"id": "e", "thing": nil, "pos": 9},
		})
	})
}

// What each operator means, by the rows for which it is true.
func TestSelect_Meaning(t *testing.T) {
	name, amount, open := col("t", "name"), col("t", "amount"), col("t", "open")
	parts := func(agg string, arg query.Expr, more ...query.Expr) query.Expr {
		return query.Sub{Agg: agg, Table: "part", Alias: "p", Arg: arg, Where: query.And(append(more, op("=", col("p", "thing"), col("t", "id")))...)}
	}
	var many []query.Expr
	for i := range 20 {
		many = append(many, val(fmt.Sprint("苹", i)))
	}
	each(t, func(t *testing.T, db *store.DB) {
		stock(t, db)
		for _, c := range []struct {
			what  string
			where query.Expr
			want  string
		}{
			{"everything", nil, "1 2 3 4 5 6"},
			{"unset is not false", op("not", open), "2 5"},
			{"unset is not equal", op("<>", open, val(true)), "2 5"},
			{"nothing equals unset", op("=", name, val(nil)), ""},
			{"isnull", op("isnull", name), "4"},
			{"contains knows case", op("contains", name, val("apple")), "2"},
			{"contains of wild cards", op("contains", name, val(`%_\`)), "5"},
			{"contains of one percent", op("contains", name, val(`%`)), "5"},
			{"contains of nothing", op("contains", name, val("")), "1 2 3 5 6"},
			{"contains of a column", op("contains", col("t", "at"), col("t", "id")), "1 2 3 4 5 6"},
			{"contains of unset", op("contains", name, val(nil)), ""},
			{"starts with", op("startswith", name, val("苹")), "3"},
			{"starts with case", op("startswith", name, val("a")), "2"},
			{"starts with wild card", op("startswith", name, val("5_")), ""},
			{"starts with a column", op("startswith", col("t", "note"), amount2text(amount)), "6"},
			{"in", op("in", amount, val(3), val(4)), "1 3 6"},
			{"in with unset", op("in", amount, val(3), val(nil)), "1 6"},
			{"not in with unset", op("not", op("in", amount, val(3), val(nil))), ""},
			{"in nothing", op("not", op("in", amount)), "1 2 3 4 5 6"},
			{"in many", op("in", append([]query.Expr{name, val("苹果")}, many...)...), "3"},
			{"not in many", op("not", op("in", append([]query.Expr{name, val("苹果")}, many...)...)), "1 2 5 6"},
			{"bytes sort", op("<", name, val("a")), "1 5 6"},
			{"coalesce", op("coalesce", open, val(true)), "1 3 4 6"},
			{"arithmetic", op("=", op("-", op("*", amount, val(2)), val(1)), op("+", val(1), val(4))), "1 6"},
			{"minus", op("=", op("-", amount), val(2)), "2"},
			{"exists", parts("exists", nil), "1 2"},
			{"not exists", op("not", parts("exists", nil, col("p", "ok"))), "3 4 5 6"},
			{"count", op("=", parts("count", nil), val(2)), "1 2"},
			{"sum of nothing", op("=", parts("sum", col("p", "pos")), val(0)), "3 4 5 6"},
			{"max of nothing", op("isnull", parts("max", col("p", "pos"))), "3 4 5 6"},
			{"min of bools", op("not", parts("min", col("p", "ok"))), "1"},
			{"average, half up", op("=", parts("avg", col("p", "pos")), val(2)), "1"},
			{"average, half down below zero", op("=", parts("avg", col("p", "pos")), val(-3)), "2"},
			{"case", query.Case{When: []query.Expr{op("isnull", name), open}, Then: []query.Expr{val(true), val(true)}, Else: val(false)}, "1 4"},
			{"case without else", query.Case{When: []query.Expr{op("isnull", name)}, Then: []query.Expr{val(true)}}, "4"},
			{"all and some", op("and", op("and"), op("not", op("or"))), "1 2 3 4 5 6"},
		} {
			read(t, db, func(tx *store.Tx) error {
				rows, err := tx.Select(query.Select{Table: "thing", Alias: "t", Where: c.where, Order: []query.Order{{Expr: col("t", "id")}}})
				if err != nil {
					return fmt.Errorf("%s: %w", c.what, err)
				}
				var ids []string
				for _, r := range rows {
					ids = append(ids, r["id"].(string))
				}
				if got := strings.Join(ids, " "); got != c.want {
					t.Errorf("%s: got %q, want %q", c.what, got, c.want)
				}
				n, err := tx.Count("thing", c.where)
				if int(n) != len(rows) {
					t.Errorf("%s: counted %d", c.what, n)
				}
				return err
			})
		}
	})
}

// amount2text has a text depend on a number without a cast, which the language does not know.
func amount2text(amount query.Expr) query.Expr {
	return query.Case{When: []query.Expr{op("=", amount, val(3))}, Then: []query.Expr{val("3")}, Else: val("no")}
}

func TestSelect_Order(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		stock(t, db)
		for want, order := range map[string][]query.Order{
			"4 6 5 1 2 3": {{Expr: col("t", "name")}},
			"3 2 1 5 6 4": {{Expr: col("t", "name"), Desc: true}},
			"6 3 5 2 4 1": {{Expr: col("t", "open")}, {Expr: col("t", "id"), Desc: true}},
			"3 1 6 5 2 4": {{Expr: col("t", "amount"), Desc: true}, {Expr: col("t", "id")}},
			"1 2 3 4 5 6": {{Expr: query.Ref{On: col("t", "note"), Table: "thing", Name: "name"}}, {Expr: col("t", "at")}},
		} {
			read(t, db, func(tx *store.Tx) error {
				var ids []string
				for page := range 3 {
					rows, err := tx.Select(query.Select{Table: "thing", Alias: "t", Order: order, Limit: 2, Offset: 2 * page,
						Columns: []query.Column{{Name: "id", Expr: col("t", "id")}}})
					if err != nil {
						return err
					}
					for _, r := range rows {
						ids = append(ids, r["id"].(string))
					}
				}
				if got := strings.Join(ids, " "); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
				return nil
			})
		}
	})
}

func TestSelect_Group(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		stock(t, db)
		size := query.Case{When: []query.Expr{op(">", col("t", "amount"), val(2))}, Then: []query.Expr{val("big")}, Else: val("small")}
		read(t, db, func(tx *store.Tx) error {
			rows, err := tx.Select(query.Select{Table: "thing", Alias: "t", Group: []query.Expr{size}, Order: []query.Order{{Expr: size}}, Columns: []query.Column{
				{Name: "size", Expr: size}, {Name: "n", Agg: "count"}, {Name: "named", Agg: "count", Expr: col("t", "name")}, {Name: "kinds", Agg: "count_distinct", Expr: col("t", "amount")},
				{Name: "sum", Agg: "sum", Expr: col("t", "amount")}, {Name: "any", Agg: "max", Expr: col("t", "open")}, {Name: "mean", Agg: "avg", Expr: col("t", "amount")}}})
			want := []store.Row{
				{"size": "big", "n": int64(3), "named": int64(3), "kinds": int64(2), "sum": int64(10), "any": true, "mean": int64(3)},
				{"size": "small", "n": int64(3), "named": int64(2), "kinds": int64(2), "sum": int64(-2), "any": true, "mean": int64(-1)}}
			if !reflect.DeepEqual(rows, want) {
				t.Errorf("got %v", rows)
			}
			return err
		})
	})
}

func TestScalar(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		stock(t, db)
		for _, c := range []struct {
			sub  query.Sub
			want any
		}{
			{query.Sub{Agg: "exists"}, true},
			{query.Sub{Agg: "exists", Where: op("=", col("t", "name"), val("none"))}, false},
			{query.Sub{Agg: "count"}, int64(6)},
			{query.Sub{Agg: "count", Arg: col("t", "name")}, int64(5)},
			{query.Sub{Agg: "count_distinct", Arg: col("t", "amount")}, int64(4)},
			{query.Sub{Agg: "sum", Arg: col("t", "amount")}, int64(8)},
			{query.Sub{Agg: "sum", Arg: col("t", "amount"), Where: val(false)}, int64(0)},
			{query.Sub{Agg: "min", Arg: col("t", "name")}, ""},
			{query.Sub{Agg: "max", Arg: col("t", "open")}, true},
			{query.Sub{Agg: "min", Arg: col("t", "amount"), Where: val(false)}, nil},
			{query.Sub{Agg: "avg", Arg: col("t", "amount"), Where: val(false)}, nil},
		} {
			c.sub.Table, c.sub.Alias = "thing", "t"
			read(t, db, func(tx *store.Tx) error {
				got, err := tx.Scalar(c.sub)
				if got != c.want {
					t.Errorf("%+v: got %#v", c.sub, got)
				}
				return err
			})
		}
	})
}

// A number beyond int64 is an error on both, not a float on one.
func TestScalar_Overflow(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		write(t, db, func(tx *store.Tx) error {
			return tx.InsertMany("thing", []store.Row{{"id": "1", "at": "x", "amount": int64(1<<63 - 1)}, {"id": "2", "at": "x", "amount": int64(1<<63 - 1)}})
		})
		for _, arg := range []query.Sub{{Agg: "sum", Arg: col("t", "amount")}, {Agg: "max", Arg: op("+", col("t", "amount"), val(1))}} {
			arg.Table, arg.Alias = "thing", "t"
			if err := db.Read(t.Context(), func(tx *store.Tx) error { v, err := tx.Scalar(arg); t.Log(v); return err }); err == nil {
				t.Errorf("%s did not overflow", arg.Agg)
			}
		}
	})
}

// guess makes random questions of a kind over alias a of thing.
type guess struct{ r *rand.Rand }

func (g guess) expr(kind store.Kind, a string, depth int) query.Expr {
	e := func(k store.Kind) query.Expr { return g.expr(k, a, depth-1) }
	if depth == 0 || g.r.IntN(6) == 0 {
		n := g.r.IntN(4)
		switch {
		case n == 0 && g.r.IntN(3) == 0:
			return val(nil)
		case kind == store.Text:
			return []query.Expr{col(a, "name"), col(a, "at"), val("apple"), val("%")}[n]
		case kind == store.Int:
			return []query.Expr{col(a, "amount"), col(a, "amount"), val(2), val(-1)}[n]
		}
		return []query.Expr{col(a, "open"), col(a, "open"), val(true), val(false)}[n]
	}
	sub := func(agg string, arg store.Kind) query.Expr {
		b := a + "x"
		s := query.Sub{Agg: agg, Table: "thing", Alias: b, Where: query.And(g.expr(store.Bool, b, depth-1), op("<=", col(b, "id"), col(a, "id")))}
		if arg != "" {
			s.Arg = g.expr(arg, b, 0)
			if _, isConst := s.Arg.(query.Const); isConst {
				s.Arg = col(b, map[store.Kind]string{store.Text: "name", store.Int: "amount", store.Bool: "open"}[arg])
			}
		}
		return s
	}
	either := query.Case{When: []query.Expr{e(store.Bool), e(store.Bool)}, Then: []query.Expr{e(kind), e(kind)}, Else: e(kind)}
	n := g.r.IntN(12)
	switch kind {
	case store.Text:
		return []query.Expr{either, op("coalesce", e(kind), e(kind)), sub("min", kind), sub("max", kind)}[n%4]
	case store.Int:
		return []query.Expr{either, op("coalesce", e(kind), e(kind), val(7)), sub("count", ""), sub("sum", kind), sub("max", kind), sub("avg", kind), sub("count_distinct", store.Text),
			op("+", e(kind), e(kind)), op("-", e(kind), e(kind)), op("*", e(kind), val(2)), op("-", e(kind)), sub("min", kind)}[n]
	}
	k := []store.Kind{store.Text, store.Int, store.Bool}[g.r.IntN(3)]
	compare := op([]string{"=", "<>", "<", "<=", ">", ">="}[g.r.IntN(6)], e(k), e(k))
	return []query.Expr{either, compare, compare, op("and", e(kind), e(kind), e(kind)), op("or", e(kind), e(kind)), op("not", e(kind)), op("isnull", e(k)), op("in", e(k), e(k), e(k)),
		op("contains", e(store.Text), e(store.Text)), op("startswith", e(store.Text), e(store.Text)), sub("exists", ""), sub("max", kind)}[n]
}

// Whatever is asked, both databases answer the same. The seed is printed, so a difference can be had again.
func TestSelect_SameAnswers(t *testing.T) {
	lite, pg := open(t, "sqlite::memory:"), open(t, pgtest.DSN(t))
	stock(t, lite)
	stock(t, pg)
	seed := rand.Uint64()
	g := guess{rand.New(rand.NewPCG(seed, 1))}
	for i := range 150 {
		q := query.Select{Table: "thing", Alias: "t", Order: []query.Order{{Expr: col("t", "id")}}}
		for _, k := range []store.Kind{store.Text, store.Int, store.Bool} {
			q.Columns = append(q.Columns, query.Column{Name: string(k), Expr: g.expr(k, "t", 3)})
		}
		q.Where = g.expr(store.Bool, "t", 2)
		var got [2][]store.Row
		for n, db := range []*store.DB{lite, pg} {
			if err := db.Read(t.Context(), func(tx *store.Tx) (err error) { got[n], err = tx.Select(q); return err }); err != nil {
				t.Fatalf("seed %d, question %d on %s: %v\n%+v", seed, i, db.Dialect(), err, q)
			}
		}
		if !reflect.DeepEqual(got[0], got[1]) {
			t.Fatalf("seed %d, question %d: %+v\nsqlite   %v\npostgres %v", seed, i, q, got[0], got[1])
		}
	}
}
