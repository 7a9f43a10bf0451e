package app

import (
	"context"
	"encoding/json"
	"time"

	"zhanggui/internal/engine"
	"zhanggui/internal/store"
)

// relay carries what happened on this node to the pages that hang on others, and back. What is told is that a record
// changed, never what it holds: each node asks for each reader whether he may see it.
type relay struct {
	s    *server
	out  chan engine.Event
	lost chan struct{} // more happened than could be told
}

// told is one message between nodes; without events it says that some were lost.
type told struct {
	Node   string         `json:"n"`
	Events []engine.Event `json:"e,omitempty"`
}

const relayMost = 30 // events of a message: each is well under 200 bytes

func newRelay(s *server) *relay {
	return &relay{s: s, out: make(chan engine.Event, 4096), lost: make(chan struct{}, 1)}
}

// tell takes events that were committed here. It never waits: an act is not slowed by pages.
func (r *relay) tell(list []engine.Event) {
	for _, e := range list {
		select {
		case r.out <- e:
		default:
			select {
			case r.lost <- struct{}{}:
			default:
			}
		}
	}
}

// send tells the other nodes, many events in one message when many happen.
func (r *relay) send(ctx context.Context) {
	for {
		m := told{Node: r.s.lead.node}
		select {
		case <-ctx.Done():
			return
		case <-r.lost:
		case e := <-r.out:
			m.Events = append(m.Events, e)
			for more := true; more && len(m.Events) < relayMost; {
				select {
				case e = <-r.out:
					m.Events = append(m.Events, e)
				default:
					more = false
				}
			}
		}
		b, err := json.Marshal(m)
		if err == nil && len(b) > store.NotifyBytes {
			b, err = json.Marshal(told{Node: m.Node})
		}
		if err == nil {
			err = r.s.db.Notify(ctx, string(b))
		}
		if err != nil && ctx.Err() == nil {
			r.s.p.log.Warn("the other nodes were not told", "err", err)
		}
	}
}

// hear hands what other nodes tell to the pages here. After a gap the pages look at everything anew.
func (r *relay) hear(ctx context.Context) {
	missed := []engine.Event{{Action: engine.EventMissed}}
	for {
		err := r.s.db.Listen(ctx, func() { r.s.now.Load().engine.Bus().Hear(missed) }, func(message string) {
			var m told
			if json.Unmarshal([]byte(message), &m) != nil || m.Node == r.s.lead.node {
				return
			}
			if len(m.Events) == 0 {
				m.Events = missed
			}
			r.s.now.Load().engine.Bus().Hear(m.Events)
		})
		if ctx.Err() != nil {
			return
		}
		r.s.p.log.Warn("the other nodes are not heard", "err", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}
