package journal_test

import (
	"fmt"
	"slices"
	"testing"

	"zhanggui/internal/journal"
)

// history is what an audit reads, to be tampered with.
type history struct {
	bodies map[int64][]byte
	hashes stored
	checks []journal.Checkpoint
}

func newHistory(t testing.TB, size int64) *history {
	s, list := grow(t, size)
	h := &history{bodies: map[int64][]byte{}, hashes: s, checks: list}
	for i := range size {
		h.bodies[i] = leaf(i)
	}
	return h
}

func (h *history) audit(size int64) []journal.Finding {
	a := journal.NewAudit(h.checks...)
	for i := range size {
		if body, ok := h.bodies[i]; ok {
			a.Leaf(i, fmt.Sprint("e", i), body, h.hashes[journal.HashCount(i):journal.HashCount(i+1)])
		}
	}
	a.Missing(size)
	return a.Close()
}

// rebuild seals the bodies anew, as an intruder who can write everything would.
func (h *history) rebuild(t *testing.T, size int64, sign bool) {
	l := journal.OpenLog(0, stored{})
	for i := range size {
		if _, err := l.Append(h.bodies[i]); err != nil {
			t.Fatal(err)
		}
		for n := range h.checks {
			if sign && h.checks[n].Size == l.Size() {
				h.checks[n].Root, _ = l.Root()
			}
		}
	}
	_, h.hashes = l.Added()
}

func TestAudit(t *testing.T) {
	const size = 40
	if found := newHistory(t, size).audit(size); len(found) != 0 {
		t.Fatalf("an untouched log: %v", found)
	}
	for name, c := range map[string]struct {
		tamper func(h *history)
		kind   string
		leaf   int64
	}{
		"alter":         {func(h *history) { h.bodies[17] = []byte("x") }, journal.Altered, 17},
		"alter first":   {func(h *history) { h.bodies[0] = []byte("x") }, journal.Altered, 0},
		"alter last":    {func(h *history) { h.bodies[39] = []byte("x") }, journal.Altered, 39},
		"delete":        {func(h *history) { delete(h.bodies, 23) }, journal.Missing, 23},
		"truncate":      {func(h *history) { delete(h.bodies, 38); delete(h.bodies, 39) }, journal.Missing, 38},
		"swap":          {func(h *history) { h.bodies[5], h.bodies[9] = h.bodies[9], h.bodies[5] }, journal.Altered, 5},
		"leaf hash":     {func(h *history) { h.hashes[journal.LeafIndex(12)][0] ^= 1 }, journal.Altered, 12},
		"inner hash":    {func(h *history) { h.hashes[journal.LeafIndex(7)+1][0] ^= 1 }, journal.Rehashed, 7},
		"re-chain":      {func(h *history) { h.bodies[17] = []byte("x"); h.rebuild(t, size, false) }, journal.Forked, -1},
		"later size":    {func(h *history) { h.checks = append(h.checks, journal.Checkpoint{Size: 50, At: at}) }, journal.Shrunk, 40},
		"empty forgery": {func(h *history) { h.checks = append(h.checks, journal.Checkpoint{Size: 0, At: at}) }, journal.Forked, -1},
	} {
		h := newHistory(t, size)
		c.tamper(h)
		found := h.audit(size)
		if len(found) == 0 || found[0].Kind != c.kind || found[0].Leaf != c.leaf {
			t.Errorf("%s: %v", name, found)
		}
	}
	// Sealed and signed anew with the stolen key: only what an auditor took home tells.
	h := newHistory(t, size)
	kept := slices.Clone(h.checks)[2]
	h.bodies[1] = []byte("x")
	h.rebuild(t, size, true)
	if found := h.audit(size); len(found) != 0 {
		t.Fatalf("the forgery is not complete: %v", found)
	}
	h.checks = append(h.checks, kept)
	if found := h.audit(size); len(found) != 1 || found[0].Kind != journal.Forked {
		t.Errorf("%v", found)
	}
}

func TestAudit_Twice(t *testing.T) {
	a := journal.NewAudit()
	s, _ := grow(t, 2)
	a.Leaf(0, "a", leaf(0), s[:1])
	a.Leaf(0, "b", leaf(0), s[:1])
	if found := a.Close(); len(found) != 1 || found[0].Kind != journal.Extra || found[0].Entry != "b" || a.Size() != 1 {
		t.Errorf("%v", found)
	}
}
