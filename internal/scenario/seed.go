package scenario

import (
	"fmt"
	"time"

	"zhanggui/internal/engine"
	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
)

// form resolves a bare form id: the scenario's own book first, then base, then the books it needs.
func (p *play) form(id string) (*rulebook.Form, error) {
	shorts := []string{p.one.s.Book.Short, "base"}
	for _, need := range p.one.s.Book.Needs {
		if b := p.b.lib.Book(need); b != nil {
			shorts = append(shorts, b.Short)
		}
	}
	for _, s := range shorts {
		if f := p.b.lib.Form(s + "." + id); f != nil {
			return f, nil
		}
	}
	return nil, fmt.Errorf("there is no form %s", id)
}

// seedAll puts the records of `is` where they are.
func (p *play) seedAll(g map[string]any) error {
	is, err := mapping(g, "is")
	if err != nil {
		return err
	}
	for _, name := range keys(is) {
		if err := p.seed(name, is); err != nil {
			return err
		}
	}
	return nil
}

// seed makes one entry of `is`; what it refers to is made first.
func (p *play) seed(name string, all map[string]any) error {
	if _, made := p.names[name]; made || none(all[name]) {
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
		return fmt.Errorf("is.%s: %w", name, err)
	}
	fields, err := fieldsOf(body)
	if err != nil {
		return fmt.Errorf("is.%s: %w", name, err)
	}
	p.unsaid(form, fields)
	p.names[name] = engine.Named{Form: form.Key} // stops circles
	for _, k := range keys(fields) {
		if err := p.seedNames(fields[k], all); err != nil {
			return err
		}
	}
	for n := 1; n <= count; n++ {
		id, err := p.seedOne(form, state, fields)
		if err != nil {
			return fmt.Errorf("is.%s: %w", name, err)
		}
		who := name
		if count > 1 {
			who = fmt.Sprintf("%s.%d", name, n)
		}
		p.names[who] = engine.Named{Form: form.Key, ID: id}
		p.ids[id] = who
		if n == 1 {
			p.names[name] = engine.Named{Form: form.Key, ID: id}
		}
	}
	return nil
}

// unsaid drops what a scenario of an extended rulebook says of a record in words that the variant does without.
func (p *play) unsaid(form *rulebook.Form, fields map[string]any) {
	if !p.one.s.Inherited() || form.Book != p.one.s.Book {
		return
	}
	for _, k := range keys(fields) {
		if form.Field(k) != nil || form.Line(k) != nil || form.Action(k) != nil {
			continue
		}
		for b := p.b.lib.Book(form.Book.Extends); b != nil; b = p.b.lib.Book(b.Extends) {
			if f := b.Form(form.ID); f != nil && (f.Field(k) != nil || f.Line(k) != nil) {
				delete(fields, k)
				break
			}
		}
	}
}

// seedNames makes the records of `is` that a value names.
func (p *play) seedNames(v any, all map[string]any) error {
	switch x := v.(type) {
	case string:
		if _, ok := all[x]; ok {
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

// seedOne makes one record. Beside the fields, `at`, `unit` and `by` say when, where and by whom it was made, and an
// action's id says when that was done.
func (p *play) seedOne(form *rulebook.Form, state string, fields map[string]any) (string, error) {
	s := engine.Seed{Form: form.Key, State: state, Unit: p.units["works"], Done: map[string]time.Time{}}
	at := p.now
	rest := map[string]any{}
	for _, k := range keys(fields) {
		v := fields[k]
		text := fmt.Sprint(v)
		switch {
		case none(v):
		case form.Field(k) != nil && k != "unit" || form.Line(k) != nil:
			rest[k] = v
		case k == "unit":
			if s.Unit = p.units[text]; s.Unit == "" {
				return "", fmt.Errorf("there is no unit %s", text)
			}
		case k == "by":
			if p.names[text].Form != "base.person" {
				return "", fmt.Errorf("%s is nobody in this scenario", text)
			}
			s.By = p.names[text].ID
		case k == "at" || form.Action(k) != nil:
			t, err := p.instant(text)
			if err != nil {
				return "", err
			}
			if k == "at" {
				at = t
			} else {
				s.Done[k] = t
			}
		default:
			rest[k] = v // the engine says what it does not know
		}
	}
	if err := p.needed(form, rest); err != nil {
		return "", err
	}
	var err error
	if s.Values, s.Lines, err = p.values(form, rest); err != nil {
		return "", err
	}
	id, err := p.e.Seed(p.ctx, at, s)
	if err != nil {
		return "", words(err)
	}
	return id, nil
}

// needed makes the records that a seed must refer to and does not: a case has a customer, whoever it is.
// Persons and units are never invented, since who they are decides.
func (p *play) needed(form *rulebook.Form, fields map[string]any) error {
	for _, f := range form.Fields {
		if _, given := fields[f.ID]; given || f.Type.Expr.Kind != expr.KObject || f.Value != nil || !always(f.Required) {
			continue
		}
		to := p.b.lib.Form(f.Type.Expr.Object)
		if to == nil || to.Key == form.Key || to.Kept != "" || to.Key == "base.person" || to.Key == "base.unit" {
			continue
		}
		id, err := p.seedOne(to, "", nil)
		if err != nil {
			return fmt.Errorf("%s: %w", f.ID, err)
		}
		fields[f.ID] = ref(id)
	}
	return nil
}

// ref is the id of a record, where a name would be looked up.
type ref string

// always tells whether a condition is plainly true.
func always(v *rulebook.Value) bool {
	return v != nil && len(v.Cases) == 1 && v.Cases[0].When == nil && v.Cases[0].Is.Text() == "true"
}

// values turns what a scenario writes into what the API would send: names become ids, lines go apart. "none" drops a key.
func (p *play) values(form *rulebook.Form, in map[string]any) (map[string]any, map[string][]map[string]any, error) {
	values, lines := map[string]any{}, map[string][]map[string]any{}
	for _, k := range keys(in) {
		if none(in[k]) {
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
				for _, f := range keys(m) {
					if none(m[f]) {
						continue
					}
					var err error
					if row[f], err = p.value(m[f], fieldType(l.Field(f))); err != nil {
						return nil, nil, fmt.Errorf("%s.%s: %w", k, f, err)
					}
				}
				lines[k] = append(lines[k], row)
			}
			continue
		}
		v, err := p.value(in[k], fieldType(form.Field(k)))
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", k, err)
		}
		values[k] = v
	}
	return values, lines, nil
}

func fieldType(f *rulebook.Field) expr.Type {
	if f == nil {
		return expr.Type{}
	}
	return f.Type.Expr
}

// value turns one value as a scenario writes it into what the API would send.
func (p *play) value(v any, t expr.Type) (any, error) {
	elem := expr.Type{}
	if t.Elem != nil {
		elem = *t.Elem
	}
	switch x := v.(type) {
	case ref:
		return string(x), nil
	case []any:
		out := make([]any, len(x))
		for i, y := range x {
			var err error
			if out[i], err = p.value(y, elem); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		if t.Kind != expr.KObject {
			return v, nil
		}
		to := p.b.lib.Form(t.Object)
		if to == nil {
			return nil, fmt.Errorf("there is no form %s", t.Object)
		}
		return p.seedOne(to, "", x) // made on the spot: customer: {name: 泰和, country: SE}
	case string:
		switch t.Kind {
		case expr.KObject, expr.KList:
			if n := p.names[x]; n.ID != "" {
				if t.Kind == expr.KList {
					return []any{n.ID}, nil
				}
				return n.ID, nil
			}
			if t.Kind == expr.KObject {
				if n, err := p.find(x); err == nil {
					return n.ID, nil
				}
				return nil, fmt.Errorf("there is no record %s", x)
			}
		case expr.KDatetime:
			if at, err := p.instant(x); err == nil {
				return stored(at), nil
			}
		case expr.KBool:
			if x != "true" && x != "false" {
				return nil, fmt.Errorf("%q is neither true nor false", x)
			}
			return x == "true", nil
		}
	case int64:
		if t.Kind != expr.KInt {
			return fmt.Sprint(x), nil
		}
	}
	return v, nil
}
