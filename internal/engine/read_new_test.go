package engine

import (
	"testing"

	"zhanggui/internal/rulebook"
	"zhanggui/rulebooks"
)

// Ensure that filing a record does not offer, as the way on, what is theirs to do whom its filer names in it.
func TestHandsOver(t *testing.T) {
	lib, issues := rulebook.Load(rulebooks.FS)
	if len(issues) > 0 {
		t.Fatal(issues)
	}
	for _, x := range []struct {
		form, action string
		want         bool
	}{
		{"14.improvement_measure", "complete", true}, // the owner's, or his unit's
		{"11.memo", "answer", true},                  // the unit's that is asked
		{"14.complaint", "submit", false},            // the salesperson's or any other of sales
		{"12.customer_file", "submit", false},        // his who deals with the customer, which no filer says here
	} {
		f := lib.Form(x.form)
		if f == nil || f.Action(x.action) == nil {
			t.Errorf("%s has no %s", x.form, x.action)
			continue
		}
		if got := handsOver(f, f.Action(x.action)); got != x.want {
			t.Errorf("%s.%s: %v", x.form, x.action, got)
		}
	}
}
