package engine_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/testkit"
)

// shopBook is a small regulation that uses most of the language.
var shopBook = map[string]string{
	"x/rulebook.yaml": `
rulebook: {id: x, short: x, title: 小店规矩 | House rules, source: test, version: "1.0", admin: admin}
parameter:
  limit: {label: 权限 | Limit, type: money, value: "10000", clause: x-5}
role:
  clerk: {label: 办事员 | Clerk}
  chief: {label: 主管 | Chief}
  boss: {label: 总经理 | Boss}
`,
	"x/clauses.yaml": `
x-1: {kind: calc, zh: 编号按月 | x, en: Numbers by month}
x-2: {kind: gate, zh: 只有办事员登记, en: Only clerks register}
x-3: {kind: clock, zh: 三天办结, en: Three days}
x-4: {kind: gate, zh: 核决, en: Decision}
x-5: {kind: gate, zh: 权限, en: Limit}
x-6: {kind: clock, zh: 两个工作日答复, en: Two working days}
x-7: {kind: gate, zh: 不得自批, en: Not one's own}
`,
	"x/matter.yaml": `
form:
  matter:
    label: 事项 | Matter
    title: this.subject
    number: {pattern: "{yy}{mm}{n:2}", upon: register, per: {is: month, clause: x-1}, void: [void], clause: x-1}
    field:
      subject: {label: 事由 | Subject, type: text, required: "true"}
      amount: {label: 金额 | Amount, type: money}
      slow: {label: 缓办 | Slow, type: bool}
    state: {draft: 草稿 | Draft, open: 办理中 | Open, closed: {label: 办结 | Closed, final: true}}
    action:
      register: {label: 登记 | Register, from: draft, to: open, by: {is: clerk, clause: x-2}}
      decide: {label: 核决 | Decide, from: open, to: closed, by: {is: approval(pay), clause: x-4}, lock: all}
    deadline:
      close: {label: 办结 | Close, from: register, to: decide, within: 30d, holder: chief, warn: [3d], late: [{notify: boss, text: 逾期}], clause: x-3}
      answer: {label: 答复 | Answer, from: register, to: decide, within: 2wd, holder: clerk, clause: x-6}
approval:
  pay:
    label: 付款 | Payment
    amount: this.amount
    rows: [{upto: param.limit, sign: chief}, {sign: boss}]
    except: [{is: done.register.by, say: 不得自批 | Not one's own, clause: x-7}]
    restart: [amount]
    clause: x-4
`,
}

func open(t *testing.T, dsn, now string) *testkit.Shop {
	t.Helper()
	s := testkit.Open(t, testkit.Load(t, shopBook), dsn, now)
	s.Company("works", "x")
	s.Person("wang", "clerk")
	s.Person("ma", "chief")
	s.Person("zong", "boss")
	return s
}

func matter(s *testkit.Shop, amount string) string {
	return s.Do("wang", "x.matter", "", "create", map[string]any{"subject": "法兰", "amount": amount}).Record
}

// Ensure that twenty clerks registering at once get every number once and none is left out.
func TestNumber_Concurrent(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, "2026-03-02 09:00")
		const clerks, each = 20, 50
		ids := make([]string, clerks*each)
		for i := range ids {
			ids[i] = matter(s, "10.00")
		}
		var wg sync.WaitGroup
		errs := make(chan error, len(ids))
		for c := 0; c < clerks; c++ {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for i := 0; i < each; i++ {
					if _, err := s.Try("wang", "x.matter", ids[c*each+i], "register", nil); err != nil {
						errs <- err
					}
					if i%10 == 0 { // a refused act takes no number
						if _, err := s.Try("wang", "x.matter", ids[c*each+i], "register", nil); err == nil {
							errs <- fmt.Errorf("registered twice")
						}
					}
				}
			}()
		}
		wg.Wait()
		close(errs)
		for err := range errs {
			t.Fatal(err)
		}
		for n := 1; n <= len(ids); n++ {
			if got := s.Count("fx_matter", "number", fmt.Sprintf("2603%02d", n)); got != 1 {
				t.Fatalf("number 2603%02d was given %d times", n, got)
			}
		}
	})
}

// Ensure that the series restarts with the month, and that a void number stays void.
func TestNumber_MonthAndVoid(t *testing.T) {
	s := open(t, "sqlite::memory:", "2026-03-31 23:59:59")
	a, b := matter(s, "1.00"), matter(s, "1.00")
	if got := s.Do("wang", "x.matter", a, "register", nil).Number; got != "260301" {
		t.Fatalf("got %s", got)
	}
	s.Now = testkit.At(t, "2026-04-01 00:00")
	if got := s.Do("wang", "x.matter", b, "register", nil).Number; got != "260401" {
		t.Fatalf("got %s", got)
	}
}

// Ensure that approval limits are exact to the cent, that nobody decides his own case, and that a
// changed amount voids what was signed.
func TestApproval(t *testing.T) {
	cases := []struct{ amount, who string }{{"10000.00", "ma"}, {"10000.01", "zong"}}
	for _, c := range cases {
		t.Run(c.amount, func(t *testing.T) {
			s := open(t, "sqlite::memory:", "2026-03-02 09:00")
			id := matter(s, c.amount)
			s.Do("wang", "x.matter", id, "register", nil)
			for _, who := range []string{"ma", "zong", "wang"} {
				if who != c.who {
					s.Refused(who, "x.matter", id, "decide", nil)
				}
			}
			s.Do(c.who, "x.matter", id, "decide", nil)
			if got := s.Column("fx_matter", id, "state"); got != "closed" {
				t.Fatalf("state %s", got)
			}
		})
	}
}

// Ensure that a thirty-day limit fires at its time although the server was down that day, once, and not again after a restart.
func TestDeadline_Down(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, "2026-03-02 09:00")
		id := matter(s, "1.00")
		s.Do("wang", "x.matter", id, "register", nil)
		s.Turn("2026-04-01 24:00")
		if n := s.Count("base_breach", "name", "close"); n != 0 {
			t.Fatalf("late at the due instant")
		}
		s.Turn("2026-05-20 10:00")
		if n := s.Count("base_breach", "name", "close"); n != 1 {
			t.Fatalf("%d breaches", n)
		}
		e, err := engine.New(s.DB, s.E.Lib, engine.Options{Keep: s.Keep})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := e.Tick(context.Background(), s.Now); err != nil {
			t.Fatal(err)
		}
		if n := s.Count("base_breach", "name", "close"); n != 1 {
			t.Fatalf("%d breaches after a restart", n)
		}
	})
}

// Ensure that two working days across National Day 2026 end as counted by hand: registered on Wednesday
// 30 September; 1–7 October are days off; Thursday 8 and Friday 9 October count (Saturday 10 is a make-up day).
func TestDeadline_NationalDay(t *testing.T) {
	s := open(t, "sqlite::memory:", "2026-09-30 16:00")
	id := matter(s, "1.00")
	s.Do("wang", "x.matter", id, "register", nil)
	s.Turn("2026-10-09 24:00")
	if n := s.Count("base_breach", "name", "answer"); n != 0 {
		t.Fatal("late too early")
	}
	s.Turn("2026-10-10 00:00:01")
	if n := s.Count("base_breach", "name", "answer"); n != 1 {
		t.Fatalf("%d breaches", n)
	}
}

// Ensure that a refused act leaves nothing behind but its trace.
func TestRefused_NothingHalfDone(t *testing.T) {
	s := open(t, "sqlite::memory:", "2026-03-02 09:00")
	id := matter(s, "1.00")
	before := s.Column("fx_matter", id, "etag")
	r := s.Refused("ma", "x.matter", id, "register", nil)
	if r.Group != "who" || len(r.Items) != 1 || r.Items[0].Clause != "x-2" {
		t.Fatalf("refusal %+v", r)
	}
	if got := s.Column("fx_matter", id, "etag"); got != before {
		t.Fatal("the record moved")
	}
	if n := s.Count("base_attempt", "clause", "x-2"); n != 1 {
		t.Fatalf("%d traces", n)
	}
}

// Ensure that the same request sent twice is done once, and that its key is good for nothing else.
func TestReplay(t *testing.T) {
	s := open(t, "sqlite::memory:", "2026-03-02 09:00")
	id := matter(s, "1.00")
	act := engine.Act{Form: "x.matter", Record: id, Action: "register", Key: "k1", Actor: engine.Actor{Person: s.ID("wang"), Origin: "api"}}
	a, err := s.E.Do(context.Background(), s.Now, act)
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.E.Do(context.Background(), s.Now, act)
	if err != nil || b.Number != a.Number || !b.Replay {
		t.Fatalf("%+v %v", b, err)
	}
	act.Record = matter(s, "2.00")
	if _, err := s.E.Do(context.Background(), s.Now, act); err == nil {
		t.Fatal("the key was good for other content")
	}
}
