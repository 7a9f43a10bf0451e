package store

import (
	"context"
	"sync"
	"sync/atomic"
)

// The log is emptied into the file beside the writer, by a connection of its own: who commits would else wait for thousands of
// pages to be written and synced that are not his. It moves what is in the log when it begins. While acts come one upon the
// other the log is never wholly moved, and grows; when it is foldPages long, the writer is held for the small rest, and it begins anew.

const (
	foldActs  = 256           // acts after which the log is moved
	foldPages = 8000          // of 4 kB, the log's usual length under load; journal_size_limit is twice as much
	foldRest  = 200           // pages for which the writer may be held
	foldTries = 4             // to come so near: what is written meanwhile is moved again
	foldLast  = 8 * foldPages // the writer moves the log himself, if nobody else could
)

// aside moves the log.
type aside struct {
	acts    int // since the last time; whoever has the turn may look
	running atomic.Bool
	done    sync.WaitGroup
	conn    *liteConn // whoever set running may look
	ctx     context.Context
	end     context.CancelFunc // who closes the database has the writer already
}

// foldAside begins to move the log if enough was written since, and does not wait for it. The caller has the turn.
func (l *lite) foldAside(acts int) {
	a := &l.aside
	if a.acts += acts; !l.folding || a.acts < foldActs || !a.running.CompareAndSwap(false, true) {
		return
	}
	a.acts = 0
	a.done.Go(func() {
		defer a.running.Store(false)
		if a.conn == nil {
			c, err := connectThrough(l.layer, l.dsn, false, "busy_timeout = 100", "journal_mode = wal", "synchronous = full", "cache_size = -1024")
			if err != nil {
				_ = l.watch(err) // else the writer moves the log
				return
			}
			a.conn = c
		}
		if l.watch(l.fold(a.conn)) != nil {
			_ = a.conn.close()
			a.conn = nil
		}
	})
}

// fold moves the log, and if it is long, all of it.
func (l *lite) fold(c *liteConn) error {
	long := int64(0)
	for range foldTries {
		had := long
		var err error
		if long, err = c.moveLog("PASSIVE"); err != nil || long < foldPages {
			return err
		}
		if long-had <= foldRest {
			break
		}
	}
	l.wanted.Store(true)
	defer l.wanted.Store(false)
	if l.take(l.aside.ctx) != nil {
		return nil // whoever closes the database moves the log
	}
	defer l.give()
	how := "PASSIVE"
	if long >= 2*foldPages { // somebody read in it each time that it could have begun anew: he is waited for, a moment
		how = "RESTART"
	}
	_, err := c.moveLog(how)
	return err
}

// moveLog writes what is in the log into the file, and tells how many pages it had when that began.
func (c *liteConn) moveLog(how string) (int64, error) {
	// What it answers when others are at it is no error: the next does it.
	rows, err := c.query(context.Background(), "PRAGMA wal_checkpoint("+how+")", nil, nil)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	long, _ := rows[0]["log"].(int64)
	return long, nil
}

// close waits for what is under way. Nobody has or gets the turn.
func (a *aside) close() error {
	a.end()
	a.done.Wait()
	if a.conn == nil {
		return nil
	}
	return a.conn.close()
}
