package store

// Kind is what a column holds. Times have no kind of their own: an instant is text
// "2006-01-02T15:04:05.000Z" in UTC, a date text "2006-01-02"; money and decimals are scaled ints.
type Kind string

// The kinds. Text and JSON are both TEXT in the database, so one may become the other.
const (
	Text Kind = "text"
	Int  Kind = "int"
	Bool Kind = "bool"
	JSON Kind = "json"
	Blob Kind = "blob"
)

// Column is one column of a table. Label is what a person reads; PostgreSQL keeps it as a comment.
type Column struct {
	Name    string
	Kind    Kind
	NotNull bool
	Label   string
	Untold  bool // derived from other columns, and must vanish when they do: the journal keeps nothing of it, nor vouches for it
	Once    bool // of a written table: may be filled later, once
	Secret  bool // the journal keeps a digest of what is written here, never the value
}

// Index is a way to find rows, or with Unique a promise about them. Where makes it partial: SQL that
// both databases read, with quoted column names, for example `"next_at" IS NOT NULL`.
type Index struct {
	Name    string
	Columns []string
	Unique  bool
	Where   string
}

// Table is the wanted shape of a table. Plan compares it with the one that is there.
type Table struct {
	Name    string
	Columns []Column
	Primary []string
	Indexes []Index
	Label   string

	// Apart: what is in it is no business data; the journal neither tells of it nor vouches for it.
	Apart bool

	// Written: a row is written once. The database itself refuses to change or delete it.
	Written bool
}

// Row is one row: column name → nil, string, int64, bool or []byte, the same on both databases.
type Row map[string]any
