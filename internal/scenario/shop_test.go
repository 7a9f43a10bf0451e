package scenario_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"testing"

	"zhanggui/internal/rulebook"
	"zhanggui/internal/scenario"
	"zhanggui/internal/testkit"
)

// shop is the base rulebook with the small regulation of testdata, and more files of it.
func shop(t *testing.T, more map[string]string) *rulebook.Library {
	t.Helper()
	files := map[string]string{}
	root := os.DirFS("testdata")
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
	for name, text := range more {
		files[name] = text
	}
	return testkit.Load(t, files)
}

// Ensure that every scenario of the shop holds.
func TestRunAll_Holds(t *testing.T) {
	all, err := scenario.RunAll(context.Background(), shop(t, nil), []string{"shop"}, nil)
	if err != nil || len(all) == 0 {
		t.Fatal(err)
	}
	for _, r := range all {
		if r.Failed != "" {
			t.Errorf("%s: %s: %s", r.Scenario.Key(), r.Title, r.Failed)
		}
	}
}

var example = regexp.MustCompile("(?s)```yaml scenario\n(.*?)```")

// Ensure that every example of the scenario's page holds as it stands there, and that each proves something.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/rulebook/scenario.md")
	if err != nil {
		t.Fatal(err)
	}
	found := example.FindAllSubmatch(page, -1)
	if len(found) < 5 {
		t.Fatalf("%d examples", len(found))
	}
	more := map[string]string{}
	for i, m := range found {
		more[fmt.Sprintf("shop/scenarios/page%d.yaml", i)] = string(m[1])
	}
	rep, err := scenario.Coverage(context.Background(), shop(t, more), []string{"shop"}, true)
	if err != nil || len(rep.Failed)+len(rep.Idle) > 0 {
		t.Error(err, rep.Failed, rep.Idle)
	}
}
