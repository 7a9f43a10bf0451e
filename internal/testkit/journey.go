package testkit

import (
	"net"
	"sync/atomic"

	"zhanggui/internal/store"
)

// Journeys counts how often something was sent to PostgreSQL and its answer waited for, whatever went along.
type Journeys struct{ n atomic.Int64 }

// Option puts the count on the way of a database that is opened.
func (j *Journeys) Option() store.Option {
	return store.Through(nil, func(c net.Conn) net.Conn { return &counted{Conn: c, j: j} })
}

// Taken is how many there were since it was asked last.
func (j *Journeys) Taken() int { return int(j.n.Swap(0)) }

type counted struct {
	net.Conn
	j    *Journeys
	sent atomic.Bool
}

func (c *counted) Write(b []byte) (int, error) {
	c.sent.Store(true)
	return c.Conn.Write(b)
}

func (c *counted) Read(b []byte) (int, error) {
	if c.sent.Swap(false) {
		c.j.n.Add(1)
	}
	return c.Conn.Read(b)
}
