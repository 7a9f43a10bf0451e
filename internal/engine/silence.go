package engine

import (
	"slices"
	"strings"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// lastSigned is when anybody last signed for a record, or was last found silent; zero if nobody ever.
func (w *work) lastSigned(r *Record, a *rulebook.Approval) (time.Time, error) {
	if r.fresh {
		return time.Time{}, nil
	}
	if err := w.flush(); err != nil {
		return time.Time{}, err
	}
	rows, err := w.tx.Select(query.Select{Table: w.e.Lib.Form("base.signature").Table, Alias: "s", Limit: 1, Order: []query.Order{{Expr: query.Col{Alias: "s", Name: "at"}, Desc: true}},
		Where: query.And(query.Eq("s", "of_id", r.id), query.Eq("s", "approval", a.ID), stillCounts)})
	if err != nil || len(rows) == 0 {
		return time.Time{}, err
	}
	at, _ := parseInstant(rows[0]["at"])
	return at, nil
}

// silent settles the seats that are open when the silence of an approval's signers has lasted long enough. Each is entered in the
// register of signatures with those who did not answer: as taken, as dropped, or as declined. If no seat is left open, the clock does
// what was to be signed.
func (w *work) silent(r *Record, d *rulebook.Deadline) error {
	ap := d.Silent
	i := slices.IndexFunc(r.form.Actions, func(a *rulebook.Action) bool {
		id, _ := w.approvalOf(r, a, w.view(r))
		return id == ap.ID && stateAllows(a, r.State())
	})
	if i < 0 {
		return nil // left the state, or asleep, or not its case
	}
	act := r.form.Actions[i]
	st, err := w.approval(r, ap)
	if err != nil || st.none || st.row == nil {
		return err
	}
	clause := first(d.Clause, st.clause)
	state := map[string]string{"granted": "assented", "refused": "refused", "unanswered": "unanswered"}[ap.Silence.Counts]
	for _, seat := range sortedKeys(st.open) {
		var names []string
		for _, id := range st.open[seat] {
			names = append(names, w.name(id))
		}
		given := map[string]expr.Value{"approval": ap.ID, "seat": seat, "hash": w.contentHash(r), "action": act.ID, "clause": orUnset(clause), "comment": orUnset(strings.Join(names, "、"))}
		if len(ap.Restart) > 0 {
			given["restart"] = w.restartHash(r, ap)
		}
		if len(st.open[seat]) == 1 {
			p, err := w.person(st.open[seat][0])
			if err != nil {
				return err
			}
			given["person"] = p
			delete(given, "comment")
		}
		rec, err := w.engineRecord("base.signature", r, given)
		if err != nil {
			return err
		}
		rec.enter(state, w.now)
		w.effect(Effect{Kind: "sign", Form: r.form.Key, Record: r.id, Name: ap.ID, Text: state, Clause: clause, Data: map[string]string{"of": joinIDs(st.open[seat])}})
	}
	w.clause(clause)
	w.event(r, act.ID)
	if state == "refused" {
		return w.refused(r, ap)
	}
	if st, err = w.approval(r, ap); err != nil || !st.complete {
		return err
	}
	_, err = w.perform(r, act, demand{})
	return err
}

// refused is what a declined signature leads to.
func (w *work) refused(r *Record, ap *rulebook.Approval) error {
	if ap.Refuse == "" {
		return nil
	}
	r.enter(ap.Refuse, w.now)
	return w.dropSignatures(r, ap)
}
