package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/testkit"
)

var receiptBook = map[string]string{
	"x/rulebook.yaml": `rulebook: {id: x, short: x, title: 试 | Trial, version: "1.0", language: 1, needs: [base]}`,
	"x/clauses.yaml":  "x-1: {kind: gate, zh: 收料与订单核对, en: receipts are matched with orders}\nx-2: {kind: access, zh: 价格只给主管看, en: prices are for the chief}\n",
	"x/forms.yaml": `
role: {clerk: {label: 办事员 | Clerk}, chief: {label: 主管 | Chief}}
class: {price: {label: 价格 | Price, see: chief.has(me), mask: all, clause: x-2}}
form:
  demand:
    label: 订单 | Order
    title: this.subject
    field:
      subject: {label: 事由 | Subject, type: text}
      total: {label: 总数 | Total, type: quantity}
      amount: {label: 金额 | Amount, type: money, class: price}
    line:
      parts: {label: 明细 | Parts, field: {name: {label: 品名 | Name, type: text}, ordered: {label: 订购 | Ordered, type: quantity}, cost: {label: 单价 | Price, type: money, class: price}}}
    action: {create: {by: [clerk, chief]}, edit: {by: chief}}
  receipt:
    label: 收料单 | Receipt
    title: this.demand.subject
    field:
      demand: {label: 订单 | Order, type: demand, fixed: create}
      amount: {label: 金额 | Amount, type: money}
    line:
      parts: {label: 明细 | Parts, field: {name: {label: 品名 | Name, type: text}, came: {label: 实收 | Came, type: quantity}, cost: {label: 单价 | Price, type: money}}}
    state: {draft: 草稿 | Draft, counted: 已点收 | Counted, matched: {label: 已核对 | Matched, final: true}}
    action:
      create: {by: [clerk, chief]}
      count: {label: 点收 | Count, from: draft, to: counted, by: clerk}
      match: {label: 核对 | Match, from: counted, to: matched, by: clerk, clause: x-1}
    compare:
      papers:
        label: 订单与收料单 | Order and receipt
        one: 订单 | Order
        other: 收料单 | Receipt
        action: match
        clause: x-1
        row:
          - {label: 数量 | Quantity, one: this.demand.parts.ordered, other: this.parts.came, by: name}
          - {label: 合计 | In all, one: this.demand.total, other: this.parts.came}
          - {one: this.demand.amount, other: this.amount}
          - {label: 单价 | Price, one: this.demand.parts.cost, other: this.parts.cost, by: name}
`}

// told writes a comparison as one reads it: label key one/other with = for equal, ≠ for unequal, ? for what is not told.
func told(c engine.Comparison) string {
	var list []string
	for _, x := range c.Rows {
		sign := "?"
		if x.Equal != nil {
			sign = map[bool]string{true: "=", false: "≠"}[*x.Equal]
		}
		show := func(v any) any {
			if m, ok := v.(engine.Masked); ok {
				return m.Masked
			}
			return v
		}
		key := ""
		if x.Key != nil {
			key = fmt.Sprint(x.Key)
		}
		list = append(list, fmt.Sprintf("%s%s %v%s%v", x.Label.ZH, key, show(x.One), sign, show(x.Other)))
	}
	return strings.Join(list, "; ")
}

// Ensure that two papers are compared line by line, what differs first, from the state on where one of the ways starts;
// that no rows are nothing, that rows of one key are summed up, and that a figure one may not read tells nothing, not by its sum either.
func TestCompare(t *testing.T) {
	lib := testkit.Load(t, receiptBook)
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, lib, dsn, "2026-03-02 09:00")
		s.Company("works", "x")
		s.Person("wang", "clerk")
		s.Person("lin", "chief", "clerk")
		line := func(kv ...any) map[string]any {
			m := map[string]any{}
			for i := 0; i < len(kv); i += 2 {
				m[kv[i].(string)] = kv[i+1]
			}
			return m
		}
		file := func(form string, values map[string]any, rows ...map[string]any) string {
			t.Helper()
			out, err := s.E.Do(context.Background(), s.Now, engine.Act{Form: form, Action: "create", Actor: engine.Actor{Person: s.ID("lin")}, Values: values,
				Lines: map[string][]map[string]any{"parts": rows}})
			if err != nil {
				t.Fatal(err)
			}
			return out.Record
		}
		look := func(who, id string) *engine.RecordView {
			t.Helper()
			v, err := s.E.Record(context.Background(), s.Now, engine.Actor{Person: s.ID(who)}, "x.receipt", id)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		demand := file("x.demand", map[string]any{"subject": "法兰", "total": "30", "amount": "90.00"},
			line("name", "轴", "ordered", "10", "cost", "3.00"), line("name", "盖", "ordered", "20", "cost", "3.00"), line("name", "垫", "ordered", "0"))
		id := file("x.receipt", map[string]any{"demand": demand, "amount": "90.00"},
			line("name", "轴", "came", "4", "cost", "3.00"), line("name", "盖", "came", "20.001", "cost", "3.00"), line("name", "轴", "came", "6"), line("name", "销", "came", "0.5"))
		if v := look("lin", id); len(v.Compare) != 0 {
			t.Errorf("compared before it was counted: %v", v.Compare)
		}
		s.Do("wang", "x.receipt", id, "count", nil)
		v := look("lin", id)
		if len(v.Compare) != 1 {
			t.Fatalf("%d comparisons", len(v.Compare))
		}
		c := v.Compare[0]
		if want := "数量盖 20.000≠20.001; 数量销 <nil>≠0.500; 合计 30.000≠30.501; 数量轴 10.000=10.000; 数量垫 0.000=<nil>; 金额 90.00=90.00; 单价轴 3.00=3.00; 单价盖 3.00=3.00"; told(c) != want {
			t.Errorf("%s\nwanted %s", told(c), want)
		}
		if c.Unequal != 3 || strings.Join(c.Actions, " ") != "match" || c.Clause != "x-1" || c.One.EN != "Order" {
			t.Errorf("%d unequal, ways %v, clause %s, %v", c.Unequal, c.Actions, c.Clause, c.One)
		}
		// Who may not read the order's prices learns neither them nor whether they agree.
		c = look("wang", id).Compare[0]
		if want := "数量盖 20.000≠20.001; 数量销 <nil>≠0.500; 合计 30.000≠30.501; 金额 ***?90.00; 单价 ***?***; 数量轴 10.000=10.000; 数量垫 0.000=<nil>"; told(c) != want || c.Unequal != 3 {
			t.Errorf("%s\nwanted %s", told(c), want)
		}
		s.Do("wang", "x.receipt", id, "match", nil)
		if v := look("wang", id); len(v.Compare) != 1 { // afterwards it can still be seen what was matched
			t.Error("gone once it was matched")
		}
		if v := look("wang", file("x.receipt", map[string]any{"amount": "1.00"})); len(v.Compare) != 0 {
			t.Errorf("compared with no order: %v", v.Compare)
		}
	})
}
