package app

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"zhanggui/internal/journal"
	"zhanggui/internal/witness"
)

type witnessCommand struct {
	From       string        `help:"Address of the server." required:"" placeholder:"URL"`
	Keep       string        `help:"Folder for the checkpoints, on another machine than the server." required:"" placeholder:"DIR"`
	Public     string        `help:"Public key of the server's log: the second line of its key file." required:"" placeholder:"KEY"`
	Token      string        `help:"Machine token of an auditor; one that may only read is enough." required:"" placeholder:"TOKEN" env:"ZHANGGUI_WITNESS_TOKEN"`
	Every      time.Duration `help:"Look so often." default:"30s"`
	Once       bool          `help:"Look once and end."`
	AcceptLoss bool          `help:"The server's loss was accepted by its people: put aside what is kept and begin anew."`
}

// Run keeps the checkpoints of a log, signs those that continue what it has, and ends with an error at the first that does not.
func (c *witnessCommand) Run(p *program) error {
	log, err := journal.NewVerifier(c.Public)
	if err != nil {
		return fmt.Errorf("public key: %w", err)
	}
	secret, public, err := readKey(filepath.Join(c.Keep, "witness.key"))
	if errors.Is(err, fs.ErrNotExist) {
		secret, public, err = makeWitnessKey(filepath.Join(c.Keep, "witness.key"))
	}
	if err != nil {
		return err
	}
	signer, err := journal.NewSigner(secret)
	if err != nil {
		return err
	}
	k := &witness.Keeper{File: filepath.Join(c.Keep, "checkpoints"), Verifier: log}
	if c.AcceptLoss {
		aside, err := k.SetAside()
		if err != nil {
			return err
		}
		fmt.Fprintf(p.out, "what was kept so far is in %s\n", aside)
	}
	fmt.Fprintf(p.out, "witness %s\nthe server is told: --witness '%s'\n", signer.Name(), public)
	w := &witness.Watcher{From: c.From, Token: c.Token, Keeper: k, Signer: signer}
	for {
		seen, err := w.Look(p.ctx)
		switch {
		case errors.Is(err, witness.ErrForked), errors.Is(err, witness.ErrRolledBack):
			return fmt.Errorf("REFUSED: %w", err)
		case err != nil && c.Once:
			return err
		case err != nil:
			p.log.Warn("the log could not be looked at", "err", err)
		default:
			p.log.Info("checkpoint kept", "entries", seen.Size, "at", seen.At.Format(time.RFC3339))
			if c.Once {
				fmt.Fprintf(p.out, "%d entries of %s witnessed\n", seen.Size, log.Name())
			}
		}
		if c.Once {
			return nil
		}
		select {
		case <-p.ctx.Done():
			return nil
		case <-time.After(c.Every):
		}
	}
}

func makeWitnessKey(file string) (secret, public string, err error) {
	var b [6]byte
	_, _ = rand.Read(b[:])
	return writeKey(file, "witness-"+hex.EncodeToString(b[:]))
}
