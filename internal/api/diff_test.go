package api_test

import (
	"testing"

	"zhanggui/internal/testkit"
)

// Ensure that two rulebooks are laid side by side for whoever has signed in, and that it is said why two cannot be.
func TestDiff(t *testing.T) { testkit.Databases(t, diffOn) }

func diffOn(t *testing.T, dsn string) {
	s := openOn(t, dsn)
	wang := s.signIn("wang")
	t.Run("OK", func(t *testing.T) {
		r := wang.do("GET", "/api/rulebook/x/diff?with=x", nil).want(200)
		if r.text("left", "id") != "x" || r.text("right", "id") != "x" || r.text("count", "same") == "0" || r.text("count", "changed") != "0" || r.text("rows", 0, "status") != "same" {
			t.Errorf("a rulebook beside itself: %s", r.body)
		}
		if b := wang.do("GET", "/api/rulebook", nil).want(200); b.at(0, "related") == nil {
			t.Errorf("which can be compared is not said: %s", b.body)
		}
	})
	t.Run("ErrUnknown", func(t *testing.T) {
		wang.do("GET", "/api/rulebook/x/diff?with=nothing", nil).want(404)
		wang.do("GET", "/api/rulebook/nothing/diff?with=x", nil).want(404)
		wang.do("GET", "/api/rulebook/x/diff", nil).want(404)
	})
	t.Run("ErrUnrelated", func(t *testing.T) {
		if r := wang.do("GET", "/api/rulebook/x/diff?with=base", nil).want(400); r.text("items", 0, "field") != "with" {
			t.Errorf("said: %s", r.body)
		}
	})
}
