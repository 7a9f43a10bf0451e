package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// copied is a victim with a continuous copy elsewhere.
type copied struct {
	*victim
	copy   string // folder
	secret string // file with the key it is encrypted for; "" = it is not
}

func newCopied(t *testing.T, encrypted bool) *copied {
	t.Helper()
	v := &copied{victim: newVictim(t, t.TempDir()), copy: filepath.Join(t.TempDir(), "copy")}
	v.args = []string{"--copy", v.copy}
	if encrypted {
		v.secret = filepath.Join(t.TempDir(), "secret.txt")
		out, err := exec.Command("zhanggui", "backup", "--new-key", v.secret).Output()
		if err != nil {
			t.Fatal(err)
		}
		v.args = append(v.args, "--copy-recipient", strings.Fields(string(out))[0])
	}
	v.found()
	return v
}

// sell files sales.
func (v *copied) sell(from, to int) {
	v.t.Helper()
	for n := from; n < to; n++ {
		name := fmt.Sprintf("c0-%d", n)
		number, ok := v.send(name)
		if !ok {
			v.t.Fatal("not acknowledged: " + name)
		}
		v.mu.Lock() // others may be writing
		v.acked[name] = number
		v.mu.Unlock()
	}
}

// safe waits until the copy has everything that was done before now, as the program says, and answers that moment.
func (v *copied) safe() time.Time {
	v.t.Helper()
	begin := time.Now()
	v.until("the copy has come so far", func(at time.Time, failing bool) bool { return at.After(begin) && !failing })
	return begin
}

// until waits for what the program says of its copy.
func (v *copied) until(what string, ok func(at time.Time, failing bool) bool) {
	v.t.Helper()
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		r, err := http.NewRequest("GET", v.url+"/api/installation", nil)
		if err != nil {
			v.t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+v.token)
		res, err := v.http.Do(r)
		if err != nil {
			v.t.Fatal(err)
		}
		var a struct {
			Copy struct {
				At      string
				Failing bool
			}
		}
		err = json.NewDecoder(res.Body).Decode(&a)
		res.Body.Close()
		at, _ := time.Parse(time.RFC3339Nano, a.Copy.At) // none yet at the start
		if err == nil && ok(at, a.Copy.Failing) {
			return
		}
	}
	v.t.Fatalf("waited in vain until %s:\n%s", what, v.log.String())
}

// restore restores the copy to a new place, where it is verified.
func (v *copied) restore(to string, more ...string) (string, error) {
	args := slices.Concat([]string{"restore", v.copy, "--database", "sqlite:" + to, "--key", v.file("journal.key")}, v.common, more)
	if v.secret != "" {
		args = append(args, "--identity", v.secret)
	}
	out, err := exec.Command("zhanggui", args...).CombinedOutput()
	return string(out), err
}

// numbers are those of the sales in a restored database.
func numbers(t *testing.T, file string) (list []string) {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite:"+file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Read(context.Background(), func(tx *store.Tx) error {
		rows, err := tx.Select(query.Select{Table: "base_sale", Alias: "s", Order: []query.Order{{Expr: query.Col{Alias: "s", Name: "number"}}}})
		for _, r := range rows {
			list = append(list, fmt.Sprint(r["number"]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func (v *copied) generations() int {
	list, err := os.ReadDir(v.copy)
	if err != nil {
		v.t.Fatal(err)
	}
	return len(list)
}

// Ensure that a machine may be lost: what the program said to be in the copy is there, also when the program was killed while it
// wrote and copied and went on, what came later is there up to one moment or not at all, and one may go back to an earlier one.
func TestCopy(t *testing.T) {
	v := newCopied(t, false)
	v.sell(1, 6)
	v.safe()
	v.kill()
	v.start()
	v.sell(6, 11)
	ten := v.safe()
	if n := v.generations(); n != 1 {
		t.Errorf("after a death the copy began anew: %d generations", n)
	}
	stop := make(chan struct{})
	wg := v.write(stop)
	v.sell(11, 21) // while others write
	v.kill()
	close(stop)
	wg.Wait()
	v.start()
	v.settle()
	v.safe()
	// Its place is away for a while: people go on, and are told.
	if err := os.Rename(v.copy, v.copy+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(v.copy, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	v.sell(500, 503)
	v.until("the program says that the copy fails, on the page and in its log", func(_ time.Time, failing bool) bool {
		return failing && strings.Contains(v.log.String(), "alarm: the continuous copy fails")
	})
	remove(t, v.copy)
	if err := os.Rename(v.copy+".away", v.copy); err != nil {
		t.Fatal(err)
	}
	v.safe()
	acked := len(v.acked)
	v.sell(1000, 1010)
	v.kill()

	dir := t.TempDir()
	now, then := filepath.Join(dir, "now.db"), filepath.Join(dir, "then.db")
	if out, err := v.restore(now, "--accept-loss"); err != nil {
		t.Fatal(out)
	}
	got := numbers(t, now)
	if len(got) < acked || len(got) > acked+10 {
		t.Errorf("%d of %d sales are in the copy, %d were there at least", len(got), len(v.acked), acked)
	}
	for n, number := range got {
		if number != fmt.Sprintf("K%05d", n+1) {
			t.Fatalf("what is restored has a hole at %d: %s", n, number)
		}
	}
	if out, err := v.restore(then, "--accept-loss", "--at", ten.Format(time.RFC3339Nano)); err != nil {
		t.Fatal(out)
	} else if got := numbers(t, then); len(got) > 10 {
		t.Errorf("at the moment when there were 10 there are %d", len(got))
	}
	if out, err := v.restore(filepath.Join(dir, "early.db"), "--at", "2020-01-01 00:00"); err == nil || !strings.Contains(out, "does not go back") {
		t.Errorf("%v %s", err, out)
	}
}

// Ensure that a copy is read by the holder of its key alone, and that one with a piece altered, missing, cut off or put elsewhere is
// not restored beyond it, nor anything overwritten.
func TestCopy_Refused(t *testing.T) {
	v := newCopied(t, true)
	for n := range 3 {
		v.sell(10*n, 10*n+3)
		v.safe()
	}
	v.stop()
	pieces, err := filepath.Glob(filepath.Join(v.copy, "*", "*.piece"))
	if err != nil || len(pieces) < 4 {
		t.Fatal(pieces, err)
	}
	for _, p := range pieces {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		_, body, _ := bytes.Cut(b, []byte("\n"))
		if !bytes.HasPrefix(body, []byte("age-encryption.org/")) {
			t.Errorf("%s is not encrypted", p)
		}
	}
	to := filepath.Join(t.TempDir(), "a.db")
	secret := v.secret
	v.secret = ""
	if out, err := v.restore(to); err == nil || !strings.Contains(out, "--identity") {
		t.Errorf("without its key: %v %s", err, out)
	}
	v.secret = secret
	whole := v.copy
	for name, spoil := range map[string]func(dir string, pieces []string){
		"altered":      func(_ string, p []string) { flip(t, p[2], -20) },
		"base altered": func(_ string, p []string) { flip(t, p[0], 5000) },
		"last altered": func(_ string, p []string) { flip(t, p[len(p)-1], -20) },
		"missing":      func(_ string, p []string) { remove(t, p[2]) },
		"cut off": func(_ string, p []string) {
			if err := os.Truncate(p[len(p)-1], 300); err != nil {
				t.Fatal(err)
			}
		},
		"put elsewhere": func(_ string, p []string) {
			b, err := os.ReadFile(p[2])
			if err == nil {
				err = os.WriteFile(p[3], b, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		},
	} {
		v.copy = filepath.Join(t.TempDir(), "copy")
		if err := os.CopyFS(v.copy, os.DirFS(whole)); err != nil {
			t.Fatal(err)
		}
		list, err := fs.Glob(os.DirFS(v.copy), "*/*.piece")
		if err != nil {
			t.Fatal(err)
		}
		for i := range list {
			list[i] = filepath.Join(v.copy, list[i])
		}
		spoil(v.copy, list)
		if out, err := v.restore(to); err == nil || !strings.Contains(out, "the backup is not whole") {
			t.Errorf("%s: %v %s", name, err, out)
		}
		if _, err := os.Stat(to); err == nil {
			t.Fatalf("%s: something was put there", name)
		}
	}
	v.copy = whole
	if out, err := v.restore(to); err != nil {
		t.Fatal(out)
	}
	if got := numbers(t, to); len(got) != 9 {
		t.Errorf("%d sales", len(got))
	}
	if out, err := v.restore(to); err == nil || !strings.Contains(out, "nothing is overwritten") {
		t.Errorf("%v %s", err, out)
	}
}

// flip alters one byte of a file, counted from its end if at is negative.
func flip(t *testing.T, file string, at int) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if at < 0 {
		at += len(b)
	}
	b[at] ^= 1
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, file string) {
	t.Helper()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}
