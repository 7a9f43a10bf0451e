package app

import (
	"context"
	"sync"
	"time"

	"zhanggui/internal/gauge"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// census counts what stands in the tables, for the operator: no more often than every so long, however often he reads.
type census struct {
	s    *server
	mu   sync.Mutex
	next time.Time
	kept []gauge.Figure
}

const censusEvery = 30 * time.Second

// figures are those of the process as it stands, and those of the database as they stood at the last counting.
func (c *census) figures(ctx context.Context) []gauge.Figure {
	list := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); !now.Before(c.next) {
		counted, err := c.count(ctx)
		if err != nil {
			c.s.p.log.Warn("the figures of the database were not read", "err", err)
			return append(list, gauge.Figure{Name: "zhanggui_census_ok", Help: "The database could be counted."})
		}
		c.kept, c.next = counted, now.Add(censusEvery)
	}
	list = append(list, gauge.Figure{Name: "zhanggui_census_ok", Help: "The database could be counted.", Value: 1})
	return append(list, c.kept...)
}

// now is what the process knows without asking.
func (c *census) now() []gauge.Figure {
	st := c.s.db.Stats()
	group := gauge.Figure{Name: "zhanggui_commit_writers", Help: "How many writers shared a commit.", Buckets: map[int]uint64{}, Sum: float64(st.Acts)}
	for i, n := range st.Groups {
		group.Count += uint64(n)
		group.Buckets[1<<i] = group.Count
	}
	_, mine := c.s.lead.fence(context.Background())
	list := []gauge.Figure{group,
		{Name: "zhanggui_statements_total", Help: "What the database was asked, in reading and writing.", Counter: true, Value: float64(st.Statements)},
		{Name: "zhanggui_leader", Help: "This node has the timers, the seal and the alerts.", Value: one(mine)},
		{Name: "zhanggui_ready", Help: "What /api/ready says, but for the database.", Value: one(c.s.ready() == nil)},
		{Name: "zhanggui_storage_failed", Help: "The storage failed; nothing is written until a restart.", Value: one(c.s.db.Failed() != nil)}}
	if c.s.sched != nil && !c.s.clock.manual {
		last, failed := c.s.sched.State()
		list = append(list, gauge.Figure{Name: "zhanggui_tick_failing", Help: "The last look at what is due failed.", Value: one(failed != nil)})
		if !last.IsZero() {
			list = append(list, gauge.Figure{Name: "zhanggui_tick_age_seconds", Help: "Since the last look at what is due.", Value: c.s.clock.Now().Sub(last).Seconds()})
		}
	}
	return list
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// count asks the database.
func (c *census) count(ctx context.Context) (list []gauge.Figure, err error) {
	now := c.s.clock.Now()
	clocks := c.s.now.Load().lib.Form("base.clock").Table
	err = c.s.db.Read(ctx, func(tx *store.Tx) error {
		list = nil
		col := func(name string) query.Expr { return query.Col{Alias: "t", Name: name} }
		set := func(name string) query.Expr {
			return query.Op{Name: "not", Args: []query.Expr{query.Op{Name: "isnull", Args: []query.Expr{col(name)}}}}
		}
		after := func(name string, at time.Time) query.Expr {
			return query.Op{Name: ">", Args: []query.Expr{col(name), query.Const{Value: at.UTC().Format(instantForm)}}}
		}
		add := func(name, help string, labels map[string]string, table string, where query.Expr) error {
			n, err := tx.Count(table, where)
			list = append(list, gauge.Figure{Name: name, Help: help, Labels: labels, Value: float64(n)})
			return err
		}
		for _, state := range []string{"open", "late", "paused"} {
			if err := add("zhanggui_deadlines", "Limits that run, by state: late ones are overdue.", map[string]string{"state": state}, clocks, query.Eq("t", "state", state)); err != nil {
				return err
			}
		}
		lag := time.Duration(0)
		rows, err := tx.Select(query.Select{Table: clocks, Alias: "t", Columns: []query.Column{{Name: "next_at", Expr: col("next_at")}}, Where: set("next_at"),
			Order: []query.Order{{Expr: col("next_at")}, {Expr: col("id")}}, Limit: 1})
		if err != nil {
			return err
		}
		for _, r := range rows {
			text, _ := r["next_at"].(string)
			if at, err := time.Parse(instantForm, text); err == nil {
				lag = max(now.Sub(at), 0)
			}
		}
		list = append(list, gauge.Figure{Name: "zhanggui_tick_lag_seconds", Help: "How long what is due first has been due without being done.", Value: lag.Seconds()})
		jobs, err := tx.Select(query.Select{Table: "job", Alias: "t", Group: []query.Expr{col("kind"), col("state")},
			Columns: []query.Column{{Name: "kind", Expr: col("kind")}, {Name: "state", Expr: col("state")}, {Name: "n", Expr: col("id"), Agg: "count"}}})
		if err != nil {
			return err
		}
		for _, r := range jobs {
			kind, _ := r["kind"].(string)
			state, _ := r["state"].(string)
			n, _ := r["n"].(int64)
			list = append(list, gauge.Figure{Name: "zhanggui_jobs", Help: "Jobs of the last week, by state; running ones may wait.", Labels: map[string]string{"kind": kind, "state": state}, Value: float64(n)})
		}
		for state, where := range map[string]query.Expr{"waiting": set("next_at"), "dead": set("dead")} {
			if err := add("zhanggui_outbox", "Notices and messages that have not left, and those given up.", map[string]string{"state": state}, "outbox", where); err != nil {
				return err
			}
		}
		if err := add("zhanggui_leases", "Leases that are held.", nil, "lease", after("until", now)); err != nil {
			return err
		}
		if err := add("zhanggui_sessions", "Sessions that can still be used.", nil, "auth_session", query.And(after("last_at", now.Add(-c.s.c.Idle)),
			query.Op{Name: "or", Args: []query.Expr{query.Op{Name: "isnull", Args: []query.Expr{col("ends_at")}}, after("ends_at", now)}})); err != nil {
			return err
		}
		return add("zhanggui_journal_unsealed", "Entries of the journal that wait for the seal.", nil, "journal_entry",
			query.Op{Name: "isnull", Args: []query.Expr{col("leaf")}})
	})
	return list, err
}
