package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"zhanggui/internal/alert"
	"zhanggui/internal/auth"
	"zhanggui/internal/engine"
	"zhanggui/internal/job"
	"zhanggui/internal/keep"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
	"zhanggui/rulebooks"
)

// shop is a company with one regulation, one clerk, one customer and one product.
type shop struct {
	db  *store.DB
	e   *engine.Engine
	lib *rulebook.Library
	now time.Time
	was time.Time // when now was

	unit, clerk, customer, product string
	form                           string // whose records are filed
}

func library() (*rulebook.Library, error) {
	lib, issues := rulebook.LoadLaw(rulebooks.FS, nil)
	if issues.Failed() {
		return nil, fmt.Errorf("rulebooks: %s", issues)
	}
	return lib, nil
}

func (r *run) open(dsn string, now time.Time, keys *keep.Keeper, options ...store.Option) (*shop, error) {
	lib, err := library()
	if err != nil {
		return nil, err
	}
	s := &shop{lib: lib, now: now, was: time.Now(), form: r.form}
	if lib.Book(r.book) == nil || lib.Form(r.form) == nil {
		return nil, fmt.Errorf("there is no rulebook %s with a form %s", r.book, r.form)
	}
	if s.db, err = r.database(dsn, lib, options...); err != nil {
		return nil, err
	}
	s.e, err = engine.New(s.db, lib, engine.Options{Keep: keys})
	return s, err
}

// database has all tables of the program, and what searching needs.
func (r *run) database(dsn string, lib *rulebook.Library, options ...store.Option) (*store.DB, error) {
	db, err := store.Open(r.ctx, dsn, options...)
	if err != nil {
		return nil, err
	}
	plan, err := db.Plan(r.ctx, slices.Concat(store.SystemTables(), auth.Tables(), alert.Tables(), job.Tables(), engine.Tables(lib)))
	if err == nil {
		err = db.Apply(r.ctx, plan)
	}
	if err == nil {
		_, err = db.FillSearch(r.ctx)
	}
	return db, err
}

// demonstration opens a copy of the demonstration's database, with the keys that lie beside it.
func (r *run) demonstration(file string) (*shop, error) {
	keys, err := keysOf(r.ctx, file)
	if err != nil {
		return nil, err
	}
	return r.open("sqlite:"+file, demoNow, keys)
}

func keysOf(ctx context.Context, file string) (*keep.Keeper, error) {
	beside := strings.TrimSuffix(file, ".db")
	db, err := store.Open(ctx, "sqlite:"+beside+".keys.db")
	if err != nil {
		return nil, err
	}
	return keep.Open(ctx, db, beside+".master.key", demoNow)
}

// shop opens an empty database and founds the company.
func (r *run) shop(dsn string, options ...store.Option) (*shop, error) {
	s, err := r.open(dsn, time.Now(), nil, options...)
	if err != nil {
		return nil, err
	}
	add := func(form string, values map[string]any) string {
		if err != nil {
			return ""
		}
		var out *engine.Outcome
		if out, err = s.e.Do(r.ctx, s.now, engine.Act{Form: form, Action: "create", Values: values, Actor: engine.Actor{System: true, Origin: "system"}}); err != nil {
			err = fmt.Errorf("create %s: %w", form, err)
			return ""
		}
		return out.Record
	}
	s.unit = add("base.unit", map[string]any{"name": "恒泰机械"})
	add("base.adoption", map[string]any{"unit": s.unit, "book": r.book, "version": s.lib.Book(r.book).Version, "from": "2000-01-01"})
	s.clerk = add("base.person", map[string]any{"name": "陈立", "account": "chen", "unit": s.unit, "active": true})
	add("base.role_grant", map[string]any{"person": s.clerk, "role": "sales", "unit": s.unit, "from": "2000-01-01"})
	s.customer = add("base.customer", map[string]any{"name": "泰和泵业有限公司"})
	s.product = add("base.product", map[string]any{"part_no": "P-1001", "name": "离心泵"})
	return s, err
}

// hire takes on another clerk, and answers his id.
func (s *shop) hire(ctx context.Context, account string) (string, error) {
	system := engine.Actor{System: true, Origin: "system"}
	out, err := s.e.Do(ctx, s.now, engine.Act{Form: "base.person", Action: "create", Values: map[string]any{"name": "吴强", "account": account, "unit": s.unit, "active": true}, Actor: system})
	if err != nil {
		return "", fmt.Errorf("create %s: %w", account, err)
	}
	_, err = s.e.Do(ctx, s.now, engine.Act{Form: "base.role_grant", Action: "create", Values: map[string]any{"person": out.Record, "role": "sales", "unit": s.unit, "from": "2000-01-01"}, Actor: system})
	return out.Record, err
}

// values are what the clerk types: the paper of a new case.
func (s *shop) values() map[string]any {
	return map[string]any{"customer": s.customer, "product": s.product, "quantity": "100", "defective_qty": "3", "request": "allowance", "customer_reason": "法兰漏水", "contact_name": "周工"}
}

// clock goes on as the shop works: rows come in their order, as those of a company do.
func (s *shop) clock() time.Time { return s.now.Add(time.Since(s.was)) }

// act files one case: judged, numbered where due, journalled, with its deadlines.
func (s *shop) act(ctx context.Context) error {
	_, err := s.e.Do(ctx, s.clock(), engine.Act{Form: s.form, Action: "create", Values: s.values(), Actor: engine.Actor{Person: s.clerk, Origin: "api"}})
	return err
}

// rate is how often a second callers at once can do something.
func (r *run) rate(callers int, do func(caller int) error) (float64, error) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var first error
	total := 0
	begin := time.Now()
	for i := range callers {
		wg.Go(func() {
			n := 0
			for time.Since(begin) < r.length {
				if err := do(i); err != nil {
					mu.Lock()
					if first == nil {
						first = err
					}
					mu.Unlock()
					break
				}
				n++
			}
			mu.Lock()
			total += n
			mu.Unlock()
		})
	}
	wg.Wait()
	return float64(total) / time.Since(begin).Seconds(), first
}
