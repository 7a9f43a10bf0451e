package app_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"zhanggui/internal/testkit"
)

const revisedBook = `rulebook: {id: h, title: 领用规定 | Rules of the store, version: "VERSION", needs: [base]CHANGER}
form:
  slip:
    label: 领用单 | Slip
    title: this.name
    field: {name: {label: 名称 | Name, type: text}, pieces: {label: 件数 | Pieces, type: int}}
    state: {open: 在办 | Open, done: {label: 已办 | Done, final: true}}
    action:
      create: {fill: [name, pieces], require: [{that: "this.pieces <= LIMIT", say: 太多 | Too many, clause: h-1}]}
      more: {label: 增领 | More, from: open, fill: [pieces], require: [{that: "this.pieces <= LIMIT", say: 太多 | Too many, clause: h-1}]}
      finish: {label: 办完 | Finish, from: open, to: done}
`

// Ensure that a new text of a regulation, whether its header names who changes it or not, does not come into force with a new program: the old text goes on,
// over restarts too, the new one is proposed with what it changes, is in force from its approval on without a restart, and stays so; one that
// only has other comments is the same text; one that is refused never comes. What began under the old text goes on under it.
func TestRevision(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		changer := "" // nobody is named: the administrator
		if strings.HasPrefix(dsn, "postgres") {
			changer = ", changed_by: {is: admin, clause: h-2}"
		}
		revision(t, dsn, changer)
	})
}

func revision(t *testing.T, dsn, changer string) {
	t.Setenv("ZHANGGUI_LEAVE", "0s") // nobody is sent elsewhere
	v := newVictim(t, t.TempDir())
	if strings.HasPrefix(dsn, "postgres") {
		v.dsn = dsn
	}
	v.keys = []string{"--keystore", "sqlite:" + v.file("keys.db"), "--master-key", v.file("master.key")}
	books := v.common[1]
	write := func(version, limit, comment string) {
		t.Helper()
		dir := filepath.Join(books, "h")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		clauses := "h-1: {kind: gate, zh: 一次领用有上限, en: 'There is a limit each time', proof: scenario}\n"
		if changer != "" {
			clauses += "h-2: {kind: record, zh: 修订须核准, en: Changes are approved, proof: scenario}\n"
		}
		for name, text := range map[string]string{"clauses.yaml": clauses, "rulebook.yaml": comment + strings.NewReplacer("VERSION", version, "LIMIT", limit, "CHANGER", changer).Replace(revisedBook)} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	write("1.0", "10", "")
	h := newHanded(t, v)
	h.stop()
	if out, err := exec.Command("zhanggui", slices.Concat([]string{"adopt", "h", "--from", "2020-01-01", "--database", v.at()}, v.common, v.keys)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	draw := func(n, want int) (id string) {
		t.Helper()
		var made struct{ ID string }
		if err := json.Unmarshal(h.post("/api/form/h.slip/record", map[string]any{"values": map[string]any{"name": "甲", "pieces": n}}, want), &made); err != nil {
			t.Fatal(err)
		}
		return made.ID
	}
	more := func(id string, n, want int) {
		t.Helper()
		h.post("/api/form/h.slip/record/"+id+"/more", map[string]any{"values": map[string]any{"pieces": n}}, want)
	}
	type row struct {
		ID, Etag string
		State    string
	}
	texts := func() (list []row, states string) {
		t.Helper()
		var page struct{ Rows []row }
		if err := json.Unmarshal(h.get("/api/form/base.rulebook_text/record"), &page); err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Rows {
			states += r.State + " "
		}
		return page.Rows, strings.TrimSpace(states)
	}
	of := func(state string) string {
		t.Helper()
		list, _ := texts()
		for _, r := range list {
			if r.State == state {
				return "/api/form/base.rulebook_text/record/" + r.ID
			}
		}
		t.Fatalf("none is %s", state)
		return ""
	}
	again := func() { // on another day, since a text approved at the same moment is not the later one
		t.Helper()
		v.start()
		h.turn("24h")
		h.signIn()
	}
	again()
	began := draw(10, 201)
	draw(11, 422)
	h.stop()
	write("1.0", "10", "# the same, with a remark\n")
	again()
	if _, states := texts(); states != "in_force" {
		t.Errorf("after a remark: %s", states)
	}
	h.stop()
	write("1.1", "20", "")
	for range 2 { // over restarts too
		again()
		draw(10, 201)
		draw(11, 422)
		if _, states := texts(); states != "proposed in_force" && states != "in_force proposed" {
			t.Errorf("a new text: %s", states)
		}
		h.stop()
	}
	again()
	if page := string(h.get(of("proposed"))); !strings.Contains(page, "this.pieces <= 20") && !strings.Contains(page, "20") {
		t.Errorf("what changes is not told: %s", page)
	}
	h.post(of("proposed")+"/approve", map[string]any{}, 200)
	h.until("the approved text is in force", func() bool {
		b, _ := json.Marshal(map[string]any{"values": map[string]any{"name": "乙", "pieces": 11}})
		return h.status("POST", "/api/form/h.slip/record", b) == 201
	})
	draw(21, 422)
	more(began, 11, 422)
	h.stop()
	again()
	more(draw(19, 201), 20, 200)
	more(began, 11, 422)
	more(began, 9, 200)
	if page := string(h.get("/api/form/h.slip/record/" + began)); !strings.Contains(page, `"version":"1.0"`) || !strings.Contains(page, `"older":true`) {
		t.Errorf("its page says another version: %s", page)
	}
	h.post("/api/form/h.slip/record/"+began+"/finish", map[string]any{}, 200)
	h.stop()
	write("1.2", "30", "")
	again()
	h.post(of("proposed")+"/decline", map[string]any{"reason": "太宽了"}, 200)
	h.stop()
	again()
	draw(21, 422)
	if _, states := texts(); strings.Contains(states, "proposed") || !strings.Contains(states, "refused") {
		t.Errorf("a refused text is proposed again: %s", states)
	}
	h.stop()
	v.verified()
}
