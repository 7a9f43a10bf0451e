package store

import (
	"fmt"
	"strings"

	"zhanggui/internal/query"
)

// pipe is what a transaction on PostgreSQL has asked before it needs to know, and what it writes without waiting for the answer.
type pipe struct {
	got map[string]*foretold
}

// foretold is the answer to a question that was asked ahead; nil rows = there are none.
type foretold struct {
	table string
	came  bool
	rows  []Row
}

// Pipe lets statements of this transaction that need no answer go along with the next that does, and the last of them with the commit; on
// SQLite, where nothing travels, it does nothing. What fails is then told by a later statement or by Write, never forgotten.
func (tx *Tx) Pipe() {
	if _, ok := tx.s.(*pgSession); ok && tx.pipe == nil {
		tx.pipe = &pipe{got: map[string]*foretold{}}
	}
}

// Piped tells whether Pipe does anything.
func (tx *Tx) Piped() bool { return tx.pipe != nil }

// Settle sends what waits, and tells what fails of it.
func (tx *Tx) Settle() error {
	if tx.pipe == nil || len(tx.s.(*pgSession).wait) == 0 {
		return tx.failed
	}
	return tx.fail(tx.s.(*pgSession).send(tx.ctx))
}

// say runs a statement whose answer nobody needs; check = nil, or it must please how many rows it was about.
func (tx *Tx) say(sql string, args []any, check func(int64) error) error {
	tx.asked()
	if tx.pipe != nil {
		return tx.fail(tx.s.(*pgSession).later(tx.ctx, sql, args, check))
	}
	n, err := tx.s.exec(tx.ctx, sql, args)
	if err == nil && check != nil {
		err = check(n)
	}
	return tx.fail(err)
}

// Ahead says that the row with this id will be asked for, with Get, or with lock by GetForUpdate: on PostgreSQL it is asked along with the next
// question. The answer is used once, and only as long as this transaction neither writes into the table nor waits for a lock meanwhile; a row
// that is locked so stays locked.
func (tx *Tx) Ahead(table, id string, lock bool) {
	t := tx.schema.tables[table]
	if tx.pipe == nil || t == nil || !storable(id) || id == "" || tx.ready(lock) != nil {
		return
	}
	if a, err := tx.oneOf(t, id, lock); err == nil {
		tx.askAhead(table, a.sql, []any{id}, a.out)
	}
}

// AheadSelect is Ahead for a question to one table.
func (tx *Tx) AheadSelect(q query.Select) {
	if tx.pipe == nil || tx.ready(false) != nil {
		return
	}
	r := tx.renderer()
	if out := r.selectQuery(q); r.err == nil {
		tx.askAhead(q.Table, r.b.String(), r.args, out)
	}
}

func (tx *Tx) askAhead(table, sql string, args []any, out []column) {
	key := questionKey(sql, args)
	if tx.pipe.got[key] != nil {
		return
	}
	tx.asked()
	f := &foretold{table: table}
	tx.pipe.got[key] = f
	tx.s.(*pgSession).ahead(sql, args, out, func(rows []Row) { f.came, f.rows = true, rows })
}

// known is the answer to a question that was asked ahead; one that has not been sent yet is sent now, with the rest.
func (tx *Tx) known(sql string, args []any) (rows []Row, known bool, err error) {
	if tx.pipe == nil {
		return nil, false, nil
	}
	s, key := tx.s.(*pgSession), questionKey(sql, args)
	f := tx.pipe.got[key]
	if f == nil {
		if strings.Contains(sql, " FOR UPDATE") {
			tx.forget("")
		}
		if len(s.wait) > 0 && len(tx.wrote) > 0 && sql != turnSQL { // perhaps the last question before the entry, which needs its turn
			delete(tx.pipe.got, questionKey(turnSQL, nil))
			tx.askAhead(turnTable, turnSQL, nil, []column{{"turn", Int}})
		}
		return nil, false, nil
	}
	delete(tx.pipe.got, key)
	if !f.came {
		err = s.send(tx.ctx)
	}
	return f.rows, err == nil, err
}

func questionKey(sql string, args []any) string { return sql + fmt.Sprintf("\x00%q", args) }

// turnTable stands for the sequence of turns, which every write makes old: a turn is taken when all rows are locked.
const turnTable = "\x00turn"

// forget drops the answers that came ahead of a table; "" = of all. What has not been sent yet is asked after whatever made the others old.
func (tx *Tx) forget(table string) {
	if tx.pipe == nil {
		return
	}
	for key, f := range tx.pipe.got {
		if f.came && (table == "" || f.table == table || f.table == turnTable) {
			delete(tx.pipe.got, key)
		}
	}
}
