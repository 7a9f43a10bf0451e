package api_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"zhanggui/internal/rulebook"
	"zhanggui/internal/testkit"
)

// within runs something that must be refused with little work and memory.
func within(t *testing.T, what string, most time.Duration, bytes uint64, f func()) {
	t.Helper()
	var a, b runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&a)
	begin := testkit.CPU(t)
	f()
	took := testkit.CPU(t) - begin
	runtime.ReadMemStats(&b)
	if got := b.TotalAlloc - a.TotalAlloc; took > most || got > bytes {
		t.Errorf("%s cost %v and %d MiB", what, took.Round(time.Millisecond), got>>20)
	}
}

// zipped makes a workbook of parts.
func zipped(t *testing.T, parts map[string]io.Reader) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, r := range parts {
		w, err := z.Create(name)
		if err == nil {
			_, err = io.Copy(w, r)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// many repeats a text without holding it.
type many struct {
	text string
	left int
	rest string
}

func (m *many) Read(p []byte) (int, error) {
	if m.rest == "" {
		if m.left == 0 {
			return 0, io.EOF
		}
		m.left--
		m.rest = m.text
	}
	n := copy(p, m.rest)
	m.rest = m.rest[n:]
	return n, nil
}

const (
	types    = `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>`
	rels     = `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`
	bookXML  = `<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>`
	bookRels = `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`
	head     = `<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`
	foot     = `</sheetData></worksheet>`
)

func sheetOf(t *testing.T, sheet io.Reader) []byte {
	return zipped(t, map[string]io.Reader{"[Content_Types].xml": strings.NewReader(types), "_rels/.rels": strings.NewReader(rels), "xl/workbook.xml": strings.NewReader(bookXML),
		"xl/_rels/workbook.xml.rels": strings.NewReader(bookRels), "xl/worksheets/sheet1.xml": sheet})
}

// A27: Ensure that a workbook made to burst is refused or read within small means, and that nothing outside of it is read.
func TestAttack_Workbooks(t *testing.T) {
	s := open(t)
	wang := s.signIn("wang")
	before := s.digest()
	cell := `<row r="%d"><c r="A%[1]d" t="inlineStr"><is><t>%s</t></is></c></row>`
	xxe := `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd"><!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>` + strings.TrimPrefix(head, `<?xml version="1.0"?>`) + fmt.Sprintf(cell, 1, "事由") + fmt.Sprintf(cell, 2, "&e;&b;") + foot
	for name, book := range map[string][]byte{
		"a thousandfold":    sheetOf(t, io.MultiReader(strings.NewReader(head), &many{text: strings.Repeat(" ", 1<<20), left: 300}, strings.NewReader(foot))),
		"outside entities":  sheetOf(t, strings.NewReader(xxe)),
		"a far cell":        sheetOf(t, strings.NewReader(head+fmt.Sprintf(cell, 1, "事由")+`<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>`+foot)),
		"a broken archive":  append([]byte("PK\x03\x04"), bytes.Repeat([]byte{0xff}, 1000)...),
		"an empty archive":  zipped(t, nil),
		"upward names":      zipped(t, map[string]io.Reader{"../../../../tmp/zhanggui-evil": strings.NewReader("x"), "xl/workbook.xml": strings.NewReader(bookXML)}),
		"not its own sheet": zipped(t, map[string]io.Reader{"[Content_Types].xml": strings.NewReader(types), "xl/workbook.xml": strings.NewReader(bookXML), "_rels/.rels": strings.NewReader(strings.Replace(rels, "xl/workbook.xml", "file:///etc/passwd", 1))}),
	} {
		r := wang.offer("rows.xlsx", string(book))
		if name == "an empty archive" || name == "a broken archive" || name == "upward names" {
			r.want(400) // not taken in the first place
			continue
		}
		id := r.want(201).text("id")
		within(t, name, 5*time.Second, 64<<20, func() {
			a := wang.do("POST", "/api/form/x.matter/import/read", map[string]any{"file": id})
			if a.status >= 500 || strings.Contains(string(a.body), "root:") {
				t.Errorf("%s: %d %.300s", name, a.status, a.body)
			}
			if name == "a far cell" && (a.status != 400 || !strings.Contains(string(a.body), "栏太多")) {
				t.Errorf("%s: %d %.300s", name, a.status, a.body)
			}
			if a.status == 200 && name != "outside entities" {
				t.Errorf("%s was read: %.300s", name, a.body)
			}
		})
	}
	if strings.Count(s.digest(), "x_matter") != strings.Count(before, "x_matter") {
		t.Error("something was brought in")
	}
}

// A29: Ensure that rulebook text made to burst, or that two readers would understand differently, is an error with its place,
// with little work and memory.
func TestAttack_YAML(t *testing.T) {
	good := shopBook["x/rulebook.yaml"]
	laughs := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for i := 'b'; i < 'k'; i++ {
		laughs += fmt.Sprintf("%c: &%[1]c [*%c, *%[2]c, *%[2]c, *%[2]c, *%[2]c, *%[2]c, *%[2]c, *%[2]c, *%[2]c]\n", i, i-1)
	}
	var keys strings.Builder
	keys.WriteString("form:\n")
	for i := range 50000 {
		fmt.Fprintf(&keys, "  k%d: 1\n", i)
	}
	for name, text := range map[string]string{
		"aliases": laughs, "an anchor": "form: &f {m: 1}\nclass: *f\n", "merge": "x: &x {a: 1}\nform:\n  <<: *x\n", "depth": "form: " + strings.Repeat("[", 20000), "depth, closed": "form: " + strings.Repeat("{a: ", 5000) + "1" + strings.Repeat("}", 5000), "tag": "form: !!python/object:os.system {}\n", "own tag": "form: !exec ls\n",
		"twice": "form: {}\nform: {}\n", "tab": "form:\n\tm: 1\n", "long": "form: '" + strings.Repeat("x", 10<<20) + "'\n", "many": keys.String(), "NUL": "form: \"a\x00b\"\n", "not UTF-8": "form: \xff\xfe\n", "two documents": "form: {}\n---\nform: {}\n", "a list": "- a\n- b\n", "merge of nothing": "<<: 1\n",
	} {
		within(t, name, 3*time.Second, 64<<20, func() {
			fsys := fstest.MapFS{"x/rulebook.yaml": {Data: []byte(good)}, "x/evil.yaml": {Data: []byte(text)}}
			_, issues := rulebook.Load(fsys)
			if !issues.Failed() {
				t.Errorf("%s compiles", name)
			}
			if s := fmt.Sprint(issues); !strings.Contains(s, "evil.yaml") {
				t.Errorf("%s: the place is not said: %.300s", name, s)
			}
		})
	}
}

// A38: Ensure that a request which two servers on the way could cut differently is refused, and that nothing hidden in it is
// served; and that unknown methods do nothing.
func TestAttack_Smuggling(t *testing.T) {
	s := open(t)
	wang := s.signIn("wang")
	id := wang.file(map[string]any{"subject": "原样"})
	cookie := wang.http.Jar.Cookies(newRequest(t, "GET", s.srv.URL, nil).URL)[0]
	before := s.digest()
	address := strings.TrimPrefix(s.srv.URL, "http://")
	top := "Host: " + address + "\r\nCookie: zg_session=" + cookie.Value + "\r\nX-CSRF-Token: " + wang.csrf + "\r\nContent-Type: application/json\r\n"
	hidden := "POST " + at + "/" + id + "/register HTTP/1.1\r\n" + top + "Content-Length: 2\r\n\r\n{}"
	for name, raw := range map[string]string{
		"two lengths":       "POST " + at + " HTTP/1.1\r\n" + top + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
		"a strange coding":  "POST " + at + " HTTP/1.1\r\n" + top + "Transfer-Encoding: xchunked\r\n\r\n" + hidden,
		"coding twice":      "POST " + at + " HTTP/1.1\r\n" + top + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + hidden,
		"CR in a header":    "GET /api/company HTTP/1.1\r\nHost: " + address + "\r\nX-A: a\rb\r\n\r\n",
		"NUL in a header":   "GET /api/company HTTP/1.1\r\nHost: " + address + "\r\nX-A: a\x00b\r\n\r\n",
		"space in a name":   "GET /api/company HTTP/1.1\r\nHost: " + address + "\r\nContent-Length : 5\r\n\r\nhello",
		"two hosts":         "GET /api/company HTTP/1.1\r\nHost: " + address + "\r\nHost: evil.example\r\n\r\n",
		"no host":           "GET /api/company HTTP/1.1\r\n\r\n",
		"negative length":   "POST " + at + " HTTP/1.1\r\n" + top + "Content-Length: -1\r\n\r\n{}",
		"plus length":       "POST " + at + " HTTP/1.1\r\n" + top + "Content-Length: +2\r\n\r\n{}",
		"broken chunk":      "POST " + at + " HTTP/1.1\r\n" + top + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
		"long header":       "GET /api/company HTTP/1.1\r\nHost: " + address + "\r\nX-A: " + strings.Repeat("a", 2<<20) + "\r\n\r\n",
		"TRACE":             "TRACE " + at + " HTTP/1.1\r\n" + top + "\r\n",
		"an unknown method": "BREW " + at + " HTTP/1.1\r\n" + top + "\r\n",
		"CONNECT":           "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n",
		"length and coding": "POST " + at + " HTTP/1.1\r\n" + top + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + "X",
	} {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		go func() { _, _ = io.WriteString(c, raw) }()
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err == nil {
			b, _ := io.ReadAll(r.Body)
			if r.StatusCode < 400 || strings.Contains(string(b), cookie.Value) {
				t.Errorf("%s: %d %.200s", name, r.StatusCode, b)
			}
		}
		c.Close()
	}
	if s.digest() != before {
		t.Error("a hidden request was served")
	}
}

// A24, A26: Ensure that a file is kept under a name of ours whatever it is called, and never drawn by the browser unless it is
// a picture by its content.
func TestAttack_Uploads(t *testing.T) {
	s := open(t)
	wang := s.signIn("wang")
	taken := 0
	gif := "GIF89a/*\x00\x00*/=1;alert(1)"
	for name, content := range map[string]string{
		"../../../etc/passwd": "x", `..\..\windows\win.ini`: "x", "%2e%2e%5cx.txt": "x", "/etc/shadow": "x", `C:\x.txt`: "x", "a\x00.png": "x", "x.png.html": "<script>alert(1)</script>", "x.svg": "<svg onload=alert(1)>",
		"x.pHaR": "<?php", "x.xml": `<?xml version="1.0"?><!DOCTYPE x>`, "x.pdf": "%PDF-1.4 /JavaScript", "trailing.html.": "<html>", "\u202egpj.html": "<html>", "poly.gif": gif, "plain.txt": "x", "CON": "x", "x.html;.png": "<html>", "a\r\nSet-Cookie: b=c": "x", ".htaccess": "x", "": "x",
	} {
		body, kind := multi(t, "file", name, content)
		r := newRequest(t, "POST", s.srv.URL+"/api/file", body)
		r.Header.Set("Content-Type", kind)
		r.Header.Set("X-CSRF-Token", wang.csrf)
		a := wang.send(r)
		if a.status >= 500 {
			t.Errorf("%q: %d %s", name, a.status, a.body)
		}
		if a.status != 201 {
			continue
		}
		if taken++; !strings.HasSuffix(name, ".txt") && name != "poly.gif" && name != "x.pdf" {
			t.Errorf("%q is taken", name)
		}
		if kept := a.text("name"); strings.ContainsAny(kept, "/\\\x00\r\n\u202e") || strings.HasPrefix(kept, ".") {
			t.Errorf("%q is kept as %q", name, kept)
		}
		d := wang.do("GET", "/api/file/"+a.text("id"), nil).want(200)
		h := d.head
		inline := strings.HasPrefix(h.Get("Content-Disposition"), "inline")
		if h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") || inline != (content == gif) || !inline && h.Get("Content-Type") != "application/octet-stream" || inline && h.Get("Content-Type") != "image/gif" || h.Get("Set-Cookie") != "" {
			t.Errorf("%q is served as %v", name, h)
		}
	}
	if taken < 4 {
		t.Errorf("%d are taken", taken)
	}
}
