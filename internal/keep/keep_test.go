package keep_test

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"zhanggui/internal/keep"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/store/pgtest"
)

var (
	ctx  = context.Background()
	at   = time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC)
	here = keep.Place{Table: "card", Column: "phone", Record: "r1"}
)

func keystore(t *testing.T, dsn string) *store.DB {
	t.Helper()
	db, err := store.Open(ctx, dsn, store.AllowUnsafe())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func open(t *testing.T, db *store.DB, file string) *keep.Keeper {
	t.Helper()
	k, err := keep.Open(ctx, db, file, at)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sealed(t *testing.T, k *keep.Keeper, value string) (key, text string) {
	t.Helper()
	key, err := k.NewKey(ctx, at)
	if err == nil {
		text, err = k.Seal(ctx, key, here, value)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key, text
}

func reads(t *testing.T, k *keep.Keeper, text, want string) {
	t.Helper()
	if got, err := k.Open(ctx, text, here); err != nil || got != want {
		t.Errorf("opened %q, %v; want %q", got, err, want)
	}
}

func both(t *testing.T, fn func(t *testing.T, dsn string)) {
	t.Run("sqlite", func(t *testing.T) { fn(t, "sqlite:"+filepath.Join(t.TempDir(), "keys.db")) })
	t.Run("postgres", func(t *testing.T) { fn(t, pgtest.DSN(t)) })
}

// Ensure that a value opens where it was sealed and nowhere else, and that no bit of it can be changed.
func TestSealedForItsPlace(t *testing.T) {
	k := keep.Memory()
	key, a := sealed(t, k, "13800138000")
	b, err := k.Seal(ctx, key, here, "13800138000")
	if err != nil || a == b {
		t.Errorf("equal values are sealed alike: %v", err)
	}
	reads(t, k, a, "13800138000")
	if keep.KeyOf(a) != key || !keep.Sealed(a) || strings.Contains(a, "138001") {
		t.Errorf("sealed as %s", a)
	}
	for name, p := range map[string]keep.Place{"table": {Table: "x", Column: "phone", Record: "r1"}, "column": {Table: "card", Column: "tel", Record: "r1"}, "record": {Table: "card", Column: "phone", Record: "r2"}} {
		if _, err := k.Open(ctx, a, p); !errors.Is(err, keep.ErrForged) {
			t.Errorf("opened in another %s: %v", name, err)
		}
	}
	for i := range a {
		bad := a[:i] + string(rune(a[i]^1)) + a[i+1:]
		if v, err := k.Open(ctx, bad, here); err == nil && !sameBits(a, bad) {
			t.Fatalf("character %d changed and still opened as %q", i, v)
		}
	}
	for _, plain := range []string{"", "13800138000", "~1.", "~1.abc"} {
		if _, err := k.Open(ctx, plain, here); !errors.Is(err, keep.ErrForged) {
			t.Errorf("%q passed for a sealed value: %v", plain, err)
		}
	}
}

// sameBits tells whether two texts decode alike: the last character of base64 has bits that say nothing.
func sameBits(a, b string) bool {
	x, err1 := base64.RawURLEncoding.DecodeString(a[strings.LastIndex(a, ".")+1:])
	y, err2 := base64.RawURLEncoding.DecodeString(b[strings.LastIndex(b, ".")+1:])
	return err1 == nil && err2 == nil && string(x) == string(y) && keep.KeyOf(a) == keep.KeyOf(b)
}

// Ensure that the keystore opens again with its master key, and that nothing opens without it.
func TestNoKeyNoStart(t *testing.T) {
	both(t, func(t *testing.T, dsn string) {
		db, file := keystore(t, dsn), filepath.Join(t.TempDir(), "master.key")
		k := open(t, db, file)
		_, text := sealed(t, k, "王五")
		mark := k.Mark("text", "王五")
		again := open(t, db, file)
		reads(t, again, text, "王五")
		if again.Mark("text", "王五") != mark || mark == "" || k.Mark("text", "王六") == mark || k.Mark("phone", "王五") == mark {
			t.Error("marks are not the same for equal texts of one domain only")
		}
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the master key's file has mode %v, %v", info.Mode(), err)
		}
		if err := os.Chmod(file, 0o640); err != nil {
			t.Fatal(err)
		}
		if _, err := keep.Open(ctx, db, file, at); err == nil || !strings.Contains(err.Error(), "read by others") {
			t.Errorf("opened with a master key that others can read: %v", err)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		if _, err := keep.Open(ctx, db, file, at); err == nil || !strings.Contains(err.Error(), "missing") {
			t.Errorf("opened without its master key: %v", err)
		}
		if _, err := os.Stat(file); err == nil {
			t.Error("a new master key was made for keys it cannot open")
		}
		other := filepath.Join(t.TempDir(), "other.key")
		open(t, keystore(t, "sqlite:"+filepath.Join(t.TempDir(), "k.db")), other)
		if _, err := keep.Open(ctx, db, other, at); err == nil {
			t.Error("opened with another master key")
		}
	})
}

// Ensure that a destroyed key opens nothing any more, here or on another node, and is listed; others go on.
func TestDestroyed(t *testing.T) {
	both(t, func(t *testing.T, dsn string) {
		db, file := keystore(t, dsn), filepath.Join(t.TempDir(), "master.key")
		k := open(t, db, file)
		node := open(t, db, file)
		gone, text := sealed(t, k, "13800138000")
		_, stays := sealed(t, k, "13900139000")
		reads(t, node, text, "13800138000")
		if err := k.Destroy(ctx, []string{gone}, at); err != nil {
			t.Fatal(err)
		}
		node.Forget()
		for _, x := range []*keep.Keeper{k, node, open(t, db, file)} {
			if v, err := x.Open(ctx, text, here); !errors.Is(err, keep.ErrErased) {
				t.Errorf("opened %q, %v after its key was destroyed", v, err)
			}
			if _, err := x.Seal(ctx, gone, here, "again"); !errors.Is(err, keep.ErrErased) {
				t.Errorf("sealed with a destroyed key: %v", err)
			}
			reads(t, x, stays, "13900139000")
		}
		if list, err := k.Destroyed(ctx); err != nil || len(list) != 1 || list[0] != gone {
			t.Errorf("destroyed: %v, %v", list, err)
		}
	})
}

// Ensure that a new master key takes over every data key, that running nodes follow, and that the old one opens nothing then.
func TestRotation(t *testing.T) {
	both(t, func(t *testing.T, dsn string) {
		db, file := keystore(t, dsn), filepath.Join(t.TempDir(), "master.key")
		k := open(t, db, file)
		node := open(t, db, file)
		_, text := sealed(t, k, "王五")
		old, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := keep.AddMaster(file); err != nil {
			t.Fatal(err)
		}
		reads(t, open(t, db, file), text, "王五")
		n, err := k.Rewrap(ctx)
		if err != nil || n != 33 { // the index key and one lot of data keys
			t.Fatalf("rewrapped %d, %v", n, err)
		}
		if err := keep.DropMasters(file); err != nil {
			t.Fatal(err)
		}
		if n, err := k.Rewrap(ctx); err != nil || n != 0 {
			t.Errorf("rewrapped %d more, %v", n, err)
		}
		reads(t, node, text, "王五")
		reads(t, open(t, db, file), text, "王五")
		back := filepath.Join(t.TempDir(), "old.key")
		if err := os.WriteFile(back, old, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := keep.Open(ctx, db, back, at); err == nil {
			t.Error("the old master key still opens the keystore")
		}
	})
}

// Ensure that a keystore moves with its keys and its list of what was erased, that nothing is left where it was, and that neither a database without keys nor one that has
// some already takes part.
func TestMove(t *testing.T) {
	both(t, func(t *testing.T, dsn string) {
		file := filepath.Join(t.TempDir(), "master.key")
		from, to := keystore(t, "sqlite:"+filepath.Join(t.TempDir(), "keys.db")), keystore(t, dsn)
		if n, err := keep.Move(ctx, from, to); err == nil {
			t.Errorf("%d keys of nothing", n)
		}
		k := open(t, from, file)
		gone, lost := sealed(t, k, "13800138000")
		_, stays := sealed(t, k, "13900139000")
		if err := k.Destroy(ctx, []string{gone}, at); err != nil {
			t.Fatal(err)
		}
		if n, err := keep.Move(ctx, from, to); err != nil || n != 33 {
			t.Fatalf("%d keys: %v", n, err)
		}
		there := open(t, to, file)
		reads(t, there, stays, "13900139000")
		if there.Mark("d", "x") != k.Mark("d", "x") {
			t.Error("the index has another key")
		}
		if v, err := there.Open(ctx, lost, here); !errors.Is(err, keep.ErrErased) {
			t.Errorf("what was erased came back: %q %v", v, err)
		}
		if n, err := keep.Move(ctx, from, to); err == nil || !strings.Contains(err.Error(), "moved already") {
			t.Errorf("moved twice: %d %v", n, err)
		}
		other := keystore(t, "sqlite:"+filepath.Join(t.TempDir(), "other.db"))
		k = open(t, other, file)
		_, text := sealed(t, k, "王五")
		if n, err := keep.Move(ctx, other, to); err == nil {
			t.Errorf("%d keys beside others", n)
		}
		reads(t, open(t, other, file), text, "王五")
	})
}

// Ensure that an empty keystore which was opened in place of the right one can be left as it was found, and one with keys cannot.
func TestTakeBack(t *testing.T) {
	both(t, func(t *testing.T, dsn string) {
		file := filepath.Join(t.TempDir(), "master.key")
		from, to := keystore(t, "sqlite:"+filepath.Join(t.TempDir(), "keys.db")), keystore(t, dsn)
		_, text := sealed(t, open(t, from, file), "张三")
		wrong := open(t, to, file)
		if _, err := keep.Move(ctx, from, to); err == nil {
			t.Error("moved to where a key is")
		}
		if err := wrong.TakeBack(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := keep.Move(ctx, from, to); err != nil {
			t.Fatal(err)
		}
		there := open(t, to, file)
		if err := errors.Join(there.TakeBack(ctx), wrong.TakeBack(ctx)); err != nil {
			t.Fatal(err)
		}
		reads(t, open(t, to, file), text, "张三")
	})
}

// Ensure that a wrapped key moved to another id does not open, so that nobody's key can be put in for another's: what was sealed does not
// open, and nothing is sealed under a key that would outlive whose it seems to be.
func TestSwappedKeys(t *testing.T) {
	db, file := keystore(t, "sqlite:"+filepath.Join(t.TempDir(), "keys.db")), filepath.Join(t.TempDir(), "master.key")
	k := open(t, db, file)
	a, text := sealed(t, k, "甲")
	b, _ := sealed(t, k, "乙")
	err := db.Write(ctx, func(tx *store.Tx) error {
		rows, err := tx.Select(query.Select{Table: "data_key", Alias: "k", Where: query.Eq("k", "id", b)})
		if err != nil {
			return err
		}
		_, err = tx.Update("data_key", store.Row{"id": a}, store.Row{"wrapped": rows[0]["wrapped"]})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := open(t, db, file).Open(ctx, text, here); err == nil {
		t.Errorf("opened %q with another's key", v)
	}
	if _, err := open(t, db, file).Seal(ctx, a, here, "丙"); err == nil {
		t.Error("sealed with another's key")
	}
}
