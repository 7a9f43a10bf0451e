package store

import (
	"context"

	"golang.org/x/mod/sumdb/tlog"

	"zhanggui/internal/journal"
	"zhanggui/internal/query"
)

// Checkpoint is the newest signed state of the log; nil before the first.
func (db *DB) Checkpoint(ctx context.Context) (note []byte, err error) {
	err = db.Read(ctx, func(tx *Tx) error { note, err = tx.Checkpoint(); return err })
	return note, err
}

// LogRoot answers how many leaves the log has, and its root when it had that many (or the newest, if it never had).
func (db *DB) LogRoot(ctx context.Context, at int64) (size int64, root journal.Hash, err error) {
	err = db.Read(ctx, func(tx *Tx) error {
		row, err := tx.lastCheckpoint()
		if err != nil {
			return err
		}
		size, _ = row["size"].(int64)
		root, err = tlog.TreeHash(min(at, size), tx.Hashes())
		return err
	})
	return size, root, err
}

// Continues is whether a checkpoint of more leaves than the log has is what the entries that wait for the seal come to, sealed in their order:
// a copy that was taken between an act and its seal lacks nothing.
func (db *DB) Continues(ctx context.Context, c journal.Checkpoint) (yes bool, err error) {
	err = db.Read(ctx, func(tx *Tx) error {
		row, err := tx.lastCheckpoint()
		if err != nil {
			return err
		}
		size, _ := row["size"].(int64)
		if c.Size <= size || c.Size-size > 1<<14 { // more do not wait where a seal works
			return nil
		}
		rows, err := tx.waiting(c.Size - size)
		if err != nil || int64(len(rows)) < c.Size-size {
			return err
		}
		log := journal.OpenLog(size, tx.Hashes())
		for _, row := range rows {
			body, _ := row["body"].(string)
			if _, err := log.Append([]byte(body)); err != nil {
				return err
			}
		}
		root, err := log.Root()
		yes = err == nil && root == c.Root
		return err
	})
	return yes, err
}

// ProveConsistency shows that the log of the newer size continues that of the older.
func (db *DB) ProveConsistency(ctx context.Context, older, newer int64) (proof []journal.Hash, err error) {
	err = db.Read(ctx, func(tx *Tx) error {
		proof, err = journal.ProveConsistency(older, newer, tx.Hashes())
		return err
	})
	return proof, err
}

// ProveInclusion shows that a leaf is in the log of this size.
func (db *DB) ProveInclusion(ctx context.Context, size, leaf int64) (proof []journal.Hash, err error) {
	err = db.Read(ctx, func(tx *Tx) error {
		proof, err = journal.ProveInclusion(size, leaf, tx.Hashes())
		return err
	})
	return proof, err
}

// Witness is how far a witness outside has signed.
type Witness struct {
	Name string
	Size int64
	At   string
	Note []byte
}

// Witnessed keeps the newest checkpoint of a witness.
func (db *DB) Witnessed(ctx context.Context, w Witness) error {
	return db.Write(ctx, func(tx *Tx) error {
		return tx.Upsert("witness", []string{"name"}, Row{"name": w.Name, "size": w.Size, "at": w.At, "note": string(w.Note)})
	})
}

// Witnesses are those who have signed a checkpoint, by name.
func (db *DB) Witnesses(ctx context.Context) (list []Witness, err error) {
	err = db.Read(ctx, func(tx *Tx) error {
		rows, err := tx.Select(query.Select{Table: "witness", Alias: "w", Order: []query.Order{{Expr: query.Col{Alias: "w", Name: "name"}}}})
		for _, row := range rows {
			w := Witness{}
			w.Name, _ = row["name"].(string)
			w.Size, _ = row["size"].(int64)
			w.At, _ = row["at"].(string)
			note, _ := row["note"].(string)
			w.Note = []byte(note)
			list = append(list, w)
		}
		return err
	})
	return list, err
}

// Entries is how many entries there are, sealed or not.
func (db *DB) Entries(ctx context.Context) (n int64, err error) {
	err = db.Read(ctx, func(tx *Tx) error { n, err = tx.Count("journal_entry", nil); return err })
	return n, err
}

// EachLeaf hands out the sealed entries' bytes in the order of the log, up to size.
func (db *DB) EachLeaf(ctx context.Context, size int64, fn func(leaf int64, body []byte) error) error {
	leaf := query.Col{Alias: "e", Name: "leaf"}
	for from := int64(0); from < size; from += auditMembers {
		var rows []Row
		err := db.Read(ctx, func(tx *Tx) (err error) {
			rows, err = tx.Select(query.Select{Table: "journal_entry", Alias: "e", Order: []query.Order{{Expr: leaf}},
				Columns: []query.Column{{Name: "leaf", Expr: leaf}, {Name: "body", Expr: query.Col{Alias: "e", Name: "body"}}},
				Where: query.And(query.Op{Name: ">=", Args: []query.Expr{leaf, query.Const{Value: from}}},
					query.Op{Name: "<", Args: []query.Expr{leaf, query.Const{Value: min(from+auditMembers, size)}}})})
			return err
		})
		if err != nil {
			return err
		}
		for _, row := range rows {
			n, _ := row["leaf"].(int64)
			body, _ := row["body"].(string)
			if err := fn(n, []byte(body)); err != nil {
				return err
			}
		}
	}
	return nil
}
