package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// amended are three texts of one regulation: the first; one with another limit, another stage, other guards, fields, prices and a class;
// and one that says that it holds for running records too.
func amended(text int) map[string]string {
	header, note, stages, finish, within, pieces, fine, of, slip, class, second := "", "note: {label: 附记 | Remark, type: text}", "", "from: open, to: done", "3d", "10", "50", "", "5", "", ""
	if text > 0 {
		note, finish, within, pieces, fine, slip, class = "seen: {label: 复核 | Check, type: text, required: 'true'}", "from: checked, to: done", "1d", "6", "80", "2", ", class: inner"
		stages, of, second = "checked: 已复核 | Checked, ", "seen, ", "check: {label: 复核 | Check, from: open, to: checked, by: chief}\n      "
	}
	if text > 1 {
		header, within = ", applies: current", "2d"
	}
	fields := "note, "
	if of != "" {
		fields = of
	}
	r := strings.NewReplacer("HEADER", header, "NOTE", note, "STAGES", stages, "FINISH", finish, "WITHIN", within, "PIECES", pieces, "FINE", fine, "FIELDS", fields, "SLIP", slip, "SECOND", second, "CLASS", class)
	return map[string]string{
		"x/clauses.yaml": "x-1: {kind: gate, zh: 有上限, en: A limit}\nx-2: {kind: record, zh: 修订须核准, en: Changes are approved}\nx-3: {kind: clock, zh: 有期限, en: A time limit}\n",
		"x/rulebook.yaml": r.Replace(`
rulebook: {id: x, short: x, title: 办事规定 | Rules, source: test, version: "1.0", admin: admin, changed_by: {is: chief, clause: x-2}HEADER}
role: {clerk: {label: 办事员 | Clerk}, chief: {label: 主管 | Chief}}
class: {inner: {label: 内部 | Inner, see: chief.has(me), mask: all}}
parameter: {size: {label: 用量 | Size, type: int, value: SLIP}}
`),
		"x/form.yaml": r.Replace(`
form:
  matter:
    label: 事项 | Matter
    title: this.subject
    field:
      subject: {label: 事由 | Subject, type: text}
      phone: {label: 电话 | Telephone, type: textCLASS}
      pieces: {label: 件数 | Pieces, type: int}
      NOTE
    state: {open: 在办 | Open, STAGESdone: {label: 已办 | Done, final: true}}
    action:
      create: {fill: [subject, phone, FIELDSpieces], require: [{that: "this.pieces <= PIECES", say: 太多 | Too many, clause: x-1}]}
      SECONDfinish: {label: 办完 | Finish, FINISH}
    deadline:
      whole: {label: 办理期限 | Limit, from: create, to: finish, within: WITHIN, holder: chief, clause: x-3}
  slip:
    label: 单子 | Slip
    field:
      of: {label: 事项 | Matter, type: matter, back: slips, required: "true"}
      count: {label: 数 | Number, type: int, default: param.size}
      most: {label: 上限 | Most, type: int, value: param.size}
    action: {create: {fill: [of, count], require: [{that: "this.count <= SLIP", say: 太多 | Too many, clause: x-1}]}}
offence:
  slow: {label: 迟缓 | Slow, upon: [matter.whole.late], who: this.by, fine: "money('FINE')", confirm: chief, clause: x-3}
`),
	}
}

// Ensure that a record keeps the text of its regulation under which it began, on every path and to its end, the papers filed to it too, while
// what begins later is under the new one; that who may see what is always said by the new one; and that a text which says so takes over
// what runs.
func TestOlder(t *testing.T) { testkit.Databases(t, olderOn) }

func olderOn(t *testing.T, dsn string) {
	ctx := context.Background()
	libs := []*rulebook.Library{testkit.Load(t, amended(0)), testkit.Load(t, amended(1)), testkit.Load(t, amended(2))}
	s := testkit.Open(t, libs[0], dsn, "2026-03-02 09:00")
	s.Company("厂", "x")
	s.Person("wang", "clerk")
	s.Person("ma", "chief")
	wang := engine.Actor{Person: s.ID("wang"), Origin: "api"}
	texts := map[string]int{}
	for i, lib := range libs {
		texts[lib.Text(lib.Book("x")).Digest] = i
	}
	if len(texts) != 3 {
		t.Fatal("the texts are the same")
	}
	approve := func(i int) { // what a server does with a new text
		t.Helper()
		r := engine.Revision{Book: "x", Version: "1", Text: libs[i].Text(libs[i].Book("x")), Running: libs[i].Book("x").Current, First: i == 0}
		if err := s.E.Revise(ctx, s.Now, r); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			page, err := s.E.List(ctx, s.Now, engine.Actor{Person: s.ID("ma"), Origin: "api"}, engine.ListQuery{Form: "base.rulebook_text", Filter: "this.state == 'proposed'"})
			if err != nil || len(page.Rows) != 1 {
				t.Fatalf("proposed: %v %v", page, err)
			}
			s.Do("ma", "base.rulebook_text", page.Rows[0].ID, "approve", nil)
		}
		e, err := engine.New(s.DB, libs[i], engine.Options{Keep: s.Keep})
		if err != nil {
			t.Fatal(err)
		}
		list, err := e.Earlier(ctx, s.Now)
		if err != nil {
			t.Fatal(err)
		}
		older := map[string]engine.Older{}
		var beneath []*rulebook.Library
		for _, x := range list {
			was := testkit.Load(t, amended(texts[x.Digest]))
			rulebook.Beneath(was, libs[i], "x")
			older[x.Digest] = engine.Older{Under: x.Under, Library: func() *rulebook.Library { return was }}
			if beneath = append(beneath, was); !x.Open {
				t.Errorf("nothing runs under %d", texts[x.Digest])
			}
		}
		plan, err := s.DB.Plan(ctx, append(store.SystemTables(), engine.Tables(libs[i], beneath...)...))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.DB.Apply(ctx, plan); err != nil {
			t.Fatal(err)
		}
		if s.E, err = engine.New(s.DB, libs[i], engine.Options{Keep: s.Keep, Older: older}); err != nil {
			t.Fatal(err)
		}
	}
	file := func(subject string, pieces int, more ...string) string {
		t.Helper()
		values := map[string]any{"subject": subject, "phone": "13900110022", "pieces": pieces}
		for i := 0; i+1 < len(more); i += 2 {
			values[more[i]] = more[i+1]
		}
		return s.Do("wang", "x.matter", "", "create", values).Record
	}
	record := func(id string) *engine.RecordView {
		t.Helper()
		v, err := s.E.Record(ctx, s.Now, wang, "x.matter", id)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	due := func(id string) string { return record(id).Clocks[0].Due }

	approve(0)
	old, late := file("旧", 10, "note", "有话"), file("迟", 1, "note", "无")
	limit := due(old)
	s.Turn("2026-03-03 09:00")
	approve(1)
	s.Turn("2026-03-03 10:00")

	t.Run("WhatBeginsLater", func(t *testing.T) {
		if r := s.Refused("wang", "x.matter", "", "create", map[string]any{"subject": "新", "phone": "1", "pieces": 7, "seen": "看过"}); len(r.Clauses()) == 0 || r.Clauses()[0] != "x-1" {
			t.Errorf("refused by %v", r)
		}
		id := file("新", 6, "seen", "看过")
		if _, err := s.Try("ma", "x.matter", id, "finish", nil); err == nil {
			t.Error("done without its new stage")
		}
		s.Do("ma", "x.matter", id, "check", nil)
		s.Do("ma", "x.matter", id, "finish", nil)
		if record(id).Older {
			t.Error("it began under the new text")
		}
		if _, err := s.Try("wang", "x.slip", "", "create", map[string]any{"of": id, "count": 3}); err == nil {
			t.Error("its paper is under the old text")
		}
	})
	t.Run("WhatRuns", func(t *testing.T) {
		v := record(old)
		if !v.Older || v.Values["note"] != "有话" || len(v.Path) != 2 || due(old) != limit {
			t.Errorf("read as %+v", v)
		}
		if s, _ := v.Values["phone"].(string); s != "" {
			t.Errorf("the new text keeps the telephone from the clerk: %v", v.Values["phone"])
		}
		f, err := s.E.Form(ctx, s.Now, wang, "x.matter", old)
		if err != nil || len(f.States) != 2 {
			t.Errorf("form %+v, %v", f, err)
		}
		if now, err := s.E.Form(ctx, s.Now, wang, "x.matter", ""); err != nil || len(now.States) != 3 {
			t.Errorf("form %+v, %v", now, err)
		}
		for of, want := range map[string]string{old: "5", "": "2"} {
			f, err := s.E.Form(ctx, s.Now, wang, "x.slip", of)
			if err != nil || f.Key != "x.slip" {
				t.Fatalf("paper's form %+v, %v", f, err)
			}
			for _, a := range f.New.Asks {
				if a.Field == "count" && fmt.Sprint(a.Value) != want {
					t.Errorf("the paper of %q begins with %v, not %s", of, a.Value, want)
				}
			}
		}
		slip := s.Do("wang", "x.slip", "", "create", map[string]any{"of": old}).Record
		if p, err := s.E.PrintPreview(ctx, s.Now, wang, "x.slip", slip, ""); err != nil || !strings.Contains(fmt.Sprint(p.Cells), "Most} {5 5}") || !strings.Contains(fmt.Sprint(p.Cells), "Number} {5 5}") {
			t.Errorf("its paper says %v, %v", p, err)
		}
		s.Do("wang", "x.slip", "", "create", map[string]any{"of": old, "count": 5})
		if _, err := s.Try("wang", "x.slip", "", "create", map[string]any{"of": old, "count": 6}); err == nil {
			t.Error("no limit at all for its paper")
		}
		for _, filter := range []string{"!has(this.seen)", "this.subject == '旧'"} {
			if page, err := s.E.List(ctx, s.Now, wang, engine.ListQuery{Form: "x.matter", Filter: filter, Sort: "-pieces"}); err != nil || len(page.Rows) == 0 || page.Rows[0].ID != old {
				t.Errorf("%s: %+v %v", filter, page, err)
			}
		}
		if _, err := s.E.PrintPreview(ctx, s.Now, wang, "x.matter", old, ""); err != nil {
			t.Error(err)
		}
		if _, err := s.E.History(ctx, s.Now, wang, "x.matter", old); err != nil {
			t.Error(err)
		}
		if f, err := s.E.Flow(ctx, s.Now, wang, "x.matter", old); err != nil || len(f.States) != 3 {
			t.Errorf("flow %+v, %v", f, err)
		}
		if _, err := s.E.Why(ctx, s.Now, wang, "x.matter", old, "deadline:whole"); err != nil {
			t.Error(err)
		}
		if _, err := s.Try("ma", "x.matter", old, "check", nil); err == nil {
			t.Error("the new text's stage is taken")
		}
		s.Do("ma", "x.matter", old, "finish", nil)
		if v := record(old); v.State != "done" || v.Values["note"] != "有话" {
			t.Errorf("at its end %+v", v)
		}
	})
	t.Run("WhatIsLate", func(t *testing.T) {
		s.Turn("2026-03-04 10:00")
		if n := s.Count("base_breach", "of_id", late); n != 0 {
			t.Fatal("late by the new limit")
		}
		s.Turn("2026-03-06 00:01")
		if n := s.Count("base_sanction", "fine", int64(5000)); n != 1 || s.Count("base_sanction", "fine", int64(8000)) != 0 {
			t.Fatalf("%d fines of the old text", n)
		}
	})
	t.Run("TakenOver", func(t *testing.T) {
		run := file("再", 6, "seen", "看过")
		was := due(run)
		s.Turn("2026-03-06 08:00")
		approve(2)
		if v := record(run); v.Older || len(v.Path) != 3 {
			t.Errorf("%+v", v)
		}
		if v := record(late); v.Older {
			t.Error("the first text still holds")
		}
		s.Do("wang", "x.matter", run, "edit", map[string]any{"subject": "再一次"})
		if d := due(run); d == was {
			t.Errorf("still due %s", d)
		}
	})
}
