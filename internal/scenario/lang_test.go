package scenario_test

import (
	"context"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"testing"

	"zhanggui/internal/scenario"
	"zhanggui/internal/testkit"
)

var extended = regexp.MustCompile(`(?:extends: |needs: \[)(\d[\w-]+)`)

// Ensure that the hard cases the language was tried on run from end to end: every scenario of theirs holds, none is idle, and
// each of their clauses is missed when it sleeps, but those that merely repeat another.
func TestLanguage(t *testing.T) {
	root := os.DirFS("testdata/lang")
	folders, err := fs.ReadDir(root, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range folders {
		t.Run(d.Name(), func(t *testing.T) {
			files := texts(t, root, d.Name())
			if m := extended.FindStringSubmatch(files[d.Name()+"/rulebook.yaml"]); m != nil {
				maps.Copy(files, texts(t, root, m[1]))
			}
			rep, err := scenario.Coverage(context.Background(), testkit.Load(t, files), []string{d.Name()}, true, func(int, int) {})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range rep.Failed {
				t.Errorf("failed: %s", f)
			}
			for _, i := range rep.Idle {
				t.Errorf("idle: %s", i)
			}
			for _, c := range rep.Clauses {
				if c.Verdict != scenario.Enforced && c.Verdict != scenario.Repeated {
					t.Errorf("%s is %s", c.ID, c.Verdict)
				}
			}
		})
	}
}
