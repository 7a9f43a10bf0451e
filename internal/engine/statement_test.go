package engine_test

import (
	"context"
	"testing"
	"time"

	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/testkit"
)

var deskBook = map[string]string{
	"x/rulebook.yaml": `
rulebook: {id: x, short: x, title: 小店规矩 | House rules, source: test, version: "1.0", admin: admin}
role:
  chief: {label: 主管 | Chief, holders: some}
`,
	"x/clauses.yaml": `
x-1: {kind: gate, zh: 三日内可申诉, en: Appeal within three days}
`,
	"x/call.yaml": `
form:
  call:
    label: 来电 | Call
    title: this.about
    field: {person: {label: 谁 | Who, type: person}, about: {label: 事由 | About, type: text}}
    state: {open: 待复 | Open, answered: {label: 已复 | Answered, final: true}}
    action:
      answer: {label: 答复 | Answer, from: open, to: answered}
      hand_on: {label: 转交 | Hand on, from: open, by: chief, fill: [person]}
    deadline: {reply: {label: 答复 | Reply, from: create, to: answer, within: 60m, warn: [10m], holder: this.person}}
offence:
  slow:
    label: 答复逾期 | Slow answer
    upon: [call.reply.late]
    fine: "money('50')"
    confirm: chief
    appeal: {within: 3d, to: admin, clause: x-1}
`,
}

func desk(t *testing.T, dsn string) *testkit.Shop {
	s := testkit.Open(t, testkit.Load(t, deskBook), dsn, "2026-03-02 09:00")
	s.Company("works", "x")
	s.Person("ma", "chief")
	s.Person("lu")
	s.Person("he", "admin")
	s.Do("he", "base.unit", s.Unit, "edit", map[string]any{"head": s.ID("ma")})
	return s
}

func as(s *testkit.Shop, who string) engine.Actor {
	return engine.Actor{Person: s.ID(who), Origin: "api"}
}

// Ensure that a month's statement counts confirmed sanctions alone, says what may still be appealed, shows everybody his own, has the
// contra entry in the month in which it was made, and that taking it along is in the journal while looking is not.
func TestStatement(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := desk(t, dsn)
		ctx := context.Background()
		for range 2 {
			s.Do("lu", "x.call", "", "create", map[string]any{"person": s.ID("lu")})
		}
		s.Turn("2026-03-30 10:01")
		read := func(who, month string) *engine.Statement {
			t.Helper()
			v, _, err := s.E.Statement(ctx, s.Now, as(s, who), month, false)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		if v := read("ma", "2026-03"); len(v.Persons) != 0 {
			t.Fatalf("what is only proposed is counted: %+v", v.Persons)
		}
		page, err := s.E.List(ctx, s.Now, as(s, "ma"), engine.ListQuery{Form: "base.sanction"})
		if err != nil || len(page.Rows) != 2 {
			t.Fatalf("%d proposals, %v", len(page.Rows), err)
		}
		for _, r := range page.Rows {
			s.Do("ma", "base.sanction", r.ID, "confirm", nil)
		}
		want := func(who, month, net, open string, n int64) {
			t.Helper()
			v := read(who, month)
			if len(v.Persons) != 1 || v.Persons[0].Person != "lu" || v.Persons[0].Net != net || v.Persons[0].Open != open || v.Persons[0].Entries != n {
				t.Errorf("%s sees of %s: %+v, want net %s, open %s, %d entries", who, month, v.Persons, net, open, n)
			}
		}
		want("ma", "2026-03", "100.00", "100.00", 2)
		want("lu", "2026-03", "100.00", "100.00", 2)
		if v := read("ma", "2026-03"); len(v.Units) != 1 || v.Units[0].Unit != "works" || v.Units[0].Net != "100.00" {
			t.Errorf("units %+v", v.Units)
		}
		s.Turn("2026-04-02 24:00")
		want("ma", "2026-03", "100.00", "100.00", 2)
		s.Turn("2026-04-03 00:01") // the three days are over
		want("ma", "2026-03", "100.00", "0.00", 2)
		if _, err := s.E.Do(ctx, s.Now, engine.Act{Form: "base.sanction", Record: page.Rows[0].ID, Action: "revoke", Reason: "查错了人", Actor: as(s, "ma")}); err != nil {
			t.Fatal(err)
		}
		want("ma", "2026-03", "100.00", "0.00", 2)
		want("ma", "2026-04", "-50.00", "0.00", 1)
		s.Person("yu")
		if v := read("yu", "2026-03"); len(v.Persons)+len(v.Units) != 0 {
			t.Errorf("somebody else's: %+v", v)
		}
		if n := s.Count("journal_entry", "action", "statement"); n != 0 {
			t.Errorf("looking left %d entries", n)
		}
		if _, _, err := s.E.Statement(ctx, s.Now, as(s, "ma"), "2026-03", true); err != nil {
			t.Fatal(err)
		}
		if n := s.Count("journal_entry", "action", "statement"); n != 1 {
			t.Errorf("taking it along left %d entries", n)
		}
		if _, _, err := s.E.Statement(ctx, s.Now, as(s, "ma"), "2026-3", false); fault.KindOf(err) != fault.Invalid {
			t.Errorf("a month written 2026-3: %v", err)
		}
	})
}

// Ensure that who holds a deadline is reminded once in half an hour, by name and in the journal, and never of what is met, of what
// the reader may not see, or by himself.
func TestUrge(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := desk(t, dsn)
		ctx := context.Background()
		call := s.Do("lu", "x.call", "", "create", map[string]any{"person": s.ID("lu")}).Record
		page, err := s.E.Clocks(ctx, s.Now, as(s, "ma"), engine.ClockQuery{})
		if err != nil || len(page.Rows) != 1 || page.Rows[0].Assign != "hand_on" {
			t.Fatalf("%+v %v", page, err)
		}
		clock := page.Rows[0].ID
		if page, err := s.E.Clocks(ctx, s.Now, as(s, "lu"), engine.ClockQuery{}); err != nil || len(page.Rows) != 1 || page.Rows[0].Assign != "" {
			t.Errorf("who may not hand it on is offered it: %+v %v", page, err)
		}
		urge := func(who string) error {
			_, err := s.E.Urge(ctx, s.Now, as(s, who), clock)
			return err
		}
		if err := urge("lu"); fault.KindOf(err) != fault.Conflict {
			t.Errorf("he urges himself: %v", err)
		}
		if told, err := s.E.Urge(ctx, s.Now, as(s, "ma"), clock); err != nil || len(told) != 1 || told[0].Name != "lu" {
			t.Fatalf("told %v, %v", told, err)
		}
		s.Now = s.Now.Add(30*time.Minute - time.Millisecond)
		if err := urge("ma"); fault.KindOf(err) != fault.Conflict {
			t.Errorf("within half an hour: %v", err)
		}
		s.Now = s.Now.Add(time.Millisecond)
		if err := urge("ma"); err != nil {
			t.Errorf("after half an hour: %v", err)
		}
		if n := s.Count("base_notice", "via", "urge"); n != 2 {
			t.Errorf("%d notices", n)
		}
		if n := s.Count("journal_entry", "action", "urge"); n != 2 {
			t.Errorf("%d journal entries", n)
		}
		s.Company("别处", "x")
		s.Person("far")
		if err := urge("far"); fault.KindOf(err) != fault.NotFound {
			t.Errorf("somebody who may not see it: %v", err)
		}
		s.Do("lu", "x.call", call, "answer", nil)
		s.Now = s.Now.Add(time.Hour)
		if err := urge("ma"); fault.KindOf(err) != fault.NotFound {
			t.Errorf("of what is met: %v", err)
		}
	})
}

// Ensure that a wall shows its own unit and those below it, by number, unit and holder alone, that what is breached today is counted,
// and that the control room forecasts by the pace of who holds it.
func TestWall_AndForecast(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := desk(t, dsn)
		ctx := context.Background()
		works := s.Unit
		create := func(who, about string) string {
			return s.Do(who, "x.call", "", "create", map[string]any{"person": s.ID(who), "about": about}).Record
		}
		create("lu", "张先生 13812345678")
		s.Company("别处", "x")
		s.Person("far")
		create("far", "远")
		s.Turn("2026-03-02 10:00:01")
		create("lu", "李女士")
		w, err := s.E.Wall(ctx, s.Now, works)
		if err != nil || w.Open != 2 || w.Late != 1 || w.Today != 1 || w.Warning != 0 || len(w.Rows) != 2 {
			t.Fatalf("%+v %v", w, err)
		}
		for _, r := range w.Rows {
			if r.Number != "" || r.Holder != "lu" || r.Unit != "works" {
				t.Errorf("on the wall: %+v", r)
			}
		}
		if w.Rows[0].State != "late" || w.Rows[1].State != "open" {
			t.Errorf("order %+v", w.Rows)
		}
		if _, err := s.E.Wall(ctx, s.Now, "nowhere"); fault.KindOf(err) != fault.NotFound {
			t.Errorf("a unit that is none: %v", err)
		}
		board := func() *engine.Board {
			b, err := s.E.Board(ctx, s.Now, as(s, "ma"))
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		if b := board(); len(b.Forecast) != 0 || b.Today != 1 || len(b.ByHolder) != 1 || b.ByHolder[0].Open != 2 || b.ByHolder[0].Late != 1 {
			t.Errorf("who has met nothing has no pace: %+v", b)
		}
		done := create("lu", "王")
		s.Do("lu", "x.call", done, "answer", nil)
		if b := board(); len(b.Forecast) != 1 { // one in thirty days: the one due in an hour is far beyond it
			t.Errorf("forecast %+v", b.Forecast)
		}
		s.Turn("2026-03-03 09:00")
		if b := board(); b.Today != 0 {
			t.Errorf("yesterday's breaches count today: %d", b.Today)
		}
	})
}
