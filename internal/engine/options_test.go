package engine_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"zhanggui/internal/engine"
	"zhanggui/internal/testkit"
)

var counter = map[string]string{"d/rulebook.yaml": `rulebook: {id: d, title: 柜台 | Desk, version: "1.0", needs: [base]}
role:
  clerk: {label: 办事员 | Clerk}
  boss: {label: 主管 | Boss}
class:
  shut: {label: 密 | Shut, see: boss.has(me)}
form:
  good:
    label: 货 | Good
    title: this.name
    field: {name: {label: 名 | Name, type: text}}
    action: {create: {fill: [name]}}
  buy:
    label: 单 | Order
    title: this.code
    field:
      code: {label: 号 | Code, type: text}
      customer: {label: 客户 | Customer, type: customer}
      agent: {label: 代理 | Agent, type: customer, class: shut}
    line: {goods: {label: 货 | Goods, field: {good: {label: 货 | Good, type: good}}}}
    action: {create: {fill: [code, customer, agent]}}
  claim:
    label: 诉 | Claim
    field:
      customer: {label: 客户 | Customer, type: customer}
      agent: {label: 代理 | Agent, type: customer}
      buy: {label: 单 | Order, type: buy}
      good: {label: 货 | Good, type: good}
    action: {create: {fill: [customer, agent, buy, good]}}
`}

// Ensure that what a field may hold begins with what agrees with the values beside it, and that asking so tells nothing
// of a field the reader may not see.
func TestOptions_WhatAgreesComesFirst(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, testkit.Load(t, counter), dsn, "2026-03-02 09:00")
		s.Company("office", "d")
		s.Person("kang", "clerk")
		s.Person("guan", "boss")
		make := func(form string, v map[string]any, goods ...map[string]any) string {
			act := engine.Act{Form: form, Action: "create", Actor: engine.Actor{Person: s.ID("guan"), Origin: "api"}, Values: v}
			if len(goods) > 0 {
				act.Lines = map[string][]map[string]any{"goods": goods}
			}
			out, err := s.E.Do(context.Background(), s.Now, act)
			if err != nil {
				t.Fatal(err)
			}
			return out.Record
		}
		a, b := s.System("base.customer", map[string]any{"code": "K1", "name": "甲"}), s.System("base.customer", map[string]any{"code": "K2", "name": "乙"})
		bolt, nut := make("d.good", map[string]any{"name": "栓"}), make("d.good", map[string]any{"name": "母"})
		first := make("d.buy", map[string]any{"code": "1", "customer": a, "agent": b}, map[string]any{"good": nut})
		s.Now = s.Now.Add(time.Minute)
		make("d.buy", map[string]any{"code": "2", "customer": b, "agent": a}, map[string]any{"good": bolt})
		ask := func(who, field, q string, beside map[string]string) string {
			list, err := s.E.Options(context.Background(), s.Now, engine.Actor{Person: s.ID(who), Origin: "api"}, "d.claim", field, "", "", q, beside)
			if err != nil {
				t.Fatal(err)
			}
			var words []string
			for _, o := range list {
				word := o.Label
				if o.Fits {
					word += "!"
				}
				words = append(words, word)
			}
			return strings.Join(words, " ")
		}
		for _, x := range []struct {
			who, field, q string
			beside        map[string]string
			want          string
		}{
			{"kang", "buy", "", nil, "2 1"},
			{"kang", "buy", "", map[string]string{"customer": a}, "1! 2"},
			{"kang", "buy", "2", map[string]string{"customer": a}, "2"},
			{"kang", "buy", "", map[string]string{"customer": "nobody"}, "2 1"},
			{"kang", "buy", "", map[string]string{"nothing": a}, "2 1"},
			{"kang", "good", "", map[string]string{"buy": first}, "母! 栓"},
			{"guan", "buy", "", map[string]string{"agent": b}, "1! 2"},
			{"kang", "buy", "", map[string]string{"agent": b}, "2 1"}, // who the agent is, a clerk does not see
		} {
			if got := ask(x.who, x.field, x.q, x.beside); got != x.want {
				t.Errorf("%s asks for %s (%q) beside %v: %s, want %s", x.who, x.field, x.q, x.beside, got, x.want)
			}
		}
	})
}
