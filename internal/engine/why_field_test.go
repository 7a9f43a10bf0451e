package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"zhanggui/internal/engine"
	"zhanggui/internal/testkit"
)

// graded is a regulation that grades by points: a level open to whoever sees the record, a tier for the chief alone, few places at the top.
var graded = map[string]string{
	"x/clauses.yaml": "x-1: {kind: gate, zh: 按分, en: By points}\nx-2: {kind: gate, zh: 名额, en: Places}\nx-3: {kind: record, zh: 主管定级, en: The chief grades}\n",
	"x/rulebook.yaml": `
rulebook: {id: x, short: x, title: 评级规定 | Rules, source: test, version: "1.0", admin: admin}
role: {clerk: {label: 办事员 | Clerk}, chief: {label: 主管 | Chief}}
class:
  inner: {label: 内部 | Inner, see: chief.has(me), mask: all}
  own: {label: 本人 | Own, see: "chief.has(me) || this.keeper == me"}
form:
  shop:
    label: 客户 | Shop
    title: this.name
    class: own
    field:
      name: {label: 名称 | Name, type: text}
      keeper: {label: 负责人 | Keeper, type: person}
      points: {label: 得分 | Points, type: int}
      secret: {label: 内部分 | Inner points, type: int, class: inner}
      total: {label: 总分 | Total, type: int, value: {is: "this.points * 2", clause: x-1}}
      level: {label: 等级 | Level, type: choice, options: [{id: top, label: 甲 | Top}, {id: usual, label: 乙 | Usual}], fixed: create}
      tier: {label: 级别 | Tier, type: choice, class: inner, options: [{id: a, label: A级 | A}, {id: b, label: B级 | B}], fixed: create}
    action:
      create: {fill: [name, keeper, points, secret], by: chief, do: [{set: {level: usual, tier: b}}]}
      raise: {label: 升级 | Raise, by: chief, require: [{that: "this.total >= 10 && this.secret >= 1", say: 分不够 | Too few, clause: x-1}], do: [{set: {level: top, tier: a}, clause: x-3}], again: true}
quota:
  few: {label: 甲级名额 | Top places, of: shop, where: "this.level == 'top'", base: "shop.count(s, s.points >= 0)", at_most: "floor(pct('50') * base)", clause: x-2}
ranking:
  best: {label: 名次 | Order, of: shop, by: [{desc: this.total}]}
`,
}

// Ensure that a grade tells who set it, when, by which clause, from what, on which figures and at what place among how many; that one who
// sees only his own record is told no number about the others, who may not read a figure is not told it, and a grade hidden from him
// does not exist for him.
func TestWhyField(t *testing.T) {
	lib := testkit.Load(t, graded)
	testkit.Databases(t, func(t *testing.T, dsn string) {
		s := testkit.Open(t, lib, dsn, "2026-03-02 09:00")
		s.Company("works", "x")
		s.Person("ma", "chief")
		s.Person("wang", "clerk")
		var all []string
		for i, keeper := range []string{"ma", "ma", "ma", "wang"} {
			all = append(all, s.Do("ma", "x.shop", "", "create", map[string]any{"name": fmt.Sprint("店", i), "keeper": s.ID(keeper), "points": 5 + i, "secret": 7}).Record)
		}
		s.Turn("2026-03-05 10:30")
		s.Do("ma", "x.shop", all[3], "raise", nil)
		why := func(who, field string) (string, error) {
			v, err := s.E.Why(context.Background(), s.Now, engine.Actor{Person: s.ID(who)}, "x.shop", all[3], "field:"+field)
			if err != nil {
				return "", err
			}
			lines := []string{v.Text.ZH}
			for _, x := range v.Steps {
				value := fmt.Sprint(x.Value)
				if w, ok := x.Value.(engine.Text); ok {
					value = w.ZH
				}
				lines = append(lines, x.Label.ZH+"："+value+" "+x.Clause)
			}
			return strings.Join(lines, "\n"), nil
		}
		figures := "总分（现在）：16 x-1\n得分（现在）：8 \n"
		inner := figures + "内部分（现在）：7 \n"
		rank, places := "名次（现在）：第 1 名，共 4 \n", "甲级名额（现在）：用了 1，最多 2（基数 4） x-2\n"
		past := func(to, from string) string {
			return "2026-03-05 10:30 ma “升级”：" + from + " → " + to + " x-3\n2026-03-02 09:00 ma “新增”：" + from + " "
		}
		head := func(field string) string {
			return "“" + field + "”是这样定的：2026-03-05 10:30 ma “升级”\n"
		}
		for _, c := range []struct{ who, field, want string }{
			{"ma", "level", head("等级") + inner + rank + places + past("甲", "乙")},
			{"ma", "tier", head("级别") + inner + rank + past("A级", "B级")},
			{"wang", "level", head("等级") + figures + past("甲", "乙")},
		} {
			got, err := why(c.who, c.field)
			if err != nil || got != c.want {
				t.Errorf("%s is told of %s:\n%s\n%v; should be\n%s", c.who, c.field, got, err, c.want)
			}
		}
		if got, err := why("wang", "tier"); err == nil {
			t.Errorf("wang is told of the tier: %s", got)
		}
	})
}
