package scenario

import (
	"fmt"
	"strings"

	"zhanggui/internal/calendar"
	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// stepKeys are the words of a step that are not the person who acts.
var stepKeys = map[string]bool{"with": true, "at": true, "refused": true, "reason": true, "comment": true, "refuse": true, "waive": true}

// step does one line of `when`.
func (p *play) step(v any) error {
	m, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("a step is {person: action record}")
	}
	if at, ok := m["at"].(string); ok {
		t, err := p.instant(at)
		if err != nil {
			return err
		}
		if err := p.turn(t.Format("2006-01-02 15:04:05")); err != nil {
			return err
		}
	}
	who, what := "", ""
	for k, x := range m {
		if !stepKeys[k] {
			who, what = k, fmt.Sprint(x)
		}
	}
	if who == "clock" {
		return p.turn(what)
	}
	person := p.names[who]
	if person.form != "base.person" {
		return fmt.Errorf("%s is nobody in this scenario", who)
	}
	words := strings.Fields(what)
	if len(words) < 2 {
		return fmt.Errorf("%q: say the action and the record", what)
	}
	act := engine.Act{Action: words[0], Actor: engine.Actor{Person: person.id, Origin: "api"}}
	name := words[1]
	var form *rulebook.Form
	if words[0] == "create" {
		f, err := p.form(words[1])
		if err != nil {
			return err
		}
		form, name = f, ""
		if len(words) > 2 {
			name = words[2]
		}
	} else {
		n, err := p.find(name)
		if err != nil {
			return err
		}
		form, act.Record = p.b.lib.Form(n.form), n.id
	}
	act.Form = form.Key
	with, _ := m["with"].(map[string]any)
	if with["reason"] != nil && form.Field("reason") == nil {
		act.Reason = fmt.Sprint(with["reason"])
		rest := map[string]any{}
		for k, x := range with {
			if k != "reason" {
				rest[k] = x
			}
		}
		with = rest
	}
	values, lines, err := p.values(form, with)
	if err != nil {
		return err
	}
	act.Values, act.Lines = values, lines
	if s, ok := m["reason"].(string); ok && s != "none" {
		act.Reason = s
	}
	if s, ok := m["comment"].(string); ok && s != "none" {
		act.Comment = s
	}
	act.Refuse, _ = m["refuse"].(bool)
	if list, ok := m["waive"].([]any); ok {
		for _, x := range list {
			if w, ok := x.(map[string]any); ok {
				act.Waive = append(act.Waive, engine.Waiver{Clause: fmt.Sprint(w["clause"]), Reason: fmt.Sprint(w["reason"])})
			}
		}
	}
	out, err := p.e.Do(p.ctx, p.now, act)
	if err := p.answer(what, m["refused"], err); err != nil || out == nil {
		return err
	}
	p.last, p.seen = out, out.Effects
	if name != "" && words[0] == "create" {
		p.names[name] = named{form.Key, out.Record}
		p.ids[out.Record] = name
	}
	p.learn(out.Effects)
	return nil
}

// answer compares what came with `refused:`.
func (p *play) answer(what string, expected any, err error) error {
	wantIt := ""
	if expected != nil && expected != "none" && expected != false {
		wantIt = fmt.Sprint(expected)
	}
	if err == nil {
		if wantIt != "" {
			return want("%s: should be refused by %s, but was done", what, wantIt)
		}
		return nil
	}
	r, refused := engine.AsRefusal(err)
	if !refused {
		if wantIt == "unknown" && (fault.KindOf(err) == fault.Invalid || fault.KindOf(err) == fault.NotFound) {
			return nil
		}
		return fmt.Errorf("%s: %w", what, words(err))
	}
	if wantIt == "" {
		return fmt.Errorf("%s: %w", what, err)
	}
	group := map[string]string{"by": "who"}[wantIt]
	if group == "" {
		group = wantIt
	}
	if r.Group == group {
		return nil
	}
	for _, c := range r.Clauses() {
		if c == wantIt {
			return nil
		}
	}
	return want("%s: should be refused by %s, but was refused by %s", what, wantIt, err)
}

// learn gives records that acts made names of their own: reminder.1, last.reminder, c.reminder.
func (p *play) learn(effects []engine.Effect) {
	for _, e := range effects {
		if e.Kind != "create" && e.Kind != "sanction" {
			continue
		}
		f := p.b.lib.Form(e.Form)
		if f == nil {
			continue
		}
		for n := 1; ; n++ {
			k := fmt.Sprintf("%s.%d", f.ID, n)
			if old, ok := p.names[k]; ok {
				if old.id == e.Record {
					break
				}
				continue
			}
			p.names[k] = named{f.Key, e.Record}
			if p.ids[e.Record] == "" {
				p.ids[e.Record] = k
			}
			break
		}
		p.names["last."+f.ID] = named{f.Key, e.Record}
	}
}

// find resolves a record by its name in the scenario; last.form is the newest one, whoever made it.
func (p *play) find(name string) (named, error) {
	if n, ok := p.names[name]; ok && n.id != "" {
		return n, nil
	}
	if id, ok := strings.CutPrefix(name, "last."); ok {
		f, err := p.form(id)
		if err != nil {
			return named{}, err
		}
		id, err := p.e.Newest(p.ctx, f.Key)
		if err != nil {
			return named{}, err
		}
		if id != "" {
			return named{f.Key, id}, nil
		}
	}
	return named{}, fmt.Errorf("there is no record %s", name)
}

// turn turns the clock to an instant, or on by a length (+15d); what falls due happens in order.
func (p *play) turn(to string) error {
	to = strings.TrimSpace(to)
	if s, ok := strings.CutPrefix(to, "+"); ok {
		sp, err := calendar.ParseSpan(s)
		if err != nil {
			return err
		}
		p.now = calendar.Standard().Add(p.now, sp)
	} else {
		t, err := p.instant(to)
		if err != nil {
			return err
		}
		if t.Before(p.now) {
			return fmt.Errorf("the clock cannot be turned back to %s", to)
		}
		p.now = t
	}
	p.seen = nil
	stop := p.e.Watch(func(list []engine.Effect) { p.seen = append(p.seen, list...) })
	_, _, err := p.e.Tick(p.ctx, p.now)
	stop()
	p.learn(p.seen)
	return err
}

var _ = store.Row{}
