package app_test

import (
	"compress/gzip"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"zhanggui/internal/store/pgtest"
)

// keepSchema is given by `make kept`, before a release: it makes a database of today's schema and keeps it beside the older ones.
var keepSchema = flag.String("keep-schema", "", "name under which a database of today's schema is kept, such as 2026-12")

const keptDir = "testdata/kept"

// keptForm is of the kept databases and never changed; what a later version of it could bring is keptLater.
const keptForm = `form:
  buy:
    label: 订货 | Order
    title: this.name
    number: {pattern: "D{n:4}"}
    field:
      name: {type: text, label: 名称 | Name, required: "true"}
      amount: {type: money, label: 金额 | Amount, required: "true"}
      phone: {type: phone, label: 电话 | Phone, class: personal}
      remark: {type: text, label: 备注 | Remark}
      paper: {type: file, label: 单据 | Paper}
      begins: {type: datetime, label: 起算 | Begins, default: now}
    line:
      parts: {label: 明细 | Parts, field: {what: {type: text, label: 料 | Part}, qty: {type: quantity, label: 数量 | Quantity, scale: 3}}}
    state: {open: 待办 | Open, done: {label: 已办 | Done, final: true}}
    action:
      create: {by: admin, fill: [name, amount], do: [{post: till.paid, amount: this.amount}, {notify: admin, text: 来了}]}
      edit: {by: admin}
      finish: {label: 办结 | Finish, from: open, to: done, by: admin, do: [{post: till.fee, amount: this.amount}]}
    deadline:
      soon: {label: 办结 | Finish, from: this.begins, to: finish, within: 1h, late: [{notify: admin, text: 逾期 | Late}]}
`

// keptLater makes of a form what its next version may: a new field, a new column of its lines, a field that becomes personal.
var keptLater = strings.NewReplacer("label: 备注 | Remark", "label: 备注 | Remark, class: named",
	"      begins:", "      grade: {type: text, label: 等级 | Grade, unique: true}\n      begins:",
	"{label: 料 | Part}", "{label: 料 | Part}, colour: {type: text, label: 颜色 | Colour}")

// keptFacts are what was in a kept database when it was made, as the program answered then.
type keptFacts struct {
	Records map[string]any `json:"records"` // path → values
	Order   string         `json:"order"`   // path of one whose phone is sealed
	Phone   string         `json:"phone"`
	File    string         `json:"file"` // path
	Content string         `json:"content"`
	Next    string         `json:"next"`  // number of the next order
	Money   string         `json:"money"` // in the till
}

// Ensure that a database as an earlier version left it is opened by this one, brought up to date once, and worked on with: what
// was in it reads as it did then, what became personal is sealed, the log continues the checkpoint of then, verify finds nothing.
func TestKept(t *testing.T) {
	if *keepSchema != "" {
		keepOne(t, filepath.Join(keptDir, *keepSchema))
	}
	list, err := filepath.Glob(filepath.Join(keptDir, "*", "facts.json"))
	if err != nil || len(list) == 0 {
		t.Fatal("no database is kept", err)
	}
	for _, facts := range list {
		for _, kind := range []string{"sqlite", "postgres"} {
			dir := filepath.Dir(facts)
			t.Run(filepath.Base(dir)+"/"+kind, func(t *testing.T) { openKept(t, dir, kind) })
		}
	}
}

// keptVictim is a victim whose keys are all in its folder.
func keptVictim(t *testing.T, kind string, forms map[string]string) *victim {
	v := newVictim(t, t.TempDir())
	forms["sale"] = sale
	v.common = []string{"--rulebooks", booksWith(t, forms)}
	if kind == "postgres" {
		v.dsn = pgtest.DSN(t)
	}
	v.keys = []string{"--keystore", "sqlite:" + v.file("keys.db"), "--master-key", v.file("master.key")}
	return v
}

func openKept(t *testing.T, dir, kind string) {
	v := &handed{victim: keptVictim(t, kind, map[string]string{"buy": keptLater.Replace(keptForm)})}
	v.args = []string{"--demo", "--clock", "manual", "--leave", "0s"}
	for _, name := range []string{"master.key", "journal.key", "journal.checkpoints"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(v.file(name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fillFrom(t, filepath.Join(dir, "keys.sql.gz"), "sqlite:"+v.file("keys.db"))
	fillFrom(t, filepath.Join(dir, kind+".sql.gz"), v.at())
	b, err := os.ReadFile(filepath.Join(dir, "facts.json"))
	if err != nil {
		t.Fatal(err)
	}
	var f keptFacts
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}

	v.dieSaying("brought up to date") // in the middle: the tables are new, what became personal is still to be sealed
	said := v.log.String()
	v.start()
	if !strings.Contains(said+v.log.String(), "sealing personal data") || strings.Contains(v.log.String(), "brought up to date") {
		t.Errorf("it was not brought up to date, or twice:\n%s%s", said, v.log.String())
	}
	v.signIn()
	for path, want := range f.Records {
		is := v.values(path)
		for name, x := range want.(map[string]any) {
			if !reflect.DeepEqual(is[name], x) {
				t.Errorf("%s %s: then %v, now %v", path, name, x, is[name])
			}
		}
	}
	if got := v.phone(f.Order); got != f.Phone {
		t.Errorf("the phone was %s and is %s", f.Phone, got)
	}
	if got := string(v.get(f.File)); got != f.Content {
		t.Errorf("the file held %q and holds %q", f.Content, got)
	}
	// And on it goes.
	id, number := v.buy("以后", "3.00", map[string]any{"grade": "a"})
	if number != f.Next {
		t.Errorf("the next number is %s, not %s", number, f.Next)
	}
	v.post("/api/form/base.buy/record/"+id+"/finish", map[string]any{}, 200)
	v.edit(f.Order, map[string]any{"grade": "b", "remark": "改过"})
	if now := v.values(f.Order); now["grade"] != "b" || now["remark"] != "改过" {
		t.Errorf("after the edit: %v", now)
	}
	v.turn("2h") // past what was still open
	v.token = machineToken(t, v.url)
	if money, _ := v.says(); money != f.Money { // 3.00 paid in, and as a fee out again
		t.Errorf("the till holds %s, not %s", money, f.Money)
	}
	v.stop()
	v.verified("--checkpoint", filepath.Join(dir, "journal.checkpoints"))
	v.start()
	if strings.Contains(v.log.String(), "brought up to date") || strings.Contains(v.log.String(), "sealing") {
		t.Errorf("a second start changes something again:\n%s", v.log.String())
	}
	v.stop()

	// The verification sees a row that the upgrade would have spoilt.
	db := v.sql(v.at())
	if _, err := db.Exec(`UPDATE "base_buy" SET "name" = 'x' WHERE "number" = 'D0001'`); err != nil {
		t.Fatal(err)
	}
	if out, err := v.verify(); err == nil || !strings.Contains(out, "D0001") && !strings.Contains(out, "base.buy") && !strings.Contains(out, "base_buy") {
		t.Errorf("a spoilt row is not seen: %v\n%s", err, out)
	}
}

// order files one and answers its id and number.
func (v *handed) buy(name, amount string, more map[string]any) (id, number string) {
	v.t.Helper()
	values := map[string]any{"name": name, "amount": amount}
	for k, x := range more {
		values[k] = x
	}
	var a struct{ ID, Number string }
	body := map[string]any{"values": values, "lines": map[string]any{"parts": []any{map[string]any{"what": "板 " + name, "qty": "1.250"}}}}
	if err := json.Unmarshal(v.post("/api/form/base.buy/record", body, 201), &a); err != nil {
		v.t.Fatal(err)
	}
	return a.ID, a.Number
}

func (v *handed) values(path string) map[string]any {
	v.t.Helper()
	var a struct{ Values, Lines map[string]any }
	if err := json.Unmarshal(v.get(path), &a); err != nil {
		v.t.Fatal(err)
	}
	return a.Values
}

func (v *handed) edit(path string, values map[string]any) {
	v.t.Helper()
	var a struct{ Etag string }
	if err := json.Unmarshal(v.get(path), &a); err != nil {
		v.t.Fatal(err)
	}
	v.match = `"` + a.Etag + `"`
	v.post(path+"/edit", map[string]any{"values": values}, 200)
	v.match = ""
}

func (v *handed) phone(path string) string {
	v.t.Helper()
	var a struct{ Value string }
	if err := json.Unmarshal(v.post(path+"/reveal", map[string]string{"field": "phone", "purpose": "核对旧库"}, 200), &a); err != nil {
		v.t.Fatal(err)
	}
	return a.Value
}

// sql opens a database past the program.
func (v *victim) sql(address string) *sql.DB {
	v.t.Helper()
	driver, dsn := "pgx", strings.Replace(address, "allow_unsafe=1", "default_query_exec_mode=simple_protocol", 1)
	if file, ok := strings.CutPrefix(address, "sqlite:"); ok {
		driver, dsn = "sqlite", file
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { db.Close() })
	return db
}

// fillFrom runs a kept dump in an empty database.
func fillFrom(t *testing.T, file, address string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	db := (&victim{t: t}).sql(address)
	if _, err := db.Exec("BEGIN;\n" + string(text) + "\nCOMMIT"); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// keepOne makes a company with a little of everything on SQLite, moves a copy of it to PostgreSQL, and keeps both as SQL.
func keepOne(t *testing.T, dir string) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Fatalf("%s is kept already; a kept database is never made anew", dir)
	}
	v := newHanded(t, keptVictim(t, "sqlite", map[string]string{"buy": keptForm}))
	file := v.upload("单据.txt", "一张单据")
	one, _ := v.buy("第一笔", "10.50", map[string]any{"phone": "13812345678", "remark": "先放着", "paper": file})
	two, _ := v.buy("第二笔", "20.25", nil)
	v.buy("第三笔", "0.01", nil)
	v.post("/api/form/base.buy/record/"+two+"/finish", map[string]any{}, 200)
	v.turn("90m") // two limits end
	four, _ := v.buy("第四笔", "7.00", nil)
	v.edit("/api/form/base.buy/record/"+four, map[string]any{"remark": "再议"})
	v.post("/api/form/base.buy/record", map[string]any{"values": map[string]any{"name": "没有金额"}}, 422)
	v.post("/api/form/base.customer/record", map[string]any{"values": map[string]any{"name": "恒泰"}, "lines": map[string]any{"contacts": []any{map[string]any{"name": "周文渊", "phone": "13900000001"}}}}, 201)
	v.post("/api/alert", map[string]any{"kind": "webhook", "address": "http://127.0.0.1:9999/x", "secret": "a-secret-of-the-house"}, 201)
	f := keptFacts{Records: map[string]any{}, Order: "/api/form/base.buy/record/" + one, File: "/api/file/" + file, Content: "一张单据", Next: "D0005"}
	for _, id := range []string{one, two, four} {
		path := "/api/form/base.buy/record/" + id
		f.Records[path] = v.values(path)
	}
	f.Phone = v.phone(f.Order)
	v.token = machineToken(t, v.url)
	f.Money, _ = v.says()
	v.stop()
	v.verified()

	p := keptVictim(t, "postgres", map[string]string{"buy": keptForm})
	twin := v.file("copy.db")
	db := v.sql(v.at())
	if _, err := db.Exec("VACUUM INTO ?", twin); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("zhanggui", append([]string{"move", "--from", "sqlite:" + twin, "--to", p.dsn}, v.common...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	pg, err := exec.Command("pg_dump", "--no-owner", "--no-privileges", "--inserts", "--rows-per-insert=100", strings.Replace(p.dsn, "allow_unsafe=1", "", 1)).Output()
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.MarshalIndent(f, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	keep(t, filepath.Join(dir, "facts.json"), append(b, '\n'))
	for _, name := range []string{"master.key", "journal.key", "journal.checkpoints"} {
		b, err := os.ReadFile(v.file(name))
		if err != nil {
			t.Fatal(err)
		}
		keep(t, filepath.Join(dir, name), b)
	}
	keep(t, filepath.Join(dir, "sqlite.sql.gz"), dump(t, db))
	keep(t, filepath.Join(dir, "keys.sql.gz"), dump(t, v.sql("sqlite:"+v.file("keys.db"))))
	keep(t, filepath.Join(dir, "postgres.sql.gz"), plain(string(pg)))
}

func keep(t *testing.T, file string, b []byte) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	w := io.WriteCloser(f)
	if strings.HasSuffix(file, ".gz") {
		if w, err = gzip.NewWriterLevel(f, gzip.BestCompression); err != nil {
			t.Fatal(err)
		}
	}
	_, err = w.Write(b)
	if err != nil || w.Close() != nil {
		t.Fatal(err)
	}
}

// dump is a SQLite database as SQL: tables, their rows, and only then what watches over them.
func dump(t *testing.T, db *sql.DB) []byte {
	t.Helper()
	strs := func(query string, args ...any) (list []string) {
		rows, err := db.Query(query, args...)
		if err != nil {
			t.Fatal(query, err)
		}
		defer rows.Close()
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				t.Fatal(err)
			}
			list = append(list, s)
		}
		return list
	}
	out := strs(`SELECT s.sql FROM sqlite_schema s JOIN pragma_table_list l ON l.name = s.name WHERE s.type = 'table' AND l.type IN ('table', 'virtual') AND l.name NOT LIKE 'sqlite_%' ORDER BY l.name`)
	for _, table := range strs(`SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow') AND name NOT LIKE 'sqlite_%' ORDER BY name`) {
		columns := strs(`SELECT 'quote("' || name || '")' FROM pragma_table_info(?)`, table)
		out = append(out, strs(`SELECT 'DELETE FROM "' || name || '"' FROM pragma_table_list WHERE type = 'shadow' AND name = ?`, table)...) // a search index makes its own
		out = append(out, strs(fmt.Sprintf(`SELECT 'INSERT INTO "%s" VALUES(' || %s || ')' FROM "%s"`, table, strings.Join(columns, ` || ',' || `), table))...)
	}
	out = append(out, strs(`SELECT sql FROM sqlite_schema WHERE type <> 'table' AND sql IS NOT NULL ORDER BY type, name`)...)
	return []byte(strings.Join(out, ";\n") + ";\n")
}

// plain takes out of a dump what is for psql alone, and the settings at its head, which an older server may not know.
func plain(dump string) []byte {
	_, dump, _ = strings.Cut(dump, "\nCREATE ")
	lines := slices.DeleteFunc(strings.Split("CREATE "+dump, "\n"), func(l string) bool { return strings.HasPrefix(l, `\unrestrict `) })
	return []byte(strings.Join(lines, "\n"))
}
