package api

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"zhanggui/internal/fault"
)

// A31: Ensure that one machine with many accounts opens no more streams than an office needs, and that one of another address finds room.
func TestCrowd(t *testing.T) {
	k := crowd{n: map[string]int{}}
	for i := range streamsFrom {
		if !k.enter(fmt.Sprint("p", i), "10.0.0.1") {
			t.Fatalf("stream %d of the address found no room", i)
		}
	}
	if k.enter("another", "10.0.0.1") {
		t.Error("there is no end of an address's streams")
	}
	if !k.enter("another", "10.0.0.2") {
		t.Error("another address finds no room")
	}
	k.leave("p0", "10.0.0.1")
	if !k.enter("another", "10.0.0.1") {
		t.Error("a stream that ended still takes its room")
	}
}

// P22: Ensure that one person has few requests in work and few waiting, whatever he sends, and that others come in at once meanwhile; that
// when all places are taken one waits for a moment and is sent away in words, and at once when too many wait; and that whoever is sent
// away waits for his answer, unless so many do already.
func TestGate(t *testing.T) {
	type crowded struct {
		*gate
		end chan bool // all go home
	}
	enter := func(g crowded, who string, acts bool, got chan<- error) (leave chan<- bool) {
		on := make(chan bool)
		go func() {
			out, err := g.enter(context.Background(), who, acts)
			got <- err
			if err != nil {
				return
			}
			select {
			case <-on:
			case <-g.end:
			}
			out()
		}()
		synctest.Wait()
		return on
	}
	all := func(t *testing.T, got chan error, n int, kind fault.Kind) {
		t.Helper()
		synctest.Wait()
		if len(got) != n {
			t.Errorf("%d heard, not %d", len(got), n)
		}
		for range min(n, len(got)) {
			if err := <-got; fault.KindOf(err) != kind {
				t.Errorf("heard %v, not %q", err, kind)
			}
		}
	}
	t.Run("OnePerson", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := crowded{newGate(2, time.Now), make(chan bool)}
			defer close(g.end)
			in, got, other := []chan<- bool{}, make(chan error, 100), make(chan error, 100)
			for range 2 {
				in = append(in, enter(g, "wang", false, got))
			}
			all(t, got, 2, "")
			for range lineEach - 2 {
				enter(g, "wang", false, got)
			}
			all(t, got, 0, "") // these wait for those before them
			enter(g, "wang", true, got)
			all(t, got, 1, fault.TooMany) // and this one does not even wait
			in = append(in, enter(g, "he", false, other), enter(g, "he", true, other))
			all(t, other, 2, "") // nobody else is kept
			close(in[0])
			all(t, got, 1, "") // a place that is free is taken by who waits
			time.Sleep(waiting)
			all(t, got, lineEach-3, fault.TooMany)
			if g.n != 4 || len(g.by) != 2 {
				t.Errorf("%d in line, of %d", g.n, len(g.by))
			}
		})
	})
	t.Run("Dear", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := crowded{newGate(2, time.Now), make(chan bool)}
			defer close(g.end)
			in, got, other := []chan<- bool{}, make(chan error, 100), make(chan error, 100)
			for range 4 {
				in = append(in, enter(g, "wang", false, got))
			}
			all(t, got, 2, "")
			time.Sleep(plenty + time.Second) // what he asks for keeps both cores busy
			close(in[0])
			close(in[1])
			all(t, got, 1, "") // so one thing at a time
			enter(g, "wang", true, got)
			all(t, got, 1, "") // of what he reads, not of what he does
			enter(g, "he", false, other)
			enter(g, "he", false, other)
			all(t, other, 2, "") // nor of what the others read
		})
	})
	t.Run("Forgotten", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := crowded{newGate(2, time.Now), make(chan bool)}
			defer close(g.end)
			got := make(chan error, 100)
			enter(g, "wang", true, got) // he stays in the house
			long := enter(g, "wang", false, got)
			time.Sleep(2 * plenty)
			close(long)
			all(t, got, 2, "")
			time.Sleep(4 * time.Second) // two seconds of reading, twice halved
			enter(g, "wang", false, got)
			enter(g, "wang", false, got)
			all(t, got, 2, "")
		})
	})
	t.Run("Everybody", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := crowded{newGate(2, time.Now), make(chan bool)}
			defer close(g.end)
			got, late := make(chan error, 1000), make(chan error, 1000)
			for i := range cap(g.seats) {
				enter(g, fmt.Sprint("p", i), i%2 == 0, got)
			}
			all(t, got, cap(g.seats), "")
			for i := range lineAll - cap(g.seats) {
				enter(g, fmt.Sprint("q", i), true, late)
			}
			all(t, late, 0, "")
			enter(g, "one more", true, got)
			all(t, got, 1, fault.Unavailable)
			time.Sleep(patience)
			all(t, late, lineAll-cap(g.seats), fault.Unavailable)
			if g.n != cap(g.seats) || len(g.by) != cap(g.seats) {
				t.Errorf("%d in line, of %d", g.n, len(g.by))
			}
		})
	})
	t.Run("Held", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g, done := newGate(2, time.Now), make(chan error, heldAll+1)
			for range heldAll {
				go func() { g.hold(context.Background()); done <- nil }()
			}
			synctest.Wait()
			g.hold(context.Background()) // at once
			all(t, done, 0, "")
			time.Sleep(pause)
			all(t, done, heldAll, "")
		})
	})
}
