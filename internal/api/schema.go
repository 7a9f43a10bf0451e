package api

import (
	"encoding/json"
	"reflect"
	"strings"

	"zhanggui/internal/rulebook"
)

// schemas writes JSON Schema for the shapes of answers, and for the fields of forms.
type schemas struct {
	all object
}

func newSchemas() *schemas { return &schemas{all: object{}} }

// of describes a Go value's type.
func (s *schemas) of(v any) any { return s.typeOf(reflect.TypeOf(v)) }

func (s *schemas) typeOf(t reflect.Type) any {
	switch t.Kind() {
	case reflect.Pointer:
		return object{"anyOf": []any{s.typeOf(t.Elem()), object{"type": "null"}}}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int64, reflect.Int32:
		return object{"type": "integer"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Slice:
		if t == reflect.TypeFor[json.RawMessage]() {
			return object{}
		}
		return object{"type": []string{"array", "null"}, "items": s.typeOf(t.Elem())}
	case reflect.Map:
		return object{"type": []string{"object", "null"}, "additionalProperties": s.typeOf(t.Elem())}
	case reflect.Struct:
		return s.structOf(t)
	}
	return object{} // any
}

func (s *schemas) structOf(t reflect.Type) any {
	name := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
	ref := object{"$ref": "#/components/schemas/" + name}
	if s.all[name] != nil {
		return ref
	}
	props := object{}
	s.all[name] = object{"type": "object", "properties": props} // first, so that a circle ends
	required := s.fieldsOf(t, props)
	if len(required) > 0 {
		s.all[name].(object)["required"] = required
	}
	return ref
}

func (s *schemas) fieldsOf(t reflect.Type, props object) []string {
	var required []string
	for i := range t.NumField() {
		f := t.Field(i)
		tag, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case tag == "-":
			continue
		case f.Anonymous && tag == "":
			in := f.Type
			if in.Kind() == reflect.Pointer {
				in = in.Elem()
			}
			inner := object{}
			need := s.fieldsOf(in, inner)
			for k, v := range inner {
				if _, own := props[k]; !own {
					props[k] = v
				}
			}
			required = append(required, need...)
			continue
		case !f.IsExported():
			continue
		}
		if tag == "" {
			tag = f.Name
		}
		props[tag] = s.typeOf(f.Type)
		if !strings.Contains(opts, "omitempty") && !isBody(t) {
			required = append(required, tag)
		}
	}
	return required
}

// isBody: of what a request carries nothing is demanded by shape; what is missing is said in words.
func isBody(t reflect.Type) bool { return strings.HasSuffix(t.Name(), "Body") }

// values describes the fields of a form; in a request only those people can give.
func (s *schemas) values(f *rulebook.Form, request bool) any {
	name := strings.ReplaceAll(f.Key, ".", "_") + map[bool]string{true: "_input", false: "_values"}[request]
	ref := object{"$ref": "#/components/schemas/" + name}
	if s.all[name] != nil {
		return ref
	}
	props := object{}
	for _, fd := range f.Fields {
		if request && fd.Value != nil || fd.Type.Name == "secret" {
			continue
		}
		props[fd.ID] = s.field(fd, request)
	}
	s.all[name] = object{"type": "object", "properties": props}
	return ref
}

func (s *schemas) lines(f *rulebook.Form) any {
	props := object{}
	for _, l := range f.Lines {
		row := object{"id": object{"type": "string"}}
		for _, fd := range l.Fields {
			if fd.Value == nil {
				row[fd.ID] = s.field(fd, true)
			}
		}
		props[l.ID] = object{"type": "array", "items": object{"type": "object", "properties": row}, "title": label(l.Label, l.ID)}
	}
	return object{"type": []string{"object", "null"}, "properties": props}
}

// field describes one field. An answer may hold null, or a mask where the reader may not see the value.
func (s *schemas) field(f *rulebook.Field, request bool) any {
	x := object{"title": label(f.Label, f.ID)}
	if f.Clause != "" {
		x["x-clause"] = f.Clause
	}
	shape := s.shape(f, request)
	if request {
		for k, v := range shape {
			x[k] = v
		}
		return x
	}
	any := []any{shape, object{"type": "null"}}
	if f.Class != nil {
		any = append(any, object{"type": "object", "properties": object{"masked": object{"type": "string"}}, "required": []string{"masked"}})
		x["x-class"] = f.Class.Class.ID
	}
	x["anyOf"] = any
	return x
}

func (s *schemas) shape(f *rulebook.Field, request bool) object {
	ref := func() object {
		if request {
			return object{"type": "string", "description": "id of " + f.Type.Form}
		}
		return object{"type": "object", "properties": object{"id": object{"type": "string"}, "label": object{"type": "string"}, "form": object{"type": "string"}}}
	}
	switch string(f.Type.Expr.Kind) {
	case "bool":
		return object{"type": "boolean"}
	case "int":
		return object{"type": "integer"}
	case "money", "decimal":
		return object{"type": []string{"string"}, "pattern": `^-?\d+(\.\d+)?$`}
	case "date":
		return object{"type": "string", "format": "date"}
	case "datetime":
		return object{"type": "string", "format": "date-time"}
	case "choice":
		var ids []string
		for _, o := range f.Type.Options {
			ids = append(ids, o.ID)
		}
		if len(ids) > 0 {
			return object{"type": "string", "enum": ids}
		}
	case "object":
		return ref()
	case "period":
		return object{"type": "object"}
	case "range":
		return object{"type": "object"}
	case "list":
		return object{"type": "array"}
	}
	if f.Type.Name == "file" || f.Type.Name == "files" {
		if request {
			return object{"type": []string{"array", "string"}}
		}
		return object{"type": "array"}
	}
	return object{"type": "string"}
}
