package app

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"zhanggui/internal/api"
	"zhanggui/internal/backup"
	"zhanggui/internal/engine"
	"zhanggui/internal/store"
)

const (
	copyEvery = time.Second
	copyFresh = 24 * time.Hour // a generation is no longer than that, so that a restore has an end
	copyLate  = time.Minute    // a copy so far behind is a failure that somebody must hear of
	logLong   = 4 << 20        // the log is emptied into the file when it is longer …
	logFull   = 256 << 20      // … and when it is that long also if the copy has not got it
)

// copier keeps a continuous copy of a SQLite database in a folder: whatever was committed is there a second or two later.
type copier struct {
	tail   *store.Tail
	stream *backup.Stream
	keep   time.Duration
	now    func() time.Time
	log    *slog.Logger
	late   func(ctx context.Context, now time.Time, reason string) error // tells the auditors
	end    context.CancelFunc
	done   chan struct{}

	mu    sync.Mutex
	view  api.CopyView
	told  bool
	since time.Time // until when everything was copied
}

// copyAddress is the address under which a database that is copied is opened: its log waits for the copier.
func (s *settings) copyAddress() (string, error) {
	file, ok := sqliteFile(s.Database)
	if s.Copy == "" {
		if ok {
			return s.Database, store.Untail(file)
		}
		return s.Database, nil
	}
	if !ok {
		return "", errors.New("--copy is for SQLite; PostgreSQL archives its own log, see docs/operation.md")
	}
	return "sqlite:" + file + "?wal_autocheckpoint=0", nil
}

// openCopier begins where an earlier run stopped, if the log still holds that place.
func openCopier(s *server) (*copier, error) {
	c := &s.c.settings
	stream, last, err := backup.OpenStream(c.Copy, c.CopyKey)
	if err != nil {
		return nil, fmt.Errorf("--copy: %w", err)
	}
	var from store.TailPlace
	if last != nil && len(last.Place) > 0 {
		if err := json.Unmarshal(last.Place, &from); err != nil {
			from = store.TailPlace{}
		}
	}
	tail, err := s.db.Tail(from)
	if err != nil {
		return nil, err
	}
	return &copier{tail: tail, stream: stream, keep: c.CopyKeep, now: s.clock.Now, log: s.p.log, done: make(chan struct{}), since: s.clock.Now(),
		late: func(ctx context.Context, now time.Time, reason string) error {
			return s.now.Load().engine.Alert(ctx, now, "copy", engine.Text{ZH: "连续备份中断，丢了机器就丢了中断之后办的事：" + reason, EN: "The continuous copy has stopped; what is done from now on is lost with this machine: " + reason})
		}}, nil
}

func (c *copier) start() {
	ctx, end := context.WithCancel(context.Background())
	c.end = end
	go func() {
		defer close(c.done)
		for {
			c.turn(ctx)
			select {
			case <-ctx.Done():
				return
			case <-time.After(copyEvery):
			}
		}
	}()
}

// stop copies what is left.
func (c *copier) stop(ctx context.Context) error {
	c.end()
	select {
	case <-c.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer c.tail.Close()
	return c.round(ctx)
}

// turn is one round, and what to say of it.
func (c *copier) turn(ctx context.Context) {
	now := c.now()
	err := c.round(ctx)
	if ctx.Err() != nil {
		return
	}
	c.mu.Lock()
	failed := c.view.Failing
	c.view.Failing = err != nil
	if err == nil {
		c.since, c.told, c.view.At = now, false, now.UTC().Format(instantForm)
	}
	tell := err != nil && !c.told && now.Sub(c.since) >= copyLate
	c.told = c.told || tell
	c.mu.Unlock()
	switch {
	case err != nil && !failed:
		c.log.Error("alarm: the continuous copy fails", "err", err)
	case err == nil && failed:
		c.log.Info("the continuous copy goes on")
	}
	if tell {
		if err := c.late(ctx, now, err.Error()); err != nil {
			c.log.Error("the auditors were not told that the continuous copy fails", "err", err)
		}
	}
	if err != nil && c.tail.Long() > logFull {
		if err := c.tail.Forgo(ctx); err != nil {
			c.log.Error("the log was not emptied", "err", err)
		}
	}
}

// View is how far the copy has come, for the people who look after the installation.
func (c *copier) View() *api.CopyView {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.view
	return &v
}

// round copies what was committed before it began.
func (c *copier) round(ctx context.Context) error {
	now := c.now()
	if !c.tail.Anew() && !c.stream.Gone() {
		p, err := c.tail.Next()
		if err != nil {
			return err
		}
		if p != nil {
			if err := c.append(now, p); err != nil {
				return err
			}
		}
	}
	if c.tail.Anew() || c.stream.Gone() || now.Sub(c.stream.Begun()) >= copyFresh {
		if err := c.begin(); err != nil {
			return err
		}
	}
	if c.tail.Long() > logLong {
		return c.tail.Fold(ctx, func(p *store.Pages) error { return c.append(c.now(), p) })
	}
	return nil
}

// begin copies the whole file, and what the log has beyond it.
func (c *copier) begin() error {
	now := c.now()
	file, err := c.tail.Base()
	if err != nil {
		return err
	}
	if err := errors.Join(c.stream.Begin(now, file), file.Close()); err != nil {
		return err
	}
	now = c.now()
	p, err := c.tail.Next()
	if err != nil {
		return err
	}
	if p == nil {
		if p, err = c.tail.Whole(); err != nil {
			return err
		}
	}
	if err := c.append(now, p); err != nil {
		return err
	}
	return c.stream.Prune(now.Add(-c.keep))
}

func (c *copier) append(now time.Time, p *store.Pages) error {
	err := c.stream.Append(now, p.Size, p.Count, p.Place, func(w io.Writer) error {
		var no [4]byte
		for _, x := range p.List {
			binary.BigEndian.PutUint32(no[:], x.No)
			if _, err := w.Write(no[:]); err != nil {
				return err
			}
			if _, err := w.Write(x.Data); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		c.tail.Took(p)
	}
	return err
}
