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
	"sync"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/journal"
	"zhanggui/internal/store"
	"zhanggui/internal/witness"
)

// sealer folds new journal entries into the signed log every few seconds.
type sealer struct {
	db       *store.DB
	signer   journal.Signer
	verifier journal.Verifier
	keeper   *witness.Keeper // checkpoints kept beside the key, outside the database
	now      func() time.Time
	log      *slog.Logger
	lead     *lead // nil = a command, which seals in any case
	end      context.CancelFunc
	done     chan struct{}
	turn     sync.Mutex // of sealing and keeping: a checkpoint read earlier must not be kept later
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
	s := &sealer{db: db, signer: signer, verifier: verifier, now: now, log: log, done: make(chan struct{}),
		keeper: &witness.Keeper{File: keptFile(file), Verifier: verifier}}
	if err := oneKey(ctx, db, public); err != nil {
		return nil, err
	}
	return s, s.check(ctx)
}

// oneKey lets the first key there is be the database's, so that two nodes with key files of their own do not both sign.
func oneKey(ctx context.Context, db *store.DB, public string) error {
	known, err := meta(ctx, db, metaKey)
	if err == nil && known == "" {
		err = db.Write(ctx, func(tx *store.Tx) (err error) {
			if err = tx.Lock(metaKey); err != nil {
				return err
			}
			if known, err = metaIn(tx, metaKey); err != nil || known != "" {
				return err
			}
			known = public
			return tx.Upsert("meta", []string{"key"}, store.Row{"key": metaKey, "value": public})
		})
	}
	if err == nil && known != public {
		err = errors.New("the journal of this database is signed by another key: bring the key file of the other nodes, or of the backup")
	}
	return err
}

// keptFile is where checkpoints are kept beside the key: whoever puts back an older database does not put this back.
func keptFile(key string) string { return strings.TrimSuffix(key, ".key") + ".checkpoints" }

// check holds the database if the kept checkpoints know of more, or of something else, than its log.
func (s *sealer) check(ctx context.Context) error {
	last, _, err := s.keeper.Last()
	if err != nil || last.Size == 0 {
		return err
	}
	return s.compare(ctx, last)
}

// compare holds the database against one of its checkpoints.
func (s *sealer) compare(ctx context.Context, c journal.Checkpoint) error {
	size, root, err := s.db.LogRoot(ctx, c.Size)
	if err != nil {
		return err
	}
	var reason error
	waiting, err := s.db.Continues(ctx, c)
	switch {
	case err != nil:
		return err
	case waiting: // all of it is there, its seal was not copied
		return nil
	case size < c.Size:
		reason = fault.New(fault.Unavailable, fmt.Sprintf("日志只到第 %d 条，外面留存的检查点到第 %d 条：数据库比它旧。要停下服务，由管理员运行 zhanggui admin accept-loss，再启动，才能办理", size, c.Size),
			fmt.Sprintf("The journal ends at entry %d and a checkpoint kept outside at %d: the database is older. Nothing can be done until an administrator stops the server, runs zhanggui admin accept-loss and starts it again", size, c.Size))
	case root != c.Root:
		reason = fault.New(fault.Unavailable, fmt.Sprintf("日志前 %d 条与外面留存的检查点不符：被改写过，或者放回的数据库另走了一路。核实之前不能办理", c.Size),
			fmt.Sprintf("The first %d entries are not those of a checkpoint kept outside: they were rewritten, or the database that was put back has gone another way. Nothing can be done until this is settled", c.Size))
	default:
		return nil
	}
	s.log.Error("the journal contradicts a kept checkpoint", "err", reason)
	s.db.Hold(reason)
	return nil
}

// kept are the checkpoints kept outside, for a verification.
func (s *sealer) kept() [][]byte {
	notes, err := s.keeper.Notes()
	if err != nil {
		s.log.Error("kept checkpoints cannot be read", "err", err)
	}
	return notes
}

// seal folds what waits into the log, on the node whose turn it is, and keeps the checkpoint outside, on every node. A log that
// is held is not continued.
func (s *sealer) seal(ctx context.Context) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	if s.db.Held() != nil {
		return nil
	}
	mine, ok := ctx, true
	if s.lead != nil {
		mine, ok = s.lead.fence(ctx)
	}
	return s.fold(ctx, mine, ok)
}

// sealNow folds what waits into the log, whosever turn it is: nodes take turns in the store. What cannot be continued is an error.
func (s *sealer) sealNow(ctx context.Context) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	if err := s.db.Held(); err != nil {
		return err
	}
	return s.fold(ctx, ctx, true)
}

func (s *sealer) fold(ctx, mine context.Context, seal bool) error {
	if seal {
		if _, err := s.db.Seal(mine, s.now(), s.signer); err != nil && !handedOver(err) {
			return err
		}
	}
	note, err := s.db.Checkpoint(ctx)
	if err != nil || note == nil {
		return err
	}
	if err := s.noteNumbers(ctx); err != nil {
		return err
	}
	_, err = s.keeper.Keep(note, func(older, newer int64) ([]journal.Hash, error) { return s.db.ProveConsistency(ctx, older, newer) })
	if errors.Is(err, witness.ErrForked) || errors.Is(err, witness.ErrRolledBack) {
		return errors.Join(err, s.check(ctx))
	}
	return err
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
	return writeKey(file, "zhanggui-"+hex.EncodeToString(b[:]))
}

func writeKey(file, name string) (secret, public string, err error) {
	secret, public, err = journal.NewKey(rand.Reader, name)
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
			if err := s.seal(ctx); err != nil && ctx.Err() == nil {
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
	return s.seal(ctx)
}
