package engine_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// Ensure that an older copy of the data that comes back is erased again before it is served.
func TestErasureAgain(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s := cards(t, "sqlite:"+filepath.Join(dir, "shop.db"))
	id := wang(s)
	old := filepath.Join(dir, "old.db")
	if err := s.DB.Backup(ctx, old); err != nil {
		t.Fatal(err)
	}
	s.Do("guan", "c.card", id, "forget", nil)
	db, err := store.Open(ctx, "sqlite:"+old)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	e, err := engine.New(db, s.E.Lib, engine.Options{Keep: s.Keep})
	if err != nil {
		t.Fatal(err)
	}
	if n := count(t, db, s.E.Lib.Form("c.card").Table, "phone__eq"); n == 0 {
		t.Fatal("the older copy has no mark to blank; this test shows nothing")
	}
	done, err := e.Secure(ctx, s.Now, nil)
	if err != nil || done.Erased != 1 {
		t.Fatalf("secured %+v, %v", done, err)
	}
	if n := count(t, db, s.E.Lib.Form("c.card").Table, "phone__eq"); n != 0 {
		t.Error("the older copy still has the mark of an erased number")
	}
	v, err := e.Record(ctx, s.Now, engine.Actor{Person: s.ID("guan"), Origin: "api"}, "c.card", id)
	if err != nil || v.Values["phone"] != (engine.Masked{Masked: "已擦除", Erased: true}) {
		t.Errorf("reads %v, %v", v.Values["phone"], err)
	}
	b, err := os.ReadFile(old)
	if err != nil || len(leaks(b)) > 0 {
		t.Errorf("in the bytes of the older copy: %v, %v", leaks(b), err)
	}
	if done, err := e.Secure(ctx, s.Now, nil); err != nil || done.Erased != 0 {
		t.Errorf("erased %d once more, %v", done.Erased, err)
	}
}

// Ensure that a keystore which comes back from before an erasure, while the data are of after it, has the keys destroyed again before
// anything is served.
func TestErasureAgain_OlderKeystore(t *testing.T) {
	ctx := context.Background()
	dir, older := t.TempDir(), t.TempDir()
	s := cards(t, "sqlite:"+filepath.Join(dir, "shop.db"))
	s.Keep = testkit.Keys(t, dir)
	s.Restart()
	id := wang(s)
	keys, err := store.Open(ctx, "sqlite:"+filepath.Join(dir, "keys.db"))
	if err != nil {
		t.Fatal(err)
	}
	err = keys.Backup(ctx, filepath.Join(older, "keys.db"))
	if err := errors.Join(err, keys.Close()); err != nil {
		t.Fatal(err)
	}
	master, err := os.ReadFile(filepath.Join(dir, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(older, "master.key"), master, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Do("guan", "c.card", id, "forget", nil)
	k := testkit.Keys(t, older)
	if gone, err := k.Destroyed(ctx); err != nil || len(gone) != 0 {
		t.Fatalf("the older keystore has %v destroyed, %v; this test shows nothing", gone, err)
	}
	e, err := engine.New(s.DB, s.E.Lib, engine.Options{Keep: k})
	if err != nil {
		t.Fatal(err)
	}
	if done, err := e.Secure(ctx, s.Now, nil); err != nil || done.Erased != 1 {
		t.Errorf("secured %+v, %v", done, err)
	}
	if gone, err := k.Destroyed(ctx); err != nil || len(gone) != 1 {
		t.Errorf("of the older keystore %v are destroyed, %v", gone, err)
	}
}
