package engine_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"zhanggui/internal/engine"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// plain opens the same database past the store, as an intruder would.
func plain(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	driver := "pgx"
	dsn = strings.Replace(dsn, "allow_unsafe=1", "", 1)
	if file, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		driver, dsn = "sqlite", file+"?_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func run(t *testing.T, db *sql.DB, q string, args ...any) {
	t.Helper()
	res, err := db.Exec(q, args...)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	if n, _ := res.RowsAffected(); n == 0 {
		t.Fatalf("%s %v: touched nothing", q, args)
	}
}

// verifyBook uses what leaves rows: lines, numbers, copies, deadlines, breaches, sanctions, postings, quotas of segments.
var verifyBook = map[string]string{
	"x/rulebook.yaml": shopBook["x/rulebook.yaml"],
	"x/clauses.yaml":  shopBook["x/clauses.yaml"],
	"x/matter.yaml":   shopBook["x/matter.yaml"],
	"x/slip.yaml": `
form:
  slip:
    label: 罚单 | Slip
    number: {pattern: "F{yy}{n:4}", per: year, clause: x-1}
    field:
      person: {label: 谁 | Who, type: person}
      why: {label: 缘由 | Why, type: text}
      rough: {label: 草率 | Rough, type: bool}
    line: {item: {label: 明细 | Items, field: {what: {label: 何物 | What, type: text}, cost: {label: 金额 | Cost, type: money}}}}
    state: {draft: 草稿 | Draft, given: {label: 已开 | Given, final: true}}
    action:
      edit: {from: draft}
      give: {label: 开出 | Give, from: draft, to: given, by: chief}
offence:
  slow: {label: 迟缓 | Slow, upon: [slip.give], who: this.person, fine: "money('50')", confirm: chief, pay: {ledger: payroll}, clause: x-1}
`,
}

// busyShop has done some of everything.
func busyShop(t *testing.T, dsn string) *testkit.Shop {
	t.Helper()
	s := testkit.Open(t, testkit.Load(t, verifyBook), dsn, "2026-03-02 09:00")
	s.Company("works", "x")
	s.Person("wang", "clerk")
	s.Person("ma", "chief")
	s.Person("zong", "boss")
	lu := s.System("base.person", map[string]any{"name": "lu", "unit": s.Unit, "active": true, "wage": "9000.00", "phone": "13800001111"})
	act := func(a engine.Act) *engine.Outcome {
		t.Helper()
		a.Actor = engine.Actor{Person: s.ID("ma"), Origin: "web"}
		out, err := s.E.Do(t.Context(), s.Now, a)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for i := range 4 {
		id := matter(s, "120.00")
		s.Do("wang", "x.matter", id, "register", nil)
		if i == 0 {
			s.Do("ma", "x.matter", id, "decide", nil)
		}
		row := func(what string) map[string]any { return map[string]any{"what": what, "cost": "3.50"} }
		slip := act(engine.Act{Form: "x.slip", Action: "create", Values: map[string]any{"person": lu, "why": strings.Repeat("慢", 40), "rough": i == 1},
			Lines: map[string][]map[string]any{"item": {row("纸"), row("笔"), row("墨")}}}).Record
		act(engine.Act{Form: "x.slip", Record: slip, Action: "edit", Lines: map[string][]map[string]any{"item": {row("砚"), row("纸")}}})
		for _, e := range act(engine.Act{Form: "x.slip", Record: slip, Action: "give"}).Effects {
			if e.Kind == "sanction" && i > 0 {
				s.Do("ma", "base.sanction", e.Record, "confirm", nil)
			}
		}
		s.Refused("wang", "x.matter", id, "register", nil)
		s.Turn(fmt.Sprintf("2026-%02d-20 09:00", 4+i))
	}
	if _, err := s.E.SaveFile(t.Context(), s.Now, engine.Actor{Person: s.ID("wang"), Origin: "web"}, "a.txt", "text/plain", strings.NewReader("内容")); err != nil {
		t.Fatal(err)
	}
	return s
}

func differences(t *testing.T, s *testkit.Shop) []store.Difference {
	t.Helper()
	rep, err := s.DB.Compare(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return rep.Differences
}

type place struct{ table, key, column, kind string }

// places are all cells of business data.
func places(t *testing.T, s *testkit.Shop, db *sql.DB) (list []place) {
	t.Helper()
	tables := engine.Tables(s.E.Lib)
	for _, x := range store.SystemTables() {
		if x.Name == "blob" {
			tables = append(tables, x)
		}
	}
	for _, x := range tables {
		if x.Apart {
			continue
		}
		rows, err := db.Query(`SELECT "` + x.Primary[0] + `" FROM "` + x.Name + `" ORDER BY 1`)
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for rows.Next() {
			var k string
			if err := rows.Scan(&k); err != nil {
				t.Fatal(err)
			}
			keys = append(keys, k)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		for _, k := range keys {
			for _, c := range x.Columns {
				if c.Untold { // what is derived for searching is not vouched for: an erasure must leave nothing of it
					continue
				}
				list = append(list, place{x.Name, k, c.Name, string(c.Kind)})
			}
		}
	}
	return list
}

// Ensure that whatever somebody alters in the tables past the program is found and named, and that an untouched
// copy shows nothing (P15).
func TestCompare_Altered(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := busyShop(t, dsn)
		if found := differences(t, s); len(found) != 0 {
			t.Fatalf("an untouched database: %v", found)
		}
		for _, table := range []string{"fx_slip", "base_sanction", "base_posting", "base_breach", "base_clock", "base_signature", "base_attempt", "series", "file"} {
			if s.Count(table, "", nil) == 0 {
				t.Fatalf("the shop left nothing in %s", table)
			}
		}
		db := plain(t, dsn)
		all := places(t, s, db)
		rng := rand.New(rand.NewPCG(1, 2))
		tried := map[string]bool{}
		for n := 0; n < 60; n++ {
			p := all[rng.IntN(len(all))]
			const key = "id"
			var old any
			col, from, where := `"`+p.column+`"`, `"`+p.table+`"`, ` WHERE "id" = $1`
			if err := db.QueryRow(`SELECT `+col+` FROM `+from+where, p.key).Scan(&old); err != nil {
				t.Fatal(err)
			}
			set := map[string]string{"int": "COALESCE(" + col + ", 0) + 1", "bool": "NOT COALESCE(" + col + ", false)"}[p.kind]
			if set == "" {
				set = "COALESCE(" + col + ", '') || 'x'"
			}
			run(t, db, `UPDATE `+from+` SET `+col+` = `+set+where, p.key)
			found := differences(t, s)
			named := len(found) > 0 && found[0].Table == p.table
			if p.column != key {
				named = named && (found[0].Column == p.column || found[0].Column == "" || p.table == "blob")
			}
			if !named {
				t.Fatalf("%v was altered and this was said: %v", p, found)
			}
			tried[p.table] = true
			if p.column == key {
				run(t, db, `UPDATE `+from+` SET `+col+` = $2`+where, p.key+"x", p.key)
			} else {
				run(t, db, `UPDATE `+from+` SET `+col+` = $2`+where, p.key, old)
			}
		}
		if len(tried) < 6 {
			t.Fatalf("only %v were tried", tried)
		}
		if found := differences(t, s); len(found) != 0 {
			t.Fatalf("all was put back: %v", found)
		}
	})
}

// Ensure that rows removed, added, exchanged and emptied are found, each by name.
func TestCompare_Rows(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := busyShop(t, dsn)
		db := plain(t, dsn)
		for _, c := range []struct {
			name, do, table, column string
		}{
			{"row deleted", `DELETE FROM base_breach WHERE id = (SELECT min(id) FROM base_breach)`, "base_breach", ""},
			{"row added", `INSERT INTO base_posting (id, state, at, etag, ledger, kind, amount) VALUES ('zz', 'posted', '2026-01-01T00:00:00.000Z', 1, 'payroll', 'fine', 5)`, "base_posting", ""},
			{"line changed", `UPDATE fx_slip__item SET cost = cost + 1 WHERE id = (SELECT min(id) FROM fx_slip__item)`, "fx_slip__item", "cost"},
			{"line deleted", `DELETE FROM fx_slip__item WHERE id = (SELECT max(id) FROM fx_slip__item)`, "fx_slip__item", ""},
			{"numbers swapped", `UPDATE fx_slip SET number = CASE number WHEN 'F260001' THEN 'F260002' ELSE 'F260001' END WHERE number IN ('F260001', 'F260002')`, "fx_slip", "number"},
			{"counter back", `UPDATE series SET value = value - 1 WHERE series LIKE 'x.slip%'`, "series", "value"},
			{"unset to empty", `UPDATE base_person SET pinned = '' WHERE id = (SELECT min(id) FROM base_person WHERE pinned IS NULL)`, "base_person", "pinned"},
			{"content", `UPDATE blob_chunk SET data = data || data`, "blob_chunk", "data"},
		} {
			has := func() bool {
				return slices.ContainsFunc(differences(t, s), func(d store.Difference) bool { return d.Table == c.table && d.Column == c.column })
			}
			if has() {
				t.Fatalf("%s: was there before", c.name)
			}
			run(t, db, c.do)
			if !has() {
				t.Errorf("%s: not found", c.name)
			}
		}
	})
}
