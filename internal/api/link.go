package api

import (
	"cmp"
	"net/http"
	"strings"
	"sync"
	"time"

	"zhanggui/internal/auth"
	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
)

// A link lets somebody without an account do one action of one record. Its secret stands behind the # of the page's address, which no
// browser sends, and comes here in a header: it is in no log of ours and none on the way.

type linkBody struct {
	Records []string `json:"records"`
}

// linkRow is a link just made, or why there is none.
type linkRow struct {
	Record string      `json:"record"`
	Token  string      `json:"token,omitempty"` // shown once
	Until  string      `json:"until,omitempty"`
	No     engine.Text `json:"no"`
}

// linksAtOnce is how many records one request gives links for.
const linksAtOnce = 200

func giveLinks(c *call) error {
	var in linkBody
	if err := c.decode(&in); err != nil {
		return err
	}
	if len(in.Records) == 0 || len(in.Records) > linksAtOnce {
		return fault.At("records", "一次给 1 到 200 份记录发链接", "Give links for 1 to 200 records at once")
	}
	rows := []linkRow{}
	for _, id := range in.Records {
		row := linkRow{Record: id}
		l := auth.Link{Form: c.path("key"), Record: id, Action: c.path("action")}
		var err error
		if l.Ends, err = c.s.Engine.GiveLink(c.ctx(), c.now, c.actor, l.Form, id, l.Action); err == nil {
			row.Token, err = c.s.Auth.CreateLink(c.ctx(), c.now, c.principal.Person, l)
		}
		switch {
		case err == nil:
			row.Until = instant(l.Ends)
		case len(in.Records) == 1:
			return err
		default:
			if _, ok := engine.AsRefusal(err); !ok && fault.KindOf(err) != fault.NotFound {
				return err
			}
			row.Token = ""
			row.No = sayOf(err)
		}
		rows = append(rows, row)
	}
	return c.json(http.StatusCreated, rows)
}

// sayOf is what a refusal says, without clause, person or record.
func sayOf(err error) engine.Text {
	if r, ok := engine.AsRefusal(err); ok {
		var t engine.Text
		for _, i := range r.Items {
			t.ZH, t.EN = strings.Trim(t.ZH+"；"+i.Say.ZH, "；"), strings.Trim(t.EN+"; "+i.Say.EN, "; ")
		}
		return t
	}
	return engine.Text{ZH: "没有这份记录", EN: "No such record"}
}

type askedView struct {
	*engine.LinkView
	Until string `json:"until"`
}

// asked shows the holder of a link what he is asked.
func asked(c *call) error {
	v, err := c.s.Engine.LinkView(c.ctx(), c.now, *c.actor.Link)
	if err != nil {
		return outward(err)
	}
	v.Company = cmp.Or(v.Company, c.s.Company.Name)
	return c.json(http.StatusOK, askedView{v, instant(c.link.Ends)})
}

type answerBody struct {
	Values map[string]any              `json:"values"`
	Lines  map[string][]map[string]any `json:"lines"`
}

// answerBy does what the link is for.
func answerBy(c *call) error {
	var in answerBody
	if err := c.decode(&in); err != nil {
		return err
	}
	b := c.actor.Link
	_, err := c.s.Engine.Do(c.ctx(), c.now, engine.Act{Form: b.Form, Record: b.Record, Action: b.Action, Values: in.Values, Lines: in.Lines, Key: c.key(), Actor: c.actor})
	if err != nil {
		return outward(err)
	}
	return c.none()
}

// outward tells a stranger what he can mend, and nothing of who decides or by which clause.
func outward(err error) error {
	r, ok := engine.AsRefusal(err)
	if !ok {
		return err
	}
	if r.Group == "state" || r.Group == "who" || r.Group == "class" || r.Group == "gate" {
		return fault.New(fault.Conflict, "这份已经交过，或者已经截止", "This was answered already, or it is over")
	}
	e := &fault.Error{Kind: fault.Invalid, ZH: "还不能提交", EN: "It cannot be sent yet"}
	for _, i := range r.Items {
		e.Fields = append(e.Fields, fault.Field{Path: i.Field, ZH: i.Say.ZH, EN: i.Say.EN})
	}
	return e
}

// pace counts what one sender asked within a while, for those who are nobody: a stranger's guesses by his address, the holder's
// questions by his link. It forgets all when the while is over, so that it stays small.
type pace struct {
	sync.Mutex
	from time.Time
	n    map[string]int
}

const (
	paceFor   = 10 * time.Minute
	guessMost = 20    // wrong links from an address
	askMost   = 120   // questions and answers by one link
	paceMost  = 50000 // senders remembered; beyond that all is forgotten, for the secret cannot be guessed anyway
)

// may counts one more and tells whether it is within the most.
func (p *pace) may(now time.Time, who string, most int) bool {
	p.Lock()
	defer p.Unlock()
	if p.n == nil || now.Sub(p.from) >= paceFor || now.Before(p.from) || len(p.n) > paceMost {
		p.from, p.n = now, map[string]int{}
	}
	p.n[who]++
	return p.n[who] <= most
}

// bearer finds out what the link that came along is for. A right link is answered however many wrong ones came from its address.
func (c *call) bearer() error {
	token, _ := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	late := fault.New(fault.TooMany, "试得太多，请过十分钟再来", "Too many tries; come again in ten minutes")
	l, err := c.s.Auth.CheckLink(c.ctx(), c.now, token)
	if err != nil {
		if token != "" && fault.KindOf(err) == fault.Unauthenticated && !c.s.pace.may(c.now, "from "+c.address(), guessMost) {
			return late
		}
		return err
	}
	if !c.s.pace.may(c.now, "by "+l.ID, askMost) {
		return late
	}
	c.link = l
	c.actor.Origin, c.actor.Link = "link", &engine.Bearer{Form: l.Form, Record: l.Record, Action: l.Action}
	return nil
}
