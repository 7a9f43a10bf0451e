package engine

import (
	"regexp"
	"strings"

	"zhanggui/internal/rulebook"
)

var filterPart = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\b(?:money|pct|dec|date|day)\(|this\.[a-z][a-z0-9_]*(?:\.id\b)?|\.contains\(|&&|\|\||[=!<>]=|[<>!]|[a-zA-Z_][a-zA-Z0-9_.]*|\S|\s+`)

var filterSigns = map[string]Text{
	"&&": {"且", "and"}, "||": {"或", "or"}, "==": {"是", "is"}, "!=": {"不是", "is not"}, ">=": {"不小于", "at least"}, "<=": {"不大于", "at most"},
	">": {"大于", "more than"}, "<": {"小于", "less than"}, "!": {"不", "not"}, ".contains(": {"含", "contains"}, "has": {"填了", "filled"},
	"true": {"是", "yes"}, "false": {"否", "no"}, "me": {"申请人本人", "who asks"}, "today": {"今天", "today"}, "now": {"此刻", "now"}, "in": {"属于", "in"},
}

// filterWords is a filter as one who reads no formula can check it: part after part in its own order, with fields, states and
// choices by their names. What it has no word for stands as it is.
func (w *work) filterWords(f *rulebook.Form, src string) Text {
	var zh, en strings.Builder
	put := func(t Text) {
		zh.WriteString(" " + t.ZH + " ")
		en.WriteString(" " + t.EN + " ")
	}
	var field *rulebook.Field // of which a value may follow
	state := false
	for _, part := range filterPart.FindAllString(src, -1) {
		id, isField := strings.CutPrefix(part, "this.")
		switch {
		case isField:
			id = strings.TrimSuffix(id, ".id")
			field, state = f.Field(id), id == "state"
			switch {
			case state:
				put(Text{"状态", "State"})
			case field != nil:
				put(textOr(field.Label, id))
			default:
				put(Text{id, id})
			}
		case part[0] == '"' || part[0] == '\'':
			v := part[1 : len(part)-1]
			put(w.filterValue(f, field, state, v))
		case strings.HasSuffix(part, "(") && part != "(" && part != ".contains(":
			zh.WriteString("(")
			en.WriteString("(")
		default:
			if t, ok := filterSigns[part]; ok {
				put(t)
				if part == ".contains(" {
					zh.WriteString("(")
					en.WriteString("(")
				}
				continue
			}
			zh.WriteString(part)
			en.WriteString(part)
		}
	}
	tidy := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	return Text{tidy(zh.String()), tidy(en.String())}
}

func (w *work) filterValue(f *rulebook.Form, field *rulebook.Field, state bool, v string) Text {
	quoted := func(t Text) Text { return Text{"“" + t.ZH + "”", "“" + t.EN + "”"} }
	if state {
		return quoted(stateText(f, v))
	}
	if field != nil {
		for _, o := range field.Type.Options {
			if o.ID == v {
				return quoted(textOr(o.Label, o.ID))
			}
		}
		if to := w.e.Lib.Form(field.Type.Expr.Object); to != nil {
			if r, err := w.get(to, v); err == nil && w.maySee(r) {
				l := w.label(r)
				return quoted(Text{l, l})
			}
		}
	}
	return quoted(Text{v, v})
}
