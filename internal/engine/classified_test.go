package engine_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/query"
	"zhanggui/internal/store"
	"zhanggui/internal/testkit"
)

// offerBook is a form with values that are nobody's personal data and yet not for everybody.
const offerBook = `
form:
  offer:
    label: 报价 | Offer
    number: {pattern: "O{n:4}", upon: create}
    field:
      subject: {label: 事由 | Subject, type: text}
      rival: {label: 对手 | Rival, type: text, class: house}
      floor: {label: 底价 | Floor, type: money, class: house}
    line:
      part:
        label: 部件 | Part
        field:
          source: {label: 来源 | Source, type: text, class: house}
    state: {open: 有效 | Open}
    action:
      create: {}
      edit: {do: [{notify: chief, text: "底价 {this.floor}，{this.rival} | Floor {this.floor}, {this.rival}"}]}
gate:
  high: {acts: [offer.edit], that: "this.floor < money('9000000000')", say: 太高 | Too high}
class:
  house: {label: 内部 | In the house, see: chief.has(me)}
`

// Ensure that the journal, which is kept for ever and read by auditors, tells of what a class hides that it was written and by whom, and
// in no entry what: not when it is filed, changed, or refused.
func TestClassified_Journal(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		files := maps.Clone(shopBook)
		files["x/offer.yaml"] = offerBook
		s := testkit.Open(t, testkit.Load(t, files), dsn, "2026-03-02 09:00")
		s.Company("works", "x")
		s.Person("ma", "chief")
		out, err := s.E.Do(context.Background(), s.Now, engine.Act{Form: "x.offer", Action: "create", Actor: engine.Actor{Person: s.ID("ma"), Origin: "api"},
			Values: map[string]any{"subject": "CanaryOpen", "rival": "CanaryRival", "floor": "7310453798.37"},
			Lines:  map[string][]map[string]any{"part": {{"source": "CanarySource"}}}})
		if err != nil {
			t.Fatal(err)
		}
		s.Do("ma", "x.offer", out.Record, "edit", map[string]any{"rival": "CanaryOther", "floor": "7310453798.38"})
		if _, err := s.Try("ma", "x.offer", out.Record, "edit", map[string]any{"rival": "CanaryThird", "floor": "9310453798.39"}); err == nil {
			t.Error("the gate is open")
		}
		var bodies string
		err = s.DB.Read(context.Background(), func(tx *store.Tx) error {
			rows, err := tx.Select(query.Select{Table: "journal_entry", Alias: "e", Where: query.Eq("e", "form", "x.offer")})
			for _, r := range rows {
				bodies += fmt.Sprintf("%s\n", r["body"])
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for value, want := range map[string]bool{"CanaryOpen": true, "CanaryRival": false, "CanarySource": false, "CanaryOther": false, "CanaryThird": false,
			"731045379837": false, "7310453798.37": false, "731045379838": false, "7310453798.38": false, "931045379839": false, "9310453798.39": false} {
			if strings.Contains(bodies, value) != want {
				t.Errorf("%s in the journal: %v\n%s", value, !want, bodies)
			}
		}
	})
}
