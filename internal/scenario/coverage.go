package scenario

import (
	"context"
	"slices"
	"strings"
	"sync"

	"zhanggui/internal/rulebook"
)

// chosen are the scenarios of the books (none = all).
func chosen(lib *rulebook.Library, books []string) []*rulebook.Scenario {
	var list []*rulebook.Scenario
	for _, b := range lib.Books {
		if len(books) == 0 || slices.Contains(books, b.ID) {
			list = append(list, b.Scenarios...)
		}
	}
	return list
}

// RunAll plays every scenario of the books (none = all); progress is told each result.
func RunAll(ctx context.Context, lib *rulebook.Library, books []string, progress func(Result)) ([]Result, error) {
	list := chosen(lib, books)
	out := make([][]Result, len(list))
	var mu sync.Mutex
	err := spread(ctx, lib, len(list), func(bench *Bench, i int) {
		out[i] = bench.Play(ctx, list[i], nil)
		if progress != nil {
			mu.Lock()
			defer mu.Unlock()
			for _, r := range out[i] {
				progress(r)
			}
		}
	})
	return slices.Concat(out...), err
}

// workers share the cores of a small machine with whatever else runs there.
const workers = 2

// spread shares n jobs among the workers, each with a bench of its own.
func spread(ctx context.Context, lib *rulebook.Library, n int, job func(*Bench, int)) error {
	var benches []*Bench
	defer func() {
		for _, b := range benches {
			b.Close() // in memory: nothing is lost
		}
	}()
	for range workers {
		b, err := NewBench(ctx, lib)
		if err != nil {
			return err
		}
		benches = append(benches, b)
	}
	jobs := make(chan int)
	var wg sync.WaitGroup
	for _, b := range benches {
		wg.Go(func() {
			for i := range jobs {
				job(b, i)
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		jobs <- i
	}
	close(jobs)
	wg.Wait()
	return ctx.Err()
}

// trial is one case with what came of it while everything was awake.
type trial struct {
	*one
	awake Result
}

// Coverage says for each clause what proves it. With mutate, each clause is put to sleep in turn, and the cases that
// name it and consulted it are played until one notices. Progress, if given, is told how many jobs of how many are done.
func Coverage(ctx context.Context, lib *rulebook.Library, books []string, mutate bool, progress ...func(done, of int)) (*Report, error) {
	rep := &Report{Mutated: mutate}
	clauses := rep.list(lib, books)
	if !mutate {
		return rep, nil
	}
	list := chosen(lib, books)
	done, of := 0, 2*len(list)+len(clauses)
	var mu sync.Mutex
	told := func() {
		mu.Lock()
		defer mu.Unlock()
		done++
		for _, fn := range progress {
			fn(done, of)
		}
	}

	trials := make([][]*trial, len(list))
	failed := make([][]string, len(list))
	if err := spread(ctx, lib, len(list), func(b *Bench, i int) {
		defer told()
		all, err := cases(list[i])
		if err != nil {
			failed[i] = append(failed[i], list[i].Key()+" "+list[i].Name+": "+err.Error())
		}
		for _, o := range all {
			r := b.play(ctx, o, nil)
			trials[i] = append(trials[i], &trial{o, r})
			if r.Failed != "" {
				failed[i] = append(failed[i], list[i].Key()+" "+r.Title+": "+r.Failed)
			}
		}
	}); err != nil {
		return nil, err
	}
	rep.Failed = slices.Concat(failed...)

	idle := make([][]string, len(list))
	if err := spread(ctx, lib, len(list), func(b *Bench, i int) {
		defer told()
		idle[i] = b.idle(ctx, trials[i])
	}); err != nil {
		return nil, err
	}
	rep.Idle = slices.Concat(idle...)

	all := slices.Concat(trials...)
	err := spread(ctx, lib, len(clauses), func(b *Bench, i int) {
		defer told()
		if c := &rep.Clauses[i]; c.Verdict == Unproven {
			b.prove(ctx, c, all)
		}
	})
	return rep, err
}

// prove puts the clause to sleep and looks for a case that notices.
func (b *Bench) prove(ctx context.Context, c *Clause, all []*trial) {
	var named, consulted []*trial
	for _, t := range all {
		if t.awake.Failed != "" || !slices.Contains(t.clauses, c.ID) {
			continue
		}
		named = append(named, t)
		if t.awake.Clauses[c.ID] {
			consulted = append(consulted, t)
		}
	}
	if len(consulted) == 0 { // a decision that forgot to say whom it asked: then all that name it
		consulted = named
	}
	for _, t := range consulted {
		r := b.play(ctx, t.one, map[string]bool{c.ID: true})
		switch r.Phase {
		case Expected:
			c.Verdict, c.Well, c.By = Enforced, true, r.Title+" ("+r.Failed+")"
			return
		case Step:
			if c.Verdict != Enforced { // it cannot go on without the clause: that, too, is noticed
				c.Verdict, c.By = Enforced, r.Title+" ("+r.Failed+")"
			}
		}
	}
}

// idle are the sets of clauses that a scenario says it proves and that could all be gone without its noticing.
func (b *Bench) idle(ctx context.Context, trials []*trial) []string {
	noticed := map[string]bool{}
	var order []string
	for _, t := range trials {
		key := strings.Join(t.clauses, ", ")
		if was, seen := noticed[key]; was {
			continue
		} else if !seen {
			order = append(order, key)
		}
		asleep := map[string]bool{}
		for _, c := range t.clauses {
			asleep[c] = true
		}
		noticed[key] = t.awake.Failed != "" || b.play(ctx, t.one, asleep).Failed != ""
	}
	var list []string
	for _, key := range order {
		if !noticed[key] {
			list = append(list, trials[0].s.Key()+" "+trials[0].s.Name+": holds without "+key)
		}
	}
	return list
}
