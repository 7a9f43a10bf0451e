package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/testkit"
)

const dutyBook = `rulebook: {id: d, title: 簿 | Book, version: "1.0", needs: [base]}
role: {clerk: {label: 办事员 | Clerk}}
form:
  matter:
    label: 事 | Matter
    title: this.name
    field: {name: {label: 名 | Name, type: text}, looked_on: {label: 看过 | Looked at, type: date, required: "false"}}
    state: {open: 在办 | Open, closed: 已结 | Closed}
    action: {create: {fill: [name]}, shut: {label: 结 | Shut, from: open, to: closed, by: clerk, again: true}, reopen: {label: 重开 | Reopen, from: closed, to: open, by: clerk, again: true}, report: {label: 报 | Report, from: open, by: clerk, again: true}}
  look:
    label: 跟进 | Look
    field: {matter: {label: 事 | Matter, type: matter}}
    action: {create: {fill: [matter], do: [{set: {looked_on: today}, for: this.matter}]}, void: {from: any, by: clerk}}
duty:
  daily: {label: 每日跟进 | Every day, of: matter, where: "this.state == 'open'", every: 1d, holder: clerk, met: {count: look, if: "it.matter == this"}}
  weekly: {label: 每周报 | Every week, of: matter, where: "this.state == 'open'", every: 1w, holder: clerk, met: {to: report}}
  yearly: {label: 定期看 | From time to time, of: matter, where: "this.state == 'open'", every: 10d, align: this.looked_on, holder: clerk, met: {count: look, if: "it.matter == this"}}
`

// Ensure that the task of a duty ends when nothing is left to do: at once by what counts, by what comes late, and when its member has left, in
// time or late; that the breach stays; and that who comes back in time, or whose record is void, owes again.
func TestDuty_Settled(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, testkit.Load(t, map[string]string{"d/rulebook.yaml": dutyBook}), dsn, "2026-03-02 09:00")
		s.Company("office", "d")
		s.Person("kang", "clerk")
		made := map[string]string{}
		for _, name := range []string{"late", "left", "back", "done", "void", "week", "still"} {
			made[name] = s.Do("kang", "d.matter", "", "create", map[string]any{"name": name}).Record
		}
		look := func(name string) string {
			return s.Do("kang", "d.look", "", "create", map[string]any{"matter": made[name]}).Record
		}
		// states of a duty's clocks, the first period first
		states := func(name, duty string) string {
			t.Helper()
			page, err := s.E.Clocks(context.Background(), s.Now, engine.Actor{System: true}, engine.ClockQuery{State: "all", Limit: 200})
			if err != nil {
				t.Fatal(err)
			}
			var list []string
			for _, c := range page.Rows {
				if c.Record == made[name] && c.Name == duty {
					list = append(list, c.State)
				}
			}
			return strings.Join(list, " ")
		}
		want := func(name, duty, states_ string, breaches int) {
			t.Helper()
			if got := states(name, duty); got != states_ {
				t.Errorf("%s %s at %s: %q, want %q", name, duty, s.Now, got, states_)
			}
			if n := s.Count("base_breach", "of_id", made[name]); n != breaches {
				t.Errorf("%s at %s: %d breaches, want %d", name, s.Now, n, breaches)
			}
		}
		s.Turn("2026-03-03 00:00:01")
		s.Turn("2026-03-03 09:00")
		want("late", "daily", "open", 0)
		look("done")
		want("done", "daily", "met", 0)
		slip := look("void")
		want("void", "daily", "met", 0)
		if _, err := s.E.Do(context.Background(), s.Now, engine.Act{Form: "d.look", Record: slip, Action: "void", Reason: "记错了", Actor: engine.Actor{Person: s.ID("kang"), Origin: "api"}}); err != nil {
			t.Fatal(err)
		}
		want("void", "daily", "open", 0)
		s.Do("kang", "d.matter", made["left"], "shut", nil)
		want("left", "daily", "void", 0)
		s.Do("kang", "d.matter", made["back"], "shut", nil)
		s.Do("kang", "d.matter", made["back"], "reopen", nil)
		want("back", "daily", "open", 0)

		s.Turn("2026-03-04 00:00:01") // the day is over
		want("late", "daily", "late open", 1)
		want("left", "daily", "void", 0)
		want("back", "daily", "late open", 1)
		want("void", "daily", "late open", 1)
		want("done", "daily", "met open", 0)
		s.Turn("2026-03-04 09:00")
		look("late") // what comes late ends the late task, and counts for its own day
		want("late", "daily", "met_late met", 1)
		s.Do("kang", "d.matter", made["back"], "shut", nil)
		want("back", "daily", "dropped void", 1)
		s.Do("kang", "d.matter", made["back"], "reopen", nil)
		want("back", "daily", "dropped open", 1)

		// the scheduler was down at midnight: the first act after it finds what was due
		s.Now = testkit.At(t, "2026-03-05 09:00")
		s.Do("kang", "d.matter", made["back"], "shut", nil)
		want("back", "daily", "dropped dropped", 2)
		s.Turn("2026-03-05 09:00")
		want("back", "daily", "dropped dropped", 2)
		want("still", "daily", "late late open", 2)

		// an act that ends a duty comes too late, though the scheduler has not come round yet
		s.Turn("2026-03-09 00:00:01")
		n := s.Count("base_breach", "of_id", made["week"])
		s.Turn("2026-03-15 23:59:59")
		more := s.Count("base_breach", "of_id", made["week"]) - n
		s.Now = testkit.At(t, "2026-03-16 09:00")
		s.Do("kang", "d.matter", made["week"], "report", nil)
		want("week", "weekly", "met_late", n+more+1)
		s.Turn("2026-03-16 09:00")
		want("week", "weekly", "met_late met", n+more+2) // of this week too; and the daily one is late
		if rows := states("late", "yearly"); rows != "late open" {
			t.Errorf("counted from its own date: %q", rows)
		}
		look("late") // moves the date
		if rows := states("late", "yearly"); rows != "met_late void" {
			t.Errorf("done late, counted from its own date: %q", rows)
		}
	})
}

const siteBook = `rulebook: {id: n, title: 簿 | Book, version: "1.0", needs: [base]}
role: {clerk: {label: 办事员 | Clerk}}
form:
  site: {label: 地 | Site, title: this.name, field: {name: {label: 名 | Name, type: text}}, action: {create: {fill: [name]}}}
  contract: {label: 约 | Contract, field: {site: {label: 地 | Site, type: site}}, state: {open: 在 | Open}, action: {create: {fill: [site]}}}
  look: {label: 看 | Look, field: {site: {label: 地 | Site, type: site}}, action: {create: {fill: [site]}, void: {from: any, by: clerk}}}
duty:
  daily: {label: 每日看 | Every day, of: contract, where: "this.state == 'open'", every: 1d, holder: clerk, met: {count: look, if: "it.site == this.site"}}
`

// Ensure that what counts for a member by what both name (it.site == this.site) ends his task at once, nobody else's, and that a void one counts no more.
func TestDuty_MetByWhatBothName(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, testkit.Load(t, map[string]string{"n/rulebook.yaml": siteBook}), dsn, "2026-03-02 09:00")
		s.Company("office", "n")
		s.Person("kang", "clerk")
		site := func(name string) string {
			return s.Do("kang", "n.site", "", "create", map[string]any{"name": name}).Record
		}
		near, far := site("near"), site("far")
		ours := s.Do("kang", "n.contract", "", "create", map[string]any{"site": near}).Record
		theirs := s.Do("kang", "n.contract", "", "create", map[string]any{"site": far}).Record
		want := func(contract, state string) {
			t.Helper()
			page, err := s.E.Clocks(context.Background(), s.Now, engine.Actor{System: true}, engine.ClockQuery{State: "all", Limit: 50})
			if err != nil {
				t.Fatal(err)
			}
			var list []string
			for _, c := range page.Rows {
				if c.Record == contract {
					list = append(list, c.State)
				}
			}
			if got := strings.Join(list, " "); got != state {
				t.Errorf("at %s: %q, want %q", s.Now, got, state)
			}
		}
		s.Turn("2026-03-03 00:00:01")
		s.Turn("2026-03-03 09:00")
		want(ours, "open")
		slip := s.Do("kang", "n.look", "", "create", map[string]any{"site": near}).Record
		want(ours, "met")
		want(theirs, "open")
		if _, err := s.E.Do(context.Background(), s.Now, engine.Act{Form: "n.look", Record: slip, Action: "void", Reason: "记错了", Actor: engine.Actor{Person: s.ID("kang"), Origin: "api"}}); err != nil {
			t.Fatal(err)
		}
		want(ours, "open")
	})
}

// Ensure that what counts for many members at once costs whoever files it no more than what counts for some: the clock settles the others,
// and all of them; and so when it is void.
func TestDuty_NamedByMany(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, testkit.Load(t, map[string]string{"n/rulebook.yaml": siteBook}), dsn, "2026-03-02 09:00")
		s.Company("office", "n")
		s.Person("kang", "clerk")
		site := func(many int) string {
			id := s.Do("kang", "n.site", "", "create", map[string]any{"name": "s"}).Record
			for range many {
				s.Do("kang", "n.contract", "", "create", map[string]any{"site": id})
			}
			return id
		}
		one, some, many := site(1), site(51), site(170)
		states := func() string {
			return fmt.Sprint(s.Count("base_clock", "state", "open"), " open, ", s.Count("base_clock", "state", "met"), " met")
		}
		want := func(what, want string) {
			t.Helper()
			if got := states(); got != want {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
		}
		s.Turn("2026-03-03 00:00:01")
		s.Turn("2026-03-03 09:00")
		want("in the morning", "222 open, 0 met")
		look := func(site string) (id string, questions int64) {
			before := s.DB.Stats().Statements
			id = s.Do("kang", "n.look", "", "create", map[string]any{"site": site}).Record
			return id, s.DB.Stats().Statements - before
		}
		_, first := look(one)
		_, few := look(some)
		want("some", "171 open, 51 met")
		slip, lots := look(many)
		want("many", "121 open, 101 met")
		cursor := func() int { return s.Count("duty_cursor", "id", "named:n.daily site "+many) }
		t.Logf("an act asks %d questions of one member, %d of 51, %d of 170", first, few, lots)
		if lots > few || cursor() != 1 {
			t.Errorf("of 170 members an act asks %d questions, of 51 %d; %d cursors", lots, few, cursor())
		}
		s.Turn("2026-03-03 09:01")
		want("a minute later", "0 open, 222 met")
		if n := cursor(); n != 0 {
			t.Errorf("%d cursors are left", n)
		}
		if _, err := s.E.Do(context.Background(), s.Now, engine.Act{Form: "n.look", Record: slip, Action: "void", Reason: "记错了", Actor: engine.Actor{Person: s.ID("kang"), Origin: "api"}}); err != nil {
			t.Fatal(err)
		}
		s.Turn("2026-03-03 09:02")
		want("void", "170 open, 52 met")
	})
}
