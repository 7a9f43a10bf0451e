package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"

	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// approvalState is where an approval of one record stands. It is derived from the signatures that still count.
type approvalState struct {
	none     bool // asleep: no signature is needed
	complete bool
	waiting  []string // persons who still must sign, in their seats
	may      []string // persons who may sign now, stand-ins included
	row      *rulebook.ApprovalRow
	clause   string // of the row that chose the signers
	empty    []string
	open     map[string][]string // seat path → persons
	standIn  map[string]string   // person → for whom
}

// approvalOf names the approval an action asks for of a record, "" if none, asleep or not its case.
func (w *work) approvalOf(r *Record, a *rulebook.Action, view *rulebook.View) (string, *rulebook.WhoItem) {
	if a.By == nil {
		return "", nil
	}
	if r.form.Key == exportRequestForm {
		if a.ID != exportGrant {
			return "", nil
		}
		if ap, item := w.exportApproval(r); ap != nil {
			return ap.ID, item
		}
		return "", nil
	}
	for _, item := range a.By.Items {
		if item.Approval != "" && view.Awake(&item.Node) {
			if ok, err := applies(item, w.scope(r, view, nil)); !ok || err != nil {
				continue // a case that cannot be worked out asks nobody to sign; the others of by: stand
			}
			if ap := a.Form.Book.Approval(item.Approval); ap != nil && view.Awake(&ap.Node) {
				return item.Approval, item
			}
		}
	}
	return "", nil
}

// approval works out who must sign for a record and who has.
func (w *work) approval(r *Record, a *rulebook.Approval) (*approvalState, error) {
	view := w.viewFor(a.Book, r)
	st := &approvalState{open: map[string][]string{}, standIn: map[string]string{}}
	if !view.Awake(&a.Node) {
		st.none, st.complete = true, true
		return st, nil
	}
	s := w.scope(r, view, nil)
	row, err := w.approvalRow(a, view, s)
	if err != nil {
		return nil, err
	}
	if row == nil {
		return st, nil // no row matches: nobody may sign, and the refusal says so
	}
	st.row, st.clause = row, first(row.Clause, a.Clause)
	signed, err := w.signatures(r, a)
	if err != nil {
		return nil, err
	}
	out, err := w.excluded(a.Except, r, view, s)
	if err != nil {
		return nil, err
	}
	used := map[string]bool{}
	for _, sg := range signed {
		used[sg.person] = true
	}
	done, err := w.seat(row.Sign, "0", a, r, view, s, signed, used, out, st)
	if err != nil {
		return nil, err
	}
	rows, err := w.rowSeats(r, a, signed, out, st)
	if err != nil {
		return nil, err
	}
	st.complete = done && rows
	for _, path := range sortedKeys(st.open) {
		for _, p := range st.open[path] {
			if !contains(st.waiting, p) {
				st.waiting = append(st.waiting, p)
			}
			if !contains(st.may, p) {
				st.may = append(st.may, p)
			}
			if away, stand := w.world.absentAt(p, w.now); away && stand != "" && !contains(out, stand) && !contains(st.may, stand) {
				st.may = append(st.may, stand)
				st.standIn[stand] = p
			}
		}
	}
	return st, nil
}

// approvalRow chooses by exact inclusive limit or condition; a sleeping row leaves its range to the next.
func (w *work) approvalRow(a *rulebook.Approval, view *rulebook.View, s *expr.Scope) (*rulebook.ApprovalRow, error) {
	var amount expr.Value
	var err error
	if a.Amount != nil {
		if amount, err = a.Amount.Eval(s); err != nil {
			return nil, err
		}
		if amount == nil {
			return nil, nil // no amount yet: no signature can be given
		}
	}
	for _, row := range a.Rows {
		if !view.Awake(&row.Node) || row.Sign == nil {
			continue
		}
		if row.When != nil {
			v, err := row.When.Eval(s)
			if err != nil {
				return nil, err
			}
			if b, _ := v.(bool); !b {
				continue
			}
		}
		if row.Upto != nil {
			limit, c, err := row.Upto.Pick(view, s)
			if err != nil {
				return nil, err
			}
			if c == nil || limit == nil {
				continue
			}
			if expr.Compare(amount, limit) > 0 {
				continue
			}
		}
		return row, nil
	}
	return nil, nil
}

func (w *work) excluded(list []*rulebook.Except, r *Record, view *rulebook.View, s *expr.Scope) ([]string, error) {
	var out []string
	for _, x := range list {
		if !view.Awake(&x.Node) {
			continue
		}
		v, err := x.Is.Eval(s)
		if err != nil {
			return nil, err
		}
		out = append(out, personIDs(v)...)
	}
	return out, nil
}

// seat walks the tree of seats; it notes the open ones and tells whether this part is signed.
func (w *work) seat(seat *rulebook.Seat, path string, a *rulebook.Approval, r *Record, view *rulebook.View, s *expr.Scope,
	signed map[string]signature, used map[string]bool, out []string, st *approvalState) (bool, error) {
	if !view.Awake(&seat.Node) {
		return true, nil
	}
	if seat.Mode == "" {
		if _, ok := signed[path]; ok {
			return true, nil
		}
		who, err := w.seatPersons(seat.Who, r, view, s)
		if err != nil {
			return false, err
		}
		for _, x := range a.StandIn { // an absent seat passes to whom the rulebook names
			if !view.Awake(&x.Node) {
				continue
			}
			repl, err := w.seatPersons(x.For, r, view, s)
			if err != nil {
				return false, err
			}
			if !sameSet(repl, who) {
				continue
			}
			v, err := x.When.Eval(s)
			if err != nil {
				return false, err
			}
			if b, _ := v.(bool); b {
				return w.seat(x.Sign, path+"s", a, r, view, s, signed, used, out, st)
			}
		}
		var may []string
		for _, p := range who {
			if contains(out, p) || (!a.SamePerson && used[p]) {
				continue
			}
			may = append(may, p)
		}
		if len(may) == 0 {
			st.empty = append(st.empty, path)
		}
		st.open[path] = may
		return false, nil
	}
	need := len(seat.List)
	if seat.Mode == "any" {
		need = seat.Need
		if need == 0 {
			need = 1
		}
	}
	count := 0
	sub := map[string][]string{}
	for i, x := range seat.List {
		inner := &approvalState{open: map[string][]string{}, standIn: st.standIn}
		ok, err := w.seat(x, path+"."+strconv.Itoa(i), a, r, view, s, signed, used, out, inner)
		if err != nil {
			return false, err
		}
		st.empty = append(st.empty, inner.empty...)
		if ok {
			count++
			continue
		}
		for k, v := range inner.open {
			sub[k] = v
		}
		if seat.Mode == "order" {
			break // the next seat opens when this one is signed
		}
	}
	if seat.Mode == "any" && len(seat.List) == 1 { // two of one group: the group's seat is taken twice
		leaf := path + ".0"
		for n := 0; n < need; n++ {
			p := leaf
			if n > 0 {
				p = leaf + "#" + strconv.Itoa(n)
			}
			if _, ok := signed[p]; ok {
				if n > 0 {
					count++
				}
			} else if n > 0 {
				who, err := w.seatPersons(seat.List[0].Who, r, view, s)
				if err != nil {
					return false, err
				}
				var may []string
				for _, x := range who {
					if !used[x] && !contains(out, x) {
						may = append(may, x)
					}
				}
				sub[p] = may
			}
		}
	}
	if count >= need {
		return true, nil
	}
	for k, v := range sub {
		st.open[k] = v
	}
	return false, nil
}

func sameSet(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for _, x := range a {
		if !contains(b, x) {
			return false
		}
	}
	return true
}

func (w *work) seatPersons(who *rulebook.Who, r *Record, view *rulebook.View, s *expr.Scope) ([]string, error) {
	var ids []string
	if who == nil {
		return nil, nil
	}
	for _, item := range who.Items {
		if !view.Awake(&item.Node) || item.Expr == nil {
			continue
		}
		if ok, err := applies(item, s); err != nil {
			return nil, err
		} else if !ok {
			continue
		}
		v, err := item.Expr.Eval(s)
		if err != nil {
			return nil, err
		}
		for _, id := range personIDs(v) {
			if !contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids, nil
}

type signature struct {
	id, seat, person string
}

// signatures that still count, by seat.
func (w *work) signatures(r *Record, a *rulebook.Approval) (map[string]signature, error) {
	m := map[string]signature{}
	if r.fresh {
		return m, nil
	}
	form := w.e.Lib.Form("base.signature")
	if err := w.flush(); err != nil {
		return nil, err
	}
	rows, err := w.tx.Select(query.Select{Table: form.Table, Alias: "s", Where: query.And(query.Eq("s", "of_id", r.id), query.Eq("s", "approval", a.ID), stillCounts)})
	if err != nil {
		return nil, err
	}
	now := w.restartHash(r, a)
	for _, row := range rows {
		if str(row["restart"]) != "" && str(row["restart"]) != now {
			continue
		}
		m[str(row["seat"])] = signature{id: str(row["id"]), seat: str(row["seat"]), person: str(row["person"])}
	}
	return m, nil
}

// stillCounts: a seat is taken by a signature, and by silence where the approval says so.
var stillCounts query.Expr = query.Op{Name: "or", Args: []query.Expr{query.Eq("s", "state", "signed"), query.Eq("s", "state", "assented"), query.Eq("s", "state", "unanswered")}}

// restartHash is what a signature binds beyond the record itself: a change of it voids the signature.
func (w *work) restartHash(r *Record, a *rulebook.Approval) string {
	h := sha256.New()
	for _, id := range a.Restart {
		v, _ := r.Get(id)
		if f := r.form.Field(id); f != nil {
			raw, _ := encode(v, f.Type)
			if f.Personal { // a plain hash of so little could be tried out
				raw = r.row[id]
			}
			fmt.Fprintf(h, "%s=%v;", id, raw)
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// contentHash binds a signature to the whole content it was put under.
func (w *work) contentHash(r *Record) string {
	h := sha256.New()
	for _, f := range r.form.Fields {
		if !live(f) {
			fmt.Fprintf(h, "%s=%v;", f.ID, r.row[f.ID])
		}
	}
	for _, l := range r.form.Lines {
		lines, _ := r.Lines(l.ID)
		for _, x := range lines {
			for _, f := range l.Fields {
				fmt.Fprintf(h, "%s.%s=%v;", l.ID, f.ID, x.row[f.ID])
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// sign puts the actor's signature (or refusal) under a record.
func (w *work) sign(r *Record, a *rulebook.Action, item *rulebook.WhoItem, id string, d demand) (*signing, error) {
	ap := w.approvalNamed(r, id)
	st, err := w.approval(r, ap)
	if err != nil {
		return nil, err
	}
	if w.actor.Clock || w.me == nil {
		return &signing{complete: true}, nil
	}
	if st.row == nil {
		return nil, w.refuse("who", r, a, []Reason{{Clause: first(ap.Clause, item.Clause), Say: label("还不知道由谁核决：金额没有填", "Nobody can sign yet: there is no amount")}})
	}
	seats, on := st.seatsOf(w.me.id)
	if len(seats) == 0 {
		if len(st.empty) > 0 && len(st.may) == 0 {
			return nil, w.refuse("who", r, a, []Reason{{Clause: st.clause, Say: label("该由谁签的位置现在没有人", "Nobody holds the seat that must sign")}})
		}
		return nil, w.refuse("who", r, a, []Reason{{Clause: first(st.clause, item.Clause, a.Clause), Say: label("这一件不由你签", "This one is not yours to sign")}})
	}
	given := map[string]expr.Value{"approval": ap.ID, "person": w.me, "hash": w.contentHash(r), "comment": orUnset(d.comment), "action": a.ID, "clause": orUnset(st.clause)}
	if len(ap.Restart) > 0 {
		given["restart"] = w.restartHash(r, ap)
	}
	if on != "" {
		if p, err := w.person(on); err == nil {
			given["for_person"] = p
		}
	}
	for _, seat := range seats {
		given["seat"] = seat
		rec, err := w.engineRecord("base.signature", r, given)
		if err != nil {
			return nil, err
		}
		if d.refuse {
			rec.enter("refused", w.now)
		}
	}
	if d.refuse {
		w.effect(Effect{Kind: "sign", Form: r.form.Key, Record: r.id, Name: ap.ID, Text: "refused", Clause: st.clause})
		if err := w.refused(r, ap); err != nil {
			return nil, err
		}
		w.event(r, a.ID)
		return &signing{}, nil
	}
	if err := w.flush(); err != nil {
		return nil, err
	}
	if st, err = w.approval(r, ap); err != nil {
		return nil, err
	}
	w.effect(Effect{Kind: "sign", Form: r.form.Key, Record: r.id, Name: ap.ID, Text: w.name(w.me.id), Clause: st.clause})
	w.event(r, a.ID)
	return &signing{complete: st.complete, waiting: st.waiting}, nil
}

// voidSignatures marks those whose content changed, so that readers see why they no longer count.
func (w *work) voidSignatures(r *Record) error {
	if len(r.was) == 0 || r.fresh || r.pointed {
		return nil
	}
	for _, ap := range r.form.Book.Approvals {
		hit := false
		for _, id := range ap.Restart {
			hit = hit || r.changed(id)
		}
		if hit {
			if err := w.dropSignatures(r, ap); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *work) dropSignatures(r *Record, ap *rulebook.Approval) error {
	form := w.e.Lib.Form("base.signature")
	if err := w.flush(); err != nil {
		return err
	}
	rows, err := w.tx.Select(query.Select{Table: form.Table, Alias: "s", Where: query.And(query.Eq("s", "of_id", r.id), query.Eq("s", "approval", ap.ID), stillCounts)})
	if err != nil {
		return err
	}
	now := w.restartHash(r, ap)
	for _, row := range rows {
		if len(ap.Restart) > 0 && str(row["restart"]) == now && ap.Refuse == "" {
			continue
		}
		w.adopt(form, row).enter("void", w.now)
	}
	return nil
}
