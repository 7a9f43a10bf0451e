package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"zhanggui/internal/auth"
	"zhanggui/internal/calendar"
	"zhanggui/internal/keep"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// What meta says about an installation.
const (
	metaMade     = "made"          // when and by which version the database was made
	metaDemo     = "demo"          // the rulebook it demonstrates; absent in production for ever
	metaCompany  = "company"       // name of the company
	metaPassword = "demo_password" // the published password of the demonstration's accounts
	metaKey      = "journal_key"   // the public key of its journal
	metaClock    = "clock"         // where the hand-turned clock stands; absent = the clock is never turned
)

const instantForm = "2006-01-02T15:04:05.000Z"

// open opens a database and brings its tables up to what the library needs. Changes only ever add, and are logged.
func (p *program) open(ctx context.Context, address string, lib *rulebook.Library) (*store.DB, error) {
	if file, ok := sqliteFile(address); ok {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return nil, fmt.Errorf("database: %w", err)
		}
	}
	db, err := store.Open(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", hideSecret(address), err)
	}
	if err := p.prepare(ctx, db, lib); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func (p *program) prepare(ctx context.Context, db *store.DB, lib *rulebook.Library, earlier ...*rulebook.Library) error {
	changes, err := db.Plan(ctx, tables(lib, earlier...))
	if err != nil {
		return fmt.Errorf("database: plan tables: %w", err)
	}
	level := slog.LevelInfo
	if slices.ContainsFunc(changes, func(c store.Change) bool { return c.Kind == "create table" && c.Table == "meta" }) {
		level = slog.LevelDebug // made just now: everything is new
	}
	for _, c := range changes {
		p.log.Log(ctx, level, "database", "change", c.Describe())
	}
	if err := db.Upgrade(ctx, changes, version()); err != nil {
		if store.NotOwner(err) {
			return fmt.Errorf("the tables are another role's and not up to date: run “zhanggui lend” as their owner first: %w", err)
		}
		return fmt.Errorf("database: change tables: %w", err)
	}
	if len(changes) > 0 {
		p.log.Info("database tables brought up to date", "changes", len(changes))
	}
	warnings, err := db.Warnings(ctx)
	if err != nil {
		return err
	}
	for _, w := range warnings {
		p.log.Warn("database", "warning", w)
	}
	made, err := meta(ctx, db, metaMade)
	if err == nil && made == "" {
		err = setMeta(ctx, db, metaMade, time.Now().UTC().Format(instantForm)+" "+version())
	}
	return err
}

// outlived ends this server when a newer program has begun to work on its database. Each act asks for itself
// and is refused from that moment on.
func (s *server) outlived(ctx context.Context, halt context.CancelCauseFunc) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(2 * time.Second):
		}
		if reason, _ := s.db.Outlived(ctx); reason != nil { // a database that is away is no secret: every act says so
			halt(reason)
			return
		}
	}
}

// fillSearch makes, beside the work, what searching needs in tables that were too large for the start after an upgrade.
func (s *server) fillSearch(ctx context.Context) {
	begin := time.Now()
	rows, err := s.db.FillSearch(ctx)
	switch {
	case ctx.Err() != nil: // the next start goes on
	case err != nil:
		s.p.log.Error("searching is slow in large registers: what it needs could not be made; the next start tries again", "error", err)
	case rows > 0:
		s.p.log.Info("what searching needs is made", "rows", rows, "took", time.Since(begin).Round(time.Second))
	}
}

// sqliteFile is the file of an SQLite address; false for memory and PostgreSQL.
func sqliteFile(address string) (string, bool) {
	file, ok := strings.CutPrefix(address, "sqlite:")
	file, _, _ = strings.Cut(strings.TrimPrefix(file, "file:"), "?")
	return file, ok && file != "" && file != ":memory:"
}

// meta reads a value of the installation; "" if it has none.
func meta(ctx context.Context, db *store.DB, key string) (value string, err error) {
	err = db.Read(ctx, func(tx *store.Tx) error { value, err = metaIn(tx, key); return err })
	return value, err
}

func metaIn(tx *store.Tx, key string) (string, error) {
	rows, err := tx.Select(query.Select{Table: "meta", Alias: "m", Where: query.Eq("m", "key", key), Limit: 1})
	if err != nil || len(rows) == 0 {
		return "", err
	}
	value, _ := rows[0]["value"].(string)
	return value, nil
}

func setMeta(ctx context.Context, db *store.DB, key, value string) error {
	return db.Write(ctx, func(tx *store.Tx) error {
		return tx.Upsert("meta", []string{"key"}, store.Row{"key": key, "value": value})
	})
}

// directory is the people of the base rulebook as the door knows them.
type directory struct {
	people, grants string // tables
	zone           *time.Location
	keep           *keep.Keeper // opens what is sealed; nil where no password is chosen
}

func newDirectory(lib *rulebook.Library) directory {
	return directory{people: lib.Form("base.person").Table, grants: lib.Form("base.role_grant").Table, zone: zone()}
}

func (d directory) ByID(tx *store.Tx, now time.Time, id string) (auth.Person, error) {
	return d.find(tx, now, "id", id)
}

func (d directory) ByAccount(tx *store.Tx, now time.Time, account string) (auth.Person, error) {
	if account == "" {
		return auth.Person{}, nil
	}
	return d.find(tx, now, "account", account)
}

func (d directory) find(tx *store.Tx, now time.Time, column, value string) (auth.Person, error) {
	rows, err := tx.Select(query.Select{Table: d.people, Alias: "p", Where: query.Eq("p", column, value), Limit: 1,
		Columns: columns("p", "id", "account", "name", "phone", "email", "unit", "active", "left_on", "ends_at")})
	if err != nil || len(rows) == 0 {
		return auth.Person{}, err
	}
	row := rows[0]
	text := func(name string) string { s, _ := row[name].(string); return s }
	p := auth.Person{ID: text("id"), Account: text("account"), Name: text("name"), Words: []string{text("phone"), text("email")}}
	if d.keep != nil {
		p.Plain = func(ctx context.Context) (list []string) {
			for _, column := range []string{"phone", "email"} {
				if plain, err := d.keep.Open(ctx, text(column), keep.Place{Table: d.people, Column: column, Record: p.ID}); err == nil {
					list = append(list, plain)
				} // erased, or not sealed: then it is among the words, or there is none
			}
			return list
		}
	}
	p.Active, _ = row["active"].(bool)
	today := now.In(d.zone).Format("2006-01-02")
	if left := text("left_on"); left != "" && left < today {
		p.Active = false // his last day has ended, whether or not somebody pressed the button
	}
	if ends, err := time.Parse(time.RFC3339, text("ends_at")); err == nil && !now.Before(ends) {
		p.Active = false // his minute has struck, whether or not the clock was there to see it
	}
	held, err := tx.Select(query.Select{Table: d.grants, Alias: "g", Where: query.Eq("g", "person", p.ID), Columns: columns("g", "from", "until", "state", "role", "unit"),
		Order: []query.Order{{Expr: query.Col{Alias: "g", Name: "id"}}}})
	if err != nil {
		return auth.Person{}, err
	}
	standing := []string{text("unit"), p.Account, text("phone"), text("email")}
	for _, g := range held {
		of := func(name string) string { s, _ := g[name].(string); return s }
		from, until := of("from"), of("until")
		if from > today || until != "" && until < today || slices.Contains([]string{"void", "asked", "refused"}, of("state")) {
			continue
		}
		role := of("role")
		standing = append(standing, role+" "+of("unit"))
		p.Officer = p.Officer || role == "admin" || role == "auditor"
	}
	p.Standing = strings.Join(standing, "\n")
	return p, nil
}

// columns are some of a table's: each request asks who comes, and a row of people is wide.
func columns(alias string, names ...string) []query.Column {
	list := make([]query.Column, len(names))
	for i, n := range names {
		list[i] = query.Column{Name: n, Expr: query.Col{Alias: alias, Name: n}}
	}
	return list
}

func zone() *time.Location { return calendar.Standard().Zone }
