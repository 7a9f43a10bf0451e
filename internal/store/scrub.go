package store

import "context"

// scrubber is what a driver does so that what was deleted is not left lying in its files.
type scrubber interface {
	scrub(ctx context.Context, whole bool, tables []string) error
}

// Scrub clears what deleted and overwritten values of these tables left behind. SQLite overwrites freed space by itself and
// here empties its log into the file; PostgreSQL vacuums.
func (db *DB) Scrub(ctx context.Context, tables ...string) error { return db.scrub(ctx, false, tables) }

// Rewrite is Scrub for values that were written before there was anything to hide: the files are written anew. It takes long
// and shuts others out meanwhile.
func (db *DB) Rewrite(ctx context.Context, tables ...string) error {
	return db.scrub(ctx, true, tables)
}

func (db *DB) scrub(ctx context.Context, whole bool, tables []string) error {
	if d, ok := db.drv.(scrubber); ok {
		return explain(d.scrub(ctx, whole, tables))
	}
	return nil // a sandbox leaves nothing at all
}

func (l *lite) scrub(ctx context.Context, whole bool, _ []string) error {
	if l.memory {
		return nil
	}
	if err := l.take(ctx); err != nil {
		return err
	}
	defer l.give()
	if t := l.tail.Load(); t != nil {
		t.anew.Store(true)
	}
	if whole {
		if err := l.watch(l.w.simple("VACUUM")); err != nil {
			return err
		}
	}
	_, err := l.w.one("PRAGMA wal_checkpoint(TRUNCATE)")
	return l.watch(err)
}

func (p *pg) scrub(ctx context.Context, whole bool, tables []string) error {
	for _, t := range tables {
		if _, err := p.pool.Exec(ctx, pick(whole, "VACUUM (FULL) ", "VACUUM ")+quote(t)); err != nil {
			return err
		}
	}
	return nil
}
