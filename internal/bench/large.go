package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"zhanggui/internal/engine"
)

// large is a database of many records: the demonstration's, written over and over under new ids. Written by SQL, since what
// is measured here is reading it; what searching needs is made anew when it is opened, as after an upgrade. It is made once for all parts.
func (r *run) large(records int) (string, error) {
	if file := r.made[records]; file != "" {
		return file, nil
	}
	file, begin := r.file(fmt.Sprintf("large-%d.db", records)), time.Now()
	if r.keep != "" {
		file = filepath.Join(r.keep, filepath.Base(file))
		if _, err := os.Stat(file); err == nil {
			r.made[records] = file
			return file, nil
		}
	}
	if r.demo == "" { // played once is enough
		r.demo = r.file("demo.db")
		if out, err := exec.CommandContext(r.ctx, r.program, "demo", "--database", "sqlite:"+r.demo).CombinedOutput(); err != nil {
			return "", fmt.Errorf("demo: %w: %s", err, out)
		}
	}
	if err := copyOf(r.ctx, r.demo, file); err != nil {
		return "", fmt.Errorf("copy %s: %w", r.demo, err)
	}
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(wal)&_pragma=synchronous(off)&_pragma=cache_size(-200000)")
	if err != nil {
		return "", err
	}
	db.SetMaxOpenConns(1)
	steps := []string{`DROP TABLE IF EXISTS search_pieces`, `CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n`}
	var again []string // indexes, made when the rows are there: in order, which is many times faster
	copies := 0
	lib, err := library()
	if err != nil {
		return "", err
	}
	spread, filed := 1, 1 // copies of each customer, and of each record
	for _, table := range []string{"base_customer", lib.Form(r.form).Table, "base_clock"} {
		var have int
		if err := db.QueryRowContext(r.ctx, `SELECT count(*) FROM `+table).Scan(&have); err != nil {
			return "", err
		}
		want := records
		if table == "base_customer" {
			want = records / 10
			spread = max(want/max(have, 1), 1)
		}
		copies = max(copies, want/max(have, 1)+1)
		if table == lib.Form(r.form).Table {
			filed = max(want/max(have, 1), 1)
		}
		columns, err := columnsOf(r.ctx, db, table)
		if err != nil {
			return "", err
		}
		var give []string
		for _, c := range columns {
			q := `t."` + c + `"`
			switch {
			case c == "id":
				q = copyID("t.id", "n.i")
			case c == "customer": // a tenth stays with those who were there, who so become large
				q = `CASE WHEN n.i % 10 = 0 THEN t.customer ELSE ` + copyID("t.customer", fmt.Sprintf("(n.i %% %d + 1)", spread)) + ` END`
			case c == "of_id":
				q = copyID("t.of_id", fmt.Sprintf("(n.i %% %d + 1)", filed))
			case c == "number":
				q = `CASE WHEN t.number IS NULL THEN NULL ELSE t.number || '-' || n.i END`
			case c == "code":
				q = `NULL`
			case c == "at":
				q = `strftime('%Y-%m-%dT%H:%M:%f', t.at, '-' || (n.i % 3000) || ' hours') || 'Z'`
			case table == "base_clock" && (c == "due" || c == "next_at"):
				q = `CASE WHEN t."` + c + `" IS NULL THEN NULL ELSE strftime('%Y-%m-%dT%H:%M:%f', t."` + c + `", '+' || (700 + n.i % 900) || ' days') || 'Z' END`
			}
			give = append(give, q)
		}
		where := ""
		if table == "base_clock" { // of the records that are copied
			where = ` AND t.next_at IS NOT NULL AND t.of_form = '` + r.form + `'`
			if err := db.QueryRowContext(r.ctx, `SELECT count(*) FROM base_clock t WHERE TRUE`+where).Scan(&have); err != nil {
				return "", err
			}
			copies = max(copies, want/max(have, 1)+1)
		}
		indexes, err := indexesOf(r.ctx, db, table)
		if err != nil {
			return "", err
		}
		for name, sql := range indexes {
			steps, again = append(steps, `DROP INDEX "`+name+`"`), append(again, sql)
		}
		steps = append(steps, fmt.Sprintf(`INSERT INTO %s ("%s") SELECT %s FROM %s t, n WHERE n.i <= %d%s`, table, strings.Join(columns, `", "`), strings.Join(give, ", "), table, want/max(have, 1), where))
	}
	for _, s := range append(append(steps, again...), `PRAGMA wal_checkpoint(TRUNCATE)`) {
		var args []any
		if strings.HasPrefix(s, `CREATE TEMP`) {
			args = append(args, copies)
		}
		if _, err := db.ExecContext(r.ctx, s, args...); err != nil {
			return "", errors.Join(fmt.Errorf("%.80s: %w", s, err), db.Close())
		}
	}
	if err := db.Close(); err != nil {
		return "", err
	}
	r.say("%d records written in %s", records, time.Since(begin).Round(time.Second))
	begin = time.Now()
	s, err := r.demonstration(file)
	if err != nil {
		return "", err
	}
	r.say("and made ready for searching in %s", time.Since(begin).Round(time.Second))
	r.made[records] = file
	return file, s.db.Close()
}

// copyID is the id of a copy, as far from its neighbours as those that are drawn.
func copyID(id, i string) string {
	return `printf('%08x', ` + i + ` * 2654435761 & 4294967295) || substr(` + id + `, 1, 8)`
}

// indexesOf are the indexes of a table as they were made, by name.
func indexesOf(ctx context.Context, db *sql.DB, table string) (map[string]string, error) {
	rows, err := db.QueryContext(ctx, `SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL`, table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := map[string]string{}
	for rows.Next() {
		var name, sql string
		if err := rows.Scan(&name, &sql); err != nil {
			return nil, err
		}
		list[name] = sql
	}
	return list, rows.Err()
}

// copyOf writes a database into another file, whole, with the keys beside it.
func copyOf(ctx context.Context, from, to string) error {
	db, err := sql.Open("sqlite", "file:"+from)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `VACUUM INTO ?`, to)
	for _, ending := range []string{".keys.db", ".master.key"} {
		b, e := os.ReadFile(strings.TrimSuffix(from, ".db") + ending)
		if e == nil {
			e = os.WriteFile(strings.TrimSuffix(to, ".db")+ending, b, 0o600)
		}
		err = errors.Join(err, e)
	}
	return errors.Join(err, db.Close())
}

func columnsOf(ctx context.Context, db *sql.DB, table string) ([]string, error) {
	rows, err := db.QueryContext(ctx, `SELECT name FROM pragma_table_info(?)`, table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		list = append(list, name)
	}
	return list, rows.Err()
}

// demoNow is where the demonstration's clock stands.
var demoNow = time.Date(2026, 3, 16, 2, 40, 0, 0, time.UTC)

// reads holds what a clerk asks for all day on few records against many.
func (r *run) reads() error {
	few := map[string]look{}
	err := r.readsOf(10_000, func(name string, x look) { few[name] = x })
	if err != nil {
		return err
	}
	return r.readsOf(r.records, r.against(few, r.records))
}

// against prints each figure beside that among few.
func (r *run) against(few map[string]look, records int) func(name string, y look) {
	return func(name string, y look) {
		x := few[name]
		r.say("%-42s 10,000: p50 %-8s p99 %-8s   %d: p50 %-8s p99 %-8s   growth %.2f; processor %s, %s", name, short(x.p50), short(x.p99), records, short(y.p50), short(y.p99),
			float64(y.p50)/float64(x.p50), short(x.processor), short(y.processor))
	}
}

// look is how long a question takes, and what it takes of the processors, which others' work hardly changes.
type look struct {
	spread
	processor time.Duration
}

// readsOf tells each figure as it is found.
func (r *run) readsOf(records int, tell func(name string, took look)) error {
	file, err := r.large(records)
	if err != nil {
		return err
	}
	s, err := r.demonstration(file)
	if err != nil {
		return err
	}
	defer s.db.Close()
	return r.looks(s, tell)
}

// looks asks what a clerk asks for all day.
func (r *run) looks(s *shop, tell func(name string, took look)) error {
	who, err := s.person("chenli")
	if err != nil {
		return err
	}
	ctx, actor := r.ctx, engine.Actor{Person: who, Origin: "api"}
	list := func(q engine.ListQuery) func() error {
		return func() error { _, err := s.e.List(ctx, s.now, actor, q); return err }
	}
	search := func(q string) func() error {
		return func() error { _, err := s.e.Search(ctx, s.now, actor, q); return err }
	}
	stranger, err := s.stranger(ctx)
	if err != nil {
		return err
	}
	page, err := s.e.List(ctx, s.now, actor, engine.ListQuery{Form: "base.customer", Limit: 1})
	if err != nil || len(page.Rows) == 0 {
		return fmt.Errorf("no customer is seen: %w", err)
	}
	for _, x := range []struct {
		name string
		do   func() error
	}{
		{"register, first page", list(engine.ListQuery{Form: r.form})},
		{"register, filtered by stage", list(engine.ListQuery{Form: r.form, Filter: "this.state == 'quality'"})},
		{"register, by amount", list(engine.ListQuery{Form: r.form, Sort: "-settlement"})},
		{"register, words", list(engine.ListQuery{Form: r.form, Q: "泰和"})},
		{"search, two characters", search("泰和")},
		{"search, initials", search("thby")},
		{"search, a number", search("260307-17")},
		{"search, a number that thousands begin with", search("260307")},
		{"search, one character of few", search("垫")},
		{"search, nothing found", search("鑫淼垚")},
		{"customer page", func() error { _, err := s.e.Record(ctx, s.now, actor, "base.customer", page.Rows[0].ID); return err }},
		{"customer, what stands around", func() error {
			_, err := s.e.Around(ctx, s.now, actor, "base.customer", page.Rows[0].ID)
			return err
		}},
		{"customer, timeline", func() error {
			_, err := s.e.Timeline(ctx, s.now, actor, "base.customer", page.Rows[0].ID, engine.TimelineQuery{})
			return err
		}},
		{"tasks", func() error { _, err := s.e.Tasks(ctx, s.now, actor, false); return err }},
		{"register of one who sees few", func() error {
			_, err := s.e.List(ctx, s.now, engine.Actor{Person: stranger, Origin: "api"}, engine.ListQuery{Form: r.form})
			return err
		}},
	} {
		if !strings.Contains(x.name, r.look) {
			continue
		}
		if err := x.do(); err != nil {
			return fmt.Errorf("%s: %w", x.name, err)
		}
		var took []time.Duration
		used := processor()
		for begin := time.Now(); len(took) < 5 || time.Since(begin) < r.length; {
			t := time.Now()
			if err := x.do(); err != nil {
				return err
			}
			took = append(took, time.Since(t))
		}
		used = processor() - used
		tell(x.name, look{spreadOf(took), used / time.Duration(len(took))})
	}
	return nil
}

func (s *shop) person(account string) (string, error) {
	page, err := s.e.List(context.Background(), s.now, engine.Actor{System: true, Origin: "system"}, engine.ListQuery{Form: "base.person", Filter: "this.account == '" + account + "'"})
	if err != nil || len(page.Rows) == 0 {
		return "", fmt.Errorf("nobody is called %s: %w", account, err)
	}
	return page.Rows[0].ID, nil
}

// stranger is somebody of a unit of his own, where the regulation is kept too and nothing is filed yet.
func (s *shop) stranger(ctx context.Context) (string, error) {
	if id, err := s.person("stranger"); err == nil {
		return id, nil
	}
	system := engine.Actor{System: true, Origin: "system"}
	out, err := s.e.Do(ctx, s.now, engine.Act{Form: "base.unit", Action: "create", Values: map[string]any{"name": "外地新厂"}, Actor: system})
	if err == nil {
		out, err = s.e.Do(ctx, s.now, engine.Act{Form: "base.person", Action: "create", Values: map[string]any{"name": "生人", "account": "stranger", "unit": out.Record, "active": true}, Actor: system})
	}
	if err != nil {
		return "", fmt.Errorf("somebody who sees few: %w", err)
	}
	return out.Record, nil
}

// tick holds a look at the clocks while many run and none, some or many are due.
func (r *run) tick() error {
	file, err := r.large(r.records)
	if err != nil {
		return err
	}
	s, err := r.demonstration(file)
	if err != nil {
		return err
	}
	defer s.db.Close()
	now := demoNow.AddDate(0, 0, 1)
	if _, _, err := s.e.Tick(r.ctx, now); err != nil { // the day's own work first
		return err
	}
	var took []time.Duration
	for range 200 {
		now = now.Add(time.Second)
		t := time.Now()
		if _, _, err := s.e.Tick(r.ctx, now); err != nil {
			return err
		}
		took = append(took, time.Since(t))
	}
	r.say("tick, nothing due of about %d: %s", r.records, spreadOf(took))
	for _, n := range []int{100, 10_000} {
		now = now.Add(time.Minute)
		if err := r.fallDue(file, n, now); err != nil {
			return err
		}
		begin, used, done := time.Now(), processor(), 0
		for {
			k, _, err := s.e.Tick(r.ctx, now)
			if err != nil {
				return err
			}
			if done += k; k == 0 {
				break
			}
		}
		if done == 0 {
			return fmt.Errorf("of %d clocks none was due", n)
		}
		whole := time.Since(begin)
		r.say("tick, %d due: %s for the %d things that fell due of them, one upon the other; %s and %s of the processor each", n, whole.Round(time.Millisecond), done, short(whole/time.Duration(done)), short((processor()-used)/time.Duration(done)))
	}
	return nil
}

// fallDue lets some of the running clocks end just before an instant.
func (r *run) fallDue(file string, n int, at time.Time) error {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	due := at.Add(-time.Second).UTC().Format("2006-01-02T15:04:05.000Z")
	_, err = db.ExecContext(r.ctx, `UPDATE base_clock SET next_at = ?, due = ? WHERE id IN (SELECT id FROM base_clock WHERE next_at > ? AND state = 'open' AND of_form = ? LIMIT ?)`, due, due, due, r.form, n)
	return errors.Join(err, db.Close())
}
