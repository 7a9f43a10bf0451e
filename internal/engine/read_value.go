package engine

import (
	"slices"
	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// RefValue is a reference as values carry it.
type RefValue struct {
	ID    string `json:"id"`
	Label string `json:"label"`
	Form  string `json:"form,omitempty"`
}

// FileValue is an attachment as values carry it.
type FileValue struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Size int64  `json:"size"`
	Type string `json:"type"`
}

// out is a field of a record as it leaves the house; ok is false if the reader may not know of it.
func (w *work) out(r *Record, f *rulebook.Field) (any, bool) {
	see := w.visible(r, f)
	if see == hidden {
		return nil, false
	}
	if x, ok := w.keptText(r, f); ok && see == full {
		return x, true
	}
	v, err := r.Get(f.ID)
	if err != nil && f.Personal {
		return Masked{Masked: "***"}, true // tampered with; who keeps watch was told
	}
	if err != nil {
		return nil, true // a computed field that cannot be worked out reads as empty
	}
	return w.dress(v, f, see, r.row[f.ID]), true
}

// outLine is the same for a field of a line.
func (w *work) outLine(r *Record, l *Line, f *rulebook.Field) (any, bool) {
	see := w.visible(r, f)
	if see == hidden {
		return nil, false
	}
	v, err := l.Get(f.ID)
	if err != nil && f.Personal {
		return Masked{Masked: "***"}, true
	}
	if err != nil {
		return nil, true
	}
	return w.dress(v, f, see, l.row[f.ID]), true
}

func (w *work) dress(v expr.Value, f *rulebook.Field, see sight, raw any) any {
	if f.Type.Name == "file" || f.Type.Name == "files" {
		if see == masked {
			return Masked{Masked: "***"}
		}
		return w.files(raw)
	}
	if w.erased(f, v, raw) {
		return erasedValue
	}
	if v == nil {
		return nil
	}
	if see == masked {
		return Masked{Masked: mask(className(f), w.words(v, f.Type))}
	}
	if s, ok := v.(string); ok && f.Type.Name == "text" && !f.Personal && w.world.spoken[s] != "" {
		return Text{s, w.world.spoken[s]}
	}
	return w.apiOf(v, f.Type)
}

// apiOf is a value of a field's type in the form programs read; a percentage is its figure (15 for 15 %), as people write it.
func (w *work) apiOf(v expr.Value, t rulebook.FieldType) any {
	if _, ok := v.(expr.Decimal); ok && t.Name == "percent" {
		return rulebook.FormatLiteral(v, t)
	}
	return w.api(v, t.Expr)
}

// api is a value in the form programs read.
func (w *work) api(v expr.Value, t expr.Type) any {
	switch x := v.(type) {
	case nil:
		return nil
	case *Record:
		return w.refOut(x)
	case expr.Who:
		list := []any{}
		for _, id := range personIDs(x) {
			list = append(list, RefValue{id, w.name(id), "base.person"})
		}
		return list
	case expr.Set:
		all, err := x.All()
		if err != nil {
			return nil
		}
		list := []any{}
		for _, r := range all {
			list = append(list, w.api(r, expr.Type{}))
		}
		return list
	case []expr.Value:
		list := make([]any, 0, len(x))
		for _, y := range x {
			list = append(list, w.api(y, elem(t)))
		}
		return list
	case expr.Record:
		return RefValue{ID: x.ID(), Label: x.ID()}
	}
	j, err := expr.ToJSON(v, t)
	if err != nil {
		return nil
	}
	return j
}

// refOut names another record. One the reader may not see is named by nothing but its existence.
func (w *work) refOut(x *Record) any {
	if !w.maySee(x) {
		return Masked{Masked: "***"}
	}
	return RefValue{x.id, w.label(x), x.form.Key}
}

// files reads the ids of a file column and names what is behind them.
func (w *work) files(raw any) any {
	s := str(raw)
	if s == "" {
		return nil
	}
	ids := idList(s)
	if ids == nil {
		ids = []string{s}
	}
	list := []FileValue{}
	for _, id := range ids {
		if f, err := w.fileMeta(id); err == nil {
			list = append(list, f)
		}
	}
	return list
}

// prefetch loads what the rows' references name, one question a form, so that a page of rows does not
// ask for each name by itself.
func (w *work) prefetch(f *rulebook.Form, rows []*Record) error {
	want := map[string][]string{}
	for _, fd := range f.Fields {
		if live(fd) {
			continue
		}
		t := fd.Type.Expr
		key := t.Object
		if t.Kind == expr.KList && t.Elem != nil {
			key = t.Elem.Object
		}
		if key == "" || w.e.Lib.Form(key) == nil {
			continue
		}
		for _, r := range rows {
			s := str(r.row[fd.ID])
			if s == "" {
				continue
			}
			if t.Kind == expr.KList {
				want[key] = append(want[key], idList(s)...)
			} else {
				want[key] = append(want[key], s)
			}
		}
	}
	for _, key := range sortedKeys(want) {
		if ask := w.unread(w.e.Lib.Form(key), want[key]); len(ask) > 0 {
			w.tx.AheadSelect(ask[0])
		}
	}
	for _, key := range sortedKeys(want) {
		if _, err := w.many(w.e.Lib.Form(key), want[key]); err != nil {
			return err
		}
	}
	return nil
}

// many loads records by id with one question; those that are gone are left out.
func (w *work) many(f *rulebook.Form, ids []string) (map[string]*Record, error) {
	for _, q := range w.unread(f, ids) {
		rows, err := w.tx.Select(q)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			w.adopt(f, row)
		}
	}
	got := map[string]*Record{}
	for _, id := range ids {
		if r := w.recs[recKey(f.Key, id)]; r != nil {
			got[id] = r
		}
	}
	return got, nil
}

// unread asks for those of some records that were not loaded yet.
func (w *work) unread(f *rulebook.Form, ids []string) (list []query.Select) {
	var ask []query.Expr
	seen := map[string]bool{"": true}
	for _, id := range ids {
		if !seen[id] && w.recs[recKey(f.Key, id)] == nil {
			ask = append(ask, query.Const{Value: id})
		}
		seen[id] = true
	}
	for part := range slices.Chunk(ask, 500) {
		list = append(list, query.Select{Table: f.Table, Alias: "t", Where: query.Op{Name: "in", Args: append([]query.Expr{query.Col{Alias: "t", Name: "id"}}, part...)}})
	}
	return list
}

// fileTable names what is behind the blobs.
var fileTable = store.Table{Name: "file", Label: "附件", Primary: []string{"id"}, Columns: []store.Column{
	{Name: "id", Kind: store.Text, NotNull: true}, {Name: "blob", Kind: store.Text, NotNull: true}, {Name: "name", Kind: store.Text},
	{Name: "type", Kind: store.Text}, {Name: "size", Kind: store.Int}, {Name: "by", Kind: store.Text}, {Name: "at", Kind: store.Text}}}

func (w *work) fileRow(id string) (store.Row, error) {
	rows, err := w.tx.Select(query.Select{Table: "file", Alias: "f", Where: query.Eq("f", "id", id), Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fault.Missing("file", id)
	}
	return rows[0], nil
}

func (w *work) fileMeta(id string) (FileValue, error) {
	row, err := w.fileRow(id)
	if err != nil {
		return FileValue{}, err
	}
	n, _ := row["size"].(int64)
	return FileValue{str(row["id"]), str(row["name"]), n, str(row["type"])}, nil
}
