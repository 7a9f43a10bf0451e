package engine_test

import (
	"context"
	"encoding/json"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// P15: Ensure that no list leaves while the last verification found something, and lists leave again once one finds nothing.
func TestExport_Mistrusted(t *testing.T) {
	lib := testkit.Load(t, map[string]string{"x/rulebook.yaml": `
rulebook: {id: x, title: 例 | Example, version: "1.0", needs: [base]}
form:
  paper: {label: 单 | Paper, field: {text: {label: 内容 | Text, type: text}}}
`})
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, lib, dsn, "2026-03-02 09:00")
		s.Unit = s.Company("works", "x")
		s.Person("wang")
		s.Do("wang", "x.paper", "", "create", map[string]any{"text": "甲"})
		for _, x := range []struct {
			result string
			leaves bool
		}{{"", true}, {"record differs: x.paper", false}, {"ok", true}} {
			if x.result != "" {
				b, err := json.Marshal(engine.LogCheck{Result: x.result})
				if err != nil {
					t.Fatal(err)
				}
				if err := s.DB.Write(context.Background(), func(tx *store.Tx) error {
					return tx.Upsert("meta", []string{"key"}, store.Row{"key": engine.MetaVerified, "value": string(b)})
				}); err != nil {
					t.Fatal(err)
				}
			}
			rows := 0
			err := s.E.Export(context.Background(), s.Now, engine.Actor{Person: s.ID("wang")}, engine.ListQuery{Form: "x.paper"}, 1000,
				func(*engine.Leaving) error { return nil }, func(engine.Row) error { rows++; return nil })
			if _, refused := engine.AsRefusal(err); x.leaves && (err != nil || rows != 1) || !x.leaves && (!refused || rows != 0) {
				t.Errorf("after %q: %d rows, %v", x.result, rows, err)
			}
		}
	})
}
