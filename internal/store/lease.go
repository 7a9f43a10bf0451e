package store

import (
	"context"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/query"
)

// Lease is the right to do what only one node may do, for a while. Its fence grows whenever the right changes hands: a node that
// was frozen and believes that it still has the right carries a smaller one, by which each of its writes is refused.
type Lease struct {
	Name, Holder string
	Fence        int64
	Until        time.Time
}

// TakeLease gives the lease to holder until now+length if nobody has it, or if its time has run out. now is the database's
// time (see Now), so that all nodes count by one clock.
func (db *DB) TakeLease(ctx context.Context, now time.Time, name, holder string, length time.Duration) (Lease, bool, error) {
	l := Lease{Name: name, Holder: holder, Until: now.Add(length)}
	taken := false
	err := db.Write(ctx, func(tx *Tx) error {
		taken = false
		// Two statements, since what changes the fence must wait for the transactions that rely on it, and a renewal must not.
		if _, err := tx.exec(`INSERT INTO "lease" ("name", "holder", "fence", "until") VALUES (`+tx.mark(1)+`, '', 0, '') ON CONFLICT ("name") DO NOTHING`, []any{name}); err != nil {
			return err
		}
		rows, err := tx.ask(`UPDATE "lease" SET "fence" = "fence" + 1, "holder" = `+tx.mark(1)+`, "until" = `+tx.mark(2)+
			` WHERE "name" = `+tx.mark(3)+` AND "until" <= `+tx.mark(4)+` RETURNING "fence"`, []any{holder, instant(l.Until), name, instant(now)}, []column{{"fence", Int}})
		if err != nil || len(rows) == 0 {
			return tx.fail(err)
		}
		l.Fence, _ = rows[0]["fence"].(int64)
		taken = true
		return nil
	})
	return l, taken, err
}

// RenewLease prolongs a lease that is still held; an expired one too, as long as nobody else has taken it.
func (db *DB) RenewLease(ctx context.Context, now time.Time, l Lease, length time.Duration) (Lease, bool, error) {
	until := now.Add(length)
	ok, err := db.extend(ctx, l, instant(until))
	if ok {
		l.Until = until
	}
	return l, ok, err
}

// ReturnLease ends a lease early, so that another node need not wait for its end.
func (db *DB) ReturnLease(ctx context.Context, l Lease) error {
	_, err := db.extend(ctx, l, "")
	return err
}

func (db *DB) extend(ctx context.Context, l Lease, until string) (ok bool, err error) {
	err = db.Write(ctx, func(tx *Tx) error {
		n, err := tx.Update("lease", Row{"name": l.Name, "holder": l.Holder, "fence": l.Fence}, Row{"until": until})
		ok = n == 1
		return err
	})
	return ok, err
}

// fenceKey is of one database: the context of an act reaches the keystore too, which has no leases.
type fenceKey struct{ db *DB }

// Fenced makes every Write of this database under the context one of the lease's holder: it is refused with ErrFenced once the
// lease has changed hands, and no other node can take the lease while it commits.
func (db *DB) Fenced(ctx context.Context, l Lease) context.Context {
	return context.WithValue(ctx, fenceKey{db}, l)
}

// ErrFenced is the error of a Write by a node that no longer has the right to it.
var ErrFenced error = fault.New(fault.Conflict, "这件事已由另一个节点接手", "Another node has taken this over")

// guarded puts the question for the fence before fn, where the context carries one.
func (db *DB) guarded(ctx context.Context, fn func(*Tx) error) func(*Tx) error {
	l, ok := ctx.Value(fenceKey{db}).(Lease)
	if !ok {
		return fn
	}
	return func(tx *Tx) error {
		sql := `SELECT "fence" FROM "lease" WHERE "name" = ` + tx.mark(1) + ` AND "fence" = ` + tx.mark(2)
		if tx.db.drv.dialect() == sqlite {
			rows, err := tx.ask(sql, []any{l.Name, l.Fence}, []column{{"fence", Int}})
			if err == nil && len(rows) == 0 {
				return ErrFenced
			}
			if err != nil {
				return tx.fail(err)
			}
			return fn(tx)
		}
		// Held against a new fence, not against a renewal: the index lease_fence makes the fence a key. It goes first, along with what is asked next.
		tx.asked()
		if err := tx.s.(*pgSession).later(tx.ctx, sql+" FOR KEY SHARE", []any{l.Name, l.Fence}, func(n int64) error {
			if n == 0 {
				return ErrFenced
			}
			return nil
		}); err != nil {
			return tx.fail(err)
		}
		return fn(tx)
	}
}

// Now is the database's time, in UTC; ok is false for SQLite, whose time is the process's.
func (db *DB) Now(ctx context.Context) (now time.Time, ok bool, err error) {
	p, ok := db.drv.(*pg)
	if !ok {
		return now, false, nil
	}
	err = p.pool.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&now)
	return now.UTC(), true, explain(err)
}

// LastEntry is the instant of the newest entry of the journal, zero before the first.
func (db *DB) LastEntry(ctx context.Context) (at time.Time, err error) {
	err = db.Read(ctx, func(tx *Tx) error {
		col := query.Col{Alias: "e", Name: "at"}
		rows, err := tx.Select(query.Select{Table: "journal_entry", Alias: "e", Columns: []query.Column{{Name: "at", Expr: col}},
			Order: []query.Order{{Expr: col, Desc: true}, {Expr: query.Col{Alias: "e", Name: "id"}, Desc: true}}, Limit: 1})
		if err != nil || len(rows) == 0 {
			return err
		}
		s, _ := rows[0]["at"].(string)
		at, err = time.Parse(time.RFC3339Nano, s)
		return err
	})
	return at, err
}
