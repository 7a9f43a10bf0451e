package api

import (
	"net/http"

	"zhanggui/internal/auth"
	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
)

type wallBody struct {
	Name string `json:"name"`
	Unit string `json:"unit"`
}

type wallRow struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Unit   string `json:"unit"` // its name
	At     string `json:"at"`
	LastAt string `json:"last_at"`
	Token  string `json:"token,omitempty"` // shown once
}

func (c *call) wallRow(l auth.WallLink, token string) wallRow {
	row := wallRow{ID: l.ID, Name: l.Name, At: instant(l.At), LastAt: instant(l.Last), Token: token}
	row.Unit, _ = c.s.Engine.UnitName(c.ctx(), c.now, c.actor, l.Unit)
	return row
}

func walls(c *call) error {
	list, err := c.s.Auth.WallLinks(c.ctx())
	if err != nil {
		return err
	}
	rows := []wallRow{}
	for _, l := range list {
		rows = append(rows, c.wallRow(l, ""))
	}
	return c.json(http.StatusOK, rows)
}

func createWall(c *call) error {
	var in wallBody
	if err := c.decode(&in); err != nil {
		return err
	}
	if _, ok := c.s.Engine.UnitName(c.ctx(), c.now, c.actor, in.Unit); !ok {
		return fault.At("unit", "请选看板显示哪个单位", "Choose the unit that the board shows")
	}
	l, token, err := c.s.Auth.CreateWallLink(c.ctx(), c.now, c.principal.Person, in.Unit, in.Name)
	if err != nil {
		return err
	}
	if err := c.s.Engine.Note(c.ctx(), c.now, c.actor, "base.unit", in.Unit, "wall_link", map[string]any{"name": l.Name}); err != nil {
		return err
	}
	return c.json(http.StatusCreated, c.wallRow(l, token))
}

func endWall(c *call) error {
	if err := c.s.Auth.EndWallLink(c.ctx(), c.path("id")); err != nil {
		return err
	}
	if err := c.s.Engine.Note(c.ctx(), c.now, c.actor, "", "", "wall_link_end", map[string]any{"link": c.path("id")}); err != nil {
		return err
	}
	return c.none()
}

// wallBoard is what a display without a person may see.
func wallBoard(c *call) error {
	v, err := c.s.Engine.Wall(c.ctx(), c.now, c.wall.Unit)
	return answer(c, v, err)
}

type urgeAnswer struct {
	Told []engine.Ref `json:"told"`
}

func urge(c *call) error {
	told, err := c.s.Engine.Urge(c.ctx(), c.now, c.actor, c.path("id"))
	return answer(c, urgeAnswer{told}, err)
}
