package scenario

import (
	"fmt"
	"slices"
	"strings"

	"zhanggui/internal/calendar"
	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/rulebook"
)

// stepKeys are the words of a step that are not the person who acts.
var stepKeys = []string{"with", "at", "refused", "reason", "comment", "refuse", "waive"}

// step does one line of `when`.
func (p *play) step(v any) error {
	m, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("a step is {person: action record}, not %v", v)
	}
	who := ""
	for _, k := range keys(m) {
		if slices.Contains(stepKeys, k) {
			continue
		}
		if who != "" {
			return fmt.Errorf("who acts, %s or %s? Beside the person a step knows %s", who, k, strings.Join(stepKeys, ", "))
		}
		who = k
	}
	what := fmt.Sprint(m[who])
	p.seen = nil
	if who == "clock" {
		if len(m) > 1 {
			return fmt.Errorf("the clock is only turned: {clock: %s}", what)
		}
		return p.turn(what)
	}
	if at, there := m["at"]; there {
		if err := p.turn(fmt.Sprint(at)); err != nil {
			return err
		}
		p.seen = nil
	}
	if strings.HasPrefix(what, "reveal ") {
		return p.reveal(who, what, m)
	}
	if who != "link" && strings.HasPrefix(what, "link ") {
		return p.giveLink(who, what, m)
	}
	act, name, form, err := p.act(who, what, m)
	if err != nil {
		return err
	}
	if err := p.linkOver(act.Actor.Link); err != nil {
		return p.answer(what, m["refused"], err)
	}
	out, err := p.e.Do(p.ctx, p.now, act)
	if err := p.answer(what, m["refused"], err); err != nil || out == nil {
		return err
	}
	p.seen = out.Effects
	if act.Action == "create" && name != "" {
		p.names[name] = engine.Named{Form: form.Key, ID: out.Record}
		p.ids[out.Record] = name
	}
	p.learn(out.Effects)
	return nil
}

// act reads who does what to which record with what.
func (p *play) act(who, what string, m map[string]any) (act engine.Act, name string, form *rulebook.Form, err error) {
	person := p.names[who]
	byLink := who == "link"
	if person.Form != "base.person" && !byLink {
		return act, "", nil, fmt.Errorf("%q is nobody in this scenario", who)
	}
	words := strings.Fields(what)
	if len(words) < 2 || len(words) > 3 || (len(words) == 3 && words[0] != "create") {
		return act, "", nil, fmt.Errorf("%q: write action record, or create form name", what)
	}
	act = engine.Act{Action: words[0], Actor: engine.Actor{Person: person.ID, Origin: "api"}}
	if words[0] == "create" {
		if form, err = p.form(words[1]); err != nil {
			return act, "", nil, err
		}
		if len(words) > 2 {
			name = words[2]
		}
	} else {
		n, err := p.find(words[1])
		if err != nil {
			return act, "", nil, err
		}
		form, act.Record = p.b.lib.Form(n.Form), n.ID
	}
	act.Form = form.Key
	if byLink {
		act.Actor = engine.Actor{Link: &engine.Bearer{Form: act.Form, Record: act.Record, Action: act.Action}, Origin: "link"}
	}
	with, err := mapping(m, "with")
	if err != nil {
		return act, "", nil, err
	}
	rest := map[string]any{}
	for k, v := range with {
		if k == "reason" && form.Field("reason") == nil { // the reason of the act, where the form has no field of that name
			if !none(v) {
				act.Reason = fmt.Sprint(v)
			}
			continue
		}
		rest[k] = v
	}
	if act.Values, act.Lines, err = p.values(form, rest); err != nil {
		return act, "", nil, err
	}
	if form.Report != nil || byLink { // the rows are there already: they are meant in their order
		for line, rows := range act.Lines {
			if act.Record == "" {
				continue
			}
			ids, err := p.e.RowIDs(p.ctx, p.now, form.Key, act.Record, line)
			if err != nil {
				return act, "", nil, err
			}
			for i, row := range rows {
				if i < len(ids) {
					row["id"] = ids[i]
				}
			}
		}
	}
	if v := m["reason"]; !none(v) {
		act.Reason = fmt.Sprint(v)
	}
	if v := m["comment"]; !none(v) {
		act.Comment = fmt.Sprint(v)
	}
	switch v := m["refuse"]; v {
	case true, "true":
		act.Refuse = true
	case nil, false, "false", "none":
	default:
		return act, "", nil, fmt.Errorf("refuse: %v is neither true nor false", v)
	}
	waive, _, err := list(m, "waive")
	for _, x := range waive {
		w, ok := x.(map[string]any)
		if !ok {
			return act, "", nil, fmt.Errorf("waive is a list of {clause, reason}")
		}
		if err := known(w, "waive", "clause", "reason"); err != nil {
			return act, "", nil, err
		}
		if !none(w["clause"]) {
			act.Waive = append(act.Waive, engine.Waiver{Clause: fmt.Sprint(w["clause"]), Reason: fmt.Sprint(w["reason"])})
		}
	}
	return act, name, form, err
}

// groups are the words beside clauses that say what refuses.
var groups = map[string]string{"by": "who", "who": "who", "state": "state", "locked": "locked", "fill": "fill", "class": "class",
	"gate": "gate", "require": "require", "unique": "unique", "quota": "quota", "ledger": "ledger", "unknown": "unknown"}

// answer compares what came with `refused:`.
func (p *play) answer(what string, refused any, err error) error {
	wanted := ""
	if !none(refused) && refused != false {
		wanted = fmt.Sprint(refused)
		if groups[wanted] == "" && p.clause(wanted) == nil {
			return fmt.Errorf("refused: %s is neither a clause nor one of %s", wanted, strings.Join(keys(groups), ", "))
		}
	}
	if err == nil {
		if wanted != "" {
			return want("%s: should be refused by %s, but was done", what, wanted)
		}
		return nil
	}
	r, ok := engine.AsRefusal(err)
	switch {
	case wanted == "":
		return fmt.Errorf("%s: %w", what, words(err))
	case !ok && wanted == "unknown" && (fault.KindOf(err) == fault.Invalid || fault.KindOf(err) == fault.NotFound):
		return nil // no such record for him, or no such thing to fill in
	case !ok:
		return fmt.Errorf("%s: should be refused by %s, but: %w", what, wanted, words(err))
	case r.Group == groups[wanted], slices.Contains(r.Clauses(), wanted):
		return nil
	}
	return want("%s: should be refused by %s, but was %v", what, wanted, err)
}

// learn gives records that acts made names of their own: reminder.1, reminder.2 …
func (p *play) learn(effects []engine.Effect) {
	for _, e := range effects {
		f := p.b.lib.Form(e.Form)
		if f == nil || p.ids[e.Record] != "" || (e.Kind != "create" && e.Kind != "sanction") {
			continue
		}
		for n := 1; p.ids[e.Record] == ""; n++ {
			if k := fmt.Sprintf("%s.%d", f.ID, n); p.names[k].ID == "" {
				p.names[k] = engine.Named{Form: f.Key, ID: e.Record}
				p.ids[e.Record] = k
			}
		}
	}
}

// find resolves a record by its name in the scenario; last.form is the newest one, whoever made it, and
// c.form the newest that refers to c.
func (p *play) find(name string) (engine.Named, error) {
	if n, ok := p.names[name]; ok && n.ID != "" {
		return n, nil
	}
	of, formID, dotted := cutLast(name)
	var about engine.Named
	if dotted && of != "last" {
		about = p.names[of]
		if f := p.b.lib.Form(about.Form); about.ID == "" || f.Field(formID) != nil || f.Line(formID) != nil {
			dotted = false // c.customer is what the field says
		}
	}
	if dotted {
		f, err := p.form(formID)
		if err == nil {
			id, err := p.e.Newest(p.ctx, f.Key, about)
			if err != nil {
				return engine.Named{}, err
			}
			if id != "" {
				return engine.Named{Form: f.Key, ID: id}, nil
			}
		}
	}
	return engine.Named{}, fmt.Errorf("there is no record %s", name)
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// turn turns the clock to an instant, or on by a length (+15d); what falls due happens in order.
func (p *play) turn(to string) error {
	to = strings.TrimSpace(to)
	if s, ok := strings.CutPrefix(to, "+"); ok {
		sp, err := calendar.ParseSpan(s)
		if err != nil {
			return err
		}
		p.now = p.b.lib.Days.Calendar().Add(p.now, sp)
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
	stop := p.e.Watch(func(list []engine.Effect) { p.seen = append(p.seen, list...) })
	_, _, err := p.e.Tick(p.ctx, p.now)
	stop()
	p.learn(p.seen)
	return err
}
