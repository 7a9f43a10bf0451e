package scenario_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"zhanggui/internal/rulebook"
	"zhanggui/internal/scenario"
	"zhanggui/internal/testkit"
)

// shop is the base rulebook with the small regulation of testdata, and more files of it.
func shop(t *testing.T, more map[string]string) *rulebook.Library {
	t.Helper()
	files := texts(t, os.DirFS("testdata"), "shop")
	for name, text := range more {
		files[name] = text
	}
	return testkit.Load(t, files)
}

// texts are the files of a folder, by path.
func texts(t *testing.T, root fs.FS, folder string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(root, folder, func(path string, d fs.DirEntry, err error) error {
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
	return files
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

// Ensure that a sample is drawn from each of its groups, so many or so many percent rounded up, and that a number that is a parameter
// follows the parameter.
func TestSample(t *testing.T) {
	lib := shop(t, map[string]string{"shop/sample.yaml": `
parameter:
  checked_share: {label: 抽查比例 | Share checked, type: number, value: 25}
checklist:
  each_taker: {label: 每人抽查 | Of each, of: call, by: chief, every: 1mo, sample: {count: 2, per: [this.taker, month]}, item: {a: {text: 甲 | A}}}
  a_share: {label: 按比例抽查 | A share, of: call, by: chief, every: 1mo, sample: {pct: param.checked_share}, item: {a: {text: 甲 | A}}}
`, "shop/scenarios/sample.yaml": `
- scenario: in each month two of each taker's calls, all if he has fewer, and a quarter of all
  clauses: [s-10]
  given: {now: 2026-03-20 09:00, people: {ma: chief@works, li: clerk@works, du: clerk@works}, is: {c: "5 * call {taker: li}", d: "{n} * call {taker: du}"}}
  when: [{clock: "2026-04-01 00:00:01"}]
  then: {is: {count.each_taker: "{each}", count.a_share: "{share}"}}
  cases: {columns: [n, each, share], rows: [["1", 6, 4], ["2", 8, 4], ["3", 8, 4], ["4", 8, 6]]}
`})
	all, err := scenario.RunAll(context.Background(), lib, []string{"shop"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, r := range all {
		if r.Failed != "" {
			t.Errorf("%s: %s: %s", r.Scenario.Key(), r.Title, r.Failed)
		}
		if strings.HasPrefix(r.Title, "in each month two of each taker's calls, all if he has fewer, and a quarter of all") {
			seen++
		}
	}
	if seen != 4 {
		t.Errorf("%d cases ran", seen)
	}
}
