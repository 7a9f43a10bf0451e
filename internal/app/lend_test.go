package app

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"

	"zhanggui/internal/store/pgtest"
	"zhanggui/rulebooks"
)

// Ensure that the server works as a role which owns nothing: it acts, seals and verifies; and that it, or whoever has its password,
// can neither alter the journal, nor take the triggers away, nor change a table (S91).
func TestLend(t *testing.T) {
	owner := pgtest.DSN(t)
	role, address := pgtest.Role(t, owner)
	ctx := context.Background()
	p := &program{ctx: ctx, out: io.Discard, err: io.Discard, log: slog.New(slog.DiscardHandler)}
	lib, err := p.load(rulebooks.FS)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.open(ctx, address, lib); err == nil || !strings.Contains(err.Error(), "zhanggui lend") {
		t.Fatalf("a role that may make no table: %v", err)
	}
	if err := (&lendCommand{Database: owner, To: role}).Run(p, &Common{}); err != nil {
		t.Fatal(err)
	}
	s, w := watched(t, address)
	s.act(t, "李明")
	if err := s.seal.seal(ctx); err != nil {
		t.Fatal(err)
	}
	if err := (&lendCommand{Database: owner, To: role}).Run(p, &Common{}); err != nil { // as before a new version
		t.Fatal(err)
	}
	s.act(t, "王芳")
	if err := s.seal.seal(ctx); err != nil {
		t.Fatal(err)
	}
	if seen, err := w.Look(ctx); err != nil || seen.Size < 5 {
		t.Errorf("the witness: %+v %v", seen, err)
	}
	for _, sql := range []string{
		`UPDATE "journal_entry" SET "body" = '{}'`, `DELETE FROM "journal_entry"`, `TRUNCATE "journal_entry"`, `DELETE FROM "checkpoint"`, `UPDATE "journal_hash" SET "hash" = "hash"`,
		`ALTER TABLE "journal_entry" DISABLE TRIGGER ALL`, `DROP TABLE "journal_entry"`, `ALTER TABLE "base_person" ADD COLUMN "x" TEXT`, `DROP TABLE "base_person"`,
		`CREATE TABLE "x" ("y" TEXT)`, `CREATE OR REPLACE FUNCTION "journal_kept"() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$`, `SET session_replication_role = 'replica'`,
	} {
		if err := pgtest.Exec(address, sql); err == nil || !strings.Contains(err.Error(), "42501") {
			t.Errorf("%s: %v", sql, err)
		}
	}
	if err := pgtest.Exec(owner, `SELECT 1`); err != nil { // the look itself works
		t.Error(err)
	}
}
