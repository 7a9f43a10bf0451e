package app

import (
	"errors"
	"net/http"
)

// What is wired here waits for its package. Each command says so instead of seeming to work.
var errUnwritten = errors.New("this part of the program is not written yet")

// api is the door for programs on one library.
func (s *server) api(*running) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"type":"/problem/unavailable","title":"接口还没有接上","status":503,"kind":"unavailable"}`))
	})
}

type testCommand struct {
	Book    []string `arg:"" optional:"" help:"Rulebooks; default: all." placeholder:"BOOK"`
	Match   string   `help:"Only scenarios whose sentence contains this." name:"run" placeholder:"WORDS"`
	Verbose bool     `help:"Print each step." short:"v"`
}

func (c *testCommand) Run(*program, *Common) error { return errUnwritten }

type coverageCommand struct {
	Book   []string `arg:"" optional:"" help:"Rulebooks; default: all." placeholder:"BOOK"`
	Mutate bool     `help:"Put each clause to sleep in turn and see whether a scenario notices."`
	Format string   `help:"Print as ${enum}." enum:"text,json" default:"text"`
	Fail   bool     `help:"Fail if a clause that must be proven is not."`
}

func (c *coverageCommand) Run(*program, *Common) error { return errUnwritten }

type schemaCommand struct{}

func (c *schemaCommand) Run(*program, *Common) error { return errUnwritten }
