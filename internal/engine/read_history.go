package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/journal"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// HistoryEntry is one thing that happened to a record, in words.
type HistoryEntry struct {
	ID      string        `json:"id"`
	At      string        `json:"at"`
	By      *Holder       `json:"by"`
	ByLink  bool          `json:"by_link,omitempty"` // by somebody without an account, who had a link
	Action  string        `json:"action"`
	Label   Text          `json:"label"`
	Text    Text          `json:"text"`
	Clauses []string      `json:"clauses"`
	Changes []ChangeWords `json:"changes"`
	Comment string        `json:"comment,omitempty"`
	Proof   *Text         `json:"proof,omitempty"` // how he proved, for this act alone, that it was he
	Kind    string        `json:"kind"`            // act deadline opinion change refused
}

// ChangeWords is a changed field, old and new in words.
type ChangeWords struct {
	Field string `json:"field"`
	Label Text   `json:"label"`
	Old   any    `json:"old"`
	New   any    `json:"new"`
}

// History tells what happened to a record, newest first.
func (e *Engine) History(ctx context.Context, now time.Time, actor Actor, form, id string) ([]HistoryEntry, error) {
	var list []HistoryEntry
	err := e.readPast(ctx, now, actor, func(w *work) error {
		r, err := w.recordSeen(form, id)
		if err != nil {
			return err
		}
		entries, err := w.entriesOf(r, 500)
		if err != nil {
			return err
		}
		list = w.told(r, entries)
		for _, h := range list {
			w.noteChanges(r, h.Changes...)
		}
		return nil
	})
	return list, err
}

// readPast reads what became of records; whose classified values it told leaves the trace that reading the record leaves.
func (e *Engine) readPast(ctx context.Context, now time.Time, actor Actor, fn func(w *work) error) error {
	var past map[*Record]*RecordView
	err := e.read(ctx, now, actor, func(w *work) error {
		err := fn(w)
		past = w.past
		return err
	})
	for r, v := range past {
		if err == nil && len(v.logged) > 0 {
			err = e.logReading(ctx, now, actor, r.form.Key, r.id, "view", map[string]any{"class": v.logged})
		}
	}
	return err
}

// noteChanges notes the classes of which what changed tells a value.
func (w *work) noteChanges(r *Record, list ...ChangeWords) {
	for _, x := range list {
		f := r.form.Field(x.Field)
		if f == nil || f.Class == nil {
			continue
		}
		for _, v := range []any{x.Old, x.New} {
			if _, closed := v.(Masked); v == nil || closed {
				continue
			}
			if w.past == nil {
				w.past = map[*Record]*RecordView{}
			}
			if w.past[r] == nil {
				w.past[r] = &RecordView{}
			}
			w.noter(r, w.past[r])(f.Class)
		}
	}
}

// told lists entries newest first. Who only looked is told in the audit, not here; a clock that knocked again
// and again is told once, with how often.
func (w *work) told(r *Record, entries []*journal.Entry) []HistoryEntry {
	list := []HistoryEntry{}
	again := 1
	for i := len(entries) - 1; i >= 0; i-- {
		h := w.historyEntry(r, entries[i])
		if h.Action == "view" || h.Action == "export" || h.Action == packetAction || h.Kind == "deadline" && h.Text.ZH == "" && len(h.Changes) == 0 {
			continue
		}
		if n := len(list); n > 0 && h.Kind == "deadline" && list[n-1].Kind == "deadline" && len(h.Changes) == 0 && strings.HasPrefix(list[n-1].Text.ZH, h.Text.ZH) {
			again++
			list[n-1].Text = Text{h.Text.ZH + "（连续 " + strconv.Itoa(again) + " 次）", h.Text.EN + " (" + strconv.Itoa(again) + " times running)"}
			continue
		}
		again = 1
		list = append(list, h)
	}
	return list
}

// entriesOf are the journal's entries on a record, oldest first.
func (w *work) entriesOf(r *Record, limit int) ([]*journal.Entry, error) {
	rows, err := w.tx.Select(query.Select{Table: "journal_entry", Alias: "j", Where: query.Eq("j", "record", r.id),
		Order: []query.Order{{Expr: query.Col{Alias: "j", Name: "at"}, Desc: true}, {Expr: query.Col{Alias: "j", Name: "id"}, Desc: true}}, Limit: limit})
	if err != nil {
		return nil, err
	}
	list := make([]*journal.Entry, len(rows))
	for i, row := range rows {
		e, err := journal.Parse([]byte(str(row["body"])))
		if err != nil {
			return nil, err
		}
		list[len(rows)-1-i] = e
	}
	return list, nil
}

// proofWords say how somebody proved a decision; the passkey's answer in the entry can be verified by whoever has its public key.
var proofWords = map[string]Text{
	"passkey":           {ZH: "本人用通行密钥逐件确认", EN: "confirmed by passkey for this act"},
	"password and code": {ZH: "本人用密码和一次性口令逐件确认", EN: "confirmed by password and one-time code for this act"},
	"password":          {ZH: "本人用密码逐件确认", EN: "confirmed by password for this act"},
}

func (w *work) historyEntry(r *Record, e *journal.Entry) HistoryEntry {
	h := HistoryEntry{ID: e.ID, At: instant(e.At), Action: e.Action, Clauses: e.Clauses, Changes: []ChangeWords{}, Kind: "act"}
	if h.Clauses == nil {
		h.Clauses = []string{}
	}
	if e.Actor != "" {
		p := w.holder(e.Actor)
		p.Name = first(e.ActorName, p.Name)
		h.By = &p
	}
	h.ByLink = e.Origin == "link"
	h.Label = w.entryLabel(e)
	h.Comment = str(e.Asked["comment"])
	if how, ok := e.Asked["proof"].(map[string]any); ok {
		if words, ok := proofWords[str(how["means"])]; ok {
			h.Proof = &words
		}
	}
	for _, c := range e.Changed {
		if c.Record != r.id || c.Form != r.form.Key {
			continue
		}
		if x, ok := w.changeWords(r, c); ok {
			h.Changes = append(h.Changes, x)
		}
	}
	place := map[string]int{} // as the form has them; what is no field of it stands first
	for i, f := range r.form.Fields {
		place[f.ID] = i + 1
	}
	slices.SortStableFunc(h.Changes, func(a, b ChangeWords) int { return cmp.Compare(place[a.Field], place[b.Field]) })
	h.Text = w.entryText(e)
	switch {
	case e.Refused:
		h.Kind = "refused"
	case e.Action == "clock" || e.Action == "duty":
		h.Kind = "deadline"
	case str(e.Asked["comment"]) != "":
		h.Kind = "opinion"
	case e.Action == "edit":
		h.Kind = "change"
	}
	return h
}

func (w *work) entryLabel(e *journal.Entry) Text {
	if f := w.e.Lib.Form(e.Form); f != nil {
		if a := f.Action(e.Action); a != nil {
			return actionText(a)
		}
	}
	switch e.Action {
	case "clock":
		return Text{"时限", "Time limit"}
	case "duty":
		return Text{"定期义务", "Recurring duty"}
	}
	if t, ok := houseText[e.Action]; ok {
		return t
	}
	if t, ok := implicitText[e.Action]; ok {
		return t
	}
	return Text{e.Action, e.Action}
}

// houseText names what is done to no record: attachments, and the journal itself.
var houseText = map[string]Text{
	"joined":       {"随所属的并入另一份", "Joined with what it belongs to"},
	"took":         {"并入了另一份", "Take another one in"},
	"upload":       {"上传附件", "Upload an attachment"},
	"download":     {"下载附件", "Download an attachment"},
	"link":         {"给出链接", "Give a link"},
	"read_journal": {"查看日志", "Read the journal"},
	"verify":       {"校验日志", "Verify the journal"},
	"packet":       {"下载日志包", "Download the journal"},
	packetAction:   {"取证据包", "Hand out with proofs"},
	"drill":        {"恢复演练", "Restore drill"},
	"copy":         {"连续备份", "Continuous copy"},
	"accept_loss":  {"认下数据丢失", "Accept a loss of data"},
}

// changeWords says a change of a column as a person reads it; columns that are no fields are not told, nor
// fields the reader may not see.
func (w *work) changeWords(r *Record, c journal.Change) (ChangeWords, bool) {
	if c.Field == "state" {
		return ChangeWords{Field: "state", Label: Text{"状态", "State"}, Old: stateOrNil(r.form, c.Old), New: stateOrNil(r.form, c.New)}, true
	}
	f := r.form.Field(c.Field)
	if f == nil || r.form.Key == exportRequestForm && (hiddenField(f) || f.ID == "told") { // its words stand on the record and never change
		return ChangeWords{}, false
	}
	x := ChangeWords{Field: f.ID, Label: textOr(f.Label, f.ID)}
	if f.Class != nil {
		see := w.visible(r, f)
		if see == hidden {
			return x, false
		}
		if f.Personal {
			x.Old, x.New = w.sealedWords(r, f, see, c.Old), w.sealedWords(r, f, see, c.New)
			return x, true
		}
		x.Old, x.New = w.digestWords(r, f, see, c.Old), w.digestWords(r, f, see, c.New)
		return x, true
	}
	x.Old, x.New = w.columnWords(c.Old, f), w.columnWords(c.New, f)
	for _, o := range w.named(f) {
		if o.ID == c.Old {
			x.Old = o.Label
		}
		if o.ID == c.New {
			x.New = o.Label
		}
	}
	return x, true
}

// digestWords reads a classified value of the journal for somebody. The journal holds a digest of it, so that what it was is known only
// where it is what stands in the record now, or one of the choices there are.
func (w *work) digestWords(r *Record, f *rulebook.Field, see sight, s string) any {
	if s == "" {
		return nil
	}
	if see != full {
		return Masked{Masked: "***"}
	}
	if f.Class.Added && !store.IsDigest(s) { // from when nobody had closed it
		return w.columnWords(s, f)
	}
	known := []string{fmt.Sprint(orEmpty(r.row[f.ID])), "true", "false"}
	for _, o := range f.Type.Options {
		known = append(known, o.ID)
	}
	for _, k := range known {
		if d, err := w.digest(k); err == nil && d == s {
			return w.columnWords(k, f)
		}
	}
	return Masked{Masked: "***"}
}

// sealedWords reads a personal value of the journal for somebody.
func (w *work) sealedWords(r *Record, f *rulebook.Field, see sight, sealed string) any {
	if sealed == "" {
		return nil
	}
	raw, err := w.unseal(f, r.place(f), sealed)
	if err != nil {
		return Masked{Masked: "***"}
	}
	if raw == nil {
		return erasedValue
	}
	v, err := w.decode(raw, f.Type)
	if err != nil || v == nil {
		return Masked{Masked: "***"}
	}
	if see == masked {
		return Masked{Masked: mask(className(f), w.words(v, f.Type))}
	}
	return w.bothWords(v, f.Type)
}

func stateOrNil(f *rulebook.Form, s string) any {
	if s == "" {
		return nil
	}
	return stateText(f, s)
}

// columnWords reads a column's text from the journal back into words.
func (w *work) columnWords(s string, f *rulebook.Field) any {
	if s == "" {
		return nil
	}
	var raw any = s
	switch columnKind(f.Type) {
	case "int":
		n, err := json.Number(s).Int64()
		if err != nil {
			return s
		}
		raw = n
	case "bool":
		raw = s == "true"
	}
	v, err := w.decode(raw, f.Type)
	if err != nil || v == nil {
		return s
	}
	if x, ok := v.(*Record); ok && !w.maySee(x) {
		return "***"
	}
	return w.bothWords(v, f.Type)
}

// bothWords is a value in words: one text where both languages say the same.
func (w *work) bothWords(v expr.Value, t rulebook.FieldType) any {
	zh, en := w.wordsIn(v, t, false), w.wordsIn(v, t, true)
	if zh == en {
		return zh
	}
	return Text{zh, en}
}

// entryText is one sentence about an entry.
func (w *work) entryText(e *journal.Entry) Text {
	if e.Refused {
		l := w.entryLabel(e)
		return Text{"没办成“" + l.ZH + "”" + clauseNote(e.Clauses), "Could not do “" + l.EN + "”" + clauseNote(e.Clauses)}
	}
	var zh, en []string
	add := func(a, b string) { zh, en = append(zh, a), append(en, b) }
	made := map[string]int{} // several of a kind are told once
	for _, x := range e.Effects {
		if formKey, id, _ := strings.Cut(x.Ref, "/"); x.Kind == "create" && id != e.Record {
			made[formKey]++
		}
	}
	if e.Origin == "import" && (e.Action == "create" || e.Action == "edit") {
		add("从表格导入", "brought in from a sheet")
	}
	for _, x := range e.Effects {
		name, rest, _ := strings.Cut(x.Text, " ")
		formKey, id, _ := strings.Cut(x.Ref, "/")
		f := w.e.Lib.Form(formKey)
		own := id == e.Record
		switch x.Kind {
		case "merge", "took":
			words := w.mergeWords(x.Kind, f, id, name)
			add(words.ZH, words.EN)
		case "number":
			add("编号 "+x.Text, "number "+x.Text)
		case "sign":
			switch rest {
			case "refused":
				add("不同意", "declined")
			case "assented":
				add("逾期未签，视为同意", "did not answer, counted as consent")
			case "unanswered":
				add("逾期未答复，记为未答复", "did not answer, noted as no answer")
			default:
				add("签字", "signed")
			}
		case "copy":
			sent := name
			if f != nil {
				if c, err := copyOf(f, name); err == nil && c != nil {
					sent = c.Label.EN
				}
			}
			add("送出"+name, "copy sent: "+sent)
		case "breach":
			if f != nil && f.Deadline(name) != nil {
				l := textOr(f.Deadline(name).Label, name)
				add("“"+l.ZH+"”逾期", "“"+l.EN+"” overdue")
			}
		case "clock":
			if f == nil || f.Deadline(name) == nil || !own {
				continue
			}
			l := textOr(f.Deadline(name).Label, name)
			switch rest {
			case "opened":
				add("开始计“"+l.ZH+"”", "“"+l.EN+"” began to run")
			case "met":
				add("“"+l.ZH+"”办完", "“"+l.EN+"” met")
			case "moved":
				add("“"+l.ZH+"”改期", "“"+l.EN+"” moved")
			case "warned":
				add("“"+l.ZH+"”快到期，已提醒", "warned that “"+l.EN+"” runs out")
			default:
				if strings.HasPrefix(rest, "step ") {
					add("“"+l.ZH+"”催办", "“"+l.EN+"” was urged")
				}
			}
		case "create":
			if formKey == letterForm {
				add("去函", "wrote a letter")
			}
			if f != nil && !own && f.Kept == "" && made[formKey] > 0 {
				many, some := "", ""
				if n := made[formKey]; n > 1 {
					many, some = fmt.Sprintf(" %d 份", n), fmt.Sprintf(" (%d)", n)
				}
				add("生成"+f.Label.ZH+many, "made "+text(f.Label).EN+some)
				made[formKey] = 0
			}
		case "sanction":
			add("提出奖罚", "sanction proposed")
		case "erase":
			if name == "files" {
				add("销毁附件", "attachments destroyed")
				break
			}
			add("擦除个人信息", "personal data erased")
		case "freeze":
			add("存照", "snapshot kept")
		case "waive":
			add("破例放行", "let pass")
		}
	}
	if r := str(e.Asked["reason"]); r != "" {
		add("理由："+r, "reason: "+r)
	}
	return Text{strings.Join(zh, "，"), strings.Join(en, ", ")}
}

func clauseNote(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return "（" + strings.Join(list, "、") + "）"
}

// entryWords is an entry in one line, for lists of what somebody did.
func (w *work) entryWords(e *journal.Entry) Text {
	var of Text
	if f := w.e.Lib.Form(e.Form); f != nil {
		of = textOr(f.Label, f.ID)
	}
	what := w.entryLabel(e)
	if e.Refused {
		what = Text{"没办成“" + what.ZH + "”", what.EN + " refused"}
	}
	if of.ZH == "" { // of no record, as when a file was sent up
		return what
	}
	return Text{strings.TrimSpace(of.ZH+" "+e.Number) + "：" + what.ZH, strings.TrimSpace(of.EN+" "+e.Number) + ": " + what.EN}
}

// ChangesSince says what others changed in a record since the version with this etag.
func (e *Engine) ChangesSince(ctx context.Context, now time.Time, actor Actor, form, id, etag string) (string, []ChangeNote, error) {
	list, current := []ChangeNote{}, ""
	err := e.readPast(ctx, now, actor, func(w *work) error {
		r, err := w.recordSeen(form, id)
		if err != nil {
			return err
		}
		current = r.Etag()
		have, want := json.Number(etag), json.Number(current)
		a, err1 := have.Int64()
		b, err2 := want.Int64()
		n := 10
		if err1 == nil && err2 == nil && b > a {
			n = int(min(b-a, 50))
		}
		entries, err := w.entriesOf(r, n)
		if err != nil {
			return err
		}
		for _, en := range entries {
			for _, c := range en.Changed {
				if c.Record != r.id {
					continue
				}
				if x, ok := w.changeWords(r, c); ok {
					w.noteChanges(r, x)
					list = append(list, ChangeNote{ChangeWords: x, By: first(en.ActorName, w.name(en.Actor)), At: instant(en.At)})
				}
			}
		}
		return nil
	})
	return current, list, err
}

// ChangeNote is a change with who made it and when.
type ChangeNote struct {
	ChangeWords
	By string `json:"by"`
	At string `json:"at"`
}
