package engine_test

import (
	"strings"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/testkit"
)

// floodBook has a form that anybody may fill in, whose records open others.
var floodBook = map[string]string{
	"x/rulebook.yaml": `
rulebook: {id: x, short: x, title: 小店规矩 | House rules, source: test, version: "1.0", admin: admin}
`,
	"x/slip.yaml": `
form:
  slip:
    label: 条子 | Slip
    field: {what: {type: text, label: 何事 | What}}
    action: {create: {do: [{create: echo, when: "this.what == 'echo'"}]}}
  echo:
    label: 回音 | Echo
    action: {create: {label: 写 | Write}}
`,
}

// Ensure that a person opens so many records of a form in 24 hours and not one more, however he comes in and after a restart too; that
// this holds nobody else and no other form; that what a rule opens for him is not refused; and that a day later he goes on (S77).
func TestFlood(t *testing.T) { testkit.Databases(t, floodOn) }

func floodOn(t *testing.T, dsn string) {
	s := testkit.Open(t, testkit.Load(t, floodBook), dsn, "2026-03-02 09:00")
	s.Company("works", "x")
	s.Person("lu")
	s.Person("wen")
	const most = 23
	limited := func() {
		t.Helper()
		e, err := engine.New(s.DB, s.E.Lib, engine.Options{Keep: s.Keep, RecordsADay: most})
		if err != nil {
			t.Fatal(err)
		}
		s.E = e
	}
	limited()
	full := func(when, who, form, origin string) {
		t.Helper()
		table := "f" + strings.ReplaceAll(form, ".", "_")
		before := s.Count(table, "by", s.ID(who))
		_, err := s.E.Do(t.Context(), s.Now, engine.Act{Form: form, Action: "create", Actor: engine.Actor{Person: s.ID(who), Origin: origin}})
		if fault.KindOf(err) != fault.TooMany || !strings.Contains(err.Error(), "At most 23 records") {
			t.Errorf("%s: %v", when, err)
		}
		if now := s.Count(table, "by", s.ID(who)); now != before {
			t.Errorf("%s: there were %d and are %d", when, before, now)
		}
	}
	s.Do("lu", "x.slip", "", "create", nil) // the first, at nine
	s.Turn("2026-03-02 10:00")
	for range most - 2 {
		s.Do("lu", "x.slip", "", "create", nil)
	}
	if _, err := s.E.Do(t.Context(), s.Now, engine.Act{Form: "x.slip", Action: "create", Dry: true, Actor: engine.Actor{Person: s.ID("lu"), Origin: "web"}}); err != nil {
		t.Errorf("a try: %v", err)
	}
	s.Do("lu", "x.slip", "", "create", map[string]any{"what": "echo"}) // the last
	if n := s.Count("fx_slip", "by", s.ID("lu")); n != most {
		t.Fatalf("%d were opened", n)
	}
	for _, origin := range []string{"web", "api", "import"} {
		full(origin, "lu", "x.slip", origin)
	}
	limited()
	full("after a restart", "lu", "x.slip", "web")
	s.Do("wen", "x.slip", "", "create", nil)
	for range most - 1 { // the rule's own is among them
		s.Do("lu", "x.echo", "", "create", nil)
	}
	full("the other form", "lu", "x.echo", "web")

	s.Turn("2026-03-03 08:59")
	full("a minute before a day is over", "lu", "x.slip", "web")
	s.Turn("2026-03-03 09:00")
	s.Do("lu", "x.slip", "", "create", map[string]any{"what": "echo"}) // opens an echo, of which he may open none himself
	full("the next", "lu", "x.slip", "web")
	if n := s.Count("fx_echo", "by", s.ID("lu")); n != most+1 {
		t.Errorf("%d echoes", n)
	}
}
