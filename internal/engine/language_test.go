package engine_test

import (
	"cmp"
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/testkit"
)

// hard is the rulebook of one of the language's hard cases, without its scenarios.
func hard(t *testing.T, name string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, f := range []string{"rulebook.yaml", "clauses.yaml"} {
		b, err := os.ReadFile("../scenario/testdata/lang/" + name + "/" + f)
		if err != nil {
			t.Fatal(err)
		}
		files[name+"/"+f] = string(b)
	}
	return files
}

// Ensure that segments split and join on both databases, and that what one does not hold cannot be handed on.
func TestSegments(t *testing.T) {
	lib := testkit.Load(t, hard(t, "49-segments"))
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, lib, dsn, "2026-03-02 09:00")
		s.Company("works", "49-segments")
		s.Person("guan", "keeper")
		depot := s.Do("guan", "49.holder", "", "create", map[string]any{"name": "库房"}).Record
		kang := s.Do("guan", "49.holder", "", "create", map[string]any{"name": "康"}).Record
		print := s.Do("guan", "49.waybill_print", "", "create", map[string]any{"range": map[string]any{"first": "A001", "last": "A100"}, "receiver": depot}).Record
		s.Do("guan", "49.waybill_print", print, "print", nil)
		issue := func(from, to, first, last string, qty int) string {
			return s.Do("guan", "49.waybill_issue", "", "create", map[string]any{"giver": from, "receiver": to, "range": map[string]any{"first": first, "last": last}, "qty": qty}).Record
		}
		sign := map[string]any{"signature": s.ID("guan")}
		s.Do("guan", "49.waybill_issue", issue(depot, kang, "A041", "A060", 20), "issue", sign)
		s.Do("guan", "49.waybill_issue", issue(kang, depot, "A051", "A060", 10), "issue", sign)
		if r := s.Refused("guan", "49.waybill_issue", issue(kang, depot, "A050", "A051", 2), "issue", sign); r.Group != "ledger" {
			t.Errorf("refused by %s", r.Group)
		}
		for holder, want := range map[string]string{depot: "A001–A040 A051–A100", kang: "A041–A050"} {
			got, err := s.E.HeldBy(context.Background(), "49-segments", "waybills", holder)
			if err != nil || strings.Join(got, " ") != want {
				t.Errorf("holds %v, should hold %s: %v", got, want, err)
			}
		}
		trace, err := s.E.Trace(context.Background(), s.Now, "49-segments", "waybills", "A055")
		if err != nil || len(trace) != 3 || trace[2].To != depot {
			t.Errorf("trace %v: %v", trace, err)
		}
	})
}

// Ensure that a set whose base shrinks below its members is told of once, on both databases.
func TestQuotaOver(t *testing.T) {
	lib := testkit.Load(t, hard(t, "53-share"))
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, lib, dsn, "2026-03-02 09:00")
		unit := s.Company("works", "53-share")
		s.Person("ying", "marketing")
		head := engine.Act{Form: "base.unit", Record: unit, Action: "edit", Values: map[string]any{"head": s.ID("ying")}, Actor: engine.Actor{System: true}}
		if _, err := s.E.Do(context.Background(), s.Now, head); err != nil {
			t.Fatal(err)
		}
		var all []string
		for range 14 {
			all = append(all, s.Do("ying", "53.grading", "", "create", map[string]any{"dept": unit, "variety": "铁"}).Record)
		}
		s.Do("ying", "53.grading", all[0], "grant_vip", nil)
		s.Do("ying", "53.grading", all[1], "grant_vip", nil)
		if r := s.Refused("ying", "53.grading", all[2], "grant_vip", nil); r.Group != "quota" {
			t.Errorf("refused by %s", r.Group)
		}
		s.Do("ying", "53.grading", all[3], "blacklist", nil)
		s.Do("ying", "53.grading", all[4], "blacklist", nil)
		if n := s.Count("f53_excess", "state", "open"); n != 1 {
			t.Errorf("told %d times", n)
		}
	})
}

// Ensure that the silence of signers is settled once, by the engine that comes up after the one that saw them asked.
func TestSilence_Restart(t *testing.T) {
	lib := testkit.Load(t, hard(t, "36-silence"))
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, lib, dsn, "2026-03-02 09:00")
		s.Company("works", "36-silence")
		s.Person("li", "sales")
		s.Person("mei", "market")
		d := s.Do("li", "t.decision", "", "create", map[string]any{"what": "本月计划"}).Record
		var err error
		if s.E, err = engine.New(s.DB, lib, engine.Options{Keep: s.Keep}); err != nil {
			t.Fatal(err)
		}
		s.Turn("2026-03-05 24:00")
		if got := s.Column("ft_decision", d, "state"); got != "heard" {
			t.Errorf("at the last instant it is %s", got)
		}
		s.Turn("2026-03-06 00:00:01")
		if got := s.Column("ft_decision", d, "state"); got != "taken" {
			t.Errorf("a second later it is %s", got)
		}
		if n := s.Turn("2026-04-06 00:00:01"); n != 0 {
			t.Errorf("the clock did %d more", n)
		}
		if n := s.Count("base_signature", "state", "unanswered"); n != 2 {
			t.Errorf("%d seats are noted as unanswered", n)
		}
	})
}

// Ensure that of twenty takings at once only what is in store leaves it, and that each account of a month is closed once, on both databases.
func TestLedger_Balance(t *testing.T) {
	lib := testkit.Load(t, hard(t, "37-expense"))
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, lib, dsn, "2026-03-02 09:00")
		s.Company("works", "37-expense")
		s.Person("lin", "buyer")
		item := s.Do("lin", "37.stock_item", "", "create", map[string]any{"name": "铜"}).Record
		in := s.Do("lin", "37.movement", "", "create", map[string]any{"item": item, "qty": "7.5"}).Record
		s.Do("lin", "37.movement", in, "receive", nil)
		var all []string
		for range 20 {
			all = append(all, s.Do("lin", "37.movement", "", "create", map[string]any{"item": item, "qty": "1"}).Record)
		}
		if n := s.AtOnce(all, func(id string) error {
			_, err := s.Try("lin", "37.movement", id, "hand_out", nil)
			return err
		}); n != 7 {
			t.Errorf("%d of 7.5 left the store", n)
		}
		s.Turn("2026-03-02 10:00")
		for _, name := range []string{"ren", "gui", "xin"} {
			id := s.Person(name)
			s.Do("lin", "37.receipt", "", "create", map[string]any{"buyer": id, "tons": 2})
		}
		s.Turn("2026-06-02 10:00")
		if n := s.Count("base_posting", "kind", "share"); n != 3 {
			t.Errorf("%d accounts were closed, should be 3", n)
		}
	})
}

// Ensure that of twenty who ask at once for what a rank allows, each is judged by the order the one before him left, on both databases.
func TestRank_AtOnce(t *testing.T) {
	lib := testkit.Load(t, hard(t, "35-rank"))
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, lib, dsn, "2026-03-02 09:00")
		s.Company("works", "35-rank")
		s.Person("an", "office")
		var all []string
		for i := range 20 {
			all = append(all, s.Do("an", "35.applicant", "", "create", map[string]any{"grade": i % 3, "came_at": "2026-03-01T08:00:00+08:00"}).Record)
		}
		served := 0
		for range 3 {
			n := s.AtOnce(all, func(id string) error {
				_, err := s.Try("an", "35.applicant", id, "serve", nil)
				return err
			})
			if served += n; n == 0 {
				t.Error("nobody was the first")
			}
		}
		if n := s.Count("f35_applicant", "state", "served"); n != served {
			t.Errorf("%d were told that they are served, and %d are", served, n)
		}
		grade := func(id string) string { return s.Column("f35_applicant", id, "grade") }
		slices.SortFunc(all, func(a, b string) int { return cmp.Or(cmp.Compare(grade(b), grade(a)), cmp.Compare(a, b)) })
		for i, id := range all {
			if is := s.Column("f35_applicant", id, "state") == "served"; is != (i < served) {
				t.Errorf("number %d of the queue: served %v, though %d were", i+1, is, served)
			}
		}
	})
}

// Ensure that of twenty who join at once only as many do as the base allows, on both databases.
func TestQuota_AtOnce(t *testing.T) {
	lib := testkit.Load(t, hard(t, "53-elsewhere"))
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, lib, dsn, "2026-03-02 09:00")
		s.Company("works", "53-elsewhere")
		s.Person("an", "hr")
		for range 17 {
			s.Do("an", "53.account", "", "create", map[string]any{"region": "东"})
		}
		if n := s.AtOnce(make([]string, 20), func(string) error {
			_, err := s.Try("an", "53.specialist", "", "create", map[string]any{"region": "东"})
			return err
		}); n != 3 {
			t.Errorf("%d joined, and 3 may", n)
		}
	})
}
