package engine

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// An export that a class lets nobody take alone is asked for by a record of base.export_request: made and decided by acts like any
// other, whatever way they come in. What is asked for is worked out here and not taken from whoever asks. Once granted it opens that
// export to its asker alone, once, to its last day, as he sees the register then.

const (
	exportRequestForm = "base.export_request"
	exportGrant       = "grant"
	exportStart       = "start"
)

// askedExport is the export that a request is for. The order of the rows is not part of what is approved.
type askedExport struct {
	View    string   `json:"view,omitempty"`
	Filter  string   `json:"filter,omitempty"`
	Q       string   `json:"q,omitempty"`
	Columns []string `json:"columns"`
}

// taking is one question whether a list may leave.
type taking struct {
	rows    int
	ordered bool         // judged again: it was counted, and its permit spent, when it was ordered
	list    *askedExport // nil: not a list that can be asked for
	proven  bool         // a packet, each row of which is held against the journal
	asking  bool         // it is asked for only, nothing leaves
	need    *rulebook.Class
	most    int // rows that may leave on a permit; 0: it needed none
}

// exportMost is how many rows leave on a permit for so many: a tenth more may have come meanwhile.
func exportMost(asked int) int { return asked + asked/10 }

// ExportRequest is one's own request as a page shows it.
type ExportRequest struct {
	ID      string `json:"id"`
	Form    string `json:"form"`
	Rows    int64  `json:"rows"`
	Purpose string `json:"purpose"`
	Until   string `json:"until"`
	State   string `json:"state"` // asked granted used declined withdrawn
	Label   Text   `json:"label"` // of the state
	Told    Text   `json:"told"`  // what it covers, in words
	Open    bool   `json:"open"`  // it can be exported now
}

// AskExport asks for the approval of an export, and answers the request it filed.
func (e *Engine) AskExport(ctx context.Context, now time.Time, actor Actor, q ListQuery, purpose, until, key string) (*Outcome, error) {
	b, err := json.Marshal(askedExport{View: q.View, Filter: q.Filter, Q: q.Q, Columns: q.Fields})
	if err != nil {
		return nil, err
	}
	return e.Do(ctx, now, Act{Form: exportRequestForm, Action: "create", Key: key, Actor: actor,
		Values: map[string]any{"of_form": q.Form, "query": string(b), "purpose": purpose, "until": until}})
}

// ExportRequests are the actor's own requests, the newest first, 50 at most.
func (e *Engine) ExportRequests(ctx context.Context, now time.Time, actor Actor) ([]ExportRequest, error) {
	list := []ExportRequest{}
	err := e.read(ctx, now, actor, func(w *work) error {
		list = list[:0]
		f := e.Lib.Form(exportRequestForm)
		rows, err := w.tx.Select(query.Select{Table: f.Table, Alias: "t", Where: query.Eq("t", "by", actor.Person), Limit: 50,
			Order: []query.Order{{Expr: query.Col{Alias: "t", Name: "at"}, Desc: true}, {Expr: query.Col{Alias: "t", Name: "id"}}}})
		for _, row := range rows {
			r := w.adopt(f, row)
			n, _ := row["rows"].(int64)
			list = append(list, ExportRequest{ID: r.id, Form: r.str("of_form"), Rows: n, Purpose: r.str("purpose"), Until: r.str("until"), State: r.State(),
				Label: stateText(f, r.State()), Told: toldOf(r), Open: r.State() == "granted" && w.inTime(r)})
		}
		return err
	})
	return list, err
}

// RequestedExport is the export that one's own request is for, to be begun.
func (e *Engine) RequestedExport(ctx context.Context, now time.Time, actor Actor, id string) (q ListQuery, err error) {
	err = e.read(ctx, now, actor, func(w *work) error {
		f := e.Lib.Form(exportRequestForm)
		r, err := w.get(f, id)
		if err == nil && (actor.Person == "" || str(r.row["by"]) != actor.Person) {
			err = missing(f, id)
		}
		if err != nil {
			return err
		}
		x, err := askedOf(r)
		q = ListQuery{Form: r.str("of_form"), View: x.View, Filter: x.Filter, Q: x.Q, Fields: x.Columns}
		return err
	})
	return q, err
}

func askedOf(r *Record) (x askedExport, err error) {
	v, err := r.Get("query")
	if err != nil {
		return x, err
	}
	s, _ := v.(string)
	if len(s) > queryMax || json.Unmarshal([]byte(s), &x) != nil {
		return x, fault.At("query", "条件写得不对，或太长", "The query cannot be read, or is too long")
	}
	return x, nil
}

func (x askedExport) same(y askedExport) bool {
	return x.View == y.View && x.Filter == y.Filter && x.Q == y.Q && slices.Equal(x.Columns, y.Columns)
}

// toldOf is what a request covers, in words.
func toldOf(r *Record) (t Text) {
	v, _ := r.Get("told")
	s, _ := v.(string)
	_ = json.Unmarshal([]byte(s), &t) // ours; erased, it is empty
	return t
}

func (w *work) inTime(r *Record) bool {
	v, _ := r.Get("until")
	day, ok := v.(calendar.Date)
	return ok && !day.Before(w.world.calendar.DateOf(w.now))
}

// judgeExportRequest is what the acts on a request ask besides their rulebook: what it is for as it is filed, and of who decides
// whether he still is one who may.
func (w *work) judgeExportRequest(r *Record, a *rulebook.Action, d demand) error {
	switch a.ID {
	case "create":
		return w.exportAsked(r, a, d)
	case exportGrant, "decline":
		ids, err := w.exportSigners(r)
		if err != nil {
			return err
		}
		if w.me != nil && d.person {
			for _, id := range append(w.world.standsInFor(w.me.id, w.now), w.me.id) {
				if contains(ids, id) {
					return nil
				}
			}
		}
		return w.refuse("who", r, a, []Reason{{Say: label("现在不由你核准", "It is not yours to decide any more")}})
	}
	return nil
}

// exportAsked works out what a new request is for: its rows, its words, the class that wants the approval and who gives it.
func (w *work) exportAsked(r *Record, a *rulebook.Action, d demand) error {
	if w.me == nil || !d.person {
		return fault.New(fault.Invalid, "导出由本人申请", "An export is asked for by a person")
	}
	x, err := askedOf(r)
	if err != nil {
		return err
	}
	p, err := w.plan(ListQuery{Form: r.str("of_form"), View: x.View, Filter: x.Filter, Q: x.Q, Fields: x.Columns})
	if err != nil {
		return err
	}
	n, err := w.count(p, exportRows)
	if err != nil {
		return err
	}
	if n.MoreThan {
		return tooMany(exportRows)
	}
	form := w.formView(p.form)
	if len(x.Columns) == 0 {
		x.Columns = form.Columns
	}
	told, err := w.exportTold(p.form, form, x, n.Total)
	if err != nil {
		return err
	}
	t := &taking{rows: n.Total, ordered: true, list: &x, asking: true}
	if _, err := w.judgeExport(p.form, t); err != nil {
		return err
	}
	if t.need == nil {
		return w.refuse("require", r, a, []Reason{{Say: label("这次导出不用核准，直接导出", "This export needs no approval: just export")}})
	}
	asked, err := json.Marshal(x)
	if err != nil {
		return err
	}
	words, err := json.Marshal(told)
	if err != nil {
		return err
	}
	for id, v := range map[string]expr.Value{"query": string(asked), "told": string(words), "rows": int64(n.Total), "of_class": t.need.Path} {
		if _, err := r.set(r.form.Field(id), v); err != nil {
			return err
		}
	}
	ids, err := w.exportSigners(r)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return w.refuse("require", r, a, []Reason{{Clause: t.need.Clause, Say: label("现在没有人能核准，请找管理员", "There is nobody now who could approve it; see an administrator")}})
	}
	return w.setSigners(r, ids)
}

func (w *work) setSigners(r *Record, ids []string) error {
	list := make([]expr.Value, 0, len(ids))
	for _, id := range ids {
		p, err := w.person(id)
		if err != nil {
			return err
		}
		list = append(list, p)
	}
	_, err := r.set(r.form.Field("signers"), list)
	return err
}

// exportSigned passes a request on after a signature that did not complete it: to the next seats, or to its end if it was declined.
func (w *work) exportSigned(r *Record, d demand) error {
	if d.refuse {
		r.enter("declined", w.now)
		return nil
	}
	ids, err := w.exportSigners(r)
	if err != nil {
		return err
	}
	return w.setSigners(r, ids)
}

// exportClass is the class that wants the approval of a request.
func (w *work) exportClass(r *Record) *rulebook.Class {
	for _, b := range w.e.Lib.Books {
		for _, c := range b.Classes {
			if c.Path == r.str("of_class") {
				return c
			}
		}
	}
	return nil
}

// exportItems are the awake items of what a class names in export: over a blank record of the unit from which it is asked for.
func (w *work) exportItems(c *rulebook.Class, of *rulebook.Form, unit string) (*Record, *rulebook.View, []*rulebook.WhoItem, error) {
	blank := w.blank(of, unit)
	view := w.view(blank)
	var list []*rulebook.WhoItem
	for _, item := range whoItems(c.Export.By) {
		if !view.Awake(&item.Node) {
			continue
		}
		ok, err := applies(item, w.scope(blank, view, nil))
		if err != nil {
			return nil, nil, nil, err
		}
		if ok {
			list = append(list, item)
		}
	}
	return blank, view, list, nil
}

// asAsker runs fn with the eyes of who filed a request: superior(me) and the like mean his.
func (w *work) asAsker(r *Record, fn func() error) error {
	asker, err := w.person(str(r.row["by"]))
	if err != nil {
		return err
	}
	actor, me := w.actor, w.me
	w.actor, w.me = Actor{Person: asker.id, Origin: actor.Origin}, asker
	defer func() { w.actor, w.me = actor, me }()
	return fn()
}

// exportApproval is the approval that the class of a request names; nil if it names persons.
func (w *work) exportApproval(r *Record) (ap *rulebook.Approval, item *rulebook.WhoItem) {
	c, of := w.exportClass(r), w.e.Lib.Form(r.str("of_form"))
	if c == nil || c.Export == nil || of == nil {
		return nil, nil
	}
	if w.asAsker(r, func() error {
		_, _, items, err := w.exportItems(c, of, r.unitID())
		for _, x := range items {
			if x.Approval != "" && ap == nil {
				ap, item = c.Book.Approval(x.Approval), x
			}
		}
		return err
	}) != nil {
		return nil, nil
	}
	return ap, item
}

// approvalNamed is an approval of a record by its id: of its own rulebook, or of that whose class a request is for.
func (w *work) approvalNamed(r *Record, id string) *rulebook.Approval {
	if r.form.Key == exportRequestForm {
		if c := w.exportClass(r); c != nil {
			return c.Book.Approval(id)
		}
	}
	return r.form.Book.Approval(id)
}

// exportSigners are those who decide a request now: of an approval those whose seats are open, else whom the class names. Never the asker.
func (w *work) exportSigners(r *Record) (ids []string, err error) {
	c, of := w.exportClass(r), w.e.Lib.Form(r.str("of_form"))
	if c == nil || c.Export == nil || of == nil {
		return nil, nil
	}
	if ap, _ := w.exportApproval(r); ap != nil {
		st, err := w.approval(r, ap)
		if err != nil {
			return nil, err
		}
		ids = slices.Clone(st.may)
	} else if err := w.asAsker(r, func() error {
		blank, view, items, err := w.exportItems(c, of, r.unitID())
		for _, item := range items {
			if err != nil {
				return err
			}
			var more []string
			more, _, err = w.whoItem(blank, item, view)
			ids = append(ids, more...)
		}
		return err
	}); err != nil {
		return nil, err
	}
	slices.Sort(ids)
	return slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == str(r.row["by"]) || !w.world.active(id) }), nil
}

// permit looks for the request that opens an export of what a class keeps, and spends it; why tells of one that does not fit.
func (w *work) permit(f *rulebook.Form, c *rulebook.Class, t *taking) (found bool, why *rulebook.Label, err error) {
	if t.list == nil || w.me == nil {
		return false, nil, nil
	}
	form := w.e.Lib.Form(exportRequestForm)
	state := either(t.ordered && !t.asking, "used", "granted")
	rows, err := w.tx.Select(query.Select{Table: form.Table, Alias: "t", Order: []query.Order{{Expr: query.Col{Alias: "t", Name: "at"}}, {Expr: query.Col{Alias: "t", Name: "id"}}},
		Where: query.And(query.Eq("t", "by", w.me.id), query.Eq("t", "state", state), query.Eq("t", "of_form", f.Key), query.Eq("t", "of_class", c.Path))})
	if err != nil {
		return false, nil, err
	}
	for _, row := range rows {
		r, err := w.lock(form, str(row["id"]))
		if err != nil {
			return false, nil, err
		}
		x, err := askedOf(r)
		if err != nil || r.State() != state || !x.same(*t.list) {
			continue
		}
		n, _ := r.row["rows"].(int64)
		most := exportMost(int(n))
		switch {
		case !w.inTime(r):
			l := label("核准的有效期已过，请重新申请", "The approval is over; ask anew")
			why = &l
			continue
		case t.rows > most:
			l := label("核准的是 "+strconv.FormatInt(n, 10)+" 行，现在有 "+strconv.Itoa(t.rows)+" 行，多了一成以上，请重新申请",
				strconv.FormatInt(n, 10)+" rows were approved, there are "+strconv.Itoa(t.rows)+" now, more than a tenth above; ask anew")
			why = &l
			continue
		}
		if t.most == 0 || most < t.most {
			t.most = most
		}
		if t.ordered {
			return true, nil, nil
		}
		return true, nil, w.asClock(func() error {
			_, err := w.perform(r, form.Action(exportStart), demand{})
			return err
		})
	}
	return false, why, nil
}

// exportTold says what an export covers: rows, view, filter, search and columns, in both languages.
func (w *work) exportTold(f *rulebook.Form, form *FormView, x askedExport, rows int) (Text, error) {
	zh, en := []string{}, []string{}
	add := func(z, e string) { zh, en = append(zh, z), append(en, e) }
	if v := savedView(f, x.View); v != nil {
		l := textOr(v.Label, v.ID)
		add("视图：“"+l.ZH+"”", "View: “"+l.EN+"”")
	}
	if x.Filter != "" {
		t := w.filterWords(f, x.Filter)
		add("条件："+t.ZH, "Filter: "+t.EN)
	}
	if x.Q != "" {
		add("搜索：“"+x.Q+"”", "Search: “"+x.Q+"”")
	}
	if len(zh) == 0 {
		add("全部，不加条件", "All, no filter")
	}
	add("共 "+strconv.Itoa(rows)+" 行", strconv.Itoa(rows)+" rows in all")
	var cz, ce []string
	for _, id := range x.Columns {
		l := Text{}
		switch i := slices.IndexFunc(form.Fields, func(v FieldView) bool { return v.ID == id }); {
		case id == "number":
			l = Text{"编号", "Number"}
		case id == "state":
			l = Text{"状态", "State"}
		case i < 0:
			return Text{}, unknownField(id)
		default:
			l = form.Fields[i].Label
		}
		cz, ce = append(cz, l.ZH), append(ce, l.EN)
	}
	add("各栏："+strings.Join(cz, "、"), "Columns: "+strings.Join(ce, ", "))
	return Text{strings.Join(zh, "\n"), strings.Join(en, "\n")}, nil
}
