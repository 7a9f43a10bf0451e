package engine

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"zhanggui/internal/calendar"
	"zhanggui/internal/expr"
	"zhanggui/internal/fault"
	"zhanggui/internal/rulebook"
)

// Values, records and people in words, as people say them. Chinese is the language of what is stored
// (notices, copies, journal); labels carry both.

// people names persons as answers do.
func (w *work) people(ids []string) []Person {
	list := make([]Person, 0, len(ids))
	for _, id := range ids {
		p := Person{ID: id, Name: id}
		if x := w.world.people[id]; x != nil {
			p.Name, p.Post = x.name, x.post
			if u := w.world.units[x.unit]; u != nil {
				p.Unit = u.name
			}
		}
		away, stand := w.world.absentAt(id, w.now)
		p.Absent = away
		if away && stand != "" {
			p.StandIn = w.name(stand)
		}
		list = append(list, p)
	}
	return list
}

func (w *work) name(id string) string {
	if p := w.world.people[id]; p != nil && p.name != "" {
		return p.name
	}
	return id
}

func (w *work) names(ids []string) []string {
	list := make([]string, 0, len(ids))
	for _, id := range ids {
		list = append(list, w.name(id))
	}
	return list
}

// words says a value in Chinese.
func (w *work) words(v expr.Value, t rulebook.FieldType) string { return w.wordsIn(v, t, false) }

func (w *work) wordsIn(v expr.Value, t rulebook.FieldType, en bool) string {
	switch x := v.(type) {
	case nil:
		return ""
	case bool:
		return either(en, either(x, "Yes", "No"), either(x, "是", "否"))
	case string:
		if t.Name == "file" || t.Name == "files" {
			f, err := w.fileMeta(x)
			if err == nil {
				return f.Name
			}
			if fault.KindOf(err) == fault.NotFound && !w.e.opts.Quiet {
				return either(en, "(destroyed attachment)", "（已销毁的附件）")
			}
		}
		for _, o := range t.Options {
			if o.ID == x {
				l := textOr(o.Label, o.ID)
				return either(en, l.EN, l.ZH)
			}
		}
		if said := w.world.spoken[x]; en && said != "" && t.Name == "text" {
			return said
		}
		return x
	case expr.Money:
		return "¥" + thousands(expr.Format(x, expr.Of(expr.KMoney)))
	case expr.Decimal:
		if t.Name == "percent" {
			return rulebook.FormatLiteral(x, t) + "%"
		}
		return thousands(expr.Format(x, t.Expr))
	case int64:
		return strconv.FormatInt(x, 10)
	case time.Time:
		return x.In(w.world.calendar.Zone).Format("2006-01-02 15:04")
	case calendar.Span:
		return spanWords(x, en)
	case calendar.Period:
		zone := w.world.calendar.Zone
		return x.From.In(zone).Format("2006-01-02") + either(en, " ~ ", " 至 ") + x.To.Add(-time.Second).In(zone).Format("2006-01-02")
	case expr.Range:
		return x.First + "–" + x.Last
	case *Record:
		return w.label(x)
	case expr.Record:
		return x.ID()
	case expr.Who:
		return strings.Join(w.names(personIDs(x)), either(en, ", ", "、"))
	case []expr.Value:
		var parts []string
		for _, y := range x {
			parts = append(parts, w.wordsIn(y, rulebook.FieldType{Name: t.Name, Options: t.Options, Expr: elem(t.Expr)}, en))
		}
		return strings.Join(parts, either(en, ", ", "、"))
	}
	return expr.Format(v, t.Expr)
}

func elem(t expr.Type) expr.Type {
	if t.Elem != nil {
		return *t.Elem
	}
	return expr.Of(expr.KAny)
}

func either[T any](yes bool, a, b T) T {
	if yes {
		return a
	}
	return b
}

func thousands(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "−", s[1:]
	}
	whole, frac, has := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if has {
		whole += "." + frac
	}
	return sign + whole
}

var unitZH = map[calendar.Unit]string{"m": " 分钟", "h": " 小时", "d": " 天", "w": " 周", "mo": " 个月", "q": " 个季度", "y": " 年", "wm": " 工作分钟", "wh": " 工作小时", "wd": " 个工作日"}
var unitEN = map[calendar.Unit]string{"m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "q": "quarter", "y": "year", "wm": "working minute", "wh": "working hour", "wd": "working day"}

func spanWords(s calendar.Span, en bool) string {
	n := strconv.FormatInt(s.N, 10)
	if !en {
		return n + unitZH[s.Unit]
	}
	return n + " " + unitEN[s.Unit] + either(s.N == 1, "", "s")
}

// insertion is a path in a message, {this.number}.
var insertion = regexp.MustCompile(`\{([a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)*)\}`)

// insert fills a message's paths with values in words. A classified value never goes into a message:
// it is read by others than the one the class was asked for.
func (w *work) insert(msg string, s *expr.Scope) string {
	return w.inserted(msg, s, func(v expr.Value, f *rulebook.Field) string {
		if f.Class != nil {
			return mask(className(f), w.words(v, f.Type))
		}
		return w.words(v, f.Type)
	})
}

// insertOut fills the paths of a message to somebody outside. What a class keeps in the house the compiler lets into none.
func (w *work) insertOut(msg string, s *expr.Scope, en bool) string {
	return w.inserted(msg, s, func(v expr.Value, f *rulebook.Field) string {
		if k := f.Class; f.Inside || k != nil && (k.Class == nil || !k.Class.Outward) {
			return "***"
		}
		return w.wordsIn(v, f.Type, en)
	})
}

func (w *work) inserted(msg string, s *expr.Scope, say func(expr.Value, *rulebook.Field) string) string {
	if !strings.Contains(msg, "{") {
		return msg
	}
	return insertion.ReplaceAllStringFunc(msg, func(m string) string {
		v, f, ok := walk(m[1:len(m)-1], s)
		if !ok {
			return m
		}
		if f == nil {
			f = &rulebook.Field{Type: rulebook.FieldType{Expr: expr.Of(expr.KAny)}}
		}
		return say(v, f)
	})
}

func className(f *rulebook.Field) string {
	if f.Class == nil || f.Class.Class == nil {
		return "all"
	}
	return f.Class.Class.Mask
}

// walk follows a path of members and answers the value with the field it came from.
func walk(path string, s *expr.Scope) (expr.Value, *rulebook.Field, bool) {
	parts := strings.Split(path, ".")
	v, ok := s.Vars[parts[0]]
	if !ok {
		if v, ok = s.Vars["this"]; !ok {
			return nil, nil, false
		}
		parts = append([]string{"this"}, parts...)
	}
	var f *rulebook.Field
	for _, p := range parts[1:] {
		r, ok := v.(expr.Record)
		if !ok || r == nil {
			return nil, nil, v == nil
		}
		switch x := r.(type) {
		case *Record:
			f = x.form.Field(p)
		case *Line:
			f = x.line.Field(p)
		default:
			f = nil
		}
		var err error
		if v, err = r.Get(p); err != nil {
			return nil, nil, false
		}
	}
	return v, f, true
}

// headline is number and title.
func (w *work) headline(r *Record) string {
	if r == nil {
		return ""
	}
	t := w.title(r)
	n := r.Number()
	switch {
	case n == "":
		return first(t, r.form.Label.ZH)
	case t == "" || t == n:
		return n
	}
	return n + " " + t
}

// label is how a reference to the record reads: its title, else its number.
func (w *work) label(r *Record) string {
	if r == nil {
		return ""
	}
	if r.form.Key == "base.person" {
		return w.nameOf(r)
	}
	return first(w.title(r), r.Number(), r.id)
}

func (w *work) nameOf(r *Record) string {
	if f := r.form.Field("name"); f == nil || f.Class != nil {
		return r.id
	}
	if s, ok := r.row["name"].(string); ok && s != "" {
		return s
	}
	return r.id
}

// title is the text beside the number: what the form declares, else its first text field. A title that
// would read a classified field gives way to the number: titles go everywhere.
func (w *work) title(r *Record) string {
	if r.form.Report != nil {
		return reportTitle(r)
	}
	if t := w.namedTitle(r); t != "" {
		return t
	}
	if r.form.Title != nil {
		secret := false
		s := w.scope(r, w.view(r), nil)
		s.Read = func(path string, _ expr.Value) { secret = secret || w.classifiedPath(r.form, path) }
		v, err := r.form.Title.Eval(s)
		if err == nil && !secret && v != nil {
			t := rulebook.FieldType{Expr: r.form.Title.Type()}
			if f := r.form.Field(strings.TrimPrefix(r.form.Title.Text(), "this.")); f != nil { // a choice is said by its label
				t = f.Type
			}
			return w.words(v, t)
		}
		if secret {
			return ""
		}
	}
	for _, f := range r.form.Fields {
		if f.Type.Name == "text" && f.Class == nil && !live(f) {
			if s := str(r.row[f.ID]); s != "" {
				return s
			}
		}
	}
	return ""
}
