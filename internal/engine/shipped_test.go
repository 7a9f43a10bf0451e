package engine

import (
	"maps"
	"strings"
	"testing"

	"zhanggui/internal/rulebook"
	"zhanggui/rulebooks"
)

// shipped is the library of the program.
func shipped(t *testing.T) *rulebook.Library {
	t.Helper()
	lib, issues := rulebook.Load(rulebooks.FS)
	if len(issues) > 0 {
		t.Fatal(issues)
	}
	return lib
}

// Ensure that filing a record does not offer, as the way on, what is theirs to do whom its filer names in it.
func TestHandsOver(t *testing.T) {
	lib := shipped(t)
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

// Ensure that a step is closed, and not offered with something to fill in, where its condition reads what nobody changes any more; and only there.
func TestStays(t *testing.T) {
	lib := shipped(t)
	for _, x := range []struct {
		form, action string
		want         bool
	}{
		{"10.dispatch", "verify", true},       // a case before the board
		{"10.dispatch", "send_back", false},   // the new date, which is filled in
		{"14.return_slip", "sign_for", false}, // what was counted, which may be counted again
		{"14.complaint", "approve", false},    // an improvement plan, which somebody may file
	} {
		f := lib.Form(x.form)
		if f == nil || f.Action(x.action) == nil || len(f.Action(x.action).Require) == 0 {
			t.Errorf("%s has no %s with a condition", x.form, x.action)
			continue
		}
		if got := stays(f, f.Action(x.action), f.Action(x.action).Require[0]); got != x.want {
			t.Errorf("%s.%s: %v", x.form, x.action, got)
		}
	}
}

// Ensure that who files a record is not offered what filing always refuses, in whichever form of whichever rulebook.
func TestMayNotBe(t *testing.T) {
	got := map[string]string{}
	for _, f := range shipped(t).Forms {
		create := f.Action("create")
		if create == nil {
			continue
		}
		for _, q := range create.Require {
			if field, values := mayNotBe(q); field != "" && f.Field(field) != nil && len(f.Field(field).Type.Options) > 0 {
				key := f.Key + "." + field
				got[key] = strings.TrimSpace(got[key] + " " + strings.Join(values, " "))
			}
		}
	}
	want := map[string]string{"base.customer.standing": "dealt lost"}
	if !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
