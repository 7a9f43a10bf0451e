package engine

import (
	"strconv"
	"strings"

	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// ownedRows are the engine's rows about a record.
func (w *work) ownedRows(form string, r *Record) ([]store.Row, error) {
	f := w.e.Lib.Form(form)
	if f == nil || r.lacks(f.Table) {
		return nil, nil
	}
	return w.tx.Select(ownedBy(f.Table, r.id))
}

func ownedBy(table, id string) query.Select {
	return query.Select{Table: table, Alias: "t", Where: query.Eq("t", "of_id", id),
		Order: []query.Order{{Expr: query.Col{Alias: "t", Name: "at"}}, {Expr: query.Col{Alias: "t", Name: "id"}}}}
}

func (w *work) copiesOf(r *Record) ([]CopyRow, error) {
	list := []CopyRow{}
	rows, err := w.ownedRows("base.copy", r)
	for _, row := range rows {
		list = append(list, CopyRow{str(row["id"]), str(row["mark"]), w.holderList(idList(row["to"])), str(row["to_label"]), str(row["at"]), str(row["received_at"]), r.id})
	}
	return list, err
}

func (w *work) signaturesOf(r *Record) ([]SignatureRow, error) {
	list := []SignatureRow{}
	rows, err := w.ownedRows("base.signature", r)
	for _, row := range rows {
		s := SignatureRow{ID: str(row["id"]), Approval: str(row["approval"]), By: w.holder(str(row["person"])), At: str(row["at"]), State: str(row["state"]), Comment: str(row["comment"]), Clause: str(row["clause"])}
		if strings.HasPrefix(str(row["seat"]), rowSeat) {
			s.Rows = 1
		}
		if n := len(list); n > 0 && list[n-1].By.ID == s.By.ID && list[n-1].At == s.At && list[n-1].Approval == s.Approval && list[n-1].State == s.State {
			list[n-1].Rows += s.Rows // one press signs all rows of a person
			continue
		}
		s.Label = Text{s.Approval, s.Approval}
		if a := w.approvalNamed(r, s.Approval); a != nil {
			s.Label = textOr(a.Label, a.ID)
		}
		if p := str(row["for_person"]); p != "" {
			s.For = w.name(p)
		}
		if s.State == "void" {
			s.VoidWhy = &Text{"内容已改，签字作废", "The content changed; the signature is void"}
		}
		list = append(list, s)
	}
	return list, err
}

// waitingOf are the approvals that an action from here asks for, with who still must sign.
func (w *work) waitingOf(r *Record) ([]WaitingRow, error) {
	list := []WaitingRow{}
	view := w.view(r)
	seen := map[string]bool{}
	for _, a := range r.form.Actions {
		if a.Implicit || !view.Awake(&a.Node) || !stateAllows(a, r.State()) || w.judgeState(r, a, view) != nil {
			continue
		}
		id, _ := w.approvalOf(r, a, view)
		if id == "" || seen[id] {
			continue
		}
		seen[id] = true
		ap := w.approvalNamed(r, id)
		st, err := w.approval(r, ap)
		if err != nil {
			return nil, err
		}
		if len(st.waiting) > 0 && !st.complete {
			list = append(list, WaitingRow{id, textOr(ap.Label, id), w.people(st.waiting)})
		}
	}
	return list, nil
}

func (w *work) sanctionsOf(r *Record) ([]SanctionRow, error) {
	list := []SanctionRow{}
	f := w.e.Lib.Form("base.sanction")
	if f == nil || f.Field("of_id") == nil {
		return list, nil
	}
	if r.lacks(f.Table) { // most have none; what the reader may see of them is worked out where there are some
		return list, nil
	}
	rows, err := w.tx.Select(query.Select{Table: f.Table, Alias: "t", Where: query.And(query.Eq("t", "of_id", r.id), w.where(f, "t")),
		Order: []query.Order{{Expr: query.Col{Alias: "t", Name: "at"}}}})
	for _, row := range rows {
		s := w.adopt(f, row)
		text := w.name(s.str("person")) + " " + first(s.str("offence_label"), s.str("offence"))
		if n, ok := row["nth"].(int64); ok && n > 1 {
			text += "，第 " + strconv.FormatInt(n, 10) + " 次"
		}
		x := SanctionRow{ID: s.id, Form: f.Key, Text: text, Clause: s.str("clause"), At: s.str("at"), State: s.State(), StateLabel: stateText(f, s.State())}
		if fd := f.Field("fine"); fd != nil {
			v, _ := s.Get("fine")
			x.Amount = w.api(v, expr.Of(expr.KMoney))
		}
		list = append(list, x)
	}
	return list, err
}
