package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/testkit"
)

// Ensure that a form's process is told without a record, and with one where it stands and the way it took, back and forth;
// a record one may not see is not there, and a sleeping action is no way.
func TestFlow(t *testing.T) {
	lib := testkit.Load(t, map[string]string{
		"x/rulebook.yaml": `rulebook: {id: x, short: x, title: 试 | Trial, version: "1.0", language: 1, needs: [base]}`,
		"x/clauses.yaml":  "x-1: {kind: gate, zh: 科长核, en: The chief decides}\n",
		"x/forms.yaml": `
role: {clerk: {label: 办事员 | Clerk}, chief: {label: 科长 | Chief}}
form:
  matter:
    label: 事项 | Matter
    field: {subject: {label: 事由 | Subject, type: text}}
    state: {draft: 草稿 | Draft, sent: 已送 | Sent, agreed: {label: 已批 | Agreed, final: true}, dropped: {label: 撤销 | Dropped, final: true, path: false}}
    action:
      send: {label: 送出 | Send, from: draft, to: sent, by: clerk}
      note: {label: 补充 | Add, from: sent, by: clerk}
      back: {label: 退回 | Return, from: sent, to: draft, by: chief}
      agree: {label: 批准 | Agree, from: sent, to: agreed, by: {is: chief, clause: x-1}}
      lapse: {label: 过期 | Lapse, from: [draft, sent], to: dropped, by: clock, auto: "this.subject == '旧'", style: danger}
`})
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, lib, dsn, "2026-03-02 09:00")
		s.Company("works", "x")
		s.Person("wang", "clerk")
		s.Person("lin", "chief")
		look := func(id string) *engine.Flow {
			t.Helper()
			v, err := s.E.Flow(context.Background(), s.Now, engine.Actor{Person: s.ID("wang")}, "x.matter", id)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		told := func(v *engine.Flow) string {
			var list []string
			for _, x := range v.States {
				list = append(list, x.ID+":"+x.Status)
			}
			for _, x := range v.Took {
				list = append(list, x.From+">"+x.To)
			}
			return strings.Join(list, " ")
		}
		v := look("")
		ways := ""
		for _, x := range v.Ways {
			ways += fmt.Sprintf("%s%s %v>%s any=%t clock=%t; ", x.Action, x.Clause, x.From, x.To, x.Any, x.Clock)
		}
		if want := "send [draft]>sent any=false clock=false; back [sent]>draft any=false clock=false; agreex-1 [sent]>agreed any=false clock=false; " +
			"lapse [draft sent]>dropped any=false clock=true; void []>void any=true clock=false; "; ways != want {
			t.Errorf("%s\nwanted %s", ways, want)
		}
		if want := "draft: sent: agreed: dropped: void:"; told(v) != want {
			t.Errorf("%s, wanted %s", told(v), want)
		}
		id := s.Do("wang", "x.matter", "", "create", map[string]any{"subject": "法兰"}).Record
		for _, step := range []struct{ who, action, want string }{
			{"wang", "send", "draft:done sent:current agreed:ahead dropped:ahead void:ahead draft>sent"},
			{"lin", "back", "draft:current sent:done agreed:ahead dropped:ahead void:ahead draft>sent sent>draft"},
			{"wang", "send", "draft:done sent:current agreed:ahead dropped:ahead void:ahead draft>sent sent>draft draft>sent"},
			{"lin", "agree", "draft:done sent:done agreed:done dropped:ahead void:ahead draft>sent sent>draft draft>sent sent>agreed"},
		} {
			s.Do(step.who, "x.matter", id, step.action, nil)
			if got := told(look(id)); got != step.want {
				t.Errorf("%s: %s, wanted %s", step.action, got, step.want)
			}
		}
		_, err := s.E.Flow(context.Background(), s.Now, engine.Actor{Person: s.ID("wang")}, "x.matter", "nobody")
		if f := (*fault.Error)(nil); !errors.As(err, &f) || f.Kind != fault.NotFound {
			t.Errorf("a record that is not there: %v", err)
		}
	})
}
