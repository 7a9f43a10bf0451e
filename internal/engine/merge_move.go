package engine

import (
	"slices"

	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// refersTo tells whether a type names records of a form, and whether one or several.
func refersTo(t expr.Type, f *rulebook.Form) (one, many bool) {
	one = t.Kind == expr.KObject && t.Object == f.Key
	return one, t.Kind == expr.KList && t.Elem != nil && t.Elem.Kind == expr.KObject && t.Elem.Object == f.Key
}

// move makes what names the one that goes name the other, and answers the records that changed by it.
func (m *merging) move() ([]*Record, error) {
	w, to := m.w, m.from.form
	if err := w.flush(); err != nil {
		return nil, err
	}
	var moved []*Record
	for _, b := range w.e.Lib.Books {
		for _, g := range b.Forms {
			if g.Kept == "engine" {
				continue
			}
			for _, fd := range g.Fields {
				one, many := refersTo(fd.Type.Expr, to)
				if live(fd) || !one && !many {
					continue
				}
				recs, err := m.naming(g, g.Table, "id", fd, many, len(moved))
				if err != nil {
					return nil, err
				}
				for _, x := range recs {
					if x == m.from {
						continue
					}
					if err := m.point(x, fd, many); err != nil {
						return nil, err
					}
					if !slices.Contains(moved, x) {
						moved = append(moved, x)
					}
				}
			}
			for _, l := range g.Lines {
				for _, fd := range l.Fields {
					one, many := refersTo(fd.Type.Expr, to)
					if fd.Value != nil || !one && !many {
						continue
					}
					recs, err := m.naming(g, l.Table, "record", fd, many, len(moved))
					if err != nil {
						return nil, err
					}
					for _, x := range recs {
						if err := m.pointRows(x, l, fd, many); err != nil {
							return nil, err
						}
						if !slices.Contains(moved, x) {
							moved = append(moved, x)
						}
					}
				}
			}
		}
	}
	return moved, nil
}

// naming locks the records of a form that name the one that goes in a field of theirs, or of their rows.
func (m *merging) naming(g *rulebook.Form, table, id string, fd *rulebook.Field, many bool, so int) ([]*Record, error) {
	w := m.w
	var where query.Expr = query.Eq("t", fd.ID, m.from.id)
	if many {
		where = query.Op{Name: "contains", Args: []query.Expr{query.Col{Alias: "t", Name: fd.ID}, query.Const{Value: `"` + m.from.id + `"`}}}
	}
	rows, err := w.tx.Select(query.Select{Table: table, Alias: "t", Where: where, Columns: []query.Column{{Name: "id", Expr: query.Col{Alias: "t", Name: id}}},
		Order: []query.Order{{Expr: query.Col{Alias: "t", Name: id}}}, Limit: mergeMost + 1})
	if err != nil {
		return nil, err
	}
	if so+len(rows) > mergeMost {
		return nil, w.refuse("require", m.from, m.a, []Reason{{Say: label("这一份名下的单据太多：请留下这一份，把另一份并进来", "Too many papers name this one: keep it, and merge the other one into it")}})
	}
	var list []*Record
	for _, row := range rows {
		x, err := w.lockNow(g, str(row["id"]))
		if err != nil {
			return nil, err
		}
		if !slices.Contains(list, x) {
			list = append(list, x)
		}
	}
	return list, nil
}

// lockNow loads a record locked as it stands now, also where a rule has read it before.
func (w *work) lockNow(g *rulebook.Form, id string) (*Record, error) {
	row, err := w.tx.GetForUpdate(g.Table, id)
	if err != nil {
		return nil, err
	}
	r := w.adopt(g, row)
	if r.was == nil && r.row["etag"] != row["etag"] { // another was faster between reading and now
		r.row, r.vals, r.stamp, r.stay, r.lines = row, map[string]expr.Value{}, nil, nil, nil
	}
	return r, nil
}

// point makes one field name the one that stays. Signatures that bind the field go on binding it: they meant the same.
func (m *merging) point(x *Record, fd *rulebook.Field, many bool) error {
	w := m.w
	v := expr.Value(m.into)
	if many {
		list := []expr.Value{}
		for _, id := range idList(x.row[fd.ID]) {
			if id == m.from.id {
				id = m.into.id
			}
			if id == x.id && x.form == m.into.form {
				continue // apart from itself
			}
			y, err := w.ref(m.into.form.Key, id)
			if err != nil {
				return err
			}
			if y != nil && !slices.Contains(list, expr.Value(y)) {
				list = append(list, y)
			}
		}
		v = list
	}
	before := map[*rulebook.Approval]string{}
	for _, ap := range x.form.Book.Approvals {
		if slices.Contains(ap.Restart, fd.ID) {
			before[ap] = w.restartHash(x, ap)
		}
	}
	if _, err := x.set(fd, v); err != nil {
		return err
	}
	x.pointed = true
	if x.toldChange == nil {
		x.toldChange = map[string]bool{}
	}
	x.toldChange[fd.ID] = true
	for ap, old := range before {
		if err := m.rebind(x, ap, old); err != nil {
			return err
		}
	}
	return nil
}

// rebind keeps the signatures of an approval that counted when the field still named the other.
func (m *merging) rebind(x *Record, ap *rulebook.Approval, old string) error {
	w, form := m.w, m.w.e.Lib.Form("base.signature")
	rows, err := w.tx.Select(query.Select{Table: form.Table, Alias: "s", Where: query.And(query.Eq("s", "of_id", x.id), query.Eq("s", "approval", ap.ID), query.Eq("s", "restart", old), stillCounts)})
	for _, row := range rows {
		w.adopt(form, row).column("restart", w.restartHash(x, ap))
	}
	return err
}

func (m *merging) pointRows(x *Record, l *rulebook.Line, fd *rulebook.Field, many bool) error {
	rows, err := x.Lines(l.ID)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if !many && str(row.row[fd.ID]) == m.from.id {
			if err := row.put(fd, m.into); err != nil {
				return err
			}
		}
		if ids := idList(row.row[fd.ID]); many && slices.Contains(ids, m.from.id) {
			list := []expr.Value{}
			for _, id := range ids {
				if id == m.from.id {
					id = m.into.id
				}
				if !slices.Contains(list, expr.Value(id)) {
					list = append(list, id)
				}
			}
			if err := row.put(fd, list); err != nil {
				return err
			}
		}
	}
	x.pointed = true
	x.setLines(l.ID, rows)
	return nil
}

// standing are the rules that stand in the way of a paper because of whom it names: those that do not stand in the way of one who is
// new, for what is merely lacking is no bar that a merge could lift.
func (m *merging) standing(r *Record) (map[string]Reason, error) {
	w := m.w
	if err := w.flush(); err != nil {
		return nil, err
	}
	out := map[string]Reason{}
	for _, b := range w.e.Lib.Books {
		for _, g := range b.Forms {
			if g.Kept == "engine" || g == r.form {
				continue
			}
			for _, fd := range g.Fields {
				if one, _ := refersTo(fd.Type.Expr, r.form); !one || fd.Value != nil {
					continue
				}
				for _, a := range g.Actions {
					bars := func(of *Record) (map[string]Reason, error) { return m.bars(g, fd, a, of) }
					found, err := bars(r)
					if err != nil {
						return nil, err
					}
					if len(found) == 0 {
						continue
					}
					fresh := w.blank(r.form, r.unitID())
					fresh.touched = true
					lacking, err := bars(fresh)
					if err != nil {
						return nil, err
					}
					for key, why := range found {
						if _, also := lacking[key]; !also {
							out[key] = why
						}
					}
				}
			}
		}
	}
	return out, nil
}

// bars are the gates that shut one action of a paper that would name a record in one field, and that ask of nothing else in it.
func (m *merging) bars(g *rulebook.Form, fd *rulebook.Field, a *rulebook.Action, of *Record) (map[string]Reason, error) {
	w := m.w
	unit := m.from.unitID()
	if w.me != nil {
		unit = w.home(g.Book)
	}
	x := w.blank(g, unit)
	x.touched = true // it is only tried out, and never written
	if _, err := x.set(fd, of); err != nil {
		return nil, err
	}
	out := map[string]Reason{}
	err := w.shut(x, a, func(v *rulebook.Value) bool { return readsOnly(v, g, fd) }, func(gate *rulebook.Gate, _ *rulebook.View, s *expr.Scope) {
		say := w.say(gate.Say, s, "制度不允许", "The regulation does not allow it")
		out[gate.Path] = Reason{Clause: gate.Clause, Say: say}
	})
	return out, err
}

// formerly are the numbers, codes and names of what was merged into a record: whoever looks for those finds it.
func (r *Record) formerly() []string {
	went := r.form.Went()
	if went == "" || r.fresh {
		return nil
	}
	rows, err := r.w.tx.Select(query.Select{Table: r.form.Table, Alias: "t", Where: query.And(query.Eq("t", went, r.id), query.Eq("t", "state", "void")), Limit: 50})
	if err != nil {
		return nil // the next question of this transaction fails too, and is told
	}
	var list []string
	for _, row := range rows {
		list = append(list, str(row["number"]))
		for _, fd := range r.form.Fields {
			if fd.Class == nil && !live(fd) && (fd.Code || fd.Unique || naming(r.form, fd)) {
				list = append(list, str(row[fd.ID]))
			}
		}
	}
	return list
}

// followMerged makes what is about to be written name the one that stays where a record it names was merged meanwhile. A merge waits for
// those who are about to name a record, and they for it.
func (r *Record) followMerged() error {
	w := r.w
	if r.form.Kept == "engine" {
		return nil
	}
	for _, fd := range r.form.Fields {
		if id := str(r.row[fd.ID]); id != "" && !live(fd) && !mergeField(r.form, fd.ID) && (r.fresh || r.changed(fd.ID)) {
			next, err := w.nextOf(fd, id)
			if err != nil {
				return err
			}
			if next != "" {
				r.column(fd.ID, next)
			}
		}
	}
	for _, id := range sortedKeys(r.lineDirty) {
		for _, row := range r.lines[id] {
			for _, fd := range r.form.Line(id).Fields {
				if fd.Value != nil || str(row.row[fd.ID]) == "" {
					continue
				}
				next, err := w.nextOf(fd, str(row.row[fd.ID]))
				if err != nil {
					return err
				}
				if next != "" {
					row.row[fd.ID] = next
				}
			}
		}
	}
	return nil
}

// nextOf is the record that stays of a merged one that a field names; "" if it names none that was merged.
func (w *work) nextOf(fd *rulebook.Field, id string) (string, error) {
	to := w.e.Lib.Form(fd.Type.Expr.Object)
	if to == nil || to.Went() == "" || fd.Type.Expr.Kind != expr.KObject {
		return "", nil
	}
	if err := w.tx.LockShared(mergeKey(to)); err != nil {
		return "", err
	}
	row, err := w.tx.Get(to.Table, id)
	if err != nil || row["state"] != "void" {
		return "", err
	}
	return str(row[to.Went()]), nil
}
