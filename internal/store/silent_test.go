package store_test

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"zhanggui/internal/store"
	"zhanggui/internal/store/pgtest"
)

// quiet is a bare session on the database, of which the server has no term for who is silent in a transaction.
func quiet(t *testing.T, dsn, program string) *pgconn.PgConn {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Del("allow_unsafe") // ours, and none of the server's
	q.Set("application_name", program)
	u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20") // pgx takes a plus for a plus
	c, err := pgconn.Connect(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Conn().Close() })
	return c
}

// halfAsked sends a question and not the end of its batch, and goes silent: for the server it is at work.
func halfAsked(t *testing.T, c *pgconn.PgConn, sql string) {
	t.Helper()
	batch := c.StartPipeline(t.Context())
	batch.SendQueryParams(sql, nil, nil, nil, nil)
	batch.SendFlushRequest()
	if err := batch.Flush(); err != nil {
		t.Fatal(err)
	}
	res, err := batch.GetResults()
	if err != nil {
		t.Fatal(err)
	}
	if r := res.(*pgconn.ResultReader).Read(); r.Err != nil || len(r.Rows) != 1 {
		t.Fatal(r.Err, len(r.Rows))
	}
}

// halfRead asks for more than the way holds, reads nothing of it, and comes back when the server can only wait for that.
func halfRead(t *testing.T, c, look *pgconn.PgConn, sql string) {
	t.Helper()
	c.Frontend().SendQuery(&pgproto3.Query{String: sql + "; SELECT repeat('x', 1000000) FROM generate_series(1, 100)"})
	if err := c.Frontend().Flush(); err != nil {
		t.Fatal(err)
	}
	for event(t, look, c) != "ClientWrite" {
	}
}

// event is what a session waits for; "" if it is gone.
func event(t *testing.T, look, c *pgconn.PgConn) string {
	t.Helper()
	res, err := look.Exec(t.Context(), "SELECT wait_event FROM pg_stat_activity WHERE pid = "+strconv.Itoa(int(c.PID()))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(res[0].Rows) == 0 {
		return ""
	}
	return string(res[0].Rows[0][0])
}

// Ensure that a node that was frozen while it holds the lease's row loses it in whatever it was about, the server's own term for silent
// transactions or not; that nothing of what it was about remains; and that who keeps nobody waiting, and who is not of this program, stays.
func TestEndSilent(t *testing.T) {
	const hold = `WITH x AS (INSERT INTO meta ("key", "value") VALUES ('mark', 'late')) SELECT "fence" FROM "lease" WHERE "name" = 'house' FOR KEY SHARE`
	for name, freeze := range map[string]func(t *testing.T, c, look *pgconn.PgConn){
		"InABatch":   func(t *testing.T, c, _ *pgconn.PgConn) { halfAsked(t, c, hold) },
		"InAnAnswer": func(t *testing.T, c, look *pgconn.PgConn) { halfRead(t, c, look, "BEGIN; "+hold) },
		"BetweenTwoQuestions": func(t *testing.T, c, _ *pgconn.PgConn) {
			if _, err := c.Exec(t.Context(), "BEGIN; "+hold).ReadAll(); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dsn := pgtest.DSN(t)
			db := leased(t, dsn)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
			a, _, err := db.TakeLease(ctx, now, "house", "a", time.Second)
			if err != nil {
				t.Fatal(err)
			}
			look := quiet(t, dsn, "psql")
			idle, slow, stranger := quiet(t, dsn, "zhanggui idle"), quiet(t, dsn, "zhanggui slow"), quiet(t, dsn, "psql")
			halfRead(t, slow, look, "BEGIN")
			halfAsked(t, stranger, "SELECT 1")
			frozen := quiet(t, dsn, "zhanggui frozen")
			freeze(t, frozen, look)

			ended := make(chan store.Silent, 9)
			go func() {
				_ = db.EndSilent(ctx, 100*time.Millisecond, 10*time.Millisecond, func(s store.Silent) { ended <- s })
			}()
			b, ok, err := db.TakeLease(ctx, now.Add(2*time.Second), "house", "b", time.Second)
			if err != nil || !ok || b.Fence != a.Fence+1 {
				t.Fatal(b, ok, err)
			}
			if s := <-ended; s.PID != int64(frozen.PID()) || s.For < 100*time.Millisecond {
				t.Errorf("%+v, and %d is the frozen one", s, frozen.PID())
			}
			if err := mark(db, db.Fenced(ctx, a), "late"); !errors.Is(err, store.ErrFenced) {
				t.Errorf("the late write answered %v", err)
			}
			err = db.Read(ctx, func(tx *store.Tx) error {
				n, err := tx.Count("meta", nil)
				if n != 0 {
					t.Errorf("%d marks", n)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			for len(ended) > 0 { // it may be seen once more while it goes
				if s := <-ended; s.PID != int64(frozen.PID()) {
					t.Errorf("and %+v", s)
				}
			}
			for who, c := range map[string]*pgconn.PgConn{"an idle session": idle, "one that reads slowly and bars nobody": slow, "one of another program": stranger} {
				if event(t, look, c) == "" {
					t.Errorf("%s was ended", who)
				}
			}
		})
	}
}

// Ensure that a frozen node's transactions which wait one behind another end together: others do not wait for each in turn. And that a
// node is known by its own name, whatever the address calls the program.
func TestEndSilent_OneBehindAnother(t *testing.T) {
	for name, program := range map[string]string{"Unnamed": "", "Named": "掌柜 with a name that is longer than PostgreSQL keeps of one, by far"} {
		t.Run(name, func(t *testing.T) {
			dsn := pgtest.DSN(t)
			u, err := url.Parse(dsn)
			if err != nil {
				t.Fatal(err)
			}
			q := u.Query()
			if program != "" {
				q.Set("application_name", program)
			}
			u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20")
			db := leased(t, u.String())
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
			if _, _, err := db.TakeLease(ctx, now, "house", "a", time.Second); err != nil {
				t.Fatal(err)
			}
			if err := mark(db, ctx, "before"); err != nil {
				t.Fatal(err)
			}
			look := quiet(t, dsn, "psql")
			res, err := look.Exec(ctx, "SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").ReadAll()
			if err != nil || len(res[0].Rows) != 1 {
				t.Fatal(err, res)
			}
			own := string(res[0].Rows[0][0])
			frozen := own[:len(own)-8] + "00000000"
			first, second := quiet(t, dsn, frozen), quiet(t, dsn, frozen)
			halfAsked(t, first, `SELECT * FROM meta WHERE "key" = 'mark' FOR UPDATE`)
			second.Frontend().SendQuery(&pgproto3.Query{String: `BEGIN; SELECT * FROM "lease" WHERE "name" = 'house' FOR KEY SHARE; UPDATE meta SET "value" = 'late'`})
			if err := second.Frontend().Flush(); err != nil {
				t.Fatal(err)
			}
			for event(t, look, second) != "transactionid" {
			}

			ended := make(chan store.Silent, 9)
			go func() { _ = db.EndSilent(ctx, 0, time.Hour, func(s store.Silent) { ended <- s }) }() // which looks once
			pids := map[int64]bool{}
			for range 2 {
				select {
				case s := <-ended:
					pids[s.PID] = true
				case <-ctx.Done():
				}
			}
			if !pids[int64(first.PID())] || !pids[int64(second.PID())] {
				t.Errorf("%v were ended, %d and %d are frozen", pids, first.PID(), second.PID())
			}
			if _, ok, err := db.TakeLease(ctx, now.Add(2*time.Second), "house", "b", time.Second); err != nil || !ok {
				t.Error(ok, err)
			}
			if err := mark(db, ctx, "after"); err != nil {
				t.Error(err)
			}
		})
	}
}
