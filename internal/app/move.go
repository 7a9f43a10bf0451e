package app

import (
	"context"
	"errors"
	"fmt"
	"os"

	"zhanggui/internal/store"
)

// metaMoved says in a database that it was moved elsewhere, and is history.
const metaMoved = "moved"

type moveCommand struct {
	From string `help:"Database that holds the data; stop the server first." required:"" placeholder:"ADDRESS"`
	To   string `help:"Empty database that is to hold it." required:"" placeholder:"ADDRESS"`
}

// Run moves an installation from one database to another. It is done whole, in one transaction of the target, and proven equal; a run
// that was cut off has left nothing there and can be repeated. The source is marked and no longer served.
func (c *moveCommand) Run(p *program, common *Common) error {
	lib, from, err := p.openExisting(c.From, common)
	if err != nil {
		return err
	}
	defer from.Close()
	if err := notMoved(p.ctx, from); err != nil {
		return err
	}
	if file, ok := sqliteFile(c.To); ok {
		if _, err := os.Stat(file); err == nil {
			return fmt.Errorf("%s exists; the target must be a new one", file)
		}
	}
	to, err := store.Open(p.ctx, c.To)
	if err != nil {
		return fmt.Errorf("database %s: %w", hideSecret(c.To), err)
	}
	defer to.Close()
	// Only the tables: what else a new installation writes about itself comes with the move.
	changes, err := to.Plan(p.ctx, tables(lib))
	if err == nil {
		err = to.Apply(p.ctx, changes)
	}
	if err != nil {
		return fmt.Errorf("database %s: %w", hideSecret(c.To), err)
	}
	moved, err := from.MoveTo(p.ctx, to)
	if err != nil {
		return fmt.Errorf("nothing was moved: %w", err)
	}
	if err := setMeta(p.ctx, from, metaMoved, hideSecret(c.To)); err != nil {
		return errors.Join(errors.New("the data was moved, but the source could not be marked: do not serve it again"), err)
	}
	fmt.Fprintf(p.out, "%d rows of %d tables moved to %s, equal on both sides (digest %s).\nThe source is kept and no longer served.\n", moved.Rows, moved.Tables, hideSecret(c.To), moved.Digest)
	return nil
}

// notMoved refuses a database that lives on elsewhere.
func notMoved(ctx context.Context, db *store.DB) error {
	to, err := meta(ctx, db, metaMoved)
	if err == nil && to != "" {
		err = fmt.Errorf("this database was moved to %s; what is done here would be lost", to)
	}
	return err
}
