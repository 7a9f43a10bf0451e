package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"zhanggui/internal/engine"
	"zhanggui/internal/testkit"
)

var leaveBook = map[string]string{
	"x/rulebook.yaml": `
rulebook: {id: x, short: x, title: 移交 | Handing over, source: test, version: "1.0", admin: admin}
role: {clerk: {label: 办事员 | Clerk}, chief: {label: 主管 | Chief, holders: one, conflicts: [{with: cashier, clause: x-2}]}, cashier: {label: 出纳 | Cashier}, keeper: {label: 保管 | Keeper}}
`,
	"x/clauses.yaml": "x-1: {kind: clock, zh: 三天, en: Three days}\nx-2: {kind: gate, zh: 主管不兼出纳, en: The chief is no cashier}\nx-3: {kind: access, zh: 密件只给保管, en: Secret papers are the keeper's}\n",
	"x/card.yaml": `
class: {sealed: {label: 密件 | Sealed, see: "me == this.owner || keeper.has(me)", clause: x-3}}
form:
  card:
    label: 卡 | Card
    title: this.name
    field:
      name: {label: 名称 | Name, type: text}
      owner: {label: 经手 | Owner, type: person, passes: {by: give}}
      first: {label: 首办 | First owner, type: person}
      told: {label: 移交次数 | Times handed over, type: int, default: "0"}
    state: {open: 在办 | Open, done: {label: 已办 | Done, final: true}}
    action:
      give: {label: 转交 | Hand over, from: open, by: chief, fill: [owner], again: true, require: [{that: "this.name != '押' || this.owner.grants.exists(g, g.role == 'cashier')", say: 押件只给出纳 | A pledge goes to a cashier only, clause: x-2}], do: [{set: {told: this.told + 1}}]}
      finish: {label: 办完 | Finish, from: open, to: done, by: this.owner}
    deadline:
      own: {label: 经手期限 | Owner's, from: create, to: finish, within: 3d, holder: this.owner, clause: x-1}
      all: {label: 主管期限 | Chiefs', from: create, to: finish, within: 4d, holder: chief, clause: x-1}
  team:
    label: 小组 | Team
    title: this.name
    field:
      name: {label: 名称 | Name, type: text}
      members: {label: 成员 | Members, type: list of person, passes: {}}
      once: {label: 当时在场 | There then, type: list of person}
    line:
      shifts:
        label: 班次 | Shifts
        field:
          day: {label: 哪天 | Day, type: text}
          who: {label: 谁 | Who, type: person, passes: {when: "this.name != '不交'"}}
          pair: {label: 搭班 | With, type: list of person, passes: {}}
    state: {open: 在用 | In use, done: {label: 已散 | Over, final: true}}
    action: {finish: {label: 散 | End, from: open, to: done}}
  paper:
    label: 密件 | Sealed paper
    class: sealed
    number: {pattern: "MJ{n:3}"}
    title: this.name
    field:
      name: {label: 名称 | Name, type: text}
      owner: {label: 经手 | Owner, type: person, passes: {when: "this.name != '自留'"}, check: [{that: "this.name != '绝' || this.owner.grants.exists(g, g.role == 'keeper')", say: 只归保管 | The keeper's alone}]}
`,
}

// leaver is a house in which somebody has one of everything.
type leaver struct {
	*testkit.Shop
	cards map[string]string
}

func newLeaver(t *testing.T, dsn string) *leaver {
	s := testkit.Open(t, testkit.Load(t, leaveBook), dsn, "2026-03-02 09:00")
	s.Company("厂", "x")
	l := &leaver{s, map[string]string{}}
	for _, p := range [][]string{{"he", "admin"}, {"ma", "chief"}, {"wang"}, {"li"}, {"zhao"}, {"xin", "cashier"}, {"bao", "keeper"}} {
		s.Person(p[0], p[1:]...)
	}
	for name, owner := range map[string]string{"甲": "ma", "乙": "wang", "丙": "ma"} {
		l.cards[name] = s.Do("ma", "x.card", "", "create", map[string]any{"name": name, "owner": s.ID(owner), "first": s.ID(owner)}).Record
	}
	s.Do("ma", "x.card", l.cards["丙"], "finish", nil)
	for _, name := range []string{"密", "自留"} {
		l.cards[name] = s.Do("ma", "x.paper", "", "create", map[string]any{"name": name, "owner": s.ID("ma")}).Record
	}
	l.cards["客户"] = s.System("base.customer", map[string]any{"name": "仁和", "salesperson": s.ID("ma")})
	s.System("base.absence", map[string]any{"person": s.ID("zhao"), "from": "2026-03-01T00:00:00Z", "stand_in": s.ID("ma")})
	return l
}

func (l *leaver) of(form, id, column string) string {
	return l.Column(l.E.Lib.Form(form).Table, id, column)
}

func (l *leaver) owner(name string) string {
	form, column := "x.card", "owner"
	switch name {
	case "密", "自留":
		form = "x.paper"
	case "客户":
		form, column = "base.customer", "salesperson"
	}
	id := l.of(form, l.cards[name], column)
	for _, who := range []string{"he", "ma", "wang", "li", "zhao", "xin", "bao"} {
		if l.ID(who) == id {
			return who
		}
	}
	return id
}

// leave does the one act in the administrator's name.
func (l *leaver) leave(who, to string, at string, heirs ...map[string]any) error {
	values := map[string]any{"successor": l.ID(to)}
	if at != "" {
		values["ends_at"] = at
	}
	act := engine.Act{Form: "base.person", Record: l.ID(who), Action: "leave", Values: values, Actor: engine.Actor{Person: l.ID("he")}}
	if heirs != nil {
		act.Lines = map[string][]map[string]any{"heirs": heirs}
	}
	_, err := l.E.Do(l.T.Context(), l.Now, act)
	return err
}

// Ensure that in one act all that is somebody's goes over, each to whom is named for it, what the actor may not see too; that what is finished,
// and what only tells of the past, stays; and that the time limits he held are his successor's.
func TestLeave(t *testing.T) { testkit.Databases(t, leaveOn) }

func leaveOn(t *testing.T, dsn string) {
	l := newLeaver(t, dsn)
	if _, err := l.E.Record(t.Context(), l.Now, engine.Actor{Person: l.ID("he")}, "x.paper", l.cards["密"]); err == nil {
		t.Fatal("the administrator sees sealed papers, and the test shows nothing")
	}
	if err := l.leave("ma", "li", "", map[string]any{"what": "base.customer.salesperson", "who": l.ID("wang")}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"甲": "li", "乙": "wang", "丙": "ma", "密": "li", "自留": "ma", "客户": "wang"} {
		if got := l.owner(name); got != want {
			t.Errorf("%s is %s's, want %s", name, got, want)
		}
	}
	if l.of("x.card", l.cards["甲"], "told") != "1" || l.of("x.card", l.cards["甲"], "first") != l.ID("ma") {
		t.Error("the action that carries it was not done, or what tells of the past was changed")
	}
	for _, name := range []string{"own", "all"} {
		if who, _, err := l.E.ClockOf(t.Context(), l.cards["甲"], name); err != nil || strings.Join(who, ",") != l.ID("li") {
			t.Errorf("%s is held by %v (%v), li is %s", name, who, err, l.ID("li"))
		}
	}
	if l.Count("base_absence", "stand_in", l.ID("li")) != 1 {
		t.Error("nobody stands in")
	}
	if l.of("base.person", l.ID("ma"), "active") != "false" || l.of("base.person", l.ID("ma"), "state") != "employed" {
		t.Error("the account is open")
	}
	l.Turn("2026-03-02 09:00:01")
	if got := l.of("base.person", l.ID("ma"), "state"); got != "gone" {
		t.Errorf("he is %s", got)
	}
	// The one act is one entry, which says what went over.
	page, err := l.E.Journal(t.Context(), l.Now, engine.Actor{Person: l.ID("he")}, engine.JournalQuery{Action: "leave"})
	if err != nil || len(page.Rows) != 1 {
		t.Fatalf("%d entries %v", len(page.Rows), err)
	}
}

// Ensure that who leaves later works on to his minute, that what comes to him until then goes over when it strikes, and to whom if the
// successor has left before him.
func TestLeave_Later(t *testing.T) { testkit.Databases(t, leaveLaterOn) }

func leaveLaterOn(t *testing.T, dsn string) {
	l := newLeaver(t, dsn)
	for _, at := range []string{"2026-03-04T09:00:00Z", "2026-03-04T10:00:00Z"} { // 17:00 here, and then 18:00
		if err := l.leave("ma", "li", at); err != nil {
			t.Fatal(err)
		}
	}
	if l.owner("甲") != "li" || l.of("base.person", l.ID("ma"), "active") != "true" {
		t.Error("it is to be handed over at once, and he works on")
	}
	late := l.Do("ma", "x.card", "", "create", map[string]any{"name": "丁", "owner": l.ID("ma")}).Record
	l.cards["丁"] = late
	// His successor leaves before him; and nobody who leaves is a successor.
	if err := l.leave("wang", "ma", ""); !refusedFor(err, "接手人要在职") {
		t.Errorf("a leaver succeeds: %v", err)
	}
	if err := l.leave("li", "zhao", ""); !refusedFor(err, "“离岗 · 代理人” zhao：代理人不能是本人") {
		t.Errorf("he stands in for himself: %v", err)
	}
	if err := l.leave("li", "wang", ""); err != nil {
		t.Fatal(err)
	}
	if l.owner("甲") != "wang" {
		t.Errorf("what came from the first leaver is %s's", l.owner("甲"))
	}
	l.Turn("2026-03-04 17:59:59")
	if l.owner("丁") != "ma" || l.of("base.person", l.ID("ma"), "active") != "true" {
		t.Error("his minute struck early")
	}
	l.Turn("2026-03-04 18:00:01")
	if l.owner("丁") != "wang" || l.of("base.person", l.ID("ma"), "active") != "false" || l.of("base.person", l.ID("ma"), "state") != "gone" {
		t.Errorf("after his minute it is %s's, active %s, %s", l.owner("丁"), l.of("base.person", l.ID("ma"), "active"), l.of("base.person", l.ID("ma"), "state"))
	}
}

// Ensure that nothing is handed over by half: a successor who may not take a thing is refused in words that say which, and none who does it
// takes himself; what is not seen is not named.
func TestLeave_Refused(t *testing.T) { testkit.Databases(t, leaveRefusedOn) }

func leaveRefusedOn(t *testing.T, dsn string) {
	l := newLeaver(t, dsn)
	untouched := func(what string) {
		t.Helper()
		if l.owner("甲") != "ma" || l.owner("客户") != "ma" || l.of("base.person", l.ID("ma"), "active") != "true" || l.Count("base_role_grant", "person", l.ID("ma")) != 1 {
			t.Errorf("%s: half of it was done", what)
		}
	}
	for what, c := range map[string]struct{ to, at, say string }{
		"himself":      {"ma", "", "接手人要在职"},
		"who does it":  {"he", "", "接手人要在职"},
		"in the past":  {"li", "2026-03-02T00:59:59Z", "停用时刻已经过去"},
		"may not hold": {"xin", "", "不能由同一人担任"},
	} {
		if err := l.leave("ma", c.to, c.at); !refusedFor(err, c.say) {
			t.Errorf("%s: %v", what, err)
		}
		untouched(what)
	}
	if err := l.leave("ma", "li", "", map[string]any{"what": "x.card.owner", "who": l.ID("he")}); !refusedFor(err, "另外指定的接手人") {
		t.Errorf("another successor who does it: %v", err)
	}
	// Posts that may not be empty stay nobody's only if somebody else holds them.
	if err := l.leave("ma", "li", "", map[string]any{"what": "posts", "who": nil}); !refusedFor(err, "主管") {
		t.Errorf("the last chief: %v", err)
	}
	untouched("the last chief")
	l.cards["押"] = l.Do("ma", "x.card", "", "create", map[string]any{"name": "押", "owner": l.ID("ma")}).Record
	if err := l.leave("ma", "li", ""); !refusedFor(err, "押件只给出纳") || !refusedFor(err, "“卡 · 经手” 押") {
		t.Errorf("the action's own guard: %v", err)
	}
	untouched("the action's own guard")
	if err := l.leave("ma", "li", "", map[string]any{"what": "x.card.owner", "who": l.ID("xin")}); err != nil {
		t.Errorf("to who may: %v", err)
	}
	l.Do("bao", "x.paper", "", "create", map[string]any{"name": "绝", "owner": l.ID("bao")})
	err := l.leave("bao", "li", "", map[string]any{"what": "posts", "who": nil})
	if !refusedFor(err, "“密件 · 经手”里有一件：只归保管") || refusedFor(err, "绝") || refusedFor(err, "MJ") {
		t.Errorf("what is not seen: %v", err)
	}
	for who, by := range map[string]string{"he": "bao", "bao": "wang"} { // the last administrator; and by who is none
		act := engine.Act{Form: "base.person", Record: l.ID(who), Action: "leave", Values: map[string]any{"successor": l.ID("li")}, Actor: engine.Actor{Person: l.ID(by)}}
		if _, err := l.E.Do(t.Context(), l.Now, act); err == nil {
			t.Errorf("%s let %s leave", by, who)
		}
	}
	act := engine.Act{Form: "base.person", Record: l.ID("he"), Action: "leave", Values: map[string]any{"successor": l.ID("li")}, Actor: engine.Actor{Person: l.ID("he")}}
	if _, err := l.E.Do(t.Context(), l.Now.Add(time.Second), act); !refusedFor(err, "最后一位“管理员”") {
		t.Errorf("the last administrator: %v", err)
	}
}

// refusedFor tells whether a rule refused in these words.
func refusedFor(err error, words string) bool {
	r, ok := engine.AsRefusal(err)
	if !ok {
		return false
	}
	for _, i := range r.Items {
		if strings.Contains(i.Say.ZH, words) {
			return true
		}
	}
	return false
}

// Ensure that rows that name the leaver and lists that hold him name his successor, once; that what is finished, what tells of the past, and rows of others stay;
// and that no account ends by a date written down while anything hangs on its person, which the refusal counts as far as who writes sees it.
func TestLeave_Rows(t *testing.T) { testkit.Databases(t, leaveRowsOn) }

func leaveRowsOn(t *testing.T, dsn string) {
	l := newLeaver(t, dsn)
	who := func(names ...string) []any {
		var list []any
		for _, n := range names {
			list = append(list, l.ID(n))
		}
		return list
	}
	team := func(name string) string {
		out, err := l.E.Do(t.Context(), l.Now, engine.Act{Form: "x.team", Action: "create", Values: map[string]any{"name": name, "members": who("ma", "li", "xin"), "once": who("ma")}, Actor: engine.Actor{Person: l.ID("ma")},
			Lines: map[string][]map[string]any{"shifts": {{"day": "一", "who": l.ID("ma"), "pair": who("xin", "ma")}, {"day": "二", "who": l.ID("xin"), "pair": who("li")}}}})
		if err != nil {
			t.Fatal(err)
		}
		return out.Record
	}
	open, over, keep := team("甲"), team("乙"), team("不交")
	l.Do("ma", "x.team", over, "finish", nil)
	_, err := l.Try("he", "base.person", l.ID("ma"), "edit", map[string]any{"ends_at": "2026-03-31T10:00:00Z"})
	r, ok := engine.AsRefusal(err)
	if !ok || r.Items[0].Field != "ends_at" {
		t.Fatalf("the date is taken: %v", err)
	}
	for _, want := range []string{"客户 · 业务员 1 件", "小组 · 成员 2 件", "小组 · 班次 · 谁 1 件", "岗位 1 件", "以及你看不到的", "办理离职交接"} {
		if !strings.Contains(r.Items[0].Say.ZH, want) {
			t.Errorf("not said: %s in %s", want, r.Items[0].Say.ZH)
		}
	}
	if strings.Contains(r.Items[0].Say.ZH, "密件") || l.of("base.person", l.ID("ma"), "ends_at") != "<nil>" {
		t.Errorf("it tells of sealed papers, or was written: %s", r.Items[0].Say.ZH)
	}
	l.Do("he", "base.person", l.ID("wang"), "edit", map[string]any{"post": "钳工"})
	l.Do("he", "base.person", l.ID("bao"), "edit", map[string]any{"post": "保管"}) // a post, and no date: nothing is asked
	if err := l.leave("ma", "li", "", map[string]any{"what": "x.team.shifts.who", "who": l.ID("wang")}); err != nil {
		t.Fatal(err)
	}
	list := func(id string) string {
		s := l.of("x.team", id, "members")
		for _, n := range []string{"ma", "li", "xin"} {
			s = strings.ReplaceAll(s, l.ID(n), n)
		}
		return s
	}
	if got := list(open); got != `["li","xin"]` {
		t.Errorf("members: %s", got)
	}
	if got := list(over); got != `["ma","li","xin"]` {
		t.Errorf("of what is over: %s", got)
	}
	if got := l.of("x.team", open, "once"); got != `["`+l.ID("ma")+`"]` {
		t.Errorf("what tells of the past: %s", got)
	}
	rows := func(id, field string) string {
		v, err := l.E.Record(t.Context(), l.Now, engine.Actor{Person: l.ID("li")}, "x.team", id)
		if err != nil {
			t.Fatal(err)
		}
		s := ""
		for _, row := range v.Lines["shifts"] {
			s += fmt.Sprint(row.Values[field]) + ";"
		}
		for _, n := range []string{"ma", "li", "xin", "wang"} {
			s = strings.ReplaceAll(s, l.ID(n), "#"+n)
		}
		return s
	}
	if got := rows(open, "who"); !strings.Contains(got, "#wang") || !strings.Contains(got, "#xin") || strings.Contains(got, "#ma") {
		t.Errorf("rows: %s", got)
	}
	if got := rows(open, "pair"); !strings.Contains(got, "#li") || strings.Contains(got, "#ma") {
		t.Errorf("pairs: %s", got)
	}
	if got := rows(keep, "who"); !strings.Contains(got, "#ma") {
		t.Errorf("a row that does not pass: %s", got)
	}
	if found := differences(t, l.Shop); len(found) > 0 {
		t.Errorf("the journal says otherwise: %+v", found)
	}
}
