package api

import (
	"encoding/json"

	"zhanggui/internal/calendar"
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

func clause(c *call) error {
	v, err := c.s.Engine.Clause(c.ctx(), c.now, c.actor, c.path("id"))
	return answer(c, v, err)
}

func forms(c *call) error {
	v, err := c.s.Engine.Forms(c.ctx(), c.now, c.actor)
	return answer(c, v, err)
}

func formOf(c *call) error {
	v, err := c.s.Engine.Form(c.ctx(), c.now, c.actor, c.path("key"))
	return answer(c, v, err)
}

type parameterBody struct {
	Value  any              `json:"value,omitempty"`
	Rows   []map[string]any `json:"rows,omitempty"`
	From   string           `json:"from"`
	Unit   string           `json:"unit,omitempty"`
	Reason string           `json:"reason"`
}

func setParameter(c *call) error {
	var in parameterBody
	if err := c.decode(&in); err != nil {
		return err
	}
	value := ""
	switch x := in.Value.(type) {
	case nil:
		b, err := json.Marshal(in.Rows)
		if err != nil || len(in.Rows) == 0 {
			return fault.At("value", "请填新的值", "Give the new value")
		}
		value = string(b)
	case string:
		value = x
	default:
		b, err := json.Marshal(x)
		if err != nil {
			return err
		}
		value = string(b)
	}
	if _, err := calendar.ParseDate(in.From); err != nil {
		return fault.At("from", "起用日要写成 2026-03-18", "Write the first day as 2026-03-18")
	}
	v, err := c.s.Engine.SetParameter(c.ctx(), c.now, c.actor, c.path("id"), c.path("pid"), value, in.From, in.Unit, in.Reason, c.key())
	return answer(c, v, err)
}
