package scenario_test

import (
	"context"
	"strings"
	"testing"

	"zhanggui/internal/rulebook"
	"zhanggui/internal/scenario"
)

type m = map[string]any

// Ensure that the runner can fail: what is wrong in an expectation, and what the runner would not understand, is
// noticed and told, with where it was found; never passed over.
func TestPlay_Notices(t *testing.T) {
	lib := shop(t, nil)
	ctx := context.Background()
	bench, err := scenario.NewBench(ctx, lib)
	if err != nil {
		t.Fatal(err)
	}
	defer bench.Close()
	given := m{"people": m{"wang": "clerk@works", "ma": "chief@works"}, "is": m{"c": "matter.draft {subject: 法兰}"}}
	register := []any{m{"wang": "register c"}}
	is := func(is string) m { return m{"is": m{"c": is}} }
	holds := m{"is": m{"c.state": "draft"}}
	cases := []struct {
		name  string
		s     *rulebook.Scenario
		phase string
		want  string
	}{
		{"OK", &rulebook.Scenario{Given: given, When: register, Then: m{"is": m{"c.number": "260301"}}}, "", ""},
		// Expectations that are not met.
		{"number", &rulebook.Scenario{Given: given, When: register, Then: m{"is": m{"c.number": "260302"}}}, "expected", `c.number is "260301", should be "260302"`},
		{"that", &rulebook.Scenario{Given: given, Then: m{"that": []any{"c.state == 'open'"}}}, "expected", "is not so"},
		{"refused by another clause", &rulebook.Scenario{Given: given, When: []any{m{"ma": "register c", "refused": "s-4"}}}, "expected", "should be refused by s-4, but was refused (who): s-2"},
		{"refused by another group", &rulebook.Scenario{Given: given, When: []any{m{"ma": "register c", "refused": "state"}}}, "expected", "should be refused by state"},
		{"not refused", &rulebook.Scenario{Given: given, When: []any{m{"wang": "register c", "refused": "s-2"}}}, "expected", "but was done"},
		{"refused unasked", &rulebook.Scenario{Given: given, When: []any{m{"ma": "register c"}}}, "step", "step 1: register c: refused (who): s-2"},
		{"an effect too few", &rulebook.Scenario{Given: given, When: register, Then: m{"effects": []any{m{"do": "register c"}, m{"number": "c"}, m{"create": "row"}}}}, "expected", "there are 4 effects, should be 3"},
		{"an effect too many", &rulebook.Scenario{Given: given, When: register, Then: m{"effects": []any{m{"do": "register c"}, m{"number": "c"}, m{"create": "row"}, m{"clock": "close"}, m{"post": "x"}}}}, "expected", "there are 4 effects, should be 5"},
		{"effects out of order", &rulebook.Scenario{Given: given, When: register, Then: m{"effects": []any{m{"do": "register c"}, m{"create": "row"}, m{"number": "c"}, m{"clock": "close"}}}}, "expected", "effect 2 is"},
		{"effect with another value", &rulebook.Scenario{Given: given, When: register, Then: m{"some": []any{m{"create": "row", "with": m{"what": "泵"}}}}}, "expected", "no effect"},
		{"effect of another clause", &rulebook.Scenario{Given: given, When: register, Then: m{"some": []any{m{"create": "row", "clause": "s-1"}}}}, "expected", "no effect"},
		{"one effect for two", &rulebook.Scenario{Given: given, When: register, Then: m{"some": []any{m{"number": "c"}, m{"number": "c"}}}}, "expected", "no effect"},
		{"effect that never", &rulebook.Scenario{Given: given, When: register, Then: m{"never": []any{m{"create": "row"}}}}, "expected", "there should be no effect"},
		{"effects of a step before", &rulebook.Scenario{Given: given, When: []any{register[0], m{"wang": "register c", "refused": "state"}}, Then: m{"some": []any{m{"number": "c"}}}}, "expected", "no effect"},
		{"who may", &rulebook.Scenario{Given: given, Then: m{"who_may": m{"c": m{"register": []any{"ma"}}}}}, "expected", "may be done by [wang], should be [ma]"},
		{"may", &rulebook.Scenario{Given: given, Then: m{"may": m{"ma": []any{"register c"}}}}, "expected", "is not open to him"},
		{"may not", &rulebook.Scenario{Given: given, Then: m{"may_not": m{"wang": []any{"register c"}}}}, "expected", "is open to him"},
		{"sees", &rulebook.Scenario{Given: given, Then: m{"sees": m{"wang": m{"c.subject": "泵"}}}}, "expected", `wang sees c.subject as "法兰", should be "泵"`},
		// What means nothing, and would otherwise always hold.
		{"key of given", &rulebook.Scenario{Given: m{"peoples": m{}}, Then: holds}, "given", `does not know "peoples"`},
		{"key of then", &rulebook.Scenario{Given: given, Then: m{"iss": m{}}}, "step", `does not know "iss"`},
		{"key of a step", &rulebook.Scenario{Given: given, When: []any{m{"wang": "register c", "refuced": "s-2"}}}, "step", "who acts"},
		{"key of an effect", &rulebook.Scenario{Given: given, When: register, Then: m{"some": []any{m{"number": "c", "claus": "s-1"}}}}, "step", `does not know "claus"`},
		{"kind of an effect", &rulebook.Scenario{Given: given, When: register, Then: m{"some": []any{m{"nummer": "c"}}}}, "step", "does not know"},
		{"field of an effect", &rulebook.Scenario{Given: given, When: register, Then: m{"some": []any{m{"create": "row", "with": m{"wat": "x"}}}}}, "step", "has no field wat"},
		{"clause of a refusal", &rulebook.Scenario{Given: given, When: []any{m{"ma": "register c", "refused": "s-99"}}}, "step", "neither a clause nor"},
		{"person", &rulebook.Scenario{Given: given, When: []any{m{"li": "register c"}}}, "step", `"li" is nobody`},
		{"record", &rulebook.Scenario{Given: given, When: []any{m{"wang": "register d"}}}, "step", "there is no record d"},
		{"action of who may", &rulebook.Scenario{Given: given, Then: m{"who_may": m{"c": m{"registr": []any{}}}}}, "step", "has no action registr"},
		{"field of sees", &rulebook.Scenario{Given: given, Then: m{"sees": m{"wang": m{"c.subjekt": "x"}}}}, "step", "has no field subjekt"},
		{"path", &rulebook.Scenario{Given: given, Then: m{"is": m{"c.subjekt": "x"}}}, "step", "does not exist"},
		{"state", &rulebook.Scenario{Given: is("matter.nowhere"), Then: holds}, "given", "has no state nowhere"},
		{"field", &rulebook.Scenario{Given: is("matter {subjekt: x}"), Then: holds}, "given", "subjekt"},
		{"form", &rulebook.Scenario{Given: is("mater"), Then: holds}, "given", "there is no form mater"},
		{"reference", &rulebook.Scenario{Given: is("matter {partner: nobody}"), Then: holds}, "given", "there is no record nobody"},
		{"bool", &rulebook.Scenario{Given: is("matter {urgent: yes}"), Then: holds}, "given", "neither true nor false"},
		{"parameter", &rulebook.Scenario{Given: m{"values": m{"limmit": "1"}, "is": m{"c": "matter"}}, Then: holds}, "given", "there is no parameter limmit"},
		{"value of a parameter", &rulebook.Scenario{Given: m{"values": m{"limit": "much"}, "is": m{"c": "matter"}}, Then: holds}, "given", "limit"},
		{"rows of a parameter", &rulebook.Scenario{Given: m{"values": m{"pace": []any{m{"kind": "small", "day": "3d"}}}, "is": m{"c": "matter"}}, Then: holds}, "given", "pace"},
		{"rulebook", &rulebook.Scenario{Given: m{"adopts": m{"works": "shoppe"}}, Then: holds}, "given", "there is no rulebook shoppe"},
		{"time", &rulebook.Scenario{Given: given, When: []any{m{"clock": "tomorrow"}}}, "step", "is not a time"},
		{"time before", &rulebook.Scenario{Given: given, When: []any{m{"clock": "2026-03-01"}}}, "step", "turned back"},
		{"column without a place", &rulebook.Scenario{Given: given, When: register, Columns: []string{"x"}, Rows: [][]any{{"1"}}}, "given", "the column x is used nowhere"},
		{"place without a column", &rulebook.Scenario{Given: given, When: []any{m{"wang": "register c", "reason": "{why}"}}}, "given", "{why}"},
		{"two columns one key", &rulebook.Scenario{Given: given, When: []any{m{"{a}": "register c", "{b}": "register c"}}, Columns: []string{"a", "b"}, Rows: [][]any{{"wang", "wang"}}}, "given", "stands twice"},
		{"each", &rulebook.Scenario{Each: "item in checklist.manner", Given: given, Then: holds}, "given", "there is no checklist manner"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.s.Name, c.s.Book = c.name, lib.Book("shop")
			r := bench.Play(ctx, c.s, nil)[0]
			if (c.want == "") != (r.Failed == "") || !strings.Contains(r.Failed, c.want) || r.Phase != c.phase {
				t.Fatalf("%s %q, want %s %q", r.Phase, r.Failed, c.phase, c.want)
			}
		})
	}
}

// Ensure that doubtful clauses sleep as shipped, and are woken by the scenario that lists or proves them.
func TestPlay_Legal(t *testing.T) {
	lib := shop(t, nil)
	given := m{"now": "2026-03-02 09:00", "people": m{"wang": "clerk@works", "zong": "boss@works"}, "is": m{"c": "matter.open"}}
	late := []any{m{"clock": "+5d"}}
	for name, c := range map[string]struct {
		legal   []any
		clauses []string
		n       int64
	}{"asleep": {nil, nil, 0}, "listed": {[]any{"s-6"}, nil, 1}, "proven": {nil, []string{"s-6"}, 1}} {
		t.Run(name, func(t *testing.T) {
			g := m{"legal": c.legal}
			for k, v := range given {
				g[k] = v
			}
			if c.legal == nil {
				delete(g, "legal")
			}
			s := &rulebook.Scenario{Name: name, Book: lib.Book("shop"), Clauses: c.clauses, Given: g, When: late, Then: m{"is": m{"count.sanction": c.n}}}
			all, err := scenario.Run(context.Background(), lib, s, scenario.Options{})
			if err != nil || all[0].Failed != "" {
				t.Fatal(err, all[0].Failed)
			}
		})
	}
}

// Ensure what a seed may say: records it must refer to are made, others on the spot; stamps at their own times; the
// company's values in every form.
func TestPlay_Given(t *testing.T) {
	lib := shop(t, nil)
	s := &rulebook.Scenario{Name: "given", Book: lib.Book("shop"), Given: m{
		"now":    "2026-03-10 09:00",
		"people": m{"wang": "clerk@一部", "du": "staff@works", "tou": "[chief, head]@一部"},
		"values": m{"limit": "20000", "share": "20", "pace": []any{m{"kind": "small", "days": "30d"}, m{"kind": "big", "days": "60d"}}},
		"is": m{
			"a": "matter.open {partner: {name: 泰和, country: SE}, register: 2026-03-02 10:00, unit: 一部, by: wang}",
			"b": "3 * matter.draft {kind: big, at: 2026-02-01 08:00}",
		},
	}, Then: m{
		"is": m{"count.partner": int64(4), "count.matter": int64(4), "a.partner.name": "泰和", "a.abroad": true, "b.abroad": false, "a.done.register.at": "2026-03-02 10:00",
			"a.done.register.by": "wang", "a.due.close": "2026-04-01 24:00", "a.unit": "一部", "a.by": "wang", "b.2.kind": "big", "b.3.at": "2026-02-01 08:00", "a.unit.head": "tou", "b.number": "none"},
		"that": []any{"param.limit == money('20000')", "param.share == pct('20')", "!chief.has(du) && chief.has(tou)"},
	}}
	all, err := scenario.Run(context.Background(), lib, s, scenario.Options{})
	if err != nil || all[0].Failed != "" {
		t.Fatal(err, all[0].Failed)
	}
}
