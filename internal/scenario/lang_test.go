package scenario_test

import (
	"context"
	"io/fs"
	"os"
	"testing"

	"zhanggui/internal/scenario"
	"zhanggui/internal/testkit"
)

// Ensure that constructs which other regulations need run, not only compile: each clause of the trial book is enforced.
func TestLanguage(t *testing.T) {
	files := map[string]string{}
	root := os.DirFS("testlang")
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(root, path)
		files[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	rep, err := scenario.Coverage(context.Background(), testkit.Load(t, files), []string{"lang"}, true, func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range rep.Clauses {
		if c.Verdict != scenario.Enforced {
			t.Errorf("%s is %s: %s", c.ID, c.Verdict, c.By)
		}
	}
	for _, x := range append(rep.Failed, rep.Idle...) {
		t.Error(x)
	}
}
