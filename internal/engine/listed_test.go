package engine_test

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/rulebook"
	"zhanggui/internal/testkit"
	"zhanggui/rulebooks"
)

// twoBooks are two shipped regulations about one register of customers.
func twoBooks(t *testing.T) *rulebook.Library {
	t.Helper()
	files := map[string]string{}
	for _, book := range []string{"11-customer", "14-complaint"} {
		err := fs.WalkDir(rulebooks.FS, book, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.Contains(path, "/scenarios/") {
				return err
			}
			b, err := fs.ReadFile(rulebooks.FS, path)
			files[path] = string(b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return testkit.Load(t, files)
}

// about tells by which path a form refers to customers, directly or through one other record; "" if it does not.
func about(lib *rulebook.Library, f *rulebook.Form, deep bool) string {
	for _, x := range f.Fields {
		if x.Type.Form == "base.customer" && !strings.HasPrefix(x.Type.Name, "list") {
			return x.ID
		}
	}
	if deep {
		for _, x := range f.Fields {
			if to := lib.Form(x.Type.Form); to != nil && !strings.HasPrefix(x.Type.Name, "list") && to.Kept == "" && about(lib, to, false) != "" {
				return x.ID + "." + about(lib, to, false)
			}
		}
	}
	return ""
}

// settles are the acts that a listed customer leaves open: debts are collected and invoiced (what may be has a gate of its own),
// goods come back, what is under way is wound up, the lists themselves are kept, and everything can be read.
func settles(form, action string) bool {
	if slices.Contains([]string{"view", "print", "export", "reveal", "void"}, action) {
		return true
	}
	switch form {
	case "base.receivable", "base.invoice", "base.personal_request", "11.goods_return", "11.company_entry", "11.dept_entry", "11.incident", "11.settlement", "11.grade_change", "11.list_notice", "11.list_receipt", "11.executive_note", "11.terms_review", "11.claim", "11.list_report_row", "11.memo", "11.customer_need", "11.dept_list_row":
		return true
	case "11.account":
		return action == "clear" || action == "edit"
	}
	return strings.HasPrefix(form, "14.") // claims from old deals are settled under their own regulation
}

// Ensure that every act of every form that refers to a customer stands under the gate of the company's list, but for those that settle what is old.
func TestListed_EveryAct(t *testing.T) {
	lib := twoBooks(t)
	gate := lib.Book("11-customer").Gate("company_list")
	n := 0
	for _, b := range lib.Books {
		for _, f := range b.Forms {
			if f.Kept != "" || f.Key == "base.customer" || about(lib, f, true) == "" {
				continue
			}
			for _, a := range f.Actions {
				n++
				if shut := slices.Contains(gate.Acts, f.Key+"."+a.ID); shut == settles(f.Key, a.ID) {
					t.Errorf("%s.%s: under the gate: %v", f.Key, a.ID, shut)
				}
			}
		}
	}
	if n < 100 {
		t.Errorf("only %d acts were looked at", n)
	}
}

// Ensure that a listed customer is refused on every way in: a new record, one made out of another, a trial, an import, a machine's
// request, a step of what is under way, and the clock; and that his debt is collected, and another customer served, in the same hour.
func TestListed_EveryWay(t *testing.T) {
	lib := twoBooks(t)
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, lib, dsn, "2026-03-02 09:00")
		works := s.Company("works", "11-customer")
		s.System("base.adoption", map[string]any{"unit": works, "book": "14-complaint", "version": "1.0", "from": "2000-01-01"})
		tou := s.Person("tou")
		s.Unit = s.System("base.unit", map[string]any{"name": "一部", "parent": works, "head": tou})
		s.Person("xs", "sales", "clerk")
		bad := s.System("base.customer", map[string]any{"name": "康和", "trade": "retail", "uscc": "91350100M000100Y43"})
		good := s.System("base.customer", map[string]any{"name": "仁和", "trade": "retail"})
		product := s.System("base.product", map[string]any{"part_no": "P1", "name": "足板"})
		order := s.Do("xs", "base.sales_order", "", "create", map[string]any{"order_no": "SO1", "customer": bad}).Record
		quote := s.Do("xs", "11.quote", "", "create", map[string]any{"customer": bad, "amount": "1.00"}).Record
		debt := s.Do("xs", "base.receivable", "", "create", map[string]any{"customer": bad, "amount": "9.00", "due_on": "2026-01-01"}).Record
		dealer := s.System("base.customer", map[string]any{"name": "安和", "trade": "direct_dealer", "salesperson": s.ID("xs")})
		account := s.Do("xs", "11.account", "", "create", map[string]any{"customer": dealer, "dept": s.Unit}).Record
		s.System("11.company_entry", map[string]any{"customer": dealer, "reason": "拖欠"})
		entry := s.System("11.company_entry", map[string]any{"customer": bad, "uscc": "91350100M000100Y43", "reason": "拖欠"})

		listed := func(t *testing.T, what string, err error) {
			t.Helper()
			ref, ok := engine.AsRefusal(err)
			if !ok || !slices.ContainsFunc(ref.Items, func(r engine.Reason) bool { return r.Clause == "11-3.5b2" }) {
				t.Errorf("%s: %v", what, err)
			}
		}
		new := map[string]map[string]any{
			"11.quote":             {"amount": "1.00"},
			"11.sample_issue":      {"what": "足板"},
			"11.purchase_contract": {"contract_no": "HT1", "valid_from": "2026-03-02", "valid_until": "2026-12-31"},
			"11.account":           {"dept": s.Unit},
			"base.licence":         {"kind": "business", "licence_no": "A1", "valid_until": "2027-01-01", "scan": "x"},
			"base.sales_order":     {"order_no": "SO9"},
			"base.shipment":        {"sales_order": order, "product": product, "qty": "1", "shipped_on": "2026-03-02"},
			"base.lapse":           {"kind": "other", "happened_on": "2026-03-02"},
			"base.visit":           {"visited_on": "2026-03-02", "needs": "无", "changes": "无", "opinion": "无"},
		}
		t.Run("New", func(t *testing.T) {
			for _, b := range lib.Books {
				for _, f := range b.Forms {
					if f.Kept != "" || f.Key == "base.customer" || about(lib, f, false) == "" || settles(f.Key, "create") {
						continue
					}
					given, ok := new[f.Key]
					if !ok {
						t.Errorf("no way to make a %s is tried", f.Key)
						continue
					}
					values := map[string]any{about(lib, f, false): bad}
					for k, v := range given {
						values[k] = v
					}
					for _, origin := range []string{"web", "api", "import"} {
						for _, dry := range []bool{false, true} {
							if f.Key == "base.licence" && !dry {
								continue // its scan is a file that is not there
							}
							_, err := s.E.Do(context.Background(), s.Now, engine.Act{Form: f.Key, Action: "create", Values: values, Dry: dry, Actor: engine.Actor{Person: s.ID("xs"), Origin: origin}})
							if f.Key == "base.licence" {
								continue
							}
							listed(t, f.Key+" by "+origin, err)
						}
					}
				}
			}
		})
		t.Run("Import", func(t *testing.T) {
			im, _, err := s.E.Importer(context.Background(), s.Now, engine.Actor{Person: s.ID("xs")}, "11.quote")
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]int{"康和": 1, "仁和": 0} {
				_, wrong, err := im.Row(context.Background(), s.Now, "", []string{"customer", "amount"}, []string{name, "1.00"}, "", false)
				if err != nil || len(wrong) != want || want == 1 && wrong[0].Clause != "11-3.5b2" {
					t.Errorf("%s: %v %v", name, wrong, err)
				}
			}
		})
		t.Run("UnderWay", func(t *testing.T) {
			for what, id := range map[string]string{"11.quote.accept": quote, "11.quote.end_quote": quote, "base.sales_order.finish": order, "base.sales_order.edit": order} {
				i := strings.LastIndex(what, ".")
				_, err := s.Try("xs", what[:i], id, what[i+1:], map[string]any{})
				listed(t, what, err)
			}
		})
		t.Run("Clock", func(t *testing.T) {
			// An effect of another act is refused with it, and so is what would follow by itself.
			_, err := s.E.Do(context.Background(), s.Now, engine.Act{Form: "base.customer", Record: dealer, Action: "change_trade", Reason: "改为零售", Values: map[string]any{"new_trade": "retail"}, Actor: engine.Actor{Person: s.ID("xs"), Origin: "api"}})
			listed(t, "change_trade", err)
			_, err = s.E.Do(context.Background(), s.Now, engine.Act{Form: "base.customer", Record: dealer, Action: "edit", Values: map[string]any{"trade": "retail"}, Actor: engine.Actor{System: true, Origin: "system"}})
			listed(t, "edit", err)
			s.Turn("2026-03-03 09:00")
			if got := s.Column("f11_account", account, "state"); got != "pending" {
				t.Errorf("the clock moved the account to %s", got)
			}
		})
		t.Run("Debt", func(t *testing.T) {
			s.Do("xs", "base.receivable", debt, "collect", map[string]any{"collected": "9.00", "collected_on": "2026-03-03"})
			s.Turn("2026-03-03 09:05")
			if got := s.Column("base_receivable", debt, "state"); got != "paid" {
				t.Errorf("the debt is %s", got)
			}
			_, err := s.Try("xs", "base.invoice", "", "create", map[string]any{"invoice_no": "F9", "customer": bad, "amount": "1.00"})
			listed(t, "invoice", err)
			s.Do("xs", "11.goods_return", "", "create", map[string]any{"customer": bad, "what": "足板"})
			s.Do("xs", "11.quote", "", "create", map[string]any{"customer": good, "amount": "1.00"})
		})
		t.Run("OtherRegulation", func(t *testing.T) {
			for _, who := range []string{bad, good} {
				s.Do("xs", "14.complaint", "", "create", map[string]any{"customer": who})
			}
		})
		t.Run("Removed", func(t *testing.T) {
			s.System("11.list_notice", map[string]any{"customer": bad, "dept": s.Unit})
			zong := s.Person("zong")
			s.System("base.role_grant", map[string]any{"person": zong, "role": "marketing_head", "unit": works, "from": "2000-01-01"})
			s.Do("zong", "11.company_entry", entry, "remove", map[string]any{"removal_reason": "已付清"})
			s.Do("xs", "11.quote", quote, "accept", map[string]any{})
		})
	})
}
