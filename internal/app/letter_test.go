package app_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"mime/quotedprintable"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// asking is a form whose customer answers by the link of a letter.
const asking = `form:
  asking:
    label: 问卷 | Questionnaire
    title: this.customer.name
    field:
      customer: {type: customer, label: 客户 | Customer, required: "true"}
      words: {type: note, label: 意见 | Words}
    state: {sent: 待答 | Sent, back: {label: 已答 | Back, final: true}}
    action:
      create: {by: admin, fill: [customer], do: [{notify: admin, send: this.customer.contacts, subject: 请您回答 | Please answer, text: "{this.customer.name}，请回答。 | Please answer.", link: answer}]}
      answer: {label: 回答 | Answer, from: sent, to: back, by: link, link: {for: 3d, give: admin}, fill: [words]}
`

// mailbox is a mail server that keeps what it is sent. The first message it takes and does not say so.
func mailbox(t *testing.T) (address string, got chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	got = make(chan string, 8)
	serve := func(c net.Conn, last bool) {
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
				if !last {
					return
				}
				say("250 kept")
			case "QUIT":
				say("221 bye")
				return
			default:
				say("250 ok")
			}
		}
	}
	go func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serve(c, n > 0)
		}
	}()
	return l.Addr().String(), got
}

// Ensure that a letter carries a link that opens its record once, the same when it is sent again under the same id, and that neither the link nor
// the address stands in the database, in the log or in what the API says.
func TestLetterLink(t *testing.T) {
	server, got := mailbox(t)
	of := newVictim(t, t.TempDir())
	of.common = []string{"--rulebooks", booksWith(t, map[string]string{"asking": asking})}
	of.args = []string{"--smtp", server, "--mail-from", "house@example.cn", "--url", "https://crm.example.cn"}
	v := newHanded(t, of)
	var made struct{ ID string }
	file := func(form string, body map[string]any) string {
		if err := json.Unmarshal(v.post("/api/form/"+form+"/record", body, 201), &made); err != nil {
			t.Fatal(err)
		}
		return made.ID
	}
	k := file("base.customer", map[string]any{"values": map[string]any{"name": "泰和"}, "lines": map[string]any{"contacts": []any{map[string]any{"name": "王五", "email": "wang-wu@taihe.example"}}}})
	id := file("base.asking", map[string]any{"values": map[string]any{"customer": k}})
	link := regexp.MustCompile(`https://crm\.example\.cn/answer#(zgl_[\w-]{43})\b`)
	head := regexp.MustCompile(`(?i)Message-ID: (\S+)`)
	read := func() (token, message string) {
		m := <-got
		_, body, _ := strings.Cut(m, "\r\n\r\n")
		plain, _ := io.ReadAll(quotedprintable.NewReader(strings.NewReader(body)))
		a, b := link.FindSubmatch(plain), head.FindStringSubmatch(m)
		if a == nil || b == nil {
			t.Fatalf("the mail is\n%s\n%s", m, plain)
		}
		return string(a[1]), b[1]
	}
	token, message := read()
	v.until("the first try is written down", func() bool {
		return strings.Contains(string(v.get("/api/delivery")), `"letter"`)
	})
	v.turn("1m")
	if again, same := read(); again != token || same != message {
		t.Errorf("sent again as %s, %s and not %s, %s", again, same, token, message)
	}
	page := ""
	v.until("it is sent", func() bool {
		page = string(v.get("/api/form/base.asking/record/" + id))
		return strings.Contains(page, `"state":"sent","state_label":{"zh":"已发送"`)
	})
	ask := func(method, body string) int {
		r, _ := http.NewRequest(method, v.url+"/api/answer", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+token)
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		res, err := v.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		_, _ = io.Copy(io.Discard, res.Body)
		return res.StatusCode
	}
	if n := ask("GET", ""); n != 200 {
		t.Errorf("the link shows %d", n)
	}
	if n := ask("POST", `{"values":{"words":"很好"}}`); n != 204 {
		t.Errorf("the answer: %d", n)
	}
	if n := ask("POST", `{"values":{"words":"再来"}}`); n == 204 {
		t.Error("answered twice")
	}
	for what, text := range map[string]string{"the page": page, "the letters": string(v.get("/api/form/base.letter/record")), "the history": string(v.get("/api/form/base.asking/record/" + id + "/history")), "the log": v.log.String()} {
		if strings.Contains(text, token) || what == "the log" && strings.Contains(text, "taihe.example") {
			t.Errorf("%s tells: %s", what, text)
		}
	}
	v.kill()
	files, _ := filepath.Glob(v.file("*"))
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err == nil && (bytes.Contains(b, []byte(token)) || bytes.Contains(b, []byte("wang-wu@taihe"))) {
			t.Errorf("%s holds it in plain", name)
		}
	}
}
