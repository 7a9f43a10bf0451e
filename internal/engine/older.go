package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// A record runs under the text it began under: its form, stages, limits, approvals, guards,
// effects and offences are that text's. Who may see what, the gates, duties, reports, quotas and rankings are always the present text's, and
// a text whose header says applies: current takes over the records that run. What is filed as the paper of a record keeps its text.

// Older is an earlier text of a regulation: the text that holds for records which began under it ("" = the present one), and that
// text's library, compiled when it is first needed; nil if it cannot be.
type Older struct {
	Under   string
	Library func() *rulebook.Library
}

// Earlier is a text that was in force before the present one.
type Earlier struct {
	Book, Digest string
	Under        string // the text that holds for its records now; "" = the present one
	Open         bool   // some of its records have not come to an end
}

// under is a form as the text with a digest has it, which a record began under.
func (e *Engine) under(form *rulebook.Form, digest string) *rulebook.Form {
	if digest == "" || form.Book.Digest == digest {
		return form
	}
	o, ok := e.opts.Older[digest]
	if !ok || o.Under == "" {
		return form
	}
	if o.Under != digest {
		return e.under(form, o.Under)
	}
	lib := o.Library()
	if lib == nil {
		return form
	}
	if f := lib.Form(form.Key); f != nil && f.Book.ID == form.Book.ID {
		return f
	}
	return form
}

// present tells whether a book is as the library in force has it.
func (e *Engine) present(b *rulebook.Book) bool { return e.Lib.Book(b.ID) == b }

// booksFor are the books that speak to a record: those in force, its own in the text that it runs under.
func (w *work) booksFor(r *Record) []*rulebook.Book {
	if w.e.present(r.form.Book) {
		return w.e.Lib.Books
	}
	list := slices.Clone(w.e.Lib.Books)
	for i, b := range list {
		if b.ID == r.form.Book.ID {
			list[i] = r.form.Book
		}
	}
	return list
}

// otherField is a field that a record's own text does not have, but another text of its form: what one text says of a record that
// runs under another still finds it.
func (e *Engine) otherField(form *rulebook.Form, id string) *rulebook.Field {
	for _, f := range e.otherForms(form) {
		if fd := f.Field(id); fd != nil {
			return fd
		}
	}
	return nil
}

func (e *Engine) otherLine(form *rulebook.Form, id string) *rulebook.Line {
	for _, f := range e.otherForms(form) {
		if l := f.Line(id); l != nil {
			return l
		}
	}
	return nil
}

// otherForms are the other texts of a form, the present one first.
func (e *Engine) otherForms(form *rulebook.Form) []*rulebook.Form {
	var list []*rulebook.Form
	add := func(f *rulebook.Form) {
		if f != nil && f != form && !slices.Contains(list, f) {
			list = append(list, f)
		}
	}
	add(e.Lib.Form(form.Key))
	for _, digest := range sortedKeys(e.opts.Older) {
		add(e.under(form, digest))
	}
	return list
}

// watchers are the forms that read a form, in any text that records run under.
func (e *Engine) watchers(key string) []rulebook.Watch {
	list := e.Lib.Watchers[key]
	for _, digest := range sortedKeys(e.opts.Older) {
		if o := e.opts.Older[digest]; o.Under == digest {
			if lib := o.Library(); lib != nil {
				for _, x := range lib.Watchers[key] {
					if !slices.Contains(list, x) && e.Lib.Form(x.Of) != nil {
						list = append(slices.Clip(list), x)
					}
				}
			}
		}
	}
	return list
}

// paperOf is the record of the same book to which a record with these values is filed as a paper, if it names one: then it begins
// under that record's text.
func (w *work) paperOf(form *rulebook.Form, values map[string]any) (*Record, error) {
	for _, f := range form.Fields {
		id, _ := values[f.ID].(string)
		if x, ok := values[f.ID].(map[string]any); ok {
			id = str(x["id"])
		}
		if id == "" || !follows(form, f) {
			continue
		}
		r, err := w.ref(f.Type.Form, id)
		if err != nil || !w.maySee(r) {
			return nil, nil // who fills in the field is told of it
		}
		return r, nil
	}
	return nil, nil
}

// Earlier are the texts that have been in force before those of this library.
func (e *Engine) Earlier(ctx context.Context, now time.Time) ([]Earlier, error) {
	var list []Earlier
	err := e.read(ctx, now, Actor{System: true}, func(w *work) error {
		list = nil
		for _, b := range e.Lib.Books {
			rows, err := w.texts(b.ID)
			if err != nil {
				return err
			}
			found := false // the present one: what came after it is not known to this library
			var was []Earlier
			takes := "" // the text that has taken over the records of those before it
			taken := false
			for _, row := range rows {
				digest := str(row["digest"])
				running, _ := row["running"].(bool)
				switch {
				case str(row["state"]) != "in_force" || !found && digest != b.Digest:
				case !found:
					found, taken = true, running
				case digest != b.Digest && !slices.ContainsFunc(was, func(x Earlier) bool { return x.Digest == digest }):
					x := Earlier{Book: b.ID, Digest: digest, Under: digest}
					if taken {
						x.Under = takes
					} else if running {
						taken, takes = true, digest
					}
					if x.Open, err = w.openUnder(b, digest); err != nil {
						return err
					}
					was = append(was, x)
				}
			}
			for _, x := range was {
				if i := slices.IndexFunc(was, func(y Earlier) bool { return y.Digest == x.Under }); i >= 0 && x.Open {
					was[i].Open = true
				}
			}
			list = append(list, was...)
		}
		return nil
	})
	return list, err
}

// openUnder tells whether a record that began under a text has not come to an end.
func (w *work) openUnder(b *rulebook.Book, digest string) (bool, error) {
	for _, f := range b.Forms {
		where := query.Eq("t", "pinned", digest)
		for _, st := range f.States {
			if st.Final {
				where = query.And(where, compared("<>", "state", st.ID))
			}
		}
		has, err := w.tx.Scalar(query.Sub{Agg: "exists", Table: f.Table, Alias: "t", Where: where})
		if err != nil {
			return false, fmt.Errorf("records under an earlier text of %s: %w", b.ID, err)
		}
		if yes, _ := has.(bool); yes {
			return true, nil
		}
	}
	return false, nil
}

// lent are the values that an earlier text does not know, but what is always said by the present one asks for.
func (wd *world) lent(w *work, b *rulebook.Book, unit string, at time.Time, v *rulebook.View) {
	now := wd.e.Lib.Book(b.ID)
	if now == nil || now == b {
		return
	}
	present := wd.view(w, now, unit, at)
	for _, p := range now.Parameters {
		if b.Parameter(p.ID) == nil {
			v.Values[p.ID], v.Rows[p.ID] = present.Values[p.ID], present.Rows[p.ID]
		}
	}
}

// formUnder is a form as the text of a record has it, which is of this form or which records of it are filed to; as the present text
// has it if the record is neither.
func (w *work) formUnder(f *rulebook.Form, id string) *rulebook.Form {
	if r, err := w.seen(f, id); err == nil {
		return r.form
	}
	for _, fd := range f.Fields {
		if g := w.e.Lib.Form(fd.Type.Form); g != nil && follows(f, fd) {
			if r, err := w.seen(g, id); err == nil {
				return w.e.under(f, str(r.row["pinned"]))
			}
		}
	}
	return f
}
