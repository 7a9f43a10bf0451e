package engine

import (
	"context"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// Reading secret data is an entry too: what was shown to whom, for what purpose. Nothing of the record changes.

// logReading appends an entry for a reading.
func (e *Engine) logReading(ctx context.Context, now time.Time, actor Actor, form, id, action string, asked map[string]any) error {
	if e.opts.Quiet {
		return nil
	}
	return e.DB.Write(ctx, func(tx *store.Tx) error {
		w, err := e.begin(ctx, tx, now, actor)
		if err != nil {
			return err
		}
		var r *Record
		if f := e.Lib.Form(form); f != nil && id != "" {
			if r, err = w.get(f, id); err != nil {
				return err
			}
		}
		return w.logRead(r, form, action, asked)
	})
}

func (w *work) logRead(r *Record, form, action string, asked map[string]any) error {
	entry, err := w.entry(r, Act{Form: form, Action: action})
	if err != nil {
		return err
	}
	entry.Form, entry.Asked = form, asked
	return w.append(entry)
}

// Revealed is a masked value shown for a while.
type Revealed struct {
	Value any    `json:"value"`
	Until string `json:"until"`
}

func revealSeconds(x *rulebook.Reveal) int {
	if x.For.N == 0 {
		return 60
	}
	switch x.For.Unit {
	case calendar.UnitHour:
		return int(x.For.N) * 3600
	case calendar.UnitMinute:
		return int(x.For.N) * 60
	}
	return int(x.For.N)
}

// Reveal shows one masked field to somebody its class allows, for a stated purpose, and leaves a trace. Ref is the number
// (or id) of the record it is needed for, where the class asks for one.
func (e *Engine) Reveal(ctx context.Context, now time.Time, actor Actor, form, id, field, purpose, ref string) (*Revealed, error) {
	now = now.UTC().Truncate(time.Millisecond)
	var out *Revealed
	var masked []Event
	err := e.DB.Write(ctx, func(tx *store.Tx) error {
		masked = nil
		w, err := e.begin(ctx, tx, now, actor)
		if err != nil {
			return err
		}
		r, err := w.recordSeen(form, id)
		if err != nil {
			return err
		}
		f, get, raw := r.revealable(field)
		if f == nil || f.Class == nil || f.Class.Class == nil || w.visible(r, f) == hidden {
			return fault.At("field", "没有“"+field+"”这一项", "There is no field "+field)
		}
		rule := f.Class.Class.Reveal
		if w.visible(r, f) != full {
			if err := w.judgeReveal(r, f, rule, purpose, ref); err != nil {
				return err
			}
		}
		v, err := get(f.ID)
		if err != nil {
			return err
		}
		if w.erased(f, v, raw) {
			return fault.At("field", "“"+f.Label.ZH+"”已擦除", f.Label.EN+" was erased")
		}
		out = &Revealed{Value: w.apiOf(v, f.Type), Until: instant(now.Add(time.Minute))}
		if rule != nil {
			out.Until = instant(now.Add(time.Duration(revealSeconds(rule)) * time.Second))
		}
		if w.visible(r, f) != full {
			if masked, err = w.keepOpen(r, field, rule, out.Until); err != nil {
				return err
			}
		}
		w.clause(f.Class.Clause, f.Class.Class.Clause)
		asked := map[string]any{"field": field, "purpose": purpose}
		if ref != "" {
			asked["ref"] = ref
		}
		return w.logRead(r, form, "reveal", asked)
	})
	if ref, ok := AsRefusal(err); ok {
		e.logRefusal(ctx, now, Act{Form: form, Record: id, Action: "reveal", Actor: actor}, ref)
	}
	if err != nil {
		return nil, err
	}
	e.bus.publish(masked)
	return out, nil
}

// EventMasked is the action of the event that tells a reader's pages to mask what he had revealed.
const EventMasked = "masked"

// keepOpen notes what a person has open, and masks what he had of other records where the class shows one at a time.
func (w *work) keepOpen(r *Record, field string, rule *rulebook.Reveal, until string) ([]Event, error) {
	var masked []Event
	person := query.Eq("t", "person", w.actor.Person)
	gone := query.And(person, compared("<", "until", instant(w.now)))
	if rule != nil && rule.One != nil && w.view(r).Awake(&rule.One.Node) {
		w.clause(rule.One.Clause)
		others := query.And(person, compared("<>", "record", r.id))
		rows, err := w.tx.Select(query.Select{Table: "revealed", Alias: "t", Where: others})
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			masked = append(masked, Event{Form: str(row["form"]), Record: str(row["record"]), Action: EventMasked, By: w.actor.Person})
		}
		gone = query.Op{Name: "or", Args: []query.Expr{gone, others}}
	}
	if _, err := w.tx.Delete("revealed", gone); err != nil {
		return nil, err
	}
	return masked, w.tx.Upsert("revealed", []string{"id"}, store.Row{"id": w.actor.Person + "|" + r.id + "|" + field, "person": w.actor.Person,
		"form": r.form.Key, "record": r.id, "field": field, "until": until})
}

// Shown is a masked value that the reader has revealed and that is open still; nil if it is masked.
func (e *Engine) Shown(ctx context.Context, now time.Time, actor Actor, form, id, field string) (*Revealed, error) {
	var out *Revealed
	err := e.read(ctx, now, actor, func(w *work) error {
		out = nil
		r, err := w.recordSeen(form, id)
		if err != nil {
			return err
		}
		f, get, _ := r.revealable(field)
		if f == nil || w.visible(r, f) == hidden {
			return nil
		}
		rows, err := w.tx.Select(query.Select{Table: "revealed", Alias: "t", Limit: 1, Where: query.And(query.Eq("t", "id", actor.Person+"|"+r.id+"|"+field), compared(">=", "until", instant(now)))})
		if err != nil || len(rows) == 0 {
			return err
		}
		v, err := get(f.ID)
		if err != nil {
			return err
		}
		out = &Revealed{Value: w.apiOf(v, f.Type), Until: str(rows[0]["until"])}
		return nil
	})
	return out, err
}

// revealable finds a field of the record, or of a row of it written "line.row.field", with its value and its column.
func (r *Record) revealable(path string) (*rulebook.Field, func(string) (expr.Value, error), any) {
	if f := r.form.Field(path); f != nil {
		return f, r.Get, r.row[f.ID]
	}
	parts := strings.Split(path, ".")
	if len(parts) != 3 || r.form.Line(parts[0]) == nil {
		return nil, nil, nil
	}
	lines, err := r.Lines(parts[0])
	for _, x := range lines {
		if f := x.line.Field(parts[2]); err == nil && x.id == parts[1] && f != nil {
			return f, x.Get, x.row[f.ID]
		}
	}
	return nil, nil, nil
}

// revealsADay is how often one person may look if the class does not say.
const revealsADay = 50

func (w *work) judgeReveal(r *Record, f *rulebook.Field, rule *rulebook.Reveal, purpose, ref string) error {
	view := w.view(r)
	a := r.form.Action("reveal")
	if a == nil {
		a = &rulebook.Action{ID: "reveal", Form: r.form, Implicit: true}
	}
	clause := first(f.Class.Class.Clause, f.Class.Clause)
	if rule != nil {
		clause = first(rule.Clause, clause)
	}
	no := func(group, clause, field string, l rulebook.Label) error {
		return w.refuse(group, r, a, []Reason{{Clause: clause, Field: field, Say: l}})
	}
	if rule == nil || !view.Awake(&rule.Node) {
		return no("class", clause, f.ID, label("“"+f.Label.ZH+"”不能查看", "“"+f.Label.EN+"” cannot be shown"))
	}
	if rule.By != nil {
		ok, by, err := w.allowed(r, &rulebook.Action{ID: "reveal", Form: r.form, By: rule.By}, view)
		if err != nil {
			return err
		}
		if !ok {
			return no("class", first(by, clause), f.ID, label("“"+f.Label.ZH+"”不归你查看", "“"+f.Label.EN+"” is not yours to see"))
		}
	}
	if rule.Purpose && utf8.RuneCountInString(strings.TrimSpace(purpose)) < 2 {
		return no("fill", clause, f.ID, label("请写明查看的用途", "Say what it is needed for"))
	}
	if len(rule.Ref) > 0 {
		ok, err := w.mayName(rule.Ref, strings.TrimSpace(ref))
		if err != nil {
			return err
		}
		if !ok {
			zh, en := w.formNames(rule.Ref)
			return no("fill", clause, "ref", label("请写明为哪一份"+zh+"（编号）", "Give the number of the "+en+" it is needed for"))
		}
	}
	most := rule.PerDay
	if most == 0 {
		most = revealsADay
	}
	n, err := w.doneToday("reveal")
	if err != nil {
		return err
	}
	if n >= most {
		if w.e.opts.Alarm != nil {
			w.e.opts.Alarm("somebody looks at more personal data in a day than he may", "person "+w.actor.Person)
		}
		return no("quota", clause, f.ID, label("今天已查看 "+strconv.Itoa(n)+" 次，到了上限", "Shown "+strconv.Itoa(n)+" times today; that is the limit"))
	}
	return nil
}

// mayName tells whether a number or id is that of a record of one of the forms which the reader may see.
func (w *work) mayName(forms []string, ref string) (bool, error) {
	if ref == "" {
		return false, nil
	}
	for _, key := range forms {
		f := w.e.Lib.Form(key)
		is := []query.Expr{query.Eq("t", "id", ref)}
		if f.Number != nil {
			is = append(is, query.Eq("t", "number", ref))
		}
		rows, err := w.tx.Select(query.Select{Table: f.Table, Alias: "t", Limit: 1, Where: query.Op{Name: "or", Args: is}})
		if err != nil {
			return false, err
		}
		if len(rows) > 0 && w.maySee(w.adopt(f, rows[0])) {
			return true, nil
		}
	}
	return false, nil
}

func (w *work) formNames(keys []string) (zh, en string) {
	var z, e []string
	for _, k := range keys {
		l := w.e.Lib.Form(k).Label
		z, e = append(z, l.ZH), append(e, l.EN)
	}
	return strings.Join(z, "或"), strings.Join(e, " or ")
}

// doneToday counts the actor's entries of one action since midnight.
func (w *work) doneToday(action string) (int, error) {
	from := calendar.DateOf(w.now, w.world.calendar.Zone).Start(w.world.calendar.Zone)
	n, err := w.tx.Count("journal_entry", query.And(query.Eq("j", "actor", w.actor.Person), query.Eq("j", "action", action), query.Eq("j", "refused", false),
		query.Op{Name: ">=", Args: []query.Expr{query.Col{Alias: "j", Name: "at"}, query.Const{Value: instant(from)}}}))
	return int(n), err
}

// Note appends an entry for something that changes no record, such as a password given or the journal verified.
func (e *Engine) Note(ctx context.Context, now time.Time, actor Actor, form, id, action string, asked map[string]any) error {
	return e.logReading(ctx, now.UTC().Truncate(time.Millisecond), actor, form, id, action, asked)
}
