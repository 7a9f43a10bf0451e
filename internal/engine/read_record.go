package engine

import (
	"context"
	"time"

	"zhanggui/internal/rulebook"
)

// RecordView is a record as its page shows it.
type RecordView struct {
	Form       string                `json:"form"`
	ID         string                `json:"id"`
	Number     string                `json:"number"`
	Title      string                `json:"title"`
	TitleEN    string                `json:"title_en,omitempty"` // where it is another in English
	State      string                `json:"state"`
	StateLabel Text                  `json:"state_label"`
	Etag       string                `json:"etag"`
	Unit       *Ref                  `json:"unit"`
	By         *Ref                  `json:"by"`
	At         string                `json:"at"`
	Book       string                `json:"book"`
	Version    string                `json:"version"`
	Older      bool                  `json:"older,omitempty"` // it runs under an earlier text: ask for the form with the record
	Values     map[string]any        `json:"values"`
	Lines      map[string][]LineRow  `json:"lines"`
	Path       []Stage               `json:"path"`
	Actions    Actions               `json:"actions"`
	Links      []LinkOffer           `json:"links,omitempty"`
	Clocks     []Clock               `json:"clocks"`
	Copies     []CopyRow             `json:"copies"`
	Signatures []SignatureRow        `json:"signatures"`
	Waiting    []WaitingRow          `json:"waiting"`
	Related    []Related             `json:"related"`
	Opens      []OpenRef             `json:"opens"`
	Sanctions  []SanctionRow         `json:"sanctions"`
	Letters    []LetterRow           `json:"letters,omitempty"` // what it sent to people outside
	Compare    []Comparison          `json:"compare,omitempty"`
	Masked     []string              `json:"masked,omitempty"`
	Applies    map[string]bool       `json:"applies,omitempty"` // fields with a condition: whether it holds now
	Reveal     map[string]RevealRule `json:"reveal,omitempty"`
	Band       *string               `json:"band"`
	Merged     *MergedInto           `json:"merged,omitempty"`        // set on one that was merged into another
	Copyable   bool                  `json:"personal_copy,omitempty"` // this reader can have the copy that this request asks for
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
	Rows     int    `json:"rows,omitempty"` // rows of a report signed with this press
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
	if err := w.lookAround(r); err != nil {
		return nil, err
	}
	err := w.prefetch(r.form, []*Record{r})
	if err != nil {
		return nil, err
	}
	row := w.rowOut(r)
	v := &RecordView{Form: r.form.Key, ID: r.id, Number: row.Number, Title: row.Title, TitleEN: row.TitleEN, State: row.State, StateLabel: row.StateLabel, Etag: row.Etag, Unit: row.Unit, By: row.By, At: row.At,
		Book: r.form.Book.ID, Version: r.form.Book.Version, Older: !w.e.present(r.form.Book), Lines: map[string][]LineRow{}, Applies: map[string]bool{}, Reveal: map[string]RevealRule{}}
	if v.Merged, err = w.mergedOut(r); err != nil {
		return nil, err
	}
	v.Values = w.valuesOut(r, func(*rulebook.Field) bool { return true })
	w.sights(r, v)
	v.Copyable = w.mayCopy(r)
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
	if v.Clocks, err = w.clocksOf(r); err != nil {
		return nil, err
	}
	v.Path = w.path(r, v.Clocks)
	if v.Actions, err = w.actions(r); err != nil {
		return nil, err
	}
	if v.Links, err = w.linksToGive(r); err != nil {
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
	if v.Opens, err = w.opens(r); err != nil {
		return nil, err
	}
	if v.Related, err = w.related(r); err != nil {
		return nil, err
	}
	if v.Letters, err = w.lettersOf(r); err != nil {
		return nil, err
	}
	if v.Sanctions, err = w.sanctionsOf(r); err != nil {
		return nil, err
	}
	v.Compare, err = w.comparisons(r, w.noter(r, v))
	return v, err
}

// noter notes the classes whose reading leaves a trace.
func (w *work) noter(r *Record, v *RecordView) func(*rulebook.ClassRef) {
	return func(c *rulebook.ClassRef) {
		if c != nil && c.Class != nil && c.Class.ReadLog && w.classView(r, c) != nil && !contains(v.logged, c.Class.ID) {
			v.logged = append(v.logged, c.Class.ID)
		}
	}
}

// sights notes what is masked, what may be revealed, what applies, and which readings leave a trace.
func (w *work) sights(r *Record, v *RecordView) {
	view, note := w.view(r), w.noter(r, v)
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
			if x, err := r.Get(f.ID); err == nil && w.erased(f, x, r.row[f.ID]) {
				continue
			}
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
