package engine_test

import (
	"context"
	"strings"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/testkit"
)

// Ensure that a unit which has not adopted a regulation is neither offered its forms nor let in by any other way,
// up to the evening before it is in force and from the day after its last.
func TestAdoption_Binds(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, testkit.Load(t, shopBook), dsn, "2026-03-31 23:59")
		s.Unit = s.System("base.unit", map[string]any{"name": "works"})
		s.Person("wang", "clerk")
		s.Person("he", "admin")
		offered := func() bool {
			t.Helper()
			list, err := s.E.Forms(context.Background(), s.Now, engine.Actor{Person: s.ID("wang")})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range list {
				if f.Key == "x.matter" {
					return f.CanCreate
				}
			}
			return false
		}
		closed := func(when string) {
			t.Helper()
			r := s.Refused("wang", "x.matter", "", "create", map[string]any{"subject": "法兰"})
			if r.Group != "state" || !strings.Contains(r.Items[0].Say.ZH, "没有采用") || offered() {
				t.Errorf("%s: refused by %s %v, offered %v", when, r.Group, r.Items, offered())
			}
		}
		closed("nobody adopted it")
		adopt := func(values map[string]any) map[string]any {
			v := map[string]any{"unit": s.Unit, "book": "x", "version": "1.0", "from": "2026-04-01", "reason": "试行"}
			for k, x := range values {
				v[k] = x
			}
			return v
		}
		first := s.Do("he", "base.adoption", "", "create", adopt(map[string]any{"until": "2026-04-30"})).Record
		closed("the evening before")
		s.Now = testkit.At(t, "2026-04-01 00:00")
		if !offered() {
			t.Error("not offered on the first day")
		}
		matter(s, "5000")
		s.Now = testkit.At(t, "2026-04-30 23:59")
		matter(s, "5000") // the last day is in force whole
		s.Now = testkit.At(t, "2026-05-01 00:00")
		closed("the day after the last")

		// Twice at a time is once too often; one after the other, or by another unit, is not.
		overlap := func(values map[string]any) {
			t.Helper()
			if r := s.Refused("he", "base.adoption", "", "create", adopt(values)); !strings.Contains(r.Items[0].Say.ZH, "已经采用") {
				t.Errorf("%v: %v", values, r.Items)
			}
		}
		overlap(nil)
		overlap(map[string]any{"from": "2026-04-30"})
		overlap(map[string]any{"from": "2026-03-01"})
		overlap(map[string]any{"from": "2026-03-01", "until": "2026-04-01"})
		s.Do("he", "base.adoption", "", "create", adopt(map[string]any{"from": "2026-03-01", "until": "2026-03-31"}))
		s.Do("he", "base.adoption", "", "create", adopt(map[string]any{"from": "2026-05-01"}))
		s.Do("he", "base.adoption", "", "create", adopt(map[string]any{"unit": s.System("base.unit", map[string]any{"name": "other"})}))
		if r := s.Refused("he", "base.adoption", first, "edit", map[string]any{"until": "2026-05-01"}); !strings.Contains(r.Items[0].Say.ZH, "已经采用") {
			t.Errorf("edit: %v", r.Items)
		}
		s.Refused("he", "base.adoption", first, "edit", map[string]any{"until": "2026-03-31"})
		s.Refused("wang", "base.adoption", "", "create", adopt(map[string]any{"from": "2027-01-01"}))
	})
}
