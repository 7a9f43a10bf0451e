package app

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"zhanggui/internal/engine"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// lawful is the library that is in force: what the folder says, but of each adopted regulation the text that was approved last. A newer one
// is proposed to who approves it. Regulations that share files change together, or not at all.
func (s *server) lawful(ctx context.Context) (*rulebook.Library, error) {
	lib, err := s.approvedTexts(ctx)
	if err != nil {
		return nil, err
	}
	return lib, s.underEarlier(ctx, lib)
}

func (s *server) approvedTexts(ctx context.Context) (*rulebook.Library, error) {
	now := s.clock.Now()
	at, err := s.lastApproval(ctx)
	if err != nil {
		return nil, err
	}
	s.approved = at
	e, err := engine.New(s.db, s.offered, engine.Options{Keep: s.keys.Keeper})
	if err != nil {
		return nil, err
	}
	list, err := e.Approved(ctx, now)
	if err != nil {
		return nil, fmt.Errorf("texts of the regulations: %w", err)
	}
	text := func(id string) rulebook.Text { return s.offered.Text(s.offered.Book(id)) }
	held := map[string]string{} // files of the texts that stay
	var waiting []string
	for _, a := range list {
		switch t := text(a.Book); {
		case len(a.Digests) == 0:
			if err := e.Revise(ctx, now, engine.Revision{Book: a.Book, Version: s.offered.Book(a.Book).Version, Text: t, First: true}); err != nil {
				return nil, err
			}
		case a.Digests[0] != t.Digest:
			files, err := e.TextFiles(ctx, a.Digests[0])
			if err != nil {
				return nil, err
			}
			maps.Copy(held, files)
			waiting = append(waiting, a.Book)
		}
	}
	s.waiting = strings.Join(waiting, " ")
	if len(waiting) == 0 {
		return s.offered, nil
	}
	for _, a := range list { // what is approved already, but shares files with what waits
		if slices.Contains(waiting, a.Book) {
			continue
		}
		for _, digest := range a.Digests {
			files, err := e.TextFiles(ctx, digest)
			if err != nil {
				return nil, err
			}
			if !touches(files, held) {
				break
			}
			if agrees(files, held) {
				maps.Copy(held, files)
				break
			}
		}
	}
	lib, issues := rulebook.LoadLaw(s.files, held)
	if issues.Failed() {
		fmt.Fprintln(s.p.err, issues.Errors().Error())
		return nil, fmt.Errorf("%s waits for its approval, and the text in force does not compile any more: start the program that it ran with and approve the new text there", s.waiting)
	}
	for _, a := range list {
		if slices.Contains(waiting, a.Book) && lib.Text(lib.Book(a.Book)).Digest != a.Digests[0] {
			return nil, fmt.Errorf("the kept text of %s is not the one that was approved, or it shares files with another text that waits", a.Book)
		}
	}
	if err := s.p.prepare(ctx, s.db, lib); err != nil {
		return nil, err
	}
	for _, id := range waiting {
		d := rulebook.Revised(lib, s.offered, id)
		r := engine.Revision{Book: id, Version: s.offered.Book(id).Version, Text: text(id), Running: s.offered.Book(id).Current, Changes: engine.Text{ZH: d.Print(false), EN: d.Print(true)}}
		if err := e.Revise(ctx, now, r); err != nil {
			return nil, err
		}
		s.p.log.Warn("a new text of a regulation waits for its approval; the one before stays in force", "regulation", id, "version", r.Version)
	}
	return lib, nil
}

// relaw puts into force what an approval has changed.
func (s *server) relaw(ctx context.Context) error {
	s.using.Lock()
	defer s.using.Unlock()
	before := s.waiting
	lib, err := s.lawful(ctx)
	if err != nil || s.waiting == before {
		return err
	}
	s.auth = s.newAuth(lib)
	return s.swap(lib)
}

// lastApproval is when a text came into force last; another node may have heard of it.
func (s *server) lastApproval(ctx context.Context) (at string, err error) {
	table := s.offered.Form("base.rulebook_text").Table
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		since := query.Col{Alias: "t", Name: "since"}
		rows, err := tx.Select(query.Select{Table: table, Alias: "t", Columns: []query.Column{{Name: "at", Expr: since}}, Limit: 1,
			Where: query.Op{Name: "not", Args: []query.Expr{query.Op{Name: "isnull", Args: []query.Expr{since}}}}, Order: []query.Order{{Expr: since, Desc: true}}})
		if err == nil && len(rows) > 0 {
			at, _ = rows[0]["at"].(string)
		}
		return err
	})
	return at, err
}

// heard looks whether another node has put a text into force.
func (s *server) heard(ctx context.Context) error {
	at, err := s.lastApproval(ctx)
	s.using.Lock()
	same := at == s.approved
	s.using.Unlock()
	if err != nil || same {
		return err
	}
	return s.relaw(ctx)
}

// done is told what became of each act; what changes the law is followed at once.
func (s *server) done(d engine.Did) {
	s.op.did(d)
	if s.c.Dev == "" && d.Outcome == "done" && (d.Form == "base.rulebook_text" && d.Action == "approve" || d.Form == "base.adoption") {
		go func() {
			if err := s.relaw(context.WithoutCancel(s.p.ctx)); err != nil {
				s.p.log.Error("the texts of the regulations were not looked at", "err", err)
			}
		}()
	}
}

// touches tells whether two texts have a folder in common.
func touches(a, b map[string]string) bool {
	for x := range a {
		for y := range b {
			if path.Dir(x) == path.Dir(y) {
				return true
			}
		}
	}
	return false
}

// agrees tells whether what two texts have in common is the same.
func agrees(a, b map[string]string) bool {
	for name, text := range a {
		if t, ok := b[name]; ok && t != text {
			return false
		}
	}
	return true
}
