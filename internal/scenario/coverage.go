package scenario

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"sync"

	"zhanggui/internal/rulebook"
)

// Verdicts of a clause.
const (
	Enforced = "enforced" // asleep, a scenario fails at what it expects
	Broken   = "broken"   // asleep, a scenario fails, but in a step that should have gone through
	Repeated = "repeated" // another clause's nodes name it
	Text     = "text"
	Platform = "platform"
	Unproven = "unproven" // asleep, nobody notices
	None     = "none"     // no scenario names it
)

// Clause is one line of the coverage.
type Clause struct {
	ID        string   `json:"id"`
	Kind      string   `json:"kind"`
	Elements  []string `json:"elements"`
	Scenarios []string `json:"scenarios"`
	Verdict   string   `json:"verdict"`
	By        string   `json:"by,omitempty"` // the scenario that noticed
}

// Report is the coverage of rulebooks.
type Report struct {
	Clauses []Clause `json:"clauses"`
	Failed  []string `json:"failed,omitempty"` // scenarios that do not hold even with everything awake
	Idle    []string `json:"idle,omitempty"`   // scenarios that hold with all their clauses asleep
	Mutated bool     `json:"mutated"`
}

// must be enforced by a scenario.
var mustEnforce = map[string]bool{"gate": true, "clock": true, "calc": true, "access": true, "record": true, "inspect": true}

// OK tells whether every clause that must be enforced is, and every scenario holds.
func (r *Report) OK() bool {
	for _, c := range r.Clauses {
		if mustEnforce[c.Kind] && c.Verdict != Enforced && c.Verdict != Platform && c.Verdict != Repeated {
			return false
		}
	}
	return len(r.Failed) == 0 && len(r.Idle) == 0
}

// RunAll plays every scenario of the books (none = all); progress is told each result.
func RunAll(ctx context.Context, lib *rulebook.Library, books []string, progress func(Result)) ([]Result, error) {
	var list []*rulebook.Scenario
	for _, b := range lib.Books {
		if len(books) == 0 || has(books, b.ID) {
			list = append(list, b.Scenarios...)
		}
	}
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
	var all []Result
	for _, x := range out {
		all = append(all, x...)
	}
	return all, err
}

func has(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// spread shares n jobs among two workers, each with a bench of its own.
func spread(ctx context.Context, lib *rulebook.Library, n int, job func(*Bench, int)) error {
	jobs := make(chan int)
	errs := make(chan error, 2)
	var wg sync.WaitGroup
	for w := 0; w < 2; w++ {
		bench, err := NewBench(ctx, lib)
		if err != nil {
			close(jobs)
			return err
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer bench.Close()
			for i := range jobs {
				job(bench, i)
			}
		}()
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		jobs <- i
	}
	close(jobs)
	wg.Wait()
	close(errs)
	return ctx.Err()
}

// Coverage says for each clause what proves it. With mutate, each clause is put to sleep in turn and the
// scenarios that name it, or consulted it, are played until one notices.
func Coverage(ctx context.Context, lib *rulebook.Library, books []string, mutate bool) (*Report, error) {
	rep := &Report{Mutated: mutate}
	var mu sync.Mutex
	consulted := map[string][]*rulebook.Scenario{}
	failed := map[*rulebook.Scenario]bool{}
	if mutate {
		_, err := RunAll(ctx, lib, books, func(r Result) {
			mu.Lock()
			defer mu.Unlock()
			if r.Failed != "" {
				failed[r.Scenario] = true
				rep.Failed = append(rep.Failed, r.Scenario.Key()+" "+r.Title+": "+r.Failed)
			}
			for c := range r.Clauses {
				if l := consulted[c]; len(l) == 0 || l[len(l)-1] != r.Scenario {
					consulted[c] = append(l, r.Scenario)
				}
			}
		})
		if err != nil {
			return nil, err
		}
	}
	type job struct {
		named []*rulebook.Scenario
		other []*rulebook.Scenario
	}
	var jobs []job
	for _, b := range lib.Books {
		if len(books) > 0 && !has(books, b.ID) || len(books) == 0 && len(b.Clauses) == 0 {
			continue
		}
		for _, cl := range b.Clauses {
			c := Clause{ID: cl.ID, Kind: cl.Kind, Elements: elements(cl), Scenarios: []string{}}
			var named []*rulebook.Scenario
			for _, s := range b.Scenarios {
				if has(s.Clauses, cl.ID) {
					named = append(named, s)
					c.Scenarios = append(c.Scenarios, s.Name)
				}
			}
			switch {
			case cl.Proof == "text" || cl.Kind == "info":
				c.Verdict = Text
			case strings.HasPrefix(cl.Proof, "platform:"):
				c.Verdict = Platform
			case len(cl.Nodes) == 0:
				c.Verdict = Repeated
			case len(named) == 0:
				c.Verdict = None
			default:
				c.Verdict = Unproven
			}
			rep.Clauses = append(rep.Clauses, c)
			jobs = append(jobs, job{named: named, other: consulted[cl.ID]})
		}
	}
	if !mutate {
		return rep, nil
	}
	err := spread(ctx, lib, len(jobs), func(bench *Bench, i int) {
		c := &rep.Clauses[i]
		if c.Verdict != Unproven && c.Verdict != None {
			return
		}
		tried := map[*rulebook.Scenario]bool{}
		for _, s := range append(append([]*rulebook.Scenario{}, jobs[i].named...), jobs[i].other...) {
			if tried[s] || failed[s] || !has(s.Clauses, c.ID) {
				continue
			}
			tried[s] = true
			for _, r := range bench.Play(ctx, s, map[string]bool{c.ID: true}) {
				if r.Failed == "" {
					continue
				}
				if !r.InStep {
					c.Verdict, c.By = Enforced, r.Title+" ("+r.Failed+")"
					return
				}
				if c.Verdict != Broken {
					c.Verdict, c.By = Broken, r.Title+" ("+r.Failed+")"
				}
			}
		}
		if c.Verdict == Broken { // it cannot go on without the clause: that, too, is noticed
			c.Verdict = Enforced
		}
	})
	return rep, err
}

func elements(c *rulebook.Clause) []string {
	seen := map[string]bool{}
	for _, n := range c.Nodes {
		seen[n.Element()] = true
	}
	list := make([]string, 0, len(seen))
	for e := range seen {
		list = append(list, e)
	}
	sort.Strings(list)
	return list
}

// Text is the report as a table with a count per kind.
func (r *Report) Text() string {
	var b strings.Builder
	type tally struct{ all, ok int }
	kinds := map[string]*tally{}
	for _, c := range r.Clauses {
		fmt.Fprintf(&b, "%-12s %-8s %-28s %3d scenarios  %s\n", c.ID, c.Kind, strings.Join(c.Elements, "+"), len(c.Scenarios), c.Verdict)
		k := kinds[c.Kind]
		if k == nil {
			k = &tally{}
			kinds[c.Kind] = k
		}
		k.all++
		if c.Verdict == Enforced || c.Verdict == Text || c.Verdict == Platform || c.Verdict == Repeated {
			k.ok++
		}
	}
	b.WriteString("\n")
	names := make([]string, 0, len(kinds))
	for k := range kinds {
		names = append(names, k)
	}
	sort.Strings(names)
	for _, k := range names {
		fmt.Fprintf(&b, "%-8s %d of %d\n", k, kinds[k].ok, kinds[k].all)
	}
	for _, f := range r.Failed {
		fmt.Fprintf(&b, "does not hold: %s\n", f)
	}
	return b.String()
}

// JSON is the report for programs.
func (r *Report) JSON() ([]byte, error) { return json.MarshalIndent(r, "", "  ") }
