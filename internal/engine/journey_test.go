package engine_test

import (
	"testing"

	"zhanggui/internal/store/pgtest"
	"zhanggui/internal/testkit"
)

// Ensure that an act on PostgreSQL goes there and back few times, whatever it asks and writes: what it will ask is asked along with its first question, and
// what nobody waits for goes along with the next question or the commit; and that a tick asks of each thing that is due together what belongs to it.
func TestJourneys(t *testing.T) {
	var j testkit.Journeys
	s := testkit.Open(t, testkit.Load(t, shopBook), pgtest.DSN(t), "2026-03-02 09:00", j.Option())
	s.Company("works", "x")
	for _, who := range []struct{ name, role string }{{"wang", "clerk"}, {"ma", "chief"}, {"zong", "boss"}} {
		s.Person(who.name, who.role)
	}
	took := map[string]int{}
	for range 6 { // the fewest count: at first each statement is made known to the server, and a connection that was idle long is tried
		id := ""
		for _, x := range []struct {
			who, action string
			values      map[string]any
		}{{"wang", "create", map[string]any{"subject": "法兰", "amount": "10"}}, {"wang", "register", nil}, {"ma", "decide", nil}} {
			j.Taken()
			id = s.Do(x.who, "x.matter", id, x.action, x.values).Record
			n := j.Taken()
			if most, seen := took[x.action]; !seen || n < most {
				took[x.action] = n
			}
		}
	}
	for action, most := range map[string]int{"create": 3, "register": 5, "decide": 7} {
		if took[action] > most {
			t.Errorf("%s: %d journeys, want %d at most", action, took[action], most)
		}
	}
	least := 100.0 // for each to find it and to do it; the fewest of three, since a busy machine asks again
	for _, day := range []string{"2026-03-20 09:00", "2026-03-27 09:00", "2026-04-03 09:00"} {
		for range 20 {
			id := s.Do("wang", "x.matter", "", "create", map[string]any{"subject": "法兰", "amount": "10"}).Record
			s.Do("wang", "x.matter", id, "register", nil)
		}
		j.Taken()
		fired := s.Turn(day)
		n := j.Taken()
		if fired < 20 {
			t.Errorf("only %d things were done", fired)
		}
		least = min(least, float64(n)/float64(fired))
	}
	if least > 8 {
		t.Errorf("a tick: %.1f journeys for a thing it does, want 8 at most", least)
	}
}
