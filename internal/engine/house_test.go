package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/fault"
	"zhanggui/internal/testkit"
)

// houseBooks are two regulations, each of a house of its own.
var houseBooks = map[string]string{
	"x/rulebook.yaml": "rulebook: {id: x, short: x, title: 甲规矩 | Rules of one, source: test, version: \"1.0\", admin: admin}\nrole: {keeper: {label: 管账 | Keeper}}\n",
	"x/clauses.yaml":  "x-1: {kind: record, zh: 登, en: Filed}\n",
	"x/slip.yaml":     "form: {slip: {label: 甲单 | Slip, clause: x-1, field: {note: {label: 记 | Note, type: text}}}}\n",
	"y/rulebook.yaml": "rulebook: {id: y, short: y, title: 乙规矩 | Rules of another, source: test, version: \"1.0\", admin: admin}\nrole: {clerk: {label: 办事员 | Clerk}}\n",
	"y/clauses.yaml":  "y-1: {kind: record, zh: 登, en: Filed}\n",
	"y/slip.yaml":     "form: {slip: {label: 乙单 | Slip, clause: y-1, field: {note: {label: 记 | Note, type: text}}}}\n",
}

// Ensure that in a group the papers of one house are not seen in another: not in the register, by searching, around the customer or by their
// address; that the customer is, and the papers by whoever works in both, in neither, above them, or audits.
func TestHouse(t *testing.T) { testkit.Databases(t, housesOn) }

func housesOn(t *testing.T, dsn string) {
	s := testkit.Open(t, testkit.Load(t, houseBooks), dsn, "2026-03-02 09:00")
	group := s.System("base.unit", map[string]any{"name": "集团", "kind": "company"})
	house := func(name, book string) string {
		s.Unit = s.System("base.unit", map[string]any{"name": name, "parent": group, "kind": "subsidiary"})
		s.System("base.adoption", map[string]any{"unit": s.Unit, "book": book, "version": "1.0", "from": "2000-01-01"})
		return s.Unit
	}
	one := house("甲厂", "x")
	s.Person("wang", "keeper")
	s.Person("both")
	s.Unit = s.System("base.unit", map[string]any{"name": "甲厂一部", "parent": one})
	s.Person("zhou")
	other := house("乙厂", "y")
	s.Person("li", "clerk")
	s.System("base.role_grant", map[string]any{"person": s.ID("both"), "role": "clerk", "unit": other, "from": "2000-01-01"})
	s.System("base.role_grant", map[string]any{"person": s.Person("whole"), "role": "keeper", "from": "2000-01-01"})
	s.Unit = s.System("base.unit", map[string]any{"name": "集团财务部", "parent": group})
	s.Person("staff")
	s.Unit = other
	s.System("base.role_grant", map[string]any{"person": s.Person("jian"), "role": "auditor", "from": "2000-01-01"})
	customer := s.Do("wang", "base.customer", "", "create", map[string]any{"name": "泰和泵业"}).Record
	invoice := s.Do("wang", "base.invoice", "", "create", map[string]any{"invoice_no": "26030011", "customer": customer, "amount": "12000.00"}).Record
	theirs := s.Do("li", "base.invoice", "", "create", map[string]any{"invoice_no": "26030022", "customer": customer, "amount": "9.00"}).Record
	inPart := s.Do("zhou", "base.visit", "", "create", map[string]any{"customer": customer, "visited_on": "2026-03-02"}).Record
	atTop := s.System("base.invoice", map[string]any{"invoice_no": "26030033", "customer": customer, "amount": "1.00"})

	// That a number is taken is told, and nothing of whose paper has it.
	_, err := s.Try("li", "base.invoice", "", "create", map[string]any{"invoice_no": "26030011", "customer": customer, "amount": "1.00"})
	said := fmt.Sprint(err)
	if ref, ok := engine.AsRefusal(err); ok {
		said += fmt.Sprintf("%+v", *ref)
	}
	if err == nil || strings.Contains(said, invoice) || strings.Contains(said, "泰和") || strings.Contains(said, "12000") || strings.Contains(said, "甲厂") {
		t.Errorf("a number that is taken in the other house: %v", err)
	}
	for id, want := range map[string]string{"base.invoice " + theirs: "乙厂", "base.visit " + inPart: "甲厂", "base.invoice " + atTop: "集团"} { // whose letterhead a paper has
		form, record, _ := strings.Cut(id, " ")
		if paper, err := s.E.Print(t.Context(), s.Now, engine.Actor{Person: s.ID("jian"), Origin: "api"}, form, record, ""); err != nil || paper.Company != want {
			t.Errorf("%s is printed by %v, not %s (%v)", form, paper, want, err)
		}
	}
	for who, want := range map[string][]string{"wang": {invoice}, "zhou": {invoice}, "li": {theirs}, "both": {invoice, theirs}, "whole": {invoice, theirs}, "staff": {invoice, theirs}, "jian": {invoice, theirs}} {
		actor := engine.Actor{Person: s.ID(who), Origin: "api"}
		want = append(slices.Clone(want), atTop)
		slices.Sort(want)
		page, err := s.E.List(t.Context(), s.Now, actor, engine.ListQuery{Form: "base.invoice"})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range page.Rows {
			got = append(got, r.ID)
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s lists %d invoices, not %d", who, len(got), len(want))
		}
		for id, number := range map[string]string{invoice: "26030011", theirs: "26030022"} {
			sees := slices.Contains(want, id)
			if _, err := s.E.Record(t.Context(), s.Now, actor, "base.invoice", id); sees != (err == nil) || err != nil && fault.KindOf(err) != fault.NotFound {
				t.Errorf("%s opens %s: %v", who, number, err)
			}
			res, err := s.E.Search(t.Context(), s.Now, actor, number)
			if err != nil {
				t.Fatal(err)
			}
			if found := slices.ContainsFunc(res.Groups, func(g engine.HitGroup) bool {
				return slices.ContainsFunc(g.Hits, func(h engine.Hit) bool { return h.Form == "base.invoice" })
			}); found != sees {
				t.Errorf("%s finds %s: %v", who, number, found)
			}
		}
		if _, err := s.E.Record(t.Context(), s.Now, actor, "base.customer", customer); err != nil {
			t.Errorf("%s does not see the customer: %v", who, err)
		}
	}
}
