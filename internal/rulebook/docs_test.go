package rulebook_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"zhanggui/internal/rulebook"
)

var (
	example = regexp.MustCompile("(?s)```yaml rulebook\n(.*?)```")
	variant = regexp.MustCompile("(?s)```yaml variant\n(.*?)```")
)

// TestDocs: every example of the language's pages compiles as it stands there.
func TestDocs(t *testing.T) {
	pages, err := filepath.Glob("../../docs/rulebook/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal("no pages", err)
	}
	id := regexp.MustCompile(`clause: (x-\d+)`)
	for _, page := range pages {
		t.Run(strings.TrimSuffix(filepath.Base(page), ".md"), func(t *testing.T) {
			b, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range example.FindAllStringSubmatch(string(b), -1) {
				files := fstest.MapFS{}
				folder(t, files, "testdata/base", "base")
				clauses := map[string]bool{}
				text := ""
				for _, c := range id.FindAllStringSubmatch(m[1], -1) {
					if !clauses[c[1]] {
						clauses[c[1]] = true
						text += fmt.Sprintf("%s: {kind: gate, zh: 规定, en: A rule}\n", c[1])
					}
				}
				files["x/rulebook.yaml"] = &fstest.MapFile{Data: []byte("rulebook: {id: x, title: 试 | Trial, version: \"1\", needs: [base]}\n")}
				if text != "" {
					files["x/clauses.yaml"] = &fstest.MapFile{Data: []byte(text)}
				}
				files["x/example.yaml"] = &fstest.MapFile{Data: []byte(m[1])}
				if v := variant.FindStringSubmatch(string(b)); v != nil {
					files["y/rulebook.yaml"] = &fstest.MapFile{Data: []byte(v[1])}
					own := ""
					for _, c := range regexp.MustCompile(`y-\d+`).FindAllString(v[1], -1) {
						own += fmt.Sprintf("%s: {kind: gate, zh: 规定, en: A rule}\n", c)
					}
					files["y/clauses.yaml"] = &fstest.MapFile{Data: []byte(own)}
				}
				if _, issues := rulebook.Load(files); issues.Failed() {
					t.Errorf("%s", issues.Errors())
				}
			}
		})
	}
}
