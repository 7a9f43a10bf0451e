package engine

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/journal"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// TimelineEvent is one thing in a record's timeline: something done to it or to one of its parts, or a record that was filed about it.
type TimelineEvent struct {
	ID         string        `json:"id"`
	At         string        `json:"at"`
	Kind       string        `json:"kind"` // filed, or as in a history: act deadline opinion change refused
	Form       string        `json:"form"`
	Record     string        `json:"record"`
	Label      Text          `json:"label"` // of a filed record: its form; else what was done
	Number     string        `json:"number,omitempty"`
	Title      string        `json:"title,omitempty"`
	StateLabel *Text         `json:"state_label,omitempty"` // of a filed record that has more than one state: where it stands now
	By         *Holder       `json:"by"`
	Text       Text          `json:"text"`
	Changes    []ChangeWords `json:"changes"`
	Comment    string        `json:"comment,omitempty"`
	Clauses    []string      `json:"clauses"`
}

// Timeline is a page of events, the newest first.
type Timeline struct {
	Rows []TimelineEvent `json:"rows"`
	Next string          `json:"next,omitempty"`
}

// TimelineQuery asks for a page; Form keeps to the records of one form.
type TimelineQuery struct {
	Form, Cursor string
	Limit        int // default 30, at most 100
}

const timelineTurns = 5 // pages looked through for one, where most entries say nothing to a reader

// Timeline tells what happened to a record and around it. Every source gives its newest rows behind the cursor, by an index, and no
// more than a page of them.
func (e *Engine) Timeline(ctx context.Context, now time.Time, actor Actor, form, id string, q TimelineQuery) (*Timeline, error) {
	var page *Timeline
	err := e.readPast(ctx, now, actor, func(w *work) error {
		page = &Timeline{Rows: []TimelineEvent{}}
		r, err := w.recordSeen(form, id)
		if err != nil {
			return err
		}
		limit := q.Limit
		if limit <= 0 {
			limit = 30
		}
		limit = min(limit, 100)
		cursor, err := readMoment(q.Cursor)
		if err != nil {
			return err
		}
		parts, list, err := w.surroundings(r)
		if err != nil {
			return err
		}
		t := &timeline{w: w, of: map[string]*Record{r.id: r}, list: list}
		for _, x := range parts {
			t.of[x.id] = x
		}
		if q.Form != "" {
			t.of, t.list = nil, slices.DeleteFunc(list, func(a about) bool { return a.form.Key != q.Form })
		}
		for turn := 0; turn < timelineTurns && len(page.Rows) < limit; turn++ {
			rows, next, err := t.page(cursor, limit-len(page.Rows))
			if err != nil {
				return err
			}
			page.Rows, cursor, page.Next = append(page.Rows, rows...), next, next.String()
			if page.Next == "" {
				break
			}
		}
		for _, ev := range page.Rows {
			if x := t.of[ev.Record]; x != nil {
				w.noteChanges(x, ev.Changes...)
			}
		}
		return nil
	})
	return page, err
}

// eventMark is a place in a timeline: the last event shown.
type eventMark struct{ at, id string }

func (m eventMark) String() string {
	if m.at == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(m.at + " " + m.id))
}

func readMoment(s string) (eventMark, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	at, id, ok := strings.Cut(string(b), " ")
	if s != "" && (err != nil || !ok) {
		return eventMark{}, fault.At("cursor", "翻页标记不对，请从头看", "The cursor does not fit; begin anew")
	}
	return eventMark{at, id}, nil
}

// before is the condition for what lies behind a eventMark.
func (m eventMark) before(alias string) query.Expr {
	if m.at == "" {
		return nil
	}
	at, id := query.Col{Alias: alias, Name: "at"}, query.Col{Alias: alias, Name: "id"}
	less := func(c query.Col, v string) query.Expr {
		return query.Op{Name: "<", Args: []query.Expr{c, query.Const{Value: v}}}
	}
	// the first condition says nothing new; it is what an index is entered by
	return query.And(query.Op{Name: "<=", Args: []query.Expr{at, query.Const{Value: m.at}}},
		query.Op{Name: "or", Args: []query.Expr{less(at, m.at), query.And(query.Eq(alias, "at", m.at), less(id, m.id))}})
}

type timeline struct {
	w    *work
	of   map[string]*Record // whose own acts are told
	list []about
}

// foundEvent is an event before it is put into words.
type foundEvent struct {
	eventMark
	entry store.Row
	rec   *Record
}

func (t *timeline) page(from eventMark, limit int) ([]TimelineEvent, eventMark, error) {
	w := t.w
	var all []foundEvent
	if len(t.of) > 0 {
		looked := query.Op{Name: "in", Args: []query.Expr{query.Col{Alias: "j", Name: "action"}, query.Const{Value: "view"}, query.Const{Value: "export"}, query.Const{Value: "reveal"}, query.Const{Value: "print"}}}
		rows, err := w.tx.Select(query.Select{Table: "journal_entry", Alias: "j", Limit: limit + 1, Order: newestFirst("j"),
			Where: query.And(oneOf("j", "record", sortedKeys(t.of)), query.Op{Name: "not", Args: []query.Expr{looked}}, from.before("j"))})
		if err != nil {
			return nil, eventMark{}, err
		}
		for _, row := range rows {
			all = append(all, foundEvent{eventMark{str(row["at"]), str(row["id"])}, row, nil})
		}
	}
	for _, a := range t.list {
		rows, err := w.tx.Select(query.Select{Table: a.form.Table, Alias: "this", Limit: limit + 1, Order: newestFirst("this"), Where: query.And(a.where(w), standing("this"), from.before("this"))})
		if err != nil {
			return nil, eventMark{}, err
		}
		for _, row := range rows {
			r := w.adopt(a.form, row)
			if _, twice := t.of[r.id]; !twice { // a part's own acts begin with its filing
				all = append(all, foundEvent{eventMark{str(row["at"]), r.id}, nil, r})
			}
		}
	}
	slices.SortFunc(all, func(a, b foundEvent) int { return strings.Compare(b.at+" "+b.id, a.at+" "+a.id) })
	all = slices.CompactFunc(all, func(a, b foundEvent) bool { return a.eventMark == b.eventMark })
	next := eventMark{}
	if len(all) > limit {
		all = all[:limit]
		next = all[limit-1].eventMark
	}
	list, err := t.tell(all)
	return list, next, err
}

// tell puts events into words, loading what they name form by form.
func (t *timeline) tell(all []foundEvent) ([]TimelineEvent, error) {
	w := t.w
	forms := map[string][]*Record{}
	for _, x := range all {
		if x.rec != nil && w.classSeen(x.rec) {
			forms[x.rec.form.Key] = append(forms[x.rec.form.Key], x.rec)
		}
	}
	for _, key := range sortedKeys(forms) {
		if err := w.prefetch(w.e.Lib.Form(key), forms[key]); err != nil {
			return nil, err
		}
	}
	list := []TimelineEvent{}
	for _, x := range all {
		switch {
		case x.entry != nil:
			en, err := journal.Parse([]byte(str(x.entry["body"])))
			if err != nil {
				return nil, err
			}
			r := t.of[en.Record]
			if r == nil {
				continue
			}
			h := w.historyEntry(r, en)
			if h.Kind == "deadline" && h.Text.ZH == "" && len(h.Changes) == 0 {
				continue
			}
			list = append(list, TimelineEvent{ID: h.ID, At: h.At, Kind: h.Kind, Form: r.form.Key, Record: r.id, Label: h.Label, By: h.By, Text: h.Text, Changes: h.Changes, Comment: h.Comment, Clauses: h.Clauses})
		case w.classSeen(x.rec):
			r := x.rec
			ev := TimelineEvent{ID: r.id, At: str(r.row["at"]), Kind: "filed", Form: r.form.Key, Record: r.id, Label: textOr(r.form.Label, r.form.ID), Number: r.Number(), Title: w.title(r), Changes: []ChangeWords{}, Clauses: []string{}}
			if by := str(r.row["by"]); by != "" {
				h := w.holder(by)
				ev.By = &h
			}
			if len(r.form.States) > 1 {
				st := stateText(r.form, r.State())
				ev.StateLabel = &st
			}
			list = append(list, ev)
		}
	}
	return list, nil
}
