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

// run is one playing of a plan: what all its houses share.
type run struct {
	ctx     context.Context
	e       *engine.Engine
	zone    *time.Location
	cal     *calendar.Calendar
	now     time.Time
	end     time.Time
	names   map[string]string
	queue   agenda
	follow  map[string]told    // forms whose records come from the acts of others
	home    map[string]*player // person → the house he was put into
	stats   map[string]int
	refused map[string]bool // record|action that was refused before
	log     *slog.Logger
}

// player plays one house. It has dice of its own, so that one house's year does not hang on what another does.
type player struct {
	*run
	plan   *Plan
	rnd    *rand.Rand
	actor  string // who fills in a form now: files are his
	made   map[string][]drawn
	people []string
	roles  map[string][]string
}

// told is a story and the house it is told of.
type told struct {
	story *Story
	of    *player
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

// unplayable is what is wrong with a plan, found in the middle of a value.
type unplayable string

// Play puts the company in place and plays its history up to the plan's end.
func Play(ctx context.Context, e *engine.Engine, plan *Plan, seed uint64, log *slog.Logger, progress func(done float64)) (res *Result, err error) {
	defer func() {
		switch why := recover().(type) {
		case nil:
		case unplayable:
			res, err = nil, fmt.Errorf("%s: %s", plan.Company, string(why))
		default:
			panic(why)
		}
	}()
	cal := calendar.Standard()
	from, err := calendar.ParseDate(plan.From)
	if err != nil {
		return nil, err
	}
	to, err := time.ParseInLocation("2006-01-02 15:04", plan.To, cal.Zone)
	if err != nil {
		return nil, err
	}
	r := &run{ctx: ctx, e: e, zone: cal.Zone, cal: cal, now: from.Start(cal.Zone).Add(8 * time.Hour), end: to, names: map[string]string{},
		follow: map[string]told{}, home: map[string]*player{}, stats: map[string]int{}, refused: map[string]bool{}, log: log}
	var houses []*player
	for i, h := range append([]*Plan{plan}, plan.houses...) {
		p := &player{run: r, plan: h, rnd: newRand(seed + uint64(i)), made: map[string][]drawn{}, roles: map[string][]string{}}
		if err := p.settle(); err != nil {
			return nil, err
		}
		houses = append(houses, p)
	}
	for _, unit := range keys(plan.Under) {
		for _, below := range plan.Under[unit] {
			if err := r.setUnit(below, "parent", unit); err != nil {
				return nil, err
			}
		}
	}
	for _, p := range houses {
		if err := p.place(true); err != nil {
			return nil, err
		}
	}
	defer e.Watch(r.followUp)()
	res = &Result{Now: to}
	for _, p := range houses {
		for _, s := range p.plan.Morning {
			p.at(p.workTime(p.now), func() error { return p.sweep(s) })
		}
		for i := range p.plan.Course {
			if err := p.enrol(&p.plan.Course[i]); err != nil {
				return nil, err
			}
		}
		if err := p.schedule(from, calendar.DateOf(to, p.zone)); err != nil {
			return nil, err
		}
	}
	start, span := r.now, to.Sub(r.now)
	for r.queue.Len() > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		ev := heap.Pop(&r.queue).(*event)
		if ev.at.After(to) {
			break
		}
		r.now = ev.at
		n, _, err := e.Tick(ctx, r.now)
		if err != nil {
			return nil, fmt.Errorf("tick at %s: %w", r.now, err)
		}
		res.Ticks += n
		if err := ev.do(); err != nil {
			return nil, err
		}
		if progress != nil {
			progress(float64(r.now.Sub(start)) / float64(span))
		}
	}
	r.now = to
	n, _, err := e.Tick(ctx, to)
	if err != nil {
		return nil, err
	}
	res.Ticks += n
	res.Acts, res.Refused = r.stats["acts"], r.stats["refused"]
	return res, nil
}

// settle puts a house in place: its records, and who leads its units.
func (p *player) settle() error {
	if err := p.place(false); err != nil {
		return err
	}
	for _, unit := range keys(p.plan.Head) {
		if err := p.setUnit(unit, "head", p.plan.Head[unit]); err != nil {
			return err
		}
	}
	for i := range p.plan.Story {
		st := &p.plan.Story[i]
		if _, there := p.follow[st.Form]; st.By == "" || !there { // else what comes about by itself goes the way of the first story
			p.follow[st.Form] = told{st, p}
		}
	}
	return nil
}

// place puts the house's records in place: those of the installation, or, once the house stands where it belongs, those its people file.
func (p *player) place(filed bool) error {
	for _, s := range p.plan.Record {
		if (s.By != "") != filed {
			continue
		}
		if err := p.seed(s); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) setUnit(unit, field, name string) error {
	act := engine.Act{Form: "base.unit", Record: r.names[unit], Action: "edit", Values: map[string]any{field: r.names[name]}, Actor: engine.Actor{System: true, Origin: "demo"}}
	if _, err := r.e.Do(r.ctx, r.now, act); err != nil {
		return fmt.Errorf("demo: %s of %s: %w", field, unit, explain(err))
	}
	return nil
}

// seed puts records in place, in the installation's own name or in that of one of the house.
func (p *player) seed(s Seed) error {
	n := s.Count
	if n == 0 {
		n = 1
	}
	form := p.e.Lib.Form(s.Form)
	if form == nil {
		return fmt.Errorf("demo: there is no form %s", s.Form)
	}
	for i := 0; i < n; i++ {
		values, actor := p.values(form, s.Values, nil), engine.Actor{System: true, Origin: "demo"}
		if s.By != "" {
			who, _ := p.value(s.By, nil, nil).(string)
			actor = engine.Actor{Person: who, Origin: "demo"}
		}
		out, err := p.e.Do(p.ctx, p.now, engine.Act{Form: s.Form, Action: "create", Values: values, Lines: p.lines(form, s.Lines, nil), Actor: actor})
		if err != nil {
			return fmt.Errorf("demo: %s %s: %w", s.Form, s.Name, explain(err))
		}
		if s.Name != "" {
			p.names[s.Name] = out.Record
		}
		p.made[form.Key] = append(p.made[form.Key], drawn{out.Record, values})
		switch form.Key {
		case "base.person":
			p.people = append(p.people, out.Record)
			p.home[out.Record] = p
		case "base.role_grant":
			role, _ := values["role"].(string)
			who, _ := values["person"].(string)
			p.roles[role] = append(p.roles[role], who)
		}
		for _, a := range s.Act {
			if _, err := p.e.Do(p.ctx, p.now, engine.Act{Form: s.Form, Record: out.Record, Action: a, Actor: engine.Actor{System: true, Origin: "demo"}}); err != nil {
				return fmt.Errorf("demo: %s %s %s: %w", s.Form, s.Name, a, explain(err))
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

// ahead tells whether a day among the values is yet to come.
func (p *player) ahead(values map[string]any) bool {
	today := p.now.In(p.zone).Format(time.DateOnly)
	for _, v := range values {
		day := fmt.Sprint(v)
		if t, ok := v.(time.Time); ok {
			day = t.Format(time.DateOnly)
		}
		if _, err := time.Parse(time.DateOnly, day); err == nil && day > today {
			return true
		}
	}
	return false
}

// begin files one case; rest is the state at which nobody goes on with it, or "".
func (p *player) begin(st *Story, rest string) error {
	form := p.e.Lib.Form(st.Form)
	if form == nil {
		return fmt.Errorf("demo: there is no form %s", st.Form)
	}
	draws := map[string]drawn{}
	for _, k := range keys(st.Draw) {
		list := p.made[st.Draw[k]]
		if len(list) == 0 {
			return fmt.Errorf("demo: nothing to draw from %s", st.Draw[k])
		}
		draws[k] = list[p.rnd.IntN(len(list))]
		for range 50 { // what is yet to come is nothing to speak of now
			if !p.ahead(draws[k].values) {
				break
			}
			draws[k] = list[p.rnd.IntN(len(list))]
		}
	}
	who := p.holders(st.By)
	if len(who) == 0 {
		return fmt.Errorf("demo: nobody holds %s", st.By)
	}
	p.actor = who[p.rnd.IntN(len(who))]
	out, err := p.try(engine.Act{Form: st.Form, Action: "create", Values: p.values(form, st.Values, draws), Lines: p.lines(form, st.Lines, draws),
		Actor: engine.Actor{Person: p.actor, Origin: "demo"}}, form, form.Action("create"), draws)
	if err != nil || out == nil {
		return err
	}
	c := &tale{story: st, form: form, id: out.Record, draws: draws, rest: rest}
	if rest == "" && p.rnd.Float64() < st.Stall && p.now.After(p.end.AddDate(0, 0, -40)) { // what stood still for longer somebody has seen to
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
	rest  string
	stuck int
}

func (p *player) next(c *tale) {
	lo, hi := time.Hour, 20*time.Hour
	if f := c.story.First; len(f) == 2 {
		lo, hi = length(f[0]), length(f[1])
	}
	p.at(p.when(c.story, p.now.Add(lo+time.Duration(p.rnd.Int64N(int64(hi-lo))))), func() error { return p.step(c) })
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
	if c.rest != "" && state == c.rest {
		return nil
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
	wait, most := 20*time.Hour, 12
	if c.story.Night {
		wait, most = time.Hour, 60
	}
	if c.stuck++; c.stuck < most {
		wait *= time.Duration(min(c.stuck, 4)) // who found it not ready looks again, and then less often
		p.at(p.when(c.story, p.now.Add(wait)), func() error { return p.step(c) })
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
		act := engine.Act{Form: s.Form, Record: x.ID, Action: s.Action, Actor: engine.Actor{Person: x.Of, Origin: "demo"}}
		if m := s.Make; m != nil {
			act = engine.Act{Form: m.Form, Action: "create", Values: p.values(p.e.Lib.Form(m.Form), m.Values, map[string]drawn{"case": {id: x.ID}}), Actor: act.Actor}
		}
		if _, err := p.e.Do(p.ctx, p.now, act); err != nil {
			return explain(err)
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
			return fmt.Errorf("demo: cannot make %s by %s", m.Form, m.By)
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
		if f, ok := p.follow[m.Form]; ok && out != nil {
			p.next(&tale{story: f.story, form: form, id: out.Record, draws: draws})
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
