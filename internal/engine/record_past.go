package engine

import (
	"encoding/json"
	"fmt"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
)

// What a record remembers: who did what when, where it stayed how long, what was late, what it was before this act.

type stamp struct {
	At    string `json:"at"`
	First string `json:"first"`
	By    string `json:"by,omitempty"`
	Count int64  `json:"n"`
}

type stay struct {
	State string `json:"s"`
	From  string `json:"f"`
	To    string `json:"t,omitempty"`
}

// stamps and stays are decoded once.
func (r *Record) stamps() map[string]*stamp {
	if r.stamp == nil {
		r.stamp = map[string]*stamp{}
		if s, _ := r.row["stamp"].(string); s != "" {
			_ = json.Unmarshal([]byte(s), &r.stamp) // written by us; an unreadable one reads as no stamps
		}
	}
	return r.stamp
}

func (r *Record) stays() []*stay {
	if r.stay == nil {
		r.stay = []*stay{}
		if s, _ := r.row["stay"].(string); s != "" {
			_ = json.Unmarshal([]byte(s), &r.stay)
		}
	}
	return r.stay
}

// enter moves the record into a state.
func (r *Record) enter(state string, at time.Time) {
	st := r.stays()
	if n := len(st); n > 0 && st[n-1].To == "" {
		if st[n-1].State == state {
			return
		}
		st[n-1].To = instant(at)
	}
	r.stay = append(st, &stay{State: state, From: instant(at)})
	r.column("state", state)
}

// mark leaves an action's stamp.
func (r *Record) mark(a *rulebook.Action, at time.Time, by string) {
	m := r.stamps()
	s := m[a.ID]
	if s == nil {
		s = &stamp{First: instant(at)}
		m[a.ID] = s
	}
	s.At, s.By = instant(at), by
	s.Count++
	if stamped(a) {
		r.column(a.ID+"_at", s.At)
		r.column(a.ID+"_by", nilIfEmpty(by))
	}
	r.dirty = true
	r.touch()
}

// member is this.done, this.stay, this.late, this.overrun, this.due. In what a deadline does by itself it is about the
// instance that does it.
type member struct {
	r    *Record
	name string
}

func (m member) Object() string { return m.r.form.Key + "#" + m.name }

func (m member) ID() string { return "" }

func (m member) Get(name string) (expr.Value, error) {
	switch m.name {
	case "done":
		return stampOf{m.r, name}, nil
	case "stay":
		return stayOf{m.r, name}, nil
	}
	if in := m.r.telling; in != nil && in.deadline.ID == name {
		return m.of([]*instance{in}), nil
	}
	list, err := m.r.w.instances(m.r)
	if err != nil {
		return nil, err
	}
	var named []*instance
	for _, in := range list {
		if in.deadline.ID == name {
			named = append(named, in)
		}
	}
	return m.of(named), nil
}

// of speaks for a deadline with several instances: late if one is, the overrun of the worst, due when what runs is due. A
// stage's limit that is over is no longer due.
func (m member) of(list []*instance) expr.Value {
	now := m.r.w.now
	var worst *instance
	var due expr.Value
	for _, in := range list {
		if in.late(now) && (worst == nil || in.end(now).Sub(in.due) > worst.end(now).Sub(worst.due)) {
			worst = in
		}
		if due == nil && (in.open() || in.deadline.Each == "" && in.deadline.During == nil) {
			due = in.dueValue()
		}
	}
	switch {
	case m.name == "due":
		return due
	case m.name == "late":
		return worst != nil
	case worst == nil:
		return calendar.Span{Unit: "d"}
	}
	return worst.overrun(m.r.w, now)
}

type stampOf struct {
	r      *Record
	action string
}

func (s stampOf) Object() string { return "stamp" }

func (s stampOf) ID() string { return "" }

func (s stampOf) Get(name string) (expr.Value, error) {
	st := s.r.stamps()[s.action]
	if st == nil {
		if name == "count" {
			return int64(0), nil
		}
		return nil, nil
	}
	switch name {
	case "at", "first_at":
		v := st.At
		if name == "first_at" {
			v = st.First
		}
		t, _ := parseInstant(v)
		return t, nil
	case "by":
		return recordOrUnset(s.r.w.ref("base.person", st.By))
	case "count":
		return st.Count, nil
	}
	return nil, fmt.Errorf("a stamp has no %s", name)
}

type stayOf struct {
	r     *Record
	state string
}

func (s stayOf) Object() string { return "stay" }

func (s stayOf) ID() string { return "" }

func (s stayOf) Get(name string) (expr.Value, error) {
	var last *stay
	var spans []expr.Value
	for _, x := range s.r.stays() {
		if s.state == "state" { // the current stay
			last = x
			continue
		}
		if x.State != s.state {
			continue
		}
		last = x
		from, _ := parseInstant(x.From)
		to, _ := parseInstant(x.To)
		spans = append(spans, calendar.Period{From: from, To: to})
	}
	if name == "spans" {
		return spans, nil
	}
	if last == nil {
		return nil, nil
	}
	switch name {
	case "from":
		t, _ := parseInstant(last.From)
		return t, nil
	case "to":
		if t, ok := parseInstant(last.To); ok {
			return t, nil
		}
		return nil, nil
	case "state":
		return last.State, nil
	}
	return nil, fmt.Errorf("a stay has no %s", name)
}

// oldRecord reads a record as it was before the act.
type oldRecord struct{ r *Record }

func (o oldRecord) Object() string { return o.r.form.Key }

func (o oldRecord) ID() string { return o.r.id }

func (o oldRecord) Get(name string) (expr.Value, error) {
	if rows, replaced := o.r.linesWas[name]; replaced {
		return rowsAsValue(rows), nil
	}
	raw, ok := o.r.was[name]
	if !ok {
		return o.r.Get(name)
	}
	if f := o.r.form.Field(name); f != nil {
		if raw, err := o.r.w.unseal(f, o.r.place(f), raw); err != nil || raw == nil {
			return nil, err
		} else {
			return o.r.w.decode(raw, f.Type)
		}
	}
	if name == "state" || name == "number" {
		return emptyUnset(raw), nil
	}
	return o.r.Get(name)
}
