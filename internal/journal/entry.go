// Package journal is the memory of the house: entries with their canonical bytes, the Merkle log
// they are folded into, signed checkpoints, and the proofs an auditor checks. It is pure: no
// database, no clock, and it imports nothing of the house.
package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Entry is one act: who, when, from where, on which rulebook version, what was asked, what changed,
// which clauses decided.
type Entry struct {
	ID        string
	At        time.Time // when it counts
	Recorded  time.Time // when the server wrote it down; later than At for the clock's catch-up and for offline entry
	Actor     string    // person id; "" = the clock
	ActorName string    // as he was called then
	Origin    string    // web, api, clock, import, demo
	Unit      string
	Form      string
	Record    string
	Number    string
	Action    string
	Book      string
	Version   string
	Asked     map[string]any
	Changed   []Change
	Clauses   []string
	Facts     map[string]any
	Effects   []Effect
	Request   string
	Refused   bool
	Turn      int64 // place among the acts that touched the same rows; given by the store
	Rows      []Row // what was written into the tables, by the store
}

// Row is what an act left in one row of a table: the columns it wrote, as they are kept. A value is nil, a string, an
// int64 (json.Number when read back), a bool or a Digest. From the first to the last entry they add up to the row.
type Row struct {
	Table, Key string
	Set        map[string]any
	New        bool // the row came about: columns not named are unset
	Gone       bool // the row was removed
}

// Digest stands for a value that is secret or long.
type Digest string

// Change is one field of one record, in column form; a classified field carries a digest.
type Change struct {
	Form, Record, Field string
	Old, New            string
}

// Effect is one consequence, as words.
type Effect struct {
	Kind, Text, Clause, Ref string
}

// layout of the canonical bytes. A reader that meets a number it does not know refuses the entry:
// better no answer than half of one.
const layout = 1

// instantForm is the column form of an instant, which entries share.
const instantForm = "2006-01-02T15:04:05.000Z"

func instant(t time.Time) string { return t.UTC().Format(instantForm) }

// Canonical is the entry as bytes: JSON with sorted keys, no spaces, instants in UTC milliseconds,
// integers and no other numbers. The same entry gives the same bytes on every machine and in every
// version of Go; these bytes are what the log hashes. Empty parts are left out.
func (e *Entry) Canonical() []byte {
	m := map[string]any{"v": layout, "id": e.ID, "at": instant(e.At), "recorded": instant(e.Recorded)}
	for key, s := range map[string]string{"actor": e.Actor, "actor_name": e.ActorName, "origin": e.Origin, "unit": e.Unit,
		"form": e.Form, "record": e.Record, "number": e.Number, "action": e.Action, "book": e.Book, "version": e.Version,
		"request": e.Request} {
		if s != "" {
			m[key] = s
		}
	}
	if len(e.Asked) > 0 {
		m["asked"] = e.Asked
	}
	if len(e.Facts) > 0 {
		m["facts"] = e.Facts
	}
	if len(e.Clauses) > 0 {
		m["clauses"] = e.Clauses
	}
	if e.Refused {
		m["refused"] = true
	}
	if len(e.Changed) > 0 {
		m["changed"] = e.Changed
	}
	if e.Turn != 0 {
		m["turn"] = e.Turn
	}
	if len(e.Rows) > 0 {
		m["rows"] = e.Rows
	}
	if len(e.Effects) > 0 {
		list := make([]any, len(e.Effects))
		for i, x := range e.Effects {
			one := map[string]string{"kind": x.Kind, "text": x.Text}
			if x.Clause != "" {
				one["clause"] = x.Clause
			}
			if x.Ref != "" {
				one["ref"] = x.Ref
			}
			list[i] = one
		}
		m["effects"] = list
	}
	return appendValue(make([]byte, 0, 1024+160*len(e.Changed)+512*len(e.Rows)), m)
}

// wireRow is how a row is read back.
type wireRow struct {
	T    string         `json:"t"`
	K    string         `json:"k"`
	Set  map[string]any `json:"set"`
	New  bool           `json:"new"`
	Gone bool           `json:"gone"`
}

func (w wireRow) row() Row {
	for name, v := range w.Set {
		if m, ok := v.(map[string]any); ok {
			d, _ := m["#"].(string)
			w.Set[name] = Digest(d)
		}
	}
	return Row{Table: w.T, Key: w.K, Set: w.Set, New: w.New, Gone: w.Gone}
}

// Writes reads of an entry's bytes only what it wrote, which is all that rebuilding the tables needs.
func Writes(data []byte) (turn int64, rows []Row, err error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var w struct {
		Turn int64     `json:"turn"`
		Rows []wireRow `json:"rows"`
	}
	if err := dec.Decode(&w); err != nil {
		return 0, nil, fmt.Errorf("journal: read entry: %w", err)
	}
	for _, r := range w.Rows {
		rows = append(rows, r.row())
	}
	return w.Turn, rows, nil
}

// wire is how an entry is read back. Writing does not use it: struct order and the library's
// escaping are not ours to fix.
type wire struct {
	V         int            `json:"v"`
	ID        string         `json:"id"`
	At        string         `json:"at"`
	Recorded  string         `json:"recorded"`
	Actor     string         `json:"actor"`
	ActorName string         `json:"actor_name"`
	Origin    string         `json:"origin"`
	Unit      string         `json:"unit"`
	Form      string         `json:"form"`
	Record    string         `json:"record"`
	Number    string         `json:"number"`
	Action    string         `json:"action"`
	Book      string         `json:"book"`
	Version   string         `json:"version"`
	Asked     map[string]any `json:"asked"`
	Changed   []Change       `json:"changed"`
	Clauses   []string       `json:"clauses"`
	Facts     map[string]any `json:"facts"`
	Effects   []Effect       `json:"effects"`
	Request   string         `json:"request"`
	Refused   bool           `json:"refused"`
	Turn      int64          `json:"turn"`
	Rows      []wireRow      `json:"rows"`
}

// Parse reads canonical bytes. Numbers inside Asked and Facts come back as json.Number.
// Bytes that are not canonical are refused: two spellings of one entry would have two hashes.
func Parse(data []byte) (*Entry, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	dec.DisallowUnknownFields()
	var w wire
	if err := dec.Decode(&w); err != nil {
		return nil, fmt.Errorf("journal: read entry: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("journal: read entry: something follows it")
	}
	if w.V != layout {
		return nil, fmt.Errorf("journal: entry %s has layout %d, this program reads %d", w.ID, w.V, layout)
	}
	e := &Entry{ID: w.ID, Actor: w.Actor, ActorName: w.ActorName, Origin: w.Origin, Unit: w.Unit, Form: w.Form, Record: w.Record,
		Number: w.Number, Action: w.Action, Book: w.Book, Version: w.Version, Asked: w.Asked, Changed: w.Changed,
		Clauses: w.Clauses, Facts: w.Facts, Effects: w.Effects, Request: w.Request, Refused: w.Refused, Turn: w.Turn}
	for _, r := range w.Rows {
		e.Rows = append(e.Rows, r.row())
	}
	var err error
	if e.At, err = time.Parse(instantForm, w.At); err != nil {
		return nil, fmt.Errorf("journal: entry %s: %w", w.ID, err)
	}
	if e.Recorded, err = time.Parse(instantForm, w.Recorded); err != nil {
		return nil, fmt.Errorf("journal: entry %s: %w", w.ID, err)
	}
	if !bytes.Equal(e.Canonical(), data) {
		return nil, fmt.Errorf("journal: entry %s is not in canonical form", w.ID)
	}
	return e, nil
}
