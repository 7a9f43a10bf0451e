package engine

import (
	"context"
	"slices"
	"strconv"
	"time"

	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// exportRows at most leave in one file: beyond it a database copy is meant, which is an administrator's act.
const exportRows = 50000

// Export judges the leaving of a list, records it, and hands out its rows page by page, after the form, its columns and the stamps
// that the classes of what leaves demand.
func (e *Engine) Export(ctx context.Context, now time.Time, actor Actor, q ListQuery, head func(*FormView, []string, []Text) error, row func(Row) error) (int, error) {
	now = now.UTC().Truncate(time.Millisecond)
	var form *FormView
	var stamps []Text
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
		if stamps, err = w.judgeExport(p.form, len(rows)); err != nil {
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
	if err := head(form, columns, stamps); err != nil {
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

// judgeExport asks the export action, the gates on it, and the classes of what would leave; it answers their stamps.
func (w *work) judgeExport(f *rulebook.Form, rows int) ([]Text, error) {
	r := w.blank(f, w.myUnit())
	view := w.view(r)
	a := f.Action("export")
	if a == nil {
		a = &rulebook.Action{ID: "export", Form: f, Implicit: true}
	}
	if view.Awake(&a.Node) {
		if err := w.judgeWho(r, a, view, demand{person: true}); err != nil {
			return nil, err
		}
	}
	if err := w.judgeGates(r, a, demand{person: true}); err != nil {
		return nil, err
	}
	classes := []*rulebook.ClassRef{f.Class}
	for _, fd := range f.Fields {
		if w.visible(r, fd) == full {
			classes = append(classes, fd.Class)
		}
	}
	stamps := []Text{}
	for _, c := range classes {
		if c == nil || c.Class == nil || c.Class.Export == nil || !view.Awake(&c.Node) || !view.Awake(&c.Class.Node) || !view.Awake(&c.Class.Export.Node) {
			continue
		}
		if err := w.judgeClassExport(r, a, view, c, rows); err != nil {
			return nil, err
		}
		if l := c.Class.Export.Stamp; l.ZH != "" {
			t := text(w.say(l, w.scope(r, view, nil), "", ""))
			if w.me != nil { // who took it and when
				by := "　" + w.name(w.me.id) + "　" + w.now.In(w.world.calendar.Zone).Format("2006-01-02 15:04")
				t = Text{ZH: t.ZH + by, EN: t.EN + by}
			}
			if !slices.Contains(stamps, t) {
				stamps = append(stamps, t)
				w.clause(c.Clause, c.Class.Clause)
			}
		}
	}
	return stamps, nil
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
