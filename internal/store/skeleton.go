package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"

	"zhanggui/internal/journal"
	"zhanggui/internal/query"
)

var errTodo = errors.New("store: not written yet")

type DB struct{}
type Tx struct{}
type Option func(*int)
type Change struct{ SQL string }

func (c Change) Describe() string { return "" }

type Duplicate struct {
	Table, Index string
	Columns      []string
	err          error
}

func (d *Duplicate) Error() string { return fmt.Sprint(d.Table, d.Index, d.Columns, d.err) }

func AsDuplicate(err error) *Duplicate { return nil }

// AllowUnsafe lets PostgreSQL run with settings under which an acknowledged act can be lost.
func AllowUnsafe() Option { return nil }

func Open(ctx context.Context, dsn string, options ...Option) (*DB, error) { return nil, errTodo }
func (db *DB) Close() error                                                { return nil }
func (db *DB) Dialect() string                                             { return "sqlite" }
func (db *DB) Failed() error                                               { return nil }
func (db *DB) Warnings(ctx context.Context) ([]string, error)              { return nil, nil }
func (db *DB) Plan(ctx context.Context, tables []Table) ([]Change, error)  { return nil, errTodo }
func (db *DB) Apply(ctx context.Context, changes []Change) error           { return errTodo }
func (db *DB) Write(ctx context.Context, fn func(*Tx) error) error         { return errTodo }
func (db *DB) Read(ctx context.Context, fn func(*Tx) error) error          { return errTodo }
func (db *DB) Sandbox(ctx context.Context) (*DB, func(), error)            { return nil, nil, errTodo }

func (tx *Tx) Context() context.Context                             { return nil }
func (tx *Tx) Get(table, id string) (Row, error)                    { return nil, errTodo }
func (tx *Tx) GetForUpdate(table, id string) (Row, error)           { return nil, errTodo }
func (tx *Tx) Select(q query.Select) ([]Row, error)                 { return nil, errTodo }
func (tx *Tx) SelectForUpdate(q query.Select) ([]Row, error)        { return nil, errTodo }
func (tx *Tx) Scalar(q query.Sub) (any, error)                      { return nil, errTodo }
func (tx *Tx) Count(table string, where query.Expr) (int64, error)  { return 0, errTodo }
func (tx *Tx) Insert(table string, row Row) error                   { return errTodo }
func (tx *Tx) InsertMany(table string, rows []Row) error            { return errTodo }
func (tx *Tx) Update(table string, key, set Row) (int64, error)     { return 0, errTodo }
func (tx *Tx) Upsert(table string, primary []string, row Row) error { return errTodo }
func (tx *Tx) Delete(table string, where query.Expr) (int64, error) { return 0, errTodo }
func (tx *Tx) Next(series, period string) (int64, error)            { return 0, errTodo }
func (tx *Tx) Peek(series, period string) (int64, error)            { return 0, errTodo }
func (tx *Tx) Lock(key string) error                                { return errTodo }
func (tx *Tx) Try(fn func() error) error                            { return errTodo }
func (tx *Tx) OnCommit(fn func())                                   {}
func (tx *Tx) ClaimDue(c Claim) ([]Row, error)                      { return nil, errTodo }
func (tx *Tx) Append(e *journal.Entry) error                        { return errTodo }
func SystemTables() []Table                                         { return nil }
func (db *DB) Seal(ctx context.Context, now time.Time, origin string, signer note.Signer) (int, error) {
	return 0, errTodo
}

// Claim asks for rows that have fallen due and that nobody else holds.
type Claim struct {
	Table string
	Due   string // column with the time a row falls due; NULL = never
	Now   string
	Limit int
	// Lease and Fence, if set, name columns that keep the claim beyond this transaction: Lease is
	// set to Until, Fence grows by one.
	Lease, Fence, Until string
	Where               query.Expr // further condition over alias "c"
}
