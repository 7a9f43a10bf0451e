// Package scenario executes the specifications that stand beside the law, and measures what they prove:
// a clause counts as enforced only if putting it to sleep breaks a scenario. It knows engine, rulebook,
// expr, store and calendar.
package scenario

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"zhanggui/internal/rulebook"
)

// one is a scenario with one row of its cases, or one item of its each, put in.
type one struct {
	s       *rulebook.Scenario
	title   string
	clauses []string
	given   map[string]any
	when    []any
	then    map[string]any
}

// cases expands a scenario: one a row, one an item, or itself.
func cases(s *rulebook.Scenario) ([]*one, error) {
	puts := []map[string]any{nil}
	if s.Each != "" {
		var err error
		if puts, err = each(s); err != nil {
			return nil, err
		}
	}
	var list []*one
	for _, put := range puts {
		if len(s.Rows) == 0 {
			o, err := fill(s, put, "")
			if err != nil {
				return nil, err
			}
			list = append(list, o)
			continue
		}
		for _, row := range s.Rows {
			all := map[string]any{}
			for k, v := range put {
				all[k] = v
			}
			var words []string
			for i, c := range s.Columns {
				if i < len(row) {
					all[c] = row[i]
					words = append(words, fmt.Sprintf("%s=%v", c, row[i]))
				}
			}
			o, err := fill(s, all, " ["+strings.Join(words, " ")+"]")
			if err != nil {
				return nil, err
			}
			list = append(list, o)
		}
	}
	return list, nil
}

// each reads "item in checklist.x": {item.id}, {item.text} and {item.clause} of every item.
func each(s *rulebook.Scenario) ([]map[string]any, error) {
	name, list, ok := strings.Cut(s.Each, " in checklist.")
	name, list = strings.TrimSpace(name), strings.TrimSpace(list)
	if !ok || name == "" {
		return nil, fmt.Errorf("each: %q: write item in checklist.x", s.Each)
	}
	k := s.Book.Checklist(list)
	if k == nil {
		return nil, fmt.Errorf("each: there is no checklist %s", list)
	}
	var puts []map[string]any
	for _, it := range k.Item {
		puts = append(puts, map[string]any{name + ".id": it.ID, name + ".text": it.Text.ZH, name + ".clause": it.Clause})
	}
	return puts, nil
}

// placeholder is a {name} that nothing was put in for.
var placeholder = regexp.MustCompile(`^\{[a-z][a-z0-9_.]*\}$`)

func fill(s *rulebook.Scenario, put map[string]any, row string) (*one, error) {
	used := map[string]bool{}
	var left []string
	in := inserter{put, used, &left}
	o := &one{s: s, title: fmt.Sprint(in.value(s.Name)) + row}
	o.given, _ = in.value(s.Given).(map[string]any)
	o.when, _ = in.value(s.When).([]any)
	o.then, _ = in.value(s.Then).(map[string]any)
	for _, c := range s.Clauses {
		o.clauses = append(o.clauses, fmt.Sprint(in.value(c)))
	}
	if len(left) > 0 {
		return nil, fmt.Errorf("nothing right is put in for %s", strings.Join(left, ", "))
	}
	for _, c := range s.Columns {
		if !used[c] {
			return nil, fmt.Errorf("the column %s is used nowhere", c)
		}
	}
	return o, nil
}

// inserter replaces {column} everywhere; a text that is nothing but {column} takes the value itself.
type inserter struct {
	put  map[string]any
	used map[string]bool
	left *[]string
}

func (in inserter) value(v any) any {
	switch x := v.(type) {
	case string:
		return in.text(x)
	case []any:
		out := make([]any, len(x))
		for i, y := range x {
			out[i] = in.value(y)
		}
		return out
	case map[string]any:
		if x == nil {
			return map[string]any(nil)
		}
		out := map[string]any{}
		for _, k := range keys(x) {
			to := fmt.Sprint(in.text(k))
			if _, twice := out[to]; twice { // one would silently win
				*in.left = append(*in.left, to+" (it stands twice)")
			}
			out[to] = in.value(x[k])
		}
		return out
	}
	return v
}

func (in inserter) text(x string) any {
	if strings.HasPrefix(x, "{") && strings.HasSuffix(x, "}") {
		if v, ok := in.put[x[1:len(x)-1]]; ok {
			in.used[x[1:len(x)-1]] = true
			return v
		}
	}
	if placeholder.MatchString(x) {
		*in.left = append(*in.left, x)
	}
	for _, k := range keys(in.put) {
		if strings.Contains(x, "{"+k+"}") {
			in.used[k] = true
			x = strings.ReplaceAll(x, "{"+k+"}", fmt.Sprint(in.put[k]))
		}
	}
	return x
}

// known refuses keys that mean nothing here: a misspelt expectation would otherwise be one that always holds.
func known(m map[string]any, where string, names ...string) error {
	for _, k := range keys(m) {
		if !slices.Contains(names, k) {
			return fmt.Errorf("%s does not know %q; it knows %s", where, k, strings.Join(names, ", "))
		}
	}
	return nil
}

// mapping is a part of a scenario that must be a mapping, if it is there.
func mapping(m map[string]any, key string) (map[string]any, error) {
	v, there := m[key]
	if !there || v == nil {
		return nil, nil
	}
	x, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s: is a mapping, not %v", key, v)
	}
	return x, nil
}

// list is a part of a scenario that must be a list, if it is there.
func list(m map[string]any, key string) (items []any, there bool, err error) {
	v, there := m[key]
	if !there {
		return nil, false, nil
	}
	items, ok := v.([]any)
	if !ok {
		return nil, true, fmt.Errorf("%s: is a list, not %v", key, v)
	}
	return items, true, nil
}

// none in a case drops what it is put in for.
func none(v any) bool { return v == nil || v == "none" }
