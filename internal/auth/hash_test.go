package auth

import (
	"context"
	"testing"

	"zhanggui/internal/fault"
)

// Ensure that no more passwords are computed at once than there are seats, that the rest wait in line, and that whom the line
// has no room for is told to come later.
func TestHasher(t *testing.T) {
	h := newHasher(2)
	ctx, cancel := context.WithCancel(t.Context())
	var leave []func()
	for range 2 {
		f, err := h.seat(ctx)
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, f)
	}
	if len(h.seats) != 2 || cap(h.seats) != 2 {
		t.Fatalf("%d of %d seats", len(h.seats), cap(h.seats))
	}
	done := make(chan error, maxWaiting)
	for range maxWaiting {
		go func() {
			f, err := h.seat(ctx)
			if err == nil {
				f()
			}
			done <- err
		}()
	}
	for h.waiting.Load() < maxWaiting { // until all of them stand in line
		select {
		case err := <-done:
			t.Fatal("one got a seat that was taken", err)
		default:
		}
	}
	if _, err := h.seat(ctx); fault.KindOf(err) != fault.TooMany {
		t.Fatal(err)
	}
	leave[0]()
	if err := <-done; err != nil {
		t.Fatal("nobody took the seat that became free", err)
	}
	cancel()
	leave[1]()
	for range maxWaiting - 1 {
		<-done
	}
}
