// Command bench measures the product against bare loops and against a peer in one run. It prints ratios and medians of
// several rounds and fails on none of them: a slow machine is not a broken program.
//
//	go run ./internal/bench -book BOOK -form FORM [-rounds 3] [-seconds 2] [-only acts,reads,...] [-records 1000000] [-peer FILE] [-program FILE] [-demo FILE] [-keep DIR] [-cpuprofile FILE] [-memprofile FILE]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strings"
	"time"
)

// run is what every part of the benchmark knows.
type run struct {
	ctx     context.Context
	dir     string // scratch, thrown away
	rounds  int
	length  time.Duration // of one measurement
	records int
	demo    string         // a ready demonstration; "" = one is played
	keep    string         // a folder where large databases stay for the next run; "" = scratch
	look    string         // of the reads those whose name contains it
	peer    string         // the peer's program; "" = not measured
	program string         // ours, for what only a process shows
	book    string         // the rulebook that is adopted
	form    string         // and its form whose records are filed
	made    map[int]string // large databases, by how many records they have
	out     io.Writer
}

func main() {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200) // as a server that is ready
	}
	var r run
	seconds := flag.Float64("seconds", 2, "length of one measurement")
	only := flag.String("only", "", "parts, separated by commas: cost, acts, postgres, http, latency, crowd, reads, postgres-reads, tick, start, rules, import")
	flag.IntVar(&r.rounds, "rounds", 3, "rounds; medians are printed")
	flag.IntVar(&r.records, "records", 1_000_000, "records of the large database")
	flag.StringVar(&r.peer, "peer", "", "program of the peer (see internal/bench/peer)")
	flag.StringVar(&r.program, "program", "bin/zhanggui", "program of the product")
	flag.StringVar(&r.book, "book", "", "rulebook that is adopted")
	flag.StringVar(&r.form, "form", "", "its form whose records are filed, SHORT.FORM")
	flag.StringVar(&r.demo, "demo", "", "database of a ready demonstration, with its keys beside it; none = one is played")
	flag.StringVar(&r.keep, "keep", "", "folder where the large databases stay, and are taken from by the next run; what a run did to their clocks stays too")
	flag.StringVar(&r.look, "look", "", "of the reads those whose name contains this; none = all")
	profile := flag.String("cpuprofile", "", "write where the time of this process goes to a file, for go tool pprof")
	memory := flag.String("memprofile", "", "write what this process allocates, and where, to a file")
	flag.Parse()
	r.length = time.Duration(*seconds * float64(time.Second))
	r.out, r.made = os.Stdout, map[int]string{}
	var stop context.CancelFunc
	r.ctx, stop = context.WithCancel(context.Background())
	defer stop()
	var err error
	if r.dir, err = os.MkdirTemp("", "zhanggui-bench"); err != nil {
		fatal(err)
	}
	defer os.RemoveAll(r.dir)
	if *profile != "" {
		f, err := os.Create(*profile)
		if err == nil {
			err = pprof.StartCPUProfile(f)
		}
		if err != nil {
			fatal(err)
		}
		defer pprof.StopCPUProfile()
	}
	if *memory != "" {
		runtime.MemProfileRate = 8 << 10
		defer func() {
			f, err := os.Create(*memory)
			if err == nil {
				err = errors.Join(pprof.Lookup("allocs").WriteTo(f, 0), f.Close())
			}
			if err != nil {
				fatal(err)
			}
		}()
	}
	fmt.Fprintf(r.out, "%s, %d cores, %d rounds of %s each\n", runtime.Version(), runtime.NumCPU(), r.rounds, r.length)
	parts := []struct {
		name string
		do   func() error
	}{{"cost", r.cost}, {"acts", r.acts}, {"postgres", r.postgres}, {"http", r.http}, {"latency", r.latency}, {"crowd", r.crowd}, {"reads", r.reads}, {"postgres-reads", r.postgresReads}, {"tick", r.tick}, {"start", r.start}, {"rules", r.rules}, {"import", r.imports}}
	for _, p := range parts {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), p.name) {
			continue
		}
		fmt.Fprintf(r.out, "\n== %s\n", p.name)
		begin := time.Now()
		if err := p.do(); err != nil {
			fmt.Fprintf(r.out, "%s could not be measured: %v\n", p.name, err)
		}
		fmt.Fprintf(r.out, "   (%s)\n", time.Since(begin).Round(time.Second))
	}
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

func (r *run) file(name string) string { return filepath.Join(r.dir, name) }

func (r *run) say(format string, args ...any) { fmt.Fprintf(r.out, "   "+format+"\n", args...) }

// medianOf takes a figure several times and answers its median.
func (r *run) medianOf(measure func() (float64, error)) (float64, error) {
	var list []float64
	for range r.rounds {
		x, err := measure()
		if err != nil {
			return 0, err
		}
		list = append(list, x)
	}
	return middle(list), nil
}

func middle(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

// spread is the usual, the slow and the slowest of many.
type spread struct{ p50, p99, most time.Duration }

func spreadOf(list []time.Duration) spread {
	if len(list) == 0 {
		return spread{}
	}
	slices.Sort(list)
	return spread{list[len(list)/2], list[min(len(list)-1, len(list)*99/100)], list[len(list)-1]}
}

func (s spread) String() string {
	return fmt.Sprintf("p50 %s, p99 %s, most %s", short(s.p50), short(s.p99), short(s.most))
}

func short(d time.Duration) string {
	switch {
	case d < 10*time.Microsecond:
		return d.String()
	case d < 10*time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(100 * time.Microsecond).String()
}
