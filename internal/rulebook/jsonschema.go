package rulebook

import (
	"encoding/json"
	"strings"
)

// JSONSchema describes rulebook files for editors. It is made from the table of keys that the decoder reads.
func JSONSchema() []byte {
	defs := map[string]any{
		"value": map[string]any{"description": "a literal or CEL; {is, clause}; or a list of cases", "anyOf": []any{
			scalar, ref("case"), map[string]any{"type": "array", "items": map[string]any{"anyOf": []any{ref("case"), scalar}}}}},
		"who":     map[string]any{"description": "a role, a person field, superior(p), head(unit), approval(id), clock, anyone; or a list of them", "anyOf": []any{scalar, ref("case"), map[string]any{"type": "array", "items": map[string]any{"anyOf": []any{scalar, ref("case")}}}}},
		"effects": map[string]any{"type": "array", "items": ref("effect")},
	}
	for shape := range shapes {
		if shape == "scenario" || shape == "cases" || shape == "clause" {
			continue
		}
		defs[shape] = object(shape)
	}
	top := object("top")
	top["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	top["title"] = "Zhanggui rulebook"
	top["$defs"] = defs
	b, err := json.MarshalIndent(top, "", "  ")
	if err != nil {
		panic(err) // maps of strings always marshal
	}
	return append(b, '\n')
}

var scalar = map[string]any{"type": []string{"string", "number", "boolean", "null"}}

func ref(name string) map[string]any { return map[string]any{"$ref": "#/$defs/" + name} }

// object is the schema of one shape.
func object(shape string) map[string]any {
	props := map[string]any{}
	for _, k := range keysOf(shape) {
		var list []any
		for _, part := range parts(k.kind) {
			list = append(list, kindSchema(part))
		}
		p := map[string]any{"description": k.doc}
		if len(list) == 1 {
			for x, y := range list[0].(map[string]any) {
				p[x] = y
			}
			p["description"] = k.doc
		} else {
			p["anyOf"] = list
		}
		props[k.name] = p
	}
	return map[string]any{"type": "object", "properties": props, "additionalProperties": false}
}

// kindSchema is the schema of one alternative of a kind.
func kindSchema(kind string) map[string]any {
	if rest, ok := strings.CutPrefix(kind, "{"); ok {
		return map[string]any{"type": "object", "additionalProperties": kindSchema(rest)}
	}
	if rest, ok := strings.CutPrefix(kind, "["); ok {
		return map[string]any{"type": "array", "items": map[string]any{"anyOf": []any{kindSchema(rest), ref("is")}}}
	}
	if rest, ok := strings.CutPrefix(kind, "@"); ok {
		return ref(rest)
	}
	switch kind {
	case "bool":
		return map[string]any{"type": "boolean"}
	case "int":
		return map[string]any{"type": "integer"}
	case "value", "who", "effects":
		return ref(kind)
	case "names", "cels":
		return map[string]any{"anyOf": []any{scalar, map[string]any{"type": "array", "items": scalar}}}
	case "any":
		return map[string]any{}
	case "text":
		return map[string]any{"type": "string"}
	}
	return scalar
}
