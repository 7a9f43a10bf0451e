package store

import (
	"context"
	"fmt"
)

// Lend gives a role of PostgreSQL what the program needs to work in tables that another role owns, and takes away what it may have
// had besides: rows of ordinary tables are read and written, those of written ones are added and read, and of these the one
// column that is filled later. It makes, changes and drops no table, trigger or index.
func (db *DB) Lend(ctx context.Context, tables []Table, role string) error {
	if db.drv.dialect() != postgres {
		return errUse("roles are PostgreSQL's: this is %s", db.Dialect())
	}
	return db.Write(ctx, func(tx *Tx) error {
		to := quote(role)
		steps := []string{"GRANT USAGE ON SEQUENCE " + quote(turnSequence) + " TO " + to}
		for _, name := range []string{codeTable, entryTable} { // what searching needs
			steps = append(steps, "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE "+quote(name)+" TO "+to)
		}
		for i := range tables {
			t := &tables[i]
			on := " ON TABLE " + quote(t.Name)
			steps = append(steps, "REVOKE ALL"+on+" FROM "+to)
			if !t.Written {
				steps = append(steps, "GRANT SELECT, INSERT, UPDATE, DELETE"+on+" TO "+to)
				continue
			}
			steps = append(steps, "GRANT SELECT, INSERT"+on+" TO "+to)
			for _, c := range t.Columns {
				if c.Once {
					steps = append(steps, "GRANT UPDATE ("+quote(c.Name)+")"+on+" TO "+to)
				}
			}
		}
		for _, sql := range steps {
			if _, err := tx.exec(sql, nil); err != nil {
				return fmt.Errorf("store: %s: %w", sql, err)
			}
		}
		return nil
	})
}
