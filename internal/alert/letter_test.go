package alert_test

import (
	"context"
	"io"
	"mime/quotedprintable"
	"net/netip"
	"strings"
	"testing"
	"time"

	"zhanggui/internal/alert"
	"zhanggui/internal/engine"
	"zhanggui/internal/keep"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// letterBook writes to the first of a customer's contacts who has an address.
var letterBook = map[string]string{
	"x/rulebook.yaml": `
rulebook: {id: x, short: x, title: 通知 | Notes, source: test, version: "1.0", admin: admin}
role: {clerk: {label: 文员 | Clerk}}
form:
  note:
    label: 告知书 | Note
    title: this.customer.name
    number: {pattern: "G{n:4}"}
    field:
      customer: {type: customer, label: 客户 | Customer, required: "true", back: notes}
    state: {open: 待告知 | Open, told: {label: 已告知 | Told, final: true}}
    action:
      create: {by: clerk, fill: [customer]}
      write: {label: 去函 | Write, from: open, by: clerk, again: true, do: [{notify: clerk, send: this.customer.contacts, subject: 停电通知 | Power cut, text: "{this.customer.name}：明日停电。 | {this.customer.name}: no power tomorrow.", english: "this.customer.country == 'DE'", gone: was_told, clause: x-1}]}
      was_told: {label: 已告知 | Told, from: open, to: told, by: clock}
      forget: {label: 擦除联系人 | Forget, by: clerk, do: [{erase: this.customer.contacts}]}
`,
	"x/clauses.yaml": "x-1: {kind: record, zh: 书面告知, en: In writing}\n",
}

// letterHouse asks the engine, as package app does.
type letterHouse struct{ d *desk }

func (h letterHouse) Letter(ctx context.Context, now time.Time, id string) (alert.Letter, bool, error) {
	o, err := h.d.E.LetterOut(ctx, now, id)
	if err != nil || o == nil {
		return alert.Letter{}, false, err
	}
	return alert.Letter{To: o.To, Subject: o.Subject, Text: o.Text}, true, nil
}

func (h letterHouse) LetterDone(ctx context.Context, now time.Time, id, address, why string) error {
	how := engine.LetterDropped
	switch {
	case address != "":
		how = engine.LetterMailed
	case why != "":
		how = engine.LetterFailed
	}
	return h.d.E.LetterDone(ctx, now, id, how, address, why)
}

func openLetters(t *testing.T, dsn, smtp string) *desk {
	d := &desk{Shop: testkit.Open(t, testkit.Load(t, letterBook), dsn, "2026-03-07 03:00"), keys: keep.Memory()}
	ctx := context.Background()
	plan, err := d.DB.Plan(ctx, alert.Tables())
	if err == nil {
		err = d.DB.Apply(ctx, plan)
	}
	if err != nil {
		t.Fatal(err)
	}
	d.Company("小店", "x")
	d.Person("wen", "clerk")
	o := alert.Options{Keep: d.keys, Letters: letterHouse{d}, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, SMTP: smtp}
	if smtp != "" {
		o.From = "house@example.cn"
	}
	if d.a, err = alert.New(d.DB, house{d.E}, o); err != nil {
		t.Fatal(err)
	}
	return d
}

// customer files one with contacts, name and address by turns.
func (d *desk) customer(name string, contacts ...string) string {
	d.T.Helper()
	var rows []map[string]any
	for i := 0; i < len(contacts); i += 2 {
		row := map[string]any{"name": contacts[i]}
		if contacts[i+1] != "" {
			row["email"] = contacts[i+1]
		}
		rows = append(rows, row)
	}
	out, err := d.E.Do(context.Background(), d.Now, engine.Act{Form: "base.customer", Action: "create", Values: map[string]any{"name": name}, Lines: map[string][]map[string]any{"contacts": rows}, Actor: engine.Actor{System: true, Origin: "system"}})
	if err != nil {
		d.T.Fatal(err)
	}
	return out.Record
}

func (d *desk) letters() (rows []store.Row) {
	_ = d.DB.Read(context.Background(), func(tx *store.Tx) (err error) {
		rows, err = tx.Select(query.Select{Table: "base_letter", Alias: "l"})
		return err
	})
	return rows
}

// letter is the one that a record sent.
func (d *desk) letter(of string) store.Row {
	d.T.Helper()
	for _, l := range d.letters() {
		if l["of_id"] == of {
			return l
		}
	}
	d.T.Fatalf("%s sent none: %v", of, d.letters())
	return nil
}

// holds tells whether a word stands anywhere in tables that a letter goes through.
func (d *desk) holds(word string) string {
	found := ""
	for _, table := range []string{"outbox", "base_letter", "journal_entry", "base_notice"} {
		_ = d.DB.Read(context.Background(), func(tx *store.Tx) error {
			rows, err := tx.Select(query.Select{Table: table, Alias: "t"})
			for _, r := range rows {
				for c, v := range r {
					if s, ok := v.(string); ok && strings.Contains(s, word) {
						found = table + "." + c
					}
				}
			}
			return err
		})
	}
	return found
}

// Ensure that a letter is mailed to the first contact with an address, once a record and step and under its own id; that its words and the
// address stand nowhere in plain; that what follows of it follows once it has gone; and that a rolled back act sends nothing.
func TestLetter(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		server, got := smtp(t)
		d := openLetters(t, dsn, server)
		k := d.customer("泰和泵业", "王五", "", "赵六", "zhao@taihe.example")
		n := d.Do("wen", "x.note", "", "create", map[string]any{"customer": k}).Record
		if _, err := d.E.Do(context.Background(), d.Now, engine.Act{Form: "x.note", Record: n, Action: "write", Dry: true, Actor: engine.Actor{Person: d.ID("wen"), Origin: "api"}}); err != nil || len(d.letters()) != 0 {
			t.Fatalf("a dry run left %d letters, %v", len(d.letters()), err)
		}
		d.Do("wen", "x.note", n, "write", nil)
		d.Do("wen", "x.note", n, "write", nil) // the same step: no second letter
		list := d.letters()
		if len(list) != 1 || list[0]["state"] != "queued" || d.Count("outbox", "kind", "letter") != 1 {
			t.Fatalf("letters %v", list)
		}
		if d.round() != 1 {
			t.Fatalf("not sent: %+v %v", d.undelivered(), d.letters())
		}
		m := <-got
		body, _, _ := strings.Cut(m, "\r\n.\r\n")
		_, body, _ = strings.Cut(body, "\r\n\r\n")
		plain, _ := io.ReadAll(quotedprintable.NewReader(strings.NewReader(body)))
		for _, want := range []string{"To: <zhao@taihe.example>", "Message-ID: <" + list[0]["id"].(string) + "@zhanggui>"} {
			if !strings.Contains(m, want) {
				t.Errorf("the mail lacks %q:\n%s", want, m)
			}
		}
		for _, want := range []string{"泰和泵业：明日停电。", "小店"} {
			if !strings.Contains(string(plain), want) {
				t.Errorf("the mail lacks %q:\n%s", want, plain)
			}
		}
		for _, word := range []string{"zhao@taihe", "明日停电", "赵六"} {
			if at := d.holds(word); at != "" {
				t.Errorf("%s stands in %s", word, at)
			}
		}
		if l := d.letters()[0]; l["state"] != "sent" || l["sent_at"] == nil || d.Count("outbox", "kind", "letter") != 0 {
			t.Errorf("the letter is %v", l)
		}
		if s := d.Column("fx_note", n, "state"); s != "told" {
			t.Errorf("the note is %s", s)
		}
		v, err := d.E.Record(context.Background(), d.Now, engine.Actor{Person: d.ID("wen"), Origin: "api"}, "x.note", n)
		if err != nil || len(v.Letters) != 1 || v.Letters[0].State != "sent" || v.Letters[0].Org != "泰和泵业" || v.Letters[0].Name != "赵六" {
			t.Errorf("the page shows %+v, %v", v.Letters, err)
		}
	})
}

// Ensure that where there is no address, no mail server, or none that takes it for hours, the letter lies on the desk to be posted; that a dead one
// may be sent again; and that posting it is what tells.
func TestLetter_Post(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		d := openLetters(t, dsn, "127.0.0.1:1")
		send := func(contacts ...string) string {
			n := d.Do("wen", "x.note", "", "create", map[string]any{"customer": d.customer("安和", contacts...)}).Record
			d.Do("wen", "x.note", n, "write", nil)
			return n
		}
		n := send("王五", "")
		l := d.letter(n)
		if l["state"] != "to_post" || d.Count("outbox", "kind", "letter") != 0 {
			t.Fatalf("without an address: %v", l)
		}
		d.Refused("wen", "base.letter", l["id"].(string), "drop_it", nil)
		d.Do("wen", "base.letter", l["id"].(string), "post_it", nil)
		if s := d.Column("fx_note", n, "state"); s != "told" {
			t.Errorf("posted, and the note is %s", s)
		}
		none := send()
		if l := d.letter(none); l["state"] != "to_post" || l["to_org"] != "安和" || l["to_name"] != nil {
			t.Errorf("to nobody by name: %v", l)
		}
		d.Turn("2026-03-07 03:01")
		n = send("赵六", "zhao@anhe.example")
		for range 8 {
			if d.round() != 0 {
				t.Fatal("sent to nobody's server")
			}
			d.Now = d.Now.Add(5 * time.Hour)
		}
		l = d.letter(n)
		if u := d.undelivered(); l["state"] != "to_post" || l["why"] != "unreachable" || len(u) != 1 || !u[0].Dead || u[0].Kind != "letter" {
			t.Fatalf("after hours: %v, %+v", l, d.undelivered())
		}
		if d.Count("base_notice", "person", d.ID("wen")) != 1 {
			t.Error("the desk was not told")
		}
		d.Do("wen", "base.letter", l["id"].(string), "post_it", nil)
		if err := d.a.Again(context.Background(), d.Now, l["id"].(string)); err != nil {
			t.Fatal(err)
		}
		if d.round() != 0 || d.Count("outbox", "kind", "letter") != 0 || d.Column("base_letter", l["id"].(string), "state") != "posted" {
			t.Error("a posted letter is mailed too")
		}

		quiet := openLetters(t, "sqlite::memory:", "") // no mail server at all
		q := quiet.Do("wen", "x.note", "", "create", map[string]any{"customer": quiet.customer("安和", "赵六", "zhao@anhe.example")}).Record
		quiet.Do("wen", "x.note", q, "write", nil)
		if quiet.round(); quiet.letters()[0]["state"] != "to_post" || quiet.letters()[0]["why"] != "no_mail" || quiet.Count("outbox", "kind", "letter") != 0 {
			t.Errorf("without a mail server: %v", quiet.letters())
		}
	})
}

// Ensure that nobody who was erased is written to, also when the letter waits already, that its words go with him, and that a letter of a record
// that is void stays at home.
func TestLetter_Erased(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		server, _ := smtp(t)
		d := openLetters(t, dsn, server)
		k := d.customer("泰和", "赵六", "zhao@taihe.example")
		file := func() string { return d.Do("wen", "x.note", "", "create", map[string]any{"customer": k}).Record }
		one, void, late := file(), file(), file()
		d.Do("wen", "x.note", one, "write", nil)
		d.Do("wen", "x.note", void, "write", nil)
		if _, err := d.E.Do(context.Background(), d.Now, engine.Act{Form: "x.note", Record: void, Action: "void", Reason: "错了错了", Actor: engine.Actor{Person: d.ID("wen"), Origin: "api"}}); err != nil {
			t.Fatal(err)
		}
		d.Do("wen", "x.note", late, "forget", nil)
		d.Do("wen", "x.note", late, "write", nil)
		if d.round() != 0 || d.Count("outbox", "kind", "letter") != 0 {
			t.Fatalf("%v", d.letters())
		}
		for _, l := range d.letters() {
			if l["state"] != "dropped" {
				t.Errorf("%v", l)
			}
		}
		if len(d.letters()) != 2 {
			t.Errorf("%d letters", len(d.letters()))
		}
		v, err := d.E.Record(context.Background(), d.Now, engine.Actor{Person: d.ID("wen"), Origin: "api"}, "base.letter", d.letters()[0]["id"].(string))
		if m, ok := v.Values["text"].(engine.Masked); err != nil || !ok || !m.Erased {
			t.Errorf("the words read %v, %v", v.Values["text"], err)
		}
	})
}
