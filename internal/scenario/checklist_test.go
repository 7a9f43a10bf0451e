package scenario_test

import (
	"context"
	"os"
	"slices"
	"testing"

	"zhanggui/internal/scenario"
)

// Ensure that a sheet is not filed without the result of an item, nor without the note where evidence is named, and
// that an item whose clause sleeps asks for neither: a scenario that expects the refusal then notices.
func TestChecklist_SleepingItem(t *testing.T) {
	clauses, err := os.ReadFile("testdata/shop/clauses.yaml")
	if err != nil {
		t.Fatal(err)
	}
	lib := shop(t, map[string]string{
		"shop/clauses.yaml": string(clauses) + "\ns-90: {kind: inspect, zh: 附录音, en: With the recording}\n",
		"shop/tone.yaml": `
checklist:
  tone:
    label: 语气 | Tone
    of: call
    by: chief
    who: this.taker
    item:
      calm: {text: 语气平和 | Calm, evidence: 录音编号 | number of the recording, clause: s-90}
`,
		"shop/scenarios/tone.yaml": `
scenario: a result and the number of the recording, or the sheet is not filed
clauses: [s-90]
given: {people: {ma: chief@works, lu: clerk@works}, is: {k: "call {taker: lu}", s: "tone.open {of: k, person: lu}"}}
when: [{ma: inspect s, with: {calm: "{calm}", calm_note: "{note}"}, refused: "{refused}"}]
cases: {columns: [calm, note, refused], rows: [[pass, none, s-90], [none, 录音 3, s-90], [pass, 录音 3, none], [na, 没有通话, none]]}
`})
	rep, err := scenario.Coverage(context.Background(), lib, []string{"shop"}, true)
	if err != nil || len(rep.Failed)+len(rep.Idle) > 0 {
		t.Fatal(err, rep.Failed, rep.Idle)
	}
	i := slices.IndexFunc(rep.Clauses, func(c scenario.Clause) bool { return c.ID == "s-90" })
	if i < 0 || rep.Clauses[i].Verdict != scenario.Enforced || !rep.Clauses[i].Well {
		t.Errorf("s-90: %+v", rep.Clauses)
	}
}
