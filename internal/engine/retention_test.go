package engine_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/testkit"
)

// Ensure that what is no longer kept is proposed for destruction on the day its term ends and not before, to whom the retention names, and not
// while something holds it; that only he destroys it, not early, with what has to be said and the witnesses that it takes; that what was
// personal is gone then, the rest stands, and the journal tells it.
func TestRetention_Destroy(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		book := map[string]string{"k/rulebook.yaml": `rulebook: {id: k, title: 簿 | Book, version: "1.0", needs: [base]}
role: {keeper: {label: 保管员 | Keeper}, clerk: {label: 办事员 | Clerk}}
class: {private: {label: 个人 | Personal, personal: true}}
retention:
  year: {label: 一年 | One year, keep: 12mo, from: done.close.at, hold: [{that: this.suit, say: 诉讼未了 | A suit is open}], destroy: {by: keeper, within: 30d, with: [method, seen_by], witness: 2}}
form:
  paper:
    label: 文书 | Paper
    title: this.subject
    retention: year
    field:
      subject: {label: 题名 | Subject, type: text}
      phone: {label: 电话 | Telephone, type: phone, class: private}
      suit: {label: 有诉讼 | Suit open, type: bool, default: "false"}
      method: {label: 办法 | Method, type: text}
      seen_by: {label: 见证人 | Witnesses, type: list of person}
    state: {open: 在办 | Open, closed: {label: 归档 | Filed, final: true}}
    action:
      create: {by: clerk, fill: [subject, phone]}
      close: {label: 归档 | File, from: open, to: closed, by: clerk}
      sue: {label: 起诉 | Sue, from: closed, by: clerk, again: true, do: [{set: {suit: "!this.suit"}}]}
`}
		s := testkit.Open(t, testkit.Load(t, book), dsn, "2025-03-03 09:00")
		s.Company("office", "k")
		for name, role := range map[string]string{"bao": "keeper", "kang": "clerk", "li": "clerk", "sun": "clerk"} {
			s.Person(name, role)
		}
		made := func(subject string) string {
			id := s.Do("kang", "k.paper", "", "create", map[string]any{"subject": subject, "phone": "13812345678"}).Record
			s.Do("kang", "k.paper", id, "close", nil)
			return id
		}
		paper, sued := made("甲"), made("乙")
		s.Do("kang", "k.paper", sued, "sue", nil)
		tasks := func(who string) (list []string) {
			t.Helper()
			got, err := s.E.Tasks(context.Background(), s.Now, engine.Actor{Person: s.ID(who), Origin: "api"}, true)
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range [][]engine.Task{got.Groups.Late, got.Groups.Today, got.Groups.Week, got.Groups.Later} {
				for _, x := range g {
					list = append(list, x.Record)
				}
			}
			return list
		}
		with := func(seen ...string) map[string]any {
			ids := []any{}
			for _, who := range seen {
				ids = append(ids, s.ID(who))
			}
			return map[string]any{"method": "粉碎", "seen_by": ids}
		}
		refused := func(who, id, group string, values map[string]any) {
			t.Helper()
			if r := s.Refused(who, "k.paper", id, "destroy", values); r.Group != group {
				t.Errorf("%s at %s: refused by %s, want %s", who, s.Now, r.Group, group)
			}
		}
		s.Turn("2026-03-03 23:59:59")
		refused("bao", paper, "state", with("li", "sun"))
		if list := tasks("bao"); len(list) != 0 {
			t.Errorf("proposed before its term is over: %v", list)
		}
		s.Turn("2026-03-04 00:00")
		if list := tasks("bao"); len(list) != 1 || list[0] != paper {
			t.Errorf("at the end of the term: %v, want %s", list, paper)
		}
		if list := tasks("kang"); len(list) != 0 {
			t.Errorf("proposed to another: %v", list)
		}
		refused("kang", paper, "who", with("li", "sun"))
		refused("bao", paper, "fill", map[string]any{"method": "粉碎"})
		refused("bao", paper, "require", with("li", "bao"))
		refused("bao", sued, "state", with("li", "sun"))
		s.Do("bao", "k.paper", paper, "destroy", with("li", "sun"))
		refused("bao", paper, "state", with("li", "sun"))
		if list := tasks("bao"); len(list) != 0 {
			t.Errorf("destroyed, and still to do: %v", list)
		}
		rec, err := s.E.Record(context.Background(), s.Now, engine.Actor{Person: s.ID("bao"), Origin: "api"}, "k.paper", paper)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(rec)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		if strings.Contains(text, "138") || !strings.Contains(text, "粉碎") || !strings.Contains(text, "甲") {
			t.Errorf("what is left: %s", text)
		}
		s.Do("kang", "k.paper", sued, "sue", nil) // the suit is over
		s.Turn("2026-03-10 09:00")
		if list := tasks("bao"); len(list) != 1 || list[0] != sued {
			t.Errorf("what held it is gone: %v, want %s", list, sued)
		}
		s.Turn("2026-05-10 09:00") // later than thirty days
		if n := s.Count("base_breach", "of_id", sued); n != 1 {
			t.Errorf("%d breaches for what was not destroyed in time, want 1", n)
		}
		if rep, err := s.DB.Compare(context.Background()); err != nil || len(rep.Differences) > 0 {
			t.Errorf("the journal does not tell it: %v %v", rep, err)
		}
	})
}
