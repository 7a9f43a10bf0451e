package api_test

import (
	"strings"
	"testing"

	"zhanggui/internal/testkit"
)

// Ensure that who and when filed a record in another system comes in by a sheet alone, from those who may, is said to be brought in, and
// that a row with a day to come or somebody unknown is refused with the reason; when it was filed here the journal goes on saying.
func TestImport_Origin(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := openOn(t, dsn)
		wang, he := s.signIn("wang"), s.signIn("he")
		rows := [][]any{{"客户名称", "业务员", "原建档日", "原建档人"},
			{"泰和水业", "wang", "2019-05-04", "wang"},
			{"仁和泵业", "", "2099-01-01", ""},
			{"安和泵业", "", "2019-02-30", ""},
			{"康和泵业", "", "2020-01-01", "没有这人"}}
		columns := []any{"name", "salesperson", "origin_on", "origin_by"}
		file := wang.upload("客户.xlsx", workbook(t, rows...))
		if r := wang.do("POST", "/api/form/base.customer/import/read", map[string]any{"file": file}).want(200); strings.Contains(string(r.body), `"origin_on"`) {
			t.Errorf("offered to who may not: %s", r.body)
		}
		wang.do("POST", "/api/form/base.customer/import", map[string]any{"file": file, "columns": columns, "dry": true}).want(400)
		for _, c := range []*client{wang, he} {
			c.do("POST", "/api/form/base.customer/record", map[string]any{"values": map[string]any{"name": "手填", "origin_on": "2019-05-04"}}).want(400)
		}
		file = he.upload("客户.xlsx", workbook(t, rows...))
		if r := he.do("POST", "/api/form/base.customer/import/read", map[string]any{"file": file}).want(200); r.text("columns", 2, "field") != "origin_on" || r.text("columns", 3, "field") != "origin_by" || r.text("columns", 1, "field") != "salesperson" {
			t.Errorf("guessed: %s", r.body)
		}
		for _, dry := range []bool{true, false} {
			r := he.bring("base.customer", map[string]any{"file": file, "columns": columns, "dry": dry})
			if r.text("good") != "1" || r.text("refused") != "3" {
				t.Fatalf("%s", r.body)
			}
			for i, want := range []string{"原建档日不能在今天之后", "没有这一天", "没有人员“没有这人”"} {
				if !strings.Contains(r.text("rows", i, "items", 0, "say", "zh"), want) {
					t.Errorf("row %v, want %s", r.at("rows", i), want)
				}
			}
		}
		id := he.do("GET", "/api/form/base.customer/record?q=泰和水业", nil).want(200).text("rows", 0, "id")
		r := he.do("GET", "/api/form/base.customer/record/"+id, nil).want(200)
		if r.text("values", "origin_on") != "2019-05-04" || r.text("values", "on_file_since") != "2019-05-04" || r.text("values", "origin_by", "label") != "wang" || r.text("values", "salesperson", "label") != "wang" || strings.HasPrefix(r.text("at"), "2019") {
			t.Errorf("%s", r.body)
		}
		if h := he.do("GET", "/api/form/base.customer/record/"+id+"/history", nil).want(200); !strings.Contains(string(h.body), "从表格导入") {
			t.Errorf("%s", h.body)
		}
		he.do("PATCH", "/api/form/base.customer/record/"+id, map[string]any{"values": map[string]any{"origin_on": "2018-01-01"}}).want(400)
	})
}
