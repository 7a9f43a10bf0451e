package store

import (
	"context"
	"sync"
)

type turnKey struct{}

// AtTurn is a context whose first Write calls f when all that ask after it come after it: on SQLite, where one writes after the other, when its
// turn has come; on PostgreSQL, among those of one Share, once it has asked for it. Who waits for f before he asks for the next keeps an order
// and waits for no commit. On PostgreSQL without Share there are no turns, and f is not called.
func AtTurn(ctx context.Context, f func()) context.Context {
	return context.WithValue(ctx, turnKey{}, sync.OnceFunc(f))
}

// turned tells who asked for it that his turn has come.
func turned(ctx context.Context) {
	if f, ok := ctx.Value(turnKey{}).(func()); ok {
		f()
	}
}
