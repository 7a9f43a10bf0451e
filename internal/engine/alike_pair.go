package engine

import (
	"context"
	"slices"
	"strings"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// AlikePairs are records of one form that may be the same, two by two, of a part of its register; Next goes on with the rest.
type AlikePairs struct {
	Pairs  []AlikePair `json:"pairs"`
	Looked int         `json:"looked"` // records that were compared with all others
	Next   string      `json:"next"`   // "" at the end
}

// AlikePair is a record and an earlier one that may be the same.
type AlikePair struct {
	One   Alike `json:"one"`
	Other Alike `json:"other"`
}

// alikePart is how many records are looked at with one question; each asks several of the database.
const alikePart = 50

// AlikePairs looks through a part of the register, the newest first, for pairs that may be the same and of which nobody has said that
// they are not. Only what the reader sees in full is compared, and only records he sees.
func (e *Engine) AlikePairs(ctx context.Context, now time.Time, actor Actor, form, cursor string) (*AlikePairs, error) {
	v := &AlikePairs{Pairs: []AlikePair{}}
	err := e.read(ctx, now, actor, func(w *work) error {
		f, err := w.formSeen(form)
		if err != nil {
			return err
		}
		v = &AlikePairs{Pairs: []AlikePair{}}
		if f.Merge == nil {
			return fault.New(fault.NotFound, "“"+f.Label.ZH+"”不能合并", "Records of “"+text(f.Label).EN+"” are not merged")
		}
		return w.alikePairs(f, cursor, v)
	})
	return v, err
}

func (w *work) alikePairs(f *rulebook.Form, cursor string, v *AlikePairs) error {
	where := query.And(w.where(f, "this"), standing("this"))
	if at, id, ok := strings.Cut(cursor, "/"); ok {
		before := query.And(query.Eq("this", "at", at), query.Op{Name: "<", Args: []query.Expr{query.Col{Alias: "this", Name: "id"}, query.Const{Value: id}}})
		where = query.And(where, query.Op{Name: "or", Args: []query.Expr{query.Op{Name: "<", Args: []query.Expr{query.Col{Alias: "this", Name: "at"}, query.Const{Value: at}}}, before}})
	}
	rows, err := w.tx.Select(query.Select{Table: f.Table, Alias: "this", Where: where, Order: newestFirst("this"), Limit: alikePart})
	if err != nil {
		return err
	}
	for _, row := range rows {
		r := w.adopt(f, row)
		v.Next = str(r.row["at"]) + "/" + r.id
		if !w.classSeen(r) {
			continue
		}
		v.Looked++
		values, lines, err := w.sayable(r)
		if err != nil {
			return err
		}
		list, err := w.alike(f, values, lines, r.id)
		if err != nil {
			return err
		}
		for _, x := range list {
			other := w.recs[recKey(f.Key, x.ID)]
			if other == nil || !earlier(other, r) || w.saidApart(r, other) {
				continue
			}
			one := Alike{Form: f.Key, ID: r.id, Number: r.Number(), Title: w.title(r), StateLabel: stateText(f, r.State()), Why: x.Why}
			v.Pairs = append(v.Pairs, AlikePair{One: one, Other: x})
		}
	}
	if len(rows) < alikePart {
		v.Next = ""
	}
	return nil
}

// earlier tells whether a comes after b in a register with the newest first: a pair is told once, with its newer one.
func earlier(a, b *Record) bool {
	x, y := str(a.row["at"]), str(b.row["at"])
	return x < y || x == y && a.id < b.id
}

// saidApart tells whether somebody has said of two records that they are not the same.
func (w *work) saidApart(a, b *Record) bool {
	id := a.form.Merge.Merge.Apart
	return id != "" && (slices.Contains(idList(a.row[id]), b.id) || slices.Contains(idList(b.row[id]), a.id))
}

// sayable are the texts of a record that this reader sees in full, as if he filed it himself.
func (w *work) sayable(r *Record) (map[string]any, map[string][]map[string]any, error) {
	values, lines := map[string]any{}, map[string][]map[string]any{}
	for _, fd := range r.form.Fields {
		if fd.Type.Expr.Kind != expr.KText || live(fd) || w.visible(r, fd) != full {
			continue
		}
		v, err := r.Get(fd.ID)
		if err != nil {
			return nil, nil, err
		}
		values[fd.ID] = v
	}
	for _, l := range r.form.Lines {
		rows, err := r.Lines(l.ID)
		if err != nil {
			return nil, nil, err
		}
		for _, x := range rows {
			row := map[string]any{}
			for _, fd := range l.Fields {
				if fd.Type.Expr.Kind != expr.KText || fd.Value != nil || w.visible(r, fd) != full {
					continue
				}
				v, err := x.Get(fd.ID)
				if err != nil {
					return nil, nil, err
				}
				row[fd.ID] = v
			}
			lines[l.ID] = append(lines[l.ID], row)
		}
	}
	return values, lines, nil
}
