package engine_test

import (
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/store"
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

// Ensure that whoever decides on a sanction, up or down, proves for that decision who he is, and that nothing happens before (S19, S94).
func TestSanction_Fresh(t *testing.T) {
	s := testkit.Open(t, testkit.Load(t, finesBook), "sqlite::memory:", "2026-03-02 09:00")
	s.Company("works", "x")
	s.Person("ma", "chief")
	s.Person("lu")
	if _, err := s.E.Do(t.Context(), s.Now, engine.Act{Form: "base.person", Record: s.ID("lu"), Action: "edit", Values: map[string]any{"wage": "9000.00"}, Actor: engine.Actor{System: true}}); err != nil {
		t.Fatal(err)
	}
	proposed := func() string {
		slip := s.Do("ma", "x.slip", "", "create", map[string]any{"person": s.ID("lu")}).Record
		for _, e := range s.Do("ma", "x.slip", slip, "give", nil).Effects {
			if e.Kind == "sanction" {
				return e.Record
			}
		}
		t.Fatal("nothing was proposed")
		return ""
	}
	confirmed := func() string {
		id := proposed()
		s.Do("ma", "base.sanction", id, "confirm", nil)
		return id
	}
	appealed := func() string {
		id := confirmed()
		s.Do("lu", "base.sanction", id, "appeal", map[string]any{"plea": "不是我"})
		return id
	}
	for _, c := range []struct {
		action string
		from   func() string
		reason string
		values map[string]any
	}{
		{"confirm", proposed, "", nil},
		{"dismiss", proposed, "事出有因", nil},
		{"uphold", appealed, "", map[string]any{"ruling": "查实"}},
		{"reduce", appealed, "", map[string]any{"ruling": "减半", "cut": "25.00"}},
		{"grant_appeal", appealed, "", map[string]any{"ruling": "查无此事"}},
		{"revoke", confirmed, "开错了人", nil},
	} {
		t.Run(c.action, func(t *testing.T) {
			id := c.from()
			was, postings := s.Column("base_sanction", id, "state"), s.Count("base_posting", "", nil)
			act := engine.Act{Form: "base.sanction", Record: id, Action: c.action, Values: c.values, Reason: c.reason, Actor: engine.Actor{Person: s.ID("ma"), Origin: "web", Prove: func(*store.Tx, string) (map[string]any, error) { return nil, fault.Again() }}}
			if _, err := s.E.Do(t.Context(), s.Now, act); fault.KindOf(err) != fault.Stale {
				t.Fatalf("%v", err)
			}
			if is := s.Column("base_sanction", id, "state"); is != was || s.Count("base_posting", "", nil) != postings {
				t.Errorf("it is %s", is)
			}
			asked := ""
			act.Actor.Prove = func(_ *store.Tx, of string) (map[string]any, error) {
				asked = of
				return map[string]any{"means": "password"}, nil
			}
			if _, err := s.E.Do(t.Context(), s.Now, act); err != nil {
				t.Errorf("proved: %v", err)
			}
			if list, err := s.E.History(t.Context(), s.Now, engine.Actor{Person: s.ID("ma")}, "base.sanction", id); err != nil || asked == "" || list[0].Proof == nil || list[0].Proof.ZH != "本人用密码逐件确认" {
				t.Errorf("asked %q, the history says %+v %v", asked, list, err)
			}
		})
	}
}
