package scenario

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/engine"
	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// Result is how one case of a scenario went.
type Result struct {
	Scenario *rulebook.Scenario
	Title    string
	Failed   string // "" = it holds; else what was expected and what came
	InStep   bool   // it failed in a step that should have succeeded, not at an expectation
	Clauses  map[string]bool
}

// Bench is one in-memory database on which scenarios are played one after the other, each leaving no trace.
type Bench struct {
	lib *rulebook.Library
	db  *store.DB
}

// NewBench prepares the tables once.
func NewBench(ctx context.Context, lib *rulebook.Library) (*Bench, error) {
	db, err := store.Open(ctx, "sqlite::memory:")
	if err != nil {
		return nil, err
	}
	plan, err := db.Plan(ctx, append(store.SystemTables(), engine.Tables(lib)...))
	if err == nil {
		err = db.Apply(ctx, plan)
	}
	if err != nil {
		db.Close()
		return nil, err
	}
	return &Bench{lib, db}, nil
}

// Close ends the bench.
func (b *Bench) Close() error { return b.db.Close() }

// play is one case being played.
type play struct {
	ctx   context.Context
	b     *Bench
	one   *one
	e     *engine.Engine
	now   time.Time
	zone  *time.Location
	names map[string]named  // by the scenario's own names
	ids   map[string]string // id → name
	units map[string]string
	last  *engine.Outcome
	seen  []engine.Effect // of the last step
	id    int
}

type named struct{ form, id string }

// expected is a mismatch with what the scenario says; anything else is trouble in a step.
type expected struct{ text string }

func (e expected) Error() string { return e.text }

func want(format string, args ...any) error { return expected{fmt.Sprintf(format, args...)} }

// Play runs every case of a scenario. asleep puts clauses to sleep for the run.
func (b *Bench) Play(ctx context.Context, s *rulebook.Scenario, asleep map[string]bool) []Result {
	var list []Result
	for _, o := range cases(s) {
		list = append(list, b.play(ctx, o, asleep))
	}
	return list
}

func (b *Bench) play(ctx context.Context, o *one, asleep map[string]bool) (res Result) {
	res = Result{Scenario: o.s, Title: o.title, Clauses: map[string]bool{}}
	db, undo, err := b.db.Sandbox(ctx)
	if err != nil {
		res.Failed = err.Error()
		return res
	}
	defer undo()
	p := &play{ctx: ctx, b: b, one: o, zone: calendar.Standard().Zone, names: map[string]named{}, ids: map[string]string{}, units: map[string]string{}}
	p.e, err = engine.New(db, b.lib, engine.Options{Asleep: asleep, WakeLegal: true, Quiet: true,
		Trace: func(c string) { res.Clauses[c] = true },
		NewID: func() string { p.id++; return fmt.Sprintf("id%06d", p.id) }})
	if err == nil {
		err = p.setUp()
	}
	if err != nil {
		res.Failed, res.InStep = "given: "+err.Error(), true
		return res
	}
	for i, step := range o.when {
		if err := p.step(step); err != nil {
			_, at := err.(expected)
			res.Failed, res.InStep = fmt.Sprintf("step %d: %v", i+1, err), !at
			return res
		}
	}
	if err := p.then(); err != nil {
		_, at := err.(expected)
		res.Failed, res.InStep = "then: "+err.Error(), !at
	}
	return res
}

func (p *play) system(form string, values map[string]any) (string, error) {
	out, err := p.e.Do(p.ctx, p.now, engine.Act{Form: form, Action: "create", Values: values, Actor: engine.Actor{System: true, Origin: "system"}})
	if err != nil {
		return "", fmt.Errorf("%s: %w", form, words(err))
	}
	return out.Record, nil
}

// words adds the fields of an invalid input to its message.
func words(err error) error {
	if f, ok := err.(*fault.Error); ok && len(f.Fields) > 0 {
		var parts []string
		for _, x := range f.Fields {
			parts = append(parts, x.Path+": "+x.EN)
		}
		return fmt.Errorf("%w (%s)", err, strings.Join(parts, "; "))
	}
	return err
}

// setUp makes the unit, the people and the seeded records of `given`.
func (p *play) setUp() error {
	g := p.one.given
	p.now = time.Date(2026, 3, 2, 9, 0, 0, 0, p.zone)
	if s, ok := g["now"].(string); ok {
		t, err := p.instant(s)
		if err != nil {
			return err
		}
		p.now = t
	}
	if _, err := p.unit("works"); err != nil {
		return err
	}
	book := p.one.s.Book
	adopt := map[string]string{"works": book.ID}
	if m, ok := g["adopts"].(map[string]any); ok {
		adopt = map[string]string{}
		for u, b := range m {
			adopt[u] = fmt.Sprint(b)
		}
	}
	for _, u := range keys(adopt) {
		id, err := p.unit(u)
		if err != nil {
			return err
		}
		if _, err := p.system("base.adoption", map[string]any{"unit": id, "book": adopt[u], "version": "1.0", "from": "2000-01-01"}); err != nil {
			return err
		}
	}
	if m, ok := g["values"].(map[string]any); ok {
		for _, k := range keys(m) {
			if _, err := p.system("base.param_value", map[string]any{"book": book.ID, "param": k, "value": fmt.Sprint(m[k]), "from": "2000-01-01"}); err != nil {
				return err
			}
		}
	}
	if m, ok := g["people"].(map[string]any); ok {
		for _, name := range keys(m) {
			if err := p.hire(name, m[name]); err != nil {
				return err
			}
		}
	}
	if m, ok := g["away"].(map[string]any); ok { // who is absent, and who stands in
		for _, name := range keys(m) {
			v := map[string]any{"person": p.names[name].id, "from": p.now.AddDate(0, 0, -1).UTC().Format(time.RFC3339), "until": p.now.AddDate(0, 0, 30).UTC().Format(time.RFC3339)}
			if s := fmt.Sprint(m[name]); p.names[s].id != "" {
				v["stand_in"] = p.names[s].id
			}
			if _, err := p.system("base.absence", v); err != nil {
				return err
			}
		}
	}
	m, _ := g["is"].(map[string]any)
	for _, name := range keys(m) {
		if err := p.seed(name, m); err != nil {
			return err
		}
	}
	_, _, err := p.e.Tick(p.ctx, p.now)
	return err
}

func keys[V any](m map[string]V) []string {
	list := make([]string, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	sort.Strings(list)
	return list
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
	p.names[name] = named{"base.unit", id}
	p.ids[id] = name
	return id, nil
}

// hire reads "sales@works", "[sales, quality]@works" or "head@works" (the unit's head).
func (p *play) hire(name string, v any) error {
	text := fmt.Sprint(v)
	wage := "6000.00"
	if list, ok := v.([]any); ok {
		var parts []string
		for _, x := range list {
			parts = append(parts, fmt.Sprint(x))
		}
		text = strings.Join(parts, "+")
	}
	person := ""
	for _, part := range strings.Split(text, "+") {
		roles, unit, _ := strings.Cut(strings.TrimSpace(part), "@")
		if unit == "" {
			unit = "works"
		}
		uid, err := p.unit(unit)
		if err != nil {
			return err
		}
		if person == "" {
			if person, err = p.system("base.person", map[string]any{"name": name, "account": name, "unit": uid, "wage": wage, "active": true}); err != nil {
				return err
			}
			p.names[name] = named{"base.person", person}
			p.ids[person] = name
		}
		for _, role := range strings.FieldsFunc(roles, func(r rune) bool { return strings.ContainsRune("[], ", r) }) {
			switch {
			case role == "head":
				act := engine.Act{Form: "base.unit", Record: uid, Action: "edit", Values: map[string]any{"head": person}, Actor: engine.Actor{System: true}}
				if _, err := p.e.Do(p.ctx, p.now, act); err != nil {
					return words(err)
				}
			case p.one.s.Book.Role(role) != nil || p.b.lib.Books[0].Role(role) != nil:
				if _, err := p.system("base.role_grant", map[string]any{"person": person, "role": role, "unit": uid, "from": "2000-01-01"}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// form resolves a bare form id: the scenario's own book first.
func (p *play) form(id string) (*rulebook.Form, error) {
	if f := p.b.lib.Form(p.one.s.Book.Short + "." + id); f != nil {
		return f, nil
	}
	if f := p.b.lib.Form("base." + id); f != nil {
		return f, nil
	}
	return nil, fmt.Errorf("there is no form %s", id)
}

// seed makes one entry of `is`; what it refers to is made first.
func (p *play) seed(name string, all map[string]any) error {
	if p.names[name].id != "" {
		return nil
	}
	text, ok := all[name].(string)
	if !ok {
		return fmt.Errorf("is.%s: write form.state {field: value}", name)
	}
	count, formID, state, body, err := seedText(text)
	if err != nil {
		return err
	}
	form, err := p.form(formID)
	if err != nil {
		return err
	}
	fields, err := fieldsOf(body)
	if err != nil {
		return fmt.Errorf("is.%s: %w", name, err)
	}
	p.names[name] = named{form.Key, ""} // stops circles
	for _, k := range keys(fields) {
		if err := p.seedNames(fields[k], all); err != nil {
			return err
		}
	}
	for n := 1; n <= count; n++ {
		at := p.now
		if s, ok := fields["at"].(string); ok && form.Field("at") == nil {
			if at, err = p.instant(s); err != nil {
				return err
			}
		}
		values, lines, err := p.values(form, fields)
		if err != nil {
			return fmt.Errorf("is.%s: %w", name, err)
		}
		id, err := p.e.Seed(p.ctx, at, engine.Seed{Form: form.Key, State: state, Values: values, Lines: lines, Unit: p.unitOf(fields)})
		if err != nil {
			return fmt.Errorf("is.%s: %w", name, words(err))
		}
		who := name
		if count > 1 {
			who = fmt.Sprintf("%s.%d", name, n)
		}
		p.names[who] = named{form.Key, id}
		p.ids[id] = who
		if n == 1 {
			p.names[name] = named{form.Key, id}
		}
	}
	return nil
}

func (p *play) unitOf(fields map[string]any) string {
	if s, ok := fields["unit"].(string); ok {
		return p.units[s]
	}
	return p.units["works"]
}

func (p *play) seedNames(v any, all map[string]any) error {
	switch x := v.(type) {
	case string:
		if _, ok := all[x]; ok && p.names[x].id == "" {
			return p.seed(x, all)
		}
	case []any:
		for _, y := range x {
			if err := p.seedNames(y, all); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, k := range keys(x) {
			if err := p.seedNames(x[k], all); err != nil {
				return err
			}
		}
	}
	return nil
}

// values turns what a scenario writes into what the API would send: names become ids, lines go apart. "none" drops a key.
func (p *play) values(form *rulebook.Form, in map[string]any) (map[string]any, map[string][]map[string]any, error) {
	values, lines := map[string]any{}, map[string][]map[string]any{}
	for _, k := range keys(in) {
		if in[k] == "none" || in[k] == nil || (k == "at" && form.Field("at") == nil) || (k == "unit" && form.Field("unit") == nil) {
			continue
		}
		if l := form.Line(k); l != nil {
			list, ok := in[k].([]any)
			if !ok {
				return nil, nil, fmt.Errorf("%s is a list", k)
			}
			lines[k] = []map[string]any{}
			for _, x := range list {
				m, ok := x.(map[string]any)
				if !ok {
					return nil, nil, fmt.Errorf("%s is a list of {field: value}", k)
				}
				row := map[string]any{}
				for f, v := range m {
					if v != "none" {
						var t *rulebook.FieldType
						if fd := l.Field(f); fd != nil {
							t = &fd.Type
						}
						row[f] = p.value(v, t)
					}
				}
				lines[k] = append(lines[k], row)
			}
			continue
		}
		var t *rulebook.FieldType
		if fd := form.Field(k); fd != nil {
			t = &fd.Type
		}
		values[k] = p.value(in[k], t)
	}
	return values, lines, nil
}

func (p *play) value(v any, t *rulebook.FieldType) any {
	switch x := v.(type) {
	case []any:
		out := make([]any, len(x))
		for i, y := range x {
			out[i] = p.value(y, nil)
		}
		return out
	case string:
		if n, ok := p.names[x]; ok && n.id != "" && (t == nil || t.Expr.Kind == expr.KObject || t.Expr.Kind == expr.KList) {
			if t != nil && t.Expr.Kind == expr.KList {
				return []any{n.id}
			}
			return n.id
		}
		if t != nil && t.Expr.Kind == expr.KDatetime {
			if at, err := p.instant(x); err == nil {
				return at.UTC().Format("2006-01-02T15:04:05.000Z")
			}
		}
		if t != nil && t.Expr.Kind == expr.KBool {
			return x == "true"
		}
	case int64:
		if t != nil && t.Expr.Kind != expr.KInt {
			return fmt.Sprint(x)
		}
	}
	return v
}

// instant reads a time in Shanghai; 24:00 is allowed.
func (p *play) instant(s string) (time.Time, error) {
	add := 0
	s = strings.TrimSpace(s)
	for _, end := range []string{" 24:00:00", " 24:00"} {
		if strings.HasSuffix(s, end) {
			s, add = strings.TrimSuffix(s, end)+" 00:00", 1
		}
	}
	for _, f := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(f, s, p.zone); err == nil {
			return t.AddDate(0, 0, add), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time", s)
}
