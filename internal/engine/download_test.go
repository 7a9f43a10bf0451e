package engine_test

import (
	"context"
	"strings"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/testkit"
)

// Ensure that who saves an attachment of a record is on record for it as for an export, that what stands in the way of exporting the
// record stands in his way, even of what he brought himself, and that his own upload which hangs on nothing is nobody's business.
func TestDownload(t *testing.T) {
	lib := testkit.Load(t, map[string]string{"12-file/rulebook.yaml": `
rulebook: {id: 12-file, short: "12", title: 例 | Example, source: test, version: "1.0", language: 1, needs: [base]}
form:
  paper: {label: 档案 | Paper, number: "D{n:3}", field: {text: {label: 内容 | Text, type: text}, scans: {label: 扫描件 | Scans, type: files}}, line: {page: {label: 页 | Pages, field: {scan: {label: 扫描 | Scan, type: file}}}}}
extend: {person: {field: {away: {label: 调离 | Leaving, type: bool}}}}
gate:
  stays: {acts: ["*.export"], that: "!has(me.away) || !me.away", say: 不得带出 | It stays here}
`})
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, lib, dsn, "2026-03-02 09:00")
		s.Unit = s.Company("works", "12-file")
		s.Person("he", "admin")
		s.Person("wang")
		s.Person("li")
		ctx := context.Background()
		who := func(name string) engine.Actor { return engine.Actor{Person: s.ID(name), Origin: "api"} }
		save := func(by, content string) string {
			t.Helper()
			f, err := s.E.SaveFile(ctx, s.Now, who(by), content+".txt", "text/plain", strings.NewReader(content))
			if err != nil {
				t.Fatal(err)
			}
			return f.ID
		}
		scan, page, loose := save("wang", "SCAN"), save("wang", "PAGE"), save("wang", "LOOSE")
		if _, err := s.E.Do(ctx, s.Now, engine.Act{Form: "12.paper", Action: "create", Actor: who("wang"), Values: map[string]any{"text": "甲", "scans": []any{scan}},
			Lines: map[string][]map[string]any{"page": {{"scan": page}}}}); err != nil {
			t.Fatal(err)
		}
		take := func(by, id string) error {
			t.Helper()
			f, err := s.E.Download(ctx, s.Now, who(by), id)
			if err == nil && f.ID != id {
				t.Errorf("%s got %v", by, f)
			}
			return err
		}
		for _, id := range []string{scan, page, scan, loose} {
			if err := take("wang", id); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.E.File(ctx, s.Now, who("wang"), scan); err != nil { // looked at
			t.Fatal(err)
		}
		if err := take("li", loose); fault.KindOf(err) != fault.NotFound {
			t.Errorf("somebody else's upload: %v", err)
		}
		if err := take("li", page); err != nil {
			t.Fatal(err)
		}
		kept := func(by string) (n int) {
			t.Helper()
			p, err := s.E.List(ctx, s.Now, who(by), engine.ListQuery{Form: "base.access", Fields: []string{"what", "label", "of_number", "rows"}})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range p.Rows {
				if v := r.Values; v["what"] != "download" || v["label"] != "档案" || v["of_number"] != "D001" || v["rows"] != int64(1) {
					t.Errorf("an entry says %v", v)
				}
			}
			return len(p.Rows)
		}
		if kept("wang") != 3 || kept("li") != 1 {
			t.Errorf("the register holds %d and %d entries, should hold 3 and 1", kept("wang"), kept("li"))
		}
		s.Do("he", "base.person", s.ID("wang"), "edit", map[string]any{"away": true})
		for _, id := range []string{scan, page} { // he brought them, and they are the house's now
			if r, ok := engine.AsRefusal(take("wang", id)); !ok || r.Group != "gate" || r.Items[0].Say.ZH != "不得带出" {
				t.Errorf("who leaves: %v", r)
			}
			if _, err := s.E.File(ctx, s.Now, who("wang"), id); err != nil {
				t.Errorf("he works till he goes: %v", err)
			}
		}
		if err := take("wang", loose); err != nil || kept("wang") != 3 {
			t.Errorf("what hangs on nothing: %v, %d entries", err, kept("wang"))
		}
		if err := take("li", scan); err != nil || kept("li") != 2 {
			t.Errorf("others: %v, %d entries", err, kept("li"))
		}
		if n := s.Count("base_attempt", "person", s.ID("wang")); n != 2 {
			t.Errorf("%d attempts are kept, should be 2", n)
		}
	})
}
