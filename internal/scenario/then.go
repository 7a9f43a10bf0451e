package scenario

import (
	"fmt"
	"sort"
	"strings"

	"zhanggui/internal/engine"
	"zhanggui/internal/expr"
)

// then compares what the scenario says must now be true.
func (p *play) then() error {
	m := p.one.then
	if is, ok := m["is"].(map[string]any); ok {
		for _, path := range keys(is) {
			got, err := p.ask(path)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if !p.same(got, is[path]) {
				return want("%s is %q, should be %q", path, p.shown(got), fmt.Sprint(is[path]))
			}
		}
	}
	if may, ok := m["who_may"].(map[string]any); ok {
		if err := p.whoMay(may); err != nil {
			return err
		}
	}
	if list, ok := m["effects"].([]any); ok {
		if err := p.effects(list, true); err != nil {
			return err
		}
	}
	if list, ok := m["some"].([]any); ok {
		return p.effects(list, false)
	}
	return nil
}

// ask answers "record.path" by evaluating this.path over the record, or count.form.
func (p *play) ask(path string) (string, error) {
	if id, ok := strings.CutPrefix(path, "count."); ok {
		f, err := p.form(id)
		if err != nil {
			return "", err
		}
		n, err := p.e.CountOf(p.ctx, f.Key)
		return fmt.Sprint(n), err
	}
	name, rest := path, ""
	var rec named
	for i := len(path); i > 0; i = strings.LastIndexByte(path[:i], '.') {
		if n, err := p.find(path[:i]); err == nil {
			name, rest, rec = path[:i], strings.TrimPrefix(path[i:], "."), n
			break
		}
		if strings.LastIndexByte(path[:i], '.') < 0 {
			break
		}
	}
	if rec.id == "" {
		return "", fmt.Errorf("there is no record %s", name)
	}
	form := p.b.lib.Form(rec.form)
	env := form.Book.Env
	if env == nil {
		env = p.b.lib.Env
	}
	x, problems := env.Compile("this."+rest, expr.Vars{"this": expr.ObjectOf(form.Key), "me": expr.ObjectOf("base.person"), "now": expr.Of(expr.KDatetime), "today": expr.Of(expr.KDate)}, expr.Of(expr.KAny))
	if len(problems) > 0 {
		return "", fmt.Errorf("%s", problems[0].Message)
	}
	return p.e.Ask(p.ctx, p.now, rec.form, rec.id, x)
}

// shown puts names for ids.
func (p *play) shown(s string) string {
	parts := strings.Split(s, ", ")
	for i, x := range parts {
		if n := p.ids[x]; n != "" {
			parts[i] = n
		}
	}
	return strings.Join(parts, ", ")
}

func (p *play) same(got string, v any) bool {
	w := ""
	switch x := v.(type) {
	case nil:
	case []any:
		var parts []string
		for _, y := range x {
			parts = append(parts, fmt.Sprint(y))
		}
		have := strings.Split(p.shown(got), ", ")
		if got == "" {
			have = nil
		}
		sort.Strings(parts)
		sort.Strings(have)
		return strings.Join(parts, ",") == strings.Join(have, ",")
	default:
		w = fmt.Sprint(x)
	}
	if w == "none" || w == "unset" {
		w = ""
	}
	if got == w || p.shown(got) == w {
		return true
	}
	if t, err := p.instant(w); err == nil {
		if t.UTC().Format("2006-01-02T15:04:05.000Z") == got {
			return true
		}
	}
	return trimZeros(got) == trimZeros(w) && got != ""
}

func trimZeros(s string) string {
	if strings.Contains(s, ".") {
		return strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

func (p *play) whoMay(m map[string]any) error {
	for _, name := range keys(m) {
		rec, err := p.find(name)
		if err != nil {
			return err
		}
		acts, _ := m[name].(map[string]any)
		for _, action := range keys(acts) {
			steps, _, err := p.e.Steps(p.ctx, p.now, rec.form, rec.id)
			if err != nil {
				return err
			}
			var have []string
			for _, s := range steps {
				if s.Action.ID == action {
					for _, id := range s.Who {
						have = append(have, p.ids[id])
					}
				}
			}
			var should []string
			if list, ok := acts[action].([]any); ok {
				for _, x := range list {
					should = append(should, fmt.Sprint(x))
				}
			}
			sort.Strings(have)
			sort.Strings(should)
			if strings.Join(have, ",") != strings.Join(should, ",") {
				return want("%s of %s: may be done by %v, should be %v", action, name, have, should)
			}
		}
	}
	return nil
}

// line is an effect in the words of a scenario.
func (p *play) line(e engine.Effect) string {
	name := func(id string) string {
		if n := p.ids[id]; n != "" {
			return n
		}
		return id
	}
	form := e.Form
	if i := strings.LastIndexByte(form, '.'); i >= 0 {
		form = form[i+1:]
	}
	people := func(ids string) string {
		var out []string
		for _, id := range strings.Split(ids, ",") {
			if id != "" {
				out = append(out, name(id))
			}
		}
		return strings.Join(out, " ")
	}
	switch e.Kind {
	case "do":
		return fmt.Sprintf("do: %s %s", e.Name, name(e.Record))
	case "create":
		return fmt.Sprintf("create: %s %s %s", form, name(e.Record), e.Name)
	case "set":
		return fmt.Sprintf("set: %s.%s %s", name(e.Record), e.Name, p.shown(e.Text))
	case "notify":
		return fmt.Sprintf("notify: %s %s", people(e.Data["to"]), e.Text)
	case "post":
		return fmt.Sprintf("post: %s %s %s %s", strings.Replace(e.Name, ".", " ", 1), e.Name, people(e.Data["person"]), trimZeros(e.Data["amount"]))
	case "number":
		return fmt.Sprintf("number: %s %s", name(e.Record), e.Text)
	case "copy":
		return fmt.Sprintf("copy: %s %s %s", e.Name, name(e.Record), people(e.Text))
	case "breach":
		return fmt.Sprintf("breach: %s %s %s", e.Name, name(e.Record), people(e.Text))
	case "sanction":
		return fmt.Sprintf("sanction: %s %s %s %s", e.Name, people(e.Data["person"]), trimZeros(e.Text), e.Data["measure"])
	case "clock":
		return fmt.Sprintf("clock: %s %s %s", e.Name, name(e.Record), e.Text)
	}
	return fmt.Sprintf("%s: %s %s %s", e.Kind, e.Name, name(e.Record), e.Text)
}

// fits tells whether an effect is what the scenario means: each word of the wanted text is in the effect's words.
func (p *play) fits(e engine.Effect, w map[string]any) bool {
	text, ok := w[e.Kind]
	if !ok {
		return false
	}
	have := map[string]bool{}
	for _, x := range strings.Fields(p.line(e)) {
		have[x] = true
		have[trimZeros(x)] = true
	}
	for _, x := range strings.Fields(fmt.Sprint(text)) {
		if !have[x] && !have[trimZeros(x)] {
			return false
		}
	}
	for k, v := range w {
		switch k {
		case e.Kind:
		case "clause":
			if e.Clause != fmt.Sprint(v) {
				return false
			}
		case "holder", "to":
			if p.shown(strings.ReplaceAll(e.Data[k], ",", ", ")) != fmt.Sprint(v) {
				return false
			}
		case "due":
			t, err := p.instant(fmt.Sprint(v))
			if err != nil || t.UTC().Format("2006-01-02T15:04:05.000Z") != e.Data["due"] {
				return false
			}
		}
	}
	return true
}

// effects compares the consequences of the last step: all of them in order, or some among them.
func (p *play) effects(list []any, exact bool) error {
	var lines []string
	for _, e := range p.seen {
		lines = append(lines, p.line(e))
	}
	shown := "\n    " + strings.Join(lines, "\n    ")
	if exact && len(list) != len(p.seen) {
		return want("%d effects, should be %d:%s", len(p.seen), len(list), shown)
	}
	from := 0
	for i, x := range list {
		w, ok := x.(map[string]any)
		if !ok {
			return fmt.Errorf("effect %d is not {kind: what}", i+1)
		}
		if exact {
			if !p.fits(p.seen[i], w) {
				return want("effect %d is %q, should be %v:%s", i+1, lines[i], w, shown)
			}
			continue
		}
		found := false
		for k := from; k < len(p.seen) && !found; k++ {
			found = p.fits(p.seen[k], w)
		}
		if !found {
			return want("no effect %v among:%s", w, shown)
		}
	}
	return nil
}
