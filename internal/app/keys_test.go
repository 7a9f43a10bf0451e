package app

import (
	"path/filepath"
	"strings"
	"testing"

	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// Ensure that a node which is started with an empty keystore in place of its own refuses, seals nothing and leaves it empty, so that the right
// one can still be moved there.
func TestKeyring_Wrong(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := freshOn(t, dsn)
		key, err := s.keys.NewKey(t.Context(), s.clock.Now())
		if err == nil {
			err = s.db.Write(t.Context(), func(tx *store.Tx) error {
				return tx.Insert("subject_key", store.Row{"key": key, "subject": "base.person/1", "at": "2026-03-02T09:00:00.000Z"})
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		wrong := Keys{Keystore: "sqlite:" + filepath.Join(t.TempDir(), "other.db"), MasterKey: filepath.Join(t.TempDir(), "master.key")}
		for range 2 {
			if k, err := s.p.keyring(t.Context(), wrong, dsn, s.db); err == nil || !strings.Contains(err.Error(), "none of the keys") {
				t.Fatalf("opened %v: %v", k, err)
			}
		}
		there, err := store.Open(t.Context(), wrong.Keystore)
		if err != nil {
			t.Fatal(err)
		}
		defer there.Close()
		if err := there.Read(t.Context(), func(tx *store.Tx) error {
			n, err := tx.Count("data_key", nil)
			if n != 0 {
				t.Errorf("%d keys are left", n)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}
