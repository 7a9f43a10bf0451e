package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/testkit"
)

// mergeBook has firms that can be merged: orders that anybody signs for, a card of which a firm has one, a mark that bars
// orders, a bar by a field of the firm itself, and a field not all may see.
var mergeBook = map[string]string{
	"x/rulebook.yaml": "rulebook: {id: x, short: x, title: 规矩 | Rules, source: test, version: \"1.0\", admin: admin}\nrole: {clerk: {label: 办事员 | Clerk}, chief: {label: 主管 | Chief}}\nclass: {hush: {label: 机密 | Hush, see: chief.has(me)}, phones: {label: 电话 | Telephones, personal: true, see: clerk.has(me), mask: phone}}\n",
	"x/clauses.yaml":  "x-1: {kind: gate, zh: 规矩, en: Rules}\nx-2: {kind: gate, zh: 拦, en: Bars}\n",
	"x/firm.yaml": `
form:
  firm:
    clause: x-1
    label: 商号 | Firm
    title: this.name
    number: {pattern: "F{n:3}"}
    field:
      name: {label: 名称 | Name, type: text}
      code: {label: 代码 | Code, type: text, code: true, unique: true}
      secret_note: {label: 内情 | Inside, type: text, class: hush}
      phone: {label: 电话 | Telephone, type: phone, class: phones}
      cold: {label: 冻结 | Frozen, type: bool}
      into: {label: 并入 | Merged into, type: firm, back: taken}
      apart: {label: 不是同一家 | Not the same, type: list of firm}
    line:
      people: {label: 人 | People, field: {name: {label: 姓名 | Name, type: text}, phone: {label: 电话 | Telephone, type: phone, class: phones}}}
    state: {in_use: 往来 | In use, stopped: {label: 停 | Stopped, path: false}}
    action:
      stop: {label: 停 | Stop, from: in_use, to: stopped}
      merge: {label: 并入 | Merge, from: in_use, by: [this.by, chief], fill: [into], reason: 2, merge: {into: into, apart: apart}}
      set_apart: {label: 不同 | Apart, fill: [apart], again: true}
  paper:
    label: 单 | Order
    number: {pattern: "O{n:3}"}
    field:
      firm: {label: 商号 | Firm, type: firm, back: orders}
      also: {label: 相关 | Also, type: list of firm}
    line:
      rows: {label: 行 | Rows, field: {firm: {label: 商号 | Firm, type: firm}}}
    state: {open: 开 | Open, done: {label: 完 | Done, final: true}}
    action: {finish: {label: 完 | Finish, from: open, to: done, by: approval(agree)}}
  card:
    label: 卡 | Card
    title: this.firm.name
    unique: [{by: [this.firm], say: 已有卡 | There is a card}]
    field: {firm: {label: 商号 | Firm, type: firm, back: cards}}
  mark: {label: 记 | Mark, field: {firm: {label: 商号 | Firm, type: firm, back: marks}}}
approval:
  agree: {sign: clerk, restart: [firm]}
gate:
  marked: {acts: [paper.create], that: "this.firm.marks.none(m, true)", say: 被记了 | It is marked, clause: x-2}
  frozen: {acts: [paper.create], that: "!has(this.firm.cold) || !this.firm.cold", say: 冻结了 | It is frozen, clause: x-2}
  carded: {acts: [paper.finish], that: "this.firm.cards.exists(c, true)", say: 没有卡 | It has no card, clause: x-2}
`,
}

type merger struct {
	*testkit.Shop
	n int
}

func openMerger(t *testing.T, dsn string) *merger {
	s := &merger{Shop: testkit.Open(t, testkit.Load(t, mergeBook), dsn, "2026-03-02 09:00")}
	s.Company("works", "x")
	s.Person("wang", "clerk")
	s.Person("ke", "clerk")
	s.Person("tou", "chief", "clerk")
	return s
}

func (s *merger) firm(who, name string, values map[string]any) string {
	s.T.Helper()
	all := map[string]any{"name": name}
	for k, v := range values {
		all[k] = v
	}
	return s.Do(who, "x.firm", "", "create", all).Record
}

func (s *merger) merge(who, from, into string, take ...string) (*engine.Outcome, error) {
	s.n++
	return s.E.Do(context.Background(), s.Now, engine.Act{Form: "x.firm", Record: from, Action: "merge", Values: map[string]any{"into": into}, Reason: "同一家", Take: take,
		Key: fmt.Sprint(s.n), Actor: engine.Actor{Person: s.ID(who), Origin: "web"}})
}

func (s *merger) refused(who, from, into, clause, words string, take ...string) {
	s.T.Helper()
	_, err := s.merge(who, from, into, take...)
	r, ok := engine.AsRefusal(err)
	if !ok || !slices.ContainsFunc(r.Items, func(x engine.Reason) bool { return x.Clause == clause && strings.Contains(x.Say.ZH, words) }) {
		s.T.Errorf("%s into %s: want %q, got %v", from, into, words, err)
	}
}

// Ensure that the one that stays takes over what refers to the other, in every state and in lists and rows, with its signatures; that the
// other says where it went and does nothing more; and that both histories, search and the journal say so.
func TestMerge(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := openMerger(t, dsn)
		ctx, wang := context.Background(), engine.Actor{Person: s.ID("wang")}
		old := s.firm("wang", "泰和泵业", map[string]any{"code": "TH1", "phone": "13800000417"})
		stay := s.firm("wang", "泰和泵业公司", map[string]any{"code": "TH2"})
		other := s.firm("wang", "仁和", nil)
		if _, err := s.E.Do(ctx, s.Now, engine.Act{Form: "x.firm", Record: old, Action: "edit", Lines: map[string][]map[string]any{"people": {{"name": "周", "phone": "13900000418"}}}, Actor: wang}); err != nil {
			t.Fatal(err)
		}
		card := s.Do("wang", "x.card", "", "create", map[string]any{"firm": old}).Record
		order := s.Do("wang", "x.paper", "", "create", map[string]any{"firm": old, "also": []any{old, stay, other}}).Record
		signed := s.Do("wang", "x.paper", "", "create", map[string]any{"firm": old}).Record
		s.Do("ke", "x.paper", signed, "finish", nil)
		rows, err := s.E.Do(ctx, s.Now, engine.Act{Form: "x.paper", Action: "create", Values: map[string]any{"firm": other}, Lines: map[string][]map[string]any{"rows": {{"firm": old}}}, Actor: wang})
		if err != nil {
			t.Fatal(err)
		}
		s.Do("wang", "x.firm", other, "set_apart", map[string]any{"apart": []any{old}})
		if _, err := s.merge("wang", old, stay, "code", "phone"); err != nil {
			t.Fatal(err)
		}
		look := func(form, id string) *engine.RecordView {
			t.Helper()
			v, err := s.E.Record(ctx, s.Now, wang, form, id)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		for form, id := range map[string]string{"fx_paper": order, "fx_card": card, "fx_mark": ""} {
			if id != "" && s.Column(form, id, "firm") != stay {
				t.Errorf("%s still names the other", form)
			}
		}
		if s.Column("fx_paper", signed, "firm") != stay || s.Column("fx_paper", signed, "state") != "done" {
			t.Errorf("what is finished was not moved, or moved on")
		}
		if got := look("x.paper", signed).Signatures; len(got) != 1 || got[0].State != "signed" {
			t.Errorf("signatures: %+v", got)
		}
		if got := s.Column("fx_paper", order, "also"); strings.Count(got, stay) != 1 || strings.Contains(got, old) || !strings.Contains(got, other) {
			t.Errorf("list: %s", got)
		}
		if got := look("x.paper", rows.Record).Lines["rows"]; len(got) != 1 || !strings.Contains(fmt.Sprint(got[0].Values["firm"]), stay) {
			t.Errorf("rows: %v", got)
		}
		if got := s.Column("fx_firm", other, "apart"); !strings.Contains(got, stay) {
			t.Errorf("apart: %s", got)
		}
		v := look("x.firm", stay)
		if v.Values["code"] != "TH1" || v.Values["phone"] != "13800000417" || v.Values["name"] != "泰和泵业公司" || len(v.Lines["people"]) != 1 || v.Lines["people"][0].Values["phone"] != "13900000418" {
			t.Errorf("stays: %v %v", v.Values, v.Lines)
		}
		gone := look("x.firm", old)
		if gone.Merged == nil || gone.Merged.ID != stay || !strings.Contains(gone.Merged.Say.ZH, "F002") {
			t.Errorf("gone: %+v", gone.Merged)
		}
		for id, words := range map[string]string{old: "并入“F002", stay: "把“F001"} {
			h, err := s.E.History(ctx, s.Now, wang, "x.firm", id)
			if err != nil || !slices.ContainsFunc(h, func(x engine.HistoryEntry) bool {
				return strings.Contains(x.Text.ZH, words) && strings.Contains(x.Text.ZH, "理由：同一家")
			}) {
				t.Errorf("history of %s: %+v %v", id, h, err)
			}
		}
		for _, q := range []string{"F001", "TH1", "泰和泵业"} {
			found, err := s.E.Search(ctx, s.Now, wang, q)
			var ids []string
			for _, g := range found.Groups {
				for _, hit := range g.Hits {
					if hit.Form == "x.firm" {
						ids = append(ids, hit.ID)
					}
				}
			}
			if err != nil || !slices.Equal(ids, []string{stay}) {
				t.Errorf("search %s: %v %v", q, ids, err)
			}
		}
		t.Run("ErrDone", func(t *testing.T) {
			for _, action := range []string{"edit", "stop", "set_apart", "merge"} {
				if r := s.Refused("wang", "x.firm", old, action, map[string]any{}); r.Group != "state" || !strings.Contains(r.Items[0].Say.ZH, "F002") {
					t.Errorf("%s: %+v", action, r)
				}
			}
			for form, values := range map[string]map[string]any{"x.paper": {"firm": old}, "x.firm": {"apart": []any{old}}} {
				if _, err := s.Try("wang", form, "", "create", values); fault.KindOf(err) != fault.Invalid {
					t.Errorf("%s: %v", form, err)
				}
			}
			if _, err := s.Try("wang", "x.firm", other, "edit", map[string]any{"into": stay}); fault.KindOf(err) != fault.Invalid {
				t.Errorf("edit: %v", err)
			}
		})
		t.Run("Replay", func(t *testing.T) {
			s.n--
			if out, err := s.merge("wang", old, stay, "code", "phone"); err != nil || !out.Replay {
				t.Errorf("%+v %v", out, err)
			}
			s.n--
			if _, err := s.merge("wang", old, stay, "code"); err == nil {
				t.Error("another choice under the same key")
			}
		})
		t.Run("Onward", func(t *testing.T) {
			if _, err := s.merge("wang", stay, other); err != nil {
				t.Fatal(err)
			}
			if s.Column("fx_firm", old, "into") != other || s.Column("fx_paper", order, "firm") != other {
				t.Error("what was merged first did not go on")
			}
			found, err := s.E.Search(ctx, s.Now, wang, "F001")
			if err != nil || len(found.Groups) == 0 || found.Groups[0].Hits[0].ID != other {
				t.Errorf("%+v %v %s", found, err, s.Column("fx_firm", other, "search"))
			}
		})
		if list := differences(t, s.Shop); len(list) > 0 {
			t.Errorf("the journal says otherwise: %+v", list)
		}
	})
}

// Ensure that a merge gets round nothing: who may not, what he does not see, what bars one, what may be there once.
func TestMerge_Guards(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := openMerger(t, dsn)
		a, b := s.firm("wang", "甲", nil), s.firm("wang", "乙", nil)
		theirs := s.firm("ke", "丙", nil)
		t.Run("ErrWho", func(t *testing.T) {
			for _, x := range [][2]string{{a, theirs}, {theirs, a}} {
				_, err := s.merge("wang", x[0], x[1])
				if r, ok := engine.AsRefusal(err); !ok || r.Group != "who" {
					t.Errorf("%v", err)
				}
			}
			s.refused("wang", a, a, "", "并入它自己")
			if _, err := s.Try("wang", "x.firm", a, "edit", map[string]any{"into": b}); fault.KindOf(err) != fault.Invalid {
				t.Errorf("%v", err)
			}
			if _, err := s.E.Do(context.Background(), s.Now, engine.Act{Form: "x.firm", Record: a, Action: "edit", Take: []string{"name"}, Actor: engine.Actor{Person: s.ID("wang")}}); fault.KindOf(err) != fault.Invalid {
				t.Errorf("%v", err)
			}
		})
		t.Run("Offered", func(t *testing.T) { // any other, not the one that is to go
			for record, want := range map[string][]string{"": {a, b}, a: {b}} {
				list, err := s.E.Options(context.Background(), s.Now, engine.Actor{Person: s.ID("wang"), Origin: "api"}, "x.firm", "into", "", record, "", nil)
				var got []string
				for _, o := range list {
					if o.ID != theirs {
						got = append(got, o.ID)
					}
				}
				slices.Sort(got)
				slices.Sort(want)
				if err != nil || !slices.Equal(got, want) {
					t.Errorf("%s: %v, want %v (%v)", record, got, want, err)
				}
			}
		})
		t.Run("ErrTake", func(t *testing.T) {
			s.refused("wang", a, b, "", "不对你全部公开", "secret_note")
			s.refused("wang", a, b, "", "不在修改时填", "apart")
			if _, err := s.merge("wang", a, b, "nothing"); fault.KindOf(err) != fault.Invalid {
				t.Errorf("%v", err)
			}
		})
		t.Run("ErrStopped", func(t *testing.T) {
			stopped := s.firm("wang", "停", nil)
			s.Do("wang", "x.firm", stopped, "stop", nil)
			s.refused("wang", a, stopped, "", "停")
			if r := s.Refused("wang", "x.firm", stopped, "merge", map[string]any{"into": a}); r.Group != "state" {
				t.Errorf("%+v", r)
			}
		})
		t.Run("ErrTwice", func(t *testing.T) {
			one, two := s.firm("wang", "一", nil), s.firm("wang", "二", nil)
			s.Do("wang", "x.card", "", "create", map[string]any{"firm": one})
			mine := s.Do("wang", "x.card", "", "create", map[string]any{"firm": two}).Record
			s.refused("wang", one, two, "", "两份都有“卡”")
			s.Do("wang", "x.card", mine, "edit", nil)
			if _, err := s.E.Do(context.Background(), s.Now, engine.Act{Form: "x.card", Record: mine, Action: "void", Reason: "重复", Actor: engine.Actor{Person: s.ID("wang")}}); err != nil {
				t.Fatal(err)
			}
			if _, err := s.merge("wang", one, two); err != nil {
				t.Errorf("once one is void: %v", err)
			}
		})
		t.Run("Marked", func(t *testing.T) { // the mark moves along, and bars the one that stays
			bad, good := s.firm("wang", "坏", nil), s.firm("wang", "好", nil)
			s.Do("wang", "x.mark", "", "create", map[string]any{"firm": bad})
			if _, err := s.merge("wang", bad, good); err != nil {
				t.Fatal(err)
			}
			if r := s.Refused("wang", "x.paper", "", "create", map[string]any{"firm": good}); r.Group != "gate" {
				t.Errorf("%+v", r)
			}
		})
		t.Run("ErrFrozen", func(t *testing.T) { // a bar in the record itself does not go away with it
			cold, warm := s.firm("wang", "冻", map[string]any{"cold": true}), s.firm("wang", "热", map[string]any{"cold": false})
			s.refused("wang", cold, warm, "x-2", "冻结了")
			if s.Column("fx_firm", cold, "state") != "in_use" {
				t.Error("something was changed")
			}
			if _, err := s.merge("wang", cold, warm, "cold"); err != nil {
				t.Errorf("with the stricter value: %v", err)
			}
			if r := s.Refused("wang", "x.paper", "", "create", map[string]any{"firm": warm}); r.Group != "gate" {
				t.Errorf("%+v", r)
			}
		})
	})
}

// Ensure that of the same merge twice at once one is done, of both ways at once one, and that no paper filed meanwhile names what is gone.
func TestMerge_AtOnce(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := openMerger(t, dsn)
		for i := range 4 {
			a, b := s.firm("wang", fmt.Sprint("甲", i), nil), s.firm("wang", fmt.Sprint("乙", i), nil)
			items := []string{"ab", "ba", "ab", "o", "o", "o"}
			if n := s.AtOnce(items, func(x string) error {
				act := engine.Act{Form: "x.firm", Record: a, Action: "merge", Values: map[string]any{"into": b}, Reason: "同一家", Actor: engine.Actor{Person: s.ID("wang")}}
				switch x {
				case "ba":
					act.Record, act.Values = b, map[string]any{"into": a}
				case "o":
					act = engine.Act{Form: "x.paper", Action: "create", Values: map[string]any{"firm": a}, Actor: act.Actor}
				}
				_, err := s.E.Do(context.Background(), s.Now, act)
				if fault.KindOf(err) == fault.Invalid { // it was merged already when the paper, or the other merge, came
					return nil
				}
				return err
			}); n < 4 {
				t.Errorf("only %d of %d ended well", n, len(items))
			}
			gone := a
			if s.Column("fx_firm", a, "state") != "void" {
				gone = b
			}
			if s.Column("fx_firm", a, "state") == s.Column("fx_firm", b, "state") {
				t.Error("not one of two is gone")
			}
			if n := s.Count("fx_paper", "firm", gone); n > 0 {
				t.Errorf("%d orders name what is gone", n)
			}
		}
	})
}
