package api

import (
	"encoding/json"

	"zhanggui/internal/calendar"
	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
)

func books(c *call) error {
	v, err := c.s.Engine.Books(c.ctx(), c.now, c.actor)
	return answer(c, v, err)
}

func book(c *call) error {
	v, err := c.s.Engine.Book(c.ctx(), c.now, c.actor, c.path("id"))
	return answer(c, v, err)
}

func bookDiff(c *call) error {
	v, err := c.s.Engine.Diff(c.ctx(), c.now, c.actor, c.path("id"), c.query("with"))
	return answer(c, v, err)
}

func clause(c *call) error {
	v, err := c.s.Engine.Clause(c.ctx(), c.now, c.actor, c.path("id"))
	return answer(c, v, err)
}

func forms(c *call) error {
	v, err := c.s.Engine.Forms(c.ctx(), c.now, c.actor)
	return answer(c, v, err)
}

func formOf(c *call) error {
	v, err := c.s.Engine.Form(c.ctx(), c.now, c.actor, c.path("key"), c.query("record"))
	return answer(c, v, err)
}

func flow(c *call) error {
	v, err := c.s.Engine.Flow(c.ctx(), c.now, c.actor, c.path("key"), c.query("record"))
	return answer(c, v, err)
}

// givenValue is a company value: plain, or the rows of a table.
type givenValue struct {
	Value any              `json:"value,omitempty"`
	Rows  []map[string]any `json:"rows,omitempty"`
}

// text is the value as the engine keeps it; field is where it stood in the request.
func (g givenValue) text(field string) (string, error) {
	if s, ok := g.Value.(string); ok {
		return s, nil
	}
	v := g.Value
	if v == nil {
		if len(g.Rows) == 0 {
			return "", fault.At(field, "请填新的值", "Give the new value")
		}
		v = g.Rows
	}
	b, err := json.Marshal(v)
	return string(b), err
}

type parameterBody struct {
	givenValue
	From   string `json:"from"`
	Unit   string `json:"unit,omitempty"`
	Reason string `json:"reason"`
}

func setParameter(c *call) error {
	var in parameterBody
	if err := c.decode(&in); err != nil {
		return err
	}
	value, err := in.text("value")
	if err != nil {
		return err
	}
	if _, err := calendar.ParseDate(in.From); err != nil {
		return fault.At("from", "起用日要写成 2026-03-18", "Write the first day as 2026-03-18")
	}
	v, err := c.s.Engine.SetParameter(c.ctx(), c.now, c.actor, c.path("id"), c.path("pid"), value, in.From, in.Unit, in.Reason, c.key())
	return answer(c, v, err)
}

type dryRunBody struct {
	Values map[string]givenValue `json:"values,omitempty"`
	Woken  []string              `json:"woken,omitempty"`
	From   string                `json:"from,omitempty"`
	Until  string                `json:"until,omitempty"`
}

// dryRun works out what the records of a period (the last twelve months, unless said) would have been with other values.
func dryRun(c *call) error {
	var in dryRunBody
	if err := c.decode(&in); err != nil {
		return err
	}
	ask := engine.DryRunAsk{Book: c.path("id"), Values: map[string]string{}, Woken: in.Woken}
	for id, g := range in.Values {
		v, err := g.text("values." + id)
		if err != nil {
			return err
		}
		ask.Values[id] = v
	}
	for _, x := range []struct {
		field, text string
		day         *calendar.Date
	}{{"from", in.From, &ask.From}, {"until", in.Until, &ask.Until}} {
		if x.text == "" {
			continue
		}
		d, err := calendar.ParseDate(x.text)
		if err != nil {
			return fault.At(x.field, "日期要写成 2026-03-18", "Write the day as 2026-03-18")
		}
		*x.day = d
	}
	v, err := c.s.Engine.DryRun(c.ctx(), c.now, c.actor, ask)
	return answer(c, v, err)
}
