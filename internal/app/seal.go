package app

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"zhanggui/internal/journal"
	"zhanggui/internal/store"
)

// sealer folds new journal entries into the signed log every few seconds.
type sealer struct {
	db       *store.DB
	signer   journal.Signer
	verifier journal.Verifier
	now      func() time.Time
	log      *slog.Logger
	end      context.CancelFunc
	done     chan struct{}
}

const sealEvery = 10 * time.Second

// openSealer reads the signing key, or makes one for a log that is still empty.
func openSealer(ctx context.Context, db *store.DB, file string, now func() time.Time, log *slog.Logger) (*sealer, error) {
	secret, public, err := readKey(file)
	if errors.Is(err, fs.ErrNotExist) {
		var old []byte
		err = db.Read(ctx, func(tx *store.Tx) (err error) {
			old, err = tx.Checkpoint()
			return err
		})
		if err == nil && old != nil {
			// A new key would sign a history it never saw.
			return nil, fmt.Errorf("the journal of this database is signed, and its key %s is missing: bring it back from the backup", file)
		}
		if err == nil {
			secret, public, err = makeKey(file)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("journal key: %w", err)
	}
	signer, err := journal.NewSigner(secret)
	if err != nil {
		return nil, fmt.Errorf("journal key %s: %w", file, err)
	}
	verifier, err := journal.NewVerifier(public)
	if err != nil {
		return nil, fmt.Errorf("journal key %s: %w", file, err)
	}
	return &sealer{db: db, signer: signer, verifier: verifier, now: now, log: log, done: make(chan struct{})}, nil
}

// A key file is two lines: the secret key and the public one, which an auditor may have.
func readKey(file string) (secret, public string, err error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", "", err
	}
	lines := strings.Fields(string(b))
	if len(lines) != 2 {
		return "", "", fmt.Errorf("%s: two lines are expected, the secret key and the public one", file)
	}
	return lines[0], lines[1], nil
}

// codeKey is what seals the secrets of one-time codes: drawn from the journal's key, which the database does not hold,
// so that who has a copy of the database has nobody's second factor.
func codeKey(file string) ([]byte, error) {
	secret, _, err := readKey(file)
	if err != nil {
		return nil, fmt.Errorf("journal key: %w", err)
	}
	return hkdf.Key(sha256.New, []byte(secret), nil, "zhanggui one-time codes 1", 32)
}

func makeKey(file string) (secret, public string, err error) {
	var b [6]byte
	_, _ = rand.Read(b[:])
	secret, public, err = journal.NewKey(rand.Reader, "zhanggui-"+hex.EncodeToString(b[:]))
	if err != nil {
		return "", "", err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return "", "", err
	}
	// O_EXCL: of two nodes that start together one makes the key, and the other says so and starts again.
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", "", err
	}
	_, err = fmt.Fprintf(f, "%s\n%s\n", secret, public)
	return secret, public, errors.Join(err, f.Sync(), f.Close())
}

func (s *sealer) start() {
	ctx, end := context.WithCancel(context.Background())
	s.end = end
	go func() {
		defer close(s.done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(sealEvery):
			}
			if _, err := s.db.Seal(ctx, s.now(), s.signer); err != nil && ctx.Err() == nil {
				s.log.Error("sealing the journal failed", "err", err)
			}
		}
	}()
}

// stop ends the loop and seals what is left.
func (s *sealer) stop(ctx context.Context) error {
	s.end()
	select {
	case <-s.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	_, err := s.db.Seal(ctx, s.now(), s.signer)
	return err
}

type verifyCommand struct {
	Store
	Key        string   `help:"Key file of the journal." default:"data/journal.key" placeholder:"FILE" env:"ZHANGGUI_KEY" xor:"key"`
	Public     string   `help:"Public key instead of the key file, for an auditor." placeholder:"KEY" xor:"key"`
	Checkpoint []string `help:"Checkpoint that was taken away earlier; may be repeated." placeholder:"FILE" type:"existingfile"`
	Demo       bool     `help:"Verify the demonstration's database." env:"ZHANGGUI_DEMO"`
}

func (c *verifyCommand) Run(p *program, _ *Common) error {
	s := settings{Store: c.Store, Key: c.Key, Demo: c.Demo}
	s.demoDefaults()
	public := c.Public
	if public == "" {
		var err error
		if _, public, err = readKey(s.Key); err != nil {
			return fmt.Errorf("journal key: %w", err)
		}
	}
	verifier, err := journal.NewVerifier(public)
	if err != nil {
		return fmt.Errorf("public key: %w", err)
	}
	var brought [][]byte
	for _, name := range c.Checkpoint {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		brought = append(brought, b)
	}
	if file, ok := sqliteFile(s.Database); ok {
		// Opening would make an empty one, and an empty journal is always in order.
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("database: %w", err)
		}
	}
	db, err := store.Open(p.ctx, s.Database)
	if err != nil {
		return fmt.Errorf("database %s: %w", hideSecret(s.Database), err)
	}
	report, err := db.Audit(p.ctx, verifier, brought...)
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	for _, f := range report.Findings {
		fmt.Fprintln(p.out, f.String())
	}
	fmt.Fprintf(p.out, "%d entries sealed, %d waiting for the seal, %s, key %s\n", report.Sealed, report.Unsealed,
		plural(len(report.Findings), "finding"), verifier.Name())
	if len(report.Findings) > 0 {
		return errFailed
	}
	fmt.Fprintln(p.out, "the journal is in order")
	return nil
}
