package store

import (
	"context"
	"sync"
)

type turnKey struct{}

// AtTurn is a context whose first Write calls f when its turn has come: on SQLite, where one writes after the other, in the order in which
// they asked, whatever commit they share. Who waits for it before he asks for the next keeps an order and waits for no commit. On PostgreSQL
// there are no turns, and f is not called.
func AtTurn(ctx context.Context, f func()) context.Context {
	return context.WithValue(ctx, turnKey{}, sync.OnceFunc(f))
}

// turned tells who asked for it that his turn has come.
func turned(ctx context.Context) {
	if f, ok := ctx.Value(turnKey{}).(func()); ok {
		f()
	}
}
