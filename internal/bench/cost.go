package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"syscall"
	"time"

	"zhanggui/internal/engine"
)

// cost is what acts cost on a machine that does other things too: processor time, held against that of a bare row in turn, since it too
// grows where others use the same processors; allocations, questions to the database and acts of each commit, which do not.
func (r *run) cost() error {
	s, err := r.shop("sqlite:" + r.file("cost.db"))
	if err != nil {
		return err
	}
	defer s.db.Close()
	bare, err := r.bare(r.file("barecost.db"), 1)
	if err != nil {
		return err
	}
	defer bare.close()
	if err := s.costOfPage(r); err != nil {
		return err
	}
	for _, callers := range []int{1, 64} {
		var ours, theirs []float64
		var before, after runtime.MemStats
		had := s.db.Stats()
		var bytes, pieces uint64
		for range r.rounds * 3 {
			runtime.ReadMemStats(&before)
			x, err := r.effort(r.length/3, callers, func() error { return s.act(r.ctx) })
			if err != nil {
				return err
			}
			runtime.ReadMemStats(&after)
			bytes, pieces = bytes+after.TotalAlloc-before.TotalAlloc, pieces+after.Mallocs-before.Mallocs
			y, err := r.effort(r.length/12, 1, func() error { return bare.commit(64) })
			if err != nil {
				return err
			}
			ours, theirs = append(ours, x), append(theirs, y/64)
		}
		have := s.db.Stats()
		n := uint64(have.Acts - had.Acts)
		r.say("acts, %2d callers: processor %s each, as %.1f bare rows of a commit of 64; %d kB in %d pieces, %.1f questions, %.1f acts a commit", callers,
			short(time.Duration(middle(ours))), middle(ours)/middle(theirs), bytes/n/1024, pieces/n, float64(have.Statements-had.Statements)/float64(n), float64(n)/float64(have.Commits-had.Commits))
	}
	return nil
}

// costOfPage is what it costs to answer a whole record as the page shows it.
func (s *shop) costOfPage(r *run) error {
	clerk := engine.Actor{Person: s.clerk, Origin: "api"}
	out, err := s.e.Do(r.ctx, s.now, engine.Act{Form: s.form, Action: "create", Values: s.values(), Actor: clerk})
	if err != nil {
		return err
	}
	var before, after runtime.MemStats
	had, n := s.db.Stats().Statements, uint64(0)
	runtime.ReadMemStats(&before)
	x, err := r.effort(r.length, 1, func() error {
		n++
		v, err := s.e.Record(r.ctx, s.now, clerk, s.form, out.Record)
		if err == nil {
			_, err = json.Marshal(v)
		}
		return err
	})
	runtime.ReadMemStats(&after)
	if err == nil {
		r.say("a record's page: processor %s, %d kB in %d pieces, %.1f questions", short(time.Duration(x)), (after.TotalAlloc-before.TotalAlloc)/n/1024,
			(after.Mallocs-before.Mallocs)/n, float64(s.db.Stats().Statements-had)/float64(n))
	}
	return err
}

// effort is the processor time of one time, in nanoseconds.
func (r *run) effort(length time.Duration, callers int, do func() error) (float64, error) {
	short := *r
	short.length = length
	used, begin := processor(), time.Now()
	rate, err := short.rate(callers, func(int) error { return do() })
	times := rate * time.Since(begin).Seconds()
	if err == nil && times < 1 {
		err = fmt.Errorf("nothing was done in %s", length)
	}
	return float64(processor()-used) / times, err
}

// processor is the time that this process has had of the processors.
func processor() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
