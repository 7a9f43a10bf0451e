package app_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// Ensure that what was acknowledged survives kill -9 of the real program, at any moment and on the same file again and
// again: nothing lost, nothing twice, no record without its journal entry or the reverse, no hole in the numbers, the ledgers
// hold what was posted, each posting once (P21), and the journal verifies.
func TestKill_NothingAcknowledgedIsLost(t *testing.T) {
	kills := testkit.Long(t, 12, 200)
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 1))
	v := newVictim(t, t.TempDir())
	v.found()
	var sum toll
	n := 0
	for ; n < kills || len(v.acked) < 20*kills && n < 20*kills; n++ { // fewer acts would prove little
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
		sum = sum.plus(a)
		if n%10 == 9 {
			v.verified()
		}
		v.start()
		money, goods := v.says()
		if money != decimal(v.sums[0], 2) || goods != decimal(v.sums[1], 3) {
			t.Errorf("kill %d, seed %d: the ledgers hold %s and %s, the sales make %s and %s", n+1, seed, money, goods, decimal(v.sums[0], 2), decimal(v.sums[1], 3))
		}
	}
	v.settle()
	v.kill()
	v.verified()
	if a := v.look(); a.bad() {
		t.Errorf("at the end, seed %d: %+v", seed, a)
	}
	var money, goods int64
	for name := range v.acked {
		money, goods = money+cents(name)-1, goods-grams(name)
	}
	if v.sums != [2]int64{money, goods} {
		t.Errorf("seed %d: the ledgers hold %v, what was acknowledged makes %d and %d", seed, v.sums, money, goods)
	}
	t.Logf("%d kills, %d acknowledged acts, %+v; ready after p50 %v p99 %v; seed %d", n, len(v.acked), sum,
		percentile(v.ready, 50).Round(time.Millisecond), percentile(v.ready, 99).Round(time.Millisecond), seed)
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
	sales := []store.Row{{"id": "1", "name": "c0-1"}}
	posted := func(kind string, n int64) store.Row {
		return store.Row{"of_id": "1", "kind": kind, "amount": n, "quantity": n}
	}
	whole := []store.Row{posted("paid", cents("c0-1")), posted("fee", 1), posted("out", grams("c0-1"))}
	if v.balance(sales, whole) != 0 {
		t.Error("a whole sale is found wanting")
	}
	for name, list := range map[string][]store.Row{"one missing": whole[1:], "one twice": append(whole, whole[0]), "one of no sale": append(whole, store.Row{"of_id": "2", "kind": "fee", "amount": int64(1)}),
		"another amount": {whole[0], whole[1], posted("out", 1)}} {
		if v.balance(sales, list) == 0 {
			t.Errorf("not seen: %s", name)
		}
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
