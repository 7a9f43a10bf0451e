package engine_test

import (
	"context"
	"slices"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/testkit"
)

var standBook = map[string]string{
	"x/rulebook.yaml": `rulebook: {id: x, short: x, title: 试 | Trial, version: "1.0", language: 1, needs: [base]}`,
	"x/clauses.yaml":  "x-1: {kind: clock, zh: 每月逐摊检查, en: each stand is inspected each month}\nx-2: {kind: clock, zh: 检查每月一次, en: inspections are monthly}\nx-3: {kind: gate, zh: 客户要真有, en: customers are real}\n",
	"x/forms.yaml": `
role: {chief: {label: 主管 | Chief}}
extend:
  customer:
    action: {edit: {require: [{that: "this.name != '鬼'", say: 没有这个客户 | There is no such customer, clause: x-3}]}}
form:
  stand:
    label: 摊位 | Stand
    field: {name: {label: 名称 | Name, type: text}}
    state: {trading: 营业 | Trading, shut: {label: 停业 | Shut, final: true}}
    action: {close_it: {label: 停业 | Shut, from: trading, to: shut}}
checklist:
  clean:
    label: 卫生检查 | Cleanliness
    of: stand
    where: "this.state == 'trading'"
    by: chief
    every: 1mo
    item: {swept: {text: 地面已扫 | The floor is swept}}
    clause: x-1
    also: [x-2]
`}

// Ensure that the sheet of a checklist is late if what it inspects is still to be inspected, and owed by nobody if it is not; that a clause
// which merely repeats another says which, and does what that one does; and that what is added to another's form is told in its words.
func TestChecklist_Sheet(t *testing.T) {
	lib := testkit.Load(t, standBook)
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, lib, dsn, "2026-02-25 09:00")
		s.Company("works", "x")
		s.Person("ma", "chief")
		s.Do("ma", "x.stand", "", "create", map[string]any{"name": "东"})
		west := s.Do("ma", "x.stand", "", "create", map[string]any{"name": "西"}).Record
		s.Turn("2026-03-02 09:00")
		if n := s.Count(lib.Form("x.clean").Table, "state", "open"); n < 2 {
			t.Fatalf("%d sheets", n)
		}
		s.Turn("2026-03-31 23:59")
		before := s.Count("base_breach", "state", "standing")
		s.Do("ma", "x.stand", west, "close_it", nil)
		s.Turn("2026-04-01 00:00")
		if n := s.Count("base_breach", "state", "standing"); n != before {
			t.Errorf("%d breaches at midnight, %d a minute before", n, before)
		}
		s.Turn("2026-04-01 00:01")
		if n := s.Count("base_breach", "state", "standing"); n != before+1 {
			t.Errorf("%d breaches, %d before: the stand that trades is late, the one that shut is not", n, before)
		}
		first, err := s.E.Clause(context.Background(), s.Now, engine.Actor{Person: s.ID("ma")}, "x-1")
		if err != nil {
			t.Fatal(err)
		}
		second, err := s.E.Clause(context.Background(), s.Now, engine.Actor{Person: s.ID("ma")}, "x-2")
		if err != nil {
			t.Fatal(err)
		}
		if len(first.Repeats) != 0 || !slices.Equal(second.Repeats, []string{"x-1"}) || len(first.Does) == 0 || !slices.Equal(first.Does, second.Does) {
			t.Errorf("x-1 repeats %v and does %v; x-2 repeats %v and does %v", first.Repeats, first.Does, second.Repeats, second.Does)
		}
	})
}
