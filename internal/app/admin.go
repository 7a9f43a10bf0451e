package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"zhanggui/internal/api"
	"zhanggui/internal/auth"
	"zhanggui/internal/engine"
	"zhanggui/internal/rulebook"
)

type adminCommand struct {
	Create adminCreate `cmd:"" help:"Make an administrator; asks for the password."`
	Reset  adminReset  `cmd:"" help:"Print a link with which an account gets a new password, once, within 15 minutes."`
	Accept acceptLoss  `cmd:"" name:"accept-loss" help:"Go on after an older copy of the database was put back."`
}

// office is an installation opened for one command.
type office struct {
	house
	p    *program
	keys *keyring
}

func (p *program) office(common *Common, at Store) (*office, error) {
	fsys, err := common.books()
	if err != nil {
		return nil, err
	}
	lib, err := p.load(fsys)
	if err != nil {
		return nil, err
	}
	db, err := p.open(p.ctx, at.Database, lib)
	if err != nil {
		return nil, err
	}
	o := &office{p: p, house: house{db: db, lib: lib}}
	if o.keys, err = p.keyring(p.ctx, at.Keys, at.Database, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	clock, err := newClock(p.ctx, db, "", nil)
	if err == nil {
		o.now = clock.Now()
		o.engine, err = p.engine(p.ctx, db, lib, o.keys, engine.Options{})
	}
	if err != nil {
		return nil, errors.Join(err, o.close())
	}
	return o, nil
}

func (o *office) close() error { return errors.Join(o.keys.Close(), o.db.Close()) }

type adminCreate struct {
	Store
	Account string `help:"Name to sign in with." required:"" placeholder:"NAME"`
	Name    string `help:"Name of the person." required:"" placeholder:"姓名"`
	Company string `help:"Name of the company; needed the first time." placeholder:"公司"`
	Length  int    `help:"Characters the password has at least." name:"password-length" default:"12" env:"ZHANGGUI_PASSWORD_LENGTH"`
}

func (c *adminCreate) Run(p *program, common *Common) error {
	o, err := p.office(common, c.Store)
	if err != nil {
		return err
	}
	return errors.Join(c.run(o), o.close())
}

func (c *adminCreate) run(o *office) error {
	ctx := o.p.ctx
	account := strings.ToLower(strings.TrimSpace(c.Account))
	old, err := o.find(ctx, "base.person", map[string]any{"account": account})
	if err != nil {
		return err
	}
	empty, err := auth.New(o.db, newDirectory(o.lib), auth.Options{Zone: zone()}).Empty(ctx)
	if err != nil {
		return err
	}
	if old != "" && !empty {
		return fmt.Errorf("the account %s exists already; `zhanggui admin reset` gives it a new password", account)
	}
	unit, err := o.find(ctx, "base.unit", map[string]any{"parent": nil})
	if err != nil {
		return err
	}
	if unit == "" && c.Company == "" { // said before the password is asked for
		return errors.New("name the company: --company")
	}
	password, err := askPassword(ctx, o.p.in, o.p.err)
	if err != nil {
		return err
	}
	if err := o.found(ctx, api.Founder{Company: c.Company, Name: c.Name, Account: account, Password: password}, auth.Policy{Min: c.Length}); err != nil {
		return err
	}
	fmt.Fprintf(o.p.out, "%s (%s) may sign in and administer. Next: zhanggui adopt, zhanggui serve\n", c.Name, account)
	return nil
}

type adminReset struct {
	Store
	Account string `help:"Account to open again." required:"" placeholder:"NAME"`
	Base    string `help:"Address people type." name:"url" placeholder:"URL" env:"ZHANGGUI_URL"`
	Factors bool   `help:"Also forget the second factors, for somebody who lost them: from the next sign-in he enrols anew." name:"second-factor"`
}

func (c *adminReset) Run(p *program, common *Common) error {
	o, err := p.office(common, c.Store)
	if err != nil {
		return err
	}
	run := func() error {
		id, err := o.find(p.ctx, "base.person", map[string]any{"account": strings.ToLower(strings.TrimSpace(c.Account))})
		if err != nil {
			return err
		}
		if id == "" {
			return fmt.Errorf("there is no account %s", c.Account)
		}
		door := auth.New(o.db, newDirectory(o.lib), auth.Options{Zone: zone(), Base: strings.TrimRight(c.Base, "/")})
		system := engine.Actor{System: true, Origin: "system"}
		if c.Factors {
			if err := door.ForgetFactors(p.ctx, id); err != nil {
				return err
			}
			if err := o.engine.Note(p.ctx, o.now, system, "base.person", id, "factor_reset", nil); err != nil {
				return err
			}
		}
		token, until, err := door.NewReset(p.ctx, o.now, id)
		if err != nil {
			return err
		}
		if err := o.engine.Note(p.ctx, o.now, system, "base.person", id, "reset", nil); err != nil {
			return err
		}
		fmt.Fprintln(p.out, door.ResetLink(token))
		fmt.Fprintf(p.err, "Good once, until %s. The second factor, if there is one, is asked for as ever.\n", until.In(zone()).Format("15:04"))
		return nil
	}
	return errors.Join(run(), o.close())
}

// askPassword asks twice on a terminal, and reads one line from anything else.
func askPassword(_ context.Context, in io.Reader, prompt io.Writer) (string, error) {
	f, ok := in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			return "", errors.Join(errors.New("a password is expected on standard input"), ignoreEOF(err))
		}
		return line, nil
	}
	ask := func(what string) (string, error) {
		fmt.Fprint(prompt, what)
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(prompt)
		return string(b), err
	}
	first, err := ask("Password: ")
	if err != nil {
		return "", err
	}
	second, err := ask("Again: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two are not the same")
	}
	return first, nil
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

type adoptCommand struct {
	Store
	Book string `arg:"" help:"Rulebook, as its folder is called." placeholder:"BOOK"`
	Unit string `help:"Name of the unit; default: the whole company." placeholder:"NAME"`
	From string `help:"First day in force (2026-04-01); default: today." placeholder:"DATE"`
}

func (c *adoptCommand) Run(p *program, common *Common) error {
	o, err := p.office(common, c.Store)
	if err != nil {
		return err
	}
	return errors.Join(c.run(o), o.close())
}

func (c *adoptCommand) run(o *office) error {
	var book *rulebook.Book
	var ids []string
	for _, b := range o.lib.Books {
		ids = append(ids, b.ID)
		if b.ID == c.Book {
			book = b
		}
	}
	if book == nil {
		return fmt.Errorf("there is no rulebook %s; there are: %s", c.Book, strings.Join(ids, ", "))
	}
	root := map[string]any{"parent": nil}
	if c.Unit != "" {
		root = map[string]any{"name": c.Unit}
	}
	unit, err := o.find(o.p.ctx, "base.unit", root)
	if err != nil {
		return err
	}
	if unit == "" {
		return errors.New("there is no such unit yet; `zhanggui admin create` makes the company")
	}
	from := c.From
	if from == "" {
		from = o.date()
	}
	if _, err := o.create(o.p.ctx, "base.adoption", map[string]any{"unit": unit, "book": book.ID, "version": book.Version, "from": from}); err != nil {
		return err
	}
	fmt.Fprintf(o.p.out, "%s %s is in force from %s\n", book.ID, book.Version, from)
	return nil
}
