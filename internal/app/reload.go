package app

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"time"

	"zhanggui/internal/rulebook"
)

// watch compiles the rulebooks anew whenever a file of the folder changes. Mistakes are printed and the old law stays
// in force. It looks once a second: no watcher of any operating system sees every editor's way of saving.
func (s *server) watch(ctx context.Context, dir string) {
	last := stamp(dir)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
		now := stamp(dir)
		if now == last {
			continue
		}
		last = now
		begin := time.Now()
		if err := s.reload(ctx, dir); err != nil {
			fmt.Fprintf(s.p.err, "%v\nThe rulebooks as they were stay in force.\n", err)
			continue
		}
		s.p.log.Info("rulebooks reloaded", "took", time.Since(begin).Round(time.Millisecond).String())
	}
}

func (s *server) reload(ctx context.Context, dir string) error {
	lib, issues := rulebook.LoadLaw(os.DirFS(dir), nil)
	if err := issues.Err(); err != nil {
		return err
	}
	if err := s.p.prepare(ctx, s.db, lib); err != nil {
		return err
	}
	return s.use(lib)
}

// stamp changes when a file of the folder is written, made or removed.
func stamp(dir string) string {
	var newest time.Time
	var count, size int64
	_ = fs.WalkDir(os.DirFS(dir), ".", func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // a file that vanished meanwhile shows next time
		}
		if info, err := d.Info(); err == nil {
			count++
			size += info.Size()
			if info.ModTime().After(newest) {
				newest = info.ModTime()
			}
		}
		return nil
	})
	return fmt.Sprint(newest.UnixNano(), count, size)
}
