package expr

import (
	"time"

	"github.com/govalues/decimal"

	"zhanggui/internal/calendar"
	"zhanggui/internal/query"
)

// Value is a value of the language. Its Go types:
//
//	nil                unset
//	bool, int64, string (text and choice)
//	Decimal            decimal, percent, quantity
//	Money              money
//	calendar.Date      date
//	TimeOfDay          time
//	time.Time          datetime
//	calendar.Span      span
//	calendar.Period    period
//	Range              range
//	Record             object with a table (form or line), and built-in structures
//	Who                who
//	[]Value            list in memory
//	Set                list of records not loaded yet (a form, a back-reference, .where of one)
type Value any

// Decimal is an exact decimal number.
type Decimal struct{ decimal.Decimal }

// Money is an exact amount in the company's currency, two digits after the point.
type Money struct{ decimal.Decimal }

// TimeOfDay is minutes after midnight.
type TimeOfDay int

// Range is a number segment, first and last included, e.g. A000001–A001000.
type Range struct{ First, Last string }

// Record is something that a.b reads. Two records are equal if Object and ID are.
type Record interface {
	Object() string // key of its Object in the Schema
	ID() string     // "" for built-in structures
	Get(field string) (Value, error)
}

// Set is rows of a form, not loaded yet.
type Set interface {
	Object() string
	// Narrow adds a condition over alias "it" (columns of the object's table).
	Narrow(where query.Expr) Set
	// All loads the rows.
	All() ([]Record, error)
	// Aggregate asks the database: agg exists, count, sum, min, max, count_distinct; arg over alias "it".
	// The answer is in column form (int64, string, bool, nil).
	Aggregate(agg string, arg query.Expr) (any, error)
}

// Who is a set of persons, resolved against the directory of a moment.
type Who interface {
	// Has tells whether the person (record of base.person) belongs to it.
	Has(person Record) bool
	Persons() []Record
	// Of narrows a role to its holders in one unit; Members of a plain list are unchanged.
	Of(unit Record) Who
}

// Facts is what evaluation may ask of the world. The engine implements it; all answers are as of one transaction.
type Facts interface {
	// Form is the set of all records of a form, by object key.
	Form(object string) Set
	Role(id string, unit Record) Who                 // holders in unit or the nearest above that has any; unit nil = anywhere
	RoleAt(id string, unit Record, at time.Time) Who // holder(role, unit, t)
	Members(unit Record) Who                         // unit.members: the people of the unit and below
	Superior(person Record) (Record, error)          // nil if none
	Head(unit Record) (Record, error)                // nil if vacant
	// Led are the ids for which superior, head or members answers this person, and those for which it answers nobody.
	Led(fn string, by Record) (ids, nobody []string, err error)
	UnitOf(person Record, at time.Time) (Record, error)
	Absent(who Value, at time.Time) bool              // every holder is away
	Waiting(approval string, rec Record) (Who, error) // who still must sign
	Approved(approval string, rec Record) (bool, error)
	Rank(ranking string, rec Record) (int64, error)
	Ranked(ranking string, rec Record) (int64, error)
	QuotaLeft(quota string, rec Record) (int64, error)
	Balance(ledger string, dims []Value) (Value, error) // ledger('x', a, b).balance
	Holds(ledger string, giver Record, r Range) (bool, error)
	Param(id string) (Value, bool)             // false = blank
	Rows(id string) ([]map[string]Value, bool) // of a table parameter
	History(rec Record, field string) ([]Record, error)
	Calendar() *calendar.Calendar // of the record's unit
	Same(a, b Value) bool         // normalised phone, name, id number, or the same record
}

// Scope binds the variables of one evaluation.
type Scope struct {
	Now   time.Time
	Vars  map[string]Value // this, old, me, unit, it, period, missing, fact, nth, total, base, balance, stay, from, row, rows, value …
	Facts Facts
	// Read, if set, is told every field that decided (for "why"): path as written and its value.
	Read func(path string, v Value)
	// Mark answers what the mark column of a domain holds for a value.
	Mark func(domain string, v Value) any
}
