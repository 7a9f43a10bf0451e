package demo

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sort"
	"strings"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/rulebook"
)

// player is one run of a plan.
type player struct {
	ctx     context.Context
	e       *engine.Engine
	plan    *Plan
	rnd     *rand.Rand
	zone    *time.Location
	cal     *calendar.Calendar
	now     time.Time
	end     time.Time
	names   map[string]string
	actor   string // who fills in a form now: files are his
	made    map[string][]drawn
	people  []string
	roles   map[string][]string
	queue   agenda
	follow  map[string]*Story // forms whose records come from the acts of others
	stats   map[string]int
	refused map[string]bool // record|action that was refused before
	log     *slog.Logger
}

// Result tells what a run made.
type Result struct {
	Now      time.Time
	Acts     int
	Refused  int
	Ticks    int
	Accounts []Account
}

// Account is somebody who can sign in to the demonstration.
type Account struct{ Person, Account, Name, Post, Unit string }

// Play puts the company in place and plays its history up to the plan's end.
func Play(ctx context.Context, e *engine.Engine, plan *Plan, seed uint64, log *slog.Logger, progress func(done float64)) (*Result, error) {
	cal := calendar.Standard()
	from, err := calendar.ParseDate(plan.From)
	if err != nil {
		return nil, err
	}
	to, err := time.ParseInLocation("2006-01-02 15:04", plan.To, cal.Zone)
	if err != nil {
		return nil, err
	}
	p := &player{ctx: ctx, e: e, plan: plan, rnd: newRand(seed), zone: cal.Zone, cal: cal, now: from.Start(cal.Zone).Add(8 * time.Hour), end: to, names: map[string]string{},
		made: map[string][]drawn{}, roles: map[string][]string{}, stats: map[string]int{}, refused: map[string]bool{}, follow: map[string]*Story{}, log: log}
	for _, s := range plan.Record {
		if err := p.seed(s); err != nil {
			return nil, err
		}
	}
	for _, unit := range keys(plan.Head) {
		act := engine.Act{Form: "base.unit", Record: p.names[unit], Action: "edit", Values: map[string]any{"head": p.names[plan.Head[unit]]}, Actor: engine.Actor{System: true, Origin: "demo"}}
		if _, err := e.Do(ctx, p.now, act); err != nil {
			return nil, fmt.Errorf("demo.yaml: head of %s: %w", unit, explain(err))
		}
	}
	for i := range plan.Story {
		if st := &plan.Story[i]; st.By == "" || p.follow[st.Form] == nil { // else what comes about by itself goes the way of the first story
			p.follow[st.Form] = st
		}
	}
	defer e.Watch(p.followUp)()
	res := &Result{Now: to}
	for _, s := range plan.Morning {
		p.at(p.workTime(p.now), func() error { return p.sweep(s) })
	}
	p.schedule(from, calendar.DateOf(to, p.zone))
	start, span := p.now, to.Sub(p.now)
	for p.queue.Len() > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		ev := heap.Pop(&p.queue).(*event)
		if ev.at.After(to) {
			break
		}
		p.now = ev.at
		n, _, err := e.Tick(ctx, p.now)
		if err != nil {
			return nil, fmt.Errorf("tick at %s: %w", p.now, err)
		}
		res.Ticks += n
		if err := ev.do(); err != nil {
			return nil, err
		}
		if progress != nil {
			progress(float64(p.now.Sub(start)) / float64(span))
		}
	}
	p.now = to
	n, _, err := e.Tick(ctx, to)
	if err != nil {
		return nil, err
	}
	res.Ticks += n
	res.Acts, res.Refused = p.stats["acts"], p.stats["refused"]
	return res, nil
}

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

func (p *player) at(t time.Time, do func() error) {
	p.stats["seq"]++
	heap.Push(&p.queue, &event{at: t, seq: p.stats["seq"], do: do})
}

// seed puts records in place, in the installation's own name.
func (p *player) seed(s Seed) error {
	n := s.Count
	if n == 0 {
		n = 1
	}
	form := p.e.Lib.Form(s.Form)
	if form == nil {
		return fmt.Errorf("demo.yaml: there is no form %s", s.Form)
	}
	for i := 0; i < n; i++ {
		values := p.values(form, s.Values, nil)
		out, err := p.e.Do(p.ctx, p.now, engine.Act{Form: s.Form, Action: "create", Values: values, Lines: p.lines(form, s.Lines, nil), Actor: engine.Actor{System: true, Origin: "demo"}})
		if err != nil {
			return fmt.Errorf("demo.yaml: %s %s: %w", s.Form, s.Name, explain(err))
		}
		if s.Name != "" {
			p.names[s.Name] = out.Record
		}
		p.made[form.Key] = append(p.made[form.Key], drawn{out.Record, values})
		switch form.Key {
		case "base.person":
			p.people = append(p.people, out.Record)
		case "base.role_grant":
			role, _ := values["role"].(string)
			who, _ := values["person"].(string)
			p.roles[role] = append(p.roles[role], who)
		}
		for _, a := range s.Act {
			if _, err := p.e.Do(p.ctx, p.now, engine.Act{Form: s.Form, Record: out.Record, Action: a, Actor: engine.Actor{System: true, Origin: "demo"}}); err != nil {
				return fmt.Errorf("demo.yaml: %s %s %s: %w", s.Form, s.Name, a, explain(err))
			}
		}
	}
	return nil
}

func explain(err error) error {
	var f *fault.Error
	if errors.As(err, &f) && len(f.Fields) > 0 {
		var parts []string
		for _, x := range f.Fields {
			parts = append(parts, x.Path+": "+x.EN)
		}
		return fmt.Errorf("%s (%s)", f.EN, strings.Join(parts, "; "))
	}
	return err
}

func (p *player) values(form *rulebook.Form, in map[string]any, draws map[string]drawn) map[string]any {
	out := map[string]any{}
	for _, k := range keys(in) {
		f := form.Field(k)
		if f == nil {
			out[k] = in[k]
			continue
		}
		if v := p.value(in[k], draws, &f.Type); v != nil {
			out[k] = v
		}
	}
	return out
}

func (p *player) lines(form *rulebook.Form, in map[string][]map[string]any, draws map[string]drawn) map[string][]map[string]any {
	if len(in) == 0 {
		return nil
	}
	out := map[string][]map[string]any{}
	for id, rows := range in {
		l := form.Line(id)
		for _, row := range rows {
			r := map[string]any{}
			for _, k := range keys(row) {
				var t *rulebook.FieldType
				if l != nil && l.Field(k) != nil {
					t = &l.Field(k).Type
				}
				if v := p.value(row[k], draws, t); v != nil {
					r[k] = v
				}
			}
			out[id] = append(out[id], r)
		}
	}
	return out
}

func keys[V any](m map[string]V) []string {
	var list []string
	for k := range m {
		list = append(list, k)
	}
	sort.Strings(list)
	return list
}

func (p *player) holders(role string) []string { return p.roles[role] }

func (p *player) anybody() any {
	if len(p.people) == 0 {
		return nil
	}
	return p.people[p.rnd.IntN(len(p.people))]
}

// schedule spreads the stories' beginnings over the months, in working time.
func (p *player) schedule(from, to calendar.Date) {
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
				at := p.workTime(m.AddDays(p.rnd.IntN(28)).Start(p.zone).Add(time.Duration(8*60+p.rnd.IntN(9*60)) * time.Minute))
				p.at(at, func() error { return p.begin(st) })
			}
		}
		for n := st.Last; n > 0; n-- {
			at := p.workTime(to.AddDays(-10 + p.rnd.IntN(10)).Start(p.zone).Add(time.Duration(8*60+p.rnd.IntN(9*60)) * time.Minute))
			p.at(at, func() error { return p.begin(st) })
		}
	}
}

func (p *player) workTime(t time.Time) time.Time {
	return p.cal.NextWorking(t).Add(time.Duration(p.rnd.IntN(50)) * time.Minute)
}

// begin files one case.
func (p *player) begin(st *Story) error {
	form := p.e.Lib.Form(st.Form)
	if form == nil {
		return fmt.Errorf("demo.yaml: there is no form %s", st.Form)
	}
	draws := map[string]drawn{}
	for _, k := range keys(st.Draw) {
		list := p.made[st.Draw[k]]
		if len(list) == 0 {
			return fmt.Errorf("demo.yaml: nothing to draw from %s", st.Draw[k])
		}
		draws[k] = list[p.rnd.IntN(len(list))]
	}
	who := p.holders(st.By)
	if len(who) == 0 {
		return fmt.Errorf("demo.yaml: nobody holds %s", st.By)
	}
	p.actor = who[p.rnd.IntN(len(who))]
	out, err := p.try(engine.Act{Form: st.Form, Action: "create", Values: p.values(form, st.Values, draws), Lines: p.lines(form, st.Lines, draws),
		Actor: engine.Actor{Person: p.actor, Origin: "demo"}}, form, form.Action("create"), draws)
	if err != nil || out == nil {
		return err
	}
	c := &tale{story: st, form: form, id: out.Record, draws: draws}
	if p.rnd.Float64() < st.Stall && p.now.After(p.end.AddDate(0, 0, -40)) { // what stood still for longer somebody has seen to
		c.stop = 1 + p.rnd.IntN(8)
	}
	p.next(c)
	return nil
}

// tale is one case on its way.
type tale struct {
	story *Story
	form  *rulebook.Form
	id    string
	draws map[string]drawn
	steps int
	state string          // where it stood at the last step
	did   map[string]bool // what was done there
	aside map[string]bool // what was ever done
	stop  int
	stuck int
}

func (p *player) next(c *tale) {
	lo, hi := time.Hour, 20*time.Hour
	p.at(p.workTime(p.now.Add(lo+time.Duration(p.rnd.Int64N(int64(hi-lo))))), func() error { return p.step(c) })
}

// step does the next thing on a case's way, or now and then something beside it.
func (p *player) step(c *tale) error {
	if c.stop > 0 && c.steps >= c.stop {
		return nil
	}
	steps, state, err := p.e.Steps(p.ctx, p.now, c.form.Key, c.id)
	if err != nil {
		return err
	}
	if state != c.state {
		c.state, c.did = state, map[string]bool{}
		if c.aside == nil {
			c.aside = map[string]bool{}
		}
	}
	for _, s := range p.choose(c, steps) {
		plan := c.story.Step[s.Action.ID]
		if c.did[s.Action.ID] || plan.Chance != nil && c.aside[s.Action.ID] {
			continue // it may be done again, but people go on
		}
		who := s.Who
		if len(who) == 0 {
			who = p.people
		}
		p.actor = who[p.rnd.IntN(len(who))]
		act := engine.Act{Form: c.form.Key, Record: c.id, Action: s.Action.ID, Values: p.values(c.form, plan.Values, c.draws), Lines: p.lines(c.form, plan.Lines, c.draws),
			Reason: plan.Reason, Actor: engine.Actor{Person: p.actor, Origin: "demo"}}
		if act.Lines, err = p.eachRow(c, plan, act.Lines); err != nil {
			return err
		}
		if len(plan.Comment) > 0 {
			act.Comment = plan.Comment[p.rnd.IntN(len(plan.Comment))]
		}
		if plan.Refuse > 0 && p.rnd.Float64() < plan.Refuse {
			act.Refuse = true
			act.Comment = first(act.Comment, "金额依据不足，请补充后再报")
		}
		out, err := p.try(act, c.form, s.Action, c.draws)
		if err != nil {
			return err
		}
		if out != nil {
			c.steps++
			c.stuck = 0
			c.aside[s.Action.ID] = true
			c.did[s.Action.ID] = !out.Signed // the next signer has the same act before him
			if !out.Signed {
				if err := p.makeAll(c, plan.Make); err != nil {
					return err
				}
			}
			p.later(c, plan)
			return nil
		}
	}
	if c.stuck++; c.stuck < 12 {
		p.at(p.workTime(p.now.Add(20*time.Hour)), func() error { return p.step(c) })
	}
	return nil
}

// eachRow adds what the plan says of every row that is there.
func (p *player) eachRow(c *tale, plan Step, lines map[string][]map[string]any) (map[string][]map[string]any, error) {
	for _, name := range keys(plan.Each) {
		ids, err := p.e.RowIDs(p.ctx, p.now, c.form.Key, c.id, name)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if lines == nil {
				lines = map[string][]map[string]any{}
			}
			row := p.lines(c.form, map[string][]map[string]any{name: {plan.Each[name]}}, c.draws)[name][0]
			row["id"] = id
			lines[name] = append(lines[name], row)
		}
	}
	for _, name := range keys(plan.Pick) {
		pick := plan.Pick[name]
		list, err := p.e.InState(p.ctx, pick.Form, pick.State, "")
		if err != nil {
			return nil, err
		}
		for _, x := range list {
			if lines == nil {
				lines = map[string][]map[string]any{}
			}
			lines[name] = append(lines[name], map[string]any{pick.As: x.ID})
		}
	}
	return lines, nil
}

// sweep does what everybody does in the morning, and puts the next morning on the agenda.
func (p *player) sweep(s Sweep) error {
	list, err := p.e.InState(p.ctx, s.Form, s.State, s.By)
	if err != nil {
		return err
	}
	for i, x := range list {
		if i%9 == 8 || x.Of == "" {
			continue // some are left for later
		}
		if _, err := p.e.Do(p.ctx, p.now, engine.Act{Form: s.Form, Record: x.ID, Action: s.Action, Actor: engine.Actor{Person: x.Of, Origin: "demo"}}); err != nil {
			return err
		}
	}
	next := p.cal.NextWorking(calendar.DateOf(p.now, p.zone).AddDays(1).Start(p.zone)).Add(5 * time.Minute)
	p.at(next, func() error { return p.sweep(s) })
	return nil
}

// makeAll makes the records that follow from a step; each then has a tale of its own.
func (p *player) makeAll(c *tale, list []Made) error {
	for _, m := range list {
		form := p.e.Lib.Form(m.Form)
		who := p.holders(m.By)
		if form == nil || len(who) == 0 {
			return fmt.Errorf("demo.yaml: cannot make %s by %s", m.Form, m.By)
		}
		draws := map[string]drawn{}
		for k, d := range c.draws {
			draws[k] = d
		}
		draws["case"] = drawn{id: c.id} // the record whose step it is
		p.actor = who[p.rnd.IntN(len(who))]
		out, err := p.try(engine.Act{Form: m.Form, Action: "create", Values: p.values(form, m.Values, draws), Lines: p.lines(form, m.Lines, draws),
			Actor: engine.Actor{Person: p.actor, Origin: "demo"}}, form, form.Action("create"), draws)
		if err != nil {
			return err
		}
		if st := p.follow[m.Form]; st != nil && out != nil {
			p.next(&tale{story: st, form: form, id: out.Record, draws: draws})
		}
	}
	return nil
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
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
	at := p.workTime(p.now.Add(lo + time.Duration(p.rnd.Int64N(int64(hi-lo)))))
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
