package engine_test

import (
	"context"
	cryptorand "crypto/rand"
	"fmt"
	"math/rand/v2"
	"sort"
	"sync"
	"testing"
	"time"

	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/store/faulty"
	"zhanggui/internal/testkit"
)

// contestBook has what people run for: places that are few, and roles that exclude each other.
const contestBook = `
role:
  cashier: {label: 出纳 | Cashier}
  bookkeeper: {label: 会计 | Bookkeeper, conflicts: [{with: cashier, clause: x-7}]}
form:
  seat:
    label: 名额 | Seat
    field:
      who: {label: 谁 | Who, type: text}
      won: {label: 得 | Won, type: bool, default: "false"}
    action:
      take: {label: 占 | Take, do: [{set: {won: "true"}}]}
quota:
  few: {label: 名额 | Seats, of: seat, where: "this.won == true", at_most: "2", clause: x-5}
`

func contest(t *testing.T, dsn string, opts ...store.Option) *testkit.Shop {
	t.Helper()
	files := map[string]string{"x/contest.yaml": contestBook, "x/card.yaml": cardBook}
	for k, v := range shopBook {
		files[k] = v
	}
	s := testkit.Open(t, testkit.Load(t, files), dsn, "2026-03-02 09:00", opts...)
	s.Company("works", "x")
	s.Person("wang", "clerk")
	s.Person("ma", "chief")
	s.Person("zong", "boss")
	return s
}

// together starts n acts at one instant and answers how many succeeded; the others must have been told why.
func together(t *testing.T, n int, act func(i int) error) (won int) {
	t.Helper()
	var wg sync.WaitGroup
	start := make(chan struct{})
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = act(i)
		})
	}
	close(start)
	wg.Wait()
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		if _, refused := engine.AsRefusal(err); !refused && fault.KindOf(err) != fault.Conflict {
			t.Errorf("neither done nor refused: %v", err)
		}
	}
	return won
}

// Ensure that fifty who do one thing at once leave what one of them would have left: one decision, one confirmation, one end.
func TestRace_OneWins(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := contest(t, dsn)
		for round := range testkit.Long(t, 2, 40) {
			id := matter(s, "1.00")
			if won := together(t, 50, func(int) error { _, err := s.Try("wang", "x.matter", id, "register", nil); return err }); won != 1 {
				t.Fatalf("registered %d times", won)
			}
			if got := s.Column("fx_matter", id, "number"); got != fmt.Sprintf("2603%02d", 2*round+1) {
				t.Fatalf("round %d has number %s", round, got)
			}
			if won := together(t, 50, func(int) error { _, err := s.Try("ma", "x.matter", id, "decide", nil); return err }); won != 1 {
				t.Errorf("decided %d times", won)
			}
			if n := s.Count("base_signature", "of_id", id); n != 1 {
				t.Errorf("%d signatures", n)
			}
			// Approve against void: whoever is first, the other is told, and only one of them happened.
			id = matter(s, "1.00")
			s.Do("wang", "x.matter", id, "register", nil)
			won := together(t, 50, func(i int) error {
				if i%2 == 0 {
					_, err := s.Try("ma", "x.matter", id, "decide", nil)
					return err
				}
				_, err := s.E.Do(context.Background(), s.Now, engine.Act{Form: "x.matter", Record: id, Action: "void", Reason: "不办了", Actor: engine.Actor{Person: s.ID("wang"), Origin: "api"}})
				return err
			})
			state := s.Column("fx_matter", id, "state")
			if won != 1 && !(won == 2 && state == "void") || state != "closed" && state != "void" {
				t.Errorf("%d acts succeeded, it stands at %s", won, state)
			}
		}
	})
}

// race holds an act where it has been judged and is not committed yet, and lets another come from another node.
type race struct {
	slow       *engine.Engine
	ids, stop  int
	judged, on chan struct{}
}

// newRace learns from one act of the kind how many ids it takes: the last is that of its journal entry, when all that could
// refuse it lies behind it.
func newRace(t *testing.T, s *testkit.Shop, sample func(*engine.Engine) error) *race {
	t.Helper()
	r := &race{judged: make(chan struct{}), on: make(chan struct{})}
	var err error
	if r.slow, err = engine.New(s.DB, s.E.Lib, engine.Options{Keep: s.Keep, NewID: func() string {
		if r.ids++; r.ids == r.stop {
			r.judged <- struct{}{}
			<-r.on
		}
		return cryptorand.Text()
	}}); err != nil {
		t.Fatal(err)
	}
	if err := sample(r.slow); err != nil {
		t.Fatal(err)
	}
	r.stop = r.ids
	return r
}

// run answers how the second act ended; it must have waited for the first.
func (r *race) run(t *testing.T, first func(*engine.Engine) error, second func() error) (err error) {
	t.Helper()
	r.ids = 0
	var one error
	var wg sync.WaitGroup
	wg.Go(func() { one = first(r.slow) })
	<-r.judged
	ended := make(chan struct{})
	wg.Go(func() {
		err = second()
		close(ended)
	})
	select { // with nothing that makes it wait it would be through long before
	case <-ended:
		t.Error("the second act did not wait for the first")
	case <-time.After(300 * time.Millisecond):
	}
	r.on <- struct{}{}
	wg.Wait()
	if one != nil {
		t.Fatal(one)
	}
	return err
}

// Ensure that no person ever holds two roles that exclude each other, not even when both are granted at once: the first grant is
// held where it has been judged and is not committed yet, the second comes from another node, and only one of them is kept.
func TestRace_ConflictingRoles(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := contest(t, dsn)
		s.Person("he", "admin")
		grant := func(e *engine.Engine, person, role string) error {
			_, err := e.Do(context.Background(), s.Now, engine.Act{Form: "base.role_grant", Action: "create", Values: map[string]any{"person": person, "role": role, "unit": s.Unit, "from": "2000-01-01"},
				Actor: engine.Actor{Person: s.ID("he"), Origin: "api"}})
			return err
		}
		race := newRace(t, s, func(e *engine.Engine) error { return grant(e, s.Person("first"), "cashier") })
		for round, roles := range [][2]string{{"cashier", "bookkeeper"}, {"bookkeeper", "cashier"}, {"cashier", "clerk"}} {
			p := s.Person(fmt.Sprint("p", round))
			second := race.run(t, func(e *engine.Engine) error { return grant(e, p, roles[0]) }, func() error { return grant(s.E, p, roles[1]) })
			_, refused := engine.AsRefusal(second)
			if want := roles[1] != "clerk"; refused != want || !want && second != nil {
				t.Errorf("%v: the second grant ended with %v", roles, second)
			}
			if n := s.Count(s.E.Lib.Form("base.role_grant").Table, "person", p); n != map[bool]int{true: 1, false: 2}[refused] {
				t.Errorf("%v: %d roles are held", roles, n)
			}
		}
		for round := range testkit.Long(t, 3, 200) {
			p := s.Person(fmt.Sprint("q", round))
			won := together(t, 8, func(i int) error { return grant(s.E, p, []string{"cashier", "bookkeeper"}[i%2]) })
			held := map[string]bool{}
			err := s.DB.Read(context.Background(), func(tx *store.Tx) error {
				rows, err := tx.Select(query.Select{Table: s.E.Lib.Form("base.role_grant").Table, Alias: "g", Where: query.Eq("g", "person", p)})
				for _, r := range rows {
					held[fmt.Sprint(r["role"])] = true
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(held) != 1 || won == 0 {
				t.Fatalf("round %d: %d grants succeeded, held is %v", round, won, held)
			}
		}
	})
}

// Ensure that the last place goes to one.
func TestRace_LastSeat(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := contest(t, dsn)
		seat := func(who string) string {
			return s.Do("wang", "x.seat", "", "create", map[string]any{"who": who}).Record
		}
		take := func(e *engine.Engine, id string) error {
			_, err := e.Do(context.Background(), s.Now, engine.Act{Form: "x.seat", Record: id, Action: "take", Actor: engine.Actor{Person: s.ID("wang"), Origin: "api"}})
			return err
		}
		first := seat("first")
		race := newRace(t, s, func(e *engine.Engine) error { return take(e, first) })
		a, b := seat("a"), seat("b")
		if _, refused := engine.AsRefusal(race.run(t, func(e *engine.Engine) error { return take(e, a) }, func() error { return take(s.E, b) })); !refused {
			t.Error("two took the last place")
		}
		for _, id := range []string{first, a} {
			if _, err := s.E.Do(context.Background(), s.Now, engine.Act{Form: "x.seat", Record: id, Action: "void", Reason: "让", Actor: engine.Actor{Person: s.ID("wang"), Origin: "api"}}); err != nil {
				t.Fatal(err)
			}
		}
		ids := make([]string, 50)
		for i := range ids {
			ids[i] = seat(fmt.Sprint(i))
		}
		if won := together(t, 50, func(i int) error { _, err := s.Try("wang", "x.seat", ids[i], "take", nil); return err }); won != 2 {
			t.Errorf("%d took one of two places", won)
		}
		if n := s.Count("fx_seat", "won", true); n != 4 { // two of them void by now
			t.Errorf("%d places are taken", n-2)
		}
	})
}

// Ensure that a series has no hole and nothing twice whatever happens to those who ask for a number: refusals, answers that
// are lost, connections that break in the middle, and all of them at once.
func TestNumber_GaplessUnderFaults(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		disk := &faulty.Storage{}
		s := contest(t, dsn, disk.Through())
		each := testkit.Long(t, 25, 400)
		stop := make(chan struct{})
		var trouble sync.WaitGroup
		trouble.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 4))
			for {
				select {
				case <-stop:
					disk.Heal()
					return
				default:
					disk.Arm(1+rnd.IntN(60), faulty.Fault{Lost: rnd.IntN(2) == 0})
					time.Sleep(time.Duration(rnd.IntN(3000)) * time.Microsecond)
				}
			}
		})
		var mu sync.Mutex
		told, broke := map[string]string{}, 0
		var wg sync.WaitGroup
		for c := range 8 {
			wg.Go(func() {
				for i := range each {
					act := engine.Act{Form: "x.card", Action: "create", Values: map[string]any{"name": "n"}, Key: fmt.Sprintf("%d-%d", c, i), Actor: engine.Actor{Person: s.ID("wang"), Origin: "api"}}
					if i%5 == 0 {
						bad := act
						bad.Key, bad.Values = "", nil // refused: there is no name
						_, _ = s.E.Do(context.Background(), s.Now, bad)
					}
					for {
						out, err := s.E.Do(context.Background(), s.Now, act)
						mu.Lock()
						if err == nil {
							told[act.Key] = out.Number
							mu.Unlock()
							break
						}
						broke++
						mu.Unlock()
						if _, refused := engine.AsRefusal(err); refused {
							t.Errorf("refused: %v", err)
							return
						}
					}
				}
			})
		}
		wg.Wait()
		close(stop)
		trouble.Wait()
		var numbers []string
		for _, n := range told {
			numbers = append(numbers, n)
		}
		sort.Strings(numbers)
		for i, n := range numbers {
			if n != fmt.Sprintf("C%04d", i+1) {
				t.Fatalf("place %d has number %s of %d", i+1, n, len(numbers))
			}
		}
		if n := s.Count("fx_card", "", nil); n != 8*each || len(numbers) != n {
			t.Errorf("%d records, %d numbers told", n, len(numbers))
		}
		t.Logf("%d numbers, %d answers lost or broken", len(numbers), broke)
		if broke == 0 {
			t.Error("nothing went wrong: this proves nothing")
		}
	})
}

// Ensure that a month's first number is its first in Shanghai: one millisecond decides, for many at once.
func TestNumber_Midnight(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := contest(t, dsn)
		ids := make([]string, 40)
		for i := range ids {
			ids[i] = matter(s, "1.00")
		}
		midnight := testkit.At(t, "2026-04-01 00:00")
		got := make([]string, len(ids))
		if won := together(t, len(ids), func(i int) error {
			out, err := s.E.Do(context.Background(), midnight.Add(-time.Duration(i%2)*time.Millisecond), engine.Act{Form: "x.matter", Record: ids[i], Action: "register", Actor: engine.Actor{Person: s.ID("wang"), Origin: "api"}})
			if err == nil {
				got[i] = out.Number
			}
			return err
		}); won != len(ids) {
			t.Fatalf("%d registered", won)
		}
		sort.Strings(got)
		for i, n := range got {
			want := fmt.Sprintf("2603%02d", i+1)
			if i >= 20 {
				want = fmt.Sprintf("2604%02d", i-19)
			}
			if n != want {
				t.Fatalf("%v", got)
			}
		}
	})
}

// shareBook is a share that a set may not exceed, and a base that shrinks and grows.
const shareBook = `
form:
  grading:
    label: 评级 | Grading
    field:
      dept: {label: 部门 | Department, type: text}
      level: {label: 等级 | Level, type: choice, options: [{id: top, label: 甲 | Top}, {id: usual, label: 乙 | Usual}], default: usual}
    state: {live: 在册 | Live, gone: {label: 退出 | Gone, path: false}}
    action:
      lift: {label: 升级 | Lift, from: live, do: [{set: {level: top}}], again: true}
      drop: {label: 降级 | Drop, from: live, do: [{set: {level: usual}}], again: true}
      leave: {label: 退出 | Leave, from: live, to: gone}
      back: {label: 回来 | Back, from: gone, to: live}
quota:
  few_tops: {label: 甲级名额 | Top places, of: grading, where: "this.level == 'top' && this.state == 'live'", base: "grading.count(g, g.dept == this.dept && g.state == 'live')", per: [this.dept], at_most: "floor(pct('15') * base)", clause: x-5}
`

// Ensure that twenty clerks who raise and lower at once never raise more than the share, lose no change, and that a full share takes the next when one leaves it.
func TestRace_Share(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		files := map[string]string{"x/share.yaml": shareBook}
		for k, v := range shopBook {
			files[k] = v
		}
		s := testkit.Open(t, testkit.Load(t, files), dsn, "2026-03-02 09:00")
		s.Company("works", "x")
		const members, most = 40, 6
		ids := make([]string, members)
		for i := range ids {
			ids[i] = s.System("x.grading", map[string]any{"dept": "一部"})
		}
		for i := range 20 {
			s.Person(fmt.Sprint("p", i))
		}
		tops := func() int { return s.Count("fx_grading", "level", "top") }
		for round := range testkit.Long(t, 3, 40) {
			// All twenty want a place at once: as many as there are get one.
			free := most - tops()
			var wanting []string
			for _, id := range ids {
				if s.Column("fx_grading", id, "level") == "usual" && len(wanting) < 20 {
					wanting = append(wanting, id)
				}
			}
			won := together(t, 20, func(i int) error {
				_, err := s.Try(fmt.Sprint("p", i), "x.grading", wanting[i], "lift", nil)
				return err
			})
			if won > free || tops() != most-free+won || tops() > most {
				t.Fatalf("round %d: %d of %d free places were given, %d are top", round, won, free, tops())
			}
			// Raising and lowering together: whoever comes first, there are never too many.
			rng := rand.New(rand.NewPCG(uint64(round), 7))
			plan := make([][2]string, 20)
			for i := range plan {
				plan[i] = [2]string{ids[rng.IntN(members)], []string{"lift", "drop"}[i%2]}
			}
			together(t, 20, func(i int) error {
				_, err := s.Try(fmt.Sprint("p", i), "x.grading", plan[i][0], plan[i][1], nil)
				return err
			})
			if n := tops(); n > most {
				t.Fatalf("round %d: %d are top", round, n)
			}
		}
		// What is full to the last place takes one more only when one has left it.
		for _, id := range ids {
			if tops() < most {
				s.Try("p0", "x.grading", id, "lift", nil)
			}
		}
		var top, usual string
		for _, id := range ids {
			if s.Column("fx_grading", id, "level") == "top" {
				top = id
			} else {
				usual = id
			}
		}
		if tops() != most || s.Refused("p1", "x.grading", usual, "lift", nil).Group != "quota" {
			t.Errorf("%d are top", tops())
		}
		s.Do("p2", "x.grading", top, "drop", nil)
		s.Do("p1", "x.grading", usual, "lift", nil)
	})
}
