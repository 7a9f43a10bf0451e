package engine_test

import (
	"context"
	"fmt"
	"maps"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/testkit"
)

// Ensure that the control room counts what somebody holds for another house of the group under that house, all else under his own unit, and
// an outsider's under his organisation; that each count opens exactly what it counts, named alike; and that an administrator counts no
// limit of a case he may not see.
func TestBoard_Houses(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, "2026-03-02 09:00")
		ctx := context.Background()
		works := s.Unit
		desk := s.System("base.unit", map[string]any{"name": "desk", "parent": works})
		s.Unit = desk
		s.Person("xu", "clerk")
		s.Unit = works
		s.Person("he", "admin")
		s.Do("wang", "x.matter", matter(s, "5000"), "register", nil)

		other := s.Company("other", "x")
		s.Person("li", "clerk")
		s.System("base.role_grant", map[string]any{"person": s.ID("ma"), "role": "chief", "unit": other, "from": "2000-01-01"})
		s.Unit = s.System("base.unit", map[string]any{"name": "partner", "kind": "outside"})
		out := s.System("base.person", map[string]any{"name": "kai", "account": "kai", "unit": s.Unit, "active": true})
		s.System("base.role_grant", map[string]any{"person": out, "role": "clerk", "unit": other, "from": "2000-01-01"})
		theirs := s.Do("li", "x.matter", "", "create", map[string]any{"subject": "垫片", "amount": "1"}).Record
		s.Do("li", "x.matter", theirs, "register", nil)

		counts := func(who string) map[string]int64 {
			t.Helper()
			b, err := s.E.Board(ctx, s.Now, as(s, who))
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]int64{}
			for _, u := range b.ByUnit {
				got[u.Unit.Name] = u.Open
				page, err := s.E.Clocks(ctx, s.Now, as(s, who), engine.ClockQuery{Unit: u.Unit.ID})
				if err != nil {
					t.Fatal(err)
				}
				if int64(len(page.Rows)) != u.Open {
					t.Errorf("%s counts %d in %s and opens %d", who, u.Open, u.Unit.Name, len(page.Rows))
				}
				for _, c := range page.Rows {
					if !holderIn(c, u.Unit.Name) {
						t.Errorf("%s in %s opens %s held by %+v", who, u.Unit.Name, c.Name, c.Holder)
					}
				}
			}
			return got
		}
		for who, want := range map[string]map[string]int64{
			"ma":   {"works": 2, "other": 2, "partner": 1}, // close of ma himself and answer of wang; the same of the other house
			"wang": {"works": 2},
			"li":   {"other": 2, "partner": 1},
			"he":   {"works": 2},
		} {
			if got := counts(who); !maps.Equal(got, want) {
				t.Errorf("%s has on the board %s, want %s", who, fmt.Sprint(got), fmt.Sprint(want))
			}
		}
		w, err := s.E.Wall(ctx, s.Now, other)
		if err != nil || len(w.Rows) != 2 {
			t.Fatalf("%+v %v", w, err)
		}
		for _, r := range w.Rows {
			if r.Holder == "ma" && r.Unit != "other" || r.Holder == "li" && r.Unit != "other" {
				t.Errorf("on the wall of the other house: %+v", r)
			}
		}
		// a department without cases of its own has on its wall what its people hold of the house's, and nothing of the other house
		s.System("base.role_grant", map[string]any{"person": s.ID("xu"), "role": "clerk", "unit": works, "from": "2000-01-01"})
		s.Unit = works
		s.Do("wang", "x.matter", matter(s, "50"), "register", nil)
		d, err := s.E.Wall(ctx, s.Now, desk)
		if err != nil || d.Open != 1 || len(d.Rows) != 1 || d.Rows[0].Label.EN != "Answer" {
			t.Fatalf("%+v %v", d, err)
		}
		// what somebody of the department lets pass counts there if it is the house's, not if it is another's for which he works too
		s.System("base.role_grant", map[string]any{"person": s.ID("xu"), "role": "clerk", "unit": other, "from": "2000-01-01"})
		s.Unit = other
		s.Do("li", "x.matter", s.Do("li", "x.matter", "", "create", map[string]any{"subject": "轴", "amount": "2"}).Record, "register", nil)
		s.Turn("2026-03-05 00:00:02")
		if d, err := s.E.Wall(ctx, s.Now, desk); err != nil || d.Today != 1 || d.Late != 2 { // the first was not his when it fell due
			t.Errorf("%+v %v", d, err)
		}
	})
}

func holderIn(c engine.Clock, unit string) bool {
	for _, h := range c.Holder {
		if h.Unit == unit {
			return true
		}
	}
	return false
}
