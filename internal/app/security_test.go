package app_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Ensure that every test which the papers on security name is there, and that every planted fault still fits its place and names a
// test: a paper that promises a test nobody runs is worse than none.
func TestSecurityPapers(t *testing.T) {
	root := filepath.Join("..", "..")
	tests := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	if err := filepath.WalkDir(filepath.Join(root, "internal"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(b, -1) {
			tests[string(m[1])] = true
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	// there tells whether a name is a test's, or that of a family of tests (TestMatrix_*).
	there := func(name string) bool {
		name, _, _ = strings.Cut(name, "/") // a test's part
		if tests[name] {
			return true
		}
		for full := range tests {
			if strings.HasPrefix(full, strings.TrimSuffix(name, "_")+"_") {
				return true
			}
		}
		return false
	}
	named := regexp.MustCompile(`\bTest[A-Z]\w*`)
	count := 0
	papers, err := filepath.Glob(filepath.Join(root, "docs", "security*.md"))
	if err != nil || len(papers) < 2 {
		t.Fatalf("%v %v", papers, err)
	}
	for _, paper := range papers {
		b, err := os.ReadFile(paper)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range named.FindAllString(string(b), -1) {
			if count++; !there(name) {
				t.Errorf("%s names %s, which is not there", filepath.Base(paper), name)
			}
		}
	}
	if count < 100 {
		t.Errorf("%d names are found: the papers are read wrongly", count)
	}

	faults, err := filepath.Glob(filepath.Join(root, ".ci", "planted", "*.diff"))
	if err != nil || len(faults) < 10 {
		t.Fatalf("%v %v", faults, err)
	}
	for _, fault := range faults {
		b, err := os.ReadFile(fault)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfter(string(b), "\n")
		if fields := strings.Fields(lines[1]); len(fields) < 3 || !there(fields[2]) || slices.ContainsFunc(fields[3:], func(s string) bool { return !strings.HasPrefix(s, "-") }) {
			t.Errorf("%s names no test that is there: %s", filepath.Base(fault), lines[1])
		}
		var text, old string
		fits := func() {
			if old != "" && !strings.Contains(text, old) {
				t.Errorf("%s no longer fits its place:\n%s", filepath.Base(fault), old)
			}
			old = ""
		}
		for _, line := range lines[2:] {
			switch name, is := strings.CutPrefix(line, "+++ b/"); {
			case is:
				fits()
				b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(strings.TrimSpace(name))))
				if err != nil {
					t.Fatalf("%s: %v", fault, err)
				}
				text = string(b)
			case strings.HasPrefix(line, "--- a/"), strings.HasPrefix(line, "@@"):
				fits()
			case strings.HasPrefix(line, " "), strings.HasPrefix(line, "-"):
				old += line[1:]
			}
		}
		fits()
	}
}
