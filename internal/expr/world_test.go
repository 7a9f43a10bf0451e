package expr_test

import (
	"sort"
	"strings"
	"testing"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/query"
)

var standard = calendar.Standard()

var now = time.Date(2026, 3, 2, 9, 30, 0, 0, standard.Zone).UTC()

var params = map[string]expr.Value{"limit": money("100.00"), "rate": dec("0.15")}

type row = map[string]any // column form

// world is a database in memory and all facts about it. With loaded set, sets are lists from the start, so that
// nothing is asked of the database.
type world struct {
	expr.Facts
	schema *expr.Schema
	tables map[string][]row
	loaded bool
	loads  int // how often rows were loaded one by one
}

func (w *world) Calendar() *calendar.Calendar { return standard }
func (w *world) Form(object string) expr.Set {
	return &set{w: w, o: w.schema.Objects[object]}
}
func (w *world) Param(id string) (expr.Value, bool) {
	v, ok := params[id]
	return v, ok
}
func (w *world) Rows(id string) ([]map[string]expr.Value, bool) {
	switch id {
	case "band":
		return []map[string]expr.Value{{"upto": money("999.99"), "measure": "书面检讨"}, {"upto": money("4999.99"), "measure": "警告"}, {"measure": "降级"}}, true
	case "stage":
		return []map[string]expr.Value{{"stage": "quality", "far": false, "days": calendar.Span{N: 3, Unit: calendar.UnitDay}},
			{"stage": "quality", "far": true, "days": calendar.Span{N: 7, Unit: calendar.UnitDay}}}, true
	}
	return nil, false
}
func (w *world) person(id string) expr.Record {
	if id == "" {
		return nil
	}
	return &rec{w: w, o: w.schema.Objects["base.person"], row: row{"id": id}}
}
func (w *world) Role(id string, unit expr.Record) expr.Who { return who{w, []string{id + "1", "p1"}} }
func (w *world) RoleAt(id string, unit expr.Record, at time.Time) expr.Who {
	return who{w, []string{id + "@" + unit.ID() + at.In(standard.Zone).Format("0102")}}
}
func (w *world) Superior(p expr.Record) (expr.Record, error) {
	if p.ID() == "boss" {
		return nil, nil
	}
	return w.person("boss"), nil
}
func (w *world) Led(fn string, by expr.Record) (ids, nobody []string, err error) {
	if fn == "members" {
		return []string{"u1"}, nil, nil
	}
	if fn == "head" && by.ID() == "p2" {
		return []string{"u1"}, nil, nil
	}
	if fn == "superior" && by.ID() == "boss" {
		ids = []string{"p1", "p2"}
	}
	return ids, []string{"boss"}, nil
}
func (w *world) Head(expr.Record) (expr.Record, error) { return w.person("p2"), nil }
func (w *world) UnitOf(p expr.Record, _ time.Time) (expr.Record, error) {
	return &rec{w: w, o: w.schema.Objects["base.unit"], row: row{"id": "u-" + p.ID()}}, nil
}
func (w *world) Absent(v expr.Value, _ time.Time) bool {
	r, ok := v.(expr.Record)
	return ok && r.ID() == "p1"
}
func (w *world) Waiting(string, expr.Record) (expr.Who, error)   { return who{w, []string{"p1"}}, nil }
func (w *world) Approved(id string, r expr.Record) (bool, error) { return r.ID() == "1", nil }
func (w *world) Rank(string, expr.Record) (int64, error)         { return 2, nil }
func (w *world) Ranked(string, expr.Record) (int64, error)       { return 7, nil }
func (w *world) QuotaLeft(string, expr.Record) (int64, error)    { return 5, nil }
func (w *world) Balance(_ string, d []expr.Value) (expr.Value, error) {
	return money([]string{"10.00", "20.00", "30.00"}[len(d)]), nil
}
func (w *world) Same(a, b expr.Value) bool { return strings.EqualFold(a.(string), b.(string)) }
func (w *world) Holds(ledger string, giver expr.Record, r expr.Range) (bool, error) {
	return ledger == "stock" && giver.ID() == "p1" && r.First == "A001", nil
}
func (w *world) History(r expr.Record, field string) ([]expr.Record, error) {
	return []expr.Record{&rec{w: w, o: w.schema.Objects["history"], extra: map[string]expr.Value{"at": now, "old": "minor", "new": "major"}}}, nil
}

type who struct {
	w   *world
	ids []string
}

func (p who) Has(r expr.Record) bool {
	for _, id := range p.ids {
		if id == r.ID() {
			return true
		}
	}
	return false
}
func (p who) Persons() []expr.Record {
	var list []expr.Record
	for _, id := range p.ids {
		list = append(list, p.w.person(id))
	}
	return list
}
func (p who) Of(u expr.Record) expr.Who { return who{p.w, []string{p.ids[0] + "@" + u.ID()}} }

// rec is one row, decoded when read.
type rec struct {
	w     *world
	o     *expr.Object
	row   row
	extra map[string]expr.Value
}

func (r *rec) Object() string { return r.o.Key }
func (r *rec) ID() string     { id, _ := r.row["id"].(string); return id }
func (r *rec) Get(name string) (expr.Value, error) {
	if v, ok := r.extra[name]; ok {
		return v, nil
	}
	f := r.o.Fields[name]
	if r.w.schema.Objects[f.Type.Object] != nil && f.Column == "" && f.Type.Kind == expr.KObject { // done, done.close
		return &rec{w: r.w, o: r.w.schema.Objects[f.Type.Object], row: r.row}, nil
	}
	if f.Back != "" || f.Line {
		s := &set{w: r.w, o: r.w.schema.Objects[f.Type.Elem.Object]}
		key := f.Back
		if f.Line {
			key = "record"
		}
		n := s.Narrow(query.Eq("it", key, r.row["id"]))
		if f.Line || r.w.loaded {
			all, err := n.All()
			list := []expr.Value{}
			for _, x := range all {
				list = append(list, x)
			}
			return list, err
		}
		return n, nil
	}
	raw := r.row[f.Column]
	if f.Type.Kind == expr.KObject {
		if raw == nil {
			return nil, nil
		}
		o := r.w.schema.Objects[f.Type.Object]
		for _, x := range r.w.tables[o.Table] {
			if x["id"] == raw {
				return &rec{w: r.w, o: o, row: x}, nil
			}
		}
		return &rec{w: r.w, o: o, row: row{"id": raw}}, nil
	}
	return expr.FromColumn(raw, f.Type)
}

// set asks the tables through the little interpreter below.
type set struct {
	w     *world
	o     *expr.Object
	where []query.Expr
}

func (s *set) Object() string { return s.o.Key }
func (s *set) Narrow(q query.Expr) expr.Set {
	return &set{s.w, s.o, append(s.where[:len(s.where):len(s.where)], q)}
}
func (s *set) rows() []row {
	var list []row
next:
	for _, x := range s.w.tables[s.o.Table] {
		for _, q := range s.where {
			if (lens{s.w, map[string]row{"it": x}}).value(q) != true {
				continue next
			}
		}
		list = append(list, x)
	}
	return list
}
func (s *set) All() ([]expr.Record, error) {
	s.w.loads++
	var list []expr.Record
	for _, x := range s.rows() {
		list = append(list, &rec{w: s.w, o: s.o, row: x})
	}
	return list, nil
}
func (s *set) Aggregate(agg string, arg query.Expr) (any, error) {
	var values []any
	for _, x := range s.rows() {
		if arg == nil {
			values = append(values, true)
		} else {
			values = append(values, (lens{s.w, map[string]row{"it": x}}).value(arg))
		}
	}
	return fold(agg, values), nil
}

// lens interprets a question over the rows of some aliases, with SQL's NULL.
type lens struct {
	w    *world
	rows map[string]row
}

func (l lens) value(q query.Expr) any {
	switch x := q.(type) {
	case query.Const:
		return x.Value
	case query.Col:
		r, ok := l.rows[x.Alias]
		if !ok {
			panic("no alias " + x.Alias)
		}
		return r[x.Name]
	case query.Ref:
		id := l.value(x.On)
		for _, r := range l.w.tables[x.Table] {
			if id != nil && r["id"] == id {
				return r[x.Name]
			}
		}
		return nil
	case query.Case:
		for i, c := range x.When {
			if l.value(c) == true {
				return l.value(x.Then[i])
			}
		}
		if x.Else == nil {
			return nil
		}
		return l.value(x.Else)
	case query.Sub:
		var values []any
		for _, r := range l.w.tables[x.Table] {
			rows := map[string]row{x.Alias: r}
			for k, v := range l.rows {
				if k != x.Alias {
					rows[k] = v
				}
			}
			in := lens{l.w, rows}
			if x.Where != nil && in.value(x.Where) != true {
				continue
			}
			if x.Arg == nil {
				values = append(values, true)
			} else {
				values = append(values, in.value(x.Arg))
			}
		}
		return fold(x.Agg, values)
	case query.Op:
		return l.op(x)
	}
	panic("no such node")
}

func fold(agg string, values []any) any {
	var set []any
	for _, v := range values {
		if v != nil {
			set = append(set, v)
		}
	}
	switch agg {
	case "exists":
		return len(values) > 0
	case "count":
		return int64(len(values))
	case "count_distinct":
		seen := map[any]bool{}
		for _, v := range set {
			seen[v] = true
		}
		return int64(len(seen))
	}
	if len(set) == 0 {
		return nil
	}
	sort.Slice(set, func(i, j int) bool { return compare(set[i], set[j]) < 0 })
	switch agg {
	case "min":
		return set[0]
	case "max":
		return set[len(set)-1]
	case "sum":
		total := int64(0)
		for _, v := range set {
			total += v.(int64)
		}
		return total
	}
	panic("no aggregate " + agg)
}

func compare(a, b any) int {
	switch x := a.(type) {
	case int64:
		return int(min(max(x-b.(int64), -1), 1))
	case string:
		return strings.Compare(x, b.(string))
	case bool:
		if x == b.(bool) {
			return 0
		}
		return 1
	}
	panic("not comparable")
}

func (l lens) op(x query.Op) any {
	var v []any
	for _, a := range x.Args {
		v = append(v, l.value(a))
	}
	switch x.Name {
	case "and", "or":
		stop, out := x.Name == "or", any(x.Name == "and")
		for _, b := range v {
			if b == stop {
				return stop
			}
			if b == nil {
				out = nil
			}
		}
		return out
	case "isnull":
		return v[0] == nil
	case "coalesce":
		for _, y := range v {
			if y != nil {
				return y
			}
		}
		return nil
	case "in":
		if v[0] == nil {
			return nil
		}
		out := any(false)
		for _, y := range v[1:] {
			if y == nil {
				out = nil
			} else if compare(v[0], y) == 0 {
				return true
			}
		}
		return out
	}
	for _, y := range v {
		if y == nil {
			return nil
		}
	}
	switch x.Name {
	case "not":
		return !v[0].(bool)
	case "=":
		return compare(v[0], v[1]) == 0
	case "<>":
		return compare(v[0], v[1]) != 0
	case "<":
		return compare(v[0], v[1]) < 0
	case "<=":
		return compare(v[0], v[1]) <= 0
	case ">":
		return compare(v[0], v[1]) > 0
	case ">=":
		return compare(v[0], v[1]) >= 0
	case "+":
		return v[0].(int64) + v[1].(int64)
	case "-":
		return v[0].(int64) - v[1].(int64)
	case "*":
		return v[0].(int64) * v[1].(int64)
	case "contains":
		return strings.Contains(v[0].(string), v[1].(string))
	case "startswith":
		return strings.HasPrefix(v[0].(string), v[1].(string))
	}
	panic("no operator " + x.Name)
}

func lit(s string, t expr.Type) expr.Value {
	v, err := expr.ParseLiteral(s, t, standard.Zone)
	if err != nil {
		panic(err)
	}
	return v
}
func money(s string) expr.Value { return lit(s, expr.Of(expr.KMoney)) }
func dec(s string) expr.Value   { return lit(s, expr.Of(expr.KDecimal)) }

func testSchema() *expr.Schema {
	of, field := expr.Of, func(t expr.Type, column string) expr.Field { return expr.Field{Type: t, Column: column} }
	person, unit := expr.ObjectOf("base.person"), expr.ObjectOf("base.unit")
	stamp := map[string]expr.Field{"at": field(of(expr.KDatetime), "close_at"), "by": field(person, "close_by"), "count": field(of(expr.KInt), "")}
	objects := map[string]*expr.Object{
		"x.case": {Key: "x.case", Label: "案件", Table: "x_case", Fields: map[string]expr.Field{
			"id": field(of(expr.KText), "id"), "amount": field(of(expr.KMoney), "amount"), "fee": field(of(expr.KMoney), "fee"),
			"qty": field(of(expr.KInt), "qty"), "ok": field(of(expr.KBool), "ok"), "kind": field(expr.ChoiceOf("major", "minor"), "kind"),
			"ratio": field(expr.DecimalOf(4), "ratio"), "share": field(expr.DecimalOf(6), "share"), "shipped_on": field(of(expr.KDate), "shipped_on"),
			"at": field(of(expr.KDatetime), "at"), "note": field(of(expr.KText), "note"), "within": field(of(expr.KSpan), "within"),
			"customer": field(expr.ObjectOf("x.customer"), "customer"), "owner": field(person, "owner"), "unit": field(unit, "unit"),
			"people": field(expr.ListOf(person), ""), "tags": field(expr.ListOf(expr.ChoiceOf("red", "blue")), "tags"), "segment": field(of(expr.KRange), ""),
			"start": field(of(expr.KTime), "start"), "span": field(of(expr.KPeriod), ""),
			"lines":  {Type: expr.ListOf(expr.ObjectOf("x.case.lines")), Line: true},
			"visits": {Type: expr.ListOf(expr.ObjectOf("x.visit")), Back: "case"},
			"done":   {Type: expr.ObjectOf("x.case#done")}, "late": {Type: expr.ObjectOf("x.case#late")}, "stay": {Type: expr.ObjectOf("x.case#stay")}}},
		"x.case#done":       {Key: "x.case#done", Fields: map[string]expr.Field{"close": {Type: expr.ObjectOf("x.case#done.close")}}},
		"x.case#done.close": {Key: "x.case#done.close", Fields: stamp},
		"x.case#late":       {Key: "x.case#late", Fields: map[string]expr.Field{"reply": {Type: of(expr.KBool)}}},
		"x.case#stay":       {Key: "x.case#stay", Fields: map[string]expr.Field{"open": {Type: expr.ObjectOf("stay")}}},
		"x.case.lines": {Key: "x.case.lines", Table: "x_line", Line: true, Fields: map[string]expr.Field{"id": field(of(expr.KText), "id"),
			"parent": field(expr.ObjectOf("x.case"), "record"), "price": field(of(expr.KMoney), "price"), "n": field(of(expr.KInt), "n"), "share": field(expr.DecimalOf(4), "share")}},
		"x.visit": {Key: "x.visit", Table: "x_visit", Fields: map[string]expr.Field{"case": field(expr.ObjectOf("x.case"), "case"), "good": field(of(expr.KBool), "good"),
			"at": field(of(expr.KDatetime), "at"), "cost": field(of(expr.KMoney), "cost"), "by": field(person, "by")}},
		"x.customer":  {Key: "x.customer", Table: "x_customer", Fields: map[string]expr.Field{"name": field(of(expr.KText), "name"), "keeper": field(person, "keeper"), "score": field(of(expr.KInt), "score")}},
		"base.person": {Key: "base.person", Table: "base_person", Fields: map[string]expr.Field{"name": field(of(expr.KText), "name"), "wage": field(of(expr.KMoney), "wage")}},
		"base.unit":   {Key: "base.unit", Table: "base_unit", Fields: map[string]expr.Field{"name": field(of(expr.KText), "name"), "members": field(of(expr.KWho), "")}},
	}
	names := func(list ...string) map[string]bool {
		m := map[string]bool{}
		for _, s := range list {
			m[s] = true
		}
		return m
	}
	m := of(expr.KMoney)
	return &expr.Schema{Objects: objects, Forms: map[string]string{"cases": "x.case", "visit": "x.visit", "customer": "x.customer"}, Roles: names("quality", "sales"),
		Approvals: names("settlement"), Rankings: names("queue"), Ledgers: names("stock", "rebate"), Quotas: names("vip"),
		Params: map[string]expr.Param{"limit": {Type: m}, "rate": {Type: expr.DecimalOf(6)}, "blank": {Type: m},
			"band":  {Key: []expr.Column{{Name: "upto", Type: m, Upto: true}}, Out: []expr.Column{{Name: "measure", Type: of(expr.KText)}}},
			"stage": {Key: []expr.Column{{Name: "stage", Type: of(expr.KText)}, {Name: "far", Type: of(expr.KBool)}}, Out: []expr.Column{{Name: "days", Type: of(expr.KSpan)}}}}}
}

func testEnv(t testing.TB) (*expr.Env, *expr.Schema, expr.Vars) {
	t.Helper()
	s := testSchema()
	e, err := expr.NewEnv(s)
	if err != nil {
		t.Fatal(err)
	}
	of := expr.Of
	return e, s, expr.Vars{"this": expr.ObjectOf("x.case"), "old": expr.ObjectOf("x.case"), "now": of(expr.KDatetime), "today": of(expr.KDate), "me": expr.ObjectOf("base.person"),
		"done": expr.ObjectOf("x.case#done"), "late": expr.ObjectOf("x.case#late"), "period": of(expr.KPeriod), "shift": of(expr.KPeriod), "unit": expr.ObjectOf("base.unit"), "range": of(expr.KRange),
		"balance": of(expr.KMoney), "it": expr.ObjectOf("x.case")}
}
