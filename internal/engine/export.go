package engine

import (
	"context"
	"slices"
	"strconv"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

const (
	exportRows = 100000 // leave in one file at most: beyond it a database copy is meant, which is an administrator's act
	exportPage = 200
)

// Leaving is a list that may leave: its form, the columns, and the stamps that the classes of what leaves demand.
type Leaving struct {
	Form    *FormView
	Columns []string
	Stamps  []Text
	most    int // rows that its approval opens; 0: it needed none
}

// BeginExport judges the leaving of a list and records it, and does in the same transaction what also says, which may read how
// many rows it was judged for: the work is ordered by the act or not at all.
func (e *Engine) BeginExport(ctx context.Context, now time.Time, actor Actor, q ListQuery, rows *int, also func(*store.Tx) error) error {
	_, err := e.beginExport(ctx, now, actor, q, exportRows, rows, also)
	return err
}

func (e *Engine) beginExport(ctx context.Context, now time.Time, actor Actor, q ListQuery, most int, rows *int, also func(*store.Tx) error) (*Leaving, error) {
	now = now.UTC().Truncate(time.Millisecond)
	var n ListCount
	var out *Leaving
	var events []Event
	// Counted before the transaction that writes: nobody else's act waits for it.
	err := e.read(ctx, now, actor, func(w *work) error {
		p, err := w.plan(q)
		if err == nil {
			n, err = w.count(p, most)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if n.MoreThan {
		return nil, tooMany(most)
	}
	*rows = n.Total
	err = e.DB.Write(ctx, func(tx *store.Tx) error {
		w, err := e.begin(ctx, tx, now, actor)
		if err != nil {
			return err
		}
		if out, err = w.leaving(q, n.Total, false); err != nil {
			return err
		}
		if err := w.took(out.Form.Key, nil, "export", n.Total); err != nil {
			return err
		}
		if err := w.settle(); err != nil { // a permit may have been spent
			return err
		}
		events = w.events
		if err := w.logRead(nil, q.Form, "export", map[string]any{"rows": int64(n.Total), "filter": q.Filter, "view": q.View, "q": q.Q}); err != nil || also == nil {
			return err
		}
		return also(tx)
	})
	if ref, ok := AsRefusal(err); ok {
		e.logRefusal(ctx, now, Act{Form: q.Form, Action: "export", Actor: actor}, ref)
	}
	if err == nil {
		e.bus.publish(events)
	}
	return out, err
}

func tooMany(most int) error {
	many := strconv.Itoa(most)
	if most < exportRows {
		return fault.New(fault.Invalid, "超过 "+many+" 行，不能当场导出，请作为后台任务导出", "More than "+many+" rows cannot be exported at once; order it as a background job")
	}
	return fault.New(fault.Invalid, "超过 "+many+" 行，请先筛选再导出", "More than "+many+" rows; narrow the list first")
}

// JudgeExport asks anew whether a list that was ordered may leave: rights may have changed since. How often somebody exports in
// a day was counted when it was ordered.
func (e *Engine) JudgeExport(ctx context.Context, now time.Time, actor Actor, q ListQuery, rows int) (out *Leaving, err error) {
	err = e.read(ctx, now, actor, func(w *work) error {
		out, err = w.leaving(q, rows, true)
		return err
	})
	if ref, ok := AsRefusal(err); ok {
		e.logRefusal(ctx, now, Act{Form: q.Form, Action: "export", Actor: actor}, ref)
	}
	return out, err
}

func (w *work) leaving(q ListQuery, rows int, ordered bool) (*Leaving, error) {
	p, err := w.plan(q)
	if err != nil {
		return nil, err
	}
	out := &Leaving{Columns: q.Fields, Form: w.formView(p.form)}
	if len(out.Columns) == 0 {
		out.Columns = out.Form.Columns
	}
	t := &taking{rows: rows, ordered: ordered, list: &askedExport{View: q.View, Filter: q.Filter, Q: q.Q, Columns: out.Columns}}
	if out.Stamps, err = w.judgeExport(p.form, t); err != nil {
		return nil, err
	}
	out.most = t.most
	return out, nil
}

// ExportPage answers the next rows of a list of so many that leaves, as its reader may take them out now.
func (e *Engine) ExportPage(ctx context.Context, now time.Time, actor Actor, q ListQuery, columns []string, cursor string, rows int) (*Page, error) {
	q.Limit, q.Count, q.Fields, q.Cursor, q.taken = exportPage, false, columns, cursor, rows
	return e.List(ctx, now, actor, q)
}

// Export is a list of at most so many rows that leaves at once: head is told of it, then row of each row.
func (e *Engine) Export(ctx context.Context, now time.Time, actor Actor, q ListQuery, most int, head func(*Leaving) error, row func(Row) error) error {
	var rows int
	out, err := e.beginExport(ctx, now, actor, q, most, &rows, nil)
	if err == nil {
		err = head(out)
	}
	sent := 0
	for cursor := ""; err == nil; {
		var page *Page
		if page, err = e.ExportPage(ctx, now, actor, q, out.Columns, cursor, rows); err != nil {
			break
		}
		if sent += len(page.Rows); out.most > 0 && sent > out.most { // they came while it was written
			return fault.New(fault.Conflict, "导出时行数变多，超出了核准的范围，请重新申请", "More rows came while it was exported than were approved; ask anew")
		}
		for _, r := range page.Rows {
			if err := row(r); err != nil {
				return err
			}
		}
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
	return err
}

// judgeExport asks the export action, the gates on it, and the classes of what would leave; it answers their stamps.
func (w *work) judgeExport(f *rulebook.Form, t *taking) ([]Text, error) {
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
	if !t.proven {
		if err := w.mistrusted(r, a); err != nil {
			return nil, err
		}
	}
	classes := []*rulebook.ClassRef{f.Class}
	for _, fd := range f.Fields {
		if w.visible(r, fd) == full || judgedByRecord(f, fd.Class) {
			classes = append(classes, fd.Class)
		}
	}
	stamps := []Text{}
	for _, c := range classes {
		if c == nil || c.Class == nil || c.Class.Export == nil {
			continue
		}
		view := w.classView(r, c)
		if view == nil || !view.Awake(&c.Class.Export.Node) {
			continue
		}
		if err := w.judgeClassExport(r, a, view, c, t); err != nil {
			return nil, err
		}
		if l := c.Class.Export.Stamp; l.ZH != "" {
			say := text(w.say(l, w.scope(r, view, nil), "", ""))
			if w.me != nil { // who took it and when
				by := "　" + w.name(w.me.id) + "　" + w.now.In(w.world.calendar.Zone).Format("2006-01-02 15:04")
				say = Text{ZH: say.ZH + by, EN: say.EN + by}
			}
			if !slices.Contains(stamps, say) {
				stamps = append(stamps, say)
				w.clause(c.Clause, c.Class.Clause)
			}
		}
	}
	return stamps, nil
}

// judgedByRecord tells whether a class looks at the record to say who sees it: some rows may then be shown in full, whatever a blank one says.
func judgedByRecord(f *rulebook.Form, c *rulebook.ClassRef) bool {
	if c == nil || c.Class == nil {
		return false
	}
	see := c.Class.PerForm[f.Key]
	return see != nil && contains(see.Names(), "this")
}

func (w *work) judgeClassExport(r *Record, a *rulebook.Action, view *rulebook.View, c *rulebook.ClassRef, t *taking) error {
	x := c.Class.Export
	clause := first(x.Clause, c.Clause, c.Class.Clause)
	if x.PerDay > 0 && !t.ordered {
		n, err := w.doneToday("export")
		if err != nil {
			return err
		}
		packets, err := w.doneToday(packetAction) // they take the same out
		if err != nil {
			return err
		}
		if n+packets >= x.PerDay {
			return w.refuse("class", r, a, []Reason{{Clause: clause, Say: label("今天导出次数已到上限", "The limit of exports today is reached")}})
		}
	}
	if t.rows <= x.AloneUpTo || x.By == nil {
		return nil
	}
	others := false // who could approve it
	for _, item := range x.By.Items {
		if !view.Awake(&item.Node) {
			continue
		}
		if item.Approval != "" { // asleep, it asks nobody
			ap := c.Class.Book.Approval(item.Approval)
			ok, err := applies(item, w.scope(r, view, nil))
			if err != nil {
				return err
			}
			if ok && ap != nil && !w.viewFor(ap.Book, r).Awake(&ap.Node) {
				return nil
			}
			others = others || ok
			continue
		}
		ids, any, err := w.whoItem(r, item, view)
		if err != nil {
			return err
		}
		if any || contains(ids, w.actor.Person) {
			return nil
		}
		others = others || len(ids) > 0
	}
	found, why, err := w.permit(r.form, c.Class, t)
	if found || err != nil {
		return err
	}
	if t.asking && t.need == nil {
		t.need = c.Class
		return nil
	}
	if t.asking {
		return nil
	}
	zh, en := textOr(c.Class.Label, c.Class.ID).ZH, textOr(c.Class.Label, c.Class.ID).EN
	say := label("内含“"+zh+"”，"+strconv.Itoa(t.rows)+" 行要批准后才能导出", "It holds “"+en+"” data; exporting "+strconv.Itoa(t.rows)+" rows needs an approval")
	if why != nil {
		say = *why
	}
	ref := w.refuse("class", r, a, []Reason{{Clause: clause, Say: say}})
	ref.Ask = others && t.list != nil && w.me != nil
	return ref
}
