package rulebook_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"zhanggui/internal/rulebook"
)

// related is a small regulation x with a variant y, a variant z of that, and a book o that shares nothing with them.
func related(t *testing.T) *rulebook.Library {
	t.Helper()
	m := fstest.MapFS{}
	folder(t, m, "testdata/base", "base")
	for name, text := range map[string]string{
		"x/clauses.yaml": "x-1: {kind: clock, zh: 十五天, en: Fifteen days}\nx-2: {kind: gate, zh: 要写原因, en: Give the cause}\nx-3: {kind: record, zh: 送研发, en: To research}\nx-4: {kind: info, zh: 用意, en: Purpose, proof: text}\n",
		"x/rulebook.yaml": `rulebook: {id: x, title: 甲厂办法 | Works A, version: "1"}
role: {quality: {label: 质管部 | Quality}, boss: {label: 厂长 | Boss}}
parameter: {limit: {label: 结案期限 | Limit, type: duration, value: 15d, clause: x-1}, note_limit: {label: 填表期限 | Time for the form, type: duration, value: 4wh}}
form:
  slip:
    label: 异常单 | Slip
    field: {cause: {label: 原因 | Cause, type: note}, place: {label: 地点 | Place, type: text}}
    state: {open: 办理 | Open, asked: 送研发 | Asked, closed: {label: 结案 | Closed, final: true}}
    action:
      ask: {label: 送研发 | To research, from: open, to: asked, by: quality, clause: x-3}
      close: {label: 结案 | Close, from: [open, asked], to: closed, by: {is: quality, clause: x-2}, fill: [{field: cause, clause: x-2}], require: [{that: "this.cause != this.place", say: 原因不是地点 | A cause is no place, clause: x-2}]}
    deadline:
      in_time: {label: 限期 | In time, from: create, to: close, within: param.limit, clause: x-1}
      noted: {label: 填表 | The form, from: create, to: close, within: param.note_limit, clause: x-2}
`,
		"y/clauses.yaml": "y-1: {kind: clock, zh: 二十一天, en: Twenty-one days}\ny-2: {kind: gate, zh: 要写地点, en: Give the place}\ny-4: {kind: info, zh: 用意, en: Purpose, proof: text}\ny-5: {kind: gate, zh: 厂长结案, en: The boss closes}\n",
		"y/rulebook.yaml": `rulebook: {id: y, title: 乙厂办法 | Works B, version: "1", extends: x}
clauses: {x-1: y-1, x-2: y-2, x-3: none, x-4: y-4}
rename: {异常单 | Slip: 异常票 | Ticket}
parameter: {limit: {value: 21d}, note_limit: {value: 1d}}
form:
  slip:
    action:
      close: {from: open, by: {is: boss, clause: y-5}, fill: [{field: cause, clause: y-2}, {field: place, clause: y-2}]}
remove: [slip.action.ask, slip.state.asked]
`,
		"z/clauses.yaml":  "z-1: {kind: clock, zh: 二十一天, en: Twenty-one days}\nz-2: {kind: gate, zh: 写地点、厂长结案, en: Place and boss}\nz-4: {kind: info, zh: 用意, en: Purpose, proof: text}\n",
		"z/rulebook.yaml": "rulebook: {id: z, title: 丙厂办法 | Works C, version: \"1\", extends: y}\nclauses: {y-1: z-1, y-2: z-2, y-4: z-4, y-5: z-2}\n",
		"o/rulebook.yaml": "rulebook: {id: o, title: 别的 | Other, version: \"1\"}\n",
	} {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	lib, issues := rulebook.Load(m)
	if issues.Failed() {
		t.Fatalf("%s", issues)
	}
	return lib
}

// Ensure that each clause stands beside the one that says it, with what differs in words, and nothing else.
func TestDiff(t *testing.T) {
	lib := related(t)
	d, err := lib.Diff("x", "y")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, r := range d.Rows {
		for _, c := range []*rulebook.DiffClause{r.Left, r.Right} {
			if c == nil {
				got.WriteString("- ")
			} else {
				got.WriteString(c.ID + " ")
			}
		}
		got.WriteString(r.Status + "\n")
		for _, w := range r.Changes {
			got.WriteString("  " + w.ZH + " | " + w.EN + "\n")
		}
	}
	for _, w := range d.Other {
		got.WriteString("other: " + w.ZH + " | " + w.EN + "\n")
	}
	want := `x-1 y-1 changed
  “结案期限”：15 天 → 21 天 | “Limit”: 15 days → 21 days
x-2 y-2 changed
  “异常票 · 结案”不由质管部 | “Ticket · Close” is not done by Quality
  “填表期限”：4 个工作小时 → 1 天 | “Time for the form”: 4 working hours → 1 day
  “异常票 · 结案”要填“地点” | “Ticket · Close” asks for “Place”
x-3 - absent
  “异常票”没有步骤“送研发” | absent: step “To research” of “Ticket”
x-4 y-4 same
- y-5 new
  “异常票 · 结案”可由厂长 | “Ticket · Close” may be done by Boss
other: “异常票”没有阶段“送研发” | absent: stage “Asked” of “Ticket”
other: “异常票 · 结案”不在送研发 | “Ticket · Close” does not start at Asked
`
	if got.String() != want {
		t.Errorf("it says\n%s\nshould be\n%s", got.String(), want)
	}
	if d.Count != (rulebook.DiffCount{Same: 1, Changed: 2, Absent: 1, New: 1}) {
		t.Errorf("counted %+v", d.Count)
	}
	if len(d.Names) != 1 || d.Names[0].Right.ZH != "异常票" || d.Names[0].Left.EN != "Slip" {
		t.Errorf("names %+v", d.Names)
	}
	for _, line := range []string{"x Works A  →  y Works B\n", "1 clauses the same, 2 changed, 1 absent, 1 new\n", "  x-3  To research\n", "    - “Limit”: 15 days → 21 days\n"} {
		if !strings.Contains(d.Print(true), line) {
			t.Errorf("printed without %q:\n%s", line, d.Print(true))
		}
	}
}

// Ensure that books are compared over several steps of descent, both ways, and only where they share a text.
func TestDiff_Related(t *testing.T) {
	lib := related(t)
	t.Run("OK", func(t *testing.T) {
		d, err := lib.Diff("x", "z")
		if err != nil || d.Count != (rulebook.DiffCount{Same: 1, Changed: 2, Absent: 1}) || d.Rows[1].Right.ID != "z-2" {
			t.Errorf("x and z: %v %+v", err, d)
		}
		if d, err = lib.Diff("z", "y"); err != nil || d.Count.Absent != 0 || len(d.Other) != 0 || d.Count.Changed != 0 {
			t.Errorf("z and y: %v %+v", err, d)
		}
		if list := strings.Join(lib.Related(lib.Book("y")), " "); list != "x z" {
			t.Errorf("related to y: %s", list)
		}
		if list := lib.Related(lib.Book("o")); len(list) != 0 {
			t.Errorf("related to o: %s", list)
		}
	})
	t.Run("ErrUnknown", func(t *testing.T) {
		if _, err := lib.Diff("x", "w"); err == nil || err.Error() != "there is no rulebook w" {
			t.Errorf("%v", err)
		}
	})
	t.Run("ErrUnrelated", func(t *testing.T) {
		if _, err := lib.Diff("x", "o"); err == nil || err.Error() != "x and o have no text in common" {
			t.Errorf("%v", err)
		}
	})
}
