package api_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"zhanggui/internal/api"
	"zhanggui/internal/attach"
	"zhanggui/internal/engine"
	"zhanggui/internal/journal"
	"zhanggui/internal/store"
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
	a := wang.offer("../../etc/p\"as<swd.txt", "<3").want(201)
	if strings.ContainsAny(a.text("name"), `/\"<`) {
		t.Errorf("name %q", a.text("name"))
	}
	ma.do("GET", "/api/file/"+a.text("id"), nil).want(404)
	wang.file(map[string]any{"subject": "附件", "paper": a.text("id")})
	b := ma.do("GET", "/api/file/"+a.text("id"), nil).want(200)
	if string(b.body) != "<3" || !strings.HasPrefix(b.head.Get("Content-Disposition"), "attachment") || b.head.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("file %v", b.head)
	}
	lone.do("GET", "/api/file/"+a.text("id"), nil).want(404)
	if r := wang.offer("big.txt", strings.Repeat("x", 21<<20)); r.status != 413 {
		t.Errorf("21 MB: %d", r.status)
	}

	// In a row of a record it is for who may read the record and the field of the row (S78).
	photo, inside := wang.offer("照片.txt", "A").want(201).text("id"), wang.offer("内页.txt", "B").want(201).text("id")
	id := wang.do("POST", "/api/form/x.matter/record", map[string]any{"values": map[string]any{"subject": "明细"}}).want(201).text("id")
	wang.do("PATCH", "/api/form/x.matter/record/"+id, map[string]any{"values": map[string]any{}, "lines": map[string]any{"parts": []any{map[string]any{"name": "法兰", "photo": photo, "inside": inside}}}}).want(200)
	for _, c := range []struct {
		who  *client
		id   string
		want int
	}{{wang, photo, 200}, {ma, photo, 200}, {lone, photo, 404}, {ma, inside, 404}, {lone, inside, 404}} {
		c.who.do("GET", "/api/file/"+c.id, nil).want(c.want)
	}
}

// offer sends a file and answers what came back.
func (c *client) offer(name, content string) *reply {
	t := c.s.t.(*testing.T)
	t.Helper()
	body, kind := multi(t, "file", name, content)
	req := newRequest(t, "POST", c.s.srv.URL+"/api/file", body)
	req.Header.Set("Content-Type", kind)
	req.Header.Set("X-CSRF-Token", c.csrf)
	return c.send(req)
}

// Ensure that what a picture says of its taker is gone when it is kept, that a scanner's silence and its no keep an attachment
// out with words, and that one person cannot fill the disk within a day (S74, S77).
func TestUpload(t *testing.T) {
	s := open(t)
	wang, ma := s.signIn("wang"), s.signIn("ma")
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 4, 4)), nil); err != nil {
		t.Fatal(err)
	}
	note := "\xff\xfe\x00\x17拍于家中 31.2304N"
	a := wang.offer("现场.jpg", b.String()[:2]+note+b.String()[2:]).want(201)
	if kept := wang.do("GET", "/api/file/"+a.text("id"), nil).want(200); string(kept.body) != b.String() || kept.head.Get("Content-Type") != "image/jpeg" || a.text("size") != fmt.Sprint(b.Len()) {
		t.Errorf("kept as %q", kept.body)
	}
	before := s.digest()
	wang.offer("现场.jpg", b.String()[:b.Len()/2]).want(400)
	wang.offer("现场.png", b.String()).want(400)

	scan, err := attach.NewScanner("unix:" + t.TempDir() + "/nobody")
	if err != nil {
		t.Fatal(err)
	}
	guarded := httptest.NewServer(api.New(api.Deps{Engine: s.E, Auth: s.auth, Alert: s.alert, Lib: s.lib, Clock: s.clock, Scan: scan}))
	defer guarded.Close()
	plain := s.srv
	s.srv = guarded
	if r := wang.offer("a.txt", "x"); r.status != 503 || !strings.Contains(string(r.body), "杀毒软件没有应答") {
		t.Errorf("the scanner is away: %d %s", r.status, r.body)
	}
	s.srv = plain
	if s.digest() != before {
		t.Error("something was kept")
	}

	bring := func(size int64, at time.Time) {
		t.Helper()
		if err := s.DB.Write(t.Context(), func(tx *store.Tx) error {
			id := fmt.Sprint("big", size)
			if err := tx.Insert("file", store.Row{"id": id, "blob": id, "name": id, "type": "text/plain", "size": size, "by": s.ID("wang"), "at": at.UTC().Format("2006-01-02T15:04:05.000Z")}); err != nil {
				return err
			}
			return tx.Append(&journal.Entry{ID: id})
		}); err != nil {
			t.Fatal(err)
		}
	}
	bring(900<<20, s.Now.Add(-24*time.Hour)) // of yesterday
	bring(499<<20, s.Now.Add(-23*time.Hour))
	wang.offer("b.txt", "x").want(201)
	bring(1<<20, s.Now)
	before = s.digest()
	wang.offer("c.txt", "x").want(429)
	if s.digest() != before {
		t.Error("it was kept all the same")
	}
	ma.offer("c.txt", "x").want(201)
}
