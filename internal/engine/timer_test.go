package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sort"
	"testing"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/engine"
	"zhanggui/internal/journal"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// deed of a clerk, as it happened: the facts from which all deadlines follow.
type opened struct {
	from    time.Time
	decided time.Time // zero: never
}

// Ensure that every deadline has its effect exactly once, in the order it fell due, never early and none left out, while the
// clock jumps by seconds and by weeks, over weekends, holidays, month ends and midnight, and the program starts anew: what
// was done is compared with what follows from the facts alone.
func TestTimer_ExactlyOnce(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		matters := testkit.Long(t, 150, 5000)
		seed := uint64(time.Now().UnixNano())
		rnd := rand.New(rand.NewPCG(seed, 3))
		s := open(t, dsn, "2026-01-28 09:00") // Spring Festival, Qingming and May Day lie ahead
		facts := map[string]*opened{}
		var running []string
		jump := func() time.Duration {
			switch rnd.IntN(10) {
			case 0:
				return time.Duration(rnd.IntN(40*24)) * time.Hour
			case 1, 2:
				return time.Duration(rnd.IntN(3*24*60)) * time.Minute
			case 3: // to midnight, and to the last millisecond before it
				next := calendar.DateOf(s.Now, calendar.Standard().Zone).Start(calendar.Standard().Zone).AddDate(0, 0, 1)
				return next.Sub(s.Now) - time.Duration(rnd.IntN(2))*time.Millisecond
			}
			return time.Duration(1+rnd.IntN(20000)) * time.Second
		}
		restarts, ticks := 0, 0
		tick := func() {
			for try := 0; ; try++ {
				if _, _, err := s.E.Tick(context.Background(), s.Now); err == nil {
					return
				} else if try == 3 {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
		}
		for len(facts) < matters || len(running) > 0 && rnd.IntN(20) > 0 {
			s.Now = s.Now.Add(jump())
			if rnd.IntN(4) > 0 { // else the server was down, and time went on
				tick()
				ticks++
			}
			if rnd.IntN(8) == 0 || restarts == 0 && len(facts) > matters/2 {
				restarts++
				s.Restart()
			}
			for range rnd.IntN(12) {
				if len(facts) == matters {
					break
				}
				id := matter(s, "1.00")
				s.Do("wang", "x.matter", id, "register", nil)
				facts[id] = &opened{from: s.Now}
				running = append(running, id)
			}
			if len(running) > 0 && rnd.IntN(3) > 0 {
				i := rnd.IntN(len(running))
				id := running[i]
				running = append(running[:i], running[i+1:]...)
				s.Do("ma", "x.matter", id, "decide", nil)
				facts[id].decided = s.Now
			}
		}
		s.Now = s.Now.AddDate(0, 0, 60)
		tick()

		within := map[string]calendar.Span{"close": {N: 30, Unit: calendar.UnitDay}, "answer": {N: 2, Unit: calendar.UnitWorkday}}
		want := map[string]time.Time{}
		for id, f := range facts {
			for name, span := range within {
				due, ok := s.E.Lib.Days.Calendar().Due(f.from, span, nil)
				if !ok {
					t.Fatal("no due time")
				}
				if f.decided.IsZero() || f.decided.After(due) {
					want[id+"/"+name] = due
				}
			}
		}
		for _, m := range compare(t, s, want) {
			t.Errorf("seed %d: %s", seed, m)
		}
		t.Logf("%d deadlines, %d missed, %d ticks, %d restarts, until %s; seed %d", 2*len(facts), len(want), ticks, restarts, s.Now.Format("2006-01-02"), seed)
		if len(want) < matters/3 || restarts < 1 {
			t.Error("so little proves little")
		}
	})
}

// compare answers what differs between the breaches that there are and those that follow from the facts.
func compare(t *testing.T, s *testkit.Shop, want map[string]time.Time) (wrong []string) {
	t.Helper()
	got := map[string]int{}
	err := s.DB.Read(context.Background(), func(tx *store.Tx) error {
		rows, err := tx.Select(query.Select{Table: "base_breach", Alias: "b"})
		if err != nil {
			return err
		}
		for _, r := range rows {
			key := fmt.Sprint(r["of_id"], "/", r["name"])
			got[key]++
			due, err := time.Parse(time.RFC3339Nano, fmt.Sprint(r["due"]))
			if err != nil {
				return err
			}
			if !due.Equal(want[key]) {
				wrong = append(wrong, fmt.Sprintf("%s was late at %s, by the facts at %s", key, due, want[key]))
			}
		}
		entries, err := tx.Select(query.Select{Table: "journal_entry", Alias: "j", Where: query.Eq("j", "action", "clock"), Order: []query.Order{{Expr: query.Col{Alias: "j", Name: "recorded"}}, {Expr: query.Col{Alias: "j", Name: "id"}}}})
		if err != nil {
			return err
		}
		last := map[string]time.Time{}
		sort.SliceStable(entries, func(i, k int) bool { return fmt.Sprint(entries[i]["recorded"]) < fmt.Sprint(entries[k]["recorded"]) })
		for _, r := range entries {
			e, err := journal.Parse([]byte(fmt.Sprint(r["body"])))
			if err != nil {
				return err
			}
			if e.Recorded.Before(e.At) {
				wrong = append(wrong, fmt.Sprintf("%s fired at %s what was due at %s", e.Record, e.Recorded, e.At))
			}
			if before := last[e.Record]; e.At.Before(before) {
				wrong = append(wrong, fmt.Sprintf("%s: %s after %s", e.Record, e.At, before))
			}
			last[e.Record] = e.At
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for key := range want {
		if got[key] != 1 {
			wrong = append(wrong, fmt.Sprintf("%s has %d effects", key, got[key]))
		}
	}
	if len(got) != len(want) {
		wrong = append(wrong, fmt.Sprintf("%d effects, %d by the facts", len(got), len(want)))
	}
	return wrong
}

// Ensure that several nodes that look at the same deadlines at once, one of which is about to be too late, do each of them
// once: what keeps them apart is the row, not who believes to lead.
func TestTimer_ManyNodes(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, "2026-03-02 09:00")
		want := map[string]time.Time{}
		for range testkit.Long(t, 20, 300) {
			id := matter(s, "1.00")
			s.Do("wang", "x.matter", id, "register", nil)
			for name, span := range map[string]calendar.Span{"close": {N: 30, Unit: calendar.UnitDay}, "answer": {N: 2, Unit: calendar.UnitWorkday}} {
				want[id+"/"+name], _ = s.E.Lib.Days.Calendar().Due(s.Now, span, nil)
			}
		}
		later := s.Now.AddDate(0, 0, 45)
		errs := make(chan error, 3)
		for range 3 {
			node, err := engine.New(s.DB, s.E.Lib, engine.Options{Keep: s.Keep})
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				_, _, err := node.Tick(context.Background(), later)
				errs <- err
			}()
		}
		for range 3 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		for _, m := range compare(t, s, want) {
			t.Error(m)
		}
	})
}

// Ensure that what was overdue before its record was filed is late once, and the clock goes on to other work.
func TestTick_OverdueWhenFiled(t *testing.T) {
	files := map[string]string{"x/permit.yaml": `
form:
  permit:
    label: 证照 | Permit
    field: {until: {label: 有效期至 | Valid until, type: date}}
    action: {renew: {label: 换证 | Renew, fill: [until], again: true}}
    deadline: {expiry: {label: 到期 | Expiry, from: create, by: "end_of('day', this.until)", to: renew, warn: [30d], holder: clerk, clause: x-5}}
`}
	for k, v := range shopBook {
		files[k] = v
	}
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, testkit.Load(t, files), dsn, "2026-03-02 09:00")
		s.Company("works", "x")
		s.Person("wang", "clerk")
		id := s.System("x.permit", map[string]any{"until": "2026-02-01"})
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if _, _, err := s.E.Tick(ctx, s.Now); err != nil {
			t.Fatal(err)
		}
		if n := s.Count("base_breach", "of_id", id); n != 1 {
			t.Errorf("%d breaches", n)
		}
		s.Do("wang", "x.permit", id, "renew", map[string]any{"until": "2027-02-01"})
		s.Turn("2026-03-03 09:00")
		if n := s.Count("base_breach", "of_id", id); n != 1 {
			t.Errorf("%d breaches after the renewal", n)
		}
	})
}
