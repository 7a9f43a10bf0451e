package expr

import (
	"fmt"
	"sort"
	"strings"

	"cel.dev/cel-go/cel"
)

// opaque are the kinds CEL does not know itself. A period and a range have parts, so they are structures to it.
var opaque = map[Kind]*cel.Type{KPeriod: cel.ObjectType("zg_period"), KRange: cel.ObjectType("zg_range")}

var structs = map[string]Kind{"zg_period": KPeriod, "zg_range": KRange}

// parts of a period: its instants, to excluded, and its first and last day; of a range: its two numbers.
var parts = map[Kind]map[string]Type{
	KPeriod: {"from": Of(KDatetime), "to": Of(KDatetime), "start": Of(KDate), "end": Of(KDate)},
	KRange:  {"first": Of(KText), "last": Of(KText)},
}

func init() {
	for _, k := range []Kind{KDecimal, KMoney, KDate, KTime, KSpan, KWho} {
		opaque[k] = cel.OpaqueType(string(k))
	}
}

// typeName makes an object's key a name CEL accepts.
func typeName(key string) string { return "o_" + celName.Replace(key) }

var celName = strings.NewReplacer(".", "_dot_", "#", "_of_", "-", "_")

func celType(t Type) *cel.Type {
	switch t.Kind {
	case KBool:
		return cel.BoolType
	case KInt:
		return cel.IntType
	case KText, KChoice:
		return cel.StringType
	case KDatetime:
		return cel.TimestampType
	case KObject:
		return cel.ObjectType(typeName(t.Object))
	case KList:
		if t.Elem == nil {
			return cel.ListType(cel.DynType)
		}
		return cel.ListType(celType(*t.Elem))
	}
	if o, ok := opaque[t.Kind]; ok {
		return o
	}
	return cel.DynType
}

// words of signatures below.
func wordType(w string) *cel.Type {
	if inner, ok := strings.CutPrefix(w, "list("); ok {
		return cel.ListType(wordType(strings.TrimSuffix(inner, ")")))
	}
	switch w {
	case "int":
		return cel.IntType
	case "bool":
		return cel.BoolType
	case "text":
		return cel.StringType
	case "datetime":
		return cel.TimestampType
	case "any":
		return cel.DynType
	case "A", "B", "C", "D":
		return cel.TypeParamType(w)
	case "person":
		return cel.ObjectType(typeName("base.person"))
	case "unit":
		return cel.ObjectType(typeName("base.unit"))
	case "history", "ledger", "split_row":
		return cel.ObjectType(typeName(w))
	}
	if o, ok := opaque[Kind(w)]; ok {
		return o
	}
	panic("no such type word: " + w)
}

// functionNames are all that may stand before a parenthesis.
func functionNames() []string {
	seen := map[string]bool{"earlier": true, "later": true, "has": true}
	for _, line := range strings.Split(strings.TrimSpace(signatures), "\n") {
		head, _, _ := cutLast(line, " ")
		if name, _, _ := splitHead(strings.TrimSuffix(head, ")")); !strings.ContainsAny(name, "@_") || strings.HasSuffix(name, "_by") && name[0] != '@' {
			seen[name] = true
		}
	}
	for _, m := range macros() {
		seen[m.Function()] = true
	}
	return keysOf(seen)
}

func declarations(s *Schema) []cel.EnvOption {
	fns := map[string][]cel.FunctionOpt{}
	n := 0
	add := func(name string, member bool, args []*cel.Type, ret *cel.Type) {
		n++
		id := fmt.Sprintf("zg_%d", n)
		if member {
			fns[name] = append(fns[name], cel.MemberOverload(id, args, ret))
		} else {
			fns[name] = append(fns[name], cel.Overload(id, args, ret))
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(signatures), "\n") {
		head, ret, _ := cutLast(line, " ")
		head = strings.TrimSuffix(head, ")")
		// the argument list begins at the parenthesis that follows the function's name
		name, args, recv := splitHead(head)
		var types []*cel.Type
		if recv != "" {
			types = append(types, wordType(recv))
		}
		for _, a := range splitArgs(args) {
			types = append(types, wordType(a))
		}
		add(name, recv != "", types, wordType(ret))
	}
	for _, op := range []string{"_<_", "_<=_", "_>_", "_>=_"} {
		for _, k := range []Kind{KMoney, KDecimal, KDate, KTime, KSpan} {
			add(op, false, []*cel.Type{opaque[k], opaque[k]}, cel.BoolType)
		}
		add(op, false, []*cel.Type{opaque[KDecimal], cel.IntType}, cel.BoolType)
		add(op, false, []*cel.Type{cel.IntType, opaque[KDecimal]}, cel.BoolType)
	}
	for _, fn := range []string{"earlier", "later"} {
		for _, t := range []*cel.Type{cel.TimestampType, opaque[KDate]} {
			for k := 2; k <= 6; k++ {
				args := make([]*cel.Type, k)
				for i := range args {
					args[i] = t
				}
				add(fn, false, args, t)
			}
		}
	}
	for _, id := range sortedParams(s) {
		p := s.Params[id]
		if len(p.Out) == 0 {
			continue
		}
		args := []*cel.Type{cel.ObjectType(typeName("param." + id))}
		for _, k := range p.Key {
			args = append(args, celType(k.Type))
		}
		add("at", true, args, cel.ObjectType(typeName("param."+id+".row")))
	}
	var opts []cel.EnvOption
	names := make([]string, 0, len(fns))
	for name := range fns {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		opts = append(opts, cel.Function(name, fns[name]...))
	}
	return opts
}

func sortedParams(s *Schema) []string {
	var list []string
	for id := range s.Params {
		list = append(list, id)
	}
	sort.Strings(list)
	return list
}

func cutLast(s, sep string) (string, string, bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// splitHead takes "list(A).at(int" apart into at, int, list(A).
func splitHead(head string) (name, args, recv string) {
	depth := 0
	for i := len(head) - 1; i >= 0; i-- {
		switch head[i] {
		case ')':
			depth++
		case '(':
			if depth == 0 {
				args = head[i+1:]
				name = head[:i]
				if j := strings.LastIndex(name, "."); j > 0 {
					recv, name = name[:j], name[j+1:]
				}
				return name, args, recv
			}
			depth--
		}
	}
	return head, "", ""
}

func splitArgs(s string) []string {
	var list []string
	depth, from := 0, 0
	for i, r := range s {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				list = append(list, s[from:i])
				from = i + 1
			}
		}
	}
	if s != "" {
		list = append(list, s[from:])
	}
	return list
}
