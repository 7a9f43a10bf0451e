package engine_test

import (
	"context"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/testkit"
)

// Ensure that what stands in a final state is neither edited nor taken out of work, and what does not is.
func TestFinal_IsFrozen(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		book := map[string]string{"f/rulebook.yaml": `rulebook: {id: f, title: 簿 | Book, version: "1.0", needs: [base]}
role: {clerk: {label: 办事员 | Clerk}}
form:
  slip:
    label: 单 | Slip
    title: this.name
    field: {name: {label: 名 | Name, type: text}}
    state: {open: 在办 | Open, booked: {label: 已作账 | Booked, final: true}}
    action: {create: {fill: [name]}, book: {label: 作账 | Book, from: open, to: booked, by: clerk}}
  note:
    label: 条 | Note
    title: this.name
    field: {name: {label: 名 | Name, type: text}}
    state: {open: 在办 | Open, ended: {label: 已完 | Ended, final: true}}
    action: {create: {fill: [name]}, end: {label: 完 | End, from: open, to: ended, by: clerk}, void: {from: any}}
`}
		s := testkit.Open(t, testkit.Load(t, book), dsn, "2026-03-02 09:00")
		s.Company("office", "f")
		s.Person("kang", "clerk")
		made := func(form string) string {
			return s.Do("kang", form, "", "create", map[string]any{"name": "甲"}).Record
		}
		void := func(form, id string) string {
			if _, err := s.E.Do(context.Background(), s.Now, engine.Act{Form: form, Record: id, Action: "void", Reason: "开错了", Actor: engine.Actor{Person: s.ID("kang"), Origin: "api"}}); err != nil {
				return "no"
			}
			return "yes"
		}
		open, booked, ended := made("f.slip"), made("f.slip"), made("f.note")
		s.Do("kang", "f.slip", booked, "book", nil)
		s.Do("kang", "f.note", ended, "end", nil)
		if r := s.Refused("kang", "f.slip", booked, "edit", map[string]any{"name": "乙"}); r.Group != "locked" {
			t.Errorf("edit of what is booked: %s", r.Group)
		}
		for _, x := range []struct{ form, id, want string }{{"f.slip", booked, "no"}, {"f.slip", open, "yes"}, {"f.note", ended, "yes"}, {"f.slip", open, "no"}} {
			if got := void(x.form, x.id); got != x.want {
				t.Errorf("%s %s is voided: %s, want %s", x.form, x.id, got, x.want)
			}
		}
	})
}

// Ensure that a record is rewritten and taken out of work by who filed it, by who stands in for him, by those above him and by an administrator, and by no colleague; and
// that the refusal names them.
func TestOwn_ByWhom(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, testkit.Load(t, map[string]string{"f/rulebook.yaml": `rulebook: {id: f, title: 簿 | Book, version: "1.0", needs: [base], admin: admin}
role: {clerk: {label: 办事员 | Clerk}}
form: {slip: {label: 单 | Slip, field: {name: {label: 名 | Name, type: text}}}}
`}), dsn, "2026-03-02 09:00")
		s.Company("office", "f")
		chief := s.Person("chief")
		for name, roles := range map[string][]string{"kang": {"clerk"}, "peng": {"clerk"}, "ting": {"clerk"}, "guan": {"admin"}} {
			s.Person(name, roles...)
		}
		s.Do("guan", "base.person", s.ID("kang"), "edit", map[string]any{"superior": chief})
		s.System("base.absence", map[string]any{"person": s.ID("kang"), "from": "2026-03-01", "until": "2026-03-31", "stand_in": s.ID("ting")})
		for _, who := range []string{"peng", "kang", "ting", "chief", "guan"} {
			for _, act := range []engine.Act{{Action: "edit", Values: map[string]any{"name": "乙"}}, {Action: "void", Reason: "开错了"}} {
				act.Form, act.Record = "f.slip", s.Do("kang", "f.slip", "", "create", map[string]any{"name": "甲"}).Record
				act.Actor = engine.Actor{Person: s.ID(who), Origin: "api"}
				_, err := s.E.Do(context.Background(), s.Now, act)
				no, refused := engine.AsRefusal(err)
				switch {
				case who != "peng":
					if err != nil {
						t.Errorf("%s %s: %v", who, act.Action, err)
					}
				case !refused || no.Group != "who":
					t.Errorf("%s by a colleague: %v", act.Action, err)
				default:
					may := map[string]bool{}
					for _, p := range no.WhoMay {
						may[p.Name] = true
					}
					if len(may) != 3 || !may["kang"] || !may["chief"] || !may["guan"] {
						t.Errorf("who may %s, says the refusal: %v", act.Action, no.WhoMay)
					}
				}
			}
		}
	})
}
