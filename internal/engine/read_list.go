package engine

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// ListQuery asks for a page of a register.
type ListQuery struct {
	Form   string
	View   string   // a saved view of the rulebook
	Filter string   // CEL over this
	Q      string   // text
	Sort   string   // field or -field
	Cursor string   // of the page before
	Limit  int      // default 50, at most 200
	Count  bool     // count all that fit, up to countCap
	Fields []string // columns to fill beside those of the form; computed ones only if named
	taken  int      // rows of the export that this page is of
}

// Page is a page of rows.
type Page struct {
	Rows     []Row  `json:"rows"`
	Next     string `json:"next,omitempty"`
	Total    *int   `json:"total"`
	MoreThan bool   `json:"more_than"`
}

// Row is one record in a list.
type Row struct {
	ID         string         `json:"id"`
	Number     string         `json:"number"`
	Title      string         `json:"title"`
	TitleEN    string         `json:"title_en,omitempty"` // where it is another in English
	State      string         `json:"state"`
	StateLabel Text           `json:"state_label"`
	Unit       *Ref           `json:"unit"`
	By         *Ref           `json:"by"`
	At         string         `json:"at"`
	Etag       string         `json:"etag"`
	Values     map[string]any `json:"values"`
	Holder     []Holder       `json:"holder"`
	Due        *Due           `json:"due"`
}

// Due is the worst running deadline of a record.
type Due struct {
	Name   string `json:"name"`
	Label  Text   `json:"label"`
	Due    string `json:"due"`
	From   string `json:"from"`
	Clause string `json:"clause,omitempty"`
	State  string `json:"state"`
	Paused bool   `json:"paused"`
}

const countCap = 10000 // beyond it nobody reads the number

// List answers a page of a register with the reader's eyes.
func (e *Engine) List(ctx context.Context, now time.Time, actor Actor, q ListQuery) (*Page, error) {
	var page *Page
	err := e.read(ctx, now, actor, func(w *work) error {
		p, err := w.list(q)
		page = p
		return err
	})
	return page, err
}

// plan is a list question made ready: condition, order, and what goes into a row.
type plan struct {
	form   *rulebook.Form
	where  query.Expr
	any    []query.Expr // and one of these; nil = where says all
	sort   query.Expr
	column string
	desc   bool
	fields map[string]bool
}

func (w *work) list(q ListQuery) (*Page, error) {
	p, err := w.plan(q)
	if err != nil {
		return nil, err
	}
	limit := q.Limit
	if limit <= 0 {
		limit = 50
	}
	limit = min(limit, 200)
	page := &Page{Rows: []Row{}}
	w.taken = q.taken
	recs, next, err := w.page(p, q.Cursor, limit)
	if err != nil {
		return nil, err
	}
	page.Next = next
	if page.Rows, err = w.rowsOut(p, recs); err != nil {
		return nil, err
	}
	if q.Count {
		n, err := w.count(p, countCap)
		if err != nil {
			return nil, err
		}
		page.Total, page.MoreThan = &n.Total, n.MoreThan
	}
	return page, nil
}

// ListCount is how many records a list question finds, up to a number beyond which nobody reads it.
type ListCount struct {
	Total    int  `json:"total"`
	MoreThan bool `json:"more_than"`
}

// FormCount is a list question's count, and those of the rulebook's views beside it.
type FormCount struct {
	ListCount
	Views map[string]ListCount `json:"views,omitempty"`
}

const tabCap = 999 // of the number beside a tab

// FormCount counts what a list question finds; with views also each of the rulebook's views, as it stands.
func (e *Engine) FormCount(ctx context.Context, now time.Time, actor Actor, q ListQuery, views bool) (*FormCount, error) {
	out := &FormCount{}
	err := e.read(ctx, now, actor, func(w *work) error {
		p, err := w.plan(q)
		if err != nil {
			return err
		}
		if out.ListCount, err = w.count(p, tabCap); err != nil || !views {
			return err
		}
		out.Views = map[string]ListCount{}
		for _, v := range p.form.View {
			p, err := w.plan(ListQuery{Form: q.Form, View: v.ID})
			if err != nil {
				return err
			}
			if out.Views[v.ID], err = w.count(p, tabCap); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

func (w *work) count(p *plan, most int) (ListCount, error) {
	rows, err := w.tx.Select(query.Select{Table: p.form.Table, Alias: "this", Where: p.where, Any: p.any, Limit: most + 1,
		Columns: []query.Column{{Name: "id", Expr: query.Col{Alias: "this", Name: "id"}}}})
	return ListCount{min(len(rows), most), len(rows) > most}, err
}

func (w *work) plan(q ListQuery) (*plan, error) {
	f, err := w.formSeen(q.Form)
	if err != nil {
		return nil, err
	}
	p := &plan{form: f, fields: map[string]bool{}, where: w.whereClass(f, "this")}
	sort := q.Sort
	if q.View != "" {
		v := savedView(f, q.View)
		if v == nil {
			return nil, fault.At("view", "没有这个视图："+q.View, "There is no view "+q.View)
		}
		if v.Where != nil { // the rulebook's own words: trusted, but answered within the reader's scope
			x, ok := v.Where.Query("this", w.scope(nil, w.view(w.blank(f, w.myUnit())), nil))
			if !ok {
				return nil, fault.New(fault.Internal, "视图“"+q.View+"”无法查询", "View "+q.View+" cannot be asked")
			}
			p.where = query.And(p.where, x)
		}
		if sort == "" {
			sort = v.Sort
		}
		for _, c := range v.Column {
			p.fields[c] = true
		}
	}
	if q.Filter != "" {
		x, err := w.filter(f, q.Filter)
		if err != nil {
			return nil, err
		}
		p.where = query.And(p.where, x)
	}
	found, narrowed, err := w.found(f, searchWords(q.Q))
	if err != nil {
		return nil, err
	}
	p.where = query.And(p.where, found)
	for _, c := range append(w.columns(f), q.Fields...) {
		p.fields[c] = true
	}
	if err := w.sortBy(p, sort); err != nil {
		return nil, err
	}
	return p, w.reach(p, narrowed)
}

func savedView(f *rulebook.Form, id string) *rulebook.SavedView {
	for _, v := range f.View {
		if v.ID == id {
			return v
		}
	}
	return nil
}

func (w *work) myUnit() string {
	if w.me != nil {
		return first(str(w.me.row["unit"]), w.world.top)
	}
	return w.world.top
}

// sortBy resolves the sort key: a real column that this reader may ask about.
func (w *work) sortBy(p *plan, sort string) error {
	name := strings.TrimPrefix(sort, "-")
	p.desc = strings.HasPrefix(sort, "-")
	if name == "" {
		name, p.desc = "at", true
	}
	unknown := fault.At("sort", "不能按“"+name+"”排序", "Cannot sort by "+name)
	switch name {
	case "number", "state", "at", "unit", "by":
	default:
		fd := p.form.Field(name)
		if fd == nil || live(fd) || !w.open(p.form, fd) || fd.Personal || columnKind(fd.Type) == "json" {
			return unknown
		}
	}
	p.column = name
	p.sort = query.Col{Alias: "this", Name: name}
	return nil
}

// page loads one page by its keyset: stable while rows come and go, and as quick on page 1000 as on page 1.
func (w *work) page(p *plan, cursor string, limit int) ([]*Record, string, error) {
	where := p.where
	if cursor != "" {
		x, err := after(p, cursor)
		if err != nil {
			return nil, "", err
		}
		where = query.And(where, x)
	}
	order := []query.Order{{Expr: p.sort, Desc: p.desc}, {Expr: query.Col{Alias: "this", Name: "id"}, Desc: p.desc}}
	rows, err := w.tx.Select(query.Select{Table: p.form.Table, Alias: "this", Where: where, Any: p.any, Order: order, Limit: limit + 1})
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(rows) > limit {
		rows = rows[:limit]
		last := rows[limit-1]
		b, _ := json.Marshal([]any{p.column, p.desc, last[p.column], last["id"]})
		next = base64.RawURLEncoding.EncodeToString(b)
	}
	var list []*Record
	for _, row := range rows {
		r := w.adopt(p.form, row)
		if w.classSeen(r) { // a secret form shows only the rows its class lets through
			list = append(list, r)
		}
	}
	return list, next, nil
}

// after is the condition for rows behind a cursor. NULL sorts first ascending, last descending.
func after(p *plan, cursor string) (query.Expr, error) {
	bad := fault.At("cursor", "翻页标记不对，请从头看", "The cursor does not fit; begin anew")
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return nil, bad
	}
	var c []any
	dec := json.NewDecoder(strings.NewReader(string(b)))
	dec.UseNumber()
	if dec.Decode(&c) != nil || len(c) != 4 || c[0] != p.column || c[1] != p.desc {
		return nil, bad
	}
	id, ok := c[3].(string)
	if !ok {
		return nil, bad
	}
	v := c[2]
	if n, ok := v.(json.Number); ok {
		i, err := n.Int64()
		if err != nil {
			return nil, bad
		}
		v = i
	}
	switch v.(type) {
	case nil, string, int64, bool:
	default:
		return nil, bad
	}
	op := func(name string, a query.Expr, v any) query.Expr {
		return query.Op{Name: name, Args: []query.Expr{a, query.Const{Value: v}}}
	}
	cmp := either(p.desc, "<", ">")
	null := query.Op{Name: "isnull", Args: []query.Expr{p.sort}}
	idAfter := op(cmp, query.Col{Alias: "this", Name: "id"}, id)
	or := func(list ...query.Expr) query.Expr { return query.Op{Name: "or", Args: list} }
	switch {
	case v == nil && p.desc:
		return query.And(null, idAfter), nil
	case v == nil:
		return or(query.Op{Name: "not", Args: []query.Expr{null}}, query.And(null, idAfter)), nil
	case p.desc:
		return or(op("<", p.sort, v), null, query.And(op("=", p.sort, v), idAfter)), nil
	}
	return or(op(">", p.sort, v), query.And(op("=", p.sort, v), idAfter)), nil
}
