// Package journal is the memory of the house: entries with their canonical bytes, the Merkle log
// they are folded into, signed checkpoints, and the proofs an auditor checks. It is pure: no
// database, no clock, and it imports nothing of the house.
package journal

import "time"

// Entry is one act: who, when, from where, on which rulebook version, what was asked, what changed,
// which clauses decided.
type Entry struct {
	ID        string
	At        time.Time // when it counts
	Recorded  time.Time // when the server wrote it down; later than At for the clock's catch-up and offline entry
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
}

// Change is one field of one record, in column form; classified fields carry a digest.
type Change struct {
	Form, Record, Field string
	Old, New            string
}

// Effect is one consequence, as words.
type Effect struct {
	Kind, Text, Clause, Ref string
}

func (e *Entry) Canonical() []byte { return nil }

func Parse(data []byte) (*Entry, error) { return nil, nil }
