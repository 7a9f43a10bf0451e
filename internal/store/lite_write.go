package store

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"runtime"
	"sync/atomic"
	"time"
)

// Group commit. A durable commit costs a sync of the disk, whatever it holds; so writers that wait
// while one is under way are put into the next transaction together. Each runs in its own savepoint
// and in its own goroutine; the turn is handed from one to the next, the last one commits, and only
// then is anybody answered.

// ticket is a writer waiting for its turn.
type ticket struct{ turn chan *batch }

// batch is one transaction shared by several writers.
type batch struct {
	begun  bool
	count  int
	full   atomic.Bool // no more members: the first ones have waited long enough
	timer  *time.Timer
	broken error // the transaction as a whole is lost
	done   chan struct{}
	err    error // valid once done is closed
}

const batchMembers = 128

// batchTime is how long writers share a commit: the first of them waits so long. Where commits themselves take longer than slowCommit, as on a
// disk that turns, they share for batchMost, else half of the time would go into commits. A variable for tests alone.
var batchTime = 10 * time.Millisecond

const (
	batchMost  = 25 * time.Millisecond
	slowCommit = 6 * time.Millisecond
)

// pace knows whether commits have been slow of late: one that is weighs as much as four that are not. Whoever has the turn may look.
type pace struct{ slow int }

func (p *pace) share() time.Duration {
	if p.slow > 8 {
		return max(batchTime, batchMost)
	}
	return batchTime
}

func (p *pace) note(slow bool) {
	p.slow = max(p.slow-1, 0)
	if slow {
		p.slow = min(p.slow+5, 32)
	}
}

func (l *lite) write(ctx context.Context, fn func(session) error) error {
	b, err := l.turn(ctx)
	if err != nil {
		return err
	}
	mine := l.serve(ctx, b, fn)
	<-b.done
	if mine != nil {
		return mine
	}
	return b.err
}

// turn waits until this writer may use the connection.
func (l *lite) turn(ctx context.Context) (*batch, error) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil, errClosed
	}
	if !l.busy {
		l.busy = true
		l.mu.Unlock()
		return newBatch(), nil
	}
	t := &ticket{turn: make(chan *batch, 1)}
	l.queue = append(l.queue, t)
	l.mu.Unlock()
	select {
	case b := <-t.turn:
		return b, nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	for i, x := range l.queue {
		if x == t {
			l.queue = append(l.queue[:i], l.queue[i+1:]...)
			l.mu.Unlock()
			return nil, ctx.Err()
		}
	}
	l.mu.Unlock()
	// The turn came at the same moment. It is taken, found to be cancelled, and passed on.
	return <-t.turn, nil
}

func newBatch() *batch { return &batch{done: make(chan struct{})} }

// serve runs one member and passes the turn on, also when fn leaves by runtime.Goexit, as a test
// that fails inside a transaction does.
func (l *lite) serve(ctx context.Context, b *batch, fn func(session) error) error {
	defer l.pass(b)
	if b.broken != nil {
		return nil // the batch's error is this member's answer
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if !b.begun {
		if err := l.begin(ctx, b); err != nil {
			return err
		}
	}
	err := l.w.savepoint(fn)
	var lost *lostError
	if errors.As(err, &lost) {
		b.broken = lost
	}
	return l.watch(err)
}

func (l *lite) begin(ctx context.Context, b *batch) error {
	if err := l.failed(); err != nil {
		return err
	}
	if err := l.take(ctx); err != nil {
		return err
	}
	if err := l.w.simple("BEGIN IMMEDIATE"); err != nil {
		// A rollback that failed may have left a transaction open, or this one may have begun before its answer was lost.
		// Nobody was told that anything in it is kept; left open, it would keep everybody from writing for ever.
		_ = l.w.simple("ROLLBACK")
		l.give()
		return l.watch(fmt.Errorf("store: begin: %w", err))
	}
	b.begun, l.w.looked, l.w.turn = true, false, 0
	b.timer = time.AfterFunc(l.pace.share(), func() { b.full.Store(true) })
	return nil
}

// pass hands the turn to the next writer of this batch, or ends the batch.
func (l *lite) pass(b *batch) {
	b.count++
	if b.begun && b.broken == nil && b.count < batchMembers && !b.full.Load() && !l.wanted.Load() {
		if next := l.another(b); next != nil {
			next.turn <- b
			return
		}
	}
	l.crowd = b.count
	if b.begun {
		b.err = l.finish(b)
		b.timer.Stop()
		l.give()
	}
	l.mu.Lock()
	next := l.next()
	l.busy = next != nil
	l.mu.Unlock()
	if next != nil {
		next.turn <- newBatch()
	}
	close(b.done)
}

// another finds a further member for the batch. Where the last batch was a crowd, its members are
// just being woken and many come back at once: without a moment's patience every second commit would
// be for a single one.
func (l *lite) another(b *batch) *ticket {
	for patience := 0; ; patience++ {
		l.mu.Lock()
		next := l.next()
		l.mu.Unlock()
		if next != nil || patience == 3 || 2*b.count >= l.crowd {
			return next
		}
		runtime.Gosched()
	}
}

// next takes the first waiting writer; l.mu is held.
func (l *lite) next() *ticket {
	if len(l.queue) == 0 {
		return nil
	}
	t := l.queue[0]
	l.queue[0] = nil
	l.queue = l.queue[1:]
	return t
}

// finish commits, or if that fails tells every member so.
func (l *lite) finish(b *batch) error {
	list := l.w.pieces
	l.w.pieces = nil
	if b.broken != nil {
		_ = l.w.simple("ROLLBACK") // SQLite may have done it already
		return b.broken
	}
	watch := time.AfterFunc(slowCommit, func() {}) // no clock is asked: whether it is over tells
	err := l.w.writePieces(list)
	if err == nil {
		err = l.w.simple("COMMIT")
	}
	l.pace.note(!watch.Stop())
	if err != nil {
		_ = l.w.simple("ROLLBACK")
		return l.watch(fmt.Errorf("store: commit: %w", err))
	}
	l.kept[bits.Len(uint(b.count-1))].Add(1)
	l.foldAside(b.count)
	return nil
}

// lostError tells that the transaction around a savepoint is gone with all that was in it.
type lostError struct{ err error }

func (e *lostError) Error() string { return "store: the transaction was lost: " + e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

// savepoint runs fn so that its failure undoes only its own work.
func (c *liteConn) savepoint(fn func(session) error) (err error) {
	if err := c.simple(`SAVEPOINT "act"`); err != nil {
		return &lostError{err}
	}
	kept := false
	defer func() {
		if kept {
			return
		}
		undo := c.simple(`ROLLBACK TO "act"`)
		if undo == nil {
			undo = c.simple(`RELEASE "act"`)
		}
		if undo != nil {
			// A full disk or an I/O error rolls back everything at once, not only this member. The others in the batch hear
			// of it too, so nothing of this member's own business may be in it.
			if broken(err) {
				undo = errors.Join(err, undo)
			}
			err = &lostError{undo}
		}
	}()
	if err := fn(c); err != nil {
		return err
	}
	if err := c.simple(`RELEASE "act"`); err != nil {
		return &lostError{err}
	}
	kept = true
	return nil
}
