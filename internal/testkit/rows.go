package testkit

import (
	"context"
	"database/sql/driver"
	"sync/atomic"

	"zhanggui/internal/store"
)

// Rows counts the rows that SQLite answers.
type Rows struct{ n atomic.Int64 }

// Option puts the count on the way of a database that is opened.
func (r *Rows) Option() store.Option {
	return store.Through(func(c driver.Conn) driver.Conn { return rowsConn{c, r} }, nil)
}

// Taken is how many there were since it was asked last.
func (r *Rows) Taken() int { return int(r.n.Swap(0)) }

type rowsConn struct {
	driver.Conn
	r *Rows
}

func (c rowsConn) Prepare(sql string) (driver.Stmt, error) {
	s, err := c.Conn.Prepare(sql)
	if err != nil {
		return nil, err
	}
	return rowsStmt{s, c.r}, nil
}

type rowsStmt struct {
	driver.Stmt
	r *Rows
}

func (s rowsStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

func (s rowsStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	return countedRows{rows, s.r}, nil
}

type countedRows struct {
	driver.Rows
	r *Rows
}

func (c countedRows) Next(to []driver.Value) error {
	err := c.Rows.Next(to)
	if err == nil {
		c.r.n.Add(1)
	}
	return err
}
