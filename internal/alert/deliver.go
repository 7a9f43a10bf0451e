package alert

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
)

// again are the pauses between tries; after the last one a delivery is dead and the administrator sees it.
var again = []time.Duration{5 * time.Second, 20 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 4 * time.Hour}

const (
	claimed = 2 * time.Minute // how long a node may take for one; then another takes over, with the same id
	stale   = 24 * time.Hour  // an alert of yesterday wakes nobody
	batch   = 100
	abreast = 4
)

// Round hands new notices to the channels of whom they are for and sends what is due. It answers how much was sent.
func (s *Service) Round(ctx context.Context, now time.Time) (sent int, err error) {
	if err := s.fanOut(ctx, now); err != nil {
		return 0, err
	}
	list, err := s.claim(ctx, now, "delivery")
	if err != nil {
		return 0, err
	}
	letters, err := s.claim(ctx, now, "letter")
	if err != nil {
		return 0, err
	}
	list = append(list, letters...)
	var wait sync.WaitGroup
	var mu sync.Mutex
	turn := make(chan struct{}, abreast)
	for _, d := range list {
		turn <- struct{}{}
		wait.Go(func() {
			defer func() { <-turn }()
			ok, fail := s.deliver(ctx, now, d)
			mu.Lock()
			defer mu.Unlock()
			err = errors.Join(err, fail)
			if ok {
				sent++
			}
		})
	}
	wait.Wait()
	return sent, err
}

// about is what an outbox row is about. The engine writes rows of the kind "notice", whose target is a person, and of the kind
// "letter", which go to somebody outside; those of the kind "delivery" are ours, and their target is a channel.
type about struct {
	Person string `json:"person,omitempty"`
	Form   string `json:"form,omitempty"`
	Record string `json:"record,omitempty"`
	Clause string `json:"clause,omitempty"`
	Try    bool   `json:"try,omitempty"` // about nothing: whether the channel works
}

func aboutOf(r store.Row) (a about) {
	_ = json.Unmarshal([]byte(str(r["body"])), &a) // of a row nobody can read nothing leaves
	return a
}

func put(tx *store.Tx, id, channel string, a about, at, next time.Time) error {
	b, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return tx.Insert("outbox", store.Row{"id": id, "kind": "delivery", "target": channel, "body": string(b), "at": instant(at), "next_at": instant(next), "tried": int64(0)})
}

// due are the rows of a kind whose time has come, those first that waited longest.
func due(kind string, now time.Time) query.Select {
	return query.Select{Table: "outbox", Alias: "o", Limit: batch, Order: []query.Order{{Expr: query.Col{Alias: "o", Name: "next_at"}}, {Expr: query.Col{Alias: "o", Name: "id"}}},
		Where: query.And(query.Eq("o", "kind", kind), query.Op{Name: "<=", Args: []query.Expr{query.Col{Alias: "o", Name: "next_at"}, query.Const{Value: instant(now)}}})}
}

// fanOut makes one delivery a channel of each notice and takes the notice out of the box, in one transaction.
func (s *Service) fanOut(ctx context.Context, now time.Time) error {
	rows, err := s.rows(ctx, due("notice", now))
	if err != nil || len(rows) == 0 {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		for _, r := range rows {
			n, err := tx.Delete("outbox", query.Eq("o", "id", r["id"]))
			if err != nil {
				return err
			}
			if n == 0 || moment(r["at"]).Before(now.Add(-stale)) {
				continue // another node has it, or it is too old to wake anybody
			}
			list, err := channelsOf(tx, str(r["target"]))
			if err != nil {
				return err
			}
			a := aboutOf(r)
			a.Person = str(r["target"])
			for _, c := range list {
				next := now
				if a.Clause == "" { // what a clause orders is sent in the night, too
					next = channelOf(c).after(now, s.opts.Zone)
				}
				if err := put(tx, str(r["id"])+"-"+str(c["id"]), str(c["id"]), a, moment(r["at"]), next); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// after is the first moment from now on that is not within the channel's quiet hours.
func (c Channel) after(now time.Time, zone *time.Location) time.Time {
	if c.QuietFrom == c.QuietUntil {
		return now
	}
	t := now.In(zone)
	minute := t.Hour()*60 + t.Minute()
	quiet := minute >= c.QuietFrom && minute < c.QuietUntil
	if c.QuietFrom > c.QuietUntil { // over midnight
		quiet = minute >= c.QuietFrom || minute < c.QuietUntil
	}
	if !quiet {
		return now
	}
	end := time.Date(t.Year(), t.Month(), t.Day(), 0, c.QuietUntil, 0, 0, zone)
	if !end.After(now) {
		end = end.AddDate(0, 0, 1)
	}
	return end
}

// claim takes what is due for this node, for a while.
func (s *Service) claim(ctx context.Context, now time.Time, kind string) ([]store.Row, error) {
	var mine []store.Row
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		mine = nil
		rows, err := tx.Select(due(kind, now))
		if err != nil {
			return err
		}
		for _, r := range rows {
			n, err := tx.Update("outbox", store.Row{"id": r["id"], "next_at": r["next_at"]}, store.Row{"next_at": instant(now.Add(claimed))})
			if err != nil {
				return err
			}
			if n > 0 {
				mine = append(mine, r)
			}
		}
		return nil
	})
	return mine, err
}

// deliver sends one and writes down how it went. The error is the database's, not the channel's.
func (s *Service) deliver(ctx context.Context, now time.Time, d store.Row) (bool, error) {
	if str(d["kind"]) == "letter" {
		return s.letter(ctx, now, d)
	}
	id := str(d["id"])
	rows, err := s.rows(ctx, query.Select{Table: "alert_channel", Alias: "c", Where: query.Eq("c", "id", d["target"]), Limit: 1})
	if err != nil {
		return false, err
	}
	var n Notice
	a, ok := aboutOf(d), true
	if !a.Try {
		if n, ok, err = s.house.Alert(ctx, now, a.Person, a.Form, a.Record); err != nil {
			return false, err
		}
		n.Link = s.Link(a.Form, a.Record)
	}
	if !ok || len(rows) == 0 || str(rows[0]["dropped_at"]) != "" {
		return false, s.remove(ctx, id)
	}
	fail := s.send(ctx, now, id, rows[0], n, a)
	if fail == nil {
		return true, s.remove(ctx, id)
	}
	if errors.Is(fail, errGone) { // nobody is there any more, and no trying again brings him back
		return false, s.Drop(ctx, now, a.Person, str(rows[0]["id"]))
	}
	tries, _ := d["tried"].(int64)
	set := store.Row{"tried": tries + 1, "error": reason(fail)}
	if int(tries) >= len(again) || errors.Is(fail, errInside) || errors.Is(fail, errUnreadable) {
		set["dead"], set["next_at"] = instant(now), nil
	} else {
		set["next_at"] = instant(now.Add(again[tries]))
	}
	s.opts.Log.Warn("alert not delivered", "id", id, "kind", str(rows[0]["kind"]), "try", tries+1, "err", fail)
	return false, s.update(ctx, id, set)
}

func (s *Service) update(ctx context.Context, id string, set store.Row) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Update("outbox", store.Row{"id": id}, set)
		return err
	})
}

// reason is the word for why one did not arrive, for the administrator; the page has its sentence. It repeats nothing of what the
// other side said but a number.
func reason(err error) string {
	var timeout net.Error
	var a answered
	switch {
	case errors.Is(err, errInside):
		return "inside"
	case errors.Is(err, errUnreadable):
		return "key"
	case errors.As(err, &a):
		return string(a)
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	}
	return "unreachable"
}

func (s *Service) send(ctx context.Context, now time.Time, id string, c store.Row, n Notice, a about) error {
	t, err := s.unlock(ctx, str(c["id"]), str(c["sealed"]))
	if err != nil {
		return err
	}
	subject, text := s.words(n)
	switch str(c["kind"]) {
	case "mail":
		return s.mail(ctx, id, t.Address, subject, text, now)
	case push:
		return s.push(ctx, id, t, s.pushWords(n, a, strings.TrimSuffix(id, "-"+str(c["id"]))), a.Clause != "" || a.Try, now)
	}
	return s.robot.call(ctx, str(c["kind"]), id, t, text, now)
}

// words say the number, the time and where to look, and nothing of what it is about.
func (s *Service) words(n Notice) (subject, text string) {
	due := ""
	if !n.Due.IsZero() {
		due = n.Due.In(s.opts.Zone).Format("01-02 15:04")
	}
	switch {
	case n.Number == "" && n.EN:
		subject = "Zhanggui: this channel works"
	case n.Number == "":
		subject = "掌柜：这个渠道通了"
	case n.EN:
		subject = "Zhanggui: " + n.Number + pick(due != "", ", due "+due, "")
	default:
		subject = "掌柜：" + n.Number + pick(due != "", "，期限 "+due, "")
	}
	return subject, subject + pick(n.Link != "", "\n"+n.Link, "")
}

func pick[T any](yes bool, a, b T) T {
	if yes {
		return a
	}
	return b
}

func (s *Service) remove(ctx context.Context, id string) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Delete("outbox", query.Eq("d", "id", id))
		return err
	})
}

func (s *Service) rows(ctx context.Context, q query.Select) (rows []store.Row, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.Select(q)
		return err
	})
	return rows, err
}

// Delivery is one that has not arrived, as the administrator sees it.
type Delivery struct {
	ID     string `json:"id"`
	Person string `json:"person"` // id; of a letter to somebody outside ""
	Kind   string `json:"kind"`   // of the channel, or letter
	At     string `json:"at"`
	Next   string `json:"next"` // when it is tried again; of a dead one when it was given up
	Tries  int64  `json:"tries"`
	Dead   bool   `json:"dead"`
	Error  string `json:"error"` // inside, key, timeout, unreachable, not_robot, status N or number N
}

// Undelivered are the deliveries that failed at least once, the dead first, newest first.
func (s *Service) Undelivered(ctx context.Context) ([]Delivery, error) {
	list := []Delivery{}
	rows, err := s.rows(ctx, query.Select{Table: "outbox", Alias: "d", Limit: 200, Order: []query.Order{{Expr: query.Col{Alias: "d", Name: "at"}, Desc: true}, {Expr: query.Col{Alias: "d", Name: "id"}}},
		Where: query.And(query.Op{Name: "<>", Args: []query.Expr{query.Col{Alias: "d", Name: "kind"}, query.Const{Value: "notice"}}}, query.Op{Name: ">", Args: []query.Expr{query.Col{Alias: "d", Name: "tried"}, query.Const{Value: int64(0)}}})})
	if err != nil {
		return nil, err
	}
	kinds := map[string]string{}
	channels, err := s.rows(ctx, query.Select{Table: "alert_channel", Alias: "c"})
	for _, c := range channels {
		kinds[str(c["id"])] = str(c["kind"])
	}
	for _, r := range rows {
		tries, _ := r["tried"].(int64)
		dead := str(r["dead"])
		list = append(list, Delivery{str(r["id"]), aboutOf(r).Person, pick(str(r["kind"]) == "letter", "letter", kinds[str(r["target"])]), str(r["at"]), pick(dead != "", dead, str(r["next_at"])), tries, dead != "", str(r["error"])})
	}
	slices.SortStableFunc(list, func(a, b Delivery) int { return cmp.Compare(pick(a.Dead, 0, 1), pick(b.Dead, 0, 1)) })
	return list, err
}

// Again sends a dead delivery once more, under the same id.
func (s *Service) Again(ctx context.Context, now time.Time, id string) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		r, err := tx.GetForUpdate("outbox", id)
		if err != nil {
			return err
		}
		if str(r["dead"]) == "" {
			return fault.Missing("delivery", id)
		}
		_, err = tx.Update("outbox", store.Row{"id": id}, store.Row{"dead": nil, "tried": int64(0), "next_at": instant(now), "error": nil})
		return err
	})
}
