package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"zhanggui/internal/engine"
	"zhanggui/internal/journal"
	"zhanggui/internal/store"
	"zhanggui/internal/witness"
)

// numbersFile is where the last numbers given out are noted beside the kept checkpoints: a copy that is put back
// does not know of those given out after it.
func (s *sealer) numbersFile() string { return s.keeper.File + ".numbers" }

func (s *sealer) noteNumbers(ctx context.Context) error {
	var list []store.Numbers
	if err := s.db.Read(ctx, func(tx *store.Tx) (err error) { list, err = tx.AllNumbers(); return err }); err != nil {
		return err
	}
	b, err := json.Marshal(list)
	if err != nil {
		return err
	}
	if old, err := os.ReadFile(s.numbersFile()); err == nil && string(old) == string(b) {
		return nil
	}
	part := s.numbersFile() + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(part, s.numbersFile())
}

type acceptLoss struct {
	Store
	Key        string   `help:"Key file of the journal." default:"data/journal.key" placeholder:"FILE" env:"ZHANGGUI_KEY"`
	Checkpoint []string `help:"Checkpoint that a witness keeps, where the one beside the key is lost too; may be repeated." placeholder:"FILE" type:"existingfile"`
	Margin     int64    `help:"Numbers left out of every series besides those known to be given out." default:"20"`
	Anyway     bool     `help:"Leave the numbers out even if no kept checkpoint knows of a loss: a lost machine may have given some out in its last second."`
	Demo       bool     `help:"The demonstration's database." env:"ZHANGGUI_DEMO"`
}

// Run records what was lost, makes the numbers of the lost time void and lets the house go on. Witnesses outside must be told by
// their own people (zhanggui witness --accept-loss).
func (c *acceptLoss) Run(p *program, common *Common) error {
	s := settings{Store: c.Store, Key: c.Key, Demo: c.Demo}
	s.demoDefaults()
	o, err := p.office(common, s.Store)
	if err != nil {
		return err
	}
	return errors.Join(c.accept(p, o, s.Key), o.db.Close())
}

func (c *acceptLoss) accept(p *program, o *office, key string) error {
	seal, err := openSealer(p.ctx, o.db, key, func() time.Time { return o.now }, p.log)
	if err != nil {
		return err
	}
	last, _, err := seal.keeper.Last()
	if err != nil {
		return err
	}
	for _, name := range c.Checkpoint {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for _, note := range witness.Split(b) {
			one, err := journal.Open(note, seal.verifier)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if one.Size > last.Size {
				last = one
			}
		}
	}
	if last.Size > 0 {
		if err := seal.compare(p.ctx, last); err != nil {
			return err
		}
	}
	held := o.db.Held() != nil
	if !held && !c.Anyway {
		return errors.New("nothing is lost: the database has all that the kept checkpoints know of. --anyway leaves numbers out that a lost machine may have given out in its last second")
	}
	size, _, err := o.db.LogRoot(p.ctx, 0)
	if err != nil {
		return err
	}
	loss := engine.Loss{Have: size, Kept: last.Size, Margin: c.Margin}
	b, err := os.ReadFile(seal.numbersFile())
	switch {
	case err == nil:
		err = json.Unmarshal(b, &loss.Numbers)
	case errors.Is(err, fs.ErrNotExist): // what the copy knows and the margin must do
		err = o.db.Read(p.ctx, func(tx *store.Tx) (err error) { loss.Numbers, err = tx.AllNumbers(); return err })
	}
	if err != nil {
		return err
	}
	o.db.Hold(nil)
	ranges, err := o.engine.AcceptLoss(p.ctx, o.now, engine.Actor{System: true, Origin: "system"}, loss)
	if err != nil {
		return err
	}
	if !held {
		fmt.Fprintln(p.out, "No entry is known to be lost.")
	} else {
		aside, err := seal.keeper.SetAside()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		fmt.Fprintf(p.out, "The journal goes on after entry %d; entries up to %d are lost. What was kept is in %s.\nA server that is running still stands still: start it again, each node.\n", size, last.Size, aside)
	}
	if err := seal.seal(p.ctx); err != nil {
		return err
	}
	for _, r := range ranges {
		fmt.Fprintln(p.out, "void:", r)
	}
	return nil
}
