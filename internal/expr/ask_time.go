package expr

import (
	"strconv"
	"strings"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/query"
)

// compareTime translates comparisons of a part of a moment (day, month, quarter, year) and of a moment moved by
// a natural length with something fixed: as limits of the column itself, so that an index can answer.
func (m *machine) compareTime(op string, a, b *node) (query.Expr, bool) {
	if a.op != "call" {
		return nil, false
	}
	switch a.name {
	case "day", "month", "quarter", "year":
		return m.comparePart(op, a, b)
	case "_+_", "_-_":
		moment, span := a.args[0], a.args[1]
		if span.typ.Kind != KSpan || m.depends(span) || (moment.typ.Kind != KDate && moment.typ.Kind != KDatetime) {
			return nil, false
		}
		return m.compareMoved(op, a.name, moment, span, b)
	}
	return nil, false
}

// compareMoved is t + span op b, said as t op b - span. Months have no such inverse, working time even less.
func (m *machine) compareMoved(op, sign string, moment, span, b *node) (query.Expr, bool) {
	q, ok := m.ask(moment)
	if !ok {
		return nil, false
	}
	if m.static {
		return q, span.op == "call" && (span.name == "days" || span.name == "weeks" || moment.typ.Kind == KDatetime && (span.name == "hours" || span.name == "minutes"))
	}
	s, err1 := m.eval(span)
	v, err2 := m.eval(b)
	if err1 != nil || err2 != nil {
		return nil, false
	}
	if s == nil || v == nil {
		return query.Const{}, true
	}
	length, ok := s.(calendar.Span)
	if !ok || length.Working() {
		return nil, false
	}
	if sign == "_+_" {
		length = length.Neg()
	}
	day := length.Unit == calendar.UnitDay || length.Unit == calendar.UnitWeek
	var limit string
	switch t := v.(type) {
	case calendar.Date:
		if !day {
			return nil, false
		}
		limit = m.calendar().AddDate(t, length).String()
	case time.Time:
		if !day && !length.Exact() {
			return nil, false
		}
		limit = m.calendar().Add(t, length).UTC().Format(instantForm)
	default:
		return nil, false
	}
	return query.Op{Name: op, Args: []query.Expr{q, query.Const{Value: limit}}}, true
}

// comparePart is month(t) op '2026-03' and the like, said as limits of t.
func (m *machine) comparePart(op string, a, b *node) (query.Expr, bool) {
	col, ok := m.ask(a.args[0])
	if !ok {
		return nil, false
	}
	if m.static {
		return col, true
	}
	v, err := m.eval(b)
	if err != nil {
		return nil, false
	}
	if v == nil {
		return query.Const{}, true
	}
	from, to, ok := partOf(a.name, v)
	if !ok {
		return nil, false
	}
	lo, hi := from.String(), to.String()
	if a.args[0].typ.Kind == KDatetime {
		lo, hi = from.Start(m.zone()).UTC().Format(instantForm), to.Start(m.zone()).UTC().Format(instantForm)
	}
	limit := func(op, l string) query.Expr {
		return query.Op{Name: op, Args: []query.Expr{col, query.Const{Value: l}}}
	}
	switch op {
	case "=":
		return query.And(limit(">=", lo), limit("<", hi)), true
	case "<>":
		return query.Op{Name: "or", Args: []query.Expr{limit("<", lo), limit(">=", hi)}}, true
	case "<":
		return limit("<", lo), true
	case "<=":
		return limit("<", hi), true
	case ">":
		return limit(">=", hi), true
	}
	return limit(">=", lo), true
}

// partOf is the stretch of days [from, to) that a day, month, quarter or year names.
func partOf(part string, v Value) (from, to calendar.Date, ok bool) {
	first := func(year, month, months int) (calendar.Date, calendar.Date, bool) {
		d := calendar.Date{Year: year, Month: time.Month(month), Day: 1}
		return d, d.AddMonths(months), year >= 1 && year < 9999 && month >= 1 && month <= 12
	}
	switch x := v.(type) {
	case calendar.Date:
		return x, x.AddDays(1), part == "day"
	case int64:
		if part != "year" || x < 1 || x > 9998 {
			return from, to, false
		}
		return first(int(x), 1, 12)
	case string:
		y, rest, found := strings.Cut(x, "-")
		year, err := strconv.Atoi(y)
		if !found || err != nil || len(x) != 7 {
			return from, to, false
		}
		months := 1
		if q, isQuarter := strings.CutPrefix(rest, "Q"); isQuarter != (part == "quarter") {
			return from, to, false
		} else if isQuarter {
			rest, months = q, 3
		}
		k, err := strconv.Atoi(rest)
		if err != nil || months == 3 && k > 4 {
			return from, to, false
		}
		return first(year, (k-1)*months+1, months)
	}
	return from, to, false
}

// askInPeriod translates t in period.
func (m *machine) askInPeriod(n, x, in *node) (query.Expr, bool) {
	if m.depends(in) {
		return m.no(n, "in a period of the row")
	}
	col, ok := m.ask(x)
	if !ok || m.static {
		return col, ok
	}
	v, err := m.eval(in)
	if err != nil {
		return m.no(n, "in")
	}
	p, ok := v.(calendar.Period)
	if !ok {
		return query.Const{}, v == nil
	}
	form := func(t time.Time) string { return t.UTC().Format(instantForm) }
	if x.typ.Kind == KDate { // a date stands for its start
		form = func(t time.Time) string {
			d := calendar.DateOf(t, m.zone())
			if d.Start(m.zone()).Before(t) {
				d = d.AddDays(1)
			}
			return d.String()
		}
	}
	return query.And(query.Op{Name: ">=", Args: []query.Expr{col, query.Const{Value: form(p.From)}}},
		query.Op{Name: "<", Args: []query.Expr{col, query.Const{Value: form(p.To)}}}), true
}
