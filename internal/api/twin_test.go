package api_test

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"zhanggui/internal/testkit"
)

// twinBook adds to the shop a form that is secret as a whole, and one of which single records are, with a series of their own. Whatever
// falls due of them does so at once, so that nothing but they can be the reason of a difference.
const twinBook = `
class:
  tipped: {label: 举报 | Tip, see: "!this.sealed || boss.has(me)", clause: x-8}
form:
  hushed:
    label: 密件 | Sealed matter
    title: this.subject
    class: hush
    number: {pattern: "HUSH{n:3}", upon: create}
    field:
      subject: {label: 事由 | Subject, type: text, required: "true"}
      begins: {label: 起算 | Begins, type: datetime}
      customer: {label: 客户 | Customer, type: customer, back: hushed}
      about: {label: 关于 | About, type: person, back: hushed}
      matter: {label: 事项 | Matter, type: matter, back: hushed}
      amount: {label: 金额 | Amount, type: money}
      paper: {label: 附件 | Paper, type: file}
    line:
      parts: {label: 明细 | Parts, field: {name: {label: 品名 | Name, type: text}}}
    state: {open: 办理中 | Open, closed: {label: 办结 | Closed, final: true}}
    action:
      look: {label: 看过 | Look, by: boss, reason: 2}
      decide: {label: 核决 | Decide, from: open, to: closed, by: approval(sealed)}
    deadline:
      answer: {label: 密件答复 | Sealed answer, from: this.begins, to: decide, within: 1d, holder: boss, warn: [1h], late: [{notify: boss, text: "{this.number} 逾期"}], clause: x-3}
    copy:
      - {mark: 密存, label: 密存 | Sealed copy, to: boss, upon: create}
  tip:
    label: 举报 | Tip
    title: this.subject
    class: tipped
    number: {pattern: "T{n:3}", upon: create, per: this.sealed}
    field:
      subject: {label: 事由 | Subject, type: text, required: "true"}
      sealed: {label: 保密 | Sealed, type: bool}
      about: {label: 关于 | About, type: person, back: tips}
      begins: {label: 起算 | Begins, type: datetime}
    deadline:
      reply: {label: 回复 | Reply, from: this.begins, to: void, within: 1d, holder: boss, late: [{notify: boss, text: 逾期 | Late}], clause: x-3}
approval:
  sealed: {label: 密核 | Sealed decision, rows: [{sign: boss}], clause: x-4}
`

// seen is what one asked and got, and how much the database was asked for it: what takes as many questions takes as long.
type seen struct {
	said  string
	asked int64
}

// Ensure that a company looks the same, to everybody but whom it is for, with a secret case and without it: every answer byte for
// byte, every list, count, search and export, what a form would refuse, the number that the next record gets, the work an answer
// takes, and what pages hear while it happens (S54, A44).
func TestTwin(t *testing.T) {
	files := maps.Clone(shopBook)
	files["x/twin.yaml"] = twinBook
	w := openWide(t, "sqlite:"+t.TempDir()+"/shop.db", testkit.Load(t, files))
	e := w.furnish()
	if err := w.jobs.End(context.Background()); err != nil { // it asks the database now and then
		t.Fatal(err)
	}
	wang, zong := w.signIn("wang"), w.signIn("zong")
	wang.do("POST", "/api/form/x.tip/record", map[string]any{"values": map[string]any{"subject": "公开的", "about": w.ID("ma")}}).want(201)
	next := func() int {
		t.Helper()
		number := ""
		id := wang.file(map[string]any{"subject": "下一件", "amount": "1"})
		wang.do("POST", at+"/"+id+"/register", map[string]any{}).want(200)
		number = wang.do("GET", at+"/"+id, nil).want(200).text("number")
		n, err := strconv.Atoi(number)
		if err != nil {
			t.Fatal(err)
		}
		tip := wang.do("POST", "/api/form/x.tip/record", map[string]any{"values": map[string]any{"subject": "又一件"}}).want(201).text("number")
		of, err := strconv.Atoi(strings.TrimPrefix(tip, "T"))
		if err != nil {
			t.Fatal(err)
		}
		return n*1000 + of
	}
	before := next()

	maps.DeleteFunc(e.records, func(form, _ string) bool {
		return !slices.Contains([]string{"x.matter", "x.errand", "base.clock", "base.breach", "base.attempt", "base.customer"}, form)
	})
	readers := []string{"own/", "own/chief", "own/admin", "own/auditor", "sibling/boss"}
	capture := func(readers []string) map[string]seen {
		all := map[string]seen{}
		ask := func(who, method, path, body string) {
			at := w.DB.Stats().Statements
			a := w.ask(who, method, path, body)
			all[who+" "+method+" "+path] = seen{fmt.Sprint(a.status, " ", unpacked(t, a)), w.DB.Stats().Statements - at}
		}
		for _, who := range readers {
			for _, o := range w.operations() {
				if o.method != "GET" || o.path == "/api/event" || o.path == "/api/openapi.json" {
					continue
				}
				if (who == "own/auditor" || who == "own/admin") && (strings.HasPrefix(o.path, "/api/journal") || strings.HasPrefix(o.path, "/api/log")) {
					continue // by their office: that something happened, not what
				}
				paths, _ := e.targets(o)
				if strings.Contains(o.path, "{key}") {
					for _, key := range []string{"x.hushed", "x.tip", "base.copy", "base.notice"} {
						paths = append(paths, strings.NewReplacer("{key}", key, "{id}", "zzzzzzzzzzzzzzzz", "{pid}", "limit", "{action}", "look").Replace(o.path))
					}
				}
				for _, path := range paths {
					ask(who, "GET", path, "")
					if !strings.Contains(o.path, "{id}") && !strings.HasSuffix(o.path, ".xlsx") {
						for _, q := range []string{"?count=1&views=1&q=" + canary, "?form=x.hushed&by=state&person=" + w.ID("ma"), "?form=x.tip&by=state"} {
							ask(who, "GET", path+q, "")
						}
					}
				}
			}
			for _, id := range []string{w.ID("ma"), w.ID("wang")} {
				ask(who, "GET", "/api/form/base.person/record/"+id, "")
			}
			ask(who, "GET", "/api/form/base.customer/record/"+w.cust, "")
			for _, unit := range []string{w.own, w.Column("base_unit", w.own, "parent")} { // the display in the hall
				wall, err := w.E.Wall(t.Context(), w.Now, unit)
				if err != nil {
					t.Fatal(err)
				}
				all["wall of "+unit] = seen{said: fmt.Sprintf("%+v", *wall)}
			}
			for _, form := range []string{"x.matter", "x.hushed", "x.tip"} { // what a form would say
				ask(who, "POST", "/api/form/"+form+"/record?dry=1", `{"values":{"subject":"试一试","amount":"1"}}`)
			}
		}
		return all
	}
	one, two := capture(readers), capture(readers)
	bosses := capture([]string{"own/boss"})

	// The secret case: opened, read, refused, warned of, late, decided; and another, secret though its form is not.
	begins := w.Now.Add(-48 * time.Hour).UTC().Format("2006-01-02T15:04:05.000Z")
	body, kind := multi(t, "file", canary+".txt", canary)
	up := newRequest(t, "POST", w.srv.URL+"/api/file", body)
	up.Header.Set("Content-Type", kind)
	up.Header.Set("X-CSRF-Token", zong.csrf)
	paper := zong.send(up).want(201).text("id")
	secret := zong.do("POST", "/api/form/x.hushed/record", map[string]any{"values": map[string]any{"subject": canary, "begins": begins, "customer": w.cust, "about": w.ID("ma"), "matter": e.records["x.matter"],
		"amount": "731.37", "paper": paper}, "lines": map[string]any{"parts": []any{map[string]any{"name": canary}}}}).want(201).text("id")
	zong.do("POST", "/api/form/x.tip/record", map[string]any{"values": map[string]any{"subject": canary, "sealed": true, "about": w.ID("ma"), "begins": begins}}).want(201)
	zong.do("GET", "/api/form/x.hushed/record/"+secret, nil).want(200)
	zong.do("POST", "/api/form/x.hushed/record/"+secret+"/look", map[string]any{}).want(422)
	if n, err := w.Turn(context.Background(), w.Now); err != nil || n < 3 {
		t.Fatalf("%d limits ended: %v", n, err)
	}
	zong.do("POST", "/api/form/x.hushed/record/"+secret+"/decide", map[string]any{}).want(200)

	told := capture([]string{"own/boss"})
	differs := 0
	for key, x := range told {
		if x.said != bosses[key].said && strings.Contains(x.said, canary) {
			differs++
		}
	}
	if differs < 5 {
		t.Errorf("only %d answers differ for whom it is for: this proves little", differs)
	}
	three := capture(readers)
	steady, without, with := 0, int64(0), int64(0)
	for _, key := range slices.Sorted(maps.Keys(one)) {
		a, b, c := one[key], two[key], three[key]
		if a.said != b.said { // it is never twice the same, secret or not
			i := 0
			for i < len(a.said) && i < len(b.said) && a.said[i] == b.said[i] {
				i++
			}
			t.Logf("not steady: %s %d %d\n  %.100s\n  %.100s", key, a.asked, b.asked, a.said[i:], b.said[i:])
			continue
		}
		steady++
		if a.said != c.said {
			t.Errorf("%s tells that there is a secret case\n  without %.600s\n  with    %.600s", key, a.said, c.said)
		}
		without, with = without+a.asked, with+c.asked
	}
	t.Logf("%d answers, %d of them always the same", len(one), steady)
	if steady < 500 || steady < len(one)*9/10 {
		t.Error("so few proves little")
	}
	// One answer may take a question more or fewer by itself, in the order in which roles are looked at; all together do not.
	if diff := with - without; diff > without/50 || -diff > without/50 {
		t.Errorf("the answers take %d questions to the database without, and %d with it", without, with)
	}
	if after := next(); after != before+1001 {
		t.Errorf("the numbers went from %d to %d", before, after)
	}
	// What pages hear while another one happens.
	res, err := wang.http.Do(newRequest(t, "GET", w.srv.URL+"/api/event", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	stream := bufio.NewScanner(res.Body)
	hears := func() (event, data string) {
		for stream.Scan() {
			if x, ok := strings.CutPrefix(stream.Text(), "event: "); ok {
				event = x
			}
			if x, ok := strings.CutPrefix(stream.Text(), "data: "); ok {
				return event, x
			}
		}
		t.Fatal("the stream ended", stream.Err())
		return "", ""
	}
	if event, _ := hears(); event != "clock" {
		t.Fatal("the stream begins with", event)
	}

	second := zong.do("POST", "/api/form/x.hushed/record", map[string]any{"values": map[string]any{"subject": canary, "customer": w.cust}}).want(201).text("id")
	next()
	for event, data := hears(); !strings.Contains(data, "x.matter"); event, data = hears() {
		if event != "clock" && event != "task" {
			t.Errorf("a page hears %s %s", event, data)
		}
		for _, of := range []string{second, "x.hushed", "x.tip"} {
			if strings.Contains(data, of) {
				t.Errorf("a page hears of it: %s %s", event, data)
			}
		}
	}
}
