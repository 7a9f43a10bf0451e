package app_test

import (
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"zhanggui/internal/app"
	"zhanggui/rulebooks"
)

// The scripts of testdata/script run the binary as a person does at a prompt.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"zhanggui": func() { os.Exit(app.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"ADDRESS", "METRICS"} {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					return err
				}
				env.Setenv(name, l.Addr().String())
				defer l.Close() // both are open at once, so that they differ
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"get": get, "damage": damage, "await": await, "books": books},
	})
}

// get PATH STATUS [REGEXP] asks the server of the script, which may still be starting.
func get(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: get PATH STATUS [REGEXP]")
	}
	var err error
	for range 2400 { // two minutes: the machine may be busy
		var r *http.Response
		if r, err = http.Get("http://" + ts.Getenv("ADDRESS") + args[0]); err != nil {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		b, err := io.ReadAll(r.Body)
		ts.Check(err)
		ts.Check(r.Body.Close())
		if got := fmt.Sprint(r.StatusCode); !regexp.MustCompile("^(" + args[1] + ")$").MatchString(got) {
			ts.Fatalf("%s: status %s\n%s", args[0], got, b)
		}
		if len(args) > 2 && !regexp.MustCompile(args[2]).Match(b) {
			ts.Fatalf("%s does not match %s:\n%s", args[0], args[2], b)
		}
		return
	}
	ts.Fatalf("no answer: %v", err)
}

// damage FROM TO cut|flip makes a backup that is not whole any more.
func damage(ts *testscript.TestScript, _ bool, args []string) {
	b := []byte(ts.ReadFile(args[0]))
	switch args[2] {
	case "cut":
		b = b[:len(b)*2/3]
	case "flip":
		b[len(b)/2] ^= 1
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b, 0o600))
}

// await FILE REGEXP waits until a file that a program writes has a line.
func await(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: await FILE REGEXP")
	}
	want, text := regexp.MustCompile(args[1]), ""
	for range 1200 {
		b, err := os.ReadFile(ts.MkAbs(args[0]))
		ts.Check(err)
		if text = string(b); want.MatchString(text) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("%s has no %s:\n%s", args[0], args[1], text)
}

// books DIR writes the base rulebook and a small one beside it.
func books(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	base, err := fs.Sub(rulebooks.FS, "base")
	ts.Check(err)
	ts.Check(os.CopyFS(filepath.Join(dir, "base"), base))
	ts.Check(os.MkdirAll(filepath.Join(dir, "x"), 0o755))
	ts.Check(os.WriteFile(filepath.Join(dir, "x", "rulebook.yaml"), []byte("rulebook: {id: x, title: 试 | Trial, version: \"1.0\"}\nform: {slip: {label: 单 | Slip, field: {name: {label: 名 | Name, type: text}}}}\n"), 0o600))
}
