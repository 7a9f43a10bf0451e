package journal

import (
	"cmp"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// What an audit can find.
const (
	Altered  = "altered"    // an entry's bytes are not those that were sealed
	Missing  = "missing"    // a leaf is gone
	Extra    = "extra"      // a leaf stands behind the last checkpoint, where none was sealed
	Rehashed = "rehashed"   // a stored hash is not the one that follows from the leaves
	Forked   = "forked"     // a checkpoint signed another history
	Shrunk   = "shrunk"     // a checkpoint covers more leaves than there are
	Unsigned = "unsigned"   // a checkpoint is not signed by the log's key
	Column   = "column"     // a column beside the entry's bytes says something else
	Unread   = "unreadable" // the bytes are not an entry
)

// Finding is one thing that is wrong. Leaf is -1 when no single leaf can be named.
type Finding struct {
	Kind   string
	Leaf   int64
	Entry  string
	Detail string
}

func (f Finding) String() string {
	return fmt.Sprintf("%s: leaf %d %s %s", f.Kind, f.Leaf, f.Entry, f.Detail)
}

// Audit recomputes a log from its leaves. It holds only one hash a level, so a log of any length can
// be streamed through it; and it does not use the code that built the log.
type Audit struct {
	size   int64
	peaks  []peak
	want   []Checkpoint // by size; those not yet reached
	good   int64        // size of the last checkpoint that agreed
	forked int
	found  []Finding
}

// peak is the root of a full subtree. What is built on a bad leaf is bad as well and is not reported again.
type peak struct {
	level int
	hash  Hash
	bad   bool
}

// NewAudit starts with the checkpoints to compare with: those stored, and those the auditor brought.
func NewAudit(checkpoints ...Checkpoint) *Audit {
	want := slices.Clone(checkpoints)
	slices.SortStableFunc(want, func(a, b Checkpoint) int { return cmp.Compare(a.Size, b.Size) })
	a := &Audit{want: want}
	a.compare()
	return a
}

// Size is how many leaves were seen.
func (a *Audit) Size() int64 { return a.size }

// Leaf takes the next leaf with its stored hashes, which begin at HashCount(leaf); fewer than
// expected count as changed.
func (a *Audit) Leaf(leaf int64, id string, body []byte, stored []Hash) {
	if leaf < a.size {
		a.add(Finding{Kind: Extra, Leaf: leaf, Entry: id, Detail: "a second entry has this leaf"})
		return
	}
	a.Missing(leaf)
	h := LeafHash(body)
	altered := len(stored) > 0 && stored[0] != h
	if altered {
		a.add(Finding{Kind: Altered, Leaf: leaf, Entry: id})
	}
	a.push(peak{hash: h, bad: altered}, stored, id)
	a.size++
	a.compare()
}

// Body takes the next leaf where no hashes are stored beside it: the checkpoints alone decide.
func (a *Audit) Body(leaf int64, body []byte) {
	h := LeafHash(body)
	hashes := []Hash{h}
	for i := len(a.peaks) - 1; i >= 0 && a.peaks[i].level == len(hashes)-1; i-- {
		hashes = append(hashes, tlog.NodeHash(a.peaks[i].hash, hashes[len(hashes)-1]))
	}
	a.Leaf(leaf, "", body, hashes)
}

// push adds a leaf, merges full subtrees and compares each new node with the stored one.
func (a *Audit) push(node peak, stored []Hash, id string) {
	for n := 0; ; n++ {
		if !node.bad && (n >= len(stored) || stored[n] != node.hash) {
			a.add(Finding{Kind: Rehashed, Leaf: a.size, Entry: id, Detail: fmt.Sprintf("level %d", n)})
			node.bad = true
		}
		last := len(a.peaks) - 1
		if last < 0 || a.peaks[last].level != node.level {
			break
		}
		left := a.peaks[last]
		node = peak{node.level + 1, tlog.NodeHash(left.hash, node.hash), left.bad || node.bad}
		a.peaks = a.peaks[:last]
	}
	a.peaks = append(a.peaks, node)
}

// root folds the peaks from the right.
func (a *Audit) root() Hash {
	if len(a.peaks) == 0 {
		h, _ := tlog.TreeHash(0, nil)
		return h
	}
	h := a.peaks[len(a.peaks)-1].hash
	for i := len(a.peaks) - 2; i >= 0; i-- {
		h = tlog.NodeHash(a.peaks[i].hash, h)
	}
	return h
}

func (a *Audit) compare() {
	for len(a.want) > 0 && a.want[0].Size == a.size {
		c := a.want[0]
		a.want = a.want[1:]
		if c.Root == a.root() {
			a.good = c.Size
			continue
		}
		if a.forked++; a.forked == 1 { // all later ones disagree as well; the first one says where
			a.add(Finding{Kind: Forked, Leaf: -1, Detail: fmt.Sprintf("checkpoint of %s, size %d: a leaf from %d to %d differs", instant(c.At), c.Size, a.good, c.Size-1)})
		}
	}
}

// Note adds something the caller found beside the hashes.
func (a *Audit) Note(f Finding) { a.add(f) }

func (a *Audit) add(f Finding) { a.found = append(a.found, f) }

// Missing notes the leaves up to size that never came.
func (a *Audit) Missing(size int64) {
	for ; a.size < size; a.size++ {
		a.add(Finding{Kind: Missing, Leaf: a.size})
		a.push(peak{bad: true}, nil, "")
		a.compare()
	}
}

// Close ends the audit. The findings come with the first bad leaf first.
func (a *Audit) Close() []Finding {
	for _, c := range a.want {
		a.add(Finding{Kind: Shrunk, Leaf: a.size, Detail: fmt.Sprintf("checkpoint of %s covers %d leaves, there are %d", instant(c.At), c.Size, a.size)})
	}
	a.want = nil
	slices.SortStableFunc(a.found, func(x, y Finding) int {
		return cmp.Compare(uint64(x.Leaf), uint64(y.Leaf)) // no leaf, -1, sorts last
	})
	return a.found
}
