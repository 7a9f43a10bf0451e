// Package scenario executes the specifications that stand beside the law, and measures what they prove:
// a clause counts as enforced only if putting it to sleep breaks a scenario. It knows engine, rulebook,
// expr, store and calendar.
package scenario

import (
	"fmt"
	"strings"

	"zhanggui/internal/rulebook"
)

// one is a scenario with one row of its cases put in.
type one struct {
	s     *rulebook.Scenario
	title string
	given map[string]any
	when  []any
	then  map[string]any
}

// cases expands a scenario: one a row, or itself.
func cases(s *rulebook.Scenario) []*one {
	if len(s.Rows) == 0 {
		return []*one{{s, s.Name, s.Given, s.When, s.Then}}
	}
	var list []*one
	for _, row := range s.Rows {
		put := map[string]any{}
		var words []string
		for i, c := range s.Columns {
			if i < len(row) {
				put[c] = row[i]
				words = append(words, fmt.Sprintf("%s=%v", c, row[i]))
			}
		}
		o := &one{s: s, title: s.Name + " [" + strings.Join(words, " ") + "]"}
		o.given, _ = insert(s.Given, put).(map[string]any)
		o.when, _ = insert(s.When, put).([]any)
		o.then, _ = insert(s.Then, put).(map[string]any)
		list = append(list, o)
	}
	return list
}

// insert replaces {column} everywhere; a text that is nothing but {column} takes the value itself.
func insert(v any, put map[string]any) any {
	switch x := v.(type) {
	case nil:
		return nil
	case string:
		for k, val := range put {
			if x == "{"+k+"}" {
				return val
			}
		}
		for k, val := range put {
			x = strings.ReplaceAll(x, "{"+k+"}", fmt.Sprint(val))
		}
		return x
	case []any:
		out := make([]any, len(x))
		for i, y := range x {
			out[i] = insert(y, put)
		}
		return out
	case map[string]any:
		if x == nil {
			return map[string]any(nil)
		}
		out := map[string]any{}
		for k, y := range x {
			out[fmt.Sprint(insert(k, put))] = insert(y, put)
		}
		return out
	}
	return v
}

// seedText takes "3 * complaint.quality {field: value, …}" apart.
func seedText(s string) (count int, form, state, body string, err error) {
	count = 1
	s = strings.TrimSpace(s)
	if n, rest, ok := strings.Cut(s, "*"); ok && !strings.Contains(n, "{") {
		if _, err := fmt.Sscanf(strings.TrimSpace(n), "%d", &count); err != nil {
			return 0, "", "", "", fmt.Errorf("%q: how many?", s)
		}
		s = strings.TrimSpace(rest)
	}
	head, body, _ := strings.Cut(s, "{")
	head = strings.TrimSpace(head)
	body = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(body), "}"))
	form, state, _ = strings.Cut(head, ".")
	return count, form, state, body, nil
}

// fieldsOf reads "a: 1, b: [x, y], c: {d: 2}" – a flow mapping without its braces.
func fieldsOf(body string) (map[string]any, error) {
	out := map[string]any{}
	for _, part := range split(body, ',') {
		k, v, ok := strings.Cut(part, ":")
		if !ok {
			if strings.TrimSpace(part) == "" {
				continue
			}
			return nil, fmt.Errorf("%q is not field: value", part)
		}
		val, err := flow(strings.TrimSpace(v))
		if err != nil {
			return nil, err
		}
		out[strings.TrimSpace(k)] = val
	}
	return out, nil
}

func flow(v string) (any, error) {
	switch {
	case strings.HasPrefix(v, "[") && strings.HasSuffix(v, "]"):
		list := []any{}
		for _, part := range split(v[1:len(v)-1], ',') {
			if strings.TrimSpace(part) == "" {
				continue
			}
			x, err := flow(strings.TrimSpace(part))
			if err != nil {
				return nil, err
			}
			list = append(list, x)
		}
		return list, nil
	case strings.HasPrefix(v, "{") && strings.HasSuffix(v, "}"):
		return fieldsOf(v[1 : len(v)-1])
	}
	return strings.Trim(v, `'"`), nil
}

// split cuts at a separator outside brackets and quotes.
func split(s string, sep rune) []string {
	var list []string
	depth, from := 0, 0
	quote := rune(0)
	for i, r := range s {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '\'' || r == '"':
			quote = r
		case r == '[' || r == '{':
			depth++
		case r == ']' || r == '}':
			depth--
		case r == sep && depth == 0:
			list = append(list, s[from:i])
			from = i + len(string(r))
		}
	}
	return append(list, s[from:])
}
