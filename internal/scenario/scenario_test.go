package scenario_test

import (
	"context"
	"strings"
	"testing"

	"zhanggui/internal/rulebook"
	"zhanggui/internal/scenario"
	"zhanggui/rulebooks"
)

// Ensure that the runner can fail: a wrong refusal, a wrong figure, an effect too many, and a clause that
// sleeps are each noticed, and the same scenario holds when it is right.
func TestBench_Notices(t *testing.T) {
	lib, issues := rulebook.Load(rulebooks.FS)
	if issues.Failed() {
		t.Fatal(issues.Errors())
	}
	ctx := context.Background()
	bench, err := scenario.NewBench(ctx, lib)
	if err != nil {
		t.Fatal(err)
	}
	defer bench.Close()
	given := map[string]any{"now": "2026-03-02 09:00", "people": map[string]any{"wang": "production_control@works", "chen": "sales@works"}, "is": map[string]any{"c": "complaint.received"}}
	register := map[string]any{"wang": "register c"}
	cases := []struct {
		name   string
		step   map[string]any
		then   map[string]any
		asleep map[string]bool
		want   string
	}{
		{"holds", register, map[string]any{"is": map[string]any{"c.number": "260301"}}, nil, ""},
		{"wrong number", register, map[string]any{"is": map[string]any{"c.number": "260302"}}, nil, "should be"},
		{"wrong clause", map[string]any{"chen": "register c", "refused": "14-4"}, nil, nil, "should be refused by 14-4"},
		{"not refused", map[string]any{"wang": "register c", "refused": "14-9.3a"}, nil, nil, "but was done"},
		{"effects missing", register, map[string]any{"effects": []any{}}, nil, "effects, should be 0"},
		{"asleep", map[string]any{"chen": "register c", "refused": "14-9.3a"}, nil, map[string]bool{"14-9.3a": true}, "but was done"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := &rulebook.Scenario{Name: c.name, Book: lib.Book("14-complaint"), Given: given, When: []any{c.step}, Then: c.then}
			got := bench.Play(ctx, s, c.asleep)[0].Failed
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Fatalf("got %q, want %q", got, c.want)
			}
		})
	}
}
