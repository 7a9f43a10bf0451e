// Package rulebook is the language: YAML read with positions, compiled and checked into the
// definitions below, and the pure part of every decision. No database, no HTTP, no clock.
// It knows expr, calendar and query.
package rulebook

import (
	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
)

// Library is every rulebook of an installation, compiled together. It never changes.
type Library struct {
	Books  []*Book          // base first, each after those it needs
	Forms  map[string]*Form // by key "shop.order"
	Schema *expr.Schema
	Env    *expr.Env
	// Watchers: a change of the watched form's record must recompute records of other forms; see Watch.
	Watchers map[string][]Watch
	// QuotaWatch: a change of a form's record may leave a set of another form beyond its limit.
	QuotaWatch map[string][]QuotaWatch
	Days       *Days  // statutory rest and make-up days
	Spoken     Spoken // texts in two languages

	proven func() map[string]map[string]int // scenarios by book and clause
}

// Watch says: when a record of form On changes, the records of form Of that it names in the
// reference field Via (a field of On) read it in a deadline, auto or stored value.
//
// With By instead of Via it is the other way round: records of Of whose field By refers to the changed record read its Field
// ("" = its lines or what happened to it).
type Watch struct {
	On, Via, Of string
	By, Field   string
}

// QuotaWatch tells that a quota with over: reads a field of a form other than the one it counts ("" = any change there counts).
type QuotaWatch struct {
	Quota *Quota
	Field string
}

// Book is one rulebook.
type Book struct {
	ID      string // folder name "shop"; "base"
	Short   string // "14", "base": prefix of its forms' keys
	Title   Label
	Source  string
	Version string
	Extends string
	Needs   []string
	Since   map[string]*Value // element kind or "all" → date
	Must    []*Must           // what may not be blank at adoption
	Changer *Who              // who changes the parameters that do not say it; nil or asleep = the administrator
	Digest  string            // of its text; "" = nobody adopts it
	Current bool              // applies: current: this text holds for records that began under an earlier one too
	MayOff  []string
	Heading []*Heading // what its registers are filed under; empty = no order of its own
	Admin   string     // role that may change parameters unless they say otherwise

	Clauses    []*Clause
	Parameters []*Parameter
	Roles      []*Role
	Forms      []*Form
	Duties     []*Duty
	Approvals  []*Approval
	Quotas     []*Quota
	Rankings   []*Ranking
	Gates      []*Gate
	Offences   []*Offence
	Checklists []*Checklist
	Ledgers    []*Ledger
	Reports    []*Report
	Classes    []*Class
	Retentions []*Retention
	Scenarios  []*Scenario
	Askers     []*Node // the nodes that read a parameter
	AddedBy    []*Book // the rulebooks that add to its forms

	From map[string]string   // of a variant: clause of the extended book → own clause, or "none"
	text map[string][]*entry // what it says, whole: until it is compiled, and for Diff

	sum   string            // digest of its text
	files map[string]string // what it was read from

	Schema *expr.Schema // what names mean in this book: its own forms, roles and parameters first
	Env    *expr.Env
}

// Must is a parameter without whose value nobody adopts the book.
type Must struct {
	Node
	Param string
}

// Label is a text for people: Chinese always, English where given.
type Label struct{ ZH, EN string }

// Pos is a place in a rulebook file.
type Pos struct {
	File      string
	Line, Col int
}

// Node is embedded in everything that a clause may own.
type Node struct {
	Path   string // "shop.order.action.register.by"
	Pos    Pos
	Book   *Book // whose words these are (an extension differs from the form's book)
	Clause string
	Also   []string
	Label  Label
	Note   string
	Legal  string
	Params []string // parameters it reads itself; blank puts it to sleep
	Never  bool     // a variant mapped its clause to none: it sleeps for good
	Added  bool     // it adds to another rulebook's form: it speaks only where its own rulebook is adopted
}

// Clause is one line of the regulation's ledger as the rulebook tells it.
type Clause struct {
	ID      string // "14-9.5b"
	Kind    string // gate clock calc record inspect access info
	Text    Label  // one sentence in our own words
	Proof   string // "scenario", "text", "platform:<name>"
	Default bool   // holds a default of ours
	Legal   string
	Pos     Pos
	Nodes   []*Node  // the nodes it owns
	Repeats []string // the clauses whose nodes name it in also
}

// Value is a value or a list of cases, each with its own clause; first awake match wins.
// No awake case matches: the key is as if absent.
type Value struct{ Cases []*Case }

// Case is one row of a Value. When nil = always.
type Case struct {
	Node
	When *expr.Expr
	Is   *expr.Expr
}

// Parameter is a value the company may change; its history is dated.
type Parameter struct {
	Node
	ID        string
	Type      FieldType
	Default   expr.Value              // nil = blank
	Rows      []map[string]expr.Value // of a table
	Key, Out  []expr.Column
	Source    string // "text", "default"
	Min, Max  expr.Value
	Check     []*Check // over value / rows
	ChangedBy *Who
	Current   bool // applies: current; else the record keeps its opening day's value

	column map[string]FieldType // of a table
	label  map[string]Label     // of its columns
}

// Check is a condition with the message of its failure.
type Check struct {
	Node
	When  *expr.Expr
	That  *Value
	Say   Label
	Waive *Waive // non-nil: may be passed by a recorded waiver with a reason
}

// Waive says who may let an act pass a soft check.
type Waive struct {
	Node
	By *Who
}

// Who is a set of persons as the rulebook writes it: any of its items.
type Who struct{ Items []*WhoItem }

// WhoItem is one of: a CEL expression of type who, person or list of person; the clock; an approval; anyone; who has a link.
type WhoItem struct {
	Node
	Expr     *expr.Expr
	Clock    bool
	Link     bool   // whoever has the link of the action
	Approval string // approval(id)
	Anyone   bool
	When     *expr.Expr // of a case list: only if
}

// Role is a post that people hold in a unit or the company.
type Role struct {
	Node
	ID        string
	HeldIn    string // "unit" or "company"
	Holders   string // one, some, any
	Acting    []string
	Conflicts []*Conflict
	Needs     []*Check // over this = person
	Org       string   // superior, head: derived from the organisation
}

// Conflict is a role the same person may not hold.
type Conflict struct {
	Node
	With string
}

// FieldType is the declared type of a field.
type FieldType struct {
	Name    string // text note int decimal money quantity percent bool date time datetime duration period choice choices person unit ref refs file files place phone email idno uscc range secret period
	Form    string // of ref and refs: form key
	Options []*Option
	Scale   int
	Expr    expr.Type
}

// Option is one choice.
type Option struct {
	Node
	ID string
}

// Heading is what some registers of a rulebook are filed under.
type Heading struct {
	Label Label
	Forms []string // keys
}

// Form is a register: a table, its screen, its paper. Reports and checklists compile into forms too.
type Form struct {
	Node
	ID, Key   string // "order", "shop.order"
	Table     string // "fshop_order"
	Fields    []*Field
	Lines     []*Line
	States    []*State
	Actions   []*Action // the implicit ones included
	Deadlines []*Deadline
	Number    *Number
	Owner     *expr.Expr
	Copies    []*Copy
	Class     *ClassRef
	Retention *RetentionRef
	Unique    []*Unique
	Subject   *Field // names the record whose key seals the personal fields; nil = the record itself
	Span      [2]string
	Print     *Print
	Append    bool       // append_only
	House     bool       // of the base: papers of the house that filed them
	Kept      string     // "engine": written by the engine only; "platform": people, units …
	Title     *expr.Expr // text shown beside the number; default the first text field
	Section   []*Section
	Report    *Report    // set on a form generated from a report
	Checklist *Checklist // set on a form generated from a checklist
	View      []*SavedView
	Compare   []*Compare
	Merge     *Action // the one by which a record is merged into another; nil = none is

	field  map[string]*Field
	line   map[string]*Line
	state  map[string]*State
	action map[string]*Action
	dead   map[string]*Deadline
}

// SavedView is a list view that the rulebook brings along.
type SavedView struct {
	ID     string
	Label  Label
	Where  *expr.Expr // over this, in the SQL half
	Column []string
	Sort   string
	Part   Node // where it stands
}

// Section groups fields on the screen and on paper.
type Section struct {
	ID    string
	Label Label
	Field []string
	Chart []string // of them, numbers of one measure, drawn side by side
	Part  Node     // where it stands
}

// Field is one field of a form or line.
type Field struct {
	Node
	ID       string
	Form     *Form
	Line     *Line // nil on the form itself
	Type     FieldType
	Required *Value // bool
	Default  *Value
	Value    *Value // computed; read-only
	Stored   bool   // computed from its own record, lines and parameters only
	Check    []*Check
	Min, Max expr.Value
	Unique   bool
	When     *Value // shown and applicable only if
	Fixed    *Fixed
	Class    *ClassRef
	Personal bool   // its class is personal: the column holds a sealed text, and another column its mark
	Back     string // back-reference id on the referred form
	Changed  []*Effect
	Passes   *Passing // nil: stays as it is when its person leaves
	Inside   bool     // no message to somebody outside may hold it
	Hint     Label    // the question to read aloud
	Code     bool     // can be scanned
	Column   string
	Frozen   bool // of a report: computed once, when the sheet is made
	Total    bool // of a report: the rows' sum stands below
	class    *node
}

// Fixed: after that action people cannot edit the field.
type Fixed struct {
	Node
	Action string
}

// Passing: when a person whom a field names leaves, it names his successor instead. Records that are finished keep him.
type Passing struct {
	Node
	By   string // action that carries it, with its guards and what follows; "" = the field is set
	When *Value // bool; nil = always
}

// ClassRef and RetentionRef point to a class or retention with a clause of their own.
type ClassRef struct {
	Node
	Class *Class
}
type RetentionRef struct {
	Node
	Retention *Retention
}

// Line is an owned child table. Min rows by a require.
type Line struct {
	Node
	ID     string
	Form   *Form
	Key    string // object key "shop.order.parts"
	Table  string
	Fields []*Field
	field  map[string]*Field
}

// State is where a record stands.
type State struct {
	Node
	ID     string
	Final  bool
	Locked bool
	Path   bool // shown in the process path (default true); side states such as void are not
}

// Action is the only way a record changes.
type Action struct {
	Node
	ID       string
	Form     *Form
	Destroys bool // what a retention makes: erases, and ends the record
	Implicit bool // create edit view reveal print export import void as the language gives them
	From     *Place
	To       *Place
	By       *Who
	Except   []*Except
	Fill     []*Fill
	Require  []*Check
	Do       []*Effect
	Lock     *Lock
	Link     *ByLink // nil unless it is done by link
	Merge    *Merge  // nil unless it ends the record as the same as another
	Reason   *Demand // n characters
	Auto     *Value  // bool
	Again    bool
	Bulk     bool
	Fresh    bool   // only for somebody who proved minutes ago who he is
	Each     bool   // only for somebody who proves it for this very act
	Opens    string // button style hint: primary, danger
	Style    string // the same under its name in the rulebook
}

// Place is a state or several; Any = any.
type Place struct {
	Node
	Any    bool
	States []string
}

// Except names who never may.
type Except struct {
	Node
	Is  *expr.Expr // person, who or list
	Say Label
}

// Fill is a field the actor must give (or may, if optional).
type Fill struct {
	Node
	Field    string // field or line id
	Optional bool
	By       *Who // of import: who may bring it in; the field comes from a sheet alone
}

// Lock freezes fields from the action on.
type Lock struct {
	Node
	All    bool
	Fields []string
}

// Demand is a number of characters a reason must have.
type Demand struct {
	Node
	N int
}

// Effect is one of the six.
type Effect struct {
	Node
	Kind    string // set create do notify post freeze erase
	When    *Value
	Each    string // variable
	List    *expr.Expr
	For     *expr.Expr // set, do, freeze, erase: record or list
	Set     []*Assign  // set, and with: of the others
	Form    string     // create: form key
	Action  string     // do
	Text    Label      // notify, with {path}
	To      *Who       // notify
	Via     string
	Confirm *Value  // span
	Send    *Letter // notify: it goes to somebody outside
	Ledger  string  // post
	Entry   string  // post kind
	Amount  *expr.Expr
	As      string // freeze
}

// Letter is a message to somebody outside. To of its effect are those on whose desk it lies where it cannot go by mail.
type Letter struct {
	To      *expr.Expr // record, row or list of them
	Subject Label      // without insertions
	Link    string     // action of the record that is done by link; "" = none
	English *Value     // bool; nil = in both languages
	Gone    string     // action of the record that the clock does once it has gone; "" = none
	Step    string     // what it belongs to; of one step a record sends one receiver one letter
}

// Assign gives a field a value.
type Assign struct {
	Field string
	Value *Value
	Pos   Pos
}

// Deadline is a pure function of the record's stamps.
type Deadline struct {
	Node
	ID     string
	Form   *Form
	From   *Moment
	To     *Moment
	During *Place // one instance per stay
	Within *Value // span
	By     *Value // datetime or date
	When   *Value
	Each   string // variable of each
	List   *expr.Expr
	Renew  bool
	Pause  *Value // list of intervals
	Ends   *Ends
	Moved  *Moved
	Holder *HolderRef
	Blame  *Blame
	Warn   []*Mark
	Step   []*Step
	Late   []*Effect
	Kept   bool      // runs from the end of the record's term
	Silent *Approval // whose signers' silence this deadline ends; nil for every other
}

// Moment is an action, a state's entry or a CEL instant.
type Moment struct {
	Node
	Action string
	State  string
	Expr   *Value
}

// Ends is what makes a deadline void.
type Ends struct {
	Node
	Action string
	State  string
	Expr   *expr.Expr
}

// Moved is the action that may set a new due date.
type Moved struct {
	Node
	By     string // action
	Field  string
	Latest *Value
}

// HolderRef is who answers for a deadline. Nil on the deadline = who may do its `to` now.
type HolderRef struct {
	Node
	Who *Who
}

// Blame is who a breach names: Holder (default), Nobody, or Who.
type Blame struct {
	Node
	Nobody bool
	Who    *Who
}

// Mark is a point before due: a length, or a percentage of the way.
type Mark struct {
	Node
	Span calendar.Span
	Pct  int
}

// Step is one rung of an escalation ladder.
type Step struct {
	Node
	ID     string
	At     *Value // span from `from`
	Before *Value
	After  *Value
	Every  *Value // after due
	Do     []*Effect
}

// Number is a gapless series.
type Number struct {
	Node
	Pattern []NumberPart
	Upon    *UponRef // action; default create
	Anew    *UponRef // action that numbers it anew; nil = none
	Per     *PerRef  // nil = never restarts
	Void    *VoidRef // actions that void
}

// NumberPart is literal text or {yy} {yyyy} {mm} {dd} {n:2} {field}.
type NumberPart struct {
	Text  string
	Token string
	Width int
}
type UponRef struct {
	Node
	Action string
}
type PerRef struct {
	Node
	Period string // day month quarter year never
	Exprs  []*expr.Expr
}
type VoidRef struct {
	Node
	Actions []string
}

// Copy is a frozen read-only part served to somebody.
type Copy struct {
	Node
	Mark string // 第一联
	To   *Who
	Upon string
	With []string // fields; empty = all
	Open string   // action that the copy calls for
}

// Unique forbids a second record with the same values.
type Unique struct {
	Node
	By    []*expr.Expr
	Where *expr.Expr
	Say   Label
	// Joins names the field in which one of two notes into which other it went, where what both belong to was merged; "" = the merge is refused.
	Joins string
}

// Print is how the paper looks.
type Print struct {
	Node
	Layout string
	Stamp  Label
}
