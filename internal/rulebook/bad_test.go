package rulebook_test

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"zhanggui/internal/rulebook"
)

var update = flag.Bool("update", false, "write what the compiler says into want.txt")

// folder puts a directory of the disk under a name in a file system.
func folder(t *testing.T, m fstest.MapFS, dir, name string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, ".yaml") {
			return err
		}
		b, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		m[name+"/"+filepath.ToSlash(rel)] = &fstest.MapFile{Data: b}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestBadBooks: each mistake draws exactly its message, at its place.
func TestBadBooks(t *testing.T) {
	dirs, err := os.ReadDir("testdata/bad")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		t.Run(d.Name(), func(t *testing.T) {
			dir := filepath.Join("testdata/bad", d.Name())
			m := fstest.MapFS{}
			folder(t, m, "testdata/base", "base")
			folder(t, m, dir, "x")
			_, issues := rulebook.Load(m)
			got := issues.Error() + "\n"
			file := filepath.Join(dir, "want.txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("the compiler says\n%s\nwanted\n%s", got, want)
			}
			if len(issues) == 0 {
				t.Error("no issue at all")
			}
		})
	}
}
