package engine

import (
	"context"
	"fmt"
	"sort"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// StatQuery asks for figures of a form by a field or a month.
type StatQuery struct {
	Form, By, Where, Sum string
}

// StatRow is one figure.
type StatRow struct {
	Key   string  `json:"key"`
	Label Text    `json:"label"`
	Count int64   `json:"count"`
	Sum   *string `json:"sum,omitempty"`
}

const statMonths = 24

// Stat groups in the database: it stays quick on any number of rows.
func (e *Engine) Stat(ctx context.Context, now time.Time, actor Actor, q StatQuery) ([]StatRow, error) {
	var list []StatRow
	err := e.read(ctx, now, actor, func(w *work) (err error) {
		list, err = w.stat(q)
		return err
	})
	return list, err
}

func (w *work) stat(q StatQuery) ([]StatRow, error) {
	list := []StatRow{}
	f, err := w.formSeen(q.Form)
	if err != nil {
		return nil, err
	}
	where := query.And(w.where(f, "this"), query.Op{Name: "<>", Args: []query.Expr{query.Col{Alias: "this", Name: "state"}, query.Const{Value: "void"}}})
	if q.Where != "" {
		x, err := w.filter(f, q.Where)
		if err != nil {
			return nil, err
		}
		where = query.And(where, x)
	}
	key, fd, err := w.statKey(f, q.By)
	if err != nil {
		return nil, err
	}
	columns := []query.Column{{Name: "key", Expr: key}, {Name: "n", Expr: query.Col{Alias: "this", Name: "id"}, Agg: "count"}}
	var sum *rulebook.Field
	if q.Sum != "" {
		sum = f.Field(q.Sum)
		if sum == nil || live(sum) || columnKind(sum.Type) != "int" || !w.open(f, sum) {
			return nil, fault.At("sum", "“"+q.Sum+"”不能求和", q.Sum+" cannot be summed")
		}
		columns = append(columns, query.Column{Name: "sum", Expr: query.Col{Alias: "this", Name: q.Sum}, Agg: "sum"})
	}
	rows, err := w.tx.Select(query.Select{Table: f.Table, Alias: "this", Where: where, Group: []query.Expr{key}, Columns: columns, Limit: 500})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		x := StatRow{Key: fmt.Sprint(orEmpty(row["key"]))}
		x.Count, _ = row["n"].(int64)
		x.Label = w.statLabel(f, fd, q.By, row["key"])
		if sum != nil {
			v, _ := expr.FromColumn(row["sum"], sum.Type.Expr)
			s := expr.Format(v, sum.Type.Expr)
			x.Sum = &s
		}
		list = append(list, x)
	}
	month := len(q.By) > 6 && q.By[:6] == "month:"
	sort.SliceStable(list, func(i, j int) bool {
		if month {
			return list[i].Key < list[j].Key
		}
		return list[i].Count > list[j].Count
	})
	return list, nil
}

// statKey is what the figures are grouped by: a field, state or unit, or the month of a time.
func (w *work) statKey(f *rulebook.Form, by string) (query.Expr, *rulebook.Field, error) {
	unknown := fault.At("by", "不能按“"+by+"”分组", "Cannot group by "+by)
	name, month := by, false
	if len(by) > 6 && by[:6] == "month:" {
		name, month = by[6:], true
	}
	col := query.Col{Alias: "this", Name: name}
	var fd *rulebook.Field
	switch name {
	case "state", "unit", "by", "at":
	default:
		fd = f.Field(name)
		if fd == nil || live(fd) || !w.open(f, fd) || fd.Personal || columnKind(fd.Type) == "json" {
			return nil, nil, unknown
		}
	}
	if !month {
		if name == "at" {
			return nil, nil, unknown
		}
		return col, fd, nil
	}
	if fd != nil && fd.Type.Expr.Kind != expr.KDate && fd.Type.Expr.Kind != expr.KDatetime {
		return nil, nil, unknown
	}
	// Months begin at local midnight, which the database does not know; so their borders are given to it.
	zone := w.world.calendar.Zone
	today := calendar.DateOf(w.now, zone)
	m := (calendar.Date{Year: today.Year, Month: today.Month, Day: 1}).AddMonths(1 - statMonths)
	c := query.Case{}
	for i := 0; i <= statMonths; i++ {
		edge := m.AddMonths(i)
		v := edge.String()
		if fd == nil || fd.Type.Expr.Kind == expr.KDatetime {
			v = instant(edge.Start(zone))
		}
		label := "…"
		if i > 0 {
			label = m.AddMonths(i - 1).String()[:7]
		}
		c.When = append(c.When, query.Op{Name: "<", Args: []query.Expr{col, query.Const{Value: v}}})
		c.Then = append(c.Then, query.Const{Value: label})
	}
	c.Else = query.Const{Value: "~"}
	return c, fd, nil
}

func (w *work) statLabel(f *rulebook.Form, fd *rulebook.Field, by string, key any) Text {
	s := fmt.Sprint(orEmpty(key))
	switch by {
	case "state":
		return stateText(f, s)
	case "unit":
		if r := w.unitRef(s); r != nil {
			return Text{r.Name, r.Name}
		}
	case "by":
		return Text{w.name(s), w.name(s)}
	}
	if s == "" {
		return Text{"（空）", "(empty)"}
	}
	if fd != nil && by == fd.ID {
		if v, err := w.decode(key, fd.Type); err == nil {
			return Text{w.wordsIn(v, fd.Type, false), w.wordsIn(v, fd.Type, true)}
		}
	}
	return Text{s, s}
}
