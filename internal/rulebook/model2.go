package rulebook

import (
	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
)

// Duty is a recurring obligation over a population.
type Duty struct {
	Node
	ID     string
	Of     string // form key; "" = once per adopting unit
	Where  *Value // bool over this (the member), SQL half
	Every  *Value // span
	Align  *Value // date; nil = calendar
	Met    *Met
	Open   *Offset // default start
	Due    *Value  // cases whose Is is an *Offset constant: see Offsets
	DueAt  []*DueCase
	Holder *HolderRef
	Blame  *Blame
	Warn   []*Mark
	Step   []*Step
	Late   []*Effect
	Do     []*Effect
	Sample *Sample
	Full   bool // entry: full
}

// DueCase is one awake-able offset.
type DueCase struct {
	Node
	When   *expr.Expr
	Offset *Offset
}

// Offset is a point of or after a period: start, end, end - 1d, end + 5wd, day 10, day 5 23:59, mon 18:00.
type Offset struct {
	Base    string // start, end, day, weekday
	Day     int    // of day
	Weekday int
	Clock   *int // minutes of the day
	Plus    *calendar.Span
	Minus   *calendar.Span
}

// Met tells when a duty is done.
type Met struct {
	Node
	Count    string // form key
	If       *Value
	AtLeast  *Value
	Distinct *expr.Expr
	Same     [][2]string // references of what counts and of the member by which If knows that they belong together: it.site == this.site
	To       string      // action on the member (or on the created sheet)
	Create   string      // form key: the sheet made for the holder
	With     []*Assign
}

// Sample draws from the population, or from each group of it: so many members, so many percent rounded up, or the more of both.
type Sample struct {
	Node
	Count, Pct *Value // whole numbers
	Per        []*expr.Expr
}

// Approval is who signs.
type Approval struct {
	Node
	ID         string
	Form       string // form key it is used on (its expressions' this)
	Amount     *expr.Expr
	Rows       []*ApprovalRow
	Within     *Value
	Except     []*Except
	StandIn    []*StandIn
	Restart    []string
	Refuse     string // "" ends, or state to return to
	Silence    *Silence
	SamePerson bool
	Row        *expr.Expr // of a report: who must sign each row, asked of the record reported on
}

// ApprovalRow is chosen by amount (inclusive upper limit) or condition; the last may be open.
type ApprovalRow struct {
	Node
	Upto *Value // money
	When *expr.Expr
	Sign *Seat
}

// Seat is one signature or a group of them.
type Seat struct {
	Node
	Who  *Who
	Mode string // "", all, any, order
	Need int    // of any
	List []*Seat
}

// StandIn signs for an absent seat.
type StandIn struct {
	Node
	For  *Who
	When *expr.Expr
	Sign *Seat
}

// Silence is what no answer means.
type Silence struct {
	Node
	After  *Value
	Counts string // granted refused unanswered
}

// Gate is a prohibition across forms.
type Gate struct {
	Node
	ID       string
	Acts     []string // resolved "shop.order.create"
	Touching string   // form key
	But      []string
	Bind     string
	BindTo   *expr.Expr
	That     *Value
	Unless   []*Check
	Say      Label
	Waive    *Waive
	// That is compiled once per form it binds, since `this` differs.
	PerForm map[string]*GateOn
}

// GateOn is a gate as it binds one form.
type GateOn struct {
	Bind   *expr.Expr
	That   *Value
	Unless []*Check
}

// Offence is what is sanctioned.
type Offence struct {
	Node
	ID      string
	Upon    []*Upon
	Each    string
	List    *expr.Expr
	When    *Value
	Who     *Value // person, who or unit
	Fine    *Value // money
	Range   *FineRange
	Measure *Value
	Count   *Count
	Ladder  []*Rung
	Once    []*expr.Expr
	Link    []*Link
	Confirm *HolderRef
	Except  []*Except
	Do      []*Effect
	Appeal  *Appeal
	Pay     *Pay
}

// Upon is one fact an offence listens to.
type Upon struct {
	Node
	Form   string // key, or "duty"/"report"/"checklist"/"sanction"
	Action string // action, "late", step id, "fail", "confirm", "refused"
	Of     string // deadline, duty, report or checklist id
}

type FineRange struct {
	Node
	Min, Max *expr.Expr
}

// Count tells which earlier sanctions raise the rung.
type Count struct {
	Node
	Per     []string // person clause offence unit
	Within  *Value   // span, or nil with Window
	Window  string   // month, year, ever
	Missing bool
}

// Rung is one row of a ladder.
type Rung struct {
	Node
	Nth     int
	Over    int
	Fine    *Value
	Measure *Value
	Do      []*Effect
	Add     bool
}

// Link makes somebody else liable too.
type Link struct {
	Node
	Who   *expr.Expr
	Times int
	Fine  *Value
}

type Appeal struct {
	Node
	Within *Value
	To     *Who
}
type Pay struct {
	Node
	Ledger string
	Cap    *expr.Expr
	Via    string
}

// Checklist is an inspection sheet; it compiles into a form with one field per item.
type Checklist struct {
	Node
	ID      string
	Of      string
	Where   *Value
	By      *Who
	Who     *expr.Expr
	Every   *Value
	Sample  *Sample
	Scale   string
	Below   *Value
	Item    []*Item
	Recheck *Value
	Form    *Form
	Duty    *Duty
}

// Item is one line of a checklist.
type Item struct {
	Node
	ID       string
	Text     Label
	Evidence string
	Do       []*Effect
}

// Ledger is what must balance.
type Ledger struct {
	Node
	ID        string
	Unit      string // money quantity range
	Per       []Dim
	Kind      map[string]string // kind → add take note memo new move
	KindLabel map[string]Label
	Check     []*Check
	Close     *Close
}

type Dim struct {
	ID   string
	Type FieldType
}
type Close struct {
	Node
	Every string
	Do    []*Effect
}

// Report is a periodic table; it compiles into a form (with one line table, rows) and a duty.
type Report struct {
	Node
	ID      string
	Every   *Value
	DueAt   []*DueCase
	Warn    []*Mark
	By      *Who
	Of      string
	Where   *Value
	Per     []*expr.Expr
	Column  []*ReportColumn
	Row     string // "each": one row a record
	Ask     []*Field
	RowAsk  []*Field // typed in per row
	Require []*Check
	Late    []*Effect
	Do      []*Effect
	To      *Who
	Confirm *Value
	Compare *Demand // non-nil and awake: each number has the period before beside it
	Form    *Form
	Duty    *Duty
}

type ReportColumn struct {
	Node
	ID    string
	Type  FieldType
	Is    *Value // over it (the row's records) and row (columns so far)
	Total string // sum, none
}

// Class is secrecy of a form or field.
type Class struct {
	Node
	ID      string
	See     *expr.Expr // over me, this
	Mask    string
	Hide    map[string]*expr.Expr // by form: for whom not even the mask is shown
	Reveal  *Reveal
	Print   *ClassPrint
	Export  *ClassExport
	ReadLog bool
	Outward bool // a message to somebody outside may hold what it classifies
	Sealed  bool
	// Personal: values are kept encrypted under a key of the person they are about.
	Personal bool
	PerForm  map[string]*expr.Expr // see, compiled for each form that carries it
}

type Reveal struct {
	Node
	By      *Who
	Purpose bool
	Ref     []string // keys of the forms one of whose records must be named
	One     *Demand  // non-nil and awake: revealing one record masks the former
	For     calendar.Span
	PerDay  int
}
type ClassPrint struct {
	Node
	Stamp Label
	By    *Who
}
type ClassExport struct {
	Node
	By        *Who
	AloneUpTo int
	PerDay    int
	Encrypted bool
	Stamp     Label
	Of        map[string]*expr.Expr // by form: the records whose values leave where nobody may take them alone
}

// Quota is a share or count that a set may not exceed.
type Quota struct {
	Node
	ID     string
	Of     string
	Where  *Value
	Base   *expr.Expr
	Per    []*expr.Expr
	AtMost *Value
	Waive  *Waive
	Over   []*Effect
	Reads  []string // parameters it is read from, where it has Over
}

// Ranking is an order over a population.
type Ranking struct {
	Node
	ID    string
	Of    string
	Where *Value
	Per   []*expr.Expr
	By    []*RankKey
	Share bool // ties share a rank
}

type RankKey struct {
	Node
	Expr *expr.Expr
	Desc bool
}

// Retention is how long records are kept.
type Retention struct {
	Node
	ID      string
	Keep    *Value
	From    *expr.Expr
	Hold    []*Check
	Destroy *Destroy
}

type Destroy struct {
	Node
	By      *Who
	Within  *Value
	With    []string
	Witness int    // how many others than whoever does it
	Seen    string // field of with: that names them
}

// Scenario is a specification, executed. Steps stay as written; the runner reads them.
type Scenario struct {
	Name    string
	File    string
	Pos     Pos
	Book    *Book
	Clauses []string
	Given   map[string]any
	When    []any
	Then    map[string]any
	Columns []string
	Rows    [][]any
	Each    string
}
