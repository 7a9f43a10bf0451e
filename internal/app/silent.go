package app

import (
	"context"
	"time"

	"zhanggui/internal/store"
)

// endSilent ends, until ctx does, the sessions of nodes that stand still and keep others waiting, for longer than a lease. Every node
// looks: the one that stands still may be the one that leads.
func (s *server) endSilent(ctx context.Context, what string, db *store.DB) {
	for {
		err := db.EndSilent(ctx, s.c.Lease, s.c.Lease/3, func(x store.Silent) {
			s.p.log.Warn("a node that stands still kept others waiting: its session is ended", "database", what,
				"session", x.PID, "state", x.State, "waits_for", x.Event, "for", x.For.Round(time.Millisecond).String())
		})
		if ctx.Err() != nil {
			return
		}
		s.p.log.Warn("nobody looks for nodes that stand still", "database", what, "err", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}
