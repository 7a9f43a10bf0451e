package app

import "fmt"

type lendCommand struct {
	Database string `help:"PostgreSQL, as the role that is to own the tables." required:"" placeholder:"ADDRESS" env:"ZHANGGUI_OWNER_DATABASE"`
	To       string `help:"Role the server works as." required:"" placeholder:"ROLE"`
}

// Run brings the tables up to date in their owner's name and lets another role work in them, so that the server's own password opens
// neither the schema nor the journal's past. It is repeated before each new version of the program.
func (c *lendCommand) Run(p *program, common *Common) error {
	fsys, err := common.books()
	if err != nil {
		return err
	}
	lib, err := p.load(fsys)
	if err != nil {
		return err
	}
	db, err := p.open(p.ctx, c.Database, lib)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Lend(p.ctx, tables(lib), c.To); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "The tables are up to date and lent to the role %s: serve with --database naming it.\n", c.To)
	return nil
}
