// Package fault gives an error its kind. Everything without a kind is Internal: the reader sees
// a plain sentence and a reference, the operator the chain. It imports nothing of the house.
package fault

import (
	"errors"
	"fmt"
)

// Kind says what sort of mistake an error is, and so how it is answered.
type Kind string

// The kinds. api/error.go is the only place that maps them to HTTP.
const (
	Invalid         Kind = "invalid"         // the input is wrong; Fields say where
	Unauthenticated Kind = "unauthenticated" // nobody is signed in
	Forbidden       Kind = "forbidden"       // signed in, but not for this
	Unversioned     Kind = "unversioned"     // a change that does not say which version it was made on
	Stale           Kind = "stale"           // signed in, but too long ago for this: prove it again
	NotFound        Kind = "not_found"       // does not exist, or not for this reader
	Conflict        Kind = "conflict"        // somebody else was first (stale version, key used for other content)
	TooMany         Kind = "too_many"        // a limit was reached; try later
	Unavailable     Kind = "unavailable"     // the database is away
	Internal        Kind = "internal"        // ours
)

// Error is an error with a kind and a message for the person, in both languages.
type Error struct {
	Kind   Kind
	ZH, EN string
	Fields []Field // for Invalid
	Err    error   // for the operator
}

// Field is a mistake at one place of the input.
type Field struct {
	Path   string `json:"path"` // field id, or line.2.field
	ZH, EN string
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.EN + ": " + e.Err.Error()
	}
	return e.EN
}

func (e *Error) Unwrap() error { return e.Err }

// New makes an error of a kind, with its message in Chinese and English.
func New(kind Kind, zh, en string) *Error { return &Error{Kind: kind, ZH: zh, EN: en} }

// Wrap gives err a kind and a message.
func Wrap(kind Kind, err error, zh, en string) *Error {
	return &Error{Kind: kind, ZH: zh, EN: en, Err: err}
}

// At is an Invalid error at one field.
func At(path, zh, en string) *Error {
	return &Error{Kind: Invalid, ZH: zh, EN: en, Fields: []Field{{path, zh, en}}}
}

// KindOf reads the kind of any error; Internal if it has none, "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Again is the Stale error: who acts must prove anew who he is.
func Again() *Error {
	return &Error{Kind: Stale, ZH: "这件事要再确认一次是你本人", EN: "For this, confirm once more that it is you"}
}

// Missing is the NotFound error for a record, which also stands for one the reader may not see.
func Missing(what, id string) *Error {
	return &Error{Kind: NotFound, ZH: "没有这份记录", EN: "No such record", Err: fmt.Errorf("%s %s", what, id)}
}
