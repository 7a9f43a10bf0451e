package api_test

import (
	"fmt"
	"strings"
	"testing"

	"zhanggui/internal/testkit"
)

// Ensure that one action on many records is an act on each: done or refused by itself, once by its key.
func TestBulk(t *testing.T) { testkit.Databases(t, bulkOn) }

func bulkOn(t *testing.T, dsn string) {
	s := openOn(t, dsn)
	wang, ma, lone := s.signIn("wang"), s.signIn("ma"), s.signIn("lone")
	const path = "/api/form/x.matter/bulk/register"
	var records []any
	var ids []string
	for i := range 5 {
		v := map[string]any{"subject": fmt.Sprint("第 ", i)}
		if i != 2 {
			v["amount"] = "100.00"
		}
		ids = append(ids, wang.file(v))
		records = append(records, map[string]any{"id": ids[i]})
	}
	t.Run("ErrWhole", func(t *testing.T) {
		before := s.digest()
		wang.do("POST", path, map[string]any{"records": []any{}}).want(400)
		many := make([]any, 201)
		for i := range many {
			many[i] = map[string]any{"id": fmt.Sprint(i)}
		}
		wang.do("POST", path, map[string]any{"records": many}).want(400)
		if p := wang.do("POST", "/api/form/x.matter/bulk/decide", map[string]any{"records": records}).want(400); p.text("title") != "“核决”要逐件办" {
			t.Errorf("a signature for many: %s", p.body)
		}
		wang.do("POST", "/api/form/x.matter/bulk/edit", map[string]any{"records": records}).want(400)
		wang.do("POST", "/api/form/x.matter/bulk/nothing", map[string]any{"records": records}).want(404)
		if s.digest() != before {
			t.Error("something changed")
		}
	})
	t.Run("OK", func(t *testing.T) {
		stale := map[string]any{"id": ids[4], "etag": "77"}
		given := append(append([]any{}, records[:4]...), stale, map[string]any{"id": ids[0]}, map[string]any{"id": "nothing"})
		r := wang.with("Idempotency-Key", "b1").do("POST", path, map[string]any{"records": given}).want(200)
		if r.text("done") != "3" || r.text("refused") != "3" || r.len("results") != 6 {
			t.Fatalf("%s", r.body)
		}
		if r.text("results", 0, "ok") != "true" || r.text("results", 0, "number") != "260301" {
			t.Errorf("first: %v", r.at("results", 0))
		}
		if p := r.at("results", 2, "problem"); r.text("results", 2, "problem", "group") != "require" || r.text("results", 2, "problem", "items", 0, "clause") != "x-9" || r.text("results", 2, "problem", "items", 0, "say", "zh") != "还没有金额" {
			t.Errorf("no amount: %v", p)
		}
		if r.text("results", 4, "problem", "kind") != "conflict" || r.text("results", 5, "problem", "kind") != "not_found" {
			t.Errorf("stale and unknown: %s", r.body)
		}
		// Sent again under the same key, what was done is answered again and what was refused is judged anew.
		again := wang.with("Idempotency-Key", "b1").do("POST", path, map[string]any{"records": records[:4]}).want(200)
		if again.text("done") != "3" || again.text("results", 0, "number") != "260301" || again.text("refused") != "1" {
			t.Errorf("again: %s", again.body)
		}
		if h := wang.do("GET", at+"/"+ids[1]+"/history", nil).want(200); h.text(0, "action") != "register" {
			t.Errorf("history: %s", h.body)
		}
	})
	t.Run("ErrWho", func(t *testing.T) {
		r := ma.do("POST", path, map[string]any{"records": []any{map[string]any{"id": ids[4]}}}).want(200)
		if r.text("results", 0, "problem", "group") != "who" || r.text("results", 0, "problem", "who_may", 0, "name") != "wang" {
			t.Errorf("not his: %s", r.body)
		}
		if r := lone.do("POST", path, map[string]any{"records": []any{map[string]any{"id": ids[4]}}}); r.status != 404 && r.text("results", 0, "problem", "kind") != "not_found" {
			t.Errorf("unseen: %s", r.body)
		}
	})
	t.Run("Common", func(t *testing.T) {
		a := s.Do("wang", "x.errand", "", "create", map[string]any{"what": "甲", "owner": s.ID("wang")}).Record
		b := s.Do("wang", "x.errand", "", "create", map[string]any{"what": "乙", "owner": s.ID("wang")}).Record
		r := wang.do("POST", "/api/form/x.errand/bulk/finish?dry=1", map[string]any{"records": []any{map[string]any{"id": a}}}).want(200)
		if r.text("done") != "1" || s.Column(s.table("x_errand"), a, "state") == "check" {
			t.Errorf("dry: %s", r.body)
		}
		wang.do("POST", "/api/form/x.errand/bulk/finish", map[string]any{"records": []any{map[string]any{"id": a}, map[string]any{"id": b}}, "reason": "一起办好"}).want(200)
		if h := wang.do("GET", "/api/form/x.errand/record/"+b+"/history", nil).want(200); !strings.Contains(h.text(0, "text", "zh"), "理由：一起办好") {
			t.Errorf("reason: %s", h.body)
		}
	})
	t.Run("ErrMerged", func(t *testing.T) { // what became one with another is done nothing to, nor taken up again, and each answer says where it went
		went := s.System("base.customer", map[string]any{"name": "仁和", "salesperson": s.ID("wang")})
		stays := s.System("base.customer", map[string]any{"name": "仁和公司", "salesperson": s.ID("wang")})
		wang.do("POST", "/api/form/base.customer/record/"+went+"/merge", map[string]any{"values": map[string]any{"merged_into": stays}, "reason": "同一家客户"}).want(200)
		r := wang.do("POST", "/api/form/base.customer/bulk/stop", map[string]any{"records": []any{map[string]any{"id": went}, map[string]any{"id": stays}}, "reason": "不再往来"}).want(200)
		if r.text("done") != "1" || r.text("results", 0, "problem", "group") != "state" || !strings.Contains(r.text("results", 0, "problem", "items", 0, "say", "zh"), "并入“K00003 仁和公司") || r.text("results", 1, "ok") != "true" {
			t.Errorf("many at once: %s", r.body)
		}
		for name, v := range map[string]map[string]any{"not_same": {"name": "仁和", "not_same": []any{went}}, "merged_into": {"name": "仁和", "merged_into": went}} {
			if r := wang.do("POST", "/api/form/base.customer/record", map[string]any{"values": v}); r.status != 400 {
				t.Errorf("a copy with its %s: %d %s", name, r.status, r.body)
			}
		}
		if r := wang.do("POST", "/api/form/base.sales_order/record", map[string]any{"values": map[string]any{"order_no": "A1", "customer": went}}); r.status != 400 || !strings.Contains(string(r.body), "K00003 仁和公司") {
			t.Errorf("a copy of its paper: %d %s", r.status, r.body)
		}
	})
}
