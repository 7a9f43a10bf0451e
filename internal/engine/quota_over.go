package engine

import (
	"fmt"
	"strings"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// overQuotas does what a quota says for a set that has come to exceed it though nobody joined: its base shrank. It is done
// once, until the set is within its limit again; `this` is the member that came last. Nobody is thrown out.
func (w *work) overQuotas() error {
	if w.reading || w.seeding {
		return nil
	}
	for i := 0; i < len(w.order); i++ { // effects may bring more
		r := w.order[i]
		if r.was == nil && !r.born() {
			continue
		}
		view := w.viewFor(r.form.Book, r)
		for _, q := range r.form.Book.Quotas {
			if q.Of != r.form.Key || len(q.Over) == 0 || !view.Awake(&q.Node) {
				continue
			}
			if err := w.overQuota(q, r, view); err != nil {
				return err
			}
		}
		if err := w.overElsewhere(r); err != nil {
			return err
		}
	}
	return nil
}

// overElsewhere looks at the sets whose limit reads what has changed in another form, or a company value that was changed. One that
// is to be in force later is looked at on its day.
func (w *work) overElsewhere(r *Record) error {
	seen := map[*rulebook.Quota]bool{}
	for _, x := range w.e.Lib.QuotaWatch[r.form.Key] {
		if seen[x.Quota] || !(x.Field == "" || r.born() || r.changed(x.Field)) {
			continue
		}
		seen[x.Quota] = true
		if err := w.overAll(x.Quota); err != nil {
			return err
		}
	}
	if !r.born() || r.form.Key != "base.param_value" && r.form.Key != "base.adoption" {
		return nil
	}
	book := w.e.Lib.Book(r.str("book"))
	from, err := calendar.ParseDate(r.str("from"))
	if book == nil || err != nil {
		return nil
	}
	for _, q := range book.Quotas {
		if len(q.Over) == 0 || r.form.Key == "base.param_value" && !contains(q.Reads, r.str("param")) {
			continue
		}
		if from.After(w.world.calendar.DateOf(w.now)) {
			at := instant(from.Start(w.world.calendar.Zone))
			id := limited + q.Book.ID + "." + q.ID + "@" + at
			if err := w.tx.Upsert("duty_cursor", []string{"id"}, store.Row{"id": id, "duty": id, "next_at": at}); err != nil {
				return err
			}
			continue
		}
		if err := w.overAll(q); err != nil {
			return err
		}
	}
	return nil
}

// limited begins the cursor of a quota that is to be looked at on a day.
const limited = "quota:"

// overOn looks at a quota on the day a company value of it comes into force.
func (w *work) overOn(id string) error {
	if _, err := w.tx.Delete("duty_cursor", query.Eq("d", "id", id)); err != nil {
		return err
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(id, limited), "@")
	book, quota, _ := strings.Cut(name, ".")
	if b := w.e.Lib.Book(book); b != nil && b.Quota(quota) != nil {
		return w.overAll(b.Quota(quota))
	}
	return nil
}

// overAll looks at every partition of a quota that has members, by one of them, and forgets what was exceeded and has none left.
func (w *work) overAll(q *rulebook.Quota) error {
	form := w.e.Lib.Form(q.Of)
	seen := map[string]bool{}
	if err := w.flush(); err != nil {
		return err
	}
	for _, a := range w.world.adoptions {
		if a.book != q.Book.ID {
			continue
		}
		view := w.world.view(w, q.Book, a.unit, w.now)
		if view.Adoption == "" || !view.Awake(&q.Node) {
			continue
		}
		s := w.scope(nil, view, nil)
		var where query.Expr = query.Op{Name: "<>", Args: []query.Expr{query.Col{Alias: "this", Name: "state"}, query.Const{Value: "void"}}}
		who, err := w.counts(q, view, s)
		if err != nil {
			return err
		}
		where = query.And(where, who)
		var group []query.Expr
		for _, e := range q.Per {
			x, ok := e.Query("this", s)
			if !ok {
				return fmt.Errorf("%q is not in the SQL half", e.Text())
			}
			group = append(group, x)
		}
		rows, err := w.tx.Select(query.Select{Table: form.Table, Alias: "this", Where: where, Group: group,
			Columns: []query.Column{{Name: "id", Expr: query.Col{Alias: "this", Name: "id"}, Agg: "max"}}})
		if err != nil {
			return err
		}
		for _, row := range rows {
			r, err := w.ref(q.Of, str(row["id"]))
			if err != nil {
				return err
			}
			if r == nil || seen[r.id] || !w.world.within(r.unitID(), a.unit) {
				continue
			}
			seen[r.id] = true
			if err := w.overPartition(q, r, r, w.viewFor(q.Book, r), false); err != nil {
				return err
			}
			_, key, err := w.partition(q.Per, w.scope(r, view, nil))
			if err != nil {
				return err
			}
			seen[q.Book.ID+"."+q.ID+key] = true
		}
	}
	known, err := w.tx.Select(query.Select{Table: "quota_over", Alias: "t", Where: query.Op{Name: "startswith", Args: []query.Expr{column("id"), query.Const{Value: q.Book.ID + "." + q.ID}}}})
	if err != nil {
		return err
	}
	for _, row := range known {
		id := str(row["id"])
		if rest := strings.TrimPrefix(id, q.Book.ID+"."+q.ID); seen[id] || rest != "" && rest[0] != '|' {
			continue
		}
		if _, err := w.tx.Delete("quota_over", query.Eq("t", "id", id)); err != nil {
			return err
		}
	}
	return nil
}

// overQuota looks at the partitions a changed record is in and was in.
func (w *work) overQuota(q *rulebook.Quota, r *Record, view *rulebook.View) error {
	now, before, err := w.seats(q, r, view)
	if err != nil {
		return err
	}
	if err := w.overPartition(q, r, r, view, now != "" && now != before); err != nil || r.born() {
		return err
	}
	_, is, err := w.partition(q.Per, w.scope(r, view, nil))
	if err != nil {
		return err
	}
	old := oldRecord{r}
	_, was, err := w.partition(q.Per, w.scope(r, view, map[string]expr.Value{"this": old}))
	if err != nil || was == is {
		return err
	}
	return w.overPartition(q, r, old, view, false)
}

// overPartition does over: once for the partition that this is in, unless it exceeds because r joined: then it was refused, or let in by a
// waiver.
func (w *work) overPartition(q *rulebook.Quota, r *Record, this expr.Value, view *rulebook.View, joined bool) error {
	c, err := w.quota(q, r, view, w.scope(r, view, map[string]expr.Value{"this": this}))
	if err != nil {
		return err
	}
	known, err := w.tx.Count("quota_over", query.Eq("t", "id", c.key))
	if err != nil {
		return err
	}
	switch {
	case !c.over() && known > 0:
		_, err := w.tx.Delete("quota_over", query.Eq("t", "id", c.key))
		return err
	case !c.over() || known > 0:
		return nil
	}
	if err := w.tx.Insert("quota_over", store.Row{"id": c.key, "at": instant(w.now)}); err != nil || joined {
		return err
	}
	rows, err := w.tx.Select(query.Select{Table: r.form.Table, Alias: "this", Where: c.where, Limit: 1, Order: []query.Order{
		{Expr: query.Col{Alias: "this", Name: "at"}, Desc: true}, {Expr: query.Col{Alias: "this", Name: "id"}, Desc: true}}})
	if err != nil || len(rows) == 0 {
		return err
	}
	w.clause(q.Clause)
	return w.effects_(q.Over, w.adopt(r.form, rows[0]), view, nil)
}
