package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	lib "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"
)

// Duplicate is the error of a row that breaks a unique index or the primary key (Index "primary").
type Duplicate struct {
	Table   string
	Index   string // as declared
	Columns []string
	err     error
}

func (d *Duplicate) Error() string {
	return fmt.Sprintf("store: %s has this (%s) already: index %s", d.Table, strings.Join(d.Columns, ", "), d.Index)
}

func (d *Duplicate) Unwrap() error { return d.err }

// NotOwner tells whether PostgreSQL refused because the role may not do such a thing to a table.
func NotOwner(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "42501"
}

// AsDuplicate finds a *Duplicate in an error, nil if there is none.
func AsDuplicate(err error) *Duplicate {
	var d *Duplicate
	if errors.As(err, &d) {
		return d
	}
	return nil
}

// translate recognises broken unique indexes by the database's code, never by its language.
func (tx *Tx) translate(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23505" {
		d := &Duplicate{Table: pg.TableName, err: err}
		if t := tx.schema.tables[pg.TableName]; t != nil {
			if x, ok := t.indexes[pg.ConstraintName]; ok {
				d.Columns = x.columns
			}
			d.name(tx.db, t, pg.ConstraintName)
		}
		return d
	}
	var lite *lib.Error
	if !errors.As(err, &lite) {
		return err
	}
	switch lite.Code() {
	case codes.SQLITE_CONSTRAINT_UNIQUE, codes.SQLITE_CONSTRAINT_PRIMARYKEY, codes.SQLITE_CONSTRAINT_ROWID:
	default:
		return err
	}
	// SQLite names the columns, not the index: "… failed: table.a, table.b (2067)".
	d := &Duplicate{err: err}
	text := lite.Error()
	text = text[strings.LastIndex(text, ": ")+2:]
	if i := strings.LastIndex(text, " ("); i > 0 {
		text = text[:i]
	}
	for _, part := range strings.Split(text, ", ") {
		table, name, _ := strings.Cut(part, ".")
		d.Table, d.Columns = table, append(d.Columns, name)
	}
	if t := tx.schema.tables[d.Table]; t != nil {
		for name, x := range t.indexes {
			if x.unique && slices.Equal(x.columns, d.Columns) {
				d.name(tx.db, t, name)
			}
		}
		if d.Index == "" && slices.Equal(t.primary, d.Columns) {
			d.Index = "primary"
		}
	}
	return d
}

// name finds the declared name of a physical index.
func (d *Duplicate) name(db *DB, t *table, physical string) {
	if declared, ok := db.names.Load(physical); ok {
		d.Index, _ = declared.(string)
		return
	}
	if slices.Equal(t.primary, t.indexes[physical].columns) && !strings.HasPrefix(physical, "ix_") {
		d.Index = "primary"
		return
	}
	// Planned by an earlier program: the name without our prefix and digest.
	d.Index = strings.TrimPrefix(physical, "ix_")
	if i := strings.LastIndex(d.Index, "_"); i > 0 {
		d.Index = d.Index[:i]
	}
}

// again tells whether PostgreSQL asks for the transaction to be run once more.
func again(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// away tells whether the database cannot be reached or is busy, as opposed to being asked nonsense.
func away(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		// Connection lost, too many of them, shutting down or starting; a standby that is asked to write; a transaction
		// that the server ended because its node stood still.
		return strings.HasPrefix(pg.Code, "08") || strings.HasPrefix(pg.Code, "53") || strings.HasPrefix(pg.Code, "57P") || pg.Code == "25006" || pg.Code == "25P03"
	}
	var connect *pgconn.ConnectError
	var network net.Error
	if errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	var lite *lib.Error
	if errors.As(err, &lite) {
		primary := lite.Code() & 0xff
		return primary == codes.SQLITE_BUSY || broken(err)
	}
	return errors.Is(err, errFailed)
}

// broken tells whether the disk or the file failed. After that nothing may be acknowledged until a
// restart has recovered the file: a sync that failed once may report success the next time although
// the data is gone.
func broken(err error) bool {
	var lite *lib.Error
	if !errors.As(err, &lite) {
		return false
	}
	switch lite.Code() & 0xff {
	case codes.SQLITE_IOERR, codes.SQLITE_FULL, codes.SQLITE_CORRUPT, codes.SQLITE_READONLY, codes.SQLITE_NOTADB, codes.SQLITE_CANTOPEN:
		return true
	}
	return false
}

// errFailed is answered to every Write after the disk has failed.
var errFailed = errors.New("store: writing has stopped after a storage error; restart the program")
