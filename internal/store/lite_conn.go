package store

import (
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"io"

	lib "modernc.org/sqlite"
)

// liteConn is one SQLite connection with its prepared statements. It is used without database/sql:
// we own the pool and the transactions, and a statement costs a third less without its locks.
type liteConn struct {
	conn  sqldriver.Conn
	stmts map[string]liteStmt
	// interruptible lets a context end a running statement. Never on the connection that writes:
	// SQLite rolls back the whole transaction then, and others' acts are in it.
	interruptible bool
	pieces        []piece // of the acts in the running batch
	looked        bool    // in the running batch, whether a newer program has begun to work on the database
	turn          int64   // of its last act; 0 = not asked yet
	stepwise      bool    // the index of pieces is merged by mergePieces alone
	owed          int     // pages of it that are to be merged
}

type liteStmt interface {
	sqldriver.Stmt
	sqldriver.StmtExecContext
	sqldriver.StmtQueryContext
}

// maxStmts bounds a connection's prepared statements; filters of people make ever new ones.
const maxStmts = 600

func connectLite(dsn string, interruptible bool, pragmas ...string) (*liteConn, error) {
	return connectThrough(nil, dsn, interruptible, pragmas...)
}

func connectThrough(layer func(sqldriver.Conn) sqldriver.Conn, dsn string, interruptible bool, pragmas ...string) (*liteConn, error) {
	c, err := (&lib.Driver{}).Open(dsn)
	if err != nil {
		return nil, err
	}
	if layer != nil {
		c = layer(c)
	}
	lc := &liteConn{conn: c, stmts: map[string]liteStmt{}, interruptible: interruptible}
	for _, p := range pragmas {
		// Some pragmas answer a row, so all are asked.
		if _, err := lc.one("PRAGMA " + p); err != nil {
			return nil, errors.Join(fmt.Errorf("store: pragma %s: %w", p, err), lc.close())
		}
	}
	return lc, nil
}

func (c *liteConn) close() error {
	for _, s := range c.stmts {
		_ = s.Close() // closing the connection frees them in any case
	}
	return c.conn.Close()
}

func (c *liteConn) prepare(sql string) (liteStmt, error) {
	if s := c.stmts[sql]; s != nil {
		return s, nil
	}
	if len(c.stmts) >= maxStmts {
		for old, s := range c.stmts { // any will do: the map's order is random
			delete(c.stmts, old)
			if err := s.Close(); err != nil {
				return nil, err
			}
			break
		}
	}
	p, err := c.conn.Prepare(sql)
	if err != nil {
		return nil, err
	}
	s, ok := p.(liteStmt)
	if !ok {
		return nil, errUse("the SQLite driver's statements cannot take a context")
	}
	c.stmts[sql] = s
	return s, nil
}

func (c *liteConn) context(ctx context.Context) context.Context {
	if c.interruptible {
		return ctx
	}
	return context.Background()
}

// simple runs a statement of our own that takes nothing and answers nothing.
func (c *liteConn) simple(sql string) error {
	_, err := c.exec(context.Background(), sql, nil)
	return err
}

// one asks for the first value of the first row; nil if there is none.
func (c *liteConn) one(sql string) (any, error) {
	rows, err := c.query(context.Background(), sql, nil, nil)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	for _, v := range rows[0] {
		return v, nil
	}
	return nil, nil
}

func (c *liteConn) exec(ctx context.Context, sql string, args []any) (int64, error) {
	res, err := c.result(ctx, sql, args)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (c *liteConn) result(ctx context.Context, sql string, args []any) (sqldriver.Result, error) {
	s, err := c.prepare(sql)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(c.context(ctx), named(args))
}

func (c *liteConn) execMany(ctx context.Context, sql string, args [][]any) (int64, error) {
	total := int64(0)
	for _, a := range args {
		n, err := c.exec(ctx, sql, a)
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}

// query drains the answer. out names its columns and their kinds; nil takes them as they come.
func (c *liteConn) query(ctx context.Context, sql string, args []any, out []column) (list []Row, err error) {
	s, err := c.prepare(sql)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(c.context(ctx), named(args))
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := rows.Close(); err == nil {
			err = e
		}
	}()
	if out == nil {
		for _, n := range rows.Columns() {
			out = append(out, column{name: n})
		}
	}
	vals := make([]sqldriver.Value, len(rows.Columns()))
	for n := 0; ; n++ {
		if c.interruptible && n&0xff == 0xff && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		switch err := rows.Next(vals); {
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil:
			return nil, err
		}
		row := make(Row, len(out))
		for i, col := range out {
			if row[col.name], err = answer(vals[i], col.kind); err != nil {
				return nil, err
			}
		}
		list = append(list, row)
	}
}

func named(args []any) []sqldriver.NamedValue {
	if len(args) == 0 {
		return nil
	}
	list := make([]sqldriver.NamedValue, len(args))
	for i, v := range args {
		list[i] = sqldriver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return list
}
