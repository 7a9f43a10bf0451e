package api

import (
	"net/http"

	"zhanggui/internal/alert"
)

// alertsView is what reaches a person outside the page, and what could.
type alertsView struct {
	Channels []alert.Channel `json:"channels"`
	Mail     bool            `json:"mail"` // a mail server is set up
	Push     string          `json:"push"` // the key that a browser subscribes with
}

func alerts(c *call) error {
	list, err := c.s.Alert.Channels(c.ctx(), c.principal.Person)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, alertsView{list, c.s.Alert.Mails(), c.s.Alert.PushKey()})
}

func addChannel(c *call) error {
	var in alert.NewChannel
	if err := c.decode(&in); err != nil {
		return err
	}
	ch, err := c.s.Alert.Add(c.ctx(), c.now, c.principal.Person, in)
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, ch)
}

type quietBody struct {
	QuietFrom  int `json:"quiet_from"`
	QuietUntil int `json:"quiet_until"`
}

func quietChannel(c *call) error {
	var in quietBody
	if err := c.decode(&in); err != nil {
		return err
	}
	if err := c.s.Alert.Quiet(c.ctx(), c.principal.Person, c.path("id"), in.QuietFrom, in.QuietUntil); err != nil {
		return err
	}
	return c.none()
}

func dropChannel(c *call) error {
	if err := c.s.Alert.Drop(c.ctx(), c.now, c.principal.Person, c.path("id")); err != nil {
		return err
	}
	return c.none()
}

func tryChannel(c *call) error {
	if err := c.s.Alert.Try(c.ctx(), c.now, c.principal.Person, c.path("id")); err != nil {
		return err
	}
	return c.none()
}

// deliveryRow is an alert that has not arrived, with the name of whom it was for.
type deliveryRow struct {
	alert.Delivery
	Name string `json:"name"`
}

func undelivered(c *call) error {
	list, err := c.s.Alert.Undelivered(c.ctx())
	if err != nil {
		return err
	}
	ids := make([]string, len(list))
	for i, d := range list {
		ids[i] = d.Person
	}
	names, err := c.s.Engine.NamesOf(c.ctx(), c.now, ids)
	if err != nil {
		return err
	}
	rows := make([]deliveryRow, len(list))
	for i, d := range list {
		rows[i] = deliveryRow{d, names[d.Person]}
	}
	return c.json(http.StatusOK, rows)
}

func deliverAgain(c *call) error {
	if err := c.s.Alert.Again(c.ctx(), c.now, c.path("id")); err != nil {
		return err
	}
	return c.none()
}
