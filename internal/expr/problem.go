package expr

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
)

// Problem is a mistake in an expression. Line and Col count from 1 within the text, Offset code points from 0.
type Problem struct {
	Offset        int
	Line, Col     int
	Message, Hint string
	Field         string // that does not exist, if this is the mistake
}

var (
	undefinedField = regexp.MustCompile(`^undefined field '([^']+)'`)
	undeclared     = regexp.MustCompile(`^undeclared reference to '([^']+)'`)
	noOverload     = regexp.MustCompile(`^found no matching overload for '([^']+)' applied to '(.*)'`)
	wrongType      = regexp.MustCompile(`^expected type '([^']+)' but found '([^']+)'`)
	noSelection    = regexp.MustCompile(`^type '([^']+)' does not support field selection`)
)

// miss is a field the checker asked for in vain.
type miss struct{ object, field string }

// problems puts the checker's mistakes into the words of the rulebook.
func (e *Env) problems(iss *cel.Issues, missed []miss, text string, vars Vars) []Problem {
	var list []Problem
	for _, err := range iss.Errors() { // one of the whole text, such as its being nested too deeply, has no place
		p := Problem{Line: max(err.Location.Line(), 1), Col: max(err.Location.Column(), 0) + 1, Message: strings.TrimSpace(err.Message)}
		if m := undefinedField.FindStringSubmatch(p.Message); m != nil {
			var o *Object
			for i, x := range missed {
				if x.field == m[1] {
					o = e.called(x.object)
					missed = append(missed[:i:i], missed[i+1:]...)
					break
				}
			}
			p.Message, p.Hint = noField(o, m[1])
			p.Field = m[1]
			p.Col++ // the checker points at the dot
		} else if m := undeclared.FindStringSubmatch(p.Message); m != nil {
			p.Message, p.Hint = e.unknown(m[1], lineOf(text, p.Line), p.Col, vars)
		} else if m := noOverload.FindStringSubmatch(p.Message); m != nil {
			p.Message, p.Hint = e.overload(m[1], m[2])
		} else if m := wrongType.FindStringSubmatch(p.Message); m != nil {
			p.Message = fmt.Sprintf("%s is wanted here, and this is %s", article(e.typeWord(m[1])), article(e.typeWord(m[2])))
		} else if m := noSelection.FindStringSubmatch(p.Message); m != nil {
			p.Message = fmt.Sprintf("%s has no fields", e.typeWord(m[1]))
			if strings.HasPrefix(m[1], "list(") {
				p.Hint = "several rows: write .first(…), .at(0), .exists(v, …) or another query"
			}
		} else if s, ok := strings.CutPrefix(p.Message, "Syntax error:"); ok {
			p.Message = "the condition cannot be read: " + strings.TrimSpace(s)
		}
		p.Offset = wordStart(text, offsetOf(text, p.Line, p.Col))
		p.Line, p.Col = place(text, p.Offset)
		list = append(list, p)
	}
	return list
}

// place turns an offset in code points into line and column.
func place(text string, off int) (int, int) {
	line, col := 1, 1
	for _, r := range text {
		if off <= 0 {
			break
		}
		off--
		col++
		if r == '\n' {
			line, col = line+1, 1
		}
	}
	return line, col
}

// wordStart goes back from the parenthesis of a call, where CEL places it, to the function's name.
func wordStart(text string, off int) int {
	runes := []rune(text)
	if off >= len(runes) || runes[off] != '(' {
		return off
	}
	for off > 0 && (runes[off-1] == '_' || unicode.IsLetter(runes[off-1]) || unicode.IsDigit(runes[off-1])) {
		off--
	}
	return off
}

func lineOf(text string, line int) string {
	for i, l := range strings.Split(text, "\n") {
		if i+1 == line {
			return l
		}
	}
	return ""
}

func offsetOf(text string, line, col int) int {
	off := 0
	for i, l := range strings.Split(text, "\n") {
		if i+1 == line {
			return off + col - 1
		}
		off += utf8.RuneCountInString(l) + 1
	}
	return 0
}

// noField tells which field of which object was meant.
func noField(o *Object, field string) (message, hint string) {
	if o == nil {
		return fmt.Sprintf("field %q does not exist there", field), ""
	}
	hint = meant(field, keysOf(o.Fields))
	owner, part, _ := strings.Cut(o.Key, "#")
	switch {
	case part == "done":
		return fmt.Sprintf("there is no action %q on form %s", field, tail(owner)), hint
	case part == "stay":
		return fmt.Sprintf("there is no state %q on form %s", field, tail(owner)), hint
	case part == "late" || part == "overrun" || part == "due":
		return fmt.Sprintf("there is no deadline %q on form %s", field, tail(owner)), hint
	case o.Key == "param":
		return fmt.Sprintf("there is no parameter %q", field), hint
	case strings.HasPrefix(o.Key, "param."):
		return fmt.Sprintf("there is no column %q in param.%s", field, strings.TrimSuffix(strings.TrimPrefix(o.Key, "param."), ".row")), hint
	}
	what := ""
	switch {
	case o.Line:
		what = "line "
	case o.Table != "":
		what = "form "
	}
	message = fmt.Sprintf("field %q does not exist on %s%s", field, what, tail(o.Key))
	if hint != "" {
		message += "; " + hint
	}
	return message, ""
}

func tail(key string) string { return key[strings.LastIndexAny(key, ".#")+1:] }

// unknown is a name that means nothing here: a variable or, before a parenthesis, a function.
func (e *Env) unknown(name, line string, col int, vars Vars) (message, hint string) {
	runes := []rune(line)
	after := ""
	if from := col - 1; from >= 0 && from <= len(runes) {
		after = strings.TrimSpace(strings.TrimPrefix(string(runes[from:]), name))
	}
	if strings.HasPrefix(after, "(") {
		return fmt.Sprintf("there is no function %s() that takes this", name), meant(name, functionNames())
	}
	names := append(keysOf(e.schema.Roles), keysOf(e.schema.Forms)...)
	names = append(append(names, keysOf(vars)...), "param")
	return fmt.Sprintf("%q is not known here", name), meant(name, names)
}

// typeWord writes a CEL type as the rulebook does.
func (e *Env) typeWord(t string) string {
	t = strings.TrimSpace(t)
	if inner, ok := strings.CutPrefix(t, "list("); ok {
		return "list of " + e.typeWord(strings.TrimSuffix(inner, ")"))
	}
	switch t {
	case "google.protobuf.Timestamp", "timestamp":
		return "datetime"
	case "string":
		return "text"
	case "wrapper(bool)", "bool":
		return "true/false"
	}
	if k, ok := structs[t]; ok {
		return string(k)
	}
	if o := e.called(t); o != nil {
		if strings.HasPrefix(o.Key, "param.") {
			return strings.TrimSuffix(o.Key, ".row")
		}
		return tail(o.Key)
	}
	return t
}

var operatorWord = map[string]string{"_>_": ">", "_<_": "<", "_>=_": ">=", "_<=_": "<=", "_==_": "==", "_!=_": "!=", "_+_": "+", "_-_": "-",
	"_*_": "*", "_/_": "/", "_%_": "%", "_&&_": "&&", "_||_": "||", "!_": "!", "-_": "-", "@in": "in", "_?_:_": "? :"}

// overload tells what an operator or function was wrongly given.
func (e *Env) overload(fn, args string) (message, hint string) {
	target, rest := "", args
	if i := memberDot(args); i > 0 { // target.(args) of a method
		target, rest = e.typeWord(args[:i]), args[i+1:]
	}
	rest = strings.TrimSuffix(strings.TrimPrefix(rest, "("), ")")
	var parts []string
	for _, p := range splitArgs(rest) {
		parts = append(parts, e.typeWord(p))
	}
	switch op := operatorWord[fn]; {
	case fn == "_?_:_" && len(parts) == 3: // also the condition of every query
		if parts[0] != "true/false" {
			return fmt.Sprintf("condition is %s, not true or false", article(parts[0])), ""
		}
		return fmt.Sprintf("the two values of ? : are %s and %s; both must be of one type", parts[1], parts[2]), ""
	case fn == "_&&_" || fn == "_||_" || fn == "!_":
		for _, p := range parts {
			if p != "true/false" {
				return fmt.Sprintf("%s joins conditions, and here stands %s", op, article(p)), ""
			}
		}
	case op != "" && len(parts) == 2:
		verb := "joined"
		switch op {
		case ">", "<", ">=", "<=", "==", "!=":
			verb = "compared"
		case "in":
			return fmt.Sprintf("%s cannot be looked for in %s", parts[0], parts[1]), ""
		}
		message = fmt.Sprintf("%s and %s cannot be %s with %s", parts[0], parts[1], verb, op)
		if h := operandHint(parts[0], parts[1]); h != "" {
			message += ": " + h
		}
		return message, ""
	case fn == "@rows":
		return fmt.Sprintf("%s is not a list", strings.Join(parts, ", ")), ""
	}
	fn = strings.TrimPrefix(fn, "@")
	if target != "" {
		return fmt.Sprintf("%s has no %s(%s)", target, fn, strings.Join(parts, ", ")), ""
	}
	return fmt.Sprintf("%s() cannot be applied to %s", fn, strings.Join(parts, ", ")), ""
}

func memberDot(args string) int {
	depth := 0
	for i, r := range args {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		case '.':
			if depth == 0 && strings.HasPrefix(args[i+1:], "(") {
				return i
			}
		}
	}
	return -1
}

func operandHint(a, b string) string {
	pair := func(x, y string) bool { return a == x && b == y || a == y && b == x }
	switch {
	case pair("money", "int"):
		return "write money('100')"
	case pair("decimal", "int"):
		return "write dec('100')"
	case pair("money", "decimal"):
		return "write money(…)"
	case pair("date", "datetime"):
		return "write day(…) around the datetime"
	case pair("date", "int"), pair("datetime", "int"), pair("span", "int"):
		return "write days(3), workdays(3), hours(3) …"
	case pair("text", "int"), pair("text", "decimal"), pair("text", "money"), pair("text", "date"):
		return "write text(…) around the number or date"
	}
	return ""
}

func article(word string) string {
	switch {
	case word == "true/false":
		return "true or false"
	case word == "money", strings.HasPrefix(word, "list"):
		return word
	case strings.HasPrefix(word, "int"):
		return "an " + word
	}
	return "a " + word
}
