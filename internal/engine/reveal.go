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
		out = &Revealed{Value: w.api(v, f.Type.Expr), Until: instant(now.Add(time.Minute))}
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

// exportRows at most leave in one file: beyond it a database copy is meant, which is an administrator's act.
const exportRows = 50000

// Export judges the leaving of a list, records it, and hands out its rows page by page.
func (e *Engine) Export(ctx context.Context, now time.Time, actor Actor, q ListQuery, head func(*FormView, []string) error, row func(Row) error) (int, error) {
	now = now.UTC().Truncate(time.Millisecond)
	var form *FormView
	err := e.DB.Write(ctx, func(tx *store.Tx) error {
		w, err := e.begin(ctx, tx, now, actor)
		if err != nil {
			return err
		}
		p, err := w.plan(q)
		if err != nil {
			return err
		}
		rows, err := tx.Select(query.Select{Table: p.form.Table, Alias: "this", Where: p.where, Limit: exportRows + 1, Columns: []query.Column{{Name: "id", Expr: query.Col{Alias: "this", Name: "id"}}}})
		if err != nil {
			return err
		}
		if err := w.judgeExport(p.form, len(rows)); err != nil {
			return err
		}
		form = w.formView(p.form)
		return w.logRead(nil, q.Form, "export", map[string]any{"rows": int64(len(rows)), "filter": q.Filter, "view": q.View, "q": q.Q})
	})
	if err != nil {
		if ref, ok := AsRefusal(err); ok {
			e.logRefusal(ctx, now, Act{Form: q.Form, Action: "export", Actor: actor}, ref)
		}
		return 0, err
	}
	columns := form.Columns
	if len(q.Fields) > 0 {
		columns = q.Fields
	}
	if err := head(form, columns); err != nil {
		return 0, err
	}
	q.Limit, q.Count, q.Fields = 200, false, columns
	for n := 0; ; {
		page, err := e.List(ctx, now, actor, q)
		if err != nil {
			return n, err
		}
		for _, r := range page.Rows {
			if err := row(r); err != nil {
				return n, err
			}
			n++
		}
		if page.Next == "" || n >= exportRows {
			return n, nil
		}
		q.Cursor = page.Next
	}
}

// judgeExport asks the export action, the gates on it, and the classes of what would leave.
func (w *work) judgeExport(f *rulebook.Form, rows int) error {
	r := w.blank(f, w.myUnit())
	view := w.view(r)
	a := f.Action("export")
	if a == nil {
		a = &rulebook.Action{ID: "export", Form: f, Implicit: true}
	}
	if view.Awake(&a.Node) {
		if err := w.judgeWho(r, a, view, demand{person: true}); err != nil {
			return err
		}
	}
	if err := w.judgeGates(r, a, demand{person: true}); err != nil {
		return err
	}
	classes := []*rulebook.ClassRef{f.Class}
	for _, fd := range f.Fields {
		if w.visible(r, fd) == full {
			classes = append(classes, fd.Class)
		}
	}
	for _, c := range classes {
		if c == nil || c.Class == nil || c.Class.Export == nil || !view.Awake(&c.Node) || !view.Awake(&c.Class.Node) || !view.Awake(&c.Class.Export.Node) {
			continue
		}
		if err := w.judgeClassExport(r, a, view, c, rows); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) judgeClassExport(r *Record, a *rulebook.Action, view *rulebook.View, c *rulebook.ClassRef, rows int) error {
	x := c.Class.Export
	clause := first(x.Clause, c.Clause, c.Class.Clause)
	if x.PerDay > 0 {
		n, err := w.doneToday("export")
		if err != nil {
			return err
		}
		if n >= x.PerDay {
			return w.refuse("class", r, a, []Reason{{Clause: clause, Say: label("今天导出次数已到上限", "The limit of exports today is reached")}})
		}
	}
	if rows <= x.AloneUpTo || x.By == nil {
		return nil
	}
	for _, item := range x.By.Items {
		if !view.Awake(&item.Node) || item.Approval != "" { // an approval is given to a record, not to a list
			continue
		}
		ids, any, err := w.whoItem(r, item, view)
		if err != nil {
			return err
		}
		if any || contains(ids, w.actor.Person) {
			return nil
		}
	}
	zh, en := textOr(c.Class.Label, c.Class.ID).ZH, textOr(c.Class.Label, c.Class.ID).EN
	return w.refuse("class", r, a, []Reason{{Clause: clause, Say: label("内含“"+zh+"”，"+strconv.Itoa(rows)+" 行要批准后才能导出", "It holds “"+en+"” data; exporting "+strconv.Itoa(rows)+" rows needs an approval")}})
}

// Note appends an entry for something that changes no record, such as a password given or the journal verified.
func (e *Engine) Note(ctx context.Context, now time.Time, actor Actor, form, id, action string, asked map[string]any) error {
	return e.logReading(ctx, now.UTC().Truncate(time.Millisecond), actor, form, id, action, asked)
}
