package engine

import (
	"context"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"zhanggui/internal/calendar"
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
	entry := w.entry(r, Act{Form: form, Action: action})
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

// Reveal shows one masked field to somebody its class allows, for a stated purpose, and leaves a trace.
func (e *Engine) Reveal(ctx context.Context, now time.Time, actor Actor, form, id, field, purpose string) (*Revealed, error) {
	now = now.UTC().Truncate(time.Millisecond)
	var out *Revealed
	err := e.DB.Write(ctx, func(tx *store.Tx) error {
		w, err := e.begin(ctx, tx, now, actor)
		if err != nil {
			return err
		}
		r, err := w.recordSeen(form, id)
		if err != nil {
			return err
		}
		f := r.form.Field(field)
		if f == nil || f.Class == nil || f.Class.Class == nil || w.visible(r, f) == hidden {
			return fault.At("field", "没有“"+field+"”这一项", "There is no field "+field)
		}
		rule := f.Class.Class.Reveal
		if w.visible(r, f) != full {
			if err := w.judgeReveal(r, f, rule, purpose); err != nil {
				return err
			}
		}
		v, err := r.Get(f.ID)
		if err != nil {
			return err
		}
		out = &Revealed{Value: w.apiOf(v, f.Type), Until: instant(now.Add(time.Minute))}
		if rule != nil {
			out.Until = instant(now.Add(time.Duration(revealSeconds(rule)) * time.Second))
		}
		w.clause(f.Class.Clause, f.Class.Class.Clause)
		return w.logRead(r, form, "reveal", map[string]any{"field": field, "purpose": purpose})
	})
	if ref, ok := AsRefusal(err); ok {
		e.logRefusal(ctx, now, Act{Form: form, Record: id, Action: "reveal", Actor: actor}, ref)
	}
	return out, err
}

func (w *work) judgeReveal(r *Record, f *rulebook.Field, rule *rulebook.Reveal, purpose string) error {
	view := w.view(r)
	a := r.form.Action("reveal")
	if a == nil {
		a = &rulebook.Action{ID: "reveal", Form: r.form, Implicit: true}
	}
	clause := first(f.Class.Clause, f.Class.Class.Clause)
	no := func(group string, l rulebook.Label) error {
		return w.refuse(group, r, a, []Reason{{Clause: clause, Field: f.ID, Say: l}})
	}
	if rule == nil || !view.Awake(&rule.Node) {
		return no("class", label("“"+f.Label.ZH+"”不能查看", "“"+f.Label.EN+"” cannot be shown"))
	}
	if rule.By != nil {
		ok := false
		for _, item := range rule.By.Items {
			if !view.Awake(&item.Node) {
				continue
			}
			ids, any, err := w.whoItem(r, item, view)
			if err != nil {
				return err
			}
			ok = ok || any || contains(ids, w.actor.Person)
		}
		if !ok {
			return no("class", label("“"+f.Label.ZH+"”不归你查看", "“"+f.Label.EN+"” is not yours to see"))
		}
	}
	if rule.Purpose && utf8.RuneCountInString(strings.TrimSpace(purpose)) < 2 {
		return no("fill", label("请写明查看的用途", "Say what it is needed for"))
	}
	if rule.PerDay > 0 {
		n, err := w.doneToday("reveal")
		if err != nil {
			return err
		}
		if n >= rule.PerDay {
			return no("quota", label("今天已查看 "+strconv.Itoa(n)+" 次，到了上限", "Shown "+strconv.Itoa(n)+" times today; that is the limit"))
		}
	}
	return nil
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
