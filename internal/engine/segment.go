package engine

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// A ledger of number segments. Its entries are postings like those of money; beside them the engine keeps who holds which
// numbers now, split where part is handed on and joined where neighbours meet in one hand. What it keeps follows from the entries.

// segment is a run of numbers: a prefix and figures of one width.
type segment struct {
	prefix      string
	width       int
	first, last int64
}

// segmentOf reads first and last number; false if they make no run.
func segmentOf(r expr.Range) (segment, bool) {
	cut := func(s string) (string, string) {
		i := len(s)
		for i > 0 && s[i-1] >= '0' && s[i-1] <= '9' {
			i--
		}
		return s[:i], s[i:]
	}
	p, a := cut(r.First)
	q, b := cut(r.Last)
	first, err1 := strconv.ParseInt(a, 10, 64)
	last, err2 := strconv.ParseInt(b, 10, 64)
	ok := p == q && len(a) == len(b) && err1 == nil && err2 == nil && first <= last
	return segment{p, len(a), first, last}, ok
}

func (s segment) number(n int64) string { return fmt.Sprintf("%s%0*d", s.prefix, s.width, n) }
func (s segment) size() int64           { return s.last - s.first + 1 }
func (s segment) String() string {
	if s.first == s.last {
		return s.number(s.first)
	}
	return s.number(s.first) + "–" + s.number(s.last)
}

func ledgerKey(l *rulebook.Ledger) string { return l.Book.ID + "." + l.ID }

func column(name string) query.Expr { return query.Col{Alias: "t", Name: name} }

func compared(op, name string, v any) query.Expr {
	return query.Op{Name: op, Args: []query.Expr{column(name), query.Const{Value: v}}}
}

// held are the kept runs that overlap a segment, in order.
func (w *work) held(l *rulebook.Ledger, s segment) ([]store.Row, error) {
	return w.tx.Select(query.Select{Table: "segment", Alias: "t", Order: []query.Order{{Expr: column("first_no")}},
		Where: query.And(query.Eq("t", "ledger", ledgerKey(l)), query.Eq("t", "prefix", s.prefix), query.Eq("t", "width", int64(s.width)),
			compared("<=", "first_no", s.last), compared(">=", "last_no", s.first))})
}

// holds tells whether the giver has every number of a segment in hand; without a giver, whether nobody ever had one of them.
func (w *work) holds(l *rulebook.Ledger, giver expr.Record, r expr.Range) (bool, error) {
	s, ok := segmentOf(r)
	if !ok {
		return false, nil
	}
	rows, err := w.held(l, s)
	if err != nil || giver == nil {
		return len(rows) == 0, err
	}
	n := int64(0)
	for _, row := range rows {
		if str(row["holder"]) == giver.ID() {
			n += min(row["last_no"].(int64), s.last) - max(row["first_no"].(int64), s.first) + 1
		}
	}
	return n == s.size(), nil
}

// keeps is how many numbers a holder has.
func (w *work) keeps(l *rulebook.Ledger, holder string) (int64, error) {
	rows, err := w.tx.Select(query.Select{Table: "segment", Alias: "t", Where: query.And(query.Eq("t", "ledger", ledgerKey(l)), query.Eq("t", "holder", holder))})
	n := int64(0)
	for _, row := range rows {
		n += row["last_no"].(int64) - row["first_no"].(int64) + 1
	}
	return n, err
}

// postRange moves a segment from a holder to a holder, into the world or out of it.
func (w *work) postRange(l *rulebook.Ledger, kind string, r expr.Range, given map[string]expr.Value, of *Record, view *rulebook.View, clause string) error {
	a := w.topAction
	if a == nil {
		a = of.form.Action("edit")
	}
	no := func(clause string, say rulebook.Label) error {
		return w.refuse("ledger", of, a, []Reason{{Clause: first(clause, l.Clause), Say: say}})
	}
	s, ok := segmentOf(r)
	if !ok {
		return no("", label("“"+r.First+"–"+r.Last+"”不成号段", r.First+"–"+r.Last+" is no segment of numbers"))
	}
	from, _ := given["from"].(expr.Record)
	to, _ := given["to"].(expr.Record)
	does := l.Kind[kind]
	switch {
	case (does == "move" || does == "take") && from == nil:
		return no("", label("没有写由谁转出", "Who gives is not said"))
	case (does == "move" || does == "new") && to == nil:
		return no("", label("没有写转给谁", "Who receives is not said"))
	case does == "new":
		from = nil
	case does == "take":
		to = nil
	}
	if err := w.tx.Lock("ledger:" + ledgerKey(l)); err != nil {
		return err
	}
	vars := map[string]expr.Value{"range": r, "ledger_id": l.ID, "giver": nil}
	if from != nil {
		vars["giver"] = from
		keeps, err := w.keeps(l, from.ID())
		if err != nil {
			return err
		}
		vars["balance"] = keeps - s.size()
	}
	for _, d := range l.Per {
		vars[d.ID] = given[d.ID]
	}
	for _, c := range l.Check {
		if !view.Awake(&c.Node) || does == "note" || does == "memo" {
			continue
		}
		s := w.scope(of, view, vars)
		held, err := w.truth(c.That, view, s, true)
		if err != nil {
			return err
		}
		if !held {
			return no(c.Clause, w.say(c.Say, s, "账不平", "The ledger would not balance"))
		}
	}
	entry, err := w.tx.Next("ledger:"+ledgerKey(l), "") // what happened at one instant has an order too
	if err != nil {
		return err
	}
	values := map[string]expr.Value{"entry_no": entry, "ledger": l.ID, "kind": kind, "clause": orUnset(clause), "month": w.month(), "text": orUnset(textOf(given["text"])),
		"segment": s.String(), "prefix": s.prefix, "first_no": s.first, "last_no": s.last}
	data := map[string]string{"amount": s.String()}
	dims := ledgerKey(l)
	for _, x := range []struct {
		name string
		rec  expr.Record
	}{{"from", from}, {"to", to}} {
		dims += "|"
		if x.rec != nil {
			dims += x.rec.ID()
			data[x.name] = x.rec.ID()
			if h, ok := x.rec.(*Record); ok {
				values["holder_"+x.name] = w.headline(h)
			}
		}
	}
	values["dims"] = dims
	if _, err := w.engineRecord("base.posting", of, values); err != nil {
		return err
	}
	w.effect(Effect{Kind: "post", Form: of.form.Key, Record: of.id, Name: l.ID + "." + kind, Text: s.String(), Clause: clause, Data: data})
	w.clause(clause)
	switch does {
	case "new", "move":
		return w.carve(l, s, to.ID(), "")
	case "take":
		return w.carve(l, s, "", kind)
	}
	return nil
}

func textOf(v expr.Value) string { s, _ := v.(string); return s }

// carve gives a segment to a holder (or, with what became of it, to nobody): what it overlaps is cut, neighbours in the same
// hand are joined.
func (w *work) carve(l *rulebook.Ledger, s segment, holder, status string) error {
	wide := s
	wide.first, wide.last = s.first-1, s.last+1 // the neighbours too
	rows, err := w.held(l, wide)
	if err != nil {
		return err
	}
	run := s
	put := func(x segment, holder, status any) error {
		return w.tx.Insert("segment", store.Row{"id": w.e.opts.NewID(), "ledger": ledgerKey(l), "prefix": x.prefix, "width": int64(x.width),
			"first_no": x.first, "last_no": x.last, "holder": holder, "status": status})
	}
	for _, row := range rows {
		have := segment{s.prefix, s.width, row["first_no"].(int64), row["last_no"].(int64)}
		if _, err := w.tx.Delete("segment", query.Eq("t", "id", row["id"])); err != nil {
			return err
		}
		if str(row["holder"]) == holder && str(row["status"]) == status {
			run.first, run.last = min(run.first, have.first), max(run.last, have.last)
			continue
		}
		left, right := have, have
		left.last, right.first = min(have.last, s.first-1), max(have.first, s.last+1)
		for _, x := range []segment{left, right} {
			if x.first <= x.last {
				if err := put(x, row["holder"], row["status"]); err != nil {
					return err
				}
			}
		}
	}
	return put(run, nilIfEmpty(holder), nilIfEmpty(status))
}

// rangeLedger finds a ledger of segments by its id; the bool tells whether there is one.
func (e *Engine) rangeLedger(book, id string) *rulebook.Ledger {
	if b := e.Lib.Book(book); b != nil {
		if l := b.Ledger(id); l != nil && l.Unit == "range" {
			return l
		}
	}
	return nil
}

// HeldBy are the segments that somebody holds in a ledger, in order.
func (e *Engine) HeldBy(ctx context.Context, book, ledger, holder string) ([]string, error) {
	l := e.rangeLedger(book, ledger)
	if l == nil {
		return nil, fmt.Errorf("there is no ledger of segments %s", ledger)
	}
	list := []string{}
	err := e.DB.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Select(query.Select{Table: "segment", Alias: "t", Where: query.And(query.Eq("t", "ledger", ledgerKey(l)), query.Eq("t", "holder", holder)),
			Order: []query.Order{{Expr: column("prefix")}, {Expr: column("first_no")}}})
		for _, row := range rows {
			list = append(list, segment{str(row["prefix"]), int(row["width"].(int64)), row["first_no"].(int64), row["last_no"].(int64)}.String())
		}
		return err
	})
	return list, err
}

// Traced is one thing that happened to a number.
type Traced struct {
	At   string `json:"at"`
	Kind string `json:"kind"`
	From string `json:"from,omitempty"` // ids of the holders
	To   string `json:"to,omitempty"`
	By   string `json:"by,omitempty"`
}

// Trace is all that ever happened to one number of a ledger, in order.
func (e *Engine) Trace(ctx context.Context, now time.Time, book, ledger, no string) ([]Traced, error) {
	l := e.rangeLedger(book, ledger)
	if l == nil {
		return nil, fmt.Errorf("there is no ledger of segments %s", ledger)
	}
	s, ok := segmentOf(expr.Range{First: no, Last: no})
	if !ok {
		return nil, fmt.Errorf("%s is no number", no)
	}
	list := []Traced{}
	err := e.DB.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Select(query.Select{Table: e.Lib.Form("base.posting").Table, Alias: "t", Order: []query.Order{{Expr: column("entry_no")}},
			Where: query.And(query.Eq("t", "ledger", l.ID), query.Eq("t", "prefix", s.prefix), compared("<=", "first_no", s.first), compared(">=", "last_no", s.first))})
		for _, row := range rows {
			dims := strings.Split(str(row["dims"]), "|")
			if len(dims) == 3 && dims[0] == ledgerKey(l) {
				list = append(list, Traced{str(row["at"]), str(row["kind"]), dims[1], dims[2], str(row["by"])})
			}
		}
		return err
	})
	return list, err
}
