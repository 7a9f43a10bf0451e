package app

import (
	"cmp"
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"zhanggui/internal/auth"
	"zhanggui/internal/demo"
	"zhanggui/internal/engine"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// demoSeed is the year that is shown if no other is asked for; pictures and browser tests rely on it.
const demoSeed = 14

// demoPlan is the demonstration that is shown if no other is asked for.
const demoPlan = "group"

// metaMaking marks a demonstration whose making has not finished.
const metaMaking = "demo_making"

type demoCommand struct {
	Database string `help:"Where to make it." default:"sqlite:data/demo.db" placeholder:"ADDRESS" env:"ZHANGGUI_DATABASE"`
	Keys
	Book  string `help:"One company of the group alone, by its rulebook, if it works with no other; default: the whole group." placeholder:"BOOK"`
	Seed  uint64 `help:"Another seed gives another year." default:"14"`
	Force bool   `help:"Throw away the demonstration that is there."`
}

func (c *demoCommand) Run(p *program, common *Common) error {
	fsys, err := common.books()
	if err != nil {
		return err
	}
	lib, err := p.load(fsys)
	if err != nil {
		return err
	}
	if file, ok := sqliteFile(c.Database); ok {
		if c.Force {
			if err := p.throwAway(file, Store{c.Database, c.Keys}); err != nil {
				return err
			}
		}
		if _, err := os.Stat(file); err == nil {
			return fmt.Errorf("%s exists; --force throws a demonstration away", file)
		}
		return p.makeDemoFile(p.ctx, file, Store{c.Database, c.Keys}, fsys, lib, c.Book, c.Seed)
	}
	db, err := p.open(p.ctx, c.Database, lib)
	if err != nil {
		return err
	}
	state, err := demoState(p.ctx, db, lib)
	switch {
	case err != nil:
	case state != "empty":
		err = fmt.Errorf("%s is not empty (%s)", hideSecret(c.Database), state)
	default:
		var keys *keyring
		if keys, err = p.keyring(p.ctx, c.Keys, c.Database, db); err == nil {
			err = errors.Join(p.makeDemo(p.ctx, db, keys, fsys, lib, c.Book, c.Seed), keys.Close())
		}
	}
	return errors.Join(err, db.Close())
}

// makeDemoFile makes the demonstration in memory, where nothing waits for a disk, and then puts it down whole.
func (p *program) makeDemoFile(ctx context.Context, file string, at Store, fsys fs.FS, lib *rulebook.Library, book string, seed uint64) error {
	db, err := p.open(ctx, "sqlite::memory:", lib)
	if err != nil {
		return err
	}
	keys, err := p.keyring(ctx, at.Keys, at.Database, db)
	if err == nil {
		err = errors.Join(p.makeDemo(ctx, db, keys, fsys, lib, book, seed), keys.Close())
	}
	fresh := file + ".new"
	if err == nil {
		err = os.MkdirAll(filepath.Dir(file), 0o700)
	}
	if err == nil {
		if err = os.Remove(fresh); errors.Is(err, fs.ErrNotExist) { // of an interrupted run
			err = nil
		}
	}
	if err == nil {
		err = db.Backup(ctx, fresh)
	}
	if err == nil {
		err = os.Rename(fresh, file)
	}
	return errors.Join(err, db.Close())
}

// throwAway removes a demonstration's files, and no others: a company's database is not removed by any command.
func (p *program) throwAway(file string, at Store) error {
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	db, err := store.Open(p.ctx, at.Database)
	if err != nil {
		return err
	}
	demo, err := meta(p.ctx, db, metaDemo)
	making, err2 := meta(p.ctx, db, metaMaking)
	if err = errors.Join(err, err2, db.Close()); err != nil {
		return err
	}
	if demo == "" && making == "" {
		return fmt.Errorf("%s was not made as a demonstration and is not touched", file)
	}
	files := []string{file}
	if keys, err := at.Keys.settle(at.Database); err == nil && at.Keys == (Keys{}) { // its own, not some that others share
		keystore, _ := sqliteFile(keys.Keystore)
		files = append(files, keystore, keys.MasterKey)
	}
	for _, file := range files {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if err := os.Remove(file + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// demoState is what a database is: empty, demo, half a demo, or company.
func demoState(ctx context.Context, db *store.DB, lib *rulebook.Library) (string, error) {
	demo, err := meta(ctx, db, metaDemo)
	if err != nil || demo != "" {
		return "demo", err
	}
	making, err := meta(ctx, db, metaMaking)
	if err != nil || making != "" {
		return "half a demo", err
	}
	var people int64
	err = db.Read(ctx, func(tx *store.Tx) (err error) {
		people, err = tx.Count(lib.Form("base.unit").Table, nil)
		return err
	})
	if people > 0 {
		return "company", err
	}
	return "empty", err
}

// checkDemo keeps demonstration and company apart: neither is served as the other.
func (s *server) checkDemo(ctx context.Context, fsys fs.FS, lib *rulebook.Library) error {
	state, err := demoState(ctx, s.db, lib)
	if err != nil {
		return err
	}
	where := hideSecret(s.c.Database)
	switch {
	case state == "half a demo":
		return fmt.Errorf("the making of the demonstration in %s was interrupted: zhanggui demo --force", where)
	case !s.c.Demo && state == "demo":
		return fmt.Errorf("%s was made as a demonstration: serve it with --demo", where)
	case s.c.Demo && state == "company":
		return fmt.Errorf("%s holds a company and is not a demonstration", where)
	case s.c.Demo && state == "empty":
		if err := s.p.makeDemo(ctx, s.db, s.keys, fsys, lib, "", demoSeed); err != nil {
			return err
		}
	}
	s.demo = s.c.Demo
	return nil
}

// makeDemo plays a company's year into an empty database.
func (p *program) makeDemo(ctx context.Context, db *store.DB, keys *keyring, fsys fs.FS, lib *rulebook.Library, book string, seed uint64) error {
	book = cmp.Or(book, demoPlan)
	plan, err := demo.ReadPlan(fsys, path.Join("demo", book+".yaml"))
	if err != nil {
		return fmt.Errorf("there is no demonstration %s: %w", book, err)
	}
	if err := setMeta(ctx, db, metaMaking, book); err != nil {
		return err
	}
	e, err := p.engine(ctx, db, lib, keys, engine.Options{NewID: seededID(seed)})
	if err != nil {
		return err
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // nothing else runs, and a year makes much that is thrown away
	begin := time.Now()
	fmt.Fprintf(p.out, "Making the demonstration %s, a year of its life …\n", plan.Company)
	shown := begin
	result, err := demo.Play(ctx, e, plan, seed, p.log, func(done float64) {
		if now := time.Now(); now.Sub(shown) > 2*time.Second {
			shown = now
			fmt.Fprintf(p.out, "  %3.0f %%\n", 100*done)
		}
	})
	if err != nil {
		return fmt.Errorf("demonstration: %w", err)
	}
	values := [][2]string{{metaCompany, plan.Company}, {metaPassword, plan.Password}, {metaClock, result.Now.UTC().Format(instantForm)}}
	for _, v := range values {
		if err := setMeta(ctx, db, v[0], v[1]); err != nil {
			return err
		}
	}
	door := auth.New(db, newDirectory(lib), auth.Options{Policy: auth.Policy{Any: true}}) // the password is published
	people, err := accounts(ctx, db, lib)
	if err != nil {
		return err
	}
	for _, a := range people {
		if err := door.SetPassword(ctx, result.Now, a.Person, plan.Password, false); err != nil {
			return fmt.Errorf("password of %s: %w", a.Account, err)
		}
	}
	fmt.Fprintf(p.out, "  %d acts, %d refused, %d by the clock, in %s\n", result.Acts, result.Refused, result.Ticks,
		time.Since(begin).Round(100*time.Millisecond))
	// Last, so that only a whole demonstration is one.
	return db.Write(ctx, func(tx *store.Tx) error {
		if err := tx.Upsert("meta", []string{"key"}, store.Row{"key": metaDemo, "value": book}); err != nil {
			return err
		}
		_, err := tx.Delete("meta", query.Eq("m", "key", metaMaking))
		return err
	})
}

// seededID makes the ids of a demonstration: the same in each making, so that links and pictures stay true.
func seededID(seed uint64) func() string {
	r := rand.New(rand.NewPCG(seed, 0x7a68616e67677569))
	return func() string {
		var b [10]byte
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
	}
}

// account is somebody who can sign in, as the sign-in page of a demonstration lists him.
type account struct{ Person, Account, Name, Post, Unit, House string }

func accounts(ctx context.Context, db *store.DB, lib *rulebook.Library) ([]account, error) {
	var list []account
	err := db.Read(ctx, func(tx *store.Tx) error {
		list = nil
		units, above := map[string]string{}, map[string]string{}
		rows, err := tx.Select(query.Select{Table: lib.Form("base.unit").Table, Alias: "u"})
		if err != nil {
			return err
		}
		text := func(r store.Row, name string) string { s, _ := r[name].(string); return s }
		for _, r := range rows {
			units[text(r, "id")], above[text(r, "id")] = text(r, "name"), text(r, "parent")
		}
		adopters, err := tx.Select(query.Select{Table: lib.Form("base.adoption").Table, Alias: "a"})
		if err != nil {
			return err
		}
		adopted := map[string]bool{}
		for _, r := range adopters {
			adopted[text(r, "unit")] = true
		}
		house := func(unit string) string { // the unit that adopted a regulation, else the highest
			for n := 0; n < 64 && above[unit] != "" && !adopted[unit]; n++ {
				unit = above[unit]
			}
			return units[unit]
		}
		rows, err = tx.Select(query.Select{Table: lib.Form("base.person").Table, Alias: "p",
			Where: query.Op{Name: "not", Args: []query.Expr{query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "p", Name: "account"}}}}},
			Order: []query.Order{{Expr: query.Col{Alias: "p", Name: "at"}}, {Expr: query.Col{Alias: "p", Name: "id"}}}})
		for _, r := range rows {
			if active, _ := r["active"].(bool); active && text(r, "account") != "" {
				list = append(list, account{Person: text(r, "id"), Account: text(r, "account"), Name: text(r, "name"), Post: text(r, "post"), Unit: units[text(r, "unit")], House: house(text(r, "unit"))})
			}
		}
		return err
	})
	return list, err
}

// announceDemo prints who can be tried.
func (s *server) announceDemo(ctx context.Context) error {
	people, err := accounts(ctx, s.db, s.now.Load().lib)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.p.out, "  password   %s (all accounts)\n", s.password)
	const shown = 14
	for i, a := range people {
		if i == shown {
			fmt.Fprintf(s.p.out, "  …          and %d more on the sign-in page\n", len(people)-shown)
			break
		}
		fmt.Fprintf(s.p.out, "  account    %-14s %s  %s  %s\n", a.Account, a.Name, a.Post, a.Unit)
	}
	return nil
}
