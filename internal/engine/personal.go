package engine

import (
	"errors"
	"slices"
	"strings"

	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/keep"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// Personal fields stand in rows, in was and in the journal as sealed texts, from the moment they are given until somebody
// reads them; only values (Get) are plain. So whatever copies a column copies what nobody can read, and a field that is not
// shown costs nothing. Beside each stands its mark, equal for equal values; a sealed text without a mark was erased.

// subjectTable says whose key seals what. The keys themselves are in the keystore.
var subjectTable = store.Table{Name: "subject_key", Apart: true, Label: "个人信息的密钥归属", Primary: []string{"key"}, Columns: []store.Column{
	{Name: "key", Kind: store.Text, NotNull: true}, {Name: "subject", Kind: store.Text, NotNull: true}, {Name: "at", Kind: store.Text},
	{Name: "erased", Kind: store.Text}, {Name: "gone", Kind: store.Text}},
	Indexes: []store.Index{{Name: "subject_key_subject", Columns: []string{"subject"}},
		{Name: "subject_key_pending", Columns: []string{"erased"}, Where: `"erased" IS NOT NULL AND "gone" IS NULL`}}}

// personalNames are the ids of all personal fields, to recognise a path quickly.
func personalNames(lib *rulebook.Library) map[string]bool {
	names := map[string]bool{}
	eachPersonal(lib, func(_ *rulebook.Form, _ *rulebook.Line, f *rulebook.Field) { names[f.ID] = true })
	return names
}

// closedNames are the ids of all classified fields.
func closedNames(lib *rulebook.Library) map[string]bool {
	ids := map[string]bool{}
	note := func(list []*rulebook.Field) {
		for _, f := range list {
			if f.Class != nil {
				ids[f.ID] = true
			}
		}
	}
	for _, b := range lib.Books {
		for _, f := range b.Forms {
			note(f.Fields)
			for _, l := range f.Lines {
				note(l.Fields)
			}
		}
	}
	return ids
}

func eachPersonal(lib *rulebook.Library, fn func(*rulebook.Form, *rulebook.Line, *rulebook.Field)) {
	for _, b := range lib.Books {
		for _, f := range b.Forms {
			for _, fd := range f.Fields {
				if fd.Personal && !live(fd) {
					fn(f, nil, fd)
				}
			}
			for _, l := range f.Lines {
				for _, fd := range l.Fields {
					if fd.Personal {
						fn(f, l, fd)
					}
				}
			}
		}
	}
}

// markOf is what the mark column of a domain holds for a value.
func (e *Engine) markOf(domain string, v expr.Value) any {
	if v == nil {
		return nil
	}
	s := expr.Format(v, expr.Of(expr.KAny))
	return nilIfEmpty(e.keep.Mark(domain, first(normal(s), s)))
}

// subjectKey is the key of a subject; his first value brings it about.
func (w *work) subjectKey(subject string, fresh bool) (string, error) {
	if key := w.keys[subject]; key != "" {
		return key, nil
	}
	if w.reading { // what is only tried out is sealed for nobody
		return w.e.scratchKey(w.ctx, w.now)
	}
	if w.keys == nil {
		w.keys = map[string]string{}
	}
	if !fresh {
		rows, err := w.tx.Select(query.Select{Table: "subject_key", Alias: "k", Limit: 1, Where: query.And(query.Eq("k", "subject", subject),
			query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "k", Name: "erased"}}})})
		if err != nil {
			return "", err
		}
		if len(rows) > 0 {
			w.keys[subject] = str(rows[0]["key"])
			return w.keys[subject], nil
		}
	}
	key, err := w.e.keep.NewKey(w.ctx, w.now)
	if err != nil {
		return "", err
	}
	w.keys[subject] = key
	return key, w.tx.Insert("subject_key", store.Row{"key": key, "subject": subject, "at": instant(w.now)})
}

// seal turns a column of a personal field into what is kept of it, and its mark.
func (w *work) seal(f *rulebook.Field, p keep.Place, subject string, fresh bool, v expr.Value, raw any) (sealed, mark any, err error) {
	s, ok := raw.(string)
	if !ok {
		return nil, nil, nil
	}
	key, err := w.subjectKey(subject, fresh)
	if err != nil {
		return nil, nil, err
	}
	text, err := w.e.keep.Seal(w.ctx, key, p, s)
	return text, w.e.markOf(f.Type.Name, v), err
}

// unseal is what a personal column said when it was sealed; nil if it was erased, which to rules is the same as unset.
func (w *work) unseal(f *rulebook.Field, p keep.Place, raw any) (any, error) {
	if raw == nil || !f.Personal {
		return raw, nil
	}
	s, err := w.e.keep.Open(w.ctx, str(raw), p)
	switch {
	case errors.Is(err, keep.ErrErased):
		return nil, nil
	case errors.Is(err, keep.ErrForged):
		return nil, w.forged(f, p)
	case err != nil:
		return nil, err
	}
	return s, nil
}

// forged is the answer to a value that was altered or put where it does not belong: no value, and somebody is told.
func (w *work) forged(f *rulebook.Field, p keep.Place) error {
	if w.e.opts.Alarm != nil {
		w.e.opts.Alarm("a sealed value does not belong where it stands", p.Table+"."+p.Column+" "+p.Record)
	}
	return fault.New(fault.Internal, "“"+f.Label.ZH+"”的密文被动过，打不开，请报告管理员", f.Label.EN+" was tampered with and cannot be read; tell the administrator")
}

// unsealRow is unseal for a column as it stands in its row, held to its mark.
func (w *work) unsealRow(f *rulebook.Field, p keep.Place, row store.Row) (any, error) {
	raw := row[f.ID]
	if raw == nil || !f.Personal {
		return raw, nil
	}
	mark, _ := row[f.Mark()].(string)
	if mark == "" {
		return nil, nil // erased
	}
	plain, err := w.unseal(f, p, raw)
	if err != nil || plain == nil {
		return nil, err
	}
	v, err := w.decode(plain, f.Type)
	if err != nil {
		return nil, err
	}
	if want, _ := w.e.markOf(f.Type.Name, v).(string); !keep.SameMark(mark, want) {
		return nil, w.forged(f, p)
	}
	return plain, nil
}

func (r *Record) place(f *rulebook.Field) keep.Place {
	return keep.Place{Table: r.form.Table, Column: f.Column, Record: r.id}
}

func (l *Line) place(f *rulebook.Field) keep.Place {
	return keep.Place{Table: l.line.Table, Column: f.Column, Record: l.id}
}

// plain is a column of the record as expressions read it.
func (r *Record) plain(f *rulebook.Field) (any, error) { return r.w.unsealRow(f, r.place(f), r.row) }

func (l *Line) plain(f *rulebook.Field) (any, error) { return l.rec.w.unsealRow(f, l.place(f), l.row) }

// subject is whom the record's personal fields are about: the record a field names, or the record itself.
func (r *Record) subject() string {
	if r.form.Subject != nil {
		if id := str(r.row[r.form.Subject.ID]); id != "" {
			return id
		}
	}
	return r.id
}

// moveSubject seals the record's personal fields anew when somebody else becomes their subject.
func (r *Record) moveSubject() error {
	for _, f := range r.form.Fields {
		if !f.Personal || live(f) || r.row[f.ID] == nil {
			continue
		}
		raw, err := r.plain(f)
		if err != nil {
			return err
		}
		v, err := r.w.decode(raw, f.Type)
		if err != nil || v == nil {
			return err
		}
		if err := r.putPersonal(f, v, raw); err != nil {
			return err
		}
	}
	return nil
}

func (r *Record) putPersonal(f *rulebook.Field, v expr.Value, raw any) error {
	sealed, mark, err := r.w.seal(f, r.place(f), r.subject(), r.fresh && r.subject() == r.id, v, raw)
	if err != nil {
		return err
	}
	r.column(f.ID, sealed)
	r.column(f.Mark(), mark)
	return nil
}

// put gives a field of the line a value. Putting what is there changes nothing.
func (l *Line) put(f *rulebook.Field, v expr.Value) error {
	raw, err := encode(v, f.Type)
	if err != nil || !f.Personal {
		if err == nil {
			l.row[f.ID] = raw
		}
		return err
	}
	if old, err := l.plain(f); err != nil || equalColumn(old, raw) && (raw != nil || l.row[f.ID] == nil) {
		return err
	}
	fresh := !slices.ContainsFunc(l.line.Fields, func(x *rulebook.Field) bool { return x.Personal && l.row[x.ID] != nil })
	l.row[f.ID], l.row[f.Mark()], err = l.rec.w.seal(f, l.place(f), l.id, fresh, v, raw)
	return err
}

// erased tells whether a column holds something nobody can read any more.
func (w *work) erased(f *rulebook.Field, v expr.Value, raw any) bool {
	return f.Personal && v == nil && raw != nil
}

// closedPath tells whether a path as rules write it may have read a field of these ids that is classified.
func (w *work) closedPath(ids map[string]bool, r *Record, path string) bool {
	if !ids[path[strings.LastIndexByte(path, '.')+1:]] {
		return false
	}
	root, _, _ := strings.Cut(path, ".")
	if r == nil || root != "this" && root != "old" {
		return true
	}
	return w.classifiedPath(r.form, path)
}

// hush keeps personal values out of the facts that decided, and all classified ones out of what the journal keeps of them for ever.
func (w *work) hush(r *Record) func(string, expr.Value) {
	return func(path string, v expr.Value) {
		if v != nil && w.closedPath(w.e.closed, r, path) {
			if w.closed == nil {
				w.closed = map[string]bool{}
			}
			w.closed[path] = true
		}
		if v != nil && w.closedPath(w.e.personal, r, path) {
			if len(w.reads) <= 60 {
				w.reads[path] = "***"
			}
			return
		}
		w.noteRead(path, v)
	}
}

// errSealed tells somebody who may ask about a field what can be asked of it.
func errSealed(f *rulebook.Field) error {
	return fault.At("filter", "“"+f.Label.ZH+"”是加密保存的，只能按相等查找", f.Label.EN+" is kept encrypted and can only be looked up as a whole")
}
