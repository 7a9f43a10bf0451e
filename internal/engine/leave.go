package engine

import (
	"context"
	"slices"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// Somebody leaves, and all that is his goes over to his successors in the one act: the fields that the rulebooks say pass (each through the
// action they name, with its guards and what follows of it), and the posts he holds. Who leaves later hands over at once and works on to his
// minute; what comes to him until then goes over when it strikes. What the actor may not see goes over too, and is not told to him.

// Actions of base.person.
const (
	leaving = "leave"      // somebody hands over for the leaver and says when his account ends
	leftAt  = "end_access" // the clock, at that minute
)

// postsPass is the kind of what passes that stands in no field: the posts.
const postsPass = "posts"

// postsOf are the posts somebody holds now or will hold.
func (w *work) postsOf(person string) ([]*Record, error) {
	form := w.e.Lib.Form("base.role_grant")
	rows, err := w.tx.Select(query.Select{Table: form.Table, Alias: "g", Where: query.And(query.Eq("g", "person", person), query.Eq("g", "state", grantHeld)),
		Order: []query.Order{{Expr: query.Col{Alias: "g", Name: "at"}}, {Expr: query.Col{Alias: "g", Name: "id"}}}})
	if err != nil {
		return nil, err
	}
	today := w.world.calendar.DateOf(w.now)
	var list []*Record
	for _, row := range rows {
		if until := day(row["until"]); until.IsZero() || !until.Before(today) {
			list = append(list, w.adopt(form, row))
		}
	}
	return list, nil
}

// heirs tells who takes what: by its kind, "" where it is not handed over.
func (w *work) heirs(r *Record, a *rulebook.Action) (func(kind string) string, error) {
	rows, err := r.Lines("heirs")
	if err != nil {
		return nil, err
	}
	named := map[string]string{}
	known := w.named(r.form.Line("heirs").Field("what"))
	for _, l := range rows {
		what := str(l.row["what"])
		if a.ID == leaving && !slices.ContainsFunc(known, func(o Option) bool { return o.ID == what }) {
			return nil, w.refuse("fill", r, a, []Reason{{Field: "heirs", Say: label("另由他人接手的里面有一行不是可以移交的内容", "A row of what others take over names nothing that can be handed over")}})
		}
		named[what] = str(l.row["who"])
	}
	return func(kind string) string {
		id, ok := named[kind]
		if !ok {
			id = r.str("successor")
		}
		return w.staying(id)
	}, nil
}

// staying is somebody, or who succeeded him if he has left meanwhile; "" if nobody of them is there.
func (w *work) staying(id string) string {
	for n := 0; id != "" && n < 64; n++ {
		if w.world.active(id) {
			return id
		}
		p, err := w.person(id)
		if err != nil {
			return ""
		}
		id = p.str("successor")
	}
	return ""
}

// handOver hands over what somebody has, when it is ordered and again at his minute.
func (w *work) handOver(r *Record, a *rulebook.Action) error {
	if err := w.worldSeen(); err != nil {
		return err
	}
	if a.ID == leaving {
		if err := w.lastOf(r, a); err != nil {
			return err
		}
	}
	heir, err := w.heirs(r, a)
	if err != nil {
		return err
	}
	for _, p := range w.e.passings() {
		to := heir(p.key())
		if to == "" {
			continue
		}
		list, err := w.passingOf(p, r.id)
		if err != nil {
			return err
		}
		for _, x := range list {
			did := len(w.effects)
			back, err := w.passOn(p, x, r.id, to)
			if _, no := AsRefusal(err); no && a.ID == leftAt && len(w.effects) == did {
				// The minute strikes whatever a rule says of one record: that one stays as it was.
				if err = back(); err == nil {
					continue
				}
			}
			if err != nil {
				return w.whereRefused(err, p.label(), x)
			}
		}
	}
	if a.ID == leaving {
		if err := w.passPosts(r, heir(postsPass)); err != nil {
			return err
		}
	}
	return w.wakeHeld(r.id)
}

// worldSeen makes what the act changed of people count for what follows within it.
func (w *work) worldSeen() error {
	if err := w.flush(); err != nil {
		return err
	}
	return w.worldChanged()
}

// lastOf refuses to let the last one go who holds a post of the house itself that may not be empty.
func (w *work) lastOf(r *Record, a *rulebook.Action) error {
	posts, err := w.postsOf(r.id)
	if err != nil {
		return err
	}
	base := w.e.Lib.Book("base")
	today := w.world.calendar.DateOf(w.now)
	var items []Reason
	for _, g := range posts {
		role := base.Role(g.str("role"))
		if role == nil || role.Holders != "some" && role.Holders != "one" {
			continue
		}
		left := false
		for _, id := range w.world.holders(role.ID, "", w.now) {
			p, err := w.person(id)
			if err != nil {
				return err
			}
			left = left || id != r.id && p.row["ends_at"] == nil
		}
		if !left && inForce(day(g.row["from"]), day(g.row["until"]), today) {
			items = append(items, Reason{Field: "successor", Say: label("他是最后一位“"+role.Label.ZH+"”：先任命另一位", "He is the last "+role.Label.EN+": appoint another one first")})
		}
	}
	if len(items) > 0 {
		return w.refuse("require", r, a, items)
	}
	return nil
}

// passPosts appoints the successor to the leaver's posts, as the leaver's own end with his last day. The appointment is judged and consented
// to as any other.
func (w *work) passPosts(r *Record, to string) error {
	posts, err := w.postsOf(r.id)
	if err != nil {
		return err
	}
	form := w.e.Lib.Form("base.role_grant")
	last := w.now
	if t, ok := parseInstant(r.row["ends_at"]); ok {
		last = t
	}
	today, lastDay := w.world.calendar.DateOf(w.now), w.world.calendar.DateOf(last)
	for _, g := range posts {
		if to != "" && !w.holdsPost(to, g, today) {
			who, err := w.person(to)
			if err != nil {
				return err
			}
			unit, err := w.unit(g.str("unit"))
			if err != nil {
				return err
			}
			from := today
			if d := day(g.row["from"]); d.After(today) {
				from = d
			}
			given := map[string]expr.Value{"person": who, "role": g.str("role"), "from": from}
			if unit != nil {
				given["unit"] = unit
			}
			if d := day(g.row["until"]); !d.IsZero() {
				given["until"] = d
			}
			if err := w.create(form, nil, given, "", nil); err != nil {
				return w.whereRefused(err, form.Label, g)
			}
		}
		until := lastDay
		if d := day(g.row["from"]); d.After(until) {
			until = d
		}
		if d := day(g.row["until"]); !d.IsZero() && d.Before(until) {
			until = d
		}
		if _, err := w.perform(g, form.Action("end_it"), demand{given: map[string]expr.Value{"until": until}}); err != nil {
			return w.whereRefused(err, form.Label, g)
		}
	}
	return nil
}

// holdsPost tells whether somebody holds a post like this already, or is to.
func (w *work) holdsPost(person string, like *Record, on calendar.Date) bool {
	for _, g := range w.grantsOf(person) {
		if g.role == like.str("role") && (g.unit == like.str("unit") || g.unit == "") && inForce(g.from, g.until, on) && g.until.IsZero() {
			return true
		}
	}
	return false
}

// wakeHeld makes the time limits that somebody holds look anew whose they are.
func (w *work) wakeHeld(person string) error {
	if err := w.flush(); err != nil {
		return err
	}
	rows, err := w.clocksHeld([]string{person}, passAtOnce)
	if err != nil {
		return err
	}
	for _, row := range rows {
		form := w.e.Lib.Form(str(row["of_form"]))
		if form == nil {
			continue
		}
		r, err := w.lock(form, str(row["of_id"]))
		if fault.KindOf(err) == fault.NotFound {
			continue
		}
		if err != nil {
			return err
		}
		r.touch()
	}
	return nil
}

// passAtOnce bounds how many time limits one leaver can hold.
const passAtOnce = 1_000_000

// whereRefused says of a refusal which record it is about, as far as the actor may know.
func (w *work) whereRefused(err error, kind rulebook.Label, r *Record) error {
	ref, ok := AsRefusal(err)
	if !ok {
		return err
	}
	where := label("“"+kind.ZH+"”里有一件", "One of “"+kind.EN+"”")
	seen := w.maySee(r)
	if seen {
		title := first(w.headline(r), r.Number())
		where = label("“"+kind.ZH+"” "+title, "“"+kind.EN+"” "+title)
	}
	out := *ref
	out.Form, out.Record, out.Facts = "base.person", w.top.id, nil
	out.Action = leaving
	out.Title = label("还不能办理离职交接", "Cannot hand over yet")
	out.Items = nil
	for _, i := range ref.Items {
		i.Field = "heirs"
		i.Say, i.Facts, i.Params = label(where.ZH+"："+i.Say.ZH, where.EN+": "+i.Say.EN), nil, nil
		out.Items = append(out.Items, i)
	}
	return &out
}

// Handing is what one person has that goes over when he leaves, as far as the reader sees it.
type Handing struct {
	Person Ref        `json:"person"`
	Parts  []HandPart `json:"parts"`
	Limits int        `json:"limits"` // running time limits he holds
}

// HandPart is one kind of it. What the reader may not see is neither counted nor named.
type HandPart struct {
	Key   string `json:"key"` // names it in the act's heirs.what
	Label Text   `json:"label"`
	Count int    `json:"count"`
	Rows  []Ref  `json:"rows"` // the first of them
}

// handRows bounds how many of a kind are named.
const handRows = 50

// Handing shows, to whoever may do it, what handing over for a leaver would hand over now; nothing is written.
func (e *Engine) Handing(ctx context.Context, now time.Time, actor Actor, person string) (*Handing, error) {
	var v *Handing
	err := e.read(ctx, now, actor, func(w *work) error {
		r, err := w.recordSeen("base.person", person)
		if err != nil {
			return err
		}
		a, view := r.form.Action(leaving), w.view(r)
		if err := w.judgeState(r, a, view); err != nil {
			return err
		}
		if err := w.judgeWho(r, a, view, demand{person: true}); err != nil {
			return err
		}
		v = &Handing{Person: Ref{ID: r.id, Name: w.name(r.id), Form: r.form.Key}, Parts: []HandPart{}}
		for _, p := range e.passings() {
			if w.scopeOf(p.field.Form).none {
				continue
			}
			list, err := w.passingOf(p, r.id)
			if err != nil {
				return err
			}
			part := HandPart{Key: p.key(), Label: text(p.label()), Rows: []Ref{}}
			for _, x := range list {
				if w.maySee(x) && w.visible(x, p.field) == full {
					part.add(Ref{ID: x.id, Name: w.headline(x), Form: x.form.Key})
				}
			}
			if part.Count > 0 {
				v.Parts = append(v.Parts, part)
			}
		}
		posts, err := w.postsOf(r.id)
		if err != nil {
			return err
		}
		part := HandPart{Key: postsPass, Label: Text{"岗位", "Posts"}, Rows: []Ref{}}
		for _, g := range posts {
			if w.maySee(g) {
				name := w.roleLabel(g.str("role"))
				ref := Ref{ID: g.id, Name: name.ZH, Label: name.EN, Form: g.form.Key}
				if u := w.unitRef(g.str("unit")); u != nil {
					ref.Name, ref.Label = u.Name+" · "+name.ZH, u.Name+" · "+name.EN
				}
				part.add(ref)
			}
		}
		if part.Count > 0 {
			v.Parts = append(v.Parts, part)
		}
		held, err := w.clocksHeld([]string{r.id}, passAtOnce)
		if err != nil {
			return err
		}
		for _, row := range held {
			if form := e.Lib.Form(str(row["of_form"])); form != nil {
				if x, err := w.ref(form.Key, str(row["of_id"])); err == nil && x != nil && w.maySee(x) {
					v.Limits++
				}
			}
		}
		return nil
	})
	return v, err
}

func (p *HandPart) add(x Ref) {
	if p.Count++; p.Count <= handRows {
		p.Rows = append(p.Rows, x)
	}
}
