package app_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Ensure that a restore which is killed, when its first file appears, while what it unpacked is verified, or when it takes its place,
// leaves the whole database under its name or none, and that the next one succeeds (P3).
func TestRestore_Killed(t *testing.T) {
	v := newVictim(t, t.TempDir())
	v.found()
	for _, name := range []string{"c0-1", "c0-2"} {
		if _, ok := v.send(name); !ok {
			t.Fatal("nothing can be done at all")
		}
	}
	v.stop()
	packed := v.file("a.backup")
	run := func(args ...string) *exec.Cmd { return exec.Command("zhanggui", slices.Concat(args, v.common)...) }
	if out, err := run("backup", "--database", v.at(), packed).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	has := func(dir string, of func(name string) bool) bool {
		list, err := os.ReadDir(dir)
		return err == nil && slices.ContainsFunc(list, func(e os.DirEntry) bool { return of(e.Name()) })
	}
	for when, at := range map[string]func(name string) bool{
		"the first file appears":   func(string) bool { return true },
		"it is verified":           func(name string) bool { return strings.HasSuffix(name, "-wal") || strings.HasSuffix(name, "-shm") },
		"it takes its place":       func(name string) bool { return name == "back.db" },
		"it is done, as a control": func(string) bool { return false },
	} {
		dir := t.TempDir()
		to := filepath.Join(dir, "back.db")
		restore := run("restore", "--database", "sqlite:"+to, "--key", v.file("journal.key"), packed)
		if err := restore.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- restore.Wait() }()
		var err error
		look := time.NewTicker(time.Millisecond) // what holds, holds wherever the kill lands: a look that comes late makes it land later
		for over := false; !over; {
			select {
			case err = <-ended:
				over = true
			case <-look.C:
				if has(dir, at) {
					_ = restore.Process.Kill()
					err, over = <-ended, true
				}
			}
		}
		look.Stop()
		whole := func() {
			t.Helper()
			if out, err := run("verify", "--database", "sqlite:"+to, "--key", v.file("journal.key")).CombinedOutput(); err != nil || !strings.Contains(string(out), "in order") {
				t.Errorf("killed when %s: %v\n%s", when, err, out)
			}
		}
		if _, there := os.Stat(to); there == nil {
			whole()
			continue
		} else if err == nil {
			t.Errorf("when %s: it says that it restored and did not", when)
		}
		if out, err := run("restore", "--database", "sqlite:"+to, "--key", v.file("journal.key"), packed).CombinedOutput(); err != nil {
			t.Errorf("after it was killed when %s: %v\n%s", when, err, out)
			continue
		}
		whole()
	}
}
