package api_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"zhanggui/internal/testkit"
)

// besieged is a shop with a matter of the clerk's, for those who attack as the clerk.
func besieged(t *testing.T) (w *wide, id string) {
	t.Helper()
	w = openWide(t, "sqlite:"+t.TempDir()+"/shop.db", testkit.Load(t, shopBook))
	out := w.Do("own/clerk", "x.matter", "", "create", map[string]any{"subject": "原样", "amount": "10"})
	return w, out.Record
}

// refused asserts what every refused request must leave: the status, a problem, and everything as it was.
func (w *wide) refused(what string, a hit, before string, status ...int) {
	w.t.Helper()
	if !slices.Contains(status, a.status) || !strings.Contains(a.head.Get("Content-Type"), "problem+json") {
		w.t.Errorf("%s: %d %.300s", what, a.status, a.body)
	}
	if w.everything() != before {
		w.t.Fatalf("%s: refused with %d, and something changed", what, a.status)
	}
}

// A4: Ensure that nobody writes what is not his to write: whatever key is smuggled into a body, its values or its lines is
// named and refused, not ignored.
func TestAttack_MassAssignment(t *testing.T) {
	w, id := besieged(t)
	keys := []string{"id", "number", "unit", "state", "created_by", "by", "at", "etag", "role", "class", "signature", "approved_by", "deleted_at", "rulebook", "pinned", "stamp", "stay", "frozen", "search",
		"register_at", "register_by", "decide_at", "system", "actor", "dry", "key", "__proto__", "constructor", "Subject", "SUBJECT", "subject ", "of_id", "record", "pos"}
	for i := range testkit.Long(t, 10, 50) {
		keys = append(keys, fmt.Sprint("k", i*7919%1000))
	}
	before := w.everything()
	rec := at + "/" + id
	for _, k := range keys {
		for _, d := range [][3]string{
			{"POST", at, `{"values":{"subject":"x",%q:"1"}}`}, {"POST", at, `{"values":{"subject":"x"},"lines":{"parts":[{"name":"n",%q:"1"}]}}`}, {"PATCH", rec, `{"values":{%q:"1"}}`},
			{"POST", rec + "/register", `{"values":{%q:"1"}}`}, {"POST", at, `{"values":{"subject":"x"},%q:"1"}`}, {"PATCH", rec, `{"values":{},%q:"1"}`}, {"POST", rec + "/register", `{%q:"1"}`},
		} {
			if (k == "id" || k == "pos") && strings.Contains(d[2], "lines") {
				continue // what a line is sent back with: its id keeps the row, its place follows from the order
			}
			a := w.ask("own/clerk", d[0], d[1], fmt.Sprintf(d[2], k))
			if a.status != 400 && a.status != 422 || !strings.Contains(a.body, strings.TrimSpace(k)) {
				t.Errorf("%s %s: %q is not refused by name: %d %.200s", d[0], d[1], k, a.status, a.body)
			}
		}
		if w.everything() != before {
			t.Fatalf("%q was refused, and something changed", k)
		}
	}
}

// A5: Ensure that a reference leads only where its giver may go: another's file, a record of the wrong kind, one that is not
// there, another record's line, a view for a foreign unit, a stand-in's name.
func TestAttack_ForeignReference(t *testing.T) {
	w, id := besieged(t)
	foreign := w.System("base.unit", map[string]any{"name": "远方"})
	var other struct {
		ID    string
		Lines map[string][]map[string]any
	}
	if a := w.ask("own/clerk", "POST", at, `{"values":{"subject":"另一份"},"lines":{"parts":[{"name":"原件","qty":1}]}}`); json.Unmarshal([]byte(a.body), &other) != nil || len(other.Lines["parts"]) != 1 {
		t.Fatal(a.body)
	}
	// Another record's line, named in one's own, stays where it is: a new one is made.
	line := fmt.Sprint(other.Lines["parts"][0]["id"])
	if a := w.ask("own/clerk", "PATCH", at+"/"+id, `{"values":{},"lines":{"parts":[{"id":"`+line+`","name":"夺"}]}}`); a.status != 200 || strings.Contains(a.body, line) {
		t.Errorf("another's line: %d %s", a.status, a.body)
	}
	if a := w.ask("own/clerk", "GET", at+"/"+other.ID, ""); !strings.Contains(a.body, line) || !strings.Contains(a.body, "原件") {
		t.Errorf("another's line was taken: %s", a.body)
	}
	lone := w.signIn("lone")
	body, kind := multi(t, "file", "secret.txt", canary)
	up := newRequest(t, "POST", w.srv.URL+"/api/file", body)
	up.Header.Set("Content-Type", kind)
	up.Header.Set("X-CSRF-Token", lone.csrf)
	file := lone.send(up).want(201).text("id")
	before := w.everything()
	for name, d := range map[string][3]string{
		"another's file":          {"POST", at, `{"values":{"subject":"x","paper":"` + file + `"}}`},
		"another's file, edited":  {"PATCH", at + "/" + id, `{"values":{"paper":"` + file + `"}}`},
		"a customer that is none": {"POST", at, `{"values":{"subject":"x","customer":"` + id + `"}}`},
		"nobody":                  {"POST", "/api/form/x.errand/record", `{"values":{"what":"x","owner":"zzzzzzzzzzzzzzzz"}}`},
		"a unit as a person":      {"POST", "/api/form/x.errand/record", `{"values":{"what":"x","owner":"` + foreign + `"}}`},
		"nobodies":                {"POST", "/api/form/x.errand/record", `{"values":{"what":"x","others":["` + id + `"]}}`},
		"a view for a far unit":   {"POST", "/api/form/x.matter/view", `{"name":"v","query":"q=1","unit":"` + foreign + `"}`},
		"another's sheet":         {"POST", "/api/form/x.matter/import/read", `{"file":"` + file + `"}`},
		"a waiver of nothing":     {"POST", at + "/" + id + "/register", `{"waive":[{"clause":"x-2","reason":"请放行"}]}`},
	} {
		a := w.ask("own/clerk", d[0], d[1], d[2])
		if name == "a waiver of nothing" {
			if a.status != 200 && a.status != 422 {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
			continue
		}
		if name == "another's file" || name == "another's sheet" { // as if it were not there
			b := w.ask("own/clerk", d[0], d[1], strings.ReplaceAll(d[2], file, "zzzzzzzzzzzzzzzz"))
			if a.status != b.status || strings.ReplaceAll(a.body, file, "") != strings.ReplaceAll(b.body, "zzzzzzzzzzzzzzzz", "") {
				t.Errorf("%s differs from one that is not there:\n%s\n%s", name, a.body, b.body)
			}
		}
		if a.status < 400 || a.status >= 500 || strings.Contains(a.body, canary) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	after := w.everything()
	if strings.Count(after, file) != strings.Count(before, file) {
		t.Error("another's file was taken over")
	}
}

// hostile are texts that mean something to somebody: SQL, CEL, templates, shells, logs, spreadsheets.
var hostile = []string{`' OR '1'='1`, `"; DROP TABLE fx_matter; --`, `') UNION SELECT hash FROM auth_account --`, `1; ATTACH 'x' AS y`, `\'; --`, `%27%20OR%201`, "＇ OR ＇1＇=＇1", `$$; select pg_sleep(5); $$`, `' || pg_sleep(5) || '`,
	`%`, `_`, `\`, `*`, `"`, `'`, "`", `[a-z]`, `{{7*7}}`, `${7*7}`, `<%= 7*7 %>`, `%(x)s`, `{this.phone}`, `{{.}}`, "a\r\nSet-Cookie: x=1", "\x1b[31mred", `$(id)`, "|id", `=1+1`, "\u202egpj.exe", strings.Repeat("长", 3000)}

// A8, A12: Ensure that whatever a text says, it is kept as text or refused, shown as it was written, and never an accident.
func TestAttack_Injection(t *testing.T) { testkit.Databases(t, injectionOn) }

func injectionOn(t *testing.T, dsn string) {
	w := openWide(t, dsn, testkit.Load(t, shopBook))
	for _, s := range hostile {
		b, _ := json.Marshal(map[string]any{"values": map[string]any{"subject": s, "amount": "1"}})
		a := w.ask("own/clerk", "POST", at, string(b))
		switch {
		case a.status >= 500:
			t.Errorf("%.40q: %d %s", s, a.status, a.body)
		case a.status == 201:
			var r struct {
				ID     string
				Values struct{ Subject string }
			}
			if err := json.Unmarshal([]byte(a.body), &r); err != nil || r.Values.Subject != strings.TrimSpace(s) && r.Values.Subject != s {
				t.Errorf("%.40q was kept as %.40q (%v)", s, r.Values.Subject, err)
			}
			var p any
			print := w.ask("own/clerk", "GET", at+"/"+r.ID+"/print", "")
			if err := json.Unmarshal([]byte(print.body), &p); err != nil || print.status != 200 || !strings.Contains(fmt.Sprint(p), strings.TrimSpace(r.Values.Subject)) {
				t.Errorf("%.40q is not printed as it is: %d %v", s, print.status, err)
			}
		}
	}
	n, next := w.Count("fx_matter", "", nil), 0
	if n < len(hostile)/2 {
		t.Errorf("only %d were kept", n)
	}
	for _, o := range w.operations() {
		if o.method != "GET" || len(o.ask) == 0 {
			continue
		}
		path := strings.NewReplacer("{key}", "x.matter", "{id}", "x").Replace(o.path)
		for _, q := range o.ask {
			for range testkit.Long(t, 3, len(hostile)) { // ordinarily each parameter meets the next three
				next++
				s := hostile[next%len(hostile)]
				if a := w.ask("own/clerk", "GET", path+"?"+q+"="+url.QueryEscape(s), ""); a.status >= 500 {
					t.Errorf("%s %s=%.40q: %d %.200s", path, q, s, a.status, a.body)
				}
			}
		}
	}
	if w.Count("fx_matter", "", nil) != n || w.Count("base_person", "name", "wang") != 1 {
		t.Error("an injected statement ran")
	}
}

// A9: Ensure that names of columns, groups and the like come from the closed list of what the form has and the reader sees.
func TestAttack_Identifiers(t *testing.T) {
	w, _ := besieged(t)
	before := w.everything()
	for _, s := range []string{"id; DROP TABLE fx_matter", `"id"`, "1", "(select 1)", "subject desc", "subject,(select 1)", "hash", "search", "stamp", "frozen", "auth_account.hash", "this.subject", "unit.name", "../x", "subject'", "rowid", "ctid", "COUNT(*)", "phone", "secret_note"} {
		for _, p := range []string{at + "?sort=", at + "?sort=-", at + "?fields=subject,", at + "?view=", at + ".xlsx?fields=", "/api/stat?form=x.matter&by=", "/api/stat?form=x.matter&by=state&sum=", "/api/stat?by=state&form=", "/api/form/x.matter/options?field=", at + "?cursor=", "/api/clock?cursor=", "/api/journal?cursor="} {
			if strings.HasSuffix(p, "options?field=") && s == "search" {
				continue
			}
			a := w.ask("own/clerk", "GET", p+url.QueryEscape(s), "")
			if strings.Contains(p, "fields=") { // what is no field of the form is an empty column: a kept view outlives its fields
				var page struct {
					Rows []struct{ Values map[string]any }
				}
				_ = json.Unmarshal([]byte(a.body), &page)
				for _, r := range page.Rows {
					if _, there := r.Values[s]; there && s != "phone" && s != "1" {
						t.Errorf("%s%s shows %v", p, s, r.Values[s])
					}
				}
				if a.status >= 500 || strings.Contains(unpacked(t, a), "$argon2") {
					t.Errorf("%s%s: %d", p, s, a.status)
				}
				continue
			}
			w.refused(p+s, a, before, 400, 404, 422)
		}
	}
}

// A11: Ensure that an invalid value is refused alike by every way in.
func TestAttack_EveryWayIn(t *testing.T) {
	w, id := besieged(t)
	for field, values := range map[string][]string{"amount": {"abc", "1e400", "NaN", "1.001", "--1", "9999999999999999999999"}, "phone": {"abc", "<b>", "1386621041٧"}, "subject": {""}} {
		for _, v := range values {
			before := w.everything()
			say := func(a hit) string {
				var p struct {
					Status int
					Items  []struct {
						Field string
						Say   struct{ ZH string }
					}
				}
				_ = json.Unmarshal([]byte(a.body), &p)
				var s string
				for _, i := range p.Items {
					s += strings.TrimPrefix(i.Field, "values.") + ": " + i.Say.ZH + ";"
				}
				return fmt.Sprint(p.Status, s)
			}
			vals := map[string]any{"subject": "x"}
			vals[field] = v
			b, _ := json.Marshal(map[string]any{"values": vals})
			one, _ := json.Marshal(map[string]any{"values": map[string]any{field: v}})
			create, edit, dry := w.ask("own/clerk", "POST", at, string(b)), w.ask("own/clerk", "PATCH", at+"/"+id, string(one)), w.ask("own/clerk", "POST", at+"?dry=1", string(b))
			for name, a := range map[string]hit{"create": create, "edit": edit, "dry": dry} {
				w.refused(name+" "+field+"="+v, a, before, 400, 422)
			}
			if say(create) != say(edit) || say(create) != say(dry) {
				t.Errorf("%s=%q: create says %s, edit %s, dry %s", field, v, say(create), say(edit), say(dry))
			}
		}
	}
}

// A25: Ensure that a cell which a spreadsheet would run leaves as text and comes back as it was.
func TestAttack_FormulaCells(t *testing.T) {
	s := open(t)
	wang := s.signIn("wang")
	cells := []string{"=1+1", "+1", "-1", "@SUM(1)", "＝1+1", `=HYPERLINK("http://evil.example","x")`, `=cmd|' /C calc'!A0`, "=1+1\";=1", "x\ty", "'=1"}
	for _, c := range cells {
		wang.file(map[string]any{"subject": c})
	}
	r := wang.do("GET", "/api/form/x.matter/record.xlsx?fields=subject&sort=subject", nil).want(200)
	book, err := excelize.OpenReader(bytes.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := book.GetRows("Sheet1")
	if err != nil {
		t.Fatal(err)
	}
	var back []string
	for i := range rows[2:] {
		cell := fmt.Sprint("A", i+3)
		if f, _ := book.GetCellFormula("Sheet1", cell); f != "" {
			t.Errorf("%s is the formula %q", cell, f)
		}
		if kind, _ := book.GetCellType("Sheet1", cell); kind != excelize.CellTypeInlineString && kind != excelize.CellTypeSharedString {
			t.Errorf("%s is no text: %v", cell, kind)
		}
		v, _ := book.GetCellValue("Sheet1", cell)
		back = append(back, v)
	}
	want := slices.Clone(cells)
	slices.Sort(want)
	slices.Sort(back)
	if !slices.Equal(back, want) {
		t.Errorf("left as %q", back)
	}
	sheet := [][]any{{"事由"}}
	for _, c := range cells {
		sheet = append(sheet, []any{c})
	}
	file := wang.upload("back.xlsx", workbook(t, sheet...))
	before := s.Count("fx_matter", "", nil)
	wang.bring("x.matter", map[string]any{"file": file, "columns": []string{"subject"}})
	if n := s.Count("fx_matter", "", nil); n != before+len(cells) {
		t.Errorf("%d of %d came back", n-before, len(cells))
	}
	for _, c := range cells {
		if n := s.Count("fx_matter", "subject", c); n != 2 {
			t.Errorf("%q is there %d times", c, n)
		}
	}
}

// A28: Ensure that a condition made to be expensive costs nothing but its refusal.
func TestAttack_ExpensiveFilters(t *testing.T) {
	w, _ := besieged(t)
	before := w.everything()
	deep := strings.Repeat("(", 3000) + "true" + strings.Repeat(")", 3000)
	ternary := strings.Repeat("true ? ", 400) + "true" + strings.Repeat(" : false", 400)
	long := "this.subject in ['" + strings.Repeat("x','", 8000) + "x']"
	all := strings.Repeat("matter.all(m, ", 12) + "true" + strings.Repeat(")", 12)
	nots, ands := strings.Repeat("!", 6000)+"true", "true"+strings.Repeat(" && true", 6000)
	doubling := "this.subject" + strings.Repeat(" + this.subject", 3000) + " == 'x'"
	for name, src := range map[string]string{"parentheses": deep, "ternaries": ternary, "long list": long, "nested queries": all, "negations": nots, "conjunctions": ands, "doubling": doubling,
		"lists": strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + " == []", "pattern": "this.subject.matches('" + strings.Repeat("(a{1000}){1000}", 3) + "')", "regex": "this.subject.matches('(a+)+$')"} {
		begin := testkit.CPU(t)
		r := w.ask("own/clerk", "GET", at+"?filter="+url.QueryEscape(src), "")
		w.refused(name, r, before, 400, 414, 422)
		if took := testkit.CPU(t) - begin; took > 2*time.Second {
			t.Errorf("%s cost %v", name, took)
		}
	}
}

// A30: Ensure that a body made to be expensive or ambiguous is refused before anything is done with it.
func TestAttack_JSON(t *testing.T) {
	w, _ := besieged(t)
	before := w.everything()
	var keys strings.Builder
	keys.WriteString(`{"values":{"subject":"x"`)
	for i := range 60000 {
		fmt.Fprintf(&keys, `,"k%d":1`, i)
	}
	keys.WriteString("}}")
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(bytes.Repeat([]byte(" "), 50<<20))
	_ = z.Close()
	for name, body := range map[string]string{
		"deep": strings.Repeat(`{"values":`, 10000), "deep and whole": `{"values":{"subject":` + strings.Repeat("[", 10000) + strings.Repeat("]", 10000) + `}}`, "many keys": keys.String(),
		"twice": `{"values":{"subject":"a","subject":"b"}}`, "twice above": `{"values":{"subject":"a"},"values":{"subject":"b"}}`, "huge number": `{"values":{"subject":"a","amount":1e400}}`,
		"half a character": `{"values":{"subject":"a\ud800b"}}`, "NUL": `{"values":{"subject":"a\u0000b"}}`, "no UTF-8": "{\"values\":{\"subject\":\"a\xff\"}}", "two values": `{"values":{"subject":"a"}} {"values":{}}`,
		"array": `[]`, "null": `null x`, "NaN": `{"values":{"amount":NaN}}`, "comment": `{"values":{/* x */"subject":"a"}}`, "big": `{"values":{"subject":"` + strings.Repeat("x", 2<<20) + `"}}`, "gzip": zipped.String(),
	} {
		begin := testkit.CPU(t)
		a := w.ask("own/clerk", "POST", at, body)
		w.refused(name, a, before, 400, 413, 422)
		if word := map[string]string{"many keys": "太多", "deep": "太深", "deep and whole": "太深"}[name]; !strings.Contains(a.body, word) {
			t.Errorf("%s were read to their end: %.200s", name, a.body)
		}
		if took := testkit.CPU(t) - begin; took > time.Second {
			t.Errorf("%s cost %v", name, took)
		}
	}
	if a := w.ask("own/clerk", "POST", at, `{"values":{"subject":"a\ud83d\ude00\u4e00","amount":"1"}}`); a.status != 201 || !strings.Contains(a.body, "a😀一") {
		t.Errorf("a whole character in two halves: %d %s", a.status, a.body)
	}
}

// A37: Ensure that no form of another site acts for a visitor, whatever it sends; and that nothing changes by being looked at.
func TestAttack_CrossSite(t *testing.T) {
	s := open(t)
	wang := s.signIn("wang")
	id := wang.file(map[string]any{"subject": "原样"})
	before := s.digest()
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "application/json-seq", "text/json"} {
		for _, path := range []string{at, at + "/" + id + "/register", at + "/" + id + "/reveal", "/api/token", "/api/password"} {
			r := newRequest(t, "POST", s.srv.URL+path, strings.NewReader(`{"values":{"subject":"x"}}`))
			if kind != "" {
				r.Header.Set("Content-Type", kind)
			}
			if a := wang.send(r); a.status != 403 && a.status != 400 {
				t.Errorf("%s as %q without the page's token: %d %s", path, kind, a.status, a.body)
			}
			r = newRequest(t, "POST", s.srv.URL+path, strings.NewReader(`{"values":{"subject":"x"}}`))
			r.Header.Set("X-CSRF-Token", wang.csrf)
			r.Header.Set("Content-Type", kind)
			if a := wang.send(r); a.status < 400 {
				t.Errorf("%s as %q: %d", path, kind, a.status)
			}
		}
	}
	for _, method := range []string{"GET", "OPTIONS"} {
		for _, path := range []string{at + "/" + id + "/register", at + "/" + id + "/void", at + "/" + id + "/reveal?field=phone&purpose=x", "/api/session?_method=DELETE"} {
			r := newRequest(t, method, s.srv.URL+path, nil)
			r.Header.Set("X-HTTP-Method-Override", "POST")
			r.Header.Set("X-Method-Override", "DELETE")
			r.Header.Set("X-CSRF-Token", wang.csrf)
			if a := wang.send(r); a.status < 400 && !strings.HasPrefix(path, "/api/session") {
				t.Errorf("%s %s: %d", method, path, a.status)
			}
			if a := wang.do("OPTIONS", path, nil); a.head.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s allows another origin", path)
			}
		}
	}
	if s.digest() != before {
		t.Error("a foreign request changed something")
	}
	wang.do("GET", "/api/me", nil).want(200)
}

// A39: Ensure that a line of the log is one line whatever the visitor calls himself, his browser or his path.
func TestAttack_Log(t *testing.T) {
	w, _ := besieged(t)
	w.log.Reset()
	n := 0
	for _, s := range []string{"a\nlevel=ERROR msg=forged", "\x1b[2J\x1b[31m", `","level":"ERROR","x":"`, "a\r\nb", "\u2028", strings.Repeat("A", 1<<20), "\xff\xfe", "\u202e"} {
		r := httptest.NewRequest("GET", "/api/form/x", nil)
		r.URL.Path = "/api/form/" + s
		r.Header["User-Agent"] = []string{s}
		r.Header.Set("Authorization", "Bearer "+w.tokens["own/clerk"])
		w.h.ServeHTTP(httptest.NewRecorder(), r)
		b, _ := json.Marshal(map[string]string{"account": s, "password": s})
		w.ask("", "POST", "/api/session", string(b))
		n += 2
	}
	lines := strings.Split(strings.TrimSuffix(w.log.String(), "\n"), "\n")
	if len(lines) < n-2 || len(lines) > n {
		t.Errorf("%d lines for %d refusals", len(lines), n)
	}
	for _, l := range lines {
		var v map[string]any
		if err := json.Unmarshal([]byte(l), &v); err != nil || v["level"] != "INFO" || v["msg"] != "refused" || len(l) > 3000 || strings.ContainsAny(l, "\x1b\r") {
			t.Errorf("%v: %.300q", err, l)
		}
	}
}
