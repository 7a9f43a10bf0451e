package api_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"zhanggui/internal/alert"
)

// sayHouse asks the shop's engine what may leave.
type sayHouse struct{ s *shop }

func (h sayHouse) Alert(ctx context.Context, now time.Time, person, form, record string) (alert.Notice, bool, error) {
	a, ok, err := h.s.E.AlertOf(ctx, now, person, form, record)
	return alert.Notice{Number: a.Number, Due: a.Due, EN: a.EN}, ok, err
}

func alertService(t testing.TB, s *shop) *alert.Service {
	t.Helper()
	a, err := alert.New(s.DB, sayHouse{s}, alert.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Ready(context.Background(), s.Now); err != nil {
		t.Fatal(err)
	}
	return a
}

// Ensure that a person sees and changes his own channels alone, that an address inside the house is refused, that its key is never
// shown again, and that only an administrator sees what did not arrive.
func TestAlert(t *testing.T) {
	s := open(t)
	wang, ma, he := s.signIn("wang"), s.signIn("ma"), s.signIn("he")
	wang.do("POST", "/api/alert", map[string]any{"kind": "wecom", "address": "https://10.0.0.1/send?key=k"}).want(400)
	wang.do("POST", "/api/alert", map[string]any{"kind": "mail", "address": "wang@example.cn"}).want(400)
	wang.do("POST", "/api/alert", map[string]any{"kind": "pigeon", "address": "https://qyapi.example.cn/x"}).want(400)
	id := wang.do("POST", "/api/alert", map[string]any{"kind": "dingtalk", "address": "http://127.0.0.1:1999/send?access_token=geheim", "secret": "SECgeheim", "quiet_from": 1320, "quiet_until": 420}).want(201).text("id")
	list := wang.do("GET", "/api/alert", nil).want(200)
	if list.len("channels") != 1 || list.text("channels", 0, "quiet_from") != "1320" || strings.Contains(string(list.body), "geheim") {
		t.Errorf("channels %s", list.body)
	}
	if a := ma.do("GET", "/api/alert", nil).want(200); a.len("channels") != 0 {
		t.Errorf("somebody else's channels: %s", a.body)
	}
	for _, c := range []struct{ method, path string }{{"DELETE", ""}, {"POST", "/try"}, {"PATCH", ""}} {
		var body any
		if c.method == "PATCH" {
			body = map[string]any{"quiet_from": 0, "quiet_until": 0}
		}
		ma.do(c.method, "/api/alert/"+id+c.path, body).want(404)
		he.do(c.method, "/api/alert/"+id+c.path, body).want(404)
	}
	wang.do("PATCH", "/api/alert/"+id, map[string]any{"quiet_from": 1500, "quiet_until": 0}).want(400)
	wang.do("PATCH", "/api/alert/"+id, map[string]any{"quiet_from": 60, "quiet_until": 120}).want(204)
	wang.do("POST", "/api/alert/"+id+"/try", nil).want(204)
	if _, err := s.alert.Round(context.Background(), s.Now); err != nil {
		t.Fatal(err)
	}
	wang.do("GET", "/api/delivery", nil).want(403)
	dead := he.do("GET", "/api/delivery", nil).want(200)
	if dead.text(0, "name") != "wang" || dead.text(0, "dead") != "false" || dead.text(0, "tries") != "1" || strings.Contains(string(dead.body), "geheim") {
		t.Errorf("undelivered %s", dead.body)
	}
	he.do("POST", "/api/delivery/"+dead.text(0, "id")+"/again", nil).want(404) // it is not dead
	wang.do("POST", "/api/delivery/"+dead.text(0, "id")+"/again", nil).want(403)
	wang.do("DELETE", "/api/alert/"+id, nil).want(204)
	if a := he.do("GET", "/api/delivery", nil).want(200); a.len() != 0 {
		t.Errorf("what waits for a dropped channel stays: %s", a.body)
	}
}
