package app

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"

	"zhanggui/internal/rulebook"
	"zhanggui/internal/scenario"
)

type testCommand struct {
	Book    []string `arg:"" optional:"" help:"Rulebooks; default: all." placeholder:"BOOK"`
	Match   string   `help:"Only scenarios whose sentence contains this." name:"run" placeholder:"WORDS"`
	Verbose bool     `help:"Print each step." short:"v"`
}

func (c *testCommand) Run(p *program, common *Common) error {
	fsys, err := common.books()
	if err != nil {
		return err
	}
	lib, err := p.loadPlayed(fsys)
	if err != nil {
		return err
	}
	passed, failed := 0, 0
	_, err = scenario.RunAll(p.ctx, lib, c.Book, func(r scenario.Result) {
		if c.Match != "" && !strings.Contains(r.Title, c.Match) {
			return
		}
		if r.Failed == "" {
			passed++
			if c.Verbose {
				fmt.Fprintln(p.out, "holds ", r.Title)
			}
			return
		}
		failed++
		fmt.Fprintf(p.out, "%s: %s\n    %s\n", r.Scenario.Key(), r.Title, r.Failed)
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		return errFailed
	}
	return nil
}

type coverageCommand struct {
	Book   []string `arg:"" optional:"" help:"Rulebooks; default: all." placeholder:"BOOK"`
	Mutate bool     `help:"Put each clause to sleep in turn and see whether a scenario notices."`
	Shift  bool     `help:"Shift each number by one, each comparison by its boundary, leave out each person, and print what no scenario notices. Takes minutes a book." name:"boundaries"`
	Format string   `help:"Print as ${enum}." enum:"text,json" default:"text"`
}

func (c *coverageCommand) Run(p *program, common *Common) error {
	fsys, err := common.books()
	if err != nil {
		return err
	}
	lib, err := p.loadPlayed(fsys)
	if err != nil {
		return err
	}
	if c.Shift {
		return c.boundaries(p, fsys)
	}
	rep, err := scenario.Coverage(p.ctx, lib, c.Book, c.Mutate)
	if err != nil {
		return err
	}
	if c.Format == "json" {
		b, err := rep.JSON()
		if err != nil {
			return err
		}
		fmt.Fprintln(p.out, string(b))
	} else {
		fmt.Fprint(p.out, rep.Text())
	}
	if c.Mutate && !rep.OK() {
		return errFailed
	}
	return nil
}

func (c *coverageCommand) boundaries(p *program, fsys fs.FS) error {
	tried, unseen := 0, 0
	err := scenario.Boundaries(p.ctx, fsys, c.Book, func(s scenario.Shift) {
		if tried++; s.By == "" {
			unseen++
			fmt.Fprintln(p.out, s.Words())
		}
	})
	fmt.Fprintf(p.out, "%s tried, %d noticed by no scenario\n", plural(tried, "change"), unseen)
	return err
}

type diffCommand struct {
	Left   string `arg:"" help:"A rulebook." placeholder:"BOOK"`
	Right  string `arg:"" help:"The rulebook beside it." placeholder:"BOOK"`
	Format string `help:"Print as ${enum}." enum:"text,json" default:"text"`
	Lang   string `help:"Print the text in ${enum}." enum:"zh,en" default:"zh"`
}

func (c *diffCommand) Run(p *program, common *Common) error {
	fsys, err := common.books()
	if err != nil {
		return err
	}
	lib, err := p.load(fsys)
	if err != nil {
		return err
	}
	d, err := lib.Diff(c.Left, c.Right)
	if err != nil {
		return err
	}
	if c.Format == "json" {
		b, err := json.MarshalIndent(d, "", "  ")
		if err != nil {
			return err
		}
		fmt.Fprintln(p.out, string(b))
		return nil
	}
	fmt.Fprint(p.out, d.Print(c.Lang == "en"))
	return nil
}

type schemaCommand struct{}

func (c *schemaCommand) Run(p *program, _ *Common) error {
	_, err := p.out.Write(append(rulebook.JSONSchema(), '\n'))
	return err
}
