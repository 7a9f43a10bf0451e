package rulebook

import (
	"slices"
	"strings"
)

// key is one key of a mapping of the language: its name, what its value may be, and what it says.
// The decoder and the editors' schema both read this table, so they cannot drift.
//
// A kind is: name, names (one or a list), text, literal, int, bool, cel, cels, value (literal or CEL, with clause or
// cases), who, effects, any; @shape is a mapping of that shape; a leading { makes a map of ids, a leading [ a list;
// | separates alternatives.
type key struct{ name, kind, doc string }

// shared are the keys any node takes.
var shared = []key{
	{"label", "text", "中文 | English"},
	{"clause", "name", "the clause that says this; asleep without it"},
	{"also", "names", "clauses that merely repeat it"},
	{"note", "text", "for readers"},
	{"legal", "text", "a doubt in law; the node ships asleep until the adopter wakes it"},
}

// bare are the shapes that are no nodes of a clause.
var bare = map[string]bool{"rulebook": true, "clause": true, "top": true, "header": true, "scenario": true, "cases": true, "column_type": true, "when_is": true}

// shapes tells for every mapping of the language which keys it has.
var shapes = map[string][]key{
	"top": {
		{"rulebook", "@rulebook", "header, in rulebook.yaml"},
		{"parameter", "{@parameter", "values the company may change"},
		{"role", "{@role", "posts that people hold"},
		{"form", "{@form", "registers"},
		{"duty", "{@duty", "recurring obligations"},
		{"approval", "{@approval", "who signs"},
		{"quota", "{@quota", "shares and counts that may not be exceeded"},
		{"ranking", "{@ranking", "orders over a population"},
		{"gate", "{@gate", "prohibitions across forms"},
		{"offence", "{@offence", "what is sanctioned"},
		{"checklist", "{@checklist", "inspection sheets"},
		{"ledger", "{@ledger", "what must balance"},
		{"report", "{@report", "periodic tables"},
		{"class", "{@class", "secrecy"},
		{"retention", "{@retention", "how long records are kept"},
		{"extend", "{@extend", "additions to a form of base or of a rulebook in needs"},
		{"clauses", "{name", "of a variant: clause of the extended rulebook → own clause, or none"},
		{"rename", "{text", "of a variant: what the extended rulebook calls a unit → what it is called here, both 中文 | English"},
		{"remove", "names", "of a variant: what is left out"},
	},
	"rulebook": {
		{"id", "name", "the folder's name"},
		{"short", "name", "prefix of its forms' keys; default the id up to the first dash"},
		{"title", "text", "中文 | English"},
		{"source", "text", "where the regulation comes from"},
		{"version", "literal", "version of this rulebook"},
		{"language", "int", "version of the language, 1"},
		{"extends", "name", "the rulebook this one varies"},
		{"needs", "names", "rulebooks whose forms it uses"},
		{"since", "{value", "date from which an element kind (or all) is in force"},
		{"must", "[name|@is", "parameters that may not be blank at adoption"},
		{"may_off", "names", "guarding clauses that an adopter may switch off"},
		{"changed_by", "who", "who may change parameters that do not say it themselves; the administrator if this sleeps"},
		{"applies", "name", "of a text that somebody approves: pinned (default), running records keep the text they began under, or current"},
		{"admin", "name", "role that may change parameters where nothing else is said"},
		{"heading", "{@heading", "what its registers are filed under, each under one"},
	},
	"heading": {{"form", "names", "its forms, reports and checklists"}},
	"clause": {
		{"kind", "name", "gate clock calc record inspect access info"},
		{"zh", "text", "one sentence in our own words"},
		{"en", "text", "the same in English"},
		{"proof", "name", "scenario, text or platform:<name>"},
		{"default", "bool", "holds a default of ours"},
		{"legal", "text", "a doubt in law; its nodes ship asleep"},
	},
	"parameter": {
		{"type", "name", "type of the value"},
		{"value", "literal", "shipped value; absent = blank"},
		{"source", "name", "text, or default (ours; the text lacks it)"},
		{"min", "literal", "lower bound"},
		{"max", "literal", "upper bound"},
		{"check", "[@check", "conditions over value, or rows of a table"},
		{"options", "[@option", "of a choice"},
		{"changed_by", "who", "who may change it"},
		{"applies", "name", "pinned (default) or current"},
		{"key", "{any", "of a table: column and type, or {type, label, upto: true} for bands"},
		{"out", "{any", "of a table: columns it answers, as type or {type, label}"},
		{"rows", "any", "of a table: its rows"},
		{"upto", "name", "of a table: the key column that holds inclusive upper limits, ascending, the last open"},
	},
	"role": {
		{"held_in", "name", "unit (default) or company"},
		{"holders", "name", "one, some or any (default)"},
		{"acting", "names", "roles that stand in"},
		{"conflicts", "[@conflict", "roles the same person may not hold"},
		{"needs", "[@check", "conditions on the person (this)"},
		{"org", "name", "superior or head: derived from the organisation"},
	},
	"conflict": {{"with", "name", "the other role"}},
	"form": {
		{"field", "{@field", "its fields"},
		{"line", "{@line", "owned child tables"},
		{"state", "{text|@state", "where a record stands; the first is initial"},
		{"action", "{@action", "the only way a record changes"},
		{"deadline", "{@deadline", "time limits"},
		{"number", "@number", "gapless numbers"},
		{"owner", "cel", "the unit a record belongs to"},
		{"copy", "[@copy", "frozen parts served to others"},
		{"class", "name|@is", "secrecy"},
		{"retention", "name|@is", "how long it is kept"},
		{"unique", "[@unique", "what may not be twice"},
		{"span", "names", "start and end field, gives .spans()"},
		{"print", "name|@print", "layout and stamp"},
		{"append_only", "bool", "no edit after saving"},
		{"title", "cel", "text beside the number"},
		{"subject", "name", "the field that names whom its personal fields are about; default the record itself"},
		{"section", "{@section", "groups of fields on the screen"},
		{"view", "{@view", "lists the rulebook brings along"},
		{"compare", "{@compare", "papers that must agree"},
		{"kept", "name", "engine or platform"},
		{"house", "bool", "papers of whoever filed them: in a group another house that has its own regulations does not see them"},
	},
	"extend": {
		{"field", "{@field", "fields to add"},
		{"line", "{@line", "child tables to add"},
		{"class", "{name|@is", "secrecy of fields that the form has already"},
		{"action", "{@action", "actions to add"},
		{"deadline", "{@deadline", "deadlines to add"},
		{"copy", "[@copy", "copies to add"},
		{"section", "{@section", "groups of fields to add"},
		{"view", "{@view", "lists to add"},
	},
	"field": {
		{"type", "name", "its type, or the id of a form"},
		{"required", "value", "must be filled"},
		{"default", "value", "what it begins with"},
		{"value", "value", "computed; nobody writes it"},
		{"check", "[@check", "conditions on the value"},
		{"options", "[name|@option", "of a choice"},
		{"min", "literal", "least value"},
		{"max", "literal", "greatest value"},
		{"scale", "int", "digits after the point"},
		{"unique", "bool", "no two records alike"},
		{"when", "value", "shown and applicable only if"},
		{"fixed", "name|@is", "frozen after that action"},
		{"class", "name|@is", "secrecy"},
		{"back", "name", "name of the list on the record it refers to"},
		{"changed", "effects", "what follows a change"},
		{"outward", "bool", "false: no message to somebody outside may hold it"},
		{"passes", "@passes", "of a person or a list of them, on the form or in its rows: goes over to the successor of who leaves, while the record is open"},
		{"hint", "text", "the question to read aloud"},
		{"code", "bool", "a code that stands on papers and goods: it can be scanned"},
	},
	"passes": {{"by", "name", "action through which it goes over, and which fills the field; without it the field is set"}, {"when", "value", "only if"}},
	"option": {{"id", "name", "what is stored"}},
	"line":   {{"field", "{@field", "columns of the child table"}},
	"state":  {{"final", "bool", "nothing follows"}, {"locked", "bool", "nobody edits"}, {"path", "bool", "false: a side state"}},
	"section": {
		{"field", "names", "fields in order"},
		{"chart", "names", "numbers among them that are drawn beside their list"},
	},
	"view": {
		{"where", "cel", "condition over this, in the SQL half"},
		{"column", "names", "columns in order"},
		{"sort", "literal", "field, or -field for descending"},
	},
	"compare": {
		{"one", "text", "what the first paper is called"},
		{"other", "text", "what the second is called"},
		{"action", "names", "the ways that are offered; shown once one of them could start"},
		{"row", "[@compare_row", "the figures, pair by pair"},
	},
	"compare_row": {
		{"one", "text", "path to a field of the first: this.order.amount, this.parts.quantity"},
		{"other", "text", "path to a field of the second"},
		{"by", "name", "column of both line tables that tells which rows belong together"},
	},
	"print": {{"layout", "name", "layout id"}, {"stamp", "text", "stamp on each page"}},
	"action": {
		{"from", "names|@is", "states it starts in; any"},
		{"to", "names|@is", "state it leads to"},
		{"by", "who", "who may"},
		{"except", "[@except", "who never may"},
		{"fill", "[name|@fill", "fields the actor must give"},
		{"require", "[@check", "guards"},
		{"do", "effects", "what follows in the same transaction"},
		{"lock", "names|@is", "fields frozen from now on, or all"},
		{"reason", "int|@is", "a reason of so many characters"},
		{"link", "@by_link", "of by: link: somebody without an account does it by a link he was given"},
		{"merge", "@merge", "the record is the same as another: it ends, and what refers to it refers to that one"},
		{"auto", "value", "the clock does it as soon as this is true"},
		{"again", "bool", "may be repeated in the same state"},
		{"bulk", "bool", "may be done on many records at once"},
		{"fresh", "literal", "who does it must have proved minutes ago who he is; each = proves it for this very act"},
		{"style", "name", "primary or danger"},
	},
	"by_link": {
		{"for", "value", "how long it is open"},
		{"give", "who", "who hands it out"},
		{"while", "value", "it is open only while this is true"},
		{"show", "names", "fields that the holder reads"},
		{"rows", "{names", "line: its fields that he fills in the rows there are"},
	},
	"merge":  {{"into", "name", "field that names the one that stays"}, {"apart", "name", "field that lists those which are not the same"}},
	"except": {{"is", "cel", "a person, role or list"}, {"say", "text", "why"}},
	"fill":   {{"field", "name", "field or line"}, {"optional", "bool", "may be left out"}, {"by", "who", "of import: who may bring this field in by a sheet, the only way it comes"}},
	"check": {
		{"that", "value", "must be true"},
		{"say", "text", "what to tell otherwise"},
		{"when", "cel", "only if"},
		{"waive", "@waive", "may be passed by a recorded waiver"},
	},
	"waive": {{"by", "who", "who may waive"}},
	"effect": {
		{"set", "{value", "field: value"},
		{"create", "name", "form"},
		{"do", "name", "action"},
		{"notify", "who", "whom"},
		{"post", "name", "ledger.kind"},
		{"freeze", "cel", "record"},
		{"erase", "cel", "record, row or list: whose personal fields nobody is to read again"},
		{"when", "value", "only if"},
		{"each", "any", "variable: list"},
		{"for", "cel", "record or list it is done to"},
		{"with", "{value", "fields given"},
		{"text", "text", "message, with {this.field}"},
		{"via", "name", "channel"},
		{"confirm", "value", "readers must confirm within"},
		{"send", "cel", "whom outside it goes to: a record or row with a field of type email, or the first of a list that has an address; notify: then says on whose desk it lies where it cannot go by mail"},
		{"subject", "text", "of send: what it is about, in fixed words"},
		{"link", "name", "of send: action of this record that whom it goes to does by a link"},
		{"english", "value", "of send: true = in English, false = in Chinese; without it in both"},
		{"gone", "name", "of send: action of this record that the clock does once it was mailed or posted"},
		{"amount", "cel", "of a post"},
		{"as", "name", "name of the snapshot"},
	},
	"deadline": {
		{"from", "value", "action, state or instant; default create"},
		{"to", "value", "action, state or instant"},
		{"during", "names|@is", "state, list or any: one instance a stay"},
		{"within", "value", "length"},
		{"by", "value", "the instant itself"},
		{"when", "value", "condition of existence"},
		{"each", "any", "variable: list; one instance each"},
		{"renew", "bool", "met when from moves on"},
		{"pause", "value", "spans not counted"},
		{"ends", "cel|@is", "action or condition that ends it as void"},
		{"moved", "@moved", "action that sets a new due date"},
		{"holder", "who", "who answers for it"},
		{"blame", "who", "holder, somebody else, or nobody"},
		{"warn", "[literal|@is", "lengths before due, or a percentage"},
		{"step", "{@step", "escalation ladder"},
		{"late", "effects", "what the clock does at the breach"},
	},
	"moved": {{"by", "name", "action"}, {"field", "name", "field with the new date"}, {"latest", "value", "not later than"}},
	"step": {
		{"at", "value", "length after from"},
		{"before", "value", "length before due"},
		{"after", "value", "length after due"},
		{"every", "value", "again and again after due"},
		{"do", "effects", "what the clock does"},
	},
	"number": {
		{"pattern", "text", "{yy} {yyyy} {mm} {dd} {n:2} {field} and text"},
		{"upon", "name|@is", "action that gives the number; default create"},
		{"per", "names|@is", "day, month, quarter, year, never, or expressions"},
		{"anew", "name|@is", "action that gives it another number of its series; the former is void"},
		{"void", "names|@is", "actions that put a number into the void register"},
	},
	"copy": {
		{"mark", "text", "第一联"},
		{"to", "who", "who keeps it"},
		{"upon", "name", "action that serves it"},
		{"with", "names", "fields; default all"},
		{"open", "name", "action it calls for"},
		{"within", "value", "time for that action"},
	},
	"unique": {{"by", "cels", "values that together may not be twice"}, {"where", "cel", "among these"}, {"say", "text", "what to tell"}, {"joins", "name", "field of the form's own kind: where what two belong to becomes one, that of the one that goes joins the other, and this field says which"}},
	"duty": {
		{"of", "name", "form of the population; absent = once per adopting unit"},
		{"where", "value", "condition over this, in the SQL half"},
		{"every", "value", "rhythm"},
		{"align", "value", "calendar, or a date to count from"},
		{"met", "@met", "when it is done"},
		{"open", "literal", "when it appears; default start"},
		{"due", "value", "when it is due; default end"},
		{"holder", "who", "who owes it"},
		{"blame", "who", "whom a breach names"},
		{"warn", "[literal|@is", "lengths before due"},
		{"step", "{@step", "escalation ladder"},
		{"late", "effects", "what the clock does at the breach"},
		{"do", "effects", "what happens at opening"},
		{"sample", "@sample", "drawn from the population"},
		{"entry", "name", "skip (default) or full, for who joins within a period"},
	},
	"met": {
		{"count", "name", "form that is counted"},
		{"if", "value", "condition over it"},
		{"at_least", "value", "how many; default 1"},
		{"distinct", "cel", "count different values only"},
		{"to", "name", "action that meets it"},
		{"create", "name", "form of the sheet made for the holder"},
		{"with", "{value", "fields given to the sheet"},
	},
	"sample": {{"count", "value", "so many"}, {"pct", "value", "percent of the population, rounded up"}, {"per", "cels", "drawn from each of these groups"}},
	"approval": {
		{"of", "name", "form it decides; default the form of the action that names it"},
		{"amount", "cel", "what rows compare"},
		{"rows", "[@row", "who signs up to which amount"},
		{"sign", "who|@seat", "seat, if there are no rows"},
		{"within", "value", "time to sign"},
		{"except", "[@except", "who never may"},
		{"stand_in", "[@stand_in", "who signs for an absent seat"},
		{"restart", "names", "fields whose change voids the signatures"},
		{"refuse", "literal", "ends, or returns <state>"},
		{"silence", "@silence", "what no answer means"},
		{"same_person", "name", "ok: one person may fill two seats"},
	},
	"row":      {{"upto", "value", "inclusive upper limit"}, {"when", "cel", "condition"}, {"sign", "who|@seat", "who signs"}},
	"seat":     {{"is", "who", "one seat"}, {"all", "[who|@seat", "all of them"}, {"any", "[who|@seat", "some of them"}, {"order", "[who|@seat", "one after the other"}, {"need", "int", "how many of any"}, {"row", "cel", "who signs each row of a report"}, {"within", "value", "time to sign"}, {"require", "[@check", "what must hold before anybody signs a report"}},
	"stand_in": {{"for", "who", "absent seat"}, {"when", "cel", "condition"}, {"sign", "who|@seat", "who signs instead"}},
	"silence":  {{"after", "value", "length"}, {"counts", "name", "granted, refused or unanswered"}},
	"quota": {
		{"of", "name", "form"}, {"where", "value", "who is counted"}, {"base", "cel", "what the limit is a share of"},
		{"per", "cels", "partition"}, {"at_most", "value", "limit over base"}, {"waive", "@waive", "who may let it pass"},
		{"over", "effects", "when a shrinking base leaves it exceeded"},
	},
	"ranking": {
		{"of", "name", "form"}, {"where", "value", "population"}, {"per", "cels", "partition"},
		{"by", "[@rank", "keys in turn"}, {"ties", "name", "share or order"},
	},
	"rank": {{"asc", "cel", "ascending"}, {"desc", "cel", "descending"}},
	"gate": {
		{"acts", "names", "form.action, form.*, *.print"},
		{"touching", "name", "every action of every form that refers to this form"},
		{"but", "names", "exceptions to touching"},
		{"bind", "any", "name: path"},
		{"that", "value", "must hold"},
		{"unless", "[@check", "exceptions"},
		{"say", "text", "what to tell"},
		{"waive", "@waive", "who may let it pass"},
	},
	"offence": {
		{"upon", "names", "facts it listens to"}, {"each", "any", "variable: list"}, {"when", "value", "condition"},
		{"who", "value", "person or unit sanctioned"}, {"fine", "value|@is", "money, or {range: [min, max]}"},
		{"range", "cels", "least and greatest fine, set by the confirmer"},
		{"measure", "value", "non-money"}, {"count", "@count", "which earlier ones raise the rung"},
		{"ladder", "[@rung", "rungs"}, {"once", "cels", "one sanction per combination"}, {"link", "[@link", "joint liability"},
		{"confirm", "who", "who confirms"}, {"except", "[@except", "who never confirms"}, {"do", "effects", "at confirmation"},
		{"appeal", "@appeal", "within, to"}, {"pay", "@pay", "how it is paid"},
	},
	"count":  {{"per", "names", "person, clause, offence, unit"}, {"within", "value", "month, year, ever, or a length"}, {"of", "literal", "1 or missing"}},
	"rung":   {{"nth", "int", "from this time on"}, {"over", "int", "above this running sum"}, {"fine", "value", "money"}, {"measure", "value", "non-money"}, {"do", "effects", "at confirmation"}, {"add", "bool", "adds instead of replacing"}},
	"link":   {{"who", "cel", "who is liable too"}, {"times", "int", "times the fine"}, {"fine", "value", "money"}},
	"appeal": {{"within", "value", "length"}, {"to", "who", "who decides"}},
	"pay":    {{"ledger", "name", "ledger"}, {"by", "literal", "when"}, {"via", "name", "how"}, {"cap", "cel", "at most"}},
	"checklist": {
		{"of", "name", "form inspected"}, {"where", "value", "which of them"}, {"by", "who", "who inspects"},
		{"who", "cel", "person judged"}, {"every", "value", "rhythm"}, {"sample", "@sample", "drawn"},
		{"scale", "literal", "pass_fail or 1-5"}, {"below", "value", "a mark below is a fail"},
		{"item", "{@item", "what is looked at"}, {"recheck", "value", "look again after"},
	},
	"item": {{"text", "text", "what is looked at"}, {"evidence", "text", "what to show; the note is then demanded"}, {"prefill", "cel", "proposed result"}, {"do", "effects", "when it fails"}},
	"ledger": {
		{"unit", "name", "money, quantity or range"}, {"per", "{name", "dimension: type"}, {"kind", "{any", "kind: add take note memo new move, or {is, label}"},
		{"check", "[@check", "over balance"}, {"close", "@close", "closing"},
	},
	"close": {{"every", "name", "day, week, month, quarter, year"}, {"do", "effects", "what follows"}},
	"report": {
		{"every", "value", "rhythm"}, {"due", "value", "when it is due"}, {"warn", "[literal|@is", "lengths before due"},
		{"by", "who", "who submits"}, {"of", "name", "form reported on"}, {"where", "value", "which of them"},
		{"per", "cels", "groups"}, {"column", "{value|@column", "aggregates"}, {"row", "literal", "each <form>: one row a record"},
		{"ask", "{name|@field", "typed in"}, {"row_ask", "{name|@field", "typed in per row"},
		{"require", "[@check", "guards of submission"}, {"sign", "who|@seat|@is", "who signs"}, {"do", "effects", "at submission"},
		{"late", "effects", "at the breach"}, {"to", "who|@is", "who gets it"}, {"confirm", "value", "readers confirm within"},
		{"compare", "name|@is", "last: the period before beside each number"}, {"totals", "[name", "columns by whose values the rows are totalled"},
	},
	"column": {{"type", "name", "its type"}, {"is", "value", "over it, row and period"}, {"class", "name|@is", "secrecy"}, {"total", "name", "sum"}, {"scale", "int", "digits after the point"}},
	"class": {
		{"see", "cel", "who sees it, over me and this"}, {"mask", "name", "phone name idno all last4"}, {"hide", "cel", "for whom not even the mask is shown"},
		{"reveal", "@reveal", "showing one value"}, {"print", "@class_print", "printing"}, {"export", "@class_export", "exporting"},
		{"read_log", "bool", "reading leaves a trace"}, {"outward", "bool|@is", "true: a message to somebody outside may hold it; without it none may"},
		{"sealed", "bool", "its existence is hidden"}, {"personal", "bool", "kept encrypted under a key of the person, which erasure destroys"},
	},
	"reveal":       {{"by", "who", "who may"}, {"purpose", "bool", "a purpose is asked"}, {"ref", "names", "forms a purpose refers to"}, {"one", "bool|@is", "one record at a time: the next masks the former"}, {"for", "literal", "how long"}, {"per_day", "int", "how many a day"}},
	"class_print":  {{"stamp", "text", "stamp"}, {"by", "who", "who may"}},
	"class_export": {{"by", "who", "who may"}, {"of", "cel", "records whose values leave in a list longer than one takes alone"}, {"alone_up_to", "int", "without approval"}, {"per_day", "int", "a day"}, {"encrypted", "bool", "encrypted"}, {"stamp", "text", "stamp"}},
	"retention": {
		{"keep", "value", "length"}, {"from", "cel", "counted from"}, {"hold", "[@check", "any true one stops destruction"},
		{"destroy", "@destroy", "how"}, {"early", "name", "refuse"},
	},
	"destroy": {{"by", "who", "who"}, {"within", "value", "length"}, {"with", "names", "fields to give"}, {"witness", "int", "how many"}},
	"is":      {{"is", "any", "the value"}, {"row", "cel", "who signs each row"}, {"within", "value", "length"}, {"confirm", "value", "readers confirm within"}, {"range", "cels", "least and greatest"}},
	"case":    {{"when", "cel", "only if"}, {"is", "any", "the value"}},
	"scenario": {
		{"scenario", "text", "one sentence, the rule as a jurist would say it"}, {"clauses", "names", "what it means to prove"}, {"instead", "names", "of a variant: the sentences of its base's scenarios that this one stands in for"},
		{"given", "any", "the world before"}, {"when", "any", "the steps"}, {"then", "any", "what must be so"},
		{"cases", "@cases", "boundary table"}, {"each", "text", "item in checklist.x"}, {"note", "text", "for readers"},
	},
	"cases": {{"columns", "names", "names of the columns"}, {"rows", "any", "rows"}},
}

// keysOf are the keys a shape takes, the shared ones included.
func keysOf(shape string) []key {
	own, ok := shapes[shape]
	if !ok {
		panic("rulebook: no shape " + shape)
	}
	if bare[shape] {
		return own
	}
	return append(append(make([]key, 0, len(own)+len(shared)), own...), shared...)
}

func keyNames(shape string) []string {
	var list []string
	for _, k := range keysOf(shape) {
		list = append(list, k.name)
	}
	return list
}

func knows(shape, name string) bool {
	own, ok := shapes[shape]
	if !ok {
		panic("rulebook: no shape " + shape)
	}
	named := func(k key) bool { return k.name == name }
	return slices.ContainsFunc(own, named) || !bare[shape] && slices.ContainsFunc(shared, named)
}

// parts splits a kind into its alternatives.
func parts(kind string) []string { return strings.Split(kind, "|") }
