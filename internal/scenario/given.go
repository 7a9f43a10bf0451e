package scenario

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"zhanggui/internal/engine"
	"zhanggui/internal/rulebook"
)

const longAgo = "2000-01-01" // what is given has always been so

// setUp makes the units, the people and the seeded records of `given`.
func (p *play) setUp() error {
	g := p.one.given
	if err := known(g, "given", "now", "adopts", "values", "legal", "people", "outside", "away", "is"); err != nil {
		return err
	}
	p.now = time.Date(2026, 3, 2, 9, 0, 0, 0, p.zone)
	if v, there := g["now"]; there {
		t, err := p.instant(fmt.Sprint(v))
		if err != nil {
			return err
		}
		p.now = t
	}
	if _, err := p.unit("works"); err != nil {
		return err
	}
	for _, prepare := range []func(map[string]any) error{p.adopt, p.setValues, p.hireAll, p.putOutside, p.sendAway, p.seedAll} {
		if err := prepare(g); err != nil {
			return err
		}
	}
	_, _, err := p.e.Tick(p.ctx, p.now)
	return err
}

// system creates a record in the installation's own name.
func (p *play) system(form string, values map[string]any) (string, error) {
	out, err := p.e.Do(p.ctx, p.now, engine.Act{Form: form, Action: "create", Values: values, Actor: engine.Actor{System: true, Origin: "system"}})
	if err != nil {
		return "", fmt.Errorf("%s: %w", form, words(err))
	}
	return out.Record, nil
}

// adopt makes the units' adoptions. Doubtful clauses sleep as they are shipped, unless the scenario lists them
// under legal: or means to prove one of them.
func (p *play) adopt(g map[string]any) error {
	book := p.one.s.Book
	adopts, err := mapping(g, "adopts")
	if err != nil {
		return err
	}
	if adopts == nil {
		adopts = map[string]any{"works": book.ID}
	}
	woken, err := p.woken(g)
	if err != nil {
		return err
	}
	for _, u := range keys(adopts) {
		b := p.b.lib.Book(fmt.Sprint(adopts[u]))
		if b == nil {
			return fmt.Errorf("adopts: there is no rulebook %v", adopts[u])
		}
		id, err := p.unit(u)
		if err != nil {
			return err
		}
		v := map[string]any{"unit": id, "book": b.ID, "version": b.Version, "from": longAgo}
		if woken != "" {
			v["woken"] = woken
		}
		if _, err := p.system("base.adoption", v); err != nil {
			return err
		}
	}
	return nil
}

func (p *play) woken(g map[string]any) (string, error) {
	listed, _, err := list(g, "legal")
	if err != nil {
		return "", err
	}
	var wake []string
	for _, v := range listed {
		id := fmt.Sprint(v)
		if p.clause(id) == nil {
			return "", fmt.Errorf("legal: there is no clause %s", id)
		}
		wake = append(wake, id)
	}
	for _, id := range p.one.clauses {
		if doubtful(p.clause(id)) {
			wake = append(wake, id)
		}
	}
	return strings.Join(wake, ", "), nil
}

func (p *play) clause(id string) *rulebook.Clause {
	_, c := p.b.lib.Clause(id)
	return c
}

// doubtful tells whether a clause ships asleep for the law's sake.
func doubtful(c *rulebook.Clause) bool {
	if c == nil {
		return false
	}
	for _, n := range c.Nodes {
		if n.Legal != "" {
			return true
		}
	}
	return c.Legal != ""
}

// setValues gives parameters the company's own values; what cannot be read is refused here, since the engine
// would go on with the shipped value.
func (p *play) setValues(g map[string]any) error {
	values, err := mapping(g, "values")
	if err != nil {
		return err
	}
	for _, id := range keys(values) {
		if none(values[id]) {
			continue
		}
		var par *rulebook.Parameter
		book := p.one.s.Book
		for _, b := range append([]*rulebook.Book{book}, p.b.lib.Books...) {
			if par = b.Parameter(id); par != nil {
				book = b
				break
			}
		}
		if par == nil {
			return fmt.Errorf("values: there is no parameter %s", id)
		}
		raw := fmt.Sprint(values[id])
		if par.Type.Name == "table" {
			b, err := json.Marshal(values[id])
			if err != nil {
				return err
			}
			raw = string(b)
			_, err = rulebook.ParseRows(par, raw, nil)
			if err != nil {
				return fmt.Errorf("values: %s: %w", id, err)
			}
		} else if _, err := rulebook.ParseLiteral(raw, par.Type); err != nil {
			return fmt.Errorf("values: %s: %w", id, err)
		}
		if _, err := p.system("base.param_value", map[string]any{"book": book.ID, "param": id, "value": raw, "from": longAgo}); err != nil {
			return err
		}
	}
	return nil
}

// unit finds or makes a unit; all others stand below works.
func (p *play) unit(name string) (string, error) {
	if id := p.units[name]; id != "" {
		return id, nil
	}
	v := map[string]any{"name": name, "country": "CN"}
	if top := p.units["works"]; top != "" {
		v["parent"] = top
	}
	id, err := p.system("base.unit", v)
	if err != nil {
		return "", err
	}
	p.units[name] = id
	p.names[name] = engine.Named{Form: "base.unit", ID: id}
	p.ids[id] = name
	return id, nil
}

func (p *play) hireAll(g map[string]any) error {
	people, err := mapping(g, "people")
	if err != nil {
		return err
	}
	for _, name := range keys(people) {
		if err := p.hire(name, people[name]); err != nil {
			return fmt.Errorf("people: %s: %w", name, err)
		}
	}
	return nil
}

// hire reads "sales@works", "[sales, quality]@works", a list of them, or "head@works" (the unit's head). A role that
// no rulebook has, such as staff, is none.
func (p *play) hire(name string, v any) error {
	posts := []string{fmt.Sprint(v)}
	if l, ok := v.([]any); ok {
		posts = nil
		for _, x := range l {
			posts = append(posts, fmt.Sprint(x))
		}
	}
	person := ""
	for _, post := range posts {
		roles, unit, _ := strings.Cut(strings.TrimSpace(post), "@")
		if unit == "" {
			unit = "works"
		}
		uid, err := p.unit(unit)
		if err != nil {
			return err
		}
		if person == "" {
			if person, err = p.system("base.person", map[string]any{"name": name, "account": name, "unit": uid, "wage": "6000.00", "active": true}); err != nil {
				return err
			}
			p.names[name] = engine.Named{Form: "base.person", ID: person}
			p.ids[person] = name
		}
		for _, role := range strings.FieldsFunc(roles, func(r rune) bool { return strings.ContainsRune("[], ", r) }) {
			p.roles[name] = append(p.roles[name], role)
			switch {
			case role == "head":
				act := engine.Act{Form: "base.unit", Record: uid, Action: "edit", Values: map[string]any{"head": person}, Actor: engine.Actor{System: true}}
				if _, err := p.e.Do(p.ctx, p.now, act); err != nil {
					return words(err)
				}
			case p.hasRole(role):
				if _, err := p.system("base.role_grant", map[string]any{"person": person, "role": role, "unit": uid, "from": longAgo}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (p *play) hasRole(id string) bool {
	for _, b := range p.b.lib.Books {
		if b.Role(id) != nil {
			return true
		}
	}
	return false
}

// putOutside makes units those of other organisations.
func (p *play) putOutside(g map[string]any) error {
	units, _, err := list(g, "outside")
	if err != nil {
		return err
	}
	for _, u := range units {
		id, err := p.unit(fmt.Sprint(u))
		if err != nil {
			return err
		}
		act := engine.Act{Form: "base.unit", Record: id, Action: "edit", Values: map[string]any{"kind": "outside"}, Actor: engine.Actor{System: true}}
		if _, err := p.e.Do(p.ctx, p.now, act); err != nil {
			return words(err)
		}
	}
	return nil
}

// sendAway makes persons absent around now, with the one who stands in, if any.
func (p *play) sendAway(g map[string]any) error {
	away, err := mapping(g, "away")
	if err != nil {
		return err
	}
	for _, name := range keys(away) {
		who := p.names[name]
		if who.Form != "base.person" {
			return fmt.Errorf("away: %s is nobody in this scenario", name)
		}
		v := map[string]any{"person": who.ID, "from": p.now.AddDate(0, 0, -1).UTC().Format(time.RFC3339), "until": p.now.AddDate(0, 0, 30).UTC().Format(time.RFC3339)}
		if s, ok := away[name].(string); ok && !none(s) {
			if p.names[s].Form != "base.person" {
				return fmt.Errorf("away: %s is nobody in this scenario", s)
			}
			v["stand_in"] = p.names[s].ID
		}
		if _, err := p.system("base.absence", v); err != nil {
			return err
		}
	}
	return nil
}
