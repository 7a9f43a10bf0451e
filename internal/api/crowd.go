package api

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"zhanggui/internal/fault"
)

// crowd counts the open streams of each person and each address: a page that forgets to close its own must not use up the
// server, nor must one machine with many accounts.
type crowd struct {
	sync.Mutex
	n map[string]int
}

const (
	streamsEach = 8
	streamsFrom = 400 // of an address: a whole office may stand behind one
)

// enter counts a stream in; it answers whether there was room.
func (k *crowd) enter(person, address string) bool {
	k.Lock()
	defer k.Unlock()
	p, a := "person "+person, "from "+address
	if k.n[p] >= streamsEach || k.n[a] >= streamsFrom {
		return false
	}
	k.n[p]++
	k.n[a]++
	return true
}

func (k *crowd) leave(person, address string) {
	k.Lock()
	defer k.Unlock()
	for _, key := range []string{"person " + person, "from " + address} {
		if k.n[key]--; k.n[key] <= 0 {
			delete(k.n, key)
		}
	}
}

// gate lets only so many requests be worked on at once. Some more wait for a moment; whoever comes when they are too many is told
// to come again before anything was done for him, so that those inside are still answered in time. One who asks for much at once
// waits for himself: he never has more than a part of the places.
type gate struct {
	seats chan struct{}
	mu    sync.Mutex
	n     int
	by    map[string]*line
}

// line is what one person, or where nobody has signed in one address, has in work and waiting.
type line struct {
	n     int
	seats chan struct{}
}

const (
	seatsAll  = 64
	seatsEach = 16
	lineAll   = 512 // in work and waiting
	lineEach  = 64
	patience  = 2 * time.Second
)

func newGate() *gate { return &gate{seats: make(chan struct{}, seatsAll), by: map[string]*line{}} }

// enter waits for a place; the caller gives it back by leave.
func (g *gate) enter(ctx context.Context, who string) (leave func(), err error) {
	yours := fault.New(fault.TooMany, "你同时发出的请求太多，请稍后再试", "Too many requests of yours at once, try again in a moment")
	busy := fault.New(fault.Unavailable, "现在太忙，这一次没有办，请稍后再试", "Too busy now; this was not done, try again in a moment")
	g.mu.Lock()
	l := g.by[who]
	if l == nil {
		l = &line{seats: make(chan struct{}, seatsEach)}
		g.by[who] = l
	}
	switch {
	case l.n >= lineEach:
		g.mu.Unlock()
		return nil, yours
	case g.n >= lineAll:
		if l.n == 0 {
			delete(g.by, who)
		}
		g.mu.Unlock()
		return nil, busy
	}
	l.n++
	g.n++
	g.mu.Unlock()
	out := func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.n--
		if l.n--; l.n == 0 {
			delete(g.by, who)
		}
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	for i, seats := range []chan struct{}{l.seats, g.seats} {
		select {
		case seats <- struct{}{}:
			continue
		case <-late.C:
			err = []error{yours, busy}[i]
		case <-ctx.Done():
			err = ctx.Err()
		}
		if i == 1 {
			<-l.seats
		}
		out()
		return nil, err
	}
	return func() {
		<-g.seats
		<-l.seats
		out()
	}, nil
}

// seat takes a place for a request whose body has been read: who sends slowly keeps nobody waiting. Streams, uploads and the
// signs of life of the server itself take none.
func (c *call) seat() (leave func(), err error) {
	if c.route.stream || c.route.limit > megabyte || c.route.who == public && c.route.method == http.MethodGet {
		return func() {}, nil
	}
	body, err := io.ReadAll(c.r.Body)
	if err != nil {
		return nil, unreadable(err)
	}
	c.r.Body = io.NopCloser(bytes.NewReader(body))
	who := c.actor.Person
	if who == "" {
		who = "from " + c.actor.Address
	}
	return c.s.gate.enter(c.ctx(), who)
}
