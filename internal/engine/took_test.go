package engine_test

import (
	"context"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/testkit"
)

// Ensure that a list that leaves holds the values of those records alone that the class lets this person take, though he reads
// the others on the screen, and that what one takes alone is not asked.
func TestExport_OfWhich(t *testing.T) {
	lib := testkit.Load(t, map[string]string{"12-file/rulebook.yaml": `
rulebook: {id: 12-file, short: "12", title: 例 | Example, source: test, version: "1.0", language: 1, needs: [base]}
class:
  content: {label: 内容 | Content, see: "this.reader == me", mask: all, export: {alone_up_to: 1, of: this.keeper == me}}
form:
  paper:
    label: 档案 | Paper
    field: {reader: {label: 读者 | Reader, type: person}, keeper: {label: 保管人 | Keeper, type: person}, text: {label: 内容 | Text, type: note, class: content}}
    view: {all_of: {label: 全部 | All, column: [reader, keeper, text]}}
`})
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, lib, dsn, "2026-03-02 09:00")
		s.Unit = s.Company("works", "12-file")
		s.Person("wang")
		s.Person("li")
		ctx, wang := context.Background(), engine.Actor{Person: s.ID("wang")}
		q := engine.ListQuery{Form: "12.paper", View: "all_of", Fields: []string{"text"}}
		texts := func() map[any]int {
			t.Helper()
			got := map[any]int{}
			err := s.E.Export(ctx, s.Now, wang, q, 1000, func(*engine.Leaving) error { return nil }, func(r engine.Row) error {
				got[r.Values["text"]]++
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		s.Do("wang", "12.paper", "", "create", map[string]any{"reader": s.ID("wang"), "keeper": s.ID("li"), "text": "甲"})
		if got := texts(); got["甲"] != 1 {
			t.Errorf("one record alone holds %v", got)
		}
		s.Do("wang", "12.paper", "", "create", map[string]any{"reader": s.ID("wang"), "keeper": s.ID("wang"), "text": "乙"})
		if got := texts(); got["乙"] != 1 || got["甲"] != 0 || got[engine.Masked{Masked: "***"}] != 1 {
			t.Errorf("two records hold %v", got)
		}
		page, err := s.E.ExportPage(ctx, s.Now, wang, q, []string{"text"}, "", 2) // as a background job does
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Rows {
			if r.Values["text"] == "甲" {
				t.Error("a page of the job holds what may not leave")
			}
		}
		page, err = s.E.List(ctx, s.Now, wang, q)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[any]bool{}
		for _, r := range page.Rows {
			seen[r.Values["text"]] = true
		}
		if !seen["甲"] || !seen["乙"] {
			t.Errorf("the screen shows %v", seen)
		}
	})
}

// Ensure that every list and paper that goes out of the house stands in the register of exports and prints with who took it, that
// he sees it, the head over him what is not secret to him and others nothing, that a refused one is not there, and that of a secret
// form no record is named.
func TestTook(t *testing.T) {
	lib := testkit.Load(t, map[string]string{"12-file/rulebook.yaml": `
rulebook: {id: 12-file, short: "12", title: 例 | Example, source: test, version: "1.0", language: 1, needs: [base]}
class:
  closed: {label: 机密 | Secret, see: "this.by == me"}
form:
  paper: {label: 档案 | Paper, number: "D{n:3}", field: {text: {label: 内容 | Text, type: text}, barred: {label: 不得带出 | Stays, type: bool}}}
  secret: {label: 密件 | Secret paper, class: closed, number: "M{n:3}", field: {text: {label: 内容 | Text, type: text}}}
gate:
  stays: {acts: [paper.print], that: "!this.barred", say: 不得带出 | It stays here}
`})
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, lib, dsn, "2026-03-02 09:00")
		s.Unit = s.Company("works", "12-file")
		s.Person("tou")
		s.Unit = s.System("base.unit", map[string]any{"name": "一部", "parent": s.Unit, "head": s.ID("tou")})
		s.Person("wang")
		s.Person("li")
		ctx, wang := context.Background(), engine.Actor{Person: s.ID("wang")}
		p := s.Do("wang", "12.paper", "", "create", map[string]any{"text": "甲", "barred": false})
		no := s.Do("wang", "12.paper", "", "create", map[string]any{"text": "乙", "barred": true})
		m := s.Do("wang", "12.secret", "", "create", map[string]any{"text": "丙"})
		if _, err := s.E.Print(ctx, s.Now, wang, "12.paper", p.Record, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := s.E.Print(ctx, s.Now, wang, "12.paper", no.Record, ""); err == nil {
			t.Error("what stays was printed")
		}
		if _, err := s.E.Print(ctx, s.Now, wang, "12.secret", m.Record, ""); err != nil {
			t.Fatal(err)
		}
		err := s.E.Export(ctx, s.Now, wang, engine.ListQuery{Form: "12.paper"}, 1000, func(*engine.Leaving) error { return nil }, func(engine.Row) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		look := func(who string) []engine.Row {
			t.Helper()
			page, err := s.E.List(ctx, s.Now, engine.Actor{Person: s.ID(who)}, engine.ListQuery{Form: "base.access", Fields: []string{"what", "label", "of_number", "rows"}})
			if err != nil {
				t.Fatal(err)
			}
			return page.Rows
		}
		rows := look("wang")
		if len(rows) != 3 {
			t.Fatalf("the register holds %d entries, should hold 3", len(rows))
		}
		for _, r := range rows {
			switch v := r.Values; {
			case v["what"] == "print" && v["label"] == "档案" && v["of_number"] == "D001":
			case v["what"] == "print" && v["label"] == "密件" && (v["of_number"] == nil || v["of_number"] == ""):
			case v["what"] == "export" && v["label"] == "档案" && v["rows"] == int64(2):
			default:
				t.Errorf("an entry says %v", v)
			}
		}
		if n := len(look("tou")); n != 2 {
			t.Errorf("the head sees %d entries, should see 2: what is secret to him is not spoken of", n)
		}
		if n := len(look("li")); n != 0 {
			t.Errorf("somebody else sees %d entries", n)
		}
		s.Refused("wang", "base.access", "", "create", map[string]any{"what": "print"})
		s.Refused("wang", "base.access", rows[0].ID, "void", map[string]any{})
	})
}
