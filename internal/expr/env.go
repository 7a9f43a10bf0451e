package expr

import (
	"fmt"
	"sort"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/decls"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// Vars are the variables of one place and their types.
type Vars map[string]Type

// Env compiles expressions over one schema.
type Env struct {
	schema *Schema
	base   *cel.Env
	mu     sync.Mutex
	envs   map[string]*cel.Env
	common []*decls.VariableDecl // what every place knows; nil until one is compiled
	names  *Names

	checking sync.Mutex
	missed   []miss
	texts    *Texts // nil = nothing is kept
}

// Texts are texts already parsed, by themselves: rulebooks say the same at many places, and variants once more. They are for
// environments that compile one after the other, not at once.
type Texts struct{ parsed map[string]*cel.Ast }

// Parsing keeps in t what is parsed, until Settle.
func (e *Env) Parsing(t *Texts) {
	if t.parsed == nil {
		t.parsed = map[string]*cel.Ast{}
	}
	e.texts = t
}

// Settle lets go of what was kept for compiling many expressions. What is compiled later begins anew.
func (e *Env) Settle() {
	e.checking.Lock()
	e.texts = nil
	e.checking.Unlock()
	e.Leave()
}

// Leave lets go of the places at which was compiled. There are many, and they hold more than what is compiled there.
func (e *Env) Leave() {
	e.mu.Lock()
	e.envs, e.common = map[string]*cel.Env{}, nil
	e.mu.Unlock()
}

// Names are what CEL calls the types of objects. The schemas of one library share them, since they have nearly all objects in common; they are
// for environments that are built one after the other.
type Names struct {
	seen map[string]bool   // keys
	keys map[string]string // CEL type name → key
}

func (n *Names) add(key string) {
	if n.seen[key] {
		return
	}
	if n.seen == nil {
		n.seen, n.keys = map[string]bool{}, map[string]string{}
	}
	n.seen[key], n.keys[typeName(key)] = true, key
}

// called is what CEL's type of this name stands for in this schema; nil if for nothing.
func (e *Env) called(name string) *Object {
	if key, ok := e.names.keys[name]; ok {
		return e.schema.Objects[key]
	}
	return nil
}

// NewEnv builds the checker for a schema. Objects that the language itself has (stamp, stay, history …) are added to it.
func NewEnv(s *Schema) (*Env, error) {
	builtin(s)
	e := &Env{schema: s, envs: map[string]*cel.Env{}, names: s.Names}
	if e.names == nil {
		e.names = &Names{}
	}
	for key := range s.Objects {
		e.names.add(key)
	}
	opts := []cel.EnvOption{cel.StdLib(cel.StdLibSubset(standard())), cel.ClearMacros(), cel.Macros(macros()...), cel.CustomTypeProvider(provider{e, types.NewEmptyRegistry()})}
	opts = append(opts, declarations(s)...)
	base, err := cel.NewCustomEnv(opts...)
	if err != nil {
		return nil, fmt.Errorf("expression environment: %w", err)
	}
	e.base = base
	return e, nil
}

// builtin adds the structures every schema has.
func builtin(s *Schema) {
	if s.Objects == nil {
		s.Objects = map[string]*Object{}
	}
	add := func(key string, fields map[string]Type) {
		if s.Objects[key] != nil {
			return
		}
		o := &Object{Key: key, Label: key, Fields: map[string]Field{}}
		for id, t := range fields {
			o.Fields[id] = Field{Type: t}
		}
		s.Objects[key] = o
	}
	person := ObjectOf("base.person")
	add("stamp", map[string]Type{"at": Of(KDatetime), "first_at": Of(KDatetime), "by": person, "count": Of(KInt)})
	add("stay", map[string]Type{"from": Of(KDatetime), "to": Of(KDatetime), "state": Of(KText), "spans": ListOf(Of(KPeriod))})
	add("history", map[string]Type{"at": Of(KDatetime), "by": person, "old": Of(KText), "new": Of(KText)})
	add("ledger", map[string]Type{"balance": Of(KMoney), "quantity": DecimalOf(3)})
	add("split_row", map[string]Type{"amount": Of(KMoney), "item": Of(KAny)})
	add("fact", map[string]Type{"person": person, "holder": Of(KWho), "holders": Of(KWho), "clause": Of(KText), "at": Of(KDatetime), "missing": Of(KInt)})
	params := map[string]Type{}
	for id, p := range s.Params {
		if len(p.Out) == 0 {
			params[id] = p.Type
			continue
		}
		params[id] = ObjectOf("param." + id)
		add("param."+id, nil)
		out := map[string]Type{}
		for _, c := range p.Out {
			out[c.Name] = c.Type
		}
		for _, c := range p.Key {
			out[c.Name] = c.Type
		}
		add("param."+id+".row", out)
	}
	add("param", params)
}

// extended is the environment with the variables of a place.
func (e *Env) extended(vars Vars) (*cel.Env, error) {
	key := keyOf(vars)
	e.mu.Lock()
	defer e.mu.Unlock()
	if x := e.envs[key]; x != nil {
		return x, nil
	}
	if e.common == nil {
		e.common = e.everywhere()
	}
	list := make([]*decls.VariableDecl, 0, len(e.common)+len(vars))
	for id, t := range vars {
		list = append(list, decls.NewVariable(id, celType(t)))
	}
	for _, d := range e.common {
		if _, own := vars[d.Name()]; !own {
			list = append(list, d)
		}
	}
	x, err := e.base.Extend(cel.VariableDecls(list...))
	if err != nil {
		return nil, err
	}
	e.envs[key] = x
	return x, nil
}

// everywhere are the names that every place knows, made once: there are many places.
func (e *Env) everywhere() []*decls.VariableDecl {
	all := Vars{"param": ObjectOf("param")}
	for id, key := range e.schema.Forms {
		all[id] = ListOf(ObjectOf(key))
	}
	for id := range e.schema.Roles {
		all[id] = Of(KWho)
	}
	list := make([]*decls.VariableDecl, 0, len(all))
	for id, t := range all {
		list = append(list, decls.NewVariable(id, celType(t)))
	}
	return list
}

// keyOf tells places apart by their variables.
func keyOf(vars Vars) string {
	names := make([]string, 0, len(vars))
	for id := range vars {
		names = append(names, id)
	}
	sort.Strings(names)
	var key strings.Builder
	for _, id := range names {
		key.WriteString(id)
		key.WriteByte(':')
		key.WriteString(typeKey(vars[id]))
		key.WriteByte(';')
	}
	return key.String()
}

func typeKey(t Type) string {
	if t.Elem != nil {
		return string(t.Kind) + "(" + typeKey(*t.Elem) + ")"
	}
	return string(t.Kind) + t.Object
}

// provider tells the checker our objects.
type provider struct {
	e    *Env
	base *types.Registry
}

func (p provider) EnumValue(n string) ref.Val         { return p.base.EnumValue(n) }
func (p provider) FindIdent(n string) (ref.Val, bool) { return p.base.FindIdent(n) }
func (p provider) NewValue(string, map[string]ref.Val) ref.Val {
	return types.NewErr("records are not made in expressions")
}
func (p provider) FindStructType(n string) (*types.Type, bool) {
	_, known := structs[n]
	if known || p.e.called(n) != nil {
		return types.NewTypeTypeWithParam(types.NewObjectType(n)), true
	}
	return nil, false
}
func (p provider) FindStructFieldNames(n string) ([]string, bool) {
	o := p.e.called(n)
	if o == nil {
		return nil, false
	}
	var list []string
	for id := range o.Fields {
		list = append(list, id)
	}
	return list, true
}
func (p provider) FindStructFieldType(n, field string) (*types.FieldType, bool) {
	if k, ok := structs[n]; ok {
		t, ok := parts[k][field]
		return &types.FieldType{Type: celType(t)}, ok
	}
	o := p.e.called(n)
	if o == nil {
		return nil, false
	}
	f, ok := o.Fields[field]
	if !ok {
		p.e.missed = append(p.e.missed, miss{n, field})
		return nil, false
	}
	return &types.FieldType{Type: celType(f.Type)}, true
}

// standard is what the language takes from CEL's own functions: no floats, no durations of seconds, and no
// division that loses its remainder silently.
func standard() *env.LibrarySubset {
	fn := func(name string, overloads ...string) *env.Function {
		f := &env.Function{Name: name}
		for _, id := range overloads {
			f.Overloads = append(f.Overloads, &env.Overload{ID: id})
		}
		return f
	}
	return &env.LibrarySubset{DisableMacros: true, IncludeFunctions: []*env.Function{
		fn("_&&_"), fn("_||_"), fn("!_"), fn("_?_:_"), fn("_==_"), fn("_!=_"), fn("@not_strictly_false"),
		fn("_<_", "less_bool", "less_int64", "less_string", "less_timestamp"), fn("_<=_", "less_equals_bool", "less_equals_int64", "less_equals_string", "less_equals_timestamp"),
		fn("_>_", "greater_bool", "greater_int64", "greater_string", "greater_timestamp"), fn("_>=_", "greater_equals_bool", "greater_equals_int64", "greater_equals_string", "greater_equals_timestamp"),
		fn("_+_", "add_int64", "add_string", "add_list"), fn("_-_", "subtract_int64"), fn("_*_", "multiply_int64"), fn("_%_", "modulo_int64"), fn("-_", "negate_int64"),
		fn("_[_]"), fn("@in", "in_list"), fn("size", "size_string", "string_size", "size_list", "list_size"),
		fn("contains"), fn("startsWith"), fn("endsWith"), fn("matches"),
	}}
}
