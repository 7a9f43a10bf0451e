package engine

import (
	"context"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// Erasure of a person: the transaction of the act writes down that his keys are to go and blanks his marks and tokens, from
// which moment nothing of his is shown; when it is durable the keys are destroyed. A stop in between is made up for at the
// next start or tick. Records and journal keep the sealed texts: history stands, and nobody can read it.

// effectErase erases the persons an expression names: records, or rows of them.
func (w *work) effectErase(x *rulebook.Effect, r *Record, s *expr.Scope) error {
	v, err := x.For.Eval(s)
	if err != nil {
		return err
	}
	items, err := listOf(v)
	if err != nil {
		return err
	}
	for _, it := range items {
		var of *Record
		id := ""
		switch y := it.(type) {
		case *Record:
			of, id = y, y.id
		case *Line:
			of, id = y.rec, y.id
		default:
			continue
		}
		if err := w.retained(of, r); err != nil {
			return err
		}
		same, err := w.sameBefore(it, of, id)
		if err != nil {
			return err
		}
		for _, id := range same {
			if err := w.eraseSubject(id); err != nil {
				return err
			}
		}
		w.effect(Effect{Kind: "erase", Form: of.form.Key, Record: of.id, Clause: x.Clause})
	}
	return nil
}

// sameBefore is whom an erasure covers: the record or row, and, where other records became one with it, those and their rows that say the same of
// the same person.
func (w *work) sameBefore(it expr.Value, of *Record, id string) ([]string, error) {
	ids := []string{id}
	went := of.form.Went()
	if went == "" {
		return ids, nil
	}
	line, _ := it.(*Line)
	for todo, seen := []string{of.id}, map[string]bool{}; len(todo) > 0; todo = todo[1:] {
		if seen[todo[0]] {
			continue
		}
		seen[todo[0]] = true
		rows, err := w.tx.Select(query.Select{Table: of.form.Table, Alias: "t", Where: query.And(query.Eq("t", went, todo[0]), query.Eq("t", "state", "void"))})
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			was := w.adopt(of.form, row)
			todo = append(todo, was.id)
			if line == nil {
				ids = append(ids, was.id)
				continue
			}
			list, err := was.Lines(line.line.ID)
			if err != nil {
				return nil, err
			}
			for _, x := range list {
				if line.samePerson(x) {
					ids = append(ids, x.id)
				}
			}
		}
	}
	return ids, nil
}

// samePerson tells whether two rows of one table hold the same personal values, and any at all.
func (l *Line) samePerson(x *Line) bool {
	any := false
	for _, f := range l.line.Fields {
		if f.Personal {
			if l.row[f.Mark()] != x.row[f.Mark()] {
				return false
			}
			any = any || l.row[f.Mark()] != nil
		}
	}
	return any
}

// retained refuses to erase what a retention holds. The hold is asked with the engine's eyes and its cause is not named.
func (w *work) retained(r, of *Record) error {
	ref := r.form.Retention
	if ref == nil || ref.Retention == nil {
		return nil
	}
	view := w.view(r)
	if !view.Awake(&ref.Node) || !view.Awake(&ref.Retention.Node) {
		return nil
	}
	for _, c := range ref.Retention.Hold {
		if !view.Awake(&c.Node) {
			continue
		}
		ok, err := w.truth(c.That, view, w.scope(r, view, nil), false)
		if err != nil {
			return err
		}
		if ok {
			return w.refuse("retention", of, w.topAction, []Reason{{Clause: first(c.Clause, ref.Retention.Clause, ref.Clause),
				Say: label("现在还不能擦除：保存期限未到，或依法须留存", "It cannot be erased yet: the term is not over, or the law wants it kept")}})
		}
	}
	return nil
}

// eraseSubject takes a subject out of everything that can be searched or read, as part of this transaction.
func (w *work) eraseSubject(subject string) error {
	if err := w.flush(); err != nil {
		return err
	}
	if _, err := w.tx.Update("subject_key", store.Row{"subject": subject, "erased": nil}, store.Row{"erased": instant(w.now)}); err != nil {
		return err
	}
	delete(w.keys, subject)
	for _, b := range w.e.Lib.Books {
		for _, f := range b.Forms {
			if err := w.blankForm(f, subject); err != nil {
				return err
			}
		}
	}
	w.tx.OnCommit(func() { w.e.owing.Store(true) })
	// Other nodes drop their unwrapped keys when they next look at the world.
	return w.tx.Upsert("meta", []string{"key"}, store.Row{"key": metaErased, "value": w.e.opts.NewID()})
}

const metaErased = "erased" // changes with every erasure

// blankForm empties the marks and tokens of a subject in the records of a form.
func (w *work) blankForm(f *rulebook.Form, subject string) error {
	var records []string
	if hasPersonal(f.Fields) {
		key := store.Row{"id": subject}
		if f.Subject != nil {
			key = store.Row{f.Subject.Column: subject}
		}
		marks := store.Row{}
		for _, fd := range f.Fields {
			if fd.Personal && !live(fd) {
				marks[fd.Mark()] = nil
			}
		}
		for column := range key {
			rows, err := w.tx.Select(query.Select{Table: f.Table, Alias: "t", Where: query.Eq("t", column, subject),
				Columns: []query.Column{{Name: "id", Expr: query.Col{Alias: "t", Name: "id"}}}})
			if err != nil {
				return err
			}
			for _, row := range rows {
				records = append(records, str(row["id"]))
			}
		}
		if len(records) > 0 {
			if _, err := w.tx.Update(f.Table, key, marks); err != nil {
				return err
			}
		}
	}
	for _, l := range f.Lines {
		if !hasPersonal(l.Fields) {
			continue
		}
		rows, err := w.tx.Select(query.Select{Table: l.Table, Alias: "l", Where: query.Eq("l", "id", subject), Limit: 1})
		if err != nil || len(rows) == 0 {
			if err != nil {
				return err
			}
			continue
		}
		marks := store.Row{}
		for _, fd := range l.Fields {
			if fd.Personal {
				marks[fd.Mark()] = nil
			}
		}
		if _, err := w.tx.Update(l.Table, store.Row{"id": subject}, marks); err != nil {
			return err
		}
		records = append(records, str(rows[0]["record"]))
	}
	for _, id := range records {
		if err := w.forget(f, id, subject); err != nil {
			return err
		}
	}
	return nil
}

// forget brings a record in memory to what its columns say now, and its search column with it.
func (w *work) forget(f *rulebook.Form, id, subject string) error {
	r, err := w.get(f, id)
	if err != nil {
		return err
	}
	if r.subject() == subject {
		for _, fd := range f.Fields {
			if fd.Personal {
				r.row[fd.Mark()] = nil
				delete(r.vals, fd.ID)
			}
		}
	}
	for _, l := range f.Lines {
		if !hasPersonal(l.Fields) {
			continue
		}
		lines, err := r.Lines(l.ID)
		if err != nil {
			return err
		}
		for _, x := range lines {
			if x.id != subject {
				continue
			}
			for _, fd := range l.Fields {
				if fd.Personal {
					x.row[fd.Mark()] = nil
				}
			}
		}
	}
	r.row["search"] = r.searchText()
	_, err = w.tx.Update(f.Table, store.Row{"id": r.id}, store.Row{"search": r.row["search"]})
	return err
}

// payErasures destroys what erasures that became durable owe; until it succeeds each act and each tick tries again.
func (e *Engine) payErasures(ctx context.Context, now time.Time) error {
	if !e.owing.CompareAndSwap(true, false) {
		return nil
	}
	_, err := e.destroyErased(ctx, now, false)
	if err != nil {
		e.owing.Store(true)
	}
	return err
}

// destroyErased destroys the keys whose erasure is written down and durable, and clears the space they and their traces took.
// With again, also those that were destroyed before: the keystore may have come back from an older copy.
func (e *Engine) destroyErased(ctx context.Context, now time.Time, again bool) (int, error) {
	var keys []string
	var late int
	err := e.DB.Read(ctx, func(tx *store.Tx) error {
		keys, late = nil, 0
		where := query.Expr(query.Op{Name: "not", Args: []query.Expr{query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "k", Name: "erased"}}}}})
		if !again {
			where = query.And(where, query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "k", Name: "gone"}}})
		}
		rows, err := tx.Select(query.Select{Table: "subject_key", Alias: "k", Where: where})
		for _, row := range rows {
			keys = append(keys, str(row["key"]))
			if row["gone"] == nil {
				late++
			}
		}
		return err
	})
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	gone, err := e.keep.Destroyed(ctx)
	if err != nil {
		return 0, err
	}
	is := map[string]bool{}
	for _, k := range gone {
		is[k] = true
	}
	var todo []string
	for _, k := range keys {
		if !is[k] {
			todo = append(todo, k)
		}
	}
	if len(todo) > 0 {
		if err := e.keep.Destroy(ctx, todo, now); err != nil {
			return 0, err
		}
	}
	if late == 0 && len(todo) == 0 {
		return 0, nil
	}
	if err := e.DB.Write(ctx, func(tx *store.Tx) error {
		w, err := e.begin(ctx, tx, now, Actor{System: true, Origin: "system"})
		if err != nil {
			return err
		}
		for _, k := range keys {
			if _, err := tx.Update("subject_key", store.Row{"key": k, "gone": nil}, store.Row{"gone": instant(now)}); err != nil {
				return err
			}
		}
		return w.writeEntry(nil, nil, Act{Action: "destroy_keys"})
	}); err != nil {
		return 0, err
	}
	return len(todo), e.DB.Scrub(ctx, e.personalTables()...)
}

func (e *Engine) personalTables() []string {
	set := map[string]bool{}
	eachPersonal(e.Lib, func(f *rulebook.Form, l *rulebook.Line, _ *rulebook.Field) {
		set[f.Table] = true
		if l != nil {
			set[l.Table] = true
		}
	})
	return sortedKeys(set)
}
