// Package expr is what a condition or a value means: CEL text, parsed and typed against the
// forms of a library, evaluated in memory over records or turned into a question to the database
// (package query). Unset is SQL's NULL: reading an empty field gives unset, false && unset is
// false, true || unset is true, all else that touches unset is unset.
// It knows calendar and query, and is the only package that imports cel-go.
package expr

// Kind is the kind of a value.
type Kind string

// The kinds. Their Go values are listed at Value.
const (
	KAny      Kind = "any"
	KBool     Kind = "bool"
	KInt      Kind = "int"
	KDecimal  Kind = "decimal" // also percent and quantity; Type.Scale digits
	KMoney    Kind = "money"
	KText     Kind = "text"
	KChoice   Kind = "choice" // Type.Options are the ids it may have; a CEL string
	KDate     Kind = "date"
	KTime     Kind = "time" // time of day
	KDatetime Kind = "datetime"
	KSpan     Kind = "span"   // duration such as 15d, 4wh
	KPeriod   Kind = "period" // [from, to)
	KRange    Kind = "range"  // number segment first..last
	KObject   Kind = "object" // a record, line or built-in structure; Type.Object names it
	KWho      Kind = "who"    // a set of persons
	KList     Kind = "list"   // Type.Elem
)

// Type is the static type of an expression, field or variable.
type Type struct {
	Kind    Kind
	Object  string   // of KObject: key of the Object in the Schema, e.g. "shop.order"
	Elem    *Type    // of KList
	Options []string // of KChoice
	Scale   int      // of KDecimal and KMoney; money is 2
}

// ListOf, ObjectOf and friends are shorthands.
func ListOf(t Type) Type          { return Type{Kind: KList, Elem: &t} }
func ObjectOf(key string) Type    { return Type{Kind: KObject, Object: key} }
func Of(k Kind) Type              { return Type{Kind: k} }
func (t Type) Is(k Kind) bool     { return t.Kind == k }
func ChoiceOf(ids ...string) Type { return Type{Kind: KChoice, Options: ids} }
func DecimalOf(scale int) Type    { return Type{Kind: KDecimal, Scale: scale} }

// Object is a structure that select (a.b) reads: a form's record, a line's row, done, stay, late …
type Object struct {
	Key    string // "shop.order", "shop.order.parts", "shop.order#done", "stamp", "base.person"
	Label  string
	Fields map[string]Field
	Table  string // database table of a form or line; "" for built-in structures
	Line   bool   // an owned child row; its parent's id is the column "record"
	Apart  bool   // records of the engine's own, of which void says something else
}

// Field is one member of an Object.
type Field struct {
	Type   Type
	Column string // column of the table; "" = not in the SQL half unless Live is
	// Ref is set on a reference field (Kind object with a table): the column holds the id.
	// Back is set on a list field that is a back-reference: rows of Elem's table whose column Back equals this id.
	Back string
	// Line marks a list field that holds owned child rows.
	Line bool
	// Live is a computed field that is not stored: its own expression over the object, compiled in scope this=object.
	Live *Expr
	// Mark is set on a field whose column is encrypted: the column that is the same for equal values of a Domain, NULL for
	// none. The database can be asked whether such a field is set and whether it equals something, nothing else.
	Mark, Domain string
}

// Schema is all that names may mean.
type Schema struct {
	Objects map[string]*Object
	// Forms are the form ids usable as bare variables (list of all records), by rulebook scope: id → object key.
	Forms map[string]string
	// Roles usable as bare variables of type who.
	Roles map[string]bool
	// Params: param.<id>; a table parameter has Table set.
	Params map[string]Param
	// Approvals, Rankings, Ledgers, Quotas: names accepted by waiting('x'), rank('x', …), ledger('x', …) and quota_left('x', …).
	Approvals, Rankings, Ledgers, Quotas map[string]bool
	// Quantities: those of the ledgers whose balance is a quantity, no money.
	Quantities map[string]bool
	// Names may be shared with other schemas; nil = they are this one's own.
	Names *Names
}

// Param is a company value. Key and Out are set for a table: param.x.at(k1, k2).out
type Param struct {
	Type Type
	Key  []Column
	Out  []Column
}

// Column is one typed column of a table parameter. Upto columns match by inclusive upper limit.
type Column struct {
	Name string
	Type Type
	Upto bool
}
