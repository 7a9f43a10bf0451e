package expr_test

import (
	"testing"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
)

type rec struct {
	object, id string
	m          map[string]expr.Value
}

func (r rec) Object() string                   { return r.object }
func (r rec) ID() string                       { return r.id }
func (r rec) Get(f string) (expr.Value, error) { return r.m[f], nil }

type facts struct{ expr.Facts }

func (facts) Calendar() *calendar.Calendar { return calendar.Standard() }
func (facts) Form(string) expr.Set         { return nil }
func (facts) Param(id string) (expr.Value, bool) {
	if id == "limit" {
		return money("100.00"), true
	}
	return nil, false
}
func (facts) Rows(id string) ([]map[string]expr.Value, bool) {
	if id != "band" {
		return nil, false
	}
	return []map[string]expr.Value{{"upto": money("999.99"), "measure": "书面检讨"}, {"upto": money("4999.99"), "measure": "警告"}, {"measure": "降级"}}, true
}

func money(s string) expr.Value {
	v, err := expr.ParseLiteral(s, expr.Of(expr.KMoney), time.UTC)
	if err != nil {
		panic(err)
	}
	return v
}

func env(t testing.TB) (*expr.Env, expr.Vars) {
	t.Helper()
	m := expr.Of(expr.KMoney)
	s := &expr.Schema{Objects: map[string]*expr.Object{
		"x.case": {Key: "x.case", Table: "x_case", Fields: map[string]expr.Field{
			"amount": {Type: m, Column: "amount"}, "qty": {Type: expr.Of(expr.KInt), Column: "qty"}, "ok": {Type: expr.Of(expr.KBool), Column: "ok"},
			"kind": {Type: expr.ChoiceOf("major", "minor"), Column: "kind"}, "ratio": {Type: expr.DecimalOf(4), Column: "ratio"}, "shipped_on": {Type: expr.Of(expr.KDate), Column: "shipped_on"},
			"lines": {Type: expr.ListOf(expr.ObjectOf("x.case.lines")), Line: true}, "at": {Type: expr.Of(expr.KDatetime), Column: "at"}}},
		"x.case.lines": {Key: "x.case.lines", Table: "x_case_lines", Line: true, Fields: map[string]expr.Field{"price": {Type: m, Column: "price"}, "share": {Type: expr.DecimalOf(4), Column: "share"}}},
		"base.person":  {Key: "base.person", Fields: map[string]expr.Field{}}, "base.unit": {Key: "base.unit", Fields: map[string]expr.Field{}},
	}, Params: map[string]expr.Param{"limit": {Type: m}, "band": {Key: []expr.Column{{Name: "upto", Type: m, Upto: true}}, Out: []expr.Column{{Name: "measure", Type: expr.Of(expr.KText)}}}},
		Forms: map[string]string{"cases": "x.case"}}
	e, err := expr.NewEnv(s)
	if err != nil {
		t.Fatal(err)
	}
	return e, expr.Vars{"this": expr.ObjectOf("x.case"), "now": expr.Of(expr.KDatetime), "today": expr.Of(expr.KDate)}
}

func line(price, share string) expr.Value {
	d, _ := expr.ParseLiteral(share, expr.Of(expr.KDecimal), time.UTC)
	return rec{"x.case.lines", price + share, map[string]expr.Value{"price": money(price), "share": d}}
}

// Ensure that conditions follow three-valued logic, money rounds half up, and shares are exact to the cent.
func TestEval(t *testing.T) {
	e, vars := env(t)
	this := rec{"x.case", "1", map[string]expr.Value{"amount": money("100.01"), "qty": int64(3), "kind": "major", "lines": []expr.Value{line("1.00", "0.5"), line("2.50", "0.25"), line("0.01", "0.25")},
		"shipped_on": calendar.Date{Year: 2026, Month: 1, Day: 31}}}
	cases := []struct{ text, want string }{
		{"this.amount > param.limit", "true"},
		{"this.amount >= money('100.01')", "true"},
		{"this.ok && this.qty > 5", "false"}, // unset && false
		{"this.ok || this.qty == 3", "true"},
		{"this.ok && this.qty == 3", ""},
		{"!this.ok", ""},
		{"has(this.ok)", "false"},
		{"this.qty * money('0.01')", "0.03"},
		{"this.amount / 3", "33.34"},
		{"this.amount * dec('0.5')", "50.01"},
		{"this.amount * (1 + pct('5'))", "105.01"},
		{"money('10') / 0", ""},
		{"this.lines.sum(l, l.price)", "3.51"},
		{"this.lines.sum(l, l.price > money('1'), l.price)", "2.50"},
		{"this.lines.count(l, l.price > money('1'))", "1"},
		{"this.lines.all(l, l.price > money('0'))", "true"},
		{"this.lines.exists(l, l.price > money('9'))", "false"},
		{"this.lines.max(l, l.price)", "2.50"},
		{"this.lines.sum(l, l.share) == pct('100')", "true"},
		{"this.lines.sorted_by(l, l.price).at(0).price", "0.01"},
		{"this.lines.at(9).price", ""},
		{"this.lines.last(2).size()", "2"},
		{"split(money('100.00'), this.lines, l, l.share).of(this.lines.at(0))", "50.00"},
		{"split(money('0.01'), this.lines, l, l.share).sum(s, s.amount)", "0.01"},
		{"this.shipped_on + months(1)", "2026-02-28"},
		{"this.shipped_on + days(1) > this.shipped_on", "true"},
		{"this.kind in ['major']", "true"},
		{"param.band.at(money('999.99')).measure", "书面检讨"},
		{"param.band.at(money('1000')).measure", "警告"},
		{"param.band.at(money('90000')).measure", "降级"},
		{"this.qty > 1 ? 'a' : 'b'", "a"},
		{"earlier(this.at, now) == now", "true"},
		{"round(dec('2.665'), 2)", "2.67"},
		{"year(today)", "2026"},
	}
	for _, c := range cases {
		t.Run(c.text, func(t *testing.T) {
			x, problems := e.Compile(c.text, vars, expr.Of(expr.KAny))
			if len(problems) > 0 {
				t.Fatalf("%+v", problems)
			}
			now := time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC)
			v, err := x.Eval(&expr.Scope{Now: now, Vars: map[string]expr.Value{"this": this, "now": now, "today": calendar.Date{Year: 2026, Month: 3, Day: 2}}, Facts: facts{}})
			if err != nil {
				t.Fatal(err)
			}
			if got := expr.Format(v, x.Type()); got != c.want {
				t.Fatalf("got %q, want %q", got, c.want)
			}
		})
	}
}

// Ensure that mistakes are told in the rulebook's words.
func TestCompile_Problems(t *testing.T) {
	e, vars := env(t)
	cases := []struct {
		text, want string
		kind       expr.Kind
	}{
		{"this.shiped_on <= today", `field "shiped_on" does not exist on form case; did you mean "shipped_on"?`, expr.KBool},
		{"this.amount > 100", "money and int cannot be compared with >: write money('100')", expr.KBool},
		{"this.kind", `condition is a text, not true or false: "this.kind"`, expr.KBool},
		{"this.kind == 'majr'", `"majr" is not an option of kind`, expr.KBool},
	}
	for _, c := range cases {
		t.Run(c.text, func(t *testing.T) {
			_, problems := e.Compile(c.text, vars, expr.Of(c.kind))
			if len(problems) == 0 || problems[0].Message != c.want {
				t.Fatalf("got %+v", problems)
			}
		})
	}
}
