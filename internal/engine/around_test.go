package engine_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/testkit"
)

// Ensure that a customer's page tells what the regulations relate to him, by way of a department's own account too; that it counts, sums
// and lists for each reader what he may see and nothing else; that what a list forbids is named with its clause before it is tried.
func TestAround(t *testing.T) {
	lib := twoBooks(t)
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, lib, dsn, "2026-03-02 09:00")
		works := s.Company("works", "11-customer")
		s.System("base.adoption", map[string]any{"unit": works, "book": "14-complaint", "version": "1.0", "from": "2000-01-01"})
		first := s.System("base.unit", map[string]any{"name": "一部", "parent": works})
		second := s.System("base.unit", map[string]any{"name": "二部", "parent": works})
		for _, p := range []struct{ name, unit, role string }{{"xs", first, "sales"}, {"er", second, "sales"}, {"ke", works, "clerk"}} {
			s.Unit = p.unit
			s.Person(p.name, p.role)
		}
		s.Unit = first
		c := s.Do("xs", "base.customer", "", "create", map[string]any{"name": "安和", "trade": "direct_dealer", "salesperson": s.ID("xs")}).Record
		other := s.Do("xs", "base.customer", "", "create", map[string]any{"name": "仁和", "trade": "retail"}).Record
		account := s.Do("xs", "11.account", "", "create", map[string]any{"customer": c, "dept": first}).Record
		foreign := s.Do("er", "11.account", "", "create", map[string]any{"customer": c, "dept": second}).Record
		for i := range 25 {
			s.Do("xs", "base.receivable", "", "create", map[string]any{"customer": c, "amount": fmt.Sprintf("%d.10", i), "due_on": "2026-05-01"})
		}
		s.Do("xs", "base.receivable", "", "create", map[string]any{"customer": other, "amount": "77.00", "due_on": "2026-05-01"})
		s.Do("xs", "11.issue", "", "create", map[string]any{"account": account, "kind": "payment", "what": "两次付款晚了"})

		ctx := context.Background()
		around := func(who, id string) *engine.Around {
			t.Helper()
			v, err := s.E.Around(ctx, s.Now, engine.Actor{Person: s.ID(who)}, "base.customer", id)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		groupOf := func(v *engine.Around, form string) *engine.AroundGroup {
			for i := range v.Groups {
				if v.Groups[i].Form == form {
					return &v.Groups[i]
				}
			}
			return nil
		}
		walk := func(who string, q engine.TimelineQuery) (list []engine.TimelineEvent) {
			t.Helper()
			for {
				p, err := s.E.Timeline(ctx, s.Now, engine.Actor{Person: s.ID(who)}, "base.customer", c, q)
				if err != nil {
					t.Fatal(err)
				}
				if list = append(list, p.Rows...); p.Next == "" || len(list) > 200 {
					return list
				}
				q.Cursor = p.Next
			}
		}
		t.Run("OK", func(t *testing.T) {
			v := around("xs", c)
			if g := groupOf(v, "base.receivable"); g == nil || g.Total != 25 || g.Sum == nil || g.Sum.Value != "302.50" || g.Field != "customer" {
				t.Errorf("receivables: %+v", g)
			}
			if g := groupOf(v, "11.issue"); g == nil || g.Total != 1 || g.Field != "account" {
				t.Errorf("by way of the account: %+v", g)
			} else if page, err := s.E.List(ctx, s.Now, engine.Actor{Person: s.ID("xs")}, engine.ListQuery{Form: g.Form, Filter: g.Filter}); err != nil || len(page.Rows) != 1 {
				t.Errorf("its register: %v %v", page, err)
			}
			if len(v.Parts) != 1 || v.Parts[0].Row.ID != account {
				t.Errorf("parts: %+v", v.Parts)
			}
			if !slices.ContainsFunc(v.Opens, func(o engine.OpenRef) bool { return o.Form == "base.visit" }) {
				t.Errorf("opens: %+v", v.Opens)
			}
			if got := groupOf(around("xs", other), "11.issue"); got != nil {
				t.Errorf("another's: %+v", got)
			}
		})
		t.Run("Timeline", func(t *testing.T) {
			whole := walk("xs", engine.TimelineQuery{Limit: 100})
			seen := map[string]bool{}
			for i, x := range whole {
				if seen[x.ID] || i > 0 && x.At > whole[i-1].At {
					t.Errorf("%d: %+v", i, x)
				}
				seen[x.ID] = true
			}
			if n := len(walk("xs", engine.TimelineQuery{Form: "base.receivable"})); n != 25 {
				t.Errorf("%d receivables", n)
			}
			if !slices.ContainsFunc(whole, func(x engine.TimelineEvent) bool { return x.Record == account && x.Kind == "act" }) {
				t.Error("nothing of the account")
			}
			for _, limit := range []int{1, 7} {
				if small := walk("xs", engine.TimelineQuery{Limit: limit}); len(small) != len(whole) || !slices.EqualFunc(small, whole, func(a, b engine.TimelineEvent) bool { return a.ID == b.ID }) {
					t.Errorf("by %d: %d events, not %d", limit, len(small), len(whole))
				}
			}
		})
		t.Run("Sees", func(t *testing.T) {
			for _, p := range around("er", c).Parts {
				if p.Row.ID != foreign {
					t.Errorf("er sees %+v", p)
				}
			}
			for _, x := range walk("er", engine.TimelineQuery{}) {
				if x.Record == account || x.Form == "11.issue" {
					t.Errorf("er sees %+v", x)
				}
			}
			if page, err := s.E.List(ctx, s.Now, engine.Actor{Person: s.ID("er")}, engine.ListQuery{Form: "11.account"}); err != nil || len(page.Rows) != 1 || page.Rows[0].ID != foreign {
				t.Errorf("er's register: %v %v", page, err)
			}
			v := around("ke", c)
			if len(v.Parts) > 0 || groupOf(v, "11.account") != nil || groupOf(v, "11.issue") != nil || groupOf(v, "base.receivable") == nil {
				t.Errorf("ke sees %+v", v)
			}
			for _, x := range walk("ke", engine.TimelineQuery{}) {
				if x.Record != c && x.Form != "base.receivable" {
					t.Errorf("ke sees %+v", x)
				}
			}
		})
		t.Run("Listed", func(t *testing.T) {
			listed := func() (list []string) {
				for _, b := range around("xs", c).Blocked {
					if slices.ContainsFunc(b.Problem.Items, func(i engine.ProblemItem) bool { return i.Clause == "11-3.5b2" }) {
						list = append(list, b.Form)
					}
				}
				return list
			}
			if got := listed(); len(got) > 0 {
				t.Errorf("before: %v", got)
			}
			s.System("11.company_entry", map[string]any{"customer": c, "reason": "拖欠"})
			if got := listed(); !slices.Contains(got, "11.quote") || !slices.Contains(got, "base.sales_order") || slices.Contains(got, "base.receivable") {
				t.Errorf("after: %v", got)
			}
			if slices.ContainsFunc(around("xs", c).Opens, func(o engine.OpenRef) bool { return o.Form == "11.quote" }) {
				t.Error("a quotation is offered")
			}
		})
		t.Run("ErrCursor", func(t *testing.T) {
			for _, cursor := range []string{"?", "eA", "x"} {
				if _, err := s.E.Timeline(ctx, s.Now, engine.Actor{Person: s.ID("xs")}, "base.customer", c, engine.TimelineQuery{Cursor: cursor}); fault.KindOf(err) != fault.Invalid {
					t.Errorf("%q: %v", cursor, err)
				}
			}
		})
	})
}
