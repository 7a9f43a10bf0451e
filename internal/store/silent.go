package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Silent is a session that was ended because its node said nothing: PID is the server's, State, Event and For are what the session did,
// what it waited for, and for how long.
type Silent struct {
	PID          int64
	State, Event string
	For          time.Duration
}

// EndSilent looks, each time every has passed, for nodes of this program that keep others of this database waiting while the server has
// been waiting for them for longer than after, ends on the server what such a node has not committed, all of it at once, and tells ended.
// When it comes back it finds its connections lost. EndSilent goes on until ctx ends or its connection does, which is one of its own: those
// of the pool may all be among the waiting. With SQLite it only waits.
//
// The server's own idle_in_transaction_session_timeout knows only who is silent between two questions. A client that was frozen within one,
// having sent half a batch or read half an answer, keeps its locks for as long as its machine stands. And where a frozen node's transactions
// wait one behind another, each has that time for itself. Who passes over what is locked (ClaimDue) waits for nobody, so a session that was
// left in half a question is ended even if none does.
func (db *DB) EndSilent(ctx context.Context, after, every time.Duration, ended func(Silent)) error {
	p, ok := db.drv.(*pg)
	if !ok {
		<-ctx.Done()
		return ctx.Err()
	}
	c, err := pgx.ConnectConfig(ctx, p.pool.Config().ConnConfig)
	if err != nil {
		return explain(err)
	}
	defer c.Close(context.WithoutCancel(ctx))
	for {
		some, cancel := context.WithTimeout(ctx, listenPulse)
		list, err := silent(some, c, after, p.program)
		cancel()
		if err != nil {
			return explain(err)
		}
		for _, s := range list {
			ended(s)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(every):
		}
	}
}

// silentSQL asks nobody who waits behind whom unless a session has stood for so long: that question stops the server's locks for a moment.
// Each step is done before the next, so that nobody is ended whom a later condition would have let be.
const silentSQL = `WITH stood AS MATERIALIZED (
	SELECT pid, application_name AS node, state, wait_event_type AS kind, wait_event AS event, state_change AS since FROM pg_stat_activity
	WHERE datname = current_database() AND usename = session_user AND starts_with(application_name, $2) AND pid <> pg_backend_pid()
		AND state <> 'idle' AND wait_event_type IN ('Client', 'Lock') AND state_change < clock_timestamp() - $1 * interval '1 millisecond'
), still AS MATERIALIZED (
	SELECT s.node FROM stood s WHERE s.kind = 'Client' AND ((s.state = 'active' AND s.event = 'ClientRead') OR EXISTS (
		SELECT FROM pg_stat_activity w WHERE w.wait_event_type = 'Lock' AND s.pid = ANY (pg_blocking_pids(w.pid))))
), ended AS MATERIALIZED (
	SELECT pid, state, event, since FROM stood WHERE node IN (SELECT node FROM still)
)
SELECT pid, state, event, (EXTRACT(EPOCH FROM clock_timestamp() - since) * 1000)::bigint FROM ended WHERE pg_terminate_backend(pid)`

func silent(ctx context.Context, c *pgx.Conn, after time.Duration, program string) ([]Silent, error) {
	rows, err := c.Query(ctx, silentSQL, after.Milliseconds(), program)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Silent, err error) {
		var ms int64
		err = row.Scan(&s.PID, &s.State, &s.Event, &ms)
		s.For = time.Duration(ms) * time.Millisecond
		return s, err
	})
}
