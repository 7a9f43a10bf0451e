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

// clock is what time it is for the business: the system's, or in a demonstration the one turned by hand.
// The hand is kept in the database, so that a restart does not lose the day it stood at.
type clock struct {
	db     *store.DB
	manual bool
	ticker ticker

	mu  sync.Mutex
	now time.Time // manual only
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
	c := &clock{db: db, ticker: t, manual: mode == "manual"}
	if !c.manual {
		return c, nil
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

// Now is the time in UTC, to the millisecond.
func (c *clock) Now() time.Time {
	if !c.manual {
		return time.Now().UTC().Truncate(time.Millisecond)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
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
