package scenario_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"zhanggui/internal/scenario"
)

// Ensure that the mutation run finds the clause that no scenario proves, the one that none names, the scenario that
// proves nothing and the one that does not hold; and that it clears the rest.
func TestCoverage_Mutate(t *testing.T) {
	lib := shop(t, map[string]string{"shop/scenarios/more.yaml": `
- scenario: it says something about another thing
  clauses: [s-8]
  given: {people: {wang: clerk@works}, is: {c: matter.draft}}
  when: [{wang: register c}]
  then: {is: {c.number: "260301"}}
- scenario: it would notice s-13 gone but does not say that it proves it
  clauses: [s-2]
  given: {people: {wang: clerk@works, ma: chief@works}, is: {c: matter.draft}}
  when: [{ma: register c, refused: s-2}, {wang: register c}, {ma: hurry c, refused: require}]
- scenario: it was never so
  clauses: [s-1]
  given: {people: {wang: clerk@works}, is: {c: matter.draft}}
  when: [{wang: register c}]
  then: {is: {c.number: "260302"}}
`})
	told, of := 0, 0
	rep, err := scenario.Coverage(context.Background(), lib, []string{"shop"}, true, func(done, all int) { told, of = done, all })
	if err != nil {
		t.Fatal(err)
	}
	if told == 0 || told != of {
		t.Errorf("told of %d of %d", told, of)
	}
	for _, c := range rep.Clauses {
		want := scenario.Enforced
		switch c.ID {
		case "s-12":
			want = scenario.None
		case "s-13":
			want = scenario.Unproven
		}
		if c.Verdict != want || c.Well != (want == scenario.Enforced) {
			t.Errorf("%s is %s (well: %v), should be %s: %s", c.ID, c.Verdict, c.Well, want, c.By)
		}
		if c.Legal != (c.ID == "s-6") {
			t.Errorf("%s: legal %v", c.ID, c.Legal)
		}
	}
	if len(rep.Failed) != 1 || !strings.Contains(rep.Failed[0], "it was never so") {
		t.Errorf("failed: %q", rep.Failed)
	}
	if len(rep.Idle) != 1 || !strings.Contains(rep.Idle[0], "it says something about another thing: holds without s-8") {
		t.Errorf("idle: %q", rep.Idle)
	}
	if rep.OK() {
		t.Error("all is well, it says")
	}
	for _, line := range []string{"s-12         gate     action                         0 scenarios  none", "s-6 ", "asleep by default", "gate     5 of 7", "proves nothing: ", "does not hold: "} {
		if !strings.Contains(rep.Text(), line) {
			t.Errorf("the table lacks %q:\n%s", line, rep.Text())
		}
	}
	b, err := rep.JSON()
	var back scenario.Report
	if err != nil || json.Unmarshal(b, &back) != nil || len(back.Clauses) != len(rep.Clauses) {
		t.Errorf("%v %s", err, b)
	}
}
