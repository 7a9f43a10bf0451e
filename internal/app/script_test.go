package app_test

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"zhanggui/internal/app"
)

// The scripts of testdata/script run the binary as a person does at a prompt.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"zhanggui": func() { os.Exit(app.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true})
}
