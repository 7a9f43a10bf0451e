package store

import (
	"cmp"
	"context"
	cryptorand "crypto/rand"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"zhanggui/internal/fault"
)

// pg is a PostgreSQL database. Any number of nodes may work on it; what must take turns locks rows.
type pg struct {
	pool    *pgxpool.Pool
	most    int32                // connections
	kept    [groups]atomic.Int64 // commits, by how many shared one
	program string               // with which the names of all nodes' sessions begin
}

// openPG answers the interface, so that an error leaves no half-opened driver behind.
func openPG(ctx context.Context, dsn string, o options) (driver, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, errUse("the PostgreSQL address cannot be read") // its text may hold the password
	}
	name := programName(cfg.ConnConfig.RuntimeParams["application_name"])
	cfg.ConnConfig.RuntimeParams["application_name"] = name + nodeName()
	// A node that stands still within a transaction keeps others from the rows it locked: after so long the server ends it, if no other
	// node has done so before (see EndSilent).
	if cfg.ConnConfig.RuntimeParams[idleParam] == "" {
		cfg.ConnConfig.RuntimeParams[idleParam] = "20s"
	}
	// A question that looks ten times into an index is expensive to the server's mind, and it would compile for a tenth of a second what
	// takes a thousandth.
	if cfg.ConnConfig.RuntimeParams[jitParam] == "" {
		cfg.ConnConfig.RuntimeParams[jitParam] = "off"
	}
	if len(cfg.ConnConfig.Fallbacks) > 0 && cfg.ConnConfig.ValidateConnect == nil {
		cfg.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite // of several servers the one that is not a standby
	}
	// Each connection is looked at: a standby that has taken over may be set otherwise than the server before it.
	cfg.AfterConnect = func(ctx context.Context, c *pgx.Conn) error { return safe(ctx, c, o) }
	if o.net != nil {
		dial := cfg.ConnConfig.DialFunc
		cfg.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return o.net(c), nil
		}
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("store: connect to PostgreSQL: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("store: connect to PostgreSQL: %w", err)
	}
	return &pg{pool: pool, most: cfg.MaxConns, program: name}, nil
}

// programName is what the sessions of all nodes are called, before the node's own name. Of a name PostgreSQL keeps 63 bytes of ASCII.
func programName(given string) string {
	name := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, cmp.Or(given, "zhanggui"))
	return name[:min(len(name), 40)] + " "
}

func nodeName() string {
	var b [4]byte
	_, _ = cryptorand.Read(b[:])
	return hex.EncodeToString(b[:])
}

const (
	idleParam = "idle_in_transaction_session_timeout"
	jitParam  = "jit"
)

// safe refuses settings under which an acknowledged act can be lost. It sees what this session got,
// wherever it was set: server, role, database or address.
func safe(ctx context.Context, c *pgx.Conn, o options) error {
	rows, err := c.Query(ctx, `SELECT name, setting, source, COALESCE(sourcefile, '') FROM pg_settings
WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', 'server_encoding') ORDER BY name`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var bad []string
	for rows.Next() {
		var name, setting, source, file string
		if err := rows.Scan(&name, &setting, &source, &file); err != nil {
			return err
		}
		if name == "server_encoding" {
			if setting != "UTF8" {
				return fmt.Errorf("server_encoding is %s, UTF8 is needed", setting)
			}
			continue
		}
		if setting == "off" {
			bad = append(bad, strings.TrimSpace(fmt.Sprintf("%s=off (set by: %s %s)", name, source, file)))
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if len(bad) > 0 && !o.unsafe {
		list := strings.Join(bad, ", ")
		return fault.New(fault.Unavailable, "PostgreSQL 可能丢失已经确认的办理："+list, "PostgreSQL may lose what it has confirmed: "+list)
	}
	return nil
}

func (p *pg) dialect() dialect { return postgres }

func (p *pg) commits() (n [groups]int64) {
	for i := range n {
		n[i] = p.kept[i].Load()
	}
	return n
}

func (p *pg) failed() error { return nil } // PostgreSQL stops by itself when its disk fails

func (p *pg) close() error {
	p.pool.Close()
	return nil
}

// warnings: standbys that lag are no loss until one of them takes over.
func (p *pg) warnings(ctx context.Context) ([]string, error) {
	var async, sync int
	err := p.pool.QueryRow(ctx, `SELECT count(*) FILTER (WHERE sync_state = 'async'), count(*) FILTER (WHERE sync_state IN ('sync', 'quorum'))
FROM pg_stat_replication`).Scan(&async, &sync)
	if err != nil {
		return nil, err
	}
	if async > 0 && sync == 0 {
		return []string{"PostgreSQL: the standby is asynchronous; a failover may lose the last acts"}, nil
	}
	return nil, nil
}

func (p *pg) sandbox(context.Context) (driver, func(), error) {
	return nil, nil, errUse("a sandbox needs a database in memory")
}

// pgTries is how often a transaction runs when PostgreSQL keeps choosing it as the victim.
const pgTries = 6

func (p *pg) write(ctx context.Context, fn func(session) error) error {
	if c, ok := ctx.Value(shareKey{}).(*share); ok {
		return c.write(ctx, p, fn)
	}
	return p.alone(ctx, fn)
}

// writing is how a transaction that writes sees what others do.
var writing = pgx.TxOptions{IsoLevel: pgx.ReadCommitted}

// alone runs fn in a transaction of its own.
func (p *pg) alone(ctx context.Context, fn func(session) error) error {
	for try := 1; ; try++ {
		err := p.transact(ctx, writing, fn)
		if err == nil || !again(err) || try == pgTries {
			return err
		}
		// Those who ran into each other wait for different times, the longer the more often.
		wait := time.NewTimer(time.Duration(rand.Int64N(int64(time.Millisecond) << (2 + try))))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return err
		}
	}
}

// read waits for no end: what only looked has nothing to lose.
func (p *pg) read(ctx context.Context, fn func(session) error) error {
	s, err := p.session(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return err
	}
	looked, over := false, context.WithoutCancel(ctx)
	defer func() {
		if !looked {
			s.leave(over)
			return
		}
		go func() {
			_ = s.commit(over)
			s.leave(over)
		}()
	}()
	err = fn(s)
	looked = err == nil
	return err
}

func (p *pg) session(ctx context.Context, o pgx.TxOptions) (*pgSession, error) {
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	return &pgSession{p: p, conn: conn, how: o}, nil
}

func (p *pg) transact(ctx context.Context, o pgx.TxOptions, fn func(session) error) error {
	s, err := p.session(ctx, o)
	if err != nil {
		return err
	}
	// Also when fn leaves by a panic or Goexit. The caller may be gone, the rollback must happen.
	defer s.leave(context.WithoutCancel(ctx))
	if err := fn(s); err != nil {
		return err
	}
	if err := s.commit(ctx); err != nil {
		return err
	}
	p.kept[0].Add(1)
	return nil
}
