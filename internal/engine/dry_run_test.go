package engine_test

import (
	"context"
	"errors"
	"testing"

	"zhanggui/internal/calendar"
	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/testkit"
)

var tryBook = map[string]string{
	"x/rulebook.yaml": `
rulebook: {id: x, short: x, title: 试 | Trial, source: test, version: "1.0", admin: admin}
role:
  clerk: {label: 办事员 | Clerk, holders: any}
  chief: {label: 科长 | Chief, holders: any}
  boss: {label: 总经理 | Boss, holders: any}
parameter:
  limit: {label: 限额 | Limit, type: money, value: "10000.00", changed_by: boss, clause: x-2}
  days: {label: 办结期限 | Limit to close, type: duration, value: 15d, min: 1d, clause: x-1}
  stage: {label: 核查期限 | Limit to check, type: duration, value: 12d, check: [{that: "value <= param.days", say: 核查不能长于办结 | Checking must not take longer than closing}], clause: x-1}
  rate: {label: 扣款比率 | Rate, type: percent, value: "10", clause: x-3}
`,
	"x/matter.yaml": `
form:
  matter:
    label: 事项 | Matter
    title: this.subject
    field:
      subject: {label: 事由 | Subject, type: text, required: "true"}
      amount: {label: 金额 | Amount, type: money}
      share: {label: 扣款 | Deduction, type: money, value: {is: "this.amount * param.rate", clause: x-3}}
    state: {open: 办理中 | Open, closed: {label: 办结 | Closed, final: true}}
    action:
      decide: {label: 核决 | Decide, from: open, to: closed, by: {is: approval(pay), clause: x-2}}
    deadline:
      close: {label: 办结 | Close, from: create, to: decide, within: param.days, holder: chief, clause: x-1}
      check: {label: 核查 | Check, from: create, to: decide, within: param.stage, holder: clerk, clause: x-1}
approval:
  pay:
    label: 付款 | Payment
    amount: this.amount
    rows: [{upto: param.limit, sign: chief}, {sign: boss}]
    clause: x-2
`,
	"x/clauses.yaml": `
x-1: {kind: clock, zh: 限期办结。, en: Closed in time.}
x-2: {kind: gate, zh: 按额核决。, en: Decided by amount.}
x-3: {kind: calc, zh: 按比率扣款。, en: Deducted at a rate.}
`,
}

// Ensure that a dry run says exactly what another value would have made of what happened, to who may change the value,
// of what he may see, and changes nothing.
func TestDryRun(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, testkit.Load(t, tryBook), dsn, "2026-03-01 09:00")
		s.Company("works", "x")
		s.Person("wang", "clerk")
		s.Person("ma", "chief")
		s.Person("zong", "boss")
		s.Person("he", "admin")
		file := func(at, amount, done, by string) {
			t.Helper()
			s.Now = testkit.At(t, at)
			id := s.Do("wang", "x.matter", "", "create", map[string]any{"subject": "法兰", "amount": amount}).Record
			if done != "" {
				s.Now = testkit.At(t, done)
				s.Do(by, "x.matter", id, "decide", nil)
			}
		}
		file("2026-03-01 09:00", "5000.00", "2026-03-12 00:00", "ma")    // ten days, to their last instant
		file("2026-03-01 09:00", "10000.00", "2026-03-12 00:01", "ma")   // a minute more
		file("2026-03-01 09:00", "10000.01", "2026-03-17 09:00", "zong") // late already
		file("2026-03-20 09:00", "400.00", "", "")                       // runs
		s.Now = testkit.At(t, "2026-04-01 09:00")
		try := func(who string, values map[string]string) (*engine.DryRun, error) {
			return s.E.DryRun(context.Background(), s.Now, engine.Actor{Person: s.ID(who)}, engine.DryRunAsk{Book: "x", Values: values})
		}
		of := func(v *engine.DryRun, id string) engine.DryDeadline {
			t.Helper()
			for _, d := range v.Deadlines {
				if d.ID == id {
					return d
				}
			}
			t.Fatalf("the answer says nothing of deadline %s: %+v", id, v.Deadlines)
			return engine.DryDeadline{}
		}

		t.Run("Deadline", func(t *testing.T) {
			v, err := try("he", map[string]string{"days": "10d"})
			if err != nil {
				t.Fatal(err)
			}
			d := of(v, "close")
			if v.Records != 4 || d.Count != 4 || d.LateNow != 1 || d.LateThen != 3 || d.Added != 2 || d.Spared != 0 || d.Moved != 4 {
				t.Errorf("of %d records: %+v", v.Records, d)
			}
			if len(d.Units) != 1 || d.Units[0].Count != 2 || d.Units[0].Unit.Name != "works" || len(d.Records) != 2 {
				t.Errorf("held by %+v, listed %d", d.Units, len(d.Records))
			}
			if len(v.Deadlines) != 1 || len(v.Approvals) != 0 || len(v.Values) != 0 {
				t.Errorf("what does not differ is told: %+v", v)
			}
			if len(v.Conflicts) != 1 || v.Conflicts[0].Say.ZH != "核查不能长于办结" {
				t.Errorf("conflicts %+v", v.Conflicts)
			}
			if v, err = try("he", map[string]string{"days": "16d"}); err != nil || of(v, "close").Spared != 1 || of(v, "close").LateThen != 0 {
				t.Errorf("a longer limit spares the late one: %+v, %v", v, err)
			}
			if v, err = try("he", map[string]string{"days": "10d", "stage": "5d"}); err != nil || len(v.Conflicts) != 0 || of(v, "check").LateThen != 4 {
				t.Errorf("two values at once: %+v, %v", v, err)
			}
		})
		t.Run("Approval", func(t *testing.T) {
			v, err := try("zong", map[string]string{"limit": "9999.99"}) // not an administrator: whom the value names
			if err != nil {
				t.Fatal(err)
			}
			if len(v.Approvals) != 1 || v.Approvals[0].Count != 4 || v.Approvals[0].Changed != 1 ||
				v.Approvals[0].Ways[0] != (engine.DryWay{From: engine.Text{ZH: "科长", EN: "Chief"}, To: engine.Text{ZH: "总经理", EN: "Boss"}, Count: 1}) {
				t.Errorf("approvals %+v", v.Approvals)
			}
		})
		t.Run("Value", func(t *testing.T) {
			v, err := try("he", map[string]string{"rate": "20"})
			if err != nil || len(v.Values) != 1 || v.Values[0].Changed != 4 || v.Values[0].Now != "2540.00" || v.Values[0].Then != "5080.00" {
				t.Errorf("values %+v, %v", v, err)
			}
		})
		t.Run("Period", func(t *testing.T) {
			day := calendar.Date{Year: 2026, Month: 3, Day: 1}
			v, err := s.E.DryRun(context.Background(), s.Now, engine.Actor{Person: s.ID("he")}, engine.DryRunAsk{Book: "x", Values: map[string]string{"days": "10d"}, From: day, Until: day})
			if err != nil || v.Records != 3 || v.From != "2026-03-01" {
				t.Errorf("one day: %+v, %v", v, err)
			}
		})
		t.Run("ErrWho", func(t *testing.T) {
			var no *engine.Refusal
			for who, param := range map[string]string{"wang": "days", "ma": "limit"} {
				if _, err := try(who, map[string]string{param: "1d"}); !errors.As(err, &no) || no.Group != "who" {
					t.Errorf("%s tries %s: %v", who, param, err)
				}
			}
			if _, err := try("wang", nil); !errors.As(err, &no) {
				t.Errorf("a clerk asks for everything: %v", err)
			}
		})
		t.Run("ErrValue", func(t *testing.T) {
			for param, value := range map[string]string{"days": "soon", "limit": "much", "nothing": "1"} {
				var f *fault.Error
				if _, err := try("he", map[string]string{param: value}); !errors.As(err, &f) {
					t.Errorf("%s: %s: %v", param, value, err)
				}
			}
		})
		if n := s.Count("base_param_value", "param", "days"); n != 0 {
			t.Error("a dry run kept a value")
		}
	})
}
