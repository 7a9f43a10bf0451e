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
