package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"zhanggui/internal/engine"
	"zhanggui/internal/keep"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// keyring is the keeper of an installation with the database of its keys.
type keyring struct {
	*keep.Keeper
	db *store.DB
}

// Close closes the keystore.
func (k *keyring) Close() error { return k.db.Close() }

// settle fills in where the keys of a database are.
func (k Keys) settle(database string) (Keys, error) {
	file, isFile := sqliteFile(database)
	base := strings.TrimSuffix(file, ".db")
	if k.Keystore == "" {
		if !isFile {
			return k, errors.New("name the database of the keys of personal data: --keystore postgres://…, another one than the data's, so that no copy of the data has the keys in it")
		}
		k.Keystore = "sqlite:" + base + ".keys.db"
	}
	if k.Keystore == database {
		return k, errors.New("--keystore is the database of the data itself: whoever copies the one would have the other")
	}
	if k.MasterKey == "" {
		k.MasterKey = "data/master.key"
		if isFile {
			k.MasterKey = base + ".master.key"
		}
	}
	return k, nil
}

// keyring opens the keys of a database, and makes them for one that has none yet. data is that database, once it has its tables: a keystore
// that is not its own is refused before anything is sealed by it, and an empty one is left so. nil = nothing is looked at.
func (p *program) keyring(ctx context.Context, keys Keys, database string, data *store.DB) (*keyring, error) {
	keys, err := keys.settle(database)
	if err != nil {
		return nil, err
	}
	if file, ok := sqliteFile(keys.Keystore); ok {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return nil, fmt.Errorf("keystore: %w", err)
		}
	}
	db, err := store.Open(ctx, keys.Keystore)
	if err != nil {
		return nil, fmt.Errorf("keystore %s: %w", hideSecret(keys.Keystore), err)
	}
	k, err := keep.Open(ctx, db, keys.MasterKey, time.Now())
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if data != nil {
		if _, _, err := engine.CheckKeys(ctx, data, k); err != nil {
			return nil, errors.Join(fmt.Errorf("personal data: %w", err), k.TakeBack(ctx), db.Close())
		}
	}
	return &keyring{k, db}, nil
}

// engine starts the engine on a database, whose personal values are sealed and whose erasures are done again before it
// answers anybody.
func (p *program) engine(ctx context.Context, db *store.DB, lib *rulebook.Library, keys *keyring, o engine.Options) (*engine.Engine, error) {
	o.Keep = keys.Keeper
	o.Alarm = func(what, where string) { p.log.Error("alarm: "+what, "where", where) }
	e, err := engine.New(db, lib, o)
	if err != nil {
		return nil, err
	}
	done, err := e.Secure(ctx, time.Now(), func(table string, rows int) {
		p.log.Info("sealing personal data", "table", table, "rows", rows)
	})
	if err != nil {
		return nil, fmt.Errorf("personal data: %w", err)
	}
	if done.Sealed > 0 || done.Erased > 0 {
		p.log.Info("personal data brought under its keys", "sealed", done.Sealed, "erased again", done.Erased)
	}
	return e, nil
}

type keysCommand struct {
	Rotate keysRotate `cmd:"" help:"Make a new master key and wrap every key of personal data by it."`
	Move   keysMove   `cmd:"" help:"Move the keystore to another database, for several nodes on PostgreSQL."`
}

type keysMove struct {
	From string `help:"Keystore that has the keys; stop the server first." required:"" placeholder:"ADDRESS"`
	To   string `help:"Empty database that is to have them, another one than the data's." required:"" placeholder:"ADDRESS"`
}

// Run moves a keystore: all keys, proven equal, or none. They stay wrapped by the same master key, which is not read.
func (c *keysMove) Run(p *program, _ *Common) error {
	if file, ok := sqliteFile(c.From); ok {
		if _, err := os.Stat(file); err != nil {
			return err
		}
	}
	from, err := store.Open(p.ctx, c.From)
	if err != nil {
		return fmt.Errorf("keystore %s: %w", hideSecret(c.From), err)
	}
	defer from.Close()
	to, err := store.Open(p.ctx, c.To)
	if err != nil {
		return fmt.Errorf("keystore %s: %w", hideSecret(c.To), err)
	}
	defer to.Close()
	n, err := keep.Move(p.ctx, from, to)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%d keys moved to %s and taken out of %s. Serve with --keystore and the same master key file from now on.\n", n, hideSecret(c.To), hideSecret(c.From))
	return nil
}

type keysRotate struct {
	Store
	Demo bool `help:"Of the demonstration." env:"ZHANGGUI_DEMO"`
}

// Run rotates the master key. The file has both keys until all are wrapped anew, so that it may be interrupted and run again.
func (c *keysRotate) Run(p *program, _ *Common) error {
	s := settings{Store: c.Store, Demo: c.Demo}
	s.demoDefaults()
	keys, err := s.Keys.settle(s.Database)
	if err != nil {
		return err
	}
	k, err := p.keyring(p.ctx, keys, s.Database, nil)
	if err != nil {
		return err
	}
	n := 0
	if err = keep.AddMaster(keys.MasterKey); err == nil {
		if n, err = k.Rewrap(p.ctx); err == nil {
			err = keep.DropMasters(keys.MasterKey)
		}
	}
	if err = errors.Join(err, k.Close()); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%d keys are wrapped by the new master key in %s. Copy the file to the other nodes and to where its copy is kept.\n", n, keys.MasterKey)
	return nil
}
