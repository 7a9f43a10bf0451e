package engine_test

import (
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/testkit"
)

var spokenBook = map[string]string{
	"x/rulebook.yaml": `
rulebook: {id: x, short: x, title: 小店规矩 | House rules, source: test, version: "1.0", admin: admin}
`,
	"x/slip.yaml": `
form:
  slip:
    label: 条子 | Slip
    field:
      urgent: {type: bool, label: 急 | Urgent}
      way: {type: choice, label: 方式 | Way, options: [{id: post, label: 邮寄 | By post}, {id: hand, label: 当面 | By hand}]}
      words: {type: text, label: 内容 | Words}
`,
}

// Ensure that the history says the old and the new value in both languages, and what has none in one.
func TestHistory_BothLanguages(t *testing.T) {
	lib := testkit.Load(t, spokenBook)
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, lib, dsn, "2026-03-02 09:00")
		s.Company("works", "x")
		s.Person("lu")
		id := s.Do("lu", "x.slip", "", "create", map[string]any{"urgent": true, "way": "post", "words": "你好"}).Record
		s.Do("lu", "x.slip", id, "edit", map[string]any{"urgent": false, "way": "hand"})
		list, err := s.E.History(t.Context(), s.Now, engine.Actor{Person: s.ID("lu")}, "x.slip", id)
		if err != nil {
			t.Fatal(err)
		}
		said := map[string][2]any{}
		for _, h := range list {
			for _, c := range h.Changes {
				if _, later := said[c.Field]; !later {
					said[c.Field] = [2]any{c.Old, c.New}
				}
			}
		}
		for field, want := range map[string][2]any{
			"urgent": {engine.Text{ZH: "是", EN: "Yes"}, engine.Text{ZH: "否", EN: "No"}},
			"way":    {engine.Text{ZH: "邮寄", EN: "By post"}, engine.Text{ZH: "当面", EN: "By hand"}},
			"words":  {nil, "你好"},
		} {
			if said[field] != want {
				t.Errorf("%s: %v, not %v", field, said[field], want)
			}
		}
	})
}

// Ensure that a word of a parameter, of its rows or of a sanction that is written in two languages is kept in Chinese, read in both, taken
// back as it was read, and that a company's own value does the same.
func TestSpoken(t *testing.T) {
	lib := testkit.Load(t, map[string]string{
		"x/rulebook.yaml": `
rulebook: {id: x, short: x, title: 小店规矩 | House rules, source: test, version: "1.0", admin: admin}
parameter:
  rank: {label: 等级 | Rank, type: text, value: 一等 | First class}
  band:
    label: 处分表 | Sanctions
    type: table
    key: {nth: {type: number, label: 第几次 | Time}}
    upto: nth
    out: {is: {type: text, label: 处分 | Sanction}}
    rows: [{nth: 1, is: 警告 | Warning}, {is: 开除 | Dismissal}]
`,
		"x/slip.yaml": `
form:
  slip:
    label: 条子 | Slip
    field:
      rank: {type: text, label: 等级 | Rank, value: param.rank}
      worst: {type: text, label: 处分 | Sanction, value: param.band.at(7).is}
      words: {type: text, label: 内容 | Words}
offence:
  scribble: {label: 乱写 | Scribbling, upon: [slip.create], who: this.by, measure: 罚站 | Stand in the corner, confirm: admin}
`,
	})
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, lib, dsn, "2026-03-02 09:00")
		s.Company("works", "x")
		s.Person("lu")
		read := func(id string) map[string]any {
			t.Helper()
			r, err := s.E.Record(t.Context(), s.Now, engine.Actor{Person: s.ID("lu")}, "x.slip", id)
			if err != nil {
				t.Fatal(err)
			}
			return r.Values
		}
		id := s.Do("lu", "x.slip", "", "create", map[string]any{"words": "警告 | 我的话"}).Record
		for field, want := range map[string]any{
			"rank":  engine.Text{ZH: "一等", EN: "First class"},
			"worst": engine.Text{ZH: "开除", EN: "Dismissal"},
			"words": "警告 | 我的话", // what somebody wrote is his
		} {
			if got := read(id)[field]; got != want {
				t.Errorf("%s: %v, not %v", field, got, want)
			}
		}
		list, err := s.E.List(t.Context(), s.Now, engine.Actor{Person: s.ID("lu")}, engine.ListQuery{Form: "base.sanction"})
		if err != nil || len(list.Rows) != 1 || list.Rows[0].Title != "lu 乱写" || list.Rows[0].TitleEN != "lu Scribbling" {
			t.Errorf("a sanction's title in both languages: %+v, %v", list, err)
		}
		if n := s.Count("base_sanction", "measure", "罚站"); n != 1 {
			t.Errorf("%d sanctions say what is kept", n)
		}
		s.Do("lu", "x.slip", id, "edit", map[string]any{"words": map[string]any{"zh": "警告", "en": "Warning"}})
		if got := s.Column(lib.Form("x.slip").Table, id, "words"); got != "警告" {
			t.Errorf("taken back: %v", got)
		}
		s.System("base.param_value", map[string]any{"book": "x", "param": "rank", "value": "二等 | Second class", "from": "2026-03-01"})
		again := s.Do("lu", "x.slip", "", "create", nil).Record
		if got, want := read(again)["rank"], any(engine.Text{ZH: "二等", EN: "Second class"}); got != want {
			t.Errorf("a company's own word: %v, not %v", got, want)
		}
	})
}
