package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// partBook has houses of each of which there is one folder, ranked under a quota, with leaves that name it, and people who can be erased.
var partBook = map[string]string{
	"x/rulebook.yaml": "rulebook: {id: x, short: x, title: 规矩 | Rules, source: test, version: \"1.0\", admin: admin}\nrole: {clerk: {label: 办事员 | Clerk}}\nclass: {person: {label: 个人 | Person, personal: true}}\n",
	"x/clauses.yaml":  "x-1: {kind: gate, zh: 甲级只有一个, en: One of the first rank}\nx-2: {kind: gate, zh: 一家一册, en: One folder each}\nx-3: {kind: gate, zh: 禁, en: Barred}\n",
	"x/house.yaml": `
form:
  house:
    label: 商号 | House
    title: this.name
    number: {pattern: "F{n:3}"}
    field:
      name: {label: 名称 | Name, type: text}
      into: {label: 并入 | Merged into, type: house}
    line:
      people: {label: 人 | People, field: {name: {label: 姓名 | Name, type: text, class: person}, phone: {label: 电话 | Telephone, type: phone, class: person}}}
    state: {in_use: 往来 | In use}
    action:
      merge: {label: 并入 | Merge, from: in_use, by: clerk, fill: [into], reason: 2, merge: {into: into}}
      answer: {label: 回答 | Answer, from: in_use, by: link, link: {for: 3d, give: clerk}}
      forget: {label: 擦除 | Forget, by: clerk, again: true, do: [{erase: this.people}]}
  folder:
    label: 册 | Folder
    title: this.house.name
    number: {pattern: "C{n:3}"}
    unique: [{by: [this.house], say: 已有册 | There is a folder, joins: went, clause: x-2}]
    field:
      house: {label: 商号 | House, type: house, back: folders, fixed: create}
      went: {label: 并入 | Joined into, type: folder}
      rank: {label: 等级 | Rank, type: choice, options: [{id: top, label: 甲 | First}, {id: low, label: 乙 | Second}]}
      barred: {label: 禁 | Barred, type: bool}
      note: {label: 记 | Note, type: text}
    line:
      items: {label: 项 | Items, field: {what: {label: 内容 | What, type: text}}}
  leaf: {label: 页 | Leaf, unique: [{by: [this.folder, this.page], say: 已有这页 | There is that leaf}], field: {folder: {label: 册 | Folder, type: folder, back: leaves}, page: {label: 页码 | Page, type: int}}}
quota:
  tops: {label: 甲级名额 | First ranks, of: folder, where: "this.rank == 'top'", at_most: "1", clause: x-1}
gate:
  bar: {acts: [leaf.create], that: "!has(this.folder.barred) || !this.folder.barred", say: 禁了 | It is barred, clause: x-3}
`,
}

type parts struct {
	*testkit.Shop
	ctx context.Context
}

func openParts(t *testing.T, dsn string) *parts {
	s := &parts{testkit.Open(t, testkit.Load(t, partBook), dsn, "2026-03-02 09:00"), context.Background()}
	s.Company("works", "x")
	s.Person("wang", "clerk")
	return s
}

func (s *parts) act(form, record, action string, values map[string]any, lines map[string][]map[string]any) (string, error) {
	a := engine.Act{Form: form, Record: record, Action: action, Values: values, Lines: lines, Actor: engine.Actor{Person: s.ID("wang"), Origin: "web"}}
	if action == "merge" {
		a.Reason = "同一家"
	}
	out, err := s.E.Do(s.ctx, s.Now, a)
	if err != nil {
		return "", err
	}
	return out.Record, nil
}

func (s *parts) file(form string, values map[string]any, lines map[string][]map[string]any) string {
	s.T.Helper()
	id, err := s.act(form, "", "create", values, lines)
	if err != nil {
		s.T.Fatal(err)
	}
	return id
}

func (s *parts) view(form, id string) *engine.RecordView {
	s.T.Helper()
	v, err := s.E.Record(s.ctx, s.Now, engine.Actor{Person: s.ID("wang")}, form, id)
	if err != nil {
		s.T.Fatal(err)
	}
	return v
}

// Ensure that of two folders that become one house's the one of the house that stays stays: it takes the rows and leaves of the other, which is void, says
// where it went and can still be read; that places under a quota are free again; and that histories and journal say so.
func TestMerge_Parts(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := openParts(t, dsn)
		old, stay, third := s.file("x.house", map[string]any{"name": "甲"}, nil), s.file("x.house", map[string]any{"name": "乙"}, nil), s.file("x.house", map[string]any{"name": "丙"}, nil)
		goes := s.file("x.folder", map[string]any{"house": old, "rank": "top", "note": "旧"}, map[string][]map[string]any{"items": {{"what": "一"}, {"what": "二"}}})
		keeps := s.file("x.folder", map[string]any{"house": stay, "rank": "low", "note": "新"}, map[string][]map[string]any{"items": {{"what": "二"}, {"what": "三"}}})
		leaf := s.file("x.leaf", map[string]any{"folder": goes, "page": 1}, nil)
		wait := s.file("x.folder", map[string]any{"house": third, "rank": "low"}, nil)
		if r := s.Refused("wang", "x.folder", wait, "edit", map[string]any{"rank": "top"}); r.Items[0].Clause != "x-1" {
			t.Fatalf("%+v", r)
		}
		if _, err := s.act("x.folder", keeps, "edit", map[string]any{"went": goes}, nil); fault.KindOf(err) != fault.Invalid {
			t.Errorf("written by hand: %v", err)
		}
		if _, err := s.act("x.house", old, "merge", map[string]any{"into": stay}, nil); err != nil {
			t.Fatal(err)
		}
		v, was := s.view("x.folder", keeps), s.view("x.folder", goes)
		if len(v.Lines["items"]) != 3 || v.Values["rank"] != "low" || v.Values["note"] != "新" || v.State == "void" {
			t.Errorf("stays: %v %v %s", v.Values, v.Lines, v.State)
		}
		if was.State != "void" || was.Merged == nil || was.Merged.ID != keeps || was.Values["note"] != "旧" || len(was.Lines["items"]) != 2 || !strings.Contains(was.StateLabel.ZH, "并入") {
			t.Errorf("went: %+v %+v", was.Merged, was.StateLabel)
		}
		if s.Column("fx_leaf", leaf, "folder") != keeps {
			t.Error("the leaf stays behind")
		}
		if r := s.Refused("wang", "x.folder", goes, "edit", map[string]any{"note": "再"}); !strings.Contains(r.Items[0].Say.ZH, "C002") {
			t.Errorf("%+v", r)
		}
		if _, err := s.act("x.leaf", "", "create", map[string]any{"folder": goes, "page": 2}, nil); fault.KindOf(err) != fault.Invalid {
			t.Errorf("named anew: %v", err)
		}
		if _, err := s.act("x.folder", wait, "edit", map[string]any{"rank": "top"}, nil); err != nil {
			t.Errorf("the place is not free: %v", err)
		}
		for id, words := range map[string]string{keeps: "把“C001", goes: "并入“C002"} {
			h, err := s.E.History(s.ctx, s.Now, engine.Actor{Person: s.ID("wang")}, "x.folder", id)
			if err != nil || !strings.Contains(fmt.Sprint(h), words) {
				t.Errorf("history of %s: %+v %v", id, h, err)
			}
		}
		if list := differences(t, s.Shop); len(list) > 0 {
			t.Errorf("the journal says otherwise: %+v", list)
		}
	})
}

// Ensure that joining lifts no bar and loses nothing that has no way to join: then the merge is refused in words, and nothing is changed.
func TestMerge_PartsGuards(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := openParts(t, dsn)
		pair := func(goes, keeps map[string]any) (old, stay string, folders [2]string) {
			old, stay = s.file("x.house", map[string]any{"name": "甲"}, nil), s.file("x.house", map[string]any{"name": "乙"}, nil)
			goes["house"], keeps["house"] = old, stay
			return old, stay, [2]string{s.file("x.folder", goes, nil), s.file("x.folder", keeps, nil)}
		}
		refused := func(old, stay, words string) {
			t.Helper()
			_, err := s.act("x.house", old, "merge", map[string]any{"into": stay}, nil)
			if r, ok := engine.AsRefusal(err); !ok || !strings.Contains(r.Items[0].Say.ZH, words) || s.Column("fx_house", old, "state") != "in_use" {
				t.Errorf("want %s, got %v", words, err)
			}
		}
		old, stay, _ := pair(map[string]any{"barred": true}, map[string]any{})
		refused(old, stay, "禁了")
		old, stay, f := pair(map[string]any{}, map[string]any{})
		for _, id := range f {
			s.file("x.leaf", map[string]any{"folder": id, "page": 1}, nil)
		}
		refused(old, stay, "两份都有“页”")
		if s.Column("fx_folder", f[0], "state") == "void" {
			t.Error("half of it was done")
		}
	})
}

// Ensure that what was merged is asked for no more by link, and that erasing a person of the one that stays erases him in what was merged, and nobody else.
func TestMerge_Erased(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := openParts(t, dsn)
		people := func(rows ...string) map[string][]map[string]any {
			var list []map[string]any
			for i := 0; i < len(rows); i += 2 {
				list = append(list, map[string]any{"name": rows[i], "phone": rows[i+1]})
			}
			return map[string][]map[string]any{"people": list}
		}
		old, stay := s.file("x.house", map[string]any{"name": "甲"}, people("周文渊", "13800000417")), s.file("x.house", map[string]any{"name": "乙"}, people("李四光", "13800000418"))
		apart := s.file("x.house", map[string]any{"name": "丙"}, people("周文渊", "13800000417"))
		if _, err := s.act("x.house", old, "merge", map[string]any{"into": stay}, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := s.E.GiveLink(s.ctx, s.Now, engine.Actor{Person: s.ID("wang")}, "x.house", old, "answer"); err == nil || !strings.Contains(fmt.Sprint(err), "F002") {
			t.Errorf("a link: %v", err)
		}
		if _, err := s.act("x.house", stay, "forget", nil, nil); err != nil {
			t.Fatal(err)
		}
		for id, want := range map[string]bool{old: false, stay: false, apart: true} {
			if got := strings.Contains(fmt.Sprint(s.view("x.house", id).Lines["people"]), "文渊"); got != want {
				t.Errorf("%s is read: %v, want %v", s.Column("fx_house", id, "name"), got, want)
			}
		}
		var left int64
		_ = s.DB.Read(s.ctx, func(tx *store.Tx) (err error) {
			left, err = tx.Count("subject_key", query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "t", Name: "erased"}}})
			return err
		})
		if left != 1 {
			t.Errorf("%d keys are left", left)
		}
	})
}
