package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/journal"
	"zhanggui/internal/store"
)

// logbook is the journal of a running server as auditors and witnesses see it.
type logbook struct{ s *server }

// findingsShown are kept of a verification; the first one counts.
const findingsShown = 20

func (l logbook) Verify(ctx context.Context) (engine.LogCheck, error) {
	s := l.s
	if err := s.seal.seal(ctx); err != nil {
		return engine.LogCheck{}, err
	}
	found, err := verifyAll(ctx, s.db, s.seal.verifier, s.seal.kept()...)
	if err != nil {
		return engine.LogCheck{}, err
	}
	list := found.findings(s.now.Load().lib)
	v := engine.LogCheck{VerifiedAt: s.clock.Now().UTC().Format(instantForm), Verified: found.audit.Sealed + found.audit.Unsealed, Sealed: found.audit.Sealed, Result: "ok", Findings: []string{}}
	if len(list) > 0 {
		v.Result, v.Findings = list[0], list[:min(len(list), findingsShown)]
	}
	b, err := json.Marshal(v)
	if err != nil {
		return v, err
	}
	return v, setMeta(ctx, s.db, engine.MetaVerified, string(b))
}

func (l logbook) State(ctx context.Context) (engine.LogState, error) {
	s := l.s
	v := engine.LogState{Witnesses: []engine.WitnessView{}}
	text, err := meta(ctx, s.db, engine.MetaVerified)
	if err != nil {
		return v, err
	}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &v.LogCheck); err != nil {
			return v, fmt.Errorf("meta %s: %w", engine.MetaVerified, err)
		}
	}
	note, err := s.db.Checkpoint(ctx)
	if err != nil {
		return v, err
	}
	var sealed journal.Checkpoint
	if note != nil {
		if sealed, err = journal.Open(note, s.seal.verifier); err == nil {
			v.SealedAt = sealed.At.UTC().Format(instantForm)
		}
	}
	seen := int64(0)
	if last, _, err := s.seal.keeper.Last(); err == nil && last.Size > 0 {
		// A file on the same machine: it tells of an older database put back, and is no witness against who rules the machine.
		v.Witnesses = append(v.Witnesses, engine.WitnessView{Size: last.Size, At: last.At.UTC().Format(instantForm)})
	}
	list, err := s.db.Witnesses(ctx)
	if err != nil {
		return v, err
	}
	for _, w := range list {
		v.Witnesses = append(v.Witnesses, engine.WitnessView{Name: w.Name, Size: w.Size, At: w.At})
		seen = max(seen, w.Size)
	}
	entries, err := s.db.Entries(ctx)
	if err != nil {
		return v, err
	}
	v.Unwitnessed = entries - min(seen, entries)
	var held *fault.Error
	if errors.As(s.db.Held(), &held) {
		v.Held = &engine.Text{ZH: held.ZH, EN: held.EN}
	}
	return v, nil
}

func (l logbook) Checkpoint(ctx context.Context) (string, error) {
	if err := l.s.seal.seal(ctx); err != nil {
		return "", err
	}
	note, err := l.s.db.Checkpoint(ctx)
	return string(note), err
}

func (l logbook) Consistency(ctx context.Context, older, newer int64) ([]string, error) {
	size, _, err := l.s.db.LogRoot(ctx, newer)
	if err != nil {
		return nil, err
	}
	if older > newer || newer > size {
		return nil, fault.At("to", fmt.Sprintf("日志现在有 %d 条", size), fmt.Sprintf("The log has %d entries", size))
	}
	return texts(l.s.db.ProveConsistency(ctx, older, newer))
}

func (l logbook) Inclusion(ctx context.Context, leaf, size int64) ([]string, error) {
	have, _, err := l.s.db.LogRoot(ctx, size)
	if err != nil {
		return nil, err
	}
	if leaf >= size || size > have {
		return nil, fault.At("size", fmt.Sprintf("日志现在有 %d 条", have), fmt.Sprintf("The log has %d entries", have))
	}
	return texts(l.s.db.ProveInclusion(ctx, size, leaf))
}

func texts(proof []journal.Hash, err error) ([]string, error) {
	list := make([]string, len(proof))
	for i, h := range proof {
		list[i] = h.String()
	}
	return list, err
}

// Witness takes what a witness keeps. If that is more than the log holds, or something else, the server stops acting.
func (l logbook) Witness(ctx context.Context, note string) error {
	s := l.s
	c, err := journal.Open([]byte(note), s.seal.verifier)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "这不是本日志的检查点", "This is no checkpoint of this log")
	}
	if err := s.seal.compare(ctx, c); err != nil {
		return err
	}
	if err := s.db.Held(); err != nil {
		return err
	}
	known := false
	for _, key := range s.c.Witness {
		v, err := journal.NewVerifier(key)
		if err != nil {
			return fmt.Errorf("witness %s: %w", key, err)
		}
		if !journal.SignedBy([]byte(note), v) {
			continue
		}
		known = true
		if err := s.db.Witnessed(ctx, store.Witness{Name: v.Name(), Size: c.Size, At: c.At.UTC().Format(instantForm), Note: []byte(note)}); err != nil {
			return err
		}
	}
	if !known {
		return fault.New(fault.Forbidden, "没有登记过的见证人签名（--witness）", "No witness that this server knows has signed it (--witness)")
	}
	return nil
}

func (l logbook) Packet(ctx context.Context, w io.Writer) error {
	return writePacket(ctx, l.s.db, l.s.seal.verifier, w)
}
