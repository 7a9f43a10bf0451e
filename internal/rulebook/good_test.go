package rulebook_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
)

// good compiles testdata/good, which uses most of the language in small.
func good(t *testing.T) (*rulebook.Library, *rulebook.Book) {
	t.Helper()
	m := fstest.MapFS{}
	folder(t, m, "testdata/base", "base")
	folder(t, m, "testdata/good", "x")
	lib, issues := rulebook.Load(m)
	if len(issues) > 0 {
		t.Fatalf("issues:\n%s", issues)
	}
	return lib, lib.Book("x")
}

func view(b *rulebook.Book) *rulebook.View {
	v := &rulebook.View{Book: b, Values: map[string]expr.Value{}, Rows: map[string][]map[string]expr.Value{}, Asleep: map[string]bool{}}
	for _, p := range b.Parameters {
		v.Values[p.ID], v.Rows[p.ID] = p.Default, p.Rows
	}
	return v
}

// record is a record for tests: what it has, and unset for the rest.
type record map[string]expr.Value

func (r record) Object() string                      { return "x.slip" }
func (r record) ID() string                          { return "1" }
func (r record) Get(name string) (expr.Value, error) { return r[name], nil }

type params struct {
	expr.Facts
	v *rulebook.View
}

func (p params) Param(id string) (expr.Value, bool) { x := p.v.Values[id]; return x, x != nil }

func TestDefaults(t *testing.T) {
	lib, b := good(t)
	f := lib.Form("x.slip")
	if f == nil || f.Table != "fx_slip" || f.Book != b {
		t.Fatalf("form %+v", f)
	}
	for _, id := range []string{"create", "edit", "view", "reveal", "print", "export", "import", "void"} {
		if a := f.Action(id); a == nil || !a.Implicit || a.Label.ZH == "" {
			t.Errorf("action %s is not there as the language gives it", id)
		}
	}
	if a := f.Action("finish"); a.Implicit || !a.Lock.All || a.By.Items[0].Clause != "x-3" || a.To.States[0] != "closed" {
		t.Errorf("finish %+v", a)
	}
	if d := f.Deadline("close"); d.From.Action != "create" || d.To.Action != "finish" || len(d.Within.Cases) != 2 || d.Warn[0].Pct != 80 || d.Label.ZH != "办结" {
		t.Errorf("deadline %+v", d)
	}
	if f.Field("kind").Default.Cases[0].Is.Text() != "hq" {
		t.Errorf("a bare option id stands for the option")
	}
	if !f.Field("total").Stored || f.Field("name").Stored {
		t.Errorf("what reads only its own lines is stored, what reads another record is live")
	}
	over := b.Parameter("over").Default
	if got := expr.Format(over, expr.DecimalOf(6)); got != "0.05" && got != "0.050000" {
		t.Errorf("five per cent is %s", got)
	}
	if p := b.Parameter("far_days"); p.Default != nil {
		t.Errorf("absent value = blank, not %v", p.Default)
	}
}

func TestCases(t *testing.T) {
	lib, b := good(t)
	within := lib.Form("x.slip").Deadline("close").Within
	v := view(b)
	pick := func(far expr.Value) (string, string) {
		t.Helper()
		x, c, err := within.Pick(v, &expr.Scope{Now: time.Unix(0, 0), Vars: map[string]expr.Value{"this": record{"far": far}}, Facts: params{v: v}})
		if err != nil {
			t.Fatal(err)
		}
		if c == nil {
			return "", ""
		}
		return x.(calendar.Span).String(), c.Clause
	}
	check := func(name string, far expr.Value, span, clause string) {
		t.Helper()
		if s, c := pick(far); s != span || c != clause {
			t.Errorf("%s: %s by %s, wanted %s by %s", name, s, c, span, clause)
		}
	}
	check("near", false, "15d", "x-1")
	check("a blank parameter puts its case to sleep", true, "15d", "x-1")
	v.Values["far_days"] = calendar.Span{N: 20, Unit: calendar.UnitDay}
	check("far", true, "20d", "x-2")
	check("unset counts as not satisfied", nil, "15d", "x-1")
	v.Asleep["x-2"] = true
	check("its clause asleep, the next case", true, "15d", "x-1")
	v.Asleep["x-1"] = true
	check("no case left, the key is as if absent", true, "", "")
}

func TestAwake(t *testing.T) {
	lib, b := good(t)
	v := view(b)
	var told []string
	v.Trace = func(c string) { told = append(told, c) }
	o := b.Offence("slow")
	if v.Awake(&o.Node) {
		t.Error("a doubtful clause ships asleep")
	}
	v.Legal = map[string]bool{"x-4": true}
	if !v.Awake(&o.Node) {
		t.Error("woken by the adopter")
	}
	v.Off = map[string]bool{"offence": true}
	if v.Awake(&o.Node) {
		t.Error("its element kind is not yet in force")
	}
	if len(told) != 3 || told[0] != "x-4" {
		t.Errorf("the trace was told %v", told)
	}
	by := lib.Form("x.slip").Action("finish").By.Items[0]
	v.Asleep["x-3"] = true
	if v.Awake(&by.Node) || !v.Awake(&lib.Form("x.slip").Action("finish").Node) {
		t.Error("the demand sleeps, the action does not")
	}
}

func TestDelayed(t *testing.T) {
	_, b := good(t)
	v := view(b)
	s := &expr.Scope{Facts: params{v: v}}
	day := calendar.Date{Year: 2026, Month: 3, Day: 2}
	off := func() bool {
		t.Helper()
		m, err := b.Delayed(v, s, day)
		if err != nil {
			t.Fatal(err)
		}
		return m["offence"]
	}
	if !off() {
		t.Error("not in force until the date is entered")
	}
	v.Values["from_day"] = calendar.Date{Year: 2026, Month: 3, Day: 3}
	if !off() {
		t.Error("not in force before the date")
	}
	v.Values["from_day"] = day
	if off() {
		t.Error("in force from the date on")
	}
	v.Values["from_day"] = nil
	v.Asleep["x-9"] = true
	if off() {
		t.Error("without its clause, from adoption on")
	}
}

func TestReport(t *testing.T) {
	lib, b := good(t)
	f := lib.Form("x.monthly")
	if f == nil || f.Report == nil || f.Line("rows") == nil {
		t.Fatal("a report is a form with rows")
	}
	for id, kind := range map[string]expr.Kind{"of": expr.KObject, "customer": expr.KObject, "amount": expr.KMoney, "twice": expr.KMoney, "checked": expr.KBool} {
		if fd := f.Line("rows").Field(id); fd == nil || fd.Type.Expr.Kind != kind {
			t.Errorf("column %s is %+v", id, fd)
		}
	}
	d := b.Duty("monthly")
	if d == nil || d.Met.Create != "x.monthly" || d.Met.To != "submit" || d.DueAt[0].Offset.Day != 10 || d.Clause != "x-5" {
		t.Fatalf("duty %+v", d)
	}
	a := b.Approval("monthly_sign")
	if a == nil || a.Rows[0].Sign.Mode != "all" || f.Action("sign").By.Items[0].Approval != "monthly_sign" {
		t.Errorf("signing a report is signing anything: %+v", a)
	}
	if f.State("submitted").Final || !f.State("final").Final {
		t.Error("a report that is signed is final only then")
	}
	k := lib.Form("x.manners")
	if k == nil || k.Field("greeting").Clause != "x-6" || k.Field("greeting").Type.Expr.Kind != expr.KChoice || b.Duty("manners") == nil {
		t.Errorf("checklist %+v", k)
	}
}

func TestGate(t *testing.T) {
	_, b := good(t)
	g := b.Gate("listed")
	has := map[string]bool{}
	for _, a := range g.Acts {
		has[a] = true
	}
	if !has["x.slip.create"] || has["x.slip.view"] || !has["x.manners.inspect"] || has["base.customer.edit"] {
		t.Errorf("acts %v", g.Acts)
	}
	if g.PerForm["x.slip"].Bind.Text() != "this.customer" || g.PerForm["x.manners"].Bind.Text() != "this.of.customer" {
		t.Errorf("each form binds by its own way to what is touched")
	}
	if n := len(b.Clause("x-10").Nodes); n != 1 {
		t.Errorf("compiled for many forms, it is one node still: %d", n)
	}
}

func TestScenario(t *testing.T) {
	_, b := good(t)
	if len(b.Scenarios) != 1 {
		t.Fatalf("%d scenarios", len(b.Scenarios))
	}
	s := b.Scenarios[0]
	is := s.Then["is"].(map[string]any)
	if s.Clauses[0] != "x-3" || is["s.n"] != int64(3) || s.Rows[0][1] != "2" || s.Rows[1][1] != true || s.Given["now"] != "2026-03-02 09:00" {
		t.Errorf("scenario %+v", s)
	}
}

// TestPaths: every node has a path of its own, by which screens and coverage name it.
func TestPaths(t *testing.T) {
	_, b := good(t)
	form := regexp.MustCompile(`^x\.[a-z_]+\.`)
	for _, c := range b.Clauses {
		for _, n := range c.Nodes {
			if !form.MatchString(n.Path) || n.Pos.Line == 0 || n.Book != b {
				t.Errorf("clause %s: node %q at %+v", c.ID, n.Path, n.Pos)
			}
		}
	}
}

func TestParseRows(t *testing.T) {
	_, b := good(t)
	p := b.Parameter("band")
	rows, err := rulebook.ParseRows(p, `[{"loss": "10", "far": false, "measure": "警告"}, {"far": false, "measure": "记过"}]`, nil)
	if err != nil || len(rows) != 2 || rows[0]["measure"] != "警告" {
		t.Errorf("%v %v", rows, err)
	}
	if _, err := rulebook.ParseRows(p, `[{loss: "10", far: false, measure: 警告}]`, nil); err == nil {
		t.Error("a table whose last row is closed has a hole")
	}
}

func TestJSONSchema(t *testing.T) {
	var s map[string]any
	if err := json.Unmarshal(rulebook.JSONSchema(), &s); err != nil {
		t.Fatal(err)
	}
	refs := regexp.MustCompile(`"\$ref": "#/\$defs/([a-z_]+)"`).FindAllStringSubmatch(string(rulebook.JSONSchema()), -1)
	for _, r := range refs {
		if s["$defs"].(map[string]any)[r[1]] == nil {
			t.Errorf("the schema refers to %s, which it does not define", r[1])
		}
	}
}

// TestVariant: a variant is the base's text with its own clauses, some words changed, some left out.
func TestVariant(t *testing.T) {
	m := fstest.MapFS{}
	folder(t, m, "testdata/base", "base")
	folder(t, m, "testdata/good", "x")
	file := func(name, text string) { m["y/"+name] = &fstest.MapFile{Data: []byte(text)} }
	file("clauses.yaml", "y-1: {kind: clock, zh: 十天, en: Ten days}\ny-2: {kind: gate, zh: 主管, en: Boss}\n")
	file("rulebook.yaml", `rulebook: {id: y, title: 变体 | Variant, version: "1", extends: x, must: [from_day]}
clauses: {x-1: y-1, x-2: none, x-3: y-2, x-4: none, x-5: none, x-6: none, x-7: none, x-8: none, x-9: none, x-10: none, x-11: none}
parameter: {near_days: {value: 10d}}
form: {slip: {label: 条子 | Note, field: {kind: {options: [{id: hq, label: 本部 | Head office}]}}}}
rename: {办结 | Finish: 了结 | Settle, 办事员 | Clerk: 专员 | Officer}
remove: [report.monthly, slip.view]
`)
	lib, issues := rulebook.Load(m)
	if issues.Failed() {
		t.Fatalf("%s", issues)
	}
	b := lib.Book("y")
	f := lib.Form("y.slip")
	if a := f.Action("finish"); a.Label.ZH != "了结" || a.Label.EN != "Settle" || a.Do[1].Text.ZH != "{this.number} 已了结" || b.Role("clerk").Label.EN != "Officer" {
		t.Errorf("the variant's names: %+v", a.Do[1])
	}
	if len(b.Must) != 1 || b.Since["offence"] == nil {
		t.Errorf("the variant's header: %+v", b)
	}
	v := view(b)
	if f.Label.ZH != "条子" || f.Field("kind").Type.Options[0].Label.ZH != "本部" || f.Field("kind").Type.Options[1].ID != "branch" || len(f.View) != 0 {
		t.Errorf("form %+v", f)
	}
	if f.Action("finish").By.Items[0].Clause != "y-2" || b.Parameter("near_days").Default.(calendar.Span).N != 10 || b.Report("monthly") != nil {
		t.Errorf("the variant's own words do not win")
	}
	if v.Awake(&b.Offence("slow").Node) {
		t.Error("what is mapped to none sleeps for good")
	}
	if cases := f.Deadline("close").Within.Cases; len(cases) != 1 || cases[0].Clause != "y-1" {
		t.Errorf("a case that is mapped to none is gone, its neighbour stays: %+v", cases)
	}
	if x := lib.Form("x.slip"); x.Label.ZH != "联系单" || x.Action("finish").Label.ZH != "办结" {
		t.Error("the base is as it was")
	}
}

// TestVariant_Dangling: what a variant leaves out is missed where the base reads it, and the base itself is right; a name that
// nothing bears, or a removal of nothing, is no silent slip.
func TestVariant_Dangling(t *testing.T) {
	m := fstest.MapFS{}
	folder(t, m, "testdata/base", "base")
	folder(t, m, "testdata/good", "x")
	m["y/rulebook.yaml"] = &fstest.MapFile{Data: []byte(`rulebook: {id: y, title: 变体 | Variant, version: "1", extends: x}
clauses: {x-1: none, x-2: none, x-3: none, x-4: none, x-5: none, x-6: none, x-7: none, x-8: none, x-9: none, x-10: none, x-11: none}
rename: {品质部 | Quality: 品管部 | QC, 主管 | Boss: 科长}
remove: [parameter.far_days, slip.field.kind.options.gone]
`)}
	_, issues := rulebook.Load(m)
	var got []string
	for _, i := range issues.Errors() {
		got = append(got, i.Headline())
	}
	for _, want := range []string{
		`rulebooks/x/slip.yaml:24:45: there is no parameter "far_days" (as y varies it); did you mean "near_days"?`,
		`rulebooks/y/rulebook.yaml:3:10: rename: nothing in the extended rulebook says 品质部 | Quality`,
		`rulebooks/y/rulebook.yaml:3:35: rename: 主管 | Boss has an English half on one side only; write 中文 | English: 中文 | English`,
		`rulebooks/y/rulebook.yaml:4:30: remove: there is no slip.field.kind.options.gone`,
	} {
		if !slices.Contains(got, want) {
			t.Errorf("not said: %s", want)
		}
	}
	if len(got) != 4 || t.Failed() {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}

// TestExtend: a rulebook adds to a form of another, and its nodes stay its own.
func TestExtend(t *testing.T) {
	m := fstest.MapFS{}
	folder(t, m, "testdata/base", "base")
	file := func(name, text string) { m["z/"+name] = &fstest.MapFile{Data: []byte(text)} }
	file("rulebook.yaml", "rulebook: {id: z, title: 增补 | Additions, version: \"1\", needs: [base]}\nrole: {clerk: {label: 办事员 | Clerk}}\n")
	file("clauses.yaml", "z-1: {kind: gate, zh: 有代码才改, en: Code first}\n")
	file("extend.yaml", `extend:
  customer:
    field: {tier: {type: choice, label: 等级 | Tier, options: [{id: a, label: 甲 | A}]}}
    action:
      edit: {require: [{that: "has(this.code)", clause: z-1}]}
      visit: {label: 拜访 | Visit, by: clerk, fill: [tier], again: true}
    deadline: {first: {from: create, to: visit, within: 7d}}
`)
	lib, issues := rulebook.Load(m)
	if issues.Failed() {
		t.Fatalf("%s", issues)
	}
	f, z := lib.Form("base.customer"), lib.Book("z")
	if f.Field("tier") == nil || f.Deadline("first").Book != z || f.Action("edit").Require[0].Book != z || f.Book == z {
		t.Error("what is added belongs to the book that adds it")
	}
	view := &rulebook.View{Book: lib.Book("base"), Beside: map[*rulebook.Book]*rulebook.View{z: {Book: z}}}
	if n := &f.Field("tier").Node; view.Bears(n) || view.Awake(n) {
		t.Error("what is added is there where nobody adopted it")
	}
	view.Beside[z].Adoption = "a"
	if n := &f.Field("tier").Node; !view.Bears(n) || !view.Awake(n) {
		t.Error("what is added is not there where it was adopted")
	}
	file("extend.yaml", "class: {own: {see: clerk.has(me), mask: all}}\nextend: {customer: {class: {code: {is: own, clause: z-1}}}}\n")
	lib, issues = rulebook.Load(m)
	if c := lib.Form("base.customer").Field("code").Class; issues.Failed() || c == nil || c.Class.PerForm["base.customer"] == nil || c.Book != lib.Book("z") || !c.Added || c.Clause != "z-1" {
		t.Errorf("a class on a field that the form has: %v %s", c, issues)
	}
	m["w/rulebook.yaml"] = &fstest.MapFile{Data: []byte("rulebook: {id: w, title: 另一部 | Another, version: \"1\", needs: [base]}\nclass: {theirs: {mask: all}}\nextend: {customer: {class: {code: theirs}}}\n")}
	if _, issues := rulebook.Load(m); !strings.Contains(fmt.Sprint(issues), "field code of customer has a class already") {
		t.Errorf("two rulebooks close one field: %s", issues)
	}
	delete(m, "w/rulebook.yaml")
	file("extend.yaml", "extend: {customer: {action: {edit: {by: clerk}}}}\n")
	if _, issues := rulebook.Load(m); !issues.Failed() {
		t.Error("an extension only adds; it cannot loosen")
	}
	// Two rulebooks that add to one form may not both call a value `pace` that what they add reads.
	file("extend.yaml", "parameter: {pace: {label: 步调 | Pace, type: duration, value: 3d}}\nextend: {customer: {action: {visit: {label: 拜访 | Visit, again: true}}, deadline: {first: {from: create, to: visit, within: param.pace}}}}\n")
	m["w/rulebook.yaml"] = &fstest.MapFile{Data: []byte("rulebook: {id: w, title: 另一部 | Another, version: \"1\", needs: [base]}\nparameter: {pace: {label: 步调 | Pace, type: duration, value: 3d}}\nextend: {customer: {field: {colour: {type: text, label: 颜色 | Colour}}}}\n")}
	if _, issues := rulebook.Load(m); !strings.Contains(fmt.Sprint(issues), "parameter pace: w, which this adds to the same forms as, has one of that name") {
		t.Errorf("%s", issues)
	}
}

func TestPercent(t *testing.T) {
	_, b := good(t)
	p := b.Parameter("over")
	v, err := rulebook.ParseLiteral("5", p.Type)
	if err != nil || expr.Compare(v, p.Default) != 0 {
		t.Errorf("five per cent is %v, %v", v, err)
	}
	if w, _ := rulebook.ParseLiteral("5%", p.Type); expr.Compare(w, v) != 0 {
		t.Errorf("5%% is %v", w)
	}
	if s := rulebook.FormatLiteral(v, p.Type); s != "5" {
		t.Errorf("written as %s", s)
	}
}

// TestVariant_Scenarios: a variant plays its base's scenarios under its own clauses, but for those that one of its own stands in
// for; what is said of clauses that it lacks is left out, and to stand in for nothing is a mistake.
func TestVariant_Scenarios(t *testing.T) {
	m := fstest.MapFS{}
	folder(t, m, "testdata/base", "base")
	folder(t, m, "testdata/good", "x")
	file := func(name, text string) { m[name] = &fstest.MapFile{Data: []byte(text)} }
	delete(m, "x/scenarios/close.yaml")
	file("x/scenarios/a.yaml", `- scenario: the boss is told
  clauses: [x-1, x-3, x-4]
  when: [{wang: finish s, refused: x-3}]
  then: {that: ["notice.exists(n, n.clause == 'x-1')"], some: [{notify: boss, clause: x-1}]}
- {scenario: ten days are enough, clauses: [x-1], then: {is: {s.state: open}}}
- {scenario: only of what the variant lacks, clauses: [x-2], then: {is: {s.state: open}}}
`)
	file("y/clauses.yaml", "y-1: {kind: clock, zh: 十天, en: Ten days}\ny-2: {kind: gate, zh: 主管, en: Boss}\n")
	file("y/rulebook.yaml", `rulebook: {id: y, title: 变体 | Variant, version: "1", extends: x}
clauses: {x-1: y-1, x-2: none, x-3: y-2, x-4: none, x-5: none, x-6: none, x-7: none, x-8: none, x-9: none, x-10: none, x-11: none}
`)
	file("y/scenarios/b.yaml", "- {scenario: nine days, clauses: [y-1], instead: ten days are enough, then: {is: {s.state: open}}}\n")
	lib, issues := rulebook.Load(m)
	if issues.Failed() {
		t.Fatalf("%s", issues)
	}
	list := lib.Book("y").Scenarios
	if len(list) != 2 || list[0].Name != "nine days" || list[0].Inherited() || list[1].Name != "the boss is told" || !list[1].Inherited() {
		t.Fatalf("the variant plays %d: %+v", len(list), list)
	}
	s := list[1]
	if !slices.Equal(s.Clauses, []string{"y-1", "y-2"}) || !strings.HasSuffix(s.Key(), "a.yaml:1, as y") {
		t.Errorf("%s proves %v", s.Key(), s.Clauses)
	}
	if said := fmt.Sprint(s.When, s.Then); !strings.Contains(said, "refused:y-2") || !strings.Contains(said, "n.clause == 'y-1'") || strings.Contains(said, "x-") {
		t.Errorf("retold as %s", said)
	}
	if len(lib.Book("x").Scenarios) != 3 || lib.Book("x").Scenarios[0].Clauses[0] != "x-1" {
		t.Error("the base is as it was")
	}
	file("y/scenarios/b.yaml", "- {scenario: nine days, clauses: [y-1], instead: ten days are enogh, then: {is: {s.state: open}}}\n")
	_, issues = rulebook.Load(m)
	if got := issues.Error(); !strings.Contains(got, `rulebooks/y/scenarios/b.yaml:1:50: instead: the base has no scenario "ten days are enogh" about clauses of this book; did you mean "ten days are enough"?`) {
		t.Errorf("%s", got)
	}
}

// TestVariant_Lists: a variant adds to a list of the base and takes items out by their field or name.
func TestVariant_Lists(t *testing.T) {
	m := fstest.MapFS{}
	folder(t, m, "testdata/base", "base")
	file := func(name, text string) { m[name] = &fstest.MapFile{Data: []byte(text)} }
	file("x/rulebook.yaml", `rulebook: {id: x, title: 原文 | Text, version: "1"}
role: {clerk: {label: 办事员 | Clerk}, boss: {label: 主管 | Boss}}
form:
  slip:
    label: 联系单 | Slip
    field: {a: {label: 甲 | A, type: text}, b: {label: 乙 | B, type: text}}
    state: {open: 办理 | Open, done: {label: 办结 | Done, final: true}}
    action: {finish: {label: 办结 | Finish, from: open, to: done, by: [clerk, boss], fill: [a, {field: b, optional: true}], require: [{that: "this.a != this.b", say: 相同 | The same}]}}
`)
	file("y/rulebook.yaml", `rulebook: {id: y, title: 变体 | Variant, version: "1", extends: x}
form: {slip: {action: {finish: {require: {more: [{that: has(this.a), say: 缺甲 | No A}]}}}}}
remove: [slip.action.finish.by.clerk, slip.action.finish.fill.b, slip.field.b, slip.action.finish.fill.c]
`)
	_, issues := rulebook.Load(m)
	var got []string
	for _, i := range issues.Errors() {
		got = append(got, i.Headline())
	}
	if len(got) != 2 || !strings.Contains(got[0], `field "b" does not exist`) || got[1] != "rulebooks/y/rulebook.yaml:3:80: remove: there is no slip.action.finish.fill.c" {
		t.Fatalf("%s", strings.Join(got, "\n"))
	}
	file("y/rulebook.yaml", `rulebook: {id: y, title: 变体 | Variant, version: "1", extends: x}
form: {slip: {action: {finish: {require: {more: [{that: has(this.a), say: 缺甲 | No A}]}}}}}
remove: [slip.action.finish.by.clerk, slip.action.finish.fill.b]
`)
	lib, issues := rulebook.Load(m)
	if issues.Failed() {
		t.Fatalf("%s", issues)
	}
	if a := lib.Form("y.slip").Action("finish"); len(a.Require) != 2 || len(a.By.Items) != 1 || len(a.Fill) != 1 {
		t.Errorf("%+v", a)
	}
	if a := lib.Form("x.slip").Action("finish"); len(a.Require) != 1 || len(a.By.Items) != 2 || len(a.Fill) != 2 {
		t.Errorf("the base is as it was, but is %+v", a)
	}
}
