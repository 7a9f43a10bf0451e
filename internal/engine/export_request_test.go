package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/testkit"
)

const exportForm = "base.export_request"

var exportBook = map[string]string{"x/rulebook.yaml": `
rulebook: {id: x, short: x, title: 例 | Example, source: test, version: "1.0", language: 1, needs: [base]}
role: {chief: {label: 主管 | Chief}, boss: {label: 经理 | Boss}}
class:
  signed: {label: 机密 | Confidential, see: "unit.members.has(me)", export: {by: approval(leaves), alone_up_to: 1}}
  headed: {label: 内部 | Inner, see: "unit.members.has(me)", export: {by: [boss, superior(me)], alone_up_to: 1}}
approval:
  leaves: {label: 导出核准 | Export, amount: this.rows, rows: [{upto: 12, sign: chief}, {sign: {order: [chief, boss]}}]}
form:
  paper: {label: 档案 | Paper, class: signed, field: {what: {label: 内容 | Content, type: text}, kind: {label: 类别 | Kind, type: choice, options: [{id: big, label: 大 | Big}, {id: small, label: 小 | Small}]}, owner: {label: 归谁 | Owner, type: person}}}
  note: {label: 便条 | Note, class: headed, field: {what: {label: 内容 | Content, type: text}}}
`}

// exporting is a shop whose people want to take lists out.
type exporting struct {
	*testkit.Shop
	t *testing.T
}

func exportShop(t *testing.T, dsn string, lib *rulebook.Library) *exporting {
	s := &exporting{testkit.Open(t, lib, dsn, "2026-03-02 09:00"), t}
	s.Company("works", "x")
	for _, who := range []string{"wang", "li"} {
		s.Person(who)
	}
	s.Person("ma", "chief")
	s.Person("he", "boss")
	return s
}

func (s *exporting) actor(who string) engine.Actor {
	return engine.Actor{Person: s.ID(who), Origin: "api"}
}

func (s *exporting) papers(n int) {
	for i := range n {
		s.Do("wang", "x.paper", "", "create", map[string]any{"what": fmt.Sprint("纸", i), "kind": "big", "owner": s.ID("li")})
	}
}

// out exports at once and answers how many rows left.
func (s *exporting) out(who string, q engine.ListQuery) (n int, err error) {
	err = s.E.Export(s.t.Context(), s.Now, s.actor(who), q, 1000, func(*engine.Leaving) error { return nil }, func(engine.Row) error { n++; return nil })
	return n, err
}

func (s *exporting) stays(what, who string, q engine.ListQuery, say string) *engine.Refusal {
	s.t.Helper()
	n, err := s.out(who, q)
	ref, refused := engine.AsRefusal(err)
	if !refused || n > 0 || !strings.Contains(err.Error(), say) {
		s.t.Fatalf("%s: %d rows left: %v", what, n, err)
	}
	return ref
}

func (s *exporting) leaves(what, who string, q engine.ListQuery, rows int) {
	s.t.Helper()
	if n, err := s.out(who, q); err != nil || n != rows {
		s.t.Fatalf("%s: %d rows of %d: %v", what, n, rows, err)
	}
}

func (s *exporting) asks(who string, q engine.ListQuery, until string) string {
	s.t.Helper()
	out, err := s.E.AskExport(s.t.Context(), s.Now, s.actor(who), q, "年报", until, "")
	if err != nil {
		s.t.Fatal(err)
	}
	return out.Record
}

func (s *exporting) state(id string) string { return s.Column("base_export_request", id, "state") }

// Ensure that a class whose export needs an approval lets a list leave by a request alone that its signers granted: that list, to its
// asker, once, to its last day, and no more rows than a tenth above; whatever else is tried stays.
func TestExportRequest_Approval(t *testing.T) {
	lib := testkit.Load(t, exportBook)
	testkit.Databases(t, func(t *testing.T, dsn string) { exportApprovalOn(t, dsn, lib) })
}

func exportApprovalOn(t *testing.T, dsn string, lib *rulebook.Library) {
	s := exportShop(t, dsn, lib)
	s.papers(1)
	q := engine.ListQuery{Form: "x.paper", Filter: "this.kind == 'big' && this.owner.id == '" + s.ID("li") + "'"}
	s.leaves("one row alone", "wang", q, 1)
	if _, err := s.E.AskExport(t.Context(), s.Now, s.actor("wang"), q, "年报", "2026-03-04", ""); err == nil || !strings.Contains(err.Error(), "不用核准") {
		t.Fatalf("what may leave is asked for: %v", err)
	}
	s.papers(9)
	if ref := s.stays("ten rows", "wang", q, "要批准"); !ref.Ask {
		t.Fatal("it is not said that it can be asked for")
	}
	for _, until := range []string{"2026-03-01", "2026-04-02", ""} {
		if _, err := s.E.AskExport(t.Context(), s.Now, s.actor("wang"), q, "年报", until, ""); err == nil {
			t.Errorf("asked for until %q", until)
		}
	}
	if _, err := s.E.AskExport(t.Context(), s.Now, s.actor("wang"), q, "", "2026-03-04", ""); err == nil {
		t.Error("asked for without a purpose")
	}
	if _, err := s.E.AskExport(t.Context(), s.Now, s.actor("wang"), engine.ListQuery{Form: "x.paper", Fields: []string{"nothing"}}, "年报", "2026-03-04", ""); err == nil {
		t.Error("asked for with a column that is not there")
	}

	// What an asker says of rows, words and signers is not taken from him.
	id := s.Do("wang", exportForm, "", "create", map[string]any{"of_form": "x.paper", "query": `{"filter":"this.kind == 'big' && this.owner.id == '` + s.ID("li") + `'"}`, "purpose": "年报", "until": "2026-03-04"}).Record
	for _, lie := range []map[string]any{{"rows": 1}, {"signers": []any{s.ID("li")}}, {"told": "无关紧要"}, {"of_class": "x.class.headed"}} {
		values := map[string]any{"of_form": "x.paper", "query": `{}`, "purpose": "年报", "until": "2026-03-04"}
		for k, v := range lie {
			values[k] = v
		}
		if out, err := s.Try("wang", exportForm, "", "create", values); err == nil {
			if got := s.Column("base_export_request", out.Record, "rows") + s.Column("base_export_request", out.Record, "signers") + s.Column("base_export_request", out.Record, "of_class"); !strings.Contains(got, "10") || !strings.Contains(got, s.ID("ma")) || strings.Contains(got, s.ID("li")) || !strings.Contains(got, "signed") {
				t.Errorf("%v was believed: %s", lie, got)
			}
		}
	}
	if got := s.Column("base_export_request", id, "rows"); got != "10" {
		t.Fatalf("%s rows asked for", got)
	}
	if raw := s.Column("base_export_request", id, "query") + s.Column("base_export_request", id, "told"); strings.Contains(raw, "this.kind") || strings.Contains(raw, "大") {
		t.Errorf("what somebody looks for lies readable: %s", raw)
	}
	list, err := s.E.ExportRequests(t.Context(), s.Now, s.actor("wang"))
	if err != nil || len(list) == 0 {
		t.Fatal(list, err)
	}
	mine := slices.IndexFunc(list, func(x engine.ExportRequest) bool { return x.ID == id })
	if told := list[mine].Told; !strings.Contains(told.ZH, "类别 是 “大” 且 归谁 是 “li”") || !strings.Contains(told.EN, "Kind is “Big” and Owner is “li”") || !strings.Contains(told.ZH, "共 10 行") || !strings.Contains(told.ZH, "各栏：") {
		t.Errorf("told: %+v", told)
	}
	if toldOf(t, s.Shop, "ma", id) != 1 {
		t.Error("who signs was not told")
	}

	// What the engine keeps of it is nowhere read, not by a filter either.
	if page, err := s.E.List(t.Context(), s.Now, s.actor("wang"), engine.ListQuery{Form: exportForm, Fields: []string{"query", "of_class"}}); err != nil || len(page.Rows) == 0 || page.Rows[0].Values["query"] != nil || page.Rows[0].Values["of_class"] != nil {
		t.Errorf("%+v, %v", page, err)
	}

	paper, err := s.E.Print(t.Context(), s.Now, s.actor("wang"), exportForm, id, "")
	if said := fmt.Sprintf("%+v", paper); err != nil || !strings.Contains(said, "共 10 行") || strings.Contains(said, "x.paper") || strings.Contains(said, `{"`) {
		t.Errorf("on paper: %s, %v", said, err)
	}

	// Others neither see nor decide it; its asker decides nothing, not as a chief either.
	if _, err := s.E.Record(t.Context(), s.Now, s.actor("li"), exportForm, id); fault.KindOf(err) != fault.NotFound {
		t.Errorf("another reads it: %v", err)
	}
	s.stays("before it is granted", "wang", q, "要批准")
	s.System("base.role_grant", map[string]any{"person": s.ID("wang"), "role": "chief", "unit": s.Unit, "from": "2000-01-01"})
	for _, who := range []string{"wang", "li", "he"} {
		if _, err := s.Try(who, exportForm, id, "grant", nil); err == nil {
			t.Fatalf("%s granted it", who)
		}
	}
	for _, act := range []string{"start", "edit", "void"} {
		if _, err := s.Try("wang", exportForm, id, act, map[string]any{"until": "2026-03-30"}); err == nil {
			t.Errorf("%s of one's own request", act)
		}
	}
	s.Do("ma", exportForm, id, "grant", nil)
	if s.state(id) != "granted" {
		t.Fatal(s.state(id))
	}

	// Something else than was granted.
	other := q
	other.Filter = "this.kind == 'big'"
	s.stays("another filter", "wang", other, "要批准")
	s.stays("no filter", "wang", engine.ListQuery{Form: "x.paper"}, "要批准")
	other = q
	other.Fields = []string{"what", "kind", "owner", "number"}
	s.stays("other columns", "wang", other, "要批准")
	other = q
	other.Q = "纸"
	s.stays("another search", "wang", other, "要批准")
	s.stays("another person", "li", q, "要批准")
	s.stays("another who signs", "ma", q, "要批准")
	if _, err := s.E.RequestedExport(t.Context(), s.Now, s.actor("li"), id); fault.KindOf(err) != fault.NotFound {
		t.Errorf("another begins it: %v", err)
	}

	// Rows: a tenth more, no more than that; judged by what there is when it begins.
	s.papers(1)
	s.papers(1)
	s.stays("two more rows than ten", "wang", q, "多了一成以上")
	if s.state(id) != "granted" {
		t.Fatal("a refusal spent it")
	}
	again := s.asks("wang", q, "2026-03-04")
	s.Do("ma", exportForm, again, "grant", nil)
	q2, err := s.E.RequestedExport(t.Context(), s.Now, s.actor("wang"), again)
	if err != nil {
		t.Fatal(err)
	}
	q2.Sort = "-what"
	s.leaves("twelve granted, in another order", "wang", q2, 12)
	if s.state(again) != "used" || s.state(id) != "granted" {
		t.Fatalf("%s, %s", s.state(again), s.state(id))
	}
	s.stays("a second time", "wang", q, "多了一成以上")

	s.Do("wang", exportForm, id, "withdraw", nil)

	// To its last day.
	last := s.asks("wang", q, "2026-03-03")
	s.Do("ma", exportForm, last, "grant", nil)
	s.Turn("2026-03-04 00:00")
	s.stays("after its day", "wang", q, "有效期已过")
	over := s.asks("wang", q, "2026-03-04")
	s.Turn("2026-03-05 08:00")
	if _, err := s.Try("ma", exportForm, over, "grant", nil); err == nil || !strings.Contains(err.Error(), "有效期已过") {
		t.Errorf("granted after its end: %v", err)
	}
	end := s.asks("wang", q, "2026-03-05")
	s.Do("ma", exportForm, end, "grant", nil)
	s.Now = testkit.At(t, "2026-03-05 23:59:59")
	var rows int
	if err := s.E.BeginExport(t.Context(), s.Now, s.actor("wang"), q, &rows, nil); err != nil {
		t.Fatalf("on its last day: %v", err)
	}
	// A job that goes on is judged page by page and when it is fetched.
	judge := func(at time.Time, n int) error {
		_, err := s.E.JudgeExport(context.Background(), at, s.actor("wang"), q, n)
		return err
	}
	if err := judge(s.Now, 13); err != nil {
		t.Errorf("a tenth more than twelve: %v", err)
	}
	if _, refused := engine.AsRefusal(judge(s.Now, 14)); !refused {
		t.Error("rows that came while it went on leave")
	}
	if _, refused := engine.AsRefusal(judge(s.Now.Add(time.Second), 12)); !refused {
		t.Error("it goes on after its end")
	}
	if err := s.E.BeginExport(t.Context(), s.Now, s.actor("wang"), q, &rows, nil); err == nil {
		t.Error("ordered a second time")
	}

	// Declined, withdrawn.
	no := s.asks("wang", q, "2026-03-20")
	if _, err := s.Try("ma", exportForm, no, "decline", nil); err == nil {
		t.Error("declined without a reason")
	}
	if _, err := s.E.Do(t.Context(), s.Now, engine.Act{Form: exportForm, Record: no, Action: "decline", Reason: "不必导出", Actor: s.actor("ma")}); err != nil {
		t.Fatal(err)
	}
	back := s.asks("wang", q, "2026-03-20")
	s.Do("ma", exportForm, back, "grant", nil)
	if _, err := s.Try("ma", exportForm, back, "withdraw", nil); err == nil {
		t.Error("withdrawn by another")
	}
	s.Do("wang", exportForm, back, "withdraw", nil)
	s.stays("declined and withdrawn", "wang", q, "")
	if s.state(no) != "declined" || s.state(back) != "withdrawn" {
		t.Error(s.state(no), s.state(back))
	}
}

// Ensure that the rows of an approval choose who signs an export by how many rows it has, in their order; that who lost his role signs
// nothing; that a class which names persons has them decide, with the asker's superior meant by superior(me); and that whom it names
// exports by himself, as ever.
func TestExportRequest_Signers(t *testing.T) {
	lib := testkit.Load(t, exportBook)
	testkit.Databases(t, func(t *testing.T, dsn string) { exportSignersOn(t, dsn, lib) })
}

func exportSignersOn(t *testing.T, dsn string, lib *rulebook.Library) {
	s := exportShop(t, dsn, lib)
	s.papers(13)
	q := engine.ListQuery{Form: "x.paper"}
	id := s.asks("wang", q, "2026-03-20")
	if _, err := s.Try("he", exportForm, id, "grant", nil); err == nil {
		t.Fatal("the second signs first")
	}
	if out := s.Do("ma", exportForm, id, "grant", nil); !out.Signed || s.state(id) != "asked" {
		t.Fatalf("thirteen rows want two: %v, %s", out.Signed, s.state(id))
	}
	s.stays("half signed", "wang", q, "要批准")
	if _, err := s.Try("ma", exportForm, id, "grant", nil); err == nil {
		t.Fatal("one person signs twice")
	}
	s.Do("he", exportForm, id, "grant", nil)
	s.leaves("signed by both", "wang", q, 13)
	refused := s.asks("wang", q, "2026-03-20")
	if _, err := s.E.Do(t.Context(), s.Now, engine.Act{Form: exportForm, Record: refused, Action: "grant", Refuse: true, Comment: "不必", Actor: s.actor("ma")}); err != nil || s.state(refused) != "declined" {
		t.Fatalf("a signer's no: %v, %s", err, s.state(refused))
	}

	for range 2 {
		s.Do("li", "x.note", "", "create", map[string]any{"what": "条"})
	}
	note := engine.ListQuery{Form: "x.note"}
	s.leaves("whom the class names", "he", note, 2)
	s.stays("others", "wang", note, "要批准")
	id = s.asks("wang", note, "2026-03-20")
	if _, err := s.Try("ma", exportForm, id, "grant", nil); err == nil {
		t.Fatal("granted by whom the class does not name")
	}
	seat := s.System("base.role_grant", map[string]any{"person": s.ID("li"), "role": "boss", "unit": s.Unit, "from": "2000-01-01"})
	late := s.asks("wang", note, "2026-03-20")
	if _, err := s.E.Do(t.Context(), s.Now, engine.Act{Form: "base.role_grant", Record: seat, Action: "void", Reason: "不再担任", Actor: engine.Actor{System: true}}); err != nil {
		t.Fatal(err)
	}
	for _, act := range []string{"grant", "decline"} {
		if _, err := s.E.Do(t.Context(), s.Now, engine.Act{Form: exportForm, Record: late, Action: act, Reason: "无权的人", Actor: s.actor("li")}); err == nil {
			t.Fatalf("%s by who was boss when it was asked for", act)
		}
	}
	s.Do("he", exportForm, id, "grant", nil)
	s.leaves("granted", "wang", note, 2)
	if s.state(late) != "asked" || s.state(id) != "used" {
		t.Error(s.state(late), s.state(id))
	}

	// Two at once: one of them.
	s.Do("he", exportForm, late, "grant", nil)
	if n := s.AtOnce([]string{"1", "2", "3", "4"}, func(string) error {
		var rows int
		return s.E.BeginExport(context.Background(), s.Now, s.actor("wang"), note, &rows, nil)
	}); n != 1 {
		t.Errorf("%d exports on one request", n)
	}
}
