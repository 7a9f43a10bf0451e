package demo

import (
	"container/heap"
	"time"

	"zhanggui/internal/calendar"
)

// When things happen.

// event is something that will happen.
type event struct {
	at  time.Time
	seq int
	do  func() error
}
type agenda []*event

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	if a[i].at.Equal(a[j].at) {
		return a[i].seq < a[j].seq
	}
	return a[i].at.Before(a[j].at)
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(*event)) }
func (a *agenda) Pop() any {
	old := *a
	x := old[len(old)-1]
	*a = old[:len(old)-1]
	return x
}

func (r *run) at(t time.Time, do func() error) {
	r.stats["seq"]++
	heap.Push(&r.queue, &event{at: t, seq: r.stats["seq"], do: do})
}

// schedule spreads the stories' beginnings over the months, in working time.
func (p *player) schedule(from, to calendar.Date) error {
	for i := range p.plan.Story {
		st := &p.plan.Story[i]
		if st.By == "" {
			continue
		}
		for m := from; m.Before(to); m = (calendar.Date{Year: m.Year, Month: m.Month, Day: 1}).AddMonths(1) {
			lo, hi := 1, 1
			if len(st.Month) == 2 {
				lo, hi = st.Month[0], st.Month[1]
			}
			for n := lo + p.rnd.IntN(hi-lo+1); n > 0; n-- {
				p.at(p.opening(st, m.AddDays(p.rnd.IntN(28))), func() error { return p.begin(st, "") })
			}
		}
		for _, text := range st.At {
			at, err := time.ParseInLocation("2006-01-02 15:04", text, p.zone)
			if err != nil {
				return err
			}
			p.at(at, func() error { return p.begin(st, "") })
		}
		for _, state := range keys(st.Rest) {
			for range 2 {
				p.at(p.when(st, p.end.Add(-length(st.Rest[state]))), func() error { return p.begin(st, state) })
			}
		}
		for n := st.Last; n > 0; n-- {
			p.at(p.opening(st, to.AddDays(-10+p.rnd.IntN(10))), func() error { return p.begin(st, "") })
		}
	}
	return nil
}

// opening is a moment of a day on which a case may come.
func (p *player) opening(st *Story, day calendar.Date) time.Time {
	if st.Night {
		return day.Start(p.zone).Add(time.Duration(p.rnd.IntN(24*60*60)) * time.Second)
	}
	return p.workTime(day.Start(p.zone).Add(time.Duration(8*60+p.rnd.IntN(9*60)) * time.Minute))
}

// when is the moment somebody gets to it: a case of any hour is not put off to the next working one.
func (p *player) when(st *Story, t time.Time) time.Time {
	if st.Night {
		return t
	}
	return p.workTime(t)
}

func (p *player) workTime(t time.Time) time.Time {
	return p.cal.NextWorking(t).Add(time.Duration(p.rnd.IntN(50)) * time.Minute)
}

// later puts the case's next step on the agenda: after what the plan says for what comes next.
func (p *player) later(c *tale, done Step) {
	lo, hi := 2*time.Hour, 30*time.Hour
	if len(done.After) == 2 {
		lo, hi = length(done.After[0]), length(done.After[1])
	}
	if hi <= lo {
		hi = lo + time.Minute
	}
	if p.rnd.Float64() < c.story.Slow {
		lo, hi = 4*lo, 4*hi
	}
	at := p.when(c.story, p.now.Add(lo+time.Duration(p.rnd.Int64N(int64(hi-lo)))))
	p.at(at, func() error { return p.step(c) })
}

func length(s string) time.Duration {
	sp, err := calendar.ParseSpan(s)
	if err != nil {
		return time.Hour
	}
	switch sp.Unit {
	case calendar.UnitMinute:
		return time.Duration(sp.N) * time.Minute
	case calendar.UnitHour:
		return time.Duration(sp.N) * time.Hour
	case calendar.UnitWeek:
		return time.Duration(sp.N) * 7 * 24 * time.Hour
	}
	return time.Duration(sp.N) * 24 * time.Hour
}
