package scenario

import (
	"fmt"
	"slices"
	"strings"

	"zhanggui/internal/engine"
	"zhanggui/internal/rulebook"
)

// kinds are the words of effects; the rest of an effect's keys say more about it.
var kinds = []string{"do", "set", "create", "notify", "post", "freeze", "erase", "number", "copy", "breach", "sanction", "clock", "lock", "sign", "waive"}
var details = []string{"with", "clause", "holder", "to", "due", "by", "via", "text", "person", "amount", "measure"}

// allEffects compares the consequences of the last step: effects: all of them in order, some: among them,
// never: none like these.
func (p *play) allEffects(m map[string]any) error {
	for _, key := range []string{"effects", "some", "never"} {
		items, there, err := list(m, key)
		if err != nil {
			return err
		}
		if !there {
			continue
		}
		var wanted []map[string]any
		for i, x := range items {
			w, ok := x.(map[string]any)
			if !ok {
				return fmt.Errorf("%s %d is not {kind: what}", key, i+1)
			}
			kind, err := kindOf(w)
			if err != nil {
				return fmt.Errorf("%s %d: %w", key, i+1, err)
			}
			if !slices.Contains(strings.Fields(fmt.Sprint(w[kind])), "none") {
				wanted = append(wanted, w)
			}
		}
		if err := p.compare(key, wanted); err != nil {
			return err
		}
	}
	return nil
}

// kindOf finds the one key of an effect that is its kind, and refuses keys that mean nothing.
func kindOf(w map[string]any) (string, error) {
	kind := ""
	for _, k := range keys(w) {
		switch {
		case slices.Contains(kinds, k) && kind == "":
			kind = k
		case slices.Contains(kinds, k):
			return "", fmt.Errorf("is it %s or %s?", kind, k)
		case !slices.Contains(details, k):
			return "", fmt.Errorf("an effect does not know %q; it knows %s", k, strings.Join(details, ", "))
		}
	}
	if kind == "" {
		return "", fmt.Errorf("say what it is: one of %s", strings.Join(kinds, ", "))
	}
	return kind, nil
}

func (p *play) compare(key string, wanted []map[string]any) error {
	var lines []string
	for _, e := range p.seen {
		lines = append(lines, p.line(e))
	}
	shown := "\n    " + strings.Join(lines, "\n    ")
	fits := make([][]int, len(wanted)) // per wanted effect, those that fit it
	for i, w := range wanted {
		for k, e := range p.seen {
			ok, err := p.fits(e, w)
			if err != nil {
				return err
			}
			if ok {
				fits[i] = append(fits[i], k)
			}
		}
		if key == "never" && len(fits[i]) > 0 {
			return want("there should be no effect %s, but there is %q", said(w), lines[fits[i][0]])
		}
	}
	switch key {
	case "effects":
		for i, w := range wanted {
			if i < len(p.seen) && !slices.Contains(fits[i], i) {
				return want("effect %d is %q, should be %s:%s", i+1, lines[i], said(w), shown)
			}
		}
		if len(wanted) != len(p.seen) {
			return want("there are %d effects, should be %d:%s", len(p.seen), len(wanted), shown)
		}
	case "some":
		if i := unmatched(fits, len(p.seen)); i >= 0 {
			return want("no effect %s among:%s", said(wanted[i]), shown)
		}
	}
	return nil
}

func said(w map[string]any) string {
	var parts []string
	for _, k := range keys(w) {
		parts = append(parts, fmt.Sprintf("%s: %v", k, w[k]))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// unmatched gives each wanted effect one of its own (augmenting paths), so that one notice does not answer for two;
// it answers the first that gets none, or -1.
func unmatched(fits [][]int, n int) int {
	taken := make([]int, n)
	for k := range taken {
		taken[k] = -1
	}
	for i := range fits {
		tried := make([]bool, n)
		var give func(int) bool
		give = func(i int) bool {
			for _, k := range fits[i] {
				if tried[k] {
					continue
				}
				tried[k] = true
				if taken[k] < 0 || give(taken[k]) {
					taken[k] = i
					return true
				}
			}
			return false
		}
		if !give(i) {
			return i
		}
	}
	return -1
}

// line is an effect in the words of a scenario.
func (p *play) line(e engine.Effect) string {
	form := e.Form[strings.LastIndexByte(e.Form, '.')+1:]
	parts := []string{e.Name, p.name(e.Record), e.Text}
	switch e.Kind {
	case "do":
		parts = []string{e.Name, p.name(e.Record)}
	case "create":
		parts = []string{form, p.name(e.Record), e.Name}
	case "set":
		parts = []string{p.name(e.Record) + "." + e.Name, p.shown(e.Text)}
	case "notify":
		parts = []string{p.people(e.Data["to"]), e.Text}
	case "post":
		ledger, kind, _ := strings.Cut(e.Name, ".")
		parts = []string{ledger, kind, p.people(e.Data["person"]), trimZeros(e.Data["amount"])}
	case "number":
		parts = []string{p.name(e.Record), e.Text}
	case "copy":
		parts = []string{e.Name, p.name(e.Record), p.people(e.Text)}
	case "breach":
		parts = []string{e.Name, p.name(e.Record), p.people(e.Text)}
	case "sanction":
		parts = []string{e.Name, p.people(e.Data["person"]), trimZeros(e.Text), e.Data["measure"]}
	}
	return e.Kind + ": " + strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}

func (p *play) name(id string) string {
	if n := p.ids[id]; n != "" {
		return n
	}
	return id
}

func (p *play) people(ids string) string {
	var out []string
	for _, id := range strings.Split(ids, ",") {
		if id != "" {
			out = append(out, p.name(id))
		}
	}
	return strings.Join(out, " ")
}

// fits tells whether an effect is what the scenario means: each word of the wanted text is in the effect's words, and
// each detail is so.
func (p *play) fits(e engine.Effect, w map[string]any) (bool, error) {
	text, ok := w[e.Kind]
	if !ok {
		return false, nil
	}
	have := map[string]bool{}
	for _, x := range strings.Fields(p.line(e)) {
		have[x], have[trimZeros(x)] = true, true
	}
	if e.Kind == "notify" { // people may be meant by their roles
		for _, id := range strings.Split(e.Data["to"], ",") {
			for _, role := range p.roles[p.ids[id]] {
				have[role] = true
			}
		}
	}
	for _, x := range strings.Fields(fmt.Sprint(text)) {
		if !have[x] && !have[trimZeros(x)] {
			return false, nil
		}
	}
	for _, k := range keys(w) {
		if k == e.Kind || w[k] == "none" {
			continue
		}
		if ok, err := p.detail(e, k, w[k]); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (p *play) detail(e engine.Effect, key string, v any) (bool, error) {
	text := fmt.Sprint(v)
	switch key {
	case "clause":
		return e.Clause == text, nil
	case "text":
		return strings.Contains(e.Text, text), nil
	case "due":
		t, err := p.instant(text)
		return err == nil && stored(t) == e.Data["due"], err
	case "amount":
		return trimZeros(e.Data["amount"]) == trimZeros(text), nil
	case "holder", "to", "by", "person":
		return p.same(strings.ReplaceAll(e.Data[key], ",", ", "), v), nil
	case "with":
		with, ok := v.(map[string]any)
		if !ok {
			return false, fmt.Errorf("with is {field: value}, not %v", v)
		}
		rec := engine.Named{Form: e.Form, ID: e.Record}
		if p.b.lib.Form(rec.Form) == nil {
			return false, nil
		}
		for _, f := range keys(with) {
			if err := p.hasField(p.b.lib.Form(rec.Form), f); err != nil {
				return false, err
			}
			got, err := p.eval(rec, "this."+f, anyType)
			if err != nil || !p.same(got, with[f]) {
				return false, err
			}
		}
		return true, nil
	}
	return e.Data[key] == text, nil
}

func (p *play) hasField(f *rulebook.Form, id string) error {
	if f.Field(id) == nil && !slices.Contains([]string{"state", "number", "unit", "by", "at"}, id) {
		return fmt.Errorf("with: form %s has no field %s", f.ID, id)
	}
	return nil
}
