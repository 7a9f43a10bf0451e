package journal

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Hash is a node of the tree (RFC 6962: SHA-256, leaves and nodes told apart by a prefix).
type Hash = tlog.Hash

// HashReader reads stored hashes by their index. The store fulfils it.
type HashReader = tlog.HashReader

// LeafHash is the hash of one entry's canonical bytes.
func LeafHash(body []byte) Hash { return tlog.RecordHash(body) }

// HashCount is how many hashes are stored for a log of so many leaves, about two a leaf.
func HashCount(size int64) int64 { return tlog.StoredHashCount(size) }

// LeafIndex is where the hash of a leaf is stored.
func LeafIndex(leaf int64) int64 { return tlog.StoredHashIndex(0, leaf) }

// Log is an append-only Merkle log over stored hashes. It reads what it needs, keeps what it adds,
// and leaves the writing to its owner, who does it in one transaction with the leaf numbers.
type Log struct {
	base int64 // leaves already stored
	size int64
	old  HashReader
	add  []Hash // hashes from HashCount(base) on
}

// OpenLog continues a log that has size leaves.
func OpenLog(size int64, stored HashReader) *Log { return &Log{base: size, size: size, old: stored} }

// Size is the number of leaves, those not yet written included.
func (l *Log) Size() int64 { return l.size }

// Append adds an entry's canonical bytes and answers its leaf number.
func (l *Log) Append(body []byte) (int64, error) {
	hashes, err := tlog.StoredHashesForRecordHash(l.size, LeafHash(body), l)
	if err != nil {
		return 0, fmt.Errorf("journal: append leaf %d: %w", l.size, err)
	}
	l.add = append(l.add, hashes...)
	l.size++
	return l.size - 1, nil
}

// Root is the hash that stands for all leaves. An empty log has the hash of nothing.
func (l *Log) Root() (Hash, error) { return tlog.TreeHash(l.size, l) }

// Added are the hashes to be stored, from index first on.
func (l *Log) Added() (first int64, hashes []Hash) { return HashCount(l.base), l.add }

// ReadHashes makes the log a HashReader over stored and added hashes.
func (l *Log) ReadHashes(indexes []int64) ([]Hash, error) {
	first := HashCount(l.base)
	out := make([]Hash, len(indexes))
	var ask, at []int64
	for i, x := range indexes {
		if x < first {
			ask, at = append(ask, x), append(at, int64(i))
			continue
		}
		if x-first >= int64(len(l.add)) {
			return nil, fmt.Errorf("journal: hash %d is not there yet", x)
		}
		out[i] = l.add[x-first]
	}
	if len(ask) == 0 {
		return out, nil
	}
	got, err := l.old.ReadHashes(ask)
	if err != nil {
		return nil, err
	}
	for i, h := range got {
		out[at[i]] = h
	}
	return out, nil
}

// ProveInclusion shows that a leaf is in the log of this size.
func ProveInclusion(size, leaf int64, r HashReader) ([]Hash, error) {
	return tlog.ProveRecord(size, leaf, r)
}

// CheckInclusion checks such a proof against a checkpoint, with the entry's own bytes.
func CheckInclusion(proof []Hash, c Checkpoint, leaf int64, body []byte) error {
	return tlog.CheckRecord(proof, c.Size, c.Root, leaf, LeafHash(body))
}

// CheckLeaf checks such a proof with the leaf's hash alone, where the entry itself may not be seen.
func CheckLeaf(proof []Hash, c Checkpoint, leaf int64, h Hash) error {
	return tlog.CheckRecord(proof, c.Size, c.Root, leaf, h)
}

// ParseHash reads a hash in base64, as proofs are handed out.
func ParseHash(s string) (Hash, error) { return tlog.ParseHash(s) }

// ProveConsistency shows that the log of the larger size continues that of the smaller.
func ProveConsistency(older, newer int64, r HashReader) ([]Hash, error) {
	if older == 0 {
		return nil, nil // everything continues an empty log
	}
	return tlog.ProveTree(newer, older, r)
}

// CheckConsistency checks such a proof: nothing before the older checkpoint was touched.
func CheckConsistency(proof []Hash, older, newer Checkpoint) error {
	if older.Origin != newer.Origin {
		return fmt.Errorf("journal: checkpoints of two logs: %s and %s", older.Origin, newer.Origin)
	}
	if older.Size > newer.Size {
		return fmt.Errorf("journal: the log shrank from %d to %d leaves", older.Size, newer.Size)
	}
	if older.Size == 0 {
		return nil
	}
	if older.Size == newer.Size && older.Root != newer.Root {
		return fmt.Errorf("journal: two different logs of %d leaves", older.Size)
	}
	return tlog.CheckTree(proof, newer.Size, newer.Root, older.Size, older.Root)
}
