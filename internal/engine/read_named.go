package engine

import (
	"encoding/json"
	"strings"

	"zhanggui/internal/rulebook"
)

// Text fields of the base forms that hold an id of the library. Screens show, and let people choose, what the
// id names.
var namedFields = map[string]func(*rulebook.Book) []Option{
	"base.role_grant.role":         rolesOf,
	"base.adoption.book":           bookOf,
	"base.param_value.book":        bookOf,
	"base.param_value.param":       parametersOf,
	"base.posting.ledger":          ledgersOf,
	"base.posting.kind":            kindsOf,
	"base.signature.approval":      approvalsOf,
	"base.signature.action":        actionsOf,
	"base.waiver.action":           actionsOf,
	"base.attempt.action":          actionsOf,
	"base.sanction.book":           bookOf,
	"base.sanction.ledger":         ledgersOf,
	"base.saved_view.of_form":      formsOf,
	exportRequestForm + ".of_form": formsOf,
	"base.finding.checklist":       checklistsOf,
	"base.rulebook_text.book":      bookOf,
	"base.finding.result":          resultsOf,
	"base.person.heirs.what":       passesOf,
}

// engineOnly are columns of the engine's registers that say nothing to a reader: what they lead to is named
// beside them.
var engineOnly = map[string]bool{"of_form": true, "of_id": true, "restart": true, "dims": true, "instance": true, "once_key": true, "breach_id": true,
	"breach": true, "duty": true, "offence": true, "name": true, "receiver": true, "receiver_of": true, "step": true, "version": true, "link": true, "gone": true, "about_en": true}

// hiddenField tells whether a field is the engine's own business.
func hiddenField(f *rulebook.Field) bool {
	if f.Form != nil && f.Form.Key == exportRequestForm {
		return f.ID == "query" || f.ID == "of_class"
	}
	return f.Form != nil && f.Form.Kept == "engine" && engineOnly[f.ID] && (f.ID != "name" || f.Form.Field("label") != nil)
}

// named are the options of a text field that holds an id of the library; nil for any other.
func (w *work) named(f *rulebook.Field) []Option {
	if f.Form == nil {
		return nil
	}
	key := f.Form.Key + "." + f.ID
	if f.Line != nil {
		key = f.Line.Key + "." + f.ID
	}
	of := namedFields[key]
	if of == nil {
		return nil
	}
	var list []Option
	seen := map[string]bool{}
	for _, b := range w.e.Lib.Books {
		for _, o := range of(b) {
			if !seen[o.ID] {
				seen[o.ID] = true
				list = append(list, o)
			}
		}
	}
	return list
}

// namedTitle is the title of a base record that is named by ids of the library.
func (w *work) namedTitle(r *Record) string {
	say := func(field string) string {
		raw := str(r.row[field])
		if f := r.form.Field(field); f != nil {
			for _, o := range w.named(f) {
				if o.ID == raw {
					return o.Label.ZH
				}
			}
		}
		return raw
	}
	var parts []string
	switch r.form.Key {
	case "base.role_grant":
		parts = []string{say("role"), w.name(str(r.row["person"]))}
	case "base.adoption", "base.rulebook_text":
		parts = []string{say("book"), str(r.row["version"])}
	case "base.param_value":
		parts = []string{say("param")}
	case exportRequestForm:
		parts = []string{say("of_form")}
	case "base.posting":
		parts = []string{say("ledger"), say("kind")}
	}
	return strings.TrimSpace(strings.Join(parts, " "))
}

// keptText reads what the engine keeps in a form of its own: the content of a copy or snapshot line by line, and
// no number where the record had none.
func (w *work) keptText(r *Record, f *rulebook.Field) (any, bool) {
	if r.form.Key == exportRequestForm && f.ID == "told" {
		return toldOf(r), true
	}
	if r.form.Kept != "engine" {
		return nil, false
	}
	switch f.ID {
	case "offence_label": // what was written down, in English as its rulebook says it
		label := str(r.row[f.ID])
		if b := w.e.Lib.Book(r.str("book")); b != nil && label != "" {
			if o := b.Offence(r.str("offence")); o != nil && o.Label.ZH == label {
				return text(o.Label), true
			}
		}
	case "about":
		if en := r.str("about_en"); r.form.Key == letterForm && en != "" {
			return Text{r.str(f.ID), en}, true
		}
	case "legal_note":
		if l := legalText(str(r.row[f.ID])); l != nil {
			return *l, true
		}
	case "of_number":
		return nil, str(r.row[f.ID]) == str(r.row["of_id"])
	case "content":
		var kept struct {
			Cells []struct {
				Label rulebook.Label
				Value string
			}
		}
		if json.Unmarshal([]byte(str(r.row[f.ID])), &kept) != nil {
			return nil, false
		}
		var zh, en []string
		for _, c := range kept.Cells {
			l := text(c.Label)
			zh, en = append(zh, l.ZH+"："+c.Value), append(en, l.EN+": "+c.Value)
		}
		return Text{strings.Join(zh, "\n"), strings.Join(en, "\n")}, true
	}
	return nil, false
}

// legalText is a legal note as its author wrote it, 中文 | English; nil where there is none.
func legalText(note string) *Text {
	if note == "" {
		return nil
	}
	zh, en, _ := strings.Cut(note, " | ")
	return &Text{zh, first(en, zh)}
}

// titleEN is the title of what the engine keeps as it is read in English; "" where it is the same.
func (w *work) titleEN(r *Record, title string) string {
	f := r.form.Field("offence_label")
	if r.form.Key == letterForm {
		f = r.form.Field("about")
	}
	if r.form.Kept != "engine" || f == nil {
		return ""
	}
	if x, ok := w.keptText(r, f); ok {
		if l, ok := x.(Text); ok && l.EN != l.ZH {
			return strings.Replace(title, l.ZH, l.EN, 1)
		}
	}
	return ""
}

// options lists elements of a book by id and label.
func options[T any](list []T, of func(T) (string, rulebook.Label)) []Option {
	var out []Option
	for _, x := range list {
		id, l := of(x)
		out = append(out, Option{ID: id, Label: textOr(l, id)})
	}
	return out
}

func bookOf(b *rulebook.Book) []Option {
	return options([]*rulebook.Book{b}, func(b *rulebook.Book) (string, rulebook.Label) { return b.ID, b.Title })
}

func rolesOf(b *rulebook.Book) []Option {
	return options(b.Roles, func(x *rulebook.Role) (string, rulebook.Label) { return x.ID, x.Label })
}

func parametersOf(b *rulebook.Book) []Option {
	return options(b.Parameters, func(x *rulebook.Parameter) (string, rulebook.Label) { return x.ID, x.Label })
}

func ledgersOf(b *rulebook.Book) []Option {
	return options(b.Ledgers, func(x *rulebook.Ledger) (string, rulebook.Label) { return x.ID, x.Label })
}

func checklistsOf(b *rulebook.Book) []Option {
	return options(b.Checklists, func(x *rulebook.Checklist) (string, rulebook.Label) { return x.ID, x.Label })
}

func approvalsOf(b *rulebook.Book) []Option {
	return options(b.Approvals, func(x *rulebook.Approval) (string, rulebook.Label) { return x.ID, x.Label })
}

func formsOf(b *rulebook.Book) []Option {
	return options(b.Forms, func(x *rulebook.Form) (string, rulebook.Label) { return x.Key, x.Label })
}

// resultsOf are the ways an item of a checklist fails.
func resultsOf(*rulebook.Book) []Option {
	return []Option{{ID: "fail", Label: Text{"不合格", "Failed"}}, {ID: "not_done", Label: Text{"未办", "Not done"}}, {ID: "ineffective", Label: Text{"无效", "Without effect"}}}
}

func kindsOf(b *rulebook.Book) (list []Option) {
	for _, l := range b.Ledgers {
		list = append(list, options(sortedKeys(l.KindLabel), func(k string) (string, rulebook.Label) { return k, l.KindLabel[k] })...)
	}
	return list
}

// actionsOf are the actions of every form, alone and with their form: signatures name them the one way,
// refusals the other.
func actionsOf(b *rulebook.Book) (list []Option) {
	for _, f := range b.Forms {
		for _, a := range f.Actions {
			l := actionText(a)
			list = append(list, Option{ID: a.ID, Label: l}, Option{ID: f.Key + "." + a.ID, Label: Text{f.Label.ZH + "：" + l.ZH, text(f.Label).EN + ": " + l.EN}})
		}
	}
	return list
}
