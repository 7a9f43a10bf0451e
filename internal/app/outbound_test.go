package app_test

import (
	"go/ast"
	"path"
	"strings"
	"testing"
)

// speakers may open a connection to another machine or start another program, each with its reason. Package auth may,
// because single sign-on asks its provider; package alert, because it carries notices out, and its guard judges each address;
// package attach, because it asks the house's virus scanner; package witness, because it asks the server it watches; package span, because it sends traces to the
// operator's collector; the database's own connection is the driver's.
var speakers = map[string]bool{"internal/auth": true, "internal/alert": true, "internal/attach": true, "internal/witness": true, "internal/span": true}

// ways out of the process, by package and name.
var waysOut = map[string][]string{
	"http": {"Client", "Get", "Post", "PostForm", "Head", "DefaultClient", "DefaultTransport", "Transport", "NewRequest", "NewRequestWithContext"},
	"net":  {"Dial", "DialTimeout", "Dialer", "DialTCP", "DialUDP", "DialUnix"},
	"tls":  {"Dial", "Dialer", "DialWithDialer"},
	"smtp": {"SendMail", "NewClient", "Dial"},
	"exec": {"Command", "CommandContext"},
}

// Ensure that a refused request cannot have sent anything: outside the listed packages no code has a way out of the
// process, so there is no packet to look for.
func TestNothingLeaves(t *testing.T) {
	files, set := goFiles(t)
	for name, f := range files {
		if dir := path.Dir(name); speakers[dir] || testSupport[dir] {
			continue
		}
		known := map[string]string{}
		for _, i := range f.Imports {
			p := strings.Trim(i.Path.Value, `"`)
			local := path.Base(p)
			if i.Name != nil {
				local = i.Name.Name
			}
			switch p {
			case "net/http", "net", "crypto/tls", "net/smtp", "os/exec":
				known[local] = path.Base(p)
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := sel.X.(*ast.Ident)
			if !ok {
				return true
			}
			for _, way := range waysOut[known[pkg.Name]] {
				if sel.Sel.Name == way {
					t.Errorf("%s:%d: %s.%s is a way out of the process (see speakers)", name, set.Position(n.Pos()).Line, pkg.Name, way)
				}
			}
			return true
		})
	}
}
