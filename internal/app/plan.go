package app

import (
	"errors"
	"fmt"

	"zhanggui/internal/store"
)

type planCommand struct {
	Store
	Demo bool `help:"Look at the demonstration's database." env:"ZHANGGUI_DEMO"`
}

// Run prints, one line a change, what the next start with these rulebooks will add to the database, and adds nothing.
func (c *planCommand) Run(p *program, common *Common) error {
	s := settings{Store: c.Store, Demo: c.Demo}
	s.demoDefaults()
	lib, db, err := p.openExisting(s.Database, common)
	if err != nil {
		return err
	}
	changes, err := db.Plan(p.ctx, tables(lib))
	if err != nil {
		return errors.Join(err, db.Close())
	}
	for _, x := range changes {
		fmt.Fprintln(p.out, x.Describe())
	}
	fmt.Fprintln(p.out, planned(changes))
	return db.Close()
}

func planned(changes []store.Change) string {
	if len(changes) == 0 {
		return "nothing to add: the database is as this program needs it"
	}
	return fmt.Sprintf("to add: %d; no data that is there is altered or removed", len(changes))
}
