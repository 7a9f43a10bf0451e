package api_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"zhanggui/internal/engine"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// parcel is a form that only clerks file, bring in and take out.
const parcel = `
form:
  parcel:
    label: 包裹 | Parcel
    field: {name: {label: 名称 | Name, type: text, required: "true"}, code: {label: 代码 | Code, type: text, unique: true}}
    action:
      create: {by: clerk, fill: [name, {field: code, optional: true}]}
      edit: {by: chief, fill: [name]}
      import: {label: 导入 | Import, by: clerk}
      export: {label: 导出 | Export, by: clerk}
`

// Ensure that a right which ends while an import or an export waits or is at work ends the work at the next row or page, with words
// for who ordered it; that what was brought in until then stays and nothing is handed out; that a lost role and a closed account do so
// alike; and that nothing goes on when it is begun again (S34).
func TestRightEnds(t *testing.T) { testkit.Databases(t, rightEndsOn) }

func rightEndsOn(t *testing.T, dsn string) {
	book := maps.Clone(shopBook)
	book["x/parcel.yaml"] = parcel
	s := openWith(t, dsn, testkit.Load(t, book))
	he, table := s.signIn("he"), s.lib.Form("x.parcel").Table
	system := func(a engine.Act) {
		t.Helper()
		a.Actor = engine.Actor{System: true}
		if _, err := s.E.Do(context.Background(), s.Now, a); err != nil {
			t.Fatal(err)
		}
	}
	rows := [][]any{{"名称"}}
	for i := range 220 { // more than a page
		rows = append(rows, []any{fmt.Sprint("第 ", i)})
		s.Do("wang", "x.parcel", "", "create", map[string]any{"name": fmt.Sprint("先 ", i)})
	}
	file := workbook(t, rows...)

	jobOf := func(person string) (row store.Row, notes int64) {
		t.Helper()
		if err := s.DB.Read(t.Context(), func(tx *store.Tx) error {
			list, err := tx.Select(query.Select{Table: "job", Alias: "t", Where: query.Eq("t", "person", person)})
			if err != nil || len(list) == 0 {
				return err
			}
			row = list[0]
			notes, err = tx.Count("job_note", query.Eq("t", "job", row["id"]))
			return err
		}); err != nil {
			t.Error(err)
		}
		return row, notes
	}
	ended := func(person string) store.Row {
		t.Helper()
		for range 12000 {
			if row, _ := jobOf(person); row["state"] != "running" {
				return row
			}
			time.Sleep(5 * time.Millisecond)
		}
		t.Fatal("the work does not end")
		return nil
	}
	ordered := func(row store.Row, _ int64, _ int) bool { return row != nil }
	for n, c := range []struct {
		end, work string
		far       func(row store.Row, notes int64, brought int) bool // when the right ends
		least     int                                                // of the rows that came in by then
	}{
		{"role", "import", ordered, 0},
		{"role", "import", func(_ store.Row, _ int64, brought int) bool { return brought >= 7 }, 7},
		{"account", "import", func(_ store.Row, _ int64, brought int) bool { return brought >= 7 }, 7},
		{"role", "export", ordered, 0},
		{"role", "export", func(_ store.Row, notes int64, _ int) bool { return notes == 2 }, 0}, // the head and a page
		{"account", "export", func(_ store.Row, notes int64, _ int) bool { return notes == 2 }, 0},
	} {
		name := fmt.Sprint("lin", n)
		id := s.Person(name)
		grant := s.System("base.role_grant", map[string]any{"person": id, "role": "clerk", "unit": s.Unit, "from": "2000-01-01"})
		if err := s.auth.SetPassword(t.Context(), s.Now, id, password, false); err != nil {
			t.Fatal(err)
		}
		clerk := s.signIn(name)
		sheet := clerk.upload("包裹.xlsx", file)
		brought := func() int { return s.Count(table, "by", id) }
		var once sync.Once
		var before atomic.Int64 // what came in before; a row that had its turn already is among it
		end := func() {
			row, notes := jobOf(id)
			if !c.far(row, notes, brought()) {
				return
			}
			once.Do(func() {
				if c.end == "role" {
					system(engine.Act{Form: "base.role_grant", Record: grant, Action: "void", Reason: "不再任"})
				} else {
					system(engine.Act{Form: "base.person", Record: id, Action: "edit", Values: map[string]any{"active": false}})
				}
				before.Store(int64(brought()))
			})
		}
		s.asked.Store(&end)
		var job string
		if c.work == "import" {
			job = clerk.do("POST", "/api/form/x.parcel/import", map[string]any{"file": sheet, "columns": []any{"name"}}).want(202).text("id")
		} else {
			job = clerk.do("POST", "/api/form/x.parcel/export", map[string]any{}).want(202).text("id")
		}
		for _, again := range []bool{false, true} {
			if again {
				he.do("POST", "/api/job/"+job+"/again", nil).want(204)
			}
			row := ended(id)
			if why, _ := row["problem"].(string); row["state"] != "broken" || !strings.Contains(why, `"title"`) || strings.Contains(why, `"title":""`) {
				t.Errorf("%s of %s, begun again %t: %v", c.work, c.end, again, row)
			}
			if got := brought(); got != int(before.Load()) || got < c.least || got == len(rows)-1 {
				t.Errorf("%s of %s, begun again %t: %d rows came in, %d before the right ended, want %d at least", c.work, c.end, again, got, before.Load(), c.least)
			}
		}
		s.asked.Store(nil)
		if c.work == "export" {
			status := 404
			if c.end == "account" {
				status = 401
			}
			clerk.do("GET", "/api/export/"+job+"/file.xlsx", nil).want(status)
		} else if c.end == "role" {
			if r := clerk.do("GET", "/api/import/"+job, nil).want(200); r.text("state") != "broken" || r.text("problem", "title") == "" {
				t.Errorf("who ordered it reads %s", r.body)
			}
		}
	}
}

// Ensure that an import changes no record that who brings it may not edit, though he may file and bring in such records: each row is
// his own act (S34).
func TestImport_OthersRight(t *testing.T) {
	book := maps.Clone(shopBook)
	book["x/parcel.yaml"] = parcel
	s := openWith(t, "sqlite:"+t.TempDir()+"/shop.db", testkit.Load(t, book))
	wang := s.signIn("wang")
	s.Do("wang", "x.parcel", "", "create", map[string]any{"name": "原名", "code": "A1"})
	sheet := wang.upload("包裹.xlsx", workbook(t, []any{"名称", "代码"}, []any{"改名", "A1"}, []any{"新来", "A2"}))
	r := wang.bring("x.parcel", map[string]any{"file": sheet, "columns": []any{"name", "code"}, "match": "code"})
	table := s.lib.Form("x.parcel").Table
	if r.text("state") != "done" || r.text("good") != "1" || r.text("refused") != "1" || s.Count(table, "name", "原名") != 1 || s.Count(table, "name", "改名") != 0 || s.Count(table, "name", "新来") != 1 {
		t.Errorf("%s", r.body)
	}
}
