package engine_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// closingBook closes a field of the base's own register.
const closingBook = `
class:
  trusted: {label: 内部 | Internal, see: chief.has(me) || this.salesperson == me, mask: all, read_log: true, export: {per_day: 20, of: chief.has(me)}}
extend:
  customer: {class: {address: trusted}}
`

// Ensure that a regulation which closes a field of the shared register closes it on every way out for whoever is not named, from the day
// one unit adopts it, in all units since the register is everybody's; before that nothing is closed, and nothing is lost but the search.
func TestClosedField(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		files := maps.Clone(shopBook)
		files["x/closing.yaml"] = closingBook
		s := testkit.Open(t, testkit.Load(t, files), dsn, "2026-03-02 09:00")
		top := s.System("base.unit", map[string]any{"name": "集团"})
		works := s.System("base.unit", map[string]any{"name": "一厂", "parent": top})
		sister := s.System("base.unit", map[string]any{"name": "二厂", "parent": top})
		s.Unit = works
		s.Person("ma", "chief")
		s.Person("wang", "clerk")
		s.Unit = sister
		s.Person("jie")
		s.Unit = top
		s.Person("he", "admin")
		s.Person("qian")
		const at, then = "海滨路1号", "山前路2号"
		k := s.System("base.customer", map[string]any{"name": "仁和", "address": at, "salesperson": s.ID("qian")})
		s.Do("he", "base.customer", k, "edit", map[string]any{"address": then})

		ctx := context.Background()
		as := func(who string) engine.Actor { return engine.Actor{Person: s.ID(who)} }
		shown := func(who string) string {
			t.Helper()
			r, err := s.E.Record(ctx, s.Now, as(who), "base.customer", k)
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(r.Values["address"])
		}
		list := func(who string, q engine.ListQuery) (string, error) {
			t.Helper()
			q.Form, q.Fields = "base.customer", []string{"address"}
			p, err := s.E.List(ctx, s.Now, as(who), q)
			if err != nil {
				return "", err
			}
			return fmt.Sprint(p.Rows), nil
		}
		past := func(who string) string {
			t.Helper()
			h, err := s.E.History(ctx, s.Now, as(who), "base.customer", k)
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(h)
		}
		asks := map[string]engine.ListQuery{"filter": {Filter: "this.address == '" + then + "'"}, "sort": {Sort: "address"}}
		for _, who := range []string{"wang", "jie", "qian", "ma"} {
			if shown(who) != then || !strings.Contains(past(who), at) || !strings.Contains(past(who), then) {
				t.Errorf("%s, before anybody closed it: %s %s", who, shown(who), past(who))
			}
			for what, q := range asks {
				if text, err := list(who, q); err != nil || !strings.Contains(text, then) {
					t.Errorf("%s, before anybody closed it, %s: %s %v", who, what, text, err)
				}
			}
		}

		s.Do("he", "base.adoption", "", "create", map[string]any{"unit": works, "book": "x", "version": "1.0", "from": "2026-03-03", "reason": "施行"})
		s.Now = testkit.At(t, "2026-03-02 23:59")
		if shown("wang") != then {
			t.Error("closed a minute before the day")
		}
		s.Now = testkit.At(t, "2026-03-03 00:00")
		for _, who := range []string{"ma", "qian"} { // named by role, named by the record
			if shown(who) != then || !strings.Contains(past(who), at) {
				t.Errorf("%s, whom the class names: %s %s", who, shown(who), past(who))
			}
		}
		for _, who := range []string{"wang", "jie", "he"} {
			if x := shown(who); x != "{*** false}" {
				t.Errorf("%s reads %s", who, x)
			}
			if x := past(who); strings.Contains(x, at) || strings.Contains(x, then) || !strings.Contains(x, "***") {
				t.Errorf("%s reads in the history %s", who, x)
			}
			if x, err := list(who, engine.ListQuery{}); err != nil || strings.Contains(x, then) || !strings.Contains(x, "仁和") {
				t.Errorf("%s lists %s %v", who, x, err)
			}
			for what, q := range asks {
				if x, err := list(who, q); err == nil {
					t.Errorf("%s %s: %s", who, what, x)
				}
			}
			if x, err := list(who, engine.ListQuery{Q: "山前路"}); err != nil || strings.Contains(x, "仁和") {
				t.Errorf("%s finds %s %v", who, x, err)
			}
			var rows string
			err := s.E.Export(ctx, s.Now, as(who), engine.ListQuery{Form: "base.customer", Fields: []string{"address"}}, 100, func(*engine.Leaving) error { return nil }, func(r engine.Row) error {
				rows += fmt.Sprint(r)
				return nil
			})
			if err != nil || strings.Contains(rows, then) || !strings.Contains(rows, "仁和") {
				t.Errorf("%s takes %s %v", who, rows, err)
			}
		}

		// A record that was saved before anybody closed the field is found by it no more after the next start.
		err := s.DB.Write(ctx, func(tx *store.Tx) error {
			if _, err := tx.Update("base_customer", store.Row{"id": k}, store.Row{"search": "仁和 " + then}); err != nil {
				return err
			}
			return tx.Upsert("meta", []string{"key"}, store.Row{"key": "sealed", "value": ""})
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []bool{true, false, false} {
			x, err := list("wang", engine.ListQuery{Q: "山前路"})
			if err != nil || strings.Contains(x, "仁和") != want {
				t.Errorf("after %d starts it is found: %s %v", i, x, err)
			}
			if _, err := s.E.Secure(ctx, s.Now, nil); err != nil {
				t.Fatal(err)
			}
		}
		if x, err := list("wang", engine.ListQuery{Q: "仁和"}); err != nil || !strings.Contains(x, "仁和") {
			t.Errorf("by its name: %s %v", x, err)
		}

		s.Do("ma", "base.customer", k, "edit", map[string]any{"address": "江边路3号"}) // from now on the journal holds digests
		for who, want := range map[string]bool{"ma": true, "wang": false} {
			if x := past(who); strings.Contains(x, "江边路") != want {
				t.Errorf("%s reads in the history what he may read on the record: %v, %s", who, !want, x)
			}
		}
		s.Do("ma", "base.customer", k, "edit", map[string]any{"address": "湖滨路4号"})
		for _, who := range []string{"ma", "wang"} {
			if x := past(who); strings.Contains(x, "江边路") {
				t.Errorf("%s reads in the history what the journal was not to hold: %s", who, x)
			}
		}
	})
}
