package engine

import (
	"slices"

	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// dropFiles destroys what is attached to a record: its content leaves the database. What proves the destruction itself stays, and what
// another record that is not destroyed names too.
func (w *work) dropFiles(r *Record, a *rulebook.Action) error {
	var proof, ids []string
	note := func(raw any) {
		for _, id := range fileIDs(raw) {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	with := r.form.Retention.Retention.Destroy.With
	for _, f := range r.form.Fields {
		switch {
		case !attaches(f):
		case slices.Contains(with, f.ID):
			proof = append(proof, fileIDs(r.row[f.ID])...)
		default:
			note(r.row[f.ID])
			if _, err := r.set(f, nil); err != nil {
				return err
			}
		}
	}
	for _, l := range r.form.Lines {
		if !slices.ContainsFunc(l.Fields, attaches) {
			continue
		}
		rows, err := r.Lines(l.ID)
		if err != nil {
			return err
		}
		for _, x := range rows {
			for _, f := range l.Fields {
				if attaches(f) {
					note(x.row[f.ID])
				}
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	if err := w.flush(); err != nil {
		return err
	}
	gone := false
	for _, id := range ids {
		if slices.Contains(proof, id) {
			continue
		}
		named, err := w.namedElsewhere(r, id)
		if err != nil {
			return err
		}
		if named {
			continue
		}
		rows, err := w.tx.Select(query.Select{Table: "file", Alias: "f", Where: query.Eq("f", "id", id), Limit: 1})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			continue
		}
		if err := w.tx.DropBlob(str(rows[0]["blob"])); err != nil {
			return err
		}
		if _, err := w.tx.Delete("file", query.Eq("f", "id", id)); err != nil {
			return err
		}
		gone = true
	}
	if gone {
		w.tx.OnCommit(func() { w.e.cleared.Store(true) })
		w.effect(Effect{Kind: "erase", Form: r.form.Key, Record: r.id, Name: "files", Clause: a.Clause})
	}
	return nil
}

// attaches tells whether a field holds attachments.
func attaches(f *rulebook.Field) bool {
	return (f.Type.Name == "file" || f.Type.Name == "files") && !live(f)
}

// fileIDs are the attachments that a column names.
func fileIDs(raw any) []string {
	s := str(raw)
	if s == "" {
		return nil
	}
	if ids := idList(s); ids != nil {
		return ids
	}
	return []string{s}
}

// namedElsewhere tells whether another record that is not destroyed names an attachment.
func (w *work) namedElsewhere(of *Record, id string) (bool, error) {
	holds := func(alias, column string) query.Expr {
		return query.Op{Name: "contains", Args: []query.Expr{query.Col{Alias: alias, Name: column}, query.Const{Value: id}}}
	}
	stands := func(f *rulebook.Form, record string) (bool, error) {
		if record == of.id {
			return false, nil
		}
		r, err := w.get(f, record)
		return err == nil && r.row["destroy_at"] == nil, err
	}
	for _, b := range w.e.Lib.Books {
		for _, f := range b.Forms {
			type place struct{ table, column, record string }
			var places []place
			for _, fd := range f.Fields {
				if attaches(fd) {
					places = append(places, place{f.Table, fd.ID, "id"})
				}
			}
			for _, l := range f.Lines {
				for _, fd := range l.Fields {
					if attaches(fd) {
						places = append(places, place{l.Table, fd.ID, "record"})
					}
				}
			}
			for _, p := range places {
				rows, err := w.tx.Select(query.Select{Table: p.table, Alias: "t", Where: holds("t", p.column), Columns: []query.Column{{Name: "record", Expr: query.Col{Alias: "t", Name: p.record}}}})
				if err != nil {
					return false, err
				}
				for _, row := range rows {
					if yes, err := stands(f, str(row["record"])); yes || err != nil {
						return yes, err
					}
				}
			}
		}
	}
	return false, nil
}
