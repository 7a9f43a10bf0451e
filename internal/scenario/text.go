package scenario

import (
	"fmt"
	"strings"
	"time"
)

// seedText takes "3 * order.open {field: value, …}" apart.
func seedText(s string) (count int, form, state, body string, err error) {
	count = 1
	s = strings.TrimSpace(s)
	if n, rest, ok := strings.Cut(s, "*"); ok && !strings.Contains(n, "{") {
		if _, err := fmt.Sscanf(strings.TrimSpace(n), "%d", &count); err != nil || count < 1 {
			return 0, "", "", "", fmt.Errorf("%q: how many?", s)
		}
		s = strings.TrimSpace(rest)
	}
	head, body, braces := strings.Cut(s, "{")
	if braces {
		body = strings.TrimSpace(body)
		if !strings.HasSuffix(body, "}") {
			return 0, "", "", "", fmt.Errorf("%q: the brace is not closed", s)
		}
		body = strings.TrimSpace(strings.TrimSuffix(body, "}"))
	}
	form, state, _ = strings.Cut(strings.TrimSpace(head), ".")
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
		k = strings.TrimSpace(k)
		if _, twice := out[k]; twice {
			return nil, fmt.Errorf("%s stands twice", k)
		}
		val, err := flow(strings.TrimSpace(v))
		if err != nil {
			return nil, err
		}
		out[k] = val
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

// stored is the form in which the engine keeps an instant.
func stored(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
