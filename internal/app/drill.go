package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"zhanggui/internal/backup"
	"zhanggui/internal/engine"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// drill copies the database, restores the copy beside it and verifies what came out, against the kept checkpoints too. The
// copy is encrypted for a key made for the moment, so that nothing readable lies about.
func drill(ctx context.Context, db *store.DB, lib *rulebook.Library, seal *sealer, dir string) (v verification, err error) {
	if err := seal.seal(ctx); err != nil {
		return v, err
	}
	scratch, err := os.MkdirTemp(dir, ".drill-")
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	secret, public, err := backup.NewKey()
	if err != nil {
		return v, err
	}
	kept := seal.kept()
	file := filepath.Join(scratch, "backup")
	if err := writeBackup(ctx, db, file, public); err != nil {
		return v, fmt.Errorf("backup: %w", err)
	}
	r := restoring{lib: lib, verifier: seal.verifier, kept: kept}
	v, _, err = r.restore(ctx, file, filepath.Join(scratch, "restored.db"), secret)
	return v, err
}

type drillCommand struct {
	Store
	Key  string `help:"Key file of the journal." default:"data/journal.key" placeholder:"FILE" env:"ZHANGGUI_KEY"`
	Demo bool   `help:"Use the demonstration's database." env:"ZHANGGUI_DEMO"`
}

// Run proves that a backup made now can be restored. The result is an entry of the journal.
func (c *drillCommand) Run(p *program, common *Common) error {
	s := settings{Store: c.Store, Key: c.Key, Demo: c.Demo}
	s.demoDefaults()
	file, ok := sqliteFile(s.Database)
	if !ok {
		return errors.New("the drill restores a SQLite file; for PostgreSQL see docs/operation.md")
	}
	if _, err := os.Stat(file); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	o, err := p.office(common, s.Store)
	if err != nil {
		return err
	}
	seal, err := openSealer(p.ctx, o.db, s.Key, func() time.Time { return o.now }, p.log)
	if err == nil {
		var v verification
		v, err = drill(p.ctx, o.db, o.lib, seal, filepath.Dir(file))
		err = errors.Join(err, noteDrill(p.ctx, o.engine, o.now, v, err))
		if err == nil {
			fmt.Fprintf(p.out, "a backup made now was restored: %d entries, %d records, all as they were signed\n", v.audit.Sealed+v.audit.Unsealed, v.compare.Rows)
		}
	}
	return errors.Join(err, o.db.Close())
}

// noteDrill journals how a drill went; auditors are told of one that failed.
func noteDrill(ctx context.Context, e *engine.Engine, now time.Time, v verification, failed error) error {
	if failed != nil {
		return e.Alert(ctx, now, "drill", engine.Text{ZH: "恢复演练失败，备份现在不可靠：" + failed.Error(), EN: "The restore drill failed; no backup can be relied on now: " + failed.Error()})
	}
	return e.Note(ctx, now, engine.ClockActor(), "", "", "drill", map[string]any{"result": "ok", "entries": v.audit.Sealed + v.audit.Unsealed, "records": v.compare.Rows})
}

// routine does once a day what nobody remembers to do: verify the journal, and prove that it could be restored.
func (s *server) routine(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Minute):
		}
		mine, ok := s.lead.fence(ctx)
		if !ok || s.db.Held() != nil {
			continue
		}
		for _, job := range []struct {
			key   string
			every time.Duration
			do    func(context.Context) error
		}{{"verified_daily", s.c.Verify, s.verifyDaily}, {"drilled", s.c.Drill, s.drillDaily}} {
			if err := s.daily(mine, job.key, job.every, job.do); err != nil && ctx.Err() == nil && !handedOver(err) {
				s.p.log.Error("daily routine failed", "job", job.key, "err", err)
			}
		}
	}
}

// daily runs a job if its last run is long enough ago. The mark is made first: of several nodes one does it.
func (s *server) daily(ctx context.Context, key string, every time.Duration, do func(context.Context) error) error {
	if every <= 0 {
		return nil
	}
	now, mine := s.clock.Now(), false
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := tx.Lock("routine." + key); err != nil {
			return err
		}
		last, err := metaIn(tx, key)
		if err != nil {
			return err
		}
		t, _ := time.Parse(instantForm, last)
		if mine = !now.Before(t.Add(every)); !mine {
			return nil
		}
		return tx.Upsert("meta", []string{"key"}, store.Row{"key": key, "value": now.UTC().Format(instantForm)})
	})
	if err != nil || !mine {
		return err
	}
	return do(ctx)
}

// verifyDaily alerts the auditors when the journal and the records are not what was signed.
func (s *server) verifyDaily(ctx context.Context) error {
	found, err := logbook{s}.Verify(ctx)
	if err != nil {
		return err
	}
	e := s.now.Load().engine
	if found.Result != "ok" {
		return e.Alert(ctx, s.clock.Now(), "verify", engine.Text{ZH: "日志校验发现不符：" + found.Result, EN: "Checking the journal found a difference: " + found.Result})
	}
	return e.Note(ctx, s.clock.Now(), engine.ClockActor(), "", "", "verify", map[string]any{"sealed": found.Sealed, "findings": int64(0)})
}

func (s *server) drillDaily(ctx context.Context) error {
	file, ok := sqliteFile(s.c.Database)
	if !ok {
		return nil // PostgreSQL's copies are its own business
	}
	r := s.now.Load()
	v, err := drill(ctx, s.db, r.lib, s.seal, filepath.Dir(file))
	return errors.Join(err, noteDrill(ctx, r.engine, s.clock.Now(), v, err))
}
