package api_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

func multi(t *testing.T, field, name, content string) (io.Reader, string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	f, err := w.CreateFormFile(field, name)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(f, content)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b, w.FormDataContentType()
}

func newRequest(t *testing.T, method, url string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Ensure that one signs in, sees who one is, and is out after signing out.
func TestSession(t *testing.T) {
	s := open(t)
	nobody := &client{s: s, http: &http.Client{}}
	if r := nobody.do("GET", "/api/company", nil).want(200); r.text("name") != "小店" || r.at("accounts") != nil {
		t.Errorf("company %s", r.body)
	}
	nobody.do("GET", "/api/me", nil).want(401)
	nobody.do("GET", "/api/health", nil).want(200)
	nobody.do("GET", "/api/ready", nil).want(200)
	if r := nobody.do("POST", "/api/session", map[string]any{"account": "wang", "password": "wrong"}).want(401); r.at("tries_left") == nil {
		t.Errorf("wrong password %s", r.body)
	}
	c := s.signIn("wang")
	r := c.do("GET", "/api/me", nil).want(200)
	if r.text("person", "name") != "wang" || r.text("roles", 0, "id") != "clerk" || r.text("csrf") == "" || r.text("clock", "manual") != "true" || r.text("roles", 0, "label", "zh") != "办事员" {
		t.Errorf("me %s", r.body)
	}
	if r := c.do("GET", "/api/session", nil).want(200); r.len() != 1 || r.text(0, "current") != "true" {
		t.Errorf("sessions %s", r.body)
	}
	for _, r := range []*reply{c.do("GET", "/api/me", nil), c.do("GET", at, nil), c.do("GET", at+"/nothing", nil), nobody.do("GET", "/api/me", nil)} {
		if r.head.Get("Cache-Control") != "no-store" { // S88
			t.Errorf("%d may be kept: %q", r.status, r.head.Get("Cache-Control"))
		}
	}
	c.do("POST", "/api/password", map[string]any{"old": "wrong", "new": "Another-lamp-43"}).want(401)
	c.do("POST", "/api/password", map[string]any{"old": password, "new": "Another-lamp-43"}).want(204)
	tok := c.do("POST", "/api/token", map[string]any{"name": "erp", "scope": []string{"read"}}).want(201).text("token")
	m := (&client{s: s, http: &http.Client{}}).with("Authorization", "Bearer "+tok)
	m.do("GET", at, nil).want(200)
	m.do("POST", at, map[string]any{"values": map[string]any{"subject": "x"}}).want(403)
	m.do("GET", "/api/session", nil).want(403)
	if r := c.do("DELETE", "/api/session", nil).want(204); r.head.Get("Clear-Site-Data") != `"cache"` { // S88
		t.Errorf("at sign-out the browser is told %q", r.head.Get("Clear-Site-Data"))
	}
	c.do("GET", "/api/me", nil).want(401)
}

// Ensure that no other site acts with a visitor's cookie.
func TestCSRF(t *testing.T) {
	s := open(t)
	c := s.signIn("wang")
	before := s.digest()
	body := map[string]any{"values": map[string]any{"subject": "x"}}
	bare := *c
	bare.csrf = ""
	bare.do("POST", at, body).want(403)
	bare.with("X-CSRF-Token", "guess").do("POST", at, body).want(403)
	c.with("Origin", "https://evil.example").do("POST", at, body).want(403)
	c.with("Origin", "null").do("POST", at, body).want(403)
	c.with("Sec-Fetch-Site", "cross-site").do("POST", at, body).want(403)
	if s.digest() != before {
		t.Error("a foreign request changed something")
	}
	c.with("Origin", s.srv.URL).do("POST", at, body).want(201)
}

// Ensure that every route but the public ones asks who it is, and those that are for somebody with a right, whether he has it.
func TestEveryRouteAsks(t *testing.T) {
	s := open(t)
	nobody, wang := &client{s: s, http: &http.Client{}}, s.signIn("wang")
	doc := wang.do("GET", "/api/openapi.json", nil).want(200)
	paths, _ := doc.at("paths").(map[string]any)
	param := regexp.MustCompile(`\{\w+\}`)
	n, kept := 0, 0
	for path, ops := range paths {
		for method, op := range ops.(map[string]any) {
			sec, has := op.(map[string]any)["security"].([]any)
			if !has {
				t.Errorf("%s %s does not say whom it lets in", method, path)
			}
			if len(sec) == 0 {
				continue
			}
			n++
			if r := nobody.do(strings.ToUpper(method), param.ReplaceAllString(path, "x"), nil); r.status != 401 {
				t.Errorf("%s %s without sign-in: %d", method, path, r.status)
			}
			if right, _ := op.(map[string]any)["x-right"].(string); right != "" {
				kept++
				if r := wang.do(strings.ToUpper(method), param.ReplaceAllString(path, "x"), nil); r.status != 403 {
					t.Errorf("%s %s is %s's, and a clerk hears %d", method, path, right, r.status)
				}
			}
		}
	}
	if n < 50 || kept < 15 {
		t.Errorf("only %d operations asked, %d for who has a right", n, kept)
	}
}

// Ensure that answers have the shapes the document promises.
func TestDocument(t *testing.T) {
	s := open(t)
	c := s.signIn("wang")
	id := c.file(map[string]any{"subject": "法兰", "amount": "1.00", "phone": "13866210417", "customer": s.cust})
	c.do("POST", at+"/"+id+"/register", map[string]any{}).want(200)
	raw := c.do("GET", "/api/openapi.json", nil).want(200)
	doc, _ := raw.json.(map[string]any)
	v := validator{t: t, doc: doc}
	for path, op := range map[string]string{
		"/api/me": "/api/me", "/api/rulebook": "/api/rulebook", "/api/rulebook/x": "/api/rulebook/{id}", "/api/clause/x-3": "/api/clause/{id}", "/api/form": "/api/form",
		"/api/form/x.matter": "/api/form/{key}", at: "/api/form/x.matter/record", at + "/" + id: "/api/form/x.matter/record/{id}", at + "/" + id + "/history": "/api/form/{key}/record/{id}/history",
		at + "/" + id + "/print": "/api/form/{key}/record/{id}/print", at + "/" + id + "/why?of=action:decide": "/api/form/{key}/record/{id}/why", "/api/task": "/api/task", "/api/clock": "/api/clock",
		"/api/notice": "/api/notice", "/api/search?q=f": "/api/search", "/api/ledger": "/api/ledger", "/api/ledger/penalty": "/api/ledger/{id}", "/api/report": "/api/report",
		"/api/stat?form=x.matter&by=state": "/api/stat", "/api/board": "/api/board", "/api/journal": "/api/journal", "/api/calendar?year=2026": "/api/calendar",
		"/api/person/" + s.ID("ma") + "/rights": "/api/person/{id}/rights", "/api/company": "/api/company",
	} {
		a := c.do("GET", path, nil).want(200)
		v.check(path, op, "get", "200", "application/json", a.json)
	}
	p := c.do("POST", at+"/"+id+"/decide", map[string]any{}).want(422)
	v.check("problem", "/api/form/x.matter/record/{id}/decide", "post", "default", "application/problem+json", p.json)
}

// validator is a light check of JSON Schema: types, required keys, references, enumerations.
type validator struct {
	t   *testing.T
	doc map[string]any
}

func (v validator) check(what, path, method, status, kind string, got any) {
	v.t.Helper()
	node := any(v.doc)
	for _, k := range []string{"paths", path, method, "responses", status, "content", kind, "schema"} {
		m, _ := node.(map[string]any)
		if node = m[k]; node == nil {
			v.t.Errorf("%s: the document lacks %s of %s %s", what, k, method, path)
			return
		}
	}
	v.value(what, node.(map[string]any), got)
}

func (v validator) value(at string, schema map[string]any, got any) {
	v.t.Helper()
	if why := v.fits(at, schema, got); why != "" {
		v.t.Error(why)
	}
}

func (v validator) fits(at string, schema map[string]any, got any) string {
	if ref, ok := schema["$ref"].(string); ok {
		name := strings.TrimPrefix(ref, "#/components/schemas/")
		all := v.doc["components"].(map[string]any)["schemas"].(map[string]any)
		s, ok := all[name].(map[string]any)
		if !ok {
			return at + ": no schema " + name
		}
		return v.fits(at, s, got)
	}
	if list, ok := schema["allOf"].([]any); ok {
		for _, s := range list {
			if why := v.fits(at, s.(map[string]any), got); why != "" {
				return why
			}
		}
	}
	if list, ok := schema["anyOf"].([]any); ok {
		why := ""
		for _, s := range list {
			if why = v.fits(at, s.(map[string]any), got); why == "" {
				return ""
			}
		}
		return why
	}
	if e, ok := schema["enum"].([]any); ok {
		for _, x := range e {
			if x == got {
				return ""
			}
		}
		return at + ": not one of the choices"
	}
	var types []string
	switch x := schema["type"].(type) {
	case string:
		types = []string{x}
	case []any:
		for _, y := range x {
			types = append(types, y.(string))
		}
	}
	if len(types) == 0 {
		return ""
	}
	kind := map[bool]string{}
	switch got.(type) {
	case nil:
		kind[true] = "null"
	case bool:
		kind[true] = "boolean"
	case string:
		kind[true] = "string"
	case float64:
		kind[true] = "integer"
	case []any:
		kind[true] = "array"
	case map[string]any:
		kind[true] = "object"
	}
	if !strings.Contains(" "+strings.Join(types, " ")+" ", " "+kind[true]+" ") {
		b, _ := json.Marshal(got)
		return at + ": is " + string(b) + ", wants " + strings.Join(types, " or ")
	}
	if m, ok := got.(map[string]any); ok {
		if need, ok := schema["required"].([]any); ok {
			for _, k := range need {
				if _, has := m[k.(string)]; !has {
					return at + ": lacks " + k.(string)
				}
			}
		}
		props, _ := schema["properties"].(map[string]any)
		for k, x := range m {
			if p, ok := props[k].(map[string]any); ok {
				if why := v.fits(at+"."+k, p, x); why != "" {
					return why
				}
			}
		}
	}
	if l, ok := got.([]any); ok {
		if items, ok := schema["items"].(map[string]any); ok {
			for _, x := range l {
				if why := v.fits(at+"[]", items, x); why != "" {
					return why
				}
			}
		}
	}
	return ""
}

// Ensure that a page hears what changes, and only what its reader may see.
func TestEvents(t *testing.T) {
	s := open(t)
	wang := s.signIn("wang")
	hear := func(c *client) <-chan string {
		req := newRequest(t, "GET", s.srv.URL+"/api/event", nil)
		res, err := c.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() })
		out := make(chan string, 100)
		go func() {
			defer close(out)
			for sc := bufio.NewScanner(res.Body); sc.Scan(); {
				if s := sc.Text(); strings.HasPrefix(s, "event: ") || strings.HasPrefix(s, "data: ") {
					out <- s
				}
			}
		}()
		<-out // the first line: the clock
		return out
	}
	ma, lone := hear(s.signIn("ma")), hear(s.signIn("lone"))
	id := wang.file(map[string]any{"subject": "听见"})
	deadline := time.After(5 * time.Second)
	for found := false; !found; {
		select {
		case line := <-ma:
			found = strings.Contains(line, id)
		case <-deadline:
			t.Fatal("nothing was heard")
		}
	}
	for {
		select {
		case line := <-lone:
			if strings.Contains(line, id) {
				t.Fatalf("a stranger heard %s", line)
			}
		case <-time.After(300 * time.Millisecond):
			return
		}
	}
}
