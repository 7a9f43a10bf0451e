package api_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"zhanggui/internal/api"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// askingBook has a form that somebody without an account answers by a link.
func askingBook() map[string]string {
	b := maps.Clone(shopBook)
	b["x/ask.yaml"] = `
form:
  ask:
    label: 问卷 | Questionnaire
    title: this.whom
    class: inner
    field:
      whom: {label: 对象 | Whom, type: text, required: "true"}
      shut: {label: 截止 | Shut, type: bool, default: "false"}
      inside: {label: 内情 | Inside, type: text}
      hushed: {label: 机密 | Hush, type: text, class: hush}
      words: {label: 意见 | Words, type: note}
      kind: {label: 类别 | Kind, type: choice, options: [{id: good, label: 好 | Good}, {id: bad, label: 差 | Bad}]}
    line:
      marks: {label: 评分 | Marks, field: {what: {label: 项目 | Item, type: text}, mark: {label: 分 | Mark, type: int, min: 1, max: 5, clause: x-9}}}
    state: {sent: 已发 | Sent, back: {label: 已回 | Back, final: true}}
    action:
      create: {by: clerk, fill: [whom]}
      answer: {label: 回答 | Answer, from: sent, to: back, by: link, link: {for: 3d, give: clerk, while: "!this.shut", show: [whom], rows: {marks: [mark]}}, fill: [marks, {field: words, optional: true}, {field: kind, optional: true}], require: [{that: "this.marks.all(m, has(m.mark))", say: 还有项目没评 | An item is not rated}], lock: all}
      refuse: {label: 拒答 | Decline, from: sent, to: back, by: link, link: {for: 3d, give: clerk}}
`
	return b
}

// holder is somebody with a link and nothing else.
func (s *shop) holder(token string) *client {
	c := &client{s: s, http: &http.Client{}, head: map[string]string{"Authorization": "Bearer " + token}}
	return c
}

// Ensure that a link opens one action of one record, once, until it ends or is replaced, only while the rulebook says; that it is given
// only by whom the rulebook names; that its holder reads and fills only what is declared; that what a stranger is told says nothing of
// persons, records and clauses; and that its secret is nowhere but with him.
func TestLink_Attack(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := openWith(t, dsn, testkit.Load(t, askingBook()))
		var logged safeBuffer
		s.srv.Config.Handler = api.New(api.Deps{Engine: s.E, Auth: s.auth, Alert: s.alert, Jobs: s.jobs, Lib: s.lib, Clock: s.clock, Company: api.Company{Name: "小店"}, ManualClock: s, Log: slog.New(slog.NewTextHandler(&logged, nil))})
		wang, ma := s.signIn("wang"), s.signIn("ma")
		file := func(whom string) string {
			return wang.do("POST", "/api/form/x.ask/record", map[string]any{"values": map[string]any{"whom": whom, "inside": "底价九折", "hushed": "勿外传"}, "lines": map[string]any{"marks": []any{map[string]any{"what": "质量"}, map[string]any{"what": "服务"}}}}).want(201).text("id")
		}
		give := func(id string) string {
			return wang.do("POST", "/api/form/x.ask/link/answer", map[string]any{"records": []any{id}}).want(201).text(0, "token")
		}
		one, other := file("泰和泵业"), file("安和")

		// Who gives it, and is offered to.
		for c, want := range map[*client]bool{wang: true, ma: false} {
			if offered := strings.Contains(string(c.do("GET", "/api/form/x.ask", nil).want(200).body), `"links":[{"action":"answer"`); offered != want {
				t.Errorf("offered: %v, should be %v", offered, want)
			}
		}
		ma.do("POST", "/api/form/x.ask/link/answer", map[string]any{"records": []any{one}}).want(422)
		s.signIn("lone").do("POST", "/api/form/x.ask/link/answer", map[string]any{"records": []any{one}}).want(404)
		wang.do("POST", "/api/form/x.matter/link/register", map[string]any{"records": []any{one}}).want(404)
		wang.do("POST", "/api/form/x.ask/link/answer", map[string]any{"records": []any{}}).want(400)
		first := give(one)
		token := give(one)
		if many := wang.do("POST", "/api/form/x.ask/link/answer", map[string]any{"records": []any{other, "nothing"}}).want(201); many.text(0, "token") == "" || many.text(1, "token") != "" {
			t.Errorf("links for several: %s", many.body)
		}

		// What never was, what was replaced, what opens something else.
		for _, wrong := range []string{"zgl_", "zgl_nonsense", first, token + "x", token[:len(token)-1], strings.ToUpper(token), strings.Repeat("zgl_", 1000), "zgw_" + token[4:], "'; drop table auth_link; --"} {
			s.holder(wrong).do("GET", "/api/answer", nil).want(401)
			s.holder(wrong).do("POST", "/api/answer", map[string]any{}).want(401)
		}
		s.at(s.Now.Add(10 * time.Minute))
		h := s.holder(token)
		for _, path := range []string{"/api/me", "/api/form/x.ask/record/" + one, "/api/form/x.ask/record", "/api/task", "/api/event", "/api/search?q=泰和"} {
			h.do("GET", path, nil).want(401)
		}
		h.do("POST", "/api/form/x.ask/record/"+one+"/answer", map[string]any{}).want(401)
		h.do("POST", "/api/form/x.ask/link/answer", map[string]any{"records": []any{one}}).want(401)
		wang.do("GET", "/api/answer", nil).want(401)

		// What he is shown.
		seen := h.do("GET", "/api/answer", nil).want(200)
		rows := []any{map[string]any{"id": seen.text("lines", 0, "rows", 0, "id"), "mark": 5}, map[string]any{"id": seen.text("lines", 0, "rows", 1, "id"), "mark": 4}}
		for _, secret := range []string{"底价", "勿外传", one, "王", token, "inside", `"x-`} {
			if strings.Contains(string(seen.body), secret) {
				t.Errorf("the holder is shown %q: %s", secret, seen.body)
			}
		}
		if seen.text("title") != "泰和泵业" || seen.text("company") != "小店" || seen.text("lines", 0, "rows", 1, "reads", "what", "zh") != "服务" {
			t.Errorf("the holder is shown %s", seen.body)
		}

		// What he may not send: other fields, other rows, more rows, what is out of bounds, what is too much.
		elsewhere := s.text("fx_ask__marks", other)
		bad := func(status int, values map[string]any, lines ...any) {
			t.Helper()
			body := map[string]any{"values": values}
			if lines != nil {
				body["lines"] = map[string]any{"marks": lines}
			}
			a := h.do("POST", "/api/answer", body).want(status)
			for _, secret := range []string{"x-", "王", "who_may", "clause\":\""} {
				if strings.Contains(string(a.body), secret) {
					t.Errorf("a refusal says %q: %s", secret, a.body)
				}
			}
		}
		bad(400, map[string]any{"inside": "改"}, rows...)
		bad(400, map[string]any{"whom": "改"}, rows...)
		bad(400, map[string]any{"state": "back"}, rows...)
		bad(400, map[string]any{"kind": "worst"}, rows...)
		bad(400, nil, map[string]any{"id": rows[0].(map[string]any)["id"], "mark": 5, "what": "改"}, rows[1])
		bad(400, nil, map[string]any{"mark": 5})
		bad(400, nil, map[string]any{"id": elsewhere, "mark": 5})
		bad(400, nil, map[string]any{"id": rows[0].(map[string]any)["id"], "mark": 6}, rows[1])
		bad(400, nil, rows[0])
		h.do("POST", "/api/answer", map[string]any{"reason": "x"}).want(400)
		h.do("POST", "/api/answer", map[string]any{"values": map[string]any{"words": strings.Repeat("长", 1<<16)}}).want(413)
		h.with("Origin", "https://evil.example").do("POST", "/api/answer", map[string]any{}).want(403)
		if n := s.Count("fx_ask", "state", "sent"); n != 2 {
			t.Errorf("%d are still out, not both", n)
		}

		// Script is text; the answer counts once, also when it is sent twenty times at once or repeated after a lost line.
		script := `<img src=x onerror=alert(1)>{{this.inside}}`
		answer := map[string]any{"values": map[string]any{"words": script, "kind": "good"}, "lines": map[string]any{"marks": rows}}
		var wait sync.WaitGroup
		var mu sync.Mutex
		took := map[int]int{}
		for i := range 20 {
			wait.Go(func() {
				status := h.with("Idempotency-Key", fmt.Sprint("k", i)).do("POST", "/api/answer", answer).status
				mu.Lock()
				took[status]++
				mu.Unlock()
			})
		}
		wait.Wait()
		if took[204] != 1 || took[409] != 19 {
			t.Errorf("twenty at once were answered %v", took)
		}
		h.do("POST", "/api/answer", answer).want(409)
		h.do("GET", "/api/answer", nil).want(409)
		if r := wang.do("GET", "/api/form/x.ask/record/"+one, nil).want(200); r.text("state") != "back" || r.text("values", "words") != script || r.text("values", "inside") != "底价九折" {
			t.Errorf("the record is %s", r.body)
		}
		if r := wang.do("GET", "/api/form/x.ask/record/"+one+"/history", nil).want(200); !strings.Contains(string(r.body), `"by_link":true`) {
			t.Errorf("the history does not say that it was done by link: %s", r.body)
		}

		// Until it ends, and while the rulebook says.
		third := file("恒和")
		h = s.holder(give(third))
		wang.do("PATCH", "/api/form/x.ask/record/"+third, map[string]any{"values": map[string]any{"shut": true}}).want(200)
		h.do("GET", "/api/answer", nil).want(409)
		wang.do("POST", "/api/form/x.ask/link/answer", map[string]any{"records": []any{third}}).want(422)
		wang.do("PATCH", "/api/form/x.ask/record/"+third, map[string]any{"values": map[string]any{"shut": false}}).want(200)
		h = s.holder(give(third))
		again := h.with("Idempotency-Key", "lost")
		s.at(testkit.At(t, "2026-03-05 23:59:59"))
		h.do("GET", "/api/answer", nil).want(200)
		third_ := h.do("GET", "/api/answer", nil).want(200)
		sent := map[string]any{"lines": map[string]any{"marks": []any{map[string]any{"id": third_.text("lines", 0, "rows", 0, "id"), "mark": 1}, map[string]any{"id": third_.text("lines", 0, "rows", 1, "id"), "mark": 1}}}}
		again.do("POST", "/api/answer", sent).want(204)
		again.do("POST", "/api/answer", sent).want(204) // the same, sent again because the line broke: it is answered, and nothing is done twice
		s.at(testkit.At(t, "2026-03-06 00:00:00"))
		h.do("GET", "/api/answer", nil).want(401)

		// Its secret is nowhere.
		for _, table := range []string{"auth_link", "journal_entry", "base_attempt", "replay"} {
			for _, row := range s.rows(table) {
				if strings.Contains(fmt.Sprint(row), strings.TrimPrefix(token, "zgl_")) {
					t.Errorf("%s holds the secret: %v", table, row)
				}
			}
		}
		if strings.Contains(logged.String(), strings.TrimPrefix(token, "zgl_")) {
			t.Error("the log holds the secret")
		}
	})
}

// Ensure that guessing is slowed down by address, that a right link is still answered from there, and that one link is not asked without end.
func TestLink_Pace(t *testing.T) {
	s := openWith(t, "sqlite:"+t.TempDir()+"/shop.db", testkit.Load(t, askingBook()))
	wang := s.signIn("wang")
	id := wang.do("POST", "/api/form/x.ask/record", map[string]any{"values": map[string]any{"whom": "泰和"}}).want(201).text("id")
	token := wang.do("POST", "/api/form/x.ask/link/answer", map[string]any{"records": []any{id}}).want(201).text(0, "token")
	for range 20 {
		s.holder("zgl_guess").do("GET", "/api/answer", nil).want(401)
	}
	s.holder("zgl_guess").do("GET", "/api/answer", nil).want(429)
	for range 120 {
		s.holder(token).do("GET", "/api/answer", nil).want(200)
	}
	s.holder(token).do("GET", "/api/answer", nil).want(429)
	s.at(s.Now.Add(10 * time.Minute))
	s.holder("zgl_guess").do("GET", "/api/answer", nil).want(401)
	s.holder(token).do("GET", "/api/answer", nil).want(200)
}

// Ensure that a link ends with who gave it: it opens a second before his minute and never after, not even when he comes back; and that
// nothing else of before opens for him then (S21).
func TestLink_GiverLeaves(t *testing.T) {
	s := openWith(t, "sqlite:"+t.TempDir()+"/shop.db", testkit.Load(t, askingBook()))
	wang, he := s.signIn("wang"), s.signIn("he")
	id := wang.do("POST", "/api/form/x.ask/record", map[string]any{"values": map[string]any{"whom": "泰和"}}).want(201).text("id")
	h := s.holder(wang.do("POST", "/api/form/x.ask/link/answer", map[string]any{"records": []any{id}}).want(201).text(0, "token"))
	if err := s.auth.Disable(t.Context(), s.ID("wang"), s.Now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	s.at(s.Now.Add(59 * time.Second))
	h.do("GET", "/api/answer", nil).want(200)
	wang.do("GET", "/api/me", nil).want(200)
	s.at(s.Now.Add(time.Second))
	h.do("GET", "/api/answer", nil).want(401)
	h.do("POST", "/api/answer", map[string]any{}).want(401)
	path := "/api/form/base.person/record/" + s.ID("wang")
	he.do("POST", path+"/deactivate", map[string]any{"reason": "离职"}).want(200)
	he.do("POST", path+"/reactivate", map[string]any{"reason": "返聘"}).want(200)
	if err := s.auth.Disable(t.Context(), s.ID("wang"), time.Time{}); err != nil {
		t.Fatal(err)
	}
	h.do("GET", "/api/answer", nil).want(401)
	wang.do("GET", "/api/me", nil).want(401)
	if n := len(s.rows("auth_link")); n != 0 {
		t.Errorf("%d links are left", n)
	}
}

// Ensure that only administrators are shown what somebody would hand over.
func TestHanding(t *testing.T) {
	s := open(t)
	path := "/api/person/" + s.ID("wang") + "/handing"
	s.signIn("wang").do("GET", path, nil).want(403)
	he := s.signIn("he")
	he.do("GET", "/api/person/nobody/handing", nil).want(404)
	if r := he.do("GET", path, nil).want(200); r.text("person", "id") != s.ID("wang") || r.text("parts", 0, "key") != "posts" {
		t.Errorf("%s", r.body)
	}
}

// at sets the clock without letting anything fall due.
func (s *shop) at(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Now = now
}

// rows is a whole table.
func (s *shop) rows(table string) []store.Row {
	s.t.Helper()
	var list []store.Row
	if err := s.DB.Read(s.t.Context(), func(tx *store.Tx) (err error) {
		list, err = tx.Select(query.Select{Table: table, Alias: "t"})
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	return list
}

// text is the id of a row of a line of a record.
func (s *shop) text(table, record string) string {
	for _, row := range s.rows(table) {
		if row["record"] == record {
			return fmt.Sprint(row["id"])
		}
	}
	s.t.Fatalf("%s has no row of %s", table, record)
	return ""
}

// safeBuffer may be written by many at once.
type safeBuffer struct {
	sync.Mutex
	b bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.Lock()
	defer b.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.Lock()
	defer b.Unlock()
	return b.b.String()
}
