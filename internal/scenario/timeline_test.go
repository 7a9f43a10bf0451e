package scenario_test

import (
	"context"
	"maps"
	"os"
	"path"
	"strings"
	"testing"

	"zhanggui/internal/scenario"
	"zhanggui/internal/testkit"
)

// Ensure that one set of facts has under each regulation the time limits that its text demands, counted by hand, to the instant.
func TestTimeline(t *testing.T) {
	facts, err := os.ReadFile("testdata/timeline/facts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadDir("testdata/timeline")
	if err != nil {
		t.Fatal(err)
	}
	files := texts(t, os.DirFS("../../rulebooks"), ".")
	for _, f := range list {
		book := strings.TrimSuffix(f.Name(), ".yaml")
		if book == "facts" {
			continue
		}
		t.Run(book, func(t *testing.T) {
			expected, err := os.ReadFile(path.Join("testdata/timeline", f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			more := maps.Clone(files)
			more[book+"/scenarios/timeline.yaml"] = string(expected) + string(facts)
			lib := testkit.Load(t, more)
			played := 0
			for _, s := range lib.Book(book).Scenarios {
				if path.Base(s.File) != "timeline.yaml" {
					continue
				}
				res, err := scenario.Run(context.Background(), lib, s, scenario.Options{})
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range res {
					played++
					if r.Failed != "" {
						t.Error(r.Failed)
					}
				}
			}
			if played != 1 {
				t.Errorf("%d played", played)
			}
		})
	}
}
