package engine

import (
	"context"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// Download is File for who takes an attachment along and does not only look at it on the page: what stands in the way of exporting the
// record it hangs on stands in the way of this too, and it is kept in base.access. What hangs on no record, somebody's own upload, is
// his.
func (e *Engine) Download(ctx context.Context, now time.Time, actor Actor, id string) (*FileValue, error) {
	now = now.UTC().Truncate(time.Millisecond)
	var f *FileValue
	var of *Record
	err := e.DB.Write(ctx, func(tx *store.Tx) error {
		w, err := e.begin(ctx, tx, now, actor)
		if err != nil {
			return err
		}
		row, err := w.fileRow(id)
		if err != nil {
			return err
		}
		m, err := w.fileMeta(id)
		if err != nil {
			return err
		}
		f, of = &m, w.fileHolder(id)
		switch {
		case of != nil:
		case str(row["by"]) == actor.Person:
			return nil
		default:
			return fault.Missing("file", id)
		}
		a := of.form.Action("export")
		if a == nil {
			a = &rulebook.Action{ID: "export", Form: of.form, Implicit: true}
		}
		for _, r := range []*Record{of, w.blank(of.form, w.myUnit())} { // a shared record is of no unit; he is of his
			if err := w.judgeGates(r, a, demand{person: true}); err != nil {
				return err
			}
		}
		if err := w.took(of.form.Key, of, "download", 1); err != nil {
			return err
		}
		if err := w.settle(); err != nil {
			return err
		}
		return w.logRead(of, of.form.Key, "download", map[string]any{"file": id})
	})
	if ref, ok := AsRefusal(err); ok {
		e.logRefusal(ctx, now, Act{Form: of.form.Key, Record: of.id, Action: "export", Actor: actor}, ref)
	}
	return f, err
}
