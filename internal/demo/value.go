package demo

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/engine"
	"zhanggui/internal/expr"
	"zhanggui/internal/rulebook"
)

// A value in a plan is a literal, a list to draw from, or a text that begins with:
//
//	@name            the record of that name
//	$draw.field      a field of a drawn record ("$draw" alone is the record itself)
//	#5..40           a whole number in a range; #100.00..900.00 an amount
//	-3d, +10d        a date so far from today
//	&form            any existing record of the form
//	%role            somebody who holds the role
//	^name.txt        a small file of that name
//
// Inside a list each member is one of these.
func (p *player) value(v any, draws map[string]drawn, t *rulebook.FieldType) any {
	switch x := v.(type) {
	case []any:
		if len(x) == 0 {
			return nil
		}
		if t != nil && t.Expr.Kind == expr.KList {
			out := make([]any, 0, len(x))
			for _, y := range x {
				out = append(out, p.value(y, draws, nil))
			}
			return out
		}
		return p.value(x[p.rnd.IntN(len(x))], draws, t)
	case string:
		return p.text(x, draws, t)
	case uint64:
		return p.plain(strconv.FormatUint(x, 10), int64(x), t)
	case int64:
		return p.plain(strconv.FormatInt(x, 10), x, t)
	case int:
		return p.plain(strconv.Itoa(x), int64(x), t)
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return v
}

func (p *player) plain(text string, n int64, t *rulebook.FieldType) any {
	if t != nil && t.Expr.Kind != expr.KInt {
		return text
	}
	return n
}

func (p *player) text(s string, draws map[string]drawn, t *rulebook.FieldType) any {
	if s == "" {
		return nil
	}
	switch s[0] {
	case '@':
		if id, ok := p.names[s[1:]]; ok {
			return id
		}
		panic(unplayable(fmt.Sprintf("%s is named and not there yet; a house that works with others of its group is played with the whole group", s)))
	case '$':
		name, field, has := strings.Cut(s[1:], ".")
		d, ok := draws[name]
		if !ok {
			panic(unplayable("nothing is drawn as " + name))
		}
		if !has {
			return d.id
		}
		if name == "row" { // as it stands in the plan
			return p.value(d.values[field], draws, t)
		}
		return d.values[field]
	case '#':
		lo, hi, ok := strings.Cut(s[1:], "..")
		if !ok {
			return s
		}
		if strings.Contains(lo, ".") {
			a, b := cents(lo), cents(hi)
			n := a + p.rnd.Int64N(b-a+1)
			return fmt.Sprintf("%d.%02d", n/100, n%100)
		}
		a, _ := strconv.ParseInt(lo, 10, 64)
		b, _ := strconv.ParseInt(hi, 10, 64)
		return p.plain(strconv.FormatInt(a+p.rnd.Int64N(b-a+1), 10), a+p.rnd.Int64N(b-a+1), t)
	case '&':
		if list := p.made[s[1:]]; len(list) > 0 {
			return list[p.rnd.IntN(len(list))].id
		}
		return nil
	case '%':
		if who := p.holders(s[1:]); len(who) > 0 {
			return who[p.rnd.IntN(len(who))]
		}
		return nil
	case '^':
		f, err := p.e.SaveFile(p.ctx, p.now, engine.Actor{Person: p.actor, System: p.actor == "", Origin: "demo"}, s[1:], "text/plain", strings.NewReader("样板附件 "+s[1:]))
		if err != nil {
			panic(unplayable(err.Error())) // the demonstration's own database refuses a file: nothing can go on
		}
		if t != nil && t.Name == "files" {
			return []any{f.ID}
		}
		return f.ID
	case '+', '-':
		if sp, err := calendar.ParseSpan(s[1:]); err == nil {
			n := int(sp.N)
			if s[0] == '-' {
				n = -n
			}
			at := p.now
			switch sp.Unit {
			case calendar.UnitHour:
				at = at.Add(time.Duration(n) * time.Hour)
			case calendar.UnitMinute:
				at = at.Add(time.Duration(n) * time.Minute)
			default:
				at = at.AddDate(0, 0, n)
			}
			if t != nil && t.Expr.Kind == expr.KDatetime {
				return at.UTC().Format("2006-01-02T15:04:05.000Z")
			}
			return calendar.DateOf(at, p.zone).String()
		}
	}
	return s
}

func cents(s string) int64 {
	whole, frac, _ := strings.Cut(s, ".")
	n, _ := strconv.ParseInt(whole, 10, 64)
	f, _ := strconv.ParseInt((frac + "00")[:2], 10, 64)
	return n*100 + f
}

// invent makes up a value for a field nobody wrote one for.
func (p *player) invent(f *rulebook.Field) any {
	t := f.Type
	switch t.Expr.Kind {
	case expr.KBool:
		return p.rnd.IntN(2) == 0
	case expr.KInt:
		return int64(1 + p.rnd.IntN(40))
	case expr.KMoney:
		return fmt.Sprintf("%d.00", 200+p.rnd.IntN(4000))
	case expr.KDecimal:
		return "1"
	case expr.KDate:
		return calendar.DateOf(p.now, p.zone).String()
	case expr.KDatetime:
		return p.now.UTC().Format("2006-01-02T15:04:05.000Z")
	case expr.KTime:
		return "10:30"
	case expr.KChoice:
		if len(t.Options) > 0 {
			return t.Options[p.rnd.IntN(len(t.Options))].ID
		}
	case expr.KObject:
		if t.Expr.Object == "base.person" {
			return p.anybody()
		}
		if list := p.made[t.Expr.Object]; len(list) > 0 {
			return list[p.rnd.IntN(len(list))].id
		}
		return nil
	case expr.KList:
		if t.Expr.Elem != nil && t.Expr.Elem.Kind == expr.KObject {
			if t.Expr.Elem.Object == "base.person" {
				return []any{p.anybody()}
			}
			if list := p.made[t.Expr.Elem.Object]; len(list) > 0 {
				return []any{list[p.rnd.IntN(len(list))].id}
			}
		}
		return []any{}
	}
	switch t.Name {
	case "phone":
		return fmt.Sprintf("138%08d", p.rnd.IntN(100000000))
	}
	return phrases[p.rnd.IntN(len(phrases))]
}

// phrases are what people write where a note is asked and the plan says nothing.
var phrases = []string{"已与现场核对，情况属实", "按规定办理", "资料齐全，同意上报", "已电话确认", "已现场查看", "见附件记录", "按上次会议意见处理"}

type drawn struct {
	id     string
	values map[string]any
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15)) }
