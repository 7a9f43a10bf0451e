package engine_test

import (
	"context"
	"slices"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/testkit"
)

// Ensure that a customer who is there already is found by a near name, its sound, its code in any spelling and a contact's telephone;
// that another with a name that only resembles is not; and that it is not asked of other forms.
func TestAlike(t *testing.T) {
	lib := twoBooks(t)
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, lib, dsn, "2026-03-02 09:00")
		s.Company("works", "11-customer")
		s.Person("xs", "sales")
		make := func(name, code, phone string) string {
			t.Helper()
			out, err := s.E.Do(context.Background(), s.Now, engine.Act{Form: "base.customer", Action: "create", Values: map[string]any{"name": name, "code": code},
				Lines: map[string][]map[string]any{"contacts": {{"name": "周工", "phone": phone}}}, Actor: engine.Actor{Person: s.ID("xs")}})
			if err != nil {
				t.Fatal(err)
			}
			return out.Record
		}
		taihe := make("泰和泵业有限公司", "KH-007", "13800000417")
		second := make("省第二人民医院", "YY2", "13900000418")
		english := make("Taihe Pumps Co., Ltd", "EN1", "13700000419")
		find := func(who string, values map[string]any, phone string) (ids []string) {
			t.Helper()
			list, err := s.E.Alike(context.Background(), s.Now, engine.Actor{Person: s.ID(who)}, "base.customer", values, map[string][]map[string]any{"contacts": {{"phone": phone}}}, "")
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range list {
				ids = append(ids, x.ID)
			}
			return ids
		}
		for name, want := range map[string]string{"泰和泵业": taihe, "上海泰和泵业（集团）股份有限公司": taihe, "太和泵业有限公司": taihe, "泰和泵业有限公司": taihe, "泰和泵": taihe,
			"省第二人民医院骨科": second, "taihe pumps limited": english, "省第一人民医院": "", "泰和水业有限公司": "", "有限公司": "", "泰": "", "": "", "' or 1=1 --": ""} {
			if got := find("xs", map[string]any{"name": name}, ""); want == "" && len(got) > 0 || want != "" && !slices.Equal(got, []string{want}) {
				t.Errorf("%q: %v, want %q", name, got, want)
			}
		}
		for _, code := range []string{"KH-007", "kh007", "ＫＨ－００７"} {
			if got := find("xs", map[string]any{"code": code}, ""); !slices.Equal(got, []string{taihe}) {
				t.Errorf("%q: %v", code, got)
			}
		}
		for _, phone := range []string{"13800000417", "138 0000 0417"} {
			if got := find("xs", nil, phone); !slices.Equal(got, []string{taihe}) {
				t.Errorf("%q: %v", phone, got)
			}
		}
		t.Run("Same", func(t *testing.T) {
			list, err := s.E.Alike(context.Background(), s.Now, engine.Actor{Person: s.ID("xs")}, "base.customer", map[string]any{"name": "泰和泵业有限公司", "code": "kh007"}, nil, "")
			if err != nil || len(list) != 1 || len(list[0].Why) != 2 || !list[0].Why[0].Same || !list[0].Why[1].Same {
				t.Errorf("%+v %v", list, err)
			}
			list, err = s.E.Alike(context.Background(), s.Now, engine.Actor{Person: s.ID("xs")}, "base.customer", map[string]any{"name": "泰和泵业有限公司"}, nil, taihe)
			if err != nil || len(list) > 0 {
				t.Errorf("itself: %+v %v", list, err)
			}
		})
		t.Run("Other", func(t *testing.T) {
			list, err := s.E.Alike(context.Background(), s.Now, engine.Actor{Person: s.ID("xs")}, "11.quote", map[string]any{"content": "泰和泵业"}, nil, "")
			if err != nil || len(list) > 0 {
				t.Errorf("%+v %v", list, err)
			}
		})
	})
}

// Ensure that nobody learns by a match what is masked for him, nor that there is a record he does not see.
func TestAlike_Sees(t *testing.T) {
	lib := testkit.Load(t, map[string]string{
		"x/rulebook.yaml": "rulebook: {id: x, short: x, title: 规矩 | Rules, source: test, version: \"1.0\", admin: admin}\nrole: {clerk: {label: 办事员 | Clerk}}\nclass: {phones: {label: 电话 | Telephones, personal: true, see: clerk.has(me), mask: phone}, cards: {label: 卡 | Cards, see: clerk.has(me)}}\n",
		"x/clauses.yaml":  "x-1: {kind: gate, zh: 规矩, en: Rules}\n",
		"x/firm.yaml": `
form:
  firm:
    clause: x-1
    label: 商号 | Firm
    title: this.name
    field:
      name: {label: 名称 | Name, type: text}
      phone: {label: 电话 | Telephone, type: phone, class: phones}
    line:
      people: {label: 人 | People, field: {phone: {label: 电话 | Telephone, type: phone, class: phones}}}
  hidden:
    label: 暗号 | Hidden
    class: cards
    title: this.name
    field: {name: {label: 名称 | Name, type: text}}
  one: {label: 一 | One, field: {firm: {label: 商号 | Firm, type: firm, back: ones}, hidden: {label: 暗号 | Hidden, type: hidden, back: ones}}}
  two: {label: 二 | Two, field: {firm: {label: 商号 | Firm, type: firm, back: twos}, hidden: {label: 暗号 | Hidden, type: hidden, back: twos}}}
  three: {label: 三 | Three, field: {firm: {label: 商号 | Firm, type: firm, back: threes}, hidden: {label: 暗号 | Hidden, type: hidden, back: threes}}}
`})
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, lib, dsn, "2026-03-02 09:00")
		s.Company("works", "x")
		s.Person("wang", "clerk")
		s.Person("ke")
		phone := "13800000417"
		for form, values := range map[string]map[string]any{"x.firm": {"name": "泰和泵业", "phone": phone}, "x.hidden": {"name": "泰和泵业"}} {
			if _, err := s.E.Do(context.Background(), s.Now, engine.Act{Form: form, Action: "create", Values: values, Actor: engine.Actor{Person: s.ID("wang")}}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.E.Do(context.Background(), s.Now, engine.Act{Form: "x.firm", Action: "create", Values: map[string]any{"name": "仁和"}, Lines: map[string][]map[string]any{"people": {{"phone": phone}}}, Actor: engine.Actor{Person: s.ID("wang")}}); err != nil {
			t.Fatal(err)
		}
		find := func(who, form string, values map[string]any, lines ...map[string]any) int {
			t.Helper()
			list, err := s.E.Alike(context.Background(), s.Now, engine.Actor{Person: s.ID(who)}, form, values, map[string][]map[string]any{"people": lines}, "")
			if err != nil {
				return -1
			}
			return len(list)
		}
		line := map[string]any{"phone": phone}
		for _, x := range []struct {
			who, form string
			values    map[string]any
			lines     []map[string]any
			want      int
		}{
			{"wang", "x.firm", map[string]any{"phone": phone}, nil, 1},
			{"wang", "x.firm", nil, []map[string]any{line}, 1},
			{"wang", "x.hidden", map[string]any{"name": "泰和泵业"}, nil, 1},
			{"ke", "x.firm", map[string]any{"name": "泰和泵业"}, nil, 1},
			{"ke", "x.firm", map[string]any{"phone": phone}, nil, 0},
			{"ke", "x.firm", nil, []map[string]any{line}, 0},
			{"ke", "x.hidden", map[string]any{"name": "泰和泵业"}, nil, 0},
		} {
			if got := find(x.who, x.form, x.values, x.lines...); got != x.want {
				t.Errorf("%s %s %v %v: %d", x.who, x.form, x.values, x.lines, got)
			}
		}
	})
}
