package app

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"zhanggui/internal/auth"
	"zhanggui/internal/backup"
	"zhanggui/internal/engine"
	"zhanggui/internal/journal"
	"zhanggui/internal/store"
	"zhanggui/internal/store/pgtest"
	"zhanggui/internal/testkit"
	"zhanggui/internal/witness"
)

// watched is a server with a sealed journal, an auditor's token and a witness that looks at it.
func watched(t *testing.T, address string) (*server, *witness.Watcher) {
	t.Helper()
	ctx := context.Background()
	s := freshOn(t, address)
	dir := t.TempDir()
	var err error
	if s.seal, err = openSealer(ctx, s.db, s.c.Key, s.clock.Now, s.p.log); err != nil {
		t.Fatal(err)
	}
	lib := s.now.Load().lib
	h := &house{db: s.db, lib: lib, engine: s.now.Load().engine, now: s.clock.Now()}
	unit, err := h.create(ctx, "base.unit", map[string]any{"name": "恒泰机械"})
	if err != nil {
		t.Fatal(err)
	}
	id, err := h.create(ctx, "base.person", map[string]any{"name": "监察", "account": "jian", "unit": unit, "active": true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.create(ctx, "base.role_grant", map[string]any{"person": id, "role": "auditor", "from": "2000-01-01"}); err != nil {
		t.Fatal(err)
	}
	if err := s.auth.SetPassword(ctx, s.clock.Now(), id, "slate harbour 12 echoes", false); err != nil {
		t.Fatal(err)
	}
	token, err := machineToken(ctx, s.auth, s.clock.Now(), id)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.use(lib); err != nil { // the door hears of the journal only now
		t.Fatal(err)
	}
	srv := httptest.NewServer(s.now.Load().api)
	t.Cleanup(srv.Close)
	secret, public, err := makeWitnessKey(filepath.Join(dir, "away", "witness.key"))
	if err != nil {
		t.Fatal(err)
	}
	s.c.Witness = []string{public}
	signer, err := journal.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	return s, &witness.Watcher{From: srv.URL, Token: token, Signer: signer,
		Keeper: &witness.Keeper{File: filepath.Join(dir, "away", "checkpoints"), Verifier: s.seal.verifier}}
}

func (s *server) act(t *testing.T, name string) {
	t.Helper()
	h := &house{db: s.db, engine: s.now.Load().engine, now: s.clock.Now()}
	if _, err := h.create(t.Context(), "base.unit", map[string]any{"name": name}); err != nil {
		t.Fatal(err)
	}
}

// Ensure that a witness follows an honest log, that the server shows how far it was witnessed, and that a copy put back is
// found by both (P7, P14).
func TestWitness(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, address string) {
		s, w := watched(t, address)
		ctx := t.Context()
		first, err := w.Look(ctx)
		if err != nil {
			t.Fatal(err)
		}
		s.act(t, "东厂")
		second, err := w.Look(ctx)
		if err != nil || second.Size <= first.Size {
			t.Fatalf("%v after %v: %v", second, first, err)
		}
		v, err := logbook{s}.State(ctx)
		if err != nil || v.Unwitnessed != 0 || len(v.Witnesses) != 2 || v.Witnesses[1].Size != second.Size {
			t.Fatalf("%+v %v", v, err)
		}
		s.act(t, "西厂")
		if v, err = (logbook{s}).State(ctx); err != nil || v.Unwitnessed != 1 {
			t.Errorf("the unwitnessed tail is %d: %v", v.Unwitnessed, err)
		}
		t.Run("SealNotCopied", func(t *testing.T) { // a copy taken between the act and its seal
			size, _, err := s.db.LogRoot(ctx, 0)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.seal.seal(ctx); err != nil {
				t.Fatal(err)
			}
			last, _, err := s.seal.keeper.Last()
			if err != nil || last.Size <= size {
				t.Fatalf("%v after %d: %v", last, size, err)
			}
			execSQL(t, address, fmt.Sprintf(`UPDATE journal_entry SET leaf = NULL WHERE leaf >= %d`, size),
				fmt.Sprintf(`DELETE FROM journal_hash WHERE idx >= %d`, journal.HashCount(size)), fmt.Sprintf(`DELETE FROM checkpoint WHERE size > %d`, size))
			if err := s.seal.check(ctx); err != nil || s.db.Held() != nil {
				t.Errorf("what lacks its seal alone is held to be older: %v %v", s.db.Held(), err)
			}
			other := last
			other.Root[0] ^= 1
			for _, c := range []journal.Checkpoint{other, {Size: last.Size + 1, Root: last.Root}} {
				if yes, err := s.db.Continues(ctx, c); err != nil || yes {
					t.Errorf("%v is held to be what these entries come to: %v", c, err)
				}
			}
			if err := s.seal.seal(ctx); err != nil {
				t.Error(err)
			}
		})
		t.Run("ErrRolledBack", func(t *testing.T) {
			// What a copy of yesterday does: the log is shorter than what the witness keeps.
			execSQL(t, address, `DELETE FROM journal_entry WHERE leaf >= 3`, `DELETE FROM journal_hash WHERE idx >= 4`, `DELETE FROM checkpoint WHERE size > 3`)
			if _, err := w.Look(ctx); err == nil {
				t.Fatal("the witness noticed nothing")
			}
			if s.db.Held() == nil {
				t.Fatal("the server goes on acting")
			}
			h := &house{db: s.db, engine: s.now.Load().engine, now: s.clock.Now()}
			if _, err := h.create(ctx, "base.unit", map[string]any{"name": "北厂"}); !errors.Is(err, s.db.Held()) {
				t.Errorf("an act on the older copy: %v", err)
			}
		})
	})
}

// Ensure that numbers given out in a lost time are never given out again, and are void with the reason (P7).
func TestAcceptLoss_Numbers(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, address string) {
		s := freshOn(t, address)
		ctx := t.Context()
		e := s.now.Load().engine
		ranges, err := e.AcceptLoss(ctx, s.clock.Now(), engine.Actor{System: true, Origin: "system"},
			engine.Loss{Have: 3, Kept: 9, Margin: 2, Numbers: []store.Numbers{{Series: "x.case@u", Period: "2026", Last: 7},
				{Series: "x.line@u", Period: "2026-01|a"}, {Series: "x.line@u", Period: "2026-02|a"}, {Series: "x.line@u", Period: "2026-03|b"}}})
		// January's count is over and nothing of it is lost: it keeps its numbers.
		if want := []string{"x.case@u 2026 1–9", "x.line@u 2026-02|a 1–2", "x.line@u 2026-03|b 1–2"}; err != nil || !slices.Equal(ranges, want) {
			t.Fatalf("%v %v", ranges, err)
		}
		err = s.db.Read(ctx, func(tx *store.Tx) error {
			last, err := tx.Peek("x.case@u", "2026")
			if err == nil && last != 9 {
				t.Errorf("the next number is %d", last+1)
			}
			n, err2 := tx.Count(s.now.Load().lib.Form("base.voided").Table, nil)
			if n != 3 {
				t.Errorf("%d ranges are void", n)
			}
			return errors.Join(err, err2)
		})
		if err != nil {
			t.Fatal(err)
		}
		if rep, err := s.db.Compare(ctx); err != nil || len(rep.Differences) != 0 {
			t.Errorf("%v %v", rep.Differences, err)
		}
	})
}

// Ensure that a backup for a key opens with that key alone.
func TestBackup_Encrypted(t *testing.T) {
	s, _ := watched(t, "sqlite:"+filepath.Join(t.TempDir(), "zg.db"))
	ctx := t.Context()
	dir := t.TempDir()
	v, err := drill(ctx, s.db, s.now.Load().lib, s.seal, dir)
	if err != nil || v.audit.Sealed == 0 {
		t.Fatalf("%+v %v", v.audit, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("the drill left %v", left)
	}
	file := filepath.Join(dir, "b")
	const stranger = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
	if err := writeBackup(ctx, s.db, file, stranger); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(file); err != nil || strings.Contains(string(b), "database.db") {
		t.Errorf("it can be read: %v", err)
	}
	r := restoring{lib: s.now.Load().lib, verifier: s.seal.verifier}
	if _, _, err := r.restore(ctx, file, filepath.Join(dir, "out.db"), ""); err == nil || !strings.Contains(err.Error(), "--identity") {
		t.Errorf("without a key: %v", err)
	}
	secret, mine, err := backup.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.restore(ctx, file, filepath.Join(dir, "out.db"), secret); err == nil || !strings.Contains(err.Error(), "for another key") {
		t.Errorf("with another key: %v", err)
	}
	own := filepath.Join(dir, "own")
	if err := writeBackup(ctx, s.db, own, mine); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.restore(ctx, own, filepath.Join(dir, "own.db"), "# a remark\n"+secret+"\n"); err != nil {
		t.Errorf("with its key, as the file has it: %v", err)
	}
	plain := filepath.Join(dir, "p")
	if err := writeBackup(ctx, s.db, plain, ""); err != nil {
		t.Fatal(err)
	}
	_, public, _ := journal.NewKey(strings.NewReader(strings.Repeat("x", 64)), s.seal.signer.Name())
	other, err := journal.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	r.verifier = other
	if _, _, err := r.restore(ctx, plain, filepath.Join(dir, "out.db"), ""); err == nil || !strings.Contains(err.Error(), "unsigned") {
		t.Errorf("of another installation: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "out.db")); err == nil {
		t.Error("something was put in place")
	}
}

// Ensure that a move to PostgreSQL and back is equal, that a target that holds something is refused, and that the moved house verifies.
func TestMove(t *testing.T) {
	s, _ := watched(t, "sqlite:"+filepath.Join(t.TempDir(), "zg.db"))
	ctx := t.Context()
	s.act(t, "东厂")
	target := func(address string) *store.DB {
		db, err := store.Open(ctx, address, store.AllowUnsafe())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		plan, err := db.Plan(ctx, tables(s.now.Load().lib))
		if err == nil {
			err = db.Apply(ctx, plan)
		}
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	pg := target(pgtest.DSN(t))
	there, err := s.db.MoveTo(ctx, pg)
	if err != nil || there.Rows == 0 {
		t.Fatal(there, err)
	}
	if v, err := verifyAll(ctx, pg, s.seal.verifier); err != nil || len(v.findings(s.now.Load().lib)) != 0 {
		t.Errorf("%v %v", v, err)
	}
	if _, err := s.db.MoveTo(ctx, pg); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("a second time: %v", err)
	}
	e, err := engine.New(pg, s.now.Load().lib, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Note(ctx, s.clock.Now(), engine.ClockActor(), "", "", "verify", nil); err != nil { // turns go on above those moved
		t.Errorf("the first act after the move: %v", err)
	}
	back, err := pg.MoveTo(ctx, target("sqlite:"+filepath.Join(t.TempDir(), "back.db")))
	if err != nil || back.Rows != there.Rows+1 {
		t.Errorf("%v %v", back, err)
	}
}

func machineToken(ctx context.Context, a *auth.Auth, now time.Time, person string) (string, error) {
	_, token, err := a.CreateToken(ctx, now, person, "witness", []string{"read"}, nil, now.AddDate(0, 1, 0))
	return token, err
}

// execSQL writes past the store, as an intruder would who owns the tables: he first takes away what guards them.
func execSQL(t *testing.T, address string, list ...string) {
	t.Helper()
	driver, dsn := "pgx", strings.Replace(address, "allow_unsafe=1", "", 1)
	if file, ok := strings.CutPrefix(address, "sqlite:"); ok {
		driver, dsn = "sqlite", file+"?_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	guards := `SELECT 'DROP TRIGGER "' || tgname || '" ON "' || relname || '"' FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid WHERE NOT tgisinternal`
	if driver == "sqlite" {
		guards = `SELECT 'DROP TRIGGER "' || name || '"' FROM sqlite_schema WHERE type = 'trigger'`
	}
	rows, err := db.QueryContext(t.Context(), guards)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for rows.Next() {
		var drop string
		if err := rows.Scan(&drop); err != nil {
			t.Fatal(err)
		}
		all = append(all, drop)
	}
	for _, q := range append(all, list...) {
		if _, err := db.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}
