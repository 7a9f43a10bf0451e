package demo

import (
	"fmt"

	"zhanggui/internal/engine"
	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/rulebook"
)

// choose orders what to try: side ways that the dice picked, then what the plan calls main, then what moves on.
func (p *player) choose(c *tale, steps []engine.Step) []engine.Step {
	var side, main, rest []engine.Step
	for _, s := range steps {
		if s.Clock {
			continue
		}
		plan, told := c.story.Step[s.Action.ID]
		switch {
		case plan.Chance != nil && p.rnd.Float64() < *plan.Chance:
			side = append(side, s)
		case plan.Chance != nil:
		case plan.Main || told:
			main = append(main, s)
		case s.Action.From != nil && !s.Action.From.Any && s.Action.To != nil:
			rest = append(rest, s)
		}
	}
	return append(append(side, main...), rest...)
}

// try acts; where the answer is that fields are missing, it fills them in as people would and tries again. Who was refused once looks
// first whether it is open now, and nobody hands in a form he has not filled: else the register of refusals would tell of the player.
func (p *player) try(act engine.Act, form *rulebook.Form, a *rulebook.Action, draws map[string]drawn) (*engine.Outcome, error) {
	key := act.Record + "|" + act.Action
	act.Dry = act.Record != "" && (p.refused[key] || len(a.Fill) > len(act.Values)+len(act.Lines))
	for n := 0; n < 6; n++ {
		out, err := p.e.Do(p.ctx, p.now, act)
		if err == nil && act.Dry {
			act.Dry = false
			continue
		}
		if err == nil {
			p.stats["acts"]++
			p.made[form.Key] = appendOnce(p.made[form.Key], out.Record, act.Values)
			p.followUp(out.Effects)
			return out, nil
		}
		r, ok := engine.AsRefusal(err)
		if !ok {
			if k := fault.KindOf(err); k == fault.Invalid || k == fault.NotFound { // or he does not know of it: it does not concern him
				p.log.Debug("demo: act not accepted", "form", act.Form, "action", act.Action, "error", explain(err))
				return nil, nil
			}
			return nil, fmt.Errorf("%s %s: %w", act.Form, act.Action, err)
		}
		if !act.Dry {
			p.stats["refused"]++
		}
		if r.Group != "fill" && act.Dry && !p.refused[key] { // the first time he hands it in all the same
			act.Dry = false
			continue
		}
		if r.Group != "fill" {
			p.refused[key] = true
			p.log.Debug("demo: refused", "form", act.Form, "action", act.Action, "why", err.Error())
			return nil, nil
		}
		if act.Values == nil {
			act.Values = map[string]any{}
		}
		moved := false
		for _, it := range r.Items {
			if it.Field == "reason" {
				act.Reason, moved = "按实际情况办理，详见记录", true
			}
			if f := form.Field(it.Field); f != nil && f.Value == nil {
				if v := p.invent(f); v != nil {
					act.Values[it.Field], moved = v, true
				}
			}
			if l := form.Line(it.Field); l != nil {
				row := map[string]any{}
				for _, f := range l.Fields {
					if f.Value == nil && f.Type.Expr.Kind != expr.KList {
						if v := p.invent(f); v != nil {
							row[f.ID] = v
						}
					}
				}
				if act.Lines == nil {
					act.Lines = map[string][]map[string]any{}
				}
				act.Lines[it.Field], moved = []map[string]any{row}, true
			}
		}
		if !moved {
			return nil, nil
		}
	}
	return nil, nil
}

// followUp gives records that acts and the clock made a tale of their own; what speaks of a person is a tale of his house.
func (r *run) followUp(list []engine.Effect) {
	for _, ef := range list {
		f, ok := r.follow[ef.Form]
		if !ok || ef.Kind != "create" && ef.Kind != "sanction" {
			continue
		}
		p := f.of
		if h := r.home[ef.Data["person"]]; h != nil {
			p = h
		}
		p.next(&tale{story: f.story, form: r.e.Lib.Form(ef.Form), id: ef.Record, draws: map[string]drawn{}})
	}
}

func appendOnce(list []drawn, id string, values map[string]any) []drawn {
	for i := len(list) - 1; i >= 0 && i > len(list)-40; i-- {
		if list[i].id == id {
			return list
		}
	}
	return append(list, drawn{id, values})
}
