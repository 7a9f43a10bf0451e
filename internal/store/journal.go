package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"zhanggui/internal/journal"
	"zhanggui/internal/query"
)

// Append writes an entry into the journal, in the transaction of the change it tells of. It gives the entry its turn and
// all that the transaction has written since the entry before.
func (tx *Tx) Append(e *journal.Entry) error {
	if err := tx.ready(true); err != nil {
		return err
	}
	if p := tx.db.kept.hold.Load(); p != nil {
		return *p
	}
	if ask := tx.db.kept.wait.Load(); ask != nil {
		if err := (*ask)(); err != nil {
			return err
		}
	}
	if err := tx.fillEntry(e); err != nil {
		return err
	}
	return tx.Insert("journal_entry", entryRow(e))
}

// entryRow is an entry as a row: its bytes, and beside them what is searched.
func entryRow(e *journal.Entry) Row {
	return Row{"id": e.ID, "at": instant(e.At), "recorded": instant(e.Recorded), "actor": e.Actor, "form": e.Form, "record": e.Record,
		"action": e.Action, "unit": e.Unit, "refused": e.Refused, "clauses": "," + strings.Join(e.Clauses, ",") + ",",
		"body": string(e.Canonical()), "turn": e.Turn}
}

func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// sealMembers bounds the entries of one checkpoint, so that a long queue does not hold the writer.
const sealMembers = 512

// Seal folds all entries that are not yet in the log into it, in an order that never changes again,
// and signs checkpoints. It answers how many entries that were. The signer's name is the log's.
// Several nodes may call it; they take turns.
//
// An entry that commits late, after others that began later were sealed, is not lost: the sealer
// asks which entries have no leaf, never which came after the last one.
func (db *DB) Seal(ctx context.Context, now time.Time, signer journal.Signer) (int, error) {
	for total := 0; ; {
		n := 0
		err := db.Write(ctx, func(tx *Tx) (err error) {
			n, err = tx.seal(now, signer)
			return err
		})
		total += n
		if err != nil || n < sealMembers {
			return total, err
		}
	}
}

func (tx *Tx) seal(now time.Time, signer journal.Signer) (int, error) {
	if err := tx.Lock("journal.seal"); err != nil {
		return 0, err
	}
	rows, err := tx.waiting(sealMembers)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	last, err := tx.lastCheckpoint()
	if err != nil {
		return 0, err
	}
	size, _ := last["size"].(int64)
	log := journal.OpenLog(size, hashes{tx})
	leaves := make([][]any, len(rows))
	for i, row := range rows {
		body, _ := row["body"].(string)
		leaf, err := log.Append([]byte(body))
		if err != nil {
			return 0, err
		}
		leaves[i] = []any{leaf, row["id"]}
	}
	root, err := log.Root()
	if err != nil {
		return 0, err
	}
	first, added := log.Added()
	list := make([]Row, len(added))
	for i, h := range added {
		list[i] = Row{"idx": first + int64(i), "hash": h[:]}
	}
	if err := tx.InsertMany("journal_hash", list); err != nil {
		return 0, err
	}
	if _, err := tx.execMany(`UPDATE "journal_entry" SET "leaf" = `+tx.mark(1)+` WHERE "id" = `+tx.mark(2), leaves); err != nil {
		return 0, tx.fail(err)
	}
	note, err := journal.Checkpoint{Origin: signer.Name(), Size: log.Size(), Root: root, At: now}.Sign(signer)
	if err != nil {
		return 0, err
	}
	return len(rows), tx.Insert("checkpoint", Row{"size": log.Size(), "at": instant(now), "note": string(note)})
}

// waiting are the id and body of the first entries that have no leaf yet, in the order in which they get one.
func (tx *Tx) waiting(limit int64) ([]Row, error) {
	col := func(name string) query.Expr { return query.Col{Alias: "e", Name: name} }
	return tx.Select(query.Select{Table: "journal_entry", Alias: "e", Limit: int(limit),
		Columns: []query.Column{{Name: "id", Expr: col("id")}, {Name: "body", Expr: col("body")}},
		Where:   query.Op{Name: "isnull", Args: []query.Expr{col("leaf")}},
		Order:   []query.Order{{Expr: col("recorded")}, {Expr: col("id")}}})
}

// lastCheckpoint is the newest row of checkpoint, nil before the first.
func (tx *Tx) lastCheckpoint() (Row, error) {
	rows, err := tx.Select(query.Select{Table: "checkpoint", Alias: "c", Order: []query.Order{{Expr: query.Col{Alias: "c", Name: "size"}, Desc: true}}, Limit: 1})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0], nil
}

// Checkpoint is the newest signed state of the log, as an auditor takes it away; nil before the first.
func (tx *Tx) Checkpoint() ([]byte, error) {
	row, err := tx.lastCheckpoint()
	if row == nil {
		return nil, err
	}
	s, _ := row["note"].(string)
	return []byte(s), nil
}

// Hashes reads the stored hashes of the log, for proofs.
func (tx *Tx) Hashes() journal.HashReader { return hashes{tx} }

type hashes struct{ tx *Tx }

func (h hashes) ReadHashes(indexes []int64) ([]journal.Hash, error) {
	members := []query.Expr{query.Col{Alias: "h", Name: "idx"}}
	for _, i := range indexes {
		members = append(members, query.Const{Value: i})
	}
	rows, err := h.tx.Select(query.Select{Table: "journal_hash", Alias: "h", Where: query.Op{Name: "in", Args: members}})
	if err != nil {
		return nil, err
	}
	found := map[int64]journal.Hash{}
	for _, row := range rows {
		i, _ := row["idx"].(int64)
		found[i] = hashOf(row)
	}
	out := make([]journal.Hash, len(indexes))
	for n, i := range indexes {
		x, ok := found[i]
		if !ok {
			return nil, fmt.Errorf("store: hash %d of the log is missing", i)
		}
		out[n] = x
	}
	return out, nil
}

func hashOf(row Row) (h journal.Hash) {
	b, _ := row["hash"].([]byte)
	copy(h[:], b)
	return h
}
