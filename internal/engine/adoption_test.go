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

// Ensure that the adopter is told which posts must sign and have nobody, and that the regulation is not adopted while one is empty that it
// says somebody holds; a holder in the company, above the unit or below it will do.
func TestAdoption_Seats(t *testing.T) {
	book := map[string]string{"x/rulebook.yaml": `
rulebook: {id: x, title: 试行 | Trial, version: "1.0", admin: boss}
role:
  boss: {label: 总经理 | General manager, holders: some}
  chief: {label: 主管 | Chief}
  clerk: {label: 办事员 | Clerk, holders: some}
form:
  claim:
    label: 报销单 | Claim
    state: {open: 待批 | Open, paid: {label: 已批 | Paid, final: true}}
    action: {approve: {label: 核决 | Decide, from: open, to: paid, by: approval(payment)}}
approval: {payment: {label: 付款核决 | Payment, sign: {all: [chief, boss]}}}
`}
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, testkit.Load(t, book), dsn, "2026-03-02 09:00")
		s.Unit = s.System("base.unit", map[string]any{"name": "works"})
		s.Person("he", "admin")
		shop := s.System("base.unit", map[string]any{"name": "shop", "parent": s.Unit})
		other := s.System("base.unit", map[string]any{"name": "other"})
		adopt := map[string]any{"unit": s.Unit, "book": "x", "version": "1.0", "from": "2026-03-02"}
		r := s.Refused("he", "base.adoption", "", "create", adopt)
		if r.Group != "require" || len(r.Items) != 1 || !strings.Contains(r.Items[0].Say.ZH, "“总经理”还没有人：要由他核签“付款核决”") {
			t.Errorf("refused by %s %v", r.Group, r.Items)
		}
		v, err := s.E.Book(context.Background(), s.Now, engine.Actor{Person: s.ID("he")}, "x")
		if err != nil || len(v.Roles) != 3 || len(v.Roles[0].Signs) != 1 || v.Roles[1].Signs[0].EN != "Payment" || len(v.Roles[2].Signs) != 0 {
			t.Fatalf("roles %+v, %v", v, err)
		}
		zong := s.Person("zong")
		s.Do("he", "base.role_grant", "", "create", map[string]any{"person": zong, "role": "boss", "unit": other, "from": "2026-01-01"})
		s.Refused("he", "base.adoption", "", "create", adopt)
		s.Do("he", "base.role_grant", "", "create", map[string]any{"person": zong, "role": "boss", "unit": shop, "from": "2026-01-01"})
		s.Do("he", "base.adoption", "", "create", adopt)
	})
}

// Ensure that two units side by side work by regulations of their own: a person files in the unit that adopted the book, though his place
// is in the other; the clock opens a duty in the name of its unit; and nobody sees or files what is the other's.
func TestAdoption_TwoUnits(t *testing.T) {
	books := map[string]string{}
	for _, id := range []string{"x", "y"} {
		books[id+"/rulebook.yaml"] = strings.ReplaceAll(`
rulebook: {id: ID, title: 试行 | Trial, version: "1.0", admin: admin}
role: {clerk: {label: 办事员 | Clerk}}
class: {inner: {label: 内部 | Inner, see: unit.members.has(me)}}
form:
  matter: {label: 事项 | Matter, class: inner, field: {subject: {label: 事由 | Subject, type: text}}}
ledger: {book: {label: 台账 | Book, unit: money, per: {person: person}, kind: {due: {is: add, label: 应付 | Due}}}}
report: {monthly: {label: 月表 | Sheet, every: 1mo, due: end + 5d, by: clerk, of: matter, row: each matter, column: {subject: {label: 事由 | Subject, is: it.subject}}}}
`, "ID", id)
	}
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, testkit.Load(t, books), dsn, "2026-03-02 09:00")
		top := s.System("base.unit", map[string]any{"name": "group"})
		units := map[string]string{}
		for _, id := range []string{"x", "y"} {
			s.Unit = s.System("base.unit", map[string]any{"name": "house " + id, "parent": top})
			units[id] = s.Unit
			s.Person("clerk-"+id, "clerk")
			s.System("base.adoption", map[string]any{"unit": s.Unit, "book": id, "version": "1.0", "from": "2026-03-01"})
		}
		s.Unit = units["x"]
		both := s.Person("both", "clerk")
		s.System("base.role_grant", map[string]any{"person": both, "role": "clerk", "unit": units["y"], "from": "2026-01-01"})
		made := map[string]string{}
		for _, id := range []string{"x", "y"} {
			made[id] = s.Do("both", id+".matter", "", "create", map[string]any{"subject": "法兰"}).Record
			if got := s.Column(s.E.Lib.Form(id+".matter").Table, made[id], "unit"); got != units[id] {
				t.Errorf("%s: filed in unit %s, not %s", id, got, units[id])
			}
		}
		ctx := context.Background()
		for _, who := range []struct {
			name string
			sees map[string]bool
		}{{"clerk-x", map[string]bool{"x": true}}, {"clerk-y", map[string]bool{"y": true}}, {"both", map[string]bool{"x": true, "y": true}}} {
			a := engine.Actor{Person: s.ID(who.name)}
			for id, record := range made {
				_, err := s.E.Record(ctx, s.Now, a, id+".matter", record)
				if (err == nil) != who.sees[id] {
					t.Errorf("%s and the matter of %s: %v", who.name, id, err)
				}
			}
			list, err := s.E.Ledgers(ctx, s.Now, a)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for _, l := range list {
				if l.ID == "book" {
					seen[l.Book] = true
				}
			}
			if len(seen) != len(who.sees) || seen["x"] != who.sees["x"] || seen["y"] != who.sees["y"] {
				t.Errorf("%s is shown the ledgers of %v", who.name, seen)
			}
		}
		s.Refused("clerk-x", "y.matter", "", "create", map[string]any{"subject": "法兰"})
		for _, id := range []string{"x", "y"} {
			if v, err := s.E.Ledger(ctx, s.Now, engine.Actor{Person: s.ID("both")}, "book", id, "", ""); err != nil || v.Book != id {
				t.Errorf("the ledger of %s: %+v, %v", id, v, err)
			}
		}
		if _, err := s.E.Ledger(ctx, s.Now, engine.Actor{Person: s.ID("both")}, "book", "", "", ""); err == nil || !strings.Contains(err.Error(), "say whose") {
			t.Errorf("a ledger two regulations have: %v", err)
		}
		s.Turn("2026-04-01 00:00:01")
		s.Turn("2026-05-01 00:00:01")
		for _, id := range []string{"x", "y"} {
			if n := s.Count(s.E.Lib.Form(id+".monthly").Table, "unit", units[id]); n != 2 {
				t.Errorf("%d reports of %s in two months", n, id)
			}
		}
	})
}
