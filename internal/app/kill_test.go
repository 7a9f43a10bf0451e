package app_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"zhanggui/internal/testkit"
)

// Ensure that what was acknowledged survives kill -9 of the real program, at any moment and on the same file again and
// again: nothing lost, nothing twice, no record without its journal entry or the reverse, no hole in the numbers, and the
// journal verifies.
func TestKill_NothingAcknowledgedIsLost(t *testing.T) {
	kills := testkit.Long(t, 12, 200)
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 1))
	v := newVictim(t, t.TempDir())
	v.found()
	var sum toll
	for n := range kills {
		stop := make(chan struct{})
		wg := v.write(stop)
		time.Sleep(time.Duration(5+rnd.IntN(495)) * time.Millisecond) // the moment of a death is what is drawn here
		v.kill()
		close(stop)
		wg.Wait()
		a := v.look()
		if a.bad() {
			t.Errorf("kill %d, seed %d: %+v", n+1, seed, a)
		}
		sum = toll{sum.lost + a.lost, sum.doubled + a.doubled, sum.half + a.half, sum.holes + a.holes}
		if n%10 == 9 || n == kills-1 {
			v.verified()
		}
		v.start()
	}
	v.kill()
	t.Logf("%d kills, %d acknowledged acts, %d lost, %d doubled, %d half, %d holes; ready after p50 %v p99 %v; seed %d", kills, len(v.acked), sum.lost, sum.doubled, sum.half, sum.holes,
		percentile(v.ready, 50).Round(time.Millisecond), percentile(v.ready, 99).Round(time.Millisecond), seed)
	if len(v.acked) < 20*kills {
		t.Errorf("only %d acts: this proves little", len(v.acked))
	}
}

// Ensure that the look afterwards would see a loss: a record taken away, a number taken away and an entry taken away.
func TestKill_TheLookSees(t *testing.T) {
	v := newVictim(t, t.TempDir())
	v.found()
	for _, n := range []string{"a", "b", "c"} {
		number, ok := v.send(n)
		if !ok {
			t.Fatal("not acknowledged")
		}
		v.acked[n] = number
	}
	v.kill()
	if a := v.look(); a.bad() {
		t.Fatalf("before: %+v", a)
	}
	v.acked["d"] = "K00004"
	if a := v.look(); a.lost != 1 {
		t.Errorf("a lost act is not seen: %+v", a)
	}
	delete(v.acked, "d")
	for _, n := range []string{"a.db", "a.db-wal"} { // the file as it was before anything was written
		if _, err := os.Stat(filepath.Join(v.dir, n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(v.file("a.db-wal")); err != nil {
		t.Fatal(err)
	}
	if a := v.look(); a.lost == 0 {
		t.Errorf("the lost log is not seen: %+v", a)
	}
}
