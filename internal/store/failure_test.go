package store_test

import (
	"bufio"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/store"
	"zhanggui/internal/store/pgtest"
)

// A full disk: the act that met it is refused, nothing after it is acknowledged, what was stays,
// reading goes on, and a restart on a healthy disk puts everything right.
func TestWrite_StopsWhenTheDiskFails(t *testing.T) {
	dsn := "sqlite:" + filepath.Join(t.TempDir(), "a.db")
	db := open(t, dsn)
	write(t, db, func(tx *store.Tx) error { return tx.Insert("part", store.Row{"id": "kept"}) })
	if err := store.Exec(t.Context(), db, "PRAGMA max_page_count = 100"); err != nil {
		t.Fatal(err)
	}
	big := make([]byte, 1<<20)
	err := db.Write(t.Context(), func(tx *store.Tx) error {
		return tx.Insert("thing", store.Row{"id": "1", "at": "x", "data": big})
	})
	if err == nil || fault.KindOf(err) != fault.Unavailable {
		t.Fatalf("%v", err)
	}
	if db.Failed() == nil {
		t.Error("the failure is not remembered")
	}
	err = db.Write(t.Context(), func(tx *store.Tx) error { t.Error("ran"); return nil })
	if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "restart") {
		t.Errorf("%v", err)
	}
	if n := count(t, db, "part"); n != 1 {
		t.Errorf("%d rows", n)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, dsn)
	write(t, db, func(tx *store.Tx) error {
		return tx.Insert("thing", store.Row{"id": "1", "at": "x", "data": big})
	})
	if count(t, db, "part") != 1 || count(t, db, "thing") != 1 {
		t.Error("rows are missing after the restart")
	}
}

// PostgreSQL with settings that lose acts is refused by name; whoever insists must say so.
func TestOpen_UnsafePostgres(t *testing.T) {
	u, err := url.Parse(pgtest.DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Del("allow_unsafe")
	q.Set("options", "-c synchronous_commit=off")
	u.RawQuery = q.Encode()
	_, err = store.Open(t.Context(), u.String())
	if err == nil {
		t.Fatal("opened a PostgreSQL that does not sync")
	}
	for _, name := range []string{"fsync", "full_page_writes", "synchronous_commit=off (set by: client"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%q is not named in: %v", name, err)
		}
	}
	db, err := store.Open(t.Context(), u.String(), store.AllowUnsafe())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if list, err := db.Warnings(t.Context()); len(list) != 0 || err != nil {
		t.Errorf("%v %v", list, err)
	}
}

func TestOpen_Refused(t *testing.T) {
	for dsn, want := range map[string]string{
		"":                                      "begins with",
		"mysql://u:secret@h/db":                 "begins with",
		"sqlite:":                               "needs a path",
		"sqlite:a?wal_autocheckpoint=x":         "bad wal_autocheckpoint",
		"sqlite:/does/not/exist/a.db":           "unable to open",
		"postgres://u:secret@/db?host=/nowhere": "connect",
		"postgres://u:secret@h:x/db":            "cannot be read",
	} {
		_, err := store.Open(t.Context(), dsn)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", dsn, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the password is told: %v", err)
		}
	}
}

// A server that has gone is a fault the reader can wait out.
func TestWrite_ServerGone(t *testing.T) {
	db := open(t, pgtest.DSN(t))
	err := db.Write(t.Context(), func(tx *store.Tx) error {
		return store.Exec(t.Context(), db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()")
	})
	if fault.KindOf(err) != fault.Unavailable {
		t.Errorf("%v", err)
	}
	time.Sleep(50 * time.Millisecond)
	write(t, db, func(tx *store.Tx) error { return tx.Insert("part", store.Row{"id": "1"}) })
}

// What was acknowledged survives kill -9: a child writes numbered rows from four goroutines and tells
// each acknowledgement; we kill it in the middle, open the file and look for every one.
func TestWrite_SurvivesKill(t *testing.T) {
	if path := os.Getenv("STORE_VICTIM"); path != "" {
		victim(path)
		return
	}
	path := filepath.Join(t.TempDir(), "a.db")
	acked := 0
	for round := range 5 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestWrite_SurvivesKill$")
		cmd.Env = append(os.Environ(), "STORE_VICTIM="+path, fmt.Sprintf("STORE_ROUND=%d", round))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(120+37*round)*time.Millisecond, func() { _ = cmd.Process.Kill() })
		var told []string
		for s := bufio.NewScanner(out); s.Scan(); {
			told = append(told, s.Text())
		}
		_ = cmd.Wait() // killed
		timer.Stop()
		db := open(t, "sqlite:"+path)
		read(t, db, func(tx *store.Tx) error {
			for _, id := range told {
				if id = strings.TrimSpace(id); !strings.HasSuffix(id, ".") {
					continue // the line itself was cut
				}
				acked++
				if _, err := tx.Get("part", strings.TrimSuffix(id, ".")); err != nil {
					t.Errorf("round %d: %s was acknowledged and is gone", round, id)
				}
			}
			return nil
		})
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d acknowledgements", acked)
	if acked < 50 {
		t.Errorf("only %d acknowledgements: the test proves little", acked)
	}
}

func victim(path string) {
	ctx := context.Background()
	db, err := store.Open(ctx, "sqlite:"+path)
	if err != nil {
		panic(err)
	}
	plan, err := db.Plan(ctx, []store.Table{part})
	if err != nil {
		panic(err)
	}
	if err := db.Apply(ctx, plan); err != nil {
		panic(err)
	}
	for w := range 4 {
		go func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%s-%d-%d", os.Getenv("STORE_ROUND"), w, i)
				if err := db.Write(ctx, func(tx *store.Tx) error { return tx.Insert("part", store.Row{"id": id}) }); err != nil {
					panic(err)
				}
				fmt.Println(id + ".")
			}
		}()
	}
	select {}
}
