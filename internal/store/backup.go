package store

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// Backup writes a consistent copy of a SQLite database to a new file while it is in use. PostgreSQL
// has its own tools for that.
func (db *DB) Backup(ctx context.Context, path string) error {
	l, ok := db.drv.(*lite)
	if !ok {
		return errUse("backup of PostgreSQL is the business of pg_dump or pg_basebackup")
	}
	if err := touch(path, os.O_EXCL); err != nil { // SQLite fills an empty file, and only an empty one
		return fmt.Errorf("store: backup: %w", err)
	}
	// A connection of its own: the copy takes long and nobody should wait for it.
	dsn := l.dsn
	if l.memory {
		if err := l.take(ctx); err != nil {
			return err
		}
		defer l.give()
		_, err := l.w.exec(ctx, "VACUUM INTO ?", []any{path})
		return err
	}
	c, err := connectLite(dsn, true, "busy_timeout = 5000")
	if err != nil {
		return err
	}
	_, err = c.exec(ctx, "VACUUM INTO ?", []any{path})
	return errors.Join(err, c.close())
}
