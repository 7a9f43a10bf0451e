package engine_test

import (
	"testing"

	"zhanggui/internal/testkit"
)

var finesBook = map[string]string{
	"x/rulebook.yaml": `
rulebook: {id: x, short: x, title: 小店规矩 | House rules, source: test, version: "1.0", admin: admin}
role:
  chief: {label: 主管 | Chief, holders: some}
`,
	"x/clauses.yaml": `
x-1: {kind: gate, zh: 扣款不过月薪两成, en: At most a fifth of the wage}
`,
	"x/slip.yaml": `
form:
  slip:
    label: 罚单 | Slip
    field: {person: {label: 谁 | Who, type: person}}
    state: {draft: 草稿 | Draft, given: {label: 已开 | Given, final: true}}
    action: {give: {label: 开出 | Give, from: draft, to: given, by: chief}}
offence:
  slow:
    label: 迟缓 | Slow
    upon: [slip.give]
    who: this.person
    fine: "money('50')"
    confirm: chief
    pay: {ledger: payroll, cap: "fact.person.wage * pct('20')", clause: x-1}
    clause: x-1
`,
}

// Ensure that a deduction stays below its cap, and that nothing is deducted while the cap cannot be told.
func TestSanction_Cap(t *testing.T) {
	cases := []struct{ wage, posted string }{{"", "refused"}, {"249.95", "4999"}, {"250.00", "5000"}, {"9000.00", "5000"}}
	for _, c := range cases {
		t.Run(c.wage, func(t *testing.T) {
			s := testkit.Open(t, testkit.Load(t, finesBook), "sqlite::memory:", "2026-03-02 09:00")
			s.Company("works", "x")
			s.Person("ma", "chief")
			who := map[string]any{"name": "lu", "unit": s.Unit, "active": true}
			if c.wage != "" {
				who["wage"] = c.wage
			}
			slip := s.Do("ma", "x.slip", "", "create", map[string]any{"person": s.System("base.person", who)}).Record
			sanction := ""
			for _, e := range s.Do("ma", "x.slip", slip, "give", nil).Effects {
				if e.Kind == "sanction" {
					sanction = e.Record
				}
			}
			if c.posted == "refused" {
				if r := s.Refused("ma", "base.sanction", sanction, "confirm", nil); r.Group != "ledger" || r.Clauses()[0] != "x-1" {
					t.Fatalf("refused by %s %v", r.Group, r.Clauses())
				}
				if n := s.Count("base_posting", "ledger", "payroll"); n != 0 {
					t.Fatalf("%d postings", n)
				}
				return
			}
			s.Do("ma", "base.sanction", sanction, "confirm", nil)
			if n := s.Count("base_posting", "amount", c.posted); n != 1 {
				t.Fatalf("%d postings of %s", n, c.posted)
			}
		})
	}
}
