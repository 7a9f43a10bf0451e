package api

import (
	"net/http"
	"strconv"

	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
)

const bulkMost = 200 // records in one request

// bulkBody is one action on many records, with what is common to all of them.
type bulkBody struct {
	Records []bulkRecord   `json:"records"`
	Values  map[string]any `json:"values"`
	Reason  string         `json:"reason"`
	Comment string         `json:"comment"`
}

// bulkRecord is one of them; etag is the version the sender saw, if he wants it held to.
type bulkRecord struct {
	ID   string `json:"id"`
	Etag string `json:"etag,omitempty"`
}

// bulkAnswer tells what became of each record, in the order they were given.
type bulkAnswer struct {
	Done    int          `json:"done"`
	Refused int          `json:"refused"`
	Results []bulkResult `json:"results"`
}

type bulkResult struct {
	ID      string   `json:"id"`
	Number  string   `json:"number,omitempty"`
	OK      bool     `json:"ok"`
	At      string   `json:"at,omitempty"`
	Etag    string   `json:"etag,omitempty"`
	Problem *problem `json:"problem,omitempty"`
}

// bulk does an action on many records. Each is an act of its own: judged, recorded and refused by itself, and
// safe to send again under a key made of the request's and its id. Who hangs up stops what has not begun.
func bulk(c *call) error {
	var in bulkBody
	if err := c.decode(&in); err != nil {
		return err
	}
	form, action := c.path("key"), c.path("action")
	switch n := len(in.Records); {
	case n == 0:
		return fault.At("records", "请给出要办的记录", "Name the records")
	case n > bulkMost:
		return fault.At("records", "一次最多 "+strconv.Itoa(bulkMost)+" 件", "At most "+strconv.Itoa(bulkMost)+" records at once")
	}
	if err := c.s.Engine.JudgeBulk(c.ctx(), c.now, c.actor, form, action); err != nil {
		return err
	}
	out := bulkAnswer{Results: []bulkResult{}}
	seen := map[string]bool{}
	for _, r := range in.Records {
		if c.ctx().Err() != nil {
			return c.ctx().Err()
		}
		if seen[r.ID] {
			continue
		}
		seen[r.ID] = true
		a := engine.Act{Form: form, Record: r.ID, Action: action, Values: in.Values, Reason: in.Reason, Comment: in.Comment, Etag: r.Etag, Dry: c.flag("dry"), Actor: c.actor}
		if k := c.key(); k != "" {
			a.Key = k + "/" + r.ID
		}
		x := bulkResult{ID: r.ID}
		if done, err := c.perform(a); err != nil {
			p := c.problem(err)
			x.Problem = &p
			out.Refused++
		} else {
			x.OK, x.Number, x.At, x.Etag = true, done.Number, done.At, done.Etag
			out.Done++
		}
		out.Results = append(out.Results, x)
	}
	return c.json(http.StatusOK, out)
}
