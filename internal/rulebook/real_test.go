package rulebook_test

import (
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
