//go:build long && linux

package app_test

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// turnReadOnly makes the kernel take the file system for damaged, which makes it read-only under those who write, as a failing disk does.
func (d *disk) turnReadOnly() {
	d.t.Helper()
	if out, err := exec.Command("mount", "-o", "remount,errors=remount-ro", d.mount).CombinedOutput(); err != nil {
		d.t.Fatalf("%v %s", err, out)
	}
	source, err := exec.Command("findmnt", "-n", "-o", "SOURCE", d.mount).Output()
	if err != nil {
		d.t.Fatal(err)
	}
	trigger := filepath.Join("/sys/fs/ext4", filepath.Base(strings.TrimSpace(string(source))), "trigger_fs_error")
	if err := os.WriteFile(trigger, []byte("test\n"), 0); err != nil {
		d.t.Skipf("NOT RUN: this kernel declares no file system damaged: %v", err)
	}
}

// Ensure that where the file system turns read-only under the running program nothing more is acknowledged, reading goes on,
// /api/ready says so and why, and after a repair and a restart everything that was acknowledged is there.
func TestReadOnly_StopsAndSays(t *testing.T) {
	d := newDisk(t)
	v := newVictim(t, d.mount)
	v.found()
	stop := make(chan struct{})
	wg := v.write(stop)
	time.Sleep(300 * time.Millisecond)
	v.cut.Store(true)
	d.turnReadOnly()
	wg.Wait() // each client ends at the first refusal
	close(stop)
	for range 20 {
		if number, ok := v.send("c9-1"); ok {
			t.Fatalf("%s was acknowledged", number)
		}
	}
	for path, want := range map[string]int{"/api/ready": 503, "/api/health": 200, "/api/form/base.sale/record": 200} {
		status, body := v.read(path)
		t.Logf("%s: %d %.200s", path, status, body)
		if status != want {
			t.Errorf("%s: %d, not %d", path, status, want)
		}
	}
	v.kill()
	if out, err := exec.Command("umount", d.mount).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	if out, err := exec.Command("e2fsck", "-p", "-f", d.image).CombinedOutput(); err != nil && !strings.Contains(err.Error(), "exit status 1") {
		t.Fatalf("%v %s", err, out)
	}
	if out, err := exec.Command("mount", "-o", "loop", d.image, d.mount).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	if a := v.look(); a.bad() {
		t.Errorf("%+v", a)
	}
	v.start()
	v.settle()
	v.kill()
	v.verified()
	if len(v.acked) == 0 {
		t.Error("nothing was done: this proves nothing")
	}
}

func (v *victim) read(path string) (int, string) {
	v.t.Helper()
	r, err := http.NewRequest("GET", v.url+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+v.token)
	res, err := v.http.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(b)
}
