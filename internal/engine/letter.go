package engine

import (
	"context"
	"strings"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// A letter is a message to somebody outside (send: of a notify). It is written in the transaction of the act that sends it; its words are
// kept under the key of whom it goes to, so that an erasure of him takes them, and his address is looked up when it leaves and not before. Where
// he has none, or no mail gets through, it lies on a desk to be printed and posted.

const (
	letterForm = "base.letter"
	letterSent = "mark_sent" // the mail left
	letterLost = "mark_failed"
	letterDrop = "drop_it"
	letterPost = "post_it" // somebody posted it
)

// Of a letter's outcome: what the deliverer says.
const (
	LetterMailed  = letterSent
	LetterFailed  = letterLost // it cannot be mailed: it is to be posted
	LetterDropped = letterDrop // it is not to go any more
)

// addressee is a record or row outside, with the record that holds it.
type addressee struct {
	rec    *Record
	line   *Line
	fields []*rulebook.Field
}

func addresseeOf(v expr.Value) *addressee {
	switch x := v.(type) {
	case *Record:
		if x != nil {
			return &addressee{rec: x, fields: x.form.Fields}
		}
	case *Line:
		if x != nil {
			return &addressee{x.rec, x, x.line.Fields}
		}
	}
	return nil
}

func (a *addressee) id() string {
	if a.line != nil {
		return a.line.id
	}
	return a.rec.id
}

// object names what he is: a form, or a table of one.
func (a *addressee) object() string {
	if a.line != nil {
		return a.line.line.Key
	}
	return a.rec.form.Key
}

func (a *addressee) get(id string) (expr.Value, any, error) {
	if a.line != nil {
		v, err := a.line.Get(id)
		return v, a.line.row[id], err
	}
	v, err := a.rec.Get(id)
	return v, a.rec.row[id], err
}

// email is his address; "" if none is known.
func (a *addressee) email() (string, error) {
	for _, f := range a.fields {
		if f.Type.Name == "email" {
			v, _, err := a.get(f.ID)
			return str(v), err
		}
	}
	return "", nil
}

// gone tells whether he was erased, or is on a record that is no more.
func (a *addressee) gone(w *work) (bool, error) {
	for _, f := range a.fields {
		v, raw, err := a.get(f.ID)
		if err != nil {
			return false, err
		}
		if w.erased(f, v, raw) {
			return true, nil
		}
	}
	return a.rec.State() == "void", nil
}

// name is what a person on a row is called; a record is named by its title.
func (a *addressee) name() (string, error) {
	if a.line == nil {
		return "", nil
	}
	for _, f := range a.fields {
		if f.Type.Name == "text" {
			v, _, err := a.get(f.ID)
			return str(v), err
		}
	}
	return "", nil
}

// firstReached is the first of those an effect names who has an address, else the first of them at all; nil if all were erased or none is named.
func (w *work) firstReached(list []expr.Value) (to *addressee, email string, err error) {
	for _, v := range list {
		a := addresseeOf(v)
		if a == nil {
			continue
		}
		gone, err := a.gone(w)
		if err != nil {
			return nil, "", err
		}
		if gone {
			continue
		}
		email, err := a.email()
		if err != nil {
			return nil, "", err
		}
		if email != "" {
			return a, email, nil
		}
		if to == nil {
			to = a
		}
	}
	return to, "", nil
}

// effectSend writes a letter. desk are those who post it where it cannot go by mail.
func (w *work) effectSend(x *rulebook.Effect, r *Record, view *rulebook.View, s *expr.Scope, desk []string) error {
	form := w.e.Lib.Form(letterForm)
	if form == nil {
		return nil
	}
	v, err := x.Send.To.Eval(s)
	if err != nil {
		return err
	}
	list, err := listOf(v)
	if err != nil {
		return err
	}
	to, email, err := w.firstReached(list)
	if err != nil {
		return err
	}
	about, err := w.concerns(form, r, to)
	if err != nil {
		return err
	}
	if to == nil && len(list) == 0 && about != nil { // nobody is named: it goes to the house
		to = &addressee{rec: about, fields: about.form.Fields}
	}
	if to == nil {
		return nil
	}
	if once, err := w.tx.Count(form.Table, query.And(query.Eq("t", "of_id", r.id), query.Eq("t", "step", x.Send.Step), query.Eq("t", "receiver", to.id()))); err != nil || once > 0 {
		return err
	}
	text, err := w.letterText(x, view, s)
	if err != nil {
		return err
	}
	name, err := to.name()
	if err != nil {
		return err
	}
	if len(desk) == 0 {
		desk = w.world.holders("admin", "", w.now)
	}
	given := map[string]expr.Value{"receiver": to.id(), "receiver_of": to.object(), "about": x.Send.Subject.ZH, "about_en": orUnset(x.Send.Subject.EN), "step": x.Send.Step,
		"version": first(r.form.Book.Digest, r.form.Book.Version), "link": orUnset(x.Send.Link), "gone": orUnset(x.Send.Gone), "clause": orUnset(x.Clause), "to_org": orUnset(w.title(to.rec)),
		"to_place": orUnset(w.postalOf(to.rec)), "desk": people{w: w, ids: desk}, "via": either(email == "", "post", "mail")}
	if about != nil {
		given["customer"] = about
	}
	l, err := w.engineRecord(letterForm, r, given)
	if err != nil {
		return err
	}
	for id, v := range map[string]string{"to_name": name, "text": text} { // under the key of whom it goes to, who is named by now
		if _, err := l.set(form.Field(id), orUnset(v)); err != nil {
			return err
		}
	}
	w.effect(Effect{Kind: "create", Form: letterForm, Record: l.id, Clause: x.Clause})
	w.events = append(w.events, Event{Form: form.Key, Record: l.id, Action: "create", By: w.actor.Person, Unit: l.unitID()})
	if email == "" {
		l.enter("to_post", w.now)
		return nil
	}
	if w.e.opts.Quiet {
		return nil
	}
	return w.tx.Insert("outbox", store.Row{"id": l.id, "kind": "letter", "target": l.id, "body": "{}", "at": instant(w.now), "next_at": instant(w.now), "tried": int64(0)})
}

// concerns is the record that a letter is kept with besides the one that sent it: that which holds whom it goes to, or to which that or the
// sender refers.
func (w *work) concerns(form *rulebook.Form, r *Record, to *addressee) (*Record, error) {
	fd := form.Field("customer")
	if fd == nil {
		return nil, nil
	}
	from := []*Record{r}
	if to != nil {
		from = []*Record{to.rec, r}
	}
	for _, x := range from {
		if x.form.Key == fd.Type.Expr.Object {
			return x, nil
		}
	}
	for _, x := range from {
		for _, f := range x.form.Fields {
			if f.Type.Expr.Kind == expr.KObject && f.Type.Expr.Object == fd.Type.Expr.Object && !live(f) && f.Class == nil && x.row[f.ID] != nil {
				return w.ref(f.Type.Expr.Object, str(x.row[f.ID]))
			}
		}
	}
	return nil, nil
}

// postalOf is the postal address of a record: its first field of that type that no class closes.
func (w *work) postalOf(r *Record) string {
	for _, f := range r.form.Fields {
		if f.Type.Name == "place" && !w.closedFor(r, f) && !live(f) {
			if v, err := r.Get(f.ID); err == nil && v != nil {
				return w.wordsIn(v, f.Type, false)
			}
		}
	}
	return ""
}

// letterText is the whole text: what the rulebook says, in the language it asks for or in both, and the house that writes.
func (w *work) letterText(x *rulebook.Effect, view *rulebook.View, s *expr.Scope) (string, error) {
	zh, en := w.insertOut(x.Text.ZH, s, false), w.insertOut(x.Text.EN, s, true)
	v, c, err := w.pick(x.Send.English, view, s)
	if err != nil {
		return "", err
	}
	text := zh
	switch english, _ := v.(bool); {
	case c != nil && english:
		text = first(en, zh)
	case c == nil && en != "" && en != zh:
		text = zh + "\n\n" + en
	}
	if u, err := w.unit(w.world.top); err == nil && u != nil {
		text += "\n\n" + w.title(u)
	}
	return text, nil
}

// letterOpen is a letter that has not gone, with what it is about; nil if there is nothing to send any more.
func (w *work) letterOpen(id string) (l, of *Record, err error) {
	l, err = w.get(w.e.Lib.Form(letterForm), id)
	if err != nil || l.State() != "queued" && l.State() != "to_post" {
		return nil, nil, err
	}
	of, err = w.ref(l.str("of_form"), l.str("of_id"))
	if err != nil || of == nil || of.State() == "void" {
		return nil, nil, err
	}
	return l, of, nil
}

// receiverOf finds whom a letter goes to, as he is now; nil if he is not there any more.
func (w *work) receiverOf(l *Record) (*addressee, error) {
	of, id := l.str("receiver_of"), l.str("receiver")
	if w.e.Lib.Form(of) != nil {
		r, err := w.ref(of, id)
		if err != nil || r == nil {
			return nil, err
		}
		return addresseeOf(r), nil
	}
	for _, b := range w.e.Lib.Books {
		for _, f := range b.Forms {
			for _, t := range f.Lines {
				if t.Key != of {
					continue
				}
				rows, err := w.tx.Select(query.Select{Table: t.Table, Alias: "t", Where: query.Eq("t", "id", id), Limit: 1})
				if err != nil || len(rows) == 0 {
					return nil, err
				}
				r, err := w.ref(f.Key, str(rows[0]["record"]))
				if err != nil || r == nil {
					return nil, err
				}
				lines, err := r.Lines(t.ID)
				for _, x := range lines {
					if x.id == id {
						return addresseeOf(x), err
					}
				}
				return nil, err
			}
		}
	}
	return nil, nil
}

// Outgoing is a letter as it leaves.
type Outgoing struct {
	To, Subject, Text string
	Link              *Bearer   // what whom it goes to can do by a link; nil = nothing
	Until             time.Time // of the link
}

// LetterOut is what leaves of a letter now; nil if it is not to go any more, because it has gone, whom it was for was erased, or what it was about is
// over. To is empty where no address is known any more.
func (e *Engine) LetterOut(ctx context.Context, now time.Time, id string) (*Outgoing, error) {
	var out *Outgoing
	err := e.read(ctx, now, ClockActor(), func(w *work) error {
		out = nil
		l, of, err := w.letterOpen(id)
		if err != nil || l == nil {
			return err
		}
		text, err := l.Get("text")
		if err != nil || text == nil {
			return err // erased
		}
		to, err := w.receiverOf(l)
		if err != nil {
			return err
		}
		o := &Outgoing{Subject: l.str("about"), Text: str(text)}
		if en := l.str("about_en"); en != "" && en != o.Subject {
			o.Subject += " / " + en
		}
		if to != nil {
			gone, err := to.gone(w)
			if err != nil || gone {
				return err
			}
			if o.To, err = to.email(); err != nil {
				return err
			}
		}
		if link := l.str("link"); link != "" {
			a := of.form.Action(link)
			if a == nil || a.Link == nil {
				return nil
			}
			view := w.view(of)
			if err := w.linkOpen(of, a, view); err != nil {
				if _, no := AsRefusal(err); no {
					return nil // it is answered, or over
				}
				return err
			}
			v, c, err := w.pick(a.Link.For, view, w.scope(of, view, nil))
			if err != nil {
				return err
			}
			span, ok := v.(calendar.Span)
			written, _ := parseInstant(l.row["at"])
			if c == nil || !ok {
				return nil
			}
			if o.Until, ok = w.world.calendar.Due(written, span, nil); !ok || !now.Before(o.Until) {
				return nil
			}
			o.Link = &Bearer{of.form.Key, of.id, a.ID}
		}
		out = o
		return nil
	})
	if fault.KindOf(err) == fault.NotFound {
		return nil, nil
	}
	return out, err
}

// LetterDone writes down what became of a letter: LetterMailed to an address, LetterFailed with the word for why, or LetterDropped. What
// has become of it meanwhile stands.
func (e *Engine) LetterDone(ctx context.Context, now time.Time, id, how, address, why string) error {
	now = now.UTC().Truncate(time.Millisecond)
	var events []Event
	err := e.DB.Write(ctx, func(tx *store.Tx) error {
		events = nil
		w, err := e.begin(ctx, tx, now, ClockActor())
		if err != nil {
			return err
		}
		form := e.Lib.Form(letterForm)
		l, err := w.lock(form, id)
		if err != nil {
			return err
		}
		a := form.Action(how)
		if a == nil || !stateAllows(a, l.State()) {
			return nil
		}
		w.top, w.topAction = l, a
		given := map[string]expr.Value{"address": orUnset(address), "why": orUnset(why)}
		if how == LetterMailed {
			given["via"] = "mail"
		}
		for _, id := range sortedKeys(given) {
			if given[id] == nil {
				continue
			}
			if _, err := l.set(form.Field(id), given[id]); err != nil {
				return err
			}
		}
		if _, err := w.perform(l, a, demand{}); err != nil {
			return err
		}
		if err := w.settle(); err != nil {
			return err
		}
		events = w.events
		return w.writeEntry(l, a, Act{Form: form.Key, Record: id, Action: how, Actor: w.actor})
	})
	if fault.KindOf(err) == fault.NotFound {
		return nil
	}
	if err == nil {
		e.bus.publish(events)
	}
	return err
}

// letterGone does what the rulebook says follows once a letter has left the house. Where the record has moved on, or a rule says no, the
// letter has gone all the same.
func (w *work) letterGone(l *Record) error {
	of, err := w.ref(l.str("of_form"), l.str("of_id"))
	if err != nil || of == nil || l.str("gone") == "" {
		return err
	}
	a := of.form.Action(l.str("gone"))
	if a == nil || !stateAllows(a, of.State()) || of.State() == "void" {
		return nil
	}
	did := len(w.effects)
	err = w.asClock(func() error {
		_, err := w.perform(of, a, demand{})
		return err
	})
	if _, no := AsRefusal(err); no && len(w.effects) == did {
		return nil
	}
	return err
}

// LetterRow is a letter that a record sent.
type LetterRow struct {
	ID         string `json:"id"`
	About      Text   `json:"about"`
	Name       any    `json:"name,omitempty"` // of the person, as far as this reader sees it
	Org        string `json:"org"`
	Address    any    `json:"address,omitempty"` // where it was mailed to: its first letter and its house, to who would see it whole
	Via        string `json:"via"`               // mail or post
	State      string `json:"state"`
	StateLabel Text   `json:"state_label"`
	At         string `json:"at"`
	SentAt     string `json:"sent_at,omitempty"`
	Why        string `json:"why,omitempty"` // the word for why it could not be mailed
}

// lettersOf are the letters that a record sent, the newest last.
func (w *work) lettersOf(r *Record) ([]LetterRow, error) {
	f := w.e.Lib.Form(letterForm)
	if f == nil || r.form.Kept == "engine" {
		return nil, nil
	}
	rows, err := w.ownedRows(letterForm, r)
	var list []LetterRow
	for _, row := range rows {
		l := w.adopt(f, row)
		if !w.maySee(l) {
			continue
		}
		x := LetterRow{ID: l.id, About: Text{l.str("about"), first(l.str("about_en"), l.str("about"))}, Org: l.str("to_org"), Via: l.str("via"), State: l.State(), StateLabel: stateText(f, l.State()),
			At: l.str("at"), SentAt: l.str("sent_at"), Why: l.str("why")}
		x.Name, _ = w.out(l, f.Field("to_name"))
		x.Address, _ = w.out(l, f.Field("address"))
		if s, ok := x.Address.(string); ok { // the letter itself shows it whole, and notes who looked
			at := strings.LastIndexByte(s, '@')
			x.Address = Masked{Masked: s[:min(1, max(at, 0))] + "***" + s[max(at, 0):]}
		}
		list = append(list, x)
	}
	return list, err
}
