package app

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"zhanggui/internal/gauge"
	"zhanggui/internal/span"
)

// taker is a collector that keeps what it is sent.
type taker struct {
	mu    sync.Mutex
	raw   []byte
	spans map[string]string // span → its parent's name
	notes []string          // keys of attributes
}

func (k *taker) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	var x collector.ExportTraceServiceRequest
	if proto.Unmarshal(b, &x) != nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.raw = append(k.raw, b...)
	names := map[string]string{}
	for _, rs := range x.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				names[string(s.SpanId)] = s.Name
			}
			for _, s := range ss.Spans {
				k.spans[s.Name+" < "+names[string(s.ParentSpanId)]] = ""
				for _, a := range s.Attributes {
					k.notes = append(k.notes, a.Key)
				}
			}
		}
	}
}

// Ensure that figures and traces tell of acts, refusals, answers and commits, that every label is a name the program or a rulebook
// gives, however strange the requests, and that nothing somebody wrote, nor who he is, is in either.
func TestOperator(t *testing.T) {
	s := fresh(t)
	ctx := context.Background()
	k := &taker{spans: map[string]string{}}
	stub := httptest.NewServer(k)
	defer stub.Close()
	s.lead = newLead(s.db, 0, s.clock.Now, s.p.log)
	s.op.gauges = gauge.New("test")
	s.op.gauges.Watch((&census{s: s}).figures)
	var err error
	if s.op.traces, err = span.Open(ctx, stub.URL+"/v1/traces", "test", "node", 1, s.p.log); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) { s.now.Load().api.ServeHTTP(w, r) })
	front := guarded(s.op.measured(mux), s.p.log)
	var cookie *http.Cookie
	csrf := ""
	ask := func(method, path, body string, want int) *httptest.ResponseRecorder {
		t.Helper()
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		if cookie != nil {
			r.AddCookie(cookie)
			r.Header.Set("X-CSRF-Token", csrf)
		}
		w := httptest.NewRecorder()
		front.ServeHTTP(w, r)
		if w.Code != want {
			t.Fatalf("%s %s answered %d, not %d: %s", method, path, w.Code, want, w.Body)
		}
		return w
	}
	const word, phone = "slate harbour 12 echoes", "13866210417"
	ask("POST", "/api/first-run", `{"code":"`+s.first.code+`","company":"恒泰机械","name":"何静静","account":"hejingjing","password":"`+word+`"}`, 204)
	in := ask("POST", "/api/session", `{"account":"hejingjing","password":"`+word+`"}`, 201)
	cookie = in.Result().Cookies()[0]
	var me struct {
		CSRF string `json:"csrf"`
	}
	if err := json.Unmarshal(in.Body.Bytes(), &me); err != nil || me.CSRF == "" {
		t.Fatal(err, in.Body)
	}
	csrf = me.CSRF
	const people = "/api/form/base.customer/record"
	made := ask("POST", people, `{"values":{"name":"泰和泵业`+phone+`"}}`, 201)
	ask("POST", people, `{"values":{}}`, 422)
	ask("POST", "/api/form/x."+phone+"/record", `{"values":{}}`, 404)
	ask("POST", people+"/何静静/"+phone, `{}`, 404)
	ask("GET", "/api/"+phone, "", 404)
	ask("GET", "/"+phone, "", 404)
	ask("GET", people+"?q="+phone, "", 200)
	ask("BREW", people, "", 404)

	w := httptest.NewRecorder()
	s.op.gauges.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	page := w.Body.String()
	for _, want := range []string{
		`zhanggui_acts_total{action="create",form="base.customer",outcome="done"} 1`, `zhanggui_acts_total{action="create",form="base.customer",outcome="refused"} 1`,
		`zhanggui_acts_total{action="",form="base.customer",outcome="not_found"} 1`,
		`zhanggui_refusals_total{clause="",group="fill"} 1`, `zhanggui_http_request_seconds_count{route="POST /api/form/{key}/record",status="2xx"} 1`,
		`zhanggui_http_request_seconds_count{route="none",status="4xx"} 1`, `zhanggui_sessions 1`, `zhanggui_deadlines{state="late"} 0`, `zhanggui_tick_lag_seconds 0`,
		`zhanggui_outbox{state="waiting"}`, `zhanggui_commit_writers_bucket{le="128"}`, `zhanggui_statements_total`, `zhanggui_leader`, `zhanggui_census_ok 1`, `go_goroutines`} {
		if !strings.Contains(page, want) {
			t.Errorf("the figures lack %s:\n%s", want, figuresOf(page))
		}
	}
	lib := s.now.Load().lib
	names := []string{"", "none", "done", "refused", "not_found", "fill", "who", "open", "late", "paused", "waiting", "dead", "warn", "error", "alarm", "test", "2xx", "4xx", "/api/", "clock", "duty"}
	for _, b := range lib.Books {
		for _, f := range b.Forms {
			names = append(names, f.Key)
			for _, a := range f.Actions {
				names = append(names, a.ID)
			}
		}
	}
	route := regexp.MustCompile(`^(GET|POST|PATCH|DELETE) /api/[a-z0-9./{}_-]+$`)
	for _, m := range regexp.MustCompile(`(\w+)="([^"]*)"`).FindAllStringSubmatch(figuresOf(page), -1) {
		if m[1] != "le" && !slices.Contains(names, m[2]) && !route.MatchString(m[2]) {
			t.Errorf("a label is no name of the program: %s=%q", m[1], m[2])
		}
	}
	if err := s.op.stop(ctx); err != nil {
		t.Fatal(err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, want := range []string{"POST /api/form/{key}/record < ", "act < POST /api/form/{key}/record", "transaction < act", "wait < transaction", "commit < transaction"} {
		if _, ok := k.spans[want]; !ok {
			t.Errorf("the traces lack %q: %v", want, k.spans)
		}
	}
	for _, key := range k.notes {
		if !slices.Contains([]string{"form", "action", "outcome", "statements", "status", "ended"}, key) {
			t.Errorf("a span notes %s", key)
		}
	}
	for _, secret := range []string{phone, "泰和", "何静静", "hejingjing", word, cookie.Value, s.first.code, recordOf(t, made.Body.Bytes()), "0af7651916cd43dd8448eb211c80319c"} {
		if strings.Contains(page, secret) || bytes.Contains(k.raw, []byte(secret)) {
			t.Errorf("%q is told", secret)
		}
	}
}

// figuresOf are the lines of the house, without those of the runtime.
func figuresOf(page string) string {
	var b strings.Builder
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "zhanggui_") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func recordOf(t *testing.T, answer []byte) string {
	t.Helper()
	var x struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(answer, &x); err != nil || x.ID == "" {
		t.Fatalf("%v %s", err, answer)
	}
	return x.ID
}

// Ensure that what others can reach shows its figures to nobody without the secret.
func TestOperator_Door(t *testing.T) {
	for address, ok := range map[string]bool{"": true, "127.0.0.1:9464": true, "[::1]:9464": true, ":9464": false, "0.0.0.0:9464": false, "10.0.0.5:9464": false, "metrics.example.cn:9464": false} {
		s := settings{Metrics: address, TracesOneIn: 1}
		if err := s.checkOperator(); (err == nil) != ok {
			t.Errorf("--metrics %q: %v", address, err)
		}
		s.MetricsToken = "nineteen-characters"
		if err := s.checkOperator(); (err == nil) != ok {
			t.Errorf("--metrics %q with a short secret: %v", address, err)
		}
		s.MetricsToken += "!"
		if err := s.checkOperator(); err != nil {
			t.Errorf("--metrics %q with a secret: %v", address, err)
		}
	}
	const secret = "a secret of its own, long"
	h := tokened(gauge.New("test").Handler(), secret)
	for given, want := range map[string]int{"": 401, "Bearer": 401, "Bearer wrong": 401, "Basic " + secret: 401, "Bearer " + secret + " ": 401, "Bearer " + secret: 200} {
		r := httptest.NewRequest("GET", "/metrics", nil)
		r.Header.Set("Authorization", given)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want || (want != 200 && strings.Contains(w.Body.String(), "zhanggui")) {
			t.Errorf("%q: %d %s", given, w.Code, w.Body)
		}
	}
}

// Ensure that lines of the log are counted by level and alarms by themselves, and are written all the same.
func TestOperator_Log(t *testing.T) {
	var b bytes.Buffer
	g := gauge.New("test")
	log := slog.New(g.Log(slog.NewTextHandler(&b, nil)))
	log.With("a", "b").Error("alarm: somebody was here")
	log.WithGroup("g").Error("it broke")
	log.Warn("careful")
	log.Info("all is well")
	w := httptest.NewRecorder()
	g.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{`{level="alarm"} 1`, `{level="error"} 1`, `{level="warn"} 1`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s is missing in %s", want, figuresOf(w.Body.String()))
		}
	}
	if n := strings.Count(b.String(), "\n"); n != 4 || !strings.Contains(b.String(), "a=b") {
		t.Errorf("the log has %d lines: %s", n, b.String())
	}
}
