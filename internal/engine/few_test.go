package engine_test

import (
	"fmt"
	"slices"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/testkit"
)

var fewBook = map[string]string{
	"x/rulebook.yaml": `
rulebook: {id: x, short: x, title: 少见 | Few, source: test, version: "1.0", admin: admin}
role: {clerk: {label: 办事员 | Clerk}}
`,
	"x/card.yaml": `
form:
  card:
    label: 卡 | Card
    title: this.note
    field:
      note: {label: 说明 | Note, type: text}
      size: {label: 数量 | Size, type: int}
      owner: {label: 经手 | Owner, type: person}
      others: {label: 参加 | Others, type: list of person}
    state: {open: 在办 | Open, done: {label: 已办 | Done, final: true}}
    action:
      create: {}
      finish: {label: 办完 | Finish, by: clerk, from: open, to: done}
    view:
      large: {label: 大的 | Large, where: "this.size > 3", sort: -size, column: [note, size]}
`,
}

// Ensure that who sees few of very many records is shown, counted and found the same that he may open one by one: those of his unit,
// those he filed elsewhere, those that name him alone or in a list; in every order, page by page, with filters and words.
func TestFew(t *testing.T) { testkit.Databases(t, fewOn) }

func fewOn(t *testing.T, dsn string) {
	s := testkit.Open(t, testkit.Load(t, fewBook), dsn, "2026-03-02 09:00")
	s.Company("二厂", "x")
	s.Person("li", "clerk")
	s.Person("zhou", "clerk")
	s.Company("一厂", "x")
	s.Person("wang", "clerk")
	s.Person("gao")
	var all []string
	file := func(who, note string, size int, more ...any) {
		s.Now = s.Now.Add(1e9)
		values := map[string]any{"note": note, "size": fmt.Sprint(size)}
		for i := 0; i < len(more); i += 2 {
			values[more[i].(string)] = more[i+1]
		}
		all = append(all, s.Do(who, "x.card", "", "create", values).Record)
	}
	old := func(i int) {
		file("zhou", fmt.Sprint("二厂旧账 ", i), i)
		file("wang", fmt.Sprint("归他 ", i), i, "owner", s.ID("li"))
		file("wang", fmt.Sprint("有他 ", i), i, "others", []any{s.ID("gao"), s.ID("li")})
		file("wang", fmt.Sprint("没他 ", i), i, "others", []any{s.ID("gao")})
	}
	for i := range 4 {
		old(i)
	}
	for i := range 210 { // newer than all but the last of his
		file("wang", fmt.Sprint("一厂泵 ", i), i%7)
	}
	old(9)
	for i := range 51 {
		file("wang", fmt.Sprint("一厂阀 ", i), i%7)
	}
	s.Do("zhou", "x.card", all[0], "finish", nil)

	actor := func(who string) engine.Actor { return engine.Actor{Person: s.ID(who), Origin: "api"} }
	pages := func(who string, q engine.ListQuery) (ids []string) {
		t.Helper()
		q.Form, q.Limit = "x.card", 3
		if who == "" || who == "wang" || who == "gao" {
			q.Limit = 100
		}
		for {
			a := actor(who)
			if who == "" {
				a = engine.Actor{System: true, Origin: "system"}
			}
			p, err := s.E.List(t.Context(), s.Now, a, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range p.Rows {
				ids = append(ids, row.ID)
			}
			if q.Cursor = p.Next; p.Next == "" {
				return ids
			}
		}
	}
	for who, least := range map[string]int{"li": 15, "zhou": 5, "gao": 276, "wang": 276} {
		open := map[string]bool{} // asked one by one
		for _, id := range all {
			if _, err := s.E.Record(t.Context(), s.Now, actor(who), "x.card", id); err == nil {
				open[id] = true
			}
		}
		if len(open) < least {
			t.Errorf("%s may open %d, not %d", who, len(open), least)
		}
		for _, q := range []engine.ListQuery{{}, {Sort: "at"}, {Sort: "-size"}, {Sort: "size"}, {Sort: "note"}, {View: "large"}, {Filter: "this.size == 2"}, {Filter: "this.state == 'done'"}, {Q: "他"}, {Q: "旧账"}, {Q: "泵", Sort: "number"}} {
			want := slices.DeleteFunc(pages("", q), func(id string) bool { return !open[id] })
			if got := pages(who, q); !slices.Equal(got, want) {
				t.Errorf("%s, %+v: %d rows %v, not %d %v", who, q, len(got), got, len(want), want)
			}
			n, err := s.E.FormCount(t.Context(), s.Now, actor(who), engine.ListQuery{Form: "x.card", View: q.View, Filter: q.Filter, Q: q.Q}, true)
			if err != nil || n.Total != len(want) {
				t.Errorf("%s, %+v: counted %d, not %d (%v)", who, q, n.Total, len(want), err)
			}
		}
		if who == "li" || who == "zhou" { // what waits for him is what he could finish
			var waits, could []string
			tasks, err := s.E.Tasks(t.Context(), s.Now, actor(who), true)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range slices.Concat(tasks.Groups.Late, tasks.Groups.Today, tasks.Groups.Week, tasks.Groups.Later) {
				waits = append(waits, x.Record)
			}
			for _, id := range all {
				if _, err := s.E.Do(t.Context(), s.Now, engine.Act{Form: "x.card", Record: id, Action: "finish", Dry: true, Actor: actor(who)}); err == nil {
					could = append(could, id)
				}
			}
			slices.Sort(waits)
			slices.Sort(could)
			if !slices.Equal(waits, could) || len(could) < 4 {
				t.Errorf("%s has tasks %v, could finish %v", who, waits, could)
			}
		}
		for _, word := range []string{"一", "厂", "旧账", "他", "归他", "一厂"} { // among the newest that have it, much further back, or nowhere
			want := slices.DeleteFunc(pages("", engine.ListQuery{Q: word}), func(id string) bool { return !open[id] })
			found, err := s.E.Search(t.Context(), s.Now, actor(who), word)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, g := range found.Groups {
				if g.Kind == "record" {
					for _, h := range g.Hits {
						got = append(got, h.ID)
					}
				}
			}
			if want = want[:min(len(want), 8)]; !slices.Equal(got, want) {
				t.Errorf("%s found by %s %v, not %v", who, word, got, want)
			}
		}
	}
}
