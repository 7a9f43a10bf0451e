package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"zhanggui/internal/journal"
	"zhanggui/internal/witness"
)

type witnessCommand struct {
	From       string        `help:"Address of the server." required:"" placeholder:"URL"`
	Keep       string        `help:"Folder for the checkpoints, on another machine than the server." required:"" placeholder:"DIR"`
	Public     string        `help:"Public key of the server's log: the second line of its key file." required:"" placeholder:"KEY"`
	Token      string        `help:"Machine token of an auditor." required:"" placeholder:"TOKEN" env:"ZHANGGUI_WITNESS_TOKEN"`
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
	w := &watcher{c: c, keeper: k, signer: signer}
	for {
		seen, err := w.look(p.ctx)
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

type watcher struct {
	c      *witnessCommand
	keeper *witness.Keeper
	signer journal.Signer
}

// look shows the server first what is kept, so that one that was rolled back learns it from us, then takes the next checkpoint.
func (w *watcher) look(ctx context.Context) (journal.Checkpoint, error) {
	kept, note, err := w.keeper.Last()
	if err != nil {
		return kept, err
	}
	shown := error(nil)
	if note != nil {
		shown = w.show(ctx, note)
	}
	var now struct {
		Note string `json:"note"`
	}
	if err := w.ask(ctx, http.MethodGet, "/api/log/checkpoint", nil, &now); err != nil {
		return kept, errors.Join(shown, err)
	}
	if now.Note == "" {
		if kept.Size > 0 {
			return kept, fmt.Errorf("%w (it has no checkpoint at all)", witness.ErrRolledBack)
		}
		return kept, errors.New("the log has no checkpoint yet")
	}
	seen, err := w.keeper.Keep([]byte(now.Note), func(older, newer int64) ([]journal.Hash, error) {
		var p struct {
			Proof []journal.Hash `json:"proof"`
		}
		err := w.ask(ctx, http.MethodGet, fmt.Sprintf("/api/log/consistency?from=%d&to=%d", older, newer), nil, &p)
		return p.Proof, err
	})
	if err != nil {
		return seen, err
	}
	return seen, w.show(ctx, []byte(now.Note))
}

// show hands in a checkpoint with our signature.
func (w *watcher) show(ctx context.Context, note []byte) error {
	signed, err := journal.Cosign(note, []journal.Verifier{w.keeper.Verifier}, w.signer)
	if err != nil {
		return err
	}
	return w.ask(ctx, http.MethodPost, "/api/log/witness", map[string]string{"note": string(signed)}, nil)
}

func (w *watcher) ask(ctx context.Context, method, path string, in, out any) error {
	ctx, end := context.WithTimeout(ctx, 30*time.Second)
	defer end()
	base, err := url.Parse(w.c.From)
	if err != nil || base.Host == "" {
		return fmt.Errorf("--from %s is no address", w.c.From)
	}
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(w.c.From, "/")+path, body)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+w.c.Token)
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s: %s: %.300s", path, res.Status, b)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(b, out)
}
