package store_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"zhanggui/internal/journal"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/store/pgtest"
)

var noon = time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)

func keys(t testing.TB) (journal.Signer, journal.Verifier) {
	secret, public, err := journal.NewKey(rand.Reader, "shop")
	if err != nil {
		t.Fatal(err)
	}
	s, err := journal.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	v, err := journal.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return s, v
}

func entry(i int) *journal.Entry {
	return &journal.Entry{ID: fmt.Sprintf("e%05d", i), At: noon, Recorded: noon.Add(time.Duration(i) * time.Millisecond), Actor: "p1", Form: "f.case",
		Record: fmt.Sprint("r", i%7), Action: "close", Unit: "u", Refused: i%5 == 0, Clauses: []string{"14-1", "14-2"}}
}

func appendEntries(t testing.TB, db *store.DB, from, to int) {
	write(t, db, func(tx *store.Tx) error {
		for i := from; i < to; i++ {
			if err := tx.Append(entry(i)); err != nil {
				return err
			}
		}
		return nil
	})
}

func seal(t testing.TB, db *store.DB, s journal.Signer, want int) {
	t.Helper()
	if n, err := db.Seal(t.Context(), noon, s); n != want || err != nil {
		t.Fatalf("sealed %d of %d: %v", n, want, err)
	}
}

func audit(t testing.TB, db *store.DB, v journal.Verifier, brought ...[]byte) store.AuditReport {
	t.Helper()
	rep, err := db.Audit(t.Context(), v, brought...)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// Entries are sealed once each, in the order they were written down, and proofs hold over the stored hashes.
func TestSeal(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		s, v := keys(t)
		seal(t, db, s, 0)
		appendEntries(t, db, 0, 3)
		seal(t, db, s, 3)
		var early []byte
		read(t, db, func(tx *store.Tx) (err error) { early, err = tx.Checkpoint(); return err })
		appendEntries(t, db, 3, 1203) // more than one checkpoint holds
		seal(t, db, s, 1200)
		seal(t, db, s, 0)
		appendEntries(t, db, 1203, 1205)
		if rep := audit(t, db, v, early); rep.Sealed != 1203 || rep.Unsealed != 2 || len(rep.Findings) != 0 {
			t.Fatalf("%+v", rep)
		}
		read(t, db, func(tx *store.Tx) error {
			message, err := tx.Checkpoint()
			if err != nil {
				return err
			}
			last, err := journal.Open(message, v)
			if err != nil {
				return err
			}
			first, err := journal.Open(early, v)
			if err != nil {
				return err
			}
			proof, err := journal.ProveConsistency(first.Size, last.Size, tx.Hashes())
			if err != nil {
				return err
			}
			if err := journal.CheckConsistency(proof, first, last); err != nil {
				return err
			}
			for _, i := range []int{0, 2, 3, 511, 512, 1202} {
				row, err := tx.Get("journal_entry", entry(i).ID)
				if err != nil || row["leaf"] != int64(i) {
					t.Errorf("%v %v", row, err)
				}
				if proof, err = journal.ProveInclusion(last.Size, int64(i), tx.Hashes()); err != nil {
					return err
				}
				e := entry(i)
				e.Turn = int64(i) + 1
				if err := journal.CheckInclusion(proof, last, int64(i), e.Canonical()); err != nil {
					t.Errorf("leaf %d: %v", i, err)
				}
			}
			return nil
		})
	})
}

// An entry that commits late, after one that began later was sealed, is sealed then; every tree size
// counts entries. Several sealers at once change nothing of that.
func TestSeal_LateCommit(t *testing.T) {
	db := open(t, pgtest.DSN(t))
	s, v := keys(t)
	began, commit := make(chan bool), make(chan bool)
	var wg sync.WaitGroup
	wg.Go(func() {
		write(t, db, func(tx *store.Tx) error {
			if err := tx.Append(entry(1)); err != nil {
				return err
			}
			close(began)
			<-commit
			return nil
		})
	})
	<-began
	appendEntries(t, db, 2, 3)
	seal(t, db, s, 1)
	close(commit)
	wg.Wait()
	var mu sync.Mutex
	total := 0
	for i := range 8 {
		wg.Go(func() {
			appendEntries(t, db, 10+i, 11+i)
			n, err := db.Seal(t.Context(), noon, s)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			total += n
			mu.Unlock()
		})
	}
	wg.Wait()
	if total != 9 {
		t.Errorf("%d sealed", total)
	}
	if rep := audit(t, db, v); rep.Sealed != 10 || rep.Unsealed != 0 || len(rep.Findings) != 0 {
		t.Errorf("%+v", rep)
	}
}

// Whatever is changed behind the program's back is found, and the first bad leaf is named. The sealer
// going on over the wound does not heal it.
func TestAudit_Tampered(t *testing.T) {
	s, v := keys(t)
	for name, dsn := range map[string]func(t *testing.T) string{
		"file":     func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "a.db") },
		"postgres": func(t *testing.T) string { return pgtest.DSN(t) },
	} {
		for _, c := range []struct{ sql, find string }{
			{`UPDATE "journal_entry" SET "body" = replace("body", '"p1"', '"p2"') WHERE "leaf" = 3`, "altered: leaf 3 e00003"},
			{`DELETE FROM "journal_entry" WHERE "leaf" = 4`, "missing: leaf 4"},
			{`UPDATE "journal_entry" SET "leaf" = NULL WHERE "leaf" = 5`, "missing: leaf 5"},
			{`UPDATE "journal_entry" SET "actor" = 'p2' WHERE "leaf" = 6`, "column: leaf 6 e00006 actor is p2"},
			{`UPDATE "journal_entry" SET "refused" = NOT "refused" WHERE "leaf" = 7`, "column: leaf 7 e00007 refused is"},
			{`UPDATE "journal_entry" SET "clauses" = ',14-1,' WHERE "leaf" = 7`, "column: leaf 7 e00007 clauses is"},
			{`DELETE FROM "journal_hash" WHERE "idx" = 1`, "rehashed: leaf 1"},
			{`DELETE FROM "checkpoint" WHERE "size" = 20`, "extra: leaf 10"},
			{`UPDATE "checkpoint" SET "at" = 'x' WHERE "size" = 10`, "column: leaf -1"},
			{`UPDATE "checkpoint" SET "note" = replace("note", 'shop', 'sh0p') WHERE "size" = 10`, "unsigned: leaf -1"},
			{`DELETE FROM "journal_entry" WHERE "leaf" >= 15`, "missing: leaf 15"},
			{`INSERT INTO "journal_entry" ("id", "at", "recorded", "body", "leaf") VALUES ('x', 'x', 'x', '{}', 20)`, "extra: leaf 20"},
			{`INSERT INTO "journal_entry" ("id", "at", "recorded", "body", "leaf") VALUES ('x', 'x', 'x', '{}', -1)`, "extra: leaf 20"},
			{`INSERT INTO "checkpoint" ("size", "at", "note") VALUES (30, 'x', 'x')`, "unsigned: leaf -1"},
		} {
			t.Run(name+" "+strings.Fields(c.find)[0]+c.sql[:12], func(t *testing.T) {
				db := open(t, dsn(t))
				appendEntries(t, db, 0, 10)
				seal(t, db, s, 10)
				appendEntries(t, db, 10, 20)
				seal(t, db, s, 10)
				if rep := audit(t, db, v); len(rep.Findings) != 0 {
					t.Fatalf("untouched: %v", rep.Findings)
				}
				if err := errors.Join(store.Unguard(t.Context(), db), store.Exec(t.Context(), db, c.sql)); err != nil {
					t.Fatal(err)
				}
				rep := audit(t, db, v)
				if len(rep.Findings) == 0 || !strings.HasPrefix(rep.Findings[0].String(), c.find) {
					t.Errorf("%v", rep.Findings)
				}
			})
		}
	}
}

// Ensure that the databases themselves refuse to change or take away what the journal, its hashes and its checkpoints
// say, also through a way round the triggers that SQLite knows, and that the one thing that comes later, a leaf, comes once.
// A table that grew a column guards it too; a trigger that was taken away comes back at the next start.
func TestWritten(t *testing.T) {
	s, v := keys(t)
	each(t, func(t *testing.T, db *store.DB) {
		appendEntries(t, db, 0, 10)
		seal(t, db, s, 10)
		appendEntries(t, db, 10, 12)
		lite := db.Dialect() == "sqlite"
		list := []string{
			`UPDATE "journal_entry" SET "body" = 'x' WHERE "leaf" = 3`,
			`UPDATE "journal_entry" SET "actor" = 'x' WHERE "leaf" IS NULL`,
			`UPDATE "journal_entry" SET "leaf" = NULL WHERE "leaf" = 3`,
			`UPDATE "journal_entry" SET "leaf" = 99 WHERE "leaf" = 3`,
			`UPDATE "journal_entry" SET "leaf" = 99, "body" = 'x' WHERE "id" = 'e00011'`,
			`DELETE FROM "journal_entry" WHERE "leaf" = 9`,
			`DELETE FROM "journal_entry" WHERE "leaf" IS NULL`,
			`UPDATE "journal_hash" SET "hash" = "hash"`,
			`DELETE FROM "journal_hash" WHERE "idx" = 0`,
			`UPDATE "checkpoint" SET "note" = 'x'`,
			`DELETE FROM "checkpoint"`,
		}
		if lite {
			list = append(list,
				`INSERT OR REPLACE INTO "journal_entry" ("id", "at", "recorded", "body") VALUES ('e00003', 'x', 'x', 'x')`,
				`INSERT OR REPLACE INTO "journal_entry" ("id", "at", "recorded", "body", "leaf") VALUES ('new', 'x', 'x', 'x', 3)`,
				`REPLACE INTO "journal_entry" ("id", "at", "recorded", "body", "turn") VALUES ('new', 'x', 'x', 'x', 3)`,
				`REPLACE INTO "checkpoint" ("size", "at", "note") VALUES (10, 'x', 'x')`)
		} else {
			list = append(list, `TRUNCATE "journal_entry"`, `TRUNCATE "journal_hash"`, `TRUNCATE "checkpoint"`)
		}
		refused := func(sql string) {
			t.Helper()
			if err := store.Exec(t.Context(), db, sql); err == nil || !strings.Contains(err.Error(), "written once") {
				t.Errorf("%s: %v", sql, err)
			}
		}
		for _, sql := range list {
			refused(sql)
		}
		seal(t, db, s, 2)
		if rep := audit(t, db, v); rep.Sealed != 12 || len(rep.Findings) != 0 {
			t.Errorf("%+v", rep)
		}

		tables := store.SystemTables()
		for i := range tables {
			if tables[i].Name == "journal_entry" {
				tables[i].Columns = append(tables[i].Columns, store.Column{Name: "later", Kind: store.Text})
			}
		}
		apply(t, db, tables...)
		refused(`UPDATE "journal_entry" SET "later" = 'x' WHERE "leaf" = 3`)
		appendEntries(t, db, 12, 13)
		seal(t, db, s, 1) // and the guards that knew nothing of the column are gone
		if err := store.Unguard(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		if err := store.Exec(t.Context(), db, `UPDATE "journal_entry" SET "later" = 'x' WHERE "leaf" = 3`); err != nil {
			t.Fatalf("without triggers nothing holds it: %v", err)
		}
		if plan := apply(t, db, tables...); len(plan) == 0 {
			t.Error("missing triggers are no step")
		}
		refused(`UPDATE "journal_entry" SET "later" = 'y' WHERE "leaf" = 3`)
	})
}

// Everything rolled back to yesterday's copy: the database agrees with itself, only the checkpoint the
// auditor has kept does not.
func TestAudit_RolledBack(t *testing.T) {
	db := open(t, "sqlite::memory:")
	s, v := keys(t)
	appendEntries(t, db, 0, 5)
	seal(t, db, s, 5)
	box, undo, err := db.Sandbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	appendEntries(t, box, 5, 9)
	seal(t, box, s, 4)
	var kept []byte
	read(t, box, func(tx *store.Tx) (err error) { kept, err = tx.Checkpoint(); return err })
	undo()
	if rep := audit(t, db, v); len(rep.Findings) != 0 {
		t.Errorf("%v", rep.Findings)
	}
	if rep := audit(t, db, v, kept); len(rep.Findings) != 1 || rep.Findings[0].Kind != journal.Shrunk {
		t.Errorf("%v", rep.Findings)
	}
	if rep := audit(t, db, v, []byte("x")); len(rep.Findings) != 1 || rep.Findings[0].Kind != journal.Unsigned {
		t.Errorf("%v", rep.Findings)
	}
	var n int64
	read(t, db, func(tx *store.Tx) (err error) {
		n, err = tx.Count("journal_entry", query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "j", Name: "leaf"}}})
		return err
	})
	if n != 0 {
		t.Errorf("%d unsealed", n)
	}
}
