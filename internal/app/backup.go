package app

import (
	"errors"
	"fmt"
	"os"

	"zhanggui/internal/store"
)

type backupCommand struct {
	Store
	File string `arg:"" help:"New file to write." placeholder:"FILE"`
	Demo bool   `help:"Copy the demonstration's database." env:"ZHANGGUI_DEMO"`
}

// Run copies the database while it is in use. To restore, stop the server and put the file in its place; the journal key is
// not in it and must be kept apart.
func (c *backupCommand) Run(p *program, _ *Common) error {
	s := settings{Store: c.Store, Demo: c.Demo}
	s.demoDefaults()
	file, ok := sqliteFile(s.Database)
	if !ok {
		return errors.New("PostgreSQL is copied with its own pg_dump or a base backup")
	}
	if _, err := os.Stat(file); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	if _, err := os.Stat(c.File); err == nil {
		return fmt.Errorf("%s exists; a backup never overwrites", c.File)
	}
	db, err := store.Open(p.ctx, s.Database)
	if err != nil {
		return err
	}
	if err := errors.Join(db.Backup(p.ctx, c.File), db.Close()); err != nil {
		return err
	}
	info, err := os.Stat(c.File)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%s, %.1f MB. The key of the journal is not in it: keep a copy of that file elsewhere.\n", c.File, float64(info.Size())/1e6)
	return nil
}
