package engine

import (
	"context"
	"errors"
	"strings"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/query"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/store"
)

// The closing of ledgers. A cursor a ledger stands at the end of the period under way; when the clock reaches it, one account after the
// other is closed, each in its own transaction and each once; the cursor keeps which was the last (in the column that is the unit of a
// duty's), and moves on to the next period when there is none after it.

const closing = "close:"

// startCloses makes cursors for ledgers that have none yet; the first period is the one under way at adoption.
func (w *work) startCloses(b *rulebook.Book, start time.Time, have map[string]bool) []store.Row {
	var list []store.Row
	for _, l := range b.Ledgers {
		id := closing + ledgerKey(l)
		if l.Close == nil || have[id] {
			continue
		}
		have[id] = true
		p := w.world.calendar.PeriodOf(calendar.Span{N: 1, Unit: closeUnit[l.Close.Every]}, nil, start)
		list = append(list, store.Row{"id": id, "duty": id, "next_at": instant(p.To), "period_from": instant(p.From), "period_to": instant(p.To)})
	}
	return list
}

var closeUnit = map[string]calendar.Unit{"day": calendar.UnitDay, "week": calendar.UnitWeek, "month": calendar.UnitMonth, "quarter": calendar.UnitQuarter, "year": calendar.UnitYear}

// account is one account of a ledger that is due for closing.
type account struct {
	dims string
	vars map[string]expr.Value
	this *Record
	unit string
}

// closeLedger closes the next account that is not closed yet, or moves the cursor on when all are.
func (w *work) closeLedger(row store.Row, at time.Time) error {
	l, p, err := w.closingOf(row, at)
	if err != nil || l == nil {
		return err
	}
	a, err := w.nextAccount(l, p, str(row["unit"]))
	if err != nil {
		return err
	}
	if a == nil {
		next := w.world.calendar.NextPeriod(calendar.Span{N: 1, Unit: closeUnit[l.Close.Every]}, nil, p)
		_, err := w.tx.Update("duty_cursor", store.Row{"id": row["id"]}, store.Row{"unit": nil, "next_at": instant(next.To), "period_from": instant(next.From), "period_to": instant(next.To)})
		return err
	}
	if _, err := w.tx.Update("duty_cursor", store.Row{"id": row["id"]}, store.Row{"unit": a.dims}); err != nil {
		return err
	}
	view := w.world.view(w, l.Book, a.unit, at)
	if view.Adoption == "" && l.Book.ID != "base" || !view.Awake(&l.Node) || !view.Awake(&l.Close.Node) {
		return nil
	}
	bal, err := w.sum(l, a.dims)
	if err != nil {
		return err
	}
	vars := map[string]expr.Value{"balance": bal, "period": p}
	for k, v := range a.vars {
		vars[k] = v
	}
	w.top, w.closing = a.this, a.vars
	defer func() { w.closing = nil }()
	w.clause(l.Close.Clause, l.Clause)
	return w.effects_(l.Close.Do, a.this, view, vars)
}

// closingOf reads a cursor; no ledger if another node was first, or the rulebook has it no more.
func (w *work) closingOf(row store.Row, at time.Time) (*rulebook.Ledger, calendar.Period, error) {
	if next, ok := parseInstant(row["next_at"]); !ok || next.After(at) {
		return nil, calendar.Period{}, nil
	}
	key := strings.TrimPrefix(str(row["id"]), closing)
	i := strings.LastIndexByte(key, '.')
	if b := w.e.Lib.Book(key[:max(i, 0)]); b != nil && b.Ledger(key[i+1:]) != nil && b.Ledger(key[i+1:]).Close != nil {
		from, _ := parseInstant(row["period_from"])
		to, _ := parseInstant(row["period_to"])
		return b.Ledger(key[i+1:]), calendar.Period{From: from, To: to}, nil
	}
	_, err := w.tx.Delete("duty_cursor", query.Eq("d", "id", row["id"]))
	return nil, calendar.Period{}, err
}

// nextAccount is the account with entries that comes after the last one closed. An account kept for a period is closed with that period
// alone; any other is closed at the end of each.
func (w *work) nextAccount(l *rulebook.Ledger, p calendar.Period, last string) (*account, error) {
	const page = 200
	own := w.dims(&rulebook.Ledger{Node: l.Node, ID: l.ID}, nil)
	dims := query.Col{Alias: "t", Name: "dims"}
	for {
		where := query.And(query.Eq("t", "ledger", l.ID), compared("<", "at", instant(p.To)), compared(">", "dims", last))
		for _, d := range l.Per {
			if d.ID == "month" {
				where = query.And(where, query.Eq("t", "month", periodName("month", w.world.calendar.DateOf(p.From))))
			}
		}
		rows, err := w.tx.Select(query.Select{Table: w.e.Lib.Form("base.posting").Table, Alias: "t", Limit: page, Where: where, Group: []query.Expr{dims},
			Columns: []query.Column{{Name: "dims", Expr: dims}}, Order: []query.Order{{Expr: dims}}})
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			last = str(row["dims"])
			a, err := w.account(l, p, own, last)
			if err != nil {
				return nil, err
			}
			if a != nil {
				return a, w.place(a, l)
			}
		}
		if len(rows) < page {
			return nil, nil
		}
	}
}

// account reads an account's name; nil if it is another regulation's of this name, or another period's.
func (w *work) account(l *rulebook.Ledger, p calendar.Period, own, dims string) (*account, error) {
	a := &account{dims: dims, vars: map[string]expr.Value{}}
	parts := strings.Split(dims, "|")
	if parts[0] != own || len(parts) != len(l.Per)+1 {
		return nil, nil
	}
	for i, d := range l.Per {
		text := parts[i+1]
		if name := periodName(d.Type.Name, w.world.calendar.DateOf(p.From)); name != "" && name != text {
			return nil, nil
		}
		a.vars[d.ID] = text
		if d.Type.Form == "" {
			continue
		}
		a.vars[d.ID] = nil
		if text == "" {
			continue
		}
		rec, err := w.ref(d.Type.Form, text)
		if err != nil {
			return nil, err
		}
		a.vars[d.ID] = rec
		if a.this == nil {
			a.this = rec
		}
	}
	return a, nil
}

// place gives an account the record its closing speaks of and the unit whose rules hold: the record's own, else the one that adopted.
func (w *work) place(a *account, l *rulebook.Ledger) error {
	if a.this != nil {
		a.unit = a.this.unitID()
		return nil
	}
	a.unit = w.world.top
	for _, x := range w.world.adoptions {
		if x.book == l.Book.ID && inForce(x.from, x.until, calendar.DateOf(w.now, w.world.calendar.Zone)) {
			a.unit = x.unit
			break
		}
	}
	var err error
	if a.this, err = w.unit(a.unit); err == nil && a.this == nil {
		err = errors.New("no unit keeps ledger " + l.ID)
	}
	return err
}

// skipClose passes over the account whose closing a rule forbids, so that the others are closed; the refusal is on record.
func (e *Engine) skipClose(ctx context.Context, id string, at time.Time) error {
	return e.DB.Write(ctx, func(tx *store.Tx) error {
		w, err := e.begin(ctx, tx, at, ClockActor())
		if err != nil {
			return err
		}
		rows, err := tx.Select(query.Select{Table: "duty_cursor", Alias: "d", Where: query.Eq("d", "id", id), Limit: 1})
		if err != nil || len(rows) == 0 {
			return err
		}
		l, p, err := w.closingOf(rows[0], at)
		if err != nil || l == nil {
			return err
		}
		a, err := w.nextAccount(l, p, str(rows[0]["unit"]))
		if err != nil || a == nil {
			return err
		}
		if _, err = tx.Update("duty_cursor", store.Row{"id": id}, store.Row{"unit": a.dims}); err != nil {
			return err
		}
		return w.writeEntry(nil, nil, Act{Action: "duty", Actor: w.actor})
	})
}
