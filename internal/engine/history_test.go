package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// Histories. Several people act at once and at random; what each asked, when, and what he was heard is written down, and a
// checker looks for an order, one act after the other, that explains all of it. Where there is none, a race showed.

// heard is what somebody learnt of his act: done or refused, and what he read or was given.
type heard struct {
	ok    bool
	saw   string
	count int
}

// asked is one act on one thing.
type asked struct{ on, act, value string }

// history is written by several people at once.
type history struct {
	sync.Mutex
	begin time.Time
	list  []porcupine.Operation
}

// note performs an act and writes down when it was asked and answered. One that met a conflict did not happen.
func (h *history) note(t *testing.T, client int, in asked, do func() (heard, error)) {
	call := time.Since(h.begin)
	out, err := do()
	answered := time.Since(h.begin)
	if err != nil {
		if fault.KindOf(err) == fault.Conflict {
			return
		}
		if _, refused := engine.AsRefusal(err); !refused {
			t.Errorf("%v: neither done nor refused: %v", in, err)
			return
		}
	}
	out.ok = err == nil
	h.Lock()
	defer h.Unlock()
	h.list = append(h.list, porcupine.Operation{ClientId: client, Input: in, Call: int64(call), Output: out, Return: int64(answered)})
}

// explained asks for the order; each thing has its own.
func (h *history) explained(first func() any, step func(state any, in asked, out heard) (bool, any)) porcupine.CheckResult {
	model := porcupine.Model{
		Partition: func(list []porcupine.Operation) [][]porcupine.Operation {
			by := map[string][]porcupine.Operation{}
			for _, o := range list {
				by[o.Input.(asked).on] = append(by[o.Input.(asked).on], o)
			}
			var parts [][]porcupine.Operation
			for _, p := range by {
				parts = append(parts, p)
			}
			return parts
		},
		Init: first,
		Step: func(state, in, out any) (bool, any) { return step(state, in.(asked), out.(heard)) },
	}
	return porcupine.CheckOperationsTimeout(model, h.list, time.Minute)
}

// The numbers of a series: each is the one after the last.
func series(state any, in asked, out heard) (bool, any) {
	return out.count == state.(int)+1, out.count
}

// Few places: who asks gets one while there is one, and hears no when there is none.
func seats(state any, in asked, out heard) (bool, any) {
	n := state.(int)
	switch in.act {
	case "take":
		return out.ok == (n < 2), n + map[bool]int{true: 1}[out.ok]
	case "leave":
		return out.ok, n - 1
	}
	return out.count == n, n
}

// A ledger: each fine is confirmed once, and whoever reads finds the sum of what was confirmed before.
func fines(state any, in asked, out heard) (bool, any) {
	s := state.(string)
	if in.act == "read" {
		return out.count == strings.Count(s, ","), s
	}
	if strings.Contains(s, in.value+",") {
		return !out.ok, s
	}
	return out.ok, s + in.value + ","
}

func zero() any    { return 0 }
func nothing() any { return "" }

// P20: Ensure that whatever several people do to a few records, a series, a quota and a ledger at once and at random, each of them
// is told what he would have been told if they had come one after the other. ZHANGGUI_SEED=n repeats a run's choices.
func TestHistory(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		seed := uint64(time.Now().UnixNano())
		if s := os.Getenv("ZHANGGUI_SEED"); s != "" {
			seed, _ = strconv.ParseUint(s, 10, 64)
		}
		s := historical(t, dsn)
		rules := s.lifeOf()
		acts := 0
		for round := range testkit.Long(t, 1, 40) {
			rnd := rand.New(rand.NewPCG(seed, uint64(round)))
			for name, check := range map[string]struct {
				h     *history
				first func() any
				step  func(any, asked, heard) (bool, any)
			}{
				"records": {s.records(t, rnd), func() any { return "draft 100" }, rules},
				"series":  {s.series(t), func() any { return s.last }, series},
				"quota":   {s.quota(t, rnd), zero, seats},
				"ledger":  {s.ledger(t, rnd, round), nothing, fines},
			} {
				acts += len(check.h.list)
				if got := check.h.explained(check.first, check.step); got != porcupine.Ok {
					t.Errorf("seed %d, round %d: %s: no order explains what was heard (%s):\n%s", seed, round, name, got, check.h)
				}
			}
		}
		t.Logf("seed %d: %d acts explained", seed, acts)
		if acts < 150 {
			t.Error("so few acts prove little")
		}
	})
}

// Ensure that the checker finds fault with what a race leaves: a number taken by reading the last and writing the next without
// holding the row, a quota counted before and not while it is used, a sum read from before a posting that was answered.
func TestHistory_Sees(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := historical(t, dsn)
		h := &history{begin: time.Now()}
		var both sync.WaitGroup
		both.Add(2)
		var wg sync.WaitGroup
		for c := range 2 { // the lock removed: both have read before either writes
			wg.Go(func() {
				h.note(t, c, asked{on: "series"}, func() (heard, error) {
					n := s.Count("fx_card", "", nil)
					both.Done()
					both.Wait()
					return heard{count: n + 1}, s.DB.Write(context.Background(), func(*store.Tx) error { return nil })
				})
			})
		}
		wg.Wait()
		if got := h.explained(zero, series); got != porcupine.Illegal {
			t.Errorf("two who took one number are explained: %s", got)
		}
	})
	one := func(at int64, in asked, out heard) porcupine.Operation {
		return porcupine.Operation{Input: in, Call: at, Output: out, Return: at + 1}
	}
	for name, x := range map[string]struct {
		list  []porcupine.Operation
		first func() any
		step  func(any, asked, heard) (bool, any)
	}{
		"hole":       {[]porcupine.Operation{one(0, asked{on: "s"}, heard{count: 1}), one(2, asked{on: "s"}, heard{count: 3})}, zero, series},
		"backwards":  {[]porcupine.Operation{one(0, asked{on: "s"}, heard{count: 2}), one(2, asked{on: "s"}, heard{count: 1})}, zero, series},
		"third seat": {[]porcupine.Operation{one(0, asked{act: "take"}, heard{ok: true}), one(0, asked{act: "take"}, heard{ok: true}), one(0, asked{act: "take"}, heard{ok: true})}, zero, seats},
		"wrong no":   {[]porcupine.Operation{one(0, asked{act: "take"}, heard{}), one(2, asked{act: "take"}, heard{ok: true})}, zero, seats},
		"old sum":    {[]porcupine.Operation{one(0, asked{act: "confirm", value: "a"}, heard{ok: true}), one(2, asked{act: "read"}, heard{})}, nothing, fines},
		"twice":      {[]porcupine.Operation{one(0, asked{act: "confirm", value: "a"}, heard{ok: true}), one(0, asked{act: "confirm", value: "a"}, heard{ok: true})}, nothing, fines},
	} {
		if got := (&history{list: x.list}).explained(x.first, x.step); got != porcupine.Illegal {
			t.Errorf("%s is explained: %s", name, got)
		}
	}
}

// String is the history in the order of asking.
func (h *history) String() string {
	var b strings.Builder
	for _, o := range h.list {
		fmt.Fprintf(&b, "  %9d–%9d µs %d %+v → %+v\n", o.Call/1000, o.Return/1000, o.ClientId, o.Input, o.Output)
	}
	return b.String()
}

// past is a shop whose people leave histories.
type past struct {
	*testkit.Shop
	given atomic.Int64 // numbers of this month's series, in all
	last  int          // the last one before the newest history of the series
	lu    string       // whose fines the newest history of the ledger confirms
}

func historical(t *testing.T, dsn string) *past {
	t.Helper()
	files := map[string]string{"x/contest.yaml": strings.Replace(contestBook, `take: {label: 占 | Take,`, `leave: {label: 让 | Leave, again: true, do: [{set: {won: "false"}}]}
      take: {label: 占 | Take, again: true,`, 1), "x/card.yaml": cardBook, "x/slip.yaml": verifyBook["x/slip.yaml"]}
	for k, v := range shopBook {
		files[k] = v
	}
	s := &past{Shop: testkit.Open(t, testkit.Load(t, files), dsn, "2026-03-02 09:00")}
	s.Company("works", "x")
	s.Person("wang", "clerk")
	s.Person("ma", "chief")
	s.Person("zong", "boss")
	return s
}

// clients lets some people act at once.
func clients(n int, do func(client int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for c := range n {
		wg.Go(func() {
			<-start
			do(c)
		})
	}
	close(start)
	wg.Wait()
}

var doers = map[string]string{"register": "wang", "decide": "ma", "edit": "wang", "void": "wang"}

// perform does an action on a matter; cents is for an edit, as the database keeps them.
func (s *past) perform(record, action, cents string) (heard, error) {
	act := engine.Act{Form: "x.matter", Record: record, Action: action, Actor: engine.Actor{Person: s.ID(doers[action]), Origin: "api"}}
	if action == "void" {
		act.Reason = "不办了"
	}
	if action == "edit" {
		act.Values = map[string]any{"amount": cents[:len(cents)-2] + "." + cents[len(cents)-2:]}
	}
	out, err := s.E.Do(context.Background(), s.Now, act)
	if err != nil || action != "register" {
		return heard{}, err
	}
	s.given.Add(1)
	n, err := strconv.Atoi(strings.TrimPrefix(out.Number, "2603"))
	return heard{count: n}, err
}

func (s *past) stands(record string) (heard, error) {
	var out heard
	err := s.DB.Read(context.Background(), func(tx *store.Tx) error {
		row, err := tx.Get("fx_matter", record)
		out.saw = fmt.Sprint(row["state"], " ", row["amount"])
		return err
	})
	return out, err
}

// lifeOf finds out, one act after the other, in which state of a matter what is done and to what it leads.
func (s *past) lifeOf() func(any, asked, heard) (bool, any) {
	type edge struct{ state, act string }
	goes := map[edge]string{} // "" = refused
	for state, way := range map[string][]string{"draft": nil, "open": {"register"}, "closed": {"register", "decide"}, "void": {"register", "void"}} {
		for act := range doers {
			id := matter(s.Shop, "1.00")
			for _, a := range way {
				if _, err := s.perform(id, a, ""); err != nil {
					s.T.Fatalf("%s: %v", a, err)
				}
			}
			if _, err := s.perform(id, act, "200"); err == nil {
				now, _ := s.stands(id)
				goes[edge{state, act}], _, _ = strings.Cut(now.saw, " ")
			}
		}
	}
	return func(state any, in asked, out heard) (bool, any) {
		was, amount, _ := strings.Cut(state.(string), " ")
		if in.act == "read" {
			return out.saw == state.(string), state
		}
		next := goes[edge{was, in.act}]
		if next == "" || !out.ok {
			return (next != "") == out.ok, state
		}
		if in.act == "edit" {
			amount = in.value
		}
		return true, next + " " + amount
	}
}

// records lets four people act on three matters.
func (s *past) records(t *testing.T, rnd *rand.Rand) *history {
	ids := make([]string, 3)
	for i := range ids {
		ids[i] = matter(s.Shop, "1.00")
	}
	plan := make([][]asked, 4)
	for c := range plan {
		for range 15 {
			act := []string{"register", "decide", "edit", "edit", "read", "read", "read", "void"}[rnd.IntN(8)]
			if act == "void" && rnd.IntN(3) > 0 {
				act = "read"
			}
			plan[c] = append(plan[c], asked{ids[rnd.IntN(3)], act, strconv.Itoa(200 + rnd.IntN(9000))})
		}
	}
	h := &history{begin: time.Now()}
	clients(len(plan), func(c int) {
		for _, in := range plan[c] {
			h.note(t, c, in, func() (heard, error) {
				if in.act == "read" {
					return s.stands(in.on)
				}
				_, err := s.perform(in.on, in.act, in.value)
				return heard{}, err
			})
		}
	})
	return h
}

// series lets four clerks register matters of their own, some of them twice.
func (s *past) series(t *testing.T) *history {
	s.last = int(s.given.Load())
	ids := make([][]string, 4)
	for c := range ids {
		for range 8 {
			ids[c] = append(ids[c], matter(s.Shop, "1.00"))
		}
	}
	h := &history{begin: time.Now()}
	clients(len(ids), func(c int) {
		for i, id := range ids[c] {
			h.note(t, c, asked{on: "series", act: "register"}, func() (heard, error) { return s.perform(id, "register", "") })
			if i%3 == 0 {
				if _, err := s.perform(id, "register", ""); err == nil {
					t.Error("registered twice")
				}
			}
		}
	})
	return h
}

// quota lets four people take and leave two places.
func (s *past) quota(t *testing.T, rnd *rand.Rand) *history {
	ids, wishes := make([]string, 4), make([][]bool, 4)
	for c := range ids {
		ids[c] = s.Do("wang", "x.seat", "", "create", map[string]any{"who": fmt.Sprint(c)}).Record
		for range 10 {
			wishes[c] = append(wishes[c], rnd.IntN(3) == 0)
		}
	}
	h := &history{begin: time.Now()}
	clients(len(ids), func(c int) {
		sits := false
		do := func(act string) {
			h.note(t, c, asked{act: act}, func() (heard, error) {
				_, err := s.Try("wang", "x.seat", ids[c], act, nil)
				if err == nil {
					sits = act == "take"
				}
				return heard{}, err
			})
		}
		for _, look := range wishes[c] {
			switch {
			case look:
				h.note(t, c, asked{act: "read"}, func() (heard, error) {
					n := int64(0)
					err := s.DB.Read(context.Background(), func(tx *store.Tx) (err error) {
						n, err = tx.Count("fx_seat", query.Eq("t", "won", true))
						return err
					})
					return heard{count: int(n)}, err
				})
			case sits:
				do("leave")
			default:
				do("take")
			}
		}
		if sits {
			do("leave")
		}
	})
	return h
}

// ledger lets three people confirm the same fines while another reads the sum.
func (s *past) ledger(t *testing.T, rnd *rand.Rand, round int) *history {
	s.lu = s.System("base.person", map[string]any{"name": fmt.Sprint("lu", round), "unit": s.Unit, "active": true, "wage": "900000.00"})
	var ids []string
	for range 8 {
		slip := s.Do("ma", "x.slip", "", "create", map[string]any{"person": s.lu, "why": "慢"}).Record
		for _, e := range s.Do("ma", "x.slip", slip, "give", nil).Effects {
			if e.Kind == "sanction" {
				ids = append(ids, e.Record)
			}
		}
	}
	if len(ids) != 8 {
		t.Fatalf("%d fines of eight slips", len(ids))
	}
	order := [][]int{rnd.Perm(8), rnd.Perm(8), rnd.Perm(8)}
	h := &history{begin: time.Now()}
	read := func() (heard, error) {
		v, err := s.E.Ledger(context.Background(), s.Now, engine.Actor{Person: s.lu, Origin: "api"}, "payroll", "", "", "")
		if err != nil {
			return heard{}, err
		}
		sum, err := strconv.Atoi(strings.TrimSuffix(v.Balance, ".00"))
		return heard{count: sum / 50}, err
	}
	clients(4, func(c int) {
		if c == 3 {
			for range 20 {
				h.note(t, c, asked{act: "read"}, read)
			}
			return
		}
		for _, i := range order[c] {
			h.note(t, c, asked{act: "confirm", value: ids[i]}, func() (heard, error) {
				_, err := s.Try("ma", "base.sanction", ids[i], "confirm", nil)
				return heard{}, err
			})
		}
	})
	h.note(t, 3, asked{act: "read"}, read) // what stands in the end
	return h
}
