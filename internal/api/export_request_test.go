package api_test

import (
	"maps"
	"strings"
	"testing"

	"zhanggui/internal/testkit"
)

// Ensure that an export which needs an approval is asked for, decided and ordered through the API, as a job that ends as its rows say,
// for its asker alone and once.
func TestExport_Request(t *testing.T) {
	files := maps.Clone(shopBook)
	files["x/signed.yaml"] = `
class:
  signed: {label: 名册 | Roll, see: "unit.members.has(me)", export: {by: chief, alone_up_to: 1}}
form:
  roll: {label: 名册 | Roll, class: signed, field: {what: {label: 内容 | Content, type: text}}}
`
	lib := testkit.Load(t, files)
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := openWith(t, dsn, lib)
		wang, ma, he := s.signIn("wang"), s.signIn("ma"), s.signIn("he")
		for _, what := range []string{"甲组", "乙组", "丙"} {
			s.Do("wang", "x.roll", "", "create", map[string]any{"what": what})
		}
		list := map[string]any{"filter": "this.what.contains('组')"}
		if r := wang.do("POST", "/api/form/x.roll/export", list).want(422); !strings.Contains(string(r.body), `"ask":true`) {
			t.Fatalf("%s", r.body)
		}
		wang.do("GET", "/api/form/x.roll/record.xlsx?filter="+"this.what.contains(%27%E7%BB%84%27)", nil).want(422)
		asked := maps.Clone(list)
		asked["purpose"], asked["until"] = "年报", "2026-03-02"
		id := wang.do("POST", "/api/form/x.roll/export/request", asked).want(201).text("record")
		wang.do("POST", "/api/export-request/"+id, nil).want(422)
		ma.do("POST", "/api/form/base.export_request/record/"+id+"/grant", map[string]any{}).want(200)
		for _, other := range []*client{ma, he} {
			other.do("POST", "/api/export-request/"+id, nil).want(404)
			if r := other.do("GET", "/api/export-request", nil).want(200); r.len() != 0 {
				t.Errorf("another's requests: %s", r.body)
			}
		}
		wang.do("POST", "/api/form/x.roll/export", map[string]any{}).want(422)
		wang.do("POST", "/api/form/x.roll/export", map[string]any{"filter": list["filter"], "fields": []any{"what", "number"}}).want(422)
		if r := wang.do("GET", "/api/export-request", nil).want(200); r.text(0, "id") != id || r.text(0, "state") != "granted" || !strings.Contains(string(r.body), `"open":true`) || strings.Contains(string(r.body), "this.what") {
			t.Errorf("%s", r.body)
		}
		job := wang.do("POST", "/api/export-request/"+id, nil).want(202).text("id")
		if r := wang.ended(job); r.text("state") != "done" {
			t.Fatalf("%s", r.body)
		}
		if rows := wang.fetched(job); len(rows) != 3 {
			t.Errorf("%q", rows)
		}
		wang.do("POST", "/api/export-request/"+id, nil).want(422)
		wang.do("POST", "/api/form/x.roll/export", list).want(422)
		s.mu.Lock()
		s.Now = testkit.At(t, "2026-03-03 00:00")
		s.mu.Unlock()
		wang.do("GET", "/api/export/"+job+"/file.xlsx", nil).want(422) // the day of its approval is over
	})
}
