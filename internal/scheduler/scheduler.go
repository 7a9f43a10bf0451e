// Package scheduler sees when something falls due and knocks on the engine's door. It decides nothing and
// changes nothing: the engine's Tick does what is due, in order and once, however often it is called.
// It knows nothing of the house but that door.
package scheduler

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Engine is the door.
type Engine interface {
	// Tick does what has fallen due up to now and answers when it must be called again; the zero
	// time if nothing is scheduled.
	Tick(ctx context.Context, now time.Time) (fired int, next time.Time, err error)
}

// Options tune the loop.
type Options struct {
	Clock func() time.Time // what time it is; required
	Every time.Duration    // knock at least so often, because another node may have scheduled something; default 15 s
	Log   *slog.Logger
}

// Scheduler is the loop. With a manual clock it is not started; whoever turns the clock calls the engine himself.
type Scheduler struct {
	engine Engine
	opts   Options
	stop   context.CancelFunc
	done   chan struct{}
	wake   chan struct{}

	mu     sync.Mutex
	failed error
	last   time.Time
}

// New makes a scheduler that does not run yet.
func New(engine Engine, opts Options) *Scheduler {
	if opts.Every <= 0 {
		opts.Every = 15 * time.Second
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return &Scheduler{engine: engine, opts: opts, done: make(chan struct{}), wake: make(chan struct{}, 1)}
}

// Start begins the loop: what fell due while nothing ran is done first.
func (s *Scheduler) Start() {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go s.loop(ctx)
}

// Wake asks for a knock now, because something may have been scheduled earlier than the loop knows.
func (s *Scheduler) Wake() {
	select {
	case s.wake <- struct{}{}:
	default: // one is waiting already
	}
}

// Stop ends the loop and waits for the transaction at work, but not longer than ctx.
func (s *Scheduler) Stop(ctx context.Context) error {
	if s.stop == nil {
		return nil
	}
	s.stop()
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// State is when the last knock succeeded and why the latest one did not, for the readiness check.
func (s *Scheduler) State() (last time.Time, failed error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last, s.failed
}

// slowest is how long the loop waits at most between tries while the engine fails.
const slowest = time.Minute

func (s *Scheduler) loop(ctx context.Context) {
	defer close(s.done)
	pause := time.Second
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-timer.C:
		}
		now := s.opts.Clock()
		fired, next, err := s.engine.Tick(ctx, now)
		if ctx.Err() != nil {
			return
		}
		s.note(now, err)
		wait := s.opts.Every
		switch {
		case err != nil:
			s.opts.Log.Error("tick failed", "err", err, "again_in", pause.String())
			wait, pause = pause, min(2*pause, slowest)
		default:
			pause = time.Second
			if fired > 0 {
				s.opts.Log.Info("tick", "fired", fired, "next", next)
			}
			if !next.IsZero() {
				// At least a moment: a due time that the engine keeps announcing must not become a busy loop.
				wait = min(wait, max(next.Sub(s.opts.Clock()), 10*time.Millisecond))
			}
		}
		timer.Reset(wait)
	}
}

func (s *Scheduler) note(now time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = err
	if err == nil {
		s.last = now
	}
}
