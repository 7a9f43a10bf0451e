package api_test

import (
	"bytes"
	"context"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"zhanggui/internal/engine"
	"zhanggui/internal/testkit"
)

// Ensure that a masked field leaves by no door: not in a list, a record, a search, an export, the history, a print,
// an option, a figure, a problem or a notice; and that it cannot be asked about.
func TestMasked(t *testing.T) { testkit.Databases(t, maskedOn) }

func maskedOn(t *testing.T, dsn string) {
	s := openOn(t, dsn)
	ma, wang := s.signIn("ma"), s.signIn("wang")
	const phone, inside = "13866210417", "内情甲乙丙"
	if _, err := s.E.Do(context.Background(), s.Now, engine.Act{Form: "base.unit", Record: s.Unit, Action: "edit", Values: map[string]any{"head": s.ID("zong")}, Actor: engine.Actor{System: true}}); err != nil {
		t.Fatal(err)
	}
	id := wang.file(map[string]any{"subject": "保密", "phone": phone, "secret_note": inside, "amount": "100"})
	wang.do("POST", at+"/"+id+"/register", map[string]any{}).want(200)
	wang.do("PATCH", at+"/"+id, map[string]any{"values": map[string]any{"phone": "13966210418"}}).want(200)
	wang.do("PATCH", at+"/"+id, map[string]any{"values": map[string]any{"phone": phone}}).want(200)

	if got := ma.do("GET", at+"/"+id, nil).want(200).text("values", "phone"); got != phone {
		t.Errorf("the chief sees %q", got)
	}
	if _, there := ma.do("GET", at+"/"+id, nil).at("values").(map[string]any)["secret_note"]; there {
		t.Error("a field without a mask shows that it exists")
	}
	r := wang.do("GET", at+"/"+id, nil).want(200)
	if r.text("values", "phone", "masked") != "138****0417" || r.text("reveal", "phone", "purpose") != "true" {
		t.Errorf("masked %s", r.body)
	}
	for _, path := range []string{at, at + "?q=0417", at + "/" + id, at + "/" + id + "/history", at + "/" + id + "/print", at + "/" + id + "/why?of=field:phone", at + "/" + id + "/why?of=action:decide",
		"/api/search?q=13866210417", "/api/search?q=0417", "/api/task", "/api/board", "/api/clock", "/api/journal", "/api/form/x.matter", "/api/form/base.copy/record", "/api/form/base.snapshot/record", "/api/form/base.notice/record"} {
		a := wang.do("GET", path, nil)
		if strings.Contains(string(a.body), phone) || strings.Contains(string(a.body), inside) {
			t.Errorf("%s tells: %s", path, a.body)
		}
	}
	for _, e := range []string{"journal"} {
		list := wang.do("GET", "/api/"+e, nil).want(200)
		for i := range list.len("rows") {
			one := wang.do("GET", "/api/journal/"+list.text("rows", i, "id"), nil)
			if strings.Contains(string(one.body), phone) || strings.Contains(string(one.body), inside) {
				t.Errorf("journal entry tells: %s", one.body)
			}
		}
	}
	for _, ask := range []string{"?filter=" + url.QueryEscape("this.phone == '"+phone+"'"), "?filter=" + url.QueryEscape("this.phone.startsWith('1')"), "?filter=" + url.QueryEscape("has(this.secret_note)"),
		"?filter=" + url.QueryEscape("matter.exists(m, m.phone == '"+phone+"')"), "?filter=" + url.QueryEscape("[me].exists(p, p.wage > money('1'))"), "?filter=" + url.QueryEscape("boss.persons().exists(p, p.wage > money('1'))"),
		"?filter=" + url.QueryEscape("has(me.wage)"), "?filter=" + url.QueryEscape("me.unit.head.wage == money('1')"), "?filter=" + url.QueryEscape("rank('x', this) == 1"),
		"?sort=phone", "?sort=-secret_note"} {
		wang.do("GET", at+ask, nil).want(400)
	}
	wang.do("GET", at+"?filter="+url.QueryEscape("this.by == me && this.unit == me.unit && clerk.has(me)"), nil).want(200)
	wang.do("GET", "/api/stat?form=x.matter&by=phone", nil).want(400)
	wang.do("GET", "/api/stat?form=x.matter&by=state&where="+url.QueryEscape("has(this.phone)"), nil).want(400)
	ma.do("GET", at+"?sort=phone", nil).want(200)
	if a := wang.do("GET", at+"?q=0417", nil); a.len("rows") != 0 {
		t.Error("the search column holds a secret")
	}
	if a := wang.do("GET", at+"/"+id+"/history", nil); strings.Contains(string(a.body), "139") && strings.Contains(string(a.body), "0418") {
		t.Errorf("history %s", a.body)
	}
}

// Ensure that a reveal needs a purpose and the right, is counted and leaves a trace.
func TestReveal(t *testing.T) {
	s := open(t)
	wang, he := s.signIn("wang"), s.signIn("he")
	id := wang.file(map[string]any{"subject": "保密", "phone": "13866210417"})
	path := at + "/" + id + "/reveal"
	wang.do("POST", path, map[string]any{"field": "phone"}).want(422)
	wang.do("POST", path, map[string]any{"field": "secret_note", "purpose": "回访客户"}).want(400)
	wang.do("POST", path, map[string]any{"field": "nothing", "purpose": "回访客户"}).want(400)
	if r := wang.do("POST", path, map[string]any{"field": "phone", "purpose": "回访客户"}).want(200); r.text("value") != "13866210417" || r.text("until") == "" {
		t.Errorf("reveal %s", r.body)
	}
	wang.do("POST", path, map[string]any{"field": "phone", "purpose": "回访客户"}).want(200)
	if r := wang.do("POST", path, map[string]any{"field": "phone", "purpose": "回访客户"}).want(422); r.text("group") != "quota" {
		t.Errorf("third %s", r.body)
	}
	s.signIn("lone").do("POST", path, map[string]any{"field": "phone", "purpose": "好奇看看"}).want(404)
	if r := he.do("GET", "/api/journal?action=reveal", nil).want(200); r.len("rows") < 2 {
		t.Errorf("journal %s", r.body)
	}
	if r := he.do("GET", "/api/journal?refused=1", nil).want(200); r.len("rows") == 0 {
		t.Errorf("refusals %s", r.body)
	}
	he.do("GET", "/api/audit", nil).want(200)
	wang.do("GET", "/api/audit", nil).want(403)
}

// Ensure that a workbook holds what the list shows, masks included, and no formula.
func TestExport(t *testing.T) {
	s := open(t)
	wang := s.signIn("wang")
	wang.file(map[string]any{"subject": `=HYPERLINK("http://x")`, "phone": "13866210417", "amount": "12.50"})
	r := wang.do("GET", "/api/form/x.matter/record.xlsx?fields=subject,phone,amount,customer,state", nil).want(200)
	book, err := excelize.OpenReader(bytes.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := book.GetRows("Sheet1")
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 3 || !regexp.MustCompile(`^内部文件，不外传　wang　\d{4}-\d\d-\d\d \d\d:\d\d$`).MatchString(rows[0][0]) || rows[1][0] != "事由" ||
		rows[2][0] != `=HYPERLINK("http://x")` || rows[2][1] != "138****0417" || rows[2][2] != "12.50" {
		t.Errorf("rows %q", rows)
	}
	if f, _ := book.GetCellFormula("Sheet1", "A3"); f != "" {
		t.Errorf("formula %q", f)
	}
	if r := s.signIn("he").do("GET", "/api/journal?action=export", nil); r.len("rows") != 1 {
		t.Errorf("journal %s", r.body)
	}
}

// Ensure that an attachment is kept, is read by those who see its record, and is never drawn by the browser.
func TestFile(t *testing.T) {
	s := open(t)
	wang, ma, lone := s.signIn("wang"), s.signIn("ma"), s.signIn("lone")
	up := func(name, content string) *reply {
		body, kind := multi(t, "file", name, content)
		req := newRequest(t, "POST", s.srv.URL+"/api/file", body)
		req.Header.Set("Content-Type", kind)
		req.Header.Set("X-CSRF-Token", wang.csrf)
		return wang.send(req)
	}
	a := up("../../etc/p\"as<swd.svg", "<svg onload=alert(1)>").want(201)
	if strings.ContainsAny(a.text("name"), `/\"<`) {
		t.Errorf("name %q", a.text("name"))
	}
	ma.do("GET", "/api/file/"+a.text("id"), nil).want(404)
	wang.file(map[string]any{"subject": "附件", "paper": a.text("id")})
	b := ma.do("GET", "/api/file/"+a.text("id"), nil).want(200)
	if string(b.body) != "<svg onload=alert(1)>" || !strings.HasPrefix(b.head.Get("Content-Disposition"), "attachment") || b.head.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("file %v", b.head)
	}
	lone.do("GET", "/api/file/"+a.text("id"), nil).want(404)
	if r := up("big.bin", strings.Repeat("x", 21<<20)); r.status != 413 {
		t.Errorf("21 MB: %d", r.status)
	}
}
