package scenario

import (
	"fmt"
	"regexp"
	"sort"
	"strings"

	"zhanggui/internal/engine"
	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
)

// then compares what the scenario says must now be true.
func (p *play) then() error {
	m := p.one.then
	if err := known(m, "then", "is", "that", "effects", "some", "never", "who_may", "may", "may_not", "sees", "takes"); err != nil {
		return err
	}
	for _, check := range []func(map[string]any) error{p.is, p.that, p.whoMay, p.mayOrNot, p.sees, p.takes, p.allEffects} {
		if err := check(m); err != nil {
			return err
		}
	}
	return nil
}

// is compares "record.path: value".
func (p *play) is(m map[string]any) error {
	is, err := mapping(m, "is")
	if err != nil {
		return err
	}
	for _, path := range keys(is) {
		got, err := p.ask(path)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if !p.same(got, is[path]) {
			return want("%s is %q, should be %q", path, p.shown(got), fmt.Sprint(is[path]))
		}
	}
	return nil
}

// that asks conditions in CEL over everything that has a name.
func (p *play) that(m map[string]any) error {
	conditions, _, err := list(m, "that")
	if err != nil {
		return err
	}
	for _, c := range conditions {
		text := fmt.Sprint(c)
		got, err := p.eval(engine.Named{Form: "base.unit", ID: p.units["works"]}, text, expr.Of(expr.KBool))
		if err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		if got != "true" {
			return want("%s is not so", text)
		}
	}
	return nil
}

// ask answers one path: count.form, exists.name, breach.name, record.holder.deadline, record.breach.deadline,
// record.quota.id, record.holds.ledger, trace.ledger.number, or anything that CEL can say of a record.
func (p *play) ask(path string) (string, error) {
	head, rest, _ := strings.Cut(path, ".")
	switch head {
	case "count":
		f, err := p.form(rest)
		if err != nil {
			return "", err
		}
		n, err := p.e.CountOf(p.ctx, f.Key)
		return fmt.Sprint(n), err
	case "exists":
		_, err := p.find(rest)
		return fmt.Sprint(err == nil), nil
	case "trace":
		ledger, no, _ := strings.Cut(rest, ".")
		return p.trace(ledger, no)
	case "breach":
		_, n, err := p.e.ClockOf(p.ctx, "", rest)
		return fmt.Sprint(n > 0), err
	}
	if of, name, _ := cutLast(path); name != "" { // a deadline's, before a breach record's own field of that name
		owner, what, _ := cutLast(of)
		if rec, err := p.find(owner); err == nil && p.deadline(rec, name) && (what == "holder" || what == "breach") {
			who, n, err := p.e.ClockOf(p.ctx, rec.ID, name)
			if what == "breach" {
				return fmt.Sprint(n > 0), err
			}
			return strings.Join(who, ", "), err
		}
		if rec, err := p.find(owner); err == nil && what == "quota" && p.b.lib.Form(rec.Form).Field("quota") == nil {
			return p.e.QuotaOf(p.ctx, p.now, rec.Form, rec.ID, name)
		}
		if rec, err := p.find(owner); err == nil && what == "holds" && p.one.s.Book.Ledger(name) != nil {
			list, err := p.e.HeldBy(p.ctx, p.one.s.Book.ID, name, rec.ID)
			return strings.ReplaceAll(strings.Join(list, ", "), "–", "-"), err
		}
	}
	rec, rest, err := p.longest(path)
	if err != nil {
		return "", err
	}
	if rest == "" {
		return rec.ID, nil
	}
	return p.eval(rec, "this."+rest, expr.Of(expr.KAny))
}

// trace is what happened to a number of a ledger, in order: print depot, issue o1, use o1.
func (p *play) trace(ledger, no string) (string, error) {
	list, err := p.e.Trace(p.ctx, p.now, p.one.s.Book.ID, ledger, no)
	var parts []string
	for _, t := range list {
		who := t.To
		if who == "" {
			who = t.From
		}
		parts = append(parts, t.Kind+" "+p.name(who))
	}
	return strings.Join(parts, ", "), err
}

// longest finds the record that a path begins with: the longest name wins.
func (p *play) longest(path string) (engine.Named, string, error) {
	for i := len(path); i > 0; i = strings.LastIndexByte(path[:i], '.') {
		if n, err := p.find(path[:i]); err == nil {
			return n, strings.TrimPrefix(path[i:], "."), nil
		}
	}
	name, _, _ := strings.Cut(path, ".")
	return engine.Named{}, "", fmt.Errorf("there is no record %s", name)
}

func (p *play) deadline(rec engine.Named, name string) bool {
	if f := p.b.lib.Form(rec.Form); f != nil && f.Deadline(name) != nil {
		return true
	}
	for _, b := range p.b.lib.Books {
		if b.Duty(name) != nil || b.Report(name) != nil || b.Checklist(name) != nil {
			return true
		}
	}
	return false
}

// word finds the bare names in an expression; what stands after a dot or in quotes is none.
var word = regexp.MustCompile(`'[^']*'|\.?[a-z][a-z0-9_]*`)

// eval evaluates CEL over one record as `this`; the scenario's names that it uses are variables.
func (p *play) eval(this engine.Named, text string, t expr.Type) (string, error) {
	form := p.b.lib.Form(this.Form)
	vars := expr.Vars{"this": expr.ObjectOf(form.Key), "now": expr.Of(expr.KDatetime), "today": expr.Of(expr.KDate)}
	more := map[string]engine.Named{}
	for _, w := range word.FindAllString(text, -1) {
		if n := p.names[w]; n.ID != "" {
			more[w] = n
			vars[w] = expr.ObjectOf(n.Form)
		}
	}
	// What is said of a record of base is said in the words of the scenario's book, which has the rankings and ledgers.
	book, speaks := form.Book, (*rulebook.Book)(nil)
	if book.ID == "base" {
		book, speaks = p.one.s.Book, p.one.s.Book
	}
	env := book.Env
	if env == nil {
		env = p.b.lib.Env
	}
	x, problems := env.Compile(text, vars, t)
	if len(problems) > 0 {
		return "", fmt.Errorf("%s", problems[0].Message)
	}
	return p.e.Ask(p.ctx, p.now, this.Form, this.ID, x, speaks, more)
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

// same compares an answer with what a scenario wrote: names for records, lists in any order, times in Shanghai,
// figures without their last zeros.
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
	if n, ok := p.names[w]; ok && n.ID == got { // a record may have more than one name
		return true
	}
	if t, err := p.instant(w); err == nil && stored(t) == got {
		return true
	}
	return got != "" && trimZeros(got) == trimZeros(w)
}

// figure is a number with decimals, whose last zeros say nothing.
var figure = regexp.MustCompile(`^-?[0-9]+\.[0-9]+$`)

func trimZeros(s string) string {
	if figure.MatchString(s) {
		return strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
