package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the same driver, for the bare loops

	"zhanggui/internal/store"
)

const bareColumns = 12

// acts holds whole acts on SQLite with full sync against bare loops on the same driver that commit as many rows.
func (r *run) acts() error {
	s, err := r.shop("sqlite:" + r.file("acts.db"))
	if err != nil {
		return err
	}
	defer s.db.Close()
	rows, err := s.rowsOf(r.ctx)
	if err != nil {
		return err
	}
	r.say("one act writes %d rows", rows)
	one, err := r.medianOf(func() (float64, error) { return r.rate(1, func(int) error { return s.act(r.ctx) }) })
	if err != nil {
		return err
	}
	many, err := r.medianOf(func() (float64, error) { return r.rate(64, func(int) error { return s.act(r.ctx) }) })
	if err != nil {
		return err
	}
	bare, err := r.bare(r.file("bare.db"), rows)
	if err != nil {
		return err
	}
	defer bare.close()
	alone, err := r.medianOf(func() (float64, error) { return r.rate(1, func(int) error { return bare.commit(1) }) })
	if err != nil {
		return err
	}
	const group = 64
	grouped, err := r.medianOf(func() (float64, error) {
		x, err := r.rate(1, func(int) error { return bare.commit(group) })
		return x * group, err
	})
	if err != nil {
		return err
	}
	r.say("acts, 1 caller      %8.0f /s   %.2f of the bare loop, one commit each (%.0f /s)", one, one/alone, alone)
	r.say("acts, 64 callers    %8.0f /s   %.2f of the bare loop, one commit each; %.2f of the bare loop, 64 in a commit (%.0f /s)", many, many/alone, many/grouped, grouped)
	return nil
}

// rowsOf counts the rows that one act adds.
func (s *shop) rowsOf(ctx context.Context) (int64, error) {
	count := func() (total int64, err error) {
		err = s.db.Read(ctx, func(tx *store.Tx) error {
			total = 0
			for _, t := range []string{"journal_entry", "record_index", "base_clock", s.lib.Form(s.form).Table, "base_notice", "outbox", "replay", "idempotency"} {
				n, err := tx.Count(t, nil)
				if err != nil {
					return err
				}
				total += n
			}
			return nil
		})
		return total, err
	}
	before, err := count()
	if err != nil {
		return 0, err
	}
	const acts = 20
	for range acts {
		if err := s.act(ctx); err != nil {
			return 0, err
		}
	}
	after, err := count()
	return (after - before) / acts, err
}

// bareLoop writes as many rows as an act does, without asking anybody.
type bareLoop struct {
	db   *sql.DB
	text string
	rows int64
	n    int64
	mu   sync.Mutex
}

func (r *run) bare(file string, rows int64) (*bareLoop, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=journal_mode(wal)&_pragma=synchronous(full)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	var columns, marks []string
	for i := range bareColumns {
		columns = append(columns, fmt.Sprintf("c%d TEXT", i))
		marks = append(marks, "?")
	}
	_, err = db.Exec(`CREATE TABLE bare (id TEXT PRIMARY KEY, at TEXT, ` + strings.Join(columns, ", ") + `); CREATE INDEX ix_at ON bare (at, id); CREATE INDEX ix_c0 ON bare (c0)`)
	return &bareLoop{db: db, text: `INSERT INTO bare VALUES (?, ?, ` + strings.Join(marks, ", ") + `)`, rows: rows}, err
}

func (b *bareLoop) close() { _ = b.db.Close() }

// commit writes the rows of n acts in one transaction.
func (b *bareLoop) commit(n int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	tx, err := b.db.Begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	stmt, err := tx.Prepare(b.text)
	if err != nil {
		return err
	}
	defer stmt.Close()
	args := make([]any, bareColumns+2)
	for i := range args {
		args[i] = "法兰漏水，客户要求折让"
	}
	at := time.Now().UTC().Format(time.RFC3339Nano)
	for range int64(n) * b.rows {
		b.n++
		args[0], args[1] = fmt.Sprintf("%016x", b.n*0x9e3779b97f4a7c), at
		if _, err := stmt.Exec(args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// latency is how long one act takes at half of the rate that 64 callers reach.
func (r *run) latency() error {
	s, err := r.shop("sqlite:" + r.file("latency.db"))
	if err != nil {
		return err
	}
	defer s.db.Close()
	top, err := r.rate(64, func(int) error { return s.act(r.ctx) })
	if err != nil {
		return err
	}
	every := time.Duration(float64(time.Second) / (top / 2))
	var mu sync.Mutex
	var took []time.Duration
	var wg sync.WaitGroup
	begin := time.Now()
	for i := 0; time.Since(begin) < 2*r.length; i++ {
		due := begin.Add(time.Duration(i) * every)
		time.Sleep(time.Until(due))
		wg.Go(func() {
			if s.act(r.ctx) != nil {
				return
			}
			mu.Lock()
			took = append(took, time.Since(due)) // from when it should have begun: a queue counts
			mu.Unlock()
		})
	}
	wg.Wait()
	r.say("act at half of the top rate (%.0f of %.0f /s): %s, over %d acts", top/2, top, spreadOf(took), len(took))
	return nil
}
