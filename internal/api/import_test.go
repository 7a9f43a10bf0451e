package api_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// upload sends a file and answers its id.
func (c *client) upload(name string, content []byte) string {
	c.s.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile("file", name)
	if err != nil {
		c.s.t.Fatal(err)
	}
	_, _ = part.Write(content)
	w.Close()
	req, err := http.NewRequest("POST", c.s.srv.URL+"/api/file", &b)
	if err != nil {
		c.s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	req.Header.Set("X-CSRF-Token", c.csrf)
	return c.send(req).want(201).text("id")
}

// bring starts an import and waits until it has ended.
func (c *client) bring(form string, body map[string]any) *reply {
	c.s.t.Helper()
	id := c.do("POST", "/api/form/"+form+"/import", body).want(202).text("id")
	for range 2000 {
		if r := c.do("GET", "/api/import/"+id, nil).want(200); r.text("state") != "running" {
			return r
		}
		time.Sleep(5 * time.Millisecond)
	}
	c.s.t.Fatal("the import does not end")
	return nil
}

func workbook(t *testing.T, rows ...[]any) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	for i, r := range rows {
		if err := f.SetSheetRow("Sheet1", fmt.Sprint("A", i+1), &r); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Ensure that rows of a sheet come in as records, each judged like one that is typed; that trying changes nothing;
// and that refused rows come back with the reason.
func TestImport(t *testing.T) { testkit.Databases(t, importOn) }

func importOn(t *testing.T, dsn string) {
	s := openOn(t, dsn)
	wang, he := s.signIn("wang"), s.signIn("he")
	form := s.lib.Form("x.matter").Table
	file := wang.upload("事项.xlsx", workbook(t,
		[]any{"事由", "金额（元）", "客户名称", "不相干"},
		[]any{"法兰开裂", 13800.5, "泰和泵业", "x"},
		[]any{"", 100, "泰和泵业"},
		[]any{},
		[]any{"轴承", "十元", "泰和泵业"},
		[]any{"密封", "￥1,200.00", "没有这家"},
		[]any{"水泵", "８８８", ""}))
	t.Run("Read", func(t *testing.T) {
		r := wang.do("POST", "/api/form/x.matter/import/read", map[string]any{"file": file}).want(200)
		if r.text("rows") != "5" || r.text("columns", 0, "field") != "subject" || r.text("columns", 1, "field") != "amount" || r.text("columns", 2, "field") != "customer" || r.text("columns", 3, "field") != "" {
			t.Errorf("guessed: %s", r.body)
		}
		if r.text("columns", 0, "sample", 0) != "法兰开裂" {
			t.Errorf("sample: %s", r.body)
		}
	})
	columns := []any{"subject", "amount", "customer", ""}
	t.Run("Dry", func(t *testing.T) {
		before := s.Count(form, "", nil)
		r := wang.bring("x.matter", map[string]any{"file": file, "columns": columns, "dry": true})
		if r.text("state") != "done" || r.text("good") != "2" || r.text("refused") != "3" || r.text("total") != "5" {
			t.Fatalf("%s", r.body)
		}
		want := []struct{ row, column, say string }{{"3", "0", "还要填“事由”"}, {"5", "1", "“金额”"}, {"6", "2", "没有客户“没有这家”，先登记"}}
		for i, x := range want {
			if r.text("rows", i, "row") != x.row || r.text("rows", i, "items", 0, "column") != x.column || !strings.Contains(r.text("rows", i, "items", 0, "say", "zh"), x.say) {
				t.Errorf("row %v, want %v", r.at("rows", i), x)
			}
		}
		if s.Count(form, "", nil) != before {
			t.Error("trying wrote something")
		}
	})
	t.Run("OK", func(t *testing.T) {
		before := s.Count(form, "", nil)
		r := wang.bring("x.matter", map[string]any{"file": file, "columns": columns})
		if r.text("good") != "2" || r.text("refused") != "3" || s.Count(form, "", nil) != before+2 {
			t.Fatalf("%s", r.body)
		}
		list := wang.do("GET", at+"?filter=this.amount+%3D%3D+money('13800.50')", nil).want(200)
		if list.len("rows") != 1 || list.text("rows", 0, "values", "customer", "label") != "泰和泵业" {
			t.Errorf("what came in: %s", list.body)
		}
		wang.bring("x.matter", map[string]any{"file": file, "columns": columns})
		if s.Count(form, "", nil) != before+2 {
			t.Error("the same file twice made records twice")
		}
		other := wang.bring("x.matter", map[string]any{"file": file, "columns": []any{"subject", "", "", ""}})
		if !strings.Contains(string(other.body), "已经导入过") {
			t.Errorf("the same row with other content: %s", other.body)
		}
		res := wang.do("GET", "/api/import/"+r.text("id")+"/refused.xlsx", nil).want(200)
		book, err := excelize.OpenReader(bytes.NewReader(res.body))
		if err != nil {
			t.Fatal(err)
		}
		rows, _ := book.GetRows("Sheet1")
		if len(rows) != 4 || rows[0][4] != "原因" || rows[3][0] != "密封" || !strings.Contains(rows[3][4], "没有这家") {
			t.Errorf("refused rows: %v", rows)
		}
		if n := s.Count("journal_entry", "action", "import"); n < 1 {
			t.Error("the journal knows nothing of the import")
		}
		he.do("GET", "/api/import/"+r.text("id"), nil).want(404)
	})
	t.Run("Text", func(t *testing.T) {
		b, err := simplifiedchinese.GB18030.NewEncoder().Bytes([]byte("事由;经手人;帮手;去处\n领料;wang;ma、zong;工厂\n送件;nobody;;\n"))
		if err != nil {
			t.Fatal(err)
		}
		f := wang.upload("差事.csv", b)
		r := wang.bring("x.errand", map[string]any{"file": f, "columns": []any{"what", "owner", "others", "place"}})
		if r.text("good") != "1" || r.text("refused") != "1" || r.text("rows", 0, "row") != "3" || r.text("rows", 0, "items", 0, "field") != "owner" {
			t.Errorf("%s", r.body)
		}
	})
	t.Run("Alike", func(t *testing.T) { // who may be there already is told on the trial, and hinders nothing
		f := wang.upload("客户.csv", []byte("名称\n太和泵业有限公司\n仁和水务公司\n康安\n仁和水务有限公司\n"))
		body := map[string]any{"file": f, "columns": []any{"name"}, "dry": true}
		r := wang.bring("base.customer", body)
		if r.text("good") != "4" || r.len("rows") != 0 || r.len("alike") != 2 || r.text("alike", 0, "row") != "2" || r.text("alike", 0, "alike", 0, "title") != "泰和泵业" || r.text("alike", 1, "row") != "5" || r.text("alike", 1, "twin") != "3" {
			t.Errorf("%s", r.body)
		}
		body["dry"] = false
		if r := wang.bring("base.customer", body); r.text("good") != "4" || r.len("alike") != 0 {
			t.Errorf("%s", r.body)
		}
		there := wang.do("POST", "/api/form/base.customer/alike", map[string]any{"values": map[string]any{"name": "仁和水务公司"}}).want(200)
		if there.len() != 2 || there.text(0, "why", 0, "same") != "true" || there.text(1, "why", 0, "same") != "false" {
			t.Errorf("%s", there.body)
		}
	})
	t.Run("Match", func(t *testing.T) { // what is there is changed where a cell is filled; what says the same is left alone
		columns := []any{"code", "name", "note"}
		sheet := func(rows string) string {
			return wang.upload("客户.csv", []byte("客户代码,客户名称,备注\n"+rows))
		}
		body := map[string]any{"file": sheet("M1,甲水务,新\nM2,乙水务,旧\n"), "columns": columns, "match": "code"}
		if r := wang.do("POST", "/api/form/base.customer/import/read", map[string]any{"file": body["file"]}).want(200); r.text("match", 0) != "code" || r.len("match") != 1 {
			t.Errorf("%s", r.body)
		}
		if r := wang.bring("base.customer", body); r.text("good") != "2" || r.text("changed") != "" {
			t.Errorf("new ones: %s", r.body)
		}
		find := func(code string) *reply {
			return wang.do("GET", "/api/form/base.customer/record?filter=this.code+%3D%3D+'"+code+"'", nil).want(200)
		}
		id, etag := find("M1").text("rows", 0, "id"), find("M2").text("rows", 0, "etag")
		body["file"] = sheet("Ｍ1,甲水务,改了\nM2,乙水务,\nM3,丙水务,\n,丁水务,\n")
		body["dry"] = true
		judge := func(r *reply) {
			t.Helper()
			if r.text("good") != "3" || r.text("changed") != "1" || r.text("same") != "1" || r.text("refused") != "1" || r.text("rows", 0, "row") != "5" || !strings.Contains(r.text("rows", 0, "items", 0, "say", "zh"), "客户代码") {
				t.Errorf("%s", r.body)
			}
		}
		judge(wang.bring("base.customer", body))
		if find("M3").len("rows") != 0 {
			t.Error("trying wrote something")
		}
		body["dry"] = false
		judge(wang.bring("base.customer", body))
		if r := find("M1"); r.len("rows") != 1 || r.text("rows", 0, "id") != id || r.text("rows", 0, "values", "note") == "新" {
			t.Errorf("%s", r.body)
		}
		if r := find("M2"); r.text("rows", 0, "etag") != etag {
			t.Error("what says the same was changed")
		}
		h := wang.do("GET", "/api/form/base.customer/record/"+id+"/history", nil).want(200)
		if h.len() != 2 || h.text(0, "action") != "edit" || h.text(0, "changes", 0, "new") != "改了" {
			t.Errorf("%s", h.body)
		}
		if r := wang.bring("base.customer", body); r.text("same") != "3" || r.text("changed") != "" {
			t.Errorf("again: %s", r.body)
		}
		for _, match := range []string{"name", "nothing", "number"} {
			body["match"] = match
			wang.do("POST", "/api/form/base.customer/import", body).want(400)
		}
		body["match"], body["columns"] = "code", []any{"", "name", ""}
		wang.do("POST", "/api/form/base.customer/import", body).want(400)
	})
	t.Run("Refused", func(t *testing.T) {
		wang.do("POST", "/api/form/x.matter/import", map[string]any{"file": file, "columns": []any{"nothing"}}).want(400)
		wang.do("POST", "/api/form/x.matter/import", map[string]any{"file": file, "columns": []any{"subject", "subject"}}).want(400)
		wang.do("POST", "/api/form/x.matter/import", map[string]any{"file": file, "columns": []any{"", ""}}).want(400)
		wang.do("POST", "/api/form/base.role_grant/import/read", map[string]any{"file": file}).want(422)
		wang.do("POST", "/api/form/base.notice/import/read", map[string]any{"file": file}).want(400)
		he.do("POST", "/api/form/base.customer/import/read", map[string]any{"file": file}).want(404)
		for _, b := range [][]byte{[]byte("PK\x03\x04broken"), {0, 1, 2, 3}, []byte("只有栏名\n"), nil} {
			if len(b) == 0 {
				b = []byte(" ")
			}
			name := "坏.csv"
			if bytes.HasPrefix(b, []byte("PK")) {
				name = "坏.xlsx"
			}
			if r := wang.offer(name, string(b)); r.status != 400 { // what is no text is not taken in the first place
				wang.do("POST", "/api/form/x.matter/import/read", map[string]any{"file": r.want(201).text("id")}).want(400)
			}
		}
	})
	t.Run("Stop", func(t *testing.T) {
		rows := [][]any{{"事由"}}
		for i := range 3000 {
			rows = append(rows, []any{fmt.Sprint("第 ", i)})
		}
		f := wang.upload("多.xlsx", workbook(t, rows...))
		body := map[string]any{"file": f, "columns": []any{"subject"}}
		kept := func() int { return s.Count(s.E.Lib.Form("x.matter").Table, "by", s.ID("wang")) }
		before := kept()
		id := wang.do("POST", "/api/form/x.matter/import", body).want(202).text("id")
		wang.do("POST", "/api/form/x.matter/import", body).want(429)
		for range 400 {
			if kept() > before+30 { // rows are on their way
				break
			}
			time.Sleep(2 * time.Millisecond)
		}
		wang.do("DELETE", "/api/import/"+id, nil).want(204)
		for range 400 {
			if r := wang.do("GET", "/api/import/"+id, nil).want(200); r.text("state") != "running" {
				if r.text("state") != "stopped" || r.text("done") == "3000" {
					t.Errorf("stopped: %s", r.body[:200])
				}
				if n := kept() - before; fmt.Sprint(n) != r.text("done") {
					t.Errorf("%d came in, %s are told", n, r.text("done"))
				}
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
		t.Error("it does not stop")
	})
}

// Ensure that an administrator sees which imports were given up, with what stopped them, and begins them again; that nobody else
// does; and that the import goes on from where it stood, bringing no row in twice.
func TestImport_GivenUp(t *testing.T) {
	s := openOn(t, "sqlite:"+t.TempDir()+"/shop.db")
	wang, he := s.signIn("wang"), s.signIn("he")
	rows := [][]any{{"事由"}}
	for i := range 50 {
		rows = append(rows, []any{fmt.Sprint("第 ", i)})
	}
	file := wang.upload("多.xlsx", workbook(t, rows...))
	id := wang.bring("x.matter", map[string]any{"file": file, "columns": []any{"subject"}}).text("id")
	form := s.lib.Form("x.matter").Table
	before := s.Count(form, "", nil)
	// As it is when a node was lost after it had saved the first rows, and then every try failed.
	err := s.DB.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Update("job", store.Row{"id": id}, store.Row{"state": "broken", "done": int64(20), "good": int64(20), "tries": int64(5), "error": "unavailable"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	wang.do("GET", "/api/job", nil).want(403)
	wang.do("POST", "/api/job/"+id+"/again", nil).want(403)
	r := he.do("GET", "/api/job", nil).want(200)
	if r.text(0, "id") != id || r.text(0, "about") != "多.xlsx" || r.text(0, "done") != "20" || r.text(0, "dead") != "true" || r.text(0, "error") != "unavailable" || r.text(0, "name") == "" {
		t.Errorf("%s", r.body)
	}
	he.do("POST", "/api/job/"+id+"/again", nil).want(204)
	for range 2000 {
		if r = wang.do("GET", "/api/import/"+id, nil).want(200); r.text("state") != "running" {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if r.text("state") != "done" || r.text("good") != "50" || s.Count(form, "", nil) != before {
		t.Errorf("%s, %d records after %d", r.body, s.Count(form, "", nil), before)
	}
	he.do("POST", "/api/job/"+id+"/again", nil).want(404)
	if r := he.do("GET", "/api/installation", nil).want(200); r.text("database") != "sqlite" || r.len("warnings") != 0 {
		t.Errorf("%s", r.body)
	}
	wang.do("GET", "/api/installation", nil).want(403)
}
