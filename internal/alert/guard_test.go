package alert_test

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"zhanggui/internal/alert"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// inside are spellings of addresses that lead into the house, or of doors that are no robot's.
var inside = strings.Fields(`
https://127.0.0.1/ https://127.0.0.1:443/x https://127.1/ https://127.0.1/ https://2130706433/ https://0x7f000001/ https://0x7f.0.0.1/ https://0177.0.0.1/
https://017700000001/ https://0/ https://0.0.0.0/ https://localhost/ https://[::1]/ https://[::]/ https://[::ffff:127.0.0.1]/ https://[::ffff:7f00:1]/ https://[0:0:0:0:0:0:0:1]/
https://[64:ff9b::7f00:1]/ https://[2002:7f00:1::]/ https://[fe80::1]/ https://[fe80::1%25eth0]/ https://[fc00::1]/ https://[fd12:3456::1]/ https://10.0.0.1/ https://172.16.0.1/ https://172.31.255.255/
https://192.168.1.1/ https://169.254.169.254/latest/meta-data/ https://[::ffff:169.254.169.254]/ https://100.64.0.1/ https://198.18.0.1/ https://224.0.0.1/ https://255.255.255.255/
https://127.0.0.1./ https://localhost./ https://１２７.０.０.１/ https://127。0。0。1/ https://user@qyapi.example.cn/ https://user:pw@127.0.0.1/ https://example.0x7f/ https://example.127/
http://qyapi.example.cn/ https://qyapi.example.cn:22/ https://qyapi.example.cn:25/ https://qyapi.example.cn:5432/ file:///etc/passwd gopher://127.0.0.1:6379/_x data:text/plain,x
ftp://example.cn/x unix:///var/run/docker.sock //example.cn/x example.cn javascript:alert(1) https:///x https://qyapi.example.cn/#x`)

// Ensure that no spelling of an inside address, no other scheme and no other port becomes a channel, and that a public robot does.
func TestGuard_Spelling(t *testing.T) {
	d := open(t, "sqlite:"+t.TempDir()+"/d.db", func(o *alert.Options) { o.Allow = nil })
	if len(inside) < 50 {
		t.Fatalf("only %d spellings", len(inside))
	}
	for _, a := range inside {
		if c, err := d.a.Add(context.Background(), d.Now, d.ID("ma"), alert.NewChannel{Kind: "wecom", Address: a}); err == nil {
			t.Errorf("%s became the channel %s", a, c.Shown)
		}
	}
	for _, a := range []string{"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k", "https://oapi.dingtalk.com/robot/send?access_token=t", "https://open.feishu.cn/open-apis/bot/v2/hook/h", "https://[2400:3200::1]/x"} {
		d.add("wecom", a, "")
	}
	listed := open(t, "sqlite:"+t.TempDir()+"/l.db", func(o *alert.Options) { o.Allow = []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")} })
	listed.add("wecom", "http://10.1.2.3:8080/hook", "")
	for _, a := range []string{"http://10.2.0.1:8080/hook", "http://10.1.2.3:5432/", "http://10.1.2.3:22/", "ftp://10.1.2.3/"} {
		if _, err := listed.a.Add(context.Background(), d.Now, d.ID("ma"), alert.NewChannel{Kind: "wecom", Address: a}); err == nil {
			t.Errorf("%s is taken", a)
		}
	}
}

// Ensure that an address is judged when the connection is made, not when it was written down: a channel kept while its network was
// listed, and a name that leads inside once it is looked up, reach nobody, are given up at once, and say why.
func TestGuard_Connect(t *testing.T) {
	s := newStub(t)
	_, port, _ := strings.Cut(strings.TrimPrefix(s.URL, "http://"), ":")
	d := open(t, "sqlite:"+t.TempDir()+"/d.db", func(o *alert.Options) { o.SMTP, o.From = "localhost:"+port, "zhanggui@example.cn" })
	c := d.add("wecom", s.URL+"/send?key=k", "")
	d.add("mail", "ma@example.cn", "")
	strict, err := alert.New(d.DB, house{d.E}, alert.Options{Keep: d.keys, SMTP: "localhost:" + port, From: "zhanggui@example.cn"}) // nothing is listed any more
	if err != nil {
		t.Fatal(err)
	}
	d.Do("wen", "x.call", "", "create", map[string]any{"caller": "周"})
	if n, err := strict.Round(context.Background(), d.Now); err != nil || n != 0 {
		t.Fatal(n, err)
	}
	if len(s.requests()) != 0 {
		t.Errorf("the stub was reached: %v", s.requests())
	}
	list := d.undelivered()
	if len(list) != 2 {
		t.Fatalf("undelivered %+v", list)
	}
	for _, x := range list {
		if !x.Dead || x.Error != "inside" {
			t.Errorf("%s: %+v", x.Kind, x)
		}
	}
	if err := d.a.Drop(context.Background(), d.Now, d.ID("ma"), c.ID); err != nil || len(d.undelivered()) != 1 {
		t.Errorf("what waits for a dropped channel stays: %v", err)
	}
}

// Ensure that a redirect is not followed, an endless or silent answer is cut, and none of it is shown.
func TestGuard_Answer(t *testing.T) {
	d := open(t, "sqlite:"+t.TempDir()+"/d.db", nil)
	s := newStub(t)
	d.add("wecom", s.URL+"/send?key=geheim", "")
	say := func(status int, answer string) string {
		s.says(status, answer)
		d.Do("wen", "x.call", "", "create", map[string]any{"caller": "周"})
		d.round()
		list := d.undelivered()
		if len(list) == 0 {
			return ""
		}
		if err := clear(d); err != nil {
			t.Fatal(err)
		}
		return list[0].Error
	}
	for _, c := range []struct {
		status       int
		answer, want string
	}{
		{http.StatusFound, "", "status 302"}, {500, "geheim inside", "status 500"}, {200, "<html>root:x:0</html>", "not_robot"}, {200, `{"errcode":0,"more":"` + strings.Repeat("x", 1<<20) + `"}`, "not_robot"},
		{200, `{"errcode":40058}`, "number 40058"}, {200, `{}`, "not_robot"},
	} {
		if got := say(c.status, c.answer); !strings.Contains(got, c.want) || strings.Contains(got, "geheim") || strings.Contains(got, "root") {
			t.Errorf("%d: %q", c.status, got)
		}
	}
	if n := len(s.requests()); n != 6 {
		t.Errorf("%d requests, a redirect was followed", n)
	}
	s.Close()
	if got := say(0, ""); got != "unreachable" {
		t.Errorf("a closed robot: %q", got)
	}
}

func clear(d *desk) error {
	return d.DB.Write(context.Background(), func(tx *store.Tx) error {
		_, err := tx.Delete("outbox", query.Op{Name: "<>", Args: []query.Expr{query.Col{Alias: "d", Name: "id"}, query.Const{Value: ""}}})
		return err
	})
}
