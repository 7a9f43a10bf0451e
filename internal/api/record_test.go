package api_test

import (
	"net/http"
	"strings"
	"testing"

	"zhanggui/internal/testkit"
)

const at = "/api/form/x.matter/record"

// Ensure that a case goes from filing to closing through the door, and everybody sees what he must do.
func TestRecord_Life(t *testing.T) {
	s := open(t)
	wang, ma := s.signIn("wang"), s.signIn("ma")
	a := wang.do("POST", at, map[string]any{"values": map[string]any{"subject": "法兰开裂", "amount": "13800.00", "customer": s.cust}, "lines": map[string]any{"parts": []any{map[string]any{"name": "法兰", "qty": 3}}}}).want(201)
	id := a.text("id")
	if a.head.Get("Location") != at+"/"+id || a.head.Get("ETag") == "" {
		t.Errorf("headers %v", a.head)
	}
	if got := a.text("lines", "parts", 0, "values", "name"); got != "法兰" {
		t.Errorf("line %q", got)
	}
	if got := a.text("values", "customer", "label"); got != "泰和泵业" {
		t.Errorf("customer %q", got)
	}
	b := wang.do("POST", at+"/"+id+"/register", map[string]any{}).want(200)
	if b.text("record", "state") != "open" || b.text("record", "number") != "260301" {
		t.Fatalf("record %s", b.body)
	}
	if b.text("record", "path", 1, "status") != "current" || b.text("record", "path", 0, "status") != "done" {
		t.Errorf("path %v", b.at("record", "path"))
	}
	if b.text("record", "clocks", 0, "state") != "open" || b.text("record", "clocks", 0, "holder", 0, "name") != "ma" {
		t.Errorf("clocks %v", b.at("record", "clocks"))
	}
	// 13 800 is above the chief's limit: the boss must sign.
	if got := b.text("record", "waiting", 0, "who", 0, "name"); got != "zong" {
		t.Errorf("waiting for %q", got)
	}
	p := ma.do("POST", at+"/"+id+"/decide", map[string]any{}).want(422)
	if p.text("kind") != "refused" || p.text("group") != "who" || p.text("items", 0, "clause") == "" || p.text("who_may", 0, "name") != "zong" {
		t.Errorf("problem %s", p.body)
	}
	if got := ma.do("GET", "/api/task", nil).want(200); got.len("groups", "later") != 1 || got.text("groups", "later", 0, "number") != "260301" {
		t.Errorf("tasks of ma: %s", got.body)
	}
	zong := s.signIn("zong")
	task := zong.do("GET", "/api/task", nil).want(200)
	if task.len("groups", "later") != 1 || task.text("groups", "later", 0, "action") != "decide" || task.text("groups", "later", 0, "sign") != "true" {
		t.Errorf("tasks of zong: %s", task.body)
	}
	v := zong.do("GET", at+"/"+id, nil).want(200)
	if v.text("actions", "open", 0, "sign", "amount_cn") != "人民币壹万叁仟捌佰元整" {
		t.Errorf("open %v", v.at("actions", "open"))
	}
	done := zong.do("POST", at+"/"+id+"/decide", map[string]any{"comment": "同意"}).want(200)
	if done.text("record", "state") != "closed" || done.text("record", "signatures", 0, "by", "name") != "zong" || done.text("record", "clocks", 0, "state") != "met" {
		t.Errorf("done %s", done.body)
	}
	h := wang.do("GET", at+"/"+id+"/history", nil).want(200)
	if h.len() < 3 || h.text(0, "comment") != "同意" {
		t.Errorf("history %s", h.body)
	}
	w := wang.do("GET", at+"/"+id+"/why?of=deadline:close", nil).want(200)
	if !strings.Contains(string(w.body), "30 天") || !strings.Contains(string(w.body), "x-5") && !strings.Contains(string(w.body), "x-3") {
		t.Errorf("why %s", w.body)
	}
	for range 2 { // looking is not printing
		if pr := wang.do("GET", at+"/"+id+"/print", nil).want(200); pr.text("foot", "n") != "0" {
			t.Errorf("preview %s", pr.body)
		}
	}
	pr := wang.do("POST", at+"/"+id+"/print", nil).want(200)
	if pr.text("foot", "n") != "1" || pr.text("opinions", 0, "by") == "" {
		t.Errorf("print %s", pr.body)
	}
}

// Ensure that the register answers views, filters, words, order and pages.
func TestList(t *testing.T) { testkit.Databases(t, listOn) }

func listOn(t *testing.T, dsn string) {
	s := openOn(t, dsn)
	c := s.signIn("wang")
	for _, x := range [][2]string{{"重庆水泵", "100"}, {"法兰", "9000"}, {"轴承", "6000"}, {"密封圈", ""}} {
		v := map[string]any{"subject": x[0]}
		if x[1] != "" {
			v["amount"] = x[1]
		}
		c.file(v)
	}
	if r := c.do("GET", at+"?count=1", nil).want(200); r.len("rows") != 4 || r.text("total") != "4" || r.text("rows", 0, "title") == "" {
		t.Errorf("all: %s", r.body)
	}
	if r := c.do("GET", "/api/form/x.matter/count?views=1&filter=this.amount+%3E+money('8000')", nil).want(200); r.text("total") != "1" || r.text("views", "big", "total") != "2" || r.text("more_than") != "false" {
		t.Errorf("counts: %s", r.body)
	}
	if r := c.do("GET", at+"?filter=day(this.at)+%3D%3D+date('2026-03-02')", nil).want(200); r.len("rows") != 4 {
		t.Errorf("by day: %s", r.body)
	}
	if r := c.do("GET", at+"?filter=day(this.at)+%3E+date('2026-03-02')", nil).want(200); r.len("rows") != 0 {
		t.Errorf("after the day: %s", r.body)
	}
	if r := c.do("GET", at+"?view=big", nil).want(200); r.len("rows") != 2 || r.text("rows", 0, "title") != "法兰" {
		t.Errorf("big: %s", r.body)
	}
	if r := c.do("GET", at+"?filter=this.amount+%3E+money('8000')", nil).want(200); r.len("rows") != 1 {
		t.Errorf("filter: %s", r.body)
	}
	for _, q := range []string{"chongqing", "zq", "重庆", "shui", "cqsb"} {
		if r := c.do("GET", at+"?q="+q, nil).want(200); r.len("rows") != 1 {
			t.Errorf("q=%s: %s", q, r.body)
		}
	}
	for _, sort := range []string{"amount", "-amount", "subject", "-at"} {
		seen, cursor := map[string]bool{}, ""
		for range 4 {
			r := c.do("GET", at+"?limit=1&sort="+sort+"&cursor="+cursor, nil).want(200)
			seen[r.text("rows", 0, "id")] = true
			cursor = r.text("next")
		}
		if len(seen) != 4 || cursor != "" {
			t.Errorf("sort %s: %d pages seen, next %q", sort, len(seen), cursor)
		}
	}
	if r := c.do("GET", at+"?sort=nothing", nil).want(400); r.text("items", 0, "field") != "sort" {
		t.Errorf("sort: %s", r.body)
	}
	c.do("GET", at+"?filter=this.nothing+%3D%3D+1", nil).want(400)
	c.do("GET", at+"?cursor=abc", nil).want(400)
	c.do("GET", at+"?view=nothing", nil).want(400)
	c.do("GET", "/api/form/x.nothing/record", nil).want(404)
	if r := c.do("GET", "/api/search?q=fl", nil).want(200); !strings.Contains(string(r.body), "法兰") {
		t.Errorf("search %s", r.body)
	}
	if r := c.do("GET", "/api/stat?form=x.matter&by=state&sum=amount", nil).want(200); r.text("rows", 0, "count") != "4" || r.text("rows", 0, "sum") != "15100.00" {
		t.Errorf("stat %s", r.body)
	}
	if r := c.do("GET", "/api/stat?form=x.matter&by=month:at", nil).want(200); r.text("rows", 0, "key") != "2026-03" {
		t.Errorf("stat by month %s", r.body)
	}
	if r := c.do("GET", "/api/form/x.matter/options?field=customer&q=th", nil).want(200); r.text(0, "label") != "泰和泵业" {
		t.Errorf("options %s", r.body)
	}
}

// Ensure that a refusal names what is missing, in the reader's language, and leaves everything as it was.
func TestRefusals(t *testing.T) {
	s := open(t)
	wang, ma := s.signIn("wang"), s.signIn("ma")
	id := wang.file(map[string]any{"subject": "无金额"})
	before := s.digest()
	p := wang.do("POST", at+"/"+id+"/register", map[string]any{}).want(422)
	if p.text("group") != "require" || p.text("items", 0, "clause") != "x-9" || p.text("items", 0, "clause_text", "zh") != "金额要填" {
		t.Errorf("problem %s", p.body)
	}
	if p.head.Get("Content-Type") != "application/problem+json" {
		t.Errorf("type %s", p.head.Get("Content-Type"))
	}
	if e := wang.with("Accept-Language", "en").do("POST", at+"/"+id+"/register", map[string]any{}).want(422); !strings.Contains(e.text("title"), "Register") || e.text("detail") != "There is no amount" {
		t.Errorf("english %s", e.body)
	}
	q := ma.do("POST", at+"/"+id+"/register", map[string]any{}).want(422)
	if q.text("group") != "who" || q.text("who_may", 0, "name") != "wang" {
		t.Errorf("who %s", q.body)
	}
	// Who may not see the record learns nothing of it.
	lone := s.signIn("lone")
	a, b := lone.do("GET", at+"/"+id, nil).want(404), lone.do("GET", at+"/nothing", nil).want(404)
	if string(a.body) != string(b.body) {
		t.Errorf("unseen %s, unknown %s", a.body, b.body)
	}
	lone.do("POST", at+"/"+id+"/register", map[string]any{}).want(404)
	if r := lone.do("GET", at, nil).want(200); r.len("rows") != 0 {
		t.Errorf("list of lone: %s", r.body)
	}
	if r := wang.do("POST", at, map[string]any{"values": map[string]any{"subject": "x", "colour": "red", "amount": "much"}}).want(400); r.len("items") != 2 {
		t.Errorf("bad fields: %s", r.body)
	}
	for _, k := range []string{"id", "number", "state", "etag", "by", "unit", "search", "stamp"} {
		wang.do("POST", at, map[string]any{"values": map[string]any{"subject": "x", k: "y"}}).want(400)
	}
	if r := wang.do("POST", at, map[string]any{"values": map[string]any{"subject": "x"}, "colour": "red"}).want(400); r.text("items", 0, "field") != "colour" {
		t.Errorf("unknown key: %s", r.body)
	}
	wang.do("POST", at, map[string]any{"values": map[string]any{"subject": "x", "customer": "nobody"}}).want(400)
	wang.do("POST", at+"/"+id+"/fly", map[string]any{}).want(404)
	wang.do("POST", "/api/form/base.breach/record", map[string]any{"values": map[string]any{"name": "x"}}).want(422)
	wang.do("POST", "/api/form/base.person/record", map[string]any{"values": map[string]any{"name": "x"}}).want(422)
	wang.do("POST", "/api/rulebook/x/parameter/limit", map[string]any{"value": "99", "from": "2026-01-01", "reason": "x"}).want(422)
	wang.do("POST", "/api/form/base.param_value/record", map[string]any{"values": map[string]any{"book": "x", "param": "limit", "value": "99", "from": "2026-01-01"}}).want(422)
	if r := wang.do("POST", at+"?dry=1", map[string]any{"values": map[string]any{"subject": "只是试试"}}).want(200); r.text("dry") != "true" {
		t.Errorf("dry %s", r.body)
	}
	if s.digest() != before {
		t.Error("something refused left a trace")
	}
}

// Ensure that the same key makes one record, and another content under it is an error.
func TestIdempotency(t *testing.T) {
	s := open(t)
	c := s.signIn("wang").with("Idempotency-Key", "k1")
	body := map[string]any{"values": map[string]any{"subject": "一次"}}
	a, b := c.do("POST", at, body).want(201), c.do("POST", at, body).want(201)
	if a.text("id") != b.text("id") {
		t.Error("two records")
	}
	c.do("POST", at, map[string]any{"values": map[string]any{"subject": "别的"}}).want(400)
	if r := c.do("GET", at, nil); r.len("rows") != 1 {
		t.Errorf("rows %s", r.body)
	}
}

// Ensure that a program that asks for little is told what it made and which version, that what is refused is still told in
// full, and that nobody else's answer changes.
func TestPrefer(t *testing.T) {
	s := open(t)
	c := s.signIn("wang")
	short := c.with("Prefer", "respond-async, return=minimal")
	a := short.do("POST", at, map[string]any{"values": map[string]any{"subject": "短", "amount": "1.00", "customer": s.cust}, "lines": map[string]any{"parts": []any{map[string]any{"name": "法兰", "qty": 1}}}}).want(201)
	id := a.text("id")
	if a.head.Get("Location") != at+"/"+id || a.head.Get("Preference-Applied") != "return=minimal" || a.at("values") != nil || a.at("actions") != nil {
		t.Errorf("create %v %s", a.head, a.body)
	}
	full := c.do("GET", at+"/"+id, nil).want(200)
	if full.head.Get("ETag") != a.head.Get("ETag") || full.text("etag") != a.text("etag") {
		t.Errorf("version %s, told %s", full.text("etag"), a.text("etag"))
	}
	b := short.do("POST", at+"/"+id+"/register", map[string]any{}).want(200)
	if b.text("number") != "260301" || b.text("done", "action") != "register" || b.at("record") != nil {
		t.Errorf("action %s", b.body)
	}
	e := short.with("If-Match", b.head.Get("ETag")).do("PATCH", at+"/"+id, map[string]any{"values": map[string]any{"subject": "新"}}).want(200)
	if e.text("etag") == b.text("etag") || e.at("values") != nil {
		t.Errorf("edit %s", e.body)
	}
	if p := short.do("POST", at+"/"+id+"/decide", map[string]any{}).want(422); p.len("items") == 0 {
		t.Errorf("refusal %s", p.body)
	}
	then := short.do("POST", at, map[string]any{"values": map[string]any{"subject": "缺"}, "then": "decide"}).want(201)
	if then.text("then_problem", "kind") != "refused" {
		t.Errorf("then %s", then.body)
	}
	for _, prefer := range []string{"return=representation", "return=representation, return=minimal", "minimal", "wait=10"} {
		if r := c.with("Prefer", prefer).do("POST", at, map[string]any{"values": map[string]any{"subject": "全"}}).want(201); r.at("actions") == nil || r.head.Get("Preference-Applied") != "" {
			t.Errorf("%s: %s", prefer, r.body)
		}
	}
}

// Ensure that a stale version is told what changed, by whom.
func TestStale(t *testing.T) {
	s := open(t)
	c := s.signIn("wang")
	id := c.file(map[string]any{"subject": "甲"})
	etag := c.do("GET", at+"/"+id, nil).head.Get("ETag")
	c.with("If-Match", etag).do("PATCH", at+"/"+id, map[string]any{"values": map[string]any{"subject": "乙"}}).want(200)
	p := c.with("If-Match", etag).do("PATCH", at+"/"+id, map[string]any{"values": map[string]any{"subject": "丙"}}).want(409)
	if p.text("kind") != "conflict" || p.text("current", "changes", 0, "field") != "subject" || p.text("current", "changes", 0, "new") != "乙" || p.text("current", "changes", 0, "by") != "wang" {
		t.Errorf("conflict %s", p.body)
	}
	if `"`+p.text("current", "etag")+`"` == etag {
		t.Error("the current version is the old one")
	}
	// Who names no version is sent back, by either way to edit, and nothing changes (S73). A trial and other actions go through.
	bare := c.with("If-Match", "")
	before := s.digest()
	if r := bare.do("PATCH", at+"/"+id, map[string]any{"values": map[string]any{"subject": "丙"}}); r.status != 428 || r.text("kind") != "unversioned" {
		t.Errorf("without a version: %d %s", r.status, r.body)
	}
	c.do("POST", at+"/"+id+"/edit", map[string]any{"values": map[string]any{"subject": "丙"}}).want(428)
	if s.digest() != before {
		t.Error("something changed")
	}
	bare.do("PATCH", at+"/"+id+"?dry=1", map[string]any{"values": map[string]any{"subject": "丙"}}).want(200)
	c.with("If-Match", "*").do("PATCH", at+"/"+id, map[string]any{"values": map[string]any{"subject": "丁", "amount": "1", "phone": "13866210417"}}).want(200)
	c.do("POST", at+"/"+id+"/register", map[string]any{}).want(200)
}

// Ensure that what the clock does is seen: warning, lateness, notices.
func TestClock(t *testing.T) {
	s := open(t)
	c, zong := s.signIn("wang"), s.signIn("zong")
	id := c.file(map[string]any{"subject": "拖", "amount": "1", "phone": "13866210417"})
	c.do("POST", at+"/"+id+"/register", map[string]any{}).want(200)
	r := c.do("POST", "/api/clock", map[string]any{"advance": "40d"}).want(200)
	if r.text("fired") == "0" {
		t.Errorf("turn %s", r.body)
	}
	c.do("POST", "/api/clock", map[string]any{}).want(400)
	n := zong.do("GET", "/api/notice", nil).want(200)
	if n.len("rows") != 1 || n.text("unread") != "1" || strings.Contains(string(n.body), "13866210417") {
		t.Errorf("notices %s", n.body)
	}
	zong.do("POST", "/api/notice/"+n.text("rows", 0, "id")+"/read", nil).want(204)
	zong.do("POST", "/api/notice/"+n.text("rows", 0, "id")+"/read", nil).want(204)
	if n := zong.do("GET", "/api/notice", nil); n.text("unread") != "0" {
		t.Errorf("notices %s", n.body)
	}
	c.do("POST", "/api/notice/"+n.text("rows", 0, "id")+"/read", nil).want(404)
	ma := s.signIn("ma")
	if r := ma.do("GET", "/api/me", nil); r.text("counts", "late") != "1" {
		t.Errorf("me %s", r.body)
	}
	if r := ma.do("GET", "/api/task", nil); r.len("groups", "late") != 1 || r.text("groups", "late", 0, "state") != "late" {
		t.Errorf("tasks %s", r.body)
	}
	if r := ma.do("GET", "/api/clock?state=late", nil); r.len("rows") != 1 || r.text("rows", 0, "overrun") == "" {
		t.Errorf("clocks %s", r.body)
	}
	if r := ma.do("GET", "/api/board", nil).want(200); r.len("by_stage") != 1 || r.text("by_stage", 0, "late") != "1" {
		t.Errorf("board %s", r.body)
	}
	if r := ma.do("GET", at, nil); r.text("rows", 0, "due", "state") != "late" {
		t.Errorf("row %s", r.body)
	}
}

// Ensure that nonsense is answered, quickly and without harm.
func TestNonsense(t *testing.T) {
	s := open(t)
	c := s.signIn("wang")
	before := s.digest()
	send := func(body, kind string) *reply {
		req, _ := http.NewRequest("POST", s.srv.URL+at, strings.NewReader(body))
		req.Header.Set("Content-Type", kind)
		req.Header.Set("X-CSRF-Token", c.csrf)
		return c.send(req)
	}
	if r := send(strings.Repeat("x", 10<<20), "application/json"); r.status != 400 && r.status != 413 {
		t.Errorf("10 MB of x: %d", r.status)
	}
	if r := send(`{"values":{"subject":"`+strings.Repeat("x", 10<<20)+`"}}`, "application/json"); r.status != 413 {
		t.Errorf("10 MB of text: %d", r.status)
	}
	for _, body := range []string{"", "{", "[]", "null x", `{"values":[]}`, `{"values":{"subject":{"a":1}}}`, `{"values":{"amount":1e400,"subject":"x"}}`, `{"values":{"subject":"x"}}{}`, strings.Repeat("[", 20000)} {
		if r := send(body, "application/json"); r.status != 400 {
			t.Errorf("%.40s: %d %s", body, r.status, r.body)
		}
	}
	if r := send(`{"values":{"subject":"x"}}`, "text/plain"); r.status != 400 {
		t.Errorf("text/plain: %d", r.status)
	}
	c.do("GET", "/api/nothing", nil).want(404)
	c.do("PUT", at, nil).want(404)
	if s.digest() != before {
		t.Error("nonsense left a trace")
	}
}

// Ensure that the company's zone is told, and that what the base forms name by an id is read in words.
func TestLabels(t *testing.T) {
	s := open(t)
	he := s.signIn("he")
	if r := he.do("GET", "/api/company", nil).want(200); r.text("zone") != "Asia/Shanghai" {
		t.Errorf("zone: %s", r.body)
	}
	form := he.do("GET", "/api/form/base.role_grant", nil).want(200)
	found := false
	for i := range form.len("fields") {
		if form.text("fields", i, "id") != "role" {
			continue
		}
		for k := range form.len("fields", i, "options") {
			found = found || form.text("fields", i, "options", k, "label", "zh") == "办事员"
		}
	}
	if !found {
		t.Errorf("roles are not named: %s", form.body)
	}
	if r := he.do("GET", "/api/form/base.role_grant/record", nil).want(200); !strings.Contains(string(r.body), `"title":"办事员 wang"`) {
		t.Errorf("titles %s", r.body)
	}
	id := s.Do("wang", "x.matter", "", "create", map[string]any{"subject": "无编号"}).Record
	s.Refused("ma", "x.matter", id, "register", nil)
	if r := he.do("GET", "/api/form/base.attempt/record?limit=1", nil).want(200); r.text("rows", 0, "values", "of_number") != "无编号" {
		t.Errorf("what was refused: %s", r.body)
	}
}
