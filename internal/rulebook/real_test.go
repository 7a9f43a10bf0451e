package rulebook_test

import (
	"maps"
	"testing"

	"zhanggui/internal/rulebook"
	"zhanggui/rulebooks"
)

// TestRealBooks: the rulebooks that the binary ships compile without an error.
func TestRealBooks(t *testing.T) {
	lib, issues := rulebook.Load(rulebooks.FS)
	for _, i := range issues.Errors() {
		t.Errorf("%s", i)
	}
	for _, i := range issues.Warnings() {
		t.Logf("%s", i)
	}
	for _, b := range lib.Books {
		t.Logf("%s: %d forms, %d clauses, %d scenarios", b.ID, len(b.Forms), len(b.Clauses), len(b.Scenarios))
	}
}

// Ensure that the law without its scenarios is the same law, and counts them as the whole library holds them.
func TestLoadLaw(t *testing.T) {
	whole, issues := rulebook.Load(rulebooks.FS)
	law, more := rulebook.LoadLaw(rulebooks.FS, nil)
	if issues.Failed() || more.Failed() || len(law.Books) != len(whole.Books) {
		t.Fatal(issues, more, len(law.Books), len(whole.Books))
	}
	for i, b := range whole.Books {
		l := law.Books[i]
		if l.Digest != b.Digest || l.ID != b.ID {
			t.Errorf("%s: digest %s, of the law alone %s", b.ID, b.Digest, l.Digest)
		}
		want := map[string]int{}
		for _, s := range b.Scenarios {
			for _, c := range s.Clauses {
				want[c]++
			}
		}
		if have := law.Proven(l); !maps.Equal(have, want) || len(want) == 0 && b.ID != "base" {
			t.Errorf("%s: scenarios by clause %v, want %v", b.ID, have, want)
		}
		if !maps.Equal(whole.Proven(b), want) || len(l.Scenarios) > 0 {
			t.Errorf("%s: the whole library counts %v; the law alone holds %d scenarios", b.ID, whole.Proven(b), len(l.Scenarios))
		}
	}
	if held, issues := rulebook.LoadLaw(rulebooks.FS, whole.Text(whole.Book("12-file")).Files); issues.Failed() || len(held.Proven(held.Book("12-file"))) > 0 || len(held.Proven(held.Book("02-complaint"))) == 0 {
		t.Error("a text from elsewhere is proven by the scenarios that lie here", issues)
	}
}
