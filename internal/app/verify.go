package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"zhanggui/internal/alert"
	"zhanggui/internal/auth"
	"zhanggui/internal/engine"
	"zhanggui/internal/job"
	"zhanggui/internal/journal"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
	"zhanggui/internal/witness"
)

// verification is what two looks at one installation found: at the log, and at the records it rebuilds.
type verification struct {
	audit   store.AuditReport
	compare store.CompareReport
}

// verifyAll recomputes the log and rebuilds every record from it.
func verifyAll(ctx context.Context, db *store.DB, v journal.Verifier, brought ...[]byte) (verification, error) {
	audit, err := db.Audit(ctx, v, brought...)
	if err != nil {
		return verification{}, err
	}
	compare, err := db.Compare(ctx)
	return verification{audit, compare}, err
}

// findings are what is wrong, the log first: where it was altered, what it rebuilds says little.
func (v verification) findings(lib *rulebook.Library) (list []string) {
	for _, f := range v.audit.Findings {
		list = append(list, f.String())
	}
	names := tableNames(lib)
	for _, d := range v.compare.Differences {
		if name := names[d.Table]; name != "" {
			d.Table = name
		}
		list = append(list, d.String())
	}
	return list
}

// tableNames are the forms and line lists as rulebooks call them, by table.
func tableNames(lib *rulebook.Library) map[string]string {
	names := map[string]string{}
	for _, b := range lib.Books {
		for _, f := range b.Forms {
			names[f.Table] = f.Key
			for _, l := range f.Lines {
				names[l.Table] = l.Key
			}
		}
	}
	return names
}

// tables are all that an installation has.
func tables(lib *rulebook.Library, earlier ...*rulebook.Library) []store.Table {
	return slices.Concat(store.SystemTables(), auth.Tables(), alert.Tables(), job.Tables(), engine.Tables(lib, earlier...))
}

type verifyCommand struct {
	Store
	Key        string   `help:"Key file of the journal." default:"data/journal.key" placeholder:"FILE" env:"ZHANGGUI_KEY" xor:"key"`
	Public     string   `help:"Public key instead of the key file, for an auditor." placeholder:"KEY" xor:"key"`
	Checkpoint []string `help:"Checkpoint that was taken away earlier, or a witness's file of them; may be repeated." placeholder:"FILE" type:"existingfile"`
	Demo       bool     `help:"Verify the demonstration's database." env:"ZHANGGUI_DEMO"`
}

func (c *verifyCommand) Run(p *program, common *Common) error {
	s := settings{Store: c.Store, Key: c.Key, Demo: c.Demo}
	s.demoDefaults()
	verifier, err := publicKey(s.Key, c.Public)
	if err != nil {
		return err
	}
	var brought [][]byte
	for _, name := range c.Checkpoint {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		brought = append(brought, witness.Split(b)...)
	}
	lib, db, err := p.openExisting(s.Database, common)
	if err != nil {
		return err
	}
	found, err := verifyAll(p.ctx, db, verifier, brought...)
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	return found.print(p, lib, verifier.Name())
}

func (v verification) print(p *program, lib *rulebook.Library, key string) error {
	list := v.findings(lib)
	for _, f := range list {
		fmt.Fprintln(p.out, f)
	}
	fmt.Fprintf(p.out, "%d entries sealed, %d waiting for the seal, %d records rebuilt, %s, key %s\n", v.audit.Sealed, v.audit.Unsealed,
		v.compare.Rows, plural(len(list), "finding"), key)
	if len(list) > 0 {
		return errFailed
	}
	fmt.Fprintln(p.out, "the journal is in order, and the records are what it says")
	return nil
}

// publicKey is the log's, given as such or read from the key file.
func publicKey(file, public string) (journal.Verifier, error) {
	if public == "" {
		var err error
		if _, public, err = readKey(file); err != nil {
			return nil, fmt.Errorf("journal key: %w", err)
		}
	}
	verifier, err := journal.NewVerifier(public)
	if err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	return verifier, nil
}

// openExisting opens a database that must be there, to be looked at: nothing of it is brought up to date.
func (p *program) openExisting(address string, common *Common) (*rulebook.Library, *store.DB, error) {
	fsys, err := common.books()
	if err != nil {
		return nil, nil, err
	}
	lib, err := p.load(fsys)
	if err != nil {
		return nil, nil, err
	}
	if file, ok := sqliteFile(address); ok {
		// Opening would make an empty one, and an empty journal is always in order.
		if _, err := os.Stat(file); err != nil {
			return nil, nil, fmt.Errorf("database: %w", err)
		}
	}
	db, err := store.Open(p.ctx, address)
	if err != nil {
		return nil, nil, fmt.Errorf("database %s: %w", hideSecret(address), err)
	}
	if _, err := db.Plan(p.ctx, tables(lib)); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return lib, db, nil
}
