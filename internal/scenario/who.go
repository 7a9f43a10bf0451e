package scenario

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"zhanggui/internal/engine"
	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
)

var anyType = expr.Of(expr.KAny)

// whoMay compares, for record and action, exactly who may do it now.
func (p *play) whoMay(m map[string]any) error {
	may, err := mapping(m, "who_may")
	if err != nil {
		return err
	}
	for _, name := range keys(may) {
		rec, err := p.find(name)
		if err != nil {
			return err
		}
		acts, err := mapping(may, name)
		if err != nil {
			return err
		}
		for _, action := range keys(acts) {
			a := p.b.lib.Form(rec.Form).Action(action)
			if a == nil || a.Implicit {
				return fmt.Errorf("who_may: %s has no action %s of its own", name, action)
			}
			should, _, err := list(acts, action)
			if err != nil {
				return err
			}
			steps, _, err := p.e.Steps(p.ctx, p.now, rec.Form, rec.ID)
			if err != nil {
				return err
			}
			var have []string
			for _, s := range steps {
				if s.Action.ID == action {
					have = s.Who
				}
			}
			if !p.same(strings.Join(have, ", "), should) {
				return want("%s of %s: may be done by [%s], should be %v", action, name, p.people(strings.Join(have, ",")), should)
			}
		}
	}
	return nil
}

// mayOrNot asks what the record's page would offer: {wang: [register c]}.
func (p *play) mayOrNot(m map[string]any) error {
	for _, key := range []string{"may", "may_not"} {
		who, err := mapping(m, key)
		if err != nil {
			return err
		}
		for _, name := range keys(who) {
			acts, _, err := list(who, name)
			if err != nil {
				return err
			}
			for _, a := range acts {
				open, err := p.offered(name, fmt.Sprint(a))
				if err != nil {
					return fmt.Errorf("%s: %w", key, err)
				}
				if open != (key == "may") {
					return want("%s: %s %v is %v", key, name, a, map[bool]string{true: "open to him", false: "not open to him"}[open])
				}
			}
		}
	}
	return nil
}

func (p *play) offered(person, what string) (bool, error) {
	actor, err := p.actor(person)
	if err != nil {
		return false, err
	}
	action, name, ok := strings.Cut(what, " ")
	if !ok {
		return false, fmt.Errorf("%q: write action record", what)
	}
	rec, err := p.find(name)
	if err != nil {
		return false, err
	}
	if p.b.lib.Form(rec.Form).Action(action) == nil {
		return false, fmt.Errorf("%s has no action %s", name, action)
	}
	v, err := p.e.Record(p.ctx, p.now, actor, rec.Form, rec.ID)
	if fault.KindOf(err) == fault.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(v.Actions.Open, func(a engine.ActionOpen) bool { return a.ID == action }), nil
}

func (p *play) actor(person string) (engine.Actor, error) {
	n := p.names[person]
	if n.Form != "base.person" {
		return engine.Actor{}, fmt.Errorf("%s is nobody in this scenario", person)
	}
	return engine.Actor{Person: n.ID, Origin: "api"}, nil
}

// sees compares what a person is shown, as the pages show it.
func (p *play) sees(m map[string]any) error { return p.compared(m, "sees", p.seenBy) }

// takes compares what a list holds that a person takes out of the house.
func (p *play) takes(m map[string]any) error { return p.compared(m, "takes", p.takenBy) }

func (p *play) compared(m map[string]any, key string, look func(engine.Actor, string) (string, error)) error {
	who, err := mapping(m, key)
	if err != nil {
		return err
	}
	for _, name := range keys(who) {
		actor, err := p.actor(name)
		if err != nil {
			return err
		}
		paths, err := mapping(who, name)
		if err != nil {
			return err
		}
		for _, path := range keys(paths) {
			got, err := look(actor, path)
			if err != nil {
				return fmt.Errorf("%s: %s: %s: %w", key, name, path, err)
			}
			if !p.same(got, paths[path]) {
				return want("%s %s %s as %q, should be %q", name, key, path, p.shown(got), fmt.Sprint(paths[path]))
			}
		}
	}
	return nil
}

// seenBy answers a path with a reader's eyes: `c` (whether he sees the record at all), `c.field`, `c.form` (the related
// records of a form), `c.history`, `form.count`, and `search words`.
func (p *play) seenBy(actor engine.Actor, path string) (string, error) {
	if words, ok := strings.CutPrefix(path, "search "); ok {
		found, err := p.e.Search(p.ctx, p.now, actor, words)
		if err != nil {
			return "", err
		}
		var ids []string
		for _, g := range found.Groups {
			for _, h := range g.Hits {
				if p.ids[h.ID] != "" { // clauses and forms are no records
					ids = append(ids, h.ID)
				}
			}
		}
		return strings.Join(ids, ", "), nil
	}
	if id, ok := strings.CutSuffix(path, ".count"); ok {
		if f, err := p.form(id); err == nil {
			return p.countSeen(actor, f.Key)
		}
	}
	rec, rest, err := p.longest(path)
	if err != nil {
		return "", err
	}
	v, err := p.e.Record(p.ctx, p.now, actor, rec.Form, rec.ID)
	if fault.KindOf(err) == fault.NotFound {
		if rest == "" {
			return "false", nil
		}
		return "unknown", nil
	}
	if err != nil || rest == "" {
		return "true", err
	}
	form := p.b.lib.Form(rec.Form)
	switch {
	case rest == "history":
		entries, err := p.e.History(p.ctx, p.now, actor, rec.Form, rec.ID)
		var acts []string
		for _, h := range entries {
			acts = append(acts, h.Action)
		}
		return strings.Join(acts, ", "), err
	case form.Field(rest) != nil:
		if o, err := p.e.Shown(p.ctx, p.now, actor, rec.Form, rec.ID, rest); err != nil {
			return "", err
		} else if o != nil {
			return plain(o.Value)
		}
		x, shown := v.Values[rest]
		if !shown {
			return "hidden", nil
		}
		return plain(x)
	}
	if f, err := p.form(rest); err == nil {
		var ids []string
		for _, rel := range v.Related {
			if rel.Form == f.Key {
				for _, row := range rel.Rows {
					ids = append(ids, row.ID)
				}
			}
		}
		return strings.Join(ids, ", "), nil
	}
	return "", fmt.Errorf("form %s has no field %s", form.ID, rest)
}

// takenBy answers a field of a record as an export of its whole register holds it.
func (p *play) takenBy(actor engine.Actor, path string) (string, error) {
	rec, field, err := p.longest(path)
	if err != nil {
		return "", err
	}
	if form := p.b.lib.Form(rec.Form); form.Field(field) == nil {
		return "", fmt.Errorf("form %s has no field %s", form.ID, field)
	}
	all, err := p.e.List(p.ctx, p.now, actor, engine.ListQuery{Form: rec.Form, Count: true})
	if fault.KindOf(err) == fault.NotFound {
		return "unknown", nil
	}
	if err != nil {
		return "", err
	}
	for cursor := ""; ; {
		page, err := p.e.ExportPage(p.ctx, p.now, actor, engine.ListQuery{Form: rec.Form}, []string{field}, cursor, *all.Total)
		if err != nil {
			return "", err
		}
		for _, row := range page.Rows {
			if row.ID != rec.ID {
				continue
			}
			x, shown := row.Values[field]
			if !shown {
				return "hidden", nil
			}
			return plain(x)
		}
		if cursor = page.Next; cursor == "" {
			return "unknown", nil
		}
	}
}

func (p *play) countSeen(actor engine.Actor, form string) (string, error) {
	page, err := p.e.List(p.ctx, p.now, actor, engine.ListQuery{Form: form, Count: true})
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return "0", nil
	case err != nil:
		return "", err
	case page.Total != nil:
		return fmt.Sprint(*page.Total), nil
	}
	return fmt.Sprint(len(page.Rows)), nil
}

// plain is a value of the API as text: records by id, a mask as it is shown.
func plain(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	var x any
	if err := json.Unmarshal(b, &x); err != nil {
		return "", err
	}
	return flat(x), nil
}

func flat(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case map[string]any:
		for _, k := range []string{"id", "masked", "mask"} {
			if s, ok := x[k].(string); ok {
				return s
			}
		}
	case []any:
		var parts []string
		for _, y := range x {
			parts = append(parts, flat(y))
		}
		return strings.Join(parts, ", ")
	}
	return fmt.Sprint(v)
}
