package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
)

const (
	heartbeat  = 20 * time.Second
	countsRest = 2 * time.Second // counts are asked for at most this often
)

// events tells a page what changed, as far as its reader may see it, for as long as he may.
func events(c *call) error {
	if !c.s.streams.enter(c.actor.Person, c.actor.Address) {
		return fault.New(fault.TooMany, "打开的页面太多了，请先关掉几个", "Too many pages are open; close some of them first")
	}
	defer c.s.streams.leave(c.actor.Person, c.actor.Address)
	bus, stop := c.s.Engine.Bus().Subscribe()
	defer stop()
	c.w.Header().Set("Content-Type", "text/event-stream")
	c.w.Header().Set("X-Accel-Buffering", "no") // a proxy that collects would make it pointless
	c.w.WriteHeader(http.StatusOK)
	out := http.NewResponseController(c.w)
	send := func(name string, v any) bool {
		b, err := json.Marshal(v)
		if err != nil {
			return false
		}
		if _, err := fmt.Fprintf(c.w, "event: %s\ndata: %s\n\n", name, b); err != nil {
			return false
		}
		return out.Flush() == nil
	}
	if !send("clock", map[string]string{"now": instant(c.now)}) {
		return nil
	}
	// Who may no longer read hears nothing more: asked before every event, and every two seconds.
	still := func() bool {
		c.now = c.s.Clock()
		return c.identify() == nil && !c.principal.MustChange && !c.principal.MustEnrol
	}
	beat, rest := time.NewTicker(heartbeat), time.NewTicker(countsRest)
	looks := rest.C
	if c.s.Looks != nil {
		looks = c.s.Looks
	}
	defer beat.Stop()
	defer rest.Stop()
	stale, last := true, engine.TaskCounts{Late: -1}
	for {
		select {
		case <-c.ctx().Done():
			return nil
		case e := <-bus:
			if e.Action == engine.EventMissed { // the page looks at everything anew
				stale = true
				if !still() || !send("clock", map[string]string{"now": instant(c.now)}) {
					return nil
				}
				continue
			}
			if e.Action == engine.EventMasked {
				if e.By == c.actor.Person && !send("mask", map[string]string{"form": e.Form, "record": e.Record}) {
					return nil
				}
				continue
			}
			stale = true
			if !still() {
				return nil
			}
			etag, ok := c.s.Engine.Sees(c.ctx(), c.s.Clock(), c.actor, e.Form, e.Record)
			if ok && !send("change", map[string]string{"form": e.Form, "record": e.Record, "etag": etag, "by": e.By, "action": e.Action}) {
				return nil
			}
		case <-looks:
			if !still() {
				return nil
			}
			if !stale {
				continue
			}
			stale = false
			n, err := c.s.Engine.Counts(c.ctx(), c.s.Clock(), c.actor)
			if err != nil || n == last {
				continue
			}
			last = n
			if !send("task", map[string]any{"counts": n}) {
				return nil
			}
		case <-beat.C:
			if !still() { // signed out, left the company: the stream ends with the right to it
				return nil
			}
			stale = true
			if !send("clock", map[string]string{"now": instant(c.now)}) {
				return nil
			}
		}
	}
}
