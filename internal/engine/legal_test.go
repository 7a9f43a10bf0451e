package engine_test

import (
	"context"
	"strings"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/testkit"
)

var deductBook = map[string]string{
	"x/rulebook.yaml": deskBook["x/rulebook.yaml"],
	"x/clauses.yaml":  "x-1: {kind: gate, zh: 从工资扣, en: Deducted from the wage}\n",
	"x/call.yaml": `
form:
  call:
    label: 来电 | Call
    field: {person: {label: 谁 | Who, type: person}}
    state: {open: 待复 | Open, answered: {label: 已复 | Answered, final: true}}
    action: {answer: {label: 答复 | Answer, from: open, to: answered}}
    deadline: {reply: {label: 答复 | Reply, from: create, to: answer, within: 60m, holder: this.person}}
offence:
  slow:
    label: 答复逾期 | Slow answer
    upon: [call.reply.late]
    fine: "money('50')"
    confirm: chief
    pay: {ledger: payroll, legal: 扣工资要有约定 | A deduction needs an agreement, clause: x-1}
`,
}

// Ensure that a deduction from wages that the law may limit is proposed with its note, which who confirms has before him; that nothing is
// posted before he does; that it is never passed to payroll where the unit has not woken it, and is where it has.
func TestLegal(t *testing.T) {
	for woken, ledger := range map[string]string{"": "penalty", "x-1": "payroll"} {
		t.Run("woken "+woken, func(t *testing.T) {
			testkit.Databases(t, func(t *testing.T, dsn string) {
				s := testkit.Open(t, testkit.Load(t, deductBook), dsn, "2026-03-02 09:00")
				ctx := context.Background()
				s.Unit = s.System("base.unit", map[string]any{"name": "works"})
				s.System("base.adoption", map[string]any{"unit": s.Unit, "book": "x", "version": "1.0", "from": "2000-01-01", "woken": woken, "reason": "已约定"})
				s.Person("ma", "chief")
				s.Person("lu")
				s.Do("lu", "x.call", "", "create", map[string]any{"person": s.ID("lu")})
				s.Turn("2026-03-30 10:01")
				page, err := s.E.List(ctx, s.Now, as(s, "ma"), engine.ListQuery{Form: "base.sanction"})
				if err != nil || len(page.Rows) != 1 || page.Rows[0].State != "proposed" {
					t.Fatalf("%+v, %v", page, err)
				}
				id := page.Rows[0].ID
				if n := s.Count("base_posting", "of_id", id); n != 0 {
					t.Fatalf("%d postings of what is only proposed", n)
				}
				v, err := s.E.Record(ctx, s.Now, as(s, "ma"), "base.sanction", id)
				if err != nil {
					t.Fatal(err)
				}
				var note engine.Text
				for _, a := range v.Actions.Open {
					if a.ID == "confirm" {
						note = *a.Legal
					}
				}
				if !strings.Contains(note.ZH, "扣工资要有约定") || note.EN == "" || strings.Contains(note.ZH, note.EN) || v.Values["legal_note"] != note {
					t.Errorf("who confirms reads %q, the record says %q", note, v.Values["legal_note"])
				}
				s.Do("ma", "base.sanction", id, "confirm", nil)
				for _, l := range []string{"penalty", "payroll"} {
					want := 0
					if l == ledger {
						want = 1
					}
					if n := s.Count("base_posting", "ledger", l); n != want {
						t.Errorf("%d postings to %s", n, l)
					}
				}
			})
		})
	}
}
