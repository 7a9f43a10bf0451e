package engine

import (
	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// What a reader may see is an or of units and of columns that name him. Who sees most of a register has its page soon by looking
// through it in its order. Who sees few of very many would have nearly all of it looked through; he is asked each of his ways by
// itself, with an index of its own. Which of both he is shows in the newest rows.

const (
	fewNewest = 50  // rows that are looked at for a register in the order of time,
	fewSeen   = 5   // of which he sees fewer than these
	fewOther  = 200 // rows for another order, of which he sees none: all of his have to be sorted
	fewWays   = 32  // more ways are not taken one by one
)

// reach adds to a list question what its reader may see. narrowed: it names the rows that come into question already.
func (w *work) reach(p *plan, narrowed bool) error {
	if !narrowed {
		ways := w.ways(p.form)
		few, err := w.seesFew(p, ways)
		if err != nil {
			return err
		}
		if few {
			p.any = ways
			return nil
		}
	}
	p.where = query.And(w.whereScope(p.form, "this"), p.where)
	return nil
}

// ways are the alternatives of whereScope, one by one; none if they cannot be taken apart.
func (w *work) ways(f *rulebook.Form) []query.Expr {
	s := w.scopeOf(f)
	if s.all || s.none {
		return nil
	}
	var list []query.Expr
	seen := w.whereOfSeen(f, "this")
	for _, u := range sortedKeys(s.units) {
		list = append(list, query.And(query.Eq("this", "unit", u), seen))
	}
	own := *s
	own.in = nil
	list = append(append(list, w.whereOwn(&own, "this")...), whereShared(s, "this")...)
	for _, c := range s.in {
		filled := query.Op{Name: "not", Args: []query.Expr{query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "this", Name: c}}}}}
		list = append(list, query.And(filled, holds("this", c, w.me.id)))
	}
	if len(list) > fewWays {
		return nil
	}
	return list
}

// seesFew tells whether the reader sees so few of the newest rows that his ways are shorter.
func (w *work) seesFew(p *plan, ways []query.Expr) (bool, error) {
	if len(ways) == 0 {
		return false, nil
	}
	most, enough := fewNewest, fewSeen
	if p.column != "at" {
		most, enough = fewOther, 1
	}
	s := w.scopeOf(p.form)
	columns := []query.Column{{Name: "unit", Expr: query.Col{Alias: "this", Name: "unit"}}}
	for _, c := range s.own {
		columns = append(columns, query.Column{Name: c, Expr: query.Col{Alias: "this", Name: c}})
	}
	rows, err := w.tx.Select(query.Select{Table: p.form.Table, Alias: "this", Columns: columns, Order: newestFirst("this"), Limit: most})
	if err != nil || len(rows) < most {
		return false, err
	}
	n := 0
	for _, row := range rows {
		if w.isOwn(s, row) {
			n++
		}
	}
	return n < enough, nil
}

// isOwn tells whether a row is within the reader's units or his own by a column.
func (w *work) isOwn(s *scope, row store.Row) bool {
	if s.units[str(row["unit"])] {
		return true
	}
	for _, c := range s.own {
		if str(row[c]) == w.me.id {
			return true
		}
	}
	return false
}

// listsPeople tells whether a field names several people.
func listsPeople(f *rulebook.Field) bool {
	t := f.Type.Expr
	return t.Kind == expr.KList && t.Elem != nil && t.Elem.Object == "base.person"
}
