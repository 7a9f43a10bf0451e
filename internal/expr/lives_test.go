package expr_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"zhanggui/internal/expr"
	"zhanggui/internal/query"
)

// gen writes random conditions over the row it, beside the record this.
type gen struct {
	t     *rapid.T
	inner string // the loop variable of a nested query over visits or lines, and which of them
}

func (g gen) pick(list ...string) string { return rapid.SampledFrom(list).Draw(g.t, "pick") }

func (g gen) money(d int) string {
	list := []string{"it.amount", "it.fee", "this.amount", "money('1.50')", "money('0')", "param.limit"}
	if g.inner == "l" {
		list = append(list, "l.price")
	}
	if g.inner == "v" {
		list = append(list, "v.cost")
	}
	if d > 0 {
		list = append(list, "("+g.money(d-1)+" "+g.pick("+", "-")+" "+g.money(d-1)+")", g.integer(d-1)+" * "+g.money(d-1), "(-"+g.money(d-1)+")", g.money(d-1)+" * "+g.decimal(d-1), "("+g.condition(d-1)+" ? "+g.money(d-1)+" : "+g.money(d-1)+")")
		if g.inner == "" {
			list = append(list, "it.lines.sum(l, "+gen{g.t, "l"}.money(d-1)+")", "it.visits.sum(v, "+gen{g.t, "v"}.condition(d-1)+", v.cost)", "it.lines."+g.pick("min", "max")+"(l, l.price)")
		}
	}
	return g.pick(list...)
}

func (g gen) integer(d int) string {
	list := []string{"it.qty", "this.qty", "2", "0", "it.customer.score"}
	if g.inner == "l" {
		list = append(list, "l.n")
	}
	if d > 0 {
		list = append(list, "("+g.integer(d-1)+" "+g.pick("+", "-", "*")+" "+g.integer(d-1)+")")
		if g.inner == "" {
			list = append(list, "it.visits.count(v, "+gen{g.t, "v"}.condition(d-1)+")", "it.visits.distinct(v, "+gen{g.t, "v"}.pick("v.by", "v.cost", "v.at", "v.good", "v.case")+")",
				"cases.count(c, c.customer == it.customer && c.qty "+g.pick("<", ">=")+" it.qty)", "it.lines.count()")
		}
	}
	return g.pick(list...)
}

func (g gen) decimal(d int) string {
	list := []string{"it.ratio", "it.share", "dec('0.15')", "pct('12.3456')", "dec('0.1234567')", "this.ratio", "param.rate"}
	if d > 0 {
		list = append(list, "("+g.decimal(d-1)+" "+g.pick("+", "-", "*")+" "+g.decimal(d-1)+")", g.integer(d-1)+" * "+g.decimal(d-1), "(1 - "+g.decimal(d-1)+")")
	}
	return g.pick(list...)
}

func (g gen) date() string {
	return g.pick("it.shipped_on", "today", "this.shipped_on", "(it.shipped_on + days(2))", "(it.shipped_on - weeks(1))", "day(it.at)", "period.end", "(it.shipped_on + months(1))", "day(now)")
}

func (g gen) instant() string {
	list := []string{"it.at", "now", "this.at", "(it.at - hours(3))", "(it.at + days(1))", "it.done.close.at", "(it.at + minutes(90))", "period.to"}
	if g.inner == "v" {
		list = append(list, "v.at")
	}
	return g.pick(list...)
}

func (g gen) person() string {
	list := []string{"it.owner", "me", "it.customer.keeper", "it.done.close.by", "superior(me)", "old.owner"}
	if g.inner == "v" {
		list = append(list, "v.by")
	}
	return g.pick(list...)
}

func (g gen) condition(d int) string {
	cmp := func(a, b string) string { return a + " " + g.pick("==", "!=", "<", "<=", ">", ">=") + " " + b }
	list := []func() string{
		func() string { return cmp(g.money(d-1), g.money(d-1)) }, func() string { return cmp(g.integer(d-1), g.integer(d-1)) }, func() string { return cmp(g.decimal(d-1), g.decimal(d-1)) },
		func() string { return g.decimal(d-1) + " " + g.pick("<", ">=") + " " + g.integer(d-1) },
		func() string { return cmp(g.date(), g.date()) }, func() string { return cmp(g.instant(), g.instant()) }, func() string { return cmp("month("+g.instant()+")", g.pick("'2026-03'", "month(now)", "'x'")) },
		func() string { return cmp("year("+g.date()+")", g.pick("2026", "0", "it.qty")) }, func() string { return cmp("quarter("+g.date()+")", "'2026-Q1'") }, func() string { return cmp("day("+g.instant()+")", g.date()) },
		func() string { return cmp("it.note", g.pick("'封口'", "this.note", "it.customer.name")) }, func() string {
			return g.pick("it.note", "it.customer.name") + g.pick(".contains", ".startsWith") + g.pick("('')", "('a')", "('封')")
		},
		func() string { return g.pick("it.ok", "this.ok", "true") }, func() string {
			return "it.kind " + g.pick("== 'major'", "!= 'minor'", "in ['major']", "in []", "in ['minor', this.kind]")
		},
		func() string { return "it.qty in [1, this.qty, 8]" }, func() string { return "it.amount in [money('0'), this.amount]" },
		func() string {
			return "has(it." + g.pick("ok", "qty", "note", "amount", "customer", "customer.name", "kind", "ratio", "visits", "lines", "tags", "done.close.at") + ")"
		},
		func() string {
			return g.pick("superior(it.owner) == me", "superior(it.owner) != superior(me)", "superior(me) == superior(it.customer.keeper)", "me in [it.owner, superior(it.owner)]", "superior(me) in [superior(it.owner), it.done.close.by]", "old.owner in [superior(it.owner)]")
		},
		func() string { return g.person() + " " + g.pick("==", "!=") + " " + g.person() }, func() string {
			return g.person() + " in " + g.pick("[me, it.owner]", "[quality, me]", "sales", "unit.members", "[]")
		}, func() string { return g.pick("sales", "quality") + ".has(" + g.person() + ")" },
		func() string { return "it " + g.pick("==", "!=") + " this" }, func() string { return "it.customer == this.customer" }, func() string { return g.instant() + " in " + g.pick("period", "shift") }, func() string { return g.date() + " in " + g.pick("period", "shift") },
		func() string { return "it.within > days(3)" }, func() string { return "'red' in it.tags" },
	}
	if g.inner == "v" {
		list = append(list, func() string { return "v.good" }, func() string { return "v.case == " + g.pick("it", "this") })
	}
	if d > 0 {
		sub := func() string { return g.condition(d - 1) }
		list = append(list, func() string { return "(" + sub() + " && " + sub() + ")" }, func() string { return "(" + sub() + " || " + sub() + ")" }, func() string { return "!(" + sub() + ")" },
			func() string { return "(" + sub() + " ? " + sub() + " : " + sub() + ")" })
		if g.inner == "" {
			in := gen{g.t, "v"}
			list = append(list, func() string {
				return "it.visits." + g.pick("exists", "none", "all") + "(v, " + in.condition(d-1) + ")"
			},
				func() string {
					return "visit." + g.pick("exists", "none", "all") + "(v, v.case == it && " + in.condition(d-1) + ")"
				},
				func() string {
					return "it.visits.where(v, " + in.condition(d-1) + ").count(v, " + in.condition(d-1) + ") > 0"
				},
				func() string {
					return "it.lines." + g.pick("exists", "none", "all") + "(l, " + gen{g.t, "l"}.condition(d-1) + ")"
				})
		}
	}
	return rapid.SampledFrom(list).Draw(g.t, "condition")()
}

// maybe is a value or, one time in four, nothing.
func maybe[T any](t *rapid.T, list ...T) any {
	if rapid.IntRange(0, 3).Draw(t, "unset") == 0 {
		return nil
	}
	return rapid.SampledFrom(list).Draw(t, "value")
}

func randomWorld(t *rapid.T, s *expr.Schema) (*world, *rec) {
	w := &world{schema: s, tables: map[string][]row{
		"x_customer":  {{"id": "c1", "name": "a封口", "keeper": "p1", "score": int64(2)}, {"id": "c2", "name": "b"}},
		"base_person": {{"id": "p1"}, {"id": "p2"}, {"id": "boss"}},
	}}
	cents := []int64{0, 150, -150, 10000, 9999, 1}
	moments := []string{"2026-03-02T01:30:00.000Z", "2026-03-01T15:59:59.999Z", "2026-03-01T16:00:00.000Z", "2026-02-28T16:00:00.000Z", "2026-03-31T16:00:00.000Z", "2026-03-02T04:30:00.000Z"}
	days := []string{"2026-03-01", "2026-03-02", "2026-01-31", "2026-03-31", "2026-04-01", "2025-12-31"}
	people := []string{"p1", "p2", "boss"}
	for i := range rapid.IntRange(1, 4).Draw(t, "cases") {
		w.tables["x_case"] = append(w.tables["x_case"], row{"id": fmt.Sprint(i), "amount": maybe(t, cents...), "fee": maybe(t, cents...), "qty": maybe(t, int64(0), 1, 2, 8, -3), "ok": maybe(t, true, false),
			"kind": maybe(t, "major", "minor"), "ratio": maybe(t, int64(1500), 0, 1234, -10000, 10000), "share": maybe(t, int64(150000), 123456, 0, 1000000), "shipped_on": maybe(t, days...), "at": maybe(t, moments...),
			"note": maybe(t, "", "a", "封口", "a封口"), "within": maybe(t, "3d", "4d", "100h"), "tags": maybe(t, "[]", `["red"]`), "customer": maybe(t, "c1", "c2"), "owner": maybe(t, people...), "close_at": maybe(t, moments...), "close_by": maybe(t, people...)})
		for j := range rapid.IntRange(0, 3).Draw(t, "visits") {
			w.tables["x_visit"] = append(w.tables["x_visit"], row{"id": fmt.Sprintf("v%d-%d", i, j), "case": fmt.Sprint(i), "good": maybe(t, true, false), "at": maybe(t, moments...), "cost": maybe(t, cents...), "by": maybe(t, people...)})
		}
		for j := range rapid.IntRange(0, 2).Draw(t, "lines") {
			w.tables["x_line"] = append(w.tables["x_line"], row{"id": fmt.Sprintf("l%d-%d", i, j), "record": fmt.Sprint(i), "price": maybe(t, cents...), "n": maybe(t, int64(0), 1, 5)})
		}
	}
	return w, &rec{w: w, o: s.Objects["x.case"], row: w.tables["x_case"][0]}
}

// Ensure that a condition means the same in memory over loaded rows, over sets that ask the database, and as a
// question of the database.
func TestLives_Agree(t *testing.T) {
	e, s, vars := testEnv(t)
	asked, all := 0, 0
	for range 10 { // a hundred conditions are few for so many forms of them
		t.Run("", func(t *testing.T) { livesAgree(t, e, s, vars, &asked, &all) })
	}
	t.Logf("%d of %d conditions could be asked", asked, all)
	if asked*3 < all {
		t.Errorf("only %d of %d conditions could be asked", asked, all)
	}
}

func livesAgree(t *testing.T, e *expr.Env, s *expr.Schema, vars expr.Vars, asked, all *int) {
	rapid.Check(t, func(t *rapid.T) {
		w, this := randomWorld(t, s)
		text := rapid.Custom(func(t *rapid.T) string { return gen{t: t}.condition(3) }).Filter(func(s string) bool { return len(s) <= 3000 }).Draw(t, "condition")
		x, problems := e.Compile(text, vars, expr.Of(expr.KBool))
		if len(problems) > 0 {
			t.Fatalf("%s: %+v", text, problems)
		}
		sc := scopeOf(w, this)
		sc.Vars["old"] = &rec{w: w, o: s.Objects["x.case"], row: row{}}
		loaded := *w
		loaded.loaded = true
		lists := map[string]expr.Value{}
		for id, key := range s.Forms {
			list := []expr.Value{}
			for _, r := range w.tables[s.Objects[key].Table] {
				list = append(list, &rec{w: &loaded, o: s.Objects[key], row: r})
			}
			lists[id] = list
		}
		q, ok := x.Query("it", sc)
		*all++
		if ok {
			*asked++
		} else if !strings.Contains(text, "*") && !strings.Contains(text, "within") && !strings.Contains(text, "tags") && !strings.Contains(text, "months") && x.InQuery("it") == nil && !strings.Contains(text, "'x'") && !strings.Contains(text, "0.1234567") &&
			!strings.Contains(text, "year") {
			t.Fatalf("%s: said to be askable, is not", text)
		}
		for _, r := range w.tables["x_case"] {
			sc.Vars["it"] = &rec{w: w, o: s.Objects["x.case"], row: r}
			bySets, err := x.Eval(sc)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			in := scopeOf(&loaded, &rec{w: &loaded, o: this.o, row: this.row})
			in.Vars["old"] = sc.Vars["old"]
			in.Vars["it"] = &rec{w: &loaded, o: s.Objects["x.case"], row: r}
			for id, l := range lists {
				in.Vars[id] = l
			}
			inMemory, err := x.Eval(in)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if bySets != inMemory {
				t.Fatalf("%s on %v: by sets %v, in memory %v", text, r, bySets, inMemory)
			}
			if ok {
				if got := (lens{w, map[string]row{"it": r}}).value(q); got != inMemory {
					t.Fatalf("%s on %v: asked %v, in memory %v\n%#v", text, r, got, inMemory, q)
				}
			}
		}
	})
}

// Ensure that shares add up to the amount and differ from their exact value by less than a cent, but for the largest.
func TestSplit_Exact(t *testing.T) {
	e, s, vars := testEnv(t)
	x, problems := e.Compile("split(this.amount, this.lines, l, l.share)", vars, expr.Of(expr.KAny))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	rapid.Check(t, func(t *rapid.T) {
		w := &world{schema: s, tables: map[string][]row{}}
		amount := rapid.Int64Range(-1e12, 1e12).Draw(t, "amount")
		weights := rapid.SliceOfN(rapid.Int64Range(1, 10000), 1, 8).Draw(t, "weights")
		total := int64(0)
		for i, k := range weights {
			total += k
			w.tables["x_line"] = append(w.tables["x_line"], row{"id": fmt.Sprint(i), "record": "1", "share": k})
		}
		this := &rec{w: w, o: s.Objects["x.case"], row: row{"id": "1", "amount": amount}}
		v, err := x.Eval(scopeOf(w, this))
		if err != nil {
			t.Fatal(err)
		}
		sum, off := int64(0), 0
		for i, r := range v.([]expr.Value) {
			a, _ := r.(expr.Record).Get("amount")
			c, err := expr.ToColumn(a, expr.Of(expr.KMoney))
			if err != nil {
				t.Fatal(err)
			}
			sum += c.(int64)
			if d := float64(c.(int64)) - float64(amount)*float64(weights[i])/float64(total); d > 0.51 || d < -0.51 {
				off++
			}
		}
		if sum != amount || off > 1 {
			t.Fatalf("%d by %v: sum %d, %d shares off", amount, weights, sum, off)
		}
	})
}

// Ensure that column and JSON forms come back as they went.
func TestForms_RoundTrip(t *testing.T) {
	of := expr.Of
	cases := []struct {
		text string
		t    expr.Type
		col  any
	}{
		{"12.30", of(expr.KMoney), int64(1230)}, {"-0.05", of(expr.KMoney), int64(-5)}, {"0.15", expr.DecimalOf(6), int64(150000)}, {"-1.5", expr.DecimalOf(1), int64(-15)}, {"15%", expr.DecimalOf(6), int64(150000)},
		{"42", of(expr.KInt), int64(42)}, {"true", of(expr.KBool), true}, {"封口", of(expr.KText), "封口"}, {"2026-03-02", of(expr.KDate), "2026-03-02"}, {"2026-03-02 09:30", of(expr.KDatetime), "2026-03-02T01:30:00.000Z"},
		{"2026-03-02 24:00", of(expr.KDatetime), "2026-03-02T16:00:00.000Z"}, {"15d", of(expr.KSpan), "15d"}, {"-3wh", of(expr.KSpan), "-3wh"}, {"08:05", of(expr.KTime), "08:05"}, {"24:00", of(expr.KTime), "24:00"},
		{"A000001–A001000", of(expr.KRange), `{"first":"A000001","last":"A001000"}`}, {"a, b", expr.ListOf(of(expr.KText)), `["a","b"]`}, {"1.00、2.50", expr.ListOf(of(expr.KMoney)), `["1.00","2.50"]`},
		{"2026-03-01..2026-03-02", of(expr.KPeriod), `{"from":"2026-02-28T16:00:00.000Z","to":"2026-03-02T16:00:00.000Z"}`},
	}
	for _, c := range cases {
		v, err := expr.ParseLiteral(c.text, c.t, standard.Zone)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		col, err := expr.ToColumn(v, c.t)
		if err != nil || col != c.col {
			t.Errorf("%s: column %v %v", c.text, col, err)
		}
		back, err := expr.FromColumn(col, c.t)
		if again, _ := expr.ToColumn(back, c.t); err != nil || again != col {
			t.Errorf("%s: from column %v %v", c.text, back, err)
		}
		j, err := expr.ToJSON(v, c.t)
		if err != nil {
			t.Errorf("%s: JSON %v", c.text, err)
		}
		back, err = expr.FromJSON(j, c.t, standard.Zone)
		if again, _ := expr.ToColumn(back, c.t); err != nil || again != col {
			t.Errorf("%s: from JSON %v %v %v", c.text, j, back, err)
		}
	}
	if _, err := expr.ToColumn(lit("90000000000000000", expr.Of(expr.KDecimal)), expr.DecimalOf(6)); err == nil {
		t.Error("a number too large for its column is taken")
	}
	if j, _ := expr.ToJSON(money("12.3"), of(expr.KMoney)); j != "12.30" {
		t.Error(j)
	}
	for _, bad := range []struct {
		text string
		t    expr.Type
	}{{"x", of(expr.KMoney)}, {"1.234", of(expr.KMoney)}, {"31.12.2026", of(expr.KDate)}, {"3x", of(expr.KSpan)}, {"25:00", of(expr.KTime)}, {"1.5", of(expr.KInt)}} {
		if v, err := expr.ParseLiteral(bad.text, bad.t, time.UTC); err == nil {
			t.Errorf("%s is read as %v", bad.text, v)
		}
	}
}

func BenchmarkEval(b *testing.B) {
	e, s, vars := testEnv(b)
	x, problems := e.Compile("this.kind in ['major', 'minor'] && this.amount > param.limit && this.shipped_on <= today + days(3)", vars, expr.Of(expr.KBool))
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	w, this := testWorld(s)
	for _, f := range []string{"kind", "amount", "shipped_on"} { // decoded, as the engine keeps them
		this.extra[f], _ = this.Get(f)
	}
	sc := scopeOf(w, this)
	b.ReportAllocs()
	for b.Loop() {
		if v, err := x.Eval(sc); v != true || err != nil {
			b.Fatal(v, err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	e, _, vars := testEnv(b)
	for b.Loop() {
		if _, problems := e.Compile("this.kind in ['major', 'minor'] && this.amount > param.limit && this.shipped_on <= today + days(3)", vars, expr.Of(expr.KBool)); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}

func BenchmarkQuery(b *testing.B) {
	e, s, vars := testEnv(b)
	x, _ := e.Compile("it.kind in ['major', 'minor'] && it.amount > param.limit && it.visits.exists(v, v.by == me)", vars, expr.Of(expr.KBool))
	w, this := testWorld(s)
	sc := scopeOf(w, this)
	var q query.Expr
	for b.Loop() {
		q, _ = x.Query("it", sc)
	}
	_ = q
}
