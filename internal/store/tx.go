package store

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"

	"zhanggui/internal/fault"
	"zhanggui/internal/query"
)

// Tx is one transaction. It belongs to the goroutine that runs it and ends with the function it was
// given to.
//
// After a statement has failed the transaction can only end: PostgreSQL knows no other way, and
// SQLite is held to it so that code which works on one works on both. Try makes an exception.
type Tx struct {
	db       *DB
	ctx      context.Context
	s        session
	schema   *schema
	readonly bool
	closed   bool
	failed   error
	after    []func()
	kept     *kept      // nil = no journal is kept
	wrote    []*written // since the last entry, in the order of the first touch
	at       map[rowKey]*written
	pieces   []piece                    // of search columns, written before the commit
	together [][][]string               // of a Read: what several tables are asked for
	matched  map[string]map[int64][]any // of a Read: the newest numbers of each table, by what was looked for among the pieces
	found    map[string]map[int64][]hit // the same on PostgreSQL

	statements int
	pipe       *pipe // nil = each statement is sent by itself
}

// Panic is the error of a transaction whose function panicked.
type Panic struct {
	Value any
	Stack []byte
}

func (p *Panic) Error() string {
	return fmt.Sprintf("panic in a transaction: %v\n%s", p.Value, p.Stack)
}

// run calls fn and turns whatever happens into an error.
func (tx *Tx) run(fn func(*Tx) error) (err error) {
	defer func() {
		tx.closed = true
		if p := recover(); p != nil {
			err = &Panic{p, debug.Stack()}
		}
	}()
	if err := fn(tx); err != nil {
		if broken(tx.failed) {
			return tx.failed // whatever fn made of it, the disk has failed
		}
		return err
	}
	if tx.failed == nil && len(tx.wrote) > 0 {
		return errUse("%s %s was written without a journal entry", tx.wrote[0].table, tx.wrote[0].key)
	}
	return tx.failed
}

// Context is that of the caller of Write or Read.
func (tx *Tx) Context() context.Context { return tx.ctx }

// OnCommit runs fn after the transaction is durable, before Write answers. Not after a rollback.
func (tx *Tx) OnCommit(fn func()) { tx.after = append(tx.after, fn) }

// ready tells whether another statement may run.
func (tx *Tx) ready(write bool) error {
	switch {
	case tx.closed:
		return errUse("the transaction has ended")
	case write && tx.readonly:
		return errUse("a Read cannot change anything")
	case tx.failed != nil:
		return tx.failed
	}
	return tx.ctx.Err()
}

// fail remembers that a statement went wrong.
func (tx *Tx) fail(err error) error {
	if err != nil {
		err = tx.translate(err)
		if tx.failed == nil {
			tx.failed = err
		}
	}
	return err
}

func (tx *Tx) query(r *renderer, out []column) ([]Row, error) {
	if r.err != nil {
		return nil, r.err
	}
	rows, err := tx.ask(r.b.String(), r.args, out)
	return rows, tx.fail(err)
}

func (tx *Tx) exec(sql string, args []any) (int64, error) {
	tx.asked()
	n, err := tx.s.exec(tx.ctx, sql, args)
	return n, tx.fail(err)
}

func (tx *Tx) execMany(sql string, args [][]any) (int64, error) {
	tx.asked()
	return tx.s.execMany(tx.ctx, sql, args)
}

func (tx *Tx) ask(sql string, args []any, out []column) ([]Row, error) {
	if rows, known, err := tx.known(sql, args); known || err != nil {
		return rows, err
	}
	tx.asked()
	return tx.s.query(tx.ctx, sql, args, out)
}

// asked counts a statement: on PostgreSQL each is a journey.
func (tx *Tx) asked() {
	tx.statements++
	tx.db.statements.Add(1)
}

// Try runs fn in a savepoint: if it fails, what it did is undone and the transaction goes on.
func (tx *Tx) Try(fn func() error) error {
	if err := tx.ready(true); err != nil {
		return err
	}
	if _, err := tx.exec(`SAVEPOINT "try"`, nil); err != nil {
		return err
	}
	tx.forget("")
	piped := tx.pipe
	tx.pipe = nil // what fails within is to be told within
	defer func() { tx.pipe = piped }()
	after, pieces, undone := len(tx.after), len(tx.pieces), tx.keepWritten()
	err := fn()
	if err == nil {
		err = tx.failed
	}
	if err == nil {
		_, err = tx.exec(`RELEASE "try"`, nil)
		return err
	}
	tx.failed, tx.after, tx.pieces = nil, tx.after[:after], tx.pieces[:pieces]
	undone()
	if _, undo := tx.exec(`ROLLBACK TO "try"`, nil); undo != nil {
		return undo
	}
	if _, undo := tx.exec(`RELEASE "try"`, nil); undo != nil {
		return undo
	}
	return err
}

// Get is the row with this id. Its absence is a fault of kind NotFound.
func (tx *Tx) Get(table, id string) (Row, error) { return tx.get(table, id, false) }

// GetForUpdate is Get, and nobody else changes the row until this transaction ends.
func (tx *Tx) GetForUpdate(table, id string) (Row, error) { return tx.get(table, id, true) }

func (tx *Tx) get(table, id string, lock bool) (Row, error) {
	if err := tx.ready(lock); err != nil {
		return nil, err
	}
	if tx.db.drv.dialect() == sqlite {
		// So short that watching the context would cost more than the question itself.
		defer func(ctx context.Context) { tx.ctx = ctx }(tx.ctx)
		tx.ctx = context.WithoutCancel(tx.ctx)
	}
	rows, err := tx.one(table, id, lock)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fault.Missing(table, id)
	}
	return rows[0], nil
}

// question is one for one row by its id, written down once: an act asks several.
type question struct {
	sql string
	out []column
}

func (tx *Tx) one(table, id string, lock bool) ([]Row, error) {
	t := tx.schema.tables[table]
	if t == nil || !storable(id) { // the renderer says what is wrong
		return tx.selectRows(query.Select{Table: table, Alias: "t", Where: query.Eq("t", "id", id), Limit: 1}, lock, false)
	}
	a, err := tx.oneOf(t, id, lock)
	if err != nil {
		return nil, err
	}
	rows, err := tx.ask(a.sql, []any{id}, a.out)
	return rows, tx.fail(err)
}

// oneOf is the question for a row by its id.
func (tx *Tx) oneOf(t *table, id string, lock bool) (question, error) {
	a := t.ask.Load()
	if a == nil {
		r := tx.renderer()
		r.bare = r.dialect == sqlite // its driver would make a text of each column's name and type, at each question; + leaves a column without a type
		out := r.selectQuery(query.Select{Table: t.name, Alias: "t", Where: query.Eq("t", "id", id), Limit: 1})
		if r.err != nil {
			return question{}, r.err
		}
		a = &question{r.b.String(), out}
		t.ask.Store(a)
	}
	if lock && tx.db.drv.dialect() == postgres {
		return question{a.sql + " FOR UPDATE", a.out}, nil
	}
	return *a, nil
}

// Select asks for rows.
func (tx *Tx) Select(q query.Select) ([]Row, error) {
	if tx.apart(q) {
		return tx.selectApart(q)
	}
	return tx.selectRows(q, false, false)
}

// SelectForUpdate is Select, and nobody else changes these rows until this transaction ends.
func (tx *Tx) SelectForUpdate(q query.Select) ([]Row, error) { return tx.selectRows(q, true, false) }

func (tx *Tx) selectRows(q query.Select, lock, skip bool) ([]Row, error) {
	if err := tx.ready(lock); err != nil {
		return nil, err
	}
	r := tx.renderer()
	r.bare = r.dialect == sqlite && len(q.Order) == 0 // what is sorted by a column is better called by its name
	out := r.selectQuery(q)
	if r.err == nil && query.Never(q.Where) && len(q.Group) == 0 && !slices.ContainsFunc(q.Columns, func(c query.Column) bool { return c.Agg != "" }) {
		return nil, nil
	}
	if lock && r.dialect == postgres {
		r.text(" FOR UPDATE")
		if skip {
			r.text(" SKIP LOCKED")
		}
	}
	return tx.query(r, out)
}

// Scalar is one value over a table: exists is a bool, count and count_distinct an int64, sum of
// nothing 0, min, max and avg of nothing nil. The subquery stands alone: its Where reads only its
// own alias.
func (tx *Tx) Scalar(q query.Sub) (any, error) {
	if err := tx.ready(false); err != nil {
		return nil, err
	}
	r := tx.renderer()
	r.text("SELECT ")
	kind := r.expr(q)
	if r.err == nil && query.Never(q.Where) {
		return ofNothing(q.Agg), nil
	}
	rows, err := tx.query(r, []column{{"v", kind}})
	if err != nil {
		return nil, err
	}
	return rows[0]["v"], nil
}

// ofNothing is a value over no rows.
func ofNothing(agg string) any {
	switch agg {
	case "exists":
		return false
	case "count", "count_distinct", "sum":
		return int64(0)
	}
	return nil
}

// Count counts rows; where nil = all. The condition may name the table by any one alias.
func (tx *Tx) Count(table string, where query.Expr) (int64, error) {
	alias, err := freeAlias(where)
	if err != nil {
		return 0, err
	}
	v, err := tx.Scalar(query.Sub{Agg: "count", Table: table, Alias: alias, Where: where})
	n, _ := v.(int64)
	return n, err
}
