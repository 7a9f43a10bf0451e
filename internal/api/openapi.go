package api

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"zhanggui/internal/rulebook"
)

// The document is written from the same table that mounts the routes, and from the running library: each
// form has its own operations and its own typed schema.

type object = map[string]any

func document(c *call) error {
	var err error
	c.s.openapi.Do(func() { c.s.doc, err = json.Marshal(c.s.describe()) })
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(http.StatusOK)
	_, _ = c.w.Write(c.s.doc)
	return nil
}

func (s *server) describe() object {
	sc := newSchemas()
	paths := object{}
	add := func(path, method string, op object) {
		p, _ := paths[path].(object)
		if p == nil {
			p = object{}
			paths[path] = p
		}
		p[strings.ToLower(method)] = op
	}
	for _, r := range s.routes {
		add(r.path, r.method, s.operation(sc, r, r.path, nil))
		if !r.form {
			continue
		}
		for _, b := range s.Lib.Books {
			for _, f := range b.Forms {
				path := strings.Replace(r.path, "{key}", f.Key, 1)
				if !strings.Contains(path, "{action}") {
					add(path, r.method, s.operation(sc, r, path, f))
					continue
				}
				for _, a := range f.Actions {
					if !a.Implicit || a.ID == "void" {
						op := s.operation(sc, r, strings.Replace(path, "{action}", a.ID, 1), f)
						op["summary"] = label(a.Label, a.ID)
						if a.Clause != "" {
							op["x-clause"] = a.Clause
						}
						add(strings.Replace(path, "{action}", a.ID, 1), r.method, op)
					}
				}
			}
		}
	}
	return object{
		"openapi": "3.1.0",
		"info": object{"title": "Zhanggui", "version": s.Version,
			"description": "The door for programs. Written from the running library: each form has its own operations and schema."},
		"paths": paths,
		"components": object{"schemas": sc.all, "securitySchemes": object{
			"session": object{"type": "apiKey", "in": "cookie", "name": sessionCookie},
			"token":   object{"type": "http", "scheme": "bearer", "bearerFormat": "zgt_…"}}},
	}
}

func label(l rulebook.Label, id string) string {
	switch {
	case l.EN != "":
		return l.EN
	case l.ZH != "":
		return l.ZH
	}
	return id
}

var pathParam = regexp.MustCompile(`\{(\w+)\}`)

func (s *server) operation(sc *schemas, r *route, path string, f *rulebook.Form) object {
	op := object{"summary": r.about, "operationId": operationID(r.method, path), "tags": []string{tag(path, f)}}
	var params []any
	for _, m := range pathParam.FindAllStringSubmatch(path, -1) {
		params = append(params, object{"name": m[1], "in": "path", "required": true, "schema": object{"type": "string"}})
	}
	for _, q := range r.ask {
		params = append(params, object{"name": q, "in": "query", "schema": object{"type": "string"}})
	}
	if r.unsafe {
		params = append(params, object{"name": "Idempotency-Key", "in": "header", "schema": object{"type": "string", "maxLength": 200}})
		if strings.Contains(path, "/record/") {
			params = append(params, object{"name": "If-Match", "in": "header", "schema": object{"type": "string"}})
		}
		if r.brief {
			params = append(params, object{"name": "Prefer", "in": "header", "description": "return=minimal (RFC 7240) answers what the record is called and its version, not the record", "schema": object{"type": "string"}})
		}
	}
	if len(params) > 0 {
		op["parameters"] = params
	}
	switch r.who {
	case public:
		op["security"] = []any{}
	case person:
		op["security"] = []any{object{"session": []string{}}, object{"token": []string{}}}
	default:
		op["security"] = []any{object{"session": []string{}}}
	}
	if r.right != "" {
		op["x-right"] = r.right
	}
	if in := s.body(sc, r, f); in != nil {
		op["requestBody"] = object{"content": object{"application/json": object{"schema": in}}}
	}
	ok := object{"description": "OK"}
	if out := s.result(sc, r, f); out != nil {
		ok["content"] = object{r.kind: object{"schema": out}}
	} else if r.kind != "application/json" {
		ok["content"] = object{r.kind: object{}}
	}
	op["responses"] = object{itoa(r.status): ok, "default": object{"description": "A problem, with the clause and who may where a rule said no",
		"content": object{"application/problem+json": object{"schema": sc.of(problem{})}}}}
	return op
}

func itoa(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}

// body is what a request carries: for a form's own operations with its typed values.
func (s *server) body(sc *schemas, r *route, f *rulebook.Form) any {
	if r.in == nil {
		return nil
	}
	plain := sc.of(r.in)
	if f == nil {
		return plain
	}
	return object{"allOf": []any{plain, object{"type": "object", "properties": object{"values": sc.values(f, true), "lines": sc.lines(f)}}}}
}

func (s *server) result(sc *schemas, r *route, f *rulebook.Form) any {
	if r.out == nil {
		return nil
	}
	plain := sc.of(r.out)
	if r.brief {
		return object{"anyOf": []any{plain, sc.of(briefAnswer{})}}
	}
	if f == nil || r.method != http.MethodGet || strings.HasSuffix(r.path, "/record") {
		return plain
	}
	return object{"allOf": []any{plain, object{"type": "object", "properties": object{"values": sc.values(f, false)}}}}
}

var notWord = regexp.MustCompile(`[^A-Za-z0-9]+`)

func operationID(method, path string) string {
	return strings.ToLower(method) + "_" + strings.Trim(notWord.ReplaceAllString(strings.TrimPrefix(path, "/api/"), "_"), "_")
}

func tag(path string, f *rulebook.Form) string {
	if f != nil {
		return f.Key
	}
	part, _, _ := strings.Cut(strings.TrimPrefix(path, "/api/"), "/")
	return part
}
