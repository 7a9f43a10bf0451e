package engine_test

import (
	"context"
	"strings"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/testkit"
)

// Ensure that a number is found exactly and a check code however it is typed, that a paper older than its record is told,
// and that neither leads to a record one may not see.
func TestScan(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, "2026-03-02 09:00")
		away := s.System("base.unit", map[string]any{"name": "elsewhere"})
		id := matter(s, "10.00")
		s.Do("wang", "x.matter", id, "register", nil)
		matter(s, "20.00")
		scan := func(who, code string) []engine.Scanned {
			t.Helper()
			list, err := s.E.Scan(context.Background(), s.Now, engine.Actor{Person: s.ID(who)}, code)
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		paper := func() string {
			t.Helper()
			v, err := s.E.PrintPreview(context.Background(), s.Now, engine.Actor{Person: s.ID("wang")}, "x.matter", id, "")
			if err != nil {
				t.Fatal(err)
			}
			return v.Foot.Check
		}
		number := s.Column("fx_matter", id, "number")
		for _, code := range []string{number, " " + number + "\n"} {
			if got := scan("wang", code); len(got) != 1 || got[0].ID != id || got[0].Form != "x.matter" || got[0].Paper != "" {
				t.Errorf("%q: %v", code, got)
			}
		}
		for _, code := range []string{"", number[:3], number + "9", "法兰", "AAAA-BBBB-CCCC", strings.Repeat("z", 4000)} {
			if got := scan("wang", code); len(got) != 0 {
				t.Errorf("%.20q: %v", code, got)
			}
		}
		check := paper()
		for _, code := range []string{check, strings.ToLower(check), strings.ReplaceAll(check, "-", ""), strings.ReplaceAll(check, "-", " "), strings.ReplaceAll(check, "O", "0")} {
			if got := scan("wang", code); len(got) != 1 || got[0].ID != id || got[0].Paper != "same" {
				t.Errorf("%q: %v", code, got)
			}
		}
		if _, err := s.E.Do(context.Background(), s.Now, engine.Act{Form: "x.matter", Record: id, Action: "edit", Values: map[string]any{"subject": "法兰盘"}, Actor: engine.Actor{System: true}}); err != nil {
			t.Fatal(err)
		}
		if got := scan("wang", check); len(got) != 1 || got[0].Paper != "changed" {
			t.Errorf("an old paper: %v", got)
		}
		if paper() == check {
			t.Error("the check code did not change with the content")
		}
		s.Unit = away
		s.Person("stranger", "clerk")
		for _, code := range []string{number, check} {
			if got := scan("stranger", code); len(got) != 0 {
				t.Errorf("a stranger finds %v", got)
			}
		}
	})
}
