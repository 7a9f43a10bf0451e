package engine_test

import (
	"context"
	"fmt"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/testkit"
)

var pageBook = map[string]string{
	"x/rulebook.yaml": `
rulebook: {id: x, short: x, title: 小店规矩 | House rules, source: test, version: "1.0", admin: admin}
role:
  clerk: {label: 办事员 | Clerk}
`,
	"x/clauses.yaml": `
x-1: {kind: clock, zh: 三天, en: Three days}
`,
	"x/forms.yaml": `
form:
  job:
    label: 工单 | Job
    title: this.subject
    field:
      subject: {label: 事由 | Subject, type: text, required: "true"}
    line:
      steps: {label: 步骤 | Steps, field: {what: {label: 内容 | What, type: text}}}
      parts: {label: 用料 | Parts, field: {what: {label: 内容 | What, type: text}}}
    state: {draft: 草稿 | Draft, open: 办理中 | Open, closed: {label: 办结 | Closed, final: true}}
    action:
      create: {by: clerk}
      start: {label: 开工 | Start, from: [draft, open], to: open, by: clerk, again: true}
      finish: {label: 完工 | Finish, from: open, to: closed, by: clerk}
    deadline:
      done: {label: 完工 | Done, from: start, to: finish, within: 3d, holder: clerk, clause: x-1}
  remark:
    label: 备注 | Remark
    title: this.text
    field:
      job: {type: job, label: 工单 | Job, back: remarks}
      text: {label: 内容 | Text, type: text}
    action:
      create: {by: clerk}
`,
}

// Ensure that a record's page asks as many questions of a record with much around it as of one with little, and fewer of one with nothing.
func TestRecord_Questions(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, testkit.Load(t, pageBook), dsn, "2026-03-02 09:00")
		s.Company("works", "x")
		s.Person("wang", "clerk")
		of := func(n int) (id string, questions int64) {
			var rows []map[string]any
			for i := range n {
				rows = append(rows, map[string]any{"what": fmt.Sprint("第", i)})
			}
			out, err := s.E.Do(context.Background(), s.Now, engine.Act{Form: "x.job", Action: "create", Values: map[string]any{"subject": "法兰"}, Lines: map[string][]map[string]any{"steps": rows},
				Actor: engine.Actor{Person: s.ID("wang"), Origin: "api"}})
			if err != nil {
				t.Fatal(err)
			}
			for i := range n {
				s.Do("wang", "x.job", out.Record, "start", nil)
				s.Do("wang", "x.remark", "", "create", map[string]any{"job": out.Record, "text": fmt.Sprint(i)})
			}
			before := s.DB.Stats().Statements
			v, err := s.E.Record(context.Background(), s.Now, engine.Actor{Person: s.ID("wang"), Origin: "api"}, "x.job", out.Record)
			if err != nil {
				t.Fatal(err)
			}
			related := 0
			for _, x := range v.Related {
				related += len(x.Rows)
			}
			if len(v.Lines["steps"]) != n || len(v.Clocks) < min(n, 1) || related != n || len(v.Lines["parts"]) != 0 {
				t.Errorf("of %d: %d rows, %d clocks, %d related", n, len(v.Lines["steps"]), len(v.Clocks), related)
			}
			return out.Record, s.DB.Stats().Statements - before
		}
		_, none := of(0)
		_, one := of(1)
		_, many := of(6)
		if many != one || none >= one || one > 9 {
			t.Errorf("%d questions of a bare record, %d of one with a row, a clock and a remark, %d of one with six of each", none, one, many)
		}
	})
}
