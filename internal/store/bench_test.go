package store_test

import (
	"database/sql"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/store/pgtest"
)

// The cost of a durable act of one row: alone, and with 64 callers at once.
// PostgreSQL in tests does not sync, so its figures flatter.
func BenchmarkWrite(b *testing.B) {
	for name, dsn := range map[string]func() string{
		"file":     func() string { return "sqlite:" + b.TempDir() + "/a.db" },
		"memory":   func() string { return "sqlite::memory:" },
		"postgres": func() string { return pgtest.DSN(b) },
	} {
		for _, callers := range []int{1, 64} {
			b.Run(name+"/"+strconv.Itoa(callers), func(b *testing.B) {
				db := open(b, dsn())
				var id atomic.Int64
				one := func() {
					n := id.Add(1)
					write(b, db, func(tx *store.Tx) error {
						return tx.Insert("thing", store.Row{"id": strconv.FormatInt(n, 10), "at": "2026-01-01T00:00:00.000Z", "name": "张三", "amount": n, "open": false})
					})
				}
				b.ResetTimer()
				before := db.Stats()
				if callers == 1 {
					for range b.N {
						one()
					}
				} else {
					var wg sync.WaitGroup
					for w := range callers {
						wg.Go(func() {
							for i := w; i < b.N; i += callers {
								one()
							}
						})
					}
					wg.Wait()
				}
				b.StopTimer()
				after := db.Stats()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "acts/s")
				b.ReportMetric(float64(after.Acts-before.Acts)/float64(max(after.Commits-before.Commits, 1)), "acts/commit")
			})
		}
	}
}

// The same insert by a bare loop on the same driver with the same pragmas: what Write adds to it.
func BenchmarkBare(b *testing.B) {
	path := b.TempDir() + "/a.db"
	if err := open(b, "sqlite:"+path).Close(); err != nil {
		b.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=journal_mode(wal)&_pragma=synchronous(full)")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	stmt, err := db.Prepare(`INSERT INTO "thing" ("amount", "at", "id", "name", "open") VALUES (?, ?, ?, ?, ?)`)
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; b.Loop(); i++ {
		tx, err := db.Begin()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := tx.Stmt(stmt).Exec(i, "2026-01-01T00:00:00.000Z", strconv.Itoa(i), "张三", false); err != nil {
			b.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "acts/s")
}

func BenchmarkRead(b *testing.B) {
	for name, dsn := range map[string]func() string{
		"file":     func() string { return "sqlite:" + b.TempDir() + "/a.db" },
		"postgres": func() string { return pgtest.DSN(b) },
	} {
		db := open(b, dsn())
		write(b, db, func(tx *store.Tx) error {
			var rows []store.Row
			for i := range 20000 {
				rows = append(rows, store.Row{"id": strconv.Itoa(i), "at": "2026-01-01T00:00:00." + strconv.Itoa(i), "name": "张三" + strconv.Itoa(i), "amount": i, "open": false})
			}
			return tx.InsertMany("thing", rows)
		})
		b.Run(name+"/get", func(b *testing.B) {
			for b.Loop() {
				read(b, db, func(tx *store.Tx) error { _, err := tx.Get("thing", "777"); return err })
			}
		})
		b.Run(name+"/list100", func(b *testing.B) {
			for b.Loop() {
				read(b, db, func(tx *store.Tx) error {
					_, err := tx.Select(query.Select{Table: "thing", Alias: "t", Order: []query.Order{{Expr: col("t", "at"), Desc: true}, {Expr: col("t", "id"), Desc: true}}, Limit: 100})
					return err
				})
			}
		})
	}
}

func BenchmarkSeal(b *testing.B) {
	db := open(b, "sqlite:"+b.TempDir()+"/a.db")
	s, _ := keys(b)
	n := 0
	for b.Loop() {
		b.StopTimer()
		appendEntries(b, db, n, n+512)
		n += 512
		b.StartTimer()
		if _, err := db.Seal(b.Context(), noon, s); err != nil {
			b.Fatal(err)
		}
	}
}
