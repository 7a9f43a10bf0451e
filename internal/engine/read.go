package engine

import (
	"context"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// Text is a label as answers carry it.
type Text struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

func text(l rulebook.Label) Text {
	if l.EN == "" {
		return Text{l.ZH, l.ZH}
	}
	return Text{l.ZH, l.EN}
}

func textOr(l rulebook.Label, id string) Text {
	if l.ZH == "" {
		return Text{id, id}
	}
	return text(l)
}

// Ref names a record of some form: what it is called, and where it is.
type Ref struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Label string `json:"label,omitempty"`
	Form  string `json:"form,omitempty"`
}

// Holder is a person who holds something, with his unit.
type Holder struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Unit string `json:"unit,omitempty"`
	Post string `json:"post,omitempty"`
}

// read runs fn on a consistent look at the database, with this reader's eyes. Nothing can change in it.
func (e *Engine) read(ctx context.Context, now time.Time, actor Actor, fn func(w *work) error) error {
	now = now.UTC().Truncate(time.Millisecond)
	return e.DB.Read(ctx, func(tx *store.Tx) error {
		w, err := e.begin(ctx, tx, now, actor)
		if err != nil {
			return err
		}
		w.reading = true
		return fn(w)
	})
}

// formSeen finds a form that the reader may know of.
func (w *work) formSeen(key string) (*rulebook.Form, error) {
	f := w.e.Lib.Form(key)
	if f == nil || w.scopeOf(f).none {
		return nil, unknownForm(key)
	}
	return f, nil
}

// seen loads a record the reader may see; one he may not see does not exist for him.
func (w *work) seen(f *rulebook.Form, id string) (*Record, error) {
	r, err := w.get(f, id)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return nil, err // a database that is away has not lost the record
	}
	if err != nil {
		return nil, missing(f, id)
	}
	if !w.maySee(r) {
		return nil, missing(f, id)
	}
	return r, nil
}

// recordSeen finds a record of any form by its keys.
func (w *work) recordSeen(form, id string) (*Record, error) {
	f, err := w.formSeen(form)
	if err != nil {
		return nil, err
	}
	return w.seen(f, id)
}

func (w *work) holder(id string) Holder {
	p := w.world.people[id]
	if p == nil {
		return Holder{ID: id, Name: id}
	}
	h := Holder{ID: id, Name: p.name, Post: p.post}
	if u := w.world.units[p.unit]; u != nil {
		h.Unit = u.name
	}
	return h
}

func (w *work) holderList(ids []string) []Holder {
	list := make([]Holder, 0, len(ids))
	for _, id := range ids {
		list = append(list, w.holder(id))
	}
	return list
}

func (w *work) unitRef(id string) *Ref {
	if id == "" {
		return nil
	}
	r := &Ref{ID: id, Name: id}
	if u := w.world.units[id]; u != nil {
		r.Name = u.name
	}
	return r
}

func (w *work) personRef(id string) *Ref {
	if id == "" {
		return nil
	}
	return &Ref{ID: id, Name: w.name(id)}
}

// stateText is the label of a state of a form.
func stateText(f *rulebook.Form, state string) Text {
	if s := f.State(state); s != nil {
		return textOr(s.Label, s.ID)
	}
	if state == "void" {
		return Text{"已作废", "Void"}
	}
	return Text{state, state}
}
