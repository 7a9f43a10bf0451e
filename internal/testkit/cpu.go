//go:build unix

package testkit

import (
	"syscall"
	"testing"
	"time"
)

// CPU is how much work the process has done so far. What must be cheap is measured by it: a clock on the wall would also measure what
// else the machine does.
func CPU(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
