package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/store"
	"zhanggui/internal/store/pgtest"
	"zhanggui/rulebooks"
)

// Ensure that the server works as a role which owns nothing: it acts, seals and verifies, has the lists of holders and erases; and that it, or whoever has its password,
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
	// What only some acts write: a limit that several people hold, and an erasure with what follows it.
	h := &house{db: s.db, engine: s.now.Load().engine, now: s.clock.Now()}
	var last string
	for _, name := range []string{"赵一", "钱二"} {
		if last, err = h.create(ctx, "base.person", map[string]any{"name": name, "phone": "13900000001", "active": true}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.create(ctx, "base.role_grant", map[string]any{"person": last, "role": "admin", "from": "2000-01-01"}); err != nil {
			t.Fatal(err)
		}
	}
	request, err := h.create(ctx, "base.personal_request", map[string]any{"kind": "erase", "staff": last})
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]map[string]any{"approve": {"identity": "当面"}}
	for _, act := range [][3]string{{"base.person", last, "deactivate"}, {"base.personal_request", request, "approve"}, {"base.personal_request", request, "erase"}} {
		_, err := h.engine.Do(ctx, h.now, engine.Act{Form: act[0], Record: act[1], Action: act[2], Values: values[act[2]], Reason: "本人要求", Actor: engine.Actor{System: true, Origin: "system"}})
		if err != nil {
			t.Fatalf("%s: %v", act[2], err)
		}
	}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		lists, err := tx.Count("holder_list", nil)
		if err == nil && lists == 0 {
			t.Error("no list of holders was written down: this proves nothing about them")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	// And so with every table there is: lent whole, or, where rows are written once, only to add to and to read.
	for _, table := range tables(lib) {
		want := "ttt"
		if table.Written {
			want = "tff"
		}
		sql := fmt.Sprintf(`DO $$ DECLARE got text := concat(has_table_privilege('%[1]s', '"%[2]s"', 'SELECT') AND has_table_privilege('%[1]s', '"%[2]s"', 'INSERT'),
has_table_privilege('%[1]s', '"%[2]s"', 'UPDATE'), has_table_privilege('%[1]s', '"%[2]s"', 'DELETE')); BEGIN IF got <> '%[3]s' THEN RAISE 'it is %%', got; END IF; END $$`, role, table.Name, want)
		if err := pgtest.Exec(owner, sql); err != nil {
			t.Errorf("%s: %v, wanted %s", table.Name, err, want)
		}
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
