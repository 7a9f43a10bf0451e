package rulebook

import (
	"strings"

	"zhanggui/internal/expr"
)

// Spoken are texts of parameters and sanctions that are written in two languages (书面检讨 | Written review): what is kept and
// compared, in Chinese, by what it is called in English.
type Spoken map[string]string

// take parts a text in two languages; one in a single language stays as it is.
func (ws Spoken) take(text string) string {
	zh, en, both := strings.Cut(text, " | ")
	zh, en = strings.TrimSpace(zh), strings.TrimSpace(en)
	if !both || zh == "" || en == "" {
		return text
	}
	if ws != nil {
		ws[zh] = en
	}
	return zh
}

// value does the same for a value of type t, where it is a text.
func (ws Spoken) value(v expr.Value, t FieldType) expr.Value {
	if s, ok := v.(string); ok && t.Name == "text" {
		return ws.take(s)
	}
	return v
}

// Write is a value as its author writes it, in both languages where it has them.
func (ws Spoken) Write(v any) any {
	if s, ok := v.(string); ok && ws[s] != "" {
		return s + " | " + ws[s]
	}
	return v
}

// ParseValue reads the value of a parameter that is no table, as a company entered it, and adds its words to ws (which may be nil).
func ParseValue(p *Parameter, raw string, ws Spoken) (expr.Value, error) {
	v, err := ParseLiteral(raw, p.Type)
	return ws.value(v, p.Type), err
}
