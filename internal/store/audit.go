package store

import (
	"context"
	"fmt"

	"zhanggui/internal/journal"
	"zhanggui/internal/query"
)

// AuditReport says what an audit of the journal saw. Without findings the sealed history is
// exactly what was signed.
type AuditReport struct {
	Sealed   int64 // leaves read
	Unsealed int64 // entries that wait for the sealer; nothing vouches for them yet
	Findings []journal.Finding
}

// auditMembers is how many leaves are looked at in one snapshot. An audit of everything in one would
// keep the database from cleaning up behind it.
const auditMembers = 1000

// Audit recomputes the log from the entries and compares it with the stored hashes, with every stored
// checkpoint, and with those the auditor brought along. The latter count most: who can write the
// database and has the key can make the former agree.
func (db *DB) Audit(ctx context.Context, verifier journal.Verifier, brought ...[]byte) (AuditReport, error) {
	var rep AuditReport
	var a *journal.Audit
	var size int64
	err := db.Read(ctx, func(tx *Tx) error {
		list, early, err := tx.checkpoints(verifier)
		if err != nil {
			return err
		}
		for _, c := range list {
			size = max(size, c.Size)
		}
		for _, b := range brought {
			c, err := journal.Open(b, verifier)
			if err != nil {
				early = append(early, journal.Finding{Kind: journal.Unsigned, Leaf: -1, Detail: "brought along: " + err.Error()})
				continue
			}
			list = append(list, c)
		}
		a = journal.NewAudit(list...)
		for _, f := range early {
			a.Note(f)
		}
		return nil
	})
	if err != nil {
		return rep, err
	}
	if err := db.auditUnsealed(ctx, a); err != nil {
		return rep, err
	}
	for from := int64(0); from < size; from += auditMembers {
		if err := db.Read(ctx, func(tx *Tx) error { return tx.auditPart(a, from, min(from+auditMembers, size)) }); err != nil {
			return rep, err
		}
	}
	err = db.Read(ctx, func(tx *Tx) error { return tx.auditEnd(a, &rep) })
	if err != nil {
		return rep, err
	}
	a.Missing(size)
	rep.Sealed = a.Size()
	rep.Findings = a.Close()
	return rep, nil
}

// checkpoints reads all stored checkpoints; those that are not properly signed become findings.
func (tx *Tx) checkpoints(v journal.Verifier) (list []journal.Checkpoint, bad []journal.Finding, err error) {
	rows, err := tx.Select(query.Select{Table: "checkpoint", Alias: "c", Order: []query.Order{{Expr: query.Col{Alias: "c", Name: "size"}}}})
	if err != nil {
		return nil, nil, err
	}
	for _, row := range rows {
		note, _ := row["note"].(string)
		c, err := journal.Open([]byte(note), v)
		switch {
		case err != nil:
			bad = append(bad, journal.Finding{Kind: journal.Unsigned, Leaf: -1, Detail: fmt.Sprintf("checkpoint %v: %v", row["size"], err)})
		case row["size"] != c.Size || row["at"] != instant(c.At):
			bad = append(bad, journal.Finding{Kind: journal.Column, Leaf: -1, Detail: fmt.Sprintf("checkpoint %v was signed for %d", row["size"], c.Size)})
		default:
			list = append(list, c)
		}
	}
	return list, bad, nil
}

func (tx *Tx) auditPart(a *journal.Audit, from, to int64) error {
	between := func(alias, col string, from, to int64) query.Expr {
		c := query.Col{Alias: alias, Name: col}
		return query.And(query.Op{Name: ">=", Args: []query.Expr{c, query.Const{Value: from}}}, query.Op{Name: "<", Args: []query.Expr{c, query.Const{Value: to}}})
	}
	rows, err := tx.Select(query.Select{Table: "journal_hash", Alias: "h", Where: between("h", "idx", journal.HashCount(from), journal.HashCount(to))})
	if err != nil {
		return err
	}
	stored := make(map[int64]journal.Hash, len(rows))
	for _, row := range rows {
		i, _ := row["idx"].(int64)
		stored[i] = hashOf(row)
	}
	rows, err = tx.Select(query.Select{Table: "journal_entry", Alias: "e", Where: between("e", "leaf", from, to),
		Order: []query.Order{{Expr: query.Col{Alias: "e", Name: "leaf"}}}})
	if err != nil {
		return err
	}
	for _, row := range rows {
		leaf, _ := row["leaf"].(int64)
		id, _ := row["id"].(string)
		body, _ := row["body"].(string)
		var list []journal.Hash
		for i := journal.HashCount(leaf); i < journal.HashCount(leaf+1); i++ {
			h, ok := stored[i]
			if !ok {
				break
			}
			list = append(list, h)
		}
		a.Leaf(leaf, id, []byte(body), list)
		auditColumns(a, leaf, id, row)
	}
	return nil
}

// auditUnsealed looks at the columns of entries that wait for the seal; nothing but their own bytes vouches for them.
func (db *DB) auditUnsealed(ctx context.Context, a *journal.Audit) error {
	id := query.Col{Alias: "e", Name: "id"}
	for last, more := "", true; more; {
		err := db.Read(ctx, func(tx *Tx) error {
			rows, err := tx.Select(query.Select{Table: "journal_entry", Alias: "e", Limit: auditMembers, Order: []query.Order{{Expr: id}},
				Where: query.And(query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "e", Name: "leaf"}}}, query.Op{Name: ">", Args: []query.Expr{id, query.Const{Value: last}}})})
			more = len(rows) == auditMembers
			for _, row := range rows {
				last, _ = row["id"].(string)
				auditColumns(a, -1, last, row)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// auditColumns compares what is searched with what was sealed.
func auditColumns(a *journal.Audit, leaf int64, id string, row Row) {
	body, _ := row["body"].(string)
	e, err := journal.Parse([]byte(body))
	if err != nil {
		a.Note(journal.Finding{Kind: journal.Unread, Leaf: leaf, Entry: id, Detail: err.Error()})
		return
	}
	for name, want := range entryRow(e) {
		if row[name] != want && name != "body" {
			a.Note(journal.Finding{Kind: journal.Column, Leaf: leaf, Entry: id, Detail: fmt.Sprintf("%s is %v, sealed as %v", name, row[name], want)})
		}
	}
}

// auditEnd looks behind the end of the log, where the sealer may have gone on meanwhile.
func (tx *Tx) auditEnd(a *journal.Audit, rep *AuditReport) error {
	last, err := tx.lastCheckpoint()
	if err != nil {
		return err
	}
	size, _ := last["size"].(int64)
	beyond := func(table, col string, from int64) (int64, error) {
		c := query.Col{Alias: "t", Name: col}
		return tx.Count(table, query.Op{Name: "or", Args: []query.Expr{
			query.Op{Name: ">=", Args: []query.Expr{c, query.Const{Value: from}}},
			query.Op{Name: "<", Args: []query.Expr{c, query.Const{Value: 0}}}}})
	}
	n, err := beyond("journal_entry", "leaf", size)
	if err != nil {
		return err
	}
	if n > 0 {
		a.Note(journal.Finding{Kind: journal.Extra, Leaf: size, Detail: fmt.Sprintf("%d entries numbered outside the log of %d leaves", n, size)})
	}
	if n, err = beyond("journal_hash", "idx", journal.HashCount(size)); err != nil {
		return err
	}
	if n > 0 {
		a.Note(journal.Finding{Kind: journal.Extra, Leaf: -1, Detail: fmt.Sprintf("%d hashes outside the log of %d leaves", n, size)})
	}
	rep.Unsealed, err = tx.Count("journal_entry", query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "t", Name: "leaf"}}})
	return err
}
