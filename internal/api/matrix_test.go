package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"zhanggui/internal/api"
	"zhanggui/internal/engine"
	"zhanggui/internal/journal"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
	"zhanggui/rulebooks"
)

// wide is a company of several units that all adopted the same regulation apart: a works, its sister, the group above
// both, and a house that has nothing to do with them; in each a person for every role. Requests go straight into the
// handler: the matrix makes thousands of them.
type wide struct {
	*shop
	h      http.Handler
	log    *bytes.Buffer
	own    string
	tokens map[string]string // place/role → machine token
	forged int               // entries of what was written past the engine
}

// openWide is generated from the library: a new role of the book gets its people in every place.
func openWide(t testing.TB, dsn string, lib *rulebook.Library) *wide {
	t.Helper()
	s := openWith(t, dsn, lib)
	w := &wide{shop: s, own: s.Unit, log: &bytes.Buffer{}, tokens: map[string]string{}}
	works := s.Unit
	group := s.Column("base_unit", works, "parent")
	sibling := s.System("base.unit", map[string]any{"name": "二厂", "parent": group})
	began := s.Now
	s.Now = began.Add(time.Minute) // the group is the company, since it was there first
	foreign := s.System("base.unit", map[string]any{"name": "别家"})
	s.Now = began
	for _, u := range []string{sibling, foreign} {
		s.System("base.adoption", map[string]any{"unit": u, "book": "x", "version": "1.0", "from": "2000-01-01"})
	}
	for _, b := range lib.Books {
		for _, u := range []string{works, sibling, foreign} {
			if b.ID != "base" && b.ID != "x" {
				s.System("base.adoption", map[string]any{"unit": u, "book": b.ID, "version": b.Version, "from": "2000-01-01"})
			}
		}
	}
	for _, b := range lib.Books {
		for _, p := range waitsFor(b) { // a day long past, and one that regulations which name a day of the year take
			s.System("base.param_value", map[string]any{"book": b.ID, "param": p.ID, "value": "2025-08-15", "from": "2000-01-01", "reason": "已施行"})
		}
	}
	roles := []string{""}
	for _, b := range s.lib.Books {
		for _, r := range b.Roles {
			if r.Org == "" && !slices.Contains(roles, r.ID) { // books that share a text share their roles
				roles = append(roles, r.ID)
			}
		}
	}
	for place, unit := range map[string]string{"own": works, "sibling": sibling, "parent": group, "foreign": foreign} {
		s.Unit = unit
		for _, role := range roles {
			name := place + "/" + role
			if role == "" {
				s.Person(name)
			} else {
				s.Person(name, role)
			}
			// No password is needed here, and hashing two dozen of them would be half of the test's time.
			if err := s.DB.Write(context.Background(), func(tx *store.Tx) error {
				return tx.Insert("auth_account", store.Row{"person": s.ID(name), "hash": "none", "changed_at": "2026-03-02T01:00:00.000Z", "created_at": "2026-03-02T01:00:00.000Z", "must_change": false})
			}); err != nil {
				t.Fatal(err)
			}
			_, token, err := s.auth.CreateToken(context.Background(), s.Now, s.ID(name), "matrix", []string{"read", "write"}, nil, s.Now.AddDate(0, 0, 100))
			if err != nil {
				t.Fatal(err)
			}
			w.tokens[name] = token
		}
	}
	s.Unit = works
	w.h = api.New(api.Deps{Engine: s.E, Auth: s.auth, Jobs: s.jobs, Lib: s.lib, Clock: s.clock, Company: api.Company{Name: "小店"}, Version: "test", ManualClock: s, Log: slog.New(slog.NewJSONHandler(w.log, nil))})
	return w
}

// waitsFor are the blank dates from which a book is in force: until somebody gives them, all of it sleeps.
func waitsFor(b *rulebook.Book) (list []*rulebook.Parameter) {
	for _, since := range b.Since {
		for _, c := range since.Cases {
			for _, id := range c.Params {
				if p := b.Parameter(id); p != nil && p.Default == nil && p.Type.Name == "date" && !slices.Contains(list, p) {
					list = append(list, p)
				}
			}
		}
	}
	return list
}

// everyBook is every regulation that is shipped, and the tests' own beside them: a new form is covered on the day it is written.
func everyBook(t testing.TB) *rulebook.Library {
	t.Helper()
	files := map[string]string{}
	for k, v := range shopBook {
		files[k] = v
	}
	err := fs.WalkDir(rulebooks.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			var b []byte
			b, err = fs.ReadFile(rulebooks.FS, path)
			files[path] = string(b)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return testkit.Load(t, files)
}

// hit is one answer of the handler.
type hit struct {
	status int
	head   http.Header
	body   string
}

func (w *wide) ask(who, method, path, body string) hit {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("If-Match", "*") // a missing version must not be what turns somebody away
	}
	if token := w.tokens[who]; token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if strings.HasPrefix(path, "/api/event") { // a stream has no end: its first lines are enough
		ctx, cancel := context.WithTimeout(r.Context(), 20*time.Millisecond)
		defer cancel()
		r = r.WithContext(ctx)
	}
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	rec.Header().Del("X-Request-ID")
	return hit{rec.Code, rec.Header(), rec.Body.String()}
}

// traces are the tables in which a refusal, a reading or a sign-in leaves its mark; all others are business.
var traces = map[string]bool{"base_attempt": true, "base_access": true, "journal_entry": true, "journal_hash": true, "checkpoint": true, "auth_session": true, "auth_token": true, "auth_attempt": true, "auth_account": true}

// everything is the digest of all business tables and blobs.
func (w *wide) everything() string {
	w.t.Helper()
	var b strings.Builder
	err := w.DB.Read(context.Background(), func(tx *store.Tx) error {
		for _, table := range append(engine.Tables(w.lib), store.SystemTables()...) {
			if traces[table.Name] {
				continue
			}
			q := query.Select{Table: table.Name, Alias: "t"}
			for _, k := range table.Primary {
				q.Order = append(q.Order, query.Order{Expr: query.Col{Alias: "t", Name: k}})
			}
			rows, err := tx.Select(q)
			if err != nil {
				return err
			}
			if len(rows) > 0 {
				fmt.Fprintln(&b, table.Name, rows)
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return b.String()
}

// events counts what was kept of refusals: refused entries of the journal and lines of the security log.
func (w *wide) events() int {
	n := w.Count("journal_entry", "refused", true)
	return n + strings.Count(w.log.String(), `"msg":"refused"`)
}

// operation is one line of the API document.
type operation struct {
	method, path string
	ask          []string
}

func (w *wide) operations() []operation {
	w.t.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters []struct{ Name, In string }
		}
	}
	a := w.ask("own/", "GET", "/api/openapi.json", "")
	if err := json.Unmarshal([]byte(a.body), &doc); err != nil {
		w.t.Fatal(err)
	}
	var list []operation
	for path, ops := range doc.Paths {
		for method, op := range ops {
			o := operation{method: strings.ToUpper(method), path: path}
			for _, p := range op.Parameters {
				if p.In == "query" {
					o.ask = append(o.ask, p.Name)
				}
			}
			list = append(list, o)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].path+list[i].method < list[j].path+list[j].method })
	return list
}

// canary is in every text of the works' records.
const canary = "QZXMATRIX金丝雀"

// estate is what belongs to the works: by form the ids of its records, and other ids by the path that takes them.
type estate struct {
	records map[string]string // form key → a record
	other   map[string]string // path prefix → id
	secrets []string          // what no stranger's answer may hold
}

// furnish lets the works act: records, numbers, clocks, a refusal, notices, a file, a view, a token.
func (w *wide) furnish() *estate {
	w.t.Helper()
	s := w.shop
	wang := s.signIn("wang")
	body, kind := multi(s.t.(*testing.T), "file", canary+".txt", canary)
	up := newRequest(s.t.(*testing.T), "POST", s.srv.URL+"/api/file", body)
	up.Header.Set("Content-Type", kind)
	up.Header.Set("X-CSRF-Token", wang.csrf)
	file := wang.send(up).want(201).text("id")
	id := wang.file(map[string]any{"subject": canary, "amount": "8000", "phone": "13866210417", "paper": file})
	wang.do("POST", at+"/"+id+"/register", map[string]any{}).want(200)
	wang.do("POST", at+"/"+id+"/decide", map[string]any{}).want(422)
	second := wang.file(map[string]any{"subject": canary + "2", "amount": "8000"})
	wang.do("POST", at+"/"+second+"/register", map[string]any{}).want(200)
	s.signIn("ma").do("POST", at+"/"+second+"/decide", map[string]any{}).want(200)
	wang.do("POST", "/api/form/x.errand/record", map[string]any{"values": map[string]any{"what": canary, "owner": s.ID("wang"), "place": s.Unit}}).want(201)
	view := wang.do("POST", "/api/form/x.matter/view", map[string]any{"name": canary, "query": "q=" + canary}).want(201).text("id")
	token := wang.do("POST", "/api/token", map[string]any{"name": canary, "scope": []string{"read"}}).want(201).text("id")
	if _, err := s.Turn(context.Background(), s.Now.AddDate(0, 0, 40)); err != nil { // warnings and a breach
		s.t.Fatal(err)
	}
	e := &estate{records: map[string]string{}, other: map[string]string{}, secrets: []string{canary, id, second, view, file, token, "13866210417"}}
	err := s.DB.Read(context.Background(), func(tx *store.Tx) error {
		for _, f := range s.lib.Forms {
			if f.Kept == "platform" && f.Key != "base.saved_view" {
				continue
			}
			where := query.Eq("t", "unit", w.own)
			if f.Field("of_id") != nil {
				where = query.Eq("t", "of_id", id)
			}
			rows, err := tx.Select(query.Select{Table: f.Table, Alias: "t", Where: where, Order: []query.Order{{Expr: query.Col{Alias: "t", Name: "id"}}}})
			if err != nil {
				return err
			}
			for _, r := range rows {
				e.records[f.Key] = r["id"].(string)
				e.secrets = append(e.secrets, r["id"].(string))
			}
		}
		rows, err := tx.Select(query.Select{Table: "journal_entry", Alias: "t", Where: query.Eq("t", "record", id)})
		if err != nil {
			return err
		}
		e.other["/api/journal/"] = rows[0]["id"].(string)
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	e.records["x.matter"] = id
	e.other["/api/file/"], e.other["/api/form/x.matter/view/"], e.other["/api/token/"], e.other["/api/notice/"] = file, view, token, e.records["base.notice"]
	e.other["/api/session/"], e.other["/api/import/"], e.other["/api/export/"] = "another", "another", "another"
	return e
}

// targets are the addresses of an operation that name something of the works, with what stands for it where it names nothing.
func (e *estate) targets(o operation) (with, without []string) {
	const unknown = "zzzzzzzzzzzzzzzz"
	keys := []string{""}
	if strings.Contains(o.path, "{key}") {
		keys = keys[:0]
		for k := range e.records {
			keys = append(keys, k)
		}
		sort.Strings(keys)
	}
	for _, k := range keys {
		p := strings.Replace(o.path, "{key}", k, 1)
		p = strings.NewReplacer("{action}", "edit", "{pid}", "limit").Replace(p)
		if i := strings.Index(p, "/record/{id}"); i >= 0 {
			form := strings.TrimPrefix(p[:i], "/api/form/")
			if id := e.records[form]; id != "" {
				with, without = append(with, strings.Replace(p, "{id}", id, 1)), append(without, strings.Replace(p, "{id}", unknown, 1))
			}
			continue
		}
		before, _, named := strings.Cut(p, "{id}")
		switch {
		case !named:
			with, without = append(with, p), append(without, "")
		case e.other[before] != "":
			with, without = append(with, strings.Replace(p, "{id}", e.other[before], 1)), append(without, strings.Replace(p, "{id}", unknown, 1))
		case before == "/api/rulebook/":
			with, without = append(with, strings.Replace(p, "{id}", "x", 1)), append(without, "")
		}
	}
	return with, without
}

// outsiders are those who have no business with the works, whatever they are at home: all of the sister and the foreign
// house, and who has no role in the group. Auditors and administrators read registers by their office.
func (w *wide) outsiders() []string {
	var list []string
	for name := range w.tokens {
		place, role, _ := strings.Cut(name, "/")
		if role == "auditor" || role == "admin" || place == "own" || place == "parent" && role != "" {
			continue
		}
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// Ensure that no operation of the API document gives a stranger anything of the works: what lies outside his scope
// answers, byte for byte, as what does not exist, changes nothing, and leaves exactly one trace of the refusal.
func TestMatrix_Strangers(t *testing.T) { testkit.Databases(t, strangersOn) }

func strangersOn(t *testing.T, dsn string) {
	w := openWide(t, dsn, testkit.Load(t, shopBook))
	e := w.furnish()
	operations, before := w.operations(), w.everything()
	asked, compared, seen := 0, 0, 0
	for _, who := range w.outsiders() {
		for _, o := range operations {
			if o.path == "/api/clock" && o.method == "POST" || strings.HasPrefix(o.path, "/api/clock-hand") || o.path == "/api/form/{key}/record" && o.method == "POST" {
				continue // the demonstration's hand, and filing one's own: no door to what is there
			}
			with, without := e.targets(o)
			for i, path := range with {
				id := ""
				if without[i] != "" {
					id = differing(path, without[i])
				}
				body := ""
				if o.method != "GET" && o.method != "DELETE" {
					body = w.bodyFor(path, e, id)
				}
				if o.method == "POST" && without[i] == "" && !strings.Contains(path, "/bulk/") {
					continue // makes something of one's own
				}
				events := w.events()
				full := path + w.question(o, e)
				a := w.ask(who, o.method, full, body)
				asked++
				if e.tells(a, id) {
					t.Fatalf("%s: %s %s tells of the works: %d %s", who, o.method, full, a.status, a.body)
				}
				if without[i] == "" {
					continue
				}
				if got := w.events() - events; got != 1 {
					t.Errorf("%s: %s %s left %d traces (%d %s)", who, o.method, full, got, a.status, a.body)
				}
				const unknown = "zzzzzzzzzzzzzzzz"
				b := w.ask(who, o.method, without[i]+w.question(o, e), strings.ReplaceAll(body, id, unknown))
				compared++
				if a.status < 400 || a.status != b.status || strings.ReplaceAll(a.body, id, "ID") != strings.ReplaceAll(b.body, unknown, "ID") || fmt.Sprint(a.head) != fmt.Sprint(b.head) {
					t.Errorf("%s: %s %s\n  there   %d %v %s\n  unknown %d %v %s", who, o.method, full, a.status, a.head, a.body, b.status, b.head, b.body)
				}
			}
		}
		if w.everything() != before {
			t.Fatalf("%s changed something of the works", who)
		}
	}
	for _, o := range operations { // the control: those whose business it is are let in at the same doors
		if with, without := e.targets(o); o.method == "GET" {
			for i := range with {
				if without[i] != "" && w.ask("own/clerk", "GET", with[i]+w.question(o, e), "").status == 200 {
					seen++
				}
			}
		}
	}
	t.Logf("%d strangers, %d operations, %d requests, %d compared with the unknown; %d doors open to the works itself", len(w.outsiders()), len(operations), asked, compared, seen)
	if asked < 1000 || compared < 300 || seen < 10 {
		t.Error("so few requests prove little")
	}
}

func differing(a, b string) string {
	const unknown = "zzzzzzzzzzzzzzzz"
	before, after, _ := strings.Cut(b, unknown)
	return strings.TrimSuffix(strings.TrimPrefix(a, before), after)
}

// tells looks for anything of the works in an answer; the id that was asked for may be repeated.
func (e *estate) tells(a hit, id string) bool {
	text := a.body + fmt.Sprint(a.head)
	if id != "" {
		text = strings.ReplaceAll(text, id, "")
	}
	return slices.ContainsFunc(e.secrets, func(s string) bool { return s != id && strings.Contains(text, s) })
}

func (w *wide) bodyFor(path string, e *estate, id string) string {
	switch {
	case strings.HasSuffix(path, "/reveal"):
		return `{"field":"phone","purpose":"看一看"}`
	case strings.Contains(path, "/bulk/"):
		return `{"records":[{"id":"` + e.records["x.matter"] + `"}]}`
	case strings.Contains(path, "/view/"):
		return `{"name":"我的"}`
	}
	return `{}`
}

// question fills the query parameters of an operation with what finds the works' records, if anything did.
func (w *wide) question(o operation, e *estate) string {
	know := map[string]string{"q": canary, "record": e.records["x.matter"], "person": w.ID("wang"), "form": "x.matter", "by": "state", "of": "field:subject", "field": "customer", "count": "1", "views": "1", "unit": w.own}
	var parts []string
	for _, p := range o.ask {
		if v, ok := know[p]; ok && !(p == "q" && strings.HasSuffix(o.path, "/record")) {
			parts = append(parts, p+"="+v)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "?" + strings.Join(parts, "&")
}

// forge writes past the engine, with an entry that tells of it: the store takes nothing else.
func (w *wide) forge(fn func(*store.Tx) error) error {
	w.forged++
	return w.DB.Write(context.Background(), func(tx *store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return tx.Append(&journal.Entry{ID: fmt.Sprint("forged", w.forged), Actor: w.ID("own/boss"), Origin: "system"})
	})
}
