package app_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// direction says which packages of the house each may know. What is not listed may not be imported; a
// package that is not listed may not exist. Tests may import what they like.
var direction = map[string][]string{
	"internal/app":          {"*"},
	"internal/api":          {"alert", "attach", "auth", "engine", "job", "rulebook", "fault", "journal", "calendar"},
	"internal/alert":        {"store", "keep", "query", "fault"}, // carries notices out
	"internal/job":          {"store", "keep", "query", "fault"}, // what takes longer than a request
	"internal/attach":       {"fault"},                           // what may come in as an attachment
	"internal/auth":         {"store", "query", "fault"},
	"internal/keep":         {"store", "query", "fault"}, // keys and ciphers stand apart, so that there is one place to audit
	"internal/demo":         {"engine", "rulebook", "expr", "calendar", "fault"},
	"internal/scheduler":    {},
	"internal/engine":       {"rulebook", "expr", "store", "keep", "journal", "calendar", "query", "span", "fault"},
	"internal/scenario":     {"engine", "rulebook", "expr", "store", "journal", "calendar", "query", "fault"},
	"internal/rulebook":     {"expr", "calendar", "query", "fault"},
	"internal/expr":         {"calendar", "query"},
	"internal/store":        {"journal", "query", "span", "fault"},
	"internal/span":         {}, // follows a request
	"internal/gauge":        {}, // what an operator reads
	"internal/store/pgtest": {},
	"internal/store/faulty": {"store"},
	"internal/journal":      {},
	"internal/witness":      {"journal"},
	"internal/backup":       {},
	"internal/calendar":     {},
	"internal/query":        {},
	"internal/fault":        {},
	"internal/testkit":      {"*"},
	"internal/bench":        {"*"},
}

// bare packages know the standard library alone, or what stands beside them.
var bare = map[string]string{
	"internal/calendar": "", "internal/query": "", "internal/fault": "", "internal/scheduler": "",
	"internal/journal": "golang.org/x/mod/",
}

// sole importers: what else would leak out of the package that hides it.
var sole = map[string][]string{
	"cel.dev/cel-go":              {"internal/expr"},
	"database/sql":                {"internal/store", "internal/store/pgtest", "internal/store/faulty", "internal/testkit", "internal/bench"},
	"github.com/jackc/pgx":        {"internal/store", "internal/store/pgtest", "internal/bench"},
	"modernc.org/sqlite":          {"internal/store", "internal/store/faulty", "internal/bench"},
	"github.com/alecthomas/kong":  {"internal/app"},
	"golang.org/x/crypto":         {"internal/auth"},
	"github.com/wneessen/go-mail": {"internal/alert"},
	"crypto/aes":                  {"internal/keep", "internal/auth", "internal/alert"}, // the last: what a push service carries to a browser
	"crypto/cipher":               {"internal/keep", "internal/auth", "internal/alert"},
	"golang.org/x/oauth2":         {"internal/auth"},
	"github.com/coreos/go-oidc":   {"internal/auth"},
	"github.com/go-webauthn":      {"internal/auth"},
	"github.com/boombuler":        {"internal/auth"},
	"filippo.io/age":              {"internal/backup"},
	"github.com/prometheus":       {"internal/gauge"},
	"go.opentelemetry.io":         {"internal/span"},
}

// testSupport packages are not part of the program.
var testSupport = map[string]bool{"internal/testkit": true, "internal/store/pgtest": true, "internal/store/faulty": true, "internal/bench": true}

// clockReaders ask what time it is. Everywhere else time is an argument.
var clockReaders = []string{"Now", "Since", "Until"}

// regulation words belong to the law; code that knows one has stopped being an engine.
var regulation = regexp.MustCompile(`(?i)complaint|blacklist|waybill|test[ _-]?drive|showroom|precious|` +
	`客诉|投诉|黑名单|运单|试驾|展厅|贵金属|折让|退货|门岗|巡更|保安`)

// goFiles are the files of internal that are neither tests nor test data, parsed, by path.
func goFiles(t *testing.T) (map[string]*ast.File, *token.FileSet) {
	t.Helper()
	root := filepath.Join("..", "..")
	set := token.NewFileSet()
	files := map[string]*ast.File{}
	err := fs.WalkDir(os.DirFS(root), "internal", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || name == "internal/bench/peer") { // a module of its own
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(set, filepath.Join(root, filepath.FromSlash(name)), nil, parser.SkipObjectResolution)
		files[name] = f
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 50 {
		t.Fatalf("only %d files seen: this test looks in the wrong place", len(files))
	}
	return files, set
}

func TestImports(t *testing.T) {
	files, _ := goFiles(t)
	for name, f := range files {
		from := path.Dir(name)
		allowed, known := direction[from]
		if !known {
			t.Errorf("%s: the package %s has no place in the house (see direction)", name, from)
			continue
		}
		for _, spec := range f.Imports {
			to, _ := strconv.Unquote(spec.Path.Value)
			for lib, owners := range sole {
				if (to == lib || strings.HasPrefix(to, lib+"/")) && !slices.Contains(owners, from) {
					t.Errorf("%s imports %s, which is for %s alone", name, to, strings.Join(owners, ", "))
				}
			}
			inside, own := strings.CutPrefix(to, "zhanggui/")
			beside, isBare := bare[from]
			switch {
			case own && slices.Contains(allowed, "*"):
			case own && !slices.Contains(allowed, strings.TrimPrefix(inside, "internal/")):
				t.Errorf("%s imports %s; %s may know %v", name, to, from, allowed)
			case !own && isBare && strings.Contains(strings.Split(to, "/")[0], ".") && (beside == "" || !strings.HasPrefix(to, beside)):
				t.Errorf("%s imports %s; %s knows the standard library alone", name, to, from)
			}
		}
	}
}

func TestNobodyElseReadsTheClock(t *testing.T) {
	files, set := goFiles(t)
	for name, f := range files {
		if dir := path.Dir(name); dir == "internal/app" || testSupport[dir] {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "time" && slices.Contains(clockReaders, sel.Sel.Name) {
				t.Errorf("%s:%d: time.%s; time is an argument (only internal/app asks the clock)", name, set.Position(n.Pos()).Line, sel.Sel.Name)
			}
			return true
		})
	}
}

// Comments may take their examples from a regulation; names and texts of the code may not.
func TestNoWordOfARegulation(t *testing.T) {
	files, set := goFiles(t)
	for name, f := range files {
		if testSupport[path.Dir(name)] {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			text := ""
			switch n := n.(type) {
			case *ast.Ident:
				text = n.Name
			case *ast.BasicLit:
				text = n.Value
			}
			if w := regulation.FindString(text); w != "" {
				t.Errorf("%s:%d: %q is a word of a regulation and belongs into rulebooks", name, set.Position(n.Pos()).Line, w)
			}
			return true
		})
	}
}

// Ensure that nothing in the tree names the machine it was written on.
func TestNoMachinePaths(t *testing.T) {
	root := filepath.Join("..", "..")
	machine := regexp.MustCompile(`(^|[^\w.])/(root|home/\w+|work|Users/\w+)/`)
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch d.Name() {
		case ".git", "node_modules", "dist", "data", "bin":
			return fs.SkipDir
		}
		if d.IsDir() || name == "internal/app/imports_test.go" {
			return nil
		}
		switch path.Ext(name) {
		case ".go", ".yaml", ".md", ".sh", ".ts", ".tsx", ".mjs", ".json", "":
		default:
			return nil
		}
		b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		for i, line := range strings.Split(string(b), "\n") {
			if m := machine.FindString(line); m != "" {
				t.Errorf("%s:%d: a path of one machine: %s", name, i+1, m)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
