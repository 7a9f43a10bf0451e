package engine

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// A saved view is a record of base.saved_view: made, changed and dropped by acts like any other, so the
// journal tells who shared what. It is seen by whoever made it and, when shared, by the people of the unit.

const savedViewForm = "base.saved_view"

// SavedView is a list as somebody keeps it: filter, columns and order under a name.
type SavedView struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Query   string `json:"query"`    // view=…&f=…&q=…&sort=…&cols=…, as the list's address holds it
	Unit    *Ref   `json:"unit"`     // whom it is shared with; null: its maker alone
	Default bool   `json:"default"`  // opens the register: the maker's own before the unit's
	MayEdit bool   `json:"may_edit"` // rename, change, share, drop
	By      *Ref   `json:"by"`
}

// SavedViewChange is what is given of a saved view; nil leaves a thing as it is.
type SavedViewChange struct {
	Name, Query, Unit *string // Unit "" takes it back from the unit
	Default           *bool
}

// SavedViews are the views of a register that the actor keeps or that are shared with him: his own
// first, then those of the nearest unit.
func (e *Engine) SavedViews(ctx context.Context, now time.Time, actor Actor, form string) ([]SavedView, error) {
	list := []SavedView{}
	err := e.read(ctx, now, actor, func(w *work) error {
		list = list[:0]
		if _, err := w.formSeen(form); err != nil || w.me == nil {
			return err
		}
		var err error
		list, err = w.savedViews(form)
		return err
	})
	return list, err
}

func (w *work) savedViews(form string) ([]SavedView, error) {
	f := w.e.Lib.Form(savedViewForm)
	rows, err := w.tx.Select(query.Select{Table: f.Table, Alias: "this",
		Where: query.And(query.Eq("this", "of_form", form), query.Eq("this", "state", firstState(f)), w.where(f, "this")),
		Order: []query.Order{{Expr: query.Col{Alias: "this", Name: "at"}}, {Expr: query.Col{Alias: "this", Name: "id"}}}})
	if err != nil {
		return nil, err
	}
	list := []SavedView{}
	newest := map[string]int{} // owner → the view that was made default last
	since := map[string]string{}
	rank := map[string]int{}
	for i, u := range w.scopeOf(f).shared {
		rank[u] = i + 1
	}
	for _, row := range rows {
		unit := str(row["for_unit"])
		v := SavedView{ID: str(row["id"]), Name: str(row["name"]), Query: str(row["query"]), Unit: w.unitRef(unit), By: w.personRef(str(row["by"]))}
		v.MayEdit = str(row["by"]) == w.me.id || w.headOf(unit)
		if d := str(row["default_since"]); d != "" && d >= since[unit] {
			newest[unit], since[unit] = len(list), d
		}
		list = append(list, v)
	}
	for _, i := range newest {
		list[i].Default = true
	}
	slices.SortStableFunc(list, func(a, b SavedView) int { return rank[idOf(a.Unit)] - rank[idOf(b.Unit)] })
	return list, nil
}

func idOf(r *Ref) string {
	if r == nil {
		return ""
	}
	return r.ID
}

// sharedUnits are the units whose views the actor sees, the nearest first.
func (w *work) sharedUnits() []string {
	var list []string
	places, _ := w.places(nil)
	for _, p := range places {
		for u := range w.world.chain(p) {
			if !contains(list, u) {
				list = append(list, u)
			}
		}
	}
	for _, u := range sortedKeys(w.world.units) {
		if w.headOf(u) && !contains(list, u) {
			list = append(list, u)
		}
	}
	return list
}

// headOf tells whether the actor is the head of this very unit.
func (w *work) headOf(unit string) bool {
	u := w.world.units[unit]
	return u != nil && w.me != nil && u.head == w.me.id
}

// SaveView keeps a new view and answers it.
func (e *Engine) SaveView(ctx context.Context, now time.Time, actor Actor, form, key string, c SavedViewChange) (*SavedView, error) {
	if err := e.judgeView(ctx, now, actor, form, "", c.Query); err != nil {
		return nil, err
	}
	values := c.values()
	values["of_form"] = form
	out, err := e.Do(ctx, now, Act{Form: savedViewForm, Action: "create", Values: values, Key: key, Actor: actor})
	if err != nil {
		return nil, err
	}
	return e.viewAfter(ctx, now, actor, form, out.Record, key, c.Default)
}

// ChangeView renames, changes, shares or makes default.
func (e *Engine) ChangeView(ctx context.Context, now time.Time, actor Actor, form, id, key string, c SavedViewChange) (*SavedView, error) {
	if err := e.judgeView(ctx, now, actor, form, id, c.Query); err != nil {
		return nil, err
	}
	if values := c.values(); len(values) > 0 {
		if _, err := e.Do(ctx, now, Act{Form: savedViewForm, Record: id, Action: "edit", Values: values, Key: key, Actor: actor}); err != nil {
			return nil, err
		}
	}
	return e.viewAfter(ctx, now, actor, form, id, key, c.Default)
}

// DropView takes a view out of the lists.
func (e *Engine) DropView(ctx context.Context, now time.Time, actor Actor, form, id, key string) error {
	if err := e.judgeView(ctx, now, actor, form, id, nil); err != nil {
		return err
	}
	_, err := e.Do(ctx, now, Act{Form: savedViewForm, Record: id, Action: "drop", Key: key, Actor: actor})
	return err
}

func (c SavedViewChange) values() map[string]any {
	m := map[string]any{}
	if c.Name != nil {
		m["name"] = strings.TrimSpace(*c.Name)
	}
	if c.Query != nil {
		m["query"] = *c.Query
	}
	if c.Unit != nil {
		m["for_unit"] = *c.Unit
	}
	return m
}

func (e *Engine) viewAfter(ctx context.Context, now time.Time, actor Actor, form, id, key string, first *bool) (*SavedView, error) {
	if first != nil {
		a := Act{Form: savedViewForm, Record: id, Action: either(*first, "open_first", "open_last"), Actor: actor}
		if key != "" {
			a.Key = key + "/default"
		}
		if _, err := e.Do(ctx, now, a); err != nil {
			return nil, err
		}
	}
	list, err := e.SavedViews(ctx, now, actor, form)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].ID == id {
			return &list[i], nil
		}
	}
	return nil, missing(e.Lib.Form(savedViewForm), id)
}

// judgeView makes sure that a view is one of this register, and that what it asks can be asked.
func (e *Engine) judgeView(ctx context.Context, now time.Time, actor Actor, form, id string, q *string) error {
	return e.read(ctx, now, actor, func(w *work) error {
		f, err := w.formSeen(form)
		if err != nil {
			return err
		}
		if id != "" {
			list, err := w.savedViews(form)
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(list, func(v SavedView) bool { return v.ID == id }) {
				return missing(w.e.Lib.Form(savedViewForm), id)
			}
		}
		if q == nil {
			return nil
		}
		return w.judgeQuery(f, *q)
	})
}

const queryMax = 4000

func (w *work) judgeQuery(f *rulebook.Form, q string) error {
	bad := func(zh, en string) error { return fault.At("query", zh, en) }
	v, err := url.ParseQuery(q)
	if err != nil || len(q) > queryMax {
		return bad("条件写得不对，或太长", "The query cannot be read, or is too long")
	}
	for k := range v {
		switch k {
		case "view", "f", "q", "sort", "cols":
		default:
			return bad("条件里没有“"+k+"”这一项", "A view has no "+k)
		}
	}
	if _, err := w.plan(ListQuery{Form: f.Key, View: v.Get("view"), Q: v.Get("q"), Sort: v.Get("sort")}); err != nil {
		return err
	}
	known := func(id string) bool {
		return f.Field(id) != nil || contains([]string{"number", "state", "title", "unit", "by", "at"}, id)
	}
	for _, id := range strings.FieldsFunc(v.Get("cols"), func(r rune) bool { return r == ',' }) {
		if !known(id) {
			return unknownField(id)
		}
	}
	for _, c := range v["f"] {
		if id, _, _ := strings.Cut(c, "~"); !known(id) {
			return unknownField(id)
		}
	}
	return nil
}
