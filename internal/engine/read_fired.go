package engine

import (
	"strings"
	"sync"

	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// firings counts how often each clause decided. The journal is long and only grows; so what is sealed is
// read once, in the order of its leaves, and only what waits for the seal is read each time.
type firings struct {
	mu   sync.Mutex
	leaf int64 // sealed entries below it are counted
	by   map[string]firing
}

type firing struct {
	n                int64
	at, form, record string
}

func (f *firings) count(m map[string]firing, row store.Row) {
	at := str(row["at"])
	for c := range strings.SplitSeq(str(row["clauses"]), ",") {
		if c == "" {
			continue
		}
		x := m[c]
		x.n++
		if at >= x.at {
			x.at, x.form, x.record = at, str(row["form"]), str(row["record"])
		}
		m[c] = x
	}
}

// fired answers the counts by clause.
func (w *work) fired() (map[string]firing, error) {
	f := &w.e.firings
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.by == nil {
		f.by = map[string]firing{}
	}
	col := func(n string) query.Column { return query.Column{Name: n, Expr: query.Col{Alias: "j", Name: n}} }
	columns := []query.Column{col("at"), col("form"), col("record"), col("clauses"), col("leaf")}
	leaf := query.Col{Alias: "j", Name: "leaf"}
	for {
		rows, err := w.tx.Select(query.Select{Table: "journal_entry", Alias: "j", Columns: columns, Limit: 10000, Order: []query.Order{{Expr: leaf}},
			Where: query.Op{Name: ">=", Args: []query.Expr{leaf, query.Const{Value: f.leaf}}}})
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			f.count(f.by, row)
			n, _ := row["leaf"].(int64)
			f.leaf = n + 1
		}
		if len(rows) < 10000 {
			break
		}
	}
	all := make(map[string]firing, len(f.by))
	for c, x := range f.by {
		all[c] = x
	}
	rows, err := w.tx.Select(query.Select{Table: "journal_entry", Alias: "j", Columns: columns, Where: query.Op{Name: "isnull", Args: []query.Expr{leaf}}})
	for _, row := range rows {
		f.count(all, row)
	}
	return all, err
}

// lastFired names the last record a clause decided on, if the reader may see it.
func (w *work) lastFired(x firing) *LastFired {
	if x.record == "" {
		return nil
	}
	r, err := w.recordSeen(x.form, x.record)
	if err != nil {
		return nil
	}
	return &LastFired{x.at, r.form.Key, r.id, r.Number()}
}
