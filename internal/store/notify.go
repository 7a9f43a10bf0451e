package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// channel is what the nodes of one PostgreSQL database listen to.
const channel = "zhanggui"

// NotifyBytes is how long a message may be.
const NotifyBytes = 7900

// Notify tells all nodes that listen, this one too. It is not part of any transaction: a NOTIFY inside one makes all commits
// of the server take turns. With SQLite there is nobody to tell.
func (db *DB) Notify(ctx context.Context, message string) error {
	p, ok := db.drv.(*pg)
	if !ok {
		return nil
	}
	_, err := p.pool.Exec(ctx, "SELECT pg_notify($1, $2)", channel, message)
	return explain(err)
}

// Listen hands out what the nodes tell until ctx ends or the connection does; begun is called once nothing more can be
// missed. With SQLite it only waits.
func (db *DB) Listen(ctx context.Context, begun func(), hear func(message string)) error {
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
	if _, err := c.Exec(ctx, "LISTEN "+channel); err != nil {
		return explain(err)
	}
	begun()
	for {
		some, cancel := context.WithTimeout(ctx, listenPulse)
		n, err := c.WaitForNotification(some)
		cancel()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			hear(n.Payload)
		case errors.Is(err, context.DeadlineExceeded):
			// A server that vanished without a word says nothing either, so it is asked.
			ask, cancel := context.WithTimeout(ctx, listenPulse)
			err = c.Ping(ask)
			cancel()
			if err != nil {
				return explain(err)
			}
		default:
			return explain(err)
		}
	}
}

const listenPulse = 5 * time.Second
