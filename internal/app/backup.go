package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"zhanggui/internal/backup"
	"zhanggui/internal/journal"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
	"zhanggui/internal/witness"
)

type backupCommand struct {
	Store
	File      string `arg:"" help:"New file to write." placeholder:"FILE"`
	Recipient string `help:"Public key (age1…) to encrypt for; make a pair with --new-key." placeholder:"KEY" env:"ZHANGGUI_BACKUP_RECIPIENT"`
	NewKey    bool   `help:"Make a pair of keys instead: the secret one is written to FILE, the public one printed."`
	Demo      bool   `help:"Copy the demonstration's database." env:"ZHANGGUI_DEMO"`
}

// Run copies the database while it is in use. The journal key is not in it and must be kept apart.
func (c *backupCommand) Run(p *program, _ *Common) error {
	if c.NewKey {
		return c.newKey(p)
	}
	s := settings{Store: c.Store, Demo: c.Demo}
	s.demoDefaults()
	file, ok := sqliteFile(s.Database)
	if !ok {
		return errors.New("PostgreSQL is copied with its own pg_basebackup, see docs/operation.md; `zhanggui move --to sqlite:FILE` makes a copy that can be verified")
	}
	if _, err := os.Stat(file); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	if _, err := os.Stat(c.File); err == nil {
		return fmt.Errorf("%s exists; a backup never overwrites", c.File)
	}
	db, err := store.Open(p.ctx, s.Database)
	if err != nil {
		return err
	}
	if err := errors.Join(writeBackup(p.ctx, db, c.File, c.Recipient), db.Close()); err != nil {
		return err
	}
	info, err := os.Stat(c.File)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%s, %.1f MB. The key of the journal is not in it: keep a copy of that file elsewhere.\n", c.File, float64(info.Size())/1e6)
	return nil
}

func (c *backupCommand) newKey(p *program) error {
	secret, public, err := backup.NewKey()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(c.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "# --recipient %s\n%s\n", public, secret)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%s\nKeep %s where the server is not: with it alone a backup can be read.\n", public, c.File)
	return nil
}

// writeBackup copies a database as it is at one moment. The checkpoint is read before the copy, so the copy has all it covers.
func writeBackup(ctx context.Context, db *store.DB, to, recipient string) error {
	note, err := db.Checkpoint(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(to), ".backup-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	copied := filepath.Join(dir, "database.db")
	if err := db.Backup(ctx, copied); err != nil {
		return err
	}
	return backup.Write(to, copied, backup.Manifest{Made: time.Now().UTC().Format(instantForm), Program: version(), Checkpoint: string(note)}, recipient)
}

type restoreCommand struct {
	Store
	File       string   `arg:"" help:"Backup to restore, or the folder of a continuous copy." type:"path"`
	At         string   `help:"Of a continuous copy: the moment to go back to, \"2026-03-01 16:55\" or with seconds; default: the newest." placeholder:"TIME"`
	Identity   string   `help:"File with the secret key of an encrypted backup." type:"existingfile" placeholder:"FILE"`
	Key        string   `help:"Key file of the journal; checkpoints kept beside it are compared as well." default:"data/journal.key" placeholder:"FILE" env:"ZHANGGUI_KEY"`
	Checkpoint []string `help:"Checkpoint that was taken away, or a witness's file of them; may be repeated." placeholder:"FILE" type:"existingfile"`
	AcceptLoss bool     `help:"Restore a backup that is older than the last kept checkpoint. What came after it is lost."`
	Demo       bool     `help:"Restore the demonstration's database." env:"ZHANGGUI_DEMO"`
}

// Run verifies a backup whole before it gives it its place. Nothing is ever overwritten.
func (c *restoreCommand) Run(p *program, common *Common) error {
	s := settings{Store: c.Store, Key: c.Key, Demo: c.Demo}
	s.demoDefaults()
	file, ok := sqliteFile(s.Database)
	if !ok {
		return errors.New("a backup is restored to a SQLite file; `zhanggui move` takes it on to PostgreSQL")
	}
	for _, name := range []string{file, file + "-wal"} {
		if _, err := os.Stat(name); err == nil {
			return fmt.Errorf("%s exists; nothing is overwritten. Move it away first", name)
		}
	}
	verifier, err := publicKey(s.Key, "")
	if err != nil {
		return err
	}
	fsys, err := common.books()
	if err != nil {
		return err
	}
	lib, err := p.load(fsys)
	if err != nil {
		return err
	}
	at, err := c.moment()
	if err != nil {
		return err
	}
	identity := ""
	if c.Identity != "" {
		b, err := os.ReadFile(c.Identity)
		if err != nil {
			return err
		}
		identity = strings.TrimSpace(string(b))
	}
	var kept [][]byte
	for _, name := range append([]string{keptFile(s.Key)}, c.Checkpoint...) {
		b, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		kept = append(kept, witness.Split(b)...)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	r := restoring{lib: lib, verifier: verifier, kept: kept, older: c.AcceptLoss, at: at}
	found, made, err := r.restore(p.ctx, c.File, file, identity)
	if err != nil {
		return fmt.Errorf("%s is not restored: %w", c.File, err)
	}
	fmt.Fprintf(p.out, "%s: %d entries, %d records, all as they were signed; copied at %s\n", file, found.audit.Sealed+found.audit.Unsealed, found.compare.Rows, made)
	return nil
}

// moment reads --at, by the company's clock.
func (c *restoreCommand) moment() (at time.Time, err error) {
	if c.At == "" {
		return at, nil
	}
	if !backup.IsStream(c.File) {
		return at, errors.New("--at is for the folder of a continuous copy; a backup is of one moment")
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05", time.RFC3339} {
		if at, err = time.ParseInLocation(layout, c.At, zone()); err == nil {
			return at, nil
		}
	}
	return at, errors.New("--at: a moment is written 2026-03-01 16:55, or with seconds")
}

// restoring is what a backup is held against.
type restoring struct {
	lib      *rulebook.Library
	verifier journal.Verifier
	kept     [][]byte
	older    bool      // a backup older than the kept checkpoints is wanted
	at       time.Time // of a continuous copy the moment; zero = the newest
}

// restore unpacks a backup beside its place, verifies it there, and only then gives it the name.
func (r restoring) restore(ctx context.Context, file, to, identity string) (v verification, made string, err error) {
	var fresh string
	var m backup.Manifest
	if backup.IsStream(file) {
		fresh, m.Made, err = backup.Rebuild(file, filepath.Dir(to), identity, r.at)
	} else {
		fresh, m, err = backup.Unpack(file, filepath.Dir(to), identity)
	}
	if err != nil {
		return v, "", err
	}
	defer func() {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			os.Remove(fresh + suffix) // after it found its place there is nothing left to remove
		}
	}()
	db, err := store.Open(ctx, "sqlite:"+fresh)
	if err != nil {
		return v, "", err
	}
	err = r.check(ctx, db, m, &v)
	if err = errors.Join(err, db.Close()); err != nil {
		return v, "", err
	}
	return v, m.Made, backup.Place(fresh, to)
}

func (r restoring) check(ctx context.Context, db *store.DB, m backup.Manifest, v *verification) error {
	if _, err := db.Plan(ctx, tables(r.lib)); err != nil {
		return err
	}
	size, _, err := db.LogRoot(ctx, 0)
	if err != nil {
		return err
	}
	var brought [][]byte
	for _, note := range r.kept {
		c, err := journal.Open(note, r.verifier)
		judges := err != nil || c.Size <= size
		if !judges && !r.older { // with an older one wanted, those it never reached say nothing against it
			waiting, err := db.Continues(ctx, c)
			if err != nil {
				return err
			}
			judges = !waiting
		}
		if judges {
			brought = append(brought, note)
		}
	}
	if m.Checkpoint != "" {
		brought = append(brought, []byte(m.Checkpoint))
	}
	if *v, err = verifyAll(ctx, db, r.verifier, brought...); err != nil {
		return err
	}
	for _, f := range v.audit.Findings {
		if f.Kind == journal.Shrunk {
			return fmt.Errorf("it is older than a checkpoint that is kept (%s). --accept-loss restores it all the same", f.Detail)
		}
	}
	if list := v.findings(r.lib); len(list) > 0 {
		return fmt.Errorf("%s: %s", plural(len(list), "finding"), list[0])
	}
	return nil
}
