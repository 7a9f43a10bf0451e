package store

import (
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// lite is a SQLite database: one connection that writes, several that read. Several writers would
// only wait for each other's locks, and starve while they do.
type lite struct {
	w      *liteConn
	own    chan struct{} // holds a token while nobody uses w
	memory bool
	path   string
	dsn    string // for readers
	layer  func(sqldriver.Conn) sqldriver.Conn
	idle   chan *liteConn // open readers; with spare there are readers in all
	spare  chan struct{}
	stop   atomic.Pointer[error]
	kept   [groups]atomic.Int64 // commits, by how many shared one
	crowd  int                  // members of the last batch; whoever has the turn may look
	pace   pace

	folding bool // the log is emptied into the file as it grows
	aside   aside
	wanted  atomic.Bool // whoever moves the log waits for the running batch to end
	tail    atomic.Pointer[Tail]

	mu     sync.Mutex
	queue  []*ticket // writers waiting for their turn
	busy   bool      // a writer has the turn
	closed bool
}

// readers is how many connections read at once; a slow list must not hold up the others.
const readers = 8

func openLite(path string, layer func(sqldriver.Conn) sqldriver.Conn) (*lite, error) {
	if path == "" {
		return nil, errUse("sqlite: needs a path")
	}
	path, params, _ := strings.Cut(path, "?")
	q, err := url.ParseQuery(params)
	if err != nil {
		return nil, errUse("sqlite: bad parameters: %w", err)
	}
	l := &lite{own: make(chan struct{}, 1), memory: path == ":memory:", path: path, layer: layer}
	l.aside.ctx, l.aside.end = context.WithCancel(context.Background())
	// An unknown column in double quotes is an error, not a text, only with dqs off.
	base := "file:" + (&url.URL{Path: path}).EscapedPath() + "?_dqs=0"
	if l.memory {
		base = ":memory:?_dqs=0"
	}
	pragmas := []string{"busy_timeout = 5000", "foreign_keys = off", "temp_store = memory", "trusted_schema = off", "cache_size = -32768"}
	writer := pragmas
	if !l.memory {
		checkpoint := foldLast
		if _, err := os.Stat(path + copiedMark); err == nil {
			checkpoint = 0 // a running server copies the log away, and empties it
		}
		if v := q.Get("wal_autocheckpoint"); v != "" { // off when something else copies the log away
			if checkpoint, err = strconv.Atoi(v); err != nil || checkpoint < 0 {
				return nil, errUse("sqlite: bad wal_autocheckpoint %q", v)
			}
		}
		l.folding = checkpoint > 0
		writer = append(append([]string{}, pragmas...), "journal_mode = wal", "synchronous = full",
			"wal_autocheckpoint = "+strconv.Itoa(checkpoint), "journal_size_limit = 67108864", "secure_delete = on")
	}
	if !l.memory {
		// Nobody else on the machine may read it; the log beside it takes over its rights.
		if err := touch(path, 0); err != nil {
			return nil, fmt.Errorf("store: unable to open: %w", err)
		}
	}
	if l.w, err = connectThrough(layer, base, false, writer...); err != nil {
		return nil, err
	}
	if err := l.check(); err != nil {
		return nil, errors.Join(err, l.w.close())
	}
	l.own <- struct{}{}
	if !l.memory {
		l.dsn = base
		l.idle, l.spare = make(chan *liteConn, readers), make(chan struct{}, readers)
		for range readers {
			l.spare <- struct{}{}
		}
	}
	return l, nil
}

// touch makes a file that only we may read, unless it is there.
func touch(path string, flag int) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|flag, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func (l *lite) readerPragmas() []string {
	return []string{"busy_timeout = 5000", "temp_store = memory", "trusted_schema = off", "cache_size = -16384", "query_only = on"}
}

// check refuses a SQLite that can lose data: 3.7.0 to 3.51.2 may corrupt a file whose log is reset
// by two connections at once. And it looks at what the pragmas did, since SQLite ignores those it
// cannot obey.
func (l *lite) check() error {
	v, err := l.w.one("SELECT sqlite_version()")
	if err != nil {
		return err
	}
	version, _ := v.(string)
	if !atLeast(version, 3, 51, 3) {
		return errUse("SQLite %s is not safe, 3.51.3 is needed", version)
	}
	if l.memory {
		return nil
	}
	mode, err := l.w.one("PRAGMA journal_mode")
	if err != nil {
		return err
	}
	sync, err := l.w.one("PRAGMA synchronous")
	if err != nil {
		return err
	}
	if mode != "wal" || sync != int64(2) {
		return errUse("SQLite would not keep its log safely: journal_mode %v, synchronous %v", mode, sync)
	}
	return nil
}

func atLeast(version string, want ...int) bool {
	parts := strings.Split(version, ".")
	for i, w := range want {
		n := 0
		if i < len(parts) {
			n, _ = strconv.Atoi(parts[i])
		}
		if n != w {
			return n > w
		}
	}
	return true
}

func (l *lite) dialect() dialect { return sqlite }

func (l *lite) warnings(context.Context) ([]string, error) { return nil, nil }

func (l *lite) commits() (n [groups]int64) {
	for i := range n {
		n[i] = l.kept[i].Load()
	}
	return n
}

func (l *lite) failed() error {
	if p := l.stop.Load(); p != nil {
		return fmt.Errorf("%w: %w", errFailed, *p)
	}
	return nil
}

// watch stops all writing after a storage error.
func (l *lite) watch(err error) error {
	if err != nil && broken(err) {
		l.stop.CompareAndSwap(nil, &err)
	}
	return err
}

func (l *lite) read(ctx context.Context, fn func(session) error) error {
	if l.memory {
		if err := l.take(ctx); err != nil {
			return err
		}
		defer l.give()
		return fn(l.w) // alone on the connection: nothing can change in between
	}
	c, err := l.reader(ctx)
	if err != nil {
		return err
	}
	defer func() { l.leave(c) }()
	if l.isClosed() {
		return errClosed
	}
	if c == nil {
		if c, err = connectThrough(l.layer, l.dsn, true, l.readerPragmas()...); err != nil {
			c = nil
			return err
		}
	}
	if err := c.simple("BEGIN"); err != nil {
		// It may have begun all the same, and its snapshot would stay for ever.
		err = errors.Join(err, c.close())
		c = nil
		return err
	}
	done := false
	defer func() {
		if !done { // fn left by a panic or Goexit
			_ = c.simple("ROLLBACK")
		}
	}()
	err = fn(c)
	done = true
	if end := c.simple("ROLLBACK"); end != nil {
		// A connection that cannot end its snapshot would hold the log for ever.
		end = errors.Join(end, c.close())
		c = nil
		if err == nil {
			err = end
		}
	}
	return err
}

// reader takes a connection that is open and idle, else leave to open one (nil): each holds some megabytes and reads all that is declared first.
func (l *lite) reader(ctx context.Context) (*liteConn, error) {
	select {
	case c := <-l.idle:
		return c, nil
	default:
	}
	select {
	case c := <-l.idle:
		return c, nil
	case <-l.spare:
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// leave gives back what reader took.
func (l *lite) leave(c *liteConn) {
	if c == nil {
		l.spare <- struct{}{}
	} else {
		l.idle <- c
	}
}

var errClosed = errors.New("store: the database is closed")

func (l *lite) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// take waits for the writing connection.
func (l *lite) take(ctx context.Context) error {
	select {
	case <-l.own:
	case <-ctx.Done():
		return ctx.Err()
	}
	if l.isClosed() {
		l.give()
		return errClosed
	}
	return nil
}

func (l *lite) give() { l.own <- struct{}{} }

func (l *lite) close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.mu.Unlock()
	<-l.own // after the running batch
	var errs []error
	if !l.memory {
		for range readers {
			select {
			case c := <-l.idle:
				errs = append(errs, c.close())
			case <-l.spare:
			}
		}
		for range readers { // late readers learn that it is closed
			l.spare <- struct{}{}
		}
	}
	errs = append(errs, l.aside.close())
	errs = append(errs, l.w.close()) // last, so that it empties the log into the file
	l.give()
	return errors.Join(errs...)
}

// liteBox is the driver of a sandbox: savepoints of one transaction that will be rolled back.
type liteBox struct {
	l    *lite
	own  chan struct{}
	shut bool // whoever holds own may look
}

func (l *lite) sandbox(ctx context.Context) (driver, func(), error) {
	if !l.memory {
		return nil, nil, errUse("a sandbox needs a database in memory")
	}
	if err := l.take(ctx); err != nil {
		return nil, nil, err
	}
	if err := l.w.simple("BEGIN"); err != nil {
		l.give()
		return nil, nil, err
	}
	b := &liteBox{l: l, own: make(chan struct{}, 1)}
	b.own <- struct{}{}
	done := func() {
		<-b.own
		b.shut = true
		b.own <- struct{}{}
		if err := l.w.simple("ROLLBACK"); err != nil {
			l.stop.CompareAndSwap(nil, &err)
		}
		l.give()
	}
	return b, sync.OnceFunc(done), nil
}

func (b *liteBox) dialect() dialect                           { return sqlite }
func (b *liteBox) commits() (n [groups]int64)                 { return n }
func (b *liteBox) failed() error                              { return b.l.failed() }
func (b *liteBox) warnings(context.Context) ([]string, error) { return nil, nil }
func (b *liteBox) close() error                               { return nil }
func (b *liteBox) sandbox(context.Context) (driver, func(), error) {
	return nil, nil, errUse("a sandbox in a sandbox")
}

func (b *liteBox) read(ctx context.Context, fn func(session) error) error {
	select {
	case <-b.own:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { b.own <- struct{}{} }()
	if b.shut {
		return errUse("the sandbox is over")
	}
	return fn(b.l.w)
}

func (b *liteBox) write(ctx context.Context, fn func(session) error) error {
	return b.read(ctx, func(session) error { return b.l.w.savepoint(fn) })
}
