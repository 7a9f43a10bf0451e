package app

import (
	"fmt"
	"io/fs"
	"os"

	"zhanggui/internal/rulebook"
	"zhanggui/rulebooks"
)

// books is the folder of rulebooks: the built-in one, or the one that was named.
func (c *Common) books() (fs.FS, error) {
	if c.Rulebooks == "" {
		return rulebooks.FS, nil
	}
	return folder(c.Rulebooks)
}

func folder(dir string) (fs.FS, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("rulebooks: %s is not a folder", dir)
	}
	return os.DirFS(dir), nil
}

// load compiles the rulebooks. What is wrong is printed whole; nothing starts on half a law.
func (p *program) load(fsys fs.FS) (*rulebook.Library, error) {
	return p.whole(rulebook.LoadLaw(fsys, nil))
}

// loadPlayed is load with the scenarios.
func (p *program) loadPlayed(fsys fs.FS) (*rulebook.Library, error) {
	return p.whole(rulebook.Load(fsys))
}

func (p *program) whole(lib *rulebook.Library, issues rulebook.Issues) (*rulebook.Library, error) {
	if issues.Failed() {
		fmt.Fprintln(p.err, issues.Errors().Error())
		fmt.Fprintf(p.err, "\n%s. `zhanggui check` shows them again, with warnings.\n", plural(len(issues.Errors()), "mistake"))
		return nil, errFailed
	}
	return lib, nil
}

func plural(n int, word string) string {
	if n == 1 {
		return fmt.Sprint(n, " ", word)
	}
	return fmt.Sprint(n, " ", word, "s")
}

type checkCommand struct {
	Quiet bool `help:"Print mistakes only, no warnings." short:"q"`
}

func (c *checkCommand) Run(p *program, common *Common) error {
	fsys, err := common.books()
	if err != nil {
		return err
	}
	lib, issues := rulebook.Load(fsys)
	errs, warnings := issues.Errors(), issues.Warnings()
	if len(errs) > 0 {
		fmt.Fprintln(p.out, errs.Error())
	}
	if len(warnings) > 0 && !c.Quiet {
		fmt.Fprintln(p.out, warnings.Error())
	}
	if len(errs) > 0 {
		fmt.Fprintf(p.out, "\n%s, %s\n", plural(len(errs), "mistake"), plural(len(warnings), "warning"))
		return errFailed
	}
	for _, b := range lib.Books {
		fmt.Fprintf(p.out, "%-16s %s: %s, %s, %s\n", b.ID, b.Version, plural(len(b.Clauses), "clause"), plural(len(b.Forms), "form"),
			plural(len(b.Scenarios), "scenario"))
	}
	fmt.Fprintf(p.out, "no mistake, %s\n", plural(len(warnings), "warning"))
	return nil
}
