package scheduler_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"zhanggui/internal/scheduler"
)

// door records the knocks and answers what the test told it to.
type door struct {
	mu     sync.Mutex
	knocks []time.Time
	answer func(now time.Time) (int, time.Time, error)
}

func (d *door) Tick(_ context.Context, now time.Time) (int, time.Time, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.knocks = append(d.knocks, now)
	return d.answer(now)
}

func (d *door) seen() []time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]time.Time(nil), d.knocks...)
}

// Inside a synctest bubble the time is false and exact, so knocks can be compared to the millisecond.
func TestScheduler(t *testing.T) {
	run := func(name string, answer func(start, now time.Time) (int, time.Time, error), after time.Duration, want []time.Duration) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				d := &door{answer: func(now time.Time) (int, time.Time, error) { return answer(start, now) }}
				s := scheduler.New(d, scheduler.Options{Clock: time.Now, Every: 15 * time.Second})
				s.Start()
				time.Sleep(after)
				synctest.Wait()
				if err := s.Stop(context.Background()); err != nil {
					t.Fatal(err)
				}
				var got []time.Duration
				for _, k := range d.seen() {
					got = append(got, k.Sub(start))
				}
				if len(got) != len(want) {
					t.Fatalf("knocks at %v, want %v", got, want)
				}
				for i := range got {
					if got[i] != want[i] {
						t.Fatalf("knocks at %v, want %v", got, want)
					}
				}
			})
		})
	}
	run("AtOnceAndEvery", func(_, _ time.Time) (int, time.Time, error) { return 0, time.Time{}, nil },
		31*time.Second, []time.Duration{0, 15 * time.Second, 30 * time.Second})
	run("AtNext", func(start, now time.Time) (int, time.Time, error) {
		if next := start.Add(4 * time.Second); now.Before(next) {
			return 0, next, nil
		}
		return 1, time.Time{}, nil
	}, 10*time.Second, []time.Duration{0, 4 * time.Second})
	run("FarNextDoesNotSleepPastEvery", func(start, _ time.Time) (int, time.Time, error) { return 0, start.Add(time.Hour), nil },
		16*time.Second, []time.Duration{0, 15 * time.Second})
	run("PastNextIsNoBusyLoop", func(start, _ time.Time) (int, time.Time, error) { return 0, start.Add(-time.Hour), nil },
		25*time.Millisecond, []time.Duration{0, 10 * time.Millisecond, 20 * time.Millisecond})
	run("ErrBacksOff", func(_, _ time.Time) (int, time.Time, error) { return 0, time.Time{}, errors.New("database away") },
		8*time.Second, []time.Duration{0, 1 * time.Second, 3 * time.Second, 7 * time.Second})
}

func TestScheduler_Wake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &door{answer: func(time.Time) (int, time.Time, error) { return 0, time.Time{}, nil }}
		s := scheduler.New(d, scheduler.Options{Clock: time.Now, Every: time.Hour})
		s.Start()
		synctest.Wait()
		time.Sleep(5 * time.Second)
		s.Wake()
		s.Wake() // folded into the first
		synctest.Wait()
		if got := d.seen(); len(got) < 2 || len(got) > 3 || got[1].Sub(got[0]) != 5*time.Second {
			t.Fatalf("knocks %v", got)
		}
		if err := s.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestScheduler_StopWaitsForTheTick(t *testing.T) {
	begun, finish := make(chan bool), make(chan bool)
	d := &door{answer: func(time.Time) (int, time.Time, error) {
		close(begun)
		<-finish
		return 0, time.Time{}, nil
	}}
	s := scheduler.New(d, scheduler.Options{Clock: time.Now})
	s.Start()
	<-begun
	short, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if err := s.Stop(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Stop answered %v while a tick was at work", err)
	}
	close(finish)
	if err := s.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := scheduler.New(d, scheduler.Options{Clock: time.Now}).Stop(context.Background()); err != nil {
		t.Fatal("stopping what never ran:", err)
	}
}
