package demo

import (
	"fmt"
	"strings"
	"time"

	"zhanggui/internal/engine"
)

// Course is what is done in order with each of several cases, by whom and when: where a story is told by the dice, a course is written down.
// Its rows are the cases ("$row.column"); a course without rows is done once.
type Course struct {
	Row  []map[string]any `yaml:"row"` // "id" names the case, "from" and "until" are its first and last day
	Deed []Deed           `yaml:"deed"`
}

// Deed is one act of a course. Deeds follow each other, or come at moments of their own.
type Deed struct {
	After  []string                    `yaml:"after"` // shortest and longest time after the deed before
	At     []string                    `yaml:"at"`    // moments at which it is done, once each
	Every  string                      `yaml:"every"` // and again so long after the last of them
	If     string                      `yaml:"if"`    // column that a row must have
	By     string                      `yaml:"by"`
	Form   string                      `yaml:"form"`
	Of     string                      `yaml:"of"`   // the record it is done with; none: one is made
	Act    string                      `yaml:"act"`  // none: create
	Name   string                      `yaml:"name"` // of what is made: "$name" in the same case, "@case.name" elsewhere
	Made   map[string]string           `yaml:"made"` // name → form, of what the act made beside it
	Values map[string]any              `yaml:"values"`
	Lines  map[string][]map[string]any `yaml:"lines"`
	Reason string                      `yaml:"reason"`
}

// enrol puts the cases of a course on the agenda. What lies before the play's beginning has not happened.
func (p *player) enrol(c *Course) error {
	rows := c.Row
	if len(rows) == 0 {
		rows = []map[string]any{{}}
	}
	for _, row := range rows {
		known := map[string]drawn{"row": {values: row}}
		var chain []*Deed
		for i := range c.Deed {
			d := &c.Deed[i]
			if d.If != "" && row[d.If] == nil {
				continue
			}
			if len(d.At) == 0 {
				chain = append(chain, d)
				continue
			}
			for n, text := range d.At {
				at, ok, err := p.moment(p.value(text, known, nil))
				if err != nil {
					return err
				}
				if ok {
					p.at(at, func() error { return p.again(d, known, n == len(d.At)-1) })
				}
			}
		}
		at, ok, err := p.moment(row["from"])
		if err != nil {
			return err
		}
		if ok && len(chain) > 0 {
			p.at(p.workTime(at), func() error { return p.walk(chain, known) })
		}
	}
	return nil
}

// moment reads a day or a minute; what has no moment or one before the play's beginning is not to be.
func (p *player) moment(v any) (time.Time, bool, error) {
	text, _ := v.(string)
	if text == "" {
		return time.Time{}, false, nil
	}
	layout := "2006-01-02 15:04"
	if len(text) == len("2006-01-02") {
		layout = "2006-01-02"
	}
	at, err := time.ParseInLocation(layout, text, p.zone)
	return at, !at.Before(p.now), err
}

// walk does the first of a case's deeds and puts the next on the agenda.
func (p *player) walk(chain []*Deed, known map[string]drawn) error {
	if err := p.deed(chain[0], known); err != nil || len(chain) == 1 {
		return err
	}
	lo, hi := 10*time.Minute, 2*time.Hour
	if f := chain[1].After; len(f) == 2 {
		lo, hi = length(f[0]), length(f[1])
	}
	at := p.workTime(p.now.Add(lo + time.Duration(p.rnd.Int64N(int64(hi-lo)+1))))
	p.at(at, func() error { return p.walk(chain[1:], known) })
	return nil
}

// again does a deed at its moment and, after the last, so long after it once more.
func (p *player) again(d *Deed, known map[string]drawn, last bool) error {
	if every, _ := p.value(d.Every, known, nil).(string); last && every != "" {
		p.at(p.workTime(p.now.Add(length(every)).Add(time.Duration(p.rnd.IntN(300))*time.Minute)), func() error { return p.again(d, known, true) })
	}
	return p.deed(d, known)
}

// deed does one act. It is left out where what it speaks of has not come about; being refused is a mistake of the plan.
func (p *player) deed(d *Deed, known map[string]drawn) error {
	form := p.e.Lib.Form(d.Form)
	if form == nil {
		return fmt.Errorf("demo: there is no form %s", d.Form)
	}
	if until, _, _ := p.moment(known["row"].values["until"]); !until.IsZero() && p.now.After(until) || !p.there(d.By, known) || !p.there(d.Of, known) || !p.there(d.Values, known) {
		return nil
	}
	who, _ := p.value(d.By, known, nil).(string)
	of, _ := p.value(d.Of, known, nil).(string)
	p.actor = who
	act := engine.Act{Form: d.Form, Record: of, Action: first(d.Act, "create"), Values: p.values(form, d.Values, known), Lines: p.lines(form, d.Lines, known),
		Reason: d.Reason, Actor: engine.Actor{Person: who, Origin: "demo"}}
	out, err := p.e.Do(p.ctx, p.now, act)
	if err != nil {
		return fmt.Errorf("demo: %v %s %s at %s: %w", known["row"].values["id"], d.Form, act.Action, p.now, explain(err))
	}
	p.stats["acts"]++
	p.made[form.Key] = appendOnce(p.made[form.Key], out.Record, act.Values)
	p.followUp(out.Effects)
	if d.Name != "" {
		p.call(d.Name, drawn{out.Record, act.Values}, known)
	}
	for name, form := range d.Made {
		for _, ef := range out.Effects {
			if ef.Kind == "create" && ef.Form == form {
				p.call(name, drawn{ef.Record, nil}, known)
			}
		}
	}
	return nil
}

// call gives a record its name, in its case and elsewhere.
func (p *player) call(name string, d drawn, known map[string]drawn) {
	known[name] = d
	id, _ := known["row"].values["id"].(string)
	if id != "" {
		id += "."
	}
	p.names[id+name] = d.id
}

// there says whether all that a value speaks of has come about.
func (p *player) there(v any, known map[string]drawn) bool {
	switch x := v.(type) {
	case string:
		if x == "" {
			return true
		}
		if x[0] == '@' {
			return p.names[x[1:]] != ""
		}
		if x[0] == '$' {
			name, column, _ := strings.Cut(x[1:], ".")
			d, ok := known[name]
			return ok && (name != "row" || p.there(d.values[column], known))
		}
	case map[string]any:
		for _, y := range x {
			if !p.there(y, known) {
				return false
			}
		}
	}
	return true
}
