package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"zhanggui/internal/engine"
	"zhanggui/internal/keep"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
	"zhanggui/rulebooks"
)

// shortPlan is the shipped demonstration, begun a few days before its end.
func shortPlan(t *testing.T, from string) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	list, err := fs.Glob(rulebooks.FS, "demo/*.yaml")
	if err != nil || len(list) == 0 {
		t.Fatal(list, err)
	}
	begin := regexp.MustCompile(`(?m)^from: .*$`)
	for _, name := range list {
		b, err := fs.ReadFile(rulebooks.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: begin.ReplaceAll(b, []byte("from: "+from))}
	}
	return files
}

// played is what a play with a seed leaves: how many rows each table holds, and a digest of them.
func played(t *testing.T, lib *rulebook.Library, plan fs.FS, book string, seed uint64) (rows map[string]int, digest map[string]string) {
	t.Helper()
	ctx := context.Background()
	p := &program{ctx: ctx, out: io.Discard, err: io.Discard, log: slog.New(slog.DiscardHandler)}
	db, err := p.open(ctx, "sqlite::memory:", lib)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	dir := t.TempDir()
	keys, err := p.keyring(ctx, Keys{Keystore: "sqlite:" + filepath.Join(dir, "keys.db"), MasterKey: filepath.Join(dir, "master.key")}, "sqlite::memory:", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	if err := p.makeDemo(ctx, db, keys, plan, lib, book, seed); err != nil {
		t.Fatal(err)
	}
	rows, digest = map[string]int{}, map[string]string{}
	err = db.Read(ctx, func(tx *store.Tx) error {
		for _, tab := range engine.Tables(lib) {
			if tab.Name == "subject_key" { // the keys themselves
				continue
			}
			list, err := tx.Select(query.Select{Table: tab.Name, Alias: "t"})
			if err != nil {
				return err
			}
			untold := map[string]bool{} // marks under keys of the installation
			for _, c := range tab.Columns {
				untold[c.Name] = c.Untold
			}
			lines := make([]string, len(list))
			for i, r := range list {
				for _, k := range slices.Sorted(maps.Keys(r)) {
					v := fmt.Sprint(r[k])
					if untold[k] {
						continue
					}
					if keep.Sealed(v) { // anew each time
						v = "sealed"
					}
					lines[i] += k + "=" + v + "\n"
				}
			}
			slices.Sort(lines)
			sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
			rows[tab.Name], digest[tab.Name] = len(lines), hex.EncodeToString(sum[:])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows, digest
}

// Ensure that the same seed plays the same demonstration, to the last column of the last row.
func TestDemoSeed(t *testing.T) {
	p := &program{ctx: context.Background(), out: io.Discard, err: io.Discard, log: slog.New(slog.DiscardHandler)}
	lib, err := p.load(rulebooks.FS)
	if err != nil {
		t.Fatal(err)
	}
	plan := shortPlan(t, "2026-03-12")
	rows, one := played(t, lib, plan, "14-complaint", 1)
	_, again := played(t, lib, plan, "14-complaint", 1)
	for name := range one {
		if one[name] != again[name] {
			t.Errorf("%s: another content after the same seed", name)
		}
	}
	for _, form := range []string{"14.complaint", "base.clock", "base.notice", "base.sales_order"} {
		if rows[lib.Form(form).Table] == 0 {
			t.Errorf("nothing of %s was played", form)
		}
	}
}
