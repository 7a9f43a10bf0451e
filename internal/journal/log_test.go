package journal_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"zhanggui/internal/journal"
)

// stored is a log's hashes in memory.
type stored []journal.Hash

func (s stored) ReadHashes(indexes []int64) ([]journal.Hash, error) {
	out := make([]journal.Hash, len(indexes))
	for i, x := range indexes {
		if x >= int64(len(s)) {
			return nil, errors.New("not stored")
		}
		out[i] = s[x]
	}
	return out, nil
}

func leaf(i int64) []byte { return fmt.Appendf(nil, "leaf %d", i) }

// grow builds a log of so many leaves in batches of changing size, and the root at every batch's end.
func grow(t testing.TB, size int64) (stored, []journal.Checkpoint) {
	var s stored
	var list []journal.Checkpoint
	for done := int64(0); done < size; {
		l := journal.OpenLog(done, s)
		for n := int64(0); n < 1+done%7 && l.Size() < size; n++ {
			got, err := l.Append(leaf(l.Size()))
			if err != nil || got != l.Size()-1 {
				t.Fatal(got, err)
			}
		}
		root, err := l.Root()
		if err != nil {
			t.Fatal(err)
		}
		first, added := l.Added()
		if first != int64(len(s)) {
			t.Fatalf("hashes from %d, %d are stored", first, len(s))
		}
		s = append(s, added...)
		done = l.Size()
		list = append(list, journal.Checkpoint{Origin: "shop", Size: done, Root: root, At: at.Add(time.Duration(done) * time.Minute)})
	}
	return s, list
}

// The log is the one the library builds leaf by leaf, in whatever batches it grew.
func TestLog(t *testing.T) {
	s, list := grow(t, 200)
	var want stored
	for i := range int64(200) {
		h, err := tlog.StoredHashes(i, leaf(i), want)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, h...)
		for _, c := range list {
			if c.Size != i+1 {
				continue
			}
			if root, err := tlog.TreeHash(i+1, want); err != nil || root != c.Root {
				t.Errorf("root of %d leaves: %v %v", i+1, root, err)
			}
		}
	}
	if len(s) != len(want) || journal.HashCount(200) != int64(len(s)) || s[journal.LeafIndex(77)] != journal.LeafHash(leaf(77)) {
		t.Errorf("%d hashes, want %d", len(s), len(want))
	}
	if _, err := journal.OpenLog(8, stored{}).Append(leaf(8)); err != nil {
		t.Errorf("leaf 8 needs no older hash: %v", err)
	}
	if _, err := journal.OpenLog(7, stored{}).Append(leaf(7)); err == nil {
		t.Error("appended without the hashes it stands on")
	}
}

func TestProofs(t *testing.T) {
	s, list := grow(t, 60)
	last := list[len(list)-1]
	for i := range last.Size {
		proof, err := journal.ProveInclusion(last.Size, i, s)
		if err != nil {
			t.Fatal(err)
		}
		if err := journal.CheckInclusion(proof, last, i, leaf(i)); err != nil {
			t.Errorf("leaf %d: %v", i, err)
		}
		if journal.CheckInclusion(proof, last, i, leaf(i+1)) == nil || (i > 0 && journal.CheckInclusion(proof, last, i-1, leaf(i)) == nil) {
			t.Errorf("leaf %d: a false proof was believed", i)
		}
	}
	list = append([]journal.Checkpoint{{Origin: "shop"}}, list...)
	for _, older := range list {
		proof, err := journal.ProveConsistency(older.Size, last.Size, s)
		if err != nil {
			t.Fatal(err)
		}
		if err := journal.CheckConsistency(proof, older, last); err != nil {
			t.Errorf("from %d: %v", older.Size, err)
		}
		forged := older
		forged.Root[3] ^= 1
		if older.Size > 0 && journal.CheckConsistency(proof, forged, last) == nil {
			t.Errorf("from %d: another history was believed", older.Size)
		}
		if older.Size < last.Size && journal.CheckConsistency(proof, last, older) == nil {
			t.Error("a log that shrank was believed")
		}
	}
	other := last
	other.Origin = "other"
	if journal.CheckConsistency(nil, last, other) == nil {
		t.Error("another log was believed")
	}
}

func keys(t testing.TB, origin string) (journal.Signer, journal.Verifier) {
	secret, public, err := journal.NewKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	s, err := journal.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	v, err := journal.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return s, v
}

func TestCheckpoint(t *testing.T) {
	_, list := grow(t, 9)
	c := list[len(list)-1]
	shop, shopKey := keys(t, "shop")
	thief, thiefKey := keys(t, "shop")
	witness, witnessKey := keys(t, "witness")
	message, err := c.Sign(shop)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := journal.Open(message, shopKey); err != nil || got.Body() != c.Body() || !got.At.Equal(c.At) {
		t.Errorf("%v %v", got, err)
	}
	both, err := journal.Cosign(message, []journal.Verifier{shopKey}, witness)
	if err != nil || strings.Count(string(both), "\n— ") != 2 {
		t.Fatalf("%s %v", both, err)
	}
	if _, err := journal.Open(both, shopKey, witnessKey); err != nil {
		t.Error(err)
	}
	if _, err := c.Sign(); err == nil {
		t.Error("signed by nobody")
	}
	alone, _ := c.Sign(witness)
	stolen, _ := c.Sign(thief)
	_ = thiefKey
	for name, m := range map[string][]byte{"another key": stolen, "only the witness": alone, "changed": []byte(strings.Replace(string(message), "\n9\n", "\n8\n", 1)), "empty": nil} {
		if _, err := journal.Open(m, shopKey, witnessKey); err == nil {
			t.Errorf("%s was believed", name)
		}
	}
	good := c.Body()
	for _, bad := range []string{"", good + "x\n", strings.Replace(good, "\n9\n", "\n09\n", 1), strings.Replace(good, "\n9\n", "\n-9\n", 1), strings.Replace(good, "time ", "tim ", 1),
		strings.Replace(good, ".123Z", ".1234Z", 1), strings.Replace(good, "=", "", 1), strings.Replace(good, "shop", "", 1)} {
		if _, err := journal.ParseBody(bad); err == nil {
			t.Errorf("read %q", bad)
		}
	}
}
