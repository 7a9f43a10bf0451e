// Package store keeps the house's tables in SQLite or PostgreSQL, and holds the only SQL there is.
// Callers speak of tables, rows and questions (package query); both databases give the same answers.
//
// Everything happens in a transaction: Write for acts, Read for a consistent look. What Write has
// answered with nil survives the end of the process and of the power.
package store

import (
	"cmp"
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"zhanggui/internal/fault"
	"zhanggui/internal/span"
)

// DB is an open database.
type DB struct {
	drv    driver
	schema *atomic.Pointer[schema] // what is there, read at Open and after Apply
	names  *sync.Map               // physical index name → the name it was declared under
	acts   atomic.Int64
	kept   *keeping // what the journal tells of

	statements atomic.Int64
}

// driver is what the two databases do differently. A session is one open transaction.
type driver interface {
	dialect() dialect
	// write runs fn in a transaction of its own and answers after the commit is durable. fn may run again.
	write(ctx context.Context, fn func(session) error) error
	// read runs fn on a consistent snapshot.
	read(ctx context.Context, fn func(session) error) error
	commits() [groups]int64 // by how many shared one
	failed() error
	warnings(ctx context.Context) ([]string, error)
	sandbox(ctx context.Context) (driver, func(), error)
	close() error
}

// session runs statements. Answers are drained before it returns, so statements never overlap.
type session interface {
	query(ctx context.Context, sql string, args []any, out []column) ([]Row, error)
	exec(ctx context.Context, sql string, args []any) (int64, error)
	// execMany runs one statement with each list of arguments.
	execMany(ctx context.Context, sql string, args [][]any) (int64, error)
}

// column is the name and kind of one value of an answer; the kind tells a bool from an int on SQLite.
type column struct {
	name string
	kind Kind
}

// dialect is which SQL is spoken.
type dialect string

const (
	sqlite   dialect = "sqlite"
	postgres dialect = "postgres"
)

type options struct {
	unsafe bool
	lite   func(sqldriver.Conn) sqldriver.Conn
	net    func(net.Conn) net.Conn
}

// Option tunes Open.
type Option func(*options)

// AllowUnsafe lets PostgreSQL run with settings under which an acknowledged act can be lost. It is
// for tests; the same is said by allow_unsafe=1 in the address.
func AllowUnsafe() Option { return func(o *options) { o.unsafe = true } }

// Through puts a layer on the way to the disk or the network: lite around each connection to SQLite, network around each to
// PostgreSQL. Tests make storage fail with it (package faulty); the program itself has none.
func Through(lite func(sqldriver.Conn) sqldriver.Conn, network func(net.Conn) net.Conn) Option {
	return func(o *options) { o.lite, o.net = lite, network }
}

// Open connects to a database: "sqlite:path", "sqlite::memory:" (private to this DB) or "postgres://…". One on which a newer
// program has worked is refused.
func Open(ctx context.Context, dsn string, list ...Option) (*DB, error) {
	var o options
	for _, f := range list {
		f(&o)
	}
	var drv driver
	var err error
	switch {
	case strings.HasPrefix(dsn, "sqlite:"):
		drv, err = openLite(strings.TrimPrefix(dsn, "sqlite:"), o.lite)
	case strings.HasPrefix(dsn, "postgres://"), strings.HasPrefix(dsn, "postgresql://"):
		if dsn, err = stripUnsafe(dsn, &o); err == nil {
			drv, err = openPG(ctx, dsn, o)
		}
	default:
		// The address may hold a password, so it is not repeated.
		err = errors.New("store: an address begins with sqlite: or postgres://")
	}
	if err != nil {
		return nil, err
	}
	db := &DB{drv: drv, schema: &atomic.Pointer[schema]{}, names: &sync.Map{}, kept: &keeping{}}
	err = db.refresh(ctx)
	if err == nil {
		reason, failed := db.Outlived(ctx)
		err = cmp.Or(reason, failed)
	}
	if err != nil {
		return nil, errors.Join(err, drv.close())
	}
	return db, nil
}

// stripUnsafe takes our own parameter out of a PostgreSQL address.
func stripUnsafe(dsn string, o *options) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", errors.New("store: the PostgreSQL address cannot be read")
	}
	q := u.Query()
	if q.Get("allow_unsafe") == "1" {
		o.unsafe = true
	}
	q.Del("allow_unsafe")
	u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20") // pgx takes a plus for a plus
	return u.String(), nil
}

// Close waits for running transactions and closes the database.
func (db *DB) Close() error { return db.drv.close() }

// Dialect is "sqlite" or "postgres".
func (db *DB) Dialect() string { return string(db.drv.dialect()) }

// Failed is the storage error after which this DB refuses to write, nil while all is well. A disk
// that once failed to sync may have lost what it said it kept; only a restart, which recovers from
// the log, can tell.
func (db *DB) Failed() error { return db.drv.failed() }

// Warnings are things an operator should know about the database's configuration.
func (db *DB) Warnings(ctx context.Context) ([]string, error) { return db.drv.warnings(ctx) }

// Write runs fn in one transaction and answers nil only after its commit is durable. If fn fails or
// panics nothing of it remains. fn may run more than once (PostgreSQL asks for that after a
// deadlock), so it must not keep anything from an earlier run. A Write inside a Write never ends.
func (db *DB) Write(ctx context.Context, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, whole := span.Begin(ctx, "transaction")
	defer whole.End()
	_, part := span.Begin(ctx, "wait") // for a turn, or a connection
	var tx *Tx
	err := db.drv.write(ctx, func(s session) error {
		part.End()
		tx = &Tx{db: db, ctx: ctx, s: s, schema: db.schema.Load(), kept: db.kept.now()}
		c, lite := s.(*liteConn)
		if lite {
			turned(ctx)
		}
		if lite && !c.looked {
			if err := tx.outlived(); err != nil {
				return err
			}
			c.looked = true
		}
		err := tx.run(db.guarded(ctx, fn))
		if lite && err == nil {
			c.pieces = append(c.pieces, tx.pieces...)
		}
		whole.Count("statements", tx.statements)
		_, part = span.Begin(ctx, "commit") // or undo
		return err
	})
	part.End()
	if err != nil {
		whole.Set("ended", "undone")
		if tx != nil && AsDuplicate(err) == nil {
			err = tx.translate(err) // of a statement that went along with the commit
		}
		return explain(err)
	}
	db.acts.Add(1)
	for _, f := range tx.after {
		f()
	}
	return nil
}

// Stats are counts since Open: acts are successful Writes, commits what they cost; of those Groups[i] were shared by more than
// 2^(i-1) and at most 2^i writers. Statements are what the database was asked, in writing and reading.
type Stats struct {
	Acts, Commits, Statements int64
	Groups                    [groups]int64
}

// groups: 1, 2, 4 … batchMembers.
const groups = 8

// Stats are for the operator's gauges: fewer commits than acts means that group commit is at work.
func (db *DB) Stats() Stats {
	s := Stats{Acts: db.acts.Load(), Statements: db.statements.Load(), Groups: db.drv.commits()}
	for _, n := range s.Groups {
		s.Commits += n
	}
	return s
}

// Read runs fn on a consistent snapshot. Changing anything in it is an error.
func (db *DB) Read(ctx context.Context, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, whole := span.Begin(ctx, "read")
	defer whole.End()
	return explain(db.drv.read(ctx, func(s session) error {
		tx := &Tx{db: db, ctx: ctx, s: s, schema: db.schema.Load(), readonly: true}
		defer func() { whole.Count("statements", tx.statements) }()
		return tx.run(fn)
	}))
}

// Sandbox is a view of an in-memory database in which every Write and Read is a savepoint of one
// outer transaction. The returned function rolls it back: nothing that happened inside remains, and
// the schema is paid for once. Until then the database itself waits.
func (db *DB) Sandbox(ctx context.Context) (*DB, func(), error) {
	drv, done, err := db.drv.sandbox(ctx)
	if err != nil {
		return nil, nil, err
	}
	box := &DB{drv: drv, schema: &atomic.Pointer[schema]{}, names: db.names, kept: &keeping{}}
	box.schema.Store(db.schema.Load())
	return box, done, nil
}

// explain gives errors of the connection their kind, so that the reader is told to try again.
func explain(err error) error {
	if err == nil {
		return nil
	}
	if away(err) {
		return fault.Wrap(fault.Unavailable, err, "数据库暂时不可用，请稍后再试", "The database is away; please try again")
	}
	return err
}

// errUse is a mistake of the programmer, not of the person.
func errUse(format string, args ...any) error { return fmt.Errorf("store: "+format, args...) }
