package engine_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

var heldBook = map[string]string{
	"x/rulebook.yaml": `
rulebook: {id: x, short: x, title: 归谁 | Whose, source: test, version: "1.0", admin: admin}
role: {clerk: {label: 办事员 | Clerk}, chief: {label: 主管 | Chief}}
`,
	"x/clauses.yaml": "x-1: {kind: clock, zh: 三天, en: Three days}\n",
	"x/card.yaml": `
form:
  card:
    label: 卡 | Card
    field:
      owner: {label: 经手 | Owner, type: person}
    state: {open: 在办 | Open, done: {label: 已办 | Done, final: true}}
    action:
      give: {label: 转交 | Hand over, fill: [owner]}
      finish: {label: 办完 | Finish, from: open, to: done}
    deadline:
      own: {label: 经手期限 | Owner's, from: create, to: finish, within: 3d, holder: this.owner, clause: x-1}
      all: {label: 主管期限 | Chiefs', from: create, to: finish, within: 4d, holder: chief, clause: x-1}
`,
}

// Ensure that everybody is told the clocks he holds and no others, alone or with others, after a hand-over and after it is done, a
// stand-in those of whom he stands in for, and what a program wrote that knew no marks.
func TestHeld(t *testing.T) { testkit.Databases(t, heldOn) }

func heldOn(t *testing.T, dsn string) {
	s := testkit.Open(t, testkit.Load(t, heldBook), dsn, "2026-03-02 09:00")
	s.Company("厂", "x")
	for who, role := range map[string]string{"wang": "clerk", "li": "clerk", "ma": "chief", "qian": "chief", "zhao": "clerk"} {
		s.Person(who, role)
	}
	clock := s.E.Lib.Form("base.clock").Table
	held := func(who string) (list []string) {
		t.Helper()
		tasks, err := s.E.Tasks(context.Background(), s.Now, engine.Actor{Person: s.ID(who)}, true)
		if err != nil {
			t.Fatal(err)
		}
		counts, err := s.E.Counts(context.Background(), s.Now, engine.Actor{Person: s.ID(who)})
		if err != nil || counts != tasks.Counts {
			t.Errorf("%s: counted %v, listed %v %v", who, counts, tasks.Counts, err)
		}
		for _, g := range [][]engine.Task{tasks.Groups.Late, tasks.Groups.Today, tasks.Groups.Week, tasks.Groups.Later} {
			for _, x := range g {
				if x.Deadline != "" {
					list = append(list, x.Record+" "+x.Deadline)
				}
			}
		}
		slices.Sort(list)
		return list
	}
	same := func(what, who string, want ...string) {
		t.Helper()
		slices.Sort(want)
		if got := held(who); !slices.Equal(got, want) {
			t.Errorf("%s: %s holds %v, not %v", what, who, got, want)
		}
	}
	file := func(owner string) string {
		return s.Do("wang", "x.card", "", "create", map[string]any{"owner": s.ID(owner)}).Record
	}
	a, b := file("wang"), file("li")
	check := func(what string) {
		t.Helper()
		same(what, "wang", a+" own")
		same(what, "li", b+" own")
		same(what, "ma", a+" all", b+" all")
		same(what, "qian", a+" all", b+" all")
		same(what, "zhao")
	}
	check("filed")
	unmark := func(id any) {
		if err := s.DB.Write(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Update(clock, store.Row{"id": id}, store.Row{"held": nil})
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	var ids []any
	if err := s.DB.Read(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Select(query.Select{Table: clock, Alias: "c", Order: []query.Order{{Expr: query.Col{Alias: "c", Name: "id"}}}})
		for _, r := range rows {
			ids = append(ids, r["id"])
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for i, id := range ids { // one after the other, so that marked and unmarked ones are mixed
		unmark(id)
		check(fmt.Sprintf("%d of %d without marks", i+1, len(ids)))
	}
	s.Do("wang", "x.card", a, "give", map[string]any{"owner": s.ID("zhao")})
	same("handed over", "wang")
	same("handed over", "zhao", a+" own")
	s.System("base.absence", map[string]any{"person": s.ID("zhao"), "from": "2026-03-01", "until": "2026-03-31", "stand_in": s.ID("li")})
	same("standing in", "li", a+" own", b+" own")
	s.Do("wang", "x.card", a, "finish", nil)
	same("done", "li", b+" own")
	same("done", "ma", b+" all")
	s.Restart()
	c := file("wang")
	same("after a restart", "wang", c+" own")
	same("after a restart", "qian", b+" all", c+" all")
}

// Ensure that of very many the most urgent hundred are listed, that all are counted and come when asked for, and that what is not
// listed for its limit does not come back as an open stage.
func TestHeld_Many(t *testing.T) { testkit.Databases(t, heldManyOn) }

func heldManyOn(t *testing.T, dsn string) {
	s := testkit.Open(t, testkit.Load(t, heldBook), dsn, "2026-03-02 09:00")
	s.Company("厂", "x")
	for _, who := range []string{"wang", "li"} {
		s.Person(who, "clerk")
	}
	const late, fresh = 90, 40
	file := func(n int) (ids []string) {
		for range n {
			ids = append(ids, s.Do("li", "x.card", "", "create", map[string]any{"owner": s.ID("wang")}).Record)
		}
		return ids
	}
	old := file(late)
	s.Now = testkit.At(t, "2026-03-06 09:00") // a Friday
	file(fresh)
	ask := func(all bool) *engine.TaskList {
		t.Helper()
		list, err := s.E.Tasks(t.Context(), s.Now, engine.Actor{Person: s.ID("wang")}, all)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	first, all := ask(false), ask(true)
	if want := (engine.TaskCounts{Late: late, Later: fresh}); all.Counts != want || first.Counts != want {
		t.Errorf("counted %+v of the first and %+v of all, not %+v", first.Counts, all.Counts, want)
	}
	listed := func(l *engine.TaskList) int {
		return len(l.Groups.Late) + len(l.Groups.Today) + len(l.Groups.Week) + len(l.Groups.Later)
	}
	if listed(first) != 100 || !first.More || listed(all) != late+fresh || all.More {
		t.Errorf("%d and %d listed, more %t and %t", listed(first), listed(all), first.More, all.More)
	}
	for _, x := range first.Groups.Late {
		if !slices.Contains(old, x.Record) {
			t.Errorf("%s is not among the late ones", x.Record)
		}
	}
	if len(first.Groups.Late) != late {
		t.Errorf("%d late ones come first, not %d", len(first.Groups.Late), late)
	}
	for _, x := range append(first.Groups.Later, all.Groups.Later...) {
		if x.Deadline == "" {
			t.Errorf("%s comes as a stage", x.Record)
		}
	}
}
