package engine

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"time"

	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// Scanned is a record that a code leads to.
type Scanned struct {
	Form   string `json:"form"`
	ID     string `json:"id"`
	Number string `json:"number"`
	Title  string `json:"title"`
	Label  Text   `json:"label"`           // of its form
	State  Text   `json:"state_label"`     // where it stands
	Paper  string `json:"paper,omitempty"` // of a check code: "same" content as now, or "changed" since it was printed
}

const (
	codeID      = 8 // characters of a check code that name the record
	codeContent = 4 // and that are its content's
	scanHits    = 8
)

// checkCode ties a sheet of paper to its record and to the content it was printed from: XXXX-XXXX-CCCC.
func (w *work) checkCode(r *Record) string {
	h := sha256.Sum256([]byte(r.form.Key + "/" + r.id + "/" + w.contentHash(r)))
	s := strings.ToUpper(r.id[:min(codeID, len(r.id))]) + base32.StdEncoding.EncodeToString(h[:])[:codeContent]
	var parts []string
	for ; len(s) > 4; s = s[4:] {
		parts = append(parts, s[:4])
	}
	return strings.Join(append(parts, s), "-")
}

// Scan finds what a scanned or typed code names: the number of a record, exactly, or the check code of a print.
func (e *Engine) Scan(ctx context.Context, now time.Time, actor Actor, code string) ([]Scanned, error) {
	list := []Scanned{}
	code = strings.TrimSpace(code)
	check := strings.ToLower(strings.Map(func(c rune) rune {
		switch {
		case c == '-' || c == ' ' || c == '—' || c == '－':
			return -1
		case c == '0': // there is none in a code
			return 'O'
		}
		return c
	}, fold(code)))
	err := e.read(ctx, now, actor, func(w *work) error {
		list = list[:0]
		if code == "" {
			return nil
		}
		for _, b := range e.Lib.Books {
			for _, f := range b.Forms {
				if f.Kept == "engine" || w.scopeOf(f).none {
					continue
				}
				var wheres []query.Expr
				if f.Number != nil {
					wheres = append(wheres, query.Op{Name: "in", Args: []query.Expr{query.Col{Alias: "this", Name: "number"}, query.Const{Value: code}, query.Const{Value: strings.ToUpper(fold(code))}}})
				}
				if len(check) == codeID+codeContent && ascii(check) {
					id := check[:codeID]
					wheres = append(wheres, query.And(byID(">=", id), byID("<=", id+"zzzzzzzzzzzz")))
				}
				for _, where := range wheres {
					if len(list) >= scanHits {
						return nil
					}
					hits, err := w.scanned(f, where, check)
					if err != nil {
						return err
					}
					list = append(list, hits...)
				}
			}
		}
		return nil
	})
	return list, err
}

func (w *work) scanned(f *rulebook.Form, where query.Expr, check string) ([]Scanned, error) {
	rows, err := w.tx.Select(query.Select{Table: f.Table, Alias: "this", Where: query.And(where, w.where(f, "this")), Limit: scanHits,
		Order: []query.Order{{Expr: query.Col{Alias: "this", Name: "at"}, Desc: true}}})
	if err != nil {
		return nil, err
	}
	var list []Scanned
	for _, row := range rows {
		r := w.adopt(f, row)
		if !w.classSeen(r) {
			continue
		}
		s := Scanned{Form: f.Key, ID: r.id, Number: r.Number(), Title: w.title(r), Label: textOr(f.Label, f.ID), State: stateText(f, r.State())}
		if strings.HasPrefix(r.id, check[:min(codeID, len(check))]) && len(check) == codeID+codeContent {
			s.Paper = either(strings.EqualFold(strings.ReplaceAll(w.checkCode(r), "-", ""), check), "same", "changed")
		}
		list = append(list, s)
	}
	return list, nil
}

func byID(op, id string) query.Expr {
	return query.Op{Name: op, Args: []query.Expr{query.Col{Alias: "this", Name: "id"}, query.Const{Value: id}}}
}

func ascii(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return c > 0x7e }) < 0
}
