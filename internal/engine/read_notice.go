package engine

import (
	"context"
	"time"

	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// Notice is something a person was told.
type Notice struct {
	ID     string `json:"id"`
	At     string `json:"at"`
	Text   Text   `json:"text"`
	Form   string `json:"form"`
	Record string `json:"record"`
	Clause string `json:"clause,omitempty"`
	Read   bool   `json:"read"`
}

// NoticeList is a page of notices with the number unread.
type NoticeList struct {
	Rows   []Notice `json:"rows"`
	Unread int64    `json:"unread"`
}

// Notices of the actor, newest first.
func (e *Engine) Notices(ctx context.Context, now time.Time, actor Actor) (*NoticeList, error) {
	list := &NoticeList{}
	err := e.read(ctx, now, actor, func(w *work) error {
		*list = NoticeList{Rows: []Notice{}}
		f := w.e.Lib.Form("base.notice")
		if w.me == nil || f == nil {
			return nil
		}
		mine := query.Eq("this", "person", w.me.id)
		rows, err := w.tx.Select(query.Select{Table: f.Table, Alias: "this", Where: mine, Limit: 100,
			Order: []query.Order{{Expr: query.Col{Alias: "this", Name: "at"}, Desc: true}, {Expr: query.Col{Alias: "this", Name: "id"}, Desc: true}}})
		if err != nil {
			return err
		}
		for _, row := range rows {
			list.Rows = append(list.Rows, Notice{str(row["id"]), str(row["at"]), Text{str(row["text"]), first(str(row["text_en"]), str(row["text"]))}, str(row["of_form"]), str(row["of_id"]), str(row["clause"]), !unread(f, str(row["state"]))})
		}
		list.Unread, err = w.tx.Count(f.Table, query.And(mine, query.Eq("this", "state", firstState(f))))
		return err
	})
	return list, err
}

func firstState(f *rulebook.Form) string {
	if len(f.States) == 0 {
		return ""
	}
	return f.States[0].ID
}

func unread(f *rulebook.Form, state string) bool { return state == firstState(f) }

// ReadNotice marks a notice as read, by the action of its form that leads on; one that is read stays so.
func (e *Engine) ReadNotice(ctx context.Context, now time.Time, actor Actor, id string) error {
	f := e.Lib.Form("base.notice")
	if f == nil {
		return unknownForm("base.notice")
	}
	done := false
	err := e.read(ctx, now, actor, func(w *work) error {
		r, err := w.recordSeen(f.Key, id)
		if err == nil {
			done = !unread(f, r.State())
		}
		return err
	})
	if err != nil || done {
		return err
	}
	for _, a := range f.Actions {
		if !a.Implicit && a.To != nil {
			_, err := e.Do(ctx, now, Act{Form: f.Key, Record: id, Action: a.ID, Actor: actor})
			return err
		}
	}
	return nil
}

// Hit is something a search found.
type Hit struct {
	Form   string `json:"form"`
	ID     string `json:"id"`
	Number string `json:"number"`
	Title  Text   `json:"title"`
	Sub    Text   `json:"sub"`
	Mark   string `json:"mark"`
}

// HitGroup are the hits of one kind.
type HitGroup struct {
	Kind  string `json:"kind"`
	Label Text   `json:"label"`
	Hits  []Hit  `json:"hits"`
}

// SearchResult groups hits.
type SearchResult struct {
	Groups []HitGroup `json:"groups"`
}
