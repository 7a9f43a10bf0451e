package engine

import (
	"context"
	"strconv"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// RecordView is a record as its page shows it.
type RecordView struct {
	Form       string                `json:"form"`
	ID         string                `json:"id"`
	Number     string                `json:"number"`
	Title      string                `json:"title"`
	State      string                `json:"state"`
	StateLabel Text                  `json:"state_label"`
	Etag       string                `json:"etag"`
	Unit       *Ref                  `json:"unit"`
	By         *Ref                  `json:"by"`
	At         string                `json:"at"`
	Book       string                `json:"book"`
	Version    string                `json:"version"`
	Values     map[string]any        `json:"values"`
	Lines      map[string][]LineRow  `json:"lines"`
	Path       []Stage               `json:"path"`
	Actions    Actions               `json:"actions"`
	Clocks     []Clock               `json:"clocks"`
	Copies     []CopyRow             `json:"copies"`
	Signatures []SignatureRow        `json:"signatures"`
	Waiting    []WaitingRow          `json:"waiting"`
	Related    []Related             `json:"related"`
	Sanctions  []SanctionRow         `json:"sanctions"`
	Masked     []string              `json:"masked,omitempty"`
	Applies    map[string]bool       `json:"applies,omitempty"` // fields with a condition: whether it holds now
	Reveal     map[string]RevealRule `json:"reveal,omitempty"`
	Band       *string               `json:"band"`
	logged     []string              // classes whose reading leaves a trace
}

// RevealRule says that a masked field can be shown for a while, for a purpose.
type RevealRule struct {
	Purpose bool `json:"purpose"`
	Seconds int  `json:"seconds"`
}

// LineRow is a row of an owned table.
type LineRow struct {
	ID     string         `json:"id"`
	Values map[string]any `json:"values"`
}

// Stage is one stage of the process.
type Stage struct {
	State  string   `json:"state"`
	Label  Text     `json:"label"`
	Status string   `json:"status"` // done current future skipped
	Holder []Holder `json:"holder"`
	From   string   `json:"from,omitempty"`
	To     string   `json:"to,omitempty"`
	Due    string   `json:"due,omitempty"`
	Late   bool     `json:"late"`
}

// CopyRow is a part of the paper that was sent to somebody.
type CopyRow struct {
	ID         string   `json:"id"`
	Mark       string   `json:"mark"`
	To         []Holder `json:"to"`
	ToLabel    string   `json:"to_label,omitempty"`
	At         string   `json:"at"`
	ReceivedAt string   `json:"received_at"`
	Record     string   `json:"record"`
}

// SignatureRow is a signature, also one that no longer counts.
type SignatureRow struct {
	ID       string `json:"id"`
	Approval string `json:"approval"`
	Label    Text   `json:"label"`
	Seat     string `json:"seat"`
	By       Holder `json:"by"`
	For      string `json:"for,omitempty"`
	At       string `json:"at"`
	State    string `json:"state"`
	Comment  string `json:"comment,omitempty"`
	Clause   string `json:"clause,omitempty"`
	VoidWhy  *Text  `json:"void_why,omitempty"`
}

// WaitingRow is an approval with those who still must sign.
type WaitingRow struct {
	Approval string   `json:"approval"`
	Label    Text     `json:"label"`
	Who      []Person `json:"who"`
}

// SanctionRow is a sanction that came of the record.
type SanctionRow struct {
	ID         string `json:"id"`
	Form       string `json:"form"`
	Text       string `json:"text"`
	Clause     string `json:"clause"`
	At         string `json:"at"`
	State      string `json:"state"`
	StateLabel Text   `json:"state_label"`
	Amount     any    `json:"amount"`
}

// Record is one record with the reader's eyes. Where its class asks for it, the reading is an entry itself.
func (e *Engine) Record(ctx context.Context, now time.Time, actor Actor, form, id string) (*RecordView, error) {
	var v *RecordView
	err := e.read(ctx, now, actor, func(w *work) error {
		r, err := w.recordSeen(form, id)
		if err != nil {
			return err
		}
		v, err = w.recordView(r)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(v.logged) > 0 {
		err = e.logReading(ctx, now, actor, form, id, "view", map[string]any{"class": v.logged})
	}
	return v, err
}

func (w *work) recordView(r *Record) (*RecordView, error) {
	if err := w.prefetch(r.form, []*Record{r}); err != nil {
		return nil, err
	}
	row := w.rowOut(r)
	v := &RecordView{Form: r.form.Key, ID: r.id, Number: row.Number, Title: row.Title, State: row.State, StateLabel: row.StateLabel, Etag: row.Etag, Unit: row.Unit, By: row.By, At: row.At,
		Book: r.form.Book.ID, Version: r.form.Book.Version, Lines: map[string][]LineRow{}, Applies: map[string]bool{}, Reveal: map[string]RevealRule{}}
	v.Values = w.valuesOut(r, func(*rulebook.Field) bool { return true })
	w.sights(r, v)
	for _, l := range r.form.Lines {
		lines, err := r.Lines(l.ID)
		if err != nil {
			return nil, err
		}
		rows := []LineRow{}
		for _, x := range lines {
			lr := LineRow{ID: x.id, Values: map[string]any{}}
			for _, f := range l.Fields {
				if out, ok := w.outLine(r, x, f); ok {
					lr.Values[f.ID] = out
				}
			}
			rows = append(rows, lr)
		}
		v.Lines[l.ID] = rows
	}
	var err error
	if v.Clocks, err = w.clocksOf(r); err != nil {
		return nil, err
	}
	v.Path = w.path(r, v.Clocks)
	if v.Actions, err = w.actions(r); err != nil {
		return nil, err
	}
	if v.Copies, err = w.copiesOf(r); err != nil {
		return nil, err
	}
	if v.Signatures, err = w.signaturesOf(r); err != nil {
		return nil, err
	}
	if v.Waiting, err = w.waitingOf(r); err != nil {
		return nil, err
	}
	if v.Related, err = w.related(r); err != nil {
		return nil, err
	}
	v.Sanctions, err = w.sanctionsOf(r)
	return v, err
}

// sights notes what is masked, what may be revealed, what applies, and which readings leave a trace.
func (w *work) sights(r *Record, v *RecordView) {
	view := w.view(r)
	note := func(c *rulebook.ClassRef) {
		if c != nil && c.Class != nil && c.Class.ReadLog && view.Awake(&c.Node) && view.Awake(&c.Class.Node) && !contains(v.logged, c.Class.ID) {
			v.logged = append(v.logged, c.Class.ID)
		}
	}
	note(r.form.Class)
	for _, f := range r.form.Fields {
		if f.When != nil {
			ok, err := w.truth(f.When, view, w.scope(r, view, nil), true)
			v.Applies[f.ID] = ok && err == nil
		}
		if f.Class == nil || f.Class.Class == nil {
			continue
		}
		switch w.visible(r, f) {
		case masked:
			v.Masked = append(v.Masked, f.ID)
			if x := f.Class.Class.Reveal; x != nil && view.Awake(&x.Node) {
				v.Reveal[f.ID] = RevealRule{x.Purpose, revealSeconds(x)}
			}
		case full:
			if r.row[f.ID] != nil {
				note(f.Class)
			}
		}
	}
}

// path is the process with where the record stands in it.
func (w *work) path(r *Record, clocks []Clock) []Stage {
	list := []Stage{}
	stays := r.stays()
	current := -1
	for i, s := range r.form.States {
		if s.ID == r.State() {
			current = i
		}
	}
	for i, s := range r.form.States {
		st := Stage{State: s.ID, Label: textOr(s.Label, s.ID), Holder: []Holder{}, Status: "future"}
		for _, x := range stays {
			if x.State == s.ID {
				st.From, st.To, st.Status = x.From, x.To, "done"
			}
		}
		switch {
		case i == current:
			st.Status = either(s.Final, "done", "current")
		case st.Status == "future" && current >= 0 && i < current:
			st.Status = "skipped"
		case st.Status == "done" && current >= 0 && i > current: // it came back: what follows lies ahead again
			st.Status = "future"
		}
		if st.Status == "skipped" && !s.Path || (!s.Path && i != current && st.From == "") {
			continue
		}
		if i == current && !s.Final {
			w.stageHolder(&st, r, clocks)
		}
		list = append(list, st)
	}
	return list
}

// stageHolder tells who holds the current stage and until when: its own clock, else who may lead on.
func (w *work) stageHolder(st *Stage, r *Record, clocks []Clock) {
	for _, c := range clocks {
		if c.State != "open" && c.State != "late" && c.State != "paused" {
			continue
		}
		d := r.form.Deadline(c.Name)
		if d == nil || d.During == nil && !leadsOn(r, d) {
			continue
		}
		if c.Due != "" && (st.Due == "" || c.Due < st.Due) {
			st.Due, st.Late = c.Due, c.State == "late"
			st.Holder = c.Holder
		}
	}
	if len(st.Holder) > 0 {
		return
	}
	view := w.view(r)
	for _, a := range r.form.Actions {
		if a.Implicit || a.By == nil || a.To == nil || a.From == nil || a.From.Any || onlyClock(a) || !view.Awake(&a.Node) || !stateAllows(a, r.State()) {
			continue
		}
		if ids := w.whoMay(r, a); len(ids) > 0 {
			st.Holder = w.holderList(ids[:min(len(ids), 6)])
			return
		}
	}
}

// leadsOn: the deadline ends with an action that starts where the record stands.
func leadsOn(r *Record, d *rulebook.Deadline) bool {
	if d.To == nil || d.To.Action == "" {
		return false
	}
	a := r.form.Action(d.To.Action)
	return a != nil && a.From != nil && !a.From.Any && contains(a.From.States, r.State())
}

// ownedRows are the engine's rows about a record.
func (w *work) ownedRows(form string, r *Record) ([]store.Row, error) {
	f := w.e.Lib.Form(form)
	if f == nil {
		return nil, nil
	}
	return w.tx.Select(query.Select{Table: f.Table, Alias: "t", Where: query.Eq("t", "of_id", r.id),
		Order: []query.Order{{Expr: query.Col{Alias: "t", Name: "at"}}, {Expr: query.Col{Alias: "t", Name: "id"}}}})
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
		s := SignatureRow{ID: str(row["id"]), Approval: str(row["approval"]), Seat: str(row["seat"]), By: w.holder(str(row["person"])), At: str(row["at"]), State: str(row["state"]), Comment: str(row["comment"]), Clause: str(row["clause"])}
		s.Label = Text{s.Approval, s.Approval}
		if a := r.form.Book.Approval(s.Approval); a != nil {
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
		id, _ := w.approvalOf(a, view)
		if id == "" || seen[id] {
			continue
		}
		seen[id] = true
		ap := r.form.Book.Approval(id)
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
