package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/journal"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// JournalQuery asks the journal.
type JournalQuery struct {
	Person, Record, Clause, Action, Cursor string
	Refused                                bool
	Limit                                  int
}

// JournalPage is a page of entries in words, newest first.
type JournalPage struct {
	Rows []JournalRow `json:"rows"`
	Next string       `json:"next,omitempty"`
}

// JournalRow is an entry in words.
type JournalRow struct {
	ID      string   `json:"id"`
	At      string   `json:"at"`
	By      *Holder  `json:"by"`
	Origin  string   `json:"origin"`
	Form    string   `json:"form"`
	Of      Text     `json:"form_label"` // empty where the entry is of no form, or of one that is gone
	Record  string   `json:"record"`
	Number  string   `json:"number"`
	Action  string   `json:"action"`
	Label   Text     `json:"label"`
	Text    Text     `json:"text"`
	Clauses []string `json:"clauses"`
	Refused bool     `json:"refused"`
	Sealed  bool     `json:"sealed"`
}

// JournalEntry is an entry whole: as words, as facts, and as the bytes that are sealed.
type JournalEntry struct {
	JournalRow
	Asked   map[string]any   `json:"asked"`
	Changed []journal.Change `json:"changed"`
	Facts   map[string]any   `json:"facts"`
	Effects []journal.Effect `json:"effects"`
	Version string           `json:"version"`
	Raw     string           `json:"raw"`
	Hash    string           `json:"hash"`
	Leaf    *int64           `json:"leaf"`
}

// whole tells whether the reader may read the whole journal; others read their own acts and their people's.
func (w *work) whole() bool {
	if w.actor.System {
		return true
	}
	return w.me != nil && (w.world.has(w.me.id, "auditor", w.now) || w.world.has(w.me.id, "admin", w.now))
}

func (w *work) journalScope() query.Expr {
	if w.whole() {
		return nil
	}
	ids := []query.Expr{query.Col{Alias: "j", Name: "actor"}}
	if w.me != nil {
		ids = append(ids, query.Const{Value: w.me.id})
		for id, p := range w.world.people {
			if p.unit != "" && w.headOver(p.unit) && id != w.me.id {
				ids = append(ids, query.Const{Value: id})
			}
		}
	}
	return query.Op{Name: "in", Args: ids}
}

// Journal answers entries in words. Reading it is an entry too.
func (e *Engine) Journal(ctx context.Context, now time.Time, actor Actor, q JournalQuery) (*JournalPage, error) {
	page := &JournalPage{}
	limit := q.Limit
	if limit <= 0 || limit > 200 {
		limit = 50
	}
	err := e.read(ctx, now, actor, func(w *work) error {
		page.Rows = []JournalRow{}
		col := func(n string) query.Col { return query.Col{Alias: "j", Name: n} }
		where := w.journalScope()
		for n, v := range map[string]string{"actor": q.Person, "record": q.Record, "action": q.Action} {
			if v != "" {
				where = query.And(where, query.Eq("j", n, v))
			}
		}
		if q.Clause != "" {
			where = query.And(where, query.Op{Name: "contains", Args: []query.Expr{col("clauses"), query.Const{Value: "," + q.Clause + ","}}})
		}
		if q.Refused {
			where = query.And(where, query.Eq("j", "refused", true))
		}
		if q.Cursor != "" {
			at, id, ok := strings.Cut(q.Cursor, "_")
			if _, good := parseInstant(at); !ok || !good {
				return fault.At("cursor", "翻页标记不对，请从头看", "The cursor does not fit; begin anew")
			}
			less := func(c string, v string) query.Expr {
				return query.Op{Name: "<", Args: []query.Expr{col(c), query.Const{Value: v}}}
			}
			where = query.And(where, query.Op{Name: "or", Args: []query.Expr{less("at", at), query.And(query.Eq("j", "at", at), less("id", id))}})
		}
		rows, err := w.tx.Select(query.Select{Table: "journal_entry", Alias: "j", Where: where, Limit: limit + 1,
			Order: []query.Order{{Expr: col("at"), Desc: true}, {Expr: col("id"), Desc: true}}})
		if err != nil {
			return err
		}
		if len(rows) > limit {
			rows = rows[:limit]
			page.Next = str(rows[limit-1]["at"]) + "_" + str(rows[limit-1]["id"])
		}
		for _, row := range rows {
			en, err := journal.Parse([]byte(str(row["body"])))
			if err != nil {
				return err
			}
			page.Rows = append(page.Rows, w.journalRow(en, row["leaf"] != nil))
		}
		return nil
	})
	return page, err
}

func (w *work) journalRow(en *journal.Entry, sealed bool) JournalRow {
	x := JournalRow{ID: en.ID, At: instant(en.At), Origin: en.Origin, Form: en.Form, Record: en.Record, Number: en.Number, Action: en.Action, Label: w.entryLabel(en), Text: w.entryText(en),
		Clauses: append([]string{}, en.Clauses...), Refused: en.Refused, Sealed: sealed}
	if f := w.e.Lib.Form(en.Form); f != nil {
		x.Of = text(f.Label)
	}
	if en.Actor != "" {
		h := w.holder(en.Actor)
		h.Name = first(en.ActorName, h.Name)
		x.By = &h
	}
	return x
}

// JournalEntry is one entry whole.
func (e *Engine) JournalEntry(ctx context.Context, now time.Time, actor Actor, id string) (*JournalEntry, error) {
	var v *JournalEntry
	err := e.read(ctx, now, actor, func(w *work) error {
		rows, err := w.tx.Select(query.Select{Table: "journal_entry", Alias: "j", Where: query.And(query.Eq("j", "id", id), w.journalScope()), Limit: 1})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return fault.Missing("journal", id)
		}
		body := []byte(str(rows[0]["body"]))
		en, err := journal.Parse(body)
		if err != nil {
			return err
		}
		h := journal.LeafHash(body)
		v = &JournalEntry{JournalRow: w.journalRow(en, rows[0]["leaf"] != nil), Asked: en.Asked, Changed: w.plainChanges(en), Facts: w.plainFacts(en), Effects: en.Effects, Version: en.Version, Hash: h.String()}
		if n, ok := rows[0]["leaf"].(int64); ok {
			v.Leaf = &n
		}
		if w.whole() {
			v.Raw = string(body)
		}
		return nil
	})
	return v, err
}

// plainChanges opens what is sealed for who may see it.
func (w *work) plainChanges(en *journal.Entry) []journal.Change {
	list := append([]journal.Change{}, en.Changed...)
	for i, c := range list {
		f := w.e.Lib.Form(c.Form)
		if f == nil || f.Field(c.Field) == nil || !f.Field(c.Field).Personal {
			continue
		}
		words := func(s string) string {
			r, err := w.get(f, c.Record)
			if s == "" || err != nil {
				return ""
			}
			switch see := w.visible(r, f.Field(c.Field)); see {
			case hidden:
				return "***"
			default:
				switch x := w.sealedWords(r, f.Field(c.Field), see, s).(type) {
				case Masked:
					return x.Masked
				case string:
					return x
				}
			}
			return "***"
		}
		list[i].Old, list[i].New = words(c.Old), words(c.New)
	}
	return list
}

// plainFacts leaves out what classified fields said.
func (w *work) plainFacts(en *journal.Entry) map[string]any {
	f := w.e.Lib.Form(en.Form)
	out := map[string]any{}
	for k, v := range en.Facts {
		if f == nil || !w.classifiedPath(f, k) {
			out[k] = v
		}
	}
	return out
}

// AuditView says how the journal stands.
type AuditView struct {
	Entries    int64  `json:"entries"`
	Sealed     int64  `json:"sealed"`
	Root       string `json:"root"`
	Checkpoint string `json:"checkpoint"`
	LogState
}

// LogState is how far the log can be trusted, and by whom.
type LogState struct {
	SealedAt    string        `json:"sealed_at"`   // of the newest checkpoint
	Witnesses   []WitnessView `json:"witnesses"`   // who keeps checkpoints elsewhere
	Unwitnessed int64         `json:"unwitnessed"` // entries that no witness vouches for yet
	Held        *Text         `json:"held"`        // why nothing can be done, null while all is well
	LogCheck
}

// WitnessView is how far one witness has seen the log.
type WitnessView struct {
	Name string `json:"name"` // "" = the file beside the key, on the server itself
	Size int64  `json:"size"`
	At   string `json:"at"`
}

// LogCheck is what a verification found.
type LogCheck struct {
	VerifiedAt string   `json:"verified_at"`
	Verified   int64    `json:"verified"` // entries
	Sealed     int64    `json:"-"`
	Result     string   `json:"result"`   // ok, or the first finding
	Findings   []string `json:"findings"` // the first few
}

// MetaVerified keeps the LogCheck of the last verification.
const MetaVerified = "verified"

// mistrusted refuses to hand out lists while the last verification found that records or journal were altered: what is wrong must not
// spread as if it were right. Packets go on, since each of their rows is held against the journal.
func (w *work) mistrusted(r *Record, a *rulebook.Action) error {
	rows, err := w.tx.Select(query.Select{Table: "meta", Alias: "m", Where: query.Eq("m", "key", MetaVerified)})
	if err != nil || len(rows) == 0 {
		return err
	}
	var last LogCheck
	if err := json.Unmarshal([]byte(str(rows[0]["value"])), &last); err != nil {
		return fmt.Errorf("meta %s: %w", MetaVerified, err)
	}
	if last.Result == "ok" {
		return nil
	}
	return w.refuse("require", r, a, []Reason{{Say: label("上次校验发现记录或日志被改过，查清以前不能导出。请稽核员在稽核页看结果，处理后重新校验",
		"The last verification found that records or journal were altered; nothing is exported until that is settled. An auditor sees on the audit page what it found, and verifies again afterwards")}})
}

// AuditState reads the size of the journal and its newest checkpoint.
func (e *Engine) AuditState(ctx context.Context, now time.Time, actor Actor) (*AuditView, error) {
	v := &AuditView{}
	err := e.read(ctx, now, actor, func(w *work) error {
		if !w.whole() {
			return fault.New(fault.Forbidden, "稽核只给稽核员和管理员看", "The audit is for auditors and administrators")
		}
		var err error
		if v.Entries, err = w.tx.Count("journal_entry", nil); err != nil {
			return err
		}
		if v.Sealed, err = w.tx.Count("journal_entry", query.Op{Name: "not", Args: []query.Expr{query.Op{Name: "isnull", Args: []query.Expr{query.Col{Alias: "j", Name: "leaf"}}}}}); err != nil {
			return err
		}
		note, err := w.tx.Checkpoint()
		if err != nil {
			return err
		}
		v.Checkpoint = string(note)
		if lines := strings.Split(string(note), "\n"); len(lines) > 2 {
			v.Root = lines[2]
		}
		return nil
	})
	return v, err
}

// Rights says in sentences what a person may do.
func (e *Engine) Rights(ctx context.Context, now time.Time, actor Actor, person string) ([]Text, error) {
	var list []Text
	err := e.read(ctx, now, actor, func(w *work) error {
		list = []Text{}
		p, err := w.recordSeen("base.person", person)
		if err != nil {
			return err
		}
		for _, g := range w.world.rolesOf(person, w.now) {
			l := w.roleLabel(g.role)
			in := Text{"全公司", "the whole company"}
			if u := w.unitRef(g.unit); u != nil {
				in = Text{u.Name, u.Name}
			}
			list = append(list, Text{"任" + in.ZH + "的“" + l.ZH + "”。", "Is “" + l.EN + "” of " + in.EN + "."})
		}
		him := *w
		him.actor, him.me, him.scopes, him.recs = Actor{Person: person}, p, nil, w.recs
		for _, b := range e.Lib.Books {
			for _, f := range b.Forms {
				if f.Kept == "engine" || him.scopeOf(f).none || b.ID == "base" && f.Kept == "" {
					continue
				}
				if t, ok := him.may(f); ok {
					list = append(list, t)
				}
			}
		}
		return nil
	})
	return list, err
}

func (w *work) roleLabel(id string) Text {
	for _, b := range w.e.Lib.Books {
		if r := b.Role(id); r != nil {
			return textOr(r.Label, id)
		}
	}
	return Text{id, id}
}

// may lists the actions of a form that a person may do by what he is, whatever the record.
func (w *work) may(f *rulebook.Form) (Text, bool) {
	r := w.blank(f, w.myUnit())
	delete(r.row, "by")
	view := w.view(r)
	var zh, en []string
	for _, a := range f.Actions {
		if a.By == nil || a.Implicit && a.ID != "create" || !view.Awake(&a.Node) || onlyClock(a) {
			continue
		}
		if ok, _, err := w.allowed(r, a, view); err == nil && ok {
			l := actionText(a)
			zh, en = append(zh, l.ZH), append(en, l.EN)
		}
	}
	if len(zh) == 0 {
		return Text{}, false
	}
	return Text{"在“" + f.Label.ZH + "”里可以办：" + strings.Join(zh, "、") + "。", "In “" + text(f.Label).EN + "” may: " + strings.Join(en, ", ") + "."}, true
}
