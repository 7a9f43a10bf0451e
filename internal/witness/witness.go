// Package witness keeps checkpoints of a log outside its database and refuses what contradicts them: a log that
// shrank, or that tells another history than it told before. It knows the journal and files, nothing else.
package witness

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"zhanggui/internal/journal"
)

// What a witness refuses.
var (
	ErrRolledBack = errors.New("the log is shorter than it was: it was rolled back")
	ErrForked     = errors.New("the log tells another history than before: it was rewritten or forked")
)

// separator stands between two notes of a file.
const separator = "\n==\n"

// Split answers the notes of a file of one or many.
func Split(b []byte) (notes [][]byte) {
	for part := range bytes.SplitSeq(b, []byte(separator)) {
		if len(bytes.TrimSpace(part)) > 0 {
			notes = append(notes, append(bytes.TrimRight(part, "\n"), '\n'))
		}
	}
	return notes
}

// Keeper is a file of checkpoints, the newest last. It is only ever appended to.
type Keeper struct {
	File     string
	Verifier journal.Verifier // of the log
}

// Last is the newest kept checkpoint with its note; the zero checkpoint and nil before the first.
func (k *Keeper) Last() (journal.Checkpoint, []byte, error) {
	b, err := os.ReadFile(k.File)
	if errors.Is(err, fs.ErrNotExist) {
		return journal.Checkpoint{}, nil, nil
	}
	if err != nil {
		return journal.Checkpoint{}, nil, err
	}
	list := Split(b)
	// A power cut may have left half a note at the end.
	for i := len(list) - 1; i >= 0; i-- {
		if c, err := journal.Open(list[i], k.Verifier); err == nil {
			return c, list[i], nil
		}
	}
	if len(list) > 0 {
		return journal.Checkpoint{}, nil, fmt.Errorf("%s holds no checkpoint of %s", k.File, k.Verifier.Name())
	}
	return journal.Checkpoint{}, nil, nil
}

// Notes are all kept notes.
func (k *Keeper) Notes() ([][]byte, error) {
	b, err := os.ReadFile(k.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return Split(b), err
}

// Proof answers the consistency proof from an older to a newer size.
type Proof func(older, newer int64) ([]journal.Hash, error)

// Check compares a log's checkpoint with the last kept one; it is ErrRolledBack or ErrForked if the two cannot both be true.
func (k *Keeper) Check(note []byte, prove Proof) (journal.Checkpoint, error) {
	now, err := journal.Open(note, k.Verifier)
	if err != nil {
		return now, err
	}
	last, _, err := k.Last()
	if err != nil || last.Size == 0 {
		return now, err
	}
	if now.Size < last.Size {
		return now, fmt.Errorf("%w (%d entries, %d were kept on %s)", ErrRolledBack, now.Size, last.Size, last.At.Format("2006-01-02 15:04:05 UTC"))
	}
	var proof []journal.Hash
	if now.Size > last.Size {
		if proof, err = prove(last.Size, now.Size); err != nil {
			return now, err
		}
	}
	if err := journal.CheckConsistency(proof, last, now); err != nil {
		return now, fmt.Errorf("%w (within the first %d entries)", ErrForked, last.Size)
	}
	return now, nil
}

// Keep checks a checkpoint and appends it. What is refused is put aside as evidence.
func (k *Keeper) Keep(note []byte, prove Proof) (journal.Checkpoint, error) {
	now, err := k.Check(note, prove)
	if errors.Is(err, ErrForked) || errors.Is(err, ErrRolledBack) {
		return now, errors.Join(err, os.WriteFile(fmt.Sprintf("%s.refused-%d", k.File, now.Size), note, 0o600))
	}
	if err != nil {
		return now, err
	}
	last, old, err := k.Last()
	if err != nil || last.Size == now.Size && last.Root == now.Root && len(old) > 0 {
		return now, err
	}
	return now, k.add(note)
}

func (k *Keeper) add(note []byte) error {
	if err := os.MkdirAll(filepath.Dir(k.File), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(k.File, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(bytes.TrimRight(note, "\n"), separator...))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return syncDir(filepath.Dir(k.File))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// SetAside renames the kept file, after people have accepted that what it tells of is lost; it answers the new name.
func (k *Keeper) SetAside() (string, error) {
	last, _, err := k.Last()
	if err != nil {
		return "", err
	}
	to := fmt.Sprintf("%s.lost-%d", k.File, last.Size)
	if _, err := os.Stat(to); err == nil {
		return "", fmt.Errorf("%s is there already", to)
	}
	return to, os.Rename(k.File, to)
}
