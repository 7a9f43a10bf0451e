package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/testkit"
)

// secretBook has forms whose records are there only for whom a question about the record names, by the ways such a question goes.
var secretBook = map[string]string{
	"x/rulebook.yaml": `
rulebook: {id: x, short: x, title: 密件 | Secrets, source: test, version: "1.0", admin: admin}
role: {clerk: {label: 办事员 | Clerk}}
`,
	"x/clauses.yaml": "x-1: {kind: access, zh: 密件各归各人, en: Secrets are somebody's}\n",
	"x/sheet.yaml": `
class:
  above: {label: 上级 | Above, see: superior(this.keeper) == me, clause: x-1}
  below: {label: 非上级 | Not above, see: "!(superior(this.keeper) == me)", clause: x-1}
  among: {label: 其一 | One of, see: "me in [this.keeper, superior(this.keeper)]", clause: x-1}
  led: {label: 首长 | Head, see: head(this.keeper.unit) == me, clause: x-1}
  inside: {label: 单位里的人 | Members, see: this.keeper.unit.members.has(me), clause: x-1}
  far: {label: 隔两层 | Two away, see: this.folder.desk.keeper == me, clause: x-1}
  farther: {label: 隔两层的上级 | Above two away, see: superior(this.folder.desk.keeper) == me, clause: x-1}
form:
  desk: {label: 桌 | Desk, title: this.name, field: {name: {label: 名 | Name, type: text}, keeper: {label: 保管 | Keeper, type: person}}}
  folder: {label: 夹 | Folder, title: this.name, field: {name: {label: 名 | Name, type: text}, desk: {label: 桌 | Desk, type: desk}}}
  above: {label: 甲 | Above, class: above, title: this.name, field: {name: {label: 名 | Name, type: text}, keeper: {label: 保管 | Keeper, type: person}, folder: {label: 夹 | Folder, type: folder}}}
  below: {label: 乙 | Below, class: below, title: this.name, field: {name: {label: 名 | Name, type: text}, keeper: {label: 保管 | Keeper, type: person}, folder: {label: 夹 | Folder, type: folder}}}
  among: {label: 丙 | Among, class: among, title: this.name, field: {name: {label: 名 | Name, type: text}, keeper: {label: 保管 | Keeper, type: person}, folder: {label: 夹 | Folder, type: folder}}}
  led: {label: 丁 | Led, class: led, title: this.name, field: {name: {label: 名 | Name, type: text}, keeper: {label: 保管 | Keeper, type: person}, folder: {label: 夹 | Folder, type: folder}}}
  far: {label: 戊 | Far, class: far, title: this.name, field: {name: {label: 名 | Name, type: text}, keeper: {label: 保管 | Keeper, type: person}, folder: {label: 夹 | Folder, type: folder}}}
  inside: {label: 庚 | G, class: inside, title: this.name, field: {name: {label: 名 | Name, type: text}, keeper: {label: 保管 | Keeper, type: person}, folder: {label: 夹 | Folder, type: folder}}}
  farther: {label: 己 | Farther, class: farther, title: this.name, field: {name: {label: 名 | Name, type: text}, keeper: {label: 保管 | Keeper, type: person}, folder: {label: 夹 | Folder, type: folder}}}
`,
}

// Ensure that a record of a secret form is in lists, is found and goes out exactly for those to whom it opens, whatever way its class
// takes to a person: over his superior, the head of his unit, or several references.
func TestSecretForm_Listed(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, testkit.Load(t, secretBook), dsn, "2026-03-02 09:00")
		works := s.Company("works", "x")
		for _, who := range []string{"boss", "lead", "qian", "sun", "lone"} {
			s.Person(who, "clerk")
		}
		edit := func(form, id string, values map[string]any) {
			if _, err := s.E.Do(context.Background(), s.Now, engine.Act{Form: form, Record: id, Action: "edit", Values: values, Actor: engine.Actor{System: true, Origin: "system"}}); err != nil {
				t.Fatal(err)
			}
		}
		edit("base.person", s.ID("qian"), map[string]any{"superior": s.ID("lead")})
		edit("base.person", s.ID("lead"), map[string]any{"superior": s.ID("boss")})
		edit("base.unit", works, map[string]any{"head": s.ID("boss")})
		folders := map[string]string{}
		for _, keeper := range []string{"qian", "sun", "boss", ""} {
			values := map[string]any{"name": "桌" + keeper}
			if keeper != "" {
				values["keeper"] = s.ID(keeper)
			}
			desk := s.Do("lead", "x.desk", "", "create", values).Record
			folders[keeper] = s.Do("lead", "x.folder", "", "create", map[string]any{"name": "夹" + keeper, "desk": desk}).Record
		}
		shown := 0
		for _, form := range []string{"above", "below", "among", "led", "inside", "far", "farther"} {
			var ids []string
			for _, keeper := range []string{"qian", "sun", "boss", ""} {
				values := map[string]any{"name": "秘本" + keeper, "folder": folders[keeper]}
				if keeper != "" {
					values["keeper"] = s.ID(keeper)
				}
				ids = append(ids, s.System("x."+form, values))
			}
			for _, who := range []string{"boss", "lead", "qian", "sun", "lone"} {
				as := engine.Actor{Person: s.ID(who), Origin: "web"}
				var opens, listed, found, out []string
				for _, id := range ids {
					if _, err := s.E.Record(t.Context(), s.Now, as, "x."+form, id); err == nil {
						opens = append(opens, id)
						shown++
					}
				}
				list := func(q engine.ListQuery) (got []string) {
					q.Form, q.Limit = "x."+form, 50
					l, err := s.E.List(t.Context(), s.Now, as, q)
					if err != nil {
						t.Fatal(err)
					}
					for _, r := range l.Rows {
						got = append(got, r.ID)
					}
					return got
				}
				listed, found = list(engine.ListQuery{}), list(engine.ListQuery{Q: "秘本"})
				err := s.E.Export(t.Context(), s.Now, as, engine.ListQuery{Form: "x." + form}, 50, func(*engine.Leaving) error { return nil }, func(r engine.Row) error { out = append(out, r.ID); return nil })
				if err != nil {
					t.Fatal(err)
				}
				for what, got := range map[string][]string{"listed": listed, "found": found, "exported": out} {
					if same(got) != same(opens) {
						t.Errorf("%s: for %s %d records open, %d are %s", form, who, len(opens), len(got), what)
					}
				}
			}
		}
		if shown < 20 {
			t.Errorf("%d records opened: nothing was tried", shown)
		}
	})
}

func same(ids []string) string {
	list := strings.Split(strings.Join(ids, " "), " ")
	n := map[string]int{}
	for _, id := range list {
		n[id]++
	}
	return fmt.Sprint(n)
}
