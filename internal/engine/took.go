package engine

import "zhanggui/internal/expr"

// took keeps in the register base.access that somebody took something out of the house: a list, a paper, a packet of proof.
// key is the form it is of, r the record if it is one, rows how many. Of a form of which not everybody knows no record is named.
func (w *work) took(key string, r *Record, how string, rows int) error {
	if w.me == nil || w.actor.Clock {
		return nil
	}
	given := map[string]expr.Value{"person": w.me, "what": how, "rows": int64(rows), "of_form": key}
	if f := w.e.Lib.Form(key); f != nil {
		given["label"] = f.Label.ZH
	}
	if r != nil && r.form.Class == nil {
		given["of_id"], given["of_number"] = r.id, orUnset(r.Number())
	}
	_, err := w.engineRecord("base.access", nil, given)
	return err
}
