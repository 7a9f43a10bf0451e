package api_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"zhanggui/internal/alert"
	"zhanggui/internal/api"
	"zhanggui/internal/auth"
	"zhanggui/internal/engine"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// A46: Ensure that no request which can be made from the API document breaks the server, whoever sends it: each operation with
// each of its parameters, headers and properties of its body given what does not belong there. The answer is never a 5xx and
// never a panic, a no is always a problem with words for people, what was refused or only read changed nothing, and afterwards
// the records are still what the journal says. ZHANGGUI_SEED=n repeats a run.
func TestFuzz(t *testing.T) { testkit.Databases(t, fuzzOn) }

func fuzzOn(t *testing.T, dsn string) {
	f := newFuzz(t, dsn)
	spots := f.spots()
	// The ordinary run puts one thing into a part of the places, the long one a dozen into each.
	some, each := testkit.Long(t, 500, 0), testkit.Long(t, 1, 12)
	f.rnd.Shuffle(len(spots), func(i, j int) { spots[i], spots[j] = spots[j], spots[i] })
	for i, p := range spots {
		if some > 0 && f.asked >= some {
			break
		}
		if some > 0 && i%4 > 0 && f.empty(p.path) {
			continue
		}
		list := p.hostile()
		for range each {
			f.try(p, list[f.rnd.IntN(len(list))])
		}
		if each > 1 && i%500 == 499 { // the long run takes hours: who waits for it may look
			t.Logf("seed %d: %d of %d places, %d requests", f.seed, i+1, len(spots), f.asked)
		}
	}
	if d := f.differ(); d != "" {
		t.Errorf("afterwards the records are not what the journal says: %s", d)
	}
	t.Logf("seed %d: %d places in %d operations, %d requests: %v", f.seed, len(spots), f.operations, f.asked, f.answers)
	if f.asked < 500 || f.answers["400"] < 100 || f.answers["200"] < 5 {
		t.Error("so few requests, or so few of a kind, prove little")
	}
}

// Ensure that what the fuzzer once broke stays whole: a no says so in words and leaves nothing behind, at once.
func TestFuzz_Found(t *testing.T) {
	f := newFuzz(t, "sqlite:"+t.TempDir()+"/shop.db")
	matter := at + "/" + f.estate.records["x.matter"]
	for _, x := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", at + "?filter=" + url.QueryEscape(strings.Repeat("(", 500)+"true"+strings.Repeat(")", 500)), "", 400}, // a mistake without a place
		{"POST", at, `{"values":{"subject":"x"},"then":"nothing"}`, 400},                                              // was filed, and answered as if not
		{"POST", at, `{"values":{"subject":"x"},"then":"create"}`, 400},
		{"POST", matter + "/print?copy=nothing", "", 400},          // was counted as printed
		{"GET", at + "?q=" + strings.Repeat("a", 60_000), "", 200}, // seconds for what nobody types
	} {
		before, begin := f.touched(), testkit.CPU(t)
		a := f.ask("own/clerk", x.method, x.path, x.body)
		if c := complaint(a); a.status != x.status || c != "" {
			t.Errorf("%s %.200s %.200s: %d %s %.300s", x.method, x.path, x.body, a.status, c, a.body)
		}
		if a.status >= 400 && f.touched() != before {
			t.Errorf("%s %.200s %.200s: answered %d, and something changed", x.method, x.path, x.body, a.status)
		}
		if took := testkit.CPU(t) - begin; took > 5*time.Second {
			t.Errorf("%s %.200s cost %v", x.method, x.path, took)
		}
	}
}

// Ensure that the fuzzer's own eyes are open: a write beside the journal and a change behind a refusal are seen.
func TestFuzz_Sees(t *testing.T) {
	f := newFuzz(t, "sqlite:"+t.TempDir()+"/shop.db")
	before := f.touched()
	if a := f.ask("own/clerk", "POST", at, `{"values":{"subject":"另写"}}`); a.status != 201 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if f.touched() == before {
		t.Error("a change is not seen")
	}
	if d := f.differ(); d != "" {
		t.Errorf("before: %s", d)
	}
	if _, err := f.plain.Exec(`UPDATE fx_matter SET subject = 'x'`); err != nil {
		t.Fatal(err)
	}
	if f.differ() == "" {
		t.Error("a write beside the journal is not seen")
	}
	for _, bad := range []hit{{500, http.Header{}, ""}, {404, http.Header{}, "not found"}, {422, http.Header{"Content-Type": {"application/problem+json"}}, `{"type":"/x","title":"","status":422,"kind":"x"}`}} {
		if complaint(bad) == "" {
			t.Errorf("%v is taken for a problem with words", bad)
		}
	}
}

// fuzz is a furnished company whose every table says when it is written to.
type fuzz struct {
	*wide
	estate     *estate
	plain      *sql.DB // the database past the store
	rnd        *rand.Rand
	seed       uint64
	doc        map[string]any
	people     []string
	sessions   map[string]auth.Session
	operations int
	asked      int
	answers    map[string]int
	known      map[string]any // what stands for a property of this name, so that the rest of a request goes well
}

// still is a clock's hand that nobody can move: years would go by.
type still struct{}

func (still) Turn(context.Context, time.Time) (int, error) { return 0, nil }

func newFuzz(t *testing.T, dsn string) *fuzz {
	lib := testkit.Load(t, shopBook)
	if testkit.Long(t, 0, 1) == 1 {
		lib = everyBook(t)
	}
	f := &fuzz{wide: openWide(t, dsn, lib), seed: 1, answers: map[string]int{}, sessions: map[string]auth.Session{}}
	if s := os.Getenv("ZHANGGUI_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		f.seed = n
	}
	f.rnd = rand.New(rand.NewPCG(f.seed, 46))
	f.estate = f.furnish()
	if err := f.jobs.End(t.Context()); err != nil { // what is ordered stays ordered: nothing happens but what is asked
		t.Fatal(err)
	}
	f.h = api.New(api.Deps{Engine: f.E, Auth: f.auth, Alert: f.alert, Jobs: f.jobs, Lib: f.lib, Clock: f.clock, Company: api.Company{Name: "小店"}, Version: "test", ManualClock: still{}, Log: slog.New(slog.NewJSONHandler(f.log, nil))})
	clerks := []string{"session/wang", "session/he", "own/clerk", "own/chief", "own/boss", "own/admin"} // those who get furthest come most often
	f.people = slices.Concat(f.at("own"), f.at("foreign"), []string{""}, clerks, clerks, clerks)
	if err := json.Unmarshal([]byte(f.wide.ask("own/", "GET", "/api/openapi.json", "").body), &f.doc); err != nil {
		t.Fatal(err)
	}
	f.known = map[string]any{"person": f.ID("wang"), "unit": f.own, "form": "x.matter", "record": f.estate.records["x.matter"], "id": f.estate.records["x.matter"], "field": "phone", "purpose": "回访客户", "reason": "想试一试",
		"subject": "事由", "name": "名字", "account": "nobody", "code": "000000", "book": "x", "version": "1.0", "from": "2026-03-02", "until": "2026-04-02", "value": "5", "file": f.estate.other["/api/file/"], "action": "register", "of": "close",
		"filter": "this.amount > money('1')", "where": "this.amount > money('1')", "by": "state", "sort": "-amount", "fields": "subject,amount", "limit": "5", "month": "2026-03", "year": "2026", "kind": "dingtalk", "address": "http://127.0.0.1:1/x?access_token=k",
		"set": "2026-04-12T00:00:00Z", "with": "base", "view": "big", "leaf": "0", "size": "1", "to": "1", "q": "名", "scope": []any{"read"}, "days": 5}
	f.plain = watchTables(t, dsn, slices.Concat(engine.Tables(lib), store.SystemTables(), auth.Tables(), alert.Tables()))
	return f
}

// spot is one place of a request into which something can be put.
type spot struct {
	method, path string
	in           string // path, query, header, body, whole
	name         []string
	body         map[string]any // schema of the body
	session      bool           // open to browsers alone
	doubt        bool           // may answer 503: nothing is sealed here
	params       []string
}

// spots are all places of all operations of the document.
func (f *fuzz) spots() (list []spot) {
	paths := f.doc["paths"].(map[string]any)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		ops := paths[path].(map[string]any)
		for _, method := range slices.Sorted(maps.Keys(ops)) {
			op := ops[method].(map[string]any)
			f.operations++
			p := spot{method: strings.ToUpper(method), path: path, doubt: strings.HasPrefix(path, "/api/log/") || strings.HasPrefix(path, "/api/audit/") || strings.HasSuffix(path, "/packet")}
			security, _ := op["security"].([]any)
			p.session = len(security) == 1
			params, _ := op["parameters"].([]any)
			for _, x := range params {
				x := x.(map[string]any)
				if x["in"] == "query" {
					p.params = append(p.params, x["name"].(string))
				}
			}
			if b, ok := op["requestBody"].(map[string]any); ok {
				p.body = f.resolve(b["content"].(map[string]any)["application/json"].(map[string]any)["schema"])
			}
			put := func(in string, name ...string) {
				q := p
				q.in, q.name = in, name
				list = append(list, q)
			}
			for _, x := range params {
				x := x.(map[string]any)
				put(x["in"].(string), x["name"].(string))
			}
			if p.method != "GET" {
				put("whole")
			}
			f.walk(p.body, nil, func(name []string) { put("body", name...) })
		}
	}
	return list
}

// empty tells whether a path is of a form of which there is no record to knock at.
func (f *fuzz) empty(path string) bool {
	form, ok := strings.CutPrefix(path, "/api/form/")
	form, _, deep := strings.Cut(form, "/record/")
	return ok && deep && !strings.HasPrefix(form, "{") && f.estate.records[form] == ""
}

// resolve follows references and puts together what is said in parts.
func (f *fuzz) resolve(schema any) map[string]any {
	s, _ := schema.(map[string]any)
	if ref, ok := s["$ref"].(string); ok {
		return f.resolve(f.doc["components"].(map[string]any)["schemas"].(map[string]any)[ref[strings.LastIndex(ref, "/")+1:]])
	}
	if any, ok := s["anyOf"].([]any); ok {
		return f.resolve(any[0])
	}
	all, ok := s["allOf"].([]any)
	if !ok {
		return s
	}
	props := map[string]any{}
	for _, part := range all {
		p, _ := f.resolve(part)["properties"].(map[string]any)
		maps.Copy(props, p)
	}
	return map[string]any{"type": "object", "properties": props}
}

// walk names every property of a body, four levels down; "*" is the first of a list, and any key of what may hold any.
func (f *fuzz) walk(schema map[string]any, at []string, each func([]string)) {
	if len(at) > 4 {
		return
	}
	down := func(k string, s any) {
		name := append(slices.Clone(at), k)
		each(name)
		f.walk(f.resolve(s), name, each)
	}
	props, _ := schema["properties"].(map[string]any)
	for _, k := range slices.Sorted(maps.Keys(props)) {
		down(k, props[k])
	}
	if items, ok := schema["items"]; ok {
		down("*", items)
	}
	if more, ok := schema["additionalProperties"]; ok {
		down("*", more)
	}
}

// example makes what a schema describes, holding v at the place; other properties come and go.
func (f *fuzz) example(schema map[string]any, name string, at []string, v json.RawMessage, depth int) any {
	if at != nil && len(at) == 0 {
		return v
	}
	inner := func(s any, k string) any {
		var rest []string
		if len(at) > 0 && at[0] == k {
			rest = at[1:]
			if rest == nil {
				rest = []string{}
			}
		}
		return f.example(f.resolve(s), k, rest, v, depth+1)
	}
	if props, ok := schema["properties"].(map[string]any); ok {
		o := map[string]any{}
		for _, k := range slices.Sorted(maps.Keys(props)) {
			most := 6 // of what lies about a request little is said, of a form's values much
			if depth == 1 {
				most = 2
			}
			if len(at) > 0 && at[0] == k || k == "values" || depth < 4 && f.rnd.IntN(most) == 0 {
				o[k] = inner(props[k], k)
			}
		}
		return o
	}
	if items, ok := schema["items"]; ok {
		return []any{inner(items, "*")}
	}
	if more, ok := schema["additionalProperties"]; ok {
		return map[string]any{"subject": inner(more, "*")}
	}
	if x, ok := f.known[name]; ok {
		return x
	}
	if e, ok := schema["enum"].([]any); ok {
		return e[f.rnd.IntN(len(e))]
	}
	switch fmt.Sprint(schema["type"], schema["format"], schema["pattern"] != nil) {
	case "boolean<nil>false":
		return true
	case "integer<nil>false":
		return 1
	case "array<nil>false":
		return []any{}
	case "object<nil>false":
		return map[string]any{}
	case "stringdatefalse":
		return "2026-03-02"
	case "stringdate-timefalse":
		return "2026-03-02T01:00:00Z"
	case "[string]<nil>true":
		return "12.50"
	}
	return "x"
}

// try sends one request that holds v at a place, and looks at the answer and at what it did.
func (f *fuzz) try(p spot, v string) {
	who := f.people[f.rnd.IntN(len(f.people))]
	if p.session && f.rnd.IntN(4) > 0 {
		who = []string{"session/wang", "session/he"}[f.rnd.IntN(2)]
	}
	path := p.path
	for strings.Contains(path, "{") {
		before, rest, _ := strings.Cut(path, "{")
		name, after, _ := strings.Cut(rest, "}")
		x := v
		if p.in != "path" || p.name[0] != name {
			x = f.idFor(before, name)
		}
		path = before + url.PathEscape(x) + after
	}
	ask := url.Values{}
	for _, name := range p.params {
		if p.in == "query" && p.name[0] == name {
			ask.Set(name, v)
		} else if x, ok := f.known[name].(string); ok && f.rnd.IntN(3) == 0 {
			ask.Set(name, x)
		}
	}
	if len(ask) > 0 {
		path += "?" + ask.Encode()
	}
	body := ""
	switch {
	case p.in == "whole":
		body = v
	case p.body != nil:
		var at []string
		if p.in == "body" {
			at = p.name
		}
		// The hostile part may be no JSON at all, so it is put in as text.
		const mark = `"` + "\u2063here\u2063" + `"`
		b, err := json.Marshal(f.example(p.body, "", at, json.RawMessage(mark), 0))
		if err != nil {
			f.t.Fatal(err)
		}
		body = strings.ReplaceAll(string(b), mark, v)
	}
	var head []string
	if p.in == "header" {
		head = []string{p.name[0], strings.ReplaceAll(v, "\n", " ")}
	}
	before, logged, begin := f.touched(), f.log.Len(), testkit.CPU(f.t)
	a := f.ask(who, p.method, path, body, head...)
	took := testkit.CPU(f.t) - begin
	f.asked++
	f.answers[strconv.Itoa(a.status)]++
	what := fmt.Sprintf("seed %d: %s: %s %.300s %.500s %.200s", f.seed, who, p.method, path, body, head)
	if !(p.doubt && a.status == 503) {
		if c := complaint(a); c != "" {
			f.t.Errorf("%s\n  %s: %d %.400s", what, c, a.status, a.body)
		}
	}
	if said := f.log.String()[logged:]; strings.Contains(said, `"level":"ERROR"`) {
		f.t.Errorf("%s\n  the log tells of an accident: %.1500s", what, said)
	}
	f.log.Reset()
	if f.touched() != before && (a.status >= 400 || p.method == "GET" && !strings.HasSuffix(p.path, ".xlsx")) {
		f.t.Errorf("%s\n  answered %d, and something changed", what, a.status)
	}
	if took > 10*time.Second {
		f.t.Errorf("%s\n  cost %v", what, took.Round(time.Millisecond))
	}
}

// complaint tells what is wrong with an answer by itself.
func complaint(a hit) string {
	if a.status >= 500 {
		return "a failure of ours"
	}
	if a.status < 400 {
		return ""
	}
	var p struct {
		Type, Title, Kind string
		Status            int
		Items             []struct{ Say engine.Text }
	}
	if a.head.Get("Content-Type") != "application/problem+json" || json.Unmarshal([]byte(a.body), &p) != nil {
		return "no problem document"
	}
	if p.Type == "" || p.Kind == "" || p.Status != a.status || !strings.ContainsFunc(p.Title, chinese) {
		return "a problem without words"
	}
	for _, i := range p.Items {
		if !strings.ContainsFunc(i.Say.ZH, chinese) || i.Say.EN == "" {
			return "an item without words"
		}
	}
	return ""
}

func chinese(r rune) bool { return r >= 0x4e00 && r <= 0x9fff }

// idFor is what a part of a path is called by that is there.
func (f *fuzz) idFor(before, name string) string {
	switch name {
	case "key":
		keys := slices.Sorted(maps.Keys(f.estate.records))
		return keys[f.rnd.IntN(len(keys))]
	case "action":
		return []string{"register", "decide", "void", "edit", "finish", "confirm"}[f.rnd.IntN(6)]
	case "pid":
		return "limit"
	}
	switch {
	case f.estate.other[before] != "":
		return f.estate.other[before]
	case strings.HasPrefix(before, "/api/rulebook/"):
		return "x"
	case strings.HasPrefix(before, "/api/clause/"):
		return "x-3"
	case strings.HasPrefix(before, "/api/person/"):
		return f.ID("ma")
	case strings.HasPrefix(before, "/api/clock/"):
		return f.estate.records["base.clock"]
	}
	for key, id := range f.estate.records {
		if strings.Contains(before, "/"+key+"/") {
			return id
		}
	}
	return f.estate.records["x.matter"]
}

// ask sends as a token's holder, as a browser, or as nobody.
func (f *fuzz) ask(who, method, path, body string, head ...string) hit {
	r := httptest.NewRequest(method, "/", strings.NewReader(body))
	u, err := url.Parse(path)
	if err != nil {
		f.t.Fatal(err)
	}
	r.URL, r.RequestURI = u, path
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if method == "PATCH" {
		r.Header.Set("If-Match", "*") // an edit says which version it means
	}
	if len(head) == 2 {
		r.Header[http.CanonicalHeaderKey(head[0])] = []string{head[1]}
	}
	if name, ok := strings.CutPrefix(who, "session/"); ok {
		s := f.session(name)
		r.AddCookie(&http.Cookie{Name: "zg_session", Value: s.Token})
		r.Header.Set("X-CSRF-Token", s.CSRF)
	} else if token := f.tokens[who]; token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if path == "/api/event" {
		ctx, cancel := context.WithTimeout(r.Context(), 20*time.Millisecond)
		defer cancel()
		r = r.WithContext(ctx)
	}
	rec := httptest.NewRecorder()
	f.h.ServeHTTP(rec, r)
	return hit{rec.Code, rec.Header(), rec.Body.String()}
}

// session is a person's open one; who was signed out or changed his password by a request signs in again.
func (f *fuzz) session(name string) auth.Session {
	s, ctx := f.sessions[name], context.Background()
	if p, err := f.auth.Peek(ctx, f.clock(), s.Token); err == nil && !p.MustChange {
		return s
	}
	if _, err := f.plain.Exec(`DELETE FROM auth_attempt`); err != nil { // the fuzzer may have locked the account
		f.t.Fatal(err)
	}
	s, err := f.auth.Signin(ctx, f.clock(), name, password, "", "fuzz"+strconv.Itoa(f.asked))
	if err != nil {
		if err := f.auth.SetPassword(ctx, f.clock(), f.ID(name), password, false); err != nil {
			f.t.Fatal(err)
		}
		if s, err = f.auth.Signin(ctx, f.clock(), name, password, "", "fuzz"+strconv.Itoa(f.asked)); err != nil {
			f.t.Fatal(err)
		}
	}
	f.sessions[name] = s
	return s
}

// differ is the first place where the tables are not what the journal says.
func (f *fuzz) differ() string {
	rep, err := f.DB.Compare(context.Background())
	if err != nil {
		f.t.Fatal(err)
	}
	for _, d := range rep.Differences {
		return d.String()
	}
	return ""
}

// touched counts the writes to tables of business since the beginning.
func (f *fuzz) touched() (n int64) {
	if err := f.plain.QueryRow(`SELECT n FROM touched`).Scan(&n); err != nil {
		f.t.Fatal(err)
	}
	return n
}

// watchTables opens the database past the store and has every write to a table of business counted.
func watchTables(t *testing.T, dsn string, tables []store.Table) *sql.DB {
	driver, each := "pgx", []string{`CREATE TRIGGER "touch" AFTER INSERT OR UPDATE OR DELETE ON %q FOR EACH ROW EXECUTE FUNCTION touch()`}
	dsn = strings.Replace(dsn, "allow_unsafe=1", "", 1)
	if file, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		driver, dsn, each = "sqlite", file+"?_pragma=busy_timeout(5000)", nil
		for _, op := range []string{"INSERT", "UPDATE", "DELETE"} {
			each = append(each, `CREATE TRIGGER "touch `+op+` %[1]s" AFTER `+op+` ON %[1]q BEGIN UPDATE touched SET n = n + 1; END`)
		}
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	do := []string{`CREATE TABLE touched (n bigint)`, `INSERT INTO touched VALUES (0)`}
	if driver == "pgx" {
		do = append(do, `CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE touched SET n = n + 1; RETURN NULL; END'`)
	}
	seen := map[string]bool{}
	for _, x := range tables {
		if traces[x.Name] || x.Name == "auth_ticket" || seen[x.Name] { // a wrong answer uses a ticket up
			continue
		}
		seen[x.Name] = true
		for _, q := range each {
			do = append(do, fmt.Sprintf(q, x.Name))
		}
	}
	for _, q := range do {
		if _, err := db.Exec(q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	return db
}
