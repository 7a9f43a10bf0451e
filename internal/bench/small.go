package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"zhanggui/internal/engine"
)

// start is how long the program takes until it answers, and what it then holds, on a database whose tables are up to date.
func (r *run) start() error {
	s, err := r.shop("sqlite:" + r.file("empty.db"))
	if err != nil {
		return err
	}
	if err := s.db.Close(); err != nil {
		return err
	}
	databases := []struct{ name, file string }{{"empty", r.file("empty.db")}}
	file, err := r.large(r.records)
	if err != nil {
		return err
	}
	databases = append(databases, struct{ name, file string }{fmt.Sprintf("%d records", r.records), file})
	for _, d := range databases {
		var took []time.Duration
		memory := 0
		for range r.rounds + 1 {
			begin := time.Now()
			args := []string{"serve", "--database", "sqlite:" + d.file, "--key", r.file(d.name + ".key")}
			if d.name != "empty" {
				args = append(args, "--demo")
			}
			_, stop, pid, err := r.serve(r.program, "--listen", "/api/health", args...)
			if err != nil {
				return err
			}
			took = append(took, time.Since(begin))
			memory = max(memory, resident(pid))
			stop()
		}
		r.say("ready in %s with %s database (%d MB resident)", spreadOf(took[1:]), d.name, memory)
	}
	return nil
}

// resident is what a process holds in memory, in MB; 0 where the system does not tell.
func resident(pid int) int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		var kb int
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kb); err == nil {
			return kb / 1024
		}
	}
	return 0
}

// rules is what deciding costs by itself: an act judged in full, refused or let through, and nothing written.
func (r *run) rules() error {
	s, err := r.shop("sqlite:" + r.file("rules.db"))
	if err != nil {
		return err
	}
	defer s.db.Close()
	act := engine.Act{Form: s.form, Action: "create", Values: s.values(), Dry: true, Actor: engine.Actor{Person: s.clerk, Origin: "api"}}
	x := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.e.Do(r.ctx, s.now, act); err != nil {
				b.Fatal(err)
			}
		}
	})
	r.say("an act judged and not written: %s, %d allocations, %d kB", short(time.Duration(x.NsPerOp())), x.AllocsPerOp(), x.AllocedBytesPerOp()/1024)
	return nil
}
