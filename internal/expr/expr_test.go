package expr_test

import (
	"errors"
	"fmt"
	"reflect"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
)

// testWorld has one case with lines, visits and a customer, and two more cases beside it.
func testWorld(s *expr.Schema) (*world, *rec) {
	at := func(s string) string {
		return lit(s, expr.Of(expr.KDatetime)).(time.Time).UTC().Format("2006-01-02T15:04:05.000Z")
	}
	w := &world{schema: s, tables: map[string][]row{
		"x_case": {{"id": "1", "amount": int64(10001), "fee": int64(250), "qty": int64(3), "kind": "major", "ratio": int64(1500), "share": int64(150000), "shipped_on": "2026-01-31",
			"at": at("2026-03-02 09:00"), "note": "broken 封口", "within": "15d", "customer": "c1", "owner": "p1", "unit": "u1", "start": "08:30", "close_at": at("2026-03-01 18:00"), "close_by": "p2"},
			{"id": "2", "amount": int64(5000), "qty": int64(8), "ok": true, "kind": "minor", "customer": "c1", "owner": "p2", "at": at("2026-02-27 23:30"), "note": ""},
			{"id": "3", "amount": int64(0), "ok": false, "customer": "c2", "at": at("2026-03-31 23:30")}},
		"x_line": {{"id": "l1", "record": "1", "price": int64(100), "n": int64(3), "share": int64(5000)}, {"id": "l2", "record": "1", "price": int64(250), "n": int64(1), "share": int64(2500)},
			{"id": "l3", "record": "1", "price": int64(1), "n": int64(2), "share": int64(2500)}, {"id": "l4", "record": "2"}},
		"x_visit": {{"id": "v1", "case": "1", "good": true, "at": at("2026-03-01 10:00"), "cost": int64(1000), "by": "p1"}, {"id": "v2", "case": "1", "at": at("2026-03-01 15:00"), "cost": int64(500)},
			{"id": "v3", "case": "1", "good": false, "at": at("2026-02-20 10:00")}, {"id": "v4", "case": "2", "good": true, "cost": int64(300)}},
		"x_customer":  {{"id": "c1", "name": "华联商厦", "keeper": "p2", "score": int64(90)}, {"id": "c2", "name": "Acme"}},
		"base_person": {{"id": "p1", "name": "张三", "wage": int64(500000)}, {"id": "p2", "name": "李四"}},
		"base_unit":   {{"id": "u1", "name": "works"}},
	}}
	this := &rec{w: w, o: s.Objects["x.case"], row: w.tables["x_case"][0], extra: map[string]expr.Value{
		"people": []expr.Value{w.person("p1"), w.person("p3")}, "tags": []expr.Value{"red"}, "segment": expr.Range{First: "A001", Last: "A100"},
		"span": calendar.Period{From: now.Add(-time.Hour), To: now.Add(time.Hour)}}}
	return w, this
}

func scopeOf(w *world, this expr.Record) *expr.Scope {
	zone := standard.Zone
	march := calendar.Period{From: time.Date(2026, 3, 1, 0, 0, 0, 0, zone), To: time.Date(2026, 4, 1, 0, 0, 0, 0, zone)}
	unit := &rec{w: w, o: w.schema.Objects["base.unit"], row: row{"id": "u1", "name": "works"}, extra: map[string]expr.Value{"members": who{w, []string{"p1", "p2"}}}}
	return &expr.Scope{Now: now, Facts: w, Vars: map[string]expr.Value{"this": this, "it": this, "now": now, "today": calendar.Date{Year: 2026, Month: 3, Day: 2}, "me": w.person("p1"),
		"done": &rec{w: w, o: w.schema.Objects["x.case#done"], row: this.(*rec).row}, "period": march, "shift": calendar.Period{From: march.From.Add(30 * time.Hour), To: march.From.Add(54 * time.Hour)}, "unit": unit, "range": expr.Range{First: "A001", Last: "A005"}, "balance": money("-1.50"),
		"giver": w.person("p1"), "ledger_id": "stock"}}
}

// Ensure that every function and operator answers as the language says, whether sets are asked of the database or loaded.
func TestEval(t *testing.T) {
	e, s, vars := testEnv(t)
	cases := []struct{ text, want string }{
		// three-valued logic; this.ok is unset, this.qty is 3
		{"this.ok && this.qty > 5", "false"}, {"this.qty > 5 && this.ok", "false"}, {"this.ok || this.qty == 3", "true"}, {"this.qty == 3 || this.ok", "true"},
		{"this.ok && this.qty == 3", ""}, {"this.ok || this.qty > 5", ""}, {"!this.ok", ""}, {"this.ok == this.ok", ""}, {"this.ok != true", ""},
		{"this.ok ? 'a' : 'b'", ""}, {"has(this.ok)", "false"}, {"!has(this.ok)", "true"}, {"has(this.qty) && has(this.customer.name)", "true"}, {"has(this.late)", "true"},
		{"old.amount > money('1')", ""}, {"has(old.amount)", "false"}, {"this.customer.keeper.wage > money('1')", ""}, {"this.ok in [true]", ""},
		{"param.blank > money('1')", ""}, {"has(param.blank)", "false"}, {"has(param.limit)", "true"}, {"has(superior(me))", "true"}, {"has(superior(superior(me)))", "false"},
		{"has(this.visits)", "true"}, {"has(this.tags)", "true"},
		// numbers
		{"this.amount > param.limit", "true"}, {"this.amount >= money('100.01')", "true"}, {"this.qty * money('0.01')", "0.03"}, {"this.amount / 3", "33.34"},
		{"this.amount * dec('0.5')", "50.01"}, {"money('-0.01') * dec('0.5')", "-0.01"}, {"this.amount * (1 + pct('5'))", "105.01"}, {"money('0.05') / 2", "0.03"}, {"-this.amount", "-100.01"},
		{"money('10') / 0", ""}, {"money('1') / money('0')", ""}, {"1 / 0", ""}, {"1 % 0", ""}, {"money('10') / money('4')", "2.5"}, {"3 / 2", "1.5"}, {"7 % 4", "3"}, {"money('1') / dec('0.3')", "3.33"},
		{"1 + this.ratio", "1.15"}, {"this.ratio + 1", "1.15"}, {"2 * this.ratio", "0.3"}, {"this.ratio - 1", "-0.85"}, {"1 - pct('15') == dec('0.85')", "true"}, {"this.ratio / 2", "0.075"},
		{"this.ratio == pct('15')", "true"}, {"this.ratio > 0", "true"}, {"0 < this.ratio", "true"}, {"dec('0.10') == dec('0.1')", "true"}, {"0 - balance", "1.50"}, {"abs(balance)", "1.50"}, {"abs(-3)", "3"},
		{"floor(dec('2.9'))", "2"}, {"floor(dec('-2.1'))", "-3"}, {"ceil(dec('2.1'))", "3"}, {"ceil(this.qty)", "3"}, {"round(dec('2.5'))", "3"}, {"round(dec('-2.5'))", "-3"}, {"round(dec('2.665'), 2)", "2.67"},
		{"round(dec('2.664'), 2)", "2.66"}, {"round(money('9.99'), 0)", "10.00"}, {"round(this.amount / (this.amount - this.fee), 4)", "1.0256"}, {"money(3)", "3.00"}, {"dec('x' + '')", ""},
		{"money('9999999999.99') * dec('0.123456')", "1234560000.00"}, {"floor(pct('15') * 20)", "3"},
		// time; t is Monday 2 March 2026, 9:30 in Shanghai
		{"this.shipped_on + months(1)", "2026-02-28"}, {"this.shipped_on + days(1) > this.shipped_on", "true"}, {"this.shipped_on - days(31)", "2025-12-31"}, {"today - this.shipped_on", "30d"},
		{"today - this.shipped_on > days(29)", "true"}, {"now - this.at", "30m"}, {"now - this.at < hours(1)", "true"}, {"this.at + hours(2) > now", "true"}, {"this.within == days(15)", "true"}, {"this.within * 2", "30d"},
		{"weeks(2) + days(1)", "21600m"}, {"days(2) + days(1)", "3d"}, {"minutes(90) > hours(1)", "true"}, {"years(1)", "1y"}, {"today + workdays(3)", "2026-03-05"}, {"workdays_between(this.shipped_on, today) > 0", "true"},
		{"days_between(this.shipped_on, today)", "30"}, {"day(now) == today", "true"}, {"month(now)", "2026-03"}, {"month(this.shipped_on)", "2026-01"}, {"quarter(today)", "2026-Q1"}, {"year(today)", "2026"}, {"weekday(now)", "1"},
		{"weekday(this.shipped_on) in [6, 7]", "true"}, {"start_of('month', now) == instant(today - days(1))", "true"}, {"end_of(day, now) == instant(today + days(1))", "true"}, {"start_of(week, today) == instant(today)", "true"},
		{"earlier(old.at, now) == now", "true"}, {"later(this.at, now, this.done.close.at) == now", "true"}, {"earlier(old.at, old.at)", ""}, {"earlier(today, this.shipped_on)", "2026-01-31"}, {"is_workday(today)", "true"},
		{"is_workday(today - days(2))", "false"}, {"now in period", "true"}, {"this.shipped_on in period", "false"}, {"period.contains(now)", "true"}, {"this.shipped_on <= period.end", "true"}, {"period.end", "2026-03-31"}, {"date('2026-01-31') == this.shipped_on", "true"}, {"date('2026-02-01') - days(1)", "2026-01-31"}, {"period.start", "2026-03-01"},
		{"now < period.to && now > period.from", "true"}, {"now in this.span", "true"}, {"this.start < old.start", ""}, {"done.close.at < now", "true"}, {"this.done.close.at == done.close.at", "true"},
		{"overlap([this.span], [period])", "true"}, {"overlap(this.visits.spans(v, v.good), [period])", "false"}, {"covers([period], today)", "true"}, {"covers([this.span], today)", "false"},
		// lists, lines, back-references, forms
		{"this.lines.sum(l, l.price)", "3.51"}, {"this.lines.sum(l, l.price > money('1'), l.price)", "2.50"}, {"this.lines.sum(l, l.n)", "6"}, {"this.lines.sum(l, l.share) == pct('100')", "true"}, {"this.lines.sum(l, l.n > 9, l.price)", "0.00"},
		{"this.lines.count(l, l.price > money('1'))", "1"}, {"this.lines.count()", "3"}, {"this.lines.size()", "3"}, {"this.lines.all(l, l.price > money('0'))", "true"}, {"this.lines.exists(l, l.price > money('9'))", "false"},
		{"this.lines.none(l, l.n == 3)", "false"}, {"this.lines.max(l, l.price)", "2.50"}, {"this.lines.min(l, l.n > 1, l.price)", "0.01"}, {"this.lines.avg(l, l.price)", "1.17"}, {"this.lines.avg(l, l.n)", "2"},
		{"this.lines.median(l, l.n)", "2"}, {"this.lines.where(l, l.n > 1).median(l, l.price)", "0.51"}, {"this.lines.max(l, l.n > 9, l.price)", ""}, {"this.lines.avg(l, l.n > 9, l.n)", ""}, {"this.lines.distinct(l, l.share)", "2"},
		{"this.lines.sorted_by(l, l.price).at(0).price", "0.01"}, {"this.lines.sorted(l, l.price)", "false"}, {"this.lines.sorted_by(l, l.n).sorted(l, l.n)", "true"}, {"this.lines.at(9).price", ""}, {"this.lines.at(-1).price", ""},
		{"this.lines.last(2).size()", "2"}, {"this.lines.last(9).size()", "3"}, {"this.lines.last().n", "2"}, {"this.lines.first().n", "3"}, {"this.lines.first(l, l.n < 3).n", "1"}, {"this.lines.last(l, l.n < 3, l.price).n", "1"},
		{"this.lines.first(l, l.n < 3, l.price).n", "2"}, {"this.lines.first(l, l.n > 9).n", ""}, {"this.lines.map(l, l.n).sum()", "6"}, {"this.lines.map(l, l.price).max()", "2.50"},
		{"this.visits.count()", "3"}, {"this.visits.count(v, v.good)", "1"}, {"this.visits.count(v, !v.good)", "1"}, {"this.visits.all(v, v.good)", "false"}, {"this.visits.where(v, has(v.good)).count(v, v.at < now)", "2"}, {"this.visits.exists()", "true"},
		{"this.visits.sum(v, v.cost)", "15.00"}, {"this.visits.avg(v, v.cost)", "7.50"}, {"this.visits.min(v, v.at) < now", "true"}, {"this.visits.distinct(v, day(v.at))", "2"}, {"this.visits.distinct(v, v.cost)", "2"}, {"this.visits.distinct(v, v.by)", "1"},
		{"this.visits.first(v, v.cost < money('9')).cost", "5.00"}, {"this.visits.where(v, v.at > now - days(3)).sorted_by(v, v.at).at(1).cost", "5.00"}, {"this.visits.median(v, v.cost)", "7.50"},
		{"this.visits.exists(v, v.by == me && month(v.at) == month(now))", "true"}, {"this.visits.last(2).all(v, !v.good)", "false"},
		{"cases.count(c, c.customer == this.customer)", "2"}, {"cases.none(c, c.amount > this.amount)", "true"}, {"cases.exists(c, c != this && c.customer.score > 80)", "true"}, {"cases.count(c, c.visits.exists(v, v.good && v.case == c))", "2"},
		{"cases.sum(c, c.lines.exists(l, l.n > 2), c.amount)", "100.01"}, {"cases.count(c, c.visits.count(v, has(v.cost)) >= 1)", "2"}, {"cases.count(c, c.lines.sum(l, l.price) == money('0'))", "2"}, {"cases.max(c, c.qty)", "8"},
		{"cases.count(c, month(c.at) == '2026-03')", "2"}, {"cases.first(c, c.qty > 1, c.at).qty", "8"}, {"cases.sum(c, c.amount * pct('10'))", "15.00"}, {"cases.count(c, c.owner in [me, superior(me)])", "1"}, {"customer.all(k, has(k.name))", "true"},
		{"cases.where(c, c.customer == this.customer).where(c, c.qty > 3).count()", "1"}, {"cases.count(c, has(c.note))", "1"}, {"[this.ratio, dec('0.5')].max(r, r)", "0.5"}, {"[1, 2, 3].all(n, n > 0)", "true"}, {"['a'].exists(x, x == this.kind)", "false"},
		{"this.kind in ['major']", "true"}, {"this.kind == 'major' && this.kind != 'minor'", "true"}, {"'red' in this.tags", "true"}, {"this.tags.exists(x, x == 'blue')", "false"}, {"this.qty in []", "false"}, {"old.qty in []", ""}, {"this.qty in [1, 3]", "true"},
		{"this.qty in [old.qty, 3]", "true"}, {"this.qty in [old.qty, 4]", ""},
		// tables
		{"param.band.at(money('999.99')).measure", "书面检讨"}, {"param.band.at(money('1000')).measure", "警告"}, {"param.band.at(money('90000')).measure", "降级"}, {"param.stage.at('quality', true).days", "7d"}, {"param.stage.at('none', true).days", ""}, {"param.stage.at('quality', this.ok).days", ""},
		// split
		{"split(money('100.00'), this.lines, l, l.share).of(this.lines.at(0))", "50.00"}, {"split(money('0.01'), this.lines, l, l.share).sum(s, s.amount)", "0.01"}, {"split(money('100.00'), this.lines, l, l.n).map(s, s.amount).at(1)", "16.67"},
		{"split(money('100.00'), this.lines, l, l.n).sum(s, s.amount)", "100.00"}, {"split(money('-100.00'), this.lines, l, l.n).sum(s, s.amount)", "-100.00"}, {"split(money('1'), this.lines, l, 0).sum(s, s.amount)", "0.00"}, {"split(money('100'), 3).at(0)", "33.34"}, {"split(money('100'), 3).sum()", "100.00"},
		{"split(money('1'), this.lines, l, l.n).at(0).item.n", "3"},
		// people
		{"superior(me)", "boss"}, {"head(unit)", "p2"}, {"unit_of(me)", "u-p1"}, {"unit_of(me, now)", "u-p1"}, {"quality.has(me)", "true"}, {"quality.has(superior(me))", "false"}, {"quality.has(superior(superior(me)))", ""}, {"me in quality", "true"}, {"quality.of(unit)", "quality1@u1"},
		{"me in [this.owner, superior(this.owner)]", "true"}, {"me in [quality, this.customer.keeper]", "true"}, {"superior(me) in [quality, this.customer.keeper]", "false"}, {"me in this.people", "true"}, {"this.people.exists(p, sales.has(p))", "true"},
		{"unit.members.has(me)", "true"}, {"unit.members.count(p, p == me)", "1"}, {"unit.members.count()", "2"}, {"me == this.owner || superior(this.owner) == me", "true"}, {"absent(me)", "true"}, {"absent(superior(me))", "false"},
		{"holder(quality, unit, now)", "quality@u10302"}, {"holder(quality, me, today)", "quality@u-p10302"}, {"holder(quality, this, period.end)", "quality@u10331"},
		{"waiting('settlement').has(me)", "true"}, {"approved('settlement')", "true"}, {"approved('settlement', this)", "true"}, {"rank('queue', this)", "2"}, {"rank('queue', this) <= ceil(dec('0.5') * ranked('queue', this))", "true"}, {"quota_left('vip', this)", "5"},
		{"ledger('rebate').balance", "10.00"}, {"ledger('rebate', this.customer).balance", "20.00"}, {"ledger('rebate', this.customer, month(now)).balance", "30.00"}, {"giver_holds(range)", "true"},
		// texts
		{"this.note.contains('封')", "true"}, {"this.note.startsWith('bro')", "true"}, {"this.note.endsWith('口')", "true"}, {"this.note.matches('^b.*口$')", "true"}, {"this.note.size()", "9"}, {"same('A', 'a')", "true"}, {"'n' + text(this.qty)", "n3"}, {"text(this.amount) + '元'", "100.01元"},
		{"text(now)", "2026-03-02 09:30"}, {"'x' + text(this.ok)", ""}, {"text(today)", "2026-03-02"}, {"this.segment.size()", "100"}, {"range.first", "A001"}, {"this.history('kind').min(h, h.new == 'major', h.at) == now", "true"}, {"this.history('kind').at(0).old", "minor"},
		{"this.qty > 1 ? 'a' : 'b'", "a"}, {"this.done.close.by.name", "李四"},
	}
	for _, c := range cases {
		t.Run(c.text, func(t *testing.T) {
			x, problems := e.Compile(c.text, vars, expr.Of(expr.KAny))
			if len(problems) > 0 {
				t.Fatalf("%+v", problems)
			}
			for _, loaded := range []bool{false, true} {
				w, this := testWorld(s)
				w.loaded = loaded
				sc := scopeOf(w, this)
				sc.Vars["old"] = &rec{w: w, o: s.Objects["x.case"], row: row{}}
				if loaded {
					for _, form := range []string{"cases", "visit", "customer"} {
						all, _ := w.Form(s.Forms[form]).All()
						list := []expr.Value{}
						for _, r := range all {
							list = append(list, r)
						}
						sc.Vars[form] = list
					}
				}
				v, err := x.Eval(sc)
				if err != nil {
					t.Fatal(err)
				}
				if got := expr.Format(v, x.Type()); got != c.want {
					t.Fatalf("loaded %v: got %q, want %q", loaded, got, c.want)
				}
			}
		})
	}
}

// Ensure that what leaves the numbers' range is an error, never a wrong number.
func TestEval_TooLarge(t *testing.T) {
	e, s, vars := testEnv(t)
	for _, text := range []string{"9223372036854775807 + 1", "-9223372036854775807 - 2", "9223372036854775807 * 2", "money('90000000000000000.00') * 100", "money('90000000000000000.00') / dec('0.0001')", "this.qty * 9000000000000000000"} {
		x, problems := e.Compile(text, vars, expr.Of(expr.KAny))
		if len(problems) > 0 {
			t.Fatalf("%s: %+v", text, problems)
		}
		w, this := testWorld(s)
		if v, err := x.Eval(scopeOf(w, this)); err == nil {
			t.Errorf("%s = %v", text, v)
		}
	}
}

type broken struct{ *rec }

var errDisk = errors.New("disk")

func (broken) Get(string) (expr.Value, error) { return nil, errDisk }

// Ensure that trouble with the database is an error, and that what decided is told.
func TestEval_ErrorAndTrace(t *testing.T) {
	e, s, vars := testEnv(t)
	x, _ := e.Compile("this.qty == 3 && done.close.at < now && this.lines.exists(l, l.n > 2) && this.amount > param.limit", vars, expr.Of(expr.KBool))
	w, this := testWorld(s)
	sc := scopeOf(w, this)
	var paths []string
	sc.Read = func(path string, _ expr.Value) { paths = append(paths, path) }
	if v, err := x.Eval(sc); v != true || err != nil {
		t.Fatal(v, err)
	}
	if got := strings.Join(paths, " "); got != "this.qty done.close done.close.at this.lines this.amount param.limit" {
		t.Fatal(got)
	}
	sc.Vars["this"] = broken{this}
	if _, err := x.Eval(sc); !errors.Is(err, errDisk) {
		t.Fatal(err)
	}
}

// Ensure that a query over a set is one question to the database where that is possible, and that rows are loaded once where not.
func TestEval_Asks(t *testing.T) {
	e, s, vars := testEnv(t)
	cases := []struct {
		text  string
		loads int
	}{
		{"cases.count(c, c.customer == this.customer && c.qty > 2)", 0},
		{"cases.count(c, c.customer.keeper == me && c.amount + c.fee > this.amount)", 0},
		{"cases.exists(c, c.ratio + dec('0.1') > dec('0.21') && c.share > dec('0.1'))", 0},
		{"cases.where(c, c.qty > 2).where(c, c.ok).sum(c, c.amount)", 0},
		{"cases.avg(c, c.amount)", 0}, {"cases.all(c, has(c.customer))", 0}, {"this.visits.distinct(v, v.by)", 0}, {"cases.count(c, c.at in period)", 0},
		{"cases.count(c, month(c.at) == month(now) && year(c.shipped_on) >= 2026 && quarter(c.at) != '2026-Q1')", 0},
		{"cases.count(c, c.shipped_on + days(30) < today)", 0}, {"cases.count(c, now > c.at + hours(24))", 0}, {"cases.count(c, quality.has(c.owner) || c.owner in [me, quality])", 0},
		{"cases.count(c, c.visits.exists(v, v.case == c && v.at > c.at) && c.lines.sum(l, l.price) > c.amount)", 0}, {"cases.count(c, c.done.close.by == me)", 0},
		{"cases.count(c, has(c.lines))", 0}, {"cases.sum(c, c.ok ? c.amount : c.fee)", 0},
		{"cases.count(c, c.note.matches('x'))", 1}, {"cases.sum(c, c.amount * c.ratio)", 1}, {"cases.count(c, c.qty > 2 && c.late.reply)", 1}, {"cases.count(c, c.within > days(3))", 1},
		{"cases.first(c, c.qty > 1, c.at).qty", 1}, {"this.visits.sorted_by(v, v.at).at(0).cost", 1}, {"split(money('1'), this.visits, v, v.cost).sum(s, s.amount)", 1},
	}
	for _, c := range cases {
		x, problems := e.Compile(c.text, vars, expr.Of(expr.KAny))
		if len(problems) > 0 {
			t.Fatalf("%s: %+v", c.text, problems)
		}
		w, this := testWorld(s)
		if _, err := this.Get("lines"); err != nil {
			t.Fatal(err)
		}
		w.loads = 0
		if _, err := x.Eval(scopeOf(w, this)); err != nil {
			t.Fatal(err)
		}
		if w.loads != c.loads {
			t.Errorf("%s loaded %d times, not %d", c.text, w.loads, c.loads)
		}
	}
}

// Ensure that the static facts about an expression are right.
func TestExpr_Static(t *testing.T) {
	e, _, vars := testEnv(t)
	compile := func(text string) *expr.Expr {
		x, problems := e.Compile(text, vars, expr.Of(expr.KAny))
		if len(problems) > 0 {
			t.Fatalf("%s: %+v", text, problems)
		}
		return x
	}
	if got := compile("this.amount > param.limit && has(param.blank) || param.limit > money('1')").Params(); !reflect.DeepEqual(got, []string{"limit", "blank"}) {
		t.Error(got)
	}
	reads := []struct{ text, want string }{
		{"this.qty > 1 && this.customer.keeper.wage > money('1')", "base.person.wage x.case.customer x.case.qty x.customer.keeper"},
		{"this.visits.exists(v, v.good)", "x.case.visits x.visit.good x.visit<case"},
		{"visit.exists(v, v.case == this && v.good)", "x.visit.case x.visit.good x.visit<case"},
		{"visit.where(v, v.good).where(v, this == v.case).count()", "x.visit.case x.visit.good x.visit<case"},
		{"visit.where(v, v.good).count()", "x.visit x.visit.good"}, {"cases.count()", "x.case"},
		{"cases.count(c, c.customer == this.customer)", "x.case x.case.customer"},
		{"done.close.at < now", "x.case#done.close x.case#done.close.at"},
	}
	for _, c := range reads {
		var list []string
		for _, p := range compile(c.text).Reads() {
			s := p.Object
			if p.Via != "" {
				s += "<" + p.Via
			}
			if p.Field != "" {
				s += "." + p.Field
			}
			list = append(list, s)
		}
		sort.Strings(list)
		if got := strings.Join(list, " "); got != c.want {
			t.Errorf("%s reads %s", c.text, got)
		}
	}
	for _, c := range []struct{ text, want string }{
		{"this.qty > 2 && this.customer.name.contains('x') && has(this.owner) && this.owner == me", ""}, {"this.amount * 2 > param.limit", ""}, {"day(this.at) == today && this.at in period", ""},
		{"this.kind in ['major'] && quality.has(this.owner) && done.close.at < now", ""}, {"this.visits.count(v, v.good) > 1", ""}, {"param.stage.at('quality', true).days > days(1)", ""},
		{"this.qty > 2 && this.note.matches('x')", "matches() at column 34 cannot; store the result in a computed field"},
		{"this.late.reply", "this.late.reply at column 1 is not stored, it cannot; store the result in a computed field"},
		{"this.amount * this.ratio > money('1')", "* at column 13 cannot; store the result in a computed field"},
		{"workdays_between(this.shipped_on, today) > 3", "workdays_between() at column 17 cannot; store the result in a computed field"},
		{"this.shipped_on + workdays(3) < today", "+ at column 17 cannot; store the result in a computed field"},
	} {
		got := ""
		if err := compile(c.text).InQuery("this"); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %s", c.text, got)
		}
	}
}

// Ensure that the variables that are parts of this mean the row's where this is the row, and that computed fields
// which are not stored are asked as their own expression.
func TestQuery_OfThis(t *testing.T) {
	e, s, vars := testEnv(t)
	live, problems := e.Compile("this.qty * 2 + this.lines.count(l, l.n > 1)", vars, expr.Of(expr.KInt))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	foreign, problems := e.Compile("this.qty + old.qty", vars, expr.Of(expr.KInt))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	s.Objects["x.case"].Fields["twice"] = expr.Field{Type: expr.Of(expr.KInt), Live: live}
	s.Objects["x.case"].Fields["foreign"] = expr.Field{Type: expr.Of(expr.KInt), Live: foreign}
	e, err := expr.NewEnv(s)
	if err != nil {
		t.Fatal(err)
	}
	w, this := testWorld(s)
	for _, c := range []struct {
		text string
		want []any // of the three cases; nil = cannot be asked
	}{
		{"done.close.at < now", []any{true, nil, nil}},
		{"done.close.by == me || this.qty > 5", []any{false, true, nil}},
		{"this.twice", []any{int64(8), int64(16), nil}},
		{"this.twice > 10 && this.customer.name != 'x'", []any{false, true, nil}},
		{"this.foreign", nil},
		{"this.amount", []any{int64(10001), int64(5000), int64(0)}},
		{"this.ratio + dec('0.00001')", []any{int64(15001), nil, nil}}, // its type says five digits
		{"this.customer.keeper.name", []any{"李四", "李四", nil}},
		{"visit.count(v, v.case == this && v.good)", []any{int64(1), int64(1), int64(0)}},
	} {
		x, problems := e.Compile(c.text, vars, expr.Of(expr.KAny))
		if len(problems) > 0 {
			t.Fatalf("%s: %+v", c.text, problems)
		}
		q, ok := x.Query("this", scopeOf(w, this))
		if ok != (c.want != nil) {
			t.Errorf("%s: ok is %v", c.text, ok)
			continue
		}
		for i, want := range c.want {
			if got := (lens{w, map[string]row{"this": w.tables["x_case"][i]}}).value(q); got != want {
				t.Errorf("%s of %d: %v, not %v", c.text, i+1, got, want)
			}
		}
	}
	x, _ := e.Compile("this.twice > 1", vars, expr.Of(expr.KBool))
	if got := len(x.Reads()); got != 4 { // twice, qty, lines, lines.n
		t.Errorf("%d reads: %v", got, x.Reads())
	}
}

// Ensure that expressions may be compiled and evaluated at the same time.
func TestEnv_Concurrent(t *testing.T) {
	e, s, vars := testEnv(t)
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			more := expr.Vars{"extra": expr.Of([]expr.Kind{expr.KInt, expr.KMoney}[i%2])}
			for k, v := range vars {
				more[k] = v
			}
			x, problems := e.Compile("this.lines.count(l, l.n > 1) == 2 && this.nosuch", more, expr.Of(expr.KBool))
			if x != nil || len(problems) != 1 || problems[0].Message != `field "nosuch" does not exist on form case` {
				t.Errorf("%+v", problems)
			}
			if x, problems = e.Compile("this.lines.count(l, l.n > 1) == 2", more, expr.Of(expr.KBool)); len(problems) > 0 {
				t.Errorf("%+v", problems)
				return
			}
			w, this := testWorld(s) // the database in memory is for one at a time
			if v, err := x.Eval(scopeOf(w, this)); v != true || err != nil {
				t.Error(v, err)
			}
		})
	}
	wait.Wait()
}

// Ensure that mistakes are told in the rulebook's words, with their place.
func TestCompile_Problems(t *testing.T) {
	e, _, vars := testEnv(t)
	cases := []struct {
		text, want, hint string
		col              int
		kind             expr.Kind
	}{
		{"this.shiped_on <= today", `field "shiped_on" does not exist on form case; did you mean "shipped_on"?`, "", 6, expr.KBool},
		{"this.lines.exists(l, l.prise > money('1'))", `field "prise" does not exist on line lines; did you mean "price"?`, "", 24, expr.KBool},
		{"has(this.xyzzy)", `field "xyzzy" does not exist on form case`, "", 0, expr.KBool},
		{"this.customer.nam == 'x'", `field "nam" does not exist on form customer; did you mean "name"?`, "", 15, expr.KBool},
		{"done.clos.at < now", `there is no action "clos" on form case`, `did you mean "close"?`, 6, expr.KBool},
		{"this.late.replay", `there is no deadline "replay" on form case`, `did you mean "reply"?`, 11, expr.KBool},
		{"param.limt > money('1')", `there is no parameter "limt"`, `did you mean "limit"?`, 7, expr.KBool},
		{"param.stage.at('a', true).dais", `there is no column "dais" in param.stage`, `did you mean "days"?`, 27, expr.KAny},
		{"param.stage.at('a').days", "param.stage has no at(text)", "", 0, expr.KAny},
		{"this.amount > 100", "money and int cannot be compared with >: write money('100')", "", 13, expr.KBool},
		{"this.ratio == 1", "decimal and int cannot be compared with ==: write dec('100')", "", 0, expr.KBool},
		{"this.shipped_on < now", "date and datetime cannot be compared with <: write day(…) around the datetime", "", 0, expr.KBool},
		{"now + 3 < now", "datetime and int cannot be joined with +: write days(3), workdays(3), hours(3) …", "", 0, expr.KBool},
		{"'a' + this.qty", "text and int cannot be joined with +: write text(…) around the number or date", "", 0, expr.KAny},
		{"this.shipped_on < date('2026-13-01')", `"2026-13-01" is no day`, "write date('2026-03-18')", 0, expr.KBool},
		{"this.shipped_on < date(this.note)", "date wants a day in quotes", "write date('2026-03-18')", 0, expr.KBool},
		{"this.note", `condition is a text, not true or false: "this.note"`, "", 1, expr.KBool},
		{"this.lines.count(l, l.price) > 1", "condition is money, not true or false", "", 0, expr.KBool},
		{"this.ok && this.qty", "true or false is wanted here, and this is an int", "", 0, expr.KBool},
		{"this.qty.exists(l, l > 1)", "int is not a list", "", 0, expr.KBool},
		{"this.lines.price > money('1')", "list of lines has no fields", "several rows: write .first(…), .at(0), .exists(v, …) or another query", 0, expr.KBool},
		{"this.kind == 'majr'", `"majr" is not an option of kind`, `did you mean "major"?`, 14, expr.KBool},
		{"this.kind in ['minor', 'maior']", `"maior" is not an option of kind`, `did you mean "major"?`, 24, expr.KBool},
		{"'rad' in this.tags", `"rad" is not an option of tags`, `did you mean "red"?`, 1, expr.KBool},
		{"cases.exists(c, c.kind == 'x')", `"x" is not an option of kind`, "", 27, expr.KBool},
		{"quallity.has(me)", `"quallity" is not known here`, `did you mean "quality"?`, 1, expr.KBool},
		{"cass.count() > 1", `"cass" is not known here`, `did you mean "cases"?`, 1, expr.KBool},
		{"floot(this.ratio) > 1", "there is no function floot() that takes this", `did you mean "floor"?`, 0, expr.KBool},
		{"waiting('setlement').has(me)", `there is no approval "setlement"`, `did you mean "settlement"?`, 9, expr.KBool},
		{"rank('x', this) == 1", `there is no ranking "x"`, "", 6, expr.KBool},
		{"dec('abc') > 1", `dec("abc"): "abc" is not a number`, "", 0, expr.KBool},
		{"money('1.234') > this.amount", `money("1.234"): "1.234" has more than two digits after the point`, "", 0, expr.KBool},
		{"this.ratio > dec(0.5)", "dec() cannot be applied to double", "", 0, expr.KBool},
		{"this.customer == null", "null is not used", "write !has(…)", 0, expr.KBool},
		{"this.note.matches('(')", "the pattern \"(\" cannot be read: error parsing regexp: missing closing ): `(`", "", 0, expr.KBool},
		{"start_of('mounth', now) < now", `there is no period "mounth"`, `did you mean "month"?`, 0, expr.KBool},
		{"this.history('knd').size() > 1", `field "knd" does not exist on form case`, `did you mean "kind"?`, 0, expr.KBool},
		{"this.qty", "value is an int, not money: \"this.qty\"", "write money('100')", 1, expr.KMoney},
		{"this.qty / 2", "value is a decimal, not an int: \"this.qty / 2\"", "write floor(…), ceil(…) or round(…)", 1, expr.KInt},
		{"this.lines[0].n > 1", "[n] is not used here", "write .at(n)", 0, expr.KBool},
		{strings.Repeat("!", 5000) + "true", "the condition is longer than 4000 characters", "split it into computed fields", 0, expr.KBool},
		{strings.Repeat("!(true && ", 80) + "true" + strings.Repeat(")", 80), "the condition is nested too deeply", "split it into computed fields", 0, expr.KBool},
	}
	for _, c := range cases {
		t.Run(c.text[:min(len(c.text), 60)], func(t *testing.T) {
			x, problems := e.Compile(c.text, vars, expr.Of(c.kind))
			if len(problems) == 0 {
				t.Fatal("no problem; type", x.Type())
			}
			p := problems[0]
			if p.Message != c.want || p.Hint != c.hint || c.col > 0 && (p.Col != c.col || p.Offset != c.col-1 || p.Line != 1) {
				t.Fatalf("got %+v", p)
			}
		})
	}
	_, problems := e.Compile("this.note == '封口' &&\n  this.amuont > money('1')", vars, expr.Of(expr.KBool))
	if len(problems) != 1 || problems[0].Line != 2 || problems[0].Col != 8 || problems[0].Offset != 28 {
		t.Fatalf("got %+v", problems)
	}
}

// Ensure that an expression is asked which values it forbids a field, and only where it says no more.
func TestNever(t *testing.T) {
	e, _, vars := testEnv(t)
	for text, want := range map[string]string{
		"this.note != 'a'":                                                 "note a",
		"!has(this.note) || this.note != 'a'":                              "note a",
		"(!has(this.note) || this.note != 'a') && this.note != 'b'":        "note a b",
		"this.note != 'a' || this.note != 'b'":                             "",
		"!has(this.qty) || this.note != 'a'":                               "",
		"has(this.note) || this.note != 'a'":                               "",
		"this.note == 'a'":                                                 "",
		"this.note != 'a' && this.amount > param.limit":                    "",
		"!has(this.note) || this.note != 'a' || this.amount > param.limit": "",
	} {
		x, problems := e.Compile(text, vars, expr.Of(expr.KBool))
		if len(problems) > 0 {
			t.Errorf("%s: %v", text, problems)
			continue
		}
		field, values := x.Never()
		if got := strings.TrimSpace(field + " " + strings.Join(values, " ")); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// Ensure that an expression is asked which fields it says are empty, and only where it says no more.
func TestBlank(t *testing.T) {
	e, _, vars := testEnv(t)
	says(t, e, vars, map[string]string{
		"!has(this.qty)":                              "qty",
		"!has(this.qty) && !has(this.amount)":         "qty amount",
		"!has(this.qty) || !has(this.amount)":         "",
		"!has(this.qty) && this.amount > param.limit": "",
		"has(this.qty)":                               "",
		"!has(done.close.at)":                         "",
	}, func(x *expr.Expr) any {
		if x.Calls("head") {
			t.Errorf("%s is no call of head", x.Text())
		}
		return strings.Join(x.Blank(), " ")
	})
}

// Ensure that an expression is asked which fields of two variables it holds against each other, in either order, and of nothing deeper.
func TestPairs(t *testing.T) {
	e, _, vars := testEnv(t)
	both := map[string]expr.Type{"it": vars["this"]}
	for name, typ := range vars {
		both[name] = typ
	}
	says(t, e, both, map[string]string{
		"it.customer == this.customer":                                                 "[[customer customer]]",
		"this.qty == it.qty && this.customer == it.customer":                           "[[qty qty] [customer customer]]",
		"it.customer == this.customer || !has(it.qty) && it.customer == this.customer": "[[customer customer]]",
		"it.customer != this.customer && it.qty > this.qty":                            "[]",
		"it.customer.name == this.customer.name && it == this":                         "[]",
	}, func(x *expr.Expr) any { return x.Pairs("it", "this") })
}

// says compiles conditions and holds what is asked of each to what it should be.
func says(t *testing.T, e *expr.Env, vars expr.Vars, cases map[string]string, asked func(*expr.Expr) any) {
	t.Helper()
	for text, want := range cases {
		x, problems := e.Compile(text, vars, expr.Of(expr.KBool))
		if len(problems) > 0 {
			t.Errorf("%s: %v", text, problems)
		} else if got := fmt.Sprint(asked(x)); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
