package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"sync"
	"time"

	"zhanggui/internal/store"
)

// lead is this node's part in what only one of several nodes may do: fire what is due, seal the journal, send alerts, the
// daily routine. The node that holds the lease "house" does it. With SQLite there is one node, and it does.
type lead struct {
	db     *store.DB
	node   string // of this process
	length time.Duration
	now    func() time.Time
	log    *slog.Logger
	alone  bool
	end    context.CancelFunc
	done   chan struct{}

	mu    sync.Mutex
	lease store.Lease // zero = another node's
}

func newLead(db *store.DB, length time.Duration, now func() time.Time, log *slog.Logger) *lead {
	var b [6]byte
	_, _ = rand.Read(b[:])
	return &lead{db: db, node: hex.EncodeToString(b[:]), length: length, now: now, log: log, alone: db.Dialect() == "sqlite", done: make(chan struct{})}
}

// fence answers the context under which this node may do what only one may; false if another does. A node that was frozen
// may still be told yes: each of its writes is then refused.
func (l *lead) fence(ctx context.Context) (context.Context, bool) {
	if l.alone {
		return ctx, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lease.Fence == 0 || !l.now().Before(l.lease.Until) {
		return ctx, false
	}
	return store.Fenced(ctx, l.lease), true
}

// look renews the lease, or takes it when nobody has it.
func (l *lead) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.length)
	defer cancel()
	l.mu.Lock()
	mine := l.lease
	l.mu.Unlock()
	var ok bool
	var err error
	if mine.Fence > 0 {
		mine, ok, err = l.db.RenewLease(ctx, l.now(), mine, l.length)
		if err == nil && !ok {
			l.log.Warn("another node has taken over the timers, the seal and the alerts", "node", l.node)
		}
	} else if mine, ok, err = l.db.TakeLease(ctx, l.now(), "house", l.node, l.length); ok {
		l.log.Info("this node has the timers, the seal and the alerts", "node", l.node, "fence", mine.Fence)
	}
	if err != nil {
		return err // what is held ends by its own time
	}
	if !ok {
		mine = store.Lease{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lease = mine
	return nil
}

// start looks once, so that a lone node need not wait, and then three times within the length of a lease.
func (l *lead) start(ctx context.Context) error {
	ctx, l.end = context.WithCancel(context.WithoutCancel(ctx))
	if l.alone {
		close(l.done)
		return nil
	}
	if err := l.look(ctx); err != nil {
		return err
	}
	go func() {
		defer close(l.done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(l.length / 3):
				if err := l.look(ctx); err != nil && ctx.Err() == nil {
					l.log.Warn("the lease was not looked at", "err", err)
				}
			}
		}
	}()
	return nil
}

// stop gives the lease back, so that the next node begins at once.
func (l *lead) stop(ctx context.Context) error {
	l.end()
	select {
	case <-l.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lease.Fence == 0 {
		return nil
	}
	return l.db.ReturnLease(ctx, l.lease)
}

// handedOver tells an error that only says that another node does it now.
func handedOver(err error) bool { return errors.Is(err, store.ErrFenced) }
