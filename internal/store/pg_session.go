package store

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// pgSession is one transaction. Each journey to the server costs more than most questions, so it begins together with its first statement;
// what nobody waits for goes along with the next question, or with the commit; and what will be asked later goes along with an earlier question.
// The server does it all in the order in which it was said, each statement with what was committed until then.
type pgSession struct {
	p     *pg
	conn  *pgxpool.Conn
	how   pgx.TxOptions
	tx    pgx.Tx // nil until something has been sent
	ended bool
	wait  []said // goes before the next question
	soon  []said // goes after it

	// Of a transaction that writers share; see share.go.
	shared bool
	tail   int   // how many of wait the writer before this one left
	came   bool  // what this one's savepoint waited in has been sent
	lost   error // what failed of what the one before left
}

// said is a statement and who takes its answer.
type said struct {
	sql  string
	args []any
	must bool // what it answers may forbid the commit, which therefore does not go along with it
	take func(pgx.BatchResults) error
}

const commitSQL = "commit"

// mostWaiting bounds what waits, for the sake of memory.
const mostWaiting = 500

// send sends what waits, then these, then what will be asked soon, and takes the answers. After an error the transaction can only end.
func (s *pgSession) send(ctx context.Context, these ...said) error {
	list, tail := slices.Concat(s.wait, these, s.soon), s.tail
	s.wait, s.soon, s.tail, s.came = nil, nil, 0, true
	for range s.p.most + 1 {
		begins := s.tx == nil
		done, err := s.try(ctx, list)
		began := done >= 0
		if err != nil && began && done < tail {
			s.lost = err
		}
		if err == nil || !begins || began || !away(err) || slices.ContainsFunc(list, func(x said) bool { return x.sql == commitSQL }) {
			return err
		}
		// The connection had died in the pool before the transaction began, which nobody has noticed.
		s.conn.Release()
		if s.conn, err = s.p.pool.Acquire(ctx); err != nil {
			s.conn = nil
			return err
		}
		s.tx = nil
	}
	return errUse("no connection to PostgreSQL lives")
}

// try sends statements on this connection, after what begins the transaction unless it has begun, and tells how many of them went well; -1 where
// the beginning did not.
func (s *pgSession) try(ctx context.Context, list []said) (done int, err error) {
	b := &pgx.Batch{}
	begins := s.tx == nil
	if begins {
		b.BeginTx(s.how)
	}
	for _, x := range list {
		b.Queue(x.sql, x.args...)
	}
	res := s.conn.SendBatch(ctx, b)
	defer func() {
		if e := res.Close(); err == nil {
			err = e
		}
	}()
	if begins {
		s.tx = res.Tx()
		if _, err := res.Exec(); err != nil {
			return -1, err
		}
	}
	for i, x := range list {
		if x.take == nil {
			_, err = res.Exec()
		} else {
			err = x.take(res)
		}
		if err != nil {
			return i, err
		}
	}
	return len(list), nil
}

func (s *pgSession) commit(ctx context.Context) error {
	s.soon = nil
	if slices.ContainsFunc(s.wait, func(x said) bool { return x.must }) {
		if err := s.send(ctx); err != nil {
			return err
		}
	}
	switch {
	case s.tx == nil && len(s.wait) == 0:
		return nil // nothing was asked
	case len(s.wait) == 0:
		s.ended = true
		return s.tx.Commit(ctx)
	}
	err := s.send(ctx, said{sql: commitSQL, take: func(res pgx.BatchResults) error {
		tag, err := res.Exec()
		if err == nil && tag.String() == "ROLLBACK" {
			err = pgx.ErrTxCommitRollback
		}
		return err
	}})
	s.ended = err == nil
	return err
}

// leave undoes what was not committed and gives the connection back.
func (s *pgSession) leave(ctx context.Context) {
	if s.conn == nil {
		return
	}
	if s.tx != nil && !s.ended {
		_ = s.tx.Rollback(ctx)
	}
	s.conn.Release()
	s.conn = nil
}

// idle tells whether a statement can be sent by itself.
func (s *pgSession) idle() bool { return s.tx != nil && len(s.wait) == 0 && len(s.soon) == 0 }

func (s *pgSession) exec(ctx context.Context, sql string, args []any) (n int64, err error) {
	if s.idle() {
		tag, err := s.tx.Exec(ctx, sql, args...)
		return tag.RowsAffected(), err
	}
	err = s.send(ctx, said{sql: sql, args: args, take: affected(&n)})
	return n, err
}

// affected adds up how many rows statements changed.
func affected(total *int64) func(pgx.BatchResults) error {
	return func(res pgx.BatchResults) error {
		tag, err := res.Exec()
		*total += tag.RowsAffected()
		return err
	}
}

// execMany sends all at once and waits once.
func (s *pgSession) execMany(ctx context.Context, sql string, args [][]any) (total int64, err error) {
	for part := range slices.Chunk(args, mostWaiting) {
		list := make([]said, len(part))
		for i, a := range part {
			list[i] = said{sql: sql, args: a, take: affected(&total)}
		}
		if err := s.send(ctx, list...); err != nil {
			return total, err
		}
	}
	return total, nil
}

// later runs a statement whose answer nobody waits for. Of check it must please the answer: how many rows it was about.
func (s *pgSession) later(ctx context.Context, sql string, args []any, check func(int64) error) error {
	x := said{sql: sql, args: args, must: check != nil}
	if check != nil {
		x.take = func(res pgx.BatchResults) error {
			tag, err := res.Exec()
			if err != nil {
				return err
			}
			return check(tag.RowsAffected())
		}
	}
	if s.wait = append(s.wait, x); len(s.wait) < mostWaiting {
		return nil
	}
	return s.send(ctx)
}

// ahead asks what will be asked soon, along with the next question.
func (s *pgSession) ahead(sql string, args []any, out []column, take func([]Row)) {
	s.soon = append(s.soon, said{sql: sql, args: args, take: func(res pgx.BatchResults) error {
		rows, err := res.Query()
		if err != nil {
			return err
		}
		list, err := readRows(rows, out)
		if err == nil {
			take(list)
		}
		return err
	}})
}

func (s *pgSession) query(ctx context.Context, sql string, args []any, out []column) (list []Row, err error) {
	if s.idle() {
		rows, err := s.tx.Query(ctx, sql, args...)
		if err != nil {
			return nil, err
		}
		return readRows(rows, out)
	}
	err = s.send(ctx, said{sql: sql, args: args, take: func(res pgx.BatchResults) error {
		rows, err := res.Query()
		if err == nil {
			list, err = readRows(rows, out)
		}
		return err
	}})
	return list, err
}

func readRows(rows pgx.Rows, out []column) (list []Row, err error) {
	defer rows.Close()
	for rows.Next() {
		vals, err := rows.Values()
		if err != nil {
			return nil, err
		}
		if len(vals) != len(out) {
			return nil, errors.New("store: PostgreSQL answered another number of columns")
		}
		row := make(Row, len(out))
		for i, col := range out {
			if row[col.name], err = answer(vals[i], col.kind); err != nil {
				return nil, err
			}
		}
		list = append(list, row)
	}
	return list, rows.Err()
}
