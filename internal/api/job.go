package api

import (
	"encoding/json"
	"net/http"

	"zhanggui/internal/job"
)

// jobRow is a job that failed, with the name of who ordered it.
type jobRow struct {
	ID    string `json:"id"`
	Kind  string `json:"kind"` // import export
	Form  string `json:"form"`
	Name  string `json:"name"`  // of who ordered it
	About string `json:"about"` // of an import: name of the file
	At    string `json:"at"`
	Next  string `json:"next"` // when it is tried again; of one that was given up when that was
	Tries int    `json:"tries"`
	Dead  bool   `json:"dead"`
	Error string `json:"error"` // kind of the problem: unavailable, internal, forbidden …
	Done  int    `json:"done"`
	Total int    `json:"total"`
}

func failedJobs(c *call) error {
	list, err := c.s.Jobs.Unfinished(c.ctx())
	if err != nil {
		return err
	}
	ids := make([]string, len(list))
	for i, j := range list {
		ids[i] = j.Person
	}
	names, err := c.s.Engine.NamesOf(c.ctx(), c.now, ids)
	if err != nil {
		return err
	}
	rows := make([]jobRow, len(list))
	for i, j := range list {
		var o importOrder
		if err := json.Unmarshal(j.Input, &o); err != nil {
			return err
		}
		next := j.Next
		if j.State == job.Broken {
			next = j.Ended
		}
		rows[i] = jobRow{j.ID, j.Kind, o.Form, names[j.Person], o.Name, instant(j.At), instant(next), j.Tries, j.State == job.Broken, j.Error, j.Done, j.Total}
	}
	return c.json(http.StatusOK, rows)
}

func jobAgain(c *call) error {
	if err := c.s.Jobs.Again(c.ctx(), c.path("id")); err != nil {
		return err
	}
	return c.none()
}

// installation is what an administrator should know about the machines.
type installation struct {
	Database string    `json:"database"`       // sqlite postgres
	Warnings []string  `json:"warnings"`       // of its configuration, in English
	Copy     *CopyView `json:"copy,omitempty"` // absent where no continuous copy is kept
}

// CopyView is how far the continuous copy of the database has come.
type CopyView struct {
	At      string `json:"at"` // everything done before is in it
	Failing bool   `json:"failing"`
}

func machines(c *call) error {
	list, err := c.s.Engine.DB.Warnings(c.ctx())
	if list == nil {
		list = []string{}
	}
	v := installation{Database: c.s.Engine.DB.Dialect(), Warnings: list}
	if c.s.Copy != nil {
		v.Copy = c.s.Copy()
	}
	return answer(c, v, err)
}
