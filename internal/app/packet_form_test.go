package app_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const dossier = `class:
  hush: {label: 机密 | Hush, see: "false", mask: all}
  unseen: {label: 不可见 | Unseen, see: "false"}
  person: {label: 个人 | Personal, personal: true}
retention:
  day: {label: 一天 | One day, keep: 1d, from: this.at, destroy: {by: admin, within: 30d, with: [how]}}
form:
  dossier:
    label: 卷宗 | Dossier
    title: this.subject
    number: {pattern: "D{n:5}"}
    field:
      subject: {type: text, label: 事由 | Subject, required: "true"}
      phone: {type: phone, label: 电话 | Phone, class: hush}
      told: {type: bool, label: 说过 | Told}
      scans: {type: files, label: 附件 | Files}
      hushed: {type: file, label: 密件 | Hushed file, class: hush}
      into: {type: dossier, label: 并入 | Merged into}
    line:
      page: {label: 页 | Pages, field: {words: {type: text, label: 内容 | Words}, scan: {type: file, label: 扫描 | Scan}}}
    state: {open: 在办 | Open, done: {label: 办结 | Done, final: true}}
    action:
      create: {by: admin, fill: [subject, phone, scans, hushed], do: [{notify: admin, text: "来了 {this.phone}"}, {freeze: this}]}
      edit: {by: admin, fill: [subject, phone]}
      tell: {label: 说 | Tell, by: admin, fill: [told], do: [{create: whisper, with: {of: this, words: "'耳语丙'"}}]}
      close: {label: 办结 | Close, from: open, to: done, by: admin}
      note: {label: 记 | Note, by: admin, again: true, do: [{create: note, with: {of: this}}]}
      merge: {label: 并入另一份 | Merge, from: open, by: admin, fill: [into], reason: 2, merge: {into: into}}
      export: {by: admin, require: [{that: "true", say: 不能 | No}]}
      print: {label: 打印 | Print, by: admin, require: [{that: "this.subject != '不许印'", say: 不许印 | Not to be printed}]}
  note:
    label: 记事 | Note
    number: {pattern: "N{n:5}"}
    field:
      of: {type: dossier, label: 卷宗 | Dossier}
      words: {type: text, label: 内容 | Words}
    action:
      create: {by: admin}
      edit: {by: admin, fill: [words]}
      export: {by: admin}
  slip:
    label: 条子 | Slip
    retention: day
    number: {pattern: "S{n:5}"}
    field:
      subject: {type: text, label: 事由 | Subject}
      tel: {type: phone, label: 电话 | Phone, class: person}
      scan: {type: file, label: 扫描 | Scan}
      how: {type: text, label: 办法 | How}
    state: {open: 在办 | Open, filed: {label: 归档 | Filed, final: true}}
    action:
      create: {by: admin, fill: [subject, tel, scan]}
      file: {label: 归档 | File, from: open, to: filed, by: admin}
      export: {by: admin}
  whisper:
    label: 耳语 | Whisper
    class: unseen
    field:
      of: {type: dossier, label: 卷宗 | Dossier}
      words: {type: text, label: 内容 | Words}
    action:
      create: {by: admin}
`

// parts are the files of a packet by name.
type parts map[string][]byte

func readParts(t *testing.T, b []byte) parts {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	p := parts{}
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if p[f.Name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func (p parts) write(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(p)) {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(p[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "packet.zip")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Ensure that records of a form are handed out with all that proves them: whoever gets the packet checks it without the server, and
// whatever is altered in it, left out of it, added to it or exchanged with another packet's is found; that it shows no more than who took
// it may see; that what acts of other records wrote is in it, and nothing that was destroyed; and that it is refused where the record, its
// export or its print is.
func TestRecordPacket(t *testing.T) {
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			recordPacketOn(t, newHanded(t, keptVictim(t, kind, map[string]string{"dossier": dossier})), kind == "sqlite")
		})
	}
}

func recordPacketOn(t *testing.T, v *handed, spoil bool) {
	const form, phone = "/api/form/base.dossier", "13866210417"
	made := func(form string, body map[string]any) string {
		var r struct{ ID string }
		if err := json.Unmarshal(v.post(form+"/record", body, 201), &r); err != nil {
			t.Fatal(err)
		}
		return r.ID
	}
	scan, page, hushed := v.upload("scan.txt", "扫描件"), v.upload("page.txt", "第二页的扫描"), v.upload("hushed.txt", "密件")
	file := func(subject string) string {
		return made(form, map[string]any{"values": map[string]any{"subject": subject, "phone": phone, "scans": []string{scan}, "hushed": hushed},
			"lines": map[string]any{"page": []any{map[string]any{"words": "一页"}, map[string]any{"words": "二页", "scan": page}}}})
	}
	takeOf := func(form string, kept int64, ids ...string) parts {
		return readParts(t, v.post(form+"/packet", map[string]any{"records": ids, "kept": kept}, 200))
	}
	take := func(kept int64, ids ...string) parts { return takeOf(form, kept, ids...) }
	id, other := file("甲"), file("乙")
	v.post(form+"/record/"+id+"/tell", map[string]any{"values": map[string]any{"told": true}}, 200)
	first := take(0, id)
	kept := filepath.Join(t.TempDir(), "kept.txt")
	if err := os.WriteFile(kept, first["checkpoint.txt"], 0o600); err != nil {
		t.Fatal(err)
	}
	var size int64
	if _, err := fmt.Sscan(strings.Split(string(first["checkpoint.txt"]), "\n")[1], &size); err != nil {
		t.Fatal(err)
	}
	v.post(form+"/record/"+id+"/close", map[string]any{}, 200)
	whole, both := take(size, id), take(0, other, id)

	for name, p := range map[string]parts{"whole": whole, "both": both} {
		for file, b := range p {
			if bytes.Contains(b, []byte(phone)) || bytes.Contains(b, []byte("耳语丙")) {
				t.Errorf("%s: %s tells what its reader may not see", name, file)
			}
		}
	}
	if s := string(whole["paper-1.html"]); !strings.Contains(s, "甲") || !strings.Contains(s, "二页") || !strings.Contains(s, "D00001") {
		t.Errorf("the paper: %s", s)
	}
	if s := string(whole["data.json"]); !strings.Contains(s, `"subject": "甲"`) || !strings.Contains(s, `"words": "二页"`) || !strings.Contains(s, `"state": "done"`) || strings.Contains(s, `"told"`) {
		t.Errorf("the data, of which one column was written by a withheld entry: %s", s)
	}
	if n := bytes.Count(append([]byte("\n"), whole["entries.jsonl"]...), []byte("\n\n")); n != 1 {
		t.Errorf("%d entries are withheld", n)
	}
	if s := string(both["data.json"]); !strings.Contains(s, `"subject": "甲"`) || !strings.Contains(s, `"subject": "乙"`) {
		t.Errorf("the data of two: %s", s)
	}

	sum := func(content string) string { h := sha256.Sum256([]byte(content)); return hex.EncodeToString(h[:]) }
	if s := string(whole["data.json"]); !strings.Contains(s, sum("扫描件")) || !strings.Contains(s, sum("第二页的扫描")) || strings.Contains(s, sum("密件")) || strings.Contains(s, "hushed.txt") {
		t.Errorf("what the attachments hash to: %s", s)
	}

	// Acts of other records wrote these: one that made a note, and one that had it name another dossier, between two of its own.
	gone := file("戊")
	v.post(form+"/record/"+gone+"/note", map[string]any{}, 200)
	var notes struct{ Rows []struct{ ID string } }
	if err := json.Unmarshal(v.get("/api/form/base.note/record"), &notes); err != nil || len(notes.Rows) != 1 {
		t.Fatalf("the note: %v %v", notes, err)
	}
	const note, slip = "/api/form/base.note", "/api/form/base.slip"
	edit := func(words string) {
		var now struct{ Etag string }
		if err := json.Unmarshal(v.get(note+"/record/"+notes.Rows[0].ID), &now); err != nil {
			t.Fatal(err)
		}
		v.match = `"` + now.Etag + `"`
		v.post(note+"/record/"+notes.Rows[0].ID+"/edit", map[string]any{"values": map[string]any{"words": words}}, 200)
		v.match = ""
	}
	v.turn("1h") // else all would be of one instant
	edit("一")
	v.turn("1h")
	v.post(form+"/record/"+gone+"/merge", map[string]any{"values": map[string]any{"into": other}, "reason": "同一份"}, 200)
	v.turn("1h")
	edit("二")
	merged, pointed := take(0, gone, other), takeOf(note, 0, notes.Rows[0].ID)
	if s := string(merged["data.json"]); !strings.Contains(s, `"into": "`+other+`"`) || !strings.Contains(s, `"state": "void"`) {
		t.Errorf("the data of one that was merged, and of the other: %s", s)
	}
	if s, e := string(pointed["data.json"]), string(pointed["entries.jsonl"]); !strings.Contains(s, `"of": "`+other+`"`) || !strings.Contains(s, `"words": "二"`) ||
		strings.Count(e, `"action":"note"`) != 1 || strings.Count(e, `"action":"merge"`) != 1 || strings.Count(e, `"action":"edit"`) != 2 {
		t.Errorf("what other records' acts wrote: %s\n%s", s, e)
	}

	// What was destroyed is told of, and not told.
	const tel = "13866210418"
	paper := made(slip, map[string]any{"values": map[string]any{"subject": "己", "tel": tel, "scan": v.upload("slip.txt", "条子的扫描")}})
	v.post(slip+"/record/"+paper+"/file", map[string]any{}, 200)
	if p := takeOf(slip, 0, paper); !strings.Contains(string(p["paper-1.html"]), tel) || !strings.Contains(string(p["data.json"]), sum("条子的扫描")) {
		t.Errorf("before it is destroyed: %s\n%s", p["paper-1.html"], p["data.json"])
	}
	v.turn("48h")
	v.post(slip+"/record/"+paper+"/destroy", map[string]any{"values": map[string]any{"how": "粉碎"}}, 200)
	destroyed := takeOf(slip, 0, paper)
	for name, b := range destroyed {
		if bytes.Contains(b, []byte(tel)) || bytes.Contains(b, []byte("slip.txt")) || bytes.Contains(b, []byte(sum("条子的扫描"))) {
			t.Errorf("%s tells what was destroyed: %s", name, b)
		}
	}
	if s := string(destroyed["data.json"]); !strings.Contains(s, `"subject": "己"`) || !strings.Contains(s, "粉碎") || !strings.Contains(string(destroyed["entries.jsonl"]), `"action":"destroy"`) {
		t.Errorf("what stays of one that was destroyed: %s", s)
	}

	// What may not leave does not.
	v.post(form+"/packet", map[string]any{"records": []string{}}, 400)
	v.post(form+"/packet", map[string]any{"records": []string{"nothing"}}, 404)
	v.post(form+"/packet", map[string]any{"records": []string{id}, "kept": 1 << 40}, 400)
	if b, status := v.request("POST", form+"/packet", "application/json", []byte(`{"records":["`+file("不许印")+`"]}`)); status != 422 || !strings.Contains(string(b), "不许印") {
		t.Errorf("what may not be printed: %d %s", status, b)
	}
	v.stop()

	key, err := os.ReadFile(v.file("journal.key"))
	if err != nil {
		t.Fatal(err)
	}
	public := strings.Fields(string(key))[1]
	check := func(p parts, more ...string) (string, error) {
		c := exec.Command("zhanggui", append([]string{"verify-packet", p.write(t), "--public", public}, more...)...)
		c.Dir = t.TempDir() // nothing of the house is there
		out, err := c.CombinedOutput()
		return string(out), err
	}
	for name, p := range map[string]parts{"first": first, "whole": whole, "both": both, "merged": merged, "pointed": pointed, "destroyed": destroyed} {
		if out, err := check(p); err != nil || !strings.Contains(out, "they are what was signed") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	if out, err := check(whole, "--checkpoint", kept); err != nil || !strings.Contains(out, "1 checkpoint that was kept") {
		t.Errorf("with a kept checkpoint: %v\n%s", err, out)
	}
	if out, err := check(both, "--checkpoint", kept); err == nil || !strings.Contains(out, "uncompared") {
		t.Errorf("a checkpoint nothing can be said of: %v\n%s", err, out)
	}

	if !spoil { // the file is the same, whatever database it comes from
		return
	}
	line := func(p parts, name string, n int, change func([]byte) []byte) {
		list := bytes.SplitAfter(p[name], []byte("\n"))
		list[n] = change(list[n])
		p[name] = bytes.Join(list, nil)
	}
	drop := func([]byte) []byte { return nil }
	swap := func(name, old, new string) func(parts) {
		return func(p parts) { p[name] = bytes.Replace(p[name], []byte(old), []byte(new), 1) }
	}
	last := bytes.Count(whole["entries.jsonl"], []byte("\n")) - 1
	for name, c := range map[string]struct {
		spoil func(p parts)
		finds string
	}{
		"a letter of an entry":         {func(p parts) { swap("entries.jsonl", "甲", "丁")(p) }, "altered: leaf"},
		"an entry withheld afterwards": {func(p parts) { line(p, "entries.jsonl", 0, func([]byte) []byte { return []byte("\n") }) }, "record: D00001: no entry wrote"},
		"an entry left out":            {func(p parts) { line(p, "entries.jsonl", 1, drop); line(p, "proofs.jsonl", 1, drop) }, "entries were handed out"},
		"its proof left out":           {func(p parts) { line(p, "proofs.jsonl", 1, drop) }, "missing:"},
		"the handing out left out":     {func(p parts) { line(p, "entries.jsonl", last, drop); line(p, "proofs.jsonl", last, drop) }, "missing: the last entry"},
		"an entry twice": {func(p parts) {
			twice := func(b []byte) []byte { return append(bytes.Clone(b), b...) }
			line(p, "entries.jsonl", 0, twice)
			line(p, "proofs.jsonl", 0, twice)
		}, "order:"},
		"a leaf's number":               {swap("proofs.jsonl", `{"leaf":`, `{"leaf":1`), "unproven: leaf"},
		"a hash of a proof":             {swap("proofs.jsonl", `"proof":["`, `"proof":["AAAA`), "unreadable: leaf"},
		"a value of the data":           {swap("data.json", `"甲"`, `"丁"`), "subject: the journal says 甲, data.json says 丁"},
		"a column of the data left out": {swap("data.json", `"subject": "甲",`, ``), "altered: data.json"},
		"what an attachment hashes to":  {swap("data.json", sum("扫描件"), sum("别的")), "sha256: the journal says"},
		"a line of the data":            {swap("data.json", `"二页"`, `"三页"`), "altered: data.json"},
		"a word of the paper":           {swap("paper-1.html", "二页", "三页"), "altered: paper-1.html"},
		"no paper":                      {func(p parts) { delete(p, "paper-1.html") }, "missing: paper-1.html"},
		"no data":                       {func(p parts) { delete(p, "data.json") }, "missing: data.json"},
		"one more paper":                {func(p parts) { p["paper-2.html"] = p["paper-1.html"] }, "added: paper-2.html"},
		"the instructions":              {swap("README.txt", "KEY", "KEYS"), "altered: README.txt"},
		"another packet's data":         {func(p parts) { p["data.json"] = both["data.json"] }, "altered: data.json"},
		"an earlier packet's entries": {func(p parts) {
			p["entries.jsonl"], p["proofs.jsonl"] = first["entries.jsonl"], first["proofs.jsonl"]
		}, "unproven"},
		"an earlier checkpoint":   {func(p parts) { p["checkpoint.txt"] = first["checkpoint.txt"] }, "unproven"},
		"a checkpoint with a lie": {swap("checkpoint.txt", "time 2", "time 3"), "checkpoint"},
		"a proof of growth":       {swap("consistency.json", `"from":`, `"from":1`), "uncompared"},
	} {
		p := maps.Clone(whole)
		for k := range p {
			p[k] = bytes.Clone(p[k])
		}
		c.spoil(p)
		var more []string
		if name == "a proof of growth" {
			more = []string{"--checkpoint", kept}
		}
		if out, err := check(p, more...); err == nil || !strings.Contains(out, c.finds) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
