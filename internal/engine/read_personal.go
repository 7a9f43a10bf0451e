package engine

import (
	"context"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// PersonalCopy is everything that is held about one person, as he may ask for it.
type PersonalCopy struct {
	Request  string        `json:"request"` // number of the request it answers
	At       string        `json:"at"`
	By       *Holder       `json:"by"`
	Held     []Held        `json:"held"`
	Mentions []Mention     `json:"mentions"` // records that refer to the person's
	Same     []Mention     `json:"same"`     // records elsewhere with the same telephone, mail address or ID number
	Read     []ReadingNote `json:"read"`     // who looked at it, when and what for
}

// Held is one record about the person, or one row of one.
type Held struct {
	Form    string       `json:"form"`
	Record  string       `json:"record"`
	Label   Text         `json:"label"`
	Title   string       `json:"title"`
	Fields  []HeldField  `json:"fields"`
	History []ChangeNote `json:"history"` // earlier values
	of      *Record
	row     *Line // nil if it is the record itself
}

// HeldField is one field with its value in plain, in words.
type HeldField struct {
	Field string `json:"field"`
	Label Text   `json:"label"`
	Value any    `json:"value"`
}

// Mention is a record beside the person's own.
type Mention struct {
	Form   string `json:"form"`
	Record string `json:"record"`
	Label  Text   `json:"label"`
	Number string `json:"number"`
	At     string `json:"at"`
}

// ReadingNote is one reading of the person's data.
type ReadingNote struct {
	At      string `json:"at"`
	By      string `json:"by"`
	Action  Text   `json:"action"`
	Purpose string `json:"purpose,omitempty"`
}

const (
	requestForm  = "base.personal_request"
	copyMentions = 200
)

// PersonalCopy answers an approved request for access: everything about the person it names, in plain, and leaves a trace
// before it does. Only who may deliver the answer gets it.
func (e *Engine) PersonalCopy(ctx context.Context, now time.Time, actor Actor, request string) (*PersonalCopy, error) {
	now = now.UTC().Truncate(time.Millisecond)
	var out *PersonalCopy
	err := e.DB.Write(ctx, func(tx *store.Tx) error {
		w, err := e.begin(ctx, tx, now, actor)
		if err != nil {
			return err
		}
		r, err := w.recordSeen(requestForm, request)
		if err != nil {
			return err
		}
		deliver := r.form.Action("deliver")
		ok, clause, err := w.allowed(r, deliver, w.view(r))
		if err != nil {
			return err
		}
		if !ok {
			return w.refuse("who", r, deliver, []Reason{{Clause: clause, Say: label("答复个人信息请求不归你办", "Answering such a request is not yours to do")}})
		}
		if str(r.row["kind"]) != "copy" || r.State() != "approved" {
			return w.refuse("state", r, deliver, []Reason{{Say: label("要先有人同意这份查阅、复制请求", "The request for access must have been approved")}})
		}
		subjects, err := w.subjectsOf(r)
		if err != nil {
			return err
		}
		if len(subjects) == 0 {
			return fault.New(fault.NotFound, "没有查到这个人的信息", "Nothing is held about this person")
		}
		out = &PersonalCopy{Request: r.Number(), At: instant(now), Held: subjects, Mentions: []Mention{}, Same: []Mention{}, Read: []ReadingNote{}}
		if w.me != nil {
			h := w.holder(w.me.id)
			out.By = &h
		}
		for i := range subjects {
			if err := w.gather(out, &subjects[i]); err != nil {
				return err
			}
		}
		return w.logRead(r, requestForm, "personal_copy", map[string]any{"records": len(subjects)})
	})
	if no, ok := AsRefusal(err); ok {
		e.logRefusal(ctx, now, Act{Form: requestForm, Record: request, Action: "personal_copy", Actor: actor}, no)
	}
	return out, err
}

// mayCopy tells whether PersonalCopy would answer the reader.
func (w *work) mayCopy(r *Record) bool {
	if r.form.Key != requestForm || str(r.row["kind"]) != "copy" || r.State() != "approved" {
		return false
	}
	ok, _, err := w.allowed(r, r.form.Action("deliver"), w.view(r))
	return ok && err == nil
}

// subjectsOf are the records a request names, or of those with rows about people the rows that bear the name it gives.
func (w *work) subjectsOf(r *Record) ([]Held, error) {
	name, err := r.Get("contact")
	if err != nil {
		return nil, err
	}
	var list []Held
	for _, f := range r.form.Fields {
		if f.Type.Expr.Kind != expr.KObject || live(f) {
			continue
		}
		of, err := w.ref(f.Type.Expr.Object, str(r.row[f.ID]))
		if err != nil {
			return nil, err
		}
		if of == nil {
			continue
		}
		l := textOr(of.form.Label, of.form.ID)
		if name == nil {
			list = append(list, Held{Form: of.form.Key, Record: of.id, Label: l, Title: w.headline(of), of: of})
			continue
		}
		for _, line := range of.form.Lines {
			if !hasPersonal(line.Fields) {
				continue
			}
			rows, err := of.Lines(line.ID)
			if err != nil {
				return nil, err
			}
			for _, x := range rows {
				if w.bears(x, str(name)) {
					t := textOr(line.Label, line.ID)
					list = append(list, Held{Form: of.form.Key, Record: of.id, Label: Text{l.ZH + "，" + t.ZH, l.EN + ", " + t.EN}, Title: w.headline(of), of: of, row: x})
				}
			}
		}
	}
	return list, nil
}

// bears tells whether a personal text of a row is this name.
func (w *work) bears(x *Line, name string) bool {
	for _, f := range x.line.Fields {
		if f.Personal && f.Type.Name == "text" {
			if v, err := x.Get(f.ID); err == nil && v != nil && normal(str(v)) == normal(name) {
				return true
			}
		}
	}
	return false
}

// gather fills in what is held in one place, and what leads there.
func (w *work) gather(out *PersonalCopy, h *Held) error {
	h.Fields, h.History = []HeldField{}, []ChangeNote{}
	fields := h.of.form.Fields
	get, self := h.of.Get, h.of.id
	if h.row != nil {
		fields, get, self = h.row.line.Fields, h.row.Get, h.row.id
	}
	for _, f := range fields {
		if f.Type.Name == "secret" {
			continue
		}
		v, err := get(f.ID)
		if err != nil || v == nil {
			continue
		}
		h.Fields = append(h.Fields, HeldField{f.ID, textOr(f.Label, f.ID), w.words(v, f.Type)})
		switch f.Type.Name {
		case "phone", "email", "idno":
			if err := w.sameElsewhere(out, f.Type.Name, w.e.markOf(f.Type.Name, v), self); err != nil {
				return err
			}
		}
	}
	if h.row != nil {
		return w.readings(out, h.of)
	}
	entries, err := w.entriesOf(h.of, 500)
	if err != nil {
		return err
	}
	for _, en := range entries {
		for _, c := range en.Changed {
			f := h.of.form.Field(c.Field)
			if c.Record != h.of.id || f == nil || c.Old == "" || f.Class != nil && !f.Personal {
				continue
			}
			x := ChangeNote{ChangeWords: ChangeWords{Field: f.ID, Label: textOr(f.Label, f.ID)}, By: first(en.ActorName, w.name(en.Actor)), At: instant(en.At)}
			if f.Personal {
				x.Old, x.New = w.sealedWords(h.of, f, full, c.Old), w.sealedWords(h.of, f, full, c.New)
			} else {
				x.Old, x.New = w.columnWords(c.Old, f), w.columnWords(c.New, f)
			}
			h.History = append(h.History, x)
		}
	}
	if err := w.mentions(out, h.of); err != nil {
		return err
	}
	return w.readings(out, h.of)
}

// mentions are the records of people's work that refer to the person's record.
func (w *work) mentions(out *PersonalCopy, of *Record) error {
	for _, b := range w.e.Lib.Books {
		for _, g := range b.Forms {
			for _, f := range g.Fields {
				if f.Type.Expr.Kind != expr.KObject || f.Type.Expr.Object != of.form.Key || live(f) || g.Kept == "engine" {
					continue
				}
				if err := w.mention(&out.Mentions, g, query.Eq("t", f.ID, of.id)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (w *work) mention(list *[]Mention, g *rulebook.Form, where query.Expr) error {
	rows, err := w.tx.Select(query.Select{Table: g.Table, Alias: "t", Where: where, Limit: copyMentions,
		Order: []query.Order{{Expr: query.Col{Alias: "t", Name: "at"}, Desc: true}, {Expr: query.Col{Alias: "t", Name: "id"}}}})
	for _, row := range rows {
		*list = append(*list, Mention{g.Key, str(row["id"]), textOr(g.Label, g.ID), str(row["number"]), str(row["at"])})
	}
	return err
}

// sameElsewhere finds other records and rows with a value of the same mark.
func (w *work) sameElsewhere(out *PersonalCopy, domain string, mark any, self string) error {
	var err error
	eachPersonal(w.e.Lib, func(g *rulebook.Form, l *rulebook.Line, f *rulebook.Field) {
		if err != nil || f.Type.Name != domain || mark == nil {
			return
		}
		other := query.Op{Name: "<>", Args: []query.Expr{query.Col{Alias: "t", Name: "id"}, query.Const{Value: self}}}
		if l == nil {
			err = w.mention(&out.Same, g, query.And(query.Eq("t", f.Mark(), mark), other))
			return
		}
		var rows []store.Row
		rows, err = w.tx.Select(query.Select{Table: l.Table, Alias: "t", Where: query.And(query.Eq("t", f.Mark(), mark), other), Limit: copyMentions})
		for _, row := range rows {
			if err == nil {
				err = w.mention(&out.Same, g, query.Eq("t", "id", str(row["record"])))
			}
		}
	})
	return err
}

// readings are the entries of those who looked.
func (w *work) readings(out *PersonalCopy, of *Record) error {
	entries, err := w.entriesOf(of, 500)
	if err != nil {
		return err
	}
	for _, en := range entries {
		switch en.Action {
		case "reveal", "view", "print", "export":
			out.Read = append(out.Read, ReadingNote{instant(en.At), first(en.ActorName, w.name(en.Actor)), w.entryLabel(en), str(en.Asked["purpose"])})
		}
	}
	return nil
}
