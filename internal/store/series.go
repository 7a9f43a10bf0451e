package store

import (
	"hash/fnv"

	"zhanggui/internal/query"
)

// Next takes the next number of a series in a period: 1, 2, 3 … The counter's row stays locked until
// the transaction ends, so that a rolled-back number is given out again and there is no gap.
func (tx *Tx) Next(series, period string) (int64, error) {
	if err := tx.ready(true); err != nil {
		return 0, err
	}
	sql := `INSERT INTO "series" ("series", "period", "value") VALUES (` + tx.mark(1) + `, ` + tx.mark(2) + `, 1)
ON CONFLICT ("series", "period") DO UPDATE SET "value" = "series"."value" + 1 RETURNING "value"`
	tx.forget("")
	rows, err := tx.ask(sql, []any{series, period}, []column{{"value", Int}})
	if err != nil {
		return 0, tx.fail(err)
	}
	n, _ := rows[0]["value"].(int64)
	if t, err := tx.table("series"); err == nil {
		tx.note(t, []string{"period", "series", "value"}, []any{period, series, n}, written{})
	}
	return n, nil
}

// Peek is the last number given out, 0 before the first. It locks nothing: another may take the next.
func (tx *Tx) Peek(series, period string) (int64, error) {
	rows, err := tx.Select(query.Select{Table: "series", Alias: "s", Limit: 1,
		Where: query.And(query.Eq("s", "series", series), query.Eq("s", "period", period))})
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	n, _ := rows[0]["value"].(int64)
	return n, nil
}

// Lock makes transactions with the same key take turns until they end. On SQLite they do anyway.
// Two keys may share a lock; that costs waiting, never a wrong result.
func (tx *Tx) Lock(key string) error { return tx.advise("pg_advisory_xact_lock", key) }

// LockShared waits for whoever has Lock with the same key, and makes him wait; those who share do not wait for each other.
func (tx *Tx) LockShared(key string) error { return tx.advise("pg_advisory_xact_lock_shared", key) }

func (tx *Tx) advise(lock, key string) error {
	if err := tx.ready(true); err != nil {
		return err
	}
	if tx.db.drv.dialect() == sqlite {
		return nil
	}
	h := fnv.New64a()
	h.Write([]byte(key))
	tx.forget("")
	return tx.say("SELECT "+lock+"($1)", []any{int64(h.Sum64())}, nil)
}

// Claim asks for rows that have fallen due and that nobody else is at work on.
type Claim struct {
	Table string
	Due   string     // column with the instant a row falls due; NULL = never
	Now   string     // the instant it is
	Limit int        // how many at most
	Where query.Expr // further condition over alias "c"

	// A claim is held until the transaction ends. With a lease it outlives it, for work that happens
	// outside: the column Lease is set to the instant Until, before which nobody else gets the row,
	// and the column Fence grows by one. Who completes the work updates the row by id *and* fence:
	// no row updated means that somebody else has taken over.
	Lease, Fence, Until string
}

// ClaimDue takes due rows, those due first first, then by id. Rows that another transaction is
// claiming are passed over, so that several nodes share the work.
func (tx *Tx) ClaimDue(c Claim) ([]Row, error) {
	due := query.Col{Alias: "c", Name: c.Due}
	now := query.Const{Value: c.Now}
	where := query.And(query.Op{Name: "<=", Args: []query.Expr{due, now}}, c.Where)
	if c.Lease != "" {
		lease := query.Col{Alias: "c", Name: c.Lease}
		where = query.And(where, query.Op{Name: "or", Args: []query.Expr{
			query.Op{Name: "isnull", Args: []query.Expr{lease}},
			query.Op{Name: "<=", Args: []query.Expr{lease, now}}}})
	}
	rows, err := tx.selectRows(query.Select{Table: c.Table, Alias: "c", Where: where, Limit: c.Limit,
		Order: []query.Order{{Expr: due}, {Expr: query.Col{Alias: "c", Name: "id"}}}}, true, true)
	if err != nil || c.Lease == "" {
		return rows, err
	}
	for _, row := range rows {
		fence, _ := row[c.Fence].(int64)
		row[c.Lease], row[c.Fence] = c.Until, fence+1
		if _, err := tx.Update(c.Table, Row{"id": row["id"]}, Row{c.Lease: c.Until, c.Fence: fence + 1}); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// Skip makes the next number of a series one that is greater than last.
func (tx *Tx) Skip(series, period string, last int64) error {
	return tx.Upsert("series", []string{"series", "period"}, Row{"series": series, "period": period, "value": last})
}

// Numbers are the last numbers given out, by series and period.
type Numbers struct {
	Series, Period string
	Last           int64
}

// AllNumbers are those of every series.
func (tx *Tx) AllNumbers() (list []Numbers, err error) {
	rows, err := tx.Select(query.Select{Table: "series", Alias: "s", Order: []query.Order{{Expr: query.Col{Alias: "s", Name: "series"}}, {Expr: query.Col{Alias: "s", Name: "period"}}}})
	for _, row := range rows {
		n := Numbers{}
		n.Series, _ = row["series"].(string)
		n.Period, _ = row["period"].(string)
		n.Last, _ = row["value"].(int64)
		list = append(list, n)
	}
	return list, err
}
