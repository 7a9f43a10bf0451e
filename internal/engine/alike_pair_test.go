package engine_test

import (
	"context"
	"fmt"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/testkit"
)

// Ensure that a register is looked through part by part for what may be the same, that each pair is told once, and neither one that
// somebody said is not, nor one that was merged, nor by a telephone that the reader does not see.
func TestAlikePairs(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := openMerger(t, dsn)
		s.Person("look")
		pairs := func(who string) (n, parts int, all []engine.AlikePair) {
			t.Helper()
			cursor := ""
			for {
				v, err := s.E.AlikePairs(context.Background(), s.Now, engine.Actor{Person: s.ID(who)}, "x.firm", cursor)
				if err != nil {
					t.Fatal(err)
				}
				all, n = append(all, v.Pairs...), n+v.Looked
				if parts++; v.Next == "" {
					return n, parts, all
				}
				cursor = v.Next
			}
		}
		a := s.firm("wang", "泰和泵业有限公司", map[string]any{"phone": "13800000417"})
		for i := range 60 {
			s.firm("wang", fmt.Sprintf("%c%c商行", 0x4e00+37*i, 0x5e00+91*i), nil)
		}
		b := s.firm("wang", "太和泵业", nil)
		c := s.firm("wang", "仁和", map[string]any{"phone": "13800000417"})
		n, parts, all := pairs("wang")
		if n != 63 || parts != 2 || len(all) != 2 {
			t.Fatalf("%d records, %d parts, %+v", n, parts, all)
		}
		if x := all[0]; x.One.ID == x.Other.ID || len(x.Other.Why) == 0 {
			t.Errorf("%+v", x)
		}
		if _, _, all := pairs("look"); len(all) != 1 {
			t.Errorf("by what is masked: %+v", all)
		}
		s.Do("wang", "x.firm", b, "set_apart", map[string]any{"apart": []any{a}})
		if _, _, all := pairs("wang"); len(all) != 1 {
			t.Errorf("said apart: %+v", all)
		}
		if _, err := s.merge("wang", c, a); err != nil {
			t.Fatal(err)
		}
		if _, _, all := pairs("wang"); len(all) > 0 {
			t.Errorf("merged: %+v", all)
		}
		if _, err := s.E.AlikePairs(context.Background(), s.Now, engine.Actor{Person: s.ID("wang")}, "x.paper", ""); fault.KindOf(err) != fault.NotFound {
			t.Errorf("%v", err)
		}
	})
}
