package engine

import (
	"strings"

	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
)

// drySum counts what a computed value would have been otherwise.
type drySum struct {
	DryChange
	money     bool
	now, then expr.Money
}

func (x *drySum) change() DryChange {
	c := x.DryChange
	if x.money {
		c.Now, c.Then = expr.Format(x.now, expr.Of(expr.KMoney)), expr.Format(x.then, expr.Of(expr.KMoney))
	}
	return c
}

// compareValues works the computed values of a record and of its lines out both ways; those the reader may not read
// stay out.
func (d *dryRun) compareValues(w, v *work, r, then *Record) error {
	for _, f := range r.form.Fields {
		if f.Value == nil || w.visible(r, f) != full {
			continue
		}
		now, err := r.worked(f)
		if err != nil {
			return err
		}
		other, err := then.worked(f)
		if err != nil {
			return err
		}
		d.value(r.form, f, "", now, other)
	}
	for _, l := range r.form.Lines {
		some := false
		for _, f := range l.Fields {
			some = some || f.Value != nil && w.visible(r, f) == full
		}
		if !some {
			continue
		}
		rows, err := r.Lines(l.ID)
		if err != nil {
			return err
		}
		others, err := then.Lines(l.ID)
		if err != nil {
			return err
		}
		for i := range min(len(rows), len(others)) {
			for _, f := range l.Fields {
				if f.Value == nil || w.visible(r, f) != full {
					continue
				}
				now, err := rows[i].Get(f.ID)
				if err != nil {
					return err
				}
				other, err := others[i].Get(f.ID)
				if err != nil {
					return err
				}
				d.value(r.form, f, l.ID+".", now, other)
			}
		}
	}
	return nil
}

// worked is what a computed field would be if it were worked out now, also of one that is kept.
func (r *Record) worked(f *rulebook.Field) (expr.Value, error) {
	if live(f) {
		return r.Get(f.ID)
	}
	return r.compute(f)
}

func (d *dryRun) value(form *rulebook.Form, f *rulebook.Field, line string, now, then expr.Value) {
	if d.values == nil {
		d.values = map[string]*drySum{}
	}
	k := form.Key + "|" + line + f.ID
	x := d.values[k]
	if x == nil {
		x = &drySum{DryChange: DryChange{Form: form.Key, FormLabel: text(form.Label), Label: textOr(f.Label, f.ID), Clause: f.Clause}, money: f.Type.Name == "money"}
		for _, c := range f.Value.Cases {
			x.Clause = first(x.Clause, c.Clause)
		}
		d.values[k] = x
	}
	x.Count++
	if !same(now, then, f.Type) {
		x.Changed++
	}
	x.now, x.then = plus(x.now, now), plus(x.then, then)
}

// plus adds an amount to a sum; a sum beyond what decimals hold stays.
func plus(sum expr.Money, v expr.Value) expr.Money {
	if m, ok := v.(expr.Money); ok {
		if d, err := sum.Add(m.Decimal); err == nil {
			return expr.Money{Decimal: d}
		}
	}
	return sum
}

// same holds two values against each other as they are written.
func same(a, b expr.Value, t rulebook.FieldType) bool {
	x, err1 := encode(a, t)
	y, err2 := encode(b, t)
	return err1 == nil && err2 == nil && equalColumn(x, y)
}

// moneyOpen tells whether the reader sees every amount of a form: who must sign tells between which limits an amount lies.
func (w *work) moneyOpen(f *rulebook.Form) bool {
	for _, fd := range f.Fields {
		if fd.Type.Name == "money" && !w.open(f, fd) {
			return false
		}
	}
	return true
}

// compareApprovals chooses the signers of a record's approvals both ways.
func (d *dryRun) compareApprovals(w, v *work, r, then *Record) error {
	for _, a := range d.book.Approvals {
		if a.Form != r.form.Key {
			continue
		}
		row, err := w.chosen(a, r)
		if err != nil {
			return err
		}
		other, err := v.chosen(a, then)
		if err != nil {
			return err
		}
		if row == nil && other == nil {
			continue // nothing to sign yet
		}
		if d.approvals == nil {
			d.approvals = map[string]*DryChange{}
		}
		k := r.form.Key + "|" + a.ID
		x := d.approvals[k]
		if x == nil {
			x = &DryChange{Form: r.form.Key, FormLabel: text(r.form.Label), Label: textOr(a.Label, a.ID), Clause: a.Clause}
			d.approvals[k] = x
		}
		x.Count++
		if row != other {
			x.Changed++
			x.way(w.signers(row, a.Book), v.signers(other, a.Book))
		}
	}
	return nil
}

// chosen is the row of an approval that a record falls into, nil if none.
func (w *work) chosen(a *rulebook.Approval, r *Record) (*rulebook.ApprovalRow, error) {
	view := w.viewFor(a.Book, r)
	if !view.Awake(&a.Node) {
		return nil, nil
	}
	return w.approvalRow(a, view, w.scope(r, view, nil))
}

func (x *DryChange) way(from, to Text) {
	for i := range x.Ways {
		if x.Ways[i].From == from && x.Ways[i].To == to {
			x.Ways[i].Count++
			return
		}
	}
	x.Ways = append(x.Ways, DryWay{from, to, 1})
}

// signers names who signs by a row of an approval's table.
func (w *work) signers(row *rulebook.ApprovalRow, b *rulebook.Book) Text {
	if row == nil {
		return Text{"没有人", "nobody"}
	}
	var zh, en []string
	var walk func(s *rulebook.Seat)
	walk = func(s *rulebook.Seat) {
		if s.Who != nil {
			for _, it := range s.Who.Items {
				if it.Expr == nil {
					continue
				}
				t := Text{"该记录指明的人", "whom the record names"}
				if b.Role(it.Expr.Text()) != nil {
					t = w.roleLabel(it.Expr.Text())
				}
				zh, en = append(zh, t.ZH), append(en, t.EN)
			}
		}
		for _, x := range s.List {
			walk(x)
		}
	}
	walk(row.Sign)
	return Text{strings.Join(zh, "、"), strings.Join(en, ", ")}
}
