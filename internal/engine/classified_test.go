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
      way: {label: 渠道 | Channel, type: choice, options: [{id: direct, label: 直销 | Direct}, {id: agent, label: 代理 | Agent}], class: house}
      account: {label: 账号 | Account, type: text, class: shown}
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
  shown: {label: 遮住的 | Masked, see: chief.has(me), mask: last4, reveal: {by: clerk, purpose: true}, read_log: true}
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

// Ensure that the history shows somebody of a closed value what the record shows him: the value to whom the class names, with a trace; its
// being changed to whom it is masked for, though the value comes back to what it is; nothing to others. What a digest alone is left of stays hidden.
func TestClassified_History(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		files := maps.Clone(shopBook)
		files["x/offer.yaml"] = offerBook
		s := testkit.Open(t, testkit.Load(t, files), dsn, "2026-03-02 09:00")
		s.Company("works", "x")
		s.Person("ma", "chief")
		s.Person("lin", "clerk")
		id := s.Do("ma", "x.offer", "", "create", map[string]any{"subject": "s", "floor": "100.00", "way": "direct", "account": "62220001"}).Record
		for _, v := range []map[string]any{{"floor": "200.00", "way": "agent", "account": "62229999"}, {"floor": "300.00", "account": "62220001"}, {"floor": "200.00"}} {
			s.Do("ma", "x.offer", id, "edit", v)
		}
		views := func() (n int) {
			err := s.DB.Read(t.Context(), func(tx *store.Tx) error {
				rows, err := tx.Select(query.Select{Table: "journal_entry", Alias: "e", Where: query.And(query.Eq("e", "record", id), query.Eq("e", "action", "view"))})
				n = len(rows)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		told := func(who string) (told string) {
			list, err := s.E.History(t.Context(), s.Now, engine.Actor{Person: s.ID(who)}, "x.offer", id)
			if err != nil {
				t.Fatal(err)
			}
			for i := len(list) - 1; i >= 0; i-- {
				for _, c := range list[i].Changes {
					if c.Field == "floor" || c.Field == "way" || c.Field == "account" {
						told += fmt.Sprintf("%s %v>%v ", c.Field, c.Old, c.New)
					}
				}
				told += "; "
			}
			return told
		}
		if got, want := told("ma"), "floor <nil>>{*** false} way <nil>>{直销 Direct} account <nil>>62220001 ; floor {*** false}>¥200.00 way {直销 Direct}>{代理 Agent} account 62220001>{*** false} ; floor ¥200.00>{*** false} account {*** false}>62220001 ; floor {*** false}>¥200.00 ; "; got != want {
			t.Errorf("whom the class names reads %s\nwanted %s", got, want)
		}
		if n := views(); n != 1 {
			t.Errorf("his reading left %d traces", n)
		}
		if page, err := s.E.Timeline(t.Context(), s.Now, engine.Actor{Person: s.ID("ma")}, "x.offer", id, engine.TimelineQuery{}); err != nil || !strings.Contains(fmt.Sprint(page), "62220001") || views() != 2 {
			t.Errorf("the timeline tells him %v, %v, and left %d traces", page, err, views())
		}
		if v, err := s.E.Why(t.Context(), s.Now, engine.Actor{Person: s.ID("ma")}, "x.offer", id, "field:account"); err != nil || !strings.Contains(fmt.Sprint(v), "62220001") || views() != 3 {
			t.Errorf("the reason tells him %v, %v, and left %d traces", v, err, views())
		}
		if got, want := told("lin"), "account <nil>>{*** false} ; account {*** false}>{*** false} ; account {*** false}>{*** false} ; ; "; got != want {
			t.Errorf("another reads %s\nwanted %s", got, want)
		}
		if n := views(); n != 3 {
			t.Errorf("who read nothing left a trace: %d", n)
		}
		if _, err := s.E.Reveal(t.Context(), s.Now, engine.Actor{Person: s.ID("lin")}, "x.offer", id, "account", "call back", ""); err != nil {
			t.Fatal(err)
		}
		if got, want := told("lin"), "account <nil>>{*** false} ; account {*** false}>{*** false} ; account {*** false}>{*** false} ; ; ; "; got != want {
			t.Errorf("what was revealed for one purpose stands in the history: %s", got)
		}
	})
}
