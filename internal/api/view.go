package api

import (
	"net/http"

	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
)

// viewBody is what is given of a saved view; what is left out stays as it is.
type viewBody struct {
	Name    *string `json:"name,omitempty"`
	Query   *string `json:"query,omitempty"`
	Unit    *string `json:"unit,omitempty"`
	Default *bool   `json:"default,omitempty"`
}

func (b viewBody) change() engine.SavedViewChange {
	return engine.SavedViewChange{Name: b.Name, Query: b.Query, Unit: b.Unit, Default: b.Default}
}

func savedViews(c *call) error {
	v, err := c.s.Engine.SavedViews(c.ctx(), c.now, c.actor, c.path("key"))
	return answer(c, v, err)
}

func saveView(c *call) error {
	var in viewBody
	if err := c.decode(&in); err != nil {
		return err
	}
	v, err := c.s.Engine.SaveView(c.ctx(), c.now, c.actor, c.path("key"), c.key(), in.change())
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, v)
}

func changeView(c *call) error {
	var in viewBody
	if err := c.decode(&in); err != nil {
		return err
	}
	if in == (viewBody{}) {
		return fault.At("name", "要写明改什么：name、query、unit 或 default", "Say what to change: name, query, unit or default")
	}
	v, err := c.s.Engine.ChangeView(c.ctx(), c.now, c.actor, c.path("key"), c.path("id"), c.key(), in.change())
	return answer(c, v, err)
}

func dropView(c *call) error {
	if err := c.s.Engine.DropView(c.ctx(), c.now, c.actor, c.path("key"), c.path("id"), c.key()); err != nil {
		return err
	}
	return c.none()
}
