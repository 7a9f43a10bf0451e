package store

import (
	"context"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// On PostgreSQL a Write has a transaction of its own: writers that shared one would wait for each other's locks. One whose acts come one after the
// other anyway, as the rows of a sheet do, may share commits with himself. Each act runs in a savepoint, so that one that fails undoes only its own; what
// nobody waits for of it goes along with the first question of the next, and of the last with the commit. Nobody is answered before the commit.

type shareKey struct{}

// Share is a context whose Writes share commits on PostgreSQL: they run one after the other, in the order in which they asked, on one connection, and hold
// what they lock for as long as those of a group commit on SQLite do at most. There all Writes share, and this changes nothing.
func Share(ctx context.Context) context.Context {
	return context.WithValue(ctx, shareKey{}, &share{})
}

// share are the writers of one such context.
type share struct {
	mu     sync.Mutex
	queue  []*sharer
	busy   bool  // somebody serves the queue
	broken error // somebody was told that the database is away: who asked after him must not come before him
}

// sharer is one Write that waits to be answered.
type sharer struct {
	ctx  context.Context
	fn   func(session) error
	done chan struct{}
	err  error // valid once done is closed
}

func (c *share) answer(x *sharer, err error) {
	if err != nil && away(err) {
		c.broken = err
	}
	x.err = err
	close(x.done)
}

func (c *share) write(ctx context.Context, p *pg, fn func(session) error) error {
	x := &sharer{ctx: ctx, fn: fn, done: make(chan struct{})}
	c.mu.Lock()
	c.queue = append(c.queue, x)
	serves := !c.busy
	c.busy = true
	c.mu.Unlock()
	turned(ctx)
	if serves {
		go func() {
			for x := c.next(true); x != nil; x = c.next(true) {
				c.serve(p, x)
			}
		}()
	}
	<-x.done
	return x.err
}

// next takes the first who waits; who finds nobody and ends is followed by whoever comes next.
func (c *share) next(ends bool) *sharer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		c.busy = !ends
		return nil
	}
	x := c.queue[0]
	c.queue[0] = nil
	c.queue = c.queue[1:]
	return x
}

// serve runs x and who waits after him in one transaction and answers them. Where two transactions stood in each other's way, what was done before is
// committed, which frees what it held, and who was in the way has a transaction of his own, before all others.
func (c *share) serve(p *pg, x *sharer) {
	if c.broken != nil {
		c.answer(x, c.broken)
		return
	}
	ctx := x.ctx
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		c.answer(x, err)
		return
	}
	var full atomic.Bool
	defer time.AfterFunc(max(batchTime, batchMost), func() { full.Store(true) }).Stop() // a sheet is in no hurry
	s := &pgSession{p: p, conn: conn, how: writing, shared: true}
	defer s.leave(context.WithoutCancel(ctx))
	var ran, alone []*sharer
	for n := 1; x != nil; {
		if err := s.act(x); err == nil {
			ran = append(ran, x)
		} else {
			failed := x
			if s.lost != nil { // x is not to blame and begins anew
				err, failed, ran = s.lost, ran[len(ran)-1], ran[:len(ran)-1]
			}
			if lost := s.undo(context.WithoutCancel(ctx)); lost != nil {
				if failed != x {
					ran = append(ran, x)
				}
				if c.broken = lost; away(err) {
					c.broken = err
				}
				c.answer(failed, err)
				for _, y := range ran {
					c.answer(y, c.broken) // nothing of what the one who failed was about is in it
				}
				return
			}
			if again(err) {
				if alone = append(alone, failed); failed != x {
					alone = append(alone, x)
				}
				break
			}
			if c.answer(failed, err); failed != x {
				continue
			}
		}
		if x = nil; n < batchMembers && !full.Load() {
			x = c.next(false)
			n++
		}
	}
	alone = append(c.commit(ctx, s, ran), alone...)
	if len(alone) == 0 {
		return
	}
	s.leave(context.WithoutCancel(ctx))
	for _, x := range alone {
		if c.broken != nil {
			c.answer(x, c.broken)
		} else {
			c.answer(x, p.alone(x.ctx, x.fn))
		}
	}
}

// commit ends the transaction and answers those that ran in it, but for the last where it has to run by itself.
func (c *share) commit(ctx context.Context, s *pgSession, ran []*sharer) (alone []*sharer) {
	if len(ran) == 0 {
		return nil
	}
	s.tail = len(s.wait)
	err := s.commit(ctx)
	if bad := s.lost; bad != nil {
		if err = s.undo(context.WithoutCancel(ctx)); err == nil {
			last := ran[len(ran)-1]
			if ran = ran[:len(ran)-1]; again(bad) {
				alone = append(alone, last)
			} else {
				c.answer(last, bad)
			}
			err = s.commit(ctx)
		}
	}
	if err == nil && len(ran) > 0 {
		s.p.kept[bits.Len(uint(len(ran)-1))].Add(1)
	}
	for _, x := range ran {
		c.answer(x, err)
	}
	return alone
}

// act runs one Write in a savepoint. Its last statements, and the end of the savepoint, wait for the next question. An error may be of
// what the one before left so; lost has it then.
func (s *pgSession) act(x *sharer) error {
	s.tail, s.came = len(s.wait), false
	s.wait = append(s.wait, said{sql: `SAVEPOINT "act"`})
	err := x.ctx.Err()
	if err == nil {
		err = x.fn(s)
	}
	s.soon = nil
	if err == nil && (!s.came || slices.ContainsFunc(s.wait, func(x said) bool { return x.must })) {
		err = s.send(x.ctx)
	}
	if err == nil {
		err = s.lost
	}
	if err == nil {
		s.wait = append(s.wait, said{sql: `RELEASE "act"`})
	}
	return err
}

// undo takes back what the savepoint holds that stands last.
func (s *pgSession) undo(ctx context.Context) error {
	if s.lost == nil && !s.came {
		s.wait = s.wait[:s.tail] // nothing has been sent since the one before
		return nil
	}
	s.wait, s.soon, s.tail, s.lost = nil, nil, 0, nil
	if s.tx == nil {
		return errUse("no connection to PostgreSQL lives")
	}
	_, err := s.tx.Exec(ctx, `ROLLBACK TO "act"; RELEASE "act"`)
	return err
}

// Steady keeps others from changing the row with this id of a table, whose primary column is named, until this transaction ends, where it shares its
// commit and so is kept later than it was judged. Elsewhere it does nothing.
func (tx *Tx) Steady(table, primary, id string) error {
	s, ok := tx.s.(*pgSession)
	if !ok || !s.shared || tx.readonly {
		return nil
	}
	tx.forget(table)
	return tx.say("SELECT 1 FROM "+quote(table)+" WHERE "+quote(primary)+" = $1 FOR SHARE", []any{id}, nil)
}
