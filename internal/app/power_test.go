//go:build long && linux

package app_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// The power is cut from under a file system in a file: it stops at once, without flushing its log, so that what was not
// synced is gone; then it is mounted again as after a start of the machine.

// ioctlShutdown is FS_IOC_SHUTDOWN; noLogFlush asks it not to write anything any more.
const (
	ioctlShutdown = 0x8004587D
	noLogFlush    = 2
)

// disk is a file system of its own.
type disk struct {
	t     *testing.T
	image string
	mount string
}

func newDisk(t *testing.T) *disk {
	t.Helper()
	dir := t.TempDir()
	d := &disk{t: t, image: filepath.Join(dir, "image"), mount: filepath.Join(dir, "mnt")}
	if os.Geteuid() != 0 {
		t.Skip("NOT RUN: a power cut needs root, to mount and stop a file system")
	}
	for _, tool := range []string{"mkfs.ext4", "mount", "umount", "strace"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("NOT RUN: a power cut needs %s", tool)
		}
	}
	if err := os.Mkdir(d.mount, 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(d.image)
	if err == nil {
		err = f.Truncate(400 << 20)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if out, err := exec.Command("mkfs.ext4", "-q", d.image).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	if out, err := exec.Command("mount", "-o", "loop", d.image, d.mount).CombinedOutput(); err != nil {
		t.Skipf("NOT RUN: this machine mounts no file as a disk: %s", out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", d.mount).Run() })
	return d
}

// cut stops the file system where it stands.
func (d *disk) cut() {
	f, err := os.Open(d.mount)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	flag := uint32(noLogFlush)
	if _, _, no := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), ioctlShutdown, uintptr(unsafe.Pointer(&flag))); no != 0 {
		d.t.Fatalf("the file system does not stop: %v", no)
	}
}

// again is the machine's next start. A copy of the image from before stays for a second look if the test fails.
func (d *disk) again() {
	d.t.Helper()
	for try := 0; ; try++ {
		out, err := exec.Command("umount", d.mount).CombinedOutput()
		if err == nil {
			break
		}
		if try == 100 {
			d.t.Fatalf("umount: %v %s", err, out)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if out, err := exec.Command("mount", "-o", "loop", d.image, d.mount).CombinedOutput(); err != nil {
		d.t.Fatalf("mount: %v %s", err, out)
	}
}

// cuts writes and cuts the power n times; stop ends it early.
func cuts(t *testing.T, n int, prefix []string, stop func(toll) bool) (v *victim, sum toll, done int) {
	d := newDisk(t)
	v = newVictim(t, d.mount)
	v.prefix = prefix
	v.found()
	if prefix != nil {
		syscall.Sync() // the control shall lose what clients were told, not the company with its account
	}
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 2))
	for done = 1; done <= n; done++ {
		end := make(chan struct{})
		wg := v.write(end)
		if done > 1 || prefix != nil { // the first cut comes right after the first start: new files must be on the disk, and their names
			time.Sleep(time.Duration(20+rnd.IntN(600)) * time.Millisecond)
		}
		v.cut.Store(true)
		d.cut()
		v.kill()
		close(end)
		wg.Wait()
		d.again()
		if _, err := os.Stat(v.file("a.db")); err != nil {
			sum.lost += len(v.acked)
			return v, sum, done
		}
		a := v.look()
		if a.bad() && prefix == nil {
			t.Errorf("cut %d, seed %d: %+v", done, seed, a)
		}
		sum = sum.plus(a)
		if stop(a) {
			return v, sum, done
		}
		if prefix == nil && done%10 == 1 {
			v.verified()
		}
		v.start()
	}
	v.kill()
	return v, sum, n
}

// Ensure that what was acknowledged survives a power cut at any moment, also right after the first start. The control comes
// first: the same program whose syncs are skipped must lose something, else the test itself sees nothing.
func TestPowerCut_NothingAcknowledgedIsLost(t *testing.T) {
	weak := strings.Fields("strace -f --seccomp-bpf -qq -o /dev/null -e trace=fsync,fdatasync -e inject=fsync,fdatasync:retval=0")
	w, sum, n := cuts(t, 20, weak, func(a toll) bool { return a.bad() })
	t.Logf("control, syncs skipped: %d cuts, %d acts acknowledged, %+v", n, len(w.acked), sum)
	if sum.lost == 0 {
		t.Fatal("without a sync nothing was lost: this test cannot see a loss")
	}
	want := 50
	if s := os.Getenv("ZHANGGUI_CUTS"); s != "" {
		if _, err := fmt.Sscan(s, &want); err != nil {
			t.Fatal(err)
		}
	}
	v, sum, n := cuts(t, want, nil, func(toll) bool { return false })
	t.Logf("%d cuts, %d acts acknowledged, %+v; ready after p50 %v p99 %v", n, len(v.acked), sum, percentile(v.ready, 50).Round(time.Millisecond), percentile(v.ready, 99).Round(time.Millisecond))
	if len(v.acked) < 5*n {
		t.Errorf("only %d acts: this proves little", len(v.acked))
	}
}
