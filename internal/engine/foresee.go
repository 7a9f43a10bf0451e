package engine

import (
	"slices"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// On PostgreSQL each question is a journey. What an act will surely ask is therefore asked along with its first question: the answer kept under
// its key, the record, held, with its clocks, and what the act names. Whoever asks later meets the answer there; what was guessed in vain costs a row.

// foresee says what an act will ask.
func (e *Engine) foresee(tx *store.Tx, now time.Time, act Act) error {
	if tx.Pipe(); !tx.Piped() {
		return nil
	}
	if err := tx.Steady("meta", "key", metaWorld); err != nil { // whoever ends a right waits until what was judged by it is kept
		return err
	}
	if act.Actor.Person != "" {
		tx.Ahead(e.Lib.Form("base.person").Table, act.Actor.Person, false)
	}
	if act.Key != "" && !act.Dry {
		tx.Ahead("replay", replayKey(act), false)
	}
	form := e.Lib.Form(act.Form)
	if form == nil {
		return nil
	}
	if a := form.Action(act.Action); act.Action != "create" && (a == nil || a.Merge == nil) { // a merge takes a lock of its own before the records'
		tx.Ahead(form.Table, act.Record, true)
		if len(form.Deadlines) > 0 {
			tx.AheadSelect(e.clocksOfRecord(act.Record))
		}
	}
	e.mu.Lock()
	wd := e.world // perhaps no longer what holds, but good for a guess
	e.mu.Unlock()
	if wd != nil {
		unit := wd.top
		if p := wd.people[act.Actor.Person]; p != nil && p.unit != "" {
			unit = p.unit
		}
		if a := wd.adoptionOf(form.Book.ID, unit, calendar.DateOf(now, wd.calendar.Zone)); a != nil {
			unit = a.unit
		} else {
			unit = wd.top
		}
		tx.Ahead(e.Lib.Form("base.unit").Table, unit, false)
	}
	used, learned := e.asks.Load(form.Key + " " + act.Action)
	for _, f := range form.Fields {
		if to := e.refForm(f); to != nil && act.Values[f.ID] != nil && (!learned || slices.Contains(used.([]string), f.Column)) {
			id := str(act.Values[f.ID])
			if m, ok := act.Values[f.ID].(map[string]any); ok {
				id = str(m["id"])
			}
			tx.Ahead(to.Table, id, false)
		}
	}
	return nil
}

// foreseeDue says what the clock will ask when it does what is due: the record, which is held first as every act holds it before its clocks, the
// clock's row, and all clocks of the record.
func (e *Engine) foreseeDue(tx *store.Tx, d due) {
	if tx.Pipe(); d.kind != "clock" || !tx.Piped() {
		return
	}
	form := e.Lib.Form(d.form)
	if form != nil {
		tx.Ahead(form.Table, d.of, true)
	}
	tx.Ahead(e.Lib.Form("base.clock").Table, d.id, true)
	if form != nil {
		tx.AheadSelect(e.clocksOfRecord(d.of))
	}
}

// refForm is the form of the record that a field names; nil if it names none.
func (e *Engine) refForm(f *rulebook.Field) *rulebook.Form {
	if f.Type.Expr.Kind != expr.KObject {
		return nil
	}
	return e.Lib.Form(f.Type.Expr.Object)
}

// foreseeRefs says that an act will read what its record names by the columns by which the last act of its kind did.
func (w *work) foreseeRefs(r *Record, a *rulebook.Action) {
	used, learned := w.e.asks.Load(r.form.Key + " " + a.ID)
	if !learned || !w.tx.Piped() {
		return
	}
	for _, f := range r.form.Fields {
		if to := w.e.refForm(f); to != nil && slices.Contains(used.([]string), f.Column) {
			if id := str(r.row[f.Column]); id != "" && w.recs[recKey(to.Key, id)] == nil {
				w.tx.Ahead(to.Table, id, false)
			}
		}
	}
}

// learnRefs notes by which columns an act has read what its record names.
func (w *work) learnRefs(r *Record, a *rulebook.Action) {
	if !w.tx.Piped() {
		return
	}
	var used []string
	for _, f := range r.form.Fields {
		if to := w.e.refForm(f); to != nil && w.recs[recKey(to.Key, str(r.row[f.Column]))] != nil {
			used = append(used, f.Column)
		}
	}
	key := r.form.Key + " " + a.ID
	if was, _ := w.e.asks.Load(key); was == nil || !slices.Equal(was.([]string), used) {
		w.e.asks.Store(key, used)
	}
}
