package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"zhanggui/internal/engine"
	"zhanggui/internal/journal"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// card is a book of people: cards that tell who somebody is, and visits that are about the one on a card.
var card = map[string]string{"c/rulebook.yaml": `
rulebook: {id: c, title: 名片 | Cards, version: "1.0"}
role: {clerk: {label: 办事员 | Clerk}, officer: {label: 信息负责人 | Officer}}
class:
  shown: {label: 姓名 | Name, personal: true}
  secret: {label: 联系 | Contact, personal: true, see: officer.has(me), mask: phone, reveal: {by: [clerk, officer], purpose: true, per_day: 2, for: 60s}}
form:
  card:
    label: 名片 | Card
    number: {pattern: "C{n:4}"}
    retention: cards
    field:
      who: {type: text, label: 姓名 | Name, class: shown}
      phone: {type: phone, label: 手机 | Phone, class: secret, unique: true}
      idno: {type: idno, label: 证件 | ID number, class: secret}
      born: {type: date, label: 生日 | Born, class: shown}
      kept_by_law: {type: bool, label: 依法留存 | Kept by law}
      adult: {type: bool, label: 成年 | Adult, value: "has(this.born) && this.born < date('2010-01-01')"}
      note: {type: text, label: 备注 | Note}
    line:
      kin:
        label: 亲属 | Kin
        field:
          name: {type: text, label: 姓名 | Name, class: shown}
          phone: {type: phone, label: 电话 | Phone, class: secret}
    state: {open: 有效 | Open, shut: {label: 已清 | Cleared, final: true}}
    action:
      create: {}
      edit: {}
      forget: {label: 擦除 | Forget, from: open, to: shut, by: officer, do: [{erase: this}]}
      forget_kin: {label: 擦除亲属 | Forget kin, from: open, by: officer, again: true, do: [{erase: "this.kin.filter(k, k.name == '李四光')"}]}
  visit:
    label: 来访 | Visit
    subject: of
    field:
      of: {type: card, label: 谁 | Who, back: visits}
      called: {type: phone, label: 来电 | Called, class: secret}
      twin: {type: bool, label: 同号 | Same number, value: "visit.exists(v, v.of == this.of && v.id != this.id && v.called == this.called)"}
    state: {open: 在 | Open}
    action: {create: {fill: [of]}}
retention:
  cards: {keep: 1y, hold: [{that: "has(this.kept_by_law) && this.kept_by_law", say: 有未了的案子 | A case is open}]}
`}

// what the test hides, and every shape it could lie about in. None is short enough to stand in a row of random letters by chance: sealed values are.
const (
	canaryName, canaryPhone, canaryKin, canaryID = "欧阳锋寒雪松柏", "13771239905", "李四光", "110101199003078750"
)

var canaries = []string{canaryName, "ouyangfenghan", "oyfhxsb", canaryPhone, "1239905", canaryKin, "lisiguang", "15066778812", canaryID, "19900307", "1990-03-07"}

func cards(t *testing.T, dsn string) *testkit.Shop {
	t.Helper()
	s := testkit.Open(t, testkit.Load(t, card), dsn, "2026-03-02 09:00")
	s.Company("office", "c")
	s.Person("kang", "clerk")
	s.Person("guan", "officer")
	return s
}

// wang is a card of the canary with one relative.
func wang(s *testkit.Shop) string {
	s.T.Helper()
	out, err := s.E.Do(context.Background(), s.Now, engine.Act{Form: "c.card", Action: "create", Actor: engine.Actor{Person: s.ID("kang"), Origin: "api"},
		Key: "once", Values: map[string]any{"who": canaryName, "phone": canaryPhone, "idno": canaryID, "born": "1990-03-07", "note": "老主顾"},
		Lines: map[string][]map[string]any{"kin": {{"name": canaryKin, "phone": "15066778812"}, {"name": "赵六"}}}})
	if err != nil {
		s.T.Fatal(err)
	}
	return out.Record
}

// dump is every byte the database holds: its files on SQLite, all columns of all tables on PostgreSQL.
func dump(t *testing.T, s *testkit.Shop, dsn string) []byte {
	t.Helper()
	var all bytes.Buffer
	if file, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		list, err := filepath.Glob(file + "*")
		if err != nil || len(list) < 2 { // the file and its log
			t.Fatalf("files %v, %v", list, err)
		}
		for _, f := range list {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(b)
		}
		return all.Bytes()
	}
	err := s.DB.Read(context.Background(), func(tx *store.Tx) error {
		for _, table := range append(store.SystemTables(), engine.Tables(s.E.Lib)...) {
			rows, err := tx.Select(query.Select{Table: table.Name, Alias: "t"})
			if err != nil {
				return err
			}
			b, err := json.Marshal(rows)
			if err != nil {
				return err
			}
			all.Write(b)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.Bytes()
}

// leaks are the canaries found in bytes, as UTF-8, UTF-16 of both orders, or escaped.
func leaks(b []byte) []string {
	var found []string
	for _, c := range canaries {
		var le, be []byte
		for _, u := range utf16.Encode([]rune(c)) {
			le, be = append(le, byte(u), byte(u>>8)), append(be, byte(u>>8), byte(u))
		}
		j, _ := json.Marshal(c)
		for _, shape := range [][]byte{[]byte(c), le, be, bytes.Trim(j, `"`)} {
			if bytes.Contains(b, shape) {
				found = append(found, c)
				break
			}
		}
	}
	return found
}

// Ensure that no plain value of a personal field is in any byte of the database or its log, while those who may still read
// it and find it by characters, pinyin, initials and the end of a number.
func TestPersonalFields(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := cards(t, dsn)
		id := wang(s)
		s.Do("kang", "c.visit", "", "create", map[string]any{"called": canaryPhone, "of": id})
		s.Do("kang", "c.card", id, "edit", map[string]any{"note": "回头客"})
		if _, err := s.E.Reveal(context.Background(), s.Now, engine.Actor{Person: s.ID("kang"), Origin: "api"}, "c.card", id, "phone", "回电", ""); err != nil {
			t.Fatal(err)
		}
		_, _ = s.Try("kang", "c.card", "", "create", map[string]any{"who": canaryName, "phone": canaryPhone}) // refused, and logged
		if found := leaks(dump(t, s, dsn)); len(found) > 0 {
			t.Errorf("in the bytes of the database: %v", found)
		}

		show := func(who, field string) any {
			t.Helper()
			v, err := s.E.Record(context.Background(), s.Now, engine.Actor{Person: s.ID(who), Origin: "api"}, "c.card", id)
			if err != nil {
				t.Fatal(err)
			}
			return v.Values[field]
		}
		if got := show("guan", "phone"); got != canaryPhone {
			t.Errorf("the officer reads %v", got)
		}
		if got := show("kang", "phone"); got != (engine.Masked{Masked: "137****9905"}) {
			t.Errorf("the clerk reads %v", got)
		}
		if got := show("kang", "who"); got != canaryName {
			t.Errorf("the name reads %v", got)
		}
		if got := show("kang", "adult"); got != true {
			t.Errorf("what is worked out from the birthday reads %v", got)
		}

		finds := func(who, q string) bool {
			t.Helper()
			page, err := s.E.List(context.Background(), s.Now, engine.Actor{Person: s.ID(who), Origin: "api"}, engine.ListQuery{Form: "c.card", Q: q})
			if err != nil {
				t.Fatal(err)
			}
			return len(page.Rows) > 0
		}
		for q, want := range map[string]bool{"欧阳": true, "锋寒": true, "欧阳锋寒": true, "欧锋": false, "ouyang": true, "fenghan": true, "oyfh": true, "OY": true,
			"李四": true, "lisi": true, "9905": true, "8812": true, "老主顾": false, "回头客": true, "zhangsan": false, "欧阳 回头客": true, "欧阳 别人": false} {
			for _, who := range []string{"kang", "guan"} {
				if finds(who, q) != want {
					t.Errorf("%s looks for %s: %v", who, q, !want)
				}
			}
		}
		if !finds("guan", canaryPhone) || !finds("guan", "1239905") || finds("kang", canaryPhone) || finds("kang", "1239905") {
			t.Error("more of a number than the mask shows is for those who may ask about it")
		}
	})
}

// Ensure that equality still works by mark, in its normal form, and that two cannot have what is unique.
func TestPersonalEquality(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := cards(t, dsn)
		id := wang(s)
		if r := s.Refused("kang", "c.card", "", "create", map[string]any{"phone": "+86 137-7123-9905"}); r.Group != "unique" {
			t.Errorf("the same number in another form was refused by %s", r.Group)
		}
		s.Do("kang", "c.card", "", "create", map[string]any{"phone": "13771239906"})
		s.Do("kang", "c.visit", "", "create", map[string]any{"called": canaryPhone, "of": id})
		second := s.Do("kang", "c.visit", "", "create", map[string]any{"called": canaryPhone, "of": id}).Record
		v, err := s.E.Record(context.Background(), s.Now, engine.Actor{Person: s.ID("guan"), Origin: "api"}, "c.visit", second)
		if err != nil || v.Values["twin"] != true {
			t.Errorf("visits of one number: %v, %v", v.Values["twin"], err)
		}
		list := func(who, filter string) (int, error) {
			page, err := s.E.List(context.Background(), s.Now, engine.Actor{Person: s.ID(who), Origin: "api"}, engine.ListQuery{Form: "c.card", Filter: filter})
			if err != nil {
				return 0, err
			}
			return len(page.Rows), nil
		}
		for filter, want := range map[string]int{"this.phone == '137-7123-9905'": 1, "this.phone != '13771239905'": 1, "this.phone in ['13771239905', '13771239906']": 2,
			"has(this.idno)": 1, "this.born == date('1990-03-07')": 1, "this.who == '" + canaryName + "' && has(this.phone)": 1} {
			if n, err := list("guan", filter); err != nil || n != want {
				t.Errorf("%s finds %d, %v", filter, n, err)
			}
		}
		for _, filter := range []string{"this.phone.startsWith('137')", "this.born < date('2000-01-01')", "this.who.contains('欧')", "this.phone == this.who"} {
			if n, err := list("guan", filter); err == nil {
				t.Errorf("%s was answered: %d", filter, n)
			}
		}
		if _, err := list("kang", "this.phone == '13771239905'"); err == nil {
			t.Error("the clerk was answered by equality what he may not see")
		}
		if _, err := s.E.List(context.Background(), s.Now, engine.Actor{Person: s.ID("guan"), Origin: "api"}, engine.ListQuery{Form: "c.card", Sort: "who"}); err == nil {
			t.Error("sorted by what is kept encrypted")
		}
	})
}

// Ensure that a sealed value that was changed, moved to another record, or whose mark was swapped gives no value, and that
// somebody is told.
func TestPersonalForged(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := cards(t, dsn)
		id := wang(s)
		other := s.Do("kang", "c.card", "", "create", map[string]any{"phone": "13900139000", "who": "别人家"}).Record
		alarms := 0
		e, err := engine.New(s.DB, s.E.Lib, engine.Options{Keep: s.Keep, Alarm: func(string, string) { alarms++ }})
		if err != nil {
			t.Fatal(err)
		}
		read := func() any {
			v, err := e.Record(context.Background(), s.Now, engine.Actor{Person: s.ID("guan"), Origin: "api"}, "c.card", other)
			if err != nil {
				t.Fatal(err)
			}
			return v.Values["phone"]
		}
		table := s.E.Lib.Form("c.card").Table
		was := map[string]any{"phone": s.Column(table, other, "phone"), "phone__eq": s.Column(table, other, "phone__eq")}
		forged := 0
		set := func(row store.Row) {
			t.Helper()
			if err := s.DB.Write(context.Background(), func(tx *store.Tx) error {
				if _, err := tx.Update(table, store.Row{"id": other}, row); err != nil {
					return err
				}
				forged++
				return tx.Append(&journal.Entry{ID: fmt.Sprint("forged", forged)}) // the store writes nothing that no entry tells of
			}); err != nil {
				t.Fatal(err)
			}
		}
		for name, row := range map[string]store.Row{
			"another's value":            {"phone": s.Column(table, id, "phone"), "phone__eq": s.Column(table, id, "phone__eq")},
			"another's mark":             {"phone__eq": s.Column(table, id, "phone__eq")},
			"a plain value":              {"phone": "13700000000"},
			"another field of the same":  {"phone": s.Column(table, other, "who")},
			"a changed character":        {"phone": was["phone"].(string)[:40] + map[bool]string{true: "B", false: "A"}[was["phone"].(string)[40] == 'A'] + was["phone"].(string)[41:]},
			"a value under no known key": {"phone": "~1.aaaaaaaaaaaaaaaa." + strings.Repeat("A", 60)},
		} {
			before := alarms
			set(row)
			if got := read(); got != (engine.Masked{Masked: "***"}) || alarms == before {
				t.Errorf("%s: reads %v, %d alarms", name, got, alarms-before)
			}
			set(was)
			if got := read(); got != "13900139000" {
				t.Fatalf("put back it reads %v", got)
			}
		}
	})
}

// Ensure that after an erasure nothing of the person can be read, found or asked, in history neither, that others are not
// touched, and that what the law holds is refused.
func TestErasure(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := cards(t, dsn)
		id := wang(s)
		visit := s.Do("kang", "c.visit", "", "create", map[string]any{"called": canaryPhone, "of": id}).Record
		s.Do("kang", "c.card", id, "edit", map[string]any{"phone": "13771239907"})
		other := s.Do("kang", "c.card", "", "create", map[string]any{"phone": "13900139000", "who": "别人家", "kept_by_law": true}).Record
		s.Do("guan", "c.card", id, "forget_kin", nil)
		officer := engine.Actor{Person: s.ID("guan"), Origin: "api"}
		record := func(form, id string) *engine.RecordView {
			t.Helper()
			v, err := s.E.Record(context.Background(), s.Now, officer, form, id)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		gone := engine.Masked{Masked: "已擦除", Erased: true}
		kin := record("c.card", id).Lines["kin"]
		if kin[0].Values["name"] != gone || kin[0].Values["phone"] != gone || kin[1].Values["name"] != "赵六" {
			t.Errorf("after one relative was erased: %v", kin)
		}
		if record("c.card", id).Values["who"] != canaryName {
			t.Error("erasing a relative touched the person")
		}

		if r := s.Refused("guan", "c.card", other, "forget", nil); r.Group != "retention" || strings.Contains(r.Error(), "案子") {
			t.Errorf("what the law holds was refused as %v", r)
		}
		sealed := s.Column(s.E.Lib.Form("c.card").Table, id, "phone")
		traces := func(form, id string) (list []string) {
			table := s.E.Lib.Form(form).Table
			for _, f := range s.E.Lib.Form(form).Fields {
				if f.Personal {
					if mark := s.Column(table, id, f.Mark()); len(mark) > 10 {
						list = append(list, mark)
					}
				}
			}
			return append(list, regexp.MustCompile(`\b[A-P]{10}\b`).FindAllString(s.Column(table, id, "search"), -1)...)
		}
		his := slices.Concat(traces("c.card", id), traces("c.visit", visit))
		s.Do("guan", "c.card", id, "forget", nil)
		v := record("c.card", id)
		for _, f := range []string{"who", "phone", "idno", "born"} {
			if v.Values[f] != gone {
				t.Errorf("%s reads %v", f, v.Values[f])
			}
		}
		if got := record("c.visit", visit).Values["called"]; got != gone {
			t.Errorf("what is about him elsewhere reads %v", got)
		}
		if record("c.card", other).Values["phone"] != "13900139000" {
			t.Error("somebody else was erased")
		}
		if s.Column(s.E.Lib.Form("c.card").Table, id, "phone") != sealed {
			t.Error("the record was rewritten")
		}
		for _, q := range []string{"欧阳", "oyfh", "9907", "13771239907"} {
			if page, err := s.E.List(context.Background(), s.Now, officer, engine.ListQuery{Form: "c.card", Q: q}); err != nil || len(page.Rows) > 0 {
				t.Errorf("still found by %s: %v", q, err)
			}
		}
		if page, err := s.E.List(context.Background(), s.Now, officer, engine.ListQuery{Form: "c.card", Filter: "has(this.phone)"}); err != nil || len(page.Rows) != 1 {
			t.Errorf("has() and the records differ: %d, %v", len(page.Rows), err)
		}
		list, err := s.E.History(context.Background(), s.Now, officer, "c.card", id)
		if err != nil {
			t.Fatal(err)
		}
		told := 0
		for _, h := range list {
			for _, c := range h.Changes {
				if c.Field == "phone" {
					told++
					if c.New != any(gone) {
						t.Errorf("history tells %v", c.New)
					}
				}
			}
		}
		if told != 2 {
			t.Errorf("history tells of %d numbers", told)
		}
		bytesOf := dump(t, s, dsn)
		if found := leaks(bytesOf); len(found) > 0 {
			t.Errorf("in the bytes of the database: %v", found)
		}
		stays := slices.Concat(traces("c.card", id), traces("c.card", other)) // others share pieces of names
		n := 0
		for _, trace := range his {
			if !slices.Contains(stays, trace) {
				if n++; bytes.Contains(bytesOf, []byte(trace)) {
					t.Errorf("a mark or token of his is left in the bytes of the database: %s", trace)
				}
			}
		}
		if n < 10 {
			t.Errorf("%d traces: this shows nothing", n)
		}
		s.Do("kang", "c.card", "", "create", map[string]any{"phone": "13771239907", "who": "欧阳锋寒"}) // he may come back, as anybody
	})
}

func count(t *testing.T, db *store.DB, table, column string) int64 {
	t.Helper()
	var n int64
	if err := db.Read(context.Background(), func(tx *store.Tx) (err error) {
		n, err = tx.Count(table, query.Op{Name: "not", Args: []query.Expr{query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "t", Name: column}}}}})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// Ensure that a database with plain values is sealed at the start, goes on where an interruption left off, and keeps nothing plain in its files.
func TestSealAtStart(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		files := map[string]string{}
		for k, v := range card { // the same book before its classes were personal
			files[k] = strings.ReplaceAll(v, "personal: true, ", "")
		}
		files["c/rulebook.yaml"] = strings.Replace(files["c/rulebook.yaml"], ", personal: true", "", 1)
		files["c/rulebook.yaml"] = strings.Replace(files["c/rulebook.yaml"], "    subject: of\n", "", 1)
		s := testkit.Open(t, testkit.Load(t, files), dsn, "2026-03-02 09:00")
		s.Company("office", "c")
		s.Person("kang", "clerk")
		s.Person("guan", "officer")
		id := wang(s)
		for i := range 450 { // more than two lots
			s.Do("kang", "c.card", "", "create", map[string]any{"who": "客人", "phone": "139001" + string(rune('0'+i/100)) + string(rune('0'+i/10%10)) + string(rune('0'+i%10)) + "00"})
		}
		if len(leaks(dump(t, s, dsn))) == 0 {
			t.Fatal("nothing is plain before; this test shows nothing")
		}
		now := testkit.Load(t, card)
		plan, err := s.DB.Plan(ctx, append(store.SystemTables(), engine.Tables(now)...))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.DB.Apply(ctx, plan); err != nil {
			t.Fatal(err)
		}
		e, err := engine.New(s.DB, now, engine.Options{Keep: s.Keep})
		if err != nil {
			t.Fatal(err)
		}
		stop, cancel := context.WithCancel(ctx)
		if _, err := e.Secure(stop, s.Now, func(string, int) { cancel() }); !errors.Is(err, context.Canceled) {
			t.Fatalf("interrupted: %v", err)
		}
		lots := 0
		done, err := e.Secure(ctx, s.Now, func(string, int) { lots++ })
		if err != nil || done.Sealed == 0 || lots == 0 {
			t.Fatalf("sealed %+v in %d lots, %v", done, lots, err)
		}
		if done, err := e.Secure(ctx, s.Now, func(string, int) { t.Error("once more") }); err != nil || done.Sealed != 0 {
			t.Errorf("sealed %d again, %v", done.Sealed, err)
		}
		v, err := e.Record(ctx, s.Now, engine.Actor{Person: s.ID("guan"), Origin: "api"}, "c.card", id)
		if err != nil || v.Values["phone"] != canaryPhone || v.Values["who"] != canaryName || v.Lines["kin"][0].Values["name"] != canaryKin {
			t.Errorf("reads %v %v, %v", v.Values, v.Lines, err)
		}
		if page, err := e.List(ctx, s.Now, engine.Actor{Person: s.ID("guan"), Origin: "api"}, engine.ListQuery{Form: "c.card", Q: "oyfh", Filter: "this.phone == '" + canaryPhone + "'"}); err != nil || len(page.Rows) != 1 {
			t.Errorf("found %d, %v", len(page.Rows), err)
		}
		table := now.Form("c.card")
		if err := s.DB.Read(ctx, func(tx *store.Tx) error {
			rows, err := tx.Select(query.Select{Table: table.Table, Alias: "t"})
			for _, r := range rows {
				b, _ := json.Marshal(r)
				if found := leaks(b); len(found) > 0 {
					t.Errorf("plain in a row: %v", found)
				}
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// Ensure that a value of a row can be shown too, that looking is counted in whatever record, and that the limit tells
// somebody.
func TestRevealQuota(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := cards(t, dsn)
		ctx := context.Background()
		id := wang(s)
		other := s.Do("kang", "c.card", "", "create", map[string]any{"phone": "13900139000", "who": "别人家"}).Record
		var alarms []string
		e, err := engine.New(s.DB, s.E.Lib, engine.Options{Keep: s.Keep, Alarm: func(what, where string) { alarms = append(alarms, what+" "+where) }})
		if err != nil {
			t.Fatal(err)
		}
		v, err := e.Record(ctx, s.Now, engine.Actor{Person: s.ID("kang"), Origin: "api"}, "c.card", id)
		if err != nil || v.Lines["kin"][0].Values["phone"] != (engine.Masked{Masked: "150****8812"}) {
			t.Fatalf("rows %+v, %v", v.Lines, err)
		}
		row := v.Lines["kin"][0].ID
		show := func(record, field string) (*engine.Revealed, error) {
			return e.Reveal(ctx, s.Now, engine.Actor{Person: s.ID("kang"), Origin: "api"}, "c.card", record, field, "回电", "")
		}
		got, err := show(id, "kin."+row+".phone")
		if err != nil || got.Value != "15066778812" || got.Until != s.Now.Add(time.Minute).UTC().Format("2006-01-02T15:04:05.000Z") {
			t.Errorf("revealed %+v, %v", got, err)
		}
		if _, err := show(id, "kin.nobody.phone"); err == nil {
			t.Error("a row that is not there was revealed")
		}
		if _, err := show(other, "phone"); err != nil || len(alarms) > 0 {
			t.Errorf("the second: %v %v", err, alarms)
		}
		if _, err := show(other, "phone"); refusedBy(err) != "quota" || len(alarms) != 1 {
			t.Errorf("the third: %v %v", err, alarms)
		}
		s.Now = s.Now.AddDate(0, 0, 1)
		if _, err := show(id, "phone"); err != nil {
			t.Errorf("the next day: %v", err)
		}
	})
}

// Ensure that a database does not start with a keystore that is not its own, and tells when some of its keys are missing.
func TestForeignKeystore(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := cards(t, dsn)
		wang(s)
		ctx := context.Background()
		other, err := engine.New(s.DB, s.E.Lib, engine.Options{Keep: testkit.Keys(t, t.TempDir())})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.Secure(ctx, s.Now, nil); err == nil || !strings.Contains(err.Error(), "keystore") {
			t.Errorf("started with another's keys: %v", err)
		}
		if err := s.DB.Write(ctx, func(tx *store.Tx) error {
			return tx.Insert("subject_key", store.Row{"key": "lost", "subject": "somebody", "at": "2026-03-02T01:00:00.000Z"})
		}); err != nil {
			t.Fatal(err)
		}
		alarms := 0
		own, err := engine.New(s.DB, s.E.Lib, engine.Options{Keep: s.Keep, Alarm: func(string, string) { alarms++ }})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := own.Secure(ctx, s.Now, nil); err != nil || alarms != 1 {
			t.Errorf("with one key lost: %v, %d alarms", err, alarms)
		}
	})
}
