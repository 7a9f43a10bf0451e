package api_test

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"zhanggui/internal/api"
	"zhanggui/internal/auth"
	"zhanggui/internal/testkit"
)

// codeOf is what a telephone shows for a secret: written here a second time, so that the program does not vouch for itself.
func codeOf(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, uint64(at.Unix()/30))
	sum := mac.Sum(nil)
	o := sum[19] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[o:])&0x7fffffff%1000000)
}

// stranger is a browser without a session, keeping cookies.
func (s *shop) stranger() *client {
	jar, _ := cookiejar.New(nil)
	return &client{s: s, http: &http.Client{Jar: jar, Timeout: 2 * time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, head: map[string]string{}}
}

func (c *client) cookie(name string) string {
	u, _ := url.Parse(c.s.srv.URL)
	for _, k := range c.http.Jar.Cookies(u) {
		if k.Name == name {
			return k.Value
		}
	}
	return ""
}

// Ensure that a right password opens nothing while the second factor is owed, and that both together open with a new token.
func TestSecondFactor(t *testing.T) { testkit.Databases(t, secondFactorOn) }

func secondFactorOn(t *testing.T, dsn string) {
	s := openDoor(t, dsn, testkit.Load(t, shopBook), auth.Options{Second: auth.Nobody})
	wang := s.signIn("wang")
	e := wang.do("POST", "/api/factor/totp", nil).want(200)
	if !strings.HasPrefix(e.text("image"), "<svg") || !strings.HasPrefix(e.text("uri"), "otpauth://totp/") {
		t.Fatalf("%s", e.body)
	}
	wang.do("POST", "/api/factor/totp/confirm", map[string]any{"code": "12345"}).want(400)
	wang.do("POST", "/api/factor/totp/confirm", map[string]any{"code": codeOf(t, e.text("secret"), s.Now)}).want(204)
	codes := wang.do("POST", "/api/factor/recovery", nil).want(200)
	wang.do("POST", "/api/factor/recovery/confirm", map[string]any{"code": codes.text("codes", 4)}).want(204)
	if r := wang.do("GET", "/api/factor", nil).want(200); r.len("factors") != 2 || r.text("factors", 1, "left") != "10" || strings.Contains(string(r.body), e.text("secret")) {
		t.Fatalf("%s", r.body)
	}
	s.Now = s.Now.Add(time.Minute)
	c := s.stranger()
	r := c.do("POST", "/api/session", map[string]any{"account": "wang", "password": password}).want(202)
	if fmt.Sprint(r.at("owes")) != "[totp recovery]" || r.at("person") != nil {
		t.Fatalf("%s", r.body)
	}
	c.csrf = r.text("csrf")
	before := s.digest()
	doc := wang.do("GET", "/api/openapi.json", nil).want(200)
	paths, _ := doc.at("paths").(map[string]any)
	param := regexp.MustCompile(`\{\w+\}`)
	shut := 0
	for path, ops := range paths {
		for method, op := range ops.(map[string]any) {
			if sec, _ := op.(map[string]any)["security"].([]any); len(sec) == 0 || strings.HasPrefix(path, "/api/session/second") {
				continue
			}
			shut++
			if r := c.do(strings.ToUpper(method), param.ReplaceAllString(path, "x"), nil); r.status != 401 {
				t.Errorf("half a session opens %s %s: %d", method, path, r.status)
			}
		}
	}
	if shut < 50 || s.digest() != before {
		t.Errorf("only %d routes tried, or something changed", shut)
	}
	if r := c.do("GET", "/api/session/second", nil).want(200); r.text("csrf") != c.csrf || r.len("owes") != 2 {
		t.Errorf("%s", r.body)
	}
	old := c.cookie("zg_session")
	if r := c.do("POST", "/api/session/second", map[string]any{"code": "000000"}).want(401); r.text("tries_left") != "4" {
		t.Errorf("%s", r.body)
	}
	r = c.do("POST", "/api/session/second", map[string]any{"code": codeOf(t, e.text("secret"), s.Now)}).want(201)
	if r.text("person", "name") != "wang" || c.cookie("zg_session") == old || r.text("csrf") == c.csrf {
		t.Errorf("%s", r.body)
	}
	c.csrf = r.text("csrf")
	c.do("GET", "/api/me", nil).want(200)
	c.do("GET", "/api/session/second", nil).want(401) // he owes nothing more
	if r := s.signIn("he").do("GET", "/api/journal?action=sign_in", nil).want(200); r.len("rows") == 0 {
		t.Errorf("journal %s", r.body)
	}
	// Lost: another person takes it away, saying how he was told who it is; never one's own.
	he := s.signIn("he")
	lost := "/api/person/" + s.ID("wang") + "/factor"
	he.do("DELETE", lost, map[string]any{"reason": ""}).want(400)
	he.do("DELETE", "/api/person/"+s.ID("he")+"/factor", map[string]any{"reason": "本人当面出示工牌"}).want(403)
	c.do("DELETE", lost, map[string]any{"reason": "本人当面出示工牌"}).want(403)
	he.do("DELETE", lost, map[string]any{"reason": "本人当面出示工牌"}).want(204)
	c.do("GET", "/api/me", nil).want(401)
	s.signIn("wang")
}

// Ensure that who must enrol a second factor finds the page for it open and nothing else.
func TestMustEnrol(t *testing.T) {
	s := openDoor(t, "sqlite:"+t.TempDir()+"/shop.db", testkit.Load(t, shopBook), auth.Options{Second: auth.Everyone, Grace: -1})
	c := s.signIn("wang")
	if r := c.do("GET", "/api/me", nil).want(200); r.text("must_enrol") != "true" {
		t.Errorf("%s", r.body)
	}
	c.do("GET", "/api/form", nil).want(403)
	c.do("POST", at, map[string]any{"values": map[string]any{"subject": "x"}}).want(403)
	c.do("POST", "/api/token", map[string]any{"name": "erp", "scope": []string{"read"}}).want(403)
	e := c.do("POST", "/api/factor/totp", nil).want(200)
	c.do("POST", "/api/factor/totp/confirm", map[string]any{"code": codeOf(t, e.text("secret"), s.Now)}).want(204)
	c.do("GET", "/api/form", nil).want(200)
}

// Ensure that what reaches far is asked for anew after five minutes, that nothing happens until it is given, and that no
// machine token may (S19).
func TestFresh(t *testing.T) {
	s := openDoor(t, "sqlite:"+t.TempDir()+"/shop.db", testkit.Load(t, shopBook), auth.Options{Idle: -1, Absolute: -1, Second: auth.Nobody})
	he, wang := s.signIn("he"), s.signIn("wang")
	id := wang.file(map[string]any{"subject": "法兰", "phone": "13866210417"})
	tok := wang.do("POST", "/api/token", map[string]any{"name": "erp", "scope": []string{"read", "write"}}).want(201).text("token")
	office := he.do("POST", "/api/token", map[string]any{"name": "erp", "scope": []string{"read", "write"}}).want(201).text("token")
	grant := map[string]any{"values": map[string]any{"person": s.ID("wang"), "role": "chief", "unit": s.Unit}}
	adoption := map[string]any{"values": map[string]any{"unit": s.Unit, "book": "x", "from": "2031-01-01"}}
	acts := []struct {
		c            *client
		method, path string
		body         any
		status       int
	}{
		{wang, "POST", at + "/" + id + "/reveal", map[string]any{"field": "phone", "purpose": "回电核实"}, 200},
		{wang, "GET", at + ".xlsx", nil, 200},
		{he, "POST", "/api/form/base.role_grant/record", grant, 201},
		{he, "POST", "/api/form/base.adoption/record", adoption, 422}, // the same book is adopted already: judged, not asked
		{he, "POST", "/api/person/" + s.ID("ma") + "/reset", nil, 200},
		{wang, "POST", "/api/token", map[string]any{"name": "erp", "scope": []string{"read"}}, 201},
		{wang, "POST", "/api/factor/totp", nil, 200},
		{he, "POST", "/api/personal-request/none/copy", nil, 404},
		{he, "GET", "/api/statement.xlsx?month=2026-03", nil, 200},
	}
	s.Now = s.Now.Add(5*time.Minute - time.Millisecond)
	wang.do("GET", at+".xlsx", nil).want(200)
	s.Now = s.Now.Add(time.Millisecond)
	before := s.digest()
	for _, a := range acts {
		if a.status == 422 {
			a.c.do(a.method, a.path, a.body).want(422)
			continue
		}
		if r := a.c.do(a.method, a.path, a.body).want(403); r.text("kind") != "stale" || strings.Contains(string(r.body), "13866210417") {
			t.Errorf("%s: %s", r.what, r.body)
		}
	}
	// Who may not at all is told so, and is not asked for his password first.
	if r := wang.do("POST", "/api/person/"+s.ID("ma")+"/reset", nil).want(403); r.text("kind") != "forbidden" {
		t.Errorf("%s", r.body)
	}
	for _, a := range acts[:3] {
		m := (&client{s: s, http: &http.Client{}}).with("Authorization", "Bearer "+map[*client]string{wang: tok, he: office}[a.c])
		if r := m.do(a.method, a.path, a.body); r.status != 403 {
			t.Errorf("a machine token: %s: %d", r.what, r.status)
		}
	}
	if s.digest() != before {
		t.Error("something changed")
	}
	wang.do("GET", at+"/"+id, nil).want(200) // ordinary work goes on
	for _, c := range []*client{wang, he} {
		c.do("POST", "/api/session/fresh", map[string]any{"password": "wrong"}).want(401)
		old := c.cookie("zg_session")
		c.csrf = c.do("POST", "/api/session/fresh", map[string]any{"password": password}).want(200).text("csrf")
		if c.cookie("zg_session") == old {
			t.Error("the token of before goes on")
		}
	}
	for _, a := range acts {
		a.c.do(a.method, a.path, a.body).want(a.status)
	}
}

// told are the texts of a person's notices, newest first.
func (c *client) told() (list []string) {
	r := c.do("GET", "/api/notice", nil).want(200)
	for i := range r.len("rows") {
		list = append(list, r.text("rows", i, "text"))
	}
	return list
}

// Ensure that a person learns of a sign-in from a browser he never used and of every change of his way in, whoever makes it; that
// his first browser and one he comes back to tell nothing, that one browser may be two people's, and that a secret which
// somebody made up is no known browser (S13).
func TestTold(t *testing.T) { testkit.Databases(t, toldOn) }

func toldOn(t *testing.T, dsn string) {
	s := openDoor(t, dsn, testkit.Load(t, shopBook), auth.Options{Idle: -1, Absolute: -1, Fresh: -1, Second: auth.Nobody, Moving: true})
	in := func(c *client, name string) *client {
		c.csrf = c.do("POST", "/api/session", map[string]any{"account": name, "password": password}).want(201).text("csrf")
		return c
	}
	desk, he := in(s.stranger(), "wang"), s.signIn("he")
	in(desk, "wang")
	if list := desk.told(); len(list) != 0 {
		t.Fatalf("his own browser: %v", list)
	}
	s.Now = s.Now.Add(auth.DeviceFor - time.Minute)
	in(desk, "wang")
	in(desk, "ma") // at the same desk
	if list := in(desk, "wang").told(); len(list) != 0 {
		t.Fatalf("back at his own browser: %v", list)
	}
	in(s.stranger().with("Cookie", "zg_device="+strings.Repeat("A", 43)), "wang")
	in(s.stranger(), "wang")
	if list := desk.told(); len(list) != 2 || !strings.Contains(list[0], "127.0.0.1") || !strings.Contains(list[0], "没用过的浏览器") {
		t.Fatalf("two browsers nobody knew: %v", list)
	}
	if list := he.told(); len(list) != 0 {
		t.Errorf("somebody else was told: %v", list)
	}
	for _, c := range []struct {
		by           *client
		method, path string
		body         any
		want         string
	}{
		{desk, "POST", "/api/token", map[string]any{"name": "erp", "scope": []string{"read"}}, "令牌"},
		{desk, "POST", "/api/password", map[string]any{"old": password, "new": "correct horse battery staple 9"}, "密码改了"},
		{he, "POST", "/api/person/" + s.ID("wang") + "/reset", nil, "重设密码的链接"},
		{he, "DELETE", "/api/person/" + s.ID("wang") + "/factor", map[string]any{"reason": "电话丢了，当面核对"}, "清除了你的第二因素"},
	} {
		s.Now = s.Now.Add(time.Second)
		r := c.by.do(c.method, c.path, c.body)
		if r.status >= 300 {
			t.Fatalf("%s: %d %s", r.what, r.status, r.body)
		}
		if c.method == "DELETE" { // his sessions are over
			desk.csrf = desk.do("POST", "/api/session", map[string]any{"account": "wang", "password": "correct horse battery staple 9"}).want(201).text("csrf")
		}
		if list := desk.told(); !strings.Contains(list[0], c.want) {
			t.Errorf("%s: %v", r.what, list)
		}
	}
}

// Ensure that unknown, closed, locked and wrong are one answer, byte for byte but for the reference (S6).
func TestSignInSame(t *testing.T) {
	s := open(t)
	s.System("base.person", map[string]any{"name": "无密", "account": "bare", "active": true})
	if err := s.auth.Disable(t.Context(), s.ID("ma"), s.Now); err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, account := range []string{"nobody", "wang", "ma", "bare"} {
		var all strings.Builder
		for try := range 7 {
			given := "wrong"
			if account == "ma" || try > 5 {
				given = password
			}
			r := s.stranger().do("POST", "/api/session", map[string]any{"account": account, "password": given}).want(401)
			r.head.Del("X-Request-Id")
			r.head.Del("Date")
			fmt.Fprintln(&all, r.head, string(r.body))
		}
		said[account] = all.String()
	}
	for account, text := range said {
		if text != said["nobody"] {
			t.Errorf("%s is told from nobody:\n%s\n%s", account, text, said["nobody"])
		}
	}
}

// Ensure that a leaver is out at the minute: session, machine token and open stream; the stream at its
// next look, of which there is one every two seconds (P19, A14). On all nodes: app.TestNodes/OutOnEveryNode.
func TestLeaver(t *testing.T) { testkit.Databases(t, leaverOn) }

func leaverOn(t *testing.T, dsn string) {
	s := openDoor(t, dsn, testkit.Load(t, shopBook), auth.Options{Idle: -1, Absolute: -1, Fresh: -1, Second: auth.Nobody})
	looks := make(chan time.Time)
	s.srv.Config.Handler = s.api(looks)
	look := func() {
		t.Helper()
		select {
		case looks <- s.clock():
		case <-time.After(time.Minute):
			t.Fatal("no stream is there to look")
		}
	}
	wang := s.signIn("wang")
	tok := wang.do("POST", "/api/token", map[string]any{"name": "erp", "scope": []string{"read"}}).want(201).text("token")
	m := (&client{s: s, http: &http.Client{}}).with("Authorization", "Bearer "+tok)
	res, err := wang.http.Do(newRequest(t, "GET", s.srv.URL+"/api/event", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Scan() // it is open
	if err := s.auth.Disable(t.Context(), s.ID("wang"), s.Now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	look()
	look() // he may still hear, so the stream is there for a second look
	wang.do("GET", "/api/me", nil).want(200)
	m.do("GET", "/api/form", nil).want(200)
	if _, err := s.Turn(t.Context(), s.Now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	wang.do("GET", "/api/me", nil).want(401)
	m.do("GET", "/api/form", nil).want(401)
	look()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for lines.Scan() { // to its end
		}
	}()
	select {
	case <-ended:
	case looks <- s.clock():
		t.Error("it looked, and the stream of who has left goes on until it next beats")
	}
	s.stranger().do("POST", "/api/session", map[string]any{"account": "wang", "password": password}).want(401)
}

// Ensure that a link for a new password names the configured address, whatever a request pretends, and that an administrator
// never learns a password (A13, S9).
func TestReset(t *testing.T) {
	s := openDoor(t, "sqlite:"+t.TempDir()+"/shop.db", testkit.Load(t, shopBook), auth.Options{Second: auth.Nobody})
	he, wang, ma := s.signIn("he"), s.signIn("wang"), s.signIn("ma")
	path := "/api/person/" + s.ID("ma") + "/reset"
	wang.do("POST", path, nil).want(403)
	he.do("POST", "/api/person/nobody/reset", nil).want(404)
	he.do("POST", "/api/person/"+s.ID("he")+"/reset", nil).want(403)
	req := newRequest(t, "POST", s.srv.URL+path, nil)
	req.Host = "evil.example"
	for _, h := range []string{"X-Forwarded-Host", "X-Original-Host", "Forwarded", "X-Forwarded-Server"} {
		req.Header.Set(h, "evil.example")
	}
	req.Header.Set("X-CSRF-Token", he.csrf)
	req.Header.Set("Cookie", "zg_session="+he.cookie("zg_session"))
	r := he.send(req).want(200)
	link := r.text("link")
	if !strings.HasPrefix(link, "http://localhost:8080/reset#") || r.at("password") != nil {
		t.Fatalf("%s", r.body)
	}
	token := strings.TrimPrefix(link, "http://localhost:8080/reset#")
	ma.do("GET", "/api/me", nil).want(200) // nothing has changed yet
	c := s.stranger()
	c.do("POST", "/api/reset", map[string]any{"token": "x" + token, "new": "Another-lamp-43"}).want(400)
	c.do("POST", "/api/reset", map[string]any{"token": token, "new": "Another-lamp-43"}).want(204)
	if c.cookie("zg_session") != "" {
		t.Error("a reset signs in")
	}
	c.do("POST", "/api/reset", map[string]any{"token": token, "new": "Another-lamp-44"}).want(400)
	ma.do("GET", "/api/me", nil).want(401)
	c.do("POST", "/api/session", map[string]any{"account": "ma", "password": "Another-lamp-43"}).want(201)
	if r := he.do("GET", "/api/journal?action=reset", nil).want(200); r.len("rows") != 1 || strings.Contains(string(r.body), token) {
		t.Errorf("journal %s", r.body)
	}
	he.do("DELETE", "/api/person/"+s.ID("wang")+"/session", nil).want(204)
	wang.do("GET", "/api/me", nil).want(401)
}

// Ensure that under TLS the cookie is one no neighbour can plant, and that its plain namesake opens nothing.
func TestCookie(t *testing.T) {
	s := open(t)
	h := api.New(api.Deps{Engine: s.E, Auth: s.auth, Jobs: s.jobs, Lib: s.lib, Clock: s.clock, Secure: true})
	ask := func(method, path string, body any, cookie string) *httptest.ResponseRecorder {
		b, _ := json.Marshal(body)
		r := httptest.NewRequest(method, path, bytes.NewReader(b))
		r.Header.Set("Content-Type", "application/json")
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	planted := ask("POST", "/api/session", map[string]any{"account": "wang", "password": password}, "__Host-zg_session=planted")
	set := planted.Header().Get("Set-Cookie")
	for _, part := range []string{"__Host-zg_session=", "Path=/", "HttpOnly", "Secure", "SameSite=Lax"} {
		if !strings.Contains(set, part) {
			t.Errorf("%q lacks %s", set, part)
		}
	}
	if strings.Contains(set, "Domain") || strings.Contains(set, "planted") {
		t.Error(set)
	}
	pair, _, _ := strings.Cut(set, ";")
	if w := ask("GET", "/api/me", nil, pair); w.Code != 200 {
		t.Error(w.Code)
	}
	if w := ask("GET", "/api/me", nil, strings.TrimPrefix(pair, "__Host-")); w.Code != 401 {
		t.Error("the plain name opens", w.Code)
	}
	if w := ask("GET", "/api/me", nil, "__Host-zg_session=planted"); w.Code != 401 {
		t.Error("a token planted before the sign-in opens", w.Code)
	}
}

// Ensure that no page of another site acts with a visitor's cookie, in any of the ways browsers offer (A37).
func TestCrossSite(t *testing.T) {
	s := open(t)
	c := s.signIn("wang")
	id := c.file(map[string]any{"subject": "法兰"})
	before := s.digest()
	for name, r := range map[string]struct{ method, path, kind, body string }{
		"form":  {"POST", at, "application/x-www-form-urlencoded", "values=1"},
		"text":  {"POST", at, "text/plain", `{"values":{"subject":"x"}}`},
		"multi": {"POST", "/api/file", "multipart/form-data; boundary=x", "--x--"},
		"reset": {"POST", "/api/session/fresh", "text/plain", `{"password":"x"}`},
	} {
		req := newRequest(t, r.method, s.srv.URL+r.path, strings.NewReader(r.body))
		req.Header.Set("Content-Type", r.kind)
		req.Header.Set("Origin", "https://evil.example")
		req.Header.Set("X-CSRF-Token", c.csrf)
		if got := c.send(req); got.status != 403 {
			t.Errorf("%s: %d", name, got.status)
		}
		req = newRequest(t, r.method, s.srv.URL+r.path, strings.NewReader(r.body)) // no header of a browser at all, and no token
		req.Header.Set("Content-Type", r.kind)
		if got := c.send(req); got.status != 403 {
			t.Errorf("%s without token: %d", name, got.status)
		}
	}
	// Even with the token, what is not JSON is not read.
	req := newRequest(t, "POST", s.srv.URL+at, strings.NewReader(`{"values":{"subject":"x"}}`))
	req.Header.Set("Content-Type", "text/plain")
	req.Header.Set("X-CSRF-Token", c.csrf)
	c.send(req).want(400)
	// Nothing is done by asking.
	for _, path := range []string{at + "/" + id + "/register", at + "/" + id + "/reveal", "/api/session/" + "x", "/api/reset", "/api/oidc"} {
		if r := c.do("GET", path, nil); r.status < 400 {
			t.Errorf("GET %s: %d", path, r.status)
		}
	}
	if s.digest() != before {
		t.Error("something changed")
	}
}

// Ensure that an account is one however it is typed: full-width letters are the plain ones when it is kept, compared and signed in
// with, and no unseen character makes a second one (S71).
func TestAccountSpelling(t *testing.T) { testkit.Databases(t, accountSpellingOn) }

func accountSpellingOn(t *testing.T, dsn string) {
	s := openOn(t, dsn)
	he := s.signIn("he")
	add := func(account string) *reply {
		return he.do("POST", "/api/form/base.person/record", map[string]any{"values": map[string]any{"name": "林", "account": account, "active": true, "unit": s.Unit}})
	}
	lin := add(" ｌｉｎ２ ").want(201)
	if got := lin.text("values", "account"); got != "lin2" {
		t.Errorf("kept as %q", got)
	}
	for _, same := range []string{"lin2", "ｌin2", "lin②"} {
		add(same).want(422)
	}
	for _, hidden := range []string{"lin2\u200b", "\u202elin2", "li\u00adn2", "lin2\ufe0f", "\u2066lin2", "lin\t2"} {
		add(hidden).want(400)
	}
	he.do("PATCH", "/api/form/base.person/record/"+lin.text("id"), map[string]any{"values": map[string]any{"account": "li\u200dn2"}}).want(400)
	if err := s.auth.SetPassword(t.Context(), s.Now, lin.text("id"), password, false); err != nil {
		t.Fatal(err)
	}
	for _, typed := range []string{"lin2", "ＬＩＮ２", " Lin2 "} {
		s.stranger().do("POST", "/api/session", map[string]any{"account": typed, "password": password}).want(201)
	}
}
