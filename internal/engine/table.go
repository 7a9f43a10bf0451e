package engine

import (
	"fmt"
	"strings"

	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// Tables are all the tables a library needs: one a form, one a line, and the engine's own.
// Columns are the field ids, so that any reporting tool can read them. What earlier libraries have besides is there too.
func Tables(lib *rulebook.Library, earlier ...*rulebook.Library) []store.Table {
	list := formTables(lib)
	at := map[string]int{}
	for i, t := range list {
		at[t.Name] = i
	}
	for _, l := range earlier {
		for _, t := range formTables(l) {
			i, there := at[t.Name]
			if !there {
				at[t.Name], list = len(list), append(list, t)
				continue
			}
			list[i].Columns = addColumns(list[i].Columns, t.Columns)
		}
	}
	return append(list, ownTables()...)
}

func formTables(lib *rulebook.Library) []store.Table {
	var list []store.Table
	for _, b := range lib.Books {
		for _, f := range b.Forms {
			list = append(list, formTable(f))
			for _, l := range f.Lines {
				list = append(list, lineTable(l))
			}
		}
	}
	return list
}

func formTable(f *rulebook.Form) store.Table {
	t := store.Table{Name: f.Table, Label: f.Label.ZH, Primary: []string{"id"}, Columns: []store.Column{
		{Name: "id", Kind: "text", NotNull: true}, {Name: "number", Kind: "text"}, {Name: "state", Kind: "text", NotNull: true},
		{Name: "unit", Kind: "text"}, {Name: "by", Kind: "text"}, {Name: "at", Kind: "text", NotNull: true},
		{Name: "etag", Kind: "int", NotNull: true}, {Name: "rulebook", Kind: "text"}, {Name: "pinned", Kind: "text"},
		{Name: "stamp", Kind: "json"}, {Name: "stay", Kind: "json"}, {Name: "frozen", Kind: "json"},
		{Name: "search", Kind: "text", Untold: true},
	}}
	t.Indexes = append(t.Indexes,
		store.Index{Name: f.Table + "_state", Columns: []string{"state", "at", "id"}},
		store.Index{Name: f.Table + "_at", Columns: []string{"at", "id"}},
		store.Index{Name: f.Table + "_unit", Columns: []string{"unit", "at", "id"}})
	if f.Number != nil {
		t.Indexes = append(t.Indexes, store.Index{Name: f.Table + "_number", Columns: []string{"number"}, Where: `"number" IS NOT NULL`})
	}
	if f.Kept == "" { // a reader's own, newest first; see few
		t.Indexes = append(t.Indexes, store.Index{Name: f.Table + "_author", Columns: []string{"by", "at", "id"}})
	}
	for _, fd := range f.Fields {
		if live(fd) {
			continue
		}
		if fd.ID == "unit" { // a field "unit" is the record's own unit in other words
			continue
		}
		t.Columns = append(t.Columns, store.Column{Name: fd.ID, Kind: columnKind(fd.Type), Label: fd.Label.ZH, Secret: fd.Class != nil})
		t.Columns, t.Indexes = marked(t.Columns, t.Indexes, t.Name, fd)
		if fd.Type.Expr.Kind == expr.KObject {
			// what names a record, newest first: its page shows them so, however many there are. What names none is not in it: most are empty at filing.
			t.Indexes = append(t.Indexes, store.Index{Name: f.Table + "_" + fd.ID, Columns: []string{fd.ID, "at", "id"}, Where: `"` + fd.ID + `" IS NOT NULL`})
		} else if f.Kept == "" && listsPeople(fd) { // those that name anybody
			t.Indexes = append(t.Indexes, store.Index{Name: f.Table + "_in_" + fd.ID, Columns: []string{"at", "id"}, Where: `"` + fd.ID + `" IS NOT NULL`})
		}
	}
	for _, a := range f.Actions {
		if stamped(a) {
			t.Columns = append(t.Columns, store.Column{Name: a.ID + "_at", Kind: "text"}, store.Column{Name: a.ID + "_by", Kind: "text"})
		}
	}
	t.Indexes = append(t.Indexes, sorted(f)...)
	// The engine's own forms carry what the scheduler needs beside what people read.
	switch f.Key {
	case "base.clock":
		t.Columns = addColumns(t.Columns, clockColumns)
		t.Indexes = append(t.Indexes,
			store.Index{Name: "base_clock_next", Columns: []string{"next_at", "id"}, Where: `"next_at" IS NOT NULL`},
			store.Index{Name: "base_clock_of", Columns: []string{"of_id", "name"}},
			store.Index{Name: "base_clock_due", Columns: []string{"state", "due"}},
			store.Index{Name: "base_clock_held", Columns: []string{"held", "state", "due", "id"}})
	case savedViewForm:
		t.Indexes = append(t.Indexes, store.Index{Name: f.Table + "_of_form", Columns: []string{"of_form", "state"}})
	case exportRequestForm:
		t.Indexes = append(t.Indexes, store.Index{Name: f.Table + "_by", Columns: []string{"by", "state"}})
	case "base.signature", "base.copy", "base.snapshot", "base.breach", "base.waiver":
		t.Columns = addColumns(t.Columns, []store.Column{{Name: "of_id", Kind: "text"}, {Name: "of_form", Kind: "text"}})
		t.Indexes = append(t.Indexes, store.Index{Name: f.Table + "_of", Columns: []string{"of_id"}})
	case letterForm:
		t.Indexes = append(t.Indexes, store.Index{Name: f.Table + "_of", Columns: []string{"of_id"}}, store.Index{Name: f.Table + "_receiver", Columns: []string{"receiver"}})
	}
	return t
}

// sorted are indexes for what a register is sorted by: what its views say, and the amounts and days they show, whose heads
// people press; and for credit codes.
func sorted(f *rulebook.Form) []store.Index {
	var list []store.Index
	seen := map[string]bool{}
	add := func(id string, asked bool) {
		fd := f.Field(id)
		if fd == nil || seen[id] || live(fd) || fd.Personal || fd.Type.Expr.Kind == expr.KObject || columnKind(fd.Type) == "json" || id == "unit" {
			return
		}
		switch fd.Type.Expr.Kind {
		case expr.KMoney, expr.KDate, expr.KDatetime:
			asked = true
		}
		if asked {
			seen[id] = true
			list = append(list, store.Index{Name: f.Table + "_by_" + id, Columns: []string{id, "id"}})
		}
	}
	for _, fd := range f.Fields { // what names a firm to everybody is what rules look firms up by
		if fd.Type.Name == "uscc" {
			add(fd.ID, true)
		}
	}
	for _, v := range f.View {
		add(strings.TrimPrefix(v.Sort, "-"), true)
		for _, c := range v.Column {
			add(c, false)
		}
	}
	return list
}

func addColumns(have, want []store.Column) []store.Column {
next:
	for _, c := range want {
		for _, h := range have {
			if h.Name == c.Name {
				continue next
			}
		}
		have = append(have, c)
	}
	return have
}

// clockColumns are the engine's columns on base.clock beside the fields of the form.
var clockColumns = []store.Column{
	{Name: "of_form", Kind: "text"}, {Name: "of_id", Kind: "text"}, {Name: "name", Kind: "text"},
	{Name: "instance", Kind: "text"}, {Name: "next_at", Kind: "text"}, {Name: "fired", Kind: "json"},
	{Name: "from_at", Kind: "text"}, {Name: "due", Kind: "text"}, {Name: "met_at", Kind: "text"},
	{Name: "holder", Kind: "json"}, {Name: "breach", Kind: "text"}, {Name: "duty", Kind: "text"},
	{Name: "period_from", Kind: "text"}, {Name: "period_to", Kind: "text"}, {Name: "held", Kind: "text", Untold: true},
}

func lineTable(l *rulebook.Line) store.Table {
	t := store.Table{Name: l.Table, Label: l.Label.ZH, Primary: []string{"id"}, Columns: []store.Column{
		{Name: "id", Kind: "text", NotNull: true}, {Name: "record", Kind: "text", NotNull: true}, {Name: "pos", Kind: "int", NotNull: true},
	}}
	t.Indexes = []store.Index{{Name: l.Table + "_record", Columns: []string{"record", "pos"}}}
	for _, fd := range l.Fields {
		t.Columns = append(t.Columns, store.Column{Name: fd.ID, Kind: columnKind(fd.Type), Label: fd.Label.ZH, Secret: fd.Class != nil})
		t.Columns, t.Indexes = marked(t.Columns, t.Indexes, t.Name, fd)
	}
	return t
}

// marked adds what a personal field needs beside its column.
func marked(columns []store.Column, indexes []store.Index, table string, f *rulebook.Field) ([]store.Column, []store.Index) {
	if !f.Personal {
		return columns, indexes
	}
	return append(columns, store.Column{Name: f.Mark(), Kind: "text", Untold: true}), append(indexes, store.Index{Name: table + "_" + f.Mark(), Columns: []string{f.Mark()}, Where: `"` + f.Mark() + `" IS NOT NULL`})
}

// live fields are computed on reading and have no column.
func live(f *rulebook.Field) bool { return f.Value != nil && !f.Stored }

func stamped(a *rulebook.Action) bool { return !a.Implicit }

func columnKind(t rulebook.FieldType) store.Kind {
	switch t.Expr.Kind {
	case expr.KInt, expr.KDecimal, expr.KMoney:
		return "int"
	case expr.KBool:
		return "bool"
	case expr.KList, expr.KPeriod, expr.KRange:
		return "json"
	}
	return "text"
}

// ownTables are what the engine keeps beside the forms.
func ownTables() []store.Table {
	return []store.Table{
		fileTable, subjectTable, holderTable,
		{Name: "duty_cursor", Primary: []string{"id"}, Columns: []store.Column{
			{Name: "id", Kind: "text", NotNull: true}, {Name: "duty", Kind: "text"}, {Name: "unit", Kind: "text"}, {Name: "next_at", Kind: "text"},
			{Name: "period_from", Kind: "text"}, {Name: "period_to", Kind: "text"}},
			Indexes: []store.Index{{Name: "duty_cursor_next", Columns: []string{"next_at"}}}},
		{Name: "revealed", Apart: true, Primary: []string{"id"}, Columns: []store.Column{ // what each person has open of masked values, and until when
			{Name: "id", Kind: "text", NotNull: true}, {Name: "person", Kind: "text"}, {Name: "form", Kind: "text"}, {Name: "record", Kind: "text"}, {Name: "field", Kind: "text"}, {Name: "until", Kind: "text"}},
			Indexes: []store.Index{{Name: "revealed_person", Columns: []string{"person"}}}},
		{Name: "quota_over", Primary: []string{"id"}, Columns: []store.Column{ // partitions beyond their limit, since when
			{Name: "id", Kind: "text", NotNull: true}, {Name: "at", Kind: "text"}}},
		{Name: "segment", Primary: []string{"id"}, Columns: []store.Column{ // who holds which numbers now
			{Name: "id", Kind: "text", NotNull: true}, {Name: "ledger", Kind: "text", NotNull: true}, {Name: "prefix", Kind: "text"}, {Name: "width", Kind: "int"},
			{Name: "first_no", Kind: "int"}, {Name: "last_no", Kind: "int"}, {Name: "holder", Kind: "text"}, {Name: "status", Kind: "text"}},
			Indexes: []store.Index{{Name: "segment_first", Columns: []string{"ledger", "prefix", "first_no"}}, {Name: "segment_holder", Columns: []string{"ledger", "holder"}}}},
		{Name: "replay", Apart: true, Primary: []string{"id"}, Columns: []store.Column{
			{Name: "id", Kind: "text", NotNull: true}, {Name: "hash", Kind: "text"}, {Name: "answer", Kind: "text"}, {Name: "at", Kind: "text"}}},
		{Name: "record_index", Primary: []string{"id"}, Columns: []store.Column{
			{Name: "id", Kind: "text", NotNull: true}, {Name: "form", Kind: "text", NotNull: true}}},
	}
}

// checkBase makes sure that rulebook base has the forms and fields the engine writes.
func (e *Engine) checkBase() error {
	for key, fields := range baseContract {
		f := e.Lib.Form(key)
		if f == nil {
			return fmt.Errorf("rulebook base lacks the form %s", key)
		}
		for _, id := range fields {
			if f.Field(id) == nil {
				return fmt.Errorf("form %s lacks the field %s, which the engine writes", key, id)
			}
		}
	}
	return nil
}

// baseContract: what the engine reads and writes by name in rulebook base.
var baseContract = map[string][]string{
	"base.unit":         {"name", "parent", "head"},
	"base.person":       {"name", "account", "unit", "active"},
	"base.role_grant":   {"person", "role", "unit", "from", "until"},
	"base.absence":      {"person", "from", "until", "stand_in"},
	"base.adoption":     {"unit", "book", "version", "from", "until"},
	"base.param_value":  {"book", "param", "value", "from"},
	"base.calendar_day": {"day", "kind"},
	"base.clock":        {"name", "due"},
	"base.breach":       {"name", "due"},
	"base.sanction":     {"person", "offence", "fine", "measure"},
	"base.posting":      {"ledger", "kind", "amount", "quantity", "dims", "entry_no", "segment", "prefix", "first_no", "last_no"},
	"base.notice":       {"person", "text", "confirm_by"},
	"base.copy":         {"mark", "to"},
	"base.snapshot":     {"name", "content"},
	"base.attempt":      {"action", "clause"},
	"base.access":       {"person", "what", "label", "rows"},
	"base.waiver":       {"clause", "reason"},
	"base.signature":    {"approval", "seat", "person"},
	requestForm:         {"kind", "contact"},
	savedViewForm:       {"of_form", "name", "query", "for_unit", "default_since"},
	exportRequestForm:   {"of_form", "query", "of_class", "told", "rows", "purpose", "until", "signers"},
}
