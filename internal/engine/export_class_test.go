package engine_test

import (
	"context"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/testkit"
)

// Ensure that a class that asks each record who sees it limits a list that leaves all the same: beyond what everybody may take alone it wants who
// the class names, and a permit that is over opens nothing.
func TestExport_ClassOfRecord(t *testing.T) {
	lib := testkit.Load(t, map[string]string{"12-file/rulebook.yaml": `
rulebook: {id: 12-file, short: "12", title: 例 | Example, source: test, version: "1.0", language: 1, needs: [base]}
class:
  content: {label: 内容 | Content, see: "this.keeper == me", mask: all, export: {alone_up_to: 1, by: [{is: me, when: "permit.exists(p, p.asker == me && p.until >= today)"}]}}
form:
  paper: {label: 档案 | Paper, field: {keeper: {label: 保管人 | Keeper, type: person}, text: {label: 内容 | Text, type: note, class: content}}}
  permit: {label: 准许 | Permit, field: {asker: {label: 申请人 | Asker, type: person}, until: {label: 至 | Until, type: date}}}
`})
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, lib, dsn, "2026-03-02 09:00")
		s.Unit = s.Company("works", "12-file")
		s.Person("wang")
		out := func() error {
			return s.E.Export(context.Background(), s.Now, engine.Actor{Person: s.ID("wang")}, engine.ListQuery{Form: "12.paper"}, 1000, func(*engine.Leaving) error { return nil }, func(engine.Row) error { return nil })
		}
		want := func(what string, left bool) {
			t.Helper()
			err := out()
			if _, refused := engine.AsRefusal(err); left && err != nil || !left && !refused {
				t.Errorf("%s: %v", what, err)
			}
		}
		s.Do("wang", "12.paper", "", "create", map[string]any{"keeper": s.ID("wang"), "text": "甲"})
		want("one record", true)
		s.Do("wang", "12.paper", "", "create", map[string]any{"keeper": s.ID("wang"), "text": "乙"})
		want("two records", false)
		s.Do("wang", "12.permit", "", "create", map[string]any{"asker": s.ID("wang"), "until": "2026-03-01"})
		want("a permit that is over", false)
		s.Do("wang", "12.permit", "", "create", map[string]any{"asker": s.ID("wang"), "until": "2026-03-02"})
		want("a permit", true)
	})
}
