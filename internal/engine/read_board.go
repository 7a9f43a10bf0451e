package engine

import (
	"context"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
)

// Board is the control room at a glance.
type Board struct {
	Now      string        `json:"now"`
	ByStage  []BoardStage  `json:"by_stage"`
	ByUnit   []BoardUnit   `json:"by_unit"`
	ByHolder []BoardHolder `json:"by_holder"`
	Clocks   []Clock       `json:"clocks"`
	Today    int64         `json:"today"` // breaches since the day began
	// Forecast is, by clock, when what is not late yet will be done at its holder's pace, if that is too late.
	Forecast map[string]string `json:"forecast"`
}

// BoardHolder counts the clocks a person holds.
type BoardHolder struct {
	Person *Ref  `json:"person"`
	Open   int64 `json:"open"`
	Late   int64 `json:"late"`
}

// BoardStage counts the records that stand at a stage.
type BoardStage struct {
	Form      string `json:"form"`
	FormLabel Text   `json:"form_label"`
	State     string `json:"state"`
	Label     Text   `json:"label"`
	Open      int64  `json:"open"`
	Late      int64  `json:"late"`
}

// BoardUnit counts the clocks that people hold in a unit.
type BoardUnit struct {
	Unit    *Ref  `json:"unit"`
	Open    int64 `json:"open"`
	Late    int64 `json:"late"`
	Warning int64 `json:"warning"`
}

const boardClocks = 2000

// Board counts what runs in the reader's reach.
func (e *Engine) Board(ctx context.Context, now time.Time, actor Actor) (*Board, error) {
	var v *Board
	err := e.read(ctx, now, actor, func(w *work) error {
		v = &Board{Now: instant(w.now), ByStage: []BoardStage{}, ByUnit: []BoardUnit{}, ByHolder: []BoardHolder{}, Clocks: []Clock{}}
		cf := w.clockForm()
		rows, err := w.tx.Select(query.Select{Table: cf.Table, Alias: "this", Where: query.And(running("this"), w.where(cf, "this")), Limit: boardClocks,
			Order: []query.Order{{Expr: query.Col{Alias: "this", Name: "due"}}}})
		if err != nil {
			return err
		}
		units, holders := map[string]*BoardUnit{}, map[string]*BoardHolder{}
		late := map[string]bool{}
		var first50 []*Record
		for _, row := range rows {
			c := w.adopt(cf, row)
			st := w.clockState(row)
			if len(first50) < 50 {
				first50 = append(first50, c)
			}
			if st == "late" {
				late[str(row["of_form"])+"/"+str(row["of_id"])] = true
			}
			seen, adopter := map[string]bool{}, w.adopterOf(row)
			for _, h := range idList(row["holder"]) {
				if holders[h] == nil {
					holders[h] = &BoardHolder{Person: w.personRef(h)}
				}
				holders[h].Open++
				if st == "late" {
					holders[h].Late++
				}
				in := w.placeOf(h, adopter)
				if in == "" || seen[in] {
					continue
				}
				seen[in] = true
				u := units[in]
				if u == nil {
					u = &BoardUnit{Unit: w.unitRef(in)}
					units[in] = u
				}
				warned, _ := row["warned"].(bool)
				switch {
				case st == "late":
					u.Late++
				case warned:
					u.Warning++
				}
				u.Open++
			}
		}
		for _, id := range sortedKeys(units) {
			v.ByUnit = append(v.ByUnit, *units[id])
		}
		for _, id := range sortedKeys(holders) {
			v.ByHolder = append(v.ByHolder, *holders[id])
		}
		if v.Today, err = w.breachesToday(query.And(w.whereUnits(cf, "this"), w.whereOfSeen(w.e.Lib.Form("base.breach"), "this"))); err != nil {
			return err
		}
		if v.Forecast, err = w.forecast(rows); err != nil {
			return err
		}
		if v.Clocks, err = w.clocksWithRecords(first50); err != nil {
			return err
		}
		return w.stages(v, late)
	})
	return v, err
}

// whereUnits is the condition that a row is of a unit whose rows of a form the reader sees all of.
func (w *work) whereUnits(f *rulebook.Form, alias string) query.Expr {
	s := w.scopeOf(f)
	if s.all {
		return nil
	}
	args := []query.Expr{query.Col{Alias: alias, Name: "unit"}}
	for _, u := range sortedKeys(s.units) {
		args = append(args, query.Const{Value: u})
	}
	return query.Op{Name: "in", Args: args}
}

// stages counts the records by stage for every form that runs against time.
func (w *work) stages(v *Board, late map[string]bool) error {
	for _, b := range w.e.Lib.Books {
		for _, f := range b.Forms {
			if f.Kept != "" || len(f.Deadlines) == 0 || w.scopeOf(f).none {
				continue
			}
			state := query.Col{Alias: "this", Name: "state"}
			rows, err := w.tx.Select(query.Select{Table: f.Table, Alias: "this", Where: w.where(f, "this"), Group: []query.Expr{state},
				Columns: []query.Column{{Name: "state", Expr: state}, {Name: "n", Expr: query.Col{Alias: "this", Name: "id"}, Agg: "count"}}})
			if err != nil {
				return err
			}
			n := map[string]int64{}
			for _, row := range rows {
				n[str(row["state"])], _ = row["n"].(int64)
			}
			lates, err := w.lateByState(f, late)
			if err != nil {
				return err
			}
			for _, s := range f.States {
				if !s.Final && n[s.ID] > 0 {
					v.ByStage = append(v.ByStage, BoardStage{f.Key, text(f.Label), s.ID, textOr(s.Label, s.ID), n[s.ID], lates[s.ID]})
				}
			}
		}
	}
	return nil
}

func (w *work) lateByState(f *rulebook.Form, late map[string]bool) (map[string]int64, error) {
	var ids []string
	for k := range late {
		if len(k) > len(f.Key) && k[:len(f.Key)+1] == f.Key+"/" {
			ids = append(ids, k[len(f.Key)+1:])
		}
	}
	got, err := w.many(f, ids)
	n := map[string]int64{}
	for _, r := range got {
		n[r.State()]++
	}
	return n, err
}

// CalendarView is a year's days and the working week.
type CalendarView struct {
	Year        int           `json:"year"`
	Provisional bool          `json:"provisional"`
	Days        []CalendarDay `json:"days"`
	Week        [][]string    `json:"week"`
}

// CalendarDay is a day that is not as its weekday says.
type CalendarDay struct {
	Date string `json:"date"`
	Off  bool   `json:"off"`
	Work bool   `json:"work"`
	Name string `json:"name"`
}

// Calendar answers which days count in a year.
func (e *Engine) Calendar(ctx context.Context, now time.Time, actor Actor, year int) (*CalendarView, error) {
	if year < 2000 || year > 2100 {
		return nil, fault.At("year", "年份要在 2000 到 2100 之间", "The year must be between 2000 and 2100")
	}
	v := &CalendarView{Year: year, Days: []CalendarDay{}, Week: [][]string{}}
	err := e.read(ctx, now, actor, func(w *work) error {
		v.Days, v.Week = v.Days[:0], v.Week[:0]
		cal := w.world.calendar
		v.Provisional = cal.Provisional[year]
		for d := (calendar.Date{Year: year, Month: 1, Day: 1}); d.Year == year; d = d.AddDays(1) {
			if r, ok := cal.Days[d]; ok {
				v.Days = append(v.Days, CalendarDay{d.String(), r.Off, r.Work, r.Name})
			}
		}
		for day := 1; day <= 7; day++ {
			slots := []string{}
			for _, s := range cal.Week[day] {
				slots = append(slots, clockTime(s.From)+"–"+clockTime(s.To))
			}
			v.Week = append(v.Week, slots)
		}
		return nil
	})
	return v, err
}

// clockTime writes minutes of the day as 08:30.
func clockTime(m int) string {
	two := func(n int) string { return string(rune('0'+n/10)) + string(rune('0'+n%10)) }
	return two(m/60) + ":" + two(m%60)
}
