package alert_test

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"zhanggui/internal/alert"
	"zhanggui/internal/calendar"
	"zhanggui/internal/engine"
	"zhanggui/internal/keep"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// callBook is a desk that must answer a call in three minutes and may be told of something nobody ordered.
var callBook = map[string]string{
	"x/rulebook.yaml": `
rulebook: {id: x, short: x, title: 值班台 | Desk, source: test, version: "1.0", admin: admin}
role: {clerk: {label: 值班员 | Clerk}, chief: {label: 主管 | Chief}}
form:
  call:
    label: 来电 | Call
    title: this.caller
    number: {pattern: "LD{yy}{mm}{n:3}", per: month}
    field:
      caller: {label: 来电人 | Caller, type: text, required: "true"}
      handler: {label: 经手人 | Handler, type: person}
    state: {open: 待复 | Open, answered: {label: 已复 | Answered, final: true}}
    action:
      create: {by: clerk, do: [{notify: chief, text: "{this.caller} 来电", clause: x-2}]}
      chat: {label: 说一声 | Mention, from: open, by: clerk, do: [{notify: chief, text: 随便说说}], again: true}
      fail: {label: 不成 | Fail, from: open, by: clerk, do: [{notify: chief, text: 不成, clause: x-2}, {set: {handler: unset}}], require: [{that: has(this.handler), say: 没有经手人 | Nobody handles it}], again: true}
      answer: {label: 答复 | Answer, from: open, to: answered, by: clerk}
    deadline:
      reply: {label: 答复 | Reply, from: create, to: answer, within: 3m, holder: chief, warn: [1m], clause: x-1}
`,
	"x/clauses.yaml": "x-1: {kind: clock, zh: 三分钟答复, en: Answer in three minutes}\nx-2: {kind: clock, zh: 来电即报主管, en: The chief is told of every call}\n",
}

// house asks the engine, as package app does.
type house struct{ e *engine.Engine }

func (h house) Alert(ctx context.Context, now time.Time, person, form, record string) (alert.Notice, bool, error) {
	a, ok, err := h.e.AlertOf(ctx, now, person, form, record)
	return alert.Notice{Number: a.Number, Due: a.Due, EN: a.EN}, ok, err
}

// stub is a chat robot, or a page that is none.
type stub struct {
	*httptest.Server
	mu     sync.Mutex
	got    []request
	answer string
	status int
}

type request struct {
	url, body, id string
	head          http.Header
}

func newStub(t testing.TB) *stub {
	s := &stub{answer: `{"errcode":0,"errmsg":"ok"}`, status: 200}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.got = append(s.got, request{r.URL.String(), string(b), r.Header.Get("X-Delivery-Id"), r.Header})
		if s.status == http.StatusFound {
			w.Header().Set("Location", s.URL+"/elsewhere")
		}
		w.WriteHeader(s.status)
		_, _ = io.WriteString(w, s.answer)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *stub) says(status int, answer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.answer = status, answer
}

func (s *stub) requests() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]request(nil), s.got...)
}

type desk struct {
	*testkit.Shop
	a    *alert.Service
	keys *keep.Keeper
}

func open(t *testing.T, dsn string, set func(*alert.Options)) *desk {
	t.Helper()
	lib := testkit.Load(t, callBook)
	d := &desk{Shop: testkit.Open(t, lib, dsn, "2026-03-07 03:00"), keys: keep.Memory()}
	ctx := context.Background()
	plan, err := d.DB.Plan(ctx, alert.Tables())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.DB.Apply(ctx, plan); err != nil {
		t.Fatal(err)
	}
	d.Company("值班", "x")
	d.Person("wen", "clerk")
	d.Person("ma", "chief")
	o := alert.Options{URL: "https://crm.example.cn", Keep: d.keys, Zone: calendar.Standard().Zone, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	if set != nil {
		set(&o)
	}
	if d.a, err = alert.New(d.DB, house{d.E}, o); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *desk) add(kind, address, secret string, quiet ...int) alert.Channel {
	d.T.Helper()
	n := alert.NewChannel{Kind: kind, Address: address, Secret: secret}
	if len(quiet) == 2 {
		n.QuietFrom, n.QuietUntil = quiet[0], quiet[1]
	}
	c, err := d.a.Add(context.Background(), d.Now, d.ID("ma"), n)
	if err != nil {
		d.T.Fatal(err)
	}
	return c
}

func (d *desk) round() int {
	d.T.Helper()
	n, err := d.a.Round(context.Background(), d.Now)
	if err != nil {
		d.T.Fatal(err)
	}
	return n
}

func (d *desk) undelivered() []alert.Delivery {
	d.T.Helper()
	list, err := d.a.Undelivered(context.Background())
	if err != nil {
		d.T.Fatal(err)
	}
	return list
}

func (d *desk) count(table string) int64 {
	var n int64
	_ = d.DB.Read(context.Background(), func(tx *store.Tx) (err error) {
		n, err = tx.Count(table, query.Op{Name: "and"})
		return err
	})
	return n
}

// Ensure that a notice about no record, as of a person's own way in, leaves as such: no word of what it says, and a link to his notices.
func TestOfTheSystem(t *testing.T) {
	d := open(t, "sqlite::memory:", nil)
	s := newStub(t)
	d.add("wecom", s.URL+"/cgi-bin/webhook/send?key=693a91f6", "")
	if err := d.E.Tell(context.Background(), d.Now, engine.Actor{Person: d.ID("ma"), Origin: "web"}, d.ID("ma"), "password", nil, engine.Text{ZH: "你的密码改了", EN: "changed"}); err != nil {
		t.Fatal(err)
	}
	if n := d.round(); n != 1 {
		t.Fatalf("%d sent: %+v", n, d.undelivered())
	}
	if got := string(s.requests()[0].body); !strings.Contains(got, "掌柜：有一条系统通知\\nhttps://crm.example.cn/notice") || strings.Contains(got, "密码") {
		t.Errorf("sent %s", got)
	}
}

// Ensure that each robot is called as its maker demands, with a signature over the time that the stub recomputes, and told a number,
// a time and a link, nothing of what it is about.
func TestRobots(t *testing.T) { testkit.Databases(t, robotsOn) }

func robotsOn(t *testing.T, dsn string) {
	d := open(t, dsn, nil)
	sign := func(key, text string) string {
		h := hmac.New(sha256.New, []byte(key))
		h.Write([]byte(text))
		return base64.StdEncoding.EncodeToString(h.Sum(nil))
	}
	stubs := map[string]*stub{}
	for kind, path := range map[string]string{"wecom": "/cgi-bin/webhook/send?key=693a91f6", "dingtalk": "/robot/send?access_token=abc", "feishu": "/open-apis/bot/v2/hook/xyz"} {
		stubs[kind] = newStub(t)
		c := d.add(kind, stubs[kind].URL+path, pick(kind == "wecom", "", "SEC-"+kind))
		if strings.Contains(c.Shown, "key") || strings.Contains(c.Shown, "token") || strings.Contains(c.Shown, "xyz") {
			t.Errorf("the channel shows its key: %s", c.Shown)
		}
	}
	stubs["feishu"].says(200, `{"code":0,"msg":"success"}`)
	out := d.Do("wen", "x.call", "", "create", map[string]any{"caller": "周文渊 13800000001"})
	if n := d.round(); n != 3 {
		t.Fatalf("%d sent: %+v", n, d.undelivered())
	}
	text := "掌柜：" + out.Number + "，期限 03-07 03:03\nhttps://crm.example.cn/record/x.call/" + out.Record
	for kind, s := range stubs {
		list := s.requests()
		if len(list) != 1 {
			t.Fatalf("%s got %d", kind, len(list))
		}
		var body struct {
			Msgtype  string `json:"msgtype"`
			MsgType  string `json:"msg_type"`
			Text     struct{ Content string }
			Content  struct{ Text string }
			Sign     string
			Stamp    string `json:"timestamp"`
			Whatever any    `json:"-"`
		}
		if err := json.Unmarshal([]byte(list[0].body), &body); err != nil {
			t.Fatal(err)
		}
		said := body.Text.Content + body.Content.Text
		if said != text || strings.Contains(list[0].body, "周文渊") || strings.Contains(list[0].body, "1380000") {
			t.Errorf("%s was told %s", kind, list[0].body)
		}
		if list[0].id == "" || !strings.Contains(list[0].head.Get("Content-Type"), "application/json") {
			t.Errorf("%s: head %v", kind, list[0].head)
		}
		u, _ := http.NewRequest("GET", list[0].url, nil)
		q := u.URL.Query()
		switch kind {
		case "wecom":
			if q.Get("key") != "693a91f6" || body.Msgtype != "text" {
				t.Errorf("wecom %s", list[0].url)
			}
		case "dingtalk":
			at := q.Get("timestamp")
			if at != strconv.FormatInt(d.Now.UnixMilli(), 10) || q.Get("sign") != sign("SEC-dingtalk", at+"\nSEC-dingtalk") || q.Get("access_token") != "abc" || body.Msgtype != "text" {
				t.Errorf("dingtalk %s", list[0].url)
			}
		case "feishu":
			if body.Stamp != strconv.FormatInt(d.Now.Unix(), 10) || body.Sign != sign(body.Stamp+"\nSEC-feishu", "") || body.MsgType != "text" {
				t.Errorf("feishu %s", list[0].body)
			}
		}
	}
	if d.round() != 0 || d.count("outbox") != 0 {
		t.Error("something is sent twice or stays behind")
	}
}

// Ensure that a program of the house is called with a signature over id, time and body that it can recompute, that its answer is judged by
// the status alone, and that no channel to one is kept without a secret.
func TestWebhook(t *testing.T) { testkit.Databases(t, webhookOn) }

func webhookOn(t *testing.T, dsn string) {
	d := open(t, dsn, nil)
	s := newStub(t)
	const secret = "sixteen-letters!"
	for _, bad := range []string{"", secret[:15]} {
		if c, err := d.a.Add(context.Background(), d.Now, d.ID("ma"), alert.NewChannel{Kind: "webhook", Address: s.URL + "/in", Secret: bad}); err == nil {
			t.Errorf("secret %q is taken: %v", bad, c)
		}
	}
	d.add("webhook", s.URL+"/in", secret)
	s.says(500, "ok")
	out := d.Do("wen", "x.call", "", "create", map[string]any{"caller": "周文渊"})
	if d.round() != 0 || d.undelivered()[0].Error != "status 500" {
		t.Fatalf("%+v", d.undelivered())
	}
	s.says(204, "")
	d.Now = d.Now.Add(time.Minute)
	if d.round() != 1 || len(d.undelivered()) != 0 {
		t.Fatalf("not delivered: %+v", d.undelivered())
	}
	list := s.requests()
	if len(list) != 2 || list[0].id == "" || list[0].id != list[1].id {
		t.Fatalf("%d calls, ids %s and %s", len(list), list[0].id, list[1].id)
	}
	for i, at := range []time.Time{d.Now.Add(-time.Minute), d.Now} {
		r := list[i]
		stamp := strconv.FormatInt(at.Unix(), 10)
		h := hmac.New(sha256.New, []byte(secret))
		h.Write([]byte(r.id + "." + stamp + "." + r.body))
		want := "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
		if r.head.Get("Webhook-Id") != r.id || r.head.Get("Webhook-Timestamp") != stamp || r.head.Get("Webhook-Signature") != want {
			t.Errorf("call %d: head %v, want %s at %s", i, r.head, want, stamp)
		}
		var body struct {
			Type string
			Data struct{ Text string }
		}
		if err := json.Unmarshal([]byte(r.body), &body); err != nil || body.Type != "notice" || !strings.Contains(body.Data.Text, out.Number) || strings.Contains(r.body, "周文渊") {
			t.Errorf("call %d says %s", i, r.body)
		}
	}
}

// Ensure that an alert exists exactly when its act does, is tried again under the same id, is given up in sight of the
// administrator, and can be sent once more.
func TestDelivery(t *testing.T) { testkit.Databases(t, deliveryOn) }

func deliveryOn(t *testing.T, dsn string) {
	d := open(t, dsn, nil)
	s := newStub(t)
	c := d.add("wecom", s.URL+"/send?key=k", "")
	id := d.Do("wen", "x.call", "", "create", map[string]any{"caller": "周"}).Record
	if d.Refused("wen", "x.call", id, "fail", nil); d.count("outbox") != 1 {
		t.Fatalf("%d in the outbox after one act and one refusal", d.count("outbox"))
	}
	s.says(200, `{"errcode":93000,"errmsg":"invalid webhook url, <script>"}`)
	if d.round() != 0 {
		t.Fatal("a refusal counts as sent")
	}
	list := d.undelivered()
	if len(list) != 1 || list[0].Dead || list[0].Tries != 1 || list[0].Person != d.ID("ma") || list[0].Kind != "wecom" || strings.Contains(list[0].Error, "script") {
		t.Fatalf("undelivered %+v", list)
	}
	if d.round(); len(s.requests()) != 1 {
		t.Error("tried again without a pause")
	}
	for range 20 {
		d.Now = d.Now.Add(5 * time.Hour)
		d.round()
	}
	got := s.requests()
	if len(got) != 8 {
		t.Errorf("tried %d times", len(got))
	}
	for _, r := range got {
		if r.id != got[0].id {
			t.Errorf("ids %s and %s", r.id, got[0].id)
		}
	}
	if list = d.undelivered(); len(list) != 1 || !list[0].Dead {
		t.Fatalf("not dead: %+v", list)
	}
	s.says(200, `{"errcode":0}`)
	if err := d.a.Again(context.Background(), d.Now, list[0].ID); err != nil {
		t.Fatal(err)
	}
	if d.round() != 1 || len(d.undelivered()) != 0 || s.requests()[8].id != got[0].id {
		t.Errorf("once more: %+v", d.undelivered())
	}
	if err := d.a.Again(context.Background(), d.Now, list[0].ID); err == nil {
		t.Error("what arrived is sent again")
	}
	// What is said while nobody may see it any more, or to a dropped channel, is not sent.
	d.Do("wen", "x.call", id, "chat", nil)
	if err := d.a.Drop(context.Background(), d.Now, d.ID("wen"), c.ID); err == nil {
		t.Error("somebody else's channel is dropped")
	}
	if err := d.a.Drop(context.Background(), d.Now, d.ID("ma"), c.ID); err != nil {
		t.Fatal(err)
	}
	if d.round() != 0 || len(s.requests()) != 9 {
		t.Error("a dropped channel is called")
	}
}

// Ensure that an alert is built with the rights its reader has when it leaves: who left the company is told nothing.
func TestRights(t *testing.T) {
	d := open(t, "sqlite:"+t.TempDir()+"/d.db", nil)
	s := newStub(t)
	d.add("wecom", s.URL+"/send?key=k", "")
	d.Do("wen", "x.call", "", "create", map[string]any{"caller": "周"})
	if _, err := d.E.Do(context.Background(), d.Now, engine.Act{Form: "base.person", Record: d.ID("ma"), Action: "edit", Values: map[string]any{"active": false}, Actor: engine.Actor{System: true}}); err != nil {
		t.Fatal(err)
	}
	if d.round() != 0 || len(s.requests()) != 0 || d.count("outbox") != 0 {
		t.Error("a leaver is told")
	}
}

// Ensure that quiet hours keep back what nobody ordered until they end, over midnight too, and never what a clause orders.
func TestQuiet(t *testing.T) {
	cases := []struct {
		name, now, next string
		from, until     int
		action          string
	}{
		{"ordered", "2026-03-07 03:00", "2026-03-07 03:00", 22 * 60, 7 * 60, "create"},
		{"night", "2026-03-07 03:00", "2026-03-07 07:00", 22 * 60, 7 * 60, "chat"},
		{"evening", "2026-03-07 22:00", "2026-03-08 07:00", 22 * 60, 7 * 60, "chat"},
		{"before", "2026-03-07 21:59", "2026-03-07 21:59", 22 * 60, 7 * 60, "chat"},
		{"after", "2026-03-07 07:00", "2026-03-07 07:00", 22 * 60, 7 * 60, "chat"},
		{"noon", "2026-03-07 12:30", "2026-03-07 13:30", 12 * 60, 13*60 + 30, "chat"},
		{"never", "2026-03-07 03:00", "2026-03-07 03:00", 0, 0, "chat"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := open(t, "sqlite:"+t.TempDir()+"/d.db", nil)
			s := newStub(t)
			id := d.Do("wen", "x.call", "", "create", map[string]any{"caller": "周"}).Record
			if c.action != "create" {
				d.round() // to nobody's channel
			}
			d.add("wecom", s.URL+"/send?key=k", "", c.from, c.until)
			d.Now = testkit.At(t, c.now)
			if c.action != "create" {
				d.Do("wen", "x.call", id, c.action, nil)
			}
			next := testkit.At(t, c.next)
			if next.After(d.Now) {
				d.round()
				d.Now = next.Add(-time.Second)
				if d.round(); len(s.requests()) != 0 {
					t.Fatal("told in the quiet hours")
				}
				d.Now = next
			}
			if d.round(); len(s.requests()) != 1 {
				t.Errorf("%d told", len(s.requests()))
			}
		})
	}
}

// Ensure that the warning of a minute clock and what follows its breach go out too, by themselves.
func TestMinutes(t *testing.T) {
	d := open(t, "sqlite:"+t.TempDir()+"/d.db", nil)
	s := newStub(t)
	d.Do("wen", "x.call", "", "create", map[string]any{"caller": "周"})
	d.round()
	d.add("wecom", s.URL+"/send?key=k", "")
	d.Turn("2026-03-07 03:01:59")
	if d.round() != 0 {
		t.Error("warned too early")
	}
	d.Turn("2026-03-07 03:02:00")
	if d.round() != 1 || !strings.Contains(s.requests()[0].body, "03:03") {
		t.Errorf("not warned: %v", s.requests())
	}
}

// Ensure that a mail goes to one mailbox, with the number in its subject and the delivery id as its message id, and that
// no address carries a header along.
func TestMail(t *testing.T) {
	server, got := smtp(t)
	d := open(t, "sqlite:"+t.TempDir()+"/d.db", func(o *alert.Options) { o.SMTP, o.From = server, "zhanggui@example.cn" })
	d.add("mail", "ma@example.cn", "")
	out := d.Do("wen", "x.call", "", "create", map[string]any{"caller": "周文渊"})
	if d.round() != 1 {
		t.Fatalf("not sent: %+v", d.undelivered())
	}
	m := <-got
	dec := strings.ReplaceAll(m, "=\r\n", "")
	for _, want := range []string{"To: <ma@example.cn>", "Message-ID: <", "@zhanggui>", "https://crm.example.cn/record/x.call/" + out.Record, out.Number} {
		if !strings.Contains(dec, want) {
			t.Errorf("the mail lacks %q:\n%s", want, dec)
		}
	}
	if strings.Contains(dec, "文渊") || strings.Contains(dec, "=E6=96=87=E6=B8=8A") {
		t.Errorf("the mail tells who called:\n%s", dec)
	}
	for _, bad := range []string{"a@b.cn\r\nBcc: all@b.cn", "a@b.cn, c@d.cn", "\"x\" <a@b.cn>", "a@b.cn\nX: y", "nobody", "", strings.Repeat("a@b.cn,", 10000)} {
		if _, err := d.a.Add(context.Background(), d.Now, d.ID("ma"), alert.NewChannel{Kind: "mail", Address: bad}); err == nil {
			t.Errorf("%.40q is taken for a mailbox", bad)
		}
	}
}

// smtp is a mail server that takes one message.
func smtp(t *testing.T) (address string, got chan string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	got = make(chan string, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		r := bufio.NewReader(c)
		say := func(s string) { _, _ = io.WriteString(c, s+"\r\n") }
		say("220 stub")
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			switch word := strings.ToUpper(strings.Fields(line + " x")[0]); word {
			case "EHLO", "HELO":
				say("250 stub")
			case "DATA":
				say("354 go on")
				var b strings.Builder
				for {
					line, err := r.ReadString('\n')
					if err != nil || line == ".\r\n" {
						break
					}
					b.WriteString(line)
				}
				got <- b.String()
				say("250 kept")
			case "QUIT":
				say("221 bye")
				return
			default:
				say("250 ok")
			}
		}
	}()
	return l.Addr().String(), got
}

func pick(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}
