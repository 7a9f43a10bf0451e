package api

import (
	"bytes"
	"context"
	"io"
	"math"
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
// waits for himself: he has no more in work than the machine does at once anyway, so that his crowd costs the others little.
type gate struct {
	seats chan struct{}
	held  chan struct{}
	reads int // of one person, in work
	acts  int
	wall  func() time.Time // how long a request takes is measured by the machine's clock
	mu    sync.Mutex
	n     int
	by    map[string]*line
}

// line is what one person, or where nobody has signed in one address, has in work and waiting.
type line struct {
	n                 int
	reads, acts, dear chan struct{}
	spent             time.Duration // on reading, of which each two seconds forget half
	at                time.Time     // of spent
}

// read counts what he had read, and answers how much of it was lately.
func (l *line) read(took time.Duration, now time.Time) time.Duration {
	l.spent = took + time.Duration(float64(l.spent)*math.Exp2(-now.Sub(l.at).Seconds()/2))
	l.at = now
	return l.spent
}

const (
	lineAll  = 512 // in work and waiting
	lineEach = 64
	patience = 2 * time.Second  // for a place
	waiting  = 30 * time.Second // for what one asked for before
	plenty   = time.Second      // of reading lately, after which one reads one thing at a time
	pause    = time.Second / 2  // before one is sent away
	heldAll  = 1024
)

// newGate measures by the cores. What reads keeps one busy, and more of that at once is done no sooner; whoever has kept them busy for a
// while has one, so that the others are not all his. What acts waits for the disk as well, and shares a commit with what acts beside it.
func newGate(cores int, wall func() time.Time) *gate {
	return &gate{seats: make(chan struct{}, min(max(8*cores, 16), 64)), held: make(chan struct{}, heldAll), by: map[string]*line{}, wall: wall,
		reads: min(max(cores, 2), 16), acts: min(max(2*cores, 4), 16)}
}

// enter waits for a place; the caller gives it back by leave.
func (g *gate) enter(ctx context.Context, who string, acts bool) (leave func(), err error) {
	yours := fault.New(fault.TooMany, "你同时发出的请求太多，请稍后再试", "Too many requests of yours at once, try again in a moment")
	busy := fault.New(fault.Unavailable, "现在太忙，这一次没有办，请稍后再试", "Too busy now; this was not done, try again in a moment")
	g.mu.Lock()
	l := g.by[who]
	if l == nil {
		l = &line{reads: make(chan struct{}, g.reads), acts: make(chan struct{}, g.acts), dear: make(chan struct{}, 1)}
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
	places := []chan struct{}{l.reads}
	if acts {
		places[0] = l.acts
	}
	back := func() {
		for _, p := range places {
			<-p
		}
		out()
	}
	if err := take(ctx, places[0], waiting, yours); err != nil {
		out()
		return nil, err
	}
	g.mu.Lock()
	dear := !acts && l.read(0, g.wall()) > plenty
	g.mu.Unlock()
	if dear {
		if err := take(ctx, l.dear, waiting, yours); err != nil {
			back()
			return nil, err
		}
		places = append(places, l.dear)
	}
	if err := take(ctx, g.seats, patience, busy); err != nil {
		back()
		return nil, err
	}
	begun := g.wall()
	return func() {
		<-g.seats
		if !acts {
			g.mu.Lock()
			now := g.wall()
			l.read(now.Sub(begun), now)
			g.mu.Unlock()
		}
		back()
	}, nil
}

// take waits for a place for so long; late is what is said then.
func take(ctx context.Context, places chan struct{}, most time.Duration, late error) error {
	over := time.NewTimer(most)
	defer over.Stop()
	select {
	case places <- struct{}{}:
		return nil
	case <-over.C:
		return late
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hold lets one who is sent away wait for his answer: a program that asks again at once would otherwise keep the server busy with
// sending it away.
func (g *gate) hold(ctx context.Context) {
	select {
	case g.held <- struct{}{}:
	default:
		return // so many are held already
	}
	defer func() { <-g.held }()
	over := time.NewTimer(pause)
	defer over.Stop()
	select {
	case <-over.C:
	case <-ctx.Done():
	}
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
	if leave, err = c.s.gate.enter(c.ctx(), who, c.route.unsafe); err != nil {
		c.r.Body = http.NoBody // what he sent is not kept meanwhile
		c.s.gate.hold(c.ctx())
	}
	return leave, err
}
