package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// A regulation comes into force in a new text only with the approval of whom its header names, else of its administrator. Each text is a
// record of base.rulebook_text; what it reads is kept beside, by its digest, so that the old text can go on.

const textForm, textTable = "base.rulebook_text", "rulebook_text"

// Approved are the texts of a book that have been in force, by their digests, the present one first. None: it has just been adopted.
type Approved struct {
	Book    string
	Digests []string
}

// Approved are the texts of the adopted books, in the library's order.
func (e *Engine) Approved(ctx context.Context, now time.Time) ([]Approved, error) {
	var list []Approved
	err := e.read(ctx, now, Actor{System: true}, func(w *work) error {
		list = nil
		today := w.world.calendar.DateOf(now)
		for _, b := range e.Lib.Books {
			if !w.adopted(b, today) {
				continue
			}
			rows, err := w.texts(b.ID)
			if err != nil {
				return err
			}
			a := Approved{Book: b.ID}
			for _, r := range rows {
				if str(r["state"]) == "in_force" {
					a.Digests = append(a.Digests, str(r["digest"]))
				}
			}
			list = append(list, a)
		}
		return nil
	})
	return list, err
}

// adopted tells whether some unit works by a book, or will.
func (w *work) adopted(b *rulebook.Book, today calendar.Date) bool {
	for _, a := range w.world.adoptions {
		if a.book == b.ID && (a.until.IsZero() || !a.until.Before(today)) {
			return true
		}
	}
	return false
}

// texts are the records of a book's texts, what came into force last first.
func (w *work) texts(book string) ([]store.Row, error) {
	rows, err := w.tx.Select(query.Select{Table: w.e.Lib.Form(textForm).Table, Alias: "t", Where: query.Eq("t", "book", book)})
	sort.SliceStable(rows, func(i, j int) bool {
		if a, b := str(rows[i]["since"]), str(rows[j]["since"]); a != b {
			return a > b
		}
		return str(rows[i]["id"]) > str(rows[j]["id"])
	})
	return rows, err
}

// TextFiles are the files of a kept text.
func (e *Engine) TextFiles(ctx context.Context, digest string) (map[string]string, error) {
	var files map[string]string
	err := e.DB.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Select(query.Select{Table: textTable, Alias: "t", Where: query.Eq("t", "digest", digest), Limit: 1})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return fault.Missing("text", digest)
		}
		return json.Unmarshal([]byte(str(rows[0]["body"])), &files)
	})
	return files, err
}

// Revision is a text that a book came with.
type Revision struct {
	Book, Version string
	Text          rulebook.Text
	Changes       Text
	Running       bool // applies to records that began under an earlier one too
	First         bool // the one it was adopted with, which waits for nobody
}

// Revise keeps a text and proposes it, unless it has been proposed since the present one came into force. Other proposals for the book are
// withdrawn: nobody offers them any more. Nodes that meet a text at one moment do it once: their acts carry the same keys.
func (e *Engine) Revise(ctx context.Context, now time.Time, r Revision) error {
	var known bool
	var stale []string
	var before int
	system := Actor{System: true, Origin: "system"}
	err := e.read(ctx, now, system, func(w *work) error {
		known, stale = false, nil
		rows, err := w.texts(r.Book)
		before = len(rows)
		for i, row := range rows {
			st, same := str(row["state"]), str(row["digest"]) == r.Text.Digest
			switch {
			case st == "proposed" && !same:
				stale = append(stale, str(row["id"]))
			case st == "proposed", st == "in_force" && i == 0 && same, st == "refused" && same && str(row["at"]) >= str(rows[0]["since"]):
				known = true
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, id := range stale {
		if _, err := e.Do(ctx, now, Act{Form: textForm, Record: id, Action: "withdraw", Actor: system, Key: "withdraw " + id}); err != nil {
			return err
		}
	}
	if known {
		return nil
	}
	body, err := json.Marshal(r.Text.Files)
	if err != nil {
		return err
	}
	if err := e.DB.Write(ctx, func(tx *store.Tx) error {
		return tx.Upsert(textTable, []string{"digest"}, store.Row{"digest": r.Text.Digest, "body": string(body), "at": instant(now)})
	}); err != nil {
		return err
	}
	values := map[string]any{"book": r.Book, "version": r.Version, "digest": r.Text.Digest, "changes": r.Changes.ZH, "changes_en": r.Changes.EN, "running": r.Running}
	out, err := e.Do(ctx, now, Act{Form: textForm, Action: "create", Values: values, Actor: system, Key: fmt.Sprint("text ", r.Book, " ", r.Text.Digest, " ", before)})
	if err != nil || !r.First {
		return err
	}
	_, err = e.Do(ctx, now, Act{Form: textForm, Record: out.Record, Action: "approve", Actor: system, Key: "approve " + out.Record})
	return err
}

// judgeText asks who may approve a new text of a book: whom its header names, else its administrator. Whoever may is told of a proposal.
func (w *work) judgeText(r *Record, a *rulebook.Action) error {
	b := w.e.Lib.Book(r.str("book"))
	if b == nil {
		return fault.At("book", "没有这部制度", "There is no such regulation")
	}
	switch a.ID {
	case "create":
		return w.tellChangers(r, b)
	case "approve", "decline":
		ok, err := w.mayChange(r, b, nil)
		if err == nil && !ok {
			clause := ""
			if list := w.changers(b, nil); list != nil {
				clause = list[0].Clause
			}
			t := text(b.Title)
			err = w.refuse("who", r, a, []Reason{{Clause: clause, Say: label("“"+t.ZH+"”的新文本不归你核准", "A new text of “"+t.EN+"” is not yours to approve")}})
		}
		return err
	}
	return nil
}

func (w *work) tellChangers(r *Record, b *rulebook.Book) error {
	view := w.bookSight(b)
	for _, item := range w.changers(b, nil) {
		ids, _, err := w.whoItem(r, item, view)
		if err != nil {
			return err
		}
		t := text(b.Title)
		for _, id := range ids {
			p, err := w.person(id)
			if err != nil {
				return err
			}
			if err := w.quietCreate("base.notice", r, map[string]expr.Value{"person": p, "text": "“" + t.ZH + "”有新文本，核准后才施行", "text_en": "“" + t.EN + "” has a new text; it comes into force when you approve it",
				"clause": orUnset(item.Clause)}); err != nil {
				return err
			}
		}
	}
	return nil
}
