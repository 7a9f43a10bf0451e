package store_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"zhanggui/internal/journal"
	"zhanggui/internal/store"
	"zhanggui/internal/store/pgtest"
	"zhanggui/internal/witness"
)

// house is a sealed log of twenty entries with checkpoints at 5, 10, 15 and 20.
type house struct {
	t      *testing.T
	db     *store.DB
	signer journal.Signer
	check  journal.Verifier
	notes  map[int][]byte
}

func newHouse(t *testing.T, dsn string) *house {
	t.Helper()
	secret, public, err := journal.NewKey(rand.Reader, "shop")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, notes: map[int][]byte{}}
	h.signer, _ = journal.NewSigner(secret)
	h.check, _ = journal.NewVerifier(public)
	if h.db, err = store.Open(t.Context(), dsn, store.AllowUnsafe()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.db.Close() })
	plan, err := h.db.Plan(t.Context(), store.SystemTables())
	if err == nil {
		err = h.db.Apply(t.Context(), plan)
	}
	if err != nil {
		t.Fatal(err)
	}
	for n := 5; n <= 20; n += 5 {
		h.grow(n-5, n, "p")
	}
	return h
}

// grow adds entries and seals them.
func (h *house) grow(from, to int, actor string) {
	h.t.Helper()
	err := h.db.Write(h.t.Context(), func(tx *store.Tx) error {
		for i := from; i < to; i++ {
			at := noon.Add(time.Duration(i) * time.Second)
			if err := tx.Append(&journal.Entry{ID: fmt.Sprintf("e%03d", i), At: at, Recorded: at, Actor: actor, Action: "do"}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.seal(to)
}

func (h *house) seal(to int) {
	h.t.Helper()
	if _, err := h.db.Seal(h.t.Context(), noon, h.signer); err != nil {
		h.t.Fatal(err)
	}
	note, err := h.db.Checkpoint(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	h.notes[to] = note
}

func (h *house) sql(list ...string) {
	h.t.Helper()
	if err := store.Unguard(h.t.Context(), h.db); err != nil {
		h.t.Fatal(err)
	}
	for _, q := range list {
		if err := store.Exec(h.t.Context(), h.db, q); err != nil {
			h.t.Fatalf("%s: %v", q, err)
		}
	}
}

func (h *house) found(brought ...[]byte) bool {
	h.t.Helper()
	rep, err := h.db.Audit(h.t.Context(), h.check, brought...)
	if err != nil {
		h.t.Fatal(err)
	}
	return len(rep.Findings) > 0
}

func (h *house) prove(older, newer int64) ([]journal.Hash, error) {
	return h.db.ProveConsistency(h.t.Context(), older, newer)
}

const anew = `DELETE FROM "journal_hash"; DELETE FROM "checkpoint"; UPDATE "journal_entry" SET "leaf" = NULL`

// tampering is one way to falsify, where: before the auditor's checkpoint at 10, or behind it.
type tampering struct {
	name, where string
	do          func(h *house, leaf int)
	leaf        int
	file        bool // found with the database alone
	kept        bool // … with the checkpoint from the middle
}

func tamperings() (list []tampering) {
	one := func(name string, file bool, before, behind bool, do func(h *house, leaf int)) {
		list = append(list, tampering{name, "before", do, 5, file, before}, tampering{name, "behind", do, 15, file, behind})
	}
	one("an entry altered", true, true, true, func(h *house, leaf int) {
		h.sql(fmt.Sprintf(`UPDATE "journal_entry" SET "body" = replace("body", '"p"', '"q"') WHERE "leaf" = %d`, leaf))
	})
	one("an entry deleted", true, true, true, func(h *house, leaf int) {
		h.sql(fmt.Sprintf(`DELETE FROM "journal_entry" WHERE "leaf" = %d`, leaf))
	})
	one("an entry inserted", true, true, true, func(h *house, leaf int) {
		h.sql(fmt.Sprintf(`UPDATE "journal_entry" SET "leaf" = NULL WHERE "leaf" = %d`, leaf),
			fmt.Sprintf(`INSERT INTO "journal_entry" ("id", "at", "recorded", "body", "leaf") VALUES ('x', 'x', 'x', '{}', %d)`, leaf))
	})
	one("two entries swapped", true, true, true, func(h *house, leaf int) {
		h.sql(fmt.Sprintf(`UPDATE "journal_entry" SET "leaf" = -1 WHERE "leaf" = %d`, leaf),
			fmt.Sprintf(`UPDATE "journal_entry" SET "leaf" = %d WHERE "leaf" = %d`, leaf, leaf+1),
			fmt.Sprintf(`UPDATE "journal_entry" SET "leaf" = %d WHERE "leaf" = -1`, leaf+1))
	})
	one("the end cut off with its checkpoints", false, true, false, func(h *house, leaf int) {
		h.sql(fmt.Sprintf(`DELETE FROM "journal_entry" WHERE "leaf" >= %d`, leaf),
			fmt.Sprintf(`DELETE FROM "journal_hash" WHERE "idx" >= %d`, journal.HashCount(int64(leaf))),
			fmt.Sprintf(`DELETE FROM "checkpoint" WHERE "size" > %d`, leaf))
	})
	one("all hashes made anew, signed with another key", true, true, true, func(h *house, leaf int) {
		h.sql(fmt.Sprintf(`UPDATE "journal_entry" SET "body" = replace("body", '"p"', '"q"'), "actor" = 'q' WHERE "leaf" = %d`, leaf))
		h.sql(strings.Split(anew, "; ")...)
		secret, _, _ := journal.NewKey(rand.Reader, "shop")
		other, _ := journal.NewSigner(secret)
		if _, err := h.db.Seal(h.t.Context(), noon, other); err != nil {
			h.t.Fatal(err)
		}
	})
	one("all hashes made anew, signed with the stolen key", false, true, false, func(h *house, leaf int) {
		h.sql(fmt.Sprintf(`UPDATE "journal_entry" SET "body" = replace("body", '"p"', '"q"'), "actor" = 'q' WHERE "leaf" = %d`, leaf))
		h.sql(strings.Split(anew, "; ")...)
		h.seal(20)
	})
	return list
}

// Ensure that the table of docs/security-journal.md is true: what of each kind of tampering is found with the database
// alone, with a checkpoint from the middle, and with the newest one a witness keeps (F6).
func TestTampering(t *testing.T) {
	doc, err := os.ReadFile("../../docs/security-journal.md")
	if err != nil {
		t.Fatal(err)
	}
	yes := map[bool]string{true: "found", false: "**not found**"}
	for name, dsn := range map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + t.TempDir() + "/a.db" },
		"postgres": func(t *testing.T) string { return pgtest.DSN(t) },
	} {
		t.Run(name, func(t *testing.T) {
			if h := newHouse(t, dsn(t)); h.found(h.notes[10], h.notes[20]) {
				t.Fatal("the untouched log is found fault with")
			}
			for _, c := range tamperings() {
				h := newHouse(t, dsn(t))
				kept := map[int][]byte{10: h.notes[10], 20: h.notes[20]}
				c.do(h, c.leaf)
				file, middle, seen := h.found(), h.found(kept[10]), h.found(kept[20])
				if file != c.file || middle != c.kept || !seen {
					t.Errorf("%s, %s the checkpoint: alone %v, with the checkpoint %v, with the witness %v", c.name, c.where, file, middle, seen)
				}
				row := fmt.Sprintf("| %s, %s the auditor's checkpoint | %s | %s | %s |", c.name, c.where, yes[file], yes[middle], yes[seen])
				if !strings.Contains(string(doc), row) {
					t.Errorf("docs/security-journal.md lacks the row\n%s", row)
				}
			}
		})
	}
}

// Ensure that a witness keeps honest growth, and refuses a log rolled back, forked, or shown differently to two.
func TestKeeper(t *testing.T) {
	dsn := "sqlite:" + t.TempDir() + "/a.db"
	h := newHouse(t, dsn)
	k := &witness.Keeper{File: filepath.Join(t.TempDir(), "w", "kept"), Verifier: h.check}
	for _, n := range []int{5, 10, 10, 15} {
		if c, err := k.Keep(h.notes[n], h.prove); err != nil || c.Size != int64(n) {
			t.Fatalf("%d: %v %v", n, c, err)
		}
	}
	if notes, err := k.Notes(); len(notes) != 3 || err != nil {
		t.Fatalf("%d kept, %v", len(notes), err)
	}
	t.Run("ErrRolledBack", func(t *testing.T) {
		if _, err := k.Keep(h.notes[10], h.prove); !errors.Is(err, witness.ErrRolledBack) {
			t.Errorf("%v", err)
		}
	})
	other := newHouse(t, "sqlite:"+t.TempDir()+"/b.db")
	other.signer, other.check = h.signer, h.check
	other.sql(strings.Split(`UPDATE "journal_entry" SET "body" = replace("body", '"p"', '"q"'), "actor" = 'q' WHERE "leaf" = 3; `+anew, "; ")...)
	other.seal(20)
	t.Run("ErrForked", func(t *testing.T) {
		if _, err := k.Keep(other.notes[20], other.prove); !errors.Is(err, witness.ErrForked) {
			t.Errorf("with the forger's proof: %v", err)
		}
		if _, err := k.Keep(other.notes[20], h.prove); !errors.Is(err, witness.ErrForked) {
			t.Errorf("with an honest proof: %v", err)
		}
	})
	t.Run("split view", func(t *testing.T) { // each of two auditors is shown a log that agrees with itself
		two := &witness.Keeper{File: filepath.Join(t.TempDir(), "two"), Verifier: h.check}
		if _, err := two.Keep(other.notes[20], other.prove); err != nil {
			t.Fatal(err)
		}
		_, theirs, err := two.Last()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.Check(theirs, h.prove); !errors.Is(err, witness.ErrForked) {
			t.Errorf("when the two compare: %v", err)
		}
	})
	t.Run("half a note after a power cut", func(t *testing.T) {
		f, err := os.OpenFile(k.File, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		f.Write(h.notes[20][:20])
		f.Close()
		if c, _, err := k.Last(); c.Size != 15 || err != nil {
			t.Errorf("%v %v", c, err)
		}
	})
	if list, _ := filepath.Glob(k.File + ".refused-*"); len(list) != 2 {
		t.Errorf("evidence: %v", list)
	}
}
