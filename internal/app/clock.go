package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/store"
)

// clock is what time it is for the business: the database's, which all nodes share; with SQLite the process's; in a
// demonstration the one turned by hand. The hand is kept in the database, so that a restart does not lose the day it stood at.
type clock struct {
	db     *store.DB
	manual bool
	ticker ticker
	wall   func() time.Time // the process's own

	mu   sync.Mutex
	now  time.Time // manual only
	base time.Time // what the database's clock said …
	seen time.Time // … no later than at this moment of the process; zero = the process's clock counts
	high time.Time // the latest instant that was given out or recorded: time does not go back
	back error     // why nothing may be recorded now
}

type ticker interface {
	Tick(ctx context.Context, now time.Time) (fired int, next time.Time, err error)
}

// newClock makes the clock that was asked for. A hand-turned one exists only where the database was made as a
// demonstration: nobody can backdate an act of a real company.
func newClock(ctx context.Context, db *store.DB, mode string, t ticker) (*clock, error) {
	demo, err := meta(ctx, db, metaDemo)
	if err != nil {
		return nil, err
	}
	hand, err := meta(ctx, db, metaClock)
	if err != nil {
		return nil, err
	}
	if mode == "" && hand != "" {
		mode = "manual"
	}
	c := &clock{db: db, ticker: t, manual: mode == "manual", wall: time.Now}
	if !c.manual {
		return c, c.set(ctx, demo == "")
	}
	if demo == "" {
		return nil, errors.New("--clock manual: this database was not made as a demonstration")
	}
	if hand == "" {
		c.now = time.Now().UTC().Truncate(time.Millisecond)
		return c, setMeta(ctx, db, metaClock, c.now.Format(instantForm))
	}
	if c.now, err = time.Parse(instantForm, hand); err != nil {
		return nil, fmt.Errorf("the clock's hand in the database: %w", err)
	}
	return c, nil
}

const (
	clockEvery = time.Second     // the database is asked for its time so often
	clockOld   = 3 * time.Second // an answer so old, by any clock, is not counted on: the machine stood still
	clockWaver = time.Second     // so little backwards is waited out, the hands standing still
)

// set begins with the database's time. A company's clock must not stand before its newest entry, whoever wrote that.
func (c *clock) set(ctx context.Context, strict bool) error {
	if err := c.ask(ctx); err != nil {
		return err
	}
	if strict {
		last, err := c.db.LastEntry(ctx)
		if err != nil {
			return err
		}
		c.high = last
	}
	c.db.Guard(c.behind)
	return nil
}

// ask reads the database's clock. Its answer was true at the latest when it came, so the time that is counted on from there
// is never ahead of the database's: no limit ends before its time says so.
func (c *clock) ask(ctx context.Context) error {
	now, ok, err := c.db.Now(ctx)
	if err != nil || !ok {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base, c.seen = now, c.wall()
	return nil
}

// follow asks the database for its time again and again until ctx ends.
func (c *clock) follow(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(clockEvery):
			some, cancel := context.WithTimeout(ctx, clockOld)
			_ = c.ask(some) // a database that is away is no secret: every act says so
			cancel()
		}
	}
}

// turn is the time by which nodes take turns. A clock that is turned by hand stands still, so that a node that died would keep its turn.
func (c *clock) turn() time.Time {
	if c.manual {
		return c.wall().UTC()
	}
	return c.Now()
}

// Now is the time in UTC, to the millisecond. It never goes back.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.manual {
		return c.now
	}
	now := c.wall()
	if !c.seen.IsZero() {
		// The monotonic clock stands still while a machine is suspended, the wall clock does not; either shows that it stood.
		if now.Sub(c.seen) > clockOld || now.Round(0).Sub(c.seen.Round(0)).Abs() > clockOld {
			c.mu.Unlock()
			ctx, cancel := context.WithTimeout(context.Background(), clockOld)
			_ = c.ask(ctx)
			cancel()
			c.mu.Lock()
			now = c.wall()
		}
		now = c.base.Add(now.Sub(c.seen))
	}
	now = now.UTC().Truncate(time.Millisecond)
	if gap := c.high.Sub(now); gap > 0 {
		c.back = nil
		if gap > clockWaver {
			c.back = fault.New(fault.Unavailable, "服务器的时钟比最后一次办理早 "+gap.Round(time.Second).String()+"，调准之前不能办理",
				"The clock stands "+gap.Round(time.Second).String()+" before the last act; nothing can be done until it is right")
		}
		return c.high
	}
	c.high, c.back = now, nil
	return now
}

// behind is why nothing may be recorded: the clock has gone back.
func (c *clock) behind() error {
	c.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.back
}

// Manual tells whether the clock is turned by hand.
func (c *clock) Manual() bool { return c.manual }

// Turn sets a manual clock forward and does what falls due on the way. It answers how much that was.
func (c *clock) Turn(ctx context.Context, to time.Time) (int, error) {
	if !c.manual {
		return 0, fault.New(fault.Forbidden, "只有样板公司的时间可以拨", "Only the demonstration's clock can be turned")
	}
	to = to.UTC().Truncate(time.Millisecond)
	c.mu.Lock()
	defer c.mu.Unlock()
	// Back is not a direction: what fell due has happened.
	if to.Before(c.now) {
		return 0, fault.At("set", "时间只能往后拨", "The clock can only be turned forward")
	}
	fired, _, err := c.ticker.Tick(ctx, to)
	if err != nil {
		return fired, err
	}
	if err := setMeta(ctx, c.db, metaClock, to.Format(instantForm)); err != nil {
		return fired, err
	}
	c.now = to
	return fired, nil
}
