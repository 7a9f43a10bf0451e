// Package faulty makes storage fail at the n-th step, for SQLite and PostgreSQL alike. Tests only.
//
// A step is a statement on a connection to SQLite, or a packet sent to PostgreSQL. It fails before it is done, or after: then
// it happened, and whoever asked never hears of it. That is the fault no other means can make at will.
package faulty

import (
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"net"
	"strings"
	"sync"

	lite "modernc.org/sqlite"

	"zhanggui/internal/store"
)

// Fault says how the n-th step fails.
type Fault struct {
	Lost    bool   // after it was done, not before
	Forever bool   // and everything after it, until Heal
	Disk    bool   // SQLite: the disk is full, as SQLite says it, for who writes; else the connection breaks
	Only    string // count only steps that begin with this: "COMMIT"; SQLite alone
}

// Storage is what may fail. It works as it should until Arm.
type Storage struct {
	mu    sync.Mutex
	fault Fault
	armed bool
	left  int
	steps int
	hits  int
}

// Through is the option that puts this storage under a database.
func (s *Storage) Through() store.Option {
	return store.Through(func(c sqldriver.Conn) sqldriver.Conn { return &conn{Conn: c, s: s} }, func(c net.Conn) net.Conn { return &wire{Conn: c, s: s} })
}

// Arm lets the n-th step from now fail.
func (s *Storage) Arm(n int, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault, s.armed, s.left, s.steps, s.hits = f, true, n, 0, 0
}

// Heal lets everything work again. It answers how many steps there were since Arm and how many of them failed.
func (s *Storage) Heal() (steps, hits int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = false
	return s.steps, s.hits
}

// step counts; it answers whether this one fails.
func (s *Storage) step(what string, reader bool) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.armed || reader && s.fault.Disk || !strings.HasPrefix(what, s.fault.Only) {
		return Fault{}, false
	}
	s.steps++
	s.left--
	if s.left == 0 || s.left < 0 && s.fault.Forever {
		s.hits++
		return s.fault, true
	}
	return Fault{}, false
}

// Broken is the error of a connection that broke.
var Broken net.Error = broken{}

type broken struct{}

func (broken) Error() string   { return "faulty: connection reset" }
func (broken) Timeout() bool   { return false }
func (broken) Temporary() bool { return false }

// full is SQLite's own error of a full disk: it cannot be made by hand, so a small one is filled.
var full = sync.OnceValue(func() error {
	c, err := (&lite.Driver{}).Open(":memory:")
	if err != nil {
		return err
	}
	defer c.Close()
	for _, sql := range []string{"PRAGMA max_page_count = 2", "CREATE TABLE t (x)", "INSERT INTO t VALUES (zeroblob(100000))"} {
		var st sqldriver.Stmt
		if st, err = c.Prepare(sql); err != nil {
			return err
		}
		_, err = st.(sqldriver.StmtExecContext).ExecContext(context.Background(), nil)
		if e := st.Close(); err == nil {
			err = e
		}
	}
	if err == nil {
		err = errors.New("faulty: the small disk did not fill")
	}
	return err
})

func (f Fault) err() error {
	if f.Disk {
		return full()
	}
	return Broken
}

type conn struct {
	sqldriver.Conn
	s      *Storage
	writes bool
}

func (c *conn) Prepare(sql string) (sqldriver.Stmt, error) {
	st, err := c.Conn.Prepare(sql)
	if err != nil {
		return nil, err
	}
	c.writes = c.writes || strings.Contains(sql, "journal_mode = wal")
	return &stmt{st, sql, c}, nil
}

type stmt struct {
	sqldriver.Stmt
	sql string
	c   *conn
}

func (st *stmt) ExecContext(ctx context.Context, args []sqldriver.NamedValue) (sqldriver.Result, error) {
	f, fails := st.c.s.step(st.sql, !st.c.writes)
	if fails && !f.Lost {
		return nil, f.err()
	}
	r, err := st.Stmt.(sqldriver.StmtExecContext).ExecContext(ctx, args)
	if err == nil && fails {
		return nil, f.err()
	}
	return r, err
}

func (st *stmt) QueryContext(ctx context.Context, args []sqldriver.NamedValue) (sqldriver.Rows, error) {
	f, fails := st.c.s.step(st.sql, !st.c.writes)
	if fails && !f.Lost {
		return nil, f.err()
	}
	rows, err := st.Stmt.(sqldriver.StmtQueryContext).QueryContext(ctx, args)
	if err == nil && fails {
		return nil, errors.Join(f.err(), rows.Close())
	}
	return rows, err
}

// wire is a connection to PostgreSQL.
type wire struct {
	net.Conn
	s *Storage

	mu   sync.Mutex
	deaf bool // the next answer is lost, and the connection with it
}

func (w *wire) Write(b []byte) (int, error) {
	f, fails := w.s.step("", false)
	if fails && !f.Lost {
		return 0, errors.Join(Broken, w.Conn.Close())
	}
	if fails {
		w.mu.Lock()
		w.deaf = true
		w.mu.Unlock()
	}
	return w.Conn.Write(b)
}

// Read of a lost answer waits until the server has given it: then what was asked has been done.
func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.deaf && err == nil {
		return 0, errors.Join(Broken, w.Conn.Close())
	}
	return n, err
}
