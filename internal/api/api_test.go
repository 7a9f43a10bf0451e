package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"zhanggui/internal/alert"
	"zhanggui/internal/api"
	"zhanggui/internal/auth"
	"zhanggui/internal/engine"
	"zhanggui/internal/job"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// shopBook is a small regulation with what the door must carry: numbers, deadlines, approvals, gates and classes.
var shopBook = map[string]string{
	"x/rulebook.yaml": `
rulebook: {id: x, short: x, title: 小店规矩 | House rules, source: test, version: "1.0", admin: admin}
parameter:
  limit: {label: 权限 | Limit, type: money, value: "10000", clause: x-5}
  days: {label: 限期 | Days, type: duration, value: 30d, clause: x-3}
role:
  clerk: {label: 办事员 | Clerk}
  chief: {label: 主管 | Chief}
  boss: {label: 总经理 | Boss}
`,
	"x/clauses.yaml": `
x-1: {kind: calc, zh: 编号按月, en: Numbers by month}
x-2: {kind: gate, zh: 只有办事员登记, en: Only clerks register}
x-3: {kind: clock, zh: 三十天办结, en: Thirty days}
x-4: {kind: gate, zh: 核决, en: Decision}
x-5: {kind: gate, zh: 权限, en: Limit}
x-7: {kind: gate, zh: 不得自批, en: Not one's own}
x-8: {kind: access, zh: 电话保密, en: Phones are secret}
x-9: {kind: gate, zh: 金额要填, en: Amount needed}
`,
	"x/class.yaml": `
class:
  private: {label: 个人信息 | Personal, see: chief.has(me), mask: phone, reveal: {by: clerk, purpose: true, one: true, for: 60s, per_day: 2}, read_log: true, clause: x-8}
  inner: {label: 内部文件 | Internal, see: "true", export: {stamp: 内部文件，不外传 | Internal, clause: x-8}, clause: x-8}
  hush: {label: 机密 | Hush, see: boss.has(me), clause: x-8}
`,
	"x/matter.yaml": `
form:
  matter:
    label: 事项 | Matter
    title: this.subject
    class: inner
    number: {pattern: "{yy}{mm}{n:2}", upon: register, per: {is: month, clause: x-1}, void: [void], clause: x-1}
    field:
      subject: {label: 事由 | Subject, type: text, required: "true"}
      amount: {label: 金额 | Amount, type: money}
      phone: {label: 电话 | Phone, type: phone, class: private}
      secret_note: {label: 内情 | Inside, type: text, class: hush}
      paper: {label: 附件 | Paper, type: file}
      customer: {label: 客户 | Customer, type: customer}
    line:
      parts: {label: 明细 | Parts, field: {name: {label: 品名 | Name, type: text, required: "true"}, qty: {label: 数量 | Qty, type: int}, photo: {label: 照片 | Photo, type: file}, inside: {label: 内页 | Inside, type: file, class: hush}}}
    state: {draft: 草稿 | Draft, open: 办理中 | Open, closed: {label: 办结 | Closed, final: true}}
    action:
      register: {label: 登记 | Register, from: draft, to: open, by: {is: clerk, clause: x-2}, require: [{that: "has(this.amount)", say: 还没有金额 | There is no amount, clause: x-9}]}
      decide: {label: 核决 | Decide, from: open, to: closed, by: {is: approval(pay), clause: x-4}, lock: all}
    deadline:
      close: {label: 办结 | Close, from: register, to: decide, within: param.days, holder: chief, warn: [3d], late: [{notify: boss, text: "{this.number} 逾期 {this.phone}"}], clause: x-3}
    view:
      big: {label: 大额 | Big, where: "this.amount > money('5000')", column: [subject, amount], sort: "-amount"}
  errand:
    label: 差事 | Errand
    field:
      what: {label: 何事 | What, type: text, required: "true"}
      owner: {label: 经手人 | Owner, type: person}
      place: {label: 去处 | Place, type: unit}
      others: {label: 帮手 | Helpers, type: list of person}
    state: {todo: 待办 | To do, check: 待看 | To check, signing: 待核 | To sign, back: {label: 待补 | To mend, path: false}, done: {label: 已办 | Done, final: true}}
    action:
      finish: {label: 办好 | Finish, from: todo, to: check, by: [this.owner, this.others]}
      look: {label: 看过 | Look, from: check, to: signing, by: superior(this.owner)}
      mend: {label: 退补 | Send back, from: check, to: back, by: superior(this.owner)}
      again: {label: 补好 | Mended, from: back, to: signing, by: head(this.place)}
      agree: {label: 核准 | Agree, from: signing, to: done, by: approval(leave)}
    deadline:
      stay: {label: 看过期限 | Look in time, from: create, to: look, within: 3d, holder: "[this.owner, superior(this.owner)]", clause: x-3}
approval:
  leave: {label: 核准 | Agreement, rows: [{sign: chief.of(this.place)}], clause: x-4}
  pay:
    label: 付款 | Payment
    amount: this.amount
    rows: [{upto: param.limit, sign: chief, clause: x-5}, {sign: boss, clause: x-5}]
    except: [{is: done.register.by, say: 不得自批 | Not one's own, clause: x-7}]
    restart: [amount]
    clause: x-4
`,
}

const password = "Haystack-42-lamp"

// shop is a running server with a few people at the door.
type shop struct {
	jobs *job.Queue
	*testkit.Shop
	t     testing.TB
	srv   *httptest.Server
	lib   *rulebook.Library
	auth  *auth.Auth
	alert *alert.Service
	mu    sync.Mutex
	cust  string
	asked atomic.Pointer[func()] // done whenever the server asks what time it is, before it is told
}

// directory finds people for the door as package app does.
type directory struct{ table string }

func (d directory) find(tx *store.Tx, column, value string) (auth.Person, error) {
	rows, err := tx.Select(query.Select{Table: d.table, Alias: "p", Where: query.Eq("p", column, value), Limit: 1})
	if err != nil || len(rows) == 0 {
		return auth.Person{}, err
	}
	text := func(k string) string { s, _ := rows[0][k].(string); return s }
	active, _ := rows[0]["active"].(bool)
	return auth.Person{ID: text("id"), Account: text("account"), Name: text("name"), Active: active}, nil
}
func (d directory) ByAccount(tx *store.Tx, _ time.Time, a string) (auth.Person, error) {
	return d.find(tx, "account", a)
}
func (d directory) ByID(tx *store.Tx, _ time.Time, id string) (auth.Person, error) {
	return d.find(tx, "id", id)
}

// open starts a company: clerk wang, chief ma, boss zong, admin he, and lone in a unit that adopted nothing.
func open(t testing.TB) *shop {
	t.Helper()
	return openOn(t, "sqlite:"+t.TempDir()+"/shop.db")
}

func openOn(t testing.TB, dsn string) *shop {
	t.Helper()
	return openWith(t, dsn, testkit.Load(t, shopBook))
}

// openWith opens the shop on a library of its own; the shop's book must be in it.
func openWith(t testing.TB, dsn string, lib *rulebook.Library, opts ...store.Option) *shop {
	t.Helper()
	return openDoor(t, dsn, lib, auth.Options{Idle: -1, Absolute: -1, Fresh: -1, Second: auth.Nobody}, opts...)
}

// openDoor opens it with rules of the door's own.
func openDoor(t testing.TB, dsn string, lib *rulebook.Library, door auth.Options, opts ...store.Option) *shop {
	t.Helper()
	s := &shop{Shop: testkit.Open(t, lib, dsn, "2026-03-02 09:00", opts...), t: t, lib: lib}
	plan, err := s.DB.Plan(context.Background(), slices.Concat(auth.Tables(), alert.Tables(), job.Tables()))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DB.Apply(context.Background(), plan); err != nil {
		t.Fatal(err)
	}
	group := s.System("base.unit", map[string]any{"name": "集团"})
	s.Unit = s.System("base.unit", map[string]any{"name": "工厂", "parent": group})
	s.System("base.adoption", map[string]any{"unit": s.Unit, "book": "x", "version": "1.0", "from": "2000-01-01"})
	s.Person("wang", "clerk")
	s.Person("ma", "chief")
	s.Person("zong", "boss")
	works := s.Unit
	s.Unit = s.System("base.unit", map[string]any{"name": "别处", "parent": group})
	s.Person("lone")
	he := s.Person("he")
	s.System("base.role_grant", map[string]any{"person": he, "role": "admin", "from": "2000-01-01"})
	s.Unit = works
	s.cust = s.System("base.customer", map[string]any{"name": "泰和泵业"})
	door.Policy.Any, door.Base, door.Key = true, "http://localhost:8080", make([]byte, 32)
	s.auth = auth.New(s.DB, directory{lib.Form("base.person").Table}, door)
	for _, n := range []string{"wang", "ma", "zong", "lone", "he"} {
		if err := s.auth.SetPassword(context.Background(), s.Now, s.ID(n), password, false); err != nil {
			t.Fatal(err)
		}
	}
	s.alert, s.jobs = alertService(t, s), jobs(t, s)
	s.srv = httptest.NewServer(s.api(nil))
	t.Cleanup(s.srv.Close)
	return s
}

// api is the door itself; its streams look at their readers when the test says so, or as they do.
func (s *shop) api(looks <-chan time.Time) http.Handler {
	return api.New(api.Deps{Engine: s.E, Auth: s.auth, Alert: s.alert, Jobs: s.jobs, Lib: s.lib, Clock: s.now, Company: api.Company{Name: "小店"}, Version: "test", ManualClock: s, Looks: looks})
}

// now is the time as the server asks for it.
func (s *shop) now() time.Time {
	if f := s.asked.Load(); f != nil {
		(*f)()
	}
	return s.clock()
}

// jobs is a queue at work until the end of the test.
func jobs(t testing.TB, s *shop) *job.Queue {
	t.Helper()
	q := job.New(s.DB, job.Options{Clock: s.clock, Keep: s.Keep, Node: "test"})
	if err := q.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := q.End(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return q
}

func (s *shop) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Now
}

// Turn makes the shop its own clock hand.
func (s *shop) Turn(ctx context.Context, to time.Time) (int, error) {
	n, _, err := s.E.Tick(ctx, to)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Now = to
	return n, err
}

// client is one person's browser.
type client struct {
	s    *shop
	http *http.Client
	csrf string
	head map[string]string
}

func (s *shop) signIn(name string) *client {
	s.t.Helper()
	jar, _ := cookiejar.New(nil)
	c := &client{s: s, http: &http.Client{Jar: jar}, head: map[string]string{}}
	a := c.do("POST", "/api/session", map[string]any{"account": name, "password": password})
	a.want(201)
	c.csrf = a.text("csrf")
	return c
}

// reply is what came back.
type reply struct {
	t      testing.TB
	what   string
	status int
	head   http.Header
	body   []byte
	json   any
}

func (c *client) do(method, path string, body any) *reply {
	c.s.t.Helper()
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			c.s.t.Fatal(err)
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, c.s.srv.URL+path, in)
	if err != nil {
		c.s.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.csrf != "" && method != "GET" {
		req.Header.Set("X-CSRF-Token", c.csrf)
	}
	if method == "PATCH" {
		req.Header.Set("If-Match", "*") // who means to be held to a version says which
	}
	for k, v := range c.head {
		req.Header.Set(k, v)
		if v == "" {
			req.Header.Del(k)
		}
	}
	return c.send(req)
}

func (c *client) send(req *http.Request) *reply {
	c.s.t.Helper()
	res, err := c.http.Do(req)
	if err != nil {
		c.s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.s.t.Fatal(err)
	}
	r := &reply{t: c.s.t, what: req.Method + " " + req.URL.RequestURI(), status: res.StatusCode, head: res.Header, body: b}
	if strings.Contains(res.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(b, &r.json); err != nil {
			c.s.t.Fatalf("%s: %v in %s", r.what, err, b)
		}
	}
	return r
}

// with sends one header along.
func (c *client) with(k, v string) *client {
	d := *c
	d.head = map[string]string{k: v}
	for a, b := range c.head {
		if a != k {
			d.head[a] = b
		}
	}
	return &d
}

func (r *reply) want(status int) *reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("%s: %d, want %d: %s", r.what, r.status, status, r.body)
	}
	return r
}

// at follows keys and indexes into the answer.
func (r *reply) at(path ...any) any {
	v := r.json
	for _, p := range path {
		switch k := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[k]
		case int:
			l, _ := v.([]any)
			if k >= len(l) {
				return nil
			}
			v = l[k]
		}
	}
	return v
}

func (r *reply) text(path ...any) string {
	v := r.at(path...)
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

func (r *reply) len(path ...any) int {
	l, _ := r.at(path...).([]any)
	return len(l)
}

// digest of everything a refused request must leave alone; refusals themselves are kept elsewhere.
func (s *shop) digest() string {
	var b strings.Builder
	err := s.DB.Read(context.Background(), func(tx *store.Tx) error {
		for _, table := range []string{"x_matter", "base_notice", "base_customer", "base_person", "base_signature", "base_param_value", "file", "blob"} {
			rows, err := tx.Select(query.Select{Table: s.table(table), Alias: "t", Order: []query.Order{{Expr: query.Col{Alias: "t", Name: "id"}}}})
			if err != nil {
				return err
			}
			fmt.Fprint(&b, table, rows)
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return b.String()
}

func (s *shop) table(name string) string {
	if f := s.lib.Form(strings.Replace(name, "_", ".", 1)); f != nil {
		return f.Table
	}
	return name
}

// file files a matter and answers its id.
func (c *client) file(values map[string]any) string {
	c.s.t.Helper()
	return c.do("POST", "/api/form/x.matter/record", map[string]any{"values": values}).want(201).text("id")
}

// systemEdit is an edit in the installation's own name.
func systemEdit(form, id string, values map[string]any) engine.Act {
	return engine.Act{Form: form, Record: id, Action: "edit", Values: values, Actor: engine.Actor{System: true, Origin: "system"}}
}
